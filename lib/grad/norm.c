/* Softmax and normalisations by their own formulas: sums over a row that do not wait for each other, and the statistics of the
 * forward pass, built of the same nodes as decompose_norm.c builds them so that they are computed once. */
#include "grad/rule.h"

static void softmax(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type type = sni_make_type(graph, node->in[0]);
    uint32_t axis = 1u << sni_axis(node->attrs[SNI_SOFTMAX_AXIS].i, type.rank);
    uint32_t y = sni_make_wide(graph, node->out[0]);
    g = sni_make_wide(graph, g);
    uint32_t sum = sni_make_reduce(graph, "reduce_sum", sni_make_binary(graph, "mul", g, y), axis, true);
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "mul", y, sni_make_binary(graph, "sub", g, sum)));
}

static void log_softmax(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type type = sni_make_type(graph, node->in[0]);
    uint32_t axis = 1u << sni_axis(node->attrs[SNI_SOFTMAX_AXIS].i, type.rank);
    uint32_t share = sni_make_unary(graph, "exp", sni_make_wide(graph, node->out[0]));
    g = sni_make_wide(graph, g);
    uint32_t sum = sni_make_reduce(graph, "reduce_sum", g, axis, true);
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "sub", g, sni_make_binary(graph, "mul", share, sum)));
}

/* With h = g * scale and n the normalised x: (h - mean(h) - n * mean(h * n)) / root; without the first mean where x is not
 * centred. */
static void norm(sni_grad *grad, const sni_node *node, uint32_t g, bool centred) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type type = sni_make_type(graph, node->in[0]);
    uint32_t axes = (1u << type.rank) - (1u << sni_axis(node->attrs[SNI_NORM_AXIS].i, type.rank));
    uint32_t x = sni_make_wide(graph, node->in[0]), scale = node->in_count > 1 ? node->in[1] : 0;
    if (centred) x = sni_make_binary(graph, "sub", x, sni_make_mean(graph, x, axes));
    uint32_t square = sni_make_mean(graph, sni_make_binary(graph, "mul", x, x), axes);
    uint32_t epsilon = sni_make_scalar(graph, sni_make_type(graph, x).dtype, node->attrs[SNI_NORM_EPSILON].f);
    uint32_t root = sni_make_unary(graph, "rsqrt", sni_make_binary(graph, "add", square, epsilon));
    uint32_t n = sni_make_binary(graph, "mul", x, root);
    g = sni_make_wide(graph, g);
    if (sni_grad_needs(grad, scale)) sni_grad_add(grad, scale, sni_make_binary(graph, "mul", g, n));
    if (node->in_count > 2) sni_grad_add(grad, node->in[2], g);
    if (!sni_grad_needs(grad, node->in[0])) return;
    uint32_t h = scale ? sni_make_binary(graph, "mul", g, sni_make_wide(graph, scale)) : g;
    uint32_t along = sni_make_mean(graph, sni_make_binary(graph, "mul", h, n), axes);
    uint32_t rest = sni_make_binary(graph, "sub", h, sni_make_binary(graph, "mul", n, along));
    if (centred) rest = sni_make_binary(graph, "sub", rest, sni_make_mean(graph, h, axes));
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "mul", rest, root));
}

static void layer_norm(sni_grad *grad, const sni_node *node, uint32_t g) {
    norm(grad, node, g, true);
}

static void rms_norm(sni_grad *grad, const sni_node *node, uint32_t g) {
    norm(grad, node, g, false);
}

const sni_grad_entry sni_grad_norm[] = {{"softmax", softmax},
                                        {"log_softmax", log_softmax},
                                        {"layer_norm", layer_norm},
                                        {"rms_norm", rms_norm},
                                        {NULL, NULL}};
