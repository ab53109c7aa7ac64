/* Reductions, matmul and the composites' reference functions against numbers worked out by hand or elsewhere
 * (the formulas of the ONNX specification). */
#include "rewrite/sample.h"

/* Evaluates one node on inputs given as numbers; the result must be `want`. */
typedef struct given {
    int rank;
    int64_t dims[4];
    const double *values;
} given;

static void fill(sni_ref_tensor *t, const double *values) {
    for (int64_t i = 0; i < t->count; ++i) {
        if (t->f)
            t->f[i] = values[i];
        else
            t->i[i] = (int64_t)values[i];
    }
}

static void check(sample *s, const char *op, const sni_attr *attrs, given want) {
    uint32_t y = sni_graph_add1(s->graph, op, s->in_count, s->ids, attrs);
    sample_output(s->graph, "y", y);
    sample_ok(s->graph, op);
    sni_ref_tensor *have = sample_run(s, s->graph, 0), *right = NULL;
    ck_assert_int_eq(sni_ref_tensor_create(have->dtype, want.rank, want.dims, &right), SINTER_OK);
    fill(right, want.values);
    sample_compare(right, have, 1e-6, op, s->graph);
    sni_ref_tensor_release(have);
    sni_ref_tensor_release(right);
    sample_end(s);
}

static sample begin(sinter_dtype dtype, given x) {
    sample s = sample_begin(false);
    sample_input(&s, dtype, x.rank, x.dims);
    fill(s.ins[0], x.values);
    return s;
}

static void add(sample *s, sinter_dtype dtype, given x) {
    sample_input(s, dtype, x.rank, x.dims);
    fill(s->ins[s->in_count - 1], x.values);
}

#define LIST(...) ((const double[]){__VA_ARGS__})
#define AXES(graph, ...)                                                                                               \
    sni_attr_ints(graph, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

START_TEST(sums) {
    given x = {2, {2, 3}, LIST(1, 2, 3, 4, 5, 6)};
    sample s = begin(SINTER_F32, x);
    check(&s, "reduce_sum", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 1)}, (given){2, {2, 1}, LIST(6, 15)});
    s = begin(SINTER_F32, x);
    check(&s, "reduce_prod", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, -2), sni_attr_int(0)},
          (given){1, {3}, LIST(4, 10, 18)});
    s = begin(SINTER_I32, x);
    check(&s, "reduce_sum", NULL, (given){2, {1, 1}, LIST(21)});
    s = begin(SINTER_F64, (given){1, {3}, LIST(1, NAN, 3)});
    check(&s, "reduce_max", NULL, (given){1, {1}, LIST(NAN)});
    s = begin(SINTER_F64, (given){1, {3}, LIST(NAN, 2, 3)});
    check(&s, "reduce_min", NULL, (given){1, {1}, LIST(NAN)});
    s = begin(SINTER_F64, (given){1, {3}, LIST(-INFINITY, 2, 3)});
    check(&s, "reduce_max", NULL, (given){1, {1}, LIST(3)});
    s = begin(SINTER_I8, (given){1, {2}, LIST(100, 100)}); /* wraps */
    check(&s, "reduce_sum", NULL, (given){1, {1}, LIST(-56)});
    s = begin(SINTER_F32, (given){0, {0}, LIST(7)});
    check(&s, "reduce_sum", NULL, (given){0, {0}, LIST(7)});
}
END_TEST

START_TEST(nothing) {
    static const struct {
        const char *op;
        sinter_dtype dtype;
        double want;
    } cases[] = {{"reduce_sum", SINTER_F32, 0},         {"reduce_prod", SINTER_F32, 1},
                 {"reduce_max", SINTER_F32, -INFINITY}, {"reduce_min", SINTER_F32, INFINITY},
                 {"reduce_max", SINTER_I8, -128},       {"reduce_min", SINTER_U8, 255},
                 {"reduce_mean", SINTER_F32, NAN},      {"reduce_log_sum_exp", SINTER_F64, -INFINITY}};
    for (size_t i = 0; i < SAMPLE_COUNT(cases); ++i) {
        sample s = begin(cases[i].dtype, (given){2, {2, 0}, NULL});
        check(&s, cases[i].op, (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 1), sni_attr_int(0)},
              (given){1, {2}, LIST(cases[i].want, cases[i].want)});
    }
}
END_TEST

