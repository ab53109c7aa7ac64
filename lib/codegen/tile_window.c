#include "codegen/tile_window.h"

#include "codegen/layout.h"

/* Bits of a word that says where an element of k wants to be inside, and of one that says where a row is: one for each step
 * along each axis of k that guards ask for, one that every element wants, and one that no row has, for what lies behind the
 * last k. */
enum { MOST_CONDITIONS = 16, MOST_BITS = 30, ALWAYS_BIT = 30, NEVER_BIT = 31, NO_AXIS = -1 };

struct sni_tile_window {
    const sni_loop *loop; /* the program with the axes of its sum taken apart */
    int stmt;
    sni_expr at_outer, at_k; /* parts of the offset */
    int bits[SNI_MAX_AXES];  /* the first bit of an axis of k; -1: no guard asks for it */
    sni_expr conditions[MOST_CONDITIONS];
    int axis_of[MOST_CONDITIONS]; /* the axis of k that a condition asks for, or NO_AXIS */
    int condition_count;
};

/* ---- Is an operand read so? ---- */

/* Takes the guard apart into conditions that ask for one axis of k at most. */
static bool add_conditions(sni_tile_window *w, sni_expr guard) {
    sni_sym *sym = w->loop->sym;
    if (guard == SNI_NO_EXPR) return true;
    if (sni_sym_kind_of(sym, guard) == SNI_SYM_AND) {
        sni_expr second = sni_sym_operand(sym, guard, 1);
        return add_conditions(w, sni_sym_operand(sym, guard, 0)) && add_conditions(w, second);
    }
    uint32_t asked = sni_sym_axes(sym, guard) & w->loop->inner;
    if ((asked & (asked - 1)) != 0 || w->condition_count == MOST_CONDITIONS) return false;
    w->axis_of[w->condition_count] = asked != 0 ? 31 - __builtin_clz(asked) : NO_AXIS;
    w->conditions[w->condition_count++] = guard;
    return true;
}

static bool give_bits(sni_tile_window *w) {
    int64_t extent, next = 0;
    for (int a = 0; a < SNI_MAX_AXES; ++a) w->bits[a] = -1;
    for (int i = 0; i < w->condition_count; ++i) {
        int axis = w->axis_of[i];
        if (axis == NO_AXIS || w->bits[axis] >= 0) continue;
        if (!sni_sym_is_const(w->loop->sym, w->loop->extents[axis], &extent) || next + extent > MOST_BITS) return false;
        w->bits[axis] = (int)next;
        next += extent;
    }
    return true;
}

static bool split_offset(sni_tile_window *w, sni_expr offset) {
    sni_sym *sym = w->loop->sym;
    sni_expr step, rest = offset;
    w->at_k = sni_sym_const(sym, 0);
    for (int a = 0; a < w->loop->axis_count; ++a) {
        if ((w->loop->inner >> a & 1) == 0) continue;
        if (!sni_sym_linear_in(sym, rest, a, &step, &rest) || sni_sym_uses_any_axis(sym, step)) return false;
        w->at_k = sni_sym_add(sym, w->at_k, sni_sym_mul(sym, step, w->loop->axes[a]));
    }
    w->at_outer = rest;
    return w->at_k != SNI_NO_EXPR;
}

/* Axes of a row or column keep their numbers when axes of the sum are taken apart: those are behind them. */
static bool inner_is_last(const sni_loop *loop) {
    uint32_t others = ((1u << loop->axis_count) - 1) & ~loop->inner;
    return loop->inner != 0 && others < (loop->inner & -loop->inner);
}

const sni_tile_window *sni_tile_window_of(const sni_contract *c, const sni_operand *op) {
    if (!inner_is_last(c->loop) || c->loop->stmts[op->stmt].kind != SNI_STMT_LOAD) return NULL;
    sni_tile_window *w = sni_arena_alloc(c->arena, sizeof *w);
    if (w == NULL) return NULL;
    *w = (sni_tile_window){.loop = sni_contract_split_inner_axes(c->loop, c->arena), .stmt = op->stmt};
    const sni_stmt *load = &w->loop->stmts[op->stmt];
    sni_sym *sym = w->loop->sym;
    if (w->loop->buffers[load->buffer].dtype != SINTER_F32 || load->dtype != SINTER_F32) return NULL;
    if (sni_sym_uses_value(sym, load->offset) || (load->guard != SNI_NO_EXPR && sni_sym_uses_value(sym, load->guard)))
        return NULL;
    return split_offset(w, load->offset) && add_conditions(w, load->guard) && give_bits(w) ? w : NULL;
}

/* ---- Printing ---- */

static sni_scope scope_of(sni_emitter *e, const sni_contract *c, const sni_tile_side *side) {
    const sni_tile_window *w = side->window;
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = side->name == 'A' ? "pa" : "pb"};
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &side->op->outer, side->op->along_outer.flat, "outer");
    for (int a = 0; a < w->loop->axis_count; ++a)
        if (w->loop->inner >> a & 1) scope.names[a] = sni_emit_format(e, "w%d", a);
    return scope;
}

void sni_tile_print_window_tables(sni_emitter *e, const sni_tile_side *side) {
    char name = side->name;
    sni_emit_line(e, "__local sn_idx steps_%c[SN_MMA_ITEMS] __attribute__((aligned(32)));", name);
    sni_emit_line(e, "__local uint asked_%c[SN_MMA_ITEMS] __attribute__((aligned(16)));", name);
}

