/* One value of a row that waits between two passes. */
#include "codegen/cpu_row_stage.h"

enum {
    WORTH = 8, /* simple operations that cost more than a store and a load of the nearest cache */
    SHORT_ROOM =
        4096, /* elements of local memory: two sizes, so that kernels do not depend on more of a row's length */
    LONG_ROOM = 16384
};

/* What a pass needs when statement s is at hand. */
static bool *need_with(sni_emitter *e, const sni_passes *passes, int pass, const char *const *have, int s) {
    const char **names = sni_emit_names(e, have);
    if (names == NULL) return NULL;
    if (s >= 0) names[s] = "waiting";
    return sni_emit_pass_need(e, passes, pass, names);
}

/* Statements of the row, as they are at hand inside it. */
static const char **row_names(sni_emitter *e, const sni_passes *passes) {
    const char **names = sni_emit_names(e, NULL);
    for (int s = 0; names != NULL && s < passes->loop->stmt_count; ++s)
        if (!sni_stmt_inner(passes->loop, s)) names[s] = "row";
    return names;
}

static bool reads_in_last_pass(sni_emitter *e, const sni_passes *passes, const char *const *names, int s) {
    const sni_loop *loop = passes->loop;
    bool *needed = need_with(e, passes, passes->count, names, s);
    if (needed == NULL || !needed[s]) return true;
    for (int i = 0; i < loop->stmt_count; ++i)
        if (i != s && needed[i] && names[i] == NULL && loop->stmts[i].kind == SNI_STMT_LOAD) return true;
    return false;
}

/* The one store inside the row of f32, if there is exactly one store inside the row. */
static const sni_store *place_of(const sni_loop *loop) {
    const sni_store *place = NULL;
    for (int i = 0; i < loop->store_count; ++i) {
        if (!sni_store_inner(loop, &loop->stores[i])) continue;
        if (place != NULL) return NULL;
        place = &loop->stores[i];
    }
    return place != NULL && loop->buffers[place->buffer].dtype == SINTER_F32 ? place : NULL;
}

/* Elements of local memory for a row with one inner axis; 0: its length is not known, or it is too long. */
static int room_of(const sni_emitter *e) {
    const sni_loop *loop = e->loop;
    uint64_t bytes = e->caps->local_bytes / (e->caps->local_counts_twice ? 2 : 1);
    int64_t length;
    if (sni_inner_count(loop) != 1 || !sni_sym_is_const(loop->sym, sni_extent_product(loop, loop->inner), &length))
        return 0;
    int room = length <= SHORT_ROOM ? SHORT_ROOM : LONG_ROOM;
    return length <= room && (uint64_t)room * 4 <= bytes ? room : 0;
}

/* May the value of s wait in the place that the stage has? */
static bool may_wait(const sni_stage *stage, sni_emitter *e, const sni_passes *passes, const char *const *names,
                     int s) {
    const sni_loop *loop = passes->loop;
    const sni_stmt *stmt = &loop->stmts[s];
    if (stmt->kind != SNI_STMT_OP || sni_ctype_of(stmt->dtype) != SNI_C_FLOAT || stmt->op->cost < WORTH) return false;
    if (stage->store != NULL)
        return stmt->dtype == SINTER_F32 && stmt->mask == stage->store->mask &&
               !sni_sym_uses_value(loop->sym, stage->store->offset) && !reads_in_last_pass(e, passes, names, s);
    bool *needed = need_with(e, passes, passes->count, names, s);
    return (stmt->mask & loop->inner) == loop->inner && needed != NULL && needed[s];
}

static void find_in(sni_stage *stage, sni_emitter *e, const sni_passes *passes, const char *const *names) {
    bool *before = sni_emit_pass_need(e, passes, stage->pass, names);
    for (int s = passes->loop->stmt_count - 1; before != NULL && stage->stmt < 0 && s >= 0; --s)
        if (before[s] && names[s] == NULL && may_wait(stage, e, passes, names, s)) stage->stmt = s;
}

sni_stage sni_stage_find(sni_emitter *e, const sni_passes *passes) {
    sni_stage stage = {-1, passes->count - 1, place_of(passes->loop), 0};
    const char **names = row_names(e, passes);
    if (stage.pass < 1 || names == NULL) return stage;
    if (stage.store != NULL) find_in(&stage, e, passes, names);
    if (stage.stmt >= 0) return stage;
    stage.store = NULL;
    stage.room = room_of(e);
    if (stage.room > 0) find_in(&stage, e, passes, names);
    if (stage.stmt < 0) stage.room = 0;
    return stage;
}

void sni_stage_declare(const sni_stage *stage, sni_emitter *e) {
    if (stage->room > 0) sni_emit_line(e, "__local float waiting[%d];", stage->room);
}

/* Where in local memory the scope's first point lies. */
static const char *local_place(sni_emitter *e, const sni_scope *scope) {
    int axis = 0;
    while ((e->loop->inner >> axis & 1u) == 0) ++axis;
    return sni_emit_format(e, "waiting + %s", scope->names[axis]);
}

bool *sni_stage_need(const sni_stage *stage, sni_emitter *e, const sni_passes *passes, int pass,
                     const char *const *have) {
    bool waiting = stage->stmt >= 0 && pass == passes->count;
    return need_with(e, passes, pass, have, waiting ? stage->stmt : -1);
}

void sni_stage_load(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass, const char **names) {
    if (stage->stmt < 0 || pass != stage->pass + 1) return;
    if (stage->room > 0) {
        names[stage->stmt] = sni_emit_format(e, "s%d", stage->stmt);
        if (scope->width > 1)
            sni_emit_line(e, "const float%d %s = vload%d(0, %s);", scope->width, names[stage->stmt], scope->width,
                          local_place(e, scope));
        else
            sni_emit_line(e, "const float %s = *(%s);", names[stage->stmt], local_place(e, scope));
        return;
    }
    sni_stmt load = {.kind = SNI_STMT_LOAD,
                     .dtype = SINTER_F32,
                     .mask = stage->store->mask,
                     .buffer = stage->store->buffer,
                     .offset = stage->store->offset};
    names[stage->stmt] = sni_emit_format(e, "s%d", stage->stmt);
    sni_emit_load_as(e, scope, &load, names[stage->stmt]);
}

void sni_stage_store(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass,
                     const char *const *names) {
    if (stage->stmt < 0 || pass != stage->pass) return;
    if (stage->room > 0) {
        if (scope->width > 1)
            sni_emit_line(e, "vstore%d(%s, 0, %s);", scope->width, names[stage->stmt], local_place(e, scope));
        else
            sni_emit_line(e, "*(%s) = %s;", local_place(e, scope), names[stage->stmt]);
        return;
    }
    sni_store store = *stage->store;
    store.stmt = stage->stmt;
    sni_scope local = *scope;
    local.have = names;
    sni_emit_store(e, &local, &store, names[stage->stmt]);
}
