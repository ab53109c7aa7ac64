/* Capabilities of every real device, opening, adopting a caller's objects, the public list. */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/runtime.h>

#include "base/alloc.h"
#include "device/device.h"

static void check_hex(const char *text) {
    ck_assert_uint_eq(strlen(text), 32);
    ck_assert_uint_eq(strspn(text, "0123456789abcdef"), 32);
    ck_assert_uint_ne(strspn(text, "0"), 32);
}

static void check_caps(const sni_caps *caps) {
    ck_assert_uint_gt(strlen(caps->name), 0);
    ck_assert_uint_gt(strlen(caps->platform), 0);
    ck_assert_uint_gt(strlen(caps->driver), 0);
    ck_assert_ptr_nonnull(strstr(caps->c_version, "OpenCL C"));
    ck_assert_uint_ge(caps->compute_units, 1);
    ck_assert_uint_ge(caps->global_bytes, caps->max_alloc_bytes);
    ck_assert_uint_gt(caps->max_alloc_bytes, 0);
    ck_assert_uint_ge(caps->local_bytes, 1024);
    ck_assert_uint_ge(caps->max_work_group, 1);
    for (int i = 0; i < 3; ++i) ck_assert_uint_ge(caps->max_work_item[i], 1);
    ck_assert_uint_ge(caps->max_parameter_bytes, 256);
    ck_assert_uint_ge(caps->mem_align_bytes, 1);
    ck_assert_uint_eq(caps->mem_align_bytes & (caps->mem_align_bytes - 1), 0);
    ck_assert_uint_ge(caps->native_float_width, 1);
    ck_assert(caps->address_bits == 32 || caps->address_bits == 64);
    if (caps->has_inline_ptx) ck_assert_uint_gt(caps->nv_compute_major, 0);
    check_hex(caps->identity);
    check_hex(caps->tuning_key);
    ck_assert_str_ne(caps->identity, caps->tuning_key);
}

START_TEST(caps_are_sane_and_repeatable) {
    sni_device_entry *first = NULL, *second = NULL;
    size_t count = 0, again = 0;
    ck_assert_int_eq(sni_device_list(&first, &count), SINTER_OK);
    ck_assert_int_eq(sni_device_list(&second, &again), SINTER_OK);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_eq(count, again);
    for (size_t i = 0; i < count; ++i) {
        check_caps(&first[i].caps);
        ck_assert_str_eq(first[i].caps.identity, second[i].caps.identity);
        ck_assert_str_eq(first[i].caps.tuning_key, second[i].caps.tuning_key);
    }
    sni_free(first);
    sni_free(second);
}
END_TEST

/* What facts about PoCL 3.1 say, when that is the device. */
START_TEST(pocl_is_seen_as_it_is) {
    sni_device *device = NULL;
    if (sni_device_open("pocl", &device) != SINTER_OK) return;
    ck_assert_int_eq(device->caps.device_class, SNI_DEVICE_CPU);
    ck_assert(!device->caps.has_inline_ptx);
    ck_assert(device->caps.has_f64);
    ck_assert(!device->caps.local_is_dedicated);
    if (strstr(device->caps.driver, "3.1")) {
        ck_assert(!device->caps.has_f16_arithmetic);
        ck_assert(!device->caps.has_subgroups);
        ck_assert_uint_eq(device->caps.subgroup_size, 0);
    }
    sni_device_release(device);
}
END_TEST

