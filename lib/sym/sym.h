/* Symbolic integers: extents, offsets and index maps.
 *
 * An expression is a number in a context that owns it; equal expressions have equal numbers.
 * Sums and products are kept in one canonical polynomial form, and division, remainder and
 * comparison are simplified with what is known of their parts: a dimension is 0 or more, an axis
 * lies in 0..extent-1. 0 is the invalid expression: every function that takes one returns one (out
 * of memory, overflow), so callers check once at the end.
 *
 * Building changes the context and belongs to one thread; evaluation and printing only read. */
#ifndef SNI_SYM_SYM_H
#define SNI_SYM_SYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

typedef struct sni_sym sni_sym;
typedef uint32_t sni_expr;
#define SNI_NO_EXPR ((sni_expr)0)

typedef enum sni_sym_kind {
    SNI_SYM_CONST,
    SNI_SYM_DIM,   /* a named dimension, 0 or more */
    SNI_SYM_AXIS,  /* a loop variable, 0 <= axis < extent */
    SNI_SYM_VALUE, /* the value that a statement of a loop program computes */
    SNI_SYM_SUM,   /* terms */
    SNI_SYM_DIV,   /* floor(a / b), b > 0 */
    SNI_SYM_MOD,   /* a - b * floor(a / b), b > 0 */
    SNI_SYM_MIN,
    SNI_SYM_MAX,
    SNI_SYM_LT,  /* a < b: 0 or 1 */
    SNI_SYM_EQ,  /* a == b: 0 or 1 */
    SNI_SYM_AND, /* of two 0-or-1 expressions */
    SNI_SYM_NOT  /* of a 0-or-1 expression */
} sni_sym_kind;

/* A term of a sum: coefficient times the product of factor_count atoms (repeated for powers). No
 * factors: the constant term. Factors are never constants or sums; sni_sym_factor gives them. */
typedef struct sni_term {
    int64_t coefficient;
    int factor_count;
} sni_term;

sni_sym *sni_sym_create(void);              /* NULL when memory is out */
sni_sym *sni_sym_clone(const sni_sym *sym); /* same numbers mean the same expressions */
void sni_sym_release(sni_sym *sym);

sni_expr sni_sym_const(sni_sym *sym, int64_t value);
sni_expr sni_sym_dim(sni_sym *sym, int64_t dim); /* a sinter_dim: number or symbol */
sni_expr sni_sym_axis(sni_sym *sym, int axis, sni_expr extent);
/* lo and hi are inclusive bounds that the statement keeps, or SNI_NO_EXPR for none. */
sni_expr sni_sym_value(sni_sym *sym, int statement, sni_expr lo, sni_expr hi);

