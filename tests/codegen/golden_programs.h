/* Graphs whose kernels show what code generation does, and devices that nobody has, so that the kernels depend on nothing
 * but the sources. */
#ifndef SINTER_TESTS_GOLDEN_PROGRAMS_H
#define SINTER_TESTS_GOLDEN_PROGRAMS_H

#include <sinter/sinter.h>

#include "device/caps.h"
#include "device/instructions.h"

typedef struct golden_program {
    const char *name, *what;
    void (*build)(sinter_graph *g);
    bool is_product;
} golden_program;

typedef struct golden_device {
    const char *name;
    sni_caps caps;
    bool has_ptx_instructions;
} golden_device;

static inline sinter_value golden_input(sinter_graph *g, const char *name, sinter_dtype dtype, sinter_shape shape) {
    return sinter_input(g, name, dtype, shape);
}

#define N SINTER_DIM("n")
#define M SINTER_DIM("m")

static void build_chain(sinter_graph *g) {
    sinter_value a = golden_input(g, "a", SINTER_F32, SINTER_SHAPE(N, M)),
                 b = golden_input(g, "b", SINTER_F32, SINTER_SHAPE(M));
    sinter_value c = golden_input(g, "c", SINTER_F32, SINTER_SHAPE(N, 1));
    sinter_output(g, "y", sinter_relu(g, sinter_add(g, sinter_mul(g, a, b), c)));
}

static void build_gate(sinter_graph *g) {
    sinter_value a = golden_input(g, "a", SINTER_BF16, SINTER_SHAPE(N, M)),
                 b = golden_input(g, "b", SINTER_BF16, SINTER_SHAPE(N, M));
    sinter_output(g, "y", sinter_mul(g, sinter_silu(g, a), b));
}

static void build_softmax(sinter_graph *g) {
    sinter_output(g, "y", sinter_softmax(g, golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, 1024)), -1));
}

static void build_softmax_long(sinter_graph *g) {
    sinter_output(g, "y", sinter_softmax(g, golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, M)), -1));
}

static void build_layer_norm(sinter_graph *g) {
    sinter_value x = golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, 768));
    sinter_value scale = golden_input(g, "scale", SINTER_F32, SINTER_SHAPE(768)),
                 bias = golden_input(g, "bias", SINTER_F32, SINTER_SHAPE(768));
    sinter_output(g, "y", sinter_layer_norm(g, x, scale, bias, -1, 1e-5));
}

static void build_column_sum(sinter_graph *g) {
    sinter_output(g, "y",
                  sinter_reduce_sum(g, golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, M)), SINTER_SHAPE(0), 0));
}

static void build_total(sinter_graph *g) {
    sinter_value x = golden_input(g, "x", SINTER_F32, SINTER_SHAPE(4096, 8192));
    sinter_output(g, "y", sinter_reduce_sum(g, sinter_mul(g, x, x), SINTER_SHAPE(0, 1), 0));
}

static void build_transpose(sinter_graph *g) {
    sinter_output(g, "y",
                  sinter_transpose(g, golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, M)), SINTER_SHAPE(1, 0)));
}

static void build_product(sinter_graph *g, sinter_dtype dtype) {
    sinter_value x = golden_input(g, "x", dtype, SINTER_SHAPE(N, 768)),
                 w = golden_input(g, "w", dtype, SINTER_SHAPE(768, 3072));
    sinter_value b = golden_input(g, "b", dtype, SINTER_SHAPE(3072));
    sinter_output(g, "y", sinter_gelu_tanh(g, sinter_add(g, sinter_matmul(g, x, w), b)));
}

static void build_product_f32(sinter_graph *g) {
    build_product(g, SINTER_F32);
}
static void build_product_bf16(sinter_graph *g) {
    build_product(g, SINTER_BF16);
}

static void build_conv(sinter_graph *g) {
    sinter_value x = golden_input(g, "x", SINTER_F32, SINTER_SHAPE(N, 64, 56, 56)),
                 w = golden_input(g, "w", SINTER_F32, SINTER_SHAPE(64, 64, 3, 3));
    sinter_value b = golden_input(g, "b", SINTER_F32, SINTER_SHAPE(64));
    sinter_value y = sinter_conv(g, x, w, b, SINTER_SHAPE(1, 1), SINTER_SHAPE(1, 1, 1, 1), SINTER_SHAPE(1, 1), 1);
    sinter_output(g, "y", sinter_relu(g, y));
}

static void build_gather(sinter_graph *g) {
    sinter_value table = golden_input(g, "table", SINTER_F32, SINTER_SHAPE(30522, 384)),
                 ids = golden_input(g, "ids", SINTER_I64, SINTER_SHAPE(N));
    sinter_output(g, "y", sinter_gather(g, table, ids, 0));
}

