/* ONNX Resize and Upsample. Where the scale is the ratio of the sizes, the graph's own operator does it;
 * else (a scale of 0.6 makes 2 of 4 pixels, but steps by 1 / 0.6) every axis is a few gathers with
 * weights that are constants, which needs sizes that are numbers. */
#include "onnx/importer.h"

#include <math.h>
#include <string.h>

#define MAX_TAPS 4 /* of an interpolation; smoothing has as many as the scale asks for */
#define MAX_RESIZED 65536
#define MAX_TABLE (1 << 24) /* taps of an axis, all outputs together */

enum { NEAREST, LINEAR, CUBIC };
/* The first four are the operator's. */
enum { HALF_PIXEL, ASYMMETRIC, ALIGN_CORNERS, PYTORCH_HALF_PIXEL, TF_HALF_PIXEL, CROP, HALF_PIXEL_SYMMETRIC };
enum { ROUND_FLOOR, ROUND_CEIL, FLOOR, CEIL };

typedef struct {
    int mode, coordinate, nearest, rank;
    bool exclude_outside, antialias;
    const char *policy; /* keep_aspect_ratio_policy */
    double cubic, outside;
    sni_onnx_list sizes;
    double scales[SINTER_MAX_RANK];                        /* 0: the ratio of the sizes */
    double starts[SINTER_MAX_RANK], ends[SINTER_MAX_RANK]; /* CROP: of the region, 0..1 */
} settings;

static int choice(sni_onnx_call *call, const char *attr, const char *preset, const char *const *names, int count) {
    const char *text = sni_onnx_attr_text(call, attr, preset);
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) return i;
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "%s '%s'", attr, text);
    return 0;
}

static void read_modes(sni_onnx_call *call, settings *s) {
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const coordinates[] = {"half_pixel",          "asymmetric",           "align_corners",
                                              "pytorch_half_pixel",  "tf_half_pixel_for_nn", "tf_crop_and_resize",
                                              "half_pixel_symmetric"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    bool old = call->opset < 11;
    s->mode = choice(call, "mode", "nearest", modes, 3);
    s->coordinate = choice(call, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel", coordinates, 7);
    s->nearest = choice(call, "nearest_mode", old ? "floor" : "round_prefer_floor", nearest, 4);
    s->exclude_outside = sni_onnx_attr_int(call, "exclude_outside", 0) != 0;
    s->cubic = sni_onnx_attr_float(call, "cubic_coeff_a", -0.75);
    s->outside = sni_onnx_attr_float(call, "extrapolation_value", 0);
    s->antialias = sni_onnx_attr_int(call, "antialias", 0) != 0;
    if (s->antialias && s->mode == NEAREST) sni_onnx_fail(call, SINTER_PARSE, "antialias of the mode nearest");
    s->policy = sni_onnx_attr_text(call, "keep_aspect_ratio_policy", "stretch");
    if (strcmp(s->policy, "stretch") != 0 && strcmp(s->policy, "not_larger") != 0 &&
        strcmp(s->policy, "not_smaller") != 0)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "keep_aspect_ratio_policy '%s'", s->policy);
}

/* floor(dim * scale); a symbolic dimension needs a scale p / q with a small q. */
static sni_expr scaled(sni_onnx_call *call, sni_expr dim, double scale) {
    int64_t number;
    if (!(scale > 0) || scale > 65536) {
        sni_onnx_fail(call, SINTER_PARSE, "a scale of %g", scale);
        return SNI_NO_EXPR;
    }
    if (sni_sym_is_const(call->sym, dim, &number)) return sni_onnx_const(call, (int64_t)floor((double)number * scale));
    for (int64_t q = 1; q <= 64; q++) {
        double p = scale * (double)q;
        if (fabs(p - round(p)) < 1e-6 * p)
            return sni_sym_div(call->sym, sni_sym_mul_i(call->sym, dim, (int64_t)round(p)), sni_onnx_const(call, q));
    }
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "a scale of %g of a symbolic dimension", scale);
    return SNI_NO_EXPR;
}

static void read_scales(sni_onnx_call *call, uint32_t x, int count, const double *scales, const sni_onnx_axes *axes,
                        settings *s) {
    if (count != axes->count) {
        sni_onnx_fail(call, SINTER_PARSE, "%d scales for %d axes", count, axes->count);
        return;
    }
    for (int i = 0; i < count; i++) {
        int axis = axes->at[i];
        s->scales[axis] = scales[i];
        s->sizes.at[axis] = scaled(call, sni_onnx_dim(call, x, axis), scales[i]);
    }
}

