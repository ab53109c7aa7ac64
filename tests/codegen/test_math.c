/* The functions of cl/common/math_*.cl against libm in double: every float in steps over all its bit patterns and the
 * special ones, as a scalar and as vectors; casts, storage conversions and integer functions exactly. */
#include "check_main.h"

#include <math.h>
#include <stdint.h>

#include "base/str.h"
#include "device_run.h"
#include "kernel/embedded.h"
#include "op/elementwise.h"
#include "op/op.h"

static test_device device;
static bool has_denormals;

/* ---- Points ----------------------------------------------------------------------------------- */

static const float special[] = {0.0f,
                                -0.0f,
                                1.0f,
                                -1.0f,
                                0.5f,
                                -0.5f,
                                2.0f,
                                -2.0f,
                                1e-45f,
                                -1e-45f,
                                1.17549435e-38f,
                                1e-40f,
                                -3e-39f,
                                3.4028235e38f,
                                -3.4028235e38f,
                                INFINITY,
                                -INFINITY,
                                NAN,
                                88.7f,
                                88.8f,
                                89.0f,
                                -87.3f,
                                -88.0f,
                                -103.9f,
                                -104.1f,
                                -17.0f,
                                9.0f,
                                10.1f,
                                0.92f,
                                0.93f,
                                1e-8f,
                                1e-9f,
                                0.99999994f,
                                -0.99999994f,
                                16777216.0f,
                                2147483648.0f,
                                65504.0f,
                                65519.0f,
                                65520.0f,
                                6.1e-5f,
                                5.96e-8f,
                                2.98e-8f,
                                9.2233720368547758e18f,
                                -9.3e18f,
                                127.5f,
                                255.5f};
enum { SPECIAL = sizeof special / sizeof *special, POINTS = 1 << 18, STEP = 0x3fd3 };

static float *points_x, *points_y;

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* x runs over all bit patterns in steps, then over the usual range finely; y is unrelated. */
static void make_points(void) {
    points_x = malloc(POINTS * sizeof(float));
    points_y = malloc(POINTS * sizeof(float));
    uint32_t random = 12345;
    for (int i = 0; i < POINTS; ++i) {
        random = random * 1664525u + 1013904223u;
        points_x[i] = i < POINTS / 2 ? from_bits((uint32_t)i * 2u * STEP)
                                     : ((float)(i - POINTS / 2) / (POINTS / 4) - 1.0f) * 12.0f;
        points_y[i] = i % 3 == 0 ? from_bits(random) : (float)((int)(random >> 16) - 32768) / 4096.0f;
    }
    for (int i = 0; i < SPECIAL; ++i)
        for (int k = 0; k < SPECIAL; ++k) {
            points_x[(i * SPECIAL + k) * 7] = special[i];
            points_y[(i * SPECIAL + k) * 7] = special[k];
        }
}

/* ---- Kernels ---------------------------------------------------------------------------------- */

static const char *width_suffix(int width) {
    static char text[4];
    snprintf(text, sizeof text, width == 1 ? "" : "%d", width);
    return text;
}

