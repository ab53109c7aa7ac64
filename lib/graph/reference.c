/* The reference evaluator: nodes in order, each by its row's reference function. */
#include "graph/reference.h"

#include <string.h>

/* ---- one node ---- */

/* The numbers of the EXPRS attributes; one block of memory behind all the pointers. */
typedef struct attr_values {
    const int64_t *values[SNI_MAX_ATTRS];
    int64_t *block;
} attr_values;

static sinter_status eval_attrs(const sinter_graph *graph, const sni_node *node, const sni_bindings *bindings,
                                attr_values *out) {
    size_t total = 1;
    memset(out, 0, sizeof *out);
    for (int a = 0; a < SNI_MAX_ATTRS; a++) total += (size_t)node->attrs[a].count;
    out->block = sni_calloc(total, sizeof *out->block);
    if (!out->block) return sni_out_of_memory("attributes");
    int64_t *next = out->block;
    for (int a = 0; a < SNI_MAX_ATTRS; a++) {
        const sni_attr *attr = &node->attrs[a];
        out->values[a] = next;
        for (int i = 0; i < attr->count; i++) {
            SNI_TRY(sni_sym_eval(graph->sym, attr->exprs[i], bindings, next++));
        }
    }
    return SINTER_OK;
}

static sinter_status eval_type(const sinter_graph *graph, const sni_type *type, const sni_bindings *bindings,
                               int64_t *dims) {
    for (int d = 0; d < type->rank; d++) {
        SNI_TRY(sni_sym_eval(graph->sym, type->dims[d], bindings, &dims[d]));
    }
    return SINTER_OK;
}

static sinter_status create_outs(const sinter_graph *graph, const sni_node *node, const sni_bindings *bindings,
                                 sni_ref_tensor **outs) {
    for (int o = 0; o < node->out_count; o++) {
        const sni_type *type = &graph->values[node->out[o]].type;
        int64_t dims[SINTER_MAX_RANK] = {0};
        SNI_TRY(eval_type(graph, type, bindings, dims));
        SNI_TRY(sni_ref_tensor_create(type->dtype, type->rank, dims, &outs[o]));
    }
    return SINTER_OK;
}

static sinter_status call_reference(const sinter_graph *graph, const sni_node *node, const sni_ref_tensor *const *ins,
                                    const sni_bindings *bindings, sni_ref_tensor **outs) {
    attr_values attrs;
    sinter_status status = eval_attrs(graph, node, bindings, &attrs);
    if (status == SINTER_OK) status = create_outs(graph, node, bindings, outs);
    if (status == SINTER_OK) {
        sni_ref_call call = {
            .op = node->op,
            .in_count = node->in_count,
            .in = ins,
            .out_count = node->out_count,
            .out = outs,
            .attrs = node->attrs,
            .attr_values = attrs.values,
        };
        status = node->op->reference(&call);
    }
    sni_free(attrs.block);
    return status;
}

sinter_status sni_reference_node(const sinter_graph *graph, const sni_node *node, const sni_ref_tensor *const *ins,
                                 const sni_bindings *bindings, sni_ref_tensor **outs) {
    for (int o = 0; o < node->out_count; o++) outs[o] = NULL;
    if (!node->op->reference) {
        return sni_fail(SINTER_UNSUPPORTED, "%s has no reference", node->op->name);
    }
    /* As for shape rules: optional inputs behind the last one that is given are NULL, not absent. */
    int room = node->in_count > node->op->max_inputs ? node->in_count : node->op->max_inputs;
    const sni_ref_tensor **padded = sni_calloc((size_t)room + 1, sizeof *padded);
    if (!padded) return sni_out_of_memory("a node's inputs");
    if (node->in_count > 0) memcpy(padded, ins, (size_t)node->in_count * sizeof *padded);
    sinter_status status = call_reference(graph, node, padded, bindings, outs);
    sni_free(padded);
    if (status == SINTER_OK) return SINTER_OK;
    for (int o = 0; o < node->out_count; o++) {
        sni_ref_tensor_release(outs[o]);
        outs[o] = NULL;
    }
    return sni_fail_in(status, "%s%s%s", node->op->name, node->name ? " " : "", node->name ? node->name : "");
}

/* ---- the whole graph ---- */

