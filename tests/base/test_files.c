/* lib/base/file.h: reading, mapping, atomic writing, directories. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "check_main.h"

static char g_dir[64];

static const char *in_dir(const char *name) {
    static __thread char path[4][256];
    static __thread int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", g_dir, name);
    return path[next];
}

static bool count_entry(void *context, const sni_dir_entry *entry) {
    (void)entry;
    ++*(int *)context;
    return true;
}

static int entries(const char *path) {
    int count = 0;
    ck_assert_int_eq(sni_dir_list(path, count_entry, &count), SINTER_OK);
    return count;
}

START_TEST(write_then_read) {
    const char *path = in_dir("plain");
    ck_assert_int_eq(sni_file_write_atomic(path, "hello", 5), SINTER_OK);
    ck_assert(sni_file_exists(path));
    char *data;
    size_t size;
    ck_assert_int_eq(sni_file_read(path, 100, &data, &size), SINTER_OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_str_eq(data, "hello");
    sni_free(data);
    ck_assert_int_eq(sni_file_write_atomic(path, "", 0), SINTER_OK);
    ck_assert_int_eq(sni_file_read(path, 0, &data, &size), SINTER_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(data, "");
    sni_free(data);
    ck_assert(sni_file_remove(path));
    ck_assert(!sni_file_exists(path));
    ck_assert_int_eq(entries(g_dir), 0);
}
END_TEST

START_TEST(map) {
    const char *path = in_dir("mapped");
    sni_mapping mapping;
    ck_assert_int_eq(sni_file_write_atomic(path, "0123456789", 10), SINTER_OK);
    ck_assert_int_eq(sni_file_map(path, &mapping), SINTER_OK);
    ck_assert_uint_eq(mapping.size_bytes, 10);
    ck_assert_mem_eq(mapping.data, "0123456789", 10);
    sni_file_unmap(&mapping);
    ck_assert_ptr_null(mapping.data);
    ck_assert_int_eq(sni_file_write_atomic(path, NULL, 0), SINTER_OK);
    ck_assert_int_eq(sni_file_map(path, &mapping), SINTER_OK);
    ck_assert_uint_eq(mapping.size_bytes, 0);
    sni_file_unmap(&mapping);
    ck_assert(sni_file_remove(path));
}
END_TEST

static void check_refused(const char *path, const char *why) {
    sni_mapping mapping;
    char *data;
    size_t size;
    ck_assert_int_eq(sni_file_map(path, &mapping), SINTER_IO);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), path));
    ck_assert_msg(strstr(sinter_last_error(), why) != NULL, "%s", sinter_last_error());
    ck_assert_int_eq(sni_file_read(path, 1 << 20, &data, &size), SINTER_IO);
    ck_assert_ptr_null(data);
}

START_TEST(refusals) {
    check_refused(in_dir("absent"), "No such file");
    check_refused(g_dir, "Is a directory");
    check_refused("/dev/zero", "not a regular file");
    const char *fifo = in_dir("fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    check_refused(fifo, "not a regular file");
    ck_assert(sni_file_remove(fifo));
    const char *path = in_dir("large");
    char *data;
    size_t size;
    ck_assert_int_eq(sni_file_write_atomic(path, "12345", 5), SINTER_OK);
    ck_assert_int_eq(sni_file_read(path, 4, &data, &size), SINTER_IO);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "more than 4"));
    ck_assert(sni_file_remove(path));
    ck_assert_int_eq(sni_file_map(NULL, &(sni_mapping){0}), SINTER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(failed_write_leaves_nothing) {
    ck_assert_int_eq(sni_file_write_atomic(in_dir("no/such/place"), "x", 1), SINTER_IO);
    /* A directory cannot be replaced by a file: the rename fails after the temporary was written. */
    const char *path = in_dir("taken");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(sni_file_write_atomic(path, "x", 1), SINTER_IO);
    ck_assert_int_eq(entries(g_dir), 1);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(sni_file_write_atomic("/dev/full/x", "x", 1), SINTER_IO);
}
END_TEST

enum { WRITERS = 8, ROUNDS = 20, PAYLOAD = 5000 };

static void *write_rounds(void *context) {
    char payload[PAYLOAD];
    memset(payload, *(char *)context, sizeof payload);
    for (int i = 0; i < ROUNDS; ++i)
        if (sni_file_write_atomic(in_dir("contended"), payload, sizeof payload)) return context;
    return NULL;
}

