/* What the files about elementwise operators share. */
#ifndef SNI_OP_ELEMENTWISE_H
#define SNI_OP_ELEMENTWISE_H

#include "op/op.h"

/* The row's expression of integers, exact and then wrapped to dtype. False for rows of class REAL. */
bool sni_elementwise_whole(const sni_op *op, sinter_dtype dtype, const int64_t operands[3], int64_t *out);
/* The row's `known`: elements of the output as expressions of the inputs' elements. */
bool sni_elementwise_known(const sni_call *call, sni_expr *out);
bool sni_cast_known(const sni_call *call, sni_expr *out);

#endif
