/* Short ways to make nodes, and to read what is known of values. */
#include "onnx/importer.h"

#include <string.h>

/* More nodes than any model has; a file may not unroll into memory's end. */
#define MAX_GRAPH_NODES ((size_t)1 << 20)
#define MAX_FOLD_DEPTH 8

uint32_t sni_onnx_emit(sni_onnx_call *call, const char *op, int in_count, const uint32_t *ins, const sni_attr *attrs) {
    if (call->status != SINTER_OK) return 0;
    if (call->graph->node_count > MAX_GRAPH_NODES) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "the graph has more than %zu operators", MAX_GRAPH_NODES);
        return 0;
    }
    return sni_graph_add1(call->graph, op, in_count, ins, attrs);
}

uint32_t sni_onnx_unary(sni_onnx_call *call, const char *op, uint32_t x) {
    return sni_onnx_emit(call, op, SNI_IN(x), NULL);
}

uint32_t sni_onnx_binary(sni_onnx_call *call, const char *op, uint32_t a, uint32_t b) {
    return sni_onnx_emit(call, op, SNI_IN(a, b), NULL);
}

uint32_t sni_onnx_where(sni_onnx_call *call, uint32_t condition, uint32_t a, uint32_t b) {
    return sni_onnx_emit(call, "where", SNI_IN(condition, a, b), NULL);
}

uint32_t sni_onnx_cast(sni_onnx_call *call, uint32_t x, sinter_dtype dtype) {
    if (sni_onnx_type(call, x).dtype == dtype) return x;
    return sni_onnx_emit(call, "cast", SNI_IN(x), SNI_ATTRS([SNI_CAST_DTYPE] = sni_attr_int(dtype)));
}

uint32_t sni_onnx_scalar(sni_onnx_call *call, sinter_dtype dtype, double value) {
    if (call->status != SINTER_OK) return 0;
    return sinter_scalar(call->graph, dtype, value).id;
}

uint32_t sni_onnx_scalar_like(sni_onnx_call *call, uint32_t x, double value) {
    return sni_onnx_scalar(call, sni_onnx_type(call, x).dtype, value);
}

uint32_t sni_onnx_binary_scalar(sni_onnx_call *call, const char *op, uint32_t x, double number) {
    return sni_onnx_binary(call, op, x, sni_onnx_scalar_like(call, x, number));
}

sni_attr sni_onnx_exprs(sni_onnx_call *call, const sni_onnx_list *list) {
    return sni_attr_exprs(call->graph, list->count, list->at);
}

sni_attr sni_onnx_int_list(sni_onnx_call *call, int count, const int *values) {
    sni_onnx_list list = {.count = count};
    for (int i = 0; i < count; i++) list.at[i] = sni_onnx_const(call, values[i]);
    return sni_onnx_exprs(call, &list);
}

uint32_t sni_onnx_reshape(sni_onnx_call *call, uint32_t x, const sni_onnx_list *shape) {
    return sni_onnx_emit(call, "reshape", SNI_IN(x), SNI_ATTRS([SNI_RESHAPE_SHAPE] = sni_onnx_exprs(call, shape)));
}

uint32_t sni_onnx_expand(sni_onnx_call *call, uint32_t x, const sni_onnx_list *shape) {
    return sni_onnx_emit(call, "expand", SNI_IN(x), SNI_ATTRS([SNI_EXPAND_SHAPE] = sni_onnx_exprs(call, shape)));
}

uint32_t sni_onnx_transpose(sni_onnx_call *call, uint32_t x, int rank, const int *perm) {
    bool same = true;
    for (int i = 0; i < rank; i++) same = same && perm[i] == i;
    if (same) return x;
    return sni_onnx_emit(call, "transpose", SNI_IN(x),
                         SNI_ATTRS([SNI_TRANSPOSE_PERM] = sni_onnx_int_list(call, rank, perm)));
}

