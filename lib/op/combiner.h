/* Combiners of reductions: all that is known of each is in its row of combiner.inc. */
#ifndef SNI_OP_COMBINER_H
#define SNI_OP_COMBINER_H

#include "op/type.h"

/* The rows of combiner.inc; NONE is the combiner of what is no reduction. */
typedef enum sni_combiner {
    SNI_COMBINE_NONE,
#define SNI_COMBINER(id, name, class, start, whole_start, rounds, symbolic, merge, doc) SNI_COMBINE_##id,
#include "op/combiner.inc"
#undef SNI_COMBINER
    SNI_COMBINE_COUNT
} sni_combiner;

#define SNI_COMBINE_BIT(id) (1u << SNI_COMBINE_##id)

typedef struct sni_combiner_row {
    const char *name;
    const char *merge; /* of a and b; NONE: NULL */
    bool rounds;       /* real results depend on the order of combination */
    /* Two expressions combined without wrapping; NULL: only numbers can be. */
    sni_expr (*symbolic)(sni_sym *sym, sni_expr a, sni_expr b);
} sni_combiner_row;

/* NONE's row for what is no combiner. */
const sni_combiner_row *sni_combiner_row_of(sni_combiner combiner);

/* What a reduction of nothing gives, by the dtype's kind: f for real dtypes, i for integers and bool. An element of this
 * value changes no result. */
typedef struct sni_combiner_start {
    double f;
    int64_t i;
} sni_combiner_start;
sni_combiner_start sni_combiner_start_of(sni_combiner combiner, sinter_dtype dtype);
/* The same as the fill of a pad, which saturates: 2^63 stands for the largest i64. */
double sni_combiner_padding(sni_combiner combiner, sinter_dtype dtype);

/* The reference: two numbers combined, integers modulo 2^64. */
double sni_combine_real(sni_combiner combiner, double a, double b);
int64_t sni_combine_whole(sni_combiner combiner, int64_t a, int64_t b);

/* ---- Tuples ---- */

typedef enum sni_tuple {
    SNI_TUPLE_NONE,
#define SNI_TUPLE(id, name, leaders, followers, carries, counts, enter, carry, leave, doc) SNI_TUPLE_##id,
#include "op/combiner.inc"
#undef SNI_TUPLE
    SNI_TUPLE_COUNT
} sni_tuple;

typedef struct sni_tuple_row {
    const char *name, *doc;
    uint32_t leaders, followers; /* combiners that may be, by SNI_COMBINE_BIT */
    bool carries;                /* an element that changes the leader carries what was there before */
    bool counts;                 /* the number of elements takes part */
    const char *enter, *carry, *leave;
} sni_tuple_row;

const sni_tuple_row *sni_tuple_row_of(sni_tuple tuple);

/* The variables of a tuple's expressions, and their values in double: the reference, for tests. */
typedef struct sni_tuple_values {
    double x, y, z, a, m, p, j, n, s, r, u;
} sni_tuple_values;
typedef struct sni_tuple_reference {
    double (*enter)(const sni_tuple_values *v);
    double (*carry)(const sni_tuple_values *v);
    double (*leave)(const sni_tuple_values *v);
} sni_tuple_reference;
const sni_tuple_reference *sni_tuple_reference_of(sni_tuple tuple);

#endif
