/* Gradients of views are views: the same elements back at their places, and zeros where nothing came from. */
#include "grad/rule.h"

static void reshape(sni_grad *grad, const sni_node *node, uint32_t g) {
    sni_grad_add_reshaped(grad, node->in[0], g);
}

static void transpose(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    const sni_attr *perm = &node->attrs[SNI_TRANSPOSE_PERM];
    int rank = sni_make_type(graph, g).rank;
    int64_t back[SINTER_MAX_RANK];
    for (int i = 0; i < rank; ++i) {
        int64_t axis = rank - 1 - i;
        if (perm->count) (void)sni_sym_is_const(graph->sym, perm->exprs[i], &axis);
        back[sni_axis(axis, rank)] = i;
    }
    sni_grad_add(grad, node->in[0], sni_make_transpose(graph, g, back));
}

/* Repeated elements: sni_grad_add sums what was broadcast. */
static void expand(sni_grad *grad, const sni_node *node, uint32_t g) {
    sni_grad_add(grad, node->in[0], g);
}

static void cast(sni_grad *grad, const sni_node *node, uint32_t g) {
    sni_grad_add(grad, node->in[0], g);
}

/* ---- slice ---- */

/* g with step - 1 zeros behind each element of an axis, which then has `size` elements from low on: a window of one element
 * over an input that stands apart. */
static uint32_t spread(sinter_graph *graph, uint32_t g, int axis, int64_t step, sni_expr low, sni_expr size) {
    sni_type type = sni_make_type(graph, g);
    sni_expr one = sni_sym_const(graph->sym, 1);
    sni_make_window_args args = {.count = 1,
                                 .kernel = {one},
                                 .strides = {one},
                                 .dilations = {one},
                                 .pads_low = {low},
                                 .input_strides = {sni_sym_const(graph->sym, step)},
                                 .sizes = {size}};
    g = sni_make_transpose(graph, sni_grad_rows(graph, g, axis), (int64_t[]){0, 2, 1});
    g = sni_make_window(graph, g, &args);
    sni_type wide = sni_make_type(graph, g);
    g = sni_make_transpose(graph, sni_make_reshape(graph, g, 3, wide.dims), (int64_t[]){0, 2, 1});
    type.dims[axis] = size;
    return sni_make_reshape(graph, g, type.rank, type.dims);
}

/* g with low and high elements missing at its ends as a piece, where one axis is cut and all sizes along it are numbers. */
static bool as_piece(const sinter_graph *graph, uint32_t g, const sni_type *in, const sni_expr *low,
                     const sni_expr *high, sni_grad_piece *out) {
    *out = (sni_grad_piece){.value = g, .axis = -1};
    for (int i = 0; i < in->rank; ++i) {
        int64_t after = 0, all = 0;
        if (sni_sym_is(graph->sym, low[i], 0) && sni_sym_is(graph->sym, high[i], 0)) continue;
        if (out->axis >= 0 || !sni_sym_is_const(graph->sym, low[i], &out->start) ||
            !sni_sym_is_const(graph->sym, high[i], &after) || !sni_sym_is_const(graph->sym, in->dims[i], &all))
            return false;
        out->axis = i;
        out->size = all - out->start - after;
    }
    return out->axis >= 0 && out->size > 0;
}

static void slice(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_sym *sym = graph->sym;
    sni_type in = sni_make_type(graph, node->in[0]);
    sni_expr low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
    for (int i = 0; i < in.rank; ++i) {
        int64_t step = 0;
        sni_expr start = node->attrs[SNI_SLICE_STARTS].exprs[i], size = node->attrs[SNI_SLICE_SIZES].exprs[i];
        if (!sni_sym_is_const(sym, node->attrs[SNI_SLICE_STEPS].exprs[i], &step)) {
            sni_graph_fail(graph, SINTER_UNSUPPORTED, "gradients: slice with a step that is no number");
            return;
        }
        low[i] = high[i] = sni_sym_const(sym, 0);
        if (step < 0) {
            g = sni_grad_flip(graph, g, i);
            start = sni_sym_add(sym, start, sni_sym_mul_i(sym, sni_sym_add_i(sym, size, -1), step));
            step = -step;
        }
        if (step > 1) {
            g = spread(graph, g, i, step, start, in.dims[i]);
        } else if (step == 1) {
            low[i] = start;
            high[i] = sni_sym_sub(sym, in.dims[i], sni_sym_add(sym, start, size));
        } else { /* the same element again and again */
            uint32_t sum = sni_make_reduce(graph, "reduce_sum", sni_make_wide(graph, g), 1u << i, true);
            g = sum;
            low[i] = start;
            high[i] = sni_sym_sub(sym, in.dims[i], sni_sym_add_i(sym, start, 1));
        }
    }
    sni_grad_piece piece;
    if (as_piece(graph, g, &in, low, high, &piece))
        sni_grad_add_piece(grad, node->in[0], piece);
    else
        sni_grad_add_reshaped(grad, node->in[0], sni_make_pad(graph, g, low, high, 0));
}

/* ---- concat, pad ---- */

