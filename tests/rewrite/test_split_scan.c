/* Few long scans as scans of parts: the numbers stay, and only where it pays. */
#include "rewrite/sample.h"

#include "op/attrs.h"
#include "rewrite/make.h"

static const sni_split_options options = {.rows = {12, 40, 7}, .columns = {50, 10, 3}};

/* Scans x [dims] along an axis; want: the scans afterwards, 0: any. */
static void check(const char *op, sinter_dtype dtype, bool symbolic, int rank, const int64_t *dims, int axis, int flags,
                  size_t want) {
    sample s = sample_begin(symbolic);
    uint32_t x = sample_input(&s, dtype, rank, dims);
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SCAN_AXIS] = sni_attr_int(axis),
                                     [SNI_SCAN_EXCLUSIVE] = sni_attr_int(flags & 1),
                                     [SNI_SCAN_REVERSE] = sni_attr_int(flags >> 1)};
    sample_output(s.graph, "y", sni_graph_add1(s.graph, op, 1, &x, attrs));
    sample_ok(s.graph, op);
    sinter_graph *after = NULL;
    if (sni_pass_split_scan(s.graph, &options, &after) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    if (want) ck_assert_uint_eq(sample_nodes(after, op), want);
    sample_same(&s, s.graph, after, sample_tolerance(dtype), op);
    sinter_graph_release(after);
    sample_end(&s);
}

static const char *const ops[] = {"cumsum", "cumprod", "cummax", "cummin"};

START_TEST(lines) {
    for (size_t o = 0; o < SAMPLE_COUNT(ops); ++o)
        for (int flags = 0; flags < 4; ++flags) {
            check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 60}, 1, flags, 2);  /* a multiple of the parts */
            check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 61}, -1, flags, 2); /* none */
            check(ops[o], SINTER_F16, false, 1, (int64_t[]){53}, 0, flags, 2);
            check(ops[o], SINTER_F32, false, 3, (int64_t[]){24, 1, 5}, 0, flags, 2);
            check(ops[o], SINTER_F64, false, 3, (int64_t[]){2, 23, 5}, 1, flags, 2);
            check(ops[o], SINTER_F32, false, 2, (int64_t[]){3, 39}, 1, flags, 1); /* too short */
            check(ops[o], SINTER_F32, false, 2, (int64_t[]){7, 60}, 1, flags, 1); /* lines enough */
            check(ops[o], SINTER_F32, false, 2, (int64_t[]){24, 26}, 0, flags, 1);
        }
    check("cumsum", SINTER_I64, false, 2, (int64_t[]){3, 61}, 1, 3, 2);
    check("cumprod", SINTER_I8, false, 2, (int64_t[]){3, 61}, 1, 0, 2);
    check("cummax", SINTER_I64, false, 2, (int64_t[]){3, 61}, 1, 0, 2);
    check("cummin", SINTER_U8, false, 2, (int64_t[]){3, 61}, 1, 2, 2);
}
END_TEST

/* Some of the sizes are names, at random. */
START_TEST(names) {
    for (int round = 0; round < 20; ++round)
        for (size_t o = 0; o < SAMPLE_COUNT(ops); ++o) {
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){5, 11}, 1, round % 4, 0);
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){1, 0}, 0, round % 4, 0);
            check(ops[o], SINTER_F32, true, 2, (int64_t[]){5, 61}, 1, round % 4, 0);
            check(ops[o], SINTER_F32, true, 3, (int64_t[]){3, 17, 2}, 1, round % 4, 0);
        }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {lines, names};
    return run_suite(suite_of("split scan", tests, sizeof tests / sizeof *tests));
}
