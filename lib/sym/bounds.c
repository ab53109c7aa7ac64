/* What can be proved of an expression: signs and bounds. */
#include <string.h>

#include "sym/node.h"

/* Bounds of one atom as expressions without the atom itself; 0: none known. Dimensions are left
 * alone: they are what bounds are made of. */
static sni_expr atom_bound(sni_sym *sym, sni_expr e, bool upper, int depth);
static sni_expr bound(sni_sym *sym, sni_expr e, bool upper, int depth);
static bool nonneg(sni_sym *sym, sni_expr e, int depth);

#define MAX_PROOF_DEPTH 10

static sni_expr atom_bound(sni_sym *sym, sni_expr e, bool upper, int depth) {
    const sni_sym_node n = sym->nodes[e];
    switch (n.kind) {
    case SNI_SYM_AXIS:
        return upper ? sni_sym_add_i(sym, n.a, -1) : sni_sym_const(sym, 0);
    case SNI_SYM_VALUE:
        return upper ? n.b : n.a;
    case SNI_SYM_MOD:
        return upper ? sni_sym_add_i(sym, n.b, -1) : sni_sym_const(sym, 0);
    case SNI_SYM_DIV: {
        sni_expr top = bound(sym, n.a, upper, depth + 1);
        if (top && !sni_sym_uses_any_axis(sym, n.b)) return sni_sym_div(sym, top, n.b);
        return !upper && nonneg(sym, n.a, depth + 1) ? sni_sym_const(sym, 0) : SNI_NO_EXPR;
    }
    case SNI_SYM_MIN:
        if (upper) {
            sni_expr a = bound(sym, n.a, true, depth + 1);
            sni_expr b = bound(sym, n.b, true, depth + 1);
            return a && b ? sni_sym_min(sym, a, b) : a ? a : b;
        }
        return nonneg(sym, n.a, depth + 1) && nonneg(sym, n.b, depth + 1) ? sni_sym_const(sym, 0) : SNI_NO_EXPR;
    case SNI_SYM_MAX:
        if (!upper) {
            if (nonneg(sym, n.a, depth + 1) || nonneg(sym, n.b, depth + 1)) return sni_sym_const(sym, 0);
            return SNI_NO_EXPR;
        } else {
            sni_expr a = bound(sym, n.a, true, depth + 1);
            sni_expr b = bound(sym, n.b, true, depth + 1);
            return a && b ? sni_sym_max(sym, a, b) : SNI_NO_EXPR;
        }
    case SNI_SYM_LT:
    case SNI_SYM_EQ:
    case SNI_SYM_AND:
    case SNI_SYM_NOT:
        return sni_sym_const(sym, upper ? 1 : 0);
    default:
        return SNI_NO_EXPR;
    }
}

/* Can the atom be 0 or more only? */
static bool atom_nonneg(sni_sym *sym, sni_expr e, int depth) {
    const sni_sym_node n = sym->nodes[e];
    switch (n.kind) {
    case SNI_SYM_DIM:
    case SNI_SYM_AXIS:
    case SNI_SYM_MOD:
    case SNI_SYM_LT:
    case SNI_SYM_EQ:
    case SNI_SYM_AND:
    case SNI_SYM_NOT:
        return true;
    case SNI_SYM_DIV:
        return nonneg(sym, n.a, depth + 1);
    case SNI_SYM_VALUE:
        return n.a && nonneg(sym, n.a, depth + 1);
    case SNI_SYM_MIN:
        return nonneg(sym, n.a, depth + 1) && nonneg(sym, n.b, depth + 1);
    case SNI_SYM_MAX:
        return nonneg(sym, n.a, depth + 1) || nonneg(sym, n.b, depth + 1);
    default:
        return false;
    }
}

static bool terms_nonneg(sni_sym *sym, const sni_poly *p, int depth) {
    for (int i = 0; i < p->count; ++i) {
        if (p->t[i].c < 0) return false;
        for (int k = 0; k < p->t[i].n; ++k)
            if (!atom_nonneg(sym, p->t[i].f[k], depth)) return false;
    }
    return true;
}

/* The atom with the greatest number that is no dimension: later atoms may contain earlier ones. */
static sni_expr last_atom(const sni_sym *sym, const sni_poly *p) {
    sni_expr last = SNI_NO_EXPR;
    for (int i = 0; i < p->count; ++i)
        for (int k = 0; k < p->t[i].n; ++k)
            if (p->t[i].f[k] > last && sym->nodes[p->t[i].f[k]].kind != SNI_SYM_DIM) last = p->t[i].f[k];
    return last;
}

