/* The rows of combiner.inc: what they start with is neutral, they may be regrouped, and tuples give what two passes give
 * however the elements are parted. */
#include "check_main.h"

#include <math.h>
#include <string.h>

#include "op/op.h"

static uint64_t random_state = 88172645463325252u;

static double random_unit(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / (double)(1ull << 53) * 2 - 1;
}

static bool same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

/* ---- combiners ---- */

static const sinter_dtype wholes[] = {SINTER_I8, SINTER_U8, SINTER_I16, SINTER_I32, SINTER_I64, SINTER_BOOL};

START_TEST(starts_are_neutral) {
    static const double reals[] = {0, 1.5, -2, INFINITY, -INFINITY, NAN};
    for (size_t n = 0; n < sni_op_count(); ++n) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_REDUCE) continue;
        sni_combiner_start start = sni_combiner_start_of(op->combiner, SINTER_F32);
        for (int i = 0; i < 6 && op->classes & SNI_CLASS_REAL; ++i) {
            ck_assert_msg(same(sni_combine_real(op->combiner, start.f, reals[i]), reals[i]), "%s", op->name);
            ck_assert_msg(same(sni_combine_real(op->combiner, reals[i], start.f), reals[i]), "%s", op->name);
        }
        for (int d = 0; d < 6; ++d) {
            if (!(op->classes & sni_dtype_class_of(wholes[d]))) continue;
            start = sni_combiner_start_of(op->combiner, wholes[d]);
            ck_assert_int_eq(start.i, sni_dtype_wrap(wholes[d], start.i));
            for (int64_t v = -3; v < 200; v += 7) {
                int64_t x = sni_dtype_wrap(wholes[d], v);
                ck_assert_msg(sni_dtype_wrap(wholes[d], sni_combine_whole(op->combiner, start.i, x)) == x, "%s",
                              op->name);
            }
        }
    }
}
END_TEST

/* Both orders and both groupings; integers wrap. */
START_TEST(combiners_regroup) {
    static const int64_t numbers[] = {0, 1, -1, 5, INT64_MAX, INT64_MIN, 1ll << 40};
    for (size_t n = 0; n < sni_op_count(); ++n) {
        const sni_op *op = sni_op_at(n);
        sni_combiner c = op->combiner;
        if (op->kind != SNI_OP_REDUCE) continue;
        for (int k = 0; k < 343; ++k) {
            int64_t x = numbers[k % 7], y = numbers[k / 7 % 7], z = numbers[k / 49];
            if (op->classes == SNI_CLASS_BOOL) x = x != 0, y = y != 0, z = z != 0;
            ck_assert_int_eq(sni_combine_whole(c, x, y), sni_combine_whole(c, y, x));
            ck_assert_int_eq(sni_combine_whole(c, sni_combine_whole(c, x, y), z),
                             sni_combine_whole(c, x, sni_combine_whole(c, y, z)));
        }
    }
}
END_TEST

START_TEST(none_is_nothing) {
    ck_assert_str_eq(sni_combiner_row_of(SNI_COMBINE_NONE)->name, "none");
    ck_assert_str_eq(sni_combiner_row_of((sni_combiner)1000)->name, "none");
    ck_assert_ptr_null(sni_tuple_row_of((sni_tuple)1000)->enter);
}
END_TEST

/* ---- tuples ---- */

typedef struct state {
    double leader, follower, count;
} state;

typedef struct tuple_case {
    sni_tuple tuple;
    sni_combiner leader, follower;
} tuple_case;

static state start_of(const tuple_case *t) {
    return (state){sni_combiner_start_of(t->leader, SINTER_F64).f, sni_combiner_start_of(t->follower, SINTER_F64).f, 0};
}

static double inverse(double count) {
    return count > 0 ? 1 / count : 0;
}

static double carried(const tuple_case *t, state from, double leader, double count) {
    sni_tuple_values v = {.z = start_of(t).follower,
                          .a = from.follower,
                          .m = leader,
                          .p = from.leader,
                          .j = from.count,
                          .n = count,
                          .s = inverse(from.count),
                          .r = inverse(count)};
    return sni_tuple_reference_of(t->tuple)->carry(&v);
}

static state merge(const tuple_case *t, state a, state b) {
    state to = {sni_combine_real(t->leader, a.leader, b.leader), 0, a.count + b.count};
    if (to.count == 0) return a;
    to.follower = sni_combine_real(t->follower, carried(t, a, to.leader, to.count), carried(t, b, to.leader, to.count));
    return to;
}

