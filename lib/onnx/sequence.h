/* Sequences of tensors, which exporters write for the parts of a split. The importer resolves them: a sequence is a list of
 * values of the graph, under a number that is no value of the graph. */
#ifndef SNI_ONNX_SEQUENCE_H
#define SNI_ONNX_SEQUENCE_H

#include "onnx/importer.h"

typedef struct sni_onnx_sequence {
    size_t count;
    uint32_t *values; /* the importer's arena */
} sni_onnx_sequence;

bool sni_onnx_is_sequence(uint32_t value);
/* NULL when value is none of the importer's sequences. */
const sni_onnx_sequence *sni_onnx_sequence_of(const sni_onnx_importer *importer, uint32_t value);
/* A new sequence of values, which are copied; 0 after a failure of the call. */
uint32_t sni_onnx_make_sequence(sni_onnx_call *call, size_t count, const uint32_t *values);
/* UNSUPPORTED when an operand is a sequence and the row takes none. */
sinter_status sni_onnx_check_sequences(const sni_onnx_call *call);

#endif
