/* Inputs and outputs of a run: from bindings to memory, and back. Called in the order in which runs are enqueued. */
#include "base/alloc.h"
#include "plan/plan.h"

static const char *port_name(const sinter_plan *plan, const sni_slot *s) {
    return s->kind == SNI_SLOT_INPUT ? plan->graph->inputs[s->index].name : plan->graph->outputs[s->index].name;
}

static const sinter_binding *binding_of(const sinter_plan *plan, const sni_slot *s, const sinter_binding *bindings,
                                        size_t count) {
    return sni_find_binding(plan, bindings, count, s->kind, port_name(plan, s));
}

static bool is_port(const sni_slot *s) {
    return s->kind == SNI_SLOT_INPUT || s->kind == SNI_SLOT_OUTPUT;
}

/* Kernels read inputs from the first byte of a buffer, so a part that begins elsewhere is copied: an input's before the
 * steps, an output's behind them. */
static sinter_status bind_part(sinter_plan *plan, sni_context *c, size_t slot, const sinter_binding *b, size_t bytes) {
    SNI_TRY(sni_mem_acquire(plan->runtime->pool, bytes, &c->mems[slot]));
    if (plan->slots[slot].kind == SNI_SLOT_INPUT)
        return sni_mem_copy(c->queue, b->buffer->mem, sni_binding_offset(b), c->mems[slot], 0, bytes);
    c->targets[slot] = sni_mem_retain(b->buffer->mem);
    return SINTER_OK;
}

