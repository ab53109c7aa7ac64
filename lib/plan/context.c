/* Run contexts: dimensions bound, values placed, kernels with their arguments set. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/plan.h"

/* The greatest element count, launch size or number among the arguments of a step: beyond 31 bits it needs 64-bit indices.
 * The numbers may be large where no count is: a dimension beside one of 0, a start that lies far in a larger value. */
sinter_status sni_step_needs_wide(const sni_step *step, const sni_dims *dims, bool *out) {
    sni_bindings b = sni_dims_bindings(dims);
    const sni_loop *loop = &step->loop;
    int64_t n;
    *out = false;
    for (int i = 0; i < loop->buffer_count; ++i) {
        SNI_TRY(sni_sym_eval(loop->sym, loop->buffers[i].count, &b, &n));
        *out |= n > INT32_MAX / 2;
    }
    int64_t points = 1;
    for (int a = 0; a < loop->axis_count; ++a) {
        SNI_TRY(sni_sym_eval(loop->sym, loop->extents[a], &b, &n));
        if (!(loop->inner >> a & 1u) && !sni_mul_i64(points, n, &points))
            return sni_fail(SINTER_SHAPE, "a kernel would have more than 2^63 iterations");
    }
    *out |= points > INT32_MAX / 2;
    for (int a = 0; a < step->spec.arg_count; ++a) {
        if (step->spec.args[a].kind != SNI_KARG_INDEX) continue;
        SNI_TRY(sni_sym_eval(loop->sym, step->spec.args[a].expr, &b, &n));
        *out |= n > INT32_MAX || n < INT32_MIN;
    }
    return SINTER_OK;
}

static sinter_status set_number(sni_launch *launch, int index, int64_t value, bool wide) {
    if (wide) return sni_launch_set_scalar(launch, index, &value, sizeof value);
    if (value > INT32_MAX || value < INT32_MIN)
        return sni_fail(SINTER_INTERNAL,
                        "a size or offset of this run is %lld, beyond a kernel with 32-bit indices (2147483647)",
                        (long long)value);
    int32_t narrow = (int32_t)value;
    return sni_launch_set_scalar(launch, index, &narrow, sizeof narrow);
}

/* Of a step in a context: the kernel that runs, and what describes it. */
typedef struct chosen {
    const sni_kspec *spec;
    const sni_sym *sym;
    sni_program *program;
    sni_launch **launch;
    sni_mem *const *constants;
    bool wide;
} chosen;

static sinter_status choose(sinter_plan *plan, sni_context *c, size_t n, chosen *out) {
    sni_step *step = &plan->steps[n];
    const sni_wide *wide = NULL;
    *out = (chosen){&step->spec, step->loop.sym, step->program, &c->launches[n], step->constants, c->wide[n]};
    if (!c->wide[n]) return SINTER_OK;
    SNI_TRY(sni_step_widen(plan, step, &wide));
    *out = (chosen){wide->spec, wide->sym, wide->program, &c->launches[plan->step_count + n], wide->constants, true};
    return SINTER_OK;
}

/* Every argument that depends on nothing but dimensions, and the constants. */
static sinter_status set_numbers(const sni_context *c, const sni_step *step, const chosen *k) {
    sni_bindings b = sni_dims_bindings(&c->dims);
    for (int a = 0; a < k->spec->arg_count; ++a) {
        const sni_karg *arg = &k->spec->args[a];
        if (arg->kind == SNI_KARG_LOCAL) {
            SNI_TRY(sni_launch_set_local(*k->launch, a, arg->local_bytes));
        } else if (arg->kind == SNI_KARG_OFFSET) {
            const sni_loop_buffer *buffer = &step->loop.buffers[arg->buffer];
            uint64_t elements = c->offsets[step->slots[arg->buffer]] / sinter_dtype_size(buffer->dtype);
            SNI_TRY(sni_launch_set_scalar(*k->launch, a, &elements, sizeof elements));
        } else if (arg->kind == SNI_KARG_INDEX) {
            int64_t value;
            SNI_TRY(sni_sym_eval(k->sym, arg->expr, &b, &value));
            SNI_TRY(set_number(*k->launch, a, value, k->wide));
        } else {
            sni_mem *constant = k->constants[arg->buffer];
            if (constant) SNI_TRY(sni_launch_set_mem(*k->launch, a, constant));
        }
    }
    return SINTER_OK;
}

