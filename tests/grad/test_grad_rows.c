/* The gradient of every row of the operator table against finite differences, on random shapes with numbers and names, and with
 * broadcasting. A row that takes real numbers and gives some is made here, or listed as one that has no inputs. */
#include "gradient.h"

enum { ROUNDS = 24 };

/* ---- elementwise rows --------------------------------------------------------------------------- */

/* Where inputs lie when -2..2 would be outside of what the row is for, or at its edges. */
static const struct {
    const char *op;
    double low[2], high[2];
} g_domains[] = {
    {"log", {0.2}, {3}},         {"sqrt", {0.2}, {3}},       {"rsqrt", {0.2}, {3}},          {"reciprocal", {0.5}, {3}},
    {"tan", {-1.2}, {1.2}},      {"asin", {-0.9}, {0.9}},    {"acos", {-0.9}, {0.9}},        {"acosh", {1.2}, {3}},
    {"atanh", {-0.9}, {0.9}},    {"pow", {0.3, -2}, {2, 2}}, {"div", {-2, 0.5}, {2, 2}},     {"mod", {-2, 0.6}, {2, 2}},
    {"fmod", {-2, 0.6}, {2, 2}}, {"reduce_l2", {0.2}, {2}},  {"reduce_log_sum", {0.2}, {2}},
};

static void fill(sni_ref_tensor *t, double low, double high) {
    for (int64_t i = 0; i < t->count && t->f; ++i) t->f[i] = low + (high - low) * (sample_uniform() + 1) / 2;
}

static void fill_for(sample *s, const char *op) {
    for (size_t d = 0; d < SAMPLE_COUNT(g_domains); ++d)
        for (int i = 0; i < 2 && i < s->in_count && strcmp(g_domains[d].op, op) == 0; ++i)
            fill(s->ins[i], g_domains[d].low[i], g_domains[d].high[i]);
}

static int random_shape(int64_t *dims, int low, int high, int64_t most) {
    int rank = (int)sample_range(low, high);
    for (int i = 0; i < rank; ++i) dims[i] = sample_range(1, most);
    return rank;
}

/* An input that broadcasts to dims: without leading dimensions, and with ones. */
static void broadcast_input(sample *s, sinter_dtype dtype, int rank, const int64_t *dims) {
    int64_t own[SINTER_MAX_RANK];
    int skip = sample_random() % 2 ? 0 : (int)sample_range(0, rank);
    for (int i = skip; i < rank; ++i) own[i - skip] = sample_random() % 3 ? dims[i] : 1;
    sample_input(s, dtype, rank - skip, own);
}

static uint32_t elementwise(sample *s, const sni_op *op) {
    int64_t dims[SINTER_MAX_RANK];
    int rank = random_shape(dims, 0, 3, 3);
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    for (int i = 0; i < op->min_inputs; ++i)
        broadcast_input(s, i == 0 && op->traits.selects ? SINTER_BOOL : SINTER_F64, rank, dims);
    fill_for(s, op->name);
    for (int a = 0; op->attrs[a].name; ++a)
        if (sample_random() % 2) attrs[a] = sni_attr_float(op->attrs[a].preset * 0.75 + 0.125);
    return sni_graph_add1(s->graph, op->name, op->min_inputs, s->ids, attrs);
}

/* ---- reductions and scans ----------------------------------------------------------------------- */

static sni_attr random_axes(sample *s, int rank) {
    int64_t axes[SINTER_MAX_RANK];
    int count = 0;
    for (int i = 0; i < rank; ++i)
        if (sample_random() % 2) axes[count++] = sample_random() % 2 ? i : i - rank;
    return sni_attr_ints(s->graph, count, axes);
}

static uint32_t one_input(sample *s, int low, int high, int *out_rank) {
    int64_t dims[SINTER_MAX_RANK];
    *out_rank = random_shape(dims, low, high, 4);
    return sample_input(s, SINTER_F64, *out_rank, dims);
}

