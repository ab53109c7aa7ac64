/* Which reductions are tuples: one function for each row of tuples. */
#include "codegen/online.h"

#include <string.h>

typedef struct finder {
    const sni_loop *loop;
    const int *depth;
    const sni_follower *earlier; /* of the statements before s */
    int s;                       /* the REDUCE that may be a follower */
    uint32_t axes;
} finder;

static const sni_stmt *stmt_of(const finder *f, int s) {
    return &f->loop->stmts[s];
}

/* A user's function has no expression. */
static bool is_op(const finder *f, int s, const char *expression) {
    const sni_stmt *stmt = stmt_of(f, s);
    return stmt->kind == SNI_STMT_OP && stmt->op->expression && strcmp(stmt->op->expression, expression) == 0;
}

static bool inside(const finder *f, int s) {
    return (stmt_of(f, s)->mask & f->axes) != 0;
}

static bool is_real(const finder *f, int s) {
    return sni_dtype_is_real(stmt_of(f, s)->dtype);
}

/* The value before it was rounded or widened: rounding on the way into a sum is not a result that anyone sees. */
static int without_casts(const finder *f, int s) {
    while (stmt_of(f, s)->kind == SNI_STMT_CAST && is_real(f, s) && is_real(f, stmt_of(f, s)->args[0]))
        s = stmt_of(f, s)->args[0];
    return s;
}

/* Can s and what leads to it be computed in the leader's pass? */
static bool is_ready(const finder *f, int leader, int s) {
    return f->depth[s] < f->depth[leader];
}

/* Is r a reduction of x with one of the combiners, in the same arithmetic as the follower when types matter? */
static bool leads(const finder *f, int r, int x, sni_tuple tuple) {
    const sni_stmt *leader = stmt_of(f, r);
    return leader->kind == SNI_STMT_REDUCE && leader->axes == f->axes && leader->args[0] == x &&
           (sni_tuple_row_of(tuple)->leaders >> leader->combiner & 1u) != 0 && f->depth[f->s] == f->depth[r] + 1 &&
           f->earlier[r].tuple == SNI_TUPLE_NONE;
}

/* ---- RESCALED --------------------------------------------------------------------------------- */

/* Does the statement choose between a leader of x and other values: where(is_inf(most), 0, most), max(most, -1e30)? Gives
 * the leader, or -1. */
static int chosen_leader(const finder *f, int s, int x) {
    s = without_casts(f, s);
    if (leads(f, s, x, SNI_TUPLE_RESCALED)) return s;
    bool choice = is_op(f, s, "a != 0 ? b : c") || is_op(f, s, "max(a, b)") || is_op(f, s, "min(a, b)") ||
                  is_op(f, s, "min(max(a, b), c)");
    for (int a = 0; choice && a < stmt_of(f, s)->arg_count; ++a) {
        int found = is_real(f, stmt_of(f, s)->args[a]) ? chosen_leader(f, stmt_of(f, s)->args[a], x) : -1;
        if (found >= 0) return found;
    }
    return -1;
}

/* exp(x - u): sets leader and taken. */
static bool take_exponential(const finder *f, int s, sni_follower *out) {
    if (!is_op(f, s, "exp(a)") || out->leader >= 0) return false;
    int difference = without_casts(f, stmt_of(f, s)->args[0]);
    if (!is_op(f, difference, "a - b")) return false;
    int x = stmt_of(f, difference)->args[0], u = stmt_of(f, difference)->args[1];
    if (!inside(f, x) || inside(f, u)) return false;
    for (int r = 0; r < f->s; ++r) {
        const sni_stmt *leader = stmt_of(f, r);
        if (leader->kind != SNI_STMT_REDUCE || without_casts(f, leader->args[0]) != without_casts(f, x)) continue;
        if (chosen_leader(f, u, leader->args[0]) != r) continue;
        out->leader = r;
        out->taken = u;
        return true;
    }
    return false;
}

/* Takes a product apart: one exponential, factors, and a division by a sum of the same exponentials. */
static bool take_product(const finder *f, int s, sni_follower *out) {
    s = without_casts(f, s);
    if (is_op(f, s, "a * b"))
        return take_product(f, stmt_of(f, s)->args[0], out) && take_product(f, stmt_of(f, s)->args[1], out);
    if (is_op(f, s, "div(a, b)")) {
        out->divisor = out->divisor < 0 ? without_casts(f, stmt_of(f, s)->args[1]) : -1;
        return out->divisor >= 0 && take_product(f, stmt_of(f, s)->args[0], out);
    }
    if (take_exponential(f, s, out)) return true;
    if (out->factor_count == SNI_MAX_FACTORS || !is_real(f, s)) return false;
    out->factors[out->factor_count++] = s;
    return true;
}

