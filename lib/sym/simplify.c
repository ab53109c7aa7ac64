/* Division, remainder, comparison, minimum: simplified with what is known of their operands. */
#include <string.h>

#include "base/alloc.h"
#include "sym/node.h"

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

static int64_t gcd(int64_t a, int64_t b) {
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* a = quotient * b + remainder by long division on the leading terms of b. */
static void divide(const sni_poly *a, const sni_poly *b, sni_poly *quotient, sni_poly *remainder) {
    sni_poly rest = *a;
    quotient->ok = remainder->ok = true;
    quotient->count = remainder->count = 0;
    for (int steps = 0; rest.count && rest.ok && steps < 4 * SNI_MAX_TERMS; ++steps) {
        sni_poly_term lead = rest.t[0], q;
        bool divides = sni_poly_term_div(&lead, &b->t[0], &q);
        if (!divides && lead.n == 0 && b->count == 1 && b->t[0].n == 0) {
            /* A number over a number: keep 0 <= remainder < b. */
            q = (sni_poly_term){.c = floor_div(lead.c, b->t[0].c), .n = 0};
            divides = q.c != 0;
        }
        if (divides) {
            sni_poly single = {.ok = true}, product;
            sni_poly_add_term(&single, &q);
            sni_poly_mul(&single, b, &product);
            sni_poly_add_term(quotient, &q);
            sni_poly_add_scaled(&rest, &product, -1);
        } else {
            sni_poly_add_term(remainder, &lead);
            lead.c = -lead.c;
            sni_poly_add_term(&rest, &lead);
        }
    }
    if (!rest.ok || rest.count) quotient->ok = remainder->ok = false;
}

/* Divides both by the numbers and factors that all their terms share. */
static void cancel(sni_poly *a, sni_poly *b) {
    int64_t g = 0;
    for (int i = 0; i < a->count; ++i) g = gcd(g, a->t[i].c);
    for (int i = 0; i < b->count; ++i) g = gcd(g, b->t[i].c);
    if (g == 0) return;
    sni_poly_term common = {.c = 1, .n = 0};
    sni_poly_term candidate = b->t[0];
    for (int k = 0; k < candidate.n; ++k) {
        sni_poly_term with = common;
        with.f[with.n++] = candidate.f[k];
        sni_poly_term unused;
        bool all = true;
        for (int i = 0; i < a->count && all; ++i) all = sni_poly_term_div(&a->t[i], &with, &unused);
        for (int i = 0; i < b->count && all; ++i) all = sni_poly_term_div(&b->t[i], &with, &unused);
        if (all) common = with;
    }
    common.c = g;
    if (g == 1 && common.n == 0) return;
    sni_poly *both[2] = {a, b};
    for (int s = 0; s < 2; ++s) {
        sni_poly out = {.ok = true};
        for (int i = 0; i < both[s]->count; ++i) {
            sni_poly_term t;
            if (sni_poly_term_div(&both[s]->t[i], &common, &t)) sni_poly_add_term(&out, &t);
        }
        *both[s] = out;
    }
}

/* 0 <= e < b for certain? */
static bool in_range(sni_sym *sym, sni_expr e, sni_expr b) {
    return sni_sym_known_nonneg(sym, e) && sni_sym_known_less(sym, e, b);
}

/* Splits a into quotient and remainder by b. false: b is not positive or something overflowed. */
static bool split(sni_sym *sym, sni_expr a, sni_expr b, sni_expr *quotient, sni_expr *remainder) {
    sni_poly pa, pb, q, r;
    sni_poly_of(sym, a, &pa);
    sni_poly_of(sym, b, &pb);
    if (!pa.ok || !pb.ok || pb.count == 0) return false;
    divide(&pa, &pb, &q, &r);
    *quotient = sni_poly_to_expr(sym, &q);
    *remainder = sni_poly_to_expr(sym, &r);
    return *quotient && *remainder;
}

static sni_expr divided(sni_sym *sym, sni_expr a, sni_expr b) {
    int64_t ca, cb;
    bool const_b = sni_sym_is_const(sym, b, &cb);
    if (const_b && cb <= 0) return SNI_NO_EXPR;
    if (const_b && sni_sym_is_const(sym, a, &ca)) return sni_sym_const(sym, floor_div(ca, cb));
    if (const_b && cb == 1) return a;
    sni_expr quotient, remainder;
    if (!split(sym, a, b, &quotient, &remainder)) return SNI_NO_EXPR;
    if (sni_sym_is(sym, remainder, 0) || in_range(sym, remainder, b)) return quotient;
    sni_poly pr, pb;
    sni_poly_of(sym, remainder, &pr);
    sni_poly_of(sym, b, &pb);
    cancel(&pr, &pb);
    sni_expr n = sni_poly_to_expr(sym, &pr), d = sni_poly_to_expr(sym, &pb), atom, whole, rest;
    if (!n || !d) return SNI_NO_EXPR;
    if (sni_sym_is(sym, d, 1)) {
        atom = n;
    } else if (sym->nodes[n].kind == SNI_SYM_DIV) { /* floor(floor(x/c)/d) = floor(x/(c*d)) */
        sni_expr x = sym->nodes[n].a;
        atom = sni_sym_div(sym, x, sni_sym_mul(sym, sym->nodes[n].b, d));
    } else if (sym->nodes[n].kind == SNI_SYM_MOD && split(sym, sym->nodes[n].b, d, &whole, &rest) &&
               sni_sym_is(sym, rest, 0)) { /* (x % (c*d)) / d = (x / d) % c */
        atom = sni_sym_mod(sym, sni_sym_div(sym, sym->nodes[n].a, d), whole);
    } else {
        atom = sni_sym_atom(sym, SNI_SYM_DIV, 0, n, d);
    }
    return sni_sym_add(sym, quotient, atom);
}

static sni_expr remainder_of(sni_sym *sym, sni_expr a, sni_expr b) {
    int64_t ca, cb;
    bool const_b = sni_sym_is_const(sym, b, &cb);
    if (const_b && cb <= 0) return SNI_NO_EXPR;
    if (const_b && sni_sym_is_const(sym, a, &ca)) return sni_sym_const(sym, ca - cb * floor_div(ca, cb));
    sni_expr quotient, remainder;
    if (!split(sym, a, b, &quotient, &remainder)) return SNI_NO_EXPR;
    if (sni_sym_is(sym, remainder, 0) || in_range(sym, remainder, b)) return remainder;
    if (sym->nodes[remainder].kind == SNI_SYM_MOD) { /* (x % (c*b)) % b = x % b */
        sni_expr q, r;
        if (split(sym, sym->nodes[remainder].b, b, &q, &r) && sni_sym_is(sym, r, 0))
            return sni_sym_mod(sym, sym->nodes[remainder].a, b);
    }
    /* (f*x) % (f*y) = f * (x % y) */
    sni_poly pr, pb;
    sni_poly_of(sym, remainder, &pr);
    sni_poly_of(sym, b, &pb);
    cancel(&pr, &pb);
    sni_expr n = sni_poly_to_expr(sym, &pr), d = sni_poly_to_expr(sym, &pb);
    if (!n || !d) return SNI_NO_EXPR;
    if (d != b) {
        sni_expr factor, zero;
        if (!split(sym, b, d, &factor, &zero)) return SNI_NO_EXPR;
        return sni_sym_mul(sym, factor, sni_sym_mod(sym, n, d));
    }
    return sni_sym_atom(sym, SNI_SYM_MOD, 0, remainder, b);
}

/* An operation on valid expressions, unless its result is remembered. */
static sni_expr remembered(sni_sym *sym, sni_memo_op op, sni_expr a, sni_expr b,
                           sni_expr (*compute)(sni_sym *, sni_expr, sni_expr)) {
    uint32_t result;
    if (!sni_sym_valid(sym, a) || !sni_sym_valid(sym, b)) return SNI_NO_EXPR;
    if (sni_memo_find(sym, op, a, b, &result)) return result;
    result = compute(sym, a, b);
    if (result) sni_memo_keep(sym, op, a, b, result);
    return result;
}

sni_expr sni_sym_div(sni_sym *sym, sni_expr a, sni_expr b) {
    return remembered(sym, SNI_MEMO_DIV, a, b, divided);
}

sni_expr sni_sym_mod(sni_sym *sym, sni_expr a, sni_expr b) {
    return remembered(sym, SNI_MEMO_MOD, a, b, remainder_of);
}

sni_expr sni_sym_ceil_div(sni_sym *sym, sni_expr a, sni_expr b) {
    return sni_sym_div(sym, sni_sym_add_i(sym, sni_sym_add(sym, a, b), -1), b);
}

/* Both sides of a relation without what they share: positive terms left, negative ones right. */
static bool sides(sni_sym *sym, sni_expr a, sni_expr b, sni_expr *left, sni_expr *right) {
    sni_poly p, l = {.ok = true}, r = {.ok = true};
    sni_poly_of(sym, sni_sym_sub(sym, a, b), &p);
    if (!p.ok) return false;
    for (int i = 0; i < p.count; ++i) {
        sni_poly_term t = p.t[i];
        if (t.c == INT64_MIN) return false; /* it has no positive counterpart */
        if (t.c < 0) {
            t.c = -t.c;
            sni_poly_add_term(&r, &t);
        } else {
            sni_poly_add_term(&l, &t);
        }
    }
    *left = sni_poly_to_expr(sym, &l);
    *right = sni_poly_to_expr(sym, &r);
    return *left && *right;
}

sni_expr sni_sym_lt(sni_sym *sym, sni_expr a, sni_expr b) {
    if (!sni_sym_valid(sym, a) || !sni_sym_valid(sym, b)) return SNI_NO_EXPR;
    if (sni_sym_known_less(sym, a, b)) return sni_sym_const(sym, 1);
    if (sni_sym_known_nonneg(sym, sni_sym_sub(sym, a, b))) return sni_sym_const(sym, 0);
    sni_expr left, right;
    if (!sides(sym, a, b, &left, &right)) return SNI_NO_EXPR;
    return sni_sym_atom(sym, SNI_SYM_LT, 0, left, right);
}

sni_expr sni_sym_le(sni_sym *sym, sni_expr a, sni_expr b) {
    return sni_sym_lt(sym, a, sni_sym_add_i(sym, b, 1));
}

sni_expr sni_sym_eq(sni_sym *sym, sni_expr a, sni_expr b) {
    if (!sni_sym_valid(sym, a) || !sni_sym_valid(sym, b)) return SNI_NO_EXPR;
    if (a == b) return sni_sym_const(sym, 1);
    if (sni_sym_known_less(sym, a, b) || sni_sym_known_less(sym, b, a)) return sni_sym_const(sym, 0);
    sni_expr left, right;
    if (!sides(sym, a, b, &left, &right)) return SNI_NO_EXPR;
    if (left == right) return sni_sym_const(sym, 1);
    return left < right ? sni_sym_atom(sym, SNI_SYM_EQ, 0, left, right) : sni_sym_atom(sym, SNI_SYM_EQ, 0, right, left);
}

/* Does condition a certainly hold wherever b does? a < b of both, with sides that differ by a number. */
static bool implied_by(sni_sym *sym, sni_expr a, sni_expr b) {
    const sni_sym_node x = sym->nodes[a], y = sym->nodes[b];
    int64_t slack;
    if (x.kind != SNI_SYM_LT || y.kind != SNI_SYM_LT) return false;
    sni_expr wide = sni_sym_sub(sym, x.b, x.a), narrow = sni_sym_sub(sym, y.b, y.a);
    return sni_sym_is_const(sym, sni_sym_sub(sym, wide, narrow), &slack) && slack >= 0;
}

/* The conditions that a consists of and b does not say already; SNI_NO_EXPR: none are left. */
static sni_expr without_implied(sni_sym *sym, sni_expr a, sni_expr b) {
    if (sym->nodes[a].kind != SNI_SYM_AND) return implied_by(sym, a, b) ? SNI_NO_EXPR : a;
    sni_expr left = sym->nodes[a].a, right = sym->nodes[a].b;
    sni_expr x = without_implied(sym, left, b), y = without_implied(sym, right, b);
    if (x == left && y == right) return a;
    if (!x || !y) return x ? x : y;
    return x < y ? sni_sym_atom(sym, SNI_SYM_AND, 0, x, y) : sni_sym_atom(sym, SNI_SYM_AND, 0, y, x);
}

/* Is a single condition said already by one of those that a consists of? */
static bool says(sni_sym *sym, sni_expr a, sni_expr condition) {
    if (sym->nodes[a].kind != SNI_SYM_AND) return a == condition || implied_by(sym, condition, a);
    return says(sym, sym->nodes[a].a, condition) || says(sym, sym->nodes[a].b, condition);
}

sni_expr sni_sym_and(sni_sym *sym, sni_expr a, sni_expr b) {
    int64_t c;
    if (!sni_sym_valid(sym, a) || !sni_sym_valid(sym, b)) return SNI_NO_EXPR;
    if (sni_sym_is_const(sym, a, &c)) return c ? b : a;
    if (sni_sym_is_const(sym, b, &c)) return c ? a : b;
    if (a == b) return a;
    if (sni_sym_not(sym, a) == b) return sni_sym_const(sym, 0);
    if (sym->nodes[b].kind == SNI_SYM_AND) { /* one after the other, so that each is compared with all */
        sni_expr first = sym->nodes[b].a, second = sym->nodes[b].b;
        return sni_sym_and(sym, sni_sym_and(sym, a, first), second);
    }
    if (says(sym, a, b)) return a;
    a = without_implied(sym, a, b);
    if (!a) return b;
    return a < b ? sni_sym_atom(sym, SNI_SYM_AND, 0, a, b) : sni_sym_atom(sym, SNI_SYM_AND, 0, b, a);
}

sni_expr sni_sym_not(sni_sym *sym, sni_expr a) {
    int64_t c;
    if (!sni_sym_valid(sym, a)) return SNI_NO_EXPR;
    if (sni_sym_is_const(sym, a, &c)) return sni_sym_const(sym, !c);
    const sni_sym_node *n = &sym->nodes[a];
    if (n->kind == SNI_SYM_NOT) return n->a;
    if (n->kind == SNI_SYM_LT) return sni_sym_le(sym, n->b, n->a);
    return sni_sym_atom(sym, SNI_SYM_NOT, 0, a, 0);
}

static bool has_operand(const sni_sym *sym, sni_expr e, sni_expr operand, sni_sym_kind kind) {
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind != kind) return false;
    return n->a == operand || n->b == operand || has_operand(sym, n->a, operand, kind) ||
           has_operand(sym, n->b, operand, kind);
}

