/* The buffer pool on a real device: reuse, cap, trim, statistics, retry, parts, threads. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "check_main.h"
#include "memory/mem.h"

static sni_device *g_device;

static sni_pool *make_pool(uint64_t max_idle) {
    sni_pool *pool = NULL;
    ck_assert_int_eq(sni_pool_create(g_device, max_idle, &pool), SINTER_OK);
    return pool;
}

static sni_pool_stats stats_of(sni_pool *pool) {
    sni_pool_stats stats;
    sni_pool_get_stats(pool, &stats);
    return stats;
}

static sni_mem *acquire(sni_pool *pool, size_t size) {
    sni_mem *mem = NULL;
    sinter_status status = sni_mem_acquire(pool, size, &mem);
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
    ck_assert_uint_eq(sni_mem_size(mem), size);
    return mem;
}

START_TEST(rounding_is_bounded) {
    int last_bin = -1;
    size_t last = 0;
    for (size_t size = 0; size < (size_t)1 << 40; size += 1 + size / 37) {
        int bin;
        size_t rounded = sni_pool_round(size, &bin);
        ck_assert(rounded >= size && rounded >= last && bin >= last_bin);
        ck_assert_msg(bin == last_bin ? rounded == last : rounded > last, "size %zu", size);
        if (size > 65536) ck_assert_msg(rounded - size <= size / 8, "size %zu", size);
        if (size > 256) ck_assert_msg(rounded - size <= size / 4, "size %zu", size);
        int again;
        ck_assert_uint_eq(sni_pool_round(rounded, &again), rounded);
        ck_assert_int_eq(again, bin);
        last = rounded;
        last_bin = bin;
    }
    int bin;
    ck_assert_uint_eq(sni_pool_round(SIZE_MAX, &bin), SIZE_MAX);
    ck_assert(bin >= 0 && bin < 512);
}
END_TEST

START_TEST(reuse) {
    sni_pool *pool = make_pool(0);
    sni_mem *a = acquire(pool, 100000);
    cl_mem handle = sni_mem_handle_of(a);
    ck_assert_uint_eq(stats_of(pool).allocations, 1);
    uint64_t in_use = stats_of(pool).bytes_in_use;
    ck_assert(in_use >= 100000 && in_use <= 112500);
    sni_mem_release(a);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, 0);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, in_use);
    sni_mem *b = acquire(pool, 100001); /* the same class */
    ck_assert_ptr_eq(sni_mem_handle_of(b), handle);
    ck_assert_uint_eq(stats_of(pool).allocations, 1);
    sni_mem *c = acquire(pool, 100001);
    ck_assert_ptr_ne(sni_mem_handle_of(c), handle);
    ck_assert_uint_eq(stats_of(pool).bytes_peak, 2 * in_use);
    sni_mem_release(b);
    sni_mem *d = acquire(pool, 200000); /* another class */
    ck_assert_ptr_ne(sni_mem_handle_of(d), handle);
    sni_mem_release(c);
    sni_mem_release(d);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, 0);
    sni_pool_release(pool);
}
END_TEST

START_TEST(cap_and_trim) {
    sni_pool *pool = make_pool(1 << 20);
    sni_mem *held[8];
    for (int i = 0; i < 8; ++i) held[i] = acquire(pool, 256 << 10);
    uint64_t one = stats_of(pool).bytes_in_use / 8;
    ck_assert_uint_eq(one, 256 << 10);
    cl_mem last = sni_mem_handle_of(held[7]);
    for (int i = 0; i < 8; ++i) sni_mem_release(held[i]);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, 4 * one);
    /* Those that became idle first went; the latest is used first. */
    sni_mem *again = acquire(pool, 256 << 10);
    ck_assert_ptr_eq(sni_mem_handle_of(again), last);
    sni_mem_release(again);
    sni_pool_trim(pool, 2 * one);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, 2 * one);
    sni_pool_trim(pool, one + 1);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, one);
    sni_mem *large = acquire(pool, 3 << 20);
    sni_mem_release(large); /* more than the cap: not kept, and pushes nothing else out for long */
    ck_assert_uint_le(stats_of(pool).bytes_idle, 1 << 20);
    sni_pool_trim(pool, 0);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, 0);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, 0);
    sni_pool_release(pool);
}
END_TEST

