/* gemm, trilu, and the short names of reshapes. */
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- gemm ----------------------------------------------------------------------------------- */

static sinter_status gemm_infer(sni_call *call) {
    const sni_type *a = &call->in[0], *b = &call->in[1];
    int ta = sni_attr_i(call, SNI_GEMM_TRANS_A) != 0, tb = sni_attr_i(call, SNI_GEMM_TRANS_B) != 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_class(call, 1, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, 2));
    if (a->rank != 2 || b->rank != 2) return sni_rule_shapes(call, "gemm needs two matrices");
    if (!sni_rule_equal(call, a->dims[ta ? 0 : 1], b->dims[tb ? 1 : 0]))
        return sni_rule_shapes(call, "the inner dimensions differ");
    sni_type product = {.dtype = a->dtype, .rank = 2}, out;
    product.dims[0] = a->dims[ta ? 1 : 0];
    product.dims[1] = b->dims[tb ? 0 : 1];
    sni_rule_out(call, a->dtype, 2, product.dims);
    if (!sni_rule_given(call, 2)) return sni_rule_done(call);
    if (!sni_type_broadcast(call->sym, &product, &call->in[2], &out) || out.rank != 2 ||
        !sni_rule_equal(call, out.dims[0], product.dims[0]) || !sni_rule_equal(call, out.dims[1], product.dims[1]))
        return sni_rule_shapes(call, "c does not broadcast to the product");
    sni_require_broadcast(call, &call->in[2], &product);
    return sni_rule_done(call);
}

static sinter_status gemm_reference(const sni_ref_call *call) {
    const sni_ref_tensor *a = call->in[0], *b = call->in[1], *c = sni_ref_optional(call, 2);
    bool ta = call->attrs[SNI_GEMM_TRANS_A].i != 0, tb = call->attrs[SNI_GEMM_TRANS_B].i != 0;
    sni_ref_tensor *out = call->out[0];
    int64_t inner = a->dims[ta ? 0 : 1];
    if (b->dims[tb ? 1 : 0] != inner) return sni_fail(SINTER_SHAPE, "the inner dimensions differ");
    for (int64_t n = 0; n < out->count; ++n) {
        int64_t i = n / out->dims[1], j = n % out->dims[1];
        double sum = 0;
        for (int64_t k = 0; k < inner; ++k)
            sum += a->f[ta ? k * a->dims[1] + i : i * inner + k] * b->f[tb ? j * inner + k : k * b->dims[1] + j];
        out->f[n] = call->attrs[SNI_GEMM_ALPHA].f * sum;
        if (!c) continue;
        int64_t columns = c->rank > 0 ? c->dims[c->rank - 1] : 1;
        int64_t at = columns == 1 ? 0 : j;
        if (c->rank == 2 && c->dims[0] != 1) at += i * columns;
        out->f[n] += call->attrs[SNI_GEMM_BETA].f * c->f[at];
    }
    return SINTER_OK;
}

/* ---- trilu ---------------------------------------------------------------------------------- */

static sinter_status trilu_infer(sni_call *call) {
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (call->in[0].rank < 2) return sni_rule_shape_of(call, 0, "trilu needs a matrix");
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

static sinter_status trilu_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0];
    int64_t rows = x->dims[x->rank - 2], columns = x->dims[x->rank - 1];
    for (int64_t n = 0; n < x->count; ++n) {
        int64_t i = n / columns % rows, j = n % columns;
        bool keep =
            call->attrs[SNI_TRILU_UPPER].i ? j - i >= call->attrs[SNI_TRILU_K].i : j - i <= call->attrs[SNI_TRILU_K].i;
        if (keep)
            sni_ref_move(x, n, call->out[0], n);
        else
            sni_ref_set(call->out[0], n, 0);
    }
    return SINTER_OK;
}

/* ---- squeeze, unsqueeze, flatten ------------------------------------------------------------ */

