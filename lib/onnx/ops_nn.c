/* ONNX convolutions, poolings and matrix products. */
#include "onnx/attend.h"
#include "onnx/product.h"
#include "op/rule.h"

#include <math.h>
#include <string.h>

#define MAX_SPATIAL (SINTER_MAX_RANK - 2)

/* What convolutions and poolings have in common: a window over the dimensions from 2 on. */
typedef struct {
    int dims;
    sni_onnx_list kernel, strides, dilations, pads; /* pads: all low, then all high */
} geometry;

/* A list attribute with one number a spatial dimension, or times the preset. */
static bool numbers(sni_onnx_call *call, const char *name, int count, int64_t preset, int64_t least,
                    sni_onnx_list *out) {
    sni_onnx_ints given = sni_onnx_attr_ints(call, name);
    if (given.given && given.count != count) {
        sni_onnx_fail(call, SINTER_PARSE, "%s has %d elements, not %d", name, given.count, count);
        return false;
    }
    out->count = count;
    for (int i = 0; i < count; i++) {
        int64_t value = given.given ? given.at[i] : preset;
        if (value < least || value > INT32_MAX) {
            sni_onnx_fail(call, SINTER_PARSE, "%s has the element %lld", name, (long long)value);
            return false;
        }
        out->at[i] = sni_onnx_const(call, value);
    }
    return call->status == SINTER_OK;
}

/* SAME_UPPER and SAME_LOWER: as many outputs as strides fit, the odd pad behind or in front. */
static void pad_same(sni_onnx_call *call, uint32_t x, bool upper, geometry *g) {
    sni_sym *sym = call->sym;
    sni_expr zero = sni_onnx_const(call, 0), two = sni_onnx_const(call, 2);
    for (int i = 0; i < g->dims; i++) {
        sni_expr in = sni_onnx_dim(call, x, 2 + i);
        sni_expr steps = sni_sym_add_i(sym, sni_sym_ceil_div(sym, in, g->strides.at[i]), -1);
        sni_expr reach = sni_sym_mul(sym, sni_sym_add_i(sym, g->kernel.at[i], -1), g->dilations.at[i]);
        sni_expr need = sni_sym_add_i(sym, sni_sym_add(sym, sni_sym_mul(sym, steps, g->strides.at[i]), reach), 1);
        sni_expr total = sni_sym_max(sym, sni_sym_sub(sym, need, in), zero);
        sni_expr small = sni_sym_div(sym, total, two), large = sni_sym_sub(sym, total, small);
        g->pads.at[i] = upper ? small : large;
        g->pads.at[g->dims + i] = upper ? large : small;
    }
}

/* auto_pad: false when it is NOTSET. */
static bool auto_pad(sni_onnx_call *call, bool *out_same, bool *out_upper) {
    const char *mode = sni_onnx_attr_text(call, "auto_pad", "NOTSET");
    *out_upper = strcmp(mode, "SAME_UPPER") == 0;
    *out_same = *out_upper || strcmp(mode, "SAME_LOWER") == 0;
    if (*out_same || strcmp(mode, "VALID") == 0) return true;
    if (strcmp(mode, "NOTSET") != 0) sni_onnx_fail(call, SINTER_PARSE, "auto_pad '%s'", mode);
    return false;
}

static bool geometry_of(sni_onnx_call *call, uint32_t x, const sni_onnx_list *kernel, geometry *g) {
    bool same, upper;
    g->dims = sni_onnx_rank(call, x) - 2;
    if (g->dims < 1 || g->dims > MAX_SPATIAL) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "an input of rank %d", g->dims + 2);
        return false;
    }
    if (kernel)
        g->kernel = *kernel;
    else if (!sni_onnx_has_attr(call, "kernel_shape")) {
        sni_onnx_fail(call, SINTER_PARSE, "kernel_shape is missing");
        return false;
    } else if (!numbers(call, "kernel_shape", g->dims, 1, 1, &g->kernel))
        return false;
    if (!numbers(call, "strides", g->dims, 1, 1, &g->strides) ||
        !numbers(call, "dilations", g->dims, 1, 1, &g->dilations) ||
        !numbers(call, "pads", 2 * g->dims, 0, -INT32_MAX, &g->pads))
        return false;
    if (auto_pad(call, &same, &upper)) {
        for (int i = 0; i < 2 * g->dims; i++) g->pads.at[i] = sni_onnx_const(call, 0);
        if (same) pad_same(call, x, upper, g);
    }
    return call->status == SINTER_OK;
}

