/* From a graph to a plan: rewrite, fuse, generate, build, place. */
#include <string.h>

#include "base/log.h"
#include "device/caps.h"
#include "plan/plan.h"
#include "rewrite/pass.h"

static sni_fuse_options fuse_options(const sni_caps *caps, const sinter_plan_options *options) {
    const char *disabled = sni_env("SINTER_DISABLE_FUSION");
    /* A buffer takes a pointer and an offset of the parameter space; half of it is left for numbers. */
    int buffers = (int)(caps->max_parameter_bytes / 32);
    sni_fuse_options o = {.limits = {.max_buffers = buffers > 40 ? 40 : buffers < 8 ? 8 : buffers, .max_stmts = 384, .accepts = sni_codegen_accepts, .accepts_context = (void *)caps},
                          .disabled = options->disable_fusion || (disabled && strcmp(disabled, "0") != 0)};
    return o;
}

static int find_slot(const sinter_plan *plan, uint32_t value, bool as_output) {
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (s->value == value && (!as_output || s->kind == SNI_SLOT_OUTPUT || s->kind == SNI_SLOT_TEMP)) return (int)i;
    }
    return -1;
}

static sinter_status add_slot(sinter_plan *plan, const sni_slot *slot, int *out_index) {
    if (!SNI_RESERVE(plan->slots, plan->slot_capacity, plan->slot_count + 1)) return sni_out_of_memory("a plan");
    *out_index = (int)plan->slot_count;
    plan->slots[plan->slot_count++] = *slot;
    return SINTER_OK;
}

/* The slot of a value that a step reads or writes, made at its first use. */
static sinter_status slot_of(sinter_plan *plan, uint32_t value, int step, int *out_index) {
    int index = find_slot(plan, value, false);
    if (index < 0) {
        const sni_value *v = sni_graph_value(plan->graph, value);
        sni_slot s = {.kind = SNI_SLOT_TEMP, .value = value, .index = -1, .first = step, .last = step, .shares = -1};
        s.bytes = sni_type_bytes(plan->graph->sym, &v->type);
        if (!s.bytes) return sni_fail(SINTER_SHAPE, "a value's size does not fit into 64 bits");
        if (v->blob) {
            s.kind = SNI_SLOT_CONSTANT;
            SNI_TRY(sni_runtime_constant(plan->runtime, v->blob, sni_blob_data(v->blob), sni_blob_size(v->blob), &s.mem));
            plan->constant_bytes += sni_blob_size(v->blob);
        }
        SNI_TRY(add_slot(plan, &s, &index));
    }
    if (plan->slots[index].last < step) plan->slots[index].last = step;
    *out_index = index;
    return SINTER_OK;
}

static sinter_status add_ports(sinter_plan *plan) {
    sinter_graph *g = plan->graph;
    int index;
    for (size_t i = 0; i < g->input_count + g->output_count; ++i) {
        bool in = i < g->input_count;
        sni_slot s = {.kind = in ? SNI_SLOT_INPUT : SNI_SLOT_OUTPUT, .shares = -1};
        s.index = (int)(in ? i : i - g->input_count);
        s.value = in ? g->inputs[s.index].value : g->outputs[s.index].value;
        s.bytes = sni_type_bytes(g->sym, &sni_graph_value(g, s.value)->type);
        if (!s.bytes) return sni_fail(SINTER_SHAPE, "a value's size does not fit into 64 bits");
        SNI_TRY(add_slot(plan, &s, &index));
    }
    return SINTER_OK;
}

/* Does a program read buffer b only at the point that it writes, through store t? */
static bool reads_in_place(const sni_loop *loop, int b, const sni_store *t) {
    if (loop->core >= 0 || loop->inner) return false;
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->kind == SNI_STMT_LOAD && s->buffer == b && (s->offset != t->offset || s->guard)) return false;
    }
    return true;
}

