/* Expressions: storage, hash-consing, accessors. */
#include "sym/node.h"

#include <sinter/types.h>

#include <string.h>

#include "base/alloc.h"
#include "base/dim.h"
#include "base/hash.h"

/* Node 0 is the invalid expression. */
sni_sym *sni_sym_create(void) {
    sni_sym *sym = sni_calloc(1, sizeof *sym);
    if (!sym) return NULL;
    sym->table_size = 256;
    sym->table = sni_calloc(sym->table_size, sizeof *sym->table);
    if (!sym->table || !SNI_RESERVE(sym->nodes, sym->node_capacity, 64)) {
        sni_sym_release(sym);
        return NULL;
    }
    memset(&sym->nodes[0], 0, sizeof sym->nodes[0]);
    sym->node_count = 1;
    return sym;
}

void sni_sym_release(sni_sym *sym) {
    if (!sym) return;
    sni_free(sym->nodes);
    sni_free(sym->terms);
    sni_free(sym->factors);
    sni_free(sym->table);
    sni_free(sym->memo);
    sni_free(sym->definitions);
    sni_free(sym);
}

static void *duplicate(const void *data, size_t count, size_t element_bytes) {
    void *copy = sni_malloc(count * element_bytes + 1);
    if (copy && count) memcpy(copy, data, count * element_bytes);
    return copy;
}

/* Numbers stay valid in the copy, so graphs that passes build from one another share them. What was proved is not copied: it is
 * found again when it is asked for. */
sni_sym *sni_sym_clone(const sni_sym *sym) {
    sni_sym *copy = sni_calloc(1, sizeof *copy);
    if (!copy) return NULL;
    *copy = *sym;
    copy->memo = NULL;
    copy->nodes = duplicate(sym->nodes, sym->node_count, sizeof *sym->nodes);
    copy->terms = duplicate(sym->terms, sym->term_count, sizeof *sym->terms);
    copy->factors = duplicate(sym->factors, sym->factor_count, sizeof *sym->factors);
    copy->table = duplicate(sym->table, sym->table_size, sizeof *sym->table);
    copy->definitions = duplicate(sym->definitions, sym->definition_count, sizeof *sym->definitions);
    copy->definition_capacity = sym->definition_count;
    copy->node_capacity = sym->node_count;
    copy->term_capacity = sym->term_count;
    copy->factor_capacity = sym->factor_count;
    if (!copy->nodes || !copy->terms || !copy->factors || !copy->table || !copy->definitions) {
        sni_sym_release(copy);
        return NULL;
    }
    return copy;
}

/* ---- hash-consing ---- */

/* Equal expressions must be one node, because everything compares numbers: so a sum hashes its terms, not where they lie. */
static uint64_t node_hash(const sni_sym *sym, const sni_sym_node *n) {
    int64_t key[4] = {n->kind, n->value, n->a, n->b};
    uint64_t h = sni_hash64_of(key, sizeof key, 0);
    for (uint32_t i = 0; i < n->term_count; ++i) {
        const sni_term_node *t = &sym->terms[n->term_start + i];
        h = sni_hash64_of(&t->coefficient, sizeof t->coefficient, h);
        if (t->factor_count) h = sni_hash64_of(&sym->factors[t->factor_start], t->factor_count * sizeof(sni_expr), h);
    }
    return h;
}

static bool node_equal(const sni_sym *sym, const sni_sym_node *x, const sni_sym_node *y) {
    if (x->kind != y->kind || x->value != y->value || x->a != y->a || x->b != y->b || x->term_count != y->term_count)
        return false;
    for (uint32_t i = 0; i < x->term_count; ++i) {
        const sni_term_node *s = &sym->terms[x->term_start + i], *t = &sym->terms[y->term_start + i];
        if (s->coefficient != t->coefficient || s->factor_count != t->factor_count) return false;
        if (s->factor_count && memcmp(&sym->factors[s->factor_start], &sym->factors[t->factor_start],
                                      s->factor_count * sizeof(sni_expr)) != 0)
            return false;
    }
    return true;
}

static bool table_grow(sni_sym *sym) {
    size_t size = sym->table_size * 2;
    uint32_t *table = sni_calloc(size, sizeof *table);
    if (!table) return false;
    for (size_t i = 1; i < sym->node_count; ++i) {
        size_t slot = node_hash(sym, &sym->nodes[i]) & (size - 1);
        while (table[slot]) slot = (slot + 1) & (size - 1);
        table[slot] = (uint32_t)i;
    }
    sni_free(sym->table);
    sym->table = table;
    sym->table_size = size;
    return true;
}

