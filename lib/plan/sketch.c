#include "plan/sketch.h"

#include <string.h>

/* Where a value comes from. inputs[value]: number of the graph input + 1, or 0. */
static int source_of(const sinter_graph *graph, const uint32_t *inputs, uint32_t value) {
    const sni_value *v = sni_graph_value(graph, value);
    if (!v) return SNI_SKETCH_NONE;
    if (v->producer >= 0) return v->producer;
    return inputs[value] ? SNI_SKETCH_INPUT - (int)(inputs[value] - 1) : SNI_SKETCH_CONSTANT;
}

static sni_type type_of(const sinter_graph *graph, uint32_t value) {
    const sni_value *v = sni_graph_value(graph, value);
    sni_type type = {0};
    if (v) type = v->type;
    type.elements = NULL;
    return type;
}

static bool copy_name(sni_arena *arena, const char *name, const char **out) {
    *out = name ? sni_arena_strdup(arena, name) : NULL;
    return !name || *out;
}

static bool sketch_node(const sinter_graph *graph, const uint32_t *inputs, const sni_node *node, sni_arena *arena,
                        sni_sketch_node *out) {
    int *in = sni_arena_alloc(arena, sizeof *in * (size_t)(node->in_count + 1));
    *out = (sni_sketch_node){.op = node->op, .origin = node->origin, .in_count = node->in_count, .in = in};
    out->type = type_of(graph, node->out_count > 0 ? node->out[0] : 0);
    for (int i = 0; in && i < node->in_count; ++i) in[i] = source_of(graph, inputs, node->in[i]);
    return in && copy_name(arena, node->name, &out->name);
}

static bool sketch_ports(const sinter_graph *graph, const uint32_t *inputs, const sni_port *ports, size_t count,
                         sni_arena *arena, sni_sketch_port **out) {
    sni_sketch_port *list = *out = sni_arena_alloc(arena, sizeof *list * (count + 1));
    for (size_t i = 0; list && i < count; ++i) {
        list[i].type = type_of(graph, ports[i].value);
        list[i].from = source_of(graph, inputs, ports[i].value);
        if (!copy_name(arena, ports[i].name, &list[i].name)) return false;
    }
    return list != NULL;
}

sinter_status sni_sketch_of(const sinter_graph *graph, sni_arena *arena, sni_sketch *out) {
    *out = (sni_sketch){graph->node_count, graph->input_count, graph->output_count, NULL, NULL, NULL};
    uint32_t *inputs = sni_calloc(graph->value_count + 1, sizeof *inputs);
    if (!inputs) return sni_out_of_memory("a sketch");
    for (size_t i = 0; i < graph->input_count; ++i) inputs[graph->inputs[i].value] = (uint32_t)i + 1;
    out->nodes = sni_arena_alloc(arena, sizeof *out->nodes * (graph->node_count + 1));
    bool whole = out->nodes && sketch_ports(graph, inputs, graph->inputs, graph->input_count, arena, &out->inputs) &&
                 sketch_ports(graph, inputs, graph->outputs, graph->output_count, arena, &out->outputs);
    for (size_t n = 0; n < graph->node_count && whole; ++n)
        whole = sketch_node(graph, inputs, &graph->nodes[n], arena, &out->nodes[n]);
    sni_free(inputs);
    return whole ? SINTER_OK : sni_out_of_memory("a sketch");
}
