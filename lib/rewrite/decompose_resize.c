/* Resizing: gathers along each dimension whose size changes, with indices and weights computed from
 * coordinates. Positions are fractions of integers, so halves round exactly. */
#include "rewrite/decompose.h"

/* The position of output element o is (o * factor + offset) / lower, with offset >= -lower. */
typedef struct position {
    sinter_graph *g;
    int axis;
    sinter_dtype dtype; /* of the integers */
    sni_expr size, factor, offset, lower;
    uint32_t upper; /* value: o * factor + offset, 1-d */
} position;

/* 32 bits where the sizes are known to be small enough for every product. */
static sinter_dtype index_dtype(const sni_sym *sym, sni_expr dim, sni_expr size) {
    int64_t a = 0, b = 0;
    bool small = sni_sym_is_const(sym, dim, &a) && sni_sym_is_const(sym, size, &b) && a < 10000 && b < 10000;
    return small ? SINTER_I32 : SINTER_I64;
}

static uint32_t number(const position *p, sni_expr value) {
    return sni_make_expr(p->g, value, p->dtype);
}

static position position_of(const sni_composite *c, sni_expr dim, int axis) {
    sni_sym *sym = c->graph->sym;
    sni_expr size = c->out.dims[axis], one = sni_sym_const(sym, 1);
    sni_expr several = sni_sym_lt(sym, one, size); /* 0 or 1 */
    position p = {.g = c->graph, .axis = axis, .size = size};
    p.dtype = index_dtype(sym, dim, size);
    p.lower = sni_sym_mul_i(sym, size, 2);
    p.factor = sni_sym_mul_i(sym, dim, 2);
    p.offset = sni_sym_const(sym, 0);
    switch (c->node->attrs[SNI_RESIZE_COORDINATE].i) {
    case SNI_RESIZE_ASYMMETRIC:
        break;
    case SNI_RESIZE_ALIGN_CORNERS:
        p.factor = sni_sym_add_i(sym, dim, -1);
        p.lower = sni_sym_max(sym, sni_sym_add_i(sym, size, -1), one);
        break;
    case SNI_RESIZE_PYTORCH_HALF_PIXEL:
        p.offset = sni_sym_mul(sym, several, sni_sym_sub(sym, dim, size));
        break;
    default:
        p.offset = sni_sym_sub(sym, dim, size);
        break;
    }
    uint32_t o = sni_make_iota(p.g, size, 0, p.dtype);
    p.upper = sni_make_binary(p.g, "mul", o, number(&p, p.factor));
    p.upper = sni_make_binary(p.g, "add", p.upper, number(&p, p.offset));
    return p;
}

/* floor((times * upper + more) / (times * lower)). The division truncates, so it is shifted into what is
 * never negative and back. */
static uint32_t floor_of(const position *p, int64_t times, sni_expr more) {
    sni_sym *sym = p->g->sym;
    sni_expr lower = sni_sym_mul_i(sym, p->lower, times);
    uint32_t upper = sni_make_binary(p->g, "mul", p->upper, number(p, sni_sym_const(sym, times)));
    upper = sni_make_binary(p->g, "add", upper, number(p, sni_sym_add(sym, more, lower)));
    uint32_t quotient = sni_make_binary(p->g, "div", upper, number(p, lower));
    return sni_make_binary(p->g, "sub", quotient, number(p, sni_sym_const(sym, 1)));
}

static uint32_t nearest_index(const position *p, int64_t rounding) {
    sni_sym *sym = p->g->sym;
    switch (rounding) {
    case SNI_RESIZE_PREFER_FLOOR:
        return floor_of(p, 2, sni_sym_add_i(sym, p->lower, -1));
    case SNI_RESIZE_PREFER_CEIL:
        return floor_of(p, 2, p->lower);
    case SNI_RESIZE_CEIL:
        return floor_of(p, 1, sni_sym_add_i(sym, p->lower, -1));
    default:
        return floor_of(p, 1, sni_sym_const(sym, 0));
    }
}

/* The input's slices at index + k. Gather clamps at the end; a negative index would count from it. */
static uint32_t tap(const position *p, uint32_t x, uint32_t index, int64_t k) {
    sni_sym *sym = p->g->sym;
    if (k != 0) index = sni_make_binary(p->g, "add", index, number(p, sni_sym_const(sym, k)));
    index = sni_make_binary(p->g, "max", index, number(p, sni_sym_const(sym, 0)));
    return sni_make_gather(p->g, x, index, p->axis);
}

