#include "codegen/wgmma_map.h"

enum { LANES = 8 /* elements of 16 bytes */ };

/* The step of an offset for each flat index of a group of axes, and what is left without them. */
static bool step_along(const sni_contract *c, const sni_flat *group, bool flat, sni_expr offset, sni_expr *out_step,
                       sni_expr *out_rest) {
    sni_sym *sym = c->loop->sym;
    sni_expr rest = offset, step;
    if (group->last < 0 || !flat) return false;
    for (int a = 0; a < c->loop->axis_count; ++a) {
        if ((group->axes >> a & 1) == 0) continue;
        if (!sni_sym_linear_in(sym, rest, a, &step, &rest) || sni_sym_uses_any_axis(sym, step)) return false;
        if (a == group->last) *out_step = step;
    }
    *out_rest = rest;
    return true;
}

/* Can lines be so far apart? Steps of 0 (repeated lines) and backward ones have no map. */
static bool is_pitch(sni_sym *sym, sni_expr step) {
    int64_t value;
    if (sni_sym_is_const(sym, step, &value)) return value > 0 && value % LANES == 0 && value < INT32_MAX;
    return sni_sym_known_divisible(sym, step, LANES) && sni_sym_known_nonneg(sym, step);
}

bool sni_wgmma_matrix_of(const sni_contract *c, const sni_operand *op, sni_wgmma_matrix *out) {
    sni_sym *sym = c->loop->sym;
    const sni_stmt *load = &c->loop->stmts[sni_contract_narrow(c->loop, op->stmt)];
    sni_expr step_outer, step_k, rest;
    if (load->kind != SNI_STMT_LOAD || load->guard != SNI_NO_EXPR || sni_sym_uses_value(sym, load->offset) ||
        c->loop->buffers[load->buffer].dtype != load->dtype)
        return false;
    if (!step_along(c, &op->outer, op->along_outer.flat, load->offset, &step_outer, &rest) ||
        !step_along(c, &c->k, op->along_k.flat, rest, &step_k, &rest) || !sni_sym_known_divisible(sym, rest, LANES))
        return false;
    out->along_k = sni_sym_is(sym, step_k, 1);
    out->pitch = out->along_k ? step_outer : step_k;
    return (out->along_k || sni_sym_is(sym, step_outer, 1)) && is_pitch(sym, out->pitch);
}

void sni_wgmma_print_map(sni_emitter *e, const sni_contract *c, const sni_operand *op, const sni_wgmma_matrix *from,
                         const sni_wgmma_map *map) {
    const sni_stmt *load = &c->loop->stmts[sni_contract_narrow(c->loop, op->stmt)];
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "p"};
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, true, "0");
    sni_contract_name(e, &scope, &c->k, true, "0");
    const char *buffer = sni_emit_buffer(e, load->buffer);
    const char *offset = sni_emit_index_text(e, &scope, load->offset, 0);
    sni_emit_line(e, "SN_WG_MAP(%s, %s + %s, %s, %s, %s, %s)", map->name, buffer, offset,
                  from->along_k ? map->size_k : map->size_outer, from->along_k ? map->size_outer : map->size_k,
                  sni_contract_number(e, from->pitch), map->lines);
}
