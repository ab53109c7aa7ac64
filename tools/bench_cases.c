/* The cases of `sinter bench`: one row each. */
#include "bench.h"

#include <string.h>

static sinter_value matrix(sinter_graph *g, const bench_case *c, const char *name) {
    return sinter_input(g, name, c->dtype, SINTER_SHAPE(c->m, c->n));
}

static int build_copy(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_neg(g, matrix(g, c, "a")));
    return 1;
}

static int build_add(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_add(g, matrix(g, c, "a"), matrix(g, c, "b")));
    return 2;
}

/* gelu(a*b + a) * b */
static int build_gelu_chain(sinter_graph *g, const bench_case *c) {
    sinter_value a = matrix(g, c, "a"), b = matrix(g, c, "b");
    sinter_output(g, "y", sinter_mul(g, sinter_gelu_tanh(g, sinter_add(g, sinter_mul(g, a, b), a)), b));
    return 2;
}

static int build_swiglu(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_mul(g, sinter_silu(g, matrix(g, c, "a")), matrix(g, c, "b")));
    return 2;
}

static int build_softmax(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_softmax(g, matrix(g, c, "a"), -1));
    return 1;
}

static int build_layer_norm(sinter_graph *g, const bench_case *c) {
    sinter_value scale = sinter_input(g, "scale", c->dtype, SINTER_SHAPE(c->n));
    sinter_value bias = sinter_input(g, "bias", c->dtype, SINTER_SHAPE(c->n));
    sinter_output(g, "y", sinter_layer_norm(g, matrix(g, c, "a"), scale, bias, -1, 1e-5));
    return 3;
}

static int build_rms_norm(sinter_graph *g, const bench_case *c) {
    sinter_value scale = sinter_input(g, "scale", c->dtype, SINTER_SHAPE(c->n));
    sinter_output(g, "y", sinter_rms_norm(g, matrix(g, c, "a"), scale, -1, 1e-5));
    return 2;
}

static int build_column_sum(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_reduce_sum(g, matrix(g, c, "a"), SINTER_SHAPE(0), 0));
    return 1;
}

static int build_total(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_reduce_sum(g, matrix(g, c, "a"), SINTER_SCALAR, 0));
    return 1;
}

static int build_transpose(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_transpose(g, matrix(g, c, "a"), SINTER_SHAPE(1, 0)));
    return 1;
}

static int build_scan_rows(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_cumsum(g, matrix(g, c, "a"), 1, 0, 0));
    return 1;
}

static int build_scan_columns(sinter_graph *g, const bench_case *c) {
    sinter_output(g, "y", sinter_cumsum(g, matrix(g, c, "a"), 0, 0, 0));
    return 1;
}

static int build_gemm(sinter_graph *g, const bench_case *c) {
    sinter_value a = sinter_input(g, "a", c->dtype, SINTER_SHAPE(c->m, c->k));
    sinter_value b = sinter_input(g, "b", c->dtype, SINTER_SHAPE(c->k, c->n));
    sinter_output(g, "y", sinter_matmul(g, a, b));
    return 2;
}

/* Softmax of scaled scores, times v; unfused: scores and weights are outputs, so three kernels store and read them. */
static int add_attention(sinter_graph *g, const bench_case *c, bool unfused) {
    sinter_value in[3];
    for (int i = 0; i < 3; ++i)
        in[i] = sinter_input(g, (const char *const[]){"a", "b", "c"}[i], c->dtype,
                             SINTER_SHAPE(c->heads, SINTER_DIM("n"), c->n));
    sinter_value scores = sinter_matmul(g, in[0], sinter_transpose(g, in[1], SINTER_SHAPE(0, 2, 1)));
    scores = sinter_mul(g, scores, sinter_scalar(g, c->dtype, 0.125));
    sinter_value weights = sinter_softmax(g, scores, 2);
    if (unfused) {
        sinter_output(g, "scores", scores);
        sinter_output(g, "weights", weights);
    }
    sinter_output(g, "y", sinter_matmul(g, weights, in[2]));
    return 3;
}

