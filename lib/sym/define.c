/* Dimensions that stand for longer expressions, so that what is made of them does not grow. */
#include "base/alloc.h"
#include "base/dim.h"
#include "sym/node.h"

/* Of a size that stays as it is. Its degree counts, too: counts of elements are products of up to eight sizes, and a product
 * has at most SNI_MAX_FACTORS. */
#define MOST_ATOMS 8
#define MOST_DEGREE 2
#define MOST_DEFINITIONS 512 /* each costs every run a moment */

static bool is_short(const sni_sym *sym, sni_expr e) {
    for (int i = 0; i < sni_sym_term_count(sym, e); ++i)
        if (sni_sym_term(sym, e, i).factor_count > MOST_DEGREE) return false;
    return sni_sym_size(sym, e) <= MOST_ATOMS;
}

sni_expr sni_sym_define(sni_sym *sym, sni_expr e) {
    if (!sni_sym_valid(sym, e) || is_short(sym, e) || sni_sym_uses_any_axis(sym, e) || sni_sym_uses_value(sym, e))
        return e;
    for (size_t i = 0; i < sym->definition_count; ++i)
        if (sym->definitions[i].meaning == e) return sym->definitions[i].atom;
    if (sym->definition_count == MOST_DEFINITIONS) return e;
    if (!SNI_RESERVE(sym->definitions, sym->definition_capacity, sym->definition_count + 1)) return SNI_NO_EXPR;
    sni_definition d = {.dim = sni_dim_derived(sym->definition_count), .meaning = e};
    d.atom = sni_sym_dim(sym, d.dim);
    if (d.atom) sym->definitions[sym->definition_count++] = d;
    return d.atom;
}

size_t sni_sym_defined_count(const sni_sym *sym) {
    return sym->definition_count;
}

sni_expr sni_sym_defined(const sni_sym *sym, size_t index, int64_t *out_dim) {
    *out_dim = sym->definitions[index].dim;
    return sym->definitions[index].meaning;
}
