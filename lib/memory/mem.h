/* What a device buffer is, for the modules that may see OpenCL. */
#ifndef SNI_MEMORY_MEM_H
#define SNI_MEMORY_MEM_H

#include "device/device.h"
#include "kernel/handle.h"
#include "memory/buffer.h"

/* One cl_mem. A buffer of the pool stays this same object while it is idle, so giving it back
 * needs no memory and cannot fail. */
struct sni_mem {
    struct sni_mem_handle base; /* first: lib/kernel relies on it */
    int references;             /* atomic; 0 while idle */
    sni_pool *pool;             /* counted while in use */
    sni_mem *parent;            /* of a sub-buffer: the whole buffer, counted */
    size_t origin_bytes;        /* of a part: where in the whole buffer it begins */
    cl_mem whole;               /* of a wrapped sub-buffer: the caller's whole buffer, not counted; else NULL */
    size_t size_bytes;          /* as asked for */
    size_t capacity_bytes;      /* what the driver gave */
    int bin;                    /* size class; -1: never idle (wrapped) */
    /* Called at the last release, before the buffer goes back; NULL: nothing. The table that shares
     * constants learns here that nobody uses one any more. */
    void (*on_last)(void *context, sni_mem *mem);
    void *on_last_context;
    sni_mem *older, *newer; /* idle: all buffers, by when they became idle */
    sni_mem *bin_next, *bin_prev;
};

/* The caller's cl_mem, a buffer of the device's context; it is retained. INVALID_ARGUMENT when it
 * is of another context or no buffer. It does not count in the pool's statistics. */
sinter_status sni_mem_wrap(sni_pool *pool, cl_mem handle, sni_mem **out_mem);
sni_device *sni_pool_device(const sni_pool *pool);

/* Idle bytes that the pool keeps however little is in use. */
#define SNI_POOL_ALWAYS_IDLE ((uint64_t)4 << 20)

/* Bytes that the pool asks the driver for when size_bytes are wanted, and the bin they are in.
 * More than 64 KiB grow by at most an eighth. */
size_t sni_pool_round(size_t size_bytes, int *out_bin);
/* Pool-internal: the last reference of a pool's or wrapped buffer is gone; counts the pool down. */
void sni_pool_give_back(sni_mem *mem);
sni_pool *sni_pool_retain(sni_pool *pool);

/* Counts one more user unless the last one has gone already. */
bool sni_mem_try_retain(sni_mem *mem);

/* Tests: the next count requests to the driver fail as if the device were out of memory. */
void sni_pool_fail_next(sni_pool *pool, int count);
/* For tests, before other threads use the pool: every buffer comes filled with 0xff, which is NaN as a float, so that reading
 * what was never written shows. */
void sni_pool_poison(sni_pool *pool);

#endif
