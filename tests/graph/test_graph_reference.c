/* The reference evaluator on whole graphs, binding of shapes, and memory that runs out. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "graph/reference.h"

static sinter_graph *new_graph(void) {
    sinter_graph *graph = NULL;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    return graph;
}

static sni_ref_tensor *tensor_of(sinter_dtype dtype, int rank, const int64_t *dims, const double *values) {
    sni_ref_tensor *tensor;
    ck_assert_int_eq(sni_ref_tensor_create(dtype, rank, dims, &tensor), SINTER_OK);
    for (int64_t n = 0; n < tensor->count; n++) {
        if (tensor->f) tensor->f[n] = values[n];
        if (tensor->i) tensor->i[n] = (int64_t)values[n];
    }
    return tensor;
}

/* y = relu(x @ w + b) and its row sums, with an unused node and an output that is an input. */
static sinter_graph *small_network(void) {
    static const float w[] = {1, 2, 3, 4, 5, 6}, b[] = {-10, 0.5};
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3));
    sinter_value h = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(3, 2), w, sizeof w));
    h = sinter_relu(g, sinter_add(g, h, sinter_constant(g, SINTER_F32, SINTER_SHAPE(2), b, sizeof b)));
    sinter_exp(g, h);
    sinter_output(g, "h", h);
    sinter_output(g, "sums", sinter_reduce_sum(g, h, SINTER_SHAPE(1), 0));
    sinter_output(g, "x", x);
    sinter_output(g, "h again", h);
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    return g;
}

START_TEST(a_small_network_is_evaluated) {
    sinter_graph *g = small_network();
    sni_ref_tensor *x = tensor_of(SINTER_F32, 2, (int64_t[]){2, 3}, (double[]){1, 0, -1, 1, 1, 1});
    sni_ref_tensor *out[4];
    ck_assert_int_eq(sni_reference_run(g, &x, NULL, false, out), SINTER_OK);
    static const double h[] = {0, 0, 0, 12.5};
    ck_assert_int_eq(out[0]->rank, 2);
    ck_assert_int_eq(out[0]->dims[0], 2);
    for (int n = 0; n < 4; n++) ck_assert(out[0]->f[n] == h[n] && out[3]->f[n] == h[n]);
    ck_assert(out[1]->count == 2 && out[1]->f[0] == 0 && out[1]->f[1] == 12.5);
    for (int n = 0; n < 6; n++) ck_assert(out[2]->f[n] == x->f[n]);
    for (int o = 0; o < 4; o++) sni_ref_tensor_release(out[o]);
    sni_ref_tensor_release(x);
    sinter_graph_release(g);
}
END_TEST

START_TEST(values_are_rounded_unless_double_is_kept) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F16, SINTER_SCALAR);
    sinter_output(g, "y", sinter_add(g, x, sinter_scalar(g, SINTER_F16, 1.0)));
    sni_ref_tensor *in = tensor_of(SINTER_F16, 0, NULL, (double[]){0x1p-11}), *out;
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, &out), SINTER_OK);
    ck_assert(out->f[0] == 1);
    sni_ref_tensor_release(out);
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, true, &out), SINTER_OK);
    ck_assert(out->f[0] == 1 + 0x1p-11);
    sni_ref_tensor_release(out);
    sni_ref_tensor_release(in);
    sinter_graph_release(g);
}
END_TEST

START_TEST(constants_and_empty_tensors_are_outputs_too) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 2));
    sinter_output(g, "c", sinter_scalar(g, SINTER_I32, 41));
    sinter_output(g, "e", sinter_exp(g, x));
    sinter_output(g, "s", sinter_reduce_sum(g, x, SINTER_SHAPE(0), 0));
    sni_ref_tensor *in = tensor_of(SINTER_F32, 2, (int64_t[]){0, 2}, NULL), *out[3];
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, out), SINTER_OK);
    ck_assert(out[0]->i[0] == 41);
    ck_assert(out[1]->count == 0 && out[1]->dims[1] == 2);
    ck_assert(out[2]->count == 2 && out[2]->f[0] == 0 && out[2]->f[1] == 0);
    for (int o = 0; o < 3; o++) sni_ref_tensor_release(out[o]);
    sni_ref_tensor_release(in);
    sinter_graph_release(g);
}
END_TEST

