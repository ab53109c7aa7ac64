/* Convolutions. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- conv ----------------------------------------------------------------------------------- */

static sinter_status conv_inputs(const sni_call *call) {
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_class(call, 1, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, 2));
    if (call->in[0].rank != call->in[1].rank) return sni_rule_shapes(call, "x and w have different ranks");
    return SINTER_OK;
}

static sinter_status conv_bias(sni_call *call, sni_expr channels) {
    if (!sni_rule_given(call, 2)) return SINTER_OK;
    if (call->in[2].rank != 1 || !sni_rule_equal(call, call->in[2].dims[0], channels))
        return sni_rule_shapes(call, "the bias needs one element an output channel");
    return SINTER_OK;
}

static bool divides(sni_call *call, sni_expr channels, int64_t groups) {
    sni_sym *sym = call->sym;
    return sni_rule_equal(call, sni_sym_mod(sym, channels, sni_sym_const(sym, groups)), sni_sym_const(sym, 0));
}

static sinter_status conv_infer(sni_call *call) {
    sni_sym *sym = call->sym;
    const sni_type *x = &call->in[0], *w = &call->in[1];
    int64_t groups = sni_attr_i(call, SNI_CONV_GROUPS);
    sni_rule_spatial spatial;
    SNI_TRY(conv_inputs(call));
    SNI_TRY(sni_rule_spatial_read(call, SNI_CONV_STRIDES, SNI_CONV_PADS, SNI_CONV_DILATIONS, &spatial));
    if (groups < 1) return sni_fail(SINTER_INVALID_ARGUMENT, "groups must be 1 or more");
    if (!sni_rule_equal(call, x->dims[1], sni_sym_mul_i(sym, w->dims[1], groups)) || !divides(call, w->dims[0], groups))
        return sni_rule_shapes(call, "the channels do not fit the weights and groups");
    SNI_TRY(conv_bias(call, w->dims[0]));
    sni_expr dims[SINTER_MAX_RANK] = {x->dims[0], w->dims[0]};
    for (int i = 0; i < spatial.count; ++i) {
        spatial.kernel[i] = w->dims[2 + i];
        SNI_TRY(sni_rule_spatial_size(call, &spatial, i, false, &dims[2 + i]));
    }
    sni_rule_out(call, x->dtype, x->rank, dims);
    return sni_rule_done(call);
}

/* One output element: the sum over a group's channels and the kernel. */
static double conv_element(const sni_ref_call *call, const int64_t *to) {
    const sni_ref_tensor *x = call->in[0], *w = call->in[1];
    int spatial = x->rank - 2;
    int64_t groups = call->attrs[SNI_CONV_GROUPS].i, first = to[1] / (w->dims[0] / groups) * w->dims[1];
    int64_t taps = w->count / w->dims[0], at[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK];
    const sni_ref_tensor *bias = sni_ref_optional(call, 2);
    double sum = bias ? bias->f[to[1]] : 0;
    at[0] = to[1];
    for (int64_t n = 0; n < taps; ++n) {
        bool inside = true;
        from[0] = to[0];
        from[1] = first + at[1];
        for (int i = 0; i < spatial; ++i) {
            from[2 + i] = to[2 + i] * sni_ref_entry(call, SNI_CONV_STRIDES, i, 1) +
                          at[2 + i] * sni_ref_entry(call, SNI_CONV_DILATIONS, i, 1) -
                          sni_ref_entry(call, SNI_CONV_PADS, i, 0);
            if (from[2 + i] < 0 || from[2 + i] >= x->dims[2 + i]) inside = false;
        }
        if (inside) sum += x->f[sni_ref_index(x, from)] * w->f[sni_ref_index(w, at)];
        sni_ref_next(w, at);
    }
    return sum;
}

