/* One wave multiplies two tiles by a matrix instruction: how lib/runtime/probe.c finds out whether a device has it, and
 * whether its row says the truth. The tiles come chunk by chunk in the order of memory; out is BM x BN. */
__attribute__((reqd_work_group_size(SN_MMA_LANES, 1, 1))) __kernel void mma_probe(
    __global const SN_MMA_E *a, __global const SN_MMA_E *b, __global SN_MMA_SUM *out) {
    __local uint4 memory[SN_MMA_CHUNKS] __attribute__((aligned(128)));
    SN_MMA_LOCALS
    __local SN_MMA_E *const a_tile = (__local SN_MMA_E *)memory;
    __local SN_MMA_E *const b_tile = a_tile + SN_MMA_A_TILE;
    const uint item = (uint)get_local_id(0), wave = 0, lane = item, wave_row = 0, wave_col = 0;
    SN_MMA_SUM sums[SN_MMA_MI][SN_MMA_NI][SN_MMA_SUMS];
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i)
        SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j)
            SN_MMA_UNROLL for (int r = 0; r < SN_MMA_SUMS; ++r) sums[i][j][r] = 0;
    for (uint x = item; x < SN_MMA_A_TILE / SN_MMA_V; x += SN_MMA_LANES) {
#if SN_MMA_ASYNC
        SN_MMA_COPY(SN_MMA_A_TO(a_tile, x), a + x * SN_MMA_V, 1)
#else
        SN_MMA_PUT(A, a_tile, x, *(__global const uint4 *)(a + x * SN_MMA_V))
#endif
    }
    for (uint x = item; x < SN_MMA_B_TILE / SN_MMA_V; x += SN_MMA_LANES) {
#if SN_MMA_ASYNC && SN_MMA_B_ALONG_K == SN_MMA_B_LINES_K
        SN_MMA_COPY(SN_MMA_B_TO(b_tile, x), b + x * SN_MMA_V, 1)
#else
        SN_MMA_PUT(B, b_tile, x, *(__global const uint4 *)(b + x * SN_MMA_V))
#endif
    }
#if SN_MMA_ASYNC
    SN_MMA_COMMIT
    SN_MMA_WAIT(0)
#endif
    barrier(CLK_LOCAL_MEM_FENCE);
    SN_MMA_MULTIPLY(a_tile, b_tile)
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i)
        SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j)
            SN_MMA_UNROLL for (int r = 0; r < SN_MMA_SUMS; ++r)
                out[(i * SN_MMA_M + SN_MMA_ROW(lane, r)) * SN_MMA_BN + j * SN_MMA_N + SN_MMA_COL(lane, r)] = sums[i][j][r];
}
