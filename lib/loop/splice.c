/* Splicing: a value at given coordinates becomes statements, through views and elementwise nodes down to
 * loads. Views leave nothing behind but changed coordinates. */
#include <string.h>

#include "loop/build.h"
#include "op/attrs.h"
#include "op/rule.h"
#include "op/update.h"

#define MAX_DEPTH 400
/* Of one index expression: the kernel's text holds it written out, and what is computed from it nests deeper. */
#define MAX_EXPR_SIZE 1000
#define MAX_EXPR_DEPTH 24

static int refuse(sni_builder *b, const char *why) {
    if (!b->why) b->why = why;
    return -1;
}

static int add_stmt(sni_builder *b, const sni_stmt *stmt) {
    if (b->loop->stmt_count >= b->limits->max_stmts) return refuse(b, "the kernel would have too many statements");
    if (!SNI_RESERVE(b->loop->stmts, b->stmt_capacity, (size_t)b->loop->stmt_count + 1)) {
        b->failed = true;
        return -1;
    }
    b->loop->stmts[b->loop->stmt_count] = *stmt;
    return b->loop->stmt_count++;
}

typedef struct mask_visit {
    const sni_builder *b;
    uint32_t mask;
} mask_visit;

static void add_value_mask(void *context, int statement) {
    mask_visit *v = context;
    v->mask |= v->b->loop->stmts[statement].mask;
}

/* Axes that an index expression depends on, also through the values in it. */
static uint32_t expr_mask(const sni_builder *b, sni_expr e) {
    mask_visit v = {b, sni_sym_axes(b->sym, e)};
    sni_sym_visit_values(b->sym, e, add_value_mask, &v);
    return v.mask;
}

sni_expr sni_linearize(sni_sym *sym, const sni_type *type, const sni_expr *coords) {
    sni_expr offset = sni_sym_const(sym, 0);
    for (int d = 0; d < type->rank; ++d) offset = sni_sym_add(sym, sni_sym_mul(sym, offset, type->dims[d]), coords[d]);
    return offset;
}

/* The outermost dimension takes what is left: the offset lies inside the value. */
void sni_delinearize(sni_sym *sym, const sni_type *type, sni_expr offset, sni_expr *coords) {
    int first = 0;
    while (first < type->rank && sni_sym_is(sym, type->dims[first], 1)) ++first;
    for (int d = type->rank - 1; d >= 0; --d) {
        if (sni_sym_is(sym, type->dims[d], 1)) {
            coords[d] = sni_sym_const(sym, 0);
        } else if (sni_sym_is(sym, type->dims[d], 0)) {
            coords[d] = sni_sym_const(sym, 0);
        } else {
            coords[d] = d == first ? offset : sni_sym_mod(sym, offset, type->dims[d]);
            offset = sni_sym_div(sym, offset, type->dims[d]);
        }
    }
}

int sni_builder_buffer(sni_builder *b, uint32_t value, bool is_output) {
    for (int i = 0; i < b->loop->buffer_count; ++i)
        if (b->loop->buffers[i].value == value && b->loop->buffers[i].is_output == is_output) return i;
    if (b->loop->buffer_count >= b->limits->max_buffers)
        return refuse(b, "the kernel would need more buffers than the device allows");
    if (!SNI_RESERVE(b->loop->buffers, b->buffer_capacity, (size_t)b->loop->buffer_count + 1)) {
        b->failed = true;
        return -1;
    }
    const sni_value *v = sni_graph_value(b->graph, value);
    b->loop->buffers[b->loop->buffer_count] = (sni_loop_buffer){.value = value,
                                                                .dtype = v->type.dtype,
                                                                .is_output = is_output,
                                                                .is_constant = v->blob != NULL,
                                                                .count = sni_type_count(b->sym, &v->type)};
    return b->loop->buffer_count++;
}

/* A constant of one element is a literal. */
static int splice_literal(sni_builder *b, const sni_value *v) {
    sni_stmt s = {.kind = SNI_STMT_CONST, .dtype = v->type.dtype};
    sni_dtype_load(v->type.dtype, sni_blob_data(v->blob), 0, &s.f, &s.i);
    return add_stmt(b, &s);
}

