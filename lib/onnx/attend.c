/* The graph of attention, and what stands around it. */
#include "onnx/attend.h"

#include <math.h>

uint32_t sni_onnx_both(sni_onnx_call *call, uint32_t a, uint32_t b) {
    return a && b ? sni_onnx_binary(call, "and", a, b) : a ? a : b;
}

uint32_t sni_onnx_after(sni_onnx_call *call, uint32_t past, uint32_t x) {
    return past ? sni_onnx_concat(call, 2, (const uint32_t[]){past, x}, 2) : x;
}

uint32_t sni_onnx_positions(sni_onnx_call *call, sni_expr n, int axis) {
    sni_expr one = sni_onnx_const(call, 1);
    sni_onnx_list shape = {4, {one, one, one, one}};
    shape.at[axis] = n;
    return sni_onnx_iota(call, &shape, SINTER_I64, axis);
}

uint32_t sni_onnx_size_scalar(sni_onnx_call *call, sni_expr size) {
    sni_onnx_list element = {1, {size}};
    return sni_onnx_known(call, 0, &element);
}

uint32_t sni_onnx_split_heads(sni_onnx_call *call, uint32_t x, int64_t heads) {
    static const int perm[] = {0, 2, 1, 3};
    sni_onnx_list s = sni_onnx_shape(call, x);
    int64_t width = s.count == 3 ? sni_onnx_static(call, s.at[2], "the width of all heads") : 0;
    if (call->status != SINTER_OK) return 0;
    if (s.count != 3 || heads < 1 || width % heads != 0) {
        sni_onnx_fail(call, SINTER_SHAPE, "an operand of rank %d and width %lld does not split into %lld heads",
                      s.count, (long long)width, (long long)heads);
        return 0;
    }
    sni_onnx_list split = {4, {s.at[0], s.at[1], sni_onnx_const(call, heads), sni_onnx_const(call, width / heads)}};
    return sni_onnx_transpose(call, sni_onnx_reshape(call, x, &split), 4, perm);
}

uint32_t sni_onnx_join_heads(sni_onnx_call *call, uint32_t x) {
    static const int perm[] = {0, 2, 1, 3};
    uint32_t back = sni_onnx_transpose(call, x, 4, perm);
    sni_onnx_list s = sni_onnx_shape(call, back);
    sni_onnx_list joined = {3, {s.at[0], s.at[1], sni_sym_mul(call->sym, s.at[2], s.at[3])}};
    return sni_onnx_reshape(call, back, &joined);
}

/* Each head of x as often as it serves heads of q. */
static uint32_t repeat_heads(sni_onnx_call *call, uint32_t x, uint32_t q) {
    sni_onnx_list s = sni_onnx_shape(call, x);
    sni_expr wanted = sni_onnx_dim(call, q, 1);
    if (s.count != 4 || s.at[1] == wanted) return x;
    int64_t heads = sni_onnx_static(call, s.at[1], "the number of key heads");
    int64_t query_heads = sni_onnx_static(call, wanted, "the number of query heads");
    if (call->status != SINTER_OK) return 0;
    if (heads < 1 || query_heads % heads != 0) {
        sni_onnx_fail(call, SINTER_SHAPE, "%lld query heads are no multiple of %lld key heads", (long long)query_heads,
                      (long long)heads);
        return 0;
    }
    sni_onnx_list wide = {5, {s.at[0], s.at[1], sni_onnx_const(call, query_heads / heads), s.at[2], s.at[3]}};
    sni_onnx_list flat = {4, {s.at[0], wanted, s.at[2], s.at[3]}};
    return sni_onnx_reshape(call, sni_onnx_expand(call, sni_onnx_unsqueeze(call, x, 2), &wide), &flat);
}

/* true for rows that have something to attend to: [.., rows, 1]. Found from the masks and not from the scores, which may
 * be NaN. */
static uint32_t has_any(sni_onnx_call *call, const sni_onnx_attention *a) {
    uint32_t open = a->allowed;
    if (a->added) open = sni_onnx_both(call, open, sni_onnx_binary_scalar(call, "gt", a->added, -INFINITY));
    int last = sni_onnx_rank(call, open) - 1;
    uint32_t counted = sni_onnx_reduce(call, "reduce_max", sni_onnx_cast(call, open, SINTER_I32), 1, &last, true);
    return sni_onnx_binary_scalar(call, "gt", counted, 0);
}

