/* Axes of a contraction taken apart where its operands ask for quotients of them.
 *
 * The builder merges what is contiguous in the result: the pixels of a picture are one axis, and so are the channels and the
 * window of a convolution's sum. Its operand then divides at every element to find row and column again, and its guards are no
 * intervals, so that no vector is loaded whole. Here such an axis becomes two, quotient and remainder; what was linear stays so,
 * and the flat indices of the templates are the same. */
#include <string.h>

#include "base/alloc.h"
#include "codegen/contract.h"

enum { MOST_SPLITS = 6, DEEPEST = 32 };

/* What an axis is divided by. */
typedef struct quotient {
    int axis;
    sni_expr divisor;
} quotient;

typedef struct search {
    const sni_loop *loop;
    uint32_t among; /* axes that may be taken apart */
    quotient found; /* axis -1: none yet */
} search;

/* May axis a be taken apart by the divisor? Only where it does so without a rest. */
static bool is_whole(const sni_loop *loop, int a, sni_expr divisor) {
    sni_sym *sym = loop->sym;
    if (sni_sym_uses_any_axis(sym, divisor) || sni_sym_uses_value(sym, divisor)) return false;
    sni_expr rest = sni_sym_mod(sym, loop->extents[a], divisor);
    return divisor != loop->extents[a] && rest != SNI_NO_EXPR && sni_sym_is(sym, rest, 0);
}

static void look(search *s, sni_expr e, int depth);

static void look_at_terms(search *s, sni_expr e, int depth) {
    for (int t = 0; t < sni_sym_term_count(s->loop->sym, e); ++t)
        for (int f = 0; f < sni_sym_term(s->loop->sym, e, t).factor_count; ++f)
            look(s, sni_sym_factor(s->loop->sym, e, t, f), depth);
}

/* The first quotient or remainder of an axis in e. */
static void look(search *s, sni_expr e, int depth) {
    sni_sym *sym = s->loop->sym;
    if (e == SNI_NO_EXPR || s->found.axis >= 0 || depth > DEEPEST || (sni_sym_axes(sym, e) & s->among) == 0) return;
    sni_sym_kind kind = sni_sym_kind_of(sym, e);
    if (kind == SNI_SYM_AXIS) return;
    if (kind == SNI_SYM_SUM) {
        look_at_terms(s, e, depth + 1);
        return;
    }
    sni_expr first = sni_sym_operand(sym, e, 0);
    if ((kind == SNI_SYM_DIV || kind == SNI_SYM_MOD) && sni_sym_kind_of(sym, first) == SNI_SYM_AXIS) {
        int axis = (int)sni_sym_id(sym, first);
        sni_expr divisor = sni_sym_operand(sym, e, 1);
        if (is_whole(s->loop, axis, divisor)) s->found = (quotient){axis, divisor};
        return;
    }
    look(s, first, depth + 1);
    if (kind != SNI_SYM_NOT) look(s, sni_sym_operand(sym, e, 1), depth + 1);
}

static void look_at_stmt(search *s, const sni_stmt *stmt) {
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_INDEX) look(s, stmt->offset, 0);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT) look(s, stmt->guard, 0);
}

/* Axes whose quotients the epilogue asks for, too, stay: its lines would become as short as the remainder. */
static uint32_t kept_axes(const sni_loop *loop, const bool *operands) {
    uint32_t kept = 0;
    for (int a = 0; a < loop->axis_count; ++a) {
        search s = {loop, 1u << a, {-1, SNI_NO_EXPR}};
        for (int i = 0; i < loop->stmt_count; ++i)
            if (!operands[i]) look_at_stmt(&s, &loop->stmts[i]);
        for (int i = 0; i < loop->store_count; ++i) look(&s, loop->stores[i].offset, 0);
        if (s.found.axis >= 0) kept |= 1u << a;
    }
    return kept;
}

static bool *operand_marks(const sni_loop *loop, sni_arena *arena) {
    bool *operands = sni_arena_alloc(arena, (size_t)loop->stmt_count + 1);
    if (operands == NULL) return NULL;
    sni_emit_need(loop, loop->core_a, NULL, operands);
    sni_emit_need(loop, loop->core_b, NULL, operands);
    return operands;
}

static quotient find(const sni_loop *loop, const bool *operands, bool only_inner) {
    uint32_t among = only_inner ? loop->inner : (1u << loop->axis_count) - 1;
    search s = {loop, among & ~kept_axes(loop, operands), {-1, SNI_NO_EXPR}};
    for (int i = 0; i < loop->stmt_count; ++i)
        if (operands[i]) look_at_stmt(&s, &loop->stmts[i]);
    return s.found;
}

/* The mask of axes when axis a has become a and a + 1. */
static uint32_t widened(uint32_t mask, int a) {
    uint32_t below = mask & ((2u << a) - 1), above = mask >> (a + 1) << (a + 2);
    return below | above | (mask >> a & 1) << (a + 1);
}

static void value_mask(void *context, int statement) {
    const sni_stmt *stmts = ((void **)context)[0];
    *(uint32_t *)((void **)context)[1] |= stmts[statement].mask;
}

