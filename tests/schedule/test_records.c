/* Tuning records: what is written is read, layers and later lines win in order, damage is passed over. */
#include "check_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/line.h"
#include "schedule/records.h"

#define TUNING_KEY "0123456789abcdef0123456789abcdef"

static char scratch[] = "/tmp/sinter-records-XXXXXX";

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static sni_record record_of(const char *program, const char *schedule) {
    sni_record record = {.ns = 100, .rule_ns = 250};
    snprintf(record.key.program, sizeof record.key.program, "%s", program);
    snprintf(record.key.sizes, sizeof record.key.sizes, "7x~256");
    snprintf(record.strategy, sizeof record.strategy, "cpu_row");
    snprintf(record.schedule, sizeof record.schedule, "%s", schedule);
    return record;
}

static void append(const char *dir, const char *program, const char *schedule) {
    sni_record record = record_of(program, schedule);
    ck_assert_msg(sni_record_append(dir, TUNING_KEY, &record) == SINTER_OK, "%s", sinter_last_error());
}

static sni_records *load(const char *dir) {
    sni_records *records;
    ck_assert_msg(sni_records_load(TUNING_KEY, dir, &records) == SINTER_OK, "%s", sinter_last_error());
    return records;
}

static const char *schedule_of(const sni_records *records, const char *program) {
    sni_record wanted = record_of(program, "");
    const sni_record *found = sni_records_find(records, &wanted.key);
    return found != NULL ? found->schedule : "none";
}

START_TEST(test_round_trip) {
    const char *dir = path_of("round-trip");
    append(dir, "a", "lanes=8 unroll=2");
    append(dir, "b", "");
    append(dir, "a", "lanes=4");
    sni_records *records = load(dir);
    sni_record wanted = record_of("a", "");
    const sni_record *found = sni_records_find(records, &wanted.key);
    ck_assert_uint_eq(sni_records_count(records), 2);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->schedule, "lanes=4");
    ck_assert_str_eq(found->strategy, "cpu_row");
    ck_assert_int_eq(found->ns, 100);
    ck_assert_int_eq(found->rule_ns, 250);
    ck_assert_uint_eq(strlen(found->date), 10);
    ck_assert_int_eq(found->layer, SNI_LAYER_USER);
    ck_assert_str_eq(schedule_of(records, "b"), "");
    ck_assert_str_eq(schedule_of(records, "c"), "none");
    snprintf(wanted.key.sizes, sizeof wanted.key.sizes, "7x~512");
    ck_assert_ptr_null(sni_records_find(records, &wanted.key));
    sni_records_release(records);
}
END_TEST

START_TEST(test_layers) {
    char user[512], shared[512], data[1024];
    snprintf(user, sizeof user, "%s", path_of("user"));
    snprintf(shared, sizeof shared, "%s", path_of("one/sinter/tuning"));
    snprintf(data, sizeof data, "%s/one:%s/two:relative", scratch, scratch);
    append(user, "a", "lanes=2");
    append(shared, "a", "lanes=4");
    append(shared, "b", "lanes=8");
    append(path_of("two/sinter/tuning"), "b", "lanes=16");
    append(path_of("two/sinter/tuning"), "c", "lanes=16");
    setenv("XDG_DATA_DIRS", data, 1);
    sni_records *records = load(user), *without = load(NULL);
    unsetenv("XDG_DATA_DIRS");
    ck_assert_str_eq(schedule_of(records, "a"), "lanes=2");
    ck_assert_str_eq(schedule_of(records, "b"), "lanes=8");
    ck_assert_str_eq(schedule_of(records, "c"), "lanes=16");
    ck_assert_str_eq(schedule_of(without, "a"), "lanes=4");
    sni_record wanted = record_of("c", "");
    ck_assert_int_eq(sni_records_find(records, &wanted.key)->layer, SNI_LAYER_SYSTEM);
    sni_records_release(records);
    sni_records_release(without);
}
END_TEST

/* Bytes of a file of three records are flipped one at a time, and the file is cut at many lengths: the lines that are not
 * touched are read, no other record ever appears. */
