/* The driver of passes: walks the live nodes of one graph and builds another. */
#include "rewrite/pass.h"

#include <string.h>

/* What one run works on. The arrays belong to the run. */
typedef struct run {
    sni_rewriter rewriter;
    sni_rewrite_fn rewrite;
    uint32_t *map;   /* old value -> new value */
    bool *live;      /* by old node: does an output need it? */
    uint32_t *first; /* by old node: how many new nodes there were before it */
    uint32_t *ins;   /* of the node at hand, translated */
} run;

static void release(run *r) {
    sni_free(r->map);
    sni_free(r->live);
    sni_free(r->first);
    sni_free(r->ins);
}

/* Marks nodes from the outputs backwards; nodes are in topological order, so one walk is enough. Gives a mark for
 * every node, which the caller frees; NULL when memory is out. */
static bool *find_live(const sinter_graph *graph) {
    bool *needed = sni_calloc(graph->value_count, sizeof *needed);
    bool *live = sni_calloc(graph->node_count + 1, sizeof *live);
    for (size_t o = 0; needed && o < graph->output_count; ++o) needed[graph->outputs[o].value] = true;
    for (size_t n = graph->node_count; needed && live && n-- > 0;) {
        const sni_node *node = &graph->nodes[n];
        for (int o = 0; o < node->out_count; ++o) live[n] |= needed[node->out[o]];
        for (int i = 0; live[n] && i < node->in_count; ++i) needed[node->in[i]] = true;
    }
    if (!needed) {
        sni_free(live);
        live = NULL;
    }
    sni_free(needed);
    return live;
}

static sinter_status start(run *r, const sinter_graph *old, void *state) {
    size_t most = 1;
    for (size_t n = 0; n < old->node_count; ++n)
        if ((size_t)old->nodes[n].in_count > most) most = (size_t)old->nodes[n].in_count;
    r->map = sni_calloc(old->value_count, sizeof *r->map);
    r->live = find_live(old);
    r->first = sni_calloc(old->node_count + 1, sizeof *r->first);
    r->ins = sni_calloc(most, sizeof *r->ins);
    r->rewriter.old = old;
    r->rewriter.map = r->map;
    r->rewriter.state = state;
    if (!r->map || !r->live || !r->first || !r->ins) return sni_out_of_memory("a pass");
    return sni_graph_create_like(old, &r->rewriter.graph);
}

/* Inputs stay in their order, used or not: they are the graph's interface. */
static void copy_inputs(run *r) {
    const sinter_graph *old = r->rewriter.old;
    for (size_t i = 0; i < old->input_count; ++i) {
        uint32_t id = old->inputs[i].value;
        r->map[id] = sni_graph_add_input(r->rewriter.graph, old->inputs[i].name, &old->values[id].type);
        if (!r->map[id]) return;
        r->rewriter.graph->inputs[i].state = old->inputs[i].state;
        r->rewriter.graph->inputs[i].initial = sni_blob_retain(old->inputs[i].initial);
    }
}

/* The new id of an old value; constants come over when something uses them. */
static uint32_t translate(run *r, uint32_t id) {
    const sni_value *value = &r->rewriter.old->values[id];
    if (id != 0 && r->map[id] == 0 && value->blob)
        r->map[id] = sni_graph_add_constant(r->rewriter.graph, &value->type, sni_blob_retain(value->blob));
    return r->map[id];
}

/* A replacement has the type of what it replaces, or a pass is wrong. */
static void check_replacement(run *r, const sni_node *node, const uint32_t *outs) {
    for (int o = 0; o < node->out_count; ++o) {
        const sni_value *after = sni_graph_value(r->rewriter.graph, outs[o]);
        const sni_type *before = &r->rewriter.old->values[node->out[o]].type;
        if (after && (after->type.dtype != before->dtype || after->type.rank != before->rank))
            sni_graph_fail(r->rewriter.graph, SINTER_INTERNAL, "%s was replaced by a value of another type",
                           node->op->name);
        else if (!after)
            sni_graph_fail(r->rewriter.graph, SINTER_INTERNAL, "%s was replaced by nothing", node->op->name);
    }
}

