/* The shape of a graph without its data: what explain draws. The graph that a program described is gone, with its constants,
 * once a plan is compiled; its sketch stays. */
#ifndef SNI_PLAN_SKETCH_H
#define SNI_PLAN_SKETCH_H

#include "graph/graph.h"

/* What an operand of a node is when it is no node: a graph input is SNI_SKETCH_INPUT - its number. */
enum { SNI_SKETCH_CONSTANT = -1, SNI_SKETCH_NONE = -2, SNI_SKETCH_INPUT = -3 };

typedef struct sni_sketch_node {
    const sni_op *op;
    const char *name; /* NULL: none */
    sni_type type;    /* of its first output, without known elements */
    uint32_t origin;  /* as sni_node.origin */
    int in_count;
    const int *in; /* node numbers, or what the enumeration above says */
} sni_sketch_node;

typedef struct sni_sketch_port {
    const char *name;
    sni_type type;
    int from; /* outputs: as sni_sketch_node.in */
} sni_sketch_port;

typedef struct sni_sketch {
    size_t node_count, input_count, output_count;
    sni_sketch_node *nodes;
    sni_sketch_port *inputs, *outputs;
} sni_sketch;

/* Everything is copied into arena; the expressions of types are those of the graph's sym and of its copies. */
sinter_status sni_sketch_of(const sinter_graph *graph, sni_arena *arena, sni_sketch *out_sketch);

#endif
