/* The inner part of a contraction on a CPU: a tile of rows times one packed panel of B.
 *
 * One work-item is one work-group. The generated kernel packs a block of B into local memory as panels of
 * SN_GEMM_NV vectors, [panel][k][SN_GEMM_NR], and calls sn_gemm_tile for every tile of rows; sums live in registers
 * during a block of k and in a local scratch between blocks. The order of the sums depends on k alone.
 *
 * The generated source defines the macros below from what the device reports; with the defaults the file compiles
 * alone. */
#ifndef SN_GEMM_REAL
#define SN_GEMM_REAL float /* what sums are kept in; double has its own kernels */
#endif
#ifndef SN_GEMM_W
#define SN_GEMM_W 8 /* lanes of a vector: 2, 4, 8 or 16 */
#endif
#ifndef SN_GEMM_LDC
#define SN_GEMM_LDC 256 /* columns of the scratch, also the most columns of a block */
#endif
#ifndef SN_GEMM_KC
#define SN_GEMM_KC 256 /* of k in a block */
#endif
#ifndef SN_GEMM_MR
#define SN_GEMM_MR 6 /* rows of a tile: 6 x 2 sums, 2 of B and 1 of A fit sixteen vector registers */
#endif
#define SN_GEMM_NR (2 * SN_GEMM_W) /* columns of a panel */

/* Element (k, j) of the packed block of B. */
#define SN_GEMM_B_AT(block, k, j)                                                                                      \
    ((block) + ((j) / SN_GEMM_NR) * (SN_GEMM_KC * SN_GEMM_NR) + (k) * SN_GEMM_NR + ((j) & (SN_GEMM_NR - 1)))

#define SN_GEMM_CAT_(a, b) a##b
#define SN_GEMM_CAT(a, b) SN_GEMM_CAT_(a, b)
#define SN_GEMM_V SN_GEMM_CAT(SN_GEMM_REAL, SN_GEMM_W)
#define SN_GEMM_VLOAD SN_GEMM_CAT(vload, SN_GEMM_W)
#define SN_GEMM_VSTORE SN_GEMM_CAT(vstore, SN_GEMM_W)

#define SN_GEMM_ROWS_1(DO) DO(0)
#define SN_GEMM_ROWS_2(DO) SN_GEMM_ROWS_1(DO) DO(1)
#define SN_GEMM_ROWS_4(DO) SN_GEMM_ROWS_2(DO) DO(2) DO(3)
#define SN_GEMM_ROWS_6(DO) SN_GEMM_ROWS_4(DO) DO(4) DO(5)
#define SN_GEMM_ROWS_8(DO) SN_GEMM_ROWS_6(DO) DO(6) DO(7)
#define SN_GEMM_ROWS_12(DO) SN_GEMM_ROWS_8(DO) DO(8) DO(9) DO(10) DO(11)

#define SN_GEMM_OPEN(i)                                                                                                \
    SN_GEMM_V u##i = (SN_GEMM_V)(0), v##i = (SN_GEMM_V)(0);                                                            \
    if (!first) {                                                                                                      \
        u##i = SN_GEMM_VLOAD(0, c + i * SN_GEMM_LDC);                                                                  \
        v##i = SN_GEMM_VLOAD(1, c + i * SN_GEMM_LDC);                                                                  \
    }
