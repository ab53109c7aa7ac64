/* Loading a tile of an operand for a matrix instruction, in chunks of 16 bytes.
 *
 * Where memory lies so that a chunk is one aligned vector, it is loaded (and its prologue computed) as one; if only some
 * sizes allow that, a number that the host computes says so. Everywhere else the elements of a chunk are
 * computed one by one. A plain load of what the instruction wants is copied without looking at it. */
#include "codegen/tile_load.h"

/* ---- What an operand allows ---- */

/* 0 or 1: lanes of one load from a multiple of lanes on are in range together, and aligned. */
static sni_expr load_whole(const sni_contract *c, const sni_stmt *load, int axis, int lanes) {
    sni_sym *sym = c->loop->sym;
    sni_expr no = sni_sym_const(sym, 0), coefficient, rest;
    if (load->guard != SNI_NO_EXPR && sni_sym_uses_axis(sym, load->guard, axis)) return no;
    if (!sni_sym_uses_axis(sym, load->offset, axis)) return sni_sym_const(sym, 1);
    if (!sni_sym_linear_in(sym, load->offset, axis, &coefficient, &rest) || !sni_sym_is(sym, coefficient, 1)) return no;
    sni_expr aligned = sni_emit_divisible(sym, rest, lanes);
    return aligned != SNI_NO_EXPR ? aligned : no;
}

typedef struct moving {
    const sni_contract *c;
    int axis;
    bool found;
} moving;

static void find_moving(void *context, int statement) {
    moving *m = context;
    if (m->c->loop->stmts[statement].mask >> m->axis & 1) m->found = true;
}

/* Does something read from memory and changing along the axis say where to read? */
static bool address_moves(const sni_contract *c, const sni_stmt *load, int axis) {
    moving m = {c, axis, false};
    sni_emit_visit_values(c->loop->sym, load->offset, find_moving, &m);
    sni_emit_visit_values(c->loop->sym, load->guard, find_moving, &m);
    return m.found;
}

static sni_expr whole_chunks(const sni_contract *c, const sni_operand *op, const sni_flat *group, int lanes) {
    sni_sym *sym = c->loop->sym;
    sni_expr no = sni_sym_const(sym, 0);
    if (group->last < 0) return no;
    sni_expr whole = sni_emit_divisible(sym, c->loop->extents[group->last], lanes);
    for (int i = 0; i < c->loop->stmt_count && whole != SNI_NO_EXPR; ++i) {
        const sni_stmt *stmt = &c->loop->stmts[i];
        if (!op->needed[i] || stmt->kind != SNI_STMT_LOAD) continue;
        if (address_moves(c, stmt, group->last)) return no;
        whole = sni_sym_and(sym, whole, load_whole(c, stmt, group->last, lanes));
    }
    return whole != SNI_NO_EXPR ? whole : no;
}

static bool is_direct(const sni_contract *c, const sni_operand *op, sinter_dtype dtype) {
    const sni_stmt *value = &c->loop->stmts[op->stmt];
    return value->kind == SNI_STMT_LOAD && value->guard == SNI_NO_EXPR &&
           c->loop->buffers[value->buffer].dtype == dtype && !sni_sym_uses_value(c->loop->sym, value->offset);
}

/* Does the offset grow by the same for each k? */
static bool steady_step(const sni_contract *c, const sni_operand *op, sni_expr *out_step) {
    sni_sym *sym = c->loop->sym;
    sni_expr rest;
    return op->along_k.flat && c->k.last >= 0 &&
           sni_sym_linear_in(sym, c->loop->stmts[op->stmt].offset, c->k.last, out_step, &rest) &&
           !sni_sym_uses_any_axis(sym, *out_step);
}

static int lanes_of(sinter_dtype dtype) {
    return 16 / (int)sinter_dtype_size(dtype);
}

sni_tile_side sni_tile_side_of(const sni_contract *c, const sni_tile_core *core, const sni_operand *op, char name) {
    sinter_dtype dtype = core->row->dtype;
    bool is_a = name == 'A';
    sni_tile_side side = {.op = op, .name = name, .first = is_a ? "row0" : "col0", .size = is_a ? "size_m" : "size_n"};
    side.along_k = op->along_k.unit || !op->along_outer.unit;
    side.whole = whole_chunks(c, op, side.along_k ? &c->k : &op->outer, lanes_of(dtype));
    bool never = sni_sym_is(c->loop->sym, side.whole, 0);
    side.direct = !never && is_direct(c, op, dtype);
    side.async = side.direct && core->async;
    side.steady = side.async && steady_step(c, op, &side.step);
    return side;
}