static int splice_load(sni_builder *b, uint32_t id, const sni_value *v, const sni_expr *coords, sni_expr guard) {
    if (v->blob && sni_blob_size(v->blob) == sinter_dtype_size(v->type.dtype)) return splice_literal(b, v);
    sni_stmt s = {.kind = SNI_STMT_LOAD, .dtype = v->type.dtype, .guard = guard};
    s.buffer = sni_builder_buffer(b, id, false);
    s.offset = sni_linearize(b->sym, &v->type, coords);
    if (s.buffer < 0) return -1;
    if (!s.offset) return refuse(b, "an index expression is too complex");
    s.mask = expr_mask(b, s.offset) | (guard ? expr_mask(b, guard) : 0);
    return add_stmt(b, &s);
}

static int splice_elementwise(sni_builder *b, const sni_node *node, const sni_value *v, const sni_expr *coords,
                              sni_expr guard) {
    sni_stmt s = {.kind = SNI_STMT_OP, .dtype = v->type.dtype, .op = node->op, .arg_count = node->in_count};
    if (node->in_count > SNI_MAX_ARGS) return refuse(b, "an operator with too many operands");
    for (int i = 0; i < node->in_count; ++i) {
        const sni_value *in = sni_graph_value(b->graph, node->in[i]);
        sni_expr in_coords[SINTER_MAX_RANK];
        sni_broadcast_coords(b->sym, &in->type, v->type.rank, &v->type, coords, in_coords);
        s.args[i] = sni_splice(b, node->in[i], in_coords, guard);
        if (s.args[i] < 0) return -1;
        s.mask |= b->loop->stmts[s.args[i]].mask;
    }
    for (int a = 0; a < SNI_MAX_ATTRS; ++a)
        s.params[a] = node->attrs[a].kind == SNI_ATTR_INT ? (double)node->attrs[a].i : node->attrs[a].f;
    if (node->op->kind == SNI_OP_CAST) {
        s.kind = SNI_STMT_CAST;
        if (b->loop->stmts[s.args[0]].dtype == s.dtype) return s.args[0];
    }
    return add_stmt(b, &s);
}

static int splice_index(sni_builder *b, sni_expr e, sinter_dtype dtype) {
    if (!e) return refuse(b, "an index expression is too complex");
    sni_stmt s = {.kind = SNI_STMT_INDEX, .dtype = SINTER_I64, .offset = e, .mask = expr_mask(b, e)};
    int index = add_stmt(b, &s);
    if (index < 0 || dtype == SINTER_I64) return index;
    sni_stmt cast = {.kind = SNI_STMT_CAST, .dtype = dtype, .arg_count = 1, .args = {index}, .mask = s.mask};
    return add_stmt(b, &cast);
}

/* What a gather reads its indices with. */
typedef struct reader {
    sni_builder *b;
    const sni_node *node;
    sni_expr guard;
} reader;

static sni_expr read_index(void *context, int input, const sni_expr *coords) {
    reader *r = context;
    int s = sni_splice(r->b, r->node->in[input], coords, r->guard);
    if (s < 0) return SNI_NO_EXPR;
    const sni_stmt *stmt = &r->b->loop->stmts[s];
    if (stmt->kind == SNI_STMT_CONST) return sni_sym_const(r->b->sym, stmt->i);
    if (stmt->kind == SNI_STMT_INDEX) return stmt->offset;
    return sni_sym_value(r->b->sym, s, SNI_NO_EXPR, SNI_NO_EXPR);
}

static void fill_call(sni_builder *b, const sni_node *node, sni_type *in, sni_type *out, sni_call *call) {
    for (int i = 0; i < node->in_count; ++i) in[i] = sni_graph_value(b->graph, node->in[i])->type;
    for (int i = 0; i < node->out_count; ++i) out[i] = sni_graph_value(b->graph, node->out[i])->type;
    *call = (sni_call){.sym = b->sym,
                       .op = node->op,
                       .in_count = node->in_count,
                       .in = in,
                       .attrs = node->attrs,
                       .out_count = node->out_count,
                       .out = out};
}

sni_expr sni_splice_start(sni_builder *b, const sni_node *store, int axis) {
    sni_type in[3], out[1];
    sni_call call;
    sni_node node = *store;
    reader r = {b, store, SNI_NO_EXPR};
    node.in_count = 3;
    fill_call(b, &node, in, out, &call);
    return sni_update_start(&call, axis, read_index, &r);
}

