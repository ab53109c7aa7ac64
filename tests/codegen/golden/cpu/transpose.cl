// a transposed matrix: 1 launch
/*
step 1: cpu_transpose lanes=8 tile=128 group_work=65536 unit_groups=4
loop i0<m i1<n
  s0:f32 = b0[(m*i1 + i0)]
  b1[(i0*n + i1)] = s0
b0: f32[n, m], read in 2 places
b1: f32[m, n], written in 2 places
work-items: min(32, min(((m + 127)/128)*((n + 127)/128), max(1, ((m*n + 65536)/65537)))) in groups of 1
*/
#include "transpose/square.cl"
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void cpu_transpose(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, const sn_idx n4, const sn_idx n5, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    float tile0[16384];
    const sn_idx begin = (sn_idx)get_group_id(0) * n0;
    const sn_idx stop = begin + min((sn_idx)n0, (sn_idx)n1 - begin);
    for (sn_idx tile = begin; tile < stop; ++tile) {
        const sn_idx line = tile / n2, base_along = (tile - line*n2) * 128;
        const sn_idx outer = line / n3, base_across = (line - outer*n3) * 128;
        const int along = (int)min((sn_idx)128, n4 - base_along);
        const int across = (int)min((sn_idx)128, n5 - base_across);
        const int squares_along = along - along % 8, squares_across = across - across % 8;
        for (int line = 0; line < squares_along; line += 8) {
            for (int k = 0; k < squares_across; k += 8) {
                float8 square[8];
                const sn_idx i0 = base_across + k;
                #pragma unroll
                for (int i = 0; i < 8; ++i) {
                    const sn_idx i1 = base_along + line + i;
                    const float8 s0 = sn_loadv_f32(8, b0, (n5*i1 + i0));
                    square[i] = s0;
                }
                SN_TRANSPOSE8(float8, square)
                #pragma unroll
                for (int i = 0; i < 8; ++i) vstore8(square[i], 0, &tile0[(k + i) * 128 + line]);
            }
        }
        for (int line = 0; line < along; ++line) {
            for (int k = line < squares_along ? squares_across : 0; k < across; ++k) {
                const sn_idx i1 = base_along + line;
                const sn_idx i0 = base_across + k;
                const float s0 = sn_load_f32(b0, (n5*i1 + i0));
                tile0[k * 128 + line] = s0;
            }
        }
        for (int line = 0; line < across; ++line) {
            const sn_idx i0 = base_across + line;
            for (int k = 0; k < squares_along; k += 8) {
                const sn_idx i1 = base_along + k;
                const float8 s0 = vload8(0, &tile0[line * 128 + k]);
                sn_storev_f32(8, s0, b1, (n4*i0 + i1));
            }
            for (int k = squares_along; k < along; k += 1) {
                const sn_idx i1 = base_along + k;
                const float s0 = tile0[line * 128 + k];
                sn_store_f32(s0, b1, (n4*i0 + i1));
            }
        }
    }
}

