// relu of two parts side by side: 1 launch
/*
step 1: gpu_elementwise local=256 lanes=8 vectors=1 tuples=1
loop i0<n i1<(m + 64)
  s0:f32 = b0[(64*i0 - m + i1)] if (m < (i1 + 1))
  s1:f32 = b1[(i0*m + i1)] if (i1 < m)
  s2:f32 = select s1 s0 if (i1 < m)
  s3:f32 = relu s2
  b2[(i0*m + 64*i0 + i1)] = s3
b0: f32[n, 64], read in 6 places
b1: f32[n, m], read in 6 places
b2: f32[n, (m + 64)], written in 2 places
work-items: 256*((n*((m + 63)/(3*((0 == (-1*m%4)) && (0 == (m%4))) + 1)) + n + 255)/256) in groups of 256
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
__kernel void gpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, const sn_idx n4, const sn_idx n5, const sn_idx n6, __global const float *restrict b1, const ulong o1, __global float *restrict b2, const ulong o2) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    const sn_idx item = (sn_idx)get_global_id(0);
    if (item >= n0) return;
    const sn_idx line = item / n1;
    const sn_idx i0 = line;
    if (n2) {
        sn_idx i1 = (item - line*n1) * 4;
        float4 s0 = (float4)(0);
        if ((n6 < (i1 + 1)) && (n6 < ((i1 + 3) + 1))) s0 = sn_aloadv_f32(4, b0, (n4*i0 + n5 + i1));
        else
        s0 = (float4)(((n6 < (i1 + 1)) ? sn_load_f32(b0, (n4*i0 + n5 + i1)) : 0), ((n6 < ((i1 + 1) + 1)) ? sn_load_f32(b0, (n4*i0 + n5 + (i1 + 1))) : 0), ((n6 < ((i1 + 2) + 1)) ? sn_load_f32(b0, (n4*i0 + n5 + (i1 + 2))) : 0), ((n6 < ((i1 + 3) + 1)) ? sn_load_f32(b0, (n4*i0 + n5 + (i1 + 3))) : 0));
        float4 s1 = (float4)(0);
        if ((i1 < n6) && ((i1 + 3) < n6)) s1 = sn_aloadv_f32(4, b1, (n6*i0 + i1));
        else
        s1 = (float4)(((i1 < n6) ? sn_load_f32(b1, (n6*i0 + i1)) : 0), (((i1 + 1) < n6) ? sn_load_f32(b1, (n6*i0 + (i1 + 1))) : 0), (((i1 + 2) < n6) ? sn_load_f32(b1, (n6*i0 + (i1 + 2))) : 0), (((i1 + 3) < n6) ? sn_load_f32(b1, (n6*i0 + (i1 + 3))) : 0));
        const float4 s2 = (convert_int4((-((i1 + SN_IOTA4) < n6))) != 0) ? s1 : s0;
        const float4 s3 = sn_max_float4(s2, (float4)(0.0f));
        sn_astorev_f32(4, s3, b2, (n3*i0 + i1));
        return;
    }
    const sn_idx i1 = (item - line*n1);
    const float s0 = ((n6 < (i1 + 1)) ? sn_load_f32(b0, (n4*i0 + n5 + i1)) : 0);
    const float s1 = ((i1 < n6) ? sn_load_f32(b1, (n6*i0 + i1)) : 0);
    const float s2 = (i1 < n6) ? s1 : s0;
    const float s3 = sn_max_float(s2, 0.0f);
    sn_store_f32(s3, b2, (n3*i0 + i1));
}

