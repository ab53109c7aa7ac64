/* A function of one's own between operators of the library: all of it is one kernel.
 *
 *     example-custom
 *
 * Scales rows to a length of 1, after a function that the library does not have. */
#include <stdio.h>

#include <sinter/sinter.h>

static const char source[] = "float squareplus(float x, float b) {\n"
                             "    return 0.5f * (x + sqrt(x * x + b));\n"
                             "}\n";

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, sinter_last_error());
    return 1;
}

static sinter_graph *describe(void) {
    sinter_graph *g;
    if (sinter_graph_create(&g) != SINTER_OK) return NULL;
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("rows"), 4));
    sinter_value operands[] = {x, sinter_scalar(g, SINTER_F32, 4)};
    sinter_value y = sinter_custom(g, source, operands, 2);
    sinter_value length = sinter_reduce_l2(g, y, SINTER_SHAPE(1), 1);
    sinter_output(g, "y", sinter_div(g, y, length));
    return g;
}

static int run(sinter_runtime *runtime, sinter_graph *graph) {
    float x[2][4] = {{-1, 0, 1, 2}, {3, -3, 0.5f, 10}}, y[2][4];
    sinter_plan *plan;
    if (sinter_plan_compile(runtime, graph, NULL, &plan) != SINTER_OK) return fail("compile");
    sinter_binding bindings[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(2, 4), x, sizeof x),
                                 SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(2, 4), y, sizeof y)};
    int code = sinter_plan_run(plan, bindings, 2) == SINTER_OK ? 0 : fail("run");
    for (int i = 0; i < 2 && code == 0; ++i) printf("%.4f %.4f %.4f %.4f\n", y[i][0], y[i][1], y[i][2], y[i][3]);
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    if (code == 0) printf("launches: %u\n", (unsigned)stats.launches);
    sinter_plan_release(plan);
    return code;
}

int main(void) {
    sinter_runtime *runtime;
    if (sinter_runtime_create(NULL, &runtime) != SINTER_OK) return fail("runtime");
    sinter_graph *graph = describe();
    int code = graph ? run(runtime, graph) : fail("graph");
    sinter_graph_release(graph);
    sinter_runtime_release(runtime);
    return code;
}
