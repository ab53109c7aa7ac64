/* Matrix products of one input with several constant matrices (Q, K and V of attention) become one product with the
 * matrices side by side, and slices of it. Where elementwise work follows a product directly it stays alone: that work
 * is its epilogue already. */
#include <string.h>

#include "rewrite/make.h"
#include "rewrite/pass.h"

#define MAX_MERGED_BYTES ((size_t)256 << 20)

/* A product x * w, or x * transpose(w), with a bias added on demand. Indices and ids are the old graph's. */
typedef struct product {
    int node, add;         /* add: -1 for none */
    uint32_t x, weights, bias;
    bool transposed;       /* the constant is [N, K] */
    int64_t k, n;
    int group;             /* index of the first product of its group */
    int64_t offset;        /* of its columns in the group's */
    uint32_t merged[2];    /* of the first one: new ids without and with the biases */
    int64_t columns;       /* of the first one: of the whole group */
    int members;           /* of the first one */
} product;

typedef struct merge {
    const sinter_graph *old;
    product *products;
    size_t count, capacity;
} merge;

/* ---- finding -------------------------------------------------------------------------------- */

static const sni_value *constant(const sinter_graph *graph, uint32_t id, int rank) {
    const sni_value *value = sni_graph_value(graph, id);
    return value && value->blob && value->type.rank == rank ? value : NULL;
}

static bool is_op(const sni_node *node, const char *op) { return strcmp(node->op->name, op) == 0; }

static bool find_weights(const sinter_graph *graph, const sni_node *node, product *p) {
    uint32_t id = node->in[1];
    int producer = graph->values[id].producer;
    if (producer >= 0 && is_op(&graph->nodes[producer], "transpose") &&
        graph->values[id].type.rank == 2) {
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

static bool is_output(const sinter_graph *graph, uint32_t id) {
    for (size_t o = 0; o < graph->output_count; ++o)
        if (graph->outputs[o].value == id) return true;
    return false;
}

/* The node after from that reads the value, -1 when there is none. */
static int next_user(const sinter_graph *graph, uint32_t id, int from) {
    for (size_t n = (size_t)(from + 1); n < graph->node_count; ++n)
        for (int i = 0; i < graph->nodes[n].in_count; ++i)
            if (graph->nodes[n].in[i] == id) return (int)n;
    return -1;
}

/* Does nothing but views read the value, also behind reshapes that keep its rows? */
static bool only_viewed(const sinter_graph *graph, uint32_t id, int from) {
    if (is_output(graph, id)) return false;
    const sni_type *type = &graph->values[id].type;
    for (int n = next_user(graph, id, from); n >= 0; n = next_user(graph, id, n)) {
        const sni_node *node = &graph->nodes[n];
        if (node->op->kind != SNI_OP_VIEW) return false;
        const sni_type *out = &graph->values[node->out[0]].type;
        bool rows = is_op(node, "reshape") && out->rank > 0 && type->rank > 0 &&
                    out->dims[out->rank - 1] == type->dims[type->rank - 1];
        if (rows && !only_viewed(graph, node->out[0], n)) return false;
    }
    return true;
}

/* The addition of a constant row that is the product's only use. */
static void find_bias(const sinter_graph *graph, const sni_node *node, product *p) {
    int user = next_user(graph, node->out[0], p->node);
    if (user < 0 || is_output(graph, node->out[0]) || !is_op(&graph->nodes[user], "add") ||
        next_user(graph, node->out[0], user) >= 0)
        return;
    const sni_node *add = &graph->nodes[user];
    uint32_t other = add->in[0] == node->out[0] ? add->in[1] : add->in[0];
    const sni_value *bias = constant(graph, other, 1);
    if (!bias || !sni_sym_is(graph->sym, bias->type.dims[0], p->n)) return;
    p->add = user;
    p->bias = other;
}

static bool find_product(const sinter_graph *graph, int index, product *p) {
    const sni_node *node = &graph->nodes[index];
    *p = (product){.node = index, .add = -1, .x = node->in[0], .group = -1};
    if (node->op->kind != SNI_OP_CONTRACT || !find_weights(graph, node, p)) return false;
    find_bias(graph, node, p);
    int last = p->add >= 0 ? p->add : index;
    return only_viewed(graph, graph->nodes[last].out[0], last);
}

static bool fits_group(const sinter_graph *graph, const product *first, const product *p) {
    size_t size = sinter_dtype_size(graph->values[p->weights].type.dtype);
    return first->x == p->x && first->transposed == p->transposed && first->k == p->k &&
           (first->add >= 0) == (p->add >= 0) &&
           (size_t)(first->columns + p->n) < MAX_MERGED_BYTES / size / (size_t)(p->k + 1);
}

static bool find_groups(merge *m) {
    for (size_t n = 0; n < m->old->node_count; ++n) {
        product p;
        if (m->old->nodes[n].op->kind != SNI_OP_CONTRACT || !find_product(m->old, (int)n, &p))
            continue;
        if (!SNI_RESERVE(m->products, m->capacity, m->count + 1)) return false;
        p.group = (int)m->count;
        for (size_t i = 0; i < m->count; ++i) {
            product *first = &m->products[i];
            if (first->group != (int)i || !fits_group(m->old, first, &p)) continue;
            p.group = (int)i;
            p.offset = first->columns;
            first->columns += p.n;
            ++first->members;
            break;
        }
        if (p.group == (int)m->count) {
            p.columns = p.n;
            p.members = 1;
        }
        m->products[m->count++] = p;
    }
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
    for (size_t i = (size_t)group; i < m->count; ++i) {
        const product *p = &m->products[i];
        if (p->group != group) continue;
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
    return sni_graph_add_constant(graph, &type,
                                  sni_blob_borrow(data, rows * pitch, sni_free, data));
}

/* The whole group's product, built when the first member is met; with the biases when the first addition is. */
static uint32_t merged(sinter_graph *graph, merge *m, int group, uint32_t x, bool biased) {
    product *first = &m->products[group];
    if (first->merged[biased]) return first->merged[biased];
    if (biased) {
        first->merged[1] = sni_make_binary(graph, "add", first->merged[0],
                                           join(graph, m, group, true));
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

static bool rewrite(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins,
                    uint32_t *outs) {
    merge *m = rewriter->state;
    int index = (int)(node - rewriter->old->nodes);
    for (size_t i = 0; i < m->count; ++i) {
        const product *p = &m->products[i];
        if (p->node != index && p->add != index) continue;
        if (m->products[p->group].members < 2) return false;
        uint32_t whole = merged(rewriter->graph, m, p->group, ins[0], p->add == index);
        outs[0] = columns_of(rewriter->graph, p, whole);
        return true;
    }
    return false;
}

sinter_status sni_pass_merge(const sinter_graph *graph, sinter_graph **out_graph) {
    merge m = {.old = graph};
    *out_graph = NULL;
    sinter_status status = find_groups(&m) ? sni_pass_run(graph, "merge", rewrite, &m, out_graph)
                                           : sni_out_of_memory("a pass");
    sni_free(m.products);
    return status;
}
