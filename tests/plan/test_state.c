/* States against the reference: what runs leave in memory that outlives them, in place and region by region. */
#include "oracle.h"
#include "plan/plan.h"

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

#define MOST 12

/* Runs the plan of g several times on random inputs; before each run prepare may change them. Every output and every
 * state must be what the reference makes of the same inputs and of the states that it left itself. shapes: of all graph
 * inputs, states included. Returns bytes moved by the last run. */
static uint64_t check_runs(int runs, const sinter_shape *shapes, double factor,
                           void (*prepare)(int run, sni_ref_tensor **in)) {
    sinter_plan *plan = oracle_compile(&o, g);
    sni_ref_tensor *in[MOST] = {0};
    for (size_t i = 0; i < g->input_count; ++i) {
        sinter_dtype dtype = g->values[g->inputs[i].value].type.dtype;
        ck_assert_int_eq(sni_ref_tensor_create(dtype, shapes[i].rank, shapes[i].dims, &in[i]), SINTER_OK);
        if (in[i]->f) memset(in[i]->f, 0, (size_t)in[i]->count * sizeof *in[i]->f); /* states begin as zeros */
        if (in[i]->i) memset(in[i]->i, 0, (size_t)in[i]->count * sizeof *in[i]->i);
    }
    for (int run = 0; run < runs; ++run) {
        sni_ref_tensor *out[MOST] = {0};
        sinter_binding b[2 * MOST];
        size_t count = 0, first_out;
        for (size_t i = 0; i < g->input_count; ++i)
            if (!g->inputs[i].state) oracle_fill(&o, in[i]);
        if (prepare) prepare(run, in);
        for (size_t i = 0; i < g->input_count; ++i) {
            size_t bytes = (size_t)in[i]->count * sinter_dtype_size(in[i]->dtype);
            if (g->inputs[i].state) continue;
            b[count] =
                (sinter_binding)SINTER_BIND_HOST(g->inputs[i].name, in[i]->dtype, shapes[i], malloc(bytes + 1), bytes);
            sni_ref_tensor_store(in[i], b[count].data);
            sni_ref_tensor_load(in[i], b[count++].data);
        }
        if (sni_reference_run(g, in, NULL, false, out) != SINTER_OK) ck_abort_msg("reference: %s", sinter_last_error());
        first_out = count;
        for (size_t i = 0; i < g->output_count; ++i) {
            size_t bytes = (size_t)out[i]->count * sinter_dtype_size(out[i]->dtype);
            if (g->outputs[i].state) continue;
            b[count++] = (sinter_binding)SINTER_BIND_HOST(g->outputs[i].name, out[i]->dtype, SINTER_SCALAR,
                                                          malloc(bytes + 1), bytes);
        }
        if (sinter_plan_run(plan, b, count) != SINTER_OK) ck_abort_msg("run: %s", sinter_last_error());
        for (size_t i = 0, at = first_out; i < g->output_count; ++i) {
            char text[200];
            size_t bytes = (size_t)out[i]->count * sinter_dtype_size(out[i]->dtype);
            void *data = g->outputs[i].state ? malloc(bytes + 1) : b[at++].data;
            if (g->outputs[i].state)
                ck_assert_int_eq(sinter_plan_state_read(plan, g->outputs[i].name, data, bytes), SINTER_OK);
            if (!oracle_equal(out[i], data, factor, text, sizeof text))
                ck_abort_msg("run %d, %s: %s", run, g->outputs[i].name, text);
            if (!g->outputs[i].state) continue;
            sni_ref_tensor *state = in[sni_graph_find_state(g, g->outputs[i].name)];
            sni_ref_tensor_load(state, data); /* the device's rounding goes on */
            free(data);
        }
        for (size_t i = 0; i < count; ++i) free(b[i].data);
        for (size_t i = 0; i < g->output_count; ++i) sni_ref_tensor_release(out[i]);
    }
    for (size_t i = 0; i < g->input_count; ++i) sni_ref_tensor_release(in[i]);
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    sinter_plan_release(plan);
    return stats.bytes_moved;
}

static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_BF16, SINTER_I64, SINTER_U8};
#define DTYPES ((int)(sizeof dtypes / sizeof *dtypes))

START_TEST(whole_values_in_place) {
    sinter_shape shape = SINTER_SHAPE(7, 13);
    sinter_value s = sinter_state(g, "sum", dtypes[_i], shape), x = sinter_input(g, "x", dtypes[_i], shape);
    sinter_value after = sinter_state_write(g, s, sinter_add(g, s, x), NULL, 0);
    sinter_output(g, "double", sinter_add(g, after, after));
    sinter_shape shapes[2] = {shape, shape};
    check_runs(4, shapes, 4, NULL);
}
END_TEST

