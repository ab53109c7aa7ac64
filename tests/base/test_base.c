/* lib/base: errors, memory, strings, hashes, threads, log, dtypes and dimensions. */
#define _GNU_SOURCE
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <sinter/runtime.h>
#include <sinter/types.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "check_main.h"

START_TEST(status_texts) {
    ck_assert_str_eq(sinter_status_string(SINTER_OK), "success");
    ck_assert_str_eq(sinter_status_string(SINTER_SHAPE), "shapes do not fit");
    ck_assert_str_eq(sinter_status_string((sinter_status)999), "unknown status");
    ck_assert_int_eq(sni_fail(SINTER_SHAPE, "got %d of '%s'", 3, "x"), SINTER_SHAPE);
    ck_assert_str_eq(sinter_last_error(), "got 3 of 'x'");
    /* The old text may be an argument of the new one. */
    ck_assert_int_eq(sni_fail(SINTER_IO, "again: %s", sinter_last_error()), SINTER_IO);
    ck_assert_str_eq(sinter_last_error(), "again: got 3 of 'x'");
    ck_assert_int_eq(sni_fail_in(SINTER_IO, "node %d", 7), SINTER_IO);
    ck_assert_str_eq(sinter_last_error(), "node 7: again: got 3 of 'x'");
    ck_assert_int_eq(sni_out_of_memory("a cup"), SINTER_OUT_OF_MEMORY);
    ck_assert_str_eq(sinter_last_error(), "out of host memory: a cup");
}
END_TEST

START_TEST(json_strings) {
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", "\"\""},
        {NULL, "null"},
        {"a \"b\" \\ c\n\t\x1b\x7f", "\"a \\u0022b\\u0022 \\u005c c\\u000a\\u0009\\u001b\\u007f\""},
        {"</script><!-- &", "\"\\u003c/script\\u003e\\u003c!-- \\u0026\""},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d", "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d\""},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""},
        /* No UTF-8: alone, overlong, a surrogate, cut short, beyond the last code point. */
        {"\x80|", "\"\\ufffd|\""},
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xe2\x82", "\"\\ufffd\\ufffd\""},
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        sni_str out = SNI_STR_INIT;
        sni_json_string(&out, rows[i].text);
        ck_assert_str_eq(sni_str_text(&out), rows[i].json);
        sni_str_deinit(&out);
    }
}
END_TEST

START_TEST(status_long_text_and_no_memory) {
    char *big = malloc(100001);
    memset(big, 'x', 100000);
    big[100000] = 0;
    (void)sni_fail(SINTER_BUILD, "%s", big);
    ck_assert_str_eq(sinter_last_error(), big);
    sni_alloc_fail_at(1);
    (void)sni_fail(SINTER_BUILD, "%s", big);
    sni_alloc_fail_at(0);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "out of host memory"));
    (void)sni_fail(SINTER_BUILD, "short again");
    ck_assert_str_eq(sinter_last_error(), "short again");
    free(big);
}
END_TEST

static void *fail_in_thread(void *context) {
    const char **seen = context;
    seen[0] = *sinter_last_error() ? "old" : "empty";
    (void)sni_fail(SINTER_IO, "of the thread");
    seen[1] = strcmp(sinter_last_error(), "of the thread") == 0 ? "own" : "other";
    return NULL;
}

START_TEST(status_is_per_thread) {
    (void)sni_fail(SINTER_IO, "of main");
    for (int i = 0; i < 8; ++i) {
        const char *seen[2] = {0};
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_thread, (void *)seen), 0);
        pthread_join(thread, NULL);
        ck_assert_str_eq(seen[0], "empty");
        ck_assert_str_eq(seen[1], "own");
    }
    ck_assert_str_eq(sinter_last_error(), "of main");
}
END_TEST

