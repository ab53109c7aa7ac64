/* The public builders that are not generated, and what the generated ones call. */
#include <math.h>
#include <string.h>

#include "graph/graph.h"

enum { FEW_INPUTS = 16 };

/* A dimension as an expression; a number may be negative (-1 of reshape, an axis). */
static sni_expr dim_expr(sinter_graph *graph, sinter_dim dim) {
    if (dim == SINTER_DIM_INVALID) {
        sni_graph_fail(
            graph, SINTER_INVALID_ARGUMENT,
            "a dimension is SINTER_DIM_INVALID: a name has 1 to 63 bytes, and arithmetic on dimensions must not "
            "overflow or divide by 0");
        return SNI_NO_EXPR;
    }
    sni_expr e = sni_sym_dim(graph->sym, dim);
    if (e == SNI_NO_EXPR) sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    return e;
}

/* Fills exprs; false when the shape or one of its dimensions is invalid. */
static bool shape_exprs(sinter_graph *graph, sinter_shape shape, sni_expr *exprs) {
    if (shape.rank < 0 || shape.rank > SINTER_MAX_RANK) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "a shape has more than %d dimensions", SINTER_MAX_RANK);
        return false;
    }
    for (int d = 0; d < shape.rank; d++) {
        exprs[d] = dim_expr(graph, shape.dims[d]);
        if (exprs[d] == SNI_NO_EXPR) return false;
    }
    return true;
}

static bool make_type(sinter_graph *graph, sinter_dtype dtype, sinter_shape shape, sni_type *type) {
    memset(type, 0, sizeof *type);
    type->dtype = dtype;
    if (!shape_exprs(graph, shape, type->dims)) return false;
    type->rank = shape.rank;
    return true;
}

sinter_value sinter_input(sinter_graph *graph, const char *name, sinter_dtype dtype, sinter_shape shape) {
    sni_type type;
    if (!graph || graph->status != SINTER_OK || !make_type(graph, dtype, shape, &type)) {
        return SINTER_NO_VALUE;
    }
    return sni_graph_handle(graph, sni_graph_add_input(graph, name, &type));
}

sinter_value sinter_constant(sinter_graph *graph, sinter_dtype dtype, sinter_shape shape, const void *data,
                             size_t size_bytes) {
    sni_type type;
    if (!graph || graph->status != SINTER_OK) return SINTER_NO_VALUE;
    if (!data && size_bytes > 0) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "constant: data is NULL");
        return SINTER_NO_VALUE;
    }
    if (!make_type(graph, dtype, shape, &type)) return SINTER_NO_VALUE;
    return sni_graph_handle(graph, sni_graph_add_constant(graph, &type, sni_blob_copy(data, size_bytes)));
}

sinter_value sinter_constant_borrowed(sinter_graph *graph, sinter_dtype dtype, sinter_shape shape, const void *data,
                                      size_t size_bytes, void (*free_data)(void *context), void *context) {
    sni_type type;
    bool ok = graph && graph->status == SINTER_OK;
    if (ok && !data && size_bytes > 0) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "constant: data is NULL");
        ok = false;
    }
    if (!ok || !make_type(graph, dtype, shape, &type)) {
        if (free_data) free_data(context);
        return SINTER_NO_VALUE;
    }
    sni_blob *blob = sni_blob_borrow(data, size_bytes, free_data, context);
    return sni_graph_handle(graph, sni_graph_add_constant(graph, &type, blob));
}

/* A double as an integer of any dtype: rounded, kept in range; NaN is 0. */
static int64_t to_integer(double value) {
    double rounded = rint(value);
    if (isnan(rounded)) return 0;
    if (rounded >= 9223372036854775808.0) return INT64_MAX;
    if (rounded < -9223372036854775808.0) return INT64_MIN;
    return (int64_t)rounded;
}