/* An optimiser's step: two moments and the weights, all updated in place by one kernel. */
START_TEST(an_optimiser_is_one_launch) {
    sinter_shape shape = SINTER_SHAPE(1000);
    sinter_value m = sinter_state(g, "m", SINTER_F32, shape), v = sinter_state(g, "v", SINTER_F32, shape);
    sinter_value w = sinter_state(g, "w", SINTER_F32, shape), x = sinter_input(g, "gradient", SINTER_F32, shape);
    sinter_value b1 = sinter_scalar(g, SINTER_F32, 0.875), c1 = sinter_scalar(g, SINTER_F32, 0.125);
    sinter_value mn = sinter_add(g, sinter_mul(g, m, b1), sinter_mul(g, x, c1));
    sinter_value vn = sinter_add(g, sinter_mul(g, v, b1), sinter_mul(g, sinter_mul(g, x, x), c1));
    sinter_value step = sinter_div(g, mn, sinter_add(g, sinter_sqrt(g, vn), sinter_scalar(g, SINTER_F32, 0.01)));
    sinter_state_write(g, w, sinter_sub(g, w, sinter_mul(g, step, sinter_scalar(g, SINTER_F32, 0.01))), NULL, 0);
    sinter_state_write(g, m, mn, NULL, 0);
    sinter_state_write(g, v, vn, NULL, 0);
    sinter_plan *plan = oracle_compile(&o, g);
    ck_assert_uint_eq(oracle_launches(plan), 1);
    sinter_plan_release(plan);
    sinter_shape shapes[4] = {shape, shape, shape, shape};
    check_runs(5, shapes, 20, NULL);
}
END_TEST

/* Every element of the new value needs every one of the old: the write must wait. */
START_TEST(a_recurrent_layer) {
    static float w[24 * 24];
    for (int i = 0; i < 24 * 24; ++i) w[i] = (float)(oracle_uniform(&o) - 0.5) * 0.5f;
    sinter_shape shape = SINTER_SHAPE(5, 24);
    sinter_value h = sinter_state(g, "h", SINTER_F32, shape), x = sinter_input(g, "x", SINTER_F32, shape);
    sinter_value p = sinter_matmul(g, h, sinter_constant(g, SINTER_F32, SINTER_SHAPE(24, 24), w, sizeof w));
    sinter_value next = sinter_tanh(g, sinter_add(g, p, x));
    sinter_output(g, "norm", sinter_reduce_sum(g, sinter_mul(g, next, next), SINTER_SHAPE(1), 0));
    sinter_state_write(g, h, next, NULL, 0);
    sinter_shape shapes[2] = {shape, shape};
    check_runs(5, shapes, 100, NULL);
}
END_TEST

static void place(int run, sni_ref_tensor **in) {
    static const int64_t starts[] = {0, 3, 9, -4, 100, 7, 2};
    in[2]->i[0] = starts[run % 7];
}

/* A region at a place that an input gives; one outside is moved inside. */
START_TEST(regions_at_a_place_read_at_run_time) {
    sinter_dtype dtype = dtypes[_i];
    sinter_value cache = sinter_state(g, "cache", dtype, SINTER_SHAPE(2, 11, 20));
    sinter_value x = sinter_input(g, "x", dtype, SINTER_SHAPE(2, 3, 20)),
                 at = sinter_input(g, "at", SINTER_I64, SINTER_SCALAR);
    sinter_value starts[2] = {SINTER_NO_VALUE, at};
    sinter_value after = sinter_state_write(g, cache, sinter_add(g, x, x), starts, 2);
    sinter_output(g, "rows", sinter_reduce_max(g, after, SINTER_SHAPE(2), 0));
    sinter_shape shapes[3] = {SINTER_SHAPE(2, 11, 20), SINTER_SHAPE(2, 3, 20), SINTER_SCALAR};
    check_runs(7, shapes, 1, place);
}
END_TEST

static void place_both(int run, sni_ref_tensor **in) {
    in[2]->i[0] = run * 2, in[2]->i[1] = 5 - run;
}

