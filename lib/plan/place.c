/* Where the values between the steps of a run lie: sizes, offsets into one arena, and the arena itself. */
#include "base/alloc.h"
#include "memory/offsets.h"
#include "plan/plan.h"

/* Ranges of the arena begin at whole lines of memory, as wide as a device fetches them, as long as that costs little. In an
 * arena of small values it would cost a large part of it, and there they begin where the widest access may: four doubles. */
enum { LINE_BYTES = 256, ACCESS_BYTES = 32, MOST_PADDING = 32 /* one part of so many of what is alive */ };

/* Has a range of the arena of its own. */
static bool owns_range(const sni_slot *s) {
    return s->kind == SNI_SLOT_TEMP && s->shares < 0;
}

/* The most bytes that are alive at one step when every size is rounded up to a multiple of align. */
static uint64_t live_when_padded(const sni_lifetime *items, size_t count, uint64_t align, sni_lifetime *padded) {
    for (size_t i = 0; i < count; ++i) {
        padded[i] = items[i];
        padded[i].size_bytes = (items[i].size_bytes + align - 1) / align * align;
    }
    return sni_offsets_live(padded, count);
}

static uint64_t choose_align(const sni_lifetime *items, size_t count, uint64_t live_bytes, sni_lifetime *padded) {
    uint64_t align = LINE_BYTES;
    while (align > ACCESS_BYTES &&
           live_when_padded(items, count, align, padded) > live_bytes + live_bytes / MOST_PADDING)
        align /= 2;
    return align;
}

/* items and padded have room for every slot. */
static sinter_status place(const sinter_plan *plan, sni_context *c, sni_lifetime *items, sni_lifetime *padded) {
    size_t count = 0;
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (!owns_range(s)) continue;
        SNI_TRY(sni_slot_bytes(plan, &c->dims, s, &c->bytes[i]));
        items[count++] = (sni_lifetime){.first = s->first, .last = s->last, .size_bytes = c->bytes[i]};
    }
    c->live_bytes = sni_offsets_live(items, count);
    uint64_t align = choose_align(items, count, c->live_bytes, padded);
    SNI_TRY(sni_offsets_plan(items, count, align, &c->arena_bytes));
    count = 0;
    for (size_t i = 0; i < plan->slot_count; ++i)
        if (owns_range(&plan->slots[i])) c->offsets[i] = items[count++].offset_bytes;
    return SINTER_OK;
}

sinter_status sni_context_place(const sinter_plan *plan, sni_context *c) {
    size_t most = plan->slot_count + 1;
    sni_lifetime *items = sni_calloc(2 * most, sizeof *items);
    sinter_status status = items ? place(plan, c, items, items + most) : sni_out_of_memory("a run");
    sni_free(items);
    /* Where the device allows no buffer as large, each value is a buffer of its own. */
    bool one = c->arena_bytes <= plan->runtime->caps->max_alloc_bytes;
    for (size_t i = 0; i < plan->slot_count && status == SINTER_OK; ++i) {
        if (plan->slots[i].kind != SNI_SLOT_TEMP) continue;
        c->offsets[i] = one ? c->offsets[plan->slots[i].alias_set] : 0;
    }
    return status;
}

sinter_status sni_context_take_memory(sinter_plan *plan, sni_context *c) {
    bool one = c->arena_bytes <= plan->runtime->caps->max_alloc_bytes;
    sni_mem *arena = NULL;
    sinter_status status = SINTER_OK;
    if (one && c->arena_bytes) SNI_TRY(sni_mem_acquire(plan->runtime->pool, (size_t)c->arena_bytes, &arena));
    for (size_t i = 0; i < plan->slot_count && status == SINTER_OK; ++i) {
        if (!owns_range(&plan->slots[i])) continue;
        if (arena)
            c->mems[i] = sni_mem_retain(arena);
        else
            status = sni_mem_acquire(plan->runtime->pool, (size_t)c->bytes[i], &c->mems[i]);
    }
    for (size_t i = 0; i < plan->slot_count && status == SINTER_OK; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (s->kind == SNI_SLOT_TEMP && s->shares >= 0) c->mems[i] = sni_mem_retain(c->mems[s->alias_set]);
    }
    sni_mem_release(arena);
    return status;
}
