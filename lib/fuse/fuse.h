/* Fusing: which nodes become one kernel. */
#ifndef SNI_FUSE_FUSE_H
#define SNI_FUSE_FUSE_H

#include "device/costs.h"
#include "graph/graph.h"
#include "loop/loop.h"

typedef struct sni_fuse_options {
    sni_limits limits;
    sni_costs costs;
    bool disabled; /* one kernel per operator, views included */
} sni_fuse_options;

/* One kernel to be: its nodes, what others need of it, and its program. */
typedef struct sni_group {
    int node_count;
    int *nodes; /* in order; views that are computed inside included */
    int output_count;
    uint32_t *outputs; /* values it stores */
    sni_loop *loop;
    const char *ends; /* why it holds no more, in words */
} sni_group;

/* Partitions a graph without composites into groups, in an order in which they can run. Graph outputs that no
 * kernel computes (an input, a constant, a value named twice) must have been given a node of their own
 * (sni_fuse_prepare). The groups live in arena, their programs with expressions of their own. UNSUPPORTED names the operator that no kernel can hold. */
sinter_status sni_fuse(const sinter_graph *graph, const sni_fuse_options *options, sni_arena *arena,
                       sni_group **out_groups, size_t *out_count);
/* Gives every graph output a node of its own where it has none. */
sinter_status sni_fuse_prepare(const sinter_graph *graph, sinter_graph **out_graph);

#endif
