/* The inner parts of attention on a GPU: a work-group holds the scores of SN_ATT_ROWS rows and SN_ATT_KEYS keys in the
 * registers of its work-items, and their sums of SN_ATT_COLUMNS columns.
 *
 * SN_ATT_LANES work-items share a row. Tiles in local memory lie as their products read them, four elements at a time: q
 * and k along the depth, the weights along the keys, v along its columns. Rows and keys of a work-item are strided, so that
 * those that are read together lie in different banks. Where a row has more work-items than columns / 4, they share the
 * keys of the second product as SN_ATT_PARTS parts, which are added at the end.
 *
 * The generated source defines the macros below; with the defaults the file compiles alone. */
#ifndef SN_ATT_ROWS
#define SN_ATT_ROWS 64    /* rows of a work-group */
#define SN_ATT_KEYS 64    /* keys of a block */
#define SN_ATT_COLUMNS 64 /* columns of the result that a work-group computes */
#define SN_ATT_ITEMS 128  /* work-items */
#define SN_ATT_LANES 16   /* work-items of a row */
#define SN_ATT_STEP 32    /* depth of k's tile */
#define SN_ATT_HELD 64    /* depth of q's tile */
#define SN_ATT_V_STEP 32  /* keys of v's tile */
#define SN_ATT_SHUFFLED 1 /* lanes that combine by shuffles (NVIDIA); 1: none */
#define SN_ATT_UNROLL _Pragma("unroll 2") /* before the loops over steps of four in a product */
#endif

#define SN_ATT_ITEM_ROWS (SN_ATT_ITEMS / SN_ATT_LANES)
#define SN_ATT_TM (SN_ATT_ROWS / SN_ATT_ITEM_ROWS)
#define SN_ATT_TN (SN_ATT_KEYS / SN_ATT_LANES)
#define SN_ATT_COL_LANES (SN_ATT_LANES * 4 < SN_ATT_COLUMNS ? SN_ATT_LANES : SN_ATT_COLUMNS / 4)
#define SN_ATT_PARTS (SN_ATT_LANES / SN_ATT_COL_LANES)
#define SN_ATT_TC (SN_ATT_COLUMNS / SN_ATT_COL_LANES / 4) /* vectors of columns of a work-item */

/* Lines keep the alignment of four elements and begin in different banks. */
#define SN_ATT_LDQ (SN_ATT_HELD + 4)
#define SN_ATT_LDK (SN_ATT_STEP + 4)
#define SN_ATT_LDV (SN_ATT_COLUMNS + 4)
#define SN_ATT_LDW (SN_ATT_KEYS + 4)
#define SN_ATT_KV_TILE                                                                                                 \
    (SN_ATT_KEYS * SN_ATT_LDK > SN_ATT_V_STEP * SN_ATT_LDV ? SN_ATT_KEYS * SN_ATT_LDK : SN_ATT_V_STEP * SN_ATT_LDV)
#define SN_ATT_W_TILE                                                                                                  \
    (SN_ATT_PARTS > 1 && SN_ATT_COLUMNS > SN_ATT_LDW ? SN_ATT_ROWS * SN_ATT_COLUMNS : SN_ATT_ROWS * SN_ATT_LDW)

/* A work-item's rows, keys and first columns in the block. */
#define SN_ATT_ROW(i) (item_row + (i) * SN_ATT_ITEM_ROWS)
#define SN_ATT_KEY(j) (item_lane + (j) * SN_ATT_LANES)
#define SN_ATT_COL(j) (((j) * SN_ATT_COL_LANES + item_col) * 4)
#define SN_ATT_EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); ++i)
#define SN_ATT_FOUR(p) (*(__local const float4 *)(p))

