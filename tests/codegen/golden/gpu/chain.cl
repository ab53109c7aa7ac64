// relu(a * row + column): 1 launch
/*
step 1: gpu_elementwise local=256 lanes=8 vectors=1 tuples=1
loop i0<n i1<m
  s0:f32 = b0[(i0*m + i1)]
  s1:f32 = b1[i1]
  s2:f32 = mul s0 s1
  s3:f32 = b2[i0]
  s4:f32 = add s2 s3
  s5:f32 = relu s4
  b3[(i0*m + i1)] = s5
b0: f32[n, m], read in 2 places
b1: f32[m], read in 2 places
b2: f32[n, 1], read in 2 places
b3: f32[n, m], written in 2 places
work-items: 256*((n*((m - 1)/(3*(0 == (m%4)) + 1)) + n + 255)/256) in groups of 256
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
__kernel void gpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, __global const float *restrict b2, const ulong o2, __global float *restrict b3, const ulong o3) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    b3 += o3;
    const sn_idx item = (sn_idx)get_global_id(0);
    if (item >= n0) return;
    const sn_idx line = item / n1;
    const sn_idx i0 = line;
    if (n2) {
        sn_idx i1 = (item - line*n1) * 4;
        const float4 s0 = sn_aloadv_f32(4, b0, (n3*i0 + i1));
        const float4 s1 = sn_aloadv_f32(4, b1, i1);
        const float4 s2 = (s0 * s1);
        const float s3 = sn_load_f32(b2, i0);
        const float4 s4 = (s2 + s3);
        const float4 s5 = sn_max_float4(s4, (float4)(0.0f));
        sn_astorev_f32(4, s5, b3, (n3*i0 + i1));
        return;
    }
    const sn_idx i1 = (item - line*n1);
    const float s0 = sn_load_f32(b0, (n3*i0 + i1));
    const float s1 = sn_load_f32(b1, i1);
    const float s2 = (s0 * s1);
    const float s3 = sn_load_f32(b2, i0);
    const float s4 = (s2 + s3);
    const float s5 = sn_max_float(s4, 0.0f);
    sn_store_f32(s5, b3, (n3*i0 + i1));
}

