/* A tile core: how a work-group loads tiles of two operands through their prologues, multiplies them by an instruction of
 * device/instructions.h, and says for each sum its row and column, so that epilogues are printed the same way whatever
 * the instruction. cl/gemm/gpu_mma.cl is the part that does not depend on the program.
 *
 * Printed code has in scope: item, wave, lane; row0, col0 (of the work-group's tile), wave_row, wave_col (within it);
 * bi, size_m, size_n, size_k; a_tiles, b_tiles, and the sums. */
#ifndef SNI_CODEGEN_TILE_CORE_H
#define SNI_CODEGEN_TILE_CORE_H

#include "codegen/contract.h"
#include "device/instructions.h"

/* Sizes of a tile: a row of SNI_MMA_TILE in cl/gemm/gemm.inc. */
typedef struct sni_tile {
    const char *name;
    int bm, bn;     /* rows and columns of a work-group */
    int line_bytes; /* of k in a stage: elements are line_bytes / the dtype's size */
    int wm, wn;     /* rows and columns of a wave */
    int stages;     /* of the ring where copies are asynchronous, else there are two */
} sni_tile;

/* One operand as the core loads it. */
typedef struct sni_tile_side {
    const sni_operand *op;
    char name;                /* 'A' or 'B' */
    const char *first, *size; /* names of the tile's first row or column, and of their number */
    bool along_k;             /* chunks of memory lie along k */
    bool direct;              /* a plain load of what the instruction wants */
    bool async;               /* copied without registers where whole */
    bool steady;              /* async, and offsets grow by step for each k */
    sni_expr step;
    sni_expr whole;                       /* 0 or 1: may chunks be loaded as vectors? Else element by element */
    const struct sni_tile_window *window; /* loaded as tile_window.h says; NULL: not */
} sni_tile_side;

typedef struct sni_tile_core {
    const sni_instruction *row;
    const sni_tile *tile;
    bool emulate; /* the instruction in plain code, for tests */
    bool async;   /* the instruction's file copies without registers */
    int bk;       /* elements of k in a tile */
    sni_tile_side sides[2];
} sni_tile_core;

/* Can the instruction fill the tile, and does the tile fit the device? plain: both operands are read as they are stored, so
 * that they may be copied without registers. */
bool sni_tile_fits(const sni_instruction *row, const sni_tile *tile, const sni_caps *caps, bool plain);
int sni_tile_items(const sni_instruction *row, const sni_tile *tile);
void sni_tile_core_init(sni_tile_core *core, const sni_contract *c, const sni_instruction *row, const sni_tile *tile);

/* Print, in this order: declarations, the loop over k, the epilogue on the sums. */
void sni_tile_print_head(sni_emitter *e, const sni_contract *c, const sni_tile_core *core);
void sni_tile_print_product(sni_emitter *e, const sni_contract *c, const sni_tile_core *core);
void sni_tile_print_epilogue(sni_emitter *e, const sni_contract *c);
/* Puts the definitions that the printed code wants before the finished source. */
sinter_status sni_tile_finish(sni_emitter *e, const sni_tile_core *core);

#endif
