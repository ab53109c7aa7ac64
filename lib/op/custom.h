/* Functions of the user's own in OpenCL C, as operator rows made at run time. */
#ifndef SNI_OP_CUSTOM_H
#define SNI_OP_CUSTOM_H

#include <sinter/custom.h>

#include "base/alloc.h"
#include "op/op.h"

/* The kinds of arithmetic that a function's parameters and result can be of. */
typedef enum sni_custom_type { SNI_CUSTOM_FLOAT, SNI_CUSTOM_INT, SNI_CUSTOM_LONG, SNI_CUSTOM_DOUBLE } sni_custom_type;

typedef struct sni_custom_names {
    const char **items;
    size_t count, capacity;
} sni_custom_names;

/* What was read out of a source. Text lives in the arena that it was read with. */
typedef struct sni_custom_source {
    const char *entry;
    sni_custom_type result;
    int count; /* of parameters */
    sni_custom_type parameters[SINTER_MAX_CUSTOM_INPUTS];
    sni_custom_names declared; /* functions, constants, types of the file's scope: made unique in kernels */
    sni_custom_names macros;   /* #defined: forgotten behind the source */
} sni_custom_source;

/* Reads a source without compiling it. entry NULL: the last function that it defines. INVALID_ARGUMENT says what cannot be
 * a function of elements, with the line. The lists of names are allocated: sni_custom_source_deinit in any case. */
sinter_status sni_custom_read(const char *text, const char *entry, sni_arena *arena, sni_custom_source *out);
void sni_custom_source_deinit(sni_custom_source *source);

/* A function as a row; counted, any thread. Graphs that hold nodes of it, and those made from them, keep it alive. */
struct sni_custom {
    sni_op op;         /* "custom <entry>"; op.custom is this */
    size_t references; /* atomic */
    sni_arena *arena;
    uint64_t hash; /* of all that makes two of them different */
    const char *text;
    sni_custom_source source;
    sinter_custom_function given; /* output, reference and context as the user gave them */
};

sinter_status sni_custom_create(const sinter_custom_function *function, sni_custom **out_custom);
sni_custom *sni_custom_retain(sni_custom *custom);
void sni_custom_release(sni_custom *custom); /* NULL is allowed */

#endif
