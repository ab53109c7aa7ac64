/* Graphs that would make one kernel grow without bounds: they compile in little time, and give the right numbers. */
#include "check_main.h"
#include "oracle.h"

static oracle o;
static sinter_graph *g;
static sinter_value x; /* [n, 4] */

static void begin(void) {
    oracle_init(&o);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 4));
}

/* Runs what leads to y; returns the launches. */
static uint64_t finish(sinter_value y) {
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    for (int64_t n = 1; n < 12; n += 5) {
        sinter_shape shape = SINTER_SHAPE(n, 4);
        oracle_check_plan(&o, g, plan, &shape, 50);
    }
    uint64_t launches = oracle_launches(plan);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    oracle_deinit(&o);
    return launches;
}

static sinter_value random_rows(int64_t rows) {
    float data[64];
    ck_assert_int_le(rows * 4, 64);
    for (int i = 0; i < rows * 4; ++i) data[i] = (float)oracle_uniform(&o);
    return sinter_constant(g, SINTER_F32, SINTER_SHAPE(rows, 4), data, (size_t)rows * 16);
}

START_TEST(a_value_joined_with_itself_again_and_again) {
    begin();
    sinter_value y = x;
    for (int i = 0; i < 12; ++i) {
        sinter_value both[2] = {y, y};
        y = sinter_concat(g, both, 2, i % 2);
    }
    ck_assert_uint_le(finish(sinter_relu(g, y)), 4);
}
END_TEST

START_TEST(more_operands_than_buffers) {
    begin();
    sinter_value parts[100] = {x};
    for (int i = 1; i < 100; ++i) parts[i] = random_rows(1 + i % 3);
    uint64_t launches = finish(sinter_tanh(g, sinter_concat(g, parts, 100, 0)));
    ck_assert_uint_gt(launches, 1);
    ck_assert_uint_le(launches, 8);
}
END_TEST

START_TEST(a_sum_of_many) {
    begin();
    sinter_value sum = x;
    for (int i = 0; i < 90; ++i) sum = sinter_add(g, sum, random_rows(1));
    ck_assert_uint_le(finish(sum), 6);
}
END_TEST

START_TEST(reshapes_that_do_not_compose) {
    begin();
    sinter_value y = x;
    for (int i = 0; i < 80; ++i) {
        y = sinter_reshape(g, sinter_transpose(g, y, SINTER_SHAPE(1, 0)), SINTER_SHAPE(-1, i % 2 ? 4 : 2));
    }
    ck_assert_uint_gt(finish(sinter_neg(g, y)), 1);
}
END_TEST

START_TEST(every_value_read_in_two_places) {
    begin();
    sinter_value y = x;
    for (int i = 0; i < 24; ++i) {
        sinter_value turned = sinter_reshape(g, sinter_transpose(g, y, SINTER_SHAPE(1, 0)), SINTER_SHAPE(-1, 4));
        y = sinter_tanh(g, sinter_add(g, y, turned));
    }
    finish(y);
}
END_TEST

START_TEST(a_long_chain) {
    begin();
    sinter_value y = x, one = sinter_scalar(g, SINTER_F32, 1.0 / 64);
    for (int i = 0; i < 1500; ++i) y = sinter_sub(g, one, y);
    ck_assert_uint_lt(finish(y), 20);
}
END_TEST

/* Rows of all pictures in a row, added to the pictures: with a symbolic number of pictures each layer's size is made of the
 * last one's. Only one picture fits, of any size, or pictures of one row. */
START_TEST(sizes_made_of_sizes) {
    oracle_init(&o);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value y = x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("b"), SINTER_DIM("s"), 4));
    for (int i = 0; i < 40; ++i) y = sinter_tanh(g, sinter_add(g, x, sinter_reshape(g, y, SINTER_SHAPE(1, -1, 4))));
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    const sinter_shape shapes[] = {SINTER_SHAPE(1, 7, 4), SINTER_SHAPE(1, 1, 4), SINTER_SHAPE(1, 0, 4)};
    for (int i = 0; i < 3; ++i) oracle_check_plan(&o, g, plan, &shapes[i], 50);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    oracle_deinit(&o);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {a_value_joined_with_itself_again_and_again,
                                  more_operands_than_buffers,
                                  a_sum_of_many,
                                  reshapes_that_do_not_compose,
                                  every_value_read_in_two_places,
                                  a_long_chain,
                                  sizes_made_of_sizes};
    return run_suite(suite_of("growth", tests, sizeof tests / sizeof *tests));
}
