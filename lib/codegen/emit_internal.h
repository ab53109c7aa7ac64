/* What the files of the emitter share, and what strategies use beyond emit.h. */
#ifndef SNI_CODEGEN_EMIT_INTERNAL_H
#define SNI_CODEGEN_EMIT_INTERNAL_H

#include "base/alloc.h"
#include "codegen/emit.h"

/* Text that lives in the emitter's arena; "" after a failure, never NULL. */
const char *sni_emit_format(sni_emitter *e, const char *format, ...) SNI_PRINTF(2, 3);
/* Takes a string's text over into the arena and empties it. */
const char *sni_emit_keep(sni_emitter *e, sni_str *str);
/* Name of the parameter that holds an expression without axes and values: "n0", .... */
const char *sni_emit_argument(sni_emitter *e, sni_expr expr);
/* Notes that cl/common's functions for a type are needed. */
void sni_emit_use(sni_emitter *e, sni_ctype type, int width);

/* Which lane of the lane axis an index expression is printed for. */
enum { SNI_LANE_ALL = -1 /* as a vector of type sn_idx<width>; 0..width-1: as a scalar */ };
void sni_emit_index_lane(sni_emitter *e, const sni_scope *scope, sni_expr expr, int lane, sni_str *out);
/* The same as text in the arena. */
const char *sni_emit_index_text(sni_emitter *e, const sni_scope *scope, sni_expr expr, int lane);

/* Is the statement a vector under the scope? */
bool sni_emit_is_vector(const sni_emitter *e, const sni_scope *scope, int s);
/* Does an expression change from lane to lane, by the axis or by values that do? */
bool sni_emit_by_lane(const sni_emitter *e, const sni_scope *scope, sni_expr expr);
/* A condition without axes and values, 0 or 1, under which expr is a multiple of by at every point. */
sni_expr sni_emit_divisible(sni_sym *sym, sni_expr expr, int64_t by);
/* Calls visit for every statement whose VALUE atom the expression holds. */
void sni_emit_visit_values(const sni_sym *sym, sni_expr expr, void (*visit)(void *, int statement), void *context);

/* A statement's variable as an operand of a type and width: converted and broadcast. */
const char *sni_emit_operand(sni_emitter *e, const sni_scope *scope, int s, sni_ctype type, int width);
/* A condition (an expression that is 0 or 1) for ?: between values of a type; a mask when by lane. */
const char *sni_emit_condition(sni_emitter *e, const sni_scope *scope, sni_expr guard, sni_ctype type);

/* A variable of a table's expression, called by one letter: a text of a type and width, or a number (text NULL). */
typedef struct sni_variable {
    char letter;
    const char *text;
    double number;
    sni_ctype type;
    int width;
    bool own_type; /* stays what it is until the arithmetic needs another type */
} sni_variable;

/* Such an expression as OpenCL C, computed in a type; params: p0..p7, or NULL. truth: the result is 0 or 1 of type int,
 * else of the type. */
const char *sni_emit_expression(sni_emitter *e, const char *text, sni_ctype type, int width,
                                const sni_variable *variables, int count, const double *params, bool truth);

/* Right-hand sides of the kinds of statements. */
const char *sni_emit_op(sni_emitter *e, const sni_scope *scope, int s, int width);
const char *sni_emit_custom(sni_emitter *e, const sni_scope *scope, int s, int width);
const char *sni_emit_cast(sni_emitter *e, const sni_scope *scope, int s, int width);
const char *sni_emit_constant(sni_emitter *e, sni_ctype type, double f, int64_t i);
/* Prints "T name = ...;" of a load, with whatever lines it needs before. */
void sni_emit_load_as(sni_emitter *e, const sni_scope *scope, const sni_stmt *load, const char *name);
/* Prints "T name = ...;" of a SCAN at its point, and carries its value on; the carry was declared (sni_emit_carries). */
void sni_emit_scan_step(sni_emitter *e, const sni_scope *scope, int s, const char *name);
/* Appends the text of every user's function that the program calls. */
void sni_emit_custom_sources(sni_emitter *e, sni_str *source);
/* Wraps text (an int value) to the dtype when that is narrower than int. */
const char *sni_emit_wrap(sni_emitter *e, sinter_dtype dtype, int width, const char *text);

#endif
