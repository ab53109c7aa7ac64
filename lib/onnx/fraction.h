/* Integers that a model computes from its dimensions by way of floating point. */
#ifndef SNI_ONNX_FRACTION_H
#define SNI_ONNX_FRACTION_H

#include "onnx/importer.h"

/* The elements of the float value (a scalar or a vector) as a cast to an integer would give them, as expressions of the
 * dimensions. False where they depend on data, or where rounding could make the float differ. */
bool sni_onnx_whole_part(sni_onnx_call *call, uint32_t value, sni_onnx_list *out);

#endif