START_TEST(test_damage) {
    const char *dir = path_of("damage");
    char file[600];
    snprintf(file, sizeof file, "%s/%s.jsonl", dir, TUNING_KEY);
    append(dir, "a", "lanes=8");
    append(dir, "b", "lanes=4");
    append(dir, "c", "lanes=2");
    char *data;
    size_t size;
    ck_assert_int_eq(sni_file_read(file, 1 << 20, &data, &size), SINTER_OK);
    for (size_t i = 0; i < 2 * size; i += 7) {
        char old = data[i % size];
        data[i % size] ^= 1 << i % 7;
        ck_assert_int_eq(sni_file_write_atomic(file, data, i < size ? size : i - size), SINTER_OK);
        data[i % size] = old;
        sni_records *records = load(dir);
        ck_assert_uint_ge(sni_records_count(records), i < size ? 1 : 0);
        ck_assert_uint_le(sni_records_count(records), 3);
        const char *a = schedule_of(records, "a"), *b = schedule_of(records, "b"), *c = schedule_of(records, "c");
        ck_assert(strcmp(a, "lanes=8") == 0 || strcmp(a, "none") == 0);
        ck_assert(strcmp(b, "lanes=4") == 0 || strcmp(b, "none") == 0);
        ck_assert(strcmp(c, "lanes=2") == 0 || strcmp(c, "none") == 0);
        sni_records_release(records);
    }
    /* A writer that died in the middle of a line does not spoil the next one. */
    ck_assert_int_eq(sni_file_write_atomic(file, data, size / 2), SINTER_OK);
    append(dir, "d", "lanes=16");
    sni_records *records = load(dir);
    ck_assert_str_eq(schedule_of(records, "d"), "lanes=16");
    sni_records_release(records);
    free(data);
}
END_TEST

/* Other formats and whole lines that are no records are not taken. */
START_TEST(test_foreign) {
    sni_str line = SNI_STR_INIT;
    const char *dir = path_of("foreign");
    char file[600];
    append(dir, "a", "lanes=8");
    snprintf(file, sizeof file, "%s/%s.jsonl", dir, TUNING_KEY);
    sni_line_begin(&line);
    sni_line_number(&line, "format", SNI_RECORD_FORMAT + 1);
    sni_line_text(&line, "program", "a");
    sni_line_end(&line);
    ck_assert_int_eq(sni_line_append(file, &line), SINTER_OK);
    sni_records *records = load(dir);
    ck_assert_uint_eq(sni_records_count(records), 1);
    ck_assert_str_eq(schedule_of(records, "a"), "lanes=8");
    sni_records_release(records);
    sni_str_deinit(&line);
}
END_TEST

START_TEST(test_lines) {
    sni_str line = SNI_STR_INIT;
    char text[64];
    int64_t number;
    sni_line_begin(&line);
    sni_line_text(&line, "quoted", "a \"b\" \\ c, d}");
    sni_line_number(&line, "least", INT64_MIN);
    sni_line_text(&line, "last", "");
    sni_line_end(&line);
    const char *at = sni_str_text(&line);
    size_t length = line.length - 1;
    ck_assert(sni_line_is_whole(at, length));
    ck_assert(!sni_line_is_whole(at, length - 1));
    ck_assert(sni_line_get_text(at, length, "quoted", text, sizeof text));
    ck_assert_str_eq(text, "a \"b\" \\ c, d}");
    ck_assert(sni_line_get_number(at, length, "least", &number));
    ck_assert(number == INT64_MIN);
    ck_assert(sni_line_get_text(at, length, "last", text, sizeof text));
    ck_assert_str_eq(text, "");
    ck_assert(!sni_line_get_text(at, length, "quoted", text, 5));
    ck_assert(!sni_line_get_text(at, length, "least", text, sizeof text));
    ck_assert(!sni_line_get_number(at, length, "quoted", &number));
    ck_assert(!sni_line_get_text(at, length, "missing", text, sizeof text));
    sni_str_deinit(&line);
}
END_TEST

