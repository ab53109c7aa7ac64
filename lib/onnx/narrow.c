/* Decoding is a table, encoding a search in a table of the numbers at which one code ends and the next begins: both are exact
 * on every device. */
#include "onnx/narrow.h"

#include <math.h>
#include <string.h>

/* What the codes above the largest number mean. */
typedef enum special {
    NO_SPECIAL, /* there are none */
    INF_NAN,    /* as in IEEE 754 */
    ONE_NAN,    /* the highest code alone is NaN ("FN") */
    SIGNED_NAN  /* the code of -0 is NaN, and there is no -0 ("FNUZ") */
} special;

typedef struct format {
    int32_t data_type;
    sinter_dtype dtype;
    int bits;
    bool integer, has_sign;
    int mantissa, bias;
    int last; /* code of the largest number, without sign */
    special special;
} format;

enum { FLOAT8E8M0 = 24 };

/* By TensorProto.DataType, 17 to 26. */
static const format formats[] = {
    {17, SINTER_U8, 8, false, true, 3, 7, 0x7e, ONE_NAN},     /* FLOAT8E4M3FN */
    {18, SINTER_U8, 8, false, true, 3, 8, 0x7f, SIGNED_NAN},  /* FLOAT8E4M3FNUZ */
    {19, SINTER_U8, 8, false, true, 2, 15, 0x7b, INF_NAN},    /* FLOAT8E5M2 */
    {20, SINTER_U8, 8, false, true, 2, 16, 0x7f, SIGNED_NAN}, /* FLOAT8E5M2FNUZ */
    {21, SINTER_U8, 4, true, false, 0, 0, 0, NO_SPECIAL},     /* UINT4 */
    {22, SINTER_I8, 4, true, true, 0, 0, 0, NO_SPECIAL},      /* INT4 */
    {23, SINTER_U8, 4, false, true, 1, 1, 0x7, NO_SPECIAL},   /* FLOAT4E2M1 */
    {FLOAT8E8M0, SINTER_U8, 8, false, false, 0, 127, 0xfe, ONE_NAN},
    {25, SINTER_U8, 2, true, false, 0, 0, 0, NO_SPECIAL}, /* UINT2 */
    {26, SINTER_I8, 2, true, true, 0, 0, 0, NO_SPECIAL},  /* INT2 */
};

static const format *format_of(int32_t data_type) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].data_type == data_type) return &formats[i];
    return NULL;
}

bool sni_onnx_is_narrow(int32_t data_type) {
    return format_of(data_type) != NULL;
}

sinter_dtype sni_onnx_storage_dtype(int32_t data_type) {
    const format *f = format_of(data_type);
    return f ? f->dtype : sni_onnx_dtype(data_type);
}

int sni_onnx_stored_bits(int32_t data_type) {
    const format *f = format_of(data_type);
    return f ? f->bits : 8 * (int)sinter_dtype_size(sni_onnx_dtype(data_type));
}

void sni_onnx_unpack_bits(int32_t data_type, const uint8_t *from, size_t count, uint8_t *to) {
    const format *f = format_of(data_type);
    size_t each = 8 / (size_t)f->bits;
    int mask = (1 << f->bits) - 1, sign = f->integer && f->has_sign ? 1 << (f->bits - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        int code = from[i / each] >> (i % each * (size_t)f->bits) & mask;
        to[i] = (uint8_t)((code ^ sign) - sign);
    }
}

/* ---- which values they are ---- */

int32_t sni_onnx_narrow_of(const sni_onnx_importer *importer, uint32_t value) {
    return value < importer->narrow_capacity ? importer->narrow[value] : 0;
}

sinter_status sni_onnx_mark_narrow(sni_onnx_importer *importer, uint32_t value, int32_t data_type) {
    if (!sni_onnx_is_narrow(data_type) || !value) return SINTER_OK;
    size_t before = importer->narrow_capacity;
    if (!SNI_RESERVE(importer->narrow, importer->narrow_capacity, (size_t)value + 1))
        return sni_out_of_memory("the types of values");
    if (importer->narrow_capacity > before) memset(importer->narrow + before, 0, importer->narrow_capacity - before);
    importer->narrow[value] = (uint8_t)data_type;
    return SINTER_OK;
}

