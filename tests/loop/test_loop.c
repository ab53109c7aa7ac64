/* Loop programs: views leave no statements, axes merge where they may, refusals say why. */
#include <check.h>
#include <string.h>

#include <sinter/sinter.h>

#include "loop/loop.h"

static sinter_graph *g;
static sni_arena *arena;
static sni_loop *loop;
static const char *why;

static void setup(void) {
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    arena = sni_arena_create();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    sni_arena_release(arena);
    sinter_graph_release(g);
}

static bool build_all(int max_buffers) {
    bool members[64];
    uint32_t outputs[8];
    sni_limits limits = {max_buffers, 256};
    memset(members, 1, sizeof members);
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    for (size_t i = 0; i < g->output_count; ++i) outputs[i] = g->outputs[i].value;
    if (!sni_loop_build(g, &(sni_members){members, NULL, 0}, outputs, (int)g->output_count, &limits, arena, &loop,
                        &why))
        return false;
    ck_assert_ptr_null(sni_loop_verify(loop));
    ck_assert(sni_loop_collapse(loop, arena));
    ck_assert_ptr_null(sni_loop_verify(loop));
    return true;
}

static int count_kind(sni_stmt_kind kind) {
    int count = 0;
    for (int i = 0; i < loop->stmt_count; ++i) count += loop->stmts[i].kind == kind;
    return count;
}

static sinter_value input(const char *name, sinter_shape shape) {
    return sinter_input(g, name, SINTER_F32, shape);
}

START_TEST(same_shapes_become_one_axis) {
    sinter_shape s = SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), 96);
    sinter_value x = input("x", s), y = input("y", s);
    sinter_output(g, "z", sinter_add(g, sinter_exp(g, x), sinter_mul(g, x, y)));
    ck_assert(build_all(8));
    ck_assert_int_eq(loop->axis_count, 1);
    ck_assert_int_eq(count_kind(SNI_STMT_LOAD), 2); /* x is loaded once */
}
END_TEST

START_TEST(a_reshape_there_and_back_disappears) {
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    sinter_value x = input("x", SINTER_SHAPE(n, m, 96));
    sinter_value h = sinter_transpose(g, sinter_reshape(g, x, SINTER_SHAPE(n, m, 4, 24)), SINTER_SHAPE(0, 2, 1, 3));
    sinter_value back =
        sinter_reshape(g, sinter_transpose(g, sinter_exp(g, h), SINTER_SHAPE(0, 2, 1, 3)), SINTER_SHAPE(n, m, 96));
    sinter_output(g, "y", sinter_reshape(g, back, SINTER_SHAPE(-1)));
    ck_assert(build_all(8));
    ck_assert_int_eq(loop->axis_count, 1);
    ck_assert_int_eq(loop->stmt_count, 2);
    ck_assert_uint_eq(loop->stmts[0].offset, loop->axes[0]);
}
END_TEST

START_TEST(bias_keeps_two_axes) {
    sinter_value x = input("x", SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), 96)), b = input("b", SINTER_SHAPE(96));
    sinter_output(g, "y", sinter_add(g, x, b));
    ck_assert(build_all(8));
    ck_assert_int_eq(loop->axis_count, 2);
}
END_TEST

