/* Values made from coordinates alone: iota, and the results of shape computations. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- iota ----------------------------------------------------------------------------------- */

static sinter_status shape_out(const sni_call *call, int attr, sinter_dtype dtype) {
    const sni_attr *shape = &call->attrs[attr];
    if (shape->count > SINTER_MAX_RANK)
        return sni_fail(SINTER_SHAPE, "rank %d is more than %d", shape->count, SINTER_MAX_RANK);
    for (int i = 0; i < shape->count; ++i)
        if (sni_rule_const_below(call, shape->exprs[i], 0))
            return sni_fail(SINTER_SHAPE, "dimension %d of the shape is negative", i);
    sni_rule_out(call, dtype, shape->count, shape->exprs);
    return sni_rule_done(call);
}

static sinter_status iota_infer(sni_call *call) {
    int axis = 0;
    sinter_dtype dtype = (sinter_dtype)sni_attr_i(call, SNI_IOTA_DTYPE);
    if (dtype != SINTER_I64 && dtype != SINTER_I32 && !sni_dtype_is_real(dtype))
        return sni_fail(SINTER_DTYPE, "iota makes i64, i32 and real dtypes, not %s", sinter_dtype_name(dtype));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_IOTA_AXIS), call->attrs[SNI_IOTA_SHAPE].count, &axis));
    return shape_out(call, SNI_IOTA_SHAPE, dtype);
}

static int iota_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                    sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)accesses;
    int axis = 0;
    if (sni_rule_axis(sni_attr_i(call, SNI_IOTA_AXIS), call->out[0].rank, &axis) != SINTER_OK) return -1;
    *out_value = out_coords[axis];
    return 0;
}

static sinter_status iota_reference(const sni_ref_call *call) {
    sni_ref_tensor *out = call->out[0];
    sni_ref_rows rows = sni_ref_rows_of(out, call->attrs[SNI_IOTA_AXIS].i);
    for (int64_t n = 0; n < out->count; ++n) sni_ref_set(out, n, (double)(n / rows.inner % rows.length));
    return SINTER_OK;
}

/* ---- known ---------------------------------------------------------------------------------- */

static sinter_status known_infer(sni_call *call) {
    SNI_TRY(shape_out(call, SNI_KNOWN_SHAPE, SINTER_I64));
    int64_t count = 0;
    sni_expr product = sni_rule_product(call->sym, call->out[0].dims, 0, call->out[0].rank);
    if (!sni_sym_is_const(call->sym, product, &count) || count != call->attrs[SNI_KNOWN_ELEMENTS].count)
        return sni_fail(SINTER_SHAPE, "%d elements do not fill the shape", call->attrs[SNI_KNOWN_ELEMENTS].count);
    return SINTER_OK;
}

/* first + i*step where the elements are such a progression, else a sum in which one term counts. */
static int known_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                     sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)accesses;
    sni_sym *sym = call->sym;
    const sni_attr *elements = &call->attrs[SNI_KNOWN_ELEMENTS];
    sni_expr linear = sni_sym_const(sym, 0), value = linear;
    int64_t at = 0;
    for (int i = 0; i < call->out[0].rank; ++i)
        linear = sni_sym_add(sym, sni_sym_mul(sym, linear, call->out[0].dims[i]), out_coords[i]);
    if (elements->count == 0) {
        *out_value = value;
        return 0;
    }
    if (sni_sym_is_const(sym, linear, &at) && at >= 0 && at < elements->count) {
        *out_value = elements->exprs[at];
        return 0;
    }
    bool progression = true;
    sni_expr first = elements->exprs[0];
    sni_expr step = elements->count > 1 ? sni_sym_sub(sym, elements->exprs[1], first) : value;
    for (int i = 2; i < elements->count && progression; ++i)
        progression = sni_sym_sub(sym, elements->exprs[i], elements->exprs[i - 1]) == step;
    if (progression) {
        *out_value = sni_sym_add(sym, first, sni_sym_mul(sym, step, linear));
        return 0;
    }
    for (int i = 0; i < elements->count; ++i) {
        sni_expr here = sni_sym_eq(sym, linear, sni_sym_const(sym, i));
        value = sni_sym_add(sym, value, sni_sym_mul(sym, here, elements->exprs[i]));
    }
    /* Long lists of unrelated expressions are more than an expression can hold. */
    *out_value = value;
    return value == SNI_NO_EXPR ? -1 : 0;
}

static bool known_known(const sni_call *call, sni_expr *out) {
    const sni_attr *elements = &call->attrs[SNI_KNOWN_ELEMENTS];
    for (int i = 0; i < elements->count; ++i) out[i] = elements->exprs[i];
    return true;
}

static sinter_status known_reference(const sni_ref_call *call) {
    for (int64_t n = 0; n < call->out[0]->count; ++n) call->out[0]->i[n] = call->attr_values[SNI_KNOWN_ELEMENTS][n];
    return SINTER_OK;
}

const sni_op sni_ops_iota[] = {
    {.name = "iota",
     .kind = SNI_OP_IOTA,
     .min_inputs = 0,
     .max_inputs = 0,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(IOTA),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = iota_infer,
     .map = iota_map,
     .reference = iota_reference,
     .doc = "Every element is its coordinate along axis."},
    {.name = "known",
     .kind = SNI_OP_IOTA,
     .traits = {.known_on_host = true},
     .min_inputs = 0,
     .max_inputs = 0,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(KNOWN),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = known_infer,
     .map = known_map,
     .known = known_known,
     .reference = known_reference,
     .doc = "Integers computed from dimensions, in row-major order."},
};
const size_t sni_ops_iota_count = COUNT(sni_ops_iota);
