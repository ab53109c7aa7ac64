/* The runtime: one device with its kernel cache, its buffer pool and its constants. */
#ifndef SNI_RUNTIME_RUNTIME_H
#define SNI_RUNTIME_RUNTIME_H

#include <sinter/kernel.h>
#include <sinter/runtime.h>

#include "base/thread.h"
#include "device/caps.h"
#include "device/costs.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"

struct sinter_runtime {
    int references; /* atomic */
    sni_device *device;
    const sni_caps *caps;
    sni_kernel_cache *cache;
    sni_pool *pool;
    struct sni_constants *constants;
    char *tuning_dir; /* of the user's tuning records and of measured costs; NULL: nothing is kept on disk */
    sni_costs costs;  /* measured once on the device, else derived from caps */
    sni_mutex states; /* held while a run that has states is enqueued: such runs are in the queue one after the other */
};

struct sinter_buffer {
    int references; /* atomic */
    sinter_runtime *runtime;
    sni_mem *mem;
    size_t size_bytes;
};

sinter_runtime *sni_runtime_retain(sinter_runtime *runtime);

/* The device copy of size_bytes host bytes that key (an address that lives as long as any user of it, such as a
 * blob) identifies: uploaded at the first call, shared by all plans of the runtime, counted. */
sinter_status sni_runtime_constant(sinter_runtime *runtime, const void *key, const void *data,
                                   size_t size_bytes, sni_mem **out_mem);

#endif
