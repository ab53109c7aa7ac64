/* Products that a record gives to CLBlast: they run there and are right, whichever way the operands lie. Where the library
 * is not installed, a record that asks for it is passed over. */
#include "check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sinter/sinter.h>

#include "kernel/clblast.h"
#include "runtime/runtime.h"
#include "tune/programs.h"

enum { MOST = 40 };

static char scratch[] = "/tmp/sinter-clblast-XXXXXX";
static sinter_runtime *runtime; /* one: CLBlast compiles its kernels for each context */

static void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

/* y = A B, where either may come transposed. */
typedef struct layout {
    bool a, b;
} layout;

static sinter_graph *make_graph(layout t, bool symbolic, int m, int n, int k) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_dim rows = symbolic ? SINTER_DIM("m") : m, columns = symbolic ? SINTER_DIM("n") : n,
               terms = symbolic ? SINTER_DIM("k") : k;
    sinter_shape turn = SINTER_SHAPE(1, 0);
    sinter_value a = sinter_input(g, "a", SINTER_F32, t.a ? SINTER_SHAPE(terms, rows) : SINTER_SHAPE(rows, terms));
    sinter_value b =
        sinter_input(g, "b", SINTER_F32, t.b ? SINTER_SHAPE(columns, terms) : SINTER_SHAPE(terms, columns));
    if (t.a) a = sinter_transpose(g, a, turn);
    if (t.b) b = sinter_transpose(g, b, turn);
    sinter_output(g, "y", sinter_matmul(g, a, b));
    return g;
}

static void write_record(const sinter_graph *g, const sinter_binding *bindings) {
    sni_programs programs;
    must(sni_programs_init(&programs, runtime, g, bindings, 2));
    const sni_tune_program *product = &programs.items[0];
    ck_assert_int_ge(product->step->loop.core, 0);
    sni_record record = {.key = product->key, .ns = 1, .rule_ns = 2, .strategy = "clblast"};
    must(sni_record_append(runtime->tuning_dir, runtime->caps->tuning_key, &record));
    sni_programs_deinit(&programs);
}

static void check(layout t, int m, int n, int k, const float *a, const float *b, const float *y) {
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = 0, magnitude = 0;
            for (int x = 0; x < k; ++x) {
                double product = (double)a[t.a ? x * m + i : i * k + x] * (double)b[t.b ? j * k + x : x * n + j];
                sum += product;
                magnitude += fabs(product);
            }
            double got = (double)y[i * n + j];
            ck_assert_msg(fabs(got - sum) <= (k + 4) * 0x1p-24 * magnitude, "[%d, %d] of %dx%dx%d is %g, not %g", i, j,
                          m, n, k, got, sum);
        }
}

static void fill(float *data, int count, int seed) {
    for (int i = 0; i < count; ++i) data[i] = (float)((i * 37 + seed * 11) % 61) / 30 - 1;
}

static void run(sinter_plan *plan, layout t, int m, int n, int k) {
    static float a[MOST * MOST], b[MOST * MOST], y[MOST * MOST];
    fill(a, m * k, 1);
    fill(b, k * n, 2);
    for (int i = 0; i < MOST * MOST; ++i) y[i] = 77;
    sinter_binding bindings[] = {
        SINTER_BIND_HOST("a", SINTER_F32, t.a ? SINTER_SHAPE(k, m) : SINTER_SHAPE(m, k), a, sizeof a),
        SINTER_BIND_HOST("b", SINTER_F32, t.b ? SINTER_SHAPE(n, k) : SINTER_SHAPE(k, n), b, sizeof b),
        SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(m, n), y, sizeof y)};
    bindings[0].size_bytes = bindings[1].size_bytes = bindings[2].size_bytes = sizeof a;
    must(sinter_plan_run(plan, bindings, 3));
    check(t, m, n, k, a, b, y);
    ck_assert(y[m * n] == 77);
}

static void expect_strategy(sinter_plan *plan, const sinter_binding *bindings) {
    char *text;
    must(sinter_plan_explain(plan, bindings, 2, 0, &text));
    const char *wanted = sni_clblast_gemm(SINTER_F32) != NULL ? "launch 1: clblast" : "by rule";
    ck_assert_msg(strstr(text, wanted) != NULL, "%s", text);
    sinter_free(text);
}

START_TEST(test_products) {
    static const int sizes[][3] = {{7, 13, 29}, {32, 32, 32}, {39, 5, 2}, {3, 4, 0}, {0, 4, 3}, {2, 31, 17}};
    layout t = {(_i & 1) != 0, (_i & 2) != 0};
    sinter_plan *plan;
    sinter_graph *g = make_graph(t, true, 0, 0, 0);
    sinter_binding bindings[] = {{"a", SINTER_F32, t.a ? SINTER_SHAPE(29, 7) : SINTER_SHAPE(7, 29), NULL, 0, NULL},
                                 {"b", SINTER_F32, t.b ? SINTER_SHAPE(13, 29) : SINTER_SHAPE(29, 13), NULL, 0, NULL}};
    write_record(g, bindings);
    must(sinter_plan_compile(runtime, g, NULL, &plan));
    expect_strategy(plan, bindings);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) run(plan, t, sizes[i][0], sizes[i][1], sizes[i][2]);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}
END_TEST

/* A bias behind the product is not CLBlast's: the record is passed over, and the plan is right. */
START_TEST(test_no_plain_product) {
    sinter_graph *g;
    sinter_plan *plan;
    float a[2 * 3] = {1, 2, 3, 4, 5, 6}, b[3 * 2] = {1, 0, 0, 1, 1, 1}, y[4];
    must(sinter_graph_create(&g));
    sinter_value product = sinter_matmul(g, sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(2, 3)),
                                         sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(3, 2)));
    sinter_output(g, "y", sinter_relu(g, product));
    sinter_binding bindings[] = {SINTER_BIND_HOST("a", SINTER_F32, SINTER_SHAPE(2, 3), a, sizeof a),
                                 SINTER_BIND_HOST("b", SINTER_F32, SINTER_SHAPE(3, 2), b, sizeof b),
                                 SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(2, 2), y, sizeof y)};
    write_record(g, bindings);
    must(sinter_plan_compile(runtime, g, NULL, &plan));
    must(sinter_plan_run(plan, bindings, 3));
    ck_assert(y[0] == 4 && y[1] == 5 && y[2] == 10 && y[3] == 11);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("clblast");
    TCase *cases = tcase_create("clblast");
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = scratch;
    if (mkdtemp(scratch) == NULL || sinter_runtime_create(&options, &runtime) != SINTER_OK) return EXIT_FAILURE;
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, test_products, 1,
                        3); /* each operand transposed; CLBlast compiles seconds for each way */
    tcase_add_test(cases, test_no_plain_product);
    suite_add_tcase(suite, cases);
    int result = run_suite(suite);
    sinter_runtime_release(runtime);
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", scratch);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
