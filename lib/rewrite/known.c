/* Host computation of shapes: integers whose elements follow from the dimensions become constants, or `known`
 * nodes, and what computed them goes. */
#include "rewrite/make.h"
#include "rewrite/pass.h"

/* The shape of a type as numbers. */
static bool fixed_shape(const sni_sym *sym, const sni_type *type) {
    for (int i = 0; i < type->rank; ++i)
        if (!sni_sym_is_const(sym, type->dims[i], NULL)) return false;
    return true;
}

static bool all_numbers(const sni_sym *sym, const sni_type *type) {
    for (int64_t i = 0; i < type->element_count; ++i)
        if (!sni_sym_is_const(sym, type->elements[i], NULL)) return false;
    return true;
}

static uint32_t constant_of(sinter_graph *graph, const sni_type *type) {
    size_t size = sinter_dtype_size(type->dtype);
    char *data = sni_calloc((size_t)type->element_count + 1, size);
    if (!data) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return 0;
    }
    for (int64_t i = 0; i < type->element_count; ++i) {
        int64_t number = 0;
        sni_sym_is_const(graph->sym, type->elements[i], &number);
        sni_dtype_store(type->dtype, data, i, 0, number);
    }
    uint32_t id = sni_graph_add_constant(graph, type, sni_blob_copy(data, (size_t)type->element_count * size));
    sni_free(data);
    return id;
}

/* Shapes are short. What is longer is cheaper to compute on the device than to keep as expressions. */
#define MAX_SHAPE_ELEMENTS 64

/* Is the node as simple as this pass can make it? An iota is cheaper than a constant; expressions are kept in
 * `known` nodes, and as another dtype in a cast of one. */
static bool is_final(const sinter_graph *graph, const sni_node *node, bool numbers) {
    bool known = node->op->traits.known_on_host;
    if (node->op->kind == SNI_OP_IOTA && !known) return true;
    if (numbers) return false;
    if (known) return true;
    if (node->op->kind != SNI_OP_CAST) return false;
    int producer = graph->values[node->in[0]].producer;
    return producer >= 0 && graph->nodes[producer].op->traits.known_on_host;
}

static bool rewrite_known(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    (void)ins;
    sinter_graph *graph = rewriter->graph;
    const sni_type *type = &rewriter->old->values[node->out[0]].type;
    if (node->out_count != 1 || !type->elements || !fixed_shape(graph->sym, type)) return false;
    bool numbers = all_numbers(graph->sym, type);
    if (is_final(rewriter->old, node, numbers)) return false;
    if (type->element_count > MAX_SHAPE_ELEMENTS && !node->op->traits.known_on_host) return false;
    if (numbers) {
        outs[0] = constant_of(graph, type);
        return true;
    }
    if (sni_dtype_class_of(type->dtype) != SNI_CLASS_INT) return false;
    outs[0] = sni_graph_add_known(graph, type->rank, type->dims, type->elements, type->element_count);
    outs[0] = sni_make_cast(graph, outs[0], type->dtype);
    return true;
}

sinter_status sni_pass_known(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "known", rewrite_known, NULL, out_graph);
}