static const char *const converters[] = {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Shape", "Size"};
static const char *const movers[] = {"Identity", "Reshape",        "Transpose", "Squeeze", "Unsqueeze",
                                     "Flatten",  "Slice",          "Split",     "Concat",  "Expand",
                                     "Gather",   "GatherElements", "GatherND",  "Tile",    "DepthToSpace"};

static bool is_among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

sinter_status sni_onnx_check_narrow(const sni_onnx_call *call) {
    const char *name = call->node->op_type;
    if (is_among(name, converters, sizeof converters / sizeof *converters) ||
        is_among(name, movers, sizeof movers / sizeof *movers))
        return SINTER_OK;
    for (int i = 0; i < call->in_count; i++) {
        int32_t data_type = sni_onnx_narrow_of(call->importer, call->in[i]);
        if (data_type)
            return sni_fail(SINTER_UNSUPPORTED, "input %d is %s, which is only converted or moved: Cast it first", i,
                            sni_onnx_dtype_name(data_type));
    }
    return SINTER_OK;
}

sinter_status sni_onnx_spread_narrow(const sni_onnx_call *call) {
    int32_t data_type = call->in_count > 0 ? sni_onnx_narrow_of(call->importer, call->in[0]) : 0;
    if (!data_type || !is_among(call->node->op_type, movers, sizeof movers / sizeof *movers)) return SINTER_OK;
    for (int i = 0; i < call->out_count; i++) SNI_TRY(sni_onnx_mark_narrow(call->importer, call->out[i], data_type));
    return SINTER_OK;
}

/* ---- numbers and codes ---- */

/* The number of a code without sign, also of those past the last, as if they went on. */
static double number_of(const format *f, int code) {
    if (f->data_type == FLOAT8E8M0) return ldexp(1, code - f->bias);
    int exponent = code >> f->mantissa, mantissa = code & ((1 << f->mantissa) - 1);
    if (exponent == 0) return ldexp(mantissa, 1 - f->bias - f->mantissa);
    return ldexp((1 << f->mantissa) + mantissa, exponent - f->bias - f->mantissa);
}

static float decode(const format *f, int code) {
    int sign = f->has_sign ? 1 << (f->bits - 1) : 0, magnitude = code & ~sign;
    if (f->special == SIGNED_NAN && code == sign) return NAN;
    if (magnitude > f->last)
        return f->special == INF_NAN && magnitude == f->last + 1 ? ((code & sign) ? -INFINITY : INFINITY) : NAN;
    float number = (float)number_of(f, magnitude);
    return code & sign ? -number : number;
}

static uint32_t look_up(sni_onnx_call *call, uint32_t table, uint32_t index) {
    return sni_onnx_emit(call, "gather", SNI_IN(table, index), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0)));
}

uint32_t sni_onnx_decode(sni_onnx_call *call, uint32_t value) {
    const format *f = format_of(sni_onnx_narrow_of(call->importer, value));
    uint32_t code = sni_onnx_cast(call, value, SINTER_I32);
    float numbers[256];
    if (!f || f->integer) return code;
    int64_t count = 1 << f->bits;
    for (int i = 0; i < count; i++) numbers[i] = decode(f, i);
    uint32_t table = sni_onnx_constant(call, SINTER_F32, 1, &count, numbers, (size_t)count * sizeof *numbers);
    return look_up(call, table, code);
}

/* ---- encoding ---- */

/* x is past the end of code `code` when it is more than *out. A tie goes to the even code: from an odd one on to the next,
 * so there the number before the middle is the last. */
static double end_of(const format *f, int code, const char *round_mode, bool *out_closed) {
    double here = number_of(f, code), next = number_of(f, code + 1);
    *out_closed = true;
    if (f->data_type != FLOAT8E8M0) {
        *out_closed = code % 2 == 0;
        return (here + next) / 2;
    }
    if (strcmp(round_mode, "up") == 0) return here;
    *out_closed = false;
    return strcmp(round_mode, "down") == 0 ? next : (here + next) / 2;
}

enum { STEPS = 8, ENDS = (1 << STEPS) - 1 };

