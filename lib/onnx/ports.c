/* What a model says of its values: types and dimensions of its inputs, its outputs, and hints about what lies
 * between. */
#include "onnx/import.h"
#include "onnx/narrow.h"
#include "onnx/sequence.h"
#include "onnx/sized.h"

#include <stdio.h>
#include <string.h>

#define MAX_DIM_NAME 63

static const char *text_of(const char *text) {
    return text ? text : "";
}

/* text where it fits a dimension's name, else its start and a hash. */
static const char *fit_name(const char *text, char buffer[MAX_DIM_NAME + 1]) {
    size_t length = strlen(text);
    if (length <= MAX_DIM_NAME)
        memcpy(buffer, text, length + 1);
    else
        snprintf(buffer, MAX_DIM_NAME + 1, "%.40s~%016llx", text, (unsigned long long)sni_hash64_of(text, length, 0));
    return buffer;
}

static bool name_is_used(const Onnx__GraphProto *graph, const char *name) {
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__TypeProto *type = graph->input[i]->type;
        const Onnx__TypeProto__Tensor *tensor =
            type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? type->tensor_type : NULL;
        for (size_t d = 0; tensor && tensor->shape && d < tensor->shape->n_dim; d++) {
            const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[d];
            if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
                strcmp(text_of(dim->dim_param), name) == 0)
                return true;
        }
    }
    return false;
}

/* A dimension without a name gets its input's and its number: "pixels.0". */
static void invent_name(const sni_onnx_importer *importer, const char *input, size_t axis,
                        char buffer[MAX_DIM_NAME + 1]) {
    char text[300];
    snprintf(text, sizeof text - 2, "%.200s.%zu", input, axis);
    while (name_is_used(importer->model->proto->graph, text) && strlen(text) < sizeof text - 2) strcat(text, "'");
    fit_name(text, buffer);
}

static sinter_status dim_of(sni_onnx_importer *importer, const char *input, size_t axis,
                            const Onnx__TensorShapeProto__Dimension *dim, sni_expr *out) {
    const sinter_onnx_options *options = importer->options;
    char name[MAX_DIM_NAME + 1];
    int64_t value = 0;
    if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dim->dim_value >= 0) {
        *out = sni_sym_const(importer->sym, dim->dim_value);
        return SINTER_OK;
    }
    if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && text_of(dim->dim_param)[0])
        fit_name(dim->dim_param, name);
    else
        invent_name(importer, input, axis, name);
    value = sinter_dim_named(name);
    for (size_t i = 0; options && i < options->dim_count; i++)
        if (strcmp(options->dim_names[i], name) == 0) {
            value = options->dim_values[i];
            importer->dim_used[i] = true;
            if (value < 0) return sni_fail(SINTER_INVALID_ARGUMENT, "dimension '%s' is %lld", name, (long long)value);
        }
    if (value == SINTER_DIM_INVALID) return sni_fail(SINTER_OUT_OF_MEMORY, "no memory for the dimension '%s'", name);
    *out = sni_sym_dim(importer->sym, value);
    return SINTER_OK;
}

/* The shape of a value_info entry of the main graph, or NULL. */
static const Onnx__TensorShapeProto *declared_shape(const Onnx__GraphProto *graph, const char *name) {
    for (size_t i = 0; i < graph->n_value_info; i++) {
        const Onnx__TypeProto *type = graph->value_info[i]->type;
        if (strcmp(text_of(graph->value_info[i]->name), name) == 0 && type &&
            type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return type->tensor_type->shape;
    }
    return NULL;
}

sni_expr sni_onnx_hint(const sni_onnx_call *call, int rank, int axis) {
    const Onnx__GraphProto *graph = call->importer->model->proto->graph;
    char name[MAX_DIM_NAME + 1];
    if (!call->importer->use_hints || call->scope->depth > 0 || !sni_onnx_wants(call, 0)) return SNI_NO_EXPR;
    const Onnx__TensorShapeProto *shape = declared_shape(graph, call->node->output[0]);
    if (!shape || shape->n_dim != (size_t)rank) return SNI_NO_EXPR;
    const Onnx__TensorShapeProto__Dimension *dim = shape->dim[axis];
    if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
        return dim->dim_value >= 0 ? sni_onnx_const(call, dim->dim_value) : SNI_NO_EXPR;
    if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ||
        !name_is_used(graph, text_of(dim->dim_param)))
        return SNI_NO_EXPR;
    sinter_dim named = sinter_dim_named(fit_name(dim->dim_param, name));
    return named == SINTER_DIM_INVALID ? SNI_NO_EXPR : sni_sym_dim(call->sym, named);
}