static uint32_t reduction(sample *s, const sni_op *op) {
    int rank;
    one_input(s, 0, 3, &rank);
    fill_for(s, op->name);
    if (strcmp(op->name, "reduce_prod") == 0 && sample_random() % 2 && s->ins[0]->count) s->ins[0]->f[0] = 0;
    sni_attr attrs[SNI_MAX_ATTRS] = {random_axes(s, rank), sni_attr_int((int64_t)(sample_random() % 2))};
    return sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
}

static uint32_t scan(sample *s, const sni_op *op) {
    int rank;
    one_input(s, 1, 3, &rank);
    if (strcmp(op->name, "cumprod") == 0 && sample_random() % 2) s->ins[0]->f[s->ins[0]->count / 2] = 0;
    /* The first result of an exclusive running extreme is an infinity, whatever the input is. */
    bool extreme = strcmp(op->name, "cummax") == 0 || strcmp(op->name, "cummin") == 0;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(sample_range(-rank, rank - 1)),
                                     sni_attr_int((int64_t)(sample_random() % 2)),
                                     sni_attr_int((int64_t)(sample_random() % 2))};
    uint32_t y = sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
    if (!extreme) return y;
    uint32_t infinite = sni_make_unary(s->graph, "is_inf", y);
    return sni_make_where(s->graph, infinite, sni_make_scalar(s->graph, SINTER_F64, 0), y);
}

static uint32_t row_softmax(sample *s, const sni_op *op) {
    int rank;
    one_input(s, 1, 3, &rank);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_range(-rank, rank - 1))});
}

/* ---- views -------------------------------------------------------------------------------------- */

static uint32_t row_reshape(sample *s, const sni_op *op) {
    int64_t dims[3] = {sample_range(1, 3), sample_range(1, 3), sample_range(1, 3)};
    sample_input(s, SINTER_F64, 3, dims);
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s->graph, 2, (int64_t[]){-1, 1})};
    if (sample_random() % 2 && !s->symbolic) attrs[0] = sni_attr_ints(s->graph, 2, (int64_t[]){dims[2], -1});
    return sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
}

static uint32_t row_transpose(sample *s, const sni_op *op) {
    static const int64_t perms[][3] = {{0, 1, 2}, {2, 0, 1}, {-1, 1, 0}, {1, 0, 2}};
    int64_t dims[3] = {sample_range(1, 3), sample_range(1, 3), sample_range(1, 3)};
    sample_input(s, SINTER_F64, 3, dims);
    uint64_t which = sample_random() % 5;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s->graph, which == 4 ? 0 : 3, which == 4 ? NULL : perms[which])};
    return sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
}

static uint32_t row_expand(sample *s, const sni_op *op) {
    int64_t dims[SINTER_MAX_RANK];
    sni_expr exprs[SINTER_MAX_RANK];
    int rank = random_shape(dims, 0, 3, 3);
    for (int i = 0; i < rank; ++i) exprs[i] = sample_dim(s, dims[i]);
    broadcast_input(s, SINTER_F64, rank, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_exprs(s->graph, rank, exprs)});
}

static uint32_t row_slice(sample *s, const sni_op *op) {
    int64_t dims[3], starts[3], steps[3], sizes[3];
    for (int i = 0; i < 3; ++i) {
        dims[i] = sample_range(1, 6);
        steps[i] = sample_range(-3, 3);
        starts[i] = sample_range(0, dims[i] - 1);
        int64_t room = steps[i] > 0 ? (dims[i] - 1 - starts[i]) / steps[i] : steps[i] < 0 ? starts[i] / -steps[i] : 3;
        sizes[i] = sample_range(0, 8) ? 1 + sample_range(0, room) : 0;
    }
    sample_input(s, SINTER_F64, 3, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s->graph, 3, starts),
                                                    sni_attr_ints(s->graph, 3, steps),
                                                    sni_attr_ints(s->graph, 3, sizes)});
}

