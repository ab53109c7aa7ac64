/* Data types: classes, rounding, packed memory. Types: printing, broadcasting. */
#include "op/op.h"

#include <math.h>
#include <string.h>

#define DTYPE_BITS_F32 0x7f800000u

sni_dtype_class sni_dtype_class_of(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F32:
    case SINTER_F16:
    case SINTER_BF16:
    case SINTER_F64:
        return SNI_CLASS_REAL;
    case SINTER_I8:
    case SINTER_U8:
    case SINTER_I16:
    case SINTER_I32:
    case SINTER_I64:
    case SINTER_U16:
    case SINTER_U32:
        return SNI_CLASS_INT;
    case SINTER_BOOL:
        return SNI_CLASS_BOOL;
    default:
        return (sni_dtype_class)0;
    }
}

bool sni_dtype_is_real(sinter_dtype dtype) {
    return sni_dtype_class_of(dtype) == SNI_CLASS_REAL;
}

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value >> shift, rounded to nearest, ties to even; shift is 1 to 31. */
static uint32_t shift_round_even(uint32_t value, int shift) {
    uint32_t half = 1u << (shift - 1);
    uint32_t rest = value & ((half << 1) - 1u);
    uint32_t kept = value >> shift;
    return kept + (rest > half || (rest == half && (kept & 1u)) ? 1u : 0u);
}

uint16_t sni_f32_to_f16(float value) {
    uint32_t bits = float_bits(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > DTYPE_BITS_F32) { /* NaN: stays quiet and keeps what fits of its payload */
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    }
    if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u); /* 65536 and more */
    if (magnitude >= 0x38800000u) { /* normal: a carry into the exponent, even to Inf, is right */
        return (uint16_t)(sign | shift_round_even(magnitude - 0x38000000u, 13));
    }
    if (magnitude < 0x33000000u) return (uint16_t)sign; /* below half of the smallest subnormal */
    uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | shift_round_even(mantissa, 126 - (int)(magnitude >> 23)));
}

float sni_f16_to_f32(uint16_t bits) {
    uint32_t sign = ((uint32_t)bits & 0x8000u) << 16;
    uint32_t exponent = ((uint32_t)bits >> 10) & 0x1fu;
    uint32_t mantissa = (uint32_t)bits & 0x3ffu;
    if (exponent == 31) return bits_float(sign | DTYPE_BITS_F32 | (mantissa << 13));
    if (exponent == 0) {
        float value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    return bits_float(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

uint16_t sni_f32_to_bf16(float value) {
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffffu) > DTYPE_BITS_F32) return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits & 0x80000000u) >> 16 | shift_round_even(bits & 0x7fffffffu, 16));
}

float sni_bf16_to_f32(uint16_t bits) {
    return bits_float((uint32_t)bits << 16);
}

/* To float so that a second rounding to 16 bits gives what one rounding would: an inexact result
 * gets an odd last bit ("round to odd"). */
static float float_round_odd(double value) {
    float near = (float)value;
    if (isnan(value) || (double)near == value) return near;
    uint32_t bits = float_bits(near);
    if (bits & 1u) return near;
    /* The neighbour on the other side of value is odd. In magnitude the bits grow with the number. */
    return bits_float(fabs((double)near) > fabs(value) ? bits - 1u : bits + 1u);
}

double sni_dtype_round(sinter_dtype dtype, double value) {
    switch (dtype) {
    case SINTER_F32:
        return (double)(float)value;
    case SINTER_F16:
        return (double)sni_f16_to_f32(sni_f32_to_f16(float_round_odd(value)));
    case SINTER_BF16:
        return (double)sni_bf16_to_f32(sni_f32_to_bf16(float_round_odd(value)));
    default:
        return value;
    }
}

int64_t sni_dtype_wrap(sinter_dtype dtype, int64_t value) {
    switch (dtype) {
    case SINTER_I8:
        return (int8_t)(uint8_t)(uint64_t)value;
    case SINTER_U8:
        return (uint8_t)(uint64_t)value;
    case SINTER_I16:
        return (int16_t)(uint16_t)(uint64_t)value;
    case SINTER_I32:
        return (int32_t)(uint32_t)(uint64_t)value;
    case SINTER_U16:
        return (uint16_t)(uint64_t)value;
    case SINTER_U32:
        return (uint32_t)(uint64_t)value;
    case SINTER_BOOL:
        return value != 0;
    default:
        return value;
    }
}

