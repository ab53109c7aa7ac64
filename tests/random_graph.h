/* Random graphs: views in views, reductions between elementwise chains, products with everything before and behind them. All
 * of a graph follows from `seed`; `dtype` is chosen by the test. */
#ifndef TESTS_RANDOM_GRAPH_H
#define TESTS_RANDOM_GRAPH_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "rewrite/make.h"

enum { POOL = 64, MOST_ELEMENTS = 20000 };

static sinter_graph *g;
static uint64_t seed;
static sinter_dtype dtype; /* of all values */
static uint32_t pool[POOL];
static int pool_count;

static uint64_t below(uint64_t count) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % count;
}

static sni_type type_of(uint32_t id) {
    return sni_make_type(g, id);
}
static bool is_number(sni_expr dim, int64_t *out) {
    return sni_sym_is_const(g->sym, dim, out);
}
static uint32_t pick(void) {
    return pool[below(3) ? below((uint64_t)pool_count) : (uint64_t)pool_count - 1];
}

static uint32_t random_values(int rank, const int64_t *dims) {
    sni_type type = {.dtype = dtype, .rank = rank};
    size_t count = 1;
    for (int d = 0; d < rank; ++d) {
        type.dims[d] = sni_sym_const(g->sym, dims[d]);
        count *= (size_t)dims[d];
    }
    size_t bytes = count * sinter_dtype_size(dtype);
    char *data = malloc(bytes + 1);
    for (size_t i = 0; i < count; ++i)
        sni_dtype_store(dtype, data, (int64_t)i, (double)below(1u << 24) / (1u << 24) - 0.5, 0);
    uint32_t id = sni_graph_add_constant(g, &type, sni_blob_copy(data, bytes));
    free(data);
    return id;
}

/* ---- Steps: each returns a new value, or 0 when it does not suit what was picked ------------------ */

static uint32_t unary(uint32_t x) {
    static const char *const names[] = {"tanh", "sigmoid", "relu", "neg", "abs", "gelu", "silu", "sin", "erf"};
    return sni_make_unary(g, names[below(sizeof names / sizeof *names)], x);
}

static bool same_shape(uint32_t a, uint32_t b) {
    sni_type s = type_of(a), t = type_of(b);
    return s.rank == t.rank && memcmp(s.dims, t.dims, (size_t)s.rank * sizeof *s.dims) == 0;
}

/* Another value of the shape, else one that broadcasts to it. */
static uint32_t partner(uint32_t x) {
    for (int tries = 0; tries < 8; ++tries) {
        uint32_t other = pick();
        if (other != x && same_shape(other, x)) return other;
    }
    sni_type type = type_of(x);
    int64_t last;
    if (type.rank > 0 && below(2) && is_number(type.dims[type.rank - 1], &last) && last > 0)
        return random_values(1, &last);
    if (type.rank > 0 && below(2)) return sni_make_reduce(g, "reduce_max", x, 1u << below((uint64_t)type.rank), true);
    return sni_make_scalar(g, dtype, 0.75);
}

static uint32_t binary(uint32_t x) {
    static const char *const names[] = {"add", "sub", "mul", "max", "min"};
    uint32_t y = partner(x);
    const char *name = names[below(5)];
    uint32_t result = below(2) ? sni_make_binary(g, name, x, y) : sni_make_binary(g, name, y, x);
    return strcmp(name, "mul") == 0 ? sni_make_unary(g, "tanh", result) : result;
}

static uint32_t transpose(uint32_t x) {
    int64_t perm[SINTER_MAX_RANK];
    int rank = type_of(x).rank;
    for (int i = 0; i < rank; ++i) perm[i] = i;
    for (int i = rank - 1; i > 0; --i) {
        int k = (int)below((uint64_t)i + 1);
        int64_t swap = perm[i];
        perm[i] = perm[k];
        perm[k] = swap;
    }
    return rank > 1 ? sni_make_transpose(g, x, perm) : 0;
}