/* ---- convolutions ---- */

static bool kernel_of(sni_onnx_call *call, uint32_t x, uint32_t w, sni_onnx_list *out) {
    sni_onnx_list shape = sni_onnx_shape(call, w);
    if (shape.count != sni_onnx_rank(call, x) || shape.count < 3) {
        sni_onnx_fail(call, SINTER_SHAPE, "an input of rank %d and weights of rank %d", sni_onnx_rank(call, x),
                      shape.count);
        return false;
    }
    out->count = shape.count - 2;
    memcpy(out->at, shape.at + 2, (size_t)out->count * sizeof *out->at);
    return true;
}

static uint32_t emit_conv(sni_onnx_call *call, uint32_t x, uint32_t w, uint32_t b) {
    geometry g;
    sni_onnx_list kernel;
    if (!kernel_of(call, x, w, &kernel) || !geometry_of(call, x, &kernel, &g)) return 0;
    return sni_onnx_emit(call, "conv", SNI_IN(x, w, b),
                         SNI_ATTRS([SNI_CONV_STRIDES] = sni_onnx_exprs(call, &g.strides),
                                   [SNI_CONV_PADS] = sni_onnx_exprs(call, &g.pads),
                                   [SNI_CONV_DILATIONS] = sni_onnx_exprs(call, &g.dilations),
                                   [SNI_CONV_GROUPS] = sni_attr_int(sni_onnx_attr_int(call, "group", 1))));
}

static void conv(sni_onnx_call *call) {
    call->out[0] = emit_conv(call, sni_onnx_in(call, 0), sni_onnx_in(call, 1), sni_onnx_in(call, 2));
}

/* The sum of a channel's products must be exact in f32, else it is taken in f64. */
uint32_t sni_onnx_integer_conv(sni_onnx_call *call, uint32_t x, uint32_t w, uint32_t x_zero, uint32_t w_zero) {
    sni_onnx_list shape = sni_onnx_shape(call, w);
    int64_t terms = 1;
    for (int i = 1; i < shape.count; i++)
        if (!sni_mul_i64(terms, sni_onnx_static(call, shape.at[i], "the shape of the weights"), &terms))
            terms = INT64_MAX;
    sinter_dtype real = terms <= 256 ? SINTER_F32 : SINTER_F64;
    x = sni_onnx_cast(call, x, real), w = sni_onnx_cast(call, w, real);
    if (x_zero) x = sni_onnx_binary(call, "sub", x, sni_onnx_cast(call, x_zero, real));
    if (w_zero) {
        w_zero = sni_onnx_cast(call, w_zero, real);
        if (sni_onnx_rank(call, w_zero) == 1) w_zero = sni_onnx_along(call, w_zero, 0, shape.count);
        w = sni_onnx_binary(call, "sub", w, w_zero);
    }
    return sni_onnx_cast(call, emit_conv(call, x, w, 0), SINTER_I32);
}

static void conv_integer(sni_onnx_call *call) {
    call->out[0] = sni_onnx_integer_conv(call, sni_onnx_in(call, 0), sni_onnx_in(call, 1), sni_onnx_in(call, 2),
                                         sni_onnx_in(call, 3));
}

