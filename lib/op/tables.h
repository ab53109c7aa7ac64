/* The families of rows that make up the operator table, one array a file. */
#ifndef SNI_OP_TABLES_H
#define SNI_OP_TABLES_H

#include "op/op.h"

/* ELEMENTWISE and CAST: elementwise.c, from elementwise.inc. */
extern const sni_op sni_ops_elementwise[];
extern const size_t sni_ops_elementwise_count;
/* VIEW and IOTA. */
extern const sni_op sni_ops_view[];
extern const size_t sni_ops_view_count;
/* REDUCE. */
extern const sni_op sni_ops_reduce[];
extern const size_t sni_ops_reduce_count;
/* CONTRACT. */
extern const sni_op sni_ops_contract[];
extern const size_t sni_ops_contract_count;
/* COMPOSITE. */
extern const sni_op sni_ops_composite[];
extern const size_t sni_ops_composite_count;

#endif
