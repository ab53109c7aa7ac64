/* Sorting without atomics or data-dependent loops, so that every step is a graph of elementwise operators, gathers and
 * reductions, which the fuser makes a kernel of and which gives the same bits every time.
 *
 * Short rows are ranked: an element's place is the number of those that come before it, which costs the square of the length.
 * Longer ones are cut into blocks that are ranked each. Where few elements are asked for, the best of each block are a shorter
 * row, and so on; else neighbouring runs are merged by a network of comparisons, n log n of them for each of log n levels. */
#include "onnx/sort.h"

#include <math.h>

#define RANKED 512 /* rows up to this long are ranked whole */
#define FEW 64     /* up to so many of a row are found block by block */
#define LEAST 64   /* elements of a block that is ranked */
#define LONGEST INT32_MAX
#define LONGEST_WHOLE                                                                                                  \
    65536 /* of an axis that has a name and is sorted whole: runs are merged up to that length in any case */

uint32_t sni_onnx_take(sni_onnx_call *call, uint32_t x, uint32_t indices, int axis) {
    return sni_onnx_emit(call, "gather_elements", SNI_IN(x, indices),
                         SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(axis)));
}

/* ---- the order of two elements ---- */

/* Is a before b, in an order in which NaN is the largest? */
static uint32_t comes_before(sni_onnx_call *call, uint32_t a, uint32_t b, bool largest) {
    uint32_t before = sni_onnx_binary(call, largest ? "gt" : "lt", a, b);
    if (!sni_dtype_is_real(sni_onnx_type(call, a).dtype)) return before;
    uint32_t first = sni_onnx_unary(call, "is_nan", largest ? a : b),
             last = sni_onnx_unary(call, "is_nan", largest ? b : a);
    return sni_onnx_binary(call, "or", before, sni_onnx_binary(call, "and", first, sni_onnx_unary(call, "not", last)));
}

static uint32_t equals(sni_onnx_call *call, uint32_t a, uint32_t b) {
    uint32_t equal = sni_onnx_binary(call, "eq", a, b);
    if (!sni_dtype_is_real(sni_onnx_type(call, a).dtype)) return equal;
    return sni_onnx_binary(
        call, "or", equal,
        sni_onnx_binary(call, "and", sni_onnx_unary(call, "is_nan", a), sni_onnx_unary(call, "is_nan", b)));
}

/* What no element of the dtype comes after; equal ones stand before it, as it is only put behind them. */
static double last_number(sinter_dtype dtype, bool largest) {
    if (sni_dtype_is_real(dtype)) return largest ? -(double)INFINITY : (double)NAN;
    int64_t bits = 8 * (int64_t)sinter_dtype_size(dtype);
    bool has_sign = dtype != SINTER_U8 && dtype != SINTER_U16 && dtype != SINTER_U32;
    if (largest) return has_sign ? -ldexp(1, (int)bits - 1) : 0;
    /* 2^63 - 1 is no double: a number above it is cut off to it. */
    return ldexp(1, (int)bits - (has_sign ? 1 : 0)) - (bits < 64 ? 1 : 0);
}

/* ---- ranking ---- */

/* How many elements of a row come before each: those that are ahead, and equal ones further left. */
static uint32_t ranks_of(sni_onnx_call *call, uint32_t x, int axis, bool largest) {
    sni_onnx_list shape = sni_onnx_shape(call, x);
    uint32_t mine = sni_onnx_unsqueeze(call, x, axis), other = sni_onnx_unsqueeze(call, x, axis + 1);
    sni_onnx_list at = {.count = shape.count - axis + 1};
    for (int i = 0; i < at.count; i++) at.at[i] = i < 2 ? shape.at[axis] : sni_onnx_const(call, 1);
    /* Axis counts the others, axis + 1 is the element's own place. */
    uint32_t before =
        sni_onnx_binary(call, "lt", sni_onnx_iota(call, &at, SINTER_I32, 0), sni_onnx_iota(call, &at, SINTER_I32, 1));
    uint32_t tie = sni_onnx_binary(call, "and", equals(call, other, mine), before);
    uint32_t ahead = comes_before(call, other, mine, largest);
    ahead = sni_onnx_cast(call, sni_onnx_binary(call, "or", ahead, tie), SINTER_I32);
    return sni_onnx_reduce(call, "reduce_sum", ahead, 1, &axis, false);
}

