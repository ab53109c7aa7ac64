/* Renumbering axes, and merging neighbouring ones: fewer axes, longer inner loops, less index arithmetic. */
#include <string.h>

#include "loop/build.h"

typedef bool (*expr_fn)(void *context, sni_expr *e);

/* Calls fn for every index expression of the program until one call returns false. */
static bool each_expr(sni_loop *loop, expr_fn fn, void *context) {
    for (int i = 0; i < loop->stmt_count; ++i) {
        sni_stmt *s = &loop->stmts[i];
        if ((s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_INDEX) && !fn(context, &s->offset)) return false;
        if ((s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_SELECT) && s->guard && !fn(context, &s->guard))
            return false;
    }
    for (int i = 0; i < loop->store_count; ++i)
        if (!fn(context, &loop->stores[i].offset)) return false;
    return true;
}

typedef struct pair {
    sni_sym *sym;
    int outer, inner;
    sni_expr inner_extent;
} pair;

/* Does the expression depend on the two axes only through outer * extent(inner) + inner? */
static bool mergeable(void *context, sni_expr *e) {
    const pair *p = context;
    if (!sni_sym_uses_axis(p->sym, *e, p->outer) && !sni_sym_uses_axis(p->sym, *e, p->inner)) return true;
    sni_expr outer, inner, rest;
    if (!sni_sym_linear_in(p->sym, *e, p->outer, &outer, &rest) ||
        !sni_sym_linear_in(p->sym, *e, p->inner, &inner, &rest))
        return false;
    return outer == sni_sym_mul(p->sym, inner, p->inner_extent);
}

typedef struct replacement {
    sni_sym *sym;
    sni_expr with[SNI_MAX_AXES];
    int count;
} replacement;

static bool replace(void *context, sni_expr *e) {
    replacement *r = context;
    *e = sni_sym_substitute(r->sym, *e, r->with, r->count);
    return *e != SNI_NO_EXPR;
}

static uint32_t merge_bits(uint32_t mask, int outer) {
    uint32_t low = mask & ((1u << outer) - 1), merged = (mask >> outer | mask >> (outer + 1)) & 1u;
    return low | merged << outer | (mask >> (outer + 2)) << (outer + 1);
}

/* Merges axis a + 1 into axis a and renumbers. */
static bool merge(sni_loop *loop, int a) {
    replacement r = {.sym = loop->sym, .count = loop->axis_count};
    sni_expr extent = sni_sym_mul(loop->sym, loop->extents[a], loop->extents[a + 1]);
    sni_expr axes[SNI_MAX_AXES], extents[SNI_MAX_AXES];
    int count = loop->axis_count - 1;
    for (int i = 0; i < count; ++i) {
        extents[i] = i == a ? extent : loop->extents[i < a ? i : i + 1];
        axes[i] = sni_sym_axis(loop->sym, i, extents[i]);
        if (!axes[i]) return false;
    }
    for (int i = 0; i < loop->axis_count; ++i) r.with[i] = axes[i <= a ? i : i - 1];
    r.with[a] = sni_sym_const(loop->sym, 0); /* outer * e + inner: the new axis stands for both */
    if (!each_expr(loop, replace, &r)) return false;
    memcpy(loop->axes, axes, sizeof *axes * (size_t)count);
    memcpy(loop->extents, extents, sizeof *extents * (size_t)count);
    loop->axis_count = count;
    loop->inner = merge_bits(loop->inner, a);
    loop->axes_b = merge_bits(loop->axes_b, a);
    loop->axes_m = merge_bits(loop->axes_m, a);
    loop->axes_n = merge_bits(loop->axes_n, a);
    for (int i = 0; i < loop->stmt_count; ++i) {
        loop->stmts[i].mask = merge_bits(loop->stmts[i].mask, a);
        loop->stmts[i].axes = merge_bits(loop->stmts[i].axes, a);
    }
    for (int i = 0; i < loop->store_count; ++i) loop->stores[i].mask = merge_bits(loop->stores[i].mask, a);
    return true;
}

static uint32_t class_of(const sni_loop *loop, int axis) {
    uint32_t bit = 1u << axis;
    return (loop->inner & bit ? 1u : 0) | (loop->axes_b & bit ? 2u : 0) | (loop->axes_m & bit ? 4u : 0) |
           (loop->axes_n & bit ? 8u : 0);
}

static uint32_t permute_bits(uint32_t mask, const int *order, int count) {
    uint32_t result = 0;
    for (int i = 0; i < count; ++i) result |= (mask >> order[i] & 1u) << i;
    return result;
}

bool sni_loop_permute(sni_loop *loop, const int *order) {
    replacement r = {.sym = loop->sym, .count = loop->axis_count};
    sni_expr axes[SNI_MAX_AXES], extents[SNI_MAX_AXES];
    int count = loop->axis_count;
    bool moved = false;
    for (int i = 0; i < count; ++i) {
        moved |= order[i] != i;
        extents[i] = loop->extents[order[i]];
        axes[i] = r.with[order[i]] = sni_sym_axis(loop->sym, i, extents[i]);
        if (!axes[i]) return false;
    }
    if (!moved) return true;
    if (!each_expr(loop, replace, &r)) return false;
    memcpy(loop->axes, axes, sizeof *axes * (size_t)count);
    memcpy(loop->extents, extents, sizeof *extents * (size_t)count);
    loop->inner = permute_bits(loop->inner, order, count);
    for (int i = 0; i < loop->stmt_count; ++i) {
        loop->stmts[i].mask = permute_bits(loop->stmts[i].mask, order, count);
        loop->stmts[i].axes = permute_bits(loop->stmts[i].axes, order, count);
    }
    for (int i = 0; i < loop->store_count; ++i) loop->stores[i].mask = permute_bits(loop->stores[i].mask, order, count);
    return true;
}

/* Every reduction runs over both axes or over neither. */
static bool reduced_together(const sni_loop *loop, int a) {
    for (int i = 0; i < loop->stmt_count; ++i) {
        uint32_t both = loop->stmts[i].axes >> a & 3u;
        if (both == 1u || both == 2u) return false;
    }
    return true;
}

bool sni_loop_collapse(sni_loop *loop, sni_arena *arena) {
    (void)arena;
    for (int a = loop->axis_count - 2; a >= 0; --a) {
        pair p = {loop->sym, a, a + 1, loop->extents[a + 1]};
        if (class_of(loop, a) != class_of(loop, a + 1)) continue;
        if (!reduced_together(loop, a) || !each_expr(loop, mergeable, &p)) continue;
        if (!merge(loop, a)) return false;
    }
    return true;
}
