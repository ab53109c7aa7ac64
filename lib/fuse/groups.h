/* Inside the fuser: a partition of a graph's nodes into groups, one kernel each, and the order in which they can run.
 *
 * The groups stand in a list, each after everything that it reads. Joining keeps the list in order and looks only at what
 * stands between the groups that are joined (the order-maintenance form of Pearce and Kelly's algorithm), so that fusing
 * takes about as long per node in a large graph as in a small one. Nothing here recurses. One thread. */
#ifndef SNI_FUSE_GROUPS_H
#define SNI_FUSE_GROUPS_H

#include "graph/graph.h"

typedef struct sni_ints {
    int *items;
    size_t count, capacity;
} sni_ints;

bool sni_ints_push(sni_ints *list, int item); /* false: out of memory */

typedef struct sni_kernel_group {
    sni_ints nodes;    /* ascending; empty when the group has gone into another */
    sni_ints reads;    /* nodes whose values it reads; at times nodes of its own, and several of one group */
    uint64_t place;    /* falls from reader to what it reads */
    int before, after; /* in the list; -1: an end */
    int mark;
    const char *ends; /* why it holds no more, or NULL */
} sni_kernel_group;

typedef struct sni_groups {
    const sinter_graph *graph;
    int node_count;
    const bool *is_free;     /* node: computed inside every kernel that reads it */
    int *of;                 /* node -> group; -1: free */
    int *deps, *dep_start;   /* node -> nodes of groups that it reads, through free nodes, latest first */
    int *users, *user_start; /* the other way, ascending */
    sni_kernel_group *items; /* by group; a group's number is that of one of its nodes */
    int first;               /* of the list, -1: there are none */
    int stamp;
    sni_ints found; /* of the last search */
    long visits;    /* groups that searches have looked at, for tests */
} sni_groups;

/* One group for every node that is not free. is_free stays the caller's and must not change. false: out of memory; deinit in
 * any case. */
bool sni_groups_init(sni_groups *groups, const sinter_graph *graph, const bool *is_free);
void sni_groups_deinit(sni_groups *groups);

/* Would some group that is not in the set have to run after one that is and before another that is? Also true where that
 * would take too long to find out. *out_failed: out of memory. */
bool sni_groups_encloses(sni_groups *groups, const int *set, int count, bool *out_failed);
/* Makes one group of a set that encloses none; *out_group is its number. It ends for the reason that the first one ended.
 * false: out of memory, and nothing has changed. */
bool sni_groups_join(sni_groups *groups, const int *set, int count, int *out_group);

/* A new mark; marks[x] == mark after that only for what was marked since. */
int sni_groups_stamp(sni_groups *groups);

#endif
