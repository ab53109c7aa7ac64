/* The files of the kernel cache as a whole: walking, eviction, and what `sinter cache` does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "kernel/disk.h"

#define TEMPORARY_DEAD_NS ((int64_t)3600 * 1000000000)
#define VERIFY_MAX_BYTES ((size_t)256 << 20)

static bool all_hex(const char *text, size_t length) {
    for (size_t i = 0; i < length; ++i)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
    return true;
}

/* Only what the cache itself can have written is ever counted or removed. */
static bool is_ours(const char *name, bool *out_entry) {
    size_t length = strlen(name);
    if (length < 34 || !all_hex(name, 30) || strncmp(name + 30, ".sni", 4)) return false;
    *out_entry = length == 34;
    return length == 34 || !strncmp(name + 34, ".tmp-", 5);
}

typedef struct walk {
    const char *dir;
    sni_disk_files *files;
} walk;

static bool visit_file(void *context, const sni_dir_entry *entry) {
    walk *w = context;
    bool is_entry = false;
    if (!entry->is_file || !is_ours(entry->name, &is_entry)) return true;
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", w->dir, entry->name);
    char *text = sni_str_take(&path);
    sni_str_deinit(&path);
    if (!text || !SNI_RESERVE(w->files->items, w->files->capacity, w->files->count + 1)) {
        sni_free(text);
        w->files->failed = true;
        return false;
    }
    w->files->items[w->files->count++] = (sni_disk_file){
        .path = text,
        .size_bytes = entry->size_bytes,
        .mtime_ns = entry->mtime_ns,
        .is_entry = is_entry,
    };
    return true;
}

static bool visit_dir(void *context, const sni_dir_entry *entry) {
    walk *w = context;
    if (!entry->is_dir || strlen(entry->name) != 2 || !all_hex(entry->name, 2)) return true;
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", w->dir, entry->name);
    walk inner = {sni_str_text(&path), w->files};
    if (path.failed) w->files->failed = true;
    /* A directory that vanishes meanwhile has no files. */
    else
        (void)!sni_dir_list(inner.dir, visit_file, &inner);
    sni_str_deinit(&path);
    return !w->files->failed;
}

sinter_status sni_disk_walk(const char *dir, sni_disk_files *out_files) {
    *out_files = (sni_disk_files){NULL, 0, 0, false};
    walk w = {dir, out_files};
    if (!sni_file_exists(dir)) return SINTER_OK;
    sinter_status status = sni_dir_list(dir, visit_dir, &w);
    if (out_files->failed) status = sni_out_of_memory("the list of cache entries");
    if (status != SINTER_OK) sni_disk_files_deinit(out_files);
    return status;
}

void sni_disk_files_deinit(sni_disk_files *files) {
    for (size_t i = 0; i < files->count; ++i) sni_free(files->items[i].path);
    sni_free(files->items);
    *files = (sni_disk_files){NULL, 0, 0, false};
}

static int compare_age(const void *a, const void *b) {
    const sni_disk_file *left = a, *right = b;
    if (left->mtime_ns != right->mtime_ns) return left->mtime_ns < right->mtime_ns ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* Removes temporaries whose writer is surely gone; returns the bytes of everything else. */
static uint64_t remove_dead(const sni_disk_files *files) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t dead_before = (int64_t)now.tv_sec * 1000000000 - TEMPORARY_DEAD_NS;
    uint64_t total = 0;
    for (size_t i = 0; i < files->count; ++i) {
        const sni_disk_file *file = &files->items[i];
        if (!file->is_entry && file->mtime_ns < dead_before && sni_file_remove(file->path)) continue;
        total += file->size_bytes;
    }
    return total;
}

