/* The kernel cache on disk: content-addressed entries <dir>/<2 hex>/<30 hex>.sni. Readers and
 * writers of any number of processes share a directory without locks: an entry appears complete, by
 * rename, or not at all, and whoever finds a bad one removes it. */
#ifndef SNI_KERNEL_DISK_H
#define SNI_KERNEL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"
#include "kernel/key.h"

typedef struct sni_disk sni_disk;

/* Creates the directory. NULL in *out_disk (and SINTER_OK) when dir is "" or cannot be made: the
 * cache then lives in memory only; a warning was logged once. dir and max_bytes as in
 * sni_kernel_cache_create. Shared by threads. */
sinter_status sni_disk_create(const char *dir, uint64_t max_bytes, sni_disk **out_disk);
void sni_disk_release(sni_disk *disk);

/* What an entry holds besides its key; data is one block, the others point into it. */
typedef struct sni_disk_entry {
    char *data; /* sni_free */
    const char *signature;
    const unsigned char *binary;
    size_t signature_size, binary_size;
} sni_disk_entry;

typedef enum sni_disk_answer {
    SNI_DISK_MISSING,
    SNI_DISK_FOUND,
    SNI_DISK_BAD /* there was one; it was damaged or another key's, and is removed */
} sni_disk_answer;

/* Is there an entry? It may still turn out to be bad. disk may be NULL. */
bool sni_disk_has(sni_disk *disk, const sni_kernel_key *key);
/* The directory and its limit in bytes. */
const char *sni_disk_dir(const sni_disk *disk);
uint64_t sni_disk_max_bytes(const sni_disk *disk);
/* disk may be NULL. */
sni_disk_answer sni_disk_load(sni_disk *disk, const sni_kernel_key *key, sni_disk_entry *out_entry);
/* Stores an entry, after making room. Failure is no error: it is logged once and the cache goes on.
 */
void sni_disk_store(sni_disk *disk, const sni_kernel_key *key, const char *signature, size_t signature_size,
                    const void *binary, size_t binary_size);
/* Removes an entry that the driver refused. */
void sni_disk_remove(sni_disk *disk, const sni_kernel_key *key);

/* Is this file's content a whole entry? Then *out_hash is the hash of its key, which its name must
 * be made of. For `sinter cache verify`. */
bool sni_disk_content_valid(const char *data, size_t size_bytes, sni_hash128 *out_hash);

/* A file of the cache found by a walk. */
typedef struct sni_disk_file {
    char *path;
    uint64_t size_bytes;
    int64_t mtime_ns;
    bool is_entry; /* else a temporary that a writer left behind or is still writing */
} sni_disk_file;

typedef struct sni_disk_files {
    sni_disk_file *items;
    size_t count, capacity;
    bool failed; /* memory ran out */
} sni_disk_files;

/* Every file of the cache below dir; a directory that is not there has none. OUT_OF_MEMORY. */
sinter_status sni_disk_walk(const char *dir, sni_disk_files *out_files);
void sni_disk_files_deinit(sni_disk_files *files);
/* Removes temporaries of dead writers, and the least recently used entries until at most keep_bytes
 * are left; returns the bytes that are left. */
uint64_t sni_disk_evict(const char *dir, uint64_t keep_bytes);
/* The name of an entry's directory and of its file, both below the cache's directory. */
void sni_disk_names(sni_hash128 hash, char out_dir[3], char out_file[35]);

#endif
