/* An f32 as a sum of three bf16: x * 2^16 = p0 + p1 + p2, exactly for every x below 2^111. Each p is the rest before it, rounded
 * to nearest, which leaves 8 bits fewer; the power of two lifts the last bit of every f32 above the last one of bf16. What is
 * larger, infinite or no number makes an infinity or a NaN of one of them, and so of every sum that it takes part in. */
#ifndef SN_PLANES_CL
#define SN_PLANES_CL

#define SN_PLANES_SCALE 65536.0f
#define SN_PLANES_UNSCALE 2.3283064365386963e-10f /* of a product: 2^-32 */

#if defined(SN_NV_SM) && SN_NV_SM >= 80
/* Two numbers in a word. */
static inline uint sn_planes_pair(float low, float high) {
    uint pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
#else
static inline uint sn_planes_round(float x) {
    const uint u = as_uint(x), above = u & 0x7fffffffu;
    return above > 0x7f800000u ? 0x7fffu : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}
static inline uint sn_planes_pair(float low, float high) {
    return sn_planes_round(low) | sn_planes_round(high) << 16;
}
#endif

/* Four numbers (bits of floats) as two words of each plane. */
static inline void sn_planes_split(uint4 bits, uint2 *p0, uint2 *p1, uint2 *p2) {
    float4 v = as_float4(bits) * SN_PLANES_SCALE;
    *p0 = (uint2)(sn_planes_pair(v.s0, v.s1), sn_planes_pair(v.s2, v.s3));
    v -= (float4)(as_float((*p0).s0 << 16), as_float((*p0).s0 & 0xffff0000u), as_float((*p0).s1 << 16),
                  as_float((*p0).s1 & 0xffff0000u));
    *p1 = (uint2)(sn_planes_pair(v.s0, v.s1), sn_planes_pair(v.s2, v.s3));
    v -= (float4)(as_float((*p1).s0 << 16), as_float((*p1).s0 & 0xffff0000u), as_float((*p1).s1 << 16),
                  as_float((*p1).s1 & 0xffff0000u));
    *p2 = (uint2)(sn_planes_pair(v.s0, v.s1), sn_planes_pair(v.s2, v.s3));
}

#endif
