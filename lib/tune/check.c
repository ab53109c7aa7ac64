/* Does a kernel compute what a trusted one does? */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tune/bench.h"

/* Half the distance from 1 to the next value of a dtype. */
static double rounding_of(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F64:
        return 0x1p-53;
    case SINTER_F16:
        return 0x1p-11;
    case SINTER_BF16:
        return 0x1p-8;
    default:
        return 0x1p-24;
    }
}

static sinter_status run_once(sni_bench *bench, sni_bench_kernel *k) {
    for (int b = 0; b < bench->loop.buffer_count; ++b)
        if (bench->loop.buffers[b].is_output && bench->sizes[b] > 0) SNI_TRY(sni_mem_fill(bench->mems[b], 0x5a));
    SNI_TRY(sni_bench_enqueue(bench, k));
    return sni_queue_finish(bench->runtime->device);
}

static sinter_status read_output(sni_bench *bench, int b, void **out_data) {
    *out_data = sni_malloc((size_t)bench->sizes[b]);
    if (*out_data == NULL) return sni_out_of_memory("a measurement");
    if (bench->sizes[b] == 0) return SINTER_OK;
    return sni_mem_read(bench->mems[b], 0, *out_data, (size_t)bench->sizes[b], true);
}

sinter_status sni_bench_expect(sni_bench *bench, sni_bench_kernel *trusted) {
    SNI_TRY(run_once(bench, trusted));
    for (int b = 0; b < bench->loop.buffer_count; ++b) {
        if (!bench->loop.buffers[b].is_output) continue;
        sni_free(bench->expected[b]);
        bench->expected[b] = NULL;
        SNI_TRY(read_output(bench, b, &bench->expected[b]));
    }
    return SINTER_OK;
}

typedef struct comparison {
    sinter_dtype dtype;
    const void *expected, *got;
    int64_t count;
    double terms;
} comparison;

/* The largest finite magnitude: what errors are measured against, because a sum's terms may be larger than the sum. */
static double scale_of(const comparison *c) {
    double scale = 0, f;
    int64_t i;
    for (int64_t n = 0; n < c->count; ++n) {
        sni_dtype_load(c->dtype, c->expected, n, &f, &i);
        if (isfinite(f) && fabs(f) > scale) scale = fabs(f);
    }
    return scale;
}

/* Sums of terms between -1 and 1 in another order differ by about sqrt(terms) roundings of f32; the bound is several times
 * that, and far below what a wrong index or a lost term makes. */
static bool reals_agree(const comparison *c, sni_str *why) {
    double scale = scale_of(c), sums = c->dtype == SINTER_F64 ? 0x1p-53 : 0x1p-24;
    double bound = scale * (4 * rounding_of(c->dtype) + sums * (16 + 4 * sqrt(c->terms)));
    for (int64_t n = 0; n < c->count; ++n) {
        double wanted, got;
        int64_t i;
        sni_dtype_load(c->dtype, c->expected, n, &wanted, &i);
        sni_dtype_load(c->dtype, c->got, n, &got, &i);
        if (wanted == got || (isnan(wanted) && isnan(got)) || fabs(wanted - got) <= bound) continue;
        sni_str_printf(why, "element %lld is %.9g, not %.9g", (long long)n, got, wanted);
        return false;
    }
    return true;
}

/* Whole numbers that come of reals (an index of the largest, a quantised value) may fall on the other side of a tie: at
 * most one in a thousand may differ. */
static bool integers_agree(const comparison *c, sni_str *why) {
    int64_t different = 0, last = 0;
    for (int64_t n = 0; n < c->count; ++n) {
        double f;
        int64_t wanted = 0, got = 0;
        sni_dtype_load(c->dtype, c->expected, n, &f, &wanted);
        sni_dtype_load(c->dtype, c->got, n, &f, &got);
        if (wanted != got) last = n;
        different += wanted != got;
    }
    if (different <= c->count / 1000) return true;
    sni_str_printf(why, "%lld of %lld elements differ, element %lld for one", (long long)different, (long long)c->count,
                   (long long)last);
    return false;
}

static sinter_status check_output(sni_bench *bench, int b, bool *out_right, sni_str *why) {
    void *got;
    sinter_dtype dtype = bench->loop.buffers[b].dtype;
    sinter_status status = read_output(bench, b, &got);
    comparison c = {dtype, bench->expected[b], got, (int64_t)(bench->sizes[b] / sinter_dtype_size(dtype)),
                    bench->terms};
    if (status == SINTER_OK) *out_right = sni_dtype_is_real(dtype) ? reals_agree(&c, why) : integers_agree(&c, why);
    sni_free(got);
    return status;
}

sinter_status sni_bench_check(sni_bench *bench, sni_bench_kernel *kernel, bool *out_right, sni_str *why) {
    *out_right = true;
    SNI_TRY(run_once(bench, kernel));
    for (int b = 0; b < bench->loop.buffer_count && *out_right; ++b)
        if (bench->loop.buffers[b].is_output) SNI_TRY(check_output(bench, b, out_right, why));
    return SINTER_OK;
}
