/* What buffers do besides being there: copies, fills and transfers as work on a queue, mapping, memory of the host's. */
#include <sinter/buffer.h>

#include <CL/cl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "memory/mem.h"
#include "runtime/async.h"
#include "runtime/runtime.h"

enum { MOST_PATTERN = 16 };

/* One command on a part of a buffer. */
typedef struct transfer {
    sni_mem *mem;  /* that is written, or read to the host; counted */
    sni_mem *from; /* of a copy; counted */
    size_t offset_bytes, from_offset_bytes, size_bytes;
    const void *input;
    void *output;
    size_t pattern_bytes;
    unsigned char pattern[MOST_PATTERN];
} transfer;

static sinter_status start(void *work, const sni_queue *queue, sinter_event *event, bool kept_back, void **out_marker) {
    (void)event, (void)kept_back, (void)out_marker;
    const transfer *t = work;
    if (t->from) return sni_mem_copy(queue, t->from, t->from_offset_bytes, t->mem, t->offset_bytes, t->size_bytes);
    if (t->pattern_bytes)
        return sni_mem_fill_range(queue, t->mem, t->offset_bytes, t->size_bytes, t->pattern, t->pattern_bytes);
    if (t->input) return sni_mem_enqueue_write(queue, t->mem, t->offset_bytes, t->input, t->size_bytes);
    if (t->output) return sni_mem_enqueue_read(queue, t->mem, t->offset_bytes, t->output, t->size_bytes);
    return SINTER_OK; /* of nothing */
}

static void finish(void *work, sinter_status status) {
    transfer *t = work;
    (void)status;
    sni_mem_release(t->mem);
    sni_mem_release(t->from);
    sni_free(t);
}

static const sni_work_kind TRANSFER = {"a transfer", false, start, NULL, finish};

static sinter_status check_range(const sinter_buffer *buffer, size_t offset, size_t size) {
    if (offset <= buffer->size_bytes && size <= buffer->size_bytes - offset) return SINTER_OK;
    return sni_fail(SINTER_INVALID_ARGUMENT, "bytes %zu to %zu + %zu are outside of a buffer of %zu bytes", offset,
                    offset, size, buffer->size_bytes);
}

static sinter_status submit(const sinter_buffer *buffer, const transfer *t, const sinter_async_options *options,
                            sinter_event **out_event) {
    SNI_TRY_PROCESS();
    SNI_TRY(check_range(buffer, t->offset_bytes, t->size_bytes));
    transfer *work = sni_malloc(sizeof *work);
    if (!work) return sni_out_of_memory("a transfer");
    *work = *t;
    work->mem = sni_mem_retain(buffer->mem);
    sni_mem_retain(work->from);
    return sni_async_submit(buffer->runtime, options, &TRANSFER, work, NULL, out_event);
}

sinter_status sinter_buffer_write_async(sinter_buffer *buffer, size_t offset_bytes, const void *data, size_t size_bytes,
                                        const sinter_async_options *options, sinter_event **out_event) {
    if (out_event) *out_event = NULL;
    if (!buffer || (size_bytes && !data))
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer or the data to write is NULL");
    transfer t = {.offset_bytes = offset_bytes, .size_bytes = size_bytes, .input = data};
    return submit(buffer, &t, options, out_event);
}

sinter_status sinter_buffer_read_async(const sinter_buffer *buffer, size_t offset_bytes, void *data, size_t size_bytes,
                                       const sinter_async_options *options, sinter_event **out_event) {
    if (out_event) *out_event = NULL;
    if (!buffer || (size_bytes && !data))
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer or the place to read to is NULL");
    transfer t = {.offset_bytes = offset_bytes, .size_bytes = size_bytes, .output = data};
    return submit(buffer, &t, options, out_event);
}

sinter_status sinter_buffer_copy_async(const sinter_buffer *from, size_t from_offset_bytes, sinter_buffer *to,
                                       size_t to_offset_bytes, size_t size_bytes, const sinter_async_options *options,
                                       sinter_event **out_event) {
    if (out_event) *out_event = NULL;
    if (!from || !to) return sni_fail(SINTER_INVALID_ARGUMENT, "a buffer of the copy is NULL");
    if (from->runtime != to->runtime)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffers of the copy belong to two runtimes");
    SNI_TRY(check_range(from, from_offset_bytes, size_bytes));
    SNI_TRY(check_range(to, to_offset_bytes, size_bytes));
    if (sni_mem_overlap(from->mem, from_offset_bytes, size_bytes, to->mem, to_offset_bytes, size_bytes))
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "the copy's ranges overlap: %zu bytes from byte %zu and to byte %zu of one buffer", size_bytes,
                        from_offset_bytes, to_offset_bytes);
    transfer t = {.from = from->mem,
                  .from_offset_bytes = from_offset_bytes,
                  .offset_bytes = to_offset_bytes,
                  .size_bytes = size_bytes};
    return submit(to, &t, options, out_event);
}