/* Pads that give output_shape; what they would have to add is added behind. */
static void pads_for_output(sni_onnx_call *call, uint32_t x, const sni_onnx_list *wanted, bool upper, geometry *g,
                            sni_onnx_list *extra) {
    sni_sym *sym = call->sym;
    sni_expr zero = sni_onnx_const(call, 0), two = sni_onnx_const(call, 2);
    for (int i = 0; i < g->dims; i++) {
        sni_expr steps = sni_sym_add_i(sym, sni_onnx_dim(call, x, 2 + i), -1);
        sni_expr reach = sni_sym_mul(sym, sni_sym_add_i(sym, g->kernel.at[i], -1), g->dilations.at[i]);
        sni_expr full = sni_sym_add(sym, sni_sym_mul(sym, steps, g->strides.at[i]), sni_sym_add_i(sym, reach, 1));
        full = sni_sym_add(sym, full, extra->at[i]);
        sni_expr over = sni_sym_sub(sym, full, wanted->at[i]);
        sni_expr total = sni_sym_max(sym, over, zero);
        extra->at[i] = sni_sym_add(sym, extra->at[i], sni_sym_sub(sym, total, over));
        sni_expr small = sni_sym_div(sym, total, two), large = sni_sym_sub(sym, total, small);
        g->pads.at[i] = upper ? small : large;
        g->pads.at[g->dims + i] = upper ? large : small;
    }
}

static void conv_transpose(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), w = sni_onnx_in(call, 1), b = sni_onnx_in(call, 2);
    geometry g;
    sni_onnx_list kernel, extra, wanted = {0};
    bool same = false, upper = false;
    if (!kernel_of(call, x, w, &kernel) || !geometry_of(call, x, &kernel, &g) ||
        !numbers(call, "output_padding", g.dims, 0, 0, &extra))
        return;
    auto_pad(call, &same, &upper);
    if (sni_onnx_has_attr(call, "output_shape")) {
        sni_onnx_ints given = sni_onnx_attr_ints(call, "output_shape");
        if (given.count != g.dims && given.count != g.dims + 2) {
            sni_onnx_fail(call, SINTER_PARSE, "output_shape has %d elements", given.count);
            return;
        }
        for (int i = 0; i < g.dims; i++) wanted.at[i] = sni_onnx_const(call, given.at[given.count - g.dims + i]);
        pads_for_output(call, x, &wanted, upper, &g, &extra);
    } else if (same) {
        for (int i = 0; i < g.dims; i++)
            wanted.at[i] = sni_sym_mul(call->sym, sni_onnx_dim(call, x, 2 + i), g.strides.at[i]);
        pads_for_output(call, x, &wanted, upper, &g, &extra);
    }
    call->out[0] = sni_onnx_emit(call, "conv_transpose", SNI_IN(x, w, b),
                                 SNI_ATTRS([SNI_BACK_STRIDES] = sni_onnx_exprs(call, &g.strides),
                                           [SNI_BACK_PADS] = sni_onnx_exprs(call, &g.pads),
                                           [SNI_BACK_DILATIONS] = sni_onnx_exprs(call, &g.dilations),
                                           [SNI_BACK_OUTPUT_PADDING] = sni_onnx_exprs(call, &extra),
                                           [SNI_BACK_GROUPS] = sni_attr_int(sni_onnx_attr_int(call, "group", 1))));
}

/* ---- poolings ---- */

/* The coordinate along dimension i that tap k of a window sees; both are shaped to broadcast with the result. A tap in the
 * pads is never larger than one inside, but as large where all is as small as the dtype allows: then the window's first
 * tap inside is meant. */
static uint32_t tap_coordinate(sni_onnx_call *call, const geometry *g, int i, uint32_t window, uint32_t tap) {
    uint32_t at = sni_onnx_binary(call, "mul", window, sni_onnx_size_scalar(call, g->strides.at[i]));
    at = sni_onnx_binary(call, "sub", at, sni_onnx_size_scalar(call, g->pads.at[i]));
    at = sni_onnx_binary(call, "add", at,
                         sni_onnx_binary(call, "mul", tap, sni_onnx_size_scalar(call, g->dilations.at[i])));
    uint32_t first = sni_onnx_binary(call, "mod", at, sni_onnx_size_scalar(call, g->dilations.at[i]));
    return sni_onnx_where(call, sni_onnx_binary_scalar(call, "lt", at, 0), first, at);
}

