/* Elementwise operators and cast: the rows of elementwise.inc, one shape rule, one reference. */
#include "op/elementwise.h"

#include <math.h>
#include <string.h>

#include "op/rule.h"
#include "op/tables.h"

/* Integer expressions are evaluated in a type in which sums and products of two operands are exact;
 * the result is wrapped to the dtype afterwards. */
typedef __int128 whole;
typedef double (*real_fn)(double a, double b, double c, double p0, double p1);
typedef whole (*whole_fn)(whole a, whole b, whole c);

/* ---- the functions that expressions use, on real numbers ---- */

static double real_max(double x, double y) {
    if (isnan(x) || isnan(y)) return NAN;
    return x > y ? x : y;
}

static double real_min(double x, double y) {
    if (isnan(x) || isnan(y)) return NAN;
    return x < y ? x : y;
}

static double real_sigmoid(double x) {
    double e = exp(-fabs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

static double real_mod(double x, double y) {
    double r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static double real_inf_sign(double x) {
    return !isinf(x) ? 0 : x > 0 ? 1 : -1;
}

/* ---- the same on integers ---- */

static whole whole_fmod(whole x, whole y) {
    return y == 0 ? 0 : x % y;
}

static whole whole_mod(whole x, whole y) {
    whole r = whole_fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static whole whole_pow(whole x, whole y) {
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
    uint64_t power = (uint64_t)x, result = 1; /* the low 64 bits are all that wrapping keeps */
    for (uint64_t n = (uint64_t)y; n > 0; n >>= 1) {
        if (n & 1u) result *= power;
        power *= power;
    }
    return (int64_t)result;
}

/* Philox 4x32-10; the constants are its authors'. */
static whole whole_philox(whole x, whole y) {
    uint32_t c[4] = {(uint32_t)x, (uint32_t)((uint64_t)x >> 32), 0, 0};
    uint32_t k[2] = {(uint32_t)y, (uint32_t)((uint64_t)y >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xd2511f53u * c[0], b = (uint64_t)0xcd9e8d57u * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k[1],
                            (uint32_t)a};
        memcpy(c, next, sizeof c);
        k[0] += 0x9e3779b9u;
        k[1] += 0xbb67ae85u;
    }
    return (int64_t)((uint64_t)c[1] << 32 | c[0]);
}

/* ---- the rows, compiled in double ---- */

#define UNUSED __attribute__((unused))
#define REAL_FUNCTION(name, expression)                                                                                \
    static double real_row_##name(double a UNUSED, double b UNUSED, double c UNUSED, double p0 UNUSED,                 \
                                  double p1 UNUSED) {                                                                  \
        return expression;                                                                                             \
    }
#define WHOLE_FUNCTION(name, expression)                                                                               \
    static whole whole_row_##name(whole a UNUSED, whole b UNUSED, whole c UNUSED) {                                    \
        return expression;                                                                                             \
    }
#define NO_FUNCTION(name, expression)

#define REAL_OF_REAL REAL_FUNCTION
#define REAL_OF_NUMBER REAL_FUNCTION
#define REAL_OF_ANY REAL_FUNCTION
#define REAL_OF_BOOL NO_FUNCTION
#define REAL_OF_INT NO_FUNCTION
#define WHOLE_OF_REAL NO_FUNCTION
#define WHOLE_OF_NUMBER WHOLE_FUNCTION
#define WHOLE_OF_ANY WHOLE_FUNCTION
#define WHOLE_OF_BOOL WHOLE_FUNCTION
#define WHOLE_OF_INT WHOLE_FUNCTION

#define rsqrt(x) (1 / sqrt(x))
#define sigmoid(x) real_sigmoid(x)
#define round_even(x) rint(x)
#define nan_flag(x) (isnan(x) ? 1.0 : 0.0)
#define inf_sign(x) real_inf_sign(x)
#define abs(x) fabs(x)
#define max(x, y) real_max(x, y)
#define min(x, y) real_min(x, y)
#define div(x, y) ((x) / (y))
#define mod(x, y) real_mod(x, y)
#define SNI_ROW(class, name, arity, result, cost, attrs, traits, expression, gradient, doc)                            \
    REAL_OF_##class(name, expression)
#include "op/elementwise.inc"
#undef SNI_ROW
#undef rsqrt
#undef sigmoid
#undef round_even
#undef nan_flag
#undef inf_sign
#undef abs
#undef max
#undef min
#undef div
#undef mod

/* ---- and in integers ---- */

#define abs(x) ((x) < 0 ? -(x) : (x))
#define max(x, y) ((x) > (y) ? (x) : (y))
#define min(x, y) ((x) < (y) ? (x) : (y))
#define div(x, y) ((y) == 0 ? 0 : (x) / (y))
#define mod(x, y) whole_mod(x, y)
#define fmod(x, y) whole_fmod(x, y)
#define pow(x, y) whole_pow(x, y)
#define bit_and(x, y) ((x) & (y))
#define bit_or(x, y) ((x) | (y))
#define bit_xor(x, y) ((x) ^ (y))
#define philox(x, y) whole_philox(x, y)
#define shift_left(x, y) ((y) < 0 || (y) > 63 ? 0 : (int64_t)((uint64_t)(x) << (int)(y)))
#define shift_right(x, y) ((y) < 0 || (y) > 63 ? ((x) < 0 ? -1 : 0) : (x) >> (int)(y))
#define SNI_ROW(class, name, arity, result, cost, attrs, traits, expression, gradient, doc)                            \
    WHOLE_OF_##class(name, expression)
#include "op/elementwise.inc"
#undef SNI_ROW
#undef abs
#undef max
#undef min
#undef div
#undef mod
#undef fmod
#undef pow
#undef bit_and
#undef bit_or
#undef bit_xor
#undef philox
#undef shift_left
#undef shift_right

/* In the order of the rows. */
static const struct {
    real_fn real;
    whole_fn whole;
} g_functions[] = {
#define REAL_POINTER(name) real_row_##name
#define WHOLE_POINTER(name) whole_row_##name
#define FUNCTIONS_REAL(name) {REAL_POINTER(name), NULL},
#define FUNCTIONS_NUMBER(name) {REAL_POINTER(name), WHOLE_POINTER(name)},
#define FUNCTIONS_ANY(name) {REAL_POINTER(name), WHOLE_POINTER(name)},
#define FUNCTIONS_BOOL(name) {NULL, WHOLE_POINTER(name)},
#define FUNCTIONS_INT(name) {NULL, WHOLE_POINTER(name)},
#define SNI_ROW(class, name, arity, result, cost, attrs, traits, expression, gradient, doc) FUNCTIONS_##class(name)
#include "op/elementwise.inc"
#undef SNI_ROW
};

enum { ROW_COUNT = sizeof g_functions / sizeof g_functions[0] };

bool sni_elementwise_whole(const sni_op *op, sinter_dtype dtype, const int64_t operands[3], int64_t *out) {
    ptrdiff_t row = op - sni_ops_elementwise;
    if (row < 0 || row >= ROW_COUNT || !g_functions[row].whole) return false;
    whole result = g_functions[row].whole(operands[0], operands[1], operands[2]);
    *out = sni_dtype_wrap(dtype, (int64_t)(uint64_t)result);
    return true;
}

/* ---- shape rules ---- */

/* The inputs are alike but for the condition of an operator that selects. */
static int first_operand(const sni_op *op) {
    return op->traits.selects ? 1 : 0;
}

static sinter_status elementwise_infer(sni_call *call) {
    int first = first_operand(call->op);
    if (first > 0) SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_BOOL));
    for (int i = first; i < call->in_count; i++) SNI_TRY(sni_rule_class(call, i, call->op->classes));
    SNI_TRY(sni_rule_same_dtype(call, first, call->in_count - 1));
    sni_type out = {.rank = 0};
    for (int i = 0; i < call->in_count; i++) {
        if (!sni_type_broadcast(call->sym, &out, &call->in[i], &out)) {
            return sni_rule_shapes(call, "shapes do not broadcast");
        }
    }
    sinter_dtype dtype = call->op->result == SNI_RESULT_BOOL ? SINTER_BOOL : call->in[first].dtype;
    sni_rule_out(call, dtype, out.rank, out.dims);
    for (int i = 0; i < call->in_count; i++) sni_require_broadcast(call, &call->in[i], &out);
    return sni_rule_done(call);
}