/* One scale for all axes, the smallest (not_larger) or the largest of those that the sizes ask for. */
static void keep_ratio(sni_onnx_call *call, uint32_t x, const sni_onnx_axes *axes, settings *s) {
    bool smallest = strcmp(s->policy, "not_larger") == 0;
    double scale = 0;
    for (int i = 0; i < axes->count; i++) {
        int64_t in = sni_onnx_static(call, sni_onnx_dim(call, x, axes->at[i]), "a dimension whose ratio is kept");
        int64_t out = sni_onnx_static(call, s->sizes.at[axes->at[i]], "a size whose ratio is kept");
        if (in < 1 || out < 1) sni_onnx_fail(call, SINTER_SHAPE, "from %lld to %lld", (long long)in, (long long)out);
        if (call->status != SINTER_OK) return;
        double ratio = (double)out / (double)in;
        if (i == 0 || (smallest ? ratio < scale : ratio > scale)) scale = ratio;
    }
    for (int i = 0; i < axes->count; i++) {
        int axis = axes->at[i];
        int64_t in = sni_onnx_static(call, sni_onnx_dim(call, x, axis), "a dimension whose ratio is kept");
        s->scales[axis] = scale;
        s->sizes.at[axis] = sni_onnx_const(call, (int64_t)floor(scale * (double)in + 0.5));
    }
}

static void read_sizes(sni_onnx_call *call, uint32_t x, uint32_t value, const sni_onnx_axes *axes, settings *s) {
    sni_onnx_list sizes;
    if (!sni_onnx_elements(call, value, "sizes operand", &sizes)) return;
    if (sizes.count != axes->count) sni_onnx_fail(call, SINTER_PARSE, "%d sizes for %d axes", sizes.count, axes->count);
    for (int i = 0; i < axes->count && call->status == SINTER_OK; i++) s->sizes.at[axes->at[i]] = sizes.at[i];
    if (strcmp(s->policy, "stretch") != 0) keep_ratio(call, x, axes, s);
}

static void read_region(sni_onnx_call *call, uint32_t roi, const sni_onnx_axes *axes, settings *s) {
    double region[2 * SINTER_MAX_RANK];
    int count = 0;
    if (s->coordinate != CROP) return;
    if (!roi) sni_onnx_fail(call, SINTER_PARSE, "tf_crop_and_resize without roi");
    if (!sni_onnx_doubles_of(call, roi, "roi operand", 2 * SINTER_MAX_RANK, region, &count)) return;
    if (count != 2 * axes->count) {
        sni_onnx_fail(call, SINTER_PARSE, "%d numbers in roi for %d axes", count, axes->count);
        return;
    }
    for (int i = 0; i < axes->count; i++) {
        s->starts[axes->at[i]] = region[i];
        s->ends[axes->at[i]] = region[axes->count + i];
    }
}

/* ---- taps: which input pixels an output pixel takes, and how much of each ---- */

static double source(const settings *s, int axis, int64_t out, double in_size, double out_size) {
    double scale = s->scales[axis] > 0 ? s->scales[axis] : out_size / in_size;
    double o = (double)out;
    switch (s->coordinate) {
    case ASYMMETRIC:
        return o / scale;
    case ALIGN_CORNERS: {
        /* ONNX's reference takes the size before it is rounded down. */
        double size = s->scales[axis] > 0 ? in_size * scale : out_size;
        return size == 1 ? 0 : o * (in_size - 1) / (size - 1);
    }
    case PYTORCH_HALF_PIXEL:
        return out_size == 1 ? 0 : (o + 0.5) / scale - 0.5;
    case TF_HALF_PIXEL:
        return (o + 0.5) / scale;
    case CROP: {
        double start = s->starts[axis], end = s->ends[axis];
        if (out_size == 1) return 0.5 * (start + end) * (in_size - 1);
        return start * (in_size - 1) + o * (end - start) * (in_size - 1) / (out_size - 1);
    }
    case HALF_PIXEL_SYMMETRIC: /* the middle of the input stays the middle when the size was rounded */
        return in_size / 2 * (1 - out_size / (scale * in_size)) + (o + 0.5) / scale - 0.5;
    default:
        return (o + 0.5) / scale - 0.5;
    }
}

