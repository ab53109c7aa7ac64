/* What every test program of the suite shares: a main that runs one suite in this process, so that
 * sanitizers see it all. */
#ifndef SINTER_TESTS_CHECK_MAIN_H
#define SINTER_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Runs all cases of suite and returns what main should. */
static inline int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A suite of one case that holds the count tests. */
static inline Suite *suite_of(const char *name, const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 0);
    for (size_t i = 0; i < count; ++i) tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}

#endif