static int splice_select(sni_builder *b, sni_expr guard, int yes, int no) {
    sni_stmt s = {
        .kind = SNI_STMT_SELECT, .dtype = b->loop->stmts[yes].dtype, .guard = guard, .arg_count = 2, .args = {yes, no}};
    s.mask = expr_mask(b, guard) | b->loop->stmts[yes].mask | b->loop->stmts[no].mask;
    return add_stmt(b, &s);
}

static int splice_fill(sni_builder *b, const sni_node *node, sinter_dtype dtype) {
    sni_stmt s = {.kind = SNI_STMT_CONST, .dtype = dtype};
    if (node->op->fill_attr >= 0) s.f = node->attrs[node->op->fill_attr].f;
    s.i = s.f >= 9.2e18 ? INT64_MAX : s.f <= -9.2e18 ? INT64_MIN : s.f == s.f ? (int64_t)s.f : 0;
    s.i = sni_dtype_is_real(dtype) ? 0 : sni_dtype_wrap(dtype, s.i);
    return add_stmt(b, &s);
}

static int splice_view(sni_builder *b, const sni_node *node, const sni_value *v, const sni_expr *coords,
                       sni_expr guard) {
    sni_type *in = sni_arena_alloc(b->arena, sizeof *in * ((size_t)node->in_count + 1));
    sni_access *accesses = sni_arena_alloc(b->arena, sizeof *accesses * ((size_t)node->in_count + 1));
    sni_type out[SNI_MAX_OUTPUTS];
    sni_call call;
    if (!in || !accesses) {
        b->failed = true;
        return -1;
    }
    fill_call(b, node, in, out, &call);
    reader r = {b, node, guard};
    sni_expr value = SNI_NO_EXPR;
    int count = node->op->map(&call, coords, v->output, read_index, &r, accesses, &value);
    if (count < 0) return refuse(b, "an index map is too complex");
    if (node->op->kind == SNI_OP_IOTA) return splice_index(b, value, v->type.dtype);
    int result = -1;
    for (int i = count - 1; i >= 0; --i) {
        const sni_access *a = &accesses[i];
        if (a->guard && sni_sym_is(b->sym, a->guard, 0)) continue;
        bool always = !a->guard || sni_sym_is(b->sym, a->guard, 1);
        sni_expr both = always ? guard : guard ? sni_sym_and(b->sym, guard, a->guard) : a->guard;
        if (!always && !both) return refuse(b, "an index expression is too complex");
        int s = sni_splice(b, node->in[a->input], a->coords, both);
        if (s < 0) return -1;
        bool zero_fill = node->op->fill_attr < 0 || node->attrs[node->op->fill_attr].f == 0;
        bool is_load = b->loop->stmts[s].kind == SNI_STMT_LOAD && b->loop->stmts[s].guard == both;
        if (always || (result < 0 && zero_fill && is_load)) {
            result = s;
            continue;
        }
        if (result < 0) result = splice_fill(b, node, v->type.dtype);
        if (result < 0) return -1;
        result = splice_select(b, a->guard, s, result);
        if (result < 0) return -1;
    }
    return result < 0 ? splice_fill(b, node, v->type.dtype) : result;
}

/* An axis of an extent for a reduction to run over. What is needed along an axis around it (x - mean(x)) runs over that
 * axis itself; reductions beside each other (a maximum and a sum) share theirs; else it is a new one. taken: axes that
 * the reduction's own coordinates depend on, or that it has for another dimension. */
static bool reduction_axis(sni_builder *b, sni_expr extent, uint32_t taken, sni_expr *out_axis) {
    uint32_t all = (uint32_t)((1ull << b->loop->axis_count) - 1);
    const uint32_t choices[3] = {b->around, b->reduced, b->inside ? 0 : all};
    for (int c = 0; c < 3; ++c) {
        for (int a = 0; a < b->loop->axis_count; ++a) {
            if (!(choices[c] & ~taken) || !((choices[c] & ~taken) >> a & 1u)) continue;
            if (b->loop->extents[a] != extent) continue;
            *out_axis = b->loop->axes[a];
            return true;
        }
    }
    return sni_builder_axis(b, extent, out_axis);
}