/* ---- Printing ---- */

typedef struct loader {
    sni_emitter *e;
    const sni_contract *c;
    const sni_tile_side *side;
    int lanes;
} loader;

/* The coordinates of an element, from the variables outer and kx. */
static sni_scope scope_at(const loader *l) {
    const sni_operand *op = l->side->op;
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = l->side->name == 'A' ? "pa" : "pb"};
    sni_contract_split(l->e, &op->outer, op->along_outer.flat, "outer", true);
    sni_contract_split(l->e, &l->c->k, op->along_k.flat, "kx", true);
    sni_contract_name(l->e, &scope, &l->c->b, false, "bi");
    sni_contract_name(l->e, &scope, &op->outer, op->along_outer.flat, "outer");
    sni_contract_name(l->e, &scope, &l->c->k, op->along_k.flat, "kx");
    return scope;
}

/* The address of a direct operand's chunk. */
static const char *address(const loader *l, const sni_scope *scope) {
    const sni_stmt *load = &l->c->loop->stmts[l->side->op->stmt];
    const char *buffer = sni_emit_buffer(l->e, load->buffer);
    return sni_emit_format(l->e, "%s + %s", buffer, sni_emit_index_text(l->e, scope, load->offset, 0));
}

/* Assigns a whole chunk to chunk. */
static void print_whole(const loader *l) {
    sni_emitter *e = l->e;
    sni_emit_open(e, "if (outer < %s && kx < size_k)", l->side->size);
    sni_scope scope = scope_at(l);
    if (l->side->direct) {
        sni_emit_line(e, "chunk = *(__global const uint4 *)(%s);", address(l, &scope));
    } else {
        scope.lane_axis = l->side->along_k ? l->c->k.last : l->side->op->outer.last;
        scope.width = l->lanes;
        scope.aligned = true;
        sni_emit_line(e, "chunk = SN_MMA_PACK(%s);", sni_contract_value(e, l->c, l->side->op, &scope));
    }
    sni_emit_close(e);
}

/* Assigns a chunk element by element. The coordinates of the first one are taken apart, the others follow by steps: divisions
 * take longer than all else here. */
static void print_elements(const loader *l) {
    sni_emitter *e = l->e;
    const sni_operand *op = l->side->op;
    const sni_flat *along = l->side->along_k ? &l->c->k : &op->outer,
                   *across = l->side->along_k ? &op->outer : &l->c->k;
    bool flat_along = l->side->along_k ? op->along_k.flat : op->along_outer.flat;
    bool flat_across = l->side->along_k ? op->along_outer.flat : op->along_k.flat;
    const char *moved = l->side->along_k ? "kx" : "outer", *still = l->side->along_k ? "outer" : "kx";
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = l->side->name == 'A' ? "pa" : "pb"};
    sni_contract_name(e, &scope, &l->c->b, false, "bi");
    sni_contract_name(e, &scope, along, flat_along, moved);
    sni_contract_name(e, &scope, across, flat_across, still);
    sni_emit_line(e, "uint words[4] = {0, 0, 0, 0};");
    sni_emit_open(e, "if (outer < %s && kx < size_k)", l->side->size);
    sni_contract_split(e, across, flat_across, still, true);
    sni_contract_split(e, along, flat_along, moved, false);
    sni_emit_line(e, "const sn_idx first = %s;", moved);
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int e = 0; e < SN_MMA_V; ++e)");
    sni_emit_line(e, "const sn_idx %s = first + e;", moved);
    sni_emit_open(e, "if (%s < %s)", moved, l->side->along_k ? "size_k" : l->side->size);
    sni_emit_line(e, "words[e / (SN_MMA_V / 4)] |= SN_MMA_BITS(%s) << e %% (SN_MMA_V / 4) * (128 / SN_MMA_V);",
                  sni_contract_value(e, l->c, op, &scope));
    sni_emit_close(e);
    sni_contract_advance(e, along, flat_along);
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_line(e, "chunk = (uint4)(words[0], words[1], words[2], words[3]);");
}

static loader loader_of(sni_emitter *e, const sni_contract *c, const sni_tile_side *side, const sni_tile_core *core) {
    return (loader){e, c, side, lanes_of(core->row->dtype)};
}

