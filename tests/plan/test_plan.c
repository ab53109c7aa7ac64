/* Plans: right numbers against the reference, the launches that fusion must reach, every size through one plan, and
 * clear errors. */
#include "oracle.h"

static oracle o;
static sinter_graph *g;

static void setup(void) {
    oracle_init(&o);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
}

static void teardown(void) {
    sinter_graph_release(g);
    oracle_deinit(&o);
}

static sinter_value random_constant(sinter_dtype dtype, sinter_shape shape) {
    sni_ref_tensor *t;
    ck_assert_int_eq(sni_ref_tensor_create(dtype, shape.rank, shape.dims, &t), SINTER_OK);
    oracle_fill(&o, t);
    size_t bytes = (size_t)t->count * sinter_dtype_size(dtype);
    void *data = malloc(bytes + 1);
    sni_ref_tensor_store(t, data);
    sinter_value v = sinter_constant(g, dtype, shape, data, bytes);
    free(data);
    sni_ref_tensor_release(t);
    return v;
}

static void check_one(sinter_plan *plan, sinter_shape shape, double factor) {
    oracle_check_plan(&o, g, plan, &shape, factor);
}

static const int64_t sizes[][2] = {{1, 1}, {2, 17}, {3, 64}, {7, 33}, {16, 128}, {0, 5}, {5, 0}, {1, 1025}};
#define SIZES (sizeof sizes / sizeof *sizes)

/* Checks the plan of the graph with one input [n, m, ...tail] on many sizes; returns its launches. */
static uint64_t check_sizes(int tail_rank, const int64_t *tail, double factor) {
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_runtime_stats before, after;
    for (size_t i = 0; i < SIZES; ++i) {
        sinter_shape s = SINTER_SHAPE(sizes[i][0], sizes[i][1]);
        for (int d = 0; d < tail_rank; ++d) s.dims[s.rank++] = tail[d];
        oracle_check_plan(&o, g, plan, &s, factor);
        if (i == 1) sinter_runtime_get_stats(o.runtime, &before);
    }
    sinter_runtime_get_stats(o.runtime, &after);
    ck_assert_uint_eq(before.kernels_compiled, after.kernels_compiled);
    uint64_t launches = oracle_launches(plan);
    sinter_plan_release(plan);
    return launches;
}

static sinter_value input_nm(void) {
    return sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m")));
}

START_TEST(elementwise_chain_is_one_launch) {
    sinter_value x = input_nm(), c = sinter_scalar(g, SINTER_F32, 0.5);
    sinter_value y = sinter_gelu(g, sinter_add(g, sinter_mul(g, x, c), sinter_tanh(g, x)));
    sinter_output(g, "y", sinter_sub(g, y, sinter_exp(g, sinter_neg(g, sinter_abs(g, x)))));
    ck_assert_uint_eq(check_sizes(0, NULL, 2), 1);
}
END_TEST

START_TEST(softmax_is_one_launch) {
    sinter_output(g, "y", sinter_softmax(g, input_nm(), -1));
    ck_assert_uint_eq(check_sizes(0, NULL, 2), 1);
}
END_TEST

START_TEST(softmax_over_rows_is_one_launch) {
    sinter_output(g, "y", sinter_softmax(g, input_nm(), 0));
    ck_assert_uint_eq(check_sizes(0, NULL, 2), 1);
}
END_TEST

START_TEST(layer_norm_with_residual_is_one_launch) {
    int64_t tail[] = {96};
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), 96));
    sinter_value sum = sinter_add(g, x, sinter_relu(g, x));
    sinter_value scale = random_constant(SINTER_F32, SINTER_SHAPE(96)),
                 bias = random_constant(SINTER_F32, SINTER_SHAPE(96));
    sinter_output(g, "sum", sum);
    sinter_output(g, "y", sinter_layer_norm(g, sum, scale, bias, -1, 1e-5));
    ck_assert_uint_eq(check_sizes(1, tail, 8), 1);
}
END_TEST

