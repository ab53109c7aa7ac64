/* ONNX RNN, GRU and LSTM, unrolled over a sequence length that is a number. The products with the
 * input are taken for all steps at once. */
#include "onnx/importer.h"

#include <string.h>

#define MAX_STEPS 1024

/* An ONNX activation: the graph's operator, or a name of its own for those that are composed here. */
typedef struct {
    const char *name, *op;
    int parameters;     /* how many of alpha and beta it has */
    double alpha, beta; /* presets, then the values */
} activation;

static const activation activation_rows[] = {
    {"Sigmoid", "sigmoid", 0, 0, 0},
    {"Tanh", "tanh", 0, 0, 0},
    {"Relu", "relu", 0, 0, 0},
    {"Softsign", "softsign", 0, 0, 0},
    {"Softplus", "softplus", 0, 0, 0},
    {"LeakyRelu", "leaky_relu", 1, 0.01, 0},
    {"ThresholdedRelu", "thresholded_relu", 1, 1, 0},
    {"Elu", "elu", 1, 1, 0},
    {"HardSigmoid", "hard_sigmoid", 2, 0.2, 0.5},
    {"Affine", NULL, 2, 1, 0},
    {"ScaledTanh", "tanh", 2, 1, 1},
};

typedef struct {
    int gates; /* 1, 3 or 4 */
    int64_t steps, directions, hidden;
    bool backward_only, by_batch; /* by_batch: layout 1 */
    uint32_t x;                   /* [steps, batch, input] */
    uint32_t lengths;             /* i64 [batch, 1], or 0: all rows are as long */
    sni_expr batch;
    sinter_dtype dtype;
    double clip; /* 0: none */
    activation activations[6];
} network;

/* One direction's operands: weights are transposed. */
typedef struct {
    uint32_t inputs; /* x * W + bias of all steps: [steps, batch, gates * hidden] */
    uint32_t recurrent, recurrent_bias;
    uint32_t peephole; /* [3 * hidden] or 0 */
    uint32_t h, c;
    const activation *activations;
} direction;

static uint32_t part(sni_onnx_call *call, uint32_t x, int axis, int64_t start, int64_t size) {
    return sni_onnx_slice_axis(call, x, axis, sni_onnx_const(call, start), sni_onnx_const(call, size));
}

/* Slice at of axis, without the axis. */
static uint32_t pick(sni_onnx_call *call, uint32_t x, int axis, int64_t at) {
    return sni_onnx_squeeze(call, part(call, x, axis, at, 1), axis);
}

/* ---- attributes and operands ---- */

/* Names are compared without regard to case, as ONNX has it. */
static bool same_name(const char *row, const uint8_t *text, size_t length) {
    if (strlen(row) != length) return false;
    for (size_t i = 0; i < length; i++)
        if ((row[i] | 32) != (text[i] | 32)) return false;
    return true;
}

static activation find_activation(sni_onnx_call *call, const uint8_t *text, size_t length) {
    for (size_t i = 0; i < sizeof activation_rows / sizeof *activation_rows; i++)
        if (same_name(activation_rows[i].name, text, length)) return activation_rows[i];
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "activation '%.*s'", (int)(length < 64 ? length : 64),
                  length ? (const char *)text : "");
    return activation_rows[0];
}

/* Values of activation_alpha and activation_beta are consumed by the functions that have such a parameter, in order. */
static void read_activations(sni_onnx_call *call, network *net) {
    static const char *const presets[5][3] = {
        [1] = {"Tanh"}, [3] = {"Sigmoid", "Tanh"}, [4] = {"Sigmoid", "Tanh", "Tanh"}};
    int each = net->gates == 1 ? 1 : net->gates - 1, alpha_count, beta_count, alphas_used = 0, betas_used = 0;
    const Onnx__AttributeProto *given = sni_onnx_attr(call, "activations");
    const float *alphas = sni_onnx_attr_floats(call, "activation_alpha", &alpha_count);
    const float *betas = sni_onnx_attr_floats(call, "activation_beta", &beta_count);
    if (given && given->n_strings > 0 && given->n_strings != (size_t)(each * net->directions))
        sni_onnx_fail(call, SINTER_PARSE, "%zu activations, not %d", given->n_strings, each * (int)net->directions);
    for (int i = 0; i < each * net->directions && call->status == SINTER_OK; i++) {
        const char *preset = presets[net->gates][i % each];
        bool own = given && (size_t)i < given->n_strings;
        activation *f = &net->activations[i];
        *f = own ? find_activation(call, given->strings[i].data, given->strings[i].len)
                 : find_activation(call, (const uint8_t *)preset, strlen(preset));
        if (f->parameters > 0 && alphas_used < alpha_count) f->alpha = (double)alphas[alphas_used++];
        if (f->parameters > 1 && betas_used < beta_count) f->beta = (double)betas[betas_used++];
    }
}