uint32_t sni_onnx_slice_axis(sni_onnx_call *call, uint32_t x, int axis, sni_expr start, sni_expr size) {
    sni_onnx_list sizes = sni_onnx_shape(call, x), starts = sizes, steps = sizes;
    for (int i = 0; i < sizes.count; i++) {
        starts.at[i] = sni_onnx_const(call, 0);
        steps.at[i] = sni_onnx_const(call, 1);
    }
    if (axis < 0 || axis >= sizes.count) return 0;
    starts.at[axis] = start;
    sizes.at[axis] = size;
    return sni_onnx_emit(
        call, "slice", SNI_IN(x),
        SNI_ATTRS([SNI_SLICE_STARTS] = sni_onnx_exprs(call, &starts), [SNI_SLICE_STEPS] = sni_onnx_exprs(call, &steps),
                  [SNI_SLICE_SIZES] = sni_onnx_exprs(call, &sizes)));
}

uint32_t sni_onnx_reduce(sni_onnx_call *call, const char *op, uint32_t x, int axis_count, const int *axes,
                         bool keepdims) {
    return sni_onnx_emit(
        call, op, SNI_IN(x),
        SNI_ATTRS([SNI_REDUCE_AXES] = sni_onnx_int_list(call, axis_count, axes), [SNI_REDUCE_KEEPDIMS] =
                                                                                     sni_attr_int(keepdims)));
}

uint32_t sni_onnx_concat(sni_onnx_call *call, int count, const uint32_t *values, int axis) {
    if (count == 1) return values[0];
    return sni_onnx_emit(call, "concat", count, values, SNI_ATTRS([SNI_CONCAT_AXIS] = sni_attr_int(axis)));
}

uint32_t sni_onnx_unsqueeze(sni_onnx_call *call, uint32_t x, int axis) {
    sni_onnx_list from = sni_onnx_shape(call, x), to = {.count = from.count + 1};
    for (int i = 0; i < to.count; i++)
        to.at[i] = i < axis ? from.at[i] : i == axis ? sni_onnx_const(call, 1) : from.at[i - 1];
    return sni_onnx_reshape(call, x, &to);
}

uint32_t sni_onnx_squeeze(sni_onnx_call *call, uint32_t x, int axis) {
    sni_onnx_list from = sni_onnx_shape(call, x), to = {0};
    for (int i = 0; i < from.count; i++)
        if (i != axis) to.at[to.count++] = from.at[i];
    return sni_onnx_reshape(call, x, &to);
}

uint32_t sni_onnx_along(sni_onnx_call *call, uint32_t vector, int axis, int rank) {
    sni_onnx_list shape = {.count = rank - axis};
    if (shape.count < 1) return vector;
    shape.at[0] = sni_onnx_dim(call, vector, 0);
    for (int i = 1; i < shape.count; i++) shape.at[i] = sni_onnx_const(call, 1);
    return shape.count == 1 ? vector : sni_onnx_reshape(call, vector, &shape);
}

uint32_t sni_onnx_iota(sni_onnx_call *call, const sni_onnx_list *shape, sinter_dtype dtype, int axis) {
    return sni_onnx_emit(call, "iota", 0, NULL,
                         SNI_ATTRS([SNI_IOTA_SHAPE] = sni_onnx_exprs(call, shape),
                                   [SNI_IOTA_DTYPE] = sni_attr_int(dtype), [SNI_IOTA_AXIS] = sni_attr_int(axis)));
}

uint32_t sni_onnx_constant(sni_onnx_call *call, sinter_dtype dtype, int rank, const int64_t *dims, const void *data,
                           size_t size_bytes) {
    if (call->status != SINTER_OK) return 0;
    return sinter_constant(call->graph, dtype, sinter_shape_make((size_t)rank, dims), data, size_bytes).id;
}

uint32_t sni_onnx_known(sni_onnx_call *call, int rank, const sni_onnx_list *elements) {
    if (call->status != SINTER_OK) return 0;
    sni_expr dim = sni_onnx_const(call, elements->count);
    return sni_graph_add_known(call->graph, rank, &dim, elements->at, elements->count);
}

