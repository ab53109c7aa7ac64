/* Reductions made of simpler ones, and the positions of extremes. */
#include "op/rule.h"
#include "op/tables.h"

#include <math.h>

#include "base/alloc.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a composite reduction does to each element, and to the sum of those. */
typedef struct reduction {
    double (*each)(double value);
    double (*last)(double sum, double count);
} reduction;

static double each_same(double v) {
    return v;
}
static double each_square(double v) {
    return v * v;
}
static double last_same(double sum, double count) {
    return (void)count, sum;
}
static double last_mean(double sum, double count) {
    return sum / count;
}
static double last_sqrt(double sum, double count) {
    return (void)count, sqrt(sum);
}
static double last_log(double sum, double count) {
    return (void)count, log(sum);
}

static sinter_status number_infer(sni_call *call) {
    return sni_rule_reduce(call, SNI_CLASS_NUMBER);
}

static sinter_status real_infer(sni_call *call) {
    return sni_rule_reduce(call, SNI_CLASS_REAL);
}

/* Integers: sums of values, magnitudes or squares that wrap, then the truncated mean. */
static sinter_status reduce_ints(const sni_ref_call *call, reduction how) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    uint32_t axes = sni_ref_axes(call);
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) out->i[n] = 0;
    for (int64_t n = 0; n < in->count; ++n) {
        int64_t at = sni_ref_reduced(in, axes, coords);
        uint64_t value = (uint64_t)in->i[n];
        if (how.each == each_square) value *= value;
        if (how.each == fabs && in->i[n] < 0) value = 0 - value;
        out->i[at] = (int64_t)((uint64_t)out->i[at] + value);
        sni_ref_next(in, coords);
    }
    int64_t count = out->count ? in->count / out->count : 0;
    for (int64_t n = 0; n < out->count; ++n) {
        out->i[n] = sni_dtype_wrap(out->dtype, out->i[n]);
        if (how.last == last_mean) out->i[n] = count ? out->i[n] / count : 0;
    }
    return SINTER_OK;
}

static sinter_status reduce_with(const sni_ref_call *call, reduction how) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    if (out->i) return reduce_ints(call, how);
    uint32_t axes = sni_ref_axes(call);
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) out->f[n] = 0;
    for (int64_t n = 0; n < in->count; ++n) {
        out->f[sni_ref_reduced(in, axes, coords)] += how.each(in->f[n]);
        sni_ref_next(in, coords);
    }
    double count = out->count ? (double)(in->count / out->count) : 0;
    for (int64_t n = 0; n < out->count; ++n) out->f[n] = how.last(out->f[n], count);
    return SINTER_OK;
}

static sinter_status mean_reference(const sni_ref_call *call) {
    return reduce_with(call, (reduction){each_same, last_mean});
}
static sinter_status l1_reference(const sni_ref_call *call) {
    return reduce_with(call, (reduction){fabs, last_same});
}
static sinter_status l2_reference(const sni_ref_call *call) {
    return reduce_with(call, (reduction){each_square, last_sqrt});
}
static sinter_status log_sum_reference(const sni_ref_call *call) {
    return reduce_with(call, (reduction){each_same, last_log});
}
static sinter_status sum_square_reference(const sni_ref_call *call) {
    return reduce_with(call, (reduction){each_square, last_same});
}

/* log(sum(exp(x))) without overflow: the largest element is taken out first. */
static sinter_status log_sum_exp_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    uint32_t axes = sni_ref_axes(call);
    for (int64_t to = 0; to < out->count; ++to) {
        int64_t coords[SINTER_MAX_RANK] = {0};
        double most = -INFINITY, sum = 0;
        for (int pass = 0; pass < 2; ++pass)
            for (int64_t n = 0; n < in->count; ++n) {
                if (sni_ref_reduced(in, axes, coords) == to) {
                    if (pass == 0)
                        most = isnan(in->f[n]) || in->f[n] > most ? in->f[n] : most;
                    else
                        sum += exp(in->f[n] - (isinf(most) ? 0 : most));
                }
                sni_ref_next(in, coords);
            }
        out->f[to] = log(sum) + (isinf(most) ? 0 : most);
    }
    return SINTER_OK;
}

/* ---- variance ------------------------------------------------------------------------------- */

static sinter_status variance_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    uint32_t axes = sni_ref_axes(call);
    int64_t coords[SINTER_MAX_RANK] = {0};
    double count = out->count ? (double)(in->count / out->count) : 0;
    double divisor = fmax(count - call->attrs[SNI_VARIANCE_CORRECTION].f, 0);
    double *mean = sni_calloc((size_t)out->count + 1, sizeof *mean);
    if (!mean) return sni_out_of_memory("a variance");
    for (int64_t n = 0; n < in->count; ++n, sni_ref_next(in, coords))
        mean[sni_ref_reduced(in, axes, coords)] += in->f[n] / count;
    for (int64_t n = 0; n < out->count; ++n) out->f[n] = 0;
    for (int64_t n = 0; n < in->count; ++n, sni_ref_next(in, coords)) {
        int64_t to = sni_ref_reduced(in, axes, coords);
        out->f[to] += (in->f[n] - mean[to]) * (in->f[n] - mean[to]);
    }
    for (int64_t n = 0; n < out->count; ++n) out->f[n] /= divisor;
    sni_free(mean);
    return SINTER_OK;
}

