/* Reductions: what was added up gets the sum's gradient, what was chosen shares it. */
#include "grad/rule.h"

static uint32_t axes_of(const sinter_graph *graph, const sni_node *node, const sni_type *in) {
    uint32_t axes = 0;
    sni_axes(graph->sym, &node->attrs[SNI_REDUCE_AXES], in->rank, &axes);
    return axes;
}

static void reduce_sum(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type in = sni_make_type(graph, node->in[0]);
    g = sni_grad_kept(graph, g, &in, axes_of(graph, node, &in));
    sni_grad_add(grad, node->in[0], sni_make_expand(graph, g, in.rank, in.dims));
}

/* The elements that equal the result share its gradient evenly. */
static void reduce_extreme(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type in = sni_make_type(graph, node->in[0]);
    uint32_t axes = axes_of(graph, node, &in), zero = 0;
    uint32_t extreme = sni_grad_kept(graph, node->out[0], &in, axes);
    uint32_t here = sni_make_binary(graph, "eq", node->in[0], extreme);
    g = sni_make_wide(graph, sni_grad_kept(graph, g, &in, axes));
    sinter_dtype dtype = sni_make_type(graph, g).dtype;
    uint32_t count = sni_make_reduce(graph, "reduce_sum", sni_make_cast(graph, here, dtype), axes, true);
    zero = sni_make_scalar(graph, dtype, 0);
    sni_grad_add(grad, node->in[0], sni_make_where(graph, here, sni_make_binary(graph, "div", g, count), zero));
}

/* The product of the others: of those before times of those behind, which needs no division by zero. */
static void reduce_prod(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type in = sni_make_type(graph, node->in[0]);
    uint32_t axes = axes_of(graph, node, &in);
    int64_t perm[SINTER_MAX_RANK], back[SINTER_MAX_RANK];
    sni_expr moved[SINTER_MAX_RANK], rows[2];
    int kept = 0, at = 0;
    for (int pass = 0; pass < 2; ++pass) {
        for (int i = 0; i < in.rank; ++i)
            if ((axes >> i & 1) == (uint32_t)pass) perm[at++] = i;
        if (pass == 0) kept = at;
    }
    for (int i = 0; i < in.rank; ++i) {
        moved[i] = in.dims[perm[i]];
        back[perm[i]] = i;
    }
    rows[0] = sni_make_product(graph, moved, 0, kept);
    rows[1] = sni_make_product(graph, moved, kept, in.rank);
    uint32_t x = sni_make_transpose(graph, sni_make_wide(graph, node->in[0]), perm);
    x = sni_make_reshape(graph, x, 2, rows);
    uint32_t sides[2];
    for (int reverse = 0; reverse < 2; ++reverse) {
        sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SCAN_AXIS] = sni_attr_int(1),
                                         [SNI_SCAN_EXCLUSIVE] = sni_attr_int(1),
                                         [SNI_SCAN_REVERSE] = sni_attr_int(reverse)};
        sides[reverse] = x ? sni_graph_add1(graph, "cumprod", 1, &x, attrs) : 0;
    }
    rows[1] = sni_sym_const(graph->sym, 1);
    g = sni_make_reshape(graph, sni_make_wide(graph, g), 2, rows);
    g = sni_make_binary(graph, "mul", g, sni_make_binary(graph, "mul", sides[0], sides[1]));
    g = sni_make_transpose(graph, sni_make_reshape(graph, g, in.rank, moved), back);
    sni_grad_add(grad, node->in[0], g);
}

/* ---- composites whose own formula is better than that of their parts ---- */

static void log_sum_exp(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type in = sni_make_type(graph, node->in[0]);
    uint32_t axes = axes_of(graph, node, &in);
    uint32_t y = sni_make_wide(graph, sni_grad_kept(graph, node->out[0], &in, axes));
    uint32_t share = sni_make_binary(graph, "sub", sni_make_wide(graph, node->in[0]), y);
    g = sni_make_wide(graph, sni_grad_kept(graph, g, &in, axes));
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "mul", g, sni_make_unary(graph, "exp", share)));
}

/* x / y, and 0 where y is: there is no direction there. */
static void l2(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type in = sni_make_type(graph, node->in[0]);
    uint32_t axes = axes_of(graph, node, &in);
    uint32_t y = sni_make_wide(graph, sni_grad_kept(graph, node->out[0], &in, axes));
    uint32_t zero = sni_make_scalar(graph, sni_make_type(graph, y).dtype, 0);
    g = sni_make_wide(graph, sni_grad_kept(graph, g, &in, axes));
    g = sni_make_where(graph, sni_make_binary(graph, "eq", y, zero), zero, sni_make_binary(graph, "div", g, y));
    sni_grad_add(grad, node->in[0], sni_make_binary(graph, "mul", g, sni_make_wide(graph, node->in[0])));
}

const sni_grad_entry sni_grad_reduce[] = {
    {"reduce_sum", reduce_sum},    {"reduce_max", reduce_extreme},      {"reduce_min", reduce_extreme},
    {"reduce_prod", reduce_prod},  {"reduce_log_sum_exp", log_sum_exp}, {"reduce_l2", l2},
    {"argmax", sni_grad_flat},     {"argmin", sni_grad_flat},           {"hardmax", sni_grad_flat},
    {"reduce_any", sni_grad_flat}, {"reduce_all", sni_grad_flat},       {NULL, NULL},
};
