/* Polynomials: the canonical form of sums and products. */
#include <string.h>

#include "base/alloc.h"
#include "sym/node.h"

/* Graded lexicographic: higher degree first, then smaller factors first. A monomial order, so that
 * long division works. */
int sni_poly_term_compare(const sni_poly_term *a, const sni_poly_term *b) {
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    for (int i = 0; i < a->n; ++i)
        if (a->f[i] != b->f[i]) return a->f[i] < b->f[i] ? -1 : 1;
    return 0;
}

void sni_poly_add_term(sni_poly *p, const sni_poly_term *t) {
    if (!p->ok || t->c == 0) return;
    int i = 0, order = 1;
    while (i < p->count && (order = sni_poly_term_compare(&p->t[i], t)) < 0) ++i;
    if (i < p->count && order == 0) {
        if (!sni_add_i64(p->t[i].c, t->c, &p->t[i].c)) p->ok = false;
        if (p->t[i].c == 0) {
            memmove(&p->t[i], &p->t[i + 1], (size_t)(p->count - i - 1) * sizeof p->t[0]);
            --p->count;
        }
        return;
    }
    if (p->count == SNI_MAX_TERMS) {
        p->ok = false;
        return;
    }
    memmove(&p->t[i + 1], &p->t[i], (size_t)(p->count - i) * sizeof p->t[0]);
    p->t[i] = *t;
    ++p->count;
}

void sni_poly_add_scaled(sni_poly *p, const sni_poly *q, int64_t scale) {
    if (!q->ok) p->ok = false;
    for (int i = 0; i < q->count && p->ok; ++i) {
        sni_poly_term t = q->t[i];
        if (!sni_mul_i64(t.c, scale, &t.c)) p->ok = false;
        sni_poly_add_term(p, &t);
    }
}

static bool term_mul(const sni_poly_term *a, const sni_poly_term *b, sni_poly_term *out) {
    if (a->n + b->n > SNI_MAX_FACTORS || !sni_mul_i64(a->c, b->c, &out->c)) return false;
    out->n = 0;
    int i = 0, k = 0;
    while (i < a->n || k < b->n) {
        bool first = k == b->n || (i < a->n && a->f[i] <= b->f[k]);
        out->f[out->n++] = first ? a->f[i++] : b->f[k++];
    }
    return true;
}

void sni_poly_mul(const sni_poly *p, const sni_poly *q, sni_poly *out) {
    out->ok = p->ok && q->ok;
    out->count = 0;
    for (int i = 0; i < p->count && out->ok; ++i) {
        for (int k = 0; k < q->count && out->ok; ++k) {
            sni_poly_term t;
            if (term_mul(&p->t[i], &q->t[k], &t))
                sni_poly_add_term(out, &t);
            else
                out->ok = false;
        }
    }
}

bool sni_poly_term_div(const sni_poly_term *a, const sni_poly_term *b, sni_poly_term *out) {
    if (b->c == 0 || a->c % b->c != 0) return false;
    out->c = a->c / b->c;
    out->n = 0;
    int k = 0;
    for (int i = 0; i < a->n; ++i) {
        if (k < b->n && a->f[i] == b->f[k])
            ++k;
        else
            out->f[out->n++] = a->f[i];
    }
    return k == b->n;
}

void sni_poly_of(const sni_sym *sym, sni_expr e, sni_poly *out) {
    out->ok = sni_sym_valid(sym, e);
    out->count = 0;
    if (!out->ok) return;
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind == SNI_SYM_SUM) {
        for (uint32_t i = 0; i < n->term_count; ++i) {
            const sni_term_node *s = &sym->terms[n->term_start + i];
            sni_poly_term *t = &out->t[out->count++];
            t->c = s->coefficient;
            t->n = (int)s->factor_count;
            if (t->n) memcpy(t->f, &sym->factors[s->factor_start], s->factor_count * sizeof(sni_expr));
        }
    } else if (n->kind == SNI_SYM_CONST) {
        if (n->value != 0) out->t[out->count++] = (sni_poly_term){.c = n->value, .n = 0};
    } else {
        out->t[out->count++] = (sni_poly_term){.c = 1, .n = 1, .f = {e}};
    }
}

