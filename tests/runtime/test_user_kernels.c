#define _GNU_SOURCE
/* Hand-written kernels through the public interface: they work, and every misuse is named. */
#include <stdbool.h>
#include <string.h>

#include "runtime/scratch.h"

static sinter_runtime *g_runtime;

static const char SCALE[] = "__kernel void scale(__global float *out, __global const float *in, float by, int n) {\n"
                            "    int i = get_global_id(0);\n"
                            "    if (i < n) out[i] = in[i] * by;\n"
                            "}\n";

static sinter_kernel *make_kernel(const char *text, const char *entry, const char *options) {
    sinter_kernel_source source = {text, entry, options, NULL};
    sinter_kernel *kernel = NULL;
    sinter_status status = sinter_kernel_create(g_runtime, &source, &kernel);
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
    return kernel;
}

static void check_not_made(sinter_status wanted, const sinter_kernel_source *source) {
    sinter_kernel *kernel = (sinter_kernel *)&wanted;
    sinter_status status = sinter_kernel_create(g_runtime, source, &kernel);
    ck_assert_msg(status == wanted, "%s: %s", sinter_status_string(status), sinter_last_error());
    ck_assert_ptr_null(kernel);
}

START_TEST(works) {
    enum { N = 1000 };
    float in[N], out[N];
    for (int i = 0; i < N; ++i) in[i] = (float)i;
    sinter_buffer *x = make_buffer(g_runtime, in, sizeof in), *y = make_buffer(g_runtime, NULL, sizeof in);
    sinter_kernel *kernel = make_kernel(SCALE, "scale", NULL);
    float by = 2.5f;
    int n = N;
    sinter_arg args[] = {SINTER_BUFFER(y), SINTER_BUFFER(x), SINTER_SCALAR_OF(by), SINTER_SCALAR_OF(n)};
    sinter_grid grid = {1, {1024}, {16}};
    ck_assert_msg(sinter_kernel_launch(kernel, &grid, args, 4) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sinter_buffer_read(y, 0, out, sizeof out), SINTER_OK);
    for (int i = 0; i < N; ++i) ck_assert_float_eq(out[i], 2.5f * (float)i);
    /* The driver may choose the work-group, and one kernel is launched again and again. */
    by = -1;
    grid = (sinter_grid){1, {N}, {0}};
    ck_assert_msg(sinter_kernel_launch(kernel, &grid, args, 4) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sinter_buffer_read(y, 0, out, sizeof out), SINTER_OK);
    for (int i = 0; i < N; ++i) ck_assert_float_eq(out[i], -(float)i);
    sinter_kernel_release(kernel);
    sinter_kernel_release(NULL);
    sinter_buffer_release(x);
    sinter_buffer_release(y);
}
END_TEST

START_TEST(local_memory_options_and_three_dimensions) {
    static const char TEXT[] = "__kernel void f(__global int *out, __local int *tile) {\n"
                               "    int l = get_local_id(0);\n"
                               "    tile[l] = l + OFFSET;\n"
                               "    barrier(CLK_LOCAL_MEM_FENCE);\n"
                               "    size_t i = get_global_id(0) + 8 * (get_global_id(1) + 3 * get_global_id(2));\n"
                               "    out[i] = tile[get_local_size(0) - 1 - l] + (int)(100 * get_global_id(2));\n"
                               "}\n";
    int out[8 * 3 * 2];
    sinter_buffer *buffer = make_buffer(g_runtime, NULL, sizeof out);
    sinter_kernel *kernel = make_kernel(TEXT, "f", "-DOFFSET=10");
    sinter_arg args[] = {SINTER_BUFFER(buffer), SINTER_LOCAL_BYTES(4 * sizeof(int))};
    sinter_grid grid = {3, {8, 3, 2}, {4, 1, 1}};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 2), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_read(buffer, 0, out, sizeof out), SINTER_OK);
    for (int i = 0; i < 48; ++i) ck_assert_int_eq(out[i], 10 + (3 - i % 4) + 100 * (i / 24));
    sinter_kernel_release(kernel);
    sinter_buffer_release(buffer);
}
END_TEST

