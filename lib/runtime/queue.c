/* The caller's queues. */
#include <sinter/opencl.h>

#include "base/forked.h"
#include "runtime/async.h"
#include "runtime/runtime.h"

sinter_status sinter_queue_create(sinter_runtime *runtime, sinter_queue **out_queue) {
    if (out_queue) *out_queue = NULL;
    if (!runtime || !out_queue) return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime or out_queue is NULL");
    SNI_TRY_PROCESS();
    SNI_TRY(sni_async_open(runtime, false, out_queue));
    sni_runtime_retain(runtime);
    return SINTER_OK;
}

void sinter_queue_release(sinter_queue *queue) {
    if (!queue || sni_forked()) return;
    sinter_runtime *runtime = queue->runtime;
    sni_async_close(queue);
    sinter_runtime_release(runtime);
}

sinter_status sinter_queue_finish(sinter_runtime *runtime, sinter_queue *queue) {
    if (!runtime && !queue) return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime and the queue are NULL");
    if (runtime && queue && queue->runtime != runtime)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the queue belongs to another runtime");
    SNI_TRY_PROCESS();
    if (!queue) queue = runtime->queue;
    sni_async_catch_up(queue);
    sinter_status status = sni_queue_drain(queue->queue);
    sni_queue_settle_reached(queue, SNI_SETTLE_ALL);
    return status;
}
