/* What the headers promise of a plan's life: who keeps what alive, and what is given back. */
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

/* y = softmax(x * x + 1) over rows of a product: two kernels and a temporary. */
static sinter_plan *compile_small(void) {
    static float w[8 * 32];
    for (int i = 0; i < 8 * 32; ++i) w[i] = (float)(i % 5) * 0.25f;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 8));
    sinter_value h = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(8, 32), w, sizeof w));
    sinter_output(g, "y", sinter_softmax(g, h, 1));
    return oracle_compile(&o, g);
}

START_TEST(events_outlive_the_plan_and_the_runtime) {
    sinter_plan *plan = compile_small();
    float x[4 * 8] = {1, 2, 3}, y[3][4 * 32];
    sinter_event *events[3];
    for (int i = 0; i < 3; ++i) {
        sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4, 8), x, sizeof x),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y[i], sizeof y[i])};
        ck_assert_int_eq(sinter_plan_run_async(plan, b, 2, &events[i]), SINTER_OK);
    }
    sinter_plan_release(plan);
    /* The device has finished: the results are there before the events are waited for. */
    for (int i = 0; i < 3; ++i) ck_assert_float_gt(y[i][0], 0);
    sinter_runtime_release(o.runtime);
    for (int i = 2; i >= 0; --i) ck_assert_int_eq(sinter_event_wait(events[i]), SINTER_OK);
    ck_assert_mem_eq(y[0], y[2], sizeof y[0]);
    ck_assert_int_eq(sinter_runtime_create(NULL, &o.runtime), SINTER_OK); /* for teardown */
}
END_TEST

static void run_rows(sinter_plan *plan, int64_t rows) {
    size_t in = (size_t)rows * 8 * sizeof(float), out = (size_t)rows * 32 * sizeof(float);
    float *x = calloc(1, in), *y = calloc(1, out);
    sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(rows, 8), x, in),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, out)};
    if (sinter_plan_run(plan, b, 2) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    ck_assert_float_eq_tol(y[out / sizeof *y - 1], 1.0f / 32, 1e-6f);
    free(x);
    free(y);
}

/* Contexts are kept for the next run, but their memory is the pool's: trim and the out-of-memory retry reach it. */
START_TEST(idle_contexts_hold_no_memory) {
    sinter_plan *plan = compile_small();
    sinter_runtime_stats before, stats;
    sinter_runtime_get_stats(o.runtime, &before);
    for (int64_t rows = 1000; rows <= 12000; rows += 1000) run_rows(plan, rows);
    sinter_runtime_get_stats(o.runtime, &stats);
    ck_assert_uint_eq(stats.bytes_in_use, before.bytes_in_use);
    sinter_runtime_trim(o.runtime, 0);
    sinter_runtime_get_stats(o.runtime, &stats);
    ck_assert_uint_eq(stats.bytes_idle, 0);
    run_rows(plan, 12000);
    run_rows(plan, 1);
    sni_pool_fail_next(o.runtime->pool, 1); /* the device is full: idle memory goes, and it is tried again */
    run_rows(plan, 20000);
    sinter_plan_release(plan);
}
END_TEST

/* A run that fails for want of memory loses nothing, wherever it fails. */
START_TEST(runs_survive_a_full_device) {
    sinter_plan *plan = compile_small();
    run_rows(plan, 3);
    int64_t rows = 100;
    for (int fail = 2; fail <= 8; ++fail, rows += 5000) {
        float *y = malloc((size_t)rows * 32 * sizeof *y);
        size_t in = (size_t)rows * 8 * sizeof(float);
        float *big = calloc(1, in);
        sinter_binding b[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(rows, 8), big, in),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, (size_t)rows * 32 * sizeof *y)};
        sinter_runtime_trim(o.runtime, 0);
        sni_pool_fail_next(o.runtime->pool, fail);
        sinter_status status = sinter_plan_run(plan, b, 2);
        ck_assert(status == SINTER_OK || status == SINTER_OUT_OF_DEVICE_MEMORY);
        sni_pool_fail_next(o.runtime->pool, 0);
        run_rows(plan, rows);
        free(big);
        free(y);
    }
    sinter_plan_release(plan);
}
END_TEST

