/* What a plan does, as one structure that text, JSON and HTML print. */
#ifndef SNI_PLAN_EXPLAIN_H
#define SNI_PLAN_EXPLAIN_H

#include "plan/plan.h"
#include "plan/roofline.h"
#include "plan/sketch.h"

/* A value that launches hand to each other, or that comes from or goes to the caller. */
typedef struct sni_explain_slot {
    sni_slot_kind kind;
    const char *name; /* of the graph's input or output; else NULL */
    const char *type; /* "f32[batch, 64]" */
    int64_t bytes;
    bool in_place; /* takes over the memory of another slot */
} sni_explain_slot;

typedef struct sni_explain_launch {
    const sni_step *step;
    size_t kernel;     /* the first launch with the same kernel */
    int64_t bytes;     /* read and written at least */
    double operations; /* simple ones, as the operator table counts them */
    int64_t global[3]; /* work-items */
    uint64_t time_ns;  /* the shortest of the measured runs; 0: not measured, or nothing to do */
    double bound_ns;   /* the roofline: no launch could be faster; 0: unknown */
} sni_explain_launch;

typedef struct sni_explain {
    const sinter_plan *plan;
    const char *title; /* the caller's; may be NULL */
    bool with_source;
    sni_bindings bindings;
    const sni_sketch *given;      /* the graph as it was described */
    sni_sketch fused;             /* the graph that was cut into launches; its nodes are those that groups name */
    sni_explain_slot *slots;      /* plan->slot_count */
    sni_explain_launch *launches; /* plan->step_count */
    int64_t bytes, bytes_unfused;
    double operations;
    uint64_t time_ns;
    int runs;              /* measured */
    sni_roofline roofline; /* all 0: not measured */
} sni_explain;

/* Printers append to out; they need nothing but the structure. Running out of memory is remembered by out. */
void sni_explain_text(const sni_explain *explain, sni_str *out);
void sni_explain_json(const sni_explain *explain, sni_str *out);
void sni_explain_html(const sni_explain *explain, sni_str *out);

#endif
