/* Functions of float and float vectors: sn_<name>_<type>. Included once for every type that a kernel uses, with
 *
 *     SN_T    the type (float, float8)        SN_I32  int with as many lanes
 *     SN_W    its lanes (1, 8)                SN_I64  long with as many lanes
 *
 * exp, log and their relatives are polynomials without branches, so that they vectorise; several drivers'
 * built-ins are ten times slower. The bound stated at each holds for every float, denormal results included where the device
 * has them. The built-ins keep what OpenCL states for them. */
#ifndef SN_MATH_FLOAT_MACROS
#define SN_MATH_FLOAT_MACROS
#define SN_FN(name) SN_JOIN(sn_##name##_, SN_T)
#define SN_C(x) ((SN_T)(x))
#define SN_K(x) ((SN_I32)(x))
#define SN_AS_F(x) SN_JOIN(as_, SN_T)(x)
#define SN_AS_I(x) SN_JOIN(as_, SN_I32)(x)
#define SN_CVT_F(x) SN_JOIN(convert_, SN_T)(x)
#define SN_CVT_I(x) SN_JOIN(convert_, SN_I32)(x)
#define SN_CVT_L(x) SN_JOIN(convert_, SN_I64)(x)
#define SN_FMA(a, b, c) fma((a), (b), SN_C(c))
#endif

#if defined(SN_NV_SM)
/* x / y for y from 1 to 2^60 and x from 0 to y, 1 ulp: NVIDIA's rounded division has a branch for every element, which nothing
 * overlaps with. */
static inline SN_T SN_FN(small_div)(SN_T x, SN_T y) {
    const SN_T r = native_recip(y), q = x * r;
    return fma(fma(-y, q, x), r, q);
}
#else
static inline SN_T SN_FN(small_div)(SN_T x, SN_T y) { return x / y; }
#endif

/* The larger and the smaller; NaN wins. */
static inline SN_T SN_FN(max)(SN_T x, SN_T y) { return ((x > y) | (x != x)) ? x : y; }
static inline SN_T SN_FN(min)(SN_T x, SN_T y) { return ((x < y) | (x != x)) ? x : y; }
static inline SN_T SN_FN(abs)(SN_T x) { return fabs(x); }
static inline SN_T SN_FN(floor)(SN_T x) { return floor(x); }
static inline SN_T SN_FN(ceil)(SN_T x) { return ceil(x); }
static inline SN_T SN_FN(round_even)(SN_T x) { return rint(x); }
static inline SN_T SN_FN(sqrt)(SN_T x) { return sqrt(x); }
static inline SN_T SN_FN(rsqrt)(SN_T x) { return SN_C(1.0f) / sqrt(x); }
static inline SN_T SN_FN(asin)(SN_T x) { return asin(x); }
static inline SN_T SN_FN(acos)(SN_T x) { return acos(x); }
static inline SN_T SN_FN(atan)(SN_T x) { return atan(x); }
static inline SN_T SN_FN(asinh)(SN_T x) { return asinh(x); }
static inline SN_T SN_FN(acosh)(SN_T x) { return acosh(x); }
static inline SN_T SN_FN(atanh)(SN_T x) { return atanh(x); }
static inline SN_T SN_FN(sinh)(SN_T x) { return sinh(x); }
static inline SN_T SN_FN(cosh)(SN_T x) { return cosh(x); }
static inline SN_T SN_FN(div)(SN_T x, SN_T y) { return x / y; }
static inline SN_T SN_FN(fmod)(SN_T x, SN_T y) { return fmod(x, y); }
static inline SN_T SN_FN(pow)(SN_T x, SN_T y) { return pow(x, y); }

static inline SN_T SN_FN(mod)(SN_T x, SN_T y) {
    SN_T r = fmod(x, y);
    return ((r != SN_C(0.0f)) & ((r < SN_C(0.0f)) != (y < SN_C(0.0f)))) ? r + y : r;
}

static inline SN_T SN_FN(nan_flag)(SN_T x) {
    return (SN_AS_I(x) & 0x7fffffff) > SN_K(0x7f800000) ? SN_C(1.0f) : SN_C(0.0f);
}

