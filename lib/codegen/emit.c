/* The emitter: parameters, assembly of the source, and statements. */
#include "codegen/emit_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- Text ------------------------------------------------------------------------------------- */

const char *sni_emit_keep(sni_emitter *e, sni_str *str) {
    const char *text = str->failed ? NULL : sni_arena_strdup(e->arena, sni_str_text(str));
    sni_str_deinit(str);
    if (text != NULL) return text;
    e->failed = true;
    return "";
}

const char *sni_emit_format(sni_emitter *e, const char *format, ...) {
    sni_str str = SNI_STR_INIT;
    va_list args;
    va_start(args, format);
    sni_str_vprintf(&str, format, args);
    va_end(args);
    return sni_emit_keep(e, &str);
}

void sni_emit_line(sni_emitter *e, const char *format, ...) {
    va_list args;
    for (int i = 0; i < e->indent; ++i) sni_str_append(&e->body, "    ");
    va_start(args, format);
    sni_str_vprintf(&e->body, format, args);
    va_end(args);
    sni_str_append(&e->body, "\n");
}

/* ---- Types ------------------------------------------------------------------------------------ */

sni_ctype sni_ctype_of(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F32:
    case SINTER_F16:
    case SINTER_BF16:
        return SNI_C_FLOAT;
    case SINTER_F64:
        return SNI_C_DOUBLE;
    case SINTER_I64:
    case SINTER_U32: /* no narrower type has all of its numbers */
        return SNI_C_LONG;
    default:
        return SNI_C_INT;
    }
}

/* 0 to 4 for the widths 1, 2, 4, 8, 16. */
static int width_log2(int width) {
    int log = 0;
    while (log < 4 && (1 << log) < width) ++log;
    return log;
}

const char *sni_ctype_name(sni_ctype type, int width) {
    static const char *const names[4][5] = {
        {"float", "float2", "float4", "float8", "float16"},
        {"int", "int2", "int4", "int8", "int16"},
        {"long", "long2", "long4", "long8", "long16"},
        {"double", "double2", "double4", "double8", "double16"},
    };
    return names[type][width_log2(width)];
}

void sni_emit_use(sni_emitter *e, sni_ctype type, int width) {
    e->used_types |= 1u << ((int)type * 5 + width_log2(width));
    if (type == SNI_C_DOUBLE) e->uses_builtin_f64 = true;
}

/* ---- Parameters ------------------------------------------------------------------------------- */

static const char *storage_type(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F32:
        return "float";
    case SINTER_F16:
        return "half";
    case SINTER_BF16:
        return "ushort";
    case SINTER_F64:
        return "double";
    case SINTER_I8:
        return "char";
    case SINTER_U8:
    case SINTER_BOOL:
        return "uchar";
    case SINTER_I16:
        return "short";
    case SINTER_U16:
        return "ushort";
    case SINTER_U32:
        return "uint";
    case SINTER_I64:
        return "long";
    default:
        return "int";
    }
}

static sni_karg *add_argument(sni_emitter *e, sni_karg_kind kind) {
    if (e->spec->arg_count >= SNI_MAX_KARGS) {
        e->failed = true;
        return &e->spare;
    }
    sni_karg *arg = &e->spec->args[e->spec->arg_count++];
    memset(arg, 0, sizeof *arg);
    arg->kind = kind;
    return arg;
}

static void add_parameter(sni_emitter *e, const char *text) {
    if (e->params.length > 0) sni_str_append(&e->params, ", ");
    sni_str_append(&e->params, text);
}

/* Is the buffer only read? Then the compiler may be told so. */
static bool only_read(const sni_loop *loop, int buffer) {
    for (int i = 0; i < loop->store_count; ++i)
        if (loop->stores[i].buffer == buffer) return false;
    return true;
}

const char *sni_emit_buffer(sni_emitter *e, int buffer) {
    const char *name = sni_emit_format(e, "b%d", buffer);
    for (int i = 0; i < e->spec->arg_count; ++i)
        if (e->spec->args[i].kind == SNI_KARG_BUFFER && e->spec->args[i].buffer == buffer) return name;
    sinter_dtype dtype = e->loop->buffers[buffer].dtype;
    if (dtype == SINTER_F64) e->uses_builtin_f64 = true;
    add_argument(e, SNI_KARG_BUFFER)->buffer = buffer;
    add_parameter(e, sni_emit_format(e, "__global %s%s *%s%s", only_read(e->loop, buffer) ? "const " : "",
                                     storage_type(dtype), e->loop->buffers[buffer].may_alias ? "" : "restrict ", name));
    /* Values of a run lie in one arena; parts of a buffer as objects of their own (clCreateSubBuffer) crash
     * NVIDIA's driver 580 when their ranges are used again. */
    add_argument(e, SNI_KARG_OFFSET)->buffer = buffer;
    add_parameter(e, sni_emit_format(e, "const ulong o%d", buffer));
    return name;
}

/* A kernel with more numbers than this has constants in its text, and so one text for each set of them. */
enum { MAX_CONSTANT_ARGUMENTS = 64 };

