// softmax of rows of any length: 1 launch
/*
step 1: gpu_row group=256 each=4 keep=8
loop i0<n inner i1<m
  s0:f32 = b0[(i0*m + i1)]
  s1:f32 = reduce max over i1 s0
  s2:f32 = sub s0 s1
  s3:f32 = exp s2
  s4:f32 = reduce sum over i1 s3
  s5:f32 = div s3 s4
  b1[(i0*m + i1)] = s5
b0: f32[n, m], read in 5 places
b1: f32[n, m], written in 3 places
work-items: (256*((n - 1)/(32/((31 < ((m - 1)/(3*(0 == (m%4)) + 1))) + 2*(63 < ((m - 1)/(3*(0 == (m%4)) + 1))) + 4*(127 < ((m - 1)/(3*(0 == (m%4)) + 1))) + 8*(255 < ((m - 1)/(3*(0 == (m%4)) + 1))) + 16*(511 < ((m - 1)/(3*(0 == (m%4)) + 1))) + 1))) + 256) in groups of 256
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
#define SN_T float2
#define SN_W 2
#define SN_I32 int2
#define SN_I64 long2
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64
#define SN_T float4
#define SN_W 4
#define SN_I32 int4
#define SN_I64 long4
#include "common/math_float.cl"
#undef SN_T
#undef SN_W
#undef SN_I32
#undef SN_I64

__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void gpu_row(const sn_idx n0, const sn_idx n1, const sn_idx n2, const sn_idx n3, const sn_idx n4, __global const float *restrict b0, const ulong o0, const sn_idx n5, const sn_idx n6, __global float *restrict b1, const ulong o1) {
    b0 += o0;
    b1 += o1;
    const int item = (int)get_local_id(0), lane = item % (int)n0;
    const sn_idx wanted = (sn_idx)get_group_id(0) * n1 + item / n0;
    const bool active = wanted < n2;
    const sn_idx row = active ? wanted : n2 - 1;
    const sn_idx share = active ? n3 : 0;
    const sn_idx i0 = row;
    float4 kept0[8];
    float4 kept3[8];
    __local float shared1[256];
    __local float shared4[256];
    __local float pool1[256];
    __local float pool4[256];
    float4 acc1_v = (float4)((-(float)INFINITY));
    float acc1_t = (-(float)INFINITY);
    if (n4) {
        #pragma unroll
        for (int k = 0; k < 8; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s0 = sn_aloadv_f32(4, b0, (n5*i0 + i1));
            kept0[k] = s0;
            if (own < share) {
                acc1_v = sn_max_float4(acc1_v, s0);
            }
        }
        float2 acc1_f_2 = acc1_v.lo;
        acc1_f_2 = sn_max_float2(acc1_f_2, acc1_v.hi);
        float acc1_f = acc1_f_2.lo;
        acc1_f = sn_max_float(acc1_f, acc1_f_2.hi);
        acc1_t = sn_max_float(acc1_t, acc1_f);
        shared1[item] = acc1_t;
    }
    float4 run1_v = (float4)((-(float)INFINITY));
    float4 run4_v = (float4)(0.0f);
    float run1_t = (-(float)INFINITY);
    float run4_t = 0.0f;
    if (!n4) {
        if (n6) {
            for (sn_idx v = lane; v < share; v += n0) {
                sn_idx i1 = v * 4;
                const float4 t0 = sn_aloadv_f32(4, b0, (n5*i0 + i1));
                 {
                    const float4 next1 = sn_max_float4(run1_v, t0);
                    if (any(next1 != run1_v)) {
                        run4_v = (run4_v * sn_exp_float4((((sn_inf_sign_float4(run1_v) > 0.0f) ? (float4)(0.0f) : run1_v) - ((sn_inf_sign_float4(next1) != 0.0f) ? (float4)(0.0f) : next1))));
                    }
                    run4_v = (run4_v + (1.0f * sn_exp_float4((t0 - ((sn_inf_sign_float4(next1) != 0.0f) ? (float4)(0.0f) : next1)))));
                    run1_v = next1;
                }
            }
        } else {
            for (sn_idx v = lane; v < share; v += n0) {
                const sn_idx i1 = v;
                const float t0 = sn_load_f32(b0, (n5*i0 + i1));
                 {
                    const float next1 = sn_max_float(run1_t, t0);
                    if (next1 != run1_t) {
                        run4_t = (run4_t * sn_exp_float((((sn_inf_sign_float(run1_t) > 0.0f) ? 0.0f : run1_t) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1))));
                    }
                    run4_t = (run4_t + (1.0f * sn_exp_float((t0 - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))));
                    run1_t = next1;
                }
            }
        }
        float2 acc1_f_2 = run1_v.lo;
        float2 acc4_f_2 = run4_v.lo;
         {
            const float2 next1 = sn_max_float2(acc1_f_2, run1_v.hi);
            acc4_f_2 = ((acc4_f_2 * sn_exp_float2((((sn_inf_sign_float2(acc1_f_2) > 0.0f) ? (float2)(0.0f) : acc1_f_2) - ((sn_inf_sign_float2(next1) != 0.0f) ? (float2)(0.0f) : next1)))) + (run4_v.hi * sn_exp_float2((((sn_inf_sign_float2(run1_v.hi) > 0.0f) ? (float2)(0.0f) : run1_v.hi) - ((sn_inf_sign_float2(next1) != 0.0f) ? (float2)(0.0f) : next1)))));
            acc1_f_2 = next1;
        }
        float run1_f = acc1_f_2.lo;
        float run4_f = acc4_f_2.lo;
         {
            const float next1 = sn_max_float(run1_f, acc1_f_2.hi);
            run4_f = ((run4_f * sn_exp_float((((sn_inf_sign_float(run1_f) > 0.0f) ? 0.0f : run1_f) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))) + (acc4_f_2.hi * sn_exp_float((((sn_inf_sign_float(acc1_f_2.hi) > 0.0f) ? 0.0f : acc1_f_2.hi) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))));
            run1_f = next1;
        }
         {
            const float next1 = sn_max_float(run1_t, run1_f);
            run4_t = ((run4_t * sn_exp_float((((sn_inf_sign_float(run1_t) > 0.0f) ? 0.0f : run1_t) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))) + (run4_f * sn_exp_float((((sn_inf_sign_float(run1_f) > 0.0f) ? 0.0f : run1_f) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))));
            run1_t = next1;
        }
        pool1[item] = run1_t;
        pool4[item] = run4_t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (n4) {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared1[item] = sn_max_float(shared1[item], shared1[item - lane + k]);
        }
    }
    if (!n4) {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
             {
                const float next1 = sn_max_float(pool1[item], pool1[item - lane + k]);
                pool4[item] = ((pool4[item] * sn_exp_float((((sn_inf_sign_float(pool1[item]) > 0.0f) ? 0.0f : pool1[item]) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))) + (pool4[item - lane + k] * sn_exp_float((((sn_inf_sign_float(pool1[item - lane + k]) > 0.0f) ? 0.0f : pool1[item - lane + k]) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))));
                pool1[item] = next1;
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc1_all = (-(float)INFINITY);
    if (n4) {
        acc1_all = shared1[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc1_all = sn_max_float(acc1_all, shared1[item - lane + k]);
        }
    }
    const float s1 = acc1_all;
    float run1_all = (-(float)INFINITY);
    float run4_all = 0.0f;
    if (!n4) {
        run1_all = pool1[item - lane];
        run4_all = pool4[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
             {
                const float next1 = sn_max_float(run1_all, pool1[item - lane + k]);
                run4_all = ((run4_all * sn_exp_float((((sn_inf_sign_float(run1_all) > 0.0f) ? 0.0f : run1_all) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))) + (pool4[item - lane + k] * sn_exp_float((((sn_inf_sign_float(pool1[item - lane + k]) > 0.0f) ? 0.0f : pool1[item - lane + k]) - ((sn_inf_sign_float(next1) != 0.0f) ? 0.0f : next1)))));
                run1_all = next1;
            }
        }
    }
    const float t1 = run1_all;
    const float t4 = n5 > 0 ? (run4_all * sn_exp_float((((sn_inf_sign_float(t1) != 0.0f) ? 0.0f : t1) - t1))) : run4_all;
    float4 acc4_v = (float4)(0.0f);
    float acc4_t = 0.0f;
    if (n4) {
        #pragma unroll
        for (int k = 0; k < 8; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s2 = (kept0[k] - s1);
            const float4 s3 = sn_exp_float4(s2);
            kept3[k] = s3;
            if (own < share) {
                acc4_v = (acc4_v + s3);
            }
        }
        float2 acc4_f_2 = acc4_v.lo;
        acc4_f_2 = (acc4_f_2 + acc4_v.hi);
        float acc4_f = acc4_f_2.lo;
        acc4_f = (acc4_f + acc4_f_2.hi);
        acc4_t = (acc4_t + acc4_f);
        shared4[item] = acc4_t;
    }
    if (!n4) {
        if (n6) {
            for (sn_idx v = lane; v < share; v += n0) {
                sn_idx i1 = v * 4;
                const float4 t0 = sn_aloadv_f32(4, b0, (n5*i0 + i1));
                const float4 t2 = (t0 - t1);
                const float4 t3 = sn_exp_float4(t2);
                const float4 t5 = sn_div_float4(t3, (float4)(t4));
                sn_astorev_f32(4, t5, b1, (n5*i0 + i1));
            }
        } else {
            for (sn_idx v = lane; v < share; v += n0) {
                const sn_idx i1 = v;
                const float t0 = sn_load_f32(b0, (n5*i0 + i1));
                const float t2 = (t0 - t1);
                const float t3 = sn_exp_float(t2);
                const float t5 = sn_div_float(t3, t4);
                sn_store_f32(t5, b1, (n5*i0 + i1));
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (n4) {
        for (int k = lane + 16; lane < 16 && k < n0; k += 16) {
            shared4[item] = (shared4[item] + shared4[item - lane + k]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float acc4_all = 0.0f;
    if (n4) {
        acc4_all = shared4[item - lane];
        for (int k = 1; k < min((int)n0, 16); ++k) {
            acc4_all = (acc4_all + shared4[item - lane + k]);
        }
    }
    const float s4 = acc4_all;
    if (n4) {
        #pragma unroll
        for (int k = 0; k < 8; ++k) {
            const sn_idx own = lane + k * n0, v = min(own, (sn_idx)n3 - 1);
            const sn_idx i1 = v * 4;
            const float4 s5 = sn_div_float4(kept3[k], (float4)(s4));
            if (own < share) {
                sn_astorev_f32(4, s5, b1, (n5*i0 + i1));
            }
        }
    }
}

