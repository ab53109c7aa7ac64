/* Views that change nothing, views of views, and reductions over dimensions of 1. */
#include "rewrite/simplify.h"

static uint32_t simplify_reshape(const sni_simplify *s) {
    if (sni_simplify_keep(s, s->ins[0])) return s->ins[0];
    const sni_node *inner = sni_simplify_producer(s, s->ins[0], "reshape");
    return inner ? sni_make_reshape(s->graph, inner->in[0], s->out.rank, s->out.dims) : 0;
}

/* Output dimension i of a transposition is input dimension perm[i]. */
static void permutation(const sni_sym *sym, const sni_node *node, int rank, int64_t *perm) {
    for (int i = 0; i < rank; ++i) {
        perm[i] = rank - 1 - i;
        const sni_attr *list = &node->attrs[SNI_TRANSPOSE_PERM];
        if (i < list->count) sni_sym_is_const(sym, list->exprs[i], &perm[i]);
        perm[i] = sni_axis(perm[i], rank);
    }
}

static uint32_t simplify_transpose(const sni_simplify *s) {
    int64_t outer[SINTER_MAX_RANK], inner[SINTER_MAX_RANK], both[SINTER_MAX_RANK];
    bool same = true;
    permutation(s->graph->sym, s->node, s->out.rank, outer);
    for (int i = 0; i < s->out.rank; ++i) same = same && outer[i] == i;
    if (same) return s->ins[0];
    const sni_node *before = sni_simplify_producer(s, s->ins[0], "transpose");
    if (!before) return 0;
    permutation(s->graph->sym, before, s->out.rank, inner);
    for (int i = 0; i < s->out.rank; ++i) both[i] = inner[outer[i]];
    return sni_make_transpose(s->graph, before->in[0], both);
}

static uint32_t simplify_expand(const sni_simplify *s) {
    if (sni_simplify_keep(s, s->ins[0])) return s->ins[0];
    const sni_node *inner = sni_simplify_producer(s, s->ins[0], "expand");
    if (!inner) return 0;
    uint32_t x = inner->in[0];
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(s->graph, s->out.rank, s->out.dims)};
    return sni_graph_add1(s->graph, "expand", 1, &x, attrs);
}

/* A slice of a slice starts at start + step * start2 and steps by step * step2. */
static uint32_t simplify_slice(const sni_simplify *s) {
    sni_sym *sym = s->graph->sym;
    const sni_attr *attrs = s->node->attrs;
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    bool whole = sni_simplify_keep(s, s->ins[0]) != 0;
    for (int i = 0; whole && i < s->out.rank; ++i)
        whole =
            sni_sym_is(sym, attrs[SNI_SLICE_STARTS].exprs[i], 0) && sni_sym_is(sym, attrs[SNI_SLICE_STEPS].exprs[i], 1);
    if (whole) return s->ins[0];
    const sni_node *inner = sni_simplify_producer(s, s->ins[0], "slice");
    if (!inner) return 0;
    for (int i = 0; i < s->out.rank; ++i) {
        sni_expr step = inner->attrs[SNI_SLICE_STEPS].exprs[i];
        starts[i] = sni_sym_add(sym, inner->attrs[SNI_SLICE_STARTS].exprs[i],
                                sni_sym_mul(sym, step, attrs[SNI_SLICE_STARTS].exprs[i]));
        steps[i] = sni_sym_mul(sym, step, attrs[SNI_SLICE_STEPS].exprs[i]);
    }
    return sni_make_slice(s->graph, inner->in[0], starts, steps, s->out.dims);
}

static bool all_zero(const sni_sym *sym, const sni_attr *list) {
    for (int i = 0; i < list->count; ++i)
        if (!sni_sym_is(sym, list->exprs[i], 0)) return false;
    return true;
}

static uint32_t simplify_pad(const sni_simplify *s) {
    const sni_attr *attrs = s->node->attrs;
    const sni_sym *sym = s->graph->sym;
    return all_zero(sym, &attrs[SNI_PAD_LOW]) && all_zero(sym, &attrs[SNI_PAD_HIGH]) ? s->ins[0] : 0;
}

/* Lists that are left out hold what changes nothing. */
static bool entry_is(const sni_sym *sym, const sni_attr *list, int i, int64_t value) {
    return list->count == 0 || sni_sym_is(sym, list->exprs[i], value);
}