static bool read_network(sni_onnx_call *call, int gates, network *net) {
    const char *way = sni_onnx_attr_text(call, "direction", "forward");
    *net = (network){.gates = gates, .directions = strcmp(way, "bidirectional") == 0 ? 2 : 1};
    net->backward_only = strcmp(way, "reverse") == 0;
    net->by_batch = sni_onnx_attr_int(call, "layout", 0) != 0;
    net->clip = sni_onnx_attr_float(call, "clip", 0);
    net->x = sni_onnx_in(call, 0);
    net->dtype = sni_onnx_type(call, net->x).dtype;
    if (sni_onnx_rank(call, net->x) != 3 || sni_onnx_rank(call, sni_onnx_in(call, 1)) != 3 ||
        sni_onnx_rank(call, sni_onnx_in(call, 2)) != 3) {
        sni_onnx_fail(call, SINTER_SHAPE, "X, W and R have three dimensions");
        return false;
    }
    static const int swap[] = {1, 0, 2};
    if (net->by_batch) net->x = sni_onnx_transpose(call, net->x, 3, swap);
    net->steps = sni_onnx_static(call, sni_onnx_dim(call, net->x, 0), "the sequence length");
    net->hidden = sni_onnx_static(call, sni_onnx_dim(call, sni_onnx_in(call, 2), 2), "the hidden size");
    net->batch = sni_onnx_dim(call, net->x, 1);
    if (net->steps < 1 || net->steps > MAX_STEPS || net->hidden < 1 || net->hidden > INT32_MAX)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%lld steps (1 to %d are unrolled)", (long long)net->steps, MAX_STEPS);
    read_activations(call, net);
    return call->status == SINTER_OK;
}

/* Rows that end early: behind their end their state stays and their output is 0. Walked backwards, a row's state stays as
 * it began until its last element is reached. */
static void read_lengths(sni_onnx_call *call, network *net) {
    uint32_t lengths = sni_onnx_in(call, 4);
    if (!lengths) return;
    net->lengths = sni_onnx_unsqueeze(call, sni_onnx_cast(call, lengths, SINTER_I64), 1);
}

/* [directions, batch, hidden] (or batch first), of one direction; zeros when left out. */
static uint32_t initial(sni_onnx_call *call, const network *net, int input, int64_t d) {
    uint32_t state = sni_onnx_in(call, input);
    sni_onnx_list shape = {2, {net->batch, sni_onnx_const(call, net->hidden)}};
    if (!state) return sni_onnx_expand(call, sni_onnx_scalar(call, net->dtype, 0), &shape);
    return pick(call, state, net->by_batch ? 1 : 0, d);
}

static uint32_t transposed(sni_onnx_call *call, uint32_t matrix) {
    static const int perm[] = {1, 0};
    return sni_onnx_transpose(call, matrix, 2, perm);
}

/* merge: the recurrent bias is added with the other, where no gate lies between them. */
static direction direction_of(sni_onnx_call *call, const network *net, int64_t d, bool merge, int cell_input,
                              int peephole_input) {
    int64_t width = net->gates * net->hidden;
    direction way = {.activations = net->activations + d * (net->gates == 1 ? 1 : net->gates - 1)};
    uint32_t weights = transposed(call, pick(call, sni_onnx_in(call, 1), 0, d));
    uint32_t bias = sni_onnx_in(call, 3), peephole = sni_onnx_in(call, peephole_input);
    way.recurrent = transposed(call, pick(call, sni_onnx_in(call, 2), 0, d));
    way.inputs = sni_onnx_binary(call, "matmul", net->x, weights);
    if (bias) {
        bias = pick(call, bias, 0, d);
        way.recurrent_bias = part(call, bias, 0, width, width);
        bias = part(call, bias, 0, 0, width);
        if (merge) bias = sni_onnx_binary(call, "add", bias, way.recurrent_bias);
        way.inputs = sni_onnx_binary(call, "add", way.inputs, bias);
    }
    way.h = initial(call, net, 5, d);
    if (cell_input) way.c = initial(call, net, cell_input, d);
    if (peephole_input && peephole) way.peephole = pick(call, peephole, 0, d);
    return way;
}

/* ---- cells ---- */

