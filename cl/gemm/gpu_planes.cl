/* A product of f32 by wgmma (sm_90a) on bf16: two warpgroups load tiles through their prologues, split each number into three
 * planes (planes.cl) and put them into a ring of stages in local memory; others multiply them there. Of the nine products of
 * planes the six largest are summed: what is left out is at most 2^-23 of a product.
 *
 * wgmma cuts bits off where it adds, so no sum of it is long: small products come first, the products of the leading planes
 * last, and after each stage what came of it is added to sums in f32.
 *
 * The generated source (sni_planes_print in lib/device/planes.c) defines
 *
 *     SN_WG_GROUPS           warpgroups that multiply, of 64 rows each
 *     SN_WG_BN               columns of a tile, 64 or 128
 *     SN_WG_STAGES           stages of the ring
 *     SN_PL_PLANES           3; 2: numbers are rounded to 16 bits, and three products are left
 *     SN_MMA_A_ALONG_K, SN_MMA_B_ALONG_K   do neighbouring elements of memory lie along k?
 *     SN_PL_A_WINDOW, SN_PL_B_WINDOW       does a work-item load elements of one row (column) only, along k?
 *     SN_WG_ISSUE(sums, a, b), SN_WG_START(sums, a, b)   one wgmma of 16 k on descriptors of local memory; START clears sums
 *
 * A stage holds 32 k. Lines are of one row (column) along k, 64 bytes, or of one k along 64 rows (columns), 128 bytes, in
 * panels; each has the swizzle of its width. Loading is printed by lib/codegen/tile_load.c, in chunks of four numbers. */
#ifndef SN_PL_GPU_CL
#define SN_PL_GPU_CL

#include "gemm/planes.cl"

#define SN_WG_BK 32
#define SN_PL_A_PLANE (SN_WG_GROUPS * 64 * SN_WG_BK * 2) /* bytes */
#define SN_PL_B_PLANE (SN_WG_BN * SN_WG_BK * 2)
#define SN_PL_STAGE_BYTES (SN_PL_PLANES * (SN_PL_A_PLANE + SN_PL_B_PLANE))
#define SN_WG_RING_BYTES (SN_WG_STAGES * SN_PL_STAGE_BYTES)
#define SN_PL_SPLITTERS 2 /* warpgroups */
#define SN_PL_ITEMS ((SN_WG_GROUPS + SN_PL_SPLITTERS) * 128)

#include "gemm/wgmma_ring.cl"

/* Work-items have a register file's 65536 in all. */
#if SN_WG_GROUPS == 2
#define SN_PL_FEW_REGISTERS asm volatile("//@setmaxnreg.dec.sync.aligned.u32 96;" ::: "memory");
#define SN_PL_MANY_REGISTERS asm volatile("//@setmaxnreg.inc.sync.aligned.u32 160;" ::: "memory");
#else
#define SN_PL_FEW_REGISTERS
#define SN_PL_MANY_REGISTERS
#endif

/* ---- Warpgroups that load and split ---- */

#define SN_MMA_UNROLL _Pragma("unroll")
#define SN_MMA_V 4
#define SN_MMA_PACK(v) as_uint4(v)
#define SN_MMA_BITS(v) as_uint(v)
#define SN_MMA_ITEMS (SN_PL_SPLITTERS * 128)
#define SN_MMA_A_CHUNKS (SN_WG_BM * SN_WG_BK / 4 / SN_MMA_ITEMS)
#define SN_MMA_B_CHUNKS (SN_WG_BN * SN_WG_BK / 4 / SN_MMA_ITEMS)
#define SN_MMA_A_HAS(x) 1
#define SN_MMA_B_HAS(x) 1
#define SN_PL_OUTER(along_k, x, side) ((along_k) ? (x) / (SN_WG_BK / 4) : (x) % ((side) / 4) * 4)
#define SN_PL_K(along_k, x, side) ((along_k) ? (x) % (SN_WG_BK / 4) * 4 : (x) / ((side) / 4))
/* Of a window: neighbouring work-items have neighbouring rows, and pairs of chunks, which are 16 bytes of each plane. */
#define SN_PL_WINDOW_K(x, side)                                                                                        \
    (((x) % SN_MMA_ITEMS / (side) + SN_MMA_ITEMS / (side) * ((x) / SN_MMA_ITEMS / 2)) * 8 + (x) / SN_MMA_ITEMS % 2 * 4)
