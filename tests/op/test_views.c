/* Views, gathers and iotas: the index map of every row against its reference function, on random shapes with numbers
 * and names; and the shape rules' refusals. */
#include "op/attrs.h"
#include "rewrite/sample.h"

#define ROUNDS 150

/* Values of index reads: which element each VALUE atom stands for. */
typedef struct reads {
    const sni_ref_tensor *const *ins;
    sni_sym *sym;
    int count;
    int input[16];
    sni_expr coords[16][SINTER_MAX_RANK];
} reads;

static sni_expr record_read(void *context, int input, const sni_expr *coords) {
    reads *r = context;
    int n = r->count++;
    ck_assert_int_lt(n, 16);
    r->input[n] = input;
    for (int i = 0; i < r->ins[input]->rank; ++i) r->coords[n][i] = coords[i];
    return sni_sym_value(r->sym, n, SNI_NO_EXPR, SNI_NO_EXPR);
}

static int64_t at(const sni_sym *sym, sni_expr e, const int64_t *axes, const int64_t *values) {
    int64_t result = 0;
    sni_bindings names = sample_bindings();
    if (sni_sym_eval_at(sym, e, &names, axes, values, &result) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    return result;
}

/* Position of mapped coordinates; the test fails when they are outside the tensor. */
static int64_t position(const sni_sym *sym, const sni_ref_tensor *t, const sni_expr *coords, const int64_t *axes,
                        const int64_t *values, const char *op) {
    int64_t index = 0;
    for (int i = 0; i < t->rank; ++i) {
        int64_t c = at(sym, coords[i], axes, values);
        if (c < 0 || c >= t->dims[i]) ck_abort_msg("%s reads coordinate %" PRId64 " of %" PRId64, op, c, t->dims[i]);
        index = index * t->dims[i] + c;
    }
    return index;
}

/* One element as the map describes it. */
static void mapped(const sni_call *call, const reads *r, const sni_access *accesses, int count, sni_expr value,
                   const int64_t *axes, double *f, int64_t *i) {
    int64_t values[16] = {0};
    for (int n = 0; n < r->count; ++n) {
        const sni_ref_tensor *t = r->ins[r->input[n]];
        values[n] = t->i[position(call->sym, t, r->coords[n], axes, values, call->op->name)];
    }
    if (call->op->kind == SNI_OP_IOTA) {
        *i = at(call->sym, value, axes, values);
        *f = (double)*i;
        return;
    }
    *f = call->op->fill_attr < 0 ? 0 : call->attrs[call->op->fill_attr].f;
    *i = (int64_t)*f;
    for (int a = 0; a < count; ++a) {
        if (accesses[a].guard != SNI_NO_EXPR && !at(call->sym, accesses[a].guard, axes, values)) continue;
        const sni_ref_tensor *t = r->ins[accesses[a].input];
        int64_t p = position(call->sym, t, accesses[a].coords, axes, values, call->op->name);
        *f = t->f ? t->f[p] : 0;
        *i = t->i ? t->i[p] : 0;
        return;
    }
}

/* Adds the node, and compares its map with its reference at every coordinate. */
static void check_node(sample *s, const char *op, int in_count, const sni_attr *attrs) {
    uint32_t id = sni_graph_add1(s->graph, op, in_count, s->ids, attrs);
    sample_ok(s->graph, op);
    const sni_node *node = &s->graph->nodes[s->graph->values[id].producer];
    sni_type in[SAMPLE_INPUTS] = {0}, out = s->graph->values[id].type;
    for (int i = 0; i < in_count; ++i) in[i] = s->graph->values[s->ids[i]].type;
    sni_call call = {.sym = s->graph->sym,
                     .op = node->op,
                     .in_count = in_count,
                     .in = in,
                     .attrs = node->attrs,
                     .out_count = 1,
                     .out = &out};
    sni_bindings names = sample_bindings();
    sni_ref_tensor *want = NULL;
    if (sni_reference_node(s->graph, node, (const sni_ref_tensor *const *)s->ins, &names, &want))
        ck_abort_msg("%s", sinter_last_error());
    sni_expr coords[SINTER_MAX_RANK];
    for (int i = 0; i < out.rank; ++i) coords[i] = sni_sym_axis(call.sym, i, out.dims[i]);
    reads r = {.ins = (const sni_ref_tensor *const *)s->ins, .sym = call.sym};
    sni_access accesses[SAMPLE_INPUTS + 1];
    sni_expr value = SNI_NO_EXPR;
    int count = node->op->map(&call, coords, 0, record_read, &r, accesses, &value);
    ck_assert_int_ge(count, 0);
    int64_t axes[16] = {0};
    for (int64_t n = 0; n < want->count; ++n) {
        int64_t rest = n, i = 0;
        double f = 0;
        for (int d = want->rank - 1; d >= 0; --d) {
            axes[d] = rest % want->dims[d];
            rest /= want->dims[d];
        }
        mapped(&call, &r, accesses, count, value, axes, &f, &i);
        if (want->f ? !(f == want->f[n] || (isnan(f) && isnan(want->f[n]))) : i != want->i[n])
            ck_abort_msg("%s: element %" PRId64 " is mapped to %g or %" PRId64 ", not %g or %" PRId64, op, n, f, i,
                         want->f ? want->f[n] : 0, want->i ? want->i[n] : 0);
    }
    sni_ref_tensor_release(want);
}

static int random_shape(int64_t *dims, int low, int high, int64_t least) {
    int rank = (int)sample_range(low, high);
    for (int i = 0; i < rank; ++i) dims[i] = sample_range(least, 5);
    return rank;
}

static sinter_dtype random_dtype(void) {
    static const sinter_dtype all[] = {SINTER_F32, SINTER_F64, SINTER_I64, SINTER_I8, SINTER_BOOL};
    return all[sample_random() % SAMPLE_COUNT(all)];
}

static sni_attr dims_attr(sample *s, int count, const int64_t *values) {
    sni_expr exprs[SINTER_MAX_RANK];
    for (int i = 0; i < count; ++i) exprs[i] = sample_dim(s, values[i]);
    return sni_attr_exprs(s->graph, count, exprs);
}

START_TEST(reshape) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t from[SINTER_MAX_RANK], to[SINTER_MAX_RANK] = {0};
        int rank = random_shape(from, 0, 5, round % 10 == 9 ? 0 : 1), out = 0;
        int64_t open = 1, all = 1;
        /* Merge some neighbours, split off factors of others, sprinkle ones. */
        for (int i = 0; i < rank; ++i) {
            all *= from[i];
            open *= from[i];
            if (sample_random() % 2 || out >= SINTER_MAX_RANK - 3) continue;
            if (open % 2 == 0 && open && sample_random() % 2) {
                to[out++] = 2;
                open /= 2;
            }
            to[out++] = open;
            open = 1;
            if (out < 4 && sample_random() % 3 == 0) to[out++] = 1;
        }
        to[out++] = open;
        sample_input(&s, random_dtype(), rank, from);
        /* The same number of elements, known to be so only without names. */
        sni_expr exprs[SINTER_MAX_RANK];
        for (int i = 0; i < out; ++i) exprs[i] = sample_dim(&s, to[i]);
        if (all > 0 && round % 3 == 0) exprs[sample_random() % (uint64_t)out] = sni_sym_const(s.graph->sym, -1);
        check_node(&s, "reshape", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_exprs(s.graph, out, exprs)});
        sample_end(&s);
    }
}
END_TEST