START_TEST(alloc_failure_and_limits) {
    void *a = sni_malloc(0), *b = sni_malloc(0);
    ck_assert(a && b && a != b);
    sni_free(a);
    sni_free(b);
    ck_assert_ptr_null(sni_malloc(SIZE_MAX));
    ck_assert_ptr_null(sni_calloc(SIZE_MAX / 2, 4));
    sni_alloc_fail_at(2);
    void *first = sni_malloc(1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(sni_calloc(1, 1));
    ck_assert_ptr_null(sni_realloc(first, 10));
    sni_alloc_fail_at(0);
    first = sni_realloc(first, 10);
    ck_assert_ptr_nonnull(first);
    sni_free(first);
}
END_TEST

START_TEST(alloc_grow) {
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; ++i) {
        ck_assert(SNI_RESERVE(items, capacity, (size_t)i + 1));
        items[i] = i;
    }
    for (int i = 0; i < 1000; ++i) ck_assert_int_eq(items[i], i);
    size_t before = capacity;
    ck_assert(!SNI_RESERVE(items, capacity, SIZE_MAX / 2));
    ck_assert_uint_eq(capacity, before);
    sni_free(items);
    int64_t product;
    ck_assert(sni_mul_i64(INT64_MAX / 2, 2, &product));
    ck_assert(!sni_mul_i64(INT64_MAX / 2, 3, &product));
    ck_assert(!sni_add_i64(INT64_MAX, 1, &product));
    ck_assert(!sni_add_i64(INT64_MIN, -1, &product));
}
END_TEST

START_TEST(arenas) {
    sni_arena *arena = sni_arena_create();
    ck_assert_ptr_nonnull(arena);
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *memory = sni_arena_alloc(arena, size);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; ++i) ck_assert_uint_eq(memory[i], 0);
        memset(memory, 0xff, size);
    }
    ck_assert_ptr_nonnull(sni_arena_alloc(arena, 5000000));
    ck_assert_str_eq(sni_arena_strdup(arena, "hello"), "hello");
    ck_assert_ptr_null(sni_arena_alloc(arena, SIZE_MAX - 3));
    sni_arena_release(arena);
    sni_arena_release(NULL);
}
END_TEST

START_TEST(strings) {
    sni_str str = SNI_STR_INIT;
    ck_assert_str_eq(sni_str_text(&str), "");
    sni_str_append(&str, "a");
    sni_str_append_n(&str, "bcd", 2);
    sni_str_printf(&str, "-%05d-%s", 42, "x");
    ck_assert_str_eq(sni_str_text(&str), "abc-00042-x");
    for (int i = 0; i < 1000; ++i) sni_str_printf(&str, "%0300d", i);
    ck_assert_uint_eq(str.length, 11 + 300000);
    char *text = sni_str_take(&str);
    ck_assert_uint_eq(strlen(text), 11 + 300000);
    sni_free(text);
    text = sni_str_take(&str);
    ck_assert_str_eq(text, "");
    sni_free(text);
    sni_str_append(&str, "kept");
    sni_alloc_fail_at(1);
    for (int i = 0; i < 100; ++i) sni_str_append(&str, "longer and longer");
    sni_alloc_fail_at(0);
    sni_str_append(&str, "more");
    ck_assert_ptr_null(sni_str_take(&str));
    ck_assert_ptr_null(str.text);
    sni_str_deinit(&str);
}
END_TEST

static void check_double(double value, const char *wanted) {
    sni_str str = SNI_STR_INIT;
    sni_str_double(&str, value);
    if (wanted) ck_assert_str_eq(sni_str_text(&str), wanted);
    double back = 0;
    ck_assert_msg(sni_parse_double(sni_str_text(&str), &back), "%s", sni_str_text(&str));
    ck_assert_mem_eq(&back, &value, sizeof value);
    sni_str_deinit(&str);
}

static void check_float(float value, const char *wanted) {
    sni_str str = SNI_STR_INIT;
    sni_str_float(&str, value);
    if (wanted) ck_assert_str_eq(sni_str_text(&str), wanted);
    double back = 0;
    ck_assert(sni_parse_double(sni_str_text(&str), &back));
    float as_float = (float)back;
    ck_assert_mem_eq(&as_float, &value, sizeof value);
    sni_str_deinit(&str);
}

static void check_numbers(void) {
    check_double(1, "1.0");
    check_double(-0.0, "-0.0");
    check_double(0.1, "0.1");
    check_double(1e300, "1e+300");
    check_double(5e-324, NULL);
    check_double(1.0 / 3, NULL);
    check_float(0.1f, "0.1");
    check_float(16777216.f, "16777216.0");
    check_float(1e-45f, NULL);
    uint64_t state = 1;
    for (int i = 0; i < 2000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double value;
        memcpy(&value, &state, sizeof value);
        if (isfinite(value)) check_double(value, NULL);
        uint32_t bits = (uint32_t)(state >> 32);
        float small;
        memcpy(&small, &bits, sizeof small);
        if (isfinite(small)) check_float(small, NULL);
    }
    sni_str str = SNI_STR_INIT;
    sni_str_printf(&str, "%.2f", 1.5);
    ck_assert_str_eq(sni_str_text(&str), "1.50");
    sni_str_deinit(&str);
}

