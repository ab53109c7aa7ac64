/* Few long scans keep few of a device's units busy. They become scans of parts, and what stands before each part:
 *
 *     x [before, n, after] -> [before, parts, n / parts, after]
 *     totals = reduction of each part;  carried = exclusive scan of the totals
 *     scan of each part, combined with what was carried to it
 *
 * Where n is no multiple, what is missing is padded with what the scan starts with: all of it views, so what computes the
 * elements is fused in front of both kernels, and what uses the scan behind the second. */
#include "op/rule.h"
#include "rewrite/make.h"
#include "rewrite/pass.h"

#define GUESS 512.0 /* of a symbolic dimension */

enum { BEFORE, LENGTH, AFTER, CUT_RANK };

typedef struct scan {
    const sni_node *node;
    sni_type type;
    sni_expr dims[3]; /* before, n, after */
    int64_t lines;
    bool columns; /* the lines lie across memory */
} scan;

/* The operators that do what a combiner does, to two values and along an axis. */
static const struct {
    const char *binary, *reduce;
} operators[] = {
    [SNI_COMBINE_SUM] = {"add", "reduce_sum"},
    [SNI_COMBINE_PROD] = {"mul", "reduce_prod"},
    [SNI_COMBINE_MAX] = {"max", "reduce_max"},
    [SNI_COMBINE_MIN] = {"min", "reduce_min"},
};

/* false: the number of lines is not known. */
static bool look(const sni_rewriter *rewriter, const sni_node *node, scan *s) {
    sni_sym *sym = rewriter->graph->sym;
    s->node = node;
    s->type = rewriter->old->values[node->out[0]].type;
    int axis = sni_axis(node->attrs[SNI_SCAN_AXIS].i, s->type.rank);
    s->dims[BEFORE] = sni_make_product(rewriter->graph, s->type.dims, 0, axis);
    s->dims[LENGTH] = s->type.dims[axis];
    s->dims[AFTER] = sni_make_product(rewriter->graph, s->type.dims, axis + 1, s->type.rank);
    s->columns = !sni_sym_is(sym, s->dims[AFTER], 1);
    sni_expr lines = sni_sym_mul(sym, s->dims[BEFORE], s->dims[AFTER]);
    return sni_sym_is_const(sym, lines, &s->lines) && s->lines > 0;
}

/* How many parts; below 2: none. A divisor of the length where there is one nearby. */
static int64_t choose_parts(const sni_sym *sym, const scan *s, const sni_split_options *options) {
    double length = sni_sym_estimate(sym, s->dims[LENGTH], GUESS);
    const sni_split_rule *rule = s->columns ? &options->columns : &options->rows;
    if (length < rule->least_length) return 0;
    int64_t parts = rule->wanted / s->lines, known;
    if ((double)parts > length / rule->least_part) parts = (int64_t)(length / rule->least_part);
    if (!sni_sym_is_const(sym, s->dims[LENGTH], &known)) return parts;
    for (int64_t p = parts; p > 1 && p > parts / 2; --p)
        if (known % p == 0) return p;
    return parts;
}

/* x with its length made whole. */
static uint32_t fill_up(sinter_graph *graph, uint32_t x, sni_expr missing, sni_combiner combiner) {
    sni_expr zero = sni_sym_const(graph->sym, 0), low[3] = {zero, zero, zero}, high[3] = {zero, missing, zero};
    if (!x || sni_sym_is(graph->sym, missing, 0)) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(graph, 3, low), sni_attr_exprs(graph, 3, high), sni_attr_int(0),
                                     sni_attr_float(sni_combiner_padding(combiner, sni_make_type(graph, x).dtype))};
    return sni_graph_add1(graph, "pad", 1, &x, attrs);
}

/* The first elements along the length of x. */
static uint32_t cut_off(sinter_graph *graph, uint32_t x, const sni_expr *dims) {
    sni_sym *sym = graph->sym;
    sni_expr zero = sni_sym_const(sym, 0), one = sni_sym_const(sym, 1);
    return sni_make_slice(graph, x, (sni_expr[]){zero, zero, zero}, (sni_expr[]){one, one, one}, dims);
}

static uint32_t scan_along(sinter_graph *graph, const scan *s, uint32_t x, int axis, bool exclusive) {
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SCAN_AXIS] = sni_attr_int(axis),
                                     [SNI_SCAN_EXCLUSIVE] = sni_attr_int(exclusive),
                                     [SNI_SCAN_REVERSE] = s->node->attrs[SNI_SCAN_REVERSE]};
    return sni_graph_add1(graph, s->node->op->name, 1, &x, attrs);
}

static uint32_t build(sinter_graph *graph, const scan *s, uint32_t x, int64_t parts) {
    sni_sym *sym = graph->sym;
    sni_combiner combiner = s->node->op->combiner;
    sni_expr number = sni_sym_const(sym, parts), each = sni_sym_ceil_div(sym, s->dims[LENGTH], number);
    sni_expr whole = sni_sym_mul(sym, each, number);
    sni_expr cut[4] = {s->dims[BEFORE], number, each, s->dims[AFTER]};
    sni_expr kept[4] = {s->dims[BEFORE], number, sni_sym_const(sym, 1), s->dims[AFTER]};
    sni_expr joined[3] = {s->dims[BEFORE], whole, s->dims[AFTER]};
    x = sni_make_reshape(graph, sni_make_wide(graph, x), 3, s->dims);
    x = fill_up(graph, x, sni_sym_sub(sym, whole, s->dims[LENGTH]), combiner);
    x = sni_make_reshape(graph, x, 4, cut);
    uint32_t totals = sni_make_reduce(graph, operators[combiner].reduce, x, 1u << 2, false);
    uint32_t carried = sni_make_reshape(graph, scan_along(graph, s, totals, 1, true), 4, kept);
    uint32_t own = scan_along(graph, s, x, 2, s->node->attrs[SNI_SCAN_EXCLUSIVE].i != 0);
    uint32_t y = sni_make_binary(graph, operators[combiner].binary, carried, own);
    y = cut_off(graph, sni_make_reshape(graph, y, 3, joined), s->dims);
    return sni_make_cast(graph, sni_make_reshape(graph, y, s->type.rank, s->type.dims), s->type.dtype);
}

static bool split(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    scan s;
    if (node->op->kind != SNI_OP_SCAN || !look(rewriter, node, &s)) return false;
    int64_t parts = choose_parts(rewriter->graph->sym, &s, rewriter->state);
    if (parts < 2) return false;
    outs[0] = build(rewriter->graph, &s, ins[0], parts);
    return true;
}

sinter_status sni_pass_split_scan(const sinter_graph *graph, const sni_split_options *options,
                                  sinter_graph **out_graph) {
    return sni_pass_run(graph, "split scan", split, (void *)options, out_graph);
}
