/* Slots: where each value lives, from which step to which, and what may be the same memory. */
#include "base/alloc.h"
#include "plan/plan.h"

static sinter_status add_slot(sinter_plan *plan, const sni_slot *slot, int *out_index) {
    if (!SNI_RESERVE(plan->slots, plan->slot_capacity, plan->slot_count + 1)) return sni_out_of_memory("a plan");
    *out_index = (int)plan->slot_count;
    sni_slot *s = &plan->slots[plan->slot_count++];
    *s = *slot;
    s->shares = -1;
    s->alias_set = *out_index;
    s->bytes = sni_type_bytes(plan->graph->sym, &sni_graph_value(plan->graph, s->value)->type);
    if (!s->bytes) return sni_fail(SINTER_SHAPE, "a value's size does not fit into 64 bits");
    plan->slot_by_value[s->value] = *out_index;
    return SINTER_OK;
}

/* A state's value before the run. */
static sinter_status add_state(sinter_plan *plan, const sni_port *port) {
    sni_state *state = &plan->states[plan->state_count];
    sni_slot s = {.kind = SNI_SLOT_STATE, .index = (int)plan->state_count++, .value = port->value};
    state->name = port->name;
    state->initial = port->initial;
    return add_slot(plan, &s, &state->slot);
}

/* Inputs, outputs and states have slots from the start: they are bound whether a step uses them or not. No value is
 * both, and no value is two outputs (sni_fuse_prepare). What stores make of a state is found by slot_of. */
sinter_status sni_plan_add_ports(sinter_plan *plan) {
    const sinter_graph *g = plan->graph;
    int index;
    plan->states = sni_calloc(g->input_count + 1, sizeof *plan->states);
    if (!plan->states) return sni_out_of_memory("a plan");
    plan->slot_by_value = sni_malloc(g->value_count * sizeof *plan->slot_by_value);
    if (!plan->slot_by_value) return sni_out_of_memory("a plan");
    for (size_t v = 0; v < g->value_count; ++v) plan->slot_by_value[v] = -1;
    for (size_t i = 0; i < g->input_count; ++i) {
        if (g->inputs[i].state) {
            SNI_TRY(add_state(plan, &g->inputs[i]));
            continue;
        }
        sni_slot s = {.kind = SNI_SLOT_INPUT, .index = (int)i, .value = g->inputs[i].value};
        SNI_TRY(add_slot(plan, &s, &index));
    }
    for (size_t o = 0; o < g->output_count; ++o) {
        if (g->outputs[o].state) continue;
        sni_slot s = {.kind = SNI_SLOT_OUTPUT, .index = (int)o, .value = g->outputs[o].value};
        SNI_TRY(add_slot(plan, &s, &index));
    }
    return SINTER_OK;
}

/* A value that a store made is the memory of the state that the chain of stores began with. Sets *out_index to -1 when it
 * is none. */
static sinter_status add_stored(sinter_plan *plan, uint32_t value, int step, int *out_index) {
    const sinter_graph *g = plan->graph;
    uint32_t before = value;
    *out_index = -1;
    while (g->values[before].producer >= 0 && g->nodes[g->values[before].producer].op->kind == SNI_OP_STORE)
        before = g->nodes[g->values[before].producer].in[0];
    if (before == value) return SINTER_OK;
    int root = plan->slot_by_value[before];
    sni_slot s = {.kind = SNI_SLOT_STATE, .value = value, .index = plan->slots[root].index, .first = step};
    SNI_TRY(add_slot(plan, &s, out_index));
    plan->slots[*out_index].alias_set = root;
    return SINTER_OK;
}

static sinter_status slot_of(sinter_plan *plan, uint32_t value, int step, int *out_index) {
    int index = plan->slot_by_value[value];
    if (index < 0) SNI_TRY(add_stored(plan, value, step, &index));
    if (index < 0) {
        bool constant = sni_graph_value(plan->graph, value)->blob != NULL;
        sni_slot s = {.kind = constant ? SNI_SLOT_CONSTANT : SNI_SLOT_TEMP, .value = value, .index = -1, .first = step};
        SNI_TRY(add_slot(plan, &s, &index));
    }
    plan->slots[index].last = step;
    *out_index = index;
    return SINTER_OK;
}

sinter_status sni_plan_add_slots(sinter_plan *plan, sni_step *step, int number) {
    const sni_loop *loop = &step->loop;
    step->slots = sni_arena_alloc(plan->arena, sizeof *step->slots * (size_t)(loop->buffer_count + 1));
    if (!step->slots) return sni_out_of_memory("a plan");
    for (int b = 0; b < loop->buffer_count; ++b)
        SNI_TRY(slot_of(plan, loop->buffers[b].value, number, &step->slots[b]));
    return SINTER_OK;
}

/* ---- constants ---- */

