/* Elementwise programs that read along one axis and write along another. */
#ifndef SNI_CODEGEN_TRANSPOSE_H
#define SNI_CODEGEN_TRANSPOSE_H

#include "codegen/layout.h"

typedef struct sni_transpose {
    const sni_loop *loop;
    int along;    /* the last axis, along which memory is written */
    int across;   /* the axis along which staged loads read memory */
    bool *staged; /* by statement: loads that go through a tile */
    int count;    /* of staged loads */
    int bytes;    /* of an element of each staged load's tile, together; of the smallest one in memory */
    int smallest;
} sni_transpose;

/* Is the program one? If not, says why (may be NULL). False, too, when memory is out. */
bool sni_transpose_find(const sni_loop *loop, sni_arena *arena, sni_transpose *out, sni_str *why);
/* Names the axes in the scope: prints the tile's place from the variable `tile`, as base_along and base_across (first
 * points), and the other axes. */
void sni_transpose_place(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, int tile);
/* The number of tiles. */
sni_expr sni_transpose_tiles(const sni_transpose *t, int tile);
/* Marks what the stores need, down to the staged loads. NULL when memory is out (and e->failed). */
bool *sni_transpose_need(const sni_transpose *t, sni_emitter *e);
/* Prints the statements and stores of points whose staged values have the names in `staged`. */
void sni_transpose_points(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, const bool *needed,
                          const char **names);

#endif
