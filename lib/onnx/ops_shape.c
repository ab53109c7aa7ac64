/* ONNX operators that rearrange elements: reshapes, slices, pads, concatenation. Their shape
 * operands must be known at import, as numbers or as expressions of symbolic dimensions. */
#include "onnx/importer.h"

#include <string.h>

static bool rank_fits(sni_onnx_call *call, int rank) {
    if (rank > SINTER_MAX_RANK)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a result of rank %d (up to %d)", rank, SINTER_MAX_RANK);
    return call->status == SINTER_OK;
}

/* ---- reshapes ---- */

static void reshape(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sni_onnx_list shape;
    bool zero_is_zero = sni_onnx_attr_int(call, "allowzero", 0) != 0;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "shape operand", &shape) || !rank_fits(call, shape.count))
        return;
    for (int i = 0; i < shape.count; i++) {
        int64_t dim = 1;
        bool number = sni_sym_is_const(call->sym, shape.at[i], &dim);
        sni_expr hint = number && dim == -1 ? sni_onnx_hint(call, shape.count, i) : SNI_NO_EXPR;
        if (hint != SNI_NO_EXPR) shape.at[i] = hint;
        if (!number || dim != 0 || zero_is_zero) continue;
        if (i >= sni_onnx_rank(call, x))
            sni_onnx_fail(call, SINTER_SHAPE, "the shape's 0 at %d has no dimension to copy", i);
        shape.at[i] = sni_onnx_dim(call, x, i);
    }
    call->out[0] = sni_onnx_reshape(call, x, &shape);
}

static void flatten(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sni_onnx_list from = sni_onnx_shape(call, x), to = {.count = 2};
    int64_t axis = sni_onnx_attr_int(call, "axis", 1);
    if (axis < 0) axis += from.count;
    if (axis < 0 || axis > from.count)
        sni_onnx_fail(call, SINTER_PARSE, "axis %lld is outside of rank %d", (long long)axis, from.count);
    else {
        to.at[0] = sni_onnx_extent(call, &from, 0, (int)axis);
        to.at[1] = sni_onnx_extent(call, &from, (int)axis, from.count);
        call->out[0] = sni_onnx_reshape(call, x, &to);
    }
}

static void squeeze(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sni_onnx_list from = sni_onnx_shape(call, x), to = {0};
    sni_onnx_axes axes;
    if (!sni_onnx_axes_of(call, 1, 13, from.count, &axes)) return;
    if (!axes.given) { /* the operator also sees to it that a dimension with a name is not 1 when a run says what it is */
        call->out[0] = sni_onnx_emit(call, "squeeze", SNI_IN(x), NULL);
        return;
    }
    for (int i = 0; i < from.count; i++) {
        int64_t dim = 0;
        bool named = false;
        bool number = sni_sym_is_const(call->sym, from.at[i], &dim);
        for (int j = 0; j < axes.count; j++) named = named || axes.at[j] == i;
        if (named && number && dim != 1)
            sni_onnx_fail(call, SINTER_SHAPE, "dimension %d is %lld, not 1", i, (long long)dim);
        if (!named) to.at[to.count++] = from.at[i];
    }
    call->out[0] = sni_onnx_reshape(call, x, &to);
}

static void unsqueeze(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), axes_value = sni_onnx_in(call, 1);
    sni_onnx_list from = sni_onnx_shape(call, x), to = {0};
    sni_onnx_ints given = {0};
    sni_onnx_list known = {0};
    if (call->opset < 13)
        given = sni_onnx_attr_ints(call, "axes");
    else if (!sni_onnx_elements(call, axes_value, "axes operand", &known))
        return;
    int rank = from.count + (call->opset < 13 ? given.count : known.count);
    sni_onnx_axes axes;
    if (!rank_fits(call, rank) || !sni_onnx_axes_of(call, 1, 13, rank, &axes)) return;
    for (int i = 0, next = 0; i < rank; i++) {
        bool named = false;
        for (int j = 0; j < axes.count; j++) named = named || axes.at[j] == i;
        to.at[to.count++] = named ? sni_onnx_const(call, 1) : from.at[next++];
    }
    call->out[0] = sni_onnx_reshape(call, x, &to);
}