static void concat(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_sym *sym = graph->sym;
    int axis = sni_axis(node->attrs[SNI_CONCAT_AXIS].i, sni_make_type(graph, g).rank);
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int i = 0; i < SINTER_MAX_RANK; ++i) {
        starts[i] = sni_sym_const(sym, 0);
        steps[i] = sni_sym_const(sym, 1);
    }
    for (int k = 0; k < node->in_count; ++k) {
        sni_type part = sni_make_type(graph, node->in[k]);
        if (sni_grad_needs(grad, node->in[k]))
            sni_grad_add_reshaped(grad, node->in[k], sni_make_slice(graph, g, starts, steps, part.dims));
        starts[axis] = sni_sym_add(sym, starts[axis], part.dims[axis]);
    }
}

/* Which element of a dimension each element of the padded one repeats, i32. */
static uint32_t pad_sources(sinter_graph *graph, int64_t mode, sni_expr size, sni_expr padded, sni_expr low) {
    sni_sym *sym = graph->sym;
    sni_expr last = sni_sym_add_i(sym, size, -1), far = sni_sym_mul_i(sym, last, 2);
    uint32_t zero = sni_make_scalar(graph, SINTER_I32, 0);
    uint32_t t = sni_make_iota(graph, padded, 0, SINTER_I32);
    t = sni_make_binary(graph, "sub", t, sni_make_expr(graph, low, SINTER_I32));
    if (mode == SNI_PAD_WRAP) return sni_make_binary(graph, "mod", t, sni_make_expr(graph, size, SINTER_I32));
    if (mode == SNI_PAD_EDGE) {
        t = sni_make_binary(graph, "min", t, sni_make_expr(graph, last, SINTER_I32));
        return sni_make_binary(graph, "max", t, zero);
    }
    sni_expr period = sni_sym_max(sym, far, sni_sym_const(sym, 1));
    t = sni_make_binary(graph, "mod", t, sni_make_expr(graph, period, SINTER_I32));
    uint32_t mirrored = sni_make_binary(graph, "sub", sni_make_expr(graph, far, SINTER_I32), t);
    return sni_make_binary(graph, "min", t, mirrored);
}

static void pad(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_sym *sym = graph->sym;
    sni_type in = sni_make_type(graph, node->in[0]), out = sni_make_type(graph, g);
    int64_t mode = node->attrs[SNI_PAD_MODE].i;
    sni_expr low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
    for (int i = 0; i < in.rank; ++i) {
        sni_expr before = node->attrs[SNI_PAD_LOW].exprs[i], after = node->attrs[SNI_PAD_HIGH].exprs[i];
        low[i] = sni_sym_mul_i(sym, before, -1);
        high[i] = sni_sym_mul_i(sym, after, -1);
        if (mode == SNI_PAD_CONSTANT || (sni_sym_is(sym, before, 0) && sni_sym_is(sym, after, 0))) continue;
        g = sni_grad_scatter(graph, g, pad_sources(graph, mode, in.dims[i], out.dims[i], before), i, in.dims[i]);
    }
    if (mode == SNI_PAD_CONSTANT) g = sni_make_pad(graph, g, low, high, 0);
    sni_grad_add_reshaped(grad, node->in[0], g);
}

/* ---- update ---- */

/* Where a region begins along an axis, moved so that it lies inside: an i64 scalar. */
static uint32_t region_start(sinter_graph *graph, uint32_t starts, int axis, sni_expr size, sni_expr part) {
    sni_expr one = sni_sym_const(graph->sym, 1), at = sni_sym_const(graph->sym, axis);
    uint32_t start = sni_make_reshape(graph, sni_make_slice(graph, starts, &at, &one, &one), 0, NULL);
    uint32_t room = sni_make_expr(graph, sni_sym_sub(graph->sym, size, part), SINTER_I64);
    return sni_make_binary(graph, "max", sni_make_binary(graph, "min", start, room),
                           sni_make_scalar(graph, SINTER_I64, 0));
}

/* The data's is g without the region, the value's the region. */
static void update(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type data = sni_make_type(graph, node->in[0]), value = sni_make_type(graph, node->in[1]);
    if (sni_grad_needs(grad, node->in[0])) {
        uint32_t ins[3] = {g, sni_grad_zeros(graph, &value), node->in[2]};
        sni_grad_add(grad, node->in[0], sni_graph_add1(graph, "update", 3, ins, NULL));
    }
    if (!sni_grad_needs(grad, node->in[1])) return;
    for (int i = 0; i < data.rank; ++i) {
        if (data.dims[i] == value.dims[i]) continue;
        uint32_t at = sni_make_iota(graph, value.dims[i], 0, SINTER_I64);
        at = sni_make_binary(graph, "add", at, region_start(graph, node->in[2], i, data.dims[i], value.dims[i]));
        g = sni_make_gather(graph, g, at, i);
    }
    sni_grad_add_reshaped(grad, node->in[1], g);
}

const sni_grad_entry sni_grad_view[] = {
    {"reshape", reshape}, {"transpose", transpose}, {"expand", expand},
    {"cast", cast},       {"slice", slice},         {"concat", concat},
    {"pad", pad},         {"update", update},       {NULL, NULL},
};