/* An elementwise kernel's output may take over the memory of an operand that dies there. */
static void share_slots(sinter_plan *plan) {
    for (size_t n = 0; n < plan->step_count; ++n) {
        const sni_step *step = &plan->steps[n];
        const sni_loop *loop = step->group->loop;
        for (int t = 0; t < loop->store_count; ++t) {
            sni_slot *out = &plan->slots[step->slots[loop->stores[t].buffer]];
            if (out->kind != SNI_SLOT_TEMP || out->first != (int)n) continue;
            for (int b = 0; b < loop->buffer_count && out->shares < 0; ++b) {
                int candidate = step->slots[b];
                sni_slot *in = &plan->slots[candidate];
                if (loop->buffers[b].is_output || in->kind != SNI_SLOT_TEMP || in->last != (int)n ||
                    in->bytes != out->bytes || loop->buffers[b].count != loop->buffers[loop->stores[t].buffer].count ||
                    !reads_in_place(loop, b, &loop->stores[t]))
                    continue;
                bool taken = false;
                for (size_t o = 0; o < plan->slot_count; ++o) taken |= plan->slots[o].shares == candidate;
                if (!taken) out->shares = candidate;
            }
        }
    }
    /* What is taken over lives as long as its last user. */
    for (size_t i = plan->slot_count; i-- > 0;) {
        sni_slot *s = &plan->slots[i];
        if (s->shares >= 0 && plan->slots[s->shares].last < s->last) plan->slots[s->shares].last = s->last;
    }
}

static sinter_status build_step(sinter_plan *plan, sni_step *step, const char *strategy) {
    SNI_TRY(sni_codegen(step->group->loop, plan->runtime->caps, strategy, plan->arena, &step->spec));
    sni_program_source source = {step->spec.source, step->spec.entry, step->spec.options, step->spec.strategy};
    return sni_program_build(plan->runtime->cache, &source, &step->program);
}

/* A kernel whose registers allow only smaller work-groups than it asks for runs the plain way. */
static sinter_status check_launch(sinter_plan *plan, sni_step *step) {
    sni_launch *launch;
    SNI_TRY(sni_launch_create(step->program, &launch));
    size_t most = sni_launch_max_work_group(launch), want = 1;
    sni_launch_release(launch);
    for (int d = 0; d < step->spec.dims; ++d)
        if (step->spec.local[d]) want *= step->spec.local[d];
    if (want <= most) return SINTER_OK;
    sni_log(SNI_LOG_INFO, "%s needs work-groups of %zu, the device runs it with %zu: the plain kernel is used",
            step->spec.strategy, want, most);
    sni_program_release(step->program);
    step->program = NULL;
    return build_step(plan, step, "plain");
}

static sinter_status compile_step(sinter_plan *plan, const sni_group *group, int number) {
    sni_step *step = &plan->steps[number];
    step->group = group;
    step->bytes = sni_loop_bytes(group->loop);
    step->slots = sni_arena_alloc(plan->arena, sizeof *step->slots * (size_t)(group->loop->buffer_count + 1));
    if (!step->slots) return sni_out_of_memory("a plan");
    for (int b = 0; b < group->loop->buffer_count; ++b)
        SNI_TRY(slot_of(plan, group->loop->buffers[b].value, number, &step->slots[b]));
    SNI_TRY(build_step(plan, step, NULL));
    return check_launch(plan, step);
}

static void count_kernels(sinter_plan *plan) {
    for (size_t i = 0; i < plan->step_count; ++i) {
        bool known = false;
        for (size_t k = 0; k < i && !known; ++k) known = plan->steps[k].program == plan->steps[i].program;
        plan->kernels += !known;
    }
}

static sinter_status compile_steps(sinter_plan *plan, const sinter_plan_options *options) {
    sni_fuse_options fuse = fuse_options(plan->runtime->caps, options);
    sni_group *groups;
    size_t count;
    SNI_TRY(sni_fuse(plan->graph, &fuse, plan->arena, &groups, &count));
    plan->steps = sni_calloc(count + 1, sizeof *plan->steps);
    if (!plan->steps) return sni_out_of_memory("a plan");
    for (size_t i = 0; i < count; ++i) {
        plan->step_count = i + 1;
        sinter_status status = compile_step(plan, &groups[i], (int)i);
        if (status != SINTER_OK) {
            const sni_node *node = &plan->graph->nodes[groups[i].nodes[groups[i].node_count - 1]];
            return sni_fail_in(status, "kernel of %s '%s'", node->op->name, node->name ? node->name : "");
        }
        if (options->progress && options->progress(options->context, i + 1, count))
            return sni_fail(SINTER_CANCELLED, "compiling was cancelled after %zu of %zu kernels", i + 1, count);
    }
    share_slots(plan);
    count_kernels(plan);
    return SINTER_OK;
}

/* Only renames elements: nobody would launch a kernel for it, so the unfused count leaves it out. */
static bool renames(const sni_op *op) {
    static const char *const names[] = {"reshape", "squeeze", "unsqueeze", "flatten", "known"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(op->name, names[i]) == 0) return true;
    return false;
}

