/* The fuser: greedy, in topological order. A node joins the kernel of a value it reads when the merged loop program
 * can be built, no other kernel would have to run in between, and nothing expensive is computed several times.
 * Views (and casts that widen) belong to every kernel that reads through them. */
#include "rewrite/fuse.h"

#include <string.h>

#include "rewrite/fuse_free.h"

#define EXPENSIVE 16.0
#define SIZE_GUESS 61.0 /* of a symbolic dimension, for estimates */

typedef struct edge_list {
    int *items;
    size_t count, capacity;
} edge_list;

typedef struct fuser {
    sinter_graph *graph;
    const sni_fuse_options *options;
    sni_arena *arena;     /* the groups' */
    sni_arena *scratch;   /* of one attempt */
    int node_count;
    bool *free_node;      /* computed inside every kernel that needs it */
    bool *is_output;      /* node whose value is a graph output */
    int *group;           /* node -> group, -1: free */
    edge_list *deps;      /* node -> nodes with kernels whose values it reads, through free nodes */
    edge_list *users;     /* the other way */
    const char **ends;    /* group -> reason */
    int *stamp;           /* visit marks */
    int stamp_now;
    bool *members;        /* of the attempt */
} fuser;

static bool holds(const edge_list *list, int item) {
    for (size_t i = 0; i < list->count; ++i)
        if (list->items[i] == item) return true;
    return false;
}

static bool push(edge_list *list, int item) {
    if (holds(list, item)) return true;
    if (!SNI_RESERVE(list->items, list->capacity, list->count + 1)) return false;
    list->items[list->count++] = item;
    return true;
}

static bool add_deps(fuser *f, int user, const sni_node *node) {
    for (int i = 0; i < node->in_count; ++i) {
        const sni_value *v = sni_graph_value(f->graph, node->in[i]);
        if (!v || v->producer < 0) continue;
        if (f->free_node[v->producer]) {
            if (!add_deps(f, user, &f->graph->nodes[v->producer])) return false;
        } else if (!push(&f->deps[user], v->producer) || !push(&f->users[v->producer], user)) {
            return false;
        }
    }
    return true;
}

static bool prepare(fuser *f) {
    for (size_t o = 0; o < f->graph->output_count; ++o) {
        int producer = sni_graph_value(f->graph, f->graph->outputs[o].value)->producer;
        if (producer >= 0) f->is_output[producer] = true;
    }
    if (!f->options->disabled && !sni_fuse_free_nodes(f->graph, &f->options->limits, f->is_output, f->free_node))
        return false;
    for (int n = 0; n < f->node_count; ++n) f->group[n] = f->free_node[n] ? -1 : n;
    for (int n = 0; n < f->node_count; ++n)
        if (!f->free_node[n] && !add_deps(f, n, &f->graph->nodes[n])) return false;
    return true;
}

/* ---- one attempt ---- */

/* Does a path lead from node (outside the set) back into the set of group ids a or b? */
static bool reaches(fuser *f, int node, int a, int b) {
    if (f->stamp[node] == f->stamp_now) return false;
    f->stamp[node] = f->stamp_now;
    int own = f->group[node];
    if (own == a || own == b) return true;
    /* The whole kernel of the node runs before it, so what any of its nodes reads counts. */
    for (int m = 0; m < f->node_count; ++m) {
        if (f->group[m] != own) continue;
        f->stamp[m] = f->stamp_now;
        for (size_t i = 0; i < f->deps[m].count; ++i)
            if (f->group[f->deps[m].items[i]] != own && reaches(f, f->deps[m].items[i], a, b)) return true;
    }
    return false;
}

static bool makes_cycle(fuser *f, int a, int b) {
    ++f->stamp_now;
    for (int n = 0; n < f->node_count; ++n) {
        if (f->group[n] != a && f->group[n] != b) continue;
        for (size_t i = 0; i < f->deps[n].count; ++i) {
            int d = f->deps[n].items[i];
            if (f->group[d] != a && f->group[d] != b && reaches(f, d, a, b)) return true;
        }
    }
    return false;
}

static int collect_outputs(const fuser *f, int a, int b, uint32_t *outputs) {
    int count = 0;
    for (int n = 0; n < f->node_count; ++n) {
        if (f->group[n] < 0 || (f->group[n] != a && f->group[n] != b)) continue;
        bool needed = f->is_output[n];
        for (size_t i = 0; i < f->users[n].count && !needed; ++i) {
            int g = f->group[f->users[n].items[i]];
            needed = g != a && g != b;
        }
        for (int o = 0; needed && o < f->graph->nodes[n].out_count; ++o)
            outputs[count++] = f->graph->nodes[n].out[o];
    }
    return count;
}

