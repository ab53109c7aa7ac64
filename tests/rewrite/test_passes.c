/* The passes: whatever they do, the graph computes what it did; and each does what it is for. */
#include "rewrite/sample.h"

#include "base/alloc.h"
#include "rewrite/make.h"

typedef sinter_status (*pass_fn)(const sinter_graph *graph, sinter_graph **out_graph);

static const struct {
    const char *name;
    pass_fn run;
} g_passes[] = {
    {"known", sni_pass_known}, {"fold", sni_pass_fold},   {"simplify", sni_pass_simplify},
    {"cse", sni_pass_cse},     {"merge", sni_pass_merge}, {"decompose", sni_pass_decompose},
    {"all", sni_rewrite_all},
};

static sinter_graph *run_pass(const sinter_graph *graph, pass_fn pass) {
    sinter_graph *out = NULL;
    if (pass(graph, &out) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    return out;
}

/* ---- random graphs -------------------------------------------------------------------------- */

#define POOL 64

/* Values that random nodes take their inputs from. All are f32 of rank 3 that broadcast with each other. */
typedef struct pool {
    sample *s;
    uint32_t values[POOL];
    int count;
} pool;

static uint32_t pick(const pool *p) {
    return p->values[sample_random() % (uint64_t)p->count];
}

static uint32_t random_unary(sinter_graph *g, uint32_t x) {
    static const char *const ops[] = {"neg", "abs", "relu", "floor", "sigmoid", "exp", "tanh", "sign"};
    return sni_make_unary(g, ops[sample_random() % SAMPLE_COUNT(ops)], x);
}

static uint32_t random_scalar(sinter_graph *g) {
    static const double values[] = {0, 1, 2, 0.5, -1, 4, 3};
    return sni_make_scalar(g, SINTER_F32, values[sample_random() % SAMPLE_COUNT(values)]);
}

static uint32_t random_binary(sinter_graph *g, const pool *p) {
    static const char *const ops[] = {"add", "sub", "mul", "max", "min", "div", "pow"};
    const char *op = ops[sample_random() % SAMPLE_COUNT(ops)];
    uint32_t a = pick(p), b = sample_random() % 2 ? random_scalar(g) : pick(p);
    if (op[0] == 'p') return sni_make_binary(g, op, sni_make_unary(g, "abs", a), random_scalar(g));
    if (op[0] == 'd') b = sni_make_binary(g, "add", sni_make_unary(g, "abs", b), sni_make_scalar(g, SINTER_F32, 1));
    return sample_random() % 4 ? sni_make_binary(g, op, a, b) : sni_make_binary(g, op, b, a);
}

/* A chain of views that ends with the shape it began with. */
static uint32_t random_views(sinter_graph *g, uint32_t x) {
    sni_type type = sni_make_type(g, x);
    sni_expr flat = sni_make_product(g, type.dims, 0, type.rank);
    sni_expr zeros[3], ones[3], backwards[3], last[3];
    for (int i = 0; i < type.rank && i < 3; ++i) {
        zeros[i] = sni_sym_const(g->sym, 0);
        ones[i] = sni_sym_const(g->sym, 1);
        backwards[i] = sni_sym_const(g->sym, -1);
        last[i] = sni_sym_add_i(g->sym, type.dims[i], -1);
    }
    switch (sample_random() % 6) {
    case 0:
        return sni_make_reshape(g, sni_make_reshape(g, x, 1, &flat), type.rank, type.dims);
    case 1:
        x = sni_make_transpose(g, x, (int64_t[]){2, 0, 1});
        return sni_make_transpose(g, x, (int64_t[]){1, 2, 0});
    case 2:
        return sni_make_slice(g, x, zeros, ones, type.dims);
    case 3:
        x = sni_make_slice(g, x, last, backwards, type.dims);
        return sample_random() % 2 ? sni_make_slice(g, x, last, backwards, type.dims) : x;
    case 4:
        return sni_make_cast(g, sni_make_cast(g, x, SINTER_F64), SINTER_F32);
    default:
        return sni_graph_add1(g, "pad", 1, &x,
                              (sni_attr[SNI_MAX_ATTRS]){sni_attr_exprs(g, 3, zeros), sni_attr_exprs(g, 3, zeros)});
    }
}

static uint32_t random_node(pool *p) {
    sinter_graph *g = p->s->graph;
    uint32_t x = pick(p);
    switch (sample_random() % 9) {
    case 0:
        return random_unary(g, x);
    case 1:
        return random_unary(g, random_unary(g, x));
    case 2:
    case 3:
        return random_binary(g, p);
    case 4:
        return random_views(g, x);
    case 5:
        return sni_make_reduce(g, sample_random() % 2 ? "reduce_sum" : "reduce_max", x, 1u << sample_random() % 3,
                               true);
    case 6:
        return sni_graph_add1(g, "softmax", 1, &x, NULL);
    case 7: {
        uint32_t condition = sample_random() % 2 ? sni_make_binary(g, "lt", x, pick(p))
                                                 : sni_make_scalar(g, SINTER_BOOL, (double)(sample_random() % 2));
        return sni_make_where(g, condition, pick(p), pick(p));
    }
    default: {
        int64_t one[3] = {1, 1, 1};
        uint32_t c = sample_constant(p->s, SINTER_F32, 3, one);
        return random_binary(g, &(pool){p->s, {c, x}, 2});
    }
    }
}

START_TEST(random_graphs) {
    for (int round = 0; round < 200; ++round) {
        sample s = sample_begin(round % 2);
        pool p = {.s = &s};
        int64_t dims[3] = {sample_range(1, 3), sample_range(1, 4), sample_range(1, 5)};
        for (int i = 0; i < 3; ++i) {
            int64_t shape[3] = {dims[0], dims[1], i == 1 ? 1 : dims[2]};
            p.values[p.count++] =
                i == 2 ? sample_constant(&s, SINTER_F32, 3, shape) : sample_input(&s, SINTER_F32, 3, shape);
        }
        int nodes = (int)sample_range(1, 20);
        for (int n = 0; n < nodes; ++n) {
            p.values[p.count] = random_node(&p);
            ++p.count;
            sample_ok(s.graph, "random node");
        }
        sample_output(s.graph, "y", p.values[p.count - 1]);
        sample_output(s.graph, "z", p.values[p.count - 1 - nodes / 2]);
        sample_output(s.graph, "x", p.values[0]); /* an input */
        for (size_t k = 0; k < SAMPLE_COUNT(g_passes); ++k) {
            sinter_graph *after = run_pass(s.graph, g_passes[k].run);
            ck_assert_uint_eq(after->input_count, s.graph->input_count);
            sample_same(&s, s.graph, after, 1e-4, g_passes[k].name);
            sinter_graph_release(after);
        }
        sample_end(&s);
    }
}
END_TEST

/* ---- what each pass is for ------------------------------------------------------------------ */

/* Shape, Gather, Unsqueeze, Concat, Reshape as exporters write it: x[b, s, 768] to [b, s, 12, 64]. */
static uint32_t exported_shape(sinter_graph *g, uint32_t x, uint32_t *out_numbers) {
    sni_type type = sni_make_type(g, x);
    sni_expr three = sni_sym_const(g->sym, 3);
    uint32_t shape = sni_graph_add_known(g, 1, &three, type.dims, 3), parts[4];
    for (int i = 0; i < 2; ++i) {
        uint32_t at = sni_make_scalar(g, SINTER_I64, i);
        parts[i] = sni_make_gather(g, shape, at, 0);
        parts[i] = sni_graph_add1(g, "unsqueeze", 1, &parts[i],
                                  (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(g, 1, (int64_t[]){0})});
    }
    int64_t heads[2] = {12, 64};
    for (int i = 0; i < 2; ++i) {
        sni_expr one = sni_sym_const(g->sym, 1);
        parts[2 + i] = sni_make_reshape(g, sni_make_scalar(g, SINTER_I64, (double)heads[i]), 1, &one);
    }
    /* Exporters like to go through i32 and arithmetic. */
    parts[1] = sni_make_cast(g, sni_make_cast(g, parts[1], SINTER_I32), SINTER_I64);
    parts[1] = sni_make_binary(g, "mul", parts[1], sni_make_scalar(g, SINTER_I64, 1));
    uint32_t joined = sni_graph_add1(g, "concat", 4, parts, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(0)});
    *out_numbers = joined;
    sni_type known = sni_make_type(g, joined);
    ck_assert_ptr_nonnull(known.elements);
    return sni_make_reshape(g, x, 4, known.elements);
}

