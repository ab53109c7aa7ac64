/* Matrix products of one input with several constant matrices (Q, K and V of attention) become one product with the
 * matrices side by side, and slices of it. Where elementwise work follows a product directly it stays alone: that work
 * is its epilogue already. Unless the work brings two of them together on the way to another product (the gate of a
 * feed-forward layer): there it can be that one's prologue. */
#include <string.h>

#include "rewrite/make.h"
#include "rewrite/pass.h"

#define MAX_MERGED_BYTES ((size_t)256 << 20)

/* A product x * w, or x * transpose(w), with a bias added on demand. Indices and ids are the old graph's. */
typedef struct product {
    int node, add; /* add: -1 for none */
    uint32_t x, weights, bias;
    bool transposed; /* the constant is [N, K] */
    int64_t k, n;
    bool viewed;        /* nothing but views read it */
    int group;          /* index of the first product of its group */
    int64_t offset;     /* of its columns in the group's */
    uint32_t merged[2]; /* of the first one: new ids without and with the biases */
    int64_t columns;    /* of the first one: of the whole group */
    int members;        /* of the first one */
    int before;         /* the product before this one that reads x, -1: none */
} product;

typedef struct merge {
    const sinter_graph *old;
    product *products;
    size_t count, capacity;
    int *of_node;            /* node -> its product + 1 */
    int *users, *user_start; /* value -> nodes that read it, ascending */
    bool *is_output;         /* value */
    int *mark;               /* node */
    int stamp;
} merge;

#define MAX_TRIES 16    /* earlier products of the same input */
#define MAX_FOLLOWED 12 /* elementwise nodes between a product and what it meets; reshapes behind it */

/* ---- finding -------------------------------------------------------------------------------- */

static const sni_value *constant(const sinter_graph *graph, uint32_t id, int rank) {
    const sni_value *value = sni_graph_value(graph, id);
    return value && value->blob && value->type.rank == rank ? value : NULL;
}

static bool is_op(const sni_node *node, const char *op) {
    return strcmp(node->op->name, op) == 0;
}

static bool find_weights(const sinter_graph *graph, const sni_node *node, product *p) {
    uint32_t id = node->in[1];
    int producer = graph->values[id].producer;
    if (producer >= 0 && is_op(&graph->nodes[producer], "transpose") && graph->values[id].type.rank == 2) {
        const sni_node *transpose = &graph->nodes[producer];
        p->transposed = transpose->attrs[SNI_TRANSPOSE_PERM].count == 0 ||
                        sni_sym_is(graph->sym, transpose->attrs[SNI_TRANSPOSE_PERM].exprs[0], 1);
        id = transpose->in[0];
        if (!p->transposed) return false;
    }
    const sni_value *value = constant(graph, id, 2);
    p->weights = id;
    return value && sni_sym_is_const(graph->sym, value->type.dims[p->transposed ? 1 : 0], &p->k) &&
           sni_sym_is_const(graph->sym, value->type.dims[p->transposed ? 0 : 1], &p->n);
}

/* Does nothing but views read the value, also behind reshapes that keep its rows? */
static bool only_viewed(const merge *m, uint32_t id, int depth) {
    if (m->is_output[id]) return false;
    const sni_type *type = &m->old->values[id].type;
    for (int u = m->user_start[id]; u < m->user_start[id + 1]; ++u) {
        const sni_node *node = &m->old->nodes[m->users[u]];
        if (node->op->kind != SNI_OP_VIEW) return false;
        const sni_type *out = &m->old->values[node->out[0]].type;
        bool rows = is_op(node, "reshape") && out->rank > 0 && type->rank > 0 &&
                    out->dims[out->rank - 1] == type->dims[type->rank - 1];
        if (rows && (depth == MAX_FOLLOWED || !only_viewed(m, node->out[0], depth + 1))) return false;
    }
    return true;
}

/* The addition of a constant row that is the product's only use. */
static void find_bias(const merge *m, const sni_node *node, product *p) {
    const sinter_graph *graph = m->old;
    uint32_t id = node->out[0];
    int user = m->user_start[id];
    if (m->user_start[id + 1] != user + 1 || m->is_output[id]) return;
    const sni_node *add = &graph->nodes[m->users[user]];
    if (!is_op(add, "add")) return;
    uint32_t other = add->in[0] == id ? add->in[1] : add->in[0];
    const sni_value *bias = constant(graph, other, 1);
    if (!bias || !sni_sym_is(graph->sym, bias->type.dims[0], p->n)) return;
    p->add = m->users[user];
    p->bias = other;
}

