/* ONNX operators whose result's size depends on data: NonZero, Compress, Unique, NonMaxSuppression. Where the data is known when
 * the model is read, the size is, too. */
#include "onnx/product.h"
#include "onnx/sized.h"
#include "onnx/sort.h"

#include <math.h>

#define MOST_KNOWN 65536 /* elements of a constant that are looked at when the model is read */
#define MOST_BOXES 4096  /* that NonMaxSuppression may select of a class */

static uint32_t size_value(sni_onnx_call *call, sni_expr e, sinter_dtype dtype) {
    sni_onnx_list one = {1, {e}};
    return sni_onnx_cast(call, sni_onnx_known(call, 0, &one), dtype);
}

/* The positions of what is true in flags [n]; *out_extent is 0 where their number is known, and the result exact. */
static uint32_t positions(sni_onnx_call *call, uint32_t flags, uint32_t *out_extent) {
    int64_t n = 0;
    *out_extent = 0;
    if (sni_onnx_is_known(call, flags) && sni_sym_is_const(call->sym, sni_onnx_dim(call, flags, 0), &n) &&
        n <= MOST_KNOWN) {
        double *is_set = sni_arena_alloc(call->importer->arena, (size_t)(n + 1) * sizeof *is_set);
        int64_t *at = sni_arena_alloc(call->importer->arena, (size_t)(n + 1) * sizeof *at), count = 0;
        int found = 0;
        if (!is_set || !at) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
        if (call->status != SINTER_OK ||
            (n > 0 && !sni_onnx_doubles_of(call, flags, "operand", (int)n, is_set, &found)))
            return 0;
        for (int64_t i = 0; i < found; i++)
            if (is_set[i] != 0) at[count++] = i;
        return sni_onnx_constant(call, SINTER_I64, 1, &count, at, (size_t)count * sizeof *at);
    }
    return sni_onnx_cast(call, sni_onnx_positions_of(call, flags, out_extent), SINTER_I64);
}

static uint32_t is_set(sni_onnx_call *call, uint32_t x) {
    return sni_onnx_type(call, x).dtype == SINTER_BOOL ? x : sni_onnx_binary_scalar(call, "ne", x, 0);
}

/* The coordinates of what is not zero, [rank, n]. */
static void non_zero(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), extent, rows[SINTER_MAX_RANK + 1];
    sni_onnx_list shape = sni_onnx_shape(call, x), flat = {1, {sni_onnx_extent(call, &shape, 0, shape.count)}};
    if (shape.count == 0) shape = flat; /* a scalar is taken for one element */
    if (sni_sym_is(call->sym, flat.at[0],
                   0)) { /* no elements have no coordinates, and a dimension of 0 divides nothing */
        sni_onnx_list none = {2, {sni_onnx_const(call, shape.count), flat.at[0]}};
        call->out[0] = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I64, 0), &none);
        return;
    }
    uint32_t at = positions(call, sni_onnx_reshape(call, is_set(call, x), &flat), &extent);
    for (int i = shape.count - 1; i >= 0 && call->status == SINTER_OK; i--) {
        uint32_t size = size_value(call, sni_sym_max(call->sym, shape.at[i], sni_onnx_const(call, 1)), SINTER_I64);
        uint32_t coordinate = i == 0 ? at : sni_onnx_binary(call, "mod", at, size);
        rows[i] = sni_onnx_unsqueeze(call, coordinate, 0);
        if (i > 0) at = sni_onnx_binary(call, "div", at, size);
    }
    if (call->status != SINTER_OK) return;
    call->out[0] = sni_onnx_concat(call, shape.count, rows, 0);
    if (extent) sni_onnx_mark_sized(call, call->out[0], 1, extent);
}

/* The slices along axis, or without it the elements, for which the condition holds. */
static void compress(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), extent;
    int axis = 0;
    if (sni_onnx_has_attr(call, "axis")) {
        axis = sni_onnx_attr_axis(call, "axis", 0, sni_onnx_rank(call, x));
    } else {
        sni_onnx_list shape = sni_onnx_shape(call, x), flat = {1, {sni_onnx_extent(call, &shape, 0, shape.count)}};
        x = sni_onnx_reshape(call, x, &flat);
    }
    if (axis < 0) return;
    uint32_t at = positions(call, is_set(call, sni_onnx_in(call, 1)), &extent);
    call->out[0] = sni_onnx_emit(call, "gather", SNI_IN(x, at), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
    if (extent) sni_onnx_mark_sized(call, call->out[0], axis, extent);
}

/* ---- Unique ---- */

