/* ONNX scatters and TopK. Scatters compare: every output element looks at the indices that may name it. That costs the
 * product of both counts, but it needs no atomic operation and gives the same bits every time. */
#include "onnx/sort.h"

#include <string.h>

/* How several updates of one element, and its old value, combine. */
typedef struct {
    const char *reduction, *reduce, *combine;
    double neutral;
} rule;

static const rule rules[] = {
    {"none", "reduce_sum", NULL, 0}, {"add", "reduce_sum", "add", 0}, {"mul", "reduce_prod", "mul", 1},
    {"max", "reduce_max", "max", 0}, {"min", "reduce_min", "min", 0},
};

static const rule *rule_of(sni_onnx_call *call) {
    const char *text = sni_onnx_attr_text(call, "reduction", "none");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].reduction, text) == 0) return &rules[i];
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "reduction '%s'", text);
    return &rules[0];
}

/* data where nothing hits, and what the hits along axis of updates make of it: hits and updates have one
 * axis more than data. */
static uint32_t settle(sni_onnx_call *call, const rule *r, uint32_t data, uint32_t hits, uint32_t updates, int axis) {
    uint32_t missing = sni_onnx_scalar_like(call, updates, r->neutral);
    bool truth = sni_onnx_type(call, data).dtype == SINTER_BOOL;
    if (truth && r->combine) sni_onnx_fail(call, SINTER_UNSUPPORTED, "reduction '%s' of bool", r->reduction);
    /* A maximum or minimum of hits and misses: a miss stands for the old value. */
    bool extreme = strcmp(r->reduce, "reduce_max") == 0 || strcmp(r->reduce, "reduce_min") == 0;
    if (extreme) missing = sni_onnx_unsqueeze(call, data, axis);
    uint32_t picked = sni_onnx_reduce(call, truth ? "reduce_any" : r->reduce,
                                      sni_onnx_where(call, hits, updates, missing), 1, &axis, false);
    uint32_t any = sni_onnx_reduce(call, "reduce_any", hits, 1, &axis, false); /* of no updates: none */
    if (r->combine) picked = sni_onnx_binary(call, r->combine, data, picked);
    return sni_onnx_where(call, any, picked, data);
}

/* Negative indices count from the end of size. */
static uint32_t from_start(sni_onnx_call *call, uint32_t indices, sni_expr size) {
    sni_onnx_list one = {1, {size}};
    indices = sni_onnx_cast(call, indices, SINTER_I64);
    uint32_t moved = sni_onnx_binary(call, "add", indices, sni_onnx_known(call, 0, &one));
    return sni_onnx_where(call, sni_onnx_binary_scalar(call, "lt", indices, 0), moved, indices);
}

/* x with its dimensions other than axis padded to those of shape. */
static uint32_t pad_to(sni_onnx_call *call, uint32_t x, const sni_onnx_list *shape, int axis, double fill) {
    sni_onnx_list low = {.count = shape->count}, high = {.count = shape->count};
    bool same = true;
    for (int i = 0; i < shape->count; i++) {
        sni_expr dim = sni_onnx_dim(call, x, i);
        low.at[i] = high.at[i] = sni_onnx_const(call, 0);
        if (i == axis || dim == shape->at[i]) continue;
        high.at[i] = sni_sym_sub(call->sym, shape->at[i], dim);
        same = false;
    }
    if (same) return x;
    return sni_onnx_emit(
        call, "pad", SNI_IN(x),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high),
                  [SNI_PAD_MODE] = sni_attr_int(SNI_PAD_CONSTANT), [SNI_PAD_VALUE] = sni_attr_float(fill)));
}

/* out[.., j, ..] takes updates[.., k, ..] where indices[.., k, ..] is j. */
static void scatter_elements(sni_onnx_call *call) {
    uint32_t data = sni_onnx_in(call, 0), indices = sni_onnx_in(call, 1);
    sni_onnx_list shape = sni_onnx_shape(call, data), places = {0};
    int rank = shape.count, axis = sni_onnx_attr_axis(call, "axis", 0, rank);
    const rule *r = rule_of(call);
    if (axis < 0 || rank >= SINTER_MAX_RANK || sni_onnx_rank(call, indices) != rank) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "data of rank %d and indices of rank %d", rank,
                      sni_onnx_rank(call, indices));
        return;
    }
    indices = pad_to(call, from_start(call, indices, shape.at[axis]), &shape, axis, -1);
    uint32_t updates = pad_to(call, sni_onnx_in(call, 2), &shape, axis, 0);
    /* [.., j, k, ..]: the places of the output, then the updates. */
    indices = sni_onnx_unsqueeze(call, indices, axis);
    updates = sni_onnx_unsqueeze(call, updates, axis);
    for (int i = axis; i <= rank; i++) places.at[places.count++] = i == axis ? shape.at[axis] : sni_onnx_const(call, 1);
    uint32_t hits = sni_onnx_binary(call, "eq", indices, sni_onnx_iota(call, &places, SINTER_I64, 0));
    call->out[0] = settle(call, r, data, hits, updates, axis + 1);
}

