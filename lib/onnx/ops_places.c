/* Operators about places: CenterCropPad, Col2Im, AffineGrid, Det, MaxUnpool. Places are integers computed from coordinates, and
 * elements are gathered there. */
#include "onnx/importer.h"

#include <string.h>

#define MAX_SPATIAL (SINTER_MAX_RANK - 2)
#define MAX_ELIMINATED 64

static uint32_t number_of(sni_onnx_call *call, sni_expr e) {
    sni_onnx_list list = {1, {e}};
    return sni_onnx_known(call, 0, &list);
}

/* ---- CenterCropPad ---- */

/* What is cut in front is half of what is cut, rounded down; what is added in front, too. */
static uint32_t centre(sni_onnx_call *call, uint32_t x, int axis, sni_expr size) {
    sni_sym *sym = call->sym;
    int rank = sni_onnx_rank(call, x);
    sni_expr dim = sni_onnx_dim(call, x, axis), zero = sni_onnx_const(call, 0), two = sni_onnx_const(call, 2);
    if (dim == size) return x;
    sni_expr cut = sni_sym_max(sym, sni_sym_sub(sym, dim, size), zero);
    sni_expr add = sni_sym_max(sym, sni_sym_sub(sym, size, dim), zero);
    x = sni_onnx_slice_axis(call, x, axis, sni_sym_div(sym, cut, two), sni_sym_min(sym, dim, size));
    sni_onnx_list low = {.count = rank}, high = {.count = rank};
    for (int i = 0; i < rank; i++) low.at[i] = high.at[i] = zero;
    low.at[axis] = sni_sym_div(sym, add, two);
    high.at[axis] = sni_sym_sub(sym, add, low.at[axis]);
    return sni_onnx_emit(
        call, "pad", SNI_IN(x),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high)));
}

static void center_crop_pad(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x);
    sni_onnx_list sizes;
    sni_onnx_ints axes = sni_onnx_attr_ints(call, "axes");
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "shape operand", &sizes)) return;
    int count = axes.given ? axes.count : rank;
    if (sizes.count != count) sni_onnx_fail(call, SINTER_PARSE, "%d sizes for %d axes", sizes.count, count);
    for (int i = 0; i < count && call->status == SINTER_OK; i++) {
        int axis = axes.given ? sni_onnx_axis(call, axes.at[i], rank) : i;
        if (axis >= 0) x = centre(call, x, axis, sizes.at[i]);
    }
    call->out[0] = x;
}

/* ---- Col2Im ---- */

typedef struct {
    int dims;
    sni_onnx_list image, block;
    sni_onnx_list steps; /* blocks along each dimension */
    int64_t strides[MAX_SPATIAL], dilations[MAX_SPATIAL], pads[2 * MAX_SPATIAL];
} columns;

static void list_or(sni_onnx_call *call, const char *name, int count, int64_t preset, int64_t least, int64_t *out) {
    sni_onnx_ints given = sni_onnx_attr_ints(call, name);
    if (given.given && given.count != count)
        sni_onnx_fail(call, SINTER_PARSE, "%s has %d elements, not %d", name, given.count, count);
    for (int i = 0; i < count; i++) {
        out[i] = given.given && i < given.count ? given.at[i] : preset;
        if (out[i] < least || out[i] > INT32_MAX)
            sni_onnx_fail(call, SINTER_PARSE, "%s has the element %lld", name, (long long)out[i]);
    }
}

static bool read_columns(sni_onnx_call *call, columns *c) {
    sni_sym *sym = call->sym;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "image_shape operand", &c->image) ||
        !sni_onnx_elements(call, sni_onnx_in(call, 2), "block_shape operand", &c->block))
        return false;
    c->dims = c->image.count;
    if (c->dims < 1 || c->dims > MAX_SPATIAL || c->block.count != c->dims) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "an image of %d and a block of %d dimensions (1 to %d)", c->dims,
                      c->block.count, MAX_SPATIAL);
        return false;
    }
    list_or(call, "strides", c->dims, 1, 1, c->strides);
    list_or(call, "dilations", c->dims, 1, 1, c->dilations);
    list_or(call, "pads", 2 * c->dims, 0, 0, c->pads);
    c->steps.count = c->dims;
    for (int i = 0; i < c->dims; i++) {
        sni_expr reach = sni_sym_mul_i(sym, sni_sym_add_i(sym, c->block.at[i], -1), c->dilations[i]);
        sni_expr room =
            sni_sym_sub(sym, sni_sym_add_i(sym, c->image.at[i], c->pads[i] + c->pads[c->dims + i] - 1), reach);
        c->steps.at[i] = sni_sym_add_i(sym, sni_sym_div(sym, room, sni_onnx_const(call, c->strides[i])), 1);
    }
    return call->status == SINTER_OK;
}

