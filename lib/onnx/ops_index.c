/* ONNX operators about indices and coordinates: Gather and its kin, OneHot, Range, EyeLike. */
#include "onnx/importer.h"

#include <math.h>

static uint32_t index_of(sni_onnx_call *call, uint32_t indices) {
    sinter_dtype dtype = sni_onnx_type(call, indices).dtype;
    return dtype == SINTER_I32 || dtype == SINTER_I64 ? indices : sni_onnx_cast(call, indices, SINTER_I64);
}

static void gather(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int axis = sni_onnx_attr_axis(call, "axis", 0, sni_onnx_rank(call, x));
    call->out[0] = sni_onnx_emit(call, call->row->target, SNI_IN(x, index_of(call, sni_onnx_in(call, 1))),
                                 SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
}

static void gather_nd(sni_onnx_call *call) {
    call->out[0] =
        sni_onnx_emit(call, "gather_nd", SNI_IN(sni_onnx_in(call, 0), index_of(call, sni_onnx_in(call, 1))),
                      SNI_ATTRS([SNI_GATHER_ND_BATCH_DIMS] = sni_attr_int(sni_onnx_attr_int(call, "batch_dims", 0))));
}

/* ---- numbers from shapes ---- */

static void constant_of_shape(sni_onnx_call *call) {
    sni_onnx_list shape;
    uint32_t value = 0;
    const Onnx__AttributeProto *attr = sni_onnx_attr(call, "value");
    if (!sni_onnx_elements(call, sni_onnx_in(call, 0), "shape operand", &shape)) return;
    if (shape.count > SINTER_MAX_RANK) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a result of rank %d", shape.count);
        return;
    }
    if (attr && attr->t) {
        sni_onnx_initializer tensor = {attr->t, NULL, 0};
        sni_onnx_list scalar = {0};
        call->status = sni_onnx_tensor_constant(call->importer, &tensor, &value);
        if (call->status == SINTER_OK) value = sni_onnx_reshape(call, value, &scalar);
    } else {
        value = sni_onnx_scalar(call, SINTER_F32, 0);
    }
    call->out[0] = sni_onnx_expand(call, value, &shape);
}

/* The number of elements of an integer range as an expression. */
static sni_expr integer_count(sni_onnx_call *call, int64_t *out_step) {
    sni_onnx_list start, limit, delta;
    sni_sym *sym = call->sym;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 0), "start operand", &start) ||
        !sni_onnx_elements(call, sni_onnx_in(call, 1), "limit operand", &limit) ||
        !sni_onnx_elements(call, sni_onnx_in(call, 2), "delta operand", &delta))
        return SNI_NO_EXPR;
    if (start.count != 1 || limit.count != 1 || delta.count != 1) {
        sni_onnx_fail(call, SINTER_PARSE, "start, limit and delta are scalars");
        return SNI_NO_EXPR;
    }
    int64_t step = *out_step = sni_onnx_static(call, delta.at[0], "delta");
    if (step == 0 || step == INT64_MIN) {
        sni_onnx_fail(call, SINTER_PARSE, "a delta of %lld", (long long)step);
        return SNI_NO_EXPR;
    }
    sni_expr span = step > 0 ? sni_sym_sub(sym, limit.at[0], start.at[0]) : sni_sym_sub(sym, start.at[0], limit.at[0]);
    span = sni_sym_max(sym, span, sni_onnx_const(call, 0));
    return sni_sym_ceil_div(sym, span, sni_onnx_const(call, step > 0 ? step : -step));
}

static sni_expr real_count(sni_onnx_call *call) {
    double start = 0, limit = 0, delta = 0;
    int count;
    if (!sni_onnx_doubles_of(call, sni_onnx_in(call, 0), "start operand", 1, &start, &count) ||
        !sni_onnx_doubles_of(call, sni_onnx_in(call, 1), "limit operand", 1, &limit, &count) ||
        !sni_onnx_doubles_of(call, sni_onnx_in(call, 2), "delta operand", 1, &delta, &count))
        return SNI_NO_EXPR;
    double elements = ceil((limit - start) / delta);
    if (!(elements < 9e15)) {
        sni_onnx_fail(call, SINTER_PARSE, "a range from %g to %g by %g", start, limit, delta);
        return SNI_NO_EXPR;
    }
    return sni_onnx_const(call, elements > 0 ? (int64_t)elements : 0);
}

static uint32_t scalar_of(sni_onnx_call *call, uint32_t value) {
    sni_onnx_list scalar = {0};
    return sni_onnx_rank(call, value) == 0 ? value : sni_onnx_reshape(call, value, &scalar);
}