START_TEST(reshape_heads) {
    /* (batch, seq, heads*64) to (batch, seq, heads, 64): the leading coordinates are untouched. */
    sample s = sample_begin(false);
    sni_sym *sym = s.graph->sym;
    sni_expr batch = sni_sym_dim(sym, sinter_dim_named("batch"));
    sni_expr seq = sni_sym_dim(sym, sinter_dim_named("seq"));
    sni_type type = {.dtype = SINTER_F32, .rank = 3};
    type.dims[0] = batch;
    type.dims[1] = seq;
    type.dims[2] = sni_sym_const(sym, 768);
    uint32_t x = sni_graph_add_input(s.graph, "x", &type);
    sni_expr to[4] = {batch, seq, sni_sym_const(sym, -1), sni_sym_const(sym, 64)};
    uint32_t y = sni_graph_add1(s.graph, "reshape", 1, &x, (sni_attr[SNI_MAX_ATTRS]){sni_attr_exprs(s.graph, 4, to)});
    sample_ok(s.graph, "reshape");
    sni_type out = s.graph->values[y].type;
    ck_assert(sni_sym_is(sym, out.dims[2], 12));
    const sni_node *node = &s.graph->nodes[0];
    sni_call call = {
        .sym = sym, .op = node->op, .in_count = 1, .in = &type, .attrs = node->attrs, .out_count = 1, .out = &out};
    sni_expr coords[4];
    for (int i = 0; i < 4; ++i) coords[i] = sni_sym_axis(sym, i, out.dims[i]);
    sni_access access;
    ck_assert_int_eq(node->op->map(&call, coords, 0, NULL, NULL, &access, NULL), 1);
    ck_assert_uint_eq(access.coords[0], coords[0]);
    ck_assert_uint_eq(access.coords[1], coords[1]);
    ck_assert_uint_eq(access.coords[2], sni_sym_add(sym, sni_sym_mul_i(sym, coords[2], 64), coords[3]));
    /* [batch*seq, -1] of it: batch*seq is cancelled. */
    sni_expr flat[2] = {sni_sym_mul(sym, batch, seq), sni_sym_const(sym, -1)};
    uint32_t z = sni_graph_add1(s.graph, "reshape", 1, &y, (sni_attr[SNI_MAX_ATTRS]){sni_attr_exprs(s.graph, 2, flat)});
    sample_ok(s.graph, "reshape");
    ck_assert(sni_sym_is(sym, s.graph->values[z].type.dims[1], 768));
    ck_assert_uint_eq(s.graph->check_count, 0);
    sample_end(&s);
}
END_TEST

