/* ONNX GridSample, RoiAlign, DeformConv: pixels at positions that another tensor gives. */
#include "onnx/importer.h"

#include <string.h>

#define MAX_DIMS 3

typedef struct {
    int dims; /* spatial */
    bool align, cubic, nearest, border, reflect;
    bool largest;       /* the largest of the weighted pixels in place of their sum */
    uint32_t pixels;    /* [N, C, all pixels] */
    sni_onnx_list full; /* [N, C, points] */
    sni_expr sizes[MAX_DIMS];
    sinter_dtype dtype;
} sampler;

static uint32_t extent(sni_onnx_call *call, const sampler *s, sni_expr size, int64_t more) {
    sni_onnx_list list = {1, {sni_sym_add_i(call->sym, size, more)}};
    return sni_onnx_cast(call, sni_onnx_known(call, 0, &list), s->dtype);
}

/* -1..1 to pixels: the centres of the border pixels when corners are aligned, else their edges. */
static uint32_t to_pixels(sni_onnx_call *call, const sampler *s, uint32_t at, sni_expr size) {
    at = sni_onnx_binary_scalar(call, "add", at, 1);
    if (s->align)
        return sni_onnx_binary(call, "mul", at, sni_onnx_binary_scalar(call, "mul", extent(call, s, size, -1), 0.5));
    at = sni_onnx_binary(call, "mul", at, extent(call, s, size, 0));
    return sni_onnx_binary_scalar(call, "mul", sni_onnx_binary_scalar(call, "sub", at, 1), 0.5);
}

static uint32_t clamp(sni_onnx_call *call, const sampler *s, uint32_t at, sni_expr size) {
    return sni_onnx_emit(call, "clip", SNI_IN(at, sni_onnx_scalar(call, s->dtype, 0), extent(call, s, size, -1)), NULL);
}

/* Mirrored at the centres of the border pixels, or at their edges: a triangle wave. */
static uint32_t reflect(sni_onnx_call *call, const sampler *s, uint32_t at, sni_expr size) {
    double low = s->align ? 0 : -0.5;
    uint32_t span = extent(call, s, size, s->align ? -1 : 0);
    uint32_t period = sni_onnx_binary_scalar(call, "mul", span, 2);
    /* A single pixel has no span; any period does. */
    period = sni_onnx_binary_scalar(call, "max", period, 1e-6);
    uint32_t off = sni_onnx_binary_scalar(call, "sub", at, low);
    off = sni_onnx_binary(call, "mod", off, period);
    off = sni_onnx_binary(call, "min", off, sni_onnx_binary(call, "sub", period, off));
    return sni_onnx_binary_scalar(call, "add", off, low);
}

static uint32_t settle(sni_onnx_call *call, const sampler *s, uint32_t at, sni_expr size) {
    if (s->border) return clamp(call, s, at, size);
    if (s->reflect) return clamp(call, s, reflect(call, s, at, size), size);
    return at;
}

static uint32_t inside(sni_onnx_call *call, const sampler *s, uint32_t at, sni_expr size) {
    return sni_onnx_binary(call, "and", sni_onnx_binary_scalar(call, "ge", at, 0),
                           sni_onnx_binary(call, "le", at, extent(call, s, size, -1)));
}

/* The pixels at whole positions: 0 outside, unless the padding has moved them in. */
static uint32_t pixel(sni_onnx_call *call, const sampler *s, const uint32_t *at) {
    uint32_t seen = 0, index = 0;
    for (int i = 0; i < s->dims; i++) {
        uint32_t moved = settle(call, s, at[i], s->sizes[i]), here = inside(call, s, moved, s->sizes[i]);
        seen = seen ? sni_onnx_binary(call, "and", seen, here) : here;
        moved = sni_onnx_cast(call, clamp(call, s, moved, s->sizes[i]), SINTER_I64);
        sni_onnx_list size = {1, {s->sizes[i]}};
        if (index) index = sni_onnx_binary(call, "mul", index, sni_onnx_known(call, 0, &size));
        index = index ? sni_onnx_binary(call, "add", index, moved) : moved;
    }
    index = sni_onnx_expand(call, index, &s->full);
    uint32_t taken = sni_onnx_emit(call, "gather_elements", SNI_IN(s->pixels, index),
                                   SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(2)));
    if (s->border || s->reflect) return taken;
    return sni_onnx_where(call, seen, taken, sni_onnx_scalar(call, s->dtype, 0));
}

