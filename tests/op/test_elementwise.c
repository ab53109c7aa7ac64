/* Every elementwise row: its shape rule, and its reference against numbers worked out elsewhere. */
#include <check.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "graph/reference.h"
#include "op/elementwise.h"
#include "op/op.h"

#define INF INFINITY
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Expected results from closed forms or tables (Abramowitz and Stegun, mpmath), not from the code. */
typedef struct real_point {
    const char *op;
    double in[3];
    double want;
} real_point;

static const real_point g_real_points[] = {
    {"exp", {1}, 2.718281828459045235},
    {"exp", {-INF}, 0},
    {"exp", {INF}, INF},
    {"exp", {NAN}, NAN},
    {"exp", {710}, INF},
    {"log", {10}, 2.302585092994045684},
    {"log", {0}, -INF},
    {"log", {-1}, NAN},
    {"log", {INF}, INF},
    {"sqrt", {2}, 1.414213562373095049},
    {"sqrt", {-1}, NAN},
    {"sqrt", {INF}, INF},
    {"rsqrt", {4}, 0.5},
    {"rsqrt", {0}, INF},
    {"rsqrt", {INF}, 0},
    {"rsqrt", {-4}, NAN},
    {"reciprocal", {4}, 0.25},
    {"reciprocal", {0}, INF},
    {"reciprocal", {-INF}, -0.0},
    {"sin", {1}, 0.841470984807896507},
    {"sin", {INF}, NAN},
    {"sin", {-0.5}, -0.479425538604203},
    {"cos", {1}, 0.540302305868139717},
    {"cos", {0}, 1},
    {"cos", {NAN}, NAN},
    {"tan", {1}, 1.557407724654902231},
    {"tan", {-INF}, NAN},
    {"asin", {0.5}, 0.523598775598298873},
    {"asin", {1.5}, NAN},
    {"acos", {0.5}, 1.047197551196597746},
    {"acos", {-1}, 3.141592653589793238},
    {"atan", {1}, 0.785398163397448310},
    {"atan", {-INF}, -1.570796326794896619},
    {"sinh", {1}, 1.175201193643801457},
    {"sinh", {-INF}, -INF},
    {"cosh", {1}, 1.543080634815243778},
    {"cosh", {-INF}, INF},
    {"tanh", {1}, 0.761594155955764888},
    {"tanh", {INF}, 1},
    {"tanh", {-1000}, -1},
    {"asinh", {1}, 0.881373587019543025},
    {"asinh", {-INF}, -INF},
    {"acosh", {2}, 1.316957896924816709},
    {"acosh", {0.5}, NAN},
    {"atanh", {0.5}, 0.549306144334054846},
    {"atanh", {1}, INF},
    {"atanh", {2}, NAN},
    {"erf", {0.5}, 0.520499877813046538},
    {"erf", {INF}, 1},
    {"erf", {-9}, -1},
    {"erf", {NAN}, NAN},
    {"floor", {-1.5}, -2},
    {"floor", {INF}, INF},
    {"ceil", {-1.5}, -1},
    {"ceil", {1.1}, 2},
    {"round", {0.5}, 0},
    {"round", {1.5}, 2},
    {"round", {2.5}, 2},
    {"round", {-3.5}, -4},
    {"round", {NAN}, NAN},
    {"sigmoid", {1}, 0.731058578630004879},
    {"sigmoid", {-1000}, 0},
    {"sigmoid", {1000}, 1},
    {"sigmoid", {-INF}, 0},
    {"sigmoid", {INF}, 1},
    {"sigmoid", {NAN}, NAN},
    {"sigmoid", {-40}, 4.248354255291589e-18},
    {"softplus", {1}, 1.313261687518222834},
    {"softplus", {1000}, 1000},
    {"softplus", {-1000}, 0},
    {"softplus", {INF}, INF},
    {"softplus", {-INF}, 0},
    {"softplus", {NAN}, NAN},
    {"softplus", {0}, 0.693147180559945309},
    {"softsign", {3}, 0.75},
    {"softsign", {-1}, -0.5},
    {"gelu", {1}, 0.841344746068542949},
    {"gelu", {-1}, -0.158655253931457051},
    {"gelu", {INF}, INF},
    {"gelu_tanh", {1}, 0.841191990608276705},
    {"gelu_tanh", {-1e30}, 0},
    {"gelu_tanh", {1e30}, 1e30},
    {"gelu_tanh", {-3}, -0.00363739208177299},
    {"gelu_tanh", {INF}, INF},
    {"silu", {1}, 0.731058578630004879},
    {"silu", {-1000}, 0},
    {"silu", {1000}, 1000},
    {"mish", {1}, 0.8650983882673103},
    {"mish", {1000}, 1000},
    {"mish", {-1000}, 0},
    {"hard_swish", {1}, 0.666666666666666667},
    {"hard_swish", {4}, 4},
    {"hard_swish", {-4}, 0},
    {"leaky_relu", {-2}, -0.02},
    {"leaky_relu", {2}, 2},
    {"leaky_relu", {NAN}, NAN},
    {"elu", {-1}, -0.632120558828557678},
    {"elu", {3}, 3},
    {"elu", {-INF}, -1},
    {"elu", {NAN}, NAN},
    {"elu", {-1e-9}, -9.999999995e-10},
    {"celu", {-1}, -0.632120558828557678},
    {"celu", {3}, 3},
    {"celu", {NAN}, NAN},
    {"selu", {-1}, -1.1113307412864784},
    {"selu", {2}, 2.10140204429626464844},
    {"selu", {NAN}, NAN},
    {"hard_sigmoid", {1}, 0.7},
    {"hard_sigmoid", {10}, 1},
    {"hard_sigmoid", {-INF}, 0},
    {"hard_sigmoid", {NAN}, NAN},
    {"thresholded_relu", {1}, 0},
    {"thresholded_relu", {1.5}, 1.5},
    {"thresholded_relu", {NAN}, NAN},
    {"shrink", {-1}, -1},
    {"shrink", {0.5}, 0},
    {"shrink", {0.75}, 0.75},
    {"shrink", {NAN}, NAN},
    {"is_nan", {NAN}, 1},
    {"is_nan", {INF}, 0},
    {"is_nan", {1}, 0},
    {"is_inf", {INF}, 1},
    {"is_inf", {-INF}, 1},
    {"is_inf", {NAN}, 0},
    {"is_inf", {1e308}, 0},
    {"neg", {2}, -2},
    {"neg", {INF}, -INF},
    {"neg", {NAN}, NAN},
    {"abs", {-2}, 2},
    {"abs", {-INF}, INF},
    {"abs", {NAN}, NAN},
    {"sign", {-2}, -1},
    {"sign", {5}, 1},
    {"sign", {0}, 0},
    {"sign", {NAN}, NAN},
    {"sign", {-INF}, -1},
    {"relu", {-2}, 0},
    {"relu", {2}, 2},
    {"relu", {NAN}, NAN},
    {"relu", {INF}, INF},
    {"add", {1, 2}, 3},
    {"add", {INF, -INF}, NAN},
    {"sub", {1, 2}, -1},
    {"sub", {INF, INF}, NAN},
    {"mul", {3, -2}, -6},
    {"mul", {0, INF}, NAN},
    {"div", {1, 4}, 0.25},
    {"div", {-1, 0}, -INF},
    {"div", {0, 0}, NAN},
    {"pow", {2, 10}, 1024},
    {"pow", {4, 0.5}, 2},
    {"pow", {-8, 1.0 / 3}, NAN},
    {"pow", {NAN, 0}, 1},
    {"pow", {0, -1}, INF},
    {"max", {1, 2}, 2},
    {"max", {NAN, 2}, NAN},
    {"max", {2, NAN}, NAN},
    {"max", {-INF, 1}, 1},
    {"min", {1, 2}, 1},
    {"min", {NAN, 2}, NAN},
    {"min", {2, NAN}, NAN},
    {"min", {-INF, 1}, -INF},
    {"mod", {-7, 3}, 2},
    {"mod", {7, -3}, -2},
    {"mod", {7, 3}, 1},
    {"mod", {1, 0}, NAN},
    {"mod", {-1, INF}, INF},
    {"mod", {6, 3}, 0},
    {"mod", {5.5, 2}, 1.5},
    {"fmod", {-7, 3}, -1},
    {"fmod", {7, -3}, 1},
    {"fmod", {5.5, 2}, 1.5},
    {"fmod", {1, 0}, NAN},
    {"prelu", {-2, 0.25}, -0.5},
    {"prelu", {2, 0.25}, 2},
    {"prelu", {NAN, 1}, NAN},
    {"eq", {1, 1}, 1},
    {"eq", {NAN, NAN}, 0},
    {"ne", {NAN, NAN}, 1},
    {"ne", {1, 1}, 0},
    {"lt", {1, 2}, 1},
    {"lt", {NAN, 2}, 0},
    {"le", {2, 2}, 1},
    {"le", {NAN, NAN}, 0},
    {"gt", {2, 1}, 1},
    {"gt", {2, NAN}, 0},
    {"ge", {2, 2}, 1},
    {"ge", {NAN, 1}, 0},
    {"where", {1, 2, 3}, 2},
    {"where", {0, 2, 3}, 3},
    {"where", {1, NAN, 3}, NAN},
    {"where", {0, NAN, 3}, 3},
    {"clip", {5, 0, 3}, 3},
    {"clip", {-5, 0, 3}, 0},
    {"clip", {1, 0, 3}, 1},
    {"clip", {NAN, 0, 3}, NAN},
    {"clip", {1, 5, 3}, 3},
};

