/* Gradients of random graphs: along a random direction against the slope of the reference evaluator in double, and a sample of
 * them on the device against the reference. Fixed seeds; SINTER_TEST_GRAPHS=COUNT tries that many, SINTER_TEST_SEED=N starts
 * elsewhere. */
#include <math.h>
#include <stdio.h>

#include "check_main.h"
#include "plan/oracle.h"
#include "random_graph.h"
#include "rewrite/pass.h"

enum { INPUTS = 3, STEPS = 10, GRAPHS = 2000, DEVICE_GRAPHS = 4, DEVICE_STEPS = 7 };

static oracle o;

static long setting(const char *name, long preset) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : preset;
}

/* The graph of a seed with the mean square of its outputs as the only output. */
static sinter_value make_loss(long number, int steps) {
    seed = 0x9e3779b97f4a7c15ull * (uint64_t)number + 77;
    make_graph(steps);
    sinter_value sum = SINTER_NO_VALUE;
    for (size_t i = 0; i < g->output_count; ++i) {
        sinter_value y = {g->outputs[i].value};
        y = sinter_tanh(g, y);
        y = sinter_reduce_mean(g, sinter_mul(g, y, y), SINTER_SCALAR, 0);
        sum = sum.id ? sinter_add(g, sum, y) : y;
    }
    return sum;
}

static sinter_graph *loss_alone(sinter_value loss) {
    sinter_graph *copy = NULL;
    g->output_count = 0;
    sinter_output(g, "loss", loss);
    ck_assert_msg(sni_pass_cse(g, &copy) == SINTER_OK, "%s", sinter_last_error());
    return copy;
}

static double loss_at(const sinter_graph *graph, sni_ref_tensor **at, sni_ref_tensor *const *direction, double step) {
    sni_ref_tensor *out = NULL;
    for (int i = 0; i < INPUTS; ++i)
        for (int64_t n = 0; n < at[i]->count; ++n) at[i]->f[n] += step * direction[i]->f[n];
    ck_assert_msg(sni_reference_run(graph, at, NULL, true, &out) == SINTER_OK, "%s", sinter_last_error());
    for (int i = 0; i < INPUTS; ++i)
        for (int64_t n = 0; n < at[i]->count; ++n) at[i]->f[n] -= step * direction[i]->f[n];
    double value = out->f[0];
    sni_ref_tensor_release(out);
    return value;
}

static double slope(const sinter_graph *graph, sni_ref_tensor **at, sni_ref_tensor *const *direction, double step) {
    return (loss_at(graph, at, direction, step) - loss_at(graph, at, direction, -step)) / (2 * step);
}

static void extend(sinter_value loss, long number) {
    static const char *const names[INPUTS] = {"ga", "gb", "gc"};
    sinter_value grads[INPUTS];
    ck_assert_msg(sinter_gradients(g, loss, (sinter_value[]){{pool[0]}, {pool[1]}, {pool[2]}}, INPUTS, grads) ==
                      SINTER_OK,
                  "graph %ld: %s", number, sinter_last_error());
    for (int i = 0; i < INPUTS; ++i) sinter_output(g, names[i], grads[i]);
}

/* False where the loss has an edge within a step: slopes at two steps differ. */
static bool check_direction(long number) {
    static const int64_t dims[INPUTS][4] = {{3, 4, 6}, {3, 2}, {2, 4, 2, 6}};
    static const int ranks[INPUTS] = {3, 2, 4};
    sinter_value loss = make_loss(number, STEPS);
    sinter_graph *alone = loss_alone(loss);
    sni_ref_tensor *at[INPUTS], *direction[INPUTS], *outs[1 + INPUTS] = {0};
    extend(loss, number);
    for (int i = 0; i < INPUTS; ++i) {
        ck_assert_int_eq(sni_ref_tensor_create(SINTER_F64, ranks[i], dims[i], &at[i]), SINTER_OK);
        ck_assert_int_eq(sni_ref_tensor_create(SINTER_F64, ranks[i], dims[i], &direction[i]), SINTER_OK);
        for (int64_t n = 0; n < at[i]->count; ++n) {
            at[i]->f[n] = (double)below(1u << 20) / (1u << 19) - 1;
            direction[i]->f[n] = (double)below(1u << 20) / (1u << 19) - 1;
        }
    }
    ck_assert_msg(sni_reference_run(g, at, NULL, true, outs) == SINTER_OK, "%s", sinter_last_error());
    double have = 0;
    for (int i = 0; i < INPUTS; ++i)
        for (int64_t n = 0; n < at[i]->count; ++n) have += outs[1 + i]->f[n] * direction[i]->f[n];
    double wide = slope(alone, at, direction, 1e-5), narrow = slope(alone, at, direction, 1e-6);
    bool smooth = fabs(wide - narrow) <= 1e-6 * (1 + fabs(wide));
    ck_assert_msg(!smooth || fabs(have - wide) <= 1e-7 + 1e-5 * fabs(wide),
                  "graph %ld: %.9g along a direction, slope %.9g", number, have, wide);
    for (int i = 0; i < INPUTS; ++i) {
        sni_ref_tensor_release(at[i]);
        sni_ref_tensor_release(direction[i]);
        sni_ref_tensor_release(outs[1 + i]);
    }
    sni_ref_tensor_release(outs[0]);
    sinter_graph_release(alone);
    sinter_graph_release(g);
    return smooth;
}

