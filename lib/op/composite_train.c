/* What training needs beyond inference: the cross-entropy of labels and logits, or what they are a product of, and dropout. */
#include "op/elementwise.h"
#include "op/rule.h"
#include "op/tables.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- cross_entropy -------------------------------------------------------------------------- */

static sinter_status cross_entropy_infer(sni_call *call) {
    const sni_type *logits = &call->in[0], *labels = &call->in[1];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_class(call, 1, SNI_CLASS_INT));
    if (logits->rank < 1 || labels->rank != logits->rank - 1)
        return sni_rule_shapes(call, "labels have the dimensions of the logits but the last one");
    for (int i = 0; i < labels->rank; ++i)
        if (!sni_rule_equal(call, labels->dims[i], logits->dims[i]))
            return sni_rule_shapes(call, "labels have the dimensions of the logits but the last one");
    double smoothing = sni_attr_f(call, SNI_CROSS_ENTROPY_SMOOTHING);
    if (!(smoothing >= 0 && smoothing <= 1))
        return sni_fail(SINTER_INVALID_ARGUMENT, "label_smoothing %g is not in 0..1", smoothing);
    bool narrow = logits->dtype == SINTER_F16 || logits->dtype == SINTER_BF16;
    sni_rule_out(call, narrow ? SINTER_F32 : logits->dtype, labels->rank, labels->dims);
    return sni_rule_done(call);
}

/* A row of logits: as it is, or values times a weight [in, classes]. */
typedef struct row_logits {
    const double *values;
    const sni_ref_tensor *weight;
    int64_t classes;
} row_logits;

static double logit(const row_logits *row, int64_t i) {
    double sum = 0;
    if (!row->weight) return row->values[i];
    for (int64_t k = 0; k < row->weight->dims[0]; ++k) sum += row->values[k] * row->weight->f[k * row->classes + i];
    return sum;
}

/* The maximum is taken out so that no exponential overflows; a label counts from the end when it is negative and is kept
 * inside, as gather does it. */
static double row_loss(const sni_ref_call *call, const row_logits *row, int64_t label) {
    double smoothing = call->attrs[SNI_CROSS_ENTROPY_SMOOTHING].f, most = -INFINITY, sum = 0, mean = 0;
    int64_t classes = row->classes;
    if (label < 0) label += classes;
    label = label < 0 ? 0 : label >= classes ? classes - 1 : label;
    for (int64_t i = 0; i < classes; ++i) {
        double x = logit(row, i);
        most = isnan(x) || x > most ? x : most;
    }
    if (isinf(most)) most = 0;
    for (int64_t i = 0; i < classes; ++i) {
        double x = logit(row, i);
        sum += exp(x - most);
        mean += x / (double)classes;
    }
    double total = log(sum) + most, loss = total - (classes ? (1 - smoothing) * logit(row, label) : 0);
    if (smoothing != 0) loss -= smoothing * mean;
    if (call->attrs[SNI_CROSS_ENTROPY_Z].f != 0) loss += call->attrs[SNI_CROSS_ENTROPY_Z].f * total * total;
    return loss;
}

static sinter_status cross_entropy_reference(const sni_ref_call *call) {
    const sni_ref_tensor *logits = call->in[0], *labels = call->in[1];
    int64_t classes = logits->dims[logits->rank - 1];
    for (int64_t n = 0; n < labels->count; ++n) {
        bool ignored = labels->i[n] == call->attrs[SNI_CROSS_ENTROPY_IGNORE].i;
        row_logits row = {.values = logits->f + n * classes, .classes = classes};
        call->out[0]->f[n] = ignored ? 0 : row_loss(call, &row, labels->i[n]);
    }
    return SINTER_OK;
}

/* ---- linear_cross_entropy ------------------------------------------------------------------- */

static sinter_status linear_infer(sni_call *call) {
    const sni_type *x = &call->in[0], *weight = &call->in[1], *labels = &call->in[2];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    SNI_TRY(sni_rule_same_dtype(call, 0, 1));
    SNI_TRY(sni_rule_class(call, 2, SNI_CLASS_INT));
    if (x->rank < 1 || weight->rank != 2 || !sni_rule_equal(call, x->dims[x->rank - 1], weight->dims[0]))
        return sni_rule_shapes(call, "weight is [in, classes], and in is the last dimension of x");
    bool fits = labels->rank == x->rank - 1;
    for (int i = 0; fits && i < labels->rank; ++i) fits = sni_rule_equal(call, labels->dims[i], x->dims[i]);
    if (!fits) return sni_rule_shapes(call, "labels have the dimensions of x but the last one");
    double smoothing = sni_attr_f(call, SNI_LINEAR_CROSS_ENTROPY_SMOOTHING);
    if (!(smoothing >= 0 && smoothing <= 1))
        return sni_fail(SINTER_INVALID_ARGUMENT, "label_smoothing %g is not in 0..1", smoothing);
    int64_t chunks = sni_attr_i(call, SNI_LINEAR_CROSS_ENTROPY_CHUNKS);
    if (chunks < 1 || chunks > 1024)
        return sni_fail(SINTER_INVALID_ARGUMENT, "chunks %lld is not in 1..1024", (long long)chunks);
    bool narrow = x->dtype == SINTER_F16 || x->dtype == SINTER_BF16;
    sni_rule_out(call, narrow ? SINTER_F32 : x->dtype, labels->rank, labels->dims);
    return sni_rule_done(call);
}