const char *sni_emit_argument(sni_emitter *e, sni_expr expr) {
    int number = 0;
    int64_t value;
    for (int i = 0; i < e->spec->arg_count; ++i) {
        if (e->spec->args[i].kind != SNI_KARG_INDEX) continue;
        if (e->spec->args[i].expr == expr) return sni_emit_format(e, "n%d", number);
        ++number;
    }
    if (expr == SNI_NO_EXPR) e->failed = true;
    if (number >= MAX_CONSTANT_ARGUMENTS && sni_sym_is_const(e->loop->sym, expr, &value))
        return sni_emit_format(e, value >= INT32_MIN && value <= INT32_MAX ? "(%lld)" : "(%lldL)", (long long)value);
    const char *name = sni_emit_format(e, "n%d", number);
    add_argument(e, SNI_KARG_INDEX)->expr = expr;
    add_parameter(e, sni_emit_format(e, "const sn_idx %s", name));
    return name;
}

/* ---- Begin and end ---------------------------------------------------------------------------- */

sinter_status sni_emit_begin(sni_emitter *e, const sni_loop *loop, const sni_caps *caps, sni_arena *arena,
                             sni_kspec *spec) {
    memset(e, 0, sizeof *e);
    memset(spec, 0, sizeof *spec);
    e->loop = loop;
    e->caps = caps;
    e->arena = arena;
    e->spec = spec;
    e->indent = 1;
    spec->options = "";
    spec->notes = "";
    return SINTER_OK;
}

/* A call of a function costs a sine less than a tenth; in place, each one's text costs compilers longer than everything
 * else: a hundred of them took PoCL 7 s, and calls a fifth of a second. */
enum { LARGE_COST = 20, MOST_IN_PLACE = 8 };

static bool has_many_large_functions(const sni_loop *loop) {
    int count = 0;
    for (int i = 0; i < loop->stmt_count; ++i)
        count += loop->stmts[i].kind == SNI_STMT_OP && loop->stmts[i].op->cost >= LARGE_COST;
    return count > MOST_IN_PLACE;
}

static void append_includes(const sni_emitter *e, sni_str *source) {
    static const char *const files[4] = {"math_float", "math_int", "math_int", "math_double"};
    if (has_many_large_functions(e->loop))
        sni_str_append(source, "#define SN_LARGE_FUNCTION __attribute__((noinline)) static\n");
    if (e->uses_builtin_f64) sni_str_append(source, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
    sni_str_append(source, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n");
    for (int bit = 0; bit < 20; ++bit) {
        if ((e->used_types >> bit & 1) == 0) continue;
        int width = 1 << bit % 5;
        sni_str_printf(source, "#define SN_T %s\n#define SN_W %d\n#define SN_I32 %s\n#define SN_I64 %s\n",
                       sni_ctype_name((sni_ctype)(bit / 5), width), width, sni_ctype_name(SNI_C_INT, width),
                       sni_ctype_name(SNI_C_LONG, width));
        sni_str_printf(source, "#include \"common/%s.cl\"\n#undef SN_T\n#undef SN_W\n#undef SN_I32\n#undef SN_I64\n",
                       files[bit / 5]);
    }
}

sinter_status sni_emit_end(sni_emitter *e, const char *entry, const char *attributes) {
    sni_str source = SNI_STR_INIT;
    append_includes(e, &source);
    sni_emit_custom_sources(e, &source);
    sni_str_printf(&source, "\n%s%s__kernel void %s(%s) {\n", attributes != NULL ? attributes : "",
                   attributes != NULL ? "\n" : "", entry, sni_str_text(&e->params));
    for (int i = 0; i < e->spec->arg_count; ++i)
        if (e->spec->args[i].kind == SNI_KARG_OFFSET)
            sni_str_printf(&source, "    b%d += o%d;\n", e->spec->args[i].buffer, e->spec->args[i].buffer);
    sni_str_append(&source, sni_str_text(&e->body));
    sni_str_append(&source, "}\n");
    bool too_many = e->spec->arg_count >= SNI_MAX_KARGS;
    /* Pointers and 64-bit indices; the narrow kernel's parameters are no larger. */
    size_t bytes = (size_t)e->spec->arg_count * 8, most = e->caps->max_parameter_bytes;
    if (e->params.failed || e->body.failed) e->failed = true;
    e->spec->source = sni_emit_keep(e, &source);
    e->spec->entry = sni_arena_strdup(e->arena, entry);
    if (e->spec->entry == NULL) e->failed = true;
    sni_str_deinit(&e->params);
    sni_str_deinit(&e->body);
    if (too_many) return sni_fail(SINTER_UNSUPPORTED, "a kernel with more than %d arguments", SNI_MAX_KARGS - 1);
    if (most > 0 && bytes > most)
        return sni_fail(SINTER_UNSUPPORTED, "a kernel with %zu bytes of parameters; the device takes %zu", bytes, most);
    if (e->failed) return sni_fail(SINTER_INTERNAL, "code generation ran out of memory or met a malformed program");
    if (e->uses_builtin_f64 && !e->caps->has_f64)
        return sni_fail(SINTER_UNSUPPORTED, "f64: the device '%s' has no cl_khr_fp64", e->caps->name);
    return SINTER_OK;
}

sinter_status sni_emit_prepend(sni_emitter *e, sni_str *text) {
    sni_str_append(text, e->spec->source);
    if (text->failed) {
        sni_str_deinit(text);
        return sni_out_of_memory("the source of a kernel");
    }
    e->spec->source = sni_arena_strdup(e->arena, sni_str_text(text));
    sni_str_deinit(text);
    return e->spec->source != NULL ? SINTER_OK : sni_out_of_memory("the source of a kernel");
}

/* ---- What is needed --------------------------------------------------------------------------- */

typedef struct need_context {
    const sni_loop *loop;
    const bool *stop;
    bool *needed;
} need_context;

static void need_visit(void *context, int statement) {
    need_context *need = context;
    sni_emit_need(need->loop, statement, need->stop, need->needed);
}

void sni_emit_need(const sni_loop *loop, int s, const bool *stop, bool *needed) {
    if (s < 0 || needed[s]) return;
    needed[s] = true;
    need_context place = {loop, stop, needed};
    for (int i = 0; i < loop->store_count; ++i)
        if (loop->stores[i].stmt == s) sni_emit_visit_values(loop->sym, loop->stores[i].offset, need_visit, &place);
    if (stop != NULL && stop[s]) return;
    const sni_stmt *stmt = &loop->stmts[s];
    need_context need = {loop, stop, needed};
    for (int a = 0; a < stmt->arg_count; ++a) sni_emit_need(loop, stmt->args[a], stop, needed);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_INDEX)
        sni_emit_visit_values(loop->sym, stmt->offset, need_visit, &need);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT)
        sni_emit_visit_values(loop->sym, stmt->guard, need_visit, &need);
}

