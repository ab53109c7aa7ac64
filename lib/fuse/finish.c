/* From groups to results: their nodes, programs and order. */
#include "fuse/fuser.h"

#include <stdlib.h>

#include "op/update.h"

static int ascending(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

/* Adds the free nodes through which the nodes of a group read. */
static bool add_free_nodes(sni_fuser *f, sni_ints *nodes, int *mark, int number) {
    for (size_t at = 0; at < nodes->count; ++at) {
        const sni_node *node = &f->graph->nodes[nodes->items[at]];
        for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i) {
            const sni_value *v = sni_graph_value(f->graph, node->in[i]);
            if (!v || v->producer < 0 || !f->is_free[v->producer] || mark[v->producer] == number) continue;
            mark[v->producer] = number;
            if (!sni_ints_push(nodes, v->producer)) return false;
        }
    }
    qsort(nodes->items, nodes->count, sizeof *nodes->items, ascending);
    return true;
}

static sinter_status describe(sni_fuser *f, int group, int *mark, int number, sni_group *out) {
    const char *ends = f->groups.items[group].ends;
    if (!sni_fuser_look(f, &group, 1)) return sni_out_of_memory("a kernel group");
    out->output_count = (int)f->output_count;
    out->outputs = sni_arena_copy(f->arena, f->outputs, f->output_count * sizeof *f->outputs);
    out->ends = ends ? ends : "what it computes is an output";
    const char *why = NULL;
    out->loop = sni_fuser_build(f, f->arena, &why);
    const sni_node *last = &f->graph->nodes[f->nodes.items[f->nodes.count - 1]];
    if (!out->loop && sni_fuser_out_of_memory(why)) return sni_out_of_memory("a kernel group");
    if (!out->loop)
        return sni_fail(SINTER_UNSUPPORTED, "%s '%s': %s", last->op->name, last->name ? last->name : "", why);
    if (!add_free_nodes(f, &f->nodes, mark, number)) return sni_out_of_memory("a kernel group");
    out->node_count = (int)f->nodes.count;
    out->nodes = sni_arena_copy(f->arena, f->nodes.items, f->nodes.count * sizeof *f->nodes.items);
    if (!out->outputs || !out->nodes || !sni_loop_collapse(out->loop, f->arena) || !sni_loop_own(out->loop, f->arena))
        return sni_out_of_memory("a kernel group");
    const char *wrong = sni_loop_verify(out->loop);
    if (wrong) return sni_fail(SINTER_INTERNAL, "%s '%s': %s", last->op->name, last->name ? last->name : "", wrong);
    return SINTER_OK;
}

sinter_status sni_fuser_finish(sni_fuser *f, sni_group **out_groups, size_t *out_count) {
    size_t count = 0;
    for (int g = f->groups.first; g >= 0; g = f->groups.items[g].after) ++count;
    *out_groups = sni_arena_alloc(f->arena, (count + 1) * sizeof **out_groups);
    int *mark = sni_calloc(f->graph->node_count + 1, sizeof *mark);
    int *order = sni_calloc(f->graph->node_count + 1, sizeof *order);
    bool ok = *out_groups && mark && order && sni_fuser_order(f, order);
    sinter_status status = ok ? SINTER_OK : sni_out_of_memory("the fuser");
    for (size_t i = 0; i < count && status == SINTER_OK; ++i) {
        status = describe(f, order[i], mark, (int)i + 1, &(*out_groups)[i]);
        if (status == SINTER_OK) ++*out_count;
    }
    sni_free(mark);
    sni_free(order);
    return status;
}