START_TEST(shape_chains) {
    sample s = sample_begin(false);
    sinter_graph *g = s.graph;
    sni_type type = {.dtype = SINTER_F32, .rank = 3};
    type.dims[0] = sni_sym_dim(g->sym, sinter_dim_named("batch"));
    type.dims[1] = sni_sym_dim(g->sym, sinter_dim_named("seq"));
    type.dims[2] = sni_sym_const(g->sym, 768);
    uint32_t x = sni_graph_add_input(g, "x", &type), numbers = 0;
    uint32_t y = exported_shape(g, x, &numbers);
    sample_ok(g, "chain");
    sample_output(g, "y", y);
    sinter_graph *after = run_pass(g, sni_rewrite_all);
    ck_assert_uint_eq(after->node_count, 1); /* the reshape */
    ck_assert_str_eq(after->nodes[0].op->name, "reshape");
    const sni_type *out = &after->values[after->outputs[0].value].type;
    ck_assert_uint_eq(out->dims[0], type.dims[0]);
    ck_assert_uint_eq(out->dims[1], type.dims[1]);
    ck_assert(sni_sym_is(after->sym, out->dims[2], 12) && sni_sym_is(after->sym, out->dims[3], 64));
    sinter_graph_release(after);
    /* The numbers themselves as an output: one node that knows them. */
    sample_output(g, "shape", numbers);
    after = run_pass(g, sni_rewrite_all);
    ck_assert_uint_eq(after->node_count, 2);
    ck_assert_uint_eq(sample_nodes(after, "known"), 1);
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

START_TEST(known_numbers) {
    /* The shape of a tensor without names is a constant. */
    sample s = sample_begin(false);
    uint32_t x = sample_input(&s, SINTER_F32, 2, (int64_t[]){3, 5});
    sni_type type = sni_make_type(s.graph, x);
    sni_expr two = sni_sym_const(s.graph->sym, 2);
    uint32_t shape = sni_graph_add_known(s.graph, 1, &two, type.dims, 2);
    sample_output(s.graph, "count", sni_make_reduce(s.graph, "reduce_prod", shape, 1, false));
    sinter_graph *after = run_pass(s.graph, sni_pass_known);
    ck_assert_uint_eq(after->node_count, 0);
    const sni_value *value = &after->values[after->outputs[0].value];
    ck_assert_ptr_nonnull(value->blob);
    int64_t number = 0;
    memcpy(&number, sni_blob_data(value->blob), sizeof number);
    ck_assert_int_eq(number, 15);
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

START_TEST(folding) {
    sample s = sample_begin(false);
    sinter_graph *g = s.graph;
    uint32_t a = sample_constant(&s, SINTER_F32, 2, (int64_t[]){3, 4});
    uint32_t b = sample_constant(&s, SINTER_F32, 2, (int64_t[]){4, 2});
    sample_output(g, "product", sni_make_unary(g, "tanh", sni_make_binary(g, "matmul", a, b)));
    /* 512 KiB from 4 bytes: stays. */
    sni_attr big[SNI_MAX_ATTRS] = {sni_attr_ints(g, 1, (int64_t[]){131072})};
    uint32_t scalar = sni_make_scalar(g, SINTER_F32, 3);
    sample_output(g, "big", sni_graph_add1(g, "expand", 1, &scalar, big));
    /* A view of 256 KiB stays a view; arithmetic on it is done once, here. */
    uint32_t weights = sample_constant(&s, SINTER_F32, 2, (int64_t[]){256, 256});
    sample_output(g, "view", sni_make_transpose(g, weights, (int64_t[]){1, 0}));
    sample_output(g, "scaled", sni_make_binary(g, "mul", weights, scalar));
    sample_ok(g, "constants");
    sinter_graph *after = run_pass(g, sni_pass_fold);
    ck_assert_uint_eq(after->node_count, 2);
    ck_assert_uint_eq(sample_nodes(after, "expand"), 1);
    ck_assert_uint_eq(sample_nodes(after, "transpose"), 1);
    sample_same(&s, g, after, 1e-6, "fold");
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

/* One row a simplification: how to build it from x [n, 4] f32, and how many nodes are left. */
typedef uint32_t (*build_fn)(sinter_graph *g, uint32_t x);

static uint32_t f32(sinter_graph *g, double v) {
    return sni_make_scalar(g, SINTER_F32, v);
}
static uint32_t b_mul1(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "mul", f32(g, 1), x);
}
static uint32_t b_add0(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "add", x, f32(g, 0));
}
static uint32_t b_sub0(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "sub", x, f32(g, 0));
}
static uint32_t b_0sub(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "sub", f32(g, 0), x);
}
static uint32_t b_div1(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "div", x, f32(g, 1));
}
static uint32_t b_div8(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "div", x, f32(g, 8));
}
static uint32_t b_div3(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "div", x, f32(g, 3));
}
static uint32_t b_pow2(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "pow", x, f32(g, 2));
}
static uint32_t b_sqrt(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "pow", sni_make_unary(g, "abs", x), f32(g, 0.5));
}
static uint32_t b_rsqrt(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "div", f32(g, 1), sni_make_unary(g, "sqrt", sni_make_unary(g, "abs", x)));
}
static uint32_t b_negneg(sinter_graph *g, uint32_t x) {
    return sni_make_unary(g, "neg", sni_make_unary(g, "neg", x));
}
static uint32_t b_relu2(sinter_graph *g, uint32_t x) {
    return sni_make_unary(g, "relu", sni_make_unary(g, "relu", x));
}
static uint32_t b_cast(sinter_graph *g, uint32_t x) {
    return sni_graph_add1(g, "cast", 1, &x, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(SINTER_F32)});
}
static uint32_t b_casts(sinter_graph *g, uint32_t x) {
    return sni_make_cast(g, sni_make_cast(g, x, SINTER_F64), SINTER_F32);
}
static uint32_t b_narrow(sinter_graph *g, uint32_t x) {
    return sni_make_cast(g, sni_make_cast(g, x, SINTER_F16), SINTER_F32);
}
static uint32_t b_where(sinter_graph *g, uint32_t x) {
    return sni_make_where(g, sni_make_scalar(g, SINTER_BOOL, 1), x, f32(g, 3));
}
static uint32_t b_transposes(sinter_graph *g, uint32_t x) {
    return sni_make_transpose(g, sni_make_transpose(g, x, (int64_t[]){1, 0}), (int64_t[]){1, 0});
}
static uint32_t b_reshapes(sinter_graph *g, uint32_t x) {
    sni_type type = sni_make_type(g, x);
    sni_expr flat = sni_make_product(g, type.dims, 0, 2);
    sni_expr halves[3] = {type.dims[0], sni_sym_const(g->sym, 2), sni_sym_const(g->sym, 2)};
    return sni_make_reshape(g, sni_make_reshape(g, x, 1, &flat), 3, halves);
}
static uint32_t b_reduce1(sinter_graph *g, uint32_t x) {
    sni_type type = sni_make_type(g, x);
    sni_expr dims[3] = {type.dims[0], type.dims[1], sni_sym_const(g->sym, 1)};
    return sni_make_reduce(g, "reduce_sum", sni_make_reshape(g, x, 3, dims), 4, false);
}
static uint32_t b_gather(sinter_graph *g, uint32_t x) {
    return sni_make_gather(g, x, sni_make_scalar(g, SINTER_I64, -1), 1);
}
static uint32_t b_outer(sinter_graph *g, uint32_t x) {
    sni_type type = sni_make_type(g, x);
    sni_expr one = sni_sym_const(g->sym, 1);
    sni_expr column[3] = {type.dims[0], type.dims[1], one}, row[3] = {one, one, type.dims[1]};
    uint32_t a = sni_make_reshape(g, x, 3, column);
    uint32_t b = sni_make_reshape(g, sni_make_reduce(g, "reduce_sum", x, 1, false), 3, row);
    return sni_make_binary(g, "matmul", a, b);
}
static uint32_t b_plain(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "add", x, f32(g, 1));
}

