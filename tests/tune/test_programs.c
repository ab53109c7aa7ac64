/* Keys of loop programs: sizes and names do not change them, what is computed and how operands lie does. */
#include "check_main.h"

#include <string.h>

#include <sinter/sinter.h>

#include "base/alloc.h"
#include "tune/programs.h"

static sinter_runtime *runtime;

static void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

typedef enum kind { SOFTMAX, LOG_SOFTMAX, PRODUCT, PRODUCT_TRANSPOSED, ADD } kind;

static sinter_value build(sinter_graph *g, kind k, sinter_value x, sinter_value w) {
    switch (k) {
    case SOFTMAX:
        return sinter_softmax(g, x, -1);
    case LOG_SOFTMAX:
        return sinter_log_softmax(g, x, -1);
    case PRODUCT:
        return sinter_matmul(g, x, w);
    case PRODUCT_TRANSPOSED:
        return sinter_matmul(g, x, sinter_transpose(g, w, SINTER_SHAPE(1, 0)));
    case ADD:
        break;
    }
    return sinter_add(g, x, x);
}

/* The key of the first program of a graph over x[rows, columns] and w[columns, columns]. */
static sni_program_key key_of(kind k, sinter_dtype dtype, const char *name, int64_t rows, int64_t columns) {
    sinter_graph *g;
    sni_programs programs;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", dtype, SINTER_SHAPE(name != NULL ? SINTER_DIM(name) : rows, columns));
    sinter_value w = sinter_input(g, "w", dtype, SINTER_SHAPE(columns, columns));
    sinter_output(g, "y", build(g, k, x, w));
    sinter_binding bindings[] = {{"x", dtype, SINTER_SHAPE(rows, columns), NULL, 0, NULL},
                                 {"w", dtype, SINTER_SHAPE(columns, columns), NULL, 0, NULL}};
    must(sni_programs_init(&programs, runtime, g, bindings, 2));
    ck_assert_uint_ge(programs.count, 1);
    sni_program_key key = programs.items[0].key;
    sni_programs_deinit(&programs);
    sinter_graph_release(g);
    return key;
}

START_TEST(test_sizes_are_classes) {
    sni_program_key a = key_of(SOFTMAX, SINTER_F32, NULL, 300, 1000), b = key_of(SOFTMAX, SINTER_F32, NULL, 511, 600),
                    c = key_of(SOFTMAX, SINTER_F32, NULL, 7, 1024), d = key_of(SOFTMAX, SINTER_F32, "batch", 300, 1000),
                    e = key_of(SOFTMAX, SINTER_F32, "n", 5, 900);
    ck_assert_str_eq(a.program, b.program);
    ck_assert_str_eq(a.program, c.program);
    ck_assert_str_eq(a.program, d.program);
    ck_assert_str_eq(a.sizes, "~256x~512");
    ck_assert_str_eq(b.sizes, a.sizes);
    ck_assert_str_eq(c.sizes, "7x~1024");
    ck_assert_str_eq(d.sizes, "?x~512");
    ck_assert_str_eq(e.sizes, d.sizes);
    ck_assert_str_eq(e.program, d.program);
}
END_TEST

START_TEST(test_programs_differ) {
    const sni_program_key keys[] = {
        key_of(SOFTMAX, SINTER_F32, NULL, 64, 64),
        key_of(LOG_SOFTMAX, SINTER_F32, NULL, 64, 64),
        key_of(SOFTMAX, SINTER_F16, NULL, 64, 64),
        key_of(PRODUCT, SINTER_F32, NULL, 64, 64),
        key_of(PRODUCT_TRANSPOSED, SINTER_F32, NULL, 64, 64),
        key_of(ADD, SINTER_F32, NULL, 64, 64),
    };
    enum { COUNT = sizeof keys / sizeof *keys };
    for (int i = 0; i < COUNT; ++i)
        for (int j = 0; j < i; ++j) ck_assert_msg(strcmp(keys[i].program, keys[j].program) != 0, "%d and %d", i, j);
}
END_TEST