typedef struct whole_point {
    const char *op;
    sinter_dtype dtype;
    int64_t in[3];
    int64_t want;
} whole_point;

static const whole_point g_whole_points[] = {
    {"neg", SINTER_I32, {5}, -5},
    {"neg", SINTER_I8, {-128}, -128},
    {"neg", SINTER_U8, {1}, 255},
    {"neg", SINTER_I64, {INT64_MIN}, INT64_MIN},
    {"abs", SINTER_I32, {-5}, 5},
    {"abs", SINTER_I64, {INT64_MIN}, INT64_MIN},
    {"sign", SINTER_I32, {-5}, -1},
    {"sign", SINTER_I32, {0}, 0},
    {"sign", SINTER_U8, {200}, 1},
    {"relu", SINTER_I16, {-5}, 0},
    {"relu", SINTER_I16, {5}, 5},
    {"not", SINTER_BOOL, {0}, 1},
    {"not", SINTER_BOOL, {1}, 0},
    {"add", SINTER_I8, {100, 100}, -56},
    {"add", SINTER_U8, {200, 100}, 44},
    {"add", SINTER_I64, {INT64_MAX, 1}, INT64_MIN},
    {"sub", SINTER_U8, {0, 1}, 255},
    {"sub", SINTER_I32, {INT32_MIN, 1}, INT32_MAX},
    {"mul", SINTER_I32, {65536, 65536}, 0},
    {"mul", SINTER_I64, {INT64_MIN, -1}, INT64_MIN},
    {"mul", SINTER_I64, {INT64_MAX, INT64_MAX}, 1},
    {"div", SINTER_I32, {-7, 2}, -3},
    {"div", SINTER_I32, {7, 0}, 0},
    {"div", SINTER_I32, {INT32_MIN, -1}, INT32_MIN},
    {"div", SINTER_I64, {INT64_MIN, -1}, INT64_MIN},
    {"pow", SINTER_I32, {3, 4}, 81},
    {"pow", SINTER_I32, {2, -1}, 0},
    {"pow", SINTER_I32, {-1, -3}, -1},
    {"pow", SINTER_I32, {-1, -2}, 1},
    {"pow", SINTER_I32, {0, 0}, 1},
    {"pow", SINTER_I32, {1, -9}, 1},
    {"pow", SINTER_I32, {0, -1}, 0},
    {"pow", SINTER_I64, {2, 63}, INT64_MIN},
    {"pow", SINTER_I64, {3, 1000000007}, (int64_t)UINT64_C(0x867ac2ab2271e08b)},
    {"max", SINTER_I32, {-1, 2}, 2},
    {"min", SINTER_I32, {-1, 2}, -1},
    {"mod", SINTER_I32, {-7, 3}, 2},
    {"mod", SINTER_I32, {7, -3}, -2},
    {"mod", SINTER_I32, {7, 0}, 0},
    {"mod", SINTER_I64, {INT64_MIN, -1}, 0},
    {"fmod", SINTER_I32, {-7, 3}, -1},
    {"fmod", SINTER_I32, {7, -3}, 1},
    {"fmod", SINTER_I32, {7, 0}, 0},
    {"fmod", SINTER_I64, {INT64_MIN, -1}, 0},
    {"prelu", SINTER_I32, {-2, 3}, -6},
    {"prelu", SINTER_I32, {2, 3}, 2},
    {"eq", SINTER_I32, {2, 2}, 1},
    {"eq", SINTER_BOOL, {1, 0}, 0},
    {"ne", SINTER_I64, {1, 2}, 1},
    {"lt", SINTER_I64, {INT64_MIN, INT64_MAX}, 1},
    {"le", SINTER_U8, {255, 0}, 0},
    {"gt", SINTER_U8, {255, 0}, 1},
    {"ge", SINTER_I8, {-128, 127}, 0},
    {"lt", SINTER_BOOL, {0, 1}, 1},
    {"and", SINTER_BOOL, {1, 1}, 1},
    {"and", SINTER_BOOL, {1, 0}, 0},
    {"or", SINTER_BOOL, {0, 1}, 1},
    {"or", SINTER_BOOL, {0, 0}, 0},
    {"xor", SINTER_BOOL, {1, 1}, 0},
    {"xor", SINTER_BOOL, {1, 0}, 1},
    {"where", SINTER_I32, {1, 2, 3}, 2},
    {"where", SINTER_BOOL, {0, 1, 0}, 0},
    {"clip", SINTER_I32, {5, 0, 3}, 3},
    {"clip", SINTER_I32, {5, 9, 3}, 3},
};