static void transpose(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x), perm[SINTER_MAX_RANK];
    unsigned seen = 0;
    sni_onnx_ints given = sni_onnx_attr_ints(call, "perm");
    for (int i = 0; i < rank; i++) {
        int64_t from = given.given && i < given.count ? given.at[i] : rank - 1 - i;
        perm[i] = from >= 0 && from < rank ? (int)from : 0;
        seen |= 1u << perm[i];
    }
    if ((given.given && given.count != rank) || seen != (1u << (rank < 0 ? 0 : rank)) - 1)
        sni_onnx_fail(call, SINTER_PARSE, "perm is no permutation of %d axes", rank);
    call->out[0] = sni_onnx_transpose(call, x, rank, perm);
}

static void expand(sni_onnx_call *call) {
    sni_onnx_list shape;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "shape operand", &shape) || !rank_fits(call, shape.count))
        return;
    call->out[0] = sni_onnx_expand(call, sni_onnx_in(call, 0), &shape);
}

/* Every repeated dimension d becomes (repeats, d), of which the first is expanded. */
static void tile(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sni_onnx_list dims = sni_onnx_shape(call, x), repeats, split = {0}, wide = {0};
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "repeats operand", &repeats)) return;
    if (repeats.count != dims.count)
        sni_onnx_fail(call, SINTER_SHAPE, "%d repeats for rank %d", repeats.count, dims.count);
    for (int i = 0; i < dims.count && call->status == SINTER_OK; i++) {
        int64_t times = 0;
        if (!sni_sym_is_const(call->sym, repeats.at[i], &times) || times != 1) {
            split.at[split.count++] = sni_onnx_const(call, 1);
            wide.at[wide.count++] = repeats.at[i];
        }
        split.at[split.count++] = wide.at[wide.count] = dims.at[i];
        wide.count++;
        dims.at[i] = sni_sym_mul(call->sym, dims.at[i], repeats.at[i]);
    }
    if (!rank_fits(call, split.count)) return;
    x = sni_onnx_expand(call, sni_onnx_reshape(call, x, &split), &wide);
    call->out[0] = sni_onnx_reshape(call, x, &dims);
}

/* ---- slices ---- */

typedef struct {
    sni_onnx_list starts, ends, steps;
    int axes[SINTER_MAX_RANK];
    int count;
} bounds;

static bool bounds_of_attributes(sni_onnx_call *call, int rank, bounds *out) {
    sni_onnx_ints starts = sni_onnx_attr_ints(call, "starts");
    sni_onnx_ints ends = sni_onnx_attr_ints(call, "ends");
    sni_onnx_ints axes = sni_onnx_attr_ints(call, "axes");
    out->count = starts.count;
    if (starts.count != ends.count || starts.count > rank || (axes.given && axes.count != starts.count)) {
        sni_onnx_fail(call, SINTER_PARSE, "starts, ends and axes do not fit together");
        return false;
    }
    for (int i = 0; i < out->count; i++) {
        out->starts.at[i] = sni_onnx_const(call, starts.at[i]);
        out->ends.at[i] = sni_onnx_const(call, ends.at[i]);
        out->steps.at[i] = sni_onnx_const(call, 1);
        out->axes[i] = axes.given ? sni_onnx_axis(call, axes.at[i], rank) : i;
    }
    return call->status == SINTER_OK;
}

