/* ONNX normalisations. */
#include "onnx/importer.h"

/* Axes from..to-1. */
static int axes_between(int from, int to, int *axes) {
    int count = 0;
    for (int i = from; i < to; i++) axes[count++] = i;
    return count;
}

typedef struct {
    uint32_t mean, centred, variance;
} moments;

static moments moments_of(sni_onnx_call *call, uint32_t x, int count, const int *axes) {
    moments m;
    m.mean = sni_onnx_reduce(call, "reduce_mean", x, count, axes, true);
    m.centred = sni_onnx_binary(call, "sub", x, m.mean);
    uint32_t square = sni_onnx_binary(call, "mul", m.centred, m.centred);
    m.variance = sni_onnx_reduce(call, "reduce_mean", square, count, axes, true);
    return m;
}

static uint32_t inverse_deviation(sni_onnx_call *call, uint32_t variance, double epsilon) {
    return sni_onnx_unary(call, "rsqrt", sni_onnx_binary_scalar(call, "add", variance, epsilon));
}

/* new = old * momentum + batch * (1 - momentum) */
static uint32_t running(sni_onnx_call *call, uint32_t old, uint32_t batch, double momentum) {
    sni_onnx_list shape = sni_onnx_shape(call, old);
    batch = sni_onnx_cast(call, sni_onnx_reshape(call, batch, &shape), sni_onnx_type(call, old).dtype);
    return sni_onnx_binary(call, "add", sni_onnx_binary_scalar(call, "mul", old, momentum),
                           sni_onnx_binary_scalar(call, "mul", batch, 1 - momentum));
}

static void batch_norm_training(sni_onnx_call *call, double epsilon) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x), axes[SINTER_MAX_RANK];
    double momentum = sni_onnx_attr_float(call, "momentum", 0.9);
    axes[0] = 0;
    int count = 1 + axes_between(2, rank, axes + 1);
    moments m = moments_of(call, x, count, axes);
    uint32_t y = sni_onnx_binary(call, "mul", m.centred, inverse_deviation(call, m.variance, epsilon));
    y = sni_onnx_binary(call, "mul", y, sni_onnx_along(call, sni_onnx_in(call, 1), 1, rank));
    call->out[0] = sni_onnx_binary(call, "add", y, sni_onnx_along(call, sni_onnx_in(call, 2), 1, rank));
    if (sni_onnx_wants(call, 1)) call->out[1] = running(call, sni_onnx_in(call, 3), m.mean, momentum);
    if (sni_onnx_wants(call, 2)) call->out[2] = running(call, sni_onnx_in(call, 4), m.variance, momentum);
}

static void batch_norm(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    double epsilon = sni_onnx_attr_float(call, "epsilon", 1e-5);
    if (sni_onnx_attr_int(call, "training_mode", 0)) {
        batch_norm_training(call, epsilon);
        return;
    }
    if (!sni_onnx_attr_int(call, "spatial", 1))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "statistics for every position (spatial = 0)");
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    call->out[0] = sni_onnx_emit(
        call, "batch_norm",
        SNI_IN(x, sni_onnx_cast(call, sni_onnx_in(call, 1), dtype), sni_onnx_cast(call, sni_onnx_in(call, 2), dtype),
               sni_onnx_cast(call, sni_onnx_in(call, 3), dtype), sni_onnx_cast(call, sni_onnx_in(call, 4), dtype)),
        SNI_ATTRS([SNI_CHANNEL_NORM_EPSILON] = sni_attr_float(epsilon)));
}

static void instance_norm(sni_onnx_call *call) {
    call->out[0] = sni_onnx_emit(
        call, "instance_norm", SNI_IN(sni_onnx_in(call, 0), sni_onnx_in(call, 1), sni_onnx_in(call, 2)),
        SNI_ATTRS([SNI_CHANNEL_NORM_EPSILON] = sni_attr_float(sni_onnx_attr_float(call, "epsilon", 1e-5))));
}

static void layer_norm(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), bias = sni_onnx_in(call, 2);
    int rank = sni_onnx_rank(call, x), axes[SINTER_MAX_RANK];
    int axis = sni_onnx_attr_axis(call, "axis", -1, rank);
    double epsilon = sni_onnx_attr_float(call, "epsilon", 1e-5);
    if (axis < 0) return;
    call->out[0] =
        sni_onnx_emit(call, "layer_norm", SNI_IN(x, sni_onnx_in(call, 1), bias),
                      SNI_ATTRS([SNI_NORM_AXIS] = sni_attr_int(axis), [SNI_NORM_EPSILON] = sni_attr_float(epsilon)));
    if (!sni_onnx_wants(call, 1) && !sni_onnx_wants(call, 2)) return;
    /* The statistics are f32 whatever x is (stash_type 1). */
    moments m = moments_of(call, sni_onnx_cast(call, x, SINTER_F32), axes_between(axis, rank, axes), axes);
    if (sni_onnx_wants(call, 1)) call->out[1] = m.mean;
    if (sni_onnx_wants(call, 2)) call->out[2] = inverse_deviation(call, m.variance, epsilon);
}

