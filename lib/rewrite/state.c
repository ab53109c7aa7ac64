/* Writes of states become stores into the state's memory, in an order in which nobody reads what is gone.
 *
 * A node "update" between a state's input and its output writes the memory itself, so whoever reads the value that the
 * state had before must have done so. That is said by further inputs of the store: the values of those readers. The
 * fuser then orders kernels by what it orders them by anyway. A reader that is a view or a cast may be computed inside
 * any kernel that reads through it, so those that read through it count, too. */
#include <string.h>

#include "op/update.h"
#include "rewrite/pass.h"

typedef struct stater {
    sinter_graph *graph;
    const sni_op *update;
    bool *is_reader; /* of the value at hand */
    int *stack;
    int *order;          /* nodes in their new order */
    unsigned char *seen; /* 0: not yet, 1: under way, 2: done */
} stater;

static bool keep(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    (void)rewriter, (void)node, (void)ins, (void)outs;
    return false;
}

/* ---- which nodes are stores ---- */

/* The chain of updates from a state's newest value down to its input. */
static sinter_status mark_chain(stater *s, const sni_port *output) {
    sinter_graph *g = s->graph;
    int input = sni_graph_find_state(g, output->name);
    uint32_t value = output->value;
    while (input >= 0 && value != g->inputs[input].value) {
        int producer = g->values[value].producer;
        if (producer < 0 || g->nodes[producer].op != s->update)
            return sni_fail(SINTER_INTERNAL, "state '%s' is not what its writes made of it", output->name);
        g->nodes[producer].op = &sni_op_store;
        value = g->nodes[producer].in[0];
    }
    return SINTER_OK;
}

/* ---- who reads the value before ---- */

static bool reads_through(const sni_node *node) {
    return node->op->kind == SNI_OP_VIEW || node->op->kind == SNI_OP_CAST;
}

static bool uses(const sni_node *node, uint32_t value) {
    for (int i = 0; i < node->in_count; ++i)
        if (node->in[i] == value) return true;
    return false;
}

/* Marks who reads value, through views and casts; nodes follow their operands, so one walk is enough. */
static size_t mark_readers(stater *s, uint32_t value, const sni_node *store) {
    const sinter_graph *g = s->graph;
    size_t count = 0;
    for (size_t n = 0; n < g->node_count; ++n) {
        const sni_node *node = &g->nodes[n];
        s->is_reader[n] = node != store && uses(node, value);
        for (int i = 0; i < node->in_count && !s->is_reader[n] && node != store; ++i) {
            const sni_value *in = sni_graph_value(g, node->in[i]);
            if (in && in->producer >= 0 && s->is_reader[in->producer] && reads_through(&g->nodes[in->producer]))
                s->is_reader[n] = true;
        }
        count += s->is_reader[n];
    }
    return count;
}

static sinter_status add_readers(stater *s, sni_node *store) {
    const sinter_graph *g = s->graph;
    size_t count = mark_readers(s, store->in[0], store);
    uint32_t *in = sni_arena_alloc(g->arena, (3 + count) * sizeof *in);
    if (!in) return sni_out_of_memory("a pass");
    memcpy(in, store->in, 3 * sizeof *in);
    int next = 3;
    for (size_t n = 0; n < g->node_count; ++n)
        if (s->is_reader[n]) in[next++] = g->nodes[n].out[0];
    store->in = in;
    store->in_count = next;
    return SINTER_OK;
}

/* ---- the new order ---- */

/* The node of the first operand that is not in the order yet, or -1; *out_cyclic is set when it waits for this one. */
static int next_operand(const stater *s, const sni_node *node, int *out_cyclic) {
    for (int i = 0; i < node->in_count; ++i) {
        const sni_value *in = sni_graph_value(s->graph, node->in[i]);
        if (!in || in->producer < 0 || s->seen[in->producer] == 2) continue;
        if (s->seen[in->producer] == 1) *out_cyclic = in->producer;
        return in->producer;
    }
    return -1;
}

static sinter_status visit(stater *s, int root, size_t *count) {
    size_t depth = 0;
    s->stack[depth++] = root;
    while (depth > 0) {
        int n = s->stack[depth - 1], cyclic = -1;
        s->seen[n] = 1;
        int operand = next_operand(s, &s->graph->nodes[n], &cyclic);
        if (cyclic >= 0) {
            const char *name = s->graph->nodes[n].name;
            return sni_fail(SINTER_UNSUPPORTED,
                            "%s%s%s reads what a state held before a write, and depends on the write; it "
                            "must read the value that the write gives",
                            s->graph->nodes[n].op->name, name ? " " : "", name ? name : "");
        }
        if (operand >= 0) {
            s->stack[depth++] = operand;
            continue;
        }
        --depth;
        s->seen[n] = 2;
        s->order[(*count)++] = n;
    }
    return SINTER_OK;
}

/* Nodes move; values know their producers, and conditions their nodes. */
static sinter_status reorder(stater *s) {
    sinter_graph *g = s->graph;
    size_t count = 0;
    for (size_t n = 0; n < g->node_count; ++n)
        if (s->seen[n] == 0) SNI_TRY(visit(s, (int)n, &count));
    sni_node *nodes = sni_malloc(g->node_capacity * sizeof *nodes);
    if (!nodes) return sni_out_of_memory("a pass");
    int *place = s->stack; /* old number -> new one */
    for (size_t n = 0; n < g->node_count; ++n) {
        nodes[n] = g->nodes[s->order[n]];
        place[s->order[n]] = (int)n;
    }
    for (size_t v = 1; v < g->value_count; ++v)
        if (g->values[v].producer >= 0) g->values[v].producer = place[g->values[v].producer];
    for (size_t c = 0; c < g->check_count; ++c)
        if (g->checks[c].node < g->node_count) g->checks[c].node = (uint32_t)place[g->checks[c].node];
    sni_free(g->nodes);
    g->nodes = nodes;
    return SINTER_OK;
}

static sinter_status convert(stater *s) {
    sinter_graph *g = s->graph;
    size_t room = g->node_count + 1;
    s->update = sni_op_find("update");
    s->is_reader = sni_calloc(room, sizeof *s->is_reader);
    s->stack = sni_calloc(room, sizeof *s->stack);
    s->order = sni_calloc(room, sizeof *s->order);
    s->seen = sni_calloc(room, sizeof *s->seen);
    if (!s->is_reader || !s->stack || !s->order || !s->seen) return sni_out_of_memory("a pass");
    for (size_t o = 0; o < g->output_count; ++o)
        if (g->outputs[o].state) SNI_TRY(mark_chain(s, &g->outputs[o]));
    for (size_t n = 0; n < g->node_count; ++n)
        if (g->nodes[n].op == &sni_op_store) SNI_TRY(add_readers(s, &g->nodes[n]));
    return reorder(s);
}

sinter_status sni_pass_state(const sinter_graph *graph, sinter_graph **out_graph) {
    SNI_TRY(sni_pass_run(graph, "state", keep, NULL, out_graph));
    stater s = {.graph = *out_graph};
    sinter_status status = convert(&s);
    sni_free(s.is_reader);
    sni_free(s.stack);
    sni_free(s.order);
    sni_free(s.seen);
    if (status == SINTER_OK) return SINTER_OK;
    sinter_graph_release(*out_graph);
    *out_graph = NULL;
    return status;
}
