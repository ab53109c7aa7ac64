/* `sinter conformance`: ONNX's backend tests, and any directory laid out like them, on a device.
 *
 * Each data set is judged by itself, with a graph and a plan of its own, because inputs that give a shape become constants of the
 * graph. What the library refuses as unsupported is a skip, everything else that goes wrong a failure. */
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "base/alloc.h"
#include "command.h"
#include "compare.h"
#include "files.h"
#include "options.h"
#include "progress.h"
#include "trim.h"
#include <sinter/plan.h>

#define MAX_SETS 64

typedef struct {
    sinter_runtime *runtime;
    bool verbose;
    int passed, failed, skipped;
    size_t done, total; /* directories */
} tally;

/* What a data set came to. why is the reason of a skip or a failure. */
typedef struct {
    sinter_status status;
    bool differs;
    char why[1024];
} verdict;

static void take_error(verdict *v, sinter_status status) {
    v->status = status;
    snprintf(v->why, sizeof v->why, "%s", sinter_last_error());
    /* One line a result. */
    v->why[strcspn(v->why, "\n")] = '\0';
}

static bool same_shape(sinter_shape a, sinter_shape b) {
    bool same = a.rank == b.rank;
    for (int i = 0; same && i < a.rank; i++) same = a.dims[i] == b.dims[i];
    return same;
}

