/* Building graphs: inference through the public builders, sticky errors, ports, constants, printing. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "graph/graph.h"

static sinter_graph *new_graph(void) {
    sinter_graph *graph = NULL;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    return graph;
}

static void check_type(const sinter_graph *graph, sinter_value value, const char *want) {
    sni_str text = SNI_STR_INIT;
    ck_assert_msg(value.id != 0, "%s: %s", want, graph->error ? graph->error : "");
    sni_type_print(graph->sym, &sni_graph_value(graph, value.id)->type, &text);
    ck_assert_str_eq(sni_str_text(&text), want);
    sni_str_deinit(&text);
}

/* The graph fails with the status and a text that holds every part; then it is released. */
static void check_fails(sinter_graph *graph, sinter_status status, const char *part, const char *part2) {
    ck_assert_int_eq(sinter_graph_status(graph), status);
    ck_assert_msg(strstr(sinter_last_error(), part) != NULL, "'%s' lacks '%s'", sinter_last_error(), part);
    ck_assert_msg(strstr(sinter_last_error(), part2) != NULL, "'%s' lacks '%s'", sinter_last_error(), part2);
    sinter_graph_release(graph);
}

START_TEST(builders_infer_types) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 512));
    sinter_value w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(512, 64));
    sinter_value b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(64));
    sinter_value h = sinter_gelu(g, sinter_add(g, sinter_matmul(g, x, w), b));
    check_type(g, h, "f32[n, 64]");
    check_type(g, sinter_lt(g, h, b), "bool[n, 64]");
    check_type(g, sinter_cast(g, h, SINTER_F16), "f16[n, 64]");
    check_type(g, sinter_reduce_sum(g, h, SINTER_SHAPE(-1), 0), "f32[n]");
    check_type(g, sinter_reduce_sum(g, h, SINTER_SHAPE(-1), 1), "f32[n, 1]");
    check_type(g, sinter_reshape(g, h, SINTER_SHAPE(-1)), "f32[64*n]");
    check_type(g, sinter_transpose(g, h, SINTER_SCALAR), "f32[64, n]");
    check_type(g, sinter_layer_norm(g, h, b, SINTER_NO_VALUE, -1, 1e-5), "f32[n, 64]");
    sinter_value both[2] = {h, h};
    check_type(g, sinter_concat(g, both, 2, 0), "f32[2*n, 64]");
    sinter_output(g, "y", h);
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    ck_assert_uint_eq(sinter_graph_operator_count(g), 11);
    ck_assert_uint_eq(sinter_graph_input_count(g), 3);
    ck_assert_str_eq(sinter_graph_input_name(g, 1), "w");
    ck_assert_uint_eq(sinter_graph_input_value(g, 1).id, w.id);
    ck_assert_str_eq(sinter_graph_output_name(g, 0), "y");
    ck_assert_uint_eq(sinter_graph_output_value(g, 0).id, h.id);
    ck_assert_int_eq(sinter_value_rank(g, h), 2);
    ck_assert_int_eq(sinter_value_dtype(g, h), SINTER_F32);
    sinter_graph_release(g);
}
END_TEST

START_TEST(out_of_range_queries_answer_nothing) {
    sinter_graph *g = new_graph();
    sinter_value bad = {77};
    ck_assert_ptr_null(sinter_graph_input_name(g, 0));
    ck_assert_ptr_null(sinter_graph_output_name(g, 9));
    ck_assert_uint_eq(sinter_graph_input_value(g, 0).id, 0);
    ck_assert_uint_eq(sinter_graph_output_value(g, 0).id, 0);
    ck_assert_int_eq(sinter_value_rank(g, bad), -1);
    ck_assert_int_eq(sinter_value_rank(g, SINTER_NO_VALUE), -1);
    ck_assert_int_eq(sinter_value_dtype(g, bad), SINTER_DTYPE_NONE);
    ck_assert_int_eq(sinter_value_rank(NULL, bad), -1);
    ck_assert_uint_eq(sinter_graph_operator_count(NULL), 0);
    char text[4] = "zzz";
    ck_assert_uint_eq(sinter_value_dim_string(g, bad, 0, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_uint_eq(sinter_exp(NULL, bad).id, 0);
    ck_assert_int_eq(sinter_graph_status(NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_graph_create(NULL), SINTER_INVALID_ARGUMENT);
    sinter_graph_release(NULL);
    sinter_output(NULL, "y", bad);
    sinter_graph_release(g);
}
END_TEST

START_TEST(dimensions_print_into_any_buffer) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("batch"), 64));
    char text[16];
    ck_assert_uint_eq(sinter_value_dim_string(g, x, 0, text, sizeof text), 5);
    ck_assert_str_eq(text, "batch");
    ck_assert_uint_eq(sinter_value_dim_string(g, x, 0, text, 3), 5);
    ck_assert_str_eq(text, "ba");
    ck_assert_uint_eq(sinter_value_dim_string(g, x, 1, NULL, 0), 2);
    ck_assert_uint_eq(sinter_value_dim_string(g, x, 2, text, sizeof text), 0);
    sinter_graph_release(g);
}
END_TEST