/* A kernel with 64-bit indices is built once, and is the plain one where the device cannot launch the other. */
START_TEST(wide_kernels_have_the_plain_fallback) {
    sinter_plan *plan = compile_small();
    const sni_wide *wide, *again;
    for (size_t n = 0; n < plan->step_count; ++n) {
        ck_assert_int_eq(sni_step_widen(plan, &plan->steps[n], &wide), SINTER_OK);
        ck_assert_int_eq(sni_step_widen(plan, &plan->steps[n], &again), SINTER_OK);
        ck_assert_ptr_eq(wide, again);
        ck_assert_ptr_nonnull(wide->program);
        ck_assert_str_eq(wide->spec->strategy, plan->steps[n].spec.strategy);
    }
    sinter_plan_release(plan);
    plan = oracle_compile(&o, g);
    for (size_t n = 0; n < plan->step_count; ++n) {
        size_t *local = plan->steps[n].spec.local;
        local[0] = (size_t)1 << 30; /* no device launches that */
        ck_assert_int_eq(sni_step_widen(plan, &plan->steps[n], &wide), SINTER_OK);
        ck_assert_str_eq(wide->spec->strategy, "plain");
    }
    sinter_plan_release(plan);
}
END_TEST

/* An input may have an output's name: the first binding of that name is the input's. */
START_TEST(an_input_and_an_output_of_one_name) {
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "x", sinter_neg(g, x));
    sinter_output(g, "same", x);
    sinter_plan *plan = oracle_compile(&o, g);
    float in[3] = {1, 2, 3}, out[3] = {0}, same[3] = {0};
    sinter_binding b[3] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(3), in, sizeof in),
                           SINTER_BIND_HOST("x", SINTER_F32, SINTER_SCALAR, out, sizeof out),
                           SINTER_BIND_HOST("same", SINTER_F32, SINTER_SCALAR, same, sizeof same)};
    ck_assert_int_eq(sinter_plan_run(plan, b, 3), SINTER_OK);
    for (int i = 0; i < 3; ++i) {
        ck_assert_float_eq(in[i], (float)(i + 1));
        ck_assert_float_eq(out[i], -(float)(i + 1));
        ck_assert_float_eq(same[i], (float)(i + 1));
    }
    sinter_plan_release(plan);
}
END_TEST

/* Three products of one input, whose weights a pass joins: a second compile makes the joined ones anew, with what the first
 * one's hold. */
static sinter_plan *compile_joined(sinter_graph *graph) {
    static float w[3][64 * 64];
    for (int i = 0; i < 3 * 64 * 64; ++i) w[i / 4096][i % 4096] = (float)(i % 97) * 0.01f;
    sinter_value x = sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 64));
    for (int i = 0; i < 3; ++i) {
        char name[2] = {(char)('a' + i), 0};
        sinter_value c = sinter_constant(graph, SINTER_F32, SINTER_SHAPE(64, 64), w[i], sizeof w[i]);
        sinter_output(graph, name, sinter_relu(graph, sinter_matmul(graph, x, c)));
    }
    return oracle_compile(&o, graph);
}

START_TEST(constants_are_shared_by_content) {
    sinter_runtime_stats one, two, none;
    sinter_plan *plans[2];
    sinter_graph *again;
    sinter_plan_stats stats;
    ck_assert_int_eq(sinter_graph_create(&again), SINTER_OK);
    plans[0] = compile_joined(g);
    sinter_runtime_get_stats(o.runtime, &one);
    sinter_plan_get_stats(plans[0], &stats);
    ck_assert_uint_eq(stats.constant_bytes, 3 * 64 * 64 * 4);
    ck_assert_uint_ge(one.bytes_in_use, stats.constant_bytes);
    plans[1] = compile_joined(again);
    sinter_runtime_get_stats(o.runtime, &two);
    ck_assert_uint_eq(two.bytes_in_use, one.bytes_in_use);
    sinter_plan_release(plans[0]);
    sinter_shape shape = SINTER_SHAPE(3, 64);
    oracle_check_plan(&o, again, plans[1], &shape, 300);
    sinter_plan_release(plans[1]);
    sinter_graph_release(again);
    sinter_runtime_get_stats(o.runtime, &none);
    ck_assert_uint_eq(none.bytes_in_use, 0);
}
END_TEST

