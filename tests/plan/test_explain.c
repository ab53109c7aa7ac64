/* What explain says: one structure, and what its printers make of it. */
#include "oracle.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/file.h"
#include "graph/graph.h"

static oracle o;
static sinter_graph *g;
static float x_data[4 * 8];

static void setup(void) {
    oracle_init(&o);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
}

static void teardown(void) {
    sinter_graph_release(g);
    oracle_deinit(&o);
}

/* Two launches or more, a composite, a node that is computed while compiling, and names that nobody should trust. */
static sinter_plan *compile_sample(void) {
    static const float w[8 * 8] = {1, 2, 3};
    sinter_value x = sinter_input(g, "x\n</script>", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 8));
    sni_graph_set_name(g, "\"><img src=q onerror=alert(1)>\x1b[31m");
    sinter_value p = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(8, 8), w, sizeof w));
    sni_graph_set_name(g, "scale");
    sinter_value s = sinter_add(g, sinter_scalar(g, SINTER_F32, 1), sinter_scalar(g, SINTER_F32, 2));
    sni_graph_set_name(g, "norm");
    sinter_value y = sinter_softmax(g, sinter_mul(g, p, s), -1);
    sni_graph_set_name(g, NULL);
    sinter_output(g, "y", y);
    return oracle_compile(&o, g);
}

static sinter_binding sample_binding(void) {
    return (sinter_binding)SINTER_BIND_HOST("x\n</script>", SINTER_F32, SINTER_SHAPE(4, 8), x_data, sizeof x_data);
}

static char *explain_as(sinter_plan *plan, sinter_explain_format format, int runs) {
    sinter_binding b = sample_binding();
    sinter_explain_options options = {format, 1, runs, "a <title>"};
    char *text;
    sinter_status status = sinter_plan_explain_as(plan, &b, 1, &options, &text);
    if (status != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    return text;
}

static json_t *explain_json(sinter_plan *plan, int runs) {
    json_error_t error;
    char *text = explain_as(plan, SINTER_EXPLAIN_JSON, runs);
    json_t *root = json_loads(text, 0, &error);
    if (!root) ck_abort_msg("line %d: %s", error.line, error.text);
    sinter_free(text);
    return root;
}

static json_int_t whole(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "no number %s", key);
    return json_integer_value(value);
}

static const char *words(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_string(value), "no text %s", key);
    return json_string_value(value);
}

/* Every operand is an earlier node, a constant, nothing, or an input that there is. */
static void check_graph(const json_t *graph) {
    json_t *nodes = json_object_get(graph, "nodes"), *node, *in;
    json_int_t inputs = (json_int_t)json_array_size(json_object_get(graph, "inputs"));
    size_t n, i;
    json_array_foreach(nodes, n, node) {
        ck_assert_ptr_nonnull(sni_op_find(words(node, "op")));
        json_array_foreach(json_object_get(node, "in"), i, in) {
            ck_assert_int_lt(json_integer_value(in), (json_int_t)n);
            ck_assert_int_ge(json_integer_value(in), -2 - inputs);
        }
    }
}

static void check_slots(const json_t *root, const json_t *list, json_int_t *bytes) {
    json_t *slots = json_object_get(root, "slots"), *slot;
    size_t i;
    json_array_foreach(list, i, slot) *bytes += whole(json_array_get(slots, (size_t)json_integer_value(slot)), "bytes");
}