static uint32_t table_of_ends(sni_onnx_call *call, const format *f, sinter_dtype dtype, const sni_onnx_rounding *r) {
    double wide[ENDS];
    float single[ENDS];
    int64_t count = ENDS;
    int ends = r->saturate || f->special == NO_SPECIAL ? f->last : f->last + 1;
    for (int i = 0; i < ENDS; i++) {
        bool closed = true;
        wide[i] = i < ends ? end_of(f, i, r->round_mode, &closed) : INFINITY;
        single[i] = (float)wide[i];
        if (!closed) single[i] = nextafterf(single[i], -INFINITY);
        if (!closed) wide[i] = nextafter(wide[i], -INFINITY);
    }
    return dtype == SINTER_F64 ? sni_onnx_constant(call, dtype, 1, &count, wide, sizeof wide)
                               : sni_onnx_constant(call, dtype, 1, &count, single, sizeof single);
}

/* How many ends x is past: a binary search, written out. */
static uint32_t search(sni_onnx_call *call, uint32_t table, uint32_t x) {
    uint32_t code = 0;
    for (int step = 1 << (STEPS - 1); step > 0; step /= 2) {
        sni_onnx_list shape = sni_onnx_shape(call, x);
        if (!code) code = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I32, 0), &shape);
        uint32_t end = look_up(call, table, sni_onnx_binary_scalar(call, "add", code, step - 1));
        uint32_t past = sni_onnx_cast(call, sni_onnx_binary(call, "gt", x, end), SINTER_I32);
        code = sni_onnx_binary(call, "add", code, sni_onnx_binary_scalar(call, "mul", past, step));
    }
    return code;
}

static uint32_t encode_float(sni_onnx_call *call, uint32_t x, const format *f, const sni_onnx_rounding *r) {
    sinter_dtype dtype = sni_onnx_type(call, x).dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32;
    int sign = f->has_sign ? 1 << (f->bits - 1) : 0;
    x = sni_onnx_cast(call, x, dtype);
    uint32_t code = search(call, table_of_ends(call, f, dtype, r), sni_onnx_unary(call, "abs", x));
    if (sign) { /* of -0 the reciprocal tells */
        uint32_t below = sni_onnx_binary_scalar(call, "lt", x, 0);
        uint32_t inverse = sni_onnx_binary_scalar(call, "lt", sni_onnx_unary(call, "reciprocal", x), 0);
        uint32_t negative = sni_onnx_binary(call, "or", below, inverse);
        if (f->special == SIGNED_NAN)
            negative = sni_onnx_binary(call, "and", negative, sni_onnx_binary_scalar(call, "gt", code, 0));
        uint32_t bit = sni_onnx_binary_scalar(call, "mul", sni_onnx_cast(call, negative, SINTER_I32), sign);
        code = sni_onnx_binary(call, "bit_or", code, bit);
    }
    int nan = f->special == SIGNED_NAN ? sign : f->special == INF_NAN ? f->last + 3 : f->last + 1;
    if (f->special == NO_SPECIAL) nan = sign; /* what ml_dtypes writes: -0 */
    uint32_t is_nan = sni_onnx_unary(call, "is_nan", x);
    if (f->data_type == FLOAT8E8M0) { /* it has no infinity, and no number stands for one */
        uint32_t size = sni_onnx_unary(call, "abs", x);
        is_nan = sni_onnx_binary(call, "or", is_nan, sni_onnx_binary_scalar(call, "eq", size, INFINITY));
    }
    return sni_onnx_where(call, is_nan, sni_onnx_scalar(call, SINTER_I32, nan), code);
}

static uint32_t encode_integer(sni_onnx_call *call, uint32_t x, const format *f) {
    int half = f->has_sign ? 1 << (f->bits - 1) : 0;
    x = sni_onnx_cast(call, x, SINTER_I32);
    x = sni_onnx_binary_scalar(call, "bit_and", sni_onnx_binary_scalar(call, "add", x, half), (1 << f->bits) - 1);
    return sni_onnx_binary_scalar(call, "sub", x, half);
}

uint32_t sni_onnx_encode(sni_onnx_call *call, uint32_t x, int32_t data_type, const sni_onnx_rounding *rounding) {
    const format *f = format_of(data_type);
    if (!f || call->status != SINTER_OK) return 0;
    uint32_t code = f->integer ? encode_integer(call, x, f) : encode_float(call, x, f, rounding);
    uint32_t held = sni_onnx_cast(call, code, f->dtype);
    if (call->status == SINTER_OK) call->status = sni_onnx_mark_narrow(call->importer, held, data_type);
    return held;
}
