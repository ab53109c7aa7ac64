/* What the clients of tests/api share. Public headers only. */
#ifndef SINTER_TESTS_API_H
#define SINTER_TESTS_API_H

#include <check_main.h>
#include <sinter/sinter.h>

#define must(call) ck_assert_msg((call) == SINTER_OK, "%s: %s", #call, sinter_last_error())

/* y = relu(x) + b, n elements. */
static inline sinter_plan *make_small(sinter_runtime *runtime, float b) {
    sinter_graph *g;
    sinter_plan *plan;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value c = sinter_constant(g, SINTER_F32, SINTER_SCALAR, &b, sizeof b);
    sinter_output(g, "y", sinter_add(g, sinter_relu(g, x), c));
    must(sinter_plan_compile(runtime, g, NULL, &plan));
    sinter_graph_release(g);
    return plan;
}

/* depth products of n x n matrices one after the other: y = x w w w ... Takes a while. */
static inline sinter_plan *make_long(sinter_runtime *runtime, int n, int depth) {
    sinter_graph *g;
    sinter_plan *plan;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(n, n));
    sinter_value w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(n, n));
    for (int i = 0; i < depth; ++i) x = sinter_matmul(g, x, w);
    sinter_output(g, "y", x);
    must(sinter_plan_compile(runtime, g, NULL, &plan));
    sinter_graph_release(g);
    return plan;
}

#endif
