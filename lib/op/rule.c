/* Helpers of the rows; see rule.h. */
#include "op/rule.h"

#include <math.h>
#include <string.h>

/* Optional operands that are left out in the middle have no dtype; those at the end are not there at all. */
bool sni_rule_given(const sni_call *call, int input) {
    return input < call->in_count && call->in[input].dtype != SINTER_DTYPE_NONE;
}

sinter_status sni_rule_class(const sni_call *call, int input, sni_dtype_class classes) {
    if (!sni_rule_given(call, input)) return sni_fail(SINTER_INVALID_ARGUMENT, "input %d is missing", input);
    if (sni_dtype_class_of(call->in[input].dtype) & classes) return SINTER_OK;
    const char *wanted = classes == SNI_CLASS_REAL   ? "a real dtype"
                         : classes == SNI_CLASS_INT  ? "an integer dtype"
                         : classes == SNI_CLASS_BOOL ? "bool"
                                                     : "a numeric dtype";
    return sni_fail(SINTER_DTYPE, "input %d is %s, but must have %s", input, sinter_dtype_name(call->in[input].dtype),
                    wanted);
}

sinter_status sni_rule_same_dtype(const sni_call *call, int first, int last) {
    for (int i = first + 1; i <= last && i < call->in_count; ++i) {
        if (!sni_rule_given(call, i) || call->in[i].dtype == call->in[first].dtype) continue;
        return sni_fail(SINTER_DTYPE, "inputs %d and %d have different dtypes %s and %s", first, i,
                        sinter_dtype_name(call->in[first].dtype), sinter_dtype_name(call->in[i].dtype));
    }
    return SINTER_OK;
}

/* Every message of a shape rule ends with the shapes that it is about. */
sinter_status sni_rule_shapes(const sni_call *call, const char *text) {
    sni_str str = SNI_STR_INIT;
    bool first = true;
    for (int i = 0; i < call->in_count; ++i) {
        if (!sni_rule_given(call, i)) continue;
        if (!first) sni_str_append(&str, " and ");
        first = false;
        sni_type_print(call->sym, &call->in[i], &str);
    }
    sinter_status status = sni_fail(SINTER_SHAPE, "%s: inputs %s", text, sni_str_text(&str));
    sni_str_deinit(&str);
    return status;
}

sinter_status sni_rule_shape_of(const sni_call *call, int input, const char *text) {
    sni_str str = SNI_STR_INIT;
    sni_type_print(call->sym, &call->in[input], &str);
    sinter_status status = sni_fail(SINTER_SHAPE, "%s: input %s", text, sni_str_text(&str));
    sni_str_deinit(&str);
    return status;
}

sinter_status sni_rule_axis(int64_t axis, int rank, int *out_axis) {
    *out_axis = 0;
    if (axis < -(int64_t)rank || axis >= rank)
        return sni_fail(SINTER_SHAPE, "axis %lld is outside rank %d", (long long)axis, rank);
    *out_axis = sni_axis(axis, rank);
    return SINTER_OK;
}

/* Axes and permutations decide what a kernel looks like, so they must be numbers when the graph is built; sizes and steps may
 * be expressions and do not come this way. */
sinter_status sni_rule_ints(const sni_call *call, int attr, int64_t *values, int capacity, int *out_count) {
    const sni_attr *list = &call->attrs[attr];
    *out_count = 0;
    if (list->count > capacity)
        return sni_fail(SINTER_INVALID_ARGUMENT, "attribute %s has %d entries, more than %d",
                        call->op->attrs[attr].name, list->count, capacity);
    for (int i = 0; i < list->count; ++i)
        if (!sni_sym_is_const(call->sym, list->exprs[i], &values[i]))
            return sni_fail(SINTER_UNSUPPORTED, "attribute %s must be numbers", call->op->attrs[attr].name);
    *out_count = list->count;
    return SINTER_OK;
}

sinter_status sni_rule_axes(const sni_call *call, int attr, int rank, bool empty_is_all, uint32_t *out_mask) {
    int64_t axes[SINTER_MAX_RANK];
    int count = 0;
    *out_mask = 0;
    SNI_TRY(sni_rule_ints(call, attr, axes, SINTER_MAX_RANK, &count));
    if (count == 0 && empty_is_all) *out_mask = (1u << rank) - 1;
    for (int i = 0; i < count; ++i) {
        int axis = 0;
        SNI_TRY(sni_rule_axis(axes[i], rank, &axis));
        if (*out_mask & (1u << axis)) return sni_fail(SINTER_SHAPE, "axis %d is given twice", axis);
        *out_mask |= 1u << axis;
    }
    return SINTER_OK;
}

bool sni_axes(const sni_sym *sym, const sni_attr *list, int rank, uint32_t *out_mask) {
    *out_mask = list->count == 0 ? (uint32_t)((1ull << rank) - 1) : 0;
    for (int i = 0; i < list->count; ++i) {
        int64_t axis;
        if (!sni_sym_is_const(sym, list->exprs[i], &axis)) return false;
        *out_mask |= 1u << sni_axis(axis, rank);
    }
    return true;
}

/* Equal, or unequal, as far as it is known now; what is not known becomes a condition that binding checks. */
bool sni_rule_equal(sni_call *call, sni_expr a, sni_expr b) {
    int64_t difference = 0;
    if (a == b) return true;
    if (sni_sym_is_const(call->sym, sni_sym_sub(call->sym, a, b), &difference)) return difference == 0;
    sni_call_require(call, sni_sym_eq(call->sym, a, b));
    return true;
}

