/* The static type of a value, attributes, and a call of an operator. */
#ifndef SNI_OP_TYPE_H
#define SNI_OP_TYPE_H

#include <sinter/types.h>

#include "sym/sym.h"

/* dtype and symbolic shape; and for small integer values whose elements are known as expressions
 * (what exporters compute with Shape, Gather, Concat), those elements in row-major order. */
typedef struct sni_type {
    sinter_dtype dtype;
    int rank;
    sni_expr dims[SINTER_MAX_RANK];
    const sni_expr *elements; /* NULL: not known */
    int64_t element_count;    /* of elements */
} sni_type;

#define SNI_MAX_KNOWN_ELEMENTS 4096

typedef enum sni_attr_kind {
    SNI_ATTR_NONE,
    SNI_ATTR_INT,   /* i */
    SNI_ATTR_FLOAT, /* f */
    SNI_ATTR_EXPRS  /* a list of symbolic integers: axes, permutations, shapes, steps */
} sni_attr_kind;

#define SNI_MAX_ATTRS 8

/* One attribute of a call; which one it is, is its position in the operator's row. */
typedef struct sni_attr {
    sni_attr_kind kind;
    int64_t i;
    double f;
    int count;
    const sni_expr *exprs;
} sni_attr;

typedef struct sni_op sni_op;

/* In sni_call.require: a condition could not be built (overflow, memory). */
#define SNI_BAD_REQUIRE UINT32_MAX

/* What shape rules and index maps see of a node. */
typedef struct sni_call {
    sni_sym *sym;
    const sni_op *op;
    int in_count;
    const sni_type *in;
    const sni_attr *attrs; /* SNI_MAX_ATTRS of them */
    int out_count;
    sni_type *out;    /* the shape rule fills dtype, rank, dims */
    sni_expr require; /* what must hold once dimensions have values (sni_call_require); SNI_NO_EXPR: nothing */
} sni_call;

static inline int64_t sni_attr_i(const sni_call *call, int index) {
    return call->attrs[index].i;
}
static inline double sni_attr_f(const sni_call *call, int index) {
    return call->attrs[index].f;
}

#endif