/* The rows of data that the last axis of indices names, as numbers: [n, 1]. */
static uint32_t row_numbers(sni_onnx_call *call, uint32_t indices, const sni_onnx_list *shape, int depth,
                            sni_expr count) {
    sni_onnx_list flat = {2, {count, sni_onnx_const(call, depth)}};
    uint32_t rows = 0, tuples = sni_onnx_reshape(call, indices, &flat);
    for (int i = 0; i < depth; i++) {
        uint32_t at = sni_onnx_slice_axis(call, tuples, 1, sni_onnx_const(call, i), sni_onnx_const(call, 1));
        at = from_start(call, at, shape->at[i]);
        sni_onnx_list size = {1, {shape->at[i]}};
        if (i == 0)
            rows = at;
        else
            rows = sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", rows, sni_onnx_known(call, 0, &size)), at);
    }
    return rows;
}

/* data as [rows, inner], updates as [n, inner]: row j takes the updates whose number is j. */
static void scatter_nd(sni_onnx_call *call) {
    uint32_t data = sni_onnx_in(call, 0), indices = sni_onnx_in(call, 1);
    sni_onnx_list shape = sni_onnx_shape(call, data), tuple = sni_onnx_shape(call, indices);
    const rule *r = rule_of(call);
    if (tuple.count < 1) sni_onnx_fail(call, SINTER_PARSE, "indices are a scalar");
    int64_t depth = sni_onnx_static(call, sni_onnx_dim(call, indices, -1), "the indices' depth");
    if (call->status != SINTER_OK) return;
    if (depth < 1 || depth > shape.count) {
        sni_onnx_fail(call, SINTER_PARSE, "indices of depth %lld for rank %d", (long long)depth, shape.count);
        return;
    }
    sni_expr count = sni_onnx_extent(call, &tuple, 0, tuple.count - 1), one = sni_onnx_const(call, 1);
    sni_expr rows = sni_onnx_extent(call, &shape, 0, (int)depth);
    sni_expr inner = sni_onnx_extent(call, &shape, (int)depth, shape.count);
    sni_onnx_list table = {2, {rows, inner}}, spread = {3, {one, count, inner}};
    sni_onnx_list places = {3, {rows, one, one}}, column = {3, {one, count, one}};
    uint32_t numbers = row_numbers(call, indices, &shape, (int)depth, count);
    uint32_t hits = sni_onnx_binary(call, "eq", sni_onnx_reshape(call, numbers, &column),
                                    sni_onnx_iota(call, &places, SINTER_I64, 0));
    uint32_t updates = sni_onnx_reshape(call, sni_onnx_in(call, 2), &spread);
    uint32_t result = settle(call, r, sni_onnx_reshape(call, data, &table), hits, updates, 1);
    call->out[0] = sni_onnx_reshape(call, result, &shape);
}

/* ---- TopK ---- */

static void top_k(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", -1, sni_onnx_rank(call, x));
    int64_t size = 0, number = 0;
    bool largest = sni_onnx_attr_int(call, "largest", 1) != 0;
    sni_onnx_list k = {1, {sni_onnx_const(call, sni_onnx_attr_int(call, "k", 0))}};
    if (call->opset >= 10 && !sni_onnx_elements(call, sni_onnx_in(call, 1), "k operand", &k)) return;
    if (axis < 0) return;
    if (k.count != 1) sni_onnx_fail(call, SINTER_PARSE, "%d numbers as k", k.count);
    sni_expr dim = sni_onnx_dim(call, x, axis);
    if (sni_sym_is_const(call->sym, k.at[0], &number) &&
        (number < 0 || (sni_sym_is_const(call->sym, dim, &size) && number > size)))
        sni_onnx_fail(call, SINTER_PARSE, "%lld of %lld elements", (long long)number, (long long)size);
    if (call->status != SINTER_OK) return;
    /* Not used, but it makes binding refuse a k that is larger than the axis. */
    if (!sni_sym_is_const(call->sym, k.at[0], &number) || !sni_sym_is_const(call->sym, dim, &size))
        sni_onnx_slice_axis(call, x, axis, sni_onnx_const(call, 0), k.at[0]);
    uint32_t indices = sni_onnx_order(call, x, axis, k.at[0], largest);
    call->out[0] = sni_onnx_take(call, x, indices, axis);
    if (sni_onnx_wants(call, 1)) call->out[1] = indices;
}

static const sni_onnx_row rows[] = {
    {"Scatter", 9, 3, 3, 1, scatter_elements, NULL},
    {"ScatterElements", 11, 3, 3, 1, scatter_elements, NULL},
    {"ScatterND", 11, 3, 3, 1, scatter_nd, NULL},
    {"TopK", 6, 1, 2, 2, top_k, NULL},
};
const sni_onnx_family sni_onnx_scatter_family = {rows, sizeof rows / sizeof *rows};
