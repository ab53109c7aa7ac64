/* The runtime: one device with its kernel cache, its buffer pool and its constants. */
#ifndef SNI_RUNTIME_RUNTIME_H
#define SNI_RUNTIME_RUNTIME_H

#include <sinter/kernel.h>
#include <sinter/queue.h>
#include <sinter/runtime.h>

#include "base/hash.h"
#include "base/thread.h"
#include "device/caps.h"
#include "device/costs.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"
#include "runtime/preparation.h"

struct sinter_runtime {
    int references; /* atomic */
    sni_device *device;
    const sni_caps *caps;
    sni_kernel_cache *cache;
    sni_pool *pool;
    struct sni_constants *constants;
    char *tuning_dir;    /* of the user's tuning records and of measured costs; NULL: nothing is kept on disk */
    sni_costs costs;     /* measured once on the device, else derived from caps */
    sinter_queue *queue; /* the device's own */
    sni_mutex states;    /* held while a run that has states is put on a queue: such runs happen one after the other */
    sinter_event *last_state; /* of the last such run, counted; guarded by states */
};

struct sinter_buffer {
    int references; /* atomic */
    sinter_runtime *runtime;
    sni_mem *mem;
    size_t size_bytes;
};

/* A buffer on mem, which it takes over, also when it fails. */
sinter_status sni_buffer_of(sinter_runtime *runtime, sni_mem *mem, sinter_buffer **out_buffer);
/* NULL is allowed. */
void sni_buffer_retain(sinter_buffer *buffer);

sinter_runtime *sni_runtime_retain(sinter_runtime *runtime);

/* Takes the states' mutex when the driver has all runs with states that were put on queues. */
void sni_runtime_lock_states(sinter_runtime *runtime);
/* As that, when they are over. */
void sni_runtime_lock_idle_states(sinter_runtime *runtime);

/* The device copy of a constant of size_bytes host bytes, prepared (NULL: as it is). content is sni_hash128_of those bytes:
 * constants with equal content and equal preparation are one, for all plans of the runtime, as long as somebody uses it.
 * Prepared and uploaded by the first caller; others of the same constant wait for it, nobody else does. Counted for the
 * caller. */
sinter_status sni_runtime_constant(sinter_runtime *runtime, sni_hash128 content, const void *data, size_t size_bytes,
                                   const sni_preparation *preparation, sni_mem **out_mem);

#endif
