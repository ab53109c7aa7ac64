/* Composites to primitives. */
#include "rewrite/decompose.h"

#include <string.h>

#include "rewrite/pass.h"

static const struct {
    const char *name;
    sni_decompose_fn build;
} composites[] = {
    {"reduce_mean", sni_decompose_mean},
    {"reduce_l1", sni_decompose_l1},
    {"reduce_l2", sni_decompose_l2},
    {"reduce_log_sum", sni_decompose_log_sum},
    {"reduce_log_sum_exp", sni_decompose_log_sum_exp},
    {"reduce_sum_square", sni_decompose_sum_square},
    {"argmax", sni_decompose_argmax},
    {"argmin", sni_decompose_argmin},
    {"hardmax", sni_decompose_hardmax},
    {"softmax", sni_decompose_softmax},
    {"log_softmax", sni_decompose_log_softmax},
    {"layer_norm", sni_decompose_layer_norm},
    {"rms_norm", sni_decompose_rms_norm},
    {"batch_norm", sni_decompose_batch_norm},
    {"instance_norm", sni_decompose_instance_norm},
    {"group_norm", sni_decompose_group_norm},
    {"lrn", sni_decompose_lrn},
    {"conv", sni_decompose_conv},
    {"conv_transpose", sni_decompose_conv_transpose},
    {"max_pool", sni_decompose_max_pool},
    {"avg_pool", sni_decompose_avg_pool},
    {"gemm", sni_decompose_gemm},
    {"trilu", sni_decompose_trilu},
    {"squeeze", sni_decompose_shape},
    {"unsqueeze", sni_decompose_shape},
    {"flatten", sni_decompose_shape},
    {"resize", sni_decompose_resize},
};

int sni_decompose_axis(const sni_composite *c, int attr, int rank) {
    int64_t axis = c->node->attrs[attr].i;
    return (int)(axis < 0 ? axis + rank : axis);
}

sni_expr sni_decompose_entry(const sni_composite *c, int attr, int index, int64_t preset) {
    const sni_attr *list = &c->node->attrs[attr];
    return index < list->count ? list->exprs[index] : sni_sym_const(c->graph->sym, preset);
}

static bool decompose(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins,
                      uint32_t *outs) {
    if (node->op->kind != SNI_OP_COMPOSITE) return false;
    sni_composite c = {.graph = rewriter->graph, .node = node};
    c.out = rewriter->old->values[node->out[0]].type;
    for (int i = 0; i < node->in_count && i < 5; ++i) c.in[i] = ins[i];
    for (size_t i = 0; i < sizeof composites / sizeof *composites; ++i)
        if (strcmp(composites[i].name, node->op->name) == 0) {
            outs[0] = composites[i].build(&c);
            return true;
        }
    sni_graph_fail(rewriter->graph, SINTER_UNSUPPORTED, "%s: nothing is known that replaces it",
                   node->op->name);
    outs[0] = 0;
    return true;
}

sinter_status sni_pass_decompose(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "decompose", decompose, NULL, out_graph);
}
