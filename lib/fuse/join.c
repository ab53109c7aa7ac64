/* Attempts to make one kernel of several groups. */
#include <math.h>
#include <string.h>

#include "fuse/cost.h"
#include "fuse/fuser.h"
#include "op/update.h"

#define MAX_TERMS 800 /* of the index expressions of joined nodes: a compiler's second or so */

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
    bool built =
        sni_loop_build(f->graph, &members, f->outputs, (int)f->output_count, &f->options->limits, arena, &loop, why);
    set_members(f, false);
    return built ? loop : NULL;
}

bool sni_fuser_out_of_memory(const char *why) {
    return strcmp(why, "out of memory") == 0;
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

static bool reset_scratch(sni_fuser *f) {
    sni_arena_release(f->scratch);
    f->scratch = sni_arena_create();
    return f->scratch != NULL;
}

/* The predicted time of a group; infinite for one that is no kernel yet. false: out of memory. */
static bool time_of(sni_fuser *f, int group, double *out_ns) {
    sni_facts *facts = sni_fuser_facts(f, group);
    const char *why;
    if (facts->time_ns == 0) {
        if (!reset_scratch(f) || !sni_fuser_look(f, &group, 1)) return false;
        const sni_loop *loop = sni_fuser_build(f, f->scratch, &why);
        if (!loop && sni_fuser_out_of_memory(why)) return false;
        sni_kernel_cost cost = {.time_ns = INFINITY};
        if (loop && !sni_fuse_cost(loop, &f->options->costs, &cost)) return false;
        facts->time_ns = cost.time_ns;
    }
    *out_ns = facts->time_ns;
    return true;
}

/* Is the kernel with f->joint.time_ns faster than those of the set one after the other? */
static const char *compare(sni_fuser *f, const int *set, int count, bool *out_failed) {
    double apart = 0, one;
    for (int i = 0; i < count; ++i) {
        *out_failed = !time_of(f, set[i], &one);
        if (*out_failed) return NULL;
        apart += one;
    }
    return f->joint.time_ns < apart ? NULL : "joining would cost more than it saves";
}

/* ---- joining ---- */

/* Terms of all index expressions of a program: what its text is long for, and what compilers take their time for. */
static size_t index_terms(const sni_loop *loop) {
    size_t terms = 0;
    for (int i = 0; i < loop->stmt_count; ++i)
        terms += sni_sym_size(loop->sym, loop->stmts[i].offset) + sni_sym_size(loop->sym, loop->stmts[i].guard);
    return terms;
}

/* Words for why a program would be a poor kernel whatever it costs, or NULL. */
static const char *misfit(const sni_fuser *f, const sni_loop *loop) {
    bool product = f->joint.kinds >> SNI_OP_CONTRACT & 1u, flat = sni_loop_is_flat(loop);
    if (product && flat && loop->inner && loop->core < 0) return "a matrix product reads its operands from memory";
    if (index_terms(loop) > MAX_TERMS) return "compilers would take too long for its index arithmetic";
    return NULL;
}

static const char *attempt(sni_fuser *f, const int *set, int count, bool *out_failed) {
    const char *why = NULL;
    *out_failed = !sni_fuser_look(f, set, count);
    if (*out_failed || (why = certainly_too_large(f)) != NULL) return why;
    if (sni_groups_encloses(&f->groups, set, count, out_failed)) return "another kernel has to run in between";
    if (*out_failed || (*out_failed = !reset_scratch(f))) return NULL;
    const sni_loop *loop = sni_fuser_build(f, f->scratch, &why);
    *out_failed = !loop && sni_fuser_out_of_memory(why);
    if (!loop || (why = misfit(f, loop)) != NULL) return why;
    sni_kernel_cost cost;
    *out_failed = !sni_fuse_cost(loop, &f->options->costs, &cost);
    if (*out_failed) return NULL;
    f->joint.time_ns = cost.time_ns;
    return compare(f, set, count, out_failed);
}

/* Does a node of the set read a value of another one that is stored for it? */
static bool reads_stored(const sni_fuser *f, const int *set, int count) {
    const sni_groups *g = &f->groups;
    for (int i = 0; i < count; ++i) {
        if (!f->facts[set[i]].stores) continue;
        const sni_ints *nodes = &g->items[set[i]].nodes;
        for (size_t k = 0; k < nodes->count; ++k) {
            int node = nodes->items[k];
            if (!f->graph->nodes[node].op->traits.is_stored) continue;
            for (int e = g->user_start[node]; e < g->user_start[node + 1]; ++e)
                for (int j = 0; j < count; ++j)
                    if (g->of[g->users[e]] == set[j] && reads(f, g->users[e], node)) return true;
        }
    }
    return false;
}

/* Words for why a set cannot be one kernel, NULL when it can. Leaves in f->joint what is known of it. */
static const char *refusal(sni_fuser *f, const int *set, int count, bool *out_failed) {
    bool stores = false;
    for (int i = 0; i < count; ++i) stores = sni_fuser_facts(f, set[i])->stores || stores;
    if (stores && reads_stored(f, set, count)) return "the value is to be stored";
    bool plain = count == 2 && sni_fuser_is_plain(f, set[0], set[1], out_failed);
    if (*out_failed) return NULL;
    if (plain)
        return sni_groups_encloses(&f->groups, set, count, out_failed) ? "another kernel has to run in between" : NULL;
    f->joint = (sni_facts){.plain = SNI_PLAIN_NO, .stores = stores};
    for (int i = 0; i < count; ++i) f->joint.kinds |= sni_fuser_facts(f, set[i])->kinds;
    return attempt(f, set, count, out_failed);
}

const char *sni_fuser_join(sni_fuser *f, const int *set, int count, int *out_group) {
    bool failed = false;
    const char *why = refusal(f, set, count, &failed);
    *out_group = -1;
    if (failed) return NULL;
    if (why) return why;
    if (sni_groups_join(&f->groups, set, count, out_group)) f->facts[*out_group] = f->joint;
    return NULL;
}

void sni_fuser_note_end(sni_fuser *f, int node, int group, const char *why) {
    const sni_node *n = &f->graph->nodes[node];
    if (f->groups.items[group].ends) return;
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "%s%s%s%s: %s", n->op->name, n->name ? " '" : "", n->name ? n->name : "", n->name ? "'" : "",
                   why);
    f->groups.items[group].ends = sni_arena_strdup(f->arena, sni_str_text(&text));
    sni_str_deinit(&text);
}
