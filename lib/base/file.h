/* Files and directories. */
#ifndef SNI_BASE_FILE_H
#define SNI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A file mapped read-only; data is NULL and size_bytes 0 for an empty file. IO with the path and
 * errno's text. Directories and devices are refused. */
typedef struct sni_mapping {
    const void *data;
    size_t size_bytes;
} sni_mapping;
sinter_status sni_file_map(const char *path, sni_mapping *out_mapping);
void sni_file_unmap(sni_mapping *mapping);

/* Reads a whole file of at most max_bytes into *out_data (sni_free), terminated by an extra 0. */
sinter_status sni_file_read(const char *path, size_t max_bytes, char **out_data, size_t *out_size);
/* Writes to a temporary name beside path (process, thread, random), syncs, renames over path. Fails
 * without leaving the temporary behind. */
sinter_status sni_file_write_atomic(const char *path, const void *data, size_t size_bytes);
/* Appends to a file, which is made when it is not there, as a line of its own: what another process left without a newline
 * is ended first. The file is locked meanwhile, where the file system can, and synced. */
sinter_status sni_file_append(const char *path, const void *data, size_t size_bytes);
/* mkdir -p with mode 0700 for what it makes. */
sinter_status sni_dir_create(const char *path);
/* rm -r, as far as it goes; links are removed and not followed. */
void sni_dir_remove(const char *path);
bool sni_file_exists(const char *path);
bool sni_file_remove(const char *path);
void sni_file_touch(const char *path); /* sets the modification time to now; failure is ignored */

/* Calls visit for every entry of a directory ("." and ".." left out), in no order, until it returns
 * false. size_bytes and mtime_ns are 0 for what is not a regular file. */
typedef struct sni_dir_entry {
    const char *name;
    bool is_dir, is_file;
    uint64_t size_bytes;
    int64_t mtime_ns;
} sni_dir_entry;
sinter_status sni_dir_list(const char *path, bool (*visit)(void *, const sni_dir_entry *), void *context);

#endif
