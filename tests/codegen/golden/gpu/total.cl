// one sum of squares of everything: 2 launches
/*
step 1: gpu_row group=256 each=4 keep=4
loop i0<512 inner i1<65536
  s0:f32 = b0[(65536*i0 + i1)]
  s1:f32 = mul s0 s0
  s2:f32 = reduce sum over i1 s1
  b1[i0] = s2
b0: f32[4096, 8192], read in 1 place
b1: f32[1, 512], written in 1 place
work-items: 131072 in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, const sn_idx n4, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const int item = (int)get_local_id(0), lane = item % (int)n0;
    const sn_idx wanted = (sn_idx)get_group_id(0) * n1 + item / n0;
    const bool active = wanted < n2;
    const sn_idx row = active ? wanted : n2 - 1;
    const sn_idx share = active ? n3 : 0;
    const sn_idx i0 = row;
    __local float shared2[256];
    float4 acc2_v = (float4)(0.0f);
    float acc2_t = 0.0f;
     {
        for (sn_idx v = lane; v < share; v += n0) {
            sn_idx i1 = v * 4;
            const float4 s0 = sn_aloadv_f32(4, b0, (n4*i0 + i1));
            acc2_v = fma(s0, s0, acc2_v);
        }
        float2 acc2_f_2 = acc2_v.lo;
        acc2_f_2 = (acc2_f_2 + acc2_v.hi);
        float acc2_f = acc2_f_2.lo;
        acc2_f = (acc2_f + acc2_f_2.hi);
        acc2_t = (acc2_t + acc2_f);
        shared2[item] = acc2_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
     {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared2[item] = (shared2[item] + shared2[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc2_all = 0.0f;
     {
        acc2_all = shared2[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc2_all = (acc2_all + shared2[item - lane + k]);
        }
    }
    const float s2 = acc2_all;
    if (active && lane == 0) {
        sn_store_f32(s2, b1, i0);
    }
}

/*
step 2: gpu_row group=256 each=4 keep=4
loop inner i0<512
  s0:f32 = b0[i0]
  s1:f32 = reduce sum over i0 s0
  b1[0] = s1
b0: f32[1, 512], read in 1 place
b1: f32[], written in 1 place
work-items: 256 in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const int item = (int)get_local_id(0), lane = item % (int)n0;
    const sn_idx wanted = (sn_idx)get_group_id(0) * n1 + item / n0;
    const bool active = wanted < 1;
    const sn_idx row = active ? wanted : 1 - 1;
    const sn_idx share = active ? n2 : 0;
    __local float shared1[256];
    float4 acc1_v = (float4)(0.0f);
    float acc1_t = 0.0f;
     {
        for (sn_idx v = lane; v < share; v += n0) {
            sn_idx i0 = v * 4;
            const float4 s0 = sn_aloadv_f32(4, b0, i0);
            acc1_v = (acc1_v + s0);
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
    if (active && lane == 0) {
        sn_store_f32(s1, b1, 0);
    }
}

