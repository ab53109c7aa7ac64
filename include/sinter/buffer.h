/* Buffers: copies, fills, transfers that go on while the program does, mapping, and memory of the host's. */
#ifndef SINTER_BUFFER_H
#define SINTER_BUFFER_H

#include <sinter/event.h>
#include <sinter/queue.h>
#include <sinter/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In all of these a range outside of its buffer, a NULL that is not allowed and buffers of two runtimes are INVALID_ARGUMENT,
 * at once; what the device reports later is told by the event. A range may be empty. Buffers may be released while work on
 * them is in flight. options and out_event may be NULL, as in sinter_plan_enqueue. */

/* Copies size_bytes bytes from data, which must stay as it is until the event is over. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_write_async(sinter_buffer *buffer, size_t offset_bytes,
                                                                   const void *data, size_t size_bytes,
                                                                   const sinter_async_options *options,
                                                                   sinter_event **out_event);
/* Copies size_bytes bytes to data, which must not be touched until the event is over. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_read_async(const sinter_buffer *buffer, size_t offset_bytes,
                                                                  void *data, size_t size_bytes,
                                                                  const sinter_async_options *options,
                                                                  sinter_event **out_event);
/* From one buffer of a runtime into another, or another part of the same one: overlapping ranges are INVALID_ARGUMENT. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_copy_async(const sinter_buffer *from, size_t from_offset_bytes,
                                                                  sinter_buffer *to, size_t to_offset_bytes,
                                                                  size_t size_bytes,
                                                                  const sinter_async_options *options,
                                                                  sinter_event **out_event);
/* Repeats a pattern of 1, 2, 4, 8 or 16 bytes, which is read during the call; offset and size are multiples of its size. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_fill_async(sinter_buffer *buffer, size_t offset_bytes,
                                                                  size_t size_bytes, const void *pattern,
                                                                  size_t pattern_bytes,
                                                                  const sinter_async_options *options,
                                                                  sinter_event **out_event);
/* The same on the runtime's own queue, and waited for. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_copy(const sinter_buffer *from, size_t from_offset_bytes,
                                                            sinter_buffer *to, size_t to_offset_bytes,
                                                            size_t size_bytes);
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_fill(sinter_buffer *buffer, size_t offset_bytes,
                                                            size_t size_bytes, const void *pattern,
                                                            size_t pattern_bytes);

typedef enum sinter_map_access {
    SINTER_MAP_READ = 1,      /* the host reads what the device wrote */
    SINTER_MAP_WRITE = 2,     /* the host overwrites all of the range; what it held is not there */
    SINTER_MAP_READ_WRITE = 3 /* both */
} sinter_map_access;

/* Makes size_bytes (1 or more) bytes of a buffer memory of the host's, after what the runtime's own queue has been given so
 * far; where the device shares the host's memory nothing is copied. Until sinter_buffer_unmap nothing may use the range on
 * the device, but reading it where it is mapped for reading only. Ranges that are mapped at the same time must not overlap
 * when one of them is written. Both wait. *out_data is NULL after a failure. DEVICE, OUT_OF_DEVICE_MEMORY. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_map(sinter_buffer *buffer, size_t offset_bytes,
                                                           size_t size_bytes, sinter_map_access access,
                                                           void **out_data);
/* data is what sinter_buffer_map gave; each of its results is given up once. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_unmap(sinter_buffer *buffer, void *data);

/* Bytes that host memory must be aligned to for sinter_buffer_create_on_host; 0 where the device has memory of its own. */
SINTER_API size_t sinter_runtime_host_alignment(const sinter_runtime *runtime);
/* A buffer that is the caller's memory, without a copy: size_bytes (1 or more) bytes at data, which must stay until the
 * buffer is released and what uses it is over. While the device may use it the host leaves it alone; after that the host
 * maps it to read what the device wrote (which copies nothing), and to write what the device will read. UNSUPPORTED: the device has
 * memory of its own; use a buffer and sinter_buffer_write_async. INVALID_ARGUMENT: data is not aligned. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_create_on_host(sinter_runtime *runtime, void *data,
                                                                      size_t size_bytes, sinter_buffer **out_buffer);

#ifdef __cplusplus
}
#endif
#endif
