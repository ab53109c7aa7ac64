/* Every ELEMENTWISE, CAST and REDUCE row on the device against its reference, generated from the table: each dtype
 * of its classes, shapes of every kind through one symbolic plan, broadcasting, NaN and Inf among the inputs. */
#include <float.h>

#include "check_main.h"
#include "oracle.h"

enum { MOST_OUTPUTS = 6, MOST_INPUTS = 3 };

static oracle o;
static bool g_has_f64;

static void setup(void) {
    oracle_init(&o);
    size_t count = 0;
    sinter_device_info infos[16];
    ck_assert_int_eq(sinter_devices_list(infos, 16, &count), SINTER_OK);
    const char *name = sinter_runtime_device_name(o.runtime);
    g_has_f64 = false;
    for (size_t i = 0; i < count && i < 16; i++) {
        g_has_f64 = g_has_f64 || (strcmp(infos[i].name, name) == 0 && infos[i].has_f64);
    }
}

static void teardown(void) {
    oracle_deinit(&o);
}

/* ---- inputs ---- */

static const double g_specials[] = {
    NAN,   INFINITY, -INFINITY, 0,    -0.0, 1,  -1,  0.5, -0.5, 1.5, 2.5,  -2.5, 1e-3,
    -1e-3, 3,        -3,        5.75, -6,   12, -17, 30,  -30,  100, -100, 1000, -60000,
};
static const int64_t g_whole_specials[] = {
    0, 1, -1, 2, -2, 3, -3, 7, 127, -128, 255, 32767, -32768, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Specials and random numbers in turn; other strides for every input, so that they meet each other. */
static void fill_specials(sni_ref_tensor *t, int input) {
    for (int64_t n = 0; n < t->count; n++) {
        uint64_t pick = (uint64_t)(oracle_uniform(&o) * 1e6) + (uint64_t)(n * (input + 1));
        bool special = pick % 3 != 0;
        if (t->f) {
            double value = special ? g_specials[pick % COUNT(g_specials)] : 6 * oracle_uniform(&o) - 3;
            t->f[n] = sni_dtype_round(t->dtype, value);
        } else {
            int64_t value =
                special ? g_whole_specials[pick % COUNT(g_whole_specials)] : (int64_t)(oracle_uniform(&o) * 21) - 10;
            t->i[n] = t->dtype == SINTER_BOOL ? (int64_t)(pick & 1u) : sni_dtype_wrap(t->dtype, value);
        }
    }
}

/* Sums and products of any length stay in range; specials only where tests want them. */
static void fill_tame(sni_ref_tensor *t, bool product, bool specials) {
    for (int64_t n = 0; n < t->count; n++) {
        double sign = oracle_uniform(&o) < 0.5 ? -1 : 1;
        double value = product ? sign * (n % 4001 == 7 ? 1.5 : 1) : 2 * oracle_uniform(&o) - 1;
        if (specials && n % 37 == 5) value = g_specials[(n / 37) % 3];
        if (t->f) t->f[n] = sni_dtype_round(t->dtype, value);
        if (t->i) t->i[n] = sni_dtype_wrap(t->dtype, (int64_t)(oracle_uniform(&o) * 511) - 255);
    }
}

/* ---- one run ---- */

typedef struct comparison {
    double relative, absolute;
} comparison;

/* The smallest relative step of a dtype; device arithmetic on f32 and below is f32. */
static double step_of(sinter_dtype dtype) {
    return dtype == SINTER_F64 ? 1e-14 : dtype == SINTER_F16 ? 0x1.1p-10 : dtype == SINTER_BF16 ? 0x1.1p-7 : 0;
}

static bool close_to(sinter_dtype dtype, double got, double want, comparison limit) {
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    double wide = dtype == SINTER_F64 ? 1e-8 : 1; /* limits are given for f32 */
    double smallest = dtype == SINTER_F16 ? 0x1p-24 : DBL_MIN + FLT_MIN;
    return fabs(got - want) <= fabs(want) * (limit.relative * wide + step_of(dtype)) + limit.absolute * wide + smallest;
}

static void compare(const char *row, const sni_ref_tensor *want, const void *data, comparison limit,
                    sni_ref_tensor *const *in, size_t ins) {
    for (int64_t n = 0; n < want->count; n++) {
        double f = 0;
        int64_t i = 0;
        sni_dtype_load(want->dtype, data, n, &f, &i);
        if (want->f ? close_to(want->dtype, f, want->f[n], limit) : i == want->i[n]) continue;
        char inputs[256] = "";
        for (size_t k = 0; k < ins && k < MOST_INPUTS; k++) {
            if (in[k]->count != want->count && in[k]->count != 1) continue;
            int64_t at = in[k]->count == 1 ? 0 : n;
            size_t used = strlen(inputs);
            snprintf(inputs + used, sizeof inputs - used, " %.9g", in[k]->f ? in[k]->f[at] : (double)in[k]->i[at]);
        }
        ck_abort_msg("%s, %s, element %lld of %lld: %.9g, must be %.9g; inputs%s", row, sinter_dtype_name(want->dtype),
                     (long long)n, (long long)want->count, want->f ? f : (double)i,
                     want->f ? want->f[n] : (double)want->i[n], inputs);
    }
}

/* Runs plan and reference on the inputs; limits[i] is for output i. */
static void run_both(const sinter_graph *graph, sinter_plan *plan, sni_ref_tensor *const *in,
                     const comparison *limits) {
    size_t ins = sinter_graph_input_count(graph), outs = sinter_graph_output_count(graph);
    sni_ref_tensor *want[MOST_OUTPUTS] = {0};
    sinter_binding bindings[MOST_INPUTS + MOST_OUTPUTS] = {{0}};
    if (sni_reference_run(graph, in, NULL, false, want) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    for (size_t i = 0; i < ins + outs; i++) {
        const sni_ref_tensor *t = i < ins ? in[i] : want[i - ins];
        const char *name = i < ins ? sinter_graph_input_name(graph, i) : sinter_graph_output_name(graph, i - ins);
        size_t bytes = (size_t)t->count * sinter_dtype_size(t->dtype);
        void *data = malloc(bytes + 1);
        memset(data, 0x5a, bytes + 1);
        if (i < ins) sni_ref_tensor_store(t, data);
        bindings[i] = (sinter_binding){name, t->dtype, sinter_shape_make((size_t)t->rank, t->dims), data, bytes, NULL};
    }
    if (sinter_plan_run(plan, bindings, ins + outs) != SINTER_OK) ck_abort_msg("run: %s", sinter_last_error());
    for (size_t i = 0; i < outs; i++) {
        ck_assert_int_eq(((char *)bindings[ins + i].data)[bindings[ins + i].size_bytes], 0x5a);
        compare(bindings[ins + i].name, want[i], bindings[ins + i].data, limits[i], in, ins);
    }
    for (size_t i = 0; i < ins + outs; i++) free(bindings[i].data);
    for (size_t i = 0; i < outs; i++) sni_ref_tensor_release(want[i]);
}

static sni_ref_tensor *tensor_of(sinter_dtype dtype, sinter_shape shape) {
    sni_ref_tensor *t;
    ck_assert_int_eq(sni_ref_tensor_create(dtype, shape.rank, shape.dims, &t), SINTER_OK);
    return t;
}

/* ---- elementwise ---- */

/* A single function call is accurate relative to its result; sums of terms may cancel. */
static comparison limit_of(const sni_op *op) {
    const char *at = op->expression + strspn(op->expression, "abcdefghijklmnopqrstuvwxyz_0123456789");
    size_t length = strlen(op->expression);
    bool call = *at == '(' && op->expression[length - 1] == ')' &&
                strspn(at + 1, "abc, ") == length - 2 - (size_t)(at - op->expression);
    return (comparison){.relative = 4e-6, .absolute = call ? 0 : 4e-6};
}

static bool is_where(const sni_op *op) {
    return strcmp(op->name, "where") == 0;
}

/* The shapes of the three inputs of one run: full, [m], [n, 1] and so on. */
typedef struct shapes {
    sinter_shape in[MOST_INPUTS];
} shapes;

typedef enum layout { SAME, ROW_AND_COLUMN, SCALARS, SYMBOLIC_ONES, LAYOUT_COUNT } layout;

static shapes symbolic_shapes(layout how) {
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m"), p = SINTER_DIM("p"), q = SINTER_DIM("q");
    sinter_shape full = SINTER_SHAPE(n, m);
    if (how == SAME) return (shapes){{full, full, full}};
    if (how == ROW_AND_COLUMN) return (shapes){{full, SINTER_SHAPE(m), SINTER_SHAPE(n, 1)}};
    if (how == SCALARS) return (shapes){{SINTER_SHAPE(1, m), SINTER_SCALAR, SINTER_SHAPE(n, 1)}};
    return (shapes){{full, SINTER_SHAPE(p, q), full}}; /* p is 1 or n, q is 1 or m, or the other way round */
}

static sinter_shape bind(sinter_shape shape, const int64_t values[4]) {
    static const char *const names[] = {"n", "m", "p", "q"};
    for (int d = 0; d < shape.rank; d++) {
        for (int k = 0; k < 4; k++) {
            if (shape.dims[d] == SINTER_DIM(names[k])) shape.dims[d] = values[k];
        }
    }
    return shape;
}

/* n, m, p, q; the last two only matter for SYMBOLIC_ONES. */
static const int64_t g_sizes[][4] = {
    {7, 33, 7, 1}, {1, 1, 1, 1},         {3, 64, 1, 64},   {0, 5, 0, 1},       {5, 0, 5, 0},
    {1, 17, 9, 1}, {70001, 1, 70001, 1}, {1, 70001, 1, 1}, {129, 257, 1, 257},
};

static void run_sizes(const sinter_graph *graph, sinter_plan *plan, layout how, const comparison *limits) {
    shapes symbolic = symbolic_shapes(how);
    size_t ins = sinter_graph_input_count(graph);
    for (size_t s = 0; s < COUNT(g_sizes); s++) {
        sni_ref_tensor *in[MOST_INPUTS] = {0};
        for (size_t i = 0; i < ins; i++) {
            sinter_dtype dtype = sinter_value_dtype(graph, sinter_graph_input_value(graph, i));
            in[i] = tensor_of(dtype, bind(symbolic.in[i], g_sizes[s]));
            fill_specials(in[i], (int)i);
        }
        run_both(graph, plan, in, limits);
        for (size_t i = 0; i < ins; i++) sni_ref_tensor_release(in[i]);
    }
}

/* One graph of up to MOST_OUTPUTS rows of one arity on the same inputs, each row an output. */
static void check_rows(const sni_op *const *rows, int count, sinter_dtype dtype, layout how) {
    static const char *const names[] = {"a", "b", "c"};
    sinter_graph *graph;
    sinter_value in[MOST_INPUTS];
    comparison limits[MOST_OUTPUTS];
    shapes symbolic = symbolic_shapes(how);
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    for (int i = 0; i < rows[0]->max_inputs; i++) {
        in[i] = sinter_input(graph, names[i], is_where(rows[0]) && i == 0 ? SINTER_BOOL : dtype, symbolic.in[i]);
    }
    for (int r = 0; r < count; r++) {
        uint32_t ids[MOST_INPUTS];
        for (int i = 0; i < rows[r]->max_inputs; i++) ids[i] = in[i].id;
        sinter_output(graph, rows[r]->name,
                      (sinter_value){sni_graph_add1(graph, rows[r]->name, rows[r]->max_inputs, ids, NULL)});
        limits[r] = limit_of(rows[r]);
    }
    sinter_plan *plan;
    if (sinter_plan_compile(o.runtime, graph, NULL, &plan) != SINTER_OK) {
        ck_abort_msg("%s and %d more, %s: %s", rows[0]->name, count - 1, sinter_dtype_name(dtype), sinter_last_error());
    }
    run_sizes(graph, plan, how, limits);
    sinter_plan_release(plan);
    sinter_graph_release(graph);
}

/* All rows of an arity that take the dtype, in batches; where has a graph of its own. */
static void check_arity(int arity, sinter_dtype dtype, layout how) {
    const sni_op *batch[MOST_OUTPUTS];
    int count = 0;
    for (size_t n = 0; n < sni_op_count(); n++) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_ELEMENTWISE || op->max_inputs != arity) continue;
        if (!(op->classes & sni_dtype_class_of(dtype))) continue;
        if (is_where(op)) {
            check_rows(&op, 1, dtype, how);
            continue;
        }
        batch[count++] = op;
        if (count < MOST_OUTPUTS) continue;
        check_rows(batch, count, dtype, how);
        count = 0;
    }
    if (count > 0) check_rows(batch, count, dtype, how);
}

