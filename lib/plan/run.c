/* Runs: inputs up, kernels, outputs down. */
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "plan/plan.h"
#include "runtime/async.h"

/* A run that was asked for, and the work of its event. In its plan's list until it is over. */
struct sni_run {
    sinter_plan *plan;
    sni_context *context; /* once it has begun */
    sinter_binding *bindings;
    size_t count;
    bool owns_bindings;  /* with their names, each buffer counted */
    sinter_event *event; /* not counted: while the run is in the plan's list, it is there */
    sni_run *next, *previous;
};

/* A run that can be cancelled is given to the device a few steps at a time, while the few before them run. */
enum { STEPS_AT_ONCE = 4 };

typedef struct pace {
    const sinter_event *event; /* NULL: nothing is cancelled */
    const sni_queue *queue;
    int at;
    void *markers[2];
} pace;

static sinter_status keep_pace(pace *p, size_t step, size_t count) {
    if (!p->event) return SINTER_OK;
    if (sni_event_cancelled(p->event))
        return sni_fail(SINTER_CANCELLED, "a run was cancelled after %zu of %zu steps", step, count);
    if (step % STEPS_AT_ONCE || step == 0) return SINTER_OK;
    void **oldest = &p->markers[p->at];
    p->at = !p->at;
    if (*oldest) SNI_TRY(sni_marker_wait(*oldest));
    sni_marker_release(*oldest);
    return sni_queue_mark(p->queue, oldest);
}

/* event: of a run that may be cancelled between steps, else NULL. */
static sinter_status enqueue(sinter_plan *plan, sni_context *c, sinter_binding *bindings, size_t count, void **events,
                             const sinter_event *event) {
    pace steps = {event, c->queue, 0, {NULL}};
    SNI_TRY(sni_plan_bind_ports(plan, c, bindings, count));
    SNI_TRY(sni_context_set_ports(plan, c));
    sinter_status status = SINTER_OK;
    for (size_t n = 0; n < plan->step_count && status == SINTER_OK; ++n) {
        status = keep_pace(&steps, n, plan->step_count);
        if (status == SINTER_OK) status = sni_step_enqueue(plan, c, n, events != NULL, events ? &events[n] : NULL);
    }
    for (int i = 0; i < 2; ++i) sni_marker_release(steps.markers[i]);
    return status == SINTER_OK ? sni_plan_collect(plan, c, bindings, count) : status;
}

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

