/* Softmax and the normalisations. */
#include "op/rule.h"
#include "op/tables.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- softmax, log_softmax, hardmax ---------------------------------------------------------- */

static sinter_status axis_infer(sni_call *call) {
    int axis = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_SOFTMAX_AXIS), call->in[0].rank, &axis));
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

enum { KIND_SOFTMAX, KIND_LOG_SOFTMAX, KIND_HARDMAX };

static void softmax_row(const double *in, double *out, int64_t length, int64_t step, int kind) {
    int64_t most = 0;
    double sum = 0;
    for (int64_t i = 1; i < length; ++i)
        if (!isnan(in[most * step]) && (isnan(in[i * step]) || in[i * step] > in[most * step])) most = i;
    double top = in[most * step];
    for (int64_t i = 0; i < length; ++i) sum += exp(in[i * step] - top);
    for (int64_t i = 0; i < length; ++i) {
        double shifted = in[i * step] - top;
        out[i * step] = kind == KIND_HARDMAX   ? i == most
                        : kind == KIND_SOFTMAX ? exp(shifted) / sum
                                               : shifted - log(sum);
    }
}

static sinter_status softmax_rows(const sni_ref_call *call, int kind) {
    sni_ref_rows rows = sni_ref_rows_of(call->in[0], call->attrs[SNI_SOFTMAX_AXIS].i);
    for (int64_t a = 0; a < rows.outer && rows.length > 0; ++a)
        for (int64_t c = 0; c < rows.inner; ++c) {
            int64_t at = a * rows.length * rows.inner + c;
            softmax_row(call->in[0]->f + at, call->out[0]->f + at, rows.length, rows.inner, kind);
        }
    return SINTER_OK;
}

static sinter_status softmax_reference(const sni_ref_call *call) {
    return softmax_rows(call, KIND_SOFTMAX);
}
static sinter_status log_softmax_reference(const sni_ref_call *call) {
    return softmax_rows(call, KIND_LOG_SOFTMAX);
}
static sinter_status hardmax_reference(const sni_ref_call *call) {
    return softmax_rows(call, KIND_HARDMAX);
}

/* ---- layer_norm, rms_norm ------------------------------------------------------------------- */

/* scale and bias broadcast to x without changing its shape. */
static sinter_status layer_infer(sni_call *call) {
    int axis = 0;
    for (int i = 0; i < call->in_count; ++i)
        if (i == 0 || sni_rule_given(call, i)) SNI_TRY(sni_rule_class(call, i, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, call->in_count - 1));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_NORM_AXIS), call->in[0].rank, &axis));
    for (int i = 1; i < call->in_count; ++i) {
        sni_type out;
        if (!sni_rule_given(call, i)) continue;
        bool fits =
            call->in[i].rank <= call->in[0].rank && sni_type_broadcast(call->sym, &call->in[0], &call->in[i], &out);
        for (int d = 0; fits && d < out.rank; ++d) fits = sni_rule_equal(call, out.dims[d], call->in[0].dims[d]);
        if (!fits) return sni_rule_shapes(call, "scale or bias does not broadcast to x");
        sni_require_broadcast(call, &call->in[i], &call->in[0]);
    }
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

/* The element of a scale or bias that belongs to x's coordinates; preset when there is none. */
static double broadcast_element(const sni_ref_tensor *t, const sni_ref_tensor *x, const int64_t *coords,
                                double preset) {
    int64_t at = 0;
    if (!t) return preset;
    for (int i = 0; i < t->rank; ++i) at = at * t->dims[i] + (t->dims[i] == 1 ? 0 : coords[x->rank - t->rank + i]);
    return t->f[at];
}

static sinter_status layer_rows(const sni_ref_call *call, bool centred) {
    const sni_ref_tensor *x = call->in[0];
    int64_t axis = sni_axis(call->attrs[SNI_NORM_AXIS].i, x->rank);
    int64_t length = 1, coords[SINTER_MAX_RANK] = {0};
    for (int i = (int)axis; i < x->rank; ++i) length *= x->dims[i];
    for (int64_t row = 0; row < x->count; row += length) {
        const double *from = x->f + row;
        double mean = 0, square = 0;
        for (int64_t i = 0; centred && i < length; ++i) mean += from[i] / (double)length;
        for (int64_t i = 0; i < length; ++i) square += (from[i] - mean) * (from[i] - mean);
        double factor = 1 / sqrt(square / (double)length + call->attrs[SNI_NORM_EPSILON].f);
        for (int64_t i = 0; i < length; ++i) {
            double scale = broadcast_element(sni_ref_optional(call, 1), x, coords, 1);
            double bias = broadcast_element(sni_ref_optional(call, 2), x, coords, 0);
            call->out[0]->f[row + i] = (from[i] - mean) * factor * scale + bias;
            sni_ref_next(x, coords);
        }
    }
    return SINTER_OK;
}

