#include "base/index.h"

#include "base/alloc.h"

enum { FIRST_SLOTS = 64 };

int64_t sni_index_next(const sni_index *index, uint64_t hash, size_t *at) {
    if (index->slot_count == 0) return -1;
    for (;;) {
        const sni_index_slot *slot = &index->slots[(hash + *at) & (index->slot_count - 1)];
        if (slot->number == 0) return -1;
        ++*at;
        if (slot->hash == hash) return (int64_t)slot->number - 1;
    }
}

static void enter(sni_index *index, const sni_index_slot *item) {
    size_t at = 0;
    while (index->slots[(item->hash + at) & (index->slot_count - 1)].number) ++at;
    index->slots[(item->hash + at) & (index->slot_count - 1)] = *item;
}

static bool grow(sni_index *index) {
    sni_index larger = {.slot_count = index->slot_count ? index->slot_count * 2 : FIRST_SLOTS, .used = index->used};
    larger.slots = sni_calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < index->slot_count; ++i)
        if (index->slots[i].number) enter(&larger, &index->slots[i]);
    sni_free(index->slots);
    *index = larger;
    return true;
}

bool sni_index_add(sni_index *index, uint64_t hash, size_t number) {
    if (index->slot_count < 2 * (index->used + 1) && !grow(index)) return false;
    enter(index, &(sni_index_slot){hash, number + 1});
    ++index->used;
    return true;
}

void sni_index_deinit(sni_index *index) {
    sni_free(index->slots);
}