/* Finds the node equal to n or adds it; the terms of a new SUM are already at the end of the pools. */
static sni_expr intern(sni_sym *sym, const sni_sym_node *n) {
    if (sym->node_count * 2 > sym->table_size && !table_grow(sym)) return SNI_NO_EXPR;
    size_t slot = node_hash(sym, n) & (sym->table_size - 1);
    while (sym->table[slot]) {
        if (node_equal(sym, &sym->nodes[sym->table[slot]], n)) return sym->table[slot];
        slot = (slot + 1) & (sym->table_size - 1);
    }
    if (sym->node_count >= UINT32_MAX - 1 || !SNI_RESERVE(sym->nodes, sym->node_capacity, sym->node_count + 1))
        return SNI_NO_EXPR;
    sym->nodes[sym->node_count] = *n;
    sym->table[slot] = (uint32_t)sym->node_count;
    return (sni_expr)sym->node_count++;
}

/* Sizes only serve to refuse what is too large, so they stop at the top. */
static uint32_t add_size(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Everything but a sum. What is asked of expressions all the time (which axes, how deep, how large) is kept with the node. */
sni_expr sni_sym_atom(sni_sym *sym, sni_sym_kind kind, int64_t value, sni_expr a, sni_expr b) {
    sni_sym_node n = {.kind = kind, .value = value, .a = a, .b = b};
    unsigned depth = 0;
    if (kind == SNI_SYM_AXIS) {
        n.axes = 1u << (value & 31);
    } else if (kind == SNI_SYM_VALUE) {
        n.uses_value = true;
    }
    sni_expr operands[2] = {a, b};
    for (int i = 0; i < 2; ++i) {
        if (!operands[i]) continue;
        const sni_sym_node *o = &sym->nodes[operands[i]];
        n.axes |= o->axes;
        n.uses_value |= o->uses_value;
        if (o->depth > depth) depth = o->depth;
        if (kind != SNI_SYM_AXIS && kind != SNI_SYM_VALUE) n.size = add_size(n.size, o->size);
    }
    n.size = add_size(n.size, 1);
    if (depth + 1 > SNI_MAX_DEPTH) return SNI_NO_EXPR;
    n.depth = (uint16_t)(depth + 1);
    return intern(sym, &n);
}

/* A polynomial of one term that is a number or an atom is that number or atom; every other becomes a sum. */
sni_expr sni_poly_to_expr(sni_sym *sym, const sni_poly *p) {
    if (!p->ok) return SNI_NO_EXPR;
    if (p->count == 0) return sni_sym_const(sym, 0);
    if (p->count == 1 && p->t[0].n == 0) return sni_sym_const(sym, p->t[0].c);
    if (p->count == 1 && p->t[0].n == 1 && p->t[0].c == 1) return p->t[0].f[0];
    size_t terms = sym->term_count, factors = sym->factor_count, needed = 0;
    for (int i = 0; i < p->count; ++i) needed += (size_t)p->t[i].n;
    if (!SNI_RESERVE(sym->terms, sym->term_capacity, terms + (size_t)p->count) ||
        !SNI_RESERVE(sym->factors, sym->factor_capacity, factors + needed))
        return SNI_NO_EXPR;
    sni_sym_node n = {.kind = SNI_SYM_SUM, .term_start = (uint32_t)terms, .term_count = (uint32_t)p->count};
    for (int i = 0; i < p->count; ++i) {
        sni_term_node *t = &sym->terms[sym->term_count++];
        t->coefficient = p->t[i].c;
        t->factor_start = (uint32_t)sym->factor_count;
        t->factor_count = (uint32_t)p->t[i].n;
        for (int k = 0; k < p->t[i].n; ++k) {
            const sni_sym_node *f = &sym->nodes[p->t[i].f[k]];
            n.axes |= f->axes;
            n.uses_value |= f->uses_value;
            if (f->depth > n.depth) n.depth = f->depth;
            n.size = add_size(n.size, f->size);
            sym->factors[sym->factor_count++] = p->t[i].f[k];
        }
    }
    size_t before = sym->node_count;
    sni_expr e = intern(sym, &n);
    if (!e || e < before) { /* known already, or failed: give the pool space back */
        sym->term_count = terms;
        sym->factor_count = factors;
    }
    return e;
}

/* ---- atoms ---- */

sni_expr sni_sym_const(sni_sym *sym, int64_t value) {
    return sni_sym_atom(sym, SNI_SYM_CONST, value, 0, 0);
}

static sni_expr made_dim(sni_sym *sym, const sni_dim_made *made) {
    sni_expr a = sni_sym_dim(sym, made->a), b = sni_sym_dim(sym, made->b);
    switch (made->operation) {
    case '+':
        return sni_sym_add(sym, a, b);
    case '-':
        return sni_sym_sub(sym, a, b);
    case '*':
        return sni_sym_mul(sym, a, b);
    default:
        return sni_sym_div(sym, a, b);
    }
}

sni_expr sni_sym_dim(sni_sym *sym, int64_t dim) {
    sni_dim_made made;
    if (dim == SINTER_DIM_INVALID) return SNI_NO_EXPR;
    if (sni_dim_is_made(dim, &made)) return made_dim(sym, &made);
    if (!sinter_dim_name(dim)) return sni_sym_const(sym, dim);
    return sni_sym_atom(sym, SNI_SYM_DIM, dim, 0, 0);
}

sni_expr sni_sym_axis(sni_sym *sym, int axis, sni_expr extent) {
    if (!sni_sym_valid(sym, extent) || axis < 0 || axis >= 32) return SNI_NO_EXPR;
    /* A loop of one step: its variable disappears from every index. */
    if (sni_sym_is(sym, extent, 1)) return sni_sym_const(sym, 0);
    return sni_sym_atom(sym, SNI_SYM_AXIS, axis, extent, 0);
}

sni_expr sni_sym_value(sni_sym *sym, int statement, sni_expr lo, sni_expr hi) {
    return sni_sym_atom(sym, SNI_SYM_VALUE, statement, lo, hi);
}

/* ---- accessors ---- */

sni_sym_kind sni_sym_kind_of(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) ? sym->nodes[e].kind : SNI_SYM_CONST;
}

