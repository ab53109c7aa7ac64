// softmax(q * k / 8 + mask) * v: 1 launch
/*
step 1: cpu_attention keys=128 columns=64 rows=48 waves=4
loop i0<n i1<12 i2<m i3<64 inner i4<m inner i5<64
  s0:f32 = b0[(768*i0*m + 64*i1*m + 64*i2 + i5)]
  s1:f32 = b1[(768*i0*m + 64*i1*m + 64*i4 + i5)]
  s2:f32 = mul s0 s1
  s3:f32 = reduce sum over i5 s2
  s4:f32 = 0.125
  s5:f32 = mul s3 s4
  s6:f32 = b2[(i0*m + i4)]
  s7:f32 = add s5 s6
  s8:f32 = reduce max over i4 s7
  s9:f32 = sub s7 s8
  s10:f32 = exp s9
  s11:f32 = reduce sum over i4 s10
  s12:f32 = div s10 s11
  s13:f32 = b3[(768*i0*m + 64*i1*m + i3 + 64*i4)]
  s14:f32 = mul s10 s13
  s15:f32 = reduce sum over i4 s14
  s16:f32 = div s15 s11
  s17:f32 = 0.0
  s18:f32 = select s16 s17 if (0 < m)
  b4[(768*i0*m + 64*i1*m + 64*i2 + i3)] = s18
b0: f32[n, 12, m, 64], read in 2 places
b1: f32[n, 12, m, 64], read in 2 places
b2: f32[n, 1, 1, m], read in 2 places
b3: f32[n, 12, m, 64], read in 2 places
b4: f32[n, 12, m, 64], written in 2 places
work-items: (((m - 1)/6*min(8, max(1, (((m - 1)/(6*(31/max(1, 12*n)) + 6)) + 1)))) + 1) in groups of 1, 1 in groups of 1, 12*n in groups of 1
*/
#define SN_GEMM_REAL float
#define SN_GEMM_W 8
#define SN_GEMM_LDC 128
#define SN_GEMM_KC 128
#define SN_GEMM_A_PACKED
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
#define SN_T float2
#define SN_W 2
#define SN_I32 int2
#define SN_I64 long2
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64
#define SN_T float4
#define SN_W 4
#define SN_I32 int4
#define SN_I64 long4
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
__kernel void cpu_attention(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, const sn_idx n3, const sn_idx n4, __global const float *restrict b1, const ulong o1, __global const float *restrict b2, const ulong o2, __global const float *restrict b3, const ulong o3, const sn_idx n5, __global float *restrict b4, const ulong o4) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    b4 += o4;
    __local float a_block[6144];
    __local float b_block[16384];
    __local float scores[6144], sums[6144];
    __local float best_of[48], total_of[48];
    const sn_idx row0 = (sn_idx)get_group_id(0) * n0;
    const sn_idx col0 = (sn_idx)get_group_id(1) * 64;
    const sn_idx bi = (sn_idx)get_group_id(2);
    const sn_idx r1 = bi / 12, x1 = bi - r1 * 12;
    const sn_idx x0 = r1;
    const int rows = (int)min((sn_idx)(n0), (sn_idx)(n1 - row0));
    const int cols = (int)min((sn_idx)64, (sn_idx)(n2 - col0));
    for (int i = 0; i < rows; ++i) { best_of[i] = -INFINITY; total_of[i] = 0.0f; }
    bool first = true;
    for (sn_idx key0 = 0; key0 < n1 || first; key0 += SN_GEMM_KC) {
        const int keys = (int)max((sn_idx)0, min((sn_idx)SN_GEMM_KC, (sn_idx)(n1 - key0)));
         {
            const sn_idx col0 = key0;
            const int cols = keys, panels = (keys + SN_GEMM_NR - 1) / SN_GEMM_NR;
            for (sn_idx kb = 0; kb == 0 || kb < n2; kb += SN_GEMM_KC) {
                const int kc = (int)min((sn_idx)SN_GEMM_KC, (sn_idx)(n2 - kb));
                if (kc > 0 && (first || n2 > SN_GEMM_KC)) {
                    const sn_idx a_row0 = row0;
                    const int a_rows = rows;
                    for (int line = 0; line < a_rows; ++line) {
                        const sn_idx outer = a_row0 + line;
                        int k_done = 0;
                        for (; k_done + SN_GEMM_W <= kc; k_done += SN_GEMM_W) {
                            const sn_idx kx = kb + k_done;
                            const float8 pa0 = sn_loadv_f32(8, b0, (n3*x0 + n4*x1 + n2*outer + kx));
                            SN_GEMM_VSTORE(pa0, 0, a_block + (line) * SN_GEMM_KC + k_done);
                        }
                        if (k_done < kc) {
                            const sn_idx outer = a_row0 + line;
                            const sn_idx k_first = kb + k_done;
                            for (int k = k_done; k < kc; ++k) {
                                const sn_idx kx = kb + k;
                                const float pa0 = sn_load_f32(b0, (n3*x0 + n4*x1 + n2*outer + kx));
                                *(a_block + (line) * SN_GEMM_KC + k) = pa0;
                            }
                        }
                    }
                }
                if (kc > 0 && keys > 0) {
                    for (int at = 0; at < panels * SN_GEMM_NR; at += SN_GEMM_W) {
                        int k_done = 0;
                        for (; at + SN_GEMM_W <= cols && k_done + SN_GEMM_W <= kc; k_done += SN_GEMM_W) {
                            SN_GEMM_V block[SN_GEMM_W];
                            const sn_idx kx = kb + k_done;
                            #pragma nounroll
                            for (int i = 0; i < SN_GEMM_W; ++i) {
                                const sn_idx outer = col0 + at + i;
                                const float8 pb1 = sn_loadv_f32(8, b1, (n3*x0 + n4*x1 + n2*outer + kx));
                                block[i] = pb1;
                            }
                            sn_gemm_transpose(block, SN_GEMM_B_AT(b_block, k_done, at), SN_GEMM_NR);
                        }
                        for (int line = at; line < at + SN_GEMM_W; ++line) {
                            if (line < cols) {
                                if (k_done < kc) {
                                    const sn_idx outer = col0 + line;
                                    const sn_idx k_first = kb + k_done;
                                    for (int k = k_done; k < kc; ++k) {
                                        const sn_idx kx = kb + k;
                                        const float pb1 = sn_load_f32(b1, (n3*x0 + n4*x1 + n2*outer + kx));
                                        *(SN_GEMM_B_AT(b_block, k, line)) = pb1;
                                    }
                                }
                            } else {
                                for (int k = k_done; k < kc; ++k) *(SN_GEMM_B_AT(b_block, k, line)) = 0;
                            }
                        }
                    }
                }
                for (int i = 0; i < rows;) {
                    const int step = sn_gemm_rows(rows - i);
                    SN_GEMM_A_PTR a[SN_GEMM_MR];
                    for (int r = 0; r < step; ++r) a[r] = a_block + (i + r) * SN_GEMM_KC;
                    for (int p = 0; p < panels; ++p)
                        sn_gemm_tile(step, a, b_block + p * (SN_GEMM_KC * SN_GEMM_NR), scores + i * SN_GEMM_LDC + p * SN_GEMM_NR, kc, kb == 0);
                    i += step;
                }
            }
        }
        for (int i = 0; i < rows; ++i) {
            const sn_idx row = row0 + i;
            __local float *line = scores + i * SN_GEMM_LDC;
            float best = best_of[i];
            float8 best_v = (float8)((-(float)INFINITY));
             {
                int j = 0;
                for (; j + SN_GEMM_W <= keys; j += SN_GEMM_W) {
                    const sn_idx key = key0 + j;
                    const float8 acc = SN_GEMM_VLOAD(0, line + j);
                    const float v4 = 0.125f;
                    const float8 v5 = (acc * v4);
                    const float8 v6 = sn_loadv_f32(8, b2, (n1*x0 + key));
                    const float8 v7 = (v5 + v6);
                    SN_GEMM_VSTORE(v7, 0, line + j);
                    best_v = sn_max_float8(best_v, v7);
                }
                for (; j < keys; ++j) {
                    const sn_idx key = key0 + j;
                    const float acc = line[j];
                    const float s4 = 0.125f;
                    const float s5 = (acc * s4);
                    const float s6 = sn_load_f32(b2, (n1*x0 + key));
                    const float s7 = (s5 + s6);
                    line[j] = s7;
                    best = sn_max_float(best, s7);
                }
                const float4 best_v_4 = sn_max_float4(best_v.lo, best_v.hi);
                const float2 best_v_4_2 = sn_max_float2(best_v_4.lo, best_v_4.hi);
                const float best_v_4_2_1 = sn_max_float(best_v_4_2.lo, best_v_4_2.hi);
                best = sn_max_float(best, best_v_4_2_1);
            }
            const float zero = best == -INFINITY ? 0.0f : best;
            const float scale = sn_exp_float(best_of[i] - zero);
            best_of[i] = best;
            float total = total_of[i] * scale;
            float8 total_v = (float8)(0.0f);
             {
                int j = 0;
                for (; j + SN_GEMM_W <= keys; j += SN_GEMM_W) {
                    const sn_idx key = key0 + j;
                    const float8 acc = SN_GEMM_VLOAD(0, line + j);
                    const float8 v9 = (acc - zero);
                    const float8 v10 = sn_exp_float8(v9);
                    SN_GEMM_VSTORE(v10, 0, line + j);
                    total_v = (total_v + v10);
                }
                for (; j < keys; ++j) {
                    const sn_idx key = key0 + j;
                    const float acc = line[j];
                    const float s9 = (acc - zero);
                    const float s10 = sn_exp_float(s9);
                    line[j] = s10;
                    total = (total + s10);
                }
                const float4 total_v_4 = (total_v.lo + total_v.hi);
                const float2 total_v_4_2 = (total_v_4.lo + total_v_4.hi);
                const float total_v_4_2_1 = (total_v_4_2.lo + total_v_4_2.hi);
                total = (total + total_v_4_2_1);
            }
            total_of[i] = total;
            if (!first && scale != 1.0f) {
                __local float *sum = sums + i * SN_GEMM_LDC;
                for (int c = 0; c < cols; c += SN_GEMM_W) SN_GEMM_VSTORE(SN_GEMM_VLOAD(0, sum + c) * scale, 0, sum + c);
            }
        }
         {
            const sn_idx kb = key0;
            const int kc = keys;
            const int panels = (cols + SN_GEMM_NR - 1) / SN_GEMM_NR;
            if (kc > 0) {
                for (int k = 0; k < kc; ++k) {
                    const sn_idx kx = kb + k;
                    for (int at = 0; at + SN_GEMM_W <= cols; at += SN_GEMM_W) {
                        const sn_idx outer = col0 + at;
                        const float8 pb13 = sn_loadv_f32(8, b3, (n3*x0 + n4*x1 + outer + n2*kx));
                        SN_GEMM_VSTORE(pb13, 0, SN_GEMM_B_AT(b_block, k, at));
                    }
                }
                for (int line = cols / SN_GEMM_W * SN_GEMM_W; line < panels * SN_GEMM_NR; ++line) {
                    if (line < cols) {
                        if (0 < kc) {
                            const sn_idx outer = col0 + line;
                            const sn_idx k_first = kb + 0;
                            for (int k = 0; k < kc; ++k) {
                                const sn_idx kx = kb + k;
                                const float pb13 = sn_load_f32(b3, (n3*x0 + n4*x1 + outer + n2*kx));
                                *(SN_GEMM_B_AT(b_block, k, line)) = pb13;
                            }
                        }
                    } else {
                        for (int k = 0; k < kc; ++k) *(SN_GEMM_B_AT(b_block, k, line)) = 0;
                    }
                }
            }
            for (int i = 0; i < rows;) {
                const int step = sn_gemm_rows(rows - i);
                SN_GEMM_A_PTR a[SN_GEMM_MR];
                for (int r = 0; r < step; ++r) a[r] = scores + (i + r) * SN_GEMM_LDC;
                for (int p = 0; p < panels; ++p)
                    sn_gemm_tile(step, a, b_block + p * (SN_GEMM_KC * SN_GEMM_NR), sums + i * SN_GEMM_LDC + p * SN_GEMM_NR, kc, first);
                i += step;
            }
        }
        first = false;
    }
    for (int i = 0; i < rows; ++i) {
        const sn_idx row = row0 + i;
        const float best = best_of[i], total = total_of[i];
        __local const float *from = sums + i * SN_GEMM_LDC;
        int j = 0;
        for (; j + SN_GEMM_W <= cols; j += SN_GEMM_W) {
            const sn_idx col = col0 + j;
            const SN_GEMM_V acc = SN_GEMM_VLOAD(0, from + j);
            const float8 v16 = sn_div_float8(acc, (float8)(total));
            const float v17 = 0.0f;
            const float8 v18 = n5 ? v16 : (float8)(v17);
            sn_storev_f32(8, v18, b4, (n3*x0 + n4*x1 + n2*row + col));
        }
        for (; j < cols; ++j) {
            const sn_idx col = col0 + j;
            const float acc = from[j];
            const float s16 = sn_div_float(acc, total);
            const float s17 = 0.0f;
            const float s18 = n5 ? s16 : s17;
            sn_store_f32(s18, b4, (n3*x0 + n4*x1 + n2*row + col));
        }
    }
}

