/* Eight threads that ask one cache for the same kernels and for different ones. */
#include <pthread.h>

#include "kernel/fixture.h"

enum { THREADS = 8, KERNELS = 3 };

typedef struct worker {
    pthread_t thread;
    sni_kernel_cache *cache;
    pthread_barrier_t *start;
    int number;
    sni_program *programs[KERNELS];
    sinter_status status;
    bool failed_as_it_must;
} worker;

/* All threads ask for the same kernels in the same order, and each for one of its own and for one
 * that does not compile. Checks are made by the main thread, because check is not for threads. */
static void *work(void *context) {
    worker *w = context;
    char text[256];
    pthread_barrier_wait(w->start);
    sni_program *broken = NULL;
    sni_program_source bad = {.text = "__kernel void add( {", .entry = "add"};
    w->failed_as_it_must = sni_program_build(w->cache, &bad, &broken) == SINTER_BUILD && !broken &&
                           strstr(sinter_last_error(), "kernel:1") != NULL;
    for (int i = 0; i < KERNELS && w->status == SINTER_OK; ++i) {
        fixture_source(i == KERNELS - 1 ? 100 + w->number : i, text, sizeof text);
        sni_program_source source = {.text = text, .entry = "add"};
        w->status = sni_program_build(w->cache, &source, &w->programs[i]);
        if (w->status != SINTER_OK) break;
        sni_launch *launch = NULL;
        w->status = sni_launch_create(w->programs[i], &launch);
        sni_launch_release(launch);
        sni_program_launched(w->programs[i]);
    }
    return NULL;
}

static void run_workers(sni_kernel_cache *cache, worker workers[THREADS]) {
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; ++i) {
        workers[i] = (worker){.cache = cache, .start = &start, .number = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
}

START_TEST(threads_share_builds) {
    fixture_begin();
    for (int round = 0; round < 2; ++round) {
        sni_kernel_cache *cache = fixture_cache(fixture_dir);
        worker workers[THREADS];
        run_workers(cache, workers);
        for (int i = 0; i < THREADS; ++i) {
            ck_assert_int_eq(workers[i].status, SINTER_OK);
            ck_assert(workers[i].failed_as_it_must);
            for (int k = 0; k < KERNELS; ++k) {
                bool own = k == KERNELS - 1;
                if (!own) ck_assert_ptr_eq(workers[i].programs[k], workers[0].programs[k]);
                fixture_run(workers[i].programs[k], own ? 100 + i : k);
                sni_program_release(workers[i].programs[k]);
            }
        }
        sni_kernel_cache_stats stats = fixture_stats(cache);
        ck_assert_uint_eq(stats.compiled, round ? 0 : THREADS + KERNELS - 1);
        ck_assert_uint_eq(stats.loaded, round ? THREADS + KERNELS - 1 : 0);
        ck_assert_uint_eq(stats.rejected, 0);
        sni_kernel_cache_release(cache);
    }
    fixture_end();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("threads");
    tcase_add_test(cases, threads_share_builds);
    return fixture_main(cases, "kernel threads");
}