START_TEST(optional_inputs_may_be_left_out) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F64, SINTER_SHAPE(1, 2));
    sinter_value one = sinter_constant(g, SINTER_F64, SINTER_SHAPE(2), (double[]){1, 1}, 16);
    sinter_output(g, "y", sinter_layer_norm(g, x, one, SINTER_NO_VALUE, -1, 0));
    sni_ref_tensor *in = tensor_of(SINTER_F64, 2, (int64_t[]){1, 2}, (double[]){3, 5}), *out;
    ck_assert_int_eq(sni_reference_run(g, &in, NULL, false, &out), SINTER_OK);
    ck_assert(fabs(out->f[0] + 1) < 1e-12 && fabs(out->f[1] - 1) < 1e-12);
    sni_ref_tensor_release(out);
    sni_ref_tensor_release(in);
    sinter_graph_release(g);
}
END_TEST

START_TEST(wrong_inputs_are_named) {
    sinter_graph *g = small_network();
    sni_ref_tensor *out[4], *x = NULL;
    ck_assert_int_eq(sni_reference_run(g, &x, NULL, false, out), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'x'"));
    x = tensor_of(SINTER_I32, 2, (int64_t[]){1, 3}, (double[]){1, 2, 3});
    ck_assert_int_eq(sni_reference_run(g, &x, NULL, false, out), SINTER_DTYPE);
    sni_ref_tensor_release(x);
    x = tensor_of(SINTER_F32, 2, (int64_t[]){1, 2}, (double[]){1, 2});
    ck_assert_int_eq(sni_reference_run(g, &x, NULL, false, out), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'x': dimension 1 (3) must be 3, not 2"));
    for (int o = 0; o < 4; o++) ck_assert_ptr_null(out[o]);
    sni_ref_tensor_release(x);
    sinter_graph_release(g);
}
END_TEST

START_TEST(a_broken_graph_is_not_evaluated) {
    sinter_graph *g = small_network();
    sinter_exp(g, SINTER_NO_VALUE);
    sni_ref_tensor *x = tensor_of(SINTER_F32, 2, (int64_t[]){1, 3}, (double[]){1, 2, 3}), *out[4];
    ck_assert_int_eq(sni_reference_run(g, &x, NULL, false, out), SINTER_INVALID_ARGUMENT);
    sni_ref_tensor_release(x);
    sinter_graph_release(g);
}
END_TEST

START_TEST(tensors_check_their_shapes) {
    sni_ref_tensor *t;
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, (int64_t[]){-1}, &t), SINTER_SHAPE);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 2, (int64_t[]){INT64_MAX, 2}, &t), SINTER_SHAPE);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 2, (int64_t[]){0, INT64_MAX}, &t), SINTER_SHAPE);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 9, (int64_t[9]){0}, &t), SINTER_SHAPE);
    ck_assert_int_eq(sni_ref_tensor_create((sinter_dtype)50, 0, NULL, &t), SINTER_DTYPE);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, (int64_t[]){(int64_t)1 << 55}, &t), SINTER_OUT_OF_MEMORY);
    ck_assert_ptr_null(t);
    sni_ref_tensor_release(NULL);
}
END_TEST

/* ---- binding ---- */

enum { CAPACITY = 8 };

typedef struct bound {
    int64_t dims[CAPACITY], values[CAPACITY];
    size_t count;
} bound;

static int64_t value_of(const bound *b, const char *name) {
    sinter_dim dim = SINTER_DIM(name);
    for (size_t i = 0; i < b->count; i++) {
        if (b->dims[i] == dim) return b->values[i];
    }
    return -1;
}

static sinter_status bind(const sinter_graph *g, const int64_t (*shapes)[SINTER_MAX_RANK], const int *ranks,
                          const sni_bindings *extra, bound *out) {
    memset(out, 0, sizeof *out);
    return sni_bind_shapes(g, shapes, ranks, extra, out->dims, out->values, CAPACITY, &out->count);
}

START_TEST(names_are_bound_and_compared) {
    sinter_graph *g = new_graph();
    bound b;
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 4));
    sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("n")));
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5, 4}, {7, 5}}, (int[]){2, 2}, NULL, &b), SINTER_OK);
    ck_assert_int_eq(value_of(&b, "n"), 5);
    ck_assert_int_eq(value_of(&b, "m"), 7);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5, 4}, {7, 6}}, (int[]){2, 2}, NULL, &b), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "input 'y': dimension 1 (n) must be 5, not 6"));
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5, 4}, {7, 5}}, (int[]){2, 1}, NULL, &b), SINTER_SHAPE);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{-5, 4}, {7, 5}}, (int[]){2, 2}, NULL, &b), SINTER_SHAPE);
    sinter_graph_release(g);
}
END_TEST

