/* Optimisers: what a run of a training plan does to the parameters, as nodes of its graph. */
#ifndef SINTER_OPTIM_H
#define SINTER_OPTIM_H

#include <sinter/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sinter_optimizer_kind {
    /* v = beta1 * v + g + weight_decay * p; p -= rate * v */
    SINTER_SGD,
    /* p -= rate * (weight_decay * p + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)) with the running means m of g and v of
     * g^2 (Loshchilov and Hutter, 2019) */
    SINTER_ADAMW,
    /* p -= rate * (weight_decay * p + sign(beta1 * m + (1 - beta1) * g)); m = beta2 * m + (1 - beta2) * g (Chen et al., 2023) */
    SINTER_LION
} sinter_optimizer_kind;

typedef struct sinter_optimizer {
    sinter_optimizer_kind kind;
    /* An f32 scalar of the graph: a constant, an input that is bound for each run, or computed. */
    sinter_value learning_rate;
    double beta1, beta2, epsilon, weight_decay;
    /* Above 0: gradients are scaled down where the root of the sum of all their squares is above this. */
    double clip_norm;
    /* One for each parameter in place of weight_decay; NULL: all have that. */
    const double *weight_decays;
    /* What sinter_loss_scale gave, when the loss that was differentiated is the real one times it; SINTER_NO_VALUE: nothing.
     * Gradients are divided by it in f32. A run whose gradients are not all finite changes no parameter and nothing that is
     * remembered of it, is not counted as a step, and halves the scale, to 1 at the least; after loss_scale_steps runs without such a
     * one the scale doubles, to 2^24 at the most. The norm is that of the real loss. */
    sinter_value loss_scale;
    int64_t loss_scale_steps;
} sinter_optimizer;

/* Initialisers with the usual numbers and a learning rate: sinter_optimizer o = SINTER_ADAMW_INIT(rate); */
#define SINTER_SGD_INIT(rate_)                                                                                         \
    { SINTER_SGD, (rate_), 0.9, 0, 0, 0, 0, NULL, SINTER_NO_VALUE, 2000 }
#define SINTER_ADAMW_INIT(rate_)                                                                                       \
    { SINTER_ADAMW, (rate_), 0.9, 0.999, 1e-8, 0.01, 0, NULL, SINTER_NO_VALUE, 2000 }
#define SINTER_LION_INIT(rate_)                                                                                        \
    { SINTER_LION, (rate_), 0.9, 0.99, 0, 0.1, 0, NULL, SINTER_NO_VALUE, 2000 }

/* A factor for losses whose gradients would be too small for f16: the f32 scalar state "optimizer.scale", which begins as 65536 and is
 * adjusted by the sinter_optimize that is given it. Multiply the loss by it before sinter_gradients. An invalid value when the
 * graph has failed. */
SINTER_API sinter_value sinter_loss_scale(sinter_graph *graph);

typedef enum sinter_schedule_kind {
    SINTER_SCHEDULE_COSINE, /* down along half a turn of the cosine */
    SINTER_SCHEDULE_LINEAR
} sinter_schedule_kind;

typedef struct sinter_schedule {
    sinter_schedule_kind kind;
    double peak, last; /* rates; 0 <= last <= peak */
    /* Steps in which the rate rises to peak evenly, and all steps with these, after which it stays at last. */
    int64_t warm_up, steps;
} sinter_schedule;

/* The learning rate of the step that a run takes, an f32 scalar for sinter_optimizer.learning_rate: peak * (t + 1) / warm_up
 * for the first steps, t steps having been taken before, and from there on down to last. It is computed on the device from
 * the state "optimizer.step" of the sinter_optimize that follows in the same graph, so a training that is resumed goes on
 * where it was, and a step that is skipped does not count. The schedule is read during the call only. An invalid value when
 * the graph has failed. INVALID_ARGUMENT: a number is out of range. */
SINTER_API sinter_value sinter_learning_rate(sinter_graph *graph, const sinter_schedule *schedule);

/* Extends graph by one step: every run updates count parameters in place. parameters[i] is the newest value of a state of a real
 * dtype (sinter_state) and gradients[i] what sinter_gradients gave for it. What the optimiser remembers is in states of its own,
 * "P.m" and "P.v" for the state P, f32 of P's shape (f64 for f64), and "optimizer.step", an i64 scalar that counts the runs.
 * An f16 or bf16 P has "P.master", its value in f32, which is what is updated; it is taken from P in the first run. States begin
 * as zeros, which is what the first step expects.
 *
 * A parameter is updated by one launch; parameters that are parts of one state (sinter_state_parts) by one together.
 *
 * The options are read during the call only. *out_norm (may be NULL) is set to the root of the sum of all squares of gradients before
 * they are scaled, an f32 scalar. A graph holds one optimiser.
 *
 * Sticky like builders: a graph that has failed stays as it is and keeps its error. INVALID_ARGUMENT: a parameter is not the
 * newest value of a state, an option is out of range, a name is taken; DTYPE, SHAPE: a gradient that does not fit its
 * parameter; OUT_OF_MEMORY. */
SINTER_API SINTER_MUST_USE sinter_status sinter_optimize(sinter_graph *graph, const sinter_optimizer *optimizer,
                                                         const sinter_value *parameters, const sinter_value *gradients,
                                                         size_t count, sinter_value *out_norm);

#ifdef __cplusplus
}
#endif
#endif
