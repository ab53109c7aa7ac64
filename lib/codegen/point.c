/* One point of the parallel axes: scalar code of the row between passes over the inner axes. */
#include "codegen/accumulate.h"

#include <string.h>

const char **sni_emit_names(sni_emitter *e, const char *const *from) {
    size_t bytes = (size_t)(e->loop->stmt_count + 1) * sizeof(const char *);
    const char **names = sni_arena_alloc(e->arena, bytes);
    if (names == NULL)
        e->failed = true;
    else if (from != NULL)
        memcpy(names, from, bytes - sizeof(const char *));
    return names;
}

static bool *flags(sni_emitter *e) {
    bool *result = sni_arena_alloc(e->arena, (size_t)e->loop->stmt_count + 1);
    if (result == NULL) e->failed = true;
    return result;
}

void sni_emit_row_stmts(sni_emitter *e, const sni_scope *scope, const sni_passes *passes, int depth, uint32_t only,
                        const char **names) {
    const sni_loop *loop = passes->loop;
    bool *needed = flags(e);
    if (needed == NULL) return;
    for (int s = 0; s < loop->stmt_count; ++s)
        needed[s] = passes->live[s] && passes->depth[s] <= depth && loop->stmts[s].kind != SNI_STMT_REDUCE &&
                    (loop->stmts[s].mask & ~only) == 0;
    sni_scope local = *scope;
    const char **have = sni_emit_names(e, names);
    if (have == NULL) return;
    local.have = have;
    sni_emit_stmts(e, &local, needed, names);
}

/* What an element needs to enter REDUCE s. */
static void need_argument(const sni_passes *passes, int s, const bool *stop, bool *needed) {
    const sni_follower *f = passes->followers != NULL ? &passes->followers[s] : NULL;
    if (f == NULL || f->tuple == SNI_TUPLE_NONE) {
        sni_need_reduce(passes->loop, s, stop, needed);
        return;
    }
    for (int i = 0; i < f->factor_count; ++i) sni_emit_need(passes->loop, f->factors[i], stop, needed);
    sni_emit_need(passes->loop, passes->loop->stmts[f->leader].args[0], stop, needed);
}

bool *sni_emit_pass_need(sni_emitter *e, const sni_passes *passes, int pass, const char *const *have) {
    const sni_loop *loop = passes->loop;
    bool *needed = flags(e), *stop = flags(e);
    if (needed == NULL || stop == NULL) return NULL;
    for (int s = 0; s < loop->stmt_count; ++s) stop[s] = have[s] != NULL;
    for (int s = 0; s < loop->stmt_count; ++s)
        if (passes->live[s] && loop->stmts[s].kind == SNI_STMT_REDUCE && passes->depth[s] == pass)
            need_argument(passes, s, stop, needed);
    if (pass == passes->count)
        for (int i = 0; i < loop->store_count; ++i)
            if (sni_store_inner(loop, &loop->stores[i])) sni_emit_need(loop, loop->stores[i].stmt, stop, needed);
    return needed;
}

void sni_emit_inner_stores(sni_emitter *e, const sni_scope *scope, const char *const *names) {
    sni_scope local = *scope;
    local.have = names;
    for (int i = 0; i < e->loop->store_count; ++i) {
        const sni_store *store = &e->loop->stores[i];
        if (sni_store_inner(e->loop, store)) sni_emit_store(e, &local, store, names[store->stmt]);
    }
}

void sni_emit_row_stores(sni_emitter *e, const sni_scope *scope, const char *const *names) {
    sni_scope local = *scope;
    local.have = names;
    for (int i = 0; i < e->loop->store_count; ++i) {
        const sni_store *store = &e->loop->stores[i];
        if (!sni_store_inner(e->loop, store)) sni_emit_store(e, &local, store, names[store->stmt]);
    }
}

/* One point, or one vector of points, among those that are printed together: a scope with a prefix of its own, and the names of
 * what it has. */
typedef struct point {
    const sni_scope *scope;
    const char **names;
    sni_place place; /* of its accumulators */
} point;

/* What a point does inside the inner loops. */
static void emit_inside(sni_emitter *e, const point *p, const sni_accumulators *accumulators) {
    const sni_passes *passes = accumulators->passes;
    const char **inside = sni_emit_names(e, p->names);
    bool *needed = sni_emit_pass_need(e, passes, accumulators->pass, p->names);
    if (inside == NULL || needed == NULL) return;
    sni_scope local = *p->scope;
    local.have = p->names;
    sni_emit_stmts(e, &local, needed, inside);
    sni_accumulators_add(accumulators, p->scope, inside, p->place);
    if (accumulators->pass == passes->count) sni_emit_inner_stores(e, p->scope, inside);
}

static void emit_pass(sni_emitter *e, const point *points, int count, const sni_passes *passes, int pass) {
    const sni_loop *loop = e->loop;
    for (int i = 0; i < count; ++i) {
        sni_accumulators accumulators = {e, passes, pass, 1, points[i].scope};
        sni_accumulators_declare(&accumulators, points[i].place);
    }
    if (count == 1) {
        bool *needed = sni_emit_pass_need(e, passes, pass, points[0].names);
        if (needed != NULL) sni_emit_carries(e, points[0].scope, needed);
    }
    sni_emit_open_loops(e, points[0].scope, loop->inner);
    for (int i = 0; i < count; ++i) {
        sni_accumulators accumulators = {e, passes, pass, 1, points[i].scope};
        emit_inside(e, &points[i], &accumulators);
    }
    sni_emit_close_loops(e, loop->inner);
    for (int i = 0; i < count; ++i) {
        sni_accumulators accumulators = {e, passes, pass, 1, points[i].scope};
        sni_accumulators_finish(&accumulators, points[i].scope, points[i].place, points[i].names);
    }
}

static bool begin_points(sni_emitter *e, const sni_scope *scopes, int count, point *points) {
    for (int i = 0; i < count; ++i) {
        const char *suffix = count == 1 ? "" : sni_emit_format(e, "_v%d", i);
        points[i] = (point){&scopes[i], sni_emit_names(e, scopes[i].have), sni_place_of(suffix)};
        if (points[i].names == NULL) return false;
    }
    return true;
}

/* Statements of the row are printed as soon as the reductions that they need are complete, and before the pass that may need
 * them: so each is computed once a point, and none inside a loop that does not move it. */
void sni_emit_points(sni_emitter *e, const sni_scope *scopes, int count, const sni_passes *passes) {
    point points[SNI_MOST_POINTS];
    if (!begin_points(e, scopes, count, points)) return;
    uint32_t row = ~e->loop->inner;
    for (int i = 0; i < count; ++i) sni_emit_row_stmts(e, &scopes[i], passes, 0, row, points[i].names);
    for (int pass = 1; pass <= passes->count; ++pass) {
        emit_pass(e, points, count, passes, pass);
        for (int i = 0; i < count; ++i) sni_emit_row_stmts(e, &scopes[i], passes, pass, row, points[i].names);
    }
    for (int i = 0; i < count; ++i) sni_emit_row_stores(e, &scopes[i], points[i].names);
}

void sni_emit_point(sni_emitter *e, const sni_scope *scope, const sni_passes *passes) {
    if (sni_loop_is_flat(e->loop))
        sni_emit_points(e, scope, 1, passes);
    else
        sni_emit_nest(e, scope, passes);
}