static double chain_cost(const fuser *f, int node, int a) {
    const sni_node *n = &f->graph->nodes[node];
    if (n->op->kind == SNI_OP_REDUCE || n->op->kind == SNI_OP_CONTRACT || n->op->kind == SNI_OP_SCAN) return 0;
    double cost = n->op->cost > 0 ? n->op->cost : 1;
    for (size_t i = 0; i < f->deps[node].count && cost < 2 * EXPENSIVE; ++i)
        if (f->group[f->deps[node].items[i]] == a) cost += chain_cost(f, f->deps[node].items[i], a);
    return cost;
}

static double element_count(const fuser *f, uint32_t value) {
    const sni_type *type = &sni_graph_value(f->graph, value)->type;
    return sni_sym_estimate(f->graph->sym, sni_type_count(f->graph->sym, type), SIZE_GUESS);
}

/* Points at which a node evaluates its operands. */
static double iterations(const fuser *f, int node) {
    const sni_node *n = &f->graph->nodes[node];
    double in = n->in_count && n->in[0] ? element_count(f, n->in[0]) : 1, out = element_count(f, n->out[0]);
    return n->op->kind == SNI_OP_REDUCE ? in : out;
}

/* Would joining a make node compute something expensive many times over? */
static bool repeats_work(const fuser *f, int node, int a) {
    double points = iterations(f, node);
    for (size_t i = 0; i < f->deps[node].count; ++i) {
        int d = f->deps[node].items[i];
        if (f->group[d] != a) continue;
        double own = element_count(f, f->graph->nodes[d].out[0]);
        if (points > 1.5 * own && chain_cost(f, d, a) > EXPENSIVE) return true;
    }
    return false;
}

static sni_loop *attempt(fuser *f, int a, int b, sni_arena *arena, const char **why) {
    uint32_t *outputs = sni_arena_alloc(arena, sizeof *outputs * ((size_t)f->node_count * 2 + 1));
    if (!outputs) {
        *why = "out of memory";
        return NULL;
    }
    for (int n = 0; n < f->node_count; ++n) f->members[n] = f->free_node[n] || f->group[n] == a || f->group[n] == b;
    int count = collect_outputs(f, a, b, outputs);
    sni_loop *loop = NULL;
    if (count == 0) {
        *why = "nothing is needed of it";
        return NULL;
    }
    return sni_loop_build(f->graph, f->members, outputs, count, &f->options->limits, arena, &loop, why) ? loop : NULL;
}

static bool reset_scratch(fuser *f) {
    sni_arena_release(f->scratch);
    f->scratch = sni_arena_create();
    return f->scratch != NULL;
}

/* Tries to put kernel b (which holds node) into kernel a; on refusal notes why a ends. */
static bool try_merge(fuser *f, int node, int a, int b) {
    const char *why = NULL;
    bool ok = reset_scratch(f);
    const sni_op *op = f->graph->nodes[node].op;
    if (ok && op->kind == SNI_OP_CONTRACT) {
        why = "a matrix product reads its operands from memory";
        ok = false;
    } else if (ok && repeats_work(f, node, a)) {
        why = "joining would compute its values several times over";
        ok = false;
    } else if (ok && makes_cycle(f, a, b)) {
        why = "another kernel has to run in between";
        ok = false;
    }
    ok = ok && attempt(f, a, b, f->scratch, &why) != NULL;
    if (!ok) {
        if (!f->ends[a] && why) {
            sni_str text = SNI_STR_INIT;
            const char *name = f->graph->nodes[node].name;
            sni_str_printf(&text, "%s%s%s%s: %s", op->name, name ? " '" : "", name ? name : "", name ? "'" : "", why);
            f->ends[a] = sni_arena_strdup(f->arena, sni_str_text(&text));
            sni_str_deinit(&text);
        }
        return false;
    }
    for (int n = 0; n < f->node_count; ++n)
        if (f->group[n] == b) f->group[n] = a;
    return true;
}

/* Puts a node into the kernels that its operands come from, the latest one first: its values have been in
 * memory for the shortest time. */
static bool place_node(fuser *f, int node) {
    edge_list tried = {0};
    bool ok = true;
    while (ok) {
        int best = -1;
        for (size_t i = 0; i < f->deps[node].count; ++i) {
            int d = f->deps[node].items[i];
            if (d > best && f->group[d] != f->group[node] && !holds(&tried, f->group[d])) best = d;
        }
        if (best < 0) break;
        int target = f->group[best];
        ok = push(&tried, target);
        if (ok) try_merge(f, node, target, f->group[node]);
    }
    sni_free(tried.items);
    return ok;
}

/* ---- results ---- */

static void mark_inside(const fuser *f, int node, bool *inside) {
    if (inside[node]) return;
    inside[node] = true;
    const sni_node *n = &f->graph->nodes[node];
    for (int i = 0; i < n->in_count; ++i) {
        const sni_value *v = sni_graph_value(f->graph, n->in[i]);
        if (v && v->producer >= 0 && f->free_node[v->producer]) mark_inside(f, v->producer, inside);
    }
}

