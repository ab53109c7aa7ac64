/* The kernel cache on disk, which all processes of a user share. */
#ifndef SINTER_CACHE_H
#define SINTER_CACHE_H

#include <sinter/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sinter_cache_usage {
    uint64_t entries; /* kernels */
    uint64_t bytes;   /* of all files of the cache */
    uint64_t bad;     /* damaged entries; only verify counts them */
} sinter_cache_usage;

/* In all of these dir is as sinter_runtime_options.cache_dir: NULL the default place, "" none, which is empty. A directory
 * that does not exist is empty, too. All may be called by any thread and while other processes use the cache. Results are
 * zeros, or NULL, after a failure. OUT_OF_MEMORY, IO; INVALID_ARGUMENT: a NULL result. */

/* The directory that dir stands for; the caller frees it with sinter_free. */
SINTER_API SINTER_MUST_USE sinter_status sinter_cache_directory(const char *dir, char **out_path);
/* Counts entries and bytes. */
SINTER_API SINTER_MUST_USE sinter_status sinter_cache_get_usage(const char *dir, sinter_cache_usage *out_usage);
/* The same, and reads every entry. Damaged ones stay: whoever needs the kernel replaces them. */
SINTER_API SINTER_MUST_USE sinter_status sinter_cache_verify(const char *dir, sinter_cache_usage *out_usage);
/* Removes every entry; what was removed in *out_removed (may be NULL). Plans and kernels that exist stay usable. */
SINTER_API SINTER_MUST_USE sinter_status sinter_cache_clear(const char *dir, sinter_cache_usage *out_removed);
/* Removes the entries used least recently until at most keep_bytes are left; what is left in *out_left (may be NULL). The
 * limit that a runtime keeps to while it adds entries is sinter_runtime_options.cache_max_bytes. */
SINTER_API SINTER_MUST_USE sinter_status sinter_cache_trim(const char *dir, uint64_t keep_bytes,
                                                           sinter_cache_usage *out_left);

#ifdef __cplusplus
}
#endif
#endif
