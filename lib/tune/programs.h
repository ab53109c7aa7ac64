/* The distinct loop programs of a graph on a device. */
#ifndef SNI_TUNE_PROGRAMS_H
#define SNI_TUNE_PROGRAMS_H

#include "plan/plan.h"

typedef struct sni_tune_program {
    const sni_step *step; /* the first one that has the program */
    sni_program_key key;
    sni_str words; /* its operators, for people */
    int uses;      /* steps with this program */
} sni_tune_program;

typedef struct sni_programs {
    sinter_plan *plan; /* without kernels */
    sni_dims *dims;
    sni_dims *larger;        /* the same with every named size of an input four times as large; NULL: no such sizes */
    sni_tune_program *items; /* in the order of the steps; the same for every process that makes the list */
    size_t count;
} sni_programs;

/* Rewrites and fuses graph for the runtime's device and lists the programs, with the sizes that bindings give. The graph
 * must outlive the list. Errors as sinter_plan_compile. */
sinter_status sni_programs_init(sni_programs *programs, sinter_runtime *runtime, const sinter_graph *graph,
                                const sinter_binding *bindings, size_t count);
void sni_programs_deinit(sni_programs *programs); /* also of one that failed, or is all 0 */

#endif
