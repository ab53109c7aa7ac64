/* Attention by wgmma (sm_90a): one warp copies q, and block after block of k and v, by tensor maps; two warpgroups hold the
 * scores and sums of 64 rows each in registers. Scores of the next block are on their way while weights multiply v.
 *
 * Before this file stand (sni_wgmma_attention_print)
 *
 *     SN_WG_GROUPS                        warpgroups that multiply
 *     SN_ATT_KEYS, COLUMNS, DEPTH         of a block; DEPTH holds all of the depth
 *     SN_ATT_BLOCKS                       of k and v each that fit in local memory
 *     SN_ATT_F16                          1: f16, 0: bf16
 *     SN_ATT_START_QK, ISSUE_QK(scores, q, k), ISSUE_WV(sums, words, v)   one wgmma of 16 k; START clears
 *
 * Tiles are panels of 64 of depth (columns), lines of 128 bytes, swizzled by the copy. Stages of the ring hold k and v in turn. */
#ifndef SN_ATT_WGMMA_CL
#define SN_ATT_WGMMA_CL

#define SN_ATT_ROWS (64 * SN_WG_GROUPS)
#define SN_ATT_Q_BYTES (SN_ATT_ROWS * SN_ATT_DEPTH * 2)
#define SN_ATT_K_BYTES (SN_ATT_KEYS * SN_ATT_DEPTH * 2)
#define SN_ATT_V_BYTES (SN_ATT_KEYS * SN_ATT_COLUMNS * 2)
#define SN_ATT_SLOT_BYTES (SN_ATT_K_BYTES > SN_ATT_V_BYTES ? SN_ATT_K_BYTES : SN_ATT_V_BYTES)
#define SN_WG_STAGES (2 * SN_ATT_BLOCKS)
#define SN_WG_RING_BYTES (SN_ATT_Q_BYTES + SN_WG_STAGES * SN_ATT_SLOT_BYTES)
#define SN_ATT_PANEL (SN_ATT_KEYS * 128) /* bytes of k and v */

#include "gemm/wgmma_ring.cl"

#define SN_ATT_BEGIN                                                                                                   \
    SN_WG_LOCALS                                                                                                       \
    SN_WG_MAPS                                                                                                         \
    const ulong map_Q = maps, map_K = maps + 128, map_V = maps + 256;                                                  \
    const uint slots = ring + SN_ATT_Q_BYTES;                                                                          \
    uint stage = 0, phase = 0;                                                                                         \
    SN_WG_INIT(1)

/* ---- The warpgroup that copies ---- */

#define SN_ATT_FEW_REGISTERS asm volatile("//@setmaxnreg.dec.sync.aligned.u32 24;" ::: "memory");
#define SN_ATT_MANY_REGISTERS asm volatile("//@setmaxnreg.inc.sync.aligned.u32 240;" ::: "memory");

/* The block at key0; the first k has q with it. */
#define SN_ATT_COPY_BLOCK(is_first)                                                                                    \
    {                                                                                                                  \
        const uint to = slots + stage * SN_ATT_SLOT_BYTES, arrived = full + stage * 8;                                 \
        SN_WG_WAIT(empty + stage * 8, phase ^ 1)                                                                       \
        SN_WG_EXPECT(arrived, SN_ATT_K_BYTES + ((is_first) ? SN_ATT_Q_BYTES : 0))                                      \
        if (is_first) {                                                                                                \
            _Pragma("unroll") for (int p = 0; p < SN_ATT_DEPTH / 64; ++p)                                              \
                SN_WG_COPY(ring + p * (SN_ATT_ROWS * 128), map_Q, p * 64, (int)row0, arrived)                          \
        }                                                                                                              \
        _Pragma("unroll") for (int p = 0; p < SN_ATT_DEPTH / 64; ++p)                                                  \
            SN_WG_COPY(to + p * SN_ATT_PANEL, map_K, p * 64, (int)key0, arrived)                                       \
    }                                                                                                                  \
    SN_WG_NEXT_STAGE {                                                                                                 \
        const uint to = slots + stage * SN_ATT_SLOT_BYTES, arrived = full + stage * 8;                                 \
        SN_WG_WAIT(empty + stage * 8, phase ^ 1)                                                                       \
        SN_WG_EXPECT(arrived, SN_ATT_V_BYTES)                                                                          \
        _Pragma("unroll") for (int p = 0; p < SN_ATT_COLUMNS / 64; ++p)                                                \
            SN_WG_COPY(to + p * SN_ATT_PANEL, map_V, (int)col0 + p * 64, (int)key0, arrived)                           \
    }                                                                                                                  \
    SN_WG_NEXT_STAGE

/* ---- A lane's scores and sums: of rows 8 apart, pairs of neighbours every 8 keys (columns) ---- */

