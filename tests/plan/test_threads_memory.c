/* A service whose sizes change with every call: four threads, 10,000 runs of one plan, and memory stays flat; and a
 * plan that is released while another thread runs it. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sinter/sinter.h>

#define THREADS 4
#define RUNS 10000
#define MOST_ROWS 16384
#define COLUMNS 64

static sinter_runtime *runtime;
static sinter_plan *plan;
static uint64_t arena_per_row;
static uint64_t need_now, need_peak; /* bytes of the runs in flight, and their most: atomic */
static int runs_left;                /* atomic */
static long resident_early;          /* pages, when a quarter of the runs was over */

static long resident_pages(void) {
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
        fclose(file);
    }
    return resident;
}

/* x [rows, 4] times 4 x 64, softmax of the rows, sum of the columns: every step's result but the last is a temporary. */
static sinter_plan *compile(void) {
    static float w[4 * COLUMNS];
    sinter_graph *g;
    sinter_plan *p;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    for (int i = 0; i < 4 * COLUMNS; ++i) w[i] = (float)(i % 7) * 0.125f - 0.25f;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("rows"), 4));
    sinter_value h = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(4, COLUMNS), w, sizeof w));
    sinter_output(g, "y", sinter_reduce_sum(g, sinter_softmax(g, h, 1), SINTER_SHAPE(0), 0));
    if (sinter_plan_compile(runtime, g, NULL, &p) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    sinter_graph_release(g);
    return p;
}

/* Every row of a softmax sums to 1, so the columns' sums do to the number of rows. */
static const char *run_once(float *x, int64_t rows) {
    float y[COLUMNS];
    sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(rows, 4), x, (size_t)rows * 16),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    if (sinter_plan_run(plan, b, 2) != SINTER_OK) return sinter_last_error();
    double sum = 0;
    for (int c = 0; c < COLUMNS; ++c) sum += (double)y[c];
    return fabs(sum - (double)rows) <= 1e-4 * (double)rows ? NULL : "a wrong number";
}

static void raise_to(uint64_t *peak, uint64_t value) {
    uint64_t before = __atomic_load_n(peak, __ATOMIC_RELAXED);
    while (before < value &&
           !__atomic_compare_exchange_n(peak, &before, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void *work(void *argument) {
    uint64_t random = 0x9e3779b97f4a7c15ull * ((uint64_t)(uintptr_t)argument + 1);
    float *x = calloc(MOST_ROWS * 4, sizeof *x);
    const char *wrong = x ? NULL : "out of memory";
    for (size_t i = 0; x && i < MOST_ROWS * 4; ++i) x[i] = (float)(i % 13) * 0.25f;
    int left;
    while (!wrong && (left = __atomic_sub_fetch(&runs_left, 1, __ATOMIC_RELAXED)) >= 0) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        double u = (double)(random >> 11) / 9007199254740992.0;
        int64_t rows = 1 + (int64_t)(u * u * u * (MOST_ROWS - 1)); /* small ones mostly, now and then a large one */
        uint64_t need = (uint64_t)rows * (16 + arena_per_row) + COLUMNS * 4;
        raise_to(&need_peak, __atomic_add_fetch(&need_now, need, __ATOMIC_RELAXED));
        wrong = run_once(x, rows);
        __atomic_sub_fetch(&need_now, need, __ATOMIC_RELAXED);
        if (left == RUNS * 3 / 4) __atomic_store_n(&resident_early, resident_pages(), __ATOMIC_RELAXED);
    }
    free(x);
    return (void *)wrong;
}

START_TEST(memory_stays_flat_while_sizes_change) {
    pthread_t threads[THREADS];
    static float x[1024 * 4];
    sinter_plan_stats stats;
    ck_assert_int_eq(sinter_runtime_create(NULL, &runtime), SINTER_OK);
    plan = compile();
    ck_assert_ptr_null(run_once(x, 1024));
    sinter_plan_get_stats(plan, &stats);
    arena_per_row = stats.bytes_peak / 1024;
    ck_assert_uint_ge(arena_per_row, COLUMNS * 4);
    runs_left = RUNS;
    for (long i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; ++i) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong) ck_abort_msg("thread %d: %s", i, (const char *)wrong);
    }
    sinter_runtime_stats memory;
    sinter_runtime_get_stats(runtime, &memory);
    uint64_t held = memory.bytes_in_use + memory.bytes_idle;
    long grown = (resident_pages() - resident_early) * sysconf(_SC_PAGESIZE);
    printf("held %llu bytes at the end and %llu at most in use, needed %llu at most; resident memory grew by %ld\n",
           (unsigned long long)held, (unsigned long long)memory.bytes_peak, (unsigned long long)need_peak, grown);
    ck_assert_uint_le(held, need_peak + need_peak / 2);
    ck_assert_uint_le(memory.bytes_peak, need_peak + need_peak / 2);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_int_lt(grown, 32 << 20);
#endif
    /* Nothing but the weights is in use, and everything else can be given back. */
    ck_assert_uint_le(memory.bytes_in_use, 4096);
    sinter_runtime_trim(runtime, 0);
    sinter_runtime_get_stats(runtime, &memory);
    ck_assert_uint_eq(memory.bytes_idle, 0);
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
}
END_TEST

static void *run_and_tell(void *argument) {
    static float x[MOST_ROWS * 4];
    int *begun = argument;
    static float y[COLUMNS];
    sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(MOST_ROWS, 4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    sinter_event *event = NULL;
    if (sinter_plan_run_async(plan, b, 2, &event) != SINTER_OK) return "the run failed";
    __atomic_store_n(begun, 1, __ATOMIC_RELEASE);
    usleep(20000); /* the plan is released meanwhile */
    if (sinter_event_wait(event) != SINTER_OK) return "the wait failed";
    return fabsf(y[0] - MOST_ROWS / 64.0f) < 1 ? NULL : "a wrong number";
}

START_TEST(release_while_another_thread_has_a_run) {
    pthread_t thread;
    int begun = 0;
    void *wrong;
    ck_assert_int_eq(sinter_runtime_create(NULL, &runtime), SINTER_OK);
    plan = compile();
    pthread_create(&thread, NULL, run_and_tell, &begun);
    while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE)) usleep(1000);
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
    pthread_join(thread, &wrong);
    if (wrong) ck_abort_msg("%s", (const char *)wrong);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads and memory");
    TCase *tc = tcase_create("threads and memory");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, memory_stays_flat_while_sizes_change);
    tcase_add_test(tc, release_while_another_thread_has_a_run);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
