/* How a matrix instruction's operands are stored: SN_MMA_E is an element's bits, SN_MMA_V elements fill 16 bytes.
 * SN_MMA_PACK makes a chunk of SN_MMA_V values (a vector of floats, or of int for i8), SN_MMA_BITS one element. */
#ifndef SN_MMA_TYPES_CL
#define SN_MMA_TYPES_CL

#if defined(SN_MMA_DTYPE_f32)
#define SN_MMA_E uint
#define SN_MMA_V 4
#define SN_MMA_SUM float
#define SN_MMA_PACK(v) as_uint4(v)
#define SN_MMA_BITS(v) as_uint(v)
#elif defined(SN_MMA_DTYPE_i8)
#define SN_MMA_E uchar
#define SN_MMA_V 16
#define SN_MMA_SUM int
#define SN_MMA_PACK(v) as_uint4(convert_char16(v))
#define SN_MMA_BITS(v) ((uint)(uchar)(v))
#elif defined(SN_MMA_DTYPE_bf16)
#define SN_MMA_E ushort
#define SN_MMA_V 8
#define SN_MMA_SUM float
#define SN_MMA_PACK(v) as_uint4(sn_to_bf168(v))
#define SN_MMA_BITS(v) ((uint)sn_to_bf16(v))
#else
#define SN_MMA_E ushort
#define SN_MMA_V 8
#define SN_MMA_SUM float
#define SN_MMA_PACK(v) sn_mma_pack_f16(v)
#define SN_MMA_BITS(v) ((uint)sn_mma_bits_f16(v))
/* To f16, nearest even, without arithmetic in half: the float's bits are added to 0.5 times the exponent of the last bit
 * that is kept, which rounds and aligns them. */
static inline uint sn_mma_bits_f16(float x) {
    const uint sign = as_uint(x) >> 16 & 0x8000u, u = as_uint(x) & 0x7fffffffu;
    if (u >= 0x47800000u) return sign | (u > 0x7f800000u ? 0x7e00u : 0x7c00u);
    if (u < 0x38800000u) return sign | (as_uint(as_float(u) + 0.5f) - 0x3f000000u);
    return sign | ((u - 0x38000000u + 0xfffu + (u >> 13 & 1u)) >> 13);
}
static inline uint sn_mma_pair_f16(float low, float high) {
#if defined(SN_NV_SM) && SN_NV_SM >= 80
    uint pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return sn_mma_bits_f16(low) | sn_mma_bits_f16(high) << 16;
#endif
}
static inline uint4 sn_mma_pack_f16(float8 v) {
    return (uint4)(sn_mma_pair_f16(v.s0, v.s1), sn_mma_pair_f16(v.s2, v.s3), sn_mma_pair_f16(v.s4, v.s5),
                   sn_mma_pair_f16(v.s6, v.s7));
}
#endif

#endif
