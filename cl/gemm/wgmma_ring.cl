/* What kernels by wgmma share: barriers of a ring of stages, the walk of work-groups over tiles of a result, sums through
 * local memory. Those kernels define
 *
 *     SN_WG_GROUPS       warpgroups that multiply, of 64 rows each
 *     SN_WG_BN           columns of a tile, a multiple of 64
 *     SN_WG_BK           of k in a stage
 *     SN_WG_STAGES       of the ring, at least 2: with one, those who fill it and those who multiply would wait for each other
 *     SN_WG_RING_BYTES   of all stages */
#ifndef SN_WG_RING_CL
#define SN_WG_RING_CL

#define SN_WG_BM (64 * SN_WG_GROUPS)
#define SN_WG_PART 32 /* columns that go through local memory at a time, behind the ring */
#define SN_WG_PITCH (SN_WG_PART + 8)
#define SN_WG_SLAB (16 * SN_WG_PITCH)
#define SN_WG_SLABS_BYTES (SN_WG_GROUPS * 4 * SN_WG_SLAB * 4)
#define SN_WG_BYTES (SN_WG_RING_BYTES + SN_WG_SLABS_BYTES + 16 * SN_WG_STAGES)
#define SN_WG_BAND 8 /* rows of tiles that work-groups take column by column, to read few rows and columns at a time */

/* ---- Barriers ---- */

#define SN_WG_WAIT(barrier_at, phase)                                                                                  \
    {                                                                                                                  \
        uint done;                                                                                                     \
        do {                                                                                                           \
            asm volatile("{ .reg .pred p1; mbarrier.try_wait.parity.shared.b64 p1,[%1],%2; selp.u32 %0,1,0,p1; }"      \
                         : "=r"(done)                                                                                  \
                         : "r"(barrier_at), "r"(phase)                                                                 \
                         : "memory");                                                                                  \
        } while (!done);                                                                                               \
    }
#define SN_WG_ARRIVE(barrier_at) asm volatile("mbarrier.arrive.shared.b64 _,[%0];" ::"r"(barrier_at) : "memory");
#define SN_WG_EXPECT(barrier_at, bytes)                                                                                \
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _,[%0],%1;" ::"r"(barrier_at), "r"(bytes) : "memory");
#define SN_WG_SYNC_WARP asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");

/* Declares what a work-item knows of itself and where the ring lies in local memory. */
#define SN_WG_LOCALS                                                                                                   \
    __local uchar memory[SN_WG_BYTES] __attribute__((aligned(1024)));                                                  \
    const uint item = (uint)get_local_id(0), lane = item & 31, warp = item >> 5, group = item >> 7;                    \
    const uint ring = (uint)(ulong)memory, full = ring + SN_WG_RING_BYTES + SN_WG_SLABS_BYTES;                         \
    const uint empty = full + 8 * SN_WG_STAGES;

/* Makes the ring's barriers: so many arrivals, besides bytes that are copied, make a stage full. */
#define SN_WG_INIT(arrivals)                                                                                           \
    if (item == 0) {                                                                                                   \
        for (int i = 0; i < SN_WG_STAGES; ++i) {                                                                       \
            asm volatile("mbarrier.init.shared.b64 [%0],%1;" ::"r"(full + i * 8), "r"(arrivals) : "memory");           \
            asm volatile("mbarrier.init.shared.b64 [%0],%1;" ::"r"(empty + i * 8), "r"(SN_WG_GROUPS * 4) : "memory");  \
        }                                                                                                              \
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");                                             \
        asm volatile("fence.proxy.async;" ::: "memory");                                                               \
    }

/* ---- Copies by tensor maps ---- */

/* A tensor map says what a copy reads. Kernels write their own maps into sn_maps, memory of the patched program, in the slot
 * of their multiprocessor: a kernel that does so takes more than half of a multiprocessor's local memory, so that no two
 * work-groups use a slot at a time. */
#define SN_WG_MAPS                                                                                                     \
    ulong maps;                                                                                                        \
    {                                                                                                                  \
        uint unit;                                                                                                     \
        asm volatile("mov.u32 %0, %%smid;" : "=r"(unit));                                                              \
        asm volatile("//@mov.u64 %0, sn_maps;" : "=l"(maps));                                                          \
        maps += (ulong)(unit & 255) * 512;                                                                             \
    }
#define SN_WG_COPY(to, map, x, y, barrier_at)                                                                          \
    asm volatile(                                                                                                      \
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0],[%1,{%2,%3}],[%4];" ::"r"(   \
            to),                                                                                                       \
        "l"(map), "r"(x), "r"(y), "r"(barrier_at)                                                                      \
        : "memory");

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

/* ---- Tiles of the result ---- */

#define SN_WG_COUNTS                                                                                                   \
    const int tiles_m = (int)((size_m + SN_WG_BM - 1) / SN_WG_BM);                                                     \
    const int tiles_n = (int)((size_n + SN_WG_BN - 1) / SN_WG_BN);                                                     \
    const int tiles = tiles_m * tiles_n, steps = (int)((size_k + SN_WG_BK - 1) / SN_WG_BK);                            \
    uint stage = 0, phase = 0;

#define SN_WG_EACH_TILE for (int tile = (int)get_group_id(0); tile < tiles; tile += (int)get_num_groups(0))

#define SN_WG_TILE                                                                                                     \
    const int band = tile / (SN_WG_BAND * tiles_n) * SN_WG_BAND, band_rows = min(tiles_m - band, SN_WG_BAND);          \
    const int in_band = tile - band * tiles_n;                                                                         \
    const int row0 = (band + in_band % band_rows) * SN_WG_BM, col0 = in_band / band_rows * SN_WG_BN;

#define SN_WG_NEXT_STAGE                                                                                               \
    if (++stage == SN_WG_STAGES) {                                                                                     \
        stage = 0;                                                                                                     \
        phase ^= 1;                                                                                                    \
    }

/* Puts the sums of a part of a warp's 16 rows into its slab. */
#define SN_WG_SLAB_AT ((__local float *)(memory + SN_WG_RING_BYTES) + warp * SN_WG_SLAB)
#define SN_WG_PUT(slab, part, sums)                                                                                    \
    SN_WG_SYNC_WARP                                                                                                    \
    _Pragma("unroll") for (int j = 0; j < SN_WG_PART / 8; ++j) {                                                       \
        _Pragma("unroll") for (int h = 0; h < 2; ++h) {                                                                \
            const int s = ((part) * (SN_WG_PART / 8) + j) * 4 + h * 2;                                                 \
            *(__local float2 *)((slab) + ((lane >> 2) + h * 8) * SN_WG_PITCH + j * 8 + (lane & 3) * 2) =               \
                (float2)(sums[s], sums[s + 1]);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    SN_WG_SYNC_WARP
#endif
