/* The inner parts of attention by matrix instructions: a wave (warp) holds the scores of an instruction's rows and
 * SN_ATT_KEYS keys in its registers, and their sums of SN_ATT_COLUMNS columns.
 *
 * Tiles are made of lines as in gemm/gpu_mma.cl, whose fragments and lines this uses: its tile is the one of the product
 * at hand, so what is a number there is a variable here. q's fragments stay in registers. Weights become fragments where
 * the instruction's rows of sums lie as its rows of A do (SN_ATT_DIRECT); else they go through a tile of their own.
 *
 * Before this file stand the instruction's row and file (gemm/instructions.inc), and
 *
 *     SN_ATT_ROWS, KEYS, COLUMNS, DEPTH     of a work-group's block; DEPTH holds all of the depth
 *     SN_ATT_TEAMS                          waves that share the keys of the same rows; 1 where those are of several waves
 *     SN_ATT_LANES                          neighbouring lanes that hold the same rows of sums
 *     SN_ATT_SAME                           neighbouring sums of a lane that are of one row
 *     SN_ATT_SHUFFLED                       lanes that combine by shuffles: SN_ATT_LANES, or 1
 *     SN_MMA_{Q,K,V}_ALONG_K                do neighbouring elements of memory lie along the product's k? */
#define SN_MMA_BM SN_ATT_ROWS
#define SN_MMA_BN b_outer
#define SN_MMA_BK tile_k
#define SN_MMA_WM SN_MMA_M
#define SN_MMA_WN (2 * SN_MMA_N)
#define SN_MMA_STAGES 1
#define SN_MMA_A_ALONG_K 1
#define SN_MMA_B_ALONG_K b_lines_k
#include "gemm/gpu_mma.cl"
#undef SN_MMA_ITEMS
#define SN_MMA_ITEMS (SN_ATT_ROWS / SN_MMA_M * SN_MMA_LANES)
#define SN_ATT_ITEMS SN_MMA_ITEMS

/* ---- Tiles in memory ---- */

#define SN_MMA_Q_LINES_K 1
#define SN_MMA_K_LINES_K (SN_MMA_K_ALONG_K || !SN_MMA_TRANSPOSES)
#define SN_MMA_V_LINES_K (SN_MMA_V_ALONG_K || !SN_MMA_TRANSPOSES)
#define SN_ATT_Q_TILE (SN_ATT_ROWS * SN_ATT_DEPTH)
#define SN_ATT_K_TILE (SN_ATT_KEYS * SN_ATT_DEPTH)
#define SN_ATT_V_TILE (SN_ATT_KEYS * SN_ATT_COLUMNS)
#define SN_ATT_W_TILE (SN_ATT_DIRECT ? 0 : SN_ATT_ROWS * SN_ATT_KEYS)
#define SN_ATT_QK_TILE (SN_ATT_Q_TILE > SN_ATT_K_TILE ? SN_ATT_Q_TILE : SN_ATT_K_TILE) /* q's comes first */
#define SN_ATT_MEMORY ((SN_ATT_QK_TILE + SN_ATT_V_TILE + SN_ATT_W_TILE) / SN_MMA_V)

#define SN_MMA_Q_AT(line, chunk) SN_MMA_AT(line, chunk, SN_ATT_DEPTH)
#define SN_MMA_K_AT(line, chunk) SN_MMA_AT(line, chunk, SN_MMA_K_LINES_K ? SN_ATT_DEPTH : SN_ATT_KEYS)
#define SN_MMA_V_AT(line, chunk) SN_MMA_AT(line, chunk, SN_MMA_V_LINES_K ? SN_ATT_KEYS : SN_ATT_COLUMNS)

