/* ONNX DFT, STFT and MelWeightMatrix. A transform is a product with a matrix of cosines and sines; an element of it is read
 * from a table of one turn at (n * k) mod length, so that angles stay small and exact whatever the length. */
#include "onnx/importer.h"

#include <math.h>

#define TURN 6.283185307179586476925
#define MAX_TABLE 1048576 /* longer tables are computed on the device */

/* cos and sin of 2 pi i / length, i = 0 .. length - 1. */
typedef struct {
    uint32_t cosine, sine;
} turn;

static uint32_t host_table(sni_onnx_call *call, int64_t length, sinter_dtype dtype, double (*f)(double)) {
    double *values = sni_arena_alloc(call->importer->arena, (size_t)length * sizeof *values);
    float *floats = sni_arena_alloc(call->importer->arena, (size_t)length * sizeof *floats);
    if (!values || !floats) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
        return 0;
    }
    for (int64_t i = 0; i < length; i++) values[i] = f(TURN * (double)i / (double)length);
    if (dtype == SINTER_F64) return sni_onnx_constant(call, dtype, 1, &length, values, (size_t)length * sizeof *values);
    for (int64_t i = 0; i < length; i++) floats[i] = (float)values[i];
    return sni_onnx_constant(call, dtype, 1, &length, floats, (size_t)length * sizeof *floats);
}

static turn turn_of(sni_onnx_call *call, sni_expr length, sinter_dtype dtype) {
    int64_t number = 0;
    if (sni_sym_is_const(call->sym, length, &number) && number > 0 && number <= MAX_TABLE)
        return (turn){host_table(call, number, dtype, cos), host_table(call, number, dtype, sin)};
    sni_onnx_list shape = {1, {length}};
    uint32_t size = sni_onnx_cast(call, sni_onnx_known(call, 0, &shape), dtype);
    uint32_t angle = sni_onnx_binary_scalar(call, "mul", sni_onnx_iota(call, &shape, dtype, 0), TURN);
    angle = sni_onnx_binary(call, "div", angle, size);
    return (turn){sni_onnx_unary(call, "cos", angle), sni_onnx_unary(call, "sin", angle)};
}

/* A matrix [rows, columns] of the table's elements at (row * column) mod length. */
static uint32_t spread(sni_onnx_call *call, uint32_t table, sni_expr rows, sni_expr columns, sni_expr length) {
    sni_onnx_list shape = {2, {rows, columns}}, size = {1, {length}};
    uint32_t at = sni_onnx_binary(call, "mul", sni_onnx_iota(call, &shape, SINTER_I64, 0),
                                  sni_onnx_iota(call, &shape, SINTER_I64, 1));
    at = sni_onnx_binary(call, "mod", at, sni_onnx_known(call, 0, &size));
    return sni_onnx_emit(call, "gather", SNI_IN(table, at), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0)));
}

/* A signal [.., n] in parts; imaginary 0: it is real. */
typedef struct {
    uint32_t real, imaginary;
} signal_parts;

/* sum over n of x[.., n] exp(-+ 2 pi i n k / length), k = 0 .. bins - 1. */
static signal_parts transform(sni_onnx_call *call, signal_parts x, sni_expr bins, sni_expr length, bool inverse) {
    sni_expr terms = sni_onnx_dim(call, x.real, -1);
    turn t = turn_of(call, length, sni_onnx_type(call, x.real).dtype);
    uint32_t c = spread(call, t.cosine, terms, bins, length), s = spread(call, t.sine, terms, bins, length);
    if (inverse) s = sni_onnx_unary(call, "neg", s);
    signal_parts y = {sni_onnx_binary(call, "matmul", x.real, c),
                      sni_onnx_unary(call, "neg", sni_onnx_binary(call, "matmul", x.real, s))};
    if (!x.imaginary) return y;
    y.real = sni_onnx_binary(call, "add", y.real, sni_onnx_binary(call, "matmul", x.imaginary, s));
    y.imaginary = sni_onnx_binary(call, "add", y.imaginary, sni_onnx_binary(call, "matmul", x.imaginary, c));
    return y;
}

/* A one-sided spectrum stands for its mirror image, too: of the real signal of length, every bin counts twice but the first
 * and, when the length is even, the middle one. */
