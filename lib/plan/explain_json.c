/* An explanation as JSON: the layout is written down in include/sinter/plan.h. */
#include "base/json.h"
#include "plan/explain.h"

static void put_key(sni_str *out, bool *first, const char *key) {
    sni_json_next(out, first);
    sni_str_printf(out, "\"%s\":", key);
}

static void put_text(sni_str *out, bool *first, const char *key, const char *text) {
    put_key(out, first, key);
    sni_json_string(out, text);
}

static void put_whole(sni_str *out, bool *first, const char *key, int64_t value) {
    put_key(out, first, key);
    sni_str_printf(out, "%lld", (long long)value);
}

/* JSON has no infinity; an estimate that overflowed is null. */
static void put_real(sni_str *out, bool *first, const char *key, double value) {
    put_key(out, first, key);
    if (value - value != 0)
        sni_str_append(out, "null");
    else
        sni_str_double(out, value);
}

/* ---- graphs ---- */

static void put_type(const sni_explain *x, sni_str *out, bool *first, const sni_type *type) {
    sni_str text = SNI_STR_INIT;
    sni_type_print(x->plan->graph->sym, type, &text);
    put_text(out, first, "type", sni_str_text(&text));
    out->failed |= text.failed;
    sni_str_deinit(&text);
}

static void put_node(const sni_explain *x, const sni_sketch_node *node, bool given, sni_str *out) {
    bool first = true, first_in = true;
    sni_str_append(out, "\n{");
    put_text(out, &first, "op", node->op->name);
    if (node->name) put_text(out, &first, "name", node->name);
    put_type(x, out, &first, &node->type);
    if (!given && node->origin != SNI_NO_ORIGIN) put_whole(out, &first, "origin", (int64_t)node->origin - 1);
    put_key(out, &first, "in");
    sni_str_append(out, "[");
    for (int i = 0; i < node->in_count; ++i) {
        sni_json_next(out, &first_in);
        sni_str_printf(out, "%d", node->in[i]);
    }
    sni_str_append(out, "]}");
}

static void put_ports(const sni_explain *x, const sni_sketch_port *ports, size_t count, sni_str *out) {
    bool next = true;
    sni_str_append(out, "[");
    for (size_t i = 0; i < count; ++i) {
        bool first = true;
        sni_json_next(out, &next);
        sni_str_append(out, "{");
        put_text(out, &first, "name", ports[i].name);
        put_type(x, out, &first, &ports[i].type);
        put_whole(out, &first, "from", ports[i].from);
        sni_str_append(out, "}");
    }
    sni_str_append(out, "]");
}

static void put_graph(const sni_explain *x, const sni_sketch *sketch, bool given, sni_str *out) {
    bool first = true;
    sni_str_append(out, "{\"inputs\":");
    put_ports(x, sketch->inputs, sketch->input_count, out);
    sni_str_append(out, ",\"outputs\":");
    put_ports(x, sketch->outputs, sketch->output_count, out);
    sni_str_append(out, ",\"nodes\":[");
    for (size_t n = 0; n < sketch->node_count; ++n) {
        sni_json_next(out, &first);
        put_node(x, &sketch->nodes[n], given, out);
    }
    sni_str_append(out, "]}");
}

/* ---- launches ---- */

static void put_slot(const sni_explain_slot *slot, sni_str *out) {
    static const char *const kinds[] = {[SNI_SLOT_INPUT] = "input",
                                        [SNI_SLOT_OUTPUT] = "output",
                                        [SNI_SLOT_CONSTANT] = "constant",
                                        [SNI_SLOT_TEMP] = "temporary",
                                        [SNI_SLOT_STATE] = "state"};
    bool first = true;
    sni_str_append(out, "\n{");
    put_text(out, &first, "kind", kinds[slot->kind]);
    if (slot->name) put_text(out, &first, "name", slot->name);
    put_text(out, &first, "type", slot->type);
    put_whole(out, &first, "bytes", slot->bytes);
    if (slot->in_place) sni_str_append(out, ",\"in_place\":true");
    sni_str_append(out, "}");
}

static void put_nodes(const sni_group *group, sni_str *out) {
    bool first = true;
    sni_str_append(out, "[");
    for (int i = 0; i < group->node_count; ++i) {
        sni_json_next(out, &first);
        sni_str_printf(out, "%d", group->nodes[i]);
    }
    sni_str_append(out, "]");
}

static void put_slots(const sni_step *step, bool outputs, sni_str *out) {
    const sni_loop *loop = step->group->loop;
    bool first = true;
    sni_str_append(out, "[");
    for (int b = 0; b < loop->buffer_count; ++b) {
        if (loop->buffers[b].is_output != outputs) continue;
        sni_json_next(out, &first);
        sni_str_printf(out, "%d", step->slots[b]);
    }
    sni_str_append(out, "]");
}

static void put_geometry(const sni_explain_launch *l, sni_str *out, bool *first) {
    const sni_kspec *spec = &l->step->spec;
    bool next = true;
    put_key(out, first, "work_items");
    sni_str_append(out, "[");
    for (int d = 0; d < spec->dims; ++d) {
        sni_json_next(out, &next);
        sni_str_printf(out, "%lld", (long long)l->global[d]);
    }
    sni_str_append(out, "]");
    if (!spec->local[0]) return;
    put_key(out, first, "work_group");
    next = true;
    sni_str_append(out, "[");
    for (int d = 0; d < spec->dims; ++d) {
        sni_json_next(out, &next);
        sni_str_printf(out, "%zu", spec->local[d]);
    }
    sni_str_append(out, "]");
}