START_TEST(the_first_error_sticks_and_names_operator_and_shapes) {
    sinter_graph *g = new_graph();
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(2, 3));
    sinter_value b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(4));
    sinter_value bad = sinter_add(g, a, b);
    ck_assert_uint_eq(bad.id, 0);
    ck_assert_uint_eq(sinter_exp(g, bad).id, 0);
    ck_assert_uint_eq(sinter_exp(g, a).id, 0); /* nothing is built any more */
    ck_assert_uint_eq(sinter_cast(g, a, 99).id, 0);
    sinter_output(g, "y", bad);
    ck_assert_uint_eq(sinter_graph_output_count(g), 0);
    check_fails(g, SINTER_SHAPE, "add", "f32[2, 3], f32[4]");
}
END_TEST

START_TEST(errors_name_the_importers_node) {
    sinter_graph *g = new_graph();
    sinter_value a = sinter_input(g, "a", SINTER_I32, SINTER_SHAPE(2));
    sni_graph_set_name(g, "/encoder/Exp_3");
    ck_assert_uint_eq(sinter_exp(g, a).id, 0);
    check_fails(g, SINTER_DTYPE, "exp '/encoder/Exp_3'", "i32[2]");
}
END_TEST

START_TEST(values_that_are_none_are_refused) {
    sinter_graph *g = new_graph();
    sinter_exp(g, SINTER_NO_VALUE);
    check_fails(g, SINTER_INVALID_ARGUMENT, "exp", "no value");
    g = new_graph();
    sinter_exp(g, (sinter_value){1234});
    check_fails(g, SINTER_INVALID_ARGUMENT, "exp", "no value");
    g = new_graph();
    sinter_concat(g, NULL, 3, 0);
    check_fails(g, SINTER_INVALID_ARGUMENT, "concat", "NULL");
    g = new_graph();
    sinter_concat(g, NULL, 0, 0);
    check_fails(g, SINTER_INVALID_ARGUMENT, "concat", "number of inputs");
    g = new_graph();
    sinter_output(g, "y", (sinter_value){5});
    check_fails(g, SINTER_INVALID_ARGUMENT, "'y'", "no value");
}
END_TEST

START_TEST(inputs_and_outputs_need_unique_names) {
    sinter_graph *g = new_graph();
    sinter_input(g, "x", SINTER_F32, SINTER_SCALAR);
    sinter_input(g, "x", SINTER_F32, SINTER_SCALAR);
    check_fails(g, SINTER_INVALID_ARGUMENT, "'x'", "taken");
    g = new_graph();
    sinter_input(g, NULL, SINTER_F32, SINTER_SCALAR);
    check_fails(g, SINTER_INVALID_ARGUMENT, "input", "name");
    g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SCALAR);
    sinter_output(g, "y", x);
    sinter_output(g, "z", x);
    sinter_output(g, "y", x);
    check_fails(g, SINTER_INVALID_ARGUMENT, "'y'", "taken");
    g = new_graph();
    sinter_output(g, "", sinter_input(g, "x", SINTER_F32, SINTER_SCALAR));
    check_fails(g, SINTER_INVALID_ARGUMENT, "output", "name");
}
END_TEST