static bool find_rescaled(const finder *f, sni_follower *out) {
    if (!is_real(f, f->s) || !take_product(f, stmt_of(f, f->s)->args[0], out) || out->leader < 0) return false;
    for (int i = 0; i < out->factor_count; ++i)
        if (!is_ready(f, out->leader, out->factors[i])) return false;
    if (out->divisor < 0) return true;
    const sni_follower *by = out->divisor < f->s ? &f->earlier[out->divisor] : NULL;
    return by != NULL && stmt_of(f, out->divisor)->kind == SNI_STMT_REDUCE && by->tuple == SNI_TUPLE_RESCALED &&
           by->leader == out->leader;
}

/* ---- SELECTED --------------------------------------------------------------------------------- */

/* x == leader: gives x and the leader. */
static bool take_equality(const finder *f, int s, int *x, int *leader) {
    if (!is_op(f, s, "a == b")) return false;
    const int *args = stmt_of(f, s)->args;
    for (int swap = 0; swap < 2; ++swap) {
        *x = args[swap];
        *leader = args[1 - swap];
        if (leads(f, *leader, *x, SNI_TUPLE_SELECTED)) return true;
    }
    return false;
}

/* The condition that an element is the extreme: x == leader, for reals or NaN. */
static bool take_condition(const finder *f, int s, int *leader) {
    int x;
    if (take_equality(f, s, &x, leader)) return !is_real(f, x);
    if (!is_op(f, s, "(a != 0) || (b != 0)")) return false;
    const int *args = stmt_of(f, s)->args;
    return take_equality(f, args[0], &x, leader) && is_op(f, args[1], "nan_flag(a) != 0") &&
           stmt_of(f, args[1])->args[0] == x;
}

/* Is the statement what the follower starts with? */
static bool is_start(const finder *f, int s) {
    const sni_stmt *constant = stmt_of(f, s), *reduce = stmt_of(f, f->s);
    sni_combiner_start start = sni_combiner_start_of(reduce->combiner, reduce->dtype);
    return constant->kind == SNI_STMT_CONST && (is_real(f, s) ? constant->f == start.f : constant->i == start.i);
}

static bool find_selected(const finder *f, sni_follower *out) {
    int choice = stmt_of(f, f->s)->args[0];
    if (!is_op(f, choice, "a != 0 ? b : c") || !is_start(f, stmt_of(f, choice)->args[2])) return false;
    if (!take_condition(f, stmt_of(f, choice)->args[0], &out->leader)) return false;
    out->factors[0] = stmt_of(f, choice)->args[1];
    out->factor_count = 1;
    return is_ready(f, out->leader, out->factors[0]);
}

/* ---- CENTRED ---------------------------------------------------------------------------------- */

static bool find_centred(const finder *f, sni_follower *out) {
    int square = without_casts(f, stmt_of(f, f->s)->args[0]);
    if (!is_real(f, f->s) || !is_op(f, square, "a * b")) return false;
    int a = stmt_of(f, square)->args[0];
    if (a != stmt_of(f, square)->args[1] || !is_op(f, without_casts(f, a), "a - b")) return false;
    const int *args = stmt_of(f, without_casts(f, a))->args;
    if (inside(f, args[1])) return false;
    for (int r = 0; r < f->s; ++r) {
        if (!leads(f, r, args[0], SNI_TUPLE_CENTRED) || f->depth[args[1]] > f->depth[r]) continue;
        out->leader = r;
        out->taken = args[1];
        return true;
    }
    return false;
}

/* ---- All -------------------------------------------------------------------------------------- */

static bool (*const finders[SNI_TUPLE_COUNT])(const finder *f, sni_follower *out) = {
    [SNI_TUPLE_RESCALED] = find_rescaled,
    [SNI_TUPLE_SELECTED] = find_selected,
    [SNI_TUPLE_CENTRED] = find_centred,
};

/* Real followers and their leader compute in one type: double beside float would lose what it is there for. */
static bool same_arithmetic(const finder *f, const sni_follower *found) {
    bool wide = stmt_of(f, f->s)->dtype == SINTER_F64;
    return !is_real(f, f->s) || (stmt_of(f, found->leader)->dtype == SINTER_F64) == wide;
}

sni_follower sni_online_find(const sni_loop *loop, const int *depth, const sni_follower *earlier, int s) {
    const sni_stmt *reduce = &loop->stmts[s];
    finder f = {loop, depth, earlier, s, reduce->axes};
    for (int tuple = SNI_TUPLE_NONE + 1; reduce->kind == SNI_STMT_REDUCE && tuple < SNI_TUPLE_COUNT; ++tuple) {
        sni_follower found = {.tuple = (sni_tuple)tuple, .leader = -1, .taken = -1, .divisor = -1};
        bool may = (sni_tuple_row_of((sni_tuple)tuple)->followers >> reduce->combiner & 1u) != 0;
        if (may && finders[tuple] != NULL && finders[tuple](&f, &found) && same_arithmetic(&f, &found)) return found;
    }
    return (sni_follower){.tuple = SNI_TUPLE_NONE, .leader = -1, .taken = -1, .divisor = -1};
}
