/* The graph's life, its first error, its values and attributes. Adding nodes is in add.c. */
#include "graph/graph.h"

#include <string.h>

#include "base/hash.h"
#include "op/custom.h"

sinter_status sni_graph_create_like(const sinter_graph *like, sinter_graph **out_graph) {
    *out_graph = NULL;
    static uint32_t last; /* atomic */
    sinter_graph *graph = sni_calloc(1, sizeof *graph);
    if (!graph) return sni_out_of_memory("a graph");
    do graph->number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    while (graph->number == 0);
    graph->arena = sni_arena_create();
    graph->sym = like ? sni_sym_clone(like->sym) : sni_sym_create();
    if (!graph->arena || !graph->sym || !SNI_RESERVE(graph->values, graph->value_capacity, 16)) {
        sinter_graph_release(graph);
        return sni_out_of_memory("a graph");
    }
    memset(&graph->values[0], 0, sizeof graph->values[0]);
    graph->value_count = 1;
    for (size_t i = 0; like && i < like->custom_count; i++) {
        if (sni_graph_keep_custom(graph, like->customs[i])) continue;
        sinter_graph_release(graph);
        return sni_out_of_memory("a graph");
    }
    graph->pending_origin = like ? SNI_NO_ORIGIN : 0;
    *out_graph = graph;
    return SINTER_OK;
}

sinter_status sinter_graph_create(sinter_graph **out_graph) {
    if (!out_graph) return sni_fail(SINTER_INVALID_ARGUMENT, "out_graph is NULL");
    return sni_graph_create_like(NULL, out_graph);
}

bool sni_graph_check_handle(sinter_graph *graph, const char *op, sinter_value value) {
    if (value.graph == 0 || value.graph == graph->number) return true;
    sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "%s: a value that is given belongs to another graph", op);
    return false;
}

void sinter_graph_release(sinter_graph *graph) {
    if (!graph) return;
    for (size_t v = 1; v < graph->value_count; v++) sni_blob_release(graph->values[v].blob);
    for (size_t i = 0; i < graph->custom_count; i++) sni_custom_release(graph->customs[i]);
    sni_free(graph->customs);
    sni_free(graph->values);
    sni_free(graph->nodes);
    for (size_t i = 0; i < graph->input_count; i++) sni_blob_release(graph->inputs[i].initial);
    sni_free(graph->inputs);
    sni_free(graph->outputs);
    sni_free(graph->checks);
    sni_index_deinit(&graph->input_names);
    sni_index_deinit(&graph->output_names);
    sni_index_deinit(&graph->check_conditions);
    sni_free(graph->error);
    sni_sym_release(graph->sym);
    sni_arena_release(graph->arena);
    sni_free(graph);
}

sinter_status sinter_graph_status(const sinter_graph *graph) {
    if (!graph) return sni_fail(SINTER_INVALID_ARGUMENT, "graph is NULL");
    if (graph->status == SINTER_OK) return SINTER_OK;
    return sni_fail(graph->status, "%s", graph->error ? graph->error : sinter_status_string(graph->status));
}

void sni_graph_fail(sinter_graph *graph, sinter_status status, const char *format, ...) {
    if (!graph || graph->status != SINTER_OK) return;
    graph->status = status;
    sni_str text = SNI_STR_INIT;
    va_list args;
    va_start(args, format);
    sni_str_vprintf(&text, format, args);
    va_end(args);
    graph->error = sni_str_take(&text); /* NULL when memory is out: the status speaks for itself */
}

void sni_graph_set_name(sinter_graph *graph, const char *name) {
    if (!graph) return;
    graph->pending_name = NULL;
    if (!name || !*name) return;
    graph->pending_name = sni_arena_strdup(graph->arena, name);
    if (!graph->pending_name) sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
}

const sni_value *sni_graph_value(const sinter_graph *graph, uint32_t id) {
    return graph && id > 0 && id < graph->value_count ? &graph->values[id] : NULL;
}

/* ---- names and checks ---- */

bool sni_graph_has_name(const sni_index *names, const sni_port *ports, const char *name) {
    uint64_t hash = sni_hash64_of(name, strlen(name), 0);
    size_t at = 0;
    for (int64_t i = sni_index_next(names, hash, &at); i >= 0; i = sni_index_next(names, hash, &at))
        if (strcmp(ports[i].name, name) == 0) return true;
    return false;
}

bool sni_graph_add_name(sni_index *names, const char *name, size_t number) {
    return sni_index_add(names, sni_hash64_of(name, strlen(name), 0), number);
}

bool sni_graph_add_check(sinter_graph *graph, const sni_check *check) {
    uint64_t hash = sni_hash64_of(&check->condition, sizeof check->condition, 0);
    size_t at = 0;
    const sni_index *known = &graph->check_conditions;
    for (int64_t i = sni_index_next(known, hash, &at); i >= 0; i = sni_index_next(known, hash, &at))
        if (graph->checks[i].condition == check->condition) return true;
    if (!SNI_RESERVE(graph->checks, graph->check_capacity, graph->check_count + 1)) return false;
    if (!sni_index_add(&graph->check_conditions, hash, graph->check_count)) return false;
    graph->checks[graph->check_count++] = *check;
    return true;
}

