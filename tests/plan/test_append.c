/* sinter_graph_append: what is joined computes what its parts compute one after the other; what does not fit is refused. */
#include <sinter/onnx.h>

#include "base/alloc.h"
#include "check_main.h"
#include "plan/oracle.h"

static oracle o;

static sinter_graph *new_graph(void) {
    sinter_graph *graph;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    return graph;
}

static void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

static void check_dims(const sinter_graph *graph, sinter_value value, const char *want) {
    char text[64], all[256] = "";
    for (int d = 0; d < sinter_value_rank(graph, value); ++d) {
        sinter_value_dim_string(graph, value, d, text, sizeof text);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", d ? ", " : "", text);
    }
    ck_assert_str_eq(all, want);
}

static const float w[4 * 5] = {0.5F, -1, 2, 0.25F, 1, -0.5F, 3, 1, 0, 2, 1, 1, -2, 0.5F, 0.25F, 0, 1, 2, 3, -1};

/* y = softmax(x w) + bias, z = x[last]: x [b, s, 4], bias [b, 5], w constant. */
static sinter_graph *model(void) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("b"), SINTER_DIM("s"), 4));
    sinter_value bias = sinter_input(g, "bias", SINTER_F32, SINTER_SHAPE(SINTER_DIM("b"), 5));
    sinter_value y = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(4, 5), w, sizeof w));
    y = sinter_softmax(g, y, -1);
    sinter_output(g, "y", sinter_add(g, y, sinter_reshape(g, bias, SINTER_SHAPE(SINTER_DIM("b"), 1, 5))));
    sinter_output(
        g, "z", sinter_slice(g, x, SINTER_SHAPE(0, -1, 0), SINTER_SHAPE(1, 1, 1), SINTER_SHAPE(SINTER_DIM("b"), 1, 4)));
    must(sinter_graph_status(g));
    return g;
}

/* Both graphs, run by the reference on the same inputs, have the same outputs. */
static void same_results(const sinter_graph *a, const sinter_graph *b, const sinter_shape *shapes) {
    sni_ref_tensor *in[ORACLE_MAX] = {0}, *left[ORACLE_MAX] = {0}, *right[ORACLE_MAX] = {0};
    size_t ins = sinter_graph_input_count(a), outs = sinter_graph_output_count(a);
    ck_assert_uint_eq(sinter_graph_input_count(b), ins);
    ck_assert_uint_eq(sinter_graph_output_count(b), outs);
    for (size_t i = 0; i < ins; ++i) {
        ck_assert_str_eq(sinter_graph_input_name(a, i), sinter_graph_input_name(b, i));
        sinter_dtype dtype = sinter_value_dtype(a, sinter_graph_input_value(a, i));
        must(sni_ref_tensor_create(dtype, shapes[i].rank, shapes[i].dims, &in[i]));
        oracle_fill(&o, in[i]);
    }
    must(sni_reference_run(a, in, NULL, false, left));
    must(sni_reference_run(b, in, NULL, false, right));
    for (size_t i = 0; i < outs; ++i) {
        ck_assert_int_eq(left[i]->count, right[i]->count);
        for (int64_t n = 0; n < left[i]->count; ++n) ck_assert_double_eq(left[i]->f[n], right[i]->f[n]);
        sni_ref_tensor_release(left[i]);
        sni_ref_tensor_release(right[i]);
    }
    for (size_t i = 0; i < ins; ++i) sni_ref_tensor_release(in[i]);
}