static bool is_where(const sni_op *op) {
    return strcmp(op->name, "where") == 0;
}

static sinter_dtype input_dtype(const sni_op *op, int input, sinter_dtype dtype) {
    return is_where(op) && input == 0 ? SINTER_BOOL : dtype;
}

static sni_ref_tensor *scalar_of(sinter_dtype dtype, double f, int64_t i) {
    sni_ref_tensor *tensor;
    ck_assert_int_eq(sni_ref_tensor_create(dtype, 0, NULL, &tensor), SINTER_OK);
    if (tensor->f) {
        tensor->f[0] = f;
    } else {
        tensor->i[0] = i;
    }
    return tensor;
}

/* Runs a row on scalars; the result as tensor. */
static sni_ref_tensor *run_row(const sni_op *op, sinter_dtype dtype, const double f[3], const int64_t i[3]) {
    sni_ref_tensor *ins[3] = {0}, *out;
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    for (int a = 0; a < SNI_MAX_ATTRS && op->attrs[a].name; a++) attrs[a].f = op->attrs[a].preset;
    for (int n = 0; n < op->max_inputs; n++) {
        ins[n] = scalar_of(input_dtype(op, n, dtype), f[n], dtype == SINTER_F64 ? f[n] != 0 : i[n]);
    }
    out = scalar_of(op->result == SNI_RESULT_BOOL ? SINTER_BOOL : dtype, 0, 0);
    sni_ref_call call = {.op = op,
                         .in_count = op->max_inputs,
                         .in = (const sni_ref_tensor *const *)ins,
                         .out_count = 1,
                         .out = &out,
                         .attrs = attrs};
    ck_assert_int_eq(op->reference(&call), SINTER_OK);
    for (int n = 0; n < 3; n++) sni_ref_tensor_release(ins[n]);
    return out;
}