uint32_t sni_onnx_attend(sni_onnx_call *call, const sni_onnx_attention *a, sni_onnx_attention_parts *out_parts) {
    static const int perm[] = {0, 1, 3, 2};
    sni_onnx_attention_parts parts = {0};
    uint32_t k = sni_onnx_transpose(call, repeat_heads(call, a->k, a->q), 4, perm), v = repeat_heads(call, a->v, a->q);
    uint32_t scores = sni_onnx_binary_scalar(call, "mul", sni_onnx_binary(call, "matmul", a->q, k), a->scale);
    parts.scores = scores;
    if (a->cap != 0) {
        scores = sni_onnx_unary(call, "tanh", sni_onnx_binary_scalar(call, "div", scores, a->cap));
        scores = sni_onnx_binary_scalar(call, "mul", scores, a->cap);
    }
    parts.capped = scores;
    if (a->added) scores = sni_onnx_binary(call, "add", scores, a->added);
    if (a->allowed) scores = sni_onnx_where(call, a->allowed, scores, sni_onnx_scalar_like(call, scores, -INFINITY));
    parts.biased = scores;
    if (a->precision != SINTER_DTYPE_NONE) scores = sni_onnx_cast(call, scores, a->precision);
    uint32_t weights = sni_onnx_emit(call, "softmax", SNI_IN(scores), SNI_ATTRS([SNI_SOFTMAX_AXIS] = sni_attr_int(-1)));
    weights = sni_onnx_cast(call, weights, sni_onnx_type(call, a->q).dtype);
    uint32_t y = sni_onnx_binary(call, "matmul", weights, v);
    if (a->may_forbid_all && (a->allowed || a->added)) {
        uint32_t any = has_any(call, a);
        y = sni_onnx_where(call, any, y, sni_onnx_scalar_like(call, y, 0));
        if (out_parts) weights = sni_onnx_where(call, any, weights, sni_onnx_scalar_like(call, weights, 0));
    }
    parts.weights = weights;
    if (out_parts) *out_parts = parts;
    return y;
}

/* Every second entry of the last axis, from start on. */
static uint32_t every_second(sni_onnx_call *call, uint32_t x, int start, sni_expr count) {
    sni_onnx_list sizes = sni_onnx_shape(call, x), starts = sizes, steps = sizes;
    for (int i = 0; i < sizes.count; i++) {
        bool last = i == sizes.count - 1;
        starts.at[i] = sni_onnx_const(call, last ? start : 0);
        steps.at[i] = sni_onnx_const(call, last ? 2 : 1);
    }
    if (sizes.count < 1) return 0;
    sizes.at[sizes.count - 1] = count;
    return sni_onnx_emit(
        call, "slice", SNI_IN(x),
        SNI_ATTRS([SNI_SLICE_STARTS] = sni_onnx_exprs(call, &starts), [SNI_SLICE_STEPS] = sni_onnx_exprs(call, &steps),
                  [SNI_SLICE_SIZES] = sni_onnx_exprs(call, &sizes)));
}

uint32_t sni_onnx_rotate(sni_onnx_call *call, uint32_t x, uint32_t cosines, uint32_t sines, bool interleaved) {
    sni_onnx_list s = sni_onnx_shape(call, x);
    sni_expr half = sni_onnx_dim(call, cosines, sni_onnx_rank(call, cosines) - 1), zero = sni_onnx_const(call, 0);
    sni_expr turned = sni_sym_mul(call->sym, half, sni_onnx_const(call, 2));
    if (call->status != SINTER_OK || s.count != 4) return 0;
    uint32_t c = sni_onnx_unsqueeze(call, cosines, 1), n = sni_onnx_unsqueeze(call, sines, 1);
    uint32_t part = sni_onnx_slice_axis(call, x, 3, zero, turned);
    uint32_t first = interleaved ? every_second(call, part, 0, half) : sni_onnx_slice_axis(call, part, 3, zero, half);
    uint32_t second = interleaved ? every_second(call, part, 1, half) : sni_onnx_slice_axis(call, part, 3, half, half);
    uint32_t real =
        sni_onnx_binary(call, "sub", sni_onnx_binary(call, "mul", first, c), sni_onnx_binary(call, "mul", second, n));
    uint32_t imaginary =
        sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", first, n), sni_onnx_binary(call, "mul", second, c));
    if (interleaved) {
        uint32_t pair[] = {sni_onnx_unsqueeze(call, real, 4), sni_onnx_unsqueeze(call, imaginary, 4)};
        sni_onnx_list flat = {4, {s.at[0], s.at[1], s.at[2], turned}};
        real = sni_onnx_reshape(call, sni_onnx_concat(call, 2, pair, 4), &flat);
    }
    uint32_t joined[3] = {real, imaginary, 0};
    int count = interleaved ? 1 : 2;
    if (turned != s.at[3])
        joined[count++] = sni_onnx_slice_axis(call, x, 3, turned, sni_sym_sub(call->sym, s.at[3], turned));
    return sni_onnx_concat(call, count, joined, 3);
}
