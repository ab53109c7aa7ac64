/* Launching: private cl_kernel objects with checked arguments. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/handle.h"
#include "kernel/program.h"

/* What an argument is: setting it to the same again would cost as much as a small launch. */
typedef struct last_value {
    uint64_t serial; /* of a buffer; 0: not known */
    unsigned char bytes[16];
    size_t size_bytes; /* of a scalar; 0: not known, or too large */
} last_value;

/* A cl_kernel keeps its arguments, so it cannot be shared: every run has its own. */
struct sni_launch {
    sni_program *program;
    cl_kernel kernel;
    size_t max_work_group;
    uint64_t static_local_bytes;
    int unset;           /* how many arguments have no value yet */
    bool *is_set;        /* by argument */
    size_t *local_bytes; /* by argument: of __local ones */
    last_value *last;    /* by argument */
    uint64_t dynamic_local_bytes;
};

static void query_limits(sni_launch *launch, cl_device_id id) {
    size_t size = 0;
    cl_ulong local = 0;
    const sni_caps *caps = &launch->program->cache->device->caps;
    launch->max_work_group = caps->max_work_group;
    if (!caps->kernel_work_group_is_no_limit &&
        clGetKernelWorkGroupInfo(launch->kernel, id, CL_KERNEL_WORK_GROUP_SIZE, sizeof size, &size, NULL) ==
            CL_SUCCESS &&
        size > 0)
        launch->max_work_group = size;
    /* A kernel that requires a size was compiled for it; NVIDIA's driver 580 answers 256 above all the same. */
    size_t required[3] = {0};
    if (clGetKernelWorkGroupInfo(launch->kernel, id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof required, required,
                                 NULL) == CL_SUCCESS &&
        required[0] * required[1] * required[2] > launch->max_work_group)
        launch->max_work_group = required[0] * required[1] * required[2];
    if (clGetKernelWorkGroupInfo(launch->kernel, id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local, &local, NULL) ==
        CL_SUCCESS)
        launch->static_local_bytes = local;
}

sinter_status sni_launch_create(sni_program *program, sni_launch **out_launch) {
    *out_launch = NULL;
    sni_launch *launch = sni_calloc(1, sizeof *launch);
    if (!launch) return sni_out_of_memory("a launch");
    size_t count = (size_t)program->signature.count;
    launch->program = sni_program_retain(program);
    launch->unset = program->signature.count;
    launch->is_set = sni_calloc(count, sizeof *launch->is_set);
    launch->local_bytes = sni_calloc(count, sizeof *launch->local_bytes);
    cl_int error = CL_SUCCESS;
    sinter_status status = SINTER_OK;
    launch->last = sni_calloc(count, sizeof *launch->last);
    if (!launch->is_set || !launch->local_bytes || !launch->last) {
        status = sni_out_of_memory("a launch");
    } else {
        launch->kernel = clCreateKernel(program->handle, program->entry, &error);
        if (!launch->kernel || error != CL_SUCCESS)
            status = sni_fail_in(sni_cl_fail(error, "clCreateKernel"), "kernel '%s'", program->entry);
    }
    if (status != SINTER_OK) {
        sni_launch_release(launch);
        return status;
    }
    query_limits(launch, program->cache->device->id);
    *out_launch = launch;
    return SINTER_OK;
}

void sni_launch_release(sni_launch *launch) {
    if (!launch) return;
    if (launch->kernel) clReleaseKernel(launch->kernel);
    sni_free(launch->is_set);
    sni_free(launch->local_bytes);
    sni_free(launch->last);
    sni_program_release(launch->program);
    sni_free(launch);
}

int sni_launch_arg_count(const sni_launch *launch) {
    return launch->program->signature.count;
}

const char *sni_launch_arg_type(const sni_launch *launch, int index) {
    return launch->program->signature.params[index].type;
}

bool sni_launch_arg_is_of_unknown_size(const sni_launch *launch, int index) {
    const sni_param *param = &launch->program->signature.params[index];
    /* A name that fills its room may have been cut, and then be another type's. */
    return param->kind == SNI_PARAM_SCALAR && param->size_bytes == 0 && strlen(param->type) + 1 < sizeof param->type;
}