static uint32_t row_concat(sample *s, const sni_op *op) {
    int64_t dims[3];
    int rank = random_shape(dims, 1, 3, 3), axis = (int)sample_range(0, rank - 1), count = (int)sample_range(1, 3);
    bool symbolic = s->symbolic;
    s->symbolic = false;
    for (int i = 0; i < count; ++i) {
        dims[axis] = sample_range(0, 3);
        sample_input(s, SINTER_F64, rank, dims);
    }
    s->symbolic = symbolic;
    return sni_graph_add1(s->graph, op->name, count, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_random() % 2 ? axis : axis - rank)});
}

static uint32_t row_pad(sample *s, const sni_op *op) {
    int64_t dims[2] = {sample_range(2, 4), sample_range(2, 4)}, mode = sample_range(0, 3);
    int64_t low[2] = {sample_range(-1, 5), sample_range(-1, 1)}, high[2] = {sample_range(0, 3), sample_range(-1, 5)};
    sample_input(s, SINTER_F64, 2, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s->graph, 2, low), sni_attr_ints(s->graph, 2, high),
                                                    sni_attr_int(mode), sni_attr_float(0.5)});
}

/* Windows over the last dimension or two; window_taps has elements of its own for each element of the kernel. */
static uint32_t row_window(sample *s, const sni_op *op) {
    bool taps = strcmp(op->name, "window_taps") == 0;
    int count = (int)sample_range(1, 2);
    int64_t dims[5] = {sample_range(1, 2)}, kernel[2], strides[2], dilations[2], low[2], every[2], sizes[2];
    for (int i = 0; i < count; ++i) {
        dims[1 + i] = sample_range(1, 4);
        kernel[i] = dims[1 + count + i] = sample_range(1, 3);
        strides[i] = sample_range(1, 3);
        dilations[i] = sample_range(-1, 2);
        low[i] = sample_range(-1, 2);
        every[i] = sample_range(1, 2);
        sizes[i] = sample_range(1, 4);
    }
    bool symbolic = s->symbolic;
    s->symbolic = symbolic && !taps;
    sample_input(s, SINTER_F64, 1 + count + (taps ? count : 0), dims);
    s->symbolic = symbolic;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s->graph, count, kernel),
                                     sni_attr_ints(s->graph, count, strides),
                                     sni_attr_ints(s->graph, count, dilations),
                                     sni_attr_ints(s->graph, count, low),
                                     sni_attr_ints(s->graph, count, every),
                                     sni_attr_ints(s->graph, count, sizes),
                                     sni_attr_float(0.25)};
    return sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
}

static uint32_t row_cast(sample *s, const sni_op *op) {
    int rank;
    one_input(s, 0, 3, &rank);
    return sni_graph_add1(s->graph, op->name, 1, s->ids, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(SINTER_F64)});
}

static uint32_t row_gather(sample *s, const sni_op *op) {
    int64_t dims[3], at[2] = {sample_range(1, 4), sample_range(1, 2)};
    int rank = random_shape(dims, 1, 3, 4), axis = (int)sample_range(0, rank - 1);
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, sample_random() % 2 ? SINTER_I64 : SINTER_I32, (int)sample_range(0, 2), at);
    return sni_graph_add1(s->graph, op->name, 2, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_random() % 2 ? axis : axis - rank)});
}

static uint32_t row_gather_elements(sample *s, const sni_op *op) {
    int64_t dims[3], at[3];
    int rank = random_shape(dims, 1, 3, 3), axis = (int)sample_range(0, rank - 1);
    for (int i = 0; i < rank; ++i) at[i] = i == axis ? sample_range(1, 3) : sample_range(1, dims[i]);
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, SINTER_I64, rank, at);
    return sni_graph_add1(s->graph, op->name, 2, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_random() % 2 ? axis : axis - rank)});
}

