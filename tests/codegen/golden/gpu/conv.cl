// relu of a 3 x 3 convolution with bias: 1 launch
/*
step 1: gpu_gemm bm=64 bn=64 bk=16 tm=4 tn=4
loop i0<n i1<64 i2<3136 inner i3<576
  s0:f32 = b0[(576*i1 + i3)]
  s1:f32 = b1[(200704*i0 + i2 + 3136*(i3/9) + 56*((i3/3)%3) + (i3%3) - 57)] if ((0 < ((i3%3) + (i2%56))) && (((((i3/3)%3) + (i2/56)) < 57) && ((((i3%3) + (i2%56)) < 57) && (0 < (((i3/3)%3) + (i2/56))))))
  s2:f32 = mul s0 s1
  s3:f32 = reduce sum over i3 s2
  s4:f32 = b2[i1]
  s5:f32 = add s3 s4
  s6:f32 = relu s5
  b3[(200704*i0 + 3136*i1 + i2)] = s6
b0: f32[64, 64, 3, 3], read in 1 place
b1: f32[n, 64, 56, 56], read in 1 place
b2: f32[64], read in 1 place
b3: f32[n, 64, 56, 56], written in 1 place
work-items: 12544 in groups of 256, 1 in groups of 1, n in groups of 1
*/
#define SN_GEMM_REAL float
#define SN_GEMM_BM 64
#define SN_GEMM_BN 64
#define SN_GEMM_BK 16
#define SN_GEMM_TM 4
#define SN_GEMM_TN 4
#define SN_GEMM_A_LANES 4
#define SN_GEMM_A_ALONG_K 1
#define SN_GEMM_B_LANES 1
#define SN_GEMM_B_ALONG_K 0
#include "gemm/gpu_gemm.cl"
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

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_gemm(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, const sn_idx n3, const sn_idx n4, const sn_idx n5, const sn_idx n6, __global const float *restrict b2, const ulong o2, __global float *restrict b3, const ulong o3) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    __local SN_GEMM_REAL a_tiles[2 * SN_GEMM_A_TILE] __attribute__((aligned(32)));
    __local SN_GEMM_REAL b_tiles[2 * SN_GEMM_B_TILE] __attribute__((aligned(32)));
    const int item = (int)get_local_id(0);
    const int item_row = item / (SN_GEMM_BN / SN_GEMM_TN), item_col = item & (SN_GEMM_BN / SN_GEMM_TN - 1);
    const sn_idx col0 = (sn_idx)get_group_id(0) * SN_GEMM_BN;
    const sn_idx row0 = (sn_idx)get_group_id(1) * SN_GEMM_BM;
    const sn_idx bi = (sn_idx)get_group_id(2);
    const sn_idx size_m = n0;
    const sn_idx size_n = n1;
    const sn_idx size_k = n2;
    SN_GEMM_V4 sums[SN_GEMM_TM][SN_GEMM_TN / 4];
    SN_GEMM_V4 next_A[SN_GEMM_A_LOADS];
    SN_GEMM_REAL next_B[SN_GEMM_B_LOADS];
    #pragma unroll
    for (int i = 0; i < SN_GEMM_TM; ++i)
    #pragma unroll
        for (int j = 0; j < SN_GEMM_TN / 4; ++j) sums[i][j] = 0;
    int now = 1;
    for (sn_idx kb = -SN_GEMM_BK; kb < size_k; kb += SN_GEMM_BK) {
        const sn_idx k_next = kb + SN_GEMM_BK;
        if (k_next < size_k) {
            #pragma unroll
            for (int i = 0; i < SN_GEMM_A_LOADS; ++i) {
                const int x = item + i * SN_GEMM_ITEMS;
                const sn_idx outer = row0 + SN_GEMM_A_AT(x), kx = k_next + SN_GEMM_A_K(x);
                next_A[i] = 0;
                if (outer < size_m && kx < size_k && SN_GEMM_A_HAS(x)) {
                    const float4 pa0 = sn_aloadv_f32(4, b0, (n2*outer + kx));
                    next_A[i] = pa0;
                }
            }
            #pragma unroll
            for (int i = 0; i < SN_GEMM_B_LOADS; ++i) {
                const int x = item + i * SN_GEMM_ITEMS;
                const sn_idx outer = col0 + SN_GEMM_B_AT(x), kx = k_next + SN_GEMM_B_K(x);
                next_B[i] = 0;
                if (outer < size_n && kx < size_k && SN_GEMM_B_HAS(x)) {
                    const float pb1 = (((0 < ((kx % 3) + (outer % n4))) && (((((kx / 3) % 3) + (outer / n4)) < n6) && ((((kx % 3) + (outer % n4)) < n6) && (0 < (((kx / 3) % 3) + (outer / n4)))))) ? sn_load_f32(b1, (n3*bi + outer + n1*(kx / 9) + n4*((kx / 3) % 3) + (kx % 3) + n5)) : 0);
                    next_B[i] = pb1;
                }
            }
        }
        if (kb >= 0) {
            SN_GEMM_MULTIPLY(a_tiles + now * SN_GEMM_A_TILE, b_tiles + now * SN_GEMM_B_TILE)
        }
        if (k_next < size_k) {
            SN_GEMM_PUT(A, a_tiles + (now ^ 1) * SN_GEMM_A_TILE, SN_GEMM_LDA, next_A)
            SN_GEMM_PUT(B, b_tiles + (now ^ 1) * SN_GEMM_B_TILE, SN_GEMM_LDB, next_B)
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        now ^= 1;
    }
    #pragma unroll
    for (int i = 0; i < SN_GEMM_TM; ++i) {
        const sn_idx row = row0 + SN_GEMM_ROW(i);
        if (row < size_m) {
            #pragma unroll
            for (int j = 0; j < SN_GEMM_TN / 4; ++j) {
                const sn_idx col = col0 + SN_GEMM_COL(4 * j);
                const SN_GEMM_V4 acc = sums[i][j];
                if (col < size_n) {
                    const float e4 = sn_load_f32(b2, row);
                    const float4 e5 = (acc + e4);
                    const float4 e6 = sn_max_float4(e5, (float4)(0.0f));
                    sn_astorev_f32(4, e6, b3, (n3*bi + n1*row + col));
                }
            }
        }
    }
}

