// sums of columns: 1 launch
/*
step 1: cpu_column lanes=8 group_work=65536 unit_groups=4 tuples=2 strip=16
loop i0<m inner i1<n
  s0:f32 = b0[(m*i1 + i0)]
  s1:f32 = reduce sum over i1 s0
  b1[i0] = s1
b0: f32[n, m], read in 18 places
b1: f32[m], written in 18 places
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
    for (; end - i0 >= 128; i0 += 128) {
        const sn_idx i0_1 = i0 + 8;
        const sn_idx i0_2 = i0 + 16;
        const sn_idx i0_3 = i0 + 24;
        const sn_idx i0_4 = i0 + 32;
        const sn_idx i0_5 = i0 + 40;
        const sn_idx i0_6 = i0 + 48;
        const sn_idx i0_7 = i0 + 56;
        const sn_idx i0_8 = i0 + 64;
        const sn_idx i0_9 = i0 + 72;
        const sn_idx i0_10 = i0 + 80;
        const sn_idx i0_11 = i0 + 88;
        const sn_idx i0_12 = i0 + 96;
        const sn_idx i0_13 = i0 + 104;
        const sn_idx i0_14 = i0 + 112;
        const sn_idx i0_15 = i0 + 120;
        float8 acc1_v0 = (float8)(0.0f);
        float8 acc1_v1 = (float8)(0.0f);
        float8 acc1_v2 = (float8)(0.0f);
        float8 acc1_v3 = (float8)(0.0f);
        float8 acc1_v4 = (float8)(0.0f);
        float8 acc1_v5 = (float8)(0.0f);
        float8 acc1_v6 = (float8)(0.0f);
        float8 acc1_v7 = (float8)(0.0f);
        float8 acc1_v8 = (float8)(0.0f);
        float8 acc1_v9 = (float8)(0.0f);
        float8 acc1_v10 = (float8)(0.0f);
        float8 acc1_v11 = (float8)(0.0f);
        float8 acc1_v12 = (float8)(0.0f);
        float8 acc1_v13 = (float8)(0.0f);
        float8 acc1_v14 = (float8)(0.0f);
        float8 acc1_v15 = (float8)(0.0f);
        for (sn_idx i1 = 0; i1 < n2; ++i1) {
            const float8 v0_0 = sn_loadv_f32(8, b0, (n0*i1 + i0));
            acc1_v0 = (acc1_v0 + v0_0);
            const float8 v1_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_1));
            acc1_v1 = (acc1_v1 + v1_0);
            const float8 v2_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_2));
            acc1_v2 = (acc1_v2 + v2_0);
            const float8 v3_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_3));
            acc1_v3 = (acc1_v3 + v3_0);
            const float8 v4_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_4));
            acc1_v4 = (acc1_v4 + v4_0);
            const float8 v5_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_5));
            acc1_v5 = (acc1_v5 + v5_0);
            const float8 v6_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_6));
            acc1_v6 = (acc1_v6 + v6_0);
            const float8 v7_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_7));
            acc1_v7 = (acc1_v7 + v7_0);
            const float8 v8_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_8));
            acc1_v8 = (acc1_v8 + v8_0);
            const float8 v9_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_9));
            acc1_v9 = (acc1_v9 + v9_0);
            const float8 v10_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_10));
            acc1_v10 = (acc1_v10 + v10_0);
            const float8 v11_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_11));
            acc1_v11 = (acc1_v11 + v11_0);
            const float8 v12_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_12));
            acc1_v12 = (acc1_v12 + v12_0);
            const float8 v13_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_13));
            acc1_v13 = (acc1_v13 + v13_0);
            const float8 v14_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_14));
            acc1_v14 = (acc1_v14 + v14_0);
            const float8 v15_0 = sn_loadv_f32(8, b0, (n0*i1 + i0_15));
            acc1_v15 = (acc1_v15 + v15_0);
        }
        const float8 v0_1 = acc1_v0;
        const float8 v1_1 = acc1_v1;
        const float8 v2_1 = acc1_v2;
        const float8 v3_1 = acc1_v3;
        const float8 v4_1 = acc1_v4;
        const float8 v5_1 = acc1_v5;
        const float8 v6_1 = acc1_v6;
        const float8 v7_1 = acc1_v7;
        const float8 v8_1 = acc1_v8;
        const float8 v9_1 = acc1_v9;
        const float8 v10_1 = acc1_v10;
        const float8 v11_1 = acc1_v11;
        const float8 v12_1 = acc1_v12;
        const float8 v13_1 = acc1_v13;
        const float8 v14_1 = acc1_v14;
        const float8 v15_1 = acc1_v15;
        sn_storev_f32(8, v0_1, b1, i0);
        sn_storev_f32(8, v1_1, b1, i0_1);
        sn_storev_f32(8, v2_1, b1, i0_2);
        sn_storev_f32(8, v3_1, b1, i0_3);
        sn_storev_f32(8, v4_1, b1, i0_4);
        sn_storev_f32(8, v5_1, b1, i0_5);
        sn_storev_f32(8, v6_1, b1, i0_6);
        sn_storev_f32(8, v7_1, b1, i0_7);
        sn_storev_f32(8, v8_1, b1, i0_8);
        sn_storev_f32(8, v9_1, b1, i0_9);
        sn_storev_f32(8, v10_1, b1, i0_10);
        sn_storev_f32(8, v11_1, b1, i0_11);
        sn_storev_f32(8, v12_1, b1, i0_12);
        sn_storev_f32(8, v13_1, b1, i0_13);
        sn_storev_f32(8, v14_1, b1, i0_14);
        sn_storev_f32(8, v15_1, b1, i0_15);
    }
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