static uint32_t b_max2(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "max", x, x);
}
static uint32_t b_1pow(sinter_graph *g, uint32_t x) {
    return sni_make_binary(g, "pow", f32(g, 1), x);
}
/* The constant's value, repeated: the comparison is not made. */
static uint32_t b_absorb(sinter_graph *g, uint32_t x) {
    uint32_t less = sni_make_binary(g, "lt", x, f32(g, 0));
    return sni_make_cast(g, sni_make_binary(g, "and", less, sni_make_scalar(g, SINTER_BOOL, 0)), SINTER_F32);
}

START_TEST(simplifications) {
    static const struct {
        const char *name;
        build_fn build;
        size_t left;
    } cases[] = {
        {"1 * x", b_mul1, 0},
        {"x + 0", b_add0, 0},
        {"x - 0", b_sub0, 0},
        {"0 - x", b_0sub, 1},
        {"x / 1", b_div1, 0},
        {"x / 8", b_div8, 1},
        {"x / 3", b_div3, 1},
        {"x ^ 2", b_pow2, 1},
        {"x ^ 0.5", b_sqrt, 2},
        {"1 / sqrt(x)", b_rsqrt, 2},
        {"neg(neg(x))", b_negneg, 0},
        {"relu(relu(x))", b_relu2, 1},
        {"cast", b_cast, 0},
        {"wide cast", b_casts, 0},
        {"narrow cast", b_narrow, 2},
        {"where", b_where, 0},
        {"transposes", b_transposes, 0},
        {"reshapes", b_reshapes, 1},
        {"reduce 1", b_reduce1, 0},
        {"gather", b_gather, 2},
        {"x + 1", b_plain, 1},
        {"columns by rows", b_outer, 4},
        {"(x < 0) and false", b_absorb, 0},
        {"max(x, x)", b_max2, 0},
        {"1 ^ x", b_1pow, 1},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(cases); ++i) {
        sample s = sample_begin(i % 2);
        sample_input(&s, SINTER_F32, 2, (int64_t[]){3, 4});
        s.graph->values[s.ids[0]].type.dims[1] = sni_sym_const(s.graph->sym, 4);
        sample_output(s.graph, "y", cases[i].build(s.graph, s.ids[0]));
        sample_ok(s.graph, cases[i].name);
        sinter_graph *after = run_pass(s.graph, sni_rewrite_all);
        char *text = sample_text(after);
        ck_assert_msg(after->node_count == cases[i].left, "%s leaves %zu nodes\n%s", cases[i].name, after->node_count,
                      text);
        sinter_free(text);
        sample_same(&s, s.graph, after, 1e-6, cases[i].name);
        sinter_graph_release(after);
        sample_end(&s);
    }
}
END_TEST