static signal_parts double_inner(sni_onnx_call *call, signal_parts x, sni_expr length) {
    sinter_dtype dtype = sni_onnx_type(call, x.real).dtype;
    sni_onnx_list shape = {1, {sni_onnx_dim(call, x.real, -1)}}, size = {1, {length}};
    uint32_t k = sni_onnx_iota(call, &shape, SINTER_I64, 0), whole = sni_onnx_known(call, 0, &size);
    uint32_t twice = sni_onnx_binary_scalar(call, "mul", k, 2);
    uint32_t inner = sni_onnx_binary(call, "and", sni_onnx_binary_scalar(call, "gt", k, 0),
                                     sni_onnx_binary(call, "lt", twice, whole));
    uint32_t outer = sni_onnx_binary(call, "or", sni_onnx_binary_scalar(call, "eq", k, 0),
                                     sni_onnx_binary(call, "eq", twice, whole));
    uint32_t factor = sni_onnx_where(call, inner, sni_onnx_scalar(call, dtype, 2), sni_onnx_cast(call, outer, dtype));
    x.real = sni_onnx_binary(call, "mul", x.real, factor);
    if (x.imaginary) x.imaginary = sni_onnx_binary(call, "mul", x.imaginary, factor);
    return x;
}

/* The last dimension is cut to size or filled up with zeros behind. */
static uint32_t fit_last(sni_onnx_call *call, uint32_t x, sni_expr size) {
    int rank = sni_onnx_rank(call, x);
    sni_expr dim = sni_onnx_dim(call, x, -1), zero = sni_onnx_const(call, 0);
    if (dim == size || call->status != SINTER_OK) return x;
    x = sni_onnx_slice_axis(call, x, rank - 1, zero, sni_sym_min(call->sym, dim, size));
    sni_onnx_list low = {.count = rank}, high = {.count = rank};
    for (int i = 0; i < rank; i++) low.at[i] = high.at[i] = zero;
    high.at[rank - 1] = sni_sym_max(call->sym, sni_sym_sub(call->sym, size, dim), zero);
    return sni_onnx_emit(
        call, "pad", SNI_IN(x),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high)));
}

static uint32_t move_axis(sni_onnx_call *call, uint32_t x, int from, int to) {
    int rank = sni_onnx_rank(call, x), perm[SINTER_MAX_RANK], count = 0;
    for (int i = 0; i < rank; i++) perm[i] = i;
    if (from == to || rank < 0) return x;
    for (int i = 0; i < rank; i++)
        if (i != from) perm[count++] = i;
    for (int i = rank - 1; i > to; i--) perm[i] = perm[i - 1];
    perm[to] = from;
    return sni_onnx_transpose(call, x, rank, perm);
}

/* Halves are transformed in f32. */
static sinter_dtype working(sinter_dtype dtype) {
    return dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32;
}

/* Parts of x [.., 1 or 2], their last dimension the one that was axis. */
static bool parts_of(sni_onnx_call *call, uint32_t x, int axis, signal_parts *out) {
    int rank = sni_onnx_rank(call, x);
    int64_t parts = sni_onnx_static(call, sni_onnx_dim(call, x, -1), "the last dimension");
    if (parts != 1 && parts != 2) {
        sni_onnx_fail(call, SINTER_SHAPE, "the last dimension is %lld: 1 (real) or 2 (complex)", (long long)parts);
        return false;
    }
    x = sni_onnx_cast(call, x, working(sni_onnx_type(call, x).dtype));
    uint32_t at[2] = {0, 0};
    for (int i = 0; i < parts; i++) {
        at[i] = sni_onnx_slice_axis(call, x, rank - 1, sni_onnx_const(call, i), sni_onnx_const(call, 1));
        at[i] = move_axis(call, sni_onnx_squeeze(call, at[i], rank - 1), axis, rank - 2);
    }
    *out = (signal_parts){at[0], at[1]};
    return call->status == SINTER_OK;
}

/* The parts as [.., 1 or 2], their last dimension moved back to axis. */
static uint32_t join(sni_onnx_call *call, signal_parts y, int axis, sinter_dtype dtype) {
    uint32_t at[2] = {y.real, y.imaginary};
    int last = sni_onnx_rank(call, y.real) - 1, count = y.imaginary ? 2 : 1;
    for (int i = 0; i < count; i++) at[i] = sni_onnx_unsqueeze(call, move_axis(call, at[i], last, axis), last + 1);
    return sni_onnx_cast(call, sni_onnx_concat(call, count, at, last + 1), dtype);
}

/* A scalar operand that is known at import. */
static bool scalar_of(sni_onnx_call *call, uint32_t value, const char *what, sni_expr *out) {
    sni_onnx_list list;
    if (!sni_onnx_elements(call, value, what, &list)) return false;
    if (list.count != 1) sni_onnx_fail(call, SINTER_PARSE, "the %s has %d elements", what, list.count);
    *out = list.at[0];
    return call->status == SINTER_OK;
}

static sni_expr half_plus_one(sni_onnx_call *call, sni_expr length) {
    return sni_sym_add_i(call->sym, sni_sym_div(call->sym, length, sni_onnx_const(call, 2)), 1);
}

