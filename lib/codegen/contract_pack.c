/* Printing how a CPU work-group packs its operands: B into panels [panel][k][NR], A into rows
 * [row][KC].
 *
 * In each the lanes of a vector run along the direction that is contiguous in memory: the packed
 * direction (a copy) or the other one (blocks of W x W are transposed in registers). What lies in
 * neither goes element by element, with the coordinates of one direction taken out of the loop over
 * the other. */
#include "codegen/contract.h"

typedef struct packer {
    sni_emitter *e;
    const sni_contract *c;
    const sni_operand *op;
    int width;
    bool is_a;
    const char *first; /* variable: the first outer index of the block */
    const char *count; /* variable: outer indices in the block */
} packer;

static sni_scope scope_of(const packer *p, const char *outer, const char *k, bool outer_flat) {
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = p->is_a ? "pa" : "pb"};
    sni_contract_name(p->e, &scope, &p->c->b, false, "bi");
    sni_contract_name(p->e, &scope, &p->op->outer, outer_flat, outer);
    sni_contract_name(p->e, &scope, &p->c->k, p->op->along_k.flat, k);
    return scope;
}

static sni_scope with_lanes(const packer *p, sni_scope scope, int axis) {
    scope.lane_axis = axis;
    scope.width = p->width;
    return scope;
}

/* Where element (k, at) goes. */
static const char *place(const packer *p, const char *at, const char *k) {
    if (p->is_a) return sni_emit_format(p->e, "a_block + (%s) * SN_GEMM_KC + %s", at, k);
    return sni_emit_format(p->e, "SN_GEMM_B_AT(b_block, %s, %s)", k, at);
}

static void open_block(sni_emitter *e, const char *head) {
    sni_emit_line(e, "%s {", head);
    ++e->indent;
}

static void close_block(sni_emitter *e) {
    --e->indent;
    sni_emit_line(e, "}");
}

/* One outer index at (a name), element by element from k_from on. */
static void pack_line(const packer *p, const char *at, const char *k_from) {
    sni_emitter *e = p->e;
    bool flat = p->op->along_outer.flat, k_flat = p->op->along_k.flat;
    open_block(e, sni_emit_format(e, "if (%s < kc)", k_from));
    sni_emit_line(e, "const sn_idx outer = %s + %s;", p->first, at);
    sni_contract_split(e, &p->op->outer, flat, "outer", true);
    sni_emit_line(e, "const sn_idx k_first = kb + %s;", k_from);
    sni_contract_split(e, &p->c->k, k_flat, "k_first", false);
    open_block(e, sni_emit_format(e, "for (int k = %s; k < kc; ++k)", k_from));
    sni_emit_line(e, "const sn_idx kx = kb + k;");
    sni_scope scope = scope_of(p, "outer", "kx", flat);
    const char *value = sni_contract_value(e, p->c, p->op, &scope);
    sni_emit_line(e, "*(%s) = %s;", place(p, at, "k"), value);
    sni_contract_advance(e, &p->c->k, k_flat);
    close_block(e);
    close_block(e);
}

/* Columns past the edge are zero, so that tiles need no test. */
static void pack_line_or_zero(const packer *p, const char *at, const char *k_from) {
    sni_emitter *e = p->e;
    open_block(e, sni_emit_format(e, "if (%s < %s)", at, p->count));
    pack_line(p, at, k_from);
    --e->indent;
    sni_emit_line(e, "} else {");
    ++e->indent;
    sni_emit_line(e, "for (int k = %s; k < kc; ++k) *(%s) = 0;", k_from, place(p, at, "k"));
    close_block(e);
}

static void pack_lines(const packer *p, const char *from, const char *to) {
    open_block(p->e, sni_emit_format(p->e, "for (int line = %s; line < %s; ++line)", from, to));
    if (p->is_a)
        pack_line(p, "line", "0");
    else
        pack_line_or_zero(p, "line", "0");
    close_block(p->e);
}

/* ---- Lanes along the outer direction -----------------------------------------------------------
 */

/* The condition that W lanes from variable at are inside the block, and inside one row of the
 * innermost axis. */
