/* Run contexts: dimensions bound, memory placed, kernels with their arguments set. */
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "graph/reference.h"
#include "memory/offsets.h"
#include "plan/plan.h"

const sinter_binding *sni_find_binding(const sinter_binding *bindings, size_t count, const char *name) {
    for (size_t i = 0; i < count; ++i)
        if (bindings[i].name && strcmp(bindings[i].name, name) == 0 && (bindings[i].data || bindings[i].buffer ||
                                                                        bindings[i].dtype != SINTER_DTYPE_NONE))
            return &bindings[i];
    return NULL;
}

static bool is_port(const sinter_graph *g, const char *name) {
    for (size_t i = 0; i < g->input_count; ++i)
        if (strcmp(g->inputs[i].name, name) == 0) return true;
    for (size_t i = 0; i < g->output_count; ++i)
        if (strcmp(g->outputs[i].name, name) == 0) return true;
    return false;
}

/* Dimension bindings: what names neither an input nor an output. */
static sinter_status read_dims(const sinter_plan *plan, const sinter_binding *bindings, size_t count, int64_t *dims,
                               int64_t *values, size_t *out_count) {
    *out_count = 0;
    for (size_t i = 0; i < count; ++i) {
        const sinter_binding *b = &bindings[i];
        if (!b->name) return sni_fail(SINTER_INVALID_ARGUMENT, "binding %zu has no name", i);
        if (is_port(plan->graph, b->name)) continue;
        if (b->data || b->buffer || b->shape.rank != 1)
            return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' is neither an input nor an output of the plan", b->name);
        if (b->shape.dims[0] < 0)
            return sni_fail(SINTER_INVALID_ARGUMENT, "dimension '%s' cannot be %lld", b->name, (long long)b->shape.dims[0]);
        if (*out_count == SNI_MAX_DIMS)
            return sni_fail(SINTER_INVALID_ARGUMENT, "more than %d dimension bindings", SNI_MAX_DIMS);
        dims[*out_count] = sinter_dim_named(b->name);
        values[(*out_count)++] = b->shape.dims[0];
    }
    return SINTER_OK;
}

static sinter_status read_shape(const sinter_plan *plan, const sinter_binding *b, size_t input, int64_t *dims, int *rank) {
    const sni_port *port = &plan->graph->inputs[input];
    const sni_type *type = &sni_graph_value(plan->graph, port->value)->type;
    if (!b) return sni_fail(SINTER_INVALID_ARGUMENT, "input '%s' is not bound", port->name);
    if (b->dtype != type->dtype)
        return sni_fail(SINTER_DTYPE, "input '%s' is %s, the graph wants %s", port->name, sinter_dtype_name(b->dtype),
                        sinter_dtype_name(type->dtype));
    if (b->shape.rank < 0 || b->shape.rank > SINTER_MAX_RANK)
        return sni_fail(SINTER_SHAPE, "input '%s' has rank %d", port->name, b->shape.rank);
    *rank = b->shape.rank;
    for (int d = 0; d < b->shape.rank; ++d) {
        if (b->shape.dims[d] < 0)
            return sni_fail(SINTER_SHAPE, "input '%s': dimension %d must be a number, 0 or more", port->name, d);
        dims[d] = b->shape.dims[d];
    }
    return SINTER_OK;
}

sinter_status sni_plan_bind(sinter_plan *plan, const sinter_binding *bindings, size_t count, sni_context *context) {
    size_t inputs = plan->graph->input_count, extra_count;
    int64_t extra_dims[SNI_MAX_DIMS], extra_values[SNI_MAX_DIMS];
    if (count && !bindings) return sni_fail(SINTER_INVALID_ARGUMENT, "bindings is NULL");
    SNI_TRY(read_dims(plan, bindings, count, extra_dims, extra_values, &extra_count));
    int64_t(*shapes)[SINTER_MAX_RANK] = sni_calloc(inputs + 1, sizeof *shapes);
    int *ranks = sni_calloc(inputs + 1, sizeof *ranks);
    sinter_status status = shapes && ranks ? SINTER_OK : sni_out_of_memory("input shapes");
    for (size_t i = 0; i < inputs && status == SINTER_OK; ++i)
        status = read_shape(plan, sni_find_binding(bindings, count, plan->graph->inputs[i].name), i, shapes[i], &ranks[i]);
    sni_bindings extra = {extra_count, extra_dims, extra_values};
    if (status == SINTER_OK)
        status = sni_bind_shapes(plan->graph, (const int64_t(*)[SINTER_MAX_RANK])shapes, ranks, &extra, context->dims,
                                 context->values, SNI_MAX_DIMS, &context->dim_count);
    sni_free(shapes);
    sni_free(ranks);
    return status;
}

