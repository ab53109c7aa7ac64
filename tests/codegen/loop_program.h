/* Hand-built loop programs for tests: axes whose extents are names, statements by short functions, random data. */
#ifndef SINTER_TESTS_LOOP_PROGRAM_H
#define SINTER_TESTS_LOOP_PROGRAM_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"

enum { MAX_BUFFERS = 24, MAX_STMTS = 96, MAX_DIMS = 8 };

typedef struct builder {
    sni_loop loop;
    sni_arena *arena;
    sni_stmt stmts[MAX_STMTS];
    sni_loop_buffer buffers[MAX_BUFFERS];
    sni_store stores[MAX_BUFFERS];
    void *data[MAX_BUFFERS]; /* host copies; outputs: what the interpreter computed */
    int64_t dims[MAX_DIMS], values[MAX_DIMS];
    int dim_count;
    uint64_t random;
    double tolerance; /* relative, of f32 results; 0: a default */
    int in_place;     /* the buffer that lies where output in_place_of lies; both 0: none */
    int in_place_of;
} builder;

static inline void builder_init(builder *b) {
    memset(b, 0, sizeof *b);
    b->loop.sym = sni_sym_create();
    b->arena = sni_arena_create();
    ck_assert(b->loop.sym != NULL && b->arena != NULL);
    b->loop.stmts = b->stmts;
    b->loop.buffers = b->buffers;
    b->loop.stores = b->stores;
    b->loop.core = b->loop.core_a = b->loop.core_b = -1;
    b->random = 88172645463325252u;
}

static inline void builder_deinit(builder *b) {
    for (int i = 0; i < MAX_BUFFERS; ++i) free(b->data[i]);
    sni_sym_release(b->loop.sym);
    sni_arena_release(b->arena);
}

static inline sni_bindings bindings_of(const builder *b) {
    return (sni_bindings){(size_t)b->dim_count, b->dims, b->values};
}

/* A dimension called name with a value: always a name to the program. */
static inline sni_expr dim(builder *b, const char *name, int64_t value) {
    b->dims[b->dim_count] = SINTER_DIM(name);
    b->values[b->dim_count] = value;
    return sni_sym_dim(b->loop.sym, b->dims[b->dim_count++]);
}

static inline sni_expr number(builder *b, int64_t value) {
    return sni_sym_const(b->loop.sym, value);
}

static inline sni_expr axis(builder *b, sni_expr extent, bool inner) {
    int a = b->loop.axis_count++;
    b->loop.extents[a] = extent;
    b->loop.axes[a] = sni_sym_axis(b->loop.sym, a, extent);
    if (inner) b->loop.inner |= 1u << a;
    return b->loop.axes[a];
}

static inline sni_expr plus(builder *b, sni_expr x, sni_expr y) {
    return sni_sym_add(b->loop.sym, x, y);
}
static inline sni_expr times(builder *b, sni_expr x, sni_expr y) {
    return sni_sym_mul(b->loop.sym, x, y);
}

/* i * n + j: the offset of an element of a dense matrix with n columns. */
static inline sni_expr at2(builder *b, sni_expr i, sni_expr n, sni_expr j) {
    return plus(b, times(b, i, n), j);
}

static inline int buffer(builder *b, sinter_dtype dtype, sni_expr count, bool is_output) {
    int n = b->loop.buffer_count++;
    ck_assert_int_lt(n, MAX_BUFFERS);
    b->buffers[n] = (sni_loop_buffer){.value = (uint32_t)n + 1, .dtype = dtype, .is_output = is_output, .count = count};
    return n;
}

static inline void value_mask(void *context, int statement) {
    void **pair = context;
    *(uint32_t *)pair[1] |= ((const builder *)pair[0])->stmts[statement].mask;
}

static inline uint32_t mask_of(builder *b, sni_expr e) {
    if (e == SNI_NO_EXPR) return 0;
    uint32_t mask = sni_sym_axes(b->loop.sym, e);
    void *pair[2] = {b, &mask};
    sni_sym_visit_values(b->loop.sym, e, value_mask, pair);
    return mask;
}

static inline int stmt(builder *b, sni_stmt s) {
    int n = b->loop.stmt_count++;
    ck_assert_int_lt(n, MAX_STMTS);
    s.mask |= mask_of(b, s.offset) | mask_of(b, s.guard);
    for (int a = 0; a < s.arg_count; ++a) s.mask |= b->stmts[s.args[a]].mask;
    if (s.kind == SNI_STMT_REDUCE) s.mask &= ~b->loop.inner;
    b->loop.uses_f64 |= s.dtype == SINTER_F64;
    b->loop.uses_i64 |= s.dtype == SINTER_I64 && s.kind != SNI_STMT_INDEX;
    b->stmts[n] = s;
    return n;
}

