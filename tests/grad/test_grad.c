/* sinter_gradients itself: what it refuses, what it leaves alone, gradients of gradients, and a step of training on the device. */
#include <sinter/sinter.h>

#include "gradient.h"

static sinter_graph *new_graph(void) {
    sinter_graph *graph;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    return graph;
}

static sinter_value total(sinter_graph *g, sinter_value x) {
    return sinter_reduce_sum(g, x, SINTER_SCALAR, 0);
}

static void expect_failure(sinter_graph *g, sinter_value loss, sinter_value parameter, sinter_status status,
                           const char *text) {
    sinter_value out = {7};
    ck_assert_int_eq(sinter_gradients(g, loss, &parameter, 1, &out), status);
    ck_assert_msg(strstr(sinter_last_error(), text) != NULL, "%s", sinter_last_error());
    ck_assert_uint_eq(out.id, 0);
    ck_assert_int_eq(sinter_graph_status(g), status); /* sticky, as builders are */
    ck_assert_int_eq(sinter_gradients(g, loss, &parameter, 1, &out), status);
    sinter_graph_release(g);
}

START_TEST(refusals) {
    sinter_value out;
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3));
    expect_failure(g, x, x, SINTER_SHAPE, "f32[3]");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    expect_failure(g, x, x, SINTER_SHAPE, "f32[n]");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_I32, SINTER_SHAPE(1));
    expect_failure(g, x, x, SINTER_DTYPE, "loss 0 is i32");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(1));
    expect_failure(g, x, SINTER_NO_VALUE, SINTER_INVALID_ARGUMENT, "parameter 0");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(1));
    expect_failure(g, (sinter_value){99}, x, SINTER_INVALID_ARGUMENT, "loss 0");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(1));
    ck_assert_int_eq(sinter_gradients(g, x, NULL, 1, &out), SINTER_INVALID_ARGUMENT);
    sinter_graph_release(g);
    ck_assert_int_eq(sinter_gradients(NULL, x, NULL, 0, NULL), SINTER_INVALID_ARGUMENT);
}
END_TEST

/* A function of the user's own has no rule: an error only where a gradient has to go through it. */
START_TEST(operator_without_rule) {
    const char *source = "float squared(float x) { return x * x; }";
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4)), out;
    sinter_value w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(4));
    sinter_value y = sinter_custom(g, source, &x, 1);
    sinter_value loss = total(g, sinter_mul(g, y, w));
    ck_assert_int_eq(sinter_gradients(g, loss, &w, 1, &out), SINTER_OK);
    expect_failure(g, loss, x, SINTER_UNSUPPORTED, "squared has no gradient rule");
}
END_TEST

static void expect_zeros(sinter_graph *g, sinter_value x, sinter_value loss) {
    sinter_value out;
    sni_ref_tensor *in = NULL, *result = NULL;
    ck_assert_int_eq(sinter_gradients(g, loss, &x, 1, &out), SINTER_OK);
    sinter_output(g, "g", out);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, (int64_t[]){3}, &in), SINTER_OK);
    for (int i = 0; i < 3; ++i) in->f[i] = i - 0.75;
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, &result), SINTER_OK);
    ck_assert_int_eq(result->count, 3);
    for (int i = 0; i < 3; ++i) ck_assert(result->f[i] == 0);
    sni_ref_tensor_release(in);
    sni_ref_tensor_release(result);
    sinter_graph_release(g);
}

START_TEST(zeros_where_nothing_changes) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    expect_zeros(g, x, total(g, sinter_floor(g, x)));
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    expect_zeros(g, x, total(g, sinter_mul(g, sinter_stop_gradient(g, x), sinter_stop_gradient(g, x))));
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    expect_zeros(g, x, total(g, sinter_cast(g, sinter_cast(g, x, SINTER_I32), SINTER_F32)));
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    expect_zeros(g, x, sinter_scalar(g, SINTER_F32, 3));
}
END_TEST