/* Place p of the result is the index of the element with rank p. */
static uint32_t indices_by_rank(sni_onnx_call *call, uint32_t x, int axis, sni_expr k, bool largest) {
    sni_onnx_list shape = sni_onnx_shape(call, x), place = {0}, own = {0};
    uint32_t ranks = sni_onnx_unsqueeze(call, ranks_of(call, x, axis, largest), axis);
    for (int i = axis; i <= shape.count; i++) {
        sni_expr one = sni_onnx_const(call, 1);
        place.at[place.count++] = i == axis ? k : one;
        own.at[own.count++] = i == axis + 1 ? shape.at[axis] : one;
    }
    uint32_t hits = sni_onnx_binary(call, "eq", ranks, sni_onnx_iota(call, &place, SINTER_I32, 0));
    uint32_t number =
        sni_onnx_where(call, hits, sni_onnx_iota(call, &own, SINTER_I32, 1), sni_onnx_scalar(call, SINTER_I32, 0));
    int along = axis + 1;
    return sni_onnx_reduce(call, "reduce_sum", number, 1, &along, false);
}

/* ---- rows in blocks ---- */

/* Candidates: values and where they stood, [outer, count] each; index 0: where they stand. */
typedef struct {
    uint32_t values, index;
    sni_expr outer, count;
    bool largest;
} candidates;

static uint32_t padded(sni_onnx_call *call, uint32_t x, sni_expr more, double fill) {
    sni_expr zero = sni_onnx_const(call, 0);
    sni_onnx_list low = {2, {zero, zero}}, high = {2, {zero, more}};
    return sni_onnx_emit(
        call, "pad", SNI_IN(x),
        SNI_ATTRS([SNI_PAD_LOW] = sni_onnx_exprs(call, &low), [SNI_PAD_HIGH] = sni_onnx_exprs(call, &high),
                  [SNI_PAD_VALUE] = sni_attr_float(fill)));
}

/* Makes whole blocks of block elements, and both values [outer, blocks, block]. */
static void cut(sni_onnx_call *call, candidates *c, int64_t block) {
    sni_sym *sym = call->sym;
    sni_expr size = sni_onnx_const(call, block), blocks = sni_sym_ceil_div(sym, c->count, size);
    sni_expr whole = sni_sym_mul(sym, blocks, size), more = sni_sym_sub(sym, whole, c->count);
    sni_onnx_list shape = {3, {c->outer, blocks, size}};
    double fill = last_number(sni_onnx_type(call, c->values).dtype, c->largest);
    if (!sni_sym_is(sym, more, 0)) {
        c->values = padded(call, c->values, more, fill);
        if (c->index) c->index = padded(call, c->index, more, LONGEST);
    }
    c->values = sni_onnx_reshape(call, c->values, &shape);
    if (c->index) {
        c->index = sni_onnx_reshape(call, c->index, &shape);
    } else {
        sni_onnx_list flat = {2, {sni_onnx_const(call, 1), whole}}, one = {3, {flat.at[0], blocks, size}};
        c->index = sni_onnx_reshape(call, sni_onnx_iota(call, &flat, SINTER_I32, 1), &one);
        c->index = sni_onnx_expand(call, c->index, &shape);
    }
    c->count = whole;
}

static void flatten(sni_onnx_call *call, candidates *c, uint32_t values, uint32_t index, sni_expr count) {
    sni_onnx_list flat = {2, {c->outer, count}};
    c->values = sni_onnx_reshape(call, values, &flat);
    c->index = sni_onnx_reshape(call, index, &flat);
    c->count = count;
}

/* Ranks blocks and keeps the first take of each, in order. */
static void keep_best(sni_onnx_call *call, candidates *c, int64_t block, int64_t take) {
    cut(call, c, block);
    sni_expr blocks = sni_onnx_dim(call, c->values, 1);
    uint32_t at = indices_by_rank(call, c->values, 2, sni_onnx_const(call, take), c->largest);
    flatten(call, c, sni_onnx_unary(call, "materialize", sni_onnx_take(call, c->values, at, 2)),
            sni_onnx_unary(call, "materialize", sni_onnx_take(call, c->index, at, 2)),
            sni_sym_mul_i(call->sym, blocks, take));
}

/* ---- merging ---- */

/* An axis backwards. */
static uint32_t flipped(sni_onnx_call *call, uint32_t x, int axis) {
    sni_onnx_list starts = {.count = 0}, steps = {.count = 0}, sizes = sni_onnx_shape(call, x);
    for (int i = 0; i < sizes.count; i++) {
        bool turned = i == axis;
        starts.at[starts.count++] = turned ? sni_sym_add_i(call->sym, sizes.at[i], -1) : sni_onnx_const(call, 0);
        steps.at[steps.count++] = sni_onnx_const(call, turned ? -1 : 1);
    }
    return sni_onnx_emit(
        call, "slice", SNI_IN(x),
        SNI_ATTRS([SNI_SLICE_STARTS] = sni_onnx_exprs(call, &starts), [SNI_SLICE_STEPS] = sni_onnx_exprs(call, &steps),
                  [SNI_SLICE_SIZES] = sni_onnx_exprs(call, &sizes)));
}

