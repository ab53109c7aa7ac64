/* The walk over a model's graph. */
#ifndef SNI_ONNX_IMPORT_H
#define SNI_ONNX_IMPORT_H

#include "onnx/importer.h"

/* Makes a graph of a model; options and training may be NULL. */
sinter_status sni_onnx_import(const sni_onnx_model *model, const sinter_onnx_options *options,
                              const sinter_onnx_training *training, sinter_graph **out_graph);

/* Ports of the main graph (ports.c). An input that the options fix becomes a constant; one that is an
 * initialiser, too, is none. */
sinter_status sni_onnx_add_input(sni_onnx_importer *importer, sni_onnx_scope *scope, const Onnx__ValueInfoProto *info);
sinter_status sni_onnx_add_outputs(sni_onnx_importer *importer, const sni_onnx_scope *scope, char *const *names,
                                   size_t count);
/* Did the inputs have every dimension that the options give? */
sinter_status sni_onnx_check_dims(const sni_onnx_importer *importer);
/* Every tensor of the options is one input's. */
sinter_status sni_onnx_check_fixed(const sni_onnx_importer *importer, const Onnx__GraphProto *graph);
/* Turns the initialisers that are trained into states; the graph is complete (trainable.c). */
sinter_status sni_onnx_make_trainable(sni_onnx_importer *importer, const sni_onnx_scope *scope);
/* Counts and arrays belong together; options may be NULL. */
sinter_status sni_onnx_check_options(const sinter_onnx_options *options);
sinter_status sni_onnx_check_training(const sinter_onnx_training *training);

#endif
