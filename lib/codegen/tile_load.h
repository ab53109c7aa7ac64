/* Loading a tile of an operand: what tile_core.c uses of tile_load.c. */
#ifndef SNI_CODEGEN_TILE_LOAD_H
#define SNI_CODEGEN_TILE_LOAD_H

#include "codegen/layout.h"
#include "codegen/tile_core.h"

/* How the core loads an operand: in which direction, whether chunk by chunk, and by which means. */
sni_tile_side sni_tile_side_of(const sni_contract *c, const sni_tile_core *core, const sni_operand *op, char name);
/* Prints where a steady operand's chunks begin, and until which k they are there: nothing else changes in the loop. */
void sni_tile_print_places(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const sni_tile_side *side);
/* Prints the copies of the tile at k_first into stage `ahead`. */
void sni_tile_print_copy(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const sni_tile_side *side);
/* Prints the loads of the tile at k_first into registers. */
void sni_tile_print_fetch(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const sni_tile_side *side);

#endif
