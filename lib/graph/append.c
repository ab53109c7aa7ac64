/* One graph described again inside another. Nodes are added one by one, as their builders added them, so that types are
 * inferred from what is bound to the inputs; expressions move to the other context with dimensions replaced. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

typedef struct appending {
    sinter_graph *graph;
    const sinter_graph *other;
    sni_sym_renaming renamed;
    uint32_t *map;   /* by value of other: the value of graph */
    uint32_t *first; /* by node of other: how many nodes graph had before it */
    uint32_t *ins;   /* of the node at hand */
    sni_expr *exprs; /* of the attribute at hand */
    size_t expr_capacity;
} appending;

static void *fail_memory(appending *a) {
    sni_graph_fail(a->graph, SINTER_OUT_OF_MEMORY, "append: out of host memory");
    return NULL;
}

static bool is_ok(const appending *a) {
    return a->graph->status == SINTER_OK;
}

static sni_expr translate(appending *a, sni_expr e) {
    sni_expr to = sni_sym_import_with(a->graph->sym, a->other->sym, e, &a->renamed);
    if (to == SNI_NO_EXPR) sni_graph_fail(a->graph, SINTER_SHAPE, "append: a size overflows, or memory is out");
    return to;
}

static sni_type translate_type(appending *a, const sni_type *type) {
    sni_type to = *type;
    to.elements = NULL;
    to.element_count = 0;
    for (int d = 0; d < type->rank && is_ok(a); ++d) to.dims[d] = translate(a, type->dims[d]);
    return to;
}

/* ---- Dimensions ------------------------------------------------------------------------------- */

static void rename_dim(appending *a, int64_t dim, sni_expr to) {
    a->renamed.dims[a->renamed.count] = dim;
    a->renamed.exprs[a->renamed.count++] = to;
}

static bool is_renamed(const appending *a, int64_t dim) {
    for (size_t i = 0; i < a->renamed.count; ++i)
        if (a->renamed.dims[i] == dim) return true;
    return false;
}

static void fail_fit(appending *a, sinter_status status, const sni_port *port, const sni_type *given) {
    sni_str text = SNI_STR_INIT;
    sni_type_print(a->other->sym, &a->other->values[port->value].type, &text);
    sni_str_append(&text, ", the value that is given is ");
    sni_type_print(a->graph->sym, given, &text);
    sni_graph_fail(a->graph, status, "append: input '%s' is %s", port->name, sni_str_text(&text));
    sni_str_deinit(&text);
}

/* A plain name that no other input has settled takes what is given. The rest is compared once all of them are (check_fit). */
static void settle_dims(appending *a, const sni_port *port, uint32_t value) {
    const sni_type *type = &a->other->values[port->value].type, *given = &a->graph->values[value].type;
    if (type->dtype != given->dtype) {
        fail_fit(a, SINTER_DTYPE, port, given);
    } else if (type->rank != given->rank) {
        fail_fit(a, SINTER_SHAPE, port, given);
    } else {
        for (int d = 0; d < type->rank; ++d)
            if (sni_sym_kind_of(a->other->sym, type->dims[d]) == SNI_SYM_DIM &&
                !is_renamed(a, sni_sym_id(a->other->sym, type->dims[d])))
                rename_dim(a, sni_sym_id(a->other->sym, type->dims[d]), given->dims[d]);
    }
}

/* Sizes that differ are refused, those that may be equal are compared when the plan's sizes are bound: checks belong to a node,
 * which here is the first that is appended. */
static void check_fit(appending *a, const sni_port *port, uint32_t value) {
    const sni_type given = a->graph->values[value].type;
    sni_type wanted = translate_type(a, &a->other->values[port->value].type);
    for (int d = 0; d < wanted.rank && is_ok(a); ++d) {
        sni_expr equal = sni_sym_eq(a->graph->sym, wanted.dims[d], given.dims[d]);
        if (sni_sym_is(a->graph->sym, equal, 1)) continue;
        sni_check check = {.condition = equal, .node = (uint32_t)a->graph->node_count};
        if (sni_sym_is(a->graph->sym, equal, 0) || a->other->node_count == 0)
            fail_fit(a, SINTER_SHAPE, port, &given);
        else if (equal == SNI_NO_EXPR || !sni_graph_add_check(a->graph, &check))
            fail_memory(a);
    }
}

/* Names that other gave to long sizes are its own: each stands for a size of graph, which may get such a name there. */
static void rename_definitions(appending *a) {
    for (size_t i = 0; i < sni_sym_defined_count(a->other->sym) && is_ok(a); ++i) {
        int64_t dim;
        sni_expr meaning = translate(a, sni_sym_defined(a->other->sym, i, &dim));
        if (is_ok(a)) rename_dim(a, dim, sni_sym_define(a->graph->sym, meaning));
    }
}

/* ---- Ports ------------------------------------------------------------------------------------ */

