/* Attention in the domain com.microsoft, as ONNX Runtime's transformer optimiser and model builder write it: operands with all
 * heads side by side, biases and masks of several forms, caches. */
#include "onnx/attend.h"
#include "onnx/contrib.h"

#include <math.h>

/* ---- what several of them share ---- */

/* Columns start.. of a vector or of the last axis. */
static uint32_t columns(sni_onnx_call *call, uint32_t x, sni_expr start, sni_expr size) {
    return sni_onnx_slice_axis(call, x, sni_onnx_rank(call, x) - 1, start, size);
}

static double scale_of(sni_onnx_call *call, uint32_t q) {
    double given = sni_onnx_attr_float(call, "scale", 0);
    if (given != 0) return given;
    int64_t size = sni_onnx_static(call, sni_onnx_dim(call, q, 3), "the size of a head");
    return size > 0 ? 1 / sqrt((double)size) : 1;
}

/* 0 where keys are valid, else the filter: added to scores. lengths [batch], or one number a key: [batch, keys], [batch, rows,
 * keys]. */
static uint32_t mask_bias(sni_onnx_call *call, uint32_t mask, uint32_t q, sni_expr keys) {
    int rank = sni_onnx_rank(call, mask);
    sni_expr one = sni_onnx_const(call, 1), batch = sni_onnx_dim(call, q, 0);
    sni_onnx_list m = sni_onnx_shape(call, mask), shape = {4, {batch, one, one, one}};
    uint32_t valid;
    if (rank == 1 && m.at[0] == batch) {
        uint32_t length = sni_onnx_reshape(call, sni_onnx_cast(call, mask, SINTER_I64), &shape);
        valid = sni_onnx_binary(call, "lt", sni_onnx_positions(call, keys, 3), length);
    } else if (rank == 2 || rank == 3) {
        shape.at[0] = m.at[0];
        shape.at[2] = rank == 3 ? m.at[1] : one;
        shape.at[3] = m.at[rank - 1];
        valid = sni_onnx_binary_scalar(call, "ne", sni_onnx_reshape(call, mask, &shape), 0);
    } else {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a mask of rank %d (lengths of each batch, or numbers for each key)",
                      rank);
        return 0;
    }
    double filter = sni_onnx_attr_float(call, "mask_filter_value", -10000);
    return sni_onnx_where(call, valid, sni_onnx_scalar_like(call, q, 0), sni_onnx_scalar_like(call, q, filter));
}

static uint32_t sum_of(sni_onnx_call *call, uint32_t a, uint32_t b) {
    return a && b ? sni_onnx_binary(call, "add", a, b) : a ? a : b;
}

/* Row i may see keys up to its own place, of which before precede the rows. */
static uint32_t causal(sni_onnx_call *call, sni_expr rows, sni_expr keys) {
    uint32_t row = sni_onnx_positions(call, rows, 2), key = sni_onnx_positions(call, keys, 3);
    sni_expr before = sni_sym_sub(call->sym, keys, rows);
    return sni_onnx_binary(call, "le", key, sni_onnx_binary(call, "add", row, sni_onnx_size_scalar(call, before)));
}

/* softmax(q k^T scale + masks) v with the masks of this domain, [batch, rows, heads * size]. */
static uint32_t attended(sni_onnx_call *call, uint32_t q, uint32_t k, uint32_t v, uint32_t mask, uint32_t bias) {
    if (call->status != SINTER_OK || sinter_graph_status(call->graph) != SINTER_OK) return 0;
    sni_expr keys = sni_onnx_dim(call, k, 2);
    sni_onnx_attention a = {.q = q, .k = k, .v = v, .scale = scale_of(call, q), .added = bias};
    if (mask) a.added = sum_of(call, bias, mask_bias(call, mask, q, keys));
    if (sni_onnx_attr_int(call, "unidirectional", 0)) a.allowed = causal(call, sni_onnx_dim(call, q, 2), keys);
    return sni_onnx_join_heads(call, sni_onnx_attend(call, &a, NULL));
}

/* ---- MultiHeadAttention ---- */

