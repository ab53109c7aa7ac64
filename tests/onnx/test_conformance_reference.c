/* ONNX's backend tests and the models of real exporters on the reference evaluator: the importer and
 * the operator table against ONNX's own numbers, without any device.
 *
 * With arguments it is a tool: test_conformance_reference DIR... prints every skip and failure. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "graph/reference.h"

/* The directories are read as `sinter conformance` reads them. */
#include "../../tools/backend.c"
#include "../../tools/compare.h"
#include "../../tools/trim.c"

#define NODE_TESTS "/usr/share/libonnx-testdata/data/node"
#define MAX_SETS 8

typedef struct {
    int passed, failed, skipped;
    int too_large; /* values of 2^32 elements, which a kernel reads through and the evaluator would hold */
    bool verbose;
} tally;

static void report(tally *t, const char *dir, const char *what, const char *why) {
    const char *name = strrchr(dir, '/');
    if (t->verbose || strcmp(what, "FAIL") == 0) printf("%s %s: %s\n", what, name ? name + 1 : dir, why);
}

static sinter_status to_reference(const sinter_onnx_tensor *tensor, sni_ref_tensor **out) {
    sinter_status status = sni_ref_tensor_create(tensor->dtype, tensor->shape.rank, tensor->shape.dims, out);
    if (status == SINTER_OK) sni_ref_tensor_load(*out, tensor->data);
    return status;
}

/* A result as the set's tensors are. */
static sinter_status from_reference(const char *name, const sni_ref_tensor *from, sinter_onnx_tensor *out) {
    *out = (sinter_onnx_tensor){.name = sni_strdup(name), .dtype = from->dtype, .shape.rank = from->rank};
    memcpy(out->shape.dims, from->dims, sizeof from->dims);
    out->size_bytes = (size_t)from->count * sinter_dtype_size(from->dtype);
    out->data = sni_malloc(out->size_bytes + 1);
    if (!out->name || !out->data) return sni_out_of_memory("a result");
    sni_ref_tensor_store(from, out->data);
    return SINTER_OK;
}

/* The i-th output against the set's; text says what differs. */
static bool output_agrees(const sinter_onnx_tensor *got, const sinter_onnx_tensor *want, char *text,
                          size_t text_bytes) {
    if (got->dtype != want->dtype) {
        snprintf(text, text_bytes, "dtype %s, not %s", sinter_dtype_name(got->dtype), sinter_dtype_name(want->dtype));
        return false;
    }
    bool same = got->shape.rank == want->shape.rank;
    for (int d = 0; same && d < got->shape.rank; d++) same = got->shape.dims[d] == want->shape.dims[d];
    if (!same) {
        snprintf(text, text_bytes, "another shape: rank %d, not %d; first %lld, not %lld", got->shape.rank,
                 want->shape.rank, got->shape.rank ? (long long)got->shape.dims[0] : 0,
                 want->shape.rank ? (long long)want->shape.dims[0] : 0);
        return false;
    }
    int64_t count = 1;
    for (int d = 0; d < got->shape.rank; d++) count *= got->shape.dims[d];
    return sinter_compare(got->dtype, got->data, want->data, count, text, text_bytes);
}

static sinter_status run_graph(const sinter_graph *graph, const backend_set *set, sni_ref_tensor **outs) {
    sni_ref_tensor *inputs[BACKEND_MAX_TENSORS] = {NULL};
    sinter_status status = SINTER_OK;
    size_t count = sinter_graph_input_count(graph);
    for (size_t i = 0; i < count && status == SINTER_OK; i++) {
        const sinter_onnx_tensor *tensor = backend_input(set, graph, i);
        status =
            tensor ? to_reference(tensor, &inputs[i]) : sni_fail(SINTER_INVALID_ARGUMENT, "no data for input %zu", i);
    }
    if (status == SINTER_OK) status = sni_reference_run(graph, inputs, NULL, false, outs);
    for (size_t i = 0; i < count; i++) sni_ref_tensor_release(inputs[i]);
    return status;
}

