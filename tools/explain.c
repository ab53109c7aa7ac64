/* `sinter explain`: what fused into what, and why it ends there; as text or as a page. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "command.h"
#include "model.h"

static const char page_start[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>sinter explain</title>\n"
    "<style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.3rem}\n"
    "details{border:1px solid #ccc;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}\n"
    "summary{cursor:pointer;font-weight:600}\n"
    "table{border-collapse:collapse;margin:.4rem 0}\n"
    "td{padding:.1rem .8rem .1rem 0;vertical-align:top}\n"
    "td:first-child{color:#666;white-space:nowrap}\n"
    "pre{background:#f5f5f5;padding:.6rem;overflow-x:auto;font-size:13px}\n"
    "@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}details{border-color:#444}"
    "pre{background:#262626}td:first-child{color:#999}}\n"
    "</style></head><body>\n";

static void put_escaped(sni_str *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '&': sni_str_append(out, "&amp;"); break;
        case '<': sni_str_append(out, "&lt;"); break;
        case '>': sni_str_append(out, "&gt;"); break;
        case '"': sni_str_append(out, "&quot;"); break;
        default: sni_str_append_n(out, text + i, 1); break;
        }
    }
}

/* Which element is open while the text is turned into a page. */
typedef struct {
    sni_str *out;
    bool launch, table, source;
} page;

static void close_table(page *p) {
    if (p->table) sni_str_append(p->out, "</table>\n");
    if (p->source) sni_str_append(p->out, "</pre>\n");
    p->table = p->source = false;
}

static void close_launch(page *p) {
    close_table(p);
    if (p->launch) sni_str_append(p->out, "</details>\n");
    p->launch = false;
}

static void put_row(page *p, const char *line, size_t length, const char *colon) {
    if (!p->table) sni_str_append(p->out, "<table>\n");
    p->table = true;
    sni_str_append(p->out, "<tr><td>");
    put_escaped(p->out, line, (size_t)(colon - line));
    sni_str_append(p->out, "</td><td>");
    put_escaped(p->out, colon + 1, length - (size_t)(colon + 1 - line));
    sni_str_append(p->out, "</td></tr>\n");
}

/* One line of the text: "launch 1: ...", "  key: value", source, or "key: value" of the end. */
static void put_line(page *p, const char *line, size_t length) {
    const char *colon = memchr(line, ':', length);
    bool launch = length > 7 && memcmp(line, "launch ", 7) == 0 && colon;
    if (launch) {
        close_launch(p);
        sni_str_append(p->out, "<details open><summary>");
        put_escaped(p->out, line, length);
        sni_str_append(p->out, "</summary>\n");
        p->launch = true;
    } else if (length >= 9 && memcmp(line, "  source:", 9) == 0) {
        close_table(p);
        sni_str_append(p->out, "<pre>");
        p->source = true;
    } else if (p->source && !(length > 10 && memcmp(line, "operators:", 10) == 0)) {
        put_escaped(p->out, line, length);
        sni_str_append(p->out, "\n");
    } else if (colon) {
        if (line[0] != ' ' && p->launch) close_launch(p);
        put_row(p, line, length, colon);
    } else if (length > 0) {
        close_table(p);
        sni_str_append(p->out, "<p>");
        put_escaped(p->out, line, length);
        sni_str_append(p->out, "</p>\n");
    }
}

static sinter_status write_page(const char *path, const char *model, const char *text) {
    sni_str out = SNI_STR_INIT;
    page p = {.out = &out};
    sni_str_append(&out, page_start);
    sni_str_append(&out, "<h1>");
    put_escaped(&out, model, strlen(model));
    sni_str_append(&out, "</h1>\n");
    while (*text) {
        size_t length = strcspn(text, "\n");
        put_line(&p, text, length);
        text += length + (text[length] == '\n');
    }
    close_launch(&p);
    sni_str_append(&out, "</body></html>\n");
    sinter_status status = out.failed ? sni_fail(SINTER_OUT_OF_MEMORY, "no memory for the page")
                                      : sni_file_write_atomic(path, out.text, out.length);
    sni_str_deinit(&out);
    return status;
}

static sinter_status write_json(const tool_model *model, sinter_plan *plan, const char *path,
                                const char *json, bool source) {
    sinter_explain_options options = {SINTER_EXPLAIN_JSON, source, 0, path};
    char *text = NULL;
    SNI_TRY(sinter_plan_explain_as(plan, model->bindings, model->input_count, &options, &text));
    sinter_status status = sni_file_write_atomic(json, text, strlen(text));
    sinter_free(text);
    return status;
}

static sinter_status explain(const tool_model *model, sinter_plan *plan, const char *path,
                             const char *html, const char *json, bool source) {
    char *text = NULL;
    if (json) SNI_TRY(write_json(model, plan, path, json, source));
    if (json && !html) return SINTER_OK;
    SNI_TRY(sinter_plan_explain(plan, model->bindings, model->input_count, source, &text));
    sinter_status status = SINTER_OK;
    if (html) status = write_page(html, path, text);
    else fputs(text, stdout);
    sinter_free(text);
    return status;
}

static int explain_model(const char *path, const tool_list *inputs, const tool_list *dims,
                         const char *device, const char *html, const char *json,
                         bool source) {
    tool_model model;
    sinter_runtime *runtime = NULL;
    sinter_plan *plan = NULL;
    int code = tool_model_open(path, inputs, dims, &model);
    if (code == TOOL_DONE) code = tool_model_compile(&model, device, &runtime, &plan);
    if (code == TOOL_DONE) {
        sinter_status status = explain(&model, plan, path, html, json, source);
        if (status != SINTER_OK) code = tool_fail(status, NULL);
    }
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
    tool_model_release(&model);
    return code;
}

int tool_explain(int argc, char **argv) {
    const char *device = NULL, *html = NULL, *json = NULL;
    bool source = false;
    tool_list inputs = {0}, dims = {0}, models = {0};
    const tool_option options[] = {{"--device", TOOL_OPTION_TEXT, &device},
                                   {"--input", TOOL_OPTION_LIST, &inputs},
                                   {"--dim", TOOL_OPTION_LIST, &dims},
                                   {"--html", TOOL_OPTION_TEXT, &html},
                                   {"--json", TOOL_OPTION_TEXT, &json},
                                   {"--source", TOOL_OPTION_FLAG, &source},
                                   {NULL}};
    int code = tool_options_parse(argc, argv, options, &models);
    if (code == TOOL_DONE && models.count != 1) code = tool_usage("explain takes one model");
    if (code == TOOL_DONE)
        code = explain_model(models.items[0], &inputs, &dims, device, html, json, source);
    tool_list_deinit(&inputs);
    tool_list_deinit(&dims);
    tool_list_deinit(&models);
    return code;
}
