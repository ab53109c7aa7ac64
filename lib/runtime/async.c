/* Putting work on a queue, and the queue's two threads: one starts work that was kept back, one settles what is watched. */
#include "runtime/async.h"

#include "base/alloc.h"
#include "runtime/runtime.h"

/* ---- lists of events; with the queue's mutex held ---- */

static void append(sni_event_list *list, sinter_event *event) {
    event->next = NULL;
    event->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = event;
    list->last = event;
    event->list = list;
}

static void take_out(sinter_event *event) {
    sni_event_list *list = event->list;
    *(event->previous ? &event->previous->next : &list->first) = event->next;
    *(event->next ? &event->next->previous : &list->last) = event->previous;
    event->next = event->previous = NULL;
    event->list = NULL;
}

void sni_queue_forget(sinter_queue *queue, sinter_event *event) {
    sni_mutex_lock(&queue->mutex);
    bool listed = event->list != NULL;
    if (listed) take_out(event);
    sni_condition_wake_all(&queue->changed);
    sni_mutex_unlock(&queue->mutex);
    if (listed) sinter_event_release(event);
}

/* ---- starting ---- */

/* The markers of what the event waits for on other queues, counted; fails as an event that is over and failed. */
static sinter_status collect(const sinter_event *event, sinter_event *one, bool must_succeed, void **markers,
                             size_t *count) {
    sinter_status status = SINTER_OK;
    sni_mutex_lock(&one->mutex);
    if (one->state == SNI_EVENT_DONE) {
        if (must_succeed && one->status != SINTER_OK)
            status = sni_fail(one->status, "%s", one->text ? one->text : sinter_status_string(one->status));
    } else if (one->queue != event->queue && one->marker) {
        void *marker = sni_marker_retain(one->marker);
        if (marker) markers[(*count)++] = marker;
    }
    sni_mutex_unlock(&one->mutex);
    return status;
}

static sinter_status await_others(sinter_event *event) {
    void *few[8], **markers = few;
    size_t count = 0, most = event->after_count + 1;
    if (event->after_count == 0 && !event->before) return SINTER_OK;
    if (most > sizeof few / sizeof *few && !(markers = sni_calloc(most, sizeof *markers)))
        return sni_out_of_memory("a list of events");
    sinter_status status = SINTER_OK;
    for (size_t i = 0; i < event->after_count && status == SINTER_OK; ++i)
        status = collect(event, event->after[i], true, markers, &count);
    if (event->before && status == SINTER_OK) status = collect(event, event->before, false, markers, &count);
    for (size_t i = 0; i < count; ++i) sni_marker_flush(markers[i]);
    if (status == SINTER_OK) status = sni_queue_await(event->queue->queue, markers, count);
    for (size_t i = 0; i < count; ++i) sni_marker_release(markers[i]);
    if (markers != few) sni_free(markers);
    return status;
}

/* On failure nothing of the work is on its way any more. */
static sinter_status start(sinter_event *event, bool kept_back, void **out_marker) {
    const sni_queue *queue = event->queue->queue;
    *out_marker = NULL;
    sinter_status status = sni_event_cancelled(event)
                               ? sni_fail(SINTER_CANCELLED, "%s was cancelled before it began", event->kind->name)
                               : await_others(event);
    if (status == SINTER_OK) status = event->kind->start(event->work, queue, event, kept_back, out_marker);
    if (status == SINTER_OK && !*out_marker) status = sni_queue_mark(queue, out_marker);
    if (status == SINTER_OK) return SINTER_OK;
    char *text = sni_strdup(sinter_last_error()); /* the first failure's is the one to keep */
    (void)sni_queue_drain(queue);
    sni_marker_release(*out_marker);
    *out_marker = NULL;
    if (text) status = sni_fail(status, "%s", text);
    sni_free(text);
    return status;
}

/* The event is the list's from here on, too: a thread that sees it started may settle it at once. */
static void set_started(sinter_event *event, void *marker) {
    sinter_queue *queue = event->queue;
    sni_mutex_lock(&queue->mutex);
    if (event->list)
        take_out(event);
    else
        sinter_event_retain(event);
    append(&queue->started, event);
    if (event->watched || event->number) sni_condition_wake_all(&queue->changed);
    sni_mutex_unlock(&queue->mutex);
    sni_mutex_lock(&event->mutex);
    event->marker = marker;
    event->state = SNI_EVENT_STARTED;
    sni_condition_wake_all(&event->changed);
    sni_mutex_unlock(&event->mutex);
}

