/* Expressions of one context built again in another. */
#include "sym/node.h"

static sni_expr import(sni_sym *to, const sni_sym *from, sni_expr e, const sni_sym_renaming *with);

static sni_expr import_sum(sni_sym *to, const sni_sym *from, const sni_sym_node *n, const sni_sym_renaming *with) {
    sni_expr sum = sni_sym_const(to, 0);
    for (uint32_t i = 0; i < n->term_count; ++i) {
        const sni_term_node *t = &from->terms[n->term_start + i];
        sni_expr term = sni_sym_const(to, t->coefficient);
        for (uint32_t k = 0; k < t->factor_count; ++k)
            term = sni_sym_mul(to, term, import(to, from, from->factors[t->factor_start + k], with));
        sum = sni_sym_add(to, sum, term);
    }
    return sum;
}

static sni_expr import_dim(sni_sym *to, int64_t dim, const sni_sym_renaming *with) {
    for (size_t i = 0; with && i < with->count; ++i)
        if (with->dims[i] == dim) return with->exprs[i];
    return sni_sym_dim(to, dim);
}

/* Atoms nest at most SNI_MAX_DEPTH deep, so the recursion is bounded. Operators simplify anew; what they proved before they
 * prove again, because extents and dimensions come along. */
static sni_expr import(sni_sym *to, const sni_sym *from, sni_expr e, const sni_sym_renaming *with) {
    if (!sni_sym_valid(from, e)) return SNI_NO_EXPR;
    const sni_sym_node *n = &from->nodes[e];
    if (n->kind == SNI_SYM_CONST) return sni_sym_const(to, n->value);
    if (n->kind == SNI_SYM_DIM) return import_dim(to, n->value, with);
    if (n->kind == SNI_SYM_SUM) return import_sum(to, from, n, with);
    sni_expr a = import(to, from, n->a, with), b = import(to, from, n->b, with);
    switch (n->kind) {
    case SNI_SYM_AXIS:
        return sni_sym_axis(to, (int)n->value, a);
    case SNI_SYM_VALUE:
        return sni_sym_value(to, (int)n->value, a, b);
    case SNI_SYM_DIV:
        return sni_sym_div(to, a, b);
    case SNI_SYM_MOD:
        return sni_sym_mod(to, a, b);
    case SNI_SYM_MIN:
        return sni_sym_min(to, a, b);
    case SNI_SYM_MAX:
        return sni_sym_max(to, a, b);
    case SNI_SYM_LT:
        return sni_sym_lt(to, a, b);
    case SNI_SYM_EQ:
        return sni_sym_eq(to, a, b);
    case SNI_SYM_AND:
        return sni_sym_and(to, a, b);
    case SNI_SYM_NOT:
        return sni_sym_not(to, a);
    default:
        return SNI_NO_EXPR;
    }
}

sni_expr sni_sym_import(sni_sym *to, const sni_sym *from, sni_expr e) {
    if (to == from)
        return sni_sym_valid(from, e) ? e : SNI_NO_EXPR; /* what is built would move the nodes that are read */
    return import(to, from, e, NULL);
}

sni_expr sni_sym_import_with(sni_sym *to, const sni_sym *from, sni_expr e, const sni_sym_renaming *with) {
    return to != from ? import(to, from, e, with) : SNI_NO_EXPR;
}