static void range(sni_onnx_call *call) {
    uint32_t start = sni_onnx_in(call, 0), delta = sni_onnx_in(call, 2);
    sinter_dtype dtype = sni_onnx_type(call, start).dtype;
    bool real = sni_dtype_is_real(dtype);
    int64_t step = 0;
    sni_onnx_list shape = {.count = 1};
    shape.at[0] = real ? real_count(call) : integer_count(call, &step);
    if (call->status != SINTER_OK) return;
    bool direct = real || dtype == SINTER_I32 || dtype == SINTER_I64;
    uint32_t at = sni_onnx_iota(call, &shape, direct ? dtype : SINTER_I64, 0);
    at = sni_onnx_cast(call, at, dtype);
    if (step != 1) at = sni_onnx_binary(call, "mul", at, scalar_of(call, delta));
    call->out[0] = sni_onnx_binary(call, "add", at, scalar_of(call, start));
}

static void eye_like(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    sni_onnx_list shape = sni_onnx_shape(call, x);
    int64_t to = sni_onnx_attr_int(call, "dtype", -1);
    if (to >= 0) dtype = to < 100 ? sni_onnx_dtype((int32_t)to) : SINTER_DTYPE_NONE;
    if (shape.count != 2) sni_onnx_fail(call, SINTER_PARSE, "rank %d, not 2", shape.count);
    if (dtype == SINTER_DTYPE_NONE) sni_onnx_fail(call, SINTER_UNSUPPORTED, "data type %lld", (long long)to);
    uint32_t row = sni_onnx_iota(call, &shape, SINTER_I64, 0);
    uint32_t column = sni_onnx_iota(call, &shape, SINTER_I64, 1);
    row = sni_onnx_binary_scalar(call, "add", row, (double)sni_onnx_attr_int(call, "k", 0));
    call->out[0] = sni_onnx_cast(call, sni_onnx_binary(call, "eq", row, column), dtype);
}

static uint32_t element(sni_onnx_call *call, uint32_t vector, int64_t at) {
    uint32_t one = sni_onnx_slice_axis(call, vector, 0, sni_onnx_const(call, at), sni_onnx_const(call, 1));
    return scalar_of(call, one);
}

/* on where the coordinate along the new axis is the index; negative indices count from depth. */
static void one_hot(sni_onnx_call *call) {
    uint32_t indices = sni_onnx_in(call, 0), values = sni_onnx_in(call, 2);
    int rank = sni_onnx_rank(call, indices);
    sni_onnx_list depth, shape = {0};
    if (sni_dtype_is_real(sni_onnx_type(call, sni_onnx_in(call, 1)).dtype)) {
        double number = 0;
        if (!sni_onnx_doubles_of(call, sni_onnx_in(call, 1), "depth operand", 1, &number, &depth.count)) return;
        depth.at[0] = sni_onnx_const(call, number > 0 && number < 1e15 ? (int64_t)number : 0);
    } else if (!sni_onnx_elements(call, sni_onnx_in(call, 1), "depth operand", &depth))
        return;
    int axis = sni_onnx_attr_axis(call, "axis", -1, rank + 1);
    if (axis < 0 || depth.count != 1 || rank + 1 > SINTER_MAX_RANK) {
        sni_onnx_fail(call, SINTER_PARSE, "depth is no scalar, or the rank is too large");
        return;
    }
    uint32_t size = sni_onnx_known(call, 0, &depth);
    indices = sni_onnx_unsqueeze(call, sni_onnx_cast(call, indices, SINTER_I64), axis);
    uint32_t negative = sni_onnx_binary_scalar(call, "lt", indices, 0);
    indices = sni_onnx_where(call, negative, sni_onnx_binary(call, "add", indices, size), indices);
    for (int i = axis; i <= rank; i++) shape.at[shape.count++] = i == axis ? depth.at[0] : sni_onnx_const(call, 1);
    uint32_t hot = sni_onnx_binary(call, "eq", indices, sni_onnx_iota(call, &shape, SINTER_I64, 0));
    call->out[0] = sni_onnx_where(call, hot, element(call, values, 1), element(call, values, 0));
}

static void trilu(sni_onnx_call *call) {
    int64_t k = 0;
    int count = 0;
    uint32_t diagonal = sni_onnx_in(call, 1);
    if (diagonal && !sni_onnx_numbers_of(call, diagonal, "k operand", 1, &k, &count)) return;
    call->out[0] = sni_onnx_emit(
        call, "trilu", SNI_IN(sni_onnx_in(call, 0)),
        SNI_ATTRS([SNI_TRILU_UPPER] = sni_attr_int(sni_onnx_attr_int(call, "upper", 1)), [SNI_TRILU_K] =
                                                                                             sni_attr_int(k)));
}

