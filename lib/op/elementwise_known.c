/* Elements of integer results as expressions: what exporters compute with shapes (a product of
 * dimensions, a comparison with -1, a selection) is known before any dimension has a value. */
#include <string.h>

#include "op/elementwise.h"
#include "op/rule.h"

typedef sni_expr (*symbolic_fn)(sni_sym *sym, sni_expr a, sni_expr b, sni_expr c);
#define UNUSED __attribute__((unused))
#define SYMBOLIC(name, expression)                                                                                     \
    static sni_expr symbolic_##name(sni_sym *sym, sni_expr a UNUSED, sni_expr b UNUSED, sni_expr c UNUSED) {           \
        return expression;                                                                                             \
    }

static sni_expr sym_zero(sni_sym *sym) {
    return sni_sym_const(sym, 0);
}
static sni_expr sym_not_zero(sni_sym *sym, sni_expr a) {
    return sni_sym_not(sym, sni_sym_eq(sym, a, sym_zero(sym)));
}
static sni_expr sym_neg(sni_sym *sym, sni_expr a) {
    return sni_sym_mul_i(sym, a, -1);
}
static sni_expr sym_or(sni_sym *sym, sni_expr a, sni_expr b) {
    return sni_sym_not(sym, sni_sym_and(sym, sni_sym_not(sym, a), sni_sym_not(sym, b)));
}

/* Truncating and flooring division agree for a >= 0 and b > 0; nothing else can be expressed. */
static bool divides_plainly(sni_sym *sym, sni_expr a, sni_expr b) {
    return sni_sym_known_nonneg(sym, a) && sni_sym_known_less(sym, sym_zero(sym), b);
}

SYMBOLIC(neg, sym_neg(sym, a))
SYMBOLIC(abs, sni_sym_max(sym, a, sym_neg(sym, a)))
SYMBOLIC(sign, sni_sym_sub(sym, sni_sym_lt(sym, sym_zero(sym), a), sni_sym_lt(sym, a, sym_zero(sym))))
SYMBOLIC(relu, sni_sym_max(sym, a, sym_zero(sym)))
SYMBOLIC(not, sni_sym_eq(sym, a, sym_zero(sym)))
SYMBOLIC(add, sni_sym_add(sym, a, b))
SYMBOLIC(sub, sni_sym_sub(sym, a, b))
SYMBOLIC(mul, sni_sym_mul(sym, a, b))
SYMBOLIC(div, divides_plainly(sym, a, b) ? sni_sym_div(sym, a, b) : SNI_NO_EXPR)
SYMBOLIC(mod, sni_sym_known_less(sym, sym_zero(sym), b) ? sni_sym_mod(sym, a, b) : SNI_NO_EXPR)
SYMBOLIC(fmod, divides_plainly(sym, a, b) ? sni_sym_mod(sym, a, b) : SNI_NO_EXPR)
SYMBOLIC(max, sni_sym_max(sym, a, b))
SYMBOLIC(min, sni_sym_min(sym, a, b))
SYMBOLIC(clip, sni_sym_min(sym, sni_sym_max(sym, a, b), c))
SYMBOLIC(eq, sni_sym_eq(sym, a, b))
SYMBOLIC(ne, sni_sym_not(sym, sni_sym_eq(sym, a, b)))
SYMBOLIC(lt, sni_sym_lt(sym, a, b))
SYMBOLIC(le, sni_sym_le(sym, a, b))
SYMBOLIC(gt, sni_sym_lt(sym, b, a))
SYMBOLIC(ge, sni_sym_le(sym, b, a))
SYMBOLIC(and, sni_sym_and(sym, sym_not_zero(sym, a), sym_not_zero(sym, b)))
SYMBOLIC(or, sym_or(sym, sym_not_zero(sym, a), sym_not_zero(sym, b)))

static sni_expr symbolic_where(sni_sym *sym, sni_expr a, sni_expr b, sni_expr c) {
    int64_t condition;
    if (sni_sym_is_const(sym, a, &condition)) return condition ? b : c;
    if (b == c) return b;
    sni_expr yes = sym_not_zero(sym, a);
    return sni_sym_add(sym, sni_sym_mul(sym, yes, b), sni_sym_mul(sym, sni_sym_not(sym, yes), c));
}

