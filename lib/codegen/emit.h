/* Printing a loop program's statements as OpenCL C; shared by the strategies.
 *
 * An emitter collects kernel arguments while code is printed: every buffer, and every integer that is not a small
 * literal becomes an argument, so that kernels do not depend on sizes. Constants up to
 * SNI_LITERAL_MAX are printed as literals (windows, strides, vector widths); larger ones are arguments.
 *
 * Types of code: a statement is computed in float, int, long or double, as scalar or as a vector of width lanes along
 * one axis (the lane axis). A bool is an int that is 0 or 1. */
#ifndef SNI_CODEGEN_EMIT_H
#define SNI_CODEGEN_EMIT_H

#include "codegen/codegen.h"

#define SNI_LITERAL_MAX 16

typedef struct sni_emitter {
    const sni_loop *loop;
    const sni_caps *caps;
    sni_arena *arena;
    sni_kspec *spec;
    sni_str params; /* the kernel's parameter list */
    sni_str body;   /* code */
    int indent;
    uint32_t used_types; /* which instances of cl/common/math are needed */
    bool uses_builtin_f64;
    bool failed;
    sni_karg spare; /* takes what is said of an argument too many */
} sni_emitter;

typedef enum sni_ctype { SNI_C_FLOAT, SNI_C_INT, SNI_C_LONG, SNI_C_DOUBLE } sni_ctype;

sinter_status sni_emit_begin(sni_emitter *e, const sni_loop *loop, const sni_caps *caps, sni_arena *arena,
                             sni_kspec *spec);
/* Assembles includes, the kernel's head and body into spec->source. attributes: e.g. reqd_work_group_size. */
sinter_status sni_emit_end(sni_emitter *e, const char *entry, const char *attributes);
/* Puts text (definitions and includes; used up) before the finished source. */
sinter_status sni_emit_prepend(sni_emitter *e, sni_str *text);

void sni_emit_line(sni_emitter *e, const char *format, ...) SNI_PRINTF(2, 3); /* indented, with newline */
/* Name of the kernel parameter of a loop buffer: "b0", .... */
const char *sni_emit_buffer(sni_emitter *e, int buffer);

/* How axes are named while code is printed: axis a is names[a] (NULL: not in scope). */
typedef struct sni_scope {
    const char *names[SNI_MAX_AXES];
    int lane_axis;      /* -1: scalar code; else this axis is names[lane] + 0..width-1 */
    int width;          /* 1 without a lane axis */
    bool aligned;       /* lane accesses of stride 1 may use full-vector loads (alignment was checked) */
    const char *prefix; /* of statement variables: prefix + number, so that scopes do not clash */
    const char *const *
        have; /* have[s]: an existing variable for statement s (scalar, or of this width when it depends on the lane axis) */
} sni_scope;

/* Prints an index expression (type sn_idx) under a scope, lane axis at its first lane. */
void sni_emit_index(sni_emitter *e, const sni_scope *scope, sni_expr expr, sni_str *out);
sni_ctype sni_ctype_of(sinter_dtype dtype);
const char *sni_ctype_name(sni_ctype type, int width); /* "float", "int8", ... static text */
/* Prints declarations "T s3 = ...;" of every statement in needed (marks by statement number) that scope->have does not
 * give; a statement whose mask has no lane axis is printed as a scalar. names_out[s] gets its variable. */
void sni_emit_stmts(sni_emitter *e, const sni_scope *scope, const bool *needed, const char **names_out);
/* Prints one store of the statement's variable. */
void sni_emit_store(sni_emitter *e, const sni_scope *scope, const sni_store *store, const char *name);
/* Marks in needed everything that statement s needs (also to find the place where it is stored), except below statements already in stop. */
void sni_emit_need(const sni_loop *loop, int s, const bool *stop, bool *needed);

#endif