/* Preprocessing with sizes of its own in front, postprocessing behind; what is not given stays an input. */
START_TEST(before_and_behind) {
    sinter_graph *part = model(), *g = new_graph(), *direct = new_graph();
    sinter_graph *both[2] = {g, direct};
    sinter_value last[2];
    for (int k = 0; k < 2; ++k) {
        sinter_value pixels = sinter_input(both[k], "pixels", SINTER_U8, SINTER_SHAPE(SINTER_DIM("n"), 3, 4));
        last[k] =
            sinter_div(both[k], sinter_cast(both[k], pixels, SINTER_F32), sinter_scalar(both[k], SINTER_F32, 255));
    }
    sinter_value outs[2];
    must(sinter_graph_append(g, part, (const char *[]){"x"}, &last[0], 1, outs));
    check_dims(g, outs[0], "n, 3, 5");
    check_dims(g, outs[1], "n, 1, 4");
    check_dims(g, sinter_graph_input_value(g, 1), "n, 5");
    sinter_output(g, "best", sinter_cast(g, sinter_argmax(g, outs[0], -1, 0, 0), SINTER_F32));
    sinter_output(g, "z", outs[1]);

    sinter_value bias = sinter_input(direct, "bias", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 5));
    sinter_value y =
        sinter_matmul(direct, last[1], sinter_constant(direct, SINTER_F32, SINTER_SHAPE(4, 5), w, sizeof w));
    y = sinter_add(direct, sinter_softmax(direct, y, -1),
                   sinter_reshape(direct, bias, SINTER_SHAPE(SINTER_DIM("n"), 1, 5)));
    sinter_output(direct, "best", sinter_cast(direct, sinter_argmax(direct, y, -1, 0, 0), SINTER_F32));
    sinter_output(direct, "z",
                  sinter_slice(direct, last[1], SINTER_SHAPE(0, 2, 0), SINTER_SHAPE(1, 1, 1),
                               SINTER_SHAPE(SINTER_DIM("n"), 1, 4)));
    must(sinter_graph_status(g));
    const sinter_shape shapes[] = {SINTER_SHAPE(2, 3, 4), SINTER_SHAPE(2, 5)};
    same_results(g, direct, shapes);
    sinter_graph_release(part); /* what was appended stands alone */
    sinter_plan *plan = oracle_compile(&o, g);
    oracle_check_plan(&o, g, plan, shapes, 1);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    sinter_graph_release(direct);
}
END_TEST

/* One model twice, the second behind the first; dimensions trade their names. */
START_TEST(twice_with_names_exchanged) {
    sinter_graph *part = new_graph(), *g = new_graph();
    sinter_value x = sinter_input(part, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("r"), SINTER_DIM("c")));
    sinter_output(part, "y", sinter_transpose(part, sinter_exp(part, x), SINTER_SCALAR));
    sinter_value value = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(SINTER_DIM("r"), SINTER_DIM("c")));
    must(sinter_graph_append(g, part, (const char *[]){"x"}, &value, 1, &value));
    check_dims(g, value, "c, r");
    must(sinter_graph_append(g, part, (const char *[]){"x"}, &value, 1, &value));
    check_dims(g, value, "r, c");
    sinter_output(g, "y", value);
    sinter_plan *plan = oracle_compile(&o, g);
    const sinter_shape shape = SINTER_SHAPE(3, 7);
    oracle_check_plan(&o, g, plan, &shape, 100);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    sinter_graph_release(part);
}
END_TEST

/* Sizes that have got names of their own (a sum of ten): some of what they are made of becomes numbers. */
START_TEST(sizes_with_names_of_their_own) {
    sinter_graph *part = new_graph(), *g = new_graph();
    sinter_value values[10];
    for (int i = 0; i < 10; ++i) {
        char name[8], dim[8];
        snprintf(name, sizeof name, "x%d", i);
        snprintf(dim, sizeof dim, "d%d", i);
        values[i] = sinter_input(part, name, SINTER_F32, SINTER_SHAPE(SINTER_DIM(dim), 2));
    }
    sinter_value all = sinter_concat(part, values, 10, 0);
    sinter_output(part, "y", sinter_reshape(part, sinter_neg(part, all), SINTER_SHAPE(-1)));
    must(sinter_graph_status(part));
    const char *names[9] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"};
    for (int i = 0; i < 9; ++i)
        values[i] = sinter_input(g, names[i], SINTER_F32, SINTER_SHAPE(i < 8 ? i + 1 : SINTER_DIM("m"), 2));
    sinter_value y;
    must(sinter_graph_append(g, part, names, values, 9, &y));
    check_dims(g, y, "(2*m + 2*d9 + 72)");
    sinter_output(g, "y", sinter_reduce_sum(g, y, SINTER_SHAPE(0), 0));
    must(sinter_graph_status(g));
    sinter_graph_release(g);
    sinter_graph_release(part);
}
END_TEST

static const char *const shrink = "float shrink(float x) { return x > 0.5f ? x - 0.5f : 0.0f; }";

