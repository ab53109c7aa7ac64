/* Reading the layers of records, and writing one. */
#include "schedule/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/line.h"
#include "base/log.h"

#ifndef SINTER_DATA_DIR
#define SINTER_DATA_DIR "/usr/local/share" /* the build says where it installs */
#endif

typedef struct item {
    sni_record record;
    int dir;     /* number of the directory it was read in; lower ones win */
    size_t line; /* there; later ones win */
} item;

struct sni_records {
    item *items; /* sorted by key, each once */
    size_t count, capacity;
};

typedef struct reader {
    sni_records *records;
    sni_layer layer;
    int dir;
    size_t foreign; /* whole lines that are no records of this format */
} reader;

const char *sni_layer_name(sni_layer layer) {
    static const char *const names[] = {"user", "system", "shipped"};
    return names[layer];
}

static bool read_record(const char *line, size_t length, sni_record *out) {
    int64_t format;
    return sni_line_get_number(line, length, "format", &format) && format == SNI_RECORD_FORMAT &&
           sni_line_get_text(line, length, "program", out->key.program, sizeof out->key.program) &&
           sni_line_get_text(line, length, "sizes", out->key.sizes, sizeof out->key.sizes) &&
           sni_line_get_text(line, length, "strategy", out->strategy, sizeof out->strategy) &&
           sni_line_get_text(line, length, "schedule", out->schedule, sizeof out->schedule) &&
           sni_line_get_text(line, length, "date", out->date, sizeof out->date) &&
           sni_line_get_number(line, length, "ns", &out->ns) &&
           sni_line_get_number(line, length, "rule_ns", &out->rule_ns);
}

static sinter_status take_line(void *context, const char *line, size_t length) {
    reader *r = context;
    sni_records *all = r->records;
    if (!SNI_RESERVE(all->items, all->capacity, all->count + 1)) return sni_out_of_memory("tuning records");
    item *next = &all->items[all->count];
    *next = (item){.dir = r->dir, .line = all->count};
    next->record.layer = r->layer;
    if (read_record(line, length, &next->record))
        ++all->count;
    else
        ++r->foreign;
    return SINTER_OK;
}

static void warn_once(const char *path, size_t lines) {
    static int warned;
    if (__atomic_exchange_n(&warned, 1, __ATOMIC_RELAXED)) return;
    sni_log(SNI_LOG_WARNING, "tuning records: %zu lines of %s are damaged or of another format and are ignored", lines,
            path);
}

static sinter_status read_dir(reader *r, const char *dir, const char *tuning_key) {
    sni_str path = SNI_STR_INIT;
    size_t damaged = 0;
    r->foreign = 0;
    ++r->dir;
    sni_str_printf(&path, "%s/%s.jsonl", dir, tuning_key);
    sinter_status status =
        path.failed ? sni_out_of_memory("tuning records") : sni_line_each(sni_str_text(&path), take_line, r, &damaged);
    if (damaged + r->foreign > 0) warn_once(sni_str_text(&path), damaged + r->foreign);
    sni_str_deinit(&path);
    return status;
}

/* sinter/tuning in each directory of XDG_DATA_DIRS, but that of the installation. */
static sinter_status read_data_dirs(reader *r, const char *tuning_key) {
    const char *at = sni_env("XDG_DATA_DIRS");
    sinter_status status = SINTER_OK;
    if (at == NULL) at = "/usr/local/share:/usr/share";
    while (*at != 0 && status == SINTER_OK) {
        size_t length = strcspn(at, ":");
        sni_str dir = SNI_STR_INIT;
        sni_str_append_n(&dir, at, length);
        if (at[0] == '/' && strcmp(sni_str_text(&dir), SINTER_DATA_DIR) != 0) {
            sni_str_append(&dir, "/sinter/tuning");
            status = dir.failed ? sni_out_of_memory("tuning records") : read_dir(r, sni_str_text(&dir), tuning_key);
        }
        sni_str_deinit(&dir);
        at += length + (at[length] != 0);
    }
    return status;
}