/* Sets the bits of the steps along an axis that stay inside; NO_AXIS: clears all where the row is outside altogether. */
static void print_inside(sni_emitter *e, const sni_scope *scope, const sni_tile_window *w, int axis) {
    sni_str text = SNI_STR_INIT;
    for (int i = 0; i < w->condition_count; ++i)
        if (w->axis_of[i] == axis)
            sni_str_printf(&text, "%s(%s)", text.length > 0 ? " && " : "",
                           sni_emit_index_text(e, scope, w->conditions[i], 0));
    bool any = text.length > 0;
    const char *inside = sni_emit_keep(e, &text);
    if (!any) return;
    if (axis == NO_AXIS) {
        sni_emit_line(e, "if (!(%s)) has = 0;", inside);
        return;
    }
    const char *name = scope->names[axis];
    sni_emit_line(e, "for (sn_idx %s = 0; %s < %s; ++%s)", name, name, sni_contract_number(e, w->loop->extents[axis]),
                  name);
    sni_emit_line(e, "    if (%s) has |= 1u << (%d + %s);", inside, w->bits[axis], name);
}

void sni_tile_print_window_place(sni_emitter *e, const sni_contract *c, const sni_tile_side *side) {
    const sni_tile_window *w = side->window;
    const sni_scope scope = scope_of(e, c, side);
    char name = side->name;
    sni_emit_line(e, "sn_idx from_%c;", name);
    sni_emit_line(e, "uint lacks_%c;", name);
    sni_emit_line(e, "{");
    ++e->indent;
    sni_emit_line(e, "const sn_idx outer = %s + SN_MMA_%c_OUTER(item);", side->first, name);
    sni_contract_split(e, &side->op->outer, side->op->along_outer.flat, "outer", true);
    sni_emit_line(e, "uint has = 1u << %d;", ALWAYS_BIT);
    for (int a = 0; a < w->loop->axis_count; ++a)
        if (w->bits[a] >= 0) print_inside(e, &scope, w, a);
    print_inside(e, &scope, w, NO_AXIS);
    sni_emit_line(e, "lacks_%c = outer < %s ? ~has : ~0u;", name, side->size);
    sni_emit_line(e, "from_%c = %s;", name, sni_emit_index_text(e, &scope, w->at_outer, 0));
    sni_emit_close(e);
}

/* Names the axes of the sum from kx. */
static void print_k_axes(sni_emitter *e, const sni_tile_window *w) {
    const char *left = "kx";
    for (int a = w->loop->axis_count - 1; a >= 0; --a) {
        if ((w->loop->inner >> a & 1) == 0) continue;
        if ((w->loop->inner & ((1u << a) - 1)) == 0) {
            sni_emit_line(e, "const sn_idx w%d = %s;", a, left);
            continue;
        }
        const char *extent = sni_contract_number(e, w->loop->extents[a]);
        sni_emit_line(e, "const sn_idx q%d = %s / %s, w%d = %s - q%d * %s;", a, left, extent, a, left, a, extent);
        left = sni_emit_format(e, "q%d", a);
    }
}

static void print_entry(sni_emitter *e, const sni_scope *scope, const sni_tile_side *side) {
    const sni_tile_window *w = side->window;
    sni_str asked = SNI_STR_INIT;
    sni_str_printf(&asked, "1u << %d", ALWAYS_BIT);
    for (int a = 0; a < w->loop->axis_count; ++a)
        if (w->bits[a] >= 0) sni_str_printf(&asked, " | 1u << (%d + w%d)", w->bits[a], a);
    sni_emit_line(e, "const sn_idx kx = k_first + (sn_idx)lane;");
    print_k_axes(e, w);
    sni_emit_line(e, "SN_WG_SYNC_WARP");
    sni_emit_line(e, "steps_%c[item] = %s;", side->name, sni_emit_index_text(e, scope, w->at_k, 0));
    sni_emit_line(e, "asked_%c[item] = kx < size_k ? %s : 1u << %d;", side->name, sni_emit_keep(e, &asked), NEVER_BIT);
    sni_emit_line(e, "SN_WG_SYNC_WARP");
}

void sni_tile_print_window_fetch(sni_emitter *e, const sni_contract *c, const sni_tile_side *side) {
    const sni_tile_window *w = side->window;
    const sni_scope scope = scope_of(e, c, side);
    const char *buffer = sni_emit_buffer(e, w->loop->stmts[w->stmt].buffer);
    char name = side->name;
    print_entry(e, &scope, side);
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int i = 0; i < SN_MMA_%c_CHUNKS; ++i)", name);
    sni_emit_line(e, "const uint x = item + i * SN_MMA_ITEMS, at = item - lane + SN_MMA_%c_K(x);", name);
    sni_emit_line(e, "const sn_idx4 to = *(__local const sn_idx4 *)(steps_%c + at) + from_%c;", name, name);
    sni_emit_line(e, "const uint4 lacks = *(__local const uint4 *)(asked_%c + at) & lacks_%c;", name, name);
    sni_emit_line(e, "uint words[4];");
    for (int lane = 0; lane < 4; ++lane)
        sni_emit_line(e, "SN_PL_LOAD(words[%d], %s + to.s%d, lacks.s%d)", lane, buffer, lane, lane);
    sni_emit_line(e, "next_%c[i] = (uint4)(words[0], words[1], words[2], words[3]);", name);
    sni_emit_close(e);
}
