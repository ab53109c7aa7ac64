/* Gradients: the reverse mode of a graph, built into the graph itself. */
#ifndef SINTER_GRAD_H
#define SINTER_GRAD_H

#include <sinter/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Extends graph by what loss changes with each of count values, its parameters: out[i] has the dtype and the shape of
 * parameters[i]. loss is a real value of one element. A parameter is any real value of the graph, an input, a state or a
 * constant most of all; what loss does not depend on has a gradient of zeros, and so has what it depends on only through
 * integers, positions, comparisons, rounding or sinter_stop_gradient. Where several elements are the largest, they share
 * the gradient of the largest.
 *
 * The nodes that are added are operators like any others: they fuse with the rest of the graph when it is compiled, and
 * may have gradients themselves. The same graph gives the same bits every time. Gradients of f16 and bf16 values are
 * computed in f32 and rounded once.
 *
 * Sticky like builders: a graph that has failed stays as it is, and on failure every out[i] is invalid and the graph keeps
 * the error. INVALID_ARGUMENT: loss or a parameter is no value of this graph; DTYPE: it is not real; SHAPE: loss has more
 * elements than one; UNSUPPORTED: names an operator between a parameter and loss that has no gradient rule;
 * OUT_OF_MEMORY. A graph belongs to one thread at a time. */
SINTER_API SINTER_MUST_USE sinter_status sinter_gradients(sinter_graph *graph, sinter_value loss,
                                                          const sinter_value *parameters, size_t count,
                                                          sinter_value *out);

#ifdef __cplusplus
}
#endif
#endif
