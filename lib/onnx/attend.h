/* Attention as several operators need it: ai.onnx's and those of com.microsoft. */
#ifndef SNI_ONNX_ATTEND_H
#define SNI_ONNX_ATTEND_H

#include "onnx/importer.h"

/* softmax(cap(q k^T scale) + added where allowed, else nothing) v, written in the form that the fuser makes one kernel of.
 * A row in which nothing is allowed is zeros. All values are [batch, heads, rows, size] or broadcast to it. */
typedef struct sni_onnx_attention {
    uint32_t q, k, v;       /* k and v: heads that divide q's, each of which serves as many neighbours of q */
    uint32_t allowed;       /* bool, [.., rows of q, rows of k], or 0 */
    uint32_t added;         /* of q's dtype, the same shape, or 0 */
    bool may_forbid_all;    /* a row may have nothing that is allowed, or only -Inf added */
    double scale, cap;      /* cap 0: none */
    sinter_dtype precision; /* of the softmax; NONE: as it is */
} sni_onnx_attention;

/* What ai.onnx's Attention lets a graph see; 0 where it was not asked for. */
typedef struct sni_onnx_attention_parts {
    uint32_t scores, capped, biased, weights;
} sni_onnx_attention_parts;

/* [batch, heads, rows of q, size of v]. out_parts may be NULL. */
uint32_t sni_onnx_attend(sni_onnx_call *call, const sni_onnx_attention *a, sni_onnx_attention_parts *out_parts);
/* [batch, rows, heads * size] as [batch, heads, rows, size], and back. */
uint32_t sni_onnx_split_heads(sni_onnx_call *call, uint32_t x, int64_t heads);
uint32_t sni_onnx_join_heads(sni_onnx_call *call, uint32_t x);
/* x behind the rows of past, [batch, heads, rows, size] both; past 0: x. */
uint32_t sni_onnx_after(sni_onnx_call *call, uint32_t past, uint32_t x);
/* Both of two bool values; 0: nothing is forbidden. */
uint32_t sni_onnx_both(sni_onnx_call *call, uint32_t a, uint32_t b);
/* The numbers 0, 1, ... of an axis of a value of rank 4, shaped to broadcast: [.., n, ..]. i64. */
uint32_t sni_onnx_positions(sni_onnx_call *call, sni_expr n, int axis);
/* An i64 scalar that is a size. */
uint32_t sni_onnx_size_scalar(sni_onnx_call *call, sni_expr size);
/* Rotates the first 2 * n entries of each row of x [batch, heads, rows, size] by the angles whose cosines and sines are
 * [batch or 1, rows, n]; interleaved: pairs of neighbours, else one of each half. */
uint32_t sni_onnx_rotate(sni_onnx_call *call, uint32_t x, uint32_t cosines, uint32_t sines, bool interleaved);

#endif
