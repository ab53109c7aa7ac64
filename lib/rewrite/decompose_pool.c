/* Poolings: a window, reduced over the kernel. */
#include "rewrite/decompose.h"

#include <math.h>

#include "op/rule.h"

static uint32_t pool(const sni_composite *c, uint32_t x, double fill, const char *reduce) {
    int spatial = c->out.rank - 2;
    sni_make_window_args args = {.count = spatial, .fill = fill};
    for (int i = 0; i < spatial; ++i) {
        args.kernel[i] = sni_decompose_entry(c, SNI_POOL_KERNEL, i, 1);
        args.strides[i] = sni_decompose_entry(c, SNI_POOL_STRIDES, i, 1);
        args.dilations[i] = sni_decompose_entry(c, SNI_POOL_DILATIONS, i, 1);
        args.pads_low[i] = sni_decompose_entry(c, SNI_POOL_PADS, i, 0);
        args.input_strides[i] = sni_sym_const(c->graph->sym, 1);
        args.sizes[i] = c->out.dims[2 + i];
    }
    uint32_t axes = ((1u << spatial) - 1) << c->out.rank;
    return sni_make_reduce(c->graph, reduce, sni_make_window(c->graph, x, &args), axes, false);
}

uint32_t sni_decompose_max_pool(const sni_composite *c) {
    double lowest = sni_dtype_is_real(c->out.dtype) ? -(double)INFINITY : (double)sni_dtype_lowest(c->out.dtype);
    return pool(c, c->in[0], lowest, "reduce_max");
}

/* ---- avg_pool ------------------------------------------------------------------------------- */

/* One spatial dimension of an average: which window elements count. */
typedef struct span {
    sni_expr kernel, stride, dilation, start; /* of window 0 */
    sni_expr low, high;                       /* coordinates that count: low <= t < high */
    bool whole;                               /* every window counts its whole kernel */
} span;

static span span_of(const sni_composite *c, int i) {
    sni_sym *sym = c->graph->sym;
    bool include = c->node->attrs[SNI_POOL_INCLUDE_PAD].i != 0;
    sni_expr in = sni_make_type(c->graph, c->in[0]).dims[2 + i];
    sni_expr low = sni_decompose_entry(c, SNI_POOL_PADS, i, 0);
    sni_expr high = sni_decompose_entry(c, SNI_POOL_PADS, c->out.rank - 2 + i, 0);
    bool unpadded = sni_sym_is(sym, low, 0) && sni_sym_is(sym, high, 0);
    span s = {.kernel = sni_decompose_entry(c, SNI_POOL_KERNEL, i, 1),
              .stride = sni_decompose_entry(c, SNI_POOL_STRIDES, i, 1),
              .dilation = sni_decompose_entry(c, SNI_POOL_DILATIONS, i, 1)};
    s.start = sni_sym_mul_i(sym, low, -1);
    s.low = include ? s.start : sni_sym_const(sym, 0);
    s.high = include ? sni_sym_add(sym, in, high) : in;
    s.whole = c->node->attrs[SNI_POOL_CEIL].i == 0 && (include || unpadded);
    return s;
}

/* How many kernel elements lie below a bound: ceil((bound - t) / dilation), 0 or more. */
static uint32_t taps_below(sinter_graph *g, uint32_t t, sni_expr bound, sni_expr dilation) {
    uint32_t room = sni_make_binary(g, "sub", sni_make_expr(g, bound, SINTER_I32), t);
    room = sni_make_binary(g, "max", room, sni_make_scalar(g, SINTER_I32, 0));
    if (sni_sym_is(g->sym, dilation, 1)) return room;
    sni_expr up = sni_sym_add_i(g->sym, dilation, -1);
    room = sni_make_binary(g, "add", room, sni_make_expr(g, up, SINTER_I32));
    return sni_make_binary(g, "div", room, sni_make_expr(g, dilation, SINTER_I32));
}

/* The count of every window along dimension i, as [out, 1, ...] integers. */
static uint32_t span_counts(const sni_composite *c, const span *s, int i) {
    sinter_graph *g = c->graph;
    uint32_t t = sni_make_iota(g, c->out.dims[2 + i], c->out.rank - 3 - i, SINTER_I32);
    t = sni_make_binary(g, "mul", t, sni_make_expr(g, s->stride, SINTER_I32));
    t = sni_make_binary(g, "add", t, sni_make_expr(g, s->start, SINTER_I32));
    uint32_t end = taps_below(g, t, s->high, s->dilation);
    end = sni_make_binary(g, "min", end, sni_make_expr(g, s->kernel, SINTER_I32));
    uint32_t first = taps_below(g, t, s->low, s->dilation);
    uint32_t count = sni_make_binary(g, "sub", end, first);
    return sni_make_binary(g, "max", count, sni_make_scalar(g, SINTER_I32, 0));
}

/* The sum over the kernel by the number of elements that count: a number, times one factor a
 * dimension in which windows hang over an end. */
uint32_t sni_decompose_avg_pool(const sni_composite *c) {
    sinter_graph *g = c->graph;
    uint32_t y = pool(c, sni_make_wide(g, c->in[0]), 0, "reduce_sum"), counts = 0;
    sinter_dtype dtype = sni_make_type(g, y).dtype;
    sni_expr whole = sni_sym_const(g->sym, 1);
    for (int i = 0; i < c->out.rank - 2; ++i) {
        span s = span_of(c, i);
        if (s.whole) {
            whole = sni_sym_mul(g->sym, whole, s.kernel);
            continue;
        }
        uint32_t factor = sni_make_cast(g, span_counts(c, &s, i), dtype);
        counts = counts ? sni_make_binary(g, "mul", counts, factor) : factor;
    }
    if (!counts)
        counts = sni_make_expr(g, whole, dtype);
    else if (!sni_sym_is(g->sym, whole, 1))
        counts = sni_make_binary(g, "mul", counts, sni_make_expr(g, whole, dtype));
    return sni_make_cast(g, sni_make_binary(g, "div", y, counts), c->out.dtype);
}
