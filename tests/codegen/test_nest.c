/* Nests of reductions over different axes as one kernel: what the loop builder makes of them, and that the strategies
 * compute them right. */
#include "check_main.h"

#include "attention_graph.h"
#include "device/instructions.h"
#include "nest_program.h"

static test_device device;

static int reductions(const sni_loop *loop) {
    int count = 0;
    for (int i = 0; i < loop->stmt_count; ++i) count += loop->stmts[i].kind == SNI_STMT_REDUCE;
    return count;
}

/* Builds the graph's one program and runs it with every strategy that takes nests; returns how many beside plain did. */
static int check(const sinter_graph *g, const sinter_shape *shapes, bool wild, const char *label) {
    nest_run run;
    int special = 0;
    nest_build(&run, g);
    nest_fill(&run, shapes, wild);
    for (int class = 0; class < 2; ++class) {
        sni_caps caps = device.device->caps;
        caps.device_class = class == 0 ? SNI_DEVICE_CPU : SNI_DEVICE_GPU;
        if (class == 1 && caps.local_bytes > 48 << 10) caps.local_bytes = 48 << 10; /* as GPUs have */
        for (size_t i = 0; i < sni_strategy_count(); ++i)
            if (sni_strategy_at(i)->nests && (class == 0 || i + 1 < sni_strategy_count()))
                special += nest_check(&device, &run, &caps, sni_strategy_at(i)->name, 2e-5, label) &&
                           i + 1 < sni_strategy_count();
    }
    nest_release(&run);
    return special;
}

START_TEST(attention_is_one_nest) {
    sinter_graph *g;
    nest_run run;
    must(sinter_graph_create(&g));
    attention_graph(g, &(attention_options){SINTER_F32, 2, 2, 8, 8, CAUSAL, 0, 0});
    nest_build(&run, g);
    ck_assert(!sni_loop_is_flat(run.loop));
    ck_assert_int_eq(reductions(run.loop), 4);                /* scores, maximum, sum, result */
    ck_assert_int_eq(__builtin_popcount(run.loop->inner), 2); /* of the head and of the keys */
    nest_release(&run);
    sinter_graph_release(g);
}
END_TEST

START_TEST(attention_of_all_kinds) {
    static const attention_options kinds[] = {
        {SINTER_F32, 2, 2, 8, 8, NO_MASK, 0, 0},   {SINTER_F32, 4, 2, 8, 8, CAUSAL, 0, 0},
        {SINTER_F32, 2, 1, 4, 12, ADDITIVE, 0, 1}, {SINTER_F32, 2, 2, 8, 8, BOOLEAN, 1, 0},
        {SINTER_F16, 2, 2, 8, 8, CAUSAL, 1, 1},    {SINTER_BF16, 2, 1, 8, 4, ADDITIVE, 0, 0},
    };
    static const int sizes[][3] = {{1, 1, 1},  {2, 5, 5}, {1, 8, 8}, {1, 9, 17},
                                   {2, 1, 33}, {0, 3, 3}, {1, 3, 0}, {1, 0, 3}};
    const attention_options *o = &kinds[_i];
    sinter_graph *g;
    must(sinter_graph_create(&g));
    attention_graph(g, o);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; ++n) {
        sinter_shape shapes[NEST_PORTS];
        char label[80];
        attention_shapes(o, sizes[n][0], sizes[n][1], sizes[n][2], shapes);
        snprintf(label, sizeof label, "kind %d, %d x %d x %d", _i, sizes[n][0], sizes[n][1], sizes[n][2]);
        ck_assert_msg(check(g, shapes, n == 3, label) == 2, "%s: not a strategy of each class took it", label);
    }
    sinter_graph_release(g);
}
END_TEST

/* Several blocks of keys, of depth and of columns. */
START_TEST(attention_of_several_blocks) {
    static const attention_options kinds[] = {{SINTER_F32, 1, 1, 40, 33, CAUSAL, 0, 0},
                                              {SINTER_F32, 2, 1, 136, 264, BOOLEAN, 0, 1}};
    static const int sizes[][2] = {{50, 150}, {5, 131}};
    sinter_graph *g;
    must(sinter_graph_create(&g));
    attention_graph(g, &kinds[_i]);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; ++n) {
        sinter_shape shapes[NEST_PORTS];
        attention_shapes(&kinds[_i], 1, sizes[n][0], sizes[n][1], shapes);
        ck_assert_int_eq(check(g, shapes, false, "several blocks"), 2);
    }
    sinter_graph_release(g);
}
END_TEST

