/* Entries of the kernel cache on disk: writing, reading, checking.
 *
 * An entry is a header, the key's text, the signature of the kernel's arguments, and the binary.
 * All numbers are little-endian, as every device is. The checksum covers everything behind itself.
 */
#include "kernel/disk.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"

typedef struct entry_header {
    char magic[8];
    uint64_t checksum[2];
    uint32_t format;
    uint32_t reserved;
    uint64_t key_size, signature_size, binary_size;
} entry_header;
_Static_assert(sizeof(entry_header) == 56, "the header has no padding");

static const char entry_magic[8] = {'S', 'N', 'I', 'K', 'E', 'R', 'N', '\n'};

enum { CHECKED_FROM = 24 }; /* the checksum begins behind itself */

#define MOST_ENTRY_BYTES ((size_t)256 << 20)
#define DEFAULT_MAX_BYTES ((uint64_t)512 << 20)
#define TOUCH_AFTER_NS ((int64_t)60 * 1000000000)
#define STORES_PER_SCAN 64

struct sni_disk {
    char *dir;
    uint64_t max_bytes;
    sni_mutex mutex;
    uint64_t known_bytes; /* in the directory, as far as this process knows */
    unsigned stores_until_scan;
    bool warned;
};

static void warn_once(sni_disk *disk) {
    sni_mutex_lock(&disk->mutex);
    bool first = !disk->warned;
    disk->warned = true;
    sni_mutex_unlock(&disk->mutex);
    if (first)
        sni_log(SNI_LOG_WARNING, "the kernel cache cannot be written, kernels are compiled again: %s",
                sinter_last_error());
}

static uint64_t max_bytes_from_environment(void) {
    const char *text = sni_env("SINTER_CACHE_MAX_BYTES");
    long long number = 0;
    if (!text) return DEFAULT_MAX_BYTES;
    if (sni_parse_i64(text, &number) && number > 0) return (uint64_t)number;
    sni_log(SNI_LOG_WARNING, "SINTER_CACHE_MAX_BYTES is not a number of bytes: '%s'", text);
    return DEFAULT_MAX_BYTES;
}

sinter_status sni_disk_create(const char *dir, uint64_t max_bytes, sni_disk **out_disk) {
    *out_disk = NULL;
    char *path = NULL;
    SNI_TRY(sni_cache_dir(dir, &path));
    if (!path[0]) {
        sni_free(path);
        return SINTER_OK;
    }
    if (sni_dir_create(path) != SINTER_OK) {
        sni_log(SNI_LOG_WARNING, "there is no kernel cache on disk, kernels are compiled again: %s",
                sinter_last_error());
        sni_free(path);
        return SINTER_OK;
    }
    sni_disk *disk = sni_calloc(1, sizeof *disk);
    if (!disk) {
        sni_free(path);
        return sni_out_of_memory("the kernel cache");
    }
    disk->dir = path;
    disk->max_bytes = max_bytes ? max_bytes : max_bytes_from_environment();
    sni_mutex_init(&disk->mutex);
    *out_disk = disk;
    return SINTER_OK;
}

void sni_disk_release(sni_disk *disk) {
    if (!disk) return;
    sni_mutex_deinit(&disk->mutex);
    sni_free(disk->dir);
    sni_free(disk);
}

void sni_disk_names(sni_hash128 hash, char out_dir[3], char out_file[35]) {
    char hex[33];
    sni_hash128_hex(hash, hex);
    memcpy(out_dir, hex, 2);
    out_dir[2] = 0;
    memcpy(out_file, hex + 2, 30);
    memcpy(out_file + 30, ".sni", 5);
}

/* The path of an entry, or of the directory it stands in. NULL when memory is out. */
static char *entry_path(const sni_disk *disk, sni_hash128 hash, bool only_dir) {
    char dir[3], file[35];
    sni_disk_names(hash, dir, file);
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, only_dir ? "%s/%s" : "%s/%s/%s", disk->dir, dir, file);
    char *text = sni_str_take(&path);
    sni_str_deinit(&path);
    return text;
}

static void checksum_of(const char *data, size_t size, uint64_t out[2]) {
    sni_hash128 hash = sni_hash128_of(data + CHECKED_FROM, size - CHECKED_FROM);
    out[0] = hash.low;
    out[1] = hash.high;
}

/* Reads the header of content that is a whole, undamaged entry of this format. */
static bool read_header(const char *data, size_t size, entry_header *header) {
    if (size < sizeof *header) return false;
    memcpy(header, data, sizeof *header);
    uint64_t checksum[2];
    checksum_of(data, size, checksum);
    if (memcmp(header->magic, entry_magic, sizeof entry_magic) || memcmp(header->checksum, checksum, sizeof checksum) ||
        header->format != SNI_KERNEL_FORMAT || header->reserved)
        return false;
    uint64_t left = size - sizeof *header;
    if (header->key_size > left) return false;
    left -= header->key_size;
    if (header->signature_size > left) return false;
    return header->binary_size == left - header->signature_size && header->binary_size > 0;
}

bool sni_disk_content_valid(const char *data, size_t size_bytes, sni_hash128 *out_hash) {
    entry_header header;
    if (!read_header(data, size_bytes, &header)) return false;
    *out_hash = sni_hash128_of(data + sizeof header, (size_t)header.key_size);
    return true;
}

static bool parse_entry(char *data, size_t size, const sni_kernel_key *key, sni_disk_entry *out_entry) {
    entry_header header;
    if (!read_header(data, size, &header)) return false;
    const char *at = data + sizeof header;
    if (header.key_size != key->length || memcmp(at, key->text, key->length)) return false;
    at += header.key_size;
    *out_entry = (sni_disk_entry){
        .data = data,
        .signature = at,
        .signature_size = (size_t)header.signature_size,
        .binary = (const unsigned char *)at + header.signature_size,
        .binary_size = (size_t)header.binary_size,
    };
    return true;
}

