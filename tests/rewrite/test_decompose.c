/* Every composite: what its reference function gives against what the reference evaluator makes of the primitives that
 * it is rewritten to, on random shapes with numbers and names. */
#include "rewrite/sample.h"

static const sinter_dtype g_reals[] = {SINTER_F32, SINTER_F64, SINTER_F32, SINTER_F16};

static sinter_dtype real_dtype(int round) {
    return g_reals[round % (int)SAMPLE_COUNT(g_reals)];
}

/* Adds the node on the sample's inputs; compares it with its parts, and with all passes. */
static void check(sample *s, const char *op, const sni_attr *attrs) {
    sinter_graph *parts = NULL, *all = NULL;
    uint32_t y = sni_graph_add1(s->graph, op, s->in_count, s->ids, attrs);
    sample_output(s->graph, "y", y);
    sample_ok(s->graph, op);
    if (sni_pass_decompose(s->graph, &parts) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    for (size_t n = 0; n < parts->node_count; ++n) ck_assert_int_ne(parts->nodes[n].op->kind, SNI_OP_COMPOSITE);
    double tolerance = sample_tolerance(sni_graph_value(s->graph, s->ids[0])->type.dtype);
    sample_same(s, s->graph, parts, tolerance, op);
    if (sni_rewrite_all(s->graph, &all) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    sample_same(s, s->graph, all, tolerance, op);
    sinter_graph_release(parts);
    sinter_graph_release(all);
    sample_end(s);
}

static int random_shape(int64_t *dims, int low, int high, int64_t least, int64_t most) {
    int rank = (int)sample_range(low, high);
    for (int i = 0; i < rank; ++i) dims[i] = sample_range(least, most);
    return rank;
}

static sni_attr random_axes(sample *s, int rank) {
    int64_t axes[SINTER_MAX_RANK];
    int count = 0;
    for (int i = 0; i < rank; ++i)
        if (sample_random() % 2) axes[count++] = sample_random() % 2 ? i : i - rank;
    return sni_attr_ints(s->graph, count, axes);
}

START_TEST(reductions) {
    static const char *const ops[] = {"reduce_mean",        "reduce_l1",      "reduce_l2",
                                      "reduce_log_sum_exp", "reduce_log_sum", "reduce_sum_square"};
    for (int round = 0; round < 120; ++round) {
        sample s = sample_begin(round % 2);
        const char *op = ops[round % 6];
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 0, 4, 1, 6);
        bool ints = round % 6 != 2 && round % 6 != 3 && round % 6 != 4 && round % 5 == 0;
        sample_input(&s, ints ? (round % 2 ? SINTER_I32 : SINTER_I8) : real_dtype(round / 6), rank, dims);
        for (int64_t i = 0; s.ins[0]->f && i < s.ins[0]->count; ++i)
            if (round % 6 == 4) s.ins[0]->f[i] = fabs(s.ins[0]->f[i]) + 0.5;
        sni_attr attrs[SNI_MAX_ATTRS] = {random_axes(&s, rank), sni_attr_int(round / 2 % 2)};
        check(&s, op, attrs);
    }
}
END_TEST

START_TEST(log_sum_exp_extremes) {
    static const double values[] = {-INFINITY, INFINITY, 1000, -1000, NAN};
    for (size_t i = 0; i < SAMPLE_COUNT(values); ++i) {
        sample s = sample_begin(false);
        sample_input(&s, SINTER_F32, 2, (int64_t[]){2, 3});
        for (int n = 0; n < 3; ++n) s.ins[0]->f[n] = values[i];
        check(&s, "reduce_log_sum_exp", (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 1, (int64_t[]){1})});
    }
}
END_TEST

START_TEST(variances) {
    for (int round = 0; round < 80; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], axes[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, round % 9 == 0 ? 0 : 1, 6), count = 0;
        sample_input(&s, real_dtype(round), rank, dims);
        for (int i = 0; i < rank; ++i)
            if (sample_random() % 2) axes[count++] = round % 3 ? i : i - rank;
        check(&s, "reduce_variance",
              (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, count, axes), sni_attr_int(round / 2 % 2),
                                        sni_attr_float(round / 4 % 2)});
    }
}
END_TEST

