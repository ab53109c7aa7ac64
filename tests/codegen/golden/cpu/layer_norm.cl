// layer norm of rows of 768: 1 launch
/*
step 1: cpu_row lanes=8 unroll=4 group_work=65536 unit_groups=4 tuples=1
loop i0<n inner i1<768
  s0:f32 = b0[(768*i0 + i1)]
  s1:f32 = reduce sum over i1 s0
  s2:f32 = 768.0
  s3:f32 = div s1 s2
  s4:f32 = sub s0 s3
  s5:f32 = mul s4 s4
  s6:f32 = reduce sum over i1 s5
  s7:f32 = div s6 s2
  s8:f32 = 9.999999747378752e-06
  s9:f32 = add s7 s8
  s10:f32 = rsqrt s9
  s11:f32 = mul s4 s10
  s12:f32 = b1[i1]
  s13:f32 = mul s11 s12
  s14:f32 = b2[i1]
  s15:f32 = add s13 s14
  b3[(768*i0 + i1)] = s15
b0: f32[n, 768], read in 14 places
b1: f32[768], read in 2 places
b2: f32[768], read in 2 places
b3: f32[n, 768], written in 2 places
work-items: min(32, min(n, max(1, ((768*n + 2427)/2428)))) in groups of 1
*/
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

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, __global const float *restrict b2, const ulong o2, __global float *restrict b3, const ulong o3) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    const sn_idx first = (sn_idx)get_group_id(0) * n0;
    const sn_idx stop = first + min((sn_idx)n0, (sn_idx)n1 - first);
    for (sn_idx row = first; row < stop; ++row) {
        const sn_idx i0 = row;
        const float s2 = 768.0f;
        const float s8 = 1e-05f;
        float8 acc1_v0 = (float8)(0.0f);
        float8 acc1_v1 = (float8)(0.0f);
        float8 acc1_v2 = (float8)(0.0f);
        float8 acc1_v3 = (float8)(0.0f);
        float acc1_t = 0.0f;
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 32; i1 += 32) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                acc1_v0 = (acc1_v0 + s0);
                 {
                    const sn_idx i1_1 = i1 + 8;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_1));
                    acc1_v1 = (acc1_v1 + s0);
                }
                 {
                    const sn_idx i1_2 = i1 + 16;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_2));
                    acc1_v2 = (acc1_v2 + s0);
                }
                 {
                    const sn_idx i1_3 = i1 + 24;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_3));
                    acc1_v3 = (acc1_v3 + s0);
                }
            }
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                acc1_v0 = (acc1_v0 + s0);
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                acc1_t = (acc1_t + s0);
            }
        }
        acc1_v0 = (acc1_v0 + acc1_v2);
        acc1_v1 = (acc1_v1 + acc1_v3);
        acc1_v0 = (acc1_v0 + acc1_v1);
        float4 acc1_f_4 = acc1_v0.lo;
        acc1_f_4 = (acc1_f_4 + acc1_v0.hi);
        float2 acc1_f_2 = acc1_f_4.lo;
        acc1_f_2 = (acc1_f_2 + acc1_f_4.hi);
        float acc1_f = acc1_f_2.lo;
        acc1_f = (acc1_f + acc1_f_2.hi);
        acc1_t = (acc1_t + acc1_f);
        const float s1 = acc1_t;
        const float s3 = sn_div_float(s1, s2);
        float8 acc6_v0 = (float8)(0.0f);
        float8 acc6_v1 = (float8)(0.0f);
        float8 acc6_v2 = (float8)(0.0f);
        float8 acc6_v3 = (float8)(0.0f);
        float acc6_t = 0.0f;
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 32; i1 += 32) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s4 = (s0 - s3);
                acc6_v0 = fma(s4, s4, acc6_v0);
                 {
                    const sn_idx i1_1 = i1 + 8;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_1));
                    const float8 s4 = (s0 - s3);
                    acc6_v1 = fma(s4, s4, acc6_v1);
                }
                 {
                    const sn_idx i1_2 = i1 + 16;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_2));
                    const float8 s4 = (s0 - s3);
                    acc6_v2 = fma(s4, s4, acc6_v2);
                }
                 {
                    const sn_idx i1_3 = i1 + 24;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_3));
                    const float8 s4 = (s0 - s3);
                    acc6_v3 = fma(s4, s4, acc6_v3);
                }
            }
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s4 = (s0 - s3);
                acc6_v0 = fma(s4, s4, acc6_v0);
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                const float s4 = (s0 - s3);
                acc6_t = fma(s4, s4, acc6_t);
            }
        }
        acc6_v0 = (acc6_v0 + acc6_v2);
        acc6_v1 = (acc6_v1 + acc6_v3);
        acc6_v0 = (acc6_v0 + acc6_v1);
        float4 acc6_f_4 = acc6_v0.lo;
        acc6_f_4 = (acc6_f_4 + acc6_v0.hi);
        float2 acc6_f_2 = acc6_f_4.lo;
        acc6_f_2 = (acc6_f_2 + acc6_f_4.hi);
        float acc6_f = acc6_f_2.lo;
        acc6_f = (acc6_f + acc6_f_2.hi);
        acc6_t = (acc6_t + acc6_f);
        const float s6 = acc6_t;
        const float s7 = sn_div_float(s6, s2);
        const float s9 = (s7 + s8);
        const float s10 = sn_rsqrt_float(s9);
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s4 = (s0 - s3);
                const float8 s11 = (s4 * s10);
                const float8 s12 = sn_loadv_f32(8, b1, i1);
                const float8 s13 = (s11 * s12);
                const float8 s14 = sn_loadv_f32(8, b2, i1);
                const float8 s15 = (s13 + s14);
                sn_storev_f32(8, s15, b3, (n2*i0 + i1));
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                const float s4 = (s0 - s3);
                const float s11 = (s4 * s10);
                const float s12 = sn_load_f32(b1, i1);
                const float s13 = (s11 * s12);
                const float s14 = sn_load_f32(b2, i1);
                const float s15 = (s13 + s14);
                sn_store_f32(s15, b3, (n2*i0 + i1));
            }
        }
    }
}

