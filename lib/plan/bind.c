/* From a run's bindings to the values of its dimensions. */
#include <string.h>

#include "base/forked.h"
#include "graph/reference.h"
#include "plan/plan.h"

void *sni_binding_host(const sinter_binding *b) {
    return b && !b->buffer ? b->data : NULL;
}

size_t sni_binding_offset(const sinter_binding *b) {
    return b && b->buffer ? (size_t)(uintptr_t)b->data : 0;
}

static bool is_port(const sni_port *ports, size_t count, const char *name) {
    for (size_t i = 0; i < count; ++i)
        if (strcmp(ports[i].name, name) == 0) return true;
    return false;
}

static bool binds(const sinter_binding *b, const char *name) {
    return b->name && strcmp(b->name, name) == 0 && (b->data || b->buffer || b->dtype != SINTER_DTYPE_NONE);
}

const sinter_binding *sni_find_binding(const sinter_plan *plan, const sinter_binding *bindings, size_t count,
                                       sni_slot_kind kind, const char *name) {
    const sinter_graph *g = plan->graph;
    int skip = kind == SNI_SLOT_OUTPUT && is_port(g->inputs, g->input_count, name);
    for (size_t i = 0; i < count; ++i)
        if (binds(&bindings[i], name) && skip-- == 0) return &bindings[i];
    return NULL;
}

static sinter_status add_dim(const sinter_plan *plan, const sinter_binding *b, sni_dims *out) {
    int64_t dim = sinter_dim_named(b->name);
    if (b->shape.rank != 1 || !sni_sym_has_dim(plan->graph->sym, dim))
        return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' is no input, output, state or dimension of the plan", b->name);
    if (b->shape.dims[0] < 0)
        return sni_fail(SINTER_INVALID_ARGUMENT, "dimension '%s' cannot be %lld", b->name, (long long)b->shape.dims[0]);
    for (size_t i = 0; i < out->count; ++i)
        if (out->dims[i] == dim) return sni_fail(SINTER_INVALID_ARGUMENT, "dimension '%s' is bound twice", b->name);
    if (out->count == SNI_MAX_DIMS)
        return sni_fail(SINTER_INVALID_ARGUMENT, "more than %d dimension bindings", SNI_MAX_DIMS);
    out->dims[out->count] = dim;
    out->values[out->count++] = b->shape.dims[0];
    return SINTER_OK;
}

/* No host memory lies below this address on the systems that the library runs on: it is an offset, and its buffer is missing. */
enum { NO_ADDRESS = 4096 };

/* A name of an input and an output may be bound once for each. */
static sinter_status check_port(const sinter_plan *plan, const sinter_binding *bindings, size_t i) {
    const sinter_graph *g = plan->graph;
    const sinter_binding *b = &bindings[i];
    size_t offset = (size_t)(uintptr_t)b->data;
    if (b->buffer && offset > b->buffer->size_bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "'%s' is bound to a buffer of %zu bytes and to byte %zu of it, or to host memory: give one",
                        b->name, b->buffer->size_bytes, offset);
    if (!b->buffer && offset && offset < NO_ADDRESS)
        return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' has an offset of %zu bytes, and no buffer", b->name, offset);
    int allowed = is_port(g->inputs, g->input_count, b->name) + is_port(g->outputs, g->output_count, b->name);
    for (size_t k = 0; k < i; ++k) allowed -= binds(&bindings[k], b->name);
    return allowed > 0 ? SINTER_OK : sni_fail(SINTER_INVALID_ARGUMENT, "'%s' is bound twice", b->name);
}

/* What every binding is: of an input, output or state, else of a dimension. A dimension may have the name of an input;
 * a binding that gives nothing but one number is then the dimension's. */