/* Part i of operands that are packed behind the heads: [batch, rows, heads, parts, size]. */
static uint32_t unpacked(sni_onnx_call *call, uint32_t x, int i) {
    static const int perm[] = {0, 2, 1, 3};
    uint32_t part = sni_onnx_slice_axis(call, x, 3, sni_onnx_const(call, i), sni_onnx_const(call, 1));
    return sni_onnx_transpose(call, sni_onnx_squeeze(call, part, 3), 4, perm);
}

/* x + its part of the bias, as heads; a key or value of rank 4 is in heads already, and has its bias. */
static uint32_t heads_with_bias(sni_onnx_call *call, uint32_t x, uint32_t bias, sni_expr start, int64_t heads) {
    if (sni_onnx_rank(call, x) == 4) return x;
    if (bias) x = sni_onnx_binary(call, "add", x, columns(call, bias, start, sni_onnx_dim(call, x, 2)));
    return sni_onnx_split_heads(call, x, heads);
}

static void multi_head_attention(sni_onnx_call *call) {
    uint32_t q = sni_onnx_in(call, 0), k = sni_onnx_in(call, 1), v = sni_onnx_in(call, 2), bias = sni_onnx_in(call, 3);
    int64_t heads = sni_onnx_attr_int(call, "num_heads", 0);
    sni_expr start = sni_onnx_const(call, 0);
    if ((sni_onnx_in(call, 6) == 0) != (sni_onnx_in(call, 7) == 0))
        sni_onnx_fail(call, SINTER_PARSE, "past_key and past_value come together");
    for (int i = 8; i < 10; i++)
        if (sni_onnx_in(call, i))
            sni_onnx_fail(call, SINTER_UNSUPPORTED, "input %d (a cache that is shared by beams)", i);
    bool all = sni_onnx_rank(call, q) == 5, pair = k && sni_onnx_rank(call, k) == 5;
    if ((all || pair) && bias) sni_onnx_fail(call, SINTER_UNSUPPORTED, "a bias of packed operands");
    if (!all && (!k || (!pair && !v))) sni_onnx_fail(call, SINTER_PARSE, "key or value is missing");
    if (call->status != SINTER_OK) return;
    if (all) {
        k = unpacked(call, q, 1), v = unpacked(call, q, 2);
        q = unpacked(call, q, 0);
    } else {
        sni_expr width = sni_onnx_dim(call, q, 2);
        q = heads_with_bias(call, q, bias, start, heads);
        if (pair) {
            v = unpacked(call, k, 1);
            k = unpacked(call, k, 0);
        } else {
            k = heads_with_bias(call, k, bias, width, heads);
            v = heads_with_bias(call, v, bias, sni_sym_mul_i(call->sym, width, 2), heads);
        }
    }
    k = sni_onnx_after(call, sni_onnx_in(call, 6), k);
    v = sni_onnx_after(call, sni_onnx_in(call, 7), v);
    call->out[0] = attended(call, q, k, v, sni_onnx_in(call, 4), sni_onnx_in(call, 5));
    if (sni_onnx_wants(call, 1)) call->out[1] = k;
    if (sni_onnx_wants(call, 2)) call->out[2] = v;
}

/* ---- Attention ---- */

/* Keys (0) or values (1) of a cache that holds both: [2, batch, heads, rows, size]. */
static uint32_t half_of(sni_onnx_call *call, uint32_t past, int i) {
    if (!past) return 0;
    return sni_onnx_squeeze(call, sni_onnx_slice_axis(call, past, 0, sni_onnx_const(call, i), sni_onnx_const(call, 1)),
                            0);
}