START_TEST(extremes) {
    static const char *const ops[] = {"argmax", "argmin"};
    for (int round = 0; round < 120; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1, 6), axis = (int)sample_range(0, rank - 1);
        sample_input(&s, round % 3 == 0 ? SINTER_I32 : real_dtype(round), rank, dims);
        /* Equal elements, and some NaN. */
        for (int64_t i = 0; s.ins[0]->f && i < s.ins[0]->count; ++i)
            s.ins[0]->f[i] = sample_random() % 13 == 0 ? NAN : floor(s.ins[0]->f[i]);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 5 ? axis : axis - rank), sni_attr_int(round / 4 % 2),
                                         sni_attr_int(round / 2 % 2)};
        check(&s, ops[sample_random() % 2], attrs);
    }
}
END_TEST

START_TEST(softmaxes) {
    static const char *const ops[] = {"softmax", "log_softmax", "hardmax"};
    for (int round = 0; round < 90; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, round % 7 == 0 ? 0 : 1, 6);
        sample_input(&s, real_dtype(round), rank, dims);
        for (int64_t i = 0; i < s.ins[0]->count; ++i)
            s.ins[0]->f[i] = round % 3 == 2 ? floor(s.ins[0]->f[i]) : s.ins[0]->f[i] * 10;
        check(&s, ops[round % 3], (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_range(-rank, rank - 1))});
    }
}
END_TEST

START_TEST(cross_entropies) {
    for (int round = 0; round < 90; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1, 6);
        sample_input(&s, real_dtype(round), rank, dims);
        sample_input(&s, round % 3 ? SINTER_I64 : SINTER_U8, rank - 1, dims); /* some labels are out of range */
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 5 ? 1 : -100), sni_attr_float(round % 4 ? 0 : 0.1),
                                         sni_attr_float(round % 7 ? 0 : 0.25)};
        check(&s, "cross_entropy", attrs);
    }
}
END_TEST

START_TEST(linear_cross_entropies) {
    for (int round = 0; round < 90; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], weight[2];
        int rank = random_shape(dims, 1, 4, 1, 6);
        weight[0] = dims[rank - 1];
        weight[1] = sample_range(1, 9);
        sample_input(&s, real_dtype(round), rank, dims);
        sample_input(&s, real_dtype(round), 2, weight);
        sample_input(&s, round % 3 ? SINTER_I64 : SINTER_U8, rank - 1, dims); /* some labels are out of range */
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 5 ? 1 : -100), sni_attr_float(round % 4 ? 0 : 0.1),
                                         sni_attr_float(round % 7 ? 0 : 0.25), sni_attr_int(1 + round % 4)};
        check(&s, "linear_cross_entropy", attrs);
    }
}
END_TEST

START_TEST(dropouts) {
    for (int round = 0; round < 40; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        sample_input(&s, real_dtype(round), random_shape(dims, 0, 4, 0, 6), dims);
        for (int i = 0; i < 2; ++i) sample_input(&s, SINTER_I64, 0, NULL);
        if (round % 3 == 0) s.ins[2]->i[0] = INT64_MAX - 3; /* counters wrap around */
        check(&s, "dropout", (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(round % 4 * 0.25)});
    }
}
END_TEST