typedef struct evaluator {
    const sinter_graph *graph;
    sni_bindings bindings;
    bool keep_double;
    sni_ref_tensor **values; /* by id; NULL: not there yet, or not needed any more */
    size_t *uses;            /* by id: readers that still come, graph outputs included */
    sni_ref_tensor *const *inputs;
} evaluator;

/* Counts the uses that the outputs really need, last node first; other nodes are not evaluated. */
static void count_uses(evaluator *eval) {
    const sinter_graph *graph = eval->graph;
    for (size_t o = 0; o < graph->output_count; o++) eval->uses[graph->outputs[o].value]++;
    for (size_t n = graph->node_count; n-- > 0;) {
        const sni_node *node = &graph->nodes[n];
        size_t wanted = 0;
        for (int o = 0; o < node->out_count; o++) wanted += eval->uses[node->out[o]];
        for (int i = 0; wanted > 0 && i < node->in_count; i++) eval->uses[node->in[i]]++;
    }
}

static void round_tensor(sni_ref_tensor *tensor) {
    for (int64_t n = 0; tensor->f && n < tensor->count; n++) {
        tensor->f[n] = sni_dtype_round(tensor->dtype, tensor->f[n]);
    }
}

static sinter_status load_constant(evaluator *eval, uint32_t id) {
    const sni_value *value = &eval->graph->values[id];
    int64_t dims[SINTER_MAX_RANK] = {0};
    SNI_TRY(eval_type(eval->graph, &value->type, &eval->bindings, dims));
    SNI_TRY(sni_ref_tensor_create(value->type.dtype, value->type.rank, dims, &eval->values[id]));
    sni_ref_tensor_load(eval->values[id], sni_blob_data(value->blob));
    return SINTER_OK;
}

static bool is_input(const sinter_graph *graph, uint32_t id) {
    return graph->values[id].producer < 0 && !graph->values[id].blob;
}

static void use_value(evaluator *eval, uint32_t id) {
    if (id == 0 || --eval->uses[id] > 0 || is_input(eval->graph, id)) return;
    sni_ref_tensor_release(eval->values[id]);
    eval->values[id] = NULL;
}

static sinter_status eval_node(evaluator *eval, const sni_node *node, const sni_ref_tensor **ins) {
    sni_ref_tensor *outs[SNI_MAX_OUTPUTS] = {0};
    for (int i = 0; i < node->in_count; i++) {
        uint32_t id = node->in[i];
        if (id != 0 && !eval->values[id]) SNI_TRY(load_constant(eval, id));
        ins[i] = id != 0 ? eval->values[id] : NULL;
    }
    SNI_TRY(sni_reference_node(eval->graph, node, ins, &eval->bindings, outs));
    for (int o = 0; o < node->out_count; o++) {
        if (!eval->keep_double) round_tensor(outs[o]);
        eval->values[node->out[o]] = outs[o];
        if (eval->uses[node->out[o]] > 0) continue;
        sni_ref_tensor_release(outs[o]);
        eval->values[node->out[o]] = NULL;
    }
    for (int i = 0; i < node->in_count; i++) use_value(eval, node->in[i]);
    return SINTER_OK;
}

static sinter_status eval_nodes(evaluator *eval) {
    const sinter_graph *graph = eval->graph;
    int most = 1;
    for (size_t n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].in_count > most) most = graph->nodes[n].in_count;
    }
    const sni_ref_tensor **ins = sni_calloc((size_t)most, sizeof *ins);
    if (!ins) return sni_out_of_memory("the evaluator");
    sinter_status status = SINTER_OK;
    for (size_t n = 0; n < graph->node_count && status == SINTER_OK; n++) {
        const sni_node *node = &graph->nodes[n];
        bool wanted = false;
        for (int o = 0; o < node->out_count; o++) wanted = wanted || eval->uses[node->out[o]] > 0;
        if (wanted) status = eval_node(eval, node, ins);
    }
    sni_free(ins);
    return status;
}

/* A copy, because one value may be several outputs, or an input. */
static sinter_status copy_output(evaluator *eval, uint32_t id, sni_ref_tensor **out) {
    if (!eval->values[id]) SNI_TRY(load_constant(eval, id));
    const sni_ref_tensor *from = eval->values[id];
    SNI_TRY(sni_ref_tensor_create(from->dtype, from->rank, from->dims, out));
    if (from->count > 0 && from->f) memcpy((*out)->f, from->f, (size_t)from->count * sizeof *from->f);
    if (from->count > 0 && from->i) memcpy((*out)->i, from->i, (size_t)from->count * sizeof *from->i);
    return SINTER_OK;
}