START_TEST(partial_outputs_name_their_extent) {
    int axis = -1;
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3, 4)), n = sinter_scalar(g, SINTER_I64, 2);
    sinter_output(g, "all", x);
    sinter_output_partial(g, "some", x, 1, n);
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    ck_assert_uint_eq(sinter_graph_output_count(g), 3);
    ck_assert_ptr_null(sinter_graph_output_extent(g, 0, &axis));
    ck_assert_str_eq(sinter_graph_output_extent(g, 1, &axis), "some.extent");
    ck_assert_int_eq(axis, 1);
    ck_assert_str_eq(sinter_graph_output_name(g, 2), "some.extent");
    ck_assert_uint_eq(sinter_graph_output_value(g, 2).id, n.id);
    ck_assert_ptr_null(sinter_graph_output_extent(g, 3, NULL));
    sinter_output_partial(g, "more", x, 2, n);
    check_fails(g, SINTER_INVALID_ARGUMENT, "output 'more'", "axis 2 of 2");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3, 4));
    sinter_output_partial(g, "some", x, 0, sinter_scalar(g, SINTER_I32, 2));
    check_fails(g, SINTER_INVALID_ARGUMENT, "output 'some'", "no i64 scalar");
    g = new_graph();
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3, 4));
    sinter_output(g, "some.extent", x);
    sinter_output_partial(g, "some", x, 0, sinter_scalar(g, SINTER_I64, 2));
    check_fails(g, SINTER_INVALID_ARGUMENT, "some.extent", "taken");
}
END_TEST

START_TEST(bad_shapes_are_refused) {
    sinter_graph *g = new_graph();
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1));
    check_fails(g, SINTER_INVALID_ARGUMENT, "more than 8", "");
    g = new_graph();
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(-3));
    check_fails(g, SINTER_INVALID_ARGUMENT, "'x'", "negative");
    g = new_graph();
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("")));
    check_fails(g, SINTER_INVALID_ARGUMENT, "name", "");
    g = new_graph();
    sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(INT64_MAX / 2, 16));
    check_fails(g, SINTER_INVALID_ARGUMENT, "'x'", "overflows");
    g = new_graph();
    sinter_input(g, "x", SINTER_F64, SINTER_SHAPE(0, INT64_MAX / 4));
    check_fails(g, SINTER_INVALID_ARGUMENT, "'x'", "overflows");
    g = new_graph();
    sinter_input(g, "x", (sinter_dtype)77, SINTER_SHAPE(2));
    check_fails(g, SINTER_INVALID_ARGUMENT, "'x'", "dtype");
    g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE((int64_t)1 << 40, 1));
    sinter_add(g, x, sinter_transpose(g, x, SINTER_SCALAR));
    check_fails(g, SINTER_SHAPE, "add", "overflows");
}
END_TEST

static void count_call(void *context) {
    ++*(int *)context;
}