static sinter_status layer_norm_reference(const sni_ref_call *call) {
    return layer_rows(call, true);
}
static sinter_status rms_norm_reference(const sni_ref_call *call) {
    return layer_rows(call, false);
}

/* ---- batch_norm, instance_norm, group_norm -------------------------------------------------- */

/* x is [N, C, ...], everything else [C]. */
static sinter_status channel_infer(sni_call *call) {
    for (int i = 0; i < call->in_count; ++i) SNI_TRY(sni_rule_class(call, i, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, call->in_count - 1));
    if (call->in[0].rank < 2) return sni_rule_shape_of(call, 0, "x needs a channel dimension");
    for (int i = 1; i < call->in_count; ++i)
        if (call->in[i].rank != 1 || !sni_rule_equal(call, call->in[i].dims[0], call->in[0].dims[1]))
            return sni_rule_shapes(call, "every parameter needs one element a channel");
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

static sinter_status group_infer(sni_call *call) {
    int64_t groups = sni_attr_i(call, SNI_GROUP_NORM_GROUPS);
    SNI_TRY(channel_infer(call));
    sni_sym *sym = call->sym;
    if (groups < 1) return sni_fail(SINTER_INVALID_ARGUMENT, "groups must be 1 or more");
    if (!sni_rule_equal(call, sni_sym_mod(sym, call->in[0].dims[1], sni_sym_const(sym, groups)), sni_sym_const(sym, 0)))
        return sni_rule_shape_of(call, 0, "the channels do not divide by groups");
    return SINTER_OK;
}

static sinter_status batch_norm_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_rows rows = sni_ref_rows_of(x, 1);
    for (int64_t n = 0; n < x->count; ++n) {
        int64_t c = n / rows.inner % rows.length;
        double factor = call->in[1]->f[c] / sqrt(call->in[4]->f[c] + call->attrs[SNI_CHANNEL_NORM_EPSILON].f);
        call->out[0]->f[n] = (x->f[n] - call->in[3]->f[c]) * factor + call->in[2]->f[c];
    }
    return SINTER_OK;
}

/* Normalises runs of (channels / groups) channels, which lie one after the other in memory. */
static void normalise_groups(const sni_ref_call *call, int64_t groups, double epsilon) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_rows rows = sni_ref_rows_of(x, 1);
    int64_t length = rows.length / groups * rows.inner;
    for (int64_t start = 0; length > 0 && start < x->count; start += length) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < length; ++i) mean += x->f[start + i] / (double)length;
        for (int64_t i = 0; i < length; ++i)
            square += (x->f[start + i] - mean) * (x->f[start + i] - mean) / (double)length;
        for (int64_t i = start; i < start + length; ++i) {
            int64_t c = i / rows.inner % rows.length;
            call->out[0]->f[i] = (x->f[i] - mean) / sqrt(square + epsilon) * call->in[1]->f[c] + call->in[2]->f[c];
        }
    }
}

static sinter_status instance_norm_reference(const sni_ref_call *call) {
    if (call->in[0]->dims[1] > 0) normalise_groups(call, call->in[0]->dims[1], call->attrs[SNI_CHANNEL_NORM_EPSILON].f);
    return SINTER_OK;
}

static sinter_status group_norm_reference(const sni_ref_call *call) {
    if (call->in[0]->dims[1] % call->attrs[SNI_GROUP_NORM_GROUPS].i != 0)
        return sni_fail(SINTER_SHAPE, "the channels do not divide by groups");
    normalise_groups(call, call->attrs[SNI_GROUP_NORM_GROUPS].i, call->attrs[SNI_GROUP_NORM_EPSILON].f);
    return SINTER_OK;
}

/* ---- lrn ------------------------------------------------------------------------------------ */

