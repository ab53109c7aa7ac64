/* Accumulators of a pass, tuples among them. */
#include "codegen/accumulate.h"

typedef const sni_accumulators accs;

static const sni_stmt *stmt_of(accs *a, int s) {
    return &a->e->loop->stmts[s];
}
static sni_ctype type_of(accs *a, int s) {
    return sni_ctype_of(stmt_of(a, s)->dtype);
}

static int width_of(accs *a, int s) {
    return a->by == NULL ? a->width : sni_emit_is_vector(a->e, a->by, s) ? a->by->width : 1;
}

static const char *name_of(accs *a, sni_place place, int s) {
    return sni_emit_format(a->e, "%s%d%s", place.prefix, s, place.suffix);
}

static const char *count_of(accs *a, sni_place place, int s) {
    return sni_emit_format(a->e, "%s%dn%s", place.prefix, s, place.count);
}

static const char *inverse_of(accs *a, sni_place place, int s) {
    return sni_emit_format(a->e, "%s%di%s", place.prefix, s, place.count);
}

static const sni_follower *follower_of(const sni_passes *passes, int s) {
    return passes->followers != NULL && passes->followers[s].tuple != SNI_TUPLE_NONE ? &passes->followers[s] : NULL;
}

/* Is there a follower of s, and one whose tuple counts? */
static bool leads(const sni_passes *passes, int s, bool counting) {
    for (int f = s + 1; f < passes->loop->stmt_count; ++f) {
        const sni_follower *follower = passes->live[f] ? follower_of(passes, f) : NULL;
        if (follower == NULL || follower->leader != s) continue;
        if (!counting || sni_tuple_row_of(follower->tuple)->counts) return true;
    }
    return false;
}

bool sni_accumulators_has(accs *a, int s) {
    return a->passes->live[s] && stmt_of(a, s)->kind == SNI_STMT_REDUCE && a->passes->depth[s] == a->pass;
}

int sni_accumulators_count(accs *a) {
    int count = 0;
    for (int s = 0; s < a->e->loop->stmt_count; ++s) count += sni_accumulators_has(a, s);
    return count;
}

sni_place sni_place_of(const char *suffix) {
    return (sni_place){"acc", suffix, suffix};
}

/* ---- Declaring and copying -------------------------------------------------------------------- */

void sni_accumulators_declare(accs *a, sni_place place) {
    for (int s = 0; s < a->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(a, s)) continue;
        const sni_stmt *stmt = stmt_of(a, s);
        sni_emit_line(a->e, "%s %s = %s;", sni_ctype_name(type_of(a, s), width_of(a, s)), name_of(a, place, s),
                      sni_emit_identity(a->e, stmt->combiner, stmt->dtype, width_of(a, s)));
        if (leads(a->passes, s, true))
            sni_emit_line(a->e, "%s %s = 0, %s = 0;", sni_ctype_name(type_of(a, s), 1), count_of(a, place, s),
                          inverse_of(a, place, s));
    }
}

void sni_accumulators_declare_local(sni_emitter *e, const sni_passes *passes, const char *prefix, int items) {
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!passes->live[s] || e->loop->stmts[s].kind != SNI_STMT_REDUCE) continue;
        const char *type = sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), 1);
        sni_emit_line(e, "__local %s %s%d[%d];", type, prefix, s, items);
        if (leads(passes, s, true)) sni_emit_line(e, "__local %s %s%dn[%d];", type, prefix, s, items);
    }
}

uint64_t sni_accumulators_local_bytes(const sni_passes *passes) {
    uint64_t bytes = 0;
    for (int s = 0; s < passes->loop->stmt_count; ++s) {
        if (!passes->live[s] || passes->loop->stmts[s].kind != SNI_STMT_REDUCE) continue;
        sni_ctype type = sni_ctype_of(passes->loop->stmts[s].dtype);
        uint64_t each = type == SNI_C_LONG || type == SNI_C_DOUBLE ? 8 : 4;
        bytes += leads(passes, s, true) ? 2 * each : each;
    }
    return bytes;
}

void sni_accumulators_copy(accs *a, sni_place to, sni_place from) {
    for (int s = 0; s < a->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(a, s)) continue;
        sni_emit_line(a->e, "%s = %s;", name_of(a, to, s), name_of(a, from, s));
        if (leads(a->passes, s, true)) sni_emit_line(a->e, "%s = %s;", count_of(a, to, s), count_of(a, from, s));
    }
}

/* ---- Expressions of tuples -------------------------------------------------------------------- */

/* What a leader was and is, as variables of the tuples' expressions. */
typedef struct change {
    const char *before, *now;
    const char *count_before, *inverse_before, *count_now, *inverse_now; /* NULL: not counted */
} change;