static void check_set(tally *t, const char *dir, const sinter_graph *graph, const backend_set *set) {
    sni_ref_tensor *outs[BACKEND_MAX_TENSORS] = {NULL};
    sinter_onnx_tensor results[BACKEND_MAX_TENSORS] = {{0}};
    char text[200] = "";
    size_t all = sinter_graph_output_count(graph), count = all;
    sinter_status status = run_graph(graph, set, outs);
    for (size_t i = 0; i < all && status == SINTER_OK; i++)
        status = from_reference(sinter_graph_output_name(graph, i), outs[i], &results[i]);
    if (status == SINTER_OK) count = tool_outputs_trim(graph, results, all);
    bool ok = status == SINTER_OK && count == (size_t)set->output_count;
    if (status != SINTER_OK)
        snprintf(text, sizeof text, "%s", sinter_last_error());
    else if (!ok)
        snprintf(text, sizeof text, "%zu outputs, not %d", count, set->output_count);
    for (size_t i = 0; ok && i < count; i++) ok = output_agrees(&results[i], &set->outputs[i], text, sizeof text);
    for (size_t i = 0; i < all; i++) {
        sni_ref_tensor_release(outs[i]);
        sinter_onnx_tensor_release(&results[i]);
    }
    if (ok)
        t->passed++;
    else if (status == SINTER_OUT_OF_MEMORY)
        t->too_large++;
    else {
        t->failed++;
        report(t, dir, "FAIL", text);
    }
}

static void check_dir_set(tally *t, const char *dir, const char *path) {
    static backend_set set;
    sinter_graph *graph = NULL;
    int fixed = 0;
    sinter_status status = backend_load(dir, path, &set, &graph, &fixed);
    if (status == SINTER_OK)
        check_set(t, dir, graph, &set);
    else if (status == SINTER_UNSUPPORTED) {
        t->skipped++;
        report(t, dir, "skip", sinter_last_error());
    } else {
        t->failed++;
        report(t, dir, "FAIL", sinter_last_error());
    }
    sinter_graph_release(graph);
    backend_set_release(&set);
}

static void check_dir(void *context, const char *dir) {
    tally *t = context;
    char *paths[MAX_SETS];
    int count = 0;
    if (backend_list_sets(dir, paths, MAX_SETS, &count) != SINTER_OK) {
        t->failed++;
        report(t, dir, "FAIL", sinter_last_error());
    }
    for (int i = 0; i < count; i++) {
        check_dir_set(t, dir, paths[i]);
        sni_free(paths[i]);
    }
}

START_TEST(node_tests) {
    tally t = {0};
    if (!sni_file_exists(NODE_TESTS "/test_abs/model.onnx")) {
        printf("skipped: the package libonnx-testdata is not installed\n");
        return;
    }
    ck_assert_int_eq(backend_walk(NODE_TESTS, check_dir, &t), SINTER_OK);
    printf("node tests: %d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
    ck_assert_int_eq(t.failed, 0);
    ck_assert_int_ge(t.passed, 450);
}
END_TEST

START_TEST(exported_models) {
    tally t = {0};
    ck_assert_int_eq(backend_walk(SINTER_TEST_DATA, check_dir, &t), SINTER_OK);
    printf("models: %d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
    ck_assert_int_eq(t.failed, 0);
    ck_assert_int_eq(t.skipped, 0);
    ck_assert_int_eq(t.too_large, 3); /* the slices of long axes in cases/ */
    ck_assert_int_gt(t.passed, 0);
}
END_TEST

int main(int argc, char **argv) {
    if (argc > 1) {
        tally t = {.verbose = true};
        for (int i = 1; i < argc; i++)
            if (backend_walk(argv[i], check_dir, &t) != SINTER_OK) puts(sinter_last_error());
        printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
        return t.failed > 0;
    }
    Suite *suite = suite_create("onnx conformance");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 800);
    tcase_add_test(tests, node_tests);
    tcase_add_test(tests, exported_models);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
