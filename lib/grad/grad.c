/* Reverse mode: from the loss back to the parameters, node by node.
 *
 * First the values that the loss may change with by way of a parameter are marked, so that nothing is computed that nobody
 * needs. Then nodes are taken from the last one back; what the loss changes with a value is the sum of what all nodes that
 * read it have added by then. */
#include <sinter/grad.h>

#include <string.h>

#include "grad/rule.h"
#include "rewrite/decompose.h"

typedef struct addend {
    sni_grad_piece piece; /* its value is 0 where the graph has failed */
    uint32_t next;        /* of the same gradient, 1 + its position; 0: the last one */
} addend;

struct sni_grad {
    sinter_graph *graph;
    bool *needs; /* by value, for those that were there when it was marked */
    size_t value_count, needs_capacity;
    uint32_t *first; /* by value: 1 + the position of its first part, 0: none */
    size_t first_capacity;
    addend *parts;
    size_t part_count, part_capacity;
};

sinter_graph *sni_grad_graph(const sni_grad *grad) {
    return grad->graph;
}

bool sni_grad_needs(const sni_grad *grad, uint32_t value) {
    return value < grad->value_count && grad->needs[value];
}

/* ---- which values matter ---- */

/* Makes room for all values that there are now; new ones are not needed. */
static bool grow(sni_grad *grad) {
    size_t count = grad->graph->value_count, old = grad->value_count;
    if (!SNI_RESERVE(grad->needs, grad->needs_capacity, count) ||
        !SNI_RESERVE(grad->first, grad->first_capacity, count)) {
        sni_graph_fail(grad->graph, SINTER_OUT_OF_MEMORY, "gradients: out of host memory");
        return false;
    }
    memset(grad->needs + old, 0, (count - old) * sizeof *grad->needs);
    memset(grad->first + old, 0, (count - old) * sizeof *grad->first);
    grad->value_count = count;
    return true;
}

static bool is_flat(const sni_op *op) {
    if (op->kind != SNI_OP_ELEMENTWISE) return sni_grad_find(op) == sni_grad_flat;
    for (int i = 0; i < op->max_inputs && i < 3; ++i)
        if (!op->gradient[i] || strcmp(op->gradient[i], "0") != 0) return false;
    return true;
}

/* Marks results of nodes from..to-1 that are real and made smoothly of something that is marked. */
static bool mark(sni_grad *grad, size_t from, size_t to) {
    if (!grow(grad)) return false;
    for (size_t n = from; n < to; ++n) {
        const sni_node *node = &grad->graph->nodes[n];
        bool any = false;
        for (int i = 0; i < node->in_count; ++i) any = any || grad->needs[node->in[i]];
        if (!any || is_flat(node->op)) continue;
        for (int o = 0; o < node->out_count; ++o)
            if (sni_dtype_is_real(grad->graph->values[node->out[o]].type.dtype)) grad->needs[node->out[o]] = true;
    }
    return true;
}

/* ---- parts ---- */

/* A dimension of part that is larger than the value's where that is 1, which nobody knows before sizes are bound: seen as
 * [part's / value's, value's], the sum over the first is right either way. */
static uint32_t sum_uncertain(sinter_graph *graph, uint32_t part, int axis, sni_expr size) {
    sni_type type = sni_make_type(graph, part);
    sni_sym *sym = graph->sym;
    sni_expr least = sni_sym_max(sym, size, sni_sym_const(sym, 1));
    sni_expr split[4] = {sni_make_product(graph, type.dims, 0, axis), sni_sym_div(sym, type.dims[axis], least), size,
                         sni_make_product(graph, type.dims, axis + 1, type.rank)};
    part = sni_make_reduce(graph, "reduce_sum", sni_make_reshape(graph, part, 4, split), 1u << 1, false);
    type.dims[axis] = size;
    return sni_make_reshape(graph, part, type.rank, type.dims);
}

/* part summed to the shape of the value that was broadcast. Sums are made in f32. */
static uint32_t sum_to(sinter_graph *graph, uint32_t part, const sni_type *want) {
    sni_type have = sni_make_type(graph, part);
    sni_sym *sym = graph->sym;
    int lead = have.rank - want->rank;
    uint32_t axes = lead > 0 ? (1u << lead) - 1 : 0, uncertain = 0;
    for (int i = 0; i < want->rank && lead >= 0; ++i) {
        if (have.dims[lead + i] == want->dims[i]) continue;
        if (sni_sym_is(sym, want->dims[i], 1))
            axes |= 1u << (lead + i);
        else
            uncertain |= 1u << i;
    }
    if (lead < 0) return sni_make_expand(graph, part, want->rank, want->dims);
    if (axes == 0 && uncertain == 0) return part;
    part = sni_make_wide(graph, part);
    part = sni_make_reduce(graph, "reduce_sum", part, axes, true);
    have = sni_make_type(graph, part);
    part = sni_make_reshape(graph, part, want->rank, have.dims + lead);
    for (int i = 0; i < want->rank; ++i)
        if (uncertain >> i & 1) part = sum_uncertain(graph, part, i, want->dims[i]);
    return part;
}

