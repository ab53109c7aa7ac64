// sums of columns: 1 launch
/*
step 1: cpu_column lanes=8 group_work=65536 unit_groups=4 tuples=2
loop i0<m inner i1<n
  s0:f32 = b0[(m*i1 + i0)]
  s1:f32 = reduce sum over i1 s0
  b1[i0] = s1
b0: f32[n, m], read in 2 places
b1: f32[m], written in 2 places
work-items: min(32, min(m, max(1, ((m*n + 32767)/32768)))) in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_column(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    sn_idx i0 = (sn_idx)get_group_id(0) * n1;
    const sn_idx end = i0 + min((sn_idx)n1, (sn_idx)n0 - i0);
    for (; end - i0 >= 8; i0 += 8) {
        float8 acc1 = (float8)(0.0f);
        for (sn_idx i1 = 0; i1 < n2; ++i1) {
            const float8 s0 = sn_loadv_f32(8, b0, (n0*i1 + i0));
            acc1 = (acc1 + s0);
        }
        const float8 s1 = acc1;
        sn_storev_f32(8, s1, b1, i0);
    }
    for (; end - i0 >= 1; i0 += 1) {
        float acc1 = 0.0f;
        for (sn_idx i1 = 0; i1 < n2; ++i1) {
            const float s0 = sn_load_f32(b0, (n0*i1 + i0));
            acc1 = (acc1 + s0);
        }
        const float s1 = acc1;
        sn_store_f32(s1, b1, i0);
    }
}