#define SN_ATT_SCORE_AT(i, j) scores[i][j]
#define SN_ATT_SCALE_SUMS(i, scale) SN_ATT_EACH(j, SN_ATT_TC) sums[i][j] *= scale;
#define SN_ATT_PUT_WEIGHT(i, j, weight) weights[SN_ATT_ROW(i) * SN_ATT_LDW + SN_ATT_KEY(j)] = weight;

#define SN_ATT_ITEM                                                                                                    \
    const int item = (int)get_local_id(0), item_row = item / SN_ATT_LANES, item_lane = item % SN_ATT_LANES;            \
    const int item_col = item_lane % SN_ATT_COL_LANES, item_part = item_lane / SN_ATT_COL_LANES;

/* scores += q k of one step of the depth; q points to the step in q's tile. */
#define SN_ATT_SCORE(c) SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TN) scores[i][j] = fma(qv[i].c, kv[j].c, scores[i][j]);
#define SN_ATT_MULTIPLY_QK(q, k)                                                                                       \
    SN_ATT_UNROLL for (int d = 0; d < SN_ATT_STEP; d += 4) {                                                           \
        float4 qv[SN_ATT_TM], kv[SN_ATT_TN];                                                                           \
        SN_ATT_EACH(i, SN_ATT_TM) qv[i] = SN_ATT_FOUR((q) + SN_ATT_ROW(i) * SN_ATT_LDQ + d);                           \
        SN_ATT_EACH(j, SN_ATT_TN) kv[j] = SN_ATT_FOUR((k) + SN_ATT_KEY(j) * SN_ATT_LDK + d);                           \
        SN_ATT_SCORE(x) SN_ATT_SCORE(y) SN_ATT_SCORE(z) SN_ATT_SCORE(w)                                                \
    }

/* sums += weights v of SN_ATT_V_STEP keys; weights_at points to the first of them in the weights' tile. */
#define SN_ATT_SUM(v, c, e)                                                                                            \
    {                                                                                                                  \
        float4 vv[SN_ATT_TC];                                                                                          \
        SN_ATT_EACH(j, SN_ATT_TC) vv[j] = SN_ATT_FOUR((v) + (key + e) * SN_ATT_LDV + SN_ATT_COL(j));                   \
        SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TC) sums[i][j] = fma((float4)(wv[i].c), vv[j], sums[i][j]);    \
    }
#define SN_ATT_MULTIPLY_WV(weights_at, v_at)                                                                           \
    SN_ATT_UNROLL for (int n = 0; n < SN_ATT_V_STEP / 4 / SN_ATT_PARTS; ++n) {                                     \
        const int key = (n * SN_ATT_PARTS + item_part) * 4;                                                            \
        float4 wv[SN_ATT_TM];                                                                                          \
        SN_ATT_EACH(i, SN_ATT_TM) wv[i] = SN_ATT_FOUR((weights_at) + SN_ATT_ROW(i) * SN_ATT_LDW + key);                \
        SN_ATT_SUM(v_at, x, 0) SN_ATT_SUM(v_at, y, 1) SN_ATT_SUM(v_at, z, 2) SN_ATT_SUM(v_at, w, 3)                    \
    }

#include "attention/lanes.cl"

/* The parts' sums, added to those of part 0; through memory that no product reads any more. */
#if SN_ATT_PARTS > 1
#define SN_ATT_ADD_PARTS(scratch)                                                                                      \
    for (int part = 1; part < SN_ATT_PARTS; ++part) {                                                                  \
        if (item_part == part) {                                                                                       \
            SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TC)                                                        \
            *(__local float4 *)((scratch) + SN_ATT_ROW(i) * SN_ATT_COLUMNS + SN_ATT_COL(j)) = sums[i][j];              \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        if (item_part == 0) {                                                                                          \
            SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TC)                                                        \
            sums[i][j] += SN_ATT_FOUR((scratch) + SN_ATT_ROW(i) * SN_ATT_COLUMNS + SN_ATT_COL(j));                     \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
    }
#else
#define SN_ATT_ADD_PARTS(scratch)
#endif
