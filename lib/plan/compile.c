/* From a graph to a plan: rewrite, fuse, generate, build, place. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "base/log.h"
#include "device/caps.h"
#include "device/instructions.h"
#include "device/wgmma.h"
#include "kernel/prebuild.h"
#include "plan/dump.h"
#include "plan/plan.h"
#include "rewrite/pass.h"

static sni_fuse_options fuse_options(const sinter_plan *plan, const sinter_plan_options *options) {
    const sni_caps *caps = &plan->caps;
    const char *disabled = sni_env("SINTER_DISABLE_FUSION");
    /* A buffer takes a pointer and an offset of the parameter space; half of it is left for numbers. */
    int buffers = (int)(caps->max_parameter_bytes / 32);
    sni_fuse_options o = {.limits = {.max_buffers = buffers > 40  ? 40
                                                    : buffers < 8 ? 8
                                                                  : buffers,
                                     .max_stmts = 384,
                                     .accepts = sni_codegen_accepts,
                                     .accepts_context = (void *)caps},
                          .disabled = options->disable_fusion || (disabled && strcmp(disabled, "0") != 0)};
    o.costs = plan->runtime->costs;
    return o;
}

/* Decides how a step is run, by strategy, or as records and rules have it, and writes its kernel's text. */
static sinter_status generate_step(sinter_plan *plan, sni_step *step, const char *strategy) {
    if (strategy)
        SNI_TRY(sni_codegen(&step->loop, &plan->caps, strategy, plan->arena, &step->spec));
    else
        SNI_TRY(sni_plan_choose(plan, step));
    if (step->spec.library) step->kind = SNI_STEP_CALL;
    return SINTER_OK;
}

static sni_program_source step_source(const sni_step *step) {
    return (sni_program_source){step->spec.source, step->spec.entry, step->spec.options, step->spec.strategy};
}

static sinter_status build_step(sinter_plan *plan, sni_step *step) {
    if (step->kind == SNI_STEP_CALL) return SINTER_OK;
    sni_program_source source = step_source(step);
    return sni_program_build(plan->runtime->cache, &source, &step->program);
}

static const char *instead_of(const sni_step *step) {
    const sni_strategy *strategy = step->spec.strategy ? sni_strategy_find(step->spec.strategy) : NULL;
    return strategy ? strategy->instead : NULL;
}

static sinter_status compile_step(sinter_plan *plan, sni_step *step) {
    bool fits = false;
    if (step->kind != SNI_STEP_LAUNCH) return SINTER_OK;
    sinter_status status = build_step(plan, step);
    if (status == SINTER_BUILD && step->spec.chosen) { /* a driver's update may refuse what a record says */
        sni_log(SNI_LOG_WARNING, "the kernel of a %s is not built, the rule's is taken: %s", step->spec.chosen,
                sinter_last_error());
        sni_records_release(plan->records);
        plan->records = NULL;
        status = generate_step(plan, step, NULL);
        if (status == SINTER_OK) status = build_step(plan, step);
    }
    const char *instead = status == SINTER_BUILD ? instead_of(step) : NULL;
    if (instead) {
        sni_log(SNI_LOG_WARNING, "strategy %s is taken, %s is not built: %s", instead, step->spec.strategy,
                sinter_last_error());
        status = generate_step(plan, step, instead);
        if (status == SINTER_OK) status = build_step(plan, step);
    }
    if (status != SINTER_OK) return status;
    if (step->kind == SNI_STEP_CALL) return SINTER_OK;
    SNI_TRY(sni_step_fits(step->program, &step->spec, &fits));
    if (fits) return SINTER_OK;
    /* A kernel whose registers allow only smaller work-groups than it asks for runs the plain way. */
    sni_program_release(step->program);
    step->program = NULL;
    SNI_TRY(generate_step(plan, step, "plain"));
    return build_step(plan, step);
}

/* A constant that several steps read counts once. */
static void count_constants(sinter_plan *plan, const sni_step *step) {
    for (int b = 0; b < step->loop.buffer_count; ++b) {
        sni_slot *s = &plan->slots[step->slots[b]];
        if (!step->constants[b] || s->counted) continue;
        s->counted = true;
        plan->constant_bytes += sni_mem_size(step->constants[b]);
    }
}

static sinter_status finish_step(sinter_plan *plan, sni_step *step) {
    SNI_TRY(compile_step(plan, step));
    SNI_TRY(sni_step_upload(plan, step, &step->spec, &step->constants));
    count_constants(plan, step);
    return SINTER_OK;
}

static int compare_pointers(const void *left, const void *right) {
    uintptr_t a = (uintptr_t) * (void *const *)left, b = (uintptr_t) * (void *const *)right;
    return a < b ? -1 : a > b;
}

