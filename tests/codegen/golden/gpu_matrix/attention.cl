// softmax(q * k / 8 + mask) * v: 1 launch
/*
step 1: gpu_attention rows=32 keys=64 columns=64 items=128 lanes=16 step=64 held=64
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
b0: f32[n, 12, m, 64], read in 1 place
b1: f32[n, 12, m, 64], read in 1 place
b2: f32[n, 1, 1, m], read in 1 place
b3: f32[n, 12, m, 64], read in 1 place
b4: f32[n, 12, m, 64], written in 1 place
work-items: 128 in groups of 128, ((m + 31)/32) in groups of 1, 12*n in groups of 1
*/
#define SN_ATT_ROWS 32
#define SN_ATT_KEYS 64
#define SN_ATT_COLUMNS 64
#define SN_ATT_ITEMS 128
#define SN_ATT_LANES 16
#define SN_ATT_STEP 64
#define SN_ATT_HELD 64
#define SN_ATT_V_STEP 64
#define SN_ATT_SHUFFLED 16
#define SN_ATT_UNROLL _Pragma("unroll 2")
#include "attention/gpu_attention.cl"
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
__kernel void gpu_attention(const sn_idx n0, const sn_idx n1, __global const float *restrict b0, const ulong o0, const sn_idx n2, const sn_idx n3, __global const float *restrict b1, const ulong o1, __global const float *restrict b2, const ulong o2, __global const float *restrict b3, const ulong o3, const sn_idx n4, __global float *restrict b4, const ulong o4) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    b4 += o4;
    __local float q_tile[SN_ATT_ROWS * SN_ATT_LDQ] __attribute__((aligned(16)));
    __local float kv_tile[SN_ATT_KV_TILE] __attribute__((aligned(16)));
    __local float weights[SN_ATT_W_TILE] __attribute__((aligned(16)));
    SN_ATT_LOCALS
    SN_ATT_ITEM
    const sn_idx col0 = (sn_idx)get_group_id(0) * SN_ATT_COLUMNS;
    const sn_idx row0 = (sn_idx)get_group_id(1) * SN_ATT_ROWS;
    const sn_idx bi = (sn_idx)get_group_id(2);
    const sn_idx r1 = bi / 12, x1 = bi - r1 * 12;
    const sn_idx x0 = r1;
    const sn_idx size_m = n1, size_n = n0;
    const sn_idx size_keys = n1, size_depth = n0;
    float scores[SN_ATT_TM][SN_ATT_TN], best[SN_ATT_TM], most[SN_ATT_TM], total[SN_ATT_TM];
    float4 sums[SN_ATT_TM][SN_ATT_TC];
    SN_ATT_EACH(i, SN_ATT_TM) {
        best[i] = -INFINITY;
        total[i] = 0;
        SN_ATT_EACH(j, SN_ATT_TC) sums[i][j] = 0;
    }
    const sn_idx depth_first = 0;
    #pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int x = item + i * 128;
        const int at_k = x % 16 * 4, at_outer = x / 16;
        const sn_idx outer = row0 + at_outer, kx = depth_first + at_k;
        float4 value = 0;
        if (outer < size_m && kx < size_depth) {
            const float4 q0 = sn_aloadv_f32(4, b0, (n2*x0 + n3*x1 + n0*outer + kx));
            value = q0;
        }
        *(__local float4 *)(q_tile + at_outer * 68 + at_k) = value;
    }
    for (sn_idx key0 = 0; key0 < size_keys; key0 += SN_ATT_KEYS) {
        SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TN) scores[i][j] = 0;
        for (sn_idx depth0 = 0; depth0 < size_depth; depth0 += SN_ATT_STEP) {
            #pragma unroll
            for (int i = 0; i < 8; ++i) {
                const int x = item + i * 128;
                const int at_k = x % 16 * 4, at_outer = x / 16;
                const sn_idx outer = key0 + at_outer, kx = depth0 + at_k;
                float4 value = 0;
                if (outer < size_keys && kx < size_depth) {
                    const float4 k1 = sn_aloadv_f32(4, b1, (n2*x0 + n3*x1 + n0*outer + kx));
                    value = k1;
                }
                *(__local float4 *)(kv_tile + at_outer * 68 + at_k) = value;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            SN_ATT_MULTIPLY_QK(q_tile + depth0, kv_tile)
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        #pragma unroll
        for (int i = 0; i < SN_ATT_TM; ++i) {
            const sn_idx row = row0 + SN_ATT_ROW(i);
            most[i] = best[i];
            #pragma unroll
            for (int j = 0; j < SN_ATT_TN; ++j) {
                const sn_idx key = key0 + SN_ATT_KEY(j);
                float value = -INFINITY;
                if (row < size_m && key < size_keys) {
                    const float acc = SN_ATT_SCORE_AT(i, j);
                    const float s4 = 0.125f;
                    const float s5 = (acc * s4);
                    const float s6 = sn_load_f32(b2, (n1*x0 + key));
                    const float s7 = (s5 + s6);
                    value = s7;
                }
                SN_ATT_SCORE_AT(i, j) = value;
                most[i] = SN_ATT_MAX(most[i], value);
            }
        }
        SN_ATT_OVER_LANES(most, SN_ATT_MAX)
        #pragma unroll
        for (int i = 0; i < SN_ATT_TM; ++i) {
            const sn_idx row = row0 + SN_ATT_ROW(i);
            const float zero = most[i] == -INFINITY ? 0.0f : most[i];
            const float scale = sn_exp_float(best[i] - zero);
            best[i] = most[i];
            total[i] *= scale;
            SN_ATT_SCALE_SUMS(i, scale)
            #pragma unroll
            for (int j = 0; j < SN_ATT_TN; ++j) {
                const sn_idx key = key0 + SN_ATT_KEY(j);
                float value = 0.0f;
                if (row < size_m && key < size_keys) {
                    const float acc = SN_ATT_SCORE_AT(i, j);
                    const float s9 = (acc - zero);
                    const float s10 = sn_exp_float(s9);
                    value = s10;
                }
                total[i] += value;
                SN_ATT_PUT_WEIGHT(i, j, value)
            }
        }
        for (int done = 0; done < SN_ATT_KEYS; done += SN_ATT_V_STEP) {
            const sn_idx step0 = key0 + done;
            #pragma unroll
            for (int i = 0; i < 8; ++i) {
                const int x = item + i * 128;
                const int at_outer = x % 16 * 4, at_k = x / 16;
                const sn_idx outer = col0 + at_outer, kx = step0 + at_k;
                float4 value = 0;
                if (outer < size_n && kx < size_keys) {
                    const float4 v13 = sn_aloadv_f32(4, b3, (n2*x0 + n3*x1 + outer + n0*kx));
                    value = v13;
                }
                *(__local float4 *)(kv_tile + at_k * 68 + at_outer) = value;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            SN_ATT_MULTIPLY_WV(weights + done, kv_tile)
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }
    SN_ATT_OVER_LANES(total, SN_ATT_ADD)
    SN_ATT_ADD_PARTS(weights)
    #pragma unroll
    for (int i = 0; i < SN_ATT_TM; ++i) {
        const sn_idx row = row0 + SN_ATT_ROW(i);
        if (row < size_m && item_part == 0) {
            #pragma unroll
            for (int j = 0; j < SN_ATT_TC; ++j) {
                const sn_idx col = col0 + SN_ATT_COL(j);
                const float4 acc = sums[i][j];
                if (col < size_n) {
                    const float4 s16 = sn_div_float4(acc, (float4)(total[i]));
                    const float s17 = 0.0f;
                    const float4 s18 = n4 ? s16 : (float4)(s17);
                    sn_astorev_f32(4, s18, b4, (n2*x0 + n3*x1 + n0*row + col));
                }
            }
        }
    }
}

