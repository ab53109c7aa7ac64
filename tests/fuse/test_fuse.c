/* What joins: how many kernels graphs become, for a CPU. */
#include <stdlib.h>
#include <string.h>

#include <sinter/sinter.h>

#include "attention_graph.h"
#include "base/alloc.h"
#include "check_main.h"
#include "codegen/codegen.h"
#include "fuse/cost.h"
#include "fuse/fuse.h"
#include "rewrite/pass.h"

static const sni_caps cpu = {.device_class = SNI_DEVICE_CPU,
                             .name = "none",
                             .platform = "none",
                             .compute_units = 2,
                             .max_work_group = 4096,
                             .max_work_item = {4096, 4096, 4096},
                             .local_bytes = 1 << 20,
                             .max_parameter_bytes = 1024,
                             .native_float_width = 8,
                             .has_f64 = true};

static const sni_caps gpu = {.device_class = SNI_DEVICE_GPU,
                             .name = "none",
                             .platform = "none",
                             .compute_units = 132,
                             .max_work_group = 1024,
                             .max_work_item = {1024, 1024, 64},
                             .local_bytes = 48 << 10,
                             .static_local_bytes = 200 << 10,
                             .max_parameter_bytes = 4096,
                             .native_float_width = 1,
                             .has_f64 = true};

static const sni_caps *caps = &cpu; /* of the device that is fused for */
static sinter_graph *g, *prepared;
static sni_arena *arena;
static sni_group *groups;
static size_t count;

static void begin(void) {
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
}

static void fuse(void) {
    sni_fuse_options options = {
        .limits = {
            .max_buffers = 32, .max_stmts = 384, .accepts = sni_codegen_accepts, .accepts_context = (void *)caps}};
    sinter_graph *rewritten = NULL;
    sni_costs_derive(caps, &options.costs);
    arena = sni_arena_create();
    ck_assert_msg(sni_rewrite_all(g, &rewritten) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sni_fuse_prepare(rewritten, &prepared), SINTER_OK);
    ck_assert_msg(sni_fuse(prepared, &options, arena, &groups, &count) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(rewritten);
}

static void end(void) {
    sni_arena_release(arena);
    sinter_graph_release(prepared);
    sinter_graph_release(g);
}

static sinter_value weights(int64_t rows, int64_t columns) {
    float *data = calloc((size_t)(rows * columns), sizeof *data);
    for (int64_t i = 0; i < rows * columns; ++i) data[i] = (float)(i % 13) / 13;
    sinter_value w =
        sinter_constant(g, SINTER_F32, SINTER_SHAPE(rows, columns), data, (size_t)(rows * columns) * sizeof *data);
    free(data);
    return w;
}

/* One layer norm, one product of q, k and v, attention, one product and the norm after it. */
START_TEST(attention_is_one_kernel) {
    static const attention_options cases[] = {
        {SINTER_F32, 4, 4, 32, 32, NO_MASK, 0, 0},  {SINTER_F32, 4, 4, 64, 64, CAUSAL, 0, 0},
        {SINTER_F32, 8, 2, 64, 64, ADDITIVE, 1, 0}, {SINTER_F32, 4, 1, 32, 48, BOOLEAN, 1, 0},
        {SINTER_F16, 4, 4, 64, 64, CAUSAL, 0, 0},   {SINTER_BF16, 6, 3, 128, 128, ADDITIVE, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        begin();
        attention_graph(g, &cases[i]);
        fuse();
        ck_assert_msg(count == 1, "case %zu: %zu kernels, the first ends because %s", i, count, groups[0].ends);
        end();
    }
}
END_TEST

/* Known sizes, where the scores are far more work than memory: what they cost must not count twice for a wide result. */
START_TEST(attention_of_known_sizes_is_one_kernel_on_a_gpu) {
    static const int sizes[][4] = {{4, 32, 4096, 128}, {2, 4, 16384, 32}, {1, 12, 128, 64}, {1, 2, 2048, 256}};
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16};
    caps = &gpu;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 3; ++i) {
        const int *s = sizes[i / 3];
        sinter_shape shape = SINTER_SHAPE(s[0], s[1], s[2], s[3]);
        begin();
        sinter_value q = sinter_input(g, "q", dtypes[i % 3], shape), k = sinter_input(g, "k", dtypes[i % 3], shape);
        sinter_value v = sinter_input(g, "v", dtypes[i % 3], shape);
        sinter_value scores = sinter_matmul(g, q, sinter_transpose(g, k, SINTER_SHAPE(0, 1, 3, 2)));
        sinter_output(g, "y", sinter_matmul(g, sinter_softmax(g, scores, -1), v));
        fuse();
        ck_assert_msg(count == 1, "case %zu: %zu kernels, the first ends because %s", i, count, groups[0].ends);
        end();
    }
    caps = &cpu;
}
END_TEST

