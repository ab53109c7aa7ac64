/* Events: how work ended, who waits for it, and whom to call. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "runtime/async.h"
#include "runtime/runtime.h"

sinter_event *sni_event_create(sinter_queue *queue, const sni_work_kind *kind, void *work) {
    sinter_event *event = sni_calloc(1, sizeof *event);
    if (!event) return NULL;
    event->references = 1;
    event->runtime = queue->runtime;
    event->queue = queue;
    event->kind = kind;
    event->work = work;
    event->last_call = &event->calls;
    sni_mutex_init(&event->mutex);
    sni_condition_init(&event->changed);
    return event;
}

sinter_event *sinter_event_retain(sinter_event *event) {
    if (event) __atomic_add_fetch(&event->references, 1, __ATOMIC_RELAXED);
    return event;
}

void sinter_event_release(sinter_event *event) {
    if (!event || __atomic_sub_fetch(&event->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_marker_release(event->marker);
    sni_free(event->text);
    sni_mutex_deinit(&event->mutex);
    sni_condition_deinit(&event->changed);
    sni_free(event);
}

/* What it waited for: the first that failed decides, unless the work failed by itself. */
static void drop_after(sinter_event *event, sinter_status *status, char **text) {
    for (size_t i = 0; i < event->after_count; ++i) {
        sinter_event *one = event->after[i];
        sinter_status ended = *status == SINTER_OK ? sni_event_finish(one) : SINTER_OK;
        if (ended != SINTER_OK) {
            *status = ended;
            *text = sni_strdup(one->text ? one->text : "an event that was waited for failed");
        }
        sinter_event_release(one);
    }
    sni_free(event->after);
    event->after = NULL;
    sinter_event_release(event->before);
    event->before = NULL;
}

void sni_event_settle(sinter_event *event, sni_event_state from, sinter_status status, const char *text) {
    sni_mutex_lock(&event->mutex);
    bool mine = event->state == from;
    if (mine) event->state = SNI_EVENT_SETTLING;
    sni_mutex_unlock(&event->mutex);
    if (!mine) return;
    sinter_queue *queue = event->queue;
    char *own = text ? sni_strdup(text) : NULL;
    drop_after(event, &status, &own);
    event->kind->finish(event->work, status);
    sni_mutex_lock(&event->mutex);
    event->status = status;
    event->text = own;
    event->work = NULL;
    sni_callback *calls = event->calls;
    event->calls = NULL;
    if (calls) {
        for (sni_callback *call = calls; call; call = call->next) call->event = sinter_event_retain(event);
        sni_mutex_unlock(&event->mutex);
        /* Before it is done: who waits for the queue waits for the calls, too. */
        sni_queue_make_calls(queue, calls);
        sni_mutex_lock(&event->mutex);
    }
    event->state = SNI_EVENT_DONE;
    event->queue = NULL;
    sni_condition_wake_all(&event->changed);
    sni_mutex_unlock(&event->mutex);
    /* What nobody waits for and came before it is over, too. The queue is there as long as this event is in its list. */
    if (from == SNI_EVENT_STARTED) sni_queue_settle_reached(queue, SNI_SETTLE_ALL);
    sni_queue_forget(queue, event);
}

static bool has_reached(sinter_event *event, sni_event_state state) {
    sni_mutex_lock(&event->mutex);
    bool reached = event->state >= state;
    sni_mutex_unlock(&event->mutex);
    return reached;
}

bool sni_event_has_started(sinter_event *event) {
    return has_reached(event, SNI_EVENT_STARTED);
}

bool sni_event_is_settling(sinter_event *event) {
    return has_reached(event, SNI_EVENT_SETTLING);
}

bool sni_event_is_done(sinter_event *event) {
    return has_reached(event, SNI_EVENT_DONE);
}

void sni_event_await_start(sinter_event *event) {
    sni_mutex_lock(&event->mutex);
    while (event->state < SNI_EVENT_STARTED) sni_condition_wait(&event->changed, &event->mutex);
    sni_mutex_unlock(&event->mutex);
}

/* Settling may fail calls of the driver's, whose texts are the event's and not this thread's. */
static void settle_reached(sinter_event *event, sinter_status status) {
    sni_event_settle(event, SNI_EVENT_STARTED, status, status == SINTER_OK ? NULL : sinter_last_error());
}