/* Sizes that are known at the run only, two computed starts, the old value read as well. */
START_TEST(symbolic_regions_and_the_value_before) {
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(SINTER_DIM("rows"), SINTER_DIM("columns")));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(n, m)),
                 at = sinter_input(g, "at", SINTER_I64, SINTER_SHAPE(2));
    sinter_value like = sinter_input(g, "like", SINTER_F32, SINTER_SHAPE(SINTER_DIM("rows"), SINTER_DIM("columns")));
    sinter_value starts[2];
    for (int i = 0; i < 2; ++i)
        starts[i] = sinter_abs(g, sinter_slice(g, at, SINTER_SHAPE(i), SINTER_SHAPE(1), SINTER_SHAPE(1)));
    sinter_value after = sinter_state_write(g, s, sinter_exp(g, x), starts, 2);
    sinter_output(g, "before", sinter_reduce_sum(g, s, SINTER_SHAPE(0), 0));
    sinter_output(g, "change", sinter_sub(g, after, like));
    sinter_output(g, "copy", after);
    sinter_output(g, "old", s);
    sinter_shape shapes[4] = {SINTER_SHAPE(9, 17), SINTER_SHAPE(2, 5), SINTER_SHAPE(2), SINTER_SHAPE(9, 17)};
    check_runs(5, shapes, 40, place_both);
}
END_TEST

static void place_three(int run, sni_ref_tensor **in) {
    in[2]->i[0] = run - 2, in[2]->i[1] = 3 * run - 4, in[2]->i[2] = 0;
}

/* The operator by itself, whose result is a value like any other. */
START_TEST(update_without_a_state) {
    sinter_dtype dtype = dtypes[_i];
    sinter_value x = sinter_input(g, "x", dtype, SINTER_SHAPE(3, SINTER_DIM("n"), 5));
    sinter_value v = sinter_input(g, "v", dtype, SINTER_SHAPE(2, SINTER_DIM("m"), 5)),
                 at = sinter_input(g, "at", SINTER_I64, SINTER_SHAPE(3));
    sinter_output(g, "y", sinter_update(g, sinter_add(g, x, x), v, at));
    sinter_output(g, "z", sinter_reduce_sum(g, sinter_update(g, x, v, at), SINTER_SHAPE(1), 0));
    sinter_shape shapes[3] = {SINTER_SHAPE(3, 8, 5), SINTER_SHAPE(2, 3, 5), SINTER_SHAPE(3)};
    check_runs(5, shapes, 8, place_three);
}
END_TEST

START_TEST(several_writes_in_one_run) {
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(6, 8)),
                 x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2, 8));
    sinter_value at = sinter_input(g, "at", SINTER_I64, SINTER_SCALAR);
    sinter_value one = sinter_state_write(g, s, x, &at, 1);
    sinter_value middle = sinter_reduce_sum(g, one, SINTER_SHAPE(0), 0);
    sinter_value two = sinter_state_write(g, one, sinter_mul(g, x, x), NULL, 0);
    sinter_value three = sinter_state_write(g, two, sinter_add(g, two, sinter_scalar(g, SINTER_F32, 0.25)), NULL, 0);
    sinter_output(g, "middle", middle);
    sinter_output(g, "end", sinter_reduce_sum(g, three, SINTER_SHAPE(1), 0));
    sinter_shape shapes[3] = {SINTER_SHAPE(6, 8), SINTER_SHAPE(2, 8), SINTER_SCALAR};
    check_runs(7, shapes, 20, place);
}
END_TEST

START_TEST(two_states_change_places) {
    sinter_shape shape = SINTER_SHAPE(33);
    sinter_value a = sinter_state(g, "a", SINTER_F32, shape), b = sinter_state(g, "b", SINTER_F32, shape);
    sinter_value x = sinter_input(g, "x", SINTER_F32, shape);
    sinter_value keep = sinter_add(g, b, x);
    sinter_state_write(g, b, sinter_exp(g, sinter_neg(g, sinter_abs(g, a))), NULL, 0);
    sinter_state_write(g, a, keep, NULL, 0);
    sinter_plan *plan;
    sinter_status status = sinter_plan_compile(o.runtime, g, NULL, &plan);
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
    sinter_plan_release(plan);
    sinter_shape shapes[3] = {shape, shape, shape};
    check_runs(4, shapes, 8, NULL);
}
END_TEST

/* Reading what is gone cannot be ordered; it is refused in words. */
START_TEST(what_cannot_be_ordered_is_refused) {
    sinter_shape shape = SINTER_SHAPE(4, 4);
    sinter_value s = sinter_state(g, "s", SINTER_F32, shape), x = sinter_input(g, "x", SINTER_F32, shape);
    sinter_value after = sinter_state_write(g, s, x, NULL, 0);
    sinter_output(g, "y", sinter_matmul(g, s, after));
    sinter_plan *plan;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, NULL, &plan), SINTER_UNSUPPORTED);
    ck_assert_msg(strstr(sinter_last_error(), "before a write"), "%s", sinter_last_error());
}
END_TEST

