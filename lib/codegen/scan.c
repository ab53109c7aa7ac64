/* Scans in a sequential loop: a value is carried from one point of the inner axis to the next. */
#include "codegen/layout.h"

static const char *carry_of(sni_emitter *e, int s) { return sni_emit_format(e, "carry%d", s); }

static int width_of(const sni_emitter *e, const sni_scope *scope, int s) {
    return sni_emit_is_vector(e, scope, s) ? scope->width : 1;
}

void sni_emit_carries(sni_emitter *e, const sni_scope *scope, const bool *needed) {
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        const sni_stmt *stmt = &e->loop->stmts[s];
        if (!needed[s] || stmt->kind != SNI_STMT_SCAN) continue;
        int width = width_of(e, scope, s);
        sni_emit_line(e, "%s %s = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), width), carry_of(e, s),
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, width));
    }
}

void sni_emit_scan_step(sni_emitter *e, const sni_scope *scope, int s, const char *name) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    int width = width_of(e, scope, s);
    sni_ctype type = sni_ctype_of(stmt->dtype);
    const char *carry = carry_of(e, s), *type_name = sni_ctype_name(type, width);
    const char *next = sni_emit_combine(e, stmt->combiner, type, width, carry,
                                        sni_emit_operand(e, scope, stmt->args[0], type, width));
    const char *value = sni_emit_wrap(e, stmt->dtype, width, carry);
    if (!stmt->exclusive) sni_emit_line(e, "%s = %s;", carry, next);
    sni_emit_line(e, "const %s %s = %s;", type_name, name, value);
    if (stmt->exclusive) sni_emit_line(e, "%s = %s;", carry, next);
}