static void put_waits(const sni_step *step, sni_str *out) {
    bool first = true;
    sni_str_append(out, "[");
    for (int i = 0; i < step->wait_count; ++i) {
        sni_json_next(out, &first);
        sni_str_printf(out, "%d", step->waits[i]);
    }
    sni_str_append(out, "]");
}

static void put_schedule(const sni_step *step, sni_str *out) {
    sni_str text = SNI_STR_INIT;
    sni_plan_print_schedule(step, &text);
    sni_json_string(out, sni_str_text(&text));
    out->failed |= text.failed;
    sni_str_deinit(&text);
}

static void put_launch(const sni_explain *x, size_t n, sni_str *out) {
    const sni_explain_launch *l = &x->launches[n];
    const sni_kspec *spec = &l->step->spec;
    bool first = true;
    sni_str_append(out, "\n{");
    put_text(out, &first, "kind", sni_step_kind_name(l->step->kind));
    put_text(out, &first, "strategy", spec->strategy);
    put_key(out, &first, "schedule");
    put_schedule(l->step, out);
    put_text(out, &first, "chosen_by", spec->chosen ? spec->chosen : "rule");
    put_text(out, &first, "notes", spec->notes ? spec->notes : "");
    put_text(out, &first, "ends", l->step->group->ends);
    put_whole(out, &first, "kernel", (int64_t)l->kernel);
    put_key(out, &first, "nodes");
    put_nodes(l->step->group, out);
    put_key(out, &first, "reads");
    put_slots(l->step, false, out);
    put_key(out, &first, "writes");
    put_slots(l->step, true, out);
    put_key(out, &first, "waits");
    put_waits(l->step, out);
    put_geometry(l, out, &first);
    put_whole(out, &first, "bytes", l->bytes);
    put_real(out, &first, "operations", l->operations);
    if (x->runs) put_whole(out, &first, "time_ns", (int64_t)l->time_ns);
    if (l->bound_ns > 0) put_real(out, &first, "roofline_ns", l->bound_ns);
    if (x->with_source && l->kernel == n && spec->source) put_text(out, &first, "source", spec->source);
    sni_str_append(out, "}");
}

/* ---- all of it ---- */

/* Sizes that are made of others have names of their own, which nobody gave. */
static bool is_made(const sinter_plan *plan, int64_t dim) {
    int64_t made;
    for (size_t i = 0; i < sni_sym_defined_count(plan->graph->sym); ++i)
        if (sni_sym_defined(plan->graph->sym, i, &made) && made == dim) return true;
    return false;
}

static void put_dimensions(const sni_explain *x, sni_str *out) {
    bool first = true;
    sni_str_append(out, "{");
    for (size_t i = 0; i < x->bindings.count; ++i) {
        if (is_made(x->plan, x->bindings.dims[i])) continue;
        sni_json_next(out, &first);
        sni_json_string(out, sinter_dim_name(x->bindings.dims[i]));
        sni_str_printf(out, ":%lld", (long long)x->bindings.values[i]);
    }
    sni_str_append(out, "}");
}

static void put_totals(const sni_explain *x, sni_str *out) {
    bool first = true;
    sni_str_append(out, "{");
    put_whole(out, &first, "operators", (int64_t)x->plan->operators);
    put_whole(out, &first, "launches", (int64_t)x->plan->step_count);
    put_whole(out, &first, "kernels", (int64_t)x->plan->kernels);
    put_whole(out, &first, "bytes", x->bytes);
    put_whole(out, &first, "bytes_unfused", x->bytes_unfused);
    put_real(out, &first, "operations", x->operations);
    if (x->runs) put_whole(out, &first, "time_ns", (int64_t)x->time_ns);
    if (x->runs) put_whole(out, &first, "runs", x->runs);
    if (x->roofline.bytes_per_ns > 0) put_real(out, &first, "bytes_per_ns", x->roofline.bytes_per_ns);
    if (x->roofline.operations_per_ns > 0) put_real(out, &first, "operations_per_ns", x->roofline.operations_per_ns);
    if (x->roofline.half_operations_per_ns > 0)
        put_real(out, &first, "half_operations_per_ns", x->roofline.half_operations_per_ns);
    sni_str_append(out, "}");
}

void sni_explain_json(const sni_explain *x, sni_str *out) {
    bool first = true, next = true;
    sni_str_append(out, "{");
    put_text(out, &first, "title", x->title ? x->title : "");
    put_text(out, &first, "device", sinter_runtime_device_name(x->plan->runtime));
    put_key(out, &first, "dimensions");
    put_dimensions(x, out);
    put_key(out, &first, "totals");
    put_totals(x, out);
    put_key(out, &first, "slots");
    sni_str_append(out, "[");
    for (size_t i = 0; i < x->plan->slot_count; ++i) {
        sni_json_next(out, &next);
        put_slot(&x->slots[i], out);
    }
    sni_str_append(out, "]");
    put_key(out, &first, "launches");
    sni_str_append(out, "[");
    next = true;
    for (size_t n = 0; n < x->plan->step_count; ++n) {
        sni_json_next(out, &next);
        put_launch(x, n, out);
    }
    sni_str_append(out, "]");
    put_key(out, &first, "given");
    put_graph(x, x->given, true, out);
    put_key(out, &first, "fused");
    put_graph(x, &x->fused, false, out);
    sni_str_append(out, "}\n");
}