typedef struct variables {
    sni_variable list[12];
    int count;
} variables;

static void set(variables *v, char letter, const char *text, sni_ctype type, int width) {
    if (text != NULL)
        v->list[v->count++] =
            (sni_variable){.letter = letter, .text = text, .type = type, .width = width, .own_type = true};
}

static variables variables_of(accs *a, int s, const change *c) {
    const sni_stmt *stmt = stmt_of(a, s);
    int leader = follower_of(a->passes, s)->leader;
    variables v = {.count = 0};
    set(&v, 'z', sni_emit_identity(a->e, stmt->combiner, stmt->dtype, 1), type_of(a, s), 1);
    set(&v, 'p', c->before, type_of(a, leader), width_of(a, leader));
    set(&v, 'm', c->now, type_of(a, leader), width_of(a, leader));
    set(&v, 'j', c->count_before, type_of(a, leader), 1);
    set(&v, 's', c->inverse_before, type_of(a, leader), 1);
    set(&v, 'n', c->count_now, type_of(a, leader), 1);
    set(&v, 'r', c->inverse_now, type_of(a, leader), 1);
    return v;
}

static const char *expression(accs *a, int s, const char *text, const variables *v, int width) {
    return sni_emit_expression(a->e, text, type_of(a, s), width, v->list, v->count, NULL, false);
}

/* The partial result `value` of follower s after the change. */
static const char *carried(accs *a, int s, const change *c, const char *value) {
    variables v = variables_of(a, s, c);
    set(&v, 'a', value, type_of(a, s), width_of(a, s));
    return expression(a, s, sni_tuple_row_of(follower_of(a->passes, s)->tuple)->carry, &v, width_of(a, s));
}

static bool follows(accs *a, int s, int leader) {
    const sni_follower *f = follower_of(a->passes, s);
    return f != NULL && f->leader == leader && sni_accumulators_has(a, s);
}

/* ---- Adding ----------------------------------------------------------------------------------- */

/* The product of a follower's factors, NULL for 1. */
static const char *product_of(accs *a, const sni_scope *scope, int s, int width) {
    const sni_follower *f = follower_of(a->passes, s);
    const char *product = NULL;
    for (int i = 0; i < f->factor_count; ++i) {
        const char *factor = sni_emit_operand(a->e, scope, f->factors[i], type_of(a, s), width);
        product = product == NULL ? factor : sni_emit_format(a->e, "%s * %s", product, factor);
    }
    if (f->factor_count > 1) product = sni_emit_format(a->e, "(%s)", product);
    return product;
}

static void enter(accs *a, const sni_scope *scope, int s, const change *c, sni_place place) {
    const sni_follower *f = follower_of(a->passes, s);
    int width = width_of(a, s), x = stmt_of(a, f->leader)->args[0], x_width = width_of(a, f->leader);
    variables v = variables_of(a, s, c);
    const char *y = product_of(a, scope, s, width);
    set(&v, 'x', sni_emit_operand(a->e, scope, x, type_of(a, f->leader), x_width), type_of(a, f->leader), x_width);
    set(&v, 'y', y, type_of(a, s), width);
    if (y == NULL) v.list[v.count++] = (sni_variable){.letter = 'y', .number = 1};
    const char *value = expression(a, s, sni_tuple_row_of(f->tuple)->enter, &v, width), *name = name_of(a, place, s);
    sni_emit_line(a->e, "%s = %s;", name,
                  sni_emit_combine(a->e, stmt_of(a, s)->combiner, type_of(a, s), width, name, value));
}

/* Carries the followers of tuples that do so, where the leader has changed. */
static void carry_changed(accs *a, int leader, const change *c, sni_place place) {
    bool any = false;
    for (int s = leader + 1; s < a->e->loop->stmt_count; ++s)
        any |= follows(a, s, leader) && sni_tuple_row_of(follower_of(a->passes, s)->tuple)->carries;
    if (!any) return;
    sni_emit_open(a->e, width_of(a, leader) > 1 ? "if (any(%s != %s))" : "if (%s != %s)", c->now, c->before);
    for (int s = leader + 1; s < a->e->loop->stmt_count; ++s)
        if (follows(a, s, leader) && sni_tuple_row_of(follower_of(a->passes, s)->tuple)->carries)
            sni_emit_line(a->e, "%s = %s;", name_of(a, place, s), carried(a, s, c, name_of(a, place, s)));
    sni_emit_close(a->e);
}

