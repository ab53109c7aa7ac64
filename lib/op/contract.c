/* The contraction: batched matrix multiplication. */
#include "op/rule.h"
#include "op/tables.h"

static sinter_status matmul_infer(sni_call *call) {
    const sni_type *a = &call->in[0], *b = &call->in[1];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_class(call, 1, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, 1));
    if (a->rank < 2 || b->rank < 2) return sni_rule_shapes(call, "matmul needs matrices");
    if (!sni_rule_equal(call, a->dims[a->rank - 1], b->dims[b->rank - 2]))
        return sni_rule_shapes(call, "the inner dimensions differ");
    sni_type batch_a = *a, batch_b = *b, batch = *a;
    batch_a.rank -= 2;
    batch_b.rank -= 2;
    if (!sni_type_broadcast(call->sym, &batch_a, &batch_b, &batch))
        return sni_rule_shapes(call, "the batch dimensions do not broadcast");
    sni_require_broadcast(call, &batch_a, &batch);
    sni_require_broadcast(call, &batch_b, &batch);
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < batch.rank; ++i) dims[i] = batch.dims[i];
    dims[batch.rank] = a->dims[a->rank - 2];
    dims[batch.rank + 1] = b->dims[b->rank - 1];
    sni_rule_out(call, a->dtype, batch.rank + 2, dims);
    return sni_rule_done(call);
}

/* Which matrix of an input belongs to the batch coordinates of the result. */
static int64_t matmul_batch(const sni_ref_tensor *in, const sni_ref_tensor *out, const int64_t *coords) {
    int64_t index = 0;
    int shift = out->rank - in->rank;
    for (int i = 0; i < in->rank - 2; ++i) index = index * in->dims[i] + (in->dims[i] == 1 ? 0 : coords[i + shift]);
    return index;
}

static sinter_status matmul_reference(const sni_ref_call *call) {
    const sni_ref_tensor *a = call->in[0], *b = call->in[1];
    sni_ref_tensor *out = call->out[0];
    int64_t m = out->dims[out->rank - 2], n = out->dims[out->rank - 1];
    int64_t k = a->dims[a->rank - 1];
    int64_t coords[SINTER_MAX_RANK] = {0};
    if (b->dims[b->rank - 2] != k) return sni_fail(SINTER_SHAPE, "the inner dimensions differ");
    for (int64_t at = 0; at < out->count; at += m * n) {
        sni_ref_coords(out, at, coords);
        const double *left = a->f + matmul_batch(a, out, coords) * m * k;
        const double *right = b->f + matmul_batch(b, out, coords) * k * n;
        double *to = out->f + at;
        for (int64_t i = 0; i < m * n; ++i) to[i] = 0;
        for (int64_t i = 0; i < m; ++i)
            for (int64_t p = 0; p < k; ++p)
                for (int64_t j = 0; j < n; ++j) to[i * n + j] += left[i * k + p] * right[p * n + j];
    }
    return SINTER_OK;
}

const sni_op sni_ops_contract[] = {
    {.name = "matmul",
     .kind = SNI_OP_CONTRACT,
     .min_inputs = 2,
     .max_inputs = 2,
     .outputs = 1,
     .classes = SNI_CLASS_REAL,
     .cost = 2,
     .fill_attr = -1,
     .infer = matmul_infer,
     .reference = matmul_reference,
     .doc = "Matrix product over the last two dimensions; the others broadcast."},
};
const size_t sni_ops_contract_count = 1;
