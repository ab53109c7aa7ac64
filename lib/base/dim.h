/* Dimensions that the library names itself; see sni_sym_define. */
#ifndef SNI_BASE_DIM_H
#define SNI_BASE_DIM_H

#include <stdbool.h>
#include <stddef.h>

#include <sinter/types.h>

/* The dimension number `number` of those that no program can name: sinter_dim_named never returns it, whatever its
 * name. It is printed as "#1" for number 0. SINTER_DIM_INVALID: out of memory, or a number above 65535. */
sinter_dim sni_dim_derived(size_t number);

/* What sinter_dim_add and its like made of two dimensions. */
typedef struct sni_dim_made {
    char operation; /* + - * / */
    sinter_dim a, b;
    int size; /* operations in it and below */
} sni_dim_made;

/* false: dim is a number or a name. */
bool sni_dim_is_made(sinter_dim dim, sni_dim_made *out);

#endif
