/* Adding nodes, inputs and constants: checks, shape rule, known elements. */
#include <math.h>
#include <string.h>

#include "graph/graph.h"

/* What one call of sni_graph_add works on. The arrays of types live for the call only. */
typedef struct addition {
    sinter_graph *graph;
    const sni_op *op;
    int in_count;
    const uint32_t *ins;
    int out_count;
    sni_attr attrs[SNI_MAX_ATTRS];
    sni_type *in_types;
    sni_type out_types[SNI_MAX_OUTPUTS];
    sni_expr require;
} addition;

/* Records "operator 'node' (types): text" as the graph's first error; always returns false. */
static bool fail_node(const addition *add, sinter_status status, const char *text) {
    sinter_graph *graph = add->graph;
    if (graph->status != SINTER_OK) return false;
    sni_str types = SNI_STR_INIT;
    for (int i = 0; i < add->in_count; i++) {
        const sni_value *value = sni_graph_value(graph, add->ins[i]);
        if (i > 0) sni_str_append(&types, ", ");
        if (value) {
            sni_type_print(graph->sym, &value->type, &types);
        } else {
            sni_str_append(&types, "none");
        }
    }
    const char *name = graph->pending_name;
    sni_graph_fail(graph, status, "%s%s%s%s (%s): %s", add->op->name, name ? " '" : "", name ? name : "",
                   name ? "'" : "", sni_str_text(&types), text);
    sni_str_deinit(&types);
    return false;
}

static bool fail_memory(sinter_graph *graph) {
    sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
    return false;
}

/* ---- checks ---- */

static bool check_inputs(addition *add) {
    const sni_op *op = add->op;
    while (add->in_count > op->min_inputs && op->max_inputs >= 0 && add->ins[add->in_count - 1] == 0) {
        add->in_count--; /* optional inputs that are left out at the end */
    }
    if (add->in_count < op->min_inputs || (op->max_inputs >= 0 && add->in_count > op->max_inputs)) {
        return fail_node(add, SINTER_INVALID_ARGUMENT, "wrong number of inputs");
    }
    for (int i = 0; i < add->in_count; i++) {
        bool optional = op->max_inputs >= 0 && i >= op->min_inputs;
        if (add->ins[i] == 0 && optional) continue;
        if (!sni_graph_value(add->graph, add->ins[i])) {
            return fail_node(add, SINTER_INVALID_ARGUMENT, "an input is no value of this graph");
        }
    }
    return true;
}

static bool fail_attr(const addition *add, const char *name, int element, const char *text) {
    sni_str whole = SNI_STR_INIT;
    sni_str_append(&whole, name);
    if (element >= 0) sni_str_printf(&whole, "[%d]", element);
    sni_str_printf(&whole, " %s", text);
    fail_node(add, SINTER_INVALID_ARGUMENT, sni_str_text(&whole));
    sni_str_deinit(&whole);
    return false;
}

static bool check_attr_exprs(const addition *add, const char *name, const sni_attr *attr) {
    if (attr->count < 0 || (attr->count > 0 && !attr->exprs)) return fail_attr(add, name, -1, "has no elements");
    for (int i = 0; i < attr->count; i++) {
        if (attr->exprs[i] == SNI_NO_EXPR) {
            return fail_attr(add, name, i,
                             "is no dimension: its name is not 1 to 63 bytes long, or its value is beyond 63 bits");
        }
    }
    return true;
}

/* A copy of a list, as the row understands its entries. */
static sni_attr settled_exprs(const addition *add, int a) {
    sinter_graph *graph = add->graph;
    const sni_attr *written = &add->attrs[a];
    if (!add->op->entry || add->in_count < 1 || written->count == 0)
        return sni_attr_exprs(graph, written->count, written->exprs);
    sni_expr *exprs = sni_arena_alloc(graph->arena, (size_t)written->count * sizeof *exprs);
    if (!exprs) {
        fail_memory(graph);
        return *written;
    }
    for (int i = 0; i < written->count; i++)
        exprs[i] = add->op->entry(graph->sym, &add->in_types[0], a, i, written->exprs[i]);
    return (sni_attr){.kind = SNI_ATTR_EXPRS, .count = written->count, .exprs = exprs};
}