uint64_t sni_disk_evict(const char *dir, uint64_t keep_bytes) {
    sni_disk_files files;
    if (sni_disk_walk(dir, &files) != SINTER_OK) return 0;
    uint64_t total = remove_dead(&files);
    if (total > keep_bytes) {
        /* Some more than needed, so that a full cache is not walked at every store. */
        uint64_t target = keep_bytes - keep_bytes / 8;
        qsort(files.items, files.count, sizeof *files.items, compare_age);
        for (size_t i = 0; i < files.count && total > target; ++i) {
            const sni_disk_file *file = &files.items[i];
            if (!file->is_entry || !sni_file_remove(file->path)) continue;
            total -= file->size_bytes;
            sni_log(SNI_LOG_DEBUG, "kernel cache: %s was evicted", file->path);
        }
    }
    sni_disk_files_deinit(&files);
    return total;
}

/* A directory below a base, in a new text; NULL when memory is out. */
static char *join(const char *base, const char *name) {
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", base, name);
    char *text = sni_str_take(&path);
    sni_str_deinit(&path);
    return text;
}

sinter_status sni_cache_dir(const char *dir, char **out_path) {
    if (!dir) dir = sni_env("SINTER_CACHE_DIR");
    const char *xdg = sni_env("XDG_CACHE_HOME"), *home = sni_env("HOME");
    if (dir)
        *out_path = sni_strdup(dir);
    else if (xdg && xdg[0] == '/')
        *out_path = join(xdg, "sinter");
    else if (home)
        *out_path = join(home, ".cache/sinter");
    else
        *out_path = sni_strdup(""); /* no home: no disk */
    return *out_path ? SINTER_OK : sni_out_of_memory("the cache's path");
}

static bool file_is_bad(const sni_disk_file *file) {
    char *data = NULL;
    size_t size = 0;
    if (sni_file_read(file->path, VERIFY_MAX_BYTES, &data, &size) != SINTER_OK) return true;
    sni_hash128 hash;
    bool valid = sni_disk_content_valid(data, size, &hash);
    sni_free(data);
    if (!valid) return true;
    char dir[3], name[35], tail[40];
    sni_disk_names(hash, dir, name);
    snprintf(tail, sizeof tail, "%s/%s", dir, name);
    size_t length = strlen(file->path), tail_length = strlen(tail);
    return length < tail_length || strcmp(file->path + length - tail_length, tail) != 0;
}

sinter_status sni_cache_usage_of(const char *dir, bool verify, sni_cache_usage *out_usage) {
    *out_usage = (sni_cache_usage){0, 0, 0};
    char *path = NULL;
    sni_disk_files files = {NULL, 0, 0, false};
    SNI_TRY(sni_cache_dir(dir, &path));
    sinter_status status = path[0] ? sni_disk_walk(path, &files) : SINTER_OK;
    sni_free(path);
    for (size_t i = 0; i < files.count; ++i) {
        out_usage->bytes += files.items[i].size_bytes;
        if (!files.items[i].is_entry) continue;
        ++out_usage->entries;
        if (verify && file_is_bad(&files.items[i])) {
            sni_log(SNI_LOG_INFO, "kernel cache: %s is damaged", files.items[i].path);
            ++out_usage->bad;
        }
    }
    sni_disk_files_deinit(&files);
    return status;
}

sinter_status sni_cache_clear(const char *dir, sni_cache_usage *out_removed) {
    *out_removed = (sni_cache_usage){0, 0, 0};
    char *path = NULL;
    sni_disk_files files = {NULL, 0, 0, false};
    SNI_TRY(sni_cache_dir(dir, &path));
    sinter_status status = path[0] ? sni_disk_walk(path, &files) : SINTER_OK;
    sni_free(path);
    for (size_t i = 0; i < files.count; ++i) {
        const sni_disk_file *file = &files.items[i];
        if (sni_file_remove(file->path)) {
            out_removed->bytes += file->size_bytes;
            out_removed->entries += file->is_entry;
        } else if (sni_file_exists(file->path) && status == SINTER_OK) {
            status = sni_fail(SINTER_IO, "cannot remove %s", file->path);
        }
    }
    sni_disk_files_deinit(&files);
    return status;
}