static sinter_status cast_infer(sni_call *call) {
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    int64_t dtype = sni_attr_i(call, SNI_CAST_DTYPE);
    if (dtype <= SINTER_DTYPE_NONE || dtype >= SINTER_DTYPE_COUNT) {
        return sni_fail(SINTER_DTYPE, "attribute dtype is %lld, which is no dtype", (long long)dtype);
    }
    sni_rule_out(call, (sinter_dtype)dtype, call->in[0].rank, call->in[0].dims);
    return sni_rule_done(call);
}

/* ---- reference ---- */

/* Walks over the output's elements and keeps each broadcast input's position. */
typedef struct walker {
    const sni_ref_tensor *out;
    int64_t coords[SINTER_MAX_RANK];
    int64_t steps[3][SINTER_MAX_RANK]; /* of the inputs along the output's dimensions */
    int64_t at[3];
} walker;

static void walker_init(walker *walk, const sni_ref_call *call) {
    memset(walk, 0, sizeof *walk);
    walk->out = call->out[0];
    for (int i = 0; i < call->in_count; i++) {
        int64_t step = 1;
        int shift = walk->out->rank - call->in[i]->rank;
        for (int d = call->in[i]->rank - 1; d >= 0; d--) {
            walk->steps[i][shift + d] = call->in[i]->dims[d] == 1 ? 0 : step;
            step *= call->in[i]->dims[d];
        }
    }
}

static void walker_next(walker *walk) {
    for (int d = walk->out->rank - 1; d >= 0; d--) {
        for (int i = 0; i < 3; i++) walk->at[i] += walk->steps[i][d];
        if (++walk->coords[d] < walk->out->dims[d]) return;
        for (int i = 0; i < 3; i++) walk->at[i] -= walk->steps[i][d] * walk->out->dims[d];
        walk->coords[d] = 0;
    }
}