START_TEST(means) {
    given x = {1, {4}, LIST(1, -2, 3, 4)};
    static const struct {
        const char *op;
        double want;
    } cases[] = {{"reduce_mean", 1.5},
                 {"reduce_l1", 10},
                 {"reduce_l2", 5.4772255750516612},
                 {"reduce_log_sum", 1.7917594692280550},
                 {"reduce_sum_square", 30},
                 {"reduce_log_sum_exp", 4.350759163364269}};
    for (size_t i = 0; i < SAMPLE_COUNT(cases); ++i) {
        sample s = begin(SINTER_F64, x);
        check(&s, cases[i].op, NULL, (given){1, {1}, &cases[i].want});
    }
    sample s = begin(SINTER_I32, (given){1, {2}, LIST(-3, 0)});
    check(&s, "reduce_mean", NULL, (given){1, {1}, LIST(-1)});
}
END_TEST

START_TEST(products) {
    sample s = begin(SINTER_F32, (given){2, {2, 3}, LIST(1, 2, 3, 4, 5, 6)});
    add(&s, SINTER_F32, (given){2, {3, 2}, LIST(1, 0, 0, 1, 2, 3)});
    check(&s, "matmul", NULL, (given){2, {2, 2}, LIST(7, 11, 16, 23)});
    s = begin(SINTER_F32, (given){3, {2, 1, 2}, LIST(1, 2, 3, 4)});
    add(&s, SINTER_F32, (given){2, {2, 1}, LIST(5, 6)});
    check(&s, "matmul", NULL, (given){3, {2, 1, 1}, LIST(17, 39)});
    s = begin(SINTER_F32, (given){2, {2, 0}, NULL}); /* sums of nothing */
    add(&s, SINTER_F32, (given){2, {0, 2}, NULL});
    check(&s, "matmul", NULL, (given){2, {2, 2}, LIST(0, 0, 0, 0)});
    s = begin(SINTER_F32, (given){2, {2, 1}, LIST(1, 2)});
    add(&s, SINTER_F32, (given){2, {1, 2}, LIST(3, 4)});
    add(&s, SINTER_F32, (given){1, {2}, LIST(10, 20)});
    check(&s, "gemm", (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(2), sni_attr_float(0.5)},
          (given){2, {2, 2}, LIST(11, 18, 17, 26)});
}
END_TEST

START_TEST(composites) {
    sample s = begin(SINTER_F64, (given){2, {1, 3}, LIST(1, 2, 3)});
    check(&s, "softmax", NULL, (given){2, {1, 3}, LIST(0.0900305731703805, 0.2447284710547976, 0.6652409557748219)});
    s = begin(SINTER_F64, (given){2, {1, 2}, LIST(1000, 0)});
    check(&s, "log_softmax", NULL, (given){2, {1, 2}, LIST(0, -1000)});
    s = begin(SINTER_F32, (given){2, {2, 2}, LIST(1, 1, NAN, 2)});
    check(&s, "hardmax", NULL, (given){2, {2, 2}, LIST(1, 0, 1, 0)});
    s = begin(SINTER_F32, (given){1, {4}, LIST(3, 5, 5, NAN)});
    check(&s, "argmax", NULL, (given){1, {1}, LIST(3)});
    s = begin(SINTER_F32, (given){1, {4}, LIST(5, 5, 1, 1)});
    check(&s, "argmin", (sni_attr[SNI_MAX_ATTRS]){{0}, {0}, sni_attr_int(1)}, (given){1, {1}, LIST(3)});
    s = begin(SINTER_F64, (given){1, {2}, LIST(1, 3)});
    add(&s, SINTER_F64, (given){1, {2}, LIST(2, 2)});
    add(&s, SINTER_F64, (given){1, {2}, LIST(1, 1)});
    check(&s, "layer_norm", (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(0), sni_attr_float(3)}, (given){1, {2}, LIST(0, 2)});
    s = begin(SINTER_F64, (given){1, {2}, LIST(1, 7)});
    add(&s, SINTER_F64, (given){1, {2}, LIST(5, 1)});
    check(&s, "rms_norm", (sni_attr[SNI_MAX_ATTRS]){{0}, sni_attr_float(0)}, (given){1, {2}, LIST(1, 1.4)});
    s = begin(SINTER_I32, (given){1, {4}, LIST(1, 2, 3, 4)});
    check(&s, "cumsum", (sni_attr[SNI_MAX_ATTRS]){{0}, sni_attr_int(1), sni_attr_int(1)},
          (given){1, {4}, LIST(9, 7, 4, 0)});
    s = begin(SINTER_I32, (given){2, {2, 3}, LIST(1, 2, 3, 4, 5, 6)});
    check(&s, "trilu", (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(0), sni_attr_int(1)},
          (given){2, {2, 3}, LIST(1, 2, 0, 4, 5, 6)});
}
END_TEST

