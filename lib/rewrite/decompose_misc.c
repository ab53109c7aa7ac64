/* gemm, trilu, and the short names of reshapes. */
#include "rewrite/decompose.h"

static uint32_t scaled(sinter_graph *g, uint32_t x, double factor) {
    if (factor == 1) return x;
    return sni_make_binary(g, "mul", x, sni_make_scalar(g, sni_make_type(g, x).dtype, factor));
}

uint32_t sni_decompose_gemm(const sni_composite *c) {
    sinter_graph *g = c->graph;
    const sni_attr *attrs = c->node->attrs;
    int64_t swap[2] = {1, 0};
    uint32_t a = attrs[SNI_GEMM_TRANS_A].i ? sni_make_transpose(g, c->in[0], swap) : c->in[0];
    uint32_t b = attrs[SNI_GEMM_TRANS_B].i ? sni_make_transpose(g, c->in[1], swap) : c->in[1];
    uint32_t y = scaled(g, sni_make_binary(g, "matmul", a, b), attrs[SNI_GEMM_ALPHA].f);
    if (!c->in[2] || attrs[SNI_GEMM_BETA].f == 0) return y;
    return sni_make_binary(g, "add", y, scaled(g, c->in[2], attrs[SNI_GEMM_BETA].f));
}

/* ---- trilu ---------------------------------------------------------------------------------- */

uint32_t sni_decompose_trilu(const sni_composite *c) {
    sinter_graph *g = c->graph;
    int64_t k = c->node->attrs[SNI_TRILU_K].i;
    /* A diagonal beyond every matrix must not overflow the 32-bit comparison. */
    if (k > INT32_MAX) k = INT32_MAX;
    if (k < -INT32_MAX) k = -INT32_MAX;
    uint32_t i = sni_make_iota(g, c->out.dims[c->out.rank - 2], 1, SINTER_I32);
    uint32_t j = sni_make_iota(g, c->out.dims[c->out.rank - 1], 0, SINTER_I32);
    uint32_t diagonal = sni_make_binary(g, "sub", j, i);
    uint32_t keep = sni_make_binary(g, c->node->attrs[SNI_TRILU_UPPER].i ? "ge" : "le", diagonal,
                                    sni_make_scalar(g, SINTER_I32, (double)k));
    return sni_make_where(g, keep, c->in[0], sni_make_scalar(g, c->out.dtype, 0));
}

/* ---- squeeze, unsqueeze, flatten ------------------------------------------------------------ */

uint32_t sni_decompose_shape(const sni_composite *c) {
    return sni_make_reshape(c->graph, c->in[0], c->out.rank, c->out.dims);
}
