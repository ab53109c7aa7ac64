// gelu(x * w + b) in bf16: 1 launch
/*
step 1: gpu_mma instruction=2 bm=128 bn=128 line=64 wm=64 wn=64 stages=2
loop i0<n i1<3072 inner i2<768
  s0:bf16 = b0[(768*i0 + i2)]
  s1:bf16 = b1[(i1 + 3072*i2)]
  s2:bf16 = mul s0 s1
  s3:bf16 = reduce sum over i2 s2
  s4:bf16 = b2[i1]
  s5:bf16 = add s3 s4
  s6:bf16 = gelu_tanh s5
  b3[(3072*i0 + i1)] = s6
b0: bf16[n, 768], read in 2 places
b1: bf16[768, 3072], read in 2 places
b2: bf16[3072], read in 1 place
b3: bf16[n, 3072], written in 1 place
work-items: 3072 in groups of 128, ((n + 127)/128) in groups of 1, 1 in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"
#define SN_MMA_BM 128
#define SN_MMA_BN 128
#define SN_MMA_BK 32
#define SN_MMA_WM 64
#define SN_MMA_WN 64
#define SN_MMA_STAGES 2
#define SN_MMA_A_ALONG_K 1
#define SN_MMA_B_ALONG_K 0
#define SN_MMA_mma_m16n8k16_bf16 1
#define SN_MMA_DTYPE_bf16 1
#define SN_MMA_M 16
#define SN_MMA_N 8
#define SN_MMA_K 16
#define SN_MMA_LANES 32
#define SN_MMA_A_COUNT 8
#define SN_MMA_A_ROW(lane, i) (lane / 4 + i / 2 % 2 * 8)
#define SN_MMA_A_INNER(lane, i) (lane % 4 * 2 + i % 2 + i / 4 * 8)
#define SN_MMA_B_COUNT 4
#define SN_MMA_B_COL(lane, i) (lane / 4)
#define SN_MMA_B_INNER(lane, i) (lane % 4 * 2 + i % 2 + i / 2 * 8)
#define SN_MMA_SUMS 4
#define SN_MMA_ROW(lane, i) (lane / 4 + i / 2 * 8)
#define SN_MMA_COL(lane, i) (lane % 4 * 2 + i % 2)
#include "gemm/mma_nvidia.cl"
#include "gemm/gpu_mma.cl"
#include "common/types.cl"
#include "common/memory.cl"
#define SN_T float4
#define SN_W 4
#define SN_I32 int4
#define SN_I64 long4
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64

__attribute__((reqd_work_group_size(128, 1, 1)))
__kernel void gpu_mma(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const ushort *restrict b0, const ulong o0, __global const ushort *restrict b1, const ulong o1, __global const ushort *restrict b2, const ulong o2, __global ushort *restrict b3, const ulong o3) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    __local uint4 memory[SN_MMA_CHUNKS] __attribute__((aligned(128)));
    SN_MMA_LOCALS
    __local SN_MMA_E *const a_tiles = (__local SN_MMA_E *)memory;
    __local SN_MMA_E *const b_tiles = a_tiles + SN_MMA_STAGES * SN_MMA_A_TILE;
    const uint item = (uint)get_local_id(0), wave = item / SN_MMA_LANES, lane = item % SN_MMA_LANES;
    const uint wave_row = wave / SN_MMA_WAVES_N * SN_MMA_WM;
    const uint wave_col = wave % SN_MMA_WAVES_N * SN_MMA_WN;
    SN_MMA_TILES
    const sn_idx bi = (sn_idx)get_group_id(2);
    const sn_idx size_m = n0;
    const sn_idx size_n = n1;
    const sn_idx size_k = n2;
    sn_idx from_A[SN_MMA_A_CHUNKS], until_A[SN_MMA_A_CHUNKS];
    SN_MMA_UNROLL
    for (int i = 0; i < SN_MMA_A_CHUNKS; ++i) {
        const uint x = item + i * SN_MMA_ITEMS;
        if (!SN_MMA_A_HAS(x)) break;
        const sn_idx outer = row0 + SN_MMA_A_OUTER(x), kx = 0 + SN_MMA_A_K(x);
        from_A[i] = (n2*outer + kx);
        until_A[i] = outer < size_m ? size_k - SN_MMA_A_K(x) : 0;
    }
    sn_idx from_B[SN_MMA_B_CHUNKS], until_B[SN_MMA_B_CHUNKS];
    SN_MMA_UNROLL
    for (int i = 0; i < SN_MMA_B_CHUNKS; ++i) {
        const uint x = item + i * SN_MMA_ITEMS;
        if (!SN_MMA_B_HAS(x)) break;
        const sn_idx outer = col0 + SN_MMA_B_OUTER(x), kx = 0 + SN_MMA_B_K(x);
        from_B[i] = (outer + n1*kx);
        until_B[i] = outer < size_n ? size_k - SN_MMA_B_K(x) : 0;
    }
    SN_MMA_SUM sums[SN_MMA_MI][SN_MMA_NI][SN_MMA_SUMS];
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i)
        SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j)
            SN_MMA_UNROLL for (int r = 0; r < SN_MMA_SUMS; ++r) sums[i][j][r] = 0;
    for (int ahead = 0; ahead < SN_MMA_STAGES - 1; ++ahead) {
        const sn_idx k_first = ahead * SN_MMA_BK;
        if (k_first < size_k) {
            SN_MMA_UNROLL
            for (int i = 0; i < SN_MMA_A_CHUNKS; ++i) {
                const uint x = item + i * SN_MMA_ITEMS;
                if (!SN_MMA_A_HAS(x)) break;
                const sn_idx outer = row0 + SN_MMA_A_OUTER(x), kx = k_first + SN_MMA_A_K(x);
                SN_MMA_COPY(SN_MMA_A_TO(a_tiles + ahead * SN_MMA_A_TILE, x), b0 + (from_A[i] + k_first * 1), k_first < until_A[i])
            }
            SN_MMA_UNROLL
            for (int i = 0; i < SN_MMA_B_CHUNKS; ++i) {
                const uint x = item + i * SN_MMA_ITEMS;
                if (!SN_MMA_B_HAS(x)) break;
                const sn_idx outer = col0 + SN_MMA_B_OUTER(x), kx = k_first + SN_MMA_B_K(x);
                SN_MMA_COPY(SN_MMA_B_TO(b_tiles + ahead * SN_MMA_B_TILE, x), b1 + (from_B[i] + k_first * n1), k_first < until_B[i])
            }
        }
        SN_MMA_COMMIT
    }
    int now = 0;
    for (sn_idx kb = 0; kb < size_k; kb += SN_MMA_BK) {
        SN_MMA_WAIT(SN_MMA_STAGES - 2)
        barrier(CLK_LOCAL_MEM_FENCE);
        const sn_idx k_first = kb + (SN_MMA_STAGES - 1) * SN_MMA_BK;
        const int ahead = now == 0 ? SN_MMA_STAGES - 1 : now - 1;
        if (k_first < size_k) {
            SN_MMA_UNROLL
            for (int i = 0; i < SN_MMA_A_CHUNKS; ++i) {
                const uint x = item + i * SN_MMA_ITEMS;
                if (!SN_MMA_A_HAS(x)) break;
                const sn_idx outer = row0 + SN_MMA_A_OUTER(x), kx = k_first + SN_MMA_A_K(x);
                SN_MMA_COPY(SN_MMA_A_TO(a_tiles + ahead * SN_MMA_A_TILE, x), b0 + (from_A[i] + k_first * 1), k_first < until_A[i])
            }
            SN_MMA_UNROLL
            for (int i = 0; i < SN_MMA_B_CHUNKS; ++i) {
                const uint x = item + i * SN_MMA_ITEMS;
                if (!SN_MMA_B_HAS(x)) break;
                const sn_idx outer = col0 + SN_MMA_B_OUTER(x), kx = k_first + SN_MMA_B_K(x);
                SN_MMA_COPY(SN_MMA_B_TO(b_tiles + ahead * SN_MMA_B_TILE, x), b1 + (from_B[i] + k_first * n1), k_first < until_B[i])
            }
        }
        SN_MMA_COMMIT
        SN_MMA_MULTIPLY(a_tiles + now * SN_MMA_A_TILE, b_tiles + now * SN_MMA_B_TILE)
        now = now == SN_MMA_STAGES - 1 ? 0 : now + 1;
    }
    __local SN_MMA_SUM *const slab = (__local SN_MMA_SUM *)memory + wave * SN_MMA_SLAB;
    SN_MMA_UNROLL
    for (int i = 0; i < SN_MMA_MI; ++i) {
        barrier(CLK_LOCAL_MEM_FENCE);
        SN_MMA_PUT_SUMS(slab, i)
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint at = lane; at < SN_MMA_M * SN_MMA_WN / 4; at += SN_MMA_LANES) {
            const uint in_row = at / (SN_MMA_WN / 4), in_col = at % (SN_MMA_WN / 4) * 4;
            const sn_idx row = row0 + wave_row + i * SN_MMA_M + in_row;
            const sn_idx col = col0 + wave_col + in_col;
            if (row < size_m && col < size_n) {
                const float4 acc = *(__local const float4 *)(slab + in_row * SN_MMA_PITCH + in_col);
                const float4 e4 = sn_aloadv_bf16(4, b2, col);
                const float4 e5 = (acc + e4);
                const float4 e6 = (e5 * sn_sigmoid_float4((1.5957692f * (e5 + (((0.044715f * e5) * e5) * e5)))));
                sn_astorev_bf16(4, e6, b3, (n1*row + col));
            }
        }
    }
}