#define SN_MMA_A_OUTER(x) (SN_PL_A_WINDOW ? (x) % SN_WG_BM : SN_PL_OUTER(SN_MMA_A_ALONG_K, x, SN_WG_BM))
#define SN_MMA_A_K(x) (SN_PL_A_WINDOW ? SN_PL_WINDOW_K(x, SN_WG_BM) : SN_PL_K(SN_MMA_A_ALONG_K, x, SN_WG_BM))
#define SN_MMA_B_OUTER(x) (SN_PL_B_WINDOW ? (x) % SN_WG_BN : SN_PL_OUTER(SN_MMA_B_ALONG_K, x, SN_WG_BN))
#define SN_MMA_B_K(x) (SN_PL_B_WINDOW ? SN_PL_WINDOW_K(x, SN_WG_BN) : SN_PL_K(SN_MMA_B_ALONG_K, x, SN_WG_BN))

/* The word at an address; 0, and no access, unless lacks is 0. */
#define SN_PL_LOAD(to, from, lacks)                                                                                    \
    asm volatile("{ .reg .pred p1; setp.eq.u32 p1,%2,0; mov.u32 %0,0; @p1 ld.global.u32 %0,[%1]; }"                    \
                 : "=&r"(to)                                                                                           \
                 : "l"(from), "r"(lacks));

/* The byte of a plane where a chunk goes: 16 bytes are swapped by the line's number. */
#define SN_PL_AT(along_k, outer, k)                                                                                    \
    ((along_k) ? (outer)*64 + ((k) >> 3 ^ ((outer) >> 1 & 3)) * 16 + ((k)&4) * 2                                       \
               : ((outer) >> 6) * (SN_WG_BK * 128) + (k)*128 + (((outer) >> 3 & 7) ^ ((k)&7)) * 16 + ((outer)&4) * 2)