static int compare_keys(const sni_program_key *a, const sni_program_key *b) {
    int order = strcmp(a->program, b->program);
    return order != 0 ? order : strcmp(a->sizes, b->sizes);
}

/* By key; of one key the one that wins first. */
static int compare_items(const void *a, const void *b) {
    const item *x = a, *y = b;
    int order = compare_keys(&x->record.key, &y->record.key);
    if (order != 0) return order;
    if (x->dir != y->dir) return x->dir - y->dir;
    return x->line > y->line ? -1 : x->line < y->line;
}

static void keep_winners(sni_records *all) {
    size_t kept = 0;
    if (all->count > 1) qsort(all->items, all->count, sizeof *all->items, compare_items);
    for (size_t i = 0; i < all->count; ++i)
        if (kept == 0 || compare_keys(&all->items[kept - 1].record.key, &all->items[i].record.key) != 0)
            all->items[kept++] = all->items[i];
    all->count = kept;
}

static sinter_status read_layers(reader *r, const char *tuning_key, const char *user_dir) {
    r->layer = SNI_LAYER_USER;
    if (user_dir != NULL) SNI_TRY(read_dir(r, user_dir, tuning_key));
    r->layer = SNI_LAYER_SYSTEM;
    SNI_TRY(read_dir(r, "/etc/sinter/tuning", tuning_key));
    SNI_TRY(read_data_dirs(r, tuning_key));
    r->layer = SNI_LAYER_SHIPPED;
    return read_dir(r, SINTER_DATA_DIR "/sinter/tuning", tuning_key);
}

sinter_status sni_records_load(const char *tuning_key, const char *user_dir, sni_records **out_records) {
    *out_records = NULL;
    sni_records *all = sni_calloc(1, sizeof *all);
    if (all == NULL) return sni_out_of_memory("tuning records");
    reader r = {.records = all};
    sinter_status status = read_layers(&r, tuning_key, user_dir);
    if (status != SINTER_OK) {
        sni_records_release(all);
        return status;
    }
    keep_winners(all);
    *out_records = all;
    return SINTER_OK;
}

void sni_records_release(sni_records *records) {
    if (records == NULL) return;
    sni_free(records->items);
    sni_free(records);
}

size_t sni_records_count(const sni_records *records) {
    return records->count;
}

const sni_record *sni_records_find(const sni_records *records, const sni_program_key *key) {
    size_t low = 0, high = records != NULL ? records->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(key, &records->items[middle].record.key);
        if (order == 0) return &records->items[middle].record;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Today in UTC. */
static void print_date(char out[16]) {
    time_t now = time(NULL);
    struct tm day;
    if (gmtime_r(&now, &day) == NULL || strftime(out, 16, "%Y-%m-%d", &day) == 0) out[0] = 0;
}

static void print_record(const sni_record *record, sni_str *line) {
    char date[16];
    print_date(date);
    sni_line_begin(line);
    sni_line_number(line, "format", SNI_RECORD_FORMAT);
    sni_line_text(line, "program", record->key.program);
    sni_line_text(line, "sizes", record->key.sizes);
    sni_line_text(line, "strategy", record->strategy);
    sni_line_text(line, "schedule", record->schedule);
    sni_line_number(line, "ns", record->ns);
    sni_line_number(line, "rule_ns", record->rule_ns);
    sni_line_text(line, "date", date);
    sni_line_end(line);
}

sinter_status sni_record_append(const char *dir, const char *tuning_key, const sni_record *record) {
    SNI_TRY(sni_dir_create(dir));
    sni_str path = SNI_STR_INIT, line = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s.jsonl", dir, tuning_key);
    print_record(record, &line);
    sinter_status status =
        path.failed ? sni_out_of_memory("a tuning record") : sni_line_append(sni_str_text(&path), &line);
    sni_str_deinit(&path);
    sni_str_deinit(&line);
    return status;
}
