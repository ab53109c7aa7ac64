/* Sliding windows. An element of the input may be in many windows; window_taps puts each back to its place, one plane for
 * every element of the kernel, and the sum over those is the gradient: a view and a reduction. */
#include "grad/rule.h"

/* g [.., positions.., kernel..] of a window over an input with these sizes: [.., sizes.., kernel..]. Strides of positions and
 * of the input change their roles. */
static uint32_t taps_back(sinter_graph *graph, const sni_node *node, uint32_t g, const sni_expr *sizes) {
    sni_sym *sym = graph->sym;
    const sni_attr *a = node->attrs;
    int count = a[SNI_WINDOW_KERNEL].count;
    sni_expr strides[SINTER_MAX_RANK], dilations[SINTER_MAX_RANK], low[SINTER_MAX_RANK], every[SINTER_MAX_RANK];
    for (int i = 0; i < count; ++i) {
        sni_expr one = sni_sym_const(sym, 1), zero = sni_sym_const(sym, 0);
        strides[i] = a[SNI_WINDOW_INPUT_STRIDES].count ? a[SNI_WINDOW_INPUT_STRIDES].exprs[i] : one;
        every[i] = a[SNI_WINDOW_STRIDES].count ? a[SNI_WINDOW_STRIDES].exprs[i] : one;
        dilations[i] = sni_sym_mul_i(sym, a[SNI_WINDOW_DILATIONS].count ? a[SNI_WINDOW_DILATIONS].exprs[i] : one, -1);
        low[i] = sni_sym_mul_i(sym, a[SNI_WINDOW_PADS_LOW].count ? a[SNI_WINDOW_PADS_LOW].exprs[i] : zero, -1);
    }
    sni_attr attrs[SNI_MAX_ATTRS] = {
        [SNI_WINDOW_KERNEL] = a[SNI_WINDOW_KERNEL],
        [SNI_WINDOW_STRIDES] = sni_attr_exprs(graph, count, strides),
        [SNI_WINDOW_DILATIONS] = sni_attr_exprs(graph, count, dilations),
        [SNI_WINDOW_PADS_LOW] = sni_attr_exprs(graph, count, low),
        [SNI_WINDOW_INPUT_STRIDES] = sni_attr_exprs(graph, count, every),
        [SNI_WINDOW_SIZES] = sni_attr_exprs(graph, count, sizes),
    };
    return g ? sni_graph_add1(graph, "window_taps", 1, &g, attrs) : 0;
}

static void window(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    int count = node->attrs[SNI_WINDOW_KERNEL].count;
    sni_type in = sni_make_type(graph, node->in[0]);
    g = sni_make_wide(graph, taps_back(graph, node, g, in.dims + in.rank - count));
    g = sni_make_reduce(graph, "reduce_sum", g, ((1u << count) - 1) << in.rank, false);
    sni_grad_add_reshaped(grad, node->in[0], g);
}

/* Every element comes from one place, and goes back there. */
static void window_taps(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    int count = node->attrs[SNI_WINDOW_KERNEL].count;
    sni_type in = sni_make_type(graph, node->in[0]);
    sni_grad_add_reshaped(grad, node->in[0], taps_back(graph, node, g, in.dims + in.rank - 2 * count));
}

const sni_grad_entry sni_grad_window[] = {{"window", window}, {"window_taps", window_taps}, {NULL, NULL}};
