/* Scans: running sums, products and extremes along an axis. */
#include "op/rule.h"
#include "op/tables.h"

static sinter_status scan_infer(sni_call *call) {
    int axis = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_NUMBER));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_SCAN_AXIS), call->in[0].rank, &axis));
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

/* One line along the axis: its length elements are step apart from base on. */
typedef struct line {
    int64_t base, length, step;
    bool exclusive, reverse;
} line;

static int64_t position(const line *l, int64_t n) {
    return l->base + (l->reverse ? l->length - 1 - n : n) * l->step;
}

static void scan_reals(const sni_ref_call *call, const line *l) {
    sni_combiner combiner = call->op->combiner;
    double carry = sni_combiner_start_of(combiner, call->out[0]->dtype).f;
    for (int64_t n = 0; n < l->length; ++n) {
        int64_t at = position(l, n);
        double next = sni_combine_real(combiner, carry, call->in[0]->f[at]);
        call->out[0]->f[at] = l->exclusive ? carry : next;
        carry = next;
    }
}

static void scan_integers(const sni_ref_call *call, const line *l) {
    sni_combiner combiner = call->op->combiner;
    sinter_dtype dtype = call->out[0]->dtype;
    int64_t carry = sni_combiner_start_of(combiner, dtype).i;
    for (int64_t n = 0; n < l->length; ++n) {
        int64_t at = position(l, n);
        int64_t next = sni_dtype_wrap(dtype, sni_combine_whole(combiner, carry, call->in[0]->i[at]));
        call->out[0]->i[at] = l->exclusive ? carry : next;
        carry = next;
    }
}

static sinter_status scan_reference(const sni_ref_call *call) {
    sni_ref_rows rows = sni_ref_rows_of(call->in[0], call->attrs[SNI_SCAN_AXIS].i);
    line l = {0, rows.length, rows.inner, call->attrs[SNI_SCAN_EXCLUSIVE].i != 0, call->attrs[SNI_SCAN_REVERSE].i != 0};
    for (int64_t a = 0; a < rows.outer; ++a)
        for (int64_t c = 0; c < rows.inner; ++c) {
            l.base = a * rows.length * rows.inner + c;
            if (call->out[0]->f)
                scan_reals(call, &l);
            else
                scan_integers(call, &l);
        }
    return SINTER_OK;
}

#define SCAN(text, how, words)                                                                                         \
    {                                                                                                                  \
        .name = text, .kind = SNI_OP_SCAN, .min_inputs = 1, .max_inputs = 1, .outputs = 1,                             \
        .attrs = SNI_ATTRS_OF(SCAN), .classes = SNI_CLASS_NUMBER, .cost = 1, .combiner = how, .fill_attr = -1,         \
        .infer = scan_infer, .reference = scan_reference,                                                              \
        .doc = words " exclusive leaves out the element itself, reverse starts at the end."                            \
    }

const sni_op sni_ops_scan[] = {
    SCAN("cumsum", SNI_COMBINE_SUM, "Running sum along axis;"),
    SCAN("cumprod", SNI_COMBINE_PROD, "Running product along axis;"),
    SCAN("cummax", SNI_COMBINE_MAX, "Largest element so far along axis (NaN wins);"),
    SCAN("cummin", SNI_COMBINE_MIN, "Smallest element so far along axis (NaN wins);"),
};
const size_t sni_ops_scan_count = sizeof sni_ops_scan / sizeof *sni_ops_scan;