/* One branch from x: a product, with a bias, a transposed matrix or an activation on demand. */
static uint32_t branch(sample *s, uint32_t x, int64_t n, bool bias, bool transposed, bool active) {
    sinter_graph *g = s->graph;
    int64_t straight[2] = {6, n}, turned[2] = {n, 6};
    uint32_t w = sample_constant(s, SINTER_F32, 2, transposed ? turned : straight);
    if (transposed) w = sni_make_transpose(g, w, (int64_t[]){1, 0});
    uint32_t y = sni_make_binary(g, "matmul", x, w);
    if (bias) y = sni_make_binary(g, "add", y, sample_constant(s, SINTER_F32, 1, &n));
    if (active) return sni_make_unary(g, "tanh", y);
    sni_type type = sni_make_type(g, y);
    sni_expr dims[4] = {type.dims[0], type.dims[1], sni_sym_const(g->sym, n / 2), sni_sym_const(g->sym, 2)};
    return sni_make_transpose(g, sni_make_reshape(g, y, 4, dims), (int64_t[]){0, 2, 1, 3});
}

START_TEST(shared_inputs) {
    for (int round = 0; round < 16; ++round) {
        sample s = sample_begin(round % 2);
        uint32_t x = sample_input(&s, SINTER_F32, 3, (int64_t[]){2, 3, 6});
        s.graph->values[x].type.dims[2] = sni_sym_const(s.graph->sym, 6);
        bool bias = round / 2 % 2, transposed = round / 4 % 2, active = round / 8 % 2;
        for (int i = 0; i < 3; ++i) {
            static const char *const names[] = {"q", "k", "v"};
            uint32_t y = branch(&s, x, 4 + 2 * i, bias, transposed, active && i == 0);
            sample_output(s.graph, names[i], sni_make_unary(s.graph, "exp", y));
        }
        sample_ok(s.graph, "branches");
        sinter_graph *after = run_pass(s.graph, sni_pass_merge);
        sinter_graph *clean = run_pass(after, sni_pass_cse);
        ck_assert_uint_eq(sample_nodes(clean, "matmul"), active ? 2 : 1);
        ck_assert_uint_eq(sample_nodes(clean, "add"), bias ? (active ? 2 : 1) : 0);
        sample_same(&s, s.graph, clean, 1e-6, "merge");
        sinter_graph_release(after);
        sinter_graph_release(clean);
        after = run_pass(s.graph, sni_rewrite_all);
        sample_same(&s, s.graph, after, 1e-6, "merge");
        sinter_graph_release(after);
        sample_end(&s);
    }
}
END_TEST