/* Named sizes have larger values to compare kernels at, which fit each other; a graph without names has none. */
START_TEST(test_larger) {
    sinter_graph *g;
    sni_programs programs;
    sni_bindings bindings;
    int64_t count;
    for (int named = 0; named < 2; ++named) {
        must(sinter_graph_create(&g));
        sinter_dim rows = named ? SINTER_DIM("rows") : 6, columns = named ? SINTER_DIM("columns") : 7;
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(rows, columns, 2)),
                     y = sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(columns, 2));
        sinter_output(g, "z", sinter_add(g, x, y));
        sinter_binding given[] = {{"x", SINTER_F32, SINTER_SHAPE(6, 7, 2), NULL, 0, NULL},
                                  {"y", SINTER_F32, SINTER_SHAPE(7, 2), NULL, 0, NULL}};
        must(sni_programs_init(&programs, runtime, g, given, 2));
        ck_assert_int_eq(programs.larger != NULL, named);
        const sni_loop *loop = &programs.items[0].step->loop;
        for (int larger = 0; larger <= named; ++larger) {
            bindings = sni_dims_bindings(larger ? programs.larger : programs.dims);
            int64_t most = 0;
            for (int b = 0; b < loop->buffer_count; ++b) {
                must(sni_sym_eval(loop->sym, loop->buffers[b].count, &bindings, &count));
                if (count > most) most = count;
            }
            ck_assert_int_eq(most, larger ? 24 * 28 * 2 : 6 * 7 * 2);
        }
        sni_programs_deinit(&programs);
        sinter_graph_release(g);
    }
}
END_TEST

/* A model of equal layers has each program once, with as many uses. */
START_TEST(test_uses) {
    sinter_graph *g;
    sni_programs programs;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(64, 64)),
                 w = sinter_input(g, "w", SINTER_F32, SINTER_SHAPE(64, 64));
    for (int i = 0; i < 5; ++i) x = sinter_matmul(g, x, w);
    sinter_output(g, "y", x);
    sinter_binding bindings[] = {{"x", SINTER_F32, SINTER_SHAPE(64, 64), NULL, 0, NULL},
                                 {"w", SINTER_F32, SINTER_SHAPE(64, 64), NULL, 0, NULL}};
    must(sni_programs_init(&programs, runtime, g, bindings, 2));
    ck_assert_uint_eq(programs.count, 1);
    ck_assert_int_eq(programs.items[0].uses, 5);
    ck_assert_str_eq(sni_str_text(&programs.items[0].words), "matmul");
    sni_programs_deinit(&programs);
    /* An outline has no kernels: nothing was built for it. */
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(runtime, &stats);
    ck_assert_uint_eq(stats.kernels_compiled, 0);
    sinter_graph_release(g);
}
END_TEST

/* Memory runs out at every allocation in turn: nothing is lost and nothing crashes, and at last it succeeds. */
START_TEST(test_out_of_memory) {
    sinter_graph *g;
    must(sinter_graph_create(&g));
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(6, 7));
    sinter_output(g, "y", sinter_softmax(g, x, -1));
    sinter_binding binding = {"x", SINTER_F32, SINTER_SHAPE(6, 7), NULL, 0, NULL};
    sinter_status status = SINTER_OUT_OF_MEMORY;
    for (int64_t nth = 1; status != SINTER_OK; ++nth) {
        sni_programs programs;
        sni_alloc_fail_at(nth);
        status = sni_programs_init(&programs, runtime, g, &binding, 1);
        sni_alloc_fail_at(0);
        sni_programs_deinit(&programs);
        ck_assert_int_lt(nth, 100000);
    }
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = "";
    if (sinter_runtime_create(&options, &runtime) != SINTER_OK) return EXIT_FAILURE;
    const TTest *const tests[] = {test_sizes_are_classes, test_programs_differ, test_larger, test_uses,
                                  test_out_of_memory};
    int result = run_suite(suite_of("tune/programs", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(runtime);
    return result;
}
