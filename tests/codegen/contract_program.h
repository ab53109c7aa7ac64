/* Hand-built contraction programs for tests: sizes, layouts, prologues and epilogues in; a loop
 * program with random data, and a check of what a kernel computed, out. */
#ifndef SINTER_TESTS_CONTRACT_PROGRAM_H
#define SINTER_TESTS_CONTRACT_PROGRAM_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"

enum { MAX_TENSORS = 8, MAX_STMTS = 24, GATHER_ROWS = 13 };

/* A window over a picture: x[batch][channels][height][width], w[outputs][channels][kernel][kernel].
 */
typedef struct window {
    int64_t batch, channels, height, width, outputs, kernel, stride, padding, dilation;
} window;

/* Axes are letters: b c batch, m o of A, r n p of B, k l q contracted. A layout lists the letters
 * of a dense array. */
typedef struct shape {
    const char *label;
    int axis_count;
    char letters[SNI_MAX_AXES];
    int64_t extents[SNI_MAX_AXES];
    char layout_a[16], layout_b[16], layout_out[16];
    sinter_dtype a, b, out, sum;
    bool symbolic; /* every extent is a name */
    bool bias, relu, residual, two_outputs;
    bool widened; /* operands are cast to the sums' type */
    bool gather;  /* the rows m of A are those that a list names */
    bool is_window, window_is_a, batch_in_n;
    window window;
} shape;

typedef struct tensor {
    sinter_dtype dtype;
    int64_t count;
    void *data;
} tensor;

typedef struct contraction {
    const shape *shape;
    sni_loop loop;
    sni_arena *arena;
    sni_stmt stmts[MAX_STMTS];
    sni_loop_buffer buffers[MAX_TENSORS];
    sni_store stores[2];
    tensor tensors[MAX_TENSORS]; /* 0: A, 1: B, 2: the output, then what the epilogue reads and
                                    writes */
    int64_t dims[SNI_MAX_AXES], values[SNI_MAX_AXES];
    sni_bindings bindings;
    char letters[SNI_MAX_AXES];
    int bias, residual, rows; /* statements, -1: none */
    uint64_t random;
} contraction;

static inline void shape_axis(shape *s, char letter, int64_t extent) {
    s->letters[s->axis_count] = letter;
    s->extents[s->axis_count++] = extent;
}

static inline void shape_layouts(shape *s, const char *a, const char *b, const char *out) {
    snprintf(s->layout_a, sizeof s->layout_a, "%s", a);
    snprintf(s->layout_b, sizeof s->layout_b, "%s", b);
    snprintf(s->layout_out, sizeof s->layout_out, "%s", out);
}

/* ---- Building -----------------------------------------------------------------------------------
 */

static inline sni_expr constant(contraction *p, int64_t value) {
    return sni_sym_const(p->loop.sym, value);
}

/* A number, or a name bound to it. */
static inline sni_expr size_expr(contraction *p, const char *name, int64_t value) {
    if (!p->shape->symbolic) return constant(p, value);
    sinter_dim dim = sinter_dim_named(name);
    p->dims[p->bindings.count] = dim;
    p->values[p->bindings.count++] = value;
    return sni_sym_dim(p->loop.sym, dim);
}

static inline void add_axis(contraction *p, char letter, sni_expr extent) {
    sni_loop *loop = &p->loop;
    int a = loop->axis_count++;
    uint32_t bit = 1u << a;
    p->letters[a] = letter;
    loop->extents[a] = extent;
    loop->axes[a] = sni_sym_axis(loop->sym, a, extent);
    if (strchr("bc", letter)) loop->axes_b |= bit;
    if (strchr("mo", letter)) loop->axes_m |= bit;
    if (strchr("rnp", letter)) loop->axes_n |= bit;
    if (strchr("klq", letter)) loop->inner |= bit;
}

static inline int axis_of(const contraction *p, char letter) {
    for (int a = 0; a < p->loop.axis_count; ++a)
        if (p->letters[a] == letter) return a;
    return -1;
}

static inline int add_buffer(contraction *p, sinter_dtype dtype, sni_expr count, bool is_output) {
    int b = p->loop.buffer_count++;
    p->buffers[b] = (sni_loop_buffer){.value = (uint32_t)b + 1, .dtype = dtype, .is_output = is_output, .count = count};
    return b;
}

