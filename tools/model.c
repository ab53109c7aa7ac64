#include "model.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "command.h"
#include "files.h"
#include "progress.h"

#define MAX_NAME 256
#define SEED 20240229 /* any number does, but always the same */

/* Sizes of named dimensions. */
typedef struct {
    char name[64];
    int64_t value;
    bool used;
} dimension;

typedef struct {
    dimension *at;
    size_t count, capacity;
} dimensions;

static dimension *find_dim(dimensions *dims, const char *name) {
    for (size_t i = 0; i < dims->count; i++)
        if (strcmp(dims->at[i].name, name) == 0) return &dims->at[i];
    return NULL;
}

static bool add_dim(dimensions *dims, const char *name, int64_t value) {
    if (!SNI_RESERVE(dims->at, dims->capacity, dims->count + 1)) return false;
    dimension *dim = &dims->at[dims->count++];
    *dim = (dimension){.value = value};
    snprintf(dim->name, sizeof dim->name, "%s", name);
    return true;
}

static int read_dims(const tool_list *list, dimensions *dims) {
    for (size_t i = 0; i < list->count; i++) {
        char name[64];
        long long value;
        const char *text = tool_option_split(list->items[i], name, sizeof name);
        if (!text || !sni_parse_i64(text, &value) || value < 0)
            return tool_usage("--dim takes NAME=N, not '%s'", list->items[i]);
        if (find_dim(dims, name)) return tool_usage("dimension '%s' is given twice", name);
        if (!add_dim(dims, name, value)) return tool_fail(SINTER_OUT_OF_MEMORY, "dimensions");
    }
    return TOOL_DONE;
}

/* One dimension of an input: its number, or -1 and its name. */
static int64_t dim_of(const tool_model *model, size_t input, int axis, char *name, size_t size) {
    long long value;
    sinter_value at = sinter_graph_input_value(model->graph, input);
    sinter_value_dim_string(model->graph, at, axis, name, size);
    return sni_parse_i64(name, &value) ? value : -1;
}

static sinter_shape shape_of(const tool_model *model, size_t input, dimensions *dims, int64_t unknown) {
    char name[64];
    sinter_value at = sinter_graph_input_value(model->graph, input);
    sinter_shape shape = {.rank = sinter_value_rank(model->graph, at)};
    for (int i = 0; i < shape.rank; i++) {
        shape.dims[i] = dim_of(model, input, i, name, sizeof name);
        if (shape.dims[i] >= 0) continue;
        dimension *dim = find_dim(dims, name);
        if (dim) dim->used = true;
        shape.dims[i] = dim ? dim->value : unknown;
    }
    return shape;
}

/* A file sets the dimensions that are not given yet. */
static bool learn_dims(const tool_model *model, size_t input, sinter_shape shape, dimensions *dims) {
    char name[64];
    sinter_value at = sinter_graph_input_value(model->graph, input);
    int rank = sinter_value_rank(model->graph, at);
    for (int i = 0; i < rank && i < shape.rank; i++)
        if (dim_of(model, input, i, name, sizeof name) < 0 && !find_dim(dims, name) &&
            !add_dim(dims, name, shape.dims[i]))
            return false;
    return true;
}

static size_t find_input(const tool_model *model, const char *name) {
    for (size_t i = 0; i < model->input_count; i++)
        if (strcmp(sinter_graph_input_name(model->graph, i), name) == 0) return i;
    return model->input_count;
}

static int unknown_input(const tool_model *model, const char *name) {
    sni_str names = SNI_STR_INIT;
    for (size_t i = 0; i < model->input_count; i++)
        sni_str_printf(&names, " %s", sinter_graph_input_name(model->graph, i));
    int code = tool_usage("the model has no input '%s'; it has:%s", name, sni_str_text(&names));
    sni_str_deinit(&names);
    return code;
}

