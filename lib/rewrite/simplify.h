/* The two halves of the simplify pass. Each function returns the value that replaces a node whose inputs are
 * ins, or 0 when it knows nothing better. */
#ifndef SNI_REWRITE_SIMPLIFY_H
#define SNI_REWRITE_SIMPLIFY_H

#include "rewrite/make.h"

typedef struct sni_simplify {
    sinter_graph *graph;  /* being built */
    const sni_node *node; /* of the old graph: operator and attributes */
    const uint32_t *ins;
    sni_type out;
} sni_simplify;

uint32_t sni_simplify_scalar(const sni_simplify *s); /* elementwise and casts */
uint32_t sni_simplify_view(const sni_simplify *s);   /* views and reductions of nothing */

/* The node that computes a value of the new graph, when it is of this operator; else NULL. The pointer is
 * good until the next node is added. */
const sni_node *sni_simplify_producer(const sni_simplify *s, uint32_t value, const char *op);
/* value itself when it has the type of the result, else 0. */
uint32_t sni_simplify_keep(const sni_simplify *s, uint32_t value);

/* A rule for the nodes of one operator; the operator's rule from a table, 0 when there is none. */
typedef struct sni_simplify_rule {
    const char *op;
    uint32_t (*apply)(const sni_simplify *s);
} sni_simplify_rule;
uint32_t sni_simplify_by_rule(const sni_simplify *s, const sni_simplify_rule *rules, size_t count);

#endif