static uint32_t row_gather_nd(sample *s, const sni_op *op) {
    int64_t dims[3] = {sample_range(1, 3), sample_range(1, 3), sample_range(1, 3)}, batch = sample_range(0, 1);
    int64_t at[3] = {batch ? dims[0] : sample_range(1, 3), sample_range(1, 2), sample_range(1, batch ? 2 : 3)};
    bool symbolic = s->symbolic;
    s->symbolic = false;
    sample_input(s, SINTER_F64, 3, dims);
    sample_input(s, SINTER_I64, 3, at);
    s->symbolic = symbolic;
    return sni_graph_add1(s->graph, op->name, 2, s->ids, (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(batch)});
}

static uint32_t row_update(sample *s, const sni_op *op) {
    int64_t dims[3], part[3];
    int rank = random_shape(dims, 1, 3, 4);
    for (int i = 0; i < rank; ++i) part[i] = sample_range(1, dims[i]);
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, SINTER_F64, rank, part);
    s->symbolic = false;
    sample_input(s, SINTER_I64, 1, (int64_t[]){rank});
    return sni_graph_add1(s->graph, op->name, 3, s->ids, NULL);
}

/* ---- products, normalisations, convolutions ----------------------------------------------------- */

static uint32_t row_matmul(sample *s, const sni_op *op) {
    int64_t batch[2] = {sample_range(1, 2), sample_range(1, 3)}, m = sample_range(1, 3), n = sample_range(1, 3);
    int64_t k = sample_range(1, 3);
    for (int side = 0; side < 2; ++side) {
        int64_t dims[4];
        int rank = (int)sample_range(0, 2), skip = 2 - rank;
        for (int i = 0; i < rank; ++i) dims[i] = sample_random() % 3 ? batch[skip + i] : 1;
        dims[rank] = side ? k : m;
        dims[rank + 1] = side ? n : k;
        sample_input(s, SINTER_F64, rank + 2, dims);
    }
    return sni_graph_add1(s->graph, op->name, 2, s->ids, NULL);
}

static uint32_t row_gemm(sample *s, const sni_op *op) {
    int64_t m = sample_range(1, 3), n = sample_range(1, 3), k = sample_range(1, 3), ta = sample_range(0, 1),
            tb = sample_range(0, 1);
    sample_input(s, SINTER_F64, 2, ta ? (int64_t[]){k, m} : (int64_t[]){m, k});
    sample_input(s, SINTER_F64, 2, tb ? (int64_t[]){n, k} : (int64_t[]){k, n});
    if (sample_random() % 3) broadcast_input(s, SINTER_F64, 2, (int64_t[]){m, n});
    return sni_graph_add1(
        s->graph, op->name, s->in_count, s->ids,
        (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(0.5), sni_attr_float(-2), sni_attr_int(ta), sni_attr_int(tb)});
}

static uint32_t row_norm(sample *s, const sni_op *op) {
    int64_t dims[3];
    int rank = random_shape(dims, 1, 3, 3), axis = (int)sample_range(0, rank - 1);
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, SINTER_F64, rank - axis, dims + axis);
    if (strcmp(op->name, "layer_norm") == 0 && sample_random() % 2)
        sample_input(s, SINTER_F64, rank - axis, dims + axis);
    return sni_graph_add1(s->graph, op->name, s->in_count, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(axis), sni_attr_float(0.1)});
}

static uint32_t row_channel_norm(sample *s, const sni_op *op) {
    int64_t dims[4], groups = sample_range(1, 2);
    int rank = random_shape(dims, 3, 4, 2);
    bool batch = strcmp(op->name, "batch_norm") == 0, group = strcmp(op->name, "group_norm") == 0;
    dims[1] = groups * sample_range(1, 2);
    sample_input(s, SINTER_F64, rank, dims);
    for (int i = 0; i < (batch ? 4 : 2); ++i) sample_input(s, SINTER_F64, 1, dims + 1);
    if (batch) fill(s->ins[4], 0.25, 2);
    sni_attr attrs[SNI_MAX_ATTRS] = {group ? sni_attr_int(groups) : sni_attr_float(0.1)};
    if (group) attrs[1] = sni_attr_float(0.1);
    return sni_graph_add1(s->graph, op->name, s->in_count, s->ids, attrs);
}

