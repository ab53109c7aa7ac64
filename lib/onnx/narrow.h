/* Types of ONNX that no operator computes in: 8-bit and 4-bit floats, and integers of 4 and 2 bits. A graph holds the floats
 * as their bits in u8 and the integers in i8 or u8, one element each; the importer remembers which values these are, and
 * only what converts them or moves them takes them. */
#ifndef SNI_ONNX_NARROW_H
#define SNI_ONNX_NARROW_H

#include "onnx/importer.h"

/* The dtype that holds elements of a TensorProto.DataType: also of those that are only held. NONE: there is none. */
sinter_dtype sni_onnx_storage_dtype(int32_t data_type);
/* Bits of an element in a file: 2, 4, or 8 times its dtype's size. */
int sni_onnx_stored_bits(int32_t data_type);
/* Elements of 2 or 4 bits, the first in the lowest bits, as one byte each. */
void sni_onnx_unpack_bits(int32_t data_type, const uint8_t *from, size_t count, uint8_t *to);

bool sni_onnx_is_narrow(int32_t data_type);
/* The data type of a value that is only held, 0 for any other. */
int32_t sni_onnx_narrow_of(const sni_onnx_importer *importer, uint32_t value);
/* Remembers it; OUT_OF_MEMORY. data_type may be one that is not narrow. */
sinter_status sni_onnx_mark_narrow(sni_onnx_importer *importer, uint32_t value, int32_t data_type);
/* May the operator take such operands? UNSUPPORTED says which it does not take. */
sinter_status sni_onnx_check_narrow(const sni_onnx_call *call);
/* Marks the results of an operator that only moves elements. */
sinter_status sni_onnx_spread_narrow(const sni_onnx_call *call);

/* The numbers that a narrow value stands for: f32 of floats, i32 of integers. */
uint32_t sni_onnx_decode(sni_onnx_call *call, uint32_t value);
/* How a real number becomes one that is only held. */
typedef struct sni_onnx_rounding {
    bool saturate;          /* floats: what is too large becomes the largest number, else Inf or NaN */
    const char *round_mode; /* of FLOAT8E8M0: "up", "down" or "nearest" */
} sni_onnx_rounding;
/* x in a narrow type, marked. Reals go to the nearest number, ties to the even code; integers keep their low bits. */
uint32_t sni_onnx_encode(sni_onnx_call *call, uint32_t x, int32_t data_type, const sni_onnx_rounding *rounding);

#endif
