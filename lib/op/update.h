/* update and store: a region of a value replaced. */
#ifndef SNI_OP_UPDATE_H
#define SNI_OP_UPDATE_H

#include "op/op.h"

/* The row of a node that the passes make of an "update" of a state: it writes the region into data's memory, and its
 * output is that memory afterwards. Inputs: data, value, starts, then whatever has to be computed before the memory
 * changes. No row of the table: nobody else makes such nodes. */
extern const sni_op sni_op_store;

/* How many of a node's inputs it reads; the others of a store are only computed before it. */
static inline int sni_op_reads(const sni_op *op, int in_count) {
    return op->kind == SNI_OP_STORE && in_count > 3 ? 3 : in_count;
}

/* Where the region of an "update" or "store" begins along a dimension, moved so that it lies inside. */
sni_expr sni_update_start(const sni_call *call, int axis, sni_read_fn read, void *context);

#endif
