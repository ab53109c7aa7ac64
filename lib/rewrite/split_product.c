/* Matrix products with few rows and columns and a long sum keep few of a GPU's units busy. Their sum is cut into parts,
 * which become a batch of products, and a sum of the parts' results:
 *
 *     [.., M, K] x [K, N] -> [.., parts, M, K / parts] x [parts, K / parts, N] -> [.., parts, M, N] -> [.., M, N]
 *
 * The parts are views, so what computes the operands is still fused in front; what comes after the product is fused behind
 * the second sum. Parts of f16 and bf16 products are kept in f32, so that the result is rounded once. The order of the
 * sums is fixed: the same bits every time. */
#include <string.h>

#include "rewrite/make.h"
#include "rewrite/pass.h"

typedef struct product {
    sni_type a, b;
    int64_t rows, columns, length;
} product;

/* Products of dims[from..to), false when one of them is a name. */
static bool known(const sni_sym *sym, const sni_type *type, int from, int to, int64_t *out) {
    *out = 1;
    for (int d = from; d < to; ++d) {
        int64_t size;
        if (!sni_sym_is_const(sym, type->dims[d], &size) || size <= 0 || *out > INT32_MAX) return false;
        *out *= size;
    }
    return true;
}

/* One operand's batch makes more rows (or columns); where both have one, the second product of an attention is among
 * them, which belongs into one kernel with the first. */
static bool look(const sni_rewriter *rewriter, const sni_node *node, product *p) {
    const sni_sym *sym = rewriter->graph->sym;
    int64_t batch_a, batch_b;
    p->a = rewriter->old->values[node->in[0]].type;
    p->b = rewriter->old->values[node->in[1]].type;
    if (p->a.rank >= SINTER_MAX_RANK || p->b.rank >= SINTER_MAX_RANK || p->a.dtype == SINTER_F64) return false;
    if (!known(sym, &p->a, 0, p->a.rank - 2, &batch_a) || !known(sym, &p->b, 0, p->b.rank - 2, &batch_b)) return false;
    if (batch_a > 1 && batch_b > 1) return false;
    if (!known(sym, &p->a, p->a.rank - 2, p->a.rank - 1, &p->rows)) return false;
    if (!known(sym, &p->b, p->b.rank - 1, p->b.rank, &p->columns)) return false;
    if (!known(sym, &p->a, p->a.rank - 1, p->a.rank, &p->length)) return false;
    p->rows *= batch_a;
    p->columns *= batch_b;
    return true;
}

enum { NEAR = 16 /* nodes behind an operand that are looked at */ };

/* Is the operand a softmax's numerator, as far as one sees without passing another product? */
static bool exponential(const sinter_graph *graph, uint32_t value, int *left) {
    const sni_value *v = &graph->values[value];
    if (v->producer < 0 || (*left)-- <= 0) return false;
    const sni_node *node = &graph->nodes[v->producer];
    if (node->op->kind == SNI_OP_CONTRACT) return false;
    if (strcmp(node->op->name, "exp") == 0) return true;
    for (int i = 0; i < node->in_count; ++i)
        if (exponential(graph, node->in[i], left)) return true;
    return false;
}

