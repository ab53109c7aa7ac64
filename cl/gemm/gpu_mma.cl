/* The inner part of a product by matrix instructions: tiles of A and B in a ring of stages in local memory, sums in the
 * registers of waves (warps).
 *
 * A work-group computes SN_MMA_BM x SN_MMA_BN sums, a wave SN_MMA_WM x SN_MMA_WN of them. Elements are kept as they are
 * stored, in chunks of 16 bytes. A tile is made of lines: of one row of A (column of B) along k, or of one k along the
 * rows, whichever way memory lies, if the instruction's file can read both; else along k. The chunks of a line are
 * swapped by its number, so that those that are read together lie in different banks.
 *
 * The generated source defines SN_MMA_BM, BN, BK, WM, WN, STAGES, and SN_MMA_A_ALONG_K, SN_MMA_B_ALONG_K: do
 * neighbouring elements of memory lie along k? Before this file stand the formulas of the instruction's row
 * (gemm/instructions.inc; arguments are single names) and the row's file, which defines
 *
 *     SN_MMA_ISSUE(sums, a, b)    one instruction, from arrays of words
 *     SN_MMA_TRANSPOSES           1: SN_MMA_READ_A and SN_MMA_READ_B, which it then defines, read lines of one k, too
 *     SN_MMA_ASYNC                1: it defines SN_MMA_COPY(to, from, inside), SN_MMA_COMMIT and SN_MMA_WAIT(most), which copy
 *                                 a chunk (zeros when not inside) without registers
 *     SN_MMA_LOCALS               declarations of local memory that it wants
 *     SN_MMA_UNROLL               a pragma before loops whose variable is the index of registers
 *     SN_MMA_STEPS                a pragma before the loop over the instructions' steps of k in a tile */
#ifndef SN_MMA_V
#error "gemm/mma_types.cl comes first"
#endif

#define SN_MMA_A_WORDS (SN_MMA_A_COUNT * 4 / SN_MMA_V)
#define SN_MMA_B_WORDS (SN_MMA_B_COUNT * 4 / SN_MMA_V)
#define SN_MMA_WAVES_N (SN_MMA_BN / SN_MMA_WN)
#define SN_MMA_ITEMS (SN_MMA_BM / SN_MMA_WM * SN_MMA_WAVES_N * SN_MMA_LANES)
#define SN_MMA_MI (SN_MMA_WM / SN_MMA_M)
#define SN_MMA_NI (SN_MMA_WN / SN_MMA_N)
#define SN_MMA_KI (SN_MMA_BK / SN_MMA_K)
#define SN_MMA_A_TILE (SN_MMA_BM * SN_MMA_BK)
#define SN_MMA_B_TILE (SN_MMA_BN * SN_MMA_BK)

/* ---- Lines and chunks ---- */

#define SN_MMA_A_LINES_K (SN_MMA_A_ALONG_K || !SN_MMA_TRANSPOSES)
#define SN_MMA_B_LINES_K (SN_MMA_B_ALONG_K || !SN_MMA_TRANSPOSES)
#define SN_MMA_A_LINE (SN_MMA_A_LINES_K ? SN_MMA_BK : SN_MMA_BM)
#define SN_MMA_B_LINE (SN_MMA_B_LINES_K ? SN_MMA_BK : SN_MMA_BN)

/* Eight lines are read together, so where a line has fewer than eight chunks several lines share what is swapped. */
#define SN_MMA_SWAP(line, chunks)                                                                                      \
    ((chunks) >= 8 ? (line) & 7 : (chunks) == 4 ? (line) >> 1 & 3 : (chunks) == 2 ? (line) >> 2 & 1 : 0)
#define SN_MMA_AT(line, chunk, length)                                                                                 \
    ((line) * (length) + ((chunk) ^ SN_MMA_SWAP(line, (length) / SN_MMA_V)) * SN_MMA_V)
#define SN_MMA_A_AT(line, chunk) SN_MMA_AT(line, chunk, SN_MMA_A_LINE)
#define SN_MMA_B_AT(line, chunk) SN_MMA_AT(line, chunk, SN_MMA_B_LINE)

