/* Few long rows with reductions that follow each other: the numbers stay, and each part is looked at once. */
#include "rewrite/sample.h"

#include "rewrite/make.h"

static const sni_split_options options = {.rows = {12, 40, 7}, .columns = {50, 10, 3}};

static sinter_graph *rewritten(const sinter_graph *graph) {
    sinter_graph *plain = NULL, *split = NULL, *joined = NULL;
    if (sni_rewrite_all(graph, &plain) != SINTER_OK || sni_pass_split_tuple(plain, &options, &split) != SINTER_OK ||
        sni_pass_cse(split, &joined) != SINTER_OK)
        ck_abort_msg("%s", sinter_last_error());
    sinter_graph_release(plain);
    sinter_graph_release(split);
    return joined;
}

typedef sinter_value (*build_fn)(sinter_graph *g, sinter_value x, int64_t axis);

static sinter_value softmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_softmax(g, x, axis);
}
static sinter_value log_sum_exp(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_reduce_log_sum_exp(g, x, SINTER_SHAPE(axis), 1);
}
static sinter_value argmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_argmax(g, x, axis, 0, 0);
}
static sinter_value argmin(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_argmin(g, x, axis, 1, 0);
}
static sinter_value normalise(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value centred = sinter_sub(g, x, sinter_reduce_mean(g, x, SINTER_SHAPE(axis), 1));
    return sinter_reduce_mean(g, sinter_mul(g, centred, centred), SINTER_SHAPE(axis), 1);
}

typedef struct sort {
    const char *name;
    build_fn build;
    const char *op; /* reductions counted, and how many there are when whole and when split */
    size_t whole, split;
} sort;

static const sort sorts[] = {
    {"softmax", softmax, "reduce_max", 1, 2},    {"log sum exp", log_sum_exp, "reduce_sum", 1, 2},
    {"argmax", argmax, "reduce_min", 1, 2},      {"argmin", argmin, "reduce_min", 2, 4},
    {"variance", normalise, "reduce_sum", 2, 4},
};

static void special(sample *s, int kind) {
    sni_ref_tensor *x = s->ins[0];
    for (int64_t i = 0; i < x->count && x->f && kind > 0; ++i) {
        if (kind == 1 && i % 17 == 5) x->f[i] = NAN;
        if (kind == 2 && i % 19 == 3) x->f[i] = INFINITY;
        if (kind == 3) x->f[i] = -INFINITY;
        if (kind == 4 && i % 3 > 0) x->f[i] = -INFINITY;
        if (kind == 5) x->f[i] += 100;
    }
}

static void check(const sort *t, sinter_dtype dtype, bool symbolic, int64_t m, int64_t n, int64_t axis, int kind,
                  size_t want) {
    sample s = sample_begin(symbolic);
    uint32_t x = sample_input(&s, dtype, 2, (int64_t[]){m, n});
    sinter_output(s.graph, "y", t->build(s.graph, (sinter_value){x}, axis));
    sample_ok(s.graph, t->name);
    special(&s, kind);
    sinter_graph *after = rewritten(s.graph);
    if (want) ck_assert_msg(sample_nodes(after, t->op) == want, "%s: %zu", t->name, sample_nodes(after, t->op));
    sample_same(&s, s.graph, after, sample_tolerance(dtype), t->name);
    sinter_graph_release(after);
    sample_end(&s);
}

START_TEST(rows_and_columns) {
    const sort *t = &sorts[_i];
    bool variance = t->build == normalise;
    for (int kind = 0; kind < 6; ++kind) {
        check(t, SINTER_F32, false, 3, 60, 1, kind, t->split);
        check(t, SINTER_F32, false, 3, 61, 1, kind,
              variance ? t->whole : t->split); /* padded, which squares cannot be */
        check(t, SINTER_F64, false, 24, 5, 0, kind, t->split);
        check(t, SINTER_F32, false, 23, 5, 0, kind, variance ? 0 : t->split);
    }
    if (!variance) check(t, SINTER_BF16, false, 2, 53, 1, 0, t->split);
    check(t, SINTER_F32, false, 3, 39, 1, 0, t->whole); /* too short */
    check(t, SINTER_F32, false, 7, 60, 1, 0, t->whole); /* rows enough */
    if (t->build == argmax || t->build == argmin) {
        check(t, SINTER_I32, false, 3, 61, 1, 0, t->split);
        check(t, SINTER_U8, false, 3, 61, 1, 0, t->split);
    }
}
END_TEST

START_TEST(names) {
    for (int round = 0; round < 10; ++round) {
        check(&sorts[_i], SINTER_F32, true, 5, 61, 1, round % 5, 0);
        check(&sorts[_i], SINTER_F32, true, 17, 3, 0, round % 5, 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("split tuple");
    TCase *tcase = tcase_create("cases");
    tcase_add_loop_test(tcase, rows_and_columns, 0, SAMPLE_COUNT(sorts));
    tcase_add_loop_test(tcase, names, 0, SAMPLE_COUNT(sorts));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
