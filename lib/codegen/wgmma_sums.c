#include "codegen/wgmma_sums.h"

#include "codegen/layout.h"

/* At row and col, for width columns. */
static void print_point(sni_emitter *e, const sni_contract *c, int width, sni_wgmma_correct correct) {
    bool four = width > 1;
    sni_scope scope = {.lane_axis = four ? c->n.last : -1, .width = width, .aligned = four, .prefix = "e"};
    sni_emit_line(e, "const uint in_row = at / (SN_WG_PART / %d), in_col = at %% (SN_WG_PART / %d) * %d;", width, width,
                  width);
    sni_emit_line(e, "const sn_idx row = row0 + group * 64 + (warp & 3) * 16 + in_row;");
    sni_emit_line(e, "const sn_idx col = col0 + part * SN_WG_PART + in_col;");
    sni_emit_open(e, "if (row < size_m && col < size_n)");
    const char *type = sni_ctype_name(c->type, width);
    sni_emit_line(e, "%s acc = *(__local const %s *)(slab + in_row * SN_WG_PITCH + in_col);", type, type);
    if (correct != NULL) correct(e, c, width);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, c->epilogue_flat_m, "row");
    sni_contract_name(e, &scope, &c->n, c->along_n.flat, "col");
    sni_contract_split(e, &c->m, c->epilogue_flat_m, "row", true);
    sni_contract_split(e, &c->n, c->along_n.flat, "col", true);
    sni_contract_epilogue(e, c, &scope, "acc");
    sni_emit_close(e);
}

void sni_wgmma_print_sums(sni_emitter *e, const sni_contract *c, sni_wgmma_correct correct) {
    int width = c->along_n.aligned4 ? 4 : 1;
    sni_emit_line(e, "_Pragma(\"unroll\")");
    sni_emit_open(e, "for (int part = 0; part < SN_WG_BN / SN_WG_PART; ++part)");
    sni_emit_line(e, "SN_WG_PUT(slab, part, sums)");
    sni_emit_open(e, "for (uint at = lane; at < 16 * SN_WG_PART / %d; at += 32)", width);
    print_point(e, c, width, correct);
    sni_emit_close(e);
    sni_emit_close(e);
}