/* Coordinate i of the flat position at in shape. */
static uint32_t coordinate(sni_onnx_call *call, uint32_t at, const sni_onnx_list *shape, int i) {
    sni_expr behind = sni_onnx_const(call, 1);
    for (int j = i + 1; j < shape->count; j++) behind = sni_sym_mul(call->sym, behind, shape->at[j]);
    if (i + 1 < shape->count) at = sni_onnx_binary(call, "div", at, number_of(call, behind));
    return i == 0 ? at : sni_onnx_binary(call, "mod", at, number_of(call, shape->at[i]));
}

/* Pixel p is the sum, over the places k of a block, of the element that block (p + pad - k dilation) / stride has there, if
 * that is a whole number of a block. */
static void col2im(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), valid = 0, flat = 0;
    columns c;
    if (!read_columns(call, &c) || sni_onnx_rank(call, x) != 3) {
        sni_onnx_fail(call, SINTER_SHAPE, "an input of rank %d, not 3", sni_onnx_rank(call, x));
        return;
    }
    sni_expr places = sni_onnx_extent(call, &c.block, 0, c.block.count),
             pixels = sni_onnx_extent(call, &c.image, 0, c.image.count),
             blocks = sni_onnx_extent(call, &c.steps, 0, c.steps.count);
    sni_onnx_list shape = {2, {places, pixels}};
    uint32_t k = sni_onnx_iota(call, &shape, SINTER_I64, 0), p = sni_onnx_iota(call, &shape, SINTER_I64, 1);
    for (int i = 0; i < c.dims; i++) {
        uint32_t at = sni_onnx_binary_scalar(call, "add", coordinate(call, p, &c.image, i), (double)c.pads[i]);
        uint32_t off = sni_onnx_binary_scalar(call, "mul", coordinate(call, k, &c.block, i), (double)c.dilations[i]);
        at = sni_onnx_binary(call, "sub", at, off);
        uint32_t step = sni_onnx_binary_scalar(call, "div", at, (double)c.strides[i]);
        uint32_t whole =
            sni_onnx_binary(call, "eq", sni_onnx_binary_scalar(call, "mul", step, (double)c.strides[i]), at);
        uint32_t size = number_of(call, c.steps.at[i]);
        whole = sni_onnx_binary(call, "and", whole, sni_onnx_binary_scalar(call, "ge", at, 0));
        whole = sni_onnx_binary(call, "and", whole, sni_onnx_binary(call, "lt", step, size));
        valid = valid ? sni_onnx_binary(call, "and", valid, whole) : whole;
        flat = flat ? sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", flat, size), step) : step;
    }
    flat = sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", k, number_of(call, blocks)), flat);
    flat = sni_onnx_where(call, valid, flat, sni_onnx_scalar(call, SINTER_I64, 0));
    sni_sym *sym = call->sym;
    sni_expr batch = sni_onnx_dim(call, x, 0), channels = sni_sym_div(sym, sni_onnx_dim(call, x, 1), places);
    sni_onnx_list rows = {3, {batch, channels, sni_sym_mul(sym, places, blocks)}}, result = {2, {batch, channels}};
    x = sni_onnx_emit(call, "gather", SNI_IN(sni_onnx_reshape(call, x, &rows), flat),
                      SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(2)));
    x = sni_onnx_where(call, valid, x, sni_onnx_scalar_like(call, x, 0));
    static const int axis = 2;
    x = sni_onnx_reduce(call, "reduce_sum", x, 1, &axis, false);
    for (int i = 0; i < c.dims; i++) result.at[result.count++] = c.image.at[i];
    call->out[0] = sni_onnx_reshape(call, x, &result);
}