static bool bounds_of_inputs(sni_onnx_call *call, int rank, bounds *out) {
    int64_t axes[SINTER_MAX_RANK];
    int axis_count = -1;
    uint32_t axes_value = sni_onnx_in(call, 3), steps_value = sni_onnx_in(call, 4);
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "starts operand", &out->starts) ||
        !sni_onnx_elements(call, sni_onnx_in(call, 2), "ends operand", &out->ends))
        return false;
    if (axes_value && !sni_onnx_numbers_of(call, axes_value, "axes operand", SINTER_MAX_RANK, axes, &axis_count))
        return false;
    if (steps_value && !sni_onnx_elements(call, steps_value, "steps operand", &out->steps)) return false;
    out->count = out->starts.count;
    if (out->ends.count != out->count || out->count > rank || (axes_value && axis_count != out->count) ||
        (steps_value && out->steps.count != out->count)) {
        sni_onnx_fail(call, SINTER_PARSE, "starts, ends, axes and steps do not fit together");
        return false;
    }
    for (int i = 0; i < out->count; i++) {
        out->axes[i] = axes_value ? sni_onnx_axis(call, axes[i], rank) : i;
        if (!steps_value) out->steps.at[i] = sni_onnx_const(call, 1);
    }
    return call->status == SINTER_OK;
}

/* A position of numpy: negative ones count from the end, then it is kept in low..dim + high. */
static sni_expr position(const sni_onnx_call *call, sni_expr at, sni_expr dim, int low, int high) {
    sni_sym *sym = call->sym;
    sni_expr most = sni_sym_add_i(sym, dim, high), least = sni_onnx_const(call, low);
    int64_t number;
    if (sni_sym_is_const(sym, at, &number)) {
        /* Exporters write these for "to the end"; a dimension that has a name is not longer. */
        bool named = !sni_sym_is_const(sym, dim, NULL), far = number == INT32_MAX || number > INT64_MAX / 2;
        if (named && far) return sni_sym_max(sym, most, least);
        if (named && (number == INT32_MIN || number == -INT32_MAX || number < -(INT64_MAX / 2))) return least;
        if (number < 0) return sni_sym_max(sym, sni_sym_add(sym, at, dim), least);
        return sni_sym_min(sym, at, most);
    }
    if (!sni_sym_known_nonneg(sym, at)) {
        sni_expr negative = sni_sym_lt(sym, at, sni_onnx_const(call, 0));
        at = sni_sym_add(sym, at, sni_sym_mul(sym, dim, negative));
        at = sni_sym_max(sym, at, least);
    }
    return sni_sym_min(sym, at, most);
}

static void slice(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sni_sym *sym = call->sym;
    sni_onnx_list sizes = sni_onnx_shape(call, x), starts = sizes, steps = sizes;
    bounds given = {0};
    bool ok = call->opset < 10 ? bounds_of_attributes(call, sizes.count, &given)
                               : bounds_of_inputs(call, sizes.count, &given);
    for (int i = 0; i < sizes.count; i++) {
        starts.at[i] = sni_onnx_const(call, 0);
        steps.at[i] = sni_onnx_const(call, 1);
    }
    for (int i = 0; ok && i < given.count; i++) {
        int axis = given.axes[i];
        sni_expr dim = sni_onnx_dim(call, x, axis), zero = sni_onnx_const(call, 0);
        int64_t step = sni_onnx_static(call, given.steps.at[i], "a step");
        if (step == 0 || step <= -INT32_MAX) {
            sni_onnx_fail(call, SINTER_PARSE, "a step of %lld", (long long)step);
            return;
        }
        int low = step < 0 ? -1 : 0, high = step < 0 ? -1 : 0;
        sni_expr start = position(call, given.starts.at[i], dim, low, high);
        sni_expr end = position(call, given.ends.at[i], dim, low, high);
        sni_expr span = step > 0 ? sni_sym_sub(sym, end, start) : sni_sym_sub(sym, start, end);
        span = sni_sym_max(sym, span, zero);
        sizes.at[axis] = sni_sym_ceil_div(sym, span, sni_onnx_const(call, step > 0 ? step : -step));
        starts.at[axis] = start;
        steps.at[axis] = given.steps.at[i];
    }
    if (!ok) return;
    call->out[0] = sni_onnx_emit(
        call, "slice", SNI_IN(x),
        SNI_ATTRS([SNI_SLICE_STARTS] = sni_onnx_exprs(call, &starts), [SNI_SLICE_STEPS] = sni_onnx_exprs(call, &steps),
                  [SNI_SLICE_SIZES] = sni_onnx_exprs(call, &sizes)));
}