/* Chunk number x of a tile as memory has it: its first row (column) and k. Sizes of tiles are powers of two. */
#define SN_MMA_ALONG_K_OUTER(x, outer) ((x) / (SN_MMA_BK / SN_MMA_V))
#define SN_MMA_ALONG_K_INNER(x, outer) ((x) % (SN_MMA_BK / SN_MMA_V) * SN_MMA_V)
#define SN_MMA_ALONG_OUTER_OUTER(x, outer) ((x) % ((outer) / SN_MMA_V) * SN_MMA_V)
#define SN_MMA_ALONG_OUTER_INNER(x, outer) ((x) / ((outer) / SN_MMA_V))
#if SN_MMA_A_ALONG_K
#define SN_MMA_A_OUTER(x) SN_MMA_ALONG_K_OUTER(x, SN_MMA_BM)
#define SN_MMA_A_K(x) SN_MMA_ALONG_K_INNER(x, SN_MMA_BM)
#else
#define SN_MMA_A_OUTER(x) SN_MMA_ALONG_OUTER_OUTER(x, SN_MMA_BM)
#define SN_MMA_A_K(x) SN_MMA_ALONG_OUTER_INNER(x, SN_MMA_BM)
#endif
#if SN_MMA_B_ALONG_K
#define SN_MMA_B_OUTER(x) SN_MMA_ALONG_K_OUTER(x, SN_MMA_BN)
#define SN_MMA_B_K(x) SN_MMA_ALONG_K_INNER(x, SN_MMA_BN)
#else
#define SN_MMA_B_OUTER(x) SN_MMA_ALONG_OUTER_OUTER(x, SN_MMA_BN)
#define SN_MMA_B_K(x) SN_MMA_ALONG_OUTER_INNER(x, SN_MMA_BN)
#endif
#define SN_MMA_A_CHUNKS ((SN_MMA_A_TILE / SN_MMA_V + SN_MMA_ITEMS - 1) / SN_MMA_ITEMS) /* of a work-item */
#define SN_MMA_B_CHUNKS ((SN_MMA_B_TILE / SN_MMA_V + SN_MMA_ITEMS - 1) / SN_MMA_ITEMS)
#define SN_MMA_A_HAS(x) (SN_MMA_A_TILE / SN_MMA_V % SN_MMA_ITEMS == 0 || (x) < SN_MMA_A_TILE / SN_MMA_V)
#define SN_MMA_B_HAS(x) (SN_MMA_B_TILE / SN_MMA_V % SN_MMA_ITEMS == 0 || (x) < SN_MMA_B_TILE / SN_MMA_V)

/* Where a chunk goes that keeps its direction. */
#if SN_MMA_A_LINES_K
#define SN_MMA_A_TO(tile, x) ((tile) + SN_MMA_A_AT(SN_MMA_A_OUTER(x), SN_MMA_A_K(x) / SN_MMA_V))
#else
#define SN_MMA_A_TO(tile, x) ((tile) + SN_MMA_A_AT(SN_MMA_A_K(x), SN_MMA_A_OUTER(x) / SN_MMA_V))
#endif
#if SN_MMA_B_LINES_K
#define SN_MMA_B_TO(tile, x) ((tile) + SN_MMA_B_AT(SN_MMA_B_OUTER(x), SN_MMA_B_K(x) / SN_MMA_V))
#else
#define SN_MMA_B_TO(tile, x) ((tile) + SN_MMA_B_AT(SN_MMA_B_K(x), SN_MMA_B_OUTER(x) / SN_MMA_V))
#endif

/* Puts chunk x into a tile: whole, or its elements into lines of their own. */
#define SN_MMA_ELEMENT(words, e)                                                                                       \
    ((SN_MMA_E)((words)[(e) / (SN_MMA_V / 4)] >> (e) % (SN_MMA_V / 4) * (128 / SN_MMA_V)))
#define SN_MMA_PUT(X, tile, x, chunk)                                                                                  \
    if (SN_MMA_##X##_ALONG_K == SN_MMA_##X##_LINES_K) {                                                                \
        *(__local uint4 *)SN_MMA_##X##_TO(tile, x) = (chunk);                                                          \
    } else {                                                                                                           \
        const uint4 four = (chunk);                                                                                    \
        const uint words[4] = {four.x, four.y, four.z, four.w};                                                       \
        const uint at = SN_MMA_##X##_OUTER(x), k = SN_MMA_##X##_K(x);                                                  \
        _Pragma("unroll") for (int e = 0; e < SN_MMA_V; ++e)                                                           \
            (tile)[SN_MMA_##X##_AT(at + e, k / SN_MMA_V) + k % SN_MMA_V] = SN_MMA_ELEMENT(words, e);                   \
    }
#define SN_MMA_PUT_ALL(X, tile, registers)                                                                             \
    _Pragma("unroll") for (int i = 0; i < SN_MMA_##X##_CHUNKS; ++i) {                                                  \
        const uint x = item + i * SN_MMA_ITEMS;                                                                        \
        if (SN_MMA_##X##_HAS(x)) {                                                                                     \
            SN_MMA_PUT(X, tile, x, registers[i])                                                                       \
        }                                                                                                              \
    }

/* ---- Products ---- */

/* Fragments word by word, from lines along k. */
#if !SN_MMA_TRANSPOSES
#define SN_MMA_READ_A(a, tile, step)                                                                                   \
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i) {                                                                \
        SN_MMA_UNROLL for (int w = 0; w < SN_MMA_A_WORDS; ++w) {                                                       \
            const uint e = w * (SN_MMA_V / 4), k = (step) * SN_MMA_K + SN_MMA_A_INNER(lane, e);                        \
            const uint line = wave_row + i * SN_MMA_M + SN_MMA_A_ROW(lane, e);                                         \
            a[i][w] = *(__local const uint *)((tile) + SN_MMA_A_AT(line, k / SN_MMA_V) + k % SN_MMA_V);               \
        }                                                                                                              \
    }
