/* Finding out what a device can do by letting it do it. */
#ifndef SNI_RUNTIME_PROBE_H
#define SNI_RUNTIME_PROBE_H

#include "device/device.h"
#include "device/instructions.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"

/* Multiplies two matrices of small integers by an instruction: true when it builds, runs and gives every sum
 * exactly. emulate: by plain code instead. Nothing fails: what cannot be shown is not there. */
bool sni_probe_instruction(sni_kernel_cache *cache, sni_pool *pool, const sni_instruction *row, bool emulate);
/* Sets caps.instructions and caps.static_local_bytes. The answer is kept in a file beside the kernel cache, because a compiler that does not know an
 * instruction would be asked at every start; cache_dir as in sinter_runtime_options. */
void sni_probe_instructions(sni_device *device, sni_kernel_cache *cache, sni_pool *pool, const char *cache_dir);

#endif
