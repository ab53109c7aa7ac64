#include "base/forked.h"

#include <pthread.h>

static int forked; /* atomic */

static void in_child(void) {
    __atomic_store_n(&forked, 1, __ATOMIC_RELAXED);
}

static void install(void) {
    pthread_atfork(NULL, NULL, in_child);
}

void sni_fork_watch(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

bool sni_forked(void) {
    return __atomic_load_n(&forked, __ATOMIC_RELAXED) != 0;
}

sinter_status sni_check_process(void) {
    if (!sni_forked()) return SINTER_OK;
    return sni_fail(SINTER_UNSUPPORTED,
                    "this process was forked from one that used OpenCL, whose drivers do not work in "
                    "a child: fork before the first call, or let the child exec");
}
