/* ONNX operators that map every element, with broadcasting. */
#include "onnx/fraction.h"
#include "onnx/narrow.h"

#include <string.h>

static void unary(sni_onnx_call *call) {
    call->out[0] = sni_onnx_unary(call, call->row->target, sni_onnx_in(call, 0));
}

/* Before opset 7 the second operand was laid along axis of the first when broadcast was set. */
static uint32_t legacy_operand(sni_onnx_call *call, uint32_t a, uint32_t b) {
    if (call->opset >= 7 || !sni_onnx_attr_int(call, "broadcast", 0)) return b;
    if (!sni_onnx_has_attr(call, "axis")) return b;
    int rank = sni_onnx_rank(call, a);
    int axis = sni_onnx_attr_axis(call, "axis", 0, rank);
    sni_onnx_list shape = sni_onnx_shape(call, b);
    while (axis >= 0 && axis + shape.count < rank && shape.count < SINTER_MAX_RANK)
        shape.at[shape.count++] = sni_onnx_const(call, 1);
    return sni_onnx_reshape(call, b, &shape);
}

static void binary(sni_onnx_call *call) {
    uint32_t a = sni_onnx_in(call, 0), b = legacy_operand(call, a, sni_onnx_in(call, 1));
    call->out[0] = sni_onnx_binary(call, call->row->target, a, b);
}

/* Max, Min, Sum and Mean take any number of operands. */
static void variadic(sni_onnx_call *call) {
    uint32_t result = sni_onnx_in(call, 0);
    for (int i = 1; i < call->in_count; i++)
        result = sni_onnx_binary(call, call->row->target, result, sni_onnx_in(call, i));
    call->out[0] = result;
}

static void mean(sni_onnx_call *call) {
    variadic(call);
    if (call->in_count > 1) call->out[0] = sni_onnx_binary_scalar(call, "div", call->out[0], call->in_count);
}

static void identity(sni_onnx_call *call) {
    call->out[0] = sni_onnx_in(call, 0);
}

/* Operators whose graph operator has the attributes alpha, and beta or gamma. */
typedef struct {
    const char *op, *names[2];
    double presets[2];
} parameters;

static const parameters parameter_rows[] = {
    {"leaky_relu", {"alpha", NULL}, {0.01, 0}},
    {"elu", {"alpha", NULL}, {1, 0}},
    {"celu", {"alpha", NULL}, {1, 0}},
    {"selu", {"alpha", "gamma"}, {1.67326319217681884765625, 1.05070102214813232421875}},
    {"hard_sigmoid", {"alpha", "beta"}, {0.2, 0.5}},
    {"thresholded_relu", {"alpha", NULL}, {1, 0}},
    {"shrink", {"bias", "lambd"}, {0, 0.5}},
};

static sni_attr parameter(sni_onnx_call *call, const parameters *row, int i) {
    if (!row->names[i]) return (sni_attr){.kind = SNI_ATTR_NONE};
    return sni_attr_float(sni_onnx_attr_float(call, row->names[i], row->presets[i]));
}

static void parametric(sni_onnx_call *call) {
    const parameters *row = NULL;
    for (size_t i = 0; i < sizeof parameter_rows / sizeof *parameter_rows && !row; i++)
        if (strcmp(parameter_rows[i].op, call->row->target) == 0) row = &parameter_rows[i];
    if (!row) return;
    call->out[0] = sni_onnx_emit(call, row->op, SNI_IN(sni_onnx_in(call, 0)),
                                 SNI_ATTRS(parameter(call, row, 0), parameter(call, row, 1)));
}

static void gelu(sni_onnx_call *call) {
    bool tanh_form = strcmp(sni_onnx_attr_text(call, "approximate", "none"), "tanh") == 0;
    call->out[0] = sni_onnx_unary(call, tanh_form ? "gelu_tanh" : "gelu", sni_onnx_in(call, 0));
}

static void is_inf(sni_onnx_call *call) {
    call->out[0] = sni_onnx_emit(call, "is_inf", SNI_IN(sni_onnx_in(call, 0)),
                                 SNI_ATTRS(sni_attr_float((double)sni_onnx_attr_int(call, "detect_positive", 1)),
                                           sni_attr_float((double)sni_onnx_attr_int(call, "detect_negative", 1))));
}

static void mod(sni_onnx_call *call) {
    bool c_like = sni_onnx_attr_int(call, "fmod", 0) != 0;
    call->out[0] = sni_onnx_binary(call, c_like ? "fmod" : "mod", sni_onnx_in(call, 0), sni_onnx_in(call, 1));
}

