/* Short ways to add nodes that only gradients need. */
#include "grad/rule.h"

uint32_t sni_grad_zeros(sinter_graph *graph, const sni_type *type) {
    return sni_make_expand(graph, sni_make_scalar(graph, type->dtype, 0), type->rank, type->dims);
}

uint32_t sni_grad_swap(sinter_graph *graph, uint32_t x) {
    int rank = sni_make_type(graph, x).rank;
    int64_t perm[SINTER_MAX_RANK];
    for (int i = 0; i < rank; ++i) perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    return sni_make_transpose(graph, x, perm);
}

uint32_t sni_grad_kept(sinter_graph *graph, uint32_t x, const sni_type *in, uint32_t axes) {
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) dims[i] = axes >> i & 1 ? sni_sym_const(graph->sym, 1) : in->dims[i];
    return sni_make_reshape(graph, x, in->rank, dims);
}

uint32_t sni_grad_rows(sinter_graph *graph, uint32_t x, int axis) {
    sni_type type = sni_make_type(graph, x);
    sni_expr dims[3] = {sni_make_product(graph, type.dims, 0, axis), type.dims[axis],
                        sni_make_product(graph, type.dims, axis + 1, type.rank)};
    return sni_make_reshape(graph, x, 3, dims);
}

uint32_t sni_grad_flip(sinter_graph *graph, uint32_t x, int axis) {
    sni_type type = sni_make_type(graph, x);
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int i = 0; i < type.rank; ++i) {
        starts[i] = i == axis ? sni_sym_add_i(graph->sym, type.dims[i], -1) : sni_sym_const(graph->sym, 0);
        steps[i] = sni_sym_const(graph->sym, i == axis ? -1 : 1);
    }
    return sni_make_slice(graph, x, starts, steps, type.dims);
}

uint32_t sni_grad_wrapped(sinter_graph *graph, uint32_t indices, sni_expr size) {
    uint32_t zero = sni_make_scalar(graph, SINTER_I64, 0), count = sni_make_expr(graph, size, SINTER_I64);
    uint32_t last = sni_make_expr(graph, sni_sym_add_i(graph->sym, size, -1), SINTER_I64);
    indices = sni_make_cast(graph, indices, SINTER_I64);
    uint32_t from_end = sni_make_binary(graph, "lt", indices, zero);
    indices = sni_make_where(graph, from_end, sni_make_binary(graph, "add", indices, count), indices);
    indices = sni_make_binary(graph, "max", sni_make_binary(graph, "min", indices, last), zero);
    return sni_make_cast(graph, indices, SINTER_I32);
}

uint32_t sni_grad_scatter(sinter_graph *graph, uint32_t g, uint32_t indices, int axis, sni_expr size) {
    sni_type type = sni_make_type(graph, g);
    uint32_t hits = sni_make_binary(graph, "eq", sni_make_iota(graph, size, 1, SINTER_I32), indices);
    hits = sni_make_cast(graph, hits, type.dtype);
    /* Without what stands before the axis the product is of two matrices, which more strategies take. */
    sni_expr outer = sni_make_product(graph, type.dims, 0, axis);
    sni_expr inner = sni_make_product(graph, type.dims, axis + 1, type.rank);
    bool alone = sni_sym_is(graph->sym, outer, 1);
    sni_expr dims[3] = {outer, type.dims[axis], inner};
    g = sni_make_reshape(graph, g, alone ? 2 : 3, alone ? dims + 1 : dims);
    g = sni_make_binary(graph, "matmul", hits, g);
    type.dims[axis] = size;
    return sni_make_reshape(graph, g, type.rank, type.dims);
}
