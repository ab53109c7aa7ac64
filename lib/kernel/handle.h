/* What lib/kernel needs to know of a device buffer. lib/memory stands above lib/kernel, so the
 * agreement is this: struct sni_mem begins with a struct sni_mem_handle. */
#ifndef SNI_KERNEL_HANDLE_H
#define SNI_KERNEL_HANDLE_H

#include <CL/cl.h>

#include "kernel/kernel.h"

struct sni_mem_handle {
    cl_mem handle;
    uint64_t serial; /* a number that no other buffer of the process ever has; 0: not known */
};

static inline uint64_t sni_mem_serial_of(const sni_mem *mem) {
    return ((const struct sni_mem_handle *)(const void *)mem)->serial;
}

/* The OpenCL object of a buffer. C lets a pointer to a struct point to its first member. */
static inline cl_mem sni_mem_handle_of(const sni_mem *mem) {
    return ((const struct sni_mem_handle *)(const void *)mem)->handle;
}

#endif