/* ---- Statements ------------------------------------------------------------------------------- */

bool sni_emit_is_vector(const sni_emitter *e, const sni_scope *scope, int s) {
    return scope->lane_axis >= 0 && scope->width > 1 && (e->loop->stmts[s].mask >> scope->lane_axis & 1) != 0;
}

/* INDEX: an integer that the axes give. */
static const char *index_value(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    const char *type = sni_ctype_name(sni_ctype_of(stmt->dtype), width);
    bool by_lane = width > 1 && sni_emit_by_lane(e, scope, stmt->offset);
    const char *text = sni_emit_index_text(e, scope, stmt->offset, by_lane ? SNI_LANE_ALL : 0);
    text = by_lane ? sni_emit_format(e, "convert_%s(%s)", type, text) : sni_emit_format(e, "(%s)(%s)", type, text);
    return sni_emit_wrap(e, stmt->dtype, width, text);
}

static const char *select_value(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_ctype type = sni_ctype_of(stmt->dtype);
    return sni_emit_format(e, "%s ? %s : %s", sni_emit_condition(e, scope, stmt->guard, type),
                           sni_emit_operand(e, scope, stmt->args[0], type, width),
                           sni_emit_operand(e, scope, stmt->args[1], type, width));
}

static void emit_stmt(sni_emitter *e, const sni_scope *scope, int s, const char *name) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    int width = sni_emit_is_vector(e, scope, s) ? scope->width : 1;
    sni_ctype type = sni_ctype_of(stmt->dtype);
    const char *value = "0";
    switch (stmt->kind) {
    case SNI_STMT_LOAD:
        sni_emit_load_as(e, scope, stmt, name);
        return;
    case SNI_STMT_SCAN:
        sni_emit_scan_step(e, scope, s, name);
        return;
    case SNI_STMT_CONST:
        value = sni_emit_constant(e, type, stmt->f, stmt->i);
        break;
    case SNI_STMT_INDEX:
        value = index_value(e, scope, s, width);
        break;
    case SNI_STMT_OP:
        value = sni_emit_op(e, scope, s, width);
        break;
    case SNI_STMT_CAST:
        value = sni_emit_cast(e, scope, s, width);
        break;
    case SNI_STMT_SELECT:
        value = select_value(e, scope, s, width);
        break;
    case SNI_STMT_REDUCE:
        e->failed = true;
        break; /* a strategy gives its value in scope->have */
    }
    if (type == SNI_C_DOUBLE) e->uses_builtin_f64 = true;
    sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width), name, value);
}

void sni_emit_stmts(sni_emitter *e, const sni_scope *scope, const bool *needed, const char **names_out) {
    int count = e->loop->stmt_count;
    const char **have = sni_arena_alloc(e->arena, (size_t)(count + 1) * sizeof *have);
    if (have == NULL) {
        e->failed = true;
        return;
    }
    sni_scope local = *scope;
    local.have = have;
    for (int s = 0; s < count; ++s) {
        have[s] = scope->have != NULL ? scope->have[s] : NULL;
        if (have[s] == NULL && needed[s]) {
            const char *name = sni_emit_format(e, "%s%d", scope->prefix != NULL ? scope->prefix : "s", s);
            emit_stmt(e, &local, s, name);
            have[s] = name;
        }
        names_out[s] = have[s];
    }
}