static uint32_t row_lrn(sample *s, const sni_op *op) {
    int64_t dims[4] = {sample_range(1, 2), sample_range(1, 4), sample_range(1, 2), sample_range(1, 2)};
    sample_input(s, SINTER_F64, 4, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(sample_range(1, 4)), sni_attr_float(0.5),
                                                    sni_attr_float(0.75), sni_attr_float(1.5)});
}

/* Kernel, strides, pads and dilations of a window over count dimensions. */
typedef struct spatial {
    int64_t kernel[3], strides[3], pads[6], dilations[3];
} spatial;

static spatial random_spatial(int count, int64_t most_pad) {
    spatial v = {{0}};
    for (int i = 0; i < count; ++i) {
        v.kernel[i] = sample_range(1, count == 3 ? 2 : 3);
        v.strides[i] = sample_range(1, 3);
        v.dilations[i] = sample_range(1, 2);
        v.pads[i] = sample_range(0, most_pad < v.kernel[i] - 1 ? most_pad : v.kernel[i] - 1);
        v.pads[count + i] = sample_range(0, most_pad < v.kernel[i] - 1 ? most_pad : v.kernel[i] - 1);
    }
    return v;
}

static uint32_t row_conv(sample *s, const sni_op *op) {
    bool back = strcmp(op->name, "conv_transpose") == 0, symbolic = s->symbolic;
    int count = (int)sample_range(1, 3), next = 0;
    spatial v = random_spatial(count, 2);
    int64_t groups = sample_range(1, 2), maps = sample_range(1, 2), channels = sample_range(1, 2), extra[3] = {0};
    int64_t x[5] = {sample_range(1, 2), groups * channels}, w[5] = {groups * maps, channels}, bias = groups * maps;
    if (back) {
        w[0] = groups * channels;
        w[1] = maps;
    }
    for (int i = 0; i < count; ++i) {
        int64_t reach = v.dilations[i] * (v.kernel[i] - 1);
        x[2 + i] = back ? 2 + (v.pads[i] + v.pads[count + i]) / v.strides[i] : reach + sample_range(1, 2);
        extra[i] = v.strides[i] > 1 ? sample_range(0, v.strides[i] - 1) : 0;
        w[2 + i] = v.kernel[i];
    }
    sample_input(s, SINTER_F64, 2 + count, x);
    s->symbolic = false;
    sample_input(s, SINTER_F64, 2 + count, w);
    if (sample_random() % 2) sample_input(s, SINTER_F64, 1, &bias);
    s->symbolic = symbolic;
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    attrs[next++] = sni_attr_ints(s->graph, count, v.strides);
    attrs[next++] = sni_attr_ints(s->graph, 2 * count, v.pads);
    attrs[next++] = sni_attr_ints(s->graph, count, v.dilations);
    if (back) attrs[next++] = sni_attr_ints(s->graph, count, extra);
    attrs[next++] = sni_attr_int(groups);
    return sni_graph_add1(s->graph, op->name, s->in_count, s->ids, attrs);
}