static sinter_status count_kernels(sinter_plan *plan) {
    const void **programs = sni_calloc(plan->step_count + 1, sizeof *programs);
    if (!programs) return sni_out_of_memory("a plan");
    for (size_t i = 0; i < plan->step_count; ++i) programs[i] = plan->steps[i].program;
    qsort(programs, plan->step_count, sizeof *programs, compare_pointers);
    for (size_t i = 0; i < plan->step_count; ++i)
        plan->kernels += programs[i] && (i == 0 || programs[i] != programs[i - 1]);
    sni_free(programs);
    return SINTER_OK;
}

/* Says of which operator the kernel is. */
static sinter_status fail_in_step(const sinter_plan *plan, size_t i, sinter_status status) {
    if (status == SINTER_OK) return status;
    const sni_group *group = plan->steps[i].group;
    const sni_node *node = &plan->graph->nodes[group->nodes[group->node_count - 1]];
    return sni_fail_in(status, "kernel of %s '%s'", node->op->name, node->name ? node->name : "");
}

/* The plan's own kernels follow what is built ahead of them, as far as a caller's progress goes. */
typedef struct ahead_progress {
    const sinter_plan_options *options;
    size_t steps;
} ahead_progress;

static int tell_ahead(void *context, size_t done, size_t total) {
    const ahead_progress *p = context;
    return p->options->progress ? p->options->progress(p->options->context, done, total + p->steps) : 0;
}

/* Where the driver gains by it, kernels are built side by side before the steps ask for them one by one. */
static sinter_status build_ahead(sinter_plan *plan, const sinter_plan_options *options, size_t *out_total) {
    ahead_progress progress = {options, plan->step_count};
    sni_program_source *sources = sni_calloc(plan->step_count + 1, sizeof *sources);
    size_t count = 0;
    if (!sources) return sni_out_of_memory("a plan");
    for (size_t i = 0; i < plan->step_count; ++i)
        if (plan->steps[i].kind == SNI_STEP_LAUNCH) sources[count++] = step_source(&plan->steps[i]);
    sinter_status status =
        sni_programs_prebuild(plan->runtime->cache, sources, count, tell_ahead, &progress, out_total);
    sni_free(sources);
    return status;
}

static sinter_status compile_steps(sinter_plan *plan, const sinter_plan_options *options) {
    sni_fuse_options fuse = fuse_options(plan, options);
    sni_group *groups;
    size_t count, ahead;
    SNI_TRY(sni_fuse(plan->graph, &fuse, plan->arena, &groups, &count));
    sni_dump_groups(plan, groups, count);
    plan->steps = sni_calloc(count + 1, sizeof *plan->steps);
    if (!plan->steps) return sni_out_of_memory("a plan");
    plan->step_count = count;
    for (size_t i = 0; i < count; ++i) SNI_TRY(sni_step_begin(plan, &groups[i], (int)i));
    SNI_TRY(sni_plan_share_slots(plan));
    SNI_TRY(sni_plan_order(plan));
    if (plan->outline) return SINTER_OK;
    SNI_TRY(sni_records_load(plan->runtime->caps->tuning_key, plan->runtime->tuning_dir, &plan->records));
    for (size_t i = 0; i < count; ++i)
        if (plan->steps[i].kind == SNI_STEP_LAUNCH)
            SNI_TRY(fail_in_step(plan, i, generate_step(plan, &plan->steps[i], NULL)));
    SNI_TRY(build_ahead(plan, options, &ahead));
    for (size_t i = 0; i < count; ++i) {
        SNI_TRY(fail_in_step(plan, i, finish_step(plan, &plan->steps[i])));
        sni_dump_step(plan, &plan->steps[i]);
        if (options->progress && options->progress(options->context, ahead + i + 1, ahead + count))
            return sni_fail(SINTER_CANCELLED, "compiling was cancelled after %zu of %zu kernels", i + 1, count);
    }
    return count_kernels(plan);
}

/* Nobody would launch a kernel for it, so the unfused count leaves it out. */
static bool moves_nothing(const sni_op *op) {
    return op->traits.renames || op->traits.known_on_host;
}

/* Bytes that one kernel an operator would move: each reads its operands and writes its results. */
static sinter_status unfused_bytes(const sinter_graph *graph, sni_sym *sym, sni_expr *out) {
    sni_expr total = sni_sym_const(sym, 0);
    for (size_t n = 0; n < graph->node_count; ++n) {
        const sni_node *node = &graph->nodes[n];
        if (moves_nothing(node->op)) continue;
        for (int i = 0; i < node->in_count + node->out_count; ++i) {
            const sni_value *v =
                sni_graph_value(graph, i < node->in_count ? node->in[i] : node->out[i - node->in_count]);
            if (v) total = sni_sym_add(sym, total, sni_type_bytes(sym, &v->type));
        }
    }
    if (!total) total = sni_sym_const(sym, 0); /* too large to count: shown as 0 */
    *out = total;
    return SINTER_OK;
}

