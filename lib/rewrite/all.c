/* All passes, in order, until nothing changes. */
#include "base/hash.h"
#include "rewrite/pass.h"

typedef sinter_status (*pass_fn)(const sinter_graph *graph, sinter_graph **out_graph);

/* Replaces *graph by what a pass makes of it; owned says whether *graph is ours to release. */
static sinter_status step(pass_fn pass, const sinter_graph **graph, bool *owned) {
    sinter_graph *next = NULL;
    SNI_TRY(pass(*graph, &next));
    if (*owned) sinter_graph_release((sinter_graph *)*graph);
    *graph = next;
    *owned = true;
    return SINTER_OK;
}

/* Equal for graphs with the same nodes: passes number values in the order in which they are used. */
static uint64_t fingerprint(const sinter_graph *graph) {
    uint64_t hash = graph->node_count;
    for (size_t n = 0; n < graph->node_count; ++n) {
        const sni_node *node = &graph->nodes[n];
        hash = sni_hash64_of(&node->op, sizeof node->op, hash);
        hash = sni_hash64_of(node->in, (size_t)node->in_count * sizeof *node->in, hash);
        for (int a = 0; a < SNI_MAX_ATTRS; ++a) {
            const sni_attr *attr = &node->attrs[a];
            hash = sni_hash64_of(&attr->i, sizeof attr->i, hash);
            hash = sni_hash64_of(&attr->f, sizeof attr->f, hash);
            if (attr->count > 0) hash = sni_hash64_of(attr->exprs, (size_t)attr->count * sizeof *attr->exprs, hash);
        }
    }
    return hash;
}

/* One pass opens the way for another: a folded index makes a gather a slice, whose shape is then known. Few rounds are
 * enough; a limit keeps an oscillation, should there be one, from hanging a compile. */
#define MAX_ROUNDS 6

static sinter_status settle(const sinter_graph **graph, bool *owned) {
    static const pass_fn passes[] = {sni_pass_known, sni_pass_fold, sni_pass_simplify, sni_pass_cse};
    for (int round = 0; round < MAX_ROUNDS; ++round) {
        uint64_t before = fingerprint(*graph);
        for (size_t p = 0; p < sizeof passes / sizeof *passes; ++p) SNI_TRY(step(passes[p], graph, owned));
        if (round > 0 && fingerprint(*graph) == before) break;
    }
    return SINTER_OK;
}

sinter_status sni_rewrite_all(const sinter_graph *graph, sinter_graph **out_graph) {
    const sinter_graph *current = graph;
    bool owned = false;
    *out_graph = NULL;
    sinter_status status = step(sni_pass_known, &current, &owned);
    if (status == SINTER_OK) status = step(sni_pass_simplify, &current, &owned);
    if (status == SINTER_OK) status = step(sni_pass_cse, &current, &owned);
    if (status == SINTER_OK) status = step(sni_pass_decompose, &current, &owned);
    if (status == SINTER_OK) status = settle(&current, &owned);
    if (status == SINTER_OK) status = step(sni_pass_merge, &current, &owned);
    if (status == SINTER_OK) status = settle(&current, &owned);
    if (status == SINTER_OK) status = step(sni_pass_split_concat, &current, &owned);
    if (status == SINTER_OK)
        *out_graph = (sinter_graph *)current;
    else if (owned)
        sinter_graph_release((sinter_graph *)current);
    return status;
}