START_TEST(out_of_memory_is_retried) {
    sni_pool *pool = make_pool(0);
    sni_mem_release(acquire(pool, 1 << 20));
    ck_assert_uint_gt(stats_of(pool).bytes_idle, 0);
    sni_pool_fail_next(pool, 1);
    sni_mem *mem = acquire(pool, 3000);
    ck_assert_uint_eq(stats_of(pool).bytes_idle, 0);
    sni_pool_fail_next(pool, 2);
    sni_mem *none = mem;
    ck_assert_int_eq(sni_mem_acquire(pool, 4 << 20, &none), SINTER_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(sinter_last_error(), "4194304") && strstr(sinter_last_error(), "CL_MEM_"), "%s",
                  sinter_last_error());
    uint64_t in_use = stats_of(pool).bytes_in_use;
    ck_assert_int_eq(sni_mem_acquire(pool, SIZE_MAX, &none), SINTER_OUT_OF_DEVICE_MEMORY);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, in_use);
    sni_mem_release(mem);
    sni_pool_release(pool);
}
END_TEST

START_TEST(parts) {
    sni_pool *pool = make_pool(0);
    size_t align = g_device->caps.mem_align_bytes;
    ck_assert_uint_gt(align, 0);
    sni_mem *whole = acquire(pool, 8 * align);
    ck_assert_int_eq(sni_mem_fill(whole, 0xab), SINTER_OK);
    sni_mem *part = NULL, *inner = NULL, *empty = NULL;
    ck_assert_int_eq(sni_mem_sub(whole, 2 * align, 4 * align, &part), SINTER_OK);
    ck_assert_int_eq(sni_mem_sub(part, align, 5, &inner), SINTER_OK);
    ck_assert_int_eq(sni_mem_sub(whole, 8 * align, 0, &empty), SINTER_OK);
    ck_assert_uint_eq(sni_mem_size(inner), 5);
    ck_assert_int_eq(sni_mem_write(inner, 0, "hello", 5, true), SINTER_OK);
    char *bytes = malloc(8 * align);
    ck_assert_int_eq(sni_mem_read(whole, 0, bytes, 8 * align, true), SINTER_OK);
    ck_assert_mem_eq(bytes + 3 * align, "hello", 5);
    ck_assert_int_eq((unsigned char)bytes[3 * align - 1], 0xab);
    ck_assert_int_eq((unsigned char)bytes[3 * align + 5], 0xab);
    ck_assert_int_eq((unsigned char)bytes[8 * align - 1], 0xab);
    sni_mem *bad = whole;
    if (align > 1) ck_assert_int_eq(sni_mem_sub(whole, align / 2, 5, &bad), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_mem_sub(whole, 8 * align, 1, &bad), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_mem_sub(part, align, SIZE_MAX, &bad), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(bad);
    /* The whole stays in use until its parts are gone. */
    sni_mem_release(whole);
    ck_assert_uint_gt(stats_of(pool).bytes_in_use, 0);
    sni_mem_release(part);
    sni_mem_release(empty);
    ck_assert_uint_gt(stats_of(pool).bytes_in_use, 0);
    sni_mem_release(inner);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, 0);
    free(bytes);
    sni_pool_release(pool);
}
END_TEST

START_TEST(copies) {
    sni_pool *pool = make_pool(0);
    sni_mem *mem = acquire(pool, 10), *empty = acquire(pool, 0);
    char back[10] = {0};
    ck_assert_int_eq(sni_mem_write(mem, 0, "0123456789", 10, false), SINTER_OK);
    ck_assert_int_eq(sni_mem_write(mem, 3, "xyz", 3, false), SINTER_OK);
    void *event = NULL;
    ck_assert_int_eq(sni_mem_read(mem, 0, back, 10, false), SINTER_OK);
    ck_assert_int_eq(sni_queue_marker(g_device, &event), SINTER_OK);
    ck_assert_int_eq(sni_queue_flush(g_device), SINTER_OK);
    ck_assert_int_eq(sni_queue_wait(event), SINTER_OK);
    ck_assert_mem_eq(back, "012xyz6789", 10);
    ck_assert_int_eq(sni_mem_read(mem, 8, back, 3, true), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_mem_write(mem, SIZE_MAX, back, 2, true), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_mem_write(empty, 0, back, 0, true), SINTER_OK);
    ck_assert_int_eq(sni_mem_write(empty, 0, back, 1, true), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_mem_fill(empty, 1), SINTER_OK);
    ck_assert_int_eq(sni_queue_finish(g_device), SINTER_OK);
    ck_assert_int_eq(sni_queue_wait(NULL), SINTER_INVALID_ARGUMENT);
    sni_mem_release(mem);
    sni_mem_release(empty);
    sni_pool_release(pool);
}
END_TEST

