/* Constant folding: nodes whose inputs are all constants are computed here and now by the reference evaluator. */
#include <string.h>

#include "graph/reference.h"
#include "rewrite/pass.h"

#define MAX_ELEMENTS (1 << 20) /* of the result */
#define MAX_INPUT_ELEMENTS (1 << 22)
#define MAX_PRODUCTS 10000000.0     /* of a matmul */
#define SMALL_BYTES 4096            /* a constant of this size is never too much */
#define LARGE_VIEW_BYTES (64 << 10) /* a view of more than this stays a view */

static bool shape_of(const sni_sym *sym, const sni_type *type, int64_t *dims, int64_t *out_count) {
    *out_count = 1;
    for (int i = 0; i < type->rank; ++i) {
        if (!sni_sym_is_const(sym, type->dims[i], &dims[i])) return false;
        if (!sni_mul_i64(*out_count, dims[i], out_count)) return false;
    }
    return true;
}

static bool constant_attrs(const sni_sym *sym, const sni_node *node) {
    for (int a = 0; a < SNI_MAX_ATTRS; ++a)
        for (int i = 0; i < node->attrs[a].count; ++i)
            if (!sni_sym_is_const(sym, node->attrs[a].exprs[i], NULL)) return false;
    return true;
}

/* Elements and bytes of the inputs; false when one is no constant. */
static bool constant_inputs(const sinter_graph *graph, const sni_node *node, const uint32_t *ins, int64_t *out_elements,
                            int64_t *out_bytes) {
    *out_elements = *out_bytes = 0;
    for (int i = 0; i < node->in_count; ++i) {
        const sni_value *value = sni_graph_value(graph, ins[i]);
        if (!value) continue;
        if (!value->blob) return false;
        int64_t bytes = (int64_t)sni_blob_size(value->blob);
        *out_bytes += bytes;
        *out_elements += bytes / (int64_t)sinter_dtype_size(value->type.dtype);
    }
    return true;
}

static bool too_much_work(const sinter_graph *graph, const sni_node *node, const uint32_t *ins, int64_t count) {
    if (node->op->kind != SNI_OP_CONTRACT) return false;
    const sni_type *a = &graph->values[ins[0]].type;
    int64_t inner = 0;
    sni_sym_is_const(graph->sym, a->dims[a->rank - 1], &inner);
    return (double)count * (double)inner > MAX_PRODUCTS;
}

/* Should the node become a constant? Composites wait for their parts; what a device computes from
 * coordinates, or from fewer bytes than the result has, is left to it. */
static bool worth_folding(const sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins) {
    const sinter_graph *graph = rewriter->graph;
    const sni_type *type = &rewriter->old->values[node->out[0]].type;
    int64_t dims[SINTER_MAX_RANK], count = 0, elements = 0, bytes = 0;
    if (node->in_count == 0 || node->out_count != 1 || !node->op->reference || node->op->kind == SNI_OP_COMPOSITE ||
        !constant_attrs(graph->sym, node))
        return false;
    if (!constant_inputs(graph, node, ins, &elements, &bytes)) return false;
    if (!shape_of(graph->sym, type, dims, &count)) return false;
    int64_t size = count * (int64_t)sinter_dtype_size(type->dtype);
    if (count > MAX_ELEMENTS || elements > MAX_INPUT_ELEMENTS) return false;
    if (size > SMALL_BYTES && size / 16 > bytes) return false;
    if (node->op->kind == SNI_OP_VIEW && size > LARGE_VIEW_BYTES) return false;
    if (node->op->kind == SNI_OP_CAST && size > LARGE_VIEW_BYTES && size > bytes) return false;
    return !too_much_work(graph, node, ins, count);
}

static sinter_status load(const sinter_graph *graph, uint32_t id, sni_ref_tensor **out) {
    const sni_value *value = &graph->values[id];
    int64_t dims[SINTER_MAX_RANK], count = 0;
    if (!shape_of(graph->sym, &value->type, dims, &count))
        return sni_fail(SINTER_INTERNAL, "a constant has a symbolic shape");
    SNI_TRY(sni_ref_tensor_create(value->type.dtype, value->type.rank, dims, out));
    sni_ref_tensor_load(*out, sni_blob_data(value->blob));
    return SINTER_OK;
}

static sinter_status store(sinter_graph *graph, const sni_type *type, const sni_ref_tensor *tensor, uint32_t *out) {
    size_t size = (size_t)tensor->count * sinter_dtype_size(tensor->dtype);
    void *data = sni_malloc(size);
    if (!data) return sni_out_of_memory("a folded constant");
    sni_ref_tensor_store(tensor, data);
    *out = sni_graph_add_constant(graph, type, sni_blob_copy(data, size));
    sni_free(data);
    return SINTER_OK;
}

static sinter_status evaluate(const sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins,
                              sni_ref_tensor **tensors, uint32_t *out) {
    sni_bindings none = {0};
    sni_ref_tensor *result = NULL;
    for (int i = 0; i < node->in_count; ++i)
        if (ins[i] != 0) SNI_TRY(load(rewriter->graph, ins[i], &tensors[i]));
    SNI_TRY(sni_reference_node(rewriter->old, node, (const sni_ref_tensor *const *)tensors, &none, &result));
    sinter_status status = store(rewriter->graph, &rewriter->old->values[node->out[0]].type, result, out);
    sni_ref_tensor_release(result);
    return status;
}

static bool fold(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    if (!worth_folding(rewriter, node, ins)) return false;
    sni_ref_tensor **tensors = sni_calloc((size_t)node->in_count, sizeof *tensors);
    sinter_status status =
        tensors ? evaluate(rewriter, node, ins, tensors, outs) : sni_out_of_memory("constant folding");
    for (int i = 0; tensors && i < node->in_count; ++i) sni_ref_tensor_release(tensors[i]);
    sni_free(tensors);
    if (status == SINTER_OUT_OF_MEMORY) sni_graph_fail(rewriter->graph, status, "%s", sinter_last_error());
    /* What the evaluator refuses is left for the device to refuse, if it is ever run. */
    return status == SINTER_OK || status == SINTER_OUT_OF_MEMORY;
}

sinter_status sni_pass_fold(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "fold", fold, NULL, out_graph);
}
