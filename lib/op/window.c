/* Views with a fill: pad, and the sliding window that convolution and pooling are made of. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- pad ------------------------------------------------------------------------------------ */

static sinter_status pad_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int64_t mode = sni_attr_i(call, SNI_PAD_MODE);
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (call->attrs[SNI_PAD_LOW].count != in->rank || call->attrs[SNI_PAD_HIGH].count != in->rank)
        return sni_rule_shape_of(call, 0, "low and high need one entry a dimension");
    if (mode < SNI_PAD_CONSTANT || mode > SNI_PAD_WRAP)
        return sni_fail(SINTER_INVALID_ARGUMENT, "pad mode %lld is none of 0..3", (long long)mode);
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) {
        sni_expr ends = sni_sym_add(call->sym, call->attrs[SNI_PAD_LOW].exprs[i], call->attrs[SNI_PAD_HIGH].exprs[i]);
        dims[i] = sni_sym_add(call->sym, in->dims[i], ends);
        if (sni_rule_const_below(call, dims[i], 0)) return sni_rule_shape_of(call, 0, "more is cropped than there is");
        if (mode != SNI_PAD_CONSTANT && !sni_rule_some(call, dims[i], in->dims[i]))
            return sni_rule_shape_of(call, 0, "an empty dimension has nothing to repeat");
    }
    sni_rule_out(call, in->dtype, in->rank, dims);
    return sni_rule_done(call);
}

/* |t|, and the mirror image at the far end; repeated with the period 2*(dim-1) where the padding
 * may be longer than the input. */
static sni_expr pad_reflect(sni_sym *sym, sni_expr t, sni_expr dim, sni_expr low, sni_expr high) {
    sni_expr far = sni_sym_mul_i(sym, sni_sym_add_i(sym, dim, -1), 2);
    if (sni_sym_known_less(sym, low, dim) && sni_sym_known_less(sym, high, dim)) {
        sni_expr mirrored = sni_sym_max(sym, t, sni_sym_mul_i(sym, t, -1));
        return sni_sym_min(sym, mirrored, sni_sym_sub(sym, far, mirrored));
    }
    sni_expr phase = sni_sym_mod(sym, t, sni_sym_max(sym, far, sni_sym_const(sym, 1)));
    return sni_sym_min(sym, phase, sni_sym_sub(sym, far, phase));
}

static sni_expr pad_coord(const sni_call *call, int axis, sni_expr o, sni_expr *guard) {
    sni_sym *sym = call->sym;
    sni_expr dim = call->in[0].dims[axis];
    sni_expr low = call->attrs[SNI_PAD_LOW].exprs[axis], high = call->attrs[SNI_PAD_HIGH].exprs[axis];
    sni_expr t = sni_sym_sub(sym, o, low), zero = sni_sym_const(sym, 0);
    if (low == zero && high == zero) return o;
    switch (sni_attr_i(call, SNI_PAD_MODE)) {
    case SNI_PAD_REFLECT:
        return pad_reflect(sym, t, dim, low, high);
    case SNI_PAD_EDGE:
        return sni_sym_min(sym, sni_sym_max(sym, t, zero), sni_sym_add_i(sym, dim, -1));
    case SNI_PAD_WRAP:
        return sni_sym_mod(sym, t, dim);
    default: {
        sni_expr inside = sni_sym_and(sym, sni_sym_le(sym, zero, t), sni_sym_lt(sym, t, dim));
        *guard = *guard == SNI_NO_EXPR ? inside : sni_sym_and(sym, *guard, inside);
        return t;
    }
    }
}

static int pad_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                   sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < call->in[0].rank; ++i)
        accesses[0].coords[i] = pad_coord(call, i, out_coords[i], &accesses[0].guard);
    return 1;
}

/* The input coordinate for t, or -1 for the fill. Written as the definition, step by step. */
static int64_t pad_source(int64_t t, int64_t dim, int64_t mode) {
    if (mode == SNI_PAD_CONSTANT) return t >= 0 && t < dim ? t : -1;
    if (mode == SNI_PAD_EDGE) return t < 0 ? 0 : t >= dim ? dim - 1 : t;
    if (mode == SNI_PAD_WRAP) {
        while (t < 0) t += dim;
        return t % dim;
    }
    if (dim == 1) return 0;
    while (t < 0 || t >= dim) t = t < 0 ? -t : 2 * (dim - 1) - t;
    return t;
}

