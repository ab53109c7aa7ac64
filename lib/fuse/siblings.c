/* Kernels that share a launch: groups that read the same value and have as many elements, but nothing of each other. */
#include "fuse/fuser.h"

/* The groups of one value's readers, in the order of their nodes. */
typedef struct readers {
    int *start, *nodes; /* value -> nodes that read it */
} readers;

static bool collect(const sni_fuser *f, readers *r) {
    size_t values = f->graph->value_count + 1, edges = 0;
    for (size_t n = 0; n < f->graph->node_count; ++n) edges += (size_t)f->graph->nodes[n].in_count;
    r->start = sni_calloc(values + 1, sizeof *r->start);
    r->nodes = sni_malloc((edges + 1) * sizeof *r->nodes);
    if (!r->start || !r->nodes) return false;
    for (size_t n = 0; n < f->graph->node_count; ++n)
        for (int i = 0; i < f->graph->nodes[n].in_count; ++i) ++r->start[f->graph->nodes[n].in[i] + 2];
    for (size_t v = 2; v <= values; ++v) r->start[v] += r->start[v - 1];
    for (size_t n = 0; n < f->graph->node_count; ++n)
        for (int i = 0; i < f->graph->nodes[n].in_count; ++i)
            r->nodes[r->start[f->graph->nodes[n].in[i] + 1]++] = (int)n;
    return true;
}

static sni_expr size_of(const sni_fuser *f, int node) {
    return sni_type_count(f->graph->sym, &sni_graph_value(f->graph, f->graph->nodes[node].out[0])->type);
}

static bool may_share(sni_fuser *f, int a, int b) {
    unsigned x = sni_fuser_facts(f, f->groups.of[a])->kinds, y = sni_fuser_facts(f, f->groups.of[b])->kinds;
    unsigned alone = 1u << SNI_OP_CONTRACT | 1u << SNI_OP_STORE;
    return !((x | y) & alone) && size_of(f, a) == size_of(f, b);
}

/* Each reader is tried with the one before it. */
static bool join_readers(sni_fuser *f, const int *nodes, int count) {
    int last = -1;
    for (int i = 0; i < count; ++i) {
        if (f->is_free[nodes[i]]) continue;
        int before = last, set[2] = {0, f->groups.of[nodes[i]]}, joined;
        last = nodes[i];
        if (before < 0 || (set[0] = f->groups.of[before]) == set[1] || !may_share(f, before, nodes[i])) continue;
        if (!sni_fuser_join(f, set, 2, &joined) && joined < 0) return false;
    }
    return true;
}

bool sni_fuser_join_siblings(sni_fuser *f) {
    readers r = {0};
    bool ok = collect(f, &r);
    for (size_t v = 1; v < f->graph->value_count && ok; ++v)
        if (!f->graph->values[v].blob) ok = join_readers(f, r.nodes + r.start[v], r.start[v + 1] - r.start[v]);
    sni_free(r.start);
    sni_free(r.nodes);
    return ok;
}