/* ---- AffineGrid ---- */

/* Positions of a dimension's points in -1..1: their ends when corners are aligned, else the centres of as many cells. */
static uint32_t points_of(sni_onnx_call *call, const sni_onnx_list *shape, int axis, bool align, sinter_dtype dtype) {
    uint32_t at = sni_onnx_iota(call, shape, dtype, axis);
    sni_expr size = shape->at[axis];
    int64_t number = 0;
    if (align && sni_sym_is_const(call->sym, size, &number) && number == 1)
        return sni_onnx_binary_scalar(call, "sub", at, 1); /* as ONNX's reference has it: the low end */
    uint32_t last = sni_onnx_cast(call, number_of(call, sni_sym_add_i(call->sym, size, align ? -1 : 0)), dtype);
    at = sni_onnx_binary_scalar(call, "mul", at, 2);
    if (!align) at = sni_onnx_binary_scalar(call, "add", at, 1);
    return sni_onnx_binary_scalar(call, "sub", sni_onnx_binary(call, "div", at, last), 1);
}

/* theta [N, d, d + 1] times the points (x, y, .., 1), x along the last dimension. */
static void affine_grid(sni_onnx_call *call) {
    uint32_t theta = sni_onnx_in(call, 0), parts[4];
    sni_onnx_list size, shape = {0}, grid, flat;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "size operand", &size)) return;
    int dims = size.count - 2;
    if (dims < 2 || dims > 3 || sni_onnx_rank(call, theta) != 3) {
        sni_onnx_fail(call, SINTER_SHAPE, "a size of %d elements (4 or 5) and theta of rank %d (3)", size.count,
                      sni_onnx_rank(call, theta));
        return;
    }
    bool align = sni_onnx_attr_int(call, "align_corners", 0) != 0;
    sinter_dtype dtype = sni_onnx_type(call, theta).dtype, real = dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32;
    for (int i = 0; i < dims; i++) shape.at[shape.count++] = size.at[2 + i];
    sni_expr count = sni_onnx_extent(call, &shape, 0, shape.count);
    flat = (sni_onnx_list){2, {sni_onnx_const(call, 1), count}};
    for (int i = 0; i < dims; i++)
        parts[i] = sni_onnx_reshape(call, points_of(call, &shape, dims - 1 - i, align, real), &flat);
    parts[dims] = sni_onnx_expand(call, sni_onnx_scalar(call, real, 1), &flat);
    uint32_t points = sni_onnx_concat(call, dims + 1, parts, 0);
    static const int swap[] = {0, 2, 1};
    uint32_t out = sni_onnx_binary(call, "matmul", sni_onnx_cast(call, theta, real), points);
    out = sni_onnx_transpose(call, out, 3, swap);
    grid = (sni_onnx_list){1, {sni_onnx_dim(call, theta, 0)}};
    for (int i = 0; i < dims; i++) grid.at[grid.count++] = shape.at[i];
    grid.at[grid.count++] = sni_onnx_const(call, dims);
    call->out[0] = sni_onnx_cast(call, sni_onnx_reshape(call, out, &grid), dtype);
}

/* ---- Det ---- */