START_TEST(windows) {
    /* [1 2 3 4] with [1 -1 2], padded by one on both sides. */
    sample s = begin(SINTER_F32, (given){3, {1, 1, 4}, LIST(1, 2, 3, 4)});
    add(&s, SINTER_F32, (given){3, {1, 1, 3}, LIST(1, -1, 2)});
    add(&s, SINTER_F32, (given){1, {1}, LIST(0.5)});
    check(&s, "conv", (sni_attr[SNI_MAX_ATTRS]){{0}, AXES(s.graph, 1, 1)},
          (given){3, {1, 1, 4}, LIST(3.5, 5.5, 7.5, -0.5)});
    /* Every input spreads the kernel two apart. */
    s = begin(SINTER_F32, (given){3, {1, 1, 2}, LIST(1, 2)});
    add(&s, SINTER_F32, (given){3, {1, 1, 3}, LIST(1, -1, 2)});
    check(&s, "conv_transpose", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 2)},
          (given){3, {1, 1, 5}, LIST(1, -1, 4, -2, 4)});
    s = begin(SINTER_F32, (given){3, {1, 1, 4}, LIST(1, 2, NAN, -9)});
    check(&s, "max_pool", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 2), {0}, AXES(s.graph, 1, 1)},
          (given){3, {1, 1, 5}, LIST(1, 2, NAN, NAN, -9)});
    s = begin(SINTER_F32, (given){3, {1, 1, 4}, LIST(1, 2, 3, 5)});
    check(&s, "avg_pool", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 3), AXES(s.graph, 2), AXES(s.graph, 1, 1)},
          (given){3, {1, 1, 2}, LIST(1.5, 10.0 / 3)});
    s = begin(SINTER_F32, (given){3, {1, 1, 4}, LIST(1, 2, 3, 5)});
    check(&s, "avg_pool",
          (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 3), AXES(s.graph, 2), AXES(s.graph, 1, 1), {0}, {0}, sni_attr_int(1)},
          (given){3, {1, 1, 2}, LIST(1, 10.0 / 3)});
    s = begin(SINTER_F32, (given){1, {2}, LIST(0, 4)});
    check(&s, "resize", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 4), sni_attr_int(1)},
          (given){1, {4}, LIST(0, 1, 3, 4)});
    s = begin(SINTER_F32, (given){1, {2}, LIST(0, 4)});
    check(&s, "resize", (sni_attr[SNI_MAX_ATTRS]){AXES(s.graph, 3), sni_attr_int(1), sni_attr_int(2)},
          (given){1, {3}, LIST(0, 2, 4)});
}
END_TEST

int main(void) {
    const TTest *tests[] = {sums, nothing, means, products, composites, windows};
    return run_suite(suite_of("reduce", tests, SAMPLE_COUNT(tests)));
}