START_TEST(bad_writes_are_refused) {
    sinter_shape shape = SINTER_SHAPE(4, 4);
    sinter_value s = sinter_state(g, "s", SINTER_F32, shape), x = sinter_input(g, "x", SINTER_F32, shape),
                 at[3] = {{0}};
    switch (_i) {
    case 0:
        sinter_state_write(g, x, s, NULL, 0);
        break;
    case 1:
        sinter_state_write(g, s, x, NULL, 0), sinter_state_write(g, s, x, NULL, 0);
        break;
    case 2:
        sinter_state_write(g, s, x, at, 3);
        break;
    case 3:
        sinter_state_write(g, s, sinter_reduce_sum(g, x, SINTER_SHAPE(0), 0), NULL, 0);
        break;
    case 4:
        sinter_state_write(g, s, sinter_input(g, "big", SINTER_F32, SINTER_SHAPE(4, 5)), NULL, 0);
        break;
    case 5:
        sinter_state_write(g, s, sinter_input(g, "wrong", SINTER_F16, shape), NULL, 0);
        break;
    case 6:
        sinter_state(g, "s", SINTER_F32, shape);
        break;
    default:
        at[0] = x, sinter_state_write(g, s, x, at, 1);
        break;
    }
    ck_assert_int_ne(sinter_graph_status(g), SINTER_OK);
}
END_TEST

/* A small region of a large state: nobody moves the rest. */
START_TEST(a_write_moves_only_its_region) {
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(4096, 64)),
                 x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2, 64));
    sinter_value at = sinter_input(g, "at", SINTER_I64, SINTER_SCALAR);
    sinter_state_write(g, s, sinter_exp(g, x), &at, 1);
    sinter_shape shapes[3] = {SINTER_SHAPE(4096, 64), SINTER_SHAPE(2, 64), SINTER_SCALAR};
    ck_assert_uint_le(check_runs(3, shapes, 2, place), 2 * 2 * 64 * 4 + 8);
}
END_TEST

/* The caller's buffers as states, shared by two plans; the plan's own are not touched. */
START_TEST(bound_buffers_are_the_memory) {
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, got[8], zero[8] = {0};
    sinter_buffer *b;
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value v = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_neg(g, sinter_state_write(g, s, sinter_add(g, s, v), NULL, 0)));
    sinter_plan *plans[2] = {oracle_compile(&o, g), oracle_compile(&o, g)};
    ck_assert_int_eq(sinter_buffer_create(o.runtime, sizeof x, &b), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_write(b, 0, zero, sizeof zero), SINTER_OK);
    for (int run = 1; run <= 6; ++run) {
        sinter_binding io[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(8), x, sizeof x),
                                {"s", SINTER_F32, SINTER_SCALAR, NULL, 0, b}};
        if (sinter_plan_run(plans[run % 2], io, 2) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
        ck_assert_int_eq(sinter_buffer_read(b, 0, got, sizeof got), SINTER_OK);
        for (int i = 0; i < 8; ++i) ck_assert_float_eq(got[i], x[i] * (float)run);
        ck_assert_int_eq(sinter_plan_state_read(plans[0], "s", got, sizeof got), SINTER_OK);
        ck_assert_mem_eq(got, zero, sizeof got);
    }
    sinter_binding shared[3] = {{"x", SINTER_F32, SINTER_SHAPE(8), NULL, 0, b},
                                {"s", SINTER_F32, SINTER_SCALAR, NULL, 0, b}};
    ck_assert_int_eq(sinter_plan_run(plans[0], shared, 2), SINTER_INVALID_ARGUMENT);
    ck_assert_msg(strstr(sinter_last_error(), "same memory"), "%s", sinter_last_error());
    shared[0] = (sinter_binding)SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(8), x, sizeof x);
    shared[2] = (sinter_binding){"y", SINTER_F32, SINTER_SCALAR, NULL, 0, b};
    ck_assert_int_eq(sinter_plan_run(plans[0], shared, 3), SINTER_INVALID_ARGUMENT);
    shared[1] = (sinter_binding)SINTER_BIND_HOST("s", SINTER_F32, SINTER_SHAPE(8), got, sizeof got);
    ck_assert_int_eq(sinter_plan_run(plans[0], shared, 2), SINTER_INVALID_ARGUMENT);
    shared[1] = (sinter_binding){"s", SINTER_F16, SINTER_SCALAR, NULL, 0, b};
    ck_assert_int_eq(sinter_plan_run(plans[0], shared, 2), SINTER_DTYPE);
    sinter_buffer_release(b);
    for (int i = 0; i < 2; ++i) sinter_plan_release(plans[i]);
}
END_TEST