/* Chunk number x of a tile of so many outer indices and k: its first outer index and k, as memory has it. */
#define SN_ATT_OUTER_OF(x, along_k, outer, k) ((along_k) ? (x) / ((k) / SN_MMA_V) : (x) % ((outer) / SN_MMA_V) * SN_MMA_V)
#define SN_ATT_K_OF(x, along_k, outer, k) ((along_k) ? (x) % ((k) / SN_MMA_V) * SN_MMA_V : (x) / ((outer) / SN_MMA_V))
#define SN_MMA_Q_OUTER(x) SN_ATT_OUTER_OF(x, SN_MMA_Q_ALONG_K, SN_ATT_ROWS, SN_ATT_DEPTH)
#define SN_MMA_Q_K(x) SN_ATT_K_OF(x, SN_MMA_Q_ALONG_K, SN_ATT_ROWS, SN_ATT_DEPTH)
#define SN_MMA_K_OUTER(x) SN_ATT_OUTER_OF(x, SN_MMA_K_ALONG_K, SN_ATT_KEYS, SN_ATT_DEPTH)
#define SN_MMA_K_K(x) SN_ATT_K_OF(x, SN_MMA_K_ALONG_K, SN_ATT_KEYS, SN_ATT_DEPTH)
#define SN_MMA_V_OUTER(x) SN_ATT_OUTER_OF(x, SN_MMA_V_ALONG_K, SN_ATT_COLUMNS, SN_ATT_KEYS)
#define SN_MMA_V_K(x) SN_ATT_K_OF(x, SN_MMA_V_ALONG_K, SN_ATT_COLUMNS, SN_ATT_KEYS)
#define SN_ATT_CHUNKS(tile) (((tile) / SN_MMA_V + SN_MMA_ITEMS - 1) / SN_MMA_ITEMS) /* of a work-item */
#define SN_ATT_HAS(tile, x) ((tile) / SN_MMA_V % SN_MMA_ITEMS == 0 || (x) < (tile) / SN_MMA_V)
#define SN_ATT_TO(X, tile, x)                                                                                          \
    ((tile) + (SN_MMA_##X##_LINES_K ? SN_MMA_##X##_AT(SN_MMA_##X##_OUTER(x), SN_MMA_##X##_K(x) / SN_MMA_V)             \
                                    : SN_MMA_##X##_AT(SN_MMA_##X##_K(x), SN_MMA_##X##_OUTER(x) / SN_MMA_V)))
#define SN_MMA_Q_TO(tile, x) SN_ATT_TO(Q, tile, x)
#define SN_MMA_K_TO(tile, x) SN_ATT_TO(K, tile, x)
#define SN_MMA_V_TO(tile, x) SN_ATT_TO(V, tile, x)

/* ---- A lane's scores and sums ---- */

#define SN_ATT_EACH(i, count) SN_MMA_UNROLL for (int i = 0; i < (count); ++i)
#define SN_ATT_TM (SN_MMA_SUMS / SN_ATT_SAME)
#define SN_ATT_TN (SN_ATT_KEYS / SN_MMA_N * SN_ATT_SAME)
#define SN_ATT_TC (SN_ATT_COLUMNS / SN_MMA_N * SN_ATT_SAME)
#define SN_ATT_ROW(i) ((int)(wave_row + SN_MMA_ROW(lane, ((i) * SN_ATT_SAME))))
#define SN_ATT_IN_TILES(j) ((int)((j) / SN_ATT_SAME * SN_MMA_N + SN_MMA_COL(lane, ((j) % SN_ATT_SAME))))
#define SN_ATT_KEY(j) SN_ATT_IN_TILES(j)
#define SN_ATT_COL(j) SN_ATT_IN_TILES(j)
#define SN_ATT_OF(tiles, i, j) tiles[(j) / SN_ATT_SAME][(i) * SN_ATT_SAME + (j) % SN_ATT_SAME]
#define SN_ATT_SCORE_AT(i, j) SN_ATT_OF(scores, i, j)
#define SN_ATT_SUM_AT(i, j) SN_ATT_OF(sums, i, j)
#define SN_ATT_SCALE_SUMS(i, scale) SN_ATT_EACH(j, SN_ATT_TC) SN_ATT_SUM_AT(i, j) *= scale;

#define SN_ATT_ITEM                                                                                                    \
    const uint team = get_local_id(0) / SN_MMA_ITEMS, item = get_local_id(0) % SN_MMA_ITEMS;                           \
    const uint wave = item / SN_MMA_LANES, lane = item % SN_MMA_LANES;                                                 \
    const uint wave_row = wave * SN_MMA_M, item_lane = lane % SN_ATT_LANES;
#define SN_ATT_CLEAR(tiles, count) SN_ATT_EACH(n, count) SN_ATT_EACH(r, SN_MMA_SUMS) tiles[n][r] = 0;

/* Of numbers from minus infinity to 0. An error of 2^-12 is far below that of the rounding to 16 bits. */
#define SN_ATT_EXP(x) native_exp(x)
/* exp(x - y), and what is needed of y. */
#define SN_ATT_FROM(y) (y)
#define SN_ATT_EXP_FROM(x, from) native_exp((x) - (from))

/* ---- Products ---- */

#define SN_ATT_READ_Q(q)                                                                                               \
    {                                                                                                                  \
        const int tile_k = SN_ATT_DEPTH;                                                                               \
        SN_ATT_EACH(step, SN_ATT_DEPTH / SN_MMA_K) {                                                                   \
            uint a[1][SN_MMA_A_WORDS];                                                                                 \
            SN_MMA_READ_A(a, q, step)                                                                                  \
            SN_ATT_EACH(w, SN_MMA_A_WORDS) q_words[step][w] = a[0][w];                                                 \
        }                                                                                                              \
    }
/* to += a b of one step of k, for all columns of b's tile, two instructions' at a time. */
#define SN_ATT_STEP(to, count, a, b_tile, step)                                                                        \
    SN_MMA_UNROLL for (int n = 0; n < (count); n += 2) {                                                               \
        const uint wave_col = n * SN_MMA_N;                                                                            \
        uint b[2][SN_MMA_B_WORDS];                                                                                     \
        SN_MMA_READ_B(b, b_tile, step)                                                                                 \
        SN_MMA_ISSUE(to[n], a, b[0])                                                                                   \
        SN_MMA_ISSUE(to[n + 1], a, b[1])                                                                               \
    }
#define SN_ATT_MULTIPLY_QK(k)                                                                                          \
    {                                                                                                                  \
        const int tile_k = SN_ATT_DEPTH, b_outer = SN_ATT_KEYS, b_lines_k = SN_MMA_K_LINES_K;                          \
        SN_ATT_EACH(step, SN_ATT_DEPTH / SN_MMA_K) {                                                                   \
            SN_ATT_STEP(scores, SN_ATT_KEYS / SN_MMA_N, q_words[step], k, step)                                        \
        }                                                                                                              \
    }

#if SN_ATT_DIRECT
#if defined(SN_MMA_DTYPE_bf16)
#define SN_ATT_PAIR(low, high) as_uint(sn_to_bf162((float2)(low, high)))
#else
#define SN_ATT_PAIR(low, high) sn_mma_pair_f16(low, high)
#endif
#define SN_ATT_PUT_WEIGHT(i, j, weight) SN_ATT_SCORE_AT(i, j) = weight;
/* Element e of a lane's fragment of a step of k. */
#define SN_ATT_WEIGHT(step, e) scores[(step) * (SN_MMA_K / SN_MMA_N) + (e) / SN_MMA_SUMS][(e) % SN_MMA_SUMS]
#define SN_ATT_READ_W(a, step)                                                                                         \
    SN_ATT_EACH(w, SN_MMA_A_WORDS) a[0][w] = SN_ATT_PAIR(SN_ATT_WEIGHT(step, 2 * w), SN_ATT_WEIGHT(step, 2 * w + 1));
#else
#define SN_ATT_PUT_WEIGHT(i, j, weight)                                                                                \
    w_tile[SN_MMA_AT(SN_ATT_ROW(i), SN_ATT_KEY(j) / SN_MMA_V, SN_ATT_KEYS) + SN_ATT_KEY(j) % SN_MMA_V] =               \
        (SN_MMA_E)SN_MMA_BITS(weight);
#define SN_ATT_READ_W(a, step) SN_MMA_READ_A(a, w_tile, step)
#endif
#define SN_ATT_MULTIPLY_WV(v)                                                                                          \
    {                                                                                                                  \
        const int tile_k = SN_ATT_KEYS, b_outer = SN_ATT_COLUMNS, b_lines_k = SN_MMA_V_LINES_K;                        \
        SN_ATT_EACH(step, SN_ATT_KEYS / SN_MMA_K) {                                                                    \
            uint a[1][SN_MMA_A_WORDS];                                                                                 \
            SN_ATT_READ_W(a, step)                                                                                     \
            SN_ATT_STEP(sums, SN_ATT_COLUMNS / SN_MMA_N, a[0], v, step)                                                \
        }                                                                                                              \
    }

/* ---- Teams ---- */

#if SN_ATT_TEAMS == 1
#define SN_ATT_BARRIER barrier(CLK_LOCAL_MEM_FENCE);
#define SN_ATT_JOIN_TEAMS
#else
#define SN_ATT_BARRIER asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
/* Sums of other teams, in their tiles. */
#define SN_ATT_THEIRS(number, n, r)                                                                                    \
    ((__local float *)(memory + (number)*SN_ATT_MEMORY))[((n)*SN_MMA_SUMS + (r)) * SN_MMA_ITEMS + item]
/* The first team gets what all have; the others end. */
#define SN_ATT_JOIN_TEAMS                                                                                              \
    __local float bests[SN_ATT_TEAMS * SN_ATT_ROWS], totals[SN_ATT_TEAMS * SN_ATT_ROWS];                               \
    SN_ATT_EACH(i, SN_ATT_TM) if (item_lane == 0) bests[team * SN_ATT_ROWS + SN_ATT_ROW(i)] = best[i];                 \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    SN_ATT_EACH(i, SN_ATT_TM) {                                                                                        \
        float all = bests[SN_ATT_ROW(i)];                                                                              \
        for (int t = 1; t < SN_ATT_TEAMS; ++t) all = SN_ATT_MAX(all, bests[t * SN_ATT_ROWS + SN_ATT_ROW(i)]);          \
        const float scale = sn_exp_float(best[i] - (all == -INFINITY ? 0.0f : all));                                   \
        best[i] = all;                                                                                                 \
        total[i] *= scale;                                                                                             \
        SN_ATT_SCALE_SUMS(i, scale)                                                                                    \
        if (item_lane == 0) totals[team * SN_ATT_ROWS + SN_ATT_ROW(i)] = total[i];                                     \
    }                                                                                                                  \
    if (team > 0) {                                                                                                    \
        SN_ATT_EACH(n, SN_ATT_COLUMNS / SN_MMA_N)                                                                      \
        SN_ATT_EACH(r, SN_MMA_SUMS) SN_ATT_THEIRS(team, n, r) = sums[n][r];                                            \
    }                                                                                                                  \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    if (team > 0) return;                                                                                              \
    for (int t = 1; t < SN_ATT_TEAMS; ++t) {                                                                           \
        SN_ATT_EACH(i, SN_ATT_TM) total[i] += totals[t * SN_ATT_ROWS + SN_ATT_ROW(i)];                                 \
        SN_ATT_EACH(n, SN_ATT_COLUMNS / SN_MMA_N) SN_ATT_EACH(r, SN_MMA_SUMS) sums[n][r] += SN_ATT_THEIRS(t, n, r);    \
    }
#endif

#include "attention/lanes.cl"