static void reference_real(const sni_ref_call *call, real_fn function, walker *walk) {
    sni_ref_tensor *out = call->out[0];
    double x[3] = {0};
    for (int64_t n = 0; n < out->count; n++, walker_next(walk)) {
        for (int i = 0; i < call->in_count; i++) x[i] = sni_ref_get(call->in[i], walk->at[i]);
        double y = function(x[0], x[1], x[2], call->attrs[0].f, call->attrs[1].f);
        if (out->f) {
            out->f[n] = y;
        } else {
            out->i[n] = y != 0;
        }
    }
}

static void reference_whole(const sni_ref_call *call, walker *walk) {
    sni_ref_tensor *out = call->out[0];
    int64_t x[3] = {0};
    for (int64_t n = 0; n < out->count; n++, walker_next(walk)) {
        for (int i = 0; i < call->in_count; i++) x[i] = call->in[i]->i[walk->at[i]];
        (void)sni_elementwise_whole(call->op, out->dtype, x, &out->i[n]);
    }
}

static sinter_status elementwise_reference(const sni_ref_call *call) {
    walker walk;
    walker_init(&walk, call);
    bool real = false;
    for (int i = 0; i < call->in_count; i++) real = real || call->in[i]->f != NULL;
    if (real) {
        reference_real(call, g_functions[call->op - sni_ops_elementwise].real, &walk);
    } else {
        reference_whole(call, &walk);
    }
    return SINTER_OK;
}

static sinter_status cast_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    for (int64_t n = 0; n < out->count; n++) {
        if (in->f && out->dtype == SINTER_BOOL) {
            out->i[n] = in->f[n] != 0; /* a NaN is not 0 */
        } else if (in->i && out->i) {
            out->i[n] = sni_dtype_wrap(out->dtype, in->i[n]);
        } else {
            sni_ref_set(out, n, sni_ref_get(in, n));
        }
    }
    return SINTER_OK;
}

/* ---- the rows ---- */

#define SNI_F0                                                                                                         \
    {                                                                                                                  \
        { NULL, SNI_ATTR_NONE, 0 }                                                                                     \
    }
#define SNI_F1(name, preset)                                                                                           \
    {                                                                                                                  \
        { name, SNI_ATTR_FLOAT, preset }                                                                               \
    }
#define SNI_F2(name, preset, name2, preset2)                                                                           \
    {                                                                                                                  \
        {name, SNI_ATTR_FLOAT, preset}, {                                                                              \
            name2, SNI_ATTR_FLOAT, preset2                                                                             \
        }                                                                                                              \
    }
#define SNI_T0                                                                                                         \
    { .commutes = false }
#define SNI_TRAITS(...)                                                                                                \
    { __VA_ARGS__ }
#define SNI_FLAT                                                                                                       \
    { "0", "0", "0" }
#define SNI_GRADIENT(...)                                                                                              \
    { __VA_ARGS__ }
#define SNI_ROW(class_, name_, arity_, result_, cost_, attrs_, traits_, expression_, gradient_, doc_)                  \
    {                                                                                                                  \
        .name = #name_,                                                                                                \
        .kind = SNI_OP_ELEMENTWISE,                                                                                    \
        .min_inputs = arity_,                                                                                          \
        .max_inputs = arity_,                                                                                          \
        .outputs = 1,                                                                                                  \
        .attrs = attrs_,                                                                                               \
        .classes = SNI_CLASS_##class_,                                                                                 \
        .result = SNI_RESULT_##result_,                                                                                \
        .expression = #expression_,                                                                                    \
        .gradient = gradient_,                                                                                         \
        .cost = cost_,                                                                                                 \
        .traits = traits_,                                                                                             \
        .infer = elementwise_infer,                                                                                    \
        .fill_attr = -1,                                                                                               \
        .known = sni_elementwise_known,                                                                                \
        .reference = elementwise_reference,                                                                            \
        .doc = doc_,                                                                                                   \
    },

const sni_op sni_ops_elementwise[] = {
#include "op/elementwise.inc"
    {
        .name = "cast",
        .kind = SNI_OP_CAST,
        .min_inputs = 1,
        .max_inputs = 1,
        .outputs = 1,
        .attrs = SNI_ATTRS_OF(CAST),
        .classes = SNI_CLASS_ANY,
        .result = SNI_RESULT_SAME,
        .cost = 1,
        .infer = cast_infer,
        .fill_attr = -1,
        .known = sni_cast_known,
        .reference = cast_reference,
        .doc = "converts to dtype: real to integer truncates and saturates (NaN gives 0), to bool is "
               "!= 0, integer to integer wraps",
    },
};
const size_t sni_ops_elementwise_count = sizeof sni_ops_elementwise / sizeof sni_ops_elementwise[0];

_Static_assert(sizeof sni_ops_elementwise / sizeof sni_ops_elementwise[0] == ROW_COUNT + 1,
               "every row of elementwise.inc has its functions");
