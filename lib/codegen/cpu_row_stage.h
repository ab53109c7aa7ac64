/* One value of a row that waits in the output's memory from the pass that first computes it to the last. */
#ifndef SNI_CODEGEN_CPU_ROW_STAGE_H
#define SNI_CODEGEN_CPU_ROW_STAGE_H

#include "codegen/layout.h"

typedef struct sni_stage {
    int stmt;               /* -1: nothing waits */
    int pass;               /* that writes it */
    const sni_store *store; /* whose place it takes */
} sni_stage;

/* Finds the statement whose value waits. It must be of f32, cost more than a store and a load, be computed by the pass before
 * the last and needed by the last. The last pass must load nothing inside the row, because the output, in which the value
 * waits, may lie where an input was. */
sni_stage sni_stage_find(sni_emitter *e, const sni_passes *passes);
/* As sni_emit_pass_need, without what leads to the waiting value in the last pass. */
bool *sni_stage_need(const sni_stage *stage, sni_emitter *e, const sni_passes *passes, int pass,
                     const char *const *have);
/* Prints the load in the last pass, and the store in the one that computes the value. */
void sni_stage_load(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass, const char **names);
void sni_stage_store(const sni_stage *stage, sni_emitter *e, const sni_scope *scope, int pass,
                     const char *const *names);

#endif
