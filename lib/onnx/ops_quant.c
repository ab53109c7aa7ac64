/* ONNX quantisation. Integer products are summed in integers, so that they are exact. */
#include "onnx/importer.h"

/* A scale or zero point of one element broadcasts; one a slice lies along axis. */
static uint32_t along_axis(sni_onnx_call *call, uint32_t value, uint32_t x, int64_t preset) {
    int rank = sni_onnx_rank(call, x);
    if (sni_onnx_rank(call, value) != 1 || rank < 2) return value;
    int64_t size = 0;
    if (sni_sym_is_const(call->sym, sni_onnx_dim(call, value, 0), &size) && size == 1) return value;
    int axis = sni_onnx_attr_axis(call, "axis", preset, rank);
    return axis < 0 ? 0 : sni_onnx_along(call, value, axis, rank);
}

/* round(x / scale) + zero, kept within dtype. */
static uint32_t quantize(sni_onnx_call *call, uint32_t ratio, uint32_t zero, sinter_dtype dtype) {
    double low = dtype == SINTER_U8 ? 0 : -128, high = dtype == SINTER_U8 ? 255 : 127;
    uint32_t at = sni_onnx_unary(call, "round", ratio);
    if (zero) at = sni_onnx_binary(call, "add", at, sni_onnx_cast(call, zero, sni_onnx_type(call, at).dtype));
    at = sni_onnx_emit(call, "clip",
                       SNI_IN(at, sni_onnx_scalar_like(call, at, low), sni_onnx_scalar_like(call, at, high)), NULL);
    return sni_onnx_cast(call, at, dtype);
}

static void quantize_linear(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), scale = sni_onnx_in(call, 1), zero = sni_onnx_in(call, 2);
    sinter_dtype dtype = zero ? sni_onnx_type(call, zero).dtype : SINTER_U8;
    if (dtype != SINTER_U8 && dtype != SINTER_I8)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "to %s", sinter_dtype_name(dtype));
    sinter_dtype real = sni_onnx_type(call, scale).dtype;
    scale = along_axis(call, scale, x, 1);
    if (zero) zero = along_axis(call, zero, x, 1);
    uint32_t ratio = sni_onnx_binary(call, "div", sni_onnx_cast(call, x, real), scale);
    call->out[0] = quantize(call, ratio, zero, dtype);
}

static void dequantize_linear(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), scale = sni_onnx_in(call, 1), zero = sni_onnx_in(call, 2);
    sinter_dtype real = sni_onnx_type(call, scale).dtype;
    scale = along_axis(call, scale, x, 1);
    uint32_t whole = sni_onnx_cast(call, x, SINTER_I32);
    if (zero)
        whole = sni_onnx_binary(call, "sub", whole, sni_onnx_cast(call, along_axis(call, zero, x, 1), SINTER_I32));
    call->out[0] = sni_onnx_binary(call, "mul", sni_onnx_cast(call, whole, real), scale);
}

/* The range of x, 0 included, becomes 0..255. */
static void dynamic_quantize(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    uint32_t high = sni_onnx_reduce(call, "reduce_max", x, 0, NULL, false);
    uint32_t low = sni_onnx_reduce(call, "reduce_min", x, 0, NULL, false);
    high = sni_onnx_binary_scalar(call, "max", high, 0);
    low = sni_onnx_binary_scalar(call, "min", low, 0);
    uint32_t span = sni_onnx_binary(call, "sub", high, low);
    uint32_t scale = sni_onnx_binary_scalar(call, "div", span, 255);
    uint32_t start = sni_onnx_binary(call, "div", sni_onnx_unary(call, "neg", low), scale);
    uint32_t zero = quantize(call, start, 0, SINTER_U8);
    call->out[0] = quantize(call, sni_onnx_binary(call, "div", x, scale), zero, SINTER_U8);
    if (sni_onnx_wants(call, 1)) call->out[1] = scale;
    if (sni_onnx_wants(call, 2)) call->out[2] = zero;
}

/* ---- products of integers ---- */

static uint32_t centred(sni_onnx_call *call, uint32_t x, uint32_t zero, bool rows) {
    x = sni_onnx_cast(call, x, SINTER_I32);
    if (!zero) return x;
    zero = sni_onnx_cast(call, zero, SINTER_I32);
    if (rows && sni_onnx_rank(call, zero) == 1 && sni_onnx_rank(call, x) > 1) zero = sni_onnx_along(call, zero, 0, 2);
    return sni_onnx_binary(call, "sub", x, zero);
}

/* a[..., m, k] and b[..., k, n] in i32: broadcast over (m, k, n), summed over k. */
static uint32_t integer_product(sni_onnx_call *call, uint32_t a, uint32_t b) {
    int rank_a = sni_onnx_rank(call, a), rank_b = sni_onnx_rank(call, b);
    if (rank_a < 2 || rank_b < 2 || rank_a > 7 || rank_b > 7) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "operands of rank %d and %d", rank_a, rank_b);
        return 0;
    }
    int axis = (rank_a > rank_b ? rank_a : rank_b) - 1;
    a = sni_onnx_unsqueeze(call, a, rank_a);
    b = sni_onnx_unsqueeze(call, b, rank_b - 2);
    return sni_onnx_reduce(call, "reduce_sum", sni_onnx_binary(call, "mul", a, b), 1, &axis, false);
}

static void matmul_integer(sni_onnx_call *call) {
    uint32_t a = centred(call, sni_onnx_in(call, 0), sni_onnx_in(call, 2), true);
    uint32_t b = centred(call, sni_onnx_in(call, 1), sni_onnx_in(call, 3), false);
    call->out[0] = integer_product(call, a, b);
}

static void qlinear_matmul(sni_onnx_call *call) {
    uint32_t a = centred(call, sni_onnx_in(call, 0), sni_onnx_in(call, 2), true);
    uint32_t b = centred(call, sni_onnx_in(call, 3), sni_onnx_in(call, 5), false);
    uint32_t scale = sni_onnx_binary(call, "mul", sni_onnx_in(call, 1), sni_onnx_in(call, 4));
    scale = sni_onnx_binary(call, "div", scale, sni_onnx_in(call, 6));
    uint32_t zero = sni_onnx_in(call, 7);
    uint32_t sum = sni_onnx_cast(call, integer_product(call, a, b), SINTER_F32);
    call->out[0] = quantize(call, sni_onnx_binary(call, "mul", sum, scale), zero, sni_onnx_type(call, zero).dtype);
}

static const sni_onnx_row rows[] = {
    {"QuantizeLinear", 10, 2, 3, 1, quantize_linear, NULL},
    {"DequantizeLinear", 10, 2, 3, 1, dequantize_linear, NULL},
    {"DynamicQuantizeLinear", 11, 1, 1, 3, dynamic_quantize, NULL},
    {"MatMulInteger", 10, 2, 4, 1, matmul_integer, NULL},
    {"QLinearMatMul", 10, 8, 8, 1, qlinear_matmul, NULL},
};
const sni_onnx_family sni_onnx_quant_family = {rows, sizeof rows / sizeof *rows};
