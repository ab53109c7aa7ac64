/* ONNX import; in its own library, libsinter-onnx. */
#ifndef SINTER_ONNX_H
#define SINTER_ONNX_H

#include <sinter/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A tensor in host memory, as TensorProto files hold it. Releases with sinter_onnx_tensor_release. */
typedef struct sinter_onnx_tensor {
    char *name;
    sinter_dtype dtype;
    sinter_shape shape;
    void *data;
    size_t size_bytes;
} sinter_onnx_tensor;

typedef struct sinter_onnx_options {
    /* Values for symbolic dimensions, which become numbers; NULL and 0: all stay symbolic. A name
     * that the model does not have is INVALID_ARGUMENT. Read during the call only. */
    const char *const *dim_names;
    const int64_t *dim_values;
    size_t dim_count;
    /* Inputs (by name) that become constants and are no inputs of the graph any more: a plan needs
     * the operand that gives a Reshape its shape when it is compiled. NULL and 0: none. Copied. */
    const sinter_onnx_tensor *fixed;
    size_t fixed_count;
} sinter_onnx_options;

#define SINTER_ONNX_OPTIONS_INIT                                                                                       \
    { NULL, NULL, 0, NULL, 0 }

/* Which initialisers of a model's main graph are trained: they become states of the same name and begin with the file's values
 * (sinter_state_initial). sinter_gradients and sinter_optimize may be given them, found by sinter_graph_state_name. Operators
 * that compute with the values only where they are constants refuse them by name. */
typedef struct sinter_onnx_training {
    /* By name. One that is no initialiser, or that no operator computes with, is INVALID_ARGUMENT; one of integers DTYPE.
     * NULL and 0: none. Read during the call only. */
    const char *const *names;
    size_t name_count;
    /* Not 0: all real initialisers that an operator computes with, the means and variances of a batch normalisation
     * included; what is left out of a sinter_optimize stays as it is. */
    int all;
} sinter_onnx_training;

#define SINTER_ONNX_TRAINING_INIT                                                                                      \
    { NULL, 0, 0 }

/* Reads a model file (mapped, not copied; external data is found beside it) into a new graph,
 * which the caller releases. Opsets 7 to 28, and of older ones what has not changed since; file versions to 14. Numbers that
 * no operator computes in are held in another dtype, one element each, in inputs and outputs too: FLOAT8*, FLOAT8E8M0 and
 * FLOAT4E2M1 as their bits in u8, INT4 and INT2 in i8, UINT4 and UINT2 in u8. Loop and Scan are written out and need a number
 * of rounds that is known here. Sequences and optionals are resolved here, too: which element is meant must be known, and no
 * input or output is one. Results whose size depends on data (NonZero, Compress, Unique, NonMaxSuppression) become outputs as
 * sinter_output_partial makes them, also behind operators that leave that axis alone; others refuse them by name. IO: the file cannot be read; PARSE: it is not a valid model, with the place; UNSUPPORTED: an
 * operator, attribute or dtype, named with its node; SHAPE.
 * options may be NULL. No file content crashes it. */
SINTER_API SINTER_MUST_USE sinter_status sinter_onnx_load(const char *path, const sinter_onnx_options *options,
                                                          sinter_graph **out_graph);
/* As sinter_onnx_load, with initialisers that can be trained; options and training may be NULL. */
SINTER_API SINTER_MUST_USE sinter_status sinter_onnx_load_training(const char *path, const sinter_onnx_options *options,
                                                                   const sinter_onnx_training *training,
                                                                   sinter_graph **out_graph);
/* As sinter_onnx_load from size_bytes bytes in memory, which are copied as needed. external_dir is
 * where external data is found; NULL: a model with external data is an error. */
SINTER_API SINTER_MUST_USE sinter_status sinter_onnx_load_memory(const void *data, size_t size_bytes,
                                                                 const char *external_dir,
                                                                 const sinter_onnx_options *options,
                                                                 sinter_graph **out_graph);

/* Reads a file that holds one TensorProto (the backend tests' input_0.pb) into *out_tensor, which the
 * caller releases. IO, PARSE, UNSUPPORTED (a dtype), OUT_OF_MEMORY. */
SINTER_API SINTER_MUST_USE sinter_status sinter_onnx_tensor_load(const char *path, sinter_onnx_tensor *out_tensor);
SINTER_API void sinter_onnx_tensor_release(sinter_onnx_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