/* Keys' cubic and the triangle at a distance from their middle. */
static double kernel_at(const settings *s, double distance) {
    double t = fabs(distance), a = s->cubic;
    if (s->mode == LINEAR) return t < 1 ? 1 - t : 0;
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* The kernel, made wider by as much as the picture is made smaller. */
static void smooth(const settings *s, double at, double scale, int taps, int64_t *indices, double *weights) {
    double narrow = scale < 1 ? scale : 1, sum = 0;
    int64_t first = (int64_t)floor(at) - taps / 2;
    for (int k = 0; k < taps; k++) {
        indices[k] = first + k;
        weights[k] = kernel_at(s, ((double)indices[k] - at) * narrow);
        sum += weights[k];
    }
    for (int k = 0; k < taps; k++) weights[k] /= sum;
}

static int taps_of(const settings *s, double at, int64_t *indices, double *weights) {
    double below = floor(at), t = at - below, a = s->cubic;
    if (s->mode == NEAREST) {
        bool half = t == 0.5;
        double to = s->nearest == FLOOR  ? below
                    : s->nearest == CEIL ? ceil(at)
                    : half               ? (s->nearest == ROUND_FLOOR ? below : below + 1)
                                         : floor(at + 0.5);
        indices[0] = (int64_t)to;
        weights[0] = 1;
        return 1;
    }
    if (s->mode == LINEAR) {
        for (int k = 0; k < 2; k++) indices[k] = (int64_t)below + k;
        weights[0] = 1 - t;
        weights[1] = t;
        return 2;
    }
    for (int k = 0; k < 4; k++) indices[k] = (int64_t)below + k - 1;
    double u = 1 - t;
    weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weights[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    weights[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
    return 4;
}

/* Taps outside of the input take its border, or nothing when they are excluded. */
static void settle(const settings *s, int64_t in_size, int taps, int64_t *indices, double *weights) {
    double sum = 0;
    for (int k = 0; k < taps; k++) {
        bool outside = indices[k] < 0 || indices[k] >= in_size;
        if (outside && s->exclude_outside) weights[k] = 0;
        if (outside) indices[k] = indices[k] < 0 ? 0 : in_size - 1;
        sum += weights[k];
    }
    for (int k = 0; k < taps && s->exclude_outside && sum != 0; k++) weights[k] /= sum;
}

/* Output o takes weights[o * taps + k] of the input indices[o * taps + k]. */
typedef struct {
    int taps;
    int64_t *indices;
    float *weights;
    uint8_t *outside; /* CROP: positions that take the fill */
    bool any_outside;
} table;

static bool table_init(sni_onnx_call *call, const settings *s, double scale, int64_t out_size, table *t) {
    double taps = s->antialias         ? 2 * ceil((s->mode == LINEAR ? 1 : 2) / (scale < 1 ? scale : 1)) + 1
                  : s->mode == NEAREST ? 1
                  : s->mode == LINEAR  ? 2
                                       : MAX_TAPS;
    *t = (table){0};
    if (taps * (double)out_size > MAX_TABLE) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%.0f taps for each of %lld outputs (up to %d together)", taps,
                      (long long)out_size, MAX_TABLE);
        return false;
    }
    t->taps = (int)taps;
    size_t count = (size_t)out_size * (size_t)t->taps + 1;
    t->indices = sni_arena_alloc(call->importer->arena, count * sizeof *t->indices);
    t->weights = sni_arena_alloc(call->importer->arena, count * sizeof *t->weights);
    t->outside = sni_arena_alloc(call->importer->arena, (size_t)out_size + 1);
    if (!t->indices || !t->weights || !t->outside) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
    return call->status == SINTER_OK;
}

static bool table_fill(sni_onnx_call *call, const settings *s, int axis, double scale, int64_t in_size,
                       int64_t out_size, table *t) {
    double *weights = sni_arena_alloc(call->importer->arena, (size_t)t->taps * sizeof *weights);
    if (!weights) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
    for (int64_t o = 0; weights && o < out_size; o++) {
        int64_t *indices = t->indices + o * t->taps;
        double at = source(s, axis, o, (double)in_size, (double)out_size);
        t->outside[o] = s->coordinate == CROP && (at < 0 || at > (double)in_size - 1);
        t->any_outside = t->any_outside || t->outside[o];
        if (s->antialias)
            smooth(s, at, scale, t->taps, indices, weights);
        else
            taps_of(s, at, indices, weights);
        settle(s, in_size, t->taps, indices, weights);
        for (int k = 0; k < t->taps; k++) t->weights[o * t->taps + k] = (float)weights[k];
    }
    return call->status == SINTER_OK;
}

/* x [.., in, ..] gathered to [.., out, taps, ..], weighted and summed over the taps. */
static uint32_t gathered_sum(sni_onnx_call *call, uint32_t x, const settings *s, int axis, int64_t out_size,
                             const table *t) {
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    int64_t dims[2] = {out_size, t->taps};
    size_t count = (size_t)out_size * (size_t)t->taps;
    uint32_t indices =
        sni_onnx_constant(call, SINTER_I64, t->taps > 1 ? 2 : 1, dims, t->indices, count * sizeof *t->indices);
    x = sni_onnx_emit(call, "gather", SNI_IN(x, indices), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
    if (s->mode == NEAREST) return x;
    sni_onnx_list shape = {.count = s->rank + 1};
    for (int i = 0; i <= s->rank; i++)
        shape.at[i] = sni_onnx_const(call, i == axis ? out_size : i == axis + 1 ? t->taps : 1);
    uint32_t weights = sni_onnx_constant(call, SINTER_F32, 2, dims, t->weights, count * sizeof *t->weights);
    weights = sni_onnx_reshape(call, sni_onnx_cast(call, weights, dtype), &shape);
    x = sni_onnx_binary(call, "mul", x, weights);
    /* Smoothing has as many taps everywhere; those beyond the kernel must not bring in an infinity. */
    if (s->antialias)
        x = sni_onnx_where(call, sni_onnx_binary_scalar(call, "ne", weights, 0), x, sni_onnx_scalar(call, dtype, 0));
    int along = axis + 1;
    return sni_onnx_reduce(call, "reduce_sum", x, 1, &along, false);
}

static uint32_t resize_axis(sni_onnx_call *call, uint32_t x, const settings *s, int axis) {
    int64_t in_size = sni_onnx_static(call, sni_onnx_dim(call, x, axis), "a resized dimension");
    int64_t out_size = sni_onnx_static(call, s->sizes.at[axis], "a size");
    table t;
    if (in_size < 1 || out_size < 0 || out_size > MAX_RESIZED)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "from %lld to %lld (up to %d)", (long long)in_size, (long long)out_size,
                      MAX_RESIZED);
    if (s->rank >= SINTER_MAX_RANK) sni_onnx_fail(call, SINTER_UNSUPPORTED, "rank %d", s->rank);
    double scale = s->scales[axis] > 0 ? s->scales[axis] : (double)out_size / (double)in_size;
    if (call->status != SINTER_OK || !table_init(call, s, scale, out_size, &t) ||
        !table_fill(call, s, axis, scale, in_size, out_size, &t))
        return 0;
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    uint32_t sum = gathered_sum(call, x, s, axis, out_size, &t);
    if (!t.any_outside) return sum;
    uint32_t mask = sni_onnx_constant(call, SINTER_BOOL, 1, &out_size, t.outside, (size_t)out_size);
    mask = sni_onnx_along(call, mask, axis, s->rank);
    return sni_onnx_where(call, mask, sni_onnx_scalar(call, dtype, s->outside), sum);
}

/* ---- both ways ---- */

/* Is what the graph's operator computes what is asked for? */
static bool operator_fits(sni_onnx_call *call, uint32_t x, const settings *s) {
    if (s->antialias || s->coordinate > PYTORCH_HALF_PIXEL || (s->exclude_outside && s->mode == CUBIC)) return false;
    for (int i = 0; i < s->rank; i++) {
        int64_t in_size, out_size;
        if (s->scales[i] == 0) continue;
        if (!sni_sym_is_const(call->sym, sni_onnx_dim(call, x, i), &in_size) ||
            !sni_sym_is_const(call->sym, s->sizes.at[i], &out_size)) {
            if (s->scales[i] != floor(s->scales[i])) return false;
        } else if ((double)out_size != (double)in_size * s->scales[i])
            return false;
    }
    return true;
}

static uint32_t resized(sni_onnx_call *call, uint32_t x, const settings *s) {
    if (operator_fits(call, x, s)) {
        return sni_onnx_emit(
            call, "resize", SNI_IN(x),
            SNI_ATTRS([SNI_RESIZE_SIZES] = sni_onnx_exprs(call, &s->sizes), [SNI_RESIZE_MODE] = sni_attr_int(s->mode),
                      [SNI_RESIZE_COORDINATE] = sni_attr_int(s->coordinate),
                      [SNI_RESIZE_NEAREST] = sni_attr_int(s->nearest),
                      [SNI_RESIZE_CUBIC_A] = sni_attr_float(s->cubic)));
    }
    for (int i = 0; i < s->rank; i++) {
        bool same = s->sizes.at[i] == sni_onnx_dim(call, x, i) && s->coordinate != CROP;
        if (!same || (s->scales[i] != 0 && s->scales[i] != 1)) x = resize_axis(call, x, s, i);
    }
    return x;
}

/* Integers between integers are cut off, as ONNX's reference does, and kept in the dtype's range. What misses a whole number
 * by rounding alone is that number: weights are multiples of far more than the margin. */
static uint32_t whole(sni_onnx_call *call, uint32_t y, sinter_dtype dtype, double margin) {
    uint32_t away = sni_onnx_binary_scalar(call, "mul", sni_onnx_unary(call, "sign", y), margin);
    return sni_onnx_cast(call, sni_onnx_binary(call, "add", y, away), dtype);
}

static void build(sni_onnx_call *call, uint32_t x, const settings *s) {
    if (call->status != SINTER_OK) return;
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    if (sni_dtype_is_real(dtype) || s->mode == NEAREST) {
        call->out[0] = resized(call, x, s);
        return;
    }
    bool narrow = sinter_dtype_size(dtype) <= 2;
    x = resized(call, sni_onnx_cast(call, x, narrow ? SINTER_F32 : SINTER_F64), s);
    double margin = sinter_dtype_size(dtype) == 1 ? 0x1p-10 : narrow ? 0x1p-6 : 0x1p-20;
    call->out[0] = whole(call, x, dtype, margin);
}

static void start(sni_onnx_call *call, uint32_t x, settings *s, sni_onnx_axes *axes) {
    *s = (settings){.sizes = sni_onnx_shape(call, x), .rank = sni_onnx_rank(call, x)};
    sni_onnx_ints given = sni_onnx_attr_ints(call, "axes");
    *axes = (sni_onnx_axes){.count = given.given ? given.count : s->rank};
    if (axes->count > s->rank) {
        sni_onnx_fail(call, SINTER_PARSE, "%d axes for rank %d", axes->count, s->rank);
        axes->count = 0;
    }
    for (int i = 0; i < axes->count; i++) axes->at[i] = given.given ? sni_onnx_axis(call, given.at[i], s->rank) : i;
    read_modes(call, s);
}

/* An optional input that exporters also leave out by giving it no elements. */
static uint32_t given_input(sni_onnx_call *call, int i) {
    uint32_t value = sni_onnx_in(call, i);
    int64_t size = 1;
    if (value && sni_onnx_rank(call, value) == 1 && sni_sym_is_const(call->sym, sni_onnx_dim(call, value, 0), &size) &&
        size == 0)
        return 0;
    return value;
}

static void resize(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    double numbers[SINTER_MAX_RANK];
    int count = 0;
    settings s;
    sni_onnx_axes axes;
    start(call, x, &s, &axes);
    bool old = call->opset < 11;
    uint32_t scales = given_input(call, old ? 1 : 2), sizes = old ? 0 : given_input(call, 3);
    if (call->status != SINTER_OK) return;
    if (!old) read_region(call, given_input(call, 1), &axes, &s);
    if (scales) {
        if (!sni_onnx_doubles_of(call, scales, "scales operand", SINTER_MAX_RANK, numbers, &count)) return;
        read_scales(call, x, count, numbers, &axes, &s);
    } else if (sizes)
        read_sizes(call, x, sizes, &axes, &s);
    else
        sni_onnx_fail(call, SINTER_PARSE, "neither scales nor sizes");
    build(call, x, &s);
}

static void upsample(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    double numbers[SINTER_MAX_RANK];
    int count = 0;
    settings s;
    sni_onnx_axes axes;
    start(call, x, &s, &axes);
    s.coordinate = ASYMMETRIC;
    s.nearest = FLOOR;
    if (call->status != SINTER_OK) return;
    if (call->opset < 9) {
        const float *given = sni_onnx_attr_floats(call, "scales", &count);
        if (count > SINTER_MAX_RANK) count = 0;
        for (int i = 0; i < count; i++) numbers[i] = (double)given[i];
    } else if (!sni_onnx_doubles_of(call, sni_onnx_in(call, 1), "scales operand", SINTER_MAX_RANK, numbers, &count))
        return;
    read_scales(call, x, count, numbers, &axes, &s);
    build(call, x, &s);
}

static const sni_onnx_row rows[] = {
    {"Resize", 10, 1, 4, 1, resize, NULL},
    {"Upsample", 7, 1, 2, 1, upsample, NULL},
};
const sni_onnx_family sni_onnx_resize_family = {rows, sizeof rows / sizeof *rows};