/* min (or max) of two: nothing that the other one already holds is said again, and
 * min(a, max(a, b)) is a. */
static sni_expr extreme(sni_sym *sym, sni_expr a, sni_expr b, sni_sym_kind kind) {
    if (!sni_sym_valid(sym, a) || !sni_sym_valid(sym, b)) return SNI_NO_EXPR;
    sni_sym_kind other = kind == SNI_SYM_MIN ? SNI_SYM_MAX : SNI_SYM_MIN;
    sni_expr less = sni_sym_sub(sym, b, a), more = sni_sym_sub(sym, a, b);
    bool a_less = a == b || sni_sym_known_nonneg(sym, less), b_less = sni_sym_known_nonneg(sym, more);
    if (a_less) return kind == SNI_SYM_MIN ? a : b;
    if (b_less) return kind == SNI_SYM_MIN ? b : a;
    if (has_operand(sym, a, b, kind) || has_operand(sym, b, a, other)) return a;
    if (has_operand(sym, b, a, kind) || has_operand(sym, a, b, other)) return b;
    const sni_sym_node n = sym->nodes[b];
    if (n.kind == kind) return extreme(sym, extreme(sym, a, n.a, kind), n.b, kind);
    return a < b ? sni_sym_atom(sym, kind, 0, a, b) : sni_sym_atom(sym, kind, 0, b, a);
}

