/* The kernel cache with a device: memory, disk, damaged entries, a driver that refuses. */
#include "kernel/disk.h"
#include "kernel/fixture.h"
#include "kernel/program.h"

START_TEST(one_build_for_one_key) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    sni_program *first = fixture_build(cache, 1), *second = fixture_build(cache, 1);
    sni_program *other = fixture_build(cache, 2);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, other);
    sni_kernel_cache_stats stats = fixture_stats(cache);
    ck_assert_uint_eq(stats.compiled, 2);
    ck_assert_uint_eq(stats.loaded, 0);
    ck_assert_uint_gt(stats.build_ns, 0);
    fixture_run(first, 1);
    fixture_run(other, 2);
    sni_program_release(first);
    sni_program_release(second);
    /* Programs outlive the cache that made them. */
    sni_kernel_cache_release(cache);
    fixture_run(other, 2);
    sni_program_release(other);
    sni_program_release(NULL);
    fixture_end();
}
END_TEST

START_TEST(a_second_cache_compiles_nothing) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    ck_assert_uint_eq(fixture_stats(cache).compiled, 1);
    sni_kernel_cache *second = fixture_cache(fixture_dir); /* while the first is alive */
    fixture_use(second, 1);
    sni_kernel_cache_stats stats = fixture_stats(second);
    ck_assert_uint_eq(stats.compiled, 0);
    ck_assert_uint_eq(stats.loaded, 1);
    ck_assert_uint_eq(stats.rejected, 0);
    fixture_use(second, 2);
    ck_assert_uint_eq(fixture_stats(second).compiled, 1);
    sni_kernel_cache_release(cache);
    sni_kernel_cache_release(second);
    fixture_end();
}
END_TEST

static void path_of_program(const sni_program *program, char path[256]) {
    char sub[3], file[35];
    sni_disk_names(program->key.hash, sub, file);
    snprintf(path, 256, "%s/%s/%s", fixture_dir, sub, file);
}

/* Stores kernel 1 and returns its entry. */
static char *make_entry(char path[256], size_t *out_size) {
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    sni_program *program = fixture_build(cache, 1);
    fixture_run(program, 1);
    path_of_program(program, path);
    sni_program_release(program);
    sni_kernel_cache_release(cache);
    char *data = NULL;
    ck_assert_int_eq(sni_file_read(path, 1 << 26, &data, out_size), SINTER_OK);
    return data;
}

/* Right results whatever the entry holds; it is counted, and replaced by a good one. */
static void expect_repair(const char *path, const char *data, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    sni_kernel_cache_stats stats = fixture_stats(cache);
    ck_assert_uint_eq(stats.rejected, 1);
    ck_assert_uint_eq(stats.compiled, 1);
    ck_assert_uint_eq(stats.loaded, 0);
    sni_kernel_cache_release(cache);
    cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    ck_assert_uint_eq(fixture_stats(cache).loaded, 1);
    sni_kernel_cache_release(cache);
}

START_TEST(damaged_entries_are_built_again) {
    enum { PLACES = 16 };
    fixture_begin();
    char path[256];
    size_t size = 0;
    char *data = make_entry(path, &size);
    for (size_t i = 0; i < PLACES; ++i) {
        size_t at = i * (size - 1) / (PLACES - 1);
        data[at] ^= 0x10;
        expect_repair(path, data, size);
        data[at] ^= 0x10;
    }
    for (size_t i = 0; i < 4; ++i) expect_repair(path, data, i * (size - 1) / 3);
    sni_free(data);
    fixture_end();
}
END_TEST

/* The entry is whole, but the driver does not take what it holds. Mesa's rusticl ends the process
 * on a binary that it does not know, instead of refusing it; only the checksum and the key protect
 * from that one. */
