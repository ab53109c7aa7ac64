/* Functions of the user's own: fused, vectorised, in epilogues; refused in words; from several threads. */
#include <pthread.h>

#include "check_main.h"
#include "op/custom.h"
#include "oracle.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static oracle o;

static void setup(void) {
    oracle_init(&o);
}
static void teardown(void) {
    oracle_deinit(&o);
}

static const char LEAKY[] = "float leaky(float x, float a) { return x > 0 ? x : a * x; }";
static double leaky(const double *in, void *context) {
    (void)context;
    return in[0] > 0 ? in[0] : in[1] * in[0];
}

static sinter_graph *new_graph(void) {
    sinter_graph *g;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    return g;
}

static sinter_value call(sinter_graph *g, const sinter_custom_function *f, sinter_value a, sinter_value b) {
    return sinter_custom_call(g, f, (sinter_value[]){a, b}, 2);
}

/* Every dtype of a family, with broadcasting and scalars, beside what is around it, in one launch. */
START_TEST(fuses) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16};
    const sinter_custom_function f = {.source = LEAKY, .reference = leaky};
    for (size_t d = 0; d < COUNT(dtypes); ++d) {
        sinter_graph *g = new_graph();
        sinter_value x = sinter_input(g, "x", dtypes[d], SINTER_SHAPE(SINTER_DIM("n"), SINTER_DIM("m")));
        sinter_value row = sinter_input(g, "row", dtypes[d], SINTER_SHAPE(SINTER_DIM("m")));
        sinter_value y = call(g, &f, sinter_sub(g, x, row), sinter_scalar(g, dtypes[d], 0.25));
        y = call(g, &f, sinter_neg(g, y), row);
        sinter_output(g, "y", sinter_add(g, y, x));
        ck_assert_int_eq(sinter_value_dtype(g, y), dtypes[d]);
        sinter_plan *plan = oracle_compile(&o, g);
        ck_assert_uint_eq(oracle_launches(plan), 1);
        oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(5, 37), SINTER_SHAPE(37)}, 4);
        oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(1, 1), SINTER_SHAPE(1)}, 4);
        oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(3, 64), SINTER_SHAPE(64)}, 4);
        oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(0, 4), SINTER_SHAPE(4)}, 4);
        sinter_plan_release(plan);
        sinter_graph_release(g);
    }
}
END_TEST

static double pick(const double *in, void *context) {
    (void)context;
    return in[0] != 0 ? in[1] * 3 - in[2] : in[2];
}

/* Integers wrap to their dtype; bools come and go. */
START_TEST(integers) {
    const sinter_custom_function narrow = {.source = "int pick(int c, int x, int y) { return c ? x * 3 - y : y; }",
                                           .reference = pick,
                                           .output = SINTER_I16};
    const sinter_custom_function wide = {.source = "long pick(int c, long x, long y) { return c ? x * 3 - y : y; }",
                                         .reference = pick};
    const sinter_custom_function truth = {.source = "int pick(int c, int x, int y) { return c ? x * 3 - y : y; }",
                                          .reference = pick,
                                          .output = SINTER_BOOL};
    sinter_graph *g = new_graph();
    sinter_shape shape = SINTER_SHAPE(SINTER_DIM("n"));
    sinter_value in[3] = {sinter_input(g, "c", SINTER_BOOL, shape), sinter_input(g, "x", SINTER_I16, shape),
                          sinter_input(g, "y", SINTER_I16, shape)};
    sinter_value long_in[3] = {in[0], sinter_cast(g, in[1], SINTER_I64), sinter_cast(g, in[2], SINTER_I64)};
    sinter_output(g, "narrow", sinter_custom_call(g, &narrow, in, 3));
    sinter_output(g, "wide", sinter_custom_call(g, &wide, long_in, 3));
    sinter_output(g, "truth", sinter_custom_call(g, &truth, in, 3));
    sinter_plan *plan = oracle_compile(&o, g);
    for (int64_t n = 1; n < 40; n += 19) {
        sinter_shape s = SINTER_SHAPE(n);
        oracle_check_plan(&o, g, plan, (sinter_shape[]){s, s, s}, 1);
    }
    sinter_plan_release(plan);
    sinter_graph_release(g);
}
END_TEST