START_TEST(random_graphs) {
    long count = setting("SINTER_TEST_GRAPHS", GRAPHS), start = setting("SINTER_TEST_SEED", 1), smooth = 0;
    dtype = SINTER_F64;
    for (long i = start; i < start + count; ++i) smooth += check_direction(i);
    printf("%ld graphs, %ld without an edge nearby\n", count, smooth);
    ck_assert_int_ge(smooth * 10, count * 9);
}
END_TEST

/* Forward and backward in one plan, at several sizes. */
START_TEST(on_the_device) {
    static const int64_t sizes[][2] = {{3, 5}, {1, 1}, {5, 33}};
    long start = setting("SINTER_TEST_SEED", 1), count = setting("SINTER_TEST_DEVICE_GRAPHS", DEVICE_GRAPHS);
    oracle_init(&o);
    dtype = SINTER_F32;
    for (long i = start; i < start + count; ++i) {
        sinter_value loss = make_loss(i, DEVICE_STEPS);
        g->output_count = 0;
        sinter_output(g, "loss", loss);
        extend(loss, i);
        sinter_plan *plan = oracle_compile(&o, g);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
            int64_t n = sizes[s][0], m = sizes[s][1];
            sinter_shape shapes[] = {SINTER_SHAPE(n, 4, 6), SINTER_SHAPE(n, m), SINTER_SHAPE(2, 4, m, 6)};
            oracle_check_plan(&o, g, plan, shapes, 300);
        }
        sinter_plan_release(plan);
        sinter_graph_release(g);
    }
    oracle_deinit(&o);
}
END_TEST

/* What losses and dropout are made of, in a network whose inputs say what is dropped and which labels there are. */
START_TEST(training_rows_on_the_device) {
    oracle_init(&o);
    for (int round = 0; round < 2; ++round) {
        ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
        sinter_dim n = SINTER_DIM("n");
        sinter_value x = sinter_input(g, "x", round ? SINTER_BF16 : SINTER_F32, SINTER_SHAPE(n, 12)), grads[2];
        sinter_value w = sinter_input(g, "w", round ? SINTER_BF16 : SINTER_F32, SINTER_SHAPE(12, 7));
        sinter_value labels = sinter_input(g, "labels", SINTER_I64, SINTER_SHAPE(n));
        sinter_value chance = sinter_input(g, "seed", SINTER_I64, SINTER_SCALAR);
        sinter_value offset = sinter_input(g, "offset", SINTER_I64, SINTER_SCALAR);
        sinter_value y = sinter_matmul(g, sinter_dropout(g, x, chance, offset, 0.25), w);
        sinter_value loss = sinter_cross_entropy(g, y, labels, 1, round ? 0 : 0.1, round ? 0 : 0.01);
        loss = sinter_reduce_mean(g, loss, SINTER_SCALAR, 0);
        sinter_value part = sinter_bce_with_logits(g, sinter_cast(g, y, SINTER_F32), sinter_scalar(g, SINTER_F32, 0.3));
        loss = sinter_add(g, loss, sinter_reduce_mean(g, part, SINTER_SCALAR, 0));
        part = sinter_huber(g, sinter_cast(g, y, SINTER_F32), sinter_scalar(g, SINTER_F32, 0.5), 0.75);
        loss = sinter_add(g, loss, sinter_reduce_mean(g, part, SINTER_SCALAR, 0));
        ck_assert_msg(sinter_gradients(g, loss, (sinter_value[]){x, w}, 2, grads) == SINTER_OK, "%s",
                      sinter_last_error());
        /* Narrow products may lose less on a device than the reference, which rounds every value. */
        if (round == 0) sinter_output(g, "loss", loss);
        sinter_output(g, "gx", grads[0]);
        sinter_output(g, "gw", grads[1]);
        sinter_plan *plan = oracle_compile(&o, g);
        for (int64_t size = 1; size <= 33; size += 16) {
            sinter_shape shapes[] = {SINTER_SHAPE(size, 12), SINTER_SHAPE(12, 7), SINTER_SHAPE(size), SINTER_SCALAR,
                                     SINTER_SCALAR};
            oracle_check_plan(&o, g, plan, shapes, round ? 4 : 30);
        }
        sinter_plan_release(plan);
        sinter_graph_release(g);
    }
    oracle_deinit(&o);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {random_graphs, on_the_device, training_rows_on_the_device};
    return run_suite(suite_of("gradients of random graphs", tests, sizeof tests / sizeof *tests));
}