START_TEST(transpose) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], perm[SINTER_MAX_RANK];
        int rank = random_shape(dims, 0, 5, round % 10 ? 1 : 0);
        for (int i = 0; i < rank; ++i) {
            int64_t j = sample_range(0, i);
            perm[i] = perm[j];
            perm[j] = i;
        }
        for (int i = 0; i < rank; ++i)
            if (round % 4 == 0) perm[i] -= rank;
        sample_input(&s, random_dtype(), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s.graph, round % 3 ? rank : 0, perm)};
        check_node(&s, "transpose", 1, attrs);
        sample_end(&s);
    }
}
END_TEST

START_TEST(expand) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t to[SINTER_MAX_RANK], from[SINTER_MAX_RANK];
        /* 0 against a name that is 1 is refused when names get values. */
        int rank = random_shape(to, 0, 5, round % 2), skip = (int)sample_range(0, rank);
        for (int i = skip; i < rank; ++i) from[i - skip] = sample_random() % 2 ? 1 : to[i];
        sample_input(&s, random_dtype(), rank - skip, from);
        for (int i = skip; i < rank; ++i)
            if (sample_random() % 3 == 0 && from[i - skip] == to[i]) to[i] = 1; /* both ways */
        check_node(&s, "expand", 1, (sni_attr[SNI_MAX_ATTRS]){dims_attr(&s, rank, to)});
        sample_end(&s);
    }
}
END_TEST