static void build_concat(sinter_graph *g) {
    sinter_value parts[] = {golden_input(g, "a", SINTER_F32, SINTER_SHAPE(N, M)),
                            golden_input(g, "b", SINTER_F32, SINTER_SHAPE(N, 64))};
    sinter_output(g, "y", sinter_relu(g, sinter_concat(g, parts, 2, 1)));
}

static void build_cumsum(sinter_graph *g) {
    sinter_output(g, "y", sinter_cumsum(g, golden_input(g, "x", SINTER_F32, SINTER_SHAPE(4096, M)), 1, 0, 0));
}

static void build_attention(sinter_graph *g) {
    sinter_shape shape = SINTER_SHAPE(N, 12, M, 64);
    sinter_value q = golden_input(g, "q", SINTER_F32, shape), k = golden_input(g, "k", SINTER_F32, shape),
                 v = golden_input(g, "v", SINTER_F32, shape);
    sinter_value mask = golden_input(g, "mask", SINTER_F32, SINTER_SHAPE(N, 1, 1, M));
    sinter_value s = sinter_matmul(g, q, sinter_transpose(g, k, SINTER_SHAPE(0, 1, 3, 2)));
    s = sinter_add(g, sinter_mul(g, s, sinter_scalar(g, SINTER_F32, 0.125)), mask);
    sinter_output(g, "y", sinter_matmul(g, sinter_softmax(g, s, -1), v));
}

#undef N
#undef M

static const golden_program golden_programs[] = {
    {"chain", "relu(a * row + column)", build_chain},
    {"gate_bf16", "silu(a) * b in bf16", build_gate},
    {"softmax", "softmax of rows of 1024", build_softmax},
    {"softmax_long", "softmax of rows of any length", build_softmax_long},
    {"layer_norm", "layer norm of rows of 768", build_layer_norm},
    {"column_sum", "sums of columns", build_column_sum},
    {"total", "one sum of squares of everything", build_total},
    {"transpose", "a transposed matrix", build_transpose},
    {"product_f32", "gelu(x * w + b)", build_product_f32, true},
    {"product_bf16", "gelu(x * w + b) in bf16", build_product_bf16, true},
    {"conv", "relu of a 3 x 3 convolution with bias", build_conv, true},
    {"gather", "rows of a table", build_gather},
    {"concat", "relu of two parts side by side", build_concat},
    {"cumsum", "running sums of rows", build_cumsum},
    {"attention", "softmax(q * k / 8 + mask) * v", build_attention, true},
};
enum { GOLDEN_PROGRAMS = sizeof golden_programs / sizeof *golden_programs };

static const golden_device golden_devices[] = {
    {"cpu",
     {.device_class = SNI_DEVICE_CPU,
      .name = "golden",
      .platform = "golden",
      .compute_units = 8,
      .global_bytes = (uint64_t)16 << 30,
      .max_alloc_bytes = (uint64_t)4 << 30,
      .local_bytes = 512 << 10,
      .global_cache_bytes = 32 << 20,
      .cache_line_bytes = 64,
      .max_work_group = 4096,
      .max_work_item = {4096, 4096, 4096},
      .max_parameter_bytes = 1024,
      .mem_align_bytes = 128,
      .native_float_width = 8,
      .address_bits = 64,
      .has_f64 = true,
      .identity = "golden",
      .tuning_key = "golden"}},
    {"gpu",
     {.device_class = SNI_DEVICE_GPU,
      .name = "golden",
      .platform = "golden",
      .compute_units = 64,
      .global_bytes = (uint64_t)16 << 30,
      .max_alloc_bytes = (uint64_t)4 << 30,
      .local_bytes = 32 << 10,
      .global_cache_bytes = 4 << 20,
      .cache_line_bytes = 128,
      .local_is_dedicated = true,
      .max_work_group = 256,
      .max_work_item = {256, 256, 256},
      .max_parameter_bytes = 1024,
      .mem_align_bytes = 256,
      .native_float_width = 1,
      .address_bits = 64,
      .has_f64 = true,
      .identity = "golden",
      .tuning_key = "golden"}},
    {"gpu_matrix",
     {.device_class = SNI_DEVICE_GPU,
      .name = "golden",
      .platform = "golden",
      .compute_units = 128,
      .global_bytes = (uint64_t)64 << 30,
      .max_alloc_bytes = (uint64_t)16 << 30,
      .local_bytes = 48 << 10,
      .global_cache_bytes = 32 << 20,
      .cache_line_bytes = 128,
      .local_is_dedicated = true,
      .max_work_group = 1024,
      .max_work_item = {1024, 1024, 64},
      .max_parameter_bytes = 4352,
      .mem_align_bytes = 512,
      .native_float_width = 1,
      .address_bits = 64,
      .has_f64 = true,
      .has_inline_ptx = true,
      .nv_compute_major = 9,
      .subgroup_size = 32,
      .identity = "golden",
      .tuning_key = "golden"},
     true},
};
enum { GOLDEN_DEVICES = sizeof golden_devices / sizeof *golden_devices };

#endif
