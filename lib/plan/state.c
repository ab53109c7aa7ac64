/* States: memory that outlives a run. */
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "plan/plan.h"

static sinter_status bind_own(sinter_plan *plan, const sni_context *c, sni_state *state, uint64_t bytes) {
    if (state->mem && sni_mem_size(state->mem) != bytes)
        return sni_fail(SINTER_SHAPE, "state '%s' has %zu bytes, this run's dimensions make it %llu", state->name,
                        sni_mem_size(state->mem), (unsigned long long)bytes);
    if (state->mem) return SINTER_OK;
    sni_mem *mem;
    SNI_TRY(sni_mem_acquire(plan->runtime->pool, (size_t)bytes, &mem));
    sinter_status status = state->initial ? sni_mem_write(mem, 0, sni_blob_data(state->initial), (size_t)bytes, true)
                                          : sni_mem_fill_range(c->queue, mem, 0, (size_t)bytes, &(unsigned char){0}, 1);
    if (status == SINTER_OK)
        state->mem = mem;
    else
        sni_mem_release(mem);
    return status;
}

static sinter_status bind_state(sinter_plan *plan, const sni_context *c, sni_state *state, const sinter_binding *b,
                                uint64_t bytes, sni_mem **out) {
    if (!b) {
        SNI_TRY(bind_own(plan, c, state, bytes));
        *out = sni_mem_retain(state->mem);
        return SINTER_OK;
    }
    sinter_dtype dtype = sni_graph_value(plan->graph, plan->slots[state->slot].value)->type.dtype;
    if (!b->buffer) return sni_fail(SINTER_INVALID_ARGUMENT, "state '%s' is bound to no buffer", state->name);
    if (sni_binding_offset(b))
        return sni_fail(SINTER_INVALID_ARGUMENT, "state '%s' is bound at byte %zu of a buffer, it must be byte 0",
                        state->name, sni_binding_offset(b));
    if (b->dtype != SINTER_DTYPE_NONE && b->dtype != dtype)
        return sni_fail(SINTER_DTYPE, "state '%s' is %s, not %s", state->name, sinter_dtype_name(dtype),
                        sinter_dtype_name(b->dtype));
    if (b->buffer->runtime != plan->runtime)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer of '%s' belongs to another runtime", state->name);
    if (b->buffer->size_bytes < bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer of '%s' has %zu bytes, %llu are needed", state->name,
                        b->buffer->size_bytes, (unsigned long long)bytes);
    *out = sni_mem_retain(b->buffer->mem);
    return SINTER_OK;
}

sinter_status sni_plan_bind_states(sinter_plan *plan, sni_context *c, const sinter_binding *bindings, size_t count) {
    for (size_t i = 0; i < plan->state_count; ++i) {
        sni_state *state = &plan->states[i];
        const sinter_binding *b = sni_find_binding(plan, bindings, count, SNI_SLOT_STATE, state->name);
        SNI_TRY(sni_slot_bytes(plan, &c->dims, &plan->slots[state->slot], &c->bytes[state->slot]));
        SNI_TRY(bind_state(plan, c, state, b, c->bytes[state->slot], &c->mems[state->slot]));
    }
    for (size_t i = 0; i < plan->slot_count; ++i) {
        int first = plan->slots[i].alias_set;
        if (plan->slots[i].kind == SNI_SLOT_STATE && !c->mems[i]) c->mems[i] = sni_mem_retain(c->mems[first]);
    }
    return SINTER_OK;
}

/* ---- the caller's ---- */

static sinter_status find_state(sinter_plan *plan, const char *function, const char *name, sni_state **out) {
    *out = NULL;
    if (!plan || !name) return sni_fail(SINTER_INVALID_ARGUMENT, "%s: a NULL argument", function);
    for (size_t i = 0; i < plan->state_count; ++i)
        if (strcmp(plan->states[i].name, name) == 0) *out = &plan->states[i];
    return *out ? SINTER_OK : sni_fail(SINTER_INVALID_ARGUMENT, "the plan has no state '%s'", name);
}

/* Nothing was written yet. */
static sinter_status read_initial(const sni_state *state, void *data, size_t size_bytes) {
    size_t known = state->initial ? sni_blob_size(state->initial) : 0;
    if (state->initial && size_bytes > known)
        return sni_fail(SINTER_INVALID_ARGUMENT, "state '%s' has %zu bytes, %zu are asked for", state->name, known,
                        size_bytes);
    if (size_bytes && state->initial)
        memcpy(data, sni_blob_data(state->initial), size_bytes);
    else if (size_bytes)
        memset(data, 0, size_bytes);
    return SINTER_OK;
}

sinter_status sinter_plan_state_read(sinter_plan *plan, const char *name, void *data, size_t size_bytes) {
    sni_state *state;
    SNI_TRY_PROCESS();
    SNI_TRY(find_state(plan, "sinter_plan_state_read", name, &state));
    if (size_bytes && !data) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_state_read: data is NULL");
    sni_runtime_lock_idle_states(plan->runtime);
    sni_mem *mem = sni_mem_retain(state->mem);
    sni_mutex_unlock(&plan->runtime->states);
    if (!mem) return read_initial(state, data, size_bytes);
    sinter_status status = sni_mem_read(mem, 0, data, size_bytes, true);
    sni_mem_release(mem);
    return status;
}

sinter_status sinter_plan_state_write(sinter_plan *plan, const char *name, const void *data, size_t size_bytes) {
    sni_state *state;
    SNI_TRY_PROCESS();
    SNI_TRY(find_state(plan, "sinter_plan_state_write", name, &state));
    if (size_bytes && !data) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_state_write: data is NULL");
    sni_mem *mem, *old;
    SNI_TRY(sni_mem_acquire(plan->runtime->pool, size_bytes, &mem));
    sinter_status status = sni_mem_write(mem, 0, data, size_bytes, true);
    if (status != SINTER_OK) {
        sni_mem_release(mem);
        return status;
    }
    /* Runs in flight keep the memory that they began with. */
    sni_runtime_lock_states(plan->runtime);
    old = state->mem;
    state->mem = mem;
    sni_mutex_unlock(&plan->runtime->states);
    sni_mem_release(old);
    return SINTER_OK;
}

sinter_status sinter_plan_state_reset(sinter_plan *plan, const char *name) {
    sni_state *one = NULL;
    if (!plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_state_reset: plan is NULL");
    SNI_TRY_PROCESS();
    if (name) SNI_TRY(find_state(plan, "sinter_plan_state_reset", name, &one));
    for (size_t i = 0; i < plan->state_count; ++i) {
        if (one && one != &plan->states[i]) continue;
        sni_runtime_lock_states(plan->runtime);
        sni_mem *old = plan->states[i].mem;
        plan->states[i].mem = NULL;
        sni_mutex_unlock(&plan->runtime->states);
        sni_mem_release(old);
    }
    return SINTER_OK;
}
