/* Loads and stores by dtype: storage is not arithmetic.
 *
 * sn_load_<dtype>(p, i) and sn_loadv_<dtype>(N, p, i) give float, double, int or long, as a scalar or a vector of N;
 * sn_store_<dtype>(v, p, i) and sn_storev_<dtype>(N, v, p, i) round to nearest even (real dtypes) or wrap (integers). p
 * points to the storage type: float, half, ushort (bf16), double, char, uchar (u8, bool), short, ushort, int, uint, long.
 * sn_aloadv and sn_astorev are the same for p + i aligned to the vector, which some compilers must be told. */
#ifndef SN_MEMORY_CL
#define SN_MEMORY_CL

#include "common/types.cl"

/* bf16 is the upper half of a float. Rounding up may carry into the exponent, which is right, Inf included; a NaN stays
 * one. */
#if defined(SN_NV_SM) && SN_NV_SM >= 80
/* NVIDIA from Ampere on rounds two in one instruction, in place of a dozen. */
#include "common/bf16_nvidia.cl"
#else
#define SN_DEFINE_BF16(N)                                                                          \
    static inline float##N sn_from_bf16##N(ushort##N x) {                                          \
        return as_float##N(convert_uint##N(x) << 16);                                              \
    }                                                                                              \
    static inline ushort##N sn_to_bf16##N(float##N x) {                                            \
        uint##N u = as_uint##N(x);                                                                 \
        uint##N rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;                                  \
        uint##N quiet = (u >> 16) | 0x40u;                                                         \
        return convert_ushort##N((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);               \
    }
SN_DEFINE_BF16()
SN_DEFINE_BF16(2)
SN_DEFINE_BF16(4)
SN_DEFINE_BF16(8)
SN_DEFINE_BF16(16)
#endif

/* Halves that are aligned to their own size only, by way of integers: PoCL 3.1 takes the address in vload_half8 for one
 * that is aligned to the vector. */
#define SN_DEFINE_F16(N)                                                                           \
    static inline float##N sn_from_f16_##N(ushort##N x) {                                          \
        return vloada_half##N(0, (const __private half *)&x);                                      \
    }                                                                                              \
    static inline ushort##N sn_to_f16_##N(float##N x) {                                            \
        ushort##N result;                                                                          \
        vstorea_half##N##_rte(x, 0, (__private half *)&result);                                    \
        return result;                                                                             \
    }
SN_DEFINE_F16(2)
SN_DEFINE_F16(4)
SN_DEFINE_F16(8)
SN_DEFINE_F16(16)

#define sn_load_f32(p, i) ((p)[i])
#define sn_load_f16(p, i) vload_half((i), (p))
#define sn_load_bf16(p, i) sn_from_bf16((p)[i])
#define sn_load_f64(p, i) ((p)[i])
#define sn_load_i8(p, i) ((int)(p)[i])
#define sn_load_u8(p, i) ((int)(p)[i])
#define sn_load_i16(p, i) ((int)(p)[i])
#define sn_load_i32(p, i) ((p)[i])
#define sn_load_i64(p, i) ((p)[i])
#define sn_load_u16(p, i) ((int)(p)[i])
#define sn_load_u32(p, i) ((long)(p)[i])
#define sn_load_bool(p, i) ((int)(p)[i])

#define sn_store_f32(v, p, i) ((p)[i] = (v))
#define sn_store_f16(v, p, i) vstore_half_rte((v), (i), (p))
#define sn_store_bf16(v, p, i) ((p)[i] = sn_to_bf16(v))
#define sn_store_f64(v, p, i) ((p)[i] = (v))
#define sn_store_i8(v, p, i) ((p)[i] = (char)(v))
#define sn_store_u8(v, p, i) ((p)[i] = (uchar)(v))
#define sn_store_i16(v, p, i) ((p)[i] = (short)(v))
#define sn_store_i32(v, p, i) ((p)[i] = (v))
#define sn_store_i64(v, p, i) ((p)[i] = (v))
#define sn_store_u16(v, p, i) ((p)[i] = (ushort)(v))
#define sn_store_u32(v, p, i) ((p)[i] = (uint)(v))
#define sn_store_bool(v, p, i) ((p)[i] = (uchar)(v))

/* Vectors aligned to their elements only. */
#define sn_loadv_f32(N, p, i) vload##N(0, (p) + (i))
#define sn_loadv_f16(N, p, i) sn_from_f16_##N(vload##N(0, (const __global ushort *)((p) + (i))))
#define sn_loadv_bf16(N, p, i) sn_from_bf16##N(vload##N(0, (p) + (i)))
#define sn_loadv_f64(N, p, i) vload##N(0, (p) + (i))
#define sn_loadv_i8(N, p, i) convert_int##N(vload##N(0, (p) + (i)))
#define sn_loadv_u8(N, p, i) convert_int##N(vload##N(0, (p) + (i)))
#define sn_loadv_i16(N, p, i) convert_int##N(vload##N(0, (p) + (i)))
#define sn_loadv_i32(N, p, i) vload##N(0, (p) + (i))
#define sn_loadv_i64(N, p, i) vload##N(0, (p) + (i))
#define sn_loadv_u16(N, p, i) convert_int##N(vload##N(0, (p) + (i)))
#define sn_loadv_u32(N, p, i) convert_long##N(vload##N(0, (p) + (i)))
#define sn_loadv_bool(N, p, i) convert_int##N(vload##N(0, (p) + (i)))