START_TEST(does_not_compile) {
    sinter_kernel_source source = {"__kernel void f(__global int *p) {\n"
                                   "    p[0] = 1;\n"
                                   "    p[1] = undeclared_thing;\n"
                                   "}\n",
                                   "f", NULL, "my_kernel.cl"};
    check_not_made(SINTER_BUILD, &source);
    ERROR_HAS("undeclared_thing"); /* the compiler's log */
    ERROR_HAS("my_kernel.cl");
    /* The source, with the number of the bad line before it. */
    const char *line = strstr(sinter_last_error(), "p[1] = undeclared_thing");
    ck_assert_ptr_nonnull(line);
    bool numbered = false;
    for (const char *at = sinter_last_error(); (at = strstr(at, "p[1] = undeclared_thing")); ++at) {
        const char *start = at;
        while (start > sinter_last_error() && start[-1] != '\n') --start;
        numbered |= memchr(start, '3', (size_t)(at - start)) != NULL;
    }
    ck_assert_msg(numbered, "%s", sinter_last_error());
}
END_TEST

START_TEST(bad_sources) {
    sinter_kernel_source source = {"#include \"no/such/file.cl\"\n__kernel void f(void) {}\n", "f", NULL, NULL};
    check_not_made(SINTER_INVALID_ARGUMENT, &source);
    ERROR_HAS("no/such/file.cl");
    source = (sinter_kernel_source){SCALE, "no_such_entry", NULL, NULL};
    check_not_made(SINTER_INVALID_ARGUMENT, &source);
    ERROR_HAS("no_such_entry");
    source = (sinter_kernel_source){NULL, "f", NULL, NULL};
    check_not_made(SINTER_INVALID_ARGUMENT, &source);
    source = (sinter_kernel_source){SCALE, NULL, NULL, NULL};
    check_not_made(SINTER_INVALID_ARGUMENT, &source);
    source = (sinter_kernel_source){SCALE, "", NULL, NULL};
    check_not_made(SINTER_INVALID_ARGUMENT, &source);
    source = (sinter_kernel_source){"", "f", NULL, NULL};
    sinter_kernel *kernel = NULL;
    ck_assert_int_ne(sinter_kernel_create(g_runtime, &source, &kernel), SINTER_OK);
    check_not_made(SINTER_INVALID_ARGUMENT, NULL);
    ck_assert_int_eq(sinter_kernel_create(g_runtime, &source, NULL), SINTER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(common_headers_can_be_included) {
    static const char TEXT[] = "#include \"common/types.cl\"\n"
                               "__kernel void f(__global float *p) { p[0] = 3.0f; }\n";
    sinter_buffer *buffer = make_buffer(g_runtime, NULL, 4);
    sinter_kernel *kernel = make_kernel(TEXT, "f", NULL);
    sinter_arg args[] = {SINTER_BUFFER(buffer)};
    sinter_grid grid = {1, {1}, {1}};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 1), SINTER_OK);
    float value = 0;
    ck_assert_int_eq(sinter_buffer_read(buffer, 0, &value, 4), SINTER_OK);
    ck_assert_float_eq(value, 3);
    sinter_kernel_release(kernel);
    sinter_buffer_release(buffer);
}
END_TEST

/* A struct of the source, a scalar under another name, and a built-in vector: what is too small or too large never reaches the
 * driver, which would read behind it. */