static void attention(sni_onnx_call *call) {
    uint32_t weights = sni_onnx_in(call, 1), bias = sni_onnx_in(call, 2), past = sni_onnx_in(call, 4), part[3];
    int64_t heads = sni_onnx_attr_int(call, "num_heads", 0);
    int64_t width = sni_onnx_static(call, sni_onnx_dim(call, weights, 1), "the width of the weights");
    sni_onnx_ints sizes = sni_onnx_attr_ints(call, "qkv_hidden_sizes");
    if (sni_onnx_in(call, 6)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "past_sequence_length (a cache that is shared)");
    if (sni_onnx_attr_int(call, "do_rotary", 0)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "do_rotary");
    if (sizes.given && sizes.count != 3)
        sni_onnx_fail(call, SINTER_PARSE, "qkv_hidden_sizes has %d elements", sizes.count);
    if (call->status != SINTER_OK) return;
    uint32_t x = sni_onnx_binary(call, "matmul", sni_onnx_in(call, 0), weights);
    if (bias) x = sni_onnx_binary(call, "add", x, bias);
    int64_t start = 0;
    for (int i = 0; i < 3; i++) {
        int64_t size = sizes.given ? sizes.at[i] : width / 3;
        part[i] = columns(call, x, sni_onnx_const(call, start), sni_onnx_const(call, size));
        part[i] = sni_onnx_split_heads(call, part[i], heads);
        if (i > 0) part[i] = sni_onnx_after(call, half_of(call, past, i - 1), part[i]);
        start += size;
    }
    call->out[0] = attended(call, part[0], part[1], part[2], sni_onnx_in(call, 3), sni_onnx_in(call, 5));
    if (!sni_onnx_wants(call, 1)) return;
    uint32_t both[] = {sni_onnx_unsqueeze(call, part[1], 0), sni_onnx_unsqueeze(call, part[2], 0)};
    call->out[1] = sni_onnx_concat(call, 2, both, 0);
}

/* ---- GroupQueryAttention ---- */

/* past [batch, heads, p, size] with x written from each batch's own place on: [batch, heads, p + rows, size]. */
static uint32_t written(sni_onnx_call *call, uint32_t past, uint32_t x, uint32_t at) {
    sni_onnx_list s = sni_onnx_shape(call, x);
    if (!past) return x;
    uint32_t all = sni_onnx_concat(call, 2, (const uint32_t[]){past, x}, 2);
    sni_expr before = sni_onnx_dim(call, past, 2), total = sni_sym_add(call->sym, before, s.at[2]);
    uint32_t place = sni_onnx_positions(call, total, 2), p = sni_onnx_size_scalar(call, before);
    uint32_t own = sni_onnx_binary(call, "sub", place, at); /* the row of x, if it is one */
    uint32_t is_new = sni_onnx_binary(call, "and", sni_onnx_binary_scalar(call, "ge", own, 0),
                                      sni_onnx_binary(call, "lt", own, sni_onnx_size_scalar(call, s.at[2])));
    uint32_t from = sni_onnx_where(call, is_new, sni_onnx_binary(call, "add", own, p), place);
    sni_onnx_list full = {4, {s.at[0], s.at[1], total, s.at[3]}};
    return sni_onnx_emit(call, "gather_elements", SNI_IN(all, sni_onnx_expand(call, from, &full)),
                         SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(2)));
}