/* Keys' weights with a = -0.75 of the four pixels around a position t past the second. */
static void cubic_weights(sni_onnx_call *call, uint32_t t, uint32_t *weights) {
    static const double rows[4][4] = {
        {0, -0.75, 1.5, -0.75}, {1, 0, -2.25, 1.25}, {0, 0.75, 1.5, -1.25}, {0, 0, -0.75, 0.75}};
    for (int k = 0; k < 4; k++) {
        uint32_t sum = sni_onnx_binary_scalar(call, "mul", t, rows[k][3]);
        for (int power = 2; power >= 1; power--)
            sum = sni_onnx_binary(call, "mul", sni_onnx_binary_scalar(call, "add", sum, rows[k][power]), t);
        weights[k] = sni_onnx_binary_scalar(call, "add", sum, rows[k][0]);
    }
}

/* The picture at the positions at[i], [N, 1, points], along each dimension: [N, C, points]. */
static uint32_t sample(sni_onnx_call *call, const sampler *s, const uint32_t *at) {
    uint32_t first[MAX_DIMS], weights[MAX_DIMS][4], tap[MAX_DIMS], result = 0;
    int taps = s->nearest ? 1 : s->cubic ? 4 : 2, all = 1;
    for (int i = 0; i < s->dims; i++, all *= taps) {
        first[i] = sni_onnx_unary(call, s->nearest ? "round" : "floor", at[i]);
        if (s->nearest) continue;
        uint32_t t = sni_onnx_binary(call, "sub", at[i], first[i]);
        weights[i][0] = sni_onnx_binary(call, "sub", sni_onnx_scalar(call, s->dtype, 1), t);
        weights[i][1] = t;
        if (s->cubic) cubic_weights(call, t, weights[i]);
    }
    for (int n = 0; n < all; n++) {
        uint32_t weight = 0;
        for (int i = s->dims - 1, rest = n; i >= 0; i--, rest /= taps) {
            int k = rest % taps;
            tap[i] = sni_onnx_binary_scalar(call, "add", first[i], k - (s->cubic ? 1 : 0));
            if (s->nearest) continue;
            weight = weight ? sni_onnx_binary(call, "mul", weight, weights[i][k]) : weights[i][k];
        }
        uint32_t part = pixel(call, s, tap);
        if (weight) part = sni_onnx_binary(call, "mul", part, weight);
        result = result ? sni_onnx_binary(call, s->largest ? "max" : "add", result, part) : part;
    }
    return result;
}

static void set_picture(sni_onnx_call *call, sampler *s, uint32_t x) {
    sni_onnx_list in = sni_onnx_shape(call, x),
                  flat = {3, {in.at[0], in.at[1], sni_onnx_extent(call, &in, 2, in.count)}};
    s->dims = in.count - 2;
    for (int i = 0; i < s->dims; i++) s->sizes[i] = in.at[2 + i];
    s->dtype = sni_onnx_type(call, x).dtype;
    s->pixels = sni_onnx_reshape(call, x, &flat);
}

