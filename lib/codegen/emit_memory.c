/* Loads and stores, and conversions between types.
 *
 * Along the lane axis an access of stride 1 is one vector load or store, one that does not move is a scalar that is
 * broadcast, and everything else goes lane by lane. A load whose guard differs from lane to lane reads the
 * whole vector when the first and the last lane may be read and the guard is an interval, which is so
 * everywhere but at the rim of a padded input. There a CPU masks the vector, unless it hangs out of the buffer. */
#include "codegen/emit_internal.h"

#include <string.h>

const char *sni_emit_wrap(sni_emitter *e, sinter_dtype dtype, int width, const char *text) {
    const char *narrow = dtype == SINTER_I8    ? "char"
                         : dtype == SINTER_U8  ? "uchar"
                         : dtype == SINTER_I16 ? "short"
                         : dtype == SINTER_U16 ? "ushort"
                         : dtype == SINTER_U32 ? "uint"
                                               : NULL;
    if (narrow == NULL) return text;
    const char *wide = sni_ctype_name(sni_ctype_of(dtype), 1);
    if (width == 1) return sni_emit_format(e, "(%s)(%s)(%s)", wide, narrow, text);
    return sni_emit_format(e, "convert_%s%d(convert_%s%d(%s))", wide, width, narrow, width, text);
}

const char *sni_emit_operand(sni_emitter *e, const sni_scope *scope, int s, sni_ctype type, int width) {
    const char *name = scope->have != NULL ? scope->have[s] : NULL;
    if (name == NULL) {
        e->failed = true;
        return "0";
    }
    bool vector = sni_emit_is_vector(e, scope, s);
    sni_ctype own = sni_ctype_of(e->loop->stmts[s].dtype);
    if (own != type) {
        const char *to = sni_ctype_name(type, vector ? scope->width : 1);
        name = sni_emit_format(e, vector ? "convert_%s(%s)" : "(%s)%s", to, name);
    }
    if (vector || width == 1) return name;
    return sni_emit_format(e, "(%s)(%s)", sni_ctype_name(type, width), name);
}

/* ---- Casts ------------------------------------------------------------------------------------ */

/* Does anything but a store to memory of the same dtype use the statement's value? */
static bool used_by_statement(const sni_loop *loop, int s) {
    for (int i = s + 1; i < loop->stmt_count; ++i)
        for (int a = 0; a < loop->stmts[i].arg_count; ++a)
            if (loop->stmts[i].args[a] == s) return true;
    return false;
}

/* Values of more than a float's 24 bits on their way to 16 bits: to nearest only once, at the end. */
static const char *odd_float(sni_emitter *e, const sni_scope *scope, int s, sni_ctype from, int width) {
    const char *value = sni_emit_operand(e, scope, s, from, width);
    const char *function = sni_emit_format(e, "sn_odd_float_%s", sni_ctype_name(from, 1));
    sni_str text = SNI_STR_INIT;
    sni_emit_use(e, from, 1);
    if (width == 1) return sni_emit_format(e, "%s(%s)", function, value);
    sni_str_printf(&text, "(%s)(", sni_ctype_name(SNI_C_FLOAT, width));
    for (int lane = 0; lane < width; ++lane)
        sni_str_printf(&text, "%s%s((%s).s%x)", lane > 0 ? ", " : "", function, value, (unsigned)lane);
    sni_str_append(&text, ")");
    return sni_emit_keep(e, &text);
}

/* To a real dtype: 16-bit ones round, unless a store is about to do so. */
static const char *cast_to_real(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_ctype type = sni_ctype_of(stmt->dtype);
    bool half = stmt->dtype == SINTER_F16 || stmt->dtype == SINTER_BF16;
    sinter_dtype source = e->loop->stmts[stmt->args[0]].dtype;
    bool wide = source == SINTER_F64 || source == SINTER_I64 || source == SINTER_I32 || source == SINTER_U32;
    const char *value = half && wide ? odd_float(e, scope, stmt->args[0], sni_ctype_of(source), width)
                                     : sni_emit_operand(e, scope, stmt->args[0], type, width);
    if (!half || e->loop->stmts[stmt->args[0]].dtype == stmt->dtype || !used_by_statement(e->loop, s)) return value;
    sni_emit_use(e, type, width);
    return sni_emit_format(e, "sn_round_%s_%s(%s)", stmt->dtype == SINTER_F16 ? "f16" : "bf16",
                           sni_ctype_name(type, width), value);
}

/* From a real to an integer dtype: truncates, saturates, NaN gives 0. */
static const char *cast_real_to_integer(sni_emitter *e, const sni_scope *scope, int s, sni_ctype from, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    const char *value = sni_emit_operand(e, scope, stmt->args[0], from, width);
    sni_emit_use(e, from, width);
    return sni_emit_format(e, "sn_to_%s_%s(%s)", sinter_dtype_name(stmt->dtype), sni_ctype_name(from, width), value);
}

