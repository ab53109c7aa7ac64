/* Symbolic integers: simplification keeps values; what is said to be proved holds; the forms that
 * index maps rely on fold as far as they must. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/types.h>

#include "base/alloc.h"
#include "sym/sym.h"

#define DIMS 3
#define AXES 3
#define POINTS 24

static int64_t dim_ids[DIMS];
static int64_t dim_values[POINTS][DIMS];
static int64_t axis_values[POINTS][AXES];
static sni_sym *sym;
static sni_expr dims[DIMS], axes[AXES];

/* A small generator of its own, so that a failure is the same on every machine. */
static uint64_t state = 88172645463325252ull;
static int pick(int below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (uint64_t)below);
}

typedef struct sample {
    sni_expr e;
    int64_t v[POINTS];
    bool ok;
} sample;

static void points_fill(void) {
    for (int p = 0; p < POINTS; ++p) {
        for (int i = 0; i < DIMS; ++i) dim_values[p][i] = 1 + pick(9);
        axis_values[p][0] = pick((int)dim_values[p][0]);
        axis_values[p][1] = pick((int)dim_values[p][1]);
        axis_values[p][2] = pick(12);
    }
}

static void setup(void) {
    sym = sni_sym_create();
    const char *names[DIMS] = {"p", "q", "r"};
    for (int i = 0; i < DIMS; ++i) {
        dim_ids[i] = sinter_dim_named(names[i]);
        dims[i] = sni_sym_dim(sym, dim_ids[i]);
    }
    axes[0] = sni_sym_axis(sym, 0, dims[0]);
    axes[1] = sni_sym_axis(sym, 1, dims[1]);
    axes[2] = sni_sym_axis(sym, 2, sni_sym_const(sym, 12));
    points_fill();
}

static void teardown(void) {
    sni_sym_release(sym);
}

