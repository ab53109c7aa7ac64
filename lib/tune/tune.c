/* The tuner: which candidates are measured, in which order, and what is kept. */
#include "tune/tune.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/process.h"
#include "tune/journal.h"
#include "tune/rank.h"
#include "tune/worker.h"

enum {
    MOST_CANDIDATES = 160, /* in the first list of a program */
    NEIGHBOURS = 64,       /* that are added around a better one */
    LIMIT_FACTOR = 3       /* a candidate this much slower than the best is not measured to the end */
};

/* What the noise of two medians in turn does not reach. */
#define LEAST_GAIN 1.02
/* Operations of a product that any strategy may try its hand at. */
#define MOST_FOR_ANY 1e8

typedef struct tuner {
    sinter_runtime *runtime;
    const sni_programs *programs;
    const sni_tune_options *options;
    sni_journal journal;
    sni_process child;
    long long taken; /* the program that the child has taken up, -1: none */
    int64_t until;
} tuner;

/* Of one program. */
typedef struct hunt {
    tuner *t;
    const sni_tune_program *program;
    sni_loop loop;
    sni_bindings bindings;
    sni_candidates list;
    size_t next; /* the first one in the list that was not looked at */
    sni_schedule rule, best;
    int64_t best_ns, until;
    sni_tune_result result;
    char failure[512];
} hunt;

/* ---- Talking to the child --------------------------------------------------------------------- */

typedef struct reply {
    sni_verdict verdict;
    int64_t ns, rule_ns;
    char words[SNI_PROCESS_LINE];
} reply;

static void read_reply(const char *line, reply *out) {
    long long a, b;
    out->verdict = SNI_VERDICT_REFUSED;
    if (sscanf(line, "tune ok %lld", &a) == 1) {
        out->verdict = SNI_VERDICT_OK;
        out->ns = a;
    } else if (sscanf(line, "tune pair %lld %lld", &a, &b) == 2) {
        out->verdict = SNI_VERDICT_OK;
        out->rule_ns = a;
        out->ns = b;
    } else if (strncmp(line, "tune wrong ", strlen("tune wrong ")) == 0) {
        out->verdict = SNI_VERDICT_WRONG;
    }
    const char *words = strchr(line + strlen("tune "), ' ');
    snprintf(out->words, sizeof out->words, "%s", words != NULL ? words + 1 : "");
}

/* Sends a line and waits for the answer to it; a child that hangs or is gone is ended. */
static void ask(tuner *t, const char *question, int limit_s, reply *out) {
    char line[SNI_PROCESS_LINE];
    int64_t wait_ns = ((int64_t)limit_s + 1) * 1000000000;
    *out = (reply){.verdict = SNI_VERDICT_CRASHED};
    sni_process_answer answer = SNI_PROCESS_ENDED;
    /* Drivers print what they like on standard output. */
    for (bool sent = sni_process_send(&t->child, question); sent;) {
        answer = sni_process_receive(&t->child, wait_ns, line);
        if (answer != SNI_PROCESS_GOT_LINE || strncmp(line, "tune ", strlen("tune ")) == 0) break;
    }
    if (answer == SNI_PROCESS_GOT_LINE) {
        read_reply(line, out);
        return;
    }
    int ended_by = sni_process_end(&t->child);
    /* The child's own alarm ends it a second before the parent would. */
    bool hung = answer == SNI_PROCESS_TIMED_OUT || ended_by == SNI_PROCESS_ALARM;
    out->verdict = hung ? SNI_VERDICT_HUNG : SNI_VERDICT_CRASHED;
    snprintf(out->words, sizeof out->words, hung ? "no answer in %d s" : "the process ended by signal %d",
             hung ? limit_s : ended_by);
}

/* A child that has taken up the program: the one that is there, or a new one. *out is OK, or why there is none. */
static sinter_status prepare_child(tuner *t, long long number, reply *out) {
    const sni_program_key *key = &t->programs->items[number].key;
    char question[320];
    *out = (reply){.verdict = SNI_VERDICT_OK};
    if (t->child.pid != 0 && t->taken == number) return SINTER_OK;
    int limit_s = t->child.pid == 0 ? 2 * SNI_WORKER_START_S : SNI_WORKER_START_S;
    t->taken = -1;
    if (t->child.pid == 0) SNI_TRY(sni_process_start(t->options->path, t->options->argv, &t->child));
    snprintf(question, sizeof question, "take %lld %s %s", number, key->program, key->sizes);
    ask(t, question, limit_s, out);
    if (out->verdict == SNI_VERDICT_OK) t->taken = number;
    return SINTER_OK;
}