/* Part i of parts: the operand's or attribute's word, else equal ones of which the last is smaller when the dimension is no
 * multiple of their number. */
typedef struct {
    sni_onnx_list operand;
    sni_onnx_ints given;
    sni_expr each, dim;
    int parts;
} partition;

static bool partition_of(sni_onnx_call *call, sni_expr dim, partition *p) {
    uint32_t value = sni_onnx_in(call, 1);
    *p = (partition){.given = sni_onnx_attr_ints(call, "split"), .dim = dim, .parts = call->out_count};
    int named = -1;
    if (call->opset >= 13) p->given.given = false;
    if (call->opset >= 13 && value) {
        if (!sni_onnx_elements(call, value, "split operand", &p->operand)) return false;
        named = p->operand.count;
    } else if (p->given.given) {
        named = p->given.count;
    }
    if (named >= 0 && named != p->parts)
        sni_onnx_fail(call, SINTER_PARSE, "it says %d parts and has %d outputs", named, p->parts);
    int64_t wanted = sni_onnx_attr_int(call, "num_outputs", p->parts);
    if (wanted != p->parts)
        sni_onnx_fail(call, SINTER_PARSE, "num_outputs is %lld, and it has %d outputs", (long long)wanted, p->parts);
    p->each = sni_sym_ceil_div(call->sym, dim, sni_onnx_const(call, p->parts));
    return call->status == SINTER_OK;
}

static sni_expr part_size(sni_onnx_call *call, const partition *p, int i) {
    if (p->operand.count) return p->operand.at[i];
    if (p->given.given) return sni_onnx_const(call, p->given.at[i]);
    if (i + 1 < p->parts) return p->each;
    return sni_sym_sub(call->sym, p->dim, sni_sym_mul_i(call->sym, p->each, p->parts - 1));
}

static void split(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", 0, sni_onnx_rank(call, x));
    sni_expr dim = sni_onnx_dim(call, x, axis), at = sni_onnx_const(call, 0);
    partition p;
    int64_t whole, sum;
    if (axis < 0 || call->out_count < 1 || !partition_of(call, dim, &p)) return;
    for (int i = 0; i < p.parts && call->status == SINTER_OK; i++) {
        sni_expr size = part_size(call, &p, i);
        if (sni_onnx_wants(call, i)) call->out[i] = sni_onnx_slice_axis(call, x, axis, at, size);
        at = sni_sym_add(call->sym, at, size);
    }
    if (sni_sym_is_const(call->sym, dim, &whole) && sni_sym_is_const(call->sym, at, &sum) && whole != sum)
        sni_onnx_fail(call, SINTER_SHAPE, "parts of %lld in a dimension of %lld", (long long)sum, (long long)whole);
}

/* ---- concatenation, padding ---- */

static void concat(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", 1, sni_onnx_rank(call, x));
    for (int i = 1; i < call->in_count; i++)
        if (call->in[i] == 0) sni_onnx_fail(call, SINTER_PARSE, "input %d is missing", i);
    if (axis >= 0) call->out[0] = sni_onnx_concat(call, call->in_count, call->in, axis);
}

static int pad_mode(sni_onnx_call *call) {
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const char *mode = sni_onnx_attr_text(call, "mode", "constant");
    for (int i = 0; i < 4; i++)
        if (strcmp(mode, modes[i]) == 0) return i;
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "mode '%s'", mode);
    return 0;
}

static bool pads_of(sni_onnx_call *call, sni_onnx_list *out) {
    if (call->opset >= 11) return sni_onnx_elements(call, sni_onnx_in(call, 1), "pads operand", out);
    sni_onnx_ints given = sni_onnx_attr_ints(call, "pads");
    out->count = given.count <= SNI_MAX_LIST ? given.count : 0;
    for (int i = 0; i < out->count; i++) out->at[i] = sni_onnx_const(call, given.at[i]);
    return call->status == SINTER_OK;
}

