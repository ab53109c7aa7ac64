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
 * (columns), in panels.
 *
 * A tensor map says what the copies read. The kernel writes its own two maps into sn_maps, memory of the patched program,
 * in the slot of its multiprocessor: the ring takes more than half of a multiprocessor's local memory, so no two
 * work-groups use a slot at a time. */
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

/* ---- Barriers and copies ---- */

#define SN_WG_COPY(to, map, x, y, barrier_at)                                                                          \
    asm volatile(                                                                                                      \
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0],[%1,{%2,%3}],[%4];" ::"r"(   \
            to),                                                                                                       \
        "l"(map), "r"(x), "r"(y), "r"(barrier_at)                                                                      \
        : "memory");

/* Declares addresses in local memory and in sn_maps, and makes the ring's barriers. */
#define SN_WG_BEGIN                                                                                                    \
    SN_WG_LOCALS                                                                                                       \
    ulong map_A;                                                                                                       \
    {                                                                                                                  \
        uint unit;                                                                                                     \
        ulong maps;                                                                                                    \
        asm volatile("mov.u32 %0, %%smid;" : "=r"(unit));                                                              \
        asm volatile("//@mov.u64 %0, sn_maps;" : "=l"(maps));                                                          \
        map_A = maps + (ulong)(unit & 255) * 256;                                                                      \
    }                                                                                                                  \
    const ulong map_B = map_A + 128;                                                                                   \
    SN_WG_INIT(1)

/* Writes a map: elements of 16 bits from `from` on, `inner` neighbours in each of `outer` lines that begin `pitch` elements
 * apart; a copy brings 64 x box_outer of them. What lies past the edges comes as zeros. */
#define SN_WG_MAP(map, from, inner, outer, pitch, box_outer)                                                           \
    {                                                                                                                  \
        const ulong at = (ulong)(from), step = (ulong)(pitch) >> 3;                                                    \
        const uint words[16] = {(uint)at,                                                                              \
                                (uint)(at >> 32),                                                                      \
                                3u << 13 | 10u << 7 | 1u << 4,                                                         \
                                (uint)step,                                                                            \
                                0,                                                                                     \
                                0,                                                                                     \
                                0,                                                                                     \
                                (uint)(step >> 32),                                                                    \
                                (uint)((inner)-1),                                                                     \
                                (uint)((outer)-1),                                                                     \
                                0,                                                                                     \
                                0,                                                                                     \
                                0,                                                                                     \
                                63u << 24,                                                                             \
                                (uint)(box_outer)-1,                                                                   \
                                0};                                                                                    \
        __global uint *const to = (__global uint *)(map);                                                              \
        _Pragma("unroll") for (int i = 0; i < 16; ++i) {                                                               \
            to[i] = words[i];                                                                                          \
            to[i + 16] = 0;                                                                                            \
        }                                                                                                              \
        asm volatile("//@fence.proxy.tensormap::generic.release.gpu;" ::: "memory");                                   \
        asm volatile("//@fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" ::"l"(map) : "memory");                \
    }

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
