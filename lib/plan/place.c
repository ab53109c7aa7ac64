/* Where the values between the steps of a run lie: sizes, offsets into one arena, and the arena itself. */
#include "base/alloc.h"
#include "memory/offsets.h"
#include "plan/plan.h"

/* Every range of the arena begins where any vector type may. */
#define ARENA_ALIGN 256

/* Has a range of the arena of its own. */
static bool owns_range(const sni_slot *s) {
    return s->kind == SNI_SLOT_TEMP && s->shares < 0;
}

static sinter_status place(const sinter_plan *plan, sni_context *c, sni_lifetime *items) {
    size_t count = 0;
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (!owns_range(s)) continue;
        SNI_TRY(sni_slot_bytes(plan, &c->dims, s, &c->bytes[i]));
        items[count++] = (sni_lifetime){.first = s->first, .last = s->last, .size_bytes = c->bytes[i]};
    }
    SNI_TRY(sni_offsets_plan(items, count, ARENA_ALIGN, &c->arena_bytes));
    c->live_bytes = sni_offsets_live(items, count);
    count = 0;
    for (size_t i = 0; i < plan->slot_count; ++i)
        if (owns_range(&plan->slots[i])) c->offsets[i] = items[count++].offset_bytes;
    return SINTER_OK;
}

sinter_status sni_context_place(const sinter_plan *plan, sni_context *c) {
    sni_lifetime *items = sni_calloc(plan->slot_count + 1, sizeof *items);
    sinter_status status = items ? place(plan, c, items) : sni_out_of_memory("a run");
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
