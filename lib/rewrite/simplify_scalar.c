/* Simplifications of elementwise nodes and casts. NaN and infinities come out as they would; the sign of a zero may
 * not (x + 0). */
#include <math.h>
#include <stdlib.h>

#include "rewrite/simplify.h"

#define MAX_UNIFORM_BYTES 4096 /* how much of a constant is looked through */

/* Is the value a constant whose elements are all the same number? */
static bool uniform(const sni_simplify *s, uint32_t value, double *out) {
    const sni_value *found = sni_graph_value(s->graph, value);
    if (!found || !found->blob) return false;
    size_t size = sinter_dtype_size(found->type.dtype), bytes = sni_blob_size(found->blob);
    if (bytes == 0 || bytes > MAX_UNIFORM_BYTES) return false;
    for (size_t i = 0; i < bytes / size; ++i) {
        double f = 0;
        int64_t n = 0;
        sni_dtype_load(found->type.dtype, sni_blob_data(found->blob), (int64_t)i, &f, &n);
        if (!sni_dtype_is_real(found->type.dtype)) f = (double)n;
        if (i > 0 && f != *out) return false;
        *out = f;
    }
    return true;
}

static uint32_t expand_to(const sni_simplify *s, uint32_t value) {
    if (sni_simplify_keep(s, value)) return value;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(s->graph, s->out.rank, s->out.dims)};
    return sni_graph_add1(s->graph, "expand", 1, &value, attrs);
}

/* Is operand i the row's element for its side? */
static bool is_element(const sni_simplify *s, const sni_element *element, int i) {
    double value = 0;
    sni_side side = i == 1 ? SNI_SIDE_RIGHT : SNI_SIDE_LEFT;
    return (element->side & side) && uniform(s, s->ins[i], &value) && value == element->value;
}

/* What the row says of two operands: one that changes nothing, one that decides alone, the same one twice. */
static uint32_t simplify_pair(const sni_simplify *s) {
    const sni_traits *traits = &s->node->op->traits;
    for (int i = 1; i >= 0; --i) {
        uint32_t other = s->ins[1 - i];
        if (is_element(s, &traits->neutral, i) && sni_simplify_keep(s, other)) return other;
        if (is_element(s, &traits->absorbing, i)) return expand_to(s, s->ins[i]);
    }
    return traits->idempotent && s->ins[0] == s->ins[1] ? s->ins[0] : 0;
}

/* x / c as x * (1/c) where that is the same number: c is a power of two. 1 / sqrt(x) as rsqrt. */
static uint32_t simplify_div(const sni_simplify *s) {
    double value = 0;
    int exponent = 0;
    if (!sni_dtype_is_real(s->out.dtype)) return 0;
    if (uniform(s, s->ins[1], &value) && value != 0 && isfinite(value) && fabs(frexp(value, &exponent)) == 0.5 &&
        abs(exponent) < 14)
        return sni_make_binary(s->graph, "mul", s->ins[0], sni_make_scalar(s->graph, s->out.dtype, 1 / value));
    if (uniform(s, s->ins[0], &value) && value == 1 && sni_simplify_keep(s, s->ins[1])) {
        const sni_node *root = sni_simplify_producer(s, s->ins[1], "sqrt");
        return sni_make_unary(s->graph, root ? "rsqrt" : "reciprocal", root ? root->in[0] : s->ins[1]);
    }
    return 0;
}

static uint32_t simplify_pow(const sni_simplify *s) {
    double power = 0;
    sinter_graph *g = s->graph;
    uint32_t x = s->ins[0];
    if (!uniform(s, s->ins[1], &power) || !sni_simplify_keep(s, x)) return 0;
    if (power == 2) return sni_make_binary(g, "mul", x, x);
    if (power == 3) return sni_make_binary(g, "mul", x, sni_make_binary(g, "mul", x, x));
    if (!sni_dtype_is_real(s->out.dtype)) return 0;
    if (power == 0.5) return sni_make_unary(g, "sqrt", x);
    if (power == -0.5) return sni_make_unary(g, "rsqrt", x);
    if (power == -1) return sni_make_unary(g, "reciprocal", x);
    return 0;
}

