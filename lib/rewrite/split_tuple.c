/* Few long rows whose reductions follow each other: softmax, its logarithm, the position of the largest, mean and variance.
 *
 * Each part of a row has a leader and followers of its own, which one kernel computes from one look at the part; a small
 * kernel brings the parts' followers to what the program took from the row's leader, and sums them:
 *
 *     most = max(x), sum(exp(x - u))   part: most_p, sum_p = sum(exp(x - most_p or 0))    sum(sum_p * exp(most_p - u))
 *     most = max(x), min(is most? i)   part: most_p, at_p                                 min(most_p is most? at_p)
 *     total = sum(x), sum((x - u)^2)   part: total_p, q_p = sum((x - total_p / n)^2)      sum(q_p + n (total_p / n - u)^2)
 *
 * These are the tuples of lib/op/combiner.inc, written as nodes. */
#include <string.h>

#include "rewrite/split.h"

typedef struct tuples {
    const sni_split_options *options;
    bool *leads; /* by old node: a reduction that a follower waits for */
} tuples;

/* What a follower is made of, as values of the old graph. */
typedef struct follower {
    const sni_node *reduce;
    sni_tuple tuple;
    uint32_t x, u, y; /* y: SELECTED, what is selected */
    int leader;       /* node */
} follower;

/* ---- Finding ---------------------------------------------------------------------------------- */

static const sni_node *producer(const sinter_graph *g, uint32_t value, const char *op) {
    int node = g->values[value].producer;
    return node >= 0 && strcmp(g->nodes[node].op->name, op) == 0 ? &g->nodes[node] : NULL;
}

static bool same_axes(const sinter_graph *g, const sni_node *a, const sni_node *b) {
    uint32_t first, second;
    int rank = g->values[a->in[0]].type.rank;
    return rank == g->values[b->in[0]].type.rank && sni_axes(g->sym, &a->attrs[SNI_REDUCE_AXES], rank, &first) &&
           sni_axes(g->sym, &b->attrs[SNI_REDUCE_AXES], rank, &second) && first == second;
}

/* The reduction of x with one of the leaders' combiners and keepdims that `from` is or depends on, a few nodes back. */
static int find_leader(const sinter_graph *g, const follower *f, uint32_t from, int depth) {
    int at = g->values[from].producer;
    if (at < 0 || depth > 4) return -1;
    const sni_node *node = &g->nodes[at];
    if (node->op->kind == SNI_OP_REDUCE) {
        bool leads = node->in[0] == f->x && node->attrs[SNI_REDUCE_KEEPDIMS].i != 0 && same_axes(g, node, f->reduce) &&
                     (sni_tuple_row_of(f->tuple)->leaders >> node->op->combiner & 1u) != 0;
        return leads ? at : -1;
    }
    for (int i = 0; i < node->in_count && node->op->kind == SNI_OP_ELEMENTWISE; ++i) {
        int found = find_leader(g, f, node->in[i], depth + 1);
        if (found >= 0) return found;
    }
    return -1;
}

/* x - u: of a row, so u has 1 where x is reduced. */
static bool take_difference(const sinter_graph *g, uint32_t value, follower *f) {
    const sni_node *sub = producer(g, value, "sub");
    if (!sub) return false;
    f->x = sub->in[0];
    f->u = sub->in[1];
    f->leader = find_leader(g, f, f->u, 0);
    return f->leader >= 0 && g->values[f->u].type.rank == g->values[f->x].type.rank &&
           memcmp(g->values[f->u].type.dims, g->values[g->nodes[f->leader].out[0]].type.dims,
                  sizeof(sni_expr) * (size_t)g->values[f->x].type.rank) == 0;
}

static bool find_rescaled(const sinter_graph *g, follower *f) {
    const sni_node *exp = producer(g, f->reduce->in[0], "exp");
    return f->reduce->op->combiner == SNI_COMBINE_SUM && exp && take_difference(g, exp->in[0], f);
}

static bool find_centred(const sinter_graph *g, follower *f) {
    const sni_node *square = producer(g, f->reduce->in[0], "mul");
    return f->reduce->op->combiner == SNI_COMBINE_SUM && square && square->in[0] == square->in[1] &&
           sni_dtype_is_real(g->values[square->in[0]].type.dtype) && take_difference(g, square->in[0], f);
}

