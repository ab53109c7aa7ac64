// sums of columns: 1 launch
/*
step 1: gpu_column local=256 lanes=1 vectors=1 tuples=2
loop i0<m inner i1<n
  s0:f32 = b0[(m*i1 + i0)]
  s1:f32 = reduce sum over i1 s0
  b1[i0] = s1
b0: f32[n, m], read in 1 place
b1: f32[m], written in 1 place
work-items: 256*((m + 255)/256) in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_column(const sn_idx n0, const sn_idx n1, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const sn_idx item = (sn_idx)get_global_id(0);
    if (item >= n0) return;
    const sn_idx i0 = item;
    float acc1 = 0.0f;
    for (sn_idx i1 = 0; i1 < n1; ++i1) {
        const float s0 = sn_load_f32(b0, (n0*i1 + i0));
        acc1 = (acc1 + s0);
    }
    const float s1 = acc1;
    sn_store_f32(s1, b1, i0);
}

