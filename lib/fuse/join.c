/* Attempts to make one kernel of several groups. */
#include "fuse/fuser.h"

#include "op/update.h"

#define EXPENSIVE 16.0
#define SIZE_GUESS 61.0 /* of a symbolic dimension, for estimates */

/* ---- what a set consists of ---- */

/* Does user read a value of node, itself or through free nodes? A store may only wait for it. */
static bool reads(const sni_fuser *f, int user, int node) {
    const sni_node *u = &f->graph->nodes[user];
    if (u->op->kind != SNI_OP_STORE && !f->is_free[user]) return true;
    for (int i = 0; i < sni_op_reads(u->op, u->in_count); ++i) {
        const sni_value *v = sni_graph_value(f->graph, u->in[i]);
        if (!v || v->producer < 0) continue;
        if (v->producer == node || (f->is_free[v->producer] && reads(f, v->producer, node))) return true;
    }
    return false;
}

static bool needed_outside(const sni_fuser *f, int node, int mark) {
    const sni_groups *g = &f->groups;
    if (f->is_output[node]) return true;
    for (int e = g->user_start[node + 1]; e-- > g->user_start[node];)
        if (g->items[g->of[g->users[e]]].mark != mark && reads(f, g->users[e], node)) return true;
    return false;
}

static bool gather_nodes(sni_fuser *f, const int *set, int count) {
    f->nodes.count = 0;
    for (int i = 0; i < count; ++i) {
        const sni_ints *more = &f->groups.items[set[i]].nodes;
        size_t at = f->nodes.count + more->count, k = more->count, n = f->nodes.count;
        if (!SNI_RESERVE(f->nodes.items, f->nodes.capacity, at)) return false;
        f->nodes.count = at;
        while (k > 0) {
            bool old = n > 0 && f->nodes.items[n - 1] > more->items[k - 1];
            f->nodes.items[--at] = old ? f->nodes.items[--n] : more->items[--k];
        }
    }
    return true;
}

bool sni_fuser_look(sni_fuser *f, const int *set, int count) {
    if (!gather_nodes(f, set, count)) return false;
    int mark = sni_groups_stamp(&f->groups);
    for (int i = 0; i < count; ++i) f->groups.items[set[i]].mark = mark;
    f->output_count = 0;
    for (size_t i = 0; i < f->nodes.count; ++i) {
        int n = f->nodes.items[i];
        if (!needed_outside(f, n, mark)) continue;
        const sni_node *node = &f->graph->nodes[n];
        if (!SNI_RESERVE(f->outputs, f->output_capacity, f->output_count + (size_t)node->out_count)) return false;
        for (int o = 0; o < node->out_count; ++o) f->outputs[f->output_count++] = node->out[o];
    }
    return true;
}

static void set_members(sni_fuser *f, bool inside) {
    for (size_t i = 0; i < f->nodes.count; ++i) f->members[f->nodes.items[i]] = inside;
}

sni_loop *sni_fuser_build(sni_fuser *f, sni_arena *arena, const char **why) {
    sni_loop *loop = NULL;
    *why = "nothing is needed of it";
    if (f->output_count == 0) return NULL;
    set_members(f, true);
    sni_members members = {f->members, f->nodes.items, (int)f->nodes.count};
    bool built = sni_loop_build(f->graph, &members, f->outputs, (int)f->output_count, &f->options->limits, arena, &loop, why);
    set_members(f, false);
    return built ? loop : NULL;
}

/* Words for a set that certainly is too large, or NULL. */
static const char *certainly_too_large(const sni_fuser *f) {
    size_t statements = 0;
    if (f->output_count > (size_t)f->options->limits.max_buffers)
        return "the kernel would need more buffers than the device allows";
    for (size_t i = 0; i < f->nodes.count; ++i)
        statements += f->graph->nodes[f->nodes.items[i]].op->kind == SNI_OP_ELEMENTWISE;
    return statements > (size_t)f->options->limits.max_stmts ? "the kernel would have too many statements" : NULL;
}

/* ---- worth ---- */

