/* Running sums, products and extremes. All rules but the sum's are written for a scan from the front that takes in the
 * element itself; others are brought into that form by views. */
#include "grad/rule.h"

static uint32_t scan(sinter_graph *graph, const char *op, uint32_t x, int axis, bool exclusive, bool reverse) {
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SCAN_AXIS] = sni_attr_int(axis),
                                     [SNI_SCAN_EXCLUSIVE] = sni_attr_int(exclusive),
                                     [SNI_SCAN_REVERSE] = sni_attr_int(reverse)};
    return x ? sni_graph_add1(graph, op, 1, &x, attrs) : 0;
}

static void cumsum(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    g = scan(graph, "cumsum", sni_make_wide(graph, g), (int)node->attrs[SNI_SCAN_AXIS].i,
             node->attrs[SNI_SCAN_EXCLUSIVE].i != 0, node->attrs[SNI_SCAN_REVERSE].i == 0);
    sni_grad_add(grad, node->in[0], g);
}

/* x or g as rows [outer, size, inner] that are scanned from the front. */
static uint32_t forward(sinter_graph *graph, const sni_node *node, uint32_t x) {
    int axis = sni_axis(node->attrs[SNI_SCAN_AXIS].i, sni_make_type(graph, x).rank);
    x = sni_grad_rows(graph, sni_make_wide(graph, x), axis);
    return node->attrs[SNI_SCAN_REVERSE].i ? sni_grad_flip(graph, x, 1) : x;
}

/* g of the scan that takes in the element itself, whose results an exclusive one has one place later. */
static uint32_t inclusive(sinter_graph *graph, const sni_node *node, uint32_t g) {
    sni_expr zero = sni_sym_const(graph->sym, 0), low[3] = {zero, zero, zero}, high[3] = {zero, zero, zero};
    g = forward(graph, node, g);
    if (!node->attrs[SNI_SCAN_EXCLUSIVE].i) return g;
    low[1] = sni_sym_const(graph->sym, -1);
    high[1] = sni_sym_const(graph->sym, 1);
    return sni_make_pad(graph, g, low, high, 0);
}

static void finish(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    if (node->attrs[SNI_SCAN_REVERSE].i) g = sni_grad_flip(graph, g, 1);
    sni_grad_add_reshaped(grad, node->in[0], g);
}

/* Rows [outer, size, inner] as [outer, 1, size, inner] and, turned, as [outer, size, 1, inner]. */
static uint32_t beside(sinter_graph *graph, uint32_t x, bool turned) {
    sni_type type = sni_make_type(graph, x);
    sni_expr one = sni_sym_const(graph->sym, 1);
    sni_expr dims[4] = {type.dims[0], turned ? type.dims[1] : one, turned ? one : type.dims[1], type.dims[2]};
    return sni_make_reshape(graph, x, 4, dims);
}

/* Element i changes result j >= i by the product of all elements up to j but itself: of those before i, and of those from
 * i + 1 to j. All pairs are looked at, so that zeros are no special case. */
static void cumprod(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    uint32_t x = forward(graph, node, node->in[0]);
    sni_type type = sni_make_type(graph, x);
    uint32_t i = sni_make_iota(graph, type.dims[1], 2, SINTER_I32),
             j = sni_make_iota(graph, type.dims[1], 1, SINTER_I32);
    uint32_t one = sni_make_scalar(graph, type.dtype, 1), zero = sni_make_scalar(graph, type.dtype, 0);
    uint32_t between = sni_make_where(graph, sni_make_binary(graph, "gt", j, i), beside(graph, x, false), one);
    between = scan(graph, "cumprod", between, 2, false, false);
    uint32_t before = beside(graph, scan(graph, "cumprod", x, 1, true, false), true);
    uint32_t each = sni_make_binary(graph, "mul", between, beside(graph, inclusive(graph, node, g), false));
    each = sni_make_where(graph, sni_make_binary(graph, "ge", j, i), each, zero);
    each = sni_make_reduce(graph, "reduce_sum", each, 1u << 2, true);
    g = sni_make_reshape(graph, sni_make_binary(graph, "mul", each, before), 3, type.dims);
    finish(grad, node, g);
}

/* The latest element that is the extreme so far has the result's gradient. */
static void extreme(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    uint32_t x = forward(graph, node, node->in[0]);
    sni_type type = sni_make_type(graph, x);
    uint32_t most = scan(graph, node->op->name, x, 1, false, false), none = sni_make_scalar(graph, SINTER_I32, -1);
    uint32_t at = sni_make_iota(graph, type.dims[1], 1, SINTER_I32);
    uint32_t from = sni_make_where(graph, sni_make_binary(graph, "eq", x, most), at, none);
    from = beside(graph, scan(graph, "cummax", from, 1, false, false), false);
    uint32_t here = sni_make_binary(graph, "eq", from, sni_make_iota(graph, type.dims[1], 2, SINTER_I32));
    g = beside(graph, inclusive(graph, node, g), false);
    g = sni_make_where(graph, here, g, sni_make_scalar(graph, type.dtype, 0));
    finish(grad, node, sni_make_reduce(graph, "reduce_sum", g, 1u << 2, false));
}

const sni_grad_entry sni_grad_scan[] = {
    {"cumsum", cumsum}, {"cumprod", cumprod}, {"cummax", extreme}, {"cummin", extreme}, {NULL, NULL}};
