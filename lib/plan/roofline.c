#include "plan/roofline.h"

#include <string.h>

#include "device/caps.h"
#include "plan/profile.h"

/* The largest buffer: far beyond any cache, and a sixteenth of a small device's memory. */
#define COPY_BYTES ((uint64_t)128 << 20)
/* Products grow until one takes so long that its launch does not count, or until this. */
#define LONG_ENOUGH_NS 3000000
#define LARGEST_PRODUCT 8192
/* The first run is slower; of the others the fastest counts. */
#define RUNS 3

static uint64_t buffer_limit(const sni_caps *caps) {
    uint64_t most = caps->global_bytes / 16;
    if (most > caps->max_alloc_bytes) most = caps->max_alloc_bytes;
    return most > COPY_BYTES ? COPY_BYTES : most;
}

/* A buffer of zeros: numbers that are slow to compute with must not be in it. */
static sinter_status zeros(sinter_runtime *runtime, size_t bytes, sinter_buffer **out) {
    size_t chunk = bytes < ((size_t)8 << 20) ? bytes : (size_t)8 << 20;
    void *data = sni_calloc(1, chunk + 1);
    sinter_status status = data ? sinter_buffer_create(runtime, bytes, out) : sni_out_of_memory("a buffer of zeros");
    for (size_t at = 0; at < bytes && status == SINTER_OK; at += chunk)
        status = sinter_buffer_write(*out, at, data, bytes - at < chunk ? bytes - at : chunk);
    sni_free(data);
    return status;
}

/* The fastest of some runs, all launches together. */
static sinter_status time_plan(sinter_plan *plan, sinter_binding *bindings, size_t count, double *out_ns) {
    sni_span *spans = sni_calloc(plan->step_count + 1, sizeof *spans);
    sinter_status status = spans ? SINTER_OK : sni_out_of_memory("a profile");
    *out_ns = 0;
    for (int run = 0; run < RUNS && status == SINTER_OK; ++run) {
        double ns = 0;
        status = sni_plan_profile(plan, bindings, count, spans);
        for (size_t n = 0; n < plan->step_count && status == SINTER_OK; ++n)
            ns += (double)(spans[n].end_ns - spans[n].start_ns);
        if (*out_ns == 0 || ns < *out_ns) *out_ns = ns;
    }
    sni_free(spans);
    return status;
}

/* Passes count elements on: bytes for a nanosecond, or 0. */
static double measure_copy(sinter_runtime *runtime, int64_t count) {
    sinter_graph *g = NULL;
    sinter_plan *plan = NULL;
    sinter_buffer *in = NULL, *out = NULL;
    double ns = 0;
    sinter_status status = sinter_graph_create(&g);
    if (status == SINTER_OK) {
        sinter_output(g, "y", sinter_neg(g, sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")))));
        status = sinter_plan_compile(runtime, g, NULL, &plan);
    }
    if (status == SINTER_OK) status = zeros(runtime, (size_t)count * 4, &in);
    if (status == SINTER_OK) status = sinter_buffer_create(runtime, (size_t)count * 4, &out);
    sinter_binding b[] = {{"x", SINTER_F32, SINTER_SHAPE(count), NULL, 0, in},
                          {"y", SINTER_F32, SINTER_SCALAR, NULL, 0, out}};
    if (status == SINTER_OK) status = time_plan(plan, b, 2, &ns);
    sinter_buffer_release(in);
    sinter_buffer_release(out);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    return status == SINTER_OK && ns > 0 ? 8 * (double)count / ns : 0;
}

static sinter_status compile_product(sinter_runtime *runtime, sinter_dtype dtype, sinter_plan **out_plan) {
    sinter_graph *g = NULL;
    SNI_TRY(sinter_graph_create(&g));
    sinter_shape square = SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("n"));
    sinter_output(g, "y", sinter_matmul(g, sinter_input(g, "a", dtype, square), sinter_input(g, "b", dtype, square)));
    sinter_status status = sinter_plan_compile(runtime, g, NULL, out_plan);
    sinter_graph_release(g);
    return status;
}

/* One size: the operations of n x n x n for a nanosecond, or 0. */
static double time_product(sinter_runtime *runtime, sinter_plan *plan, sinter_dtype dtype, int64_t n, double *out_ns) {
    sinter_buffer *buffers[3] = {NULL, NULL, NULL};
    static const char *const names[] = {"a", "b", "y"};
    sinter_binding b[3];
    sinter_status status = SINTER_OK;
    for (int i = 0; i < 3 && status == SINTER_OK; ++i) {
        status = zeros(runtime, (size_t)(n * n) * sinter_dtype_size(dtype), &buffers[i]);
        b[i] = (sinter_binding){names[i], dtype, SINTER_SHAPE(n, n), NULL, 0, buffers[i]};
    }
    *out_ns = 0;
    if (status == SINTER_OK) status = time_plan(plan, b, 3, out_ns);
    for (int i = 0; i < 3; ++i) sinter_buffer_release(buffers[i]);
    return status == SINTER_OK && *out_ns > 0 ? 2 * (double)n * (double)n * (double)n / *out_ns : 0;
}

static double measure_product(sinter_runtime *runtime, sinter_dtype dtype, uint64_t most_bytes) {
    sinter_plan *plan = NULL;
    double best = 0, ns = 0;
    if (compile_product(runtime, dtype, &plan) != SINTER_OK) return 0;
    for (int64_t n = 256; n <= LARGEST_PRODUCT && ns < LONG_ENOUGH_NS; n *= 2) {
        if ((uint64_t)(n * n) * sinter_dtype_size(dtype) > most_bytes) break;
        double rate = time_product(runtime, plan, dtype, n, &ns);
        if (rate > best) best = rate;
        if (rate == 0) break;
    }
    sinter_plan_release(plan);
    return best;
}

void sni_roofline_measure(sinter_runtime *runtime, sni_roofline *out) {
    uint64_t most = buffer_limit(runtime->caps);
    *out = (sni_roofline){.bytes_per_ns = measure_copy(runtime, (int64_t)(most / 4)),
                          .operations_per_ns = measure_product(runtime, SINTER_F32, most),
                          .half_operations_per_ns = measure_product(runtime, SINTER_BF16, most)};
}

/* Products whose operands are all of 16 bits or fewer may run on other units. */
static bool is_half(const sni_loop *loop) {
    bool half = loop->core >= 0;
    for (int b = 0; b < loop->buffer_count; ++b)
        half &= loop->buffers[b].is_output || sinter_dtype_size(loop->buffers[b].dtype) <= 2;
    return half;
}

double sni_roofline_bound(const sni_roofline *r, const sni_step *step, int64_t bytes, double operations) {
    double peak = is_half(step->group->loop) && r->half_operations_per_ns > r->operations_per_ns
                      ? r->half_operations_per_ns
                      : r->operations_per_ns;
    if (r->bytes_per_ns <= 0 || peak <= 0) return 0;
    double memory = (double)bytes / r->bytes_per_ns, arithmetic = operations / peak;
    return memory > arithmetic ? memory : arithmetic;
}
