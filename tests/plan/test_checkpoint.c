/* States to a file and back: the same bits, whole files, and errors that say what is wrong with damaged ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sinter/sinter.h>

#include "base/file.h"
#include "base/safetensors.h"
#include "check_main.h"

static sinter_runtime *runtime;
static char directory[] = "/tmp/sinter-checkpoint-XXXXXX";
static char path[64];

/* total f32 [2, 3] += x, count i64 += 1 */
static sinter_plan *counter(sinter_dim rows) {
    sinter_graph *g;
    sinter_plan *plan;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value total = sinter_state(g, "total", SINTER_F32, SINTER_SHAPE(rows, 3));
    sinter_value count = sinter_state(g, "a \"count\"\n", SINTER_I64, SINTER_SCALAR);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(rows, 3));
    (void)sinter_state_write(g, total, sinter_add(g, total, x), NULL, 0);
    (void)sinter_state_write(g, count, sinter_add(g, count, sinter_scalar(g, SINTER_I64, 1)), NULL, 0);
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(g);
    return plan;
}

static void run(sinter_plan *plan) {
    float x[6] = {1, 2, 3, 4.5f, 1e-40f, -6};
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(2, 3), x, sizeof x)};
    ck_assert_msg(sinter_plan_run(plan, io, 1) == SINTER_OK, "%s", sinter_last_error());
}

static void look(sinter_plan *plan, float total[6], int64_t *count) {
    ck_assert_int_eq(sinter_plan_state_read(plan, "total", total, 6 * sizeof *total), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_read(plan, "a \"count\"\n", count, sizeof *count), SINTER_OK);
}

START_TEST(there_and_back) {
    float total[6], again[6];
    int64_t count, counted;
    sinter_plan *plan = counter(2), *other = counter(2);
    run(plan);
    run(plan);
    ck_assert_msg(sinter_plan_states_save(plan, path) == SINTER_OK, "%s", sinter_last_error());
    run(plan);
    ck_assert_msg(sinter_plan_states_load(other, path, 0) == SINTER_OK, "%s", sinter_last_error());
    run(other);
    look(plan, total, &count);
    look(other, again, &counted);
    ck_assert_int_eq(counted, 3);
    ck_assert_int_eq(count, counted);
    ck_assert(memcmp(total, again, sizeof total) == 0);
    sinter_plan_release(plan);
    sinter_plan_release(other);
}
END_TEST

START_TEST(what_does_not_fit) {
    sinter_plan *plan = counter(2), *larger = counter(3), *symbolic = counter(SINTER_DIM("n"));
    float values[2] = {1, 2};
    sni_tensor_entry one = {
        .name = "total", .dtype = SINTER_F32, .rank = 1, .dims = {2}, .data = values, .size_bytes = 8};
    ck_assert_int_eq(sinter_plan_states_save(plan, path), SINTER_OK);
    ck_assert_int_eq(sinter_plan_states_load(larger, path, 0), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'total' is f32[2, 3], the state is f32[3, 3]"));
    ck_assert_int_eq(sinter_plan_states_save(symbolic, path), SINTER_UNSUPPORTED);
    one.name = "a \"count\"\n";
    one.dtype = SINTER_I64;
    one.rank = 0;
    ck_assert_int_eq(sni_tensor_file_write(path, &one, 1), SINTER_OK);
    ck_assert_int_eq(sinter_plan_states_load(plan, path, 0), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no tensor 'total'"));
    ck_assert_int_eq(sinter_plan_states_load(plan, path, 1), SINTER_OK);
    ck_assert_int_eq(sinter_plan_states_load(plan, "/nowhere/file", 0), SINTER_IO);
    ck_assert_int_eq(sinter_plan_states_save(plan, "/nowhere/file"), SINTER_IO);
    ck_assert_int_eq(sinter_plan_states_save(NULL, path), SINTER_INVALID_ARGUMENT);
    sinter_plan_release(plan);
    sinter_plan_release(larger);
    sinter_plan_release(symbolic);
}
END_TEST

/* A header that somebody wrote, with 16 bytes of data. */
static sinter_status open_text(const char *text, sni_tensor_file *file) {
    char bytes[600] = {0};
    size_t length = strlen(text);
    bytes[0] = (char)(length & 0xff);
    bytes[1] = (char)(length >> 8);
    memcpy(bytes + 8, text, length);
    ck_assert_int_eq(sni_file_write_atomic(path, bytes, 8 + length + 16), SINTER_OK);
    return sni_tensor_file_open(path, file);
}

START_TEST(headers_of_others) {
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"a\":3}",
        "{\"a\":{}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,17]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}",
        "{\"a\\x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"__metadata__\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}",
    };
    sni_tensor_file file;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        ck_assert_msg(open_text(bad[i], &file) == SINTER_PARSE, "header %zu", i);
    ck_assert_int_eq(
        open_text("{ \"__metadata__\" : {\"format\":\"pt\", \"n\": [1, {\"x\": null}]}, \"f8\": {\"dtype\":\"F8_E4M3\","
                  "\"shape\":[1],\"data_offsets\":[0,1]},\n \"\\u00e9\\/\": {\"shape\":[2, 2], \"dtype\":\"F32\","
                  "\"data_offsets\":[0, 16]} }  ",
                  &file),
        SINTER_OK);
    ck_assert_uint_eq(file.count, 1);
    const sni_tensor_entry *entry = sni_tensor_file_find(&file, "\xc3\xa9/");
    ck_assert_ptr_nonnull(entry);
    ck_assert(entry->rank == 2 && entry->dims[1] == 2 && entry->size_bytes == 16);
    sni_tensor_file_close(&file);
}
END_TEST

/* Every file cut short or with one byte changed is read or refused. */
START_TEST(damaged_files) {
    float values[6] = {1, 2, 3, 4, 5, 6};
    char *bytes;
    size_t size;
    sni_tensor_entry entries[2] = {{"x", SINTER_F32, 2, {2, 2}, values, 16}, {"yy", SINTER_F32, 1, {2}, values, 8}};
    ck_assert_int_eq(sni_tensor_file_write(path, entries, 2), SINTER_OK);
    ck_assert_int_eq(sni_file_read(path, 1 << 20, &bytes, &size), SINTER_OK);
    for (size_t n = 0; n < size; ++n) {
        sni_tensor_file file;
        ck_assert_int_eq(sni_file_write_atomic(path, bytes, n), SINTER_OK);
        ck_assert_int_ne(sni_tensor_file_open(path, &file), SINTER_OK);
    }
    for (size_t n = 0; n < size; ++n)
        for (int bit = 0; bit < 8; bit += 3) {
            sni_tensor_file file;
            bytes[n] ^= (char)(1 << bit);
            ck_assert_int_eq(sni_file_write_atomic(path, bytes, size), SINTER_OK);
            if (sni_tensor_file_open(path, &file) == SINTER_OK) sni_tensor_file_close(&file);
            bytes[n] ^= (char)(1 << bit);
        }
    sinter_free(bytes);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {there_and_back, what_does_not_fit, headers_of_others, damaged_files};
    if (!mkdtemp(directory) || sinter_runtime_create(NULL, &runtime) != SINTER_OK) return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/file", directory);
    int code = run_suite(suite_of("checkpoints", tests, sizeof tests / sizeof *tests));
    sni_dir_remove(directory);
    sinter_runtime_release(runtime);
    return code;
}
