/* Softmax and the normalisations. */
#include "rewrite/decompose.h"

/* ---- softmax -------------------------------------------------------------------------------- */

static uint32_t softmax(const sni_composite *c, bool logarithm) {
    sinter_graph *g = c->graph;
    uint32_t axis = 1u << sni_decompose_axis(c, SNI_SOFTMAX_AXIS, c->out.rank);
    uint32_t x = sni_make_wide(g, c->in[0]);
    uint32_t most = sni_make_reduce(g, "reduce_max", x, axis, true);
    uint32_t shifted = sni_make_binary(g, "sub", x, most);
    uint32_t each = sni_make_unary(g, "exp", shifted);
    uint32_t sum = sni_make_reduce(g, "reduce_sum", each, axis, true);
    uint32_t result = logarithm ? sni_make_binary(g, "sub", shifted, sni_make_unary(g, "log", sum))
                                : sni_make_binary(g, "div", each, sum);
    return sni_make_cast(g, result, c->out.dtype);
}

uint32_t sni_decompose_softmax(const sni_composite *c) {
    return softmax(c, false);
}
uint32_t sni_decompose_log_softmax(const sni_composite *c) {
    return softmax(c, true);
}

/* ---- normalisations ------------------------------------------------------------------------- */

/* 1 / sqrt(x + epsilon) */
static uint32_t inverse_root(sinter_graph *g, uint32_t x, double epsilon) {
    uint32_t small = sni_make_scalar(g, sni_make_type(g, x).dtype, epsilon);
    return sni_make_unary(g, "rsqrt", sni_make_binary(g, "add", x, small));
}

/* x over the root of its mean square along axes; centred first on demand. */
static uint32_t normalise(sinter_graph *g, uint32_t x, uint32_t axes, bool centred, double epsilon) {
    if (centred) x = sni_make_binary(g, "sub", x, sni_make_mean(g, x, axes));
    uint32_t square = sni_make_mean(g, sni_make_binary(g, "mul", x, x), axes);
    return sni_make_binary(g, "mul", x, inverse_root(g, square, epsilon));
}

/* x * scale + bias, either of which may be left out, as the result's dtype. */
static uint32_t apply(const sni_composite *c, uint32_t x, uint32_t scale, uint32_t bias) {
    sinter_graph *g = c->graph;
    if (scale) x = sni_make_binary(g, "mul", x, sni_make_wide(g, scale));
    if (bias) x = sni_make_binary(g, "add", x, sni_make_wide(g, bias));
    return sni_make_cast(g, x, c->out.dtype);
}

static uint32_t layer(const sni_composite *c, bool centred) {
    int axis = sni_decompose_axis(c, SNI_NORM_AXIS, c->out.rank);
    uint32_t axes = (1u << c->out.rank) - (1u << axis);
    uint32_t x = sni_make_wide(c->graph, c->in[0]);
    x = normalise(c->graph, x, axes, centred, c->node->attrs[SNI_NORM_EPSILON].f);
    return apply(c, x, c->in[1], c->in[2]);
}

uint32_t sni_decompose_layer_norm(const sni_composite *c) {
    return layer(c, true);
}
uint32_t sni_decompose_rms_norm(const sni_composite *c) {
    return layer(c, false);
}

/* A [C] parameter as [C, 1, 1, ...], so that it lies along dimension 1 of a value of this rank. */
static uint32_t along_channels(sinter_graph *g, uint32_t parameter, int rank) {
    sni_expr dims[SINTER_MAX_RANK] = {sni_make_type(g, parameter).dims[0]};
    for (int i = 1; i < rank - 1; ++i) dims[i] = sni_sym_const(g->sym, 1);
    return parameter ? sni_make_reshape(g, parameter, rank - 1, dims) : 0;
}

/* (x - mean) * (scale / sqrt(var + epsilon)) + bias: the factor is one number a channel, and
 * constant where the parameters are. */
uint32_t sni_decompose_batch_norm(const sni_composite *c) {
    sinter_graph *g = c->graph;
    uint32_t parameters[4];
    for (int i = 0; i < 4; ++i) parameters[i] = sni_make_wide(g, along_channels(g, c->in[1 + i], c->out.rank));
    uint32_t factor = inverse_root(g, parameters[3], c->node->attrs[SNI_CHANNEL_NORM_EPSILON].f);
    factor = sni_make_binary(g, "mul", parameters[0], factor);
    uint32_t x = sni_make_binary(g, "sub", sni_make_wide(g, c->in[0]), parameters[2]);
    return apply(c, x, factor, parameters[1]);
}

