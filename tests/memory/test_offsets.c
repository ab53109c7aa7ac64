/* The offset planner against a brute-force check of its promise, and its packing against bounds. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "check_main.h"
#include "memory/offsets.h"

static uint64_t g_state = 88172645463325252u;

static uint64_t draw(uint64_t below) {
    g_state ^= g_state << 13;
    g_state ^= g_state >> 7;
    g_state ^= g_state << 17;
    return g_state % below;
}

static bool overlap(const sni_lifetime *a, const sni_lifetime *b) {
    return a->first <= b->last && b->first <= a->last && a->offset_bytes < b->offset_bytes + b->size_bytes &&
           b->offset_bytes < a->offset_bytes + a->size_bytes;
}

/* Every promise of the header, checked the slow way. */
static void check_plan(const sni_lifetime *items, size_t count, uint64_t align, uint64_t total) {
    for (size_t i = 0; i < count; ++i) {
        ck_assert_uint_eq(items[i].offset_bytes % align, 0);
        if (!items[i].size_bytes) {
            ck_assert_uint_eq(items[i].offset_bytes, 0);
            continue;
        }
        ck_assert_uint_le(items[i].offset_bytes + items[i].size_bytes, total);
        size_t j = 0;
        while (j < i && !(items[j].size_bytes && overlap(&items[i], &items[j]))) ++j;
        ck_assert_msg(j == i, "items %zu and %zu share bytes", i, j);
    }
}

static uint64_t load_bound(const sni_lifetime *items, size_t count, uint64_t align, int steps) {
    uint64_t highest = 0;
    for (int step = 0; step < steps; ++step) {
        uint64_t load = 0;
        for (size_t i = 0; i < count; ++i)
            if (items[i].first <= step && step <= items[i].last)
                load += (items[i].size_bytes + align - 1) / align * align;
        if (load > highest) highest = load;
    }
    return highest;
}

START_TEST(random_lifetimes) {
    double worst = 0, sum = 0;
    enum { ROUNDS = 400 };
    for (int round = 0; round < ROUNDS; ++round) {
        size_t count = 1 + (size_t)draw(120);
        int steps = 1 + (int)draw(60);
        uint64_t align = (uint64_t)1 << draw(13);
        sni_lifetime items[120];
        for (size_t i = 0; i < count; ++i) {
            items[i].first = (int)draw((uint64_t)steps);
            int life = (int)draw(draw(4) ? 4 : (uint64_t)steps);
            items[i].last = items[i].first + life < steps ? items[i].first + life : steps - 1;
            items[i].size_bytes = draw(10) ? draw(draw(2) ? 5000 : 4000000) : 0;
            items[i].offset_bytes = 12345;
        }
        uint64_t total = 99;
        ck_assert_int_eq(sni_offsets_plan(items, count, align, &total), SINTER_OK);
        check_plan(items, count, align, total);
        uint64_t bound = load_bound(items, count, align, steps);
        ck_assert_uint_ge(total, bound);
        double ratio = bound ? (double)total / (double)bound : 1;
        sum += ratio;
        if (ratio > worst) worst = ratio;
    }
    /* The bound cannot always be reached; random sets come within a few per cent of it. */
    ck_assert_msg(sum / ROUNDS < 1.03, "mean %.3f of the bound", sum / ROUNDS);
    ck_assert_msg(worst < 1.25, "worst %.3f of the bound", worst);
}
END_TEST

START_TEST(chain_needs_two_buffers) {
    sni_lifetime items[100];
    for (int i = 0; i < 100; ++i) items[i] = (sni_lifetime){1000, i, i + 1, 0};
    uint64_t total;
    ck_assert_int_eq(sni_offsets_plan(items, 100, 64, &total), SINTER_OK);
    check_plan(items, 100, 64, total);
    ck_assert_uint_eq(total, 2 * 1024);
}
END_TEST

