/* Device memory: a pool of buffers, sub-buffers, copies. No OpenCL types here. */
#ifndef SNI_MEMORY_BUFFER_H
#define SNI_MEMORY_BUFFER_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sni_device sni_device;

/* Commands of a device that run in the order in which they were enqueued. Where a pointer to one may be NULL it stands for
 * the device's own. */
typedef struct sni_queue sni_queue;

/* One buffer or sub-buffer. Counted. */
typedef struct sni_mem sni_mem;
typedef struct sni_pool sni_pool;

typedef struct sni_pool_stats {
    uint64_t bytes_in_use, bytes_idle, bytes_peak;
    uint64_t allocations; /* that reached the driver */
} sni_pool_stats;

/* max_idle_bytes 0: a quarter of the device's memory. Shared by threads.
 *
 * Besides that cap, idle memory is kept only while it and what is in use are at most an eighth more than was in use at
 * the recent peak (SNI_POOL_ALWAYS_IDLE bytes are always kept): requests whose sizes change all the time would
 * otherwise leave one idle buffer for each size. */
sinter_status sni_pool_create(sni_device *device, uint64_t max_idle_bytes, sni_pool **out_pool);
void sni_pool_release(sni_pool *pool);
void sni_pool_get_stats(sni_pool *pool, sni_pool_stats *out_stats);
void sni_pool_trim(sni_pool *pool, uint64_t keep_bytes);

/* A buffer of at least size_bytes (0 counts as 1): an idle one of at most a quarter more, or from the driver; when the
 * device is out of memory idle buffers are freed and it is tried once more. Goes back to the pool at the last release. */
sinter_status sni_mem_acquire(sni_pool *pool, size_t size_bytes, sni_mem **out_mem);
/* A part of mem, which is retained; offset_bytes must be a multiple of the device's mem_align_bytes. */
sinter_status sni_mem_sub(sni_mem *mem, size_t offset_bytes, size_t size_bytes, sni_mem **out_mem);
sni_mem *sni_mem_retain(sni_mem *mem);
void sni_mem_release(sni_mem *mem);
size_t sni_mem_size(const sni_mem *mem); /* as asked for */
/* A number of the driver's object behind mem that no other one of the process ever has; 0 for NULL. */
uint64_t sni_mem_serial(const sni_mem *mem);

/* On the device's in-order queue. blocking: waits. Otherwise data must live until the queue is finished. */
sinter_status sni_mem_write(sni_mem *mem, size_t offset_bytes, const void *data, size_t size_bytes, bool blocking);
sinter_status sni_mem_read(const sni_mem *mem, size_t offset_bytes, void *data, size_t size_bytes, bool blocking);
sinter_status sni_mem_fill(sni_mem *mem, uint8_t byte);
/* The same on any queue, without waiting: data must live until the command is over. queue may be NULL. */
sinter_status sni_mem_enqueue_write(const sni_queue *queue, sni_mem *mem, size_t offset_bytes, const void *data,
                                    size_t size_bytes);
sinter_status sni_mem_enqueue_read(const sni_queue *queue, const sni_mem *mem, size_t offset_bytes, void *data,
                                   size_t size_bytes);
/* The range filled with a pattern of 1, 2, 4, 8 or 16 bytes; offset and size are multiples of its size. queue may be NULL. */
sinter_status sni_mem_fill_range(const sni_queue *queue, sni_mem *mem, size_t offset_bytes, size_t size_bytes,
                                 const void *pattern, size_t pattern_bytes);
/* From one buffer into another. The ranges must not overlap. queue may be NULL. */
sinter_status sni_mem_copy(const sni_queue *queue, const sni_mem *from, size_t from_offset_bytes, sni_mem *to,
                           size_t to_offset_bytes, size_t size_bytes);
/* Do two ranges of bytes share memory, whoever made the buffers? */
bool sni_mem_overlap(const sni_mem *a, size_t a_offset, size_t a_bytes, const sni_mem *b, size_t b_offset,
                     size_t b_bytes);
/* Waits for everything enqueued on the device's queue. */
sinter_status sni_queue_finish(sni_device *device);
sinter_status sni_queue_flush(sni_device *device);
/* A marker behind everything enqueued so far; wait releases it. */
sinter_status sni_queue_marker(sni_device *device, void **out_event);
sinter_status sni_queue_wait(void *event);

/* Another queue of the device, which it retains. Close waits for what is on it. */
sinter_status sni_queue_open(sni_device *device, sni_queue **out_queue);
/* The device's own queue as an object. */
sinter_status sni_queue_main(sni_device *device, sni_queue **out_queue);
void sni_queue_close(sni_queue *queue);
/* Waits for everything that was enqueued on it. */
sinter_status sni_queue_drain(const sni_queue *queue);
/* A marker behind everything enqueued so far, which is handed to the driver now. */
sinter_status sni_queue_mark(const sni_queue *queue, void **out_marker);
/* What is enqueued from now on begins when these markers, of any queues of the device, are reached. */
sinter_status sni_queue_await(const sni_queue *queue, void *const *markers, size_t count);
/* What is enqueued on the second from now on begins when the first has done what it was given so far. NULL: the device's
 * own of the other. */
sinter_status sni_queue_join(const sni_queue *first, const sni_queue *second);

/* Markers are counted. */
void *sni_marker_retain(void *marker);
void sni_marker_release(void *marker);
/* Waits; fails as the work before it failed. */
sinter_status sni_marker_wait(void *marker);
bool sni_marker_reached(void *marker);
/* The same, and whether the work before it failed. */
bool sni_marker_ended(void *marker, bool *out_failed);
/* Hands what is in front of it to the device. */
void sni_marker_flush(void *marker);

#endif