static inline SN_T SN_FN(inf_sign)(SN_T x) {
    SN_T sign = SN_CVT_F((SN_AS_I(x) >> 31) | 1);
    return (SN_AS_I(x) & 0x7fffffff) == SN_K(0x7f800000) ? sign : SN_C(0.0f);
}

/* 2^e as a product of two factors, because e reaches from -150 to 128. */
#define SN_SCALE(p, e) ((p) * SN_AS_F((((e) >> 1) + 127) << 23) * SN_AS_F(((e) - ((e) >> 1) + 127) << 23))

/* e^r - 1 - r over r^2 for |r| <= ln(2) / 2 (Cephes' expf). */
static inline SN_T SN_FN(exp_tail)(SN_T r) {
    SN_T p = SN_C(1.9875691500e-4f);
    p = SN_FMA(p, r, 1.3981999507e-3f);
    p = SN_FMA(p, r, 8.3334519073e-3f);
    p = SN_FMA(p, r, 4.1665795894e-2f);
    p = SN_FMA(p, r, 1.6666665459e-1f);
    return SN_FMA(p, r, 5.0000001201e-1f);
}

/* x - n ln 2. */
static inline SN_T SN_FN(exp_rest)(SN_T x, SN_T n) {
    return fma(n, SN_C(2.12194440e-4f), fma(n, SN_C(-0.693359375f), x));
}

/* x / ln 2 plus 1.5 * 2^23, a float whose last bits are the nearest integer: additions in place of rounding and a
 * conversion. */
#define SN_SHIFTED_LOG2(x) fma((x), SN_C(1.44269504f), SN_C(12582912.0f))
#define SN_UNSHIFT_F(s) ((s) - SN_C(12582912.0f))
#define SN_UNSHIFT_I(s) (SN_AS_I(s) - SN_K(0x4b400000))

/* 1.5 ulp. */
static inline SN_T SN_FN(exp)(SN_T x) {
    SN_T y = x > SN_C(89.0f) ? SN_C(89.0f) : x;
    y = y < SN_C(-104.0f) ? SN_C(-104.0f) : y;
    SN_T shifted = SN_SHIFTED_LOG2(y);
    SN_T r = SN_FN(exp_rest)(y, SN_UNSHIFT_F(shifted));
    SN_T p = fma(SN_FN(exp_tail)(r), r * r, r) + SN_C(1.0f);
    SN_I32 e = SN_UNSHIFT_I(shifted);
    return SN_SCALE(p, e);
}

/* 2 ulp. */
static inline SN_T SN_FN(expm1)(SN_T x) {
    SN_T y = x > SN_C(89.0f) ? SN_C(89.0f) : x;
    y = y < SN_C(-30.0f) ? SN_C(-30.0f) : y;
    SN_T shifted = SN_SHIFTED_LOG2(y);
    SN_T r = SN_FN(exp_rest)(y, SN_UNSHIFT_F(shifted));
    SN_T p = fma(SN_FN(exp_tail)(r), r * r, r);
    /* Half of it first: 2^128 is no float. */
    SN_T half_scale = SN_AS_F((SN_UNSHIFT_I(shifted) + 126) << 23);
    SN_T result = SN_C(2.0f) * fma(p, half_scale, half_scale - SN_C(0.5f));
    /* Near 0 the argument itself: products of denormals would lose it. */
    return fabs(x) < SN_C(1e-8f) ? x : result;
}

/* log(1 + f) - f + f^2 / 2 over f^3 for 1 + f between sqrt(1/2) and sqrt(2) (Cephes' logf). */
static inline SN_T SN_FN(log_tail)(SN_T f) {
    SN_T p = SN_C(7.0376836292e-2f);
    p = SN_FMA(p, f, -1.1514610310e-1f);
    p = SN_FMA(p, f, 1.1676998740e-1f);
    p = SN_FMA(p, f, -1.2420140846e-1f);
    p = SN_FMA(p, f, 1.4249322787e-1f);
    p = SN_FMA(p, f, -1.6668057665e-1f);
    p = SN_FMA(p, f, 2.0000714765e-1f);
    p = SN_FMA(p, f, -2.4999993993e-1f);
    return SN_FMA(p, f, 3.3333331174e-1f);
}