/* Anything but 0 is true; NaN too. */
static const char *cast_to_bool(sni_emitter *e, const sni_scope *scope, int s, sni_ctype from, int width) {
    const char *value = sni_emit_operand(e, scope, e->loop->stmts[s].args[0], from, width);
    const char *zero = sni_emit_constant(e, from, 0, 0);
    if (width == 1) return sni_emit_format(e, "%s != %s", value, zero);
    return sni_emit_format(e, "convert_int%d((%s != %s) & 1)", width, value, zero);
}

const char *sni_emit_cast(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_ctype from = sni_ctype_of(e->loop->stmts[stmt->args[0]].dtype), to = sni_ctype_of(stmt->dtype);
    if (stmt->dtype == SINTER_BOOL) return cast_to_bool(e, scope, s, from, width);
    if (to == SNI_C_FLOAT || to == SNI_C_DOUBLE) return cast_to_real(e, scope, s, width);
    if (from == SNI_C_FLOAT || from == SNI_C_DOUBLE) return cast_real_to_integer(e, scope, s, from, width);
    return sni_emit_wrap(e, stmt->dtype, width, sni_emit_operand(e, scope, stmt->args[0], to, width));
}

/* ---- Loads ------------------------------------------------------------------------------------ */

/* How an offset moves along the lanes: STEP is by a small number known when the code is printed. */
typedef enum lane_move { MOVE_NONE, MOVE_UNIT, MOVE_STEP, MOVE_OTHER } lane_move;

static lane_move move_of(const sni_emitter *e, const sni_scope *scope, sni_expr offset) {
    if (!sni_emit_by_lane(e, scope, offset)) return MOVE_NONE;
    sni_sym *sym = e->loop->sym;
    sni_expr coefficient, rest;
    int64_t step;
    if (!sni_sym_linear_in(sym, offset, scope->lane_axis, &coefficient, &rest) || sni_emit_by_lane(e, scope, rest))
        return MOVE_OTHER;
    if (!sni_sym_is_const(sym, coefficient, &step)) return MOVE_OTHER;
    return step == 1 ? MOVE_UNIT : step > 1 && step <= SNI_LITERAL_MAX ? MOVE_STEP : MOVE_OTHER;
}

/* Is a guard that holds at both ends of a stretch of lanes sure to hold between? */
static bool is_interval(const sni_emitter *e, const sni_scope *scope, sni_expr guard) {
    sni_sym *sym = e->loop->sym;
    if (!sni_emit_by_lane(e, scope, guard)) return true;
    sni_sym_kind kind = sni_sym_kind_of(sym, guard);
    if (kind == SNI_SYM_NOT) {
        guard = sni_sym_operand(sym, guard, 0);
        kind = sni_sym_kind_of(sym, guard);
        if (kind != SNI_SYM_LT) return false;
    }
    if (kind == SNI_SYM_AND)
        return is_interval(e, scope, sni_sym_operand(sym, guard, 0)) &&
               is_interval(e, scope, sni_sym_operand(sym, guard, 1));
    if (kind != SNI_SYM_LT && kind != SNI_SYM_EQ) return false;
    sni_expr difference = sni_sym_sub(sym, sni_sym_operand(sym, guard, 0), sni_sym_operand(sym, guard, 1));
    sni_expr coefficient, rest;
    return difference != SNI_NO_EXPR && sni_sym_linear_in(sym, difference, scope->lane_axis, &coefficient, &rest) &&
           !sni_emit_by_lane(e, scope, rest);
}

static const char *load_scalar(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int lane) {
    const char *buffer = sni_emit_buffer(e, stmt->buffer);
    const char *dtype = sinter_dtype_name(e->loop->buffers[stmt->buffer].dtype);
    const char *offset = sni_emit_index_text(e, scope, stmt->offset, lane);
    const char *load = sni_emit_format(e, "sn_load_%s(%s, %s)", dtype, buffer, offset);
    if (stmt->guard == SNI_NO_EXPR) return load;
    return sni_emit_format(e, "(%s ? %s : 0)", sni_emit_index_text(e, scope, stmt->guard, lane), load);
}

static const char *load_vector(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int width) {
    const char *buffer = sni_emit_buffer(e, stmt->buffer);
    return sni_emit_format(e, "sn_%s_%s(%d, %s, %s)", scope->aligned ? "aloadv" : "loadv",
                           sinter_dtype_name(e->loop->buffers[stmt->buffer].dtype), width, buffer,
                           sni_emit_index_text(e, scope, stmt->offset, 0));
}

