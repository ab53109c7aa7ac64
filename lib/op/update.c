/* A region of a value replaced: as a value of its own, and in place (states). */
#include "op/update.h"
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { DATA, VALUE, STARTS };

static sinter_status update_infer(sni_call *call) {
    const sni_type *data = &call->in[DATA], *value = &call->in[VALUE], *starts = &call->in[STARTS];
    SNI_TRY(sni_rule_same_dtype(call, DATA, VALUE));
    if (starts->dtype != SINTER_I64) return sni_fail(SINTER_DTYPE, "starts must be i64");
    if (data->rank != value->rank) return sni_rule_shapes(call, "data and value have different ranks");
    if (starts->rank != 1 || !sni_sym_is(call->sym, starts->dims[0], data->rank))
        return sni_rule_shape_of(call, STARTS, "starts has one element for each dimension of data");
    for (int d = 0; d < data->rank; ++d) {
        sni_expr fits = sni_sym_le(call->sym, value->dims[d], data->dims[d]);
        if (sni_sym_is(call->sym, fits, 0)) return sni_rule_shapes(call, "value is larger than data");
        sni_call_require(call, fits);
    }
    sni_rule_out_like(call, DATA);
    return sni_rule_done(call);
}

sni_expr sni_update_start(const sni_call *call, int axis, sni_read_fn read, void *context) {
    sni_sym *sym = call->sym;
    sni_expr room = sni_sym_sub(sym, call->in[DATA].dims[axis], call->in[VALUE].dims[axis]);
    sni_expr zero = sni_sym_const(sym, 0), at = sni_sym_const(sym, axis);
    if (sni_sym_is(sym, room, 0)) return zero;
    const sni_type *starts = &call->in[STARTS];
    sni_expr start = starts->elements ? starts->elements[axis] : read(context, STARTS, &at);
    if (start == SNI_NO_EXPR || sni_sym_is(sym, start, 0)) return start;
    return sni_sym_max(sym, sni_sym_min(sym, start, room), zero);
}

/* Inside the region the value, elsewhere the data. */
static int update_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                      sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)out_value;
    sni_sym *sym = call->sym;
    sni_expr inside = sni_sym_const(sym, 1);
    for (int d = 0; d < call->in[DATA].rank; ++d) {
        sni_expr start = sni_update_start(call, d, read, context);
        sni_expr end = sni_sym_add(sym, start, call->in[VALUE].dims[d]);
        accesses[0].coords[d] = sni_sym_sub(sym, out_coords[d], start);
        accesses[1].coords[d] = out_coords[d];
        inside = sni_sym_and(sym, inside, sni_sym_le(sym, start, out_coords[d]));
        inside = sni_sym_and(sym, inside, sni_sym_lt(sym, out_coords[d], end));
    }
    if (inside == SNI_NO_EXPR) return -1;
    accesses[0].input = VALUE;
    accesses[0].guard = inside;
    accesses[1].input = DATA;
    accesses[1].guard = SNI_NO_EXPR;
    return 2;
}

static sinter_status update_reference(const sni_ref_call *call) {
    const sni_ref_tensor *data = call->in[DATA], *value = call->in[VALUE], *starts = call->in[STARTS];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, to[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < data->count; ++n) sni_ref_move(data, n, out, n);
    for (int64_t n = 0; n < value->count; ++n) {
        for (int d = 0; d < data->rank; ++d) {
            int64_t start = starts->i[d], room = data->dims[d] - value->dims[d];
            start = start > room ? room : start;
            to[d] = (start < 0 ? 0 : start) + coords[d];
        }
        sni_ref_move(value, n, out, sni_ref_index(out, to));
        sni_ref_next(value, coords);
    }
    return SINTER_OK;
}

const sni_op sni_ops_update[] = {
    {.name = "update",
     .inputs = "data value starts",
     .kind = SNI_OP_VIEW,
     .min_inputs = 3,
     .max_inputs = 3,
     .outputs = 1,
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = update_infer,
     .map = update_map,
     .reference = update_reference,
     .doc = "data with the region that begins at starts (i64, one for each dimension) replaced by value; a start "
            "is moved so that the region lies inside."},
};
const size_t sni_ops_update_count = COUNT(sni_ops_update);

const sni_op sni_op_store = {
    .name = "store",
    .inputs = "data value starts",
    .kind = SNI_OP_STORE,
    .min_inputs = 3,
    .max_inputs = -1,
    .outputs = 1,
    .classes = SNI_CLASS_ANY,
    .fill_attr = -1,
    .infer = update_infer,
    .reference = update_reference,
    .doc = "update in the memory of data itself; further inputs are values that are computed before."};
