#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "graph/graph.h"

#define MAX_FILE_NAME 32

/* ---- directories ---- */

typedef struct {
    char **at;
    size_t count, capacity;
    const char *dir, *prefix;
    bool failed;
} names;

static bool add_dir(void *context, const sni_dir_entry *entry) {
    names *list = context;
    if (!entry->is_dir || strncmp(entry->name, list->prefix, strlen(list->prefix)) != 0) return true;
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", list->dir, entry->name);
    char *text = sni_str_take(&path);
    list->failed = !text || !SNI_RESERVE(list->at, list->capacity, list->count + 1);
    if (list->failed)
        sni_free(text);
    else
        list->at[list->count++] = text;
    return !list->failed;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_release(names *list) {
    for (size_t i = 0; i < list->count; i++) sni_free(list->at[i]);
    sni_free(list->at);
}

/* Directories of dir whose names start with prefix, sorted. */
static sinter_status list_dirs(const char *dir, const char *prefix, names *out) {
    *out = (names){.dir = dir, .prefix = prefix};
    sinter_status status = sni_dir_list(dir, add_dir, out);
    if (status == SINTER_OK && out->failed) status = sni_out_of_memory("a directory");
    if (status != SINTER_OK) {
        names_release(out);
        return status;
    }
    if (out->count > 0) qsort(out->at, out->count, sizeof *out->at, by_text);
    return SINTER_OK;
}

static bool has_file(const char *dir, const char *name) {
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", dir, name);
    bool found = !path.failed && sni_file_exists(sni_str_text(&path));
    sni_str_deinit(&path);
    return found;
}

#define MAX_DEPTH 16 /* a link that leads back up ends here */

static sinter_status walk(const char *dir, int depth, void (*visit)(void *, const char *), void *context) {
    names below;
    if (has_file(dir, "model.onnx")) visit(context, dir);
    if (depth >= MAX_DEPTH) return SINTER_OK;
    sinter_status status = list_dirs(dir, "", &below);
    if (status != SINTER_OK) return status;
    for (size_t i = 0; status == SINTER_OK && i < below.count; i++) {
        const char *name = strrchr(below.at[i], '/') + 1;
        if (strncmp(name, "test_data_set", 13) != 0) status = walk(below.at[i], depth + 1, visit, context);
    }
    names_release(&below);
    return status;
}

sinter_status backend_walk(const char *root, void (*visit)(void *context, const char *dir), void *context) {
    return walk(root, 0, visit, context);
}

sinter_status backend_list_sets(const char *dir, char **out_paths, int capacity, int *out_count) {
    names sets;
    *out_count = 0;
    sinter_status status = list_dirs(dir, "test_data_set_", &sets);
    if (status != SINTER_OK) return status;
    for (size_t i = 0; i < sets.count && *out_count < capacity; i++) {
        out_paths[(*out_count)++] = sets.at[i];
        sets.at[i] = NULL;
    }
    names_release(&sets);
    return SINTER_OK;
}

/* ---- data sets ---- */

static sinter_status load_numbered(const char *dir, const char *kind, sinter_onnx_tensor *tensors, int *out_count) {
    *out_count = 0;
    for (int i = 0; i < BACKEND_MAX_TENSORS; i++) {
        char name[MAX_FILE_NAME];
        snprintf(name, sizeof name, "%s_%d.pb", kind, i);
        if (!has_file(dir, name)) break;
        sni_str path = SNI_STR_INIT;
        sni_str_printf(&path, "%s/%s", dir, name);
        sinter_status status =
            path.failed ? sni_out_of_memory("a path") : sinter_onnx_tensor_load(sni_str_text(&path), &tensors[i]);
        sni_str_deinit(&path);
        if (status != SINTER_OK) return status;
        *out_count = i + 1;
    }
    return SINTER_OK;
}

static sinter_status load_set(const char *path, backend_set *out_set) {
    out_set->path = sni_strdup(path);
    if (!out_set->path) return sni_out_of_memory("a data set");
    sinter_status status = load_numbered(path, "input", out_set->inputs, &out_set->input_count);
    if (status != SINTER_OK) return status;
    return load_numbered(path, "output", out_set->outputs, &out_set->output_count);
}

void backend_set_release(backend_set *set) {
    for (int i = 0; i < set->input_count; i++) sinter_onnx_tensor_release(&set->inputs[i]);
    for (int i = 0; i < set->output_count; i++) sinter_onnx_tensor_release(&set->outputs[i]);
    sni_free(set->path);
    memset(set, 0, sizeof *set);
}

/* ---- models ---- */

/* May this input be a shape's operand? */
static bool is_operand(const sinter_onnx_tensor *tensor, bool real_ones) {
    size_t size = sinter_dtype_size(tensor->dtype);
    size_t count = size ? tensor->size_bytes / size : 0;
    bool real = tensor->dtype == SINTER_F32 || tensor->dtype == SINTER_F64 || tensor->dtype == SINTER_F16 ||
                tensor->dtype == SINTER_BF16;
    if (tensor->shape.rank > 1) return false;
    if (real) return tensor->shape.rank == 0 || (real_ones && count <= 16);
    return count <= 64;
}

static sinter_status import_fixed(const char *model, const backend_set *set, int level, sinter_graph **out_graph,
                                  int *out_fixed) {
    sinter_onnx_tensor fixed[BACKEND_MAX_TENSORS];
    sinter_onnx_options options = SINTER_ONNX_OPTIONS_INIT;
    for (int i = 0; level > 0 && i < set->input_count; i++)
        if (is_operand(&set->inputs[i], level > 1)) fixed[options.fixed_count++] = set->inputs[i];
    options.fixed = fixed;
    *out_fixed = (int)options.fixed_count;
    return sinter_onnx_load(model, &options, out_graph);
}

static sinter_status import(const char *dir, const backend_set *set, sinter_graph **out_graph, int *out_fixed) {
    sni_str model = SNI_STR_INIT;
    sni_str_printf(&model, "%s/model.onnx", dir);
    sinter_status status = SINTER_OUT_OF_MEMORY;
    for (int level = 0; level < 3 && !model.failed; level++) {
        status = import_fixed(sni_str_text(&model), set, level, out_graph, out_fixed);
        if (status != SINTER_UNSUPPORTED || !strstr(sinter_last_error(), "depends on data")) break;
    }
    sni_str_deinit(&model);
    return status;
}

/* Files of onnx before 1.13 keep bf16 as its bits in UINT16, some with other dimensions than the model says; and some data
 * sets contradict their model, so that nothing can be learnt from them. */
static sinter_status fit_data(const sinter_graph *graph, sinter_value value, bool partial, sinter_onnx_tensor *tensor) {
    const sni_type *type = &sni_graph_value(graph, value.id)->type;
    sinter_shape shape = {.rank = type->rank};
    int64_t count = 1, have = 1;
    bool bits = type->dtype == SINTER_BF16 && tensor->dtype == SINTER_U16;
    if (bits) tensor->dtype = SINTER_BF16;
    for (int i = 0; i < type->rank; i++) {
        if (!sni_sym_is_const(graph->sym, type->dims[i], &shape.dims[i])) return SINTER_OK;
        count *= shape.dims[i];
    }
    for (int i = 0; i < tensor->shape.rank; i++) have *= tensor->shape.dims[i];
    if (partial) return SINTER_OK;
    if (have != count)
        return sni_fail(SINTER_UNSUPPORTED, "the data set has %lld elements for %s, the model %lld", (long long)have,
                        tensor->name, (long long)count);
    if (bits) tensor->shape = shape;
    return SINTER_OK;
}

static sinter_status fit_all(const sinter_graph *graph, backend_set *set) {
    for (size_t i = 0; i < sinter_graph_input_count(graph); i++) {
        sinter_onnx_tensor *tensor = (sinter_onnx_tensor *)backend_input(set, graph, i);
        if (tensor) SNI_TRY(fit_data(graph, sinter_graph_input_value(graph, i), false, tensor));
    }
    for (size_t i = 0; i < (size_t)set->output_count && i < sinter_graph_output_count(graph); i++) {
        const sni_type *type = &sni_graph_value(graph, sinter_graph_output_value(graph, i).id)->type;
        bool partial = sinter_graph_output_extent(graph, i, NULL) != NULL;
        if (type->dtype == SINTER_BF16)
            SNI_TRY(fit_data(graph, sinter_graph_output_value(graph, i), partial, &set->outputs[i]));
    }

    return SINTER_OK;
}

/* What the model needs and this library has not says more than the data of such a model, which may be
 * no tensors at all. */
sinter_status backend_load(const char *dir, const char *set_path, backend_set *out_set, sinter_graph **out_graph,
                           int *out_fixed) {
    memset(out_set, 0, sizeof *out_set);
    *out_graph = NULL;
    sinter_status loaded = load_set(set_path, out_set);
    sni_str why = SNI_STR_INIT;
    if (loaded != SINTER_OK) sni_str_append(&why, sinter_last_error());
    sinter_status status = import(dir, out_set, out_graph, out_fixed);
    if (status == SINTER_OK && loaded != SINTER_OK) status = sni_fail(loaded, "%s", sni_str_text(&why));
    sni_str_deinit(&why);
    return status == SINTER_OK ? fit_all(*out_graph, out_set) : status;
}

const sinter_onnx_tensor *backend_input(const backend_set *set, const sinter_graph *graph, size_t index) {
    const char *name = sinter_graph_input_name(graph, index);
    for (int i = 0; name && i < set->input_count; i++)
        if (strcmp(set->inputs[i].name, name) == 0) return &set->inputs[i];
    return index < (size_t)set->input_count ? &set->inputs[index] : NULL;
}