/* The i-th event that this one waits for, counted; NULL behind the last, or when this one was cancelled, for then another
 * thread drops them. */
static sinter_event *waited_for(sinter_event *event, size_t i) {
    sinter_event *one = NULL;
    sni_mutex_lock(&event->mutex);
    if (event->state == SNI_EVENT_WAITING) {
        if (i < event->after_count)
            one = sinter_event_retain(event->after[i]);
        else if (i == event->after_count)
            one = sinter_event_retain(event->before);
    }
    sni_mutex_unlock(&event->mutex);
    return one;
}

/* Work can be stopped until it is the driver's. So what is cancellable goes there when its turn has come on the device. */
static void await_turn(sinter_queue *queue, sinter_event *event) {
    sinter_event *one;
    for (size_t i = 0; (one = waited_for(event, i)) != NULL; ++i) {
        if (event->cancellable)
            (void)sni_event_finish(one);
        else
            sni_event_await_start(one);
        sinter_event_release(one);
    }
    if (!event->cancellable) return;
    sni_mutex_lock(&queue->mutex);
    sinter_event *last = sinter_event_retain(queue->started.last);
    sni_mutex_unlock(&queue->mutex);
    if (last) (void)sni_event_finish(last);
    sinter_event_release(last);
}

static void start_waiting(sinter_event *event) {
    void *marker;
    sni_mutex_lock(&event->mutex);
    bool mine = event->state == SNI_EVENT_WAITING;
    if (mine) event->state = SNI_EVENT_STARTING;
    sni_mutex_unlock(&event->mutex);
    if (!mine) return; /* it was cancelled */
    sinter_status status = start(event, true, &marker);
    if (status == SINTER_OK)
        set_started(event, marker);
    else
        sni_event_settle(event, SNI_EVENT_STARTING, status, sinter_last_error());
}

static void *run_starter(void *context) {
    sinter_queue *queue = context;
    for (;;) {
        sni_mutex_lock(&queue->mutex);
        while (!queue->waiting.first && !queue->closing) sni_condition_wait(&queue->changed, &queue->mutex);
        sinter_event *event = sinter_event_retain(queue->waiting.first);
        sni_mutex_unlock(&queue->mutex);
        if (!event) return NULL;
        await_turn(queue, event);
        start_waiting(event);
        /* Whoever cancelled it takes it out of the list. */
        sni_mutex_lock(&queue->mutex);
        while (event->list == &queue->waiting) sni_condition_wait(&queue->changed, &queue->mutex);
        sni_mutex_unlock(&queue->mutex);
        sinter_event_release(event);
    }
}

/* ---- watching ---- */

static sinter_event *first_watched(sinter_queue *queue) {
    for (sinter_event *event = queue->started.first; event; event = event->next)
        if (event->watched) return sinter_event_retain(event);
    return NULL;
}

/* Called and left with the queue's mutex. */
static void make_call(sinter_queue *queue, sni_callback *call) {
    sinter_event *event = call->event;
    queue->due = call->next;
    if (!queue->due) queue->last_due = &queue->due;
    sni_mutex_unlock(&queue->mutex);
    sinter_status status = sni_event_finish(event); /* it is a moment from being done */
    if (status != SINTER_OK) (void)sni_fail(status, "%s", event->text ? event->text : sinter_status_string(status));
    call->function(call->context, status);
    sni_free(call);
    sinter_event_release(event);
    sni_mutex_lock(&queue->mutex);
}

static void *run_settler(void *context) {
    sinter_queue *queue = context;
    sinter_event *event;
    sni_mutex_lock(&queue->mutex);
    for (;;) {
        if (queue->due) {
            make_call(queue, queue->due);
        } else if ((event = first_watched(queue)) != NULL) {
            event->watched = false;
            sni_mutex_unlock(&queue->mutex);
            (void)sni_event_finish(event);
            sinter_event_release(event);
            sni_mutex_lock(&queue->mutex);
        } else if (queue->closing) {
            break;
        } else {
            sni_condition_wait(&queue->changed, &queue->mutex);
        }
    }
    sni_mutex_unlock(&queue->mutex);
    return NULL;
}

/* With the queue's mutex held. */
static sinter_status need_thread(sinter_queue *queue, bool *has, pthread_t *thread, void *(*run)(void *)) {
    if (*has) return SINTER_OK;
    if (pthread_create(thread, NULL, run, queue)) return sni_out_of_memory("a thread of a queue");
    *has = true;
    return SINTER_OK;
}