/* As the epilogue and in the operands of a product, and inside rows. */
START_TEST(around_products_and_rows) {
    const sinter_custom_function f = {.source = LEAKY, .reference = leaky};
    sinter_graph *g = new_graph();
    sinter_value a = sinter_input(g, "a", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), 64));
    sinter_value b = sinter_input(g, "b", SINTER_F32, SINTER_SHAPE(64, 48)), slope = sinter_scalar(g, SINTER_F32, 0.1);
    sinter_value y = call(g, &f, sinter_matmul(g, a, b), slope);
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    ck_assert_uint_eq(oracle_launches(plan), 1);
    oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(70, 64), SINTER_SHAPE(64, 48)}, 64);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("k")));
    sinter_output(g, "y",
                  call(g, &f, sinter_softmax(g, call(g, &f, x, sinter_scalar(g, SINTER_F32, 0.5)), -1),
                       sinter_scalar(g, SINTER_F32, 2)));
    plan = oracle_compile(&o, g);
    ck_assert_uint_eq(oracle_launches(plan), 1);
    oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(7, 301)}, 8);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}
END_TEST

static double twice(const double *in, void *context) {
    return in[0] * *(const double *)context;
}

/* Functions, constants, types and macros of one name in two sources meet in one kernel. */
START_TEST(names_do_not_clash) {
    static double two = 2, three = 3;
    const sinter_custom_function a = {
        .source = "#define FACTOR 2.0f\n/* } */ typedef float real; __constant float table[2] = {FACTOR, 1};\n"
                  "static inline real helper(real x) { return x * table[0]; }\nfloat f(float x) { return helper(x); }",
        .reference = twice,
        .context = &two};
    const sinter_custom_function b = {
        .source =
            "#define FACTOR 3.0f\ntypedef float real; __constant float table[2] = {1, FACTOR};\n"
            "static real helper(real x) { // {\n return x * table[1]; }\nfloat f(float x) { return helper(x); }\n",
        .reference = twice,
        .context = &three};
    const sinter_custom_function first = {.source =
                                              "float s1(float b0) { return b0 * 2; } float exp(float x) { return x; }",
                                          .entry = "s1",
                                          .reference = twice,
                                          .context = &two};
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value y = sinter_custom_call(g, &a, (sinter_value[]){sinter_exp(g, x)}, 1);
    y = sinter_custom_call(g, &b, (sinter_value[]){y}, 1);
    y = sinter_custom_call(g, &first, (sinter_value[]){y}, 1);
    sinter_output(g, "y", y);
    sinter_plan *plan = oracle_compile(&o, g);
    ck_assert_uint_eq(oracle_launches(plan), 1);
    oracle_check_plan(&o, g, plan, (sinter_shape[]){SINTER_SHAPE(100)}, 4);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}
END_TEST

/* The graph may go before the plan; the same call twice is one; constants fold with a reference and are computed on the
 * device without. */
START_TEST(lives_with_the_plan) {
    static const float data[3] = {-4, 0, 4};
    for (int round = 0; round < 2; ++round) {
        const sinter_custom_function f = {.source = LEAKY, .reference = round ? leaky : NULL};
        sinter_graph *g = new_graph();
        sinter_value c = sinter_constant(g, SINTER_F32, SINTER_SHAPE(3), data, sizeof data);
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3));
        sinter_value slope = sinter_scalar(g, SINTER_F32, 0.5);
        sinter_output(
            g, "y", sinter_add(g, call(g, &f, c, slope), sinter_mul(g, call(g, &f, x, slope), call(g, &f, x, slope))));
        sinter_plan *plan = oracle_compile(&o, g);
        sinter_graph_release(g);
        float in[3] = {-2, 1, 3}, out[3] = {0};
        sinter_binding bindings[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(3), in, sizeof in),
                                      SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(3), out, sizeof out)};
        if (sinter_plan_run(plan, bindings, 2) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
        ck_assert(out[0] == -2 + 1 && out[1] == 1 && out[2] == 4 + 9);
        sinter_plan_release(plan);
    }
}
END_TEST