static bool close_to(double got, double want) {
    if (isnan(want)) return isnan(got);
    if (isinf(want) || want == 0) return got == want;
    return fabs(got - want) <= 1e-12 * fabs(want) + 1e-18;
}

START_TEST(references_give_the_expected_reals) {
    for (size_t n = 0; n < COUNT(g_real_points); n++) {
        const real_point *p = &g_real_points[n];
        const sni_op *op = sni_op_find(p->op);
        ck_assert_msg(op != NULL, "no row %s", p->op);
        sni_ref_tensor *out = run_row(op, SINTER_F64, p->in, (int64_t[3]){0});
        double got = out->f ? out->f[0] : (double)out->i[0];
        ck_assert_msg(close_to(got, p->want), "%s(%g, %g, %g) is %.17g, not %.17g", p->op, p->in[0], p->in[1], p->in[2],
                      got, p->want);
        sni_ref_tensor_release(out);
    }
}
END_TEST

START_TEST(references_give_the_expected_integers) {
    for (size_t n = 0; n < COUNT(g_whole_points); n++) {
        const whole_point *p = &g_whole_points[n];
        const sni_op *op = sni_op_find(p->op);
        ck_assert_msg(op != NULL, "no row %s", p->op);
        sni_ref_tensor *out = run_row(op, p->dtype, (double[3]){0}, p->in);
        ck_assert_msg(out->i[0] == p->want, "%s %s(%lld, %lld, %lld) is %lld, not %lld", p->op,
                      sinter_dtype_name(p->dtype), (long long)p->in[0], (long long)p->in[1], (long long)p->in[2],
                      (long long)out->i[0], (long long)p->want);
        sni_ref_tensor_release(out);
    }
}
END_TEST

/* ---- traits ---- */

static const double g_reals[] = {0, 1, -1, 0.5, -2.5, 3, 1e30, INF, -INF, NAN};
static const int64_t g_wholes[] = {0, 1, 2, 3, 5, 100};

static double result_of(const sni_op *op, sinter_dtype dtype, double a, double b) {
    sni_ref_tensor *out = run_row(op, dtype, (double[3]){a, b, 0}, (int64_t[3]){(int64_t)a, (int64_t)b, 0});
    double result = out->f ? out->f[0] : (double)out->i[0];
    sni_ref_tensor_release(out);
    return result;
}

static void expect(const sni_op *op, const char *trait, double got, double want) {
    bool same = isnan(want) ? isnan(got) : got == want;
    ck_assert_msg(same, "%s does not hold for %s: %g instead of %g", trait, op->name, got, want);
}

static void check_element(const sni_op *op, sinter_dtype dtype, const sni_element *element, double x, bool absorbs) {
    double want = absorbs ? element->value : x;
    if (element->side & SNI_SIDE_RIGHT) expect(op, "right element", result_of(op, dtype, x, element->value), want);
    if (element->side & SNI_SIDE_LEFT) expect(op, "left element", result_of(op, dtype, element->value, x), want);
}

