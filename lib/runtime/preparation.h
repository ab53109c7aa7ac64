/* How a constant is prepared before kernels read it: packed, transposed, blocked. A strategy names one in its argument for a
 * buffer (codegen.h); the runtime prepares each constant once. */
#ifndef SNI_RUNTIME_PREPARATION_H
#define SNI_RUNTIME_PREPARATION_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sni_preparation sni_preparation;
struct sni_preparation {
    const char *name;       /* what the function does: "pack columns", for explain and as part of the key */
    const int64_t *numbers; /* its parameters, the rest of the key: sizes, widths */
    int number_count;
    size_t result_bytes;
    /* Writes result_bytes bytes to out from the constant's size_bytes bytes; both are host memory. Runs without locks, maybe on
     * several threads at once. The same bytes and numbers must give the same result. */
    sinter_status (*prepare)(const sni_preparation *preparation, const void *data, size_t size_bytes, void *out);
};

#endif
