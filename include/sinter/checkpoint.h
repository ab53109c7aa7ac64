/* The states of a plan in a file, and back: weights, what an optimiser remembers, caches. */
#ifndef SINTER_CHECKPOINT_H
#define SINTER_CHECKPOINT_H

#include <sinter/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes all states of the plan to a safetensors file at path, each as a tensor of its name, bit for bit: what the runs that
 * were enqueued so far leave there. The file is written under another name and renamed, so that path holds a whole file
 * whenever the process ends. Host memory of twice the states' size is needed meanwhile. Blocks; no run that writes the
 * states may be enqueued before it returns. Any thread. UNSUPPORTED: a state has a symbolic shape; IO, OUT_OF_MEMORY,
 * DEVICE. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_states_save(sinter_plan *plan, const char *path);

/* Makes the states of the plan what a safetensors file holds under their names; it may hold more. partial: states that it
 * does not hold stay as they are; 0: they are INVALID_ARGUMENT. Everything is checked before the first state is written.
 * Blocks; any thread. PARSE: what is wrong with the file and where; SHAPE: a tensor has another dtype or shape than its state; IO,
 * OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, DEVICE. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_states_load(sinter_plan *plan, const char *path, int partial);

#ifdef __cplusplus
}
#endif
#endif