/* A window of one element in each position, in its place. */
static uint32_t simplify_window(const sni_simplify *s) {
    const sni_attr *attrs = s->node->attrs;
    const sni_sym *sym = s->graph->sym;
    sni_type in = sni_make_type(s->graph, s->ins[0]);
    int sliding = attrs[SNI_WINDOW_KERNEL].count;
    for (int i = 0; i < sliding; ++i) {
        bool plain = sni_sym_is(sym, attrs[SNI_WINDOW_KERNEL].exprs[i], 1) &&
                     attrs[SNI_WINDOW_SIZES].exprs[i] == in.dims[in.rank - sliding + i];
        plain = plain && entry_is(sym, &attrs[SNI_WINDOW_STRIDES], i, 1) &&
                entry_is(sym, &attrs[SNI_WINDOW_PADS_LOW], i, 0) &&
                entry_is(sym, &attrs[SNI_WINDOW_INPUT_STRIDES], i, 1);
        if (!plain) return 0;
    }
    return sni_make_reshape(s->graph, s->ins[0], s->out.rank, s->out.dims);
}

/* ---- gather --------------------------------------------------------------------------------- */

/* Constant indices first, first + step, ... that lie inside a dimension that is a number. */
static bool progression(const sni_sym *sym, const sni_type *indices, int64_t dim, int64_t *first, int64_t *step) {
    int64_t previous = 0;
    *first = *step = 0;
    for (int64_t i = 0; i < indices->element_count; ++i) {
        int64_t at = 0;
        if (!sni_sym_is_const(sym, indices->elements[i], &at) || at < -dim || at >= dim) return false;
        if (at < 0) at += dim;
        if (i == 0) *first = at;
        if (i == 1) *step = at - previous;
        if (i > 1 && at - previous != *step) return false;
        previous = at;
    }
    if (indices->element_count == 1) *step = 1;
    return indices->element_count > 0 && *step != 0;
}

/* A gather of constant indices that follow each other is a slice. */
static uint32_t simplify_gather(const sni_simplify *s) {
    sni_sym *sym = s->graph->sym;
    sni_type data = sni_make_type(s->graph, s->ins[0]);
    sni_type indices = sni_make_type(s->graph, s->ins[1]);
    int axis = sni_axis(s->node->attrs[SNI_GATHER_AXIS].i, data.rank);
    int64_t dim = 0, first = 0, step = 0;
    if (!indices.elements || indices.rank > 1 || !sni_sym_is_const(sym, data.dims[axis], &dim) ||
        !progression(sym, &indices, dim, &first, &step))
        return 0;
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int i = 0; i < data.rank; ++i) {
        starts[i] = sni_sym_const(sym, i == axis ? first : 0);
        steps[i] = sni_sym_const(sym, i == axis ? step : 1);
    }
    data.dims[axis] = sni_sym_const(sym, indices.element_count);
    uint32_t slice = sni_make_slice(s->graph, s->ins[0], starts, steps, data.dims);
    return sni_make_reshape(s->graph, slice, s->out.rank, s->out.dims);
}

/* ---- reductions ----------------------------------------------------------------------------- */

static uint32_t simplify_reduce(const sni_simplify *s) {
    const sni_sym *sym = s->graph->sym;
    sni_type in = sni_make_type(s->graph, s->ins[0]);
    uint32_t axes;
    if (!sni_axes(sym, &s->node->attrs[SNI_REDUCE_AXES], in.rank, &axes)) return 0;
    for (int i = 0; i < in.rank; ++i)
        if (axes >> i & 1 && !sni_sym_is(sym, in.dims[i], 1)) return 0;
    return sni_make_reshape(s->graph, s->ins[0], s->out.rank, s->out.dims);
}

static uint32_t simplify_concat(const sni_simplify *s) {
    return s->node->in_count == 1 ? s->ins[0] : 0;
}

static const sni_simplify_rule rules[] = {
    {"reshape", simplify_reshape}, {"transpose", simplify_transpose},
    {"expand", simplify_expand},   {"slice", simplify_slice},
    {"pad", simplify_pad},         {"window", simplify_window},
    {"gather", simplify_gather},   {"concat", simplify_concat},
};

uint32_t sni_simplify_view(const sni_simplify *s) {
    if (s->node->op->kind == SNI_OP_REDUCE) return simplify_reduce(s);
    return sni_simplify_by_rule(s, rules, sizeof rules / sizeof *rules);
}
