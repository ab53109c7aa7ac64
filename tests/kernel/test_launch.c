/* Building, failing to build, launching, argument checks, profiling. */
#include "kernel/fixture.h"

static sinter_status try_build(sni_kernel_cache *cache, const char *text, const char *entry, const char *options,
                               sni_program **out_program) {
    sni_program_source source = {.text = text, .entry = entry, .options = options, .file = "dir/mine.cl"};
    return sni_program_build(cache, &source, out_program);
}

START_TEST(build_failure_shows_numbered_source) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *program = NULL;
    ck_assert_int_eq(try_build(cache,
                               "__kernel void f(__global int *a) {\n    int x = 1;\n"
                               "    a[0] = nosuch;\n}\n",
                               "f", "-DQ=1", &program),
                     SINTER_BUILD);
    ck_assert_ptr_null(program);
    const char *text = sinter_last_error();
    ck_assert_ptr_nonnull(strstr(text, "'f'"));
    ck_assert_ptr_nonnull(strstr(text, "-DQ=1"));
    ck_assert_ptr_nonnull(strstr(text, "nosuch"));
    ck_assert_ptr_nonnull(strstr(text, "  mine.cl:2 |     int x = 1;"));
    ck_assert_ptr_nonnull(strstr(text, "> mine.cl:3 |     a[0] = nosuch;"));
    ck_assert_uint_eq(fixture_stats(cache).compiled, 0);
    /* A failure is not remembered as a program. */
    ck_assert_int_eq(try_build(cache, "int", "f", NULL, &program), SINTER_BUILD);
    fixture_use(cache, 1);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