START_TEST(structs_by_value) {
    static const char TEXT[] = "typedef struct { int first; float rest[3]; int last; } params;\n"
                               "struct pair { long a, b; };\n"
                               "typedef float real;\n"
                               "__kernel void f(__global float *out, params p, struct pair q, real r, float2 v) {\n"
                               "    out[0] = p.first + p.rest[2] + p.last + q.a + q.b + r + v.y;\n"
                               "}\n";
    struct {
        int first;
        float rest[3];
        int last;
    } p = {1, {0, 0, 20}, 3};
    int64_t q[2] = {400, 5000};
    float r = 0.5F, v[2] = {0, 0.25F}, got = 0;
    double wide = 1;
    sinter_buffer *buffer = make_buffer(g_runtime, NULL, sizeof got);
    sinter_kernel *kernel = make_kernel(TEXT, "f", NULL);
    sinter_arg args[] = {SINTER_BUFFER(buffer), SINTER_SCALAR_OF(p), SINTER_SCALAR_OF(q), SINTER_SCALAR_OF(r),
                         SINTER_SCALAR_OF(v)};
    sinter_grid grid = {1, {1}, {1}};
    ck_assert_msg(sinter_kernel_launch(kernel, &grid, args, 5) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sinter_buffer_read(buffer, 0, &got, sizeof got), SINTER_OK);
    ck_assert_float_eq(got, 5424.75F);
    args[1].size_bytes = 4;
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 5), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("argument 1 (params) of kernel 'f' has 20 bytes, 4 were given");
    args[1] = (sinter_arg)SINTER_SCALAR_OF(p);
    args[2] = (sinter_arg)SINTER_SCALAR_OF(p);
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 5), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("has 16 bytes, 20 were given");
    args[2] = (sinter_arg)SINTER_SCALAR_OF(q);
    args[3] = (sinter_arg)SINTER_SCALAR_OF(wide);
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 5), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("has 4 bytes, 8 were given");
    sinter_kernel_release(kernel);
    sinter_buffer_release(buffer);
}
END_TEST

typedef struct misuse {
    size_t count;
    sinter_arg args[5];
    const char *words[3]; /* what the message must hold */
} misuse;

START_TEST(wrong_arguments) {
    sinter_kernel *kernel = make_kernel(SCALE, "scale", NULL);
    sinter_buffer *x = make_buffer(g_runtime, NULL, 64);
    float by = 1;
    double wide = 1;
    int n = 0;
    const sinter_arg b = SINTER_BUFFER(x), f = SINTER_SCALAR_OF(by), d = SINTER_SCALAR_OF(wide),
                     i = SINTER_SCALAR_OF(n), l = SINTER_LOCAL_BYTES(16), null = SINTER_BUFFER(NULL),
                     empty = {SINTER_ARG_SCALAR, NULL, NULL, 4}, odd = {(sinter_arg_kind)9, x, &n, 4};
    const misuse cases[] = {
        {3, {b, b, f}, {"3", "4"}},
        {5, {b, b, f, i, i}, {"5", "4"}},
        {0, {b}, {"0", "4"}},
        {4, {b, f, f, i}, {"argument 1", "buffer"}},
        {4, {b, b, b, i}, {"argument 2", "scalar"}},
        {4, {b, b, f, l}, {"argument 3", "scalar"}},
        {4, {b, l, f, i}, {"argument 1", "buffer"}},
        {4, {b, b, d, i}, {"argument 2", "8", "4"}},
        {4, {null, b, f, i}, {"argument 0", "NULL"}},
        {4, {b, b, empty, i}, {"argument 2", "NULL"}},
        {4, {b, b, f, odd}, {"argument 3", "kind"}},
    };
    sinter_grid grid = {1, {16}, {0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        sinter_status status = sinter_kernel_launch(kernel, &grid, cases[k].args, cases[k].count);
        ck_assert_msg(status == SINTER_INVALID_ARGUMENT, "case %zu: %s", k, sinter_status_string(status));
        ERROR_HAS("scale");
        for (int w = 0; w < 3 && cases[k].words[w]; ++w) ERROR_HAS(cases[k].words[w]);
    }
    const sinter_arg good[] = {b, b, f, i};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, NULL, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_kernel_launch(NULL, &grid, good, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_kernel_launch(kernel, NULL, good, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, good, 4), SINTER_OK);
    sinter_buffer_release(x);
    sinter_kernel_release(kernel);
}
END_TEST

START_TEST(buffer_of_another_runtime) {
    sinter_runtime *other = open_runtime();
    sinter_buffer *x = make_buffer(other, NULL, 64);
    sinter_kernel *kernel = make_kernel("__kernel void f(__global int *p) { p[0] = 1; }", "f", NULL);
    sinter_arg args[] = {SINTER_BUFFER(x)};
    sinter_grid grid = {1, {1}, {0}};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 1), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("argument 0");
    ERROR_HAS("another runtime");
    sinter_kernel_release(kernel);
    sinter_buffer_release(x);
    sinter_runtime_release(other);
}
END_TEST