/* Presets for what is not given; lists are copied, so that callers may pass arrays of their own. */
static bool take_attrs(addition *add, const sni_attr *attrs) {
    const sni_op *op = add->op;
    for (int a = 0; a < SNI_MAX_ATTRS && op->attrs[a].name; a++) {
        sni_attr_kind kind = op->attrs[a].kind;
        add->attrs[a] = attrs ? attrs[a] : (sni_attr){.kind = SNI_ATTR_NONE};
        if (add->attrs[a].kind == SNI_ATTR_NONE) {
            double preset = op->attrs[a].preset;
            add->attrs[a] = (sni_attr){.kind = kind, .f = preset};
            if (kind == SNI_ATTR_INT) add->attrs[a].i = (int64_t)preset;
        }
        if (add->attrs[a].kind != kind) {
            return fail_attr(add, op->attrs[a].name, -1, "is of the wrong kind");
        }
        if (kind != SNI_ATTR_EXPRS) continue;
        if (!check_attr_exprs(add, op->attrs[a].name, &add->attrs[a])) return false;
        add->attrs[a] = settled_exprs(add, a);
        if (add->graph->status != SINTER_OK) return false;
    }
    return true;
}

/* Numbers: the bytes of the value must fit 63 bits, so that no later product of extents overflows. */
static bool check_size(const sni_sym *sym, const sni_type *type) {
    int64_t bytes = (int64_t)sinter_dtype_size(type->dtype), widest = bytes;
    for (int d = 0; d < type->rank; d++) {
        int64_t dim;
        if (!sni_sym_is_const(sym, type->dims[d], &dim)) continue;
        /* A dimension of 0 must not hide an overflow of the strides. */
        if (dim > 0 && !sni_mul_i64(widest, dim, &widest)) return false;
    }
    return true;
}

static const char *check_type(const sni_sym *sym, const sni_type *type) {
    if (sinter_dtype_size(type->dtype) == 0) return "not a dtype";
    if (type->rank < 0 || type->rank > SINTER_MAX_RANK) return "more than 8 dimensions";
    for (int d = 0; d < type->rank; d++) {
        int64_t dim;
        if (type->dims[d] == SNI_NO_EXPR) return "a dimension is invalid or overflows";
        if (sni_sym_is_const(sym, type->dims[d], &dim) && dim < 0) return "a dimension is negative";
    }
    return check_size(sym, type) ? NULL : "the size in bytes overflows";
}

/* ---- nodes ---- */

static bool infer(addition *add) {
    sinter_graph *graph = add->graph;
    sni_call call = {
        .sym = graph->sym,
        .op = add->op,
        .in_count = add->in_count,
        .in = add->in_types,
        .attrs = add->attrs,
        .out_count = add->out_count,
        .out = add->out_types,
    };
    sinter_status status = add->op->infer(&call);
    if (status != SINTER_OK) return fail_node(add, status, sinter_last_error());
    add->require = call.require;
    if (add->require == SNI_BAD_REQUIRE) {
        return fail_node(add, SINTER_SHAPE, "a condition on the shapes overflows");
    }
    for (int o = 0; o < add->out_count; o++) {
        const char *wrong = check_type(graph->sym, &add->out_types[o]);
        if (wrong) return fail_node(add, SINTER_SHAPE, wrong);
        add->out_types[o].elements = NULL;
        add->out_types[o].element_count = 0;
    }
    if (add->out_count != 1) return true;
    int64_t count = 0;
    const sni_expr *elements = sni_graph_find_elements(graph, &call, &count);
    add->out_types[0].elements = elements;
    add->out_types[0].element_count = elements ? count : 0;
    return graph->status == SINTER_OK;
}

static bool add_check(sinter_graph *graph, sni_expr condition) {
    if (sni_sym_is(graph->sym, condition, 1)) return true;
    sni_check check = {.condition = condition, .node = (uint32_t)graph->node_count};
    return sni_graph_add_check(graph, &check) || fail_memory(graph);
}

static bool add_checks(const addition *add) {
    sinter_graph *graph = add->graph;
    if (add->require != SNI_NO_EXPR) {
        if (sni_sym_is(graph->sym, add->require, 0)) {
            return fail_node(add, SINTER_SHAPE, "shapes do not fit");
        }
        if (!add_check(graph, add->require)) return false;
    }
    for (int o = 0; o < add->out_count; o++) {
        for (int d = 0; d < add->out_types[o].rank; d++) {
            sni_expr dim = add->out_types[o].dims[d];
            if (sni_sym_known_nonneg(graph->sym, dim)) continue;
            sni_expr nonneg = sni_sym_le(graph->sym, sni_sym_const(graph->sym, 0), dim);
            if (nonneg == SNI_NO_EXPR) return fail_memory(graph);
            if (!add_check(graph, nonneg)) return false;
        }
    }
    return true;
}

