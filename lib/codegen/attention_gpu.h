/* What the files of gpu_attention share: a block's shape and the kernel that is being printed. */
#ifndef SNI_CODEGEN_ATTENTION_GPU_H
#define SNI_CODEGEN_ATTENTION_GPU_H

#include "codegen/attention.h"
#include "codegen/layout.h"

/* The macros of cl/attention/gpu_attention.cl have these numbers. */
typedef struct sni_attention_block {
    int rows, keys, columns;
    int items, lanes; /* work-items, and those of a row */
    int step, held;   /* depth of k's tile, and of q's: all of it, or step again */
    int v_step;       /* keys of v's tile, which takes the place of k's */
    int shuffled;     /* lanes that combine by shuffles; 1: none */
} sni_attention_block;

typedef struct sni_attention_kernel {
    sni_emitter *e;
    const sni_attention *a;
    sni_contract scores, result;
    sni_attention_block block;
    bool whole;  /* the block lies inside: nothing is compared with edges */
    int logit;   /* what takes the place of the logit, where no mask has a say; 0: the logit */
    bool matrix; /* cl/attention/gpu_attention_mma.cl, whose macros have the same names; block is not used */
} sni_attention_kernel;

/* Prints the loading of a tile from its operand, whose prologue runs once an element; zeros past the edges. In scope: item
 * and the batch's coordinates; outer0 and k0 (variables) are the tile's first outer index and k. */
typedef struct sni_attention_tile {
    const sni_contract *c;
    const sni_operand *op;
    const char *to, *prefix;
    int outer, k;     /* the tile's extents, powers of two and multiples of 4 */
    bool lines_are_k; /* a line is one k, along the outer indices; else one outer index, along k */
    int pitch;        /* of a line */
    const char *outer0, *k0, *size_outer, *size_k;
} sni_attention_tile;
void sni_attention_load_tile(const sni_attention_kernel *k, const sni_attention_tile *tile);

/* Prints what is done with a block's scores: logits, their maxima, weights (into local memory) and their totals, and what
 * the rows have summed so far rescaled. */
void sni_attention_print_rows(const sni_attention_kernel *k);
/* Prints the stores of acc, one column or four aligned ones from col on; best and total are code. */
void sni_attention_print_stores(const sni_attention_kernel *k, const bool *needed, bool four, const char *best,
                                const char *total);
/* Prints the epilogue of all sums. */
void sni_attention_print_epilogue(const sni_attention_kernel *k);

#endif
