/* Finding attention in a nest, by what its statements compute. */
#include "codegen/attention.h"

#include <string.h>

#include "codegen/layout.h"

static const sni_stmt *at(const sni_attention *a, int s) {
    return &a->loop->stmts[s];
}

static bool is_op(const sni_stmt *s, const char *name) {
    return s->kind == SNI_STMT_OP && strcmp(s->op->name, name) == 0;
}

/* The statement behind conversions between reals. */
static int behind_casts(const sni_attention *a, int s) {
    while (at(a, s)->kind == SNI_STMT_CAST && sni_dtype_is_real(at(a, s)->dtype) &&
           sni_dtype_is_real(at(a, at(a, s)->args[0])->dtype))
        s = at(a, s)->args[0];
    return s;
}

static bool is_product(const sni_attention *a, int s) {
    const sni_stmt *reduce = at(a, s);
    return reduce->kind == SNI_STMT_REDUCE && reduce->combiner == SNI_COMBINE_SUM &&
           is_op(at(a, reduce->args[0]), "mul");
}

/* weight = exp(logit - maximum) with the maximum of the same logit. */
static bool find_statistics(sni_attention *a) {
    int weight = behind_casts(a, a->factor);
    if (!is_op(at(a, weight), "exp")) return false;
    int difference = behind_casts(a, at(a, weight)->args[0]);
    if (!is_op(at(a, difference), "sub")) return false;
    int logit = at(a, difference)->args[0], maximum = behind_casts(a, at(a, difference)->args[1]);
    const sni_stmt *m = at(a, maximum);
    if (m->kind != SNI_STMT_REDUCE || m->combiner != SNI_COMBINE_MAX || m->args[0] != logit) return false;
    a->weight = weight;
    a->logit = logit;
    a->maximum = maximum;
    return m->axes == a->keys;
}

/* Sorts the reductions: exactly one of each kind. */
static bool find_reductions(sni_attention *a) {
    int count = 0;
    for (int i = 0; i < a->loop->stmt_count; ++i) {
        const sni_stmt *s = at(a, i);
        if (s->kind != SNI_STMT_REDUCE) continue;
        ++count;
        if (i == a->sum || i == a->maximum) continue;
        if (is_product(a, i) && (s->mask & a->keys))
            a->score = i;
        else if (s->combiner == SNI_COMBINE_SUM && behind_casts(a, s->args[0]) == a->weight && s->axes == a->keys)
            a->total = i;
    }
    return a->score >= 0 && (a->total >= 0 ? count == 4 : count == 3);
}

/* The last product whose result no other reduction needs is the sum. */
static int last_product(const sni_attention *a) {
    for (int i = a->loop->stmt_count - 1; i >= 0; --i)
        if (is_product(a, i)) return i;
    return -1;
}

static bool sort_axes(sni_attention *a) {
    const sni_stmt *scores = at(a, at(a, a->score)->args[0]), *sums = at(a, at(a, a->sum)->args[0]);
    uint32_t q = at(a, scores->args[0])->mask, k = at(a, scores->args[1])->mask;
    uint32_t v = at(a, sums->args[1])->mask, w = at(a, a->factor)->mask, parallel = sni_parallel_mask(a->loop);
    a->depth = at(a, a->score)->axes;
    if (k & ~q & parallel || q & a->keys) { /* k * q */
        uint32_t t = q;
        q = k, k = t;
    }
    if (q & a->keys || !(k & a->keys) || !(v & a->keys)) return false;
    a->columns = v & parallel & ~w;
    a->rows = w & parallel & ~v & ~k;
    a->batch = parallel & ~a->rows & ~a->columns;
    if (q & a->columns || k & (a->columns | a->rows) || v & (a->rows | a->depth)) return false;
    a->key_axis = 31 - __builtin_clz(a->keys);
    return (a->keys & (a->keys - 1)) == 0;
}

/* A copy of the program in which one product is the core. */
static void as_product(const sni_attention *a, sni_loop *out, int core, uint32_t outer_a, uint32_t outer_b) {
    const sni_stmt *mul = at(a, at(a, core)->args[0]);
    bool swapped = (at(a, mul->args[0])->mask & outer_b) != 0;
    *out = *a->loop;
    out->core = core;
    out->core_a = mul->args[swapped ? 1 : 0];
    out->core_b = mul->args[swapped ? 0 : 1];
    out->inner = at(a, core)->axes;
    out->axes_b = a->batch;
    out->axes_m = outer_a;
    out->axes_n = outer_b;
}

