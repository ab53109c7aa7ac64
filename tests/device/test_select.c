/* Selection, over an invented list (so that it is the same on every machine) and over the real one.
 */
#include <check.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "device/device.h"
#include "device/query.h"
#include "device/select.h"

/* Platforms need no more than an address. Types are asked from the driver, so invented devices have
 * none: words for types are tested on the real list. */
static cl_platform_id platform_number(uintptr_t n) {
    return (cl_platform_id)(n * 16 + 16);
}

static void entry(sni_device_entry *out, uintptr_t platform, const char *platform_name, const char *vendor,
                  const char *name) {
    *out = (sni_device_entry){.platform = platform_number(platform), .id = NULL};
    snprintf(out->caps.platform, sizeof out->caps.platform, "%s", platform_name);
    snprintf(out->caps.vendor, sizeof out->caps.vendor, "%s", vendor);
    snprintf(out->caps.name, sizeof out->caps.name, "%s", name);
}

enum { COUNT = 5 };
static sni_device_entry list[COUNT];
static cl_platform_id platforms[3];

static void fill_list(void) {
    entry(&list[0], 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA H200");
    entry(&list[1], 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA A100");
    entry(&list[2], 2, "AMD Accelerated Parallel Processing", "Advanced Micro Devices, Inc.", "gfx90a:sramecc+");
    entry(&list[3], 0, "Portable Computing Language", "AuthenticAMD", "pthread-AMD EPYC");
    entry(&list[4], 0, "Portable Computing Language", "GenuineIntel", "basic-Xeon");
    for (uintptr_t i = 0; i < 3; ++i) platforms[i] = platform_number(i);
}

static long choose(const char *selection) {
    size_t index = 99;
    sinter_status status = sni_device_select(selection, list, COUNT, platforms, 3, &index);
    if (status != SINTER_OK) ck_assert_int_eq(status, SINTER_NO_DEVICE);
    return status == SINTER_OK ? (long)index : -1;
}

START_TEST(by_index) {
    fill_list();
    ck_assert_int_eq(choose("0"), 0);
    ck_assert_int_eq(choose("4"), 4);
    ck_assert_int_eq(choose("5"), -1);
    ck_assert_int_eq(choose("99999999999999999999999999"), -1);
    ck_assert_int_eq(choose("-1"), -1);
}
END_TEST

START_TEST(by_name_and_vendor) {
    fill_list();
    ck_assert_int_eq(choose("nvidia"), 0);
    ck_assert_int_eq(choose("A100"), 1);
    ck_assert_int_eq(choose("a100"), 1);
    ck_assert_int_eq(choose("GFX90A"), 2);
    ck_assert_int_eq(choose("gfx90a:sram"), 2);
    ck_assert_int_eq(choose("amd"), 2);
    ck_assert_int_eq(choose("epyc"), 3);
    ck_assert_int_eq(choose("pocl"), 3);
    ck_assert_int_eq(choose("intel"), 4);
    ck_assert_int_eq(choose("portable comp"), 3);
    ck_assert_int_eq(choose("voodoo"), -1);
}
END_TEST

START_TEST(by_platform_and_device) {
    fill_list();
    ck_assert_int_eq(choose("0:0"), 3);
    ck_assert_int_eq(choose("0:1"), 4);
    ck_assert_int_eq(choose("1:1"), 1);
    ck_assert_int_eq(choose("1:2"), -1);
    ck_assert_int_eq(choose("3:0"), -1);
    ck_assert_int_eq(choose("pocl:xeon"), 4);
    ck_assert_int_eq(choose("portable:1"), 4);
    ck_assert_int_eq(choose("0:XEON"), 4);
    ck_assert_int_eq(choose("nvidia:a1"), 1);
    ck_assert_int_eq(choose("nvidia:xeon"), -1);
    ck_assert_int_eq(choose("amd acc:"), 2);
    ck_assert_int_eq(choose(":xeon"), 4);
}
END_TEST

START_TEST(default_and_environment) {
    fill_list();
    unsetenv("SINTER_DEVICE");
    ck_assert_int_eq(choose(NULL), 0);
    ck_assert_int_eq(choose(""), 0);
    setenv("SINTER_DEVICE", "xeon", 1);
    ck_assert_int_eq(choose(NULL), 4);
    ck_assert_int_eq(choose("1"), 1);
    setenv("SINTER_DEVICE", "voodoo", 1);
    ck_assert_int_eq(choose(NULL), -1);
    setenv("SINTER_DEVICE", "", 1);
    ck_assert_int_eq(choose(NULL), 0);
    unsetenv("SINTER_DEVICE");
}
END_TEST

START_TEST(failure_lists_what_there_is) {
    fill_list();
    ck_assert_int_eq(choose("voodoo"), -1);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "voodoo"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "2: gfx90a"));
}
END_TEST

