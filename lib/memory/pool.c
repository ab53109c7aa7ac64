/* The buffer pool: buffers that were given back wait in size-class bins for the next request. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "memory/mem.h"

/* Eight classes between two powers of two from 64 KiB on, so that rounding wastes an eighth at
 * most; below that four, where few bytes are at stake and more reuse is worth more. */
enum { SMALLEST_SHIFT = 8, FINE_SHIFT = 16, CLASSES_PER_POWER = 8, BIN_COUNT = 64 * CLASSES_PER_POWER };

struct sni_pool {
    int references; /* atomic: the owner, and one for every buffer in use */
    sni_device *device;
    sni_mutex mutex;
    uint64_t max_idle_bytes;
    uint64_t recent_peak; /* of the bytes in use; sinks slowly towards what is in use now */
    sni_pool_stats stats;
    sni_mem *bins[BIN_COUNT];
    sni_mem *oldest, *newest; /* of the idle ones */
    int fail_next;
    bool poison;
};

size_t sni_pool_round(size_t size_bytes, int *out_bin) {
    size_t smallest = (size_t)1 << SMALLEST_SHIFT;
    *out_bin = SMALLEST_SHIFT * CLASSES_PER_POWER - 1;
    if (size_bytes <= smallest) return smallest;
    /* 2^shift < size_bytes <= 2^(shift + 1) */
    int shift = 63 - __builtin_clzll((unsigned long long)size_bytes - 1);
    int step_shift = shift - (shift >= FINE_SHIFT ? 3 : 2);
    size_t step = (size_t)1 << step_shift;
    size_t steps = (size_bytes - 1) / step + 1;
    *out_bin = shift * CLASSES_PER_POWER + (int)(steps - ((size_t)1 << (shift - step_shift))) - 1;
    return steps > SIZE_MAX / step ? size_bytes : steps * step;
}

sinter_status sni_pool_create(sni_device *device, uint64_t max_idle_bytes, sni_pool **out_pool) {
    *out_pool = NULL;
    sni_pool *pool = sni_calloc(1, sizeof *pool);
    if (!pool) return sni_out_of_memory("a buffer pool");
    pool->references = 1;
    pool->device = sni_device_retain(device);
    pool->max_idle_bytes = max_idle_bytes ? max_idle_bytes : device->caps.global_bytes / 4;
    sni_mutex_init(&pool->mutex);
    *out_pool = pool;
    return SINTER_OK;
}

sni_pool *sni_pool_retain(sni_pool *pool) {
    __atomic_add_fetch(&pool->references, 1, __ATOMIC_RELAXED);
    return pool;
}

