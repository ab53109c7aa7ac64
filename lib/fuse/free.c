/* Which nodes belong to every kernel that reads through them: views, index ramps, and casts that widen. They cost a kernel
 * nothing but arithmetic on coordinates, unless that grows without bounds (a value joined with itself, time after
 * time; chains of reshapes that do not compose). There a node becomes a kernel of its own, which others read from
 * memory: so every graph has kernels that can be built. So does one that a product would look through at every element of its
 * windows by itself, where that takes longer than storing it. */
#include "fuse/free.h"

#include "fuse/cost.h"
#include "op/update.h"

#define MAX_READS 12 /* of memory, for one element, through free nodes: what compilers take in little time */
#define MAX_CHAIN 48 /* free nodes on top of each other */

typedef struct free_nodes {
    sinter_graph *graph;
    const sni_fuse_options *options;
    bool *is_free;
    int *reads, *chain;
} free_nodes;

static bool widens(const sinter_graph *graph, const sni_node *node) {
    const sni_type *in = &sni_graph_value(graph, node->in[0])->type;
    const sni_type *out = &sni_graph_value(graph, node->out[0])->type;
    return node->op->kind == SNI_OP_CAST && sinter_dtype_size(in->dtype) <= sinter_dtype_size(out->dtype);
}

/* The free node that computes an operand, or -1. */
static int free_producer(const free_nodes *f, uint32_t value) {
    const sni_value *v = sni_graph_value(f->graph, value);
    return v && v->producer >= 0 && f->is_free[v->producer] ? v->producer : -1;
}

static void measure(free_nodes *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    f->reads[n] = f->chain[n] = 0;
    for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i) {
        int p = free_producer(f, node->in[i]);
        f->reads[n] += p >= 0 ? f->reads[p] : 1;
        if (p >= 0 && f->chain[p] > f->chain[n]) f->chain[n] = f->chain[p];
    }
    ++f->chain[n];
}

/* Gives the operands kernels of their own until few enough reads are left. */
static void limit_growth(free_nodes *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    measure(f, n);
    while (f->reads[n] > MAX_READS || f->chain[n] > MAX_CHAIN) {
        int worst = -1;
        for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i) {
            int p = free_producer(f, node->in[i]);
            if (p < 0) continue;
            if (worst < 0 || f->reads[p] > f->reads[worst] ||
                (f->reads[p] == f->reads[worst] && f->chain[p] > f->chain[worst]))
                worst = p;
        }
        if (worst < 0) return; /* it has that many operands itself */
        f->is_free[worst] = false;
        measure(f, n);
    }
}

/* Can node n be a kernel of its own? What it takes then is added to *time_ns, which may be NULL. */
static bool builds(free_nodes *f, int n, double *time_ns, bool *failed) {
    const sni_node *node = &f->graph->nodes[n];
    sni_arena *arena = sni_arena_create();
    sni_loop *loop = NULL;
    const char *why = NULL;
    *failed = arena == NULL;
    if (*failed) return false;
    bool was_free = f->is_free[n];
    f->is_free[n] = true;
    sni_members members = {f->is_free, &n, 1};
    bool built =
        sni_loop_build(f->graph, &members, node->out, node->out_count, &f->options->limits, arena, &loop, &why);
    f->is_free[n] = was_free;
    sni_kernel_cost cost = {0};
    if (built && time_ns) {
        *failed = !sni_fuse_cost(loop, &f->options->costs, &cost);
        *time_ns += cost.time_ns;
    }
    sni_arena_release(arena);
    return built;
}

/* Where node n cannot be a kernel of its own, the free nodes that it reads become kernels; they are settled before. A
 * node that even then cannot be one is left for the fuser, which says why. */
static bool settle(free_nodes *f, int n) {
    bool failed;
    if (builds(f, n, NULL, &failed) || failed) return !failed;
    const sni_node *node = &f->graph->nodes[n];
    for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i) {
        int p = free_producer(f, node->in[i]);
        if (p < 0) continue;
        if (!settle(f, p)) return false;
        f->is_free[p] = false;
    }
    return true;
}

static bool reads_through(const free_nodes *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i)
        if (free_producer(f, node->in[i]) >= 0) return true;
    return false;
}

/* The free node under a window that node n reads through free nodes, or -1. */
static int seen_by_window(const free_nodes *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    for (int i = 0; i < sni_op_reads(node->op, node->in_count); ++i) {
        int p = free_producer(f, node->in[i]);
        if (p < 0) continue;
        bool window = f->graph->nodes[p].op->traits.slides;
        int found = window ? free_producer(f, f->graph->nodes[p].in[0]) : seen_by_window(f, p);
        if (found >= 0) return found;
    }
    return -1;
}

/* Stores what a product's windows look at, where both kernels together take less time than the one. */
static bool store_seen(free_nodes *f, int n) {
    int seen = seen_by_window(f, n);
    double joint = 0, apart = 0;
    bool failed = false;
    if (seen < 0 || !builds(f, n, &joint, &failed) || failed) return !failed;
    f->is_free[seen] = false;
    bool both = builds(f, n, &apart, &failed) && !failed && builds(f, seen, &apart, &failed);
    f->is_free[seen] = !(both && apart < joint);
    return !failed;
}

static bool choose(free_nodes *f, const bool *is_output) {
    int count = (int)f->graph->node_count;
    for (int n = 0; n < count; ++n) {
        const sni_node *node = &f->graph->nodes[n];
        bool view = node->op->kind == SNI_OP_VIEW || node->op->kind == SNI_OP_IOTA;
        f->is_free[n] = (view || widens(f->graph, node)) && !is_output[n];
        limit_growth(f, n);
    }
    for (int n = 0; n < count; ++n)
        if (!f->is_free[n] && reads_through(f, n) && !settle(f, n)) return false;
    for (int n = 0; n < count; ++n)
        if (f->graph->nodes[n].op->kind == SNI_OP_CONTRACT && !store_seen(f, n)) return false;
    return true;
}

bool sni_fuse_free_nodes(sinter_graph *graph, const sni_fuse_options *options, const bool *is_output, bool *is_free) {
    size_t count = graph->node_count + 1;
    free_nodes f = {.graph = graph, .options = options, .is_free = is_free};
    f.reads = sni_calloc(count, sizeof *f.reads);
    f.chain = sni_calloc(count, sizeof *f.chain);
    bool ok = f.reads && f.chain && choose(&f, is_output);
    sni_free(f.reads);
    sni_free(f.chain);
    return ok;
}
