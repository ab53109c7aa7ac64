/* A contraction program seen as a flat b x m x n x k problem: what its operands look like in
 * memory, and the printing that both classes of device share. */
#include "codegen/contract.h"

#include <string.h>

#include "base/alloc.h"

/* ---- Groups of axes ---------------------------------------------------------------------------
 */

static sni_flat group_of(uint32_t axes) {
    sni_flat group = {axes, __builtin_popcount(axes), -1};
    if (axes != 0) group.last = 31 - __builtin_clz(axes);
    return group;
}

static sni_expr extent_of(const sni_loop *loop, const sni_flat *group) {
    sni_expr product = sni_sym_const(loop->sym, 1);
    for (int a = 0; a < loop->axis_count; ++a)
        if (group->axes >> a & 1) product = sni_sym_mul(loop->sym, product, loop->extents[a]);
    return product;
}

/* Does e depend on the group only as coefficient * flat index? Without any dependence too. */
static bool linear_in_group(const sni_loop *loop, const sni_flat *group, sni_expr e) {
    sni_expr inner = SNI_NO_EXPR, wanted = SNI_NO_EXPR;
    if (e == SNI_NO_EXPR) return true;
    for (int a = loop->axis_count - 1; a >= 0; --a) {
        if ((group->axes >> a & 1) == 0) continue;
        sni_expr coefficient, rest;
        if (!sni_sym_linear_in(loop->sym, e, a, &coefficient, &rest)) return false;
        if (sni_sym_uses_any_axis(loop->sym, coefficient)) return false;
        if (wanted == SNI_NO_EXPR)
            wanted = coefficient;
        else
            wanted = sni_sym_mul(loop->sym, wanted, inner);
        if (coefficient != wanted) return false;
        inner = loop->extents[a];
    }
    return true;
}

static bool uses_group(const sni_loop *loop, const sni_flat *group, sni_expr e) {
    if (e == SNI_NO_EXPR) return false;
    for (int a = 0; a < loop->axis_count; ++a)
        if ((group->axes >> a & 1) != 0 && sni_sym_uses_axis(loop->sym, e, a)) return true;
    return false;
}

/* ---- How memory lies --------------------------------------------------------------------------
 */

typedef struct survey {
    const sni_loop *loop;
    const sni_flat *group;
    bool flat, unit, steps, moved, aligned;
} survey;

/* A value in an offset (a gather's index) that changes along the innermost axis. */
static void survey_value(void *context, int statement) {
    survey *s = context;
    s->aligned = false;
    if (s->group->last >= 0 && (s->loop->stmts[statement].mask >> s->group->last & 1) != 0) s->unit = s->steps = false;
}

/* Four lanes from a multiple of four: an aligned access when everything else in the offset is a
 * multiple. */
static void survey_offset(survey *s, sni_expr offset) {
    sni_sym *sym = s->loop->sym;
    if (s->group->count > 1 && !linear_in_group(s->loop, s->group, offset)) s->flat = false;
    sni_emit_visit_values(sym, offset, survey_value, s);
    if (s->group->last < 0 || !sni_sym_uses_axis(sym, offset, s->group->last)) return;
    s->moved = true;
    sni_expr coefficient, rest;
    int64_t step;
    bool linear = sni_sym_linear_in(sym, offset, s->group->last, &coefficient, &rest);
    if (!linear || !sni_sym_is_const(sym, coefficient, &step)) s->steps = false;
    if (!linear || !sni_sym_is(sym, coefficient, 1))
        s->unit = s->aligned = false;
    else if (!sni_sym_known_divisible(sym, rest, 4))
        s->aligned = false;
}

