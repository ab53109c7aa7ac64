// relu(a * row + column): 1 launch
/*
step 1: cpu_elementwise lanes=8 group_work=65536 unit_groups=4 tuples=1 strip=1
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
b2: f32[n, 1], read in 1 place
b3: f32[n, m], written in 2 places
work-items: min(32, min(n*m, max(1, ((n*m + 10921)/10922)))) in groups of 1
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
#define SN_T float8
#define SN_W 8
#define SN_I32 int8
#define SN_I64 long8
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b2, const ulong o2, __global const float *restrict b0, const ulong o0, __global const float *restrict b1, const ulong o1, __global float *restrict b3, const ulong o3) {
    b2 += o2;
    b0 += o0;
    b1 += o1;
    b3 += o3;
    sn_idx at = (sn_idx)get_group_id(0) * n1;
    const sn_idx stop = at + min((sn_idx)n1, (sn_idx)n0 - at);
    while (at < stop) {
        const sn_idx run = at / n2;
        sn_idx i1 = at - run*n2;
        const sn_idx i0 = run;
        const sn_idx end = min((sn_idx)n2, i1 + (stop - at));
        at += end - i1;
        const float s3 = sn_load_f32(b2, i0);
        for (; end - i1 >= 8; i1 += 8) {
            const float8 s0 = sn_loadv_f32(8, b0, (n2*i0 + i1));
            const float8 s1 = sn_loadv_f32(8, b1, i1);
            const float8 s2 = (s0 * s1);
            const float8 s4 = (s2 + s3);
            const float8 s5 = sn_max_float8(s4, (float8)(0.0f));
            sn_storev_f32(8, s5, b3, (n2*i0 + i1));
        }
        for (; end - i1 >= 1; i1 += 1) {
            const float s0 = sn_load_f32(b0, (n2*i0 + i1));
            const float s1 = sn_load_f32(b1, i1);
            const float s2 = (s0 * s1);
            const float s4 = (s2 + s3);
            const float s5 = sn_max_float(s4, 0.0f);
            sn_store_f32(s5, b3, (n2*i0 + i1));
        }
    }
}

