/* The graph's matmul multiplies reals. Products of integers are rare (masks, positions, quantised layers), and are a
 * multiplication and a sum, which the fuser makes one kernel of. */
#include "onnx/product.h"

/* Broadcast over (m, k, n), summed over k. */
static uint32_t integer_product(sni_onnx_call *call, uint32_t a, uint32_t b) {
    int rank_a = sni_onnx_rank(call, a), rank_b = sni_onnx_rank(call, b);
    if (rank_a >= SINTER_MAX_RANK || rank_b >= SINTER_MAX_RANK) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "integer operands of rank %d and %d (up to %d)", rank_a, rank_b,
                      SINTER_MAX_RANK - 1);
        return 0;
    }
    int axis = (rank_a > rank_b ? rank_a : rank_b) - 1;
    a = sni_onnx_unsqueeze(call, a, rank_a);
    b = sni_onnx_unsqueeze(call, b, rank_b - 2);
    return sni_onnx_reduce(call, "reduce_sum", sni_onnx_binary(call, "mul", a, b), 1, &axis, false);
}

uint32_t sni_onnx_product(sni_onnx_call *call, uint32_t a, uint32_t b) {
    bool row = sni_onnx_rank(call, a) == 1, column = sni_onnx_rank(call, b) == 1;
    if (row) a = sni_onnx_unsqueeze(call, a, 0);
    if (column) b = sni_onnx_unsqueeze(call, b, 1);
    if (sni_onnx_rank(call, a) < 2 || sni_onnx_rank(call, b) < 2) {
        sni_onnx_fail(call, SINTER_SHAPE, "a scalar is no matrix");
        return 0;
    }
    bool real = sni_dtype_is_real(sni_onnx_type(call, a).dtype);
    uint32_t c = real ? sni_onnx_binary(call, "matmul", a, b) : integer_product(call, a, b);
    int rank = sni_onnx_rank(call, c);
    if (column && rank > 0) c = sni_onnx_squeeze(call, c, rank - 1);
    if (row && rank > 0) c = sni_onnx_squeeze(call, c, rank - 2);
    return c;
}

uint32_t sni_onnx_transposed(sni_onnx_call *call, uint32_t x) {
    int rank = sni_onnx_rank(call, x), perm[SINTER_MAX_RANK];
    if (rank < 2) return x;
    for (int i = 0; i < rank; i++) perm[i] = i;
    perm[rank - 2] = rank - 1;
    perm[rank - 1] = rank - 2;
    return sni_onnx_transpose(call, x, rank, perm);
}
