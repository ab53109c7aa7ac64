/* Sorting as graphs of primitives: what TopK, Unique and NonMaxSuppression need. */
#ifndef SNI_ONNX_SORT_H
#define SNI_ONNX_SORT_H

#include "onnx/importer.h"

/* The indices, i64, of the first k elements along axis of x: in descending order when largest, else ascending. NaN is the
 * largest number, equal elements keep their order. k is at most the extent of the axis; the result has k in place of it. */
uint32_t sni_onnx_order(sni_onnx_call *call, uint32_t x, int axis, sni_expr k, bool largest);
/* x along axis at indices, whose shape is the result's. */
uint32_t sni_onnx_take(sni_onnx_call *call, uint32_t x, uint32_t indices, int axis);
/* For each element of wanted, the first place along the last axis of sorted (ascending) whose element is not less; the extent of
 * that axis where there is none. Leading dimensions are those of wanted. i32. */
uint32_t sni_onnx_lower_bound(sni_onnx_call *call, uint32_t sorted, uint32_t wanted);

#endif