/* The axis: an attribute in opset 17, an operand from 20 on. */
static int dft_axis(sni_onnx_call *call, int rank) {
    int64_t axis = call->opset < 20 ? sni_onnx_attr_int(call, "axis", 1) : -2;
    int count = 0;
    uint32_t value = call->opset < 20 ? 0 : sni_onnx_in(call, 2);
    if (value && !sni_onnx_numbers_of(call, value, "axis operand", 1, &axis, &count)) return -1;
    int at = sni_onnx_axis(call, axis, rank);
    if (at == rank - 1) sni_onnx_fail(call, SINTER_PARSE, "axis %d holds the parts of numbers", at);
    return call->status == SINTER_OK ? at : -1;
}

static bool dft_length(sni_onnx_call *call, sni_expr dim, bool to_real, sni_expr *out) {
    int64_t number = 1;
    *out = to_real ? sni_sym_mul_i(call->sym, sni_sym_add_i(call->sym, dim, -1), 2) : dim;
    if (sni_onnx_in(call, 1) && !scalar_of(call, sni_onnx_in(call, 1), "dft_length operand", out)) return false;
    if (sni_sym_is_const(call->sym, *out, &number) && (number < 1 || number > INT32_MAX))
        sni_onnx_fail(call, SINTER_PARSE, "a transform of length %lld", (long long)number);
    return call->status == SINTER_OK;
}

static void dft(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    int rank = sni_onnx_rank(call, x);
    bool inverse = sni_onnx_attr_int(call, "inverse", 0) != 0, onesided = sni_onnx_attr_int(call, "onesided", 0) != 0;
    signal_parts parts;
    sni_expr length;
    if (rank < 2) sni_onnx_fail(call, SINTER_SHAPE, "a signal of rank %d", rank);
    int axis = call->status == SINTER_OK ? dft_axis(call, rank) : -1;
    bool to_real = inverse && onesided;
    if (axis < 0 || !parts_of(call, x, axis, &parts)) return;
    if (!dft_length(call, sni_onnx_dim(call, x, axis), to_real, &length)) return;
    if (onesided && !inverse && parts.imaginary)
        sni_onnx_fail(call, SINTER_PARSE, "a one-sided transform of a complex signal");
    sni_expr bins = half_plus_one(call, length), terms = to_real ? bins : length;
    parts.real = fit_last(call, parts.real, terms);
    if (parts.imaginary) parts.imaginary = fit_last(call, parts.imaginary, terms);
    if (to_real) parts = double_inner(call, parts, length);
    signal_parts y = transform(call, parts, onesided && !inverse ? bins : length, length, inverse);
    if (to_real) y.imaginary = 0;
    if (inverse) {
        sni_onnx_list size = {1, {length}};
        uint32_t divisor = sni_onnx_cast(call, sni_onnx_known(call, 0, &size), working(dtype));
        y.real = sni_onnx_binary(call, "div", y.real, divisor);
        if (y.imaginary) y.imaginary = sni_onnx_binary(call, "div", y.imaginary, divisor);
    }
    call->out[0] = join(call, y, axis, dtype);
}

/* x [batch, length] as frames [batch, count, size], step apart. */
static uint32_t frames_of(sni_onnx_call *call, uint32_t x, sni_expr count, sni_expr size, sni_expr step) {
    sni_onnx_list shape = {2, {count, size}}, steps = {1, {step}};
    uint32_t first =
        sni_onnx_binary(call, "mul", sni_onnx_iota(call, &shape, SINTER_I64, 0), sni_onnx_known(call, 0, &steps));
    uint32_t at = sni_onnx_binary(call, "add", first, sni_onnx_iota(call, &shape, SINTER_I64, 1));
    return sni_onnx_emit(call, "gather", SNI_IN(x, at), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(1)));
}

