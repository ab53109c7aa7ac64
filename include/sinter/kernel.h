/* Hand-written OpenCL C kernels through the library's compile, cache and launch machinery. */
#ifndef SINTER_KERNEL_H
#define SINTER_KERNEL_H

#include <sinter/event.h>
#include <sinter/queue.h>
#include <sinter/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A built kernel. Shared by threads: every launch uses its own cl_kernel. */
typedef struct sinter_kernel sinter_kernel;

typedef struct sinter_kernel_source {
    /* OpenCL C. It may #include "common/math.cl", which is part of the library and needs no macro: functions
     * sn_<name>_<type> (sn_exp_float4) of float, int, long and, where the device has it, double, scalars and vectors of 2,
     * 4, 8 and 16, and loads and stores by dtype (sn_load_bf16). `sinter ops --kernel-functions` lists them. Read during
     * the call only. */
    const char *text;
    /* Name of the __kernel function. */
    const char *entry;
    /* Build options such as "-DTILE=16 -cl-mad-enable"; NULL for none. */
    const char *options;
    /* What error messages and #line call the source; NULL: "kernel". */
    const char *file;
} sinter_kernel_source;

/* Builds (or loads from the cache) one kernel; the caller releases it. What the compiler warns of goes to the log (level
 * warning, sinter_log_set or SINTER_LOG) when the kernel is built and not loaded. BUILD: the source does
 * not compile, and sinter_last_error holds the log and the numbered source. INVALID_ARGUMENT:
 * a NULL field, an unknown include, no such entry. UNSUPPORTED: an argument that is an image, a sampler, a pipe or an
 * event. */
SINTER_API SINTER_MUST_USE sinter_status sinter_kernel_create(sinter_runtime *runtime,
                                                              const sinter_kernel_source *source,
                                                              sinter_kernel **out_kernel);
SINTER_API void sinter_kernel_release(sinter_kernel *kernel);

typedef enum sinter_arg_kind {
    SINTER_ARG_BUFFER, /* __global T * */
    SINTER_ARG_SCALAR, /* passed by value, a struct too; size_bytes is checked against the kernel's */
    SINTER_ARG_LOCAL   /* __local T *, size_bytes of local memory */
} sinter_arg_kind;

typedef struct sinter_arg {
    sinter_arg_kind kind;
    sinter_buffer *buffer; /* SINTER_ARG_BUFFER; of the same runtime */
    const void *value;     /* SINTER_ARG_SCALAR: read during the call */
    size_t size_bytes;     /* SINTER_ARG_SCALAR, SINTER_ARG_LOCAL */
} sinter_arg;

#define SINTER_BUFFER(b)                                                                                               \
    { SINTER_ARG_BUFFER, (b), NULL, 0 }
#define SINTER_SCALAR_OF(v)                                                                                            \
    { SINTER_ARG_SCALAR, NULL, &(v), sizeof(v) }
#define SINTER_LOCAL_BYTES(n)                                                                                          \
    { SINTER_ARG_LOCAL, NULL, NULL, (n) }

typedef struct sinter_grid {
    int dims;         /* 1 to 3 */
    size_t global[3]; /* work-items; 0 launches nothing */
    size_t local[3];  /* work-group; all 0: the driver chooses */
} sinter_grid;

/* Checks the arguments against the kernel's, enqueues it and waits for it. INVALID_ARGUMENT: a
 * wrong number, kind or size of argument, too large a work-group or too much local memory, with
 * the argument's index and what the kernel wants. */
SINTER_API SINTER_MUST_USE sinter_status sinter_kernel_launch(sinter_kernel *kernel, const sinter_grid *grid,
                                                              const sinter_arg *args, size_t count);
/* The same without waiting, where and when options say (NULL: on the runtime's own queue). What is wrong with the arguments
 * is said at once; args, the values in it and grid may be gone when it returns, and buffers and the kernel may be released.
 * out_event may be NULL: nobody waits for this launch alone. Any number of threads may launch one kernel at once. */
SINTER_API SINTER_MUST_USE sinter_status sinter_kernel_launch_async(sinter_kernel *kernel, const sinter_grid *grid,
                                                                    const sinter_arg *args, size_t count,
                                                                    const sinter_async_options *options,
                                                                    sinter_event **out_event);

#ifdef __cplusplus
}
#endif
#endif
