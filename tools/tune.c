/* `sinter tune`: measures other schedules than the rules choose, and keeps the best ones as records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/process.h"
#include "bench.h"
#include "command.h"
#include "model.h"
#include "options.h"
#include "progress.h"
#include "runtime/kept_costs.h"
#include "runtime/runtime.h"
#include "tune/probe.h"
#include "tune/tune.h"
#include "tune/worker.h"

enum { LIMIT_S = 20 /* for one candidate */ };

/* What is tuned: a model's file, or a case of `sinter bench`. The child makes the same of the same words. */
typedef struct subject {
    tool_model model;
    sinter_graph *graph; /* of a case; a model has its own */
    sinter_binding bindings[BENCH_MAX_INPUTS];
    size_t count;
} subject;

static void subject_close(subject *s) {
    tool_model_release(&s->model);
    sinter_graph_release(s->graph);
}

static int open_case(const bench_case *c, subject *s) {
    sinter_status status = sinter_graph_create(&s->graph);
    if (status != SINTER_OK) return tool_fail(status, NULL);
    s->count = (size_t)c->build(s->graph, c);
    for (size_t i = 0; i < s->count; ++i) {
        const char *name = sinter_graph_input_name(s->graph, i);
        s->bindings[i] = (sinter_binding){name, c->dtype, bench_input_shape(s->graph, c, i), NULL, 0, NULL};
    }
    return TOOL_DONE;
}

static const bench_case *find_case(const char *name) {
    for (size_t i = 0; i < bench_case_count; ++i)
        if (strcmp(bench_cases[i].name, name) == 0) return &bench_cases[i];
    return NULL;
}

static int subject_open(const char *name, const tool_list *dims, subject *out) {
    static const tool_list no_inputs;
    const bench_case *c = find_case(name);
    *out = (subject){.count = 0};
    return c != NULL ? open_case(c, out) : tool_model_open(name, &no_inputs, dims, &out->model);
}

static sinter_status subject_programs(const subject *s, sinter_runtime *runtime, sni_programs *out) {
    if (s->graph != NULL) return sni_programs_init(out, runtime, s->graph, s->bindings, s->count);
    return sni_programs_init(out, runtime, s->model.graph, s->model.bindings, s->model.input_count);
}

/* ---- What is printed -------------------------------------------------------------------------- */

typedef struct report {
    int kept, programs;
} report;

/* The number of candidates is not known before the last one. */
static void show_progress(void *context, const sni_tune_result *so_far) {
    char text[160];
    (void)context;
    snprintf(text, sizeof text, "%.60s: %d measured, %d rejected, %.2f times the rule's speed",
             sni_str_text(&so_far->program->words), so_far->measured, so_far->rejected,
             so_far->ns > 0 ? (double)so_far->rule_ns / (double)so_far->ns : 1.0);
    tool_progress_step((size_t)so_far->number - 1, (size_t)so_far->of, text);
}

static void print_result(void *context, const sni_tune_result *result) {
    report *r = context;
    sni_str values = SNI_STR_INIT;
    tool_progress_hide();
    ++r->programs;
    printf("%3d  %-44.44s %-20.20s ", result->number, sni_str_text(&result->program->words),
           result->program->key.sizes);
    if (result->failure != NULL) {
        printf("not measured: %s\n", result->failure);
    } else if (result->rule_ns > 0) {
        sni_codegen_print_schedule(result->best, &values);
        printf("%10.1f us %10.1f us  %5.2f  %s: %s %s (%d measured, %d rejected%s)\n", (double)result->rule_ns / 1e3,
               (double)result->ns / 1e3, (double)result->rule_ns / (double)result->ns, result->kept ? "record" : "rule",
               result->best->strategy, sni_str_text(&values), result->measured, result->rejected,
               result->known ? ", from the journal" : "");
        r->kept += result->kept;
    } else {
        printf("no candidate\n");
    }
    fflush(stdout);
    sni_str_deinit(&values);
}