/* Row at of matrices [B, n, n] as [B, 1, n]; column at as [B, n, 1]. */
static uint32_t line(sni_onnx_call *call, uint32_t x, int axis, uint32_t at) {
    return sni_onnx_emit(call, "gather_elements", SNI_IN(x, at), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
}

/* Elimination with the largest element of each column as pivot. [B, n, n] to [B, 1, 1]. */
static uint32_t eliminate(sni_onnx_call *call, uint32_t x, sni_expr batch, int64_t n) {
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    sni_expr one = sni_onnx_const(call, 1), zero = sni_onnx_const(call, 0);
    uint32_t det = 0;
    for (int64_t size = n; size > 0 && call->status == SINTER_OK; size--) {
        sni_onnx_list whole = {3, {batch, one, sni_onnx_const(call, size)}};
        uint32_t first = sni_onnx_slice_axis(call, x, 2, zero, one); /* [B, size, 1] */
        uint32_t pivot_row =
            sni_onnx_emit(call, "argmax", SNI_IN(sni_onnx_unary(call, "abs", first)),
                          SNI_ATTRS([SNI_ARG_AXIS] = sni_attr_int(1), [SNI_ARG_KEEPDIMS] = sni_attr_int(1)));
        uint32_t pivot = line(call, first, 1, pivot_row);
        uint32_t moved = sni_onnx_binary_scalar(call, "gt", pivot_row, 0);
        uint32_t factor = sni_onnx_where(call, moved, sni_onnx_unary(call, "neg", pivot), pivot);
        det = det ? sni_onnx_binary(call, "mul", det, factor) : factor;
        if (size == 1) break;
        uint32_t row = line(call, x, 1, sni_onnx_expand(call, pivot_row, &whole)); /* [B, 1, size] */
        /* The first row takes the pivot's place; all rows lose their multiple of the pivot's row. */
        sni_onnx_list rows = {3, {one, sni_onnx_const(call, size), one}};
        uint32_t here = sni_onnx_binary(call, "eq", sni_onnx_iota(call, &rows, SINTER_I64, 1), pivot_row);
        x = sni_onnx_where(call, here, sni_onnx_slice_axis(call, x, 1, zero, one), x);
        sni_expr rest = sni_onnx_const(call, size - 1);
        x = sni_onnx_slice_axis(call, x, 1, one, rest);
        row = sni_onnx_slice_axis(call, row, 2, one, rest);
        uint32_t left = sni_onnx_slice_axis(call, x, 2, zero, one);
        /* A pivot of 0: the column is all zeros, and so is the determinant. */
        uint32_t none = sni_onnx_binary_scalar(call, "eq", pivot, 0);
        uint32_t divisor = sni_onnx_where(call, none, sni_onnx_scalar(call, dtype, 1), pivot);
        left = sni_onnx_binary(call, "div", left, divisor);
        x = sni_onnx_binary(call, "sub", sni_onnx_slice_axis(call, x, 2, one, rest),
                            sni_onnx_binary(call, "mul", left, row));
    }
    return det;
}

static void det(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    sni_onnx_list shape = sni_onnx_shape(call, x), rest = {0};
    if (shape.count < 2 || shape.at[shape.count - 1] != shape.at[shape.count - 2]) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "its operand is not known to be a square matrix");
        return;
    }
    int64_t n = sni_onnx_static(call, shape.at[shape.count - 1], "the size of the matrix");
    if (n > MAX_ELIMINATED)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a matrix of %lld rows (up to %d)", (long long)n, MAX_ELIMINATED);
    for (int i = 0; i + 2 < shape.count; i++) rest.at[rest.count++] = shape.at[i];
    sni_expr batch = sni_onnx_extent(call, &rest, 0, rest.count);
    if (n == 0) {
        call->out[0] = sni_onnx_expand(call, sni_onnx_scalar(call, dtype, 1), &rest);
        return;
    }
    sni_onnx_list flat = {3, {batch, shape.at[shape.count - 1], shape.at[shape.count - 1]}};
    x = sni_onnx_cast(call, sni_onnx_reshape(call, x, &flat), dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32);
    call->out[0] = sni_onnx_cast(call, sni_onnx_reshape(call, eliminate(call, x, batch, n), &rest), dtype);
}

/* ---- MaxUnpool ---- */

/* Every place of a plane looks for the input whose index names it. An output_shape other than the inferred one keeps the
 * places and cuts or fills up what lies behind. */