START_TEST(grids) {
    sinter_kernel *kernel = make_kernel("__kernel void f(__global int *p) { p[get_global_id(0)] = 5; }", "f", NULL);
    int values[4] = {1, 1, 1, 1};
    sinter_buffer *x = make_buffer(g_runtime, values, sizeof values);
    sinter_arg args[] = {SINTER_BUFFER(x)};
    static const sinter_grid EMPTY[] = {{1, {0}, {0}}, {1, {0}, {4}}, {2, {4, 0}, {1, 1}}, {3, {0, 0, 0}, {0}}};
    for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; ++i)
        ck_assert_int_eq(sinter_kernel_launch(kernel, &EMPTY[i], args, 1), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_read(x, 0, values, sizeof values), SINTER_OK);
    for (int i = 0; i < 4; ++i) ck_assert_int_eq(values[i], 1);
    static const sinter_grid BAD[] = {{0, {1}, {1}},
                                      {4, {1, 1, 1}, {1}},
                                      {-1, {1}, {0}},
                                      {1, {4}, {3}},
                                      {2, {4, 4}, {4, 0}},
                                      {1, {1 << 24}, {1 << 24}},
                                      {3, {1 << 14, 1 << 14, 1 << 14}, {1 << 14, 1 << 14, 1 << 14}}};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; ++i) {
        sinter_status status = sinter_kernel_launch(kernel, &BAD[i], args, 1);
        ck_assert_msg(status == SINTER_INVALID_ARGUMENT, "grid %zu: %s", i, sinter_last_error());
    }
    sinter_buffer_release(x);
    sinter_kernel_release(kernel);
}
END_TEST

START_TEST(images_and_samplers_are_refused) {
    sinter_kernel_source source = {"__kernel void f(__global float *p, __read_only image2d_t i, sampler_t s)"
                                   "{ p[0] = read_imagef(i, s, (int2)(0, 0)).x; }",
                                   "f", NULL, NULL};
    check_not_made(SINTER_UNSUPPORTED, &source);
    ERROR_HAS("argument 1 of kernel 'f'");
    source.text = "__kernel void f(__global float *p, sampler_t s) { p[0] = 1; }";
    check_not_made(SINTER_UNSUPPORTED, &source);
    ERROR_HAS("sampler_t");
}
END_TEST

START_TEST(errors_show_the_callers_lines_only) {
    sinter_kernel_source source = {"#include \"common/memory.cl\"\n"
                                   "__kernel void f(__global int *p) {\n"
                                   "    p[0] = nothing;\n"
                                   "}\n",
                                   "f", NULL, "mine.cl"};
    check_not_made(SINTER_BUILD, &source);
    ERROR_HAS("> mine.cl:3 |     p[0] = nothing;");
    ck_assert_msg(!strstr(sinter_last_error(), "memory.cl:"), "%s", sinter_last_error());
}
END_TEST

