/* Data types: conversions of all 16-bit patterns, rounding, packed memory, broadcasting. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "op/op.h"

static double f16_value(uint16_t bits) {
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, -24);
    return sign * ldexp(1024 + mantissa, exponent - 25);
}

static double bf16_value(uint16_t bits) {
    int exponent = bits >> 7 & 255, mantissa = bits & 127;
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 255) return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, -133);
    return sign * ldexp(128 + mantissa, exponent - 134);
}

static bool same_number(double a, double b) {
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

START_TEST(every_16_bit_pattern_loads_as_its_value) {
    for (uint32_t p = 0; p < 65536; p++) {
        uint16_t bits = (uint16_t)p;
        ck_assert_msg(same_number((double)sni_f16_to_f32(bits), f16_value(bits)), "f16 %04x", p);
        ck_assert_msg(same_number((double)sni_bf16_to_f32(bits), bf16_value(bits)), "bf16 %04x", p);
    }
}
END_TEST

START_TEST(every_16_bit_pattern_survives_a_round_trip) {
    for (uint32_t p = 0; p < 65536; p++) {
        uint16_t bits = (uint16_t)p;
        if (isnan(f16_value(bits))) {
            ck_assert(isnan(f16_value(sni_f32_to_f16(sni_f16_to_f32(bits)))));
        } else {
            ck_assert_uint_eq(sni_f32_to_f16(sni_f16_to_f32(bits)), bits);
        }
        if (isnan(bf16_value(bits))) {
            ck_assert(isnan(bf16_value(sni_f32_to_bf16(sni_bf16_to_f32(bits)))));
        } else {
            ck_assert_uint_eq(sni_f32_to_bf16(sni_bf16_to_f32(bits)), bits);
        }
    }
}
END_TEST

/* Between two neighbours, below the middle goes down, above it up, the middle to the even one. */
static void check_between(sinter_dtype dtype, double low, double high, bool low_is_even) {
    double middle = low / 2 + high / 2, width = high - low;
    ck_assert(same_number(sni_dtype_round(dtype, middle), low_is_even ? low : high));
    ck_assert(same_number(sni_dtype_round(dtype, -middle), low_is_even ? -low : -high));
    ck_assert(same_number(sni_dtype_round(dtype, middle - width * 1e-6), low));
    ck_assert(same_number(sni_dtype_round(dtype, middle + width * 1e-6), high));
    /* So near the middle that a first rounding to f32 would lose the difference. */
    ck_assert(same_number(sni_dtype_round(dtype, nextafter(middle, -INFINITY)), low));
    ck_assert(same_number(sni_dtype_round(dtype, nextafter(middle, INFINITY)), high));
}

START_TEST(rounding_is_to_nearest_even_between_all_neighbours) {
    for (uint32_t p = 0; p + 1 < 0x7c00; p++) {
        check_between(SINTER_F16, f16_value((uint16_t)p), f16_value((uint16_t)(p + 1)), p % 2 == 0);
    }
    for (uint32_t p = 0; p + 1 < 0x7f80; p++) {
        check_between(SINTER_BF16, bf16_value((uint16_t)p), bf16_value((uint16_t)(p + 1)), p % 2 == 0);
    }
}
END_TEST

START_TEST(rounding_overflows_to_infinity_at_the_right_place) {
    ck_assert(sni_dtype_round(SINTER_F16, 65519.999) == 65504.0);
    ck_assert(isinf(sni_dtype_round(SINTER_F16, 65520.0)));
    ck_assert(sni_dtype_round(SINTER_F16, -65520.0) == -INFINITY);
    ck_assert(isinf(sni_dtype_round(SINTER_F16, 1e300)));
    ck_assert(isinf(sni_dtype_round(SINTER_BF16, 3.4e38)));
    ck_assert(!isinf(sni_dtype_round(SINTER_BF16, 3.38e38)));
    ck_assert(isinf(sni_dtype_round(SINTER_F32, 1e39)));
    ck_assert(isnan(sni_dtype_round(SINTER_F16, NAN)));
    ck_assert(isnan(sni_dtype_round(SINTER_BF16, NAN)));
    ck_assert(sni_dtype_round(SINTER_F64, 0.1) == 0.1);
    ck_assert(same_number(sni_dtype_round(SINTER_F16, -1e-30), -0.0));
}
END_TEST