START_TEST(reductions_over_one_row_share_a_program) {
    sinter_value x = input("x", SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m"), 40));
    sinter_value e = sinter_exp(g, sinter_sub(g, x, sinter_reduce_max(g, x, SINTER_SHAPE(2), 1)));
    sinter_output(g, "y", sinter_div(g, e, sinter_reduce_sum(g, e, SINTER_SHAPE(-1), 1)));
    ck_assert(build_all(8));
    ck_assert_int_eq(count_kind(SNI_STMT_REDUCE), 2);
    ck_assert_int_eq(count_kind(SNI_STMT_LOAD), 1);
    ck_assert_int_eq(loop->axis_count, 2);
    ck_assert_uint_eq(loop->inner, 2u);
}
END_TEST

START_TEST(reductions_over_other_axes_are_refused) {
    sinter_value x = input("x", SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m")));
    sinter_value rows = sinter_reduce_sum(g, x, SINTER_SHAPE(1), 1);
    sinter_output(g, "y", sinter_mul(g, rows, sinter_reduce_sum(g, x, SINTER_SHAPE(0), 1)));
    ck_assert(!build_all(8));
    ck_assert_ptr_nonnull(strstr(why, "axes"));
}
END_TEST

START_TEST(a_product_has_operands_by_axis) {
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    sinter_value x = input("x", SINTER_SHAPE(n, m, 32)), w = input("w", SINTER_SHAPE(32, 48)),
                 b = input("b", SINTER_SHAPE(48));
    sinter_output(g, "y", sinter_relu(g, sinter_add(g, sinter_matmul(g, x, w), b)));
    ck_assert(build_all(8));
    ck_assert_int_eq(loop->axis_count, 3); /* n and m merge: w has no batch */
    ck_assert_uint_eq(loop->axes_m, 1u);
    ck_assert_uint_eq(loop->axes_n, 2u);
    ck_assert_uint_eq(loop->axes_b, 0u);
    ck_assert_uint_eq(loop->inner, 4u);
    ck_assert_int_ge(loop->core, 0);
}
END_TEST

START_TEST(concat_reads_each_input_where_it_lies) {
    sinter_value parts[2] = {input("a", SINTER_SHAPE(SINTER_DIM("n"), 3)),
                             input("b", SINTER_SHAPE(SINTER_DIM("n"), 5))};
    sinter_output(g, "y", sinter_neg(g, sinter_concat(g, parts, 2, 1)));
    ck_assert(build_all(8));
    ck_assert_int_eq(count_kind(SNI_STMT_LOAD), 2);
    ck_assert_int_eq(count_kind(SNI_STMT_SELECT), 1);
}
END_TEST

START_TEST(too_many_buffers_are_refused) {
    sinter_value sum = input("x0", SINTER_SHAPE(7));
    for (int i = 1; i < 12; ++i) {
        char name[8] = {'x', (char)('a' + i), 0};
        sum = sinter_add(g, sum, input(name, SINTER_SHAPE(7)));
    }
    sinter_output(g, "y", sum);
    ck_assert(!build_all(8));
    ck_assert_ptr_nonnull(strstr(why, "more buffers"));
    ck_assert(build_all(13));
}
END_TEST

START_TEST(programs_print) {
    sinter_output(g, "y", sinter_exp(g, input("x", SINTER_SHAPE(SINTER_DIM("n")))));
    ck_assert(build_all(8));
    sni_str text = SNI_STR_INIT;
    sni_loop_print(loop, &text);
    ck_assert_ptr_nonnull(strstr(sni_str_text(&text), "i0<n"));
    ck_assert_ptr_nonnull(strstr(sni_str_text(&text), "exp s0"));
    sni_str_deinit(&text);
}
END_TEST

/* Moving the expressions changes no word of the program, and what is added to it later is not the graph's. */
START_TEST(a_program_owns_its_expressions) {
    sinter_dim n = SINTER_DIM("n");
    sinter_value x = input("x", SINTER_SHAPE(n, 96)),
                 parts[2] = {x, sinter_slice(g, x, SINTER_SHAPE(0, 32), SINTER_SHAPE(1, 2), SINTER_SHAPE(n, 32))};
    sinter_output(g, "y", sinter_reduce_sum(g, sinter_concat(g, parts, 2, 1), SINTER_SHAPE(1), 0));
    ck_assert(build_all(8));
    sni_str before = SNI_STR_INIT, after = SNI_STR_INIT;
    sni_loop_print(loop, &before);
    ck_assert(sni_loop_own(loop, arena));
    ck_assert_ptr_ne(loop->sym, g->sym);
    ck_assert_ptr_null(sni_loop_verify(loop));
    sni_loop_print(loop, &after);
    ck_assert_str_eq(sni_str_text(&before), sni_str_text(&after));
    sni_expr next = sni_sym_const(g->sym, 123456789);
    sni_sym_const(loop->sym, 987654321);
    ck_assert_uint_eq(sni_sym_const(g->sym, 123456790), next + 1);
    sni_str_deinit(&before);
    sni_str_deinit(&after);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loop");
    TCase *tc = tcase_create("loop");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, same_shapes_become_one_axis);
    tcase_add_test(tc, a_reshape_there_and_back_disappears);
    tcase_add_test(tc, bias_keeps_two_axes);
    tcase_add_test(tc, reductions_over_one_row_share_a_program);
    tcase_add_test(tc, reductions_over_other_axes_are_refused);
    tcase_add_test(tc, a_product_has_operands_by_axis);
    tcase_add_test(tc, concat_reads_each_input_where_it_lies);
    tcase_add_test(tc, too_many_buffers_are_refused);
    tcase_add_test(tc, programs_print);
    tcase_add_test(tc, a_program_owns_its_expressions);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
