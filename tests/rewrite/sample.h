/* Random graphs for tests of rows and passes: inputs with numbers or names as dimensions, and comparison of what the
 * reference evaluator makes of two graphs. */
#ifndef TESTS_REWRITE_SAMPLE_H
#define TESTS_REWRITE_SAMPLE_H

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "graph/reference.h"
#include "rewrite/pass.h"

#define SAMPLE_INPUTS 8
#define SAMPLE_COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct sample {
    sinter_graph *graph;
    bool symbolic; /* dimensions may be names: size 5 is "s5" */
    int in_count;
    uint32_t ids[SAMPLE_INPUTS];
    sni_ref_tensor *ins[SAMPLE_INPUTS];
} sample;

static uint64_t sample_state = 0x9e3779b97f4a7c15ull;

static inline uint64_t sample_random(void) {
    sample_state ^= sample_state << 13;
    sample_state ^= sample_state >> 7;
    sample_state ^= sample_state << 17;
    return sample_state >> 11;
}

/* low..high, both included. */
static inline int64_t sample_range(int64_t low, int64_t high) {
    return low + (int64_t)(sample_random() % (uint64_t)(high - low + 1));
}

static inline double sample_uniform(void) {
    return (double)(sample_random() % 2000001) / 1e6 - 1;
}

static inline sample sample_begin(bool symbolic) {
    sample s = {.symbolic = symbolic};
    ck_assert_int_eq(sinter_graph_create(&s.graph), SINTER_OK);
    return s;
}

static inline void sample_end(sample *s) {
    for (int i = 0; i < s->in_count; ++i) sni_ref_tensor_release(s->ins[i]);
    sinter_graph_release(s->graph);
}

/* A size as an expression: a number, or half of the time its name, if it is below 64. */
static inline sni_expr sample_dim(sample *s, int64_t size) {
    char name[32];
    if (!s->symbolic || size < 0 || size > 63 || sample_random() % 2) return sni_sym_const(s->graph->sym, size);
    snprintf(name, sizeof name, "s%" PRId64, size);
    return sni_sym_dim(s->graph->sym, sinter_dim_named(name));
}

static inline void sample_fill(sni_ref_tensor *t) {
    for (int64_t i = 0; i < t->count; ++i) {
        if (t->f)
            t->f[i] = sni_dtype_round(t->dtype, 2 * sample_uniform());
        else if (t->dtype == SINTER_BOOL)
            t->i[i] = (int64_t)(sample_random() % 2);
        else
            t->i[i] = sample_range(t->dtype == SINTER_U8 ? 0 : -5, 5);
    }
}

/* A graph input with random elements. */
static inline uint32_t sample_input(sample *s, sinter_dtype dtype, int rank, const int64_t *dims) {
    char name[16];
    sni_type type = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; ++i) type.dims[i] = sample_dim(s, dims[i]);
    snprintf(name, sizeof name, "x%d", s->in_count);
    ck_assert_int_eq(sni_ref_tensor_create(dtype, rank, dims, &s->ins[s->in_count]), SINTER_OK);
    sample_fill(s->ins[s->in_count]);
    uint32_t id = sni_graph_add_input(s->graph, name, &type);
    s->ids[s->in_count++] = id;
    return id;
}

/* A constant with random elements. */
static inline uint32_t sample_constant(sample *s, sinter_dtype dtype, int rank, const int64_t *dims) {
    sni_type type = {.dtype = dtype, .rank = rank};
    sni_ref_tensor *t = NULL;
    for (int i = 0; i < rank; ++i) type.dims[i] = sni_sym_const(s->graph->sym, dims[i]);
    ck_assert_int_eq(sni_ref_tensor_create(dtype, rank, dims, &t), SINTER_OK);
    sample_fill(t);
    size_t size = (size_t)t->count * sinter_dtype_size(dtype);
    void *data = sni_malloc(size);
    sni_ref_tensor_store(t, data);
    uint32_t id = sni_graph_add_constant(s->graph, &type, sni_blob_copy(data, size));
    sni_free(data);
    sni_ref_tensor_release(t);
    return id;
}

