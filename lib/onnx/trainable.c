/* Initialisers that training may change: constants of the finished graph become states, so that every operator was imported as
 * it is for a model that is only run. What the importer itself reads (sizes of a Resize, an axis) stays as it was read. */
#include "onnx/import.h"

#include <string.h>

/* Which values nodes and outputs of the graph read. */
static bool *find_read(const sni_onnx_importer *importer) {
    const sinter_graph *graph = importer->graph;
    bool *read = sni_arena_alloc(importer->arena, graph->value_count * sizeof *read);
    if (!read) return NULL;
    memset(read, 0, graph->value_count * sizeof *read);
    for (size_t n = 0; n < graph->node_count; n++)
        for (int i = 0; i < graph->nodes[n].in_count; i++) read[graph->nodes[n].in[i]] = true;
    for (size_t o = 0; o < graph->output_count; o++) read[graph->outputs[o].value] = true;
    return read;
}

/* What keeps a named initialiser from being trained. */
static sinter_status check_named(const sni_onnx_importer *importer, const sni_onnx_name *name, const char *text,
                                 const bool *read) {
    if (!name || name->kind != SNI_ONNX_INITIALIZER)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "training: '%s' is no initialiser of the model's main graph, which has %zu of them", text,
                        importer->model->initializer_count);
    if (name->value == 0 || !read[name->value])
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "training: '%s' is an initialiser that no operator of the graph computes with", text);
    const sni_value *value = sni_graph_value(importer->graph, name->value);
    if (!sni_dtype_is_real(value->type.dtype))
        return sni_fail(SINTER_DTYPE, "training: '%s' is %s, and only real initialisers can be trained", text,
                        sinter_dtype_name(value->type.dtype));
    if (!value->blob) return sni_fail(SINTER_INVALID_ARGUMENT, "training: '%s' is named twice", text);
    return SINTER_OK;
}

static sinter_status make_named(sni_onnx_importer *importer, const sni_onnx_scope *scope, const bool *read) {
    const sinter_onnx_training *training = importer->training;
    for (size_t i = 0; i < training->name_count; i++) {
        const char *text = training->names[i];
        const sni_onnx_name *name = sni_onnx_scope_own(scope, text);
        SNI_TRY(check_named(importer, name, text, read));
        if (!sni_graph_make_state(importer->graph, name->value, text)) return sinter_graph_status(importer->graph);
    }
    return SINTER_OK;
}

/* In the file's order; those that were named are states already. */
static sinter_status make_rest(sni_onnx_importer *importer, const sni_onnx_scope *scope, const bool *read) {
    for (size_t i = 0; i < importer->model->initializer_count; i++) {
        const char *text = importer->model->initializers[i].proto->name;
        const sni_onnx_name *name = text && *text ? sni_onnx_scope_own(scope, text) : NULL;
        if (!name || check_named(importer, name, text, read) != SINTER_OK) continue;
        if (!sni_graph_make_state(importer->graph, name->value, text)) return sinter_graph_status(importer->graph);
    }
    return SINTER_OK;
}

sinter_status sni_onnx_make_trainable(sni_onnx_importer *importer, const sni_onnx_scope *scope) {
    const sinter_onnx_training *training = importer->training;
    if (!training || (training->name_count == 0 && !training->all)) return SINTER_OK;
    bool *read = find_read(importer);
    if (!read) return sni_out_of_memory("the import");
    SNI_TRY(make_named(importer, scope, read));
    return training->all ? make_rest(importer, scope, read) : SINTER_OK;
}

sinter_status sni_onnx_check_training(const sinter_onnx_training *training) {
    if (!training) return SINTER_OK;
    if (training->name_count && !training->names)
        return sni_fail(SINTER_INVALID_ARGUMENT, "training: name_count is %zu, and names is NULL",
                        training->name_count);
    for (size_t i = 0; i < training->name_count; i++)
        if (!training->names[i]) return sni_fail(SINTER_INVALID_ARGUMENT, "training: names[%zu] is NULL", i);
    return SINTER_OK;
}