/* A parameter in the middle of the graph, and the same one twice. */
START_TEST(values_in_the_middle) {
    sinter_graph *g = new_graph();
    sni_ref_tensor *in = NULL, *outs[3] = {0};
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2));
    sinter_value y = sinter_mul(g, x, x), loss = total(g, sinter_mul(g, y, y)), grads[3];
    ck_assert_int_eq(sinter_gradients(g, loss, (sinter_value[]){y, x, y}, 3, grads), SINTER_OK);
    for (int i = 0; i < 3; ++i) sinter_output(g, (const char *[]){"a", "b", "c"}[i], grads[i]);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, (int64_t[]){2}, &in), SINTER_OK);
    in->f[0] = 2;
    in->f[1] = -1;
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, outs), SINTER_OK);
    ck_assert(outs[0]->f[0] == 8 && outs[0]->f[1] == 2);   /* 2 y */
    ck_assert(outs[1]->f[0] == 32 && outs[1]->f[1] == -4); /* 4 x^3 */
    ck_assert(outs[2]->f[0] == 8 && outs[2]->f[1] == 2);
    for (int i = 0; i < 3; ++i) sni_ref_tensor_release(outs[i]);
    sni_ref_tensor_release(in);
    sinter_graph_release(g);
}
END_TEST

/* Elements that are the largest together share the gradient. */
START_TEST(shared_extremes) {
    sinter_graph *g = new_graph();
    sni_ref_tensor *in = NULL, *out = NULL;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4)), grad;
    sinter_value loss = sinter_reduce_max(g, x, SINTER_SCALAR, 0);
    ck_assert_int_eq(sinter_gradients(g, loss, &x, 1, &grad), SINTER_OK);
    sinter_output(g, "g", grad);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, (int64_t[]){4}, &in), SINTER_OK);
    for (int i = 0; i < 4; ++i) in->f[i] = i / 2;
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, &out), SINTER_OK);
    for (int i = 0; i < 4; ++i) ck_assert(out->f[i] == (i < 2 ? 0 : 0.5));
    sni_ref_tensor_release(in);
    sni_ref_tensor_release(out);
    sinter_graph_release(g);
}
END_TEST

/* Several readers of parts of one value, which overlap, lie side by side and leave gaps, along two axes. */
START_TEST(pieces_of_a_value) {
    static const int64_t places[][3] = {{0, 0, 3}, {0, 3, 2}, {0, 2, 3}, {1, 1, 2}, {0, 6, 1}, {1, 3, 1}, {0, 0, 7}};
    for (int round = 0; round < 24; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[2] = {7, 4};
        uint32_t x = sample_input(&s, SINTER_F64, 2, dims), y = 0;
        for (size_t i = 0; i < SAMPLE_COUNT(places); ++i) {
            sni_expr starts[2], steps[2], sizes[2];
            if (sample_random() % 2) continue;
            for (int d = 0; d < 2; ++d) {
                starts[d] = sni_sym_const(s.graph->sym, d == places[i][0] ? places[i][1] : 0);
                sizes[d] = sni_sym_const(s.graph->sym, d == places[i][0] ? places[i][2] : dims[d]);
                steps[d] = sni_sym_const(s.graph->sym, 1);
            }
            uint32_t part = sni_make_unary(s.graph, "tanh", sni_make_slice(s.graph, x, starts, steps, sizes));
            part = gradient_loss(s.graph, sni_make_binary(s.graph, "mul", part, part));
            y = y ? sni_make_binary(s.graph, "add", y, part) : part;
        }
        gradient_check(&s, y ? y : x, "pieces");
    }
}
END_TEST

