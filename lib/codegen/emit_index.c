/* Index expressions as OpenCL C.
 *
 * A part that depends on no axis and no value is one kernel argument, however it is composed, or a
 * literal when it is a small constant; so the text of a kernel does not depend on sizes. Printed for
 * all lanes at once, an expression is a vector of type sn_idx<width>; what does not change from
 * lane to lane stays a scalar in it and is widened by the operators. */
#include "codegen/emit_internal.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct printer {
    sni_emitter *e;
    const sni_scope *scope;
    int lane;
    sni_str *out;
} printer;

static void print(const printer *p, sni_expr expr);

/* ---- Properties ------------------------------------------------------------------------------- */

void sni_emit_visit_values(const sni_sym *sym, sni_expr expr, void (*visit)(void *, int statement), void *context) {
    if (expr != SNI_NO_EXPR) sni_sym_visit_values(sym, expr, visit, context);
}

typedef struct lane_search {
    const sni_emitter *e;
    const sni_scope *scope;
    bool found;
} lane_search;

static void find_lane(void *context, int statement) {
    lane_search *search = context;
    if (sni_emit_is_vector(search->e, search->scope, statement)) search->found = true;
}

bool sni_emit_by_lane(const sni_emitter *e, const sni_scope *scope, sni_expr expr) {
    if (scope->lane_axis < 0 || scope->width <= 1 || expr == SNI_NO_EXPR) return false;
    if (sni_sym_uses_axis(e->loop->sym, expr, scope->lane_axis)) return true;
    lane_search search = {e, scope, false};
    sni_emit_visit_values(e->loop->sym, expr, find_lane, &search);
    return search.found;
}

/* Is it the same for a whole launch? */
static bool is_uniform(const sni_sym *sym, sni_expr expr) {
    return !sni_sym_uses_any_axis(sym, expr) && !sni_sym_uses_value(sym, expr);
}

/* ---- Sums ------------------------------------------------------------------------------------- */

/* One group of terms: the same factors that vary, times a coefficient that does not. */
typedef struct group {
    sni_expr coefficient, varying;
} group;

enum { MAX_GROUPS = 64 };

/* Splits a term of expr into its varying and its uniform factors. */
static group split_term(sni_sym *sym, sni_expr expr, int t) {
    sni_term term = sni_sym_term(sym, expr, t);
    group g = {sni_sym_const(sym, term.coefficient), sni_sym_const(sym, 1)};
    for (int f = 0; f < term.factor_count; ++f) {
        sni_expr factor = sni_sym_factor(sym, expr, t, f);
        sni_expr *side = is_uniform(sym, factor) ? &g.coefficient : &g.varying;
        *side = sni_sym_mul(sym, *side, factor);
    }
    return g;
}

static int split_sum(sni_sym *sym, sni_expr expr, group *groups) {
    int count = 0;
    for (int i = 0; i < sni_sym_term_count(sym, expr); ++i) {
        group g = split_term(sym, expr, i);
        int at = 0;
        while (at < count && groups[at].varying != g.varying) ++at;
        if (at == count) {
            if (count == MAX_GROUPS) return -1;
            groups[count++] = g;
        } else {
            groups[at].coefficient = sni_sym_add(sym, groups[at].coefficient, g.coefficient);
        }
    }
    return count;
}

sni_expr sni_emit_divisible(sni_sym *sym, sni_expr expr, int64_t by) {
    group groups[MAX_GROUPS];
    int count = split_sum(sym, expr, groups);
    sni_expr condition = sni_sym_const(sym, count >= 0 ? 1 : 0), zero = sni_sym_const(sym, 0);
    for (int i = 0; i < count; ++i) {
        sni_expr rest = sni_sym_mod(sym, groups[i].coefficient, sni_sym_const(sym, by));
        condition = sni_sym_and(sym, condition, sni_sym_eq(sym, rest, zero));
    }
    return condition;
}

/* Prints a product of varying factors (a single term). */
static void print_factors(const printer *p, sni_expr varying) {
    const sni_sym *sym = p->e->loop->sym;
    sni_term term = sni_sym_term(sym, varying, 0);
    for (int f = 0; f < term.factor_count; ++f) {
        if (f > 0) sni_str_append(p->out, "*");
        print(p, sni_sym_factor(sym, varying, 0, f));
    }
}