START_TEST(json_holds_launches_and_both_graphs) {
    sinter_plan *plan = compile_sample();
    json_t *root = explain_json(plan, 0), *launch;
    json_t *totals = json_object_get(root, "totals"), *launches = json_object_get(root, "launches");
    json_t *given = json_object_get(root, "given"), *fused = json_object_get(root, "fused");
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    ck_assert_str_eq(words(root, "title"), "a <title>");
    ck_assert_int_eq(whole(json_object_get(root, "dimensions"), "n"), 4);
    ck_assert_uint_eq(json_array_size(launches), stats.launches);
    ck_assert_int_eq(whole(totals, "operators"), 4);
    ck_assert_uint_eq(json_array_size(json_object_get(given, "nodes")), 4);
    check_graph(given);
    check_graph(fused);
    size_t n;
    json_int_t bytes = 0, moved;
    json_array_foreach(launches, n, launch) {
        words(launch, "ends");
        ck_assert_int_le(whole(launch, "kernel"), (json_int_t)n);
        ck_assert_ptr_nonnull(strstr(words(launch, "source"), "__kernel"));
        moved = 0;
        check_slots(root, json_object_get(launch, "reads"), &moved);
        check_slots(root, json_object_get(launch, "writes"), &moved);
        ck_assert_int_eq(whole(launch, "bytes"), moved);
        bytes += moved;
        ck_assert(!json_object_get(launch, "time_ns"));
    }
    ck_assert_int_eq(whole(totals, "bytes"), bytes);
    json_decref(root);
    sinter_plan_release(plan);
}
END_TEST

/* 4 rows of x times a matrix of 8 x 8: a product and a sum for each. */
START_TEST(operations_are_counted) {
    static const float w[64];
    sinter_value x = sinter_input(g, "x\n</script>", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 8));
    sinter_output(g, "y", sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(8, 8), w, sizeof w)));
    sinter_plan *plan = oracle_compile(&o, g);
    json_t *root = explain_json(plan, 0);
    ck_assert(json_number_value(json_object_get(json_object_get(root, "totals"), "operations")) == 2 * 4 * 8 * 8);
    json_decref(root);
    sinter_plan_release(plan);
}
END_TEST