static sinter_status linear_reference(const sni_ref_call *call) {
    const sni_ref_tensor *x = call->in[0], *weight = call->in[1], *labels = call->in[2];
    for (int64_t n = 0; n < labels->count; ++n) {
        row_logits row = {.values = x->f + n * weight->dims[0], .weight = weight, .classes = weight->dims[1]};
        bool ignored = labels->i[n] == call->attrs[SNI_LINEAR_CROSS_ENTROPY_IGNORE].i;
        call->out[0]->f[n] = ignored ? 0 : row_loss(call, &row, labels->i[n]);
    }
    return SINTER_OK;
}

/* row_loss reads the attributes that both have at the same positions. */
_Static_assert((int)SNI_LINEAR_CROSS_ENTROPY_SMOOTHING == (int)SNI_CROSS_ENTROPY_SMOOTHING &&
                   (int)SNI_LINEAR_CROSS_ENTROPY_Z == (int)SNI_CROSS_ENTROPY_Z &&
                   (int)SNI_LINEAR_CROSS_ENTROPY_IGNORE == (int)SNI_CROSS_ENTROPY_IGNORE,
               "the attributes of cross_entropy come first");

/* ---- dropout -------------------------------------------------------------------------------- */

static sinter_status dropout_infer(sni_call *call) {
    double rate = sni_attr_f(call, SNI_DROPOUT_RATE);
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_REAL));
    for (int i = 1; i < 3; ++i)
        if (call->in[i].dtype != SINTER_I64 || call->in[i].rank != 0)
            return sni_rule_shape_of(call, i, "seed and offset are i64 scalars");
    if (!(rate >= 0 && rate < 1)) return sni_fail(SINTER_INVALID_ARGUMENT, "rate %g is not in 0..1, or is 1", rate);
    sni_rule_out_like(call, 0);
    return SINTER_OK;
}

/* An element stays when its 32 random bits reach the rate: whole numbers are compared, so that every device drops the same. */
static sinter_status dropout_reference(const sni_ref_call *call) {
    const sni_op *philox = sni_op_find("philox");
    double rate = call->attrs[SNI_DROPOUT_RATE].f;
    int64_t threshold = (int64_t)rint(rate * 4294967296.0), bits = 0;
    for (int64_t n = 0; n < call->out[0]->count; ++n) {
        int64_t operands[3] = {(int64_t)((uint64_t)n + (uint64_t)call->in[2]->i[0]), call->in[1]->i[0], 0};
        if (!sni_elementwise_whole(philox, SINTER_I64, operands, &bits))
            return sni_fail(SINTER_INTERNAL, "philox is no row of integers");
        bool keep = (int64_t)((uint64_t)bits & 0xffffffffu) >= threshold;
        call->out[0]->f[n] = keep ? call->in[0]->f[n] * (1 / (1 - rate)) : 0;
    }
    return SINTER_OK;
}

const sni_op sni_ops_composite_train[] = {
    {.name = "cross_entropy",
     .inputs = "logits labels",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 2,
     .max_inputs = 2,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(CROSS_ENTROPY),
     .classes = SNI_CLASS_REAL,
     .cost = 20,
     .fill_attr = -1,
     .infer = cross_entropy_infer,
     .reference = cross_entropy_reference,
     .doc = "The loss of each row of logits (last dimension: classes) whose class labels name, minus the logarithm of "
            "its softmax there, in f32 or wider; 0 where the label is ignore_index. label_smoothing of the target is "
            "spread over all classes; z_loss weighs the square of the logarithm of the sum of exp(logits). Labels are "
            "taken as gather takes indices."},
    {.name = "linear_cross_entropy",
     .inputs = "x weight labels",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 3,
     .max_inputs = 3,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(LINEAR_CROSS_ENTROPY),
     .classes = SNI_CLASS_REAL,
     .cost = 20,
     .fill_attr = -1,
     .infer = linear_infer,
     .reference = linear_reference,
     .doc =
         "cross_entropy of the logits x * weight, weight [in, classes], which are computed in chunks of rows and never "
         "stored whole, as far as sizes are numbers. Gradients come in chunks, too: of rows for x, of classes for "
         "weight, "
         "whose logits are computed once more. Meant for losses that are a sum or a mean of the result: a "
         "gradient that depends on the loss's value waits for it, and keeps the logits until then."},
    {.name = "dropout",
     .inputs = "x seed offset",
     .kind = SNI_OP_COMPOSITE,
     .min_inputs = 3,
     .max_inputs = 3,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(DROPOUT),
     .classes = SNI_CLASS_REAL,
     .cost = 60,
     .fill_attr = -1,
     .infer = dropout_infer,
     .reference = dropout_reference,
     .doc = "Zeros in place of about rate of the elements, the others times 1 / (1 - rate). Which ones follows from "
            "seed and offset, i64 scalars: element n is drawn by the lower 32 bits of philox(offset + n, seed)."},
};
const size_t sni_ops_composite_train_count = COUNT(sni_ops_composite_train);