static void survey_stmt(survey *s, const sni_stmt *stmt) {
    sni_expr guard = stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT ? stmt->guard : SNI_NO_EXPR;
    if (s->group->count > 1 && uses_group(s->loop, s->group, guard)) s->flat = false;
    if (s->group->last >= 0 && guard != SNI_NO_EXPR && stmt->kind == SNI_STMT_LOAD &&
        sni_sym_uses_axis(s->loop->sym, guard, s->group->last))
        s->aligned = false;
    if (stmt->kind == SNI_STMT_LOAD) survey_offset(s, stmt->offset);
    if (stmt->kind == SNI_STMT_INDEX && s->group->count > 1 && !linear_in_group(s->loop, s->group, stmt->offset))
        s->flat = false;
}

static sni_access_kind survey_end(const survey *s) {
    bool unit = s->unit && s->moved;
    bool in_range = s->group->last >= 0 && sni_sym_known_divisible(s->loop->sym, s->loop->extents[s->group->last], 4);
    return (sni_access_kind){s->flat, unit, s->steps && s->moved, unit && s->aligned && in_range};
}

static sni_access_kind survey_stmts(const sni_loop *loop, const sni_flat *group, const bool *needed) {
    survey s = {loop, group, true, true, true, false, true};
    for (int i = 0; i < loop->stmt_count; ++i)
        if (needed[i]) survey_stmt(&s, &loop->stmts[i]);
    return survey_end(&s);
}

static sni_access_kind survey_epilogue(const sni_contract *c, const sni_flat *group) {
    survey s = {c->loop, group, true, true, true, false, true};
    for (int i = 0; i < c->loop->stmt_count; ++i)
        if (c->epilogue[i] && !c->stop[i]) survey_stmt(&s, &c->loop->stmts[i]);
    for (int i = 0; i < c->loop->store_count; ++i) survey_offset(&s, c->loop->stores[i].offset);
    return survey_end(&s);
}

static bool has_guard(const sni_contract *c, const bool *needed) {
    for (int i = 0; i < c->loop->stmt_count; ++i)
        if (needed[i] && c->loop->stmts[i].kind == SNI_STMT_LOAD && c->loop->stmts[i].guard != SNI_NO_EXPR) return true;
    return false;
}

static bool *marks(sni_contract *c) {
    return sni_arena_alloc(c->arena, (size_t)c->loop->stmt_count + 1);
}

static bool init_operand(sni_contract *c, sni_operand *op, int stmt, uint32_t outer) {
    const sni_stmt *value = &c->loop->stmts[stmt];
    op->stmt = stmt;
    op->outer = group_of(outer);
    op->needed = marks(c);
    if (op->needed == NULL) return false;
    sni_emit_need(c->loop, stmt, NULL, op->needed);
    op->along_outer = survey_stmts(c->loop, &op->outer, op->needed);
    op->along_k = survey_stmts(c->loop, &c->k, op->needed);
    op->guarded = has_guard(c, op->needed);
    op->direct = value->kind == SNI_STMT_LOAD && value->guard == SNI_NO_EXPR && op->along_k.flat && op->along_k.unit &&
                 !sni_sym_uses_value(c->loop->sym, value->offset) &&
                 c->loop->buffers[value->buffer].dtype == (c->type == SNI_C_FLOAT ? SINTER_F32 : SINTER_F64);
    return true;
}

static bool init_epilogue(sni_contract *c) {
    c->stop = marks(c);
    c->epilogue = marks(c);
    if (c->stop == NULL || c->epilogue == NULL) return false;
    c->stop[c->loop->core] = true;
    for (int i = 0; i < c->loop->store_count; ++i)
        sni_emit_need(c->loop, c->loop->stores[i].stmt, c->stop, c->epilogue);
    return true;
}

enum { LEAST_COLUMNS = 32, GUESS = 512 };

/* Outer axes of n that keep the rest of n from being one contiguous run become axes of b. For a convolution that is the axis
 * which counts the pictures of a batch: the pixels of one picture are contiguous, those of several are not. */
static void split_columns(sni_contract *c) {
    for (sni_flat rest = c->n; rest.count > 1 && !survey_epilogue(c, &c->n).flat;) {
        rest = group_of(rest.axes & (rest.axes - 1));
        if (!survey_epilogue(c, &rest).flat) continue;
        if (sni_sym_estimate(c->loop->sym, extent_of(c->loop, &rest), GUESS) < LEAST_COLUMNS) return;
        c->b = group_of(c->b.axes | (c->n.axes & ~rest.axes));
        c->n = rest;
        return;
    }
}