static bool runs_here(sinter_dtype dtype) {
    return dtype != SINTER_F64 || g_has_f64;
}

/* A layout is the same code for all dtypes of one width, so a few dtypes are enough for the odd ones. */
static bool tests_layouts(sinter_dtype dtype) {
    return dtype == SINTER_F32 || dtype == SINTER_F16 || dtype == SINTER_I64 || dtype == SINTER_BOOL;
}

START_TEST(unary_rows) {
    if (runs_here((sinter_dtype)_i)) check_arity(1, (sinter_dtype)_i, SAME);
}
END_TEST

START_TEST(binary_rows) {
    if (!runs_here((sinter_dtype)_i)) return;
    check_arity(2, (sinter_dtype)_i, SAME);
    if (tests_layouts((sinter_dtype)_i)) check_arity(2, (sinter_dtype)_i, ROW_AND_COLUMN);
}
END_TEST

START_TEST(ternary_rows) {
    if (!runs_here((sinter_dtype)_i)) return;
    check_arity(3, (sinter_dtype)_i, ROW_AND_COLUMN);
    if (tests_layouts((sinter_dtype)_i)) check_arity(3, (sinter_dtype)_i, SCALARS);
}
END_TEST

START_TEST(dimensions_that_turn_out_to_be_1) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_I64, SINTER_U8};
    const sni_op *rows[] = {sni_op_find("add"), sni_op_find("max"), sni_op_find("lt"), sni_op_find("sub")};
    for (size_t d = 0; d < COUNT(dtypes); d++) {
        check_rows(rows, 4, dtypes[d], SYMBOLIC_ONES);
        check_rows(rows, 4, dtypes[d], SCALARS);
    }
}
END_TEST

