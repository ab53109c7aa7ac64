/* SINTER_DUMP: what every stage made is written, compiles never share a directory, and what cannot be written is no error. */
#define _GNU_SOURCE
#include "oracle.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static oracle o;
static char dir[64];
static int warnings;

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void count_warnings(void *context, int level, const char *line) {
    (void)context;
    if (level == 1 && strstr(line, "SINTER_DUMP")) ++warnings;
}

static void setup(void) {
    oracle_init(&o);
    snprintf(dir, sizeof dir, "/tmp/sinter-dump-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("SINTER_DUMP", dir, 1);
    warnings = 0;
    sinter_log_set(count_warnings, NULL);
}

static void teardown(void) {
    sinter_log_set(NULL, NULL);
    unsetenv("SINTER_DUMP");
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    oracle_deinit(&o);
}

static sinter_graph *sample(void) {
    sinter_graph *g;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 8));
    sinter_output(g, "y", sinter_softmax(g, sinter_relu(g, x), -1));
    return g;
}

static void *compile_sample(void *unused) {
    sinter_graph *g = sample();
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    return unused;
}

/* Calls visit for what is in path, and gives the number of entries. */
static int list(const char *path, void (*visit)(const char *path, const char *name)) {
    int count = 0;
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        ++count;
        if (visit) visit(path, e->d_name);
    }
    closedir(d);
    return count;
}

static int kernels, programs, graphs, groups;

static void read_one(const char *path, const char *name) {
    char full[400];
    char *text;
    size_t size;
    snprintf(full, sizeof full, "%s/%s", path, name);
    ck_assert_int_eq(sni_file_read(full, 1 << 24, &text, &size), SINTER_OK);
    ck_assert(name[0] >= '0' && name[0] <= '9' && name[2] == '-');
    if (strstr(name, ".cl")) {
        ck_assert_ptr_nonnull(strstr(text, "__kernel"));
        ++kernels;
    } else if (strstr(name, "-step")) {
        ck_assert_ptr_nonnull(strstr(text, "loop"));
        ck_assert_ptr_nonnull(strstr(text, "\nschedule: "));
        ++programs;
    } else if (strstr(name, "-groups")) {
        ck_assert_ptr_nonnull(strstr(text, "ends: "));
        ck_assert_ptr_nonnull(strstr(text, "cost: "));
        ++groups;
    } else {
        ck_assert_ptr_nonnull(strstr(text, "relu("));
        ++graphs;
    }
    sni_free(text);
}

static void check_compile(const char *path, const char *name) {
    char full[200];
    snprintf(full, sizeof full, "%s/%s", path, name);
    kernels = programs = graphs = groups = 0;
    list(full, read_one);
    ck_assert_int_eq(kernels, 1);
    ck_assert_int_eq(programs, 1);
    ck_assert_int_eq(groups, 1);
    ck_assert_int_ge(graphs, 5); /* as described, and after several passes */
}

START_TEST(every_stage_is_written) {
    compile_sample(NULL);
    ck_assert_int_eq(list(dir, check_compile), 1);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

START_TEST(compiles_at_once_do_not_mix) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; ++t) ck_assert_int_eq(pthread_create(&threads[t], NULL, compile_sample, NULL), 0);
    for (int t = 0; t < THREADS; ++t) pthread_join(threads[t], NULL);
    ck_assert_int_eq(list(dir, check_compile), THREADS);
}
END_TEST

START_TEST(without_it_nothing_is_written) {
    unsetenv("SINTER_DUMP");
    compile_sample(NULL);
    ck_assert_int_eq(list(dir, NULL), 0);
}
END_TEST

START_TEST(what_cannot_be_written_is_a_warning) {
    setenv("SINTER_DUMP", "/dev/null/below", 1);
    compile_sample(NULL);
    ck_assert_int_eq(warnings, 1);
    compile_sample(NULL);
    ck_assert_int_eq(warnings, 2);
}
END_TEST

/* A dump that runs out of memory leaves the compile alone, and one that fails is ended. */
START_TEST(memory_may_run_out) {
    sinter_graph *g = sample();
    sinter_status status = SINTER_OUT_OF_MEMORY;
    for (int nth = 1; status != SINTER_OK; nth += 23) {
        sinter_plan *plan;
        sni_alloc_fail_at(nth);
        status = sinter_plan_compile(o.runtime, g, NULL, &plan);
        sni_alloc_fail_at(0);
        ck_assert(status == SINTER_OK || *sinter_last_error());
        sinter_plan_release(plan);
    }
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dump");
    TCase *tc = tcase_create("dump");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_stage_is_written);
    tcase_add_test(tc, compiles_at_once_do_not_mix);
    tcase_add_test(tc, without_it_nothing_is_written);
    tcase_add_test(tc, what_cannot_be_written_is_a_warning);
    tcase_add_test(tc, memory_may_run_out);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
