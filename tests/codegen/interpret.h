/* The oracle for generated code: a loop program run point by point, reals in double and integers in int64. */
#ifndef SINTER_TESTS_INTERPRET_H
#define SINTER_TESTS_INTERPRET_H

#include "loop_program.h"

typedef struct cell {
    double f;
    int64_t i;
} cell;

typedef struct interpreter {
    const builder *b;
    int64_t axes[SNI_MAX_AXES];
    cell cells[MAX_STMTS];
    int64_t integers[MAX_STMTS]; /* for VALUE atoms */
} interpreter;

static inline int64_t at_point(interpreter *in, sni_expr e) {
    sni_bindings bindings = bindings_of(in->b);
    int64_t value = 0;
    ck_assert_msg(sni_sym_eval_at(in->b->loop.sym, e, &bindings, in->axes, in->integers, &value) == SINTER_OK, "%s",
                  sinter_last_error());
    return value;
}

static inline cell run_op(interpreter *in, const sni_stmt *s) {
    sni_ref_tensor args[3], result = {.dtype = s->dtype, .count = 1};
    const sni_ref_tensor *pointers[3];
    sni_ref_tensor *out = &result;
    cell values[3], answer = {0, 0};
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    for (int a = 0; a < s->arg_count; ++a) {
        values[a] = in->cells[s->args[a]];
        sinter_dtype dtype = in->b->stmts[s->args[a]].dtype;
        args[a] = (sni_ref_tensor){.dtype = dtype, .count = 1};
        if (sni_dtype_is_real(dtype))
            args[a].f = &values[a].f;
        else
            args[a].i = &values[a].i;
        pointers[a] = &args[a];
    }
    if (sni_dtype_is_real(s->dtype))
        result.f = &answer.f;
    else
        result.i = &answer.i;
    for (int a = 0; a < SNI_MAX_ATTRS; ++a) attrs[a] = (sni_attr){.kind = SNI_ATTR_FLOAT, .f = s->params[a]};
    sni_ref_call call = {
        .op = s->op, .in_count = s->arg_count, .in = pointers, .out_count = 1, .out = &out, .attrs = attrs};
    ck_assert_msg(s->op->reference(&call) == SINTER_OK, "%s", sinter_last_error());
    return answer;
}

static inline cell run_cast(const interpreter *in, const sni_stmt *s) {
    const sni_stmt *from = &in->b->stmts[s->args[0]];
    cell x = in->cells[s->args[0]], y = {0, 0};
    bool real = sni_dtype_is_real(from->dtype);
    if (s->dtype == SINTER_BOOL) {
        y.i = real ? x.f != 0 : x.i != 0;
    } else if (sni_dtype_is_real(s->dtype)) {
        y.f = sni_dtype_round(s->dtype, real ? x.f : (double)x.i);
    } else if (real) {
        double low = s->dtype == SINTER_I8                                                       ? -128
                     : s->dtype == SINTER_U8 || s->dtype == SINTER_U16 || s->dtype == SINTER_U32 ? 0
                     : s->dtype == SINTER_I16                                                    ? -32768
                     : s->dtype == SINTER_I32                                                    ? -2147483648.0
                                              : -9223372036854775808.0;
        double high = s->dtype == SINTER_I8    ? 127
                      : s->dtype == SINTER_U8  ? 255
                      : s->dtype == SINTER_I16 ? 32767
                      : s->dtype == SINTER_U16 ? 65535
                      : s->dtype == SINTER_U32 ? 4294967295
                      : s->dtype == SINTER_I32 ? 2147483647.0
                                               : 9223372036854775808.0;
        y.i = x.f != x.f               ? 0
              : x.f <= low             ? (int64_t)low
              : x.f < high             ? (int64_t)x.f
              : s->dtype == SINTER_I64 ? INT64_MAX
                                       : (int64_t)high;
    } else {
        y.i = sni_dtype_wrap(s->dtype, x.i);
    }
    return y;
}

static inline cell identity_of(const sni_stmt *s) {
    sni_combiner_start start = sni_combiner_start_of(s->combiner, s->dtype);
    return (cell){start.f, start.i};
}

static inline cell combine(sni_combiner c, cell a, cell b) {
    return (cell){sni_combine_real(c, a.f, b.f), sni_combine_whole(c, a.i, b.i)};
}

