/* Common subexpressions: a node like an earlier one is that one, a constant like an earlier one, too. */
#include <string.h>

#include "base/hash.h"
#include "rewrite/pass.h"

#define MAX_CONSTANT_BYTES (64 << 10) /* larger constants are not compared */

/* A chained table of nodes and one of constants, both of the graph being built. */
typedef struct entry {
    uint64_t hash;
    uint32_t id;   /* node index, or value id of a constant */
    uint32_t next; /* entry, 0 ends */
} entry;

typedef struct table {
    entry *entries; /* 1 .. count-1 */
    size_t count, capacity;
    uint32_t *buckets;
    size_t bucket_count; /* a power of two */
} table;

typedef struct cse {
    table nodes, constants;
    uint32_t *ins;
    size_t in_capacity;
} cse;

static bool table_init(table *t, size_t expected) {
    t->bucket_count = 64;
    while (t->bucket_count < expected) t->bucket_count *= 2;
    t->buckets = sni_calloc(t->bucket_count, sizeof *t->buckets);
    t->count = 1;
    return t->buckets != NULL;
}

static void table_deinit(table *t) {
    sni_free(t->buckets);
    sni_free(t->entries);
}

static bool table_add(table *t, uint64_t hash, uint32_t id) {
    uint32_t *bucket = &t->buckets[hash & (t->bucket_count - 1)];
    if (!SNI_RESERVE(t->entries, t->capacity, t->count + 1)) return false;
    t->entries[t->count] = (entry){hash, id, *bucket};
    *bucket = (uint32_t)t->count++;
    return true;
}

/* ---- constants ------------------------------------------------------------------------------ */

static bool same_constant(const sni_value *a, const sni_value *b) {
    if (a->type.dtype != b->type.dtype || a->type.rank != b->type.rank) return false;
    for (int i = 0; i < a->type.rank; ++i)
        if (a->type.dims[i] != b->type.dims[i]) return false;
    size_t size = sni_blob_size(a->blob);
    return a->blob == b->blob || (size == sni_blob_size(b->blob) && size <= MAX_CONSTANT_BYTES &&
                                  memcmp(sni_blob_data(a->blob), sni_blob_data(b->blob), size) == 0);
}

static uint64_t hash_constant(const sni_value *value) {
    size_t size = sni_blob_size(value->blob);
    /* Large ones are the same only when they are the same memory. */
    const void *data = sni_blob_data(value->blob);
    if (size > MAX_CONSTANT_BYTES) return sni_hash64_of(&data, sizeof data, value->type.dtype);
    return sni_hash64_of(data, size, value->type.dtype);
}

/* The first constant like this one. */
static uint32_t find_constant(sinter_graph *graph, cse *state, uint32_t id) {
    const sni_value *value = &graph->values[id];
    uint64_t hash = hash_constant(value);
    table *t = &state->constants;
    for (uint32_t e = t->buckets[hash & (t->bucket_count - 1)]; e != 0; e = t->entries[e].next)
        if (t->entries[e].hash == hash && same_constant(&graph->values[t->entries[e].id], value))
            return t->entries[e].id;
    if (!table_add(t, hash, id)) sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    return id;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static bool same_attr(const sni_attr *a, const sni_attr *b) {
    if (a->kind != b->kind || a->i != b->i || memcmp(&a->f, &b->f, sizeof a->f) != 0 || a->count != b->count)
        return false;
    return a->count == 0 || memcmp(a->exprs, b->exprs, (size_t)a->count * sizeof *a->exprs) == 0;
}

static bool same_node(const sni_node *a, const sni_node *b, const uint32_t *b_ins) {
    if (a->op != b->op || a->in_count != b->in_count || a->out_count != b->out_count) return false;
    bool swapped = a->op->traits.commutes && a->in[0] == b_ins[1] && a->in[1] == b_ins[0];
    for (int i = 0; i < a->in_count && !swapped; ++i)
        if (a->in[i] != b_ins[i]) return false;
    for (int i = 0; i < SNI_MAX_ATTRS; ++i)
        if (!same_attr(&a->attrs[i], &b->attrs[i])) return false;
    return true;
}

static uint64_t hash_node(const sni_node *node, const uint32_t *ins) {
    uint64_t hash = sni_hash64_of(&node->op, sizeof node->op, 0);
    if (node->op->traits.commutes) { /* the same for both orders */
        uint32_t pair[2] = {ins[0] < ins[1] ? ins[0] : ins[1], ins[0] < ins[1] ? ins[1] : ins[0]};
        hash = sni_hash64_of(pair, sizeof pair, hash);
    } else {
        hash = sni_hash64_of(ins, (size_t)node->in_count * sizeof *ins, hash);
    }
    for (int i = 0; i < SNI_MAX_ATTRS; ++i) {
        const sni_attr *attr = &node->attrs[i];
        hash = sni_hash64_of(&attr->i, sizeof attr->i, hash);
        hash = sni_hash64_of(&attr->f, sizeof attr->f, hash);
        if (attr->count > 0) hash = sni_hash64_of(attr->exprs, (size_t)attr->count * sizeof *attr->exprs, hash);
    }
    return hash;
}

static bool canonical_ins(sinter_graph *graph, cse *state, const sni_node *node, const uint32_t *ins) {
    if (!SNI_RESERVE(state->ins, state->in_capacity, (size_t)node->in_count + 1)) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return false;
    }
    for (int i = 0; i < node->in_count; ++i) {
        const sni_value *value = sni_graph_value(graph, ins[i]);
        state->ins[i] = value && value->blob ? find_constant(graph, state, ins[i]) : ins[i];
    }
    return graph->status == SINTER_OK;
}

static bool rewrite(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    cse *state = rewriter->state;
    sinter_graph *graph = rewriter->graph;
    if (!canonical_ins(graph, state, node, ins)) return true;
    uint64_t hash = hash_node(node, state->ins);
    table *t = &state->nodes;
    for (uint32_t e = t->buckets[hash & (t->bucket_count - 1)]; e != 0; e = t->entries[e].next) {
        const sni_node *found = &graph->nodes[t->entries[e].id];
        if (t->entries[e].hash != hash || !same_node(found, node, state->ins)) continue;
        memcpy(outs, found->out, (size_t)node->out_count * sizeof *outs);
        return true;
    }
    uint32_t index = (uint32_t)graph->node_count;
    if (sni_graph_add(graph, node->op, node->in_count, state->ins, node->attrs, node->out_count, outs) &&
        !table_add(t, hash, index))
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    return true;
}

sinter_status sni_pass_cse(const sinter_graph *graph, sinter_graph **out_graph) {
    cse state = {0};
    *out_graph = NULL;
    bool ready = table_init(&state.nodes, graph->node_count) && table_init(&state.constants, graph->value_count / 4);
    sinter_status status = ready ? sni_pass_run(graph, "cse", rewrite, &state, out_graph) : sni_out_of_memory("a pass");
    table_deinit(&state.nodes);
    table_deinit(&state.constants);
    sni_free(state.ins);
    return status;
}
