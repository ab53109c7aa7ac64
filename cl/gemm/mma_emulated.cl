/* Any row of gemm/instructions.inc in plain OpenCL C: the lanes lay their fragments out as matrices in local memory and
 * multiply them there. Slow; it is how tiles, fragments and epilogues are tested where no such instruction is. */
#ifndef SN_MMA_EMULATED_CL
#define SN_MMA_EMULATED_CL
#include "gemm/mma_types.cl"

#define SN_MMA_ASYNC 0
#define SN_MMA_TRANSPOSES 0
#define SN_MMA_STEPS
#define SN_MMA_UNROLL
#define SN_MMA_LOCALS __local SN_MMA_SUM emulated[SN_MMA_ITEMS / SN_MMA_LANES][(SN_MMA_M + SN_MMA_N) * SN_MMA_K];

#if defined(SN_MMA_DTYPE_f32)
#define SN_MMA_VALUE(bits) as_float(bits)
#elif defined(SN_MMA_DTYPE_i8)
#define SN_MMA_VALUE(bits) ((int)(char)(bits))
#elif defined(SN_MMA_DTYPE_bf16)
#define SN_MMA_VALUE(bits) as_float((uint)(bits) << 16)
#else
#define SN_MMA_VALUE(bits) sn_mma_from_f16(bits)
static inline float sn_mma_from_f16(uint h) {
    const uint sign = (h & 0x8000u) << 16, m = h & 0x7fffu;
    if (m >= 0x7c00u) return as_float(sign | 0x7f800000u | m << 13);
    const float value = m < 0x400u ? (float)m * 0x1p-24f : as_float((m << 13) + 0x38000000u);
    return as_float(sign | as_uint(value));
}
#endif

#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    {                                                                                                                  \
        __local SN_MMA_SUM *const ea = emulated[wave], *const eb = ea + SN_MMA_M * SN_MMA_K;                           \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        for (int e = 0; e < SN_MMA_A_COUNT; ++e)                                                                       \
            ea[SN_MMA_A_ROW(lane, e) * SN_MMA_K + SN_MMA_A_INNER(lane, e)] = SN_MMA_VALUE(SN_MMA_ELEMENT(a, e));       \
        for (int e = 0; e < SN_MMA_B_COUNT; ++e)                                                                       \
            eb[SN_MMA_B_COL(lane, e) * SN_MMA_K + SN_MMA_B_INNER(lane, e)] = SN_MMA_VALUE(SN_MMA_ELEMENT(b, e));       \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        for (int e = 0; e < SN_MMA_SUMS; ++e) {                                                                        \
            const int from_a = SN_MMA_ROW(lane, e) * SN_MMA_K, from_b = SN_MMA_COL(lane, e) * SN_MMA_K;                \
            for (int k = 0; k < SN_MMA_K; ++k) (s)[e] += ea[from_a + k] * eb[from_b + k];                              \
        }                                                                                                              \
    }

#endif
