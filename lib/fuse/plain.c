/* Groups that are certainly kernels, without building their programs: nothing but elementwise nodes of one shape that read
 * each other or memory. Most of a large graph is this, and a program costs time in proportion to its size: building it for
 * every node that joins would make long chains slow.
 *
 * What such a group takes is known as an upper bound, which adds up when two join and is counted again when it becomes too
 * large. */
#include <string.h>

#include "fuse/fuser.h"

/* Nodes on top of each other; the loop builder's own limit is higher. */
#define MAX_DEPTH 390

static const sni_type *type_of(const sni_fuser *f, uint32_t value) {
    return &sni_graph_value(f->graph, value)->type;
}

static bool same_dims(const sni_type *a, const sni_type *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

static bool is_plain_node(const sni_fuser *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    if (node->op->kind != SNI_OP_ELEMENTWISE && node->op->kind != SNI_OP_CAST) return false;
    if (node->in_count > 3 || node->out_count != 1) return false;
    for (int i = 0; i < node->in_count; ++i) {
        int producer = sni_graph_value(f->graph, node->in[i])->producer;
        if (producer >= 0 && f->is_free[producer]) return false;
    }
    return true;
}

sni_facts *sni_fuser_facts(sni_fuser *f, int group) {
    sni_facts *p = &f->facts[group];
    if (p->plain != SNI_PLAIN_UNKNOWN) return p;
    int n = f->groups.items[group].nodes.items[0]; /* nothing has joined it yet */
    const sni_node *node = &f->graph->nodes[n];
    *p = (sni_facts){.plain = is_plain_node(f, n) ? SNI_PLAIN_YES : SNI_PLAIN_NO,
                     .value = node->out[0],
                     .loads = node->in_count,
                     .outputs = 1,
                     .depth = 1,
                     .kinds = 1u << node->op->kind,
                     .stores = node->op->traits.is_stored};
    return p;
}

/* Counts the values that f->nodes read from memory, and the longest chain in them. */
static void count_demand(sni_fuser *f, sni_facts *p) {
    int mark = sni_groups_stamp(&f->groups);
    p->loads = p->depth = 0;
    for (size_t k = 0; k < f->nodes.count; ++k) f->members[f->nodes.items[k]] = true;
    for (size_t k = 0; k < f->nodes.count; ++k) {
        int n = f->nodes.items[k];
        const sni_node *node = &f->graph->nodes[n];
        f->depth[n] = 1;
        for (int i = 0; i < node->in_count; ++i) {
            int producer = sni_graph_value(f->graph, node->in[i])->producer;
            if (producer >= 0 && f->members[producer]) {
                if (f->depth[producer] >= f->depth[n]) f->depth[n] = f->depth[producer] + 1;
            } else if (f->value_mark[node->in[i]] != mark) {
                f->value_mark[node->in[i]] = mark;
                ++p->loads;
            }
        }
        if (f->depth[n] > p->depth) p->depth = f->depth[n];
    }
    for (size_t k = 0; k < f->nodes.count; ++k) f->members[f->nodes.items[k]] = false;
}

static bool fits(const sni_fuser *f, const sni_facts *p, size_t nodes) {
    const sni_limits *limits = &f->options->limits;
    return p->depth <= MAX_DEPTH && p->loads + (int)nodes <= limits->max_stmts &&
           p->loads + p->outputs <= limits->max_buffers;
}

bool sni_fuser_is_plain(sni_fuser *f, int a, int b, bool *out_failed) {
    const sni_facts *x = sni_fuser_facts(f, a), *y = sni_fuser_facts(f, b);
    *out_failed = false;
    if (x->plain != SNI_PLAIN_YES || y->plain != SNI_PLAIN_YES) return false;
    if (!same_dims(type_of(f, x->value), type_of(f, y->value))) return false;
    f->joint = (sni_facts){.plain = SNI_PLAIN_YES,
                           .value = x->value,
                           .loads = x->loads + y->loads,
                           .outputs = x->outputs + y->outputs,
                           .depth = x->depth + y->depth,
                           .kinds = x->kinds | y->kinds,
                           .stores = x->stores || y->stores};
    size_t nodes = f->groups.items[a].nodes.count + f->groups.items[b].nodes.count;
    if (fits(f, &f->joint, nodes)) return true;
    int set[2] = {a, b};
    *out_failed = !sni_fuser_look(f, set, 2);
    if (*out_failed) return false;
    count_demand(f, &f->joint);
    f->joint.outputs = (int)f->output_count;
    return fits(f, &f->joint, nodes);
}