START_TEST(nan_payloads_never_become_infinity) {
    for (uint32_t mantissa = 1; mantissa < 0x800000; mantissa += 977) {
        uint32_t bits = 0x7f800000u | mantissa;
        float value;
        memcpy(&value, &bits, sizeof value);
        ck_assert(isnan(f16_value(sni_f32_to_f16(value))));
        ck_assert(isnan(bf16_value(sni_f32_to_bf16(value))));
    }
}
END_TEST

START_TEST(integers_wrap) {
    ck_assert_int_eq(sni_dtype_wrap(SINTER_I8, 128), -128);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_I8, -129), 127);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_U8, -1), 255);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_U8, 256), 0);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_I16, 40000), 40000 - 65536);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_I32, (int64_t)1 << 31), INT32_MIN);
    ck_assert(sni_dtype_wrap(SINTER_I64, INT64_MIN) == INT64_MIN);
    ck_assert_int_eq(sni_dtype_wrap(SINTER_BOOL, 7), 1);
}
END_TEST

START_TEST(packed_memory_loads_what_was_stored) {
    static const double reals[] = {0, -0.0, 1.5, -65504, INFINITY, -INFINITY};
    static const int64_t wholes[] = {0, 1, -1, 127, -128, 255};
    char memory[8 * 7 + 1];
    for (int d = 1; d < SINTER_DTYPE_COUNT; d++) {
        sinter_dtype dtype = (sinter_dtype)d;
        bool real = sni_dtype_is_real(dtype);
        memset(memory, 0xa5, sizeof memory);
        /* At an odd address: files give no alignment. */
        for (int n = 0; n < 6; n++) sni_dtype_store(dtype, memory + 1, n, reals[n], wholes[n]);
        for (int n = 0; n < 6; n++) {
            double f = 99;
            int64_t i = 99;
            sni_dtype_load(dtype, memory + 1, n, &f, &i);
            if (real) {
                ck_assert(same_number(f, sni_dtype_round(dtype, reals[n])));
                ck_assert_int_eq(i, 99);
            } else {
                ck_assert_int_eq(i, sni_dtype_wrap(dtype, wholes[n]));
                ck_assert(f == 99);
            }
        }
        size_t used = 6 * sinter_dtype_size(dtype) + 1;
        for (size_t at = used; at < sizeof memory; at++) ck_assert_int_eq((uint8_t)memory[at], 0xa5);
    }
}
END_TEST

START_TEST(any_byte_but_0_is_true) {
    uint8_t bytes[2] = {0, 17};
    int64_t i = 9;
    sni_dtype_load(SINTER_BOOL, bytes, 0, NULL, &i);
    ck_assert_int_eq(i, 0);
    sni_dtype_load(SINTER_BOOL, bytes, 1, NULL, &i);
    ck_assert_int_eq(i, 1);
}
END_TEST

/* ---- shapes ---- */

static sni_type type_of(sni_sym *sym, int rank, const sinter_dim *dims) {
    sni_type type = {.dtype = SINTER_F32, .rank = rank};
    for (int d = 0; d < rank; d++) type.dims[d] = sni_sym_dim(sym, dims[d]);
    return type;
}

static void check_broadcast(sinter_shape a, sinter_shape b, const char *want) {
    sni_sym *sym = sni_sym_create();
    sni_str text = SNI_STR_INIT;
    sni_type ta = type_of(sym, a.rank, a.dims), tb = type_of(sym, b.rank, b.dims);
    sni_type out = {.dtype = SINTER_I8};
    if (sni_type_broadcast(sym, &ta, &tb, &out)) {
        sni_type_print(sym, &out, &text);
    } else {
        sni_str_append(&text, "no");
    }
    ck_assert_str_eq(sni_str_text(&text), want);
    sni_str_deinit(&text);
    sni_sym_release(sym);
}