/* German writes 1,5. Where no such locale is installed the second round is the first again. */
START_TEST(numbers_ignore_the_locale) {
    check_numbers();
    setlocale(LC_ALL, "de_DE.UTF-8");
    const char *before = setlocale(LC_ALL, NULL);
    char kept[128];
    snprintf(kept, sizeof kept, "%s", before);
    check_numbers();
    (void)sni_fail(SINTER_IO, "%.1f", 2.5);
    ck_assert_str_eq(sinter_last_error(), "2.5");
    ck_assert_str_eq(setlocale(LC_ALL, NULL), kept);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(parsing) {
    long long i;
    double d;
    ck_assert(sni_parse_i64("-12", &i) && i == -12);
    ck_assert(sni_parse_i64("9223372036854775807", &i) && i == INT64_MAX);
    static const char *const BAD[] = {"", " 1", "1 ", "1x", "x", "9223372036854775808", "1.0"};
    for (size_t k = 0; k < sizeof BAD / sizeof *BAD; ++k) ck_assert(!sni_parse_i64(BAD[k], &i));
    ck_assert(!sni_parse_i64(NULL, &i));
    ck_assert(sni_parse_double("-1.5e3", &d) && d == -1500);
    ck_assert(sni_parse_double("1e-320", &d) && d > 0);
    ck_assert(sni_parse_double("inf", &d) && isinf(d));
    ck_assert(!sni_parse_double("1e999", &d));
    ck_assert(!sni_parse_double("1,5", &d));
    ck_assert(!sni_parse_double("", &d));
    ck_assert(!sni_parse_double("\n1", &d));
}
END_TEST

START_TEST(hashes) {
    /* The published test vectors of XXH3 for the empty input. */
    char hex[33];
    sni_hash128_hex(sni_hash128_of("", 0), hex);
    ck_assert_str_eq(hex, "99aa06d3014798d86001c324468d497f");
    ck_assert_uint_eq(sni_hash64_of(NULL, 0, 0), 0x2d06800538d394c2u);
    sni_hash128 a = sni_hash128_of("abc", 3), b = sni_hash128_of("abd", 3);
    ck_assert(a.low != b.low && a.high != b.high);
    ck_assert_uint_ne(sni_hash64_of("abc", 3, 1), sni_hash64_of("abc", 3, 2));
}
END_TEST

static void *number_of_thread(void *context) {
    *(uint64_t *)context = sni_thread_number();
    return NULL;
}

START_TEST(threads_and_clock) {
    uint64_t mine = sni_thread_number(), other = 0;
    ck_assert_uint_ne(mine, 0);
    ck_assert_uint_eq(mine, sni_thread_number());
    pthread_t thread;
    pthread_create(&thread, NULL, number_of_thread, &other);
    pthread_join(thread, NULL);
    ck_assert_uint_ne(other, 0);
    ck_assert_uint_ne(mine, other);
    int64_t before = sni_time_ns();
    ck_assert_int_le(before, sni_time_ns());
}
END_TEST

typedef struct logged {
    int level, count;
    char line[64];
} logged;

static void remember(void *context, int level, const char *line) {
    logged *seen = context;
    seen->level = level;
    ++seen->count;
    snprintf(seen->line, sizeof seen->line, "%s", line);
}

START_TEST(log_function) {
    logged seen = {0};
    ck_assert(!sni_log_wanted(SNI_LOG_ERROR));
    sni_log(SNI_LOG_ERROR, "into the void");
    sinter_log_set(remember, &seen);
    ck_assert(sni_log_wanted(SNI_LOG_DEBUG));
    sni_log(SNI_LOG_INFO, "%d things", 3);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_int_eq(seen.level, 2);
    ck_assert_str_eq(seen.line, "3 things");
    sinter_log_set(NULL, NULL);
    sni_log(SNI_LOG_ERROR, "into the void");
    ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(dtypes) {
    ck_assert_uint_eq(sinter_dtype_size(SINTER_BF16), 2);
    ck_assert_uint_eq(sinter_dtype_size(SINTER_DTYPE_NONE), 0);
    ck_assert_uint_eq(sinter_dtype_size((sinter_dtype)99), 0);
    ck_assert_str_eq(sinter_dtype_name(SINTER_BOOL), "bool");
    ck_assert_str_eq(sinter_dtype_name((sinter_dtype)-1), "none");
}
END_TEST

START_TEST(dimensions) {
    sinter_dim batch = SINTER_DIM("batch"), seq = sinter_dim_named("seq");
    ck_assert_int_lt(batch, 0);
    ck_assert_int_ne(batch, seq);
    ck_assert_int_eq(batch, sinter_dim_named("batch"));
    ck_assert_str_eq(sinter_dim_name(seq), "seq");
    ck_assert_ptr_null(sinter_dim_name(3));
    ck_assert_ptr_null(sinter_dim_name(-1));
    ck_assert_ptr_null(sinter_dim_name(SINTER_DIM_INVALID));
    char name[65];
    memset(name, 'n', 64);
    name[64] = 0;
    ck_assert(sinter_dim_named(name) == SINTER_DIM_INVALID);
    name[63] = 0;
    ck_assert(sinter_dim_named(name) != SINTER_DIM_INVALID);
    ck_assert(sinter_dim_named("") == SINTER_DIM_INVALID);
    ck_assert(sinter_dim_named(NULL) == SINTER_DIM_INVALID);
    sinter_dim made[500];
    for (int i = 0; i < 500; ++i) {
        snprintf(name, sizeof name, "d%d", i);
        made[i] = sinter_dim_named(name);
    }
    for (int i = 0; i < 500; ++i) {
        snprintf(name, sizeof name, "d%d", i);
        ck_assert(made[i] == sinter_dim_named(name));
        ck_assert_str_eq(sinter_dim_name(made[i]), name);
    }
    sni_alloc_fail_at(1);
    ck_assert(sinter_dim_named("no memory for this one") == SINTER_DIM_INVALID);
    sni_alloc_fail_at(0);
}
END_TEST

enum { DIM_THREADS = 8, DIM_NAMES = 300 };

static void *intern_dims(void *context) {
    sinter_dim *made = context;
    for (int i = 0; i < DIM_NAMES; ++i) {
        char name[32];
        snprintf(name, sizeof name, "shared%d", i);
        made[i] = sinter_dim_named(name);
        if (strcmp(sinter_dim_name(made[i]), name) != 0) made[i] = SINTER_DIM_INVALID;
    }
    return NULL;
}

START_TEST(dimensions_from_many_threads) {
    static sinter_dim made[DIM_THREADS][DIM_NAMES];
    pthread_t threads[DIM_THREADS];
    for (int t = 0; t < DIM_THREADS; ++t) ck_assert_int_eq(pthread_create(&threads[t], NULL, intern_dims, made[t]), 0);
    for (int t = 0; t < DIM_THREADS; ++t) pthread_join(threads[t], NULL);
    for (int t = 0; t < DIM_THREADS; ++t) {
        ck_assert(made[t][0] != SINTER_DIM_INVALID);
        ck_assert_mem_eq(made[t], made[0], sizeof made[0]);
    }
}
END_TEST

START_TEST(shapes) {
    sinter_shape shape = SINTER_SHAPE(SINTER_DIM("n"), 3, 0);
    ck_assert_int_eq(shape.rank, 3);
    ck_assert_int_eq(shape.dims[1], 3);
    ck_assert_int_eq(SINTER_SCALAR.rank, 0);
    sinter_dim many[9] = {0};
    ck_assert_int_eq(sinter_shape_make(9, many).rank, -1);
    ck_assert_int_eq(sinter_shape_make(8, many).rank, 8);
    ck_assert_int_eq(sinter_shape_make(1, NULL).rank, -1);
}
END_TEST

int main(void) {
    unsetenv("SINTER_LOG");
    const TTest *const tests[] = {status_texts,
                                  status_long_text_and_no_memory,
                                  status_is_per_thread,
                                  alloc_failure_and_limits,
                                  alloc_grow,
                                  arenas,
                                  strings,
                                  json_strings,
                                  numbers_ignore_the_locale,
                                  parsing,
                                  hashes,
                                  threads_and_clock,
                                  log_function,
                                  dtypes,
                                  dimensions,
                                  dimensions_from_many_threads,
                                  shapes};
    return run_suite(suite_of("base", tests, sizeof tests / sizeof *tests));
}