static uint32_t simplify_where(const sni_simplify *s) {
    double condition = 0;
    if (uniform(s, s->ins[0], &condition)) return expand_to(s, s->ins[condition != 0 ? 1 : 2]);
    return s->ins[1] == s->ins[2] ? expand_to(s, s->ins[1]) : 0;
}

/* ---- unary ---------------------------------------------------------------------------------- */

/* op(x) is x for some operators, op(op(x)) is x or op(x) for others. */
static uint32_t simplify_twice(const sni_simplify *s) {
    const sni_op *op = s->node->op;
    if (op->traits.is_identity) return s->ins[0];
    const sni_node *inner = sni_simplify_producer(s, s->ins[0], op->name);
    if (inner && op->traits.undoes_itself) return inner->in[0];
    return inner && op->traits.idempotent ? s->ins[0] : 0;
}

static uint32_t simplify_reciprocal(const sni_simplify *s) {
    const sni_node *root = sni_simplify_producer(s, s->ins[0], "sqrt");
    return root ? sni_make_unary(s->graph, "rsqrt", root->in[0]) : 0;
}

/* ---- casts ---------------------------------------------------------------------------------- */

/* Bits of an integer with its sign, or of a real's significand; bool is 1. */
static int precision(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_BOOL:
        return 1;
    case SINTER_I8:
        return 7;
    case SINTER_U8:
        return 8;
    case SINTER_I16:
        return 15;
    case SINTER_U16:
        return 16;
    case SINTER_I32:
        return 31;
    case SINTER_U32:
        return 32;
    case SINTER_I64:
        return 63;
    case SINTER_F16:
        return 11;
    case SINTER_BF16:
        return 8;
    case SINTER_F32:
        return 24;
    default:
        return 53;
    }
}

static bool is_signed(sinter_dtype dtype) {
    return dtype != SINTER_U8 && dtype != SINTER_U16 && dtype != SINTER_U32 && dtype != SINTER_BOOL;
}

/* Does every value of `from` have the same value in `to`? */
static bool lossless(sinter_dtype from, sinter_dtype to) {
    if (from == to) return true;
    if (to == SINTER_BOOL) return false;
    if (sni_dtype_is_real(from)) return to == SINTER_F64 || (to == SINTER_F32 && from != SINTER_F64);
    /* The range of f16 ends below the numbers that its precision would allow for 16 bits and more. */
    if (sni_dtype_is_real(to)) return precision(from) <= precision(to);
    return precision(from) <= precision(to) && (is_signed(to) || !is_signed(from));
}

static uint32_t simplify_cast(const sni_simplify *s) {
    uint32_t x = s->ins[0];
    if (sni_simplify_keep(s, x)) return x;
    const sni_node *inner = sni_simplify_producer(s, x, "cast");
    if (!inner) return 0;
    uint32_t source = inner->in[0];
    if (!lossless(sni_make_type(s->graph, source).dtype, sni_make_type(s->graph, x).dtype)) return 0;
    return sni_make_cast(s->graph, source, s->out.dtype);
}

/* What holds for one operator alone. */
static const sni_simplify_rule rules[] = {
    {"cast", simplify_cast}, {"reciprocal", simplify_reciprocal}, {"div", simplify_div},
    {"pow", simplify_pow},   {"where", simplify_where},
};

uint32_t sni_simplify_scalar(const sni_simplify *s) {
    uint32_t result = 0;
    if (s->node->op->kind == SNI_OP_ELEMENTWISE && s->node->in_count == 1) result = simplify_twice(s);
    if (s->node->in_count == 2) result = simplify_pair(s);
    return result ? result : sni_simplify_by_rule(s, rules, sizeof rules / sizeof *rules);
}
