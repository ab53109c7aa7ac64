/* Matrix products as several operators need them: of reals by the graph's operator, of integers written out. */
#ifndef SNI_ONNX_PRODUCT_H
#define SNI_ONNX_PRODUCT_H

#include "onnx/importer.h"

/* a [.., m, k] times b [.., k, n] as numpy's matmul: leading dimensions broadcast, a vector's dimension goes again
 * afterwards. Integers are summed in their own dtype and wrap around as there. */
uint32_t sni_onnx_product(sni_onnx_call *call, uint32_t a, uint32_t b);
/* The convolution that the call's attributes describe, of integers less their zero points (0: none; w_zero: a scalar or one a
 * map), exact, in i32. */
uint32_t sni_onnx_integer_conv(sni_onnx_call *call, uint32_t x, uint32_t w, uint32_t x_zero, uint32_t w_zero);
/* A matrix with its two last axes exchanged. */
uint32_t sni_onnx_transposed(sni_onnx_call *call, uint32_t x);

#endif