START_TEST(attention_is_one_kernel_on_a_gpu) {
    static const attention_options cases[] = {
        {SINTER_F32, 4, 4, 32, 32, NO_MASK, 0, 0},  {SINTER_F32, 4, 4, 64, 64, CAUSAL, 0, 0},
        {SINTER_F32, 8, 2, 64, 64, ADDITIVE, 1, 0}, {SINTER_F32, 4, 1, 32, 48, BOOLEAN, 1, 0},
        {SINTER_F16, 4, 4, 64, 64, CAUSAL, 1, 0},   {SINTER_BF16, 6, 3, 128, 128, ADDITIVE, 1, 0},
        {SINTER_F32, 4, 4, 256, 256, CAUSAL, 1, 0},
    };
    caps = &gpu;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        begin();
        attention_graph(g, &cases[i]);
        fuse();
        ck_assert_msg(count == 1, "case %zu: %zu kernels, the first ends because %s", i, count, groups[0].ends);
        end();
    }
    caps = &cpu;
}
END_TEST

/* What gates the second product's operand is computed where that reads it. */
START_TEST(a_gated_layer_is_three_kernels) {
    begin();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 96));
    sinter_value norm =
        sinter_mul(g, x, sinter_rsqrt(g, sinter_reduce_mean(g, sinter_mul(g, x, x), SINTER_SHAPE(-1), 1)));
    sinter_value gate = sinter_matmul(g, norm, weights(96, 256)), up = sinter_matmul(g, norm, weights(96, 256));
    sinter_value inside = sinter_mul(g, sinter_mul(g, gate, sinter_sigmoid(g, gate)), up);
    sinter_output(g, "y", sinter_add(g, x, sinter_matmul(g, inside, weights(256, 96))));
    fuse();
    ck_assert_uint_eq(count, 3);
    end();
}
END_TEST

/* Independent kernels of one shape that read the same value share a launch; what reads the result of one does not. */
START_TEST(siblings_share_a_launch) {
    begin();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 64));
    sinter_value table = sinter_transpose(g, sinter_softmax(g, x, 1), SINTER_SHAPE(1, 0));
    sinter_output(g, "s", sinter_sin(g, table));
    sinter_output(g, "c", sinter_cos(g, table));
    fuse();
    ck_assert_uint_eq(count, 2);
    end();
}
END_TEST

/* exp of a column that is spread over rows: computed again for every column where there are few, stored where there are many. */
START_TEST(repeated_work_is_weighed) {
    for (int wide = 0; wide < 2; ++wide) {
        begin();
        sinter_dim rows = wide ? 65536 : 4, columns = wide ? 512 : 3;
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(rows, 1));
        sinter_value y = sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(rows, columns));
        sinter_output(g, "z", sinter_add(g, y, sinter_tan(g, sinter_exp(g, sinter_sin(g, x)))));
        fuse();
        ck_assert_uint_eq(count, wide ? 2 : 1);
        end();
    }
}
END_TEST

/* Of a sum of squares along rows: every element is read once, squared and added; one product has two operations a point. */
START_TEST(costs_are_counted) {
    begin();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(100, 50));
    sinter_output(g, "y", sinter_reduce_sum(g, sinter_mul(g, x, x), SINTER_SHAPE(1), 0));
    fuse();
    ck_assert_uint_eq(count, 1);
    sni_costs costs = {.launch_ns = 1000,
                       .bytes_per_ns = 2,
                       .f32_ops_per_ns = 10,
                       .tile = 64,
                       .block = 256,
                       .computed = 0.5,
                       .symbolic_size = 64};
    sni_kernel_cost c;
    ck_assert(sni_fuse_cost(groups[0].loop, &costs, &c));
    ck_assert_double_eq(c.bytes, 4 * (5000 + 100));
    ck_assert_double_eq(c.operations, 3 * 5000); /* load, multiply, add */
    ck_assert_double_eq(c.time_ns, 1000 + 4 * 5100 / 2.0);
    end();
    begin();
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(30, 50));
    sinter_output(g, "y", sinter_matmul(g, sinter_neg(g, a), weights(50, 640)));
    fuse();
    ck_assert_uint_eq(count, 1);
    ck_assert(sni_fuse_cost(groups[0].loop, &costs, &c));
    /* a is loaded and negated for each of ten tiles of columns, the weights once, then multiply and add, which takes half longer. */
    ck_assert_double_eq(c.operations, 2 * 1500 * 10 + 50 * 640 + 1.5 * 2 * 30 * 50 * 640);
    end();
}
END_TEST

/* Large branches, each reduced to a row: one after the other, not all of them first. What reads a value runs after what
 * computes it. */
