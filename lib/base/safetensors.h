/* Files of named tensors (safetensors): eight bytes with the header's length, a header in JSON, the elements. */
#ifndef SNI_BASE_SAFETENSORS_H
#define SNI_BASE_SAFETENSORS_H

#include <sinter/types.h>

#include "base/file.h"
#include "base/status.h"

typedef struct sni_tensor_entry {
    const char *name;
    sinter_dtype dtype;
    int rank;
    int64_t dims[SINTER_MAX_RANK];
    const void *data; /* packed, row-major, little-endian as every device here */
    size_t size_bytes;
} sni_tensor_entry;

/* A file that is mapped; entries point into it. */
typedef struct sni_tensor_file {
    sni_mapping mapping;
    sni_tensor_entry *entries;
    size_t count, capacity;
} sni_tensor_file;

/* PARSE says what is wrong with the file and where; IO, OUT_OF_MEMORY. Tensors of dtypes that the library does not have are
 * passed over. On failure nothing has to be closed. */
sinter_status sni_tensor_file_open(const char *path, sni_tensor_file *out_file);
void sni_tensor_file_close(sni_tensor_file *file);
/* NULL when there is none of that name. */
const sni_tensor_entry *sni_tensor_file_find(const sni_tensor_file *file, const char *name);
/* Writes the tensors under a temporary name and renames that: path holds all of them or what it held before. IO, OUT_OF_MEMORY. */
sinter_status sni_tensor_file_write(const char *path, const sni_tensor_entry *entries, size_t count);

#endif