/* number: the question's second one, a limit or which sizes. */
static sinter_status ask_about(hunt *h, const char *what, int64_t number, const sni_schedule *schedule, reply *out) {
    sni_str question = SNI_STR_INIT;
    long long program = (long long)(h->program - h->t->programs->items);
    SNI_TRY(prepare_child(h->t, program, out));
    if (out->verdict != SNI_VERDICT_OK) return SINTER_OK;
    sni_str_printf(&question, "%s %lld %lld %s ", what, program, (long long)number, schedule->strategy);
    sni_codegen_print_schedule(schedule, &question);
    bool failed = question.failed;
    if (!failed) ask(h->t, sni_str_text(&question), h->t->options->limit_s, out);
    sni_str_deinit(&question);
    return failed ? sni_out_of_memory("a candidate") : SINTER_OK;
}

/* ---- Candidates ------------------------------------------------------------------------------- */

static sinter_status measure(hunt *h, const sni_schedule *schedule, sni_verdict *out_verdict, int64_t *out_ns) {
    reply r;
    sni_journal *journal = &h->t->journal;
    *out_verdict = sni_journal_verdict(journal, &h->program->key, schedule, out_ns);
    if (*out_verdict == SNI_VERDICT_NONE) {
        SNI_TRY(sni_journal_add(journal, &h->program->key, schedule, SNI_VERDICT_BEGUN, 0, 0));
        SNI_TRY(ask_about(h, "measure", h->best_ns * LIMIT_FACTOR, schedule, &r));
        SNI_TRY(sni_journal_add(journal, &h->program->key, schedule, r.verdict, r.ns, 0));
        *out_verdict = r.verdict;
        *out_ns = r.ns;
        if (r.verdict != SNI_VERDICT_OK)
            snprintf(h->failure, sizeof h->failure, "%s: %.400s", sni_verdict_name(r.verdict), r.words);
    }
    ++h->result.measured;
    h->result.rejected += *out_verdict != SNI_VERDICT_OK;
    if (h->t->options->progress != NULL) h->t->options->progress(h->t->options->context, &h->result);
    return SINTER_OK;
}

/* A large product is left to strategies made for products: the others take seconds for what those do in milliseconds. Made
 * for products is a strategy that refuses the same program when it is not known to be one. */
static bool is_hopeless(const hunt *h, const sni_schedule *schedule) {
    double operations;
    sni_str why = SNI_STR_INIT;
    sni_loop plain = h->loop;
    plain.core = -1;
    if (h->loop.core < 0 || (h->rule.strategy != NULL && strcmp(schedule->strategy, h->rule.strategy) == 0))
        return false;
    if (sni_loop_operations(&h->loop, &h->bindings, &operations) != SINTER_OK || operations < MOST_FOR_ANY)
        return false;
    bool general = sni_strategy_accepts(sni_strategy_find(schedule->strategy), &plain, h->t->runtime->caps, &why);
    sni_str_deinit(&why);
    return general;
}

static sinter_status list_candidates(hunt *h, const sni_schedule *around) {
    const sni_caps *caps = h->t->runtime->caps;
    size_t before = h->list.count, most = h->t->options->most > 0 ? (size_t)h->t->options->most : MOST_CANDIDATES;
    SNI_TRY(around == NULL ? sni_candidates_add(&h->list, &h->loop, caps, most)
                           : sni_candidates_around(&h->list, &h->loop, caps, around,
                                                   before + (most < NEIGHBOURS ? most : NEIGHBOURS)));
    /* The rule's choice stays first: everything is measured against it. */
    if (before == 0 && h->list.count > 0) before = 1;
    return sni_rank(h->list.items + before, h->list.count - before, &h->loop, &h->bindings, caps);
}

static bool is_over(const hunt *h) {
    return h->until != 0 && sni_time_ns() >= h->until;
}

/* Measures what is in the list; around one that is better than all before, more is put into it, which comes next. */
static sinter_status try_candidates(hunt *h) {
    for (; h->next < h->list.count && !is_over(h); ++h->next) {
        const sni_schedule schedule = h->list.items[h->next];
        sni_verdict verdict;
        int64_t ns;
        if (is_hopeless(h, &schedule)) continue;
        SNI_TRY(measure(h, &schedule, &verdict, &ns));
        if (verdict != SNI_VERDICT_OK || (double)ns * LEAST_GAIN > (double)h->best_ns) continue;
        h->best = schedule;
        h->best_ns = ns;
        h->result.ns = ns;
    }
    return SINTER_OK;
}

/* From the rule's neighbourhood to that of the best one, until nothing better is found there. */
static sinter_status climb(hunt *h) {
    for (;;) {
        sni_schedule before = h->best;
        SNI_TRY(try_candidates(h));
        if (is_over(h) || sni_schedule_equal(&before, &h->best)) return SINTER_OK;
        SNI_TRY(list_candidates(h, &h->best));
    }
}

/* ---- A program -------------------------------------------------------------------------------- */