START_TEST(open_gives_a_working_queue) {
    sni_device *device = NULL;
    ck_assert_int_eq(sni_device_open(NULL, &device), SINTER_OK);
    int number = 42, back = 0;
    cl_int error = CL_SUCCESS;
    cl_mem memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, 4, NULL, &error);
    ck_assert_int_eq(error, CL_SUCCESS);
    ck_assert_int_eq(clEnqueueWriteBuffer(device->queue, memory, CL_TRUE, 0, 4, &number, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(clEnqueueReadBuffer(device->queue, memory, CL_TRUE, 0, 4, &back, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(back, 42);
    clReleaseMemObject(memory);
    cl_command_queue measuring = NULL, same = NULL;
    ck_assert_int_eq(sni_device_profiling_queue(device, &measuring), SINTER_OK);
    ck_assert_int_eq(sni_device_profiling_queue(device, &same), SINTER_OK);
    ck_assert_ptr_eq(measuring, same);
    sni_device_retain(device);
    sni_device_release(device);
    sni_device_release(device);
    sni_device_release(NULL);
}
END_TEST

START_TEST(adopt_checks_what_it_is_given) {
    sni_device *device = NULL, *adopted = NULL;
    ck_assert_int_eq(sni_device_open(NULL, &device), SINTER_OK);
    ck_assert_int_eq(sni_device_adopt(NULL, device->id, device->queue, &adopted), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_device_adopt(device->context, device->id, NULL, &adopted), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(adopted);
    cl_int error = CL_SUCCESS;
    cl_command_queue loose =
        clCreateCommandQueue(device->context, device->id, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (error == CL_SUCCESS && loose) {
        ck_assert_int_eq(sni_device_adopt(device->context, device->id, loose, &adopted), SINTER_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(sinter_last_error(), "in order"));
        clReleaseCommandQueue(loose);
    }
    cl_context other = clCreateContext(NULL, 1, &device->id, NULL, NULL, &error);
    ck_assert_int_eq(error, CL_SUCCESS);
    ck_assert_int_eq(sni_device_adopt(other, device->id, device->queue, &adopted), SINTER_INVALID_ARGUMENT);
    clReleaseContext(other);
    ck_assert_int_eq(sni_device_adopt(device->context, device->id, device->queue, &adopted), SINTER_OK);
    ck_assert_str_eq(adopted->caps.identity, device->caps.identity);
    /* The adopted one keeps the objects alive. */
    sni_device_release(device);
    ck_assert_int_eq(clFinish(adopted->queue), CL_SUCCESS);
    sni_device_release(adopted);
}
END_TEST

START_TEST(public_list_agrees) {
    sni_device_entry *entries = NULL;
    size_t count = 0, reported = 0;
    ck_assert_int_eq(sni_device_list(&entries, &count), SINTER_OK);
    sinter_device_info infos[4];
    memset(infos, 0x55, sizeof infos);
    ck_assert_int_eq(sinter_devices_list(NULL, 0, &reported), SINTER_OK);
    ck_assert_uint_eq(reported, count);
    ck_assert_int_eq(sinter_devices_list(infos, 4, &reported), SINTER_OK);
    for (size_t i = 0; i < count && i < 4; ++i) {
        ck_assert_str_eq(infos[i].name, entries[i].caps.name);
        ck_assert_str_eq(infos[i].identity, entries[i].caps.identity);
        ck_assert_uint_eq(infos[i].local_bytes, entries[i].caps.local_bytes);
        ck_assert(!strcmp(infos[i].type, "cpu") || !strcmp(infos[i].type, "gpu") ||
                  !strcmp(infos[i].type, "accelerator"));
    }
    ck_assert_int_eq(sinter_devices_list(NULL, 3, &reported), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_devices_list(infos, 3, NULL), SINTER_INVALID_ARGUMENT);
    sni_free(entries);
}
END_TEST

START_TEST(memory_running_out_is_an_error_not_a_crash) {
    for (int nth = 1;; ++nth) {
        sni_device *device = NULL;
        sni_alloc_fail_at(nth);
        sinter_status status = sni_device_open(NULL, &device);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK) {
            sni_device_release(device);
            break;
        }
        ck_assert_ptr_null(device);
        ck_assert_int_lt(nth, 1000);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("device");
    TCase *cases = tcase_create("open");
    tcase_add_test(cases, caps_are_sane_and_repeatable);
    tcase_add_test(cases, pocl_is_seen_as_it_is);
    tcase_add_test(cases, open_gives_a_working_queue);
    tcase_add_test(cases, adopt_checks_what_it_is_given);
    tcase_add_test(cases, public_list_agrees);
    tcase_add_test(cases, memory_running_out_is_an_error_not_a_crash);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