sni_expr sni_sym_min(sni_sym *sym, sni_expr a, sni_expr b) {
    return extreme(sym, a, b, SNI_SYM_MIN);
}
sni_expr sni_sym_max(sni_sym *sym, sni_expr a, sni_expr b) {
    return extreme(sym, a, b, SNI_SYM_MAX);
}

/* ---- substitution ---- */

typedef struct substitution {
    sni_sym *sym;
    const sni_expr *with;
    int count;
    int statement; /* -1: replace axes */
    sni_expr replacement;
} substitution;

static bool affected(const substitution *s, sni_expr e) {
    const sni_sym_node *n = &s->sym->nodes[e];
    return s->statement >= 0 ? n->uses_value : n->axes != 0;
}

static sni_expr substitute(const substitution *s, sni_expr e);

static sni_expr substitute_sum(const substitution *s, sni_expr e) {
    sni_poly p;
    sni_poly_of(s->sym, e, &p);
    sni_expr sum = sni_sym_const(s->sym, 0);
    for (int i = 0; i < p.count; ++i) {
        sni_expr product = sni_sym_const(s->sym, p.t[i].c);
        for (int k = 0; k < p.t[i].n; ++k) product = sni_sym_mul(s->sym, product, substitute(s, p.t[i].f[k]));
        sum = sni_sym_add(s->sym, sum, product);
    }
    return sum;
}