/* How far the position lies behind its floor, 0 to 1, as [size, 1, ...]. */
static uint32_t fraction(const position *p, uint32_t floor, int rank, sinter_dtype dtype) {
    sni_expr dims[SINTER_MAX_RANK] = {p->size};
    for (int i = 1; i < rank - p->axis; ++i) dims[i] = sni_sym_const(p->g->sym, 1);
    uint32_t whole = sni_make_binary(p->g, "mul", floor, number(p, p->lower));
    uint32_t rest = sni_make_binary(p->g, "sub", p->upper, whole);
    rest = sni_make_binary(p->g, "div", sni_make_cast(p->g, rest, dtype), sni_make_expr(p->g, p->lower, dtype));
    return sni_make_reshape(p->g, rest, rank - p->axis, dims);
}

static uint32_t plus(sinter_graph *g, uint32_t x, double y) {
    return sni_make_binary(g, "add", x, sni_make_scalar(g, sni_make_type(g, x).dtype, y));
}

static uint32_t times(sinter_graph *g, uint32_t x, double y) {
    return sni_make_binary(g, "mul", x, sni_make_scalar(g, sni_make_type(g, x).dtype, y));
}

/* The cubic convolution weight at distance d: within 1 of the element, or between 1 and 2. */
static uint32_t cubic_weight(sinter_graph *g, uint32_t d, double a, bool within) {
    uint32_t w = within ? plus(g, times(g, d, a + 2), -(a + 3)) : plus(g, times(g, d, a), -5 * a);
    w = sni_make_binary(g, "mul", w, d);
    if (!within) w = plus(g, w, 8 * a);
    w = sni_make_binary(g, "mul", w, d);
    return plus(g, w, within ? 1 : -4 * a);
}

static uint32_t cubic(const position *p, uint32_t x, uint32_t floor, uint32_t part, double a) {
    sinter_graph *g = p->g;
    uint32_t sum = 0;
    for (int k = -1; k < 3; ++k) {
        /* The distance |part - k|. */
        uint32_t d = k <= 0 ? plus(g, part, -k) : plus(g, times(g, part, -1), k);
        uint32_t weight = cubic_weight(g, d, a, k == 0 || k == 1);
        uint32_t term = sni_make_binary(g, "mul", tap(p, x, floor, k), weight);
        sum = k == -1 ? term : sni_make_binary(g, "add", sum, term);
    }
    return sum;
}

/* low + (high - low) * part */
static uint32_t linear(const position *p, uint32_t x, uint32_t floor, uint32_t part) {
    uint32_t low = tap(p, x, floor, 0), high = tap(p, x, floor, 1);
    uint32_t step = sni_make_binary(p->g, "sub", high, low);
    return sni_make_binary(p->g, "add", low, sni_make_binary(p->g, "mul", step, part));
}

static uint32_t resize_axis(const sni_composite *c, uint32_t x, int axis) {
    sni_type type = sni_make_type(c->graph, x);
    position p = position_of(c, type.dims[axis], axis);
    int64_t mode = c->node->attrs[SNI_RESIZE_MODE].i;
    if (mode == SNI_RESIZE_TO_NEAREST) return tap(&p, x, nearest_index(&p, c->node->attrs[SNI_RESIZE_NEAREST].i), 0);
    uint32_t floor = floor_of(&p, 1, sni_sym_const(c->graph->sym, 0));
    uint32_t part = fraction(&p, floor, type.rank, type.dtype);
    return mode == SNI_RESIZE_LINEAR ? linear(&p, x, floor, part)
                                     : cubic(&p, x, floor, part, c->node->attrs[SNI_RESIZE_CUBIC_A].f);
}

uint32_t sni_decompose_resize(const sni_composite *c) {
    bool nearest = c->node->attrs[SNI_RESIZE_MODE].i == SNI_RESIZE_TO_NEAREST;
    uint32_t x = nearest ? c->in[0] : sni_make_wide(c->graph, c->in[0]);
    sni_type in = sni_make_type(c->graph, x);
    for (int axis = 0; axis < in.rank; ++axis)
        if (in.dims[axis] != c->out.dims[axis]) x = resize_axis(c, x, axis);
    return sni_make_cast(c->graph, x, c->out.dtype);
}
