/* Attributes and sizes that convolutions and poolings share. */
#include "op/rule.h"

static sinter_status check_list(const sni_call *call, int attr, int wanted) {
    int count = call->attrs[attr].count;
    if (count == 0 || count == wanted) return SINTER_OK;
    return sni_fail(SINTER_SHAPE, "attribute %s has %d entries instead of %d", call->op->attrs[attr].name, count,
                    wanted);
}

sinter_status sni_rule_spatial_read(const sni_call *call, int strides, int pads, int dilations, sni_rule_spatial *out) {
    const sni_type *x = &call->in[0];
    int count = x->rank - 2;
    if (count < 1 || count > 3) return sni_rule_shape_of(call, 0, "x needs 1 to 3 dimensions after the channels");
    SNI_TRY(check_list(call, strides, count));
    SNI_TRY(check_list(call, pads, 2 * count));
    SNI_TRY(check_list(call, dilations, count));
    out->count = count;
    for (int i = 0; i < count; ++i) {
        out->in[i] = x->dims[2 + i];
        out->stride[i] = sni_rule_entry(call, strides, i, 1);
        out->low[i] = sni_rule_entry(call, pads, i, 0);
        out->high[i] = sni_rule_entry(call, pads, count + i, 0);
        out->dilation[i] = sni_rule_entry(call, dilations, i, 1);
        if (sni_rule_const_below(call, out->stride[i], 1) || sni_rule_const_below(call, out->dilation[i], 1))
            return sni_fail(SINTER_INVALID_ARGUMENT, "strides and dilations must be 1 or more");
    }
    return SINTER_OK;
}

sinter_status sni_rule_spatial_size(sni_call *call, const sni_rule_spatial *spatial, int i, bool ceil,
                                    sni_expr *out_size) {
    sni_sym *sym = call->sym;
    sni_expr reach = sni_sym_mul(sym, spatial->dilation[i], sni_sym_add_i(sym, spatial->kernel[i], -1));
    sni_expr low_end = sni_sym_add(sym, spatial->in[i], spatial->low[i]);
    sni_expr room = sni_sym_add_i(sym, sni_sym_sub(sym, sni_sym_add(sym, low_end, spatial->high[i]), reach), -1);
    /* With ceil a window may begin inside and end anywhere: the first one needs no room but for its first element. */
    sni_expr first = ceil ? sni_sym_add(sym, room, sni_sym_add_i(sym, spatial->stride[i], -1)) : room;
    *out_size = SNI_NO_EXPR;
    if (sni_rule_const_below(call, first, 0) || sni_rule_const_below(call, spatial->kernel[i], 1))
        return sni_rule_shapes(call, "the kernel is larger than the padded input");
    sni_call_require(call, sni_sym_le(sym, sni_sym_const(sym, 0), first));
    sni_expr last = sni_sym_div(sym, room, spatial->stride[i]);
    if (ceil)
        last = sni_sym_min(sym, sni_sym_ceil_div(sym, room, spatial->stride[i]),
                           sni_sym_div(sym, sni_sym_add_i(sym, low_end, -1), spatial->stride[i]));
    *out_size = sni_sym_add_i(sym, last, 1);
    return SINTER_OK;
}
