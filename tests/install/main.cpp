// The headers from C++: the shape macro, a graph, a plan.
#include <cstdio>

#include <sinter/sinter.h>

int main() {
    sinter_runtime *runtime = nullptr;
    sinter_graph *graph = nullptr;
    sinter_plan *plan = nullptr;
    float in[4] = {1, 2, 3, 4}, out[4] = {};
    bool ok = sinter_runtime_create(nullptr, &runtime) == SINTER_OK && sinter_graph_create(&graph) == SINTER_OK;
    if (ok) {
        sinter_value x = sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 2));
        sinter_output(graph, "y", sinter_mul(graph, x, x));
        ok = sinter_plan_compile(runtime, graph, nullptr, &plan) == SINTER_OK;
    }
    sinter_binding bindings[] = {
        SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(2, 2), in, sizeof in),
        SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, out, sizeof out),
    };
    ok = ok && sinter_plan_run(plan, bindings, 2) == SINTER_OK;
    for (int i = 0; ok && i < 4; ++i) ok = out[i] == in[i] * in[i];
    if (!ok) std::fprintf(stderr, "failed: %s\n", sinter_last_error());
    sinter_plan_release(plan);
    sinter_graph_release(graph);
    sinter_runtime_release(runtime);
    return ok ? 0 : 1;
}