static inline int add_stmt(contraction *p, sni_stmt stmt) {
    for (int i = 0; i < stmt.arg_count; ++i) stmt.mask |= p->stmts[stmt.args[i]].mask;
    p->stmts[p->loop.stmt_count] = stmt;
    return p->loop.stmt_count++;
}

static inline int add_op(contraction *p, const char *name, int a, int b) {
    int count = b < 0 ? 1 : 2;
    return add_stmt(p, (sni_stmt){.kind = SNI_STMT_OP,
                                  .dtype = p->shape->sum,
                                  .arg_count = count,
                                  .args = {a, b < 0 ? 0 : b},
                                  .op = sni_op_find(name)});
}

typedef struct placed {
    sni_expr offset, count;
    uint32_t mask;
} placed;

/* The offset in a dense array with a layout; axis m at another place when replace is given. */
static inline placed place(contraction *p, const char *layout, sni_expr replace) {
    sni_sym *sym = p->loop.sym;
    placed r = {constant(p, 0), constant(p, 1), 0};
    for (const char *at = layout; *at; ++at) {
        int a = axis_of(p, *at);
        if (a < 0) continue;
        bool replaced = replace != SNI_NO_EXPR && *at == 'm';
        sni_expr extent = replaced ? constant(p, GATHER_ROWS) : p->loop.extents[a];
        r.offset = sni_sym_add(sym, sni_sym_mul(sym, r.offset, extent), replaced ? replace : p->loop.axes[a]);
        r.count = sni_sym_mul(sym, r.count, extent);
        r.mask |= 1u << a;
    }
    return r;
}

static inline int add_load(contraction *p, sinter_dtype dtype, placed at, int buffer, sni_expr guard) {
    (void)dtype;
    return add_stmt(p, (sni_stmt){.kind = SNI_STMT_LOAD,
                                  .dtype = p->buffers[buffer].dtype,
                                  .mask = at.mask,
                                  .buffer = buffer,
                                  .offset = at.offset,
                                  .guard = guard});
}

static inline int add_input(contraction *p, sinter_dtype dtype, placed at, sni_expr guard) {
    return add_load(p, dtype, at, add_buffer(p, dtype, at.count, false), guard);
}

/* An operand in the sums' type: 8-bit ones are converted, others when the shape says so. */
static inline int converted(contraction *p, int stmt) {
    if (p->stmts[stmt].dtype != SINTER_I8 && !p->shape->widened) return stmt;
    return add_stmt(p, (sni_stmt){.kind = SNI_STMT_CAST, .dtype = p->shape->sum, .arg_count = 1, .args = {stmt}});
}

static inline sni_expr pixel(contraction *p, char out, char tap, const window *w) {
    sni_sym *sym = p->loop.sym;
    sni_expr at = sni_sym_mul_i(sym, p->loop.axes[axis_of(p, out)], w->stride);
    at = sni_sym_add(sym, at, sni_sym_mul_i(sym, p->loop.axes[axis_of(p, tap)], w->dilation));
    return sni_sym_add_i(sym, at, -w->padding);
}

static inline sni_expr inside(contraction *p, sni_expr at, sni_expr size) {
    sni_sym *sym = p->loop.sym;
    return sni_sym_and(sym, sni_sym_le(sym, constant(p, 0), at), sni_sym_lt(sym, at, size));
}

static inline sni_expr outputs_of(contraction *p, sni_expr size, const window *w) {
    sni_sym *sym = p->loop.sym;
    sni_expr left = sni_sym_add_i(sym, size, 2 * w->padding - w->dilation * (w->kernel - 1) - 1);
    return sni_sym_add_i(sym, sni_sym_div(sym, left, constant(p, w->stride)), 1);
}