/* p = c * atom + r; false when the atom occurs squared. */
static bool collect(const sni_poly *p, sni_expr atom, sni_poly *c, sni_poly *r) {
    c->ok = r->ok = true;
    c->count = r->count = 0;
    for (int i = 0; i < p->count; ++i) {
        sni_poly_term single = {.c = 1, .n = 1, .f = {atom}}, t, unused;
        if (sni_poly_term_div(&p->t[i], &single, &t)) {
            if (sni_poly_term_div(&t, &single, &unused)) return false;
            sni_poly_add_term(c, &t);
        } else {
            sni_poly_add_term(r, &p->t[i]);
        }
    }
    return c->ok && r->ok;
}

static sni_expr find_bound(sni_sym *sym, sni_expr e, bool upper, int depth) {
    sni_poly p;
    sni_poly_of(sym, e, &p);
    if (!p.ok) return SNI_NO_EXPR;
    sni_expr atom = last_atom(sym, &p);
    if (!atom) return e;
    sni_poly c, r;
    if (!collect(&p, atom, &c, &r)) return SNI_NO_EXPR;
    sni_expr ce = sni_poly_to_expr(sym, &c), re = sni_poly_to_expr(sym, &r);
    if (!ce || !re) return SNI_NO_EXPR;
    bool rising = nonneg(sym, ce, depth + 1);
    if (!rising && !nonneg(sym, sni_sym_mul_i(sym, ce, -1), depth + 1)) return SNI_NO_EXPR;
    sni_expr limit = atom_bound(sym, atom, upper == rising, depth);
    if (!limit) return SNI_NO_EXPR;
    return bound(sym, sni_sym_add(sym, sni_sym_mul(sym, ce, limit), re), upper, depth + 1);
}

static sni_expr bound(sni_sym *sym, sni_expr e, bool upper, int depth) {
    if (!sni_sym_valid(sym, e) || depth > MAX_PROOF_DEPTH) return SNI_NO_EXPR;
    sni_memo_op op = upper ? SNI_MEMO_UPPER : SNI_MEMO_LOWER;
    uint32_t result;
    if (sni_memo_find(sym, op, e, (uint32_t)depth, &result)) return result;
    result = find_bound(sym, e, upper, depth);
    sni_memo_keep(sym, op, e, (uint32_t)depth, result);
    return result;
}

static bool prove_nonneg(sni_sym *sym, sni_expr e, int depth) {
    sni_poly p;
    sni_poly_of(sym, e, &p);
    if (!p.ok) return false;
    if (terms_nonneg(sym, &p, depth)) return true;
    if (!last_atom(sym, &p)) return false;
    sni_expr low = bound(sym, e, false, depth + 1);
    if (!low) return false;
    sni_poly_of(sym, low, &p);
    return p.ok && terms_nonneg(sym, &p, depth + 1);
}

static bool nonneg(sni_sym *sym, sni_expr e, int depth) {
    if (!sni_sym_valid(sym, e) || depth > MAX_PROOF_DEPTH) return false;
    uint32_t result;
    if (sni_memo_find(sym, SNI_MEMO_NONNEG, e, (uint32_t)depth, &result)) return result != 0;
    result = prove_nonneg(sym, e, depth);
    sni_memo_keep(sym, SNI_MEMO_NONNEG, e, (uint32_t)depth, result);
    return result != 0;
}

bool sni_sym_known_nonneg(sni_sym *sym, sni_expr e) {
    return nonneg(sym, e, 0);
}

bool sni_sym_known_less(sni_sym *sym, sni_expr a, sni_expr b) {
    return nonneg(sym, sni_sym_add_i(sym, sni_sym_sub(sym, b, a), -1), 0);
}

bool sni_sym_known_divisible(sni_sym *sym, sni_expr e, int64_t by) {
    sni_poly p;
    sni_poly_of(sym, e, &p);
    if (!p.ok || by <= 0) return false;
    for (int i = 0; i < p.count; ++i)
        if (p.t[i].c % by != 0) return false;
    return true;
}

sni_expr sni_sym_upper(sni_sym *sym, sni_expr e) {
    return bound(sym, e, true, 0);
}
sni_expr sni_sym_lower(sni_sym *sym, sni_expr e) {
    return bound(sym, e, false, 0);
}
