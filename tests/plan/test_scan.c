/* Scans on the device against the reference: every row and dtype, along every axis, with what is fused around. */
#include "check_main.h"
#include "op/attrs.h"
#include "oracle.h"
#include "plan/plan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static oracle o;

/* Code for GPUs runs on every device: the tests of the second half ask for it. */
static void setup(void) {
    oracle_init(&o);
}
static void setup_gpu(void) {
    oracle_init(&o);
    ((sni_caps *)o.runtime->caps)->device_class = SNI_DEVICE_GPU;
}
static void teardown(void) {
    oracle_deinit(&o);
}

/* llvmpipe, whose own class is CPU, crashes on extremes of bytes as a GPU's code has them. */
static bool runs_here(sinter_dtype dtype) {
    const sni_caps *caps = o.runtime->caps;
    if (caps->most_loop_steps && caps->device_class == SNI_DEVICE_GPU && sinter_dtype_size(dtype) == 1) return false;
    return dtype != SINTER_BOOL && (dtype != SINTER_F64 || o.runtime->caps->has_f64);
}

static const int64_t g_sizes[][3] = {
    {3, 5, 7},   {1, 1, 1},    {2, 1, 9},    {4, 0, 3},   {0, 2, 2},
    {2, 33, 17}, {1, 1025, 1}, {3, 2, 1300}, {700, 3, 2}, {5, 16, 64},
};

/* Products stay near 1, sums small. */
static void fill(sni_ref_tensor *t, bool specials) {
    for (int64_t i = 0; i < t->count; ++i) {
        double u = oracle_uniform(&o);
        if (t->i)
            t->i[i] = sni_dtype_wrap(t->dtype, (int64_t)(u * 9) - 3);
        else
            t->f[i] = sni_dtype_round(t->dtype, u < 0.5 ? 0.97 + 0.06 * u : -1);
        if (specials && t->f && oracle_uniform(&o) < 0.01)
            t->f[i] = u < 0.3 ? NAN : u < 0.6 ? INFINITY : u < 0.9 ? -INFINITY : -0.0;
    }
}

/* Runs the plan on one random input and compares every output with the reference. */
static void check(const sinter_graph *graph, sinter_plan *plan, sinter_dtype dtype, sinter_shape shape, bool specials) {
    sni_ref_tensor *in, *want[16] = {0};
    sinter_binding bindings[17] = {{0}};
    size_t outs = sinter_graph_output_count(graph);
    ck_assert_int_eq(sni_ref_tensor_create(dtype, shape.rank, shape.dims, &in), SINTER_OK);
    fill(in, specials);
    size_t bytes = (size_t)in->count * sinter_dtype_size(dtype);
    bindings[0] = (sinter_binding)SINTER_BIND_HOST("x", dtype, shape, malloc(bytes + 1), bytes);
    sni_ref_tensor_store(in, bindings[0].data);
    sni_ref_tensor_load(in, bindings[0].data);
    if (sni_reference_run(graph, &in, NULL, false, want) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    for (size_t i = 0; i < outs; ++i) {
        size_t size = (size_t)want[i]->count * sinter_dtype_size(want[i]->dtype);
        bindings[1 + i] = (sinter_binding)SINTER_BIND_HOST(sinter_graph_output_name(graph, i), want[i]->dtype,
                                                           SINTER_SCALAR, malloc(size + 1), size);
    }
    if (sinter_plan_run(plan, bindings, outs + 1) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    for (size_t i = 0; i < outs; ++i) {
        char text[200];
        if (!oracle_equal(want[i], bindings[1 + i].data, 4, text, sizeof text))
            ck_abort_msg("%s of %s[%lld, %lld, %lld]: %s", sinter_graph_output_name(graph, i), sinter_dtype_name(dtype),
                         (long long)shape.dims[0], (long long)shape.dims[1], (long long)shape.dims[2], text);
        sni_ref_tensor_release(want[i]);
        free(bindings[1 + i].data);
    }
    free(bindings[0].data);
    sni_ref_tensor_release(in);
}

static sinter_value input(sinter_graph **graph, sinter_dtype dtype) {
    ck_assert_int_eq(sinter_graph_create(graph), SINTER_OK);
    return sinter_input(*graph, "x", dtype, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), SINTER_DIM("k")));
}

/* SINTER_TEST_SMALL: f32 and few elements only, for Oclgrind. */
static bool too_large(sinter_dtype dtype, const int64_t *dims) {
    return getenv("SINTER_TEST_SMALL") && (dtype != SINTER_F32 || dims[0] * dims[1] * dims[2] > 400);
}