sinter_status sni_context_kernel(sinter_plan *plan, sni_context *c, size_t n, const sni_kspec **out_spec,
                                 sni_launch **out_launch) {
    chosen k;
    SNI_TRY(choose(plan, c, n, &k));
    *out_spec = k.spec;
    *out_launch = *k.launch;
    return SINTER_OK;
}

static sinter_status prepare_step(sinter_plan *plan, sni_context *c, size_t n) {
    sni_step *step = &plan->steps[n];
    if (step->kind != SNI_STEP_LAUNCH) return SINTER_OK;
    sni_bindings b = sni_dims_bindings(&c->dims);
    chosen k;
    SNI_TRY(sni_step_needs_wide(step, &c->dims, &c->wide[n]));
    SNI_TRY(choose(plan, c, n, &k));
    for (int d = 0; d < k.spec->dims; ++d) {
        int64_t global;
        SNI_TRY(sni_sym_eval(k.sym, k.spec->global[d], &b, &global));
        if (global < 0) return sni_fail(SINTER_INTERNAL, "a launch of %lld work-items", (long long)global);
        c->global[n][d] = (size_t)global;
    }
    if (!*k.launch) SNI_TRY(sni_launch_create(k.program, k.launch));
    return set_numbers(c, step, &k);
}

/* The arguments that name memory. Those of temporaries are as they were when the arena is the last run's. */
static sinter_status set_memory(sinter_plan *plan, sni_context *c, bool temps) {
    for (size_t n = 0; n < plan->step_count; ++n) {
        if (plan->steps[n].kind != SNI_STEP_LAUNCH) continue;
        chosen k;
        SNI_TRY(choose(plan, c, n, &k));
        for (int a = 0; a < k.spec->arg_count; ++a) {
            if (k.spec->args[a].kind != SNI_KARG_BUFFER) continue;
            int slot = plan->steps[n].slots[k.spec->args[a].buffer];
            bool temp = plan->slots[slot].kind == SNI_SLOT_TEMP;
            if (c->mems[slot] && temp == temps) SNI_TRY(sni_launch_set_mem(*k.launch, a, c->mems[slot]));
        }
    }
    return SINTER_OK;
}

sinter_status sni_context_set_ports(sinter_plan *plan, sni_context *c) {
    return set_memory(plan, c, false);
}

static uint64_t arena_serial(const sinter_plan *plan, const sni_context *c) {
    uint64_t serial = 0;
    for (size_t i = 0; i < plan->slot_count; ++i) {
        if (plan->slots[i].kind != SNI_SLOT_TEMP) continue;
        uint64_t own = sni_mem_serial(c->mems[i]);
        if (serial && serial != own) return 0; /* a buffer for each value */
        serial = own;
    }
    return serial;
}

/* What sinter_plan_stats says of a run. */
static void count_bytes(const sinter_plan *plan, sni_context *c) {
    sni_bindings b = sni_dims_bindings(&c->dims);
    int64_t bytes;
    c->bytes_moved = c->bytes_moved_unfused = 0;
    for (size_t n = 0; n < plan->step_count; ++n)
        if (sni_sym_eval(plan->steps[n].loop.sym, plan->steps[n].bytes, &b, &bytes) == SINTER_OK)
            c->bytes_moved += (uint64_t)bytes;
    if (sni_sym_eval(plan->graph->sym, plan->bytes_unfused, &b, &bytes) == SINTER_OK)
        c->bytes_moved_unfused = (uint64_t)bytes;
}

/* Everything but memory, which makes the context fit the next run of its dimensions. */
static sinter_status prepare(sinter_plan *plan, sni_context *c) {
    if (c->placed) return SINTER_OK;
    c->arena_serial = 0; /* offsets may be others, and kernels new */
    SNI_TRY(sni_context_place(plan, c));
    for (size_t n = 0; n < plan->step_count; ++n) SNI_TRY(prepare_step(plan, c, n));
    count_bytes(plan, c);
    c->placed = true;
    return SINTER_OK;
}

static sinter_status ready(sinter_plan *plan, sni_context *c) {
    bool before = c->placed;
    SNI_TRY(prepare(plan, c));
    c->placed = false; /* until all of it has gone well */
    SNI_TRY(sni_context_take_memory(plan, c));
    uint64_t serial = arena_serial(plan, c);
    if (!before || !serial || serial != c->arena_serial) SNI_TRY(set_memory(plan, c, true));
    c->arena_serial = serial;
    c->placed = true;
    return SINTER_OK;
}