/* log(1 + f) + e ln 2. */
static inline SN_T SN_FN(log_sum)(SN_T f, SN_T e) {
    SN_T z = f * f;
    SN_T y = f * z * SN_FN(log_tail)(f);
    y = fma(e, SN_C(-2.12194440e-4f), y);
    y = fma(z, SN_C(-0.5f), y);
    return fma(e, SN_C(0.693359375f), f + y);
}

/* 2 ulp. */
static inline SN_T SN_FN(log)(SN_T x) {
    SN_I32 tiny = x < SN_C(1.17549435e-38f);
    SN_T y = tiny ? x * SN_C(8388608.0f) : x;
    SN_T shift = tiny ? SN_C(-23.0f) : SN_C(0.0f);
    SN_I32 e = (SN_AS_I(y) - 0x3f3504f3) >> 23;
    SN_T m = SN_AS_F(SN_AS_I(y) - (e << 23));
    SN_T result = SN_FN(log_sum)(m - SN_C(1.0f), SN_CVT_F(e) + shift);
    result = x == SN_C(INFINITY) ? x : result;
    result = x == SN_C(0.0f) ? SN_C(-INFINITY) : result;
    return ((x < SN_C(0.0f)) | (x != x)) ? SN_C(NAN) : result;
}

/* 2 ulp. What 1 + x loses in rounding comes back in c. */
static inline SN_T SN_FN(log1p)(SN_T x) {
    SN_T u = x + SN_C(1.0f);
    SN_T c = x - (u - SN_C(1.0f));
    SN_I32 e = (SN_AS_I(u) - 0x3f3504f3) >> 23;
    SN_T m = SN_AS_F(SN_AS_I(u) - (e << 23));
    SN_I32 unscale = 127 - e;
    unscale = unscale < SN_K(0) ? SN_K(0) : unscale;
    SN_T f = fma(c, SN_AS_F(unscale << 23), m - SN_C(1.0f));
    SN_T result = SN_FN(log_sum)(f, SN_CVT_F(e));
    result = fabs(x) < SN_C(1e-8f) ? x : result;
    result = x == SN_C(INFINITY) ? x : result;
    result = x == SN_C(-1.0f) ? SN_C(-INFINITY) : result;
    return ((x < SN_C(-1.0f)) | (x != x)) ? SN_C(NAN) : result;
}

/* e^x for x up to 0 and NaN, 1.5 ulp: results are scaled up and back by the same number, which takes fewer steps. */
static inline SN_T SN_FN(exp_below)(SN_T x) {
    SN_T y = x < SN_C(-104.0f) ? SN_C(-104.0f) : x;
    SN_T shifted = SN_SHIFTED_LOG2(y);
    SN_T r = SN_FN(exp_rest)(y, SN_UNSHIFT_F(shifted));
    SN_T p = fma(SN_FN(exp_tail)(r), r * r, r) + SN_C(1.0f);
    /* 2^(n + 64): the last bits of shifted are n, and its upper ones are shifted out. */
    return p * SN_AS_F((SN_AS_I(shifted) << 23) + SN_K(191 << 23)) * SN_C(5.42101086e-20f);
}

/* 3 ulp. */
static inline SN_T SN_FN(sigmoid)(SN_T x) {
    SN_T e = SN_FN(exp_below)(-fabs(x));
    return SN_FN(small_div)(x < SN_C(0.0f) ? e : SN_C(1.0f), e + SN_C(1.0f));
}

/* 3 ulp. By expm1, which keeps the precision near 0. */
static inline SN_T SN_FN(tanh)(SN_T x) {
    SN_T y = fabs(x);
    y = y > SN_C(10.0f) ? SN_C(10.0f) : y;
    SN_T t = SN_FN(expm1)(y * SN_C(2.0f));
    return copysign(SN_FN(small_div)(t, t + SN_C(2.0f)), x);
}

