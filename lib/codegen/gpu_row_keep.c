/* Choosing what of a row stays in registers: the last values before a result of the row comes in. */
#include "codegen/gpu_row_keep.h"

enum { WORTH = 4 /* simple operations that cost more than a register */ };

/* Simple operations to have statement s again, a load counted as worth it in any case. */
static double cost_of(const sni_loop *loop, const double *costs, int s) {
    const sni_stmt *stmt = &loop->stmts[s];
    if (!sni_stmt_inner(loop, s)) return 0;
    double cost = stmt->kind == SNI_STMT_LOAD ? WORTH : stmt->kind == SNI_STMT_OP ? stmt->op->cost : 1;
    for (int a = 0; a < stmt->arg_count; ++a) cost += costs[stmt->args[a]];
    return cost;
}

/* Variables as the planning sees them: all of the row, and what would be kept. */
static const char **names_with(sni_emitter *e, const bool *computed, const double *costs) {
    const sni_loop *loop = e->loop;
    const char **names = sni_emit_names(e, NULL);
    for (int s = 0; names != NULL && s < loop->stmt_count; ++s) {
        bool row = !sni_stmt_inner(loop, s);
        if (row || (computed[s] && costs[s] >= WORTH)) names[s] = row ? "row" : "kept";
    }
    return names;
}

/* Of one element, at the end of the pass where most is kept. */
static int most_bytes(const sni_row_keep *keep, const int *first, const int *last) {
    const sni_loop *loop = keep->passes->loop;
    int most = 0;
    for (int pass = 1; pass < keep->passes->count; ++pass) {
        int bytes = 0;
        for (int s = 0; s < loop->stmt_count; ++s) {
            sni_ctype type = sni_ctype_of(loop->stmts[s].dtype);
            if (!keep->kept[s] || first[s] > pass || last[s] <= pass) continue;
            bytes += type == SNI_C_LONG || type == SNI_C_DOUBLE ? 8 : 4;
        }
        if (bytes > most) most = bytes;
    }
    return most;
}

bool sni_row_keep_find(sni_row_keep *keep, const sni_passes *passes, sni_emitter *e) {
    const sni_loop *loop = passes->loop;
    size_t room = (size_t)loop->stmt_count + 1;
    *keep = (sni_row_keep){.passes = passes, .kept = sni_arena_alloc(e->arena, room)};
    bool *computed = sni_arena_alloc(e->arena, room);
    int *first = sni_arena_alloc(e->arena, room * sizeof *first),
        *last = sni_arena_alloc(e->arena, room * sizeof *last);
    double *costs = sni_arena_alloc(e->arena, room * sizeof *costs);
    if (keep->kept == NULL || computed == NULL || costs == NULL || first == NULL || last == NULL) return false;
    for (int s = 0; s < loop->stmt_count; ++s) costs[s] = cost_of(loop, costs, s);
    for (int pass = 1; pass <= passes->count; ++pass) {
        const char **names = names_with(e, computed, costs);
        bool *needed = names != NULL ? sni_emit_pass_need(e, passes, pass, names) : NULL;
        if (needed == NULL) return false;
        for (int s = 0; s < loop->stmt_count; ++s) {
            if (!needed[s] || !sni_stmt_inner(loop, s)) continue;
            if (names[s] != NULL) keep->kept[s] = true, last[s] = pass;
            if (!computed[s]) first[s] = pass;
            computed[s] = true;
        }
    }
    for (int s = 0; s < loop->stmt_count; ++s) keep->count += keep->kept[s];
    keep->bytes = most_bytes(keep, first, last);
    return true;
}
