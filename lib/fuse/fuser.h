/* Inside the fuser: its state. */
#ifndef SNI_FUSE_FUSER_H
#define SNI_FUSE_FUSER_H

#include "fuse/fuse.h"
#include "fuse/groups.h"

/* Is a group nothing but elementwise nodes of one shape? See plain.c. */
typedef enum sni_plain_state { SNI_PLAIN_UNKNOWN, SNI_PLAIN_NO, SNI_PLAIN_YES } sni_plain_state;

/* What is known of a group. */
typedef struct sni_facts {
    sni_plain_state plain;
    uint32_t value;            /* plain: one with the shape of all */
    int loads, outputs, depth; /* plain: at most */
    unsigned kinds;            /* 1u << sni_op_kind of each node */
    bool stores;               /* a node of it is stored whoever reads it (sni_traits.is_stored) */
    double time_ns;            /* predicted; 0: not yet */
} sni_facts;

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
    sni_facts *facts;   /* by group */
    sni_facts joint;    /* of the set of the attempt, if it becomes a group */
    sni_groups groups;
    sni_ints nodes;    /* of the set that is looked at, ascending */
    uint32_t *outputs; /* what it stores */
    size_t output_count, output_capacity;
} sni_fuser;

/* Fills f->nodes and f->outputs with those of a set of groups. false: out of memory. */
bool sni_fuser_look(sni_fuser *f, const int *set, int count);
/* The program of the set that was looked at; NULL with words in *why where there is none. */
sni_loop *sni_fuser_build(sni_fuser *f, sni_arena *arena, const char **why);

/* Is this why there is no program? */
bool sni_fuser_out_of_memory(const char *why);

/* What is known of a group, with what costs nothing to find out. */
sni_facts *sni_fuser_facts(sni_fuser *f, int group);
/* Is the union of two groups certainly a kernel? Leaves what it takes in f->joint. */
bool sni_fuser_is_plain(sni_fuser *f, int a, int b, bool *out_failed);

/* Makes one kernel of a set of groups when that can be and is worth it. NULL when it was done (*out_group) or when memory is
 * out (*out_group is -1), else why not, in words. */
const char *sni_fuser_join(sni_fuser *f, const int *set, int count, int *out_group);
/* Notes why a group ends where a node does not join it, unless something is noted. */
void sni_fuser_note_end(sni_fuser *f, int node, int group, const char *why);

/* Products with what comes before them: a row's reductions on another product, then cheap operands (products.c).
 * false: out of memory. */
bool sni_fuser_place_product(sni_fuser *f, int node);
/* Groups that read the same values and have the same shape (siblings.c). false: out of memory. */
bool sni_fuser_join_siblings(sni_fuser *f);

/* The groups in the order in which they are to run; out_groups has room for one a node. false: out of memory. */
bool sni_fuser_order(sni_fuser *f, int *out_groups);

/* The groups as results, in an order in which they can run. */
sinter_status sni_fuser_finish(sni_fuser *f, sni_group **out_groups, size_t *out_count);

#endif