/* The exponent may be of another dtype; the result is of the base's. */
static void power(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), y = legacy_operand(call, x, sni_onnx_in(call, 1));
    sinter_dtype base = sni_onnx_type(call, x).dtype, exponent = sni_onnx_type(call, y).dtype;
    if (sni_dtype_is_real(exponent) && !sni_dtype_is_real(base)) {
        uint32_t real = sni_onnx_binary(call, "pow", sni_onnx_cast(call, x, exponent), y);
        call->out[0] = sni_onnx_cast(call, real, base);
        return;
    }
    call->out[0] = sni_onnx_binary(call, "pow", x, sni_onnx_cast(call, y, base));
}

static uint32_t limit(sni_onnx_call *call, int input, const char *attr, double preset) {
    if (call->opset >= 11) return sni_onnx_in(call, input);
    if (!sni_onnx_has_attr(call, attr)) return 0;
    double value = sni_onnx_attr_float(call, attr, preset);
    /* The presets of old exporters are the largest floats, which limit nothing. */
    if (value == preset) return 0;
    return sni_onnx_scalar_like(call, sni_onnx_in(call, 0), value);
}

static void clip(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    uint32_t low = limit(call, 1, "min", -3.4028234663852886e38);
    uint32_t high = limit(call, 2, "max", 3.4028234663852886e38);
    if (low && high)
        call->out[0] = sni_onnx_emit(call, "clip", SNI_IN(x, low, high), NULL);
    else if (low)
        call->out[0] = sni_onnx_binary(call, "max", x, low);
    else if (high)
        call->out[0] = sni_onnx_binary(call, "min", x, high);
    else
        call->out[0] = x;
}

static void where(sni_onnx_call *call) {
    call->out[0] = sni_onnx_where(call, sni_onnx_in(call, 0), sni_onnx_in(call, 1), sni_onnx_in(call, 2));
}

/* From or to a type that is only held; false: neither is. */
static bool cast_narrow(sni_onnx_call *call, int32_t to, sinter_dtype dtype) {
    uint32_t x = sni_onnx_in(call, 0);
    int32_t from = sni_onnx_narrow_of(call->importer, x);
    if (!from && !sni_onnx_is_narrow(to)) return false;
    sni_onnx_rounding rounding = {.saturate = sni_onnx_attr_int(call, "saturate", 1) != 0,
                                  .round_mode = sni_onnx_attr_text(call, "round_mode", "up")};
    if (from) x = sni_onnx_decode(call, x);
    call->out[0] = sni_onnx_is_narrow(to) ? sni_onnx_encode(call, x, to, &rounding) : sni_onnx_cast(call, x, dtype);
    return true;
}

/* A size that was computed in floating point becomes an expression again. */
static uint32_t cast_size(sni_onnx_call *call, uint32_t x, sinter_dtype dtype) {
    sni_onnx_list sizes;
    sni_type type = sni_onnx_type(call, x);
    if (sni_dtype_is_real(type.dtype) && (dtype == SINTER_I64 || dtype == SINTER_I32) &&
        sni_onnx_whole_part(call, x, &sizes))
        x = sni_onnx_known(call, type.rank, &sizes);
    return sni_onnx_cast(call, x, dtype);
}

static void cast_to(sni_onnx_call *call) {
    int64_t to = sni_onnx_attr_int(call, "to", 0);
    if (to > 0 && to < 100 && cast_narrow(call, (int32_t)to, sni_onnx_dtype((int32_t)to))) return;
    sinter_dtype dtype = to > 0 && to < 100 ? sni_onnx_dtype((int32_t)to) : SINTER_DTYPE_NONE;
    if (dtype == SINTER_DTYPE_NONE)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "to data type %s",
                      sni_onnx_dtype_name(to > 0 && to < 100 ? (int32_t)to : -1));
    call->out[0] = cast_size(call, sni_onnx_in(call, 0), dtype);
}

static void cast_like(sni_onnx_call *call) {
    sinter_dtype dtype = sni_onnx_type(call, sni_onnx_in(call, 1)).dtype;
    if (cast_narrow(call, sni_onnx_narrow_of(call->importer, sni_onnx_in(call, 1)), dtype)) return;
    call->out[0] = sni_onnx_cast(call, sni_onnx_in(call, 0), dtype);
}

/* One slope a channel before opset 7; numpy's broadcasting from then on. */
static void prelu(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), slope = sni_onnx_in(call, 1);
    int rank = sni_onnx_rank(call, x);
    int64_t size = 0;
    bool one = sni_sym_is_const(call->sym, sni_onnx_dim(call, slope, 0), &size) && size == 1;
    if (call->opset < 7 && sni_onnx_rank(call, slope) == 1 && !one && rank > 1)
        slope = sni_onnx_along(call, slope, 1, rank);
    call->out[0] = sni_onnx_binary(call, "prelu", x, slope);
}

