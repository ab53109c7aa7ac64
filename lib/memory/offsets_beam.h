/* Inside the offset planner: a search for a packing below a limit. */
#ifndef SNI_MEMORY_OFFSETS_BEAM_H
#define SNI_MEMORY_OFFSETS_BEAM_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sni_beam_item {
    uint64_t size_bytes; /* more than 0, and no more than the limit */
    int first, last;
} sni_beam_item;

/* Sets *out_found, and then offsets, when it finds offsets at which no item ends above limit and no two that are alive at one
 * step share bytes. Not finding one proves nothing. Takes time linear in count. OUT_OF_MEMORY. */
sinter_status sni_offsets_beam(const sni_beam_item *items, size_t count, uint64_t limit, uint64_t *offsets,
                               bool *out_found);

#endif
