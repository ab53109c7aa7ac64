/* `sinter doctor`: the math functions of cl/common against libm, with the bounds that the files
 * state (the library's own functions) or OpenCL promises (built-ins). */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static double ref_sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double ref_rsqrt(double x) {
    return 1 / sqrt(x);
}

static const struct function {
    const char *name;
    double (*libm)(double);
    double bound_ulp;
} functions[] = {
    {"exp", exp, 1.5},
    {"expm1", expm1, 2},
    {"log", log, 2},
    {"log1p", log1p, 2},
    {"tanh", tanh, 3},
    {"erf", erf, 2},
    {"sigmoid", ref_sigmoid, 3},
    {"sqrt", sqrt, 3},
    {"rsqrt", ref_rsqrt, 4},
    {"sin", sin, 4},
    {"cos", cos, 4},
    {"atan", atan, 5},
    {"floor", floor, 0},
    {"ceil", ceil, 0},
    {"round_even", rint, 0},
    {"abs", fabs, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], POINTS = 1 << 14 };

/* Half of the points run over all bit patterns, half over the usual range; multiples of 8 lanes. */
static void fill_points(float *x) {
    static const float special[] = {0.0f,   -0.0f,   1.0f,  -1.0f, INFINITY, -INFINITY, NAN,  88.7f,
                                    -87.3f, -103.9f, 89.0f, 1e-8f, 3.4e38f,  0.93f,     9.0f, 1.2e-38f};
    for (uint32_t i = 0; i < POINTS / 2; ++i) {
        uint32_t bits = i * 0x7fff5u;
        memcpy(&x[i], &bits, sizeof bits);
    }
    for (int i = 0; i < POINTS / 2; ++i) x[POINTS / 2 + i] = ((float)i / (POINTS / 4) - 1.0f) * 12.0f;
    memcpy(x + POINTS / 2, special, sizeof special);
}

static bool is_denormal(double x) {
    return x != 0 && fabs(x) < 1.17549435e-38;
}

/* Distance in steps of a type with so many bits of precision and this least exponent. */
static double distance_ulp(double expected, double got, int precision, int least) {
    if (isnan(expected) || isnan(got)) return isnan(expected) && isnan(got) ? 0 : INFINITY;
    if (expected == got) return 0;
    if (isinf(expected) || isinf(got)) {
        /* Overflow one way only counts when the other is far from the edge. */
        double edge = precision == 24 ? 3.4028234e38 : 1.7976931348623157e308;
        double other = isinf(expected) ? got : expected;
        return fabs(other) >= edge * (1 - 1e-6) && signbit(expected) == signbit(got) ? 0 : INFINITY;
    }
    int exponent = 0;
    frexp(expected, &exponent);
    int step = exponent - precision;
    return fabs(got - expected) / ldexp(1, step < least ? least : step);
}

static void math_source(const struct function *function, const char *type, char *text, size_t capacity) {
    bool wide = !strcmp(type, "double");
    snprintf(text, capacity,
             "%s#include \"common/types.cl\"\n"
             "#define SN_T %s8\n#define SN_W 8\n#define SN_I32 int8\n#define SN_I64 long8\n"
             "#include \"common/math_%s.cl\"\n"
             "__kernel void f(__global const %s *x, __global %s *r) {\n"
             "    size_t i = get_global_id(0);\n"
             "    vstore8(sn_%s_%s8(vload8(i, x)), i, r);\n}\n",
             wide ? "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n" : "", type, type, type, type, function->name,
             type);
}

/* The library's float functions; denormals are left out, because devices may flush them. */
static doctor_result check_float(doctor *d, const struct function *function, float *x, float *r, double *worst) {
    char text[1024];
    math_source(function, "float", text, sizeof text);
    fill_points(x);
    doctor_array arrays[] = {{x, POINTS * sizeof *x}, {r, POINTS * sizeof *r}};
    memset(r, 0xcd, POINTS * sizeof *r);
    if (doctor_compute(d, text, arrays, 2, 0, POINTS / 8, 0) != SINTER_OK) return doctor_fail(d, function->name);
    for (int i = 0; i < POINTS; ++i) {
        double expected = function->libm(x[i]);
        if (is_denormal(x[i]) || is_denormal(expected)) continue;
        double distance =
            distance_ulp(fabs(expected) > 3.40282357e38 ? copysign(INFINITY, expected) : expected, r[i], 24, -149);
        if (distance > *worst) *worst = distance;
        if (distance > function->bound_ulp)
            return doctor_say(d, DOCTOR_FAIL, "%s(%.9g) is %.9g, %.9g was expected: %g ulp, not %g", function->name,
                              x[i], r[i], expected, distance, function->bound_ulp);
    }
    return DOCTOR_OK;
}

