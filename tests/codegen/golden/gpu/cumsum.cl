// running sums of rows: 1 launch
/*
step 1: gpu_scan group=256 team=256 across=1 elements=4
loop i0<4096 inner i1<m
  s0:f32 = b0[(i0*m + i1)]
  s1:f32 = scan sum s0
  b1[(i0*m + i1)] = s1
b0: f32[4096, m], read in 3 places
b1: f32[4096, m], written in 3 places
work-items: 1048576 in groups of 256
*/
#include "common/types.cl"
#include "common/memory.cl"

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_scan(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, __global const float *restrict b0, const ulong o0, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    __local float total1[256], run1[256];
    const int item = (int)get_local_id(0), runs = 16, hop = 1;
    const int lane = item % 256, line = item / 256, first = item - lane;
    const sn_idx wanted = (sn_idx)get_group_id(0) * 1 + line;
    const bool active = wanted < n0;
    const sn_idx row = active ? wanted : n0 - 1;
    const sn_idx i0 = row;
    if (n2) {
        float carry1 = 0.0f;
        for (sn_idx tile = 0; tile < n1; tile += 256) {
            const sn_idx v = tile + lane;
            const sn_idx i1 = v * 4;
            const sn_idx room = active && v < n1 ? n3 - i1 : 0;
            float4 in1 = (float4)(0.0f);
            if (room >= 4) {
                const float4 s0 = sn_aloadv_f32(4, b0, (n3*i0 + i1));
                in1 = s0;
            } else if (room > 0) {
                float part1[4];
                vstore4(in1, 0, part1);
                for (int k = 0; k < room; ++k) {
                    const float s0 = sn_load_f32(b0, (n3*i0 + (i1 + k)));
                    part1[k] = s0;
                }
                in1 = vload4(0, part1);
            }
            const float4 in1_1 = ((float4)(0.0f, in1.s0, in1.s1, in1.s2) + in1);
            const float4 in1_1_2 = ((float4)(0.0f, 0.0f, in1_1.s0, in1_1.s1) + in1_1);
            total1[item] = in1_1_2.s3;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lane < runs) {
                float sum1 = 0.0f;
                for (int k = 0; k < 16; ++k) {
                    const int at = first + (lane * 16 + k) * hop;
                    const float own = total1[at];
                    total1[at] = sum1;
                    sum1 = (sum1 + own);
                }
                run1[first + lane * hop] = sum1;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            float before1 = carry1;
            for (int k = 0; k < runs; ++k) {
                if (k == lane / 16) before1 = carry1;
                carry1 = (carry1 + run1[first + k * hop]);
            }
            before1 = (before1 + total1[item]);
            const float4 s1 = ((float4)(before1) + in1_1_2);
            if (room >= 4) {
                sn_astorev_f32(4, s1, b1, (n3*i0 + i1));
            } else if (room > 0) {
                float known1[4];
                vstore4(s1, 0, known1);
                for (int k = 0; k < room; ++k) {
                    sn_store_f32(known1[k], b1, (n3*i0 + (i1 + k)));
                }
            }
        }
    } else {
        float carry1 = 0.0f;
        for (sn_idx tile = 0; tile < n1; tile += 256) {
            const sn_idx v = tile + lane;
            const sn_idx i1 = v * 1;
            const sn_idx room = active && v < n1 ? n3 - i1 : 0;
            float in1 = 0.0f;
            if (room >= 1) {
                const float s0 = sn_load_f32(b0, (n3*i0 + i1));
                in1 = s0;
            }
            total1[item] = in1;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lane < runs) {
                float sum1 = 0.0f;
                for (int k = 0; k < 16; ++k) {
                    const int at = first + (lane * 16 + k) * hop;
                    const float own = total1[at];
                    total1[at] = sum1;
                    sum1 = (sum1 + own);
                }
                run1[first + lane * hop] = sum1;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            float before1 = carry1;
            for (int k = 0; k < runs; ++k) {
                if (k == lane / 16) before1 = carry1;
                carry1 = (carry1 + run1[first + k * hop]);
            }
            before1 = (before1 + total1[item]);
            const float s1 = (before1 + in1);
            if (room >= 1) {
                sn_store_f32(s1, b1, (n3*i0 + i1));
            }
        }
    }
    if (active && lane == 0) {
    }
}