/* Every other element of 2*N - 1: a begins with the first one, b is N - 1 elements further and ends with the last one. Lanes are
 * named one by one, which compilers make shuffles of: Oclgrind 21.10 crashes on .even and .odd, whose shuffles leave lanes
 * open, and takes what __builtin_shufflevector gives for unwritten. */
#define SN_DEFINE_EVERY2(T)                                                                        \
    static inline T##4 sn_every2_##T##4(T##4 a, T##4 b) {                                          \
        return (T##4)(a.s0, a.s2, b.s1, b.s3);                                                     \
    }                                                                                              \
    static inline T##8 sn_every2_##T##8(T##8 a, T##8 b) {                                          \
        return (T##8)(a.s0, a.s2, a.s4, a.s6, b.s1, b.s3, b.s5, b.s7);                             \
    }                                                                                              \
    static inline T##16 sn_every2_##T##16(T##16 a, T##16 b) {                                      \
        return (T##16)(a.s0, a.s2, a.s4, a.s6, a.s8, a.sa, a.sc, a.se,                             \
                       b.s1, b.s3, b.s5, b.s7, b.s9, b.sb, b.sd, b.sf);                            \
    }
SN_DEFINE_EVERY2(float)
SN_DEFINE_EVERY2(int)
SN_DEFINE_EVERY2(long)

#define sn_storev_f32(N, v, p, i) vstore##N((v), 0, (p) + (i))
#define sn_storev_f16(N, v, p, i) vstore##N(sn_to_f16_##N(v), 0, (__global ushort *)((p) + (i)))
#define sn_storev_bf16(N, v, p, i) vstore##N(sn_to_bf16##N(v), 0, (p) + (i))
#define sn_storev_f64(N, v, p, i) vstore##N((v), 0, (p) + (i))
#define sn_storev_i8(N, v, p, i) vstore##N(convert_char##N(v), 0, (p) + (i))
#define sn_storev_u8(N, v, p, i) vstore##N(convert_uchar##N(v), 0, (p) + (i))
#define sn_storev_i16(N, v, p, i) vstore##N(convert_short##N(v), 0, (p) + (i))
#define sn_storev_i32(N, v, p, i) vstore##N((v), 0, (p) + (i))
#define sn_storev_i64(N, v, p, i) vstore##N((v), 0, (p) + (i))
#define sn_storev_u16(N, v, p, i) vstore##N(convert_ushort##N(v), 0, (p) + (i))
#define sn_storev_u32(N, v, p, i) vstore##N(convert_uint##N(v), 0, (p) + (i))
#define sn_storev_bool(N, v, p, i) vstore##N(convert_uchar##N(v), 0, (p) + (i))

/* Vectors aligned to the whole vector. */
#define SN_AT(type, N, p, i) (*(__global const type##N *)((p) + (i)))
#define SN_AT_OUT(type, N, p, i) (*(__global type##N *)((p) + (i)))
#define sn_aloadv_f32(N, p, i) SN_AT(float, N, p, i)
#define sn_aloadv_f16(N, p, i) vloada_half##N(0, (p) + (i))
#define sn_aloadv_bf16(N, p, i) sn_from_bf16##N(SN_AT(ushort, N, p, i))
#define sn_aloadv_f64(N, p, i) SN_AT(double, N, p, i)
#define sn_aloadv_i8(N, p, i) convert_int##N(SN_AT(char, N, p, i))
#define sn_aloadv_u8(N, p, i) convert_int##N(SN_AT(uchar, N, p, i))
#define sn_aloadv_i16(N, p, i) convert_int##N(SN_AT(short, N, p, i))
#define sn_aloadv_i32(N, p, i) SN_AT(int, N, p, i)
#define sn_aloadv_i64(N, p, i) SN_AT(long, N, p, i)
#define sn_aloadv_u16(N, p, i) convert_int##N(SN_AT(ushort, N, p, i))
#define sn_aloadv_u32(N, p, i) convert_long##N(SN_AT(uint, N, p, i))
#define sn_aloadv_bool(N, p, i) convert_int##N(SN_AT(uchar, N, p, i))

#define sn_astorev_f32(N, v, p, i) (SN_AT_OUT(float, N, p, i) = (v))
#define sn_astorev_f16(N, v, p, i) vstorea_half##N##_rte((v), 0, (p) + (i))
#define sn_astorev_bf16(N, v, p, i) (SN_AT_OUT(ushort, N, p, i) = sn_to_bf16##N(v))
#define sn_astorev_f64(N, v, p, i) (SN_AT_OUT(double, N, p, i) = (v))
#define sn_astorev_i8(N, v, p, i) (SN_AT_OUT(char, N, p, i) = convert_char##N(v))
#define sn_astorev_u8(N, v, p, i) (SN_AT_OUT(uchar, N, p, i) = convert_uchar##N(v))
#define sn_astorev_i16(N, v, p, i) (SN_AT_OUT(short, N, p, i) = convert_short##N(v))
#define sn_astorev_i32(N, v, p, i) (SN_AT_OUT(int, N, p, i) = (v))
#define sn_astorev_i64(N, v, p, i) (SN_AT_OUT(long, N, p, i) = (v))
#define sn_astorev_u16(N, v, p, i) (SN_AT_OUT(ushort, N, p, i) = convert_ushort##N(v))
#define sn_astorev_u32(N, v, p, i) (SN_AT_OUT(uint, N, p, i) = convert_uint##N(v))
#define sn_astorev_bool(N, v, p, i) (SN_AT_OUT(uchar, N, p, i) = convert_uchar##N(v))

#endif
