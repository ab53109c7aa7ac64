/* Runs with profiling, and the Chrome trace of one. */
#include "plan/profile.h"

#include "base/forked.h"
#include "base/json.h"

/* Releases every event, and keeps the first failure. */
static sinter_status read_events(void **events, size_t count, sni_span *spans) {
    sinter_status status = SINTER_OK;
    for (size_t n = 0; n < count; ++n) {
        spans[n] = (sni_span){0, 0};
        if (!events[n]) continue; /* an empty launch */
        sinter_status one = sni_event_profile(events[n], &spans[n].start_ns, &spans[n].end_ns);
        if (status == SINTER_OK) status = one;
    }
    return status;
}

static sinter_status profile(sinter_plan *plan, sinter_binding *bindings, size_t count, void **events,
                             sni_span *out_spans) {
    sni_context *c = NULL;
    SNI_TRY(sni_queue_finish(plan->runtime->device));
    sinter_status status = sni_plan_submit(plan, bindings, count, events, &c);
    sinter_status read = read_events(events, plan->step_count, out_spans);
    if (status == SINTER_OK) status = read;
    if (status == SINTER_OK) status = sni_queue_finish(plan->runtime->device);
    if (status == SINTER_OK)
        sni_context_give_back(plan, c);
    else
        sni_context_release(plan, c);
    return status;
}

sinter_status sni_plan_profile(sinter_plan *plan, sinter_binding *bindings, size_t count, sni_span *out_spans) {
    void **events = sni_calloc(plan->step_count + 1, sizeof *events);
    if (!events) return sni_out_of_memory("a profile");
    sni_plan_enter(plan);
    sinter_status status = profile(plan, bindings, count, events, out_spans);
    sni_plan_leave(plan);
    sni_free(events);
    return status;
}

static void trace_step(const sinter_plan *plan, size_t n, const sni_span *span, uint64_t origin, sni_str *out) {
    const sni_step *step = &plan->steps[n];
    sni_str name = SNI_STR_INIT;
    sni_plan_print_nodes(plan, step->group, &name);
    sni_str_append(out, "{\"name\":");
    sni_json_string(out, sni_str_text(&name));
    sni_str_append(out, ",\"cat\":");
    sni_json_string(out, step->spec.strategy);
    sni_str_printf(out, ",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f}",
                   (double)(span->start_ns - origin) / 1e3, (double)(span->end_ns - span->start_ns) / 1e3);
    sni_str_deinit(&name);
}

static void trace(const sinter_plan *plan, const sni_span *spans, sni_str *out) {
    uint64_t origin = 0;
    bool first = true;
    sni_str_append(out, "{\"traceEvents\":[\n");
    for (size_t n = 0; n < plan->step_count; ++n) {
        if (spans[n].start_ns == 0 && spans[n].end_ns == 0) continue;
        if (first) origin = spans[n].start_ns;
        if (!first) sni_str_append(out, ",\n");
        first = false;
        trace_step(plan, n, &spans[n], origin, out);
    }
    sni_str_append(out, "\n]}\n");
}

sinter_status sinter_plan_trace(sinter_plan *plan, sinter_binding *bindings, size_t count, char **out_text) {
    if (!plan || !out_text) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_trace: a NULL argument");
    *out_text = NULL;
    SNI_TRY_PROCESS();
    sni_str out = SNI_STR_INIT;
    sni_span *spans = sni_calloc(plan->step_count + 1, sizeof *spans);
    sinter_status status = spans ? sni_plan_profile(plan, bindings, count, spans) : sni_out_of_memory("a trace");
    if (status == SINTER_OK) trace(plan, spans, &out);
    if (status == SINTER_OK && !(*out_text = sni_str_take(&out))) status = sni_out_of_memory("a text");
    sni_str_deinit(&out);
    sni_free(spans);
    return status;
}