START_TEST(mlp_is_two_launches) {
    int64_t tail[] = {31};
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), 31));
    sinter_value w1 = random_constant(SINTER_F32, SINTER_SHAPE(31, 50)),
                 b1 = random_constant(SINTER_F32, SINTER_SHAPE(50));
    sinter_value w2 = random_constant(SINTER_F32, SINTER_SHAPE(50, 31));
    sinter_value h = sinter_gelu(g, sinter_add(g, sinter_matmul(g, x, w1), b1));
    sinter_output(g, "y", sinter_add(g, x, sinter_matmul(g, h, w2)));
    ck_assert_uint_eq(check_sizes(1, tail, 60), 2);
}
END_TEST

/* Attention written out: heads split and joined by views, which must not cost a launch. */
START_TEST(attention_is_six_launches) {
    int64_t tail[] = {24};
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(n, m, 24)), heads[3];
    for (int i = 0; i < 3; ++i) {
        sinter_value w = random_constant(SINTER_F32, SINTER_SHAPE(24, 24));
        sinter_value p = sinter_reshape(g, sinter_matmul(g, x, w), SINTER_SHAPE(n, m, 4, 6));
        heads[i] = sinter_transpose(g, p, i == 1 ? SINTER_SHAPE(0, 2, 3, 1) : SINTER_SHAPE(0, 2, 1, 3));
    }
    sinter_value scale = sinter_scalar(g, SINTER_F32, 0.0408248);
    sinter_value scores = sinter_softmax(g, sinter_mul(g, sinter_matmul(g, heads[0], heads[1]), scale), -1);
    sinter_value mixed = sinter_transpose(g, sinter_matmul(g, scores, heads[2]), SINTER_SHAPE(0, 2, 1, 3));
    sinter_output(g, "y", sinter_add(g, sinter_reshape(g, mixed, SINTER_SHAPE(n, m, 24)), x));
    ck_assert_uint_le(check_sizes(1, tail, 200), 7);
}
END_TEST

START_TEST(convolution_with_bias_and_relu_is_one_launch) {
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("b"), 3, 13, 10));
    sinter_value w = random_constant(SINTER_F32, SINTER_SHAPE(8, 3, 3, 3)),
                 b = random_constant(SINTER_F32, SINTER_SHAPE(8));
    sinter_value y = sinter_conv(g, x, w, b, SINTER_SHAPE(2, 1), SINTER_SHAPE(1, 0, 1, 2), SINTER_SHAPE(1, 2), 1);
    sinter_output(g, "y", sinter_relu(g, y));
    sinter_plan *plan = oracle_compile(&o, g);
    for (int64_t n = 0; n < 4; ++n) check_one(plan, SINTER_SHAPE(n, 3, 13, 10), 60);
    ck_assert_uint_eq(oracle_launches(plan), 1);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(depthwise_and_pool) {
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("b"), 6, 9, 11));
    sinter_value w = random_constant(SINTER_F32, SINTER_SHAPE(6, 1, 3, 3));
    sinter_shape none = SINTER_SCALAR;
    sinter_value y = sinter_conv(g, x, w, SINTER_NO_VALUE, SINTER_SHAPE(1, 1), SINTER_SHAPE(1, 1, 1, 1), none, 6);
    sinter_output(g, "max",
                  sinter_max_pool(g, y, SINTER_SHAPE(3, 2), SINTER_SHAPE(2, 2), SINTER_SHAPE(1, 0, 1, 1), none, 1));
    sinter_output(g, "avg", sinter_avg_pool(g, y, SINTER_SHAPE(2, 2), SINTER_SHAPE(2, 1), none, none, 0, 0));
    sinter_plan *plan = oracle_compile(&o, g);
    for (int64_t n = 0; n < 3; ++n) check_one(plan, SINTER_SHAPE(n, 6, 9, 11), 30);
    sinter_plan_release(plan);
}
END_TEST