sinter_status sinter_buffer_fill_async(sinter_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                       const void *pattern, size_t pattern_bytes, const sinter_async_options *options,
                                       sinter_event **out_event) {
    if (out_event) *out_event = NULL;
    if (!buffer || !pattern) return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer or the pattern to fill with is NULL");
    bool power = pattern_bytes && (pattern_bytes & (pattern_bytes - 1)) == 0;
    if (!power || pattern_bytes > MOST_PATTERN)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a pattern has 1, 2, 4, 8 or 16 bytes, not %zu", pattern_bytes);
    if (offset_bytes % pattern_bytes || size_bytes % pattern_bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "%zu bytes from byte %zu on are no multiples of a pattern of %zu bytes", size_bytes,
                        offset_bytes, pattern_bytes);
    transfer t = {.offset_bytes = offset_bytes, .size_bytes = size_bytes, .pattern_bytes = pattern_bytes};
    memcpy(t.pattern, pattern, pattern_bytes);
    return submit(buffer, &t, options, out_event);
}

sinter_status sinter_buffer_copy(const sinter_buffer *from, size_t from_offset_bytes, sinter_buffer *to,
                                 size_t to_offset_bytes, size_t size_bytes) {
    sinter_event *event;
    SNI_TRY(sinter_buffer_copy_async(from, from_offset_bytes, to, to_offset_bytes, size_bytes, NULL, &event));
    return sinter_event_wait(event);
}

sinter_status sinter_buffer_fill(sinter_buffer *buffer, size_t offset_bytes, size_t size_bytes, const void *pattern,
                                 size_t pattern_bytes) {
    sinter_event *event;
    SNI_TRY(sinter_buffer_fill_async(buffer, offset_bytes, size_bytes, pattern, pattern_bytes, NULL, &event));
    return sinter_event_wait(event);
}

/* ---- mapping ---- */

sinter_status sinter_buffer_map(sinter_buffer *buffer, size_t offset_bytes, size_t size_bytes, sinter_map_access access,
                                void **out_data) {
    static const cl_map_flags flags[] = {0, CL_MAP_READ, CL_MAP_WRITE_INVALIDATE_REGION, CL_MAP_READ | CL_MAP_WRITE};
    if (out_data) *out_data = NULL;
    if (!buffer || !out_data) return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer to map or out_data is NULL");
    SNI_TRY_PROCESS();
    if ((int)access < SINTER_MAP_READ || (int)access > SINTER_MAP_READ_WRITE)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a buffer is mapped for reading, writing or both, not for %d",
                        (int)access);
    SNI_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (!size_bytes) return sni_fail(SINTER_INVALID_ARGUMENT, "no bytes of a buffer cannot be mapped");
    SNI_TRY(sinter_queue_finish(buffer->runtime, NULL)); /* with work that was kept back */
    cl_int error = CL_SUCCESS;
    void *data = clEnqueueMapBuffer(buffer->runtime->device->queue, sni_mem_handle_of(buffer->mem), CL_TRUE,
                                    flags[access], offset_bytes, size_bytes, 0, NULL, NULL, &error);
    if (!data || error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueMapBuffer");
    *out_data = data;
    return SINTER_OK;
}

sinter_status sinter_buffer_unmap(sinter_buffer *buffer, void *data) {
    if (!buffer || !data) return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer to unmap or data is NULL");
    SNI_TRY_PROCESS();
    cl_int error =
        clEnqueueUnmapMemObject(buffer->runtime->device->queue, sni_mem_handle_of(buffer->mem), data, 0, NULL, NULL);
    if (error == CL_INVALID_VALUE)
        return sni_fail(SINTER_INVALID_ARGUMENT, "what is to be unmapped is no mapping of this buffer");
    if (error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueUnmapMemObject");
    return sni_queue_finish(buffer->runtime->device);
}

/* ---- memory of the host's ---- */

size_t sinter_runtime_host_alignment(const sinter_runtime *runtime) {
    return runtime && runtime->caps->unified_memory ? runtime->caps->mem_align_bytes : 0;
}

sinter_status sinter_buffer_create_on_host(sinter_runtime *runtime, void *data, size_t size_bytes,
                                           sinter_buffer **out_buffer) {
    if (out_buffer) *out_buffer = NULL;
    if (!runtime || !data || !out_buffer)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime, the data or out_buffer is NULL");
    SNI_TRY_PROCESS();
    size_t align = sinter_runtime_host_alignment(runtime);
    if (!align)
        return sni_fail(
            SINTER_UNSUPPORTED,
            "'%s' has memory of its own and cannot use the host's without a copy: create a buffer and write "
            "to it",
            runtime->caps->name);
    if (!size_bytes || size_bytes > runtime->caps->max_alloc_bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a buffer on host memory has 1 to %llu bytes, not %zu",
                        (unsigned long long)runtime->caps->max_alloc_bytes, size_bytes);
    if ((uintptr_t)data % align)
        return sni_fail(SINTER_INVALID_ARGUMENT, "host memory of a buffer must be aligned to %zu bytes for '%s'", align,
                        runtime->caps->name);
    cl_int error = CL_SUCCESS;
    cl_mem handle =
        clCreateBuffer(runtime->device->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size_bytes, data, &error);
    if (!handle || error != CL_SUCCESS) return sni_cl_fail(error, "clCreateBuffer on host memory");
    sni_mem *mem = NULL;
    sinter_status status = sni_mem_wrap(runtime->pool, handle, &mem);
    clReleaseMemObject(handle); /* the wrapper retains it */
    return status == SINTER_OK ? sni_buffer_of(runtime, mem, out_buffer) : status;
}