static int build_attention(sinter_graph *g, const bench_case *c) {
    return add_attention(g, c, false);
}
static int build_attention_unfused(sinter_graph *g, const bench_case *c) {
    return add_attention(g, c, true);
}

#define POINTS(name, m, n, dtype, build)                                                                               \
    { "elementwise", name, m, n, 0, dtype, build, PEER_MEMCPY, PEER_DEVICE_COPY }
#define ROWS(name, m, n, dtype, build)                                                                                 \
    { "rows", name, m, n, 0, dtype, build, PEER_MEMCPY, PEER_DEVICE_COPY }
#define LARGE_ROWS(name, m, n, dtype, build)                                                                           \
    { "rows-large", name, m, n, 0, dtype, build, PEER_MEMCPY, PEER_DEVICE_COPY }
#define SCAN(suite, name, m, n, build)                                                                                 \
    { suite, name, m, n, 0, SINTER_F32, build, PEER_MEMCPY, PEER_DEVICE_COPY }
#define ATTENTION(suite, name, heads, m, n, dtype)                                                                     \
    { suite, name, m, n, 0, dtype, build_attention, PEER_UNFUSED, PEER_UNFUSED, heads, build_attention_unfused }
#define GEMM(name, m, n, k, dtype)                                                                                     \
    { "gemm", name, m, n, k, dtype, build_gemm, PEER_BLAS, PEER_DEVICE_COPY }