/* x / d * d + x % d is x: looks for a MOD whose DIV partner stands in the same sum with the matching
 * coefficient, and replaces both. Reshapes there and back leave such sums. */
static bool merge_div_mod(sni_sym *sym, sni_poly *p) {
    for (int i = 0; i < p->count; ++i) {
        for (int k = 0; k < p->t[i].n; ++k) {
            sni_expr mod = p->t[i].f[k];
            if (sym->nodes[mod].kind != SNI_SYM_MOD) continue;
            sni_expr x = sym->nodes[mod].a, d = sym->nodes[mod].b;
            sni_expr quotient = sni_sym_div(sym, x, d);
            sni_poly q, dp, rest = {.ok = true}, product, target;
            sni_poly_of(sym, quotient, &q);
            sni_poly_of(sym, d, &dp);
            sni_poly_term others = p->t[i];
            memmove(&others.f[k], &others.f[k + 1], (size_t)(others.n - k - 1) * sizeof others.f[0]);
            --others.n;
            if (!q.ok || q.count != 1 || q.t[0].c != 1 || q.t[0].n != 1 || dp.count != 1) continue;
            sni_poly_add_term(&rest, &others);
            sni_poly_mul(&rest, &dp, &product);
            sni_poly_mul(&product, &q, &target);
            if (!target.ok || target.count != 1) continue;
            for (int j = 0; j < p->count; ++j) {
                if (sni_poly_term_compare(&p->t[j], &target.t[0]) != 0 || p->t[j].c != target.t[0].c) continue;
                sni_poly xp, add;
                sni_poly_of(sym, x, &xp);
                sni_poly_mul(&rest, &xp, &add);
                sni_poly_term mod_term = p->t[i], div_term = p->t[j];
                mod_term.c = -mod_term.c;
                div_term.c = -div_term.c;
                sni_poly_add_term(p, &mod_term);
                sni_poly_add_term(p, &div_term);
                sni_poly_add_scaled(p, &add, 1);
                return true;
            }
        }
    }
    return false;
}

static sni_expr finish(sni_sym *sym, sni_poly *p) {
    while (p->ok && merge_div_mod(sym, p)) {
    }
    return sni_poly_to_expr(sym, p);
}

sni_expr sni_sym_add(sni_sym *sym, sni_expr a, sni_expr b) {
    sni_poly p, q;
    if (!a || !b) return SNI_NO_EXPR;
    sni_poly_of(sym, a, &p);
    sni_poly_of(sym, b, &q);
    sni_poly_add_scaled(&p, &q, 1);
    return finish(sym, &p);
}

sni_expr sni_sym_sub(sni_sym *sym, sni_expr a, sni_expr b) {
    sni_poly p, q;
    if (!a || !b) return SNI_NO_EXPR;
    sni_poly_of(sym, a, &p);
    sni_poly_of(sym, b, &q);
    sni_poly_add_scaled(&p, &q, -1);
    return finish(sym, &p);
}

sni_expr sni_sym_mul(sni_sym *sym, sni_expr a, sni_expr b) {
    sni_poly p, q, out;
    if (!a || !b) return SNI_NO_EXPR;
    sni_poly_of(sym, a, &p);
    sni_poly_of(sym, b, &q);
    sni_poly_mul(&p, &q, &out);
    return finish(sym, &out);
}

sni_expr sni_sym_mul_i(sni_sym *sym, sni_expr a, int64_t b) {
    return sni_sym_mul(sym, a, sni_sym_const(sym, b));
}

sni_expr sni_sym_add_i(sni_sym *sym, sni_expr a, int64_t b) {
    return sni_sym_add(sym, a, sni_sym_const(sym, b));
}