/* 2 ulp. A polynomial below 0.93, and 1 - exp(polynomial) above (after Norbert Juffa). */
static inline SN_T SN_FN(erf)(SN_T x) {
    SN_T t = fabs(x);
    SN_T s = x * x;
    SN_T r = SN_FMA(t, SN_C(-1.72853470e-5f), 3.83197126e-4f);
    SN_T u = SN_FMA(t, SN_C(-3.88396438e-3f), 2.42546219e-2f);
    r = fma(r, s, u);
    r = SN_FMA(r, t, -1.06777877e-1f);
    r = SN_FMA(r, t, -6.34846687e-1f);
    r = SN_FMA(r, t, -1.28717512e-1f);
    r = fma(r, t, -t);
    SN_T large = copysign(SN_C(1.0f) - SN_FN(exp)(r), x);
    SN_T q = SN_C(-5.96761703e-4f);
    q = SN_FMA(q, s, 4.99119423e-3f);
    q = SN_FMA(q, s, -2.67681349e-2f);
    q = SN_FMA(q, s, 1.12819925e-1f);
    q = SN_FMA(q, s, -3.76125336e-1f);
    q = SN_FMA(q, s, 1.28379166e-1f);
    SN_T small = fma(q, x, x);
    return t > SN_C(0.927734375f) ? large : small;
}

/* x minus the nearest multiple q of pi / 2, in three parts; good up to TRIG_LIMIT. */
#define SN_TRIG_LIMIT 70000.0f
static inline SN_T SN_FN(trig_rest)(SN_T x, SN_T q) {
    SN_T r = fma(q, SN_C(-1.57079601e+00f), x);
    r = fma(q, SN_C(-3.13916473e-07f), r);
    return fma(q, SN_C(-5.39030253e-15f), r);
}

/* Sine and cosine between -pi/4 and pi/4 (after Norbert Juffa). */
static inline SN_T SN_FN(sin_core)(SN_T r) {
    SN_T s = r * r;
    SN_T p = SN_FMA(SN_C(2.86567956e-6f), s, -1.98559923e-4f);
    p = SN_FMA(p, s, 8.33338592e-3f);
    p = SN_FMA(p, s, -1.66666672e-1f);
    return fma(p, r * s, r);
}

static inline SN_T SN_FN(cos_core)(SN_T r) {
    SN_T s = r * r;
    SN_T p = SN_FMA(SN_C(2.44677067e-5f), s, -1.38877297e-3f);
    p = SN_FMA(p, s, 4.16666567e-2f);
    p = SN_FMA(p, s, -5.0e-1f);
    return SN_FMA(p, s, 1.0f);
}

/* Sine of x + quarter * pi / 2, x below the limit. */
static inline SN_T SN_FN(sin_quarter)(SN_T x, int quarter) {
    SN_T q = rint(x * SN_C(0.636619747f));
    SN_T r = SN_FN(trig_rest)(x, q);
    SN_I32 k = SN_CVT_I(q) + quarter;
    SN_T odd = SN_FN(cos_core)(r), even = SN_FN(sin_core)(r);
    SN_T result = (k & 1) != SN_K(0) ? odd : even;
    return (k & 2) != SN_K(0) ? -result : result;
}

/* Huge arguments are rare and go to the built-in. It gets nothing else: some drivers' vector forms go wrong on small
 * lanes beside huge ones. Where it is called stands in functions of its own that are never inlined: in place, the built-in's
 * text is most of what a compiler works on in a kernel with several of them (a hundred sines took PoCL 12 s). */
#undef SN_ANY
#if SN_W == 1
#define SN_ANY(condition) (condition)
#else
#define SN_ANY(condition) any(condition)
#endif
#define SN_HUGE(x) (fabs(x) > SN_C(SN_TRIG_LIMIT))

/* A kernel with many of them has them as calls. */
#ifndef SN_LARGE_FUNCTION
#define SN_LARGE_FUNCTION static inline
#endif

__attribute__((noinline)) static SN_T SN_FN(sin_huge)(SN_T x, SN_T small) {
    return SN_HUGE(x) ? sin(SN_HUGE(x) ? x : SN_C(1e6f)) : small;
}

__attribute__((noinline)) static SN_T SN_FN(cos_huge)(SN_T x, SN_T small) {
    return SN_HUGE(x) ? cos(SN_HUGE(x) ? x : SN_C(1e6f)) : small;
}

__attribute__((noinline)) static SN_T SN_FN(tan_huge)(SN_T x, SN_T small) {
    return SN_HUGE(x) ? tan(SN_HUGE(x) ? x : SN_C(1e6f)) : small;
}

