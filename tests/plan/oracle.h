/* For tests of plans: random inputs, a run on the device, a run of the reference, and the comparison. */
#ifndef TESTS_PLAN_ORACLE_H
#define TESTS_PLAN_ORACLE_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/sinter.h>

#include "graph/reference.h"
#include "memory/mem.h"
#include "runtime/runtime.h"
#include "uncached.h"

#define ORACLE_MAX 8

typedef struct oracle {
    sinter_runtime *runtime;
    uint64_t random;
} oracle;

static inline void oracle_init(oracle *o) {
    o->random = 0x9e3779b97f4a7c15ull;
    if (uncached_runtime(&o->runtime) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    sni_pool_poison(o->runtime->pool);
}

static inline void oracle_deinit(oracle *o) {
    sinter_runtime_release(o->runtime);
}

static inline double oracle_uniform(oracle *o) {
    o->random ^= o->random << 13;
    o->random ^= o->random >> 7;
    o->random ^= o->random << 17;
    return (double)(o->random >> 11) / 9007199254740992.0;
}

static inline void oracle_fill(oracle *o, sni_ref_tensor *t) {
    for (int64_t i = 0; i < t->count; ++i) {
        if (t->f)
            t->f[i] = sni_dtype_round(t->dtype, 4 * oracle_uniform(o) - 2);
        else
            t->i[i] = t->dtype == SINTER_BOOL ? oracle_uniform(o) < 0.5
                                              : (int64_t)(oracle_uniform(o) * 7) - (t->dtype == SINTER_U8 ? 0 : 3);
    }
}

static inline double oracle_epsilon(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F16:
        return 1.0 / 1024;
    case SINTER_BF16:
        return 1.0 / 128;
    case SINTER_F64:
        return 1e-13;
    default:
        return 2e-6;
    }
}

/* factor scales the tolerance with the length of sums. */
static inline bool oracle_equal(const sni_ref_tensor *want, const void *data, double factor, char *text, size_t size) {
    double largest = 1;
    for (int64_t i = 0; i < want->count && want->f; ++i)
        if (isfinite(want->f[i]) && fabs(want->f[i]) > largest) largest = fabs(want->f[i]);
    for (int64_t i = 0; i < want->count; ++i) {
        double f = 0;
        int64_t n = 0;
        sni_dtype_load(want->dtype, data, i, &f, &n);
        bool ok = want->f
                      ? (isnan(want->f[i])   ? isnan(f)
                         : isinf(want->f[i]) ? f == want->f[i]
                                             : fabs(f - want->f[i]) <= oracle_epsilon(want->dtype) * factor * largest)
                      : n == want->i[i];
        if (!ok) {
            if (want->f)
                snprintf(text, size, "element %lld is %.9g, must be %.9g", (long long)i, f, want->f[i]);
            else
                snprintf(text, size, "element %lld is %lld, must be %lld", (long long)i, (long long)n,
                         (long long)want->i[i]);
            return false;
        }
    }
    return true;
}

/* Runs plan on random inputs of the given shapes (in the graph's order) and compares every output with the
 * reference. */
static inline void oracle_check_plan(oracle *o, const sinter_graph *graph, sinter_plan *plan,
                                     const sinter_shape *shapes, double factor) {
    size_t ins = sinter_graph_input_count(graph), outs = sinter_graph_output_count(graph);
    sni_ref_tensor *in[ORACLE_MAX] = {0}, *out[ORACLE_MAX] = {0};
    sinter_binding bindings[2 * ORACLE_MAX] = {{0}};
    for (size_t i = 0; i < ins; ++i) {
        sinter_dtype dtype = sinter_value_dtype(graph, sinter_graph_input_value(graph, i));
        ck_assert_int_eq(sni_ref_tensor_create(dtype, shapes[i].rank, shapes[i].dims, &in[i]), SINTER_OK);
        oracle_fill(o, in[i]);
        size_t bytes = (size_t)in[i]->count * sinter_dtype_size(dtype);
        bindings[i] = (sinter_binding)SINTER_BIND_HOST(sinter_graph_input_name(graph, i), dtype, shapes[i],
                                                       malloc(bytes + 1), bytes);
        sni_ref_tensor_store(in[i], bindings[i].data);
        sni_ref_tensor_load(in[i], bindings[i].data);
    }
    if (sni_reference_run(graph, in, NULL, false, out) != SINTER_OK) ck_abort_msg("reference: %s", sinter_last_error());
    for (size_t i = 0; i < outs; ++i) {
        size_t bytes = (size_t)out[i]->count * sinter_dtype_size(out[i]->dtype);
        bindings[ins + i] = (sinter_binding)SINTER_BIND_HOST(sinter_graph_output_name(graph, i), out[i]->dtype,
                                                             SINTER_SCALAR, malloc(bytes + 1), bytes);
        memset(bindings[ins + i].data, 0x5a, bytes);
    }
    for (int repeat = 0; repeat < 2; ++repeat) {
        if (sinter_plan_run(plan, bindings, ins + outs) != SINTER_OK) ck_abort_msg("run: %s", sinter_last_error());
        for (size_t i = 0; i < outs; ++i) {
            char text[200];
            ck_assert_int_eq(bindings[ins + i].shape.rank, out[i]->rank);
            for (int d = 0; d < out[i]->rank; ++d) ck_assert_int_eq(bindings[ins + i].shape.dims[d], out[i]->dims[d]);
            if (!oracle_equal(out[i], bindings[ins + i].data, factor, text, sizeof text))
                ck_abort_msg("output %s: %s", sinter_graph_output_name(graph, i), text);
        }
    }
    for (size_t i = 0; i < ins + outs; ++i) free(bindings[i].data);
    for (size_t i = 0; i < ins; ++i) sni_ref_tensor_release(in[i]);
    for (size_t i = 0; i < outs; ++i) sni_ref_tensor_release(out[i]);
}

static inline sinter_plan *oracle_compile(oracle *o, const sinter_graph *graph) {
    sinter_plan *plan;
    if (sinter_plan_compile(o->runtime, graph, NULL, &plan) != SINTER_OK)
        ck_abort_msg("compile: %s", sinter_last_error());
    return plan;
}

static inline uint64_t oracle_launches(const sinter_plan *plan) {
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    return stats.launches;
}

#endif
