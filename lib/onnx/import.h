/* The walk over a model's graph. */
#ifndef SNI_ONNX_IMPORT_H
#define SNI_ONNX_IMPORT_H

#include "onnx/importer.h"

/* Makes a graph of a model; options may be NULL. */
sinter_status sni_onnx_import(const sni_onnx_model *model, const sinter_onnx_options *options,
                              sinter_graph **out_graph);

#endif
