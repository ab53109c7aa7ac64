/* Dimensions that the library names itself; see sni_sym_define. */
#ifndef SNI_BASE_DIM_H
#define SNI_BASE_DIM_H

#include <stddef.h>

#include <sinter/types.h>

/* The dimension number `number` of those that no program can name: sinter_dim_named never returns it, whatever its
 * name. It is printed as "#1" for number 0. SINTER_DIM_INVALID: out of memory, or a number above 65535. */
sinter_dim sni_dim_derived(size_t number);

#endif