static void bit_shift(sni_onnx_call *call) {
    const char *direction = sni_onnx_attr_text(call, "direction", "");
    bool left = strcmp(direction, "LEFT") == 0;
    if (!left && strcmp(direction, "RIGHT") != 0) sni_onnx_fail(call, SINTER_PARSE, "direction '%s'", direction);
    call->out[0] =
        sni_onnx_binary(call, left ? "shift_left" : "shift_right", sni_onnx_in(call, 0), sni_onnx_in(call, 1));
}

/* ---- BitCast ---- */

static double bits_of_float(const double *operands, void *context) {
    float x = (float)operands[0];
    int32_t bits;
    (void)context;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double float_of_bits(const double *operands, void *context) {
    int32_t bits = (int32_t)operands[0];
    float x;
    (void)context;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

/* Bits of reals as integers and back; a kernel computes with bf16 as floats. Those of 64 bits have no reference, as they are more
 * than a double holds. */
static const struct {
    sinter_dtype from, to;
    const char *source;
    double (*reference)(const double *operands, void *context);
} bit_casts[] = {
    {SINTER_F32, SINTER_I32, "int sinter_bits(float x) { return as_int(x); }", bits_of_float},
    {SINTER_I32, SINTER_F32, "float sinter_bits(int x) { return as_float(x); }", float_of_bits},
    {SINTER_BF16, SINTER_I32, "int sinter_bits(float x) { return as_int(x) >> 16; }", NULL},
    {SINTER_I32, SINTER_BF16, "float sinter_bits(int x) { return as_float(x << 16); }", NULL},
    {SINTER_F64, SINTER_I64, "long sinter_bits(double x) { return as_long(x); }", NULL},
    {SINTER_I64, SINTER_F64, "double sinter_bits(long x) { return as_double(x); }", NULL},
};

static uint32_t bits_as(sni_onnx_call *call, uint32_t x, sinter_dtype from, sinter_dtype to) {
    for (size_t i = 0; i < sizeof bit_casts / sizeof *bit_casts; i++) {
        if (bit_casts[i].from != from || bit_casts[i].to != to) continue;
        sinter_custom_function function = {
            .source = bit_casts[i].source, .output = to, .cost = 1, .reference = bit_casts[i].reference};
        sinter_value operand = {x};
        return sinter_custom_call(call->graph, &function, &operand, 1).id;
    }
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "from %s to %s", sinter_dtype_name(from), sinter_dtype_name(to));
    return 0;
}

/* Integers of a size differ in what their highest bit means: casts wrap. */
static void bit_cast(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int64_t number = sni_onnx_attr_int(call, "to", 0);
    sinter_dtype from = sni_onnx_type(call, x).dtype;
    sinter_dtype to = number > 0 && number < 100 ? sni_onnx_dtype((int32_t)number) : SINTER_DTYPE_NONE;
    if (to == SINTER_DTYPE_NONE || sinter_dtype_size(to) != sinter_dtype_size(from)) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "from %s to data type %lld", sinter_dtype_name(from),
                      (long long)number);
        return;
    }
    bool real_from = sni_dtype_is_real(from), real_to = sni_dtype_is_real(to);
    sinter_dtype whole = sinter_dtype_size(to) == 8 ? SINTER_I64 : SINTER_I32;
    if (from == to) {
        call->out[0] = x;
        return;
    }
    x = real_from ? bits_as(call, x, from, whole) : sni_onnx_cast(call, x, whole);
    call->out[0] = real_to ? bits_as(call, x, whole, to) : sni_onnx_cast(call, x, to);
}