static uint32_t coords_mask(const sni_builder *b, int rank, const sni_expr *coords) {
    uint32_t mask = 0;
    for (int d = 0; d < rank; ++d) mask |= expr_mask(b, coords[d]);
    return mask;
}

/* The argument of a reduction, which is an iteration of its own: what is around it outside does not count. */
static int splice_inside(sni_builder *b, uint32_t id, int rank, const sni_expr *coords) {
    uint32_t around = b->around;
    bool inside = b->inside;
    b->around = coords_mask(b, rank, coords);
    b->inside = true;
    int s = sni_splice(b, id, coords, SNI_NO_EXPR);
    b->around = around;
    b->inside = inside;
    return s;
}

/* A reduction at coordinates of the row: its input's coordinates are those and the axes that it runs over. */
static int splice_reduce(sni_builder *b, const sni_node *node, const sni_value *v, const sni_expr *coords,
                         sni_expr guard) {
    const sni_type *in = &sni_graph_value(b->graph, node->in[0])->type;
    bool keep = node->attrs[SNI_REDUCE_KEEPDIMS].i != 0;
    uint32_t reduced;
    if (!sni_axes(b->sym, &node->attrs[SNI_REDUCE_AXES], in->rank, &reduced)) return refuse(b, "a symbolic axis");
    if (guard) return refuse(b, "a reduction under a condition");
    sni_expr in_coords[SINTER_MAX_RANK];
    uint32_t taken = coords_mask(b, v->type.rank, coords), axes = 0;
    for (int d = 0, out_dim = 0; d < in->rank; ++d) {
        if (!(reduced >> d & 1)) {
            in_coords[d] = coords[out_dim++];
            continue;
        }
        if (keep) ++out_dim;
        in_coords[d] = sni_sym_const(b->sym, 0);
        if (sni_sym_is(b->sym, in->dims[d], 1)) continue;
        if (!reduction_axis(b, in->dims[d], taken | axes, &in_coords[d])) return -1;
        axes |= sni_sym_axes(b->sym, in_coords[d]);
    }
    b->reduced |= axes;
    sni_stmt s = {
        .kind = SNI_STMT_REDUCE, .dtype = v->type.dtype, .arg_count = 1, .combiner = node->op->combiner, .axes = axes};
    s.args[0] = splice_inside(b, node->in[0], in->rank, in_coords);
    if (s.args[0] < 0 || !axes) return s.args[0]; /* one element is its own sum */
    s.mask = taken | (b->loop->stmts[s.args[0]].mask & ~axes);
    return add_stmt(b, &s);
}

int sni_scan_axis(const sni_node *scan, int rank) {
    return sni_axis(scan->attrs[SNI_SCAN_AXIS].i, rank);
}

/* What a combiner starts with. */
static int splice_identity(sni_builder *b, sni_combiner combiner, sinter_dtype dtype) {
    sni_combiner_start start = sni_combiner_start_of(combiner, dtype);
    sni_stmt s = {.kind = SNI_STMT_CONST, .dtype = dtype, .f = start.f, .i = start.i};
    return add_stmt(b, &s);
}

/* A scan at the point of the inner axis where the carried value stands. */
static int splice_scan(sni_builder *b, const sni_node *node, const sni_value *v, const sni_expr *coords,
                       sni_expr guard) {
    int along = sni_scan_axis(node, v->type.rank), last = b->loop->axis_count - 1;
    bool one = sni_sym_is(b->sym, v->type.dims[along], 1);
    sni_stmt s = {.kind = SNI_STMT_SCAN,
                  .dtype = v->type.dtype,
                  .arg_count = 1,
                  .combiner = node->op->combiner,
                  .exclusive = node->attrs[SNI_SCAN_EXCLUSIVE].i != 0,
                  .axes = b->loop->inner};
    if (guard) return refuse(b, "a running sum under a condition");
    if (!one &&
        (!b->loop->inner || coords[along] != b->loop->axes[last] || v->type.dims[along] != b->loop->extents[last]))
        return refuse(b, "a running sum is needed at other places than its own");
    if (!one && b->loop->reverse != (node->attrs[SNI_SCAN_REVERSE].i != 0))
        return refuse(b, "running sums in both directions");
    for (int d = 0; d < v->type.rank; ++d)
        if (d != along && expr_mask(b, coords[d]) & b->loop->inner)
            return refuse(b, "a running sum is needed across its own axis");
    if (one && s.exclusive) return splice_identity(b, node->op->combiner, v->type.dtype);
    s.args[0] = sni_splice(b, node->in[0], coords, SNI_NO_EXPR);
    if (s.args[0] < 0 || one) return s.args[0];
    for (int d = 0; d < v->type.rank; ++d) s.mask |= expr_mask(b, coords[d]);
    s.mask |= b->loop->stmts[s.args[0]].mask | b->loop->inner;
    b->loop->scans = true;
    return add_stmt(b, &s);
}

