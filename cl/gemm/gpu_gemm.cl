/* The inner part of a contraction on a GPU: tiles of A and B in local memory, a block of sums in each work-item.
 *
 * A work-group computes SN_GEMM_BM x SN_GEMM_BN sums, a work-item SN_GEMM_TM x SN_GEMM_TN of them. Tiles are stored
 * [k][outer] and doubled: while one is multiplied, the next one travels from global memory through registers
 * into the other. The generated kernel prints the loads (the prologues run there) and the epilogue; what depends on the
 * tile alone is here. The order of the sums depends on k alone.
 *
 * The generated source defines the macros below; with the defaults the file compiles alone. */
#ifndef SN_GEMM_REAL
#define SN_GEMM_REAL float /* what sums are kept in; double has its own kernels */
#endif
#ifndef SN_GEMM_BM
#define SN_GEMM_BM 128 /* rows of a work-group's tile */
#define SN_GEMM_BN 128 /* its columns */
#define SN_GEMM_BK 16  /* of k in a tile */
#define SN_GEMM_TM 8   /* rows of a work-item: 2, or a multiple of 4 */
#define SN_GEMM_TN 8   /* its columns: a multiple of 4 */
#endif
#ifndef SN_GEMM_A_LANES
#define SN_GEMM_A_LANES 1   /* elements of A in one load: 1 or 4 */
#define SN_GEMM_A_ALONG_K 1 /* neighbouring loads (and the lanes of one) lie along k, or along the rows */
#endif
#ifndef SN_GEMM_B_LANES
#define SN_GEMM_B_LANES 1
#define SN_GEMM_B_ALONG_K 0
#endif

#define SN_GEMM_CAT_(a, b) a##b
#define SN_GEMM_CAT(a, b) SN_GEMM_CAT_(a, b)
#define SN_GEMM_V2 SN_GEMM_CAT(SN_GEMM_REAL, 2)
#define SN_GEMM_V4 SN_GEMM_CAT(SN_GEMM_REAL, 4)

#define SN_GEMM_ITEMS ((SN_GEMM_BM / SN_GEMM_TM) * (SN_GEMM_BN / SN_GEMM_TN))
/* Rows of a tile in local memory keep the alignment of four elements and spread over the banks. */
#define SN_GEMM_LDA (SN_GEMM_BM + 4)
#define SN_GEMM_LDB (SN_GEMM_BN + 4)
#define SN_GEMM_A_TILE (SN_GEMM_BK * SN_GEMM_LDA)
#define SN_GEMM_B_TILE (SN_GEMM_BK * SN_GEMM_LDB)

/* A work-item's rows and columns in the tile, in runs of SN_GEMM_RUN and 4. */
#define SN_GEMM_RUN (SN_GEMM_TM < 4 ? SN_GEMM_TM : 4)
#define SN_GEMM_ROW(i)                                                                                                 \
    ((i) / SN_GEMM_RUN * (SN_GEMM_BM / SN_GEMM_TM * SN_GEMM_RUN) + item_row * SN_GEMM_RUN + (i) % SN_GEMM_RUN)
#define SN_GEMM_COL(j) ((j) / 4 * (SN_GEMM_BN / SN_GEMM_TN * 4) + item_col * 4 + (j) % 4)

/* Loads of a tile: number x of all, and where in the tile it goes. Sizes of tiles are powers of two. */
#define SN_GEMM_A_COUNT (SN_GEMM_BM * SN_GEMM_BK / SN_GEMM_A_LANES)
#define SN_GEMM_B_COUNT (SN_GEMM_BN * SN_GEMM_BK / SN_GEMM_B_LANES)
#define SN_GEMM_A_LOADS ((SN_GEMM_A_COUNT + SN_GEMM_ITEMS - 1) / SN_GEMM_ITEMS)
#define SN_GEMM_B_LOADS ((SN_GEMM_B_COUNT + SN_GEMM_ITEMS - 1) / SN_GEMM_ITEMS)
#if SN_GEMM_A_ALONG_K
#define SN_GEMM_A_AT(x) ((x) / (SN_GEMM_BK / SN_GEMM_A_LANES))
#define SN_GEMM_A_K(x) (((x) & (SN_GEMM_BK / SN_GEMM_A_LANES - 1)) * SN_GEMM_A_LANES)
#else
#define SN_GEMM_A_AT(x) (((x) & (SN_GEMM_BM / SN_GEMM_A_LANES - 1)) * SN_GEMM_A_LANES)
#define SN_GEMM_A_K(x) ((x) / (SN_GEMM_BM / SN_GEMM_A_LANES))
#endif
#if SN_GEMM_B_ALONG_K
#define SN_GEMM_B_AT(x) ((x) / (SN_GEMM_BK / SN_GEMM_B_LANES))
#define SN_GEMM_B_K(x) (((x) & (SN_GEMM_BK / SN_GEMM_B_LANES - 1)) * SN_GEMM_B_LANES)
#else
#define SN_GEMM_B_AT(x) (((x) & (SN_GEMM_BN / SN_GEMM_B_LANES - 1)) * SN_GEMM_B_LANES)
#define SN_GEMM_B_K(x) ((x) / (SN_GEMM_BN / SN_GEMM_B_LANES))
#endif