START_TEST(extra_bindings_join_in) {
    sinter_graph *g = new_graph();
    bound b;
    sinter_dim names[2] = {SINTER_DIM("n"), SINTER_DIM("k")};
    int64_t values[2] = {5, 9};
    sni_bindings extra = {2, names, values};
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}}, (int[]){1}, &extra, &b), SINTER_OK);
    ck_assert_int_eq(value_of(&b, "k"), 9);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{6}}, (int[]){1}, &extra, &b), SINTER_SHAPE);
    values[1] = -1;
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}}, (int[]){1}, &extra, &b), SINTER_SHAPE);
    values[1] = 9;
    names[1] = 3;
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}}, (int[]){1}, &extra, &b), SINTER_INVALID_ARGUMENT);
    names[1] = names[0];
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}}, (int[]){1}, &extra, &b), SINTER_SHAPE);
    sinter_graph_release(g);
}
END_TEST

START_TEST(expressions_are_checked_once_their_names_are_known) {
    sinter_graph *g = new_graph();
    bound b;
    sni_expr n = sni_sym_dim(g->sym, SINTER_DIM("n")), m = sni_sym_dim(g->sym, SINTER_DIM("m"));
    sni_type twice = {.dtype = SINTER_F32, .rank = 1, .dims = {sni_sym_add(g->sym, n, m)}};
    ck_assert(sni_graph_add_input(g, "sum", &twice) != 0);
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    int64_t m_dim = SINTER_DIM("m"), m_value = 2;
    sni_bindings extra = {1, &m_dim, &m_value};
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}, {3}}, (int[]){1, 1}, &extra, &b), SINTER_OK);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{6}, {3}}, (int[]){1, 1}, &extra, &b), SINTER_SHAPE);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{5}, {3}}, (int[]){1, 1}, NULL, &b),
                     SINTER_UNBOUND_DIMENSION);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "m"));
    sinter_graph_release(g);
}
END_TEST

START_TEST(what_shape_rules_assumed_is_checked) {
    sinter_graph *g = new_graph();
    bound b;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value y = sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m")));
    sni_graph_set_name(g, "node7");
    sinter_output(g, "z", sinter_add(g, x, y));
    for (int64_t n = 1; n < 4; n++) {
        for (int64_t m = 1; m < 4; m++) {
            bool fits = n == m || n == 1 || m == 1;
            ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{n}, {m}}, (int[]){1, 1}, NULL, &b),
                             fits ? SINTER_OK : SINTER_SHAPE);
            if (!fits) ck_assert_ptr_nonnull(strstr(sinter_last_error(), "add 'node7'"));
        }
    }
    sinter_graph_release(g);
}
END_TEST

/* A squeeze without axes has decided on the rank: a dimension with a name may not turn out to be 1. */
START_TEST(a_squeezed_name_may_not_be_1) {
    sinter_graph *g = new_graph();
    bound b;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 1, 3));
    sinter_output(g, "y", sinter_squeeze(g, x, SINTER_SCALAR));
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{2, 1, 3}}, (int[]){3}, NULL, &b), SINTER_OK);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{1, 1, 3}}, (int[]){3}, NULL, &b), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "squeeze"));
    sinter_graph_release(g);
}
END_TEST

START_TEST(dimensions_that_become_negative_are_refused) {
    sinter_graph *g = new_graph();
    bound b;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_pad(g, x, SINTER_SHAPE(-2), SINTER_SHAPE(-1), 0, 0));
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{3}}, (int[]){1}, NULL, &b), SINTER_OK);
    ck_assert_int_eq(bind(g, (int64_t[][SINTER_MAX_RANK]){{2}}, (int[]){1}, NULL, &b), SINTER_SHAPE);
    sinter_graph_release(g);
}
END_TEST

START_TEST(too_many_names_for_the_callers_arrays) {
    sinter_graph *g = new_graph();
    int64_t dims[1], values[1];
    size_t count;
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m")));
    ck_assert_int_eq(
        sni_bind_shapes(g, (const int64_t[][SINTER_MAX_RANK]){{1, 2}}, (int[]){2}, NULL, dims, values, 1, &count),
        SINTER_INVALID_ARGUMENT);
    ck_assert_uint_eq(count, 0);
    sinter_graph_release(g);
}
END_TEST