sinter_status sni_event_finish(sinter_event *event) {
    sni_event_await_start(event);
    sni_mutex_lock(&event->mutex);
    bool started = event->state == SNI_EVENT_STARTED;
    sni_mutex_unlock(&event->mutex);
    if (started) settle_reached(event, sni_marker_wait(event->marker));
    sni_mutex_lock(&event->mutex);
    while (event->state != SNI_EVENT_DONE) sni_condition_wait(&event->changed, &event->mutex);
    sinter_status status = event->status;
    sni_mutex_unlock(&event->mutex);
    return status;
}

static sinter_status report(const sinter_event *event) {
    if (event->status == SINTER_OK) return SINTER_OK;
    return sni_fail(event->status, "%s", event->text ? event->text : sinter_status_string(event->status));
}

sinter_status sinter_event_wait(sinter_event *event) {
    if (!event) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_event_wait: event is NULL");
    SNI_TRY_PROCESS();
    sinter_status status = sni_event_finish(event);
    if (status != SINTER_OK) status = report(event);
    sinter_event_release(event);
    return status;
}

int sinter_event_done(sinter_event *event) {
    if (!event || sni_forked()) return 1;
    sni_mutex_lock(&event->mutex);
    sni_event_state state = event->state;
    sni_mutex_unlock(&event->mutex);
    if (state == SNI_EVENT_DONE) return 1;
    if (state != SNI_EVENT_STARTED) return 0;
    if (!sni_marker_reached(event->marker)) {
        sni_marker_flush(event->marker); /* else a driver may keep the work until somebody waits */
        return 0;
    }
    (void)sni_event_finish(event);
    return 1;
}

sinter_status sinter_event_wait_for(sinter_event *event, uint64_t timeout_ns, int *out_done) {
    if (out_done) *out_done = 0;
    if (!event || !out_done) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_event_wait_for: a NULL argument");
    SNI_TRY_PROCESS();
    int64_t now = sni_time_ns();
    int64_t until = timeout_ns > (uint64_t)(INT64_MAX - now) ? INT64_MAX : now + (int64_t)timeout_ns;
    if (until == INT64_MAX) {
        (void)sni_event_finish(event);
    } else if (!sinter_event_done(event)) {
        /* OpenCL has no wait with an end: the queue's thread waits, and this one for that. */
        SNI_TRY(sni_queue_watch(event));
        sni_mutex_lock(&event->mutex);
        while (event->state != SNI_EVENT_DONE && sni_time_ns() < until)
            sni_condition_wait_until(&event->changed, &event->mutex, until);
        bool done = event->state == SNI_EVENT_DONE;
        sni_mutex_unlock(&event->mutex);
        if (!done) return SINTER_OK;
    }
    *out_done = 1;
    return report(event);
}

sinter_status sinter_event_call(sinter_event *event, void (*function)(void *context, sinter_status status),
                                void *context) {
    if (!event || !function) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_event_call: a NULL argument");
    SNI_TRY_PROCESS();
    sni_callback *call = sni_calloc(1, sizeof *call);
    if (!call) return sni_out_of_memory("a callback");
    *call = (sni_callback){NULL, function, context, NULL};
    SNI_TRY(sni_queue_watch(event)); /* the calls are made by its thread */
    sni_mutex_lock(&event->mutex);
    bool done = event->state >= SNI_EVENT_SETTLING;
    if (!done) {
        *event->last_call = call;
        event->last_call = &call->next;
    }
    sni_mutex_unlock(&event->mutex);
    if (!done) return SINTER_OK;
    sni_free(call);
    sinter_status status = sni_event_finish(event);
    if (status != SINTER_OK) (void)report(event);
    function(context, status);
    return SINTER_OK;
}

void sinter_event_cancel(sinter_event *event) {
    if (!event || sni_forked()) return;
    __atomic_store_n(&event->cancelled, 1, __ATOMIC_RELEASE);
    sni_mutex_lock(&event->mutex);
    bool waiting = event->state == SNI_EVENT_WAITING;
    sni_mutex_unlock(&event->mutex);
    if (!waiting) return;
    /* Another thread may start it in between: settle looks again, and a start looks at cancelled. */
    char text[64];
    snprintf(text, sizeof text, "%s was cancelled before it began", event->kind->name);
    sni_event_settle(event, SNI_EVENT_WAITING, SINTER_CANCELLED, text);
}