/* A leader takes an element in, and its followers with it. */
static void add_tuple(accs *a, const sni_scope *scope, int leader, sni_place place) {
    sni_emitter *e = a->e;
    const sni_stmt *stmt = stmt_of(a, leader);
    sni_ctype type = type_of(a, leader);
    int width = width_of(a, leader);
    const char *scalar = sni_ctype_name(type, 1);
    change c = {name_of(a, place, leader), sni_emit_format(e, "next%d", leader), NULL, NULL, NULL, NULL};
    sni_emit_open(e, "%s", "");
    sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width), c.now,
                  sni_emit_combine(e, stmt->combiner, type, width, c.before,
                                   sni_emit_operand(e, scope, stmt->args[0], type, width)));
    if (leads(a->passes, leader, true)) {
        c.count_before = count_of(a, place, leader), c.inverse_before = inverse_of(a, place, leader);
        c.count_now = sni_emit_format(e, "next%dn", leader), c.inverse_now = sni_emit_format(e, "next%di", leader);
        sni_emit_line(e, "const %s %s = %s + 1, %s = 1 / %s;", scalar, c.count_now, c.count_before, c.inverse_now,
                      c.count_now);
    }
    carry_changed(a, leader, &c, place);
    for (int s = leader + 1; s < e->loop->stmt_count; ++s)
        if (follows(a, s, leader)) enter(a, scope, s, &c, place);
    sni_emit_line(e, "%s = %s;", c.before, c.now);
    if (c.count_now != NULL)
        sni_emit_line(e, "%s = %s, %s = %s;", c.count_before, c.count_now, c.inverse_before, c.inverse_now);
    sni_emit_close(e);
}

void sni_accumulators_add(accs *a, const sni_scope *scope, const char *const *names, sni_place place) {
    sni_scope local = *scope;
    local.have = names;
    for (int s = 0; s < a->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(a, s) || follower_of(a->passes, s) != NULL) continue;
        if (leads(a->passes, s, false))
            add_tuple(a, &local, s, place);
        else
            sni_emit_accumulate(a->e, scope, s, names, width_of(a, s), name_of(a, place, s));
    }
}

/* ---- Merging ---------------------------------------------------------------------------------- */

static void merge_tuple(accs *a, int leader, sni_place to, sni_place from) {
    sni_emitter *e = a->e;
    const sni_stmt *stmt = stmt_of(a, leader);
    sni_ctype type = type_of(a, leader);
    const char *now = sni_emit_format(e, "next%d", leader);
    change sides[2] = {{.before = name_of(a, to, leader), .now = now},
                       {.before = name_of(a, from, leader), .now = now}};
    sni_emit_open(e, "%s", "");
    sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width_of(a, leader)), now,
                  sni_emit_combine(e, stmt->combiner, type, width_of(a, leader), sides[0].before, sides[1].before));
    if (leads(a->passes, leader, true)) {
        const char *scalar = sni_ctype_name(type, 1), *total = sni_emit_format(e, "next%dn", leader);
        const char *inverse = sni_emit_format(e, "next%di", leader);
        sni_place places[2] = {to, from};
        for (int i = 0; i < 2; ++i) {
            const char *count = count_of(a, places[i], leader);
            sides[i].count_before = count, sides[i].count_now = total, sides[i].inverse_now = inverse;
            sides[i].inverse_before = sni_emit_format(e, "side%d_%d", leader, i);
            sni_emit_line(e, "const %s %s = %s > 0 ? 1 / %s : 0;", scalar, sides[i].inverse_before, count, count);
        }
        sni_emit_line(e, "const %s %s = %s + %s, %s = %s > 0 ? 1 / %s : 0;", scalar, total, sides[0].count_before,
                      sides[1].count_before, inverse, total, total);
    }
    for (int s = leader + 1; s < e->loop->stmt_count; ++s) {
        if (!follows(a, s, leader)) continue;
        const char *own = carried(a, s, &sides[0], name_of(a, to, s));
        const char *other = carried(a, s, &sides[1], name_of(a, from, s));
        sni_emit_line(e, "%s = %s;", name_of(a, to, s),
                      sni_emit_combine(e, stmt_of(a, s)->combiner, type_of(a, s), width_of(a, s), own, other));
    }
    sni_emit_line(e, "%s = %s;", sides[0].before, now);
    if (sides[0].count_now != NULL) sni_emit_line(e, "%s = %s;", sides[0].count_before, sides[0].count_now);
    sni_emit_close(e);
}

void sni_accumulators_merge(accs *a, sni_place to, sni_place from) {
    for (int s = 0; s < a->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(a, s) || follower_of(a->passes, s) != NULL) continue;
        const char *own = name_of(a, to, s);
        if (leads(a->passes, s, false))
            merge_tuple(a, s, to, from);
        else
            sni_emit_line(a->e, "%s = %s;", own,
                          sni_emit_combine(a->e, stmt_of(a, s)->combiner, type_of(a, s), width_of(a, s), own,
                                           name_of(a, from, s)));
    }
}