/* Bytes that one kernel an operator would move: each reads its operands and writes its results. */
static sinter_status unfused_bytes(const sinter_graph *graph, sni_sym *sym, sni_expr *out) {
    sni_expr total = sni_sym_const(sym, 0);
    for (size_t n = 0; n < graph->node_count; ++n) {
        const sni_node *node = &graph->nodes[n];
        if (renames(node->op)) continue;
        for (int i = 0; i < node->in_count + node->out_count; ++i) {
            const sni_value *v = sni_graph_value(graph, i < node->in_count ? node->in[i] : node->out[i - node->in_count]);
            if (v) total = sni_sym_add(sym, total, sni_type_bytes(sym, &v->type));
        }
    }
    if (!total) total = sni_sym_const(sym, 0); /* too large to count: shown as 0 */
    *out = total;
    return SINTER_OK;
}

/* A GPU's unit holds eight teams of a row, or 2048 columns. What one of them reads in the time of a launch, about 10
 * microseconds, is what a second kernel must save. */
static sinter_status split_reductions(const sni_caps *caps, sinter_graph **graph) {
    int64_t units = caps->compute_units;
    sni_split_options options = {.rows = {units * 8, 1 << 18, 4096}, .columns = {units * 2048, 1 << 10, 64}};
    sinter_graph *split;
    if (caps->device_class != SNI_DEVICE_GPU) return SINTER_OK;
    SNI_TRY(sni_pass_split_reduce(*graph, &options, &split));
    sinter_graph_release(*graph);
    *graph = split;
    return SINTER_OK;
}

static sinter_status compile(sinter_plan *plan, const sinter_graph *graph, const sinter_plan_options *options) {
    sinter_graph *known = NULL, *rewritten = NULL;
    sni_expr unfused = SNI_NO_EXPR;
    SNI_TRY(sinter_graph_status(graph));
    if (graph->output_count == 0) return sni_fail(SINTER_INVALID_ARGUMENT, "the graph has no output");
    SNI_TRY(sni_sketch_of(graph, plan->arena, &plan->given));
    SNI_TRY(sni_pass_known(graph, &known));
    sinter_status status = unfused_bytes(known, known->sym, &unfused);
    if (status == SINTER_OK) status = sni_rewrite_all(known, &rewritten);
    if (status == SINTER_OK) status = split_reductions(plan->runtime->caps, &rewritten);
    if (status == SINTER_OK) status = sni_fuse_prepare(rewritten, &plan->graph);
    /* Passes copy expressions from graph to graph without renumbering, so this one is still the same number. */
    plan->bytes_unfused = unfused;
    sinter_graph_release(known);
    sinter_graph_release(rewritten);
    if (status != SINTER_OK) return status;
    SNI_TRY(add_ports(plan));
    return compile_steps(plan, options);
}

sinter_status sinter_plan_compile(sinter_runtime *runtime, const sinter_graph *graph,
                                  const sinter_plan_options *options, sinter_plan **out_plan) {
    static const sinter_plan_options presets = SINTER_PLAN_OPTIONS_INIT;
    if (!out_plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_compile: out_plan is NULL");
    *out_plan = NULL;
    if (!runtime || !graph)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_compile: %s is NULL", runtime ? "graph" : "runtime");
    int64_t start = sni_time_ns();
    sinter_plan *plan = sni_calloc(1, sizeof *plan);
    if (!plan) return sni_out_of_memory("a plan");
    plan->has_mutex = sni_mutex_init(&plan->mutex) == 0;
    plan->runtime = sni_runtime_retain(runtime);
    plan->arena = sni_arena_create();
    plan->operators = graph->node_count;
    sinter_status status = plan->arena && plan->has_mutex ? compile(plan, graph, options ? options : &presets)
                                                          : sni_out_of_memory("a plan");
    if (status != SINTER_OK) {
        sinter_plan_release(plan);
        return status;
    }
    plan->compile_ns = (uint64_t)(sni_time_ns() - start);
    *out_plan = plan;
    return SINTER_OK;
}

void sinter_plan_release(sinter_plan *plan) {
    if (!plan) return;
    while (plan->idle) {
        sni_context *c = plan->idle;
        plan->idle = c->next;
        sni_context_release(plan, c);
    }
    for (size_t i = 0; i < plan->step_count; ++i) {
        sni_program_release(plan->steps[i].program);
        sni_program_release(plan->steps[i].program64);
    }
    for (size_t i = 0; i < plan->slot_count; ++i) sni_mem_release(plan->slots[i].mem);
    sni_free(plan->steps);
    sni_free(plan->slots);
    sni_arena_release(plan->arena);
    sinter_graph_release(plan->graph);
    if (plan->has_mutex) sni_mutex_deinit(&plan->mutex);
    sinter_runtime_release(plan->runtime);
    sni_free(plan);
}