START_TEST(nothing_installed_names_packages) {
    size_t index = 0;
    ck_assert_int_eq(sni_device_select(NULL, NULL, 0, NULL, 0, &index), SINTER_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "pocl-opencl-icd"));
    ck_assert_int_eq(sni_device_select("gpu", NULL, 0, platforms, 2, &index), SINTER_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "pocl-opencl-icd"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no usable device"));
}
END_TEST

START_TEST(text_search_ignores_case) {
    ck_assert(sni_device_text_has("Clover", "clover"));
    ck_assert(sni_device_text_has("a Clover", "CLOVER"));
    ck_assert(sni_device_text_has("x", ""));
    ck_assert(!sni_device_text_has("", "x"));
    ck_assert(!sni_device_text_has("Clove", "clover"));
}
END_TEST

/* What is really here: at least one CPU (PoCL) on every machine that runs the tests. */
START_TEST(real_devices_by_type) {
    sni_device_entry *real = NULL;
    size_t count = 0, index = 0;
    ck_assert_int_eq(sni_device_list(&real, &count), SINTER_OK);
    ck_assert_uint_gt(count, 0);
    bool has_gpu = false;
    int last_rank = 0;
    for (size_t i = 0; i < count; ++i) {
        cl_device_type type = sni_device_type(real[i].id);
        int rank = type & CL_DEVICE_TYPE_GPU ? 0 : type & CL_DEVICE_TYPE_CPU ? 2 : 1;
        ck_assert_int_ge(rank, last_rank);
        last_rank = rank;
        has_gpu |= rank == 0;
    }
    ck_assert_int_eq(sni_device_select("cpu", real, count, NULL, 0, &index), SINTER_OK);
    ck_assert(sni_device_type(real[index].id) & CL_DEVICE_TYPE_CPU);
    ck_assert_int_eq(sni_device_select("CPU", real, count, NULL, 0, &index), SINTER_OK);
    sinter_status status = sni_device_select("gpu", real, count, NULL, 0, &index);
    ck_assert_int_eq(status, has_gpu ? SINTER_OK : SINTER_NO_DEVICE);
    sni_free(real);
}
END_TEST

START_TEST(opening_leaves_the_locale_alone) {
    char before[128];
    snprintf(before, sizeof before, "%s", setlocale(LC_ALL, NULL));
    sni_device *device = NULL;
    ck_assert_int_eq(sni_device_open(NULL, &device), SINTER_OK);
    ck_assert_str_eq(setlocale(LC_ALL, NULL), before);
    sni_device_release(device);
    ck_assert_int_eq(sni_device_open("no such device", &device), SINTER_NO_DEVICE);
    ck_assert_ptr_null(device);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("device selection");
    TCase *cases = tcase_create("select");
    tcase_add_test(cases, by_index);
    tcase_add_test(cases, by_name_and_vendor);
    tcase_add_test(cases, by_platform_and_device);
    tcase_add_test(cases, default_and_environment);
    tcase_add_test(cases, failure_lists_what_there_is);
    tcase_add_test(cases, nothing_installed_names_packages);
    tcase_add_test(cases, text_search_ignores_case);
    tcase_add_test(cases, real_devices_by_type);
    tcase_add_test(cases, opening_leaves_the_locale_alone);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