START_TEST(concurrent_writers_never_mix) {
    pthread_t threads[WRITERS];
    char letters[WRITERS];
    for (int i = 0; i < WRITERS; ++i) {
        letters[i] = (char)('a' + i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_rounds, &letters[i]), 0);
    }
    void *failed = NULL;
    for (int i = 0; i < WRITERS; ++i) {
        void *result;
        pthread_join(threads[i], &result);
        if (result) failed = result;
    }
    ck_assert_ptr_null(failed);
    char *data;
    size_t size;
    ck_assert_int_eq(sni_file_read(in_dir("contended"), 1 << 20, &data, &size), SINTER_OK);
    ck_assert_uint_eq(size, PAYLOAD);
    for (size_t i = 0; i < size; ++i) ck_assert_int_eq(data[i], data[0]);
    sni_free(data);
    ck_assert(sni_file_remove(in_dir("contended")));
    ck_assert_int_eq(entries(g_dir), 0);
}
END_TEST

typedef struct found {
    bool file, dir, link;
} found;

static bool classify(void *context, const sni_dir_entry *entry) {
    found *seen = context;
    if (strcmp(entry->name, "file") == 0)
        seen->file = entry->is_file && !entry->is_dir && entry->size_bytes == 3 && entry->mtime_ns;
    if (strcmp(entry->name, "sub") == 0) seen->dir = entry->is_dir && !entry->is_file;
    /* A walk over a tree must not follow a link in a circle. */
    if (strcmp(entry->name, "loop") == 0) seen->link = !entry->is_dir && !entry->is_file;
    return true;
}

START_TEST(directories) {
    const char *deep = in_dir("a/b/c");
    ck_assert_int_eq(sni_dir_create(deep), SINTER_OK);
    ck_assert_int_eq(sni_dir_create(deep), SINTER_OK);
    ck_assert_int_eq(sni_dir_create(in_dir("a//b/d/")), SINTER_OK);
    struct stat info;
    ck_assert_int_eq(stat(deep, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    ck_assert_int_eq(sni_file_write_atomic(in_dir("a/file"), "abc", 3), SINTER_OK);
    ck_assert_int_eq(sni_dir_create(in_dir("a/file")), SINTER_IO);
    ck_assert_int_eq(sni_dir_create(in_dir("a/file/below")), SINTER_IO);
    ck_assert_int_eq(mkdir(in_dir("a/sub"), 0700), 0);
    ck_assert_int_eq(symlink(".", in_dir("a/loop")), 0);
    found seen = {0};
    ck_assert_int_eq(sni_dir_list(in_dir("a"), classify, &seen), SINTER_OK);
    ck_assert(seen.file && seen.dir && seen.link);
    ck_assert_int_eq(sni_dir_list(in_dir("absent"), classify, &seen), SINTER_IO);
    ck_assert_int_eq(sni_dir_create(""), SINTER_INVALID_ARGUMENT);
    static const char *const NAMES[] = {"a/loop", "a/file"};
    for (int i = 0; i < 2; ++i) ck_assert(sni_file_remove(in_dir(NAMES[i])));
    static const char *const DIRS[] = {"a/sub", "a/b/c", "a/b/d", "a/b", "a"};
    for (int i = 0; i < 5; ++i) ck_assert_int_eq(rmdir(in_dir(DIRS[i])), 0);
}
END_TEST

START_TEST(touch) {
    const char *path = in_dir("old");
    ck_assert_int_eq(sni_file_write_atomic(path, "x", 1), SINTER_OK);
    struct timespec times[2] = {{1000, 0}, {1000, 0}};
    struct stat info;
    ck_assert_int_eq(utimensat(-100, path, times, 0), 0);
    sni_file_touch(path);
    sni_file_touch(in_dir("absent"));
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_gt(info.st_mtime, 1000);
    ck_assert(sni_file_remove(path));
}
END_TEST

int main(void) {
    snprintf(g_dir, sizeof g_dir, "/tmp/sinter-files-XXXXXX");
    if (!mkdtemp(g_dir)) return EXIT_FAILURE;
    const TTest *const tests[] = {
        write_then_read, map, refusals, failed_write_leaves_nothing, concurrent_writers_never_mix, directories, touch};
    int result = run_suite(suite_of("files", tests, sizeof tests / sizeof *tests));
    if (rmdir(g_dir)) perror(g_dir);
    return result;
}