static sinter_status lrn_infer(sni_call *call) {
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    if (call->in[0].rank < 2) return sni_rule_shape_of(call, 0, "x needs a channel dimension");
    if (sni_attr_i(call, SNI_LRN_SIZE) < 1) return sni_fail(SINTER_INVALID_ARGUMENT, "size must be 1 or more");
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

static sinter_status lrn_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_rows rows = sni_ref_rows_of(x, 1);
    int64_t size = call->attrs[SNI_LRN_SIZE].i;
    for (int64_t n = 0; n < x->count; ++n) {
        int64_t c = n / rows.inner % rows.length, first = c - (size - 1) / 2;
        double sum = 0;
        int64_t end = first + size < rows.length ? first + size : rows.length;
        for (int64_t k = first < 0 ? 0 : first; k < end; ++k) {
            double v = x->f[n + (k - c) * rows.inner];
            sum += v * v;
        }
        double scale = call->attrs[SNI_LRN_BIAS].f + call->attrs[SNI_LRN_ALPHA].f / (double)size * sum;
        call->out[0]->f[n] = x->f[n] / pow(scale, call->attrs[SNI_LRN_BETA].f);
    }
    return SINTER_OK;
}

#define ROW(text, least, most, class)                                                                                  \
    .name = text, .kind = SNI_OP_COMPOSITE, .min_inputs = least, .max_inputs = most, .outputs = 1, .classes = class,   \
    .cost = 4, .fill_attr = -1

const sni_op sni_ops_composite_norm[] = {
    {ROW("softmax", 1, 1, SNI_CLASS_REAL), .attrs = SNI_ATTRS_OF(SOFTMAX), .infer = axis_infer,
     .reference = softmax_reference, .doc = "exp(x) over its sum along axis."},
    {ROW("log_softmax", 1, 1, SNI_CLASS_REAL), .attrs = SNI_ATTRS_OF(SOFTMAX), .infer = axis_infer,
     .reference = log_softmax_reference, .doc = "Logarithm of softmax along axis."},
    {ROW("hardmax", 1, 1, SNI_CLASS_REAL), .attrs = SNI_ATTRS_OF(SOFTMAX), .infer = axis_infer,
     .reference = hardmax_reference, .doc = "1 at the first largest element along axis, 0 elsewhere."},
    {ROW("layer_norm", 2, 3, SNI_CLASS_REAL), .inputs = "x scale bias", .attrs = SNI_ATTRS_OF(NORM),
     .infer = layer_infer, .reference = layer_norm_reference,
     .doc = "(x - mean) / sqrt(variance + epsilon) * scale + bias over dimensions axis and up."},
    {ROW("rms_norm", 2, 2, SNI_CLASS_REAL), .inputs = "x scale", .attrs = SNI_ATTRS_OF(NORM), .infer = layer_infer,
     .reference = rms_norm_reference,
     .doc = "x / sqrt(mean of squares + epsilon) * scale over dimensions axis and up."},
    {ROW("batch_norm", 5, 5, SNI_CLASS_REAL), .inputs = "x scale bias mean var", .attrs = SNI_ATTRS_OF(CHANNEL_NORM),
     .infer = channel_infer, .reference = batch_norm_reference,
     .doc = "(x - mean) / sqrt(var + epsilon) * scale + bias, one of each a channel (dimension 1)."},
    {ROW("instance_norm", 3, 3, SNI_CLASS_REAL), .inputs = "x scale bias", .attrs = SNI_ATTRS_OF(CHANNEL_NORM),
     .infer = channel_infer, .reference = instance_norm_reference,
     .doc = "Every channel of every sample normalised by its own mean and variance."},
    {ROW("group_norm", 3, 3, SNI_CLASS_REAL), .inputs = "x scale bias", .attrs = SNI_ATTRS_OF(GROUP_NORM),
     .infer = group_infer, .reference = group_norm_reference,
     .doc = "Every group of channels of every sample normalised by its own mean and variance."},
    {ROW("lrn", 1, 1, SNI_CLASS_REAL), .attrs = SNI_ATTRS_OF(LRN), .infer = lrn_infer, .reference = lrn_reference,
     .doc = "x / (bias + alpha/size * sum of squares over size neighbouring channels) ^ beta."},
};
const size_t sni_ops_composite_norm_count = COUNT(sni_ops_composite_norm);