static sni_expr rebuild(sni_sym *sym, sni_sym_kind kind, sni_expr a, sni_expr b) {
    switch (kind) {
    case SNI_SYM_DIV:
        return sni_sym_div(sym, a, b);
    case SNI_SYM_MOD:
        return sni_sym_mod(sym, a, b);
    case SNI_SYM_MIN:
        return sni_sym_min(sym, a, b);
    case SNI_SYM_MAX:
        return sni_sym_max(sym, a, b);
    case SNI_SYM_LT:
        return sni_sym_lt(sym, a, b);
    case SNI_SYM_EQ:
        return sni_sym_eq(sym, a, b);
    case SNI_SYM_AND:
        return sni_sym_and(sym, a, b);
    case SNI_SYM_NOT:
        return sni_sym_not(sym, a);
    default:
        return SNI_NO_EXPR;
    }
}

static sni_expr substitute(const substitution *s, sni_expr e) {
    if (!sni_sym_valid(s->sym, e)) return SNI_NO_EXPR;
    if (!affected(s, e)) return e;
    const sni_sym_node n = s->sym->nodes[e];
    switch (n.kind) {
    case SNI_SYM_AXIS:
        if (s->statement < 0 && n.value < s->count && s->with[n.value]) return s->with[n.value];
        return e;
    case SNI_SYM_VALUE:
        if (s->statement == n.value) return s->replacement;
        return e;
    case SNI_SYM_SUM:
        return substitute_sum(s, e);
    default:
        return rebuild(s->sym, n.kind, substitute(s, n.a), n.b ? substitute(s, n.b) : SNI_NO_EXPR);
    }
}

