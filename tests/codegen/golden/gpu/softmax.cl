// softmax of rows of 1024: 1 launch
/*
step 1: gpu_row group=256 each=4 keep=1
loop i0<n inner i1<1024
  s0:f32 = b0[(1024*i0 + i1)]
  s1:f32 = reduce max over i1 s0
  s2:f32 = sub s0 s1
  s3:f32 = exp s2
  s4:f32 = reduce sum over i1 s3
  s5:f32 = div s3 s4
  b1[(1024*i0 + i1)] = s5
b0: f32[n, 1024], read in 1 place
b1: f32[n, 1024], written in 1 place
work-items: 256*n in groups of 256
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

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, const sn_idx n3, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const int item = (int)get_local_id(0), lane = item % (int)n0;
    const sn_idx wanted = (sn_idx)get_group_id(0) * n1 + item / n0;
    const bool active = wanted < n2;
    const sn_idx row = active ? wanted : n2 - 1;
    const sn_idx share = active ? n0 : 0;
    const sn_idx i0 = row;
    float4 kept0[1];
    float4 kept3[1];
    __local float shared1[256];
    __local float shared4[256];
    float4 acc1_v = (float4)((-(float)INFINITY));
    float acc1_t = (-(float)INFINITY);
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n0 - 1);
            const sn_idx i1 = v * 4;
            const float4 s0 = sn_aloadv_f32(4, b0, (n3*i0 + i1));
            kept0[k] = s0;
            if (own < share) {
                acc1_v = sn_max_float4(acc1_v, s0);
            }
        }
        float2 acc1_f_2 = acc1_v.lo;
        acc1_f_2 = sn_max_float2(acc1_f_2, acc1_v.hi);
        float acc1_f = acc1_f_2.lo;
        acc1_f = sn_max_float(acc1_f, acc1_f_2.hi);
        acc1_t = sn_max_float(acc1_t, acc1_f);
        shared1[item] = acc1_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
     {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared1[item] = sn_max_float(shared1[item], shared1[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc1_all = (-(float)INFINITY);
     {
        acc1_all = shared1[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc1_all = sn_max_float(acc1_all, shared1[item - lane + k]);
        }
    }
    const float s1 = acc1_all;
    float4 acc4_v = (float4)(0.0f);
    float acc4_t = 0.0f;
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n0 - 1);
            const sn_idx i1 = v * 4;
            const float4 s2 = (kept0[k] - s1);
            const float4 s3 = sn_exp_float4(s2);
            kept3[k] = s3;
            if (own < share) {
                acc4_v = (acc4_v + s3);
            }
        }
        float2 acc4_f_2 = acc4_v.lo;
        acc4_f_2 = (acc4_f_2 + acc4_v.hi);
        float acc4_f = acc4_f_2.lo;
        acc4_f = (acc4_f + acc4_f_2.hi);
        acc4_t = (acc4_t + acc4_f);
        shared4[item] = acc4_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
     {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared4[item] = (shared4[item] + shared4[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc4_all = 0.0f;
     {
        acc4_all = shared4[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc4_all = (acc4_all + shared4[item - lane + k]);
        }
    }
    const float s4 = acc4_all;
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n0 - 1);
            const sn_idx i1 = v * 4;
            const float4 s5 = sn_div_float4(kept3[k], (float4)(s4));
            if (own < share) {
                sn_astorev_f32(4, s5, b1, (n3*i0 + i1));
            }
        }
    }
}

