/* A cost model for candidates of one program: which to measure first. */
#ifndef SNI_TUNE_RANK_H
#define SNI_TUNE_RANK_H

#include "codegen/codegen.h"

/* Sorts items[0 .. count) so that the most promising stand first; equal ones stay in their order. loop's expressions grow.
 * OUT_OF_MEMORY. */
sinter_status sni_rank(sni_schedule *items, size_t count, sni_loop *loop, const sni_bindings *bindings,
                       const sni_caps *caps);

#endif
