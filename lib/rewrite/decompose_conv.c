/* Convolutions: x seen through sliding windows, times the weights as a matrix.
 *
 * The windows become the right-hand matrix [N, G, K, P] (K: channels of a group times the kernel, P: output
 * positions), so that weights [G, M/G, K] times it is the result [N, M, ...] without a transposition. */
#include "rewrite/decompose.h"

/* Sizes with the names that the comments use. g is left out of shapes where there is one group. */
typedef struct conv {
    const sni_composite *c;
    sinter_graph *g;
    int spatial;
    bool grouped;
    sni_expr n, channels, groups, group_channels, group_maps, taps, positions, k;
    const sni_expr *in, *kernel, *out; /* spatial dimensions */
    sni_type x, w;
} conv;

static void conv_sizes(const sni_composite *c, int64_t groups, bool transposed, conv *v) {
    sinter_graph *g = c->graph;
    v->c = c;
    v->g = g;
    v->x = sni_make_type(g, c->in[0]);
    v->w = sni_make_type(g, c->in[1]);
    v->spatial = v->x.rank - 2;
    v->grouped = groups != 1;
    v->n = v->x.dims[0];
    v->channels = v->x.dims[1];
    v->groups = sni_sym_const(g->sym, groups);
    v->group_channels = transposed ? sni_sym_div(g->sym, v->w.dims[0], v->groups) : v->w.dims[1];
    v->group_maps = transposed ? v->w.dims[1] : sni_sym_div(g->sym, v->w.dims[0], v->groups);
    v->in = v->x.dims + 2;
    v->kernel = v->w.dims + 2;
    v->out = c->out.dims + 2;
    v->taps = sni_make_product(g, v->kernel, 0, v->spatial);
    v->positions = sni_make_product(g, v->out, 0, v->spatial);
    v->k = sni_sym_mul(g->sym, v->group_channels, v->taps);
}

static uint32_t add_bias(const conv *v, uint32_t y) {
    if (!v->c->in[2]) return y;
    sni_expr dims[SINTER_MAX_RANK] = {v->c->out.dims[1]};
    for (int i = 1; i <= v->spatial; ++i) dims[i] = sni_sym_const(v->g->sym, 1);
    uint32_t bias = sni_make_reshape(v->g, v->c->in[2], 1 + v->spatial, dims);
    return sni_make_binary(v->g, "add", y, bias);
}

/* [N, C, out..., kernel...] as the right-hand matrix [N, G, K, P]. */
static uint32_t windows_matrix(const conv *v, uint32_t windows) {
    int64_t perm[SINTER_MAX_RANK] = {0, 1};
    for (int i = 0; i < v->spatial; ++i) {
        perm[2 + i] = 2 + v->spatial + i;
        perm[2 + v->spatial + i] = 2 + i;
    }
    sni_expr grouped[4] = {v->n, v->groups, v->k, v->positions};
    sni_expr plain[3] = {v->n, v->k, v->positions};
    windows = sni_make_transpose(v->g, windows, perm);
    return sni_make_reshape(v->g, windows, v->grouped ? 4 : 3, v->grouped ? grouped : plain);
}

/* x [N, C, in...] as that matrix, where each element is a window. */
static uint32_t inputs_matrix(const conv *v) {
    sni_expr grouped[4] = {v->n, v->groups, v->k, v->positions};
    sni_expr plain[3] = {v->n, v->k, v->positions};
    return sni_make_reshape(v->g, v->c->in[0], v->grouped ? 4 : 3, v->grouped ? grouped : plain);
}

/* Weights [G, M/G, rows] (their dimensions in this order in memory or through a view). */
static uint32_t weights_matrix(const conv *v, uint32_t w, sni_expr maps, sni_expr k) {
    sni_expr grouped[3] = {v->groups, maps, k}, plain[2] = {maps, k};
    return sni_make_reshape(v->g, w, v->grouped ? 3 : 2, v->grouped ? grouped : plain);
}

/* ---- conv ----------------------------------------------------------------------------------- */

static void conv_window(const conv *v, sni_make_window_args *args) {
    args->count = v->spatial;
    args->fill = 0;
    for (int i = 0; i < v->spatial; ++i) {
        args->kernel[i] = v->kernel[i];
        args->strides[i] = sni_decompose_entry(v->c, SNI_CONV_STRIDES, i, 1);
        args->dilations[i] = sni_decompose_entry(v->c, SNI_CONV_DILATIONS, i, 1);
        args->pads_low[i] = sni_decompose_entry(v->c, SNI_CONV_PADS, i, 0);
        args->input_strides[i] = sni_sym_const(v->g->sym, 1);
        args->sizes[i] = v->out[i];
    }
}

/* A kernel of 1 that visits every element once: the input is the matrix already. */
static bool is_pointwise(const conv *v) {
    sni_sym *sym = v->g->sym;
    for (int i = 0; i < v->spatial; ++i)
        if (!sni_sym_is(sym, v->kernel[i], 1) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_CONV_STRIDES, i, 1), 1) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_CONV_PADS, i, 0), 0) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_CONV_PADS, v->spatial + i, 0), 0))
            return false;
    return true;
}

