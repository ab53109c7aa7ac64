/* Devices and runtimes. */
#ifndef SINTER_RUNTIME_H
#define SINTER_RUNTIME_H

#include <sinter/status.h>
#include <sinter/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One device with its context, queue, kernel cache and buffer pool. Shared by threads:
 * every function that takes a runtime may be called from any thread at any time. */
typedef struct sinter_runtime sinter_runtime;

typedef struct sinter_runtime_options {
    /* Which device: an index, "cpu", "gpu", a vendor, part of a name, or "platform:device".
     * NULL: the environment's SINTER_DEVICE, and without it the best device (GPUs before
     * CPUs). Read during the call only. */
    const char *device;
    /* Directory of the kernel cache. NULL: SINTER_CACHE_DIR, else $XDG_CACHE_HOME/sinter, else
     * ~/.cache/sinter. "" turns the disk cache off. Read during the call only. What `sinter tune` and
     * `sinter doctor` measured on the device lies in its directory `tuning` and decides, for plans compiled
     * later, which kernels they have; a plan that exists keeps its kernels. On PoCL missing kernels of a plan are built by
     * processes of the program sinter-builder, one a processor: the installed one, or what SINTER_BUILDER names ("": none,
     * kernels are then built one after another in the calling process). */
    const char *cache_dir;
    /* Cap of the disk cache in bytes; 0: SINTER_CACHE_MAX_BYTES, else 512 MiB. */
    uint64_t cache_max_bytes;
    /* Cap of idle memory that the buffer pool keeps; 0: a quarter of the device's memory. */
    uint64_t pool_max_idle_bytes;
} sinter_runtime_options;

#define SINTER_RUNTIME_OPTIONS_INIT                                                                                    \
    { NULL, NULL, 0, 0 }

/* Opens a device. options may be NULL. The caller releases the runtime. NO_DEVICE when there
 * is no OpenCL device (the error names the package that helps) or none that options select;
 * OUT_OF_MEMORY; DEVICE. A cache directory that cannot be written is no error: the runtime
 * works without it and logs it once. */
SINTER_API SINTER_MUST_USE sinter_status sinter_runtime_create(const sinter_runtime_options *options,
                                                               sinter_runtime **out_runtime);
/* NULL is allowed. Plans and kernels keep the runtime alive until they are released. */
SINTER_API void sinter_runtime_release(sinter_runtime *runtime);

/* The device's name as its driver reports it. Lives as long as the runtime. */
SINTER_API const char *sinter_runtime_device_name(const sinter_runtime *runtime);

typedef struct sinter_runtime_stats {
    uint64_t kernels_compiled; /* built from source since the runtime was created */
    uint64_t kernels_cached;   /* loaded from the disk cache */
    uint64_t bytes_in_use;     /* device memory handed out now */
    uint64_t bytes_idle;       /* device memory that the pool keeps for reuse */
    uint64_t bytes_peak;       /* the highest bytes_in_use */
    uint64_t compile_ns;       /* time spent building and loading kernels */
} sinter_runtime_stats;

SINTER_API void sinter_runtime_get_stats(const sinter_runtime *runtime, sinter_runtime_stats *out_stats);
/* Gives idle pool memory back to the device until at most keep_bytes are idle. */
SINTER_API void sinter_runtime_trim(sinter_runtime *runtime, uint64_t keep_bytes);

/* Device memory. A buffer is counted; it may be used by any thread, and what concurrent
 * writers do to it is the caller's business. */
typedef struct sinter_buffer sinter_buffer;

/* size_bytes may be 0. OUT_OF_DEVICE_MEMORY after idle memory was given back and tried again. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_create(sinter_runtime *runtime, size_t size_bytes,
                                                              sinter_buffer **out_buffer);
SINTER_API void sinter_buffer_release(sinter_buffer *buffer);
SINTER_API size_t sinter_buffer_size(const sinter_buffer *buffer);
/* Copy between host and device; both block. INVALID_ARGUMENT when the range is outside. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_write(sinter_buffer *buffer, size_t offset_bytes,
                                                             const void *data, size_t size_bytes);
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_read(const sinter_buffer *buffer, size_t offset_bytes,
                                                            void *data, size_t size_bytes);

/* What the machine has, without opening anything. */
typedef struct sinter_device_info {
    char platform[128];
    char name[128];
    char vendor[128];
    char driver[128];
    char type[16];     /* "cpu", "gpu", "accelerator" */
    char opencl_c[64]; /* highest OpenCL C version */
    uint32_t compute_units;
    uint64_t global_bytes;
    uint64_t max_alloc_bytes;
    uint64_t local_bytes;
    uint64_t max_work_group;
    uint32_t subgroup_size; /* 0: none reported */
    int has_f16;            /* arithmetic, not storage */
    int has_f64;
    char identity[40];   /* 32 hex digits: changes with the driver; keys binaries */
    char tuning_key[40]; /* 32 hex digits: stays the same across drivers */
} sinter_device_info;

/* Fills up to capacity entries and sets *out_count to the number of devices there are, in the
 * order that an index selects. Zero devices is no error here. */
SINTER_API SINTER_MUST_USE sinter_status sinter_devices_list(sinter_device_info *out_infos, size_t capacity,
                                                             size_t *out_count);

/* Where log lines go. level: 0 error, 1 warning, 2 info, 3 debug. Without a function the library
 * writes nothing, unless SINTER_LOG (error, warning, info, debug) names a level: then lines up to
 * it go to standard error. function may be called from any thread. NULL goes back to that. */
SINTER_API void sinter_log_set(void (*function)(void *context, int level, const char *line), void *context);

#ifdef __cplusplus
}
#endif
#endif
