/* Expressions of the tables of operators and combiners (sni_op.expression) as OpenCL C.
 *
 * A recursive descent over C's grammar that gives every part a type: a value of the expression's type, or
 * a condition. OpenCL's vectors need the difference, because a comparison of vectors gives -1 where one of scalars gives 1,
 * because ?: between vectors wants a condition with as many bits an element, and because functions do
 * not widen scalars. Numbers and parameters stay untyped until they meet a value. */
#include "codegen/emit_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef enum part_kind { PART_NUMBER, PART_VALUE, PART_CONDITION } part_kind;

typedef struct part {
    part_kind kind;
    const char *text; /* VALUE, CONDITION */
    double number;    /* NUMBER */
    sni_ctype type;   /* VALUE: its type; CONDITION: INT or LONG by the bits an element */
    int width;        /* 1: a scalar */
} part;

typedef struct parser {
    sni_emitter *e;
    const sni_variable *variables;
    int variable_count;
    const double *params; /* p0..p7; NULL: the expression has none */
    const char *at;
    sni_ctype type; /* of the arithmetic */
    int depth;
} parser;

enum { MAX_DEPTH = 64 };

static part parse_ternary(parser *p);

/* ---- Typing parts ----------------------------------------------------------------------------- */

static bool is_real(sni_ctype type) {
    return type == SNI_C_FLOAT || type == SNI_C_DOUBLE;
}

const char *sni_emit_constant(sni_emitter *e, sni_ctype type, double f, int64_t i) {
    if (type == SNI_C_INT || type == SNI_C_LONG) {
        /* The smallest integers have no literal of their own. */
        if (type == SNI_C_INT) {
            if ((int32_t)i == INT32_MIN) return "(-2147483647 - 1)";
            return sni_emit_format(e, i < 0 ? "(%d)" : "%d", (int)(int32_t)i);
        }
        if (i == INT64_MIN) return "(-9223372036854775807L - 1L)";
        return sni_emit_format(e, i < 0 ? "(%lldL)" : "%lldL", (long long)i);
    }
    const char *name = sni_ctype_name(type, 1);
    if (type == SNI_C_FLOAT) f = (float)f;
    if (f != f) return sni_emit_format(e, "((%s)NAN)", name);
    if (f - f != 0) return sni_emit_format(e, "(%s(%s)INFINITY)", f < 0 ? "-" : "", name);
    sni_str str = SNI_STR_INIT;
    if (f < 0 || (f == 0 && 1 / f < 0)) sni_str_append(&str, "(");
    if (type == SNI_C_FLOAT) {
        sni_str_float(&str, (float)f);
        sni_str_append(&str, "f");
    } else {
        sni_str_double(&str, f);
    }
    if (f < 0 || (f == 0 && 1 / f < 0)) sni_str_append(&str, ")");
    return sni_emit_keep(e, &str);
}

static part make(part_kind kind, sni_ctype type, int width, const char *text) {
    part result = {kind, text, 0, type, width};
    return result;
}

/* A condition as 0 or 1 of a type. */
static const char *condition_value(parser *p, part c, sni_ctype type) {
    if (c.width == 1) return sni_emit_format(p->e, "(%s)%s", sni_ctype_name(type, 1), c.text);
    if (type == c.type) return sni_emit_format(p->e, "(%s & 1)", c.text);
    return sni_emit_format(p->e, "convert_%s(%s & 1)", sni_ctype_name(type, c.width), c.text);
}

/* A part as a value of a type; its width stays. */
static part to_value(parser *p, part in, sni_ctype type) {
    if (in.kind == PART_NUMBER)
        return make(PART_VALUE, type, 1, sni_emit_constant(p->e, type, in.number, (int64_t)in.number));
    if (in.kind == PART_CONDITION) return make(PART_VALUE, type, in.width, condition_value(p, in, type));
    if (in.type == type) return in;
    const char *name = sni_ctype_name(type, in.width);
    return make(PART_VALUE, type, in.width,
                sni_emit_format(p->e, in.width > 1 ? "convert_%s(%s)" : "((%s)%s)", name, in.text));
}

static const char *widen(parser *p, part in, int width) {
    if (in.width == width) return in.text;
    return sni_emit_format(p->e, "(%s)(%s)", sni_ctype_name(in.type, width), in.text);
}

static part to_condition(parser *p, part in) {
    if (in.kind == PART_CONDITION) return in;
    if (in.kind == PART_NUMBER) return make(PART_CONDITION, SNI_C_INT, 1, in.number != 0 ? "(1)" : "(0)");
    sni_ctype bits = in.type == SNI_C_LONG || in.type == SNI_C_DOUBLE ? SNI_C_LONG : SNI_C_INT;
    return make(PART_CONDITION, in.width > 1 ? bits : SNI_C_INT, in.width,
                sni_emit_format(p->e, "(%s != %s)", in.text, sni_emit_constant(p->e, in.type, 0, 0)));
}