static const char *lanes_fit(const packer *p, const char *at) {
    const sni_operand *op = p->op;
    const char *inside = sni_emit_format(p->e, "%s + SN_GEMM_W <= %s", at, p->count);
    if (op->along_outer.flat || op->outer.count <= 1) return inside;
    return sni_emit_format(p->e, "%s && x%d + SN_GEMM_W <= %s", inside, op->outer.last,
                           sni_contract_number(p->e, p->e->loop->extents[op->outer.last]));
}

/* B, flat and without guards: whole rows of the block, so that memory is read in long runs. */
static void copy_rows(const packer *p) {
    sni_emitter *e = p->e;
    open_block(e, "for (int k = 0; k < kc; ++k)");
    sni_emit_line(e, "const sn_idx kx = kb + k;");
    sni_contract_split(e, &p->c->k, p->op->along_k.flat, "kx", true);
    open_block(e, sni_emit_format(e, "for (int at = 0; at + SN_GEMM_W <= %s; at += SN_GEMM_W)", p->count));
    sni_emit_line(e, "const sn_idx outer = %s + at;", p->first);
    sni_scope scope = with_lanes(p, scope_of(p, "outer", "kx", true), p->op->outer.last);
    const char *value = sni_contract_value(e, p->c, p->op, &scope);
    sni_emit_line(e, "SN_GEMM_VSTORE(%s, 0, %s);", value, place(p, "at", "k"));
    close_block(e);
    close_block(e);
    pack_lines(p, sni_emit_format(e, "%s / SN_GEMM_W * SN_GEMM_W", p->count), "panels * SN_GEMM_NR");
}

/* B with guards or several outer axes (windows of a picture): W columns at a time, all k of the
 * block. */
static void copy_columns(const packer *p) {
    sni_emitter *e = p->e;
    open_block(e, "for (int at = 0; at < panels * SN_GEMM_NR; at += SN_GEMM_W)");
    sni_emit_line(e, "const sn_idx outer = %s + at;", p->first);
    sni_contract_split(e, &p->op->outer, p->op->along_outer.flat, "outer", true);
    open_block(e, sni_emit_format(e, "if (%s)", lanes_fit(p, "at")));
    sni_contract_split(e, &p->c->k, p->op->along_k.flat, "kb", false);
    open_block(e, "for (int k = 0; k < kc; ++k)");
    sni_emit_line(e, "const sn_idx kx = kb + k;");
    sni_scope scope = with_lanes(p, scope_of(p, "outer", "kx", p->op->along_outer.flat), p->op->outer.last);
    const char *value = sni_contract_value(e, p->c, p->op, &scope);
    sni_emit_line(e, "SN_GEMM_VSTORE(%s, 0, %s);", value, place(p, "at", "k"));
    sni_contract_advance(e, &p->c->k, p->op->along_k.flat);
    close_block(e);
    --e->indent;
    sni_emit_line(e, "} else {");
    ++e->indent;
    pack_lines(p, "at", "at + SN_GEMM_W");
    close_block(e);
    close_block(e);
}

/* A contiguous along m: W k of W rows at a time. */
static void transpose_a(const packer *p) {
    sni_emitter *e = p->e;
    bool flat = p->op->along_outer.flat;
    open_block(e, sni_emit_format(e, "for (int at = 0; at < %s;)", p->count));
    sni_emit_line(e, "const sn_idx outer = %s + at;", p->first);
    sni_contract_split(e, &p->op->outer, flat, "outer", true);
    sni_emit_line(e, "const int full = %s, lines = full ? SN_GEMM_W : 1;", lanes_fit(p, "at"));
    sni_emit_line(e, "int k_done = 0;");
    open_block(e, "for (; full && k_done + SN_GEMM_W <= kc; k_done += SN_GEMM_W)");
    sni_emit_line(e, "SN_GEMM_V block[SN_GEMM_W];");
    sni_emit_line(e, "#pragma nounroll");
    open_block(e, "for (int i = 0; i < SN_GEMM_W; ++i)");
    sni_emit_line(e, "const sn_idx kx = kb + k_done + i;");
    sni_contract_split(e, &p->c->k, p->op->along_k.flat, "kx", true);
    sni_scope scope = with_lanes(p, scope_of(p, "outer", "kx", flat), p->op->outer.last);
    sni_emit_line(e, "block[i] = %s;", sni_contract_value(e, p->c, p->op, &scope));
    close_block(e);
    sni_emit_line(e, "sn_gemm_transpose(block, %s, SN_GEMM_KC);", place(p, "at", "k_done"));
    close_block(e);
    open_block(e, "for (int line = at; line < at + lines; ++line)");
    pack_line(p, "line", "k_done");
    close_block(e);
    sni_emit_line(e, "at += lines;");
    close_block(e);
}

