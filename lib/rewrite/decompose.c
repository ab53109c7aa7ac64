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

bool sni_decompose_node(sinter_graph *graph, const sni_node *node, const sni_type *out, const uint32_t *ins,
                        uint32_t *out_value) {
    sni_composite c = {.graph = graph, .node = node, .out = *out};
    for (int i = 0; i < node->in_count && i < 5; ++i) c.in[i] = ins[i];
    for (size_t i = 0; i < sizeof composites / sizeof *composites; ++i)
        if (strcmp(composites[i].name, node->op->name) == 0) {
            *out_value = composites[i].build(&c);
            return *out_value != 0;
        }
    sni_graph_fail(graph, SINTER_UNSUPPORTED, "%s: nothing is known that replaces it", node->op->name);
    *out_value = 0;
    return false;
}

static bool decompose(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    if (node->op->kind != SNI_OP_COMPOSITE) return false;
    (void)sni_decompose_node(rewriter->graph, node, &rewriter->old->values[node->out[0]].type, ins, outs);
    return true;
}

sinter_status sni_pass_decompose(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "decompose", decompose, NULL, out_graph);
}