/* A condition as a mask of width lanes with a given number of bits an element. */
static part to_mask(parser *p, part in, sni_ctype bits, int width) {
    if (width == 1) return in;
    const char *name = sni_ctype_name(bits, width);
    if (in.width == 1) return make(PART_CONDITION, bits, width, sni_emit_format(p->e, "((%s)(-%s))", name, in.text));
    if (in.type == bits) return in;
    /* Compared again, because some drivers widen true to 1. */
    return make(PART_CONDITION, bits, width, sni_emit_format(p->e, "(convert_%s(%s) != 0)", name, in.text));
}

/* The type that two parts meet in: a value's own type if the other is a number, else the arithmetic's. */
static sni_ctype common_type(const parser *p, part a, part b) {
    if (a.kind == PART_VALUE && (b.kind == PART_NUMBER || (b.kind == PART_VALUE && b.type == a.type))) return a.type;
    if (b.kind == PART_VALUE && a.kind == PART_NUMBER) return b.type;
    return p->type;
}

/* ---- Operations ------------------------------------------------------------------------------- */

/* Integer + - * in unsigned arithmetic, which wraps by definition. */
static const char *wrapping(parser *p, part a, char operator, part b, int width) {
    sni_ctype type = a.type;
    const char *name = sni_ctype_name(type, width);
    return sni_emit_format(p->e, "as_%s(as_u%s(%s) %c as_u%s(%s))", name, name, widen(p, a, width), operator, name,
                           widen(p, b, width));
}

static part arithmetic(parser *p, part a, char operator, part b) {
    if (a.kind == PART_NUMBER && b.kind == PART_NUMBER && operator!= '/') {
        a.number = operator== '+' ? a.number + b.number : operator== '-' ? a.number - b.number : a.number * b.number;
        return a;
    }
    sni_ctype type = common_type(p, a, b);
    a = to_value(p, a, type);
    b = to_value(p, b, type);
    int width = a.width > b.width ? a.width : b.width;
    if (!is_real(type) && operator!= '/') return make(PART_VALUE, type, width, wrapping(p, a, operator, b, width));
    return make(PART_VALUE, type, width, sni_emit_format(p->e, "(%s %c %s)", a.text, operator, b.text));
}

static part negate(parser *p, part a) {
    if (a.kind == PART_NUMBER) {
        a.number = -a.number;
        return a;
    }
    a = to_value(p, a, a.kind == PART_VALUE ? a.type : p->type);
    if (is_real(a.type)) return make(PART_VALUE, a.type, a.width, sni_emit_format(p->e, "(-%s)", a.text));
    part zero = make(PART_VALUE, a.type, 1, sni_emit_constant(p->e, a.type, 0, 0));
    return make(PART_VALUE, a.type, a.width, wrapping(p, zero, '-', a, a.width));
}

static part compare(parser *p, part a, const char *operator, part b) {
    if (a.kind == PART_CONDITION && b.kind == PART_CONDITION) { /* (a != 0) != (b != 0) */
        int width = a.width > b.width ? a.width : b.width;
        sni_ctype bits = a.type > b.type ? a.type : b.type;
        a = to_mask(p, a, bits, width);
        b = to_mask(p, b, bits, width);
        return make(PART_CONDITION, bits, width, sni_emit_format(p->e, "(%s %s %s)", a.text, operator, b.text));
    }
    sni_ctype type = common_type(p, a, b);
    a = to_value(p, a, type);
    b = to_value(p, b, type);
    int width = a.width > b.width ? a.width : b.width;
    sni_ctype bits = width > 1 && (type == SNI_C_LONG || type == SNI_C_DOUBLE) ? SNI_C_LONG : SNI_C_INT;
    return make(PART_CONDITION, bits, width, sni_emit_format(p->e, "(%s %s %s)", a.text, operator, b.text));
}

static part logical(parser *p, part a, char operator, part b) {
    a = to_condition(p, a);
    b = to_condition(p, b);
    int width = a.width > b.width ? a.width : b.width;
    sni_ctype bits = width == 1        ? SNI_C_INT
                     : a.width == 1    ? b.type
                     : b.width == 1    ? a.type
                     : a.type > b.type ? a.type
                                       : b.type;
    a = to_mask(p, a, bits, width);
    b = to_mask(p, b, bits, width);
    return make(PART_CONDITION, bits, width, sni_emit_format(p->e, "(%s %c %s)", a.text, operator, b.text));
}

