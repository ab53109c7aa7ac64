/* What a plan does, for people: explain and trace. */
#include "plan/plan.h"

static void print_nodes(const sinter_plan *plan, const sni_group *group, sni_str *out) {
    for (int i = 0; i < group->node_count; ++i) {
        const sni_node *node = &plan->graph->nodes[group->nodes[i]];
        sni_str_printf(out, "%s%s", i ? " " : "", node->op->name);
        if (node->name) sni_str_printf(out, "(%s)", node->name);
    }
}

static void print_values(const sinter_plan *plan, const sni_step *step, bool outputs, sni_str *out) {
    const sni_loop *loop = step->group->loop;
    bool first = true;
    for (int b = 0; b < loop->buffer_count; ++b) {
        if (loop->buffers[b].is_output != outputs) continue;
        const sni_slot *slot = &plan->slots[step->slots[b]];
        sni_str_append(out, first ? "" : ", ");
        first = false;
        if (slot->kind == SNI_SLOT_INPUT) sni_str_printf(out, "%s: ", plan->graph->inputs[slot->index].name);
        if (slot->kind == SNI_SLOT_OUTPUT) sni_str_printf(out, "%s: ", plan->graph->outputs[slot->index].name);
        if (slot->kind == SNI_SLOT_CONSTANT) sni_str_append(out, "constant ");
        sni_type_print(plan->graph->sym, &sni_graph_value(plan->graph, slot->value)->type, out);
        if (slot->shares >= 0) sni_str_append(out, " in place");
    }
}

static sinter_status explain_step(const sinter_plan *plan, const sni_context *c, size_t n, bool source, sni_str *out) {
    const sni_step *step = &plan->steps[n];
    sni_bindings b = sni_context_bindings(c);
    int64_t bytes;
    SNI_TRY(sni_sym_eval(plan->graph->sym, step->bytes, &b, &bytes));
    sni_str_printf(out, "launch %zu: %s\n  operators: ", n + 1, step->spec.strategy);
    print_nodes(plan, step->group, out);
    sni_str_append(out, "\n  reads: ");
    print_values(plan, step, false, out);
    sni_str_append(out, "\n  writes: ");
    print_values(plan, step, true, out);
    sni_str_printf(out, "\n  ends: %s\n  bytes moved: %lld\n", step->group->ends, (long long)bytes);
    if (step->spec.notes && *step->spec.notes) sni_str_printf(out, "  strategy: %s\n", step->spec.notes);
    if (source) sni_str_printf(out, "  source:\n%s\n", step->spec.source);
    return SINTER_OK;
}

static sinter_status explain(const sinter_plan *plan, const sni_context *c, bool source, sni_str *out) {
    sni_bindings b = sni_context_bindings(c);
    int64_t total = 0, unfused = 0;
    for (size_t n = 0; n < plan->step_count; ++n) {
        int64_t bytes;
        SNI_TRY(sni_sym_eval(plan->graph->sym, plan->steps[n].bytes, &b, &bytes));
        total += bytes;
        SNI_TRY(explain_step(plan, c, n, source, out));
    }
    SNI_TRY(sni_sym_eval(plan->graph->sym, plan->bytes_unfused, &b, &unfused));
    sni_str_printf(out, "operators: %llu\nlaunches: %zu\nkernels: %llu\nbytes moved: %lld\nbytes moved unfused: %lld\n",
                   (unsigned long long)plan->operators, plan->step_count, (unsigned long long)plan->kernels,
                   (long long)total, (long long)unfused);
    return SINTER_OK;
}

sinter_status sinter_plan_explain(sinter_plan *plan, const sinter_binding *bindings, size_t count, int with_source,
                                  char **out_text) {
    if (!plan || !out_text) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_explain: a NULL argument");
    *out_text = NULL;
    sni_context *probe = sni_calloc(1, sizeof *probe);
    sni_str out = SNI_STR_INIT;
    sinter_status status = probe ? sni_plan_bind(plan, bindings, count, probe) : sni_out_of_memory("a run");
    if (status == SINTER_OK) status = explain(plan, probe, with_source != 0, &out);
    if (status == SINTER_OK && !(*out_text = sni_str_take(&out))) status = sni_out_of_memory("a text");
    sni_str_deinit(&out);
    sni_free(probe);
    return status;
}

/* ---- trace ---- */

static void json_string(sni_str *out, const char *text) {
    sni_str_append(out, "\"");
    for (; *text; ++text) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            sni_str_printf(out, "\\%c", c);
        else if (c < 0x20)
            sni_str_printf(out, "\\u%04x", c);
        else
            sni_str_append_n(out, text, 1);
    }
    sni_str_append(out, "\"");
}

static sinter_status trace_step(const sinter_plan *plan, size_t n, void *event, uint64_t *origin, sni_str *out) {
    uint64_t start, end;
    const sni_step *step = &plan->steps[n];
    sni_str name = SNI_STR_INIT;
    SNI_TRY(sni_event_profile(event, &start, &end));
    if (*origin == 0) *origin = start;
    print_nodes(plan, step->group, &name);
    sni_str_append(out, n ? ",\n{\"name\":" : "{\"name\":");
    json_string(out, sni_str_text(&name));
    sni_str_append(out, ",\"cat\":");
    json_string(out, step->spec.strategy);
    sni_str_printf(out, ",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f}", (double)(start - *origin) / 1e3,
                   (double)(end - start) / 1e3);
    sni_str_deinit(&name);
    return SINTER_OK;
}

sinter_status sinter_plan_trace(sinter_plan *plan, sinter_binding *bindings, size_t count, char **out_text) {
    if (!plan || !out_text) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_trace: a NULL argument");
    *out_text = NULL;
    sni_context *c;
    SNI_TRY(sni_plan_prepare(plan, bindings, count, &c));
    void **events = sni_calloc(plan->step_count + 1, sizeof *events);
    sinter_status status = events ? sni_queue_finish(plan->runtime->device) : sni_out_of_memory("a trace");
    if (status == SINTER_OK) status = sni_plan_enqueue(plan, c, true, events);
    sni_str out = SNI_STR_INIT;
    uint64_t origin = 0;
    sni_str_append(&out, "{\"traceEvents\":[\n");
    for (size_t n = 0; n < plan->step_count && events; ++n) {
        if (!events[n]) continue; /* an empty launch */
        sinter_status one = trace_step(plan, n, events[n], &origin, &out);
        if (status == SINTER_OK) status = one;
    }
    sni_str_append(&out, "\n]}\n");
    if (status == SINTER_OK) status = sni_plan_collect(plan, c, bindings, count);
    if (status == SINTER_OK) status = sni_queue_finish(plan->runtime->device);
    if (status == SINTER_OK && !(*out_text = sni_str_take(&out))) status = sni_out_of_memory("a text");
    if (status == SINTER_OK)
        sni_context_give_back(plan, c);
    else
        sni_context_release(plan, c);
    sni_str_deinit(&out);
    sni_free(events);
    return status;
}