static void print_group(const printer *p, const group *g) {
    sni_sym *sym = p->e->loop->sym;
    if (sni_sym_is(sym, g->varying, 1)) {
        print(p, g->coefficient);
        return;
    }
    if (!sni_sym_is(sym, g->coefficient, 1)) {
        print(p, g->coefficient);
        sni_str_append(p->out, "*");
    }
    print_factors(p, g->varying);
}

static void print_sum(const printer *p, sni_expr expr) {
    group groups[MAX_GROUPS];
    sni_sym *sym = p->e->loop->sym;
    int count = split_sum(sym, expr, groups);
    if (count < 0) p->e->failed = true;
    bool parentheses = count > 1;
    if (parentheses) sni_str_append(p->out, "(");
    bool first = true;
    for (int i = 0; i < count; ++i) {
        if (sni_sym_is(sym, groups[i].coefficient, 0)) continue;
        if (!first) sni_str_append(p->out, " + ");
        print_group(p, &groups[i]);
        first = false;
    }
    if (first) sni_str_append(p->out, "0");
    if (parentheses) sni_str_append(p->out, ")");
}

/* ---- Other kinds ------------------------------------------------------------------------------ */

static bool is_vector(const printer *p, sni_expr expr) {
    return p->lane == SNI_LANE_ALL && sni_emit_by_lane(p->e, p->scope, expr);
}

