/* Combining what the work-items of a row have, for both kernels of attention: by shuffles where they were probed, else
 * through local memory, always in the same order.
 *
 * Before this file stand SN_ATT_ROWS, ITEMS, LANES (work-items of a row), SHUFFLED (those that combine by shuffles), TM (rows
 * of a work-item) and SN_ATT_ROW(i); in scope are item and item_lane. */
#if SN_ATT_SHUFFLED > 1 && defined(SN_NV_SM) && SN_NV_SM >= 80
static inline float sn_att_max(float x, float y) {
    float z;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
}
#define SN_ATT_MAX sn_att_max
#else
#define SN_ATT_MAX sn_max_float
#endif
#define SN_ATT_ADD(a, b) ((a) + (b))
#define SN_ATT_GROUPS (SN_ATT_LANES / SN_ATT_SHUFFLED)
#if SN_ATT_SHUFFLED > 1
static inline float sn_att_shuffle(float x, int distance) {
    uint y;
    asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=r"(y) : "r"(as_uint(x)), "r"(distance));
    return as_float(y);
}
#define SN_ATT_SHUFFLE(values, combine)                                                                                \
    _Pragma("unroll") for (int distance = SN_ATT_SHUFFLED / 2; distance > 0; distance /= 2) {                          \
        SN_ATT_EACH(i, SN_ATT_TM) values[i] = combine(values[i], sn_att_shuffle(values[i], distance));                 \
    }
#else
#define SN_ATT_SHUFFLE(values, combine)
#endif

/* values[i] of a row's work-items combined, in all of them. */
#if SN_ATT_GROUPS > 1
#define SN_ATT_LOCALS __local float of_lanes[SN_ATT_ROWS * (SN_ATT_GROUPS + 1)], of_row[SN_ATT_ROWS];
#define SN_ATT_OVER_LANES(values, combine)                                                                             \
    SN_ATT_SHUFFLE(values, combine)                                                                                    \
    if (item_lane % SN_ATT_SHUFFLED == 0) {                                                                            \
        SN_ATT_EACH(i, SN_ATT_TM)                                                                                      \
        of_lanes[SN_ATT_ROW(i) * (SN_ATT_GROUPS + 1) + item_lane / SN_ATT_SHUFFLED] = values[i];                       \
    }                                                                                                                  \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    for (int r = item; r < SN_ATT_ROWS; r += SN_ATT_ITEMS) {                                                           \
        float all = of_lanes[r * (SN_ATT_GROUPS + 1)];                                                                 \
        for (int n = 1; n < SN_ATT_GROUPS; ++n) all = combine(all, of_lanes[r * (SN_ATT_GROUPS + 1) + n]);             \
        of_row[r] = all;                                                                                               \
    }                                                                                                                  \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    SN_ATT_EACH(i, SN_ATT_TM) values[i] = of_row[SN_ATT_ROW(i)];
#else
#define SN_ATT_LOCALS
#define SN_ATT_OVER_LANES(values, combine) SN_ATT_SHUFFLE(values, combine)
#endif

