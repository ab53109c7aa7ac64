/* Serving measurements to the parent process. */
#include "tune/worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "tune/bench.h"

/* What is kept between lines: most of them are about one program. */
typedef struct worker {
    sinter_runtime *runtime;
    const sni_programs *programs;
    sni_bench bench;
    long long current; /* the bench's program, -1: none */
} worker;

#define MEASURE_NS ((int64_t)60000000)
#define COMPARE_NS ((int64_t)400000000)
/* The plain kernel is the reference unless it would take too long for that: then what the rules choose is. */
#define PLAIN_OPERATIONS 2e9

static sinter_status expect(worker *w) {
    sni_bench_kernel trusted;
    static const sni_schedule plain = {.strategy = "plain"};
    double operations = 0;
    SNI_TRY(sni_loop_operations(&w->bench.loop, &w->bench.bindings, &operations));
    sinter_status status = sni_bench_kernel_init(&trusted, &w->bench, operations < PLAIN_OPERATIONS ? &plain : NULL);
    if (status == SINTER_OK) status = sni_bench_expect(&w->bench, &trusted);
    sni_bench_kernel_deinit(&trusted);
    return status;
}

static sinter_status take_up(worker *w, long long program) {
    if (program == w->current) return SINTER_OK;
    if (program < 0 || (size_t)program >= w->programs->count)
        return sni_fail(SINTER_INVALID_ARGUMENT, "there is no program %lld", program);
    sni_bindings bindings = sni_dims_bindings(w->programs->dims);
    w->current = -1;
    sni_bench_deinit(&w->bench);
    SNI_TRY(sni_bench_init(&w->bench, w->runtime, &w->programs->items[program].step->loop, &bindings));
    SNI_TRY(expect(w));
    w->current = program;
    return SINTER_OK;
}

/* "STRATEGY VALUES..." */
static sinter_status read_schedule(const char *text, sni_schedule *out) {
    char strategy[64];
    size_t length = strcspn(text, " ");
    if (length >= sizeof strategy) return sni_fail(SINTER_INVALID_ARGUMENT, "a strategy's name is too long");
    memcpy(strategy, text, length);
    strategy[length] = 0;
    return sni_codegen_parse_schedule(strategy, text + length + (text[length] != 0), out);
}

/* One line: an answer may not have newlines, and build logs have. */
static void answer(const char *kind, const char *words) {
    printf("tune %s ", kind);
    for (int i = 0; words[i] != 0 && i < 400; ++i) putchar((unsigned char)words[i] < 0x20 ? ' ' : words[i]);
    putchar('\n');
    fflush(stdout);
}

static sinter_status measure_kernel(worker *w, sni_bench_kernel *kernel, int64_t limit_ns) {
    bool right;
    int64_t ns;
    char number[32];
    sni_str why = SNI_STR_INIT;
    sinter_status status = sni_bench_check(&w->bench, kernel, &right, &why);
    if (status == SINTER_OK && right) status = sni_bench_time(&w->bench, kernel, MEASURE_NS, limit_ns, &ns);
    if (status == SINTER_OK && right) snprintf(number, sizeof number, "%lld", (long long)ns);
    if (status == SINTER_OK) answer(right ? "ok" : "wrong", right ? number : sni_str_text(&why));
    sni_str_deinit(&why);
    return status;
}

static void measure(worker *w, long long program, long long limit_ns, const char *text) {
    sni_schedule schedule;
    sni_bench_kernel kernel = {.arena = NULL};
    sinter_status status = take_up(w, program);
    if (status == SINTER_OK) status = read_schedule(text, &schedule);
    if (status == SINTER_OK) status = sni_bench_kernel_init(&kernel, &w->bench, &schedule);
    if (status == SINTER_OK) status = measure_kernel(w, &kernel, limit_ns);
    sni_bench_kernel_deinit(&kernel);
    if (status != SINTER_OK) answer(status == SINTER_UNSUPPORTED ? "refused" : "failed", sinter_last_error());
}

