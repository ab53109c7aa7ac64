/* One value of a row that waits in the output's memory between two passes. */
#include "codegen/cpu_row_stage.h"

enum { WORTH = 8 /* simple operations that cost more than a store and a load of the nearest cache */ };

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

sni_stage sni_stage_find(sni_emitter *e, const sni_passes *passes) {
    const sni_loop *loop = passes->loop;
    sni_stage stage = {-1, passes->count - 1, place_of(loop)};
    const char **names = row_names(e, passes);
    if (stage.store == NULL || stage.pass < 1 || names == NULL) return stage;
    bool *before = sni_emit_pass_need(e, passes, stage.pass, names);
    for (int s = loop->stmt_count - 1; before != NULL && s >= 0; --s) {
        const sni_stmt *stmt = &loop->stmts[s];
        if (!before[s] || names[s] != NULL || stmt->kind != SNI_STMT_OP || stmt->dtype != SINTER_F32) continue;
        if (stmt->op->cost < WORTH || stmt->mask != stage.store->mask) continue;
        if (sni_sym_uses_value(loop->sym, stage.store->offset) || reads_in_last_pass(e, passes, names, s)) continue;
        stage.stmt = s;
        break;
    }
    return stage;
}

bool *sni_stage_need(const sni_stage *stage, sni_emitter *e, const sni_passes *passes, int pass,
                     const char *const *have) {
    bool waiting = stage->stmt >= 0 && pass == passes->count;
    return need_with(e, passes, pass, have, waiting ? stage->stmt : -1);
}

void sni_stage_load(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass, const char **names) {
    if (stage->stmt < 0 || pass != stage->pass + 1) return;
    sni_stmt load = {.kind = SNI_STMT_LOAD, .dtype = SINTER_F32, .mask = stage->store->mask,
                     .buffer = stage->store->buffer, .offset = stage->store->offset};
    names[stage->stmt] = sni_emit_format(e, "s%d", stage->stmt);
    sni_emit_load_as(e, scope, &load, names[stage->stmt]);
}

void sni_stage_store(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass,
                     const char *const *names) {
    if (stage->stmt < 0 || pass != stage->pass) return;
    sni_store store = *stage->store;
    store.stmt = stage->stmt;
    sni_scope local = *scope;
    local.have = names;
    sni_emit_store(e, &local, &store, names[stage->stmt]);
}