/* A picture made twice as wide and high in phases, and a convolution that looks at it by windows of 3x3. */
static void decoder(bool bias) {
    sinter_shape none = SINTER_SCALAR, ends = SINTER_SHAPE(1, 1, 1, 1);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(2, 32, 16, 16));
    sinter_value up = sinter_input(g, "up", SINTER_F32, SINTER_SHAPE(32, 16, 4, 4));
    sinter_value w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(16, 16, 3, 3));
    sinter_value b = bias ? sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(16)) : SINTER_NO_VALUE;
    x = sinter_conv_transpose(g, x, up, b, SINTER_SHAPE(2, 2), ends, none, none, 1);
    sinter_output(g, "y", sinter_conv(g, x, w, SINTER_NO_VALUE, none, ends, none, 1));
}

/* On a CPU the phases are put side by side in memory first: a product would divide for every element of its windows. */
START_TEST(scattered_operands_are_weighed) {
    for (int bias = 0; bias < 2; ++bias) {
        begin();
        decoder(bias);
        fuse();
        ck_assert_msg(count == 3, "bias %d: %zu kernels, the first ends because %s", bias, count, groups[0].ends);
        end();
        caps = &gpu;
        begin();
        decoder(bias);
        fuse();
        ck_assert_msg(count == 2, "bias %d: %zu kernels, the first ends because %s", bias, count, groups[0].ends);
        end();
        caps = &cpu;
    }
}
END_TEST

START_TEST(order_keeps_memory_low) {
    begin();
    enum { BRANCHES = 12 };
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(64, 64)), wide[BRANCHES], sum = x;
    for (int i = 0; i < BRANCHES; ++i)
        wide[i] = sinter_matmul(g, sinter_add(g, x, sinter_scalar(g, SINTER_F32, i)), weights(64, 4096 + i));
    for (int i = 0; i < BRANCHES; ++i)
        sum = sinter_add(g, sum, sinter_reduce_max(g, sinter_softmax(g, wide[i], 1), SINTER_SHAPE(1), 1));
    sinter_output(g, "y", sum);
    fuse();
    bool *done = calloc(prepared->node_count, sizeof *done);
    size_t live = 0, most = 0;
    for (size_t k = 0; k < count; ++k) {
        size_t products = 0;
        for (int n = 0; n < groups[k].node_count; ++n) {
            const sni_node *node = &prepared->nodes[groups[k].nodes[n]];
            products += node->op->kind == SNI_OP_CONTRACT;
            done[groups[k].nodes[n]] = true;
            for (int i = 0; i < node->in_count; ++i) {
                int producer = sni_graph_value(prepared, node->in[i])->producer;
                if (producer >= 0) ck_assert(done[producer]);
            }
        }
        live = products ? live + 1 : live > 0 ? live - 1 : 0;
        if (live > most) most = live;
    }
    ck_assert_uint_le(most, 3);
    free(done);
    end();
}
END_TEST

START_TEST(memory_runs_out) {
    attention_options options = {SINTER_F32, 4, 2, 32, 32, ADDITIVE, 1, 0};
    sinter_graph *rewritten = NULL;
    sni_fuse_options fused = {
        .limits = {
            .max_buffers = 32, .max_stmts = 384, .accepts = sni_codegen_accepts, .accepts_context = (void *)&cpu}};
    sni_costs_derive(&cpu, &fused.costs);
    begin();
    attention_graph(g, &options);
    ck_assert_int_eq(sni_rewrite_all(g, &rewritten), SINTER_OK);
    ck_assert_int_eq(sni_fuse_prepare(rewritten, &prepared), SINTER_OK);
    sinter_status status = SINTER_OUT_OF_MEMORY;
    int nth = 0;
    while (status != SINTER_OK && nth < 20000) {
        arena = sni_arena_create();
        sni_alloc_fail_at(++nth);
        status = sni_fuse(prepared, &fused, arena, &groups, &count);
        sni_alloc_fail_at(0);
        ck_assert_msg(status == SINTER_OK || status == SINTER_OUT_OF_MEMORY, "allocation %d: %s", nth,
                      sinter_last_error());
        if (status != SINTER_OK) sni_arena_release(arena);
    }
    ck_assert_int_eq(status, SINTER_OK);
    ck_assert_int_gt(nth, 100);
    sinter_graph_release(rewritten);
    end();
}
END_TEST

int main(void) {
    const TTest *const tests[] = {attention_is_one_kernel,
                                  attention_of_known_sizes_is_one_kernel_on_a_gpu,
                                  attention_is_one_kernel_on_a_gpu,
                                  a_gated_layer_is_three_kernels,
                                  siblings_share_a_launch,
                                  repeated_work_is_weighed,
                                  costs_are_counted,
                                  scattered_operands_are_weighed,
                                  order_keeps_memory_low,
                                  memory_runs_out};
    return run_suite(suite_of("fuse", tests, sizeof tests / sizeof *tests));
}
