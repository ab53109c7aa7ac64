/* The public interface to the kernel cache on disk. */
#include <sinter/cache.h>

#include "base/alloc.h"
#include "kernel/disk.h"

static sinter_cache_usage to_public(const sni_cache_usage *usage) {
    return (sinter_cache_usage){.entries = usage->entries, .bytes = usage->bytes, .bad = usage->bad};
}

static sinter_status measure(const char *dir, bool verify, const char *function, sinter_cache_usage *out_usage) {
    sni_cache_usage usage;
    if (!out_usage) return sni_fail(SINTER_INVALID_ARGUMENT, "%s: out_usage is NULL", function);
    *out_usage = (sinter_cache_usage){0};
    SNI_TRY(sni_cache_usage_of(dir, verify, &usage));
    *out_usage = to_public(&usage);
    return SINTER_OK;
}

sinter_status sinter_cache_directory(const char *dir, char **out_path) {
    if (!out_path) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_cache_directory: out_path is NULL");
    *out_path = NULL;
    return sni_cache_dir(dir, out_path);
}

sinter_status sinter_cache_get_usage(const char *dir, sinter_cache_usage *out_usage) {
    return measure(dir, false, "sinter_cache_get_usage", out_usage);
}

sinter_status sinter_cache_verify(const char *dir, sinter_cache_usage *out_usage) {
    return measure(dir, true, "sinter_cache_verify", out_usage);
}

sinter_status sinter_cache_clear(const char *dir, sinter_cache_usage *out_removed) {
    sni_cache_usage removed;
    if (out_removed) *out_removed = (sinter_cache_usage){0};
    SNI_TRY(sni_cache_clear(dir, &removed));
    if (out_removed) *out_removed = to_public(&removed);
    return SINTER_OK;
}

sinter_status sinter_cache_trim(const char *dir, uint64_t keep_bytes, sinter_cache_usage *out_left) {
    char *path = NULL;
    if (out_left) *out_left = (sinter_cache_usage){0};
    SNI_TRY(sni_cache_dir(dir, &path));
    if (path[0]) sni_disk_evict(path, keep_bytes);
    sni_free(path);
    return out_left ? measure(dir, false, "sinter_cache_trim", out_left) : SINTER_OK;
}