/* 2 ulp. */
SN_LARGE_FUNCTION SN_T SN_FN(sin)(SN_T x) {
    SN_T y = SN_HUGE(x) ? SN_C(0.0f) : x;
    SN_T result = SN_FN(sin_quarter)(y, 0);
    if (SN_ANY(SN_HUGE(x))) result = SN_FN(sin_huge)(x, result);
    return result;
}

/* 2 ulp. */
SN_LARGE_FUNCTION SN_T SN_FN(cos)(SN_T x) {
    SN_T y = SN_HUGE(x) ? SN_C(0.0f) : x;
    SN_T result = SN_FN(sin_quarter)(y, 1);
    if (SN_ANY(SN_HUGE(x))) result = SN_FN(cos_huge)(x, result);
    return result;
}

/* 4 ulp. */
SN_LARGE_FUNCTION SN_T SN_FN(tan)(SN_T x) {
    SN_T y = SN_HUGE(x) ? SN_C(0.0f) : x;
    SN_T q = rint(y * SN_C(0.636619747f));
    SN_T r = SN_FN(trig_rest)(y, q);
    SN_T s = SN_FN(sin_core)(r), c = SN_FN(cos_core)(r);
    SN_I32 odd = (SN_CVT_I(q) & 1) != SN_K(0);
    SN_T result = (odd ? -c : s) / (odd ? s : c);
    if (SN_ANY(SN_HUGE(x))) result = SN_FN(tan_huge)(x, result);
    return result;
}

/* ---- Casts: to integers they truncate and saturate, NaN gives 0. ---- */

#define SN_CLAMP(x, lo, hi) ((x) == (x) ? ((x) < SN_C(lo) ? SN_C(lo) : ((x) > SN_C(hi) ? SN_C(hi) : (x))) : SN_C(0.0f))

static inline SN_I32 SN_FN(to_i8)(SN_T x) { return SN_CVT_I(SN_CLAMP(x, -128.0f, 127.0f)); }
static inline SN_I32 SN_FN(to_u8)(SN_T x) { return SN_CVT_I(SN_CLAMP(x, 0.0f, 255.0f)); }
static inline SN_I32 SN_FN(to_u16)(SN_T x) { return SN_CVT_I(SN_CLAMP(x, 0.0f, 65535.0f)); }
static inline SN_I32 SN_FN(to_i16)(SN_T x) { return SN_CVT_I(SN_CLAMP(x, -32768.0f, 32767.0f)); }

static inline SN_I64 SN_FN(to_u32)(SN_T x) {
    SN_I64 inside = SN_CVT_L(SN_CLAMP(x, 0.0f, 4294967296.0f));
    return min(inside, (SN_I64)(4294967295L));
}

/* The largest int is no float: 2147483520 is the last one below. */
static inline SN_I32 SN_FN(to_i32)(SN_T x) {
    SN_I32 inside = SN_CVT_I(SN_CLAMP(x, -2147483648.0f, 2147483520.0f));
    return x >= SN_C(2147483648.0f) ? SN_K(2147483647) : inside;
}

static inline SN_I64 SN_FN(to_i64)(SN_T x) {
    SN_I64 inside = SN_CVT_L(SN_CLAMP(x, -9223372036854775808.0f, 9223371487098961920.0f));
    SN_I64 above = SN_CVT_L(x >= SN_C(9223372036854775808.0f));
    return above != (SN_I64)(0L) ? (SN_I64)(9223372036854775807L) : inside;
}

/* The nearest f16. Below 2^-14 its steps are 2^-24, those of floats near 0.5; from 65520 on it is Inf. */
static inline SN_T SN_FN(round_f16)(SN_T x) {
    SN_T magnitude = fabs(x);
    SN_I32 bits = SN_AS_I(magnitude);
    SN_T normal = SN_AS_F((bits + 0xfff + ((bits >> 13) & 1)) & ~0x1fff);
    SN_T small = (magnitude + SN_C(0.5f)) - SN_C(0.5f);
    SN_T result = magnitude < SN_C(6.103515625e-5f) ? small : normal;
    result = magnitude >= SN_C(65520.0f) ? SN_C(INFINITY) : result;
    return x == x ? copysign(result, x) : x;
}

/* The nearest bf16. */
static inline SN_T SN_FN(round_bf16)(SN_T x) {
    SN_I32 bits = SN_AS_I(x);
    SN_T result = SN_AS_F((bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffff);
    return x == x ? result : x;
}