/* seqlens_k says of each batch at which place its last row stands. */
static void group_query_attention(sni_onnx_call *call) {
    uint32_t q = sni_onnx_in(call, 0), k = sni_onnx_in(call, 1), v = sni_onnx_in(call, 2),
             past_k = sni_onnx_in(call, 3), past_v = sni_onnx_in(call, 4), last = sni_onnx_in(call, 5);
    int64_t heads = sni_onnx_attr_int(call, "num_heads", 0), kv_heads = sni_onnx_attr_int(call, "kv_num_heads", 0);
    int64_t local = sni_onnx_attr_int(call, "local_window_size", -1);
    if (sni_onnx_attr_int(call, "smooth_softmax", 0) > 0) sni_onnx_fail(call, SINTER_UNSUPPORTED, "smooth_softmax");
    if (sni_onnx_in(call, 11)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "head_sink");
    if (heads < 1 || kv_heads < 1) sni_onnx_fail(call, SINTER_PARSE, "num_heads and kv_num_heads are missing");
    if ((past_k == 0) != (past_v == 0)) sni_onnx_fail(call, SINTER_PARSE, "past_key and past_value come together");
    if (!last) sni_onnx_fail(call, SINTER_PARSE, "seqlens_k is missing");
    if (sni_onnx_rank(call, q) != 3) sni_onnx_fail(call, SINTER_PARSE, "a query of rank %d", sni_onnx_rank(call, q));
    if (call->status != SINTER_OK) return;
    if (!k) { /* all heads of query, keys and values side by side */
        int64_t width = sni_onnx_static(call, sni_onnx_dim(call, q, 2), "the width of the query");
        int64_t size = width / (heads + 2 * kv_heads);
        uint32_t all = q;
        q = columns(call, all, sni_onnx_const(call, 0), sni_onnx_const(call, heads * size));
        k = columns(call, all, sni_onnx_const(call, heads * size), sni_onnx_const(call, kv_heads * size));
        v = columns(call, all, sni_onnx_const(call, (heads + kv_heads) * size), sni_onnx_const(call, kv_heads * size));
    }
    q = sni_onnx_split_heads(call, q, heads);
    k = sni_onnx_split_heads(call, k, kv_heads);
    v = sni_onnx_split_heads(call, v, kv_heads);
    if (call->status != SINTER_OK) return;
    sni_expr one = sni_onnx_const(call, 1), rows = sni_onnx_dim(call, q, 2), batch = sni_onnx_dim(call, q, 0);
    sni_onnx_list column = {4, {batch, one, one, one}};
    uint32_t end =
        sni_onnx_binary_scalar(call, "add", sni_onnx_reshape(call, sni_onnx_cast(call, last, SINTER_I64), &column), 1);
    uint32_t before = sni_onnx_binary(call, "sub", end, sni_onnx_size_scalar(call, rows));
    before = sni_onnx_binary_scalar(call, "max", before, 0); /* a first prompt may be padded behind */
    uint32_t place = sni_onnx_binary(call, "add", sni_onnx_positions(call, rows, 2), before); /* [batch, 1, rows, 1] */
    if (sni_onnx_attr_int(call, "do_rotary", 0)) {
        sni_onnx_list flat = {2, {batch, rows}};
        uint32_t at = sni_onnx_in(call, 9) ? sni_onnx_in(call, 9) : sni_onnx_reshape(call, place, &flat);
        const sni_attr *along = SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0));
        bool interleaved = sni_onnx_attr_int(call, "rotary_interleaved", 0) != 0;
        if (!sni_onnx_in(call, 7) || !sni_onnx_in(call, 8))
            sni_onnx_fail(call, SINTER_PARSE, "do_rotary without caches");
        uint32_t c = sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_in(call, 7), at), along);
        uint32_t s = sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_in(call, 8), at), along);
        q = sni_onnx_rotate(call, q, c, s, interleaved);
        k = sni_onnx_rotate(call, k, c, s, interleaved);
    }
    k = written(call, past_k, k, before);
    v = written(call, past_v, v, before);
    if (call->status != SINTER_OK || sinter_graph_status(call->graph) != SINTER_OK) return;
    uint32_t key = sni_onnx_positions(call, sni_onnx_dim(call, k, 2), 3);
    sni_onnx_attention a = {.q = q, .k = k, .v = v, .scale = scale_of(call, q), .added = sni_onnx_in(call, 10)};
    a.cap = sni_onnx_attr_float(call, "softcap", 0);
    a.allowed = sni_onnx_binary(call, "le", key, place);
    if (local > 0) {
        uint32_t first = sni_onnx_binary_scalar(call, "sub", place, (double)local);
        a.allowed = sni_onnx_both(call, a.allowed, sni_onnx_binary(call, "gt", key, first));
    }
    call->out[0] = sni_onnx_join_heads(call, sni_onnx_attend(call, &a, NULL));
    if (sni_onnx_wants(call, 1)) call->out[1] = k;
    if (sni_onnx_wants(call, 2)) call->out[2] = v;
}

/* ---- what stands in front of attention ---- */