typedef sinter_status (*split_pass)(const sinter_graph *graph, const sni_split_options *options,
                                    sinter_graph **out_graph);

static sinter_status replace_split(sinter_graph **graph, split_pass pass, const sni_split_options *options) {
    sinter_graph *split;
    SNI_TRY(pass(*graph, options, &split));
    sinter_graph_release(*graph);
    *graph = split;
    return SINTER_OK;
}

/* What rows share of a part is one value for all of them. */
static sinter_status join_equal(const sinter_graph *graph, const sni_split_options *options, sinter_graph **out_graph) {
    (void)options;
    return sni_pass_cse(graph, out_graph);
}

/* A GPU's unit holds eight teams of a row, or 2048 columns. What one of them reads in the time of a launch, about 10
 * microseconds, is what a second kernel must save. Rows with reductions that follow each other gain more: they are read
 * again for each of them, and with a team a unit they leave half of what a unit can hold empty. A CPU's core takes a row or
 * some lines of columns at a time. */
static sinter_status split_reductions(const sni_caps *caps, sinter_graph **graph) {
    int64_t units = caps->compute_units > 0 ? caps->compute_units : 1;
    bool gpu = caps->device_class == SNI_DEVICE_GPU;
    sni_split_options cpu_both = {.rows = {units * 4, 1 << 17, 1 << 14}, .columns = {units * 64, 1 << 13, 1 << 10}};
    sni_split_options single =
        gpu ? (sni_split_options){.rows = {units * 8, 1 << 18, 4096}, .columns = {units * 2048, 1 << 10, 64}}
            : cpu_both;
    sni_split_options tuple = single;
    if (gpu) tuple.rows = (sni_split_rule){units * 4, 1 << 16, 4096};
    SNI_TRY(replace_split(graph, sni_pass_split_tuple, &tuple));
    SNI_TRY(replace_split(graph, join_equal, NULL));
    return replace_split(graph, sni_pass_split_reduce, &single);
}

static bool has_matrix(const sni_caps *caps, sinter_dtype dtype) {
    for (int r = 0; r < sni_instruction_count(); ++r)
        if ((caps->instructions >> r & 1) != 0 && sni_instruction_at(r)->dtype == dtype) return true;
    return false;
}

/* A unit of a GPU multiplies two tiles of 64 x 64 x 512 in about the time of a launch, and holds two such work-groups, or
 * eight that wait for memory. Matrix units do eight times as much, of f32 by planes of bf16 twice as much. gpu_gemv shares
 * out the k of 32 columns itself. */
static sinter_status split_products(const sni_caps *caps, sinter_graph **graph) {
    const sni_split_product_rule plain = {.tile = 64,
                                          .groups = 2,
                                          .narrow_groups = 8,
                                          .narrow = 16,
                                          .least_length = 512,
                                          .least_part = 128,
                                          .multiple = 32};
    const sni_split_product_rule matrix = {.tile = 32,
                                           .groups = 2,
                                           .narrow_groups = 2,
                                           .narrow = 0,
                                           .least_length = 4096,
                                           .least_part = 256,
                                           .multiple = 64};
    bool planes = (caps->wgmma & sni_wgmma_bit(SINTER_BF16)) != 0 && !caps->only_exact;
    const sni_split_product_options options = {.units = caps->compute_units,
                                               .few = 4,
                                               .few_matrix = 1,
                                               .few_columns = 32,
                                               .planes_side = planes ? 32 : 0,
                                               .planes_length = 1024,
                                               .plain = plain,
                                               .matrix = matrix,
                                               .matrix_f16 = has_matrix(caps, SINTER_F16),
                                               .matrix_bf16 = has_matrix(caps, SINTER_BF16)};
    sinter_graph *split;
    if (caps->device_class != SNI_DEVICE_GPU) return SINTER_OK;
    SNI_TRY(sni_pass_split_product(*graph, &options, &split));
    sinter_graph_release(*graph);
    *graph = split;
    return SINTER_OK;
}

/* A scan reads its elements once more in two kernels than in one, which few lines are worth: on a GPU fewer than eight
 * teams a unit, or 256 columns; on a CPU fewer than its units. */
static sinter_status split_scans(const sni_caps *caps, sinter_graph **graph) {
    bool gpu = caps->device_class == SNI_DEVICE_GPU;
    int64_t units = caps->compute_units;
    sni_split_options options = {.rows = {gpu ? units * 8 : units, 1 << 16, 4096},
                                 .columns = {gpu ? units * 256 : units * 64, 1 << 14, 1024}};
    sinter_graph *split;
    SNI_TRY(sni_pass_split_scan(*graph, &options, &split));
    sinter_graph_release(*graph);
    *graph = split;
    return SINTER_OK;
}