/* Each exchange is a kernel of its own, nearly the same one for all distances; joined ones would compute pairs of pairs over and
 * over.
 * Elements that are 2 * distance apart at most are compared in pairs, the first of a pair goes to the front: those that are
 * distance apart, or, mirrored, the first with the last. */
static void exchange(sni_onnx_call *call, candidates *c, int64_t distance, bool mirrored) {
    sni_expr two = sni_onnx_const(call, 2), size = sni_onnx_const(call, distance);
    sni_expr pairs = sni_sym_div(call->sym, c->count, sni_onnx_const(call, 2 * distance));
    sni_onnx_list shape = {4, {c->outer, pairs, two, size}}, sides = {2, {two, sni_onnx_const(call, 1)}};
    uint32_t value = sni_onnx_reshape(call, c->values, &shape), index = sni_onnx_reshape(call, c->index, &shape);
    uint32_t other = flipped(call, value, 2), other_index = flipped(call, index, 2);
    if (mirrored) other = flipped(call, other, 3), other_index = flipped(call, other_index, 3);
    uint32_t tie =
        sni_onnx_binary(call, "and", equals(call, value, other), sni_onnx_binary(call, "lt", index, other_index));
    uint32_t first = sni_onnx_binary(call, "or", comes_before(call, value, other, c->largest), tie);
    uint32_t behind = sni_onnx_binary_scalar(call, "gt", sni_onnx_iota(call, &sides, SINTER_I32, 0), 0);
    uint32_t keep = sni_onnx_binary(call, "xor", first, behind);
    value = sni_onnx_unary(call, "materialize", sni_onnx_where(call, keep, value, other));
    index = sni_onnx_unary(call, "materialize", sni_onnx_where(call, keep, index, other_index));
    flatten(call, c, value, index, c->count);
}

/* The first half of every run of 2 * half elements. */
static void drop_second_halves(sni_onnx_call *call, candidates *c, int64_t half) {
    sni_expr one = sni_onnx_const(call, 1), zero = sni_onnx_const(call, 0), size = sni_onnx_const(call, half);
    sni_expr pairs = sni_sym_div(call->sym, c->count, sni_onnx_const(call, 2 * half));
    sni_onnx_list shape = {4, {c->outer, pairs, sni_onnx_const(call, 2), size}};
    uint32_t values = sni_onnx_slice_axis(call, sni_onnx_reshape(call, c->values, &shape), 2, zero, one);
    uint32_t index = sni_onnx_slice_axis(call, sni_onnx_reshape(call, c->index, &shape), 2, zero, one);
    flatten(call, c, values, index, sni_sym_mul(call->sym, pairs, size));
}

/* Runs of run elements are merged in pairs, of which the first take (run or 2 * run) are kept: Batcher's bitonic merge. The
 * places of equal elements decide, so the order is one of all elements and the merge is stable. */
static void merge(sni_onnx_call *call, candidates *c, int64_t run, int64_t take) {
    cut(call, c, 2 * run);
    flatten(call, c, c->values, c->index, c->count);
    exchange(call, c, run, true);
    if (take == run) drop_second_halves(call, c, run);
    for (int64_t distance = run / 2; distance > 0; distance /= 2) exchange(call, c, distance, false);
}

/* ---- a row of any length ---- */

static int64_t power_of_two(int64_t least) {
    int64_t power = 1;
    while (power < least) power *= 2;
    return power;
}

/* Rows of a length that is not known are taken for as long as can be: what is done too often is done to one run. */
static uint32_t order_of_rows(sni_onnx_call *call, candidates *c, int64_t most, int64_t k) {
    int64_t take = power_of_two(k < 8 ? 8 : k);
    if (take <= FEW) {
        int64_t block = 4 * take < LEAST ? LEAST : 4 * take;
        for (int64_t left = most; left > take; left = (left + block - 1) / block * take) {
            keep_best(call, c, block, take);
            if (left <= block) break;
        }
        return c->index;
    }
    keep_best(call, c, LEAST, LEAST);
    for (int64_t run = LEAST, runs = (most + LEAST - 1) / LEAST; runs > 1; runs = (runs + 1) / 2) {
        int64_t kept = 2 * run < take ? 2 * run : take;
        merge(call, c, run, kept);
        run = kept;
    }
    return c->index;
}