/* silu(x * gate) * (x * up), and a product with it unless the result is an output: only there the two are merged. */
START_TEST(gates) {
    for (int round = 0; round < 4; ++round) {
        sample s = sample_begin(round % 2);
        sinter_graph *g = s.graph;
        bool product = round / 2;
        uint32_t x = sample_input(&s, SINTER_F32, 3, (int64_t[]){2, 3, 6});
        g->values[x].type.dims[2] = sni_sym_const(g->sym, 6);
        uint32_t gate = sni_make_binary(g, "matmul", x, sample_constant(&s, SINTER_F32, 2, (int64_t[]){6, 8}));
        uint32_t up = sni_make_binary(g, "matmul", x, sample_constant(&s, SINTER_F32, 2, (int64_t[]){6, 8}));
        uint32_t y = sni_make_binary(g, "mul", sni_make_binary(g, "mul", gate, sni_make_unary(g, "sigmoid", gate)), up);
        if (product) y = sni_make_binary(g, "matmul", y, sample_constant(&s, SINTER_F32, 2, (int64_t[]){8, 6}));
        sample_output(g, "y", y);
        sample_ok(g, "gates");
        sinter_graph *after = run_pass(g, sni_pass_merge), *clean = run_pass(after, sni_pass_cse);
        ck_assert_uint_eq(sample_nodes(clean, "matmul"), 2);
        ck_assert_uint_eq(sample_nodes(clean, "slice"), product ? 2 : 0);
        sample_same(&s, g, clean, 1e-6, "merge");
        sinter_graph_release(after);
        sinter_graph_release(clean);
        sample_end(&s);
    }
}
END_TEST

