#include "plan/dump.h"

#include "fuse/cost.h"

static void put_values(const sinter_plan *plan, const sni_group *group, bool outputs, sni_str *out) {
    const sni_loop *loop = group->loop;
    for (int b = 0; b < loop->buffer_count; ++b) {
        if (loop->buffers[b].is_output != outputs) continue;
        sni_str_printf(out, "  %s b%d = %%%u : ", outputs ? "writes" : "reads", b, (unsigned)loop->buffers[b].value);
        sni_type_print(plan->graph->sym, &sni_graph_value(plan->graph, loop->buffers[b].value)->type, out);
        sni_str_append(out, "\n");
    }
}

/* What the fuser takes the kernel for, with every name standing for the same size. */
static void put_cost(const sinter_plan *plan, const sni_group *group, sni_str *out) {
    const sni_costs *costs = &plan->runtime->costs;
    sni_kernel_cost cost;
    if (!sni_fuse_cost(group->loop, costs, &cost)) return;
    sni_str_printf(out, "  cost: %.3g us for %.4g bytes and %.4g operations, with every named size %g\n",
                   cost.time_ns / 1e3, cost.bytes, cost.operations, costs->symbolic_size);
}

static void put_group(const sinter_plan *plan, const sni_group *group, sni_str *out) {
    for (int i = 0; i < group->node_count; ++i) {
        sni_str_append(out, "  ");
        sni_graph_print_node(plan->graph, &plan->graph->nodes[group->nodes[i]], out);
        sni_str_append(out, "\n");
    }
    put_values(plan, group, false, out);
    put_values(plan, group, true, out);
    sni_str_printf(out, "  ends: %s\n", group->ends);
    put_cost(plan, group, out);
}

void sni_dump_groups(const sinter_plan *plan, const sni_group *groups, size_t count) {
    sni_str out = SNI_STR_INIT;
    if (!sni_dump_wanted()) return;
    for (size_t i = 0; i < count; ++i) {
        sni_str_printf(&out, "group %zu\n", i + 1);
        put_group(plan, &groups[i], &out);
    }
    sni_dump_write("groups", "txt", &out);
}

static void put_arguments(const sni_step *step, sni_str *out) {
    sni_str_append(out, "arguments:\n");
    for (int a = 0; a < step->spec.arg_count; ++a) {
        static const char *const kinds[] = {[SNI_KARG_BUFFER] = "memory of",
                                            [SNI_KARG_OFFSET] = "first element of",
                                            [SNI_KARG_INDEX] = "number",
                                            [SNI_KARG_LOCAL] = "local memory for"};
        const sni_karg *arg = &step->spec.args[a];
        sni_str_printf(out, "  %d %s ", a, kinds[arg->kind]);
        if (arg->kind == SNI_KARG_INDEX)
            sni_sym_print(step->loop.sym, arg->expr, out);
        else
            sni_str_printf(out, "b%d", arg->buffer);
        sni_str_append(out, "\n");
    }
}

static void put_step(const sinter_plan *plan, const sni_step *step, sni_str *out) {
    put_group(plan, step->group, out);
    sni_str_printf(out, "kind: %s\nbytes: ", sni_step_kind_name(step->kind));
    sni_sym_print(step->loop.sym, step->bytes, out);
    sni_str_append(out, "\n\n");
    sni_loop_print(&step->loop, out);
    sni_str_printf(out, "\nstrategy: %s\nschedule: ", step->spec.strategy);
    sni_plan_print_schedule(step, out);
    sni_str_printf(out, "\nnotes: %s\n", step->spec.notes ? step->spec.notes : "");
    sni_plan_print_geometry(step->loop.sym, &step->spec, out);
    put_arguments(step, out);
}

void sni_dump_step(const sinter_plan *plan, const sni_step *step) {
    sni_str name = SNI_STR_INIT, out = SNI_STR_INIT, text = SNI_STR_INIT;
    if (!sni_dump_wanted()) return;
    sni_str_printf(&name, "step%zu-%s", (size_t)(step - plan->steps) + 1, step->spec.strategy);
    put_step(plan, step, &out);
    sni_dump_write(sni_str_text(&name), "txt", &out);
    /* A copy, a fill or a library's call has no kernel. */
    const char *whole = step->program ? sni_program_text(step->program) : NULL;
    if (!whole) whole = step->spec.source;
    if (whole) {
        sni_str_append(&text, whole);
        sni_dump_write(sni_str_text(&name), "cl", &text);
    }
    sni_str_deinit(&name);
}