static void refused(const char *source, const char *entry, sinter_dtype output, sinter_status want, const char *words) {
    const sinter_custom_function f = {.source = source, .entry = entry, .output = output};
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3));
    sinter_value y = sinter_custom_call(g, &f, (sinter_value[]){x}, 1);
    ck_assert_uint_eq(y.id, 0);
    ck_assert_int_eq(sinter_graph_status(g), want);
    ck_assert_msg(strstr(sinter_last_error(), words) != NULL, "'%s' does not say '%s'", sinter_last_error(), words);
    sinter_graph_release(g);
}

START_TEST(refusals) {
    const sinter_status bad = SINTER_INVALID_ARGUMENT;
    refused("", NULL, 0, bad, "no function");
    refused("float f;", NULL, 0, bad, "no function");
    refused("float f(float x) { return x; }", "g", 0, bad, "no function 'g'");
    refused("float f(float x) {\n if (x) { return x; }", NULL, 0, bad, "line 2: a brace is not closed");
    refused("float f(float x) { return x; } }", NULL, 0, bad, "line 1: a brace was not opened");
    refused("\n\nfloat4 f(float x) { return x; }", NULL, 0, bad, "line 3: the function must return");
    refused("float f(__global float *x) { return *x; }", NULL, 0, bad, "every parameter");
    refused("__kernel void f(float x) { }", NULL, 0, bad, "must return");
    refused("float4 f(float x) { return x; } float g(float *x) { return *x; }", NULL, 0, bad, "every parameter");
    refused("float f() { return 1; }", NULL, 0, bad, "no parameters");
    refused("float f(float x, float y) { return x; }", NULL, 0, bad, "2 parameters, 1 inputs");
    refused("float f(int x) { return x; }", NULL, 0, SINTER_DTYPE,
            "parameter 0 of f is int, which input 0 of f32 is not");
    refused("float f(float x) { return x; }", NULL, SINTER_I32, SINTER_DTYPE,
            "returns float, which is not stored as i32");
    refused("float f(float x) { return x; }", NULL, (sinter_dtype)99, SINTER_DTYPE, "dtype is none");
    refused("float f(float a, float b, float c, float d, float e, float f, float g, float h, float i) { return a; }",
            NULL, 0, bad, "more than 8 parameters");
    sinter_graph *g = new_graph();
    ck_assert_uint_eq(sinter_custom(g, NULL, NULL, 0).id, 0);
    ck_assert_int_eq(sinter_graph_status(g), bad);
    sinter_graph_release(g);
}
END_TEST

/* Whatever stands in a source, reading it ends and refuses or finds a function. */
START_TEST(any_text) {
    static const char whole[] =
        "#define A \\\n 1\n/* x */ struct S { int a[2]; }; typedef float t;\n__constant float c[2] = {1, 2};\n"
        "float g(float); // ...\nstatic inline float f(const float x, int, long z) { return g('\\'') + x; }";
    char text[sizeof whole];
    for (size_t round = 0; round < 4 * sizeof whole; ++round) {
        memcpy(text, whole, sizeof whole);
        if (round < sizeof whole)
            text[round] = 0;
        else
            text[(size_t)(oracle_uniform(&o) * (sizeof whole - 1))] = " {}()/*\"'\\\n#,;="[round % 15];
        sni_arena *arena = sni_arena_create();
        sni_custom_source source;
        sinter_status status = sni_custom_read(text, NULL, arena, &source);
        ck_assert(status == SINTER_OK || status == SINTER_INVALID_ARGUMENT);
        ck_assert(status != SINTER_OK || source.entry[0] != 0);
        if (round == sizeof whole - 1) {
            ck_assert_int_eq(status, SINTER_OK);
            ck_assert_int_eq(source.count, 3);
            ck_assert_uint_eq(source.declared.count, 5); /* S, t, c, g, f */
            ck_assert_uint_eq(source.macros.count, 1);
        }
        sni_custom_source_deinit(&source);
        sni_arena_release(arena);
    }
}
END_TEST

