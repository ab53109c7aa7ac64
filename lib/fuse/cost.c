/* What a kernel takes, by its program: bytes, operations with those that are done again and again, and the launch. */
#include "fuse/cost.h"

enum { DEEPEST = 32 };

static double extent(const sni_loop *loop, const sni_costs *costs, int axis) {
    return sni_sym_estimate(loop->sym, loop->extents[axis], costs->symbolic_size);
}

static double points(const sni_loop *loop, const sni_costs *costs, uint32_t axes) {
    double n = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1u) n *= extent(loop, costs, a);
    return n;
}

/* In a nest, the parallel axes that no product inside of another depends on: the columns of the result. A kernel of such a
 * nest holds a block of them, so that what rows and keys have in common is computed once for the whole block. */
static uint32_t result_columns(const sni_loop *loop) {
    uint32_t inside = 0, all = loop->axis_count ? (uint32_t)((1ull << loop->axis_count) - 1) : 0;
    bool nested = false;
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->kind != SNI_STMT_REDUCE || !(s->mask & loop->inner)) continue;
        nested = true;
        inside |= s->mask;
    }
    return nested ? all & ~loop->inner & ~inside : 0;
}

/* How often a statement is evaluated. Outside of products that is once for every point of the parallel axes, also of those
 * that it does not depend on; a product, and a nest with one, keeps what it needs again for a tile. */
static double evaluations(const sni_loop *loop, const sni_costs *costs, const sni_stmt *s, bool tiled,
                          uint32_t columns) {
    uint32_t all = loop->axis_count ? (uint32_t)((1ull << loop->axis_count) - 1) : 0,
             missing = all & ~loop->inner & ~s->mask;
    double n = points(loop, costs, s->mask | (s->kind == SNI_STMT_REDUCE ? s->axes : 0));
    for (int a = 0; a < loop->axis_count; ++a) {
        if (!(missing >> a & 1u)) continue;
        double times = extent(loop, costs, a), tile = columns >> a & 1u ? costs->block : costs->tile;
        if (tiled) times = times > tile ? times / tile : 1;
        n *= times;
    }
    return n;
}

/* Is something divided in e that depends on an axis of the sum and on one of the result? A window over phases that lie side
 * by side asks so, and no axis can be taken apart for it: each element is looked for by itself. */
static bool is_scattered(const sni_loop *loop, sni_expr e, int depth) {
    const sni_sym *sym = loop->sym;
    uint32_t axes = e == SNI_NO_EXPR ? 0 : sni_sym_axes(sym, e);
    if (!(axes & loop->inner) || !(axes & ~loop->inner) || depth > DEEPEST) return false;
    sni_sym_kind kind = sni_sym_kind_of(sym, e);
    if (kind == SNI_SYM_DIV || kind == SNI_SYM_MOD) return true;
    if (kind == SNI_SYM_SUM) {
        for (int t = 0; t < sni_sym_term_count(sym, e); ++t)
            for (int f = 0; f < sni_sym_term(sym, e, t).factor_count; ++f)
                if (is_scattered(loop, sni_sym_factor(sym, e, t, f), depth + 1)) return true;
        return false;
    }
    return is_scattered(loop, sni_sym_operand(sym, e, 0), depth + 1) ||
           (kind != SNI_SYM_NOT && is_scattered(loop, sni_sym_operand(sym, e, 1), depth + 1));
}

static double operations(const sni_loop *loop, const sni_costs *costs, const sni_stmt *s) {
    switch (s->kind) {
    case SNI_STMT_CONST:
        return 0;
    case SNI_STMT_OP:
        return s->op->cost > 1 ? s->op->cost : 1;
    case SNI_STMT_LOAD:
        return loop->core >= 0 && is_scattered(loop, s->offset, 0) ? costs->scattered : 1;
    default:
        return 1;
    }
}

/* Statements that no store needs cost nothing: they are not printed. */
typedef struct need {
    const sni_loop *loop;
    bool *needed;
} need;

static void mark(void *context, int statement) {
    ((need *)context)->needed[statement] = true;
}

static void find_needed(const sni_loop *loop, bool *needed) {
    need n = {loop, needed};
    for (int i = 0; i < loop->store_count; ++i) {
        needed[loop->stores[i].stmt] = true;
        sni_sym_visit_values(loop->sym, loop->stores[i].offset, mark, &n);
    }
    for (int i = loop->stmt_count; i-- > 0;) {
        const sni_stmt *s = &loop->stmts[i];
        for (int a = 0; needed[i] && a < s->arg_count; ++a) needed[s->args[a]] = true;
        if (!needed[i] || (s->kind != SNI_STMT_LOAD && s->kind != SNI_STMT_INDEX && s->kind != SNI_STMT_SELECT))
            continue;
        if (s->offset) sni_sym_visit_values(loop->sym, s->offset, mark, &n);
        if (s->guard) sni_sym_visit_values(loop->sym, s->guard, mark, &n);
    }
}

/* Elements of a buffer that are moved: no more than there are, and no more than points at which it is read or written. */
static double touched(const sni_loop *loop, const sni_costs *costs, const bool *needed, int buffer) {
    double count = sni_sym_estimate(loop->sym, loop->buffers[buffer].count, costs->symbolic_size), moved = 0;
    for (int i = 0; i < loop->store_count; ++i)
        if (loop->stores[i].buffer == buffer) moved += points(loop, costs, loop->stores[i].mask);
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (needed[i] && s->kind == SNI_STMT_LOAD && s->buffer == buffer) moved += points(loop, costs, s->mask);
    }
    return moved < count ? moved : count;
}

static bool is_computed(const sni_loop *loop, int operand) {
    int s = operand;
    while (loop->stmts[s].kind == SNI_STMT_CAST) s = loop->stmts[s].args[0];
    return loop->stmts[s].kind != SNI_STMT_LOAD;
}

/* What a product's own operations are multiplied by. */
static double core_factor(const sni_loop *loop, const sni_costs *costs, int s) {
    if (loop->core < 0 || (s != loop->core && s != loop->stmts[loop->core].args[0])) return 1;
    return 1 + costs->computed * (is_computed(loop, loop->core_a) + is_computed(loop, loop->core_b));
}

bool sni_fuse_cost(const sni_loop *loop, const sni_costs *costs, sni_kernel_cost *out) {
    bool tiled = loop->core >= 0 || !sni_loop_is_flat(loop);
    uint32_t columns = result_columns(loop);
    bool *needed = sni_calloc((size_t)loop->stmt_count + 1, sizeof *needed);
    *out = (sni_kernel_cost){0};
    if (!needed) return false;
    find_needed(loop, needed);
    for (int b = 0; b < loop->buffer_count; ++b)
        out->bytes += touched(loop, costs, needed, b) * (double)sinter_dtype_size(loop->buffers[b].dtype);
    for (int i = 0; i < loop->stmt_count; ++i)
        if (needed[i])
            out->operations += operations(loop, costs, &loop->stmts[i]) *
                               evaluations(loop, costs, &loop->stmts[i], tiled, columns) * core_factor(loop, costs, i);
    double moving = out->bytes / costs->bytes_per_ns, computing = out->operations / costs->f32_ops_per_ns;
    out->time_ns = costs->launch_ns + (moving > computing ? moving : computing);
    sni_free(needed);
    return true;
}