/* A picture's windows as one operand, weights as the other. */
static inline void build_window(contraction *p) {
    sni_sym *sym = p->loop.sym;
    const window *w = &p->shape->window;
    bool is_a = p->shape->window_is_a;
    char rows = is_a ? 'm' : 'n', cols = is_a ? 'o' : 'p', out = is_a ? 'n' : 'm';
    sni_expr height = size_expr(p, "test_h", w->height), width = size_expr(p, "test_w", w->width);
    char batch = p->shape->batch_in_n ? 'r' : 'b';
    if (batch == 'b') add_axis(p, batch, size_expr(p, "test_b", w->batch));
    if (!is_a) add_axis(p, out, constant(p, w->outputs));
    if (batch == 'r') add_axis(p, batch, size_expr(p, "test_b", w->batch));
    add_axis(p, rows, outputs_of(p, height, w));
    add_axis(p, cols, outputs_of(p, width, w));
    if (is_a) add_axis(p, out, constant(p, w->outputs));
    add_axis(p, 'k', constant(p, w->channels));
    add_axis(p, 'l', constant(p, w->kernel));
    add_axis(p, 'q', constant(p, w->kernel));
    sni_expr y = pixel(p, rows, 'l', w), x = pixel(p, cols, 'q', w);
    char batch_channel[] = {batch, 'k', 0}, weights[] = {out, 'k', 'l', 'q', 0};
    placed picture = place(p, batch_channel, SNI_NO_EXPR);
    picture.count = sni_sym_mul(sym, sni_sym_mul(sym, picture.count, height), width);
    picture.offset =
        sni_sym_add(sym, sni_sym_mul(sym, sni_sym_add(sym, sni_sym_mul(sym, picture.offset, height), y), width), x);
    picture.mask |= 1u << axis_of(p, rows) | 1u << axis_of(p, cols) | 1u << axis_of(p, 'l') | 1u << axis_of(p, 'q');
    sni_expr guard = w->padding == 0 ? SNI_NO_EXPR : sni_sym_and(sym, inside(p, y, height), inside(p, x, width));
    placed weight = place(p, weights, SNI_NO_EXPR);
    p->loop.core_a = add_input(p, p->shape->a, is_a ? picture : weight, is_a ? guard : SNI_NO_EXPR);
    p->loop.core_b = add_input(p, p->shape->b, is_a ? weight : picture, is_a ? SNI_NO_EXPR : guard);
}

static inline void build_operands(contraction *p) {
    const shape *s = p->shape;
    sni_expr row = SNI_NO_EXPR;
    for (int i = 0; i < s->axis_count; ++i) {
        char name[] = {'t', 'e', 's', 't', '_', s->letters[i], 0};
        add_axis(p, s->letters[i], size_expr(p, name, s->extents[i]));
    }
    /* Buffers 0 and 1 are A and B; the list of rows comes later in the table, but earlier in the
     * program. */
    int list = -1;
    if (s->gather) {
        placed at = place(p, "m", SNI_NO_EXPR);
        p->loop.buffer_count = 3;
        list = add_buffer(p, SINTER_I32, at.count, false);
        p->loop.buffer_count = 0;
        p->rows = add_load(p, SINTER_I32, at, list, SNI_NO_EXPR);
        row = sni_sym_value(p->loop.sym, p->rows, constant(p, 0), constant(p, GATHER_ROWS - 1));
    }
    placed a = place(p, s->layout_a, row);
    if (s->gather && strchr(s->layout_a, 'm') != NULL) a.mask |= 1u << axis_of(p, 'm');
    p->loop.core_a = converted(p, add_input(p, s->a, a, SNI_NO_EXPR));
    p->loop.core_b = converted(p, add_input(p, s->b, place(p, s->layout_b, SNI_NO_EXPR), SNI_NO_EXPR));
}

static inline void window_layout(const contraction *p, char *layout) {
    const char *order = p->shape->window_is_a ? "bnmo" : p->shape->batch_in_n ? "rmnp" : "bmnp";
    snprintf(layout, 16, "%s", order);
}

static inline void build_epilogue(contraction *p) {
    const shape *s = p->shape;
    char layout[16], columns[4] = {0};
    snprintf(layout, sizeof layout, "%s", s->layout_out);
    if (s->is_window) window_layout(p, layout);
    snprintf(columns, sizeof columns, "%s",
             s->is_window           ? (s->window_is_a ? "n" : "m")
             : axis_of(p, 'p') >= 0 ? "np"
                                    : "n");
    placed out = place(p, layout, SNI_NO_EXPR);
    int product = add_op(p, "mul", p->loop.core_a, p->loop.core_b);
    int value = add_stmt(p, (sni_stmt){.kind = SNI_STMT_REDUCE,
                                       .dtype = s->sum,
                                       .arg_count = 1,
                                       .args = {product},
                                       .combiner = SNI_COMBINE_SUM,
                                       .axes = p->loop.inner});
    p->loop.core = value;
    p->stmts[value].mask &= ~p->loop.inner;
    int buffer = add_buffer(p, s->out, out.count, true);
    if (s->gather) p->loop.buffer_count = 4;
    if (s->bias)
        value =
            add_op(p, "add", value, p->bias = add_input(p, SINTER_F32, place(p, columns, SNI_NO_EXPR), SNI_NO_EXPR));
    if (s->relu) value = add_op(p, "relu", value, -1);
    if (s->residual) value = add_op(p, "add", value, p->residual = add_input(p, s->out, out, SNI_NO_EXPR));
    uint32_t parallel = p->loop.axes_b | p->loop.axes_m | p->loop.axes_n;
    p->stores[p->loop.store_count++] = (sni_store){buffer, out.offset, value, parallel};
    if (s->two_outputs)
        p->stores[p->loop.store_count++] =
            (sni_store){add_buffer(p, s->sum, out.count, true), out.offset, p->loop.core, parallel};
}

