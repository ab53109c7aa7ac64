/* The logits of linear_cross_entropy in chunks: what its decomposition and its gradient both build, so that equal nodes of both
 * are one. Functions that give values give 0 when the graph has failed, as in make.h. */
#ifndef SNI_REWRITE_LINEAR_LOSS_H
#define SNI_REWRITE_LINEAR_LOSS_H

#include "rewrite/decompose.h"

typedef struct sni_linear_loss {
    sinter_graph *graph;
    uint32_t x, weight, labels; /* [rows, in], [in, classes], [rows] */
    sni_expr rows, in, classes;
    /* 1 where the size is not known. */
    int row_chunks, class_chunks;
    uint32_t *parts; /* room for a value of each chunk, of rows or of classes */
} sni_linear_loss;

/* node is a linear_cross_entropy of ins. False: the graph has failed. */
bool sni_linear_loss_begin(sni_linear_loss *l, sinter_graph *graph, const sni_node *node, const uint32_t *ins);
void sni_linear_loss_end(sni_linear_loss *l);

/* A value that kernels of other chunks read, too, as one that is stored before. */
uint32_t sni_linear_loss_stored(const sni_linear_loss *l, uint32_t value);
/* Chunk i of a value of one number a row, stored. */
uint32_t sni_linear_loss_rows(const sni_linear_loss *l, uint32_t value, int i);
/* The logits of chunk i of the rows, for all classes. */
uint32_t sni_linear_loss_logits(const sni_linear_loss *l, int i);
/* The logits of all rows for chunk i of the classes, and the first of these. */
uint32_t sni_linear_loss_class_logits(const sni_linear_loss *l, int i, int64_t *out_first);
/* The first count parts side by side along an axis. */
uint32_t sni_linear_loss_joined(const sni_linear_loss *l, int count, int axis);

#endif
