/* The cross-entropy of labels and logits, or what they are a product of, and dropout. */
#include "rewrite/linear_loss.h"

#include <math.h>

static uint32_t scaled(sinter_graph *g, uint32_t x, double factor) {
    return factor == 1 ? x : sni_make_binary(g, "mul", x, sni_make_scalar(g, sni_make_type(g, x).dtype, factor));
}

/* The label's logit is read from memory rather than looked for in the row. */
uint32_t sni_decompose_cross_entropy(const sni_composite *c) {
    sinter_graph *g = c->graph;
    double smoothing = c->node->attrs[SNI_CROSS_ENTROPY_SMOOTHING].f, z = c->node->attrs[SNI_CROSS_ENTROPY_Z].f;
    uint32_t x = sni_make_wide(g, c->in[0]), labels = c->in[1];
    sni_type type = sni_make_type(g, x), label_type = sni_make_type(g, labels);
    int axis = type.rank - 1;
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < type.rank; ++i) dims[i] = i < axis ? type.dims[i] : sni_sym_const(g->sym, 1);
    uint32_t at[2] = {x, sni_make_reshape(g, labels, type.rank, dims)};
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_GATHER_AXIS] = sni_attr_int(axis)};
    uint32_t picked = at[0] && at[1] ? sni_graph_add1(g, "gather_elements", 2, at, attrs) : 0;
    uint32_t total = sni_make_log_sum_exp(g, x, 1u << axis);
    uint32_t loss = sni_make_binary(g, "sub", total, scaled(g, picked, 1 - smoothing));
    if (smoothing != 0) loss = sni_make_binary(g, "sub", loss, scaled(g, sni_make_mean(g, x, 1u << axis), smoothing));
    if (z != 0) loss = sni_make_binary(g, "add", loss, scaled(g, sni_make_binary(g, "mul", total, total), z));
    loss = sni_make_reshape(g, loss, c->out.rank, c->out.dims);
    uint32_t none = sni_make_int(g, label_type.dtype, c->node->attrs[SNI_CROSS_ENTROPY_IGNORE].i);
    /* A number that the labels cannot be is not ignored. */
    if (!none) return sni_make_cast(g, loss, c->out.dtype);
    loss = sni_make_where(g, sni_make_binary(g, "eq", labels, none), sni_make_scalar(g, type.dtype, 0), loss);
    return sni_make_cast(g, loss, c->out.dtype);
}

uint32_t sni_decompose_linear_cross_entropy(const sni_composite *c) {
    sinter_graph *g = c->graph;
    sni_linear_loss l;
    if (!sni_linear_loss_begin(&l, g, c->node, c->in)) return 0;
    for (int i = 0; i < l.row_chunks; ++i) {
        sni_composite one = *c;
        one.in[0] = sni_linear_loss_logits(&l, i);
        one.in[1] = sni_linear_loss_rows(&l, l.labels, i);
        one.out = sni_make_type(g, one.in[1]);
        one.out.dtype = c->out.dtype;
        l.parts[i] = one.in[0] && one.in[1] ? sni_linear_loss_stored(&l, sni_decompose_cross_entropy(&one)) : 0;
    }
    uint32_t loss = sni_linear_loss_joined(&l, l.row_chunks, 0);
    sni_linear_loss_end(&l);
    return sni_make_reshape(g, loss, c->out.rank, c->out.dims);
}

uint32_t sni_decompose_dropout(const sni_composite *c) {
    sinter_graph *g = c->graph;
    double rate = c->node->attrs[SNI_DROPOUT_RATE].f;
    uint32_t x = sni_make_wide(g, c->in[0]);
    sinter_dtype dtype = sni_make_type(g, x).dtype;
    uint32_t counter = sni_make_binary(g, "add", sni_make_positions(g, c->out.rank, c->out.dims), c->in[2]);
    uint32_t bits = sni_make_binary(g, "philox", counter, c->in[1]);
    bits = sni_make_binary(g, "bit_and", bits, sni_make_scalar(g, SINTER_I64, 4294967295.0));
    uint32_t keep = sni_make_binary(g, "ge", bits, sni_make_scalar(g, SINTER_I64, rint(rate * 4294967296.0)));
    x = sni_make_where(g, keep, scaled(g, x, 1 / (1 - rate)), sni_make_scalar(g, dtype, 0));
    return sni_make_cast(g, x, c->out.dtype);
}
