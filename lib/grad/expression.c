/* Gradients of elementwise rows: the texts of elementwise.inc as nodes.
 *
 * The language is C's expressions of a b c (inputs), y (the result), g, p0 p1 (attributes), numbers and operators of the
 * table by name. Numbers are computed as they are read, so that p1 * p0 is no node. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "grad/rule.h"

typedef struct operand {
    uint32_t value; /* 0: the number */
    double number;
} operand;

typedef struct parser {
    sinter_graph *graph;
    const char *at;
    const sni_grad_operands *operands;
    sinter_dtype dtype; /* of numbers */
    bool bad;
} parser;

static operand ternary(parser *p);

static void skip(parser *p) {
    while (isspace((unsigned char)*p->at)) ++p->at;
}

/* Takes a symbol that is no part of a longer one ("<" is not "<="). */
static bool take(parser *p, const char *symbol) {
    size_t length = strlen(symbol);
    skip(p);
    if (strncmp(p->at, symbol, length) != 0) return false;
    if (length == 1 && strchr("<>!", *symbol) && p->at[1] == '=') return false;
    p->at += length;
    return true;
}

static uint32_t value_of(const parser *p, operand x) {
    return x.value ? x.value : sni_make_scalar(p->graph, p->dtype, x.number);
}

static operand binary(const parser *p, const char *op, operand a, operand b) {
    return (operand){.value = sni_make_binary(p->graph, op, value_of(p, a), value_of(p, b))};
}

static operand arithmetic(const parser *p, char symbol, operand a, operand b) {
    const char *op = symbol == '+' ? "add" : symbol == '-' ? "sub" : symbol == '*' ? "mul" : "div";
    if (a.value || b.value) return binary(p, op, a, b);
    double result = symbol == '+'   ? a.number + b.number
                    : symbol == '-' ? a.number - b.number
                    : symbol == '*' ? a.number * b.number
                                    : a.number / b.number;
    return (operand){.number = result};
}

static operand call(parser *p, const char *name) {
    uint32_t ins[3] = {0};
    int count = 0;
    do {
        ins[count++] = value_of(p, ternary(p));
    } while (count < 3 && take(p, ","));
    if (!take(p, ")")) p->bad = true;
    return (operand){.value = p->bad ? 0 : sni_graph_add1(p->graph, name, count, ins, NULL)};
}

static operand name(parser *p) {
    char text[32] = "";
    size_t length = 0;
    while (isalnum((unsigned char)*p->at) || *p->at == '_') {
        if (length + 1 < sizeof text) text[length++] = *p->at;
        ++p->at;
    }
    if (take(p, "(")) return call(p, text);
    if (strcmp(text, "p0") == 0) return (operand){.number = p->operands->attrs[0]};
    if (strcmp(text, "p1") == 0) return (operand){.number = p->operands->attrs[1]};
    uint32_t value = 0;
    if (length == 1 && *text >= 'a' && *text <= 'c') value = p->operands->in[*text - 'a'];
    if (length == 1 && *text == 'y') value = p->operands->out;
    if (length == 1 && *text == 'g') value = p->operands->g;
    if (!value) p->bad = true;
    return (operand){.value = value};
}

static operand primary(parser *p) {
    skip(p);
    if (take(p, "(")) {
        operand inner = ternary(p);
        if (!take(p, ")")) p->bad = true;
        return inner;
    }
    if (isalpha((unsigned char)*p->at)) return name(p);
    char *end = NULL;
    operand number = {.number = strtod(p->at, &end)};
    if (end == p->at) p->bad = true;
    p->at = end;
    return number;
}

static operand unary(parser *p) {
    if (take(p, "!")) return (operand){.value = sni_make_unary(p->graph, "not", value_of(p, unary(p)))};
    if (!take(p, "-")) return primary(p);
    operand x = unary(p);
    return x.value ? (operand){.value = sni_make_unary(p->graph, "neg", x.value)} : (operand){.number = -x.number};
}

static operand product(parser *p) {
    operand x = unary(p);
    while (!p->bad) {
        char symbol = take(p, "*") ? '*' : take(p, "/") ? '/' : 0;
        if (!symbol) break;
        x = arithmetic(p, symbol, x, unary(p));
    }
    return x;
}

static operand sum(parser *p) {
    operand x = product(p);
    while (!p->bad) {
        char symbol = take(p, "+") ? '+' : take(p, "-") ? '-' : 0;
        if (!symbol) break;
        x = arithmetic(p, symbol, x, product(p));
    }
    return x;
}

static operand comparison(parser *p) {
    static const char *const symbols[][2] = {{"<=", "le"}, {">=", "ge"}, {"==", "eq"},
                                             {"!=", "ne"}, {"<", "lt"},  {">", "gt"}};
    operand x = sum(p);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols && !p->bad; ++i)
        if (take(p, symbols[i][0])) return binary(p, symbols[i][1], x, sum(p));
    return x;
}

static operand both(parser *p) {
    operand x = comparison(p);
    while (!p->bad && take(p, "&&")) x = binary(p, "and", x, comparison(p));
    return x;
}

static operand either(parser *p) {
    operand x = both(p);
    while (!p->bad && take(p, "||")) x = binary(p, "or", x, both(p));
    return x;
}

static operand ternary(parser *p) {
    operand condition = either(p);
    if (p->bad || !take(p, "?")) return condition;
    operand then = ternary(p);
    if (!take(p, ":")) p->bad = true;
    operand otherwise = p->bad ? then : ternary(p);
    return (operand){.value =
                         sni_make_where(p->graph, value_of(p, condition), value_of(p, then), value_of(p, otherwise))};
}

uint32_t sni_grad_expression(sinter_graph *graph, const char *text, const sni_grad_operands *operands) {
    parser p = {.graph = graph, .at = text, .operands = operands, .dtype = sni_make_type(graph, operands->g).dtype};
    if (graph->status != SINTER_OK) return 0;
    operand result = ternary(&p);
    skip(&p);
    if (graph->status != SINTER_OK) return 0;
    if (p.bad || *p.at) {
        sni_graph_fail(graph, SINTER_INTERNAL, "gradients: '%s' is no expression, at '%s'", text, p.at);
        return 0;
    }
    return !result.value && result.number == 0 ? 0 : value_of(&p, result);
}
