/* Reductions over axes, one operator for each combiner. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The result of a reduction of input 0 over the axes in attribute 0; also of the composites. */
sinter_status sni_rule_reduce(const sni_call *call, sni_dtype_class classes) {
    const sni_type *in = &call->in[0];
    uint32_t axes = 0;
    int rank = 0;
    SNI_TRY(sni_rule_class(call, 0, classes));
    SNI_TRY(sni_rule_axes(call, SNI_REDUCE_AXES, in->rank, true, &axes));
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) {
        if (!(axes & (1u << i)))
            dims[rank++] = in->dims[i];
        else if (sni_attr_i(call, SNI_REDUCE_KEEPDIMS))
            dims[rank++] = sni_sym_const(call->sym, 1);
    }
    sni_rule_out(call, in->dtype, rank, dims);
    return sni_rule_done(call);
}

static sinter_status reduce_infer(sni_call *call) {
    return sni_rule_reduce(call, call->op->classes);
}

uint32_t sni_ref_axes(const sni_ref_call *call) {
    int rank = call->in[0]->rank, count = call->attrs[SNI_REDUCE_AXES].count;
    uint32_t axes = count == 0 ? (1u << rank) - 1 : 0;
    for (int i = 0; i < count; ++i) {
        int64_t axis = call->attr_values[SNI_REDUCE_AXES][i];
        axes |= 1u << sni_axis(axis, rank);
    }
    return axes;
}

int64_t sni_ref_reduced(const sni_ref_tensor *in, uint32_t axes, const int64_t *coords) {
    int64_t at = 0;
    for (int i = 0; i < in->rank; ++i)
        if (!(axes & (1u << i))) at = at * in->dims[i] + coords[i];
    return at;
}

static sinter_status reduce_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    sni_combiner combiner = call->op->combiner;
    uint32_t axes = sni_ref_axes(call);
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        sni_combiner_start start = sni_combiner_start_of(combiner, out->dtype);
        if (out->f)
            out->f[n] = start.f;
        else
            out->i[n] = start.i;
    }
    for (int64_t n = 0; n < in->count; ++n) {
        int64_t to = sni_ref_reduced(in, axes, coords);
        if (out->f)
            out->f[to] = sni_combine_real(combiner, out->f[to], in->f[n]);
        else
            out->i[to] = sni_combine_whole(combiner, out->i[to], in->i[n]);
        sni_ref_next(in, coords);
    }
    for (int64_t n = 0; out->i && n < out->count; ++n) out->i[n] = sni_dtype_wrap(out->dtype, out->i[n]);
    return SINTER_OK;
}

#define SNI_COMBINER(id, name_, class, start, whole_start, rounds, symbolic, merge, doc_)                              \
    {.name = "reduce_" #name_,                                                                                         \
     .kind = SNI_OP_REDUCE,                                                                                            \
     .min_inputs = 1,                                                                                                  \
     .max_inputs = 1,                                                                                                  \
     .outputs = 1,                                                                                                     \
     .attrs = SNI_ATTRS_OF(REDUCE),                                                                                    \
     .classes = SNI_CLASS_##class,                                                                                     \
     .cost = 1,                                                                                                        \
     .combiner = SNI_COMBINE_##id,                                                                                     \
     .fill_attr = -1,                                                                                                  \
     .infer = reduce_infer,                                                                                            \
     .reference = reduce_reference,                                                                                    \
     .doc = doc_},

const sni_op sni_ops_reduce[] = {
#include "op/combiner.inc"
};
#undef SNI_COMBINER
const size_t sni_ops_reduce_count = COUNT(sni_ops_reduce);