/* Fills with what no attribute can hold: a value that is not known yet, or an integer beyond 2^53. What is x stays. */
static uint32_t pad_with(sni_onnx_call *call, uint32_t x, uint32_t value, const sni_onnx_list *low,
                         const sni_onnx_list *high) {
    sni_onnx_list shape = sni_onnx_shape(call, x), scalar = {0};
    const sni_attr attrs[SNI_MAX_ATTRS] = {
        [SNI_PAD_LOW] = sni_onnx_exprs(call, low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, high)};
    uint32_t inside = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_BOOL, 1), &shape);
    inside = sni_onnx_emit(call, "pad", SNI_IN(inside), attrs);
    return sni_onnx_where(call, inside, sni_onnx_emit(call, "pad", SNI_IN(x), attrs),
                          sni_onnx_reshape(call, value, &scalar));
}

/* Where dimensions are padded, and by how much. */
static bool pads_by_axis(sni_onnx_call *call, int rank, sni_onnx_list *low, sni_onnx_list *high) {
    sni_onnx_list given = {0};
    sni_onnx_axes axes = {0};
    if (!pads_of(call, &given)) return false;
    /* The fourth input names the padded axes (opset 18). */
    if (call->opset >= 18 && !sni_onnx_axes_of(call, 3, 18, rank, &axes)) return false;
    if (!axes.given)
        for (axes.count = 0; axes.count < rank; axes.count++) axes.at[axes.count] = axes.count;
    if (given.count != 2 * axes.count) {
        sni_onnx_fail(call, SINTER_PARSE, "%d pads for %d axes", given.count, axes.count);
        return false;
    }
    low->count = high->count = rank;
    for (int i = 0; i < rank; i++) low->at[i] = high->at[i] = sni_onnx_const(call, 0);
    for (int i = 0; i < axes.count; i++) {
        low->at[axes.at[i]] = given.at[i];
        high->at[axes.at[i]] = given.at[axes.count + i];
    }
    return true;
}

static void pad(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), value = call->opset >= 11 ? sni_onnx_in(call, 2) : 0;
    int rank = sni_onnx_rank(call, x), mode = pad_mode(call), count = 0;
    sni_onnx_list low = {0}, high = {0};
    double fill = call->opset < 11 ? sni_onnx_attr_float(call, "value", 0) : 0;
    if (!pads_by_axis(call, rank, &low, &high)) return;
    if (value && mode == SNI_PAD_CONSTANT) {
        bool known = sni_onnx_is_known(call, value);
        if (known && !sni_onnx_doubles_of(call, value, "value to pad with", 1, &fill, &count)) return;
        bool inexact = !sni_dtype_is_real(sni_onnx_type(call, x).dtype) && !(fill > -0x1p53 && fill < 0x1p53);
        if (!known || inexact) {
            call->out[0] = pad_with(call, x, value, &low, &high);
            return;
        }
    }
    call->out[0] = sni_onnx_emit(
        call, "pad", SNI_IN(x),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high),
                  [SNI_PAD_MODE] = sni_attr_int(mode), [SNI_PAD_VALUE] = sni_attr_float(fill)));
}

/* ---- blocks of pixels and channels ---- */

static bool block_of(sni_onnx_call *call, uint32_t x, int64_t *out_block) {
    *out_block = sni_onnx_attr_int(call, "blocksize", 0);
    if (sni_onnx_rank(call, x) == 4 && *out_block > 0 && *out_block < 65536) return true;
    sni_onnx_fail(call, SINTER_PARSE, "blocksize %lld of rank %d", (long long)*out_block, sni_onnx_rank(call, x));
    return false;
}