static uint32_t row_pool(sample *s, const sni_op *op) {
    int count = (int)sample_range(1, 2);
    bool average = strcmp(op->name, "avg_pool") == 0;
    spatial v = random_spatial(count, 1);
    int64_t x[4] = {sample_range(1, 2), sample_range(1, 2)};
    for (int i = 0; i < count; ++i) x[2 + i] = v.dilations[i] * (v.kernel[i] - 1) + sample_range(1, 4);
    sample_input(s, SINTER_F64, 2 + count, x);
    sni_attr attrs[SNI_MAX_ATTRS] = {
        sni_attr_ints(s->graph, count, v.kernel), sni_attr_ints(s->graph, count, v.strides),
        sni_attr_ints(s->graph, 2 * count, v.pads), sni_attr_ints(s->graph, count, v.dilations),
        sni_attr_int((int64_t)(sample_random() % 2))};
    if (average) attrs[5] = sni_attr_int((int64_t)(sample_random() % 2));
    uint32_t y = sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
    if (average) return y;
    /* A window of padding alone has no largest element. */
    uint32_t infinite = sni_make_unary(s->graph, "is_inf", y);
    return sni_make_where(s->graph, infinite, sni_make_scalar(s->graph, SINTER_F64, 0), y);
}

static uint32_t row_trilu(sample *s, const sni_op *op) {
    int64_t dims[3] = {sample_range(1, 2), sample_range(1, 4), sample_range(1, 4)};
    sample_input(s, SINTER_F64, 3, dims);
    return sni_graph_add1(
        s->graph, op->name, 1, s->ids,
        (sni_attr[SNI_MAX_ATTRS]){sni_attr_int((int64_t)(sample_random() % 2)), sni_attr_int(sample_range(-2, 2))});
}

static uint32_t row_shape(sample *s, const sni_op *op) {
    int64_t dims[3] = {sample_range(1, 3), 1, sample_range(1, 3)};
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_ints(s->graph, 1, (int64_t[]){1})};
    if (strcmp(op->name, "flatten") == 0) attrs[0] = sni_attr_int(sample_range(0, 3));
    s->symbolic = false;
    sample_input(s, SINTER_F64, 3, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids, attrs);
}

static uint32_t row_resize(sample *s, const sni_op *op) {
    int64_t dims[2] = {sample_range(1, 4), sample_range(1, 4)}, sizes[2] = {sample_range(1, 6), sample_range(1, 6)};
    sample_input(s, SINTER_F64, 2, dims);
    return sni_graph_add1(s->graph, op->name, 1, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_ints(s->graph, 2, sizes), sni_attr_int(sample_range(0, 2)),
                                                    sni_attr_int(sample_range(0, 3)), sni_attr_int(sample_range(0, 3)),
                                                    sni_attr_float(-0.75)});
}

static uint32_t row_cross_entropy(sample *s, const sni_op *op) {
    int64_t dims[3], ignored = -100;
    int rank = random_shape(dims, 1, 3, 4);
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, sample_random() % 2 ? SINTER_I64 : SINTER_U8, rank - 1, dims);
    for (int64_t i = 0; i < s->ins[1]->count; ++i) s->ins[1]->i[i] = sample_range(0, dims[rank - 1] - 1);
    if (sample_random() % 2) ignored = s->ins[1]->i[0];
    return sni_graph_add1(s->graph, op->name, 2, s->ids,
                          (sni_attr[SNI_MAX_ATTRS]){sni_attr_int(ignored),
                                                    sni_attr_float(sample_random() % 2 ? 0.2 : 0),
                                                    sni_attr_float(sample_random() % 2 ? 0.1 : 0)});
}

static uint32_t row_linear_cross_entropy(sample *s, const sni_op *op) {
    int64_t dims[4], ignored = -100;
    int rank = random_shape(dims, 1, 3, 4);
    int64_t weight[2] = {dims[rank - 1], sample_range(1, 5)};
    sample_input(s, SINTER_F64, rank, dims);
    sample_input(s, SINTER_F64, 2, weight);
    sample_input(s, sample_random() % 2 ? SINTER_I64 : SINTER_U8, rank - 1, dims);
    for (int64_t i = 0; i < s->ins[2]->count; ++i) s->ins[2]->i[i] = sample_range(0, weight[1] - 1);
    if (sample_random() % 2) ignored = s->ins[2]->i[0];
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_int(ignored), sni_attr_float(sample_random() % 2 ? 0.2 : 0),
                                     sni_attr_float(sample_random() % 2 ? 0.1 : 0), sni_attr_int(sample_range(1, 4))};
    return sni_graph_add1(s->graph, op->name, 3, s->ids, attrs);
}

