/* Programs as text, their invariants, and the bytes they move. */
#include "loop/loop.h"

static void print_stmt(const sni_loop *loop, int i, sni_str *out) {
    const sni_stmt *s = &loop->stmts[i];
    sni_str_printf(out, "  s%d:%s = ", i, sinter_dtype_name(s->dtype));
    switch (s->kind) {
    case SNI_STMT_CONST:
        if (sni_dtype_is_real(s->dtype))
            sni_str_double(out, s->f);
        else
            sni_str_printf(out, "%lld", (long long)s->i);
        break;
    case SNI_STMT_LOAD:
        sni_str_printf(out, "b%d[", s->buffer);
        sni_sym_print(loop->sym, s->offset, out);
        sni_str_append(out, "]");
        break;
    case SNI_STMT_INDEX:
        sni_str_append(out, "index ");
        sni_sym_print(loop->sym, s->offset, out);
        break;
    case SNI_STMT_OP:
        sni_str_append(out, s->op->name);
        break;
    case SNI_STMT_CAST:
        sni_str_append(out, "cast");
        break;
    case SNI_STMT_SELECT:
        sni_str_append(out, "select");
        break;
    case SNI_STMT_SCAN:
        sni_str_printf(out, "scan %s%s", sni_combiner_row_of(s->combiner)->name, s->exclusive ? " exclusive" : "");
        break;
    case SNI_STMT_REDUCE:
        sni_str_printf(out, "reduce %s", sni_combiner_row_of(s->combiner)->name);
        for (int a = 0; a < loop->axis_count; ++a)
            if (s->axes >> a & 1u) sni_str_printf(out, " over i%d", a);
        break;
    }
    for (int a = 0; a < s->arg_count; ++a) sni_str_printf(out, " s%d", s->args[a]);
    if ((s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_SELECT) && s->guard) {
        sni_str_append(out, " if ");
        sni_sym_print(loop->sym, s->guard, out);
    }
    sni_str_append(out, "\n");
}

void sni_loop_print(const sni_loop *loop, sni_str *out) {
    sni_str_append(out, "loop");
    for (int a = 0; a < loop->axis_count; ++a) {
        bool inner = loop->inner >> a & 1u;
        sni_str_printf(out, " %s%si%d<", inner ? "inner " : "", inner && loop->reverse ? "reverse " : "", a);
        sni_sym_print(loop->sym, loop->extents[a], out);
    }
    sni_str_append(out, "\n");
    for (int i = 0; i < loop->stmt_count; ++i) print_stmt(loop, i, out);
    for (int i = 0; i < loop->store_count; ++i) {
        sni_str_printf(out, "  b%d[", loop->stores[i].buffer);
        sni_sym_print(loop->sym, loop->stores[i].offset, out);
        sni_str_printf(out, "] = s%d\n", loop->stores[i].stmt);
    }
}

/* What every later stage takes for granted of a statement. A mask that leaves an axis out is the fault that hurts most: the
 * statement would be computed outside of that axis' loop, with whatever value the axis has there. */
static const char *verify_stmt(const sni_loop *loop, int i) {
    const sni_stmt *s = &loop->stmts[i];
    for (int a = 0; a < s->arg_count; ++a) {
        if (s->args[a] < 0 || s->args[a] >= i) return "a statement uses a later one";
        uint32_t mask = loop->stmts[s->args[a]].mask;
        if (s->kind == SNI_STMT_REDUCE) mask &= ~s->axes;
        if (mask & ~s->mask) return "a statement's mask leaves out an operand's axis";
    }
    if (s->kind == SNI_STMT_REDUCE && s->mask & s->axes) return "a reduction depends on an axis that it runs over";
    if (s->kind == SNI_STMT_REDUCE && (!s->axes || s->axes & ~loop->inner)) return "a reduction over a parallel axis";
    if (s->kind == SNI_STMT_SCAN && (!loop->scans || !loop->inner || (s->mask & loop->inner) != loop->inner))
        return "a scan without an inner axis to run along";
    if (s->kind == SNI_STMT_LOAD && (s->buffer < 0 || s->buffer >= loop->buffer_count)) return "a load of no buffer";
    if (s->kind == SNI_STMT_LOAD && loop->buffers[s->buffer].dtype != s->dtype) return "a load of another dtype";
    if ((s->kind == SNI_STMT_LOAD || s->kind == SNI_STMT_INDEX) && sni_sym_axes(loop->sym, s->offset) & ~s->mask)
        return "a mask leaves out an axis of an offset";
    return NULL;
}