sni_context *sni_context_create(const sinter_plan *plan) {
    sni_context *c = sni_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->bytes = sni_calloc(plan->slot_count + 1, sizeof *c->bytes);
    c->offsets = sni_calloc(plan->slot_count + 1, sizeof *c->offsets);
    c->mems = sni_calloc(plan->slot_count + 1, sizeof *c->mems);
    c->targets = sni_calloc(plan->slot_count + 1, sizeof *c->targets);
    c->launches = sni_calloc(2 * plan->step_count + 1, sizeof *c->launches);
    c->wide = sni_calloc(plan->step_count + 1, sizeof *c->wide);
    c->global = sni_calloc(plan->step_count + 1, sizeof *c->global);
    if (c->bytes && c->offsets && c->mems && c->targets && c->launches && c->wide && c->global) return c;
    sni_context_release((sinter_plan *)plan, c);
    return NULL;
}

static bool same_dims(const sni_dims *a, const sni_dims *b) {
    return a->count == b->count && memcmp(a->dims, b->dims, a->count * sizeof *a->dims) == 0 &&
           memcmp(a->values, b->values, a->count * sizeof *a->values) == 0;
}

#define MAX_IDLE_CONTEXTS 8

/* One that was placed for the same dimensions; else, when enough are kept, the one not used for longest. */
static sni_context *take_idle(sinter_plan *plan, const sni_dims *dims) {
    sni_context **last = NULL, *found = NULL;
    size_t count = 0;
    for (sni_context **link = &plan->idle; *link && !found; link = &(*link)->next, ++count) {
        last = link;
        if ((*link)->placed && same_dims(&(*link)->dims, dims)) found = *link;
    }
    if (!found && count >= MAX_IDLE_CONTEXTS / 2) found = *last;
    if (found) *last = found->next;
    return found;
}

/* An idle context of these dimensions, else one that has them and is not placed. NULL: out of memory. */
static sni_context *take(sinter_plan *plan, const sni_dims *dims) {
    sni_mutex_lock(&plan->mutex);
    sni_context *c = take_idle(plan, dims);
    sni_mutex_unlock(&plan->mutex);
    if (!c) c = sni_context_create(plan);
    if (!c) return NULL;
    c->next = NULL;
    if (!same_dims(&c->dims, dims)) {
        c->placed = false;
        c->dims.count = dims->count;
        memcpy(c->dims.dims, dims->dims, dims->count * sizeof *dims->dims);
        memcpy(c->dims.values, dims->values, dims->count * sizeof *dims->values);
    }
    return c;
}

static sinter_status take_and(sinter_status (*make)(sinter_plan *, sni_context *), sinter_plan *plan,
                              const sni_dims *dims, sni_context **out_context) {
    *out_context = NULL;
    sni_context *c = take(plan, dims);
    if (!c) return sni_out_of_memory("a run");
    sinter_status status = make(plan, c);
    if (status == SINTER_OK)
        *out_context = c;
    else
        sni_context_release(plan, c);
    return status;
}

sinter_status sni_context_acquire(sinter_plan *plan, const sni_dims *dims, sni_context **out_context) {
    return take_and(ready, plan, dims, out_context);
}

sinter_status sni_context_prepare(sinter_plan *plan, const sni_dims *dims, sni_context **out_context) {
    return take_and(prepare, plan, dims, out_context);
}

static void give_memory_back(const sinter_plan *plan, sni_context *c) {
    for (size_t i = 0; c->mems && i < plan->slot_count; ++i) {
        sni_mem_release(c->mems[i]);
        c->mems[i] = NULL;
        if (c->targets) sni_mem_release(c->targets[i]);
        if (c->targets) c->targets[i] = NULL;
    }
}

void sni_context_give_back(sinter_plan *plan, sni_context *c) {
    give_memory_back(plan, c);
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
    give_memory_back(plan, c);
    for (size_t n = 0; c->launches && n < 2 * plan->step_count; ++n) sni_launch_release(c->launches[n]);
    sni_free(c->bytes);
    sni_free(c->offsets);
    sni_free(c->mems);
    sni_free(c->targets);
    sni_free(c->launches);
    sni_free(c->wide);
    sni_free(c->global);
    sni_free(c);
}