static bool read_shipped(void *context, const sni_dir_entry *entry) {
    char key[64] = "";
    sni_records *records;
    size_t length = strlen(entry->name);
    if (length != 32 + strlen(".jsonl")) return true;
    memcpy(key, entry->name, 32);
    ck_assert_int_eq(sni_records_load(key, SINTER_SOURCE_DIR "/tuning", &records), SINTER_OK);
    ck_assert_uint_gt(sni_records_count(records), 0);
    *(int *)context += (int)sni_records_count(records);
    sni_records_release(records);
    return true;
}

/* The files that are shipped are whole, and hold records. */
START_TEST(test_shipped) {
    int count = 0;
    ck_assert_int_eq(sni_dir_list(SINTER_SOURCE_DIR "/tuning", read_shipped, &count), SINTER_OK);
    ck_assert_int_gt(count, 0);
}
END_TEST

/* Lines with a right checksum that are anything: reading them ends, inside of the line. */
START_TEST(test_any_line) {
    static const char alphabet[] = "{}\":,\\u0022ab19-";
    uint64_t state = 7;
    for (int n = 0; n < 20000; ++n) {
        sni_str line = SNI_STR_INIT;
        char text[16];
        int64_t number;
        sni_str_append(&line, n % 2 ? "{\"a\":" : "{");
        for (int i = 0; i < n % 23; ++i) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sni_str_append_n(&line, &alphabet[(state >> 33) % (sizeof alphabet - 1)], 1);
        }
        sni_line_end(&line);
        /* A block of just its size, so that a sanitizer sees what is read behind it. */
        size_t length = line.length - 1;
        char *exact = malloc(length);
        memcpy(exact, sni_str_text(&line), length);
        ck_assert(sni_line_is_whole(exact, length));
        (void)sni_line_get_text(exact, length, "a", text, sizeof text);
        (void)sni_line_get_number(exact, length, "b", &number);
        free(exact);
        sni_str_deinit(&line);
    }
}
END_TEST

/* Four processes append at once: every line is there. */
START_TEST(test_writers) {
    enum { WRITERS = 4, EACH = 25 };
    const char *dir = path_of("writers");
    for (int w = 0; w < WRITERS; ++w) {
        if (fork() != 0) continue;
        int failed = 0;
        for (int i = 0; i < EACH; ++i) {
            char program[16];
            snprintf(program, sizeof program, "%d-%d", w, i);
            sni_record record = record_of(program, "lanes=8");
            failed |= sni_record_append(dir, TUNING_KEY, &record) != SINTER_OK;
        }
        _exit(failed);
    }
    for (int w = 0; w < WRITERS; ++w) {
        int ended;
        ck_assert_int_gt(wait(&ended), 0);
        ck_assert_int_eq(ended, 0);
    }
    sni_records *records = load(dir);
    ck_assert_uint_eq(sni_records_count(records), WRITERS * EACH);
    sni_records_release(records);
}
END_TEST

START_TEST(test_out_of_memory) {
    const char *dir = path_of("out-of-memory");
    append(dir, "a", "lanes=8");
    sinter_status status = SINTER_OUT_OF_MEMORY;
    for (int64_t nth = 1; status != SINTER_OK; ++nth) {
        sni_records *records;
        sni_record record = record_of("b", "lanes=4");
        sni_alloc_fail_at(nth);
        status = sni_records_load(TUNING_KEY, dir, &records);
        if (status == SINTER_OK) status = sni_record_append(dir, TUNING_KEY, &record);
        sni_alloc_fail_at(0);
        ck_assert(status == SINTER_OK || status == SINTER_OUT_OF_MEMORY);
        sni_records_release(records);
        ck_assert_int_lt(nth, 1000);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_round_trip, test_layers,  test_damage,  test_foreign,      test_lines,
                                  test_any_line,   test_writers, test_shipped, test_out_of_memory};
    if (mkdtemp(scratch) == NULL) return EXIT_FAILURE;
    int result = run_suite(suite_of("schedule/records", tests, sizeof tests / sizeof *tests));
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", scratch);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