/* A reduction beside the others may run over an axis of its own, or stand inside of another one's loop; either way a kernel
 * made of passes over one set of axes cannot hold it. */
bool sni_loop_is_flat(const sni_loop *loop) {
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->kind == SNI_STMT_REDUCE && (s->axes != loop->inner || s->mask & loop->inner)) return false;
    }
    for (int i = 0; i < loop->store_count; ++i) {
        uint32_t inner = loop->stores[i].mask & loop->inner;
        if (inner && inner != loop->inner) return false;
    }
    return true;
}

const char *sni_loop_verify(const sni_loop *loop) {
    bool seen_inner = false;
    for (int a = 0; a < loop->axis_count; ++a) {
        bool inner = loop->inner >> a & 1u;
        if (seen_inner && !inner) return "a parallel axis after an inner one";
        seen_inner |= inner;
    }
    if (loop->scans && (loop->inner & (loop->inner - 1))) return "a scan along several axes";
    for (int i = 0; i < loop->stmt_count; ++i) {
        if (loop->scans && loop->stmts[i].kind == SNI_STMT_REDUCE) return "a reduction beside a scan";
        const char *wrong = verify_stmt(loop, i);
        if (wrong) return wrong;
    }
    for (int i = 0; i < loop->store_count; ++i) {
        const sni_store *s = &loop->stores[i];
        if (s->stmt < 0 || s->stmt >= loop->stmt_count) return "a store of no statement";
        if (!loop->buffers[s->buffer].is_output) return "a store into an input";
        if (loop->stmts[s->stmt].mask & ~s->mask) return "a store leaves out an axis of its statement";
    }
    return NULL;
}

static sni_expr points_of(sni_loop *loop, uint32_t mask) {
    sni_expr n = sni_sym_const(loop->sym, 1);
    for (int a = 0; a < loop->axis_count; ++a)
        if (mask >> a & 1u) n = sni_sym_mul(loop->sym, n, loop->extents[a]);
    return n;
}

/* A buffer is taken to be read once, however often the program does: caches serve the rest. Where its loads have fewer points
 * than it has elements (a slice, a gather), those count. */
sni_expr sni_loop_bytes(sni_loop *loop) {
    sni_sym *sym = loop->sym;
    sni_expr total = sni_sym_const(sym, 0);
    for (int b = 0; b < loop->buffer_count; ++b) {
        sni_expr touched = loop->buffers[b].count;
        sni_expr points = sni_sym_const(sym, 0);
        for (int i = 0; i < loop->stmt_count && !loop->buffers[b].is_output; ++i) {
            const sni_stmt *s = &loop->stmts[i];
            if (s->kind != SNI_STMT_LOAD || s->buffer != b) continue;
            points = sni_sym_add(sym, points, points_of(loop, s->mask));
        }
        for (int i = 0; i < loop->store_count; ++i)
            if (loop->stores[i].buffer == b) points = sni_sym_add(sym, points, points_of(loop, loop->stores[i].mask));
        if (points) touched = sni_sym_min(sym, touched, points);
        total =
            sni_sym_add(sym, total, sni_sym_mul_i(sym, touched, (int64_t)sinter_dtype_size(loop->buffers[b].dtype)));
    }
    return total;
}