static sinter_status keep(hunt *h, int64_t rule_ns, int64_t ns) {
    sni_record record = {.key = h->program->key, .ns = ns, .rule_ns = rule_ns};
    sni_str values = SNI_STR_INIT;
    sni_codegen_print_schedule(&h->best, &values);
    snprintf(record.strategy, sizeof record.strategy, "%s", h->best.strategy);
    snprintf(record.schedule, sizeof record.schedule, "%s", sni_str_text(&values));
    bool whole = !values.failed && values.length < sizeof record.schedule;
    sni_str_deinit(&values);
    if (!whole) return sni_out_of_memory("a record");
    return sni_record_append(h->t->options->dir, h->t->runtime->caps->tuning_key, &record);
}

/* A program with symbolic sizes runs with others, too, and its record is for all of them: it must not be slower there. */
static sinter_status check_larger(hunt *h, bool *kept) {
    reply r;
    if (!*kept || h->t->programs->larger == NULL || strchr(h->program->key.sizes, '?') == NULL) return SINTER_OK;
    SNI_TRY(ask_about(h, "compare", 1, &h->best, &r));
    /* Refused: there is no memory for larger sizes. */
    *kept = r.verdict == SNI_VERDICT_REFUSED ||
            (r.verdict == SNI_VERDICT_OK && (double)r.ns <= (double)r.rule_ns * LEAST_GAIN);
    return SINTER_OK;
}

/* The best candidate against the rule's choice, in turn. */
static sinter_status decide(hunt *h) {
    reply r = {.rule_ns = h->result.rule_ns, .ns = h->best_ns};
    bool same = sni_schedule_equal(&h->best, &h->rule);
    if (!same) SNI_TRY(ask_about(h, "compare", 0, &h->best, &r));
    h->result.kept = !same && r.verdict == SNI_VERDICT_OK && (double)r.ns * LEAST_GAIN < (double)r.rule_ns;
    if (!same && r.verdict == SNI_VERDICT_OK) h->result.rule_ns = r.rule_ns;
    SNI_TRY(check_larger(h, &h->result.kept));
    if (!h->result.kept) h->best = h->rule;
    h->result.ns = h->result.kept ? r.ns : h->result.rule_ns;
    if (h->result.kept) SNI_TRY(keep(h, r.rule_ns, r.ns));
    if (is_over(h)) return SINTER_OK; /* with more time there may be a better one */
    return sni_journal_add(&h->t->journal, &h->program->key, &h->best, SNI_VERDICT_DONE, h->result.ns,
                           h->result.rule_ns);
}

static sinter_status hunt_for(hunt *h) {
    sni_verdict verdict;
    int64_t ns;
    SNI_TRY(list_candidates(h, NULL));
    if (h->list.count == 0) return SINTER_OK;
    h->rule = h->best = h->list.items[h->next++];
    SNI_TRY(measure(h, &h->rule, &verdict, &ns));
    if (verdict != SNI_VERDICT_OK) {
        h->result.failure = h->failure;
        return SINTER_OK;
    }
    h->best_ns = h->result.rule_ns = h->result.ns = ns;
    SNI_TRY(climb(h));
    return decide(h);
}

static void recall(hunt *h, const sni_entry *done) {
    h->result.known = true;
    h->result.rule_ns = done->rule_ns;
    h->result.ns = done->ns;
    h->result.kept = done->ns < done->rule_ns;
    h->best = done->schedule;
}

static sinter_status tune_program(tuner *t, size_t number) {
    hunt h = {.t = t, .program = &t->programs->items[number], .loop = t->programs->items[number].step->loop};
    int64_t now = sni_time_ns();
    size_t left = t->programs->count - number;
    h.until = t->until == 0 ? 0 : t->until > now ? now + (t->until - now) / (int64_t)left : now;
    h.bindings = sni_dims_bindings(t->programs->dims);
    h.result = (sni_tune_result){.program = h.program, .number = (int)number + 1, .of = (int)t->programs->count};
    h.result.best = &h.best;
    const sni_entry *done = sni_journal_done(&t->journal, &h.program->key);
    h.loop.sym = sni_sym_clone(h.loop.sym);
    sinter_status status = h.loop.sym != NULL ? SINTER_OK : sni_out_of_memory("candidates");
    if (status == SINTER_OK && done != NULL)
        recall(&h, done);
    else if (status == SINTER_OK)
        status = hunt_for(&h);
    if (status == SINTER_OK && t->options->result != NULL) t->options->result(t->options->context, &h.result);
    sni_candidates_deinit(&h.list);
    sni_sym_release(h.loop.sym);
    return status;
}

sinter_status sni_tune_run(sinter_runtime *runtime, const sni_programs *programs, const sni_tune_options *options) {
    tuner t = {.runtime = runtime, .programs = programs, .options = options, .taken = -1};
    if (options->budget_s > 0) t.until = sni_time_ns() + (int64_t)(options->budget_s * 1e9);
    sinter_status status = sni_journal_open(&t.journal, options->dir, runtime->caps);
    for (size_t i = 0; i < programs->count && status == SINTER_OK; ++i) status = tune_program(&t, i);
    (void)sni_process_end(&t.child);
    sni_journal_close(&t.journal);
    return status;
}