static const struct {
    const char *name;
    symbolic_fn function;
} g_symbolic[] = {
#define ENTRY(name)                                                                                                    \
    { #name, symbolic_##name }
    ENTRY(neg), ENTRY(abs), ENTRY(sign), ENTRY(relu), ENTRY(not ), ENTRY(add),  ENTRY(sub),   ENTRY(mul),
    ENTRY(div), ENTRY(mod), ENTRY(fmod), ENTRY(max),  ENTRY(min),  ENTRY(clip), ENTRY(eq),    ENTRY(ne),
    ENTRY(lt),  ENTRY(le),  ENTRY(gt),   ENTRY(ge),   ENTRY(and),  ENTRY(or),   ENTRY(where),
#undef ENTRY
};

static symbolic_fn find_symbolic(const char *name) {
    for (size_t i = 0; i < sizeof g_symbolic / sizeof g_symbolic[0]; i++) {
        if (strcmp(g_symbolic[i].name, name) == 0) return g_symbolic[i].function;
    }
    return NULL;
}

/* Position of the output's element number index in a broadcast input. */
static int64_t broadcast_index(const sni_call *call, const sni_type *in, int64_t index) {
    const sni_type *out = &call->out[0];
    int64_t at = 0, step = 1;
    int shift = out->rank - in->rank;
    for (int d = out->rank - 1; d >= 0; d--) {
        int64_t out_dim = 1, in_dim = 1;
        (void)sni_sym_is_const(call->sym, out->dims[d], &out_dim);
        if (d >= shift) (void)sni_sym_is_const(call->sym, in->dims[d - shift], &in_dim);
        int64_t coord = out_dim > 0 ? index % out_dim : 0;
        if (out_dim > 0) index /= out_dim;
        if (in_dim != 1) at += coord * step;
        step *= in_dim;
    }
    return at;
}

static sni_expr known_element(const sni_call *call, symbolic_fn symbolic, const sni_expr x[3]) {
    int64_t values[3] = {0}, result;
    bool constant = true;
    for (int i = 0; i < call->in_count && constant; i++) {
        constant = sni_sym_is_const(call->sym, x[i], &values[i]);
    }
    if (constant && sni_elementwise_whole(call->op, call->out[0].dtype, values, &result)) {
        return sni_sym_const(call->sym, result);
    }
    return symbolic && !constant ? symbolic(call->sym, x[0], x[1], x[2]) : SNI_NO_EXPR;
}

bool sni_elementwise_known(const sni_call *call, sni_expr *out) {
    symbolic_fn symbolic = find_symbolic(call->op->name);
    for (int i = 0; i < call->in_count; i++) {
        if (!call->in[i].elements) return false;
    }
    int64_t count = 0;
    if (!sni_sym_is_const(call->sym, sni_type_count(call->sym, &call->out[0]), &count)) return false;
    for (int64_t n = 0; n < count; n++) {
        sni_expr x[3] = {0};
        for (int i = 0; i < call->in_count; i++) {
            int64_t at = broadcast_index(call, &call->in[i], n);
            if (at >= call->in[i].element_count) return false;
            x[i] = call->in[i].elements[at];
        }
        out[n] = known_element(call, symbolic, x);
        if (out[n] == SNI_NO_EXPR) return false;
    }
    return true;
}

bool sni_cast_known(const sni_call *call, sni_expr *out) {
    const sni_type *in = &call->in[0];
    sinter_dtype dtype = call->out[0].dtype;
    if (!in->elements || sni_dtype_is_real(dtype)) return false;
    /* An expression stays what it is only where it cannot wrap: shapes fit 32 bits in practice, and
     * exporters cast them to i32 and back. */
    bool wide = dtype == SINTER_I64 || dtype == SINTER_I32 || in->dtype == SINTER_BOOL;
    for (int64_t n = 0; n < in->element_count; n++) {
        int64_t value;
        if (sni_sym_is_const(call->sym, in->elements[n], &value)) {
            out[n] = sni_sym_const(call->sym, sni_dtype_wrap(dtype, value));
        } else if (dtype == SINTER_BOOL) {
            out[n] = sym_not_zero(call->sym, in->elements[n]);
        } else {
            out[n] = wide ? in->elements[n] : SNI_NO_EXPR;
        }
        if (out[n] == SNI_NO_EXPR) return false;
    }
    return true;
}