static inline double random_value(contraction *p) {
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(p->random >> 11) / (double)(1ll << 52) - 1;
}

static inline void fill(contraction *p, tensor *t) {
    for (int64_t i = 0; i < t->count; ++i) {
        double x = random_value(p);
        sni_dtype_store(t->dtype, t->data, i, x, (int64_t)floor((x + 1) / 2 * GATHER_ROWS));
    }
}

static inline bool make_tensors(contraction *p) {
    for (int b = 0; b < p->loop.buffer_count; ++b) {
        tensor *t = &p->tensors[b];
        t->dtype = p->buffers[b].dtype;
        if (sni_sym_eval(p->loop.sym, p->buffers[b].count, &p->bindings, &t->count) != SINTER_OK) return false;
        t->data = sni_calloc((size_t)t->count + 1, sinter_dtype_size(t->dtype));
        if (t->data == NULL) return false;
        if (!p->buffers[b].is_output) fill(p, t);
    }
    return true;
}

static inline void program_deinit(contraction *p) {
    for (int b = 0; b < MAX_TENSORS; ++b) sni_free(p->tensors[b].data);
    sni_sym_release(p->loop.sym);
    sni_arena_release(p->arena);
}

static inline bool program_init(contraction *p, const shape *s) {
    memset(p, 0, sizeof *p);
    p->shape = s;
    p->random = 1;
    p->bias = p->residual = p->rows = -1;
    p->arena = sni_arena_create();
    p->loop.sym = sni_sym_create();
    p->loop.stmts = p->stmts;
    p->loop.buffers = p->buffers;
    p->loop.stores = p->stores;
    p->bindings.dims = p->dims;
    p->bindings.values = p->values;
    if (p->arena == NULL || p->loop.sym == NULL) return false;
    if (s->is_window)
        build_window(p);
    else
        build_operands(p);
    build_epilogue(p);
    return make_tensors(p);
}

/* ---- Checking -----------------------------------------------------------------------------------
 */

/* The value of a load or a cast of one at a point of the axes. */
static inline double value_at(const contraction *p, int s, const int64_t *axes) {
    const sni_stmt *stmt = &p->stmts[s];
    if (stmt->kind == SNI_STMT_CAST) return value_at(p, stmt->args[0], axes);
    int64_t statements[MAX_STMTS] = {0}, offset = 0, guard = 1, i = 0;
    double f = 0;
    if (p->rows >= 0 && s != p->rows) statements[p->rows] = (int64_t)value_at(p, p->rows, axes);
    if (stmt->guard != SNI_NO_EXPR)
        (void)!sni_sym_eval_at(p->loop.sym, stmt->guard, &p->bindings, axes, statements, &guard);
    if (!guard) return 0;
    if (sni_sym_eval_at(p->loop.sym, stmt->offset, &p->bindings, axes, statements, &offset) != SINTER_OK) return NAN;
    const tensor *t = &p->tensors[stmt->buffer];
    sni_dtype_load(t->dtype, t->data, offset, &f, &i);
    return sni_dtype_is_real(t->dtype) ? f : (double)i;
}

typedef struct grid {
    uint32_t axes;
    int64_t count;
} grid;

static inline grid grid_of(const contraction *p, uint32_t axes) {
    grid g = {axes, 1};
    for (int a = 0; a < p->loop.axis_count; ++a) {
        int64_t extent = 0;
        if ((axes >> a & 1) == 0) continue;
        if (sni_sym_eval(p->loop.sym, p->loop.extents[a], &p->bindings, &extent) != SINTER_OK) return (grid){axes, 0};
        g.count *= extent;
    }
    return g;
}

