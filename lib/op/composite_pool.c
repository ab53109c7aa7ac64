/* Poolings. */
#include "op/rule.h"
#include "op/tables.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static sinter_status pool_shape(sni_call *call, sni_dtype_class classes) {
    const sni_type *x = &call->in[0];
    sni_rule_spatial spatial;
    SNI_TRY(sni_rule_class(call, 0, classes));
    SNI_TRY(sni_rule_spatial_read(call, SNI_POOL_STRIDES, SNI_POOL_PADS, SNI_POOL_DILATIONS, &spatial));
    if (call->attrs[SNI_POOL_KERNEL].count != spatial.count)
        return sni_fail(SINTER_SHAPE, "attribute kernel has %d entries instead of %d",
                        call->attrs[SNI_POOL_KERNEL].count, spatial.count);
    sni_expr dims[SINTER_MAX_RANK] = {x->dims[0], x->dims[1]};
    for (int i = 0; i < spatial.count; ++i) {
        spatial.kernel[i] = call->attrs[SNI_POOL_KERNEL].exprs[i];
        SNI_TRY(sni_rule_spatial_size(call, &spatial, i, sni_attr_i(call, SNI_POOL_CEIL) != 0, &dims[2 + i]));
    }
    sni_rule_out(call, x->dtype, x->rank, dims);
    return sni_rule_done(call);
}

static sinter_status max_infer(sni_call *call) {
    return pool_shape(call, SNI_CLASS_NUMBER);
}
static sinter_status average_infer(sni_call *call) {
    return pool_shape(call, SNI_CLASS_REAL);
}

/* Visits the kernel elements of one window. Returns where the next one after *tap reads, or -1 when
 * there are no more; -2 for padding, -3 for what lies beyond the padding. */
static int64_t pool_next(const sni_ref_call *call, const int64_t *to, int64_t *tap) {
    const sni_ref_tensor *x = call->in[0];
    int spatial = x->rank - 2;
    int64_t from[SINTER_MAX_RANK] = {to[0], to[1]}, rest = *tap, result = 0;
    for (int i = spatial - 1; i >= 0; --i) {
        int64_t kernel = call->attr_values[SNI_POOL_KERNEL][i], k = rest % kernel;
        rest /= kernel;
        from[2 + i] = to[2 + i] * sni_ref_entry(call, SNI_POOL_STRIDES, i, 1) +
                      k * sni_ref_entry(call, SNI_POOL_DILATIONS, i, 1) - sni_ref_entry(call, SNI_POOL_PADS, i, 0);
        if (from[2 + i] >= x->dims[2 + i] + sni_ref_entry(call, SNI_POOL_PADS, spatial + i, 0))
            result = -3;
        else if ((from[2 + i] < 0 || from[2 + i] >= x->dims[2 + i]) && result == 0)
            result = -2;
    }
    if (rest > 0) return -1;
    ++*tap;
    return result < 0 ? result : sni_ref_index(x, from);
}

static sinter_status max_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        if (out->f)
            out->f[n] = -INFINITY;
        else
            out->i[n] = sni_dtype_lowest(out->dtype);
        for (int64_t tap = 0, at; (at = pool_next(call, coords, &tap)) != -1;) {
            if (at < 0) continue;
            if (out->f && !isnan(out->f[n]) && !(x->f[at] <= out->f[n])) out->f[n] = x->f[at];
            if (out->i && x->i[at] > out->i[n]) out->i[n] = x->i[at];
        }
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

static sinter_status average_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        double sum = 0, count = 0;
        for (int64_t tap = 0, at; (at = pool_next(call, coords, &tap)) != -1;) {
            if (at >= 0) sum += x->f[at];
            if (at >= 0 || (at == -2 && call->attrs[SNI_POOL_INCLUDE_PAD].i)) count += 1;
        }
        out->f[n] = sum / count;
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_composite_pool[] = {
    {.name = "max_pool",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(MAX_POOL),
     .classes = SNI_CLASS_NUMBER,
     .cost = 2,
     .fill_attr = -1,
     .infer = max_infer,
     .reference = max_reference,
     .doc = "Largest element of every window; NaN wins, padding never does. pads: what is added in front of each "
            "spatial dimension, then what is added behind each; none: 0. strides and dilations left out are 1."},
    {.name = "avg_pool",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(AVG_POOL),
     .classes = SNI_CLASS_REAL,
     .cost = 2,
     .fill_attr = -1,
     .infer = average_infer,
     .reference = average_reference,
     .doc = "Mean of every window, with or without the padding."},
};
const size_t sni_ops_composite_pool_count = COUNT(sni_ops_composite_pool);