static const sni_port *find_input(const sinter_graph *graph, const char *name) {
    for (size_t i = 0; name && i < graph->input_count; ++i)
        if (strcmp(graph->inputs[i].name, name) == 0) return &graph->inputs[i];
    return NULL;
}

/* The input of other that names[i] is, NULL after a failure. */
static const sni_port *bound_input(appending *a, const char *name, sinter_value value) {
    const sni_port *port = find_input(a->other, name);
    const char *wrong = NULL;
    if (!port)
        wrong = "is no input of the graph that is appended";
    else if (port->state)
        wrong = "is a state of the graph that is appended, and states come along with their names";
    else if (a->map[port->value])
        wrong = "is given twice";
    if (wrong) sni_graph_fail(a->graph, SINTER_INVALID_ARGUMENT, "append: '%s' %s", name ? name : "NULL", wrong);
    if (!is_ok(a) || !sni_graph_check_handle(a->graph, "append", value)) return NULL;
    if (sni_graph_value(a->graph, value.id)) return port;
    sni_graph_fail(a->graph, SINTER_INVALID_ARGUMENT, "append: the value for input '%s' is no value", name);
    return NULL;
}

static void bind_inputs(appending *a, const char *const *names, const sinter_value *values, size_t count) {
    for (size_t i = 0; i < count && is_ok(a); ++i) {
        const sni_port *port = bound_input(a, names[i], values[i]);
        if (!port) return;
        a->map[port->value] = values[i].id;
        settle_dims(a, port, values[i].id);
    }
    if (is_ok(a)) rename_definitions(a);
    for (size_t i = 0; i < count && is_ok(a); ++i) check_fit(a, find_input(a->other, names[i]), values[i].id);
}

static void add_inputs(appending *a) {
    for (size_t i = 0; i < a->other->input_count && is_ok(a); ++i) {
        const sni_port *port = &a->other->inputs[i];
        if (a->map[port->value]) continue;
        if (sni_graph_has_name(&a->graph->input_names, a->graph->inputs, port->name)) {
            sni_graph_fail(a->graph, SINTER_INVALID_ARGUMENT,
                           "append: both graphs have %s '%s'; give a value for it, or name it otherwise",
                           port->state ? "a state or an input" : "an input", port->name);
            return;
        }
        sni_type type = translate_type(a, &a->other->values[port->value].type);
        a->map[port->value] = sni_graph_add_input(a->graph, port->name, &type);
        if (!is_ok(a)) return;
        sni_port *added = &a->graph->inputs[a->graph->input_count - 1];
        added->state = port->state;
        added->initial = sni_blob_retain(port->initial);
    }
}

/* ---- Nodes ------------------------------------------------------------------------------------ */

static uint32_t value_of(appending *a, uint32_t id) {
    const sni_value *value = &a->other->values[id];
    if (id != 0 && a->map[id] == 0 && value->blob) {
        sni_type type = translate_type(a, &value->type);
        if (is_ok(a)) a->map[id] = sni_graph_add_constant(a->graph, &type, sni_blob_retain(value->blob));
    }
    return a->map[id];
}

static bool translate_attrs(appending *a, const sni_node *node, sni_attr *out) {
    memcpy(out, node->attrs, sizeof node->attrs);
    for (int k = 0; k < SNI_MAX_ATTRS && node->op->attrs[k].name; ++k) {
        if (out[k].kind != SNI_ATTR_EXPRS) continue;
        size_t count = (size_t)out[k].count;
        if (!SNI_RESERVE(a->exprs, a->expr_capacity, count + 1)) return fail_memory(a) != NULL;
        for (size_t i = 0; i < count; ++i) a->exprs[i] = translate(a, node->attrs[k].exprs[i]);
        out[k] = sni_attr_exprs(a->graph, (int)count, a->exprs);
    }
    return is_ok(a);
}

static void add_nodes(appending *a) {
    for (size_t n = 0; n < a->other->node_count && is_ok(a); ++n) {
        const sni_node *node = &a->other->nodes[n];
        sni_attr attrs[SNI_MAX_ATTRS];
        uint32_t outs[SNI_MAX_OUTPUTS] = {0};
        a->first[n] = (uint32_t)a->graph->node_count;
        for (int i = 0; i < node->in_count; ++i) a->ins[i] = value_of(a, node->in[i]);
        if (!is_ok(a) || !translate_attrs(a, node, attrs)) return;
        sni_graph_set_name(a->graph, node->name);
        sni_graph_add(a->graph, node->op, node->in_count, a->ins, attrs, node->out_count, outs);
        for (int o = 0; o < node->out_count; ++o) a->map[node->out[o]] = outs[o];
    }
    sni_graph_set_name(a->graph, NULL);
}