/* Lines long enough for vectors: whole windows, those that hang over an edge, steps of 1, 2 and 3, holes, groups. */
START_TEST(convolutions_read_windows_by_vectors) {
    static const struct {
        sinter_dtype dtype;
        int64_t channels, height, width, maps, kernel[2], stride[2], dilation, pad, groups;
    } rows[] = {
        {SINTER_F32, 3, 9, 37, 8, {3, 3}, {1, 1}, 1, 1, 1},  {SINTER_F32, 5, 21, 35, 7, {3, 3}, {2, 2}, 1, 1, 1},
        {SINTER_F16, 4, 11, 40, 6, {5, 3}, {1, 2}, 2, 2, 2}, {SINTER_BF16, 4, 12, 33, 4, {3, 5}, {2, 2}, 1, 2, 4},
        {SINTER_F32, 6, 10, 53, 6, {3, 3}, {1, 3}, 1, 1, 6}, {SINTER_F32, 2, 1, 41, 3, {1, 7}, {1, 2}, 1, 3, 1},
    };
    int row = _i;
    sinter_shape shape = SINTER_SHAPE(2, rows[row].channels, rows[row].height, rows[row].width);
    sinter_value x = sinter_input(g, "x", rows[row].dtype, shape), both[2] = {x, sinter_neg(g, x)};
    bool whole = rows[row].groups == 1;
    int64_t inputs = whole ? 2 * rows[row].channels : rows[row].channels / rows[row].groups, pad = rows[row].pad;
    sinter_shape kernel = SINTER_SHAPE(rows[row].maps, inputs, rows[row].kernel[0], rows[row].kernel[1]);
    sinter_value w = random_constant(rows[row].dtype, kernel);
    sinter_output(g, "y",
                  sinter_conv(g, whole ? sinter_concat(g, both, 2, 1) : x, w, SINTER_NO_VALUE,
                              SINTER_SHAPE(rows[row].stride[0], rows[row].stride[1]), SINTER_SHAPE(pad, pad, pad, pad),
                              SINTER_SHAPE(rows[row].dilation, rows[row].dilation), rows[row].groups));
    sinter_plan *plan = oracle_compile(&o, g);
    check_one(plan, shape, 60);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(views_cost_nothing) {
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    sinter_value x = input_nm();
    sinter_value parts[2] = {sinter_transpose(g, x, SINTER_SHAPE(1, 0)),
                             sinter_transpose(g, sinter_neg(g, x), SINTER_SHAPE(1, 0))};
    sinter_value both = sinter_concat(g, parts, 2, 1);
    sinter_value padded = sinter_pad(g, both, SINTER_SHAPE(1, 2), SINTER_SHAPE(0, 1), 0, 3.0);
    sinter_output(g, "y", sinter_mul(g, padded, padded));
    sinter_output(g, "flat", sinter_reshape(g, sinter_sin(g, x), SINTER_SHAPE(-1)));
    sinter_output(g, "same", x);
    (void)n;
    (void)m;
    ck_assert_uint_le(check_sizes(0, NULL, 2), 4);
}
END_TEST

START_TEST(gathers_read_through_indices) {
    sinter_value table = random_constant(SINTER_F32, SINTER_SHAPE(11, 24));
    sinter_value ids = sinter_input(g, "ids", SINTER_I64, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m")));
    sinter_output(g, "y",
                  sinter_layer_norm(g, sinter_gather(g, table, ids, 0), random_constant(SINTER_F32, SINTER_SHAPE(24)),
                                    SINTER_NO_VALUE, -1, 1e-5));
    ck_assert_uint_eq(check_sizes(0, NULL, 8), 1);
}
END_TEST

START_TEST(global_reductions) {
    sinter_value x = input_nm();
    sinter_output(g, "sum", sinter_reduce_sum(g, x, SINTER_SCALAR, 0));
    sinter_output(g, "max", sinter_reduce_max(g, x, SINTER_SHAPE(0), 1));
    sinter_output(g, "mean", sinter_reduce_mean(g, x, SINTER_SHAPE(1), 0));
    sinter_output(g, "arg", sinter_argmax(g, x, 1, 0, 0));
    static const int64_t plain[][2] = {{1, 1}, {2, 17}, {64, 3}, {300, 70}};
    sinter_plan *plan = oracle_compile(&o, g);
    for (size_t i = 0; i < 4; ++i) check_one(plan, SINTER_SHAPE(plain[i][0], plain[i][1]), 20);
    sinter_plan_release(plan);
}
END_TEST

/* On a GPU these take two kernels, and what stands before them is fused all the same. */
START_TEST(long_reductions) {
    sinter_value x = input_nm(), c = random_constant(SINTER_F32, SINTER_SHAPE(16, 4000));
    sinter_value wide = sinter_tanh(g, sinter_mul(g, x, sinter_scalar(g, SINTER_F32, 2)));
    sinter_output(
        g, "rows",
        sinter_reduce_sum(g, sinter_abs(g, sinter_expand(g, c, SINTER_SHAPE(7, 16, 4000))), SINTER_SHAPE(1, 2), 0));
    sinter_output(g, "all", sinter_reduce_max(g, wide, SINTER_SCALAR, 1));
    sinter_output(g, "columns",
                  sinter_reduce_mean(g, sinter_reshape(g, c, SINTER_SHAPE(3200, 20)), SINTER_SHAPE(0), 0));
    sinter_plan *plan = oracle_compile(&o, g);
    check_one(plan, SINTER_SHAPE(300, 1001), 1);
    check_one(plan, SINTER_SHAPE(1, 3), 1);
    check_one(plan, SINTER_SHAPE(517, 1024), 1);
    ck_assert_uint_le(oracle_launches(plan), 6);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(half_and_bfloat_storage) {
    static const sinter_dtype dtypes[] = {SINTER_F16, SINTER_BF16};
    for (int i = 0; i < 2; ++i) {
        char name[2][8];
        snprintf(name[0], 8, "x%d", i);
        snprintf(name[1], 8, "y%d", i);
        sinter_value x = sinter_input(g, name[0], dtypes[i], SINTER_SHAPE(SINTER_DIM("n"), 33));
        sinter_value w = random_constant(dtypes[i], SINTER_SHAPE(33, 20));
        sinter_output(g, name[1], sinter_softmax(g, sinter_matmul(g, x, w), -1));
    }
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_shape shapes[2] = {SINTER_SHAPE(19, 33), SINTER_SHAPE(19, 33)};
    oracle_check_plan(&o, g, plan, shapes, 8);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(without_fusion_the_numbers_are_the_same) {
    sinter_value x = input_nm();
    sinter_output(g, "y", sinter_softmax(g, sinter_mul(g, x, sinter_sigmoid(g, x)), -1));
    sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
    options.disable_fusion = 1;
    sinter_plan *plan;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, &options, &plan), SINTER_OK);
    check_one(plan, SINTER_SHAPE(5, 77), 2);
    ck_assert_uint_ge(oracle_launches(plan), 5);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(precisions_are_known) {
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(70, 90));
    sinter_output(g, "y", sinter_matmul(g, x, random_constant(SINTER_F32, SINTER_SHAPE(90, 80))));
    for (int precision = 0; precision <= SINTER_PRECISION_FAST + 1; ++precision) {
        sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
        options.precision = (sinter_precision)precision;
        sinter_plan *plan;
        sinter_status status = sinter_plan_compile(o.runtime, g, &options, &plan);
        ck_assert_int_eq(status, precision <= SINTER_PRECISION_FAST ? SINTER_OK : SINTER_INVALID_ARGUMENT);
        if (status == SINTER_OK) check_one(plan, SINTER_SHAPE(70, 90), 64);
        sinter_plan_release(plan);
    }
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no precision 3"));
}
END_TEST

static float x_data[64];

START_TEST(bad_bindings_are_explained) {
    sinter_output(g, "y", sinter_relu(g, input_nm()));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4, 8), x_data, 128),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, x_data, 128)};
    ck_assert_int_eq(sinter_plan_run(plan, b, 2), SINTER_OK);
    struct {
        const char *words;
        sinter_status status;
        sinter_binding x, y;
    } cases[] = {
        {"'x' is i32", SINTER_DTYPE, SINTER_BIND_HOST("x", SINTER_I32, SINTER_SHAPE(4, 8), x_data, 128), b[1]},
        {"'x'", SINTER_SHAPE, SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(32), x_data, 128), b[1]},
        {"'x'", SINTER_SHAPE, SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(-4, 8), x_data, 128), b[1]},
        {"'x' has 100 bytes, 128", SINTER_INVALID_ARGUMENT,
         SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4, 8), x_data, 100), b[1]},
        {"'y' has 4 bytes, 128", SINTER_INVALID_ARGUMENT, b[0],
         SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, x_data, 4)},
        {"'y' is f32, not f64", SINTER_DTYPE, b[0], SINTER_BIND_HOST("y", SINTER_F64, SINTER_SCALAR, x_data, 128)},
        {"'z' is no input, output or state", SINTER_INVALID_ARGUMENT, b[0],
         SINTER_BIND_HOST("z", SINTER_F32, SINTER_SCALAR, x_data, 128)},
        {"'y' is bound twice", SINTER_INVALID_ARGUMENT, b[1], b[1]},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        sinter_binding both[2] = {cases[i].x, cases[i].y};
        ck_assert_int_eq(sinter_plan_run(plan, both, 2), cases[i].status);
        if (!strstr(sinter_last_error(), cases[i].words))
            ck_abort_msg("'%s' does not say %s", sinter_last_error(), cases[i].words);
        ck_assert_int_eq(sinter_plan_run(plan, b, 2), SINTER_OK);
    }
    ck_assert_int_eq(sinter_plan_run(plan, &b[1], 1), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'x' is not bound"));
    sinter_plan_release(plan);
}
END_TEST