size_t sni_launch_max_work_group(const sni_launch *launch) {
    return launch->max_work_group;
}

/* What an argument takes, for messages. */
static const char *kind_words(sni_param_kind kind) {
    switch (kind) {
    case SNI_PARAM_BUFFER:
        return "a buffer";
    case SNI_PARAM_LOCAL:
        return "local memory";
    case SNI_PARAM_SCALAR:
        return "a scalar";
    case SNI_PARAM_UNKNOWN:
        break;
    }
    return "an argument";
}

/* "argument 2 'n' (int) of kernel 'f'" */
static void describe_arg(const sni_launch *launch, int index, char *out, size_t capacity) {
    const sni_param *param = &launch->program->signature.params[index];
    snprintf(out, capacity, "argument %d%s%s%s%s%s%s of kernel '%s'", index, param->name[0] ? " '" : "", param->name,
             param->name[0] ? "'" : "", param->type[0] ? " (" : "", param->type, param->type[0] ? ")" : "",
             launch->program->entry);
}

enum { WORDS = 512 };

/* A driver answers a wrong argument with a bare number. The signature was read from the source, so that the message can name
 * the argument; what the reader of signatures did not understand is left to the driver. */
static sinter_status check_arg(const sni_launch *launch, int index, sni_param_kind given) {
    const sni_signature *signature = &launch->program->signature;
    if (index < 0 || index >= signature->count)
        return sni_fail(SINTER_INVALID_ARGUMENT, "kernel '%s' has %d arguments, there is no number %d",
                        launch->program->entry, signature->count, index);
    sni_param_kind wanted = signature->params[index].kind;
    if (wanted == SNI_PARAM_UNKNOWN || wanted == given) return SINTER_OK;
    char words[WORDS];
    describe_arg(launch, index, words, sizeof words);
    return sni_fail(SINTER_INVALID_ARGUMENT, "%s is %s, %s was given", words, kind_words(wanted), kind_words(given));
}

/* Passes a checked argument to the driver, which may have more to object to. */
static sinter_status set_arg(sni_launch *launch, int index, size_t size_bytes, const void *value) {
    cl_int error = clSetKernelArg(launch->kernel, (cl_uint)index, size_bytes, value);
    if (error == CL_SUCCESS) {
        launch->unset -= !launch->is_set[index];
        launch->is_set[index] = true;
        return SINTER_OK;
    }
    char words[WORDS];
    describe_arg(launch, index, words, sizeof words);
    if (error == CL_INVALID_ARG_SIZE || error == CL_INVALID_ARG_VALUE || error == CL_INVALID_MEM_OBJECT)
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s does not take this value of %zu bytes: %s", words, size_bytes,
                        sni_cl_error_name(error));
    return sni_cl_fail(error, words);
}

sinter_status sni_launch_set_mem(sni_launch *launch, int index, const sni_mem *mem) {
    SNI_TRY(check_arg(launch, index, SNI_PARAM_BUFFER));
    cl_mem handle = mem ? sni_mem_handle_of(mem) : NULL;
    if (!handle) {
        char words[WORDS];
        describe_arg(launch, index, words, sizeof words);
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s: the buffer is NULL", words);
    }
    uint64_t serial = sni_mem_serial_of(mem);
    if (serial && launch->last[index].serial == serial) return SINTER_OK;
    launch->last[index].serial = 0;
    SNI_TRY(set_arg(launch, index, sizeof handle, &handle));
    launch->last[index].serial = serial;
    return SINTER_OK;
}