START_TEST(constants_are_copied_or_borrowed) {
    sinter_graph *g = new_graph();
    float data[4] = {1, 2, 3, 4};
    int freed = 0;
    sinter_value copied = sinter_constant(g, SINTER_F32, SINTER_SHAPE(4), data, sizeof data);
    sinter_value borrowed =
        sinter_constant_borrowed(g, SINTER_F32, SINTER_SHAPE(2, 2), data, sizeof data, count_call, &freed);
    const sni_value *a = sni_graph_value(g, copied.id), *b = sni_graph_value(g, borrowed.id);
    ck_assert_ptr_ne(sni_blob_data(a->blob), data);
    ck_assert_mem_eq(sni_blob_data(a->blob), data, sizeof data);
    ck_assert_ptr_eq(sni_blob_data(b->blob), data);
    sni_blob *kept = sni_blob_retain(b->blob);
    sinter_graph_release(g);
    ck_assert_int_eq(freed, 0); /* a plan still has it */
    sni_blob_release(kept);
    ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(constants_that_do_not_fit_are_refused_and_freed) {
    float data[4] = {0};
    int freed = 0;
    sinter_graph *g = new_graph();
    sinter_constant(g, SINTER_F32, SINTER_SHAPE(5), data, sizeof data);
    check_fails(g, SINTER_INVALID_ARGUMENT, "constant", "size in bytes");
    g = new_graph();
    sinter_constant_borrowed(g, SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")), data, sizeof data, count_call, &freed);
    ck_assert_int_eq(freed, 1);
    sinter_constant_borrowed(g, SINTER_F32, SINTER_SHAPE(4), data, sizeof data, count_call, &freed);
    ck_assert_int_eq(freed, 2);
    check_fails(g, SINTER_INVALID_ARGUMENT, "constant", "symbolic");
    g = new_graph();
    sinter_constant(g, SINTER_F32, SINTER_SHAPE(4), NULL, sizeof data);
    check_fails(g, SINTER_INVALID_ARGUMENT, "constant", "NULL");
    g = new_graph();
    ck_assert(sinter_constant(g, SINTER_F32, SINTER_SHAPE(0, 3), NULL, 0).id != 0);
    sinter_constant_borrowed(NULL, SINTER_F32, SINTER_SCALAR, data, 4, count_call, &freed);
    ck_assert_int_eq(freed, 3);
    sinter_graph_release(g);
}
END_TEST

static int64_t scalar_int(sinter_dtype dtype, double value) {
    sinter_graph *g = new_graph();
    sinter_value v = sinter_scalar(g, dtype, value);
    int64_t got = -99;
    ck_assert(v.id != 0);
    sni_dtype_load(dtype, sni_blob_data(sni_graph_value(g, v.id)->blob), 0, NULL, &got);
    sinter_graph_release(g);
    return got;
}

START_TEST(scalars_round_to_their_dtype) {
    ck_assert_int_eq(scalar_int(SINTER_I64, 3), 3);
    ck_assert_int_eq(scalar_int(SINTER_I64, 1e30), INT64_MAX);
    ck_assert_int_eq(scalar_int(SINTER_I64, -1e30), INT64_MIN);
    ck_assert_int_eq(scalar_int(SINTER_I32, NAN), 0);
    ck_assert_int_eq(scalar_int(SINTER_BOOL, 0.5), 1);
    sinter_graph *g = new_graph();
    sinter_value v = sinter_scalar(g, SINTER_F16, 1.0 / 3);
    double got = 0;
    sni_dtype_load(SINTER_F16, sni_blob_data(sni_graph_value(g, v.id)->blob), 0, &got, NULL);
    ck_assert(got == sni_dtype_round(SINTER_F16, 1.0 / 3));
    sinter_scalar(g, SINTER_DTYPE_NONE, 1);
    check_fails(g, SINTER_INVALID_ARGUMENT, "constant", "dtype");
}
END_TEST

START_TEST(presets_and_lists_are_taken_over) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2, 3));
    uint32_t soft = sni_graph_add1(g, "softmax", 1, &x.id, NULL);
    const sni_node *node = &g->nodes[sni_graph_value(g, soft)->producer];
    ck_assert_int_eq(node->attrs[0].kind, SNI_ATTR_INT);
    ck_assert_int_eq(node->attrs[0].i, -1);
    sni_expr perm[2] = {sni_sym_const(g->sym, 1), sni_sym_const(g->sym, 0)};
    sni_attr attrs[SNI_MAX_ATTRS] = {{.kind = SNI_ATTR_EXPRS, .count = 2, .exprs = perm}};
    uint32_t turned = sni_graph_add1(g, "transpose", 1, &x.id, attrs);
    perm[0] = perm[1] = SNI_NO_EXPR; /* the caller's array is its own again */
    node = &g->nodes[sni_graph_value(g, turned)->producer];
    ck_assert(sni_sym_is(g->sym, node->attrs[0].exprs[0], 1));
    ck_assert_uint_eq(sni_graph_add1(g, "transpose", 1, &x.id, attrs), 0);
    check_fails(g, SINTER_INVALID_ARGUMENT, "transpose", "perm[0] is no dimension");
}
END_TEST