/* Is there a load number x? Work-items of the last round may have none. */
#if SN_GEMM_BM * SN_GEMM_BK / SN_GEMM_A_LANES % SN_GEMM_ITEMS == 0
#define SN_GEMM_A_HAS(x) 1
#else
#define SN_GEMM_A_HAS(x) ((x) < SN_GEMM_A_COUNT)
#endif
#if SN_GEMM_BN * SN_GEMM_BK / SN_GEMM_B_LANES % SN_GEMM_ITEMS == 0
#define SN_GEMM_B_HAS(x) 1
#else
#define SN_GEMM_B_HAS(x) ((x) < SN_GEMM_B_COUNT)
#endif

/* One load's elements from registers into the tile, whose rows are ld elements. */
#define SN_GEMM_PUT_1(tile, ld, k, at, v, along_k) (tile)[(k) * (ld) + (at)] = (v);
#define SN_GEMM_PUT_4(tile, ld, k, at, v, along_k)                                                                     \
    if (along_k) {                                                                                                     \
        (tile)[(k) * (ld) + (at)] = (v).x;                                                                             \
        (tile)[((k) + 1) * (ld) + (at)] = (v).y;                                                                       \
        (tile)[((k) + 2) * (ld) + (at)] = (v).z;                                                                       \
        (tile)[((k) + 3) * (ld) + (at)] = (v).w;                                                                       \
    } else {                                                                                                           \
        *(__local SN_GEMM_V4 *)((tile) + (k) * (ld) + (at)) = (v);                                                     \
    }
#define SN_GEMM_PUT(X, tile, ld, registers)                                                                            \
    _Pragma("unroll") for (int i = 0; i < SN_GEMM_##X##_LOADS; ++i) {                                                  \
        const int x = item + i * SN_GEMM_ITEMS;                                                                        \
        if (SN_GEMM_##X##_HAS(x)) {                                                                                    \
            SN_GEMM_CAT(SN_GEMM_PUT_, SN_GEMM_##X##_LANES)                                                             \
            (tile, ld, SN_GEMM_##X##_K(x), SN_GEMM_##X##_AT(x), registers[i], SN_GEMM_##X##_ALONG_K)                   \
        }                                                                                                              \
    }

/* Adds the product of two tiles to the sums. A macro, so that the arrays stay in registers everywhere. */
#if SN_GEMM_TM < 4
#define SN_GEMM_READ_A(from)                                                                                           \
    {                                                                                                                  \
        const SN_GEMM_V2 t = *(__local const SN_GEMM_V2 *)((from) + SN_GEMM_ROW(0));                                   \
        av[0] = t.x;                                                                                                   \
        av[1] = t.y;                                                                                                   \
    }
#else
#define SN_GEMM_READ_A(from)                                                                                           \
    _Pragma("unroll") for (int i = 0; i < SN_GEMM_TM; i += 4) {                                                        \
        const SN_GEMM_V4 t = *(__local const SN_GEMM_V4 *)((from) + SN_GEMM_ROW(i));                                   \
        av[i] = t.x;                                                                                                   \
        av[i + 1] = t.y;                                                                                               \
        av[i + 2] = t.z;                                                                                               \
        av[i + 3] = t.w;                                                                                               \
    }
#endif
#define SN_GEMM_MULTIPLY(a_tile, b_tile)                                                                               \
    _Pragma("unroll") for (int k = 0; k < SN_GEMM_BK; ++k) {                                                           \
        SN_GEMM_REAL av[SN_GEMM_TM];                                                                                   \
        SN_GEMM_V4 bv[SN_GEMM_TN / 4];                                                                                 \
        SN_GEMM_READ_A((a_tile) + k * SN_GEMM_LDA)                                                                     \
        _Pragma("unroll") for (int j = 0; j < SN_GEMM_TN / 4; ++j) {                                                   \
            bv[j] = *(__local const SN_GEMM_V4 *)((b_tile) + k * SN_GEMM_LDB + SN_GEMM_COL(4 * j));                    \
        }                                                                                                              \
        _Pragma("unroll") for (int i = 0; i < SN_GEMM_TM; ++i) {                                                       \
            _Pragma("unroll") for (int j = 0; j < SN_GEMM_TN / 4; ++j) {                                               \
                sums[i][j] = fma((SN_GEMM_V4)(av[i]), bv[j], sums[i][j]);                                              \
            }                                                                                                          \
        }                                                                                                              \
    }
