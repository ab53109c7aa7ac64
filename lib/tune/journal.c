/* Reading and writing the tuner's journal. */
#include "tune/journal.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/line.h"

#define FORMAT 1
enum { MOST_BEGUN = 2 };

static const char *const names[] = {"", "begun", "ok", "wrong", "hung", "crashed", "refused", "done"};

const char *sni_verdict_name(sni_verdict verdict) {
    return names[verdict];
}

static sni_verdict verdict_of(const char *name) {
    for (size_t v = 1; v < sizeof names / sizeof *names; ++v)
        if (strcmp(names[v], name) == 0) return (sni_verdict)v;
    return SNI_VERDICT_NONE;
}

static bool same_program(const sni_program_key *a, const sni_program_key *b) {
    return strcmp(a->program, b->program) == 0 && strcmp(a->sizes, b->sizes) == 0;
}

/* The entry of a candidate; a program's DONE is another one than that of its best candidate. */
static sni_entry *find(const sni_journal *j, const sni_program_key *key, const sni_schedule *schedule, bool done) {
    for (size_t i = j->count; i-- > 0;) {
        sni_entry *e = &j->entries[i];
        if ((e->verdict == SNI_VERDICT_DONE) == done && same_program(&e->key, key) &&
            (schedule == NULL || sni_schedule_equal(&e->schedule, schedule)))
            return e;
    }
    return NULL;
}

static sinter_status note(sni_journal *j, const sni_entry *entry) {
    bool done = entry->verdict == SNI_VERDICT_DONE;
    sni_entry *known = find(j, &entry->key, done ? NULL : &entry->schedule, done);
    if (known == NULL) {
        if (!SNI_RESERVE(j->entries, j->capacity, j->count + 1)) return sni_out_of_memory("the tuner's journal");
        known = &j->entries[j->count++];
        *known = (sni_entry){.key = entry->key};
    }
    int begun = known->begun + (entry->verdict == SNI_VERDICT_BEGUN);
    *known = *entry;
    known->begun = begun;
    return SINTER_OK;
}

/* What there is to choose from: names and values of all strategies, as one number. */
static int64_t space_of(void) {
    uint64_t hash = 0;
    for (size_t i = 0; i < sni_strategy_count(); ++i) {
        const sni_strategy *s = sni_strategy_at(i);
        hash = sni_hash64_of(s->name, strlen(s->name), hash);
        for (int p = 0; p < s->param_count; ++p) {
            hash = sni_hash64_of(s->params[p].name, strlen(s->params[p].name), hash);
            hash = sni_hash64_of(s->params[p].legal, (size_t)s->params[p].count * sizeof(int), hash);
        }
    }
    return (int64_t)(hash >> 1);
}

static sinter_status read_line(void *context, const char *line, size_t length) {
    sni_journal *j = context;
    sni_entry e = {.ns = 0};
    char identity[40], strategy[64], values[512], verdict[16];
    int64_t format, space = 0;
    if (!sni_line_get_number(line, length, "format", &format) || format != FORMAT ||
        !sni_line_get_text(line, length, "identity", identity, sizeof identity) ||
        strcmp(identity, j->caps->identity) != 0 ||
        !sni_line_get_text(line, length, "program", e.key.program, sizeof e.key.program) ||
        !sni_line_get_text(line, length, "sizes", e.key.sizes, sizeof e.key.sizes) ||
        !sni_line_get_text(line, length, "strategy", strategy, sizeof strategy) ||
        !sni_line_get_text(line, length, "schedule", values, sizeof values) ||
        !sni_line_get_text(line, length, "verdict", verdict, sizeof verdict) ||
        !sni_line_get_number(line, length, "ns", &e.ns) || !sni_line_get_number(line, length, "rule_ns", &e.rule_ns))
        return SINTER_OK;
    e.verdict = verdict_of(verdict);
    if (e.verdict == SNI_VERDICT_DONE && (!sni_line_get_number(line, length, "space", &space) || space != j->space))
        return SINTER_OK;
    sinter_status status = sni_codegen_parse_schedule(strategy, values, &e.schedule);
    if (status == SINTER_OUT_OF_MEMORY) return status;
    if (status != SINTER_OK || e.verdict == SNI_VERDICT_NONE) return SINTER_OK; /* of another version of the library */
    return note(j, &e);
}

sinter_status sni_journal_open(sni_journal *j, const char *dir, const sni_caps *caps) {
    size_t damaged;
    *j = (sni_journal){.path = SNI_STR_INIT, .caps = caps, .space = space_of()};
    SNI_TRY(sni_dir_create(dir));
    sni_str_printf(&j->path, "%s/%s.journal", dir, caps->tuning_key);
    if (j->path.failed) return sni_out_of_memory("the tuner's journal");
    return sni_line_each(sni_str_text(&j->path), read_line, j, &damaged);
}

void sni_journal_close(sni_journal *j) {
    sni_free(j->entries);
    sni_str_deinit(&j->path);
    *j = (sni_journal){.entries = NULL};
}

sni_verdict sni_journal_verdict(const sni_journal *j, const sni_program_key *key, const sni_schedule *schedule,
                                int64_t *out_ns) {
    const sni_entry *e = find(j, key, schedule, false);
    if (e == NULL) return SNI_VERDICT_NONE;
    *out_ns = e->ns;
    if (e->verdict != SNI_VERDICT_BEGUN) return e->verdict;
    return e->begun >= MOST_BEGUN ? SNI_VERDICT_CRASHED : SNI_VERDICT_NONE;
}

const sni_entry *sni_journal_done(const sni_journal *j, const sni_program_key *key) {
    return find(j, key, NULL, true);
}

static void print(const sni_journal *j, const sni_entry *e, const char *values, sni_str *line) {
    sni_line_begin(line);
    sni_line_number(line, "format", FORMAT);
    sni_line_text(line, "identity", j->caps->identity);
    sni_line_text(line, "program", e->key.program);
    sni_line_text(line, "sizes", e->key.sizes);
    sni_line_text(line, "strategy", e->schedule.strategy);
    sni_line_text(line, "schedule", values);
    sni_line_text(line, "verdict", names[e->verdict]);
    sni_line_number(line, "ns", e->ns);
    sni_line_number(line, "rule_ns", e->rule_ns);
    if (e->verdict == SNI_VERDICT_DONE) sni_line_number(line, "space", j->space);
    sni_line_end(line);
}

sinter_status sni_journal_add(sni_journal *j, const sni_program_key *key, const sni_schedule *schedule,
                              sni_verdict verdict, int64_t ns, int64_t rule_ns) {
    sni_str line = SNI_STR_INIT, values = SNI_STR_INIT;
    const sni_entry e = {.key = *key, .schedule = *schedule, .verdict = verdict, .ns = ns, .rule_ns = rule_ns};
    sni_codegen_print_schedule(schedule, &values);
    print(j, &e, sni_str_text(&values), &line);
    line.failed |= values.failed;
    sinter_status status = sni_line_append(sni_str_text(&j->path), &line);
    sni_str_deinit(&line);
    sni_str_deinit(&values);
    return status == SINTER_OK ? note(j, &e) : status;
}
