/* Values whose size depends on data: what NonZero and its kin give. The graph holds them at their largest size; the importer
 * remembers along which axis only a part is meant and which value says how much. Operators that go along the other axes
 * pass that on, outputs tell it, and everything else refuses such an operand by name. */
#ifndef SNI_ONNX_SIZED_H
#define SNI_ONNX_SIZED_H

#include "onnx/importer.h"

typedef struct sni_onnx_sized {
    uint32_t value;
    int axis;
    uint32_t extent; /* an i64 scalar */
    const char *by;  /* the operator and node that the size comes from; the importer's arena */
} sni_onnx_sized;

/* NULL for a value that is whole. */
const sni_onnx_sized *sni_onnx_sized_of(const sni_onnx_importer *importer, uint32_t value);
/* Remembers it of one of the call's results. */
void sni_onnx_mark_sized(sni_onnx_call *call, uint32_t value, int axis, uint32_t extent);
/* Before a row is built: may it take such operands? And after: marks its results. */
sinter_status sni_onnx_check_sized(const sni_onnx_call *call);
sinter_status sni_onnx_spread_sized(sni_onnx_call *call);

/* The positions, i32 [n], of what is true in flags, bool [n], in order, then zeros; *out_count, i64, says how many there are. */
uint32_t sni_onnx_positions_of(sni_onnx_call *call, uint32_t flags, uint32_t *out_count);

#endif
