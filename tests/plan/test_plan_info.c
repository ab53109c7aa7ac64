/* A plan's ports, dimensions, steps and memory; warming; the cache and the version from C. */
#include "oracle.h"

#include <sinter/sinter.h>

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

/* Two kernels with a value between them: the second sum needs all of the first's rows. */
static sinter_plan *two_steps(void) {
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 6));
    sinter_value y = sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(6, SINTER_DIM("m")));
    sinter_value p = sinter_matmul(g, x, y);
    sinter_output(g, "product", sinter_softmax(g, sinter_transpose(g, p, SINTER_SHAPE(1, 0)), 1));
    sinter_value memory = sinter_state(g, "kept", SINTER_I32, SINTER_SHAPE(4));
    sinter_output(g, "memory", sinter_neg(g, memory));
    return oracle_compile(&o, g);
}

static void check_dim(const sinter_plan *plan, sinter_port_kind kind, size_t index, int axis, const char *want) {
    char text[32];
    ck_assert_uint_eq(sinter_plan_port_dim_string(plan, kind, index, axis, text, sizeof text), strlen(want));
    ck_assert_str_eq(text, want);
}

START_TEST(ports_and_dimensions) {
    sinter_plan *plan = two_steps();
    ck_assert_uint_eq(sinter_plan_port_count(plan, SINTER_PORT_INPUT), 2);
    ck_assert_uint_eq(sinter_plan_port_count(plan, SINTER_PORT_OUTPUT), 2);
    ck_assert_uint_eq(sinter_plan_port_count(plan, SINTER_PORT_STATE), 1);
    ck_assert_str_eq(sinter_plan_port_name(plan, SINTER_PORT_INPUT, 1), "y");
    ck_assert_str_eq(sinter_plan_port_name(plan, SINTER_PORT_OUTPUT, 0), "product");
    ck_assert_str_eq(sinter_plan_port_name(plan, SINTER_PORT_STATE, 0), "kept");
    ck_assert_int_eq(sinter_plan_port_dtype(plan, SINTER_PORT_STATE, 0), SINTER_I32);
    ck_assert_int_eq(sinter_plan_port_rank(plan, SINTER_PORT_OUTPUT, 0), 2);
    check_dim(plan, SINTER_PORT_INPUT, 0, 0, "n");
    check_dim(plan, SINTER_PORT_INPUT, 0, 1, "6");
    check_dim(plan, SINTER_PORT_OUTPUT, 0, 0, "m");
    check_dim(plan, SINTER_PORT_OUTPUT, 0, 2, "");
    ck_assert_uint_eq(sinter_plan_dimension_count(plan), 2);
    ck_assert_str_eq(sinter_plan_dimension_name(plan, 0), "n");
    ck_assert_str_eq(sinter_plan_dimension_name(plan, 1), "m");
    ck_assert_ptr_null(sinter_plan_dimension_name(plan, 2));
    ck_assert_ptr_null(sinter_plan_port_name(plan, SINTER_PORT_INPUT, 2));
    ck_assert_ptr_null(sinter_plan_port_name(plan, (sinter_port_kind)7, 0));
    ck_assert_int_eq(sinter_plan_port_rank(NULL, SINTER_PORT_INPUT, 0), -1);
    ck_assert_uint_eq(sinter_plan_port_count(NULL, SINTER_PORT_INPUT), 0);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(steps) {
    sinter_plan *plan = two_steps();
    uint64_t count = sinter_plan_step_count(plan);
    ck_assert_uint_ge(count, 2);
    for (uint64_t i = 0; i < count; ++i) {
        ck_assert_str_eq(sinter_plan_step_kind(plan, i), "launch");
        ck_assert_str_ne(sinter_plan_step_strategy(plan, i), "");
        ck_assert_ptr_nonnull(strstr(sinter_plan_step_source(plan, i), sinter_plan_step_kernel(plan, i)));
    }
    ck_assert_ptr_null(sinter_plan_step_kind(plan, count));
    ck_assert_ptr_null(sinter_plan_step_source(plan, count));
    sinter_plan_release(plan);
}
END_TEST

static void bind_shapes(sinter_binding io[2], int64_t n, int64_t m) {
    io[0] = (sinter_binding){.name = "x", .dtype = SINTER_F32, .shape = SINTER_SHAPE(n, 6)};
    io[1] = (sinter_binding){.name = "y", .dtype = SINTER_F32, .shape = SINTER_SHAPE(6, m)};
}

START_TEST(arena_is_what_a_run_takes) {
    static float x[60], y[120];
    sinter_plan *plan = two_steps();
    sinter_binding io[2];
    uint64_t bytes = 1;
    sinter_plan_stats stats;
    bind_shapes(io, 10, 20);
    ck_assert_int_eq(sinter_plan_arena_bytes(plan, io, 2, &bytes), SINTER_OK);
    io[0].data = x, io[0].size_bytes = sizeof x;
    io[1].data = y, io[1].size_bytes = sizeof y;
    ck_assert_int_eq(sinter_plan_run(plan, io, 2), SINTER_OK);
    sinter_plan_get_stats(plan, &stats);
    ck_assert_uint_eq(bytes, stats.bytes_peak);
    bytes = 1;
    ck_assert_int_eq(sinter_plan_arena_bytes(plan, io, 1, &bytes), SINTER_INVALID_ARGUMENT);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_int_eq(sinter_plan_arena_bytes(plan, io, 2, NULL), SINTER_INVALID_ARGUMENT);
    sinter_plan_release(plan);
}
END_TEST

/* A run after warming gives what a run without gives, and takes the context that warming left: also for a second size. */
START_TEST(warmed_runs_are_right) {
    static const int64_t sizes[][2] = {{10, 20}, {1, 1}, {33, 7}, {10, 20}};
    static float x[33 * 6], y[6 * 20], plain[700], warmed[700];
    for (size_t i = 0; i < 33 * 6; ++i) x[i] = (float)(i % 7) - 3;
    for (size_t i = 0; i < 6 * 20; ++i) y[i] = (float)(i % 5) - 2;
    sinter_plan *cold = two_steps(), *plan = oracle_compile(&o, g);
    sinter_runtime_stats before, after;
    for (size_t s = 0; s < 4; ++s) {
        int64_t n = sizes[s][0], m = sizes[s][1];
        sinter_binding io[3];
        bind_shapes(io, n, m);
        ck_assert_int_eq(sinter_plan_warm(plan, io, 2, NULL), SINTER_OK);
        io[0].data = x, io[0].size_bytes = (size_t)n * 24;
        io[1].data = y, io[1].size_bytes = (size_t)m * 24;
        io[2] = (sinter_binding){.name = "product", .data = plain, .size_bytes = sizeof plain};
        ck_assert_int_eq(sinter_plan_run(cold, io, 3), SINTER_OK);
        io[2] = (sinter_binding){.name = "product", .data = warmed, .size_bytes = sizeof warmed};
        sinter_runtime_get_stats(o.runtime, &before);
        ck_assert_int_eq(sinter_plan_run(plan, io, 3), SINTER_OK);
        sinter_runtime_get_stats(o.runtime, &after);
        ck_assert_uint_eq(before.kernels_compiled + before.kernels_cached,
                          after.kernels_compiled + after.kernels_cached);
        ck_assert_mem_eq(plain, warmed, (size_t)(n * m) * sizeof(float));
    }
    sinter_plan_release(cold);
    sinter_plan_release(plan);
}
END_TEST

static int count_calls(void *context, size_t done, size_t total) {
    ck_assert_uint_le(done, total);
    return ++*(int *)context < 0;
}

static int cancel(void *context, size_t done, size_t total) {
    (void)context, (void)done, (void)total;
    return 1;
}

/* Sizes beyond 32 bits need no memory to be warmed for: only their kernel is built, once. */
START_TEST(warming_builds_wide_kernels_once) {
    sinter_value x = sinter_input(g, "x", SINTER_I8, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_neg(g, x));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding io = {.name = "x", .dtype = SINTER_I8, .shape = SINTER_SHAPE((int64_t)3 << 30)};
    sinter_runtime_stats s[4];
    sinter_plan_stats before, after;
    int calls = 0;
    sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
    options.progress = count_calls;
    options.context = &calls;
    sinter_plan_get_stats(plan, &before);
    sinter_runtime_get_stats(o.runtime, &s[0]);
    sinter_binding small = {.name = "x", .dtype = SINTER_I8, .shape = SINTER_SHAPE(100)};
    ck_assert_int_eq(sinter_plan_warm(plan, &small, 1, &options), SINTER_OK);
    sinter_runtime_get_stats(o.runtime, &s[1]);
    ck_assert_uint_eq(s[0].kernels_compiled + s[0].kernels_cached, s[1].kernels_compiled + s[1].kernels_cached);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(sinter_plan_warm(plan, &io, 1, &options), SINTER_OK);
    sinter_runtime_get_stats(o.runtime, &s[2]);
    ck_assert_uint_eq(s[1].kernels_compiled + s[1].kernels_cached + 1, s[2].kernels_compiled + s[2].kernels_cached);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(sinter_plan_warm(plan, &io, 1, &options), SINTER_OK);
    sinter_runtime_get_stats(o.runtime, &s[3]);
    ck_assert_uint_eq(s[2].kernels_compiled + s[2].kernels_cached, s[3].kernels_compiled + s[3].kernels_cached);
    ck_assert_int_eq(calls, 1);
    sinter_plan_get_stats(plan, &after);
    ck_assert_uint_gt(after.compile_ns, before.compile_ns);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(warming_cancels_and_refuses) {
    sinter_value x = sinter_input(g, "x", SINTER_I8, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_abs(g, x));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding io = {.name = "x", .dtype = SINTER_I8, .shape = SINTER_SHAPE((int64_t)3 << 30)};
    sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
    options.progress = cancel;
    ck_assert_int_eq(sinter_plan_warm(plan, &io, 1, &options), SINTER_CANCELLED);
    ck_assert_int_eq(sinter_plan_warm(plan, &io, 1, NULL), SINTER_OK);
    io.dtype = SINTER_F32;
    ck_assert_int_eq(sinter_plan_warm(plan, &io, 1, NULL), SINTER_DTYPE);
    ck_assert_int_eq(sinter_plan_warm(plan, NULL, 0, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_plan_warm(NULL, NULL, 0, NULL), SINTER_INVALID_ARGUMENT);
    sinter_plan_release(plan);
}
END_TEST

/* In a directory of the test's own, as clearing the shared one would disturb other tests. */
START_TEST(cache_and_version) {
    char dir[] = "/tmp/sinter-info-XXXXXX";
    sinter_cache_usage usage, removed, left;
    sinter_runtime *runtime;
    sinter_plan *plan;
    static float in[4] = {1, 2, 3, 4}, out[4];
    ck_assert_str_eq(sinter_version(), SINTER_VERSION_STRING);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = dir;
    ck_assert_int_eq(sinter_runtime_create(&options, &runtime), SINTER_OK);
    sinter_output(g, "y", sinter_exp(g, sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4))));
    ck_assert_int_eq(sinter_plan_compile(runtime, g, NULL, &plan), SINTER_OK);
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), in, sizeof in),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(4), out, sizeof out)};
    ck_assert_int_eq(sinter_plan_run(plan, io, 2), SINTER_OK);
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
    ck_assert_int_eq(sinter_cache_verify(dir, &usage), SINTER_OK);
    ck_assert_uint_ge(usage.entries, 1);
    ck_assert_uint_eq(usage.bad, 0);
    ck_assert_int_eq(sinter_cache_trim(dir, usage.bytes, &left), SINTER_OK);
    ck_assert_uint_eq(left.entries, usage.entries);
    ck_assert_int_eq(sinter_cache_trim(dir, 0, &left), SINTER_OK);
    ck_assert_uint_eq(left.entries, 0);
    ck_assert_int_eq(sinter_cache_clear(dir, &removed), SINTER_OK);
    ck_assert_int_eq(sinter_cache_get_usage(dir, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.entries, 0);
    ck_assert_int_eq(sinter_cache_get_usage(dir, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_cache_directory(dir, NULL), SINTER_INVALID_ARGUMENT);
    char *path;
    ck_assert_int_eq(sinter_cache_directory(dir, &path), SINTER_OK);
    ck_assert_str_eq(path, dir);
    sinter_free(path);
}
END_TEST

int main(void) {
    TCase *t = tcase_create("info");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, ports_and_dimensions);
    tcase_add_test(t, steps);
    tcase_add_test(t, arena_is_what_a_run_takes);
    tcase_add_test(t, warmed_runs_are_right);
    tcase_add_test(t, warming_builds_wide_kernels_once);
    tcase_add_test(t, warming_cancels_and_refuses);
    tcase_add_test(t, cache_and_version);
    Suite *s = suite_create("plan_info");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
