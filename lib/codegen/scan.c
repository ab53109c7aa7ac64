/* Scans: what they carry along the inner axis, point by point or lanes of the axis at a time. */
#include "codegen/layout.h"

static const char *carry_of(sni_emitter *e, int s) {
    return sni_emit_format(e, "carry%d", s);
}

/* Do the lanes lie along the axis of the scans? Otherwise they are lines beside each other. */
static bool lanes_along(const sni_emitter *e, const sni_scope *scope) {
    return scope->width > 1 && scope->lane_axis >= 0 && (e->loop->inner >> scope->lane_axis & 1) != 0;
}

/* Lanes of what is carried. */
static int carry_width(const sni_emitter *e, const sni_scope *scope, int s) {
    return sni_emit_is_vector(e, scope, s) && !lanes_along(e, scope) ? scope->width : 1;
}

/* Extremes are values that were in range before. Wrapping them again would, besides, make of them 8-bit minima of vectors,
 * at which llvmpipe's LLVM crashes. */
static const char *wrapped(sni_emitter *e, const sni_stmt *stmt, int width, const char *text) {
    if (stmt->combiner == SNI_COMBINE_MAX || stmt->combiner == SNI_COMBINE_MIN) return text;
    return sni_emit_wrap(e, stmt->dtype, width, text);
}

void sni_emit_carries(sni_emitter *e, const sni_scope *scope, const bool *needed) {
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        const sni_stmt *stmt = &e->loop->stmts[s];
        if (!needed[s] || stmt->kind != SNI_STMT_SCAN) continue;
        int width = carry_width(e, scope, s);
        sni_emit_line(e, "%s %s = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), width), carry_of(e, s),
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, width));
    }
}

/* Lane `lane` of a vector variable; what is outside of it is what the combiner starts with. */
static const char *lane_text(sni_emitter *e, const sni_stmt *stmt, const char *name, int lane, int width) {
    if (lane < 0 || lane >= width) return sni_emit_identity(e, stmt->combiner, stmt->dtype, 1);
    return sni_emit_format(e, "%s.s%x", name, (unsigned)lane);
}

/* The lanes of a vector moved by some places in the direction of the scan. */
static const char *shifted(sni_emitter *e, const sni_stmt *stmt, int width, const char *name, int by) {
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "(%s)(", sni_ctype_name(sni_ctype_of(stmt->dtype), width));
    for (int lane = 0; lane < width; ++lane)
        sni_str_printf(&text, "%s%s", lane > 0 ? ", " : "",
                       lane_text(e, stmt, name, e->loop->reverse ? lane + by : lane - by, width));
    sni_str_append(&text, ")");
    return sni_emit_keep(e, &text);
}

const char *sni_emit_prefix(sni_emitter *e, int s, int width, const char *name) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_ctype type = sni_ctype_of(stmt->dtype);
    for (int by = 1; by < width; by *= 2) {
        const char *next = sni_emit_format(e, "%s_%d", name, by);
        sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width), next,
                      sni_emit_combine(e, stmt->combiner, type, width, shifted(e, stmt, width, name, by), name));
        name = next;
    }
    return name;
}

const char *sni_emit_prefix_last(sni_emitter *e, int width, const char *prefix) {
    if (width == 1) return prefix;
    return sni_emit_format(e, "%s.s%x", prefix, e->loop->reverse ? 0u : (unsigned)(width - 1));
}

const char *sni_emit_scanned(sni_emitter *e, int s, int width, const char *prefix, const char *before) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_ctype type = sni_ctype_of(stmt->dtype);
    const char *own = prefix;
    if (stmt->exclusive && width == 1) return wrapped(e, stmt, width, before);
    if (stmt->exclusive) own = shifted(e, stmt, width, prefix, 1);
    if (width > 1) before = sni_emit_format(e, "(%s)(%s)", sni_ctype_name(type, width), before);
    return wrapped(e, stmt, width, sni_emit_combine(e, stmt->combiner, type, width, before, own));
}

void sni_emit_scan_step(sni_emitter *e, const sni_scope *scope, int s, const char *name) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    int width = sni_emit_is_vector(e, scope, s) ? scope->width : 1;
    sni_ctype type = sni_ctype_of(stmt->dtype);
    const char *carry = carry_of(e, s), *type_name = sni_ctype_name(type, width);
    const char *arg = sni_emit_operand(e, scope, stmt->args[0], type, width);
    if (lanes_along(e, scope)) {
        const char *own = sni_emit_format(e, "%s_own", name);
        sni_emit_line(e, "const %s %s = %s;", type_name, own, arg);
        const char *prefix = sni_emit_prefix(e, s, width, own);
        sni_emit_line(e, "const %s %s = %s;", type_name, name, sni_emit_scanned(e, s, width, prefix, carry));
        sni_emit_line(e, "%s = %s;", carry,
                      sni_emit_combine(e, stmt->combiner, type, 1, carry, sni_emit_prefix_last(e, width, prefix)));
        return;
    }
    const char *next = sni_emit_combine(e, stmt->combiner, type, width, carry, arg);
    const char *value = wrapped(e, stmt, width, carry);
    if (!stmt->exclusive) sni_emit_line(e, "%s = %s;", carry, next);
    sni_emit_line(e, "const %s %s = %s;", type_name, name, value);
    if (stmt->exclusive) sni_emit_line(e, "%s = %s;", carry, next);
}