/* ---- The command ------------------------------------------------------------------------------ */

typedef struct arguments {
    const char *device;
    const char *budget;
    long long worker; /* not 0: this is the child, which has so many seconds for a candidate */
    tool_list dims;
    double budget_s;
} arguments;

/* argv of the child for a subject; the caller frees the array. */
static char **child_arguments(const arguments *a, const char *name, char limit[16]) {
    size_t count = 0;
    char **argv = calloc(2 * a->dims.count + 10, sizeof *argv);
    if (argv == NULL) return NULL;
    snprintf(limit, 16, "%d", LIMIT_S);
    argv[count++] = "sinter";
    argv[count++] = "tune";
    argv[count++] = "--worker";
    argv[count++] = limit;
    if (a->device != NULL) {
        argv[count++] = "--device";
        argv[count++] = (char *)a->device;
    }
    for (size_t i = 0; i < a->dims.count; ++i) {
        argv[count++] = "--dim";
        argv[count++] = (char *)a->dims.items[i];
    }
    argv[count++] = "--";
    argv[count++] = (char *)name;
    return argv;
}

static int run_tuner(const arguments *a, const char *name, sinter_runtime *runtime, const sni_programs *programs,
                     double budget_s, report *r) {
    char limit[16], *path = NULL, **argv = child_arguments(a, name, limit);
    sinter_status status = argv != NULL ? sni_process_own_path(&path) : sni_out_of_memory("arguments");
    sni_tune_options options = {.dir = runtime->tuning_dir,
                                .path = path,
                                .argv = argv,
                                .budget_s = budget_s,
                                .limit_s = LIMIT_S,
                                .progress = show_progress,
                                .result = print_result,
                                .context = r};
    tool_progress_begin("tuning");
    if (status == SINTER_OK) status = sni_tune_run(runtime, programs, &options);
    tool_progress_end();
    sni_free(path);
    free(argv);
    return status == SINTER_OK ? TOOL_DONE : tool_fail(status, name);
}

static int serve(const arguments *a, sinter_runtime *runtime, const sni_programs *programs) {
    sinter_status status = sni_worker_run(runtime, programs, (int)a->worker);
    return status == SINTER_OK ? TOOL_DONE : tool_fail(status, NULL);
}

static int tune_subject(const arguments *a, const char *name, sinter_runtime *runtime, double budget_s, report *r) {
    subject s;
    sni_programs programs = {.plan = NULL};
    int code = subject_open(name, &a->dims, &s);
    if (code == TOOL_DONE) {
        sinter_status status = subject_programs(&s, runtime, &programs);
        if (status != SINTER_OK) code = tool_fail(status, name);
    }
    if (code == TOOL_DONE)
        code = a->worker > 0 ? serve(a, runtime, &programs) : run_tuner(a, name, runtime, &programs, budget_s, r);
    sni_programs_deinit(&programs);
    subject_close(&s);
    return code;
}

/* Is the word a suite of `sinter bench`, or "all" (every suite of sizes for any device)? */
static bool in_suite(const bench_case *c, const char *word) {
    size_t length = strlen(c->suite);
    bool large = length > 6 && strcmp(c->suite + length - 6, "-large") == 0;
    return strcmp(c->suite, word) == 0 || (!large && strcmp(word, "all") == 0);
}

static int tune_words(const arguments *a, const tool_list *words, sinter_runtime *runtime, report *r) {
    for (size_t w = 0; w < words->count; ++w) {
        size_t cases = 0, done = 0;
        for (size_t i = 0; i < bench_case_count; ++i) cases += in_suite(&bench_cases[i], words->items[w]);
        double each = a->budget_s / (double)words->count;
        for (size_t i = 0; i < bench_case_count; ++i) {
            if (!in_suite(&bench_cases[i], words->items[w])) continue;
            int code = tune_subject(a, bench_cases[i].name, runtime, each / (double)cases, r);
            if (code != TOOL_DONE) return code;
            ++done;
        }
        int code = done > 0 ? TOOL_DONE : tune_subject(a, words->items[w], runtime, each, r);
        if (code != TOOL_DONE) return code;
    }
    return TOOL_DONE;
}

