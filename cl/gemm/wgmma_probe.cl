/* One product by cl/gemm/gpu_wgmma.cl into f32: how lib/runtime/probe_wgmma.c finds out whether the driver takes the patched
 * program and the device multiplies right. Operands are dense, A of size_m x size_k, B of size_k x size_n, in either
 * direction. */
#include "gemm/gpu_wgmma.cl"

__attribute__((reqd_work_group_size(SN_WG_ITEMS, 1, 1))) __kernel void wgmma_probe(
    __global const ushort *a_data, __global const ushort *b_data, __global float *out, const int size_m,
    const int size_n, const int size_k) {
    SN_WG_BEGIN
    if (item == 0) {
        if (SN_WG_A_ALONG_K) SN_WG_MAP(map_A, a_data, size_k, size_m, size_k, SN_WG_BM)
        else SN_WG_MAP(map_A, a_data, size_m, size_k, size_m, 64)
        if (SN_WG_B_ALONG_K) SN_WG_MAP(map_B, b_data, size_k, size_n, size_k, SN_WG_BN)
        else SN_WG_MAP(map_B, b_data, size_n, size_k, size_n, 64)
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    SN_WG_COUNTS
    if (group == SN_WG_GROUPS) {
        SN_WG_PRODUCE
    } else {
        SN_WG_MANY_REGISTERS
        SN_WG_EACH_TILE {
            SN_WG_TILE
            float sums[SN_WG_BN / 2];
            SN_WG_MULTIPLY(sums)
            _Pragma("unroll") for (int i = 0; i < SN_WG_BN / 2; ++i) {
                const int row = row0 + (int)(group * 64 + (warp & 3) * 16 + (lane >> 2)) + (i >> 1 & 1) * 8;
                const int col = col0 + (i >> 2) * 8 + (int)(lane & 3) * 2 + (i & 1);
                if (row < size_m && col < size_n) out[row * size_n + col] = sums[i];
            }
        }
    }
}