/* ---- cast ---- */

START_TEST(casts_from) {
    sinter_dtype from = (sinter_dtype)_i;
    if (!runs_here(from)) return;
    int to = 1;
    while (to < SINTER_DTYPE_COUNT) {
        sinter_graph *graph;
        comparison limits[MOST_OUTPUTS] = {{0, 0}};
        ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
        sinter_value in = sinter_input(graph, "a", from, symbolic_shapes(SAME).in[0]);
        for (int count = 0; count < 5 && to < SINTER_DTYPE_COUNT; to++) {
            if (!runs_here((sinter_dtype)to)) continue;
            sinter_output(graph, sinter_dtype_name((sinter_dtype)to), sinter_cast(graph, in, to));
            limits[count++].relative = 1.2e-7;
        }
        sinter_plan *plan = oracle_compile(&o, graph);
        run_sizes(graph, plan, SAME, limits);
        sinter_plan_release(plan);
        sinter_graph_release(graph);
    }
}
END_TEST

/* ---- reduce ---- */

typedef struct reduction {
    int count, keepdims;
    int64_t axes[3];
} reduction;

static const reduction g_reductions[] = {
    {1, 1, {-1}}, {1, 0, {0}}, {0, 0, {0}}, {1, 0, {1}}, {2, 1, {0, 2}}, {3, 0, {0, 1, 2}},
};
static const int64_t g_reduce_sizes[][3] = {
    {3, 5, 7}, {1, 1, 1}, {2, 3, 1025}, {1, 1, 70001}, {70001, 1, 1}, {4, 0, 3}, {0, 2, 2}, {3, 300, 2}, {17, 33, 65},
};