START_TEST(wrong_calls_are_refused) {
    uint32_t ids[3], out[2];
    sinter_graph *g = new_graph();
    ids[0] = ids[1] = ids[2] = sinter_input(g, "x", SINTER_F32, SINTER_SCALAR).id;
    ck_assert(!sni_graph_add(g, sni_op_find("add"), 3, ids, NULL, 1, out));
    check_fails(g, SINTER_INVALID_ARGUMENT, "add", "number of inputs");
    g = new_graph();
    ids[0] = sinter_input(g, "x", SINTER_F32, SINTER_SCALAR).id;
    ck_assert(!sni_graph_add(g, sni_op_find("exp"), 1, ids, NULL, 2, out));
    check_fails(g, SINTER_INVALID_ARGUMENT, "exp", "number of outputs");
    g = new_graph();
    ck_assert(!sni_graph_add(g, NULL, 1, ids, NULL, 1, out));
    check_fails(g, SINTER_INVALID_ARGUMENT, "operator", "");
    g = new_graph();
    ck_assert_uint_eq(sni_graph_add1(g, "no_such", 1, ids, NULL), 0);
    check_fails(g, SINTER_UNSUPPORTED, "no_such", "");
    g = new_graph();
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_float(1)};
    ids[0] = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4)).id;
    ck_assert_uint_eq(sni_graph_add1(g, "softmax", 1, ids, attrs), 0);
    check_fails(g, SINTER_INVALID_ARGUMENT, "softmax", "kind");
}
END_TEST

START_TEST(symbolic_dimensions_broadcast) {
    sinter_graph *g = new_graph();
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3));
    sinter_value b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), 1));
    sinter_value c = sinter_input(g, "c", SINTER_F32, SINTER_SHAPE(7, 3));
    check_type(g, sinter_add(g, a, a), "f32[n, 3]");
    ck_assert_uint_eq(g->check_count, 0);
    check_type(g, sinter_add(g, a, c), "f32[7, 3]");
    ck_assert_uint_eq(g->check_count, 1); /* n is 1 or 7 */
    check_type(g, sinter_add(g, a, b), "f32[max(n, m), 3]");
    check_type(g, sinter_add(g, a, b), "f32[max(n, m), 3]");
    ck_assert_uint_eq(g->check_count, 2); /* the same condition is kept once */
    sinter_graph_release(g);
}
END_TEST

START_TEST(graphs_print_one_line_a_node) {
    sinter_graph *g = new_graph();
    int64_t two[2] = {2, 3};
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 4));
    sinter_constant(g, SINTER_I64, SINTER_SHAPE(2), two, sizeof two);
    sni_graph_set_name(g, "act");
    sinter_value y = sinter_leaky_relu(g, x, 0.5);
    sni_graph_set_name(g, NULL);
    sinter_value z = sinter_reduce_max(g, y, SINTER_SHAPE(1), 0);
    sinter_output(g, "z", z);
    char *text = sinter_graph_to_string(g);
    ck_assert_str_eq(text, "%1 = input \"x\" : f32[n, 4]\n"
                           "%2 = constant : i64[2] = [2, 3]\n"
                           "%3 = leaky_relu(%1, alpha=0.5) : f32[n, 4]  # act\n"
                           "%4 = reduce_max(%3, axes=[1], keepdims=0) : f32[n]\n"
                           "output \"z\" = %4\n");
    sinter_free(text);
    sinter_add(g, x, SINTER_NO_VALUE);
    text = sinter_graph_to_string(g);
    ck_assert_ptr_nonnull(strstr(text, "error: add (f32[n, 4], none): "));
    sinter_free(text);
    text = sinter_graph_to_string(NULL);
    ck_assert_str_eq(text, "");
    sinter_free(text);
    sinter_graph_release(g);
}
END_TEST

START_TEST(many_inputs_to_one_operator) {
    sinter_graph *g = new_graph();
    sinter_value many[100];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2, 3));
    for (int i = 0; i < 100; i++) many[i] = x;
    check_type(g, sinter_concat(g, many, 100, 1), "f32[2, 300]");
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        builders_infer_types,
        out_of_range_queries_answer_nothing,
        dimensions_print_into_any_buffer,
        the_first_error_sticks_and_names_operator_and_shapes,
        errors_name_the_importers_node,
        values_that_are_none_are_refused,
        inputs_and_outputs_need_unique_names,
        partial_outputs_name_their_extent,
        bad_shapes_are_refused,
        constants_are_copied_or_borrowed,
        constants_that_do_not_fit_are_refused_and_freed,
        scalars_round_to_their_dtype,
        presets_and_lists_are_taken_over,
        wrong_calls_are_refused,
        symbolic_dimensions_broadcast,
        graphs_print_one_line_a_node,
        many_inputs_to_one_operator,
    };
    return run_suite(suite_of("graph build", tests, sizeof tests / sizeof *tests));
}