/* r[i] = function(x[i], y[i]) for count elements; scalar is "float", "int", "long" or "double". */
static void run_function(const char *function, const char *scalar, const char *file, int arity, int width,
                         const void *x, const void *y, void *result, const char *result_scalar, size_t element,
                         size_t result_element, int count) {
    char text[2048], type[16], result_type[16];
    snprintf(type, sizeof type, "%s%s", scalar, width_suffix(width));
    snprintf(result_type, sizeof result_type, "%s%s", result_scalar, width_suffix(width));
    const char *load = width == 1 ? "x[i]" : "vload", *w = width_suffix(width);
    char lx[64], ly[64], store[96];
    if (width == 1) {
        snprintf(lx, sizeof lx, "x[i]");
        snprintf(ly, sizeof ly, "y[i]");
        snprintf(store, sizeof store, "r[i] = v");
    } else {
        snprintf(lx, sizeof lx, "%s%s(i, x)", load, w);
        snprintf(ly, sizeof ly, "%s%s(i, y)", load, w);
        snprintf(store, sizeof store, "vstore%s(v, i, r)", w);
    }
    char head[512];
    if (strcmp(file, "math") == 0)
        snprintf(head, sizeof head, "#include \"common/math.cl\"\n");
    else
        snprintf(head, sizeof head,
                 "%s#include \"common/types.cl\"\n#define SN_T %s\n#define SN_W %d\n#define SN_I32 int%s\n"
                 "#define SN_I64 long%s\n#include \"common/%s.cl\"\n",
                 strcmp(scalar, "double") == 0 ? "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n" : "", type, width, w,
                 w, file);
    snprintf(text, sizeof text,
             "%s__kernel void f(__global const %s *x, __global const %s *y, __global %s *r) {\n"
             "    size_t i = get_global_id(0);\n    %s v = sn_%s_%s(%s%s%s);\n    %s;\n}\n",
             head, scalar, scalar, result_scalar, result_type, function, type, lx, arity > 1 ? ", " : "",
             arity > 1 ? ly : "", store);
    sni_program *program = build_kernel(&device, text, "f", "");
    sni_launch *launch;
    must(sni_launch_create(program, &launch));
    sni_mem *mx = device_memory(&device, x, (size_t)count * element, 0);
    sni_mem *my = device_memory(&device, y, (size_t)count * element, 0);
    sni_mem *mr = device_memory(&device, NULL, (size_t)count * result_element, 0xcd);
    must(sni_launch_set_mem(launch, 0, mx));
    must(sni_launch_set_mem(launch, 1, my));
    must(sni_launch_set_mem(launch, 2, mr));
    size_t global = (size_t)(count / width), local = 64;
    must(sni_launch_enqueue(launch, 1, &global, &local, false, NULL));
    must(sni_mem_read(mr, 0, result, (size_t)count * result_element, true));
    sni_mem_release(mx);
    sni_mem_release(my);
    sni_mem_release(mr);
    sni_launch_release(launch);
    sni_program_release(program);
}

/* ---- Reals ------------------------------------------------------------------------------------ */