/* About rate of the elements, other ones with another seed or offset. */
START_TEST(dropped_elements) {
    enum { COUNT = 20000 };
    sni_ref_tensor *kept[3];
    for (int run = 0; run < 3; ++run) {
        sample s = sample_begin(false);
        sample_input(&s, SINTER_F32, 1, (int64_t[]){COUNT});
        for (int i = 0; i < 2; ++i) sample_input(&s, SINTER_I64, 0, NULL);
        for (int64_t i = 0; i < COUNT; ++i) s.ins[0]->f[i] = 1;
        s.ins[1]->i[0] = run == 1 ? 6 : 5;
        s.ins[2]->i[0] = run == 2 ? 1 : 0;
        sample_output(s.graph, "y",
                      sni_graph_add1(s.graph, "dropout", 3, s.ids, (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(0.2)}));
        kept[run] = sample_run(&s, s.graph, 0);
        sample_end(&s);
    }
    int64_t count = 0, both = 0;
    for (int64_t i = 0; i < COUNT; ++i) {
        count += kept[0]->f[i] != 0;
        both += kept[0]->f[i] != 0 && kept[1]->f[i] != 0;
        ck_assert(kept[0]->f[i] == 0 || fabs(kept[0]->f[i] - 1.25) < 1e-6);
        if (i > 0) ck_assert(kept[0]->f[i] == kept[2]->f[i - 1]);
    }
    ck_assert_msg(count > 0.79 * COUNT && count < 0.81 * COUNT, "%d kept", (int)count);
    ck_assert_msg(both > 0.63 * COUNT && both < 0.65 * COUNT, "%d kept by both seeds", (int)both);
    for (int run = 0; run < 3; ++run) sni_ref_tensor_release(kept[run]);
}
END_TEST

START_TEST(layer_norms) {
    for (int round = 0; round < 80; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1, 6), axis = (int)sample_range(0, rank - 1);
        sinter_dtype dtype = real_dtype(round);
        bool rms = round % 3 == 0;
        sample_input(&s, dtype, rank, dims);
        sample_input(&s, dtype, rank - axis, dims + axis);
        if (!rms && round % 2) sample_input(&s, dtype, rank - axis, dims + axis);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 5 ? axis : axis - rank), sni_attr_float(1e-3)};
        check(&s, rms ? "rms_norm" : "layer_norm", attrs);
    }
}
END_TEST

START_TEST(channel_norms) {
    for (int round = 0; round < 90; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], groups = sample_range(1, 3);
        int rank = random_shape(dims, 2, 5, 1, 5), kind = round % 3;
        if (kind == 2) dims[1] = groups * sample_range(1, 3);
        sinter_dtype dtype = real_dtype(round / 3);
        sample_input(&s, dtype, rank, dims);
        for (int i = 0; i < (kind == 0 ? 4 : 2); ++i) sample_input(&s, dtype, 1, dims + 1);
        if (kind == 0)
            for (int64_t i = 0; i < dims[1]; ++i) s.ins[4]->f[i] = fabs(s.ins[4]->f[i]) + 0.25;
        if (kind == 2)
            check(&s, "group_norm", (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(groups), sni_attr_float(1e-2)});
        else
            check(&s, kind ? "instance_norm" : "batch_norm", (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(1e-2)});
    }
}
END_TEST

START_TEST(lrns) {
    for (int round = 0; round < 30; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 2, 4, 1, 6);
        sample_input(&s, real_dtype(round), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(sample_range(1, 6)), sni_attr_float(0.5), sni_attr_float(0.75),
                                         sni_attr_float(1.5)};
        check(&s, "lrn", attrs);
    }
}
END_TEST

/* ---- convolutions and poolings -------------------------------------------------------------- */

/* Random attributes of a window over `spatial` dimensions. pads are low..., high.... */
typedef struct spatial {
    int64_t kernel[3], strides[3], pads[6], dilations[3];
} spatial;

static spatial random_spatial(int count, bool plain) {
    spatial v;
    for (int i = 0; i < count; ++i) {
        v.kernel[i] = sample_range(1, 3);
        v.strides[i] = plain ? 1 : sample_range(1, 3);
        v.dilations[i] = plain ? 1 : sample_range(1, 2);
        v.pads[i] = plain ? 0 : sample_range(0, v.kernel[i] - 1);
        v.pads[count + i] = plain ? 0 : sample_range(0, v.kernel[i] - 1);
    }
    return v;
}

/* Sizes at least as large as the kernel's reach. */
static void random_sizes(int count, const spatial *v, int64_t *sizes) {
    for (int i = 0; i < count; ++i) sizes[i] = v->dilations[i] * (v->kernel[i] - 1) + sample_range(1, 4);
}