/* ---- what is known of values ---- */

sni_type sni_onnx_type(const sni_onnx_call *call, uint32_t value) {
    const sni_value *found = sni_graph_value(call->graph, value);
    return found ? found->type : (sni_type){.dtype = SINTER_DTYPE_NONE, .rank = -1};
}

int sni_onnx_rank(const sni_onnx_call *call, uint32_t value) {
    return sni_onnx_type(call, value).rank;
}

sni_expr sni_onnx_dim(const sni_onnx_call *call, uint32_t value, int axis) {
    sni_type type = sni_onnx_type(call, value);
    if (axis < 0) axis += type.rank;
    return axis >= 0 && axis < type.rank ? type.dims[axis] : SNI_NO_EXPR;
}

sni_onnx_list sni_onnx_shape(const sni_onnx_call *call, uint32_t value) {
    sni_type type = sni_onnx_type(call, value);
    sni_onnx_list list = {0};
    while (list.count < type.rank) {
        list.at[list.count] = type.dims[list.count];
        list.count++;
    }
    return list;
}

sni_expr sni_onnx_const(const sni_onnx_call *call, int64_t value) {
    return sni_sym_const(call->sym, value);
}

int64_t sni_onnx_static(sni_onnx_call *call, sni_expr e, const char *what) {
    int64_t value = 1;
    if (call->status == SINTER_OK && !sni_sym_is_const(call->sym, e, &value))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%s must be a number, not a symbol", what);
    return value;
}

/* The number of elements when the shape is all numbers and they are at most capacity, else -1. */
static int64_t small_count(const sni_onnx_call *call, const sni_type *type, int64_t capacity, int64_t *out_dims) {
    int64_t count = 1;
    if (type->rank < 0) return -1;
    for (int i = 0; i < type->rank; i++)
        if (!sni_sym_is_const(call->sym, type->dims[i], &out_dims[i]) || !sni_mul_i64(count, out_dims[i], &count))
            return -1;
    return count <= capacity ? count : -1;
}

sni_expr sni_onnx_extent(const sni_onnx_call *call, const sni_onnx_list *shape, int from, int to) {
    sni_expr extent = sni_onnx_const(call, 1);
    for (int i = from; i < to; i++) extent = sni_sym_mul(call->sym, extent, shape->at[i]);
    return extent;
}

bool sni_onnx_elements(sni_onnx_call *call, uint32_t value, const char *what, sni_onnx_list *out) {
    out->count = 0;
    if (call->status != SINTER_OK || value == 0) return false;
    int64_t dims[SINTER_MAX_RANK];
    sni_type type = sni_onnx_type(call, value);
    const sni_blob *blob = sni_graph_value(call->graph, value)->blob;
    int64_t count = type.elements ? type.element_count : small_count(call, &type, SNI_MAX_LIST, dims);
    if (count > SNI_MAX_LIST) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "the %s has %lld elements", what, (long long)count);
        return false;
    }
    bool computed = !type.elements && !blob && count > 0 && !sni_dtype_is_real(type.dtype);
    if (computed && sni_onnx_is_known(call, value)) { /* by constants alone: a cast of a float, say */
        double numbers[SNI_MAX_LIST];
        if (!sni_onnx_doubles_of(call, value, what, SNI_MAX_LIST, numbers, &out->count)) return false;
        for (int i = 0; i < out->count; i++) out->at[i] = sni_onnx_const(call, (int64_t)numbers[i]);
        return true;
    }
    if (count < 0 || computed || sni_dtype_is_real(type.dtype)) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "the %s depends on data", what);
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        double real = 0;
        int64_t integer = 0;
        if (!type.elements) sni_dtype_load(type.dtype, sni_blob_data(blob), i, &real, &integer);
        out->at[i] = type.elements ? type.elements[i] : sni_onnx_const(call, integer);
    }
    out->count = (int)count;
    return true;
}