static uint32_t mask_of_expr(const sni_loop *loop, sni_expr e) {
    if (e == SNI_NO_EXPR) return 0;
    uint32_t mask = sni_sym_axes(loop->sym, e);
    void *context[2] = {loop->stmts, &mask};
    sni_sym_visit_values(loop->sym, e, value_mask, context);
    return mask;
}

/* A statement may depend on one of the two only. Those before it are done. */
static void narrow_mask(sni_loop *loop, sni_stmt *stmt) {
    uint32_t mask = 0;
    if (stmt->kind == SNI_STMT_REDUCE) return;
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_INDEX) mask |= mask_of_expr(loop, stmt->offset);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT) mask |= mask_of_expr(loop, stmt->guard);
    for (int i = 0; i < stmt->arg_count; ++i) mask |= loop->stmts[stmt->args[i]].mask;
    stmt->mask &= mask;
}

static sni_expr replaced(const sni_loop *loop, sni_expr e, const sni_expr *with, int count, bool *ok) {
    if (e == SNI_NO_EXPR) return e;
    sni_expr result = sni_sym_substitute(loop->sym, e, with, count);
    *ok &= result != SNI_NO_EXPR;
    return result;
}

/* Gives the axes of the new program their numbers, and what takes the place of the old ones. */
static void renumber(const sni_loop *from, quotient by, sni_loop *to, sni_expr *with, bool *ok) {
    sni_sym *sym = from->sym;
    to->axis_count = from->axis_count + 1;
    for (int a = from->axis_count; a > by.axis; --a) to->extents[a] = from->extents[a - 1];
    to->extents[by.axis] = sni_sym_div(sym, from->extents[by.axis], by.divisor);
    to->extents[by.axis + 1] = by.divisor;
    for (int a = by.axis; a < to->axis_count; ++a) {
        to->axes[a] = sni_sym_axis(sym, a, to->extents[a]);
        *ok &= to->axes[a] != SNI_NO_EXPR;
    }
    for (int a = 0; a < from->axis_count; ++a) with[a] = to->axes[a <= by.axis ? a : a + 1];
    with[by.axis] = sni_sym_add(sym, sni_sym_mul(sym, to->axes[by.axis], by.divisor), to->axes[by.axis + 1]);
    *ok &= with[by.axis] != SNI_NO_EXPR;
}

/* NULL: memory is out, or the expressions grow too large. */
static const sni_loop *split(const sni_loop *from, quotient by, sni_arena *arena) {
    sni_loop *to = sni_arena_alloc(arena, sizeof *to);
    sni_stmt *stmts = sni_arena_alloc(arena, ((size_t)from->stmt_count + 1) * sizeof *stmts);
    sni_store *stores = sni_arena_alloc(arena, ((size_t)from->store_count + 1) * sizeof *stores);
    sni_expr with[SNI_MAX_AXES] = {SNI_NO_EXPR};
    bool ok = true;
    if (to == NULL || stmts == NULL || stores == NULL) return NULL;
    *to = *from;
    renumber(from, by, to, with, &ok);
    to->stmts = memcpy(stmts, from->stmts, (size_t)from->stmt_count * sizeof *stmts);
    to->stores = memcpy(stores, from->stores, (size_t)from->store_count * sizeof *stores);
    to->inner = widened(from->inner, by.axis);
    to->axes_b = widened(from->axes_b, by.axis);
    to->axes_m = widened(from->axes_m, by.axis);
    to->axes_n = widened(from->axes_n, by.axis);
    for (int i = 0; i < to->stmt_count; ++i) {
        stmts[i].offset = replaced(from, stmts[i].offset, with, from->axis_count, &ok);
        stmts[i].guard = replaced(from, stmts[i].guard, with, from->axis_count, &ok);
        stmts[i].mask = widened(stmts[i].mask, by.axis);
        stmts[i].axes = widened(stmts[i].axes, by.axis);
        if (ok) narrow_mask(to, &stmts[i]);
    }
    for (int i = 0; i < to->store_count; ++i) {
        stores[i].offset = replaced(from, stores[i].offset, with, from->axis_count, &ok);
        stores[i].mask = widened(stores[i].mask, by.axis);
    }
    return ok ? to : NULL;
}

static const sni_loop *split_all(const sni_loop *loop, sni_arena *arena, bool only_inner) {
    const bool *operands = operand_marks(loop, arena);
    for (int i = 0; operands != NULL && i < MOST_SPLITS && loop->axis_count < SNI_MAX_AXES; ++i) {
        quotient by = find(loop, operands, only_inner);
        const sni_loop *next = by.axis >= 0 ? split(loop, by, arena) : NULL;
        if (next == NULL) break;
        loop = next;
    }
    return loop;
}

const sni_loop *sni_contract_split_axes(const sni_loop *loop, sni_arena *arena) {
    return split_all(loop, arena, false);
}

const sni_loop *sni_contract_split_inner_axes(const sni_loop *loop, sni_arena *arena) {
    return split_all(loop, arena, true);
}