/* ---- argmax, argmin ------------------------------------------------------------------------- */

static sinter_status arg_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int axis = 0, rank = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_NUMBER));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_ARG_AXIS), in->rank, &axis));
    if (!sni_rule_some(call, sni_sym_const(call->sym, 1), in->dims[axis]))
        return sni_rule_shape_of(call, 0, "an empty axis has no extreme");
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) {
        if (i != axis)
            dims[rank++] = in->dims[i];
        else if (sni_attr_i(call, SNI_ARG_KEEPDIMS))
            dims[rank++] = sni_sym_const(call->sym, 1);
    }
    sni_rule_out(call, SINTER_I64, rank, dims);
    return sni_rule_done(call);
}

/* Does element b take the place of a, which came before it? NaN is beyond every number. */
static bool arg_better(const sni_ref_tensor *in, int64_t a, int64_t b, bool max, bool last) {
    if (in->i) {
        if (in->i[a] == in->i[b]) return last;
        return max ? in->i[b] > in->i[a] : in->i[b] < in->i[a];
    }
    if (isnan(in->f[a]) || isnan(in->f[b])) return isnan(in->f[b]) && (last || !isnan(in->f[a]));
    if (in->f[a] == in->f[b]) return last;
    return max ? in->f[b] > in->f[a] : in->f[b] < in->f[a];
}

static sinter_status arg_reference(const sni_ref_call *call, bool max) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_rows rows = sni_ref_rows_of(in, call->attrs[SNI_ARG_AXIS].i);
    bool last = call->attrs[SNI_ARG_SELECT_LAST].i != 0;
    if (rows.length == 0 && call->out[0]->count > 0) return sni_fail(SINTER_SHAPE, "an empty axis has no extreme");
    for (int64_t a = 0; a < rows.outer; ++a)
        for (int64_t c = 0; c < rows.inner; ++c) {
            int64_t base = a * rows.length * rows.inner + c, best = 0;
            for (int64_t b = 1; b < rows.length; ++b)
                if (arg_better(in, base + best * rows.inner, base + b * rows.inner, max, last)) best = b;
            call->out[0]->i[a * rows.inner + c] = best;
        }
    return SINTER_OK;
}

static sinter_status argmax_reference(const sni_ref_call *call) {
    return arg_reference(call, true);
}
static sinter_status argmin_reference(const sni_ref_call *call) {
    return arg_reference(call, false);
}

#define REDUCE(text, class, rule, function, words)                                                                     \
    {                                                                                                                  \
        .name = text, .kind = SNI_OP_COMPOSITE, .min_inputs = 1, .max_inputs = 1, .outputs = 1,                        \
        .attrs = SNI_ATTRS_OF(REDUCE), .classes = class, .cost = 2, .fill_attr = -1, .infer = rule,                    \
        .reference = function, .doc = words                                                                            \
    }
#define ARG(text, function, words)                                                                                     \
    {                                                                                                                  \
        .name = text, .kind = SNI_OP_COMPOSITE, .min_inputs = 1, .max_inputs = 1, .outputs = 1,                        \
        .attrs = SNI_ATTRS_OF(ARG), .classes = SNI_CLASS_NUMBER, .cost = 3, .fill_attr = -1, .infer = arg_infer,       \
        .reference = function, .doc = words                                                                            \
    }

const sni_op sni_ops_composite_reduce[] = {
    REDUCE("reduce_mean", SNI_CLASS_NUMBER, number_infer, mean_reference,
           "Mean over axes (none given: all); of integers truncated."),
    REDUCE("reduce_l1", SNI_CLASS_NUMBER, number_infer, l1_reference, "Sum of magnitudes over axes (none given: all)."),
    REDUCE("reduce_l2", SNI_CLASS_REAL, real_infer, l2_reference,
           "Root of the sum of squares over axes (none given: all)."),
    REDUCE("reduce_log_sum", SNI_CLASS_REAL, real_infer, log_sum_reference,
           "Logarithm of the sum over axes (none given: all)."),
    REDUCE("reduce_log_sum_exp", SNI_CLASS_REAL, real_infer, log_sum_exp_reference,
           "Logarithm of the sum of exponentials over axes (none given: all), without overflow."),
    REDUCE("reduce_sum_square", SNI_CLASS_NUMBER, number_infer, sum_square_reference,
           "Sum of squares over axes (none given: all)."),
    {.name = "reduce_variance",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(VARIANCE),
     .classes = SNI_CLASS_REAL,
     .cost = 3,
     .fill_attr = -1,
     .infer = real_infer,
     .reference = variance_reference,
     .doc = "Sum of squared distances from the mean over axes (none given: all), over count - correction: 0 for the "
            "variance of what is given, 1 for an estimate from a sample. NaN where nothing is left to divide by."},
    ARG("argmax", argmax_reference,
        "Where the largest element along axis is (the first, or the last), as i64; NaN is the "
        "largest."),
    ARG("argmin", argmin_reference,
        "Where the smallest element along axis is (the first, or the last), as i64; NaN is the "
        "smallest."),
};
const size_t sni_ops_composite_reduce_count = COUNT(sni_ops_composite_reduce);