/* The known dimensions at the end, taken apart anew; the first dimension takes what is left. */
static uint32_t reshape(uint32_t x) {
    sni_type type = type_of(x);
    int64_t known = 1, dim, dims[SINTER_MAX_RANK] = {-1};
    int rank = 1;
    for (int d = type.rank - 1; d >= 0 && is_number(type.dims[d], &dim) && dim > 0; --d) known *= dim;
    for (int64_t f = 2; f <= 6 && rank < 4; ++f)
        if (known % f == 0 && below(2)) {
            dims[rank++] = f;
            known /= f;
        }
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(g, rank, dims)};
    return sni_graph_add1(g, "reshape", 1, &x, attrs);
}

static uint32_t slice(uint32_t x) {
    sni_type type = type_of(x);
    sni_expr starts[SINTER_MAX_RANK], steps[SINTER_MAX_RANK];
    for (int d = 0; d < type.rank; ++d) {
        int64_t dim, start = 0, step = 1;
        if (is_number(type.dims[d], &dim) && dim > 1 && below(2)) {
            bool back = below(3) == 0;
            start = back ? dim - 1 - (int64_t)below(2) : (int64_t)below((uint64_t)dim);
            step = back ? -1 : 1 + (int64_t)below(2);
            int64_t most = back ? start + 1 : (dim - start + step - 1) / step;
            type.dims[d] = sni_sym_const(g->sym, 1 + (int64_t)below((uint64_t)most));
        }
        starts[d] = sni_sym_const(g->sym, start);
        steps[d] = sni_sym_const(g->sym, step);
    }
    return sni_make_slice(g, x, starts, steps, type.dims);
}

static uint32_t pad(uint32_t x) {
    int64_t low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
    int rank = type_of(x).rank;
    for (int d = 0; d < rank; ++d) {
        low[d] = (int64_t)below(3);
        high[d] = (int64_t)below(2);
    }
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(g, rank, low), sni_attr_ints(g, rank, high), sni_attr_int(0),
                                     sni_attr_float(below(2) ? 0 : 0.5)};
    return sni_graph_add1(g, "pad", 1, &x, attrs);
}

static uint32_t concat(uint32_t x) {
    int rank = type_of(x).rank;
    uint32_t ins[3] = {x, x, x};
    for (int i = 1; i < 3; ++i) {
        uint32_t other = pick();
        if (same_shape(other, x)) ins[i] = other;
    }
    if (rank == 0) return 0;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int((int64_t)below((uint64_t)rank))};
    return sni_graph_add1(g, "concat", 2 + (int)below(2), ins, attrs);
}

static uint32_t gather(uint32_t x) {
    sni_type type = type_of(x);
    int64_t list[5], dim;
    int axis = type.rank ? (int)below((uint64_t)type.rank) : 0;
    if (type.rank == 0 || !is_number(type.dims[axis], &dim) || dim == 0) return 0;
    for (int i = 0; i < 5; ++i) list[i] = (int64_t)below((uint64_t)dim) - (below(2) ? dim : 0);
    sni_type indices = {.dtype = SINTER_I64, .rank = 1, .dims = {sni_sym_const(g->sym, 5)}};
    return sni_make_gather(g, x, sni_graph_add_constant(g, &indices, sni_blob_copy(list, sizeof list)), axis);
}

static uint32_t reduce(uint32_t x) {
    int rank = type_of(x).rank;
    uint32_t axes = rank ? 1 + (uint32_t)below((1u << rank) - 1) : 0;
    if (axes == 0) return 0;
    if (below(2)) return sni_make_reduce(g, below(2) ? "reduce_max" : "reduce_min", x, axes, below(2));
    uint32_t sum = sni_make_reduce(g, "reduce_sum", x, axes, below(2));
    return sni_make_unary(g, "tanh", sni_make_binary(g, "mul", sum, sni_make_scalar(g, dtype, 0.125)));
}

static uint32_t along_axis(uint32_t x) {
    static const char *const names[] = {"softmax", "log_softmax", "cumsum"};
    int rank = type_of(x).rank;
    if (rank == 0) return 0;
    uint64_t which = below(3);
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int((int64_t)below((uint64_t)rank))};
    uint32_t result = sni_graph_add1(g, names[which], 1, &x, attrs);
    return which == 2 ? sni_make_unary(g, "tanh", result) : result;
}