static uint32_t move_last(sni_onnx_call *call, uint32_t x, int axis, bool back) {
    int rank = sni_onnx_rank(call, x), perm[SINTER_MAX_RANK];
    if (axis == rank - 1) return x;
    for (int i = 0; i < rank; i++) perm[i] = i;
    if (back) {
        for (int i = axis; i < rank; i++) perm[i] = i == axis ? rank - 1 : i - 1;
    } else {
        for (int i = axis; i < rank; i++) perm[i] = i == rank - 1 ? axis : i + 1;
    }
    return sni_onnx_transpose(call, x, rank, perm);
}

static uint32_t order_in_blocks(sni_onnx_call *call, uint32_t x, int axis, sni_expr k, bool largest) {
    int64_t most = LONGEST, wanted = LONGEST;
    x = move_last(call, x, axis, false);
    sni_onnx_list shape = sni_onnx_shape(call, x);
    int last = shape.count - 1;
    sni_sym_is_const(call->sym, shape.at[last], &most);
    if (most > LONGEST)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%lld elements to sort (up to %d)", (long long)most, LONGEST);
    if (!sni_sym_is_const(call->sym, k, &wanted)) {
        if (most > LONGEST_WHOLE) {
            most = LONGEST_WHOLE;
            sni_check check = {sni_sym_le(call->sym, shape.at[last], sni_onnx_const(call, most)),
                               (uint32_t)call->graph->node_count - 1};
            if (!sni_graph_add_check(call->graph, &check))
                sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
        }
        wanted = most;
    }
    candidates c = {.outer = sni_onnx_const(call, 1), .count = shape.at[last], .largest = largest};
    for (int i = 0; i < last; i++) c.outer = sni_sym_mul(call->sym, c.outer, shape.at[i]);
    sni_onnx_list flat = {2, {c.outer, c.count}};
    c.values = sni_onnx_reshape(call, x, &flat);
    uint32_t index = order_of_rows(call, &c, most, wanted);
    index = sni_onnx_slice_axis(call, index, 1, sni_onnx_const(call, 0), k);
    shape.at[last] = k;
    return move_last(call, sni_onnx_reshape(call, index, &shape), axis, true);
}

uint32_t sni_onnx_order(sni_onnx_call *call, uint32_t x, int axis, sni_expr k, bool largest) {
    int64_t size = LONGEST;
    if (call->status != SINTER_OK) return 0;
    bool is_short = sni_sym_is_const(call->sym, sni_onnx_dim(call, x, axis), &size) && size <= RANKED &&
                    sni_onnx_rank(call, x) < SINTER_MAX_RANK;
    uint32_t at = is_short ? indices_by_rank(call, x, axis, k, largest) : order_in_blocks(call, x, axis, k, largest);
    return sni_onnx_cast(call, at, SINTER_I64);
}

static uint32_t halved(sni_onnx_call *call, uint32_t x) {
    return sni_onnx_binary_scalar(call, "shift_right", x, 1);
}

uint32_t sni_onnx_lower_bound(sni_onnx_call *call, uint32_t sorted, uint32_t wanted) {
    int last = sni_onnx_rank(call, sorted) - 1;
    sni_expr size = sni_onnx_dim(call, sorted, last);
    int64_t most = LONGEST;
    sni_sym_is_const(call->sym, size, &most);
    sni_onnx_list shape = sni_onnx_shape(call, wanted), one = {1, {size}};
    uint32_t end = sni_onnx_cast(call, sni_onnx_known(call, 0, &one), SINTER_I32);
    uint32_t low = sni_onnx_expand(call, sni_onnx_scalar(call, SINTER_I32, 0), &shape);
    uint32_t high = sni_onnx_expand(call, end, &shape);
    uint32_t within = sni_onnx_binary_scalar(call, "max", sni_onnx_binary_scalar(call, "sub", end, 1), 0);
    for (int64_t left = most; left > 0; left /= 2) {
        uint32_t middle = halved(call, sni_onnx_binary(call, "add", low, high));
        uint32_t value = sni_onnx_take(call, sorted, sni_onnx_binary(call, "min", middle, within), last);
        uint32_t open = sni_onnx_binary(call, "lt", low, high);
        uint32_t less = sni_onnx_binary(call, "lt", value, wanted);
        uint32_t more = sni_onnx_binary(call, "and", open, less);
        uint32_t fewer = sni_onnx_binary(call, "and", open, sni_onnx_unary(call, "not", less));
        low = sni_onnx_where(call, more, sni_onnx_binary_scalar(call, "add", middle, 1), low);
        high = sni_onnx_where(call, fewer, middle, high);
    }
    return low;
}