static double ref_sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double ref_rsqrt(double x) {
    return 1 / sqrt(x);
}
static double ref_nan_flag(double x) {
    return x != x;
}
static double ref_inf_sign(double x) {
    return isinf(x) ? (x < 0 ? -1 : 1) : 0;
}
static double ref_max(double x, double y) {
    return x > y || x != x ? x : y;
}
static double ref_min(double x, double y) {
    return x < y || x != x ? x : y;
}
static double ref_div(double x, double y) {
    return x / y;
}
static double ref_mod(double x, double y) {
    double r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

typedef struct real_function {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
    double ulp; /* of the float function */
} real_function;

/* The project's own functions first, with the bounds that math_float.cl states; then OpenCL's bounds. */
static const real_function real_functions[] = {
    {"exp", exp, NULL, 1.5},
    {"expm1", expm1, NULL, 2},
    {"log", log, NULL, 2},
    {"log1p", log1p, NULL, 2},
    {"sigmoid", ref_sigmoid, NULL, 3},
    {"tanh", tanh, NULL, 3},
    {"erf", erf, NULL, 2},
    {"sqrt", sqrt, NULL, 3},
    {"rsqrt", ref_rsqrt, NULL, 4},
    {"sin", sin, NULL, 4},
    {"cos", cos, NULL, 4},
    {"tan", tan, NULL, 5},
    {"asin", asin, NULL, 4},
    {"acos", acos, NULL, 4},
    {"atan", atan, NULL, 5},
    {"asinh", asinh, NULL, 4},
    {"acosh", acosh, NULL, 4},
    {"atanh", atanh, NULL, 5},
    {"sinh", sinh, NULL, 4},
    {"cosh", cosh, NULL, 4},
    {"floor", floor, NULL, 0},
    {"ceil", ceil, NULL, 0},
    {"round_even", rint, NULL, 0},
    {"abs", fabs, NULL, 0},
    {"nan_flag", ref_nan_flag, NULL, 0},
    {"inf_sign", ref_inf_sign, NULL, 0},
    {"max", NULL, ref_max, 0},
    {"min", NULL, ref_min, 0},
    {"div", NULL, ref_div, 2.5},
    {"fmod", NULL, fmod, 0},
    {"mod", NULL, ref_mod, 0.5},
    {"pow", NULL, pow, 16},
};
enum { REAL_FUNCTIONS = sizeof real_functions / sizeof *real_functions };

/* Distance in steps of floats at the expected value. */
static double ulp_error(double expected, float got) {
    if (expected != expected) return got != got ? 0 : INFINITY;
    if (got != got) return INFINITY;
    float nearest = (float)expected;
    if (got == nearest) return 0;
    int exponent;
    frexp(fabs(expected) > 3.5e38 ? 3.4028235e38 : expected, &exponent);
    double step = ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
    double value = isinf(got) ? copysign(ldexp(1, 128), got) : got;
    double target = isinf(expected) || fabs(expected) > ldexp(1, 128) ? copysign(ldexp(1, 128), expected) : expected;
    return fabs(value - target) / step;
}

static bool is_denormal(double x) {
    return x != 0 && fabs(x) < 1.17549435e-38;
}

static double worst_error(const real_function *f, const float *result, int *at) {
    double worst = 0;
    *at = 0;
    for (int i = 0; i < POINTS; ++i) {
        double x = points_x[i], y = points_y[i], expected = f->one != NULL ? f->one(x) : f->two(x, y);
        if (!has_denormals && (is_denormal(x) || (f->two != NULL && is_denormal(y)) || is_denormal(expected))) continue;
        double error = ulp_error(expected, result[i]);
        if (error <= worst) continue;
        worst = error;
        *at = i;
    }
    return worst;
}

START_TEST(float_functions) {
    float *result = malloc(POINTS * sizeof(float));
    static const int widths[] = {1, 8};
    for (int f = 0; f < REAL_FUNCTIONS; ++f)
        for (int w = 0; w < 2; ++w) {
            const real_function *function = &real_functions[f];
            run_function(function->name, "float", "math_float", function->one != NULL ? 1 : 2, widths[w], points_x,
                         points_y, result, "float", 4, 4, POINTS);
            int at;
            double worst = worst_error(function, result, &at);
            if (getenv("SINTER_TEST_VERBOSE") != NULL)
                printf("%-10s x%-2d %6.2f ulp at %.9g, %.9g: %.9g\n", function->name, widths[w], worst, points_x[at],
                       points_y[at], result[at]);
            if (getenv("SINTER_TEST_VERBOSE") == NULL)
                ck_assert_msg(worst <= function->ulp, "%s float x%d: %g ulp at (%.9g, %.9g): %.9g", function->name,
                              widths[w], worst, points_x[at], points_y[at], result[at]);
        }
    free(result);
}
END_TEST

/* The double functions are the built-ins: a few ulp of double, far below float's. */
START_TEST(double_functions) {
    if (!device.device->caps.has_f64) return;
    double *x = malloc(POINTS * sizeof *x), *y = malloc(POINTS * sizeof *y), *result = malloc(POINTS * sizeof *x);
    for (int i = 0; i < POINTS; ++i) {
        x[i] = points_x[i];
        y[i] = points_y[i];
    }
    for (int f = 0; f < REAL_FUNCTIONS; ++f)
        for (int width = 1; width <= 4; width += 3) {
            const real_function *function = &real_functions[f];
            run_function(function->name, "double", "math_double", function->one != NULL ? 1 : 2, width, x, y, result,
                         "double", 8, 8, POINTS);
            for (int i = 0; i < POINTS; ++i) {
                double expected = function->one != NULL ? function->one(x[i]) : function->two(x[i], y[i]);
                bool same = expected != expected ? result[i] != result[i] : result[i] == expected;
                double bound = 64 * 2.3e-16 * fabs(expected) + 1e-300;
                ck_assert_msg(same || fabs(result[i] - expected) <= bound,
                              "%s double x%d at (%.17g, %.17g): %.17g, not %.17g", function->name, width, x[i], y[i],
                              result[i], expected);
            }
        }
    free(x);
    free(y);
    free(result);
}
END_TEST

/* ---- Casts and storage ------------------------------------------------------------------------ */

typedef struct real_cast {
    const char *name;
    double low, high;
    bool is_long;
} real_cast;

static const real_cast real_casts[] = {{"to_i8", -128, 127, false},
                                       {"to_u8", 0, 255, false},
                                       {"to_i16", -32768, 32767, false},
                                       {"to_i32", -2147483648.0, 2147483647.0, false},
                                       {"to_i64", -9223372036854775808.0, 9223372036854775807.0, true}};

static int64_t cast_reference(const real_cast *cast, double x) {
    if (x != x) return 0;
    if (x <= cast->low) return (int64_t)cast->low;
    if (x >= cast->high) return cast->is_long ? INT64_MAX : (int64_t)cast->high;
    return (int64_t)x;
}

START_TEST(casts_saturate) {
    int64_t *wide = malloc(POINTS * sizeof *wide);
    int32_t *narrow = malloc(POINTS * sizeof *narrow);
    for (size_t c = 0; c < sizeof real_casts / sizeof *real_casts; ++c)
        for (int width = 1; width <= 8; width *= 8) {
            const real_cast *cast = &real_casts[c];
            run_function(cast->name, "float", "math_float", 1, width, points_x, points_y,
                         cast->is_long ? (void *)wide : (void *)narrow, cast->is_long ? "long" : "int", 4,
                         cast->is_long ? 8 : 4, POINTS);
            for (int i = 0; i < POINTS; ++i) {
                int64_t got = cast->is_long ? wide[i] : narrow[i], expected = cast_reference(cast, points_x[i]);
                ck_assert_msg(got == expected, "%s x%d of %.9g: %lld, not %lld", cast->name, width, points_x[i],
                              (long long)got, (long long)expected);
            }
        }
    free(wide);
    free(narrow);
}
END_TEST

START_TEST(rounding_to_16_bits) {
    float *result = malloc(POINTS * sizeof *result);
    static const sinter_dtype dtypes[] = {SINTER_F16, SINTER_BF16};
    static const char *const names[] = {"round_f16", "round_bf16"};
    for (int d = 0; d < 2; ++d)
        for (int width = 1; width <= 8; width *= 8) {
            run_function(names[d], "float", "math_float", 1, width, points_x, points_y, result, "float", 4, 4, POINTS);
            for (int i = 0; i < POINTS; ++i) {
                if (!has_denormals && is_denormal(points_x[i])) continue;
                double expected = sni_dtype_round(dtypes[d], points_x[i]);
                bool same = expected != expected ? result[i] != result[i] : result[i] == expected;
                ck_assert_msg(same, "%s x%d of %.9g: %.9g, not %.9g", names[d], width, points_x[i], result[i],
                              expected);
            }
        }
    free(result);
}
END_TEST

/* Storing floats as a 16-bit dtype and loading them back. */
static void check_storage(sinter_dtype dtype, const char *storage, int width, const char *form) {
    char text[1024], load[96], store[96];
    const char *name = sinter_dtype_name(dtype), *w = width_suffix(width);
    if (width == 1) {
        snprintf(load, sizeof load, "sn_load_%s(h, i)", name);
        snprintf(store, sizeof store, "sn_store_%s(x[i], h, i)", name);
    } else {
        snprintf(load, sizeof load, "sn_%sloadv_%s(%d, h, i * %d)", form, name, width, width);
        snprintf(store, sizeof store, "sn_%sstorev_%s(%d, sn_loadv_f32(%d, x, i * %d), h, i * %d)", form, name, width,
                 width, width, width);
    }
    snprintf(
        text, sizeof text,
        "#include \"common/memory.cl\"\n__kernel void f(__global const float *x, __global %s *h, __global float *r) {\n"
        "    size_t i = get_global_id(0);\n    %s;\n    float%s v = %s;\n    %s;\n}\n",
        storage, store, w, load, width == 1 ? "r[i] = v" : "vstore8(v, i, r)");
    sni_program *program = build_kernel(&device, text, "f", "");
    sni_launch *launch;
    must(sni_launch_create(program, &launch));
    sni_mem *mx = device_memory(&device, points_x, POINTS * 4, 0), *mh = device_memory(&device, NULL, POINTS * 2, 0),
            *mr = device_memory(&device, NULL, POINTS * 4, 0);
    must(sni_launch_set_mem(launch, 0, mx));
    must(sni_launch_set_mem(launch, 1, mh));
    must(sni_launch_set_mem(launch, 2, mr));
    size_t global = (size_t)(POINTS / width), local = 64;
    must(sni_launch_enqueue(launch, 1, &global, &local, false, NULL));
    float *result = malloc(POINTS * sizeof *result);
    must(sni_mem_read(mr, 0, result, POINTS * 4, true));
    for (int i = 0; i < POINTS; ++i) {
        double expected = sni_dtype_round(dtype, points_x[i]);
        if (!has_denormals && (is_denormal(points_x[i]) || is_denormal(expected))) continue;
        bool same = expected != expected ? result[i] != result[i] : result[i] == expected;
        ck_assert_msg(same, "%s%s x%d of %.9g: %.9g, not %.9g", form, name, width, points_x[i], result[i], expected);
    }
    free(result);
    sni_mem_release(mx);
    sni_mem_release(mh);
    sni_mem_release(mr);
    sni_launch_release(launch);
    sni_program_release(program);
}

START_TEST(storage_of_16_bits) {
    check_storage(SINTER_F16, "half", 1, "");
    check_storage(SINTER_F16, "half", 8, "");
    check_storage(SINTER_F16, "half", 8, "a");
    check_storage(SINTER_BF16, "ushort", 1, "");
    check_storage(SINTER_BF16, "ushort", 8, "");
    check_storage(SINTER_BF16, "ushort", 8, "a");
}
END_TEST

/* ---- Integers --------------------------------------------------------------------------------- */

static int64_t wrap(int64_t value, bool is_long) {
    return is_long ? value : (int32_t)value;
}

static int64_t int_reference(const char *name, int64_t x, int64_t y, bool is_long) {
    if (strcmp(name, "max") == 0) return x > y ? x : y;
    if (strcmp(name, "min") == 0) return x < y ? x : y;
    if (strcmp(name, "abs") == 0) return wrap(x < 0 ? (int64_t)(0 - (uint64_t)x) : x, is_long);
    if (strcmp(name, "div") == 0) return y == 0 ? 0 : y == -1 ? wrap((int64_t)(0 - (uint64_t)x), is_long) : x / y;
    if (strcmp(name, "fmod") == 0) return y == 0 || y == -1 ? 0 : x % y;
    if (strcmp(name, "mod") == 0) {
        int64_t r = y == 0 || y == -1 ? 0 : x % y;
        return r != 0 && (r < 0) != (y < 0) ? r + y : r;
    }
    if (strcmp(name, "philox") ==
        0) { /* the row's reference, which test_elementwise holds against its authors' numbers */
        int64_t bits = 0;
        ck_assert(sni_elementwise_whole(sni_op_find(name), SINTER_I64, (const int64_t[3]){x, y}, &bits));
        return wrap(bits, is_long);
    }
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
    uint64_t power = 1, base = (uint64_t)x;
    for (uint64_t rest = (uint64_t)y; rest > 0; rest >>= 1) {
        if (rest & 1) power *= base;
        base *= base;
    }
    return wrap((int64_t)power, is_long);
}

START_TEST(integer_functions) {
    static const char *const names[] = {"max", "min", "abs", "div", "fmod", "mod", "pow", "philox"};
    static const int64_t edges[] = {0,  1,   -1,        2,         -2,        3,         -7,
                                    10, 127, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX, 1000003};
    enum { COUNT = 4096, EDGES = sizeof edges / sizeof *edges };
    static int64_t x[COUNT], y[COUNT], got[COUNT];
    static int32_t x32[COUNT], y32[COUNT], got32[COUNT];
    uint64_t random = 7;
    for (int i = 0; i < COUNT; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        x[i] = i < EDGES * EDGES ? edges[i / EDGES] : (int64_t)random >> (i % 60);
        random = random * 6364136223846793005u + 1442695040888963407u;
        y[i] = i < EDGES * EDGES ? edges[i % EDGES] : (int64_t)random >> (i % 50 + 10);
        x32[i] = (int32_t)x[i];
        y32[i] = (int32_t)y[i];
    }
    for (size_t n = 0; n < sizeof names / sizeof *names; ++n)
        for (int width = 1; width <= 8; width *= 8) {
            int arity = strcmp(names[n], "abs") == 0 ? 1 : 2;
            run_function(names[n], "long", "math_int", arity, width, x, y, got, "long", 8, 8, COUNT);
            run_function(names[n], "int", "math_int", arity, width, x32, y32, got32, "int", 4, 4, COUNT);
            for (int i = 0; i < COUNT; ++i) {
                int64_t expected = int_reference(names[n], x[i], y[i], true);
                ck_assert_msg(got[i] == expected, "%s long x%d of %lld, %lld: %lld, not %lld", names[n], width,
                              (long long)x[i], (long long)y[i], (long long)got[i], (long long)expected);
                int64_t narrow = int_reference(names[n], x32[i], y32[i], false);
                ck_assert_msg(got32[i] == narrow, "%s int x%d of %d, %d: %d, not %lld", names[n], width, x32[i], y32[i],
                              got32[i], (long long)narrow);
            }
        }
}
END_TEST

/* ---- The header for hand-written kernels ------------------------------------------------------- */

typedef struct offered {
    const char *name;
    int parameters;
    const char *classes;
} offered;

static const offered offers[] = {
#define FUNCTION(name, parameters, classes, meaning) {#name, parameters, classes},
#include "../cl/common/functions.inc"
#undef FUNCTION
};
enum { OFFERS = sizeof offers / sizeof *offers };

static const char *const offered_types[] = {"float", "double", "int", "long"};

static bool is_offered(const offered *f, int type) {
    if (type == 1 && !device.device->caps.has_f64) return false;
    return type == 0 ? f->classes[0] != 'i' : strchr(f->classes, type == 1 ? 'r' : 'i') != NULL;
}

/* Every row can be called in every type and width, all of them from one kernel. */
START_TEST(math_header_has_every_function) {
    for (int width = 1; width <= 16; width *= 2) {
        sni_str text = SNI_STR_INIT;
        const char *w = width_suffix(width);
        sni_str_append(&text, "#include \"common/math.cl\"\n#include \"common/math.cl\"\n");
        for (int type = 0; type < 4; ++type)
            for (int f = 0; f < OFFERS; ++f)
                if (is_offered(&offers[f], type))
                    sni_str_printf(&text, "void use_%s_%s(%s%s x, %s%s y) { (void)sn_%s_%s%s(%s); }\n", offers[f].name,
                                   offered_types[type], offered_types[type], w, offered_types[type], w, offers[f].name,
                                   offered_types[type], w, offers[f].parameters == 1 ? "x" : "x, y");
        sni_str_append(&text, "__kernel void f(__global float *r) { r[get_global_id(0)] = sn_exp_float(1.0f); }\n");
        sni_program_release(build_kernel(&device, sni_str_text(&text), "f", ""));
        sni_str_deinit(&text);
    }
}
END_TEST

/* Every function that the sources define for a type is a row, or a part of one that is named here. */
START_TEST(every_function_is_a_row) {
    static const char *const parts[] = {"exp_tail", "exp_rest",  "log_tail",    "log_sum",  "trig_rest",
                                        "sin_core", "cos_core",  "sin_quarter", "sin_huge", "cos_huge",
                                        "tan_huge", "odd_float", "small_div",   "exp_below"};
    int found = 0;
    for (const sni_embedded_file *file = sni_embedded_files; file->name != NULL; ++file) {
        if (strncmp(file->name, "common/math_", 12) != 0) continue;
        for (const char *at = file->text; (at = strstr(at, "FN(")) != NULL; at += 3) {
            char name[32] = "";
            if (sscanf(at, "FN(%31[a-z0-9_])(SN_T", name) != 1 || strncmp(at + 3 + strlen(name), ")(SN_T", 6) != 0)
                continue;
            bool known = false;
            for (int i = 0; i < OFFERS && !known; ++i) known = strcmp(offers[i].name, name) == 0;
            for (size_t i = 0; i < sizeof parts / sizeof *parts && !known; ++i) known = strcmp(parts[i], name) == 0;
            ck_assert_msg(known, "%s has '%s', cl/common/functions.inc has not", file->name, name);
            ++found;
        }
    }
    ck_assert_int_gt(found, OFFERS);
}
END_TEST

/* Values by way of the header: each function in another width. */
START_TEST(math_header_values) {
    float *result = malloc(POINTS * sizeof(float));
    for (int f = 0; f < REAL_FUNCTIONS; ++f) {
        const real_function *function = &real_functions[f];
        int width = 1 << f % 5, at;
        run_function(function->name, "float", "math", function->one != NULL ? 1 : 2, width, points_x, points_y, result,
                     "float", 4, 4, POINTS);
        double worst = worst_error(function, result, &at);
        ck_assert_msg(worst <= function->ulp, "%s float x%d: %g ulp at (%.9g, %.9g): %.9g", function->name, width,
                      worst, points_x[at], points_y[at], result[at]);
    }
    free(result);
}
END_TEST

int main(void) {
    test_device_open(&device);
    cl_device_fp_config config = 0;
    clGetDeviceInfo(device.device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL);
    has_denormals = (config & CL_FP_DENORM) != 0;
    make_points();
    const TTest *const tests[] = {float_functions,
                                  double_functions,
                                  casts_saturate,
                                  rounding_to_16_bits,
                                  storage_of_16_bits,
                                  integer_functions,
                                  math_header_has_every_function,
                                  every_function_is_a_row,
                                  math_header_values};
    int result = run_suite(suite_of("math", tests, sizeof tests / sizeof *tests));
    free(points_x);
    free(points_y);
    test_device_close(&device);
    return result;
}
