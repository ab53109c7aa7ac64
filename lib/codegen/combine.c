/* Reductions: what they start with, combining, folding of lanes in a fixed order, and taking one element in. */
#include "codegen/layout.h"

#include <string.h>

const char *sni_emit_identity(sni_emitter *e, sni_combiner combiner, sinter_dtype dtype, int width) {
    sni_combiner_start start = sni_combiner_start_of(combiner, dtype);
    sni_ctype type = sni_ctype_of(dtype);
    const char *value = sni_emit_constant(e, type, start.f, start.i);
    return width == 1 ? value : sni_emit_format(e, "(%s)(%s)", sni_ctype_name(type, width), value);
}

const char *sni_emit_combine(sni_emitter *e, sni_combiner combiner, sni_ctype type, int width, const char *a,
                             const char *b) {
    const sni_variable both[2] = {{.letter = 'a', .text = a, .type = type, .width = width},
                                  {.letter = 'b', .text = b, .type = type, .width = width}};
    return sni_emit_expression(e, sni_combiner_row_of(combiner)->merge, type, width, both, 2, NULL, false);
}

const char *sni_emit_fold(sni_emitter *e, sni_combiner combiner, sni_ctype type, int width, const char *name) {
    while (width > 1) {
        width /= 2;
        const char *half = sni_emit_format(e, "%s_%d", name, width);
        const char *low = sni_emit_format(e, "%s.lo", name), *high = sni_emit_format(e, "%s.hi", name);
        sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width), half,
                      sni_emit_combine(e, combiner, type, width, low, high));
        name = half;
    }
    return name;
}

/* A real sum of products accumulates by fma. */
static bool is_sum_of_products(const sni_loop *loop, int r) {
    const sni_stmt *reduce = &loop->stmts[r], *product = &loop->stmts[reduce->args[0]];
    sni_ctype type = sni_ctype_of(reduce->dtype);
    return reduce->combiner == SNI_COMBINE_SUM && (type == SNI_C_FLOAT || type == SNI_C_DOUBLE) &&
           product->kind == SNI_STMT_OP && product->dtype == reduce->dtype && product->arg_count == 2 &&
           sni_stmt_inner(loop, reduce->args[0]) && product->op->traits.is_product;
}

void sni_need_reduce(const sni_loop *loop, int r, const bool *stop, bool *needed) {
    const sni_stmt *reduce = &loop->stmts[r];
    if (!is_sum_of_products(loop, r)) {
        sni_emit_need(loop, reduce->args[0], stop, needed);
        return;
    }
    const sni_stmt *product = &loop->stmts[reduce->args[0]];
    sni_emit_need(loop, product->args[0], stop, needed);
    sni_emit_need(loop, product->args[1], stop, needed);
}

void sni_emit_accumulate(sni_emitter *e, const sni_scope *scope, int r, const char *const *names, int width,
                         const char *acc) {
    const sni_loop *loop = e->loop;
    const sni_stmt *reduce = &loop->stmts[r];
    sni_ctype type = sni_ctype_of(reduce->dtype);
    sni_scope local = *scope;
    local.have = names;
    if (is_sum_of_products(loop, r)) {
        const sni_stmt *product = &loop->stmts[reduce->args[0]];
        sni_emit_line(e, "%s = fma(%s, %s, %s);", acc, sni_emit_operand(e, &local, product->args[0], type, width),
                      sni_emit_operand(e, &local, product->args[1], type, width), acc);
        return;
    }
    const char *value = sni_emit_operand(e, &local, reduce->args[0], type, width);
    sni_emit_line(e, "%s = %s;", acc, sni_emit_combine(e, reduce->combiner, type, width, acc, value));
}
