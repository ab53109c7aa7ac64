/* Chunks of logits: of rows for the loss and the gradient of x, of classes for the gradient of the weight. */
#include "rewrite/linear_loss.h"

static int chunks_of(const sinter_graph *graph, sni_expr size, int64_t most) {
    int64_t known;
    if (!sni_sym_is_const(graph->sym, size, &known) || known < 1) return 1;
    return (int)(known < most ? known : most);
}

bool sni_linear_loss_begin(sni_linear_loss *l, sinter_graph *graph, const sni_node *node, const uint32_t *ins) {
    int64_t chunks = node->attrs[SNI_LINEAR_CROSS_ENTROPY_CHUNKS].i;
    sni_type x = sni_make_type(graph, ins[0]), weight = sni_make_type(graph, ins[1]);
    sni_expr rows = sni_make_product(graph, x.dims, 0, x.rank - 1);
    *l = (sni_linear_loss){.graph = graph, .weight = ins[1], .rows = rows, .in = weight.dims[0]};
    l->classes = weight.dims[1];
    l->x = sni_make_reshape(graph, ins[0], 2, (sni_expr[2]){rows, l->in});
    l->labels = sni_make_reshape(graph, ins[2], 1, &rows);
    l->row_chunks = chunks_of(graph, rows, chunks);
    l->class_chunks = chunks_of(graph, l->classes, chunks);
    l->parts = sni_calloc((size_t)chunks, sizeof *l->parts);
    if (!l->parts) sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "linear_cross_entropy: out of host memory");
    return l->parts && l->x && l->labels;
}

void sni_linear_loss_end(sni_linear_loss *l) {
    sni_free(l->parts);
    l->parts = NULL;
}

/* Chunk i of count along an axis of a value; sets *out_first to where it begins. */
static uint32_t chunk(const sni_linear_loss *l, uint32_t value, int axis, int i, int count, int64_t *out_first) {
    sinter_graph *graph = l->graph;
    sni_type type = sni_make_type(graph, value);
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    int64_t size = 0;
    *out_first = 0;
    if (count == 1 || !value || !sni_sym_is_const(graph->sym, type.dims[axis], &size)) return value;
    *out_first = size * i / count;
    for (int d = 0; d < type.rank; ++d) {
        starts[d] = sni_sym_const(graph->sym, d == axis ? *out_first : 0);
        steps[d] = sni_sym_const(graph->sym, 1);
    }
    type.dims[axis] = sni_sym_const(graph->sym, size * (i + 1) / count - *out_first);
    return sni_make_slice(graph, value, starts, steps, type.dims);
}

uint32_t sni_linear_loss_rows(const sni_linear_loss *l, uint32_t value, int i) {
    int64_t first;
    return sni_linear_loss_stored(l, chunk(l, value, 0, i, l->row_chunks, &first));
}

/* Kernels that read a value in common, or whose results go to the same one, would share a launch, and then the logits of all of their
 * chunks would have to be there at once. */
uint32_t sni_linear_loss_stored(const sni_linear_loss *l, uint32_t value) {
    return l->row_chunks > 1 ? sni_make_unary(l->graph, "materialize", value) : value;
}

/* The rows' own vectors are few bytes, but x is read where it is. */
static uint32_t x_rows(const sni_linear_loss *l, int i) {
    int64_t first;
    return chunk(l, l->x, 0, i, l->row_chunks, &first);
}

uint32_t sni_linear_loss_logits(const sni_linear_loss *l, int i) {
    return sni_make_binary(l->graph, "matmul", x_rows(l, i), l->weight);
}

uint32_t sni_linear_loss_class_logits(const sni_linear_loss *l, int i, int64_t *out_first) {
    return sni_make_binary(l->graph, "matmul", l->x, chunk(l, l->weight, 1, i, l->class_chunks, out_first));
}

uint32_t sni_linear_loss_joined(const sni_linear_loss *l, int count, int axis) {
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_CONCAT_AXIS] = sni_attr_int(axis)};
    for (int i = 0; i < count; ++i)
        if (!l->parts[i]) return 0;
    return count == 1 ? l->parts[0] : sni_graph_add1(l->graph, "concat", count, l->parts, attrs);
}
