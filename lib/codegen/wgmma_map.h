/* Operands that are matrices in memory, and the tensor maps by which kernels copy them (cl/gemm/wgmma_ring.cl). */
#ifndef SNI_CODEGEN_WGMMA_MAP_H
#define SNI_CODEGEN_WGMMA_MAP_H

#include "codegen/contract.h"

typedef struct sni_wgmma_matrix {
    bool along_k;   /* neighbours in memory are neighbours along k, else along rows (columns) */
    sni_expr pitch; /* elements from one line to the next */
} sni_wgmma_matrix;

/* Is the operand a plain load of a matrix in each batch, whose lines are multiples of 16 bytes apart? */
bool sni_wgmma_matrix_of(const sni_contract *c, const sni_operand *op, sni_wgmma_matrix *out);

typedef struct sni_wgmma_map {
    const char *name;                /* the variable that holds the map's address */
    const char *size_outer, *size_k; /* names of extents */
    const char *lines;               /* that a copy brings */
} sni_wgmma_map;

/* Prints the writing of the map. In scope: bi and the batch's coordinates. */
void sni_wgmma_print_map(sni_emitter *e, const sni_contract *c, const sni_operand *op, const sni_wgmma_matrix *from,
                         const sni_wgmma_map *map);

#endif
