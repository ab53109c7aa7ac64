/* ONNX quantisation. Integer products are summed in integers, so that they are exact. */
#include "onnx/narrow.h"
#include "onnx/product.h"

/* A scale or zero point for each block of an axis, repeated for every element of the block; the last may be short. */
static uint32_t spread_blocks(sni_onnx_call *call, uint32_t value, uint32_t x, int axis, int64_t block) {
    sni_onnx_list s = sni_onnx_shape(call, value), wide = {.count = s.count + 1}, flat = s;
    if (axis < 0 || s.count != sni_onnx_rank(call, x) || s.count >= SINTER_MAX_RANK) {
        sni_onnx_fail(call, SINTER_SHAPE, "a scale or zero point of rank %d in blocks, for a tensor of rank %d",
                      s.count, sni_onnx_rank(call, x));
        return 0;
    }
    for (int i = 0; i < wide.count; i++)
        wide.at[i] = i <= axis ? s.at[i] : i == axis + 1 ? sni_onnx_const(call, block) : s.at[i - 1];
    flat.at[axis] = sni_sym_mul_i(call->sym, s.at[axis], block);
    value = sni_onnx_reshape(call, sni_onnx_expand(call, sni_onnx_unsqueeze(call, value, axis + 1), &wide), &flat);
    return sni_onnx_slice_axis(call, value, axis, sni_onnx_const(call, 0), sni_onnx_dim(call, x, axis));
}

/* A scale or zero point of one element broadcasts; one a slice lies along axis; blocks are repeated. */
static uint32_t along_axis(sni_onnx_call *call, uint32_t value, uint32_t x, int64_t preset) {
    int rank = sni_onnx_rank(call, x);
    int64_t block = sni_onnx_attr_int(call, "block_size", 0), size = 0;
    if (block < 0) sni_onnx_fail(call, SINTER_PARSE, "block_size %lld", (long long)block);
    if (block > 0) return spread_blocks(call, value, x, sni_onnx_attr_axis(call, "axis", preset, rank), block);
    if (sni_onnx_rank(call, value) != 1 || rank < 2) return value;
    if (sni_sym_is_const(call->sym, sni_onnx_dim(call, value, 0), &size) && size == 1) return value;
    int axis = sni_onnx_attr_axis(call, "axis", preset, rank);
    return axis < 0 ? 0 : sni_onnx_along(call, value, axis, rank);
}

/* The integers that a value can be quantised to, by TensorProto.DataType. */
typedef struct {
    int32_t data_type;
    double low, high;
} range;

static const range ranges[] = {
    {2, 0, 255}, {3, -128, 127}, {4, 0, 65535}, {5, -32768, 32767}, {21, 0, 15}, {22, -8, 7}, {25, 0, 3}, {26, -2, 1},
};

static const range *range_of(int32_t data_type) {
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].data_type == data_type) return &ranges[i];
    return NULL;
}

/* The TensorProto.DataType of a value that may be quantised to. */
static int32_t data_type_of(sni_onnx_call *call, uint32_t value) {
    int32_t narrow = sni_onnx_narrow_of(call->importer, value);
    if (narrow) return narrow;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!sni_onnx_is_narrow(ranges[i].data_type) &&
            sni_onnx_dtype(ranges[i].data_type) == sni_onnx_type(call, value).dtype)
            return ranges[i].data_type;
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "to %s", sinter_dtype_name(sni_onnx_type(call, value).dtype));
    return 0;
}

/* round(x / scale) + zero, kept within the type's range. The sum is one of integers: a real of 16 bits has no 65535. */
static uint32_t quantize(sni_onnx_call *call, uint32_t ratio, uint32_t zero, int32_t data_type) {
    const range *r = range_of(data_type);
    if (!r || call->status != SINTER_OK) return 0;
    sinter_dtype dtype = sni_onnx_storage_dtype(data_type);
    uint32_t at = sni_onnx_unary(call, "round", ratio);
    if (sni_onnx_type(call, at).dtype != SINTER_F64) at = sni_onnx_cast(call, at, SINTER_F32);
    at = sni_onnx_emit(call, "clip",
                       SNI_IN(at, sni_onnx_scalar_like(call, at, -1e9), sni_onnx_scalar_like(call, at, 1e9)), NULL);
    at = sni_onnx_cast(call, at, SINTER_I32);
    if (zero) at = sni_onnx_binary(call, "add", at, sni_onnx_cast(call, zero, SINTER_I32));
    at = sni_onnx_emit(call, "clip",
                       SNI_IN(at, sni_onnx_scalar_like(call, at, r->low), sni_onnx_scalar_like(call, at, r->high)),
                       NULL);
    at = sni_onnx_cast(call, at, dtype);
    if (call->status == SINTER_OK) call->status = sni_onnx_mark_narrow(call->importer, at, data_type);
    return at;
}

