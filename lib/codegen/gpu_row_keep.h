/* What of a row stays in registers from one pass to the next. */
#ifndef SNI_CODEGEN_GPU_ROW_KEEP_H
#define SNI_CODEGEN_GPU_ROW_KEEP_H

#include "codegen/layout.h"

/* Values inside the row that a later pass would load or compute again. */
typedef struct sni_row_keep {
    const sni_passes *passes;
    bool *kept; /* by statement */
    int count;  /* of kept ones */
    int bytes;  /* of one element, of all that are kept at the same time */
} sni_row_keep;

/* False when memory is out. */
bool sni_row_keep_find(sni_row_keep *keep, const sni_passes *passes, sni_emitter *e);

#endif