sinter_status sni_contract_init(sni_contract *c, const sni_loop *loop, const sni_caps *caps, sni_arena *arena,
                                bool swap) {
    memset(c, 0, sizeof *c);
    c->loop = loop;
    c->caps = caps;
    c->arena = arena;
    c->type = sni_ctype_of(loop->stmts[loop->core].dtype);
    uint32_t axes_m = swap ? loop->axes_n : loop->axes_m, axes_n = swap ? loop->axes_m : loop->axes_n;
    c->b = group_of(loop->axes_b);
    c->m = group_of(axes_m);
    c->n = group_of(axes_n);
    c->k = group_of(loop->inner);
    if (!init_epilogue(c)) return sni_out_of_memory("code of a contraction");
    split_columns(c);
    c->along_n = survey_epilogue(c, &c->n);
    c->epilogue_flat_m = survey_epilogue(c, &c->m).flat;
    c->size_b = extent_of(loop, &c->b);
    c->size_m = extent_of(loop, &c->m);
    c->size_n = extent_of(loop, &c->n);
    c->size_k = extent_of(loop, &c->k);
    if (!init_operand(c, &c->a_op, swap ? loop->core_b : loop->core_a, axes_m) ||
        !init_operand(c, &c->b_op, swap ? loop->core_a : loop->core_b, c->n.axes))
        return sni_out_of_memory("code of a contraction");
    return SINTER_OK;
}

/* ---- What a template can run ------------------------------------------------------------------
 */

bool sni_contract_refuse(sni_str *why, const char *text) {
    if (why != NULL) sni_str_append(why, text);
    return false;
}

uint64_t sni_contract_local_bytes(const sni_caps *caps) {
    return caps->local_counts_twice ? caps->local_bytes / 2 : caps->local_bytes;
}

bool sni_contract_accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (loop->core < 0) return sni_contract_refuse(why, "not a contraction");
    sinter_dtype dtype = loop->stmts[loop->core].dtype;
    if (!sni_dtype_is_real(dtype)) return sni_contract_refuse(why, "sums of integers have no template");
    if (dtype == SINTER_F64 && !caps->has_f64) return sni_contract_refuse(why, "the device has no f64");
    for (int i = 0; i < loop->stmt_count; ++i)
        if (loop->stmts[i].kind == SNI_STMT_REDUCE && i != loop->core)
            return sni_contract_refuse(why, "a second reduction stands beside the contraction");
    for (int i = 0; i < loop->store_count; ++i)
        if ((loop->stores[i].mask & loop->inner) != 0)
            return sni_contract_refuse(why, "an output keeps the contracted axes");
    return true;
}

/* ---- What matrix units multiply ---------------------------------------------------------------
 */

int sni_contract_narrow(const sni_loop *loop, int stmt) {
    const sni_stmt *s = &loop->stmts[stmt];
    bool widens = s->kind == SNI_STMT_CAST && s->dtype == SINTER_F32;
    sinter_dtype from = widens ? loop->stmts[s->args[0]].dtype : s->dtype;
    return widens && (from == SINTER_F16 || from == SINTER_BF16) ? s->args[0] : stmt;
}

enum { LONGEST_F32_SUM = 1024 };

bool sni_contract_sums_are_short(const sni_loop *loop) {
    int64_t length;
    sni_expr k = sni_sym_const(loop->sym, 1);
    if (loop->stmts[loop->core].dtype != SINTER_F32) return true;
    for (int a = 0; a < loop->axis_count; ++a)
        if (loop->inner >> a & 1) k = sni_sym_mul(loop->sym, k, loop->extents[a]);
    return sni_sym_is_const(loop->sym, k, &length) && length <= LONGEST_F32_SUM;
}