static const sni_preparation *preparation_of(const sni_kspec *spec, int buffer) {
    for (int a = 0; a < spec->arg_count; ++a)
        if (spec->args[a].kind == SNI_KARG_BUFFER && spec->args[a].buffer == buffer) return spec->args[a].preparation;
    return NULL;
}

static sinter_status upload(sinter_plan *plan, const sni_step *step, const sni_kspec *spec, sni_mem **constants) {
    for (int b = 0; b < step->loop.buffer_count; ++b) {
        sni_slot *s = &plan->slots[step->slots[b]];
        sni_blob *blob = sni_graph_value(plan->graph, s->value)->blob;
        if (s->kind != SNI_SLOT_CONSTANT) continue;
        SNI_TRY(sni_runtime_constant(plan->runtime, sni_blob_hash(blob), sni_blob_data(blob), sni_blob_size(blob),
                                     preparation_of(spec, b), &constants[b]));
    }
    return SINTER_OK;
}

void sni_step_drop_constants(const sni_step *step, sni_mem **constants) {
    for (int b = 0; constants && b < step->loop.buffer_count; ++b) sni_mem_release(constants[b]);
    sni_free(constants);
}

sinter_status sni_step_upload(sinter_plan *plan, const sni_step *step, const sni_kspec *spec,
                              sni_mem ***out_constants) {
    sni_mem **constants = sni_calloc((size_t)step->loop.buffer_count + 1, sizeof *constants);
    *out_constants = NULL;
    if (!constants) return sni_out_of_memory("a plan");
    sinter_status status = upload(plan, step, spec, constants);
    if (status == SINTER_OK)
        *out_constants = constants;
    else
        sni_step_drop_constants(step, constants);
    return status;
}

/* ---- in place ---- */

/* Does a program read buffer b only at the point that it writes, through store t? */
static bool reads_in_place(const sni_loop *loop, int b, const sni_store *t) {
    if (loop->core >= 0 || loop->inner) return false;
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->kind == SNI_STMT_LOAD && s->buffer == b && (s->offset != t->offset || s->guard)) return false;
    }
    return true;
}

/* May the output written through store t at this step take over the memory of the operand in buffer b? */
static bool may_take_over(const sinter_plan *plan, const sni_step *step, int number, const sni_store *t, int b,
                          const bool *taken) {
    const sni_loop *loop = &step->loop;
    const sni_slot *in = &plan->slots[step->slots[b]], *out = &plan->slots[step->slots[t->buffer]];
    return !loop->buffers[b].is_output && in->kind == SNI_SLOT_TEMP && in->last == number && in->bytes == out->bytes &&
           loop->buffers[b].count == loop->buffers[t->buffer].count && !taken[step->slots[b]] &&
           reads_in_place(loop, b, t);
}

static void share_step(sinter_plan *plan, int number, bool *taken) {
    const sni_step *step = &plan->steps[number];
    for (int t = 0; t < step->loop.store_count; ++t) {
        const sni_store *store = &step->loop.stores[t];
        sni_slot *out = &plan->slots[step->slots[store->buffer]];
        if (out->kind != SNI_SLOT_TEMP || out->first != number) continue;
        for (int b = 0; b < step->loop.buffer_count && out->shares < 0; ++b) {
            if (!may_take_over(plan, step, number, store, b, taken)) continue;
            out->shares = step->slots[b];
            out->alias_set = plan->slots[out->shares].alias_set;
            taken[out->shares] = true;
        }
    }
}

/* A compiler must not be told that two parameters are different memory when one of them is written and they are not. */
static void mark_aliases(const sinter_plan *plan, sni_step *step) {
    sni_loop *loop = &step->loop;
    for (int a = 0; a < loop->buffer_count; ++a)
        for (int b = 0; b < loop->buffer_count; ++b)
            if (a != b && (loop->buffers[a].is_output || loop->buffers[b].is_output) &&
                plan->slots[step->slots[a]].alias_set == plan->slots[step->slots[b]].alias_set)
                loop->buffers[a].may_alias = loop->buffers[b].may_alias = true;
}

sinter_status sni_plan_share_slots(sinter_plan *plan) {
    bool *taken = sni_calloc(plan->slot_count + 1, sizeof *taken);
    if (!taken) return sni_out_of_memory("a plan");
    for (size_t n = 0; n < plan->step_count; ++n) share_step(plan, (int)n, taken);
    sni_free(taken);
    /* What is taken over lives as long as its last user. */
    for (size_t i = plan->slot_count; i-- > 0;) {
        const sni_slot *s = &plan->slots[i];
        if (s->shares >= 0 && plan->slots[s->shares].last < s->last) plan->slots[s->shares].last = s->last;
    }
    for (size_t n = 0; n < plan->step_count; ++n) mark_aliases(plan, &plan->steps[n]);
    return SINTER_OK;
}