/* What the driver's compiler refuses names the function and shows its lines, numbered as the user wrote them. */
START_TEST(bad_source) {
    sinter_graph *g = new_graph();
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3));
    sinter_value y = sinter_custom(g, "float wobble(float x) {\n    float y = x;\n    return z;\n}\n", &x, 1);
    sinter_output(g, "y", sinter_exp(g, y));
    sinter_plan *plan;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, NULL, &plan), SINTER_BUILD);
    const char *text = sinter_last_error();
    ck_assert_msg(strstr(text, "custom wobble:3 |     return z;") != NULL, "%s", text);
    sinter_graph_release(g);
}
END_TEST

static void *compile_and_run(void *result) {
    const sinter_custom_function f = {.source = LEAKY, .reference = leaky};
    for (int i = 0; i < 8; ++i) {
        sinter_graph *g = new_graph();
        sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4));
        sinter_output(g, "y", call(g, &f, x, sinter_scalar(g, SINTER_F32, 0.5)));
        sinter_plan *plan = NULL;
        float in[4] = {-2, -1, 1, (float)i}, out[4] = {0};
        sinter_binding bindings[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), in, sizeof in),
                                      SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(4), out, sizeof out)};
        bool ok = sinter_plan_compile(o.runtime, g, NULL, &plan) == SINTER_OK;
        sinter_graph_release(g);
        ok = ok && sinter_plan_run(plan, bindings, 2) == SINTER_OK;
        ok = ok && out[0] == -1 && out[1] == -0.5f && out[2] == 1 && out[3] == (float)i;
        sinter_plan_release(plan);
        if (!ok) return result;
    }
    return NULL;
}

START_TEST(threads) {
    pthread_t all[4];
    for (size_t i = 0; i < COUNT(all); ++i) ck_assert_int_eq(pthread_create(&all[i], NULL, compile_and_run, all), 0);
    for (size_t i = 0; i < COUNT(all); ++i) {
        void *failed;
        pthread_join(all[i], &failed);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

/* Every allocation of describing the graph fails in turn. */
START_TEST(out_of_memory) {
    const sinter_custom_function f = {.source = LEAKY, .reference = leaky};
    for (int64_t nth = 1;; ++nth) {
        ck_assert_int_lt(nth, 2000);
        sni_alloc_fail_at(nth);
        sinter_graph *g = NULL;
        sinter_status status = sinter_graph_create(&g);
        if (status == SINTER_OK) {
            sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(4));
            sinter_output(g, "y", call(g, &f, call(g, &f, x, x), x));
            status = sinter_graph_status(g);
        }
        sni_alloc_fail_at(0);
        sinter_graph_release(g);
        if (status == SINTER_OK) break;
        ck_assert_int_eq(status, SINTER_OUT_OF_MEMORY);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("custom functions");
    TCase *tcase = tcase_create("functions");
    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, fuses);
    tcase_add_test(tcase, integers);
    tcase_add_test(tcase, around_products_and_rows);
    tcase_add_test(tcase, names_do_not_clash);
    tcase_add_test(tcase, lives_with_the_plan);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, any_text);
    tcase_add_test(tcase, bad_source);
    tcase_add_test(tcase, threads);
    tcase_add_test(tcase, out_of_memory);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
