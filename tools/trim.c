#include "trim.h"

#include <stdbool.h>
#include <string.h>

static size_t find(const sinter_onnx_tensor *outputs, size_t count, const char *name) {
    size_t i = 0;
    while (i < count && strcmp(outputs[i].name, name) != 0) i++;
    return i;
}

/* The first extent slices along axis, moved together. */
static void cut(sinter_onnx_tensor *t, int axis, int64_t extent) {
    int64_t outer = 1, whole = (int64_t)sinter_dtype_size(t->dtype), dim = t->shape.dims[axis];
    for (int i = 0; i < axis; i++) outer *= t->shape.dims[i];
    for (int i = axis + 1; i < t->shape.rank; i++) whole *= t->shape.dims[i];
    if (extent < 0 || extent > dim) return;
    char *data = t->data;
    for (int64_t o = 0; o < outer; o++)
        memmove(data + o * extent * whole, data + o * dim * whole, (size_t)(extent * whole));
    t->shape.dims[axis] = extent;
    t->size_bytes = (size_t)(outer * extent * whole);
}

size_t tool_outputs_trim(const sinter_graph *graph, sinter_onnx_tensor *outputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        const char *extent = sinter_graph_output_extent(graph, i, &axis);
        size_t at = extent ? find(outputs, count, extent) : count;
        if (at < count) cut(&outputs[i], axis, *(const int64_t *)outputs[at].data);
    }
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        bool says_extent = false;
        for (size_t k = 0; k < count && !says_extent; k++) {
            const char *extent = sinter_graph_output_extent(graph, k, NULL);
            says_extent = extent && strcmp(extent, outputs[i].name) == 0;
        }
        if (says_extent) {
            sinter_onnx_tensor_release(&outputs[i]);
            continue;
        }
        sinter_onnx_tensor kept = outputs[i];
        if (left != i) memset(&outputs[i], 0, sizeof outputs[i]);
        outputs[left++] = kept;
    }
    return left;
}