/* where(x == most or is_nan(x), y, what the reduction starts with) */
static bool find_selected(const sinter_graph *g, follower *f) {
    const sni_node *where = producer(g, f->reduce->in[0], "where");
    if (!where || f->reduce->op->combiner != SNI_COMBINE_MIN) return false;
    const sni_node *either = producer(g, where->in[0], "or");
    const sni_node *equal = producer(g, either ? either->in[0] : where->in[0], "eq");
    const sni_value *never = &g->values[where->in[2]];
    if (!equal || !never->blob || never->type.dtype != SINTER_I32) return false;
    f->x = equal->in[0];
    f->u = equal->in[1];
    f->y = where->in[1];
    bool real = sni_dtype_is_real(g->values[f->x].type.dtype);
    const sni_node *nan = either ? producer(g, either->in[1], "is_nan") : NULL;
    if (real != (either != NULL) || (real && (!nan || nan->in[0] != f->x))) return false;
    double unused;
    int64_t start;
    sni_dtype_load(SINTER_I32, sni_blob_data(never->blob), 0, &unused, &start);
    f->leader = find_leader(g, f, f->u, 0);
    return start == INT32_MAX && f->leader >= 0 && g->nodes[f->leader].out[0] == f->u;
}

static bool (*const finders[SNI_TUPLE_COUNT])(const sinter_graph *g, follower *f) = {
    [SNI_TUPLE_RESCALED] = find_rescaled,
    [SNI_TUPLE_SELECTED] = find_selected,
    [SNI_TUPLE_CENTRED] = find_centred,
};

static bool find_follower(const sinter_graph *g, const sni_node *reduce, follower *out) {
    for (int tuple = SNI_TUPLE_NONE + 1; reduce->op->kind == SNI_OP_REDUCE && tuple < SNI_TUPLE_COUNT; ++tuple) {
        *out = (follower){.reduce = reduce, .tuple = (sni_tuple)tuple, .leader = -1};
        if (finders[tuple] && finders[tuple](g, out)) return true;
    }
    return false;
}

/* How many parts the reduction should have; 0: it stays whole. Squares cannot be padded. */
static int64_t parts_of(const sni_rewriter *rewriter, const sni_node *reduce, sni_tuple tuple, sni_split *split) {
    const tuples *t = rewriter->state;
    int64_t length;
    if (!sni_split_look(rewriter, reduce, split)) return 0;
    int64_t parts = sni_split_parts(rewriter->graph->sym, split, t->options);
    if (tuple == SNI_TUPLE_CENTRED &&
        (parts < 2 || !sni_sym_is_const(rewriter->graph->sym, split->length, &length) || length % parts != 0))
        return 0;
    return parts < 2 ? 0 : parts;
}

/* ---- Building --------------------------------------------------------------------------------- */

/* What all followers of a leader need: the cut x, and the parts' leaders. */
typedef struct parted {
    sinter_graph *graph;
    const sni_split *split;
    int64_t parts;
    sni_expr each;
    uint32_t x, leader; /* leader: with the dimension of what it reduced */
} parted;

static uint32_t make_cut(const parted *p, uint32_t value, sni_combiner combiner) {
    return sni_split_cut(p->graph, value, p->split, p->parts, combiner);
}

/* [P, parts, 1] or [parts, 1, P] as [P, parts] or [parts, P]. */
static uint32_t without_part(const parted *p, uint32_t value) {
    sni_sym *sym = p->graph->sym;
    sni_expr count = sni_sym_const(sym, p->split->count), parts = sni_sym_const(sym, p->parts);
    sni_expr dims[2] = {p->split->columns ? parts : count, p->split->columns ? count : parts};
    return sni_make_reshape(p->graph, value, 2, dims);
}

/* A value of the row as [P, 1] or [1, P]. */
static uint32_t of_row(const parted *p, uint32_t value) {
    sni_sym *sym = p->graph->sym;
    sni_expr count = sni_sym_const(sym, p->split->count), one = sni_sym_const(sym, 1);
    sni_expr dims[2] = {p->split->columns ? one : count, p->split->columns ? count : one};
    return sni_make_reshape(p->graph, value, 2, dims);
}

static uint32_t reduce_part(const parted *p, const char *op, uint32_t value) {
    return sni_make_reduce(p->graph, op, value, sni_split_inside(p->split), true);
}

static uint32_t merge_rescaled(const parted *p, uint32_t u) {
    sinter_graph *g = p->graph;
    uint32_t zero = sni_make_scalar(g, sni_make_type(g, p->leader).dtype, 0);
    uint32_t finite = sni_make_where(g, sni_make_unary(g, "is_inf", p->leader), zero, p->leader);
    uint32_t sum = sni_make_unary(g, "exp", sni_make_binary(g, "sub", p->x, finite));
    sum = without_part(p, reduce_part(p, "reduce_sum", sum));
    uint32_t factor = sni_make_unary(g, "exp", sni_make_binary(g, "sub", without_part(p, p->leader), of_row(p, u)));
    return sni_make_binary(g, "mul", sum, factor);
}

static uint32_t merge_centred(const parted *p, uint32_t u) {
    sinter_graph *g = p->graph;
    uint32_t count = sni_make_expr(g, p->each, sni_make_type(g, p->x).dtype);
    uint32_t mean = sni_make_binary(g, "div", p->leader, count);
    uint32_t each = sni_make_binary(g, "sub", p->x, mean);
    uint32_t squares = without_part(p, reduce_part(p, "reduce_sum", sni_make_binary(g, "mul", each, each)));
    uint32_t shift = sni_make_binary(g, "sub", without_part(p, mean), of_row(p, u));
    uint32_t more = sni_make_binary(g, "mul", shift, sni_make_binary(g, "mul", shift, count));
    return sni_make_binary(g, "add", squares, more);
}