static void check_traits(const sni_op *op, sinter_dtype dtype, double x, double y) {
    const sni_traits *t = &op->traits;
    double once = result_of(op, dtype, x, y);
    if (t->commutes) expect(op, "commutes", result_of(op, dtype, y, x), once);
    if (t->idempotent && op->max_inputs == 1) expect(op, "idempotent", result_of(op, dtype, once, 0), once);
    if (t->idempotent && op->max_inputs == 2) expect(op, "idempotent", result_of(op, dtype, x, x), x);
    if (t->undoes_itself) expect(op, "undoes itself", result_of(op, dtype, once, 0), x);
    if (t->is_identity) expect(op, "is the identity", once, x);
    if (t->is_product) expect(op, "is a product", once, x * y);
    check_element(op, dtype, &t->neutral, x, false);
    check_element(op, dtype, &t->absorbing, x, true);
}

/* What rows claim holds for every dtype they take, NaN and infinities included. */
START_TEST(traits_hold) {
    for (size_t n = 0; n < sni_op_count(); n++) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_ELEMENTWISE || op->max_inputs > 2) continue;
        for (size_t i = 0; i < COUNT(g_reals) && (op->classes & SNI_CLASS_REAL); i++)
            for (size_t k = 0; k < COUNT(g_reals); k++) check_traits(op, SINTER_F64, g_reals[i], g_reals[k]);
        for (size_t i = 0; i < COUNT(g_wholes) && (op->classes & SNI_CLASS_INT); i++)
            for (size_t k = 0; k < COUNT(g_wholes); k++)
                check_traits(op, SINTER_I64, (double)g_wholes[i], (double)g_wholes[k]);
        for (int i = 0; i < 4 && (op->classes & SNI_CLASS_BOOL); i++) check_traits(op, SINTER_BOOL, i & 1, i >> 1);
    }
}
END_TEST

/* The known answers of Random123 for Philox 4x32-10, as far as a counter and a key of 64 bits reach. */
START_TEST(philox_is_philox) {
    int64_t bits = 0;
    ck_assert(sni_elementwise_whole(sni_op_find("philox"), SINTER_I64, (const int64_t[3]){0, 0}, &bits));
    ck_assert_uint_eq((uint64_t)bits, 0xe169c58d6627e8d5u);
}
END_TEST

START_TEST(attributes_reach_the_expression) {
    static const struct {
        const char *op;
        double attrs[2], in, want;
    } points[] = {
        {"leaky_relu", {0.5}, -2, -1},
        {"elu", {2}, -1, -1.264241117657115356},
        {"celu", {2}, -1, -0.786938680574733153},
        {"hard_sigmoid", {0.5, 0.25}, 1, 0.75},
        {"thresholded_relu", {-1}, -0.5, -0.5},
        {"shrink", {1, 2}, 3, 2},
        {"shrink", {1, 2}, -3, -2},
        {"shrink", {1, 2}, 1.5, 0},
        {"is_inf", {1, 0}, -INF, 0},
        {"is_inf", {1, 0}, INF, 1},
        {"is_inf", {0, 1}, INF, 0},
        {"selu", {2, 3}, -1, -3.792723352971346},
    };
    for (size_t n = 0; n < COUNT(points); n++) {
        const sni_op *op = sni_op_find(points[n].op);
        sni_attr attrs[SNI_MAX_ATTRS] = {{.f = points[n].attrs[0]}, {.f = points[n].attrs[1]}};
        sni_ref_tensor *in = scalar_of(SINTER_F64, points[n].in, 0);
        sni_ref_tensor *out = scalar_of(op->result ? SINTER_BOOL : SINTER_F64, 0, 0);
        sni_ref_call call = {.op = op,
                             .in_count = 1,
                             .in = (const sni_ref_tensor *const *)&in,
                             .out_count = 1,
                             .out = &out,
                             .attrs = attrs};
        ck_assert_int_eq(op->reference(&call), SINTER_OK);
        double got = out->f ? out->f[0] : (double)out->i[0];
        ck_assert_msg(close_to(got, points[n].want), "%s: %.17g, not %.17g", points[n].op, got, points[n].want);
        sni_ref_tensor_release(in);
        sni_ref_tensor_release(out);
    }
}
END_TEST

/* ---- shape rules ---- */

/* Result of a row's rule on inputs of the dtypes with shapes [2, 3], [3], [1]. */
static sinter_status infer_row(sni_sym *sym, const sni_op *op, const sinter_dtype dtypes[3], sni_type *out) {
    sni_type in[3] = {
        {.dtype = dtypes[0], .rank = 2}, {.dtype = dtypes[1], .rank = 1}, {.dtype = dtypes[2], .rank = 1}};
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    in[0].dims[0] = sni_sym_const(sym, 2);
    in[0].dims[1] = in[1].dims[0] = sni_sym_const(sym, 3);
    in[2].dims[0] = sni_sym_const(sym, 1);
    memset(out, 0, sizeof *out);
    sni_call call = {
        .sym = sym, .op = op, .in_count = op->max_inputs, .in = in, .attrs = attrs, .out_count = 1, .out = out};
    return op->infer(&call);
}

