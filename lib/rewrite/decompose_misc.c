/* gemm, cumsum, trilu, and the short names of reshapes. */
#include "rewrite/decompose.h"

enum { GEMM_ALPHA, GEMM_BETA, GEMM_TRANS_A, GEMM_TRANS_B };

static uint32_t scaled(sinter_graph *g, uint32_t x, double factor) {
    if (factor == 1) return x;
    return sni_make_binary(g, "mul", x,
                           sni_make_scalar(g, sni_make_type(g, x).dtype, factor));
}

uint32_t sni_decompose_gemm(const sni_composite *c) {
    sinter_graph *g = c->graph;
    const sni_attr *attrs = c->node->attrs;
    int64_t swap[2] = {1, 0};
    uint32_t a = attrs[GEMM_TRANS_A].i ? sni_make_transpose(g, c->in[0], swap) : c->in[0];
    uint32_t b = attrs[GEMM_TRANS_B].i ? sni_make_transpose(g, c->in[1], swap) : c->in[1];
    uint32_t y = scaled(g, sni_make_binary(g, "matmul", a, b), attrs[GEMM_ALPHA].f);
    if (!c->in[2] || attrs[GEMM_BETA].f == 0) return y;
    return sni_make_binary(g, "add", y, scaled(g, c->in[2], attrs[GEMM_BETA].f));
}

/* ---- cumsum --------------------------------------------------------------------------------- */

enum { CUMSUM_AXIS, CUMSUM_EXCLUSIVE, CUMSUM_REVERSE };

/* Element i is the sum over j of x[j] where j is on the right side of i. x is seen as [before, 1, n,
 * after], so that i is the dimension of 1. */
uint32_t sni_decompose_cumsum(const sni_composite *c) {
    sinter_graph *g = c->graph;
    int axis = sni_decompose_axis(c, CUMSUM_AXIS, c->out.rank);
    bool exclusive = c->node->attrs[CUMSUM_EXCLUSIVE].i != 0;
    bool reverse = c->node->attrs[CUMSUM_REVERSE].i != 0;
    sni_expr n = c->out.dims[axis];
    sni_expr dims[4] = {sni_make_product(g, c->out.dims, 0, axis), sni_sym_const(g->sym, 1), n,
                        sni_make_product(g, c->out.dims, axis + 1, c->out.rank)};
    uint32_t x = sni_make_reshape(g, c->in[0], 4, dims);
    uint32_t i = sni_make_iota(g, n, 2, SINTER_I32), j = sni_make_iota(g, n, 1, SINTER_I32);
    uint32_t first = reverse ? i : j, second = reverse ? j : i;
    uint32_t counts = sni_make_binary(g, exclusive ? "lt" : "le", first, second);
    uint32_t zero = sni_make_scalar(g, c->out.dtype, 0);
    uint32_t sum = sni_make_reduce(g, "reduce_sum", sni_make_where(g, counts, x, zero), 1u << 2,
                                   false);
    return sni_make_reshape(g, sum, c->out.rank, c->out.dims);
}

/* ---- trilu ---------------------------------------------------------------------------------- */

enum { TRILU_UPPER, TRILU_K };

uint32_t sni_decompose_trilu(const sni_composite *c) {
    sinter_graph *g = c->graph;
    int64_t k = c->node->attrs[TRILU_K].i;
    /* A diagonal beyond every matrix must not overflow the 32-bit comparison. */
    if (k > INT32_MAX) k = INT32_MAX;
    if (k < -INT32_MAX) k = -INT32_MAX;
    uint32_t i = sni_make_iota(g, c->out.dims[c->out.rank - 2], 1, SINTER_I32);
    uint32_t j = sni_make_iota(g, c->out.dims[c->out.rank - 1], 0, SINTER_I32);
    uint32_t diagonal = sni_make_binary(g, "sub", j, i);
    uint32_t keep = sni_make_binary(g, c->node->attrs[TRILU_UPPER].i ? "ge" : "le", diagonal,
                                    sni_make_scalar(g, SINTER_I32, (double)k));
    return sni_make_where(g, keep, c->in[0], sni_make_scalar(g, c->out.dtype, 0));
}

/* ---- squeeze, unsqueeze, flatten ------------------------------------------------------------ */

uint32_t sni_decompose_shape(const sni_composite *c) {
    return sni_make_reshape(c->graph, c->in[0], c->out.rank, c->out.dims);
}