/* Long sizes get names of their own once what must hold of them has been noted, or they would grow from layer to layer. */
static bool name_sizes(addition *add) {
    sinter_graph *graph = add->graph;
    for (int o = 0; o < add->out_count; o++) {
        for (int d = 0; d < add->out_types[o].rank; d++) {
            sni_expr *dim = &add->out_types[o].dims[d];
            *dim = sni_sym_define(graph->sym, *dim);
            if (*dim == SNI_NO_EXPR) return fail_memory(graph);
        }
    }
    return true;
}

static uint32_t add_value(sinter_graph *graph, const sni_value *value) {
    if (graph->value_count >= UINT32_MAX ||
        !SNI_RESERVE(graph->values, graph->value_capacity, graph->value_count + 1)) {
        fail_memory(graph);
        return 0;
    }
    graph->values[graph->value_count] = *value;
    return (uint32_t)graph->value_count++;
}

static bool add_node(const addition *add, uint32_t *outs) {
    sinter_graph *graph = add->graph;
    uint32_t *ids = sni_arena_alloc(graph->arena, (size_t)add->out_count * sizeof *ids);
    uint32_t *ins = sni_arena_copy(graph->arena, add->ins, (size_t)add->in_count * sizeof *ins);
    if (!ids || !ins || !SNI_RESERVE(graph->nodes, graph->node_capacity, graph->node_count + 1)) {
        return fail_memory(graph);
    }
    for (int o = 0; o < add->out_count; o++) {
        sni_value value = {.type = add->out_types[o], .producer = (int)graph->node_count, .output = o};
        ids[o] = add_value(graph, &value);
        if (ids[o] == 0) return false;
    }
    sni_node *node = &graph->nodes[graph->node_count++];
    uint32_t origin = graph->pending_origin ? graph->pending_origin : (uint32_t)graph->node_count;
    *node = (sni_node){.op = add->op,
                       .origin = origin,
                       .in_count = add->in_count,
                       .in = ins,
                       .out_count = add->out_count,
                       .out = ids,
                       .name = graph->pending_name};
    memcpy(node->attrs, add->attrs, sizeof node->attrs);
    memcpy(outs, ids, (size_t)add->out_count * sizeof *ids);
    return true;
}

/* Rules may look at optional inputs behind the last one that is given: those have no dtype. */
static bool take_types(addition *add) {
    int room = add->in_count > add->op->max_inputs ? add->in_count : add->op->max_inputs;
    add->in_types = sni_calloc((size_t)room + 1, sizeof *add->in_types);
    if (!add->in_types) return fail_memory(add->graph);
    for (int i = 0; i < add->in_count; i++) {
        if (add->ins[i] != 0) add->in_types[i] = add->graph->values[add->ins[i]].type;
    }
    return true;
}

bool sni_graph_add(sinter_graph *graph, const sni_op *op, int in_count, const uint32_t *ins, const sni_attr *attrs,
                   int out_count, uint32_t *outs) {
    for (int o = 0; outs && o < out_count; o++) outs[o] = 0;
    if (!graph || graph->status != SINTER_OK) return false;
    if (!op || in_count < 0 || (in_count > 0 && !ins) || !outs) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "%s", op ? "missing arguments" : "no operator");
        return false;
    }
    addition add = {.graph = graph, .op = op, .in_count = in_count, .ins = ins, .out_count = out_count};
    if (out_count < 1 || out_count > SNI_MAX_OUTPUTS || (op->outputs >= 0 && out_count != op->outputs)) {
        return fail_node(&add, SINTER_INVALID_ARGUMENT, "wrong number of outputs");
    }
    bool ok = check_inputs(&add) && take_types(&add) && take_attrs(&add, attrs) && infer(&add) && add_checks(&add) &&
              name_sizes(&add) && add_node(&add, outs);
    sni_free(add.in_types);
    return ok;
}

uint32_t sni_graph_add1(sinter_graph *graph, const char *op, int in_count, const uint32_t *ins, const sni_attr *attrs) {
    uint32_t out = 0;
    const sni_op *row = sni_op_find(op);
    if (!row) {
        sni_graph_fail(graph, SINTER_UNSUPPORTED, "there is no operator '%s'", op ? op : "");
        return 0;
    }
    return sni_graph_add(graph, row, in_count, ins, attrs, 1, &out) ? out : 0;
}

uint32_t sni_graph_add_known(sinter_graph *graph, int rank, const sni_expr *dims, const sni_expr *elements,
                             int64_t count) {
    if (!graph || graph->status != SINTER_OK) return 0;
    if (rank < 0 || rank > SINTER_MAX_RANK || count < 0 || count > SNI_MAX_KNOWN_ELEMENTS) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "known: too many dimensions or elements");
        return 0;
    }
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(graph, rank, dims), sni_attr_exprs(graph, (int)count, elements)};
    return sni_graph_add1(graph, "known", 0, NULL, attrs);
}

