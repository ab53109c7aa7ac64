/* Random graphs, compiled once and run at several sizes, against the reference evaluator: views in views, reductions between
 * elementwise chains, products with everything before and behind them. Fixed seeds; SINTER_TEST_GRAPHS=COUNT tries
 * that many, SINTER_TEST_SEED=N starts elsewhere. */
#include "check_main.h"
#include "oracle.h"
#include "random_graph.h"

enum { STEPS = 14, GRAPHS = 30 };

static oracle o;

static const int64_t sizes[][2] = {{3, 5}, {1, 1}, {8, 16}, {5, 33}};

START_TEST(random_graphs) {
    const char *text = getenv("SINTER_TEST_GRAPHS"), *first = getenv("SINTER_TEST_SEED");
    long count = text ? strtol(text, NULL, 10) : GRAPHS, start = first ? strtol(first, NULL, 10) : 1;
    long launches = 0, nodes = 0;
    oracle_init(&o);
    dtype = SINTER_F32;
    for (long i = start; i < start + count; ++i) {
        seed = 0x9e3779b97f4a7c15ull * (uint64_t)i;
        make_graph(STEPS);
        if (getenv("SINTER_TEST_VERBOSE")) fprintf(stderr, "graph %ld, %zu nodes\n", i, g->node_count);
        sinter_plan *plan;
        ck_assert_msg(sinter_plan_compile(o.runtime, g, NULL, &plan) == SINTER_OK, "graph %ld: %s", i,
                      sinter_last_error());
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
            int64_t n = sizes[s][0], m = sizes[s][1];
            sinter_shape shapes[] = {SINTER_SHAPE(n, 4, 6), SINTER_SHAPE(n, m), SINTER_SHAPE(2, 4, m, 6)};
            oracle_check_plan(&o, g, plan, shapes, 300);
        }
        launches += (long)oracle_launches(plan);
        nodes += (long)g->node_count;
        sinter_plan_release(plan);
        sinter_graph_release(g);
    }
    printf("%ld graphs, %ld operators, %ld launches\n", count, nodes, launches);
    ck_assert_int_lt(launches, nodes);
    oracle_deinit(&o);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {random_graphs};
    return run_suite(suite_of("random graphs on the device", tests, sizeof tests / sizeof *tests));
}
