/* Sizes that exporters compute in floating point: `Cast(Floor(Mul(Cast(Shape), 2.0)))` of an upsampling, `Ceil(h / 2.0) * 2`
 * of a network that pads to whole patches. The graph knows integers by their expressions and nothing of floats, so
 * where a float becomes an integer again, what computed it is walked backwards with fractions of expressions.
 *
 * The answer must be the float computation's own, not only the exact one: a step is followed only where f32 has no rounding
 * that could carry a result over a whole number, for dimensions below 2^16. */
#include "onnx/fraction.h"

#include <math.h>
#include <string.h>

#define MAX_DEPTH 16
#define DIMENSION_BITS 16
#define FLOAT_BITS 24 /* of f32; an f64 has more */

/* num / den; den > 0. Where den is a power of two and num has no more bits than a float, the float is the fraction exactly. */
typedef struct fraction {
    sni_expr num;
    int64_t den;
    int bits; /* |num| < 2^bits */
} fraction;

typedef struct fractions {
    int count;
    fraction at[SNI_MAX_LIST];
} fractions;

static int bits_of(int64_t number) {
    int bits = 0;
    for (uint64_t rest = (uint64_t)(number < 0 ? -number : number); rest; rest >>= 1) ++bits;
    return bits;
}

static bool is_exact(const fraction *f) {
    return (f->den & (f->den - 1)) == 0;
}

static bool fraction_of_number(sni_onnx_call *call, double number, fraction *out) {
    int64_t den = 1;
    for (; den < 1 << DIMENSION_BITS && number != floor(number); den *= 2) number *= 2;
    if (!(fabs(number) < 1 << FLOAT_BITS) || number != floor(number)) return false;
    *out = (fraction){sni_onnx_const(call, (int64_t)number), den, bits_of((int64_t)number)};
    return true;
}

static fraction whole(sni_onnx_call *call, sni_expr number) {
    int64_t value;
    return (fraction){number, 1, sni_sym_is_const(call->sym, number, &value) ? bits_of(value) : DIMENSION_BITS};
}

/* By a number: products of two dimensions are left to integers. */
static bool times(sni_onnx_call *call, const fraction *a, const fraction *b, fraction *out) {
    int64_t factor;
    if (!sni_sym_is_const(call->sym, b->num, &factor)) {
        if (!sni_sym_is_const(call->sym, a->num, &factor)) return false;
        const fraction *other = a;
        a = b;
        b = other;
    }
    *out = (fraction){sni_sym_mul_i(call->sym, a->num, factor), a->den * b->den, a->bits + b->bits};
    return is_exact(a) && is_exact(b);
}

/* A quotient of whole numbers below 2^24 is rounded, but not over a whole number: it differs from the next one by at least
 * 1/divisor. So it may be rounded to a whole number next, and that is all that is_exact lets happen to it. */
static bool divided_by(sni_onnx_call *call, const fraction *a, const fraction *b, fraction *out) {
    int64_t divisor;
    if (!is_exact(a) || !is_exact(b)) return false;
    if (!sni_sym_is_const(call->sym, b->num, &divisor) || divisor <= 0) return false;
    *out = (fraction){sni_sym_mul_i(call->sym, a->num, b->den), a->den * divisor, a->bits + bits_of(b->den)};
    return true;
}

static bool plus(sni_onnx_call *call, const fraction *a, const fraction *b, int64_t sign, fraction *out) {
    if (!is_exact(a) || !is_exact(b)) return false;
    int64_t den = a->den > b->den ? a->den : b->den; /* powers of two: the larger is a multiple of the other */
    sni_expr left = sni_sym_mul_i(call->sym, a->num, den / a->den);
    sni_expr right = sni_sym_mul_i(call->sym, b->num, sign * (den / b->den));
    int left_bits = a->bits + bits_of(den / a->den), right_bits = b->bits + bits_of(den / b->den);
    int bits = left_bits > right_bits ? left_bits : right_bits;
    *out = (fraction){sni_sym_add(call->sym, left, right), den, bits};
    return true;
}

static bool rounded(sni_onnx_call *call, const char *op, const fraction *a, fraction *out) {
    sni_expr den = sni_onnx_const(call, a->den);
    bool up = strcmp(op, "ceil") == 0;
    *out = (fraction){up ? sni_sym_ceil_div(call->sym, a->num, den) : sni_sym_div(call->sym, a->num, den), 1, 0};
    out->bits = a->bits - bits_of(a->den) + 2;
    if (out->bits < 1) out->bits = 1;
    return true;
}

