/* Products: each operand's gradient is g times the other one, turned. */
#include "grad/rule.h"

/* Are all dimensions but the last two the same? */
static bool same_batch(const sni_type *a, const sni_type *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank - 2; ++i)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

/* x [batch.., m, n] as [batch * m, n]. */
static uint32_t stacked(sinter_graph *graph, uint32_t x) {
    sni_type type = sni_make_type(graph, x);
    sni_expr dims[2] = {sni_make_product(graph, type.dims, 0, type.rank - 1), type.dims[type.rank - 1]};
    return sni_make_reshape(graph, x, 2, dims);
}

/* x [batch.., m, n] as [m, batch * n]. */
static uint32_t in_a_row(sinter_graph *graph, uint32_t x) {
    sni_type type = sni_make_type(graph, x);
    int64_t perm[SINTER_MAX_RANK] = {type.rank - 2};
    for (int i = 0; i < type.rank - 2; ++i) perm[1 + i] = i;
    perm[type.rank - 1] = type.rank - 1;
    sni_expr count = sni_make_product(graph, type.dims, 0, type.rank - 2);
    sni_expr dims[2] = {type.dims[type.rank - 2], sni_sym_mul(graph->sym, count, type.dims[type.rank - 1])};
    return sni_make_reshape(graph, sni_make_transpose(graph, x, perm), 2, dims);
}

/* A matrix that all of a batch shares: one product whose sum runs over the batch, too, in place of many and their sum. */
static uint32_t left_gradient(sinter_graph *graph, const sni_type *a, uint32_t right, uint32_t g) {
    sni_type b = sni_make_type(graph, right), out = sni_make_type(graph, g);
    if (a->rank > 2 || !same_batch(&b, &out)) return sni_make_binary(graph, "matmul", g, sni_grad_swap(graph, right));
    return sni_make_binary(graph, "matmul", in_a_row(graph, g), sni_grad_swap(graph, in_a_row(graph, right)));
}

static uint32_t right_gradient(sinter_graph *graph, const sni_type *b, uint32_t left, uint32_t g) {
    sni_type a = sni_make_type(graph, left), out = sni_make_type(graph, g);
    if (b->rank > 2 || !same_batch(&a, &out)) return sni_make_binary(graph, "matmul", sni_grad_swap(graph, left), g);
    return sni_make_binary(graph, "matmul", sni_grad_swap(graph, stacked(graph, left)), stacked(graph, g));
}

static void matmul(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type a = sni_make_type(graph, node->in[0]), b = sni_make_type(graph, node->in[1]);
    if (sni_grad_needs(grad, node->in[0])) sni_grad_add(grad, node->in[0], left_gradient(graph, &a, node->in[1], g));
    if (sni_grad_needs(grad, node->in[1])) sni_grad_add(grad, node->in[1], right_gradient(graph, &b, node->in[0], g));
}

const sni_grad_entry sni_grad_contract[] = {{"matmul", matmul}, {NULL, NULL}};
