// a transposed matrix: 1 launch
/*
step 1: gpu_transpose local=256 tile=32
loop i0<m i1<n
  s0:f32 = b0[(m*i1 + i0)]
  b1[(i0*n + i1)] = s0
b0: f32[n, m], read in 1 place
b1: f32[m, n], written in 1 place
work-items: 256*((n + 31)/32)*((m + 31)/32) in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_transpose(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    __local float tile0[1056];
    const int item = (int)get_local_id(0), lane = item % 32, first = item / 32;
    const sn_idx tile = (sn_idx)get_group_id(0);
    const sn_idx line = tile / n0, base_along = (tile - line*n0) * 32;
    const sn_idx outer = line / n1, base_across = (line - outer*n1) * 32;
    #pragma unroll
    for (int k = 0; k < 32; k += 8) {
        const sn_idx i1 = base_along + first + k, i0 = base_across + lane;
        if (i1 < n3 && i0 < n2) {
            const float s0 = sn_load_f32(b0, (n2*i1 + i0));
            tile0[(first + k) * 33 + lane] = s0;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    #pragma unroll
    for (int k = 0; k < 32; k += 8) {
        const sn_idx i1 = base_along + lane, i0 = base_across + first + k;
        if (i1 < n3 && i0 < n2) {
            const float s0 = tile0[lane * 33 + first + k];
            sn_store_f32(s0, b1, (n3*i0 + i1));
        }
    }
}