START_TEST(rows_take_their_dtypes_and_no_others) {
    sni_sym *sym = sni_sym_create();
    for (size_t n = 0; n < sni_op_count(); n++) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_ELEMENTWISE) continue;
        for (int d = 1; d < SINTER_DTYPE_COUNT; d++) {
            sinter_dtype dtype = (sinter_dtype)d;
            sinter_dtype dtypes[3] = {input_dtype(op, 0, dtype), dtype, dtype};
            sni_type out;
            bool allowed = (sni_dtype_class_of(dtype) & op->classes) != 0;
            sinter_status status = infer_row(sym, op, dtypes, &out);
            ck_assert_msg(status == (allowed ? SINTER_OK : SINTER_DTYPE), "%s of %s: %s", op->name,
                          sinter_dtype_name(dtype), sinter_status_string(status));
            if (!allowed) continue;
            ck_assert_int_eq(out.rank, 2);
            ck_assert(sni_sym_is(sym, out.dims[0], 2) && sni_sym_is(sym, out.dims[1], 3));
            ck_assert_int_eq(out.dtype, op->result == SNI_RESULT_BOOL ? SINTER_BOOL : dtype);
        }
    }
    sni_sym_release(sym);
}
END_TEST

START_TEST(inputs_of_different_dtypes_are_refused) {
    sni_sym *sym = sni_sym_create();
    for (size_t n = 0; n < sni_op_count(); n++) {
        const sni_op *op = sni_op_at(n);
        if (op->kind != SNI_OP_ELEMENTWISE || op->max_inputs < 2 || op->classes == SNI_CLASS_BOOL) continue;
        sinter_dtype first = input_dtype(op, 0, SINTER_F32);
        sinter_dtype dtypes[3] = {first, is_where(op) ? SINTER_F32 : SINTER_I32, SINTER_F64};
        sni_type out;
        ck_assert_msg(infer_row(sym, op, dtypes, &out) == SINTER_DTYPE, "%s", op->name);
    }
    const sni_op *where = sni_op_find("where");
    sni_type out;
    ck_assert_int_eq(infer_row(sym, where, (sinter_dtype[]){SINTER_F32, SINTER_F32, SINTER_F32}, &out), SINTER_DTYPE);
    sni_sym_release(sym);
}
END_TEST

START_TEST(shapes_that_do_not_broadcast_are_named) {
    sni_sym *sym = sni_sym_create();
    sni_type in[2] = {{.dtype = SINTER_F32, .rank = 2}, {.dtype = SINTER_F32, .rank = 1}}, out = {0};
    in[0].dims[0] = sni_sym_const(sym, 2);
    in[0].dims[1] = sni_sym_const(sym, 3);
    in[1].dims[0] = sni_sym_const(sym, 4);
    sni_call call = {.sym = sym, .op = sni_op_find("add"), .in_count = 2, .in = in, .out_count = 1, .out = &out};
    ck_assert_int_eq(call.op->infer(&call), SINTER_SHAPE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "f32[2, 3] and f32[4]"));
    sni_sym_release(sym);
}
END_TEST

START_TEST(rows_are_complete_and_their_names_unique) {
    for (size_t n = 0; n < sni_op_count(); n++) {
        const sni_op *op = sni_op_at(n);
        ck_assert_ptr_eq(sni_op_find(op->name), op);
        ck_assert_msg(op->infer && op->reference && op->doc && op->doc[0], "row %s", op->name);
        if (op->kind != SNI_OP_ELEMENTWISE) continue;
        ck_assert_msg(op->expression && op->cost > 0 && op->known, "row %s", op->name);
        for (int a = 0; a < SNI_MAX_ATTRS && op->attrs[a].name; a++) {
            ck_assert_int_eq(op->attrs[a].kind, SNI_ATTR_FLOAT);
            ck_assert_int_eq(sni_op_attr(op, op->attrs[a].name), a);
        }
    }
    ck_assert_ptr_null(sni_op_at(sni_op_count()));
    ck_assert_ptr_null(sni_op_find("nothing"));
    ck_assert_ptr_null(sni_op_find(NULL));
    ck_assert_int_eq(sni_op_attr(sni_op_find("selu"), "gamma"), 1);
    ck_assert_int_eq(sni_op_attr(sni_op_find("selu"), "delta"), -1);
    ck_assert_str_eq(sni_op_find("max")->expression, "max(a, b)");
}
END_TEST