/* Blocks of a GPU: many rows, a few rows with all work-items along the keys, q held or not, several column blocks; and on
 * devices with little local memory. */
START_TEST(attention_in_blocks_of_all_shapes) {
    static const char *const blocks[] = {"rows=32 keys=32 columns=32 items=64 lanes=16 step=16 held=64",
                                         "rows=1 keys=128 columns=64 items=128 lanes=128 step=16 held=16",
                                         "rows=4 keys=64 columns=32 items=64 lanes=32 step=32 held=32",
                                         "rows=16 keys=16 columns=64 items=128 lanes=8 step=16 held=16"};
    static const attention_options kinds[] = {{SINTER_F32, 1, 1, 36, 40, CAUSAL, 0, 0},
                                              {SINTER_BF16, 2, 2, 6, 70, BOOLEAN, 0, 1}};
    const attention_options *o = &kinds[_i];
    sni_caps caps = device.device->caps;
    sinter_shape shapes[NEST_PORTS];
    sinter_graph *g;
    nest_run run;
    must(sinter_graph_create(&g));
    attention_graph(g, o);
    attention_shapes(o, 1, 35, 70, shapes);
    nest_build(&run, g);
    nest_fill(&run, shapes, false);
    caps.device_class = SNI_DEVICE_GPU;
    if (caps.local_bytes > 48 << 10) caps.local_bytes = 48 << 10;
    for (size_t i = (size_t)_i; i < sizeof blocks / sizeof *blocks; i += 2)
        ck_assert(nest_check_as(&device, &run, &caps, "gpu_attention", blocks[i], 2e-5) || caps.local_bytes < 48 << 10);
    caps.local_bytes = 16 << 10;
    ck_assert(nest_check(&device, &run, &caps, "gpu_attention", 2e-5, "16 KiB of local memory"));
    caps.local_bytes = 1 << 10;
    ck_assert(!nest_check(&device, &run, &caps, "gpu_attention", 2e-5, "1 KiB of local memory"));
    nest_release(&run);
    sinter_graph_release(g);
}
END_TEST

/* Every matrix instruction that multiplies f16 or bf16; in plain code where the device does not have it. */
START_TEST(attention_by_matrix_instructions) {
    const sni_instruction *row = sni_instruction_at(_i);
    if (row == NULL || row->use != SNI_USE_DEFAULT || (row->dtype != SINTER_F16 && row->dtype != SINTER_BF16)) return;
    static const struct {
        attention_options kind;
        int queries, keys;
    } cases[] = {{{SINTER_F32, 2, 1, 16, 40, CAUSAL, 0, 1}, 70, 70}, {{SINTER_F32, 1, 1, 34, 6, BOOLEAN, 1, 0}, 5, 67}};
    /* In plain code, which takes a while, one of the two. */
    bool there = device.device->caps.instructions >> _i & 1;
    for (size_t n = there ? 0 : (size_t)_i % 2; n < 2; n += there ? 1 : 2) {
        attention_options kind = cases[n].kind;
        sni_caps caps = device.device->caps;
        sinter_shape shapes[NEST_PORTS];
        sinter_graph *g;
        nest_run run;
        kind.dtype = row->dtype;
        caps.device_class = SNI_DEVICE_GPU;
        caps.emulate_instructions = !there;
        caps.instructions = 1u << _i;
        must(sinter_graph_create(&g));
        attention_graph(g, &kind);
        attention_shapes(&kind, 1, cases[n].queries, cases[n].keys, shapes);
        nest_build(&run, g);
        nest_fill(&run, shapes, n == 1);
        if (!nest_check(&device, &run, &caps, "gpu_attention_mma", 0, row->name))
            ck_assert_msg(row->most_words < 64 || caps.local_bytes < 48 << 10, "%s: %s", row->name,
                          sinter_last_error());
        nest_release(&run);
        sinter_graph_release(g);
    }
}
END_TEST