static sinter_status reverse(const sni_preparation *p, const void *data, size_t size_bytes, void *out) {
    const float *from = data;
    float *to = out;
    size_t count = size_bytes / sizeof *from;
    (void)p;
    for (size_t i = 0; i < count; ++i) to[i] = from[count - 1 - i];
    return SINTER_OK;
}

/* A strategy's argument may ask for a constant in another layout; other steps read it as it is. */
START_TEST(arguments_name_preparations) {
    float c[6] = {1, 2, 3, 4, 5, 6}, back[6];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(6));
    sinter_output(g, "y", sinter_add(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(6), c, sizeof c)));
    sinter_plan *plan = oracle_compile(&o, g);
    sni_step *step = &plan->steps[0];
    sni_preparation preparation = {"reverse", NULL, 0, sizeof c, reverse};
    sni_kspec spec = step->spec;
    sni_mem **constants;
    int constant = -1;
    for (int b = 0; b < step->loop.buffer_count; ++b)
        if (step->loop.buffers[b].is_constant) constant = b;
    ck_assert_int_ge(constant, 0);
    for (int a = 0; a < spec.arg_count; ++a)
        if (spec.args[a].kind == SNI_KARG_BUFFER && spec.args[a].buffer == constant)
            spec.args[a].preparation = &preparation;
    ck_assert_int_eq(sni_step_upload(plan, step, &spec, &constants), SINTER_OK);
    ck_assert_ptr_ne(constants[constant], step->constants[constant]);
    ck_assert_int_eq(sni_mem_read(constants[constant], 0, back, sizeof back, true), SINTER_OK);
    for (int i = 0; i < 6; ++i) ck_assert_float_eq(back[i], c[5 - i]);
    sni_step_drop_constants(step, constants);
    sinter_plan_release(plan);
}
END_TEST

static void expect_refused(sinter_plan *plan, sinter_binding *b, size_t count, const char *words) {
    ck_assert_int_eq(sinter_plan_run(plan, b, count), SINTER_INVALID_ARGUMENT);
    ck_assert_msg(strstr(sinter_last_error(), words) != NULL, "'%s' is not in: %s", words, sinter_last_error());
}