sinter_status sni_plan_submit(sinter_plan *plan, sinter_binding *bindings, size_t count, void **events,
                              sni_context **out_context) {
    *out_context = NULL;
    sni_dims dims;
    sni_context *c;
    SNI_TRY(sni_plan_bind(plan, bindings, count, &dims));
    SNI_TRY(sni_context_acquire(plan, &dims, &c));
    c->queue = NULL;
    sni_async_catch_up(plan->runtime->queue);
    if (plan->state_count) sni_runtime_lock_idle_states(plan->runtime);
    sinter_status status = enqueue(plan, c, bindings, count, events, NULL);
    if (plan->state_count) sni_mutex_unlock(&plan->runtime->states);
    if (status != SINTER_OK) return abandon(plan, c, status);
    *out_context = c;
    return SINTER_OK;
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

static sinter_event *event_of_a_run(sinter_plan *plan) {
    sni_mutex_lock(&plan->mutex);
    while (plan->calls > 0) sni_condition_wait(&plan->left, &plan->mutex);
    sinter_event *event = plan->runs ? sinter_event_retain(plan->runs->event) : NULL;
    sni_mutex_unlock(&plan->mutex);
    return event;
}

void sinter_plan_release(sinter_plan *plan) {
    sinter_event *event;
    if (!plan || sni_forked()) return;
    /* A run leaves the list before its event is done, and nothing of the plan is needed after that. */
    while ((event = event_of_a_run(plan)) != NULL) {
        (void)sni_event_finish(event);
        sinter_event_release(event);
    }
    sni_plan_free(plan);
}

/* ---- runs ---- */

static void join_runs(sni_run *run) {
    sinter_plan *plan = run->plan;
    sni_mutex_lock(&plan->mutex);
    run->next = plan->runs;
    if (plan->runs) plan->runs->previous = run;
    plan->runs = run;
    sni_mutex_unlock(&plan->mutex);
}

/* The last that a run does to its plan. */
static void leave_runs(sni_run *run) {
    sinter_plan *plan = run->plan;
    sni_mutex_lock(&plan->mutex);
    *(run->previous ? &run->previous->next : &plan->runs) = run->next;
    if (run->next) run->next->previous = run->previous;
    sni_mutex_unlock(&plan->mutex);
}

/* Drivers specialise kernels at their first launch; now their binaries are worth keeping. */
static void note_launched(sinter_plan *plan) {
    if (__atomic_exchange_n(&plan->noted, 1, __ATOMIC_ACQ_REL)) return;
    for (size_t n = 0; n < plan->step_count; ++n) {
        sni_mutex_lock(&plan->mutex);
        const sni_wide *wide = plan->steps[n].wide;
        sni_mutex_unlock(&plan->mutex);
        if (plan->steps[n].program) sni_program_launched(plan->steps[n].program);
        if (wide) sni_program_launched(wide->program);
    }
}

static void note_run(sinter_plan *plan, const sni_context *c) {
    sni_mutex_lock(&plan->mutex);
    plan->bytes_peak = c->arena_bytes;
    plan->bytes_live_peak = c->live_bytes;
    plan->bytes_moved = c->bytes_moved;
    plan->bytes_moved_unfused = c->bytes_moved_unfused;
    sni_mutex_unlock(&plan->mutex);
}

static sinter_status start_run(void *work, const sni_queue *queue, sinter_event *event, bool kept_back,
                               void **out_marker) {
    (void)out_marker;
    sni_run *run = work;
    sinter_plan *plan = run->plan;
    sni_dims dims;
    if (!kept_back) run->event = event; /* else it is known, and a release may be reading it */
    SNI_TRY(sni_plan_bind(plan, run->bindings, run->count, &dims));
    SNI_TRY(sni_context_acquire(plan, &dims, &run->context));
    run->context->queue = queue;
    bool states = plan->state_count > 0;
    /* The caller's thread has the states locked already. */
    if (states && kept_back) sni_mutex_lock(&plan->runtime->states);
    sinter_status status =
        enqueue(plan, run->context, run->bindings, run->count, NULL, !states && event->cancellable ? event : NULL);
    if (states && kept_back) sni_mutex_unlock(&plan->runtime->states);
    if (status == SINTER_OK) note_run(plan, run->context);
    return status;
}

/* The caller's array may be gone when the run begins: what is wrong with it is told now, and the rest copied. */
static sinter_status keep_run(void *work, sinter_event *event) {
    sni_run *run = work;
    sni_dims dims;
    SNI_TRY(sni_plan_bind(run->plan, run->bindings, run->count, &dims));
    SNI_TRY(sni_plan_describe_outputs(run->plan, &dims, run->bindings, run->count));
    size_t bytes = run->count * sizeof *run->bindings;
    for (size_t i = 0; i < run->count; ++i) bytes += strlen(run->bindings[i].name) + 1;
    sinter_binding *copies = sni_malloc(bytes + 1);
    if (!copies) return sni_out_of_memory("a run");
    char *names = (char *)(copies + run->count);
    for (size_t i = 0; i < run->count; ++i) {
        size_t length = strlen(run->bindings[i].name) + 1;
        copies[i] = run->bindings[i];
        copies[i].name = memcpy(names, run->bindings[i].name, length);
        names += length;
        sni_buffer_retain(copies[i].buffer);
    }
    run->bindings = copies;
    run->owns_bindings = true;
    run->event = event;
    return SINTER_OK;
}

static void finish_run(void *work, sinter_status status) {
    sni_run *run = work;
    if (run->context && status == SINTER_OK) {
        note_launched(run->plan);
        sni_context_give_back(run->plan, run->context);
    } else {
        sni_context_release(run->plan, run->context);
    }
    for (size_t i = 0; run->owns_bindings && i < run->count; ++i) sinter_buffer_release(run->bindings[i].buffer);
    if (run->owns_bindings) sni_free(run->bindings);
    leave_runs(run);
    sni_free(run);
}

static const sni_work_kind RUN = {"a run", false, start_run, keep_run, finish_run};

/* Runs with states happen one after the other, in the order of these calls, whatever queues they are on. */
static sinter_status submit_with_states(sni_run *run, const sinter_async_options *options, sinter_event **out_event) {
    sinter_runtime *runtime = run->plan->runtime;
    sni_mutex_lock(&runtime->states);
    sinter_event *before = runtime->last_state;
    sinter_status status = sni_async_submit(runtime, options, &RUN, run, before, out_event);
    if (status == SINTER_OK) {
        runtime->last_state = sinter_event_retain(*out_event);
        sinter_event_release(before);
    }
    sni_mutex_unlock(&runtime->states);
    return status;
}

static sinter_status submit(sinter_plan *plan, sinter_binding *bindings, size_t count,
                            const sinter_async_options *options, sinter_event **out_event) {
    sni_run *run = sni_calloc(1, sizeof *run);
    if (!run) return sni_out_of_memory("a run");
    run->plan = plan;
    run->bindings = bindings;
    run->count = count;
    join_runs(run);
    return plan->state_count ? submit_with_states(run, options, out_event)
                             : sni_async_submit(plan->runtime, options, &RUN, run, NULL, out_event);
}

sinter_status sinter_plan_enqueue(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                  const sinter_async_options *options, sinter_event **out_event) {
    sinter_event *event = NULL;
    if (out_event) *out_event = NULL;
    if (!plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_run: plan is NULL");
    SNI_TRY_PROCESS();
    sni_plan_enter(plan);
    sinter_status status = submit(plan, bindings, count, options, &event);
    sni_plan_leave(plan);
    if (out_event)
        *out_event = event;
    else
        sinter_event_release(event);
    return status;
}

sinter_status sinter_plan_run_async(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                    sinter_event **out_event) {
    if (!out_event) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_run_async: out_event is NULL");
    return sinter_plan_enqueue(plan, bindings, count, NULL, out_event);
}

sinter_status sinter_plan_run(sinter_plan *plan, sinter_binding *bindings, size_t count) {
    sinter_event *event;
    SNI_TRY(sinter_plan_enqueue(plan, bindings, count, NULL, &event));
    return sinter_event_wait(event);
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

void sni_plan_free(sinter_plan *plan) {
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