START_TEST(convs) {
    for (int round = 0; round < 160; ++round) {
        sample s = sample_begin(round % 2);
        int count = (int)sample_range(1, 3);
        spatial v = random_spatial(count, round % 4 == 0);
        if (round % 8 == 0) memcpy(v.kernel, (int64_t[]){1, 1, 1}, sizeof v.kernel); /* pointwise */
        int64_t groups = round % 3 ? 1 : sample_range(1, 3);
        int64_t x[5] = {round % 20 == 19 ? 0 : sample_range(1, 2)}, w[5];
        w[1] = round % 5 ? sample_range(1, 3) : 1;
        w[0] = groups * (round % 5 ? sample_range(1, 3) : 1); /* every fifth: depthwise */
        x[1] = groups * w[1];
        random_sizes(count, &v, x + 2);
        for (int i = 0; i < count; ++i) w[2 + i] = v.kernel[i];
        sinter_dtype dtype = real_dtype(round);
        sample_input(&s, dtype, 2 + count, x);
        bool symbolic = s.symbolic;
        s.symbolic = false; /* weights have numbers */
        sample_input(&s, dtype, 2 + count, w);
        if (round % 2) sample_input(&s, dtype, 1, w);
        s.symbolic = symbolic;
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s.graph, round % 4 ? count : 0, v.strides),
                                         sni_attr_ints(s.graph, round % 4 ? 2 * count : 0, v.pads),
                                         sni_attr_ints(s.graph, round % 4 ? count : 0, v.dilations),
                                         sni_attr_int(groups)};
        check(&s, "conv", attrs);
    }
}
END_TEST

START_TEST(transposed_convs) {
    for (int round = 0; round < 160; ++round) {
        sample s = sample_begin(round % 2);
        int count = (int)sample_range(1, 3);
        spatial v = random_spatial(count, false);
        int64_t extra[3], x[5] = {sample_range(1, 2)}, w[5];
        for (int i = 0; i < count; ++i) {
            extra[i] = v.strides[i] > 1 ? sample_range(0, v.strides[i] - 1) : 0;
            if (round % 4 == 0) { /* kernels side by side */
                v.strides[i] = v.kernel[i];
                v.dilations[i] = 1;
                extra[i] = v.pads[i] = v.pads[count + i] = 0;
            }
            x[2 + i] = sample_range(2, 4) + (v.pads[i] + v.pads[count + i]) / v.strides[i];
            w[2 + i] = v.kernel[i];
        }
        if (round % 4 == 0) memset(v.pads, 0, sizeof v.pads);
        int64_t groups = round % 3 ? 1 : sample_range(1, 3);
        w[0] = x[1] = groups * sample_range(1, 3);
        w[1] = sample_range(1, 3);
        int64_t maps = w[1] * groups;
        sinter_dtype dtype = real_dtype(round);
        sample_input(&s, dtype, 2 + count, x);
        s.symbolic = false;
        sample_input(&s, dtype, 2 + count, w);
        if (round % 2) sample_input(&s, dtype, 1, &maps);
        sni_attr attrs[SNI_MAX_ATTRS] = {
            sni_attr_ints(s.graph, count, v.strides), sni_attr_ints(s.graph, 2 * count, v.pads),
            sni_attr_ints(s.graph, count, v.dilations), sni_attr_ints(s.graph, count, extra), sni_attr_int(groups)};
        check(&s, "conv_transpose", attrs);
    }
}
END_TEST