sinter_status sni_plan_shape(const sinter_plan *plan, const sni_context *context, uint32_t value,
                             sinter_shape *out_shape) {
    const sni_type *type = &sni_graph_value(plan->graph, value)->type;
    sni_bindings b = sni_context_bindings(context);
    out_shape->rank = type->rank;
    for (int d = 0; d < type->rank; ++d) {
        SNI_TRY(sni_sym_eval(plan->graph->sym, type->dims[d], &b, &out_shape->dims[d]));
        if (out_shape->dims[d] < 0) return sni_fail(SINTER_SHAPE, "a dimension would be %lld", (long long)out_shape->dims[d]);
    }
    return SINTER_OK;
}

/* ---- memory ---- */

static sinter_status slot_bytes(const sinter_plan *plan, const sni_context *c, const sni_slot *slot, uint64_t *out) {
    sni_bindings b = sni_context_bindings(c);
    int64_t bytes;
    SNI_TRY(sni_sym_eval(plan->graph->sym, slot->bytes, &b, &bytes));
    if (bytes < 0) return sni_fail(SINTER_SHAPE, "a value would have %lld bytes", (long long)bytes);
    *out = (uint64_t)bytes;
    return SINTER_OK;
}

static int root_of(const sinter_plan *plan, int slot) {
    while (plan->slots[slot].shares >= 0) slot = plan->slots[slot].shares;
    return slot;
}

/* Every range of the arena begins where any vector type may. */
#define ARENA_ALIGN 256

/* Memory for values in between: one arena; where the device allows no buffer as large, one buffer a value. */
static sinter_status acquire_temps(sinter_plan *plan, sni_context *c, const sni_lifetime *items) {
    bool one = c->arena_bytes <= plan->runtime->caps->max_alloc_bytes;
    sni_mem *arena = NULL;
    if (one) SNI_TRY(sni_mem_acquire(plan->runtime->pool, (size_t)c->arena_bytes, &arena));
    size_t item = 0;
    sinter_status status = SINTER_OK;
    for (size_t i = 0; i < plan->slot_count && status == SINTER_OK; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (s->kind != SNI_SLOT_TEMP || s->shares >= 0) continue;
        const sni_lifetime *t = &items[item++];
        c->offsets[i] = one ? t->offset_bytes : 0;
        if (one)
            c->mems[i] = sni_mem_retain(arena);
        else
            status = sni_mem_acquire(plan->runtime->pool, (size_t)t->size_bytes, &c->mems[i]);
    }
    sni_mem_release(arena);
    return status;
}

static sinter_status place_temps(sinter_plan *plan, sni_context *c, sni_lifetime *items) {
    size_t count = 0;
    for (size_t i = 0; i < plan->slot_count; ++i) {
        const sni_slot *s = &plan->slots[i];
        if (s->kind != SNI_SLOT_TEMP || s->shares >= 0) continue;
        items[count] = (sni_lifetime){.first = s->first, .last = s->last};
        SNI_TRY(slot_bytes(plan, c, s, &items[count].size_bytes));
        ++count;
    }
    if (count == 0) return SINTER_OK;
    SNI_TRY(sni_offsets_plan(items, count, ARENA_ALIGN, &c->arena_bytes));
    SNI_TRY(acquire_temps(plan, c, items));
    for (size_t i = 0; i < plan->slot_count; ++i) {
        if (plan->slots[i].shares < 0) continue;
        int root = root_of(plan, (int)i);
        c->mems[i] = sni_mem_retain(c->mems[root]);
        c->offsets[i] = c->offsets[root];
    }
    return SINTER_OK;
}