static void pool_drop(sni_pool *pool) {
    if (__atomic_sub_fetch(&pool->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_pool_trim(pool, 0);
    sni_device_release(pool->device);
    sni_mutex_deinit(&pool->mutex);
    sni_free(pool);
}

void sni_pool_release(sni_pool *pool) {
    if (!pool) return;
    /* Buffers that are still in use go straight to the driver when they come back. */
    sni_mutex_lock(&pool->mutex);
    pool->max_idle_bytes = 0;
    sni_mutex_unlock(&pool->mutex);
    sni_pool_trim(pool, 0);
    pool_drop(pool);
}

sni_device *sni_pool_device(const sni_pool *pool) {
    return pool->device;
}

void sni_pool_get_stats(sni_pool *pool, sni_pool_stats *out_stats) {
    sni_mutex_lock(&pool->mutex);
    *out_stats = pool->stats;
    sni_mutex_unlock(&pool->mutex);
}

void sni_pool_fail_next(sni_pool *pool, int count) {
    sni_mutex_lock(&pool->mutex);
    pool->fail_next = count;
    sni_mutex_unlock(&pool->mutex);
}

/* The functions from here to idle_pop_oldest are called with the mutex held. */

static void idle_push(sni_pool *pool, sni_mem *mem) {
    mem->older = pool->newest;
    mem->newer = NULL;
    if (pool->newest)
        pool->newest->newer = mem;
    else
        pool->oldest = mem;
    pool->newest = mem;
    mem->bin_prev = NULL;
    mem->bin_next = pool->bins[mem->bin];
    if (mem->bin_next) mem->bin_next->bin_prev = mem;
    pool->bins[mem->bin] = mem;
    pool->stats.bytes_idle += mem->capacity_bytes;
}

static void idle_remove(sni_pool *pool, sni_mem *mem) {
    *(mem->older ? &mem->older->newer : &pool->oldest) = mem->newer;
    *(mem->newer ? &mem->newer->older : &pool->newest) = mem->older;
    *(mem->bin_prev ? &mem->bin_prev->bin_next : &pool->bins[mem->bin]) = mem->bin_next;
    if (mem->bin_next) mem->bin_next->bin_prev = mem->bin_prev;
    mem->older = mem->newer = mem->bin_next = mem->bin_prev = NULL;
    pool->stats.bytes_idle -= mem->capacity_bytes;
}

/* Takes the longest idle buffers out until at most keep_bytes are idle; a list by bin_next. */
static sni_mem *idle_take(sni_pool *pool, uint64_t keep_bytes) {
    sni_mem *taken = NULL;
    while (pool->oldest && pool->stats.bytes_idle > keep_bytes) {
        sni_mem *mem = pool->oldest;
        idle_remove(pool, mem);
        mem->bin_next = taken;
        taken = mem;
    }
    return taken;
}

static void count_in_use(sni_pool *pool, const sni_mem *mem) {
    pool->stats.bytes_in_use += mem->capacity_bytes;
    if (pool->stats.bytes_in_use > pool->stats.bytes_peak) pool->stats.bytes_peak = pool->stats.bytes_in_use;
    if (pool->stats.bytes_in_use > pool->recent_peak) pool->recent_peak = pool->stats.bytes_in_use;
}

/* How many idle bytes are worth keeping now. The peak sinks by a 4096th of its distance with each buffer that comes
 * back: a service that runs in waves keeps its memory, one that has changed gives it back in the end. */
static uint64_t idle_limit(sni_pool *pool) {
    uint64_t used = pool->stats.bytes_in_use;
    pool->recent_peak -= (pool->recent_peak - used) / 4096;
    uint64_t limit = pool->recent_peak + pool->recent_peak / 8 - used;
    if (limit < SNI_POOL_ALWAYS_IDLE) limit = SNI_POOL_ALWAYS_IDLE;
    return limit < pool->max_idle_bytes ? limit : pool->max_idle_bytes;
}

/* The driver is called without the mutex: it may take long. */
static void free_list(sni_mem *list) {
    while (list) {
        sni_mem *next = list->bin_next;
        clReleaseMemObject(list->base.handle);
        sni_free(list);
        list = next;
    }
}

void sni_pool_trim(sni_pool *pool, uint64_t keep_bytes) {
    sni_mutex_lock(&pool->mutex);
    sni_mem *taken = idle_take(pool, keep_bytes);
    sni_mutex_unlock(&pool->mutex);
    free_list(taken);
}

/* The smallest idle buffer that holds capacity bytes and at most a quarter more. */
static sni_mem *find_idle(const sni_pool *pool, int bin, size_t capacity) {
    size_t most = capacity > SIZE_MAX - capacity / 4 ? SIZE_MAX : capacity + capacity / 4;
    for (int b = bin; b < BIN_COUNT && b <= bin + CLASSES_PER_POWER; ++b) {
        /* Near the device's largest buffer a class is not rounded up and its sizes differ. */
        for (sni_mem *mem = pool->bins[b]; mem; mem = mem->bin_next)
            if (mem->capacity_bytes >= capacity && mem->capacity_bytes <= most) return mem;
    }
    return NULL;
}

static sni_mem *take_idle(sni_pool *pool, int bin, size_t capacity) {
    sni_mutex_lock(&pool->mutex);
    sni_mem *mem = find_idle(pool, bin, capacity);
    if (mem) {
        idle_remove(pool, mem);
        count_in_use(pool, mem);
    }
    sni_mutex_unlock(&pool->mutex);
    return mem;
}

static bool is_out_of_memory(cl_int error) {
    return error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_RESOURCES || error == CL_OUT_OF_HOST_MEMORY;
}

static bool injected_failure(sni_pool *pool) {
    sni_mutex_lock(&pool->mutex);
    bool fail = pool->fail_next > 0;
    if (fail) --pool->fail_next;
    sni_mutex_unlock(&pool->mutex);
    return fail;
}

static cl_mem driver_create(sni_pool *pool, size_t capacity, cl_int *out_error) {
    *out_error = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    if (injected_failure(pool)) return NULL;
    /* Some drivers find out only at a buffer's first use that the device is full; then that command fails.
     * (Migrating the buffer at once would tell, but crashes NVIDIA's driver 580 a little later.) */
    return clCreateBuffer(pool->device->context, CL_MEM_READ_WRITE, capacity, NULL, out_error);
}

static cl_mem create_or_retry(sni_pool *pool, size_t capacity, cl_int *out_error) {
    cl_mem handle = driver_create(pool, capacity, out_error);
    if (handle || !is_out_of_memory(*out_error)) return handle;
    sni_log(SNI_LOG_INFO, "the device has no room for %zu bytes; idle memory is freed", capacity);
    sni_pool_trim(pool, 0);
    /* A released buffer is gone only when the commands that use it are. */
    clFinish(pool->device->queue);
    return driver_create(pool, capacity, out_error);
}

static uint64_t next_serial(void) {
    static uint64_t last; /* atomic */
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static sinter_status acquire_new(sni_pool *pool, size_t size_bytes, size_t capacity, int bin, sni_mem **out_mem) {
    sni_mem *mem = sni_calloc(1, sizeof *mem);
    if (!mem) return sni_out_of_memory("a device buffer");
    cl_int error;
    mem->base.handle = create_or_retry(pool, capacity, &error);
    if (!mem->base.handle) {
        sni_free(mem);
        sinter_status status = sni_cl_fail(error, "clCreateBuffer");
        /* The host's memory is the device's on a CPU, so both count as the device's here. */
        if (is_out_of_memory(error)) status = SINTER_OUT_OF_DEVICE_MEMORY;
        return sni_fail_in(status, "a buffer of %zu bytes on '%s'", size_bytes, pool->device->caps.name);
    }
    mem->capacity_bytes = capacity;
    mem->bin = bin;
    sni_mutex_lock(&pool->mutex);
    ++pool->stats.allocations;
    mem->base.serial = next_serial();
    count_in_use(pool, mem);
    sni_mutex_unlock(&pool->mutex);
    *out_mem = mem;
    return SINTER_OK;
}

sinter_status sni_mem_acquire(sni_pool *pool, size_t size_bytes, sni_mem **out_mem) {
    *out_mem = NULL;
    uint64_t most = pool->device->caps.max_alloc_bytes;
    if (size_bytes > most)
        return sni_fail(SINTER_OUT_OF_DEVICE_MEMORY, "a buffer of %zu bytes is more than '%s' allows (%llu)",
                        size_bytes, pool->device->caps.name, (unsigned long long)most);
    int bin;
    size_t capacity = sni_pool_round(size_bytes, &bin);
    if (capacity > most) capacity = size_bytes ? size_bytes : 1;
    sni_mem *mem = take_idle(pool, bin, capacity);
    if (!mem) SNI_TRY(acquire_new(pool, size_bytes, capacity, bin, &mem));
    mem->references = 1;
    mem->pool = sni_pool_retain(pool);
    mem->size_bytes = pool->poison ? mem->capacity_bytes : size_bytes;
    sinter_status status = pool->poison ? sni_mem_fill(mem, 0xff) : SINTER_OK;
    if (pool->poison && status == SINTER_OK) status = sni_queue_finish(pool->device); /* other queues may use it */
    mem->size_bytes = size_bytes;
    if (status != SINTER_OK) {
        sni_mem_release(mem);
        return status;
    }
    *out_mem = mem;
    return SINTER_OK;
}

void sni_pool_poison(sni_pool *pool) {
    pool->poison = true;
}

void sni_pool_give_back(sni_mem *mem) {
    sni_pool *pool = mem->pool;
    mem->pool = NULL;
    sni_mem *taken = NULL;
    if (mem->bin < 0) {
        mem->bin_next = NULL;
        taken = mem;
    } else {
        sni_mutex_lock(&pool->mutex);
        pool->stats.bytes_in_use -= mem->capacity_bytes;
        idle_push(pool, mem);
        taken = idle_take(pool, idle_limit(pool));
        sni_mutex_unlock(&pool->mutex);
    }
    free_list(taken);
    pool_drop(pool);
}