static void depth_to_space(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int64_t block;
    if (!block_of(call, x, &block)) return;
    bool crd = strcmp(sni_onnx_attr_text(call, "mode", "DCR"), "CRD") == 0;
    sni_onnx_list s = sni_onnx_shape(call, x);
    sni_expr b = sni_onnx_const(call, block);
    sni_expr c = sni_sym_div(call->sym, s.at[1], sni_onnx_const(call, block * block));
    sni_onnx_list dcr_form = {6, {s.at[0], b, b, c, s.at[2], s.at[3]}};
    sni_onnx_list crd_form = {6, {s.at[0], c, b, b, s.at[2], s.at[3]}};
    static const int dcr_perm[] = {0, 3, 4, 1, 5, 2}, crd_perm[] = {0, 1, 4, 2, 5, 3};
    sni_onnx_list result = {4, {s.at[0], c, sni_sym_mul(call->sym, s.at[2], b), sni_sym_mul(call->sym, s.at[3], b)}};
    x = sni_onnx_reshape(call, x, crd ? &crd_form : &dcr_form);
    x = sni_onnx_transpose(call, x, 6, crd ? crd_perm : dcr_perm);
    call->out[0] = sni_onnx_reshape(call, x, &result);
}

static void space_to_depth(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int64_t block;
    if (!block_of(call, x, &block)) return;
    sni_onnx_list s = sni_onnx_shape(call, x);
    sni_expr b = sni_onnx_const(call, block);
    sni_expr h = sni_sym_div(call->sym, s.at[2], b), w = sni_sym_div(call->sym, s.at[3], b);
    sni_onnx_list form = {6, {s.at[0], s.at[1], h, b, w, b}};
    static const int dcr_perm[] = {0, 3, 5, 1, 2, 4}, crd_perm[] = {0, 1, 3, 5, 2, 4};
    bool crd = strcmp(sni_onnx_attr_text(call, "mode", "DCR"), "CRD") == 0;
    sni_onnx_list result = {4, {s.at[0], sni_sym_mul_i(call->sym, s.at[1], block * block), h, w}};
    x = sni_onnx_transpose(call, sni_onnx_reshape(call, x, &form), 6, crd ? crd_perm : dcr_perm);
    call->out[0] = sni_onnx_reshape(call, x, &result);
}

/* ---- shapes as values ---- */

static int clamp(int64_t at, int rank) {
    if (at < 0) at += rank;
    return at < 0 ? 0 : at > rank ? rank : (int)at;
}

static void shape(sni_onnx_call *call) {
    sni_onnx_list dims = sni_onnx_shape(call, sni_onnx_in(call, 0)), part = {0};
    int start = clamp(sni_onnx_attr_int(call, "start", 0), dims.count);
    int end = clamp(sni_onnx_attr_int(call, "end", dims.count), dims.count);
    for (int i = start; i < end; i++) part.at[part.count++] = dims.at[i];
    call->out[0] = sni_onnx_known(call, 1, &part);
}

static void size(sni_onnx_call *call) {
    sni_onnx_list dims = sni_onnx_shape(call, sni_onnx_in(call, 0)), one = {.count = 1};
    one.at[0] = sni_onnx_extent(call, &dims, 0, dims.count);
    call->out[0] = sni_onnx_known(call, 0, &one);
}

static const sni_onnx_row rows[] = {
    {"Reshape", 6, 2, 2, 1, reshape, NULL},
    {"Flatten", 6, 1, 1, 1, flatten, NULL},
    {"Squeeze", 6, 1, 2, 1, squeeze, NULL},
    {"Unsqueeze", 6, 1, 2, 1, unsqueeze, NULL},
    {"Transpose", 1, 1, 1, 1, transpose, NULL},
    {"Expand", 8, 2, 2, 1, expand, NULL},
    {"Tile", 6, 2, 2, 1, tile, NULL},
    {"Slice", 6, 1, 5, 1, slice, NULL},
    {"Split", 6, 1, 2, -1, split, NULL},
    {"Concat", 6, 1, -1, 1, concat, NULL},
    {"Pad", 6, 1, 4, 1, pad, NULL},
    {"DepthToSpace", 6, 1, 1, 1, depth_to_space, NULL},
    {"SpaceToDepth", 6, 1, 1, 1, space_to_depth, NULL},
    {"Shape", 1, 1, 1, 1, shape, NULL},
    {"Size", 1, 1, 1, 1, size, NULL},
};
const sni_onnx_family sni_onnx_shape_family = {rows, sizeof rows / sizeof *rows};
