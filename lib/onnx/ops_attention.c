/* ai.onnx's operators of language models, from opset 23 on. */
#include <math.h>
#include <string.h>

#include "onnx/attend.h"

/* The operands of one Attention. */
typedef struct {
    uint32_t q, k, v; /* [batch, heads, rows, size] */
    sni_expr rows, keys;
    uint32_t offset; /* i64: how many keys precede the first row of q; a scalar or [batch, 1, 1, 1] */
    bool flat;       /* q was [batch, rows, heads * size] */
} operands;

static uint32_t heads_of(sni_onnx_call *call, uint32_t x, const char *attribute) {
    if (sni_onnx_rank(call, x) == 4) return x;
    if (!sni_onnx_has_attr(call, attribute)) {
        sni_onnx_fail(call, SINTER_PARSE, "operands of rank 3 need the attribute %s", attribute);
        return 0;
    }
    return sni_onnx_split_heads(call, x, sni_onnx_attr_int(call, attribute, 0));
}

static bool read_operands(sni_onnx_call *call, operands *o) {
    uint32_t past = sni_onnx_in(call, 4), valid = sni_onnx_in(call, 6);
    sni_expr one = sni_onnx_const(call, 1);
    if ((past == 0) != (sni_onnx_in(call, 5) == 0))
        sni_onnx_fail(call, SINTER_PARSE, "past_key and past_value come together");
    if (past && valid) sni_onnx_fail(call, SINTER_PARSE, "nonpad_kv_seqlen does not go with past_key");
    o->flat = sni_onnx_rank(call, sni_onnx_in(call, 0)) == 3;
    o->q = heads_of(call, sni_onnx_in(call, 0), "q_num_heads");
    o->k = sni_onnx_after(call, past, heads_of(call, sni_onnx_in(call, 1), "kv_num_heads"));
    o->v = sni_onnx_after(call, sni_onnx_in(call, 5), heads_of(call, sni_onnx_in(call, 2), "kv_num_heads"));
    if (call->status != SINTER_OK || sinter_graph_status(call->graph) != SINTER_OK) return false;
    o->rows = sni_onnx_dim(call, o->q, 2);
    o->keys = sni_onnx_dim(call, o->k, 2);
    o->offset = sni_onnx_size_scalar(call, past ? sni_onnx_dim(call, past, 2) : sni_onnx_const(call, 0));
    if (valid) {
        sni_onnx_list column = {4, {sni_onnx_dim(call, valid, 0), one, one, one}};
        uint32_t counts = sni_onnx_reshape(call, sni_onnx_cast(call, valid, SINTER_I64), &column);
        o->offset = sni_onnx_binary(call, "sub", counts, sni_onnx_size_scalar(call, o->rows));
    }
    return call->status == SINTER_OK;
}

/* A mask may know fewer keys than there are: the others are forbidden. */
static uint32_t widen_mask(sni_onnx_call *call, uint32_t mask, sni_expr keys) {
    sni_onnx_list shape = sni_onnx_shape(call, mask);
    if (shape.count < 1 || shape.at[shape.count - 1] == keys) return mask;
    int last = shape.count - 1;
    int64_t have, want;
    bool known = sni_sym_is_const(call->sym, shape.at[last], &have) && sni_sym_is_const(call->sym, keys, &want);
    if (known && have > want) {
        sni_onnx_fail(call, SINTER_SHAPE, "the mask has %lld columns, there are %lld keys", (long long)have,
                      (long long)want);
        return 0;
    }
    shape.at[last] = sni_sym_sub(call->sym, keys, shape.at[last]);
    bool bools = sni_onnx_type(call, mask).dtype == SINTER_BOOL;
    uint32_t rest = sni_onnx_expand(call, sni_onnx_scalar_like(call, mask, bools ? 0 : -INFINITY), &shape);
    return sni_onnx_concat(call, 2, (const uint32_t[]){mask, rest}, last);
}