static void append(sni_grad *grad, uint32_t value, sni_grad_piece piece) {
    if (!SNI_RESERVE(grad->parts, grad->part_capacity, grad->part_count + 1)) {
        sni_graph_fail(grad->graph, SINTER_OUT_OF_MEMORY, "gradients: out of host memory");
        return;
    }
    grad->parts[grad->part_count++] = (addend){.piece = piece};
    uint32_t *link = &grad->first[value];
    while (*link) link = &grad->parts[*link - 1].next;
    *link = (uint32_t)grad->part_count;
}

void sni_grad_add(sni_grad *grad, uint32_t value, uint32_t added) {
    if (!added || !sni_grad_needs(grad, value)) return;
    sni_type want = sni_make_type(grad->graph, value);
    append(grad, value, (sni_grad_piece){.value = sum_to(grad->graph, added, &want), .axis = -1});
}

void sni_grad_add_reshaped(sni_grad *grad, uint32_t value, uint32_t added) {
    if (!added || !sni_grad_needs(grad, value)) return;
    sni_type want = sni_make_type(grad->graph, value);
    added = sni_make_reshape(grad->graph, added, want.rank, want.dims);
    append(grad, value, (sni_grad_piece){.value = added, .axis = -1});
}

void sni_grad_add_piece(sni_grad *grad, uint32_t value, sni_grad_piece piece) {
    if (piece.value && sni_grad_needs(grad, value)) append(grad, value, piece);
}

/* What the loss changes with value, in its dtype; 0: nothing was added. Later calls give the same value. */
static uint32_t total(sni_grad *grad, uint32_t value) {
    uint32_t at = value < grad->value_count ? grad->first[value] : 0, sum = 0;
    if (!at) return 0;
    sinter_graph *graph = grad->graph;
    sni_type type = sni_make_type(graph, value);
    size_t count = 0;
    for (uint32_t p = at; p; p = grad->parts[p - 1].next) ++count;
    sni_grad_piece *pieces = sni_calloc(count, sizeof *pieces);
    for (uint32_t p = at, n = 0; p && pieces; p = grad->parts[p - 1].next) pieces[n++] = grad->parts[p - 1].piece;
    if (pieces)
        sum = sni_make_cast(graph, sni_grad_sum(graph, pieces, count, &type), type.dtype);
    else
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "gradients: out of host memory");
    sni_free(pieces);
    grad->parts[at - 1] = (addend){.piece = {.value = sum, .axis = -1}};
    return sum;
}

/* ---- the sweep ---- */

static void fail_without_rule(const sni_grad *grad, const sni_node *node) {
    sni_graph_fail(grad->graph, SINTER_UNSUPPORTED, "gradients: the operator %s%s%s%s has no gradient rule",
                   node->op->name, node->name ? " '" : "", node->name ? node->name : "", node->name ? "'" : "");
}

static void elementwise(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = grad->graph;
    sni_grad_operands operands = {.out = sni_make_wide(graph, node->out[0]),
                                  .g = sni_make_wide(graph, g),
                                  .attrs = {node->attrs[0].f, node->attrs[1].f}};
    for (int i = 0; i < node->in_count && i < 3; ++i) operands.in[i] = sni_make_wide(graph, node->in[i]);
    for (int i = 0; i < node->in_count; ++i) {
        if (!sni_grad_needs(grad, node->in[i])) continue;
        if (i >= 3 || !node->op->gradient[i]) {
            fail_without_rule(grad, node);
            return;
        }
        sni_grad_add(grad, node->in[i], sni_grad_expression(graph, node->op->gradient[i], &operands));
    }
}

void sni_grad_flat(sni_grad *grad, const sni_node *node, uint32_t g) {
    (void)grad, (void)node, (void)g;
}

sni_grad_rule sni_grad_find(const sni_op *op) {
    static const sni_grad_entry *const families[] = {sni_grad_view,   sni_grad_window, sni_grad_gather,
                                                     sni_grad_reduce, sni_grad_scan,   sni_grad_contract,
                                                     sni_grad_norm,   sni_grad_conv,   sni_grad_loss};
    if (op->kind == SNI_OP_ELEMENTWISE) return elementwise;
    for (size_t f = 0; f < sizeof families / sizeof *families; ++f)
        for (const sni_grad_entry *entry = families[f]; entry->op; ++entry)
            if (strcmp(entry->op, op->name) == 0) return entry->rule;
    return op->kind == SNI_OP_COMPOSITE ? sni_grad_decomposed : NULL;
}