static sinter_status pad_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        bool inside = true;
        for (int i = 0; i < in->rank; ++i) {
            if (in->dims[i] == 0 && call->attrs[SNI_PAD_MODE].i != SNI_PAD_CONSTANT)
                return sni_fail(SINTER_SHAPE, "an empty dimension has nothing to repeat");
            from[i] =
                pad_source(coords[i] - call->attr_values[SNI_PAD_LOW][i], in->dims[i], call->attrs[SNI_PAD_MODE].i);
            if (from[i] < 0) inside = false;
        }
        if (inside)
            sni_ref_move(in, sni_ref_index(in, from), out, n);
        else
            sni_ref_set(out, n, call->attrs[SNI_PAD_VALUE].f);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- window --------------------------------------------------------------------------------- */

/* Numbers beyond 32 bits make no window, and their products would overflow. */
static bool window_in_range(const sni_call *call, int attr) {
    for (int i = 0; i < call->attrs[attr].count; ++i) {
        int64_t value = 0;
        if (sni_sym_is_const(call->sym, call->attrs[attr].exprs[i], &value) && (value < INT32_MIN || value > INT32_MAX))
            return false;
    }
    return true;
}

static sinter_status window_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (sliding > in->rank || sliding + in->rank > SINTER_MAX_RANK)
        return sni_rule_shape_of(call, 0, "the kernel has too many dimensions");
    for (int a = SNI_WINDOW_STRIDES; a <= SNI_WINDOW_SIZES; ++a)
        if (call->attrs[a].count != sliding && !(call->attrs[a].count == 0 && a != SNI_WINDOW_SIZES))
            return sni_fail(SINTER_SHAPE, "attribute %s has %d entries, the kernel has %d", call->op->attrs[a].name,
                            call->attrs[a].count, sliding);
    for (int a = SNI_WINDOW_STRIDES; a < SNI_WINDOW_SIZES; ++a)
        if (!window_in_range(call, a))
            return sni_fail(SINTER_INVALID_ARGUMENT, "attribute %s is out of range", call->op->attrs[a].name);
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank - sliding; ++i) dims[i] = in->dims[i];
    for (int i = 0; i < sliding; ++i) {
        sni_expr kernel = call->attrs[SNI_WINDOW_KERNEL].exprs[i];
        sni_expr size = call->attrs[SNI_WINDOW_SIZES].exprs[i];
        if (sni_rule_const_below(call, kernel, 0) || sni_rule_const_below(call, size, 0))
            return sni_fail(SINTER_SHAPE, "the window's kernel or size is negative");
        sni_expr every = sni_rule_entry(call, SNI_WINDOW_INPUT_STRIDES, i, 1);
        if (sni_rule_const_below(call, every, 1))
            return sni_fail(SINTER_INVALID_ARGUMENT, "input strides must be 1 or more");
        sni_call_require(call, sni_sym_lt(call->sym, sni_sym_const(call->sym, 0), every));
        dims[in->rank - sliding + i] = size;
        dims[in->rank + i] = kernel;
    }
    sni_rule_out(call, in->dtype, in->rank + sliding, dims);
    return sni_rule_done(call);
}

/* Input coordinate of window position o, kernel element k along sliding dimension i; narrows the
 * guard to where there is an input element. */
static sni_expr window_coord(const sni_call *call, int i, sni_expr o, sni_expr k, sni_expr dim, sni_expr *guard) {
    sni_sym *sym = call->sym;
    sni_expr zero = sni_sym_const(sym, 0), every = sni_rule_entry(call, SNI_WINDOW_INPUT_STRIDES, i, 1);
    sni_expr t = sni_sym_add(sym, sni_sym_mul(sym, o, sni_rule_entry(call, SNI_WINDOW_STRIDES, i, 1)),
                             sni_sym_mul(sym, k, sni_rule_entry(call, SNI_WINDOW_DILATIONS, i, 1)));
    t = sni_sym_sub(sym, t, sni_rule_entry(call, SNI_WINDOW_PADS_LOW, i, 0));
    sni_expr inside = sni_sym_le(sym, zero, t), coord = t;
    if (!sni_sym_is(sym, every, 1)) {
        inside = sni_sym_and(sym, inside, sni_sym_eq(sym, sni_sym_mod(sym, t, every), zero));
        coord = sni_sym_div(sym, t, every);
    }
    inside = sni_sym_and(sym, inside, sni_sym_lt(sym, coord, dim));
    *guard = *guard == SNI_NO_EXPR ? inside : sni_sym_and(sym, *guard, inside);
    return coord;
}

static int window_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                      sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    const sni_type *in = &call->in[0];
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count, fixed = in->rank - sliding;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < fixed; ++i) accesses[0].coords[i] = out_coords[i];
    for (int i = 0; i < sliding; ++i)
        accesses[0].coords[fixed + i] = window_coord(call, i, out_coords[fixed + i], out_coords[in->rank + i],
                                                     in->dims[fixed + i], &accesses[0].guard);
    return 1;
}