/* ---- attributes ---- */

sni_attr sni_attr_int(int64_t value) {
    return (sni_attr){.kind = SNI_ATTR_INT, .i = value};
}

sni_attr sni_attr_float(double value) {
    return (sni_attr){.kind = SNI_ATTR_FLOAT, .f = value};
}

static sni_attr attr_out_of_memory(sinter_graph *graph) {
    sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    return (sni_attr){.kind = SNI_ATTR_EXPRS};
}

sni_attr sni_attr_exprs(sinter_graph *graph, int count, const sni_expr *exprs) {
    if (!graph || count <= 0) return (sni_attr){.kind = SNI_ATTR_EXPRS};
    sni_expr *copy = sni_arena_copy(graph->arena, exprs, (size_t)count * sizeof *exprs);
    if (!copy) return attr_out_of_memory(graph);
    return (sni_attr){.kind = SNI_ATTR_EXPRS, .count = count, .exprs = copy};
}

sni_attr sni_attr_ints(sinter_graph *graph, int count, const int64_t *values) {
    if (!graph || count <= 0) return (sni_attr){.kind = SNI_ATTR_EXPRS};
    sni_expr *exprs = sni_arena_alloc(graph->arena, (size_t)count * sizeof *exprs);
    if (!exprs) return attr_out_of_memory(graph);
    for (int i = 0; i < count; i++) exprs[i] = sni_sym_const(graph->sym, values[i]);
    return (sni_attr){.kind = SNI_ATTR_EXPRS, .count = count, .exprs = exprs};
}

/* ---- what the public interface shows ---- */

sinter_dtype sinter_value_dtype(const sinter_graph *graph, sinter_value value) {
    const sni_value *v = sni_graph_value(graph, value.id);
    return v ? v->type.dtype : SINTER_DTYPE_NONE;
}

int sinter_value_rank(const sinter_graph *graph, sinter_value value) {
    const sni_value *v = sni_graph_value(graph, value.id);
    return v ? v->type.rank : -1;
}

size_t sinter_value_dim_string(const sinter_graph *graph, sinter_value value, int axis, char *buffer,
                               size_t size_bytes) {
    const sni_value *v = sni_graph_value(graph, value.id);
    sni_str text = SNI_STR_INIT;
    if (v && axis >= 0 && axis < v->type.rank) sni_sym_print(graph->sym, v->type.dims[axis], &text);
    size_t length = strlen(sni_str_text(&text));
    if (buffer && size_bytes > 0) {
        size_t copied = length < size_bytes ? length : size_bytes - 1;
        memcpy(buffer, sni_str_text(&text), copied);
        buffer[copied] = 0;
    }
    sni_str_deinit(&text);
    return length;
}

size_t sinter_graph_operator_count(const sinter_graph *graph) {
    return graph ? graph->node_count : 0;
}

/* States are no inputs or outputs to whoever binds a graph's. */
static const sni_port *plain_port(const sni_port *ports, size_t count, size_t index) {
    for (size_t i = 0; i < count; i++) {
        if (!ports[i].state && index-- == 0) return &ports[i];
    }
    return NULL;
}

static size_t count_plain(const sni_port *ports, size_t count) {
    size_t plain = 0;
    for (size_t i = 0; i < count; i++) plain += !ports[i].state;
    return plain;
}

static const sni_port *input_at(const sinter_graph *graph, size_t index) {
    return graph ? plain_port(graph->inputs, graph->input_count, index) : NULL;
}

static const sni_port *output_at(const sinter_graph *graph, size_t index) {
    return graph ? plain_port(graph->outputs, graph->output_count, index) : NULL;
}

size_t sinter_graph_input_count(const sinter_graph *graph) {
    return graph ? count_plain(graph->inputs, graph->input_count) : 0;
}

const char *sinter_graph_input_name(const sinter_graph *graph, size_t index) {
    const sni_port *port = input_at(graph, index);
    return port ? port->name : NULL;
}

sinter_value sinter_graph_input_value(const sinter_graph *graph, size_t index) {
    const sni_port *port = input_at(graph, index);
    return port ? sni_graph_handle(graph, port->value) : SINTER_NO_VALUE;
}

size_t sinter_graph_output_count(const sinter_graph *graph) {
    return graph ? count_plain(graph->outputs, graph->output_count) : 0;
}

const char *sinter_graph_output_name(const sinter_graph *graph, size_t index) {
    const sni_port *port = output_at(graph, index);
    return port ? port->name : NULL;
}

const char *sinter_graph_output_extent(const sinter_graph *graph, size_t index, int *out_axis) {
    const sni_port *port = output_at(graph, index);
    if (!port || !port->extent) return NULL;
    if (out_axis) *out_axis = port->axis;
    return port->extent;
}

sinter_value sinter_graph_output_value(const sinter_graph *graph, size_t index) {
    const sni_port *port = output_at(graph, index);
    return port ? sni_graph_handle(graph, port->value) : SINTER_NO_VALUE;
}