/* Every node that a launch computes comes from a node of the described graph; what was folded is in none. */
START_TEST(nodes_know_their_origin) {
    sinter_plan *plan = compile_sample();
    json_t *root = explain_json(plan, 0), *node, *launch, *number;
    json_t *given = json_object_get(json_object_get(root, "given"), "nodes");
    json_t *fused = json_object_get(json_object_get(root, "fused"), "nodes");
    bool used[4] = {false};
    size_t n, i;
    json_array_foreach(json_object_get(root, "launches"), n, launch) {
        json_array_foreach(json_object_get(launch, "nodes"), i, number) {
            node = json_array_get(fused, (size_t)json_integer_value(number));
            json_int_t origin = whole(node, "origin");
            ck_assert(origin >= 0 && origin < 4);
            used[origin] = true;
            const char *name = words(json_array_get(given, (size_t)origin), "name");
            ck_assert_str_eq(words(node, "name"), name);
        }
    }
    ck_assert_str_eq(words(json_array_get(given, 1), "op"), "add");
    ck_assert(used[0] && !used[1] && used[2] && used[3]);
    json_decref(root);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(launches_are_timed) {
    sinter_plan *plan = compile_sample();
    json_t *root = explain_json(plan, 2), *launch;
    json_int_t total = 0;
    size_t n;
    json_array_foreach(json_object_get(root, "launches"), n, launch) {
        ck_assert_int_gt(whole(launch, "time_ns"), 0);
        ck_assert(json_number_value(json_object_get(launch, "roofline_ns")) > 0);
        total += whole(launch, "time_ns");
    }
    ck_assert_int_eq(whole(json_object_get(root, "totals"), "time_ns"), total);
    ck_assert_int_eq(whole(json_object_get(root, "totals"), "runs"), 2);
    ck_assert(json_number_value(json_object_get(json_object_get(root, "totals"), "bytes_per_ns")) > 0);
    ck_assert(json_number_value(json_object_get(json_object_get(root, "totals"), "operations_per_ns")) > 0);
    ck_assert(json_number_value(json_object_get(json_object_get(root, "totals"), "half_operations_per_ns")) > 0);
    json_decref(root);
    char *text = explain_as(plan, SINTER_EXPLAIN_TEXT, 1);
    ck_assert_ptr_nonnull(strstr(text, "  time: "));
    sinter_free(text);
    /* Without data there is nothing to run. */
    sinter_binding b = sample_binding();
    sinter_explain_options options = {SINTER_EXPLAIN_JSON, 0, 1, NULL};
    b.data = NULL;
    ck_assert_int_eq(sinter_plan_explain_as(plan, &b, 1, &options, &text), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(text);
    sinter_plan_release(plan);
}
END_TEST

/* A terminal obeys escapes, and a line of the text is one line. */
START_TEST(text_holds_no_control_characters) {
    sinter_plan *plan = compile_sample();
    sinter_binding b = sample_binding();
    char *text;
    ck_assert_int_eq(sinter_plan_explain(plan, &b, 1, 0, &text), SINTER_OK);
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_ptr_nonnull(strstr(text, "onerror=alert(1)>?[31m"));
    ck_assert_ptr_nonnull(strstr(text, "x?</script>: f32[n, 8]"));
    sinter_free(text);
    sinter_plan_release(plan);
}
END_TEST

/* A page is one file, and what a model calls its nodes stays text; ci/check_page.sh opens it in a browser. */
START_TEST(a_page_holds_names_as_text) {
    sinter_plan *plan = compile_sample();
    char *text = explain_as(plan, SINTER_EXPLAIN_HTML, 1);
    ck_assert_ptr_null(strstr(text, "<img"));
    ck_assert_ptr_null(strstr(text, "x\n</script>"));
    ck_assert_ptr_nonnull(strstr(text, "\\u003cimg src=q onerror=alert(1)\\u003e"));
    ck_assert_ptr_null(strstr(text, "src=\""));
    ck_assert_ptr_null(strstr(text, "href"));
    int scripts = 0;
    for (const char *at = text; (at = strstr(at, "</script>")); ++at) ++scripts;
    ck_assert_int_eq(scripts, 2);
    const char *path = getenv("SINTER_TEST_PAGE");
    if (path) ck_assert_int_eq(sni_file_write_atomic(path, text, strlen(text)), SINTER_OK);
    sinter_free(text);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(arguments_are_checked) {
    sinter_plan *plan = compile_sample();
    sinter_binding b = sample_binding();
    sinter_explain_options options = {(sinter_explain_format)99, 0, 0, NULL};
    char *text = (char *)"";
    ck_assert_int_eq(sinter_plan_explain_as(plan, &b, 1, &options, &text), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(sinter_plan_explain_as(plan, &b, 1, &options, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_plan_explain_as(NULL, &b, 1, NULL, &text), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_plan_explain_as(plan, NULL, 0, NULL, &text), SINTER_INVALID_ARGUMENT);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(memory_may_run_out) {
    sinter_plan *plan = compile_sample();
    sinter_binding b = sample_binding();
    for (int format = SINTER_EXPLAIN_TEXT; format <= SINTER_EXPLAIN_HTML; ++format) {
        sinter_explain_options options = {(sinter_explain_format)format, 1, 0, "t"};
        sinter_status status = SINTER_OUT_OF_MEMORY;
        for (int nth = 1; status != SINTER_OK; ++nth) {
            char *text;
            sni_alloc_fail_at(nth);
            status = sinter_plan_explain_as(plan, &b, 1, &options, &text);
            sni_alloc_fail_at(0);
            ck_assert(status == SINTER_OK || (status == SINTER_OUT_OF_MEMORY && !text));
            sinter_free(text);
        }
    }
    sinter_plan_release(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("explain");
    TCase *tc = tcase_create("explain");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, json_holds_launches_and_both_graphs);
    tcase_add_test(tc, operations_are_counted);
    tcase_add_test(tc, nodes_know_their_origin);
    tcase_add_test(tc, launches_are_timed);
    tcase_add_test(tc, text_holds_no_control_characters);
    tcase_add_test(tc, a_page_holds_names_as_text);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_test(tc, memory_may_run_out);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