/* Where in the whole input each maximum lies, the first of equal ones: the argmax of a window's taps, turned into the place
 * of its coordinates. Column-major places (storage_order 1) count through the last dimension's rows first. */
static uint32_t max_places(sni_onnx_call *call, uint32_t x, uint32_t y, const geometry *g) {
    sni_sym *sym = call->sym;
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    sni_onnx_list in = sni_onnx_shape(call, x), out = sni_onnx_shape(call, y), sizes = {.count = g->dims};
    sni_onnx_list low = {.count = g->dims}, flat = {.count = 2 + g->dims + 1};
    bool columns = sni_onnx_attr_int(call, "storage_order", 0) != 0;
    double lowest = sni_dtype_is_real(dtype) ? -(double)INFINITY : (double)sni_dtype_lowest(dtype);
    sni_expr taps = sni_onnx_const(call, 1), one = sni_onnx_const(call, 1);
    if (in.count + g->dims > SINTER_MAX_RANK)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "indices of an input of rank %d", in.count);
    if (call->status != SINTER_OK) return 0;
    for (int i = 0; i < g->dims; i++) {
        sizes.at[i] = out.at[2 + i];
        low.at[i] = g->pads.at[i];
        taps = sni_sym_mul(sym, taps, g->kernel.at[i]);
    }
    uint32_t windows = sni_onnx_emit(
        call, "window", SNI_IN(x),
        SNI_ATTRS([SNI_WINDOW_KERNEL] = sni_onnx_exprs(call, &g->kernel),
                  [SNI_WINDOW_STRIDES] = sni_onnx_exprs(call, &g->strides),
                  [SNI_WINDOW_DILATIONS] = sni_onnx_exprs(call, &g->dilations),
                  [SNI_WINDOW_PADS_LOW] = sni_onnx_exprs(call, &low), [SNI_WINDOW_SIZES] = sni_onnx_exprs(call, &sizes),
                  [SNI_WINDOW_VALUE] = sni_attr_float(lowest)));
    memcpy(flat.at, out.at, (size_t)out.count * sizeof *flat.at);
    flat.at[out.count] = taps;
    uint32_t tap =
        sni_onnx_emit(call, "argmax", SNI_IN(sni_onnx_reshape(call, windows, &flat)),
                      SNI_ATTRS([SNI_ARG_AXIS] = sni_attr_int(out.count), [SNI_ARG_KEEPDIMS] = sni_attr_int(0)));
    /* The plane's number, then the coordinates in the order of storage. */
    sni_onnx_list lead = out;
    for (int i = 2; i < lead.count; i++) lead.at[i] = one;
    uint32_t place = sni_onnx_binary(
        call, "add",
        sni_onnx_binary(call, "mul", sni_onnx_iota(call, &lead, SINTER_I64, 0), sni_onnx_size_scalar(call, in.at[1])),
        sni_onnx_iota(call, &lead, SINTER_I64, 1));
    uint32_t along[MAX_SPATIAL];
    for (int i = g->dims - 1; i >= 0; i--) {
        uint32_t kernel = sni_onnx_size_scalar(call, g->kernel.at[i]);
        sni_onnx_list axis = out;
        for (int k = 0; k < axis.count; k++)
            if (k != 2 + i) axis.at[k] = one;
        along[i] = tap_coordinate(call, g, i, sni_onnx_iota(call, &axis, SINTER_I64, 2 + i),
                                  sni_onnx_binary(call, "mod", tap, kernel));
        tap = sni_onnx_binary(call, "div", tap, kernel);
    }
    for (int k = 0; k < g->dims; k++) {
        int i = columns ? g->dims - 1 - k : k;
        place = sni_onnx_binary(call, "mul", place, sni_onnx_size_scalar(call, in.at[2 + i]));
        place = sni_onnx_binary(call, "add", place, along[i]);
    }
    return place;
}