sni_expr sni_sym_add(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_sub(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_mul(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_div(sni_sym *sym, sni_expr a, sni_expr b); /* floor */
sni_expr sni_sym_mod(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_ceil_div(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_min(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_max(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_lt(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_le(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_eq(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_and(sni_sym *sym, sni_expr a, sni_expr b);
sni_expr sni_sym_not(sni_sym *sym, sni_expr a);
/* e itself, or, where it is written out in more than a few atoms, a dimension that stands for it: so sizes that are made of
 * sizes, layer after layer, stay short. Equal expressions give the same dimension. e must be 0 or more wherever it is
 * evaluated, and free of axes and values. Evaluation finds the value of such a dimension in its bindings like any other;
 * sni_sym_defined says what to put there. Where there are very many of them, e is returned as it is. */
sni_expr sni_sym_define(sni_sym *sym, sni_expr e);
/* The dimensions that sni_sym_define made, in an order in which each is made of earlier ones. */
size_t sni_sym_defined_count(const sni_sym *sym);
sni_expr sni_sym_defined(const sni_sym *sym, size_t index, int64_t *out_dim);
/* An expression of another context, built in this one. */
sni_expr sni_sym_import(sni_sym *to, const sni_sym *from, sni_expr e);
/* The same with named dimensions replaced: dims[i] of the other context by exprs[i] of this one. The contexts must differ. */
typedef struct sni_sym_renaming {
    size_t count;
    int64_t *dims;
    sni_expr *exprs;
} sni_sym_renaming;
sni_expr sni_sym_import_with(sni_sym *to, const sni_sym *from, sni_expr e, const sni_sym_renaming *with);
/* Product and sum with plain numbers, for short code. */
sni_expr sni_sym_mul_i(sni_sym *sym, sni_expr a, int64_t b);
sni_expr sni_sym_add_i(sni_sym *sym, sni_expr a, int64_t b);

sni_sym_kind sni_sym_kind_of(const sni_sym *sym, sni_expr e);
bool sni_sym_is_const(const sni_sym *sym, sni_expr e, int64_t *out_value);
bool sni_sym_is(const sni_sym *sym, sni_expr e, int64_t value);
/* The named dimension (a sinter_dim), axis number or statement of an atom. */
int64_t sni_sym_id(const sni_sym *sym, sni_expr e);
/* Operands of every kind but CONST, DIM, AXIS, VALUE and SUM. */
sni_expr sni_sym_operand(const sni_sym *sym, sni_expr e, int index);
/* Any expression seen as a sum of terms. Returns the count; terms[i] for i < count. */
int sni_sym_term_count(const sni_sym *sym, sni_expr e);
sni_term sni_sym_term(const sni_sym *sym, sni_expr e, int index);
/* A factor of that term, by number: a pointer to all of them would not survive the next expression that is built. */
sni_expr sni_sym_factor(const sni_sym *sym, sni_expr e, int term, int factor);

/* What can be proved: false means "not known". */
bool sni_sym_known_nonneg(sni_sym *sym, sni_expr e);
bool sni_sym_known_less(sni_sym *sym, sni_expr a, sni_expr b); /* a < b */
bool sni_sym_known_divisible(sni_sym *sym, sni_expr e, int64_t by);
/* An expression without axes or values that is never less / never more; SNI_NO_EXPR: none known. */
sni_expr sni_sym_upper(sni_sym *sym, sni_expr e);
sni_expr sni_sym_lower(sni_sym *sym, sni_expr e);

/* Does e depend on the axis / on any axis / on any value? */
bool sni_sym_uses_axis(const sni_sym *sym, sni_expr e, int axis);
bool sni_sym_uses_any_axis(const sni_sym *sym, sni_expr e);
bool sni_sym_uses_value(const sni_sym *sym, sni_expr e);
/* Atoms within atoms, at most. */
int sni_sym_depth(const sni_sym *sym, sni_expr e);
/* Atoms of e when it is written out, as often as they occur; UINT32_MAX for that many or more. */
uint32_t sni_sym_size(const sni_sym *sym, sni_expr e);
/* Mask of the axes that e depends on, not counting those that its values depend on. */
uint32_t sni_sym_axes(const sni_sym *sym, sni_expr e);
/* Calls visit for every VALUE atom in e (some may come twice). */
void sni_sym_visit_values(const sni_sym *sym, sni_expr e, void (*visit)(void *, int statement), void *context);
/* If e = coefficient * axis + rest with neither depending on the axis, gives both. */
bool sni_sym_linear_in(sni_sym *sym, sni_expr e, int axis, sni_expr *out_coefficient, sni_expr *out_rest);
/* e with every axis a replaced by with[a] where a < count and with[a] is not SNI_NO_EXPR. */
sni_expr sni_sym_substitute(sni_sym *sym, sni_expr e, const sni_expr *with, int count);
/* e with VALUE atom of statement s replaced by replacement. */
sni_expr sni_sym_substitute_value(sni_sym *sym, sni_expr e, int statement, sni_expr replacement);

/* Values for evaluation: names[i] has values[i]. */
typedef struct sni_bindings {
    size_t count;
    const int64_t *dims; /* sinter_dim of each name */
    const int64_t *values;
} sni_bindings;
/* Evaluates an expression without axes and values. UNBOUND_DIMENSION names the dimension;
 * SHAPE: overflow, division by zero or less. */
sinter_status sni_sym_eval(const sni_sym *sym, sni_expr e, const sni_bindings *bindings, int64_t *out_value);
/* As sni_sym_eval with values for axes, for tests and interpreters. axis_values may be NULL. */
sinter_status sni_sym_eval_at(const sni_sym *sym, sni_expr e, const sni_bindings *bindings, const int64_t *axis_values,
                              const int64_t *statement_values, int64_t *out_value);
/* An estimate for cost models: dimensions without a value count as guess. Saturates. */
double sni_sym_estimate(const sni_sym *sym, sni_expr e, double guess);

/* Is there an expression with this named dimension? */
bool sni_sym_has_dim(const sni_sym *sym, int64_t dim);
/* Calls visit once for every named dimension that e depends on. */
void sni_sym_visit_dims(const sni_sym *sym, sni_expr e, void (*visit)(void *, int64_t dim), void *context);
/* Appends e in C's syntax with names as they are: "batch*seq + 3". */
void sni_sym_print(const sni_sym *sym, sni_expr e, sni_str *out);

#endif