/* ---- kernels ---- */

/* The greatest element count or launch size of a step: beyond 31 bits it needs 64-bit indices. */
static sinter_status needs_64_bits(const sinter_plan *plan, const sni_context *c, const sni_step *step, bool *out) {
    sni_bindings b = sni_context_bindings(c);
    const sni_loop *loop = step->group->loop;
    int64_t n;
    *out = false;
    for (int i = 0; i < loop->buffer_count; ++i) {
        SNI_TRY(sni_sym_eval(plan->graph->sym, loop->buffers[i].count, &b, &n));
        *out |= n > INT32_MAX / 2;
    }
    int64_t points = 1;
    for (int a = 0; a < loop->axis_count; ++a) {
        SNI_TRY(sni_sym_eval(plan->graph->sym, loop->extents[a], &b, &n));
        if (!(loop->inner >> a & 1u) && !sni_mul_i64(points, n, &points))
            return sni_fail(SINTER_SHAPE, "a kernel would have more than 2^63 iterations");
    }
    *out |= points > INT32_MAX / 2;
    return SINTER_OK;
}

static sinter_status wide_program(sinter_plan *plan, sni_step *step, sni_program **out) {
    sni_str options = SNI_STR_INIT;
    sni_str_printf(&options, "%s%s-DSN_IDX64", step->spec.options ? step->spec.options : "", step->spec.options ? " " : "");
    sni_program_source source = {step->spec.source, step->spec.entry, sni_str_text(&options), step->spec.strategy};
    sni_mutex_lock(&plan->mutex);
    sinter_status status = SINTER_OK;
    if (!step->program64) status = sni_program_build(plan->runtime->cache, &source, &step->program64);
    *out = step->program64;
    sni_mutex_unlock(&plan->mutex);
    sni_str_deinit(&options);
    return status;
}

static sinter_status set_number(sni_launch *launch, int index, int64_t value, bool wide) {
    if (wide) return sni_launch_set_scalar(launch, index, &value, sizeof value);
    if (value > INT32_MAX || value < INT32_MIN)
        return sni_fail(SINTER_INTERNAL, "a 32-bit kernel argument would be %lld", (long long)value);
    int32_t narrow = (int32_t)value;
    return sni_launch_set_scalar(launch, index, &narrow, sizeof narrow);
}

static sinter_status set_arguments(sinter_plan *plan, sni_context *c, const sni_step *step, sni_launch *launch, bool wide) {
    sni_bindings b = sni_context_bindings(c);
    for (int a = 0; a < step->spec.arg_count; ++a) {
        const sni_karg *arg = &step->spec.args[a];
        if (arg->kind == SNI_KARG_LOCAL) {
            SNI_TRY(sni_launch_set_local(launch, a, arg->local_bytes));
        } else if (arg->kind == SNI_KARG_OFFSET) {
            const sni_loop_buffer *buffer = &step->group->loop->buffers[arg->buffer];
            uint64_t elements = c->offsets[step->slots[arg->buffer]] / sinter_dtype_size(buffer->dtype);
            SNI_TRY(sni_launch_set_scalar(launch, a, &elements, sizeof elements));
        } else if (arg->kind == SNI_KARG_INDEX) {
            int64_t value;
            SNI_TRY(sni_sym_eval(plan->graph->sym, arg->expr, &b, &value));
            SNI_TRY(set_number(launch, a, value, wide));
        } else {
            int slot = step->slots[arg->buffer];
            sni_mem *mem = plan->slots[slot].mem ? plan->slots[slot].mem : c->mems[slot];
            if (mem) SNI_TRY(sni_launch_set_mem(launch, a, mem));
        }
    }
    return SINTER_OK;
}

