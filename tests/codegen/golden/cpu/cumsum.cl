// running sums of rows: 1 launch
/*
step 1: cpu_scan lanes=8 group_work=65536 unit_groups=4
loop i0<4096 inner i1<m
  s0:f32 = b0[(i0*m + i1)]
  s1:f32 = scan sum s0
  b1[(i0*m + i1)] = s1
b0: f32[4096, m], read in 2 places
b1: f32[4096, m], written in 2 places
work-items: min(32, min(4096, max(1, ((4096*m + 32768)/32769)))) in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_scan(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const sn_idx first = (sn_idx)get_group_id(0) * n0;
    const sn_idx stop = first + min((sn_idx)n0, (sn_idx)n1 - first);
    for (sn_idx row = first; row < stop; ++row) {
        const sn_idx i0 = row;
         {
            float carry1 = 0.0f;
            sn_idx i1 = 0;
            for (; n2 - i1 >= 8; i1 += 8) {
                const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
                const float8 s1_own = s0;
                const float8 s1_own_1 = ((float8)(0.0f, s1_own.s0, s1_own.s1, s1_own.s2, s1_own.s3, s1_own.s4, s1_own.s5, s1_own.s6) + s1_own);
                const float8 s1_own_1_2 = ((float8)(0.0f, 0.0f, s1_own_1.s0, s1_own_1.s1, s1_own_1.s2, s1_own_1.s3, s1_own_1.s4, s1_own_1.s5) + s1_own_1);
                const float8 s1_own_1_2_4 = ((float8)(0.0f, 0.0f, 0.0f, 0.0f, s1_own_1_2.s0, s1_own_1_2.s1, s1_own_1_2.s2, s1_own_1_2.s3) + s1_own_1_2);
                const float8 s1 = ((float8)(carry1) + s1_own_1_2_4);
                carry1 = (carry1 + s1_own_1_2_4.s7);
                sn_storev_f32(8, s1, b1, (n2*i0 + i1));
            }
            for (; i1 < n2; ++i1) {
                const float s0 = sn_load_f32(b0, (n2*i0 + i1));
                carry1 = (carry1 + s0);
                const float s1 = carry1;
                sn_store_f32(s1, b1, (n2*i0 + i1));
            }
        }
    }
}

