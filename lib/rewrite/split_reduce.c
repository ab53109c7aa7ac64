/* Few long reductions keep few of a GPU's units busy. They become reductions of parts, as many as the device has room for,
 * and a reduction of the parts' results:
 *
 *     rows      [P, N] -> [P, parts, N / parts] -> [P, parts] -> [P]
 *     columns   [N, P] -> [parts, N / parts, P] -> [parts, P] -> [P]
 *
 * Where N is no multiple, what is missing is padded with what the reduction starts with: all of it views, so what computes
 * the elements is still fused in front. */
#include "rewrite/split.h"

#define GUESS 512.0 /* of a symbolic dimension */

bool sni_split_look(const sni_rewriter *rewriter, const sni_node *reduce, sni_split *out) {
    sni_sym *sym = rewriter->graph->sym;
    out->in = rewriter->old->values[reduce->in[0]].type;
    uint32_t axes;
    if (!sni_axes(sym, &reduce->attrs[SNI_REDUCE_AXES], out->in.rank, &axes)) return false;
    sni_expr count = sni_sym_const(sym, 1);
    int changes = 0;
    out->length = count;
    for (int d = 0; d < out->in.rank; ++d) {
        if (d > 0 && (axes >> d & 1) != (axes >> (d - 1) & 1)) ++changes;
        sni_expr *product = axes >> d & 1 ? &out->length : &count;
        *product = sni_sym_mul(sym, *product, out->in.dims[d]);
    }
    out->columns = changes == 1 && (axes & 1);
    return out->in.rank > 0 && changes <= 1 && sni_sym_is_const(sym, count, &out->count) && out->count > 0;
}

int64_t sni_split_parts(const sni_sym *sym, const sni_split *split, const sni_split_options *options) {
    double length = sni_sym_estimate(sym, split->length, GUESS);
    const sni_split_rule *rule = split->columns ? &options->columns : &options->rows;
    if (length < rule->least_length) return 0;
    int64_t parts = rule->wanted / split->count, known;
    if ((double)parts > length / rule->least_part) parts = (int64_t)(length / rule->least_part);
    if (!sni_sym_is_const(sym, split->length, &known)) return parts;
    for (int64_t p = parts; p > 1 && p > parts / 2; --p)
        if (known % p == 0) return p;
    return parts;
}

/* x [P, N] or [N, P] with N made a multiple of parts. */
static uint32_t fill_up(sinter_graph *graph, uint32_t x, const sni_split *split, sni_expr missing,
                        sni_combiner combiner) {
    sni_expr zero = sni_sym_const(graph->sym, 0), low[2] = {zero, zero}, high[2] = {zero, zero};
    high[split->columns ? 0 : 1] = missing;
    if (!x || sni_sym_is(graph->sym, missing, 0)) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(graph, 2, low), sni_attr_exprs(graph, 2, high), sni_attr_int(0),
                                     sni_attr_float(sni_combiner_padding(combiner, sni_make_type(graph, x).dtype))};
    return sni_graph_add1(graph, "pad", 1, &x, attrs);
}

uint32_t sni_split_cut(sinter_graph *graph, uint32_t x, const sni_split *split, int64_t parts, sni_combiner combiner) {
    sni_sym *sym = graph->sym;
    sni_expr number = sni_sym_const(sym, parts), count = sni_sym_const(sym, split->count);
    sni_expr each = sni_sym_ceil_div(sym, split->length, number), whole = sni_sym_mul(sym, each, number);
    sni_expr flat[2] = {count, split->length}, cut[3] = {count, number, each};
    if (split->columns) {
        flat[0] = split->length, flat[1] = count;
        cut[0] = number, cut[1] = each, cut[2] = count;
    }
    x = sni_make_reshape(graph, sni_make_wide(graph, x), 2, flat);
    x = fill_up(graph, x, split, sni_sym_sub(sym, whole, split->length), combiner);
    return sni_make_reshape(graph, x, 3, cut);
}

uint32_t sni_split_inside(const sni_split *split) {
    return split->columns ? 1u << 1 : 1u << 2;
}
uint32_t sni_split_across(const sni_split *split) {
    return split->columns ? 1u << 0 : 1u << 1;
}

static bool split_reduce(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    sinter_graph *graph = rewriter->graph;
    sni_split split;
    if (node->op->kind != SNI_OP_REDUCE || !sni_split_look(rewriter, node, &split)) return false;
    int64_t parts = sni_split_parts(graph->sym, &split, rewriter->state);
    if (parts < 2) return false;
    uint32_t x = sni_split_cut(graph, ins[0], &split, parts, node->op->combiner);
    x = sni_make_reduce(graph, node->op->name, x, sni_split_inside(&split), false);
    x = sni_make_reduce(graph, node->op->name, x, sni_split_across(&split), false);
    const sni_type *out = &rewriter->old->values[node->out[0]].type;
    outs[0] = sni_make_cast(graph, sni_make_reshape(graph, x, out->rank, out->dims), out->dtype);
    return true;
}

sinter_status sni_pass_split_reduce(const sinter_graph *graph, const sni_split_options *options,
                                    sinter_graph **out_graph) {
    return sni_pass_run(graph, "split reduce", split_reduce, (void *)options, out_graph);
}
