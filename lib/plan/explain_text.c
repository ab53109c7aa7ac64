/* An explanation as text for a terminal. Names come from models: what a terminal might obey is not printed. */
#include "plan/explain.h"

static void put_name(sni_str *out, const char *name) {
    for (; *name; ++name) {
        unsigned char c = (unsigned char)*name;
        sni_str_append_n(out, c < 0x20 || c == 0x7f ? "?" : name, 1);
    }
}

void sni_plan_print_nodes(const sinter_plan *plan, const sni_group *group, sni_str *out) {
    for (int i = 0; i < group->node_count; ++i) {
        const sni_node *node = &plan->graph->nodes[group->nodes[i]];
        sni_str_printf(out, "%s%s", i ? " " : "", node->op->name);
        if (!node->name) continue;
        sni_str_append(out, "(");
        put_name(out, node->name);
        sni_str_append(out, ")");
    }
}

void sni_plan_print_schedule(const sni_step *step, sni_str *out) {
    sni_codegen_print_schedule(&step->spec.schedule, out);
}

void sni_plan_print_geometry(const sni_sym *sym, const sni_kspec *spec, sni_str *out) {
    sni_str_append(out, "work-items:");
    for (int d = 0; d < spec->dims; ++d) {
        sni_str_append(out, d ? ", " : " ");
        sni_sym_print(sym, spec->global[d], out);
        if (spec->local[0]) sni_str_printf(out, " in groups of %zu", spec->local[d]);
    }
    sni_str_append(out, "\n");
}

static void put_slots(const sni_explain *x, const sni_step *step, bool outputs, sni_str *out) {
    const sni_loop *loop = step->group->loop;
    bool first = true;
    for (int b = 0; b < loop->buffer_count; ++b) {
        if (loop->buffers[b].is_output != outputs) continue;
        const sni_explain_slot *slot = &x->slots[step->slots[b]];
        sni_str_append(out, first ? "" : ", ");
        first = false;
        if (slot->name) {
            put_name(out, slot->name);
            sni_str_append(out, ": ");
        }
        if (slot->kind == SNI_SLOT_STATE) sni_str_append(out, "state ");
        if (slot->kind == SNI_SLOT_CONSTANT) sni_str_append(out, "constant ");
        put_name(out, slot->type);
        if (slot->in_place) sni_str_append(out, " in place");
    }
}

static void put_time(const sni_explain *x, const sni_explain_launch *l, sni_str *out) {
    if (!x->runs) return;
    double ns = (double)l->time_ns;
    sni_str_printf(out, "  time: %.1f us", ns / 1e3);
    if (l->time_ns) sni_str_printf(out, ", %.2f GB/s, %.2f Gop/s", (double)l->bytes / ns, l->operations / ns);
    if (l->time_ns && l->bound_ns > 0) sni_str_printf(out, ", %.0f %% of the roofline", 100 * l->bound_ns / ns);
    sni_str_append(out, "\n");
}

static void put_launch(const sni_explain *x, size_t n, sni_str *out) {
    const sni_explain_launch *l = &x->launches[n];
    const sni_step *step = l->step;
    sni_str_printf(out, "launch %zu: %s\n  operators: ", n + 1, step->spec.strategy);
    sni_plan_print_nodes(x->plan, step->group, out);
    sni_str_append(out, "\n  reads: ");
    put_slots(x, step, false, out);
    sni_str_append(out, "\n  writes: ");
    put_slots(x, step, true, out);
    sni_str_printf(out, "\n  ends: %s\n  bytes moved: %lld\n  operations: %.0f\n", step->group->ends,
                   (long long)l->bytes, l->operations);
    put_time(x, l, out);
    sni_str_append(out, "  schedule: ");
    sni_plan_print_schedule(step, out);
    sni_str_printf(out, "%sby %s\n", step->spec.schedule.strategy && step->spec.schedule.values[0] ? ", " : "",
                   step->spec.chosen ? step->spec.chosen : "rule");
    if (step->spec.notes && *step->spec.notes) sni_str_printf(out, "  strategy: %s\n", step->spec.notes);
    if (step->wait_count) sni_str_append(out, "  waits for:");
    for (int i = 0; i < step->wait_count; ++i) sni_str_printf(out, "%s %d", i ? "," : "", step->waits[i] + 1);
    if (step->wait_count) sni_str_append(out, "\n");
    if (x->with_source && step->kind == SNI_STEP_LAUNCH) sni_str_printf(out, "  source:\n%s\n", step->spec.source);
}

void sni_explain_text(const sni_explain *x, sni_str *out) {
    const sinter_plan *plan = x->plan;
    for (size_t n = 0; n < plan->step_count; ++n) put_launch(x, n, out);
    sni_str_printf(out, "operators: %llu\nlaunches: %zu\nkernels: %llu\nbytes moved: %lld\nbytes moved unfused: %lld\n",
                   (unsigned long long)plan->operators, plan->step_count, (unsigned long long)plan->kernels,
                   (long long)x->bytes, (long long)x->bytes_unfused);
    sni_str_printf(out, "operations: %.0f\n", x->operations);
    if (x->roofline.bytes_per_ns > 0 && x->roofline.operations_per_ns > 0)
        sni_str_printf(out, "roofline: %.1f GB/s, %.1f Gop/s, %.1f Gop/s in products of 16 bits\n",
                       x->roofline.bytes_per_ns, x->roofline.operations_per_ns, x->roofline.half_operations_per_ns);
    if (x->runs)
        sni_str_printf(out, "time: %.1f us, the shortest of %d runs for each launch\n", (double)x->time_ns / 1e3,
                       x->runs);
}
