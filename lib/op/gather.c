/* Gathers: views whose coordinates are read from an integer input. Negative indices count from the
 * end; what is then still out of range is clamped, so that no index reads outside the data. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The index as a coordinate of a dimension. */
static sni_expr wrap(sni_sym *sym, sni_expr index, sni_expr dim) {
    sni_expr zero = sni_sym_const(sym, 0);
    sni_expr negative = sni_sym_lt(sym, index, zero);
    index = sni_sym_add(sym, index, sni_sym_mul(sym, dim, negative));
    return sni_sym_max(sym, sni_sym_min(sym, index, sni_sym_add_i(sym, dim, -1)), zero);
}

/* Nothing can be read along a dimension that may be empty. */
static void guard_empty(sni_sym *sym, sni_expr dim, sni_access *access) {
    sni_expr zero = sni_sym_const(sym, 0);
    if (sni_sym_known_less(sym, zero, dim)) return;
    sni_expr some = sni_sym_lt(sym, zero, dim);
    access->guard = access->guard == SNI_NO_EXPR ? some : sni_sym_and(sym, access->guard, some);
}

static int64_t wrap_reference(int64_t index, int64_t dim) {
    if (index < 0) index += dim;
    if (index < 0) return 0;
    return index >= dim ? dim - 1 : index;
}

static sinter_status gather_classes(const sni_call *call) {
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    return sni_rule_class(call, 1, SNI_CLASS_INT);
}

/* ---- gather --------------------------------------------------------------------------------- */

static sinter_status gather_infer(sni_call *call) {
    const sni_type *data = &call->in[0], *indices = &call->in[1];
    int axis = 0, rank = 0;
    SNI_TRY(gather_classes(call));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_GATHER_AXIS), data->rank, &axis));
    if (data->rank + indices->rank - 1 > SINTER_MAX_RANK)
        return sni_rule_shapes(call, "the result has too many dimensions");
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < axis; ++i) dims[rank++] = data->dims[i];
    for (int i = 0; i < indices->rank; ++i) dims[rank++] = indices->dims[i];
    for (int i = axis + 1; i < data->rank; ++i) dims[rank++] = data->dims[i];
    sni_rule_out(call, data->dtype, rank, dims);
    return sni_rule_done(call);
}

static int gather_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                      sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)out_value;
    const sni_type *data = &call->in[0], *indices = &call->in[1];
    int axis = 0;
    if (sni_rule_axis(sni_attr_i(call, SNI_GATHER_AXIS), data->rank, &axis) != SINTER_OK) return -1;
    sni_expr index = read(context, 1, out_coords + axis);
    if (index == SNI_NO_EXPR) return -1;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < data->rank; ++i)
        accesses[0].coords[i] = i < axis   ? out_coords[i]
                                : i > axis ? out_coords[i + indices->rank - 1]
                                           : wrap(call->sym, index, data->dims[axis]);
    guard_empty(call->sym, data->dims[axis], &accesses[0]);
    return 1;
}

static sinter_status gather_reference(const sni_ref_call *call) {
    const sni_ref_tensor *data = call->in[0], *indices = call->in[1];
    sni_ref_rows rows = sni_ref_rows_of(data, call->attrs[SNI_GATHER_AXIS].i);
    sni_ref_tensor *out = call->out[0];
    for (int64_t a = 0; a < rows.outer; ++a)
        for (int64_t n = 0; n < indices->count; ++n)
            for (int64_t c = 0; c < rows.inner; ++c) {
                int64_t to = (a * indices->count + n) * rows.inner + c;
                int64_t b = wrap_reference(indices->i[n], rows.length);
                if (rows.length == 0)
                    sni_ref_set(out, to, 0);
                else
                    sni_ref_move(data, (a * rows.length + b) * rows.inner + c, out, to);
            }
    return SINTER_OK;
}

/* ---- gather_elements ------------------------------------------------------------------------ */

static sinter_status elements_infer(sni_call *call) {
    const sni_type *data = &call->in[0], *indices = &call->in[1];
    int axis = 0;
    SNI_TRY(gather_classes(call));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_GATHER_AXIS), data->rank, &axis));
    if (data->rank != indices->rank) return sni_rule_shapes(call, "data and indices have different ranks");
    for (int i = 0; i < data->rank; ++i) {
        if (i == axis) continue;
        sni_expr fits = sni_sym_le(call->sym, indices->dims[i], data->dims[i]);
        if (sni_sym_is(call->sym, fits, 0)) return sni_rule_shapes(call, "more indices than data");
        sni_call_require(call, fits);
    }
    sni_rule_out(call, data->dtype, data->rank, indices->dims);
    return sni_rule_done(call);
}

static int elements_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                        sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)out_value;
    const sni_type *data = &call->in[0];
    int axis = 0;
    if (sni_rule_axis(sni_attr_i(call, SNI_GATHER_AXIS), data->rank, &axis) != SINTER_OK) return -1;
    sni_expr index = read(context, 1, out_coords);
    if (index == SNI_NO_EXPR) return -1;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < data->rank; ++i) accesses[0].coords[i] = out_coords[i];
    accesses[0].coords[axis] = wrap(call->sym, index, data->dims[axis]);
    guard_empty(call->sym, data->dims[axis], &accesses[0]);
    return 1;
}