static void check_sizes(sinter_graph *graph, sinter_dtype dtype) {
    sinter_plan *plan = oracle_compile(&o, graph);
    for (size_t s = 0; s < COUNT(g_sizes); ++s)
        for (int specials = 0; specials < (sni_dtype_is_real(dtype) ? 2 : 1); ++specials)
            if (!too_large(dtype, g_sizes[s]))
                check(graph, plan, dtype, sinter_shape_make(3, g_sizes[s]), specials != 0);
    sinter_plan_release(plan);
    sinter_graph_release(graph);
}

START_TEST(rows) {
    sinter_dtype dtype = (sinter_dtype)(1 + _i / 3);
    int axis = _i % 3;
    /* Axes are the same code for all dtypes: most scan along one. */
    if (!runs_here(dtype) || (dtype != SINTER_F32 && (int)dtype % 3 != axis)) return;
    sinter_graph *graph;
    sinter_value x = input(&graph, dtype);
    int flags = 0;
    for (size_t n = 0; n < sni_op_count(); ++n) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_SCAN) continue;
        sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SCAN_AXIS] = sni_attr_int(axis - 3 * (flags & 1)),
                                         [SNI_SCAN_EXCLUSIVE] = sni_attr_int(flags & 1),
                                         [SNI_SCAN_REVERSE] = sni_attr_int((flags >> 1 ^ axis) & 1)};
        sinter_output(graph, op->name, (sinter_value){sni_graph_add1(graph, op->name, 1, &x.id, attrs)});
        ++flags;
    }
    ck_assert_int_ge(flags, 4);
    check_sizes(graph, dtype);
}
END_TEST

/* What computes the scanned values and what uses them at the same place is one launch. */
START_TEST(neighbours) {
    for (int axis = 0; axis < 3; ++axis) {
        sinter_graph *g;
        sinter_value x = input(&g, SINTER_F32), half = sinter_scalar(g, SINTER_F32, 0.5);
        sinter_value y = sinter_cumsum(g, sinter_mul(g, sinter_tanh(g, x), half), axis, axis == 1, axis == 2);
        sinter_value z = sinter_cummax(g, sinter_add(g, y, x), axis, 0, axis == 2);
        sinter_output(g, "sum", y);
        sinter_output(g, "both", sinter_sub(g, sinter_add(g, y, sinter_abs(g, z)), x));
        sinter_plan *plan = oracle_compile(&o, g);
        ck_assert_uint_eq(oracle_launches(plan), 1);
        bool gpu = o.runtime->caps->device_class == SNI_DEVICE_GPU;
        ck_assert_str_eq(plan->steps[0].spec.strategy, gpu ? "gpu_scan" : axis == 2 ? "cpu_scan" : "cpu_column");
        for (size_t s = 0; s < COUNT(g_sizes); ++s)
            if (!too_large(SINTER_F32, g_sizes[s])) check(g, plan, SINTER_F32, sinter_shape_make(3, g_sizes[s]), false);
        sinter_plan_release(plan);
        sinter_graph_release(g);
    }
}
END_TEST

/* Uses at other places, other axes, both directions, reductions and products beside it: several launches, right. */
START_TEST(cuts) {
    sinter_graph *g;
    sinter_value x = input(&g, SINTER_F32);
    sinter_value up = sinter_cumsum(g, x, 2, 0, 0), down = sinter_cumsum(g, x, 2, 0, 1);
    sinter_value across = sinter_cumsum(g, up, 1, 0, 0), mean = sinter_reduce_mean(g, across, SINTER_SHAPE(2), 1);
    sinter_output(g, "directions", sinter_mul(g, sinter_sub(g, up, down), sinter_scalar(g, SINTER_F32, 0.01)));
    sinter_output(g, "turned", sinter_transpose(g, across, SINTER_SHAPE(2, 0, 1)));
    sinter_output(g, "softmax", sinter_cumsum(g, sinter_softmax(g, x, 2), 2, 1, 0));
    sinter_output(g, "mean", sinter_cumsum(g, mean, 0, 0, 0));
    check_sizes(g, SINTER_F32);
}
END_TEST

static TCase *all(const char *name, void (*start)(void)) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, start, teardown);
    tcase_add_loop_test(tcase, rows, 0, 3 * (SINTER_DTYPE_COUNT - 1));
    tcase_add_test(tcase, neighbours);
    tcase_add_test(tcase, cuts);
    return tcase;
}

int main(void) {
    Suite *suite = suite_create("scans on the device");
    suite_add_tcase(suite, all("as the device is", setup));
    suite_add_tcase(suite, all("as a GPU", setup_gpu));
    return run_suite(suite);
}
