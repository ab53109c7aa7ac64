/* The roofline of a device: what its memory and its arithmetic allow at most, as its own plans reach it. */
#ifndef SNI_PLAN_ROOFLINE_H
#define SNI_PLAN_ROOFLINE_H

#include "plan/plan.h"

typedef struct sni_roofline {
    double bytes_per_ns;           /* read and written by a plan that only passes large buffers on; 0: unknown */
    double operations_per_ns;      /* of a large f32 product; 0: unknown */
    double half_operations_per_ns; /* of a large bf16 product; 0: unknown */
} sni_roofline;

/* Runs a copy and products, which takes some hundred milliseconds; no buffer of them is a large part of the device's memory.
 * What could not be measured stays 0, which is no error. */
void sni_roofline_measure(sinter_runtime *runtime, sni_roofline *out_roofline);
/* The shortest time in which a step could move its bytes and do its operations; 0: unknown. */
double sni_roofline_bound(const sni_roofline *roofline, const sni_step *step, int64_t bytes, double operations);

#endif
