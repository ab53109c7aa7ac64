/* Evaluation, estimates, printing. */
#include <math.h>

#include "base/alloc.h"
#include "sym/node.h"
#include <sinter/types.h>

/* What an evaluation knows. axes and statements are NULL where only sizes are evaluated. */
typedef struct env {
    const sni_sym *sym;
    const sni_bindings *bindings;
    const int64_t *axes, *statements;
} env;

static sinter_status eval(const env *v, sni_expr e, int64_t *out);

static sinter_status overflow(void) {
    return sni_fail(SINTER_SHAPE, "a size does not fit into 64 bits");
}

/* A size near 2^63 must not wrap into one that looks right, so every product and sum is checked. */
static sinter_status eval_sum(const env *v, const sni_sym_node *n, int64_t *out) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n->term_count; ++i) {
        const sni_term_node *t = &v->sym->terms[n->term_start + i];
        int64_t product = t->coefficient;
        for (uint32_t k = 0; k < t->factor_count; ++k) {
            int64_t factor;
            SNI_TRY(eval(v, v->sym->factors[t->factor_start + k], &factor));
            if (!sni_mul_i64(product, factor, &product)) return overflow();
        }
        if (!sni_add_i64(sum, product, &sum)) return overflow();
    }
    *out = sum;
    return SINTER_OK;
}

static sinter_status eval_dim(const env *v, int64_t dim, int64_t *out) {
    for (size_t i = 0; v->bindings && i < v->bindings->count; ++i) {
        if (v->bindings->dims[i] == dim) {
            *out = v->bindings->values[i];
            return SINTER_OK;
        }
    }
    const char *name = sinter_dim_name(dim);
    return sni_fail(SINTER_UNBOUND_DIMENSION, "dimension '%s' has no value: give an input that has it, or bind it",
                    name ? name : "?");
}

static sinter_status eval_binary(const env *v, const sni_sym_node *n, int64_t *out) {
    int64_t a, b = 0;
    SNI_TRY(eval(v, n->a, &a));
    if (n->b) SNI_TRY(eval(v, n->b, &b));
    switch (n->kind) {
    case SNI_SYM_DIV:
    case SNI_SYM_MOD: {
        if (b == 0 && a == 0) { /* sizes of empty tensors */
            *out = 0;
            return SINTER_OK;
        }
        if (b <= 0) return sni_fail(SINTER_SHAPE, "a size is divided by %lld", (long long)b);
        /* C rounds towards zero; floor is one less where the remainder is negative (b is positive). */
        int64_t q = a / b, r = a % b;
        if (r < 0) {
            r += b;
            --q;
        }
        *out = n->kind == SNI_SYM_DIV ? q : r;
        return SINTER_OK;
    }
    case SNI_SYM_MIN:
        *out = a < b ? a : b;
        return SINTER_OK;
    case SNI_SYM_MAX:
        *out = a > b ? a : b;
        return SINTER_OK;
    case SNI_SYM_LT:
        *out = a < b;
        return SINTER_OK;
    case SNI_SYM_EQ:
        *out = a == b;
        return SINTER_OK;
    case SNI_SYM_AND:
        *out = a && b;
        return SINTER_OK;
    case SNI_SYM_NOT:
        *out = !a;
        return SINTER_OK;
    default:
        return sni_fail(SINTER_INTERNAL, "an expression of unknown kind");
    }
}

static sinter_status eval(const env *v, sni_expr e, int64_t *out) {
    if (!sni_sym_valid(v->sym, e)) return sni_fail(SINTER_INTERNAL, "an invalid size expression");
    const sni_sym_node *n = &v->sym->nodes[e];
    switch (n->kind) {
    case SNI_SYM_CONST:
        *out = n->value;
        return SINTER_OK;
    case SNI_SYM_DIM:
        return eval_dim(v, n->value, out);
    case SNI_SYM_AXIS:
        if (!v->axes) return sni_fail(SINTER_INTERNAL, "an axis outside of its loop");
        *out = v->axes[n->value];
        return SINTER_OK;
    case SNI_SYM_VALUE:
        if (!v->statements) return sni_fail(SINTER_INTERNAL, "a value outside of its kernel");
        *out = v->statements[n->value];
        return SINTER_OK;
    case SNI_SYM_SUM:
        return eval_sum(v, n, out);
    default:
        return eval_binary(v, n, out);
    }
}

sinter_status sni_sym_eval(const sni_sym *sym, sni_expr e, const sni_bindings *bindings, int64_t *out_value) {
    env v = {sym, bindings, NULL, NULL};
    *out_value = 0;
    return eval(&v, e, out_value);
}

sinter_status sni_sym_eval_at(const sni_sym *sym, sni_expr e, const sni_bindings *bindings, const int64_t *axis_values,
                              const int64_t *statement_values, int64_t *out_value) {
    env v = {sym, bindings, axis_values, statement_values};
    *out_value = 0;
    return eval(&v, e, out_value);
}