static sinter_status order_states(sinter_graph **graph) {
    sinter_graph *ordered;
    bool any = false;
    for (size_t i = 0; i < (*graph)->input_count; ++i) any |= (*graph)->inputs[i].state;
    if (!any) return SINTER_OK;
    SNI_TRY(sni_pass_state(*graph, &ordered));
    sinter_graph_release(*graph);
    *graph = ordered;
    return SINTER_OK;
}

/* The device's capabilities less what a precision forbids, with what it allows. */
static sinter_status set_precision(sinter_plan *plan, sinter_precision precision) {
    static const char *const names[] = {"default", "exact", "fast"};
    const char *named = sni_env("SINTER_PRECISION");
    for (int i = 0; named && precision == SINTER_PRECISION_DEFAULT && i < 3; ++i)
        if (strcmp(named, names[i]) == 0) precision = (sinter_precision)i;
    if ((unsigned)precision > SINTER_PRECISION_FAST)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_compile: there is no precision %d", (int)precision);
    plan->caps = *plan->runtime->caps;
    plan->caps.only_exact = precision == SINTER_PRECISION_EXACT;
    plan->caps.may_round = precision == SINTER_PRECISION_FAST;
    return SINTER_OK;
}

static sinter_status compile(sinter_plan *plan, const sinter_graph *graph, const sinter_plan_options *options) {
    sinter_graph *known = NULL, *rewritten = NULL;
    sni_expr unfused = SNI_NO_EXPR;
    SNI_TRY(sinter_graph_status(graph));
    SNI_TRY(set_precision(plan, options->precision));
    if (graph->output_count == 0) return sni_fail(SINTER_INVALID_ARGUMENT, "the graph has no output");
    sni_graph_dump(graph, "described");
    SNI_TRY(sni_sketch_of(graph, plan->arena, &plan->given));
    SNI_TRY(sni_pass_known(graph, &known));
    sinter_status status = unfused_bytes(known, known->sym, &unfused);
    if (status == SINTER_OK) status = sni_rewrite_all(known, &rewritten);
    if (status == SINTER_OK) status = split_products(&plan->caps, &rewritten);
    if (status == SINTER_OK) status = split_reductions(&plan->caps, &rewritten);
    if (status == SINTER_OK) status = split_scans(&plan->caps, &rewritten);
    if (status == SINTER_OK) status = sni_fuse_prepare(rewritten, &plan->graph);
    if (status == SINTER_OK) status = order_states(&plan->graph);
    /* Passes copy expressions from graph to graph without renumbering, so this one is still the same number. */
    plan->bytes_unfused = unfused;
    sinter_graph_release(known);
    sinter_graph_release(rewritten);
    if (status != SINTER_OK) return status;
    SNI_TRY(sni_plan_add_ports(plan));
    return compile_steps(plan, options);
}

static sinter_status create(sinter_runtime *runtime, const sinter_graph *graph, const sinter_plan_options *options,
                            bool outline, sinter_plan **out_plan) {
    int64_t start = sni_time_ns();
    sinter_plan *plan = sni_calloc(1, sizeof *plan);
    if (!plan) return sni_out_of_memory("a plan");
    plan->has_mutex = sni_mutex_init(&plan->mutex) == 0;
    sni_condition_init(&plan->left);
    plan->runtime = sni_runtime_retain(runtime);
    plan->arena = sni_arena_create();
    plan->operators = graph->node_count;
    plan->outline = outline;
    sni_dump *dump = sni_dump_begin();
    sinter_status status = plan->arena && plan->has_mutex ? compile(plan, graph, options) : sni_out_of_memory("a plan");
    sni_dump_end(dump);
    if (status != SINTER_OK) {
        sni_plan_free(plan);
        return status;
    }
    sni_records_release(plan->records);
    plan->records = NULL;
    plan->compile_ns = (uint64_t)(sni_time_ns() - start);
    *out_plan = plan;
    return SINTER_OK;
}

static const sinter_plan_options presets = SINTER_PLAN_OPTIONS_INIT;

sinter_status sinter_plan_compile(sinter_runtime *runtime, const sinter_graph *graph,
                                  const sinter_plan_options *options, sinter_plan **out_plan) {
    if (!out_plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_compile: out_plan is NULL");
    *out_plan = NULL;
    if (!runtime || !graph)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_compile: %s is NULL", runtime ? "graph" : "runtime");
    SNI_TRY_PROCESS();
    return create(runtime, graph, options ? options : &presets, false, out_plan);
}

sinter_status sni_plan_outline(sinter_runtime *runtime, const sinter_graph *graph, sinter_plan **out_plan) {
    *out_plan = NULL;
    return create(runtime, graph, &presets, true, out_plan);
}
