/* What the composite operators become. One function a composite, found by name in decompose.c. */
#ifndef SNI_REWRITE_DECOMPOSE_H
#define SNI_REWRITE_DECOMPOSE_H

#include "rewrite/make.h"

/* A composite being replaced: its inputs are values of the new graph, 0 where an optional one is left out. */
typedef struct sni_composite {
    sinter_graph *graph;
    const sni_node *node;
    uint32_t in[5];
    sni_type out; /* of the result, as inferred for the composite */
} sni_composite;

/* Builds the replacement in primitives and returns its value; 0 on failure. */
typedef uint32_t (*sni_decompose_fn)(const sni_composite *c);

uint32_t sni_decompose_mean(const sni_composite *c);
uint32_t sni_decompose_l1(const sni_composite *c);
uint32_t sni_decompose_l2(const sni_composite *c);
uint32_t sni_decompose_log_sum(const sni_composite *c);
uint32_t sni_decompose_log_sum_exp(const sni_composite *c);
uint32_t sni_decompose_sum_square(const sni_composite *c);
uint32_t sni_decompose_argmax(const sni_composite *c);
uint32_t sni_decompose_argmin(const sni_composite *c);
uint32_t sni_decompose_hardmax(const sni_composite *c);

uint32_t sni_decompose_softmax(const sni_composite *c);
uint32_t sni_decompose_log_softmax(const sni_composite *c);
uint32_t sni_decompose_layer_norm(const sni_composite *c);
uint32_t sni_decompose_rms_norm(const sni_composite *c);
uint32_t sni_decompose_batch_norm(const sni_composite *c);
uint32_t sni_decompose_instance_norm(const sni_composite *c);
uint32_t sni_decompose_group_norm(const sni_composite *c);
uint32_t sni_decompose_lrn(const sni_composite *c);

uint32_t sni_decompose_conv(const sni_composite *c);
uint32_t sni_decompose_conv_transpose(const sni_composite *c);
uint32_t sni_decompose_max_pool(const sni_composite *c);
uint32_t sni_decompose_avg_pool(const sni_composite *c);

uint32_t sni_decompose_gemm(const sni_composite *c);
uint32_t sni_decompose_trilu(const sni_composite *c);
uint32_t sni_decompose_shape(const sni_composite *c); /* squeeze, unsqueeze, flatten */
uint32_t sni_decompose_resize(const sni_composite *c);

/* An axis attribute that may be negative, counted from the front. */
int sni_decompose_axis(const sni_composite *c, int attr, int rank);
/* An entry of a list attribute, or preset where the list is empty. */
sni_expr sni_decompose_entry(const sni_composite *c, int attr, int index, int64_t preset);

#endif