/* A guess for a cost model never fails: what cannot be known counts as small. The middle of an axis stands for all of it. */
double sni_sym_estimate(const sni_sym *sym, sni_expr e, double guess) {
    if (!sni_sym_valid(sym, e)) return guess;
    const sni_sym_node *n = &sym->nodes[e];
    double a = n->a ? sni_sym_estimate(sym, n->a, guess) : 0;
    double b = n->b ? sni_sym_estimate(sym, n->b, guess) : 0;
    switch (n->kind) {
    case SNI_SYM_CONST:
        return (double)n->value;
    case SNI_SYM_DIM:
        return guess;
    case SNI_SYM_AXIS:
        return a / 2;
    case SNI_SYM_VALUE:
        return 0;
    case SNI_SYM_SUM: {
        double sum = 0;
        for (uint32_t i = 0; i < n->term_count; ++i) {
            const sni_term_node *t = &sym->terms[n->term_start + i];
            double product = (double)t->coefficient;
            for (uint32_t k = 0; k < t->factor_count; ++k)
                product *= sni_sym_estimate(sym, sym->factors[t->factor_start + k], guess);
            sum += product;
        }
        return sum;
    }
    case SNI_SYM_DIV:
        return b > 0 ? floor(a / b) : 0;
    case SNI_SYM_MOD:
        return b > 0 ? a - b * floor(a / b) : 0;
    case SNI_SYM_MIN:
        return a < b ? a : b;
    case SNI_SYM_MAX:
        return a > b ? a : b;
    case SNI_SYM_LT:
        return a < b;
    case SNI_SYM_EQ:
        return a == b;
    case SNI_SYM_AND:
        return a != 0 && b != 0;
    case SNI_SYM_NOT:
        return a == 0;
    }
    return 0;
}

static void print_operator(const sni_sym *sym, const char *op, sni_expr a, sni_expr b, sni_str *out) {
    sni_str_append(out, "(");
    sni_sym_print(sym, a, out);
    sni_str_printf(out, "%s", op);
    sni_sym_print(sym, b, out);
    sni_str_append(out, ")");
}

/* Signs stand between terms, and a coefficient of 1 is left out: "4*n - 2", not "4*n + -2*1". INT64_MIN has no positive
 * counterpart and keeps its sign. */
static void print_sum(const sni_sym *sym, const sni_sym_node *n, sni_str *out) {
    if (n->term_count > 1) sni_str_append(out, "(");
    for (uint32_t i = 0; i < n->term_count; ++i) {
        const sni_term_node *t = &sym->terms[n->term_start + i];
        int64_t c = t->coefficient;
        if (i) sni_str_append(out, c < 0 ? " - " : " + ");
        if (i && c < 0 && c != INT64_MIN) c = -c;
        bool number = c != 1 || t->factor_count == 0;
        if (number) sni_str_printf(out, "%lld", (long long)c);
        for (uint32_t k = 0; k < t->factor_count; ++k) {
            if (k || number) sni_str_append(out, "*");
            sni_sym_print(sym, sym->factors[t->factor_start + k], out);
        }
    }
    if (n->term_count > 1) sni_str_append(out, ")");
}

void sni_sym_print(const sni_sym *sym, sni_expr e, sni_str *out) {
    if (!sni_sym_valid(sym, e)) {
        sni_str_append(out, "?");
        return;
    }
    const sni_sym_node *n = &sym->nodes[e];
    const char *name;
    switch (n->kind) {
    case SNI_SYM_CONST:
        sni_str_printf(out, "%lld", (long long)n->value);
        break;
    case SNI_SYM_DIM:
        name = sinter_dim_name(n->value);
        sni_str_append(out, name ? name : "?");
        break;
    case SNI_SYM_AXIS:
        sni_str_printf(out, "i%lld", (long long)n->value);
        break;
    case SNI_SYM_VALUE:
        sni_str_printf(out, "s%lld", (long long)n->value);
        break;
    case SNI_SYM_SUM:
        print_sum(sym, n, out);
        break;
    case SNI_SYM_DIV:
        print_operator(sym, "/", n->a, n->b, out);
        break;
    case SNI_SYM_MOD:
        print_operator(sym, "%", n->a, n->b, out);
        break;
    case SNI_SYM_LT:
        print_operator(sym, " < ", n->a, n->b, out);
        break;
    case SNI_SYM_EQ:
        print_operator(sym, " == ", n->a, n->b, out);
        break;
    case SNI_SYM_AND:
        print_operator(sym, " && ", n->a, n->b, out);
        break;
    case SNI_SYM_NOT:
        sni_str_append(out, "!");
        sni_sym_print(sym, n->a, out);
        break;
    case SNI_SYM_MIN:
    case SNI_SYM_MAX:
        sni_str_append(out, n->kind == SNI_SYM_MIN ? "min" : "max");
        print_operator(sym, ", ", n->a, n->b, out);
        break;
    }
}

bool sni_sym_has_dim(const sni_sym *sym, int64_t dim) {
    for (size_t i = 1; i < sym->node_count; ++i)
        if (sym->nodes[i].kind == SNI_SYM_DIM && sym->nodes[i].value == dim) return true;
    return false;
}