/* x / y as a factor of a sum over axes that y does not depend on: the sum of x, divided once, is the same, and the
 * division waits for no row statistic. Returns x and sets *out_divisor, or returns the factor itself. A conversion to
 * fewer bits in between is left out: the sum is the more exact for it. */
static int take_divisor(const sni_builder *b, int factor, uint32_t axes, int *out_divisor) {
    const sni_stmt *s = &b->loop->stmts[factor];
    *out_divisor = -1;
    if (s->kind == SNI_STMT_CAST && sni_dtype_is_real(s->dtype)) s = &b->loop->stmts[s->args[0]];
    if (s->kind != SNI_STMT_OP || !sni_dtype_is_real(s->dtype) || strcmp(s->op->name, "div") != 0) return factor;
    if (b->loop->stmts[s->args[1]].mask & axes || !(b->loop->stmts[s->args[0]].mask & axes)) return factor;
    *out_divisor = s->args[1];
    return s->args[0];
}

static int splice_select(sni_builder *b, sni_expr guard, int yes, int no);

/* sum / divisor; a sum of nothing is 0 whatever the divisor. */
static int divide_sum(sni_builder *b, int sum, int divisor, sni_expr length) {
    if (sum < 0 || divisor < 0) return sum;
    sinter_dtype dtype = b->loop->stmts[sum].dtype;
    sni_stmt s = {.kind = SNI_STMT_OP,
                  .dtype = dtype,
                  .op = sni_op_find("div"),
                  .arg_count = 2,
                  .args = {sum, divisor},
                  .mask = b->loop->stmts[sum].mask | b->loop->stmts[divisor].mask};
    int quotient = add_stmt(b, &s);
    sni_expr any = sni_sym_lt(b->sym, sni_sym_const(b->sym, 0), length);
    if (quotient < 0 || sni_sym_is(b->sym, any, 1)) return quotient;
    sni_stmt zero = {.kind = SNI_STMT_CONST, .dtype = dtype};
    int nothing = add_stmt(b, &zero);
    return nothing < 0 ? -1 : splice_select(b, any, quotient, nothing);
}

