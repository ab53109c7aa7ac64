/* ONNX reductions, Softmax and its kin, ArgMax, CumSum. */
#include "onnx/importer.h"

#include <string.h>

/* The row of x's dtype for the call's operator. The extremes of bool are all and any. Roots and logarithms of integers are taken in
 * reals, the sums below them in the integers, and cut off again. */
static uint32_t reduce_as(sni_onnx_call *call, uint32_t x, int count, const int *axes, bool keep) {
    const char *op = call->row->target;
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    if (dtype == SINTER_BOOL && strcmp(op, "reduce_max") == 0) op = "reduce_any";
    if (dtype == SINTER_BOOL && strcmp(op, "reduce_min") == 0) op = "reduce_all";
    bool whole = sni_dtype_class_of(dtype) == SNI_CLASS_INT;
    if (whole && strcmp(op, "reduce_l2") == 0) {
        x = sni_onnx_reduce(call, "reduce_sum_square", x, count, axes, keep);
        return sni_onnx_cast(call, sni_onnx_unary(call, "sqrt", sni_onnx_cast(call, x, SINTER_F64)), dtype);
    }
    if (whole && strcmp(op, "reduce_log_sum") == 0) {
        x = sni_onnx_reduce(call, "reduce_sum", x, count, axes, keep);
        return sni_onnx_cast(call, sni_onnx_unary(call, "log", sni_onnx_cast(call, x, SINTER_F64)), dtype);
    }
    if (whole && strcmp(op, "reduce_log_sum_exp") == 0) {
        x = sni_onnx_reduce(call, op, sni_onnx_cast(call, x, SINTER_F64), count, axes, keep);
        return sni_onnx_cast(call, x, dtype);
    }
    return sni_onnx_reduce(call, op, x, count, axes, keep);
}

/* Over no axes at all an element is reduced alone, which is more than nothing for magnitudes, squares and logarithms. */
static uint32_t reduce_each(sni_onnx_call *call, uint32_t x) {
    int rank = sni_onnx_rank(call, x);
    if (rank >= SINTER_MAX_RANK) sni_onnx_fail(call, SINTER_UNSUPPORTED, "no axes of a value with %d dimensions", rank);
    if (call->status != SINTER_OK) return 0;
    return reduce_as(call, sni_onnx_unsqueeze(call, x, rank), 1, &rank, false);
}

/* ReduceSum takes its axes as an input from opset 13 on, the others from 18. */
static void reduce(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int since = strcmp(call->row->name, "ReduceSum") == 0 ? 13 : 18;
    bool keep = sni_onnx_attr_int(call, "keepdims", 1) != 0;
    bool noop = sni_onnx_attr_int(call, "noop_with_empty_axes", 0) != 0;
    sni_onnx_axes axes;
    if (!sni_onnx_axes_of(call, 1, since, sni_onnx_rank(call, x), &axes)) return;
    if (axes.count == 0 && noop)
        call->out[0] = reduce_each(call, x);
    else
        call->out[0] = reduce_as(call, x, axes.count, axes.at, keep);
}

static void arg_reduce(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", 0, sni_onnx_rank(call, x));
    call->out[0] =
        sni_onnx_emit(call, call->row->target, SNI_IN(x),
                      SNI_ATTRS([SNI_ARG_AXIS] = sni_attr_int(axis),
                                [SNI_ARG_KEEPDIMS] = sni_attr_int(sni_onnx_attr_int(call, "keepdims", 1)),
                                [SNI_ARG_SELECT_LAST] = sni_attr_int(sni_onnx_attr_int(call, "select_last_index", 0))));
}

/* Before opset 13 the operand is a matrix whose rows start at axis (1 by default). */
static void softmax(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x);
    bool matrix = call->opset < 13;
    int axis = sni_onnx_attr_axis(call, "axis", matrix ? (rank > 1 ? 1 : 0) : -1, rank);
    if (axis < 0) return;
    if (!matrix || axis == rank - 1) {
        call->out[0] =
            sni_onnx_emit(call, call->row->target, SNI_IN(x), SNI_ATTRS([SNI_SOFTMAX_AXIS] = sni_attr_int(axis)));
        return;
    }
    sni_onnx_list shape = sni_onnx_shape(call, x), flat = {.count = 2};
    flat.at[0] = sni_onnx_extent(call, &shape, 0, axis);
    flat.at[1] = sni_onnx_extent(call, &shape, axis, rank);
    uint32_t rows = sni_onnx_reshape(call, x, &flat);
    rows = sni_onnx_emit(call, call->row->target, SNI_IN(rows), SNI_ATTRS([SNI_SOFTMAX_AXIS] = sni_attr_int(1)));
    call->out[0] = sni_onnx_reshape(call, rows, &shape);
}

static void scan(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int64_t axis = 0;
    int count = 0;
    if (!sni_onnx_numbers_of(call, sni_onnx_in(call, 1), "axis operand", 1, &axis, &count)) return;
    call->out[0] =
        sni_onnx_emit(call, call->row->target, SNI_IN(x),
                      SNI_ATTRS([SNI_SCAN_AXIS] = sni_attr_int(sni_onnx_axis(call, axis, sni_onnx_rank(call, x))),
                                [SNI_SCAN_EXCLUSIVE] = sni_attr_int(sni_onnx_attr_int(call, "exclusive", 0)),
                                [SNI_SCAN_REVERSE] = sni_attr_int(sni_onnx_attr_int(call, "reverse", 0))));
}

static const sni_onnx_row rows[] = {
    {"ReduceSum", 6, 1, 2, 1, reduce, "reduce_sum"},
    {"ReduceProd", 6, 1, 2, 1, reduce, "reduce_prod"},
    {"ReduceMax", 6, 1, 2, 1, reduce, "reduce_max"},
    {"ReduceMin", 6, 1, 2, 1, reduce, "reduce_min"},
    {"ReduceMean", 6, 1, 2, 1, reduce, "reduce_mean"},
    {"ReduceL1", 6, 1, 2, 1, reduce, "reduce_l1"},
    {"ReduceL2", 6, 1, 2, 1, reduce, "reduce_l2"},
    {"ReduceLogSum", 6, 1, 2, 1, reduce, "reduce_log_sum"},
    {"ReduceLogSumExp", 6, 1, 2, 1, reduce, "reduce_log_sum_exp"},
    {"ReduceSumSquare", 6, 1, 2, 1, reduce, "reduce_sum_square"},
    {"ArgMax", 6, 1, 1, 1, arg_reduce, "argmax"},
    {"ArgMin", 6, 1, 1, 1, arg_reduce, "argmin"},
    {"Softmax", 6, 1, 1, 1, softmax, "softmax"},
    {"LogSoftmax", 6, 1, 1, 1, softmax, "log_softmax"},
    {"Hardmax", 6, 1, 1, 1, softmax, "hardmax"},
    {"CumSum", 11, 2, 2, 1, scan, "cumsum"},
    {"CumProd", 26, 2, 2, 1, scan, "cumprod"},
};
const sni_onnx_family sni_onnx_reduce_family = {rows, sizeof rows / sizeof *rows};
