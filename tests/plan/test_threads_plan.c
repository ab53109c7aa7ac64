/* Eight threads share one runtime and one plan, with different sizes, and each gets its own right numbers. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include <sinter/sinter.h>

#define THREADS 8
#define ROUNDS 24
#define COLUMNS 40

static sinter_runtime *runtime;
static sinter_plan *plan;

static void *work(void *argument) {
    long id = (long)(intptr_t)argument;
    char *wrong = NULL;
    for (int round = 0; round < ROUNDS && !wrong; ++round) {
        int64_t rows = 1 + (id * 7 + round * 3) % 11;
        size_t count = (size_t)rows * COLUMNS, bytes = count * sizeof(float);
        float *x = malloc(bytes), *y = malloc(bytes);
        for (size_t i = 0; i < count; ++i) x[i] = (float)((i * 13 + (size_t)id) % 17) * 0.25f;
        sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(rows, COLUMNS), x, bytes),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, bytes)};
        if (sinter_plan_run(plan, b, 2) != SINTER_OK) wrong = "the run failed";
        for (int64_t r = 0; r < rows && !wrong; ++r) {
            double sum = 0;
            for (int c = 0; c < COLUMNS; ++c) sum += exp((double)x[r * COLUMNS + c]);
            for (int c = 0; c < COLUMNS && !wrong; ++c)
                if (fabs(exp((double)x[r * COLUMNS + c]) / sum - (double)y[r * COLUMNS + c]) > 1e-6)
                    wrong = "a wrong number";
        }
        free(x);
        free(y);
    }
    return wrong;
}

static sinter_plan *compile(int axis) {
    sinter_graph *g;
    sinter_plan *p;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("rows"), COLUMNS));
    sinter_output(g, "y", sinter_softmax(g, x, axis));
    if (sinter_plan_compile(runtime, g, NULL, &p) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    sinter_graph_release(g);
    return p;
}

static void *compile_again(void *argument) {
    (void)argument;
    sinter_plan *p = compile(1);
    sinter_plan_release(p);
    return NULL;
}

START_TEST(eight_threads_share_a_plan) {
    pthread_t threads[THREADS + 2];
    ck_assert_int_eq(sinter_runtime_create(NULL, &runtime), SINTER_OK);
    plan = compile(1);
    for (long i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < 2; ++i) pthread_create(&threads[THREADS + i], NULL, compile_again, NULL);
    for (int i = 0; i < THREADS + 2; ++i) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong) ck_abort_msg("thread %d: %s", i, (const char *)wrong);
    }
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, eight_threads_share_a_plan);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