/* One map a group and few weights for it: a matrix of one row would waste the matrix kernels. */
static bool is_depthwise(const conv *v) {
    int64_t k = 0, channels = 0;
    sni_sym *sym = v->g->sym;
    if (!sni_sym_is(sym, v->group_maps, 1) || !sni_sym_is_const(sym, v->k, &k) || k > 64) return false;
    sni_sym_is_const(sym, v->group_channels, &channels);
    return channels == 1 || 3 + 2 * v->spatial <= SINTER_MAX_RANK;
}

/* Sum over the window [N, G, (C/G), out..., kernel...] times w [G, (C/G), 1..., kernel...]. */
static uint32_t depthwise(const conv *v) {
    sinter_graph *g = v->g;
    bool many = !sni_sym_is(g->sym, v->group_channels, 1);
    sni_expr x_dims[SINTER_MAX_RANK], w_dims[SINTER_MAX_RANK];
    int lead = many ? 3 : 2, s = v->spatial;
    x_dims[0] = v->n;
    x_dims[1] = w_dims[0] = v->groups;
    if (many) x_dims[2] = w_dims[1] = v->group_channels;
    for (int i = 0; i < s; ++i) {
        x_dims[lead + i] = v->in[i];
        w_dims[lead - 1 + i] = sni_sym_const(g->sym, 1);
        w_dims[lead - 1 + s + i] = v->kernel[i];
    }
    sni_make_window_args args;
    conv_window(v, &args);
    uint32_t x = sni_make_reshape(g, v->c->in[0], lead + s, x_dims);
    uint32_t w = sni_make_reshape(g, v->c->in[1], lead - 1 + 2 * s, w_dims);
    uint32_t axes = ((1u << s) - 1) << (lead + s);
    if (many) axes |= 1u << 2;
    x = sni_make_binary(g, "mul", sni_make_window(g, x, &args), w);
    return sni_make_reduce(g, "reduce_sum", x, axes, false);
}

static uint32_t as_matmul(const conv *v) {
    uint32_t matrix = 0;
    if (is_pointwise(v)) {
        matrix = inputs_matrix(v);
    } else {
        sni_make_window_args args;
        conv_window(v, &args);
        matrix = windows_matrix(v, sni_make_window(v->g, v->c->in[0], &args));
    }
    uint32_t weights = weights_matrix(v, v->c->in[1], v->group_maps, v->k);
    return sni_make_binary(v->g, "matmul", weights, matrix);
}

uint32_t sni_decompose_conv(const sni_composite *c) {
    conv v;
    conv_sizes(c, c->node->attrs[SNI_CONV_GROUPS].i, false, &v);
    uint32_t y = is_depthwise(&v) ? depthwise(&v) : as_matmul(&v);
    return add_bias(&v, sni_make_reshape(c->graph, y, c->out.rank, c->out.dims));
}

/* ---- conv_transpose ------------------------------------------------------------------------- */

/* One spatial dimension of a transposed convolution. Output o is at t = o + pad and has the taps k with t - k*dilation
 * a multiple of the stride. Of t = q * phases + p (p: its phase) these are k = j * phases + p, and input q - j: so outputs
 * of all phases see the same window over the input, each with taps of its own, and nothing is multiplied with zeros that
 * were put between elements. A kernel with holes is one of more taps, some zero, and so is one that is no multiple of the
 * phases long. Where that would be more taps than the kernel has (holes as long as the stride), there is one phase, and the
 * input's elements lie `every` apart. */
typedef struct back_axis {
    sni_expr phases, taps, every, dilation; /* taps: of each phase; dilation: between them */
    sni_expr start, crop, positions;        /* the first q, outputs in front of the first one, q's */
} back_axis;

static back_axis back_axis_of(const conv *v, int i) {
    sni_sym *sym = v->g->sym;
    sni_expr pad = sni_decompose_entry(v->c, SNI_BACK_PADS, i, 0), one = sni_sym_const(sym, 1);
    back_axis b = {.phases = one, .taps = v->kernel[i], .every = sni_decompose_entry(v->c, SNI_BACK_STRIDES, i, 1)};
    int64_t stride = 0, holes = 0;
    b.dilation = sni_decompose_entry(v->c, SNI_BACK_DILATIONS, i, 1);
    if (sni_sym_is_const(sym, b.every, &stride) && sni_sym_is_const(sym, b.dilation, &holes) && holes < stride) {
        sni_expr reach = sni_sym_mul_i(sym, sni_sym_add_i(sym, v->kernel[i], -1), holes);
        b.phases = b.every;
        b.taps = sni_sym_ceil_div(sym, sni_sym_add_i(sym, reach, 1), b.phases);
        b.every = b.dilation = one;
    }
    b.start = sni_sym_div(sym, pad, b.phases);
    b.crop = sni_sym_mod(sym, pad, b.phases);
    b.positions = sni_sym_ceil_div(sym, sni_sym_add(sym, v->out[i], b.crop), b.phases);
    return b;
}

