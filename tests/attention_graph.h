/* Attention written out in primitives, as exporters do: scores, scale, mask, softmax, product; for tests. */
#ifndef SINTER_TESTS_ATTENTION_GRAPH_H
#define SINTER_TESTS_ATTENTION_GRAPH_H

#include <math.h>

#include <sinter/sinter.h>

typedef enum attention_mask { NO_MASK, CAUSAL, ADDITIVE, BOOLEAN } attention_mask;

typedef struct attention_options {
    sinter_dtype dtype;
    int heads, kv_heads, d, dv;
    attention_mask mask;
    int rotary; /* not 0: cos and sin inputs rotate halves of q and k first */
    int rows;   /* not 0: q comes as [batch, seq, heads*d] and the result goes back to that */
} attention_options;

static inline sinter_value attention_half(sinter_graph *g, sinter_value x, int first, sinter_dim heads,
                                          sinter_dim length, int d) {
    return sinter_slice(g, x, SINTER_SHAPE(0, 0, 0, first), SINTER_SHAPE(1, 1, 1, 1),
                        SINTER_SHAPE(SINTER_DIM("batch"), heads, length, d / 2));
}

static inline sinter_value attention_rotated(sinter_graph *g, sinter_value x, sinter_value cosine, sinter_value sine,
                                             sinter_dim heads, sinter_dim length, int d) {
    sinter_value low = attention_half(g, x, 0, heads, length, d), high = attention_half(g, x, d / 2, heads, length, d);
    sinter_value parts[2] = {sinter_neg(g, high), low};
    sinter_value turned = sinter_concat(g, parts, 2, 3);
    return sinter_add(g, sinter_mul(g, x, cosine), sinter_mul(g, turned, sine));
}

/* Each kv head serves heads / kv_heads heads: unsqueeze, expand, reshape. */
static inline sinter_value attention_repeated(sinter_graph *g, sinter_value x, const attention_options *o, int d) {
    int times = o->heads / o->kv_heads;
    if (times == 1) return x;
    sinter_dim batch = SINTER_DIM("batch"), keys = SINTER_DIM("keys");
    sinter_value split = sinter_reshape(g, x, SINTER_SHAPE(batch, o->kv_heads, 1, keys, d));
    split = sinter_expand(g, split, SINTER_SHAPE(batch, o->kv_heads, times, keys, d));
    return sinter_reshape(g, split, SINTER_SHAPE(batch, o->heads, keys, d));
}

static inline sinter_value attention_causal(sinter_graph *g, sinter_value scores, sinter_dtype dtype) {
    sinter_dim queries = SINTER_DIM("queries"), keys = SINTER_DIM("keys");
    sinter_value i = sinter_iota(g, SINTER_SHAPE(queries, 1), SINTER_I64, 0);
    sinter_value j = sinter_iota(g, SINTER_SHAPE(1, keys), SINTER_I64, 1);
    return sinter_where(g, sinter_lt(g, i, j), sinter_scalar(g, dtype, -INFINITY), scores);
}

/* Inputs q [batch, heads, queries, d], k [batch, kv_heads, keys, d], v [batch, kv_heads, keys, dv], then what the mask and
 * the rotation need; output o. */
static inline void attention_graph(sinter_graph *g, const attention_options *o) {
    sinter_dim batch = SINTER_DIM("batch"), queries = SINTER_DIM("queries"), keys = SINTER_DIM("keys");
    sinter_value q = o->rows ? sinter_input(g, "q", o->dtype, SINTER_SHAPE(batch, queries, o->heads * o->d))
                             : sinter_input(g, "q", o->dtype, SINTER_SHAPE(batch, o->heads, queries, o->d));
    sinter_value k = sinter_input(g, "k", o->dtype, SINTER_SHAPE(batch, o->kv_heads, keys, o->d));
    sinter_value v = sinter_input(g, "v", o->dtype, SINTER_SHAPE(batch, o->kv_heads, keys, o->dv));
    if (o->rows)
        q = sinter_transpose(g, sinter_reshape(g, q, SINTER_SHAPE(batch, queries, o->heads, o->d)),
                             SINTER_SHAPE(0, 2, 1, 3));
    if (o->rotary) {
        sinter_value cq = sinter_input(g, "cos_q", o->dtype, SINTER_SHAPE(queries, o->d));
        sinter_value sq = sinter_input(g, "sin_q", o->dtype, SINTER_SHAPE(queries, o->d));
        sinter_value ck = sinter_input(g, "cos_k", o->dtype, SINTER_SHAPE(keys, o->d));
        sinter_value sk = sinter_input(g, "sin_k", o->dtype, SINTER_SHAPE(keys, o->d));
        q = attention_rotated(g, q, cq, sq, o->heads, queries, o->d);
        k = attention_rotated(g, k, ck, sk, o->kv_heads, keys, o->d);
    }
    k = attention_repeated(g, k, o, o->d);
    v = attention_repeated(g, v, o, o->dv);
    sinter_value s = sinter_matmul(g, q, sinter_transpose(g, k, SINTER_SHAPE(0, 1, 3, 2)));
    s = sinter_mul(g, s, sinter_scalar(g, o->dtype, 1 / sqrt(o->d)));
    if (o->mask == CAUSAL) s = attention_causal(g, s, o->dtype);
    if (o->mask == ADDITIVE)
        s = sinter_add(g, s, sinter_input(g, "mask", o->dtype, SINTER_SHAPE(batch, 1, queries, keys)));
    if (o->mask == BOOLEAN)
        s = sinter_where(g, sinter_input(g, "mask", SINTER_BOOL, SINTER_SHAPE(batch, 1, 1, keys)), s,
                         sinter_scalar(g, o->dtype, -INFINITY));
    sinter_value out = sinter_matmul(g, sinter_softmax(g, s, 3), v);
    if (o->rows)
        out = sinter_reshape(g, sinter_transpose(g, out, SINTER_SHAPE(0, 2, 1, 3)),
                             SINTER_SHAPE(batch, queries, o->heads * o->dv));
    sinter_output(g, "o", out);
}

/* Shapes of the inputs in their order; returns how many. */
static inline int attention_shapes(const attention_options *o, int batch, int queries, int keys, sinter_shape *shapes) {
    int n = 0;
    shapes[n++] =
        o->rows ? SINTER_SHAPE(batch, queries, o->heads * o->d) : SINTER_SHAPE(batch, o->heads, queries, o->d);
    shapes[n++] = SINTER_SHAPE(batch, o->kv_heads, keys, o->d);
    shapes[n++] = SINTER_SHAPE(batch, o->kv_heads, keys, o->dv);
    for (int i = 0; i < 4 && o->rotary; ++i)
        shapes[n++] = i < 2 ? SINTER_SHAPE(queries, o->d) : SINTER_SHAPE(keys, o->d);
    if (o->mask == ADDITIVE) shapes[n++] = SINTER_SHAPE(batch, 1, queries, keys);
    if (o->mask == BOOLEAN) shapes[n++] = SINTER_SHAPE(batch, 1, 1, keys);
    return n;
}

#endif
