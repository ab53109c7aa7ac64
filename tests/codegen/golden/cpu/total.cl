// one sum of squares of everything: 2 launches
/*
step 1: cpu_row lanes=8 unroll=4 group_work=65536 unit_groups=4 tuples=2
loop i0<32 inner i1<1048576
  s0:f32 = b0[(1048576*i0 + i1)]
  s1:f32 = mul s0 s0
  s2:f32 = reduce sum over i1 s1
  b1[i0] = s2
b0: f32[4096, 8192], read in 6 places
b1: f32[1, 32], written in 1 place
work-items: 32 in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_row(const sn_idx n0, const sn_idx n1, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const sn_idx first = (sn_idx)get_group_id(0) * 1;
    const sn_idx stop = first + min((sn_idx)1, (sn_idx)n0 - first);
    for (sn_idx row = first; row < stop; ++row) {
        const sn_idx i0 = row;
        float8 acc2_v0 = (float8)(0.0f);
        float8 acc2_v1 = (float8)(0.0f);
        float8 acc2_v2 = (float8)(0.0f);
        float8 acc2_v3 = (float8)(0.0f);
        float acc2_t = 0.0f;
         {
            sn_idx i1 = 0;
            for (; n1 - i1 >= 32; i1 += 32) {
                const float8 s0 = sn_loadv_f32(8, b0, (n1*i0 + i1));
                acc2_v0 = fma(s0, s0, acc2_v0);
                 {
                    const sn_idx i1_1 = i1 + 8;
                    const float8 s0 = sn_loadv_f32(8, b0, (n1*i0 + i1_1));
                    acc2_v1 = fma(s0, s0, acc2_v1);
                }
                 {
                    const sn_idx i1_2 = i1 + 16;
                    const float8 s0 = sn_loadv_f32(8, b0, (n1*i0 + i1_2));
                    acc2_v2 = fma(s0, s0, acc2_v2);
                }
                 {
                    const sn_idx i1_3 = i1 + 24;
                    const float8 s0 = sn_loadv_f32(8, b0, (n1*i0 + i1_3));
                    acc2_v3 = fma(s0, s0, acc2_v3);
                }
            }
            for (; n1 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n1*i0 + i1));
                acc2_v0 = fma(s0, s0, acc2_v0);
            }
            for (; i1 < n1; ++i1) {
                const float s0 = sn_load_f32(b0, (n1*i0 + i1));
                acc2_t = fma(s0, s0, acc2_t);
            }
        }
        acc2_v0 = (acc2_v0 + acc2_v2);
        acc2_v1 = (acc2_v1 + acc2_v3);
        acc2_v0 = (acc2_v0 + acc2_v1);
        float4 acc2_f_4 = acc2_v0.lo;
        acc2_f_4 = (acc2_f_4 + acc2_v0.hi);
        float2 acc2_f_2 = acc2_f_4.lo;
        acc2_f_2 = (acc2_f_2 + acc2_f_4.hi);
        float acc2_f = acc2_f_2.lo;
        acc2_f = (acc2_f + acc2_f_2.hi);
        acc2_t = (acc2_t + acc2_f);
        const float s2 = acc2_t;
        sn_store_f32(s2, b1, i0);
    }
}

/*
step 2: cpu_row lanes=8 unroll=4 group_work=65536 unit_groups=4 tuples=1
loop inner i0<32
  s0:f32 = b0[i0]
  s1:f32 = reduce sum over i0 s0
  b1[0] = s1
b0: f32[1, 32], read in 6 places
b1: f32[], written in 1 place
work-items: 1 in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_row(const sn_idx n0, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    float8 acc1_v0 = (float8)(0.0f);
    float8 acc1_v1 = (float8)(0.0f);
    float8 acc1_v2 = (float8)(0.0f);
    float8 acc1_v3 = (float8)(0.0f);
    float acc1_t = 0.0f;
     {
        sn_idx i0 = 0;
        for (; n0 - i0 >= 32; i0 += 32) {
            const float8 s0 = sn_loadv_f32(8, b0, i0);
            acc1_v0 = (acc1_v0 + s0);
             {
                const sn_idx i0_1 = i0 + 8;
                const float8 s0 = sn_loadv_f32(8, b0, i0_1);
                acc1_v1 = (acc1_v1 + s0);
            }
             {
                const sn_idx i0_2 = i0 + 16;
                const float8 s0 = sn_loadv_f32(8, b0, i0_2);
                acc1_v2 = (acc1_v2 + s0);
            }
             {
                const sn_idx i0_3 = i0 + 24;
                const float8 s0 = sn_loadv_f32(8, b0, i0_3);
                acc1_v3 = (acc1_v3 + s0);
            }
        }
        for (; n0 - i0 >= 8; i0 += 8) {
            const float8 s0 = sn_loadv_f32(8, b0, i0);
            acc1_v0 = (acc1_v0 + s0);
        }
        for (; i0 < n0; ++i0) {
            const float s0 = sn_load_f32(b0, i0);
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
    sn_store_f32(s1, b1, 0);
}

