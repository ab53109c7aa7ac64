/* Kernels built in helper processes: the same results, and nothing lost when a helper is missing, fails, lies or is not to
 * be trusted. */
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/fixture.h"
#include "kernel/pocl.h"
#include "kernel/prebuild.h"

enum { KERNELS = 5 };

/* As generated kernels for a CPU: one work-item a group, sizes as arguments. */
static void make_source(int number, char *text, size_t capacity) {
    snprintf(
        text, capacity,
        "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
        "void fill(const int n, __global float *restrict out, const ulong at, __global const float *restrict in) {\n"
        "    for (int i = get_group_id(0); i < n; i += get_num_groups(0)) out[at + i] = in[i] * %d.0f + 1.0f;\n"
        "}\n",
        number);
}

typedef struct set {
    char texts[KERNELS][512];
    sni_program_source sources[KERNELS];
} set;

static void make_set(set *s) {
    for (int i = 0; i < KERNELS; ++i) {
        make_source(i + 2, s->texts[i], sizeof s->texts[i]);
        s->sources[i] = (sni_program_source){.text = s->texts[i], .entry = "fill"};
    }
}

static void run(sni_kernel_cache *cache, const sni_program_source *source, int number) {
    enum { ITEMS = 100 };
    struct sni_mem_handle out = fixture_buffer(ITEMS * sizeof(float)), in = fixture_buffer(ITEMS * sizeof(float));
    float values[ITEMS], got[ITEMS];
    cl_command_queue queue = fixture_device->queue;
    for (int i = 0; i < ITEMS; ++i) values[i] = (float)i;
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    int n = ITEMS;
    cl_ulong at = 0;
    size_t global[1] = {ITEMS}, local[1] = {1};
    ck_assert_msg(sni_program_build(cache, source, &program) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sni_launch_create(program, &launch), SINTER_OK);
    ck_assert_int_eq(clEnqueueWriteBuffer(queue, in.handle, CL_TRUE, 0, sizeof values, values, 0, NULL, NULL),
                     CL_SUCCESS);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 0, &n, sizeof n), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_mem(launch, 1, fixture_mem(&out)), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_scalar(launch, 2, &at, sizeof at), SINTER_OK);
    ck_assert_int_eq(sni_launch_set_mem(launch, 3, fixture_mem(&in)), SINTER_OK);
    ck_assert_int_eq(sni_launch_enqueue(launch, 1, global, local, false, NULL), SINTER_OK);
    ck_assert_int_eq(clEnqueueReadBuffer(queue, out.handle, CL_TRUE, 0, sizeof got, got, 0, NULL, NULL), CL_SUCCESS);
    for (int i = 0; i < ITEMS; ++i) ck_assert_float_eq(got[i], (float)i * (float)number + 1.0f);
    sni_launch_release(launch);
    sni_program_release(program);
    clReleaseMemObject(out.handle);
    clReleaseMemObject(in.handle);
}

static void run_set(sni_kernel_cache *cache, const set *s) {
    for (int i = 0; i < KERNELS; ++i) run(cache, &s->sources[i], i + 2);
}

/* Nothing of helpers may be left in the cache's directory. */
static bool visit_left(void *context, const sni_dir_entry *entry) {
    int *left = context;
    *left += strncmp(entry->name, "build-", 6) == 0;
    return true;
}

static int left_behind(void) {
    int left = 0;
    ck_assert_int_eq(sni_dir_list(fixture_dir, visit_left, &left), SINTER_OK);
    return left;
}

/* true: the device's driver does not gain by helpers, so there is nothing to test. */
static bool begin(void) {
    fixture_begin();
    if (sni_pocl_builds_apart(&fixture_device->caps)) return false;
    printf("%s: not tested, this driver builds in one process\n", fixture_device->caps.platform);
    fixture_end();
    return true;
}