/* Elements are copied bytewise: constants of mapped files are not always aligned. */
#define LOAD_AS(type)                                                                                                  \
    type element;                                                                                                      \
    memcpy(&element, (const char *)data + (size_t)index * sizeof element, sizeof element)

static double load_real(sinter_dtype dtype, const void *data, int64_t index) {
    if (dtype == SINTER_F64) {
        LOAD_AS(double);
        return element;
    }
    if (dtype == SINTER_F32) {
        LOAD_AS(float);
        return (double)element;
    }
    LOAD_AS(uint16_t);
    return (double)(dtype == SINTER_F16 ? sni_f16_to_f32(element) : sni_bf16_to_f32(element));
}

static int64_t load_int(sinter_dtype dtype, const void *data, int64_t index) {
    if (dtype == SINTER_I64) {
        LOAD_AS(int64_t);
        return element;
    }
    if (dtype == SINTER_I32) {
        LOAD_AS(int32_t);
        return element;
    }
    if (dtype == SINTER_I16) {
        LOAD_AS(int16_t);
        return element;
    }
    if (dtype == SINTER_U16) {
        LOAD_AS(uint16_t);
        return element;
    }
    if (dtype == SINTER_U32) {
        LOAD_AS(uint32_t);
        return element;
    }
    LOAD_AS(uint8_t);
    return sni_dtype_wrap(dtype, element);
}

void sni_dtype_load(sinter_dtype dtype, const void *data, int64_t index, double *f, int64_t *i) {
    sni_dtype_class class = sni_dtype_class_of(dtype);
    if (class == SNI_CLASS_REAL) {
        if (f) *f = load_real(dtype, data, index);
    } else if (class != 0 && i) {
        *i = load_int(dtype, data, index);
    }
}

void sni_dtype_store(sinter_dtype dtype, void *data, int64_t index, double f, int64_t i) {
    size_t size = sinter_dtype_size(dtype);
    char *at = (char *)data + (size_t)index * size;
    int64_t wrapped = sni_dtype_wrap(dtype, i);
    float single = (float)f;
    int32_t i32 = (int32_t)wrapped;
    int16_t i16 = (int16_t)wrapped;
    uint8_t byte = (uint8_t)wrapped;
    uint16_t half;
    switch (dtype) {
    case SINTER_F64:
        memcpy(at, &f, size);
        break;
    case SINTER_F32:
        memcpy(at, &single, size);
        break;
    case SINTER_F16:
        half = sni_f32_to_f16(float_round_odd(f));
        memcpy(at, &half, size);
        break;
    case SINTER_BF16:
        half = sni_f32_to_bf16(float_round_odd(f));
        memcpy(at, &half, size);
        break;
    case SINTER_I64:
        memcpy(at, &i, size);
        break;
    case SINTER_I32:
    case SINTER_U32: /* the same bits */
        memcpy(at, &i32, size);
        break;
    case SINTER_I16:
    case SINTER_U16:
        memcpy(at, &i16, size);
        break;
    case SINTER_I8:
    case SINTER_U8:
    case SINTER_BOOL:
        *at = (char)byte;
        break;
    default:
        break;
    }
}

sni_expr sni_type_count(sni_sym *sym, const sni_type *type) {
    sni_expr count = sni_sym_const(sym, 1);
    for (int d = 0; d < type->rank; d++) count = sni_sym_mul(sym, count, type->dims[d]);
    return count;
}

sni_expr sni_type_bytes(sni_sym *sym, const sni_type *type) {
    return sni_sym_mul_i(sym, sni_type_count(sym, type), (int64_t)sinter_dtype_size(type->dtype));
}