static void print_shape(const sinter_onnx_tensor *t, char *text, size_t size) {
    int at = snprintf(text, size, "%s[", sinter_dtype_name(t->dtype));
    for (int i = 0; i < t->shape.rank && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%lld", i ? ", " : "", (long long)t->shape.dims[i]);
    if ((size_t)at < size) snprintf(text + at, size - (size_t)at, "]");
}

/* The first difference is the verdict: dtype and shape, which must be the same, then the elements. */
static void check_output(const sinter_onnx_tensor *got, const sinter_onnx_tensor *want, verdict *v) {
    char text[200], have[160], need[160];
    if (got->dtype != want->dtype || !same_shape(got->shape, want->shape)) {
        print_shape(got, have, sizeof have);
        print_shape(want, need, sizeof need);
        v->differs = true;
        snprintf(v->why, sizeof v->why, "output %s is %s, not %s", got->name, have, need);
    } else if (!sinter_compare(got->dtype, got->data, want->data, tool_tensor_count(got), text, sizeof text)) {
        v->differs = true;
        snprintf(v->why, sizeof v->why, "output %s: %s", got->name, text);
    }
}

/* One data set on the device. */
typedef struct {
    sinter_graph *graph;
    sinter_plan *plan;
    backend_set set;
    sinter_onnx_tensor outputs[BACKEND_MAX_TENSORS];
    sinter_binding bindings[2 * BACKEND_MAX_TENSORS];
    size_t input_count, output_count;
} trial;

/* Binds inputs as the data set has them, by the graph's names, and makes room for the outputs: their shapes follow from the inputs'. */
static sinter_status bind(trial *t) {
    t->input_count = sinter_graph_input_count(t->graph);
    t->output_count = sinter_graph_output_count(t->graph);
    if (t->input_count > BACKEND_MAX_TENSORS || t->output_count > BACKEND_MAX_TENSORS)
        return sni_fail(SINTER_UNSUPPORTED, "more than %d inputs or outputs", BACKEND_MAX_TENSORS);
    for (size_t i = 0; i < t->input_count; i++) {
        const char *name = sinter_graph_input_name(t->graph, i);
        const sinter_onnx_tensor *from = backend_input(&t->set, t->graph, i);
        if (!from) return sni_fail(SINTER_IO, "there is no data for input %s", name);
        t->bindings[i] = (sinter_binding)SINTER_BIND_HOST(name, from->dtype, from->shape, from->data, from->size_bytes);
    }
    for (size_t i = 0; i < t->output_count; i++) {
        const char *name = sinter_graph_output_name(t->graph, i);
        sinter_onnx_tensor *out = &t->outputs[i];
        sinter_value value = sinter_graph_output_value(t->graph, i);
        sinter_shape shape;
        SNI_TRY(sinter_plan_output_shape(t->plan, t->bindings, t->input_count, name, &shape));
        SNI_TRY(tool_tensor_make(name, sinter_value_dtype(t->graph, value), shape, out));
        t->bindings[t->input_count + i] =
            (sinter_binding)SINTER_BIND_HOST(out->name, out->dtype, out->shape, out->data, out->size_bytes);
    }
    return SINTER_OK;
}

static sinter_status run(sinter_runtime *runtime, const char *dir, const char *path, trial *t, verdict *v) {
    int fixed;
    SNI_TRY(backend_load(dir, path, &t->set, &t->graph, &fixed));
    if (t->set.output_count == 0) return sni_fail(SINTER_UNSUPPORTED, "it has no expected outputs");
    SNI_TRY(sinter_plan_compile(runtime, t->graph, NULL, &t->plan));
    SNI_TRY(bind(t));
    SNI_TRY(sinter_plan_run(t->plan, t->bindings, t->input_count + t->output_count));
    /* A data set knows nothing of bounds: it holds the part that is meant, and no extents. */
    t->output_count = tool_outputs_trim(t->graph, t->outputs, t->output_count);
    if ((size_t)t->set.output_count < t->output_count) {
        v->differs = true;
        snprintf(v->why, sizeof v->why, "%d of %zu outputs are given", t->set.output_count, t->output_count);
    }
    for (size_t i = 0; i < t->output_count && !v->differs; i++) check_output(&t->outputs[i], &t->set.outputs[i], v);
    if (!v->differs && fixed > 0) snprintf(v->why, sizeof v->why, "with %d inputs as constants", fixed);
    return SINTER_OK;
}

/* Accepts a trial that ended early. */
static void trial_deinit(trial *t) {
    for (size_t i = 0; i < BACKEND_MAX_TENSORS; i++) sinter_onnx_tensor_release(&t->outputs[i]);
    sinter_plan_release(t->plan);
    sinter_graph_release(t->graph);
    backend_set_release(&t->set);
}

/* Counts a data set and says what came of it; a trial is too large for the stack. */
static void judge(tally *all, const char *dir, const char *set) {
    verdict v = {.status = SINTER_OK};
    trial *t = sni_calloc(1, sizeof *t);
    sinter_status status = t ? run(all->runtime, dir, set, t, &v) : sni_out_of_memory("a data set");
    if (status != SINTER_OK) take_error(&v, status);
    if (t) trial_deinit(t);
    sni_free(t);
    if (all->verbose || v.status != SINTER_OK || v.differs) tool_progress_hide();
    if (v.status == SINTER_UNSUPPORTED) {
        all->skipped++;
        printf("skip %s: %s\n", set, v.why);
    } else if (v.status != SINTER_OK || v.differs) {
        all->failed++;
        printf("FAIL %s: %s\n", set, v.why);
    } else {
        all->passed++;
        if (all->verbose) printf("pass %s%s%s\n", set, v.why[0] ? ": " : "", v.why);
    }
    fflush(stdout);
}

/* A directory with a model. */
static void visit(void *context, const char *dir) {
    tally *all = context;
    char *sets[MAX_SETS];
    int count = 0;
    tool_progress_step(all->done++, all->total, dir);
    if (backend_list_sets(dir, sets, MAX_SETS, &count) != SINTER_OK || count == 0) {
        all->skipped++;
        tool_progress_hide();
        printf("skip %s: %s\n", dir, count ? sinter_last_error() : "it has no test_data_set_*");
    }
    for (int i = 0; i < count; i++) {
        judge(all, dir, sets[i]);
        sni_free(sets[i]);
    }
}

/* Walked before, so that progress knows how many there are. */
static void count(void *context, const char *dir) {
    (void)dir;
    ++((tally *)context)->total;
}

static int walk_all(const tool_list *dirs, const sinter_runtime_options *options, bool verbose) {
    tally all = {.verbose = verbose};
    int code = TOOL_DONE;
    sinter_status status = sinter_runtime_create(options, &all.runtime);
    if (status != SINTER_OK) return tool_fail(status, NULL);
    tool_progress_begin("testing");
    /* A directory that cannot be read is named below. */
    for (size_t i = 0; i < dirs->count; i++)
        if (backend_walk(dirs->items[i], count, &all) != SINTER_OK) all.total = 0;
    for (size_t i = 0; i < dirs->count; i++) {
        status = backend_walk(dirs->items[i], visit, &all);
        if (status != SINTER_OK) code = tool_fail(status, dirs->items[i]);
    }
    tool_progress_end();
    printf("%d passed, %d failed, %d skipped\n", all.passed, all.failed, all.skipped);
    sinter_runtime_release(all.runtime);
    return all.failed > 0 ? TOOL_FAILED : code;
}

int tool_conformance(int argc, char **argv) {
    sinter_runtime_options runtime = SINTER_RUNTIME_OPTIONS_INIT;
    bool verbose = false, uncached = false;
    tool_list dirs = {0};
    const tool_option options[] = {{"--device", TOOL_OPTION_TEXT, &runtime.device},
                                   {"--verbose", TOOL_OPTION_FLAG, &verbose},
                                   {"--no-cache", TOOL_OPTION_FLAG, &uncached},
                                   {NULL}};
    int code = tool_options_parse(argc, argv, options, &dirs);
    if (code == TOOL_DONE && dirs.count == 0) code = tool_usage("conformance takes one or more directories");
    /* What runs once does not pay for being kept: PoCL compiles a kernel once more for its binary. */
    if (uncached) runtime.cache_dir = "";
    if (code == TOOL_DONE) code = walk_all(&dirs, &runtime, verbose);
    tool_list_deinit(&dirs);
    return code;
}
