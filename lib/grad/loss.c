/* The cross-entropy of logits and labels by its own formula: the softmax less the target, with the same sum of exponentials as
 * the forward pass. */
#include "grad/rule.h"

static uint32_t scaled(sinter_graph *g, uint32_t x, double factor) {
    return factor == 1 ? x : sni_make_binary(g, "mul", x, sni_make_scalar(g, sni_make_type(g, x).dtype, factor));
}

static void cross_entropy(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    double smoothing = node->attrs[SNI_CROSS_ENTROPY_SMOOTHING].f, z = node->attrs[SNI_CROSS_ENTROPY_Z].f;
    uint32_t x = sni_make_wide(graph, node->in[0]), labels = node->in[1];
    sni_type type = sni_make_type(graph, x);
    int axis = type.rank - 1;
    sni_expr classes = type.dims[axis];
    uint32_t zero = sni_make_scalar(graph, type.dtype, 0);
    uint32_t none = sni_make_int(graph, sni_make_type(graph, labels).dtype, node->attrs[SNI_CROSS_ENTROPY_IGNORE].i);
    if (none) g = sni_make_where(graph, sni_make_binary(graph, "eq", labels, none), zero, g);
    g = sni_grad_kept(graph, g, &type, 1u << axis);
    uint32_t total = sni_make_log_sum_exp(graph, x, 1u << axis);
    uint32_t share = sni_make_unary(graph, "exp", sni_make_binary(graph, "sub", x, total));
    if (z != 0) {
        uint32_t one = sni_make_scalar(graph, type.dtype, 1);
        share = sni_make_binary(graph, "mul", share, sni_make_binary(graph, "add", one, scaled(graph, total, 2 * z)));
    }
    uint32_t places = sni_grad_kept(graph, sni_grad_wrapped(graph, labels, classes), &type, 1u << axis);
    uint32_t here = sni_make_binary(graph, "eq", sni_make_iota(graph, classes, 0, SINTER_I32), places);
    uint32_t target = sni_make_where(graph, here, sni_make_scalar(graph, type.dtype, 1 - smoothing), zero);
    if (smoothing != 0) {
        uint32_t rest = sni_make_binary(graph, "div", sni_make_scalar(graph, type.dtype, smoothing),
                                        sni_make_expr(graph, classes, type.dtype));
        target = sni_make_binary(graph, "add", target, rest);
    }
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "mul", g, sni_make_binary(graph, "sub", share, target)));
}

const sni_grad_entry sni_grad_loss[] = {{"cross_entropy", cross_entropy}, {NULL, NULL}};
