/* The families of rows that make up the operator table, one array a file. */
#ifndef SNI_OP_TABLES_H
#define SNI_OP_TABLES_H

#include "op/op.h"

/* ELEMENTWISE and CAST: elementwise.c, from elementwise.inc. */
extern const sni_op sni_ops_elementwise[];
extern const size_t sni_ops_elementwise_count;
/* VIEW: shape changes (view.c), the sliding window (window.c), gathers (gather.c). */
extern const sni_op sni_ops_view[];
extern const size_t sni_ops_view_count;
extern const sni_op sni_ops_window[];
extern const size_t sni_ops_window_count;
extern const sni_op sni_ops_gather[];
extern const size_t sni_ops_gather_count;
/* VIEW, too: update.c. */
extern const sni_op sni_ops_update[];
extern const size_t sni_ops_update_count;
/* IOTA. */
extern const sni_op sni_ops_iota[];
extern const size_t sni_ops_iota_count;
/* REDUCE. */
extern const sni_op sni_ops_reduce[];
extern const size_t sni_ops_reduce_count;
/* SCAN. */
extern const sni_op sni_ops_scan[];
extern const size_t sni_ops_scan_count;
/* CONTRACT. */
extern const sni_op sni_ops_contract[];
extern const size_t sni_ops_contract_count;
/* COMPOSITE, one file a family: composite_reduce.c, composite_norm.c, composite_conv.c,
 * composite_pool.c, composite_misc.c, composite_resize.c, composite_train.c. */
extern const sni_op sni_ops_composite_reduce[];
extern const size_t sni_ops_composite_reduce_count;
extern const sni_op sni_ops_composite_norm[];
extern const size_t sni_ops_composite_norm_count;
extern const sni_op sni_ops_composite_conv[];
extern const size_t sni_ops_composite_conv_count;
extern const sni_op sni_ops_composite_pool[];
extern const size_t sni_ops_composite_pool_count;
extern const sni_op sni_ops_composite_misc[];
extern const size_t sni_ops_composite_misc_count;
extern const sni_op sni_ops_composite_resize[];
extern const size_t sni_ops_composite_resize_count;
extern const sni_op sni_ops_composite_train[];
extern const size_t sni_ops_composite_train_count;

#endif
