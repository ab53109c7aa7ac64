/* The memory that the library takes from the host, given by the program. */
#ifndef SINTER_ALLOCATOR_H
#define SINTER_ALLOCATOR_H

#include <stddef.h>

#include <sinter/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called by any thread, several at once, and from no lock of the caller's. Blocks are aligned as malloc aligns them; bytes is
 * never 0. NULL means that memory is out: the call that needed it returns OUT_OF_MEMORY. */
typedef struct sinter_allocator {
    size_t size_bytes; /* set by SINTER_ALLOCATOR_INIT; what a later version adds behind is then known to be missing */
    void *(*allocate)(void *context, size_t bytes);
    /* As realloc; memory may be NULL. When it returns NULL the old block stays. */
    void *(*reallocate)(void *context, void *memory, size_t bytes);
    void (*release)(void *context, void *memory); /* memory is never NULL */
    void *context; /* handed to all three; must live as long as the process uses the library */
} sinter_allocator;

#define SINTER_ALLOCATOR_INIT                                                                                          \
    { sizeof(sinter_allocator), NULL, NULL, NULL, NULL }

/* From now on libsinter takes all of its host memory from allocator, whose struct is copied; what the OpenCL driver, the C library's
 * own functions and protobuf-c take is theirs. Text that is freed with sinter_free comes from it, too. Before
 * any other call, failed ones too (their text is memory), on one thread: INVALID_ARGUMENT once memory was taken, or when size_bytes or a function is missing. */
SINTER_API SINTER_MUST_USE sinter_status sinter_allocator_set(const sinter_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