/* Keys in a window around each row's own position: [1 or batch, 1, rows, keys]. A side below 0 has no end. */
static uint32_t window(sni_onnx_call *call, const operands *o, int64_t left, int64_t right) {
    uint32_t key = sni_onnx_positions(call, o->keys, 3), allowed = 0;
    uint32_t row = sni_onnx_binary(call, "add", sni_onnx_positions(call, o->rows, 2), o->offset);
    if (right >= 0)
        allowed =
            sni_onnx_binary(call, "le", key, right ? sni_onnx_binary_scalar(call, "add", row, (double)right) : row);
    if (left >= 0)
        allowed = sni_onnx_both(
            call, allowed, sni_onnx_binary(call, "ge", key, sni_onnx_binary_scalar(call, "sub", row, (double)left)));
    return allowed;
}

static uint32_t allowed_keys(sni_onnx_call *call, const operands *o) {
    int64_t left = sni_onnx_attr_int(call, "left_window_size", -1);
    int64_t right = sni_onnx_attr_int(call, "right_window_size", -1);
    if (left < -1 || right < -1)
        sni_onnx_fail(call, SINTER_PARSE, "a window of %lld and %lld keys (-1 or more)", (long long)left,
                      (long long)right);
    uint32_t allowed = 0;
    if (sni_onnx_attr_int(call, "is_causal", 0)) allowed = window(call, o, -1, 0);
    if (left >= 0 || right >= 0) allowed = sni_onnx_both(call, allowed, window(call, o, left, right));
    if (sni_onnx_in(call, 6)) { /* what is behind a batch's valid keys */
        uint32_t valid = sni_onnx_binary(call, "add", o->offset, sni_onnx_size_scalar(call, o->rows));
        uint32_t inside = sni_onnx_binary(call, "lt", sni_onnx_positions(call, o->keys, 3), valid);
        allowed = sni_onnx_both(call, allowed, inside);
    }
    return allowed;
}

static void attention(sni_onnx_call *call) {
    operands o;
    uint32_t mask = sni_onnx_in(call, 3);
    int64_t mode = sni_onnx_attr_int(call, "qk_matmul_output_mode", 0), precision;
    if (!read_operands(call, &o)) return;
    sni_onnx_attention a = {.q = o.q, .k = o.k, .v = o.v, .allowed = allowed_keys(call, &o)};
    a.may_forbid_all = mask || sni_onnx_in(call, 6) || sni_onnx_attr_int(call, "left_window_size", -1) >= 0 ||
                       sni_onnx_attr_int(call, "right_window_size", -1) >= 0;
    if (mask) {
        mask = widen_mask(call, mask, o.keys);
        if (sni_onnx_type(call, mask).dtype == SINTER_BOOL)
            a.allowed = sni_onnx_both(call, a.allowed, mask);
        else
            a.added = sni_onnx_cast(call, mask, sni_onnx_type(call, o.q).dtype);
    }
    a.scale = sni_onnx_attr_float(call, "scale", 0);
    if (!sni_onnx_has_attr(call, "scale"))
        a.scale = 1 / sqrt((double)sni_onnx_static(call, sni_onnx_dim(call, o.q, 3), "the size of a head"));
    a.cap = sni_onnx_attr_float(call, "softcap", 0);
    precision = sni_onnx_attr_int(call, "softmax_precision", 0);
    if (precision) a.precision = sni_onnx_dtype((int32_t)precision);
    if (precision && !sni_dtype_is_real(a.precision))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a softmax of data type %lld", (long long)precision);
    sni_onnx_attention_parts parts;
    uint32_t y = sni_onnx_attend(call, &a, sni_onnx_wants(call, 3) ? &parts : NULL);
    call->out[0] = o.flat ? sni_onnx_join_heads(call, y) : y;
    if (sni_onnx_wants(call, 1)) call->out[1] = o.k;
    if (sni_onnx_wants(call, 2)) call->out[2] = o.v;
    if (!sni_onnx_wants(call, 3)) return;
    if (mode < 0 || mode > 3) sni_onnx_fail(call, SINTER_PARSE, "qk_matmul_output_mode %lld (0 to 3)", (long long)mode);
    call->out[3] = mode == 0 ? parts.scores : mode == 1 ? parts.capped : mode == 2 ? parts.biased : parts.weights;
}

