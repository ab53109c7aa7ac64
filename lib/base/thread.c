#include "base/thread.h"

#include <stdatomic.h>
#include <time.h>

int64_t sni_time_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t sni_thread_number(void) {
    static atomic_uint_least64_t last;
    static __thread uint64_t number;
    if (!number) number = atomic_fetch_add(&last, 1) + 1;
    return number;
}
