/* One point of the parallel axes of any nest: loops within loops, each statement in the outermost one that it may be in.
 *
 * A level is a set of axes that have values: at first the parallel ones. Printed there is what depends on no other axis,
 * in the order of the program; a REDUCE opens loops over its axes, inside of which is the next level, and takes with it
 * the reductions that run over the same axes and are ready. Stores over inner axes get loops of their own at the end. */
#include "codegen/layout.h"

#include <string.h>

typedef struct level {
    sni_emitter *e;
    const sni_scope *scope;
    uint32_t fixed;     /* axes that have values */
    const bool *needed; /* statements that the level is to provide, or that those need */
    const char **names; /* variables so far */
} level;

static bool *flags(sni_emitter *e) {
    bool *result = sni_arena_alloc(e->arena, (size_t)e->loop->stmt_count + 1);
    if (result == NULL) e->failed = true;
    return result;
}

static bool belongs(const level *l, int s) {
    return l->needed[s] && l->names[s] == NULL && (l->e->loop->stmts[s].mask & ~l->fixed) == 0;
}

/* Does the level's variable of a statement hold inside a loop over axes? The loop may run over an axis that has a value
 * around it, too: a sum of a row that is needed at every point of the row. */
static bool holds_inside(const level *l, int s, uint32_t axes) {
    return l->names[s] != NULL && (l->e->loop->stmts[s].mask & axes) == 0;
}

/* What the arguments of the reductions in chosen, all over axes, need, down to what has a variable already. */
static bool *argument_need(const level *l, uint32_t axes, const bool *chosen) {
    const sni_loop *loop = l->e->loop;
    bool *stop = flags(l->e), *needed = flags(l->e);
    if (stop == NULL || needed == NULL) return NULL;
    for (int s = 0; s < loop->stmt_count; ++s) stop[s] = holds_inside(l, s, axes);
    for (int s = 0; s < loop->stmt_count; ++s)
        if (chosen[s]) sni_need_reduce(loop, s, stop, needed);
    return needed;
}

/* Can reduction r be computed now, from what the level has? */
static bool ready(const level *l, int r) {
    bool *chosen = flags(l->e);
    if (chosen == NULL) return false;
    chosen[r] = true;
    bool *needed = argument_need(l, l->e->loop->stmts[r].axes, chosen);
    for (int s = 0; needed != NULL && s < r; ++s)
        if (needed[s] && (l->e->loop->stmts[s].mask & (~l->fixed | l->e->loop->stmts[r].axes)) == 0) return false;
    return needed != NULL;
}

static void emit_level(const level *l);

static int width_of(const level *l, int s) {
    return sni_emit_is_vector(l->e, l->scope, s) ? l->scope->width : 1;
}

static void name_result(const level *l, int r) {
    sni_emitter *e = l->e;
    const sni_stmt *stmt = &e->loop->stmts[r];
    int width = width_of(l, r);
    const char *acc = sni_emit_format(e, "acc%d", r), *wrapped = sni_emit_wrap(e, stmt->dtype, width, acc);
    l->names[r] = acc;
    if (wrapped == acc) return;
    l->names[r] = sni_emit_format(e, "s%d", r);
    sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), width), l->names[r], wrapped);
}

static void emit_reductions(const level *l, uint32_t axes, const bool *chosen) {
    sni_emitter *e = l->e;
    int count = e->loop->stmt_count;
    bool *needed = argument_need(l, axes, chosen);
    const char **inside = sni_emit_names(e, l->names);
    if (needed == NULL || inside == NULL) return;
    for (int s = 0; s < count; ++s)
        if (!holds_inside(l, s, axes)) inside[s] = NULL;
    for (int s = 0; s < count; ++s) {
        if (!chosen[s]) continue;
        const sni_stmt *stmt = &e->loop->stmts[s];
        sni_emit_line(e, "%s acc%d = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), width_of(l, s)), s,
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, width_of(l, s)));
    }
    sni_emit_open_loops(e, l->scope, axes);
    level inner = {e, l->scope, l->fixed | axes, needed, inside};
    emit_level(&inner);
    for (int s = 0; s < count; ++s)
        if (chosen[s]) sni_emit_accumulate(e, l->scope, s, inside, width_of(l, s), sni_emit_format(e, "acc%d", s));
    sni_emit_close_loops(e, axes);
    for (int s = 0; s < count; ++s)
        if (chosen[s]) name_result(l, s);
}

static void emit_level(const level *l) {
    sni_emitter *e = l->e;
    const sni_loop *loop = e->loop;
    bool *chosen = flags(e), *one = flags(e);
    const char **have = sni_emit_names(e, NULL);
    if (chosen == NULL || one == NULL || have == NULL) return;
    for (int s = 0; s < loop->stmt_count && !e->failed; ++s) {
        if (!belongs(l, s)) continue;
        if (loop->stmts[s].kind == SNI_STMT_REDUCE) {
            uint32_t axes = loop->stmts[s].axes;
            memset(chosen, 0, (size_t)loop->stmt_count);
            for (int r = s; r < loop->stmt_count; ++r)
                chosen[r] = r == s || (belongs(l, r) && loop->stmts[r].kind == SNI_STMT_REDUCE &&
                                       loop->stmts[r].axes == axes && ready(l, r));
            emit_reductions(l, axes, chosen);
            continue;
        }
        sni_scope local = *l->scope;
        memcpy(have, l->names, (size_t)loop->stmt_count * sizeof *have);
        local.have = have;
        one[s] = true;
        sni_emit_stmts(e, &local, one, l->names);
        one[s] = false;
    }
}

/* The stores whose axes beyond the level's are extra, and what they need. */
static void emit_stores(const level *l, uint32_t extra) {
    sni_emitter *e = l->e;
    const sni_loop *loop = e->loop;
    bool *stop = flags(e), *needed = flags(e);
    const char **inside = sni_emit_names(e, l->names);
    if (stop == NULL || needed == NULL || inside == NULL) return;
    for (int s = 0; s < loop->stmt_count; ++s) stop[s] = l->names[s] != NULL;
    for (int i = 0; i < loop->store_count; ++i)
        if ((loop->stores[i].mask & ~l->fixed) == extra) sni_emit_need(loop, loop->stores[i].stmt, stop, needed);
    sni_emit_open_loops(e, l->scope, extra);
    level inner = {e, l->scope, l->fixed | extra, needed, inside};
    emit_level(&inner);
    sni_scope local = *l->scope;
    local.have = inside;
    for (int i = 0; i < loop->store_count; ++i)
        if ((loop->stores[i].mask & ~l->fixed) == extra)
            sni_emit_store(e, &local, &loop->stores[i], inside[loop->stores[i].stmt]);
    sni_emit_close_loops(e, extra);
}

void sni_emit_nest(sni_emitter *e, const sni_scope *scope, const sni_passes *passes) {
    const sni_loop *loop = e->loop;
    const char **names = sni_emit_names(e, scope->have);
    if (names == NULL) return;
    level l = {e, scope, sni_parallel_mask(loop), passes->live, names};
    emit_level(&l);
    for (int i = 0; i < loop->store_count; ++i) {
        uint32_t extra = loop->stores[i].mask & loop->inner;
        bool first = true;
        for (int k = 0; k < i; ++k) first &= (loop->stores[k].mask & loop->inner) != extra;
        if (first) emit_stores(&l, extra);
    }
}
