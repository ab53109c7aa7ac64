// layer norm of rows of 768: 1 launch
/*
step 1: gpu_row group=256 each=4 keep=1
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
b0: f32[n, 768], read in 1 place
b1: f32[768], read in 1 place
b2: f32[768], read in 1 place
b3: f32[n, 768], written in 1 place
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

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, const sn_idx n4, __global const float *restrict b1, const ulong o1, __global const float *restrict b2, const ulong o2, __global float *restrict b3, const ulong o3) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    const int item = (int)get_local_id(0), lane = item % (int)n0;
    const sn_idx wanted = (sn_idx)get_group_id(0) * n1 + item / n0;
    const bool active = wanted < n2;
    const sn_idx row = active ? wanted : n2 - 1;
    const sn_idx share = active ? n3 : 0;
    const sn_idx i0 = row;
    float4 kept0[1];
    float4 kept4[1];
    __local float shared1[256];
    __local float shared6[256];
    const float s2 = 768.0f;
    const float s8 = 1e-05f;
    float4 acc1_v = (float4)(0.0f);
    float acc1_t = 0.0f;
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s0 = sn_aloadv_f32(4, b0, (n4*i0 + i1));
            kept0[k] = s0;
            if (own < share) {
                acc1_v = (acc1_v + s0);
            }
        }
        float2 acc1_f_2 = acc1_v.lo;
        acc1_f_2 = (acc1_f_2 + acc1_v.hi);
        float acc1_f = acc1_f_2.lo;
        acc1_f = (acc1_f + acc1_f_2.hi);
        acc1_t = (acc1_t + acc1_f);
        shared1[item] = acc1_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
     {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared1[item] = (shared1[item] + shared1[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc1_all = 0.0f;
     {
        acc1_all = shared1[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc1_all = (acc1_all + shared1[item - lane + k]);
        }
    }
    const float s1 = acc1_all;
    const float s3 = sn_div_float(s1, s2);
    float4 acc6_v = (float4)(0.0f);
    float acc6_t = 0.0f;
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s4 = (kept0[k] - s3);
            kept4[k] = s4;
            if (own < share) {
                acc6_v = fma(s4, s4, acc6_v);
            }
        }
        float2 acc6_f_2 = acc6_v.lo;
        acc6_f_2 = (acc6_f_2 + acc6_v.hi);
        float acc6_f = acc6_f_2.lo;
        acc6_f = (acc6_f + acc6_f_2.hi);
        acc6_t = (acc6_t + acc6_f);
        shared6[item] = acc6_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
     {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared6[item] = (shared6[item] + shared6[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc6_all = 0.0f;
     {
        acc6_all = shared6[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc6_all = (acc6_all + shared6[item - lane + k]);
        }
    }
    const float s6 = acc6_all;
    const float s7 = sn_div_float(s6, s2);
    const float s9 = (s7 + s8);
    const float s10 = sn_rsqrt_float(s9);
     {
        #pragma unroll
        for (int k = 0; k < 1; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s11 = (kept4[k] * s10);
            const float4 s12 = sn_aloadv_f32(4, b1, i1);
            const float4 s13 = (s11 * s12);
            const float4 s14 = sn_aloadv_f32(4, b2, i1);
            const float4 s15 = (s13 + s14);
            if (own < share) {
                sn_astorev_f32(4, s15, b3, (n4*i0 + i1));
            }
        }
    }
}