static void max_pool(sni_onnx_call *call) {
    geometry g;
    if (!geometry_of(call, sni_onnx_in(call, 0), NULL, &g)) return;
    call->out[0] = sni_onnx_emit(
        call, "max_pool", SNI_IN(sni_onnx_in(call, 0)),
        SNI_ATTRS(
            [SNI_POOL_KERNEL] = sni_onnx_exprs(call, &g.kernel), [SNI_POOL_STRIDES] = sni_onnx_exprs(call, &g.strides),
            [SNI_POOL_PADS] = sni_onnx_exprs(call, &g.pads), [SNI_POOL_DILATIONS] = sni_onnx_exprs(call, &g.dilations),
            [SNI_POOL_CEIL] = sni_attr_int(sni_onnx_attr_int(call, "ceil_mode", 0))));
    if (sni_onnx_wants(call, 1)) call->out[1] = max_places(call, sni_onnx_in(call, 0), call->out[0], &g);
}

static uint32_t emit_avg_pool(sni_onnx_call *call, uint32_t x, const geometry *g, bool count_pads) {
    return sni_onnx_emit(call, "avg_pool", SNI_IN(x),
                         SNI_ATTRS([SNI_POOL_KERNEL] = sni_onnx_exprs(call, &g->kernel),
                                   [SNI_POOL_STRIDES] = sni_onnx_exprs(call, &g->strides),
                                   [SNI_POOL_PADS] = sni_onnx_exprs(call, &g->pads),
                                   [SNI_POOL_DILATIONS] = sni_onnx_exprs(call, &g->dilations),
                                   [SNI_POOL_CEIL] = sni_attr_int(sni_onnx_attr_int(call, "ceil_mode", 0)),
                                   [SNI_POOL_INCLUDE_PAD] = sni_attr_int(count_pads)));
}

static void avg_pool(sni_onnx_call *call) {
    geometry g;
    if (!geometry_of(call, sni_onnx_in(call, 0), NULL, &g)) return;
    bool count_pads = sni_onnx_attr_int(call, "count_include_pad", 0) != 0;
    call->out[0] = emit_avg_pool(call, sni_onnx_in(call, 0), &g, count_pads);
}

static uint32_t power_of_abs(sni_onnx_call *call, uint32_t x, int64_t p) {
    x = sni_onnx_unary(call, "abs", x);
    return p == 1 ? x : sni_onnx_binary_scalar(call, "pow", x, (double)p);
}

static uint32_t root(sni_onnx_call *call, uint32_t x, int64_t p) {
    return p == 1 ? x : sni_onnx_binary_scalar(call, "pow", x, 1.0 / (double)p);
}

/* The sum over a window is its mean, pads included, times its size. */
static void lp_pool(sni_onnx_call *call) {
    geometry g;
    int64_t p = sni_onnx_attr_int(call, "p", 2), size = 1;
    if (!geometry_of(call, sni_onnx_in(call, 0), NULL, &g)) return;
    for (int i = 0; i < g.dims; i++)
        if (!sni_mul_i64(size, sni_onnx_static(call, g.kernel.at[i], "kernel_shape"), &size))
            sni_onnx_fail(call, SINTER_PARSE, "kernel_shape is too large");
    if (p < 1) sni_onnx_fail(call, SINTER_PARSE, "p is %lld", (long long)p);
    uint32_t sum = emit_avg_pool(call, power_of_abs(call, sni_onnx_in(call, 0), p), &g, true);
    sum = sni_onnx_binary_scalar(call, "mul", sum, (double)size);
    call->out[0] = root(call, sum, p);
}

static uint32_t reduce_spatial(sni_onnx_call *call, const char *op, uint32_t x) {
    int rank = sni_onnx_rank(call, x), axes[SINTER_MAX_RANK], count = 0;
    for (int i = 2; i < rank; i++) axes[count++] = i;
    if (count == 0) sni_onnx_fail(call, SINTER_PARSE, "an input of rank %d", rank);
    return sni_onnx_reduce(call, op, x, count, axes, true);
}