START_TEST(a_dimension_left_unbound_is_named) {
    sinter_value ones = sinter_expand(g, sinter_scalar(g, SINTER_F32, 1), SINTER_SHAPE(SINTER_DIM("rows"), 4));
    sinter_output(g, "y", ones);
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding b[2] = {SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, x_data, sizeof x_data),
                           SINTER_BIND_DIM("rows", 3)};
    ck_assert_int_eq(sinter_plan_run(plan, b, 1), SINTER_UNBOUND_DIMENSION);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'rows'"));
    ck_assert_int_eq(sinter_plan_run(plan, b, 2), SINTER_OK);
    ck_assert_int_eq(b[0].shape.dims[0], 3);
    ck_assert(x_data[11] == 1.0f);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(compile_errors_are_explained) {
    sinter_value x = input_nm();
    sinter_plan *plan;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, NULL, &plan), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no output"));
    sinter_value w = sinter_constant(g, SINTER_F32, SINTER_SHAPE(3, 2), x_data, 24);
    sinter_output(g, "y", sinter_add(g, sinter_reshape(g, w, SINTER_SHAPE(2, 3)), w));
    (void)x;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, NULL, &plan), SINTER_SHAPE);
    ck_assert_ptr_null(plan);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "add"));
}
END_TEST