START_TEST(helpers_build_what_is_missing) {
    set s;
    size_t total = 0;
    if (begin()) return;
    make_set(&s);
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    run(cache, &s.sources[0], 2);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    ck_assert_uint_eq(total, KERNELS - 1);
    ck_assert_uint_eq(fixture_stats(cache).compiled, KERNELS);
    ck_assert_uint_eq(fixture_stats(cache).loaded, 0);
    run_set(cache, &s);
    ck_assert_uint_eq(fixture_stats(cache).compiled, KERNELS);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    ck_assert_uint_eq(total, 0);
    sni_kernel_cache_release(cache);
    ck_assert_int_eq(left_behind(), 0);
    /* What helpers stored is what any other process finds. */
    cache = fixture_cache(fixture_dir);
    run_set(cache, &s);
    ck_assert_uint_eq(fixture_stats(cache).compiled, 0);
    ck_assert_uint_eq(fixture_stats(cache).loaded, KERNELS);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

START_TEST(a_kernel_that_fails_is_left_to_the_caller) {
    set s;
    size_t total = 0;
    sni_program *program = NULL;
    if (begin()) return;
    make_set(&s);
    s.sources[1].text = "__kernel void fill(__global float *out) { out[0] = no_such_name; }";
    s.sources[3].text = "__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void fill(__global float *out) {\n"
                        "    volatile __global int *nowhere = 0; *nowhere = 1; out[0] = 1; }"; /* ends its helper */
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    ck_assert_uint_eq(total, KERNELS);
    ck_assert_int_eq(sni_program_build(cache, &s.sources[1], &program), SINTER_BUILD);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no_such_name"));
    ck_assert_int_eq(sni_program_build(cache, &s.sources[3], &program), SINTER_OK);
    sni_program_release(program);
    run(cache, &s.sources[0], 2);
    run(cache, &s.sources[2], 4);
    run(cache, &s.sources[4], 6);
    ck_assert_uint_eq(fixture_stats(cache).compiled, KERNELS - 1);
    sni_kernel_cache_release(cache);
    ck_assert_int_eq(left_behind(), 0);
    fixture_end();
}
END_TEST

static int cancel(void *context, size_t done, size_t total) {
    int *calls = context;
    ck_assert_uint_le(done, total);
    return ++*calls >= 2;
}

START_TEST(building_can_be_cancelled) {
    set s;
    size_t total = 0;
    int calls = 0;
    if (begin()) return;
    make_set(&s);
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, cancel, &calls, &total), SINTER_CANCELLED);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(left_behind(), 0);
    run_set(cache, &s);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

/* Programs in place of the helper: each leaves the kernels to be built here. */
static const struct {
    const char *text;
    mode_t mode;
} impostors[] = {
    {"#!/bin/sh\nexit 0\n", 0755},
    {"#!/bin/sh\necho sinter-builder 0\ncat >/dev/null\n", 0755},
    {"#!/bin/sh\necho sinter-builder 1\nread line\necho done\n", 0755}, /* nothing is on the disk */
    {"#!/bin/sh\necho sinter-builder 1\nread line\necho nonsense\nexit 3\n", 0755},
    {"#!/bin/sh\ntouch \"$2/ran\"\n", 0777}, /* anybody can change it */
    {"#!/bin/sh\ntouch \"$2/ran\"\n", 0644}, /* no program */
};

START_TEST(impostors_do_no_harm) {
    set s;
    size_t total = 0;
    char path[128], ran[128];
    if (begin()) return;
    make_set(&s);
    snprintf(path, sizeof path, "%s/helper", fixture_dir);
    snprintf(ran, sizeof ran, "%s/ran", fixture_dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(impostors[_i].text, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, impostors[_i].mode), 0);
    ck_assert_int_eq(setenv("SINTER_BUILDER", path, 1), 0);
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    run_set(cache, &s);
    ck_assert_uint_eq(fixture_stats(cache).compiled, KERNELS);
    ck_assert(!sni_file_exists(ran));
    sni_kernel_cache_release(cache);
    ck_assert_int_eq(left_behind(), 0);
    ck_assert_int_eq(unsetenv("SINTER_BUILDER"), 0);
    fixture_end();
}
END_TEST

START_TEST(no_helper_no_disk) {
    set s;
    size_t total = 1;
    if (begin()) return;
    make_set(&s);
    sni_kernel_cache *cache = fixture_cache("");
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    ck_assert_uint_eq(total, 0);
    sni_kernel_cache_release(cache);
    ck_assert_int_eq(setenv("SINTER_BUILDER", "", 1), 0);
    cache = fixture_cache(fixture_dir);
    ck_assert_int_eq(sni_programs_prebuild(cache, s.sources, KERNELS, NULL, NULL, &total), SINTER_OK);
    ck_assert_uint_eq(total, 0);
    ck_assert_uint_eq(fixture_stats(cache).compiled, 0);
    sni_kernel_cache_release(cache);
    ck_assert_int_eq(unsetenv("SINTER_BUILDER"), 0);
    fixture_end();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("prebuild");
    tcase_add_test(cases, helpers_build_what_is_missing);
    tcase_add_test(cases, a_kernel_that_fails_is_left_to_the_caller);
    tcase_add_test(cases, building_can_be_cancelled);
    tcase_add_loop_test(cases, impostors_do_no_harm, 0, sizeof impostors / sizeof *impostors);
    tcase_add_test(cases, no_helper_no_disk);
    return fixture_main(cases, "prebuild");
}
