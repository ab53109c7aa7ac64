/* Gradients against finite differences of the reference evaluator in double. */
#ifndef TESTS_GRAD_GRADIENT_H
#define TESTS_GRAD_GRADIENT_H

#include <sinter/grad.h>

#include "rewrite/make.h"
#include "rewrite/sample.h"

#define GRADIENT_STEP 1e-5

/* The sum of y's elements, each with a weight of its own, so that no two gradients cancel by accident. */
static inline uint32_t gradient_loss(sinter_graph *graph, uint32_t y) {
    sni_type type = sni_make_type(graph, y);
    uint32_t angle = sni_make_scalar(graph, type.dtype, 0.7);
    for (int i = 0; i < type.rank; ++i) {
        uint32_t at = sni_make_iota(graph, type.dims[i], type.rank - 1 - i, type.dtype);
        at = sni_make_binary(graph, "mul", at, sni_make_scalar(graph, type.dtype, 1.3 + i));
        angle = sni_make_binary(graph, "add", angle, at);
    }
    uint32_t weighed = sni_make_binary(graph, "mul", y, sni_make_unary(graph, "cos", angle));
    return sni_make_reduce(graph, "reduce_sum", weighed, (1u << type.rank) - 1, false);
}

/* Every output of graph on the sample's inputs, in double. */
static inline void gradient_run(const sample *s, const sinter_graph *graph, sni_ref_tensor **outs) {
    sni_bindings all = sample_bindings();
    if (sni_reference_run(graph, s->ins, &all, true, outs) == SINTER_OK) return;
    char *text = sample_text(graph);
    ck_abort_msg("%s\n%s", sinter_last_error(), text);
}

static inline double gradient_value(const sample *s, const sinter_graph *graph) {
    sni_ref_tensor *out = NULL;
    gradient_run(s, graph, &out);
    double value = out->f[0];
    sni_ref_tensor_release(out);
    return value;
}

/* Adds the gradients of loss with respect to all real inputs as outputs; their number. Which input output o + 1 belongs to is
 * out_inputs[o]. graph must have the loss as its only output. */
static inline int gradient_extend(const sample *s, uint32_t loss, int *out_inputs, const char *what) {
    sinter_value parameters[SAMPLE_INPUTS], grads[SAMPLE_INPUTS];
    int count = 0;
    for (int i = 0; i < s->in_count; ++i)
        if (s->ins[i]->f) {
            out_inputs[count] = i;
            parameters[count++] = (sinter_value){.id = s->ids[i]};
        }
    if (sinter_gradients(s->graph, (sinter_value){loss}, parameters, (size_t)count, grads) != SINTER_OK) {
        char *text = sample_text(s->graph);
        ck_abort_msg("%s: %s\n%s", what, sinter_last_error(), text ? text : "");
    }
    for (int i = 0; i < count; ++i) {
        char name[16];
        snprintf(name, sizeof name, "g%d", i);
        sinter_output(s->graph, name, grads[i]);
    }
    return count;
}

/* Element n of input i moved: the slope of the loss there. */
static inline double gradient_slope(const sample *s, const sinter_graph *loss, int i, int64_t n) {
    double *x = &s->ins[i]->f[n], at = *x;
    *x = at + GRADIENT_STEP;
    double above = gradient_value(s, loss);
    *x = at - GRADIENT_STEP;
    double below = gradient_value(s, loss);
    *x = at;
    return (above - below) / (2 * GRADIENT_STEP);
}

/* Compares the gradient of y's weighed sum with slopes, element by element, and the graph with what passes make of it. Ends the
 * sample. */
static inline void gradient_check(sample *s, uint32_t y, const char *what) {
    sinter_graph *loss_graph = NULL, *all = NULL;
    sni_ref_tensor *outs[SAMPLE_INPUTS + 1] = {0};
    int inputs[SAMPLE_INPUTS];
    uint32_t loss = gradient_loss(s->graph, y);
    sample_output(s->graph, "loss", loss);
    sample_ok(s->graph, what);
    if (sni_pass_cse(s->graph, &loss_graph) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    int count = gradient_extend(s, loss, inputs, what);
    gradient_run(s, s->graph, outs);
    for (int o = 0; o < count; ++o) {
        const sni_ref_tensor *have = outs[1 + o], *x = s->ins[inputs[o]];
        bool same = have->dtype == x->dtype && have->rank == x->rank;
        for (int d = 0; same && d < x->rank; ++d) same = have->dims[d] == x->dims[d];
        ck_assert_msg(same, "%s: the gradient of input %d has another type", what, inputs[o]);
        for (int64_t n = 0; n < x->count; ++n) {
            double slope = gradient_slope(s, loss_graph, inputs[o], n);
            if (sample_close(slope, have->f[n], 2e-6)) continue;
            char *text = sample_text(s->graph);
            ck_abort_msg("%s: the gradient of input %d at %d is %.9g, the slope %.9g\n%s", what, inputs[o], (int)n,
                         have->f[n], slope, text ? text : "");
        }
    }
    if (sni_rewrite_all(s->graph, &all) != SINTER_OK) ck_abort_msg("%s: %s", what, sinter_last_error());
    sample_same(s, s->graph, all, 1e-9, what);
    for (int o = 0; o <= count; ++o) sni_ref_tensor_release(outs[o]);
    sinter_graph_release(loss_graph);
    sinter_graph_release(all);
    sample_end(s);
}

#endif
