/* ONNX GridSample: pixels at positions that another tensor gives. */
#include "onnx/importer.h"

#include <string.h>

typedef struct {
    bool align, cubic, nearest, border, reflect;
    uint32_t pixels;     /* [N, C, H * W] */
    sni_onnx_list shape; /* of one channel's result: [N, 1, Ho * Wo] */
    sni_onnx_list full;  /* [N, C, Ho * Wo] */
    sni_expr height, width;
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
static uint32_t pixel(sni_onnx_call *call, const sampler *s, uint32_t x, uint32_t y) {
    x = settle(call, s, x, s->width);
    y = settle(call, s, y, s->height);
    uint32_t seen = sni_onnx_binary(call, "and", inside(call, s, x, s->width), inside(call, s, y, s->height));
    sni_onnx_list width = {1, {s->width}};
    uint32_t column = sni_onnx_cast(call, clamp(call, s, x, s->width), SINTER_I64);
    uint32_t row = sni_onnx_cast(call, clamp(call, s, y, s->height), SINTER_I64);
    uint32_t index =
        sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", row, sni_onnx_known(call, 0, &width)), column);
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

static uint32_t sample(sni_onnx_call *call, const sampler *s, uint32_t x, uint32_t y) {
    if (s->nearest) return pixel(call, s, sni_onnx_unary(call, "round", x), sni_onnx_unary(call, "round", y));
    int taps = s->cubic ? 4 : 2, first = s->cubic ? -1 : 0;
    uint32_t x0 = sni_onnx_unary(call, "floor", x), y0 = sni_onnx_unary(call, "floor", y), sum = 0;
    uint32_t wx[4], wy[4], tx = sni_onnx_binary(call, "sub", x, x0);
    uint32_t ty = sni_onnx_binary(call, "sub", y, y0), one = sni_onnx_scalar(call, s->dtype, 1);
    if (s->cubic) {
        cubic_weights(call, tx, wx);
        cubic_weights(call, ty, wy);
    } else {
        wx[0] = sni_onnx_binary(call, "sub", one, tx), wx[1] = tx;
        wy[0] = sni_onnx_binary(call, "sub", one, ty), wy[1] = ty;
    }
    for (int j = 0; j < taps; j++)
        for (int i = 0; i < taps; i++) {
            uint32_t tap = pixel(call, s, sni_onnx_binary_scalar(call, "add", x0, i + first),
                                 sni_onnx_binary_scalar(call, "add", y0, j + first));
            tap = sni_onnx_binary(call, "mul", tap, sni_onnx_binary(call, "mul", wx[i], wy[j]));
            sum = sum ? sni_onnx_binary(call, "add", sum, tap) : tap;
        }
    return sum;
}

static void grid_sample(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), grid = sni_onnx_in(call, 1);
    const char *mode = sni_onnx_attr_text(call, "mode", "bilinear");
    const char *padding = sni_onnx_attr_text(call, "padding_mode", "zeros");
    sni_onnx_list in = sni_onnx_shape(call, x), out = sni_onnx_shape(call, grid);
    if (in.count != 4 || out.count != 4) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "operands of rank %d and %d", in.count, out.count);
        return;
    }
    /* Opset 20 dropped the prefix "bi". */
    const char *plain = strncmp(mode, "bi", 2) == 0 ? mode + 2 : mode;
    bool cubic = strcmp(plain, "cubic") == 0, nearest = strcmp(mode, "nearest") == 0;
    if (!cubic && !nearest && strcmp(plain, "linear") != 0) sni_onnx_fail(call, SINTER_UNSUPPORTED, "mode '%s'", mode);
    sni_expr points = sni_sym_mul(call->sym, out.at[1], out.at[2]), one = sni_onnx_const(call, 1);
    sampler s = {.align = sni_onnx_attr_int(call, "align_corners", 0) != 0,
                 .cubic = cubic,
                 .nearest = nearest,
                 .border = strcmp(padding, "border") == 0,
                 .reflect = strcmp(padding, "reflection") == 0,
                 .shape = {3, {in.at[0], one, points}},
                 .full = {3, {in.at[0], in.at[1], points}},
                 .height = in.at[2],
                 .width = in.at[3],
                 .dtype = sni_onnx_type(call, x).dtype};
    sni_onnx_list flat = {3, {in.at[0], in.at[1], sni_sym_mul(call->sym, in.at[2], in.at[3])}};
    sni_onnx_list result = {4, {in.at[0], in.at[1], out.at[1], out.at[2]}};
    s.pixels = sni_onnx_reshape(call, x, &flat);
    grid = sni_onnx_cast(call, grid, s.dtype);
    uint32_t at[2];
    for (int i = 0; i < 2; i++) {
        at[i] = sni_onnx_slice_axis(call, grid, 3, sni_onnx_const(call, i), one);
        at[i] = sni_onnx_reshape(call, at[i], &s.shape);
        at[i] = to_pixels(call, &s, at[i], i ? s.height : s.width);
        if (!s.cubic) at[i] = settle(call, &s, at[i], i ? s.height : s.width);
    }
    call->out[0] = sni_onnx_reshape(call, sample(call, &s, at[0], at[1]), &result);
}

static const sni_onnx_row rows[] = {
    {"GridSample", 16, 2, 2, 1, grid_sample, NULL},
};
const sni_onnx_family sni_onnx_sample_family = {rows, sizeof rows / sizeof *rows};
