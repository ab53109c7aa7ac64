/* Products through plans as a GPU runs them, on whatever device is there: sums cut into parts, matrix instructions in
 * plain code where the device has none, epilogues behind both. */
#include "check_main.h"
#include "oracle.h"
#include "plan/plan.h"

static oracle o;

static void setup(void) {
    oracle_init(&o);
    sni_caps *caps = (sni_caps *)o.runtime->caps;
    caps->device_class = SNI_DEVICE_GPU;
    caps->compute_units = 64;
    caps->wgmma = 0; /* its products have a test of their own */
    if (caps->instructions != 0) return;
    caps->instructions = 3; /* the first rows: f16 and bf16 */
    caps->emulate_instructions = true;
}
static void teardown(void) {
    oracle_deinit(&o);
}

typedef struct product {
    sinter_dtype dtype;
    int64_t m, n, k;
    bool transposed, symbolic, epilogue;
    const char *first; /* the first launch's strategy */
    size_t launches;
} product;

static sinter_value build(sinter_graph *graph, const product *p) {
    sinter_dim m = p->symbolic ? SINTER_DIM("m") : p->m;
    sinter_value a = sinter_input(graph, "a", p->dtype, SINTER_SHAPE(m, p->k)), b;
    if (p->transposed)
        b = sinter_transpose(graph, sinter_input(graph, "b", p->dtype, SINTER_SHAPE(p->n, p->k)), SINTER_SHAPE(1, 0));
    else
        b = sinter_input(graph, "b", p->dtype, SINTER_SHAPE(p->k, p->n));
    sinter_value y = sinter_matmul(graph, a, b);
    if (!p->epilogue) return y;
    return sinter_relu(graph, sinter_add(graph, y, sinter_input(graph, "c", p->dtype, SINTER_SHAPE(p->n))));
}

static void check(const product *p) {
    sinter_graph *graph;
    sinter_plan *plan;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    sinter_output(graph, "y", build(graph, p));
    ck_assert_msg(sinter_plan_compile(o.runtime, graph, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    const sinter_shape shapes[] = {SINTER_SHAPE(p->m, p->k),
                                   p->transposed ? SINTER_SHAPE(p->n, p->k) : SINTER_SHAPE(p->k, p->n),
                                   SINTER_SHAPE(p->n)};
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    ck_assert_uint_eq(stats.launches, p->launches);
    ck_assert_str_eq(plan->steps[0].spec.strategy, p->first);
    oracle_check_plan(&o, graph, plan, shapes, 4);
    sinter_plan_release(plan);
    sinter_graph_release(graph);
}

START_TEST(split_products) {
    static const product cases[] = {
        {SINTER_F32, 40, 24, 1200, false, false, true, "gpu_gemm", 2},
        {SINTER_F32, 9, 70, 1201, true, false, false, "gpu_gemm", 2}, /* no divisor: parts are filled up */
        {SINTER_F32, 1, 100, 640, false, false, true, "gpu_gemv", 2},
        {SINTER_F32, 40, 24, 500, false, false, true, "gpu_gemm", 1}, /* too short */
        {SINTER_F32, 40, 24, 600, false, true, true, "gpu_gemm", 1},  /* how many rows is not known */
        {SINTER_BF16, 20, 36, 4608, true, false, true, "gpu_mma", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) check(&cases[i]);
}
END_TEST

START_TEST(matrix_products) {
    static const product cases[] = {
        {SINTER_F16, 33, 40, 100, false, false, true, "gpu_mma", 1},
        {SINTER_BF16, 50, 72, 64, true, true, true, "gpu_mma", 1},
        {SINTER_F16, 1, 65, 72, true, false, false, "gpu_gemv", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) check(&cases[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plan/products");
    TCase *tests = tcase_create("as a GPU");
    tcase_set_timeout(tests, 0);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, split_products);
    tcase_add_test(tests, matrix_products);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
