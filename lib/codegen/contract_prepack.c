/* B of a product as panels, when it is a constant: packed once, when the plan is made, instead of by every work-group of every
 * run. The layout is that of the packed block (contract_pack.c) with all of k in one block: [panel][k][columns of a panel],
 * the last panel filled up with zeros. */
#include "codegen/contract.h"

enum { SIZE_K, SIZE_N, STRIDE_K, STRIDE_N, FIRST, COLUMNS, NUMBER_COUNT };

static sinter_status pack(const sni_preparation *preparation, const void *data, size_t size_bytes, void *out) {
    const int64_t *at = preparation->numbers;
    const float *from = data;
    float *to = out;
    int64_t most = at[FIRST] + (at[SIZE_K] - 1) * at[STRIDE_K] + (at[SIZE_N] - 1) * at[STRIDE_N];
    if (most < 0 || (uint64_t)most >= size_bytes / sizeof *from)
        return sni_fail(SINTER_INTERNAL, "a product reads beyond its constant");
    for (int64_t column = 0; column < at[SIZE_N]; column += at[COLUMNS])
        for (int64_t k = 0; k < at[SIZE_K]; ++k)
            for (int64_t j = column; j < column + at[COLUMNS]; ++j)
                *to++ = j < at[SIZE_N] ? from[at[FIRST] + k * at[STRIDE_K] + j * at[STRIDE_N]] : 0;
    return SINTER_OK;
}

/* The step of an offset for each flat index of a group of axes; 0 for no axes. */
static bool stride_along(const sni_contract *c, const sni_flat *group, sni_expr offset, int64_t *out) {
    sni_expr coefficient, rest;
    *out = 0;
    if (group->last < 0) return true;
    return sni_sym_linear_in(c->loop->sym, offset, group->last, &coefficient, &rest) &&
           sni_sym_is_const(c->loop->sym, coefficient, out) && *out >= 0;
}

/* The offset where all axes are 0. */
static bool first_of(const sni_contract *c, sni_expr offset, int64_t *out) {
    sni_expr zeros[SNI_MAX_AXES];
    for (int a = 0; a < SNI_MAX_AXES; ++a) zeros[a] = sni_sym_const(c->loop->sym, 0);
    sni_expr first = sni_sym_substitute(c->loop->sym, offset, zeros, SNI_MAX_AXES);
    return first != SNI_NO_EXPR && sni_sym_is_const(c->loop->sym, first, out) && *out >= 0;
}

/* Nothing but the product reads the buffer: the other readers would find it packed. */
static bool read_once(const sni_contract *c, int buffer) {
    int loads = 0;
    for (int i = 0; i < c->loop->stmt_count; ++i)
        loads += c->loop->stmts[i].kind == SNI_STMT_LOAD && c->loop->stmts[i].buffer == buffer;
    return loads == 1;
}

sni_preparation *sni_contract_prepack_b(const sni_contract *c, int columns, sni_arena *arena) {
    const sni_operand *op = &c->b_op;
    const sni_stmt *load = &c->loop->stmts[op->stmt];
    int64_t *numbers = sni_arena_alloc(arena, NUMBER_COUNT * sizeof *numbers);
    sni_preparation *preparation = sni_arena_alloc(arena, sizeof *preparation);
    int64_t count, bytes;
    if (!numbers || !preparation || load->kind != SNI_STMT_LOAD || load->guard || c->type != SNI_C_FLOAT) return NULL;
    const sni_loop_buffer *buffer = &c->loop->buffers[load->buffer];
    if (!buffer->is_constant || buffer->dtype != SINTER_F32 || !read_once(c, load->buffer) || load->mask & c->b.axes ||
        sni_sym_uses_value(c->loop->sym, load->offset) || !op->along_outer.flat || !op->along_k.flat)
        return NULL;
    if (!sni_sym_is_const(c->loop->sym, c->size_k, &numbers[SIZE_K]) || numbers[SIZE_K] < 1 ||
        !sni_sym_is_const(c->loop->sym, c->size_n, &numbers[SIZE_N]) || numbers[SIZE_N] < 1 ||
        !stride_along(c, &c->k, load->offset, &numbers[STRIDE_K]) ||
        !stride_along(c, &op->outer, load->offset, &numbers[STRIDE_N]) || !first_of(c, load->offset, &numbers[FIRST]))
        return NULL;
    numbers[COLUMNS] = columns;
    count = (numbers[SIZE_N] + columns - 1) / columns * columns;
    if (!sni_mul_i64(count, numbers[SIZE_K], &count) || !sni_mul_i64(count, sizeof(float), &bytes) ||
        count > INT32_MAX / 2 || (c->caps->max_alloc_bytes && (uint64_t)bytes > c->caps->max_alloc_bytes))
        return NULL;
    *preparation = (sni_preparation){"panels of a product", numbers, NUMBER_COUNT, (size_t)bytes, pack};
    return preparation;
}

void sni_contract_read_prepacked(sni_emitter *e, const sni_contract *c, const sni_preparation *preparation) {
    int buffer = c->loop->stmts[c->b_op.stmt].buffer;
    const char *name = sni_emit_buffer(e, buffer);
    for (int a = 0; a < e->spec->arg_count; ++a)
        if (e->spec->args[a].kind == SNI_KARG_BUFFER && e->spec->args[a].buffer == buffer)
            e->spec->args[a].preparation = preparation;
    sni_emit_line(
        e, "__global const SN_GEMM_REAL *b_block = %s + ((ulong)(col0 / SN_GEMM_NR) * size_k + kb) * SN_GEMM_NR;",
        name);
    sni_emit_line(e, "const ulong b_panel = (ulong)size_k * SN_GEMM_NR;");
}