static bool stores_are_rows(const sni_attention *a) {
    for (int i = 0; i < a->loop->store_count; ++i)
        if (a->loop->stores[i].mask & a->loop->inner) return false;
    return true;
}

static bool refuse(sni_str *why, const char *text) {
    if (why != NULL) sni_str_append(why, text);
    return false;
}

bool sni_attention_of(const sni_loop *loop, sni_attention *out, sni_str *why) {
    sni_attention *a = out;
    *a = (sni_attention){.loop = loop, .score = -1, .total = -1};
    if (sni_loop_is_flat(loop) || loop->scans) return refuse(why, "one product, or none");
    a->sum = last_product(a);
    if (a->sum < 0) return refuse(why, "no product");
    a->keys = at(a, a->sum)->axes;
    const sni_stmt *mul = at(a, at(a, a->sum)->args[0]);
    a->factor = mul->args[0];
    if (!find_statistics(a)) return refuse(why, "no exp(x - maximum of x) is a factor of the last product");
    if (!find_reductions(a)) return refuse(why, "other reductions than two products, a maximum and a sum");
    if (!sort_axes(a)) return refuse(why, "the operands depend on other axes than those of attention");
    if (!stores_are_rows(a)) return refuse(why, "a value of every row and key is stored");
    if (sni_ctype_of(at(a, a->score)->dtype) != SNI_C_FLOAT) return refuse(why, "its numbers are not f32, f16 or bf16");
    as_product(a, &a->scores, a->score, a->rows, a->keys);
    as_product(a, &a->result, a->sum, a->rows, a->columns);
    a->scores.store_count = 0;
    return true;
}

sinter_dtype sni_attention_dtype(const sni_attention *a) {
    const sni_stmt *stmts = a->loop->stmts;
    const int same[] = {a->scores.core_a, a->scores.core_b, a->score, a->result.core_b, a->sum};
    sinter_dtype dtype = stmts[same[0]].dtype;
    for (int i = 1; i < 5; ++i)
        if (stmts[same[i]].dtype != dtype) return SINTER_DTYPE_NONE;
    return dtype;
}

/* ---- What is computed where ------------------------------------------------------------------- */

static bool *need(const sni_attention *a, sni_arena *arena, const int *stops, int stop_count, bool **out_stop) {
    size_t room = (size_t)a->loop->stmt_count + 1;
    bool *needed = sni_arena_alloc(arena, room), *stop = sni_arena_alloc(arena, room);
    if (needed == NULL || stop == NULL) return NULL;
    for (int i = 0; i < stop_count; ++i)
        if (stops[i] >= 0) stop[stops[i]] = true;
    *out_stop = stop;
    return needed;
}

bool *sni_attention_logit_need(const sni_attention *a, int logit, sni_arena *arena) {
    bool *stop, *needed = need(a, arena, (int[]){a->score}, 1, &stop);
    if (needed != NULL) sni_emit_need(a->loop, logit, stop, needed);
    return needed;
}

bool sni_attention_weight_is_plain(const sni_attention *a) {
    const sni_stmt *difference = at(a, at(a, a->weight)->args[0]);
    return is_op(difference, "sub") && difference->args[0] == a->logit && difference->args[1] == a->maximum;
}

bool *sni_attention_weight_need(const sni_attention *a, sni_arena *arena) {
    bool *stop, *needed = need(a, arena, (int[]){a->logit, a->maximum}, 2, &stop);
    if (needed != NULL) sni_emit_need(a->loop, a->weight, stop, needed);
    return needed;
}

bool *sni_attention_store_need(const sni_attention *a, sni_arena *arena) {
    bool *stop, *needed = need(a, arena, (int[]){a->sum, a->total, a->maximum}, 3, &stop);
    for (int i = 0; needed != NULL && i < a->loop->store_count; ++i)
        sni_emit_need(a->loop, a->loop->stores[i].stmt, stop, needed);
    return needed;
}

/* ---- Masks by coordinates --------------------------------------------------------------------- */

typedef struct corner {
    sni_emitter *e;
    const sni_attention *a;
    const char *const *row, *const *key;
} corner;

/* The coordinate that a statement is, behind conversions that keep it; SNI_NO_EXPR: none. */
static sni_expr coordinate(const corner *c, int s) {
    while (at(c->a, s)->kind == SNI_STMT_CAST && !sni_dtype_is_real(at(c->a, s)->dtype)) s = at(c->a, s)->args[0];
    return at(c->a, s)->kind == SNI_STMT_INDEX ? at(c->a, s)->offset : SNI_NO_EXPR;
}

/* The smallest (high = 0) or largest value of an expression in the block, as code; NULL when it is not affine in row and
 * key, or depends on anything else that has no name here. */