static sample leaf(void) {
    sample s = {.ok = true};
    int which = pick(8), k = pick(3);
    for (int p = 0; p < POINTS; ++p) s.v[p] = which < 3 ? axis_values[p][k] : which < 5 ? dim_values[p][k] : which - 4;
    s.e = which < 3 ? axes[k] : which < 5 ? dims[k] : sni_sym_const(sym, which - 4);
    return s;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t apply(int op, int64_t a, int64_t b, bool *ok) {
    if ((op == 3 || op == 4) && b <= 0) *ok = false;
    if (!*ok) return 0;
    switch (op) {
    case 0:
        return a + b;
    case 1:
        return a - b;
    case 2:
        return a * b;
    case 3:
        return floor_div(a, b);
    case 4:
        return a - b * floor_div(a, b);
    case 5:
        return a < b ? a : b;
    case 6:
        return a > b ? a : b;
    case 7:
        return a < b;
    default:
        return a == b;
    }
}

static sample tree(int depth) {
    if (depth == 0 || pick(5) == 0) return leaf();
    sample a = tree(depth - 1), b = tree(depth - 1), s = {.ok = a.ok && b.ok};
    int op = pick(9);
    sni_expr (*build[])(sni_sym *, sni_expr, sni_expr) = {sni_sym_add, sni_sym_sub, sni_sym_mul,
                                                          sni_sym_div, sni_sym_mod, sni_sym_min,
                                                          sni_sym_max, sni_sym_lt,  sni_sym_eq};
    for (int p = 0; p < POINTS; ++p) s.v[p] = apply(op, a.v[p], b.v[p], &s.ok);
    if (!s.ok) return leaf();
    s.e = build[op](sym, a.e, b.e);
    s.ok = s.e != SNI_NO_EXPR; /* too large: allowed */
    return s.ok ? s : leaf();
}

static int64_t value_at(sni_expr e, int p) {
    sni_bindings b = {DIMS, dim_ids, dim_values[p]};
    int64_t v;
    ck_assert_int_eq(sni_sym_eval_at(sym, e, &b, axis_values[p], NULL, &v), SINTER_OK);
    return v;
}

START_TEST(random_trees_keep_their_value) {
    for (int i = 0; i < 20000; ++i) {
        if (i % 500 == 0) {
            teardown();
            setup();
        }
        sample s = tree(4);
        sni_expr low = sni_sym_lower(sym, s.e), high = sni_sym_upper(sym, s.e);
        bool nonneg = sni_sym_known_nonneg(sym, s.e);
        for (int p = 0; p < POINTS; ++p) {
            ck_assert_int_eq(value_at(s.e, p), s.v[p]);
            ck_assert(!nonneg || s.v[p] >= 0);
            if (low) ck_assert_int_le(value_at(low, p), s.v[p]);
            if (high) ck_assert_int_ge(value_at(high, p), s.v[p]);
        }
    }
}
END_TEST

START_TEST(substitution_keeps_values) {
    for (int i = 0; i < 2000; ++i) {
        if (i % 200 == 0) {
            teardown();
            setup();
        }
        sample s = tree(3);
        sni_expr with[AXES] = {sni_sym_sub(sym, sni_sym_add_i(sym, dims[0], -1), axes[0]), SNI_NO_EXPR, SNI_NO_EXPR};
        sni_expr t = sni_sym_substitute(sym, s.e, with, AXES);
        if (!t) continue;
        for (int p = 0; p < POINTS; ++p) {
            sni_bindings b = {DIMS, dim_ids, dim_values[p]};
            int64_t moved[AXES], want, got;
            memcpy(moved, axis_values[p], sizeof moved);
            moved[0] = dim_values[p][0] - 1 - moved[0];
            if (sni_sym_eval_at(sym, s.e, &b, moved, NULL, &want) != SINTER_OK) continue;
            ck_assert_int_eq(sni_sym_eval_at(sym, t, &b, axis_values[p], NULL, &got), SINTER_OK);
            ck_assert_int_eq(got, want);
        }
    }
}
END_TEST

/* Row-major offset of (a0, a1) in [q, 12], taken apart again. */
START_TEST(reshape_there_and_back_folds) {
    sni_expr q = dims[1], c12 = sni_sym_const(sym, 12);
    sni_expr a = sni_sym_axis(sym, 4, dims[0]);
    sni_expr linear =
        sni_sym_add(sym, sni_sym_mul(sym, sni_sym_add(sym, sni_sym_mul(sym, a, q), axes[1]), c12), axes[2]);
    ck_assert_uint_eq(sni_sym_mod(sym, linear, c12), axes[2]);
    ck_assert_uint_eq(sni_sym_mod(sym, sni_sym_div(sym, linear, c12), q), axes[1]);
    ck_assert_uint_eq(sni_sym_div(sym, linear, sni_sym_mul(sym, q, c12)), a);
    /* A flat axis split in three and joined again. */
    sni_expr flat = sni_sym_axis(sym, 5, sni_sym_mul(sym, dims[0], sni_sym_mul(sym, q, c12)));
    sni_expr i2 = sni_sym_mod(sym, flat, c12);
    sni_expr i1 = sni_sym_mod(sym, sni_sym_div(sym, flat, c12), q);
    sni_expr i0 = sni_sym_div(sym, flat, sni_sym_mul(sym, q, c12));
    sni_expr joined = sni_sym_add(sym, sni_sym_mul(sym, sni_sym_add(sym, sni_sym_mul(sym, i0, q), i1), c12), i2);
    ck_assert_uint_eq(joined, flat);
}
END_TEST

START_TEST(exporter_idioms_fold) {
    sni_expr minus1 = sni_sym_const(sym, -1);
    ck_assert(sni_sym_is(sym, sni_sym_eq(sym, dims[0], minus1), 0));
    sni_expr product = sni_sym_mul(sym, sni_sym_mul(sym, dims[0], dims[1]), sni_sym_const(sym, 96));
    sni_expr known = sni_sym_mul(sym, dims[0], sni_sym_const(sym, 2));
    ck_assert_uint_eq(sni_sym_div(sym, product, known), sni_sym_mul_i(sym, dims[1], 48));
    sni_expr next = sni_sym_add_i(sym, dims[1], 1);
    ck_assert_uint_eq(sni_sym_div(sym, sni_sym_mul(sym, next, dims[2]), next), dims[2]);
    ck_assert(sni_sym_is(sym, sni_sym_sub(sym, next, dims[1]), 1));
}
END_TEST

START_TEST(errors_are_values) {
    ck_assert_uint_eq(sni_sym_add(sym, SNI_NO_EXPR, dims[0]), SNI_NO_EXPR);
    ck_assert_uint_eq(sni_sym_div(sym, dims[0], sni_sym_const(sym, 0)), SNI_NO_EXPR);
    sni_expr huge = sni_sym_const(sym, INT64_MAX);
    ck_assert_uint_eq(sni_sym_add_i(sym, huge, 1), SNI_NO_EXPR);
    int64_t v;
    ck_assert_int_eq(sni_sym_eval(sym, dims[2], NULL, &v), SINTER_UNBOUND_DIMENSION);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'r'"));
    int64_t big[DIMS] = {INT64_MAX / 2, 5, 5};
    sni_bindings b = {DIMS, dim_ids, big};
    ck_assert_int_eq(sni_sym_eval(sym, sni_sym_mul(sym, dims[0], dims[1]), &b, &v), SINTER_SHAPE);
}
END_TEST

START_TEST(out_of_memory_is_survived) {
    for (int64_t nth = 1; nth < 2000; ++nth) {
        sni_alloc_fail_at(nth);
        sni_sym *s = sni_sym_create();
        sni_expr e = SNI_NO_EXPR;
        if (s) {
            e = sni_sym_const(s, 1);
            for (int i = 0; i < 300; ++i)
                e = sni_sym_add(s, sni_sym_mul_i(s, e, 3), sni_sym_axis(s, i % 30, sni_sym_const(s, 100 + i)));
            sni_sym *copy = sni_sym_clone(s);
            sni_sym_release(copy);
        }
        sni_sym_release(s);
        sni_alloc_fail_at(0);
    }
}
END_TEST

/* Quotients of remainders of quotients: without a memory of proofs this takes longer than anyone waits. */
START_TEST(nested_divisions_take_little_time) {
    sni_expr e = sni_sym_add(sym, sni_sym_mul_i(sym, axes[0], 12), axes[2]), rows = dims[0];
    for (int i = 0; e && i < 12; ++i) {
        sni_expr low = sni_sym_mod(sym, e, rows), high = sni_sym_div(sym, e, rows);
        e = sni_sym_add(sym, sni_sym_mul_i(sym, low, 12), high);
        for (int p = 0; e && p < POINTS; ++p) {
            sni_bindings b = {DIMS, dim_ids, dim_values[p]};
            int64_t before = axis_values[p][0] * 12 + axis_values[p][2], after;
            for (int k = 0; k <= i; ++k) before = before % dim_values[p][0] * 12 + before / dim_values[p][0];
            ck_assert_int_eq(sni_sym_eval_at(sym, e, &b, axis_values[p], NULL, &after), SINTER_OK);
            ck_assert_int_eq(before, after);
        }
    }
    ck_assert_int_gt(sni_sym_depth(sym, e), 6);
    ck_assert_uint_gt(sni_sym_size(sym, e), 1000);
}
END_TEST

/* Sizes made of sizes, a hundred deep: each stays short, has its value, and is the same when it is made again. */
START_TEST(defined_sizes_stay_short) {
    sni_expr n = sni_sym_dim(sym, sinter_dim_named("n")), m = sni_sym_dim(sym, sinter_dim_named("m")), e = n;
    int64_t names[128] = {sinter_dim_named("n"), sinter_dim_named("m")}, known[128] = {3, 2}, want = 3, got;
    ck_assert_uint_eq(sni_sym_define(sym, n), n);
    for (int i = 0; i < 100; ++i) {
        sni_expr longer = sni_sym_max(sym, sni_sym_add(sym, e, m), sni_sym_sub(sym, sni_sym_mul(sym, e, n), m));
        e = sni_sym_define(sym, sni_sym_mod(sym, longer, sni_sym_add_i(sym, m, 1000)));
        ck_assert_uint_ne(e, SNI_NO_EXPR);
        ck_assert_uint_le(sni_sym_size(sym, e), 8);
        int64_t a = want + 2, b = want * 3 - 2;
        want = (a > b ? a : b) % 1002;
    }
    size_t count = sni_sym_defined_count(sym);
    ck_assert_uint_gt(count, 40);
    ck_assert_uint_lt(count, 110);
    for (size_t i = 0; i < count; ++i) {
        sni_bindings b = {i + 2, names, known};
        ck_assert_int_eq(sni_sym_eval(sym, sni_sym_defined(sym, i, &names[i + 2]), &b, &known[i + 2]), SINTER_OK);
        ck_assert_int_ne(names[i + 2], sinter_dim_named(sinter_dim_name(names[i + 2]))); /* no program can name it */
    }
    sni_bindings all = {count + 2, names, known};
    ck_assert_int_eq(sni_sym_eval(sym, e, &all, &got), SINTER_OK);
    ck_assert_int_eq(got, want);
    sni_expr meaning = sni_sym_defined(sym, count - 1, &names[0]);
    ck_assert_uint_eq(sni_sym_define(sym, meaning), e);
    ck_assert_uint_eq(sni_sym_defined_count(sym), count);
}
END_TEST

/* What is built again elsewhere has the same value at every point, and the same numbers when it is built twice. */
START_TEST(imported_expressions_keep_their_value) {
    sni_sym *other = sni_sym_create();
    sni_expr n = sni_sym_dim(sym, SINTER_DIM("n")), m = sni_sym_dim(sym, SINTER_DIM("m"));
    sni_expr i = sni_sym_axis(sym, 0, sni_sym_mul(sym, n, m));
    sni_expr sum = sni_sym_add(sym, sni_sym_mul_i(sym, sni_sym_div(sym, i, m), 7),
                               sni_sym_mul(sym, sni_sym_mod(sym, i, m), sni_sym_min(sym, n, m)));
    sni_expr both = sni_sym_and(sym, sni_sym_lt(sym, i, m), sni_sym_not(sym, sni_sym_eq(sym, i, n)));
    sni_expr e = sni_sym_add(sym, sum, sni_sym_max(sym, both, sni_sym_value(sym, 3, SNI_NO_EXPR, SNI_NO_EXPR)));
    sni_expr f = sni_sym_import(other, sym, e);
    ck_assert_uint_ne(f, SNI_NO_EXPR);
    ck_assert_uint_eq(sni_sym_import(other, sym, e), f);
    int64_t names[2] = {SINTER_DIM("n"), SINTER_DIM("m")}, values[2] = {5, 3}, statements[4] = {0, 0, 0, -1};
    sni_bindings b = {2, names, values};
    for (int64_t at = 0; at < 15; ++at) {
        int64_t want, got;
        statements[3] = at % 4;
        ck_assert_int_eq(sni_sym_eval_at(sym, e, &b, &at, statements, &want), SINTER_OK);
        ck_assert_int_eq(sni_sym_eval_at(other, f, &b, &at, statements, &got), SINTER_OK);
        ck_assert_int_eq(got, want);
    }
    sni_sym_release(other);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sym");
    TCase *tc = tcase_create("sym");
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, random_trees_keep_their_value);
    tcase_add_test(tc, substitution_keeps_values);
    tcase_add_test(tc, reshape_there_and_back_folds);
    tcase_add_test(tc, exporter_idioms_fold);
    tcase_add_test(tc, nested_divisions_take_little_time);
    tcase_add_test(tc, defined_sizes_stay_short);
    tcase_add_test(tc, imported_expressions_keep_their_value);
    tcase_add_test(tc, errors_are_values);
    tcase_add_test(tc, out_of_memory_is_survived);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
