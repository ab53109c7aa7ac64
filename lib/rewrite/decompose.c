/* Composites to primitives. */
#include "rewrite/decompose.h"

#include <string.h>

#include "rewrite/pass.h"

static const struct {
    const char *name;
    sni_decompose_fn build;
} composites[] = {
#define SNI_DECOMPOSE(row, function) {#row, sni_decompose_##function},
    SNI_COMPOSITES(SNI_DECOMPOSE)
#undef SNI_DECOMPOSE
};

int sni_decompose_axis(const sni_composite *c, int attr, int rank) {
    return sni_axis(c->node->attrs[attr].i, rank);
}

sni_expr sni_decompose_entry(const sni_composite *c, int attr, int index, int64_t preset) {
    const sni_attr *list = &c->node->attrs[attr];
    return index < list->count ? list->exprs[index] : sni_sym_const(c->graph->sym, preset);
}

static bool decompose(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    if (node->op->kind != SNI_OP_COMPOSITE) return false;
    sni_composite c = {.graph = rewriter->graph, .node = node};
    c.out = rewriter->old->values[node->out[0]].type;
    for (int i = 0; i < node->in_count && i < 5; ++i) c.in[i] = ins[i];
    for (size_t i = 0; i < sizeof composites / sizeof *composites; ++i)
        if (strcmp(composites[i].name, node->op->name) == 0) {
            outs[0] = composites[i].build(&c);
            return true;
        }
    sni_graph_fail(rewriter->graph, SINTER_UNSUPPORTED, "%s: nothing is known that replaces it", node->op->name);
    outs[0] = 0;
    return true;
}

sinter_status sni_pass_decompose(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "decompose", decompose, NULL, out_graph);
}
