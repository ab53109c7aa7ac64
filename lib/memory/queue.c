/* The device's queue: waiting for it, and markers in it. */
#include "memory/mem.h"

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