START_TEST(bad_requests) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *program = NULL;
    const char *good = "__kernel void f(__global int *a) { a[0] = 1; }\n";
    ck_assert_int_eq(try_build(cache, NULL, "f", NULL, &program), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(try_build(cache, good, NULL, NULL, &program), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(try_build(cache, good, "", NULL, &program), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(try_build(cache, good, "g", NULL, &program), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'g'"));
    ck_assert_int_eq(try_build(cache, "#include \"nope.cl\"\n", "f", NULL, &program), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "nope.cl"));
    sinter_status status = try_build(cache, good, "f", "-no-such-option", &program);
    ck_assert_int_eq(status, SINTER_BUILD);
    ck_assert_ptr_null(program);
    sni_kernel_cache_release(cache);
    sni_kernel_cache_release(NULL);
    fixture_end();
}
END_TEST

START_TEST(options_reach_the_compiler) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *one = NULL, *two = NULL;
    const char *text = "#if __OPENCL_C_VERSION__ != 120\n#error version\n#endif\n"
                       "__kernel void f(__global int *a) { a[0] = N; }\n";
    ck_assert_msg(try_build(cache, text, "f", "-DN=1", &one) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(try_build(cache, text, "f", "-DN=2", &two), SINTER_OK);
    ck_assert_ptr_ne(one, two);
    ck_assert_ptr_nonnull(strstr(sni_program_text(one), "a[0] = N;"));
    sni_program_release(one);
    sni_program_release(two);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

static const char mixed_text[] =
    "__kernel void mixed(__global float *out, __constant float *in, float f, long n, float4 v,\n"
    "                    __local float *scratch) {\n"
    "    int l = get_local_id(0);\n"
    "    scratch[l] = in[get_global_id(0)] * f;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    out[get_global_id(0)] = scratch[get_local_size(0) - 1 - l] + (float)n + v.w;\n"
    "}\n";

static sni_launch *mixed_launch(sni_kernel_cache *cache) {
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    ck_assert_msg(try_build(cache, mixed_text, "mixed", NULL, &program) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sni_launch_create(program, &launch), SINTER_OK);
    sni_program_release(program); /* the launch keeps it */
    return launch;
}

static void check_arguments(sni_launch *launch) {
    struct sni_mem_handle memory = fixture_buffer(64);
    const sni_mem *mem = fixture_mem(&memory);
    float value[4] = {0};
    ck_assert_int_eq(sni_launch_arg_count(launch), 6);
    ck_assert_int_eq(sni_launch_set_mem(launch, -1, mem), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_mem(launch, 6, mem), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "6 arguments"));
    ck_assert_int_eq(sni_launch_set_mem(launch, 2, mem), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_mem(launch, 0, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 0, value, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 2, value, 8), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "argument 2"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "4 bytes, 8"));
    ck_assert_int_eq(sni_launch_set_scalar(launch, 3, value, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 4, value, 12), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 2, NULL, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 5, value, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_local(launch, 2, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_local(launch, 5, 0), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_set_local(launch, 5, (size_t)1 << 40), SINTER_INVALID_ARGUMENT);
    clReleaseMemObject(memory.handle);
}

static void run_mixed(sni_launch *launch, bool profile) {
    enum { ITEMS = 16, GROUP = 8 };
    struct sni_mem_handle in = fixture_buffer(ITEMS * 4), out = fixture_buffer(ITEMS * 4);
    float input[ITEMS], output[ITEMS], f = 2, v[4] = {0, 0, 0, 0.5f};
    int64_t n = 100;
    size_t global = ITEMS, local = GROUP;
    for (int i = 0; i < ITEMS; ++i) input[i] = (float)i;
    ck_assert_int_eq(
        clEnqueueWriteBuffer(fixture_device->queue, in.handle, CL_TRUE, 0, sizeof input, input, 0, NULL, NULL),
        CL_SUCCESS);
    ck_assert_int_eq(sni_launch_set_mem(launch, 0, fixture_mem(&out)), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_mem(launch, 1, fixture_mem(&in)), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 2, &f, sizeof f), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 3, &n, sizeof n), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 4, v, sizeof v), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_local(launch, 5, GROUP * 4), SINTER_OK);
    void *event = NULL;
    ck_assert_msg(sni_launch_enqueue(launch, 1, &global, &local, profile, &event) == SINTER_OK, "%s",
                  sinter_last_error());
    /* No wait here: the in-order queue must see what the measuring queue wrote. */
    ck_assert_int_eq(
        clEnqueueReadBuffer(fixture_device->queue, out.handle, CL_TRUE, 0, sizeof output, output, 0, NULL, NULL),
        CL_SUCCESS);
    for (int i = 0; i < ITEMS; ++i) {
        int mirrored = i / GROUP * GROUP + GROUP - 1 - i % GROUP;
        ck_assert_float_eq(output[i], 2.0f * (float)mirrored + 100.5f);
    }
    ck_assert(profile == (event != NULL));
    uint64_t start = 1, end = 0;
    ck_assert_int_eq(sni_event_profile(event, &start, &end), SINTER_OK);
    ck_assert_uint_ge(end, start);
    clReleaseMemObject(in.handle);
    clReleaseMemObject(out.handle);
}

static void check_geometry(sni_launch *launch) {
    size_t global[3] = {16, 1, 1}, local[3] = {8, 1, 1}, none[3] = {0, 1, 1};
    void *event = fixture_device; /* must be overwritten */
    ck_assert_int_eq(sni_launch_enqueue(launch, 0, global, local, false, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_launch_enqueue(launch, 4, global, local, false, NULL), SINTER_INVALID_ARGUMENT);
    local[0] = 5;
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, global, local, false, NULL), SINTER_INVALID_ARGUMENT);
    local[0] = 0;
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, global, local, false, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_uint_gt(sni_launch_max_work_group(launch), 0);
    local[0] = 2 * sni_launch_max_work_group(launch);
    global[0] = local[0];
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, global, local, false, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "work-group"));
    ck_assert_int_eq(sni_launch_enqueue(launch, 3, none, NULL, true, &event), SINTER_OK);
    ck_assert_ptr_null(event);
}

/* The same checks on a program from source and on the one that the disk gives back. */
START_TEST(arguments_and_geometry_are_checked) {
    fixture_begin();
    for (int round = 0; round < 2; ++round) {
        sni_kernel_cache *cache = fixture_cache(fixture_dir);
        sni_launch *launch = mixed_launch(cache);
        ck_assert_uint_eq(fixture_stats(cache).loaded, (unsigned)round);
        size_t global = 8;
        ck_assert_int_eq(sni_launch_enqueue(launch, 1, &global, NULL, false, NULL), SINTER_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(sinter_last_error(), "argument 0"));
        check_arguments(launch);
        run_mixed(launch, false);
        run_mixed(launch, true);
        check_geometry(launch);
        sni_launch_release(launch);
        sni_launch_release(NULL);
        sni_kernel_cache_release(cache); /* nobody called launched: saved here */
    }
    fixture_end();
}
END_TEST