void sni_type_print(const sni_sym *sym, const sni_type *type, sni_str *out) {
    sni_str_append(out, sinter_dtype_name(type->dtype));
    sni_str_append(out, "[");
    for (int d = 0; d < type->rank; d++) {
        if (d > 0) sni_str_append(out, ", ");
        sni_sym_print(sym, type->dims[d], out);
    }
    sni_str_append(out, "]");
}

/* The dimension that two broadcast ones give; SNI_NO_EXPR when they cannot (or memory is out). */
static sni_expr broadcast_dim(sni_sym *sym, sni_expr a, sni_expr b) {
    int64_t x, y;
    bool a_const = sni_sym_is_const(sym, a, &x);
    bool b_const = sni_sym_is_const(sym, b, &y);
    if (a == b) return a;
    if (a_const && x == 1) return b;
    if (b_const && y == 1) return a;
    if (a_const && b_const) return SNI_NO_EXPR;
    /* A number other than 1 is the result whichever of 1 and that number the name turns out to be. */
    if (a_const) return a;
    if (b_const) return b;
    /* A multiple of a, or a of it, is the result: where it is 1, both are. */
    if (sni_sym_is(sym, sni_sym_mod(sym, b, a), 0)) return b;
    if (sni_sym_is(sym, sni_sym_mod(sym, a, b), 0)) return a;
    return sni_sym_max(sym, a, b);
}

bool sni_type_broadcast(sni_sym *sym, const sni_type *a, const sni_type *b, sni_type *out) {
    sni_expr dims[SINTER_MAX_RANK] = {0};
    int rank = a->rank > b->rank ? a->rank : b->rank;
    for (int d = 0; d < rank; d++) {
        int da = d - (rank - a->rank);
        int db = d - (rank - b->rank);
        if (da < 0) {
            dims[d] = b->dims[db];
        } else if (db < 0) {
            dims[d] = a->dims[da];
        } else {
            dims[d] = broadcast_dim(sym, a->dims[da], b->dims[db]);
        }
        if (dims[d] == SNI_NO_EXPR) return false;
    }
    out->rank = rank;
    memcpy(out->dims, dims, sizeof dims);
    return true;
}

void sni_broadcast_coords(sni_sym *sym, const sni_type *in, int out_rank, const sni_type *out,
                          const sni_expr *out_coords, sni_expr *in_coords) {
    int shift = out_rank - in->rank;
    for (int d = 0; d < in->rank; d++) {
        sni_expr coord = shift + d >= 0 ? out_coords[shift + d] : SNI_NO_EXPR;
        sni_expr dim = in->dims[d];
        if (sni_sym_is(sym, dim, 1)) {
            in_coords[d] = sni_sym_const(sym, 0);
        } else if (shift + d >= 0 && out->dims[shift + d] == dim) {
            in_coords[d] = coord;
        } else if (sni_sym_is_const(sym, dim, NULL)) {
            in_coords[d] = coord;
        } else {
            sni_expr one = sni_sym_const(sym, 1);
            in_coords[d] = sni_sym_mul(sym, coord, sni_sym_not(sym, sni_sym_eq(sym, dim, one)));
        }
    }
}

void sni_call_require(sni_call *call, sni_expr condition) {
    if (sni_sym_is(call->sym, condition, 1)) return;
    sni_expr both = call->require == SNI_NO_EXPR ? condition : sni_sym_and(call->sym, call->require, condition);
    /* A condition that could not be built must not pass for "nothing required". */
    call->require = both == SNI_NO_EXPR ? SNI_BAD_REQUIRE : both;
}

void sni_require_broadcast(sni_call *call, const sni_type *in, const sni_type *out) {
    sni_sym *sym = call->sym;
    int shift = out->rank - in->rank;
    for (int d = 0; d < in->rank && shift + d >= 0; d++) {
        sni_expr dim = in->dims[d], wide = out->dims[shift + d];
        if (dim == wide || sni_sym_is(sym, dim, 1)) continue;
        sni_expr differs = sni_sym_not(sym, sni_sym_eq(sym, dim, wide));
        sni_expr not_one = sni_sym_not(sym, sni_sym_eq(sym, dim, sni_sym_const(sym, 1)));
        sni_call_require(call, sni_sym_not(sym, sni_sym_and(sym, differs, not_one)));
    }
}
