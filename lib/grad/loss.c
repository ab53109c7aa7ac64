/* The cross-entropy of logits and labels by its own formula: the softmax less the target, with the same sum of exponentials as
 * the forward pass. */
#include "grad/rule.h"
#include "rewrite/linear_loss.h"

static uint32_t scaled(sinter_graph *g, uint32_t x, double factor) {
    return factor == 1 ? x : sni_make_binary(g, "mul", x, sni_make_scalar(g, sni_make_type(g, x).dtype, factor));
}

/* Logits of some of the classes, and what is known of their rows. */
typedef struct part {
    const sni_attr *attrs; /* of a cross_entropy or a linear_cross_entropy: these begin alike */
    uint32_t logits;       /* [.., classes], f32 or wider */
    int64_t first;         /* of the classes */
    sni_expr classes;      /* all that there are */
    uint32_t labels, g;    /* [..] */
    uint32_t total;        /* [.., 1]: the logarithm of the sum of exp(logits) over all classes */
} part;

/* What the loss changes with the logits. */
static uint32_t slope(sinter_graph *graph, const part *p) {
    double smoothing = p->attrs[SNI_CROSS_ENTROPY_SMOOTHING].f, z = p->attrs[SNI_CROSS_ENTROPY_Z].f;
    sni_type type = sni_make_type(graph, p->logits);
    uint32_t labels = p->labels, g = p->g, last = 1u << (type.rank - 1);
    uint32_t zero = sni_make_scalar(graph, type.dtype, 0);
    uint32_t none = sni_make_int(graph, sni_make_type(graph, labels).dtype, p->attrs[SNI_CROSS_ENTROPY_IGNORE].i);
    if (none) g = sni_make_where(graph, sni_make_binary(graph, "eq", labels, none), zero, g);
    g = sni_grad_kept(graph, g, &type, last);
    uint32_t share = sni_make_unary(graph, "exp", sni_make_binary(graph, "sub", p->logits, p->total));
    if (z != 0) {
        uint32_t one = sni_make_scalar(graph, type.dtype, 1);
        uint32_t more = sni_make_binary(graph, "add", one, scaled(graph, p->total, 2 * z));
        share = sni_make_binary(graph, "mul", share, more);
    }
    uint32_t places = sni_grad_kept(graph, sni_grad_wrapped(graph, labels, p->classes), &type, last);
    uint32_t own = sni_make_iota(graph, type.dims[type.rank - 1], 0, SINTER_I32);
    if (p->first) own = sni_make_binary(graph, "add", own, sni_make_int(graph, SINTER_I32, p->first));
    uint32_t here = sni_make_binary(graph, "eq", own, places);
    uint32_t target = sni_make_where(graph, here, sni_make_scalar(graph, type.dtype, 1 - smoothing), zero);
    if (smoothing != 0) {
        uint32_t rest = sni_make_binary(graph, "div", sni_make_scalar(graph, type.dtype, smoothing),
                                        sni_make_expr(graph, p->classes, type.dtype));
        target = sni_make_binary(graph, "add", target, rest);
    }
    return sni_make_binary(graph, "mul", g, sni_make_binary(graph, "sub", share, target));
}

static void cross_entropy(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    uint32_t x = sni_make_wide(graph, node->in[0]);
    sni_type type = sni_make_type(graph, x);
    part all = {.attrs = node->attrs, .logits = x, .labels = node->in[1], .g = g};
    all.classes = type.dims[type.rank - 1];
    all.total = sni_make_log_sum_exp(graph, x, 1u << (type.rank - 1));
    sni_grad_add(grad, node->in[0], slope(graph, &all));
}

/* ---- linear_cross_entropy ------------------------------------------------------------------- */

/* The logarithm of the sum of exp(logits) of chunk i of the rows. */
static uint32_t row_total(const sni_linear_loss *l, int i) {
    uint32_t logits = sni_make_wide(l->graph, sni_linear_loss_logits(l, i));
    return sni_linear_loss_stored(l, sni_make_log_sum_exp(l->graph, logits, 1u << 1));
}

/* The gradient of x, from the same chunks of logits as the loss. */
static uint32_t x_gradient(sni_linear_loss *l, const part *whole) {
    sinter_graph *graph = l->graph;
    sinter_dtype dtype = sni_make_type(graph, l->x).dtype;
    for (int i = 0; i < l->row_chunks; ++i) {
        part p = *whole;
        p.logits = sni_make_wide(graph, sni_linear_loss_logits(l, i));
        p.labels = sni_linear_loss_rows(l, whole->labels, i);
        p.g = sni_linear_loss_rows(l, whole->g, i);
        p.total = row_total(l, i);
        uint32_t changes = sni_make_cast(graph, slope(graph, &p), dtype);
        l->parts[i] = sni_make_binary(graph, "matmul", changes, sni_grad_swap(graph, l->weight));
    }
    return sni_linear_loss_joined(l, l->row_chunks, 0);
}

/* The gradient of the weight, from chunks of classes: each is whole when it is computed, so nothing is added up, or rounded,
 * between chunks. */
static uint32_t weight_gradient(sni_linear_loss *l, const part *whole) {
    sinter_graph *graph = l->graph;
    sinter_dtype dtype = sni_make_type(graph, l->x).dtype;
    part p = *whole;
    for (int i = 0; i < l->row_chunks; ++i) l->parts[i] = row_total(l, i);
    p.total = sni_linear_loss_joined(l, l->row_chunks, 0);
    for (int i = 0; i < l->class_chunks; ++i) {
        p.logits = sni_make_wide(graph, sni_linear_loss_class_logits(l, i, &p.first));
        uint32_t changes = sni_make_cast(graph, slope(graph, &p), dtype);
        l->parts[i] = sni_make_binary(graph, "matmul", sni_grad_swap(graph, l->x), changes);
    }
    return sni_linear_loss_joined(l, l->class_chunks, 1);
}

static void linear_cross_entropy(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_linear_loss l;
    if (sni_linear_loss_begin(&l, graph, node, node->in)) {
        part whole = {.attrs = node->attrs, .labels = l.labels, .classes = l.classes};
        whole.g = sni_make_reshape(graph, g, 1, &l.rows);
        if (sni_grad_needs(grad, node->in[0])) sni_grad_add_reshaped(grad, node->in[0], x_gradient(&l, &whole));
        if (sni_grad_needs(grad, node->in[1])) sni_grad_add(grad, node->in[1], weight_gradient(&l, &whole));
    }
    sni_linear_loss_end(&l);
}

const sni_grad_entry sni_grad_loss[] = {
    {"cross_entropy", cross_entropy}, {"linear_cross_entropy", linear_cross_entropy}, {NULL, NULL}};