static state add(const tuple_case *t, state a, double x, double y) {
    state to = {sni_combine_real(t->leader, a.leader, x), a.follower, a.count + 1};
    sni_tuple_values v = {.x = x,
                          .y = y,
                          .z = start_of(t).follower,
                          .m = to.leader,
                          .p = a.leader,
                          .j = a.count,
                          .n = to.count,
                          .s = inverse(a.count),
                          .r = inverse(to.count)};
    if (sni_tuple_row_of(t->tuple)->carries) to.follower = carried(t, a, to.leader, to.count);
    to.follower = sni_combine_real(t->follower, to.follower, sni_tuple_reference_of(t->tuple)->enter(&v));
    return to;
}

static double leave(const tuple_case *t, state a, double u) {
    sni_tuple_values v = {.a = a.follower, .m = a.leader, .n = a.count, .u = u};
    return sni_tuple_reference_of(t->tuple)->leave(&v);
}

/* Elements from..to, in one piece or parted at random. */
static state run(const tuple_case *t, const double *x, const double *y, int from, int to) {
    if (to - from > 1 && random_unit() > -0.7) {
        int at = from + (int)((random_unit() + 1) / 2 * (to - from));
        return merge(t, run(t, x, y, from, at), run(t, x, y, at, to));
    }
    state a = start_of(t);
    for (int i = from; i < to; ++i) a = add(t, a, x[i], y[i]);
    return a;
}

/* What the program would compute in two passes, with u taken from the leader. */
static double two_passes(const tuple_case *t, const double *x, const double *y, int n, double leader, double u) {
    double total = start_of(t).follower;
    for (int i = 0; i < n; ++i) {
        double each = 0;
        if (t->tuple == SNI_TUPLE_RESCALED) each = exp(x[i] - u) * y[i];
        if (t->tuple == SNI_TUPLE_SELECTED) each = x[i] == leader || isnan(x[i]) ? y[i] : start_of(t).follower;
        if (t->tuple == SNI_TUPLE_CENTRED) each = (x[i] - u) * (x[i] - u);
        total = sni_combine_real(t->follower, total, each);
    }
    return total;
}

enum { MOST = 40 };

static void check_case(const tuple_case *t, int n, int special) {
    static const double specials[] = {0, INFINITY, -INFINITY, NAN, 3};
    double x[MOST], y[MOST];
    for (int i = 0; i < n; ++i) {
        x[i] = floor(random_unit() * 6) / 2 + (special == 5 ? 1000 : 0);
        y[i] = t->tuple == SNI_TUPLE_SELECTED ? i : random_unit();
        if (special > 0 && special < 4 && random_unit() > 0.5) x[i] = specials[special];
        if (special == 6) x[i] = -INFINITY;
        if (special == 7) x[i] = random_unit() > 0 ? INFINITY : -INFINITY;
    }
    state all = run(t, x, y, 0, n);
    ck_assert_double_eq(all.count, n);
    double u = t->tuple == SNI_TUPLE_CENTRED ? all.leader / n : all.leader;
    double got = leave(t, all, u), want = two_passes(t, x, y, n, all.leader, u);
    ck_assert_msg(same(got, want) || fabs(got - want) <= 1e-9 * (1 + fabs(want)),
                  "%s: %g, not %g (%d elements, case %d)", sni_tuple_row_of(t->tuple)->name, got, want, n, special);
}

START_TEST(tuples_equal_two_passes) {
    for (int tuple = SNI_TUPLE_NONE + 1; tuple < SNI_TUPLE_COUNT; ++tuple)
        for (int leader = 1; leader < SNI_COMBINE_COUNT; ++leader)
            for (int follower = 1; follower < SNI_COMBINE_COUNT; ++follower) {
                const sni_tuple_row *row = sni_tuple_row_of((sni_tuple)tuple);
                if (!(row->leaders >> leader & 1u) || !(row->followers >> follower & 1u)) continue;
                tuple_case t = {(sni_tuple)tuple, (sni_combiner)leader, (sni_combiner)follower};
                for (int n = 1; n <= MOST; n += 3)
                    for (int special = 0; special < 8; ++special)
                        for (int round = 0; round < 8; ++round) check_case(&t, n, special);
            }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {starts_are_neutral, combiners_regroup, none_is_nothing, tuples_equal_two_passes};
    return run_suite(suite_of("combiner", tests, sizeof tests / sizeof *tests));
}