START_TEST(slice) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], a[SINTER_MAX_RANK], b[SINTER_MAX_RANK], c[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1);
        for (int i = 0; i < rank; ++i) {
            a[i] = sample_range(0, dims[i] - 1);
            b[i] = sample_range(-2, 2);
            int64_t room = b[i] > 0 ? (dims[i] - 1 - a[i]) / b[i] : b[i] < 0 ? a[i] / -b[i] : 3;
            c[i] = sample_range(0, room + 1);
        }
        sample_input(&s, random_dtype(), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {dims_attr(&s, rank, a), sni_attr_ints(s.graph, rank, b),
                                         dims_attr(&s, rank, c)};
        check_node(&s, "slice", 1, attrs);
        sample_end(&s);
    }
}
END_TEST

/* Starts that are numbers below 0, as numpy has them: of a dimension that is known, of one with a name, backwards. */
START_TEST(slice_from_the_end) {
    static const int64_t numbers[] = {10, 20, 30, 40}, want[][2] = {{30, 40}, {40, 20}};
    sinter_graph *graph;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    sinter_value x = sinter_constant(graph, SINTER_I64, SINTER_SHAPE(4), numbers, sizeof numbers);
    sinter_value ends[] = {sinter_slice(graph, x, SINTER_SHAPE(-2), SINTER_SHAPE(1), SINTER_SHAPE(2)),
                           sinter_slice(graph, x, SINTER_SHAPE(-1), SINTER_SHAPE(-2), SINTER_SHAPE(2))};
    for (int k = 0; k < 2; ++k)
        for (int i = 0; i < 2; ++i) {
            int64_t element = 0;
            const sni_type *type = &graph->values[graph->value_count - 2 + (size_t)k].type;
            ck_assert(type->elements && sni_sym_is_const(graph->sym, type->elements[i], &element));
            ck_assert_int_eq(element, want[k][i]);
        }
    sinter_value named = sinter_input(graph, "n", SINTER_F32, SINTER_SHAPE(sinter_dim_named("n")));
    sinter_value last = sinter_slice(graph, named, SINTER_SHAPE(-1), SINTER_SHAPE(1), SINTER_SHAPE(1));
    const sni_node *node = &graph->nodes[graph->node_count - 1];
    sni_expr n = graph->values[node->in[0]].type.dims[0];
    ck_assert_uint_eq(node->attrs[SNI_SLICE_STARTS].exprs[0], sni_sym_add_i(graph->sym, n, -1));
    sinter_output(graph, "last", last);
    sinter_output(graph, "ends", ends[0]);
    ck_assert_int_eq(sinter_graph_status(graph), SINTER_OK);
    (void)sinter_slice(graph, x, SINTER_SHAPE(-5), SINTER_SHAPE(1), SINTER_SHAPE(1));
    ck_assert_int_eq(sinter_graph_status(graph), SINTER_SHAPE);
    sinter_graph_release(graph);
}
END_TEST

START_TEST(pad) {
    for (int round = 0; round < 4 * ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], low[SINTER_MAX_RANK], high[SINTER_MAX_RANK];
        int mode = (int)sample_range(0, 3);
        int rank = random_shape(dims, 1, 3, mode ? 1 : 0);
        for (int i = 0; i < rank; ++i) {
            low[i] = sample_range(-dims[i] / 2, mode && round % 3 ? dims[i] - 1 : 7);
            high[i] = sample_range(-dims[i] / 2, mode && round % 3 ? dims[i] - 1 : 7);
        }
        sample_input(&s, random_dtype(), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {dims_attr(&s, rank, low), dims_attr(&s, rank, high), sni_attr_int(mode),
                                         sni_attr_float(1)};
        check_node(&s, "pad", 1, attrs);
        sample_end(&s);
    }
}
END_TEST

START_TEST(concat) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1), axis = (int)sample_range(0, rank - 1);
        int count = (int)sample_range(1, 5);
        sinter_dtype dtype = random_dtype();
        for (int k = 0; k < count; ++k) {
            dims[axis] = sample_range(0, 4);
            sample_input(&s, dtype, rank, dims);
        }
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 3 ? axis : axis - rank)};
        check_node(&s, "concat", count, attrs);
        sample_end(&s);
    }
}
END_TEST