#define SN_MMA_READ_B(b, tile, step)                                                                                   \
    SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j) {                                                                \
        SN_MMA_UNROLL for (int w = 0; w < SN_MMA_B_WORDS; ++w) {                                                       \
            const uint e = w * (SN_MMA_V / 4), k = (step) * SN_MMA_K + SN_MMA_B_INNER(lane, e);                        \
            const uint line = wave_col + j * SN_MMA_N + SN_MMA_B_COL(lane, e);                                         \
            b[j][w] = *(__local const uint *)((tile) + SN_MMA_B_AT(line, k / SN_MMA_V) + k % SN_MMA_V);               \
        }                                                                                                              \
    }
#endif

/* Adds the product of two tiles to the sums. */
#define SN_MMA_MULTIPLY(a_tile, b_tile)                                                                                \
    SN_MMA_STEPS for (int step = 0; step < SN_MMA_KI; ++step) {                                                        \
        uint a[SN_MMA_MI][SN_MMA_A_WORDS], b[SN_MMA_NI][SN_MMA_B_WORDS];                                               \
        SN_MMA_READ_A(a, a_tile, step)                                                                                 \
        SN_MMA_READ_B(b, b_tile, step)                                                                                 \
        SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i) {                                                            \
            SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j) {                                                        \
                SN_MMA_ISSUE(sums[i][j], a[i], b[j])                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

/* ---- Tiles of the result, and their sums ---- */

/* Work-groups take tiles in bands of SN_MMA_BAND rows, column by column, so that those that run at a time read few rows
 * and columns. */
#define SN_MMA_BAND 8
#define SN_MMA_TILES                                                                                                   \
    const uint tiles_n = get_num_groups(0), tiles_m = get_num_groups(1);                                              \
    const uint tile_number = get_group_id(1) * tiles_n + get_group_id(0);                                             \
    const uint band = tile_number / (SN_MMA_BAND * tiles_n) * SN_MMA_BAND;                                            \
    const uint band_rows = min(tiles_m - band, (uint)SN_MMA_BAND), in_band = tile_number - band * tiles_n;            \
    const sn_idx row0 = (sn_idx)(band + in_band % band_rows) * SN_MMA_BM;                                              \
    const sn_idx col0 = (sn_idx)(in_band / band_rows) * SN_MMA_BN;

/* The sums of SN_MMA_M rows of a wave go through local memory, so that an epilogue sees whole rows whatever the
 * instruction: sum number r of a lane is at row SN_MMA_ROW, column SN_MMA_COL. */
#define SN_MMA_PITCH (SN_MMA_WN + 4)
#define SN_MMA_SLAB (SN_MMA_M * SN_MMA_PITCH)
#define SN_MMA_PUT_SUMS(slab, i)                                                                                       \
    SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j) {                                                                \
        SN_MMA_UNROLL for (int r = 0; r < SN_MMA_SUMS; ++r)                                                            \
            (slab)[SN_MMA_ROW(lane, r) * SN_MMA_PITCH + j * SN_MMA_N + SN_MMA_COL(lane, r)] = sums[i][j][r];           \
    }
#define SN_MMA_TILE_WORDS (SN_MMA_STAGES * (SN_MMA_A_TILE + SN_MMA_B_TILE) * 4 / SN_MMA_V)
#define SN_MMA_SLAB_WORDS (SN_MMA_ITEMS / SN_MMA_LANES * SN_MMA_SLAB)
#define SN_MMA_CHUNKS ((SN_MMA_TILE_WORDS > SN_MMA_SLAB_WORDS ? SN_MMA_TILE_WORDS : SN_MMA_SLAB_WORDS) / 4)
