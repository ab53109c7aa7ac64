/* The user's own functions in kernels: their text once, with names that cannot meet, and their calls. */
#include <inttypes.h>

#include "codegen/emit_internal.h"
#include "op/custom.h"

static const char *unique(sni_emitter *e, const sni_custom *custom, const char *name) {
    return sni_emit_format(e, "sn_%016" PRIx64 "_%s", custom->hash, name);
}

/* The function takes scalars: a vector is a call for every lane. */
const char *sni_emit_custom(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    const sni_custom *custom = stmt->op->custom;
    const char *entry = unique(e, custom, custom->source.entry);
    sni_str text = SNI_STR_INIT;
    if (width > 1) sni_str_printf(&text, "(%s)(", sni_ctype_name(sni_ctype_of(stmt->dtype), width));
    for (int lane = 0; lane < width; ++lane) {
        sni_str_printf(&text, "%s%s(", lane > 0 ? ", " : "", entry);
        for (int a = 0; a < stmt->arg_count; ++a) {
            const char *name = scope->have != NULL ? scope->have[stmt->args[a]] : NULL;
            if (name == NULL) e->failed = true;
            sni_str_printf(&text, "%s%s", a > 0 ? ", " : "", name != NULL ? name : "0");
            if (sni_emit_is_vector(e, scope, stmt->args[a])) sni_str_printf(&text, ".s%x", (unsigned)lane);
        }
        sni_str_append(&text, ")");
    }
    if (width > 1) sni_str_append(&text, ")");
    const char *value = sni_emit_keep(e, &text);
    if (stmt->dtype != SINTER_BOOL) return sni_emit_wrap(e, stmt->dtype, width, value);
    return sni_emit_format(e, width > 1 ? "((%s) != 0) & 1" : "(%s) != 0", value);
}

static bool is_first(const sni_loop *loop, int s) {
    for (int i = 0; i < s; ++i)
        if (loop->stmts[i].kind == SNI_STMT_OP && loop->stmts[i].op->custom != NULL &&
            loop->stmts[i].op->custom->hash == loop->stmts[s].op->custom->hash)
            return false;
    return true;
}

/* #line makes compilers, and the listing beside their messages, count the user's lines. */
static void append_source(sni_emitter *e, const sni_custom *custom, sni_str *source) {
    const sni_custom_names *declared = &custom->source.declared, *macros = &custom->source.macros;
    for (size_t i = 0; i < declared->count; ++i)
        sni_str_printf(source, "#define %s %s\n", declared->items[i], unique(e, custom, declared->items[i]));
    sni_str_printf(source, "#line 1 \"%s\"\n%s\n#line 1 \"kernel\"\n", custom->op.name, custom->text);
    for (size_t i = 0; i < declared->count; ++i) sni_str_printf(source, "#undef %s\n", declared->items[i]);
    for (size_t i = 0; i < macros->count; ++i) sni_str_printf(source, "#undef %s\n", macros->items[i]);
}

void sni_emit_custom_sources(sni_emitter *e, sni_str *source) {
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        const sni_stmt *stmt = &e->loop->stmts[s];
        if (stmt->kind == SNI_STMT_OP && stmt->op->custom != NULL && is_first(e->loop, s))
            append_source(e, stmt->op->custom, source);
    }
}
