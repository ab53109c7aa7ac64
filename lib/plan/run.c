/* Runs: inputs up, kernels, outputs down. */
#include <string.h>

#include "base/alloc.h"
#include "plan/plan.h"

/* A run in flight. Counts the plan. */
struct sinter_event {
    sinter_plan *plan;
    sni_context *context;
    void *marker;
};

/* Gives a context up after a failure: nothing of the caller's may be in use when the call returns. */
static sinter_status abandon(sinter_plan *plan, sni_context *c, sinter_status status) {
    /* The text of the first failure is the one to keep. */
    char *text = sni_strdup(sinter_last_error());
    sinter_status finished = sni_queue_finish(plan->runtime->device);
    (void)finished; /* when the device is gone, the first error says why */
    sni_context_release(plan, c);
    if (text) status = sni_fail(status, "%s", text);
    sni_free(text);
    return status;
}

static sinter_status enqueue(sinter_plan *plan, sni_context *c, sinter_binding *bindings, size_t count, void **events) {
    SNI_TRY(sni_plan_bind_ports(plan, c, bindings, count));
    SNI_TRY(sni_context_set_ports(plan, c));
    for (size_t n = 0; n < plan->step_count; ++n)
        SNI_TRY(sni_step_enqueue(plan, c, n, events != NULL, events ? &events[n] : NULL));
    return sni_plan_collect(plan, c, bindings, count);
}

sinter_status sni_plan_submit(sinter_plan *plan, sinter_binding *bindings, size_t count, void **events,
                              sni_context **out_context) {
    *out_context = NULL;
    sni_dims dims;
    sni_context *c;
    SNI_TRY(sni_plan_bind(plan, bindings, count, &dims));
    SNI_TRY(sni_context_acquire(plan, &dims, &c));
    /* Runs with states are in the queue one after the other, whoever's the memory is. */
    if (plan->state_count) sni_mutex_lock(&plan->runtime->states);
    sinter_status status = enqueue(plan, c, bindings, count, events);
    if (plan->state_count) sni_mutex_unlock(&plan->runtime->states);
    if (status != SINTER_OK) return abandon(plan, c, status);
    *out_context = c;
    return SINTER_OK;
}

static void note_run(sinter_plan *plan, const sni_context *c) {
    sni_bindings b = sni_dims_bindings(&c->dims);
    int64_t moved = 0, unfused = 0;
    for (size_t n = 0; n < plan->step_count; ++n) {
        int64_t bytes;
        if (sni_sym_eval(plan->steps[n].loop.sym, plan->steps[n].bytes, &b, &bytes) == SINTER_OK) moved += bytes;
    }
    if (sni_sym_eval(plan->graph->sym, plan->bytes_unfused, &b, &unfused) != SINTER_OK) unfused = 0;
    sni_mutex_lock(&plan->mutex);
    plan->bytes_peak = c->arena_bytes;
    plan->bytes_live_peak = c->live_bytes;
    plan->bytes_moved = (uint64_t)moved;
    plan->bytes_moved_unfused = (uint64_t)unfused;
    sni_mutex_unlock(&plan->mutex);
}

/* ---- who is there ---- */

void sni_plan_enter(sinter_plan *plan) {
    sni_mutex_lock(&plan->mutex);
    ++plan->calls;
    sni_mutex_unlock(&plan->mutex);
}

void sni_plan_leave(sinter_plan *plan) {
    sni_mutex_lock(&plan->mutex);
    if (--plan->calls == 0) sni_condition_wake_all(&plan->left);
    sni_mutex_unlock(&plan->mutex);
}

void sinter_plan_release(sinter_plan *plan) {
    if (!plan) return;
    sni_mutex_lock(&plan->mutex);
    while (plan->calls > 0) sni_condition_wait(&plan->left, &plan->mutex);
    sni_mutex_unlock(&plan->mutex);
    /* Events that nobody waited for: their runs end now, and each frees its part when it is waited for. */
    if (__atomic_load_n(&plan->references, __ATOMIC_ACQUIRE) > 1) {
        sinter_status status = sni_queue_finish(plan->runtime->device);
        (void)status; /* the events report it */
    }
    sni_plan_drop(plan);
}

/* ---- runs ---- */

static sinter_status begin_run(sinter_plan *plan, sinter_binding *bindings, size_t count, sinter_event *event) {
    sni_context *c;
    SNI_TRY(sni_plan_submit(plan, bindings, count, NULL, &c));
    sinter_status status = sni_queue_marker(plan->runtime->device, &event->marker);
    if (status != SINTER_OK) return abandon(plan, c, status);
    note_run(plan, c);
    __atomic_add_fetch(&plan->references, 1, __ATOMIC_RELAXED);
    event->plan = plan;
    event->context = c;
    return SINTER_OK;
}

