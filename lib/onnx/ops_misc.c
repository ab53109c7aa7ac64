/* ONNX operators that are about the graph itself, and those that are known not to be supported. */
#include "onnx/importer.h"

#include <string.h>

static void constant_integers(sni_onnx_call *call, int rank, int64_t count, const int64_t *data) {
    call->out[0] =
        sni_onnx_constant(call, SINTER_I64, rank, &count, count ? data : &count, (size_t)count * sizeof *data);
}

static void constant_floats(sni_onnx_call *call, int rank, int64_t count, const float *data) {
    call->out[0] = sni_onnx_constant(call, SINTER_F32, rank, &count, count ? (const void *)data : &count,
                                     (size_t)count * sizeof *data);
}

static void constant(sni_onnx_call *call) {
    const Onnx__AttributeProto *tensor = sni_onnx_attr(call, "value");
    const Onnx__AttributeProto *floats = sni_onnx_attr(call, "value_floats");
    const Onnx__AttributeProto *ints = sni_onnx_attr(call, "value_ints");
    if (tensor && tensor->t) {
        sni_onnx_initializer initializer = {tensor->t, NULL, 0};
        call->status = sni_onnx_tensor_constant(call->importer, &initializer, &call->out[0]);
    } else if (sni_onnx_has_attr(call, "value_int")) {
        int64_t value = sni_onnx_attr_int(call, "value_int", 0);
        constant_integers(call, 0, 1, &value);
    } else if (sni_onnx_has_attr(call, "value_float")) {
        float value = (float)sni_onnx_attr_float(call, "value_float", 0);
        constant_floats(call, 0, 1, &value);
    } else if (floats) {
        constant_floats(call, 1, (int64_t)floats->n_floats, floats->floats);
    } else if (ints) {
        constant_integers(call, 1, (int64_t)ints->n_ints, ints->ints);
    } else if (call->node->n_attribute > 0) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "attribute %s",
                      call->node->attribute[0]->name ? call->node->attribute[0]->name : "");
    } else {
        sni_onnx_fail(call, SINTER_PARSE, "it has no value");
    }
}

/* Inference drops nothing; training would need a source of randomness. */
static void dropout(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), ratio = sni_onnx_in(call, 1), mode = sni_onnx_in(call, 2);
    int64_t training = 0;
    double drop = 0.5;
    int count = 0;
    if (call->opset >= 12 && mode && !sni_onnx_numbers_of(call, mode, "training_mode operand", 1, &training, &count))
        return;
    if (training && ratio && !sni_onnx_doubles_of(call, ratio, "ratio operand", 1, &drop, &count)) return;
    if (training && drop != 0) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "training (random numbers)");
        return;
    }
    call->out[0] = x;
    if (!sni_onnx_wants(call, 1)) return;
    sni_onnx_list shape = sni_onnx_shape(call, x);
    sinter_dtype dtype = call->opset < 10 ? sni_onnx_type(call, x).dtype : SINTER_BOOL;
    call->out[1] = sni_onnx_expand(call, sni_onnx_scalar(call, dtype, 1), &shape);
}

/* Their rows exist so that the error says why. */
static void no_strings(sni_onnx_call *call) {
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "strings are not supported");
}

static void no_random(sni_onnx_call *call) {
    sni_onnx_fail(call, SINTER_UNSUPPORTED, "random numbers are not supported");
}

static const sni_onnx_row rows[] = {
    {"Constant", 1, 0, 0, 1, constant, NULL},
    {"Dropout", 6, 1, 3, 2, dropout, NULL},
    {"StringNormalizer", 6, 0, -1, -1, no_strings, NULL},
    {"TfIdfVectorizer", 6, 0, -1, -1, no_strings, NULL},
    {"RandomUniform", 6, 0, -1, -1, no_random, NULL},
    {"RandomUniformLike", 6, 0, -1, -1, no_random, NULL},
    {"RandomNormal", 6, 0, -1, -1, no_random, NULL},
    {"RandomNormalLike", 6, 0, -1, -1, no_random, NULL},
    {"Bernoulli", 6, 0, -1, -1, no_random, NULL},
    {"Multinomial", 6, 0, -1, -1, no_random, NULL},
};
const sni_onnx_family sni_onnx_misc_family = {rows, sizeof rows / sizeof *rows};
