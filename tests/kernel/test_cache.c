/* The kernel cache with a device: memory, disk, damaged entries, a driver that refuses, many
 * threads. */
#include <pthread.h>

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

/* ---- Threads ------------------------------------------------------------------------------------
 */

enum { THREADS = 8, KERNELS = 3 };

typedef struct worker {
    pthread_t thread;
    sni_kernel_cache *cache;
    pthread_barrier_t *start;
    int number;
    sni_program *programs[KERNELS];
    sinter_status status;
    bool failed_as_it_must;
} worker;

/* All threads ask for the same kernels in the same order, and each for one of its own and for one
 * that does not compile. Checks are made by the main thread, because check is not for threads. */
static void *work(void *context) {
    worker *w = context;
    char text[256];
    pthread_barrier_wait(w->start);
    sni_program *broken = NULL;
    sni_program_source bad = {.text = "__kernel void add( {", .entry = "add"};
    w->failed_as_it_must = sni_program_build(w->cache, &bad, &broken) == SINTER_BUILD && !broken &&
                           strstr(sinter_last_error(), "kernel:1") != NULL;
    for (int i = 0; i < KERNELS && w->status == SINTER_OK; ++i) {
        fixture_source(i == KERNELS - 1 ? 100 + w->number : i, text, sizeof text);
        sni_program_source source = {.text = text, .entry = "add"};
        w->status = sni_program_build(w->cache, &source, &w->programs[i]);
        if (w->status != SINTER_OK) break;
        sni_launch *launch = NULL;
        w->status = sni_launch_create(w->programs[i], &launch);
        sni_launch_release(launch);
        sni_program_launched(w->programs[i]);
    }
    return NULL;
}

static void run_workers(sni_kernel_cache *cache, worker workers[THREADS]) {
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; ++i) {
        workers[i] = (worker){.cache = cache, .start = &start, .number = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
}

START_TEST(threads_share_builds) {
    fixture_begin();
    for (int round = 0; round < 2; ++round) {
        sni_kernel_cache *cache = fixture_cache(fixture_dir);
        worker workers[THREADS];
        run_workers(cache, workers);
        for (int i = 0; i < THREADS; ++i) {
            ck_assert_int_eq(workers[i].status, SINTER_OK);
            ck_assert(workers[i].failed_as_it_must);
            for (int k = 0; k < KERNELS; ++k) {
                bool own = k == KERNELS - 1;
                if (!own) ck_assert_ptr_eq(workers[i].programs[k], workers[0].programs[k]);
                fixture_run(workers[i].programs[k], own ? 100 + i : k);
                sni_program_release(workers[i].programs[k]);
            }
        }
        sni_kernel_cache_stats stats = fixture_stats(cache);
        ck_assert_uint_eq(stats.compiled, round ? 0 : THREADS + KERNELS - 1);
        ck_assert_uint_eq(stats.loaded, round ? THREADS + KERNELS - 1 : 0);
        ck_assert_uint_eq(stats.rejected, 0);
        sni_kernel_cache_release(cache);
    }
    fixture_end();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("cache");
    tcase_add_test(cases, one_build_for_one_key);
    tcase_add_test(cases, a_second_cache_compiles_nothing);
    tcase_add_test(cases, damaged_entries_are_built_again);
    tcase_add_test(cases, a_refused_binary_is_built_again);
    tcase_add_test(cases, works_without_a_directory);
    tcase_add_test(cases, release_saves_what_is_left);
    tcase_add_test(cases, another_driver_is_another_key);
    tcase_add_test(cases, threads_share_builds);
    return fixture_main(cases, "kernel cache");
}