static inline void grid_point(const contraction *p, grid g, int64_t index, int64_t *axes) {
    for (int a = p->loop.axis_count - 1; a >= 0; --a) {
        int64_t extent = 1;
        if ((g.axes >> a & 1) == 0) continue;
        (void)!sni_sym_eval(p->loop.sym, p->loop.extents[a], &p->bindings, &extent);
        axes[a] = index % extent;
        index /= extent;
    }
}

static inline double unit_of(sinter_dtype dtype) {
    return dtype == SINTER_F64 ? 0x1p-53 : dtype == SINTER_F16 ? 0x1p-11 : dtype == SINTER_BF16 ? 0x1p-8 : 0x1p-24;
}

/* The value stored and how far it may be off: a rounding for each product and sum, a few in the
 * epilogue, one in the store. */
static inline bool check_point(const contraction *p, const sni_store *store, const int64_t *axes, int64_t k, double sum,
                               double magnitude, char *message, size_t size) {
    const tensor *t = &p->tensors[store->buffer];
    double u = unit_of(p->shape->sum == SINTER_F64 ? SINTER_F64 : SINTER_F32), value = sum;
    double slack = (double)(k + 4) * u * magnitude;
    if (store->stmt != p->loop.core) {
        double bias = p->bias >= 0 ? value_at(p, p->bias, axes) : 0;
        double residual = p->residual >= 0 ? value_at(p, p->residual, axes) : 0;
        value += bias;
        if (p->shape->relu && value < 0) value = 0;
        value += residual;
        slack += 4 * u * (fabs(bias) + fabs(residual) + magnitude);
    }
    slack += unit_of(t->dtype) * (fabs(value) + slack) + 0x1p-25;
    int64_t offset = 0, i;
    double got = NAN;
    (void)!sni_sym_eval_at(p->loop.sym, store->offset, &p->bindings, axes, NULL, &offset);
    sni_dtype_load(t->dtype, t->data, offset, &got, &i);
    if (fabs(got - value) <= slack) return true;
    snprintf(message, size, "element %lld is %.9g, should be %.9g within %.3g", (long long)offset, got, value, slack);
    return false;
}

/* Fills out with the operand at every point of outer x k. */
static inline double *operand_values(const contraction *p, int s, grid outer, grid k, int64_t *axes) {
    double *values = sni_calloc((size_t)(outer.count * k.count) + 1, sizeof *values);
    for (int64_t i = 0; values != NULL && i < outer.count; ++i) {
        grid_point(p, outer, i, axes);
        for (int64_t j = 0; j < k.count; ++j) {
            grid_point(p, k, j, axes);
            values[i * k.count + j] = value_at(p, s, axes);
        }
    }
    return values;
}

static inline bool check_batch(const contraction *p, int64_t *axes, char *message, size_t size) {
    grid m = grid_of(p, p->loop.axes_m), n = grid_of(p, p->loop.axes_n), k = grid_of(p, p->loop.inner);
    double *a = operand_values(p, p->loop.core_a, m, k, axes), *b = operand_values(p, p->loop.core_b, n, k, axes);
    bool ok = a != NULL && b != NULL;
    for (int64_t i = 0; ok && i < m.count; ++i) {
        grid_point(p, m, i, axes);
        for (int64_t j = 0; ok && j < n.count; ++j) {
            double sum = 0, magnitude = 0;
            for (int64_t x = 0; x < k.count; ++x) {
                double product = a[i * k.count + x] * b[j * k.count + x];
                sum += product;
                magnitude += fabs(product);
            }
            grid_point(p, n, j, axes);
            for (int s = 0; ok && s < p->loop.store_count; ++s)
                ok = check_point(p, &p->stores[s], axes, k.count, sum, magnitude, message, size);
        }
    }
    sni_free(a);
    sni_free(b);
    return ok;
}

/* Every element of every output against the sum in double. */
static inline bool program_check(const contraction *p, char *message, size_t size) {
    int64_t axes[SNI_MAX_AXES] = {0};
    grid batch = grid_of(p, p->loop.axes_b);
    message[0] = 0;
    for (int64_t i = 0; i < batch.count; ++i) {
        grid_point(p, batch, i, axes);
        if (!check_batch(p, axes, message, size)) return false;
    }
    return true;
}

#endif