sinter_value sinter_scalar(sinter_graph *graph, sinter_dtype dtype, double value) {
    char element[8] = {0};
    size_t size = sinter_dtype_size(dtype);
    int64_t whole = dtype == SINTER_BOOL ? value != 0 : to_integer(value);
    sni_dtype_store(dtype, element, 0, value, whole);
    return sinter_constant(graph, dtype, SINTER_SCALAR, element, size);
}

void sinter_output(sinter_graph *graph, const char *name, sinter_value value) {
    if (!graph || graph->status != SINTER_OK) return;
    if (!name || !*name) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "output: it has no name");
        return;
    }
    if (sni_graph_has_name(&graph->output_names, graph->outputs, name)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "output '%s': the name is taken", name);
        return;
    }
    if (!sni_graph_check_handle(graph, "output", value)) return;
    if (!sni_graph_value(graph, value.id)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "output '%s': no value of this graph", name);
        return;
    }
    const char *copy = sni_arena_strdup(graph->arena, name);
    if (!copy || !SNI_RESERVE(graph->outputs, graph->output_capacity, graph->output_count + 1) ||
        !sni_graph_add_name(&graph->output_names, copy, graph->output_count)) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return;
    }
    graph->outputs[graph->output_count++] = (sni_port){.name = copy, .value = value.id};
}

/* Two outputs, of which the first knows the second's name: a plan and its bindings need not know what a part is. */
void sinter_output_partial(sinter_graph *graph, const char *name, sinter_value value, int axis, sinter_value extent) {
    if (!graph || graph->status != SINTER_OK) return;
    if (!sni_graph_check_handle(graph, "output", value) || !sni_graph_check_handle(graph, "output", extent)) return;
    const sni_value *v = sni_graph_value(graph, value.id), *size = sni_graph_value(graph, extent.id);
    if (!v || axis < 0 || axis >= v->type.rank) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "output '%s': axis %d of %d", name ? name : "", axis,
                       v ? v->type.rank : 0);
        return;
    }
    if (!size || size->type.rank != 0 || size->type.dtype != SINTER_I64) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "output '%s': its extent is no i64 scalar of this graph",
                       name ? name : "");
        return;
    }
    sinter_output(graph, name, value);
    if (graph->status != SINTER_OK) return;
    size_t index = graph->output_count - 1;
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "%s.extent", name);
    sinter_output(graph, sni_str_text(&text), extent);
    sni_str_deinit(&text);
    if (graph->status != SINTER_OK) return;
    graph->outputs[index].extent = graph->outputs[index + 1].name;
    graph->outputs[index].axis = axis;
}

sni_attr sni_build_shape(sinter_graph *graph, sinter_shape shape) {
    sni_expr exprs[SINTER_MAX_RANK] = {0};
    if (!graph || graph->status != SINTER_OK || !shape_exprs(graph, shape, exprs)) {
        return (sni_attr){.kind = SNI_ATTR_EXPRS};
    }
    return sni_attr_exprs(graph, shape.rank, exprs);
}

sinter_value sni_build_call(sinter_graph *graph, const char *op, size_t in_count, const sinter_value *ins,
                            const sni_attr *attrs) {
    uint32_t few[FEW_INPUTS] = {0};
    if (!graph || graph->status != SINTER_OK) return SINTER_NO_VALUE;
    if (in_count > 0 && !ins) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "%s: values is NULL", op);
        return SINTER_NO_VALUE;
    }
    for (size_t i = 0; i < in_count; i++)
        if (!sni_graph_check_handle(graph, op, ins[i])) return SINTER_NO_VALUE;
    uint32_t *ids = few;
    if (in_count > FEW_INPUTS) {
        size_t bytes = 0;
        ids = in_count <= INT32_MAX && sni_mul_size(in_count, sizeof *ids, &bytes) ? sni_malloc(bytes) : NULL;
    }
    if (!ids) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return SINTER_NO_VALUE;
    }
    for (size_t i = 0; i < in_count; i++) ids[i] = ins[i].id;
    sinter_value out = sni_graph_handle(graph, sni_graph_add1(graph, op, (int)in_count, ids, attrs));
    if (ids != few) sni_free(ids);
    return out;
}
