/* How much a program computes. */
#include "loop/loop.h"

/* Points of the axes in mask. */
static sinter_status points_of(const sni_loop *loop, uint32_t mask, const sni_bindings *bindings, double *out) {
    *out = 1;
    for (int a = 0; a < loop->axis_count; ++a) {
        int64_t extent;
        if (!(mask >> a & 1u)) continue;
        SNI_TRY(sni_sym_eval(loop->sym, loop->extents[a], bindings, &extent));
        *out *= (double)extent;
    }
    return SINTER_OK;
}

/* Simple operations for one point: an operator's row says how many; a conversion and a step of a reduction are one. */
static double cost_of(const sni_stmt *s) {
    if (s->kind == SNI_STMT_OP) return s->op->cost;
    return s->kind == SNI_STMT_CAST || s->kind == SNI_STMT_REDUCE ? 1 : 0;
}

sinter_status sni_loop_operations(const sni_loop *loop, const sni_bindings *bindings, double *out_operations) {
    *out_operations = 0;
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        double cost = cost_of(s), points;
        uint32_t mask = s->mask;
        if (cost == 0) continue;
        /* A reduction takes a step for every point of what it combines. */
        for (int a = 0; s->kind == SNI_STMT_REDUCE && a < s->arg_count; ++a) mask |= loop->stmts[s->args[a]].mask;
        SNI_TRY(points_of(loop, mask, bindings, &points));
        *out_operations += cost * points;
    }
    return SINTER_OK;
}