/* What an importer noted beside the rules of its nodes. */
static void add_checks(appending *a) {
    for (size_t c = 0; c < a->other->check_count && is_ok(a); ++c) {
        sni_check check = a->other->checks[c];
        check.node = a->first[check.node];
        check.condition = translate(a, check.condition);
        if (!is_ok(a) || sni_sym_is(a->graph->sym, check.condition, 1)) continue;
        if (sni_sym_is(a->graph->sym, check.condition, 0))
            sni_graph_fail(
                a->graph, SINTER_SHAPE, "append: the sizes that are given are none that %s '%s' can have",
                a->other->nodes[a->other->checks[c].node].op->name,
                a->other->nodes[a->other->checks[c].node].name ? a->other->nodes[a->other->checks[c].node].name : "");
        else if (!sni_graph_add_check(a->graph, &check))
            fail_memory(a);
    }
}

/* States are written under their names; plain outputs are given to the caller. */
static void add_outputs(appending *a, sinter_value *out_outputs) {
    size_t plain = 0;
    for (size_t o = 0; o < a->other->output_count && is_ok(a); ++o) {
        const sni_port *port = &a->other->outputs[o];
        uint32_t id = value_of(a, port->value);
        if (!port->state) {
            out_outputs[plain++] = sni_graph_handle(a->graph, id);
            continue;
        }
        sinter_output(a->graph, port->name, sni_graph_handle(a->graph, id));
        if (is_ok(a)) a->graph->outputs[a->graph->output_count - 1].state = true;
    }
}

/* ---- The call --------------------------------------------------------------------------------- */

static bool start(appending *a, size_t count) {
    size_t most = 1, dims = sni_sym_defined_count(a->other->sym) + count * SINTER_MAX_RANK + 1;
    for (size_t n = 0; n < a->other->node_count; ++n)
        if ((size_t)a->other->nodes[n].in_count > most) most = (size_t)a->other->nodes[n].in_count;
    a->map = sni_calloc(a->other->value_count, sizeof *a->map);
    a->first = sni_calloc(a->other->node_count + 1, sizeof *a->first);
    a->ins = sni_calloc(most, sizeof *a->ins);
    a->renamed.dims = sni_calloc(dims, sizeof *a->renamed.dims);
    a->renamed.exprs = sni_calloc(dims, sizeof *a->renamed.exprs);
    if (!a->map || !a->first || !a->ins || !a->renamed.dims || !a->renamed.exprs) return fail_memory(a) != NULL;
    for (size_t i = 0; i < a->other->custom_count; ++i)
        if (!sni_graph_keep_custom(a->graph, a->other->customs[i])) return fail_memory(a) != NULL;
    return true;
}

static void finish(appending *a) {
    sni_free(a->map);
    sni_free(a->first);
    sni_free(a->ins);
    sni_free(a->exprs);
    sni_free(a->renamed.dims);
    sni_free(a->renamed.exprs);
}

/* What can be said of the arguments alone; NULL: nothing is wrong. */
static const char *wrong_arguments(const sinter_graph *graph, const sinter_graph *other, const char *const *names,
                                   const sinter_value *values, size_t count, const sinter_value *out_outputs) {
    if (!other) return "the graph to append is NULL";
    if (other == graph) return "a graph is not appended to itself";
    if (count > 0 && (!names || !values)) return "names or values are NULL";
    return !out_outputs && sinter_graph_output_count(other) > 0 ? "out_outputs is NULL" : NULL;
}

/* out_outputs may be where values are, so it is written last. */
static sinter_status append(sinter_graph *graph, const sinter_graph *other, const char *const *names,
                            const sinter_value *values, size_t count, sinter_value *out_outputs) {
    if (graph->status != SINTER_OK) return sinter_graph_status(graph);
    const char *wrong = wrong_arguments(graph, other, names, values, count, out_outputs);
    if (wrong) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "append: %s", wrong);
        return sinter_graph_status(graph);
    }
    sinter_status status = sinter_graph_status(other);
    if (status != SINTER_OK) {
        sni_graph_fail(graph, status, "append: %s", sinter_last_error());
        return sinter_graph_status(graph);
    }
    appending a = {.graph = graph, .other = other};
    if (start(&a, count)) bind_inputs(&a, names, values, count);
    if (is_ok(&a)) add_inputs(&a);
    if (is_ok(&a)) add_nodes(&a);
    if (is_ok(&a)) add_checks(&a);
    if (is_ok(&a)) add_outputs(&a, out_outputs);
    finish(&a);
    return sinter_graph_status(graph);
}

sinter_status sinter_graph_append(sinter_graph *graph, const sinter_graph *other, const char *const *names,
                                  const sinter_value *values, size_t count, sinter_value *out_outputs) {
    if (!graph) return sni_fail(SINTER_INVALID_ARGUMENT, "graph is NULL");
    sinter_status status = append(graph, other, names, values, count, out_outputs);
    for (size_t o = 0; status != SINTER_OK && out_outputs && o < sinter_graph_output_count(other); ++o)
        out_outputs[o] = SINTER_NO_VALUE;
    return status;
}
