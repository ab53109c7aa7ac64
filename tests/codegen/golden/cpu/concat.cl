// relu of two parts side by side: 1 launch
/*
step 1: cpu_elementwise lanes=8 group_work=65536 unit_groups=4 tuples=1 strip=1
loop i0<n i1<(m + 64)
  s0:f32 = b0[(64*i0 - m + i1)] if (m < (i1 + 1))
  s1:f32 = b1[(i0*m + i1)] if (i1 < m)
  s2:f32 = select s1 s0 if (i1 < m)
  s3:f32 = relu s2
  b2[(i0*m + 64*i0 + i1)] = s3
b0: f32[n, 64], read in 4 places
b1: f32[n, m], read in 4 places
b2: f32[n, (m + 64)], written in 2 places
work-items: min(32, min((n*m + 64*n), max(1, ((n*m + 64*n + 16383)/16384)))) in groups of 1
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
__kernel void cpu_elementwise(const sn_idx n0, const sn_idx n1, const sn_idx n2, __global const float *restrict b0, const ulong o0, const sn_idx n3, const sn_idx n4, const sn_idx n5, const sn_idx n6, __global const float *restrict b1, const ulong o1, const sn_idx n7, __global float *restrict b2, const ulong o2) {
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
        for (; end - i1 >= 8; i1 += 8) {
            float8 s0 = (float8)(0);
            if ((n5 < (i1 + 1)) && (n5 < ((i1 + 7) + 1))) s0 = sn_loadv_f32(8, b0, (n3*i0 + n4 + i1));
            else if (((n3*i0 + n4 + i1)) >= 0 && ((n3*i0 + n4 + i1)) <= n6)
                s0 = (convert_int8((-(n5 < ((i1 + SN_IOTA8) + 1)))) != 0) ? sn_loadv_f32(8, b0, (n3*i0 + n4 + i1)) : (float8)(0);
            else
            {
                float lanes[8];
                #pragma nounroll
                for (int lane = 0; lane < 8; ++lane) lanes[lane] = ((n5 < ((i1 + lane) + 1)) ? sn_load_f32(b0, (n3*i0 + n4 + (i1 + lane))) : 0);
                s0 = vload8(0, lanes);
            }
            float8 s1 = (float8)(0);
            if ((i1 < n5) && ((i1 + 7) < n5)) s1 = sn_loadv_f32(8, b1, (n5*i0 + i1));
            else if (((n5*i0 + i1)) >= 0 && ((n5*i0 + i1)) <= n7)
                s1 = (convert_int8((-((i1 + SN_IOTA8) < n5))) != 0) ? sn_loadv_f32(8, b1, (n5*i0 + i1)) : (float8)(0);
            else
            {
                float lanes[8];
                #pragma nounroll
                for (int lane = 0; lane < 8; ++lane) lanes[lane] = (((i1 + lane) < n5) ? sn_load_f32(b1, (n5*i0 + (i1 + lane))) : 0);
                s1 = vload8(0, lanes);
            }
            const float8 s2 = (convert_int8((-((i1 + SN_IOTA8) < n5))) != 0) ? s1 : s0;
            const float8 s3 = sn_max_float8(s2, (float8)(0.0f));
            sn_storev_f32(8, s3, b2, (n2*i0 + i1));
        }
        for (; end - i1 >= 1; i1 += 1) {
            const float s0 = ((n5 < (i1 + 1)) ? sn_load_f32(b0, (n3*i0 + n4 + i1)) : 0);
            const float s1 = ((i1 < n5) ? sn_load_f32(b1, (n5*i0 + i1)) : 0);
            const float s2 = (i1 < n5) ? s1 : s0;
            const float s3 = sn_max_float(s2, 0.0f);
            sn_store_f32(s3, b2, (n2*i0 + i1));
        }
    }
}

