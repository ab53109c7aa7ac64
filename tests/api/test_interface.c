/* What is said of values before a plan is compiled: arithmetic on dimensions, shapes asked back, messages. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"

static sinter_runtime *rt;

START_TEST(arithmetic_on_numbers_gives_numbers) {
    ck_assert_int_eq(sinter_dim_add(3, 4), 7);
    ck_assert_int_eq(sinter_dim_sub(3, 4), -1);
    ck_assert_int_eq(sinter_dim_mul(3, 4), 12);
    ck_assert_int_eq(sinter_dim_div(7, 2), 3);
    ck_assert_int_eq(sinter_dim_div(-7, 2), -4);
    ck_assert_int_eq(sinter_dim_div(7, 0), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_div(7, -1), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_add(INT64_MAX - 1, 1), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_mul(INT64_MIN / 4, 4), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_add(SINTER_DIM_INVALID, 1), SINTER_DIM_INVALID);
}
END_TEST

START_TEST(equal_expressions_are_one_dimension) {
    sinter_dim a = SINTER_DIM("a"), b = SINTER_DIM("b");
    ck_assert_int_eq(sinter_dim_add(a, b), sinter_dim_add(a, b));
    ck_assert_int_ne(sinter_dim_add(a, b), sinter_dim_sub(a, b));
    ck_assert_ptr_null(sinter_dim_name(sinter_dim_add(a, b)));
    sinter_dim sum = a;
    for (int i = 0; i < 64; ++i) sum = sinter_dim_add(sum, b);
    ck_assert_int_ne(sum, SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_add(sum, b), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_dim_add(sum, sum), SINTER_DIM_INVALID);
}
END_TEST

static sinter_plan *make_cache_plan(void) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_dim past = SINTER_DIM("past"), seq = SINTER_DIM("seq"), total = sinter_dim_add(past, seq);
    must(sinter_graph_create(&g));
    sinter_value old = sinter_input(g, "old", SINTER_F32, SINTER_SHAPE(past, 2));
    sinter_value new_rows = sinter_input(g, "new", SINTER_F32, SINTER_SHAPE(seq, 2));
    sinter_value mask = sinter_input(g, "mask", SINTER_F32, SINTER_SHAPE(total, 1));
    sinter_value parts[] = {old, new_rows};
    sinter_value joined = sinter_mul(g, sinter_concat(g, parts, 2, 0), mask);
    must(sinter_graph_status(g));
    ck_assert_int_eq(sinter_value_dim(g, joined, 0), sinter_value_dim(g, mask, 0));
    ck_assert_int_eq(sinter_value_dim(g, joined, 1), 2);
    ck_assert_int_eq(sinter_value_dim(g, old, 0), past);
    ck_assert_int_eq(sinter_value_dim(g, old, 2), SINTER_DIM_INVALID);
    ck_assert_int_eq(sinter_value_dim(g, SINTER_NO_VALUE, 0), SINTER_DIM_INVALID);
    sinter_output(g, "y", joined);
    must(sinter_plan_compile(rt, g, NULL, &plan));
    sinter_graph_release(g);
    return plan;
}

START_TEST(an_input_of_past_and_seq_rows) {
    float old[] = {1, 2, 3, 4, 5, 6}, fresh[] = {7, 8, 9, 10}, mask[] = {1, 0, 2, 1, 3}, y[10];
    const float want[] = {1, 2, 0, 0, 10, 12, 7, 8, 27, 30};
    sinter_plan *plan = make_cache_plan();
    sinter_binding io[] = {SINTER_BIND_HOST("old", SINTER_F32, SINTER_SHAPE(3, 2), old, sizeof old),
                           SINTER_BIND_HOST("new", SINTER_F32, SINTER_SHAPE(2, 2), fresh, sizeof fresh),
                           SINTER_BIND_HOST("mask", SINTER_F32, SINTER_SHAPE(5, 1), mask, sizeof mask),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    must(sinter_plan_run(plan, io, 4));
    for (int i = 0; i < 10; ++i) ck_assert_float_eq(y[i], want[i]);
    io[2].shape = SINTER_SHAPE(4, 1);
    io[2].size_bytes = 4 * sizeof *mask;
    ck_assert_int_eq(sinter_plan_run(plan, io, 4), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'mask'"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "must be 5, not 4"));
    sinter_plan_release(plan);
}
END_TEST

START_TEST(a_bad_dimension_of_an_attribute_is_named) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4, 2));
    sinter_value y = sinter_reshape(g, x, SINTER_SHAPE(2, sinter_dim_div(4, 0)));
    ck_assert_uint_eq(y.id, 0);
    ck_assert_int_eq(sinter_graph_status(g), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "1 to 63"));
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        arithmetic_on_numbers_gives_numbers,
        equal_expressions_are_one_dimension,
        an_input_of_past_and_seq_rows,
        a_bad_dimension_of_an_attribute_is_named,
    };
    if (sinter_runtime_create(NULL, &rt) != SINTER_OK) return puts(sinter_last_error()), 1;
    int failed = run_suite(suite_of("interface", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(rt);
    return failed;
}