/* w [C, M/G, kernel...] as [G, M/G * phases..., C/G * taps...], taps from the last to the first. */
static uint32_t back_weights(const conv *v, const back_axis *axes) {
    sni_sym *sym = v->g->sym;
    int s = v->spatial;
    sni_make_window_args args = {.count = s, .fill = 0};
    int64_t perm[SINTER_MAX_RANK] = {0, 1}, swap[4] = {0, 2, 1, 3};
    sni_expr taps = sni_sym_const(sym, 1), maps = v->group_maps;
    for (int i = 0; i < s; ++i) {
        const back_axis *b = &axes[i];
        args.kernel[i] = b->phases;
        args.strides[i] = sni_sym_mul_i(sym, b->phases, -1);
        args.dilations[i] = sni_sym_const(sym, 1);
        args.pads_low[i] = sni_sym_mul(sym, sni_sym_add_i(sym, b->taps, -1), args.strides[i]);
        args.input_strides[i] = sni_decompose_entry(v->c, SNI_BACK_DILATIONS, i, 1);
        if (sni_sym_is(sym, b->phases, 1)) args.input_strides[i] = b->phases; /* holes are the window's */
        args.sizes[i] = b->taps;
        perm[2 + i] = 2 + s + i;
        perm[2 + s + i] = 2 + i;
        taps = sni_sym_mul(sym, taps, b->taps);
        maps = sni_sym_mul(sym, maps, b->phases);
    }
    sni_expr dims[4] = {v->groups, v->group_channels, maps, taps};
    uint32_t w = sni_make_transpose(v->g, sni_make_window(v->g, v->c->in[1], &args), perm);
    w = sni_make_transpose(v->g, sni_make_reshape(v->g, w, 4, dims), swap);
    return weights_matrix(v, w, maps, sni_sym_mul(sym, v->group_channels, taps));
}

/* The windows as a matrix [N, G, C/G * taps..., positions...]; the input itself where each output has one tap. */
static uint32_t back_matrix(const conv *v, const back_axis *axes) {
    sni_sym *sym = v->g->sym;
    sni_make_window_args args = {.count = v->spatial, .fill = 0};
    bool in_place = true;
    conv by_phase = *v;
    by_phase.k = v->group_channels;
    by_phase.positions = sni_sym_const(sym, 1);
    for (int i = 0; i < v->spatial; ++i) {
        const back_axis *b = &axes[i];
        sni_expr reach = sni_sym_mul(sym, b->dilation, sni_sym_add_i(sym, b->taps, -1));
        args.kernel[i] = b->taps;
        args.strides[i] = sni_sym_const(sym, 1);
        args.dilations[i] = b->dilation;
        args.pads_low[i] = sni_sym_sub(sym, reach, b->start);
        args.input_strides[i] = b->every;
        args.sizes[i] = b->positions;
        in_place &= sni_sym_is(sym, b->taps, 1) && sni_sym_is(sym, b->start, 0) && b->positions == v->in[i];
        by_phase.k = sni_sym_mul(sym, by_phase.k, b->taps);
        by_phase.positions = sni_sym_mul(sym, by_phase.positions, b->positions);
    }
    if (in_place) return inputs_matrix(&by_phase);
    return windows_matrix(&by_phase, sni_make_window(v->g, v->c->in[0], &args));
}

/* [N, M, phases..., positions...] as [N, M, out...]: phases lie side by side, and the ends are cut off. */
static uint32_t back_interleave(const conv *v, const back_axis *axes, uint32_t y) {
    sni_sym *sym = v->g->sym;
    int s = v->spatial;
    sni_expr parts[SINTER_MAX_RANK] = {v->n, v->c->out.dims[1]}, whole[SINTER_MAX_RANK] = {parts[0], parts[1]};
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    int64_t perm[SINTER_MAX_RANK] = {0, 1};
    for (int i = 0; i < 2 + s; ++i) {
        starts[i] = sni_sym_const(sym, 0);
        steps[i] = sni_sym_const(sym, 1);
    }
    for (int i = 0; i < s; ++i) {
        parts[2 + i] = axes[i].phases;
        parts[2 + s + i] = axes[i].positions;
        perm[2 + 2 * i] = 2 + s + i;
        perm[3 + 2 * i] = 2 + i;
        whole[2 + i] = sni_sym_mul(sym, axes[i].positions, axes[i].phases);
        starts[2 + i] = axes[i].crop;
    }
    y = sni_make_transpose(v->g, sni_make_reshape(v->g, y, 2 + 2 * s, parts), perm);
    y = sni_make_reshape(v->g, y, 2 + s, whole);
    for (int i = 0; i < s; ++i)
        if (whole[2 + i] != v->out[i]) return sni_make_slice(v->g, y, starts, steps, v->c->out.dims);
    return y;
}

uint32_t sni_decompose_conv_transpose(const sni_composite *c) {
    conv v;
    back_axis axes[3];
    conv_sizes(c, c->node->attrs[SNI_BACK_GROUPS].i, true, &v);
    for (int i = 0; i < v.spatial; ++i) axes[i] = back_axis_of(&v, i);
    uint32_t y = sni_make_binary(v.g, "matmul", back_weights(&v, axes), back_matrix(&v, axes));
    return add_bias(&v, back_interleave(&v, axes, y));
}
