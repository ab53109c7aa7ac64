/* Reductions that follow another one's result over the same elements: found by what the program computes, whatever
 * operators it was written with, and run in one pass with their leader as a tuple of lib/op/combiner.inc.
 *
 *     most = max(x)      sum(exp(x - most) * y), also divided by another such sum     RESCALED
 *     most = max(x)      min(x is most ? y : largest)                                 SELECTED
 *     total = sum(x)     sum((x - u)^2), u from the total                             CENTRED */
#ifndef SNI_CODEGEN_ONLINE_H
#define SNI_CODEGEN_ONLINE_H

#include "loop/loop.h"

enum { SNI_MAX_FACTORS = 4 };

typedef struct sni_follower {
    sni_tuple tuple; /* NONE: the statement follows nothing */
    int leader;      /* the REDUCE it follows; the leader's argument is the tuple's x */
    int taken;       /* the tuple's u: a statement of the row; -1: the tuple has none */
    int factors
        [SNI_MAX_FACTORS]; /* the tuple's y is their product: statements inside the row, or of it before the pass */
    int factor_count;
    int divisor; /* a follower of the same leader by which every element is divided; -1: none */
} sni_follower;

/* followers[s] of every statement of a flat program; depth as in sni_passes: where depth[s] of a follower says one pass
 * more than its leader's it is made the leader's, and what follows from that is left to the caller, who asks for each
 * statement in order. */
sni_follower sni_online_find(const sni_loop *loop, const int *depth, const sni_follower *earlier, int s);

#endif
