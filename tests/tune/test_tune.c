/* The tuner: planted candidates that are wrong or hang are rejected and remembered; killed with SIGKILL it goes on; what it
 * keeps is right and is what plans take.
 *
 * The child process of the tuner is this program, too: with --worker it plants the same strategies and serves. */
#include "check_main.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sinter/sinter.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "base/thread.h"
#include "codegen/strategies.h"
#include "tune/journal.h"
#include "tune/tune.h"
#include "tune/worker.h"

enum { ROWS = 37, COLUMNS = 301, LIMIT_S = 5 };

static char scratch[] = "/tmp/sinter-tune-XXXXXX";
static char *own_path;

static void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

/* ---- Planted strategies ----------------------------------------------------------------------- */

static bool accepts_any(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    (void)loop;
    (void)caps;
    (void)why;
    return true;
}

static sinter_status generate_plain(const sni_loop *loop, const sni_caps *caps, sni_arena *arena, sni_kspec *out_spec) {
    const sni_strategy *plain = sni_strategy_find("plain");
    sni_schedule schedule = {.strategy = "plain"};
    plain->choose(loop, caps, &schedule);
    return plain->generate(loop, caps, &schedule, arena, out_spec);
}

/* Only the first work-group runs: fast, and what the others should write is missing. */
static sinter_status generate_wrong(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                    sni_arena *arena, sni_kspec *out_spec) {
    (void)schedule;
    SNI_TRY(generate_plain(loop, caps, arena, out_spec));
    out_spec->global[0] = sni_sym_const(loop->sym, (int64_t)out_spec->local[0]);
    return SINTER_OK;
}

static sinter_status generate_hanging(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                      sni_arena *arena, sni_kspec *out_spec) {
    static const char loops_forever[] = "static inline size_t for_ever(uint d) {\n"
                                        "    volatile int i = 0;\n"
                                        "    while (i >= 0) i = (i + 1) & 1023;\n"
                                        "    return d;\n"
                                        "}\n"
                                        "#define get_global_id for_ever\n";
    (void)schedule;
    SNI_TRY(generate_plain(loop, caps, arena, out_spec));
    size_t length = strlen(out_spec->source);
    char *text = sni_arena_alloc(arena, sizeof loops_forever + length);
    if (text == NULL) return sni_out_of_memory("a kernel");
    memcpy(text, loops_forever, sizeof loops_forever - 1);
    memcpy(text + sizeof loops_forever - 1, out_spec->source, length);
    out_spec->source = text;
    return SINTER_OK;
}

static const sni_strategy wrong = {
    .name = "planted_wrong", .accepts = accepts_any, .generate = generate_wrong, .asked_only = true};
static const sni_strategy hanging = {
    .name = "planted_hanging", .accepts = accepts_any, .generate = generate_hanging, .asked_only = true};

/* ---- What is tuned ---------------------------------------------------------------------------- */

static sinter_status make_graph(sinter_graph **out_graph) {
    sinter_status status = sinter_graph_create(out_graph);
    if (status != SINTER_OK) return status;
    sinter_value x = sinter_input(*out_graph, "x", SINTER_F32, SINTER_SHAPE(ROWS, COLUMNS));
    sinter_output(*out_graph, "y", sinter_softmax(*out_graph, x, -1));
    return sinter_graph_status(*out_graph);
}

typedef struct session {
    sinter_runtime *runtime;
    sinter_graph *graph;
    sni_programs programs;
} session;

static sinter_status session_open(session *s, const char *cache_dir) {
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = cache_dir;
    sinter_binding x = {"x", SINTER_F32, SINTER_SHAPE(ROWS, COLUMNS), NULL, 0, NULL};
    *s = (session){.runtime = NULL};
    SNI_TRY(sinter_runtime_create(&options, &s->runtime));
    SNI_TRY(make_graph(&s->graph));
    return sni_programs_init(&s->programs, s->runtime, s->graph, &x, 1);
}

static void session_close(session *s) {
    sni_programs_deinit(&s->programs);
    sinter_graph_release(s->graph);
    sinter_runtime_release(s->runtime);
}

static sni_tune_result last;
static sni_schedule last_best;

static void note_result(void *context, const sni_tune_result *result) {
    (void)context;
    last = *result;
    last_best = *result->best;
    last.best = &last_best;
}

