/* Kernels: from source text to something that can be launched. No OpenCL types here. */
#ifndef SNI_KERNEL_KERNEL_H
#define SNI_KERNEL_KERNEL_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sni_device sni_device;
typedef struct sni_queue sni_queue; /* memory/buffer.h */
typedef struct sni_mem sni_mem;     /* memory/buffer.h */

/* The kernel cache of one device: built programs in memory, binaries on disk. Shared by threads. */
typedef struct sni_kernel_cache sni_kernel_cache;

typedef struct sni_kernel_cache_stats {
    uint64_t compiled; /* from source */
    uint64_t loaded;   /* from disk */
    uint64_t rejected; /* disk entries found short, flipped, foreign or refused by the driver */
    uint64_t build_ns;
} sni_kernel_cache_stats;

/* dir NULL: the default place; "": no disk. max_bytes 0: the default. */
sinter_status sni_kernel_cache_create(sni_device *device, const char *dir, uint64_t max_bytes,
                                      sni_kernel_cache **out_cache);
void sni_kernel_cache_release(sni_kernel_cache *cache);
void sni_kernel_cache_get_stats(sni_kernel_cache *cache, sni_kernel_cache_stats *out_stats);

/* A built program with one entry. Counted. */
typedef struct sni_program sni_program;

typedef struct sni_program_source {
    const char *text; /* may #include files of cl/ by their path there, "common/memory.cl" */
    const char *entry;
    const char *options; /* NULL: none */
    const char *file;    /* for #line and messages; NULL: "kernel" */
    bool tell_warnings;  /* where somebody reads the log, what the compiler warns of goes there */
} sni_program_source;

/* From memory, disk, or source; two threads asking for one key build it once. */
sinter_status sni_program_build(sni_kernel_cache *cache, const sni_program_source *source, sni_program **out_program);
sni_program *sni_program_retain(sni_program *program);
void sni_program_release(sni_program *program);
/* After the first launch of a program built from source: saves the binary on disk (PoCL specialises at
 * first launch, and the binary must hold that). Done once; cheap when there is nothing to do. */
void sni_program_launched(sni_program *program);
/* The source with includes resolved; NULL if it was not kept. */
const char *sni_program_text(const sni_program *program);

/* A private cl_kernel: one thread, one launch at a time. */
typedef struct sni_launch sni_launch;
sinter_status sni_launch_create(sni_program *program, sni_launch **out_launch);
void sni_launch_release(sni_launch *launch);
int sni_launch_arg_count(const sni_launch *launch);
/* The argument's type as the driver names it, "float*"; "" when it does not. */
const char *sni_launch_arg_type(const sni_launch *launch, int index);
/* Is it passed by value, as a type that is not built in? */
bool sni_launch_arg_is_of_unknown_size(const sni_launch *launch, int index);
sinter_status sni_launch_set_mem(sni_launch *launch, int index, const sni_mem *mem);
sinter_status sni_launch_set_scalar(sni_launch *launch, int index, const void *value, size_t size_bytes);
sinter_status sni_launch_set_local(sni_launch *launch, int index, size_t size_bytes);
/* Enqueues on the device's queue (or the profiling queue, then *out_event is a cl_event in a void pointer that
 * sni_event_profile releases). local may be NULL. A global size of 0 does nothing. */
sinter_status sni_launch_enqueue(sni_launch *launch, int dims, const size_t *global, const size_t *local, bool profile,
                                 void **out_event);
/* The same on any queue of the device (NULL: its own), without profiling. out_marker may be NULL; else *out_marker is
 * reached when the kernel is over, NULL when there was nothing to do. */
sinter_status sni_launch_enqueue_on(sni_launch *launch, const sni_queue *queue, int dims, const size_t *global,
                                    const size_t *local, void **out_marker);
/* What sni_launch_enqueue would refuse, without enqueuing. */
sinter_status sni_launch_check(const sni_launch *launch, int dims, const size_t *global, const size_t *local);
sinter_status sni_event_profile(void *event, uint64_t *out_start_ns, uint64_t *out_end_ns);
/* Largest work-group that this kernel can run with. */
size_t sni_launch_max_work_group(const sni_launch *launch);

/* Cache maintenance for `sinter cache`; dir NULL: the default place. */
typedef struct sni_cache_usage {
    uint64_t entries, bytes, bad; /* bad: only counted by verify */
} sni_cache_usage;
sinter_status sni_cache_dir(const char *dir, char **out_path); /* sni_free */
sinter_status sni_cache_usage_of(const char *dir, bool verify, sni_cache_usage *out_usage);
sinter_status sni_cache_clear(const char *dir, sni_cache_usage *out_removed);

#endif
