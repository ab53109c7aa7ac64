/* Steps: what a run enqueues, and what each of them waits for. */
#include <string.h>

#include "base/alloc.h"
#include "plan/plan.h"

const char *sni_step_kind_name(sni_step_kind kind) {
    static const char *const names[] = {"launch", "copy", "fill", "call"};
    return names[kind];
}

/* ---- what a program is ---- */

/* A program that writes one buffer, each element once, and computes nothing: then the statement that it stores. */
static const sni_stmt *only_moves(const sni_loop *loop) {
    if (loop->store_count != 1 || loop->inner || loop->core >= 0) return NULL;
    return &loop->stmts[loop->stores[0].stmt];
}

/* A store into a state may write a part of it only. */
static bool writes_all(const sni_loop *loop) {
    sni_expr points = sni_sym_const(loop->sym, 1);
    for (int a = 0; a < loop->axis_count; ++a) points = sni_sym_mul(loop->sym, points, loop->extents[a]);
    return points && points == loop->buffers[loop->stores[0].buffer].count &&
           !sni_sym_uses_value(loop->sym, loop->stores[0].offset);
}

/* Elements in the order in which they lie, from some element on: a copy. */
static bool find_copy(const sni_loop *loop, sni_step *step) {
    const sni_stmt *s = only_moves(loop);
    if (!s || s->kind != SNI_STMT_LOAD || s->guard || !writes_all(loop) ||
        s->dtype != loop->buffers[loop->stores[0].buffer].dtype || sni_sym_uses_value(loop->sym, s->offset))
        return false;
    sni_expr from = sni_sym_sub(loop->sym, s->offset, loop->stores[0].offset);
    if (!from || sni_sym_uses_any_axis(loop->sym, from) || !sni_sym_known_nonneg(loop->sym, from)) return false;
    step->kind = SNI_STEP_COPY;
    step->from = s->buffer;
    step->from_element = from;
    return true;
}

static bool find_fill(const sni_loop *loop, sni_step *step) {
    const sni_stmt *s = only_moves(loop);
    if (!s || s->kind != SNI_STMT_CONST || !writes_all(loop) || s->dtype != loop->buffers[loop->stores[0].buffer].dtype)
        return false;
    step->kind = SNI_STEP_FILL;
    sni_dtype_store(s->dtype, step->pattern, 0, s->f, s->i);
    return true;
}

sinter_status sni_step_begin(sinter_plan *plan, const sni_group *group, int number) {
    sni_step *step = &plan->steps[number];
    sni_loop *loop = &step->loop;
    step->group = group;
    step->bytes = sni_loop_bytes(group->loop);
    *loop = *group->loop;
    loop->buffers = sni_arena_copy(plan->arena, loop->buffers, sizeof *loop->buffers * (size_t)loop->buffer_count);
    if (!loop->buffers) return sni_out_of_memory("a plan");
    if (find_copy(loop, step) || find_fill(loop, step)) {
        step->to = loop->stores[0].buffer;
        step->spec.strategy = sni_step_kind_name(step->kind);
        step->spec.source = step->spec.entry = step->spec.options = step->spec.notes = "";
    }
    return sni_plan_add_slots(plan, step, number);
}

/* ---- order ---- */

/* By alias set: the step that wrote it last, and those that have read it since. */
typedef struct history {
    int writer; /* -1: none */
    int *readers;
    size_t count, capacity;
} history;

typedef struct orderer {
    sinter_plan *plan;
    history *sets;
    int *found; /* the steps that the one at hand waits for */
    size_t count, capacity;
} orderer;

static bool wait_for(orderer *o, int step, int self) {
    if (step < 0 || step == self) return true;
    for (size_t i = 0; i < o->count; ++i)
        if (o->found[i] == step) return true;
    if (!SNI_RESERVE(o->found, o->capacity, o->count + 1)) return false;
    o->found[o->count++] = step;
    return true;
}

static bool look_at(orderer *o, int number, int buffer) {
    const sni_step *step = &o->plan->steps[number];
    history *h = &o->sets[o->plan->slots[step->slots[buffer]].alias_set];
    if (!wait_for(o, h->writer, number)) return false;
    if (!step->loop.buffers[buffer].is_output) return true;
    for (size_t i = 0; i < h->count; ++i)
        if (!wait_for(o, h->readers[i], number)) return false;
    return true;
}

static bool remember(orderer *o, int number, int buffer) {
    const sni_step *step = &o->plan->steps[number];
    history *h = &o->sets[o->plan->slots[step->slots[buffer]].alias_set];
    if (step->loop.buffers[buffer].is_output) {
        h->writer = number;
        h->count = 0;
        return true;
    }
    if (h->writer == number) return true;
    if (!SNI_RESERVE(h->readers, h->capacity, h->count + 1)) return false;
    h->readers[h->count++] = number;
    return true;
}

static bool order_step(orderer *o, int number) {
    sni_step *step = &o->plan->steps[number];
    o->count = 0;
    for (int b = 0; b < step->loop.buffer_count; ++b)
        if (!look_at(o, number, b)) return false;
    /* Outputs first: a step that reads and writes one memory is its writer. */
    for (int pass = 0; pass < 2; ++pass)
        for (int b = 0; b < step->loop.buffer_count; ++b)
            if (step->loop.buffers[b].is_output == (pass == 0) && !remember(o, number, b)) return false;
    step->waits = sni_arena_copy(o->plan->arena, o->found, o->count * sizeof *o->found);
    step->wait_count = (int)o->count;
    return step->waits != NULL;
}