static void tune(session *s) {
    static char *const argv[] = {"test_tune", "--worker", NULL};
    sni_tune_options options = {.dir = s->runtime->tuning_dir,
                                .path = own_path,
                                .argv = argv,
                                .most = 16,
                                .limit_s = LIMIT_S,
                                .result = note_result};
    sinter_status status = sni_tune_run(s->runtime, &s->programs, &options);
    if (status != SINTER_OK) fprintf(stderr, "tuning failed: %s\n", sinter_last_error());
    ck_assert_int_eq(status, SINTER_OK);
}

static const char *cache_dir(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

/* The journal's text, or NULL when there is none yet. */
static char *journal_text(const session *s) {
    char path[512], *data = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/%s.journal", s->runtime->tuning_dir, s->runtime->caps->tuning_key);
    return sni_file_exists(path) && sni_file_read(path, 1 << 24, &data, &size) == SINTER_OK ? data : NULL;
}

static int count(const char *text, const char *what) {
    int found = 0;
    for (const char *at = text; at != NULL && (at = strstr(at, what)) != NULL; at += strlen(what)) ++found;
    return found;
}

static sni_verdict verdict_of(const session *s, const char *strategy) {
    sni_journal journal;
    sni_schedule schedule = {.strategy = strategy};
    int64_t ns;
    must(sni_journal_open(&journal, s->runtime->tuning_dir, s->runtime->caps));
    sni_verdict verdict = sni_journal_verdict(&journal, &s->programs.items[0].key, &schedule, &ns);
    sni_journal_close(&journal);
    return verdict;
}

/* Compiles the graph, runs it, compares with softmax in double; does explain have these words? */
static bool run_plan(const char *dir, const char *wanted_words) {
    static float x[ROWS][COLUMNS], y[ROWS][COLUMNS];
    session s;
    sinter_plan *plan;
    char *text;
    must(session_open(&s, dir));
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < COLUMNS; ++j) x[i][j] = (float)((i * 31 + j * 17) % 101) / 25 - 2;
    sinter_binding bindings[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(ROWS, COLUMNS), x, sizeof x),
                                 SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(ROWS, COLUMNS), y, sizeof y)};
    must(sinter_plan_compile(s.runtime, s.graph, NULL, &plan));
    must(sinter_plan_run(plan, bindings, 2));
    must(sinter_plan_explain(plan, bindings, 1, 0, &text));
    for (int i = 0; i < ROWS; ++i) {
        double sum = 0;
        for (int j = 0; j < COLUMNS; ++j) sum += exp((double)x[i][j]);
        for (int j = 0; j < COLUMNS; ++j) ck_assert(fabs((double)y[i][j] - exp((double)x[i][j]) / sum) < 1e-6);
    }
    bool found = strstr(text, wanted_words) != NULL;
    if (!found) fprintf(stderr, "%s\n", text);
    sinter_free(text);
    sinter_plan_release(plan);
    session_close(&s);
    return found;
}

/* ---- Cases ------------------------------------------------------------------------------------ */

START_TEST(test_planted_candidates) {
    session s;
    must(session_open(&s, cache_dir("planted")));
    ck_assert_uint_eq(s.programs.count, 1);
    tune(&s);
    ck_assert_int_eq(verdict_of(&s, "planted_wrong"), SNI_VERDICT_WRONG);
    ck_assert_int_eq(verdict_of(&s, "planted_hanging"), SNI_VERDICT_HUNG);
    ck_assert_int_ge(last.rejected, 2);
    ck_assert_int_gt(last.measured, last.rejected);
    ck_assert_int_gt(last.rule_ns, 0);
    ck_assert_int_le(last.ns, last.rule_ns);
    ck_assert(strncmp(last.best->strategy, "planted", 7) != 0);
    /* Again: the journal knows all of it, and nothing is run, least of all what hung. */
    char *before = journal_text(&s);
    int64_t start = sni_time_ns();
    tune(&s);
    char *after = journal_text(&s);
    ck_assert_str_eq(before, after);
    ck_assert(last.known);
    ck_assert(sni_time_ns() - start < (int64_t)LIMIT_S * 1000000000);
    free(before);
    free(after);
    bool kept = last.kept;
    session_close(&s);
    ck_assert(run_plan(cache_dir("planted"), kept ? "by user record of" : "by rule"));
}
END_TEST

