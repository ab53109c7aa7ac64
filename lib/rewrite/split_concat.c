/* A concat of more operands than one kernel may have buffers becomes a concat of concats. The fuser puts as many of them
 * into one kernel as the device allows. */
#include <string.h>

#include "rewrite/pass.h"

/* Every device takes 1024 bytes of parameters (OpenCL 1.2, CL_DEVICE_MAX_PARAMETER_SIZE), which is more than this many
 * buffers and their numbers need. */
#define MAX_OPERANDS 24

static uint32_t join(sinter_graph *graph, const sni_node *node, const uint32_t *ins, int count) {
    if (count == 1) return ins[0];
    if (count <= MAX_OPERANDS) return sni_graph_add1(graph, "concat", count, ins, node->attrs);
    uint32_t parts[MAX_OPERANDS];
    int part_count = (count + MAX_OPERANDS - 1) / MAX_OPERANDS;
    if (part_count > MAX_OPERANDS) part_count = MAX_OPERANDS;
    for (int i = 0, first = 0; i < part_count; ++i) {
        int end = (int)((int64_t)count * (i + 1) / part_count);
        parts[i] = join(graph, node, ins + first, end - first);
        first = end;
    }
    return sni_graph_add1(graph, "concat", part_count, parts, node->attrs);
}

static bool split(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs) {
    if (strcmp(node->op->name, "concat") != 0 || node->in_count <= MAX_OPERANDS) return false;
    outs[0] = join(rewriter->graph, node, ins, node->in_count);
    return true;
}

sinter_status sni_pass_split_concat(const sinter_graph *graph, sinter_graph **out_graph) {
    return sni_pass_run(graph, "split concat", split, NULL, out_graph);
}