/* Beside what grows with the number of roundings, one rounding of a number as large as all magnitudes together: that is what
 * a sum in f32 in the order of its terms costs when they cancel. */
static comparison reduce_limit(const sni_op *op, const sni_ref_tensor *in) {
    if (!sni_combiner_row_of(op->combiner)->rounds) return (comparison){0, 0};
    if (op->combiner == SNI_COMBINE_PROD) return (comparison){1e-5, 0};
    double magnitudes = 0;
    for (int64_t n = 0; in->f && n < in->count; n++)
        if (isfinite(in->f[n])) magnitudes += fabs(in->f[n]);
    return (comparison){1e-5, 2e-7 * sqrt((double)in->count) + 0x1p-24 * magnitudes};
}

/* Rows that share a kind of input share a graph: products need numbers near 1. */
static void check_reductions(sinter_dtype dtype, const reduction *how, bool products) {
    sinter_graph *graph;
    const sni_op *rows[MOST_OUTPUTS];
    int count = 0;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    sinter_value in = sinter_input(graph, "a", dtype, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), SINTER_DIM("k")));
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(graph, how->count, how->axes), sni_attr_int(how->keepdims)};
    for (size_t n = 0; n < sni_op_count() && count < MOST_OUTPUTS; n++) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_REDUCE || !(op->classes & sni_dtype_class_of(dtype))) continue;
        if ((op->combiner == SNI_COMBINE_PROD) != products) continue;
        sinter_output(graph, op->name, (sinter_value){sni_graph_add1(graph, op->name, 1, &in.id, attrs)});
        rows[count++] = op;
    }
    if (count == 0) return sinter_graph_release(graph);
    sinter_plan *plan = oracle_compile(&o, graph);
    for (size_t s = 0; s < COUNT(g_reduce_sizes); s++) {
        for (int specials = 0; specials < (sni_dtype_is_real(dtype) ? 2 : 1); specials++) {
            comparison limits[MOST_OUTPUTS];
            sni_ref_tensor *t = tensor_of(dtype, sinter_shape_make(3, g_reduce_sizes[s]));
            fill_tame(t, products, specials != 0);
            for (int r = 0; r < count; r++) limits[r] = reduce_limit(rows[r], t);
            run_both(graph, plan, &t, limits);
            sni_ref_tensor_release(t);
        }
    }
    sinter_plan_release(plan);
    sinter_graph_release(graph);
}

START_TEST(reductions) {
    sinter_dtype dtype = (sinter_dtype)_i;
    if (!runs_here(dtype)) return;
    for (size_t r = 0; r < COUNT(g_reductions); r++) {
        /* Axes are the same code for all dtypes: every dtype reduces rows, columns and everything. */
        if (r >= 3 && !tests_layouts(dtype)) continue;
        check_reductions(dtype, &g_reductions[r], false);
        check_reductions(dtype, &g_reductions[r], true);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plan ops on the device");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, unary_rows, 1, SINTER_DTYPE_COUNT);
    tcase_add_loop_test(tcase, binary_rows, 1, SINTER_DTYPE_COUNT);
    tcase_add_loop_test(tcase, ternary_rows, 1, SINTER_DTYPE_COUNT);
    tcase_add_test(tcase, dimensions_that_turn_out_to_be_1);
    tcase_add_loop_test(tcase, casts_from, 1, SINTER_DTYPE_COUNT);
    tcase_add_loop_test(tcase, reductions, 1, SINTER_DTYPE_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