START_TEST(best_gap_is_taken) {
    /* Two holes under long-lived blocks; the small item fits the small hole only just. */
    sni_lifetime items[] = {{4096, 0, 9, 0}, {512, 0, 1, 0}, {4096, 0, 9, 0}, {2048, 0, 1, 0},
                            {4096, 0, 9, 0}, {512, 4, 5, 0}, {2048, 4, 5, 0}};
    uint64_t total;
    size_t count = sizeof items / sizeof *items;
    ck_assert_int_eq(sni_offsets_plan(items, count, 256, &total), SINTER_OK);
    check_plan(items, count, 256, total);
    ck_assert_uint_eq(total, 3 * 4096 + 512 + 2048);
}
END_TEST

START_TEST(edges) {
    uint64_t total = 7;
    ck_assert_int_eq(sni_offsets_plan(NULL, 0, 16, &total), SINTER_OK);
    ck_assert_uint_eq(total, 0);
    sni_lifetime empty[] = {{0, 0, 3, 5}, {0, 1, 2, 5}};
    ck_assert_int_eq(sni_offsets_plan(empty, 2, 16, &total), SINTER_OK);
    ck_assert_uint_eq(total, 0);
    check_plan(empty, 2, 16, 0);
    sni_lifetime extreme[] = {{10, INT32_MIN, INT32_MAX, 0}, {10, 0, 0, 0}, {10, INT32_MAX, INT32_MAX, 0}};
    ck_assert_int_eq(sni_offsets_plan(extreme, 3, 1, &total), SINTER_OK);
    check_plan(extreme, 3, 1, total);
    ck_assert_uint_eq(total, 20);
    sni_lifetime backwards = {10, 3, 2, 0};
    ck_assert_int_eq(sni_offsets_plan(&backwards, 1, 16, &total), SINTER_INVALID_ARGUMENT);
    sni_lifetime fine = {10, 0, 1, 0};
    ck_assert_int_eq(sni_offsets_plan(&fine, 1, 0, &total), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_offsets_plan(&fine, 1, 48, &total), SINTER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(overflow_is_an_error) {
    uint64_t total;
    sni_lifetime huge = {UINT64_MAX, 0, 0, 0};
    ck_assert_int_eq(sni_offsets_plan(&huge, 1, 128, &total), SINTER_INVALID_ARGUMENT);
    uint64_t half = (uint64_t)1 << 62;
    sni_lifetime together[] = {{half, 0, 1, 0}, {half, 0, 1, 0}};
    ck_assert_int_eq(sni_offsets_plan(together, 2, 128, &total), SINTER_INVALID_ARGUMENT);
    ck_assert_uint_eq(total, 0);
    sni_lifetime apart[] = {{half, 0, 1, 0}, {half, 2, 3, 0}, {half, 4, 5, 0}};
    ck_assert_int_eq(sni_offsets_plan(apart, 3, 128, &total), SINTER_OK);
    ck_assert_uint_eq(total, half);
}
END_TEST

START_TEST(no_memory) {
    sni_lifetime items[] = {{10, 0, 1, 0}, {10, 1, 2, 0}};
    uint64_t total;
    int failures = 0;
    for (int64_t nth = 1;; ++nth) {
        sni_alloc_fail_at(nth);
        sinter_status status = sni_offsets_plan(items, 2, 16, &total);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK) break;
        ck_assert_int_eq(status, SINTER_OUT_OF_MEMORY);
        ++failures;
    }
    ck_assert_int_gt(failures, 0);
    check_plan(items, 2, 16, total);
}
END_TEST

START_TEST(large_plan) {
    enum { COUNT = 3000 };
    sni_lifetime *items = malloc(COUNT * sizeof *items);
    for (int i = 0; i < COUNT; ++i)
        items[i] = (sni_lifetime){1 + draw(1000000), i, i + 1 + (int)draw(draw(20) ? 3 : 500), 0};
    uint64_t total;
    ck_assert_int_eq(sni_offsets_plan(items, COUNT, 128, &total), SINTER_OK);
    check_plan(items, COUNT, 128, total);
    free(items);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        random_lifetimes, chain_needs_two_buffers, best_gap_is_taken, edges, overflow_is_an_error, no_memory,
        large_plan};
    return run_suite(suite_of("offsets", tests, sizeof tests / sizeof *tests));
}