/* ---- broadcasting and conversion in the reference ---- */

START_TEST(reference_broadcasts) {
    sni_ref_tensor *ins[2], *out;
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_I32, 3, (int64_t[]){2, 1, 3}, &ins[0]), SINTER_OK);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_I32, 2, (int64_t[]){2, 1}, &ins[1]), SINTER_OK);
    ck_assert_int_eq(sni_ref_tensor_create(SINTER_I32, 3, (int64_t[]){2, 2, 3}, &out), SINTER_OK);
    for (int n = 0; n < 6; n++) ins[0]->i[n] = n;
    ins[1]->i[0] = 100;
    ins[1]->i[1] = 200;
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    sni_ref_call call = {.op = sni_op_find("add"),
                         .in_count = 2,
                         .in = (const sni_ref_tensor *const *)ins,
                         .out_count = 1,
                         .out = &out,
                         .attrs = attrs};
    ck_assert_int_eq(call.op->reference(&call), SINTER_OK);
    static const int64_t want[] = {100, 101, 102, 200, 201, 202, 103, 104, 105, 203, 204, 205};
    for (int n = 0; n < 12; n++) ck_assert_int_eq(out->i[n], want[n]);
    sni_ref_tensor_release(ins[0]);
    sni_ref_tensor_release(ins[1]);
    sni_ref_tensor_release(out);
}
END_TEST

static void check_cast(sinter_dtype from, double f, int64_t i, sinter_dtype to, double want_f, int64_t want_i) {
    sni_ref_tensor *in = scalar_of(from, f, i), *out = scalar_of(to, 0, 0);
    sni_attr attrs[SNI_MAX_ATTRS] = {{.kind = SNI_ATTR_INT, .i = to}};
    sni_ref_call call = {.op = sni_op_find("cast"),
                         .in_count = 1,
                         .in = (const sni_ref_tensor *const *)&in,
                         .out_count = 1,
                         .out = &out,
                         .attrs = attrs};
    ck_assert_int_eq(call.op->reference(&call), SINTER_OK);
    if (out->f) {
        ck_assert_msg(out->f[0] == want_f, "%g", out->f[0]);
    } else {
        ck_assert_msg(out->i[0] == want_i, "%s %g to %s: %lld, not %lld", sinter_dtype_name(from), f,
                      sinter_dtype_name(to), (long long)out->i[0], (long long)want_i);
    }
    sni_ref_tensor_release(in);
    sni_ref_tensor_release(out);
}

START_TEST(casts_truncate_saturate_and_wrap) {
    check_cast(SINTER_F32, 2.9, 0, SINTER_I32, 0, 2);
    check_cast(SINTER_F32, -2.9, 0, SINTER_I32, 0, -2);
    check_cast(SINTER_F32, 1e10, 0, SINTER_I32, 0, INT32_MAX);
    check_cast(SINTER_F32, -1e10, 0, SINTER_I32, 0, INT32_MIN);
    check_cast(SINTER_F64, INF, 0, SINTER_I64, 0, INT64_MAX);
    check_cast(SINTER_F64, -INF, 0, SINTER_I64, 0, INT64_MIN);
    check_cast(SINTER_F32, NAN, 0, SINTER_I32, 0, 0);
    check_cast(SINTER_F32, -1, 0, SINTER_U8, 0, 0);
    check_cast(SINTER_F32, 300, 0, SINTER_U8, 0, 255);
    check_cast(SINTER_F32, 200, 0, SINTER_I8, 0, 127);
    check_cast(SINTER_F32, 0.25, 0, SINTER_BOOL, 0, 1);
    check_cast(SINTER_F32, NAN, 0, SINTER_BOOL, 0, 1);
    check_cast(SINTER_F32, -0.0, 0, SINTER_BOOL, 0, 0);
    check_cast(SINTER_I32, 0, 300, SINTER_U8, 0, 44);
    check_cast(SINTER_I64, 0, -1, SINTER_U8, 0, 255);
    check_cast(SINTER_I32, 0, 256, SINTER_BOOL, 0, 1);
    check_cast(SINTER_BOOL, 0, 1, SINTER_F32, 1, 0);
    check_cast(SINTER_I32, 0, -7, SINTER_F16, -7, 0);
    check_cast(SINTER_F32, 1.5, 0, SINTER_F64, 1.5, 0);
}
END_TEST

/* ---- known elements ---- */

