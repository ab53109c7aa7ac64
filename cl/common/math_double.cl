/* Functions of double and double vectors: sn_<name>_<type>, by the built-ins. Included once for every type that a kernel
 * uses; SN_T, SN_W, SN_I32 and SN_I64 as in math_float.cl. */
#ifndef SN_MATH_DOUBLE_MACROS
#define SN_MATH_DOUBLE_MACROS
#define SN_D_FN(name) SN_JOIN(sn_##name##_, SN_T)
#define SN_D_C(x) ((SN_T)(x))
#define SN_D_BITS(x) SN_JOIN(as_, SN_I64)(x)
#define SN_D_I32(x) SN_JOIN(convert_, SN_I32)(x)
#define SN_D_I64(x) SN_JOIN(convert_, SN_I64)(x)
#endif

static inline SN_T SN_D_FN(max)(SN_T x, SN_T y) { return ((x > y) | (x != x)) ? x : y; }
static inline SN_T SN_D_FN(min)(SN_T x, SN_T y) { return ((x < y) | (x != x)) ? x : y; }
static inline SN_T SN_D_FN(abs)(SN_T x) { return fabs(x); }
static inline SN_T SN_D_FN(floor)(SN_T x) { return floor(x); }
static inline SN_T SN_D_FN(ceil)(SN_T x) { return ceil(x); }
static inline SN_T SN_D_FN(round_even)(SN_T x) { return rint(x); }
static inline SN_T SN_D_FN(exp)(SN_T x) { return exp(x); }
static inline SN_T SN_D_FN(expm1)(SN_T x) { return expm1(x); }
static inline SN_T SN_D_FN(log)(SN_T x) { return log(x); }
static inline SN_T SN_D_FN(log1p)(SN_T x) { return log1p(x); }
static inline SN_T SN_D_FN(sqrt)(SN_T x) { return sqrt(x); }
static inline SN_T SN_D_FN(rsqrt)(SN_T x) { return SN_D_C(1.0) / sqrt(x); }
static inline SN_T SN_D_FN(sin)(SN_T x) { return sin(x); }
static inline SN_T SN_D_FN(cos)(SN_T x) { return cos(x); }
static inline SN_T SN_D_FN(tan)(SN_T x) { return tan(x); }
static inline SN_T SN_D_FN(asin)(SN_T x) { return asin(x); }
static inline SN_T SN_D_FN(acos)(SN_T x) { return acos(x); }
static inline SN_T SN_D_FN(atan)(SN_T x) { return atan(x); }
static inline SN_T SN_D_FN(sinh)(SN_T x) { return sinh(x); }
static inline SN_T SN_D_FN(cosh)(SN_T x) { return cosh(x); }
static inline SN_T SN_D_FN(tanh)(SN_T x) { return tanh(x); }
static inline SN_T SN_D_FN(asinh)(SN_T x) { return asinh(x); }
static inline SN_T SN_D_FN(acosh)(SN_T x) { return acosh(x); }
static inline SN_T SN_D_FN(atanh)(SN_T x) { return atanh(x); }
static inline SN_T SN_D_FN(erf)(SN_T x) { return erf(x); }
static inline SN_T SN_D_FN(div)(SN_T x, SN_T y) { return x / y; }

/* PoCL 3.1's pow and fmod of double8 are wrong in some lanes next to special values; narrower ones are right. */
#if SN_W == 8
static inline SN_T SN_D_FN(fmod)(SN_T x, SN_T y) { return (SN_T)(fmod(x.lo, y.lo), fmod(x.hi, y.hi)); }
static inline SN_T SN_D_FN(pow)(SN_T x, SN_T y) { return (SN_T)(pow(x.lo, y.lo), pow(x.hi, y.hi)); }
#else
static inline SN_T SN_D_FN(fmod)(SN_T x, SN_T y) { return fmod(x, y); }
static inline SN_T SN_D_FN(pow)(SN_T x, SN_T y) { return pow(x, y); }
#endif

static inline SN_T SN_D_FN(mod)(SN_T x, SN_T y) {
    SN_T r = SN_D_FN(fmod)(x, y);
    return ((r != SN_D_C(0.0)) & ((r < SN_D_C(0.0)) != (y < SN_D_C(0.0)))) ? r + y : r;
}

static inline SN_T SN_D_FN(sigmoid)(SN_T x) {
    SN_T e = exp(-fabs(x));
    return (x < SN_D_C(0.0) ? e : SN_D_C(1.0)) / (e + SN_D_C(1.0));
}

static inline SN_T SN_D_FN(nan_flag)(SN_T x) {
    return (SN_D_BITS(x) & 0x7fffffffffffffffL) > (SN_I64)(0x7ff0000000000000L) ? SN_D_C(1.0) : SN_D_C(0.0);
}

static inline SN_T SN_D_FN(inf_sign)(SN_T x) {
    SN_T sign = SN_JOIN(convert_, SN_T)((SN_D_BITS(x) >> 63) | 1L);
    return (SN_D_BITS(x) & 0x7fffffffffffffffL) == (SN_I64)(0x7ff0000000000000L) ? sign : SN_D_C(0.0);
}

/* Casts to integers truncate and saturate, NaN gives 0. */
#define SN_D_CLAMP(x, lo, hi)                                                                      \
    ((x) == (x) ? ((x) < SN_D_C(lo) ? SN_D_C(lo) : ((x) > SN_D_C(hi) ? SN_D_C(hi) : (x))) : SN_D_C(0.0))

static inline SN_I32 SN_D_FN(to_i8)(SN_T x) { return SN_D_I32(SN_D_CLAMP(x, -128.0, 127.0)); }
static inline SN_I32 SN_D_FN(to_u8)(SN_T x) { return SN_D_I32(SN_D_CLAMP(x, 0.0, 255.0)); }
static inline SN_I32 SN_D_FN(to_u16)(SN_T x) { return SN_D_I32(SN_D_CLAMP(x, 0.0, 65535.0)); }
static inline SN_I64 SN_D_FN(to_u32)(SN_T x) { return SN_D_I64(SN_D_CLAMP(x, 0.0, 4294967295.0)); }
static inline SN_I32 SN_D_FN(to_i16)(SN_T x) { return SN_D_I32(SN_D_CLAMP(x, -32768.0, 32767.0)); }
static inline SN_I32 SN_D_FN(to_i32)(SN_T x) { return SN_D_I32(SN_D_CLAMP(x, -2147483648.0, 2147483647.0)); }

/* The largest long is no double: 2^63 - 1024 is the last one below. */
static inline SN_I64 SN_D_FN(to_i64)(SN_T x) {
    SN_I64 inside = SN_D_I64(SN_D_CLAMP(x, -9223372036854775808.0, 9223372036854774784.0));
    return x >= SN_D_C(9223372036854775808.0) ? (SN_I64)(9223372036854775807L) : inside;
}

#if SN_W == 1
/* To float so that rounding to 16 bits afterwards gives what one rounding would: what is inexact gets an odd last bit. */
static inline float SN_D_FN(odd_float)(SN_T x) {
    float near = (float)x;
    int bits = as_int(near);
    double back = (double)near;
    int wrong = (back != x) & (x == x) & ((bits & 1) == 0);
    return wrong ? as_float(fabs(back) > fabs(x) ? bits - 1 : bits + 1) : near;
}
#endif