static part choose(parser *p, part c, part yes, part no) {
    c = to_condition(p, c);
    sni_ctype type = common_type(p, yes, no);
    yes = to_value(p, yes, type);
    no = to_value(p, no, type);
    int width = yes.width > no.width ? yes.width : no.width;
    if (c.width > width) width = c.width;
    if (c.width > 1) c = to_mask(p, c, type == SNI_C_LONG || type == SNI_C_DOUBLE ? SNI_C_LONG : SNI_C_INT, width);
    return make(PART_VALUE, type, width,
                sni_emit_format(p->e, "(%s ? %s : %s)", c.text, widen(p, yes, width), widen(p, no, width)));
}

/* ---- The grammar ------------------------------------------------------------------------------ */

static void skip_space(parser *p) {
    while (*p->at == ' ' || *p->at == '\n') ++p->at;
}

static bool take(parser *p, const char *token) {
    skip_space(p);
    size_t length = strlen(token);
    if (strncmp(p->at, token, length) != 0) return false;
    p->at += length;
    return true;
}

static part fail(parser *p) {
    p->e->failed = true;
    p->at = "";
    return make(PART_VALUE, p->type, 1, "0");
}

static part parse_number(parser *p) {
    /* A literal's characters, read without looking at the locale. */
    char text[64];
    size_t length = 0;
    while ((isdigit((unsigned char)*p->at) || *p->at == '.' || *p->at == 'e' ||
            ((*p->at == '-' || *p->at == '+') && p->at[-1] == 'e')) &&
           length + 1 < sizeof text)
        text[length++] = *p->at++;
    text[length] = 0;
    part result = make(PART_NUMBER, p->type, 1, "");
    if (!sni_parse_double(text, &result.number)) return fail(p);
    return result;
}

/* A variable of the expression, in the type of the arithmetic. */
static part variable_value(parser *p, const sni_variable *v) {
    part result = make(v->text != NULL ? PART_VALUE : PART_NUMBER, v->type, v->width, v->text != NULL ? v->text : "");
    result.number = v->number;
    return result.kind == PART_NUMBER || v->own_type ? result : to_value(p, result, p->type);
}

static const sni_variable *find_variable(const parser *p, char letter) {
    for (int i = 0; i < p->variable_count; ++i)
        if (p->variables[i].letter == letter) return &p->variables[i];
    return NULL;
}

static part parse_function(parser *p, const char *name, size_t length) {
    part args[3];
    int count = 0, width = 1;
    do {
        if (count == 3) return fail(p);
        args[count] = to_value(p, parse_ternary(p), p->type);
        if (args[count].width > width) width = args[count].width;
        ++count;
    } while (take(p, ","));
    if (!take(p, ")")) return fail(p);
    sni_str str = SNI_STR_INIT;
    sni_str_printf(&str, "sn_%.*s_%s(", (int)length, name, sni_ctype_name(p->type, width));
    for (int i = 0; i < count; ++i) sni_str_printf(&str, "%s%s", i > 0 ? ", " : "", widen(p, args[i], width));
    sni_str_append(&str, ")");
    sni_emit_use(p->e, p->type, width);
    return make(PART_VALUE, p->type, width, sni_emit_keep(p->e, &str));
}

static part parse_name(parser *p) {
    const char *name = p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '_') ++p->at;
    size_t length = (size_t)(p->at - name);
    if (take(p, "(")) return parse_function(p, name, length);
    const sni_variable *variable = length == 1 ? find_variable(p, name[0]) : NULL;
    if (variable != NULL) return variable_value(p, variable);
    if (p->params != NULL && length == 2 && name[0] == 'p' && name[1] >= '0' && name[1] < '0' + SNI_MAX_ATTRS) {
        part result = make(PART_NUMBER, p->type, 1, "");
        result.number = p->params[name[1] - '0'];
        return result;
    }
    return fail(p);
}

static part parse_primary(parser *p) {
    if (++p->depth > MAX_DEPTH) return fail(p);
    part result;
    skip_space(p);
    if (take(p, "(")) {
        result = parse_ternary(p);
        if (!take(p, ")")) return fail(p);
    } else if (isdigit((unsigned char)*p->at) || *p->at == '.') {
        result = parse_number(p);
    } else if (isalpha((unsigned char)*p->at)) {
        result = parse_name(p);
    } else {
        return fail(p);
    }
    --p->depth;
    return result;
}

static part parse_unary(parser *p) {
    skip_space(p);
    if (take(p, "-")) return negate(p, parse_unary(p));
    if (p->at[0] == '!' && p->at[1] != '=') {
        ++p->at;
        part c = to_condition(p, parse_unary(p));
        c.text = sni_emit_format(p->e, "(!%s)", c.text);
        return c;
    }
    return parse_primary(p);
}