static uint32_t row_dropout(sample *s, const sni_op *op) {
    int64_t dims[3];
    sample_input(s, SINTER_F64, random_shape(dims, 0, 3, 4), dims);
    for (int i = 0; i < 2; ++i) sample_input(s, SINTER_I64, 0, NULL);
    return sni_graph_add1(s->graph, op->name, 3, s->ids, (sni_attr[SNI_MAX_ATTRS]){sni_attr_float(0.4)});
}

/* Results are positions: the gradient is zeros, as the slope is. */
static uint32_t row_hardmax(sample *s, const sni_op *op) {
    return row_softmax(s, op);
}

static const struct {
    const char *op;
    uint32_t (*make)(sample *s, const sni_op *op);
} g_rows[] = {
    {"reshape", row_reshape},
    {"transpose", row_transpose},
    {"expand", row_expand},
    {"slice", row_slice},
    {"concat", row_concat},
    {"pad", row_pad},
    {"window", row_window},
    {"window_taps", row_window},
    {"cast", row_cast},
    {"gather", row_gather},
    {"gather_elements", row_gather_elements},
    {"gather_nd", row_gather_nd},
    {"update", row_update},
    {"matmul", row_matmul},
    {"gemm", row_gemm},
    {"softmax", row_softmax},
    {"log_softmax", row_softmax},
    {"hardmax", row_hardmax},
    {"layer_norm", row_norm},
    {"rms_norm", row_norm},
    {"batch_norm", row_channel_norm},
    {"instance_norm", row_channel_norm},
    {"group_norm", row_channel_norm},
    {"lrn", row_lrn},
    {"conv", row_conv},
    {"conv_transpose", row_conv},
    {"max_pool", row_pool},
    {"avg_pool", row_pool},
    {"trilu", row_trilu},
    {"squeeze", row_shape},
    {"unsqueeze", row_shape},
    {"flatten", row_shape},
    {"resize", row_resize},
    {"cross_entropy", row_cross_entropy},
    {"linear_cross_entropy", row_linear_cross_entropy},
    {"dropout", row_dropout},
};

/* Rows whose results are no real numbers made of real numbers, or are meant to have no gradient. */
static bool has_no_gradient(const sni_op *op) {
    static const char *const names[] = {"iota", "known", "argmax", "argmin", "stop_gradient"};
    for (size_t i = 0; i < SAMPLE_COUNT(names); ++i)
        if (strcmp(names[i], op->name) == 0) return true;
    return !(op->classes & SNI_CLASS_REAL) || op->result == SNI_RESULT_BOOL;
}

static uint32_t make(sample *s, const sni_op *op) {
    for (size_t i = 0; i < SAMPLE_COUNT(g_rows); ++i)
        if (strcmp(g_rows[i].op, op->name) == 0) return g_rows[i].make(s, op);
    if (op->kind == SNI_OP_ELEMENTWISE) return elementwise(s, op);
    if (op->kind == SNI_OP_SCAN) return scan(s, op);
    if (strncmp(op->name, "reduce_", 7) == 0) return reduction(s, op);
    ck_abort_msg("the row %s needs a gradient check, or to be listed as one that has no gradient", op->name);
}

START_TEST(gradient_of_a_row) {
    const sni_op *op = sni_op_at((size_t)_i);
    if (has_no_gradient(op)) return;
    for (int round = 0; round < ROUNDS; ++round) {
        sample s = sample_begin(round % 2);
        gradient_check(&s, make(&s, op), op->name);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gradients of rows");
    TCase *cases = tcase_create("rows");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, gradient_of_a_row, 0, (int)sni_op_count());
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