static void grid_sample(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), grid = sni_onnx_in(call, 1), at[MAX_DIMS];
    const char *mode = sni_onnx_attr_text(call, "mode", "bilinear");
    const char *padding = sni_onnx_attr_text(call, "padding_mode", "zeros");
    sni_onnx_list in = sni_onnx_shape(call, x), out = sni_onnx_shape(call, grid);
    if (in.count != out.count || in.count < 3 || in.count > 2 + MAX_DIMS) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "operands of rank %d and %d (the same, 3 to %d)", in.count, out.count,
                      2 + MAX_DIMS);
        return;
    }
    /* Opset 20 dropped the prefix "bi". */
    const char *plain = strncmp(mode, "bi", 2) == 0 ? mode + 2 : mode;
    bool cubic = strcmp(plain, "cubic") == 0, nearest = strcmp(mode, "nearest") == 0;
    if ((!cubic && !nearest && strcmp(plain, "linear") != 0) || (cubic && in.count > 4))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "mode '%s' of %d dimensions", mode, in.count - 2);
    sampler s = {.align = sni_onnx_attr_int(call, "align_corners", 0) != 0,
                 .cubic = cubic,
                 .nearest = nearest,
                 .border = strcmp(padding, "border") == 0,
                 .reflect = strcmp(padding, "reflection") == 0};
    set_picture(call, &s, x);
    sni_onnx_list result = in, points = {1, {sni_onnx_const(call, 1)}};
    for (int i = 0; i < s.dims; i++) {
        result.at[2 + i] = out.at[1 + i];
        points.at[0] = sni_sym_mul(call->sym, points.at[0], out.at[1 + i]);
    }
    s.full = (sni_onnx_list){3, {in.at[0], in.at[1], points.at[0]}};
    sni_onnx_list one = {3, {in.at[0], sni_onnx_const(call, 1), points.at[0]}};
    grid = sni_onnx_cast(call, grid, s.dtype);
    for (int i = 0; i < s.dims; i++) { /* a grid names the last dimension first */
        at[i] = sni_onnx_slice_axis(call, grid, out.count - 1, sni_onnx_const(call, s.dims - 1 - i), one.at[1]);
        at[i] = to_pixels(call, &s, sni_onnx_reshape(call, at[i], &one), s.sizes[i]);
        if (!s.cubic) at[i] = settle(call, &s, at[i], s.sizes[i]);
    }
    call->out[0] = sni_onnx_reshape(call, sample(call, &s, at), &result);
}

/* ---- RoiAlign ---- */

/* Where the samples of a region lie along dimension i, [regions, bins, samples]. */
static uint32_t region_points(sni_onnx_call *call, uint32_t rois, int i, int64_t bins, int64_t samples, bool half,
                              double scale) {
    sni_onnx_list bin = {3, {sni_onnx_const(call, 1), sni_onnx_const(call, bins), sni_onnx_const(call, 1)}};
    sni_onnx_list at = {3, {bin.at[0], bin.at[0], sni_onnx_const(call, samples)}};
    sinter_dtype dtype = sni_onnx_type(call, rois).dtype;
    uint32_t ends[2];
    for (int end = 0; end < 2; end++) { /* x1, y1, x2, y2 */
        ends[end] = sni_onnx_slice_axis(call, rois, 1, sni_onnx_const(call, 2 * end + 1 - i), bin.at[0]);
        ends[end] = sni_onnx_unsqueeze(call, ends[end], 2);
        ends[end] = sni_onnx_binary_scalar(call, "mul", ends[end], scale);
        if (half) ends[end] = sni_onnx_binary_scalar(call, "sub", ends[end], 0.5);
    }
    uint32_t size = sni_onnx_binary(call, "sub", ends[1], ends[0]);
    if (!half) size = sni_onnx_binary_scalar(call, "max", size, 1);
    size = sni_onnx_binary_scalar(call, "div", size, (double)bins);
    uint32_t part = sni_onnx_binary_scalar(call, "add", sni_onnx_iota(call, &at, dtype, 2), 0.5);
    part = sni_onnx_binary_scalar(call, "div", part, (double)samples);
    part = sni_onnx_binary(call, "add", part, sni_onnx_iota(call, &bin, dtype, 1));
    return sni_onnx_binary(call, "add", ends[0], sni_onnx_binary(call, "mul", part, size));
}

/* Every bin of a region is the mean, or the largest, of samples of the picture that are spread evenly in it. Samples more than
 * a pixel outside are 0. */