START_TEST(too_much_local_memory) {
    sinter_kernel *kernel = make_kernel("__kernel void f(__global int *p, __local int *a, __local int *b)"
                                        "{ a[0] = 1; b[0] = 2; p[0] = a[0] + b[0]; }",
                                        "f", NULL);
    sinter_buffer *x = make_buffer(g_runtime, NULL, 4);
    sinter_grid grid = {1, {1}, {1}};
    sinter_arg args[] = {SINTER_BUFFER(x), SINTER_LOCAL_BYTES((size_t)1 << 40), SINTER_LOCAL_BYTES(4)};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 3), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("local memory");
    args[1].size_bytes = 0;
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 3), SINTER_INVALID_ARGUMENT);
    args[1].size_bytes = 4;
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 3), SINTER_OK);
    sinter_buffer_release(x);
    sinter_kernel_release(kernel);
}
END_TEST

START_TEST(cached_kernels_are_checked_alike) {
    static const char TEXT[] = "__kernel void g(__global float *out, float by) { out[0] = by; }";
    sinter_kernel *kernel = make_kernel(TEXT, "g", NULL);
    sinter_buffer *x = make_buffer(g_runtime, NULL, 4);
    float by = 4;
    sinter_arg args[] = {SINTER_BUFFER(x), SINTER_SCALAR_OF(by)};
    sinter_grid grid = {1, {1}, {1}};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 2), SINTER_OK);
    sinter_kernel_release(kernel);
    sinter_buffer_release(x);
    /* A second runtime finds the kernel on disk. */
    sinter_runtime *kept = g_runtime;
    g_runtime = open_runtime();
    kernel = make_kernel(TEXT, "g", NULL);
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(g_runtime, &stats);
    ck_assert_uint_eq(stats.kernels_compiled, 0);
    ck_assert_uint_eq(stats.kernels_cached, 1);
    x = make_buffer(g_runtime, NULL, 4);
    args[0].buffer = x;
    args[1].size_bytes = 8;
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 2), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("argument 1");
    args[1].size_bytes = 4;
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 2), SINTER_OK);
    float value = 0;
    ck_assert_int_eq(sinter_buffer_read(x, 0, &value, 4), SINTER_OK);
    ck_assert_float_eq(value, 4);
    sinter_kernel_release(kernel);
    sinter_buffer_release(x);
    sinter_runtime_release(g_runtime);
    g_runtime = kept;
}
END_TEST

START_TEST(kernel_outlives_the_callers_runtime) {
    sinter_runtime *runtime = open_runtime();
    sinter_kernel_source source = {"__kernel void f(__global int *p) { p[0] = 9; }", "f", NULL, NULL};
    sinter_kernel *kernel = NULL;
    ck_assert_int_eq(sinter_kernel_create(runtime, &source, &kernel), SINTER_OK);
    sinter_buffer *x = make_buffer(runtime, NULL, 4);
    sinter_runtime_release(runtime);
    sinter_arg args[] = {SINTER_BUFFER(x)};
    sinter_grid grid = {1, {1}, {0}};
    ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 1), SINTER_OK);
    sinter_buffer_release(x);
    sinter_kernel_release(kernel);
}
END_TEST

int main(void) {
    if (scratch_make()) return EXIT_FAILURE;
    g_runtime = try_open_runtime();
    if (!g_runtime) return EXIT_FAILURE;
    const TTest *const tests[] = {works,
                                  local_memory_options_and_three_dimensions,
                                  does_not_compile,
                                  bad_sources,
                                  common_headers_can_be_included,
                                  structs_by_value,
                                  wrong_arguments,
                                  buffer_of_another_runtime,
                                  grids,
                                  images_and_samplers_are_refused,
                                  errors_show_the_callers_lines_only,
                                  too_much_local_memory,
                                  cached_kernels_are_checked_alike,
                                  kernel_outlives_the_callers_runtime};
    int result = run_suite(suite_of("user kernels", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(g_runtime);
    scratch_remove();
    return result;
}