static uint32_t apply(sni_onnx_call *call, const activation *f, uint32_t x) {
    if (!f->op) return sni_onnx_binary_scalar(call, "add", sni_onnx_binary_scalar(call, "mul", x, f->alpha), f->beta);
    if (strcmp(f->name, "ScaledTanh") == 0) {
        x = sni_onnx_unary(call, "tanh", sni_onnx_binary_scalar(call, "mul", x, f->beta));
        return sni_onnx_binary_scalar(call, "mul", x, f->alpha);
    }
    if (f->parameters == 0) return sni_onnx_unary(call, f->op, x);
    return sni_onnx_emit(call, f->op, SNI_IN(x),
                         SNI_ATTRS(sni_attr_float(f->alpha),
                                   f->parameters > 1 ? sni_attr_float(f->beta) : (sni_attr){.kind = SNI_ATTR_NONE}));
}

static uint32_t activate(sni_onnx_call *call, const network *net, const activation *f, uint32_t x) {
    if (net->clip > 0)
        x = sni_onnx_emit(
            call, "clip",
            SNI_IN(x, sni_onnx_scalar(call, net->dtype, -net->clip), sni_onnx_scalar(call, net->dtype, net->clip)),
            NULL);
    return apply(call, f, x);
}

static uint32_t gate(sni_onnx_call *call, const network *net, uint32_t all, int index) {
    return part(call, all, sni_onnx_rank(call, all) - 1, index * net->hidden, net->hidden);
}

static uint32_t rnn_cell(sni_onnx_call *call, const network *net, const direction *way, uint32_t x) {
    uint32_t sum = sni_onnx_binary(call, "matmul", way->h, way->recurrent);
    return activate(call, net, &way->activations[0], sni_onnx_binary(call, "add", x, sum));
}

/* Gates in the order z, r, h. */
static uint32_t gru_cell(sni_onnx_call *call, const network *net, const direction *way, uint32_t x,
                         bool linear_before_reset) {
    uint32_t from_h = sni_onnx_binary(call, "matmul", way->h, way->recurrent), z, r, h;
    uint32_t both = sni_onnx_binary(call, "add", x, from_h);
    if (linear_before_reset && way->recurrent_bias) {
        from_h = sni_onnx_binary(call, "add", from_h, way->recurrent_bias);
        both = sni_onnx_binary(call, "add", x, from_h);
    }
    z = activate(call, net, &way->activations[0], gate(call, net, both, 0));
    r = activate(call, net, &way->activations[0], gate(call, net, both, 1));
    if (linear_before_reset)
        h = sni_onnx_binary(call, "mul", r, gate(call, net, from_h, 2));
    else
        h = sni_onnx_binary(call, "matmul", sni_onnx_binary(call, "mul", r, way->h),
                            gate(call, net, way->recurrent, 2));
    h = activate(call, net, &way->activations[1], sni_onnx_binary(call, "add", gate(call, net, x, 2), h));
    /* (1 - z) h + z H = h + z (H - h) */
    uint32_t change = sni_onnx_binary(call, "sub", way->h, h);
    return sni_onnx_binary(call, "add", h, sni_onnx_binary(call, "mul", z, change));
}

static uint32_t peep(sni_onnx_call *call, const network *net, const direction *way, uint32_t gate_in, int index,
                     uint32_t c) {
    if (!way->peephole) return gate_in;
    uint32_t weight = gate(call, net, way->peephole, index);
    return sni_onnx_binary(call, "add", gate_in, sni_onnx_binary(call, "mul", weight, c));
}

/* Gates in the order i, o, f, c; peepholes i, o, f. */
static uint32_t lstm_cell(sni_onnx_call *call, const network *net, direction *way, uint32_t x, uint32_t *out_c) {
    bool coupled = sni_onnx_attr_int(call, "input_forget", 0) != 0;
    const activation *f = way->activations;
    uint32_t all = sni_onnx_binary(call, "add", x, sni_onnx_binary(call, "matmul", way->h, way->recurrent));
    uint32_t i = peep(call, net, way, gate(call, net, all, 0), 0, way->c);
    uint32_t forget = peep(call, net, way, gate(call, net, all, 2), 2, way->c);
    i = activate(call, net, &f[0], i);
    if (coupled)
        forget = sni_onnx_binary(call, "sub", sni_onnx_scalar(call, net->dtype, 1), i);
    else
        forget = activate(call, net, &f[0], forget);
    uint32_t fresh = activate(call, net, &f[1], gate(call, net, all, 3));
    *out_c = sni_onnx_binary(call, "add", sni_onnx_binary(call, "mul", forget, way->c),
                             sni_onnx_binary(call, "mul", i, fresh));
    uint32_t o = peep(call, net, way, gate(call, net, all, 1), 1, *out_c);
    o = activate(call, net, &f[0], o);
    return sni_onnx_binary(call, "mul", o, apply(call, &f[2], *out_c));
}

