/* Low-rank adapters (Hu et al., 2021): training a product's frozen weight by two small matrices beside it. */
#ifndef SINTER_LORA_H
#define SINTER_LORA_H

#include <sinter/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sinter_lora {
    /* Of the adapter's states, "NAME.lora_a" and "NAME.lora_b". */
    const char *name;
    /* Columns of a and rows of b; 1 to the smaller of the weight's dimensions. */
    int64_t rank;
    /* What a * b is multiplied by; "alpha / rank" elsewhere. */
    double scale;
    /* The numbers that a begins with follow from this and the shape alone. */
    uint64_t seed;
} sinter_lora;

#define SINTER_LORA_INIT(name_, rank_)                                                                                 \
    { (name_), (rank_), 2, 0 }

/* x * weight + scale * (x * a) * b, in x's dtype. weight is [in, out] with numbers for dimensions, and frozen: a constant, an
 * input, a state, of any real dtype, which is read in x's dtype without a copy of it being kept. a [in, rank] and b [rank, out]
 * are states in f32 (f64 where x is), for sinter_gradients and sinter_optimize: out_parameters (may be NULL) is set to both. a begins as numbers
 * spread evenly over -1/sqrt(in) to 1/sqrt(in), b as zeros, so that the sum begins as x * weight. Where only adapters are given to
 * sinter_gradients, nothing is computed for the gradient of weight.
 *
 * Sticky like builders: an invalid value, and out_parameters are, after a failure. INVALID_ARGUMENT: the rank is out of range,
 * scale is no number, the name is taken or missing; DTYPE; SHAPE: x and weight do not fit, or weight has not two dimensions that are
 * numbers. */
SINTER_API sinter_value sinter_lora_linear(sinter_graph *graph, sinter_value x, sinter_value weight,
                                           const sinter_lora *lora, sinter_value out_parameters[2]);

/* weight + scale * a * b, rounded to weight's dtype: the weight that does alone what both do, given what sinter_lora_linear set
 * out_parameters to. Fails as that does. */
SINTER_API sinter_value sinter_lora_merged(sinter_graph *graph, sinter_value weight, const sinter_lora *lora,
                                           const sinter_value parameters[2]);

#ifdef __cplusplus
}
#endif
#endif