static sinter_status squeeze_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    uint32_t axes = 0;
    int rank = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    SNI_TRY(sni_rule_axes(call, SNI_AXES_AXES, in->rank, false, &axes));
    bool all = call->attrs[SNI_AXES_AXES].count == 0;
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) {
        bool one = sni_sym_is(call->sym, in->dims[i], 1), named = axes & (1u << i);
        if (named && !sni_rule_equal(call, in->dims[i], sni_sym_const(call->sym, 1)))
            return sni_rule_shape_of(call, 0, "a squeezed dimension is not 1");
        if (!named && !(all && one)) dims[rank++] = in->dims[i];
        /* The rank is what it is: a dimension that turns out to be 1 would have to go. */
        if (all && !one)
            sni_call_require(call,
                             sni_sym_not(call->sym, sni_sym_eq(call->sym, in->dims[i], sni_sym_const(call->sym, 1))));
    }
    sni_rule_out(call, in->dtype, rank, dims);
    return sni_rule_done(call);
}

static sinter_status unsqueeze_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    uint32_t axes = 0;
    int rank = in->rank + call->attrs[SNI_AXES_AXES].count;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (rank > SINTER_MAX_RANK) return sni_rule_shape_of(call, 0, "too many dimensions");
    SNI_TRY(sni_rule_axes(call, SNI_AXES_AXES, rank, false, &axes));
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0, from = 0; i < rank; ++i)
        dims[i] = axes & (1u << i) ? sni_sym_const(call->sym, 1) : in->dims[from++];
    sni_rule_out(call, in->dtype, rank, dims);
    return sni_rule_done(call);
}

/* The axis may be the rank itself here: everything goes into the rows. */
static sinter_status flatten_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int64_t axis = sni_attr_i(call, SNI_FLATTEN_AXIS);
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    axis = axis < 0 ? axis + in->rank : axis; /* not checked yet, and the rank itself is an axis, too */
    if (axis < 0 || axis > in->rank)
        return sni_fail(SINTER_SHAPE, "axis %lld is outside rank %d", (long long)axis, in->rank);
    sni_expr dims[2] = {sni_rule_product(call->sym, in->dims, 0, (int)axis),
                        sni_rule_product(call->sym, in->dims, (int)axis, in->rank)};
    sni_rule_out(call, in->dtype, 2, dims);
    return sni_rule_done(call);
}

static bool same_known(const sni_call *call, sni_expr *out) {
    if (!call->in[0].elements) return false;
    for (int64_t i = 0; i < call->in[0].element_count; ++i) out[i] = call->in[0].elements[i];
    return true;
}

static sinter_status same_reference(const sni_ref_call *call) {
    for (int64_t i = 0; i < call->out[0]->count; ++i) sni_ref_move(call->in[0], i, call->out[0], i);
    return SINTER_OK;
}

#define RESHAPE(text, attributes, rule, words)                                                                         \
    {                                                                                                                  \
        .name = text, .kind = SNI_OP_COMPOSITE, .traits = {.renames = true}, .min_inputs = 1, .max_inputs = 1,         \
        .outputs = 1, .attrs = SNI_ATTRS_OF(attributes), .classes = SNI_CLASS_ANY, .fill_attr = -1, .infer = rule,     \
        .known = same_known, .reference = same_reference, .doc = words                                                 \
    }

const sni_op sni_ops_composite_misc[] = {
    {.name = "gemm",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 2,
     .max_inputs = 3,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(GEMM),
     .classes = SNI_CLASS_REAL,
     .cost = 3,
     .fill_attr = -1,
     .infer = gemm_infer,
     .reference = gemm_reference,
     .doc = "alpha * a * b + beta * c, with a and b transposed on demand."},
    {.name = "trilu",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(TRILU),
     .classes = SNI_CLASS_ANY,
     .cost = 2,
     .fill_attr = -1,
     .infer = trilu_infer,
     .reference = trilu_reference,
     .doc = "The upper or lower triangle of the last two dimensions from diagonal k; else 0."},
    RESHAPE("squeeze", AXES, squeeze_infer, "Drops dimensions of 1 (no axes: all of them)."),
    RESHAPE("unsqueeze", AXES, unsqueeze_infer, "Adds dimensions of 1 at axes of the result."),
    RESHAPE("flatten", FLATTEN, flatten_infer,
            "A matrix: dimensions before axis are its rows, the others its columns."),
};
const size_t sni_ops_composite_misc_count = COUNT(sni_ops_composite_misc);