static uint32_t norm(uint32_t x) {
    sni_type type = type_of(x);
    int64_t last;
    if (type.rank == 0 || !is_number(type.dims[type.rank - 1], &last) || last < 2) return 0;
    uint32_t ins[3] = {x, random_values(1, &last), random_values(1, &last)};
    bool rms = below(2);
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(-1), sni_attr_float(0.1)};
    return sni_graph_add1(g, rms ? "rms_norm" : "layer_norm", rms ? 2 : 3, ins, attrs);
}

static uint32_t matmul(uint32_t x) {
    sni_type type = type_of(x);
    int64_t k;
    if (type.rank < 2) return 0;
    if (below(3) && is_number(type.dims[type.rank - 1], &k) && k > 0)
        return sni_make_binary(g, "matmul", x, random_values(2, (int64_t[]){k, 1 + (int64_t)below(20)}));
    int64_t perm[SINTER_MAX_RANK];
    for (int i = 0; i < type.rank; ++i) perm[i] = i;
    perm[type.rank - 1] = type.rank - 2;
    perm[type.rank - 2] = type.rank - 1;
    uint32_t product = sni_make_binary(g, "matmul", x, sni_make_transpose(g, x, perm));
    return sni_make_unary(g, "tanh", sni_make_binary(g, "mul", product, sni_make_scalar(g, dtype, 0.0625)));
}

/* x [N, C, L] or [N, C, H, W] with a kernel of 3, or pooled by 2. */
static uint32_t spatial(uint32_t x) {
    sni_type type = type_of(x);
    int64_t channels, one[2] = {1, 1}, pads[4] = {1, 1, 1, 1}, dims[4] = {1 + (int64_t)below(7), 0, 3, 3},
                      two[2] = {2, 2};
    int count = type.rank - 2;
    if (count < 1 || count > 2 || !is_number(type.dims[1], &channels) || channels < 1 || channels > 12) return 0;
    sni_attr none = sni_attr_ints(g, 0, NULL);
    if (below(2)) {
        dims[1] = channels;
        uint32_t ins[3] = {x, random_values(type.rank, dims), 0};
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(g, count, below(2) ? one : two),
                                         sni_attr_ints(g, 2 * count, pads), none, sni_attr_int(1)};
        return sni_graph_add1(g, "conv", 3, ins, attrs);
    }
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(g, count, two), sni_attr_ints(g, count, one),
                                     sni_attr_ints(g, 2 * count, pads), none, sni_attr_int(0)};
    return sni_graph_add1(g, "max_pool", 1, &x, attrs);
}

/* ---- A graph -------------------------------------------------------------------------------------- */

static uint32_t step(void) {
    static uint32_t (*const kinds[])(uint32_t) = {unary,      binary, binary, transpose, reshape,
                                                  slice,      pad,    concat, gather,    reduce,
                                                  along_axis, norm,   matmul, matmul,    spatial};
    return kinds[below(sizeof kinds / sizeof *kinds)](pick());
}

static void input(const char *name, sinter_shape shape) {
    pool[pool_count++] = sinter_input(g, name, dtype, shape).id;
}

static double guessed_count(uint32_t id) {
    sni_type type = type_of(id);
    return sni_sym_estimate(g->sym, sni_type_count(g->sym, &type), 16);
}

/* Inputs a [n, 4, 6], b [n, m], c [2, 4, m, 6], and a random value as output y, with two more now and then. */
static void make_graph(int steps) {
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_dim n = SINTER_DIM("n"), m = SINTER_DIM("m");
    pool_count = 0;
    input("a", SINTER_SHAPE(n, 4, 6));
    input("b", SINTER_SHAPE(n, m));
    input("c", SINTER_SHAPE(2, 4, m, 6));
    for (int i = 0; i < steps && pool_count < POOL; ++i) {
        uint32_t id = step();
        ck_assert_msg(sinter_graph_status(g) == SINTER_OK, "%s", sinter_last_error());
        if (id && guessed_count(id) < MOST_ELEMENTS) pool[pool_count++] = id;
    }
    sinter_output(g, "y", (sinter_value){pool[pool_count - 1]});
    for (int i = 0; i < 2; ++i) {
        char name[4] = {'z', (char)('0' + i), 0};
        if (below(2)) sinter_output(g, name, (sinter_value){pool[3 + below((uint64_t)(pool_count - 3))]});
    }
    ck_assert_msg(sinter_graph_status(g) == SINTER_OK, "%s", sinter_last_error());
}

#endif
