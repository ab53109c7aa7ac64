/* The fuser: greedy, in topological order. A node joins the kernel of a value it reads when the merged loop program
 * can be built, no other kernel would have to run in between, and the cost model predicts that it is faster.
 * Views (and casts that widen) belong to every kernel that reads through them. */
#include "fuse/fuse.h"

#include "fuse/free.h"
#include "fuse/fuser.h"

/* Puts a node into the kernels that its operands come from, the latest one first: its values have been in memory for the
 * shortest time. */
static bool place_node(sni_fuser *f, sni_ints *tried, int node) {
    const sni_groups *g = &f->groups;
    tried->count = 0;
    for (int e = g->dep_start[node]; e < g->dep_start[node + 1]; ++e) {
        int target = g->of[g->deps[e]];
        bool known = target == g->of[node];
        for (size_t i = 0; i < tried->count && !known; ++i) known = tried->items[i] == target;
        if (known) continue;
        int set[2] = {target, g->of[node]}, joined;
        if (!sni_ints_push(tried, target)) return false;
        const char *why = sni_fuser_join(f, set, 2, &joined);
        if (why)
            sni_fuser_note_end(f, node, target, why);
        else if (joined < 0)
            return false;
    }
    return f->graph->nodes[node].op->kind != SNI_OP_CONTRACT || sni_fuser_place_product(f, node);
}

static bool place_all(sni_fuser *f) {
    sni_ints tried = {0};
    bool ok = true;
    for (int n = 0; n < f->groups.node_count && ok; ++n)
        if (!f->is_free[n]) ok = place_node(f, &tried, n);
    sni_free(tried.items);
    return ok && sni_fuser_join_siblings(f);
}

static void mark_outputs(sni_fuser *f) {
    for (size_t o = 0; o < f->graph->output_count; ++o) {
        int producer = sni_graph_value(f->graph, f->graph->outputs[o].value)->producer;
        if (producer >= 0) f->is_output[producer] = true;
    }
}

static sinter_status fuse_all(sni_fuser *f, sni_group **out_groups, size_t *out_count) {
    size_t n = f->graph->node_count + 1;
    f->is_free = sni_calloc(n, sizeof *f->is_free);
    f->is_output = sni_calloc(n, sizeof *f->is_output);
    f->members = sni_calloc(n, sizeof *f->members);
    f->depth = sni_calloc(n, sizeof *f->depth);
    f->facts = sni_calloc(n, sizeof *f->facts);
    f->value_mark = sni_calloc(f->graph->value_count + 1, sizeof *f->value_mark);
    if (!f->is_free || !f->is_output || !f->members || !f->depth || !f->facts || !f->value_mark)
        return sni_out_of_memory("the fuser");
    mark_outputs(f);
    if (!f->options->disabled && !sni_fuse_free_nodes(f->graph, f->options, f->is_output, f->is_free))
        return sni_out_of_memory("the fuser");
    for (size_t i = 0; i < f->graph->node_count; ++i) f->members[i] = f->is_free[i];
    if (!sni_groups_init(&f->groups, f->graph, f->is_free) || (!f->options->disabled && !place_all(f)))
        return sni_out_of_memory("the fuser");
    return sni_fuser_finish(f, out_groups, out_count);
}

sinter_status sni_fuse(const sinter_graph *graph, const sni_fuse_options *options, sni_arena *arena,
                       sni_group **out_groups, size_t *out_count) {
    /* What attempts add to the expressions goes into a copy of them: the graph stays as it is. */
    sinter_graph scratch = *graph;
    sni_fuser f = {.graph = &scratch, .options = options, .arena = arena};
    *out_groups = NULL;
    *out_count = 0;
    scratch.sym = sni_sym_clone(graph->sym);
    if (!scratch.sym) return sni_out_of_memory("the fuser");
    sinter_status status = fuse_all(&f, out_groups, out_count);
    sni_sym_release(scratch.sym);
    sni_groups_deinit(&f.groups);
    sni_arena_release(f.scratch);
    sni_free(f.is_free);
    sni_free(f.is_output);
    sni_free(f.members);
    sni_free(f.depth);
    sni_free(f.facts);
    sni_free(f.value_mark);
    sni_free(f.nodes.items);
    sni_free(f.outputs);
    return status;
}