static void max_unpool(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), indices = sni_onnx_in(call, 1);
    sni_sym *sym = call->sym;
    sni_onnx_list in = sni_onnx_shape(call, x), plane = {0}, out, wanted;
    int dims = in.count - 2;
    int64_t kernel[MAX_SPATIAL], strides[MAX_SPATIAL], pads[2 * MAX_SPATIAL];
    if (dims < 1 || sni_onnx_rank(call, indices) != in.count || !sni_onnx_has_attr(call, "kernel_shape")) {
        sni_onnx_fail(call, SINTER_SHAPE, "input and indices of rank %d and %d, or no kernel_shape", in.count,
                      sni_onnx_rank(call, indices));
        return;
    }
    list_or(call, "kernel_shape", dims, 1, 1, kernel);
    list_or(call, "strides", dims, 1, 1, strides);
    list_or(call, "pads", 2 * dims, 0, 0, pads);
    out = (sni_onnx_list){2, {in.at[0], in.at[1]}};
    for (int i = 0; i < dims; i++) {
        sni_expr reach = sni_sym_mul_i(sym, sni_sym_add_i(sym, in.at[2 + i], -1), strides[i]);
        out.at[out.count++] = plane.at[plane.count++] = sni_sym_add_i(sym, reach, kernel[i] - pads[i] - pads[dims + i]);
    }
    sni_expr one = sni_onnx_const(call, 1), places = sni_onnx_extent(call, &plane, 0, plane.count),
             planes = sni_sym_mul(sym, in.at[0], in.at[1]);
    sni_onnx_list spatial = {.count = dims};
    memcpy(spatial.at, in.at + 2, (size_t)dims * sizeof *spatial.at);
    sni_onnx_list own = {3, {planes, one, sni_onnx_extent(call, &spatial, 0, spatial.count)}},
                  place = {3, {one, places, one}};
    sni_onnx_list number = {3, {planes, one, one}};
    /* An index counts through all planes. */
    uint32_t base = sni_onnx_iota(call, &number, SINTER_I64, 0);
    base = sni_onnx_binary(call, "mul", base, number_of(call, places));
    indices = sni_onnx_reshape(call, sni_onnx_cast(call, indices, SINTER_I64), &own);
    uint32_t hits = sni_onnx_binary(call, "eq", sni_onnx_binary(call, "sub", indices, base),
                                    sni_onnx_iota(call, &place, SINTER_I64, 1));
    /* Of several that name one place the last counts. */
    static const int axis = 2;
    sni_onnx_list line = {3, {one, one, own.at[2]}}, flat = {3, {planes, places, one}};
    uint32_t last =
        sni_onnx_where(call, hits, sni_onnx_iota(call, &line, SINTER_I32, 2), sni_onnx_scalar(call, SINTER_I32, -1));
    last = sni_onnx_reshape(call, sni_onnx_reduce(call, "reduce_max", last, 1, &axis, false), &flat);
    uint32_t any = sni_onnx_binary_scalar(call, "ge", last, 0);
    sni_onnx_list column = {3, {planes, own.at[2], one}};
    uint32_t taken =
        sni_onnx_emit(call, "gather_elements",
                      SNI_IN(sni_onnx_reshape(call, x, &column), sni_onnx_binary_scalar(call, "max", last, 0)),
                      SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(1)));
    x = sni_onnx_reshape(call, sni_onnx_where(call, any, taken, sni_onnx_scalar_like(call, x, 0)), &out);
    if (sni_onnx_in(call, 2)) {
        if (!sni_onnx_elements(call, sni_onnx_in(call, 2), "output_shape operand", &wanted)) return;
        if (wanted.count != in.count) sni_onnx_fail(call, SINTER_PARSE, "%d sizes in output_shape", wanted.count);
        sni_expr zero = sni_onnx_const(call, 0);
        sni_onnx_list low = {.count = in.count}, high = {.count = in.count};
        for (int i = 0; i < in.count && call->status == SINTER_OK; i++) {
            low.at[i] = zero;
            high.at[i] = sni_sym_max(sym, sni_sym_sub(sym, wanted.at[i], out.at[i]), zero);
            x = sni_onnx_slice_axis(call, x, i, zero, sni_sym_min(sym, wanted.at[i], out.at[i]));
        }
        x = sni_onnx_emit(
            call, "pad", SNI_IN(x),
            SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high)));
    }
    call->out[0] = x;
}

static const sni_onnx_row rows[] = {
    {"CenterCropPad", 18, 2, 2, 1, center_crop_pad, NULL}, {"Col2Im", 18, 3, 3, 1, col2im, NULL},
    {"AffineGrid", 20, 2, 2, 1, affine_grid, NULL},        {"Det", 11, 1, 1, 1, det, NULL},
    {"MaxUnpool", 9, 2, 3, 1, max_unpool, NULL},
};
const sni_onnx_family sni_onnx_places_family = {rows, sizeof rows / sizeof *rows};