bool sni_sym_is_const(const sni_sym *sym, sni_expr e, int64_t *out_value) {
    if (!sni_sym_valid(sym, e) || sym->nodes[e].kind != SNI_SYM_CONST) return false;
    if (out_value) *out_value = sym->nodes[e].value;
    return true;
}

bool sni_sym_is(const sni_sym *sym, sni_expr e, int64_t value) {
    int64_t v;
    return sni_sym_is_const(sym, e, &v) && v == value;
}

int64_t sni_sym_id(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) ? sym->nodes[e].value : -1;
}

sni_expr sni_sym_operand(const sni_sym *sym, sni_expr e, int index) {
    if (!sni_sym_valid(sym, e)) return SNI_NO_EXPR;
    return index == 0 ? sym->nodes[e].a : sym->nodes[e].b;
}

int sni_sym_term_count(const sni_sym *sym, sni_expr e) {
    if (!sni_sym_valid(sym, e)) return 0;
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind == SNI_SYM_SUM) return (int)n->term_count;
    return n->kind == SNI_SYM_CONST && n->value == 0 ? 0 : 1;
}

sni_term sni_sym_term(const sni_sym *sym, sni_expr e, int index) {
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind == SNI_SYM_SUM) {
        const sni_term_node *t = &sym->terms[n->term_start + (uint32_t)index];
        return (sni_term){t->coefficient, (int)t->factor_count};
    }
    return n->kind == SNI_SYM_CONST ? (sni_term){n->value, 0} : (sni_term){1, 1};
}

sni_expr sni_sym_factor(const sni_sym *sym, sni_expr e, int term, int factor) {
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind != SNI_SYM_SUM) return e; /* an atom is its own single factor */
    return sym->factors[sym->terms[n->term_start + (uint32_t)term].factor_start + (uint32_t)factor];
}

bool sni_sym_uses_axis(const sni_sym *sym, sni_expr e, int axis) {
    return sni_sym_valid(sym, e) && axis >= 0 && (sym->nodes[e].axes >> axis & 1u);
}

bool sni_sym_uses_any_axis(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) && sym->nodes[e].axes != 0;
}

bool sni_sym_uses_value(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) && sym->nodes[e].uses_value;
}

typedef void (*visit_fn)(void *, int64_t);

/* Calls visit with the number of every atom of one kind. */
static void visit_atoms(const sni_sym *sym, sni_expr e, sni_sym_kind kind, visit_fn visit, void *context) {
    if (!sni_sym_valid(sym, e)) return;
    const sni_sym_node *n = &sym->nodes[e];
    if (n->kind == kind) visit(context, n->value);
    if (n->kind == SNI_SYM_SUM) {
        for (uint32_t i = 0; i < n->term_count; ++i) {
            const sni_term_node *t = &sym->terms[n->term_start + i];
            for (uint32_t k = 0; k < t->factor_count; ++k)
                visit_atoms(sym, sym->factors[t->factor_start + k], kind, visit, context);
        }
    } else {
        visit_atoms(sym, n->a, kind, visit, context);
        visit_atoms(sym, n->b, kind, visit, context);
    }
}

void sni_sym_visit_dims(const sni_sym *sym, sni_expr e, void (*visit)(void *, int64_t dim), void *context) {
    visit_atoms(sym, e, SNI_SYM_DIM, visit, context);
}

typedef struct value_visit {
    void (*visit)(void *, int);
    void *context;
} value_visit;

static void visit_value(void *context, int64_t number) {
    value_visit *v = context;
    v->visit(v->context, (int)number);
}

void sni_sym_visit_values(const sni_sym *sym, sni_expr e, void (*visit)(void *, int statement), void *context) {
    if (!sni_sym_uses_value(sym, e)) return;
    value_visit v = {visit, context};
    visit_atoms(sym, e, SNI_SYM_VALUE, visit_value, &v);
}

int sni_sym_depth(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) ? sym->nodes[e].depth : 0;
}

uint32_t sni_sym_size(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) ? sym->nodes[e].size : 0;
}

uint32_t sni_sym_axes(const sni_sym *sym, sni_expr e) {
    return sni_sym_valid(sym, e) ? sym->nodes[e].axes : 0;
}
