/* The reference evaluator: a graph in plain C, in double. The oracle of every test. */
#ifndef SNI_GRAPH_REFERENCE_H
#define SNI_GRAPH_REFERENCE_H

#include "graph/graph.h"

/* Tensors own their elements. */
sinter_status sni_ref_tensor_create(sinter_dtype dtype, int rank, const int64_t *dims, sni_ref_tensor **out_tensor);
void sni_ref_tensor_release(sni_ref_tensor *tensor);
/* From and to packed memory of the tensor's dtype (size = count times the dtype's size). */
void sni_ref_tensor_load(sni_ref_tensor *tensor, const void *data);
void sni_ref_tensor_store(const sni_ref_tensor *tensor, void *data);

/* Evaluates the graph. inputs are in the order of the graph's inputs; outputs (one per graph output) are
 * created and the caller releases them. Every value is rounded to its dtype unless keep_double. Dimensions
 * come from the inputs' shapes and extra. SHAPE, UNBOUND_DIMENSION, OUT_OF_MEMORY. */
sinter_status sni_reference_run(const sinter_graph *graph, sni_ref_tensor *const *inputs, const sni_bindings *extra,
                                bool keep_double, sni_ref_tensor **out_outputs);
/* One node on given tensors (types of outputs from the graph); for constant folding. */
sinter_status sni_reference_node(const sinter_graph *graph, const sni_node *node, const sni_ref_tensor *const *ins,
                                 const sni_bindings *bindings, sni_ref_tensor **outs);
/* Matches concrete input shapes with the graph's symbolic ones and fills dims/values (capacity entries). A rank below 0:
 * the input's shape is not given and follows from the others.
 * SHAPE names the input, the dimension and both sizes; UNBOUND_DIMENSION. Used by the plan, too. */
sinter_status sni_bind_shapes(const sinter_graph *graph, const int64_t (*shapes)[SINTER_MAX_RANK], const int *ranks,
                              const sni_bindings *extra, int64_t *dims, int64_t *values, size_t capacity,
                              size_t *out_count);

#endif
