/* Convolutions. The input's gradient is the transposed convolution of g and the other way round; the weights' is one product of
 * g with the windows over the input, whose sum runs over batch and positions. */
#include "grad/rule.h"

enum { X, WEIGHTS, BIAS, MOST_SPATIAL = 3 };

/* Attributes of either convolution as lists that are not empty. */
typedef struct spatial {
    int count;
    int64_t groups;
    sni_expr strides[MOST_SPATIAL], dilations[MOST_SPATIAL], pads[2 * MOST_SPATIAL];
} spatial;

static void entries(sinter_graph *graph, const sni_attr *list, int count, int64_t preset, sni_expr *out) {
    for (int i = 0; i < count; ++i) out[i] = list->count ? list->exprs[i] : sni_sym_const(graph->sym, preset);
}

static spatial spatial_of(sinter_graph *graph, const sni_node *node, int strides, int pads, int dilations, int groups) {
    spatial s = {.count = sni_make_type(graph, node->in[X]).rank - 2, .groups = node->attrs[groups].i};
    entries(graph, &node->attrs[strides], s.count, 1, s.strides);
    entries(graph, &node->attrs[dilations], s.count, 1, s.dilations);
    entries(graph, &node->attrs[pads], 2 * s.count, 0, s.pads);
    return s;
}

/* [N, C, ..] as [G, C/G, N * ..], or without G where there is one. */
static uint32_t by_group(sinter_graph *graph, const spatial *s, uint32_t x) {
    sni_type type = sni_make_type(graph, x);
    sni_sym *sym = graph->sym;
    int64_t perm[SINTER_MAX_RANK] = {1, 0};
    for (int i = 2; i < type.rank; ++i) perm[i] = i;
    sni_expr groups = sni_sym_const(sym, s->groups);
    sni_expr rest = sni_sym_mul(sym, type.dims[0], sni_make_product(graph, type.dims, 2, type.rank));
    sni_expr dims[3] = {groups, sni_sym_div(sym, type.dims[1], groups), rest};
    x = sni_make_transpose(graph, x, perm);
    return sni_make_reshape(graph, x, s->groups == 1 ? 2 : 3, s->groups == 1 ? dims + 1 : dims);
}

/* Windows over x [N, C, ..] as [G, C/G * kernel, N * positions]. */
static uint32_t windows(sinter_graph *graph, const spatial *s, uint32_t x, const sni_expr *kernel,
                        const sni_expr *positions) {
    sni_sym *sym = graph->sym;
    sni_make_window_args args = {.count = s->count};
    int64_t perm[SINTER_MAX_RANK] = {1};
    for (int i = 0; i < s->count; ++i) {
        args.kernel[i] = kernel[i];
        args.strides[i] = s->strides[i];
        args.dilations[i] = s->dilations[i];
        args.pads_low[i] = s->pads[i];
        args.input_strides[i] = sni_sym_const(sym, 1);
        args.sizes[i] = positions[i];
        perm[1 + i] = 2 + s->count + i;
        perm[2 + s->count + i] = 2 + i;
    }
    perm[1 + s->count] = 0;
    x = sni_make_transpose(graph, sni_make_window(graph, x, &args), perm);
    sni_type type = sni_make_type(graph, x);
    sni_expr groups = sni_sym_const(sym, s->groups), rows = sni_make_product(graph, type.dims, 0, 1 + s->count);
    sni_expr dims[3] = {groups, sni_sym_div(sym, rows, groups),
                        sni_make_product(graph, type.dims, 1 + s->count, type.rank)};
    return sni_make_reshape(graph, x, s->groups == 1 ? 2 : 3, s->groups == 1 ? dims + 1 : dims);
}

/* Weights [maps, C/G, kernel..] that a convolution of x to the positions of g has. */
static void weights_gradient(sni_grad *grad, const spatial *s, uint32_t weights, uint32_t x, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    if (!sni_grad_needs(grad, weights)) return;
    sni_type w = sni_make_type(graph, weights), out = sni_make_type(graph, g);
    uint32_t seen = windows(graph, s, x, w.dims + 2, out.dims + 2);
    sni_grad_add_reshaped(grad, weights,
                          sni_make_binary(graph, "matmul", by_group(graph, s, g), sni_grad_swap(graph, seen)));
}

static void bias_gradient(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    if (node->in_count <= BIAS || !sni_grad_needs(grad, node->in[BIAS])) return;
    uint32_t axes = ((1u << sni_make_type(graph, g).rank) - 1) & ~2u;
    g = sni_make_reduce(graph, "reduce_sum", sni_make_wide(graph, g), axes, false);
    sni_grad_add_reshaped(grad, node->in[BIAS], g);
}

static void conv(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_sym *sym = graph->sym;
    spatial s = spatial_of(graph, node, SNI_CONV_STRIDES, SNI_CONV_PADS, SNI_CONV_DILATIONS, SNI_CONV_GROUPS);
    weights_gradient(grad, &s, node->in[WEIGHTS], node->in[X], g);
    bias_gradient(grad, node, g);
    if (!sni_grad_needs(grad, node->in[X])) return;
    sni_type x = sni_make_type(graph, node->in[X]), w = sni_make_type(graph, node->in[WEIGHTS]);
    sni_expr rest[MOST_SPATIAL]; /* elements at the end that no window reached */
    for (int i = 0; i < s.count; ++i) {
        sni_expr reach = sni_sym_mul(sym, s.dilations[i], sni_sym_add_i(sym, w.dims[2 + i], -1));
        sni_expr padded = sni_sym_add(sym, x.dims[2 + i], sni_sym_add(sym, s.pads[i], s.pads[s.count + i]));
        rest[i] = sni_sym_mod(sym, sni_sym_add_i(sym, sni_sym_sub(sym, padded, reach), -1), s.strides[i]);
    }
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_BACK_STRIDES] = sni_attr_exprs(graph, s.count, s.strides),
                                     [SNI_BACK_PADS] = sni_attr_exprs(graph, 2 * s.count, s.pads),
                                     [SNI_BACK_DILATIONS] = sni_attr_exprs(graph, s.count, s.dilations),
                                     [SNI_BACK_OUTPUT_PADDING] = sni_attr_exprs(graph, s.count, rest),
                                     [SNI_BACK_GROUPS] = sni_attr_int(s.groups)};
    uint32_t ins[2] = {g, node->in[WEIGHTS]};
    if (g) sni_grad_add_reshaped(grad, node->in[X], sni_graph_add1(graph, "conv_transpose", 2, ins, attrs));
}

static void conv_transpose(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    spatial s = spatial_of(graph, node, SNI_BACK_STRIDES, SNI_BACK_PADS, SNI_BACK_DILATIONS, SNI_BACK_GROUPS);
    weights_gradient(grad, &s, node->in[WEIGHTS], g, node->in[X]);
    bias_gradient(grad, node, g);
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_CONV_STRIDES] = sni_attr_exprs(graph, s.count, s.strides),
                                     [SNI_CONV_PADS] = sni_attr_exprs(graph, 2 * s.count, s.pads),
                                     [SNI_CONV_DILATIONS] = sni_attr_exprs(graph, s.count, s.dilations),
                                     [SNI_CONV_GROUPS] = sni_attr_int(s.groups)};
    uint32_t ins[2] = {g, node->in[WEIGHTS]};
    if (g && sni_grad_needs(grad, node->in[X]))
        sni_grad_add_reshaped(grad, node->in[X], sni_graph_add1(graph, "conv", 2, ins, attrs));
}

const sni_grad_entry sni_grad_conv[] = {{"conv", conv}, {"conv_transpose", conv_transpose}, {NULL, NULL}};