START_TEST(common_subexpressions) {
    sample s = sample_begin(true);
    sinter_graph *g = s.graph;
    uint32_t x = sample_input(&s, SINTER_F32, 2, (int64_t[]){3, 4});
    uint32_t a = sni_make_unary(g, "exp", sni_make_binary(g, "mul", x, f32(g, 3)));
    uint32_t b = sni_make_unary(g, "exp", sni_make_binary(g, "mul", f32(g, 3), x)); /* operands change places */
    uint32_t c = sni_make_unary(g, "exp", sni_make_binary(g, "mul", x, f32(g, 4)));
    uint32_t d = sni_make_reduce(g, "reduce_sum", x, 1, true), e = sni_make_reduce(g, "reduce_sum", x, 2, true);
    uint32_t sum = sni_make_binary(g, "add", sni_make_binary(g, "add", a, b), c);
    sample_output(g, "y", sni_make_binary(g, "add", sum, sni_make_binary(g, "add", d, e)));
    sinter_graph *after = run_pass(g, sni_pass_cse);
    ck_assert_uint_eq(sample_nodes(after, "exp"), 2);
    ck_assert_uint_eq(sample_nodes(after, "mul"), 2);
    ck_assert_uint_eq(sample_nodes(after, "reduce_sum"), 2);
    sample_same(&s, g, after, 0, "cse");
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

START_TEST(names_and_dead_nodes) {
    sample s = sample_begin(false);
    sinter_graph *g = s.graph;
    uint32_t x = sample_input(&s, SINTER_F32, 1, (int64_t[]){4});
    sample_input(&s, SINTER_F32, 1, (int64_t[]){4}); /* unused, stays an input */
    sni_graph_set_name(g, "soft");
    uint32_t y = sni_graph_add1(g, "softmax", 1, &x, NULL);
    sni_graph_set_name(g, "dead");
    sni_make_unary(g, "exp", x);
    sni_graph_set_name(g, NULL);
    sample_output(g, "y", y);
    sinter_graph *after = run_pass(g, sni_rewrite_all);
    ck_assert_uint_eq(after->input_count, 2);
    ck_assert_uint_eq(after->node_count, 5);
    for (size_t n = 0; n < after->node_count; ++n) ck_assert_str_eq(after->nodes[n].name, "soft");
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

START_TEST(conditions_stay) {
    /* The reshapes cancel out, but [a, b] still has to hold as many elements as [b, a/2, 2]. */
    sample s = sample_begin(false);
    sinter_graph *g = s.graph;
    sni_expr a = sni_sym_dim(g->sym, sinter_dim_named("a"));
    sni_type type = {.dtype = SINTER_F32, .rank = 1};
    type.dims[0] = a;
    uint32_t x = sni_graph_add_input(g, "x", &type);
    sni_expr pairs[2] = {sni_sym_const(g->sym, -1), sni_sym_const(g->sym, 2)};
    uint32_t y = sni_make_reshape(g, sni_make_reshape(g, x, 2, pairs), 1, &a);
    sample_output(g, "y", sni_make_unary(g, "exp", y));
    sinter_graph *after = run_pass(g, sni_rewrite_all);
    ck_assert_uint_eq(after->node_count, 1);
    for (int64_t n = 4; n < 6; ++n) {
        sni_ref_tensor *in = NULL, *out = NULL;
        ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, &n, &in), SINTER_OK);
        ck_assert_int_eq(sni_reference_run(after, &in, NULL, false, &out), (n == 4 ? SINTER_OK : SINTER_SHAPE));
        sni_ref_tensor_release(in);
        sni_ref_tensor_release(out);
    }
    sinter_graph_release(after);
    sample_end(&s);
}
END_TEST