START_TEST(own_memory_is_read_written_and_reset) {
    float x[4] = {1, 2, 3, 4}, big[5] = {0}, got[4], set[4] = {10, 20, 30, 40};
    sinter_value s = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value v = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_state_write(g, s, sinter_add(g, s, v), NULL, 0));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding io[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                            SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, got, sizeof got)};
    ck_assert_int_eq(sinter_plan_run(plan, io, 2), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_write(plan, "s", set, sizeof set), SINTER_OK);
    ck_assert_int_eq(sinter_plan_run(plan, io, 2), SINTER_OK);
    ck_assert_float_eq(got[3], 44);
    /* Another size needs other memory. */
    sinter_binding other = SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(5), big, sizeof big);
    ck_assert_int_eq(sinter_plan_run(plan, &other, 1), SINTER_SHAPE);
    ck_assert_int_eq(sinter_plan_state_reset(plan, NULL), SINTER_OK);
    ck_assert_int_eq(sinter_plan_run(plan, &other, 1), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_reset(plan, "s"), SINTER_OK);
    ck_assert_int_eq(sinter_plan_run(plan, io, 2), SINTER_OK);
    ck_assert_float_eq(got[3], 4);
    ck_assert_int_eq(sinter_plan_state_read(plan, "s", got, 4), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_read(plan, "s", big, sizeof big), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_plan_state_read(plan, "nobody", got, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_plan_state_reset(plan, "nobody"), SINTER_INVALID_ARGUMENT);
    sinter_plan_release(plan);
}
END_TEST

/* Keys for each head, appended at a place, then read up to a length: a product with a part of a state. */
START_TEST(a_cache_is_read_through_views) {
    static float w[16 * 16];
    for (int i = 0; i < 256; ++i) w[i] = (float)(oracle_uniform(&o) - 0.5);
    sinter_value cache = sinter_state(g, "keys", SINTER_F32, SINTER_SHAPE(9, 4, 4)),
                 x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(1, 16));
    sinter_value at = sinter_input(g, "at", SINTER_I64, SINTER_SCALAR);
    sinter_value like = sinter_input(g, "like", SINTER_F32, SINTER_SHAPE(SINTER_DIM("filled"), 1));
    sinter_value k = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(16, 16), w, sizeof w));
    sinter_value keys = sinter_state_write(g, cache, sinter_reshape(g, k, SINTER_SHAPE(1, 4, 4)), &at, 1);
    sinter_value part =
        sinter_slice(g, keys, SINTER_SHAPE(0, 0, 0), SINTER_SHAPE(1, 1, 1), SINTER_SHAPE(SINTER_DIM("filled"), 4, 4));
    sinter_value q = sinter_reshape(g, x, SINTER_SHAPE(4, 1, 4));
    sinter_output(g, "scores", sinter_matmul(g, q, sinter_transpose(g, part, SINTER_SHAPE(1, 2, 0))));
    sinter_output(g, "like2", sinter_neg(g, like));
    sinter_shape shapes[4] = {SINTER_SHAPE(9, 4, 4), SINTER_SHAPE(1, 16), SINTER_SCALAR, SINTER_SHAPE(6, 1)};
    check_runs(7, shapes, 60, place);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("state");
    TCase *tc = tcase_create("state");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 200);
    tcase_add_loop_test(tc, whole_values_in_place, 0, DTYPES);
    tcase_add_test(tc, an_optimiser_is_one_launch);
    tcase_add_test(tc, a_recurrent_layer);
    tcase_add_loop_test(tc, regions_at_a_place_read_at_run_time, 0, DTYPES);
    tcase_add_test(tc, symbolic_regions_and_the_value_before);
    tcase_add_loop_test(tc, update_without_a_state, 0, DTYPES);
    tcase_add_test(tc, several_writes_in_one_run);
    tcase_add_test(tc, two_states_change_places);
    tcase_add_test(tc, what_cannot_be_ordered_is_refused);
    tcase_add_loop_test(tc, bad_writes_are_refused, 0, 8);
    tcase_add_test(tc, a_write_moves_only_its_region);
    tcase_add_test(tc, bound_buffers_are_the_memory);
    tcase_add_test(tc, own_memory_is_read_written_and_reset);
    tcase_add_test(tc, a_cache_is_read_through_views);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