sinter_status sni_plan_order(sinter_plan *plan) {
    orderer o = {.plan = plan, .sets = sni_calloc(plan->slot_count + 1, sizeof *o.sets)};
    bool ok = o.sets != NULL;
    for (size_t i = 0; ok && i < plan->slot_count; ++i) o.sets[i].writer = -1;
    for (size_t n = 0; ok && n < plan->step_count; ++n) ok = order_step(&o, (int)n);
    for (size_t i = 0; o.sets && i < plan->slot_count; ++i) sni_free(o.sets[i].readers);
    sni_free(o.sets);
    sni_free(o.found);
    return ok ? SINTER_OK : sni_out_of_memory("a plan");
}

/* ---- running one ---- */

/* Where a loop buffer of a step lies in a run. */
typedef struct place {
    sni_mem *mem;
    size_t offset_bytes, size_bytes, element_bytes;
    int alias_set;
} place;

static sinter_status find_place(const sinter_plan *plan, const sni_context *c, const sni_step *step, int buffer,
                                place *out) {
    int slot = step->slots[buffer];
    uint64_t bytes;
    SNI_TRY(sni_slot_bytes(plan, &c->dims, &plan->slots[slot], &bytes));
    out->mem = step->constants[buffer] ? step->constants[buffer] : c->mems[slot];
    out->offset_bytes = (size_t)c->offsets[slot];
    out->size_bytes = (size_t)bytes;
    out->element_bytes = sinter_dtype_size(step->loop.buffers[buffer].dtype);
    out->alias_set = plan->slots[slot].alias_set;
    return SINTER_OK;
}

static sinter_status enqueue_copy(const sinter_plan *plan, const sni_context *c, const sni_step *step) {
    sni_bindings b = sni_dims_bindings(&c->dims);
    place from, to;
    int64_t first;
    SNI_TRY(find_place(plan, c, step, step->from, &from));
    SNI_TRY(find_place(plan, c, step, step->to, &to));
    SNI_TRY(sni_sym_eval(step->loop.sym, step->from_element, &b, &first));
    if (from.alias_set == to.alias_set && first == 0) return SINTER_OK; /* it is there */
    return sni_mem_copy(c->queue, from.mem, from.offset_bytes + (size_t)first * from.element_bytes, to.mem,
                        to.offset_bytes, to.size_bytes);
}

static sinter_status enqueue_fill(const sinter_plan *plan, const sni_context *c, const sni_step *step) {
    place to;
    SNI_TRY(find_place(plan, c, step, step->to, &to));
    return sni_mem_fill_range(c->queue, to.mem, to.offset_bytes, to.size_bytes, step->pattern, to.element_bytes);
}

static sinter_status enqueue_call(const sinter_plan *plan, const sni_context *c, const sni_step *step) {
    sni_bindings b = sni_dims_bindings(&c->dims);
    const sni_kspec *spec = &step->spec;
    sni_library_arg args[SNI_MAX_KARGS];
    int count = 0;
    for (int a = 0; a < spec->arg_count; ++a) {
        const sni_karg *arg = &spec->args[a];
        if (arg->kind == SNI_KARG_OFFSET) continue; /* it is told with the buffer */
        sni_library_arg *out = &args[count++];
        *out = (sni_library_arg){0};
        if (arg->kind == SNI_KARG_INDEX) {
            SNI_TRY(sni_sym_eval(step->loop.sym, arg->expr, &b, &out->number));
            continue;
        }
        place p;
        SNI_TRY(find_place(plan, c, step, arg->buffer, &p));
        out->mem = p.mem;
        out->offset_elements = p.offset_bytes / p.element_bytes;
    }
    /* Libraries know the device's own queue only. */
    if (c->queue) SNI_TRY(sni_queue_join(c->queue, NULL));
    SNI_TRY(spec->library->enqueue(spec->library, plan->runtime->device, args, count));
    return c->queue ? sni_queue_join(NULL, c->queue) : SINTER_OK;
}

static sinter_status enqueue_launch(sinter_plan *plan, sni_context *c, size_t number, bool profile, void **out_event) {
    const sni_kspec *spec;
    sni_launch *launch;
    SNI_TRY(sni_context_kernel(plan, c, number, &spec, &launch));
    const size_t *local = spec->local[0] ? spec->local : NULL;
    if (!profile) return sni_launch_enqueue_on(launch, c->queue, spec->dims, c->global[number], local, NULL);
    return sni_launch_enqueue(launch, spec->dims, c->global[number], local, true, out_event);
}

sinter_status sni_step_enqueue(sinter_plan *plan, sni_context *c, size_t number, bool profile, void **out_event) {
    const sni_step *step = &plan->steps[number];
    if (out_event) *out_event = NULL;
    switch (step->kind) {
    case SNI_STEP_LAUNCH:
        return enqueue_launch(plan, c, number, profile, out_event);
    case SNI_STEP_COPY:
        return enqueue_copy(plan, c, step);
    case SNI_STEP_FILL:
        return enqueue_fill(plan, c, step);
    case SNI_STEP_CALL:
        return enqueue_call(plan, c, step);
    }
    return SINTER_INTERNAL;
}
