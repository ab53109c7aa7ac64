/* One value of a row that waits from the pass that first computes it to the last: in the output's memory, or in local memory,
 * which is a core's nearest cache, when the row is known to be short enough. */
#ifndef SNI_CODEGEN_CPU_ROW_STAGE_H
#define SNI_CODEGEN_CPU_ROW_STAGE_H

#include "codegen/layout.h"

typedef struct sni_stage {
    int stmt;               /* -1: nothing waits */
    int pass;               /* that writes it */
    const sni_store *store; /* whose place it takes; NULL: local memory */
    int room;               /* elements of local memory; 0: none */
} sni_stage;

/* Finds the statement whose value waits. It must be a float, cost more than a store and a load, be computed by the pass before
 * the last and needed by the last. It waits in the output where that is of f32 and the last pass loads nothing inside the
 * row, because the output may lie where an input was; else in local memory. */
sni_stage sni_stage_find(sni_emitter *e, const sni_passes *passes);
/* Declares the local memory, if there is any. */
void sni_stage_declare(const sni_stage *stage, sni_emitter *e);
/* As sni_emit_pass_need, without what leads to the waiting value in the last pass. */
bool *sni_stage_need(const sni_stage *stage, sni_emitter *e, const sni_passes *passes, int pass,
                     const char *const *have);
/* Prints the load in the last pass, and the store in the one that computes the value. */
void sni_stage_load(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass, const char **names);
void sni_stage_store(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass,
                     const char *const *names);

#endif
