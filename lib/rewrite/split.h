/* What passes share that cut few long reductions into parts (split_reduce.c). */
#ifndef SNI_REWRITE_SPLIT_H
#define SNI_REWRITE_SPLIT_H

#include "rewrite/make.h"
#include "rewrite/pass.h"

/* A reduction as rows [P, N] or columns [N, P]. */
typedef struct sni_split {
    sni_type in;
    bool columns;
    int64_t count;   /* P */
    sni_expr length; /* N */
} sni_split;

/* false: the reduced dimensions lie between the others, or P is not known. */
bool sni_split_look(const sni_rewriter *rewriter, const sni_node *reduce, sni_split *out);
/* How many parts; below 2: none. A divisor of the length where there is one nearby. */
int64_t sni_split_parts(const sni_sym *sym, const sni_split *split, const sni_split_options *options);
/* x, which has the reduction's shape, as [P, parts, each] or [parts, each, P]; what is missing is what the combiner starts
 * with. All of it views. */
uint32_t sni_split_cut(sinter_graph *graph, uint32_t x, const sni_split *split, int64_t parts, sni_combiner combiner);
/* The axes of a cut value that each part runs over, and those of a reduced one [P, parts] or [parts, P] that the parts do. */
uint32_t sni_split_inside(const sni_split *split);
uint32_t sni_split_across(const sni_split *split);

#endif
