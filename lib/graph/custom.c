/* sinter_custom: nodes of the user's own functions. */
#include "op/custom.h"
#include "graph/graph.h"

/* A function of the graph that is the same in all but its address. */
static sni_custom *find(const sinter_graph *graph, const sni_custom *custom) {
    for (size_t i = 0; i < graph->custom_count; ++i) {
        sni_custom *known = graph->customs[i];
        if (known->hash == custom->hash && known->op.cost == custom->op.cost &&
            known->given.reference == custom->given.reference && known->given.context == custom->given.context)
            return known;
    }
    return NULL;
}

bool sni_graph_keep_custom(sinter_graph *graph, sni_custom *custom) {
    if (!SNI_RESERVE(graph->customs, graph->custom_capacity, graph->custom_count + 1)) return false;
    graph->customs[graph->custom_count++] = sni_custom_retain(custom);
    return true;
}

/* The graph's row for the function; NULL after a failure that the graph knows. */
static const sni_op *row_of(sinter_graph *graph, const sinter_custom_function *function) {
    sni_custom *custom;
    sinter_status status = sni_custom_create(function, &custom);
    if (status != SINTER_OK) {
        sni_graph_fail(graph, status, "custom: %s", sinter_last_error());
        return NULL;
    }
    sni_custom *known = find(graph, custom);
    if (!known && sni_graph_keep_custom(graph, custom))
        known = custom;
    else if (!known)
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    sni_custom_release(custom);
    return known ? &known->op : NULL;
}

sinter_value sinter_custom_call(sinter_graph *graph, const sinter_custom_function *function, const sinter_value *inputs,
                                size_t count) {
    uint32_t ids[SINTER_MAX_CUSTOM_INPUTS] = {0}, out = 0;
    if (!graph || graph->status != SINTER_OK) return SINTER_NO_VALUE;
    if (!function || !function->source || (count > 0 && !inputs)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "custom: %s", function ? "missing arguments" : "no function");
        return SINTER_NO_VALUE;
    }
    const sni_op *op = row_of(graph, function);
    if (!op) return SINTER_NO_VALUE;
    if (count != (size_t)op->max_inputs) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "%s: the function has %d parameters, %zu inputs are given",
                       op->name, op->max_inputs, count);
        return SINTER_NO_VALUE;
    }
    for (size_t i = 0; i < count; ++i) {
        if (!sni_graph_check_handle(graph, op->name, inputs[i])) return SINTER_NO_VALUE;
        ids[i] = inputs[i].id;
    }
    if (!sni_graph_add(graph, op, (int)count, ids, NULL, 1, &out)) out = 0;
    return sni_graph_handle(graph, out);
}

sinter_value sinter_custom(sinter_graph *graph, const char *source, const sinter_value *inputs, size_t count) {
    sinter_custom_function function = {.source = source};
    return sinter_custom_call(graph, &function, inputs, count);
}
