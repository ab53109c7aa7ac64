/* Opening a device: its own context and an in-order queue. */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS /* clCreateCommandQueue is the only one every driver has \
                                           */
#include "device/device.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "device/query.h"
#include "device/select.h"

/* Drivers call this from any thread, also while a call fails; the failing call reports it too. */
static void CL_CALLBACK on_context_error(const char *text, const void *data, size_t size, void *context) {
    (void)data, (void)size, (void)context;
    sni_log(SNI_LOG_INFO, "OpenCL: %s", text ? text : "(no text)");
}

/* The parts of a device that every way of opening one shares. */
static sni_device *device_create(cl_platform_id platform, cl_device_id id) {
    sni_device *device = sni_calloc(1, sizeof *device);
    if (!device) return NULL;
    device->references = 1;
    device->platform = platform;
    device->id = id;
    sni_mutex_init(&device->mutex);
    return device;
}

static sinter_status open_entry(const sni_device_entry *entry, sni_device **out_device) {
    sni_device *device = device_create(entry->platform, entry->id);
    if (!device) return sni_out_of_memory("a device");
    device->caps = entry->caps;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)entry->platform, 0};
    cl_int error = CL_SUCCESS;
    sinter_status status = SINTER_OK;
    device->context = clCreateContext(properties, 1, &device->id, on_context_error, NULL, &error);
    if (!device->context || error != CL_SUCCESS) {
        status = sni_cl_fail(error, "clCreateContext");
    } else {
        device->queue = clCreateCommandQueue(device->context, device->id, 0, &error);
        if (!device->queue || error != CL_SUCCESS) status = sni_cl_fail(error, "clCreateCommandQueue");
    }
    if (status != SINTER_OK) {
        status = sni_fail_in(status, "device '%s'", device->caps.name);
        sni_device_release(device);
        return status;
    }
    *out_device = device;
    return SINTER_OK;
}

/* Says what the drivers that are there answer. */
static sinter_status fail_without_device(const cl_platform_id *platforms, size_t platform_count) {
    sni_str failures = SNI_STR_INIT;
    sni_platform_print_failures(platforms, platform_count, &failures);
    sinter_status status = sni_device_fail_without(platform_count, sni_str_text(&failures));
    sni_str_deinit(&failures);
    return status;
}

sinter_status sni_device_open(const char *selection, sni_device **out_device) {
    *out_device = NULL;
    sni_device_entry *list = NULL;
    cl_platform_id *platforms = NULL;
    size_t count = 0, platform_count = 0, index = 0;
    SNI_TRY(sni_platform_list(&platforms, &platform_count));
    sinter_status status = sni_device_list(&list, &count);
    if (status == SINTER_OK && count == 0) status = fail_without_device(platforms, platform_count);
    if (status == SINTER_OK) status = sni_device_select(selection, list, count, platforms, platform_count, &index);
    if (status == SINTER_OK) status = open_entry(&list[index], out_device);
    sni_free(list);
    sni_free(platforms);
    return status;
}

/* Does the context hold the device? */
static bool context_has(cl_context context, cl_device_id id) {
    size_t size = 0;
    if (clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &size) != CL_SUCCESS) return false;
    cl_device_id *ids = sni_calloc(size ? size : 1, 1);
    if (!ids) return false;
    bool found = false;
    if (clGetContextInfo(context, CL_CONTEXT_DEVICES, size, ids, NULL) == CL_SUCCESS)
        for (size_t i = 0; i < size / sizeof *ids; ++i) found |= ids[i] == id;
    sni_free(ids);
    return found;
}

static sinter_status check_adopted(cl_context context, cl_device_id id, cl_command_queue queue) {
    if (!context || !id || !queue)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the context, the device or the queue is NULL");
    if (!context_has(context, id)) return sni_fail(SINTER_INVALID_ARGUMENT, "the context does not hold the device");
    cl_context of_queue = NULL;
    cl_device_id device_of_queue = NULL;
    cl_command_queue_properties properties = 0;
    cl_int error = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof of_queue, &of_queue, NULL);
    if (error == CL_SUCCESS)
        error = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device_of_queue, &device_of_queue, NULL);
    if (error == CL_SUCCESS)
        error = clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    if (error != CL_SUCCESS) return sni_cl_fail(error, "clGetCommandQueueInfo");
    if (of_queue != context || device_of_queue != id)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the queue is of another context or device");
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the queue is not in order");
    return SINTER_OK;
}

sinter_status sni_device_adopt(cl_context context, cl_device_id id, cl_command_queue queue, sni_device **out_device) {
    *out_device = NULL;
    SNI_TRY(check_adopted(context, id, queue));
    cl_platform_id platform = NULL;
    cl_int error = clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    if (error != CL_SUCCESS) return sni_cl_fail(error, "CL_DEVICE_PLATFORM");
    if (!sni_device_usable(id))
        return sni_fail(SINTER_UNSUPPORTED, "the device is not available, has no compiler, or is big-endian");
    sni_device *device = device_create(platform, id);
    if (!device) return sni_out_of_memory("a device");
    sni_caps_query(platform, id, &device->caps);
    if (clRetainContext(context) == CL_SUCCESS) device->context = context;
    if (clRetainCommandQueue(queue) == CL_SUCCESS) device->queue = queue;
    if (!device->context || !device->queue) {
        sni_device_release(device);
        return sni_fail(SINTER_DEVICE, "the context or the queue cannot be retained");
    }
    *out_device = device;
    return SINTER_OK;
}

sinter_status sni_device_profiling_queue(sni_device *device, cl_command_queue *out_queue) {
    cl_int error = CL_SUCCESS;
    sni_mutex_lock(&device->mutex);
    if (!device->profiling_queue)
        device->profiling_queue = clCreateCommandQueue(device->context, device->id, CL_QUEUE_PROFILING_ENABLE, &error);
    *out_queue = device->profiling_queue;
    sni_mutex_unlock(&device->mutex);
    return *out_queue ? SINTER_OK : sni_cl_fail(error, "clCreateCommandQueue for profiling");
}

sni_device *sni_device_retain(sni_device *device) {
    if (device) __atomic_add_fetch(&device->references, 1, __ATOMIC_RELAXED);
    return device;
}

void sni_device_release(sni_device *device) {
    if (!device || __atomic_sub_fetch(&device->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (device->profiling_queue) clReleaseCommandQueue(device->profiling_queue);
    if (device->queue) clReleaseCommandQueue(device->queue);
    if (device->context) clReleaseContext(device->context);
    sni_mutex_deinit(&device->mutex);
    sni_free(device);
}