static sinter_status read_dims(const sinter_plan *plan, const sinter_binding *bindings, size_t count, sni_dims *out) {
    const sinter_graph *g = plan->graph;
    out->count = 0;
    for (size_t i = 0; i < count; ++i) {
        const sinter_binding *b = &bindings[i];
        if (!b->name) return sni_fail(SINTER_INVALID_ARGUMENT, "binding %zu has no name", i);
        bool port = is_port(g->inputs, g->input_count, b->name) || is_port(g->outputs, g->output_count, b->name);
        if (port && binds(b, b->name))
            SNI_TRY(check_port(plan, bindings, i));
        else if (b->data || b->buffer)
            return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' is no input, output or state of the plan", b->name);
        else if (!port || (b->shape.rank == 1 && sni_sym_has_dim(g->sym, sinter_dim_named(b->name))))
            SNI_TRY(add_dim(plan, b, out));
    }
    return SINTER_OK;
}

static sinter_status read_shape(const sinter_plan *plan, const sinter_binding *b, size_t input, int64_t *dims,
                                int *rank) {
    const sni_port *port = &plan->graph->inputs[input];
    const sni_type *type = &sni_graph_value(plan->graph, port->value)->type;
    *rank = -1;
    if (port->state) return SINTER_OK; /* its shape follows from the others */
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

sinter_status sni_plan_bind(sinter_plan *plan, const sinter_binding *bindings, size_t count, sni_dims *out_dims) {
    const sinter_graph *g = plan->graph;
    size_t inputs = g->input_count;
    sni_dims given;
    if (count && !bindings) return sni_fail(SINTER_INVALID_ARGUMENT, "bindings is NULL");
    SNI_TRY_PROCESS(); /* for every function with bindings */
    SNI_TRY(read_dims(plan, bindings, count, &given));
    int64_t(*shapes)[SINTER_MAX_RANK] = sni_calloc(inputs + 1, sizeof *shapes);
    int *ranks = sni_calloc(inputs + 1, sizeof *ranks);
    sinter_status status = shapes && ranks ? SINTER_OK : sni_out_of_memory("input shapes");
    for (size_t i = 0; i < inputs && status == SINTER_OK; ++i) {
        const sinter_binding *b = sni_find_binding(plan, bindings, count, SNI_SLOT_INPUT, g->inputs[i].name);
        status = read_shape(plan, b, i, shapes[i], &ranks[i]);
    }
    sni_bindings extra = sni_dims_bindings(&given);
    if (status == SINTER_OK)
        status = sni_bind_shapes(g, (const int64_t(*)[SINTER_MAX_RANK])shapes, ranks, &extra, out_dims->dims,
                                 out_dims->values, SNI_MAX_DIMS, &out_dims->count);
    sni_free(shapes);
    sni_free(ranks);
    return status;
}

sinter_status sni_plan_shape(const sinter_plan *plan, const sni_dims *dims, uint32_t value, sinter_shape *out_shape) {
    const sni_type *type = &sni_graph_value(plan->graph, value)->type;
    sni_bindings b = sni_dims_bindings(dims);
    out_shape->rank = type->rank;
    for (int d = 0; d < type->rank; ++d) {
        SNI_TRY(sni_sym_eval(plan->graph->sym, type->dims[d], &b, &out_shape->dims[d]));
        if (out_shape->dims[d] < 0)
            return sni_fail(SINTER_SHAPE, "a dimension would be %lld", (long long)out_shape->dims[d]);
    }
    return SINTER_OK;
}

sinter_status sni_slot_bytes(const sinter_plan *plan, const sni_dims *dims, const sni_slot *slot, uint64_t *out_bytes) {
    sni_bindings b = sni_dims_bindings(dims);
    int64_t bytes;
    *out_bytes = 0;
    SNI_TRY(sni_sym_eval(plan->graph->sym, slot->bytes, &b, &bytes));
    if (bytes < 0) return sni_fail(SINTER_SHAPE, "a value would have %lld bytes", (long long)bytes);
    *out_bytes = (uint64_t)bytes;
    return SINTER_OK;
}