/* [false, x[1] != x[0], ...]: where a run of equal elements begins, but for the first; NaN is one number. */
static uint32_t differs_from_last(sni_onnx_call *call, uint32_t x) {
    sni_expr n = sni_onnx_dim(call, x, 0), zero = sni_onnx_const(call, 0);
    sni_expr rest = sni_sym_max(call->sym, sni_sym_add_i(call->sym, n, -1), zero);
    uint32_t here = sni_onnx_slice_axis(call, x, 0, sni_sym_sub(call->sym, n, rest), rest);
    uint32_t before = sni_onnx_slice_axis(call, x, 0, zero, rest);
    uint32_t differs = sni_onnx_binary(call, "ne", here, before);
    if (sni_dtype_is_real(sni_onnx_type(call, x).dtype)) {
        uint32_t both =
            sni_onnx_binary(call, "and", sni_onnx_unary(call, "is_nan", here), sni_onnx_unary(call, "is_nan", before));
        differs = sni_onnx_binary(call, "and", differs, sni_onnx_unary(call, "not", both));
    }
    sni_onnx_list low = {1, {sni_sym_sub(call->sym, n, rest)}}, high = {1, {zero}};
    return sni_onnx_emit(
        call, "pad", SNI_IN(differs),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high)));
}

/* Sorted, equal elements are runs: a run's number is the element's class, its first element the class's first occurrence,
 * as sorting keeps the order of equal ones. */
static void unique(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    int rank = sni_onnx_rank(call, x);
    bool sorted = sni_onnx_attr_int(call, "sorted", 1) != 0;
    if (sni_onnx_has_attr(call, "axis") && (rank != 1 || sni_onnx_attr_axis(call, "axis", 0, rank) < 0)) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "an axis of a value of rank %d (only of rank 1)", rank);
        return;
    }
    sni_onnx_list shape = sni_onnx_shape(call, x), flat = {1, {sni_onnx_extent(call, &shape, 0, shape.count)}};
    x = sni_onnx_reshape(call, x, &flat);
    uint32_t order = sni_onnx_unary(call, "materialize", sni_onnx_order(call, x, 0, flat.at[0], false));
    uint32_t values = sni_onnx_unary(call, "materialize", sni_onnx_take(call, x, order, 0));
    uint32_t number =
        sni_onnx_emit(call, "cumsum", SNI_IN(sni_onnx_cast(call, differs_from_last(call, values), SINTER_I32)),
                      SNI_ATTRS([SNI_SCAN_AXIS] = sni_attr_int(0)));
    number = sni_onnx_unary(call, "materialize", number); /* of each sorted element's class */
    static const int axis = 0;
    sni_onnx_list none = {0};
    /* No elements have no last number; the maximum of nothing is the smallest i32, and no class. */
    uint32_t last = sni_onnx_reduce(call, "reduce_max", number, 1, &axis, false);
    uint32_t count = sni_onnx_binary_scalar(call, "max", sni_onnx_binary_scalar(call, "add", last, 1), 0);
    if (sni_sym_is(call->sym, flat.at[0], 0))
        count = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I32, 0), &none);
    uint32_t extent = sni_onnx_cast(call, count, SINTER_I64);
    uint32_t place = sni_onnx_iota(call, &flat, SINTER_I32, 0);
    uint32_t valid = sni_onnx_binary(call, "lt", place, count);
    uint32_t begin = sni_onnx_unary(call, "materialize", sni_onnx_lower_bound(call, number, place));
    uint32_t end = sni_onnx_lower_bound(call, number, sni_onnx_binary_scalar(call, "add", place, 1));
    uint32_t counts = sni_onnx_cast(call, sni_onnx_binary(call, "sub", end, begin), SINTER_I64);
    uint32_t from = sni_onnx_where(call, valid, begin, sni_onnx_scalar(call, SINTER_I32, 0));
    uint32_t first = sni_onnx_take(call, order, from, 0);
    /* Where each element of x stands in the sorted row, and so its class. */
    uint32_t inverse = sni_onnx_take(call, number, sni_onnx_order(call, order, 0, flat.at[0], false), 0);
    if (!sorted) { /* classes in the order of their first occurrences */
        uint32_t far = sni_onnx_scalar(call, SINTER_I64, (double)INT32_MAX);
        uint32_t again = sni_onnx_order(call, sni_onnx_where(call, valid, first, far), 0, flat.at[0], false);
        again = sni_onnx_unary(call, "materialize", again);
        first = sni_onnx_take(call, first, again, 0);
        counts = sni_onnx_take(call, counts, again, 0);
        inverse = sni_onnx_take(call, sni_onnx_order(call, again, 0, flat.at[0], false), inverse, 0);
    }
    call->out[0] = sni_onnx_take(call, x, first, 0);
    if (sni_onnx_wants(call, 1)) call->out[1] = first;
    if (sni_onnx_wants(call, 2)) call->out[2] = sni_onnx_cast(call, inverse, SINTER_I64);
    if (sni_onnx_wants(call, 3)) call->out[3] = counts;
    for (int i = 0; i < 4; i++)
        if (i != 2 && i < call->out_count && call->out[i]) sni_onnx_mark_sized(call, call->out[i], 0, extent);
}