static sinter_status type_of(sni_onnx_importer *importer, const Onnx__ValueInfoProto *info, sni_type *out) {
    const char *name = text_of(info->name);
    const Onnx__TypeProto *type = info->type;
    *out = (sni_type){0};
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return sni_fail(SINTER_UNSUPPORTED, "input '%s' is no tensor", name);
    const Onnx__TypeProto__Tensor *tensor = type->tensor_type;
    out->dtype = sni_onnx_storage_dtype(tensor->elem_type);
    if (out->dtype == SINTER_DTYPE_NONE)
        return sni_fail(SINTER_UNSUPPORTED, "input '%s' has the data type %s", name,
                        sni_onnx_dtype_name(tensor->elem_type));
    if (!tensor->shape) return sni_fail(SINTER_UNSUPPORTED, "input '%s' has no shape", name);
    if (tensor->shape->n_dim > SINTER_MAX_RANK)
        return sni_fail(SINTER_UNSUPPORTED, "input '%s' has rank %zu (up to %d)", name, tensor->shape->n_dim,
                        SINTER_MAX_RANK);
    out->rank = (int)tensor->shape->n_dim;
    for (size_t i = 0; i < tensor->shape->n_dim; i++)
        SNI_TRY(dim_of(importer, name, i, tensor->shape->dim[i], &out->dims[i]));
    return SINTER_OK;
}

static const sinter_onnx_tensor *fixed_input(const sni_onnx_importer *importer, const char *name) {
    const sinter_onnx_options *options = importer->options;
    for (size_t i = 0; options && i < options->fixed_count; i++)
        if (strcmp(text_of(options->fixed[i].name), name) == 0) return &options->fixed[i];
    return NULL;
}

static bool fits(const sni_onnx_importer *importer, const sinter_onnx_tensor *tensor, const sni_type *type) {
    bool ok = tensor->dtype == type->dtype && tensor->shape.rank == type->rank;
    for (int i = 0; ok && i < type->rank; i++) {
        int64_t dim = tensor->shape.dims[i];
        ok = !sni_sym_is_const(importer->sym, type->dims[i], &dim) || dim == tensor->shape.dims[i];
    }
    return ok;
}

sinter_status sni_onnx_add_input(sni_onnx_importer *importer, sni_onnx_scope *scope, const Onnx__ValueInfoProto *info) {
    const char *name = text_of(info->name);
    sni_type type;
    if (!name[0]) return sni_fail(SINTER_PARSE, "an input has no name");
    /* Files before version 4 list initialisers among the inputs. */
    const sni_onnx_name *known = sni_onnx_scope_own(scope, name);
    if (known && known->kind == SNI_ONNX_INITIALIZER) return SINTER_OK;
    SNI_TRY(type_of(importer, info, &type));
    const sinter_onnx_tensor *fixed = fixed_input(importer, name);
    uint32_t value;
    if (fixed && !fits(importer, fixed, &type))
        return sni_fail(SINTER_INVALID_ARGUMENT, "input '%s' is fixed with data of another dtype or shape", name);
    if (fixed)
        value = sinter_constant(importer->graph, fixed->dtype, fixed->shape, fixed->data, fixed->size_bytes).id;
    else
        value = sni_graph_add_input(importer->graph, name, &type);
    if (!value) return sinter_graph_status(importer->graph);
    SNI_TRY(sni_onnx_mark_narrow(importer, value, info->type->tensor_type->elem_type));
    return sni_onnx_scope_add(scope, importer->arena, name, SNI_ONNX_VALUE, 0, value);
}

