/* What transposing strategies share: which loads they stage, where a tile lies, what is computed from it. */
#include "codegen/transpose.h"

enum {
    LEAST_EXTENT = 8, /* a line that is known to be shorter leaves most of a tile empty */
    MOST_STAGED = 4   /* loads: tiles take local memory, or a core's stack */
};

static bool long_enough(const sni_loop *loop, int axis) {
    int64_t known;
    return !sni_sym_is_const(loop->sym, loop->extents[axis], &known) || known >= LEAST_EXTENT;
}

/* The axis other than the last along which a load reads memory, or -1; lines across both are what tiles are for. */
static int line_of(const sni_loop *loop, const sni_stmt *load, int along) {
    sni_sym *sym = loop->sym;
    sni_expr coefficient, rest;
    if (sni_sym_uses_value(sym, load->offset) || (load->guard != SNI_NO_EXPR && sni_sym_uses_value(sym, load->guard)))
        return -1;
    if (!sni_sym_uses_axis(sym, load->offset, along)) return -1;
    if (sni_sym_linear_in(sym, load->offset, along, &coefficient, &rest) && sni_sym_is(sym, coefficient, 1)) return -1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (a != along && sni_sym_uses_axis(sym, load->offset, a) &&
            sni_sym_linear_in(sym, load->offset, a, &coefficient, &rest) && sni_sym_is(sym, coefficient, 1))
            return a;
    return -1;
}

static void find_staged(sni_transpose *t, const sni_passes *passes) {
    const sni_loop *loop = t->loop;
    for (int s = 0; s < loop->stmt_count; ++s) {
        const sni_stmt *stmt = &loop->stmts[s];
        if (!passes->live[s] || stmt->kind != SNI_STMT_LOAD) continue;
        int line = line_of(loop, stmt, t->along);
        if (line < 0 || (t->across >= 0 && line != t->across) || t->count == MOST_STAGED) continue;
        int size = (int)sinter_dtype_size(stmt->dtype);
        sni_ctype type = sni_ctype_of(stmt->dtype);
        t->across = line;
        t->staged[s] = true;
        t->bytes += type == SNI_C_LONG || type == SNI_C_DOUBLE ? 8 : 4;
        if (t->count++ == 0 || size < t->smallest) t->smallest = size;
    }
}

bool sni_transpose_find(const sni_loop *loop, sni_arena *arena, sni_transpose *out, sni_str *why) {
    sni_passes passes;
    *out = (sni_transpose){.loop = loop, .along = loop->axis_count - 1, .across = -1};
    const char *reason = "memory is read along the axis that it is written along";
    if (loop->inner != 0 || loop->axis_count < 2) {
        reason = loop->inner != 0 ? "the program has inner axes" : "the program has one axis";
    } else {
        out->staged = sni_arena_alloc(arena, (size_t)loop->stmt_count + 1);
        if (out->staged == NULL || !sni_passes_init(&passes, loop, arena)) return false;
        find_staged(out, &passes);
        if (out->count > 0 && long_enough(loop, out->along) && long_enough(loop, out->across)) return true;
        if (out->count > 0) reason = "the lines of a tile are short";
    }
    if (why != NULL) sni_str_append(why, reason);
    return false;
}

static sni_expr tiles_along(const sni_transpose *t, int axis, int tile) {
    return sni_sym_ceil_div(t->loop->sym, t->loop->extents[axis], sni_sym_const(t->loop->sym, tile));
}

static uint32_t others(const sni_transpose *t) {
    return sni_parallel_mask(t->loop) & ~(1u << t->along) & ~(1u << t->across);
}

sni_expr sni_transpose_tiles(const sni_transpose *t, int tile) {
    sni_sym *sym = t->loop->sym;
    sni_expr both = sni_sym_mul(sym, tiles_along(t, t->along, tile), tiles_along(t, t->across, tile));
    return sni_sym_mul(sym, both, sni_extent_product(t->loop, others(t)));
}

void sni_transpose_place(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, int tile) {
    const char *along = sni_emit_number(e, tiles_along(t, t->along, tile));
    const char *across = sni_emit_number(e, tiles_along(t, t->across, tile));
    sni_emit_line(e, "const sn_idx line = tile / %s, base_along = (tile - line*%s) * %d;", along, along, tile);
    sni_emit_line(e, "const sn_idx outer = line / %s, base_across = (line - outer*%s) * %d;", across, across, tile);
    if (others(t) != 0) sni_emit_split(e, scope, others(t), "outer");
}

bool *sni_transpose_need(const sni_transpose *t, sni_emitter *e) {
    bool *needed = sni_arena_alloc(e->arena, (size_t)t->loop->stmt_count + 1);
    if (needed == NULL) {
        e->failed = true;
        return NULL;
    }
    for (int i = 0; i < t->loop->store_count; ++i) sni_emit_need(t->loop, t->loop->stores[i].stmt, t->staged, needed);
    return needed;
}

void sni_transpose_points(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, const bool *needed,
                          const char **names) {
    const char **have = sni_emit_names(e, names);
    if (have == NULL) return;
    sni_scope local = *scope;
    local.have = have;
    sni_emit_stmts(e, &local, needed, names);
    local.have = names;
    for (int i = 0; i < t->loop->store_count; ++i)
        sni_emit_store(e, &local, &t->loop->stores[i], names[t->loop->stores[i].stmt]);
}