static void roi_align(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), rois = sni_onnx_in(call, 1), which = sni_onnx_in(call, 2), at[2], seen = 0;
    const char *mode = sni_onnx_attr_text(call, "mode", "avg");
    const char *coordinates = sni_onnx_attr_text(call, "coordinate_transformation_mode",
                                                 call->opset < 16 ? "output_half_pixel" : "half_pixel");
    int64_t bins[2] = {sni_onnx_attr_int(call, "output_height", 1), sni_onnx_attr_int(call, "output_width", 1)};
    int64_t samples = sni_onnx_attr_int(call, "sampling_ratio", 0);
    bool largest = strcmp(mode, "max") == 0, half = strcmp(coordinates, "half_pixel") == 0;
    double scale = sni_onnx_attr_float(call, "spatial_scale", 1);
    if (sni_onnx_rank(call, x) != 4 || sni_onnx_rank(call, rois) != 2)
        sni_onnx_fail(call, SINTER_SHAPE, "a picture of rank %d and regions of rank %d", sni_onnx_rank(call, x),
                      sni_onnx_rank(call, rois));
    if (samples < 1 || samples > 64)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "sampling_ratio %lld (1 to 64; 0 depends on data)", (long long)samples);
    if (bins[0] < 1 || bins[1] < 1 || bins[0] > 4096 || bins[1] > 4096)
        sni_onnx_fail(call, SINTER_PARSE, "%lld x %lld outputs", (long long)bins[0], (long long)bins[1]);
    if (!largest && strcmp(mode, "avg") != 0) sni_onnx_fail(call, SINTER_UNSUPPORTED, "mode '%s'", mode);
    if (call->status != SINTER_OK) return;
    sampler s = {.border = true, .largest = largest};
    x = sni_onnx_emit(call, "gather", SNI_IN(x, which), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0)));
    set_picture(call, &s, x);
    sni_expr regions = sni_onnx_dim(call, rois, 0), channels = sni_onnx_dim(call, x, 1), one = sni_onnx_const(call, 1);
    sni_expr height = sni_onnx_const(call, bins[0]), width = sni_onnx_const(call, bins[1]),
             n = sni_onnx_const(call, samples);
    sni_onnx_list spread = {5, {regions, height, width, n, n}}, flat = {3, {regions, one, 0}};
    flat.at[2] = sni_onnx_const(call, bins[0] * bins[1] * samples * samples);
    rois = sni_onnx_cast(call, rois, s.dtype);
    for (int i = 0; i < 2; i++) {
        sni_onnx_list form = {5, {regions, i ? one : height, i ? width : one, i ? one : n, i ? n : one}};
        uint32_t points = region_points(call, rois, i, bins[i], samples, half, scale);
        points = sni_onnx_expand(call, sni_onnx_reshape(call, points, &form), &spread);
        at[i] = sni_onnx_reshape(call, points, &flat);
        uint32_t near = sni_onnx_binary(call, "and", sni_onnx_binary_scalar(call, "ge", at[i], -1),
                                        sni_onnx_binary(call, "le", at[i], extent(call, &s, s.sizes[i], 0)));
        seen = seen ? sni_onnx_binary(call, "and", seen, near) : near;
        at[i] = clamp(call, &s, at[i], s.sizes[i]);
    }
    s.full = (sni_onnx_list){3, {regions, channels, flat.at[2]}};
    uint32_t y = sni_onnx_where(call, seen, sample(call, &s, at), sni_onnx_scalar(call, s.dtype, 0));
    sni_onnx_list bin = {5, {regions, channels, height, width, sni_onnx_const(call, samples * samples)}};
    static const int last = 4;
    call->out[0] =
        sni_onnx_reduce(call, largest ? "reduce_max" : "reduce_mean", sni_onnx_reshape(call, y, &bin), 1, &last, false);
}

/* ---- DeformConv ---- */

static int64_t entry_of(sni_onnx_call *call, const char *name, int i, int count, int64_t preset) {
    sni_onnx_ints given = sni_onnx_attr_ints(call, name);
    if (given.given && given.count != count)
        sni_onnx_fail(call, SINTER_PARSE, "%s has %d elements, not %d", name, given.count, count);
    return given.given && i < given.count ? given.at[i] : preset;
}

/* Where tap k of the kernel looks for output place p along dimension i, before offsets: [1, taps, places] of both dimensions. */
static uint32_t tap_points(sni_onnx_call *call, int i, const sni_expr *kernel, const sni_expr *places,
                           sinter_dtype dtype) {
    sni_expr one = sni_onnx_const(call, 1);
    sni_onnx_list tap = {5, {one, i ? one : kernel[0], i ? kernel[1] : one, one, one}};
    sni_onnx_list place = {5, {one, one, one, i ? one : places[0], i ? places[1] : one}};
    uint32_t at = sni_onnx_binary_scalar(call, "mul", sni_onnx_iota(call, &place, dtype, 3 + i),
                                         (double)entry_of(call, "strides", i, 2, 1));
    uint32_t off = sni_onnx_binary_scalar(call, "mul", sni_onnx_iota(call, &tap, dtype, 1 + i),
                                          (double)entry_of(call, "dilations", i, 2, 1));
    at = sni_onnx_binary(call, "add", at, off);
    return sni_onnx_binary_scalar(call, "sub", at, (double)entry_of(call, "pads", i, 4, 0));
}

