/* Names and statuses of OpenCL errors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

START_TEST(names_are_those_of_the_header) {
    ck_assert_str_eq(sni_cl_error_name(CL_SUCCESS), "CL_SUCCESS");
    ck_assert_str_eq(sni_cl_error_name(CL_OUT_OF_RESOURCES), "CL_OUT_OF_RESOURCES");
    ck_assert_str_eq(sni_cl_error_name(CL_INVALID_KERNEL_ARGS), "CL_INVALID_KERNEL_ARGS");
    ck_assert_str_eq(sni_cl_error_name(CL_INVALID_DEVICE_PARTITION_COUNT), "CL_INVALID_DEVICE_PARTITION_COUNT");
    ck_assert_str_eq(sni_cl_error_name(CL_BUILD_PROGRAM_FAILURE), "CL_BUILD_PROGRAM_FAILURE");
    ck_assert_str_eq(sni_cl_error_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    ck_assert_ptr_nonnull(sni_cl_error_name(12345));
    ck_assert_ptr_nonnull(sni_cl_error_name(-20000));
}
END_TEST

/* Every code between the first and the last that OpenCL has used must have a name of its own. */
START_TEST(no_code_is_left_out) {
    const char *unknown = sni_cl_error_name(12345);
    for (cl_int code = 0; code >= -72; --code) {
        if (code < -19 && code > -30) continue;
        ck_assert_msg(strcmp(sni_cl_error_name(code), unknown), "%d has no name", (int)code);
        for (cl_int other = 0; other > code; --other)
            if (!(other < -19 && other > -30)) ck_assert_str_ne(sni_cl_error_name(other), sni_cl_error_name(code));
    }
}
END_TEST

START_TEST(errors_become_statuses) {
    ck_assert_int_eq(sni_cl_fail(CL_MEM_OBJECT_ALLOCATION_FAILURE, "x"), SINTER_OUT_OF_DEVICE_MEMORY);
    ck_assert_int_eq(sni_cl_fail(CL_OUT_OF_RESOURCES, "x"), SINTER_OUT_OF_DEVICE_MEMORY);
    ck_assert_int_eq(sni_cl_fail(CL_OUT_OF_HOST_MEMORY, "x"), SINTER_OUT_OF_MEMORY);
    ck_assert_int_eq(sni_cl_fail(CL_INVALID_CONTEXT, "clDoThing"), SINTER_DEVICE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "clDoThing"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "CL_INVALID_CONTEXT"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("device errors");
    TCase *cases = tcase_create("errors");
    tcase_add_test(cases, names_are_those_of_the_header);
    tcase_add_test(cases, no_code_is_left_out);
    tcase_add_test(cases, errors_become_statuses);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