static void rotary_embedding(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), at = sni_onnx_in(call, 1), c = sni_onnx_in(call, 2), s = sni_onnx_in(call, 3);
    int64_t heads = sni_onnx_attr_int(call, "num_heads", 0),
            turned = sni_onnx_attr_int(call, "rotary_embedding_dim", 0);
    bool flat = sni_onnx_rank(call, x) == 3;
    if (sni_onnx_attr_float(call, "scale", 1) != 1) sni_onnx_fail(call, SINTER_UNSUPPORTED, "a scale");
    if (sni_onnx_attr_int(call, "is_packed_batching", 0)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "is_packed_batching");
    if (turned && !heads && flat) sni_onnx_fail(call, SINTER_PARSE, "rotary_embedding_dim without num_heads");
    if (call->status != SINTER_OK) return;
    if (flat && !heads) { /* a head is turned whole */
        int64_t width = sni_onnx_static(call, sni_onnx_dim(call, x, 2), "the width of all heads");
        int64_t half = sni_onnx_static(call, sni_onnx_dim(call, c, 1), "the width of cos_cache");
        heads = half > 0 ? width / (2 * half) : 0;
    }
    if (flat) x = sni_onnx_split_heads(call, x, heads);
    if (call->status != SINTER_OK) return;
    if (sni_onnx_rank(call, at) == 1) { /* where the first row stands */
        sni_expr rows = sni_onnx_dim(call, x, 2);
        sni_onnx_list line = {2, {sni_onnx_const(call, 1), rows}};
        at = sni_onnx_binary(call, "add", sni_onnx_iota(call, &line, SINTER_I64, 1), sni_onnx_unsqueeze(call, at, 0));
    }
    const sni_attr *along = SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0));
    c = sni_onnx_emit(call, "gather", SNI_IN(c, at), along);
    s = sni_onnx_emit(call, "gather", SNI_IN(s, at), along);
    x = sni_onnx_rotate(call, x, c, s, sni_onnx_attr_int(call, "interleaved", 0) != 0);
    call->out[0] = flat ? sni_onnx_join_heads(call, x) : x;
}

/* Words, positions and segments, each looked up, summed and normalised. */
static void embed_layer_norm(sni_onnx_call *call) {
    uint32_t ids = sni_onnx_in(call, 0), segments = sni_onnx_in(call, 1), mask = sni_onnx_in(call, 7),
             at = sni_onnx_in(call, 8);
    const sni_attr *along = SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0));
    if (sni_onnx_rank(call, ids) != 2 || (segments == 0) != (sni_onnx_in(call, 4) == 0)) {
        sni_onnx_fail(call, SINTER_PARSE, "ids of rank %d, or segments without their table", sni_onnx_rank(call, ids));
        return;
    }
    sni_onnx_list line = {2, {sni_onnx_const(call, 1), sni_onnx_dim(call, ids, 1)}};
    if (!at) at = sni_onnx_iota(call, &line, SINTER_I64, 1);
    uint32_t sum = sni_onnx_binary(call, "add", sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_in(call, 2), ids), along),
                                   sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_in(call, 3), at), along));
    if (segments)
        sum = sni_onnx_binary(call, "add", sum,
                              sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_in(call, 4), segments), along));
    call->out[0] =
        sni_onnx_emit(call, "layer_norm", SNI_IN(sum, sni_onnx_in(call, 5), sni_onnx_in(call, 6)),
                      SNI_ATTRS([SNI_NORM_AXIS] = sni_attr_int(2), [SNI_NORM_EPSILON] = sni_attr_float(
                                                                       sni_onnx_attr_float(call, "epsilon", 1e-12))));
    if (sni_onnx_wants(call, 1)) { /* how many words of each batch are meant */
        static const int axis = 1;
        sni_onnx_list batch = {1, {sni_onnx_dim(call, ids, 0)}};
        call->out[1] = mask ? sni_onnx_cast(call,
                                            sni_onnx_reduce(call, "reduce_sum", sni_onnx_cast(call, mask, SINTER_I32),
                                                            1, &axis, false),
                                            SINTER_I32)
                            : sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I32, 0), &batch);
    }
    if (sni_onnx_wants(call, 2)) call->out[2] = sum;
}

static const sni_onnx_contrib_row rows[] = {
    {{"MultiHeadAttention", 1, 1, 10, 3, multi_head_attention, NULL},
     " num_heads mask_filter_value scale unidirectional "},
    {{"Attention", 1, 2, 7, 2, attention, NULL},
     " num_heads mask_filter_value scale unidirectional qkv_hidden_sizes do_rotary past_present_share_buffer "},
    {{"GroupQueryAttention", 1, 1, 12, 3, group_query_attention, NULL},
     " num_heads kv_num_heads scale softcap do_rotary rotary_interleaved local_window_size smooth_softmax "},
    {{"RotaryEmbedding", 1, 4, 4, 1, rotary_embedding, NULL},
     " interleaved num_heads rotary_embedding_dim scale is_packed_batching "},
    {{"EmbedLayerNormalization", 1, 7, 9, 3, embed_layer_norm, NULL}, " epsilon mask_index_type "},
};
const sni_onnx_contrib_family sni_onnx_contrib_attention = {rows, sizeof rows / sizeof *rows};
