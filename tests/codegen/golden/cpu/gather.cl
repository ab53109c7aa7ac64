// rows of a table: 1 launch
/*
step 1: cpu_elementwise lanes=4 group_work=65536 unit_groups=4 tuples=1 strip=1
loop i0<n i1<384
  s0:i64 = b0[i0]
  s1:f32 = b1[(i1 + 384*max(0, min((s0 + 30522*(s0 < 0)), 30521)))]
  b2[(384*i0 + i1)] = s1
b0: i64[n], read in 1 place
b1: f32[30522, 384], read in 2 places
b2: f32[n, 384], written in 2 places
work-items: min(32, min(384*n, max(1, ((384*n + 32767)/32768)))) in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const long *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, const sn_idx n3, const sn_idx n4, __global float *restrict b2, const ulong o2) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    sn_idx at = (sn_idx)get_group_id(0) * n1;
    const sn_idx stop = at + min((sn_idx)n1, (sn_idx)n0 - at);
    while (at < stop) {
        const sn_idx run = at / n2;
        sn_idx i1 = at - run*n2;
        const sn_idx i0 = run;
        const sn_idx end = min((sn_idx)n2, i1 + (stop - at));
        at += end - i1;
        const long s0 = sn_load_i64(b0, i0);
        for (; end - i1 >= 4; i1 += 4) {
            const float4 s1 = sn_loadv_f32(4, b1, (i1 + n2*max((sn_idx)(0), (sn_idx)(min((sn_idx)(((sn_idx)s0 + n3*((sn_idx)s0 < 0))), (sn_idx)(n4))))));
            sn_storev_f32(4, s1, b2, (n2*i0 + i1));
        }
        for (; end - i1 >= 1; i1 += 1) {
            const float s1 = sn_load_f32(b1, (i1 + n2*max((sn_idx)(0), (sn_idx)(min((sn_idx)(((sn_idx)s0 + n3*((sn_idx)s0 < 0))), (sn_idx)(n4))))));
            sn_store_f32(s1, b2, (n2*i0 + i1));
        }
    }
}