sinter_status sni_queue_watch(sinter_event *event) {
    sinter_status status = SINTER_OK;
    sni_mutex_lock(&event->mutex); /* until it is done its queue is there */
    sinter_queue *queue = event->queue;
    if (queue) {
        sni_mutex_lock(&queue->mutex);
        status = need_thread(queue, &queue->has_settler, &queue->settler, run_settler);
        event->watched = true;
        sni_condition_wake_all(&queue->changed);
        sni_mutex_unlock(&queue->mutex);
    }
    sni_mutex_unlock(&event->mutex);
    return status;
}

void sni_queue_make_calls(sinter_queue *queue, sni_callback *calls) {
    sni_mutex_lock(&queue->mutex);
    *queue->last_due = calls;
    while (*queue->last_due) queue->last_due = &(*queue->last_due)->next;
    sni_condition_wake_all(&queue->changed);
    sni_mutex_unlock(&queue->mutex);
}

/* ---- putting work on a queue ---- */

static sinter_status read_options(sinter_runtime *runtime, const sinter_async_options *options,
                                  sinter_queue **out_queue) {
    *out_queue = options && options->queue ? options->queue : runtime->queue;
    if ((*out_queue)->runtime != runtime)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the queue belongs to another runtime");
    if (!options) return SINTER_OK;
    if (options->size_bytes < sizeof *options)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the options' size_bytes is %zu: begin with SINTER_ASYNC_OPTIONS_INIT",
                        options->size_bytes);
    if (options->after_count && !options->after)
        return sni_fail(SINTER_INVALID_ARGUMENT, "%zu events to wait for, and after is NULL", options->after_count);
    for (size_t i = 0; i < options->after_count; ++i) {
        if (!options->after[i]) return sni_fail(SINTER_INVALID_ARGUMENT, "event %zu to wait for is NULL", i);
        if (options->after[i]->runtime != runtime)
            return sni_fail(SINTER_INVALID_ARGUMENT, "event %zu to wait for belongs to another runtime", i);
    }
    return SINTER_OK;
}

static sinter_event *make_event(sinter_queue *queue, const sinter_async_options *options, const sni_work_kind *kind,
                                void *work, sinter_event *before) {
    sinter_event *event = sni_event_create(queue, kind, work);
    if (!event) return NULL;
    size_t count = options ? options->after_count : 0;
    if (count && !(event->after = sni_calloc(count, sizeof *event->after))) {
        sinter_event_release(event);
        return NULL;
    }
    for (size_t i = 0; i < count; ++i) event->after[i] = sinter_event_retain(options->after[i]);
    event->after_count = count;
    event->before = sinter_event_retain(before);
    event->cancellable = options && options->cancellable;
    return event;
}

static bool can_start(sinter_queue *queue, const sinter_event *event) {
    sni_mutex_lock(&queue->mutex);
    bool can = !queue->waiting.first && !event->cancellable;
    sni_mutex_unlock(&queue->mutex);
    for (size_t i = 0; i < event->after_count && can; ++i) can = sni_event_has_started(event->after[i]);
    return can && (!event->before || sni_event_has_started(event->before));
}

static sinter_status keep_back(sinter_queue *queue, sinter_event *event) {
    if (event->kind->keep) SNI_TRY(event->kind->keep(event->work, event));
    sni_mutex_lock(&queue->mutex);
    sinter_status status = need_thread(queue, &queue->has_starter, &queue->starter, run_starter);
    if (status == SINTER_OK) {
        event->number = ++queue->kept_back;
        append(&queue->waiting, sinter_event_retain(event));
        sni_condition_wake_all(&queue->changed);
    }
    sni_mutex_unlock(&queue->mutex);
    return status;
}

enum { LIGHT_EACH = 16 };

/* This thread is inside sni_queue_settle_reached: what it settles there looks for no more. */
static __thread bool sweeping;

void sni_queue_settle_reached(sinter_queue *queue, int most) {
    if (sweeping) return;
    sweeping = true;
    for (bool over = true; over && most > 0; --most) {
        sni_mutex_lock(&queue->mutex);
        sinter_event *event = sinter_event_retain(queue->started.first);
        sni_mutex_unlock(&queue->mutex);
        bool failed = false;
        over = event && sni_event_has_started(event) && !sni_event_is_settling(event) &&
               sni_marker_ended(event->marker, &failed);
        if (over && failed) (void)sni_event_finish(event);
        if (over && !failed) sni_event_settle(event, SNI_EVENT_STARTED, SINTER_OK, NULL);
        sinter_event_release(event);
    }
    sweeping = false;
}

