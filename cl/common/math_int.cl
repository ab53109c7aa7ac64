/* Functions of int, long and their vectors: sn_<name>_<type>. Included once for every type that a kernel uses, with SN_T as the
 * type. Results wrap; nothing traps. */
#ifndef SN_MATH_INT_MACROS
#define SN_MATH_INT_MACROS
#define SN_I_FN(name) SN_JOIN(sn_##name##_, SN_T)
#define SN_I_C(x) ((SN_T)(x))
#define SN_I_U(x) SN_JOIN(as_u, SN_T)(x)
#define SN_I_S(x) SN_JOIN(as_, SN_T)(x)
#define SN_I_NEG(x) SN_I_S(SN_I_U(SN_I_C(0)) - SN_I_U(x))
/* The number of an element's last bit. */
#define SN_I_LAST SN_I_C((int)(sizeof(SN_T) / SN_W * 8 - 1))
/* A divisor that can be divided by: 0 and -1 become 1. */
#define SN_I_SAFE(y) ((((y) == SN_I_C(0)) | ((y) == SN_I_C(-1))) ? SN_I_C(1) : (y))
#endif

static inline SN_T SN_I_FN(max)(SN_T x, SN_T y) { return x > y ? x : y; }
static inline SN_T SN_I_FN(min)(SN_T x, SN_T y) { return x < y ? x : y; }
static inline SN_T SN_I_FN(abs)(SN_T x) { return SN_I_S(abs(x)); }

static inline SN_T SN_I_FN(div)(SN_T x, SN_T y) {
    SN_T q = x / SN_I_SAFE(y);
    q = y == SN_I_C(-1) ? SN_I_NEG(x) : q;
    return y == SN_I_C(0) ? SN_I_C(0) : q;
}

static inline SN_T SN_I_FN(bit_and)(SN_T x, SN_T y) { return x & y; }
static inline SN_T SN_I_FN(bit_or)(SN_T x, SN_T y) { return x | y; }
static inline SN_T SN_I_FN(bit_xor)(SN_T x, SN_T y) { return x ^ y; }

static inline SN_T SN_I_FN(shift_left)(SN_T x, SN_T y) {
    SN_T within = y & SN_I_LAST;
    return within == y ? SN_I_S(SN_I_U(x) << SN_I_U(within)) : SN_I_C(0);
}

static inline SN_T SN_I_FN(shift_right)(SN_T x, SN_T y) {
    SN_T within = y & SN_I_LAST;
    return x >> (within == y ? within : SN_I_LAST);
}

static inline SN_T SN_I_FN(fmod)(SN_T x, SN_T y) { return x % SN_I_SAFE(y); }

static inline SN_T SN_I_FN(mod)(SN_T x, SN_T y) {
    SN_T r = x % SN_I_SAFE(y);
    return ((r != SN_I_C(0)) & ((r < SN_I_C(0)) != (y < SN_I_C(0)))) ? r + y : r;
}

static inline SN_T SN_I_FN(pow)(SN_T x, SN_T y) {
    SN_T result = SN_I_C(1), base = x, rest = y < SN_I_C(0) ? SN_I_C(0) : y;
    for (int bit = 0; bit < 63; ++bit) {
        result = (rest & 1) != SN_I_C(0) ? SN_I_S(SN_I_U(result) * SN_I_U(base)) : result;
        base = SN_I_S(SN_I_U(base) * SN_I_U(base));
        rest >>= SN_I_C(1);
    }
    SN_T odd = (y & 1) != SN_I_C(0) ? SN_I_C(-1) : SN_I_C(1);
    SN_T inverse = x == SN_I_C(1) ? SN_I_C(1) : (x == SN_I_C(-1) ? odd : SN_I_C(0));
    return y < SN_I_C(0) ? inverse : result;
}

/* Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011): the first 64 bits for the counter x and the key y, of which int has the
 * lower half. */
static inline SN_T SN_I_FN(philox)(SN_T x, SN_T y) {
    SN_JOIN(u, SN_I64) counter = SN_JOIN(as_u, SN_I64)(SN_JOIN(convert_, SN_I64)(x));
    SN_JOIN(u, SN_I64) key = SN_JOIN(as_u, SN_I64)(SN_JOIN(convert_, SN_I64)(y));
    SN_JOIN(u, SN_I32) c0 = SN_JOIN(convert_u, SN_I32)(counter & 0xffffffffUL), c1 = SN_JOIN(convert_u, SN_I32)(counter >> 32);
    SN_JOIN(u, SN_I32) k0 = SN_JOIN(convert_u, SN_I32)(key & 0xffffffffUL), k1 = SN_JOIN(convert_u, SN_I32)(key >> 32);
    SN_JOIN(u, SN_I32) c2 = 0, c3 = 0, m0 = 0xd2511f53u, m1 = 0xcd9e8d57u;
    for (int round = 0; round < 10; ++round) {
        SN_JOIN(u, SN_I32) next0 = mul_hi(m1, c2) ^ c1 ^ k0, next2 = mul_hi(m0, c0) ^ c3 ^ k1;
        c1 = m1 * c2;
        c3 = m0 * c0;
        c0 = next0;
        c2 = next2;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    SN_JOIN(u, SN_I64) bits = SN_JOIN(convert_u, SN_I64)(c1) << 32 | SN_JOIN(convert_u, SN_I64)(c0);
    int above = 64 - (int)(sizeof(SN_T) / SN_W * 8);
    return SN_JOIN(convert_, SN_T)(SN_JOIN(as_, SN_I64)(bits) << above >> above);
}

#if SN_W == 1
/* To float so that rounding to 16 bits afterwards gives what one rounding would: what is inexact gets an odd last bit. A
 * long that is rounded to 2^63 is taken for less, which is odd enough. */
static inline float SN_I_FN(odd_float)(SN_T x) {
    float near = (float)x;
    int bits = as_int(near);
    long back = convert_long_sat(near), exact = (long)x;
    int wrong = (back != exact) & ((bits & 1) == 0);
    return wrong ? as_float(abs(back) > abs(exact) ? bits - 1 : bits + 1) : near;
}
#endif
