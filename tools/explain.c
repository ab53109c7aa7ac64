/* `sinter explain`: what fused into what, and why it ends there; as text, JSON or a page. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "command.h"
#include "model.h"
#include "progress.h"

typedef struct {
    const char *device, *html, *json;
    bool source, time;
} settings;

/* So many runs of which each launch's shortest time is taken. */
#define RUNS 5

/* Prints to path, or to standard output where path is NULL. */
static sinter_status explain_as(const tool_model *model, sinter_plan *plan, const sinter_explain_options *options,
                                const char *path) {
    char *text = NULL;
    tool_progress_begin(options->runs > 0 ? "measuring" : "explaining");
    SNI_TRY(sinter_plan_explain_as(plan, model->bindings, model->input_count, options, &text));
    sinter_status status = path ? sni_file_write_atomic(path, text, strlen(text)) : SINTER_OK;
    tool_progress_hide();
    if (!path) fputs(text, stdout);
    sinter_free(text);
    return status;
}

/* A page with times, or, where the model cannot be run, one without. */
static sinter_status explain_page(const tool_model *model, sinter_plan *plan, const char *title, const char *path) {
    sinter_explain_options options = {SINTER_EXPLAIN_HTML, 1, RUNS, title}; /* a page is there to look at everything */
    sinter_status status = explain_as(model, plan, &options, path);
    if (status == SINTER_OK || status == SINTER_IO) return status;
    tool_progress_hide();
    fprintf(stderr, "sinter: launches are not timed: %s\n", sinter_last_error());
    options.runs = 0;
    return explain_as(model, plan, &options, path);
}

static sinter_status explain(const tool_model *model, sinter_plan *plan, const char *title, const settings *want) {
    sinter_explain_options rest = {SINTER_EXPLAIN_JSON, want->source, want->time ? RUNS : 0, title};
    if (want->html) SNI_TRY(explain_page(model, plan, title, want->html));
    if (want->json) SNI_TRY(explain_as(model, plan, &rest, want->json));
    if (want->html || want->json) return SINTER_OK;
    rest.format = SINTER_EXPLAIN_TEXT;
    return explain_as(model, plan, &rest, NULL);
}

static int explain_model(const char *path, const tool_list *inputs, const tool_list *dims, const settings *want) {
    tool_model model;
    sinter_runtime *runtime = NULL;
    sinter_plan *plan = NULL;
    int code = tool_model_open(path, inputs, dims, &model);
    if (code == TOOL_DONE) code = tool_model_compile(&model, want->device, &runtime, &plan);
    if (code == TOOL_DONE) {
        sinter_status status = explain(&model, plan, path, want);
        if (status != SINTER_OK) code = tool_fail(status, NULL);
    }
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
    tool_model_release(&model);
    return code;
}

int tool_explain(int argc, char **argv) {
    settings want = {0};
    tool_list inputs = {0}, dims = {0}, models = {0};
    const tool_option options[] = {
        {"--device", TOOL_OPTION_TEXT, &want.device}, {"--input", TOOL_OPTION_LIST, &inputs},
        {"--dim", TOOL_OPTION_LIST, &dims},           {"--html", TOOL_OPTION_TEXT, &want.html},
        {"--json", TOOL_OPTION_TEXT, &want.json},     {"--source", TOOL_OPTION_FLAG, &want.source},
        {"--time", TOOL_OPTION_FLAG, &want.time},     {NULL}};
    int code = tool_options_parse(argc, argv, options, &models);
    if (code == TOOL_DONE && models.count != 1) code = tool_usage("explain takes one model");
    if (code == TOOL_DONE) code = explain_model(models.items[0], &inputs, &dims, &want);
    tool_list_deinit(&inputs);
    tool_list_deinit(&dims);
    tool_list_deinit(&models);
    return code;
}
