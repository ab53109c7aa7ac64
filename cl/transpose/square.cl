/* Squares of numbers in registers, turned over their diagonal: SN_TRANSPOSE<W>(T, r) for W vectors r[0] ... r[W - 1] of a type
 * T with W lanes. Each of log2(W) rounds exchanges, between vectors at a distance of D, the lanes that have the bit D the other
 * way: two shuffles of two vectors, which every instruction set has. */

#define SN_TURN2_1(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0, y.s0);                                                                       \
        b = (T)(x.s1, y.s1);                                                                       \
    }
#define SN_TURN4_2(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s01, y.s01);                                                                     \
        b = (T)(x.s23, y.s23);                                                                     \
    }
#define SN_TURN4_1(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0, y.s0, x.s2, y.s2);                                                           \
        b = (T)(x.s1, y.s1, x.s3, y.s3);                                                           \
    }
#define SN_TURN8_4(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0123, y.s0123);                                                                 \
        b = (T)(x.s4567, y.s4567);                                                                 \
    }
#define SN_TURN8_2(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s01, y.s01, x.s45, y.s45);                                                       \
        b = (T)(x.s23, y.s23, x.s67, y.s67);                                                       \
    }
#define SN_TURN8_1(T, a, b)                                                                        \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0, y.s0, x.s2, y.s2, x.s4, y.s4, x.s6, y.s6);                                   \
        b = (T)(x.s1, y.s1, x.s3, y.s3, x.s5, y.s5, x.s7, y.s7);                                   \
    }
#define SN_TURN16_8(T, a, b)                                                                       \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s01234567, y.s01234567);                                                         \
        b = (T)(x.s89abcdef, y.s89abcdef);                                                         \
    }
#define SN_TURN16_4(T, a, b)                                                                       \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0123, y.s0123, x.s89ab, y.s89ab);                                               \
        b = (T)(x.s4567, y.s4567, x.scdef, y.scdef);                                               \
    }
#define SN_TURN16_2(T, a, b)                                                                       \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s01, y.s01, x.s45, y.s45, x.s89, y.s89, x.scd, y.scd);                           \
        b = (T)(x.s23, y.s23, x.s67, y.s67, x.sab, y.sab, x.sef, y.sef);                           \
    }
#define SN_TURN16_1(T, a, b)                                                                       \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)(x.s0, y.s0, x.s2, y.s2, x.s4, y.s4, x.s6, y.s6,                                    \
                x.s8, y.s8, x.sa, y.sa, x.sc, y.sc, x.se, y.se);                                   \
        b = (T)(x.s1, y.s1, x.s3, y.s3, x.s5, y.s5, x.s7, y.s7,                                    \
                x.s9, y.s9, x.sb, y.sb, x.sd, y.sd, x.sf, y.sf);                                   \
    }

/* One round: every pair at the distance D among W vectors. The loops have constant bounds and are unrolled. */
#define SN_ROUND(T, r, W, D)                                                                       \
    _Pragma("unroll") for (int sn_i = 0; sn_i < W; ++sn_i) {                                       \
        if ((sn_i & D) == 0) SN_TURN##W##_##D(T, r[sn_i], r[sn_i + D])                             \
    }
#define SN_TRANSPOSE2(T, r) SN_ROUND(T, r, 2, 1)
#define SN_TRANSPOSE4(T, r) SN_ROUND(T, r, 4, 2) SN_ROUND(T, r, 4, 1)
#define SN_TRANSPOSE8(T, r) SN_ROUND(T, r, 8, 4) SN_ROUND(T, r, 8, 2) SN_ROUND(T, r, 8, 1)
#define SN_TRANSPOSE16(T, r)                                                                       \
    SN_ROUND(T, r, 16, 8) SN_ROUND(T, r, 16, 4) SN_ROUND(T, r, 16, 2) SN_ROUND(T, r, 16, 1)
