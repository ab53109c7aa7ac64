/* Sizes of values as dimensions that a program can go on with. */
#include "base/dim.h"
#include "graph/graph.h"

static sinter_dim dim_of(const sni_sym *sym, sni_expr e);

static sinter_dim dim_of_term(const sni_sym *sym, sni_expr e, int t) {
    sni_term term = sni_sym_term(sym, e, t);
    if (term.factor_count == 0) return term.coefficient;
    sinter_dim product = dim_of(sym, sni_sym_factor(sym, e, t, 0));
    for (int f = 1; f < term.factor_count; ++f)
        product = sinter_dim_mul(product, dim_of(sym, sni_sym_factor(sym, e, t, f)));
    return term.coefficient == 1 ? product : sinter_dim_mul(product, term.coefficient);
}

static sinter_dim dim_of_sum(const sni_sym *sym, sni_expr e) {
    sinter_dim sum = dim_of_term(sym, e, 0);
    for (int t = 1; t < sni_sym_term_count(sym, e); ++t) sum = sinter_dim_add(sum, dim_of_term(sym, e, t));
    return sum;
}

/* A name of the library's own (sni_sym_define) is what it stands for. */
static sinter_dim dim_of_name(const sni_sym *sym, int64_t name) {
    for (size_t i = 0; i < sni_sym_defined_count(sym); ++i) {
        int64_t defined;
        sni_expr meaning = sni_sym_defined(sym, i, &defined);
        if (defined == name) return dim_of(sym, meaning);
    }
    return name;
}

static sinter_dim dim_of(const sni_sym *sym, sni_expr e) {
    int64_t number;
    if (sni_sym_is_const(sym, e, &number)) return number;
    switch (sni_sym_kind_of(sym, e)) {
    case SNI_SYM_DIM:
        return dim_of_name(sym, sni_sym_id(sym, e));
    case SNI_SYM_SUM:
        return dim_of_sum(sym, e);
    case SNI_SYM_DIV:
        return sinter_dim_div(dim_of(sym, sni_sym_operand(sym, e, 0)), dim_of(sym, sni_sym_operand(sym, e, 1)));
    default:
        return SINTER_DIM_INVALID;
    }
}

sinter_dim sinter_value_dim(const sinter_graph *graph, sinter_value value, int axis) {
    const sni_value *v = graph ? sni_graph_value(graph, value.id) : NULL;
    if (!v || axis < 0 || axis >= v->type.rank) return SINTER_DIM_INVALID;
    return dim_of(graph->sym, v->type.dims[axis]);
}
