/* When two tensors count as equal; the rule of `sinter conformance`, and of the tests that run the same
 * models on the reference evaluator.
 *
 * Real numbers: |got - want| <= 1e-5 * max(1, largest |want|) + r * |want| with r = 1e-3, and 1e-2 for f16 and
 * bf16. NaN equals NaN, an infinity only itself. Integers and bools are exact. */
#ifndef SINTER_TOOLS_COMPARE_H
#define SINTER_TOOLS_COMPARE_H

#include <math.h>
#include <stdio.h>

#include "op/op.h"

static inline double sinter_compare_largest(sinter_dtype dtype, const void *data, int64_t count) {
    double largest = 1, value;
    int64_t integer;
    for (int64_t i = 0; i < count; i++) {
        sni_dtype_load(dtype, data, i, &value, &integer);
        if (isfinite(value) && fabs(value) > largest) largest = fabs(value);
    }
    return largest;
}

static inline bool sinter_compare_real(sinter_dtype dtype, double largest, double got, double want) {
    double relative = dtype == SINTER_F16 || dtype == SINTER_BF16 ? 1e-2 : 1e-3;
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return want == got;
    return fabs(got - want) <= 1e-5 * largest + relative * fabs(want);
}

/* True when all count elements agree; else text says where the first does not. */
static inline bool sinter_compare(sinter_dtype dtype, const void *got, const void *want, int64_t count, char *text,
                                  size_t text_bytes) {
    bool real = sni_dtype_is_real(dtype);
    double largest = real ? sinter_compare_largest(dtype, want, count) : 0;
    for (int64_t i = 0; i < count; i++) {
        double a = 0, b = 0;
        int64_t x = 0, y = 0;
        sni_dtype_load(dtype, got, i, &a, &x);
        sni_dtype_load(dtype, want, i, &b, &y);
        if (real ? sinter_compare_real(dtype, largest, a, b) : x == y) continue;
        if (real)
            snprintf(text, text_bytes, "element %lld is %.9g, not %.9g", (long long)i, a, b);
        else
            snprintf(text, text_bytes, "element %lld is %lld, not %lld", (long long)i, (long long)x, (long long)y);
        return false;
    }
    return true;
}

#endif
