/* Results whose size depends on data, cut to it. */
#ifndef TOOLS_TRIM_H
#define TOOLS_TRIM_H

#include <sinter/onnx.h>

/* outputs are the count outputs of a graph after a run, in its order. Cuts those of which only a part is meant to that part,
 * and releases the outputs that only said how much; returns how many are left, in their order. */
size_t tool_outputs_trim(const sinter_graph *graph, sinter_onnx_tensor *outputs, size_t count);

#endif
