/* Inside lib/sym: how expressions are stored, and polynomials while they are computed with. */
#ifndef SNI_SYM_NODE_H
#define SNI_SYM_NODE_H

#include "sym/sym.h"

#define SNI_MAX_TERMS 96
#define SNI_MAX_FACTORS 12
#define SNI_MAX_DEPTH 64 /* of nested atoms; what recursion over them takes of the stack is bounded by it */

typedef struct sni_sym_node {
    sni_sym_kind kind;
    uint32_t axes; /* mask of the axes it depends on */
    bool uses_value;
    uint16_t depth;                  /* nesting of atoms */
    uint32_t size;                   /* atoms when it is written out; saturates */
    int64_t value;                   /* CONST: the number; DIM: sinter_dim; AXIS, VALUE: number */
    sni_expr a, b;                   /* operands; AXIS: a = extent; VALUE: a = lo, b = hi */
    uint32_t term_start, term_count; /* SUM */
} sni_sym_node;

typedef struct sni_term_node {
    int64_t coefficient;
    uint32_t factor_start, factor_count;
} sni_term_node;

/* What memo.c remembers, and of which operands. */
typedef enum sni_memo_op {
    SNI_MEMO_NONE,
    SNI_MEMO_DIV,    /* expression, expression */
    SNI_MEMO_MOD,    /* expression, expression */
    SNI_MEMO_NONNEG, /* expression, depth of the proof */
    SNI_MEMO_UPPER,  /* expression, depth of the proof */
    SNI_MEMO_LOWER
} sni_memo_op;

typedef struct sni_memo_entry {
    sni_memo_op op;
    uint32_t a, b, result;
} sni_memo_entry;

/* A dimension that stands for an expression. */
typedef struct sni_definition {
    int64_t dim;
    sni_expr atom, meaning;
} sni_definition;

struct sni_sym {
    sni_sym_node *nodes; /* nodes[0] is the invalid expression */
    size_t node_count, node_capacity;
    sni_term_node *terms;
    size_t term_count, term_capacity;
    sni_expr *factors;
    size_t factor_count, factor_capacity;
    uint32_t *table; /* open addressing, node numbers, 0: free */
    size_t table_size;
    sni_memo_entry *memo; /* made at first use */
    sni_definition *definitions;
    size_t definition_count, definition_capacity;
};

/* A polynomial by value; terms sorted by falling degree, then by factors; no zero coefficients. */
typedef struct sni_poly_term {
    int64_t c;
    int n;
    sni_expr f[SNI_MAX_FACTORS]; /* sorted */
} sni_poly_term;

typedef struct sni_poly {
    bool ok; /* false: overflow or too large */
    int count;
    sni_poly_term t[SNI_MAX_TERMS];
} sni_poly;

void sni_poly_of(const sni_sym *sym, sni_expr e, sni_poly *out);
void sni_poly_add_term(sni_poly *p, const sni_poly_term *t);
void sni_poly_add_scaled(sni_poly *p, const sni_poly *q, int64_t scale);
void sni_poly_mul(const sni_poly *p, const sni_poly *q, sni_poly *out);
sni_expr sni_poly_to_expr(sni_sym *sym, const sni_poly *p);
/* Is monomial b a divisor of a? Then *out = a / b. */
bool sni_poly_term_div(const sni_poly_term *a, const sni_poly_term *b, sni_poly_term *out);
int sni_poly_term_compare(const sni_poly_term *a, const sni_poly_term *b);

/* The result of an operation that was kept and is still there. */
bool sni_memo_find(sni_sym *sym, sni_memo_op op, uint32_t a, uint32_t b, uint32_t *out_result);
void sni_memo_keep(sni_sym *sym, sni_memo_op op, uint32_t a, uint32_t b, uint32_t result);

/* The node for an atom, made when it is new. */
sni_expr sni_sym_atom(sni_sym *sym, sni_sym_kind kind, int64_t value, sni_expr a, sni_expr b);
static inline bool sni_sym_valid(const sni_sym *sym, sni_expr e) {
    return e != SNI_NO_EXPR && e < sym->node_count;
}

#endif
