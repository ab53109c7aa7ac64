/* Asynchronous work: what is put on a queue, and the event of it.
 *
 * Work is given to the driver at once where it can be. It is kept back ("waiting") when it is cancellable, when an event
 * that it waits for is itself kept back, and behind other work of its queue that is: a thread of the queue starts
 * it in order. Whoever first sees that started work is over settles it: what the work held is given back, then the event
 * is done. Another thread of the queue does so for events that somebody watches. */
#ifndef SNI_RUNTIME_ASYNC_H
#define SNI_RUNTIME_ASYNC_H

#include <sinter/queue.h>

#include <limits.h>

#include "base/thread.h"
#include "memory/buffer.h"

/* What a work is made of. */
typedef struct sni_work_kind {
    const char *name; /* "a run" */
    bool light; /* it holds little: looking at each one as soon as it is over would cost more than it gives back */
    /* Enqueues the work. *out_marker (NULL before) may be set to what is reached when it is over, else one is put
     * behind it. kept_back: this is not the thread that the caller called on. */
    sinter_status (*start)(void *work, const sni_queue *queue, sinter_event *event, bool kept_back, void **out_marker);
    /* Before work is kept back: copies what start will read of the caller's. NULL: there is nothing. */
    sinter_status (*keep)(void *work, sinter_event *event);
    /* Once, when the work is over or has failed to start: gives back all of it. */
    void (*finish)(void *work, sinter_status status);
} sni_work_kind;

/* In this order. */
typedef enum sni_event_state {
    SNI_EVENT_WAITING,
    SNI_EVENT_STARTING, /* start is being called by the queue's thread */
    SNI_EVENT_STARTED,  /* the driver has all of it */
    SNI_EVENT_SETTLING,
    SNI_EVENT_DONE
} sni_event_state;

typedef struct sni_callback {
    struct sni_callback *next;
    void (*function)(void *context, sinter_status status);
    void *context;
    sinter_event *event; /* counted once the call is due */
} sni_callback;

struct sinter_event {
    int references;                /* atomic */
    const sinter_runtime *runtime; /* to compare with */
    sinter_queue *queue;           /* until it is done */
    sni_mutex mutex;               /* guards what follows */
    sni_condition changed;
    sni_event_state state;
    void *marker; /* from STARTED on */
    sinter_status status;
    char *text; /* of a failure; may be NULL */
    sni_callback *calls, **last_call;
    bool watched;     /* guarded by the queue's mutex */
    bool cancellable; /* constant */
    int cancelled;    /* atomic */
    const sni_work_kind *kind;
    void *work;
    sinter_event **after; /* counted, until it is done */
    size_t after_count;
    sinter_event *before;        /* of those the last one orders only: this event does not fail with it; may be NULL */
    uint64_t number;             /* of those that were kept back in its queue; guarded by the queue's mutex */
    struct sni_event_list *list; /* of its queue, or NULL; with the next two guarded by the queue's mutex */
    sinter_event *next, *previous;
};

typedef struct sni_event_list {
    sinter_event *first, *last;
} sni_event_list;

struct sinter_queue {
    sinter_runtime *runtime; /* counted, but by its own queue */
    sni_queue *queue;
    sni_mutex mutex; /* guards what follows */
    sni_condition changed;
    sni_event_list waiting, started; /* each counted */
    sni_callback *due, **last_due;
    bool closing, has_starter, has_settler;
    unsigned submitted; /* atomic */
    uint64_t kept_back; /* how many were so far */
    pthread_t starter, settler;
};

/* The runtime's own queue, or another one. */
sinter_status sni_async_open(sinter_runtime *runtime, bool own, sinter_queue **out_queue);
/* Waits for everything on it. */
void sni_async_close(sinter_queue *queue);

/* Takes over work, also when it fails. options may be NULL; out_event, too. before (may be NULL): an event that must be
 * over first, however it ends. */
sinter_status sni_async_submit(sinter_runtime *runtime, const sinter_async_options *options, const sni_work_kind *kind,
                               void *work, sinter_event *before, sinter_event **out_event);
/* Waits until the driver has what was kept back so far: what is enqueued past the queue's events comes behind it. */
void sni_async_catch_up(sinter_queue *queue);
/* Waits until the work is over, and settles it. No count is given up, and the thread's last error is not touched. */
sinter_status sni_event_finish(sinter_event *event);
/* Where the event is still in the state from: gives its work back and lets everybody know. Else another thread does.
 * text (may be NULL) is copied. */
void sni_event_settle(sinter_event *event, sni_event_state from, sinter_status status, const char *text);
/* Has the queue's thread settle the event as soon as it is over. */
sinter_status sni_queue_watch(sinter_event *event);
/* Calls of an event that is over, for the queue's thread to make. */
void sni_queue_make_calls(sinter_queue *queue, sni_callback *calls);
/* Settles what is over of the queue, the oldest first, at most so many. */
void sni_queue_settle_reached(sinter_queue *queue, int most);
#define SNI_SETTLE_ALL INT_MAX
/* Takes the event out of its queue. */
void sni_queue_forget(sinter_queue *queue, sinter_event *event);
sinter_event *sni_event_create(sinter_queue *queue, const sni_work_kind *kind, void *work);
bool sni_event_has_started(sinter_event *event);
bool sni_event_is_settling(sinter_event *event); /* or done */
bool sni_event_is_done(sinter_event *event);
/* Waits until the driver has it, or it is over. */
void sni_event_await_start(sinter_event *event);
static inline bool sni_event_cancelled(const sinter_event *event) {
    return event && __atomic_load_n(&event->cancelled, __ATOMIC_ACQUIRE) != 0;
}

#endif