START_TEST(out_of_memory) {
    sample s = sample_begin(false);
    sinter_graph *g = s.graph;
    uint32_t x = sample_input(&s, SINTER_F32, 4, (int64_t[]){1, 2, 5, 5});
    uint32_t w = sample_constant(&s, SINTER_F32, 4, (int64_t[]){4, 2, 3, 3});
    uint32_t y = sni_graph_add1(g, "conv", 2, (uint32_t[]){x, sni_make_unary(g, "exp", w)}, NULL);
    y = sni_graph_add1(g, "softmax", 1, &y, NULL);
    sample_output(g, "y", sni_make_binary(g, "pow", y, f32(g, 2)));
    sample_ok(g, "graph");
    for (int64_t nth = 1;; nth += 1 + nth / 50) {
        sinter_graph *after = NULL;
        sni_alloc_fail_at(nth);
        sinter_status status = sni_rewrite_all(g, &after);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK) {
            sinter_graph_release(after);
            break;
        }
        ck_assert_ptr_null(after);
        ck_assert_int_lt(nth, 1000000);
    }
    sample_end(&s);
}
END_TEST

int main(void) {
    const TTest *tests[] = {random_graphs,        shape_chains,    known_numbers, folding,
                            simplifications,      shared_inputs,   gates,         common_subexpressions,
                            names_and_dead_nodes, conditions_stay, out_of_memory};
    return run_suite(suite_of("passes", tests, SAMPLE_COUNT(tests)));
}