/* A counter that lives in the part, and a user's function. */
START_TEST(states_and_functions) {
    static const float three = 3, one = 1;
    sinter_graph *part = new_graph(), *g = new_graph();
    sinter_value x = sinter_input(part, "x", SINTER_F32, SINTER_SHAPE(1));
    sinter_value state = sinter_state_initial(part, "count", SINTER_F32, SINTER_SHAPE(1), &three, sizeof three);
    sinter_value sum = sinter_add(part, state, sinter_custom(part, shrink, &x, 1));
    sinter_output(part, "sum", sinter_mul(part, sum, sum));
    (void)sinter_state_write(part, state, sum, NULL, 0);
    must(sinter_graph_status(part));
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(1)), y;
    must(sinter_graph_append(g, part, (const char *[]){"x"}, &a, 1, &y));
    ck_assert_uint_eq(sinter_graph_state_count(g), 1);
    ck_assert_str_eq(sinter_graph_state_name(g, 0), "count");
    sinter_graph_release(part);
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_graph_release(g);
    float got = 0, in = one;
    sinter_binding bindings[] = {SINTER_BIND_HOST("a", SINTER_F32, SINTER_SHAPE(1), &in, sizeof in),
                                 SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(1), &got, sizeof got)};
    for (int run = 1; run <= 3; ++run) {
        must(sinter_plan_run(plan, bindings, 2));
        float want = 3 + 0.5F * (float)run;
        ck_assert_float_eq(got, want * want);
    }
    sinter_plan_release(plan);
}
END_TEST

/* A model from a file behind bytes. */
START_TEST(onnx_behind_preprocessing) {
    sinter_graph *net, *g = new_graph();
    must(sinter_onnx_load(SINTER_TEST_DATA "/digits/model.onnx", NULL, &net));
    sinter_value x = sinter_graph_input_value(net, 0), outs[ORACLE_MAX];
    sinter_shape shape = {.rank = sinter_value_rank(net, x)};
    for (int d = 0; d < shape.rank; ++d) shape.dims[d] = sinter_value_dim(net, x, d);
    sinter_shape raw = shape;
    raw.dims[0] = 3;
    sinter_value bytes = sinter_input(g, "bytes", SINTER_U8, raw);
    sinter_value real = sinter_mul(g, sinter_cast(g, bytes, SINTER_F32), sinter_scalar(g, SINTER_F32, 1.0 / 16));
    const char *name = sinter_graph_input_name(net, 0);
    must(sinter_graph_append(g, net, &name, &real, 1, outs));
    sinter_output(g, "scores", outs[0]);
    sni_ref_tensor *in = NULL, *scaled = NULL, *joined[ORACLE_MAX] = {0}, *alone[ORACLE_MAX] = {0};
    must(sni_ref_tensor_create(SINTER_U8, raw.rank, raw.dims, &in));
    must(sni_ref_tensor_create(SINTER_F32, raw.rank, raw.dims, &scaled));
    for (int64_t i = 0; i < in->count; ++i) {
        in->i[i] = (i * 37) % 17;
        scaled->f[i] = (double)in->i[i] / 16;
    }
    must(sni_reference_run(g, &in, NULL, false, joined));
    must(sni_reference_run(net, &scaled, NULL, false, alone));
    ck_assert_int_eq(joined[0]->count, alone[0]->count);
    for (int64_t i = 0; i < alone[0]->count; ++i) ck_assert_double_eq(joined[0]->f[i], alone[0]->f[i]);
    sinter_plan *plan = oracle_compile(&o, g);
    oracle_check_plan(&o, g, plan, &raw, 10);
    sinter_plan_release(plan);
    for (size_t i = 0; i < sinter_graph_output_count(net); ++i) sni_ref_tensor_release(alone[i]);
    sni_ref_tensor_release(joined[0]);
    sni_ref_tensor_release(in);
    sni_ref_tensor_release(scaled);
    sinter_graph_release(net);
    sinter_graph_release(g);
}
END_TEST

/* Sizes that are only known when they are bound: equal ones run, others are refused then. */
START_TEST(sizes_checked_at_binding) {
    sinter_graph *part = new_graph(), *g = new_graph();
    sinter_value x = sinter_input(part, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("k"), SINTER_DIM("k")));
    sinter_output(part, "y", sinter_neg(part, x));
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(SINTER_DIM("p"), SINTER_DIM("q"))), y;
    must(sinter_graph_append(g, part, (const char *[]){"x"}, &a, 1, &y));
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_shape shape = SINTER_SHAPE(4, 4);
    oracle_check_plan(&o, g, plan, &shape, 1);
    float in[8] = {0}, out[8];
    sinter_binding bindings[] = {SINTER_BIND_HOST("a", SINTER_F32, SINTER_SHAPE(2, 4), in, sizeof in),
                                 SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(2, 4), out, sizeof out)};
    ck_assert_int_eq(sinter_plan_run(plan, bindings, 2), SINTER_SHAPE);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    sinter_graph_release(part);
}
END_TEST

