/* bf16 on NVIDIA from sm_80 on: pairs in 32-bit words, rounded by cvt.rn.bf16x2.f32 (PTX ISA 7.0), which makes every NaN
 * 0x7fff. The functions are those of common/memory.cl. */
#ifndef SN_BF16_NVIDIA_CL
#define SN_BF16_NVIDIA_CL

static inline uint sn_nv_bf16x2(float low, float high) {
    uint pair;
    asm volatile("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

static inline float sn_from_bf16(ushort x) { return as_float((uint)x << 16); }
static inline ushort sn_to_bf16(float x) { return (ushort)sn_nv_bf16x2(x, 0.0f); }

#define SN_NV_LOW(u) as_float((u) << 16)
#define SN_NV_HIGH(u) as_float((u) & 0xffff0000u)
static inline float2 sn_from_bf162(ushort2 x) {
    uint u = as_uint(x);
    return (float2)(SN_NV_LOW(u), SN_NV_HIGH(u));
}
static inline ushort2 sn_to_bf162(float2 x) { return as_ushort2(sn_nv_bf16x2(x.s0, x.s1)); }

/* A vector by its halves. */
#define SN_NV_BF16(N, HALF)                                                                        \
    static inline float##N sn_from_bf16##N(ushort##N x) {                                          \
        return (float##N)(sn_from_bf16##HALF(x.lo), sn_from_bf16##HALF(x.hi));                     \
    }                                                                                              \
    static inline ushort##N sn_to_bf16##N(float##N x) {                                            \
        return (ushort##N)(sn_to_bf16##HALF(x.lo), sn_to_bf16##HALF(x.hi));                        \
    }
SN_NV_BF16(4, 2)
SN_NV_BF16(8, 4)
SN_NV_BF16(16, 8)

#endif
