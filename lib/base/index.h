/* A hash table of numbers: finds which of an array's items is equal to a key, without looking at all of them. The items are
 * the user's. One thread. */
#ifndef SNI_BASE_INDEX_H
#define SNI_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sni_index_slot {
    uint64_t hash;
    size_t number; /* item number + 1, 0: free */
} sni_index_slot;

typedef struct sni_index {
    sni_index_slot *slots;
    size_t slot_count, used; /* slot_count: a power of two, or 0 */
} sni_index;

/* Walks over the items with a hash: begins with at = 0, which it moves; -1 when there are no more. */
int64_t sni_index_next(const sni_index *index, uint64_t hash, size_t *at);
/* Enters item number; false: out of memory. */
bool sni_index_add(sni_index *index, uint64_t hash, size_t number);
void sni_index_deinit(sni_index *index);

#endif
