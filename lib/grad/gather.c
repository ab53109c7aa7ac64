/* Gathers: an element that was read several times gets the sum. Every place looks at the indices that may name it, so no
 * atomic operation is needed and sums have one order. */
#include "grad/rule.h"

static uint32_t flat(sinter_graph *graph, uint32_t x) {
    sni_type type = sni_make_type(graph, x);
    sni_expr count = sni_make_product(graph, type.dims, 0, type.rank);
    return sni_make_reshape(graph, x, 1, &count);
}

static void gather(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type data = sni_make_type(graph, node->in[0]), out = sni_make_type(graph, g);
    int axis = sni_axis(node->attrs[SNI_GATHER_AXIS].i, data.rank), index_rank = out.rank - data.rank + 1;
    sni_expr dims[3] = {sni_make_product(graph, data.dims, 0, axis),
                        sni_make_product(graph, out.dims, axis, axis + index_rank),
                        sni_make_product(graph, data.dims, axis + 1, data.rank)};
    uint32_t places = sni_grad_wrapped(graph, flat(graph, node->in[1]), data.dims[axis]);
    g = sni_grad_scatter(graph, sni_make_reshape(graph, g, 3, dims), places, 1, data.dims[axis]);
    sni_grad_add_reshaped(grad, node->in[0], g);
}

/* x with dimensions other than axis as long as those of type. */
static uint32_t pad_to(sinter_graph *graph, uint32_t x, const sni_type *type, int axis, double value) {
    sni_type have = sni_make_type(graph, x);
    sni_expr low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
    for (int i = 0; i < type->rank; ++i) {
        low[i] = high[i] = sni_sym_const(graph->sym, 0);
        if (i != axis) high[i] = sni_sym_sub(graph->sym, type->dims[i], have.dims[i]);
    }
    return sni_make_pad(graph, x, low, high, value);
}

static void gather_elements(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type data = sni_make_type(graph, node->in[0]);
    int axis = sni_axis(node->attrs[SNI_GATHER_AXIS].i, data.rank);
    uint32_t zero = sni_make_scalar(graph, sni_make_type(graph, g).dtype, 0);
    uint32_t places = pad_to(graph, sni_grad_wrapped(graph, node->in[1], data.dims[axis]), &data, axis, -1);
    uint32_t here = sni_make_iota(graph, data.dims[axis], data.rank - 1 - axis, SINTER_I32);
    g = pad_to(graph, g, &data, axis, 0);
    if (sni_sym_is(graph->sym, sni_make_type(graph, g).dims[axis], 1)) { /* one element a row, as losses pick it */
        g = sni_make_where(graph, sni_make_binary(graph, "eq", here, places), g, zero);
        sni_grad_add_reshaped(grad, node->in[0], g);
        return;
    }
    /* [outer, 1, picked, inner] against the places [size, 1, 1]. */
    sni_type rows = sni_make_type(graph, g = sni_grad_rows(graph, g, axis));
    sni_expr split[4] = {rows.dims[0], sni_sym_const(graph->sym, 1), rows.dims[1], rows.dims[2]};
    here = sni_make_iota(graph, data.dims[axis], 2, SINTER_I32);
    places = sni_make_reshape(graph, places, 4, split);
    g = sni_make_where(graph, sni_make_binary(graph, "eq", here, places), sni_make_reshape(graph, g, 4, split), zero);
    g = sni_make_reduce(graph, "reduce_sum", sni_make_wide(graph, g), 1u << 2, false);
    sni_grad_add_reshaped(grad, node->in[0], g);
}

/* The rows that tuples [batch, n, depth] of indices name in data seen as [batch, rows, inner]: [batch, n]. */
static uint32_t row_numbers(sinter_graph *graph, uint32_t tuples, const sni_type *data, int batch, int depth) {
    sni_sym *sym = graph->sym;
    sni_type type = sni_make_type(graph, tuples);
    sni_expr one = sni_sym_const(sym, 1), zero = sni_sym_const(sym, 0);
    uint32_t rows = 0;
    for (int k = 0; k < depth; ++k) {
        sni_expr starts[3] = {zero, zero, sni_sym_const(sym, k)}, steps[3] = {one, one, one};
        sni_expr sizes[3] = {type.dims[0], type.dims[1], one}, size = data->dims[batch + k];
        uint32_t at = sni_make_reshape(graph, sni_make_slice(graph, tuples, starts, steps, sizes), 2, type.dims);
        at = sni_grad_wrapped(graph, at, size);
        if (rows) rows = sni_make_binary(graph, "mul", rows, sni_make_expr(graph, size, SINTER_I32));
        rows = rows ? sni_make_binary(graph, "add", rows, at) : at;
    }
    return rows;
}

static void gather_nd(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = sni_grad_graph(grad);
    sni_type data = sni_make_type(graph, node->in[0]), index = sni_make_type(graph, node->in[1]);
    int batch = (int)node->attrs[SNI_GATHER_ND_BATCH_DIMS].i;
    int64_t depth = 0;
    if (!sni_sym_is_const(graph->sym, index.dims[index.rank - 1], &depth)) return; /* the shape rule has seen it */
    sni_expr batches = sni_make_product(graph, index.dims, 0, batch);
    sni_expr count = sni_make_product(graph, index.dims, batch, index.rank - 1);
    sni_expr rows = sni_make_product(graph, data.dims, batch, batch + (int)depth);
    sni_expr inner = sni_make_product(graph, data.dims, batch + (int)depth, data.rank);
    sni_expr tuples[3] = {batches, count, index.dims[index.rank - 1]}, picked[3] = {batches, count, inner};
    sni_expr beside[3] = {batches, sni_sym_const(graph->sym, 1), count};
    uint32_t numbers = row_numbers(graph, sni_make_reshape(graph, node->in[1], 3, tuples), &data, batch, (int)depth);
    uint32_t hits = sni_make_binary(graph, "eq", sni_make_iota(graph, rows, 1, SINTER_I32),
                                    sni_make_reshape(graph, numbers, 3, beside));
    hits = sni_make_cast(graph, hits, data.dtype);
    g = sni_make_binary(graph, "matmul", hits, sni_make_reshape(graph, g, 3, picked));
    sni_grad_add_reshaped(grad, node->in[0], g);
}

const sni_grad_entry sni_grad_gather[] = {
    {"gather", gather}, {"gather_elements", gather_elements}, {"gather_nd", gather_nd}, {NULL, NULL}};