static part parse_product(parser *p) {
    part left = parse_unary(p);
    for (;;) {
        if (take(p, "*"))
            left = arithmetic(p, left, '*', parse_unary(p));
        else if (take(p, "/"))
            left = arithmetic(p, left, '/', parse_unary(p));
        else
            return left;
    }
}

static part parse_sum(parser *p) {
    part left = parse_product(p);
    for (;;) {
        if (take(p, "+"))
            left = arithmetic(p, left, '+', parse_product(p));
        else if (take(p, "-"))
            left = arithmetic(p, left, '-', parse_product(p));
        else
            return left;
    }
}

static part parse_relation(parser *p) {
    static const char *const operators[] = {"<=", ">=", "<", ">"};
    part left = parse_sum(p);
    for (int i = 0; i < 4; ++i)
        if (take(p, operators[i])) return compare(p, left, operators[i], parse_sum(p));
    return left;
}

static part parse_equality(parser *p) {
    part left = parse_relation(p);
    for (;;) {
        if (take(p, "=="))
            left = compare(p, left, "==", parse_relation(p));
        else if (take(p, "!="))
            left = compare(p, left, "!=", parse_relation(p));
        else
            return left;
    }
}

static part parse_and(parser *p) {
    part left = parse_equality(p);
    while (take(p, "&&")) left = logical(p, left, '&', parse_equality(p));
    return left;
}

static part parse_or(parser *p) {
    part left = parse_and(p);
    while (take(p, "||")) left = logical(p, left, '|', parse_and(p));
    return left;
}

static part parse_ternary(parser *p) {
    part c = parse_or(p);
    if (!take(p, "?")) return c;
    part yes = parse_ternary(p);
    if (!take(p, ":")) return fail(p);
    return choose(p, c, yes, parse_ternary(p));
}

/* ---- Statements ------------------------------------------------------------------------------- */

/* The type of the arithmetic: the result's, or for comparisons the operands' widest. */
static sni_ctype arithmetic_type(const sni_loop *loop, const sni_stmt *stmt) {
    if (stmt->dtype != SINTER_BOOL) return sni_ctype_of(stmt->dtype);
    static const int rank[4] = {[SNI_C_INT] = 0, [SNI_C_LONG] = 1, [SNI_C_FLOAT] = 2, [SNI_C_DOUBLE] = 3};
    sni_ctype type = SNI_C_INT;
    for (int a = 0; a < stmt->arg_count; ++a) {
        sni_ctype other = sni_ctype_of(loop->stmts[stmt->args[a]].dtype);
        if (rank[other] > rank[type]) type = other;
    }
    return type;
}

const char *sni_emit_expression(sni_emitter *e, const char *text, sni_ctype type, int width,
                                const sni_variable *variables, int count, const double *params, bool truth) {
    parser p = {.e = e, .variables = variables, .variable_count = count, .params = params, .at = text, .type = type};
    if (text == NULL) {
        e->failed = true;
        return "0";
    }
    part result = parse_ternary(&p);
    skip_space(&p);
    if (*p.at != 0) e->failed = true;
    if (truth) result = to_condition(&p, result);
    result = to_value(&p, result, truth ? SNI_C_INT : type);
    return widen(&p, result, width);
}

const char *sni_emit_op(sni_emitter *e, const sni_scope *scope, int s, int width) {
    const sni_stmt *stmt = &e->loop->stmts[s];
    sni_variable operands[SNI_MAX_ARGS];
    if (stmt->op->custom != NULL) return sni_emit_custom(e, scope, s, width);
    for (int a = 0; a < stmt->arg_count; ++a) {
        const sni_stmt *arg = &e->loop->stmts[stmt->args[a]];
        const char *name = scope->have != NULL ? scope->have[stmt->args[a]] : NULL;
        if (name == NULL) e->failed = true;
        /* A bool beside other types is a condition: it is converted only where it is used as a number. */
        operands[a] = (sni_variable){.letter = (char)('a' + a),
                                     .text = name != NULL ? name : "0",
                                     .type = sni_ctype_of(arg->dtype),
                                     .width = sni_emit_is_vector(e, scope, stmt->args[a]) ? width : 1,
                                     .own_type = arg->dtype == SINTER_BOOL};
    }
    const char *value = sni_emit_expression(e, stmt->op->expression, arithmetic_type(e->loop, stmt), width, operands,
                                            stmt->arg_count, stmt->params, stmt->dtype == SINTER_BOOL);
    return sni_emit_wrap(e, stmt->dtype, width, value);
}