static void rotary_embedding(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), cosines = sni_onnx_in(call, 1), sines = sni_onnx_in(call, 2);
    uint32_t positions = sni_onnx_in(call, 3);
    bool flat = sni_onnx_rank(call, x) == 3;
    if (flat) x = sni_onnx_split_heads(call, x, sni_onnx_attr_int(call, "num_heads", 0));
    if (positions) {
        const sni_attr *along = SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0));
        cosines = sni_onnx_emit(call, "gather", SNI_IN(cosines, positions), along);
        sines = sni_onnx_emit(call, "gather", SNI_IN(sines, positions), along);
    }
    int64_t turned = sni_onnx_attr_int(call, "rotary_embedding_dim", 0), half;
    if (turned && sni_sym_is_const(call->sym, sni_onnx_dim(call, cosines, sni_onnx_rank(call, cosines) - 1), &half) &&
        2 * half != turned)
        sni_onnx_fail(call, SINTER_SHAPE, "%lld cosines do not turn rotary_embedding_dim %lld entries", (long long)half,
                      (long long)turned);
    bool interleaved = sni_onnx_attr_int(call, "interleaved", 0) != 0;
    uint32_t y = sni_onnx_rotate(call, x, cosines, sines, interleaved);
    call->out[0] = flat ? sni_onnx_join_heads(call, y) : y;
}

static uint32_t swish_of(sni_onnx_call *call, uint32_t x) {
    double alpha = sni_onnx_attr_float(call, "alpha", 1);
    if (alpha == 1) return sni_onnx_unary(call, "silu", x);
    uint32_t gate = sni_onnx_unary(call, "sigmoid", sni_onnx_binary_scalar(call, "mul", x, alpha));
    return sni_onnx_binary(call, "mul", x, gate);
}

static void swish(sni_onnx_call *call) {
    call->out[0] = swish_of(call, sni_onnx_in(call, 0));
}

static void swiglu(sni_onnx_call *call) {
    call->out[0] = sni_onnx_binary(call, "mul", swish_of(call, sni_onnx_in(call, 0)), sni_onnx_in(call, 1));
}

/* The update lies in the cache at each batch's own place; circular: what is past the end goes on at the beginning. Every
 * element of the cache asks which element of the update it is. */
