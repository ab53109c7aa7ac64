/* Linear and cross-entropy in chunks on the device: the same as the pair, in a part of the memory. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/sinter.h>

#include "check_main.h"
#include "uncached.h"

enum { ROWS = 192, IN = 16, CLASSES = 640, CHUNKS = 16 };

static sinter_runtime *runtime;

typedef struct result {
    float loss, x[ROWS * IN], weight[IN * CLASSES];
} result;

/* The mean loss of x [ROWS, IN] times w [IN, CLASSES], and its gradients; chunks 0: the pair. */
static sinter_plan *compile(int chunks) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_value grads[2];
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value p[2] = {sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(ROWS, IN)),
                         sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(IN, CLASSES))};
    sinter_value labels = sinter_input(g, "labels", SINTER_I32, SINTER_SHAPE(ROWS));
    sinter_value loss = chunks ? sinter_linear_cross_entropy(g, p[0], p[1], labels, 7, 0.1, 1e-3, chunks)
                               : sinter_cross_entropy(g, sinter_matmul(g, p[0], p[1]), labels, 7, 0.1, 1e-3);
    loss = sinter_reduce_mean(g, loss, SINTER_SCALAR, 0);
    ck_assert_msg(sinter_gradients(g, loss, p, 2, grads) == SINTER_OK, "%s", sinter_last_error());
    sinter_output(g, "loss", loss);
    sinter_output(g, "dx", grads[0]);
    sinter_output(g, "dw", grads[1]);
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(g);
    return plan;
}

static uint64_t run(sinter_plan *plan, result *r) {
    static float x[ROWS * IN], w[IN * CLASSES];
    int32_t labels[ROWS];
    sinter_plan_stats stats;
    for (int i = 0; i < ROWS * IN; ++i) x[i] = (float)sin(i * 1.7);
    for (int i = 0; i < IN * CLASSES; ++i) w[i] = (float)cos(i * 0.9);
    for (int i = 0; i < ROWS; ++i) labels[i] = i * 13 % CLASSES; /* one of them is ignored */
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(ROWS, IN), x, sizeof x),
                           SINTER_BIND_HOST("w", SINTER_F32, SINTER_SHAPE(IN, CLASSES), w, sizeof w),
                           SINTER_BIND_HOST("labels", SINTER_I32, SINTER_SHAPE(ROWS), labels, sizeof labels),
                           SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, &r->loss, sizeof r->loss),
                           SINTER_BIND_HOST("dx", SINTER_F32, SINTER_SHAPE(ROWS, IN), r->x, sizeof r->x),
                           SINTER_BIND_HOST("dw", SINTER_F32, SINTER_SHAPE(IN, CLASSES), r->weight, sizeof r->weight)};
    ck_assert_msg(sinter_plan_run(plan, io, 6) == SINTER_OK, "%s", sinter_last_error());
    sinter_plan_get_stats(plan, &stats);
    return stats.bytes_peak;
}

static void check_near(const char *what, const float *have, const float *want, int count) {
    double most = 0;
    for (int i = 0; i < count; ++i) most = fmax(most, fabs(want[i]));
    for (int i = 0; i < count; ++i)
        ck_assert_msg(fabs(have[i] - want[i]) <= 1e-5 * most, "%s[%d]: %g, the pair has %g", what, i, have[i], want[i]);
}

START_TEST(like_the_pair_in_less_memory) {
    static result pair, chunked, again;
    sinter_plan *plans[2] = {compile(0), compile(CHUNKS)};
    run(plans[0], &pair);
    uint64_t bytes = run(plans[1], &chunked);
    run(plans[1], &again);
    ck_assert_mem_eq(&chunked, &again, sizeof again);
    check_near("loss", &chunked.loss, &pair.loss, 1);
    check_near("dx", chunked.x, pair.x, ROWS * IN);
    check_near("dw", chunked.weight, pair.weight, IN * CLASSES);
    /* The gradients' chunks lie in the arena before they are put together; the rest of it is what the logits cost. */
    uint64_t gradients = sizeof pair.x + sizeof pair.weight, logits = sizeof(float) * ROWS * CLASSES;
    ck_assert_uint_lt(bytes, gradients + logits / 20);
    for (int i = 0; i < 2; ++i) sinter_plan_release(plans[i]);
}
END_TEST

static void refuse(int64_t weight_rows, int64_t chunks, const char *want) {
    sinter_graph *g;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4, 3));
    sinter_value w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(weight_rows, 5));
    sinter_value labels = sinter_input(g, "labels", SINTER_I32, SINTER_SHAPE(4));
    sinter_value loss = sinter_linear_cross_entropy(g, x, w, labels, -100, 0, 0, chunks);
    ck_assert_uint_eq(loss.id, 0);
    ck_assert_msg(strstr(sinter_last_error(), want) != NULL, "%s", sinter_last_error());
    sinter_graph_release(g);
}

START_TEST(refusals) {
    refuse(4, 8, "in is the last dimension of x");
    refuse(3, 0, "chunks 0 is not in 1..1024");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {like_the_pair_in_less_memory, refusals};
    if (uncached_runtime(&runtime) != SINTER_OK) return EXIT_FAILURE;
    int failed = run_suite(suite_of("linear and cross-entropy", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(runtime);
    return failed;
}