/* Small enough for Oclgrind: two blocks of keys, rows and columns past the edge. */
START_TEST(attention_in_the_smallest_blocks) {
    attention_options kind = {_i == 0 ? SINTER_F32 : SINTER_F16, 1, 1, 18, 6, CAUSAL, 0, 0};
    sni_caps caps = device.device->caps;
    sinter_shape shapes[NEST_PORTS];
    sinter_graph *g;
    nest_run run;
    caps.device_class = SNI_DEVICE_GPU;
    caps.emulate_instructions = true;
    caps.instructions = 1;
    must(sinter_graph_create(&g));
    attention_graph(g, &kind);
    attention_shapes(&kind, 1, 3, _i == 0 ? 19 : 34, shapes);
    nest_build(&run, g);
    nest_fill(&run, shapes, false);
    if (_i == 0)
        ck_assert(nest_check_as(&device, &run, &caps, "gpu_attention",
                                "rows=4 keys=16 columns=32 items=32 lanes=16 step=16 held=32", 2e-5));
    else
        ck_assert(nest_check_as(&device, &run, &caps, "gpu_attention_mma", "rows=16 keys=32 columns=32 depth=32", 0));
    nest_release(&run);
    sinter_graph_release(g);
}
END_TEST

START_TEST(a_product_with_row_statistics) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("k")));
    sinter_value b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(SINTER_DIM("k"), SINTER_DIM("n")));
    sinter_output(g, "y", sinter_softmax(g, sinter_matmul(g, a, b), 1));
    check(g, (sinter_shape[]){SINTER_SHAPE(5, 7), SINTER_SHAPE(7, 9)}, false, "softmax of a product");
    sinter_graph_release(g);
}
END_TEST

START_TEST(products_of_products) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(4, 4)),
                 b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(4, 4));
    sinter_value c = sinter_input(g, "c", SINTER_F32, SINTER_SHAPE(4, 4));
    sinter_output(g, "y", sinter_matmul(g, sinter_tanh(g, sinter_matmul(g, a, b)), sinter_matmul(g, b, c)));
    check(g, (sinter_shape[]){SINTER_SHAPE(4, 4), SINTER_SHAPE(4, 4), SINTER_SHAPE(4, 4)}, false,
          "(a b)(b c), all of one size");
    sinter_graph_release(g);
}
END_TEST

START_TEST(sums_over_each_axis) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(6, 6));
    sinter_value rows = sinter_reduce_sum(g, x, SINTER_SHAPE(1), 1),
                 columns = sinter_reduce_sum(g, x, SINTER_SHAPE(0), 1);
    sinter_output(g, "y", sinter_div(g, sinter_mul(g, rows, columns), sinter_reduce_max(g, x, SINTER_SHAPE(0, 1), 1)));
    check(g, (sinter_shape[]){SINTER_SHAPE(6, 6)}, false, "outer product of sums");
    sinter_graph_release(g);
}
END_TEST

/* All over one axis, so flat; but a strategy for rows would compute the products without tiles. */
START_TEST(products_and_sums_over_one_axis) {
    sinter_graph *g;
    nest_run run;
    must(sinter_graph_create(&g));
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(5, 9)),
                 b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(9, 7));
    sinter_value norm = sinter_sub(g, a, sinter_reduce_max(g, a, SINTER_SHAPE(1), 1));
    sinter_output(g, "y", sinter_add(g, sinter_matmul(g, norm, b), sinter_matmul(g, a, sinter_tanh(g, b))));
    nest_build(&run, g);
    ck_assert(sni_loop_is_flat(run.loop) && run.loop->nest);
    nest_release(&run);
    check(g, (sinter_shape[]){SINTER_SHAPE(5, 9), SINTER_SHAPE(9, 7)}, false, "products beside each other");
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    test_device_open(&device);
    Suite *suite = suite_create("nest");
    TCase *tc = tcase_create("nest");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, attention_is_one_nest);
    tcase_add_loop_test(tc, attention_of_all_kinds, 0, 6);
    tcase_add_loop_test(tc, attention_of_several_blocks, 0, 2);
    tcase_add_test(tc, a_product_with_row_statistics);
    tcase_add_test(tc, products_of_products);
    tcase_add_test(tc, products_and_sums_over_one_axis);
    tcase_add_test(tc, sums_over_each_axis);
    suite_add_tcase(suite, tc);
    TCase *gpu = tcase_create("as a GPU");
    tcase_set_timeout(gpu, 600);
    tcase_add_loop_test(gpu, attention_in_blocks_of_all_shapes, 0, 2);
    tcase_add_loop_test(gpu, attention_by_matrix_instructions, 0, sni_instruction_count());
    suite_add_tcase(suite, gpu);
    TCase *small = tcase_create("small");
    tcase_set_timeout(small, 600);
    tcase_add_loop_test(small, attention_in_the_smallest_blocks, 0, 2);
    suite_add_tcase(suite, small);
    int failed = run_suite(suite);
    test_device_close(&device);
    return failed;
}