/* ---- Printing ---------------------------------------------------------------------------------
 */

const char *sni_contract_number(sni_emitter *e, sni_expr expr) {
    sni_scope none = {.lane_axis = -1, .width = 1};
    return sni_emit_index_text(e, &none, expr, 0);
}

void sni_contract_name(sni_emitter *e, sni_scope *scope, const sni_flat *group, bool flat, const char *index) {
    for (int a = 0; a < e->loop->axis_count; ++a) {
        if ((group->axes >> a & 1) == 0) continue;
        if (flat || group->count == 1)
            scope->names[a] = a == group->last ? index : "0";
        else
            scope->names[a] = sni_emit_format(e, "x%d", a);
    }
}

void sni_contract_split(sni_emitter *e, const sni_flat *group, bool flat, const char *index, bool constant) {
    if (flat || group->count <= 1) return;
    const char *left = index;
    for (int a = group->last; a >= 0; --a) {
        if ((group->axes >> a & 1) == 0) continue;
        const char *qualifier = constant ? "const " : "";
        if ((group->axes & ((1u << a) - 1)) == 0) {
            sni_emit_line(e, "%ssn_idx x%d = %s;", qualifier, a, left);
            continue;
        }
        const char *extent = sni_contract_number(e, e->loop->extents[a]);
        /* Not %: a quotient and a remainder side by side become LLVM's freeze, which Oclgrind does
         * not know. */
        sni_emit_line(e, "%ssn_idx r%d = %s / %s, x%d = %s - r%d * %s;", qualifier, a, left, extent, a, left, a,
                      extent);
        left = sni_emit_format(e, "r%d", a);
    }
}

void sni_contract_advance(sni_emitter *e, const sni_flat *group, bool flat) {
    if (flat || group->count <= 1) return;
    sni_str text = SNI_STR_INIT;
    int depth = 0;
    for (int a = group->last; a >= 0; --a) {
        if ((group->axes >> a & 1) == 0) continue;
        if ((group->axes & ((1u << a) - 1)) == 0) {
            sni_str_printf(&text, "++x%d;", a);
            break;
        }
        sni_str_printf(&text, "if (++x%d == %s) { x%d = 0; ", a, sni_contract_number(e, e->loop->extents[a]), a);
        ++depth;
    }
    for (int i = 0; i < depth; ++i) sni_str_append(&text, " }");
    sni_emit_line(e, "%s", sni_emit_keep(e, &text));
}

/* Runs the statement printer; names_out[s] is the variable of statement s. */
static const char **print_stmts(sni_emitter *e, const sni_scope *scope, const bool *needed) {
    const char **names = sni_arena_alloc(e->arena, ((size_t)e->loop->stmt_count + 1) * sizeof *names);
    if (names == NULL) {
        e->failed = true;
        return NULL;
    }
    sni_emit_stmts(e, scope, needed, names);
    return names;
}

const char *sni_contract_value(sni_emitter *e, const sni_contract *c, const sni_operand *op, const sni_scope *scope) {
    const char **names = print_stmts(e, scope, op->needed);
    if (names == NULL) return "0";
    sni_scope with = *scope;
    with.have = names;
    return sni_emit_operand(e, &with, op->stmt, c->type, scope->lane_axis >= 0 ? scope->width : 1);
}

void sni_contract_epilogue(sni_emitter *e, const sni_contract *c, const sni_scope *scope, const char *acc) {
    const char **have = sni_arena_alloc(e->arena, ((size_t)c->loop->stmt_count + 1) * sizeof *have);
    if (have == NULL) {
        e->failed = true;
        return;
    }
    have[c->loop->core] = acc;
    sni_scope with = *scope;
    with.have = have;
    const char **names = print_stmts(e, &with, c->epilogue);
    if (names == NULL) return;
    with.have = names;
    for (int i = 0; i < c->loop->store_count; ++i)
        sni_emit_store(e, &with, &c->loop->stores[i], names[c->loop->stores[i].stmt]);
}
