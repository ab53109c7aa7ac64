/* Inside the fuser: its state. */
#ifndef SNI_FUSE_FUSER_H
#define SNI_FUSE_FUSER_H

#include "fuse/fuse.h"
#include "fuse/groups.h"

/* What a group is known to take; see plain.c. */
typedef enum sni_plain_state { SNI_PLAIN_UNKNOWN, SNI_PLAIN_NO, SNI_PLAIN_YES } sni_plain_state;

typedef struct sni_plain {
    sni_plain_state state;
    uint32_t value;             /* one with the shape of all */
    int loads, outputs, depth;  /* at most */
} sni_plain;

typedef struct sni_fuser {
    sinter_graph *graph;
    const sni_fuse_options *options;
    sni_arena *arena;   /* the results' */
    sni_arena *scratch; /* of one attempt */
    bool *is_free;      /* node: computed inside every kernel that needs it */
    bool *is_output;    /* node: one of its values is a graph output */
    bool *members;      /* node: free, or in the attempt */
    int *value_mark;    /* value: operand of the set that is looked at */
    int *depth;         /* node: of the chain of nodes of that set that ends with it */
    sni_plain *plain;   /* by group */
    sni_plain joint;    /* of the attempt */
    sni_groups groups;
    sni_ints nodes;     /* of the set that is looked at, ascending */
    uint32_t *outputs;  /* what it stores */
    size_t output_count, output_capacity;
} sni_fuser;

/* Fills f->nodes and f->outputs with those of a set of groups. false: out of memory. */
bool sni_fuser_look(sni_fuser *f, const int *set, int count);
/* The program of the set that was looked at; NULL with words in *why where there is none. */
sni_loop *sni_fuser_build(sni_fuser *f, sni_arena *arena, const char **why);

/* Is the union of two groups certainly a kernel? Leaves what it takes in f->joint. */
bool sni_fuser_is_plain(sni_fuser *f, int a, int b, bool *out_failed);

/* Joins two groups when that can be one kernel and is worth it; node belongs to b and is why it is tried. false: out of
 * memory. */
bool sni_fuser_try(sni_fuser *f, int node, int a, int b);

/* The groups as results, in an order in which they can run. */
sinter_status sni_fuser_finish(sni_fuser *f, sni_group **out_groups, size_t *out_count);

#endif
