/* Threads share a plan's state: their runs happen one after the other, so every one counts. */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <sinter/sinter.h>

#define THREADS 6
#define RUNS 40
#define N 1000

static sinter_runtime *runtime;
static sinter_plan *plans[2];
static sinter_buffer *shared;

/* s += x in two kernels with a product between them, so that two runs could mix. */
static sinter_plan *compile(void) {
    static float one = 1;
    sinter_graph *g;
    sinter_plan *p;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(N, 1)),
                 x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(N, 1));
    sinter_value sum = sinter_add(g, s, x);
    sinter_value same = sinter_matmul(
        g, sum,
        sinter_expand(g, sinter_constant(g, SINTER_F32, SINTER_SHAPE(1, 1), &one, sizeof one), SINTER_SHAPE(1, 1)));
    sinter_output(g, "y", sinter_state_write(g, s, same, NULL, 0));
    if (sinter_plan_compile(runtime, g, NULL, &p) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    sinter_graph_release(g);
    return p;
}

static void *work(void *argument) {
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    const char *wrong = x && y ? NULL : "out of memory";
    for (int i = 0; x && i < N; ++i) x[i] = 1;
    float before = 0;
    for (int run = 0; run < RUNS && !wrong; ++run) {
        sinter_binding b[3] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(N, 1), x, N * sizeof *x),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, N * sizeof *y),
                               {"s", SINTER_F32, SINTER_SCALAR, NULL, 0, shared}};
        if (sinter_plan_run(plans[((intptr_t)argument + run) % 2], b, 3) != SINTER_OK) wrong = sinter_last_error();
        if (y[0] <= before) wrong = "a run's sum was not more than the one before";
        before = y[0];
        for (int i = 1; i < N && !wrong; ++i)
            if (y[i] != y[0]) wrong = "runs mixed";
    }
    free(x);
    free(y);
    return (void *)(uintptr_t)wrong;
}

START_TEST(runs_that_share_a_state_are_serialised) {
    static float data[N];
    pthread_t threads[THREADS];
    ck_assert_int_eq(sinter_runtime_create(NULL, &runtime), SINTER_OK);
    for (int i = 0; i < 2; ++i) plans[i] = compile();
    ck_assert_int_eq(sinter_buffer_create(runtime, sizeof data, &shared), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_write(shared, 0, data, sizeof data), SINTER_OK);
    for (long i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; ++i) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong) ck_abort_msg("thread %d: %s", i, (const char *)wrong);
    }
    ck_assert_int_eq(sinter_buffer_read(shared, 0, data, sizeof data), SINTER_OK);
    for (int i = 0; i < N; ++i) ck_assert_float_eq(data[i], THREADS * RUNS);
    sinter_buffer_release(shared);
    for (int i = 0; i < 2; ++i) sinter_plan_release(plans[i]);
    sinter_runtime_release(runtime);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads and states");
    TCase *tc = tcase_create("threads and states");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, runs_that_share_a_state_are_serialised);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
