/* Squares of numbers in registers, turned over their diagonal: SN_TRANSPOSE<W>(T, r) for W vectors r[0] ... r[W - 1] of a type
 * T with W lanes. Each of log2(W) rounds exchanges, between vectors at a distance of D, the lanes that have the bit D the other
 * way: two shuffles of two vectors, which every instruction set has. Lanes are named one by one: vectors made of parts of vectors
 * become shuffles with undefined lanes, on which Oclgrind 21.10 crashes. */

/* a and b become what low and high take of both, in parentheses; there they are x and y. */
#define SN_TURN(T, a, b, low, high)                                                                \
    {                                                                                              \
        const T x = a, y = b;                                                                      \
        a = (T)low;                                                                                \
        b = (T)high;                                                                               \
    }
#define SN_TURN2_1(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, y.s0),                                                                          \
            (x.s1, y.s1))
#define SN_TURN4_2(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, y.s0, y.s1),                                                              \
            (x.s2, x.s3, y.s2, y.s3))
#define SN_TURN4_1(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, y.s0, x.s2, y.s2),                                                              \
            (x.s1, y.s1, x.s3, y.s3))
#define SN_TURN8_4(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, x.s2, x.s3, y.s0, y.s1, y.s2, y.s3),                                      \
            (x.s4, x.s5, x.s6, x.s7, y.s4, y.s5, y.s6, y.s7))
#define SN_TURN8_2(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, y.s0, y.s1, x.s4, x.s5, y.s4, y.s5),                                      \
            (x.s2, x.s3, y.s2, y.s3, x.s6, x.s7, y.s6, y.s7))
#define SN_TURN8_1(T, a, b)                                                                        \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, y.s0, x.s2, y.s2, x.s4, y.s4, x.s6, y.s6),                                      \
            (x.s1, y.s1, x.s3, y.s3, x.s5, y.s5, x.s7, y.s7))
#define SN_TURN16_8(T, a, b)                                                                       \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, x.s2, x.s3, x.s4, x.s5, x.s6, x.s7,                                       \
             y.s0, y.s1, y.s2, y.s3, y.s4, y.s5, y.s6, y.s7),                                      \
            (x.s8, x.s9, x.sa, x.sb, x.sc, x.sd, x.se, x.sf,                                       \
             y.s8, y.s9, y.sa, y.sb, y.sc, y.sd, y.se, y.sf))
#define SN_TURN16_4(T, a, b)                                                                       \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, x.s2, x.s3, y.s0, y.s1, y.s2, y.s3,                                       \
             x.s8, x.s9, x.sa, x.sb, y.s8, y.s9, y.sa, y.sb),                                      \
            (x.s4, x.s5, x.s6, x.s7, y.s4, y.s5, y.s6, y.s7,                                       \
             x.sc, x.sd, x.se, x.sf, y.sc, y.sd, y.se, y.sf))
#define SN_TURN16_2(T, a, b)                                                                       \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, x.s1, y.s0, y.s1, x.s4, x.s5, y.s4, y.s5,                                       \
             x.s8, x.s9, y.s8, y.s9, x.sc, x.sd, y.sc, y.sd),                                      \
            (x.s2, x.s3, y.s2, y.s3, x.s6, x.s7, y.s6, y.s7,                                       \
             x.sa, x.sb, y.sa, y.sb, x.se, x.sf, y.se, y.sf))
#define SN_TURN16_1(T, a, b)                                                                       \
    SN_TURN(T, a, b,                                                                               \
            (x.s0, y.s0, x.s2, y.s2, x.s4, y.s4, x.s6, y.s6,                                       \
             x.s8, y.s8, x.sa, y.sa, x.sc, y.sc, x.se, y.se),                                      \
            (x.s1, y.s1, x.s3, y.s3, x.s5, y.s5, x.s7, y.s7,                                       \
             x.s9, y.s9, x.sb, y.sb, x.sd, y.sd, x.sf, y.sf))

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
