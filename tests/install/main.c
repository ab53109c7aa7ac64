/* A program outside of the tree: builds a graph, runs it, and reads a model file. */
#include <stdio.h>

#include <sinter/onnx.h>
#include <sinter/sinter.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, sinter_last_error());
    return 1;
}

static int run_graph(sinter_runtime *runtime) {
    sinter_graph *graph = NULL;
    if (sinter_graph_create(&graph) != SINTER_OK) return fail("graph");
    sinter_value x = sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3));
    sinter_value one = sinter_scalar(graph, SINTER_F32, 1);
    sinter_output(graph, "y", sinter_relu(graph, sinter_add(graph, x, one)));
    sinter_plan *plan = NULL;
    sinter_status status = sinter_plan_compile(runtime, graph, NULL, &plan);
    sinter_graph_release(graph);
    if (status != SINTER_OK) return fail("compile");
    float in[6] = {-3, -1, 0, 1, 2, 3}, out[6] = {0};
    sinter_binding bindings[] = {
        SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(2, 3), in, sizeof in),
        SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, out, sizeof out),
    };
    status = sinter_plan_run(plan, bindings, 2);
    sinter_plan_release(plan);
    if (status != SINTER_OK) return fail("run");
    for (int i = 0; i < 6; ++i) {
        float wanted = in[i] + 1 > 0 ? in[i] + 1 : 0;
        if (out[i] == wanted) continue;
        fprintf(stderr, "element %d is %g, not %g\n", i, (double)out[i], (double)wanted);
        return 1;
    }
    return 0;
}

static int read_model(const char *path) {
    sinter_graph *graph = NULL;
    if (sinter_onnx_load(path, NULL, &graph) != SINTER_OK) return fail(path);
    size_t inputs = sinter_graph_input_count(graph), outputs = sinter_graph_output_count(graph);
    sinter_graph_release(graph);
    if (inputs && outputs) return 0;
    fprintf(stderr, "%s: %zu inputs, %zu outputs\n", path, inputs, outputs);
    return 1;
}

int main(int argc, char **argv) {
    sinter_runtime *runtime = NULL;
    if (sinter_runtime_create(NULL, &runtime) != SINTER_OK) return fail("runtime");
    int result = run_graph(runtime);
    sinter_runtime_release(runtime);
    return result || (argc > 1 && read_model(argv[1]));
}
