// silu(a) * b in bf16: 1 launch
/*
step 1: cpu_elementwise lanes=8 group_work=65536 unit_groups=4 tuples=1 strip=1
loop i0<n*m
  s0:bf16 = b0[i0]
  s1:bf16 = silu s0
  s2:bf16 = b1[i0]
  s3:bf16 = mul s1 s2
  b2[i0] = s3
b0: bf16[n, m], read in 2 places
b1: bf16[n, m], read in 2 places
b2: bf16[n, m], written in 2 places
work-items: min(32, min(n*m, max(1, ((n*m + 4095)/4096)))) in groups of 1
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
__kernel void cpu_elementwise(const sn_idx n0, const sn_idx n1, __global const ushort *restrict b0, const ulong o0, __global const ushort *restrict b1, const ulong o1, __global ushort *restrict b2, const ulong o2) {
    b0 += o0;
    b1 += o1;
    b2 += o2;
    sn_idx i0 = (sn_idx)get_group_id(0) * n1;
    const sn_idx end = i0 + min((sn_idx)n1, (sn_idx)n0 - i0);
    for (; end - i0 >= 8; i0 += 8) {
        const float8 s0 = sn_loadv_bf16(8, b0, i0);
        const float8 s1 = (s0 * sn_sigmoid_float8(s0));
        const float8 s2 = sn_loadv_bf16(8, b1, i0);
        const float8 s3 = (s1 * s2);
        sn_storev_bf16(8, s3, b2, i0);
    }
    for (; end - i0 >= 1; i0 += 1) {
        const float s0 = sn_load_bf16(b0, i0);
        const float s1 = (s0 * sn_sigmoid_float(s0));
        const float s2 = sn_load_bf16(b1, i0);
        const float s3 = (s1 * s2);
        sn_store_bf16(s3, b2, i0);
    }
}