/* Declares place `to` as the lower half of the lanes of from. */
static void declare_half(accs *half, sni_place to, sni_place from) {
    for (int s = 0; s < half->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(half, s)) continue;
        const char *type = sni_ctype_name(type_of(half, s), half->width);
        sni_emit_line(half->e, "%s %s = %s%s;", type, name_of(half, to, s), name_of(half, from, s), ".lo");
        if (leads(half->passes, s, true))
            sni_emit_line(half->e, "%s %s = %s;", sni_ctype_name(type_of(half, s), 1), count_of(half, to, s),
                          count_of(half, from, s));
    }
}

void sni_accumulators_fold(accs *a, sni_place to, sni_place from) {
    sni_accumulators half = *a;
    while (half.width > 1) {
        half.width /= 2;
        sni_place next = to;
        if (half.width > 1) next = sni_place_of(sni_emit_format(a->e, "%s_%d", to.suffix, half.width));
        sni_place high = {from.prefix, sni_emit_format(a->e, "%s.hi", from.suffix), from.count};
        declare_half(&half, next, from);
        sni_accumulators_merge(&half, next, high);
        from = next;
    }
}

/* ---- Results ---------------------------------------------------------------------------------- */

/* Prints what of the row a follower takes, which the leader's result gives. */
static void emit_taken(accs *a, const sni_scope *scope, int taken, const char **names) {
    sni_emitter *e = a->e;
    size_t count = (size_t)e->loop->stmt_count + 1;
    bool *needed = sni_arena_alloc(e->arena, count), *stop = sni_arena_alloc(e->arena, count);
    const char **have = sni_emit_names(e, names);
    if (needed == NULL || stop == NULL || have == NULL) {
        e->failed = true;
        return;
    }
    for (int s = 0; s < e->loop->stmt_count; ++s) stop[s] = names[s] != NULL;
    sni_emit_need(e->loop, taken, stop, needed);
    sni_scope local = *scope;
    local.have = have;
    sni_emit_stmts(e, &local, needed, names);
}

/* The number of elements as a condition that there are some; NULL: there always are. */
static const char *some_elements(accs *a, sni_expr elements) {
    int64_t known;
    if (sni_sym_is_const(a->e->loop->sym, elements, &known) && known > 0) return NULL;
    return sni_emit_number(a->e, elements);
}

static const char *leave(accs *a, const sni_scope *scope, int s, sni_place from, const char **names) {
    const sni_follower *f = follower_of(a->passes, s);
    sni_emitter *e = a->e;
    int width = width_of(a, s);
    sni_ctype leader_type = type_of(a, f->leader);
    const char *own = name_of(a, from, s);
    sni_expr elements = sni_extent_product(e->loop, stmt_of(a, s)->axes);
    change c = {.now = names[f->leader]};
    if (sni_tuple_row_of(f->tuple)->counts)
        c.count_now = sni_emit_format(e, "(%s)%s", sni_ctype_name(leader_type, 1), sni_emit_number(e, elements));
    variables v = variables_of(a, s, &c);
    set(&v, 'a', own, type_of(a, s), width);
    if (f->taken >= 0) {
        int taken_width = sni_emit_is_vector(e, scope, f->taken) ? scope->width : 1;
        emit_taken(a, scope, f->taken, names);
        sni_scope local = *scope;
        local.have = names;
        set(&v, 'u', sni_emit_operand(e, &local, f->taken, type_of(a, s), taken_width), type_of(a, s), taken_width);
    }
    const char *result = expression(a, s, sni_tuple_row_of(f->tuple)->leave, &v, width);
    if (f->divisor >= 0) {
        sni_scope local = *scope;
        local.have = names;
        result = sni_emit_format(e, "%s / %s", result, sni_emit_operand(e, &local, f->divisor, type_of(a, s), width));
    }
    const char *some = some_elements(a, elements);
    return some == NULL ? result : sni_emit_format(e, "%s > 0 ? %s : %s", some, result, own);
}

void sni_accumulators_finish(accs *a, const sni_scope *scope, sni_place from, const char **names) {
    for (int s = 0; s < a->e->loop->stmt_count; ++s) {
        if (!sni_accumulators_has(a, s)) continue;
        int width = width_of(a, s);
        const char *value = name_of(a, from, s);
        if (follower_of(a->passes, s) != NULL) value = leave(a, scope, s, from, names);
        names[s] = sni_emit_format(a->e, "%s%d", scope->prefix != NULL ? scope->prefix : "s", s);
        sni_emit_line(a->e, "const %s %s = %s;", sni_ctype_name(type_of(a, s), width), names[s],
                      sni_emit_wrap(a->e, stmt_of(a, s)->dtype, width, value));
    }
}