/* Steps the axes in mask to their next point; false after the last. */
static inline bool next_point(interpreter *in, uint32_t mask) {
    for (int a = in->b->loop.axis_count - 1; a >= 0; --a) {
        if ((mask >> a & 1) == 0) continue;
        if (++in->axes[a] < evaluate(in->b, in->b->loop.extents[a])) return true;
        in->axes[a] = 0;
    }
    return false;
}

static inline bool is_empty(const builder *b, uint32_t mask) {
    for (int a = 0; a < b->loop.axis_count; ++a)
        if ((mask >> a & 1) != 0 && evaluate(b, b->loop.extents[a]) == 0) return true;
    return false;
}

static inline void run_stmt(interpreter *in, int n) {
    const sni_stmt *s = &in->b->stmts[n];
    cell c = {0, 0};
    switch (s->kind) {
    case SNI_STMT_CONST:
        c = (cell){s->f, s->i};
        break;
    case SNI_STMT_INDEX:
        c.i = at_point(in, s->offset);
        break;
    case SNI_STMT_LOAD:
        if (s->guard == SNI_NO_EXPR || at_point(in, s->guard) != 0) {
            int64_t offset = at_point(in, s->offset);
            ck_assert_msg(offset >= 0 && offset < evaluate(in->b, in->b->buffers[s->buffer].count),
                          "the test reads outside");
            sni_dtype_load(in->b->buffers[s->buffer].dtype, in->b->data[s->buffer], offset, &c.f, &c.i);
        }
        break;
    case SNI_STMT_OP:
        c = run_op(in, s);
        break;
    case SNI_STMT_CAST:
        c = run_cast(in, s);
        break;
    case SNI_STMT_SELECT:
        c = in->cells[s->args[at_point(in, s->guard) != 0 ? 0 : 1]];
        break;
    case SNI_STMT_REDUCE:
        return; /* run_row keeps its total */
    case SNI_STMT_SCAN:
        ck_abort_msg("scans are tested as plans: plan/test_scan.c");
    }
    in->cells[n] = c;
    in->integers[n] = c.i;
}

/* All statements of one row. A pass over the inner axes runs every statement; a reduction is complete after as many
 * passes as reductions stand before it, so statement_count passes would do; only the needed ones are run. */
static inline void run_row(interpreter *in) {
    const sni_loop *loop = &in->b->loop;
    int reductions = 0;
    for (int n = 0; n < loop->stmt_count; ++n) reductions += loop->stmts[n].kind == SNI_STMT_REDUCE;
    for (int pass = 0; pass <= reductions; ++pass) {
        cell totals[MAX_STMTS];
        bool last = pass == reductions;
        for (int n = 0; n < loop->stmt_count; ++n)
            if (loop->stmts[n].kind == SNI_STMT_REDUCE) totals[n] = identity_of(&loop->stmts[n]);
        for (int a = 0; a < loop->axis_count; ++a)
            if (loop->inner >> a & 1) in->axes[a] = 0;
        bool empty = is_empty(in->b, loop->inner);
        do {
            for (int n = 0; n < loop->stmt_count; ++n)
                if (!empty || (loop->stmts[n].mask & loop->inner) == 0) run_stmt(in, n);
            for (int n = 0; n < loop->stmt_count && !empty; ++n)
                if (loop->stmts[n].kind == SNI_STMT_REDUCE)
                    totals[n] = combine(loop->stmts[n].combiner, totals[n], in->cells[loop->stmts[n].args[0]]);
            for (int i = 0; i < loop->store_count && last; ++i) {
                const sni_store *st = &loop->stores[i];
                if (empty && (st->mask & loop->inner) != 0) continue;
                sni_dtype_store(in->b->buffers[st->buffer].dtype, in->b->data[st->buffer], at_point(in, st->offset),
                                in->cells[st->stmt].f, in->cells[st->stmt].i);
            }
        } while (!empty && next_point(in, loop->inner));
        for (int n = 0; n < loop->stmt_count && !last; ++n) {
            if (loop->stmts[n].kind != SNI_STMT_REDUCE) continue;
            in->cells[n] = (cell){totals[n].f, sni_dtype_wrap(loop->stmts[n].dtype, totals[n].i)};
            in->integers[n] = in->cells[n].i;
        }
    }
}

/* Fills the outputs' data. */
static inline void interpret(const builder *b) {
    static interpreter in;
    memset(&in, 0, sizeof in);
    in.b = b;
    uint32_t parallel = ((1u << b->loop.axis_count) - 1) & ~b->loop.inner;
    if (is_empty(b, parallel)) return;
    do run_row(&in);
    while (next_point(&in, parallel));
}

#endif