static void global_pool(sni_onnx_call *call) {
    call->out[0] = reduce_spatial(call, call->row->target, sni_onnx_in(call, 0));
}

static void global_lp_pool(sni_onnx_call *call) {
    int64_t p = sni_onnx_attr_int(call, "p", 2);
    if (p < 1) sni_onnx_fail(call, SINTER_PARSE, "p is %lld", (long long)p);
    uint32_t sum = reduce_spatial(call, "reduce_sum", power_of_abs(call, sni_onnx_in(call, 0), p));
    call->out[0] = root(call, sum, p);
}

/* ---- products ---- */

static void matmul(sni_onnx_call *call) {
    call->out[0] = sni_onnx_product(call, sni_onnx_in(call, 0), sni_onnx_in(call, 1));
}

/* alpha and beta are floats: where they are not 1, ONNX's reference multiplies in reals and cuts off. */
static uint32_t scaled_integers(sni_onnx_call *call, uint32_t x, double factor) {
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    if (factor == 1) return x;
    if (factor == floor(factor) && fabs(factor) < 0x1p31) return sni_onnx_binary_scalar(call, "mul", x, factor);
    x = sni_onnx_binary_scalar(call, "mul", sni_onnx_cast(call, x, SINTER_F64), factor);
    return sni_onnx_cast(call, x, dtype);
}

static void integer_gemm(sni_onnx_call *call, uint32_t c, double alpha, double beta, bool trans_a, bool trans_b) {
    uint32_t a = sni_onnx_in(call, 0), b = sni_onnx_in(call, 1);
    if (trans_a) a = sni_onnx_transposed(call, a);
    if (trans_b) b = sni_onnx_transposed(call, b);
    uint32_t y = scaled_integers(call, sni_onnx_product(call, a, b), alpha);
    call->out[0] = c ? sni_onnx_binary(call, "add", y, scaled_integers(call, c, beta)) : y;
}

static void gemm(sni_onnx_call *call) {
    uint32_t c = sni_onnx_in(call, 2);
    double alpha = sni_onnx_attr_float(call, "alpha", 1), beta = sni_onnx_attr_float(call, "beta", 1);
    bool trans_a = sni_onnx_attr_int(call, "transA", 0) != 0, trans_b = sni_onnx_attr_int(call, "transB", 0) != 0;
    if (!sni_dtype_is_real(sni_onnx_type(call, sni_onnx_in(call, 0)).dtype)) {
        integer_gemm(call, c, alpha, beta, trans_a, trans_b);
        return;
    }
    call->out[0] = sni_onnx_emit(
        call, "gemm", SNI_IN(sni_onnx_in(call, 0), sni_onnx_in(call, 1), c),
        SNI_ATTRS([SNI_GEMM_ALPHA] = sni_attr_float(alpha), [SNI_GEMM_BETA] = sni_attr_float(beta),
                  [SNI_GEMM_TRANS_A] = sni_attr_int(trans_a), [SNI_GEMM_TRANS_B] = sni_attr_int(trans_b)));
}

static const sni_onnx_row rows[] = {
    {"Conv", 6, 2, 3, 1, conv, NULL},
    {"ConvInteger", 10, 2, 4, 1, conv_integer, NULL},
    {"ConvTranspose", 6, 2, 3, 1, conv_transpose, NULL},
    {"MaxPool", 6, 1, 1, 2, max_pool, NULL},
    {"AveragePool", 6, 1, 1, 1, avg_pool, NULL},
    {"LpPool", 6, 1, 1, 1, lp_pool, NULL},
    {"GlobalAveragePool", 1, 1, 1, 1, global_pool, "reduce_mean"},
    {"GlobalMaxPool", 1, 1, 1, 1, global_pool, "reduce_max"},
    {"GlobalLpPool", 6, 1, 1, 1, global_lp_pool, NULL},
    {"MatMul", 6, 2, 2, 1, matmul, NULL},
    {"Gemm", 6, 2, 3, 1, gemm, NULL},
};
const sni_onnx_family sni_onnx_nn_family = {rows, sizeof rows / sizeof *rows};
