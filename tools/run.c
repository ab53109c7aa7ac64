/* `sinter run`: one model, once or many times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "command.h"
#include "files.h"
#include "model.h"
#include "op/op.h"
#include "progress.h"
#include "trim.h"

typedef struct {
    const char *device, *output, *trace;
    long long top, repeat;
    bool stats;
} settings;

typedef struct {
    tool_model model;
    sinter_runtime *runtime;
    sinter_plan *plan;
    sinter_onnx_tensor *outputs;
    size_t output_count; /* once what is not meant is cut off */
    double run_ms;       /* median */
} session;

/* Room for every output under the shapes of the inputs. */
static sinter_status bind_outputs(session *s) {
    tool_model *model = &s->model;
    s->outputs = sni_calloc(model->output_count + 1, sizeof *s->outputs);
    if (!s->outputs) return sni_out_of_memory("outputs");
    for (size_t i = 0; i < model->output_count; i++) {
        const char *name = sinter_graph_output_name(model->graph, i);
        sinter_value value = sinter_graph_output_value(model->graph, i);
        sinter_onnx_tensor *out = &s->outputs[i];
        sinter_shape shape;
        SNI_TRY(sinter_plan_output_shape(s->plan, model->bindings, model->input_count, name, &shape));
        SNI_TRY(tool_tensor_make(name, sinter_value_dtype(model->graph, value), shape, out));
        model->bindings[model->input_count + i] =
            (sinter_binding)SINTER_BIND_HOST(out->name, out->dtype, out->shape, out->data, out->size_bytes);
    }
    return SINTER_OK;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static sinter_status run_often(session *s, long long repeat) {
    size_t count = s->model.input_count + s->model.output_count;
    int64_t *times = sni_calloc((size_t)repeat, sizeof *times);
    sinter_status status = times ? SINTER_OK : sni_out_of_memory("times");
    tool_progress_begin("running");
    for (long long i = 0; i < repeat && status == SINTER_OK; i++) {
        tool_progress_step((size_t)i, repeat > 1 ? (size_t)repeat : 0, NULL);
        int64_t start = sni_time_ns();
        status = sinter_plan_run(s->plan, s->model.bindings, count);
        times[i] = sni_time_ns() - start;
    }
    if (status == SINTER_OK) {
        qsort(times, (size_t)repeat, sizeof *times, by_value);
        s->run_ms = (double)(times[(repeat - 1) / 2] + times[repeat / 2]) / 2e6;
    }
    sni_free(times);
    return status;
}

/* ---- what comes out ---- */

/* The name as a file's: what separates directories, and what cannot be printed, becomes '_'. */
static void file_name(const char *name, char *out, size_t size) {
    size_t at = 0;
    for (; name[at] && at + 1 < size; at++) {
        unsigned char c = (unsigned char)name[at];
        out[at] = c == '/' || c == '\\' || c < ' ' || (at == 0 && c == '.') ? '_' : name[at];
    }
    out[at] = '\0';
}

static sinter_status write_outputs(const session *s, const char *dir) {
    SNI_TRY(sni_dir_create(dir));
    for (size_t i = 0; i < s->output_count; i++) {
        const sinter_onnx_tensor *out = &s->outputs[i];
        char name[200];
        sni_str path = SNI_STR_INIT;
        file_name(out->name, name, sizeof name);
        sni_str_printf(&path, "%s/%s.npy", dir, name);
        sinter_status status = path.failed ? sni_out_of_memory("a path")
                                           : tool_npy_write(sni_str_text(&path), out->dtype, out->shape, out->data);
        sni_str_deinit(&path);
        SNI_TRY(status);
    }
    return SINTER_OK;
}

static double element(const sinter_onnx_tensor *tensor, int64_t at) {
    double real = 0;
    int64_t whole = 0;
    sni_dtype_load(tensor->dtype, tensor->data, at, &real, &whole);
    return sni_dtype_is_real(tensor->dtype) ? real : (double)whole;
}

/* The k largest of count elements from at on; of equals the first. NaN is never among them. */
static sinter_status print_row(const sinter_onnx_tensor *tensor, int64_t at, int64_t count, int64_t k) {
    bool *taken = sni_calloc((size_t)count + 1, sizeof *taken);
    if (!taken) return sni_out_of_memory("a row");
    for (int64_t n = 0; n < k && n < count; n++) {
        int64_t best = -1;
        for (int64_t i = 0; i < count; i++) {
            double value = element(tensor, at + i);
            if (!taken[i] && value == value && (best < 0 || value > element(tensor, at + best))) best = i;
        }
        if (best < 0) break;
        taken[best] = true;
        printf("%lld %.7g\n", (long long)best, element(tensor, at + best));
    }
    sni_free(taken);
    return SINTER_OK;
}

/* The rows of the first output, one after the other. */
static sinter_status print_top(const session *s, int64_t k) {
    const sinter_onnx_tensor *out = &s->outputs[0];
    int64_t count = tool_tensor_count(out);
    int64_t row = out->shape.rank > 0 ? out->shape.dims[out->shape.rank - 1] : 1;
    for (int64_t at = 0; at < count && row > 0; at += row) SNI_TRY(print_row(out, at, row, k));
    return SINTER_OK;
}

/* Without --output, --top and --stats: each output's type, and its first elements. */
static void print_outputs(const session *s) {
    for (size_t i = 0; i < s->output_count; i++) {
        const sinter_onnx_tensor *out = &s->outputs[i];
        int64_t count = tool_tensor_count(out);
        printf("%s: %s[", out->name, sinter_dtype_name(out->dtype));
        for (int d = 0; d < out->shape.rank; d++) printf("%s%lld", d ? ", " : "", (long long)out->shape.dims[d]);
        printf("]");
        for (int64_t n = 0; n < count && n < 8; n++) printf(" %.6g", element(out, n));
        printf("%s\n", count > 8 ? " ..." : "");
    }
}

static void print_stats(const session *s) {
    sinter_plan_stats plan;
    sinter_runtime_stats runtime;
    sinter_plan_get_stats(s->plan, &plan);
    sinter_runtime_get_stats(s->runtime, &runtime);
    printf("device: %s\n", sinter_runtime_device_name(s->runtime));
    printf("operators: %llu\n", (unsigned long long)plan.operators);
    printf("launches: %llu\n", (unsigned long long)plan.launches);
    printf("kernels: %llu\n", (unsigned long long)plan.kernels);
    printf("kernels_compiled: %llu\n", (unsigned long long)runtime.kernels_compiled);
    printf("kernels_cached: %llu\n", (unsigned long long)runtime.kernels_cached);
    printf("bytes_peak: %llu\n", (unsigned long long)plan.bytes_peak);
    printf("bytes_live_peak: %llu\n", (unsigned long long)sinter_plan_live_bytes(s->plan));
    printf("bytes_constant: %llu\n", (unsigned long long)plan.constant_bytes);
    printf("bytes_moved: %llu\n", (unsigned long long)plan.bytes_moved);
    printf("bytes_moved_unfused: %llu\n", (unsigned long long)plan.bytes_moved_unfused);
    printf("compile_ms: %.3f\n", (double)plan.compile_ns / 1e6);
    printf("run_ms: %.3f\n", s->run_ms);
}

static sinter_status write_trace(session *s, const char *path) {
    char *text = NULL;
    size_t count = s->model.input_count + s->model.output_count;
    SNI_TRY(sinter_plan_trace(s->plan, s->model.bindings, count, &text));
    sinter_status status = sni_file_write_atomic(path, text, strlen(text));
    sinter_free(text);
    return status;
}

static sinter_status work(session *s, const settings *want) {
    SNI_TRY(bind_outputs(s));
    SNI_TRY(run_often(s, want->repeat));
    if (want->trace) SNI_TRY(write_trace(s, want->trace));
    tool_progress_hide();
    s->output_count = tool_outputs_trim(s->model.graph, s->outputs, s->model.output_count);
    if (want->output) SNI_TRY(write_outputs(s, want->output));
    if (want->top > 0) SNI_TRY(print_top(s, want->top));
    if (want->stats) print_stats(s);
    if (!want->output && !want->top && !want->stats) print_outputs(s);
    return SINTER_OK;
}

static void session_deinit(session *s) {
    for (size_t i = 0; i < s->model.output_count && s->outputs; i++) sinter_onnx_tensor_release(&s->outputs[i]);
    sni_free(s->outputs);
    sinter_plan_release(s->plan);
    sinter_runtime_release(s->runtime);
    tool_model_release(&s->model);
}

static int run_model(const char *path, const tool_list *inputs, const tool_list *dims, const settings *want) {
    session s = {0};
    int code = tool_model_open(path, inputs, dims, &s.model);
    if (code == TOOL_DONE) code = tool_model_compile(&s.model, want->device, &s.runtime, &s.plan);
    if (code == TOOL_DONE) {
        sinter_status status = work(&s, want);
        if (status != SINTER_OK) code = tool_fail(status, NULL);
    }
    session_deinit(&s);
    return code;
}

int tool_run(int argc, char **argv) {
    settings want = {.repeat = 1};
    tool_list inputs = {0}, dims = {0}, models = {0};
    const tool_option options[] = {{"--device", TOOL_OPTION_TEXT, &want.device},
                                   {"--input", TOOL_OPTION_LIST, &inputs},
                                   {"--dim", TOOL_OPTION_LIST, &dims},
                                   {"--output", TOOL_OPTION_TEXT, &want.output},
                                   {"--top", TOOL_OPTION_INT, &want.top},
                                   {"--repeat", TOOL_OPTION_INT, &want.repeat},
                                   {"--stats", TOOL_OPTION_FLAG, &want.stats},
                                   {"--trace", TOOL_OPTION_TEXT, &want.trace},
                                   {NULL}};
    int code = tool_options_parse(argc, argv, options, &models);
    if (code == TOOL_DONE && models.count != 1) code = tool_usage("run takes one model");
    if (code == TOOL_DONE && (want.repeat < 1 || want.repeat > 10000000))
        code = tool_usage("--repeat takes a number from 1 on");
    if (code == TOOL_DONE) code = run_model(models.items[0], &inputs, &dims, &want);
    tool_list_deinit(&inputs);
    tool_list_deinit(&dims);
    tool_list_deinit(&models);
    return code;
}
