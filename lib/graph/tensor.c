/* Tensors of the reference evaluator. */
#include <string.h>

#include "graph/reference.h"

sinter_status sni_ref_tensor_create(sinter_dtype dtype, int rank, const int64_t *dims, sni_ref_tensor **out_tensor) {
    *out_tensor = NULL;
    if (sinter_dtype_size(dtype) == 0) return sni_fail(SINTER_DTYPE, "a tensor of no dtype");
    if (rank < 0 || rank > SINTER_MAX_RANK) return sni_fail(SINTER_SHAPE, "rank %d", rank);
    /* An element takes 8 bytes. Dimensions of 0 are left out, so that no product of some of the others overflows either. */
    int64_t count = 1, widest = 8;
    for (int d = 0; d < rank; d++) {
        if (dims[d] < 0) return sni_fail(SINTER_SHAPE, "dimension %d is %lld", d, (long long)dims[d]);
        if (dims[d] > 0 && !sni_mul_i64(widest, dims[d], &widest)) {
            return sni_fail(SINTER_SHAPE, "the size in bytes overflows");
        }
        count *= dims[d];
    }
    sni_ref_tensor *tensor = sni_calloc(1, sizeof *tensor);
    if (!tensor) return sni_out_of_memory("a tensor");
    tensor->dtype = dtype;
    tensor->rank = rank;
    tensor->count = count;
    if (rank > 0) memcpy(tensor->dims, dims, (size_t)rank * sizeof *dims);
    if (sni_dtype_is_real(dtype)) {
        tensor->f = sni_calloc((size_t)count, sizeof *tensor->f);
    } else {
        tensor->i = sni_calloc((size_t)count, sizeof *tensor->i);
    }
    if (!tensor->f && !tensor->i) {
        sni_free(tensor);
        return sni_out_of_memory("a tensor's elements");
    }
    *out_tensor = tensor;
    return SINTER_OK;
}

void sni_ref_tensor_release(sni_ref_tensor *tensor) {
    if (!tensor) return;
    sni_free(tensor->f);
    sni_free(tensor->i);
    sni_free(tensor);
}

void sni_ref_tensor_load(sni_ref_tensor *tensor, const void *data) {
    for (int64_t n = 0; n < tensor->count; n++) {
        sni_dtype_load(tensor->dtype, data, n, tensor->f ? &tensor->f[n] : NULL, tensor->i ? &tensor->i[n] : NULL);
    }
}

void sni_ref_tensor_store(const sni_ref_tensor *tensor, void *data) {
    for (int64_t n = 0; n < tensor->count; n++) {
        sni_dtype_store(tensor->dtype, data, n, tensor->f ? tensor->f[n] : 0, tensor->i ? tensor->i[n] : 0);
    }
}