START_TEST(shapes_broadcast_as_in_numpy) {
    check_broadcast(SINTER_SHAPE(2, 3), SINTER_SHAPE(3), "i8[2, 3]");
    check_broadcast(SINTER_SHAPE(2, 1), SINTER_SHAPE(4, 1, 3), "i8[4, 2, 3]");
    check_broadcast(SINTER_SCALAR, SINTER_SCALAR, "i8[]");
    check_broadcast(SINTER_SHAPE(0), SINTER_SHAPE(1), "i8[0]");
    check_broadcast(SINTER_SHAPE(2), SINTER_SHAPE(3), "no");
    check_broadcast(SINTER_SHAPE(0), SINTER_SHAPE(3), "no");
    check_broadcast(SINTER_SHAPE(SINTER_DIM("n"), 1), SINTER_SHAPE(SINTER_DIM("n"), 5), "i8[n, 5]");
    check_broadcast(SINTER_SHAPE(SINTER_DIM("n")), SINTER_SHAPE(7), "i8[7]");
    check_broadcast(SINTER_SHAPE(1), SINTER_SHAPE(SINTER_DIM("n")), "i8[n]");
    check_broadcast(SINTER_SHAPE(SINTER_DIM("m")), SINTER_SHAPE(SINTER_DIM("n")), "i8[max(m, n)]");
}
END_TEST

START_TEST(broadcast_coordinates_repeat_what_is_1) {
    sni_sym *sym = sni_sym_create();
    sinter_dim n = SINTER_DIM("n");
    sinter_dim m = SINTER_DIM("m");
    sni_type in = type_of(sym, 4, (sinter_dim[]){1, 5, n, m});
    sni_type out = type_of(sym, 5, (sinter_dim[]){2, 3, 5, n, 4});
    sni_expr coords[5], got[4];
    for (int d = 0; d < 5; d++) coords[d] = sni_sym_axis(sym, d, out.dims[d]);
    sni_broadcast_coords(sym, &in, 5, &out, coords, got);
    ck_assert(sni_sym_is(sym, got[0], 0));
    ck_assert(got[1] == coords[2]);
    ck_assert(got[2] == coords[3]);
    /* m may be 1 or 4. */
    int64_t axes[5] = {1, 2, 4, 0, 3}, value = -1;
    for (int64_t bound = 1; bound <= 4; bound += 3) {
        sni_bindings bindings = {1, &m, &bound};
        ck_assert_int_eq(sni_sym_eval_at(sym, got[3], &bindings, axes, NULL, &value), SINTER_OK);
        ck_assert_int_eq(value, bound == 1 ? 0 : 3);
    }
    sni_sym_release(sym);
}
END_TEST

START_TEST(requirements_are_joined_and_a_broken_one_is_not_lost) {
    sni_sym *sym = sni_sym_create();
    sinter_dim names[2] = {SINTER_DIM("n"), SINTER_DIM("m")};
    sni_expr n = sni_sym_dim(sym, names[0]), m = sni_sym_dim(sym, names[1]);
    sni_call call = {.sym = sym};
    sni_call_require(&call, sni_sym_eq(sym, n, n));
    ck_assert_uint_eq(call.require, SNI_NO_EXPR);
    sni_call_require(&call, sni_sym_eq(sym, n, m));
    sni_call_require(&call, sni_sym_lt(sym, n, sni_sym_const(sym, 5)));
    for (int64_t a = 3; a < 7; a++) {
        for (int64_t b = 3; b < 7; b++) {
            int64_t values[2] = {a, b}, holds = -1;
            sni_bindings bindings = {2, names, values};
            ck_assert_int_eq(sni_sym_eval(sym, call.require, &bindings, &holds), SINTER_OK);
            ck_assert_int_eq(holds, a == b && a < 5);
        }
    }
    sni_call_require(&call, SNI_NO_EXPR);
    ck_assert_uint_eq(call.require, SNI_BAD_REQUIRE);
    sni_call_require(&call, sni_sym_eq(sym, n, m));
    ck_assert_uint_eq(call.require, SNI_BAD_REQUIRE);
    sni_sym_release(sym);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("op types");
    TCase *tcase = tcase_create("types");
    tcase_add_test(tcase, every_16_bit_pattern_loads_as_its_value);
    tcase_add_test(tcase, every_16_bit_pattern_survives_a_round_trip);
    tcase_add_test(tcase, rounding_is_to_nearest_even_between_all_neighbours);
    tcase_add_test(tcase, rounding_overflows_to_infinity_at_the_right_place);
    tcase_add_test(tcase, nan_payloads_never_become_infinity);
    tcase_add_test(tcase, integers_wrap);
    tcase_add_test(tcase, packed_memory_loads_what_was_stored);
    tcase_add_test(tcase, any_byte_but_0_is_true);
    tcase_add_test(tcase, shapes_broadcast_as_in_numpy);
    tcase_add_test(tcase, broadcast_coordinates_repeat_what_is_1);
    tcase_add_test(tcase, requirements_are_joined_and_a_broken_one_is_not_lost);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