/* The gradient of a gradient's weighed sum. */
START_TEST(second_order) {
    static const char *const ops[] = {"tanh", "gelu", "sigmoid", "softmax", "layer_norm", "max_pool", "matmul"};
    for (size_t i = 0; i < SAMPLE_COUNT(ops); ++i)
        for (int round = 0; round < 4; ++round) {
            sample s = sample_begin(round % 2);
            uint32_t x = sample_input(&s, SINTER_F64, 3, (int64_t[]){2, 2, 3}), ins[2] = {x, 0};
            sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
            if (strcmp(ops[i], "matmul") == 0) ins[1] = sample_input(&s, SINTER_F64, 2, (int64_t[]){3, 2});
            if (strcmp(ops[i], "layer_norm") == 0) ins[1] = sample_input(&s, SINTER_F64, 1, (int64_t[]){3});
            if (strcmp(ops[i], "max_pool") == 0) attrs[0] = sni_attr_ints(s.graph, 1, (int64_t[]){2});
            uint32_t y = sni_graph_add1(s.graph, ops[i], 1 + (ins[1] != 0), ins, attrs);
            sinter_value grad, loss = {gradient_loss(s.graph, sni_make_binary(s.graph, "mul", y, y))};
            ck_assert_msg(sinter_gradients(s.graph, loss, &(sinter_value){x}, 1, &grad) == SINTER_OK, "%s",
                          sinter_last_error());
            gradient_check(&s, grad.id, ops[i]);
        }
}
END_TEST

/* A layer of a network in f16 and bf16 has gradients of those dtypes near those of f64. */
START_TEST(narrow_dtypes) {
    static const sinter_dtype dtypes[] = {SINTER_F64, SINTER_F32, SINTER_F16, SINTER_BF16};
    double want[24] = {0};
    for (size_t d = 0; d < SAMPLE_COUNT(dtypes); ++d) {
        sample_state = 0x9e3779b97f4a7c15ull;
        sample s = sample_begin(true);
        sni_ref_tensor *outs[3] = {0};
        int inputs[SAMPLE_INPUTS];
        uint32_t x = sample_input(&s, dtypes[d], 2, (int64_t[]){3, 4});
        uint32_t w = sample_input(&s, dtypes[d], 2, (int64_t[]){4, 3});
        uint32_t y = sni_make_unary(s.graph, "gelu", sni_make_binary(s.graph, "matmul", x, w));
        sni_attr axis[SNI_MAX_ATTRS] = {sni_attr_int(-1)};
        y = sni_graph_add1(s.graph, "log_softmax", 1, &y, axis);
        sample_output(s.graph, "loss", gradient_loss(s.graph, y));
        int count = gradient_extend(&s, s.graph->outputs[0].value, inputs, "narrow");
        sni_bindings all = sample_bindings();
        ck_assert_int_eq(sni_reference_run(s.graph, s.ins, &all, false, outs), SINTER_OK);
        for (int o = 0; o < count; ++o) {
            ck_assert_int_eq(outs[1 + o]->dtype, dtypes[d]);
            for (int64_t n = 0; n < 12; ++n) {
                double have = outs[1 + o]->f[n], tolerance = dtypes[d] == SINTER_BF16 ? 0.1 : 0.02;
                if (d == 0) want[o * 12 + n] = have;
                ck_assert_msg(sample_close(want[o * 12 + n], have, tolerance), "%zu: %g, not %g", d, have,
                              want[o * 12 + n]);
            }
        }
        for (int o = 0; o <= count; ++o) sni_ref_tensor_release(outs[o]);
        sample_end(&s);
    }
}
END_TEST

/* Every allocation may fail: an error, no leak. */
START_TEST(memory_runs_out) {
    for (int64_t nth = 1;; ++nth) {
        sinter_graph *g = new_graph();
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 4)), out;
        sinter_value y =
            sinter_layer_norm(g, x, sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(4)), SINTER_NO_VALUE, -1, 1e-5);
        sinter_value loss = total(g, sinter_reduce_mean(g, sinter_silu(g, y), SINTER_SHAPE(1), 0));
        ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
        sni_alloc_fail_at(nth);
        sinter_status status = sinter_gradients(g, loss, &x, 1, &out);
        sni_alloc_fail_at(0);
        ck_assert(status == SINTER_OK || status == SINTER_OUT_OF_MEMORY || out.id == 0);
        sinter_graph_release(g);
        if (status == SINTER_OK) break;
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {refusals,
                                  operator_without_rule,
                                  zeros_where_nothing_changes,
                                  values_in_the_middle,
                                  shared_extremes,
                                  pieces_of_a_value,
                                  second_order,
                                  narrow_dtypes,
                                  memory_runs_out};
    return run_suite(suite_of("gradients", tests, SAMPLE_COUNT(tests)));
}