/* Strides to 5 with kernels that are shorter than those, multiples of them, and neither; pads that begin in any phase. */
START_TEST(transposed_convs_by_phases) {
    for (int round = 0; round < 120; ++round) {
        sample s = sample_begin(round % 2);
        int count = round % 4 ? 1 + round % 2 : 3;
        int64_t strides[3], dilations[3], extra[3], pads[6], groups = round % 5 ? 1 : 2;
        int64_t x[5] = {1 + round % 2, 2 * groups}, w[5] = {2 * groups, sample_range(1, 2)};
        for (int i = 0; i < count; ++i) {
            strides[i] = sample_range(1, 5);
            dilations[i] = round % 3 ? 1 : sample_range(1, strides[i]);
            w[2 + i] = sample_range(1, count == 3 ? 4 : 7);
            x[2 + i] = sample_range(1, 4);
            int64_t reach = strides[i] * (x[2 + i] - 1) + dilations[i] * (w[2 + i] - 1) + 1;
            extra[i] = sample_range(0, strides[i] - 1);
            pads[i] = sample_range(0, reach / 2);
            pads[count + i] = sample_range(0, reach - reach / 2 - 1);
        }
        int64_t maps = w[1] * groups;
        sample_input(&s, SINTER_F32, 2 + count, x);
        s.symbolic = false;
        sample_input(&s, SINTER_F32, 2 + count, w);
        if (round % 2) sample_input(&s, SINTER_F32, 1, &maps);
        sni_attr attrs[SNI_MAX_ATTRS] = {
            sni_attr_ints(s.graph, count, strides), sni_attr_ints(s.graph, 2 * count, pads),
            sni_attr_ints(s.graph, count, dilations), sni_attr_ints(s.graph, count, extra), sni_attr_int(groups)};
        check(&s, "conv_transpose", attrs);
    }
}
END_TEST

START_TEST(pools) {
    for (int round = 0; round < 240; ++round) {
        sample s = sample_begin(round % 2);
        int count = (int)sample_range(1, 3);
        bool max = round % 3 == 0;
        spatial v = random_spatial(count, round % 7 == 0);
        int64_t x[5] = {sample_range(1, 2), sample_range(1, 3)};
        random_sizes(count, &v, x + 2);
        sample_input(&s, max && round % 2 ? SINTER_I8 : real_dtype(round), 2 + count, x);
        if (max && s.ins[0]->f && round % 5 == 0) s.ins[0]->f[0] = NAN;
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s.graph, count, v.kernel),
                                         sni_attr_ints(s.graph, count, v.strides),
                                         sni_attr_ints(s.graph, 2 * count, v.pads),
                                         sni_attr_ints(s.graph, count, v.dilations),
                                         sni_attr_int(round / 2 % 2),
                                         sni_attr_int(round / 4 % 2)};
        if (max) attrs[5] = (sni_attr){.kind = SNI_ATTR_NONE};
        check(&s, max ? "max_pool" : "avg_pool", attrs);
    }
}
END_TEST

START_TEST(pool_sizes) {
    /* ceil_mode: the last window starts inside the input or the low padding (ONNX, PyTorch). */
    static const struct {
        int64_t in, kernel, stride, low, high, dilation, ceil, want;
    } cases[] = {{7, 3, 2, 0, 0, 1, 0, 3}, {8, 3, 2, 0, 0, 1, 0, 3}, {8, 3, 2, 0, 0, 1, 1, 4},
                 {4, 3, 2, 0, 0, 1, 1, 2}, {2, 1, 2, 0, 0, 1, 1, 1}, {4, 2, 3, 0, 0, 1, 1, 2},
                 {3, 2, 3, 1, 1, 1, 1, 2}, {5, 2, 4, 0, 1, 1, 1, 2}, {4, 3, 1, 1, 1, 2, 0, 2}};
    for (size_t i = 0; i < SAMPLE_COUNT(cases); ++i) {
        sample s = sample_begin(false);
        sample_input(&s, SINTER_F32, 3, (int64_t[]){1, 1, cases[i].in});
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s.graph, 1, &cases[i].kernel),
                                         sni_attr_ints(s.graph, 1, &cases[i].stride),
                                         sni_attr_ints(s.graph, 2, (int64_t[]){cases[i].low, cases[i].high}),
                                         sni_attr_ints(s.graph, 1, &cases[i].dilation), sni_attr_int(cases[i].ceil)};
        uint32_t y = sni_graph_add1(s.graph, "max_pool", 1, s.ids, attrs);
        sample_ok(s.graph, "max_pool");
        int64_t size = -1;
        sni_sym_is_const(s.graph->sym, s.graph->values[y].type.dims[2], &size);
        ck_assert_msg(size == cases[i].want, "case %zu: %d", i, (int)size);
        sample_end(&s);
    }
}
END_TEST

