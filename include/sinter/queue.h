/* Queues: orders of work on one device. */
#ifndef SINTER_QUEUE_H
#define SINTER_QUEUE_H

#include <sinter/event.h>
#include <sinter/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Work on one queue is done in the order in which it was enqueued; work on two queues may overlap, and has no order but
 * what events give it. (PoCL cannot run one kernel on two queues at a time: on the device they are one there.) What two
 * queues do to one buffer at the same time is the caller's business. A runtime has a queue of its own, which every function
 * uses that names none: it is what NULL stands for. Shared by threads. */
typedef struct sinter_queue sinter_queue;

/* Another queue of the runtime's device. The caller releases it; it keeps the runtime. OUT_OF_MEMORY, DEVICE. */
SINTER_API SINTER_MUST_USE sinter_status sinter_queue_create(sinter_runtime *runtime, sinter_queue **out_queue);
/* Waits until everything on the queue is over and its callbacks were called. No call with the queue may begin after this
 * one has; its events stay usable. Not from a callback. NULL is allowed. */
SINTER_API void sinter_queue_release(sinter_queue *queue);
/* Waits until everything that was put on the queue so far is over; runtime's own queue where queue is NULL. Fails as the
 * device does; failures of single works are told by their events. */
SINTER_API SINTER_MUST_USE sinter_status sinter_queue_finish(sinter_runtime *runtime, sinter_queue *queue);

/* Where and when work begins. */
typedef struct sinter_async_options {
    /* sizeof(sinter_async_options): SINTER_ASYNC_OPTIONS_INIT sets it. */
    size_t size_bytes;
    /* NULL: the runtime's own. */
    sinter_queue *queue;
    /* The work begins when these events, of the same runtime and any of its queues, are over. Read during the call only;
     * no count is given up. */
    sinter_event *const *after;
    size_t after_count;
    /* Not 0: sinter_event_cancel also stops work that has begun. The work then waits on a thread of the library's until the
     * queue has come to it, and a run is given to the device a few steps at a time, which costs some of its speed.
     * Runs with states (sinter_state) are not stopped between steps. */
    int cancellable;
} sinter_async_options;

#define SINTER_ASYNC_OPTIONS_INIT                                                                                      \
    { sizeof(sinter_async_options), NULL, NULL, 0, 0 }

#ifdef __cplusplus
}
#endif
#endif
