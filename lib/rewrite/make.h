/* Short ways to add nodes, for passes that build what replaces a node. Every function returns the new value's id, or
 * 0 when the graph has failed; 0 in gives 0 out, so callers need not check between the steps. */
#ifndef SNI_REWRITE_MAKE_H
#define SNI_REWRITE_MAKE_H

#include "graph/graph.h"
#include "op/attrs.h"

/* The type of a value; rank 0 and no dtype when it is invalid. A copy: adding nodes moves the values. */
sni_type sni_make_type(const sinter_graph *graph, uint32_t value);

uint32_t sni_make_unary(sinter_graph *graph, const char *op, uint32_t a);
uint32_t sni_make_binary(sinter_graph *graph, const char *op, uint32_t a, uint32_t b);
uint32_t sni_make_where(sinter_graph *graph, uint32_t condition, uint32_t a, uint32_t b);
uint32_t sni_make_cast(sinter_graph *graph, uint32_t x, sinter_dtype dtype); /* x itself when it has the dtype */
/* f16 and bf16 as f32, so that what lies between the parts of a composite keeps its range. */
uint32_t sni_make_wide(sinter_graph *graph, uint32_t x);

/* axes is a mask; 0 reduces nothing and gives x. */
uint32_t sni_make_reduce(sinter_graph *graph, const char *op, uint32_t x, uint32_t axes, bool keepdims);
/* The sum over axes divided by the number of elements; keepdims. */
uint32_t sni_make_mean(sinter_graph *graph, uint32_t x, uint32_t axes);
/* The logarithm of the sum of exp(x) over axes, without overflow; keepdims. */
uint32_t sni_make_log_sum_exp(sinter_graph *graph, uint32_t x, uint32_t axes);
/* The row-major position of every element of a shape, i64. */
uint32_t sni_make_positions(sinter_graph *graph, int rank, const sni_expr *dims);
uint32_t sni_make_reshape(sinter_graph *graph, uint32_t x, int rank,
                          const sni_expr *dims); /* x itself when it has the shape */
uint32_t sni_make_expand(sinter_graph *graph, uint32_t x, int rank,
                         const sni_expr *dims); /* x itself when it has the shape */
uint32_t sni_make_transpose(sinter_graph *graph, uint32_t x, const int64_t *perm);
uint32_t sni_make_slice(sinter_graph *graph, uint32_t x, const sni_expr *starts, const sni_expr *steps,
                        const sni_expr *sizes);
/* Adds low and high elements at the ends of every dimension, or crops them where negative. */
uint32_t sni_make_pad(sinter_graph *graph, uint32_t x, const sni_expr *low, const sni_expr *high, double value);
uint32_t sni_make_gather(sinter_graph *graph, uint32_t data, uint32_t indices, int axis);

/* The last count dimensions slide; every array has count entries. */
typedef struct sni_make_window_args {
    int count;
    sni_expr kernel[3], strides[3], dilations[3], pads_low[3], input_strides[3], sizes[3];
    double fill;
} sni_make_window_args;
uint32_t sni_make_window(sinter_graph *graph, uint32_t x, const sni_make_window_args *args);

uint32_t sni_make_scalar(sinter_graph *graph, sinter_dtype dtype, double value);
/* A scalar of an integer dtype; 0 when it cannot be value. */
uint32_t sni_make_int(sinter_graph *graph, sinter_dtype dtype, int64_t value);
/* A scalar of a dtype whose value is an expression of dimensions. */
uint32_t sni_make_expr(sinter_graph *graph, sni_expr value, sinter_dtype dtype);
/* 0, 1, 2, ... along dimension 0 of shape [extent, 1, 1, ...] with `ones` ones. */
uint32_t sni_make_iota(sinter_graph *graph, sni_expr extent, int ones, sinter_dtype dtype);
sni_expr sni_make_product(sinter_graph *graph, const sni_expr *dims, int from, int to);

#endif