/* What is over, and whose event nobody asks, would else keep its memory. */
static void settle_old(sinter_queue *queue, const sni_work_kind *kind) {
    unsigned number = __atomic_add_fetch(&queue->submitted, 1, __ATOMIC_RELAXED);
    if (kind->light && number % LIGHT_EACH) return;
    sni_queue_settle_reached(queue, kind->light ? 2 * LIGHT_EACH : 2);
}

/* An event that nobody else has seen. */
static void discard(sinter_event *event, sinter_status status) {
    event->kind->finish(event->work, status);
    for (size_t i = 0; i < event->after_count; ++i) sinter_event_release(event->after[i]);
    sni_free(event->after);
    sinter_event_release(event->before);
    sinter_event_release(event);
}

sinter_status sni_async_submit(sinter_runtime *runtime, const sinter_async_options *options, const sni_work_kind *kind,
                               void *work, sinter_event *before, sinter_event **out_event) {
    sinter_queue *queue;
    void *marker = NULL;
    if (out_event) *out_event = NULL;
    sinter_status status = read_options(runtime, options, &queue);
    sinter_event *event = status == SINTER_OK ? make_event(queue, options, kind, work, before) : NULL;
    if (!event) {
        if (status == SINTER_OK) status = sni_out_of_memory("an event");
        kind->finish(work, status);
        return status;
    }
    settle_old(queue, kind);
    if (can_start(queue, event)) {
        status = start(event, false, &marker);
        if (status == SINTER_OK) set_started(event, marker);
    } else {
        status = keep_back(queue, event);
    }
    if (status != SINTER_OK) {
        discard(event, status);
        return status;
    }
    if (out_event)
        *out_event = event;
    else
        sinter_event_release(event);
    return SINTER_OK;
}

/* Any of them may be cancelled and leave the list at once, so the first is looked at until it is a later one. */
void sni_async_catch_up(sinter_queue *queue) {
    sni_mutex_lock(&queue->mutex);
    uint64_t last = queue->kept_back;
    while (queue->waiting.first && queue->waiting.first->number <= last)
        sni_condition_wait(&queue->changed, &queue->mutex);
    sni_mutex_unlock(&queue->mutex);
}

/* ---- opening and closing ---- */

sinter_status sni_async_open(sinter_runtime *runtime, bool own, sinter_queue **out_queue) {
    *out_queue = NULL;
    sinter_queue *queue = sni_calloc(1, sizeof *queue);
    if (!queue) return sni_out_of_memory("a queue");
    sinter_status status =
        own ? sni_queue_main(runtime->device, &queue->queue) : sni_queue_open(runtime->device, &queue->queue);
    if (status != SINTER_OK) {
        sni_free(queue);
        return status;
    }
    queue->runtime = runtime;
    queue->last_due = &queue->due;
    sni_mutex_init(&queue->mutex);
    sni_condition_init(&queue->changed);
    *out_queue = queue;
    return SINTER_OK;
}

/* Settles all that is in a list, and waits until it is out of it. */
static void empty(sinter_queue *queue, sni_event_list *list) {
    sni_mutex_lock(&queue->mutex);
    while (list->first) {
        sinter_event *event = sinter_event_retain(list->first);
        sni_mutex_unlock(&queue->mutex);
        (void)sni_event_finish(event);
        sni_mutex_lock(&queue->mutex);
        while (event->list == list) sni_condition_wait(&queue->changed, &queue->mutex);
        sni_mutex_unlock(&queue->mutex);
        sinter_event_release(event);
        sni_mutex_lock(&queue->mutex);
    }
    sni_mutex_unlock(&queue->mutex);
}

void sni_async_close(sinter_queue *queue) {
    if (!queue) return;
    empty(queue, &queue->waiting);
    empty(queue, &queue->started);
    sni_mutex_lock(&queue->mutex);
    queue->closing = true;
    bool has_starter = queue->has_starter, has_settler = queue->has_settler;
    sni_condition_wake_all(&queue->changed);
    sni_mutex_unlock(&queue->mutex);
    if (has_starter) pthread_join(queue->starter, NULL);
    if (has_settler) pthread_join(queue->settler, NULL);
    sni_queue_close(queue->queue);
    sni_mutex_deinit(&queue->mutex);
    sni_condition_deinit(&queue->changed);
    sni_free(queue);
}
