/* Few long reductions in two steps: the numbers stay, and only where it pays. */
#include "rewrite/sample.h"

#include "rewrite/make.h"

static const sni_split_options options = {.rows = {12, 40, 7}, .columns = {50, 10, 3}};

static sinter_graph *split(const sinter_graph *graph) {
    sinter_graph *out = NULL;
    if (sni_pass_split_reduce(graph, &options, &out) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    return out;
}

/* Reduces x [dims] over a mask of axes; want: the reductions afterwards, 0: any. */
static void check(const char *op, sinter_dtype dtype, bool symbolic, int rank, const int64_t *dims, uint32_t axes,
                  bool keepdims, size_t want) {
    sample s = sample_begin(symbolic);
    uint32_t x = sample_input(&s, dtype, rank, dims);
    sample_output(s.graph, "y", sni_make_reduce(s.graph, op, x, axes, keepdims));
    sample_ok(s.graph, op);
    sinter_graph *after = split(s.graph);
    if (want) ck_assert_uint_eq(sample_nodes(after, op), want);
    sample_same(&s, s.graph, after, sample_tolerance(dtype), op);
    sinter_graph_release(after);
    sample_end(&s);
}

static const char *const ops[] = {"reduce_sum", "reduce_prod", "reduce_max", "reduce_min"};

START_TEST(rows) {
    for (size_t o = 0; o < SAMPLE_COUNT(ops); ++o) {
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 60}, 2, false, 2); /* a multiple of the parts */
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 61}, 2, true, 2);  /* none */
        check(ops[o], SINTER_F64, false, 3, (int64_t[]){2, 7, 9}, 6, true, 2);
        check(ops[o], SINTER_F32, false, 3, (int64_t[]){2, 7, 9}, 7, false, 2); /* everything */
        check(ops[o], SINTER_F16, false, 1, (int64_t[]){53}, 1, true, 2);
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 39}, 2, false, 1); /* too short */
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){7, 60}, 2, false, 1); /* rows enough */
    }
    check("reduce_sum", SINTER_I64, false, 2, (int64_t[]){3, 61}, 2, false, 2);
    static const sinter_dtype wholes[] = {SINTER_I64, SINTER_I32, SINTER_U8, SINTER_I8};
    for (size_t d = 0; d < SAMPLE_COUNT(wholes); ++d) { /* padded with the dtype's lowest and highest */
        check("reduce_max", wholes[d], false, 2, (int64_t[]){3, 61}, 2, false, 2);
        check("reduce_min", wholes[d], false, 2, (int64_t[]){3, 61}, 2, false, 2);
    }
    check("reduce_all", SINTER_BOOL, false, 2, (int64_t[]){3, 61}, 2, false, 2);
}
END_TEST

START_TEST(columns) {
    for (size_t o = 0; o < SAMPLE_COUNT(ops); ++o) {
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){24, 5}, 1, false, 2);
        check(ops[o], SINTER_BF16, false, 2, (int64_t[]){23, 5}, 1, true, 2);
        check(ops[o], SINTER_F32, false, 4, (int64_t[]){5, 7, 2, 3}, 3, true, 2);
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){9, 5}, 1, false, 1);     /* too short */
        check(ops[o], SINTER_F32, false, 2, (int64_t[]){24, 26}, 1, false, 1);   /* columns enough */
        check(ops[o], SINTER_F32, false, 3, (int64_t[]){3, 50, 3}, 2, false, 1); /* in between */
    }
}
END_TEST

/* Some of the sizes are names, at random; for what is kept a name says too little, for a length it counts as 512. */
START_TEST(names) {
    for (int round = 0; round < 20; ++round)
        for (size_t o = 0; o < SAMPLE_COUNT(ops); ++o) {
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){5, 11}, 3, false, 0);
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){1, 0}, 3, true, 0);
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){5, 61}, 2, false, 0);
            check(ops[o], SINTER_F32, true, 3, (int64_t[]){17, 3, 2}, 1, true, 0);
        }
    sample s = sample_begin(false);
    sni_type type = {.dtype = SINTER_F32, .rank = 1, .dims = {sni_sym_dim(s.graph->sym, SINTER_DIM("n"))}};
    uint32_t x = sni_graph_add_input(s.graph, "x", &type);
    sample_output(s.graph, "y", sni_make_reduce(s.graph, "reduce_sum", x, 1, false));
    sinter_graph *after = split(s.graph);
    ck_assert_uint_eq(sample_nodes(after, "reduce_sum"), 2);
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {rows, columns, names};
    return run_suite(suite_of("split reduce", tests, sizeof tests / sizeof *tests));
}
