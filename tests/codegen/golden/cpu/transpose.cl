// a transposed matrix: 1 launch
/*
step 1: cpu_transpose lanes=8 tile=16 group_work=65536 unit_groups=4
loop i0<m i1<n
  s0:f32 = b0[(m*i1 + i0)]
  b1[(i0*n + i1)] = s0
b0: f32[n, m], read in 2 places
b1: f32[m, n], written in 2 places
work-items: min(32, min(((m + 15)/16)*((n + 15)/16), max(1, ((m*n + 65536)/65537)))) in groups of 1
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_transpose(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, const sn_idx n4, const sn_idx n5, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    float tile0[256];
    const sn_idx begin = (sn_idx)get_group_id(0) * n0;
    const sn_idx stop = begin + min((sn_idx)n0, (sn_idx)n1 - begin);
    for (sn_idx tile = begin; tile < stop; ++tile) {
        const sn_idx line = tile / n2, base_along = (tile - line*n2) * 16;
        const sn_idx outer = line / n3, base_across = (line - outer*n3) * 16;
        const int along = (int)min((sn_idx)16, n4 - base_along);
        const int across = (int)min((sn_idx)16, n5 - base_across);
        for (int line = 0; line < along; ++line) {
            const sn_idx i1 = base_along + line;
            if (across == 16) {
                for (int k = 0; k < across; k += 8) {
                    const sn_idx i0 = base_across + k;
                    const float8 s0 = sn_loadv_f32(8, b0, (n5*i1 + i0));
                    vstore8(s0, 0, &tile0[line * 16 + k]);
                }
            } else {
                for (int k = 0; k < across; k += 1) {
                    const sn_idx i0 = base_across + k;
                    const float s0 = sn_load_f32(b0, (n5*i1 + i0));
                    tile0[line * 16 + k] = s0;
                }
            }
        }
        for (int line = 0; line < across; ++line) {
            const sn_idx i0 = base_across + line;
            if (along == 16) {
                for (int k = 0; k < along; k += 8) {
                    const sn_idx i1 = base_along + k;
                    const float8 s0 = (float8)(tile0[(k + 0) * 16 + line], tile0[(k + 1) * 16 + line], tile0[(k + 2) * 16 + line], tile0[(k + 3) * 16 + line], tile0[(k + 4) * 16 + line], tile0[(k + 5) * 16 + line], tile0[(k + 6) * 16 + line], tile0[(k + 7) * 16 + line]);
                    sn_storev_f32(8, s0, b1, (n4*i0 + i1));
                }
            } else {
                for (int k = 0; k < along; k += 1) {
                    const sn_idx i1 = base_along + k;
                    const float s0 = (float)(tile0[(k + 0) * 16 + line]);
                    sn_store_f32(s0, b1, (n4*i0 + i1));
                }
            }
        }
    }
}

