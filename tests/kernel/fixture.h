/* What the tests of lib/kernel share: a device, a directory that goes away, buffers without
 * lib/memory. */
#ifndef TESTS_KERNEL_FIXTURE_H
#define TESTS_KERNEL_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "device/device.h"
#include "kernel/handle.h"
#include "kernel/kernel.h"

static sni_device *fixture_device;
static char fixture_dir[64];

static inline void fixture_begin(void) {
    ck_assert_int_eq(sni_device_open(NULL, &fixture_device), SINTER_OK);
    snprintf(fixture_dir, sizeof fixture_dir, "/tmp/sinter-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture_dir));
}

static inline void fixture_end(void) {
    sni_device_release(fixture_device);
    fixture_device = NULL;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", fixture_dir);
    ck_assert_int_eq(system(command), 0);
}

static inline sni_kernel_cache *fixture_cache(const char *dir) {
    sni_kernel_cache *cache = NULL;
    ck_assert_int_eq(sni_kernel_cache_create(fixture_device, dir, 0, &cache), SINTER_OK);
    return cache;
}

static inline sni_kernel_cache_stats fixture_stats(sni_kernel_cache *cache) {
    sni_kernel_cache_stats stats;
    sni_kernel_cache_get_stats(cache, &stats);
    return stats;
}

/* A buffer as lib/kernel sees it. */
static inline struct sni_mem_handle fixture_buffer(size_t size_bytes) {
    cl_int error = CL_SUCCESS;
    struct sni_mem_handle memory = {
        clCreateBuffer(fixture_device->context, CL_MEM_READ_WRITE, size_bytes, NULL, &error)};
    ck_assert_int_eq(error, CL_SUCCESS);
    return memory;
}

static inline const sni_mem *fixture_mem(const struct sni_mem_handle *memory) {
    return (const sni_mem *)(const void *)memory;
}

/* A kernel `add` that stores i + number in out[i]; every number is another kernel. */
static inline void fixture_source(int number, char *text, size_t capacity) {
    snprintf(text, capacity,
             "__kernel void add(__global int *out, int more) {\n"
             "    int i = get_global_id(0);\n"
             "    out[i] = i + %d + more;\n"
             "}\n",
             number);
}

static inline sni_program *fixture_build(sni_kernel_cache *cache, int number) {
    char text[256];
    fixture_source(number, text, sizeof text);
    sni_program_source source = {.text = text, .entry = "add"};
    sni_program *program = NULL;
    ck_assert_msg(sni_program_build(cache, &source, &program) == SINTER_OK, "%s", sinter_last_error());
    return program;
}

/* Runs `add` over 16 work-items and checks what it wrote. */
static inline void fixture_run(sni_program *program, int number) {
    enum { ITEMS = 16 };
    struct sni_mem_handle memory = fixture_buffer(ITEMS * sizeof(int));
    sni_launch *launch = NULL;
    int more = 1000, out[ITEMS] = {0};
    size_t global = ITEMS, local = 8;
    ck_assert_int_eq(sni_launch_create(program, &launch), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_mem(launch, 0, fixture_mem(&memory)), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 1, &more, sizeof more), SINTER_OK);
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, &global, &local, false, NULL), SINTER_OK);
    sni_program_launched(program);
    ck_assert_int_eq(
        clEnqueueReadBuffer(fixture_device->queue, memory.handle, CL_TRUE, 0, sizeof out, out, 0, NULL, NULL),
        CL_SUCCESS);
    for (int i = 0; i < ITEMS; ++i) ck_assert_int_eq(out[i], i + number + more);
    sni_launch_release(launch);
    clReleaseMemObject(memory.handle);
}

static inline void fixture_use(sni_kernel_cache *cache, int number) {
    sni_program *program = fixture_build(cache, number);
    fixture_run(program, number);
    sni_program_release(program);
}

static inline int fixture_main(TCase *cases, const char *name) {
    tcase_set_timeout(cases, 600);
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
