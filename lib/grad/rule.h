/* What the rules of reverse mode share.
 *
 * A rule is called with a node and g, what the loss changes with the node's result, and calls sni_grad_add for every input
 * that the loss may change with. g is a value of the graph like any other, so a rule is a few calls of sni_make_*. Ids of 0
 * pass through, as everywhere in make.h: a rule need not check. */
#ifndef SNI_GRAD_RULE_H
#define SNI_GRAD_RULE_H

#include "rewrite/make.h"

typedef struct sni_grad sni_grad;

/* The node is a copy: adding nodes moves the graph's. */
typedef void (*sni_grad_rule)(sni_grad *grad, const sni_node *node, uint32_t g);

sinter_graph *sni_grad_graph(const sni_grad *grad);
/* Does the loss change with this value by way of a parameter? False for 0, an optional input that is not given. */
bool sni_grad_needs(const sni_grad *grad, uint32_t value);
/* Adds to what the loss changes with value. Where value was broadcast, part may have the larger shape and is summed; its dtype
 * may be wider. Ignored where nobody needs it. */
void sni_grad_add(sni_grad *grad, uint32_t value, uint32_t part);
/* The same for a part that has as many elements as value in the same order. */
void sni_grad_add_reshaped(sni_grad *grad, uint32_t value, uint32_t part);
/* A part that is zero outside of size elements from start on along an axis, of which value has these alone. Pieces that lie side
 * by side are put together rather than filled up and added. axis -1: all of it. */
typedef struct sni_grad_piece {
    uint32_t value;
    int axis;
    int64_t start, size;
} sni_grad_piece;
void sni_grad_add_piece(sni_grad *grad, uint32_t value, sni_grad_piece piece);
/* The sum of all pieces of a value of that type, in its dtype or wider. Changes the list. */
uint32_t sni_grad_sum(sinter_graph *graph, sni_grad_piece *pieces, size_t count, const sni_type *type);
/* Replaces the node by its primitives, which the sweep then goes through: the rule of composites that have none of their
 * own. */
void sni_grad_decomposed(sni_grad *grad, const sni_node *node, uint32_t g);
/* Of rows whose result changes in steps only. Never called: their results need no gradient. */
void sni_grad_flat(sni_grad *grad, const sni_node *node, uint32_t g);

/* ---- short ways to add nodes, beyond make.h ---- */

/* The number of steps that an optimiser took before this run: the i64 state "optimizer.step", made where it is not there. */
uint32_t sni_grad_step(sinter_graph *graph);
uint32_t sni_grad_zeros(sinter_graph *graph, const sni_type *type);
/* x with its last two dimensions exchanged. */
uint32_t sni_grad_swap(sinter_graph *graph, uint32_t x);
/* The result of a reduction over axes (a mask), or its gradient, seen with the reduced dimensions as ones. */
uint32_t sni_grad_kept(sinter_graph *graph, uint32_t x, const sni_type *in, uint32_t axes);
/* x [outer.., size, inner..] as three dimensions around an axis. */
uint32_t sni_grad_rows(sinter_graph *graph, uint32_t x, int axis);
/* x with an axis in the opposite order. */
uint32_t sni_grad_flip(sinter_graph *graph, uint32_t x, int axis);
/* indices as rows of a dimension, as gathers understand them: negative ones count from the end, others are moved inside. i32:
 * no dimension is longer than that. */
uint32_t sni_grad_wrapped(sinter_graph *graph, uint32_t indices, sni_expr size);
/* g [outer.., indices.., inner..] added up where indices of one dimension, places in 0..size-1, are the same: with size in
 * their place. A product with a matrix of zeros and ones, which has the same sums in the same order every time. */
uint32_t sni_grad_scatter(sinter_graph *graph, uint32_t g, uint32_t indices, int axis, sni_expr size);

/* A text of elementwise.inc as nodes. Operands are of one real dtype (a condition is bool); 0: no change. */
typedef struct sni_grad_operands {
    uint32_t in[3], out, g;
    double attrs[2];
} sni_grad_operands;
uint32_t sni_grad_expression(sinter_graph *graph, const char *text, const sni_grad_operands *operands);

/* The rules by operator, one file a family; {NULL, NULL} ends a list. */
typedef struct sni_grad_entry {
    const char *op;
    sni_grad_rule rule;
} sni_grad_entry;
extern const sni_grad_entry sni_grad_view[], sni_grad_window[], sni_grad_gather[], sni_grad_reduce[], sni_grad_scan[],
    sni_grad_contract[], sni_grad_norm[], sni_grad_conv[], sni_grad_loss[];
/* The rule of a row; NULL: it has none. */
sni_grad_rule sni_grad_find(const sni_op *op);

#endif