static sinter_status evaluate(evaluator *eval, sni_ref_tensor **out_outputs) {
    const sinter_graph *graph = eval->graph;
    count_uses(eval);
    for (size_t i = 0; i < graph->input_count; i++) {
        eval->values[graph->inputs[i].value] = eval->inputs[i];
    }
    SNI_TRY(eval_nodes(eval));
    for (size_t o = 0; o < graph->output_count; o++) {
        SNI_TRY(copy_output(eval, graph->outputs[o].value, &out_outputs[o]));
    }
    return SINTER_OK;
}

static void release_values(evaluator *eval) {
    for (size_t v = 1; eval->values && v < eval->graph->value_count; v++) {
        if (!is_input(eval->graph, (uint32_t)v)) sni_ref_tensor_release(eval->values[v]);
    }
    sni_free(eval->values);
    sni_free(eval->uses);
}

/* ---- binding ---- */

typedef struct bound_dims {
    int64_t (*shapes)[SINTER_MAX_RANK];
    int *ranks;
    int64_t *dims, *values;
} bound_dims;

static void bound_release(bound_dims *bound) {
    sni_free(bound->shapes);
    sni_free(bound->ranks);
    sni_free(bound->dims);
    sni_free(bound->values);
}

static sinter_status bind_inputs(const sinter_graph *graph, sni_ref_tensor *const *inputs, const sni_bindings *extra,
                                 bound_dims *bound, sni_bindings *out_bindings) {
    size_t count = graph->input_count;
    size_t capacity = count * SINTER_MAX_RANK + (extra ? extra->count : 0) + sni_sym_defined_count(graph->sym) + 1;
    bound->shapes = sni_calloc(count + 1, sizeof *bound->shapes);
    bound->ranks = sni_calloc(count + 1, sizeof *bound->ranks);
    bound->dims = sni_calloc(capacity, sizeof *bound->dims);
    bound->values = sni_calloc(capacity, sizeof *bound->values);
    if (!bound->shapes || !bound->ranks || !bound->dims || !bound->values) {
        return sni_out_of_memory("binding shapes");
    }
    for (size_t i = 0; i < count; i++) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        if (!inputs[i]) {
            return sni_fail(SINTER_INVALID_ARGUMENT, "input '%s' is not given", graph->inputs[i].name);
        }
        if (inputs[i]->dtype != type->dtype) {
            return sni_fail(SINTER_DTYPE, "input '%s' is %s, not %s", graph->inputs[i].name,
                            sinter_dtype_name(type->dtype), sinter_dtype_name(inputs[i]->dtype));
        }
        bound->ranks[i] = inputs[i]->rank;
        memcpy(bound->shapes[i], inputs[i]->dims, sizeof bound->shapes[i]);
    }
    out_bindings->dims = bound->dims;
    out_bindings->values = bound->values;
    return sni_bind_shapes(graph, (const int64_t(*)[SINTER_MAX_RANK])bound->shapes, bound->ranks, extra, bound->dims,
                           bound->values, capacity, &out_bindings->count);
}

sinter_status sni_reference_run(const sinter_graph *graph, sni_ref_tensor *const *inputs, const sni_bindings *extra,
                                bool keep_double, sni_ref_tensor **out_outputs) {
    for (size_t o = 0; o < graph->output_count; o++) out_outputs[o] = NULL;
    SNI_TRY(sinter_graph_status(graph));
    evaluator eval = {.graph = graph, .keep_double = keep_double, .inputs = inputs};
    bound_dims bound = {0};
    sinter_status status = bind_inputs(graph, inputs, extra, &bound, &eval.bindings);
    if (status == SINTER_OK) {
        eval.values = sni_calloc(graph->value_count, sizeof *eval.values);
        eval.uses = sni_calloc(graph->value_count, sizeof *eval.uses);
        status = eval.values && eval.uses ? evaluate(&eval, out_outputs) : sni_out_of_memory("the evaluator");
    }
    release_values(&eval);
    bound_release(&bound);
    for (size_t o = 0; status != SINTER_OK && o < graph->output_count; o++) {
        sni_ref_tensor_release(out_outputs[o]);
        out_outputs[o] = NULL;
    }
    return status;
}
