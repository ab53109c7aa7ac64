/* What the composite operators become: one function a composite, listed in op/attrs.h. */
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

/* One function a composite, in the decompose_*.c files. */
#define SNI_DECOMPOSE(row, function) uint32_t sni_decompose_##function(const sni_composite *c);
SNI_COMPOSITES(SNI_DECOMPOSE)
#undef SNI_DECOMPOSE

/* Replaces a composite, which is of another graph or a copy, by primitives of its inputs ins; out is its result's type. False:
 * the graph has failed. */
bool sni_decompose_node(sinter_graph *graph, const sni_node *node, const sni_type *out, const uint32_t *ins,
                        uint32_t *out_value);

/* An axis attribute that may be negative, counted from the front. */
int sni_decompose_axis(const sni_composite *c, int attr, int rank);
/* An entry of a list attribute, or preset where the list is empty. */
sni_expr sni_decompose_entry(const sni_composite *c, int attr, int index, int64_t preset);

#endif