/* ---- NonMaxSuppression ---- */

/* Sides of boxes, [.., n] each, so that low <= high. */
typedef struct {
    uint32_t low[2], high[2], area;
} boxes;

static uint32_t column_of(sni_onnx_call *call, uint32_t x, int64_t i) {
    int last = sni_onnx_rank(call, x) - 1;
    return sni_onnx_squeeze(call, sni_onnx_slice_axis(call, x, last, sni_onnx_const(call, i), sni_onnx_const(call, 1)),
                            last);
}

static void sides_of(sni_onnx_call *call, uint32_t x, bool centred, boxes *out) {
    for (int i = 0; i < 2; i++) {
        uint32_t a = column_of(call, x, i), b = column_of(call, x, 2 + i);
        if (centred) {
            uint32_t half = sni_onnx_binary_scalar(call, "mul", b, 0.5);
            out->low[i] = sni_onnx_binary(call, "sub", a, half);
            out->high[i] = sni_onnx_binary(call, "add", a, half);
        } else {
            out->low[i] = sni_onnx_binary(call, "min", a, b);
            out->high[i] = sni_onnx_binary(call, "max", a, b);
        }
    }
    out->area = sni_onnx_binary(call, "mul", sni_onnx_binary(call, "sub", out->high[0], out->low[0]),
                                sni_onnx_binary(call, "sub", out->high[1], out->low[1]));
}

/* Do the boxes of a and b overlap by more than the threshold of what they cover together? */
static uint32_t overlaps(sni_onnx_call *call, const boxes *a, const boxes *b, uint32_t threshold) {
    uint32_t common = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t span = sni_onnx_binary(call, "sub", sni_onnx_binary(call, "min", a->high[i], b->high[i]),
                                        sni_onnx_binary(call, "max", a->low[i], b->low[i]));
        span = sni_onnx_binary_scalar(call, "max", span, 0);
        common = common ? sni_onnx_binary(call, "mul", common, span) : span;
    }
    uint32_t all = sni_onnx_binary(call, "sub", sni_onnx_binary(call, "add", a->area, b->area), common);
    uint32_t some = sni_onnx_binary_scalar(call, "gt", common, 0);
    uint32_t ratio =
        sni_onnx_binary(call, "div", common, sni_onnx_where(call, some, all, sni_onnx_scalar_like(call, all, 1)));
    return sni_onnx_binary(call, "and", some, sni_onnx_binary(call, "gt", ratio, threshold));
}

/* How many boxes of a class may be selected: the smaller of the operand and the number of boxes. */
static int64_t most_selected(sni_onnx_call *call, sni_expr box_count) {
    int64_t most = 0, n = INT64_MAX;
    int count = 0;
    if (!sni_onnx_in(call, 2)) return 0;
    if (!sni_onnx_numbers_of(call, sni_onnx_in(call, 2), "max_output_boxes_per_class operand", 1, &most, &count))
        return 0;
    sni_sym_is_const(call->sym, box_count, &n);
    if (most > n) most = n;
    if (most > MOST_BOXES)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%lld boxes of a class (up to %d)", (long long)most, MOST_BOXES);
    return most > 0 ? most : 0;
}

static uint32_t scalar_input(sni_onnx_call *call, int i) {
    sni_onnx_list none = {0};
    uint32_t x = sni_onnx_in(call, i);
    return x && sni_onnx_rank(call, x) > 0 ? sni_onnx_reshape(call, x, &none) : x;
}

