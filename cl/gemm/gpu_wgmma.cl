/* A product by wgmma (sm_90a): one warp copies tiles into a ring of stages in local memory by the tensor memory accelerator,
 * warpgroups multiply them from there, sums stay in registers. Work-groups are as many as the device has units, and walk over
 * tiles of the result. Instructions behind "//@" are uncovered by lib/kernel/patch.c.
 *
 * The generated source (sni_wgmma_print in lib/device/wgmma.c) defines
 *
 *     SN_WG_GROUPS           warpgroups that multiply, of 64 rows each; one more copies
 *     SN_WG_BN               columns of a tile, a multiple of 64, at most 256
 *     SN_WG_STAGES           stages of the ring, at least 2: with one, the copier and the others would wait for each other
 *     SN_WG_A_ALONG_K, SN_WG_B_ALONG_K   do neighbouring elements of memory lie along k?
 *     SN_WG_ISSUE(sums, a, b)            one wgmma of 16 k on descriptors of local memory
 *
 * A stage holds 64 k. Lines of 128 bytes are swizzled by the copy: of one row (column) along k, or of one k along 64 rows
 * (columns), in panels. */
#ifndef SN_WG_GPU_CL
#define SN_WG_GPU_CL

#include "gemm/wgmma_ring.cl"

#define SN_WG_BK 64
#define SN_WG_ITEMS (SN_WG_GROUPS * 128 + 128)
#define SN_WG_A_BYTES (SN_WG_BM * 128)
#define SN_WG_B_BYTES (SN_WG_BN * 128)
#define SN_WG_STAGE_BYTES (SN_WG_A_BYTES + SN_WG_B_BYTES)
#define SN_WG_RING_BYTES (SN_WG_STAGES * SN_WG_STAGE_BYTES)

/* Address over 16; distance of 8 lines (64: 1024 bytes); distance of panels (512: 8192 bytes; along k there are none);
 * swizzle of 128 bytes. */
#define SN_WG_ALONG_K ((64ul << 32) | (1ul << 16) | (1ul << 62))
#define SN_WG_ALONG_OUTER ((64ul << 32) | (512ul << 16) | (1ul << 62))
#define SN_WG_A_AT(from, step)                                                                                         \
    (SN_WG_A_ALONG_K ? (SN_WG_ALONG_K | (((from) + (step)*32) >> 4))                                                   \
                     : (SN_WG_ALONG_OUTER | (((from) + (step)*2048) >> 4)))
#define SN_WG_B_AT(from, step)                                                                                         \
    (SN_WG_B_ALONG_K ? (SN_WG_ALONG_K | (((from) + (step)*32) >> 4))                                                   \
                     : (SN_WG_ALONG_OUTER | (((from) + (step)*2048) >> 4)))

/* Declares addresses in local memory and in sn_maps, and makes the ring's barriers. */
#define SN_WG_BEGIN                                                                                                    \
    SN_WG_LOCALS                                                                                                       \
    SN_WG_MAPS                                                                                                         \
    const ulong map_A = maps, map_B = maps + 128;                                                                      \
    SN_WG_INIT(1)

/* ---- The warpgroup that copies: one work-item of it does ---- */

#define SN_WG_COPY_A(to, k, barrier_at)                                                                                \
    if (SN_WG_A_ALONG_K) {                                                                                             \
        SN_WG_COPY(to, map_A, k, row0, barrier_at)                                                                     \
    } else {                                                                                                           \
        _Pragma("unroll") for (int p = 0; p < SN_WG_GROUPS; ++p)                                                       \
            SN_WG_COPY((to) + p * 8192, map_A, row0 + p * 64, k, barrier_at)                                           \
    }
#define SN_WG_COPY_B(to, k, barrier_at)                                                                                \
    if (SN_WG_B_ALONG_K) {                                                                                             \
        SN_WG_COPY(to, map_B, k, col0, barrier_at)                                                                     \
    } else {                                                                                                           \
        _Pragma("unroll") for (int p = 0; p < SN_WG_BN / 64; ++p)                                                      \
            SN_WG_COPY((to) + p * 8192, map_B, col0 + p * 64, k, barrier_at)                                           \
    }
#define SN_WG_PRODUCE                                                                                                  \
    SN_WG_FEW_REGISTERS                                                                                                \
    if (item == SN_WG_GROUPS * 128) {                                                                                  \
        SN_WG_EACH_TILE {                                                                                              \
            SN_WG_TILE                                                                                                 \
            for (int step = 0; step < steps; ++step) {                                                                 \
                const uint to = ring + stage * SN_WG_STAGE_BYTES, arrived = full + stage * 8;                          \
                SN_WG_WAIT(empty + stage * 8, phase ^ 1)                                                               \
                SN_WG_EXPECT(arrived, SN_WG_STAGE_BYTES)                                                               \
                SN_WG_COPY_A(to, step *SN_WG_BK, arrived)                                                              \
                SN_WG_COPY_B(to + SN_WG_A_BYTES, step * SN_WG_BK, arrived)                                             \
                SN_WG_NEXT_STAGE                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

/* ---- Warpgroups that multiply ---- */

/* Registers that the copier does not need. With 256 work-items each has what it can use anyway. */
#if SN_WG_GROUPS == 2
#define SN_WG_FEW_REGISTERS asm volatile("//@setmaxnreg.dec.sync.aligned.u32 24;" ::: "memory");
#define SN_WG_MANY_REGISTERS asm volatile("//@setmaxnreg.inc.sync.aligned.u32 240;" ::: "memory");
#else
#define SN_WG_FEW_REGISTERS
#define SN_WG_MANY_REGISTERS
#endif

/* The sums of a tile. A stage is given back when the wgmmas of the next one are on their way. */
#define SN_WG_MULTIPLY(sums)                                                                                           \
    _Pragma("unroll") for (int i = 0; i < SN_WG_BN / 2; ++i) sums[i] = 0.0f;                                           \
    {                                                                                                                  \
        uint before = 0;                                                                                               \
        for (int step = 0; step < steps; ++step) {                                                                     \
            SN_WG_WAIT(full + stage * 8, phase)                                                                        \
            const uint a = ring + stage * SN_WG_STAGE_BYTES + group * 8192;                                            \
            const uint b = ring + stage * SN_WG_STAGE_BYTES + SN_WG_A_BYTES;                                           \
            asm volatile("//@wgmma.fence.sync.aligned;" ::: "memory");                                                 \
            _Pragma("unroll") for (int kk = 0; kk < SN_WG_BK / 16; ++kk) {                                             \
                const ulong da = SN_WG_A_AT(a, kk), db = SN_WG_B_AT(b, kk);                                            \
                SN_WG_ISSUE(sums, da, db);                                                                             \
            }                                                                                                          \
            asm volatile("//@wgmma.commit_group.sync.aligned;" ::: "memory");                                          \
            asm volatile("//@wgmma.wait_group.sync.aligned 1;" ::: "memory");                                          \
            if (step > 0 && lane == 0) SN_WG_ARRIVE(empty + before * 8)                                                \
            before = stage;                                                                                            \
            SN_WG_NEXT_STAGE                                                                                           \
        }                                                                                                              \
        asm volatile("//@wgmma.wait_group.sync.aligned 0;" ::: "memory");                                              \
        if (steps > 0 && lane == 0) SN_WG_ARRIVE(empty + before * 8)                                                   \
    }

#endif