static const char *load_lanes(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, sni_ctype type, int width) {
    sni_str str = SNI_STR_INIT;
    sni_str_printf(&str, "(%s)(", sni_ctype_name(type, width));
    for (int lane = 0; lane < width; ++lane)
        sni_str_printf(&str, "%s%s", lane > 0 ? ", " : "", load_scalar(e, scope, stmt, lane));
    sni_str_append(&str, ")");
    return sni_emit_keep(e, &str);
}

/* On a CPU a loop fills the lanes: written out, sixteen guards and offsets are what the compiler spends most of its time
 * on. Elsewhere an array with a changing index would lie in memory. */
static bool lanes_in_loop(const sni_emitter *e, const sni_stmt *stmt, int width) {
    const sni_sym *sym = e->loop->sym;
    return e->caps->device_class == SNI_DEVICE_CPU && !e->caps->work_items_are_lanes && width >= 4 &&
           stmt->guard != SNI_NO_EXPR && !sni_sym_uses_value(sym, stmt->offset) &&
           !sni_sym_uses_value(sym, stmt->guard);
}

/* Assigns to the vector called name, lane by lane. */
static void assign_lanes(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, sni_ctype type, int width,
                         const char *name) {
    if (!lanes_in_loop(e, stmt, width)) {
        sni_emit_line(e, "%s = %s;", name, load_lanes(e, scope, stmt, type, width));
        return;
    }
    sni_scope lane = *scope;
    lane.names[scope->lane_axis] = sni_emit_format(e, "(%s + lane)", scope->names[scope->lane_axis]);
    sni_emit_line(e, "{");
    ++e->indent;
    sni_emit_line(e, "%s lanes[%d];", sni_ctype_name(type, 1), width);
    sni_emit_line(e, "#pragma nounroll");
    sni_emit_line(e, "for (int lane = 0; lane < %d; ++lane) lanes[lane] = %s;", width, load_scalar(e, &lane, stmt, 0));
    sni_emit_line(e, "%s = vload%d(0, lanes);", name, width);
    --e->indent;
    sni_emit_line(e, "}");
}

static int64_t step_of(const sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt) {
    sni_expr coefficient, rest;
    int64_t step = 1;
    if (sni_sym_linear_in(e->loop->sym, stmt->offset, scope->lane_axis, &coefficient, &rest))
        sni_sym_is_const(e->loop->sym, coefficient, &step);
    return step;
}

/* Lanes at a step. Every other element comes out of two vectors, the second ending with the last one that is wanted; what
 * lies between two elements of a buffer may be read. At other steps each is a load of its own in one expression, so that the
 * guard is tested once for all of them. */
static const char *load_steps(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int width) {
    const char *buffer = sni_emit_buffer(e, stmt->buffer);
    const char *dtype = sinter_dtype_name(e->loop->buffers[stmt->buffer].dtype);
    const char *first = sni_emit_index_text(e, scope, stmt->offset, 0);
    const char *type = sni_ctype_name(sni_ctype_of(stmt->dtype), width);
    int64_t step = step_of(e, scope, stmt);
    if (step == 2 && sni_ctype_of(stmt->dtype) != SNI_C_DOUBLE)
        return sni_emit_format(e, "sn_every2_%s(sn_loadv_%s(%d, %s, %s), sn_loadv_%s(%d, %s, %s + %d))", type, dtype,
                               width, buffer, first, dtype, width, buffer, first, width - 1);
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "(%s)(", type);
    for (int lane = 0; lane < width; ++lane)
        sni_str_printf(&text, "%ssn_load_%s(%s, %s + %d)", lane > 0 ? ", " : "", dtype, buffer, first,
                       lane * (int)step);
    sni_str_append(&text, ")");
    return sni_emit_keep(e, &text);
}

/* A CPU that is given vectors reads lanes at a step so. */
static bool steps_as_vector(const sni_emitter *e, lane_move move, int width) {
    return move == MOVE_STEP && width >= 4 && e->caps->device_class == SNI_DEVICE_CPU && !e->caps->work_items_are_lanes;
}

/* Is it worth asking whether a vector that hangs over the rim lies in the buffer as a whole? */
static bool masks_lanes(const sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int width) {
    return lanes_in_loop(e, stmt, width) && step_of(e, scope, stmt) <= 2;
}

/* At the rim of a picture that is not the buffer's, where all lanes may be read and those outside are put to 0. */
static void load_masked_vector(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int width,
                               const char *vector, const char *name) {
    const sni_loop *loop = e->loop;
    sni_expr reach = sni_sym_const(loop->sym, step_of(e, scope, stmt) * (width - 1) + 1);
    sni_expr room = sni_sym_sub(loop->sym, loop->buffers[stmt->buffer].count, reach);
    const char *first = sni_emit_index_text(e, scope, stmt->offset, 0);
    const char *mask = sni_emit_condition(e, scope, stmt->guard, sni_ctype_of(stmt->dtype));
    sni_emit_line(e, "else if ((%s) >= 0 && (%s) <= %s)", first, first, sni_emit_index_text(e, scope, room, 0));
    sni_emit_line(e, "    %s = %s ? %s : (%s)(0);", name, mask, vector,
                  sni_ctype_name(sni_ctype_of(stmt->dtype), width));
}

