/* Tensors in files: .npy, .pb (an ONNX TensorProto), .pgm and .ppm. */
#ifndef TOOLS_FILES_H
#define TOOLS_FILES_H

#include <stdint.h>

#include <sinter/onnx.h>

/* Room for a tensor of numbers; sinter_onnx_tensor_release frees it. */
sinter_status tool_tensor_make(const char *name, sinter_dtype dtype, sinter_shape shape,
                               sinter_onnx_tensor *out_tensor);
/* Reads path by its ending. dtype and shape are what the model's input has (shape with -1 where any size
 * will do): images are scaled to 0..1 and laid out by them, numbers of .npy are converted when they are of
 * the same kind (real or whole). IO, PARSE, UNSUPPORTED, SHAPE, DTYPE. */
sinter_status tool_tensor_read(const char *path, const char *name, sinter_dtype dtype, sinter_shape shape,
                               sinter_onnx_tensor *out_tensor);
/* Writes a .npy file (version 1.0); bf16 is written as f32, which numpy knows. */
sinter_status tool_npy_write(const char *path, sinter_dtype dtype, sinter_shape shape, const void *data);
sinter_status tool_npy_read(const char *path, sinter_onnx_tensor *out_tensor);
/* Grey (PGM) or RGB (PPM) pixels in 0..1, text or binary, as [channels, height, width] f32. */
sinter_status tool_image_read(const char *path, sinter_onnx_tensor *out_tensor);
/* Fills a tensor from a seed: reals standard normal, whole numbers 0 or 1. */
void tool_tensor_fill(sinter_onnx_tensor *tensor, uint64_t seed);
/* Elements of a tensor. */
int64_t tool_tensor_count(const sinter_onnx_tensor *tensor);

#endif
