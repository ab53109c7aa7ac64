/* Building many kernels at once, in helper processes, where the driver builds one after another within a process. */
#ifndef SNI_KERNEL_PREBUILD_H
#define SNI_KERNEL_PREBUILD_H

#include "kernel/kernel.h"

/* Called with what is finished of what there is to do; another value than 0 cancels. */
typedef int (*sni_prebuild_progress)(void *context, size_t done, size_t total);

/* Has helpers put on the disk what of sources is in neither memory nor disk, and takes it from there. Afterwards
 * sni_program_build finds it; what a helper did not manage is left to that, and so is everything where there is no helper
 * program, no disk, or a driver that gains nothing. *out_total: how many kernels there were to build here, 0 when nothing
 * was done. CANCELLED. */
sinter_status sni_programs_prebuild(sni_kernel_cache *cache, const sni_program_source *sources, size_t count,
                                    sni_prebuild_progress progress, void *context, size_t *out_total);

/* The helper program's whole work: serves requests on standard input until it ends. argv: the device's identity, the
 * directory and the limit in bytes of the kernel cache, a directory of its own for the driver. Returns the exit status. */
int sni_prebuild_serve(int argc, char **argv);

#endif