static const char *extreme(const corner *c, sni_expr e, int high) {
    sni_sym *sym = c->e->loop->sym;
    uint32_t rows = c->a->rows, known = rows | c->a->keys;
    if (e == SNI_NO_EXPR || sni_sym_uses_value(sym, e) || (sni_sym_axes(sym, e) & ~known)) return NULL;
    if (rows & (rows - 1)) return NULL;
    sni_scope scope = {.lane_axis = -1, .width = 1};
    for (int axis = 0; axis < c->e->loop->axis_count; ++axis) {
        sni_expr coefficient, rest;
        int64_t sign;
        if (!(known >> axis & 1u) || !sni_sym_uses_axis(sym, e, axis)) continue;
        if (!sni_sym_linear_in(sym, e, axis, &coefficient, &rest) || !sni_sym_is_const(sym, coefficient, &sign))
            return NULL;
        scope.names[axis] = (rows >> axis & 1u ? c->row : c->key)[sign > 0 ? high : !high];
    }
    return sni_emit_index_text(c->e, &scope, e, 0);
}

/* Code that is true only when the condition is false (wanted = 0) or true everywhere in the block; NULL: not known. */
static const char *everywhere(const corner *c, int s, bool wanted, int depth) {
    const sni_stmt *stmt = at(c->a, s);
    if (depth > 16) return NULL;
    if (stmt->kind == SNI_STMT_CAST) return everywhere(c, stmt->args[0], wanted, depth + 1);
    if (stmt->kind != SNI_STMT_OP) return NULL;
    if (is_op(stmt, "not")) return everywhere(c, stmt->args[0], !wanted, depth + 1);
    bool both = is_op(stmt, "and"), either = is_op(stmt, "or");
    if (both || either) {
        const char *x = everywhere(c, stmt->args[0], wanted, depth + 1),
                   *y = everywhere(c, stmt->args[1], wanted, depth + 1);
        if (both == wanted) return x != NULL && y != NULL ? sni_emit_format(c->e, "(%s && %s)", x, y) : NULL;
        return x != NULL && y != NULL ? sni_emit_format(c->e, "(%s || %s)", x, y) : x != NULL ? x : y;
    }
    /* a < b everywhere: the largest a - b is negative. */
    static const struct {
        const char *name, *yes, *no;
        int yes_high;
    } relations[] = {
        {"lt", "< 0", ">= 0", 1}, {"le", "<= 0", "> 0", 1}, {"gt", "> 0", "<= 0", 0}, {"ge", ">= 0", "< 0", 0}};
    for (size_t i = 0; i < sizeof relations / sizeof *relations; ++i) {
        if (!is_op(stmt, relations[i].name)) continue;
        sni_expr x = coordinate(c, stmt->args[0]), y = coordinate(c, stmt->args[1]);
        if (!x || !y) return NULL;
        const char *text =
            extreme(c, sni_sym_sub(c->e->loop->sym, x, y), wanted ? relations[i].yes_high : !relations[i].yes_high);
        return text ? sni_emit_format(c->e, "(%s) %s", text, wanted ? relations[i].yes : relations[i].no) : NULL;
    }
    return NULL;
}

static bool is_minus_infinity(const sni_attention *a, int s) {
    s = behind_casts(a, s);
    return at(a, s)->kind == SNI_STMT_CONST && at(a, s)->f == -__builtin_inf();
}

/* The branch of a logit that is minus infinity where the condition is `when`; false: there is none. */
static bool is_masking(const sni_attention *a, int *condition, bool *when, int *otherwise) {
    const sni_stmt *choice = at(a, behind_casts(a, a->logit));
    if (!is_op(choice, "where")) return false;
    *condition = choice->args[0];
    *when = is_minus_infinity(a, choice->args[1]);
    *otherwise = choice->args[*when ? 2 : 1];
    return *when || is_minus_infinity(a, choice->args[2]);
}

const char *sni_attention_masked(sni_emitter *e, const sni_attention *a, const char *const row[2],
                                 const char *const key[2]) {
    corner c = {e, a, row, key};
    int condition, otherwise;
    bool when;
    return is_masking(a, &condition, &when, &otherwise) ? everywhere(&c, condition, when, 0) : NULL;
}

const char *sni_attention_unmasked(sni_emitter *e, const sni_attention *a, const char *const row[2],
                                   const char *const key[2], int *out_logit) {
    corner c = {e, a, row, key};
    int condition;
    bool when;
    return is_masking(a, &condition, &when, out_logit) ? everywhere(&c, condition, !when, 0) : NULL;
}
