/* Events: work that was handed to a device and goes on while the program does. */
#ifndef SINTER_EVENT_H
#define SINTER_EVENT_H

#include <sinter/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run, a copy or a kernel launch in flight. Counted: whoever got it from a function has one count, which
 * sinter_event_wait or sinter_event_release gives up. Every function here may be called by any thread. An event may be
 * kept, asked and waited for after its plan, buffers, kernel, queue and runtime were released.
 *
 * Work that was enqueued and fails, fails at its event: what waits for the event, asks it or is called back by it gets the
 * status, and waiting sets the text of sinter_last_error. Work that waits for an event that failed or was cancelled
 * ends with that status, too. */
typedef struct sinter_event sinter_event;

/* Waits until the work is over, gives up one count, and returns how the work ended. INVALID_ARGUMENT: event is NULL. */
SINTER_API SINTER_MUST_USE sinter_status sinter_event_wait(sinter_event *event);
/* Waits until the work is over, at most timeout_ns nanoseconds (UINT64_MAX: as long as it takes), and gives up no count.
 * *out_done is 1 when the work is over, and the result is how it ended; else 0, and the result is OK. */
SINTER_API SINTER_MUST_USE sinter_status sinter_event_wait_for(sinter_event *event, uint64_t timeout_ns, int *out_done);
/* 1 when the work is over, however it ended, else 0; does not wait for the device. 1 for NULL. */
SINTER_API int sinter_event_done(sinter_event *event);

/* One more count, for whoever else gives one up; returns event. */
SINTER_API sinter_event *sinter_event_retain(sinter_event *event);
/* Gives up a count without waiting: the work goes on, and what it needs of the library lives until it is over. Host memory
 * that it reads or writes stays the caller's to keep until then. NULL is allowed. */
SINTER_API void sinter_event_release(sinter_event *event);

/* Calls function with context and the work's status when the work is over: on a thread of the library's, one call of a
 * queue at a time; where the work is over already, before sinter_event_call returns, on the calling thread. A waiting
 * thread may go on before function was called. sinter_last_error in function says why the work failed.
 * function may enqueue work, ask and release events. It must not wait for events of its queue that have not been
 * enqueued to the device, nor release a plan, a queue or a runtime; while it runs, other functions of the queue wait.
 * Any number of functions may be given, and are called in that order. INVALID_ARGUMENT: NULL; OUT_OF_MEMORY. */
SINTER_API SINTER_MUST_USE sinter_status sinter_event_call(sinter_event *event,
                                                           void (*function)(void *context, sinter_status status),
                                                           void *context);

/* Asks the work not to begin. Work that has not been given to the device ends as CANCELLED, at once; of a run that is
 * cancellable (sinter_async_options) the steps that have not been given to it are not run. Other work goes on and ends as it does. The
 * event tells which it was. Outputs of a run that was cancelled hold nothing of use. NULL is allowed. */
SINTER_API void sinter_event_cancel(sinter_event *event);

#ifdef __cplusplus
}
#endif
#endif
