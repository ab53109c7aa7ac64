/* The canonical text of a loop program, and its size class. */
#include "schedule/program_key.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "op/custom.h"

/* How an expression moves along each axis: '.' not, '1' by one, 's' by another stride, 'x' otherwise. */
static void describe_moves(const sni_loop *loop, sni_expr e, sni_str *out) {
    for (int a = 0; a < loop->axis_count; ++a) {
        sni_expr coefficient, rest;
        const char *how = "x";
        if (!sni_sym_uses_axis(loop->sym, e, a))
            how = ".";
        else if (sni_sym_linear_in(loop->sym, e, a, &coefficient, &rest))
            how = sni_sym_is(loop->sym, coefficient, 1) ? "1" : "s";
        sni_str_append(out, how);
    }
    if (sni_sym_uses_value(loop->sym, e)) sni_str_append(out, "v");
}

static void describe_stmt(const sni_loop *loop, int number, sni_str *out) {
    static const char *const kinds[] = {"const", "load", "index", "op", "cast", "select", "reduce", "scan"};
    const sni_stmt *s = &loop->stmts[number];
    sni_str_printf(out, "%s %s %x", kinds[s->kind], sinter_dtype_name(s->dtype), s->mask);
    if (s->kind == SNI_STMT_OP) sni_str_printf(out, " %s", s->op->name);
    if (s->kind == SNI_STMT_OP && s->op->custom) sni_str_printf(out, " %llx", (unsigned long long)s->op->custom->hash);
    if (s->kind == SNI_STMT_REDUCE || s->kind == SNI_STMT_SCAN)
        sni_str_printf(out, " %d over %x%s", (int)s->combiner, s->axes, s->exclusive ? " exclusive" : "");
    if (s->kind == SNI_STMT_LOAD) sni_str_printf(out, " b%d ", s->buffer);
    if (s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_INDEX) describe_moves(loop, s->offset, out);
    if ((s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_SELECT) && s->guard != SNI_NO_EXPR) {
        sni_str_append(out, " if ");
        describe_moves(loop, s->guard, out);
    }
    for (int i = 0; i < s->arg_count; ++i) sni_str_printf(out, " s%d", s->args[i]);
    sni_str_append(out, "\n");
}

void sni_program_describe(const sni_loop *loop, sni_str *out) {
    sni_str_printf(out, "program %d: %d axes, inner %x", SNI_PROGRAM_KEY_FORMAT, loop->axis_count, loop->inner);
    if (loop->core >= 0)
        sni_str_printf(out, ", product s%d of s%d s%d, axes %x %x %x", loop->core, loop->core_a, loop->core_b,
                       loop->axes_b, loop->axes_m, loop->axes_n);
    sni_str_append(out, loop->reverse ? ", reverse\n" : "\n");
    for (int s = 0; s < loop->stmt_count; ++s) describe_stmt(loop, s, out);
    for (int i = 0; i < loop->store_count; ++i) {
        const sni_store *store = &loop->stores[i];
        sni_str_printf(out, "store s%d %s %x ", store->stmt, sinter_dtype_name(loop->buffers[store->buffer].dtype),
                       store->mask);
        describe_moves(loop, store->offset, out);
        sni_str_append(out, "\n");
    }
}

static void size_class(const sni_loop *loop, int axis, char *out, size_t room) {
    int64_t extent;
    if (!sni_sym_is_const(loop->sym, loop->extents[axis], &extent)) {
        snprintf(out, room, "?");
        return;
    }
    int64_t below = 1;
    while (below <= extent / 2 && below < ((int64_t)1 << 30)) below *= 2;
    if (extent < 16)
        snprintf(out, room, "%d", (int)extent);
    else
        snprintf(out, room, "~%lld", (long long)below);
}

sinter_status sni_program_key_of(const sni_loop *loop, sni_program_key *out_key) {
    sni_str text = SNI_STR_INIT;
    *out_key = (sni_program_key){.sizes = "1"};
    sni_program_describe(loop, &text);
    bool failed = text.failed;
    if (!failed) sni_hash128_hex(sni_hash128_of(sni_str_text(&text), text.length), out_key->program);
    sni_str_deinit(&text);
    if (failed) return sni_out_of_memory("a program's key");
    size_t length = 0;
    for (int a = 0; a < loop->axis_count; ++a) {
        if (a > 0) out_key->sizes[length++] = 'x';
        size_class(loop, a, out_key->sizes + length, sizeof out_key->sizes - length);
        length += strlen(out_key->sizes + length);
    }
    return SINTER_OK;
}
