/* Constant data: counted, copied or borrowed. */
#include <stdatomic.h>
#include <string.h>

#include "base/thread.h"
#include "graph/graph.h"

struct sni_blob {
    atomic_size_t references;
    const void *data;
    size_t size_bytes;
    atomic_bool hashed; /* hash is set */
    sni_hash128 hash;
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

sni_blob *sni_blob_borrow(const void *data, size_t size_bytes, void (*free_data)(void *), void *context) {
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

const void *sni_blob_data(const sni_blob *blob) {
    return blob->data;
}
size_t sni_blob_size(const sni_blob *blob) {
    return blob->size_bytes;
}

/* Guards every blob's hash; held for no longer than a copy of two words. */
static sni_mutex hash_mutex = SNI_MUTEX_INIT;

sni_hash128 sni_blob_hash(sni_blob *blob) {
    if (atomic_load_explicit(&blob->hashed, memory_order_acquire)) return blob->hash;
    sni_hash128 hash = sni_hash128_of(blob->data, blob->size_bytes);
    sni_mutex_lock(&hash_mutex);
    if (!atomic_load_explicit(&blob->hashed, memory_order_relaxed)) {
        blob->hash = hash;
        atomic_store_explicit(&blob->hashed, true, memory_order_release);
    }
    sni_mutex_unlock(&hash_mutex);
    return hash;
}