static const sni_onnx_row rows[] = {
    {"Abs", 6, 1, 1, 1, unary, "abs"},
    {"Neg", 6, 1, 1, 1, unary, "neg"},
    {"Exp", 6, 1, 1, 1, unary, "exp"},
    {"Log", 6, 1, 1, 1, unary, "log"},
    {"Sqrt", 6, 1, 1, 1, unary, "sqrt"},
    {"Reciprocal", 6, 1, 1, 1, unary, "reciprocal"},
    {"Sin", 7, 1, 1, 1, unary, "sin"},
    {"Cos", 7, 1, 1, 1, unary, "cos"},
    {"Tan", 7, 1, 1, 1, unary, "tan"},
    {"Asin", 7, 1, 1, 1, unary, "asin"},
    {"Acos", 7, 1, 1, 1, unary, "acos"},
    {"Atan", 7, 1, 1, 1, unary, "atan"},
    {"Sinh", 9, 1, 1, 1, unary, "sinh"},
    {"Cosh", 9, 1, 1, 1, unary, "cosh"},
    {"Tanh", 6, 1, 1, 1, unary, "tanh"},
    {"Asinh", 9, 1, 1, 1, unary, "asinh"},
    {"Acosh", 9, 1, 1, 1, unary, "acosh"},
    {"Atanh", 9, 1, 1, 1, unary, "atanh"},
    {"Erf", 9, 1, 1, 1, unary, "erf"},
    {"Floor", 6, 1, 1, 1, unary, "floor"},
    {"Ceil", 6, 1, 1, 1, unary, "ceil"},
    {"Round", 11, 1, 1, 1, unary, "round"},
    {"Sign", 9, 1, 1, 1, unary, "sign"},
    {"Relu", 6, 1, 1, 1, unary, "relu"},
    {"Sigmoid", 6, 1, 1, 1, unary, "sigmoid"},
    {"Softplus", 1, 1, 1, 1, unary, "softplus"},
    {"Softsign", 1, 1, 1, 1, unary, "softsign"},
    {"Mish", 18, 1, 1, 1, unary, "mish"},
    {"HardSwish", 14, 1, 1, 1, unary, "hard_swish"},
    {"IsNaN", 9, 1, 1, 1, unary, "is_nan"},
    {"Not", 1, 1, 1, 1, unary, "not"},
    {"LeakyRelu", 6, 1, 1, 1, parametric, "leaky_relu"},
    {"Elu", 6, 1, 1, 1, parametric, "elu"},
    {"Celu", 12, 1, 1, 1, parametric, "celu"},
    {"Selu", 6, 1, 1, 1, parametric, "selu"},
    {"HardSigmoid", 6, 1, 1, 1, parametric, "hard_sigmoid"},
    {"ThresholdedRelu", 10, 1, 1, 1, parametric, "thresholded_relu"},
    {"Shrink", 9, 1, 1, 1, parametric, "shrink"},
    {"Gelu", 6, 1, 1, 1, gelu, NULL},
    {"IsInf", 10, 1, 1, 1, is_inf, NULL},
    {"Add", 6, 2, 2, 1, binary, "add"},
    {"Sub", 6, 2, 2, 1, binary, "sub"},
    {"Mul", 6, 2, 2, 1, binary, "mul"},
    {"Div", 6, 2, 2, 1, binary, "div"},
    {"Equal", 6, 2, 2, 1, binary, "eq"},
    {"Greater", 6, 2, 2, 1, binary, "gt"},
    {"GreaterOrEqual", 12, 2, 2, 1, binary, "ge"},
    {"Less", 6, 2, 2, 1, binary, "lt"},
    {"LessOrEqual", 12, 2, 2, 1, binary, "le"},
    {"And", 6, 2, 2, 1, binary, "and"},
    {"Or", 6, 2, 2, 1, binary, "or"},
    {"Xor", 6, 2, 2, 1, binary, "xor"},
    {"Pow", 6, 2, 2, 1, power, NULL},
    {"Mod", 10, 2, 2, 1, mod, NULL},
    {"PRelu", 6, 2, 2, 1, prelu, NULL},
    {"BitwiseAnd", 18, 2, 2, 1, binary, "bit_and"},
    {"BitwiseOr", 18, 2, 2, 1, binary, "bit_or"},
    {"BitwiseXor", 18, 2, 2, 1, binary, "bit_xor"},
    {"BitwiseNot", 18, 1, 1, 1, unary, "bit_not"},
    {"BitShift", 11, 2, 2, 1, bit_shift, NULL},
    {"Max", 6, 1, -1, 1, variadic, "max"},
    {"Min", 6, 1, -1, 1, variadic, "min"},
    {"Sum", 6, 1, -1, 1, variadic, "add"},
    {"Mean", 6, 1, -1, 1, mean, "add"},
    {"Clip", 6, 1, 3, 1, clip, NULL},
    {"Where", 9, 3, 3, 1, where, NULL},
    {"Cast", 6, 1, 1, 1, cast_to, NULL},
    {"CastLike", 15, 2, 2, 1, cast_like, NULL},
    {"Identity", 1, 1, 1, 1, identity, NULL},
    {"BitCast", 26, 1, 1, 1, bit_cast, NULL},
};
const sni_onnx_family sni_onnx_elementwise = {rows, sizeof rows / sizeof *rows};