/* Something of a size above 0 cannot be taken from an empty dimension. As above, what is not known yet is checked later. */
bool sni_rule_some(sni_call *call, sni_expr size, sni_expr dim) {
    sni_sym *sym = call->sym;
    sni_expr zero = sni_sym_const(sym, 0);
    sni_expr wanted = sni_sym_lt(sym, zero, size), empty = sni_sym_le(sym, dim, zero);
    sni_expr fails = sni_sym_and(sym, wanted, empty);
    if (sni_sym_is(sym, fails, 1)) return false;
    sni_call_require(call, sni_sym_not(sym, fails));
    return true;
}

bool sni_rule_const_below(const sni_call *call, sni_expr e, int64_t limit) {
    int64_t value = 0;
    return sni_sym_is_const(call->sym, e, &value) && value < limit;
}

void sni_rule_out(const sni_call *call, sinter_dtype dtype, int rank, const sni_expr *dims) {
    sni_type *out = &call->out[0];
    out->dtype = dtype;
    out->rank = rank;
    for (int i = 0; i < rank; ++i) out->dims[i] = dims[i];
}

void sni_rule_out_like(const sni_call *call, int input) {
    sni_rule_out(call, call->in[input].dtype, call->in[input].rank, call->in[input].dims);
}

sni_expr sni_rule_product(sni_sym *sym, const sni_expr *dims, int from, int to) {
    sni_expr product = sni_sym_const(sym, 1);
    for (int i = from; i < to; ++i) product = sni_sym_mul(sym, product, dims[i]);
    return product;
}

sni_expr sni_rule_entry(const sni_call *call, int attr, int index, int64_t preset) {
    const sni_attr *list = &call->attrs[attr];
    return index < list->count ? list->exprs[index] : sni_sym_const(call->sym, preset);
}

/* An expression that overflowed, or for which memory ran out, is no expression; a rule need not look at each step. */
sinter_status sni_rule_done(const sni_call *call) {
    for (int i = 0; i < call->out[0].rank; ++i)
        if (call->out[0].dims[i] == SNI_NO_EXPR)
            return sni_fail(SINTER_SHAPE, "dimension %d of the result cannot be computed", i);
    return SINTER_OK;
}

int64_t sni_ref_index(const sni_ref_tensor *tensor, const int64_t *coords) {
    int64_t index = 0;
    for (int i = 0; i < tensor->rank; ++i) index = index * tensor->dims[i] + coords[i];
    return index;
}

void sni_ref_coords(const sni_ref_tensor *tensor, int64_t index, int64_t *coords) {
    for (int i = tensor->rank - 1; i >= 0; --i) {
        coords[i] = index % tensor->dims[i];
        index /= tensor->dims[i];
    }
}

void sni_ref_next(const sni_ref_tensor *tensor, int64_t *coords) {
    for (int i = tensor->rank - 1; i >= 0; --i) {
        if (++coords[i] < tensor->dims[i]) return;
        coords[i] = 0;
    }
}

void sni_ref_move(const sni_ref_tensor *from, int64_t from_index, sni_ref_tensor *to, int64_t to_index) {
    if (to->f)
        to->f[to_index] = from->f[from_index];
    else
        to->i[to_index] = from->i[from_index];
}

void sni_ref_set(sni_ref_tensor *to, int64_t index, double value) {
    if (to->f) {
        to->f[index] = value;
        return;
    }
    /* 2^63 itself does not fit; everything below it does. */
    if (isnan(value)) value = 0;
    if (value >= 9223372036854775808.0)
        to->i[index] = INT64_MAX;
    else
        to->i[index] = value <= -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
    int64_t lowest = sni_dtype_lowest(to->dtype), highest = sni_dtype_highest(to->dtype);
    if (to->i[index] < lowest) to->i[index] = lowest;
    if (to->i[index] > highest) to->i[index] = highest;
}

double sni_ref_get(const sni_ref_tensor *from, int64_t index) {
    return from->f ? from->f[index] : (double)from->i[index];
}

sni_ref_rows sni_ref_rows_of(const sni_ref_tensor *tensor, int64_t axis) {
    axis = sni_axis(axis, tensor->rank);
    sni_ref_rows rows = {1, 1, 1};
    for (int i = 0; i < tensor->rank; ++i) {
        if (i < axis) rows.outer *= tensor->dims[i];
        if (i == axis) rows.length = tensor->dims[i];
        if (i > axis) rows.inner *= tensor->dims[i];
    }
    return rows;
}

int64_t sni_ref_entry(const sni_ref_call *call, int attr, int index, int64_t preset) {
    return index < call->attrs[attr].count ? call->attr_values[attr][index] : preset;
}

const sni_ref_tensor *sni_ref_optional(const sni_ref_call *call, int input) {
    return input < call->in_count ? call->in[input] : NULL;
}

int64_t sni_dtype_lowest(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_I8:
        return INT8_MIN;
    case SINTER_I16:
        return INT16_MIN;
    case SINTER_I32:
        return INT32_MIN;
    case SINTER_I64:
        return INT64_MIN;
    default:
        return 0;
    }
}

int64_t sni_dtype_highest(sinter_dtype dtype) {
    switch (dtype) {
    case SINTER_I8:
        return INT8_MAX;
    case SINTER_U8:
        return UINT8_MAX;
    case SINTER_I16:
        return INT16_MAX;
    case SINTER_I32:
        return INT32_MAX;
    case SINTER_I64:
        return INT64_MAX;
    case SINTER_U16:
        return UINT16_MAX;
    case SINTER_U32:
        return UINT32_MAX;
    default:
        return 1;
    }
}