/* ---- inputs and constants ---- */

static uint32_t fail_value(sinter_graph *graph, const char *what, const char *name, const char *text) {
    sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "%s%s%s%s: %s", what, name ? " '" : "", name ? name : "",
                   name ? "'" : "", text);
    return 0;
}

static bool add_port(sinter_graph *graph, const char *name, uint32_t value) {
    if (!SNI_RESERVE(graph->inputs, graph->input_capacity, graph->input_count + 1) ||
        !sni_graph_add_name(&graph->input_names, name, graph->input_count)) {
        return fail_memory(graph);
    }
    graph->inputs[graph->input_count++] = (sni_port){.name = name, .value = value};
    return true;
}

uint32_t sni_graph_add_input(sinter_graph *graph, const char *name, const sni_type *type) {
    if (!graph || graph->status != SINTER_OK) return 0;
    if (!name || !*name) return fail_value(graph, "input", NULL, "it has no name");
    if (sni_graph_has_name(&graph->input_names, graph->inputs, name)) {
        return fail_value(graph, "input", name, "the name is taken");
    }
    const char *wrong = check_type(graph->sym, type);
    if (wrong) return fail_value(graph, "input", name, wrong);
    const char *copy = sni_arena_strdup(graph->arena, name);
    if (!copy) return fail_memory(graph);
    sni_value value = {.type = *type, .producer = -1, .name = copy};
    value.type.elements = NULL;
    value.type.element_count = 0;
    uint32_t id = add_value(graph, &value);
    return id != 0 && add_port(graph, copy, id) ? id : 0;
}

bool sni_graph_make_state(sinter_graph *graph, uint32_t constant, const char *name) {
    if (!graph || graph->status != SINTER_OK) return false;
    if (!name || !*name) return fail_value(graph, "state", NULL, "it has no name");
    if (sni_graph_has_name(&graph->input_names, graph->inputs, name))
        return fail_value(graph, "state", name, "the name is taken");
    const char *copy = sni_arena_strdup(graph->arena, name);
    if (!copy) return fail_memory(graph);
    if (!add_port(graph, copy, constant)) return false;
    sni_value *value = &graph->values[constant];
    sni_port *port = &graph->inputs[graph->input_count - 1];
    port->state = true;
    port->initial = value->blob; /* taken over */
    value->blob = NULL;
    value->name = copy;
    value->type.elements = NULL;
    value->type.element_count = 0;
    return true;
}

/* Elements of a small integer constant. */
static bool constant_elements(sinter_graph *graph, sni_type *type, const sni_blob *blob, int64_t count) {
    type->elements = NULL;
    type->element_count = 0;
    if (sni_dtype_is_real(type->dtype) || count > SNI_MAX_KNOWN_ELEMENTS) return true;
    sni_expr *elements = sni_arena_alloc(graph->arena, (size_t)count * sizeof *elements);
    if (!elements) return fail_memory(graph);
    for (int64_t n = 0; n < count; n++) {
        int64_t number = 0;
        sni_dtype_load(type->dtype, sni_blob_data(blob), n, NULL, &number);
        elements[n] = sni_sym_const(graph->sym, number);
        if (elements[n] == SNI_NO_EXPR) return fail_memory(graph);
    }
    type->elements = elements;
    type->element_count = count;
    return true;
}

uint32_t sni_graph_add_constant(sinter_graph *graph, const sni_type *type, sni_blob *blob) {
    uint32_t id = 0;
    if (graph && graph->status == SINTER_OK && !blob) fail_memory(graph);
    if (graph && graph->status == SINTER_OK) {
        const char *wrong = check_type(graph->sym, type);
        int64_t count = 1;
        for (int d = 0; !wrong && d < type->rank; d++) {
            int64_t dim = 0;
            if (!sni_sym_is_const(graph->sym, type->dims[d], &dim)) wrong = "its shape is symbolic";
            count *= dim;
        }
        if (!wrong && (size_t)count * sinter_dtype_size(type->dtype) != sni_blob_size(blob)) {
            wrong = "the size in bytes is not the shape's";
        }
        sni_value value = {.type = *type, .producer = -1, .blob = blob};
        if (wrong) {
            fail_value(graph, "constant", NULL, wrong);
        } else if (constant_elements(graph, &value.type, blob, count)) {
            id = add_value(graph, &value);
        }
    }
    if (id == 0) sni_blob_release(blob);
    return id;
}
