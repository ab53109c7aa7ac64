/* The caller's device buffers. */
#include <sinter/opencl.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "memory/mem.h"
#include "runtime/async.h"
#include "runtime/runtime.h"

sinter_status sni_buffer_of(sinter_runtime *runtime, sni_mem *mem, sinter_buffer **out_buffer) {
    sinter_buffer *buffer = sni_calloc(1, sizeof *buffer);
    if (!buffer) {
        sni_mem_release(mem);
        return sni_out_of_memory("a buffer");
    }
    buffer->references = 1;
    buffer->runtime = sni_runtime_retain(runtime);
    buffer->mem = mem;
    buffer->size_bytes = sni_mem_size(mem);
    *out_buffer = buffer;
    return SINTER_OK;
}

sinter_status sinter_buffer_create(sinter_runtime *runtime, size_t size_bytes, sinter_buffer **out_buffer) {
    if (out_buffer) *out_buffer = NULL;
    if (!runtime || !out_buffer) return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime or out_buffer is NULL");
    SNI_TRY_PROCESS();
    sni_mem *mem = NULL;
    SNI_TRY(sni_mem_acquire(runtime->pool, size_bytes, &mem));
    return sni_buffer_of(runtime, mem, out_buffer);
}

sinter_status sinter_buffer_wrap(sinter_runtime *runtime, cl_mem memory, sinter_buffer **out_buffer) {
    if (out_buffer) *out_buffer = NULL;
    if (!runtime || !memory || !out_buffer)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime, the memory or out_buffer is NULL");
    SNI_TRY_PROCESS();
    sni_mem *mem = NULL;
    SNI_TRY(sni_mem_wrap(runtime->pool, memory, &mem));
    return sni_buffer_of(runtime, mem, out_buffer);
}

void sni_buffer_retain(sinter_buffer *buffer) {
    if (buffer) __atomic_add_fetch(&buffer->references, 1, __ATOMIC_RELAXED);
}

void sinter_buffer_release(sinter_buffer *buffer) {
    if (!buffer || sni_forked() || __atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_mem_release(buffer->mem);
    sinter_runtime_release(buffer->runtime);
    sni_free(buffer);
}

size_t sinter_buffer_size(const sinter_buffer *buffer) {
    return buffer ? buffer->size_bytes : 0;
}

cl_mem sinter_buffer_cl_mem(const sinter_buffer *buffer) {
    return buffer ? sni_mem_handle_of(buffer->mem) : NULL;
}

sinter_status sinter_buffer_write(sinter_buffer *buffer, size_t offset_bytes, const void *data, size_t size_bytes) {
    if (!buffer || (size_bytes && !data))
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer or the data to write is NULL");
    SNI_TRY_PROCESS();
    sni_async_catch_up(buffer->runtime->queue);
    return sni_mem_write(buffer->mem, offset_bytes, data, size_bytes, true);
}

sinter_status sinter_buffer_read(const sinter_buffer *buffer, size_t offset_bytes, void *data, size_t size_bytes) {
    if (!buffer || (size_bytes && !data))
        return sni_fail(SINTER_INVALID_ARGUMENT, "the buffer or the place to read to is NULL");
    SNI_TRY_PROCESS();
    sni_async_catch_up(buffer->runtime->queue);
    return sni_mem_read(buffer->mem, offset_bytes, data, size_bytes, true);
}
