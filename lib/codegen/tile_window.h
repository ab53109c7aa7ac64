/* Loading a tile of an operand that is read through a window, for cl/gemm/gpu_planes.cl: the offset of an element is the sum of
 * a number of its row or column and of one of its k, and guards ask for one axis of k at a time. So a work-item keeps one row
 * (column) for all of a tile, computes where it begins and which steps along each axis of k stay inside once, and in the loop
 * adds and tests. What belongs to k is computed once for a warp, an element by each lane, and handed on through local memory. */
#ifndef SNI_CODEGEN_TILE_WINDOW_H
#define SNI_CODEGEN_TILE_WINDOW_H

#include "codegen/tile_core.h"

typedef struct sni_tile_window sni_tile_window;

/* NULL: the operand is not read so, or memory is out. */
const sni_tile_window *sni_tile_window_of(const sni_contract *c, const sni_operand *op);

/* Print, for a side with a window: tables in local memory; what holds for all of a tile; the loads of the k from k_first on. */
void sni_tile_print_window_tables(sni_emitter *e, const sni_tile_side *side);
void sni_tile_print_window_place(sni_emitter *e, const sni_contract *c, const sni_tile_side *side);
void sni_tile_print_window_fetch(sni_emitter *e, const sni_contract *c, const sni_tile_side *side);

#endif