static int check_arguments(arguments *a, const tool_list *words) {
    a->budget_s = 0;
    if (words->count == 0) return tool_usage("tune takes a MODEL, a suite of `sinter bench`, or all");
    if (a->budget != NULL && (!sni_parse_double(a->budget, &a->budget_s) || !(a->budget_s > 0)))
        return tool_usage("--budget takes a number of seconds, not '%s'", a->budget);
    return TOOL_DONE;
}

/* The child keeps no kernels, but it fuses with the costs that its parent knows. */
static sinter_status share_costs(sinter_runtime *runtime) {
    char *dir;
    sni_str path = SNI_STR_INIT;
    SNI_TRY(sni_cache_dir(NULL, &dir));
    sni_str_printf(&path, "%s/tuning", dir);
    sinter_status status =
        path.failed ? sni_out_of_memory("costs") : sni_costs_find(runtime->caps, sni_str_text(&path), &runtime->costs);
    sni_str_deinit(&path);
    sni_free(dir);
    return status;
}

/* What a launch, memory and arithmetic cost is measured once on a device, because the fuser goes by it. */
static sinter_status probe_costs(sinter_runtime *runtime) {
    bool known = false;
    if (runtime->tuning_dir == NULL) return SINTER_OK;
    SNI_TRY(sni_costs_known(runtime->caps, runtime->tuning_dir, &known));
    if (known) return SINTER_OK;
    SNI_TRY(sni_costs_probe(runtime, &runtime->costs));
    return sni_costs_keep(runtime->caps, runtime->tuning_dir, &runtime->costs);
}

static int run_command(const arguments *a, const tool_list *words) {
    sinter_runtime *runtime = NULL;
    report r = {.kept = 0};
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.device = a->device;
    if (a->worker > 0) options.cache_dir = ""; /* most of what a child builds is never used again */
    sinter_status status = sinter_runtime_create(&options, &runtime);
    if (status == SINTER_OK) status = a->worker > 0 ? share_costs(runtime) : probe_costs(runtime);
    if (status != SINTER_OK) return tool_fail(status, NULL);
    int code = TOOL_DONE;
    if (a->worker > 0) {
        code = tune_subject(a, words->items[0], runtime, 0, &r);
    } else if (runtime->tuning_dir == NULL) {
        code = tool_fail(sni_fail(SINTER_IO, "there is no directory for records: set SINTER_CACHE_DIR"), NULL);
    } else {
        printf("device: %s\nrecords: %s/%s.jsonl\n", sinter_runtime_device_name(runtime), runtime->tuning_dir,
               runtime->caps->tuning_key);
        printf("     %-44s %-20s %13s %13s  gain\n", "program", "sizes", "by rule", "tuned");
        code = tune_words(a, words, runtime, &r);
        if (code == TOOL_DONE) printf("programs: %d\nrecords kept: %d\n", r.programs, r.kept);
    }
    sinter_runtime_release(runtime);
    return code;
}

int tool_tune(int argc, char **argv) {
    arguments a = {.device = NULL};
    tool_list words = {0};
    const tool_option options[] = {{"--device", TOOL_OPTION_TEXT, &a.device},
                                   {"--budget", TOOL_OPTION_TEXT, &a.budget},
                                   {"--dim", TOOL_OPTION_LIST, &a.dims},
                                   {"--worker", TOOL_OPTION_INT, &a.worker},
                                   {NULL, 0, NULL}};
    int code = tool_options_parse(argc, argv, options, &words);
    if (code == TOOL_DONE) code = check_arguments(&a, &words);
    if (code == TOOL_DONE) code = run_command(&a, &words);
    tool_list_deinit(&words);
    tool_list_deinit(&a.dims);
    return code;
}
