/* CLBlast's matrix product, where the library is installed: it is loaded when it is first asked for, and nothing is linked.
 *
 * The call's arguments, in this order: the memory of A, B and C; m, n, k; for A and then for B: the element at which the
 * matrix begins in the value, elements from row to row, and 1 when the matrix is stored transposed, else 0; for C the
 * first two. C = A B, all row-major. */
#ifndef SNI_KERNEL_CLBLAST_H
#define SNI_KERNEL_CLBLAST_H

#include <sinter/types.h>

#include "kernel/library.h"

enum {
    SNI_CLBLAST_A,
    SNI_CLBLAST_B,
    SNI_CLBLAST_C,
    SNI_CLBLAST_M,
    SNI_CLBLAST_N,
    SNI_CLBLAST_K,
    SNI_CLBLAST_A_AT,
    SNI_CLBLAST_A_LD,
    SNI_CLBLAST_A_TRANS,
    SNI_CLBLAST_B_AT,
    SNI_CLBLAST_B_LD,
    SNI_CLBLAST_B_TRANS,
    SNI_CLBLAST_C_AT,
    SNI_CLBLAST_C_LD,
    SNI_CLBLAST_ARGS
};

/* NULL: the library is not installed, or has no product of this dtype (it has f32 and f64). Any thread. */
const sni_library *sni_clblast_gemm(sinter_dtype dtype);

#endif