static uint32_t is_extreme(sinter_graph *g, uint32_t x, uint32_t extreme) {
    uint32_t here = sni_make_binary(g, "eq", x, extreme);
    if (!sni_dtype_is_real(sni_make_type(g, x).dtype)) return here;
    return sni_make_binary(g, "or", here, sni_make_unary(g, "is_nan", x));
}

static uint32_t merge_selected(const parted *p, uint32_t u, uint32_t y) {
    sinter_graph *g = p->graph;
    uint32_t never = sni_make_scalar(g, SINTER_I32, INT32_MAX);
    uint32_t at = sni_make_where(g, is_extreme(g, p->x, p->leader), make_cut(p, y, SNI_COMBINE_MIN), never);
    at = without_part(p, reduce_part(p, "reduce_min", at));
    return sni_make_where(g, is_extreme(g, without_part(p, p->leader), of_row(p, u)), at, never);
}

/* y with x's shape: positions are the same for all rows. */
static uint32_t expanded(const sni_rewriter *rewriter, const follower *f, uint32_t y) {
    const sni_type *type = &rewriter->old->values[f->x].type;
    sni_attr shape[SNI_MAX_ATTRS] = {sni_attr_exprs(rewriter->graph, type->rank, type->dims)};
    return sni_graph_add1(rewriter->graph, "expand", 1, &y, shape);
}

/* The graph's own value as the wide arithmetic of parts takes it. */
static uint32_t row_value(const sni_rewriter *rewriter, uint32_t old) {
    return sni_make_wide(rewriter->graph, rewriter->map[old]);
}

static parted part(const sni_rewriter *rewriter, const sni_node *leader, const sni_split *split, int64_t parts) {
    parted p = {rewriter->graph, split, parts, SNI_NO_EXPR, 0, 0};
    p.each = sni_sym_ceil_div(p.graph->sym, split->length, sni_sym_const(p.graph->sym, parts));
    p.x = make_cut(&p, rewriter->map[leader->in[0]], leader->op->combiner);
    p.leader = reduce_part(&p, leader->op->name, p.x);
    return p;
}

static uint32_t finish(const sni_rewriter *rewriter, const sni_node *reduce, const parted *p, uint32_t merged) {
    const sni_type *out = &rewriter->old->values[reduce->out[0]].type;
    merged = sni_make_reduce(p->graph, reduce->op->name, merged, sni_split_across(p->split), false);
    return sni_make_cast(p->graph, sni_make_reshape(p->graph, merged, out->rank, out->dims), out->dtype);
}

static bool split_tuple(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    const tuples *t = rewriter->state;
    sni_split split;
    follower f;
    (void)ins;
    if (node->op->kind != SNI_OP_REDUCE) return false;
    bool follows = find_follower(rewriter->old, node, &f);
    const sni_node *leader = follows ? &rewriter->old->nodes[f.leader] : node;
    if (!follows && !t->leads[node - rewriter->old->nodes]) return false;
    int64_t parts = parts_of(rewriter, leader, follows ? f.tuple : SNI_TUPLE_NONE, &split);
    if (parts == 0) return false;
    parted p = part(rewriter, leader, &split, parts);
    uint32_t merged = 0;
    if (!follows)
        merged = without_part(&p, p.leader);
    else if (f.tuple == SNI_TUPLE_RESCALED)
        merged = merge_rescaled(&p, row_value(rewriter, f.u));
    else if (f.tuple == SNI_TUPLE_CENTRED)
        merged = merge_centred(&p, row_value(rewriter, f.u));
    else
        merged = merge_selected(&p, row_value(rewriter, f.u), expanded(rewriter, &f, rewriter->map[f.y]));
    outs[0] = finish(rewriter, node, &p, merged);
    return true;
}

sinter_status sni_pass_split_tuple(const sinter_graph *graph, const sni_split_options *options,
                                   sinter_graph **out_graph) {
    tuples t = {options, sni_calloc(graph->node_count + 1, sizeof *t.leads)};
    *out_graph = NULL;
    if (!t.leads) return sni_out_of_memory("a pass");
    sni_rewriter reader = {.old = graph, .graph = (sinter_graph *)graph, .state = &t};
    for (size_t n = 0; n < graph->node_count; ++n) {
        follower f;
        sni_split split;
        if (find_follower(graph, &graph->nodes[n], &f) &&
            parts_of(&reader, &graph->nodes[f.leader], f.tuple, &split) > 0)
            t.leads[f.leader] = true;
    }
    sinter_status status = sni_pass_run(graph, "split tuple", split_tuple, &t, out_graph);
    sni_free(t.leads);
    return status;
}