/* Costs that one process knows and the other does not would make other programs of the same graph. */
static sinter_status check_key(const worker *w, long long program, const char *hash, const char *sizes) {
    bool same = program >= 0 && (size_t)program < w->programs->count &&
                strcmp(w->programs->items[program].key.program, hash) == 0 &&
                strcmp(w->programs->items[program].key.sizes, sizes) == 0;
    return same ? SINTER_OK : sni_fail(SINTER_INTERNAL, "the processes have made different programs of the graph");
}

static void take(worker *w, long long program, const char *hash, const char *sizes) {
    sinter_status status = check_key(w, program, hash, sizes);
    if (status == SINTER_OK) status = take_up(w, program);
    answer(status == SINTER_OK ? "ok" : "failed", status == SINTER_OK ? "0" : sinter_last_error());
}

static sinter_status compare_on(sni_bench *bench, const sni_schedule *schedule, int64_t *out_rule_ns, int64_t *out_ns) {
    sni_bench_kernel rule = {.arena = NULL}, kernel = {.arena = NULL};
    sinter_status status = sni_bench_kernel_init(&rule, bench, NULL);
    if (status == SINTER_OK) status = sni_bench_kernel_init(&kernel, bench, schedule);
    if (status == SINTER_OK) status = sni_bench_compare(bench, &rule, &kernel, COMPARE_NS, out_rule_ns, out_ns);
    sni_bench_kernel_deinit(&rule);
    sni_bench_kernel_deinit(&kernel);
    return status;
}

/* With sizes for which a plan may run the same kernel. */
static sinter_status compare_larger(worker *w, const sni_schedule *schedule, int64_t *out_rule_ns, int64_t *out_ns) {
    sni_bench bench = {.runtime = NULL};
    if (w->programs->larger == NULL) return sni_fail(SINTER_UNSUPPORTED, "the programs have no larger sizes");
    sni_bindings bindings = sni_dims_bindings(w->programs->larger);
    sinter_status status = sni_bench_init(&bench, w->runtime, &w->programs->items[w->current].step->loop, &bindings);
    if (status == SINTER_OK) status = compare_on(&bench, schedule, out_rule_ns, out_ns);
    sni_bench_deinit(&bench);
    return status;
}

static void compare(worker *w, long long program, int larger, const char *text) {
    sni_schedule schedule;
    int64_t rule_ns = 0, ns = 0;
    char numbers[64];
    sinter_status status = take_up(w, program);
    if (status == SINTER_OK) status = read_schedule(text, &schedule);
    if (status == SINTER_OK)
        status = larger ? compare_larger(w, &schedule, &rule_ns, &ns) : compare_on(&w->bench, &schedule, &rule_ns, &ns);
    snprintf(numbers, sizeof numbers, "%lld %lld", (long long)rule_ns, (long long)ns);
    answer(status == SINTER_OK ? "pair" : "failed", status == SINTER_OK ? numbers : sinter_last_error());
}

static void serve(worker *w, const char *line) {
    long long program, limit_ns;
    int at = 0, larger;
    char hash[40], sizes[256];
    if (sscanf(line, "measure %lld %lld %n", &program, &limit_ns, &at) == 2 && at > 0)
        measure(w, program, limit_ns, line + at);
    else if (sscanf(line, "take %lld %39s %255s", &program, hash, sizes) == 3)
        take(w, program, hash, sizes);
    else if (sscanf(line, "compare %lld %d %n", &program, &larger, &at) == 2 && at > 0)
        compare(w, program, larger, line + at);
    else
        answer("failed", "a line that is not understood");
}

sinter_status sni_worker_run(sinter_runtime *runtime, const sni_programs *programs, int limit_s) {
    worker w = {.runtime = runtime, .programs = programs, .current = -1};
    char line[SNI_PROCESS_LINE];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        alarm(strncmp(line, "take ", 5) == 0 ? SNI_WORKER_START_S : (unsigned)limit_s);
        serve(&w, line);
        alarm(0);
    }
    sni_bench_deinit(&w.bench);
    return SINTER_OK;
}
