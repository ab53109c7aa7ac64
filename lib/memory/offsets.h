/* The offset planner: packs buffers with lifetimes into one arena. Plain arithmetic, no OpenCL. */
#ifndef SNI_MEMORY_OFFSETS_H
#define SNI_MEMORY_OFFSETS_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sni_lifetime {
    uint64_t size_bytes;
    int first, last;       /* steps during which it is alive, both included */
    uint64_t offset_bytes; /* out */
} sni_lifetime;

/* Gives every item an offset, a multiple of align_bytes (a power of two), so that no two whose steps overlap share
 * bytes; items of size 0 get offset 0. Sets *out_total. OUT_OF_MEMORY; INVALID_ARGUMENT when sizes overflow. */
sinter_status sni_offsets_plan(sni_lifetime *items, size_t count, uint64_t align_bytes, uint64_t *out_total);
/* The most bytes that are alive at one step, sizes as they are: no arena is smaller. */
uint64_t sni_offsets_live(const sni_lifetime *items, size_t count);

#endif
