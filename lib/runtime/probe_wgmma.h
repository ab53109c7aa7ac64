/* Products by wgmma are taken for there when the driver takes a patched program and it multiplies right. */
#ifndef SNI_RUNTIME_PROBE_WGMMA_H
#define SNI_RUNTIME_PROBE_WGMMA_H

#include "device/wgmma.h"
#include "runtime/probe.h"

/* Bits as in sni_caps.wgmma. caps.static_local_bytes is known. */
uint32_t sni_probe_wgmma(sni_device *device, sni_kernel_cache *cache, sni_pool *pool);
/* Appends the sources of the probes: what answers depend on. */
void sni_probe_wgmma_describe(sni_str *out);

#endif
