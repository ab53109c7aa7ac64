/* Runtimes and buffers: opening, numbers, errors, failures, constants, interop. */
#define _GNU_SOURCE
#include <sinter/opencl.h>

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "memory/mem.h"
#include "runtime/runtime.h"
#include "runtime/scratch.h"

START_TEST(open_and_close) {
    sinter_runtime *runtime = open_runtime();
    ck_assert_uint_gt(strlen(sinter_runtime_device_name(runtime)), 0);
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(runtime, &stats);
    ck_assert_uint_eq(stats.bytes_in_use, 0);
    ck_assert_uint_eq(stats.kernels_compiled, 0);
    sinter_runtime_release(runtime);
    sinter_runtime_release(NULL);
    ck_assert_int_eq(sinter_runtime_create(NULL, NULL), SINTER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(no_such_device) {
    static const char *const WRONG[] = {"no such device at all", "999", "999:0", "0:999", "-1"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; ++i) {
        sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
        options.device = WRONG[i];
        options.cache_dir = "";
        sinter_runtime *runtime = (sinter_runtime *)&options;
        ck_assert_int_eq(sinter_runtime_create(&options, &runtime), SINTER_NO_DEVICE);
        ck_assert_ptr_null(runtime);
        ERROR_HAS(WRONG[i]);
    }
}
END_TEST

START_TEST(buffers) {
    sinter_runtime *runtime = open_runtime();
    sinter_buffer *buffer = make_buffer(runtime, "0123456789", 10);
    ck_assert_uint_eq(sinter_buffer_size(buffer), 10);
    char back[11] = {0};
    ck_assert_int_eq(sinter_buffer_read(buffer, 2, back, 5), SINTER_OK);
    ck_assert_str_eq(back, "23456");
    ck_assert_int_eq(sinter_buffer_read(buffer, 6, back, 5), SINTER_INVALID_ARGUMENT);
    ERROR_HAS("10 bytes");
    ck_assert_int_eq(sinter_buffer_read(buffer, SIZE_MAX, back, 5), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_write(buffer, 10, back, 0), SINTER_OK);
    ck_assert_int_eq(sinter_buffer_write(buffer, 11, back, 0), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_write(buffer, 0, NULL, 1), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_write(NULL, 0, back, 1), SINTER_INVALID_ARGUMENT);
    sinter_buffer *empty = make_buffer(runtime, NULL, 0);
    ck_assert_uint_eq(sinter_buffer_size(empty), 0);
    ck_assert_int_eq(sinter_buffer_read(empty, 0, NULL, 0), SINTER_OK);
    sinter_buffer *none = buffer;
    ck_assert_int_eq(sinter_buffer_create(runtime, SIZE_MAX, &none), SINTER_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(none);
    sinter_buffer_release(empty);
    /* A buffer keeps its runtime. */
    sinter_runtime_release(runtime);
    ck_assert_int_eq(sinter_buffer_read(buffer, 0, back, 10), SINTER_OK);
    ck_assert_str_eq(back, "0123456789");
    sinter_buffer_release(buffer);
    sinter_buffer_release(NULL);
}
END_TEST

START_TEST(stats_and_trim) {
    sinter_runtime *runtime = open_runtime();
    sinter_buffer *a = make_buffer(runtime, NULL, 100000), *b = make_buffer(runtime, NULL, 100000);
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(runtime, &stats);
    ck_assert_uint_ge(stats.bytes_in_use, 200000);
    ck_assert_uint_eq(stats.bytes_peak, stats.bytes_in_use);
    sinter_buffer_release(a);
    sinter_buffer_release(b);
    sinter_runtime_get_stats(runtime, &stats);
    ck_assert_uint_eq(stats.bytes_in_use, 0);
    ck_assert_uint_ge(stats.bytes_idle, 200000);
    ck_assert_uint_ge(stats.bytes_peak, 200000);
    sinter_runtime_trim(runtime, 0);
    sinter_runtime_get_stats(runtime, &stats);
    ck_assert_uint_eq(stats.bytes_idle, 0);
    sinter_runtime_release(runtime);
}
END_TEST

/* The N-th allocation fails, for every N until all succeed: clean errors, no leak (which the
 * address sanitizer sees), and a working library afterwards. */
START_TEST(every_allocation_may_fail) {
    int64_t nth = 1;
    for (;; ++nth) {
        sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
        options.cache_dir = g_scratch;
        sinter_runtime *runtime = NULL;
        sinter_buffer *buffer = NULL;
        char back[4] = {0};
        sni_alloc_fail_at(nth);
        sinter_status status = sinter_runtime_create(&options, &runtime);
        if (status == SINTER_OK) status = sinter_buffer_create(runtime, 4, &buffer);
        if (status == SINTER_OK) status = sinter_buffer_write(buffer, 0, "abc", 4);
        if (status == SINTER_OK) status = sinter_buffer_read(buffer, 0, back, 4);
        sinter_buffer_release(buffer);
        sinter_runtime_release(runtime);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK) {
            ck_assert_str_eq(back, "abc");
            break;
        }
        ck_assert_msg(status == SINTER_OUT_OF_MEMORY, "allocation %lld: %s: %s", (long long)nth,
                      sinter_status_string(status), sinter_last_error());
    }
    ck_assert_int_gt(nth, 5);
}
END_TEST

typedef struct log_count {
    int lines;
    char last[512];
} log_count;

static void count_warnings(void *context, int level, const char *line) {
    log_count *count = context;
    if (level > 1) return;
    ++count->lines;
    snprintf(count->last, sizeof count->last, "%s", line);
}

START_TEST(cache_dir_that_cannot_be_written) {
    /* Below a file nobody can make a directory, not even root. */
    char blocked[128];
    snprintf(blocked, sizeof blocked, "%s/file", g_scratch);
    FILE *file = fopen(blocked, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    snprintf(blocked, sizeof blocked, "%s/file/cache", g_scratch);
    log_count count = {0};
    sinter_log_set(count_warnings, &count);
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = blocked;
    sinter_runtime *runtime = NULL;
    ck_assert_int_eq(sinter_runtime_create(&options, &runtime), SINTER_OK);
    for (int i = 0; i < 3; ++i) {
        char text[128];
        snprintf(text, sizeof text, "__kernel void f(__global int *p) { p[0] = %d; }", i);
        sinter_kernel *kernel = NULL;
        sinter_kernel_source source = {text, "f", NULL, NULL};
        ck_assert_int_eq(sinter_kernel_create(runtime, &source, &kernel), SINTER_OK);
        sinter_buffer *buffer = make_buffer(runtime, NULL, sizeof(int));
        sinter_arg args[] = {SINTER_BUFFER(buffer)};
        sinter_grid grid = {1, {1}, {0}};
        ck_assert_int_eq(sinter_kernel_launch(kernel, &grid, args, 1), SINTER_OK);
        int value = -1;
        ck_assert_int_eq(sinter_buffer_read(buffer, 0, &value, sizeof value), SINTER_OK);
        ck_assert_int_eq(value, i);
        sinter_buffer_release(buffer);
        sinter_kernel_release(kernel);
    }
    sinter_runtime_release(runtime);
    sinter_log_set(NULL, NULL);
    ck_assert_int_eq(count.lines, 1);
    ck_assert_msg(strstr(count.last, blocked) != NULL, "%s", count.last);
}
END_TEST

static sni_mem *prepared(sinter_runtime *runtime, const void *data, size_t size, const sni_preparation *preparation) {
    sni_mem *mem = NULL;
    ck_assert_int_eq(sni_runtime_constant(runtime, sni_hash128_of(data, size), data, size, preparation, &mem),
                     SINTER_OK);
    return mem;
}

static sni_mem *constant(sinter_runtime *runtime, const void *data, size_t size) {
    return prepared(runtime, data, size, NULL);
}

static uint64_t in_use(const sinter_runtime *runtime) {
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(runtime, &stats);
    return stats.bytes_in_use;
}

START_TEST(constants_are_shared_and_counted) {
    sinter_runtime *runtime = open_runtime();
    static const char DATA[1000] = "constant";
    char same[1000] = "constant"; /* what it holds counts, not where */
    sni_mem *a = constant(runtime, DATA, sizeof DATA);
    uint64_t one = in_use(runtime);
    sni_mem *b = constant(runtime, same, sizeof same);
    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(in_use(runtime), one);
    sni_mem *part = constant(runtime, DATA, 10); /* another size is another constant */
    ck_assert_ptr_ne(part, a);
    char back[9] = {0};
    ck_assert_int_eq(sni_mem_read(a, 0, back, 8, true), SINTER_OK);
    ck_assert_str_eq(back, "constant");
    sni_mem_release(a);
    ck_assert_uint_gt(in_use(runtime), one);
    sni_mem_release(b);
    sni_mem_release(part);
    ck_assert_uint_eq(in_use(runtime), 0);
    /* Gone means gone, and other bytes at the same address are another constant. */
    strcpy(same, "changed!");
    sni_mem *c = constant(runtime, same, sizeof same);
    ck_assert_int_eq(sni_mem_read(c, 0, back, 8, true), SINTER_OK);
    ck_assert_str_eq(back, "changed!");
    sni_mem_release(c);
    sni_mem *empty = constant(runtime, DATA, 0);
    sni_mem_release(empty);
    for (int64_t nth = 1;; ++nth) {
        sni_mem *mem = NULL;
        sinter_runtime_trim(runtime, 0);
        sni_alloc_fail_at(nth);
        sinter_status status =
            sni_runtime_constant(runtime, sni_hash128_of(DATA, sizeof DATA), DATA, sizeof DATA, NULL, &mem);
        sni_alloc_fail_at(0);
        sni_mem_release(mem);
        ck_assert_uint_eq(in_use(runtime), 0);
        if (status == SINTER_OK) break;
        ck_assert_int_eq(status, SINTER_OUT_OF_MEMORY);
    }
    sinter_runtime_release(runtime);
}
END_TEST

static int g_prepared;

/* numbers: rows and columns of a matrix of bytes. */
static sinter_status transpose(const sni_preparation *p, const void *data, size_t size_bytes, void *out) {
    const char *from = data;
    char *to = out;
    ++g_prepared;
    ck_assert_uint_eq(size_bytes, p->result_bytes);
    for (int64_t i = 0; i < p->numbers[0]; ++i)
        for (int64_t k = 0; k < p->numbers[1]; ++k) to[k * p->numbers[0] + i] = from[i * p->numbers[1] + k];
    return p->numbers[0] == 7 ? sni_fail(SINTER_UNSUPPORTED, "no sevens") : SINTER_OK;
}

START_TEST(constants_are_prepared_once) {
    sinter_runtime *runtime = open_runtime();
    static const int64_t wide[2] = {2, 3}, tall[2] = {3, 2}, bad[2] = {7, 1};
    sni_preparation to_tall = {"transpose", wide, 2, 6, transpose}, to_wide = {"transpose", tall, 2, 6, transpose};
    sni_preparation failing = {"transpose", bad, 2, 7, transpose};
    sni_mem *plain = constant(runtime, "abcdef", 6), *a = prepared(runtime, "abcdef", 6, &to_tall);
    sni_mem *b = prepared(runtime, "abcdef", 6, &to_tall), *c = prepared(runtime, "abcdef", 6, &to_wide), *none = a;
    char back[7] = {0};
    ck_assert_ptr_eq(a, b);
    ck_assert(a != plain && a != c);
    ck_assert_int_eq(g_prepared, 2);
    ck_assert_int_eq(sni_mem_read(a, 0, back, 6, true), SINTER_OK);
    ck_assert_str_eq(back, "adbecf");
    ck_assert_int_eq(sni_runtime_constant(runtime, sni_hash128_of("abcdefg", 7), "abcdefg", 7, &failing, &none),
                     SINTER_UNSUPPORTED);
    ck_assert_ptr_null(none);
    sni_mem *all[] = {plain, a, b, c};
    for (int i = 0; i < 4; ++i) sni_mem_release(all[i]);
    ck_assert_uint_eq(in_use(runtime), 0);
    sinter_runtime_release(runtime);
}
END_TEST

START_TEST(interop) {
    sinter_runtime *owner = open_runtime(), *guest = NULL;
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = g_scratch;
    cl_context context = sinter_runtime_cl_context(owner);
    cl_device_id device = sinter_runtime_cl_device(owner);
    cl_command_queue queue = sinter_runtime_cl_queue(owner);
    ck_assert(context && device && queue);
    ck_assert_int_eq(sinter_runtime_create_from_opencl(context, device, queue, &options, &guest), SINTER_OK);
    ck_assert_ptr_eq(sinter_runtime_cl_queue(guest), queue);
    char text[6] = "hello";
    cl_mem memory = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, 6, text, NULL);
    sinter_buffer *wrapped = NULL;
    ck_assert_int_eq(sinter_buffer_wrap(guest, memory, &wrapped), SINTER_OK);
    ck_assert_uint_eq(sinter_buffer_size(wrapped), 6);
    ck_assert_ptr_eq(sinter_buffer_cl_mem(wrapped), memory);
    clReleaseMemObject(memory); /* the wrapper keeps it */
    sinter_runtime_release(owner);
    char back[6] = {0};
    ck_assert_int_eq(sinter_buffer_read(wrapped, 0, back, 6), SINTER_OK);
    ck_assert_str_eq(back, "hello");
    ck_assert_uint_eq(in_use(guest), 0); /* not the pool's memory */
    sinter_runtime *other = open_runtime();
    sinter_buffer *none = wrapped;
    ck_assert_int_eq(sinter_buffer_wrap(other, sinter_buffer_cl_mem(wrapped), &none), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(none);
    ERROR_HAS("another context");
    ck_assert_int_eq(sinter_buffer_wrap(other, NULL, &none), SINTER_INVALID_ARGUMENT);
    sinter_runtime *refused = NULL;
    ck_assert_int_eq(sinter_runtime_create_from_opencl(NULL, device, queue, NULL, &refused), SINTER_INVALID_ARGUMENT);
    sinter_runtime_release(other);
    sinter_runtime_release(guest); /* the wrapper keeps this, too */
    ck_assert_int_eq(sinter_buffer_read(wrapped, 0, back, 6), SINTER_OK);
    sinter_buffer_release(wrapped);
}
END_TEST

int main(void) {
    if (scratch_make()) return EXIT_FAILURE;
    const TTest *const tests[] = {open_and_close,
                                  no_such_device,
                                  buffers,
                                  stats_and_trim,
                                  every_allocation_may_fail,
                                  cache_dir_that_cannot_be_written,
                                  constants_are_shared_and_counted,
                                  constants_are_prepared_once,
                                  interop};
    int result = run_suite(suite_of("runtime", tests, sizeof tests / sizeof *tests));
    scratch_remove();
    return result;
}