/* As often as boxes may be selected, the best of each class is, and takes those that overlap it out of the race. */
static void non_max_suppression(sni_onnx_call *call) {
    uint32_t corners = sni_onnx_in(call, 0), scores = sni_onnx_in(call, 1), picked[MOST_BOXES], found[MOST_BOXES];
    sni_onnx_list s = sni_onnx_shape(call, scores);
    bool centred = sni_onnx_attr_int(call, "center_point_box", 0) != 0;
    if (s.count != 3 || sni_onnx_rank(call, corners) != 3) {
        sni_onnx_fail(call, SINTER_SHAPE, "boxes of rank %d and scores of rank %d, not 3", sni_onnx_rank(call, corners),
                      s.count);
        return;
    }
    int64_t most = most_selected(call, s.at[2]);
    uint32_t threshold = scalar_input(call, 3), least = scalar_input(call, 4);
    if (!threshold) threshold = sni_onnx_scalar(call, SINTER_F32, 0);
    if (call->status != SINTER_OK) return;
    sni_onnx_list empty = {2, {sni_onnx_const(call, 0), sni_onnx_const(call, 3)}};
    if (most == 0) {
        call->out[0] = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I64, 0), &empty);
        return;
    }
    sni_expr one = sni_onnx_const(call, 1);
    sni_onnx_list numbers = {3, {one, one, s.at[2]}}, pick = {4, {s.at[0], s.at[1], one, sni_onnx_const(call, 4)}};
    uint32_t number = sni_onnx_iota(call, &numbers, SINTER_I64, 2),
             gone = sni_onnx_scalar(call, SINTER_F32, -(double)INFINITY);
    uint32_t left = sni_onnx_cast(call, scores, SINTER_F32);
    if (least) left = sni_onnx_where(call, sni_onnx_binary(call, "gt", left, least), left, gone);
    left = sni_onnx_unary(call, "materialize", left);
    boxes all, best;
    uint32_t spread = sni_onnx_unsqueeze(call, corners, 1); /* [batch, 1, boxes, 4] */
    sides_of(call, spread, centred, &all);
    sni_onnx_list wide = {4, {s.at[0], s.at[1], s.at[2], pick.at[3]}};
    spread = sni_onnx_expand(call, spread, &wide);
    for (int64_t i = 0; i < most && call->status == SINTER_OK; i++) {
        uint32_t at = sni_onnx_emit(call, "argmax", SNI_IN(left),
                                    SNI_ATTRS([SNI_ARG_AXIS] = sni_attr_int(2), [SNI_ARG_KEEPDIMS] = sni_attr_int(1)));
        at = sni_onnx_unary(call, "materialize", at); /* [batch, classes, 1] */
        found[i] = sni_onnx_binary(call, "gt", sni_onnx_take(call, left, at, 2), gone);
        picked[i] = at;
        uint32_t box = sni_onnx_take(call, spread, sni_onnx_expand(call, sni_onnx_unsqueeze(call, at, 3), &pick), 2);
        sides_of(call, box, centred, &best);
        uint32_t out = sni_onnx_binary(call, "or", overlaps(call, &best, &all, threshold),
                                       sni_onnx_binary(call, "eq", number, at));
        left = sni_onnx_unary(call, "materialize", sni_onnx_where(call, out, gone, left));
    }
    if (call->status != SINTER_OK) return;
    sni_onnx_list shape = {3, {s.at[0], s.at[1], sni_onnx_const(call, most)}},
                  flat = {1, {sni_onnx_extent(call, &shape, 0, shape.count)}};
    uint32_t extent, rows[3];
    uint32_t flags = sni_onnx_concat(call, (int)most, found, 2), chosen = sni_onnx_concat(call, (int)most, picked, 2);
    uint32_t at = sni_onnx_positions_of(call, sni_onnx_reshape(call, flags, &flat), &extent);
    at = sni_onnx_unary(call, "materialize", at);
    uint32_t each = size_value(call, shape.at[2], SINTER_I32), classes = size_value(call, s.at[1], SINTER_I32);
    uint32_t row = sni_onnx_binary(call, "div", at, each);
    rows[0] = sni_onnx_cast(call, sni_onnx_binary(call, "div", row, classes), SINTER_I64);
    rows[1] = sni_onnx_cast(call, sni_onnx_binary(call, "mod", row, classes), SINTER_I64);
    rows[2] = sni_onnx_take(call, sni_onnx_reshape(call, chosen, &flat), at, 0);
    for (int i = 0; i < 3; i++) rows[i] = sni_onnx_unsqueeze(call, rows[i], 1);
    call->out[0] = sni_onnx_concat(call, 3, rows, 1);
    sni_onnx_mark_sized(call, call->out[0], 0, extent);
}

static const sni_onnx_row rows[] = {
    {"NonZero", 9, 1, 1, 1, non_zero, NULL},
    {"Compress", 9, 2, 2, 1, compress, NULL},
    {"Unique", 11, 1, 1, 4, unique, NULL},
    {"NonMaxSuppression", 10, 2, 5, 1, non_max_suppression, NULL},
};
const sni_onnx_family sni_onnx_sized_family = {rows, sizeof rows / sizeof *rows};
