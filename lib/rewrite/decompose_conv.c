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
        sni_expr grouped[4] = {v->n, v->groups, v->k, v->positions};
        sni_expr plain[3] = {v->n, v->k, v->positions};
        matrix = sni_make_reshape(v->g, v->c->in[0], v->grouped ? 4 : 3, v->grouped ? grouped : plain);
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

/* Do the kernels lie side by side, so that every output element has one tap? */
static bool is_tiling(const conv *v) {
    sni_sym *sym = v->g->sym;
    for (int i = 0; i < v->spatial; ++i)
        if (sni_decompose_entry(v->c, SNI_BACK_STRIDES, i, 1) != v->kernel[i] ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_BACK_DILATIONS, i, 1), 1) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_BACK_OUTPUT_PADDING, i, 0), 0) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_BACK_PADS, i, 0), 0) ||
            !sni_sym_is(sym, sni_decompose_entry(v->c, SNI_BACK_PADS, v->spatial + i, 0), 0))
            return false;
    return true;
}

/* w [C, M/G, kernel...] as [G, M/G, C/G, kernel...] (swap) or [G, M/G, kernel..., C/G]. */
static uint32_t back_weights(const conv *v, uint32_t w, bool channels_last) {
    sni_expr dims[SINTER_MAX_RANK] = {v->groups, v->group_channels, v->group_maps};
    int64_t perm[SINTER_MAX_RANK] = {0, 2};
    int s = v->spatial;
    for (int i = 0; i < s; ++i) {
        dims[3 + i] = v->kernel[i];
        perm[2 + (channels_last ? 0 : 1) + i] = 3 + i;
    }
    perm[channels_last ? 2 + s : 2] = 1;
    return sni_make_transpose(v->g, sni_make_reshape(v->g, w, 3 + s, dims), perm);
}

/* One matrix product that makes a whole kernel of outputs of each input element, put side by side. */
static uint32_t back_tiling(const conv *v) {
    sinter_graph *g = v->g;
    int s = v->spatial;
    sni_expr inputs = sni_make_product(g, v->in, 0, s);
    sni_expr grouped[4] = {v->n, v->groups, v->group_channels, inputs};
    sni_expr plain[3] = {v->n, v->group_channels, inputs};
    uint32_t x = sni_make_reshape(g, v->c->in[0], v->grouped ? 4 : 3, v->grouped ? grouped : plain);
    sni_expr maps = sni_sym_mul(g->sym, v->group_maps, v->taps);
    uint32_t w = weights_matrix(v, back_weights(v, v->c->in[1], true), maps, v->group_channels);
    sni_expr tiles[SINTER_MAX_RANK] = {v->n, v->c->out.dims[1]};
    int64_t perm[SINTER_MAX_RANK] = {0, 1};
    for (int i = 0; i < s; ++i) {
        tiles[2 + i] = v->kernel[i];
        tiles[2 + s + i] = v->in[i];
        perm[2 + 2 * i] = 2 + s + i;
        perm[3 + 2 * i] = 2 + i;
    }
    uint32_t y = sni_make_reshape(g, sni_make_binary(g, "matmul", w, x), 2 + 2 * s, tiles);
    return sni_make_transpose(g, y, perm);
}

static uint32_t flip_kernel(const conv *v, uint32_t w) {
    sni_sym *sym = v->g->sym;
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int i = 0; i < v->w.rank; ++i) {
        starts[i] = i < 2 ? sni_sym_const(sym, 0) : sni_sym_add_i(sym, v->w.dims[i], -1);
        steps[i] = sni_sym_const(sym, i < 2 ? 1 : -1);
    }
    return sni_sym_is(sym, v->taps, 1) ? w : sni_make_slice(v->g, w, starts, steps, v->w.dims);
}

/* Windows over the input with its elements `stride` apart, times the flipped kernel. */
static uint32_t back_windows(const conv *v) {
    sni_sym *sym = v->g->sym;
    sni_make_window_args args = {.count = v->spatial, .fill = 0};
    for (int i = 0; i < v->spatial; ++i) {
        sni_expr dilation = sni_decompose_entry(v->c, SNI_BACK_DILATIONS, i, 1);
        sni_expr reach = sni_sym_mul(sym, dilation, sni_sym_add_i(sym, v->kernel[i], -1));
        args.kernel[i] = v->kernel[i];
        args.strides[i] = sni_sym_const(sym, 1);
        args.dilations[i] = dilation;
        args.pads_low[i] = sni_sym_sub(sym, reach, sni_decompose_entry(v->c, SNI_BACK_PADS, i, 0));
        args.input_strides[i] = sni_decompose_entry(v->c, SNI_BACK_STRIDES, i, 1);
        args.sizes[i] = v->out[i];
    }
    uint32_t matrix = windows_matrix(v, sni_make_window(v->g, v->c->in[0], &args));
    uint32_t w = back_weights(v, flip_kernel(v, v->c->in[1]), false);
    w = weights_matrix(v, w, v->group_maps, v->k);
    return sni_make_binary(v->g, "matmul", w, matrix);
}

uint32_t sni_decompose_conv_transpose(const sni_composite *c) {
    conv v;
    conv_sizes(c, c->node->attrs[SNI_BACK_GROUPS].i, true, &v);
    uint32_t y = is_tiling(&v) ? back_tiling(&v) : back_windows(&v);
    return add_bias(&v, sni_make_reshape(c->graph, y, c->out.rank, c->out.dims));
}
