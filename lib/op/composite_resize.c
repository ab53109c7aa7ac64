/* Resizing by interpolation, each dimension on its own. */
#include "op/rule.h"
#include "op/tables.h"

#include <math.h>

static sinter_status resize_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int64_t mode = sni_attr_i(call, SNI_RESIZE_MODE), coordinate = sni_attr_i(call, SNI_RESIZE_COORDINATE);
    int64_t nearest = sni_attr_i(call, SNI_RESIZE_NEAREST);
    SNI_TRY(sni_rule_class(call, 0, mode == SNI_RESIZE_TO_NEAREST ? SNI_CLASS_ANY : SNI_CLASS_REAL));
    if (mode < SNI_RESIZE_TO_NEAREST || mode > SNI_RESIZE_CUBIC || coordinate < SNI_RESIZE_HALF_PIXEL ||
        coordinate > SNI_RESIZE_PYTORCH_HALF_PIXEL || nearest < SNI_RESIZE_PREFER_FLOOR || nearest > SNI_RESIZE_CEIL)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a mode of resize is out of range");
    if (call->attrs[SNI_RESIZE_SIZES].count != in->rank)
        return sni_rule_shape_of(call, 0, "sizes needs one entry a dimension");
    for (int i = 0; i < in->rank; ++i) {
        sni_expr size = call->attrs[SNI_RESIZE_SIZES].exprs[i];
        if (sni_rule_const_below(call, size, 0))
            return sni_fail(SINTER_SHAPE, "the size of dimension %d is negative", i);
        if (!sni_rule_some(call, size, in->dims[i]))
            return sni_rule_shape_of(call, 0, "an empty dimension cannot be resized");
    }
    sni_rule_out(call, in->dtype, in->rank, call->attrs[SNI_RESIZE_SIZES].exprs);
    return sni_rule_done(call);
}

/* Where element o of size outputs lies between dim inputs, as a fraction of two integers, so that the
 * roundings of halves are exact. */
static void resize_position(int64_t coordinate, int64_t o, int64_t dim, int64_t size, int64_t *upper, int64_t *lower) {
    *lower = 2 * size;
    *upper = (2 * o + 1) * dim - size;
    if (coordinate == SNI_RESIZE_ASYMMETRIC) *upper = 2 * o * dim;
    if (coordinate == SNI_RESIZE_PYTORCH_HALF_PIXEL && size <= 1) *upper = 0;
    if (coordinate == SNI_RESIZE_ALIGN_CORNERS) {
        *upper = size > 1 ? o * (dim - 1) : 0;
        *lower = size > 1 ? size - 1 : 1;
    }
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static double cubic_weight(double distance, double a) {
    double d = fabs(distance);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* The input elements and their weights that make element o; returns how many. */
static int resize_taps(const sni_ref_call *call, int64_t o, int64_t dim, int64_t size, int64_t *indices,
                       double *weights) {
    int64_t upper = 0, lower = 1;
    if (dim == size) {
        indices[0] = o;
        weights[0] = 1;
        return 1;
    }
    resize_position(call->attrs[SNI_RESIZE_COORDINATE].i, o, dim, size, &upper, &lower);
    int64_t base = floor_div(upper, lower);
    double part = (double)(upper - base * lower) / (double)lower;
    int count = 0;
    if (call->attrs[SNI_RESIZE_MODE].i == SNI_RESIZE_TO_NEAREST) {
        switch (call->attrs[SNI_RESIZE_NEAREST].i) {
        case SNI_RESIZE_PREFER_FLOOR:
            base += part > 0.5;
            break;
        case SNI_RESIZE_PREFER_CEIL:
            base += part >= 0.5;
            break;
        case SNI_RESIZE_CEIL:
            base += part > 0;
            break;
        default:
            break;
        }
        indices[count] = base;
        weights[count++] = 1;
    } else if (call->attrs[SNI_RESIZE_MODE].i == SNI_RESIZE_LINEAR) {
        for (int k = 0; k < 2; ++k) {
            indices[count] = base + k;
            weights[count++] = k ? part : 1 - part;
        }
    } else {
        for (int k = -1; k < 3; ++k) {
            indices[count] = base + k;
            weights[count++] = cubic_weight(part - k, call->attrs[SNI_RESIZE_CUBIC_A].f);
        }
    }
    for (int k = 0; k < count; ++k) indices[k] = indices[k] < 0 ? 0 : indices[k] >= dim ? dim - 1 : indices[k];
    return count;
}

/* Sums over all dimensions from axis on. */
static double resize_sum(const sni_ref_call *call, const int64_t *to, int axis, int64_t at) {
    const sni_ref_tensor *x = call->in[0];
    int64_t indices[4];
    double weights[4], sum = 0;
    if (axis == x->rank) return x->f[at];
    int count = resize_taps(call, to[axis], x->dims[axis], call->out[0]->dims[axis], indices, weights);
    for (int k = 0; k < count; ++k) sum += weights[k] * resize_sum(call, to, axis + 1, at * x->dims[axis] + indices[k]);
    return sum;
}

static sinter_status resize_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, indices[4];
    double weights[4];
    if (x->count == 0 && out->count > 0) return sni_fail(SINTER_SHAPE, "an empty dimension cannot be resized");
    for (int64_t n = 0; n < out->count; ++n) {
        if (call->attrs[SNI_RESIZE_MODE].i == SNI_RESIZE_TO_NEAREST) {
            int64_t at = 0;
            for (int i = 0; i < x->rank; ++i) {
                resize_taps(call, coords[i], x->dims[i], out->dims[i], indices, weights);
                at = at * x->dims[i] + indices[0];
            }
            sni_ref_move(x, at, out, n);
        } else {
            out->f[n] = resize_sum(call, coords, 0, 0);
        }
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_composite_resize[] = {
    {.name = "resize",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(RESIZE),
     .classes = SNI_CLASS_ANY,
     .cost = 4,
     .fill_attr = -1,
     .infer = resize_infer,
     .reference = resize_reference,
     .doc = "Interpolates to sizes. mode 0 nearest, 1 linear, 2 cubic; coordinate 0 half pixel, 1 "
            "asymmetric, 2 align corners, 3 half pixel as PyTorch; nearest 0 round down at halves, "
            "1 round up at halves, 2 floor, 3 ceil."},
};
const size_t sni_ops_composite_resize_count = 1;
