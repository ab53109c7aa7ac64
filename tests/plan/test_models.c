/* Models of real exporters: one plan for every size, against the reference evaluator, and nothing compiled for a size. */
#include <sinter/onnx.h>

#include "check_main.h"
#include "oracle.h"

static oracle o;

/* The plan of a model whose inputs are all [batch, seq] or [batch, ...rest]. */
static void check_model(const char *path, const int64_t (*sizes)[2], size_t count, int rest_rank, const int64_t *rest,
                        double factor) {
    sinter_graph *graph;
    oracle_init(&o);
    ck_assert_msg(sinter_onnx_load(path, NULL, &graph) == SINTER_OK, "%s", sinter_last_error());
    sinter_plan *plan = oracle_compile(&o, graph);
    sinter_runtime_stats before = {0}, after;
    for (size_t i = 0; i < count; ++i) {
        sinter_shape shapes[ORACLE_MAX];
        for (size_t n = 0; n < sinter_graph_input_count(graph); ++n) {
            shapes[n] = SINTER_SHAPE(sizes[i][0], sizes[i][1]);
            for (int d = 0; d < rest_rank; ++d) shapes[n].dims[1 + d] = rest[d];
            if (rest_rank) shapes[n].rank = 1 + rest_rank;
        }
        oracle_check_plan(&o, graph, plan, shapes, factor);
        if (i == 1) sinter_runtime_get_stats(o.runtime, &before);
    }
    sinter_runtime_get_stats(o.runtime, &after);
    ck_assert_uint_eq(before.kernels_compiled, after.kernels_compiled);
    sinter_plan_release(plan);
    sinter_graph_release(graph);
    oracle_deinit(&o);
}

START_TEST(bert_at_every_size) {
    static const int64_t sizes[][2] = {{1, 1}, {2, 17}, {3, 64}, {7, 33}, {16, 128}};
    check_model(SINTER_TEST_DATA "/models/bert_mini/model.onnx", sizes, 5, 0, NULL, 200);
}
END_TEST

START_TEST(digits_in_batches) {
    static const int64_t sizes[][2] = {{1, 0}, {5, 0}, {64, 0}, {397, 0}};
    static const int64_t picture[] = {1, 8, 8};
    check_model(SINTER_TEST_DATA "/digits/model.onnx", sizes, 4, 3, picture, 200);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {bert_at_every_size, digits_in_batches};
    return run_suite(suite_of("models", tests, sizeof tests / sizeof *tests));
}