static inline int load(builder *b, int from, sni_expr offset, sni_expr guard) {
    return stmt(
        b,
        (sni_stmt){
            .kind = SNI_STMT_LOAD, .dtype = b->buffers[from].dtype, .buffer = from, .offset = offset, .guard = guard});
}

static inline int constant(builder *b, sinter_dtype dtype, double value) {
    return stmt(b, (sni_stmt){.kind = SNI_STMT_CONST, .dtype = dtype, .f = value, .i = (int64_t)value});
}

static inline int index_of(builder *b, sni_expr e) {
    return stmt(b, (sni_stmt){.kind = SNI_STMT_INDEX, .dtype = SINTER_I64, .offset = e});
}

static inline int cast(builder *b, int x, sinter_dtype dtype) {
    return stmt(b, (sni_stmt){.kind = SNI_STMT_CAST, .dtype = dtype, .arg_count = 1, .args = {x}});
}

static inline int select_by(builder *b, sni_expr guard, int yes, int no) {
    return stmt(
        b,
        (sni_stmt){
            .kind = SNI_STMT_SELECT, .dtype = b->stmts[yes].dtype, .arg_count = 2, .args = {yes, no}, .guard = guard});
}

static inline int reduce(builder *b, sni_combiner combiner, int x) {
    return stmt(b, (sni_stmt){.kind = SNI_STMT_REDUCE,
                              .dtype = b->stmts[x].dtype,
                              .arg_count = 1,
                              .args = {x},
                              .combiner = combiner,
                              .axes = b->loop.inner});
}

/* An operator of the table with preset attributes; -1 for arguments not given. */
static inline int op(builder *b, const char *name, int x, int y, int z) {
    const sni_op *row = sni_op_find(name);
    ck_assert_msg(row != NULL, "no operator %s", name);
    sni_stmt s = {.kind = SNI_STMT_OP, .op = row, .args = {x, y, z}};
    s.arg_count = z >= 0 ? 3 : y >= 0 ? 2 : 1;
    int like = strcmp(name, "where") == 0 ? y : x;
    s.dtype = row->result == SNI_RESULT_BOOL ? SINTER_BOOL : b->stmts[like].dtype;
    for (int a = 0; a < SNI_MAX_ATTRS && row->attrs[a].name != NULL; ++a) s.params[a] = row->attrs[a].preset;
    return stmt(b, s);
}

static inline void store(builder *b, int to, sni_expr offset, int s, uint32_t mask) {
    b->stores[b->loop.store_count++] = (sni_store){.buffer = to, .offset = offset, .stmt = s, .mask = mask};
}

/* Stores to a new output of count elements; over all parallel axes, and the inner ones if the statement has them. */
static inline void output(builder *b, sni_expr count, sni_expr offset, int s) {
    uint32_t all = (1u << b->loop.axis_count) - 1;
    bool inside = (b->stmts[s].mask & b->loop.inner) != 0 || (mask_of(b, offset) & b->loop.inner) != 0;
    store(b, buffer(b, b->stmts[s].dtype, count, true), offset, s, inside ? all : all & ~b->loop.inner);
}

static inline int64_t evaluate(const builder *b, sni_expr e) {
    sni_bindings bindings = bindings_of(b);
    int64_t value = 0;
    ck_assert_msg(sni_sym_eval(b->loop.sym, e, &bindings, &value) == SINTER_OK, "%s", sinter_last_error());
    return value;
}

static inline double random_unit(builder *b) {
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return (double)(b->random >> 11) / (double)(1ull << 53) * 2 - 1;
}

/* Random data: reals in -2..2 with a few special ones when asked, integers small or over their whole range. */
static inline void fill(builder *b, bool wild) {
    for (int n = 0; n < b->loop.buffer_count; ++n) {
        int64_t count = evaluate(b, b->buffers[n].count);
        sinter_dtype dtype = b->buffers[n].dtype;
        if (b->data[n] != NULL) continue;
        b->data[n] = calloc((size_t)count + 1, sinter_dtype_size(dtype));
        if (b->buffers[n].is_output) continue;
        static const double specials[] = {INFINITY, -INFINITY, NAN, 0, 1e30, -3e9, 300.7, -0.0, 1e-30};
        for (int64_t i = 0; i < count; ++i) {
            double unit = random_unit(b), value = unit * 2;
            if (wild && i % 5 == 3) value = specials[i / 5 % 9];
            int64_t whole = wild ? (int64_t)(unit * 9e18) >> (i % 58) : (int64_t)(unit * 6);
            if (dtype == SINTER_BOOL) whole = unit > 0;
            sni_dtype_store(dtype, b->data[n], i, value, whole);
        }
    }
}

#endif