/* ---- memory ---- */

static void count_call(void *context) {
    ++*(int *)context;
}

/* Everything a program does with a graph; OK, or OUT_OF_MEMORY wherever an allocation failed. */
static sinter_status build_and_run(int *borrowed) {
    static const float w[] = {1, 2, 3, 4, 5, 6};
    sinter_graph *g;
    sinter_status status = sinter_graph_create(&g);
    if (status != SINTER_OK) return status;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3));
    ++*borrowed;
    sinter_value c = sinter_constant_borrowed(g, SINTER_F32, SINTER_SHAPE(2, 3), w, sizeof w, count_call, borrowed);
    sinter_value parts[20];
    for (int i = 0; i < 20; i++) parts[i] = sinter_iota(g, SINTER_SHAPE(5), SINTER_I64, 0);
    sinter_output(g, "i", sinter_reduce_sum(g, sinter_concat(g, parts, 20, 0), SINTER_SCALAR, 0));
    sni_graph_set_name(g, "last");
    sinter_output(g, "y", sinter_softmax(g, sinter_matmul(g, x, sinter_transpose(g, c, SINTER_SCALAR)), -1));
    sinter_add(g, x, sinter_input(g, "m", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), 1)));
    char *text = sinter_graph_to_string(g);
    if (!text) status = SINTER_OUT_OF_MEMORY;
    sinter_free(text);
    if (sinter_graph_status(g) != SINTER_OK) status = sinter_graph_status(g);
    sni_ref_tensor *ins[2] = {0}, *out[2] = {0};
    if (status == SINTER_OK) status = sni_ref_tensor_create(SINTER_F32, 2, (int64_t[]){4, 3}, &ins[0]);
    if (status == SINTER_OK) status = sni_ref_tensor_create(SINTER_F32, 2, (int64_t[]){4, 1}, &ins[1]);
    if (status == SINTER_OK) status = sni_reference_run(g, ins, NULL, false, out);
    if (status == SINTER_OK) ck_assert_int_eq(out[0]->i[0], 200);
    for (int i = 0; i < 2; i++) {
        sni_ref_tensor_release(ins[i]);
        sni_ref_tensor_release(out[i]);
    }
    sinter_graph *copy = NULL;
    if (status == SINTER_OK) status = sni_graph_create_like(g, &copy);
    sinter_graph_release(copy);
    sinter_graph_release(g);
    return status;
}

START_TEST(every_allocation_may_fail) {
    int borrowed = 0;
    sinter_status status = SINTER_OUT_OF_MEMORY;
    ck_assert_int_eq(build_and_run(&borrowed), SINTER_OK); /* names of dimensions exist from now on */
    ck_assert_int_eq(borrowed, 2);
    int64_t nth = 1;
    for (; status != SINTER_OK && nth < 100000; nth++) {
        borrowed = 0;
        sni_alloc_fail_at(nth);
        status = build_and_run(&borrowed);
        sni_alloc_fail_at(0);
        /* Without memory an expression is invalid, which some rules can only call a bad shape. */
        ck_assert_msg(status == SINTER_OK || status == SINTER_OUT_OF_MEMORY || status == SINTER_SHAPE,
                      "allocation %lld: %s (%s)", (long long)nth, sinter_status_string(status), sinter_last_error());
        ck_assert_msg(borrowed == 0 || borrowed == 2, "allocation %lld: borrowed data", (long long)nth);
    }
    ck_assert_int_eq(status, SINTER_OK);
    ck_assert_int_gt(nth, 30);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_small_network_is_evaluated,
        values_are_rounded_unless_double_is_kept,
        constants_and_empty_tensors_are_outputs_too,
        optional_inputs_may_be_left_out,
        wrong_inputs_are_named,
        a_broken_graph_is_not_evaluated,
        tensors_check_their_shapes,
        names_are_bound_and_compared,
        extra_bindings_join_in,
        expressions_are_checked_once_their_names_are_known,
        what_shape_rules_assumed_is_checked,
        a_squeezed_name_may_not_be_1,
        dimensions_that_become_negative_are_refused,
        too_many_names_for_the_callers_arrays,
        every_allocation_may_fail,
    };
    return run_suite(suite_of("graph reference", tests, sizeof tests / sizeof *tests));
}
