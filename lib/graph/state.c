/* States: values whose memory outlives a run. In the graph a state is an input, its value before the run, and, when it
 * is written, an output of the same name, its value afterwards. */
#include <string.h>

#include "graph/graph.h"

int sni_graph_find_state(const sinter_graph *graph, const char *name) {
    for (size_t i = 0; i < graph->input_count; ++i)
        if (graph->inputs[i].state && strcmp(graph->inputs[i].name, name) == 0) return (int)i;
    return -1;
}

sinter_value sinter_state(sinter_graph *graph, const char *name, sinter_dtype dtype, sinter_shape shape) {
    sinter_value value = sinter_input(graph, name, dtype, shape);
    if (value.id != 0) graph->inputs[graph->input_count - 1].state = true;
    return value;
}

sinter_value sinter_state_initial(sinter_graph *graph, const char *name, sinter_dtype dtype, sinter_shape shape,
                                  const void *data, size_t size_bytes) {
    sinter_value value = sinter_constant(graph, dtype, shape, data, size_bytes);
    return value.id && sni_graph_make_state(graph, value.id, name) ? value : SINTER_NO_VALUE;
}

static const sni_port *state_at(const sinter_graph *graph, size_t index) {
    for (size_t i = 0; graph && i < graph->input_count; ++i)
        if (graph->inputs[i].state && index-- == 0) return &graph->inputs[i];
    return NULL;
}

size_t sinter_graph_state_count(const sinter_graph *graph) {
    size_t count = 0;
    for (size_t i = 0; graph && i < graph->input_count; ++i) count += graph->inputs[i].state;
    return count;
}

const char *sinter_graph_state_name(const sinter_graph *graph, size_t index) {
    const sni_port *port = state_at(graph, index);
    return port ? port->name : NULL;
}

sinter_value sinter_graph_state_value(const sinter_graph *graph, size_t index) {
    const sni_port *port = state_at(graph, index);
    return port ? sni_graph_handle(graph, port->value) : SINTER_NO_VALUE;
}

/* Elements of a shape of numbers; false when it is symbolic, or too large. */
static bool count_elements(sinter_shape shape, int64_t *out) {
    *out = 1;
    for (int d = 0; d < shape.rank && d < SINTER_MAX_RANK; ++d)
        if (sinter_dim_name(shape.dims[d]) || shape.dims[d] < 0 || !sni_mul_i64(*out, shape.dims[d], out)) return false;
    return shape.rank >= 0 && shape.rank <= SINTER_MAX_RANK;
}

sinter_value sinter_state_parts(sinter_graph *graph, const char *name, sinter_dtype dtype, const sinter_shape *shapes,
                                size_t count, sinter_value *out_parts) {
    int64_t all = 0, size = 0, at = 0;
    for (size_t i = 0; out_parts && i < count; ++i) out_parts[i] = SINTER_NO_VALUE;
    if (!graph || graph->status != SINTER_OK) return SINTER_NO_VALUE;
    bool ok = count == 0 || (shapes && out_parts);
    for (size_t i = 0; i < count && ok; ++i) ok = count_elements(shapes[i], &size) && sni_add_i64(all, size, &all);
    if (!ok) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "state '%s': its parts need shapes of numbers",
                       name ? name : "");
        return SINTER_NO_VALUE;
    }
    sinter_value state = sinter_state(graph, name, dtype, SINTER_SHAPE(all));
    for (size_t i = 0; i < count; ++i, at += size) {
        (void)count_elements(shapes[i], &size);
        sinter_value part = sinter_slice(graph, state, SINTER_SHAPE(at), SINTER_SHAPE(1), SINTER_SHAPE(size));
        out_parts[i] = sinter_reshape(graph, part, shapes[i]);
    }
    return state;
}

/* The output of the state whose newest value this is, NULL when it was not written yet. Sets *out_input, -1: it is no
 * state's newest value. */
static sni_port *newest(sinter_graph *graph, sinter_value state, int *out_input) {
    *out_input = -1;
    for (size_t o = 0; o < graph->output_count; ++o) {
        if (!graph->outputs[o].state || graph->outputs[o].value != state.id) continue;
        *out_input = sni_graph_find_state(graph, graph->outputs[o].name);
        return &graph->outputs[o];
    }
    for (size_t i = 0; i < graph->input_count; ++i)
        if (graph->inputs[i].state && graph->inputs[i].value == state.id) *out_input = (int)i;
    for (size_t o = 0; o < graph->output_count && *out_input >= 0; ++o)
        if (graph->outputs[o].state && strcmp(graph->outputs[o].name, graph->inputs[*out_input].name) == 0)
            *out_input = -1; /* it was written: there is a newer value */
    return NULL;
}

/* One start for each dimension as a vector; the ones not given are 0. */
static sinter_value join_starts(sinter_graph *graph, int rank, const sinter_value *starts, size_t count) {
    sinter_value parts[SINTER_MAX_RANK];
    if (rank == 0) return sinter_constant(graph, SINTER_I64, SINTER_SHAPE(0), "", 0);
    for (int d = 0; d < rank; ++d) {
        sinter_value start = (size_t)d < count ? starts[d] : SINTER_NO_VALUE;
        if (start.id == 0) start = sinter_scalar(graph, SINTER_I64, 0);
        parts[d] = sinter_reshape(graph, start, SINTER_SHAPE(1));
    }
    return sinter_concat(graph, parts, (size_t)rank, 0);
}

sinter_value sinter_state_write(sinter_graph *graph, sinter_value state, sinter_value value, const sinter_value *starts,
                                size_t start_count) {
    if (!graph || graph->status != SINTER_OK || state.id == 0 || value.id == 0) return SINTER_NO_VALUE;
    if (!sni_graph_check_handle(graph, "state_write", state) || !sni_graph_check_handle(graph, "state_write", value))
        return SINTER_NO_VALUE;
    int input, rank = sinter_value_rank(graph, state);
    sni_port *port = newest(graph, state, &input);
    if (input < 0) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "state_write: the value is not the newest one of a state");
        return SINTER_NO_VALUE;
    }
    if (start_count > (size_t)(rank < 0 ? 0 : rank) || (start_count && !starts)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "state_write: %zu starts for %d dimensions", start_count, rank);
        return SINTER_NO_VALUE;
    }
    sinter_value vector = join_starts(graph, rank, starts, start_count);
    uint32_t ins[3] = {state.id, value.id, vector.id};
    sinter_value after = sni_graph_handle(graph, sni_graph_add1(graph, "update", 3, ins, NULL));
    if (after.id == 0) return SINTER_NO_VALUE;
    if (port) {
        port->value = after.id;
    } else {
        sinter_output(graph, graph->inputs[input].name, after);
        if (graph->status == SINTER_OK) graph->outputs[graph->output_count - 1].state = true;
    }
    return after;
}
