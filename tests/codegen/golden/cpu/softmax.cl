// softmax of rows of 1024: 1 launch
/*
step 1: cpu_row lanes=8 unroll=4 group_work=65536 unit_groups=4 tuples=1
loop i0<n inner i1<1024
  s0:f32 = b0[(1024*i0 + i1)]
  s1:f32 = reduce max over i1 s0
  s2:f32 = sub s0 s1
  s3:f32 = exp s2
  s4:f32 = reduce sum over i1 s3
  s5:f32 = div s3 s4
  b1[(1024*i0 + i1)] = s5
b0: f32[n, 1024], read in 12 places
b1: f32[n, 1024], written in 10 places
work-items: min(32, min(n, max(1, ((1024*n + 4096)/4097)))) in groups of 1
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
__kernel void cpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const sn_idx first = (sn_idx)get_group_id(0) * n0;
    const sn_idx stop = first + min((sn_idx)n0, (sn_idx)n1 - first);
    for (sn_idx row = first; row < stop; ++row) {
        const sn_idx i0 = row;
        float8 acc1_v0 = (float8)((-(float)INFINITY));
        float8 acc1_v1 = (float8)((-(float)INFINITY));
        float8 acc1_v2 = (float8)((-(float)INFINITY));
        float8 acc1_v3 = (float8)((-(float)INFINITY));
        float acc1_t = (-(float)INFINITY);
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 32; i1 += 32) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                acc1_v0 = sn_max_float8(acc1_v0, s0);
                 {
                    const sn_idx i1_1 = i1 + 8;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_1));
                    acc1_v1 = sn_max_float8(acc1_v1, s0);
                }
                 {
                    const sn_idx i1_2 = i1 + 16;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_2));
                    acc1_v2 = sn_max_float8(acc1_v2, s0);
                }
                 {
                    const sn_idx i1_3 = i1 + 24;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_3));
                    acc1_v3 = sn_max_float8(acc1_v3, s0);
                }
            }
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                acc1_v0 = sn_max_float8(acc1_v0, s0);
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                acc1_t = sn_max_float(acc1_t, s0);
            }
        }
        acc1_v0 = sn_max_float8(acc1_v0, acc1_v2);
        acc1_v1 = sn_max_float8(acc1_v1, acc1_v3);
        acc1_v0 = sn_max_float8(acc1_v0, acc1_v1);
        float4 acc1_f_4 = acc1_v0.lo;
        acc1_f_4 = sn_max_float4(acc1_f_4, acc1_v0.hi);
        float2 acc1_f_2 = acc1_f_4.lo;
        acc1_f_2 = sn_max_float2(acc1_f_2, acc1_f_4.hi);
        float acc1_f = acc1_f_2.lo;
        acc1_f = sn_max_float(acc1_f, acc1_f_2.hi);
        acc1_t = sn_max_float(acc1_t, acc1_f);
        const float s1 = acc1_t;
        float8 acc4_v0 = (float8)(0.0f);
        float8 acc4_v1 = (float8)(0.0f);
        float8 acc4_v2 = (float8)(0.0f);
        float8 acc4_v3 = (float8)(0.0f);
        float acc4_t = 0.0f;
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 32; i1 += 32) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s2 = (s0 - s1);
                const float8 s3 = sn_exp_float8(s2);
                sn_storev_f32(8, s3, b1, (n2*i0 + i1));
                acc4_v0 = (acc4_v0 + s3);
                 {
                    const sn_idx i1_1 = i1 + 8;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_1));
                    const float8 s2 = (s0 - s1);
                    const float8 s3 = sn_exp_float8(s2);
                    sn_storev_f32(8, s3, b1, (n2*i0 + i1_1));
                    acc4_v1 = (acc4_v1 + s3);
                }
                 {
                    const sn_idx i1_2 = i1 + 16;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_2));
                    const float8 s2 = (s0 - s1);
                    const float8 s3 = sn_exp_float8(s2);
                    sn_storev_f32(8, s3, b1, (n2*i0 + i1_2));
                    acc4_v2 = (acc4_v2 + s3);
                }
                 {
                    const sn_idx i1_3 = i1 + 24;
                    const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1_3));
                    const float8 s2 = (s0 - s1);
                    const float8 s3 = sn_exp_float8(s2);
                    sn_storev_f32(8, s3, b1, (n2*i0 + i1_3));
                    acc4_v3 = (acc4_v3 + s3);
                }
            }
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s2 = (s0 - s1);
                const float8 s3 = sn_exp_float8(s2);
                sn_storev_f32(8, s3, b1, (n2*i0 + i1));
                acc4_v0 = (acc4_v0 + s3);
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                const float s2 = (s0 - s1);
                const float s3 = sn_exp_float(s2);
                sn_store_f32(s3, b1, (n2*i0 + i1));
                acc4_t = (acc4_t + s3);
            }
        }
        acc4_v0 = (acc4_v0 + acc4_v2);
        acc4_v1 = (acc4_v1 + acc4_v3);
        acc4_v0 = (acc4_v0 + acc4_v1);
        float4 acc4_f_4 = acc4_v0.lo;
        acc4_f_4 = (acc4_f_4 + acc4_v0.hi);
        float2 acc4_f_2 = acc4_f_4.lo;
        acc4_f_2 = (acc4_f_2 + acc4_f_4.hi);
        float acc4_f = acc4_f_2.lo;
        acc4_f = (acc4_f + acc4_f_2.hi);
        acc4_t = (acc4_t + acc4_f);
        const float s4 = acc4_t;
         {
            sn_idx i1 = 0;
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s3 = sn_loadv_f32(8, b1, (n2*i0 + i1));
                const float8 s5 = sn_div_float8(s3, (float8)(s4));
                sn_storev_f32(8, s5, b1, (n2*i0 + i1));
            }
            for (; i1 < n2; ++i1) {
                const float s3 = sn_load_f32(b1, (n2*i0 + i1));
                const float s5 = sn_div_float(s3, s4);
                sn_store_f32(s5, b1, (n2*i0 + i1));
            }
        }
    }
}

