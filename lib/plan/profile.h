/* When each launch of a run began and ended. */
#ifndef SNI_PLAN_PROFILE_H
#define SNI_PLAN_PROFILE_H

#include "plan/plan.h"

typedef struct sni_span {
    uint64_t start_ns, end_ns; /* the device's clock; both 0 for an empty launch */
} sni_span;

/* Runs once, as sinter_plan_run does, with profiling; fills plan->step_count spans. */
sinter_status sni_plan_profile(sinter_plan *plan, sinter_binding *bindings, size_t count, sni_span *out_spans);

#endif