/* [N, C, ...] as [N, G, C/G, ...], normalised over all but the first two. The parameters are split in
 * the same way, so that nothing but views has to know of it. */
static uint32_t group_norm(const sni_composite *c, sni_expr groups, double epsilon) {
    sinter_graph *g = c->graph;
    int rank = c->out.rank + 1;
    sni_expr dims[SINTER_MAX_RANK], one = sni_sym_const(g->sym, 1);
    dims[0] = c->out.dims[0];
    dims[1] = groups;
    dims[2] = sni_sym_div(g->sym, c->out.dims[1], groups);
    for (int i = 3; i < rank; ++i) dims[i] = c->out.dims[i - 1];
    sni_expr split[SINTER_MAX_RANK] = {dims[1], dims[2]};
    for (int i = 2; i < rank - 1; ++i) split[i] = one;
    uint32_t x = sni_make_reshape(g, sni_make_wide(g, c->in[0]), rank, dims);
    x = normalise(g, x, (1u << rank) - 4, true, epsilon);
    x = apply(c, x, sni_make_reshape(g, c->in[1], rank - 1, split), sni_make_reshape(g, c->in[2], rank - 1, split));
    return sni_make_reshape(g, x, c->out.rank, c->out.dims);
}

uint32_t sni_decompose_group_norm(const sni_composite *c) {
    sni_expr groups = sni_sym_const(c->graph->sym, c->node->attrs[SNI_GROUP_NORM_GROUPS].i);
    if (c->out.rank < SINTER_MAX_RANK) return group_norm(c, groups, c->node->attrs[SNI_GROUP_NORM_EPSILON].f);
    sni_graph_fail(c->graph, SINTER_UNSUPPORTED, "group_norm: more than 7 dimensions");
    return 0;
}

uint32_t sni_decompose_instance_norm(const sni_composite *c) {
    sinter_graph *g = c->graph;
    if (c->out.rank == 2) return group_norm(c, c->out.dims[1], c->node->attrs[SNI_CHANNEL_NORM_EPSILON].f);
    uint32_t axes = (1u << c->out.rank) - 4;
    uint32_t x = normalise(g, sni_make_wide(g, c->in[0]), axes, true, c->node->attrs[SNI_CHANNEL_NORM_EPSILON].f);
    return apply(c, x, along_channels(g, c->in[1], c->out.rank), along_channels(g, c->in[2], c->out.rank));
}

/* ---- lrn ------------------------------------------------------------------------------------ */

/* Sums of squares through a window over the channels, which are moved last for it. */
uint32_t sni_decompose_lrn(const sni_composite *c) {
    sinter_graph *g = c->graph;
    int64_t size = c->node->attrs[SNI_LRN_SIZE].i;
    sni_expr one = sni_sym_const(g->sym, 1);
    sni_expr flat[3] = {c->out.dims[0], c->out.dims[1], sni_make_product(g, c->out.dims, 2, c->out.rank)};
    uint32_t x = sni_make_reshape(g, sni_make_wide(g, c->in[0]), 3, flat);
    sinter_dtype dtype = sni_make_type(g, x).dtype;
    sni_make_window_args window = {.count = 1,
                                   .kernel = {sni_sym_const(g->sym, size)},
                                   .strides = {one},
                                   .dilations = {one},
                                   .pads_low = {sni_sym_const(g->sym, (size - 1) / 2)},
                                   .input_strides = {one},
                                   .sizes = {flat[1]},
                                   .fill = 0};
    uint32_t sum = sni_make_transpose(g, sni_make_binary(g, "mul", x, x), (int64_t[]){0, 2, 1});
    sum = sni_make_reduce(g, "reduce_sum", sni_make_window(g, sum, &window), 1u << 3, false);
    sum = sni_make_transpose(g, sum, (int64_t[]){0, 2, 1});
    double alpha = c->node->attrs[SNI_LRN_ALPHA].f / (double)size;
    sum = sni_make_binary(g, "mul", sum, sni_make_scalar(g, dtype, alpha));
    sum = sni_make_binary(g, "add", sum, sni_make_scalar(g, dtype, c->node->attrs[SNI_LRN_BIAS].f));
    sum = sni_make_binary(g, "pow", sum, sni_make_scalar(g, dtype, c->node->attrs[SNI_LRN_BETA].f));
    x = sni_make_cast(g, sni_make_binary(g, "div", x, sum), c->out.dtype);
    return sni_make_reshape(g, x, c->out.rank, c->out.dims);
}