static void stft(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), window = sni_onnx_in(call, 2);
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    bool onesided = sni_onnx_attr_int(call, "onesided", 1) != 0;
    signal_parts parts;
    sni_expr step, size = SNI_NO_EXPR;
    int rank = sni_onnx_rank(call, x);
    if (rank == 2) x = sni_onnx_unsqueeze(call, x, 2); /* a real signal may come without its last dimension */
    if (rank != 2 && rank != 3) sni_onnx_fail(call, SINTER_SHAPE, "a signal of rank %d, not 3", rank);
    if (!scalar_of(call, sni_onnx_in(call, 1), "frame_step operand", &step) || !parts_of(call, x, 1, &parts)) return;
    if (sni_onnx_in(call, 3)) {
        if (!scalar_of(call, sni_onnx_in(call, 3), "frame_length operand", &size)) return;
    } else if (window)
        size = sni_onnx_dim(call, window, 0);
    else
        sni_onnx_fail(call, SINTER_PARSE, "neither window nor frame_length");
    if (onesided && parts.imaginary) sni_onnx_fail(call, SINTER_PARSE, "a one-sided transform of a complex signal");
    if (sni_onnx_static(call, step, "frame_step") < 1 || call->status != SINTER_OK) {
        sni_onnx_fail(call, SINTER_PARSE, "frame_step must be at least 1");
        return;
    }
    sni_expr room = sni_sym_sub(call->sym, sni_onnx_dim(call, x, 1), size);
    sni_expr count = sni_sym_add_i(call->sym, sni_sym_div(call->sym, room, step), 1);
    if (window) window = sni_onnx_cast(call, window, working(dtype));
    uint32_t *both[2] = {&parts.real, &parts.imaginary};
    for (int i = 0; i < 2; i++) {
        if (!*both[i]) continue;
        *both[i] = frames_of(call, *both[i], count, size, step);
        if (window) *both[i] = sni_onnx_binary(call, "mul", *both[i], window);
    }
    signal_parts y = transform(call, parts, onesided ? half_plus_one(call, size) : size, size, false);
    call->out[0] = join(call, y, 2, dtype);
}

/* ---- the mel scale ---- */

/* Filter m rises from edge m to edge m + 1 and falls to edge m + 2; one that rises over nothing is 1 there. */
static void fill_filter(float *weights, int64_t bins, int64_t filters, int64_t m, const double *edges) {
    double low = edges[m], centre = edges[m + 1], high = edges[m + 2];
    for (int64_t j = 0; j < bins; j++) {
        double at = (double)j, weight = 0;
        if (low == centre ? at == centre : at >= low && at <= centre)
            weight = low == centre ? 1 : (at - low) / (centre - low);
        if (high > centre && at >= centre && at < high) weight = (high - at) / (high - centre);
        weights[j * filters + m] = (float)weight;
    }
}

static void mel_weights(sni_onnx_call *call) {
    static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz",
                                        "upper_edge_hertz"};
    double in[5] = {0};
    int count = 0;
    int64_t to = sni_onnx_attr_int(call, "output_datatype", 1);
    sinter_dtype dtype = to >= 0 && to < 100 ? sni_onnx_dtype((int32_t)to) : SINTER_DTYPE_NONE;
    for (int i = 0; i < 5; i++)
        if (!sni_onnx_doubles_of(call, sni_onnx_in(call, i), names[i], 1, &in[i], &count)) return;
    if (!(in[0] >= 1 && in[0] <= 65536 && in[1] >= 1 && in[1] <= 1 << 24 && in[2] > 0 && in[3] >= 0 && in[4] > in[3])) {
        sni_onnx_fail(call, SINTER_PARSE, "%g mel bins, length %g, rate %g, from %g to %g Hz", in[0], in[1], in[2],
                      in[3], in[4]);
        return;
    }
    int64_t filters = (int64_t)in[0], dims[2] = {(int64_t)in[1] / 2 + 1, filters};
    double low = 2595 * log10(1 + in[3] / 700), high = 2595 * log10(1 + in[4] / 700);
    double *edges = sni_arena_alloc(call->importer->arena, (size_t)(filters + 2) * sizeof *edges);
    size_t size_bytes = (size_t)dims[0] * (size_t)filters * sizeof(float);
    float *weights = edges ? sni_arena_alloc(call->importer->arena, size_bytes) : NULL;
    if (!weights || dtype == SINTER_DTYPE_NONE) {
        sni_onnx_fail(call, weights ? SINTER_UNSUPPORTED : SINTER_OUT_OF_MEMORY, "data type %lld, %zu bytes",
                      (long long)to, size_bytes);
        return;
    }
    for (int64_t i = 0; i < filters + 2; i++) {
        double hertz = 700 * (pow(10, ((double)i * ((high - low) / (in[0] + 2)) + low) / 2595) - 1);
        edges[i] = floor((floor(in[1]) + 1) * hertz / in[2]);
    }
    for (int64_t m = 0; m < filters; m++) fill_filter(weights, dims[0], filters, m, edges);
    call->out[0] = sni_onnx_cast(call, sni_onnx_constant(call, SINTER_F32, 2, dims, weights, size_bytes), dtype);
}

static const sni_onnx_row rows[] = {
    {"DFT", 17, 1, 3, 1, dft, NULL},
    {"STFT", 17, 2, 4, 1, stft, NULL},
    {"MelWeightMatrix", 17, 5, 5, 1, mel_weights, NULL},
};
const sni_onnx_family sni_onnx_signal_family = {rows, sizeof rows / sizeof *rows};
