/* Devices: platforms, capabilities, selection, one context and queue. OpenCL types stay inside lib/device,
 * lib/kernel, lib/memory and lib/runtime; this header is for those. */
#ifndef SNI_DEVICE_DEVICE_H
#define SNI_DEVICE_DEVICE_H

#include <CL/cl.h>

#include "base/status.h"
#include "base/thread.h"
#include "device/caps.h"

/* An open device. Counted; shared by threads. */
typedef struct sni_device {
    int references;
    sni_caps caps;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;           /* in order */
    cl_command_queue profiling_queue; /* in order, with profiling; made at first use */
    sni_mutex mutex;
} sni_device;

/* Commands that run in the order in which they were enqueued; counts the device. */
struct sni_queue {
    sni_device *device;
    cl_command_queue handle;
};

/* All devices of all platforms, in the order that an index selects: GPUs, accelerators, CPUs; within that the
 * platforms' order. *out_count may be 0. Free *out_list with sni_free. */
typedef struct sni_device_entry {
    cl_platform_id platform;
    cl_device_id id;
    sni_caps caps;
} sni_device_entry;
sinter_status sni_device_list(sni_device_entry **out_list, size_t *out_count);

/* selection: SEL, NULL for SINTER_DEVICE or the best. NO_DEVICE lists what there is. */
sinter_status sni_device_open(const char *selection, sni_device **out_device);
/* On the caller's objects, which are retained. */
sinter_status sni_device_adopt(cl_context context, cl_device_id id, cl_command_queue queue, sni_device **out_device);
/* The queue that measures, made at the first call; it belongs to the device. */
sinter_status sni_device_profiling_queue(sni_device *device, cl_command_queue *out_queue);
sni_device *sni_device_retain(sni_device *device);
void sni_device_release(sni_device *device);

/* "CL_OUT_OF_RESOURCES" for -5; never NULL. */
const char *sni_cl_error_name(cl_int error);
/* Turns an OpenCL error into a status (OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY, DEVICE) and sets the text
 * "what: CL_NAME". */
sinter_status sni_cl_fail(cl_int error, const char *what);

#endif
