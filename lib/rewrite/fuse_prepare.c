/* The last pass before fusing: every graph output gets a node that computes it. */
#include "rewrite/fuse.h"
#include "rewrite/pass.h"

static bool copy_all(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    (void)rewriter;
    (void)node;
    (void)ins;
    (void)outs;
    return false;
}

static bool needs_node(const sinter_graph *graph, size_t output) {
    const sni_value *v = sni_graph_value(graph, graph->outputs[output].value);
    if (!v || v->producer < 0) return true;
    for (size_t o = 0; o < output; ++o)
        if (graph->outputs[o].value == graph->outputs[output].value) return true;
    return false;
}

sinter_status sni_fuse_prepare(const sinter_graph *graph, sinter_graph **out_graph) {
    SNI_TRY(sni_pass_run(graph, "prepare", copy_all, NULL, out_graph));
    sinter_graph *g = *out_graph;
    sinter_status status = SINTER_OK;
    for (size_t o = 0; o < g->output_count && status == SINTER_OK; ++o) {
        if (!needs_node(g, o)) continue;
        uint32_t in = g->outputs[o].value;
        const sni_type type = sni_graph_value(g, in)->type;
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(g, type.rank, type.dims)};
        g->outputs[o].value = sni_graph_add1(g, "reshape", 1, &in, attrs);
        status = sinter_graph_status(g);
    }
    if (status != SINTER_OK) {
        sinter_graph_release(g);
        *out_graph = NULL;
    }
    return status;
}