/* A convolution whose taps look beside their places, by offsets that are computed; the pixels that it sees are sampled, and
 * multiplied with the weights as a matrix. */
static void deform_conv(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), w = sni_onnx_in(call, 1), offset = sni_onnx_in(call, 2),
             bias = sni_onnx_in(call, 3), mask = sni_onnx_in(call, 4), at[2];
    sni_onnx_list in = sni_onnx_shape(call, x), ws = sni_onnx_shape(call, w), os = sni_onnx_shape(call, offset);
    int64_t groups = sni_onnx_attr_int(call, "group", 1), offset_groups = sni_onnx_attr_int(call, "offset_group", 1);
    if (in.count != 4 || ws.count != 4 || os.count != 4 || groups < 1 || offset_groups < 1) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "operands of rank %d, %d and %d (4)", in.count, ws.count, os.count);
        return;
    }
    sni_sym *sym = call->sym;
    sni_expr one = sni_onnx_const(call, 1), og = sni_onnx_const(call, offset_groups), g = sni_onnx_const(call, groups);
    sni_expr batch = sni_sym_mul(sym, in.at[0], og), shared = sni_sym_div(sym, in.at[1], og);
    sni_expr taps = sni_sym_mul(sym, ws.at[2], ws.at[3]), places = sni_sym_mul(sym, os.at[2], os.at[3]);
    sni_onnx_list picture = {4, {batch, shared, in.at[2], in.at[3]}},
                  pairs = {6, {batch, ws.at[2], ws.at[3], sni_onnx_const(call, 2), os.at[2], os.at[3]}};
    sni_onnx_list flat = {3, {batch, one, sni_sym_mul(sym, taps, places)}},
                  spread = {5, {batch, ws.at[2], ws.at[3], os.at[2], os.at[3]}};
    sampler s = {0};
    set_picture(call, &s, sni_onnx_reshape(call, x, &picture));
    offset = sni_onnx_reshape(call, offset, &pairs);
    for (int i = 0; i < 2; i++) {
        uint32_t moved = sni_onnx_squeeze(call, sni_onnx_slice_axis(call, offset, 3, sni_onnx_const(call, i), one), 3);
        moved = sni_onnx_binary(call, "add", moved, tap_points(call, i, ws.at + 2, os.at + 2, s.dtype));
        at[i] = sni_onnx_reshape(call, sni_onnx_expand(call, moved, &spread), &flat);
    }
    s.full = (sni_onnx_list){3, {batch, shared, flat.at[2]}};
    uint32_t seen = sample(call, &s, at);
    if (mask) seen = sni_onnx_binary(call, "mul", seen, sni_onnx_reshape(call, mask, &flat));
    sni_expr rows = sni_sym_mul(sym, ws.at[1], taps), maps = sni_sym_div(sym, ws.at[0], g);
    sni_onnx_list columns = {4, {in.at[0], g, rows, places}}, kernels = {3, {g, maps, rows}};
    sni_onnx_list result = {4, {in.at[0], ws.at[0], os.at[2], os.at[3]}};
    uint32_t y =
        sni_onnx_binary(call, "matmul", sni_onnx_reshape(call, w, &kernels), sni_onnx_reshape(call, seen, &columns));
    y = sni_onnx_reshape(call, y, &result);
    call->out[0] = bias ? sni_onnx_binary(call, "add", y, sni_onnx_along(call, bias, 1, 4)) : y;
}

static const sni_onnx_row rows[] = {
    {"GridSample", 16, 2, 2, 1, grid_sample, NULL},
    {"RoiAlign", 10, 3, 3, 1, roi_align, NULL},
    {"DeformConv", 19, 3, 5, 1, deform_conv, NULL},
};
const sni_onnx_family sni_onnx_sample_family = {rows, sizeof rows / sizeof *rows};