static bool is_attention(const sinter_graph *graph, const sni_node *node) {
    int left = NEAR;
    return exponential(graph, node->in[0], &left);
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* How many parts; below 2: none. The largest divisor of the length, unless that is far from what is wanted. */
static int64_t choose_parts(const product *p, const sni_split_product_options *options) {
    bool matrix = p->a.dtype == SINTER_F16 ? options->matrix_f16 : p->a.dtype == SINTER_BF16 && options->matrix_bf16;
    int64_t least = p->rows < p->columns ? p->rows : p->columns;
    bool few = least <= (matrix ? options->few_matrix : options->few);
    const sni_split_product_rule *o = matrix && !few ? &options->matrix : &options->plain;
    int64_t tile = few ? options->few_columns : o->tile;
    int64_t tiles = ceil_div(p->rows, tile) * ceil_div(p->columns, tile);
    bool narrow = few || least <= o->narrow;
    bool planes = p->a.dtype == SINTER_F32 && options->planes_side > 0 && least >= options->planes_side;
    if (planes && p->length < options->planes_length) return 0;
    if (p->length < o->least_length || (!narrow && 4 * tiles > 3 * options->units)) return 0;
    int64_t groups = few ? 1 : narrow ? o->narrow_groups : o->groups;
    int64_t wanted = groups * options->units / tiles, most = p->length / o->least_part;
    if (wanted > most) wanted = most;
    for (int64_t parts = wanted; parts > 1 && parts > wanted / 2; --parts)
        if (p->length % parts == 0 && p->length / parts % o->multiple == 0) return parts;
    return wanted;
}

/* x with dimension axis filled up with zeros. */
static uint32_t fill_up(sinter_graph *graph, uint32_t x, int axis, int64_t missing) {
    sni_expr low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
    sni_type type = sni_make_type(graph, x);
    if (!x || missing == 0) return x;
    for (int d = 0; d < type.rank; ++d) low[d] = high[d] = sni_sym_const(graph->sym, 0);
    high[axis] = sni_sym_const(graph->sym, missing);
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(graph, type.rank, low), sni_attr_exprs(graph, type.rank, high),
                                     sni_attr_int(0), sni_attr_float(0)};
    return sni_graph_add1(graph, "pad", 1, &x, attrs);
}

/* Dimension axis becomes [parts, each]. */
static uint32_t cut(sinter_graph *graph, uint32_t x, int axis, int64_t parts, int64_t each) {
    sni_type type = sni_make_type(graph, x);
    sni_expr dims[SINTER_MAX_RANK];
    for (int d = 0; d < axis; ++d) dims[d] = type.dims[d];
    dims[axis] = sni_sym_const(graph->sym, parts);
    dims[axis + 1] = sni_sym_const(graph->sym, each);
    for (int d = axis + 1; d < type.rank; ++d) dims[d + 1] = type.dims[d];
    return x ? sni_make_reshape(graph, x, type.rank + 1, dims) : 0;
}

/* [.., M, parts, each] -> [.., parts, M, each] */
static uint32_t parts_first(sinter_graph *graph, uint32_t x) {
    sni_type type = sni_make_type(graph, x);
    int64_t perm[SINTER_MAX_RANK];
    for (int d = 0; d < type.rank; ++d) perm[d] = d;
    if (!x || type.rank < 3) return 0;
    perm[type.rank - 3] = type.rank - 2;
    perm[type.rank - 2] = type.rank - 3;
    return sni_make_transpose(graph, x, perm);
}

static bool split(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    sinter_graph *graph = rewriter->graph;
    product p;
    if (node->op->kind != SNI_OP_CONTRACT || !look(rewriter, node, &p)) return false;
    int64_t parts = choose_parts(&p, rewriter->state);
    if (parts < 2 || is_attention(rewriter->old, node)) return false;
    int64_t each = ceil_div(p.length, parts), missing = each * parts - p.length;
    uint32_t a = fill_up(graph, sni_make_wide(graph, ins[0]), p.a.rank - 1, missing);
    uint32_t b = fill_up(graph, sni_make_wide(graph, ins[1]), p.b.rank - 2, missing);
    a = parts_first(graph, cut(graph, a, p.a.rank - 1, parts, each));
    b = cut(graph, b, p.b.rank - 2, parts, each);
    uint32_t sums = sni_make_binary(graph, "matmul", a, b);
    int rank = sni_make_type(graph, sums).rank;
    sums = rank >= 3 ? sni_make_reduce(graph, "reduce_sum", sums, 1u << (rank - 3), false) : 0;
    outs[0] = sni_make_cast(graph, sums, rewriter->old->values[node->out[0]].type.dtype);
    return true;
}

sinter_status sni_pass_split_product(const sinter_graph *graph, const sni_split_product_options *options,
                                     sinter_graph **out_graph) {
    return sni_pass_run(graph, "split product", split, (void *)options, out_graph);
}