static int read_inputs(tool_model *model, const tool_list *list, dimensions *dims) {
    for (size_t i = 0; i < list->count; i++) {
        char name[MAX_NAME];
        const char *file = tool_option_split(list->items[i], name, sizeof name);
        if (!file) return tool_usage("--input takes NAME=FILE, not '%s'", list->items[i]);
        size_t at = find_input(model, name);
        if (at == model->input_count) return unknown_input(model, name);
        if (model->inputs[at].data) return tool_usage("input '%s' is given twice", name);
        sinter_value value = sinter_graph_input_value(model->graph, at);
        sinter_status status = tool_tensor_read(file, name, sinter_value_dtype(model->graph, value),
                                                shape_of(model, at, dims, -1), &model->inputs[at]);
        if (status == SINTER_OK && !learn_dims(model, at, model->inputs[at].shape, dims)) status = SINTER_OUT_OF_MEMORY;
        if (status != SINTER_OK) return tool_fail(status, "--input");
    }
    return TOOL_DONE;
}

static int fill_inputs(tool_model *model, dimensions *dims) {
    for (size_t i = 0; i < model->input_count; i++) {
        sinter_onnx_tensor *input = &model->inputs[i];
        sinter_value value = sinter_graph_input_value(model->graph, i);
        sinter_shape shape = shape_of(model, i, dims, 1);
        if (!input->data) {
            const char *name = sinter_graph_input_name(model->graph, i);
            sinter_status status = tool_tensor_make(name, sinter_value_dtype(model->graph, value), shape, input);
            if (status != SINTER_OK) return tool_fail(status, NULL);
            tool_tensor_fill(input, SEED + i);
        }
        model->bindings[i] =
            (sinter_binding)SINTER_BIND_HOST(input->name, input->dtype, input->shape, input->data, input->size_bytes);
    }
    for (size_t i = 0; i < dims->count; i++)
        if (!dims->at[i].used && dims->at[i].name[0])
            return tool_usage("the model's inputs have no dimension '%s'", dims->at[i].name);
    return TOOL_DONE;
}

static int open_model(const char *path, const tool_list *inputs, const tool_list *dim_list, dimensions *dims,
                      tool_model *model) {
    int code = read_dims(dim_list, dims);
    if (code != TOOL_DONE) return code;
    tool_progress_begin("reading");
    sinter_status status = sinter_onnx_load(path, NULL, &model->graph);
    if (status != SINTER_OK) return tool_fail(status, NULL);
    model->input_count = sinter_graph_input_count(model->graph);
    model->output_count = sinter_graph_output_count(model->graph);
    model->inputs = sni_calloc(model->input_count + 1, sizeof *model->inputs);
    model->bindings = sni_calloc(model->input_count + model->output_count + 1, sizeof *model->bindings);
    if (!model->inputs || !model->bindings) return tool_fail(SINTER_OUT_OF_MEMORY, "inputs");
    code = read_inputs(model, inputs, dims);
    return code == TOOL_DONE ? fill_inputs(model, dims) : code;
}

int tool_model_open(const char *path, const tool_list *inputs, const tool_list *dim_list, tool_model *out_model) {
    dimensions dims = {NULL, 0, 0};
    memset(out_model, 0, sizeof *out_model);
    int code = open_model(path, inputs, dim_list, &dims, out_model);
    sni_free(dims.at);
    return code;
}

void tool_model_release(tool_model *model) {
    for (size_t i = 0; i < model->input_count && model->inputs; i++) sinter_onnx_tensor_release(&model->inputs[i]);
    sni_free(model->inputs);
    sni_free(model->bindings);
    sinter_graph_release(model->graph);
    memset(model, 0, sizeof *model);
}

int tool_model_compile(const tool_model *model, const char *device, sinter_runtime **out_runtime,
                       sinter_plan **out_plan) {
    sinter_runtime_options runtime_options = SINTER_RUNTIME_OPTIONS_INIT;
    sinter_plan_options plan_options = SINTER_PLAN_OPTIONS_INIT;
    runtime_options.device = device;
    plan_options.progress = tool_progress_of_plan;
    tool_progress_begin("compiling");
    sinter_status status = sinter_runtime_create(&runtime_options, out_runtime);
    if (status != SINTER_OK) return tool_fail(status, NULL);
    status = sinter_plan_compile(*out_runtime, model->graph, &plan_options, out_plan);
    return status == SINTER_OK ? TOOL_DONE : tool_fail(status, NULL);
}