static sinter_status finish_group(fuser *f, int g, sni_group *out) {
    bool *inside = sni_arena_alloc(f->arena, (size_t)f->node_count + 1);
    out->outputs = sni_arena_alloc(f->arena, sizeof *out->outputs * ((size_t)f->node_count * 2 + 1));
    out->nodes = sni_arena_alloc(f->arena, sizeof *out->nodes * ((size_t)f->node_count + 1));
    if (!inside || !out->outputs || !out->nodes) return sni_out_of_memory("a kernel group");
    for (int n = 0; n < f->node_count; ++n)
        if (f->group[n] == g) mark_inside(f, n, inside);
    for (int n = 0; n < f->node_count; ++n)
        if (inside[n]) out->nodes[out->node_count++] = n;
    out->output_count = collect_outputs(f, g, g, out->outputs);
    out->ends = f->ends[g] ? f->ends[g] : "what it computes is an output";
    const char *why = NULL;
    out->loop = attempt(f, g, g, f->arena, &why);
    const sni_node *node = &f->graph->nodes[out->nodes[out->node_count - 1]];
    if (!out->loop)
        return sni_fail(SINTER_UNSUPPORTED, "%s '%s': %s", node->op->name, node->name ? node->name : "", why);
    if (!sni_loop_collapse(out->loop, f->arena)) return sni_out_of_memory("a loop program");
    const char *wrong = sni_loop_verify(out->loop);
    if (wrong) return sni_fail(SINTER_INTERNAL, "%s '%s': %s", node->op->name, node->name ? node->name : "", wrong);
    return SINTER_OK;
}

/* Emits g after everything it reads. */
static sinter_status schedule(fuser *f, int g, sni_group *groups, size_t *count) {
    if (f->stamp[g] == f->stamp_now) return SINTER_OK;
    f->stamp[g] = f->stamp_now;
    for (int n = 0; n < f->node_count; ++n) {
        if (f->group[n] != g) continue;
        for (size_t i = 0; i < f->deps[n].count; ++i)
            SNI_TRY(schedule(f, f->group[f->deps[n].items[i]], groups, count));
    }
    sni_group *out = &groups[*count];
    SNI_TRY(finish_group(f, g, out));
    ++*count;
    return SINTER_OK;
}

static sinter_status fuse_all(fuser *f, sni_group **out_groups, size_t *out_count) {
    if (!prepare(f)) return sni_out_of_memory("the fuser");
    for (int n = 0; n < f->node_count && !f->options->disabled; ++n)
        if (!f->free_node[n] && !place_node(f, n)) return sni_out_of_memory("the fuser");
    *out_groups = sni_arena_alloc(f->arena, sizeof **out_groups * ((size_t)f->node_count + 1));
    if (!*out_groups) return sni_out_of_memory("the fuser");
    ++f->stamp_now;
    for (int n = 0; n < f->node_count; ++n)
        if (f->group[n] >= 0) SNI_TRY(schedule(f, f->group[n], *out_groups, out_count));
    return SINTER_OK;
}

sinter_status sni_fuse(sinter_graph *graph, const sni_fuse_options *options, sni_arena *arena,
                       sni_group **out_groups, size_t *out_count) {
    size_t n = graph->node_count + 1;
    fuser f = {.graph = graph, .options = options, .arena = arena, .node_count = (int)graph->node_count};
    *out_groups = NULL;
    *out_count = 0;
    f.free_node = sni_calloc(n, sizeof *f.free_node);
    f.is_output = sni_calloc(n, sizeof *f.is_output);
    f.members = sni_calloc(n, sizeof *f.members);
    f.group = sni_calloc(n, sizeof *f.group);
    f.deps = sni_calloc(n, sizeof *f.deps);
    f.users = sni_calloc(n, sizeof *f.users);
    f.ends = sni_calloc(n, sizeof *f.ends);
    f.stamp = sni_calloc(n, sizeof *f.stamp);
    bool ok = f.free_node && f.is_output && f.members && f.group && f.deps && f.users && f.ends && f.stamp;
    sinter_status status = ok ? fuse_all(&f, out_groups, out_count) : sni_out_of_memory("the fuser");
    for (size_t i = 0; i < n; ++i) {
        if (f.deps) sni_free(f.deps[i].items);
        if (f.users) sni_free(f.users[i].items);
    }
    sni_arena_release(f.scratch);
    sni_free(f.free_node);
    sni_free(f.is_output);
    sni_free(f.members);
    sni_free(f.group);
    sni_free(f.deps);
    sni_free(f.users);
    sni_free(f.ends);
    sni_free(f.stamp);
    return status;
}