START_TEST(too_much_local_memory) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    ck_assert_int_eq(try_build(cache,
                               "__kernel void f(__global int *o, __local int *a, __local int *b) "
                               "{ a[get_local_id(0)] = b[get_local_id(0)] = 1; "
                               "o[get_global_id(0)] = a[0] + b[0]; }\n",
                               "f", NULL, &program),
                     SINTER_OK);
    ck_assert_int_eq(sni_launch_create(program, &launch), SINTER_OK);
    struct sni_mem_handle memory = fixture_buffer(64);
    size_t limit = (size_t)fixture_device->caps.local_bytes, global = 1;
    ck_assert_int_eq(sni_launch_set_mem(launch, 0, fixture_mem(&memory)), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_local(launch, 1, limit / 2 + 16), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_local(launch, 2, limit / 2 + 16), SINTER_OK);
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, &global, &global, false, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "local memory"));
    /* Setting an argument again replaces what it asked for. */
    ck_assert_int_eq(sni_launch_set_local(launch, 2, 64), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_local(launch, 1, 64), SINTER_OK);
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, &global, &global, false, NULL), SINTER_OK);
    ck_assert_int_eq(clFinish(fixture_device->queue), CL_SUCCESS);
    clReleaseMemObject(memory.handle);
    sni_launch_release(launch);
    sni_program_release(program);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

/* An include of the library in a user's kernel, with the right place in the message. */
START_TEST(library_files_can_be_included) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *program = NULL;
    ck_assert_msg(try_build(cache,
                            "#include \"common/memory.cl\"\n"
                            "__kernel void f(__global float *a, __global ushort *b) {\n"
                            "    sn_store_bf16(sn_load_f32(a, 0), b, 0);\n}\n",
                            "f", NULL, &program) == SINTER_OK,
                  "%s", sinter_last_error());
    sni_program_release(program);
    ck_assert_int_eq(try_build(cache,
                               "#include \"common/memory.cl\"\n"
                               "__kernel void f(__global float *a) {\n"
                               "    a[0] = oops;\n}\n",
                               "f", NULL, &program),
                     SINTER_BUILD);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "> mine.cl:3 |     a[0] = oops;"));
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

START_TEST(memory_running_out_is_an_error_not_a_crash) {
    fixture_begin();
    int nth = 1;
    for (;; ++nth) {
        sni_kernel_cache *cache = NULL;
        sni_program *program = NULL;
        sni_launch *launch = NULL;
        char text[256];
        fixture_source(7, text, sizeof text);
        sni_program_source source = {.text = text, .entry = "add"};
        sni_alloc_fail_at(nth);
        sinter_status status = sni_kernel_cache_create(fixture_device, fixture_dir, 0, &cache);
        if (status == SINTER_OK) status = sni_program_build(cache, &source, &program);
        if (status == SINTER_OK) status = sni_launch_create(program, &launch);
        sni_alloc_fail_at(0);
        bool done = status == SINTER_OK;
        sni_launch_release(launch);
        sni_program_release(program);
        sni_kernel_cache_release(cache);
        if (done) break;
        ck_assert_int_lt(nth, 1000);
    }
    ck_assert_int_gt(nth, 5);
    fixture_end();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("launch");
    tcase_add_test(cases, build_failure_shows_numbered_source);
    tcase_add_test(cases, bad_requests);
    tcase_add_test(cases, options_reach_the_compiler);
    tcase_add_test(cases, arguments_and_geometry_are_checked);
    tcase_add_test(cases, too_much_local_memory);
    tcase_add_test(cases, library_files_can_be_included);
    tcase_add_test(cases, memory_running_out_is_an_error_not_a_crash);
    return fixture_main(cases, "kernel launch");
}