static bool find_product(const merge *m, int index, product *p) {
    const sni_node *node = &m->old->nodes[index];
    *p = (product){.node = index, .add = -1, .x = node->in[0], .group = -1};
    if (node->op->kind != SNI_OP_CONTRACT || !find_weights(m->old, node, p)) return false;
    find_bias(m, node, p);
    p->viewed = only_viewed(m, m->old->nodes[p->add >= 0 ? p->add : index].out[0], 0);
    return true;
}

/* The elementwise nodes that follow a product, nearest first, into nodes; returns how many. *feeds: one of them is an
 * operand of another product. */
static int follow(merge *m, const product *p, int *nodes, bool *feeds) {
    int count = 0, mark = ++m->stamp;
    *feeds = false;
    for (int at = -1; at < count; ++at) {
        int from = at >= 0 ? nodes[at] : p->add >= 0 ? p->add : p->node;
        uint32_t id = m->old->nodes[from].out[0];
        if (m->is_output[id]) return 0;
        for (int u = m->user_start[id]; u < m->user_start[id + 1]; ++u) {
            int user = m->users[u];
            sni_op_kind kind = m->old->nodes[user].op->kind;
            *feeds |= kind == SNI_OP_CONTRACT;
            if (kind != SNI_OP_ELEMENTWISE || m->mark[user] == mark) continue;
            if (count == MAX_FOLLOWED) return 0;
            m->mark[user] = mark;
            nodes[count++] = user;
        }
    }
    return count;
}

/* Do elementwise nodes bring the two together on the way to a product? */
static bool meet(merge *m, const product *a, const product *b) {
    int ahead[MAX_FOLLOWED], behind[MAX_FOLLOWED];
    bool feeds;
    int count = follow(m, a, ahead, &feeds), others = follow(m, b, behind, &feeds);
    for (int i = 0; i < count && feeds; ++i)
        if (others > 0 && m->mark[ahead[i]] == m->stamp) return true;
    return false;
}

static bool fits_group(merge *m, const product *first, const product *p) {
    size_t size = sinter_dtype_size(m->old->values[p->weights].type.dtype);
    return first->x == p->x && first->transposed == p->transposed && first->k == p->k &&
           (first->add >= 0) == (p->add >= 0) &&
           (size_t)(first->columns + p->n) < MAX_MERGED_BYTES / size / (size_t)(p->k + 1) &&
           ((first->viewed && p->viewed) || meet(m, first, p));
}

/* Puts product number `index` into the group of an earlier one; recent[value]: the last product that reads it, + 1. */
static void choose_group(merge *m, int index, int *recent) {
    product *p = &m->products[index];
    p->group = index;
    p->columns = p->n;
    p->members = 1;
    p->before = recent[p->x] - 1;
    recent[p->x] = index + 1;
    for (int i = p->before, tries = 0; i >= 0 && tries < MAX_TRIES; i = m->products[i].before, ++tries) {
        product *first = &m->products[m->products[i].group];
        if (!fits_group(m, first, p)) continue;
        p->group = first->group;
        p->offset = first->columns;
        first->columns += p->n;
        ++first->members;
        return;
    }
}

static bool find_groups(merge *m, int *recent) {
    for (size_t n = 0; n < m->old->node_count; ++n) {
        product p;
        if (m->old->nodes[n].op->kind != SNI_OP_CONTRACT || !find_product(m, (int)n, &p)) continue;
        if (!SNI_RESERVE(m->products, m->capacity, m->count + 1)) return false;
        m->products[m->count++] = p;
        m->of_node[n] = (int)m->count;
        if (p.add >= 0) m->of_node[p.add] = (int)m->count;
        choose_group(m, (int)m->count - 1, recent);
    }
    return true;
}

/* Who reads each value. */
static bool find_users(merge *m) {
    const sinter_graph *graph = m->old;
    size_t edges = 0, values = graph->value_count;
    for (size_t n = 0; n < graph->node_count; ++n) edges += (size_t)graph->nodes[n].in_count;
    m->users = sni_malloc((edges + 1) * sizeof *m->users);
    m->user_start = sni_calloc(values + 2, sizeof *m->user_start);
    m->is_output = sni_calloc(values + 1, sizeof *m->is_output);
    m->of_node = sni_calloc(graph->node_count + 1, sizeof *m->of_node);
    m->mark = sni_calloc(graph->node_count + 1, sizeof *m->mark);
    if (!m->users || !m->user_start || !m->is_output || !m->of_node || !m->mark) return false;
    for (size_t o = 0; o < graph->output_count; ++o) m->is_output[graph->outputs[o].value] = true;
    for (size_t n = 0; n < graph->node_count; ++n)
        for (int i = 0; i < graph->nodes[n].in_count; ++i) ++m->user_start[graph->nodes[n].in[i] + 1];
    for (size_t v = 0; v < values; ++v) m->user_start[v + 1] += m->user_start[v];
    for (size_t n = graph->node_count; n-- > 0;) /* from the end, so that the starts come out where they belong */
        for (int i = 0; i < graph->nodes[n].in_count; ++i)
            m->users[--m->user_start[graph->nodes[n].in[i] + 1]] = (int)n;
    for (size_t v = 0; v < values; ++v) m->user_start[v] = m->user_start[v + 1];
    m->user_start[values] = (int)edges;
    return true;
}