START_TEST(a_refused_binary_is_built_again) {
    static const char garbage[] = "no driver takes this";
    fixture_begin();
    if (strstr(fixture_device->caps.platform, "rusticl")) {
        fixture_end();
        return;
    }
    char path[256];
    size_t size = 0;
    sni_free(make_entry(path, &size));
    for (int round = 0; round < 3; ++round) {
        sni_kernel_cache *cache = fixture_cache("");
        sni_program *program = fixture_build(cache, 1);
        sni_disk *disk = NULL;
        sni_str signature = SNI_STR_INIT;
        ck_assert_int_eq(sni_disk_create(fixture_dir, 0, &disk), SINTER_OK);
        sni_signature_print(&program->signature, &signature);
        /* A bad binary; bad signatures with it. */
        const char *text = round == 0 ? sni_str_text(&signature) : round == 1 ? "9\t\t\n" : "";
        sni_disk_store(disk, &program->key, text, strlen(text), garbage, sizeof garbage);
        sni_disk_release(disk);
        sni_str_deinit(&signature);
        sni_program_release(program);
        sni_kernel_cache_release(cache);
        cache = fixture_cache(fixture_dir);
        fixture_use(cache, 1);
        sni_kernel_cache_stats stats = fixture_stats(cache);
        ck_assert_uint_eq(stats.rejected, 1);
        ck_assert_uint_eq(stats.compiled, 1);
        sni_kernel_cache_release(cache);
        cache = fixture_cache(fixture_dir);
        fixture_use(cache, 1);
        ck_assert_uint_eq(fixture_stats(cache).loaded, 1);
        sni_kernel_cache_release(cache);
    }
    fixture_end();
}
END_TEST

START_TEST(works_without_a_directory) {
    fixture_begin();
    char file[128], below[160];
    snprintf(file, sizeof file, "%s/file", fixture_dir);
    snprintf(below, sizeof below, "%s/cache", file);
    FILE *blocker = fopen(file, "wb");
    ck_assert_ptr_nonnull(blocker);
    fclose(blocker);
    sni_kernel_cache *cache = fixture_cache(below);
    fixture_use(cache, 1);
    ck_assert_uint_eq(fixture_stats(cache).compiled, 1);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

/* What was compiled but never launched is saved when the cache goes. */
START_TEST(release_saves_what_is_left) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    sni_program_release(fixture_build(cache, 1));
    sni_kernel_cache_release(cache);
    cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    ck_assert_uint_eq(fixture_stats(cache).loaded, 1);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

/* A key with another driver in it does not find the entry. */
START_TEST(another_driver_is_another_key) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    sni_kernel_cache_release(cache);
    fixture_device->caps.identity[0] = fixture_device->caps.identity[0] == '0' ? '1' : '0';
    cache = fixture_cache(fixture_dir);
    fixture_use(cache, 1);
    ck_assert_uint_eq(fixture_stats(cache).loaded, 0);
    ck_assert_uint_eq(fixture_stats(cache).compiled, 1);
    ck_assert_uint_eq(fixture_stats(cache).rejected, 0);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

/* A full memory cache lets go of what nobody holds, oldest first, and of nothing else. */
START_TEST(idle_programs_are_dropped) {
    fixture_begin();
    sni_kernel_cache *cache = fixture_cache("");
    cache->most_programs = 3;
    sni_program *held = fixture_build(cache, 0);
    for (int i = 1; i <= 4; ++i) sni_program_release(fixture_build(cache, i));
    ck_assert_uint_eq(fixture_stats(cache).compiled, 5);
    ck_assert_uint_le(HASH_COUNT(cache->table), 4);
    sni_program *again = fixture_build(cache, 0);
    ck_assert_ptr_eq(again, held);
    fixture_use(cache, 4); /* the newest is still there */
    ck_assert_uint_eq(fixture_stats(cache).compiled, 5);
    fixture_use(cache, 1); /* the oldest that nobody held is not */
    ck_assert_uint_eq(fixture_stats(cache).compiled, 6);
    fixture_run(held, 0);
    sni_program_release(held);
    sni_program_release(again);
    sni_kernel_cache_release(cache);
    fixture_end();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("cache");
    tcase_add_test(cases, one_build_for_one_key);
    tcase_add_test(cases, a_second_cache_compiles_nothing);
    tcase_add_test(cases, damaged_entries_are_built_again);
    tcase_add_test(cases, a_refused_binary_is_built_again);
    tcase_add_test(cases, idle_programs_are_dropped);
    tcase_add_test(cases, works_without_a_directory);
    tcase_add_test(cases, release_saves_what_is_left);
    tcase_add_test(cases, another_driver_is_another_key);
    return fixture_main(cases, "kernel cache");
}