#define SN_GEMM_ROW(i) SN_GEMM_A_PTR a##i = a[i];
#define SN_GEMM_STEP(i)                                                                                                \
    x = (SN_GEMM_V)(a##i[k]);                                                                                          \
    u##i = fma(x, b0, u##i);                                                                                           \
    v##i = fma(x, b1, v##i);
#define SN_GEMM_CLOSE(i)                                                                                               \
    SN_GEMM_VSTORE(u##i, 0, c + i * SN_GEMM_LDC);                                                                      \
    SN_GEMM_VSTORE(v##i, 1, c + i * SN_GEMM_LDC);

/* B is a block that the work-group packed, or a constant that was packed when the plan was made. */
#ifdef SN_GEMM_B_PREPACKED
#define SN_GEMM_B_PTR __global const SN_GEMM_REAL *
#else
#define SN_GEMM_B_PTR __local const SN_GEMM_REAL *
#endif

/* a: pointers to the rows of A at the first k of the block; c: where the tile's sums lie in the scratch. */
#define SN_GEMM_TILE(NAME, ROWS)                                                                                       \
    static inline void NAME(SN_GEMM_A_PTR const *a, SN_GEMM_B_PTR b, __local SN_GEMM_REAL *c, int kc,                  \
                            int first) {                                                                               \
        ROWS(SN_GEMM_ROW)                                                                                              \
        ROWS(SN_GEMM_OPEN)                                                                                             \
        _Pragma("nounroll") for (int k = 0; k < kc; k++) {                                                             \
            const SN_GEMM_V b0 = SN_GEMM_VLOAD(0, b), b1 = SN_GEMM_VLOAD(1, b);                                        \
            SN_GEMM_V x;                                                                                               \
            ROWS(SN_GEMM_STEP)                                                                                         \
            b += SN_GEMM_NR;                                                                                           \
        }                                                                                                              \
        ROWS(SN_GEMM_CLOSE)                                                                                            \
    }

/* A is read where it lies when its rows are contiguous, else from a packed copy. */
#ifdef SN_GEMM_A_PACKED
#define SN_GEMM_A_PTR __local const SN_GEMM_REAL *
#else
#define SN_GEMM_A_PTR __global const SN_GEMM_REAL *
#endif
SN_GEMM_TILE(sn_gemm_tile_1, SN_GEMM_ROWS_1)
SN_GEMM_TILE(sn_gemm_tile_2, SN_GEMM_ROWS_2)
SN_GEMM_TILE(sn_gemm_tile_most, SN_GEMM_CAT(SN_GEMM_ROWS_, SN_GEMM_MR))

/* How many of the rows that are left the next tile takes. More kinds of tiles would cost more time to compile than they
 * save. */
static inline int sn_gemm_rows(int left) { return left >= SN_GEMM_MR ? SN_GEMM_MR : left >= 2 ? 2 : 1; }

static inline void sn_gemm_tile(int rows, SN_GEMM_A_PTR const *a, SN_GEMM_B_PTR b,
                                __local SN_GEMM_REAL *c, int kc, int first) {
    if (rows == SN_GEMM_MR) sn_gemm_tile_most(a, b, c, kc, first);
    else if (rows == 2) sn_gemm_tile_2(a, b, c, kc, first);
    else sn_gemm_tile_1(a, b, c, kc, first);
}

/* The lower and the upper halves of two vectors, lane by lane in turn. Written out: assignments to .even and .odd leave
 * undefined lanes between them, which Oclgrind trips over. */
#define SN_GEMM_LOW_2 a.s0, b.s0
#define SN_GEMM_HIGH_2 a.s1, b.s1
#define SN_GEMM_LOW_4 SN_GEMM_LOW_2, SN_GEMM_HIGH_2
#define SN_GEMM_HIGH_4 a.s2, b.s2, a.s3, b.s3
#define SN_GEMM_LOW_8 SN_GEMM_LOW_4, SN_GEMM_HIGH_4
#define SN_GEMM_HIGH_8 a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7
#define SN_GEMM_LOW_16 SN_GEMM_LOW_8, SN_GEMM_HIGH_8
#define SN_GEMM_HIGH_16 a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf

/* One of log2(W) perfect shuffles; after all of them the rows of a W x W block are its columns. Loops stay loops here:
 * the block fits in the first cache, and unrolled code takes compilers longer than it saves. */
static inline void sn_gemm_shuffle(const SN_GEMM_V *from, SN_GEMM_V *to) {
    _Pragma("nounroll") for (int i = 0; i < SN_GEMM_W / 2; i++) {
        const SN_GEMM_V a = from[i], b = from[i + SN_GEMM_W / 2];
        to[2 * i] = (SN_GEMM_V)(SN_GEMM_CAT(SN_GEMM_LOW_, SN_GEMM_W));
        to[2 * i + 1] = (SN_GEMM_V)(SN_GEMM_CAT(SN_GEMM_HIGH_, SN_GEMM_W));
    }
}

/* Writes lane j of rows[i] to to[j * stride + i]. */
static inline void sn_gemm_transpose(SN_GEMM_V *rows, __local SN_GEMM_REAL *to, int stride) {
    SN_GEMM_V other[SN_GEMM_W];
    SN_GEMM_V *from = rows, *next = other;
    _Pragma("nounroll") for (int done = 1; done < SN_GEMM_W; done *= 2) {
        sn_gemm_shuffle(from, next);
        SN_GEMM_V *t = from;
        from = next;
        next = t;
    }
    _Pragma("nounroll") for (int i = 0; i < SN_GEMM_W; i++) SN_GEMM_VSTORE(from[i], 0, to + i * stride);
}