/* ---- building ------------------------------------------------------------------------------- */

/* Puts the members' rows beside each other: `rows` rows of n elements each, one after the other where a member's
 * whole matrix is one row. */
static uint32_t join(sinter_graph *graph, const merge *m, int group, bool biases) {
    const product *first = &m->products[group];
    sinter_dtype dtype = m->old->values[first->weights].type.dtype;
    size_t size = sinter_dtype_size(dtype);
    bool whole = biases || first->transposed;
    size_t rows = whole ? 1 : (size_t)first->k, width = biases || !whole ? 1 : (size_t)first->k;
    size_t pitch = (size_t)first->columns * width * size;
    char *data = sni_malloc(rows * pitch);
    if (!data) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return 0;
    }
    int left = first->members;
    for (size_t i = (size_t)group; i < m->count && left > 0; ++i) {
        const product *p = &m->products[i];
        if (p->group != group) continue;
        --left;
        const char *from = sni_blob_data(m->old->values[biases ? p->bias : p->weights].blob);
        size_t bytes = (size_t)p->n * width * size;
        for (size_t r = 0; r < rows; ++r)
            memcpy(data + r * pitch + (size_t)p->offset * width * size, from + r * bytes, bytes);
    }
    sni_type type = {.dtype = dtype, .rank = biases ? 1 : 2};
    sni_expr columns = sni_sym_const(graph->sym, first->columns);
    sni_expr k = sni_sym_const(graph->sym, first->k);
    type.dims[0] = whole ? columns : k;
    type.dims[1] = whole ? k : columns;
    return sni_graph_add_constant(graph, &type, sni_blob_borrow(data, rows * pitch, sni_free, data));
}

/* The whole group's product, built when the first member is met; with the biases when the first addition is. */
static uint32_t merged(sinter_graph *graph, merge *m, int group, uint32_t x, bool biased) {
    product *first = &m->products[group];
    if (first->merged[biased]) return first->merged[biased];
    if (biased) {
        first->merged[1] = sni_make_binary(graph, "add", first->merged[0], join(graph, m, group, true));
    } else {
        uint32_t weights = join(graph, m, group, false);
        if (first->transposed) weights = sni_make_transpose(graph, weights, (int64_t[]){1, 0});
        first->merged[0] = sni_make_binary(graph, "matmul", x, weights);
    }
    return first->merged[biased];
}

/* A member's columns. */
static uint32_t columns_of(sinter_graph *graph, const product *p, uint32_t whole) {
    sni_type type = sni_make_type(graph, whole);
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int i = 0; i < type.rank; ++i) {
        starts[i] = sni_sym_const(graph->sym, i == type.rank - 1 ? p->offset : 0);
        steps[i] = sni_sym_const(graph->sym, 1);
    }
    if (!whole) return 0;
    type.dims[type.rank - 1] = sni_sym_const(graph->sym, p->n);
    return sni_make_slice(graph, whole, starts, steps, type.dims);
}

static bool rewrite(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    merge *m = rewriter->state;
    int index = (int)(node - rewriter->old->nodes);
    if (m->of_node[index] == 0) return false;
    const product *p = &m->products[m->of_node[index] - 1];
    if (m->products[p->group].members < 2) return false;
    uint32_t whole = merged(rewriter->graph, m, p->group, ins[0], p->add == index);
    outs[0] = columns_of(rewriter->graph, p, whole);
    return true;
}

sinter_status sni_pass_merge(const sinter_graph *graph, sinter_graph **out_graph) {
    merge m = {.old = graph};
    int *recent = sni_calloc(graph->value_count + 1, sizeof *recent);
    *out_graph = NULL;
    sinter_status status = recent && find_users(&m) && find_groups(&m, recent)
                               ? sni_pass_run(graph, "merge", rewrite, &m, out_graph)
                               : sni_out_of_memory("a pass");
    sni_free(recent);
    sni_free(m.products);
    sni_free(m.of_node);
    sni_free(m.users);
    sni_free(m.user_start);
    sni_free(m.is_output);
    sni_free(m.mark);
    return status;
}