START_TEST(window) {
    for (int round = 0; round < 2 * ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], v[6][3];
        int rank = random_shape(dims, 1, 4, 1);
        int sliding = (int)sample_range(1, rank < 3 ? rank : 3);
        for (int i = 0; i < sliding; ++i) {
            v[0][i] = sample_range(1, 3);  /* kernel */
            v[1][i] = sample_range(1, 3);  /* strides */
            v[2][i] = sample_range(-2, 2); /* dilations */
            v[3][i] = sample_range(-2, 3); /* pads_low */
            v[4][i] = sample_range(1, 3);  /* input_strides */
            v[5][i] = sample_range(0, 5);  /* sizes */
        }
        sample_input(&s, random_dtype(), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS];
        memset(attrs, 0, sizeof attrs);
        for (int a = 0; a < 6; ++a) attrs[a] = sni_attr_ints(s.graph, sliding, v[a]);
        attrs[5] = dims_attr(&s, sliding, v[5]);
        attrs[6] = sni_attr_float(1);
        check_node(&s, "window", 1, attrs);
        sample_end(&s);
    }
}
END_TEST

START_TEST(gathers) {
    static const char *const ops[] = {"gather", "gather_elements", "gather_nd"};
    for (int round = 0; round < 3 * ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        int64_t data[SINTER_MAX_RANK], index[SINTER_MAX_RANK];
        int kind = round % 3, rank = random_shape(data, 1, 4, 1);
        int in_rank = random_shape(index, kind == 2, 3, 1);
        int64_t attr = sample_range(0, rank - 1);
        if (kind == 1) {
            in_rank = rank;
            for (int i = 0; i < rank; ++i) index[i] = i == attr ? sample_range(1, 6) : sample_range(0, data[i]);
        } else if (kind == 2) {
            attr = sample_range(0, in_rank - 1 < rank - 1 ? in_rank - 1 : rank - 1);
            for (int i = 0; i < attr; ++i) index[i] = data[i];
            index[in_rank - 1] = sample_range(1, rank - attr);
        }
        sample_input(&s, random_dtype(), rank, data);
        bool symbolic = s.symbolic;
        if (kind == 2) s.symbolic = false; /* the last dimension must be a number */
        sample_input(&s, round % 2 ? SINTER_I64 : SINTER_I32, in_rank, index);
        s.symbolic = symbolic;
        check_node(&s, ops[kind], 2, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(attr)});
        sample_end(&s);
    }
}
END_TEST

START_TEST(iotas) {
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 4 < 2);
        int64_t dims[SINTER_MAX_RANK], count = 1;
        int rank = random_shape(dims, 1, 3, 0), axis = (int)sample_range(0, rank - 1);
        static const sinter_dtype dtypes[] = {SINTER_I32, SINTER_I64, SINTER_F32};
        sni_attr attrs[SNI_MAX_ATTRS] = {dims_attr(&s, rank, dims), sni_attr_int(dtypes[round % 3]),
                                         sni_attr_int(axis)};
        check_node(&s, "iota", 0, attrs);
        /* Progressions and other lists of known elements. */
        sni_expr elements[125];
        for (int i = 0; i < rank; ++i) {
            if (dims[i] > 3 && round % 2 == 0) dims[i] = 3;
            count *= dims[i];
        }
        for (int64_t i = 0; i < count; ++i)
            elements[i] = round % 2 ? sni_sym_const(s.graph->sym, 3 * i - 7) : sample_dim(&s, sample_range(0, 60));
        sni_attr known[SNI_MAX_ATTRS] = {sni_attr_ints(s.graph, rank, dims),
                                         sni_attr_exprs(s.graph, (int)count, elements)};
        check_node(&s, "known", 0, known);
        sample_end(&s);
    }
}
END_TEST

/* ---- refusals ------------------------------------------------------------------------------- */