static bool apply(sni_onnx_call *call, const char *op, const fraction *a, const fraction *b, fraction *out) {
    bool known = false;
    if (strcmp(op, "floor") == 0 || strcmp(op, "ceil") == 0) known = rounded(call, op, a, out);
    if (strcmp(op, "mul") == 0) known = times(call, a, b, out);
    if (strcmp(op, "div") == 0) known = divided_by(call, a, b, out);
    if (strcmp(op, "add") == 0) known = plus(call, a, b, 1, out);
    if (strcmp(op, "sub") == 0) known = plus(call, a, b, -1, out);
    return known && out->bits <= FLOAT_BITS && out->den < (int64_t)1 << FLOAT_BITS;
}

static bool fractions_of(sni_onnx_call *call, uint32_t value, int depth, fractions *out);

/* Operands of one shape, or scalars beside it. */
static bool fractions_of_node(sni_onnx_call *call, const sni_node *node, int depth, fractions *out) {
    fractions in[2];
    if (node->in_count < 1 || node->in_count > 2 || node->out_count != 1) return false;
    in[1].count = 1;
    for (int i = 0; i < node->in_count; ++i)
        if (!fractions_of(call, node->in[i], depth + 1, &in[i])) return false;
    if (node->op->traits.renames || node->op->kind == SNI_OP_CAST) {
        *out = in[0];
        return true;
    }
    if (node->op->kind != SNI_OP_ELEMENTWISE) return false;
    out->count = in[0].count > in[1].count ? in[0].count : in[1].count;
    for (int i = 0; i < 2; ++i)
        if (in[i].count != 1 && in[i].count != out->count) return false;
    for (int n = 0; n < out->count; ++n) {
        const fraction *a = &in[0].at[in[0].count == 1 ? 0 : n];
        const fraction *b = node->in_count == 2 ? &in[1].at[in[1].count == 1 ? 0 : n] : NULL;
        if (!apply(call, node->op->name, a, b, &out->at[n])) return false;
    }
    return true;
}

static bool fractions_of_constants(sni_onnx_call *call, uint32_t value, fractions *out) {
    double numbers[SNI_MAX_LIST];
    if (!sni_onnx_doubles_of(call, value, "size", SNI_MAX_LIST, numbers, &out->count)) return false;
    for (int i = 0; i < out->count; ++i)
        if (!fraction_of_number(call, numbers[i], &out->at[i])) return false;
    return true;
}

/* Sizes are a scalar or a short vector; a table of numbers that is cast is none, and is left to the device. */
static bool is_short(const sni_onnx_call *call, const sni_type *type) {
    int64_t count = 1;
    return type->rank == 0 ||
           (type->rank == 1 && sni_sym_is_const(call->sym, type->dims[0], &count) && count <= SNI_MAX_LIST);
}

static bool fractions_of(sni_onnx_call *call, uint32_t value, int depth, fractions *out) {
    sni_type type = sni_onnx_type(call, value);
    if (depth >= MAX_DEPTH || !is_short(call, &type)) return false;
    if (type.dtype == SINTER_F16 || type.dtype == SINTER_BF16) return false; /* these round dimensions themselves */
    if (type.elements) {
        out->count = (int)type.element_count;
        for (int i = 0; i < out->count; ++i) out->at[i] = whole(call, type.elements[i]);
        return true;
    }
    if (sni_onnx_is_known(call, value)) return fractions_of_constants(call, value, out);
    int producer = sni_graph_value(call->graph, value)->producer;
    if (producer < 0) return false;
    sni_node node = call->graph->nodes[producer];
    return fractions_of_node(call, &node, depth, out);
}

/* What constants alone compute may be any float. */
static bool truncated_constants(sni_onnx_call *call, uint32_t value, sni_onnx_list *out) {
    double numbers[SNI_MAX_LIST];
    if (!sni_onnx_doubles_of(call, value, "size", SNI_MAX_LIST, numbers, &out->count)) return false;
    for (int i = 0; i < out->count; ++i) {
        if (!(fabs(numbers[i]) < 0x1p31)) return false; /* NaN, Inf and what an i32 cannot hold: the cast's rule */
        out->at[i] = sni_onnx_const(call, (int64_t)numbers[i]);
    }
    return true;
}

bool sni_onnx_whole_part(sni_onnx_call *call, uint32_t value, sni_onnx_list *out) {
    fractions found;
    sni_type type = sni_onnx_type(call, value);
    if (call->status != SINTER_OK || !value || !is_short(call, &type)) return false;
    if (sni_onnx_is_known(call, value)) return truncated_constants(call, value, out);
    if (!fractions_of(call, value, 0, &found)) return false;
    out->count = found.count;
    for (int i = 0; i < found.count; ++i) {
        /* A cast drops the fraction, which is the floor from zero upwards only. */
        if (found.at[i].den != 1 && !sni_sym_known_nonneg(call->sym, found.at[i].num)) return false;
        out->at[i] = sni_sym_div(call->sym, found.at[i].num, sni_onnx_const(call, found.at[i].den));
    }
    return true;
}
