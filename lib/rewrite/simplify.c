/* Local simplifications: what a node computes is there already, or simpler to have. */
#include "rewrite/simplify.h"

#include <string.h>

#include "rewrite/pass.h"

const sni_node *sni_simplify_producer(const sni_simplify *s, uint32_t value, const char *op) {
    const sni_value *found = sni_graph_value(s->graph, value);
    if (!found || found->producer < 0) return NULL;
    const sni_node *node = &s->graph->nodes[found->producer];
    return strcmp(node->op->name, op) == 0 ? node : NULL;
}

uint32_t sni_simplify_keep(const sni_simplify *s, uint32_t value) {
    sni_type type = sni_make_type(s->graph, value);
    if (type.dtype != s->out.dtype || type.rank != s->out.rank) return 0;
    for (int i = 0; i < type.rank; ++i)
        if (type.dims[i] != s->out.dims[i]) return 0;
    return value;
}

uint32_t sni_simplify_by_rule(const sni_simplify *s, const sni_simplify_rule *rules, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (strcmp(rules[i].op, s->node->op->name) == 0) return rules[i].apply(s);
    return 0;
}

/* Sums of one product each: columns times rows, as rotary embeddings have them. */
static uint32_t simplify_contract(const sni_simplify *s) {
    sni_type a = sni_make_type(s->graph, s->ins[0]);
    if (!sni_sym_is(s->graph->sym, a.dims[a.rank - 1], 1)) return 0;
    sni_type b = sni_make_type(s->graph, s->ins[1]);
    if (!sni_sym_is(s->graph->sym, b.dims[b.rank - 2], 1)) return 0;
    return sni_make_binary(s->graph, "mul", s->ins[0], s->ins[1]);
}

static bool simplify(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    if (node->out_count != 1) return false;
    sni_simplify s = {rewriter->graph, node, ins, rewriter->old->values[node->out[0]].type};
    switch (node->op->kind) {
    case SNI_OP_ELEMENTWISE:
    case SNI_OP_CAST:
        outs[0] = sni_simplify_scalar(&s);
        break;
    case SNI_OP_VIEW:
    case SNI_OP_REDUCE:
        outs[0] = sni_simplify_view(&s);
        break;
    case SNI_OP_CONTRACT:
        outs[0] = simplify_contract(&s);
        break;
    default:
        break;
    }
    return outs[0] != 0;
}

sinter_status sni_pass_simplify(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "simplify", simplify, NULL, out_graph);
}