sinter_status sni_launch_set_scalar(sni_launch *launch, int index, const void *value, size_t size_bytes) {
    SNI_TRY(check_arg(launch, index, SNI_PARAM_SCALAR));
    unsigned wanted = launch->program->signature.params[index].size_bytes;
    if (!value || size_bytes == 0 || (wanted && wanted != size_bytes)) {
        char words[WORDS];
        describe_arg(launch, index, words, sizeof words);
        if (!value) return sni_fail(SINTER_INVALID_ARGUMENT, "%s: the value is NULL", words);
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s has %u bytes, %zu were given", words, wanted, size_bytes);
    }
    last_value *last = &launch->last[index];
    if (last->size_bytes == size_bytes && memcmp(last->bytes, value, size_bytes) == 0) return SINTER_OK;
    last->size_bytes = 0;
    SNI_TRY(set_arg(launch, index, size_bytes, value));
    if (size_bytes > sizeof last->bytes) return SINTER_OK;
    memcpy(last->bytes, value, size_bytes);
    last->size_bytes = size_bytes;
    return SINTER_OK;
}

sinter_status sni_launch_set_local(sni_launch *launch, int index, size_t size_bytes) {
    SNI_TRY(check_arg(launch, index, SNI_PARAM_LOCAL));
    uint64_t limit = launch->program->cache->device->caps.local_bytes;
    if (size_bytes == 0 || size_bytes > limit) {
        char words[WORDS];
        describe_arg(launch, index, words, sizeof words);
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "%s: %zu bytes of local memory were asked for, the device has 1 to %llu", words, size_bytes,
                        (unsigned long long)limit);
    }
    if (launch->is_set[index] && launch->local_bytes[index] == size_bytes) return SINTER_OK;
    SNI_TRY(set_arg(launch, index, size_bytes, NULL));
    launch->dynamic_local_bytes += size_bytes - launch->local_bytes[index];
    launch->local_bytes[index] = size_bytes;
    return SINTER_OK;
}

static sinter_status fail_unset(const sni_launch *launch) {
    int index = 0;
    while (launch->is_set[index]) ++index;
    char words[WORDS];
    describe_arg(launch, index, words, sizeof words);
    return sni_fail(SINTER_INVALID_ARGUMENT, "%s was not set", words);
}

/* What a driver would refuse of a launch is refused here, in words. */
static sinter_status check_local(const sni_launch *launch, int dims, const size_t *global, const size_t *local) {
    const sni_caps *caps = &launch->program->cache->device->caps;
    const char *entry = launch->program->entry;
    size_t items = 1;
    for (int i = 0; i < dims; ++i) {
        if (local[i] == 0 || global[i] % local[i])
            return sni_fail(SINTER_INVALID_ARGUMENT,
                            "kernel '%s': %zu work-items in dimension %d are no multiple of the "
                            "work-group's %zu",
                            entry, global[i], i, local[i]);
        if (local[i] > caps->max_work_item[i] || local[i] > launch->max_work_group / items)
            return sni_fail(SINTER_INVALID_ARGUMENT,
                            "kernel '%s': the work-group is too large: %zu in dimension %d; it can have "
                            "%zu work-items, and %u in this dimension",
                            entry, local[i], i, launch->max_work_group, (unsigned)caps->max_work_item[i]);
        items *= local[i];
    }
    return SINTER_OK;
}

sinter_status sni_launch_check(const sni_launch *launch, int dims, const size_t *global, const size_t *local) {
    if (dims < 1 || dims > 3)
        return sni_fail(SINTER_INVALID_ARGUMENT, "kernel '%s': a launch has 1 to 3 dimensions, not %d",
                        launch->program->entry, dims);
    if (launch->unset > 0) return fail_unset(launch);
    uint64_t need = launch->static_local_bytes + launch->dynamic_local_bytes;
    const sni_caps *caps = &launch->program->cache->device->caps;
    uint64_t limit = caps->local_bytes;
    if (launch->dynamic_local_bytes == 0 && caps->static_local_bytes > limit) limit = caps->static_local_bytes;
    if (need > limit)
        return sni_fail(SINTER_INVALID_ARGUMENT, "kernel '%s' needs %llu bytes of local memory, the device has %llu",
                        launch->program->entry, (unsigned long long)need, (unsigned long long)limit);
    return local ? check_local(launch, dims, global, local) : SINTER_OK;
}