/* Contiguous or at a step, with a guard: all at once where that is known to be allowed. */
static void load_guarded_vector(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, int width,
                                const char *vector, const char *name) {
    sni_ctype type = sni_ctype_of(stmt->dtype);
    const char *first = sni_emit_index_text(e, scope, stmt->guard, 0);
    sni_emit_line(e, "%s %s = (%s)(0);", sni_ctype_name(type, width), name, sni_ctype_name(type, width));
    if (!sni_emit_by_lane(e, scope, stmt->guard)) {
        sni_emit_line(e, "if (%s) %s = %s;", first, name, vector);
        return;
    }
    const char *last = sni_emit_index_text(e, scope, stmt->guard, width - 1);
    sni_emit_line(e, "if (%s && %s) %s = %s;", first, last, name, vector);
    if (masks_lanes(e, scope, stmt, width)) load_masked_vector(e, scope, stmt, width, vector, name);
    sni_emit_line(e, "else");
    assign_lanes(e, scope, stmt, type, width, name);
}

void sni_emit_load_as(sni_emitter *e, const sni_scope *scope, const sni_stmt *stmt, const char *name) {
    bool vector = scope->lane_axis >= 0 && scope->width > 1 && (stmt->mask >> scope->lane_axis & 1) != 0;
    int width = vector ? scope->width : 1;
    sni_ctype type = sni_ctype_of(stmt->dtype);
    if (type == SNI_C_DOUBLE) e->uses_builtin_f64 = true;
    const char *type_name = sni_ctype_name(type, width);
    if (width == 1) {
        sni_emit_line(e, "const %s %s = %s;", type_name, name, load_scalar(e, scope, stmt, 0));
        return;
    }
    lane_move move = move_of(e, scope, stmt->offset);
    bool guarded = stmt->guard != SNI_NO_EXPR;
    if (move == MOVE_UNIT && !guarded)
        sni_emit_line(e, "const %s %s = %s;", type_name, name, load_vector(e, scope, stmt, width));
    else if (move == MOVE_UNIT && is_interval(e, scope, stmt->guard))
        load_guarded_vector(e, scope, stmt, width, load_vector(e, scope, stmt, width), name);
    else if (steps_as_vector(e, move, width) && !guarded)
        sni_emit_line(e, "const %s %s = %s;", type_name, name, load_steps(e, scope, stmt, width));
    else if (steps_as_vector(e, move, width) && is_interval(e, scope, stmt->guard))
        load_guarded_vector(e, scope, stmt, width, load_steps(e, scope, stmt, width), name);
    else if (lanes_in_loop(e, stmt, width)) {
        sni_emit_line(e, "%s %s;", type_name, name);
        assign_lanes(e, scope, stmt, type, width, name);
    } else
        sni_emit_line(e, "const %s %s = %s;", type_name, name, load_lanes(e, scope, stmt, type, width));
}

/* ---- Stores ----------------------------------------------------------------------------------- */

void sni_emit_store(sni_emitter *e, const sni_scope *scope, const sni_store *store, const char *name) {
    const sni_loop *loop = e->loop;
    sinter_dtype dtype = loop->buffers[store->buffer].dtype;
    const char *buffer = sni_emit_buffer(e, store->buffer);
    bool vector = sni_emit_is_vector(e, scope, store->stmt);
    bool lanes = scope->lane_axis >= 0 && scope->width > 1 && (store->mask >> scope->lane_axis & 1) != 0;
    if (!lanes) {
        sni_emit_line(e, "sn_store_%s(%s, %s, %s);", sinter_dtype_name(dtype), name, buffer,
                      sni_emit_index_text(e, scope, store->offset, 0));
        return;
    }
    sni_ctype type = sni_ctype_of(dtype);
    const char *value = vector ? name : sni_emit_format(e, "(%s)(%s)", sni_ctype_name(type, scope->width), name);
    if (move_of(e, scope, store->offset) == MOVE_UNIT) {
        sni_emit_line(e, "sn_%s_%s(%d, %s, %s, %s);", scope->aligned ? "astorev" : "storev", sinter_dtype_name(dtype),
                      scope->width, value, buffer, sni_emit_index_text(e, scope, store->offset, 0));
        return;
    }
    for (int lane = 0; lane < scope->width; ++lane) {
        const char *element = vector ? sni_emit_format(e, "%s.s%x", name, (unsigned)lane) : name;
        sni_emit_line(e, "sn_store_%s(%s, %s, %s);", sinter_dtype_name(dtype), element, buffer,
                      sni_emit_index_text(e, scope, store->offset, lane));
    }
}