/* ---- Lanes along k -----------------------------------------------------------------------------
 */

static void copy_a(const packer *p) {
    sni_emitter *e = p->e;
    open_block(e, sni_emit_format(e, "for (int line = 0; line < %s; ++line)", p->count));
    sni_emit_line(e, "const sn_idx outer = %s + line;", p->first);
    sni_contract_split(e, &p->op->outer, p->op->along_outer.flat, "outer", true);
    sni_emit_line(e, "int k_done = 0;");
    open_block(e, "for (; k_done + SN_GEMM_W <= kc; k_done += SN_GEMM_W)");
    sni_emit_line(e, "const sn_idx kx = kb + k_done;");
    sni_scope scope = with_lanes(p, scope_of(p, "outer", "kx", p->op->along_outer.flat), p->c->k.last);
    const char *value = sni_contract_value(e, p->c, p->op, &scope);
    sni_emit_line(e, "SN_GEMM_VSTORE(%s, 0, %s);", value, place(p, "line", "k_done"));
    close_block(e);
    pack_line(p, "line", "k_done");
    close_block(e);
}

/* B contiguous along k: W columns of W k at a time. */
static void transpose_b(const packer *p) {
    sni_emitter *e = p->e;
    bool flat = p->op->along_outer.flat;
    open_block(e, "for (int at = 0; at < panels * SN_GEMM_NR; at += SN_GEMM_W)");
    sni_emit_line(e, "int k_done = 0;");
    open_block(e, sni_emit_format(e, "for (; at + SN_GEMM_W <= %s && k_done + SN_GEMM_W <= kc; k_done += SN_GEMM_W)",
                                  p->count));
    sni_emit_line(e, "SN_GEMM_V block[SN_GEMM_W];");
    sni_emit_line(e, "const sn_idx kx = kb + k_done;");
    sni_emit_line(e, "#pragma nounroll");
    open_block(e, "for (int i = 0; i < SN_GEMM_W; ++i)");
    sni_emit_line(e, "const sn_idx outer = %s + at + i;", p->first);
    sni_contract_split(e, &p->op->outer, flat, "outer", true);
    sni_scope scope = with_lanes(p, scope_of(p, "outer", "kx", flat), p->c->k.last);
    sni_emit_line(e, "block[i] = %s;", sni_contract_value(e, p->c, p->op, &scope));
    close_block(e);
    sni_emit_line(e, "sn_gemm_transpose(block, %s, SN_GEMM_NR);", place(p, "at", "k_done"));
    close_block(e);
    open_block(e, "for (int line = at; line < at + SN_GEMM_W; ++line)");
    pack_line_or_zero(p, "line", "k_done");
    close_block(e);
    close_block(e);
}

/* ---- Entry points ------------------------------------------------------------------------------
 */

void sni_contract_pack_b(sni_emitter *e, const sni_contract *c, int width) {
    packer p = {e, c, &c->b_op, width, false, "col0", "cols"};
    const sni_operand *op = &c->b_op;
    if (op->along_outer.unit && !op->guarded && op->along_outer.flat)
        copy_rows(&p);
    else if (op->along_outer.unit)
        copy_columns(&p);
    else if (op->along_k.unit && op->along_k.flat)
        transpose_b(&p);
    else if (op->along_outer.steps && op->guarded) /* windows that move by a stride */
        copy_columns(&p);
    else
        pack_lines(&p, "0", "panels * SN_GEMM_NR");
}

void sni_contract_pack_a(sni_emitter *e, const sni_contract *c, int width) {
    packer p = {e, c, &c->a_op, width, true, "a_row0", "a_rows"};
    const sni_operand *op = &c->a_op;
    if (op->along_k.unit && op->along_k.flat)
        copy_a(&p);
    else if (op->along_outer.unit)
        transpose_a(&p);
    else
        pack_lines(&p, "0", "a_rows");
}