START_TEST(buffers_outlive_their_pool) {
    sni_pool *pool = make_pool(0);
    sni_mem *mem = acquire(pool, 1000);
    sni_pool_release(pool);
    char byte = 7;
    ck_assert_int_eq(sni_mem_write(mem, 999, &byte, 1, true), SINTER_OK);
    sni_mem_release(mem);
    sni_mem_release(NULL);
    sni_pool_release(NULL);
}
END_TEST

START_TEST(host_memory_failures) {
    sni_pool *pool = NULL;
    for (int64_t nth = 1;; ++nth) {
        sni_alloc_fail_at(nth);
        sinter_status status = sni_pool_create(g_device, 0, &pool);
        sni_mem *mem = NULL, *part = NULL;
        if (status == SINTER_OK) status = sni_mem_acquire(pool, 5000, &mem);
        if (status == SINTER_OK) status = sni_mem_sub(mem, 0, 10, &part);
        sni_alloc_fail_at(0);
        sni_mem_release(part);
        sni_mem_release(mem);
        sni_pool_release(pool);
        pool = NULL;
        if (status == SINTER_OK) {
            ck_assert_int_ge(nth, 4);
            break;
        }
        ck_assert_int_eq(status, SINTER_OUT_OF_MEMORY);
    }
}
END_TEST

enum { THREADS = 8, ROUNDS = 100, HELD = 4 };

/* Every buffer holds its thread's byte while it is held: no buffer is handed out twice. */
static bool check_held(sni_mem *mem, unsigned char wanted) {
    unsigned char got = 0;
    return sni_mem_read(mem, sni_mem_size(mem) - 1, &got, 1, true) == SINTER_OK && got == wanted;
}

typedef struct worker {
    sni_pool *pool;
    unsigned char byte;
    bool ok;
} worker;

static void *work(void *context) {
    worker *me = context;
    sni_mem *held[HELD] = {0};
    unsigned state = me->byte;
    me->ok = true;
    for (int round = 0; round < ROUNDS && me->ok; ++round) {
        state = state * 1103515245u + 12345u;
        sni_mem **slot = &held[round % HELD];
        if (*slot) me->ok = check_held(*slot, me->byte);
        sni_mem_release(*slot);
        *slot = NULL;
        size_t size = 1 + (state >> 16) % 5000;
        if (sni_mem_acquire(me->pool, size, slot) != SINTER_OK ||
            sni_mem_write(*slot, size - 1, &me->byte, 1, true) != SINTER_OK)
            me->ok = false;
        if (round % 17 == 0) sni_pool_trim(me->pool, 4096);
    }
    for (int i = 0; i < HELD; ++i) sni_mem_release(held[i]);
    return NULL;
}

START_TEST(threads_share_a_pool) {
    sni_pool *pool = make_pool(64 << 10);
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        workers[i] = (worker){pool, (unsigned char)(i + 1), false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; ++i) ck_assert(workers[i].ok);
    ck_assert_uint_eq(stats_of(pool).bytes_in_use, 0);
    ck_assert_uint_le(stats_of(pool).bytes_idle, 64 << 10);
    sni_pool_release(pool);
}
END_TEST

int main(void) {
    if (sni_device_open(NULL, &g_device) != SINTER_OK) {
        fprintf(stderr, "%s\n", sinter_last_error());
        return EXIT_FAILURE;
    }
    const TTest *const tests[] = {rounding_is_bounded,
                                  reuse,
                                  cap_and_trim,
                                  out_of_memory_is_retried,
                                  parts,
                                  copies,
                                  buffers_outlive_their_pool,
                                  host_memory_failures,
                                  threads_share_a_pool};
    int result = run_suite(suite_of("pool", tests, sizeof tests / sizeof *tests));
    sni_device_release(g_device);
    return result;
}