/* The input coordinate of window position o and kernel element k, below 0 where there is none. */
static int64_t window_source(const sni_ref_call *call, int i, int64_t o, int64_t k) {
    int64_t every = sni_ref_entry(call, SNI_WINDOW_INPUT_STRIDES, i, 1);
    int64_t t = o * sni_ref_entry(call, SNI_WINDOW_STRIDES, i, 1) +
                k * sni_ref_entry(call, SNI_WINDOW_DILATIONS, i, 1) - sni_ref_entry(call, SNI_WINDOW_PADS_LOW, i, 0);
    return t < 0 || t % every != 0 ? -1 : t / every;
}

static sinter_status window_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count, fixed = in->rank - sliding;
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        bool inside = true;
        for (int i = 0; i < fixed; ++i) from[i] = coords[i];
        for (int i = 0; i < sliding; ++i) {
            from[fixed + i] = window_source(call, i, coords[fixed + i], coords[in->rank + i]);
            if (from[fixed + i] < 0 || from[fixed + i] >= in->dims[fixed + i]) inside = false;
        }
        if (inside)
            sni_ref_move(in, sni_ref_index(in, from), out, n);
        else
            sni_ref_set(out, n, call->attrs[SNI_WINDOW_VALUE].f);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- window_taps ---------------------------------------------------------------------------- */

static sinter_status taps_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count;
    if (2 * sliding > in->rank) return sni_rule_shape_of(call, 0, "the kernel has too many dimensions");
    for (int i = 0; i < sliding; ++i)
        if (!sni_rule_equal(call, in->dims[in->rank - sliding + i], call->attrs[SNI_WINDOW_KERNEL].exprs[i]))
            return sni_rule_shape_of(call, 0, "the last dimensions are not the kernel's");
    /* The window over what is before the kernel's dimensions has the result's shape. */
    sni_type seen = *in;
    seen.rank = in->rank - sliding;
    sni_call inner = *call;
    inner.in = &seen;
    SNI_TRY(window_infer(&inner));
    call->require = inner.require;
    return SINTER_OK;
}

static int taps_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                    sni_access *accesses, sni_expr *out_value) {
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count;
    sni_type seen = call->in[0];
    seen.rank -= sliding;
    sni_call inner = *call;
    inner.in = &seen;
    int count = window_map(&inner, out_coords, output, read, context, accesses, out_value);
    for (int i = 0; i < sliding; ++i) accesses[0].coords[seen.rank + i] = out_coords[seen.rank + i];
    return count;
}

static sinter_status taps_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int sliding = call->attrs[SNI_WINDOW_KERNEL].count, fixed = in->rank - 2 * sliding;
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        bool inside = true;
        for (int i = 0; i < in->rank; ++i) from[i] = coords[i];
        for (int i = 0; i < sliding; ++i) {
            from[fixed + i] = window_source(call, i, coords[fixed + i], coords[fixed + sliding + i]);
            if (from[fixed + i] < 0 || from[fixed + i] >= in->dims[fixed + i]) inside = false;
        }
        if (inside)
            sni_ref_move(in, sni_ref_index(in, from), out, n);
        else
            sni_ref_set(out, n, call->attrs[SNI_WINDOW_VALUE].f);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_window[] = {
    {.name = "pad",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(PAD),
     .classes = SNI_CLASS_ANY,
     .fill_attr = SNI_PAD_VALUE,
     .infer = pad_infer,
     .map = pad_map,
     .reference = pad_reference,
     .doc = "Adds elements at both ends of every dimension (negative: crops). mode 0 fills with "
            "value, 1 reflects, 2 repeats the edge, 3 wraps around. low and high have one entry a dimension."},
    {.name = "window",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(WINDOW),
     .classes = SNI_CLASS_ANY,
     .fill_attr = SNI_WINDOW_VALUE,
     .traits = {.slides = true},
     .infer = window_infer,
     .map = window_map,
     .reference = window_reference,
     .doc = "Sliding windows over the last dimensions: the result has sizes positions, then the "
            "kernel's dimensions; outside x it holds value."},
    {.name = "window_taps",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(WINDOW),
     .classes = SNI_CLASS_ANY,
     .fill_attr = SNI_WINDOW_VALUE,
     .infer = taps_infer,
     .map = taps_map,
     .reference = taps_reference,
     .doc = "A window over an x that has elements of its own for each element of the kernel, whose dimensions are its "
            "last ones. The gradient of window is one, summed over the kernel."},
};
const size_t sni_ops_window_count = COUNT(sni_ops_window);