sinter_status sinter_plan_run_async(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                    sinter_event **out_event) {
    if (!out_event) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_run_async: out_event is NULL");
    *out_event = NULL;
    if (!plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_run: plan is NULL");
    sinter_event *event = sni_calloc(1, sizeof *event);
    if (!event) return sni_out_of_memory("an event");
    sni_plan_enter(plan);
    sinter_status status = begin_run(plan, bindings, count, event);
    sni_plan_leave(plan);
    if (status != SINTER_OK) {
        sni_free(event);
        return status;
    }
    *out_event = event;
    return SINTER_OK;
}

/* Drivers specialise kernels at their first launch; now their binaries are worth keeping. */
static void note_launched(sinter_plan *plan) {
    for (size_t n = 0; n < plan->step_count; ++n) {
        sni_mutex_lock(&plan->mutex);
        const sni_wide *wide = plan->steps[n].wide;
        sni_mutex_unlock(&plan->mutex);
        if (plan->steps[n].program) sni_program_launched(plan->steps[n].program);
        if (wide) sni_program_launched(wide->program);
    }
}

sinter_status sinter_event_wait(sinter_event *event) {
    if (!event) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_event_wait: event is NULL");
    sinter_plan *plan = event->plan;
    sinter_status status = sni_queue_wait(event->marker);
    if (status == SINTER_OK) {
        note_launched(plan);
        sni_context_give_back(plan, event->context);
    } else {
        status = abandon(plan, event->context, status);
    }
    sni_free(event);
    sni_plan_drop(plan);
    return status;
}

sinter_status sinter_plan_run(sinter_plan *plan, sinter_binding *bindings, size_t count) {
    sinter_event *event;
    if (!plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_run: plan is NULL");
    sni_plan_enter(plan);
    sinter_status status = sinter_plan_run_async(plan, bindings, count, &event);
    if (status == SINTER_OK) status = sinter_event_wait(event);
    sni_plan_leave(plan);
    return status;
}

sinter_status sinter_plan_output_shape(sinter_plan *plan, const sinter_binding *bindings, size_t count,
                                       const char *name, sinter_shape *out_shape) {
    if (!plan || !name || !out_shape)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_output_shape: a NULL argument");
    for (size_t o = 0; o < plan->graph->output_count; ++o) {
        if (strcmp(plan->graph->outputs[o].name, name) != 0) continue;
        sni_dims dims;
        SNI_TRY(sni_plan_bind(plan, bindings, count, &dims));
        return sni_plan_shape(plan, &dims, plan->graph->outputs[o].value, out_shape);
    }
    return sni_fail(SINTER_INVALID_ARGUMENT, "the plan has no output '%s'", name);
}

static void free_plan(sinter_plan *plan) {
    while (plan->idle) {
        sni_context *c = plan->idle;
        plan->idle = c->next;
        sni_context_release(plan, c);
    }
    for (size_t i = 0; i < plan->step_count; ++i) {
        sni_program_release(plan->steps[i].program);
        sni_wide_release(&plan->steps[i], plan->steps[i].wide);
        sni_step_drop_constants(&plan->steps[i], plan->steps[i].constants);
    }
    sni_free(plan->steps);
    sni_free(plan->slots);
    for (size_t i = 0; i < plan->state_count; ++i) sni_mem_release(plan->states[i].mem);
    sni_free(plan->states);
    sni_free(plan->slot_by_value);
    sni_records_release(plan->records);
    sni_arena_release(plan->arena);
    sinter_graph_release(plan->graph);
    if (plan->has_mutex) sni_mutex_deinit(&plan->mutex);
    sni_condition_deinit(&plan->left);
    sinter_runtime_release(plan->runtime);
    sni_free(plan);
}

void sni_plan_drop(sinter_plan *plan) {
    if (__atomic_sub_fetch(&plan->references, 1, __ATOMIC_ACQ_REL) == 0) free_plan(plan);
}

uint64_t sinter_plan_step_count(const sinter_plan *plan) {
    return plan ? plan->step_count : 0;
}

uint64_t sinter_plan_live_bytes(const sinter_plan *plan) {
    if (!plan) return 0;
    sni_mutex *mutex = (sni_mutex *)&plan->mutex; /* as in sinter_plan_get_stats */
    sni_mutex_lock(mutex);
    uint64_t bytes = plan->bytes_live_peak;
    sni_mutex_unlock(mutex);
    return bytes;
}

void sinter_plan_get_stats(const sinter_plan *plan, sinter_plan_stats *out_stats) {
    if (!out_stats) return;
    memset(out_stats, 0, sizeof *out_stats);
    if (!plan) return;
    uint64_t launches = 0;
    for (size_t n = 0; n < plan->step_count; ++n) launches += plan->steps[n].kind == SNI_STEP_LAUNCH;
    sni_mutex *mutex = (sni_mutex *)&plan->mutex; /* what it guards is not part of the plan's meaning */
    sni_mutex_lock(mutex);
    *out_stats = (sinter_plan_stats){.operators = plan->operators,
                                     .launches = launches,
                                     .kernels = plan->kernels,
                                     .bytes_peak = plan->bytes_peak,
                                     .bytes_moved = plan->bytes_moved,
                                     .bytes_moved_unfused = plan->bytes_moved_unfused,
                                     .compile_ns = plan->compile_ns,
                                     .constant_bytes = plan->constant_bytes};
    sni_mutex_unlock(mutex);
}