static void quantize_linear(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), scale = sni_onnx_in(call, 1), zero = sni_onnx_in(call, 2);
    int32_t to = (int32_t)sni_onnx_attr_int(call, "output_dtype", 0);
    int64_t precision = sni_onnx_attr_int(call, "precision", 0);
    if (zero) to = data_type_of(call, zero);
    if (!to) to = 2;
    sinter_dtype real = precision ? sni_onnx_dtype((int32_t)precision) : sni_onnx_type(call, scale).dtype;
    if (!sni_dtype_is_real(real) || (!range_of(to) && !sni_onnx_is_narrow(to)))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "to %s, divided as %s", sni_onnx_dtype_name(to),
                      sinter_dtype_name(real));
    scale = along_axis(call, sni_onnx_cast(call, scale, real), x, 1);
    uint32_t ratio = sni_onnx_binary(call, "div", sni_onnx_cast(call, x, real), scale);
    if (range_of(to)) {
        call->out[0] = quantize(call, ratio, zero ? along_axis(call, zero, x, 1) : 0, to);
        return;
    }
    /* The zero point of floats is 0. Adding it turns -0 into 0, which is how FLOAT4E2M1 is defined. */
    if (zero && to == 23) {
        uint32_t start = along_axis(call, sni_onnx_decode(call, zero), x, 1);
        ratio = sni_onnx_binary(call, "add", ratio, sni_onnx_cast(call, start, real));
    }
    sni_onnx_rounding rounding = {.saturate = sni_onnx_attr_int(call, "saturate", 1) != 0, .round_mode = "up"};
    call->out[0] = sni_onnx_encode(call, ratio, to, &rounding);
}

static void dequantize_linear(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), scale = sni_onnx_in(call, 1), zero = sni_onnx_in(call, 2);
    int64_t to = sni_onnx_attr_int(call, "output_dtype", 0);
    sinter_dtype real = sni_onnx_type(call, scale).dtype;
    scale = along_axis(call, scale, x, 1);
    bool narrow = sni_onnx_narrow_of(call->importer, x) != 0;
    uint32_t number = narrow ? sni_onnx_decode(call, x) : sni_onnx_cast(call, x, SINTER_I32);
    if (zero) {
        uint32_t start = sni_onnx_narrow_of(call->importer, zero) ? sni_onnx_decode(call, zero) : zero;
        start = along_axis(call, sni_onnx_cast(call, start, sni_onnx_type(call, number).dtype), x, 1);
        number = sni_onnx_binary(call, "sub", number, start);
    }
    call->out[0] = sni_onnx_binary(call, "mul", sni_onnx_cast(call, number, real), scale);
    if (!to) return;
    if (!sni_dtype_is_real(sni_onnx_dtype((int32_t)to)))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "output_dtype %s", sni_onnx_dtype_name((int32_t)to));
    call->out[0] = sni_onnx_cast(call, call->out[0], sni_onnx_dtype((int32_t)to));
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
    uint32_t zero = quantize(call, start, 0, 2);
    call->out[0] = quantize(call, sni_onnx_binary(call, "div", x, scale), zero, 2);
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

static void matmul_integer(sni_onnx_call *call) {
    uint32_t a = centred(call, sni_onnx_in(call, 0), sni_onnx_in(call, 2), true);
    uint32_t b = centred(call, sni_onnx_in(call, 1), sni_onnx_in(call, 3), false);
    call->out[0] = sni_onnx_product(call, a, b);
}

static void qlinear_matmul(sni_onnx_call *call) {
    uint32_t a = centred(call, sni_onnx_in(call, 0), sni_onnx_in(call, 2), true);
    uint32_t b = centred(call, sni_onnx_in(call, 3), sni_onnx_in(call, 5), false);
    uint32_t scale = sni_onnx_binary(call, "mul", sni_onnx_in(call, 1), sni_onnx_in(call, 4));
    scale = sni_onnx_cast(call, sni_onnx_binary(call, "div", scale, sni_onnx_in(call, 6)), SINTER_F32);
    uint32_t zero = sni_onnx_in(call, 7);
    uint32_t sum = sni_onnx_cast(call, sni_onnx_product(call, a, b), SINTER_F32);
    call->out[0] = quantize(call, sni_onnx_binary(call, "mul", sum, scale), zero, data_type_of(call, zero));
}

/* x, w and the result have scales and zero points; w's may be one a map. The bias is one of the integer sum. */
static void qlinear_conv(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), w = sni_onnx_in(call, 3), zero = sni_onnx_in(call, 7),
             bias = sni_onnx_in(call, 8);
    int rank = sni_onnx_rank(call, x);
    uint32_t sum = sni_onnx_integer_conv(call, x, w, sni_onnx_in(call, 2), sni_onnx_in(call, 5));
    if (call->status != SINTER_OK) return;
    if (bias) sum = sni_onnx_binary(call, "add", sum, sni_onnx_along(call, bias, 1, rank));
    uint32_t w_scale = sni_onnx_in(call, 4);
    if (sni_onnx_rank(call, w_scale) == 1) w_scale = sni_onnx_along(call, w_scale, 1, rank);
    uint32_t scale = sni_onnx_binary(call, "mul", sni_onnx_in(call, 1), w_scale);
    scale = sni_onnx_cast(call, sni_onnx_binary(call, "div", scale, sni_onnx_in(call, 6)), SINTER_F32);
    sum = sni_onnx_binary(call, "mul", sni_onnx_cast(call, sum, SINTER_F32), scale);
    call->out[0] = quantize(call, sum, zero, data_type_of(call, zero));
}

static const sni_onnx_row rows[] = {
    {"QuantizeLinear", 10, 2, 3, 1, quantize_linear, NULL},
    {"DequantizeLinear", 10, 2, 3, 1, dequantize_linear, NULL},
    {"DynamicQuantizeLinear", 11, 1, 1, 3, dynamic_quantize, NULL},
    {"MatMulInteger", 10, 2, 4, 1, matmul_integer, NULL},
    {"QLinearConv", 10, 8, 9, 1, qlinear_conv, NULL},
    {"QLinearMatMul", 10, 8, 8, 1, qlinear_matmul, NULL},
};
const sni_onnx_family sni_onnx_quant_family = {rows, sizeof rows / sizeof *rows};
