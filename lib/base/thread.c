#include "base/thread.h"

#include <stdatomic.h>
#include <time.h>

int64_t sni_time_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* On the clock of sni_time_ns, which nobody sets. */
int sni_condition_init(sni_condition *condition) {
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error) return error;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}

void sni_condition_wait_until(sni_condition *condition, sni_mutex *mutex, int64_t time_ns) {
    struct timespec until = {.tv_sec = time_ns / 1000000000, .tv_nsec = time_ns % 1000000000};
    pthread_cond_timedwait(condition, mutex, &until);
}

uint64_t sni_thread_number(void) {
    static atomic_uint_least64_t last;
    static __thread uint64_t number;
    if (!number) number = atomic_fetch_add(&last, 1) + 1;
    return number;
}
