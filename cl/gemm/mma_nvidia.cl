/* mma.sync, ldmatrix and cp.async (PTX ISA 7.0, sm_80). A matrix of ldmatrix is eight rows of 16 bytes, which is how every
 * operand of mma.sync lies whatever its dtype: 16 rows by two chunks of A, 8 columns by two chunks of B. */
#ifndef SN_MMA_NVIDIA_CL
#define SN_MMA_NVIDIA_CL
#include "gemm/mma_types.cl"

#define SN_MMA_ASYNC 1
#define SN_MMA_LOCALS
#define SN_MMA_STEPS _Pragma("unroll")
#define SN_MMA_UNROLL _Pragma("unroll")
#if SN_MMA_V == 8
#define SN_MMA_TRANSPOSES 1 /* ldmatrix.trans has elements of 16 bits */
#else
#define SN_MMA_TRANSPOSES 0
#endif

#define SN_MMA_SHARED(p) ((uint)(ulong)(p))
#define SN_MMA_COPY(to, from, inside)                                                                                  \
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(SN_MMA_SHARED(to)), "l"((ulong)(from)),         \
                 "r"((inside) ? 16 : 0)                                                                                \
                 : "memory");
#define SN_MMA_COMMIT asm volatile("cp.async.commit_group;" ::: "memory");
#define SN_MMA_WAIT(most) asm volatile("cp.async.wait_group %0;" ::"n"(most) : "memory");

#define SN_MMA_LDMATRIX(kind, d0, d1, d2, d3, from)                                                                    \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4" kind ".shared.b16 {%0,%1,%2,%3}, [%4];"                               \
                 : "=r"(d0), "=r"(d1), "=r"(d2), "=r"(d3)                                                              \
                 : "r"(SN_MMA_SHARED(from))                                                                            \
                 : "memory");

#if SN_MMA_TRANSPOSES
#define SN_MMA_READ_A(a, tile, step)                                                                                   \
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i) {                                                                \
        const uint from = wave_row + i * SN_MMA_M;                                                                     \
        if (SN_MMA_A_LINES_K) {                                                                                        \
            SN_MMA_LDMATRIX("", a[i][0], a[i][1], a[i][2], a[i][3],                                                    \
                            (tile) + SN_MMA_A_AT(from + (lane & 15), (step) * 2 + (lane >> 4)))                        \
        } else {                                                                                                       \
            SN_MMA_LDMATRIX(".trans", a[i][0], a[i][1], a[i][2], a[i][3],                                              \
                            (tile) + SN_MMA_A_AT((step) * 16 + (lane & 7) + (lane >> 4) * 8,                           \
                                                 from / 8 + (lane >> 3 & 1)))                                          \
        }                                                                                                              \
    }
#define SN_MMA_READ_B(b, tile, step)                                                                                   \
    SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; j += 2) {                                                             \
        const uint from = wave_col + j * SN_MMA_N;                                                                     \
        if (SN_MMA_B_LINES_K) {                                                                                        \
            SN_MMA_LDMATRIX("", b[j][0], b[j][1], b[j + 1][0], b[j + 1][1],                                            \
                            (tile) + SN_MMA_B_AT(from + (lane & 7) + (lane >> 4) * 8, (step) * 2 + (lane >> 3 & 1)))   \
        } else {                                                                                                       \
            SN_MMA_LDMATRIX(".trans", b[j][0], b[j][1], b[j + 1][0], b[j + 1][1],                                      \
                            (tile) + SN_MMA_B_AT((step) * 16 + (lane & 15), from / 8 + (lane >> 4)))                   \
        }                                                                                                              \
    }
#endif

#define SN_MMA_SYNC(shape, sum, s, a, b)                                                                               \
    asm volatile("mma.sync.aligned." shape " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                    \
                 : sum((s)[0]), sum((s)[1]), sum((s)[2]), sum((s)[3])                                                  \
                 : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]));
#if defined(SN_MMA_DTYPE_bf16)
#define SN_MMA_ISSUE(s, a, b) SN_MMA_SYNC("m16n8k16.row.col.f32.bf16.bf16.f32", "+f", s, a, b)
#elif defined(SN_MMA_DTYPE_f16)
#define SN_MMA_ISSUE(s, a, b) SN_MMA_SYNC("m16n8k16.row.col.f32.f16.f16.f32", "+f", s, a, b)
#elif defined(SN_MMA_DTYPE_f32)
#define SN_MMA_ISSUE(s, a, b) SN_MMA_SYNC("m16n8k8.row.col.f32.tf32.tf32.f32", "+f", s, a, b)
#else
#define SN_MMA_ISSUE(s, a, b) SN_MMA_SYNC("m16n8k32.row.col.s32.s8.s8.s32", "+r", s, a, b)
#endif

#endif