START_TEST(bindings_that_mean_nothing_are_refused) {
    sinter_plan *plan = compile_small();
    static const float x[2 * 8] = {1};
    float y[2 * 32];
    sinter_buffer *buffer;
    ck_assert_int_eq(sinter_buffer_create(o.runtime, sizeof y, &buffer), SINTER_OK);
    sinter_binding b[3] = {SINTER_BIND_INPUT("x", SINTER_F32, SINTER_SHAPE(2, 8), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    b[0].size_bytes = 4;
    expect_refused(plan, b, 2, "64 are needed");
    b[0].size_bytes = sizeof x;
    b[0].buffer = buffer;
    expect_refused(plan, b, 2, "give one");
    b[0].buffer = NULL;
    b[1].buffer = buffer;
    expect_refused(plan, b, 2, "give one");
    b[1].buffer = NULL;
    b[1].data = SINTER_OFFSET(4);
    expect_refused(plan, b, 2, "no buffer");
    b[1].data = y;
    b[2] = b[0];
    expect_refused(plan, b, 3, "'x' is bound twice");
    b[2] = b[1];
    expect_refused(plan, b, 3, "'y' is bound twice");
    b[2] = (sinter_binding)SINTER_BIND_DIM("m", 2);
    expect_refused(plan, b, 3, "'m' is no input, output, state or dimension");
    b[2] = (sinter_binding)SINTER_BIND_HOST("z", SINTER_F32, SINTER_SHAPE(2), y, sizeof y);
    expect_refused(plan, b, 3, "'z' is no input");
    b[2] = (sinter_binding)SINTER_BIND_DIM("n", 2);
    ck_assert_msg(sinter_plan_run(plan, b, 3) == SINTER_OK, "%s", sinter_last_error());
    b[2] = (sinter_binding)SINTER_BIND_DIM("n", 3);
    ck_assert_int_eq(sinter_plan_run(plan, b, 3), SINTER_SHAPE);
    sinter_buffer_release(buffer);
    sinter_plan_release(plan);
}
END_TEST

/* y = -x over three elements, in parts of one buffer: at odd offsets, overlapping, and past the end. */
START_TEST(parts_of_buffers) {
    float all[8] = {1, 2, 3, 4, 5, 6, 7, 8}, got[8];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_neg(g, x));
    sinter_output(g, "z", sinter_abs(g, x));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_buffer *buffer;
    ck_assert_int_eq(sinter_buffer_create(o.runtime, sizeof all, &buffer), SINTER_OK);
    static const size_t places[][2] = {{0, 5}, {4, 1}, {2, 3}, {3, 2}, {1, 0}, {1, 1}, {0, 2}};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        size_t in = places[i][0], out = places[i][1];
        ck_assert_int_eq(sinter_buffer_write(buffer, 0, all, sizeof all), SINTER_OK);
        sinter_binding b[2] = {SINTER_BIND_BUFFER("x", SINTER_F32, SINTER_SHAPE(3), buffer, in * sizeof(float)),
                               SINTER_BIND_BUFFER("y", SINTER_F32, SINTER_SCALAR, buffer, out * sizeof(float))};
        ck_assert_msg(sinter_plan_run(plan, b, 2) == SINTER_OK, "%s", sinter_last_error());
        ck_assert_int_eq(sinter_buffer_read(buffer, 0, got, sizeof got), SINTER_OK);
        for (size_t k = 0; k < 8; ++k)
            ck_assert_float_eq(got[k], k >= out && k < out + 3 ? -all[in + k - out] : all[k]);
    }
    sinter_binding b[3] = {SINTER_BIND_BUFFER("x", SINTER_F32, SINTER_SHAPE(3), buffer, 24)};
    expect_refused(plan, b, 1, "12 are needed from byte 24 on");
    b[0].data = SINTER_OFFSET(SIZE_MAX);
    expect_refused(plan, b, 1, "give one");
    b[0].data = SINTER_OFFSET(0);
    b[1] = (sinter_binding)SINTER_BIND_BUFFER("y", SINTER_F32, SINTER_SCALAR, buffer, 12);
    b[2] = (sinter_binding)SINTER_BIND_BUFFER("z", SINTER_F32, SINTER_SCALAR, buffer, 20);
    expect_refused(plan, b, 3, "the same memory");
    b[2].data = SINTER_OFFSET(0); /* z in x's own place, y behind it */
    ck_assert_int_eq(sinter_plan_run(plan, b, 3), SINTER_OK);
    sinter_buffer_release(buffer);
    sinter_plan_release(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("promises");
    TCase *tc = tcase_create("promises");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, events_outlive_the_plan_and_the_runtime);
    tcase_add_test(tc, idle_contexts_hold_no_memory);
    tcase_add_test(tc, runs_survive_a_full_device);
    tcase_add_test(tc, wide_kernels_have_the_plain_fallback);
    tcase_add_test(tc, an_input_and_an_output_of_one_name);
    tcase_add_test(tc, constants_are_shared_by_content);
    tcase_add_test(tc, arguments_name_preparations);
    tcase_add_test(tc, bindings_that_mean_nothing_are_refused);
    tcase_add_test(tc, parts_of_buffers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
