/* Long products with few results in two steps: the numbers stay, and only where it pays. */
#include "rewrite/sample.h"

#include "rewrite/make.h"

static const sni_split_product_options options = {
    .units = 6,
    .matrix_f16 = true,
    .planes_side = 6,
    .planes_length = 70,
    .plain =
        {.tile = 4, .groups = 2, .narrow_groups = 8, .narrow = 1, .least_length = 20, .least_part = 3, .multiple = 2},
    .matrix = {
        .tile = 4, .groups = 2, .narrow_groups = 8, .narrow = 1, .least_length = 40, .least_part = 3, .multiple = 2}};

static sinter_graph *split(const sinter_graph *graph) {
    sinter_graph *out = NULL;
    if (sni_pass_split_product(graph, &options, &out) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    return out;
}

/* The numbers stay; want: is the product split? 2: either is right. */
static void same(sample *s, sinter_dtype dtype, int want, const char *label) {
    sample_ok(s->graph, label);
    sinter_graph *after = split(s->graph);
    if (want < 2) ck_assert_msg(sample_nodes(after, "reduce_sum") == (size_t)want, "%s", label);
    sample_same(s, s->graph, after, 4 * sample_tolerance(dtype), label);
    sinter_graph_release(after);
    sample_end(s);
}

static void check(sinter_dtype dtype, bool symbolic, int rank_a, const int64_t *a, int rank_b, const int64_t *b,
                  int want) {
    sample s = sample_begin(symbolic);
    uint32_t x = sample_input(&s, dtype, rank_a, a), y = sample_input(&s, dtype, rank_b, b);
    sample_output(s.graph, "y", sni_make_binary(s.graph, "matmul", x, y));
    same(&s, dtype, want, sinter_dtype_name(dtype));
}

START_TEST(lengths) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16};
    for (int d = 0; d < 3; ++d)
        for (int64_t k = 1; k < 80; k += d == 0 ? 1 : 7)
            check(dtypes[d], false, 2, (int64_t[]){3, k}, 2, (int64_t[]){k, 5},
                  k >= (dtypes[d] == SINTER_F16 ? 40 : 20));
    check(SINTER_F64, false, 2, (int64_t[]){3, 60}, 2, (int64_t[]){60, 5}, 0);
    check(SINTER_F32, false, 2, (int64_t[]){3, 0}, 2, (int64_t[]){0, 5}, 0);
}
END_TEST

START_TEST(shapes) {
    check(SINTER_F32, false, 2, (int64_t[]){9, 60}, 2, (int64_t[]){60, 4}, 1);    /* three tiles */
    check(SINTER_F32, false, 2, (int64_t[]){9, 60}, 2, (int64_t[]){60, 5}, 0);    /* six are enough */
    check(SINTER_F32, false, 2, (int64_t[]){1, 60}, 2, (int64_t[]){60, 20}, 1);   /* but not of one row */
    check(SINTER_F32, false, 3, (int64_t[]){2, 3, 60}, 2, (int64_t[]){60, 4}, 1); /* a batch of rows */
    check(SINTER_F32, false, 2, (int64_t[]){3, 60}, 3, (int64_t[]){2, 60, 4}, 1); /* of columns */
    check(SINTER_F32, false, 4, (int64_t[]){1, 2, 3, 61}, 3, (int64_t[]){1, 61, 4}, 1);
    check(SINTER_F32, false, 3, (int64_t[]){2, 3, 60}, 3, (int64_t[]){2, 60, 4}, 0); /* of both */
    check(SINTER_F32, false, 2, (int64_t[]){6, 60}, 2, (int64_t[]){60, 6}, 0);       /* matrix units are fast enough */
    check(SINTER_F32, false, 2, (int64_t[]){6, 70}, 2, (int64_t[]){70, 6}, 1);
    check(SINTER_BF16, false, 2, (int64_t[]){6, 60}, 2, (int64_t[]){60, 6}, 1);
}
END_TEST

START_TEST(names) {
    for (int round = 0; round < 20; ++round) {
        check(SINTER_F32, true, 2, (int64_t[]){3, 40}, 2, (int64_t[]){40, 5}, 2);
        check(SINTER_BF16, true, 3, (int64_t[]){2, 3, 23}, 2, (int64_t[]){23, 1}, 2);
    }
}
END_TEST

/* What follows a product's softmax belongs to the kernel of both. */
START_TEST(attention) {
    sample s = sample_begin(false);
    uint32_t q = sample_input(&s, SINTER_F32, 2, (int64_t[]){3, 4}),
             k = sample_input(&s, SINTER_F32, 2, (int64_t[]){4, 40}),
             v = sample_input(&s, SINTER_F32, 2, (int64_t[]){40, 5});
    uint32_t e = sni_make_unary(s.graph, "exp", sni_make_binary(s.graph, "matmul", q, k));
    uint32_t p = sni_make_binary(s.graph, "div", e, sni_make_reduce(s.graph, "reduce_sum", e, 2, true));
    sample_output(s.graph, "y", sni_make_binary(s.graph, "matmul", p, v));
    same(&s, SINTER_F32, 1, "attention"); /* the softmax's own */
}
END_TEST

int main(void) {
    const TTest *const tests[] = {lengths, shapes, names, attention};
    return run_suite(suite_of("split product", tests, sizeof tests / sizeof *tests));
}