/* ---- the walk over time ---- */

static void take_step(sni_onnx_call *call, const network *net, direction *way, int64_t step, uint32_t *out_y) {
    uint32_t x = pick(call, way->inputs, 0, step), c = way->c, h;
    if (net->gates == 1)
        h = rnn_cell(call, net, way, x);
    else if (net->gates == 3)
        h = gru_cell(call, net, way, x, sni_onnx_attr_int(call, "linear_before_reset", 0) != 0);
    else
        h = lstm_cell(call, net, way, x, &c);
    *out_y = h;
    if (net->lengths) {
        uint32_t runs = sni_onnx_binary(call, "lt", sni_onnx_scalar(call, SINTER_I64, (double)step), net->lengths);
        *out_y = sni_onnx_where(call, runs, h, sni_onnx_scalar(call, net->dtype, 0));
        h = sni_onnx_where(call, runs, h, way->h);
        if (c) c = sni_onnx_where(call, runs, c, way->c);
    }
    way->h = h;
    way->c = c;
}

/* y of all steps: [steps, 1, batch, hidden]. */
static uint32_t run_direction(sni_onnx_call *call, const network *net, direction *way, bool backward) {
    uint32_t *outputs = sni_arena_alloc(call->importer->arena, (size_t)net->steps * sizeof *outputs);
    sni_onnx_list shape = {
        4, {sni_onnx_const(call, 1), sni_onnx_const(call, 1), net->batch, sni_onnx_const(call, net->hidden)}};
    if (!outputs) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
        return 0;
    }
    for (int64_t i = 0; i < net->steps && call->status == SINTER_OK; i++) {
        int64_t step = backward ? net->steps - 1 - i : i;
        take_step(call, net, way, step, &outputs[step]);
        outputs[step] = sni_onnx_reshape(call, outputs[step], &shape);
    }
    return sni_onnx_concat(call, (int)net->steps, outputs, 0);
}

/* States of the directions as [directions, batch, hidden], or batch first. */
static uint32_t join_states(sni_onnx_call *call, const network *net, const uint32_t *states) {
    uint32_t parts[2] = {0, 0};
    for (int d = 0; d < net->directions; d++) parts[d] = sni_onnx_unsqueeze(call, states[d], net->by_batch ? 1 : 0);
    return sni_onnx_concat(call, (int)net->directions, parts, net->by_batch ? 1 : 0);
}

static void run_network(sni_onnx_call *call, int gates) {
    network net;
    uint32_t ys[2] = {0, 0}, hs[2] = {0, 0}, cs[2] = {0, 0};
    if (!read_network(call, gates, &net)) return;
    read_lengths(call, &net);
    bool merge = gates != 3 || !sni_onnx_attr_int(call, "linear_before_reset", 0);
    for (int d = 0; d < net.directions && call->status == SINTER_OK; d++) {
        direction way = direction_of(call, &net, d, merge, gates == 4 ? 6 : 0, gates == 4 ? 7 : 0);
        ys[d] = run_direction(call, &net, &way, net.backward_only || d == 1);
        hs[d] = way.h;
        cs[d] = way.c;
    }
    static const int batch_first[] = {2, 0, 1, 3};
    if (sni_onnx_wants(call, 0)) {
        uint32_t y = sni_onnx_concat(call, (int)net.directions, ys, 1);
        call->out[0] = net.by_batch ? sni_onnx_transpose(call, y, 4, batch_first) : y;
    }
    if (sni_onnx_wants(call, 1)) call->out[1] = join_states(call, &net, hs);
    if (sni_onnx_wants(call, 2) && gates == 4) call->out[2] = join_states(call, &net, cs);
}

static void rnn(sni_onnx_call *call) {
    run_network(call, 1);
}
static void gru(sni_onnx_call *call) {
    run_network(call, 3);
}
static void lstm(sni_onnx_call *call) {
    run_network(call, 4);
}

static const sni_onnx_row rows[] = {
    {"RNN", 7, 3, 6, 2, rnn, NULL},
    {"GRU", 7, 3, 6, 2, gru, NULL},
    {"LSTM", 7, 3, 8, 3, lstm, NULL},
};
const sni_onnx_family sni_onnx_recurrent_family = {rows, sizeof rows / sizeof *rows};
