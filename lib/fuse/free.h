/* Inside the fuser: nodes that are no kernels. */
#ifndef SNI_FUSE_FREE_H
#define SNI_FUSE_FREE_H

#include "fuse/fuse.h"

/* Sets is_free[node] for nodes that are computed inside every kernel that reads through them. is_output[node]: its value is
 * a graph output. false: out of memory. */
bool sni_fuse_free_nodes(sinter_graph *graph, const sni_fuse_options *options, const bool *is_output, bool *is_free);

#endif