static void visit(run *r, const sni_node *node) {
    sinter_graph *graph = r->rewriter.graph;
    uint32_t outs[SNI_MAX_OUTPUTS] = {0};
    for (int i = 0; i < node->in_count; ++i) r->ins[i] = translate(r, node->in[i]);
    sni_graph_set_name(graph, node->name);
    graph->pending_origin = node->origin;
    if (graph->status == SINTER_OK && !r->rewrite(&r->rewriter, node, r->ins, outs))
        sni_graph_add(graph, node->op, node->in_count, r->ins, node->attrs, node->out_count, outs);
    if (graph->status == SINTER_OK) check_replacement(r, node, outs);
    for (int o = 0; o < node->out_count; ++o) r->map[node->out[o]] = outs[o];
}

/* Conditions of nodes that were simplified away still hold for what took their place. */
static sinter_status copy_checks(run *r) {
    const sinter_graph *old = r->rewriter.old;
    sinter_graph *graph = r->rewriter.graph;
    for (size_t c = 0; c < old->check_count && graph->node_count > 0; ++c) {
        sni_check check = old->checks[c];
        if (!r->live[check.node]) continue;
        check.node = r->first[check.node];
        if (check.node >= graph->node_count) check.node = (uint32_t)graph->node_count - 1;
        if (!sni_graph_add_check(graph, &check)) return sni_out_of_memory("a pass");
    }
    return SINTER_OK;
}

/* What is needed no more after this pass goes with the next one. Its conditions must not go with it, so they move
 * to a node that stays. */
static sinter_status move_checks(sinter_graph *graph) {
    bool *live = find_live(graph);
    uint32_t *stays = sni_calloc(graph->node_count + 1, sizeof *stays), last = 0;
    for (size_t n = 0; live && stays && n < graph->node_count; ++n)
        if (live[n]) last = (uint32_t)n;
    for (size_t n = graph->node_count; live && stays && n-- > 0;) {
        if (live[n]) last = (uint32_t)n;
        stays[n] = last;
    }
    for (size_t c = 0; live && stays && c < graph->check_count; ++c)
        graph->checks[c].node = stays[graph->checks[c].node];
    sinter_status status = live && stays ? SINTER_OK : sni_out_of_memory("a pass");
    sni_free(live);
    sni_free(stays);
    return status;
}

static sinter_status run_pass(run *r, const sinter_graph *old, void *state) {
    SNI_TRY(start(r, old, state));
    sinter_graph *graph = r->rewriter.graph;
    copy_inputs(r);
    for (size_t n = 0; n < old->node_count && graph->status == SINTER_OK; ++n) {
        r->first[n] = (uint32_t)graph->node_count;
        if (r->live[n]) visit(r, &old->nodes[n]);
    }
    sni_graph_set_name(graph, NULL);
    graph->pending_origin = SNI_NO_ORIGIN;
    for (size_t o = 0; o < old->output_count && graph->status == SINTER_OK; ++o) {
        uint32_t id = translate(r, old->outputs[o].value);
        sinter_output(graph, old->outputs[o].name, (sinter_value){id});
        if (graph->status != SINTER_OK) break;
        graph->outputs[o].state = old->outputs[o].state;
        graph->outputs[o].axis = old->outputs[o].axis;
        if (old->outputs[o].extent) graph->outputs[o].extent = sni_arena_strdup(graph->arena, old->outputs[o].extent);
    }
    SNI_TRY(sinter_graph_status(graph));
    SNI_TRY(copy_checks(r));
    return move_checks(graph);
}

sinter_status sni_pass_run(const sinter_graph *graph, const char *name, sni_rewrite_fn rewrite, void *state,
                           sinter_graph **out_graph) {
    run r = {.rewrite = rewrite};
    *out_graph = NULL;
    SNI_TRY(sinter_graph_status(graph));
    sinter_status status = run_pass(&r, graph, state);
    if (status == SINTER_OK)
        *out_graph = r.rewriter.graph;
    else
        sinter_graph_release(r.rewriter.graph);
    release(&r);
    if (status == SINTER_OK) sni_graph_dump(*out_graph, name);
    return status == SINTER_OK ? SINTER_OK : sni_fail_in(status, "rewriting (%s)", name);
}