/* Looks for one file in a directory, for its age. */
typedef struct age_search {
    const char *name;
    int64_t mtime_ns;
} age_search;

static bool visit_for_age(void *context, const sni_dir_entry *entry) {
    age_search *search = context;
    if (strcmp(entry->name, search->name)) return true;
    search->mtime_ns = entry->mtime_ns;
    return false;
}

static int64_t wall_clock_ns(void) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The modification time says when an entry was last used; often used ones are not written to the
 * disk again and again. */
static void touch(const sni_disk *disk, sni_hash128 hash, const char *path) {
    char dir[3], file[35];
    sni_disk_names(hash, dir, file);
    age_search search = {file, 0};
    char *parent = entry_path(disk, hash, true);
    if (parent && sni_dir_list(parent, visit_for_age, &search) == SINTER_OK) {
        int64_t age = wall_clock_ns() - search.mtime_ns;
        if (age > TOUCH_AFTER_NS || age < 0) sni_file_touch(path);
    }
    sni_free(parent);
}

bool sni_disk_has(sni_disk *disk, const sni_kernel_key *key) {
    char *path = disk ? entry_path(disk, key->hash, false) : NULL;
    bool found = path && sni_file_exists(path);
    sni_free(path);
    return found;
}

const char *sni_disk_dir(const sni_disk *disk) {
    return disk->dir;
}

uint64_t sni_disk_max_bytes(const sni_disk *disk) {
    return disk->max_bytes;
}

sni_disk_answer sni_disk_load(sni_disk *disk, const sni_kernel_key *key, sni_disk_entry *out_entry) {
    *out_entry = (sni_disk_entry){.data = NULL};
    char *path = disk ? entry_path(disk, key->hash, false) : NULL;
    char *data = NULL;
    size_t size = 0;
    if (!path || !sni_file_exists(path)) {
        sni_free(path);
        return SNI_DISK_MISSING;
    }
    sni_disk_answer answer = SNI_DISK_FOUND;
    sinter_status status = sni_file_read(path, MOST_ENTRY_BYTES, &data, &size);
    if (status != SINTER_OK && !sni_file_exists(path)) {
        answer = SNI_DISK_MISSING; /* another process evicted it just now */
    } else if (status != SINTER_OK || !parse_entry(data, size, key, out_entry)) {
        sni_log(SNI_LOG_INFO, "kernel cache: %s is damaged or foreign and is replaced", path);
        sni_file_remove(path);
        sni_free(data);
        answer = SNI_DISK_BAD;
    } else {
        touch(disk, key->hash, path);
    }
    sni_free(path);
    return answer;
}

void sni_disk_remove(sni_disk *disk, const sni_kernel_key *key) {
    char *path = disk ? entry_path(disk, key->hash, false) : NULL;
    if (path) sni_file_remove(path);
    sni_free(path);
}

static char *serialize(const sni_kernel_key *key, const char *signature, size_t signature_size, const void *binary,
                       size_t binary_size, size_t *out_size) {
    entry_header header = {.format = SNI_KERNEL_FORMAT,
                           .key_size = key->length,
                           .signature_size = signature_size,
                           .binary_size = binary_size};
    memcpy(header.magic, entry_magic, sizeof entry_magic);
    size_t size = sizeof header + key->length + signature_size;
    if (binary_size == 0 || binary_size > MOST_ENTRY_BYTES || size > MOST_ENTRY_BYTES - binary_size) return NULL;
    size += binary_size;
    char *data = sni_malloc(size);
    if (!data) return NULL;
    char *at = data + sizeof header;
    memcpy(data, &header, sizeof header);
    memcpy(at, key->text, key->length);
    if (signature_size) memcpy(at + key->length, signature, signature_size);
    memcpy(at + key->length + signature_size, binary, binary_size);
    checksum_of(data, size, header.checksum);
    memcpy(data, &header, sizeof header);
    *out_size = size;
    return data;
}

/* Keeps the directory under its cap with size bytes more in it. The directory is read when this
 * process cannot know how full it is, because others write to it too. */
static void make_room(sni_disk *disk, uint64_t size) {
    sni_mutex_lock(&disk->mutex);
    bool full = disk->known_bytes + size > disk->max_bytes;
    if (disk->stores_until_scan == 0 || full) {
        uint64_t limit = disk->max_bytes - size;
        disk->known_bytes = sni_disk_evict(disk->dir, limit);
        disk->stores_until_scan = STORES_PER_SCAN;
    }
    --disk->stores_until_scan;
    disk->known_bytes += size;
    sni_mutex_unlock(&disk->mutex);
}

static sinter_status write_entry(sni_disk *disk, const sni_kernel_key *key, const char *data, size_t size) {
    char *dir = entry_path(disk, key->hash, true);
    char *path = entry_path(disk, key->hash, false);
    sinter_status status = dir && path ? SINTER_OK : sni_out_of_memory("a path of the cache");
    if (status == SINTER_OK) status = sni_dir_create(dir);
    if (status == SINTER_OK) status = sni_file_write_atomic(path, data, size);
    sni_free(dir);
    sni_free(path);
    return status;
}

void sni_disk_store(sni_disk *disk, const sni_kernel_key *key, const char *signature, size_t signature_size,
                    const void *binary, size_t binary_size) {
    if (!disk) return;
    size_t size = 0;
    char *data = serialize(key, signature, signature_size, binary, binary_size, &size);
    if (!data) return;
    if (size <= disk->max_bytes) {
        make_room(disk, size);
        if (write_entry(disk, key, data, size) != SINTER_OK) warn_once(disk);
    }
    sni_free(data);
}