#define SN_PL_PUT_PAIRS(X, plane)                                                                                      \
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_##X##_CHUNKS; i += 2) {                                                   \
        const uint x = item + i * SN_MMA_ITEMS, outer = SN_MMA_##X##_OUTER(x), k = SN_MMA_##X##_K(x);                  \
        __local uchar *const at = (plane) + SN_PL_AT(SN_MMA_##X##_ALONG_K, outer, k);                                  \
        uint2 p0, p1, p2, q0, q1, q2;                                                                                  \
        sn_planes_split(next_##X[i], &p0, &p1, &p2);                                                                   \
        sn_planes_split(next_##X[i + 1], &q0, &q1, &q2);                                                               \
        *(__local uint4 *)at = (uint4)(p0, q0);                                                                        \
        *(__local uint4 *)(at + SN_PL_##X##_PLANE) = (uint4)(p1, q1);                                                  \
        if (SN_PL_PLANES == 3) *(__local uint4 *)(at + 2 * SN_PL_##X##_PLANE) = (uint4)(p2, q2);                       \
    }
#define SN_PL_PUT_EACH(X, plane)                                                                                       \
    SN_MMA_UNROLL for (int i = 0; i < SN_MMA_##X##_CHUNKS; ++i) {                                                      \
        const uint x = item + i * SN_MMA_ITEMS, outer = SN_MMA_##X##_OUTER(x), k = SN_MMA_##X##_K(x);                  \
        __local uchar *const at = (plane) + SN_PL_AT(SN_MMA_##X##_ALONG_K, outer, k);                                  \
        uint2 p0, p1, p2;                                                                                              \
        sn_planes_split(next_##X[i], &p0, &p1, &p2);                                                                   \
        *(__local uint2 *)at = p0;                                                                                     \
        *(__local uint2 *)(at + SN_PL_##X##_PLANE) = p1;                                                               \
        if (SN_PL_PLANES == 3) *(__local uint2 *)(at + 2 * SN_PL_##X##_PLANE) = p2;                                    \
    }
#define SN_PL_PUT(X, plane)                                                                                            \
    if (SN_PL_##X##_WINDOW) {                                                                                          \
        SN_PL_PUT_PAIRS(X, plane)                                                                                      \
    } else {                                                                                                           \
        SN_PL_PUT_EACH(X, plane)                                                                                       \
    }
#define SN_PL_STAGE (memory + stage * SN_PL_STAGE_BYTES)
/* The fence is for local memory alone, and stands before the loads of the next stage: it would wait for them, too. */
#define SN_PL_PUBLISH                                                                                                  \
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");                                                       \
    SN_WG_SYNC_WARP                                                                                                    \
    if (lane == 0) SN_WG_ARRIVE(full + stage * 8)                                                                      \
    SN_WG_NEXT_STAGE

/* ---- Warpgroups that multiply ---- */

/* Address over 16; distance of 8 lines (32: 512 bytes, 64: 1024 bytes); distance of panels; swizzle of 64 or 128 bytes. */
#define SN_PL_ALONG_K ((32ul << 32) | (1ul << 16) | (2ul << 62))
#define SN_PL_ALONG_OUTER ((64ul << 32) | ((ulong)(SN_WG_BK * 8) << 16) | (1ul << 62))
#define SN_PL_FROM(along_k, from, step)                                                                                \
    ((along_k) ? (SN_PL_ALONG_K | (((from) + (step)*32) >> 4)) : (SN_PL_ALONG_OUTER | (((from) + (step)*2048) >> 4)))
#define SN_PL_PRODUCT(issue, sums, step, plane_a, plane_b)                                                             \
    {                                                                                                                  \
        const ulong da = SN_PL_FROM(SN_MMA_A_ALONG_K, a + (plane_a)*SN_PL_A_PLANE, step);                              \
        const ulong db = SN_PL_FROM(SN_MMA_B_ALONG_K, b + (plane_b)*SN_PL_B_PLANE, step);                              \
        issue(sums, da, db);                                                                                           \
    }
/* All products but those of the leading planes; the first clears the sums. */
#if SN_PL_PLANES == 3
#define SN_PL_SMALL(sums)                                                                                              \
    SN_PL_PRODUCT(SN_WG_START, sums, 0, 2, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 2, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 0, 1, 1)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 1, 1)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 0, 0, 2)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 0, 2)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 0, 1, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 1, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 0, 0, 1)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 0, 1)
#else
#define SN_PL_SMALL(sums)                                                                                              \
    SN_PL_PRODUCT(SN_WG_START, sums, 0, 1, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 1, 0)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 0, 0, 1)                                                                          \
    SN_PL_PRODUCT(SN_WG_ISSUE, sums, 1, 0, 1)
#endif

#define SN_PL_MULTIPLY(sums)                                                                                           \
    float part_sums[SN_WG_BN / 2];                                                                                     \
    _Pragma("unroll") for (int i = 0; i < SN_WG_BN / 2; ++i) sums[i] = part_sums[i] = 0.0f;                            \
    for (int step = 0; step < steps; ++step) {                                                                         \
        SN_WG_WAIT(full + stage * 8, phase)                                                                            \
        const uint a = ring + stage * SN_PL_STAGE_BYTES + group * 4096;                                                \
        const uint b = ring + stage * SN_PL_STAGE_BYTES + SN_PL_PLANES * SN_PL_A_PLANE;                                \
        asm volatile("//@wgmma.fence.sync.aligned;" ::: "memory");                                                     \
        SN_PL_SMALL(part_sums)                                                                                         \
        SN_PL_PRODUCT(SN_WG_ISSUE, part_sums, 0, 0, 0)                                                                 \
        SN_PL_PRODUCT(SN_WG_ISSUE, part_sums, 1, 0, 0)                                                                 \
        asm volatile("//@wgmma.commit_group.sync.aligned;" ::: "memory");                                              \
        asm volatile("//@wgmma.wait_group.sync.aligned 0;" ::: "memory");                                              \
        if (lane == 0) SN_WG_ARRIVE(empty + stage * 8)                                                                 \
        _Pragma("unroll") for (int i = 0; i < SN_WG_BN / 2; ++i) {                                                     \
            asm volatile("" : "+f"(part_sums[i])); /* not read before the wait */                                      \
            sums[i] += part_sums[i];                                                                                   \
        }                                                                                                              \
        SN_WG_NEXT_STAGE                                                                                               \
    }

/* No sum of finite numbers that planes hold: an operand was no number, infinite or too large, or sums were. */
#define SN_PL_UNSURE(x) ((as_uint(x) & 0x7f800000u) == 0x7f800000u)
#define SN_PL_UNSURE4(x) (SN_PL_UNSURE((x).s0) || SN_PL_UNSURE((x).s1) || SN_PL_UNSURE((x).s2) || SN_PL_UNSURE((x).s3))

#endif
