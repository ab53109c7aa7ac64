/* Loading a tile of q, k or v into local memory, through the operand's prologue.
 *
 * Neighbouring work-items, and the lanes of a vector, read along the direction in which memory is contiguous; what does
 * not lie in the tile's lines is put there element by element. */
#include "codegen/attention_gpu.h"

static bool along_k(const sni_operand *op) {
    return op->along_k.unit && !op->along_outer.unit;
}

static bool four_lanes(const sni_operand *op) {
    return along_k(op) ? op->along_k.aligned4 : op->along_outer.aligned4;
}

/* The operand's value at outer and kx, in the variable value. */
static void print_value(const sni_attention_kernel *k, const sni_attention_tile *t, bool by_k, int lanes) {
    sni_emitter *e = k->e;
    const sni_operand *op = t->op;
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = t->prefix};
    sni_contract_split(e, &op->outer, op->along_outer.flat, "outer", true);
    sni_contract_split(e, &t->c->k, op->along_k.flat, "kx", true);
    sni_contract_name(e, &scope, &t->c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, op->along_outer.flat, "outer");
    sni_contract_name(e, &scope, &t->c->k, op->along_k.flat, "kx");
    if (lanes > 1) {
        scope.lane_axis = by_k ? t->c->k.last : op->outer.last;
        scope.width = lanes;
        scope.aligned = true;
    }
    sni_emit_line(e, "value = %s;", sni_contract_value(e, t->c, op, &scope));
}

static void print_put(const sni_attention_kernel *k, const sni_attention_tile *t, bool by_k, int lanes) {
    sni_emitter *e = k->e;
    if (lanes == 1) {
        sni_emit_line(e, "%s[%s * %d + %s] = value;", t->to, t->lines_are_k ? "at_k" : "at_outer", t->pitch,
                      t->lines_are_k ? "at_outer" : "at_k");
    } else if (by_k != t->lines_are_k) {
        sni_emit_line(e, "*(__local float4 *)(%s + %s * %d + %s) = value;", t->to, t->lines_are_k ? "at_k" : "at_outer",
                      t->pitch, t->lines_are_k ? "at_outer" : "at_k");
    } else {
        for (int lane = 0; lane < lanes; ++lane)
            sni_emit_line(e, "%s[(%s + %d) * %d + %s] = value.s%d;", t->to, t->lines_are_k ? "at_k" : "at_outer", lane,
                          t->pitch, t->lines_are_k ? "at_outer" : "at_k", lane);
    }
}

void sni_attention_load_tile(const sni_attention_kernel *k, const sni_attention_tile *t) {
    sni_emitter *e = k->e;
    bool by_k = along_k(t->op);
    int lanes = four_lanes(t->op) ? 4 : 1, items = k->block.items;
    int fast = (by_k ? t->k : t->outer) / lanes, count = t->outer * t->k / lanes;
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int i = 0; i < %d; ++i)", (count + items - 1) / items);
    sni_emit_line(e, "const int x = item + i * %d;", items);
    sni_emit_line(e, "const int at_%s = x %% %d * %d, at_%s = x / %d;", by_k ? "k" : "outer", fast, lanes,
                  by_k ? "outer" : "k", fast);
    sni_emit_line(e, "const sn_idx outer = %s + at_outer, kx = %s + at_k;", t->outer0, t->k0);
    sni_emit_line(e, "%s value = 0;", sni_ctype_name(SNI_C_FLOAT, lanes));
    sni_emit_open(e, "if (outer < %s && kx < %s%s)", t->size_outer, t->size_k,
                  count % items == 0 ? "" : sni_emit_format(e, " && x < %d", count));
    print_value(k, t, by_k, lanes);
    sni_emit_close(e);
    if (count % items != 0) sni_emit_open(e, "if (x < %d)", count);
    print_put(k, t, by_k, lanes);
    if (count % items != 0) sni_emit_close(e);
    sni_emit_close(e);
}