const bench_case bench_cases[] = {
    {"elementwise", "add f32 16M", 4096, 4096, 0, SINTER_F32, build_add, PEER_OPENMP_ADD, PEER_DEVICE_COPY},
    POINTS("negate f32 16M", 4096, 4096, SINTER_F32, build_copy),
    POINTS("gelu(a*b+a)*b f32 16M", 4096, 4096, SINTER_F32, build_gelu_chain),
    POINTS("silu(a)*b bf16 64M", 8192, 8192, SINTER_BF16, build_swiglu),
    POINTS("transpose f32 16M", 4096, 4096, SINTER_F32, build_transpose),
    ROWS("softmax f32 4096x1024", 4096, 1024, SINTER_F32, build_softmax),
    ROWS("layer norm f32 4096x1024", 4096, 1024, SINTER_F32, build_layer_norm),
    ROWS("rms norm f32 4096x1024", 4096, 1024, SINTER_F32, build_rms_norm),
    ROWS("softmax bf16 8192x8192", 8192, 8192, SINTER_BF16, build_softmax),
    ROWS("layer norm bf16 8192x8192", 8192, 8192, SINTER_BF16, build_layer_norm),
    ROWS("transpose f32 4096x1024", 4096, 1024, SINTER_F32, build_transpose),
    ROWS("column sum f32 4096x1024", 4096, 1024, SINTER_F32, build_column_sum),
    ROWS("total f32 4096x1024", 4096, 1024, SINTER_F32, build_total),
    ROWS("transpose bf16 4096x1024", 4096, 1024, SINTER_BF16, build_transpose),
    ROWS("column sum bf16 4096x1024", 4096, 1024, SINTER_BF16, build_column_sum),
    ROWS("total bf16 4096x1024", 4096, 1024, SINTER_BF16, build_total),
    ROWS("softmax bf16 4096x1024", 4096, 1024, SINTER_BF16, build_softmax),
    ROWS("layer norm bf16 4096x1024", 4096, 1024, SINTER_BF16, build_layer_norm),
    ROWS("column sum f32 4096x4096", 4096, 4096, SINTER_F32, build_column_sum),
    ROWS("total f32 4096x4096", 4096, 4096, SINTER_F32, build_total),
    SCAN("scan", "cumsum rows f32 16M", 4096, 4096, build_scan_rows),
    SCAN("scan", "cumsum columns f32 16M", 4096, 4096, build_scan_columns),
    SCAN("scan", "cumsum one row f32 16M", 1, 16777216, build_scan_rows),
    GEMM("gemm f32 256", 256, 256, 256, SINTER_F32),
    GEMM("gemm f32 1024", 1024, 1024, 1024, SINTER_F32),
    GEMM("gemm f32 2048", 2048, 2048, 2048, SINTER_F32),
    GEMM("gemm f32 32x3072x768", 32, 3072, 768, SINTER_F32),
    GEMM("gemm f32 1x4096x4096", 1, 4096, 4096, SINTER_F32),
    ATTENTION("attention", "attention f32 12x128x64", 12, 128, 64, SINTER_F32),
    ATTENTION("attention", "attention f32 12x512x64", 12, 512, 64, SINTER_F32),
    ATTENTION("attention", "attention f32 12x2048x64", 12, 2048, 64, SINTER_F32),
    ATTENTION("attention", "attention bf16 12x512x64", 12, 512, 64, SINTER_BF16),
    {"elementwise-large", "add f32 256M", 16384, 16384, 0, SINTER_F32, build_add, PEER_OPENMP_ADD, PEER_DEVICE_COPY},
    {"elementwise-large", "gelu(a*b+a)*b f32 256M", 16384, 16384, 0, SINTER_F32, build_gelu_chain, PEER_MEMCPY,
     PEER_DEVICE_COPY},
    {"elementwise-large", "silu(a)*b bf16 256M", 16384, 16384, 0, SINTER_BF16, build_swiglu, PEER_MEMCPY,
     PEER_DEVICE_COPY},
    LARGE_ROWS("transpose f32 8192x8192", 8192, 8192, SINTER_F32, build_transpose),
    LARGE_ROWS("column sum f32 8192x8192", 8192, 8192, SINTER_F32, build_column_sum),
    LARGE_ROWS("total f32 8192x8192", 8192, 8192, SINTER_F32, build_total),
    LARGE_ROWS("softmax f32 8192x8192", 8192, 8192, SINTER_F32, build_softmax),
    LARGE_ROWS("layer norm f32 8192x8192", 8192, 8192, SINTER_F32, build_layer_norm),
    LARGE_ROWS("transpose bf16 8192x8192", 8192, 8192, SINTER_BF16, build_transpose),
    LARGE_ROWS("column sum bf16 8192x8192", 8192, 8192, SINTER_BF16, build_column_sum),
    LARGE_ROWS("total bf16 8192x8192", 8192, 8192, SINTER_BF16, build_total),
    SCAN("scan-large", "cumsum rows f32 1G", 32768, 32768, build_scan_rows),
    SCAN("scan-large", "cumsum columns f32 1G", 32768, 32768, build_scan_columns),
    ATTENTION("attention-large", "attention f32 4x16384x64", 4, 16384, 64, SINTER_F32),
    ATTENTION("attention-large", "attention bf16 64x4096x128", 64, 4096, 128, SINTER_BF16),
    {"gemm-large", "gemm f32 4096", 4096, 4096, 4096, SINTER_F32, build_gemm, PEER_BLAS, PEER_DEVICE_COPY},
    {"gemm-large", "gemm f32 8192", 8192, 8192, 8192, SINTER_F32, build_gemm, PEER_BLAS, PEER_DEVICE_COPY},
    {"gemm-large", "gemm bf16 1024", 1024, 1024, 1024, SINTER_BF16, build_gemm, PEER_BLAS, PEER_DEVICE_COPY},
    {"gemm-large", "gemm bf16 4096", 4096, 4096, 4096, SINTER_BF16, build_gemm, PEER_BLAS, PEER_DEVICE_COPY},
};
const size_t bench_case_count = sizeof bench_cases / sizeof *bench_cases;

double bench_flops(const bench_case *c) {
    double plane = (double)c->m * (double)(c->heads ? c->m : c->n);
    return c->heads ? 4.0 * (double)c->heads * (double)c->n * plane : 2.0 * plane * (double)c->k;
}

sinter_shape bench_input_shape(const sinter_graph *graph, const bench_case *c, size_t input) {
    if (c->heads) return SINTER_SHAPE(c->heads, c->m, c->n);
    if (c->k && strcmp(sinter_graph_input_name(graph, input), "a") == 0) return SINTER_SHAPE(c->m, c->k);
    if (c->k) return SINTER_SHAPE(c->k, c->n);
    if (sinter_value_rank(graph, sinter_graph_input_value(graph, input)) == 1) return SINTER_SHAPE(c->n);
    return SINTER_SHAPE(c->m, c->n);
}
