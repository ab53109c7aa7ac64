/* Rows of the domain com.microsoft. */
#ifndef SNI_ONNX_CONTRIB_H
#define SNI_ONNX_CONTRIB_H

#include "onnx/importer.h"

typedef struct sni_onnx_contrib_row {
    sni_onnx_row row;
    const char *
        attributes; /* names between spaces: what the row reads, or may leave unread. Any other might change the result */
} sni_onnx_contrib_row;

typedef struct sni_onnx_contrib_family {
    const sni_onnx_contrib_row *rows;
    size_t count;
} sni_onnx_contrib_family;

extern const sni_onnx_contrib_family sni_onnx_contrib_maps, sni_onnx_contrib_attention;

#endif