static int stop_after_one(void *context, size_t done, size_t total) {
    (void)total;
    *(size_t *)context = done;
    return 1;
}

START_TEST(compiling_can_be_cancelled) {
    size_t done = 0;
    sinter_plan_options options = {stop_after_one, &done, 0};
    sinter_plan *plan;
    sinter_output(g, "y", sinter_softmax(g, input_nm(), -1));
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, &options, &plan), SINTER_CANCELLED);
    ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(device_buffers_and_async_runs) {
    sinter_output(g, "y", sinter_add(g, input_nm(), sinter_scalar(g, SINTER_F32, 1)));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_buffer *in, *out;
    ck_assert_int_eq(sinter_buffer_create(o.runtime, sizeof x_data, &in), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_create(o.runtime, sizeof x_data, &out), SINTER_OK);
    for (int i = 0; i < 64; ++i) x_data[i] = (float)i;
    ck_assert_int_eq(sinter_buffer_write(in, 0, x_data, sizeof x_data), SINTER_OK);
    sinter_binding b[2] = {{"x", SINTER_F32, SINTER_SHAPE(8, 8), NULL, 0, in},
                           {"y", SINTER_F32, SINTER_SCALAR, NULL, 0, out}};
    sinter_event *events[4];
    for (int i = 0; i < 4; ++i) ck_assert_int_eq(sinter_plan_run_async(plan, b, 2, &events[i]), SINTER_OK);
    for (int i = 0; i < 4; ++i) ck_assert_int_eq(sinter_event_wait(events[i]), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_read(out, 0, x_data, sizeof x_data), SINTER_OK);
    for (int i = 0; i < 64; ++i) ck_assert(x_data[i] == (float)i + 1);
    sinter_buffer_release(in);
    sinter_buffer_release(out);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(explain_and_trace_name_every_launch) {
    sinter_output(g, "y", sinter_softmax(g, sinter_reduce_sum(g, input_nm(), SINTER_SHAPE(0), 0), -1));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding b[1] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4, 8), x_data, 128)};
    char *text;
    ck_assert_int_eq(sinter_plan_explain(plan, b, 1, 1, &text), SINTER_OK);
    ck_assert_ptr_nonnull(strstr(text, "reduce_sum"));
    ck_assert_ptr_nonnull(strstr(text, "ends: "));
    ck_assert_ptr_nonnull(strstr(text, "__kernel"));
    sinter_free(text);
    ck_assert_int_eq(sinter_plan_trace(plan, b, 1, &text), SINTER_OK);
    ck_assert_ptr_nonnull(strstr(text, "\"dur\":"));
    sinter_free(text);
    sinter_plan_release(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plan");
    TCase *tc = tcase_create("plan");
    tcase_set_timeout(tc, 600);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, elementwise_chain_is_one_launch);
    tcase_add_test(tc, softmax_is_one_launch);
    tcase_add_test(tc, softmax_over_rows_is_one_launch);
    tcase_add_test(tc, layer_norm_with_residual_is_one_launch);
    tcase_add_test(tc, mlp_is_two_launches);
    tcase_add_test(tc, attention_is_six_launches);
    tcase_add_test(tc, convolution_with_bias_and_relu_is_one_launch);
    tcase_add_loop_test(tc, convolutions_read_windows_by_vectors, 0, 6);
    tcase_add_test(tc, depthwise_and_pool);
    tcase_add_test(tc, views_cost_nothing);
    tcase_add_test(tc, gathers_read_through_indices);
    tcase_add_test(tc, global_reductions);
    tcase_add_test(tc, long_reductions);
    tcase_add_test(tc, half_and_bfloat_storage);
    tcase_add_test(tc, without_fusion_the_numbers_are_the_same);
    tcase_add_test(tc, precisions_are_known);
    tcase_add_test(tc, bad_bindings_are_explained);
    tcase_add_test(tc, a_dimension_left_unbound_is_named);
    tcase_add_test(tc, compile_errors_are_explained);
    tcase_add_test(tc, compiling_can_be_cancelled);
    tcase_add_test(tc, device_buffers_and_async_runs);
    tcase_add_test(tc, explain_and_trace_name_every_launch);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
