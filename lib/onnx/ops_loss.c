/* ONNX losses: the picked class's log-probability, weighted, with targets that are ignored. */
#include "onnx/importer.h"

#include <string.h>

/* What each position of the target weighs: its class's weight, 0 where it is ignored; 0 (no value): all
 * weigh 1. *io_target gets class 0 where it is ignored, which is a valid index. */
static uint32_t weights_of(sni_onnx_call *call, sinter_dtype dtype, uint32_t *io_target) {
    uint32_t weights = sni_onnx_in(call, 2), result = 0, ignored = 0;
    if (sni_onnx_has_attr(call, "ignore_index")) {
        int64_t index = sni_onnx_attr_int(call, "ignore_index", 0);
        ignored = sni_onnx_binary_scalar(call, "eq", *io_target, (double)index);
        *io_target = sni_onnx_where(call, ignored, sni_onnx_scalar_like(call, *io_target, 0), *io_target);
    }
    if (weights)
        result =
            sni_onnx_emit(call, "gather", SNI_IN(weights, *io_target), SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(0)));
    else if (ignored)
        result = sni_onnx_scalar(call, dtype, 1);
    if (ignored) result = sni_onnx_where(call, ignored, sni_onnx_scalar(call, dtype, 0), result);
    return result;
}

static uint32_t sum_all(sni_onnx_call *call, uint32_t x) {
    return sni_onnx_reduce(call, "reduce_sum", x, 0, NULL, false);
}

/* The loss of log-probabilities [N, C, ...] and targets [N, ...]. */
static uint32_t loss_of(sni_onnx_call *call, uint32_t log_prob, uint32_t target) {
    const char *reduction = sni_onnx_attr_text(call, "reduction", "mean");
    sinter_dtype dtype = sni_onnx_type(call, log_prob).dtype;
    if (sni_onnx_type(call, target).dtype != SINTER_I32) target = sni_onnx_cast(call, target, SINTER_I64);
    uint32_t weights = weights_of(call, dtype, &target);
    uint32_t picked = sni_onnx_emit(call, "gather_elements", SNI_IN(log_prob, sni_onnx_unsqueeze(call, target, 1)),
                                    SNI_ATTRS([SNI_GATHER_AXIS] = sni_attr_int(1)));
    uint32_t loss = sni_onnx_unary(call, "neg", sni_onnx_squeeze(call, picked, 1));
    if (weights) loss = sni_onnx_binary(call, "mul", loss, weights);
    if (strcmp(reduction, "none") == 0) return loss;
    if (strcmp(reduction, "sum") == 0) return sum_all(call, loss);
    if (strcmp(reduction, "mean") != 0) sni_onnx_fail(call, SINTER_PARSE, "reduction '%s'", reduction);
    if (!weights) return sni_onnx_reduce(call, "reduce_mean", loss, 0, NULL, false);
    return sni_onnx_binary(call, "div", sum_all(call, loss), sum_all(call, weights));
}

static void nll_loss(sni_onnx_call *call) {
    call->out[0] = loss_of(call, sni_onnx_in(call, 0), sni_onnx_in(call, 1));
}

static void cross_entropy(sni_onnx_call *call) {
    uint32_t log_prob = sni_onnx_emit(call, "log_softmax", SNI_IN(sni_onnx_in(call, 0)),
                                      SNI_ATTRS([SNI_SOFTMAX_AXIS] = sni_attr_int(1)));
    call->out[0] = loss_of(call, log_prob, sni_onnx_in(call, 1));
    if (sni_onnx_wants(call, 1)) call->out[1] = log_prob;
}

static const sni_onnx_row rows[] = {
    {"NegativeLogLikelihoodLoss", 12, 2, 3, 1, nll_loss, NULL},
    {"SoftmaxCrossEntropyLoss", 12, 2, 3, 2, cross_entropy, NULL},
};
const sni_onnx_family sni_onnx_loss_family = {rows, sizeof rows / sizeof *rows};