/* Wherever an element is known as an expression, evaluating it gives what the integers give. */
static void check_known(const sni_op *op, const int64_t x[3], int symbolic) {
    sni_sym *sym = sni_sym_create();
    sinter_dim name = SINTER_DIM("known_n");
    sinter_dtype dtype = op->classes == SNI_CLASS_BOOL ? SINTER_BOOL : SINTER_I64;
    sni_type in[3] = {{0}}, out = {.dtype = op->result == SNI_RESULT_BOOL ? SINTER_BOOL : dtype};
    sni_expr elements[3], known = SNI_NO_EXPR;
    for (int n = 0; n < op->max_inputs; n++) {
        elements[n] = n == symbolic ? sni_sym_dim(sym, name) : sni_sym_const(sym, x[n]);
        in[n] = (sni_type){.dtype = input_dtype(op, n, dtype), .elements = &elements[n], .element_count = 1};
    }
    sni_call call = {.sym = sym, .op = op, .in_count = op->max_inputs, .in = in, .out_count = 1, .out = &out};
    sni_ref_tensor *want = run_row(op, dtype, (double[3]){0}, x);
    if (op->known(&call, &known)) {
        int64_t got = 0, value = x[symbolic >= 0 ? symbolic : 0];
        sni_bindings bindings = {1, &name, &value};
        ck_assert_int_eq(sni_sym_eval(sym, known, &bindings, &got), SINTER_OK);
        ck_assert_msg(got == want->i[0], "%s(%lld, %lld, %lld), input %d symbolic: %lld, not %lld", op->name,
                      (long long)x[0], (long long)x[1], (long long)x[2], symbolic, (long long)got,
                      (long long)want->i[0]);
    } else {
        ck_assert_msg(symbolic >= 0, "%s of constants is not known", op->name);
    }
    sni_ref_tensor_release(want);
    sni_sym_release(sym);
}

START_TEST(known_elements_agree_with_the_reference) {
    static const int64_t wide[] = {-7, -1, 0, 1, 3, 8}, truth[] = {0, 1, 0, 1, 1, 0};
    for (size_t r = 0; r < sni_op_count(); r++) {
        const sni_op *op = sni_op_at(r);
        if (op->kind != SNI_OP_ELEMENTWISE || op->classes == SNI_CLASS_REAL) continue;
        const int64_t *from = op->classes == SNI_CLASS_BOOL ? truth : wide;
        for (int n = 0; n < 6 * 6 * 6; n++) {
            int64_t x[3] = {from[n % 6], from[n / 6 % 6], from[n / 36]};
            if (is_where(op)) x[0] = x[0] > 0;
            check_known(op, x, -1);
            /* A dimension is 0 or more, and no condition. */
            for (int s = 0; s < op->max_inputs; s++) {
                if (x[s] >= 0 && from == wide && !(is_where(op) && s == 0)) check_known(op, x, s);
            }
        }
    }
}
END_TEST

START_TEST(shape_arithmetic_stays_symbolic) {
    static const char *const names[] = {"add", "sub", "mul", "max", "min", "eq", "lt", "ge", "relu", "neg"};
    sni_sym *sym = sni_sym_create();
    sni_expr n = sni_sym_dim(sym, SINTER_DIM("n")), m = sni_sym_dim(sym, SINTER_DIM("m"));
    for (size_t i = 0; i < COUNT(names); i++) {
        const sni_op *op = sni_op_find(names[i]);
        sni_type in[2] = {{.dtype = SINTER_I64, .elements = &n, .element_count = 1},
                          {.dtype = SINTER_I64, .elements = &m, .element_count = 1}};
        sni_type out = {.dtype = SINTER_I64};
        sni_call call = {.sym = sym, .op = op, .in_count = op->max_inputs, .in = in, .out_count = 1, .out = &out};
        sni_expr known = SNI_NO_EXPR;
        ck_assert_msg(op->known(&call, &known) && known != SNI_NO_EXPR, "%s", names[i]);
        if (strcmp(names[i], "mul") == 0) ck_assert(known == sni_sym_mul(sym, n, m));
        if (strcmp(names[i], "relu") == 0) ck_assert(known == n);
    }
    sni_sym_release(sym);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("op elementwise");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, rows_are_complete_and_their_names_unique);
    tcase_add_test(tcase, traits_hold);
    tcase_add_test(tcase, philox_is_philox);
    tcase_add_test(tcase, references_give_the_expected_reals);
    tcase_add_test(tcase, references_give_the_expected_integers);
    tcase_add_test(tcase, attributes_reach_the_expression);
    tcase_add_test(tcase, rows_take_their_dtypes_and_no_others);
    tcase_add_test(tcase, inputs_of_different_dtypes_are_refused);
    tcase_add_test(tcase, shapes_that_do_not_broadcast_are_named);
    tcase_add_test(tcase, reference_broadcasts);
    tcase_add_test(tcase, casts_truncate_saturate_and_wrap);
    tcase_add_test(tcase, known_elements_agree_with_the_reference);
    tcase_add_test(tcase, shape_arithmetic_stays_symbolic);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