static int splice_contract(sni_builder *b, const sni_node *node, const sni_value *v, const sni_expr *coords,
                           sni_expr guard) {
    if (guard) return refuse(b, "a matrix product under a condition");
    int rank = v->type.rank;
    bool single = b->contractions == 1;
    for (int d = 0; d < rank && single; ++d)
        if (coords[d] != b->out_axes[d]) return refuse(b, "the product is needed at other places than its own");
    const sni_type *at = &sni_graph_value(b->graph, node->in[0])->type;
    const sni_type *bt = &sni_graph_value(b->graph, node->in[1])->type;
    sni_expr k = sni_sym_const(b->sym, 0), length = at->dims[at->rank - 1];
    if (!sni_sym_is(b->sym, length, 1) && !reduction_axis(b, length, coords_mask(b, rank, coords), &k)) return -1;
    uint32_t axes = sni_sym_axes(b->sym, k);
    b->reduced |= axes;
    sni_expr ac[SINTER_MAX_RANK], bc[SINTER_MAX_RANK];
    /* Batch dimensions broadcast; the broadcast rule looks at trailing dimensions, so m, n and k are set after. */
    sni_broadcast_coords(b->sym, at, rank, &v->type, coords, ac);
    sni_broadcast_coords(b->sym, bt, rank, &v->type, coords, bc);
    ac[at->rank - 2] = coords[rank - 2];
    ac[at->rank - 1] = k;
    bc[bt->rank - 2] = k;
    bc[bt->rank - 1] = coords[rank - 1];
    int sa = splice_inside(b, node->in[0], at->rank, ac),
        sb = sa < 0 ? -1 : splice_inside(b, node->in[1], bt->rank, bc);
    if (sa < 0 || sb < 0) return -1;
    int divisor = -1;
    if (!single) sa = take_divisor(b, sa, axes, &divisor);
    const sni_stmt *stmts = b->loop->stmts;
    sni_stmt mul = {.kind = SNI_STMT_OP,
                    .dtype = v->type.dtype,
                    .op = sni_op_find("mul"),
                    .arg_count = 2,
                    .args = {sa, sb},
                    .mask = stmts[sa].mask | stmts[sb].mask};
    int product = add_stmt(b, &mul);
    if (product < 0 || !axes) return product;
    sni_stmt sum = {.kind = SNI_STMT_REDUCE,
                    .dtype = v->type.dtype,
                    .arg_count = 1,
                    .args = {product},
                    .combiner = SNI_COMBINE_SUM,
                    .axes = axes,
                    .mask = mul.mask & ~axes};
    int s = add_stmt(b, &sum);
    if (s < 0 || !single || b->reductions) return divide_sum(b, s, divisor, length);
    b->loop->core = s;
    b->loop->core_a = sa;
    b->loop->core_b = sb;
    return s;
}

static int dispatch(sni_builder *b, uint32_t id, const sni_value *v, const sni_expr *coords, sni_expr guard) {
    const sni_node *node = v->producer >= 0 ? &b->graph->nodes[v->producer] : NULL;
    if (!node || !b->members->inside[v->producer]) return splice_load(b, id, v, coords, guard);
    switch (node->op->kind) {
    case SNI_OP_ELEMENTWISE:
    case SNI_OP_CAST:
        return splice_elementwise(b, node, v, coords, guard);
    case SNI_OP_VIEW:
    case SNI_OP_IOTA:
        return splice_view(b, node, v, coords, guard);
    case SNI_OP_REDUCE:
        return splice_reduce(b, node, v, coords, guard);
    case SNI_OP_SCAN:
        return splice_scan(b, node, v, coords, guard);
    case SNI_OP_CONTRACT:
        return splice_contract(b, node, v, coords, guard);
    case SNI_OP_STORE:
        return refuse(b, "a state is read after it is written");
    case SNI_OP_COMPOSITE:
        break;
    }
    return refuse(b, "an operator that was not decomposed");
}

static bool too_complex(const sni_sym *sym, sni_expr e) {
    return sni_sym_size(sym, e) > MAX_EXPR_SIZE || sni_sym_depth(sym, e) > MAX_EXPR_DEPTH;
}

int sni_splice(sni_builder *b, uint32_t id, const sni_expr *coords, sni_expr guard) {
    const sni_value *v = sni_graph_value(b->graph, id);
    if (!v) return refuse(b, "a missing operand");
    if (b->why || b->failed) return -1;
    if (b->depth >= MAX_DEPTH) return refuse(b, "the chain of operators is too long for one kernel");
    sni_expr own[SINTER_MAX_RANK];
    memcpy(own, coords, (size_t)v->type.rank * sizeof *coords);
    for (int d = 0; d < v->type.rank; ++d)
        if (!own[d] || too_complex(b->sym, own[d])) return refuse(b, "an index expression is too complex");
    if (too_complex(b->sym, guard)) return refuse(b, "an index expression is too complex");
    sni_memo memo = {.value = id, .guard = guard, .rank = v->type.rank};
    memcpy(memo.coords, own, (size_t)v->type.rank * sizeof *own);
    int stmt = sni_memos_find(b, &memo);
    if (stmt >= 0) return stmt;
    uint32_t around = b->around;
    b->around |= coords_mask(b, v->type.rank, own);
    ++b->depth;
    stmt = dispatch(b, id, v, own, guard);
    --b->depth;
    b->around = around;
    if (stmt < 0) return -1;
    memo.stmt = stmt;
    if (!sni_memos_add(b, &memo)) {
        b->failed = true;
        return -1;
    }
    return stmt;
}