/* Within a row's length the positions count down, behind it they stay. */
static void reverse_sequence(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x);
    int batch = sni_onnx_attr_axis(call, "batch_axis", 1, rank);
    int time = sni_onnx_attr_axis(call, "time_axis", 0, rank);
    if (batch < 0 || time < 0 || batch + time != 1) {
        sni_onnx_fail(call, SINTER_PARSE, "time and batch are axes 0 and 1");
        return;
    }
    sni_onnx_list shape = sni_onnx_shape(call, x), pair = {2, {shape.at[0], shape.at[1]}};
    uint32_t at = sni_onnx_iota(call, &pair, SINTER_I64, time);
    uint32_t lengths = sni_onnx_cast(call, sni_onnx_in(call, 1), SINTER_I64);
    lengths = sni_onnx_along(call, lengths, batch, 2);
    uint32_t mirrored = sni_onnx_binary(call, "sub", sni_onnx_binary_scalar(call, "sub", lengths, 1), at);
    uint32_t from = sni_onnx_where(call, sni_onnx_binary(call, "lt", at, lengths), mirrored, at);
    for (int i = 2; i < rank; i++) {
        pair.at[pair.count++] = sni_onnx_const(call, 1);
        from = sni_onnx_reshape(call, from, &pair);
    }
    from = sni_onnx_expand(call, from, &shape);
    call->out[0] =
        sni_onnx_emit(call, "gather_elements", SNI_IN(x, from), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(time)));
}

/* Windows of signal processing: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N). */
static uint32_t cosine_of(sni_onnx_call *call, uint32_t turns, double factor, double times) {
    uint32_t angle = sni_onnx_binary_scalar(call, "mul", turns, times * 6.283185307179586);
    return sni_onnx_binary_scalar(call, "mul", sni_onnx_unary(call, "cos", angle), factor);
}

static void window(sni_onnx_call *call, double a0, double a1, double a2) {
    sni_onnx_list shape = {0};
    bool periodic = sni_onnx_attr_int(call, "periodic", 1) != 0;
    int64_t to = sni_onnx_attr_int(call, "output_datatype", 1);
    sinter_dtype dtype = to >= 0 && to < 100 ? sni_onnx_dtype((int32_t)to) : SINTER_DTYPE_NONE;
    if (!sni_onnx_elements(call, sni_onnx_in(call, 0), "size operand", &shape)) return;
    if (shape.count != 1 || dtype == SINTER_DTYPE_NONE) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "data type %lld, or no scalar size", (long long)to);
        return;
    }
    sni_onnx_list length = {1, {sni_sym_add_i(call->sym, shape.at[0], periodic ? 0 : -1)}};
    uint32_t divisor = sni_onnx_cast(call, sni_onnx_known(call, 0, &length), SINTER_F32);
    uint32_t turns = sni_onnx_binary(call, "div", sni_onnx_iota(call, &shape, SINTER_F32, 0), divisor);
    uint32_t result = sni_onnx_binary_scalar(call, "add", cosine_of(call, turns, -a1, 1), a0);
    if (a2 != 0) result = sni_onnx_binary(call, "add", result, cosine_of(call, turns, a2, 2));
    call->out[0] = sni_onnx_cast(call, result, dtype);
}

static void hann(sni_onnx_call *call) {
    window(call, 0.5, 0.5, 0);
}
static void hamming(sni_onnx_call *call) {
    window(call, 25.0 / 46, 21.0 / 46, 0);
}
static void blackman(sni_onnx_call *call) {
    window(call, 0.42, 0.5, 0.08);
}

static const sni_onnx_row rows[] = {
    {"Gather", 1, 2, 2, 1, gather, "gather"},
    {"GatherElements", 11, 2, 2, 1, gather, "gather_elements"},
    {"GatherND", 11, 2, 2, 1, gather_nd, NULL},
    {"ConstantOfShape", 9, 1, 1, 1, constant_of_shape, NULL},
    {"Range", 11, 3, 3, 1, range, NULL},
    {"EyeLike", 9, 1, 1, 1, eye_like, NULL},
    {"OneHot", 9, 3, 3, 1, one_hot, NULL},
    {"Trilu", 14, 1, 2, 1, trilu, NULL},
    {"ReverseSequence", 10, 2, 2, 1, reverse_sequence, NULL},
    {"HannWindow", 17, 1, 1, 1, hann, NULL},
    {"HammingWindow", 17, 1, 1, 1, hamming, NULL},
    {"BlackmanWindow", 17, 1, 1, 1, blackman, NULL},
};
const sni_onnx_family sni_onnx_index_family = {rows, sizeof rows / sizeof *rows};