/* The tuner is killed at a few places; what it had measured is not measured again, and the search ends. */
START_TEST(test_killed) {
    session s;
    const char *dir = cache_dir("killed");
    must(session_open(&s, dir));
    for (int kills = 1; kills <= 3; ++kills) {
        pid_t tuner = fork();
        if (tuner == 0) {
            execl(own_path, "test_tune", "--tune", dir, (char *)NULL);
            _exit(1);
        }
        ck_assert_int_gt(tuner, 0);
        for (int waited = 0; waited < 6000; ++waited) {
            char *text = journal_text(&s);
            int done = count(text, "\"verdict\":\"ok\"");
            free(text);
            if (done >= 4 * kills) break;
            usleep(10000);
        }
        kill(tuner, SIGKILL);
        ck_assert_int_eq(waitpid(tuner, NULL, 0), tuner);
    }
    char *text = journal_text(&s);
    int before = count(text, "\"verdict\":\"ok\"");
    free(text);
    ck_assert_int_ge(before, 12);
    tune(&s);
    text = journal_text(&s);
    int begun = count(text, "\"verdict\":\"begun\""), ended = count(text, "\"verdict\":\"") - begun - 1;
    ck_assert_int_eq(count(text, "\"verdict\":\"done\""), 1);
    ck_assert_msg(begun - ended <= 3, "%d begun, %d ended", begun, ended);
    ck_assert_int_eq(last.measured, ended);
    ck_assert_int_eq(verdict_of(&s, "planted_hanging"), SNI_VERDICT_HUNG);
    free(text);
    session_close(&s);
}
END_TEST

/* A plan takes what a record says, says so, and takes the rule when the record is damaged or fits nothing here. */
START_TEST(test_records_choose) {
    session s;
    char path[512];
    must(session_open(&s, cache_dir("chosen")));
    sni_record record = {.key = s.programs.items[0].key, .ns = 100, .rule_ns = 173};
    snprintf(record.strategy, sizeof record.strategy, "plain");
    snprintf(record.schedule, sizeof record.schedule, "local=64");
    must(sni_record_append(s.runtime->tuning_dir, s.runtime->caps->tuning_key, &record));
    ck_assert(run_plan(cache_dir("chosen"), "launch 1: plain"));
    ck_assert(run_plan(cache_dir("chosen"), "schedule: local=64, by user record of "));
    ck_assert(run_plan(cache_dir("chosen"), "1.73 times the rule's speed"));
    snprintf(record.schedule, sizeof record.schedule, "local=65");
    must(sni_record_append(s.runtime->tuning_dir, s.runtime->caps->tuning_key, &record));
    ck_assert(run_plan(cache_dir("chosen"), ", by rule"));
    snprintf(record.strategy, sizeof record.strategy, "gone");
    must(sni_record_append(s.runtime->tuning_dir, s.runtime->caps->tuning_key, &record));
    ck_assert(run_plan(cache_dir("chosen"), ", by rule"));
    snprintf(path, sizeof path, "%s/%s.jsonl", s.runtime->tuning_dir, s.runtime->caps->tuning_key);
    must(sni_file_write_atomic(path, "{\"format\":1,", 12));
    ck_assert(run_plan(cache_dir("chosen"), ", by rule"));
    session_close(&s);
}
END_TEST

static int serve(void) {
    session s;
    sinter_status status = session_open(&s, "");
    if (status == SINTER_OK) status = sni_worker_run(s.runtime, &s.programs, LIMIT_S);
    session_close(&s);
    return status == SINTER_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int tune_in(const char *dir) {
    session s;
    if (session_open(&s, dir) != SINTER_OK) return EXIT_FAILURE;
    tune(&s); /* until it is killed */
    session_close(&s);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    const TTest *const tests[] = {test_planted_candidates, test_killed, test_records_choose};
    sni_strategy_plant(&wrong);
    sni_strategy_plant(&hanging);
    if (sni_process_own_path(&own_path) != SINTER_OK) return EXIT_FAILURE;
    if (argc > 1 && strcmp(argv[1], "--worker") == 0) return serve();
    if (argc > 2 && strcmp(argv[1], "--tune") == 0) return tune_in(argv[2]);
    if (mkdtemp(scratch) == NULL) return EXIT_FAILURE;
    int result = run_suite(suite_of("tune", tests, sizeof tests / sizeof *tests));
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", scratch);
    sni_free(own_path);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
