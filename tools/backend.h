/* Directories of the ONNX backend tests: model.onnx, and beside it test_data_set_N/input_N.pb, output_N.pb. Used by
 * `sinter conformance`, and by the test that runs the same directories on the reference evaluator. */
#ifndef SINTER_TOOLS_BACKEND_H
#define SINTER_TOOLS_BACKEND_H

#include <sinter/onnx.h>

#define BACKEND_MAX_TENSORS 64

/* One test_data_set_*; tensors in the order of their numbers. */
typedef struct backend_set {
    char *path;
    sinter_onnx_tensor inputs[BACKEND_MAX_TENSORS], outputs[BACKEND_MAX_TENSORS];
    int input_count, output_count;
} backend_set;

/* Calls visit with every directory below (and with) root that holds a model.onnx, in the order of their
 * names. IO when root cannot be read. */
sinter_status backend_walk(const char *root, void (*visit)(void *context, const char *dir), void *context);
/* Paths of dir's data sets in order, at most capacity; the caller frees each with sni_free. */
sinter_status backend_list_sets(const char *dir, char **out_paths, int capacity, int *out_count);

/* Reads one data set and imports dir/model.onnx for it; release both also after a failure. UNSUPPORTED: the
 * model, or the type of some data.
 *
 * An operand that gives a shape must be known when a plan is compiled, but the tests give it as an
 * input: when the import fails for that reason, the set's small integer inputs become constants, then
 * its small real ones, too. *out_fixed is the number of inputs that did. */
sinter_status backend_load(const char *dir, const char *set_path, backend_set *out_set, sinter_graph **out_graph,
                           int *out_fixed);
void backend_set_release(backend_set *set);

/* The set's tensor for an input of the graph: by name, or by position when no name is known. */
const sinter_onnx_tensor *backend_input(const backend_set *set, const sinter_graph *graph, size_t index);

#endif