bool sni_onnx_numbers_of(sni_onnx_call *call, uint32_t value, const char *what, int capacity, int64_t *out,
                         int *out_count) {
    sni_onnx_list list;
    *out_count = 0;
    if (!sni_onnx_elements(call, value, what, &list)) return false;
    if (list.count > capacity) {
        sni_onnx_fail(call, SINTER_PARSE, "the %s has %d elements", what, list.count);
        return false;
    }
    for (int i = 0; i < list.count; i++)
        if (!sni_sym_is_const(call->sym, list.at[i], &out[i])) {
            sni_onnx_fail(call, SINTER_UNSUPPORTED, "the %s depends on a symbolic dimension", what);
            return false;
        }
    *out_count = list.count;
    return true;
}

static sni_ref_tensor *fold(sni_onnx_call *call, uint32_t value, int depth);

static sni_ref_tensor *fold_node(sni_onnx_call *call, const sni_node *node, int output, int depth) {
    sni_ref_tensor *ins[8] = {NULL}, *outs[SNI_MAX_OUTPUTS] = {NULL}, *result = NULL;
    bool ok = depth < MAX_FOLD_DEPTH && node->in_count <= 8;
    for (int i = 0; ok && i < node->in_count; i++)
        if (node->in[i]) ok = (ins[i] = fold(call, node->in[i], depth + 1)) != NULL;
    if (ok && sni_reference_node(call->graph, node, (const sni_ref_tensor *const *)ins, NULL, outs) == SINTER_OK)
        for (int i = 0; i < node->out_count; i++) {
            if (i == output)
                result = outs[i];
            else
                sni_ref_tensor_release(outs[i]);
        }
    for (int i = 0; i < 8; i++) sni_ref_tensor_release(ins[i]);
    return result;
}

/* A small value that constants alone compute, or NULL. */
static sni_ref_tensor *fold(sni_onnx_call *call, uint32_t value, int depth) {
    int64_t dims[SINTER_MAX_RANK];
    sni_type type = sni_onnx_type(call, value);
    int64_t count = small_count(call, &type, SNI_MAX_KNOWN_ELEMENTS, dims);
    if (count < 0) return NULL;
    sni_value found = *sni_graph_value(call->graph, value);
    if (found.producer >= 0 && !type.elements)
        return fold_node(call, &call->graph->nodes[found.producer], found.output, depth);
    if (!found.blob && !type.elements) return NULL;
    sni_ref_tensor *tensor = NULL;
    if (sni_ref_tensor_create(type.dtype, type.rank, dims, &tensor) != SINTER_OK) return NULL;
    if (found.blob) {
        sni_ref_tensor_load(tensor, sni_blob_data(found.blob));
        return tensor;
    }
    for (int64_t i = 0; i < count; i++)
        if (!sni_sym_is_const(call->sym, type.elements[i], &tensor->i[i])) {
            sni_ref_tensor_release(tensor);
            return NULL;
        }
    return tensor;
}

bool sni_onnx_doubles_of(sni_onnx_call *call, uint32_t value, const char *what, int capacity, double *out,
                         int *out_count) {
    *out_count = 0;
    if (call->status != SINTER_OK || value == 0) return false;
    sni_ref_tensor *tensor = fold(call, value, 0);
    if (!tensor) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "the %s depends on data", what);
        return false;
    }
    bool fits = tensor->count <= capacity;
    for (int64_t i = 0; fits && i < tensor->count; i++) out[i] = tensor->f ? tensor->f[i] : (double)tensor->i[i];
    if (fits)
        *out_count = (int)tensor->count;
    else
        sni_onnx_fail(call, SINTER_PARSE, "the %s has more than %d elements", what, capacity);
    sni_ref_tensor_release(tensor);
    return fits;
}

bool sni_onnx_is_known(sni_onnx_call *call, uint32_t value) {
    sni_ref_tensor *tensor = value ? fold(call, value, 0) : NULL;
    if (!tensor) return false;
    sni_ref_tensor_release(tensor);
    return true;
}