/* A mistake of the caller's that only the driver saw, or a device that is in trouble. */
static sinter_status fail_enqueue(const sni_launch *launch, cl_int error) {
    char words[WORDS];
    snprintf(words, sizeof words, "kernel '%s'", launch->program->entry);
    switch (error) {
    case CL_INVALID_WORK_GROUP_SIZE:
    case CL_INVALID_WORK_ITEM_SIZE:
    case CL_INVALID_GLOBAL_WORK_SIZE:
    case CL_INVALID_KERNEL_ARGS:
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s: %s", words, sni_cl_error_name(error));
    default:
        return sni_cl_fail(error, words);
    }
}

/* Runs on the queue that measures, between what the main queue has and what it will get. */
static cl_int enqueue_profiled(sni_launch *launch, cl_command_queue measuring, int dims, const size_t *global,
                               const size_t *local, cl_event *out_event) {
    cl_command_queue queue = launch->program->cache->device->queue;
    cl_event before = NULL, measured = NULL;
    cl_int error = clEnqueueMarkerWithWaitList(queue, 0, NULL, &before);
    if (error != CL_SUCCESS) return error;
    clFlush(queue);
    error =
        clEnqueueNDRangeKernel(measuring, launch->kernel, (cl_uint)dims, NULL, global, local, 1, &before, &measured);
    clReleaseEvent(before);
    if (error != CL_SUCCESS) return error;
    clFlush(measuring);
    error = clEnqueueBarrierWithWaitList(queue, 1, &measured, NULL);
    if (error != CL_SUCCESS) {
        clReleaseEvent(measured);
        return error;
    }
    *out_event = measured;
    return CL_SUCCESS;
}

sinter_status sni_launch_enqueue(sni_launch *launch, int dims, const size_t *global, const size_t *local, bool profile,
                                 void **out_event) {
    sni_device *device = launch->program->cache->device;
    if (out_event) *out_event = NULL;
    SNI_TRY(sni_launch_check(launch, dims, global, local));
    for (int i = 0; i < dims; ++i)
        if (global[i] == 0) return SINTER_OK;
    cl_int error = CL_SUCCESS;
    if (profile && out_event) {
        cl_command_queue measuring = NULL;
        cl_event event = NULL;
        SNI_TRY(sni_device_profiling_queue(device, &measuring));
        error = enqueue_profiled(launch, measuring, dims, global, local, &event);
        *out_event = event;
    } else {
        error =
            clEnqueueNDRangeKernel(device->queue, launch->kernel, (cl_uint)dims, NULL, global, local, 0, NULL, NULL);
    }
    return error == CL_SUCCESS ? SINTER_OK : fail_enqueue(launch, error);
}

sinter_status sni_launch_enqueue_on(sni_launch *launch, const sni_queue *queue, int dims, const size_t *global,
                                    const size_t *local, void **out_marker) {
    cl_command_queue handle = queue ? queue->handle : launch->program->cache->device->queue;
    cl_event event = NULL;
    if (out_marker) *out_marker = NULL;
    SNI_TRY(sni_launch_check(launch, dims, global, local));
    for (int i = 0; i < dims; ++i)
        if (global[i] == 0) return SINTER_OK;
    cl_int error = clEnqueueNDRangeKernel(handle, launch->kernel, (cl_uint)dims, NULL, global, local, 0, NULL,
                                          out_marker ? &event : NULL);
    if (out_marker) *out_marker = event;
    return error == CL_SUCCESS ? SINTER_OK : fail_enqueue(launch, error);
}

sinter_status sni_event_profile(void *event, uint64_t *out_start_ns, uint64_t *out_end_ns) {
    *out_start_ns = *out_end_ns = 0;
    cl_event handle = event;
    if (!handle) return SINTER_OK; /* of a launch of nothing */
    cl_ulong start = 0, end = 0;
    cl_int error = clWaitForEvents(1, &handle);
    if (error == CL_SUCCESS)
        error = clGetEventProfilingInfo(handle, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (error == CL_SUCCESS) error = clGetEventProfilingInfo(handle, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    clReleaseEvent(handle);
    if (error != CL_SUCCESS) return sni_cl_fail(error, "a kernel's time");
    *out_start_ns = start;
    *out_end_ns = end;
    return SINTER_OK;
}
