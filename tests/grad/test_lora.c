/* Low-rank adapters beside a frozen weight. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <sinter/grad.h>
#include <sinter/lora.h>
#include <sinter/optim.h>
#include <sinter/plan.h>
#include <sinter/runtime.h>

#include "check_main.h"
#include "uncached.h"

enum { ROWS = 8, IN = 12, OUT = 10, RANK = 3, STEPS = 20 };

static sinter_runtime *runtime;

static void spread(float *to, int count, int start) {
    for (int i = 0; i < count; ++i) to[i] = (float)((i + start) * 7919 % 61 - 30) / 32;
}

static uint16_t bf16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16); /* the numbers here are exact */
}

/* A constant weight of a dtype, with the numbers of spread(). */
static sinter_value frozen(sinter_graph *g, sinter_dtype dtype) {
    float w[IN * OUT];
    uint16_t narrow[IN * OUT];
    spread(w, IN * OUT, 3);
    for (int i = 0; i < IN * OUT; ++i) narrow[i] = bf16_of(w[i]);
    bool is_narrow = dtype == SINTER_BF16;
    return sinter_constant(g, dtype, SINTER_SHAPE(IN, OUT), is_narrow ? (void *)narrow : w,
                           is_narrow ? sizeof narrow : sizeof w);
}

/* y of adapters and of the merged weight are outputs; every run is a step towards the target of zeros. */
static void train(sinter_dtype dtype) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_value parts[2], gradients[2];
    sinter_lora lora = SINTER_LORA_INIT("layer", RANK);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), IN)), w = frozen(g, dtype);
    sinter_value y = sinter_lora_linear(g, x, w, &lora, parts);
    sinter_value plain = sinter_matmul(g, x, sinter_cast(g, sinter_lora_merged(g, w, &lora, parts), SINTER_F32));
    sinter_value loss = sinter_reduce_mean(g, sinter_mul(g, y, y), SINTER_SHAPE(0, 1), 0);
    sinter_output(g, "y", y);
    sinter_output(g, "plain", plain);
    sinter_output(g, "loss", loss);
    sinter_optimizer o = SINTER_ADAMW_INIT(sinter_scalar(g, SINTER_F32, 0.02));
    ck_assert_msg(sinter_gradients(g, loss, parts, 2, gradients) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_optimize(g, &o, parts, gradients, 2, NULL) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    float in[ROWS * IN], have[ROWS * OUT], merged[ROWS * OUT], first = 0, last = 0;
    spread(in, ROWS * IN, 11);
    for (int t = 0; t < STEPS; ++t) {
        sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(ROWS, IN), in, sizeof in),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(ROWS, OUT), have, sizeof have),
                               SINTER_BIND_HOST("plain", SINTER_F32, SINTER_SHAPE(ROWS, OUT), merged, sizeof merged),
                               SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, &last, sizeof last)};
        ck_assert_msg(sinter_plan_run(plan, io, 4) == SINTER_OK, "%s", sinter_last_error());
        if (t == 0) first = last;
        /* A merged weight of bf16 is rounded. */
        float tolerance = dtype == SINTER_BF16 ? 4e-2f : 1e-5f;
        for (int i = 0; i < ROWS * OUT; ++i)
            ck_assert_msg(fabsf(have[i] - merged[i]) <= tolerance, "%d: %g and merged %g", i, have[i], merged[i]);
    }
    ck_assert_msg(last < 0.7f * first, "the loss went from %g to %g", first, last);
    float b[RANK * OUT], sum = 0;
    ck_assert_int_eq(sinter_plan_state_read(plan, "layer.lora_b", b, sizeof b), SINTER_OK);
    for (int i = 0; i < RANK * OUT; ++i) sum += fabsf(b[i]);
    ck_assert(sum > 0);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}

START_TEST(adapters_learn) {
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    train(SINTER_F32);
    train(SINTER_BF16);
    sinter_runtime_release(runtime);
}
END_TEST

/* The nodes that gradients of some parameters add. */
static size_t gradient_nodes(bool adapters_only) {
    sinter_graph *g;
    sinter_value parameters[3], gradients[3];
    sinter_lora lora = SINTER_LORA_INIT("layer", RANK);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value w = parameters[2] = sinter_state(g, "w", SINTER_F32, SINTER_SHAPE(IN, OUT));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(ROWS, IN));
    sinter_value y = sinter_lora_linear(g, x, w, &lora, parameters);
    sinter_value loss = sinter_reduce_sum(g, sinter_mul(g, y, y), SINTER_SHAPE(0, 1), 0);
    size_t before = sinter_graph_operator_count(g);
    ck_assert_int_eq(sinter_gradients(g, loss, parameters, adapters_only ? 2 : 3, gradients), SINTER_OK);
    size_t added = sinter_graph_operator_count(g) - before;
    ck_assert_uint_eq(sinter_graph_state_count(g), 3);
    sinter_graph_release(g);
    return added;
}

START_TEST(frozen_weight_has_no_gradient) {
    ck_assert_uint_lt(gradient_nodes(true), gradient_nodes(false));
}
END_TEST

START_TEST(refusals) {
    static const struct {
        sinter_lora lora;
        sinter_status status;
        const char *text;
    } rows[] = {{{"l", 0, 1, 0}, SINTER_INVALID_ARGUMENT, "rank 0 is not in 1..10"},
                {{"l", OUT + 1, 1, 0}, SINTER_INVALID_ARGUMENT, "rank 11"},
                {{"l", 2, NAN, 0}, SINTER_INVALID_ARGUMENT, "scale"},
                {{NULL, 2, 1, 0}, SINTER_INVALID_ARGUMENT, "no name"},
                {{"taken", 2, 1, 0}, SINTER_INVALID_ARGUMENT, "'taken.lora_a'"},
                {{"l", 2, 1, 0}, SINTER_SHAPE, "the last one of 12"},
                {{"l", 2, 1, 0}, SINTER_SHAPE, "two dimensions"},
                {{"l", 2, 1, 0}, SINTER_DTYPE, "x is i32"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        sinter_graph *g;
        sinter_value parts[2];
        ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
        (void)sinter_state(g, "taken.lora_a", SINTER_F32, SINTER_SCALAR);
        sinter_value w = i == 6 ? sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(2, IN, OUT)) : frozen(g, SINTER_F32);
        sinter_value x = sinter_input(g, "x", i == 7 ? SINTER_I32 : SINTER_F32, SINTER_SHAPE(ROWS, i == 5 ? 5 : IN));
        ck_assert_uint_eq(sinter_lora_linear(g, x, w, &rows[i].lora, parts).id, 0);
        ck_assert_uint_eq(parts[0].id, 0);
        ck_assert_int_eq(sinter_graph_status(g), rows[i].status);
        ck_assert_msg(strstr(sinter_last_error(), rows[i].text) != NULL, "%s", sinter_last_error());
        sinter_graph_release(g);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {adapters_learn, frozen_weight_has_no_gradient, refusals};
    return run_suite(suite_of("lora", tests, sizeof tests / sizeof *tests));
}