static double chain_cost(const sni_fuser *f, int node, int a) {
    const sni_node *n = &f->graph->nodes[node];
    const sni_groups *g = &f->groups;
    if (n->op->kind == SNI_OP_REDUCE || n->op->kind == SNI_OP_CONTRACT) return 0;
    double cost = n->op->cost > 0 ? n->op->cost : 1;
    for (int e = g->dep_start[node]; e < g->dep_start[node + 1] && cost < 2 * EXPENSIVE; ++e)
        if (g->of[g->deps[e]] == a) cost += chain_cost(f, g->deps[e], a);
    return cost;
}

static double element_count(const sni_fuser *f, uint32_t value) {
    return sni_sym_estimate(f->graph->sym, sni_type_count(f->graph->sym, &sni_graph_value(f->graph, value)->type), SIZE_GUESS);
}

/* Points at which a node evaluates its operands. */
static double iterations(const sni_fuser *f, int node) {
    const sni_node *n = &f->graph->nodes[node];
    double in = n->in_count && n->in[0] ? element_count(f, n->in[0]) : 1, out = element_count(f, n->out[0]);
    if (n->op->kind == SNI_OP_STORE) return element_count(f, n->in[1]); /* the region */
    return n->op->kind == SNI_OP_REDUCE ? in : out;
}

/* Would joining a make node compute something expensive many times over? */
static bool repeats_work(const sni_fuser *f, int node, int a) {
    const sni_groups *g = &f->groups;
    double points = iterations(f, node);
    for (int e = g->dep_start[node]; e < g->dep_start[node + 1]; ++e) {
        int d = g->deps[e];
        if (g->of[d] != a) continue;
        double own = element_count(f, f->graph->nodes[d].out[0]);
        if (points > 1.5 * own && chain_cost(f, d, a) > EXPENSIVE) return true;
    }
    return false;
}

/* ---- joining ---- */

static bool reset_scratch(sni_fuser *f) {
    sni_arena_release(f->scratch);
    f->scratch = sni_arena_create();
    return f->scratch != NULL;
}

/* Words for why a and b cannot be one kernel, NULL when they can. *out_failed: out of memory. */
static const char *refusal(sni_fuser *f, int node, const int *set, int count, bool *out_failed) {
    const char *why = NULL;
    *out_failed = false;
    if (f->graph->nodes[node].op->kind == SNI_OP_CONTRACT) return "a matrix product reads its operands from memory";
    f->joint = (sni_plain){.state = SNI_PLAIN_NO};
    bool plain = sni_fuser_is_plain(f, set[0], set[1], out_failed);
    if (*out_failed) return NULL;
    if (plain) return sni_groups_encloses(&f->groups, set, count, out_failed) ? "another kernel has to run in between" : NULL;
    f->joint.state = SNI_PLAIN_NO;
    *out_failed = !sni_fuser_look(f, set, count);
    if (*out_failed || (why = certainly_too_large(f)) != NULL) return why;
    if (repeats_work(f, node, set[0])) return "joining would compute its values several times over";
    if (sni_groups_encloses(&f->groups, set, count, out_failed)) return "another kernel has to run in between";
    if (*out_failed) return NULL;
    *out_failed = !reset_scratch(f);
    if (*out_failed || sni_fuser_build(f, f->scratch, &why)) return NULL;
    return why;
}

static void note_end(sni_fuser *f, int node, int group, const char *why) {
    const sni_node *n = &f->graph->nodes[node];
    if (f->groups.items[group].ends) return;
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "%s%s%s%s: %s", n->op->name, n->name ? " '" : "", n->name ? n->name : "", n->name ? "'" : "", why);
    f->groups.items[group].ends = sni_arena_strdup(f->arena, sni_str_text(&text));
    sni_str_deinit(&text);
}

bool sni_fuser_try(sni_fuser *f, int node, int a, int b) {
    int set[2] = {a, b}, joined;
    bool failed;
    const char *why = refusal(f, node, set, 2, &failed);
    if (failed) return false;
    if (!why) {
        if (!sni_groups_join(&f->groups, set, 2, &joined)) return false;
        f->plain[joined] = f->joint;
        return true;
    }
    note_end(f, node, a, why);
    return true;
}
