/* Graphs as text. */
#include "base/dump.h"
#include "graph/graph.h"

enum { MOST_PRINTED = 16 };

static void print_list(const sinter_graph *graph, const sni_expr *exprs, int64_t count, sni_str *out) {
    sni_str_append(out, "[");
    for (int64_t i = 0; i < count && i < MOST_PRINTED; i++) {
        if (i > 0) sni_str_append(out, ", ");
        sni_sym_print(graph->sym, exprs[i], out);
    }
    if (count > MOST_PRINTED) sni_str_printf(out, ", ... %lld in all", (long long)count);
    sni_str_append(out, "]");
}

static void print_attr(const sinter_graph *graph, const sni_attr_spec *spec, const sni_attr *attr, sni_str *out) {
    sni_str_printf(out, "%s=", spec->name);
    if (attr->kind == SNI_ATTR_INT) {
        sni_str_printf(out, "%lld", (long long)attr->i);
    } else if (attr->kind == SNI_ATTR_FLOAT) {
        sni_str_printf(out, "%g", attr->f);
    } else {
        print_list(graph, attr->exprs, attr->count, out);
    }
}

static void print_type(const sinter_graph *graph, const sni_type *type, sni_str *out) {
    sni_str_append(out, " : ");
    sni_type_print(graph->sym, type, out);
    if (!type->elements) return;
    sni_str_append(out, " = ");
    print_list(graph, type->elements, type->element_count, out);
}

void sni_graph_print_node(const sinter_graph *graph, const sni_node *node, sni_str *out) {
    for (int o = 0; o < node->out_count; o++) {
        sni_str_printf(out, "%s%%%u", o > 0 ? ", " : "", (unsigned)node->out[o]);
    }
    sni_str_printf(out, " = %s(", node->op->name);
    bool first = true;
    for (int i = 0; i < node->in_count; i++, first = false) {
        if (!first) sni_str_append(out, ", ");
        if (node->in[i] == 0) {
            sni_str_append(out, "none");
        } else {
            sni_str_printf(out, "%%%u", (unsigned)node->in[i]);
        }
    }
    for (int a = 0; a < SNI_MAX_ATTRS && node->op->attrs[a].name; a++, first = false) {
        if (!first) sni_str_append(out, ", ");
        print_attr(graph, &node->op->attrs[a], &node->attrs[a], out);
    }
    sni_str_append(out, ")");
    for (int o = 0; o < node->out_count; o++) {
        print_type(graph, &graph->values[node->out[o]].type, out);
    }
    if (node->name) sni_str_printf(out, "  # %s", node->name);
}

static sni_str print_graph(const sinter_graph *graph) {
    sni_str out = SNI_STR_INIT;
    sni_str_append(&out, "");
    if (graph && graph->status != SINTER_OK) {
        sni_str_printf(&out, "error: %s\n", graph->error ? graph->error : sinter_status_string(graph->status));
    }
    for (size_t v = 1; graph && v < graph->value_count; v++) {
        const sni_value *value = &graph->values[v];
        if (value->producer >= 0) continue;
        sni_str_printf(&out, "%%%zu = %s", v, value->blob ? "constant" : "input");
        if (value->name) sni_str_printf(&out, " \"%s\"", value->name);
        print_type(graph, &value->type, &out);
        sni_str_append(&out, "\n");
    }
    for (size_t n = 0; graph && n < graph->node_count; n++) {
        sni_graph_print_node(graph, &graph->nodes[n], &out);
        sni_str_append(&out, "\n");
    }
    for (size_t o = 0; graph && o < graph->output_count; o++) {
        sni_str_printf(&out, "output \"%s\" = %%%u\n", graph->outputs[o].name, (unsigned)graph->outputs[o].value);
    }
    return out;
}

char *sinter_graph_to_string(const sinter_graph *graph) {
    sni_str out = print_graph(graph);
    return sni_str_take(&out);
}

void sni_graph_dump(const sinter_graph *graph, const char *stage) {
    if (!sni_dump_wanted()) return;
    sni_str out = print_graph(graph);
    sni_dump_write(stage, "txt", &out);
}