sinter_status sni_onnx_add_outputs(sni_onnx_importer *importer, const sni_onnx_scope *scope, char *const *names,
                                   size_t count) {
    for (size_t i = 0; i < count; i++) {
        const sni_onnx_name *name = sni_onnx_scope_own(scope, text_of(names[i]));
        if (!name || !name->value) return sni_fail(SINTER_PARSE, "nothing gives the output '%s'", text_of(names[i]));
        if (sni_onnx_is_sequence(name->value))
            return sni_fail(SINTER_UNSUPPORTED, "output '%s' is a sequence", name->text);
        const sni_onnx_sized *sized = sni_onnx_sized_of(importer, name->value);
        sinter_value value = {name->value};
        if (sized)
            sinter_output_partial(importer->graph, name->text, value, sized->axis, (sinter_value){sized->extent});
        else
            sinter_output(importer->graph, name->text, value);
        SNI_TRY(sinter_graph_status(importer->graph));
    }
    return count > 0 ? SINTER_OK : sni_fail(SINTER_PARSE, "the graph has no outputs");
}

sinter_status sni_onnx_check_options(const sinter_onnx_options *options) {
    if (!options) return SINTER_OK;
    if (options->dim_count && (!options->dim_names || !options->dim_values))
        return sni_fail(SINTER_INVALID_ARGUMENT, "options: dim_count is %zu, and dim_names or dim_values is NULL",
                        options->dim_count);
    if (options->fixed_count && !options->fixed)
        return sni_fail(SINTER_INVALID_ARGUMENT, "options: fixed_count is %zu, and fixed is NULL",
                        options->fixed_count);
    for (size_t i = 0; i < options->dim_count; i++)
        if (!options->dim_names[i]) return sni_fail(SINTER_INVALID_ARGUMENT, "options: dim_names[%zu] is NULL", i);
    for (size_t i = 0; i < options->fixed_count; i++) {
        if (!options->fixed[i].name) return sni_fail(SINTER_INVALID_ARGUMENT, "options: fixed[%zu] has no name", i);
        if (!options->fixed[i].data && options->fixed[i].size_bytes)
            return sni_fail(SINTER_INVALID_ARGUMENT, "options: fixed[%zu] ('%s') has no data", i,
                            options->fixed[i].name);
    }
    return SINTER_OK;
}

/* Every fixed tensor must be an input of the model, or the caller's mistake would go unseen. */
sinter_status sni_onnx_check_fixed(const sni_onnx_importer *importer, const Onnx__GraphProto *graph) {
    const sinter_onnx_options *options = importer->options;
    for (size_t i = 0; options && i < options->fixed_count; i++) {
        bool found = false;
        for (size_t k = 0; k < graph->n_input && !found; k++)
            found = strcmp(text_of(graph->input[k]->name), options->fixed[i].name) == 0;
        if (!found)
            return sni_fail(SINTER_INVALID_ARGUMENT, "options: fixed[%zu] is '%s', which is no input of the model", i,
                            options->fixed[i].name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(options->fixed[k].name, options->fixed[i].name) == 0)
                return sni_fail(SINTER_INVALID_ARGUMENT, "options: the input '%s' is fixed twice",
                                options->fixed[i].name);
    }
    return SINTER_OK;
}

sinter_status sni_onnx_check_dims(const sni_onnx_importer *importer) {
    const sinter_onnx_options *options = importer->options;
    for (size_t i = 0; options && i < options->dim_count; i++)
        if (!importer->dim_used[i])
            return sni_fail(SINTER_INVALID_ARGUMENT, "the model has no dimension called '%s'", options->dim_names[i]);
    return SINTER_OK;
}
