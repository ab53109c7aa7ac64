/* Inside the fuser: what a kernel takes. */
#ifndef SNI_FUSE_COST_H
#define SNI_FUSE_COST_H

#include "device/costs.h"
#include "loop/loop.h"

typedef struct sni_kernel_cost {
    double bytes;      /* moved */
    double operations; /* done, repeated ones as often as they are */
    double time_ns;    /* predicted */
} sni_kernel_cost;

/* Of a program as the loop builder gives it, collapsed or not. Names count as costs->symbolic_size. false: out of memory. */
bool sni_fuse_cost(const sni_loop *loop, const sni_costs *costs, sni_kernel_cost *out);

#endif