static sinter_status elements_reference(const sni_ref_call *call) {
    const sni_ref_tensor *data = call->in[0], *indices = call->in[1];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    int axis = sni_axis(call->attrs[SNI_GATHER_AXIS].i, data->rank);
    for (int64_t n = 0; n < out->count; ++n) {
        for (int i = 0; i < data->rank; ++i) {
            from[i] = coords[i];
            if (i != axis && coords[i] >= data->dims[i])
                return sni_fail(SINTER_SHAPE, "more indices than data along dimension %d", i);
        }
        from[axis] = wrap_reference(indices->i[n], data->dims[axis]);
        if (data->dims[axis] == 0)
            sni_ref_set(out, n, 0);
        else
            sni_ref_move(data, sni_ref_index(data, from), out, n);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- gather_nd ------------------------------------------------------------------------------ */

static sinter_status nd_infer(sni_call *call) {
    const sni_type *data = &call->in[0], *indices = &call->in[1];
    int64_t batch = sni_attr_i(call, SNI_GATHER_ND_BATCH_DIMS), depth = 0;
    SNI_TRY(gather_classes(call));
    if (indices->rank < 1 || batch < 0 || batch >= indices->rank || batch > data->rank)
        return sni_rule_shapes(call, "batch_dims does not fit");
    if (!sni_sym_is_const(call->sym, indices->dims[indices->rank - 1], &depth))
        return sni_rule_shapes(call, "the last dimension of indices must be a number");
    if (depth < 1 || batch + depth > data->rank)
        return sni_rule_shapes(call, "the last dimension of indices does not fit");
    int rank = 0;
    sni_expr dims[2 * SINTER_MAX_RANK];
    for (int i = 0; i < batch; ++i)
        if (!sni_rule_equal(call, data->dims[i], indices->dims[i]))
            return sni_rule_shapes(call, "batch dimensions differ");
    for (int i = 0; i < indices->rank - 1; ++i) dims[rank++] = indices->dims[i];
    for (int i = (int)(batch + depth); i < data->rank; ++i) dims[rank++] = data->dims[i];
    if (rank > SINTER_MAX_RANK) return sni_rule_shapes(call, "the result has too many dimensions");
    sni_rule_out(call, data->dtype, rank, dims);
    return sni_rule_done(call);
}

static int nd_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                  sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)out_value;
    const sni_type *data = &call->in[0], *indices = &call->in[1];
    sni_sym *sym = call->sym;
    int batch = (int)sni_attr_i(call, SNI_GATHER_ND_BATCH_DIMS), last = indices->rank - 1;
    int64_t depth = 0;
    if (!sni_sym_is_const(sym, indices->dims[last], &depth)) return -1;
    sni_expr at[SINTER_MAX_RANK];
    for (int i = 0; i < last; ++i) at[i] = out_coords[i];
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < batch; ++i) accesses[0].coords[i] = out_coords[i];
    for (int k = 0; k < depth; ++k) {
        at[last] = sni_sym_const(sym, k);
        sni_expr index = read(context, 1, at);
        if (index == SNI_NO_EXPR) return -1;
        accesses[0].coords[batch + k] = wrap(sym, index, data->dims[batch + k]);
        guard_empty(sym, data->dims[batch + k], &accesses[0]);
    }
    int rest = (int)(batch + depth);
    for (int i = rest; i < data->rank; ++i) accesses[0].coords[i] = out_coords[last + i - rest];
    return 1;
}

static sinter_status nd_reference(const sni_ref_call *call) {
    const sni_ref_tensor *data = call->in[0], *indices = call->in[1];
    sni_ref_tensor *out = call->out[0];
    int batch = (int)call->attrs[SNI_GATHER_ND_BATCH_DIMS].i, last = indices->rank - 1;
    int depth = (int)indices->dims[last];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        int64_t tuple = 0;
        bool empty = false;
        for (int i = 0; i < last; ++i) tuple = tuple * indices->dims[i] + coords[i];
        for (int i = 0; i < batch; ++i) from[i] = coords[i];
        for (int k = 0; k < depth; ++k) {
            empty |= data->dims[batch + k] == 0;
            from[batch + k] = wrap_reference(indices->i[tuple * depth + k], data->dims[batch + k]);
        }
        for (int i = batch + depth; i < data->rank; ++i) from[i] = coords[last + i - batch - depth];
        if (empty)
            sni_ref_set(out, n, 0);
        else
            sni_ref_move(data, sni_ref_index(data, from), out, n);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_gather[] = {
    {.name = "gather",
     .inputs = "data indices",
     .kind = SNI_OP_VIEW,
     .min_inputs = 2,
     .max_inputs = 2,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(GATHER),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = gather_infer,
     .map = gather_map,
     .reference = gather_reference,
     .doc = "The slices of data along axis that indices name, in the shape of indices. Integer indices; a "
            "negative one counts from the end, and what is then still outside takes the first or the last "
            "element."},
    {.name = "gather_elements",
     .inputs = "data indices",
     .kind = SNI_OP_VIEW,
     .min_inputs = 2,
     .max_inputs = 2,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(GATHER),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = elements_infer,
     .map = elements_map,
     .reference = elements_reference,
     .doc = "Element by element: the coordinate along axis comes from indices at the same place. Integer indices;"
            " a negative one counts from the end, and what is then still outside takes the first or the last "
            "element."},
    {.name = "gather_nd",
     .inputs = "data indices",
     .kind = SNI_OP_VIEW,
     .min_inputs = 2,
     .max_inputs = 2,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(GATHER_ND),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = nd_infer,
     .map = nd_map,
     .reference = nd_reference,
     .doc = "The last dimension of indices holds coordinates into data. Integer indices; a negative one counts "
            "from the end, and what is then still outside takes the first or the last element."},
};
const size_t sni_ops_gather_count = COUNT(sni_ops_gather);