static void tensor_scatter(sni_onnx_call *call) {
    uint32_t cache = sni_onnx_in(call, 0), update = sni_onnx_in(call, 1), at = sni_onnx_in(call, 2);
    int rank = sni_onnx_rank(call, cache), axis = sni_onnx_attr_axis(call, "axis", -2, rank);
    const char *mode = sni_onnx_attr_text(call, "mode", "linear");
    bool circular = strcmp(mode, "circular") == 0;
    if (!circular && strcmp(mode, "linear") != 0) sni_onnx_fail(call, SINTER_PARSE, "mode '%s'", mode);
    if (axis == 0) sni_onnx_fail(call, SINTER_PARSE, "axis 0 is the batch");
    if (call->status != SINTER_OK || axis < 0) return;
    sni_onnx_list shape = sni_onnx_shape(call, cache), ones = shape;
    for (int i = 0; i < rank; i++) ones.at[i] = sni_onnx_const(call, 1);
    sni_onnx_list line = ones, column = ones;
    line.at[axis] = shape.at[axis];
    column.at[0] = shape.at[0];
    uint32_t size = sni_onnx_size_scalar(call, shape.at[axis]);
    uint32_t length = sni_onnx_size_scalar(call, sni_onnx_dim(call, update, axis));
    uint32_t from = sni_onnx_iota(call, &line, SINTER_I64, axis);
    if (at)
        from = sni_onnx_binary(call, "sub", from, sni_onnx_reshape(call, sni_onnx_cast(call, at, SINTER_I64), &column));
    if (circular) from = sni_onnx_binary(call, "mod", from, size);
    uint32_t inside = sni_onnx_binary(call, "and", sni_onnx_binary_scalar(call, "ge", from, 0),
                                      sni_onnx_binary(call, "lt", from, length));
    from = sni_onnx_where(call, inside, from, sni_onnx_scalar(call, SINTER_I64, 0));
    uint32_t taken = sni_onnx_emit(call, "gather_elements", SNI_IN(update, sni_onnx_expand(call, from, &shape)),
                                   SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
    call->out[0] = sni_onnx_where(call, inside, taken, cache);
}

static uint32_t activated(sni_onnx_call *call, uint32_t x) {
    const char *name = sni_onnx_attr_text(call, "activation", "none");
    if (strcmp(name, "none") == 0) return x;
    if (strcmp(name, "silu") == 0 || strcmp(name, "swish") == 0) return sni_onnx_unary(call, "silu", x);
    sni_onnx_fail(call, SINTER_PARSE, "activation '%s'", name);
    return 0;
}

/* A depthwise convolution [batch, channels, length] that begins with what the last call ended with. */
static void causal_conv(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), weight = sni_onnx_in(call, 1), past = sni_onnx_in(call, 3);
    sni_onnx_list s = sni_onnx_shape(call, x);
    if (s.count != 3 || sni_onnx_rank(call, weight) != 3) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "operands of ranks %d and %d (3 and 3)", s.count,
                      sni_onnx_rank(call, weight));
        return;
    }
    int64_t channels = sni_onnx_static(call, s.at[1], "the number of channels");
    int64_t taps = sni_onnx_static(call, sni_onnx_dim(call, weight, 2), "the kernel's size");
    if (call->status != SINTER_OK) return;
    sni_onnx_list before = {3, {s.at[0], s.at[1], sni_onnx_const(call, taps - 1)}};
    if (!past) past = sni_onnx_expand(call, sni_onnx_scalar_like(call, x, 0), &before);
    uint32_t whole = taps > 1 ? sni_onnx_concat(call, 2, (const uint32_t[]){past, x}, 2) : x;
    sni_onnx_list one = {1, {sni_onnx_const(call, 1)}}, none = {2, {sni_onnx_const(call, 0), sni_onnx_const(call, 0)}};
    uint32_t y = sni_onnx_emit(
        call, "conv", SNI_IN(whole, weight, sni_onnx_in(call, 2)),
        SNI_ATTRS([SNI_CONV_STRIDES] = sni_onnx_exprs(call, &one), [SNI_CONV_PADS] = sni_onnx_exprs(call, &none),
                  [SNI_CONV_DILATIONS] = sni_onnx_exprs(call, &one), [SNI_CONV_GROUPS] = sni_attr_int(channels)));
    call->out[0] = activated(call, y);
    if (sni_onnx_wants(call, 1))
        call->out[1] = sni_onnx_slice_axis(call, whole, 2, taps > 1 ? s.at[2] : sni_onnx_const(call, 0),
                                           sni_onnx_const(call, taps - 1));
}

static const sni_onnx_row rows[] = {
    {"Attention", 23, 3, 7, 4, attention, NULL},
    {"RotaryEmbedding", 23, 3, 4, 1, rotary_embedding, NULL},
    {"TensorScatter", 24, 2, 3, 1, tensor_scatter, NULL},
    {"Swish", 24, 1, 1, 1, swish, NULL},
    {"SwiGLU", 28, 2, 2, 1, swiglu, NULL},
    {"CausalConvWithState", 27, 2, 4, 2, causal_conv, NULL},
};
const sni_onnx_family sni_onnx_attention_family = {rows, sizeof rows / sizeof *rows};