/* Opens a loop over the chunks of a work-item in the tile whose first k is given. */
static void open_chunks(const loader *l, const char *k_first) {
    sni_emitter *e = l->e;
    char name = l->side->name;
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int i = 0; i < SN_MMA_%c_CHUNKS; ++i)", name);
    sni_emit_line(e, "const uint x = item + i * SN_MMA_ITEMS;");
    sni_emit_line(e, "if (!SN_MMA_%c_HAS(x)) break;", name);
    sni_emit_line(e, "const sn_idx outer = %s + SN_MMA_%c_OUTER(x), kx = %s + SN_MMA_%c_K(x);", l->side->first, name,
                  k_first, name);
}

/* Prints `whole` where chunks are whole for every size, elements where for none, else a choice. */
static void print_choice(const loader *l, void (*whole)(const loader *), void (*elements)(const loader *)) {
    sni_emitter *e = l->e;
    sni_sym *sym = l->c->loop->sym;
    bool always = sni_sym_is(sym, l->side->whole, 1), never = sni_sym_is(sym, l->side->whole, 0);
    if (!always && !never) sni_emit_open(e, "if (%s)", sni_contract_number(e, l->side->whole));
    if (!never) whole(l);
    if (!always && !never) {
        sni_emit_close(e);
        sni_emit_open(e, "else");
    }
    if (!always) elements(l);
    if (!always && !never) sni_emit_close(e);
}

void sni_tile_print_fetch(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const sni_tile_side *side) {
    loader l = loader_of(e, c, side, core);
    open_chunks(&l, "k_first");
    sni_emit_line(e, "uint4 chunk = (uint4)(0);");
    print_choice(&l, print_whole, print_elements);
    sni_emit_line(e, "next_%c[i] = chunk;", side->name);
    sni_emit_close(e);
}

static const char *stage_of(const loader *l) {
    bool is_a = l->side->name == 'A';
    return is_a ? "a_tiles + ahead * SN_MMA_A_TILE" : "b_tiles + ahead * SN_MMA_B_TILE";
}

void sni_tile_print_places(sni_emitter *e, const sni_contract *c, const sni_tile_core *core,
                           const sni_tile_side *side) {
    loader l = loader_of(e, c, side, core);
    char name = side->name;
    if (!side->steady) return;
    sni_emit_line(e, "sn_idx from_%c[SN_MMA_%c_CHUNKS], until_%c[SN_MMA_%c_CHUNKS];", name, name, name, name);
    open_chunks(&l, "0");
    sni_scope scope = scope_at(&l);
    sni_emit_line(e, "from_%c[i] = %s;", name,
                  sni_emit_index_text(e, &scope, c->loop->stmts[side->op->stmt].offset, 0));
    sni_emit_line(e, "until_%c[i] = outer < %s ? size_k - SN_MMA_%c_K(x) : 0;", name, side->size, name);
    sni_emit_close(e);
}

static void print_async(const loader *l) {
    sni_emitter *e = l->e;
    const sni_stmt *load = &l->c->loop->stmts[l->side->op->stmt];
    const char *buffer = sni_emit_buffer(e, load->buffer);
    char name = l->side->name;
    if (l->side->steady) {
        sni_emit_line(e, "SN_MMA_COPY(SN_MMA_%c_TO(%s, x), %s + (from_%c[i] + k_first * %s), k_first < until_%c[i])",
                      name, stage_of(l), buffer, name, sni_contract_number(e, l->side->step), name);
        return;
    }
    sni_emit_line(e, "const int inside = outer < %s && kx < size_k;", l->side->size);
    sni_scope scope = scope_at(l);
    sni_emit_line(e, "const sn_idx offset = inside ? %s : 0;", sni_emit_index_text(e, &scope, load->offset, 0));
    sni_emit_line(e, "SN_MMA_COPY(SN_MMA_%c_TO(%s, x), %s + offset, inside)", name, stage_of(l), buffer);
}

/* What cannot be copied is stored at once: it waits for memory, but needs no registers beyond. */
static void print_stored(const loader *l) {
    sni_emit_line(l->e, "uint4 chunk;");
    print_elements(l);
    sni_emit_line(l->e, "SN_MMA_PUT(%c, %s, x, chunk)", l->side->name, stage_of(l));
}

void sni_tile_print_copy(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const sni_tile_side *side) {
    loader l = loader_of(e, c, side, core);
    open_chunks(&l, "k_first");
    print_choice(&l, print_async, print_stored);
    sni_emit_close(e);
}