#define SN_ATT_EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); ++i)
#define SN_ATT_TM 2
#define SN_ATT_TN (SN_ATT_KEYS / 4)
#define SN_ATT_TC (SN_ATT_COLUMNS / 4)
#define SN_ATT_ROW(i) ((int)(group * 64 + (warp & 3) * 16 + (lane >> 2)) + (i)*8)
#define SN_ATT_KEY(j) (((j) >> 1) * 8 + (int)(lane & 3) * 2 + ((j)&1))
#define SN_ATT_COL(j) SN_ATT_KEY(j)
#define SN_ATT_SCORE_AT(i, j) scores[((j) >> 1) * 4 + (i)*2 + ((j)&1)]
#define SN_ATT_SUM_AT(i, j) sums[((j) >> 1) * 4 + (i)*2 + ((j)&1)]
/* v is still being multiplied when this is known. */
#define SN_ATT_SCALE_SUMS(i, scale) rescale[i] = scale;
#define SN_ATT_PUT_WEIGHT(i, j, weight) SN_ATT_SCORE_AT(i, j) = weight;
/* Results below 2^-126 are 0. */
static inline float sn_att_exp2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#define SN_ATT_LOG2E 1.4426950408889634f
#define SN_ATT_EXP(x) sn_att_exp2((x)*SN_ATT_LOG2E)
/* exp(x - y), and what is needed of y. */
#define SN_ATT_FROM(y) ((y) * -SN_ATT_LOG2E)
#define SN_ATT_EXP_FROM(x, from) sn_att_exp2(fma(x, SN_ATT_LOG2E, from))
/* Beside a row's sums in a slab stand its total and its maximum. */
#define SN_ATT_PUT_ROWS(slab)                                                                                          \
    if ((lane & 3) == 0) {                                                                                             \
        SN_ATT_EACH(i, 2) {                                                                                            \
            (slab)[((lane >> 2) + i * 8) * SN_WG_PITCH + SN_WG_PART] = total[i];                                       \
            (slab)[((lane >> 2) + i * 8) * SN_WG_PITCH + SN_WG_PART + 1] = best[i];                                    \
        }                                                                                                              \
    }
#define SN_ATT_ITEMS (SN_WG_GROUPS * 128)
#define SN_ATT_LANES 4
#define SN_ATT_SHUFFLED 4
#include "attention/lanes.cl"

static inline uint sn_att_pair(float low, float high) {
    uint pair;
#if SN_ATT_F16
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#endif
    return pair;
}
/* A fragment's words are the pairs of two neighbouring groups of 8 keys. */
#define SN_ATT_PACK                                                                                                    \
    SN_ATT_EACH(step, SN_ATT_KEYS / 16)                                                                                \
    SN_ATT_EACH(w, 4) weights[step][w] = sn_att_pair(scores[step * 8 + w * 2], scores[step * 8 + w * 2 + 1]);
#define SN_ATT_RESCALE SN_ATT_EACH(j, SN_ATT_TC) SN_ATT_EACH(i, 2) SN_ATT_SUM_AT(i, j) *= rescale[i];

/* ---- Products ---- */

#define SN_ATT_ALONG_K ((64ul << 32) | (1ul << 16) | (1ul << 62))
#define SN_ATT_ALONG_COLUMNS ((64ul << 32) | ((ulong)(SN_ATT_PANEL / 16) << 16) | (1ul << 62))
#define SN_ATT_FENCE asm volatile("//@wgmma.fence.sync.aligned;" ::: "memory");
#define SN_ATT_COMMIT asm volatile("//@wgmma.commit_group.sync.aligned;" ::: "memory");
/* Nothing of array is read or written before the wait. */
#define SN_ATT_DONE(most, array, count)                                                                                \
    asm volatile("//@wgmma.wait_group.sync.aligned %0;" ::"n"(most) : "memory");                                       \
    SN_ATT_EACH(x, count) asm volatile("" : "+f"(array[x]));
#define SN_ATT_GIVE_BACK(slot)                                                                                         \
    if (lane == 0) SN_WG_ARRIVE(empty + (slot)*8)
#define SN_ATT_QK_AT(step)                                                                                             \
    const ulong q =                                                                                                    \
        SN_ATT_ALONG_K | ((ring + group * 8192 + (step) / 4 * (SN_ATT_ROWS * 128) + ((step)&3) * 32) >> 4);            \
    const ulong k =                                                                                                    \
        SN_ATT_ALONG_K | ((slots + stage * SN_ATT_SLOT_BYTES + (step) / 4 * SN_ATT_PANEL + ((step)&3) * 32) >> 4);
#define SN_ATT_MULTIPLY_QK                                                                                             \
    SN_WG_WAIT(full + stage * 8, phase)                                                                                \
    SN_ATT_FENCE {                                                                                                     \
        SN_ATT_QK_AT(0)                                                                                                \
        SN_ATT_START_QK(scores, q, k);                                                                                 \
    }                                                                                                                  \
    _Pragma("unroll") for (int step = 1; step < SN_ATT_DEPTH / 16; ++step) {                                           \
        SN_ATT_QK_AT(step)                                                                                             \
        SN_ATT_ISSUE_QK(scores, q, k);                                                                                 \
    }                                                                                                                  \
    SN_ATT_COMMIT
#define SN_ATT_MULTIPLY_WV(slot, slot_phase)                                                                           \
    SN_WG_WAIT(full + (slot)*8, slot_phase)                                                                            \
    SN_ATT_FENCE                                                                                                       \
    SN_ATT_EACH(step, SN_ATT_KEYS / 16) {                                                                              \
        const ulong v = SN_ATT_ALONG_COLUMNS | ((slots + (slot)*SN_ATT_SLOT_BYTES + step * 2048) >> 4);                \
        SN_ATT_ISSUE_WV(sums, weights[step], v);                                                                       \
    }                                                                                                                  \
    SN_ATT_COMMIT

#endif