static sinter_status prepare_step(sinter_plan *plan, sni_context *c, size_t n) {
    sni_step *step = &plan->steps[n];
    sni_bindings b = sni_context_bindings(c);
    sni_program *program = step->program;
    bool wide;
    SNI_TRY(needs_64_bits(plan, c, step, &wide));
    if (wide) SNI_TRY(wide_program(plan, step, &program));
    for (int d = 0; d < step->spec.dims; ++d) {
        int64_t global;
        SNI_TRY(sni_sym_eval(plan->graph->sym, step->spec.global[d], &b, &global));
        if (global < 0) return sni_fail(SINTER_INTERNAL, "a launch of %lld work-items", (long long)global);
        c->global[n][d] = (size_t)global;
    }
    SNI_TRY(sni_launch_create(program, &c->launches[n]));
    return set_arguments(plan, c, step, c->launches[n], wide);
}

static sinter_status fill_context(sinter_plan *plan, sni_context *c) {
    c->mems = sni_calloc(plan->slot_count + 1, sizeof *c->mems);
    c->offsets = sni_calloc(plan->slot_count + 1, sizeof *c->offsets);
    c->launches = sni_calloc(plan->step_count + 1, sizeof *c->launches);
    c->global = sni_calloc(plan->step_count + 1, sizeof *c->global);
    sni_lifetime *items = sni_calloc(plan->slot_count + 1, sizeof *items);
    sinter_status status = c->mems && c->offsets && c->launches && c->global && items
                               ? place_temps(plan, c, items)
                               : sni_out_of_memory("a run");
    sni_free(items);
    for (size_t n = 0; n < plan->step_count && status == SINTER_OK; ++n) status = prepare_step(plan, c, n);
    return status;
}

static bool same_dims(const sni_context *a, const sni_context *b) {
    return a->dim_count == b->dim_count && memcmp(a->dims, b->dims, a->dim_count * sizeof *a->dims) == 0 &&
           memcmp(a->values, b->values, a->dim_count * sizeof *a->values) == 0;
}

sinter_status sni_context_acquire(sinter_plan *plan, const sni_context *probe, sni_context **out_context) {
    *out_context = NULL;
    sni_mutex_lock(&plan->mutex);
    for (sni_context **link = &plan->idle; *link; link = &(*link)->next) {
        if (!same_dims(*link, probe)) continue;
        *out_context = *link;
        *link = (*link)->next;
        break;
    }
    sni_mutex_unlock(&plan->mutex);
    if (*out_context) return SINTER_OK;
    sni_context *c = sni_calloc(1, sizeof *c);
    if (!c) return sni_out_of_memory("a run");
    c->dim_count = probe->dim_count;
    memcpy(c->dims, probe->dims, sizeof c->dims);
    memcpy(c->values, probe->values, sizeof c->values);
    sinter_status status = fill_context(plan, c);
    if (status != SINTER_OK) {
        sni_context_release(plan, c);
        return status;
    }
    *out_context = c;
    return SINTER_OK;
}

#define MAX_IDLE_CONTEXTS 8

void sni_context_give_back(sinter_plan *plan, sni_context *c) {
    for (size_t i = 0; i < plan->slot_count; ++i) {
        sni_slot_kind kind = plan->slots[i].kind;
        if (kind == SNI_SLOT_INPUT || kind == SNI_SLOT_OUTPUT) {
            sni_mem_release(c->mems[i]);
            c->mems[i] = NULL;
        }
    }
    sni_context *old = NULL;
    sni_mutex_lock(&plan->mutex);
    c->next = plan->idle;
    plan->idle = c;
    size_t count = 0;
    for (sni_context *i = plan->idle; i; i = i->next) {
        if (++count == MAX_IDLE_CONTEXTS) { /* the ones not used for longest go */
            old = i->next;
            i->next = NULL;
        }
    }
    sni_mutex_unlock(&plan->mutex);
    while (old) {
        sni_context *next = old->next;
        sni_context_release(plan, old);
        old = next;
    }
}

void sni_context_release(sinter_plan *plan, sni_context *c) {
    if (!c) return;
    for (size_t i = 0; c->mems && i < plan->slot_count; ++i) sni_mem_release(c->mems[i]);
    for (size_t n = 0; c->launches && n < plan->step_count; ++n) sni_launch_release(c->launches[n]);
    sni_free(c->mems);
    sni_free(c->offsets);
    sni_free(c->launches);
    sni_free(c->global);
    sni_free(c);
}
