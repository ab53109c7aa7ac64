/* Joining groups of random graphs: the search for enclosed groups against one that looks at everything, and the order. */
#include <stdlib.h>
#include <string.h>

#include <sinter/sinter.h>

#include "check_main.h"
#include "fuse/groups.h"

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static int below(int n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int)(random_state >> 33) % n;
}

enum { NODES = 60 };

/* Each node reads two earlier values, mostly recent ones. */
static sinter_graph *random_graph(void) {
    sinter_graph *graph;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    sinter_value values[NODES + 1] = {sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(4))};
    for (int n = 1; n <= NODES; ++n) {
        int near = n < 6 ? n : 6;
        sinter_value a = values[n - 1 - below(near)], b = values[below(n)];
        values[n] = below(4) ? sinter_add(graph, a, b) : sinter_neg(graph, a);
    }
    sinter_output(graph, "y", values[NODES]);
    return graph;
}

static bool member(const int *set, int count, int group) {
    for (int i = 0; i < count; ++i)
        if (set[i] == group) return true;
    return false;
}

/* Does a way lead from group `from` over what it reads into the set? Looks at every node. */
static bool leads_back(const sni_groups *g, int from, const int *set, int count, bool *seen) {
    if (member(set, count, from)) return true;
    if (seen[from]) return false;
    seen[from] = true;
    for (int n = 0; n < g->node_count; ++n)
        for (int e = g->dep_start[n]; g->of[n] == from && e < g->dep_start[n + 1]; ++e)
            if (g->of[g->deps[e]] != from && leads_back(g, g->of[g->deps[e]], set, count, seen)) return true;
    return false;
}

static bool encloses(const sni_groups *g, const int *set, int count) {
    bool seen[NODES] = {false};
    for (int n = 0; n < g->node_count; ++n)
        for (int e = g->dep_start[n]; member(set, count, g->of[n]) && e < g->dep_start[n + 1]; ++e)
            if (!member(set, count, g->of[g->deps[e]]) && leads_back(g, g->of[g->deps[e]], set, count, seen))
                return true;
    return false;
}

/* Every group stands after what it reads, holds its nodes in ascending order, and every node is in one. */
static void check_order(const sni_groups *g) {
    int place[NODES], at = 0, nodes = 0;
    uint64_t last = 0;
    for (int i = g->first; i >= 0; i = g->items[i].after) {
        ck_assert_uint_gt(g->items[i].place, last);
        last = g->items[i].place;
        place[i] = at++;
        for (size_t k = 0; k < g->items[i].nodes.count; ++k, ++nodes) {
            ck_assert_int_eq(g->of[g->items[i].nodes.items[k]], i);
            if (k > 0) ck_assert_int_lt(g->items[i].nodes.items[k - 1], g->items[i].nodes.items[k]);
        }
    }
    int free_nodes = 0;
    for (int n = 0; n < g->node_count; ++n) {
        free_nodes += g->is_free[n];
        for (int e = g->dep_start[n]; e < g->dep_start[n + 1]; ++e)
            if (g->of[g->deps[e]] != g->of[n]) ck_assert_int_lt(place[g->of[g->deps[e]]], place[g->of[n]]);
    }
    ck_assert_int_eq(nodes + free_nodes, g->node_count);
}

static int random_group(const sni_groups *g) {
    int n;
    do n = below(g->node_count);
    while (g->of[n] < 0);
    return g->of[n];
}

START_TEST(random_joins) {
    int joins = 0, refusals = 0;
    for (int round = 0; round < 200; ++round) {
        sinter_graph *graph = random_graph();
        bool is_free[NODES];
        for (int n = 0; n < NODES; ++n) is_free[n] = below(8) == 0;
        sni_groups g;
        ck_assert(sni_groups_init(&g, graph, is_free));
        check_order(&g);
        for (int i = 0; i < 80; ++i) {
            int set[3] = {random_group(&g), random_group(&g), random_group(&g)}, joined = -1;
            int count = below(3) && set[2] != set[0] && set[2] != set[1] ? 3 : 2;
            bool failed = false;
            if (set[0] == set[1]) continue;
            bool refused = sni_groups_encloses(&g, set, count, &failed);
            ck_assert(!failed);
            ck_assert_int_eq(refused, encloses(&g, set, count));
            refusals += refused;
            if (refused) continue;
            size_t before = 0;
            for (int k = 0; k < count; ++k) before += g.items[set[k]].nodes.count;
            ck_assert(sni_groups_join(&g, set, count, &joined));
            ck_assert_uint_eq(g.items[joined].nodes.count, before);
            check_order(&g);
            ++joins;
        }
        sni_groups_deinit(&g);
        sinter_graph_release(graph);
    }
    ck_assert_int_gt(joins, 1000);
    ck_assert_int_gt(refusals, 1000);
}
END_TEST

/* Joining at one place again and again uses up the numbers there. */
START_TEST(places_run_out) {
    enum { COUNT = 300 };
    sinter_graph *graph;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    sinter_value x = sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(4)), first = sinter_neg(graph, x), sum = first;
    bool is_free[3 * COUNT + 1] = {false};
    for (int i = 0; i < COUNT; ++i) sum = sinter_add(graph, sum, sinter_mul(graph, x, sinter_neg(graph, x)));
    sinter_output(graph, "y", sum);
    sni_groups g;
    ck_assert(sni_groups_init(&g, graph, is_free));
    for (int n = 1; n < g.node_count; ++n) {
        /* Only the sums go into the first group: what they add has to move before it. */
        if (strcmp(graph->nodes[n].op->name, "add") != 0) continue;
        int set[2] = {g.of[0], g.of[n]}, joined;
        bool failed;
        ck_assert(!sni_groups_encloses(&g, set, 2, &failed) && !failed);
        ck_assert(sni_groups_join(&g, set, 2, &joined));
        for (int i = g.first; i >= 0; i = g.items[i].after)
            if (g.items[i].after >= 0) ck_assert_uint_lt(g.items[i].place, g.items[g.items[i].after].place);
    }
    ck_assert_uint_eq(g.items[g.of[0]].nodes.count, COUNT + 1);
    sni_groups_deinit(&g);
    sinter_graph_release(graph);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {random_joins, places_run_out};
    return run_suite(suite_of("groups", tests, sizeof tests / sizeof *tests));
}
