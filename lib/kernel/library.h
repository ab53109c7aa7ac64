/* Functions of other libraries that do a kernel's work: a plan's step may call one in place of a launch. */
#ifndef SNI_KERNEL_LIBRARY_H
#define SNI_KERNEL_LIBRARY_H

#include "kernel/kernel.h"

/* One argument of a call, in the order that the strategy gave them: memory, or a number. */
typedef struct sni_library_arg {
    const sni_mem *mem;       /* NULL: a number */
    uint64_t offset_elements; /* where the value begins in mem */
    int64_t number;
} sni_library_arg;

/* A function that enqueues its work on the device's queue and returns; the memory lives until the run is over. It may be
 * called by several threads at once. It must not wait for the queue. Lives as long as the program (a static table). */
typedef struct sni_library sni_library;
struct sni_library {
    const char *name; /* "clblast gemm f32" */
    sinter_status (*enqueue)(const sni_library *library, sni_device *device, const sni_library_arg *args, int count);
    const void *context; /* the function's own */
};

#endif