/* Nodes from..to-1, the last one first. */
static void sweep(sni_grad *grad, size_t from, size_t to) {
    sinter_graph *graph = grad->graph;
    const char *name = graph->pending_name;
    for (size_t n = to; n-- > from && graph->status == SINTER_OK;) {
        sni_node node = graph->nodes[n];
        if (!sni_grad_needs(grad, node.out[0]) || !grad->first[node.out[0]]) continue;
        sni_grad_rule rule = node.out_count == 1 ? sni_grad_find(node.op) : NULL;
        graph->pending_name = node.name;
        if (rule)
            rule(grad, &node, total(grad, node.out[0]));
        else
            for (int i = 0; i < node.in_count; ++i)
                if (sni_grad_needs(grad, node.in[i])) fail_without_rule(grad, &node);
    }
    graph->pending_name = name;
}

void sni_grad_decomposed(sni_grad *grad, const sni_node *node, uint32_t g) {
    sinter_graph *graph = grad->graph;
    sni_type out = sni_make_type(graph, node->out[0]);
    size_t from = graph->node_count;
    uint32_t value = 0;
    if (!sni_decompose_node(graph, node, &out, node->in, &value)) return;
    size_t to = graph->node_count;
    if (!mark(grad, from, to)) return;
    sni_grad_add_reshaped(grad, value, g);
    sweep(grad, from, to);
}

/* ---- the interface ---- */

static bool check_value(sinter_graph *graph, uint32_t id, const char *what, size_t index) {
    const sni_value *value = sni_graph_value(graph, id);
    if (!value)
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "gradients: %s %zu is no value of this graph", what, index);
    else if (!sni_dtype_is_real(value->type.dtype))
        sni_graph_fail(graph, SINTER_DTYPE, "gradients: %s %zu is %s, not real", what, index,
                       sinter_dtype_name(value->type.dtype));
    return graph->status == SINTER_OK;
}

static bool check(sinter_graph *graph, uint32_t loss, const sinter_value *parameters, size_t count, sinter_value *out) {
    if (count > 0 && (!parameters || !out)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "gradients: parameters or out is NULL");
        return false;
    }
    if (!check_value(graph, loss, "loss", 0)) return false;
    for (size_t i = 0; i < count; ++i)
        if (!sni_graph_check_handle(graph, "gradients", parameters[i]) ||
            !check_value(graph, parameters[i].id, "parameter", i))
            return false;
    const sni_type *type = &sni_graph_value(graph, loss)->type;
    for (int d = 0; d < type->rank; ++d)
        if (!sni_sym_is(graph->sym, type->dims[d], 1)) {
            sni_str text = SNI_STR_INIT;
            sni_type_print(graph->sym, type, &text);
            sni_graph_fail(graph, SINTER_SHAPE,
                           "gradients: loss is %s and must have one element: reduce it to its sum or mean",
                           sni_str_text(&text));
            sni_str_deinit(&text);
            return false;
        }
    return true;
}

static void run(sni_grad *grad, uint32_t loss, const sinter_value *parameters, size_t count, uint32_t *results) {
    sinter_graph *graph = grad->graph;
    size_t nodes = graph->node_count;
    if (!grow(grad)) return;
    for (size_t i = 0; i < count; ++i) grad->needs[parameters[i].id] = true;
    if (!mark(grad, 0, nodes)) return;
    sni_type type = sni_make_type(graph, loss);
    sni_grad_add_reshaped(grad, loss, sni_make_scalar(graph, type.dtype, 1));
    sweep(grad, 0, nodes);
    for (size_t i = 0; i < count && graph->status == SINTER_OK; ++i) {
        results[i] = total(grad, parameters[i].id);
        type = sni_make_type(graph, parameters[i].id);
        if (!results[i]) results[i] = sni_grad_zeros(graph, &type);
    }
}

sinter_status sinter_gradients(sinter_graph *graph, sinter_value loss, const sinter_value *parameters, size_t count,
                               sinter_value *out) {
    for (size_t i = 0; out && i < count; ++i) out[i] = SINTER_NO_VALUE;
    if (!graph) return sni_fail(SINTER_INVALID_ARGUMENT, "gradients: graph is NULL");
    if (graph->status != SINTER_OK || !sni_graph_check_handle(graph, "gradients", loss) ||
        !check(graph, loss.id, parameters, count, out))
        return sinter_graph_status(graph);
    sni_grad grad = {.graph = graph};
    uint32_t *results = sni_calloc(count + 1, sizeof *results);
    if (results)
        run(&grad, loss.id, parameters, count, results);
    else
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "gradients: out of host memory");
    for (size_t i = 0; i < count && graph->status == SINTER_OK; ++i) out[i] = sni_graph_handle(graph, results[i]);
    sni_free(results);
    sni_free(grad.needs);
    sni_free(grad.first);
    sni_free(grad.parts);
    return sinter_graph_status(graph);
}
