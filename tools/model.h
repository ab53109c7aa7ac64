/* A model with the data of its inputs: what `run` and `explain` start from. */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include <sinter/onnx.h>
#include <sinter/plan.h>

#include "options.h"

typedef struct tool_model {
    sinter_graph *graph;
    sinter_onnx_tensor *inputs; /* one an input of the graph */
    sinter_binding *bindings;   /* of the inputs; room for the outputs behind them */
    size_t input_count, output_count;
} tool_model;

/* Loads path and gives every input data: from inputs ("NAME=FILE") or, where none is given, from a fixed seed.
 * A dimension that neither dims ("NAME=N") nor a file sets is 1. Returns an exit code after printing what is
 * wrong; release the model in any case. */
int tool_model_open(const char *path, const tool_list *inputs, const tool_list *dims, tool_model *out_model);
void tool_model_release(tool_model *model);

/* Opens a runtime and compiles the model, which is a part of the command's progress. Returns an exit code. */
int tool_model_compile(const tool_model *model, const char *device, sinter_runtime **out_runtime,
                       sinter_plan **out_plan);

#endif