/* Scaled by what broadcasts to the normalised axes; in f32 whatever x is, unless stash_type says f64 or x is. */
static void rms_norm(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), scale = sni_onnx_in(call, 1);
    int rank = sni_onnx_rank(call, x), axis = sni_onnx_attr_axis(call, "axis", -1, rank);
    double epsilon = sni_onnx_attr_float(call, "epsilon", 1e-5);
    if (axis < 0) return;
    sni_onnx_list shape = sni_onnx_shape(call, x), inner = {.count = rank - axis};
    for (int i = axis; i < rank; i++) inner.at[i - axis] = shape.at[i];
    call->out[0] = sni_onnx_emit(
        call, "rms_norm",
        SNI_IN(x, sni_onnx_expand(call, sni_onnx_cast(call, scale, sni_onnx_type(call, x).dtype), &inner)),
        SNI_ATTRS([SNI_NORM_AXIS] = sni_attr_int(axis), [SNI_NORM_EPSILON] = sni_attr_float(epsilon)));
}

/* One value a group becomes one a channel. */
static uint32_t spread_groups(sni_onnx_call *call, uint32_t vector, int64_t groups, sni_expr channels) {
    sni_expr each = sni_sym_div(call->sym, channels, sni_onnx_const(call, groups));
    sni_onnx_list column = {2, {sni_onnx_const(call, groups), sni_onnx_const(call, 1)}};
    sni_onnx_list table = {2, {sni_onnx_const(call, groups), each}};
    sni_onnx_list flat = {1, {channels}};
    vector = sni_onnx_expand(call, sni_onnx_reshape(call, vector, &column), &table);
    return sni_onnx_reshape(call, vector, &flat);
}

static void group_norm(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int64_t groups = sni_onnx_attr_int(call, "num_groups", 0);
    sni_expr channels = sni_onnx_dim(call, x, 1);
    if (groups < 1) {
        sni_onnx_fail(call, SINTER_PARSE, "num_groups is %lld", (long long)groups);
        return;
    }
    /* Before opset 21 scale and bias are a group's, from then on a channel's. */
    uint32_t scale = sni_onnx_in(call, 1), bias = sni_onnx_in(call, 2);
    if (call->opset < 21) {
        scale = spread_groups(call, scale, groups, channels);
        bias = spread_groups(call, bias, groups, channels);
    }
    call->out[0] = sni_onnx_emit(
        call, "group_norm", SNI_IN(x, scale, bias),
        SNI_ATTRS([SNI_GROUP_NORM_GROUPS] = sni_attr_int(groups), [SNI_GROUP_NORM_EPSILON] = sni_attr_float(
                                                                      sni_onnx_attr_float(call, "epsilon", 1e-5))));
}

static void lrn(sni_onnx_call *call) {
    call->out[0] = sni_onnx_emit(call, "lrn", SNI_IN(sni_onnx_in(call, 0)),
                                 SNI_ATTRS([SNI_LRN_SIZE] = sni_attr_int(sni_onnx_attr_int(call, "size", 0)),
                                           [SNI_LRN_ALPHA] = sni_attr_float(sni_onnx_attr_float(call, "alpha", 1e-4)),
                                           [SNI_LRN_BETA] = sni_attr_float(sni_onnx_attr_float(call, "beta", 0.75)),
                                           [SNI_LRN_BIAS] = sni_attr_float(sni_onnx_attr_float(call, "bias", 1))));
}

static void lp_norm(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", -1, sni_onnx_rank(call, x));
    int64_t p = sni_onnx_attr_int(call, "p", 2);
    if (p != 1 && p != 2) sni_onnx_fail(call, SINTER_PARSE, "p is %lld", (long long)p);
    uint32_t norm = sni_onnx_reduce(call, p == 1 ? "reduce_l1" : "reduce_l2", x, 1, &axis, true);
    /* Nothing but zeros stays so. */
    uint32_t nothing = sni_onnx_binary_scalar(call, "eq", norm, 0);
    norm = sni_onnx_where(call, nothing, sni_onnx_scalar_like(call, norm, 1), norm);
    call->out[0] = sni_onnx_binary(call, "div", x, norm);
}

static void mean_variance(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x), axes[SINTER_MAX_RANK] = {0, 2, 3}, count = 3;
    sni_onnx_ints given = sni_onnx_attr_ints(call, "axes");
    if (given.given) count = given.count > rank ? 0 : given.count;
    for (int i = 0; i < count; i++) axes[i] = sni_onnx_axis(call, given.given ? given.at[i] : axes[i], rank);
    moments m = moments_of(call, x, count, axes);
    uint32_t deviation = sni_onnx_unary(call, "sqrt", m.variance);
    call->out[0] = sni_onnx_binary(call, "div", m.centred, sni_onnx_binary_scalar(call, "add", deviation, 1e-9));
}

static const sni_onnx_row rows[] = {
    {"BatchNormalization", 6, 5, 5, 3, batch_norm, NULL},
    {"InstanceNormalization", 6, 3, 3, 1, instance_norm, NULL},
    {"LayerNormalization", 17, 2, 3, 3, layer_norm, NULL},
    {"RMSNormalization", 23, 2, 2, 1, rms_norm, NULL},
    {"SimplifiedLayerNormalization", 1, 2, 2, 1, rms_norm, NULL}, /* as exporters before opset 23 write it */
    {"GroupNormalization", 18, 3, 3, 1, group_norm, NULL},
    {"LRN", 6, 1, 1, 1, lrn, NULL},
    {"LpNormalization", 6, 1, 1, 1, lp_norm, NULL},
    {"MeanVarianceNormalization", 9, 1, 1, 1, mean_variance, NULL},
};
const sni_onnx_family sni_onnx_norm_family = {rows, sizeof rows / sizeof *rows};
