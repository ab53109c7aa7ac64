// relu of a 3 x 3 convolution with bias: 1 launch
/*
step 1: cpu_gemm kc=256 nb=256 mb=192 ma=48 mr=6 min_rows=48 unit_groups=4 order=1
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
b1: f32[n, 64, 56, 56], read in 4 places
b2: f32[64], read in 2 places
b3: f32[n, 64, 56, 56], written in 2 places
work-items: ((3135/16*min(16, ((3135/(16*(3135/16*min(16, ((3135/(16*(31/max(n, 1)) + 16)) + 1))) + 16)) + 1))) + 1) in groups of 1, ((21/2*min(32, ((21/(2*(21/2*min(32, max(8, ((21/(2*(31/max(1, (n*(3135/16*min(16, ((3135/(16*(3135/16*min(16, ((3135/(16*(31/max(n, 1)) + 16)) + 1))) + 16)) + 1))) + n))) + 2)) + 1)))) + 2)) + 1))) + 1) in groups of 1, n in groups of 1
*/
#define SN_GEMM_REAL float
#define SN_GEMM_W 8
#define SN_GEMM_LDC 256
#define SN_GEMM_KC 256
#define SN_GEMM_MR 6
#include "gemm/cpu_gemm.cl"
#include "common/types.cl"
#include "common/memory.cl"
#define SN_T float
#define SN_W 1
#define SN_I32 int
#define SN_I64 long
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64
#define SN_T float8
#define SN_W 8
#define SN_I32 int8
#define SN_I64 long8
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_gemm(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, const sn_idx n4, const sn_idx n5, __global const float *restrict b1, const ulong o1, const sn_idx n6, const sn_idx n7, const sn_idx n8, const sn_idx n9, __global const float *restrict b0, const ulong o0, __global const float *restrict b2, const ulong o2, __global float *restrict b3, const ulong o3) {
    b1 += o1;
    b0 += o0;
    b2 += o2;
    b3 += o3;
    __local SN_GEMM_REAL b_block[65536];
    __local SN_GEMM_REAL sums[49152];
    const sn_idx col0 = (sn_idx)get_group_id(0) * n0;
    const sn_idx row0 = (sn_idx)get_group_id(1) * n1;
    const sn_idx bi = (sn_idx)get_group_id(2);
    const sn_idx size_k = n2;
    const int cols = (int)min((sn_idx)(n0), (sn_idx)(n3 - col0));
    const int rows = (int)min((sn_idx)(n1), (sn_idx)(n4 - row0));
    const int panels = (cols + SN_GEMM_NR - 1) / SN_GEMM_NR;
    for (sn_idx kb = 0; kb == 0 || kb < size_k; kb += SN_GEMM_KC) {
        const int kc = (int)min((sn_idx)SN_GEMM_KC, (sn_idx)(size_k - kb));
        if (kc > 0) {
            for (int at = 0; at < panels * SN_GEMM_NR; at += SN_GEMM_W) {
                const sn_idx outer = col0 + at;
                const sn_idx r3 = outer / n5, x3 = outer - r3 * n5;
                const sn_idx x2 = r3;
                if (at + SN_GEMM_W <= cols && x3 + SN_GEMM_W <= n5) {
                    sn_idx r6 = kb / 3, x6 = kb - r6 * 3;
                    sn_idx r5 = r6 / 3, x5 = r6 - r5 * 3;
                    sn_idx x4 = r5;
                    for (int k = 0; k < kc; ++k) {
                        const sn_idx kx = kb + k;
                        float8 pb1 = (float8)(0);
                        if (((0 < (x3 + x6)) && (((x5 + x2) < n8) && (((x3 + x6) < n8) && (0 < (x5 + x2))))) && ((0 < ((x3 + 7) + x6)) && (((x5 + x2) < n8) && ((((x3 + 7) + x6) < n8) && (0 < (x5 + x2)))))) pb1 = sn_loadv_f32(8, b1, (n6*bi + n5*x5 + n5*x2 + x3 + n3*x4 + x6 + n7));
                        else if (((n6*bi + n5*x5 + n5*x2 + x3 + n3*x4 + x6 + n7)) >= 0 && ((n6*bi + n5*x5 + n5*x2 + x3 + n3*x4 + x6 + n7)) <= n9)
                            pb1 = (convert_int8(((-(0 < ((x3 + SN_IOTA8) + x6))) & (((x5 + x2) < n8) & ((-(((x3 + SN_IOTA8) + x6) < n8)) & (0 < (x5 + x2)))))) != 0) ? sn_loadv_f32(8, b1, (n6*bi + n5*x5 + n5*x2 + x3 + n3*x4 + x6 + n7)) : (float8)(0);
                        else
                        {
                            float lanes[8];
                            #pragma nounroll
                            for (int lane = 0; lane < 8; ++lane) lanes[lane] = (((0 < ((x3 + lane) + x6)) && (((x5 + x2) < n8) && ((((x3 + lane) + x6) < n8) && (0 < (x5 + x2))))) ? sn_load_f32(b1, (n6*bi + n5*x5 + n5*x2 + (x3 + lane) + n3*x4 + x6 + n7)) : 0);
                            pb1 = vload8(0, lanes);
                        }
                        SN_GEMM_VSTORE(pb1, 0, SN_GEMM_B_AT(b_block, k, at));
                        if (++x6 == 3) { x6 = 0; if (++x5 == 3) { x5 = 0; ++x4; } }
                    }
                } else {
                    for (int line = at; line < at + SN_GEMM_W; ++line) {
                        if (line < cols) {
                            if (0 < kc) {
                                const sn_idx outer = col0 + line;
                                const sn_idx r3 = outer / n5, x3 = outer - r3 * n5;
                                const sn_idx x2 = r3;
                                const sn_idx k_first = kb + 0;
                                sn_idx r6 = k_first / 3, x6 = k_first - r6 * 3;
                                sn_idx r5 = r6 / 3, x5 = r6 - r5 * 3;
                                sn_idx x4 = r5;
                                for (int k = 0; k < kc; ++k) {
                                    const sn_idx kx = kb + k;
                                    const float pb1 = (((0 < (x3 + x6)) && (((x5 + x2) < n8) && (((x3 + x6) < n8) && (0 < (x5 + x2))))) ? sn_load_f32(b1, (n6*bi + n5*x5 + n5*x2 + x3 + n3*x4 + x6 + n7)) : 0);
                                    *(SN_GEMM_B_AT(b_block, k, line)) = pb1;
                                    if (++x6 == 3) { x6 = 0; if (++x5 == 3) { x5 = 0; ++x4; } }
                                }
                            }
                        } else {
                            for (int k = 0; k < kc; ++k) *(SN_GEMM_B_AT(b_block, k, line)) = 0;
                        }
                    }
                }
            }
        }
        for (int i = 0; i < rows;) {
            const int step = sn_gemm_rows(rows - i);
            SN_GEMM_A_PTR a[SN_GEMM_MR];
            for (int r = 0; r < step; ++r) {
                const sn_idx row = row0 + i + r;
                a[r] = b0 + (n2*row + 3*0 + 9*0 + kb);
            }
            for (int p = 0; p < panels; ++p)
                sn_gemm_tile(step, a, b_block + p * (SN_GEMM_KC * SN_GEMM_NR), sums + i * SN_GEMM_LDC + p * SN_GEMM_NR, kc, kb == 0);
            i += step;
        }
    }
    for (int i = 0; i < rows; ++i) {
        const sn_idx row = row0 + i;
        for (int j = 0; j < cols;) {
            const sn_idx col = col0 + j;
            __local const SN_GEMM_REAL *from = sums + i * SN_GEMM_LDC + j;
            if (j + SN_GEMM_W <= cols) {
                const SN_GEMM_V acc = SN_GEMM_VLOAD(0, from);
                const float e4 = sn_load_f32(b2, row);
                const float8 e5 = (acc + e4);
                const float8 e6 = sn_max_float8(e5, (float8)(0.0f));
                sn_storev_f32(8, e6, b3, (n6*bi + n3*row + n5*0 + col));
                j += SN_GEMM_W;
                continue;
            }
            const SN_GEMM_REAL acc = *from;
            const float e4 = sn_load_f32(b2, row);
            const float e5 = (acc + e4);
            const float e6 = sn_max_float(e5, 0.0f);
            sn_store_f32(e6, b3, (n6*bi + n3*row + n5*0 + col));
            ++j;
        }
    }
}

