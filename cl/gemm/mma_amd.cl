/* AMD's matrix builtins: MFMA of CDNA, WMMA of RDNA 3. Chunks travel through registers; tiles lie along k. */
#ifndef SN_MMA_AMD_CL
#define SN_MMA_AMD_CL
#include "gemm/mma_types.cl"

#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define SN_MMA_ASYNC 0
#define SN_MMA_TRANSPOSES 0
#define SN_MMA_LOCALS
#define SN_MMA_UNROLL _Pragma("unroll")
#if SN_MMA_LANES == 32
/* Fragments of several steps at a time do not fit in the registers that clang gives a wave of gfx1100. */
#define SN_MMA_STEPS _Pragma("nounroll")
#else
#define SN_MMA_STEPS _Pragma("unroll")
#endif

/* Sums as the vector that a builtin wants, and back. */
#define SN_MMA_4(s, at) (s)[at], (s)[(at) + 1], (s)[(at) + 2], (s)[(at) + 3]
#define SN_MMA_BACK_4(s, at, v) (s)[at] = (v).x, (s)[(at) + 1] = (v).y, (s)[(at) + 2] = (v).z, (s)[(at) + 3] = (v).w;
#define SN_MMA_WITH_4(s, call)                                                                                         \
    {                                                                                                                  \
        const float4 d = (float4)(SN_MMA_4(s, 0)), r = call;                                                           \
        SN_MMA_BACK_4(s, 0, r)                                                                                         \
    }
#define SN_MMA_WITH_8(s, call)                                                                                         \
    {                                                                                                                  \
        const float8 d = (float8)(SN_MMA_4(s, 0), SN_MMA_4(s, 4)), r = call;                                           \
        SN_MMA_BACK_4(s, 0, r.lo) SN_MMA_BACK_4(s, 4, r.hi)                                                            \
    }
#define SN_MMA_WITH_16(s, call)                                                                                        \
    {                                                                                                                  \
        const float16 d = (float16)(SN_MMA_4(s, 0), SN_MMA_4(s, 4), SN_MMA_4(s, 8), SN_MMA_4(s, 12)), r = call;        \
        SN_MMA_BACK_4(s, 0, r.lo.lo) SN_MMA_BACK_4(s, 4, r.lo.hi)                                                      \
        SN_MMA_BACK_4(s, 8, r.hi.lo) SN_MMA_BACK_4(s, 12, r.hi.hi)                                                     \
    }
#define SN_MMA_W2(a) (uint2)((a)[0], (a)[1])
#define SN_MMA_W8(a) (uint8)(SN_MMA_4(a, 0), SN_MMA_4(a, 4))

#if defined(SN_MMA_mfma_32x32x8_f16)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_16(s, __builtin_amdgcn_mfma_f32_32x32x8f16(as_half4(SN_MMA_W2(a)), as_half4(SN_MMA_W2(b)), d, 0, 0, 0))
#elif defined(SN_MMA_mfma_32x32x8_bf16_1k)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_16(                                                                                                    \
        s, __builtin_amdgcn_mfma_f32_32x32x8bf16_1k(as_short4(SN_MMA_W2(a)), as_short4(SN_MMA_W2(b)), d, 0, 0, 0))
#elif defined(SN_MMA_mfma_16x16x16_f16)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_4(s, __builtin_amdgcn_mfma_f32_16x16x16f16(as_half4(SN_MMA_W2(a)), as_half4(SN_MMA_W2(b)), d, 0, 0, 0))
#elif defined(SN_MMA_mfma_16x16x16_bf16_1k)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_4(                                                                                                     \
        s, __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(as_short4(SN_MMA_W2(a)), as_short4(SN_MMA_W2(b)), d, 0, 0, 0))
#elif defined(SN_MMA_mfma_32x32x4_bf16)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_16(s, __builtin_amdgcn_mfma_f32_32x32x4bf16(as_short2((a)[0]), as_short2((b)[0]), d, 0, 0, 0))
#elif defined(SN_MMA_wmma_16x16x16_f16)
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_8(s, __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(as_half16(SN_MMA_W8(a)), as_half16(SN_MMA_W8(b)), d))
#else
#define SN_MMA_ISSUE(s, a, b)                                                                                          \
    SN_MMA_WITH_8(s, __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(as_short16(SN_MMA_W8(a)), as_short16(SN_MMA_W8(b)), d))
#endif

#endif
