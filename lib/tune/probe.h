/* Measuring what things cost on a device: launches, memory, arithmetic. */
#ifndef SNI_TUNE_PROBE_H
#define SNI_TUNE_PROBE_H

#include "device/costs.h"
#include "runtime/runtime.h"

/* Replaces the measured costs in *costs by what the runtime's device does now, which takes up to a second on a GPU; what
 * cannot be measured stays as it is. OUT_OF_MEMORY, DEVICE. */
sinter_status sni_costs_probe(sinter_runtime *runtime, sni_costs *costs);

#endif
