// rows of a table: 1 launch
/*
step 1: gpu_elementwise local=256 lanes=8 vectors=1 tuples=1
loop i0<n i1<384
  s0:i64 = b0[i0]
  s1:f32 = b1[(i1 + 384*max(0, min((s0 + 30522*(s0 < 0)), 30521)))]
  b2[(384*i0 + i1)] = s1
b0: i64[n], read in 1 place
b1: f32[30522, 384], read in 1 place
b2: f32[n, 384], written in 1 place
work-items: 256*((96*n + 255)/256) in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const long *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, const sn_idx n3, const sn_idx n4, __global float *restrict b2, const ulong o2) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    const sn_idx item = (sn_idx)get_global_id(0);
    if (item >= n0) return;
    const sn_idx line = item / n1;
    const sn_idx i0 = line;
    sn_idx i1 = (item - line*n1) * 4;
    const long s0 = sn_load_i64(b0, i0);
    const float4 s1 = sn_aloadv_f32(4, b1, (i1 + n2*max((sn_idx)(0), (sn_idx)(min((sn_idx)(((sn_idx)s0 + n3*((sn_idx)s0 < 0))), (sn_idx)(n4))))));
    sn_astorev_f32(4, s1, b2, (n2*i0 + i1));
}