static void print_uniform(const printer *p, sni_expr expr) {
    int64_t value;
    if (sni_sym_is_const(p->e->loop->sym, expr, &value) && value >= -SNI_LITERAL_MAX && value <= SNI_LITERAL_MAX)
        sni_str_printf(p->out, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
    else
        sni_str_append(p->out, sni_emit_argument(p->e, expr));
}

static void print_axis(const printer *p, int axis) {
    const char *name = p->scope->names[axis];
    if (name == NULL) {
        p->e->failed = true;
        return;
    }
    if (axis != p->scope->lane_axis || p->lane == 0 || p->scope->width <= 1)
        sni_str_append(p->out, name);
    else if (p->lane == SNI_LANE_ALL)
        sni_str_printf(p->out, "(%s + SN_IOTA%d)", name, p->scope->width);
    else
        sni_str_printf(p->out, "(%s + %d)", name, p->lane);
}

static void print_value(const printer *p, int statement) {
    const char *name = p->scope->have != NULL ? p->scope->have[statement] : NULL;
    if (name == NULL) {
        p->e->failed = true;
        return;
    }
    if (!sni_emit_is_vector(p->e, p->scope, statement))
        sni_str_printf(p->out, "(sn_idx)%s", name);
    else if (p->lane == SNI_LANE_ALL)
        sni_str_printf(p->out, "SN_TO_IDX%d(%s)", p->scope->width, name);
    else
        sni_str_printf(p->out, "(sn_idx)%s.s%x", name, (unsigned)p->lane);
}

/* An operand of min, max, or a floor function: overloads want both to be of one type. */
static void print_typed(const printer *p, sni_expr expr, bool vector) {
    if (vector)
        sni_str_printf(p->out, "(sn_idx%d)(", p->scope->width);
    else
        sni_str_append(p->out, "(sn_idx)(");
    print(p, expr);
    sni_str_append(p->out, ")");
}

static void print_call(const printer *p, const char *name, sni_expr a, sni_expr b, bool vector) {
    sni_str_printf(p->out, "%s(", name);
    print_typed(p, a, vector);
    sni_str_append(p->out, ", ");
    print_typed(p, b, vector);
    sni_str_append(p->out, ")");
}

static void print_binary(const printer *p, sni_expr a, const char *operator, sni_expr b) {
    sni_str_append(p->out, "(");
    print(p, a);
    sni_str_printf(p->out, " %s ", operator);
    print(p, b);
    sni_str_append(p->out, ")");
}

/* Floor division: C's where the dividend is known not to be negative. */
static void print_division(const printer *p, sni_sym_kind kind, sni_expr a, sni_expr b, bool vector) {
    if (sni_sym_known_nonneg(p->e->loop->sym, a))
        print_binary(p, a, kind == SNI_SYM_DIV ? "/" : "%", b);
    else
        print_call(
            p,
            sni_emit_format(p->e, "sn_floor_%s%d", kind == SNI_SYM_DIV ? "div" : "mod", vector ? p->scope->width : 1),
            a, b, vector);
}

/* Comparisons give 0 or 1; a vector's -1 is turned into 1. */
static void print_compare(const printer *p, sni_expr a, const char *operator, sni_expr b, bool vector) {
    sni_str_append(p->out, vector ? "(-(" : "(");
    print(p, a);
    sni_str_printf(p->out, " %s ", operator);
    print(p, b);
    sni_str_append(p->out, vector ? "))" : ")");
}

static void print_operation(const printer *p, sni_expr expr) {
    const sni_sym *sym = p->e->loop->sym;
    sni_sym_kind kind = sni_sym_kind_of(sym, expr);
    sni_expr a = sni_sym_operand(sym, expr, 0);
    sni_expr b = kind == SNI_SYM_NOT ? a : sni_sym_operand(sym, expr, 1);
    bool vector = is_vector(p, expr);
    switch (kind) {
    case SNI_SYM_DIV:
    case SNI_SYM_MOD:
        print_division(p, kind, a, b, vector);
        break;
    case SNI_SYM_MIN:
        print_call(p, "min", a, b, vector);
        break;
    case SNI_SYM_MAX:
        print_call(p, "max", a, b, vector);
        break;
    case SNI_SYM_LT:
        print_compare(p, a, "<", b, vector);
        break;
    case SNI_SYM_EQ:
        print_compare(p, a, "==", b, vector);
        break;
    case SNI_SYM_AND:
        print_binary(p, a, vector ? "&" : "&&", b);
        break;
    case SNI_SYM_NOT:
        sni_str_append(p->out, "(1 - ");
        print(p, a);
        sni_str_append(p->out, ")");
        break;
    default:
        p->e->failed = true;
    }
}

static void print(const printer *p, sni_expr expr) {
    const sni_sym *sym = p->e->loop->sym;
    if (expr == SNI_NO_EXPR) {
        p->e->failed = true;
        return;
    }
    if (is_uniform(sym, expr)) {
        print_uniform(p, expr);
        return;
    }
    switch (sni_sym_kind_of(sym, expr)) {
    case SNI_SYM_AXIS:
        print_axis(p, (int)sni_sym_id(sym, expr));
        break;
    case SNI_SYM_VALUE:
        print_value(p, (int)sni_sym_id(sym, expr));
        break;
    case SNI_SYM_SUM:
        print_sum(p, expr);
        break;
    default:
        print_operation(p, expr);
    }
}

/* ---- Entry points ----------------------------------------------------------------------------- */

void sni_emit_index_lane(sni_emitter *e, const sni_scope *scope, sni_expr expr, int lane, sni_str *out) {
    printer p = {e, scope, lane, out};
    print(&p, expr);
}

void sni_emit_index(sni_emitter *e, const sni_scope *scope, sni_expr expr, sni_str *out) {
    sni_emit_index_lane(e, scope, expr, 0, out);
}

const char *sni_emit_index_text(sni_emitter *e, const sni_scope *scope, sni_expr expr, int lane) {
    sni_str str = SNI_STR_INIT;
    sni_emit_index_lane(e, scope, expr, lane, &str);
    return sni_emit_keep(e, &str);
}

const char *sni_emit_condition(sni_emitter *e, const sni_scope *scope, sni_expr guard, sni_ctype type) {
    if (!sni_emit_by_lane(e, scope, guard)) return sni_emit_index_text(e, scope, guard, 0);
    sni_ctype integer = type == SNI_C_LONG || type == SNI_C_DOUBLE ? SNI_C_LONG : SNI_C_INT;
    return sni_emit_format(e, "(convert_%s(%s) != 0)", sni_ctype_name(integer, scope->width),
                           sni_emit_index_text(e, scope, guard, SNI_LANE_ALL));
}