static sinter_status conv_reference(const sni_ref_call *call) {
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0};
    if (call->in[0]->dims[1] != call->in[1]->dims[1] * call->attrs[SNI_CONV_GROUPS].i)
        return sni_fail(SINTER_SHAPE, "the channels do not fit the weights and groups");
    for (int64_t n = 0; n < out->count; ++n) {
        out->f[n] = conv_element(call, coords);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- conv_transpose ------------------------------------------------------------------------- */

static sinter_status back_infer(sni_call *call) {
    sni_sym *sym = call->sym;
    const sni_type *x = &call->in[0], *w = &call->in[1];
    int64_t groups = sni_attr_i(call, SNI_BACK_GROUPS);
    sni_rule_spatial spatial;
    SNI_TRY(conv_inputs(call));
    SNI_TRY(sni_rule_spatial_read(call, SNI_BACK_STRIDES, SNI_BACK_PADS, SNI_BACK_DILATIONS, &spatial));
    int extra = call->attrs[SNI_BACK_OUTPUT_PADDING].count;
    if (extra != 0 && extra != spatial.count)
        return sni_fail(SINTER_SHAPE, "attribute output_padding has %d entries instead of %d", extra, spatial.count);
    if (groups < 1) return sni_fail(SINTER_INVALID_ARGUMENT, "groups must be 1 or more");
    if (!sni_rule_equal(call, x->dims[1], w->dims[0]) || !divides(call, w->dims[0], groups))
        return sni_rule_shapes(call, "the channels do not fit the weights and groups");
    sni_expr dims[SINTER_MAX_RANK] = {x->dims[0], sni_sym_mul_i(sym, w->dims[1], groups)};
    SNI_TRY(conv_bias(call, dims[1]));
    for (int i = 0; i < spatial.count; ++i) {
        sni_expr reach = sni_sym_mul(sym, spatial.dilation[i], sni_sym_add_i(sym, w->dims[2 + i], -1));
        sni_expr size = sni_sym_mul(sym, spatial.stride[i], sni_sym_add_i(sym, spatial.in[i], -1));
        size = sni_sym_add_i(sym, sni_sym_add(sym, size, reach), 1);
        size = sni_sym_add(sym, size, sni_rule_entry(call, SNI_BACK_OUTPUT_PADDING, i, 0));
        dims[2 + i] = sni_sym_sub(sym, size, sni_sym_add(sym, spatial.low[i], spatial.high[i]));
        if (sni_rule_const_below(call, dims[2 + i], 1) || sni_rule_const_below(call, w->dims[2 + i], 1))
            return sni_rule_shapes(call, "nothing is left inside the padding");
    }
    sni_rule_out(call, x->dtype, x->rank, dims);
    return sni_rule_done(call);
}

/* Adds one input element, times the weights, to every output element it reaches. */
static void back_scatter(const sni_ref_call *call, const int64_t *from, double value) {
    const sni_ref_tensor *w = call->in[1];
    sni_ref_tensor *out = call->out[0];
    int64_t groups = call->attrs[SNI_BACK_GROUPS].i;
    int64_t group = from[1] / (w->dims[0] / groups);
    int64_t at[SINTER_MAX_RANK] = {0}, to[SINTER_MAX_RANK];
    at[0] = from[1];
    for (int64_t n = 0; n < w->count / w->dims[0]; ++n) {
        bool inside = true;
        to[0] = from[0];
        to[1] = group * w->dims[1] + at[1];
        for (int i = 0; i < w->rank - 2; ++i) {
            to[2 + i] = from[2 + i] * sni_ref_entry(call, SNI_BACK_STRIDES, i, 1) +
                        at[2 + i] * sni_ref_entry(call, SNI_BACK_DILATIONS, i, 1) -
                        sni_ref_entry(call, SNI_BACK_PADS, i, 0);
            if (to[2 + i] < 0 || to[2 + i] >= out->dims[2 + i]) inside = false;
        }
        if (inside) out->f[sni_ref_index(out, to)] += value * w->f[sni_ref_index(w, at)];
        sni_ref_next(w, at);
    }
}

static sinter_status back_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0], *bias = sni_ref_optional(call, 2);
    sni_ref_tensor *out = call->out[0];
    sni_ref_rows rows = sni_ref_rows_of(out, 1);
    int64_t coords[SINTER_MAX_RANK] = {0};
    if (x->dims[1] != call->in[1]->dims[0])
        return sni_fail(SINTER_SHAPE, "the channels do not fit the weights and groups");
    for (int64_t n = 0; n < out->count; ++n) out->f[n] = bias ? bias->f[n / rows.inner % rows.length] : 0;
    for (int64_t n = 0; n < x->count; ++n) {
        back_scatter(call, coords, x->f[n]);
        sni_ref_next(x, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_composite_conv[] = {
    {.name = "conv",
     .inputs = "x w b",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 2,
     .max_inputs = 3,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(CONV),
     .classes = SNI_CLASS_REAL,
     .cost = 4,
     .fill_attr = -1,
     .infer = conv_infer,
     .reference = conv_reference,
     .doc = "Convolution of x [N, C, ...] with w [M, C/groups, ...], 1 to 3 spatial dimensions. pads: what is "
            "added in front of each spatial dimension, then what is added behind each; none: 0. strides and "
            "dilations left out are 1."},
    {.name = "conv_transpose",
     .inputs = "x w b",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 2,
     .max_inputs = 3,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(BACK),
     .classes = SNI_CLASS_REAL,
     .cost = 4,
     .fill_attr = -1,
     .infer = back_infer,
     .reference = back_reference,
     .doc = "The transpose of convolution: x [N, C, ...], w [C, M/groups, ...]."},
};
const size_t sni_ops_composite_conv_count = COUNT(sni_ops_composite_conv);