doctor_result doctor_check_math(doctor *d) {
    float *x = malloc(POINTS * sizeof *x), *r = malloc(POINTS * sizeof *r);
    doctor_result result = DOCTOR_FAIL;
    double worst = 0;
    if (x && r) result = DOCTOR_OK;
    for (int i = 0; i < FUNCTIONS && result == DOCTOR_OK; ++i) result = check_float(d, &functions[i], x, r, &worst);
    free(x);
    free(r);
    if (result == DOCTOR_OK)
        doctor_say(d, result, "%d functions at %d points within their bounds, at most %.2f ulp", (int)FUNCTIONS,
                   (int)POINTS, worst);
    return result;
}

/* The double functions are built-ins, whose libm on the host is no better: they must be close, not
 * exact. */
static doctor_result check_double(doctor *d, const struct function *function, double *x, double *r) {
    enum { CLOSE_ULP = 16 };
    char text[1024];
    math_source(function, "double", text, sizeof text);
    for (int i = 0; i < POINTS; ++i) x[i] = ((double)i / (POINTS / 2) - 1) * 20.0;
    doctor_array arrays[] = {{x, POINTS * sizeof *x}, {r, POINTS * sizeof *r}};
    memset(r, 0xcd, POINTS * sizeof *r);
    if (doctor_compute(d, text, arrays, 2, 0, POINTS / 8, 0) != SINTER_OK) return doctor_fail(d, function->name);
    for (int i = 0; i < POINTS; ++i) {
        double expected = function->libm(x[i]);
        double distance = distance_ulp(expected, r[i], 53, -1074);
        if (distance > CLOSE_ULP)
            return doctor_say(d, DOCTOR_FAIL, "%s(%.17g) is %.17g, %.17g was expected: %g ulp", function->name, x[i],
                              r[i], expected, distance);
    }
    return DOCTOR_OK;
}

doctor_result doctor_check_math_f64(doctor *d) {
    if (!d->caps->has_f64) return doctor_say(d, DOCTOR_SKIP, "the device has no f64");
    double *x = malloc(POINTS * sizeof *x), *r = malloc(POINTS * sizeof *r);
    doctor_result result = x && r ? DOCTOR_OK : DOCTOR_FAIL;
    for (int i = 0; i < FUNCTIONS && result == DOCTOR_OK; ++i) result = check_double(d, &functions[i], x, r);
    free(x);
    free(r);
    return result;
}

doctor_result doctor_check_division(doctor *d) {
    static const char text[] =
        "__kernel void f(__global const float *a, __global const float *b, __global float *r) {\n"
        "    size_t i = get_global_id(0);\n"
        "    r[i] = a[i] / b[i];\n"
        "    r[get_global_size(0) + i] = sqrt(fabs(a[i]));\n}\n";
    float *a = malloc(POINTS * sizeof *a), *b = malloc(POINTS * sizeof *b), *r = malloc(2 * POINTS * sizeof *r);
    doctor_result result = a && b && r ? DOCTOR_OK : DOCTOR_FAIL;
    uint32_t state = 1;
    for (int i = 0; result == DOCTOR_OK && i < POINTS; ++i) { /* of about the same size: no quotient is denormal */
        a[i] = (float)(state = state * 1664525u + 1013904223u) * 0x1p-20f;
        b[i] = (float)((state = state * 1664525u + 1013904223u) | 1u) * 0x1p-24f;
    }
    doctor_array arrays[] = {{a, POINTS * sizeof *a}, {b, POINTS * sizeof *b}, {r, 2 * POINTS * sizeof *r}};
    if (result == DOCTOR_OK && doctor_compute(d, text, arrays, 3, 0, POINTS, 0) != SINTER_OK)
        result = doctor_fail(d, "division");
    for (int i = 0; result == DOCTOR_OK && i < POINTS; ++i) {
        float quotient = a[i] / b[i], root = sqrtf(a[i]);
        if (r[i] != quotient)
            result = doctor_say(d, DOCTOR_FAIL, "%.9g / %.9g is %.9g, %.9g was expected", (double)a[i], (double)b[i],
                                (double)r[i], (double)quotient);
        else if (r[POINTS + i] != root)
            result = doctor_say(d, DOCTOR_FAIL, "the square root of %.9g is %.9g, %.9g was expected", (double)a[i],
                                (double)r[POINTS + i], (double)root);
    }
    free(a);
    free(b);
    free(r);
    return result;
}