/* ---- the others ----------------------------------------------------------------------------- */

START_TEST(gemms) {
    for (int round = 0; round < 48; ++round) {
        sample s = sample_begin(round % 2);
        int64_t m = sample_range(1, 5), n = sample_range(1, 5), k = sample_range(0, 5);
        int ta = round / 2 % 2, tb = round / 4 % 2;
        sinter_dtype dtype = real_dtype(round);
        sample_input(&s, dtype, 2, ta ? (int64_t[]){k, m} : (int64_t[]){m, k});
        sample_input(&s, dtype, 2, tb ? (int64_t[]){n, k} : (int64_t[]){k, n});
        int64_t shapes[4][2] = {{m, n}, {1, n}, {m, 1}, {1, 1}};
        if (round % 6 == 0)
            sample_input(&s, dtype, 0, NULL);
        else if (round % 6 == 1)
            sample_input(&s, dtype, 1, &n);
        else if (round % 6 < 5)
            sample_input(&s, dtype, 2, shapes[round % 4]);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_float(round % 3 ? 1 : 0.5), sni_attr_float(round % 5 ? 1 : -2),
                                         sni_attr_int(ta), sni_attr_int(tb)};
        check(&s, "gemm", attrs);
    }
}
END_TEST

START_TEST(triangles) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_I64, SINTER_BOOL};
    static const int64_t far[] = {INT64_MAX, INT64_MIN, 0};
    for (int round = 0; round < 60; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 2, 4, 0, 5);
        sample_input(&s, dtypes[round % 3], rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(round % 2),
                                         sni_attr_int(round < 6 ? far[round / 2] : sample_range(-4, 4))};
        check(&s, "trilu", attrs);
    }
}
END_TEST

START_TEST(shapes) {
    for (int round = 0; round < 60; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK];
        int rank = random_shape(dims, 0, 4, 1, 3);
        sample_input(&s, round % 2 ? SINTER_F32 : SINTER_I64, rank, dims);
        if (round % 3 == 0) {
            check(&s, "squeeze", NULL);
        } else if (round % 3 == 1) {
            int64_t axes[2] = {0, -1};
            check(&s, "unsqueeze", (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s.graph, 2, axes)});
        } else {
            check(&s, "flatten", (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_range(-rank, rank))});
        }
    }
}
END_TEST

START_TEST(resizes) {
    for (int round = 0; round < 240; ++round) {
        sample s = sample_begin(round % 2);
        int64_t dims[SINTER_MAX_RANK], sizes[SINTER_MAX_RANK];
        int rank = random_shape(dims, 1, 4, 1, 6), mode = round % 3;
        sni_expr exprs[SINTER_MAX_RANK];
        for (int i = 0; i < rank; ++i) {
            sizes[i] = sample_random() % 3 ? sample_range(1, 9) : dims[i];
            exprs[i] = sample_dim(&s, sizes[i]);
        }
        sample_input(&s, mode == 0 && round % 2 ? SINTER_U8 : real_dtype(round / 3), rank, dims);
        sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(s.graph, rank, exprs), sni_attr_int(mode),
                                         sni_attr_int(round / 3 % 4), sni_attr_int(round / 12 % 4),
                                         sni_attr_float(round % 2 ? -0.75 : -0.5)};
        check(&s, "resize", attrs);
    }
}
END_TEST

int main(void) {
    const TTest *tests[] = {reductions,
                            log_sum_exp_extremes,
                            extremes,
                            variances,
                            softmaxes,
                            layer_norms,
                            channel_norms,
                            lrns,
                            convs,
                            transposed_convs,
                            pools,
                            pool_sizes,
                            gemms,
                            triangles,
                            shapes,
                            resizes,
                            cross_entropies,
                            linear_cross_entropies,
                            dropouts,
                            dropped_elements,
                            transposed_convs_by_phases};
    return run_suite(suite_of("decompose", tests, SAMPLE_COUNT(tests)));
}
