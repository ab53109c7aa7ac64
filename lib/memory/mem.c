/* Buffers, parts of buffers, and copies between host and device. */
#include "memory/mem.h"

#include "base/alloc.h"

sni_mem *sni_mem_retain(sni_mem *mem) {
    if (mem) __atomic_add_fetch(&mem->references, 1, __ATOMIC_RELAXED);
    return mem;
}

/* A table that finds a buffer which is just being released must not bring it back to life: from 0 no count goes up. */
bool sni_mem_try_retain(sni_mem *mem) {
    int count = __atomic_load_n(&mem->references, __ATOMIC_RELAXED);
    while (count > 0) {
        if (__atomic_compare_exchange_n(&mem->references, &count, count + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

void sni_mem_release(sni_mem *mem) {
    if (!mem || __atomic_sub_fetch(&mem->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (mem->on_last) mem->on_last(mem->on_last_context, mem);
    mem->on_last = NULL;
    if (!mem->parent) {
        sni_pool_give_back(mem);
        return;
    }
    sni_mem *parent = mem->parent;
    clReleaseMemObject(mem->base.handle);
    sni_free(mem);
    sni_mem_release(parent);
}

size_t sni_mem_size(const sni_mem *mem) {
    return mem->size_bytes;
}

uint64_t sni_mem_serial(const sni_mem *mem) {
    return mem ? mem->base.serial : 0;
}

static bool in_range(const sni_mem *mem, size_t offset, size_t size) {
    return offset <= mem->size_bytes && size <= mem->size_bytes - offset;
}

static sinter_status check_range(const sni_mem *mem, size_t offset, size_t size) {
    if (in_range(mem, offset, size)) return SINTER_OK;
    return sni_fail(SINTER_INVALID_ARGUMENT, "bytes %zu to %zu + %zu are outside of a buffer of %zu bytes", offset,
                    offset, size, mem->size_bytes);
}

/* A part of a part is a part of the whole: OpenCL allows no sub-buffer of a sub-buffer. */
sinter_status sni_mem_sub(sni_mem *mem, size_t offset_bytes, size_t size_bytes, sni_mem **out_mem) {
    *out_mem = NULL;
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    sni_mem *root = mem->parent ? mem->parent : mem;
    /* OpenCL has no empty buffer; one byte that nobody touches stands for it. */
    size_t origin = size_bytes ? mem->origin_bytes + offset_bytes : 0;
    uint32_t align = sni_pool_device(root->pool)->caps.mem_align_bytes;
    if (align && origin % align)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a part of a buffer begins at byte %zu, not at a multiple of %u",
                        origin, (unsigned)align);
    sni_mem *sub = sni_calloc(1, sizeof *sub);
    if (!sub) return sni_out_of_memory("a part of a device buffer");
    cl_buffer_region region = {origin, size_bytes ? size_bytes : 1};
    cl_int error = CL_SUCCESS;
    sub->base.handle =
        clCreateSubBuffer(root->base.handle, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    if (!sub->base.handle) {
        sni_free(sub);
        return sni_cl_fail(error, "clCreateSubBuffer");
    }
    sub->references = 1;
    sub->parent = sni_mem_retain(root);
    sub->origin_bytes = origin;
    sub->size_bytes = size_bytes;
    sub->capacity_bytes = region.size;
    *out_mem = sub;
    return SINTER_OK;
}

/* The caller's sub-buffer: where it lies, so that two parts of one buffer are known to overlap or not. */
static sinter_status find_whole(cl_mem handle, sni_mem *mem) {
    cl_int error = clGetMemObjectInfo(handle, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof mem->whole, &mem->whole, NULL);
    if (error == CL_SUCCESS && mem->whole)
        error = clGetMemObjectInfo(handle, CL_MEM_OFFSET, sizeof mem->origin_bytes, &mem->origin_bytes, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clGetMemObjectInfo");
}

/* The caller's cl_mem may be an image, or of another context, which is asked before it is used. */
static sinter_status check_wrapped(const sni_device *device, cl_mem handle, size_t *out_size) {
    cl_mem_object_type type = 0;
    cl_context context = NULL;
    cl_int error = clGetMemObjectInfo(handle, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (error == CL_SUCCESS) error = clGetMemObjectInfo(handle, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (error == CL_SUCCESS) error = clGetMemObjectInfo(handle, CL_MEM_SIZE, sizeof *out_size, out_size, NULL);
    if (error != CL_SUCCESS) {
        (void)sni_cl_fail(error, "clGetMemObjectInfo");
        return sni_fail_in(SINTER_INVALID_ARGUMENT, "the memory object to wrap");
    }
    if (type != CL_MEM_OBJECT_BUFFER)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the memory object to wrap is no buffer");
    if (context != device->context)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the memory object to wrap is of another context than the runtime's");
    return SINTER_OK;
}

sinter_status sni_mem_wrap(sni_pool *pool, cl_mem handle, sni_mem **out_mem) {
    *out_mem = NULL;
    size_t size = 0;
    SNI_TRY(check_wrapped(sni_pool_device(pool), handle, &size));
    sni_mem *mem = sni_calloc(1, sizeof *mem);
    if (!mem) return sni_out_of_memory("a wrapped buffer");
    sinter_status status = find_whole(handle, mem);
    cl_int error = status == SINTER_OK ? clRetainMemObject(handle) : CL_SUCCESS;
    if (error != CL_SUCCESS) status = sni_cl_fail(error, "clRetainMemObject");
    if (status != SINTER_OK) {
        sni_free(mem);
        return status;
    }
    mem->base.handle = handle;
    mem->references = 1;
    mem->pool = sni_pool_retain(pool);
    mem->size_bytes = mem->capacity_bytes = size;
    mem->bin = -1;
    *out_mem = mem;
    return SINTER_OK;
}

/* All commands of a runtime go through one queue, so copies and kernels run in the order in which they were asked for. */
static cl_command_queue queue_of(const sni_mem *mem) {
    const sni_mem *root = mem->parent ? mem->parent : mem;
    return sni_pool_device(root->pool)->queue;
}

static cl_command_queue handle_of(const sni_queue *queue, const sni_mem *mem) {
    return queue ? queue->handle : queue_of(mem);
}

sinter_status sni_mem_write(sni_mem *mem, size_t offset_bytes, const void *data, size_t size_bytes, bool blocking) {
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error =
        clEnqueueWriteBuffer(queue_of(mem), mem->base.handle, blocking, offset_bytes, size_bytes, data, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueWriteBuffer");
}

sinter_status sni_mem_read(const sni_mem *mem, size_t offset_bytes, void *data, size_t size_bytes, bool blocking) {
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error =
        clEnqueueReadBuffer(queue_of(mem), mem->base.handle, blocking, offset_bytes, size_bytes, data, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueReadBuffer");
}

sinter_status sni_mem_enqueue_write(const sni_queue *queue, sni_mem *mem, size_t offset_bytes, const void *data,
                                    size_t size_bytes) {
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error = clEnqueueWriteBuffer(handle_of(queue, mem), mem->base.handle, CL_FALSE, offset_bytes, size_bytes,
                                        data, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueWriteBuffer");
}

sinter_status sni_mem_enqueue_read(const sni_queue *queue, const sni_mem *mem, size_t offset_bytes, void *data,
                                   size_t size_bytes) {
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error = clEnqueueReadBuffer(handle_of(queue, mem), mem->base.handle, CL_FALSE, offset_bytes, size_bytes,
                                       data, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueReadBuffer");
}

sinter_status sni_mem_fill(sni_mem *mem, uint8_t byte) {
    if (!mem->size_bytes) return SINTER_OK;
    cl_int error = clEnqueueFillBuffer(queue_of(mem), mem->base.handle, &byte, 1, 0, mem->size_bytes, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueFillBuffer");
}

/* An empty range is no command: OpenCL refuses one. */
sinter_status sni_mem_fill_range(const sni_queue *queue, sni_mem *mem, size_t offset_bytes, size_t size_bytes,
                                 const void *pattern, size_t pattern_bytes) {
    SNI_TRY(check_range(mem, offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error = clEnqueueFillBuffer(handle_of(queue, mem), mem->base.handle, pattern, pattern_bytes, offset_bytes,
                                       size_bytes, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueFillBuffer");
}

sinter_status sni_mem_copy(const sni_queue *queue, const sni_mem *from, size_t from_offset_bytes, sni_mem *to,
                           size_t to_offset_bytes, size_t size_bytes) {
    SNI_TRY(check_range(from, from_offset_bytes, size_bytes));
    SNI_TRY(check_range(to, to_offset_bytes, size_bytes));
    if (!size_bytes) return SINTER_OK;
    cl_int error = clEnqueueCopyBuffer(handle_of(queue, to), from->base.handle, to->base.handle, from_offset_bytes,
                                       to_offset_bytes, size_bytes, 0, NULL, NULL);
    return error == CL_SUCCESS ? SINTER_OK : sni_cl_fail(error, "clEnqueueCopyBuffer");
}

static cl_mem whole_of(const sni_mem *mem) {
    if (mem->parent) return mem->parent->base.handle;
    return mem->whole ? mem->whole : mem->base.handle;
}

/* Buffers of two objects never overlap; two parts of one do where their ranges meet. */
bool sni_mem_overlap(const sni_mem *a, size_t a_offset, size_t a_bytes, const sni_mem *b, size_t b_offset,
                     size_t b_bytes) {
    if (!a_bytes || !b_bytes || whole_of(a) != whole_of(b)) return false;
    a_offset += a->origin_bytes;
    b_offset += b->origin_bytes;
    return a_offset < b_offset + b_bytes && b_offset < a_offset + a_bytes;
}
