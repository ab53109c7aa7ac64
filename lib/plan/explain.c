/* Explain: gathers what a plan does under the sizes of a binding. */
#include "plan/explain.h"

#include "plan/profile.h"

static sinter_status eval(const sinter_plan *plan, const sni_bindings *b, sni_expr e, int64_t *out) {
    return sni_sym_eval(plan->graph->sym, e, b, out);
}

static sinter_status type_text(const sinter_plan *plan, const sni_type *type, sni_arena *arena, const char **out) {
    sni_str text = SNI_STR_INIT;
    sni_type_print(plan->graph->sym, type, &text);
    *out = text.failed ? NULL : sni_arena_strdup(arena, sni_str_text(&text));
    sni_str_deinit(&text);
    return *out ? SINTER_OK : sni_out_of_memory("a type");
}

static sinter_status explain_slot(const sni_explain *x, size_t n, sni_arena *arena) {
    const sinter_plan *plan = x->plan;
    const sni_slot *slot = &plan->slots[n];
    sni_explain_slot *out = &x->slots[n];
    *out = (sni_explain_slot){.kind = slot->kind, .in_place = slot->shares >= 0};
    if (slot->kind == SNI_SLOT_INPUT) out->name = plan->graph->inputs[slot->index].name;
    if (slot->kind == SNI_SLOT_STATE) out->name = plan->states[slot->index].name;
    if (slot->kind == SNI_SLOT_OUTPUT) out->name = plan->graph->outputs[slot->index].name;
    SNI_TRY(type_text(plan, &sni_graph_value(plan->graph, slot->value)->type, arena, &out->type));
    return eval(plan, &x->bindings, slot->bytes, &out->bytes);
}

static sinter_status explain_launch(const sni_explain *x, size_t n) {
    const sni_step *step = &x->plan->steps[n];
    sni_explain_launch *out = &x->launches[n];
    *out = (sni_explain_launch){.step = step, .kernel = n};
    for (size_t k = 0; k < n; ++k) {
        if (x->plan->steps[k].program != step->program) continue;
        out->kernel = k;
        break;
    }
    for (int d = 0; d < step->spec.dims; ++d)
        SNI_TRY(sni_sym_eval(step->loop.sym, step->spec.global[d], &x->bindings, &out->global[d]));
    SNI_TRY(sni_loop_operations(step->group->loop, &x->bindings, &out->operations));
    return sni_sym_eval(step->loop.sym, step->bytes, &x->bindings, &out->bytes);
}

static sinter_status gather(sni_explain *x, sni_arena *arena) {
    const sinter_plan *plan = x->plan;
    x->given = &plan->given;
    x->slots = sni_arena_alloc(arena, sizeof *x->slots * (plan->slot_count + 1));
    x->launches = sni_arena_alloc(arena, sizeof *x->launches * (plan->step_count + 1));
    if (!x->slots || !x->launches) return sni_out_of_memory("an explanation");
    SNI_TRY(sni_sketch_of(plan->graph, arena, &x->fused));
    for (size_t i = 0; i < plan->slot_count; ++i) SNI_TRY(explain_slot(x, i, arena));
    for (size_t n = 0; n < plan->step_count; ++n) {
        SNI_TRY(explain_launch(x, n));
        x->bytes += x->launches[n].bytes;
        x->operations += x->launches[n].operations;
    }
    return eval(plan, &x->bindings, plan->bytes_unfused, &x->bytes_unfused);
}

/* The first run is not measured: drivers finish their work on a kernel when it is first launched. */
static sinter_status measure(sni_explain *x, sinter_plan *plan, sinter_binding *bindings, size_t count, int runs) {
    sni_span *spans = sni_calloc(plan->step_count + 1, sizeof *spans);
    sinter_status status = spans ? SINTER_OK : sni_out_of_memory("a profile");
    for (int run = 0; run <= runs && status == SINTER_OK; ++run) {
        status = sni_plan_profile(plan, bindings, count, spans);
        for (size_t n = 0; n < plan->step_count && run > 0 && status == SINTER_OK; ++n) {
            uint64_t took = spans[n].end_ns - spans[n].start_ns;
            if (run == 1 || took < x->launches[n].time_ns) x->launches[n].time_ns = took;
        }
    }
    sni_free(spans);
    if (status == SINTER_OK) sni_roofline_measure(plan->runtime, &x->roofline);
    for (size_t n = 0; n < plan->step_count; ++n) {
        sni_explain_launch *l = &x->launches[n];
        x->time_ns += l->time_ns;
        l->bound_ns = sni_roofline_bound(&x->roofline, l->step, l->bytes, l->operations);
    }
    x->runs = runs;
    return status;
}

static sinter_status print(const sni_explain *x, sinter_explain_format format, char **out_text) {
    static void (*const printers[])(const sni_explain *, sni_str *) = {sni_explain_text, sni_explain_json,
                                                                       sni_explain_html};
    sni_str out = SNI_STR_INIT;
    printers[format](x, &out);
    *out_text = sni_str_take(&out);
    sni_str_deinit(&out);
    return *out_text ? SINTER_OK : sni_out_of_memory("an explanation");
}

sinter_status sinter_plan_explain_as(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                     const sinter_explain_options *options, char **out_text) {
    static const sinter_explain_options presets = SINTER_EXPLAIN_OPTIONS_INIT;
    if (!options) options = &presets;
    if (!plan || !out_text) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_explain: a NULL argument");
    *out_text = NULL;
    if ((int)options->format < 0 || options->format > SINTER_EXPLAIN_HTML)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_explain: no format %d", (int)options->format);
    sni_arena *arena = sni_arena_create();
    sni_dims dims;
    sinter_status status = arena ? sni_plan_bind(plan, bindings, count, &dims) : sni_out_of_memory("an explanation");
    sni_explain x = {.plan = plan, .title = options->title, .with_source = options->with_source != 0};
    if (status == SINTER_OK) {
        x.bindings = sni_dims_bindings(&dims);
        status = gather(&x, arena);
    }
    if (status == SINTER_OK && options->runs > 0) status = measure(&x, plan, bindings, count, options->runs);
    if (status == SINTER_OK) status = print(&x, options->format, out_text);
    sni_arena_release(arena);
    return status;
}

sinter_status sinter_plan_explain(sinter_plan *plan, const sinter_binding *bindings, size_t count, int with_source,
                                  char **out_text) {
    sinter_explain_options options = SINTER_EXPLAIN_OPTIONS_INIT;
    options.with_source = with_source;
    /* Bindings change only when something runs. */
    return sinter_plan_explain_as(plan, (sinter_binding *)bindings, count, &options, out_text);
}