static inline void sample_output(sinter_graph *graph, const char *name, uint32_t id) {
    sinter_output(graph, name, (sinter_value){id});
}

static inline char *sample_text(const sinter_graph *graph) {
    return sinter_graph_to_string(graph);
}

/* The bindings of every name "s0".."s63". */
static inline sni_bindings sample_bindings(void) {
    static int64_t dims[64], values[64];
    for (int i = 0; i < 64; ++i) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        dims[i] = sinter_dim_named(name);
        values[i] = i;
    }
    return (sni_bindings){64, dims, values};
}

/* First output of a graph on the sample's inputs. Fails the test when it cannot be computed. */
static inline sni_ref_tensor *sample_run(const sample *s, const sinter_graph *graph, size_t output) {
    sni_ref_tensor *outs[16] = {0};
    sni_bindings all = sample_bindings();
    sinter_status status = sni_reference_run(graph, s->ins, &all, false, outs);
    if (status != SINTER_OK) {
        char *text = sample_text(graph);
        ck_abort_msg("%s\n%s", sinter_last_error(), text);
    }
    for (size_t i = 0; i < graph->output_count; ++i)
        if (i != output) sni_ref_tensor_release(outs[i]);
    return outs[output];
}

static inline bool sample_close(double a, double b, double tolerance) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    return fabs(a - b) <= tolerance * (1 + fabs(a));
}

/* Fails the test with both graphs when the tensors differ. */
static inline void sample_compare(const sni_ref_tensor *want, const sni_ref_tensor *have, double tolerance,
                                  const char *what, const sinter_graph *graph) {
    bool same = want->dtype == have->dtype && want->rank == have->rank;
    for (int i = 0; same && i < want->rank; ++i) same = want->dims[i] == have->dims[i];
    int64_t bad = same ? -1 : 0;
    for (int64_t i = 0; same && bad < 0 && i < want->count; ++i)
        if (want->f ? !sample_close(want->f[i], have->f[i], tolerance) : want->i[i] != have->i[i]) bad = i;
    if (bad < 0) return;
    char *text = graph ? sample_text(graph) : NULL;
    if (!same) ck_abort_msg("%s: another type\n%s", what, text ? text : "");
    ck_abort_msg("%s: element %" PRId64 " is %.9g, not %.9g\n%s", what, bad,
                 have->f ? have->f[bad] : (double)have->i[bad], want->f ? want->f[bad] : (double)want->i[bad],
                 text ? text : "");
}

/* Builds nothing: compares what every output of two graphs is. */
static inline void sample_same(const sample *s, const sinter_graph *want, const sinter_graph *have, double tolerance,
                               const char *what) {
    ck_assert_uint_eq(want->output_count, have->output_count);
    for (size_t o = 0; o < want->output_count; ++o) {
        sni_ref_tensor *a = sample_run(s, want, o), *b = sample_run(s, have, o);
        sample_compare(a, b, tolerance, what, have);
        sni_ref_tensor_release(a);
        sni_ref_tensor_release(b);
    }
}

static inline double sample_tolerance(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_F16:
        return 4e-3;
    case SINTER_BF16:
        return 3e-2;
    case SINTER_F64:
        return 1e-11;
    default:
        return 2e-5;
    }
}

/* Counts nodes of an operator (NULL: all). */
static inline size_t sample_nodes(const sinter_graph *graph, const char *op) {
    size_t count = 0;
    for (size_t n = 0; n < graph->node_count; ++n) count += !op || strcmp(graph->nodes[n].op->name, op) == 0;
    return count;
}

static inline void sample_ok(const sinter_graph *graph, const char *what) {
    if (sinter_graph_status(graph) != SINTER_OK) ck_abort_msg("%s: %s", what, sinter_last_error());
}

#endif
