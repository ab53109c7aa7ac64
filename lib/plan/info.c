/* What a plan is made of, as functions. */
#include <sinter/plan_info.h>

#include <string.h>

#include "base/alloc.h"
#include "plan/plan.h"

/* ---- ports ---- */

static const sni_port *find_port(const sinter_plan *plan, sinter_port_kind kind, size_t index) {
    if (!plan || kind < SINTER_PORT_INPUT || kind > SINTER_PORT_STATE) return NULL;
    const sinter_graph *g = plan->graph;
    const sni_port *ports = kind == SINTER_PORT_OUTPUT ? g->outputs : g->inputs;
    size_t count = kind == SINTER_PORT_OUTPUT ? g->output_count : g->input_count;
    for (size_t i = 0; i < count; ++i)
        if (ports[i].state == (kind == SINTER_PORT_STATE) && index-- == 0) return &ports[i];
    return NULL;
}

static const sni_type *find_type(const sinter_plan *plan, sinter_port_kind kind, size_t index) {
    const sni_port *port = find_port(plan, kind, index);
    return port ? &sni_graph_value(plan->graph, port->value)->type : NULL;
}

size_t sinter_plan_port_count(const sinter_plan *plan, sinter_port_kind kind) {
    size_t count = 0;
    while (find_port(plan, kind, count)) ++count;
    return count;
}

const char *sinter_plan_port_name(const sinter_plan *plan, sinter_port_kind kind, size_t index) {
    const sni_port *port = find_port(plan, kind, index);
    return port ? port->name : NULL;
}

sinter_dtype sinter_plan_port_dtype(const sinter_plan *plan, sinter_port_kind kind, size_t index) {
    const sni_type *type = find_type(plan, kind, index);
    return type ? type->dtype : SINTER_DTYPE_NONE;
}

int sinter_plan_port_rank(const sinter_plan *plan, sinter_port_kind kind, size_t index) {
    const sni_type *type = find_type(plan, kind, index);
    return type ? type->rank : -1;
}

size_t sinter_plan_port_dim_string(const sinter_plan *plan, sinter_port_kind kind, size_t index, int axis, char *buffer,
                                   size_t size_bytes) {
    const sni_port *port = find_port(plan, kind, index);
    sinter_value value = port ? (sinter_value){port->value} : SINTER_NO_VALUE;
    return sinter_value_dim_string(plan ? plan->graph : NULL, value, axis, buffer, size_bytes);
}

/* ---- dimensions ---- */

typedef struct dim_list {
    const sni_sym *sym;
    size_t count;
    int64_t dims[SNI_MAX_DIMS];
} dim_list;

/* What the library calls a long expression is no name of a program's: its parts are. */
static sni_expr defined_as(const sni_sym *sym, int64_t dim) {
    int64_t own;
    for (size_t i = 0; i < sni_sym_defined_count(sym); ++i) {
        sni_expr e = sni_sym_defined(sym, i, &own);
        if (own == dim) return e;
    }
    return SNI_NO_EXPR;
}

static void add_dim(void *context, int64_t dim) {
    dim_list *list = context;
    for (size_t i = 0; i < list->count; ++i)
        if (list->dims[i] == dim) return;
    sni_expr e = defined_as(list->sym, dim);
    if (e != SNI_NO_EXPR)
        sni_sym_visit_dims(list->sym, e, add_dim, list);
    else if (list->count < SNI_MAX_DIMS)
        list->dims[list->count++] = dim;
}

static void list_dims(const sinter_plan *plan, dim_list *out) {
    out->count = 0;
    if (!plan) return;
    out->sym = plan->graph->sym;
    for (int kind = SINTER_PORT_INPUT; kind <= SINTER_PORT_STATE; ++kind) {
        const sni_type *type;
        for (size_t i = 0; (type = find_type(plan, (sinter_port_kind)kind, i)) != NULL; ++i)
            for (int d = 0; d < type->rank; ++d) sni_sym_visit_dims(out->sym, type->dims[d], add_dim, out);
    }
}

size_t sinter_plan_dimension_count(const sinter_plan *plan) {
    dim_list list;
    list_dims(plan, &list);
    return list.count;
}

const char *sinter_plan_dimension_name(const sinter_plan *plan, size_t index) {
    dim_list list;
    list_dims(plan, &list);
    return index < list.count ? sinter_dim_name(list.dims[index]) : NULL;
}

/* ---- steps and memory ---- */

static const sni_step *find_step(const sinter_plan *plan, size_t index) {
    return plan && index < plan->step_count ? &plan->steps[index] : NULL;
}

static const char *text_of(const sni_step *step, const char *text) {
    return !step ? NULL : text ? text : "";
}

const char *sinter_plan_step_kind(const sinter_plan *plan, size_t index) {
    const sni_step *step = find_step(plan, index);
    return step ? sni_step_kind_name(step->kind) : NULL;
}

const char *sinter_plan_step_strategy(const sinter_plan *plan, size_t index) {
    const sni_step *step = find_step(plan, index);
    return text_of(step, step ? step->spec.strategy : NULL);
}

const char *sinter_plan_step_kernel(const sinter_plan *plan, size_t index) {
    const sni_step *step = find_step(plan, index);
    return text_of(step, step && step->kind == SNI_STEP_LAUNCH ? step->spec.entry : NULL);
}

const char *sinter_plan_step_source(const sinter_plan *plan, size_t index) {
    const sni_step *step = find_step(plan, index);
    return text_of(step, step && step->kind == SNI_STEP_LAUNCH ? step->spec.source : NULL);
}

sinter_status sinter_plan_arena_bytes(sinter_plan *plan, const sinter_binding *bindings, size_t count,
                                      uint64_t *out_bytes) {
    if (out_bytes) *out_bytes = 0;
    if (!plan || !out_bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_arena_bytes: %s is NULL", plan ? "out_bytes" : "plan");
    sni_plan_enter(plan);
    sni_context *context = sni_context_create(plan);
    sinter_status status = context ? sni_plan_bind(plan, bindings, count, &context->dims) : sni_out_of_memory("a plan");
    if (status == SINTER_OK) status = sni_context_place(plan, context);
    if (status == SINTER_OK) *out_bytes = context->arena_bytes;
    sni_context_release(plan, context);
    sni_plan_leave(plan);
    return status;
}