static void refused(sample *s, const char *op, int in_count, const sni_attr *attrs, sinter_status status,
                    const char *text) {
    ck_assert_uint_eq(sni_graph_add1(s->graph, op, in_count, s->ids, attrs), 0);
    ck_assert_int_eq(sinter_graph_status(s->graph), status);
    if (!strstr(sinter_last_error(), text)) ck_abort_msg("'%s' says nothing of '%s'", sinter_last_error(), text);
    sample_end(s);
}

START_TEST(errors) {
    sample s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    refused(&s, "reshape", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, (int64_t[]){4, 2})}, SINTER_SHAPE,
            "f32[2, 3] does not reshape to f32[4, 2]");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    refused(&s, "reshape", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, (int64_t[]){4, -1})}, SINTER_SHAPE,
            "do not divide");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    refused(&s, "expand", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, (int64_t[]){2, 4})}, SINTER_SHAPE,
            "f32[2, 3] does not expand to f32[2, 4]");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 1, (int64_t[]){4});
    refused(&s, "slice", 1,
            (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 1, (int64_t[]){2}),
                                      sni_attr_ints(s.graph, 1, (int64_t[]){1}),
                                      sni_attr_ints(s.graph, 1, (int64_t[]){3})},
            SINTER_SHAPE, "from 2 to 4 leaves");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    sample_input(&s, SINTER_F32, 2, (int64_t[]){3, 3});
    refused(&s, "concat", 2, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(1)}, SINTER_SHAPE, "f32[2, 3] and f32[3, 3]");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    sample_input(&s, SINTER_F32, 1, (int64_t[]){3});
    refused(&s, "gather", 2, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(0)}, SINTER_DTYPE, "must have an integer dtype");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    refused(&s, "transpose", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, (int64_t[]){0, 0})}, SINTER_SHAPE,
            "given twice");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    sample_input(&s, SINTER_F32, 2, (int64_t[]){4, 3});
    refused(&s, "matmul", 2, NULL, SINTER_SHAPE, "f32[2, 3] and f32[4, 3]");
    s = sample_begin(false);
    sample_input(&s, SINTER_I32, 2, (int64_t[]){2, 3});
    refused(&s, "softmax", 1, NULL, SINTER_DTYPE, "i32");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 4, (int64_t[]){1, 3, 2, 2});
    sample_input(&s, SINTER_F32, 4, (int64_t[]){4, 3, 3, 3});
    refused(&s, "conv", 2, NULL, SINTER_SHAPE, "f32[1, 3, 2, 2] and f32[4, 3, 3, 3]");
    s = sample_begin(false);
    sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
    refused(&s, "reduce_sum", 1, (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 1, (int64_t[]){2})}, SINTER_SHAPE,
            "axis 2 is outside rank 2");
}
END_TEST

START_TEST(conditions) {
    /* What a name turns out to be is checked when it has a value. */
    sample s = sample_begin(false);
    sni_sym *sym = s.graph->sym;
    sni_type type = {.dtype = SINTER_F32, .rank = 1};
    type.dims[0] = sni_sym_dim(sym, sinter_dim_named("a"));
    uint32_t x = sni_graph_add_input(s.graph, "x", &type);
    uint32_t y = sni_graph_add1(s.graph, "reshape", 1, &x,
                                (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, (int64_t[]){-1, 4})});
    sample_output(s.graph, "y", y);
    sample_ok(s.graph, "reshape");
    for (int64_t n = 8; n < 10; ++n) {
        sni_ref_tensor *in = NULL, *out = NULL;
        ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, 1, &n, &in), SINTER_OK);
        sinter_status status = sni_reference_run(s.graph, &in, NULL, false, &out);
        ck_assert_int_eq(status, n == 8 ? SINTER_OK : SINTER_SHAPE);
        sni_ref_tensor_release(in);
        sni_ref_tensor_release(out);
    }
    sample_end(&s);
}
END_TEST

int main(void) {
    const TTest *tests[] = {reshape, reshape_heads, transpose, expand, slice,  slice_from_the_end, pad,
                            concat,  window,        gathers,   iotas,  errors, conditions};
    return run_suite(suite_of("views", tests, SAMPLE_COUNT(tests)));
}
