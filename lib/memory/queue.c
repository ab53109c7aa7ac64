/* Queues: waiting for them, and markers in them. */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS /* clCreateCommandQueue: every driver has it */
#include <string.h>

#include "memory/mem.h"

#include "base/alloc.h"

sinter_status sni_queue_finish(sni_device *device) {
    cl_int error = clFinish(device->queue);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clFinish");
}

sinter_status sni_queue_flush(sni_device *device) {
    cl_int error = clFlush(device->queue);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clFlush");
}

sinter_status sni_queue_marker(sni_device *device, void **out_event) {
    *out_event = NULL;
    cl_event event = NULL;
    cl_int error = clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &event);
    if (error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueMarkerWithWaitList");
    /* Without a flush the driver may keep the work until somebody waits for it. */
    error = clFlush(device->queue);
    if (error != CL_SUCCESS) {
        clReleaseEvent(event);
        return sni_cl_fail(error, "clFlush");
    }
    *out_event = event;
    return SINTER_OK;
}

sinter_status sni_queue_wait(void *event) {
    cl_event waited = event;
    if (!waited) return sni_fail(SINTER_INVALID_ARGUMENT, "the event to wait for is NULL");
    cl_int error = clWaitForEvents(1, &waited);
    clReleaseEvent(waited);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clWaitForEvents");
}

/* ---- further queues ---- */

/* Takes over handle. */
static sinter_status make(sni_device *device, cl_command_queue handle, sni_queue **out_queue) {
    sni_queue *queue = sni_calloc(1, sizeof *queue);
    if (!queue) {
        clReleaseCommandQueue(handle);
        return sni_out_of_memory("a queue");
    }
    queue->device = sni_device_retain(device);
    queue->handle = handle;
    *out_queue = queue;
    return SINTER_OK;
}

sinter_status sni_queue_open(sni_device *device, sni_queue **out_queue) {
    cl_int error = CL_SUCCESS;
    *out_queue = NULL;
    /* PoCL 3.1 mixes up the forms of one kernel (small grids have one of their own) when two of its queues run it at once, and
     * ends the process: "pocl_release_dlhandle_cache: Assertion". Its queues are one there; each runs on all cores anyway. */
    if (strstr(device->caps.platform, "Portable Computing Language")) return sni_queue_main(device, out_queue);
    cl_command_queue handle = clCreateCommandQueue(device->context, device->id, 0, &error);
    if (!handle || error != CL_SUCCESS) return sni_cl_fail(error, "clCreateCommandQueue");
    return make(device, handle, out_queue);
}

sinter_status sni_queue_main(sni_device *device, sni_queue **out_queue) {
    *out_queue = NULL;
    cl_int error = clRetainCommandQueue(device->queue);
    return error == CL_SUCCESS ? make(device, device->queue, out_queue) : sni_cl_fail(error, "clRetainCommandQueue");
}

void sni_queue_close(sni_queue *queue) {
    if (!queue) return;
    clFinish(queue->handle);
    clReleaseCommandQueue(queue->handle);
    sni_device_release(queue->device);
    sni_free(queue);
}

sinter_status sni_queue_drain(const sni_queue *queue) {
    cl_int error = clFinish(queue->handle);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clFinish");
}

/* The flush: a queue that waits for the marker would else wait for what the driver still keeps back. */
static sinter_status mark(cl_command_queue handle, void **out_marker) {
    cl_event event = NULL;
    *out_marker = NULL;
    cl_int error = clEnqueueMarkerWithWaitList(handle, 0, NULL, &event);
    if (error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueMarkerWithWaitList");
    error = clFlush(handle);
    if (error != CL_SUCCESS) {
        clReleaseEvent(event);
        return sni_cl_fail(error, "clFlush");
    }
    *out_marker = event;
    return SINTER_OK;
}

static sinter_status await(cl_command_queue handle, void *const *markers, size_t count) {
    cl_event few[8];
    while (count > 0) {
        cl_uint n = (cl_uint)(count < 8 ? count : 8);
        for (cl_uint i = 0; i < n; ++i) few[i] = markers[i];
        cl_int error = clEnqueueBarrierWithWaitList(handle, n, few, NULL);
        if (error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueBarrierWithWaitList");
        markers += n, count -= n;
    }
    return SINTER_OK;
}

sinter_status sni_queue_mark(const sni_queue *queue, void **out_marker) {
    return mark(queue->handle, out_marker);
}

sinter_status sni_queue_await(const sni_queue *queue, void *const *markers, size_t count) {
    return await(queue->handle, markers, count);
}

sinter_status sni_queue_join(const sni_queue *first, const sni_queue *second) {
    cl_command_queue from = first ? first->handle : second->device->queue;
    cl_command_queue to = second ? second->handle : first->device->queue;
    void *marker;
    if (from == to) return SINTER_OK;
    SNI_TRY(mark(from, &marker));
    sinter_status status = await(to, &marker, 1);
    sni_marker_release(marker);
    return status;
}

void *sni_marker_retain(void *marker) {
    return marker && clRetainEvent(marker) == CL_SUCCESS ? marker : NULL;
}

void sni_marker_release(void *marker) {
    if (marker) clReleaseEvent(marker);
}

sinter_status sni_marker_wait(void *marker) {
    cl_event event = marker;
    cl_int error = clWaitForEvents(1, &event), state = CL_COMPLETE;
    if (error == CL_SUCCESS) return SINTER_OK;
    /* "An event in the list failed" says less than what failed. */
    if (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) == CL_SUCCESS && state < 0)
        error = state;
    return sni_cl_fail(error, "asynchronous work");
}

bool sni_marker_ended(void *marker, bool *out_failed) {
    cl_int state = CL_COMPLETE;
    cl_int error = clGetEventInfo(marker, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    *out_failed = error != CL_SUCCESS || state < 0;
    return *out_failed || state == CL_COMPLETE;
}

bool sni_marker_reached(void *marker) {
    bool failed;
    return sni_marker_ended(marker, &failed);
}

void sni_marker_flush(void *marker) {
    cl_command_queue handle = NULL;
    if (clGetEventInfo(marker, CL_EVENT_COMMAND_QUEUE, sizeof handle, &handle, NULL) == CL_SUCCESS && handle)
        clFlush(handle);
}
