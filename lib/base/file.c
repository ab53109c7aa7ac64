#define _GNU_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"

/* strerror is not safe with threads; the GNU strerror_r returns the text. */
static sinter_status io_fail(const char *verb, const char *path, int error) {
    char buffer[128];
    return sni_fail(SINTER_IO, "cannot %s %s: %s", verb, path, strerror_r(error, buffer, sizeof buffer));
}

/* Opens a regular file for reading. O_NONBLOCK keeps a FIFO from hanging until it is refused. */
static sinter_status open_regular(const char *path, int *out_fd, size_t *out_size) {
    *out_fd = -1;
    *out_size = 0;
    if (!path) return sni_fail(SINTER_INVALID_ARGUMENT, "the path is NULL");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return io_fail("open", path, errno);
    struct stat info;
    sinter_status status = SINTER_OK;
    if (fstat(fd, &info))
        status = io_fail("read", path, errno);
    else if (S_ISDIR(info.st_mode))
        status = io_fail("read", path, EISDIR);
    else if (!S_ISREG(info.st_mode))
        status = sni_fail(SINTER_IO, "cannot read %s: not a regular file", path);
    else if ((uint64_t)info.st_size > PTRDIFF_MAX)
        status = io_fail("read", path, EFBIG);
    if (status != SINTER_OK) {
        close(fd);
        return status;
    }
    *out_fd = fd;
    *out_size = (size_t)info.st_size;
    return SINTER_OK;
}

sinter_status sni_file_map(const char *path, sni_mapping *out_mapping) {
    *out_mapping = (sni_mapping){NULL, 0};
    int fd;
    size_t size;
    SNI_TRY(open_regular(path, &fd, &size));
    sinter_status status = SINTER_OK;
    if (size) {
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = io_fail("map", path, errno);
        else
            *out_mapping = (sni_mapping){data, size};
    }
    close(fd);
    return status;
}

void sni_file_unmap(sni_mapping *mapping) {
    if (mapping->data) munmap((void *)mapping->data, mapping->size_bytes);
    *mapping = (sni_mapping){NULL, 0};
}

/* Reads until size bytes or the file's end; -1 on an error. */
static ptrdiff_t read_all(int fd, char *data, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, data + done, size - done);
        if (got == 0) break;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ptrdiff_t)done;
}

sinter_status sni_file_read(const char *path, size_t max_bytes, char **out_data, size_t *out_size) {
    *out_data = NULL;
    *out_size = 0;
    int fd;
    size_t size;
    SNI_TRY(open_regular(path, &fd, &size));
    sinter_status status = SINTER_OK;
    char *data = NULL;
    ptrdiff_t got = 0;
    if (size > max_bytes)
        status = sni_fail(SINTER_IO, "cannot read %s: it has %zu bytes, more than %zu", path, size, max_bytes);
    else if (!(data = sni_malloc(size + 1)))
        status = sni_out_of_memory(path);
    else if ((got = read_all(fd, data, size)) < 0)
        status = io_fail("read", path, errno);
    close(fd);
    if (status != SINTER_OK) {
        sni_free(data);
        return status;
    }
    data[got] = 0;
    *out_data = data;
    *out_size = (size_t)got;
    return SINTER_OK;
}

static char *temporary_name(const char *path) {
    uint64_t random;
    /* Without random bytes the clock will do: O_EXCL keeps two writers apart in any case. */
    if (getentropy(&random, sizeof random)) random = (uint64_t)sni_time_ns();
    sni_str name = SNI_STR_INIT;
    sni_str_printf(&name, "%s.tmp-%ld-%llu-%016llx", path, (long)getpid(), (unsigned long long)sni_thread_number(),
                   (unsigned long long)random);
    return sni_str_take(&name);
}

/* Returns 0 or errno. */
static int write_synced(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return put < 0 ? errno : EIO;
        data += put;
        size -= (size_t)put;
    }
    /* Some file systems cannot sync; that is no reason not to have the file. */
    if (fsync(fd) && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
    return 0;
}

/* Makes the rename itself durable, where the directory can be opened and synced. */
static void sync_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    char *parent = slash ? sni_strdup(path) : NULL;
    if (slash && !parent) return;
    if (parent) parent[slash == path ? 1 : slash - path] = 0;
    int fd = open(parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sni_free(parent);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static int write_temporary(const char *temporary, const char *path, const void *data, size_t size) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    int error = write_synced(fd, data, size);
    if (close(fd) && !error) error = errno;
    if (!error && rename(temporary, path)) error = errno;
    if (error) unlink(temporary);
    return error;
}

