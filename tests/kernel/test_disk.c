/* Entries on disk, without a device: damage of every kind, eviction, maintenance. */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sinter/runtime.h>

#include "base/alloc.h"
#include "base/file.h"
#include "kernel/disk.h"

static char dir[64];
static sni_disk *disk;

static void begin(uint64_t max_bytes) {
    snprintf(dir, sizeof dir, "/tmp/sinter-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(sni_disk_create(dir, max_bytes, &disk), SINTER_OK);
    ck_assert_ptr_nonnull(disk);
}

static void end(void) {
    sni_disk_release(disk);
    disk = NULL;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static sni_kernel_key make_key(int number) {
    sni_caps caps = {0};
    char source[64];
    snprintf(source, sizeof source, "source number %d", number);
    sni_kernel_key key;
    ck_assert_int_eq(sni_kernel_key_make(&caps, source, "f", "-O", &key), SINTER_OK);
    return key;
}

static void path_of(const sni_kernel_key *key, char path[256]) {
    char sub[3], file[35];
    sni_disk_names(key->hash, sub, file);
    snprintf(path, 256, "%s/%s/%s", dir, sub, file);
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static char *read_file(const char *path, size_t *out_size) {
    char *data = NULL;
    ck_assert_int_eq(sni_file_read(path, 1 << 24, &data, out_size), SINTER_OK);
    return data;
}

static sni_disk_answer load(const sni_kernel_key *key) {
    sni_disk_entry entry;
    sni_disk_answer answer = sni_disk_load(disk, key, &entry);
    ck_assert((answer == SNI_DISK_FOUND) == (entry.data != NULL));
    sni_free(entry.data);
    return answer;
}

static const char signature[] = "3\t4\tint\tn\n";
static const char binary[] = "this is what a driver gave";

static void store(const sni_kernel_key *key) {
    sni_disk_store(disk, key, signature, strlen(signature), binary, sizeof binary);
}

START_TEST(what_is_stored_is_loaded) {
    begin(0);
    sni_kernel_key key = make_key(1), other = make_key(2);
    ck_assert_int_eq(load(&key), SNI_DISK_MISSING);
    store(&key);
    sni_disk_entry entry;
    ck_assert_int_eq(sni_disk_load(disk, &key, &entry), SNI_DISK_FOUND);
    ck_assert_uint_eq(entry.signature_size, strlen(signature));
    ck_assert_int_eq(memcmp(entry.signature, signature, entry.signature_size), 0);
    ck_assert_uint_eq(entry.binary_size, sizeof binary);
    ck_assert_int_eq(memcmp(entry.binary, binary, sizeof binary), 0);
    sni_free(entry.data);
    ck_assert_int_eq(load(&other), SNI_DISK_MISSING);
    sni_disk_remove(disk, &key);
    ck_assert_int_eq(load(&key), SNI_DISK_MISSING);
    /* Without a disk everything is missing and nothing happens. */
    ck_assert_int_eq(sni_disk_load(NULL, &key, &entry), SNI_DISK_MISSING);
    sni_disk_store(NULL, &key, "", 0, "x", 1);
    sni_disk_remove(NULL, &key);
    sni_kernel_key_deinit(&key);
    sni_kernel_key_deinit(&other);
    end();
}
END_TEST

/* The content must be refused, counted as bad, and gone afterwards. */
static void expect_bad(const sni_kernel_key *key, const char *path, const void *data, size_t size, const char *what,
                       size_t at) {
    write_file(path, data, size);
    ck_assert_msg(load(key) == SNI_DISK_BAD, "%s at %zu was not noticed", what, at);
    ck_assert_msg(!sni_file_exists(path), "%s at %zu was not removed", what, at);
}

START_TEST(every_flipped_bit_is_noticed) {
    begin(0);
    sni_kernel_key key = make_key(1);
    char path[256];
    path_of(&key, path);
    store(&key);
    size_t size = 0;
    char *data = read_file(path, &size);
    for (size_t i = 0; i < size; ++i)
        for (int bit = 0; bit < 8; ++bit) {
            data[i] ^= (char)(1 << bit);
            expect_bad(&key, path, data, size, "a flipped bit", i);
            data[i] ^= (char)(1 << bit);
        }
    write_file(path, data, size);
    ck_assert_int_eq(load(&key), SNI_DISK_FOUND);
    sni_free(data);
    sni_kernel_key_deinit(&key);
    end();
}
END_TEST

START_TEST(every_other_length_is_noticed) {
    begin(0);
    sni_kernel_key key = make_key(1);
    char path[256];
    path_of(&key, path);
    store(&key);
    size_t size = 0;
    char *data = read_file(path, &size);
    for (size_t length = 0; length < size; ++length) expect_bad(&key, path, data, length, "a cut", length);
    char *longer = calloc(1, size + 100);
    memcpy(longer, data, size);
    expect_bad(&key, path, longer, size + 1, "a longer file", size + 1);
    expect_bad(&key, path, longer, size + 100, "a longer file", size + 100);
    memset(longer, 0xa5, size);
    expect_bad(&key, path, longer, size, "garbage", 0);
    free(longer);
    sni_free(data);
    sni_kernel_key_deinit(&key);
    end();
}
END_TEST

/* Puts the right checksum on changed content, as a version from the future would have it. */
static void seal(char *data, size_t size) {
    sni_hash128 hash = sni_hash128_of(data + 24, size - 24);
    memcpy(data + 8, &hash.low, 8);
    memcpy(data + 16, &hash.high, 8);
}

START_TEST(foreign_and_future_entries_are_noticed) {
    begin(0);
    sni_kernel_key key = make_key(1), other = make_key(2);
    char path[256], other_path[256];
    path_of(&key, path);
    path_of(&other, other_path);
    store(&other);
    store(&key);
    size_t size = 0;
    char *data = read_file(other_path, &size);
    expect_bad(&key, path, data, size, "another key's entry", 0);
    sni_free(data);
    store(&key);
    data = read_file(path, &size);
    seal(data, size);
    write_file(path, data, size);
    ck_assert_int_eq(load(&key), SNI_DISK_FOUND); /* sealing is right */
    static const size_t changed[] = {24, 25, 28, 32, 36, 40, 44, 48, 52, 55};
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; ++i) {
        char before = data[changed[i]];
        data[changed[i]] ^= 0x41;
        seal(data, size);
        expect_bad(&key, path, data, size, "a sealed change of the header", changed[i]);
        data[changed[i]] = before;
    }
    memset(data + 32, 0xff, 24); /* sizes whose sum wraps around */
    seal(data, size);
    expect_bad(&key, path, data, size, "huge sizes", 32);
    sni_free(data);
    sni_kernel_key_deinit(&key);
    sni_kernel_key_deinit(&other);
    end();
}
END_TEST

static uint64_t bytes_on_disk(uint64_t *out_entries) {
    sni_cache_usage usage;
    ck_assert_int_eq(sni_cache_usage_of(dir, true, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.bad, 0);
    if (out_entries) *out_entries = usage.entries;
    return usage.bytes;
}

static void set_age(const char *path, long seconds) {
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= seconds;
    times[1] = times[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(eviction_keeps_the_cap_and_the_recently_used) {
    enum { CAP = 100000, ENTRIES = 60, BYTES = 9000 };
    begin(CAP);
    char *large = calloc(1, BYTES), path[256];
    sni_kernel_key first = make_key(0);
    for (int i = 0; i < ENTRIES; ++i) {
        sni_kernel_key key = make_key(i);
        sni_disk_store(disk, &key, "", 0, large, BYTES);
        ck_assert_uint_le(bytes_on_disk(NULL), CAP);
        ck_assert_int_eq(load(&key), SNI_DISK_FOUND); /* the newest is always there */
        path_of(&key, path);
        set_age(path, 2000 - i);                                   /* as if written long ago, in order */
        if (i > 0) ck_assert_int_eq(load(&first), SNI_DISK_FOUND); /* used, so touched: never the oldest */
        sni_kernel_key_deinit(&key);
    }
    uint64_t entries = 0;
    ck_assert_uint_gt(bytes_on_disk(&entries), CAP / 2);
    ck_assert_uint_lt(entries, 12);
    sni_kernel_key gone = make_key(1);
    ck_assert_int_eq(load(&gone), SNI_DISK_MISSING);
    sni_kernel_key_deinit(&gone);
    sni_kernel_key_deinit(&first);
    free(large);
    end();
}
END_TEST

START_TEST(too_large_an_entry_is_not_stored) {
    begin(1000);
    char *large = calloc(1, 2000);
    sni_kernel_key key = make_key(1), small = make_key(2);
    store(&small);
    sni_disk_store(disk, &key, "", 0, large, 2000);
    ck_assert_int_eq(load(&key), SNI_DISK_MISSING);
    ck_assert_int_eq(load(&small), SNI_DISK_FOUND);
    sni_disk_store(disk, &key, "", 0, large, 0); /* an empty binary is none */
    ck_assert_int_eq(load(&key), SNI_DISK_MISSING);
    sni_kernel_key_deinit(&key);
    sni_kernel_key_deinit(&small);
    free(large);
    end();
}
END_TEST

static int64_t mtime_of(const char *path) {
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    return (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

START_TEST(use_is_noted_at_most_once_a_minute) {
    begin(0);
    sni_kernel_key key = make_key(1);
    char path[256];
    path_of(&key, path);
    store(&key);
    set_age(path, 30);
    int64_t before = mtime_of(path);
    ck_assert_int_eq(load(&key), SNI_DISK_FOUND);
    ck_assert_int_eq(mtime_of(path), before);
    set_age(path, 90);
    before = mtime_of(path);
    ck_assert_int_eq(load(&key), SNI_DISK_FOUND);
    ck_assert_int_gt(mtime_of(path), before + (int64_t)60 * 1000000000);
    sni_kernel_key_deinit(&key);
    end();
}
END_TEST

START_TEST(maintenance_leaves_what_is_not_ours) {
    begin(0);
    sni_kernel_key key = make_key(1);
    char path[256], foreign[256], temporary[300], misplaced[256];
    path_of(&key, path);
    store(&key);
    snprintf(foreign, sizeof foreign, "%s/notes.txt", dir);
    write_file(foreign, "mine", 4);
    sni_cache_usage usage;
    ck_assert_int_eq(sni_cache_usage_of(dir, true, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.entries, 1);
    ck_assert_uint_eq(usage.bad, 0);
    /* A good entry under another's name is bad. */
    size_t size = 0;
    char *data = read_file(path, &size);
    snprintf(misplaced, sizeof misplaced, "%s", path);
    misplaced[strlen(misplaced) - 5] ^= 1;
    if (misplaced[strlen(misplaced) - 5] == '`') misplaced[strlen(misplaced) - 5] = 'b';
    write_file(misplaced, data, size);
    ck_assert_int_eq(sni_cache_usage_of(dir, true, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.bad, 1);
    ck_assert_int_eq(sni_cache_usage_of(dir, false, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.bad, 0);
    ck_assert_uint_eq(usage.entries, 2);
    ck_assert_uint_eq(usage.bytes, 2 * size);
    /* A writer's temporary stays while it may be alive. */
    snprintf(temporary, sizeof temporary, "%s.tmp-1-2-3", path);
    write_file(temporary, data, size);
    sni_disk_evict(dir, 1 << 20);
    ck_assert(sni_file_exists(temporary));
    set_age(temporary, 7200);
    sni_disk_evict(dir, 1 << 20);
    ck_assert(!sni_file_exists(temporary));
    ck_assert(sni_file_exists(path));
    write_file(temporary, data, size);
    ck_assert_int_eq(sni_cache_clear(dir, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.entries, 2);
    ck_assert(!sni_file_exists(path) && !sni_file_exists(temporary));
    ck_assert(sni_file_exists(foreign));
    ck_assert_int_eq(sni_cache_usage_of("/nonexistent/cache", true, &usage), SINTER_OK);
    ck_assert_uint_eq(usage.entries, 0);
    ck_assert_int_eq(sni_cache_clear("/nonexistent/cache", &usage), SINTER_OK);
    sni_free(data);
    sni_kernel_key_deinit(&key);
    end();
}
END_TEST

static int warnings;

static void count_warnings(void *context, int level, const char *line) {
    (void)context, (void)line;
    warnings += level <= 1;
}

START_TEST(a_directory_that_cannot_be_used_is_said_once) {
    begin(0);
    char file[256], below[300];
    sni_kernel_key key = make_key(1);
    snprintf(file, sizeof file, "%s/file", dir);
    snprintf(below, sizeof below, "%s/cache", file);
    write_file(file, "x", 1);
    warnings = 0;
    sinter_log_set(count_warnings, NULL);
    sni_disk *none = NULL;
    ck_assert_int_eq(sni_disk_create(below, 0, &none), SINTER_OK);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(warnings, 1);
    ck_assert_int_eq(sni_disk_create("", 0, &none), SINTER_OK);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(warnings, 1);
    /* It was there when the cache was made, and a file stands in its place now. */
    sni_disk *doomed = NULL;
    snprintf(below, sizeof below, "%s/doomed", dir);
    ck_assert_int_eq(sni_disk_create(below, 0, &doomed), SINTER_OK);
    ck_assert_ptr_nonnull(doomed);
    ck_assert_int_eq(rmdir(below), 0);
    write_file(below, "x", 1);
    for (int i = 0; i < 3; ++i) sni_disk_store(doomed, &key, "", 0, "binary", 6);
    ck_assert_int_eq(warnings, 2);
    sni_disk_entry entry;
    ck_assert_int_eq(sni_disk_load(doomed, &key, &entry), SNI_DISK_MISSING);
    sni_disk_release(doomed);
    sinter_log_set(NULL, NULL);
    sni_kernel_key_deinit(&key);
    end();
}
END_TEST

START_TEST(the_default_directory) {
    char *path = NULL, *cache = getenv("SINTER_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME");
    char *saved_cache = cache ? strdup(cache) : NULL, *saved_xdg = xdg ? strdup(xdg) : NULL;
    setenv("SINTER_CACHE_DIR", "/a", 1);
    setenv("XDG_CACHE_HOME", "/x", 1);
    ck_assert_int_eq(sni_cache_dir(NULL, &path), SINTER_OK);
    ck_assert_str_eq(path, "/a");
    sni_free(path);
    ck_assert_int_eq(sni_cache_dir("/given", &path), SINTER_OK);
    ck_assert_str_eq(path, "/given");
    sni_free(path);
    unsetenv("SINTER_CACHE_DIR");
    ck_assert_int_eq(sni_cache_dir(NULL, &path), SINTER_OK);
    ck_assert_str_eq(path, "/x/sinter");
    sni_free(path);
    setenv("XDG_CACHE_HOME", "relative", 1); /* the standard says to ignore it */
    ck_assert_int_eq(sni_cache_dir(NULL, &path), SINTER_OK);
    ck_assert_ptr_null(strstr(path, "relative"));
    sni_free(path);
    if (saved_cache) setenv("SINTER_CACHE_DIR", saved_cache, 1);
    if (saved_xdg)
        setenv("XDG_CACHE_HOME", saved_xdg, 1);
    else
        unsetenv("XDG_CACHE_HOME");
    free(saved_cache);
    free(saved_xdg);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernel disk");
    TCase *cases = tcase_create("disk");
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, what_is_stored_is_loaded);
    tcase_add_test(cases, every_flipped_bit_is_noticed);
    tcase_add_test(cases, every_other_length_is_noticed);
    tcase_add_test(cases, foreign_and_future_entries_are_noticed);
    tcase_add_test(cases, eviction_keeps_the_cap_and_the_recently_used);
    tcase_add_test(cases, too_large_an_entry_is_not_stored);
    tcase_add_test(cases, use_is_noted_at_most_once_a_minute);
    tcase_add_test(cases, maintenance_leaves_what_is_not_ours);
    tcase_add_test(cases, a_directory_that_cannot_be_used_is_said_once);
    tcase_add_test(cases, the_default_directory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
