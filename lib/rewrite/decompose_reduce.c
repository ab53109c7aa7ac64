/* Composite reductions and positions of extremes. */
#include "rewrite/decompose.h"

/* The axes of a reduction as a mask. The shape rule has seen that they are numbers in range. */
static uint32_t axes_of(const sni_composite *c) {
    uint32_t axes = 0;
    sni_axes(c->graph->sym, &c->node->attrs[SNI_REDUCE_AXES], sni_make_type(c->graph, c->in[0]).rank, &axes);
    return axes;
}

static uint32_t sum(const sni_composite *c, uint32_t x) {
    return sni_make_reduce(c->graph, "reduce_sum", x, axes_of(c), c->node->attrs[SNI_REDUCE_KEEPDIMS].i != 0);
}

/* The wide x as the dtype of the result. */
static uint32_t finish(const sni_composite *c, uint32_t x) {
    return sni_make_cast(c->graph, x, c->out.dtype);
}

static uint32_t wide(const sni_composite *c) {
    return sni_make_wide(c->graph, c->in[0]);
}

static uint32_t square(const sni_composite *c) {
    uint32_t x = wide(c);
    return sni_make_binary(c->graph, "mul", x, x);
}

uint32_t sni_decompose_mean(const sni_composite *c) {
    uint32_t mean = sni_make_mean(c->graph, wide(c), axes_of(c));
    return sni_make_reshape(c->graph, finish(c, mean), c->out.rank, c->out.dims);
}

uint32_t sni_decompose_l1(const sni_composite *c) {
    return finish(c, sum(c, sni_make_unary(c->graph, "abs", wide(c))));
}

uint32_t sni_decompose_l2(const sni_composite *c) {
    return finish(c, sni_make_unary(c->graph, "sqrt", sum(c, square(c))));
}

uint32_t sni_decompose_log_sum(const sni_composite *c) {
    return finish(c, sni_make_unary(c->graph, "log", sum(c, wide(c))));
}

uint32_t sni_decompose_sum_square(const sni_composite *c) {
    return finish(c, sum(c, square(c)));
}

uint32_t sni_decompose_log_sum_exp(const sni_composite *c) {
    uint32_t total = sni_make_log_sum_exp(c->graph, wide(c), axes_of(c));
    return sni_make_reshape(c->graph, finish(c, total), c->out.rank, c->out.dims);
}

/* ---- variance ------------------------------------------------------------------------------- */

uint32_t sni_decompose_variance(const sni_composite *c) {
    sinter_graph *g = c->graph;
    uint32_t x = wide(c), axes = axes_of(c);
    sni_type type = sni_make_type(g, x);
    sni_expr count = sni_sym_const(g->sym, 1);
    for (int i = 0; i < type.rank; ++i)
        if (axes >> i & 1) count = sni_sym_mul(g->sym, count, type.dims[i]);
    uint32_t zero = sni_make_scalar(g, type.dtype, 0);
    uint32_t left = sni_make_binary(g, "sub", sni_make_expr(g, count, type.dtype),
                                    sni_make_scalar(g, type.dtype, c->node->attrs[SNI_VARIANCE_CORRECTION].f));
    uint32_t distance = sni_make_binary(g, "sub", x, sni_make_mean(g, x, axes));
    uint32_t squares = sni_make_binary(g, "mul", distance, distance);
    squares = sni_make_reduce(g, "reduce_sum", squares, axes, true);
    uint32_t variance = sni_make_binary(g, "div", squares, sni_make_binary(g, "max", left, zero));
    return sni_make_reshape(g, finish(c, variance), c->out.rank, c->out.dims);
}

/* ---- argmax, argmin, hardmax ---------------------------------------------------------------- */

/* 0 or 1 where the element is the extreme. NaN is: then the extreme itself is NaN and equals nothing. */
static uint32_t is_extreme(sinter_graph *g, uint32_t x, int axis, bool max) {
    uint32_t most = sni_make_reduce(g, max ? "reduce_max" : "reduce_min", x, 1u << axis, true);
    uint32_t here = sni_make_binary(g, "eq", x, most);
    if (!sni_dtype_is_real(sni_make_type(g, x).dtype)) return here;
    return sni_make_binary(g, "or", here, sni_make_unary(g, "is_nan", x));
}

/* i32: no axis is longer than that, and every device computes it fast. */
static uint32_t position(sinter_graph *g, uint32_t x, int axis, bool max, bool last) {
    sni_type type = sni_make_type(g, x);
    uint32_t here = is_extreme(g, x, axis, max);
    uint32_t at = sni_make_iota(g, type.dims[axis], type.rank - 1 - axis, SINTER_I32);
    uint32_t never = sni_make_scalar(g, SINTER_I32, last ? INT32_MIN : INT32_MAX);
    at = sni_make_where(g, here, at, never);
    return sni_make_reduce(g, last ? "reduce_max" : "reduce_min", at, 1u << axis, true);
}

static uint32_t arg(const sni_composite *c, bool max) {
    sinter_graph *g = c->graph;
    int axis = sni_decompose_axis(c, SNI_ARG_AXIS, sni_make_type(g, c->in[0]).rank);
    uint32_t at = position(g, c->in[0], axis, max, c->node->attrs[SNI_ARG_SELECT_LAST].i != 0);
    at = sni_make_cast(g, at, SINTER_I64);
    return sni_make_reshape(g, at, c->out.rank, c->out.dims);
}

uint32_t sni_decompose_argmax(const sni_composite *c) {
    return arg(c, true);
}
uint32_t sni_decompose_argmin(const sni_composite *c) {
    return arg(c, false);
}

uint32_t sni_decompose_hardmax(const sni_composite *c) {
    sinter_graph *g = c->graph;
    int axis = sni_decompose_axis(c, SNI_SOFTMAX_AXIS, c->out.rank);
    uint32_t most = position(g, c->in[0], axis, true, false);
    uint32_t at = sni_make_iota(g, c->out.dims[axis], c->out.rank - 1 - axis, SINTER_I32);
    return finish(c, sni_make_binary(g, "eq", at, most));
}