sinter_status sni_file_write_atomic(const char *path, const void *data, size_t size_bytes) {
    if (!path) return sni_fail(SINTER_INVALID_ARGUMENT, "the path is NULL");
    char *temporary = temporary_name(path);
    if (!temporary) return sni_out_of_memory(path);
    int error = write_temporary(temporary, path, data, size_bytes);
    sni_free(temporary);
    if (error) return io_fail("write", path, error);
    sync_parent(path);
    return SINTER_OK;
}

/* The line and, where the file does not end with one, a newline before it, in one write. */
static int append_line(int fd, const void *data, size_t size) {
    char last = '\n';
    struct stat info;
    if (fstat(fd, &info)) return errno;
    if (info.st_size > 0 && pread(fd, &last, 1, info.st_size - 1) != 1) return errno ? errno : EIO;
    if (last == '\n') return write_synced(fd, data, size);
    char *text = sni_malloc(size + 1);
    if (!text) return ENOMEM;
    text[0] = '\n';
    memcpy(text + 1, data, size);
    int error = write_synced(fd, text, size + 1);
    sni_free(text);
    return error;
}

sinter_status sni_file_append(const char *path, const void *data, size_t size_bytes) {
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return io_fail("open", path, errno);
    (void)flock(fd, LOCK_EX); /* without locks one write is still one piece on local file systems */
    int error = append_line(fd, data, size_bytes);
    if (close(fd) && !error) error = errno;
    return error ? io_fail("write", path, error) : SINTER_OK;
}

static bool is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Makes one directory; one that is there already, or that another process just made, is fine. */
static int make_one(const char *path) {
    if (mkdir(path, 0700) == 0) return 0;
    int error = errno;
    return is_directory(path) ? 0 : error == EEXIST ? ENOTDIR : error;
}

sinter_status sni_dir_create(const char *path) {
    if (!path || !*path) return sni_fail(SINTER_INVALID_ARGUMENT, "the path is empty");
    if (is_directory(path)) return SINTER_OK;
    char *partial = sni_strdup(path);
    if (!partial) return sni_out_of_memory(path);
    int error = 0;
    for (char *at = partial + 1; *at && !error; ++at) {
        if (*at != '/') continue;
        *at = 0;
        error = make_one(partial);
        *at = '/';
    }
    if (!error) error = make_one(partial);
    sni_free(partial);
    return error ? io_fail("create directory", path, error) : SINTER_OK;
}

static int remove_visited(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)kind, (void)where;
    remove(path);
    return 0;
}

void sni_dir_remove(const char *path) {
    nftw(path, remove_visited, 16, FTW_DEPTH | FTW_PHYS);
}

bool sni_file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool sni_file_remove(const char *path) {
    return unlink(path) == 0;
}

void sni_file_touch(const char *path) {
    (void)utimensat(AT_FDCWD, path, NULL, 0);
}

/* A link to a file counts as the file; a link to a directory is not one, so that a walk over a
 * tree ends. */
static sni_dir_entry describe(DIR *directory, const char *name) {
    sni_dir_entry entry = {.name = name};
    struct stat info;
    int fd = dirfd(directory);
    if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW)) return entry;
    if (S_ISLNK(info.st_mode) && (fstatat(fd, name, &info, 0) || S_ISDIR(info.st_mode))) return entry;
    entry.is_dir = S_ISDIR(info.st_mode);
    entry.is_file = S_ISREG(info.st_mode);
    if (entry.is_file) {
        entry.size_bytes = (uint64_t)info.st_size;
        entry.mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
    return entry;
}

sinter_status sni_dir_list(const char *path, bool (*visit)(void *, const sni_dir_entry *), void *context) {
    DIR *directory = opendir(path);
    if (!directory) return io_fail("list", path, errno);
    int error = 0;
    for (;;) {
        errno = 0;
        const struct dirent *item = readdir(directory);
        if (!item) {
            error = errno;
            break;
        }
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
        sni_dir_entry entry = describe(directory, item->d_name);
        if (!visit(context, &entry)) break;
    }
    closedir(directory);
    return error ? io_fail("list", path, error) : SINTER_OK;
}