sni_expr sni_sym_substitute(sni_sym *sym, sni_expr e, const sni_expr *with, int count) {
    substitution s = {sym, with, count, -1, SNI_NO_EXPR};
    return substitute(&s, e);
}

sni_expr sni_sym_substitute_value(sni_sym *sym, sni_expr e, int statement, sni_expr replacement) {
    substitution s = {sym, NULL, 0, statement, replacement};
    return substitute(&s, e);
}

bool sni_sym_linear_in(sni_sym *sym, sni_expr e, int axis, sni_expr *out_coefficient, sni_expr *out_rest) {
    sni_poly p, c = {.ok = true}, r = {.ok = true};
    sni_poly_of(sym, e, &p);
    if (!p.ok) return false;
    for (int i = 0; i < p.count; ++i) {
        int uses = 0;
        sni_poly_term t = {.c = p.t[i].c, .n = 0};
        for (int k = 0; k < p.t[i].n; ++k) {
            const sni_sym_node *f = &sym->nodes[p.t[i].f[k]];
            if (!(f->axes >> axis & 1u)) {
                t.f[t.n++] = p.t[i].f[k];
            } else if (f->kind == SNI_SYM_AXIS && f->value == axis) {
                ++uses;
            } else {
                return false;
            }
        }
        if (uses > 1) return false;
        sni_poly_add_term(uses ? &c : &r, &t);
    }
    *out_coefficient = sni_poly_to_expr(sym, &c);
    *out_rest = sni_poly_to_expr(sym, &r);
    return *out_coefficient && *out_rest;
}