static sinter_status bind_memory(sinter_plan *plan, sni_context *c, size_t slot, const sinter_binding *b, size_t bytes,
                                 const char *name) {
    if (b && b->buffer) {
        if (b->buffer->runtime != plan->runtime)
            return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer of '%s' belongs to another runtime", name);
        size_t size = b->buffer->size_bytes, offset = sni_binding_offset(b);
        if (size < bytes || offset > size - bytes)
            return sni_fail(SINTER_INVALID_ARGUMENT,
                            "the buffer of '%s' has %zu bytes, %zu are needed from byte %zu on", name, size, bytes,
                            offset);
        if (offset) return bind_part(plan, c, slot, b, bytes);
        c->mems[slot] = sni_mem_retain(b->buffer->mem);
        return SINTER_OK;
    }
    if (b && b->data && b->size_bytes < bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' has %zu bytes, %zu are needed", name, b->size_bytes, bytes);
    return sni_mem_acquire(plan->runtime->pool, bytes, &c->mems[slot]);
}

static sinter_status describe_output(const sinter_plan *plan, const sni_dims *dims, const sni_slot *s,
                                     sinter_binding *b) {
    sinter_dtype dtype = sni_graph_value(plan->graph, s->value)->type.dtype;
    if (b->dtype != SINTER_DTYPE_NONE && b->dtype != dtype)
        return sni_fail(SINTER_DTYPE, "output '%s' is %s, not %s", port_name(plan, s), sinter_dtype_name(dtype),
                        sinter_dtype_name(b->dtype));
    return sni_plan_shape(plan, dims, s->value, &b->shape);
}

sinter_status sni_plan_describe_outputs(const sinter_plan *plan, const sni_dims *dims, sinter_binding *bindings,
                                        size_t count) {
    for (size_t i = 0; i < plan->slot_count; ++i) {
        if (plan->slots[i].kind != SNI_SLOT_OUTPUT) continue;
        const sinter_binding *b = binding_of(plan, &plan->slots[i], bindings, count);
        if (b) SNI_TRY(describe_output(plan, dims, &plan->slots[i], &bindings[b - bindings]));
    }
    return SINTER_OK;
}

static sinter_status bind_port(sinter_plan *plan, sni_context *c, size_t slot, sinter_binding *bindings, size_t count) {
    const sni_slot *s = &plan->slots[slot];
    bool in = s->kind == SNI_SLOT_INPUT;
    const char *name = port_name(plan, s);
    const sinter_binding *found = binding_of(plan, s, bindings, count);
    sinter_binding *b = found ? &bindings[found - bindings] : NULL;
    SNI_TRY(sni_slot_bytes(plan, &c->dims, s, &c->bytes[slot]));
    size_t bytes = (size_t)c->bytes[slot];
    const void *given = sni_binding_host(b);
    if (in && b && !given && !b->buffer && bytes > 0)
        return sni_fail(SINTER_INVALID_ARGUMENT, "input '%s' has neither data nor a buffer", name);
    if (!in && b) SNI_TRY(describe_output(plan, &c->dims, s, b));
    SNI_TRY(bind_memory(plan, c, slot, b, bytes, name));
    if (in && given && bytes > 0) SNI_TRY(sni_mem_enqueue_write(c->queue, c->mems[slot], 0, given, bytes));
    return SINTER_OK;
}

/* ---- one memory bound twice ---- */

static bool host_overlap(const sinter_binding *a, uint64_t a_bytes, const sinter_binding *b, uint64_t b_bytes) {
    if (!sni_binding_host(a) || !sni_binding_host(b) || !a_bytes || !b_bytes) return false;
    uintptr_t p = (uintptr_t)sni_binding_host(a), q = (uintptr_t)sni_binding_host(b);
    return p < q + b_bytes && q < p + a_bytes;
}

/* Steps write outputs while others still read inputs. So an output in an input's buffer is computed beside it and copied
 * when the steps are over. Two outputs in one memory cannot both be right. */
static sinter_status check_output(sinter_plan *plan, sni_context *c, size_t out, const sinter_binding *bindings,
                                  size_t count) {
    const sni_slot *slots = plan->slots;
    const sinter_binding *b = binding_of(plan, &slots[out], bindings, count);
    bool beside = false;
    if (!b) return SINTER_OK;
    const sni_mem *own = c->targets[out] ? c->targets[out] : c->mems[out];
    for (size_t i = 0; i < plan->slot_count; ++i) {
        if (i == out || !is_port(&slots[i])) continue; /* states are checked on their own */
        const sinter_binding *other = binding_of(plan, &slots[i], bindings, count);
        if (slots[i].kind == SNI_SLOT_INPUT) {
            beside |= sni_mem_overlap(c->mems[out], 0, (size_t)c->bytes[out], c->mems[i], 0, (size_t)c->bytes[i]);
            continue;
        }
        const sni_mem *theirs = c->targets[i] ? c->targets[i] : c->mems[i];
        bool shared = sni_mem_overlap(own, sni_binding_offset(b), (size_t)c->bytes[out], theirs,
                                      sni_binding_offset(other), (size_t)c->bytes[i]);
        if (i < out && (shared || host_overlap(b, c->bytes[out], other, c->bytes[i])))
            return sni_fail(SINTER_INVALID_ARGUMENT, "the outputs '%s' and '%s' are bound to the same memory",
                            port_name(plan, &slots[i]), port_name(plan, &slots[out]));
    }
    if (!beside) return SINTER_OK;
    c->targets[out] = c->mems[out];
    c->mems[out] = NULL;
    return sni_mem_acquire(plan->runtime->pool, (size_t)c->bytes[out], &c->mems[out]);
}

/* A state is written while inputs are read and outputs are written: it has memory to itself. */
static sinter_status check_state(const sinter_plan *plan, const sni_context *c, int state,
                                 const sinter_binding *bindings, size_t count) {
    const char *name = plan->states[plan->slots[state].index].name;
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        const sinter_binding *b = is_port(s) ? binding_of(plan, s, bindings, count) : NULL;
        const sni_mem *theirs = b && b->buffer ? b->buffer->mem : c->mems[i];
        bool other = is_port(s) || (s->kind == SNI_SLOT_STATE && s->alias_set != state);
        if (!other || !sni_mem_overlap(c->mems[state], 0, (size_t)c->bytes[state], theirs, sni_binding_offset(b),
                                       (size_t)c->bytes[i]))
            continue;
        return sni_fail(SINTER_INVALID_ARGUMENT, "state '%s' and '%s' are bound to the same memory", name,
                        is_port(s) ? port_name(plan, s) : plan->states[s->index].name);
    }
    return SINTER_OK;
}

sinter_status sni_plan_bind_ports(sinter_plan *plan, sni_context *c, sinter_binding *bindings, size_t count) {
    for (size_t i = 0; i < plan->slot_count; ++i)
        if (is_port(&plan->slots[i])) SNI_TRY(bind_port(plan, c, i, bindings, count));
    SNI_TRY(sni_plan_bind_states(plan, c, bindings, count));
    for (size_t i = 0; i < plan->state_count; ++i) SNI_TRY(check_state(plan, c, plan->states[i].slot, bindings, count));
    for (size_t i = 0; i < plan->slot_count; ++i)
        if (plan->slots[i].kind == SNI_SLOT_OUTPUT) SNI_TRY(check_output(plan, c, i, bindings, count));
    return SINTER_OK;
}

sinter_status sni_plan_collect(sinter_plan *plan, sni_context *c, sinter_binding *bindings, size_t count) {
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        size_t bytes = (size_t)c->bytes[i];
        if (s->kind != SNI_SLOT_OUTPUT || bytes == 0) continue;
        const sinter_binding *b = binding_of(plan, s, bindings, count);
        if (c->targets[i]) SNI_TRY(sni_mem_copy(c->queue, c->mems[i], 0, c->targets[i], sni_binding_offset(b), bytes));
        if (sni_binding_host(b)) SNI_TRY(sni_mem_enqueue_read(c->queue, c->mems[i], 0, b->data, bytes));
    }
    return SINTER_OK;
}
