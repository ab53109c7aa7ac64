/* The last pass before fusing: every graph output gets a node that computes it. */
#include "fuse/fuse.h"
#include "rewrite/pass.h"

static bool copy_all(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    (void)rewriter;
    (void)node;
    (void)ins;
    (void)outs;
    return false;
}

/* A state's newest value stays what the writes made it; other outputs with that value are copies. */
static void name_states(const sinter_graph *g, bool *named) {
    for (size_t o = 0; o < g->output_count; ++o)
        if (g->outputs[o].state) named[g->outputs[o].value] = true;
}

/* Gives the outputs of g nodes of their own; named[value] says whether an output is that value already. */
static sinter_status name_outputs(sinter_graph *g, bool *named) {
    name_states(g, named);
    for (size_t o = 0; o < g->output_count; ++o) {
        if (g->outputs[o].state) continue;
        uint32_t in = g->outputs[o].value;
        bool taken = named[in];
        named[in] = true;
        if (!taken && g->values[in].producer >= 0) continue;
        const sni_type type = g->values[in].type;
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(g, type.rank, type.dims)};
        g->outputs[o].value = sni_graph_add1(g, "reshape", 1, &in, attrs);
        SNI_TRY(sinter_graph_status(g));
    }
    return SINTER_OK;
}

sinter_status sni_fuse_prepare(const sinter_graph *graph, sinter_graph **out_graph) {
    SNI_TRY(sni_pass_run(graph, "prepare", copy_all, NULL, out_graph));
    bool *named = sni_calloc((*out_graph)->value_count, sizeof *named);
    sinter_status status = named ? name_outputs(*out_graph, named) : sni_out_of_memory("a pass");
    sni_free(named);
    if (status == SINTER_OK) return SINTER_OK;
    sinter_graph_release(*out_graph);
    *out_graph = NULL;
    return status;
}
