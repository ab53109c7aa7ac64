/* The strategy clblast: a product of two plain matrices by CLBlast, a library call in place of a kernel.
 *
 * It is never what the rules choose: a record or a tuner asks for it. Operands must be matrices that lie in memory as
 * they are, with elements of the sums' type, and nothing may be fused behind the product. */
#include "kernel/clblast.h"
#include "codegen/contract.h"
#include "codegen/strategies.h"

/* A matrix in memory: offset = at + row * ld + column, or with row and column changed over. */
typedef struct matrix {
    int buffer;
    sni_expr at, ld;
    bool transposed;
} matrix;

typedef struct product {
    int m, n, k; /* axes */
    matrix a, b, c;
} product;

/* The only axis in a mask, or -1. */
static int only_axis(uint32_t mask) {
    return mask != 0 && (mask & (mask - 1)) == 0 ? 31 - __builtin_clz(mask) : -1;
}

static bool find_matrix(const sni_loop *loop, int buffer, sni_expr offset, int row, int column, matrix *out) {
    sni_expr by_row, by_column, rest, at;
    if (sni_sym_uses_value(loop->sym, offset) || !sni_sym_linear_in(loop->sym, offset, row, &by_row, &rest) ||
        !sni_sym_linear_in(loop->sym, rest, column, &by_column, &at) || sni_sym_uses_any_axis(loop->sym, by_row) ||
        sni_sym_uses_any_axis(loop->sym, by_column) || sni_sym_uses_any_axis(loop->sym, at))
        return false;
    bool transposed = !sni_sym_is(loop->sym, by_column, 1);
    *out = (matrix){buffer, at, transposed ? by_column : by_row, transposed};
    /* Rows that overlap, as those of a window do, are no matrix. */
    sni_expr length = loop->extents[transposed ? row : column];
    return sni_sym_is(loop->sym, transposed ? by_row : by_column, 1) &&
           !sni_sym_known_less(loop->sym, out->ld, length) &&
           (out->ld == length || sni_sym_known_less(loop->sym, length, out->ld));
}

/* An operand that is an element of memory, as it is. */
static const sni_stmt *load_of(const sni_loop *loop, int stmt) {
    const sni_stmt *s = &loop->stmts[stmt];
    bool plain = s->kind == SNI_STMT_LOAD && s->guard == SNI_NO_EXPR && s->dtype == loop->stmts[loop->core].dtype;
    return plain && !loop->buffers[s->buffer].may_alias ? s : NULL;
}

static bool find_product(const sni_loop *loop, product *out) {
    *out = (product){only_axis(loop->axes_m), only_axis(loop->axes_n), only_axis(loop->inner), {0}, {0}, {0}};
    if (loop->axes_b != 0 || out->m < 0 || out->n < 0 || out->k < 0 || loop->store_count != 1) return false;
    const sni_stmt *a = load_of(loop, loop->core_a), *b = load_of(loop, loop->core_b);
    const sni_store *c = &loop->stores[0];
    if (a == NULL || b == NULL || c->stmt != loop->core || loop->buffers[c->buffer].may_alias ||
        loop->buffers[c->buffer].dtype != loop->stmts[loop->core].dtype)
        return false;
    return find_matrix(loop, a->buffer, a->offset, out->m, out->k, &out->a) &&
           find_matrix(loop, b->buffer, b->offset, out->k, out->n, &out->b) &&
           find_matrix(loop, c->buffer, c->offset, out->m, out->n, &out->c);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    product p;
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (sni_clblast_gemm(loop->stmts[loop->core].dtype) == NULL)
        return sni_contract_refuse(why, "CLBlast is not installed, or has no product of this dtype");
    if (find_product(loop, &p)) return true;
    return sni_contract_refuse(why, "not a product of two matrices that lie in memory as they are");
}

static void add_buffer(sni_kspec *spec, int buffer) {
    spec->args[spec->arg_count++] = (sni_karg){.kind = SNI_KARG_BUFFER, .buffer = buffer};
}

static void add_number(sni_kspec *spec, sni_expr expr) {
    spec->args[spec->arg_count++] = (sni_karg){.kind = SNI_KARG_INDEX, .expr = expr};
}

static void add_operand(sni_kspec *spec, const sni_loop *loop, const matrix *m) {
    add_number(spec, m->at);
    add_number(spec, m->ld);
    add_number(spec, sni_sym_const(loop->sym, m->transposed));
}

/* C = A B; where C lies transposed, C^T = B^T A^T. */
static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    product p;
    (void)caps;
    (void)schedule;
    (void)arena;
    if (!find_product(loop, &p)) return sni_fail(SINTER_INTERNAL, "clblast: not a product");
    matrix first = p.a, second = p.b;
    if (p.c.transposed) {
        first = p.b;
        second = p.a;
        first.transposed = !first.transposed;
        second.transposed = !second.transposed;
    }
    *out_spec = (sni_kspec){.source = "", .entry = "clblast", .strategy = "clblast"};
    out_spec->library = sni_clblast_gemm(loop->stmts[loop->core].dtype);
    out_spec->notes = out_spec->library->name;
    add_buffer(out_spec, first.buffer);
    add_buffer(out_spec, second.buffer);
    add_buffer(out_spec, p.c.buffer);
    add_number(out_spec, loop->extents[p.c.transposed ? p.n : p.m]);
    add_number(out_spec, loop->extents[p.c.transposed ? p.m : p.n]);
    add_number(out_spec, loop->extents[p.k]);
    add_operand(out_spec, loop, &first);
    add_operand(out_spec, loop, &second);
    add_number(out_spec, p.c.at);
    add_number(out_spec, p.c.ld);
    return SINTER_OK;
}

const sni_strategy sni_strategy_clblast = {
    .name = "clblast",
    .accepts = accepts,
    .generate = generate,
    .asked_only = true,
};