/* Each on a graph with the inputs x (f32 [n, 3, 4]), i (i32 [n, 3, 4]), flat (f32 [4]) and wide (f32 [n, 3, 5]). */
START_TEST(refusals) {
    static const struct {
        const char *names[2];
        int values[2]; /* of the inputs above; -1: none, -2: another graph's */
        size_t count;
        sinter_status status;
        const char *words;
    } cases[] = {
        {{"y"}, {0}, 1, SINTER_INVALID_ARGUMENT, "'y' is no input"},
        {{NULL}, {0}, 1, SINTER_INVALID_ARGUMENT, "'NULL' is no input"},
        {{"x", "x"}, {0, 0}, 2, SINTER_INVALID_ARGUMENT, "'x' is given twice"},
        {{"x"}, {-1}, 1, SINTER_INVALID_ARGUMENT, "is no value"},
        {{"x"}, {-2}, 1, SINTER_INVALID_ARGUMENT, "another graph"},
        {{"x"}, {1}, 1, SINTER_DTYPE, "input 'x' is f32[b, s, 4], the value that is given is i32[n, 3, 4]"},
        {{"x"}, {2}, 1, SINTER_SHAPE, "input 'x' is f32[b, s, 4], the value that is given is f32[4]"},
        {{"x"}, {3}, 1, SINTER_SHAPE, "f32[n, 3, 5]"},
        {{"bias"}, {2}, 1, SINTER_SHAPE, "input 'bias'"},
        {{NULL}, {0}, 0, SINTER_INVALID_ARGUMENT, "both graphs have an input 'x'"},
    };
    sinter_graph *part = model();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        sinter_graph *g = new_graph();
        sinter_value given[2], outs[2], in[4];
        in[0] = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3, 4));
        in[1] = sinter_input(g, "i", SINTER_I32, SINTER_SHAPE(SINTER_DIM("n"), 3, 4));
        in[2] = sinter_input(g, "flat", SINTER_F32, SINTER_SHAPE(4));
        in[3] = sinter_input(g, "wide", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3, 5));
        for (int i = 0; i < 2; ++i)
            given[i] = cases[k].values[i] >= 0    ? in[cases[k].values[i]]
                       : cases[k].values[i] == -1 ? SINTER_NO_VALUE
                                                  : sinter_graph_input_value(part, 0);
        outs[0] = in[0];
        ck_assert_int_eq(sinter_graph_append(g, part, cases[k].names, given, cases[k].count, outs), cases[k].status);
        ck_assert_msg(strstr(sinter_last_error(), cases[k].words) != NULL, "%s", sinter_last_error());
        ck_assert_uint_eq(outs[0].id, 0);
        ck_assert_int_eq(sinter_graph_status(g), cases[k].status);
        sinter_graph_release(g);
    }
    sinter_value outs[2];
    sinter_graph *graphs[3] = {new_graph(), new_graph(), new_graph()};
    ck_assert_int_eq(sinter_graph_append(NULL, part, NULL, NULL, 0, outs), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_graph_append(graphs[0], NULL, NULL, NULL, 0, outs), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_graph_append(graphs[1], part, NULL, NULL, 1, outs), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_graph_append(graphs[2], part, NULL, NULL, 0, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_graph_append(part, part, NULL, NULL, 0, outs), SINTER_INVALID_ARGUMENT);
    for (int i = 0; i < 3; ++i) sinter_graph_release(graphs[i]);
    sinter_graph_release(part);
}
END_TEST

/* The n-th allocation fails, for every n until none does: an error each time, nothing lost. */
START_TEST(memory_runs_out) {
    sinter_graph *part = model();
    sinter_status status = SINTER_INTERNAL;
    int failures = 0;
    for (int nth = 1; status != SINTER_OK && nth < 10000; ++nth) {
        sinter_graph *g = new_graph();
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3, 4)), outs[2];
        sni_alloc_fail_at(nth);
        status = sinter_graph_append(g, part, (const char *[]){"x"}, &x, 1, outs);
        sni_alloc_fail_at(0);
        failures += status != SINTER_OK;
        sinter_graph_release(g);
    }
    ck_assert_int_eq(status, SINTER_OK);
    ck_assert_int_gt(failures, 0);
    sinter_graph_release(part);
}
END_TEST

int main(void) {
    const TTest *tests[] = {before_and_behind,
                            twice_with_names_exchanged,
                            sizes_with_names_of_their_own,
                            states_and_functions,
                            onnx_behind_preprocessing,
                            sizes_checked_at_binding,
                            refusals,
                            memory_runs_out};
    oracle_init(&o);
    int failed = run_suite(suite_of("append", tests, sizeof tests / sizeof *tests));
    oracle_deinit(&o);
    return failed;
}
