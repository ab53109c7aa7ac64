/* Constant data: counted, copied or borrowed. */
#include <stdatomic.h>
#include <string.h>

#include "graph/graph.h"

struct sni_blob {
    atomic_size_t references;
    const void *data;
    size_t size_bytes;
    void (*free_data)(void *context); /* NULL: nothing to do */
    void *context;
};

static sni_blob *blob_create(size_t payload_bytes) {
    size_t bytes = sizeof(sni_blob);
    if (__builtin_add_overflow(bytes, payload_bytes, &bytes)) return NULL;
    sni_blob *blob = sni_malloc(bytes);
    if (!blob) return NULL;
    memset(blob, 0, sizeof *blob);
    atomic_init(&blob->references, 1);
    return blob;
}

sni_blob *sni_blob_copy(const void *data, size_t size_bytes) {
    sni_blob *blob = blob_create(size_bytes);
    if (!blob) return NULL;
    void *copy = blob + 1;
    if (size_bytes > 0) memcpy(copy, data, size_bytes);
    blob->data = copy;
    blob->size_bytes = size_bytes;
    return blob;
}

sni_blob *sni_blob_borrow(const void *data, size_t size_bytes, void (*free_data)(void *),
                          void *context) {
    sni_blob *blob = blob_create(0);
    if (!blob) {
        if (free_data) free_data(context);
        return NULL;
    }
    blob->data = data;
    blob->size_bytes = size_bytes;
    blob->free_data = free_data;
    blob->context = context;
    return blob;
}

sni_blob *sni_blob_retain(sni_blob *blob) {
    if (blob) atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    return blob;
}

void sni_blob_release(sni_blob *blob) {
    if (!blob || atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel) != 1) return;
    if (blob->free_data) blob->free_data(blob->context);
    sni_free(blob);
}

const void *sni_blob_data(const sni_blob *blob) { return blob->data; }
size_t sni_blob_size(const sni_blob *blob) { return blob->size_bytes; }
