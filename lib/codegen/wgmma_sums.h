/* The sums of kernels by wgmma: from the registers of warpgroups through local memory into whole rows, and on to the epilogue
 * (cl/gemm/wgmma_ring.cl). */
#ifndef SNI_CODEGEN_WGMMA_SUMS_H
#define SNI_CODEGEN_WGMMA_SUMS_H

#include "codegen/contract.h"

/* Prints what makes acc, width sums at row and col, what the epilogue is to see. */
typedef void (*sni_wgmma_correct)(sni_emitter *e, const sni_contract *c, int width);

/* Prints the epilogue of a tile whose sums are in sums. In scope: slab, and what SN_WG_LOCALS and SN_WG_TILE declare.
 * correct may be NULL. */
void sni_wgmma_print_sums(sni_emitter *e, const sni_contract *c, sni_wgmma_correct correct);

#endif
