/* Passes: each reads a graph and builds another. One pass per file.
 *
 * A pass is a function called for every live node in order, with the node's inputs already translated
 * to the new graph; it either builds what replaces the node and sets outs, or returns false and the
 * node is copied as it is. Nodes that no output needs are never visited, so every pass removes dead code. */
#ifndef SNI_REWRITE_PASS_H
#define SNI_REWRITE_PASS_H

#include "graph/graph.h"

typedef struct sni_rewriter {
    const sinter_graph *old;
    sinter_graph *graph; /* being built */
    const uint32_t *map; /* old value id -> new value id, 0: not yet */
    void *state;         /* the pass's own */
} sni_rewriter;

typedef bool (*sni_rewrite_fn)(sni_rewriter *rewriter, const sni_node *node, const uint32_t *ins, uint32_t *outs);

/* Runs one pass. On failure *out_graph is NULL. */
sinter_status sni_pass_run(const sinter_graph *graph, const char *name, sni_rewrite_fn rewrite, void *state,
                           sinter_graph **out_graph);

/* The passes; all.c says in which order, and how often, they run. */
sinter_status sni_pass_known(const sinter_graph *graph, sinter_graph **out_graph);     /* host computation of shapes */
sinter_status sni_pass_decompose(const sinter_graph *graph, sinter_graph **out_graph); /* composites to primitives */
sinter_status sni_pass_fold(const sinter_graph *graph, sinter_graph **out_graph);      /* constants */
sinter_status sni_pass_simplify(const sinter_graph *graph,
                                sinter_graph **out_graph); /* x*1, no-op views and casts, view chains */
sinter_status sni_pass_cse(const sinter_graph *graph, sinter_graph **out_graph); /* common subexpressions */

sinter_status sni_pass_merge(const sinter_graph *graph, sinter_graph **out_graph); /* products that share an input */
sinter_status sni_pass_split_concat(const sinter_graph *graph,
                                    sinter_graph **out_graph); /* what has too many operands */

/* How many reductions of rows, or of columns, keep a device busy; from which length on one is worth a second kernel; and the
 * shortest part. */
typedef struct sni_split_rule {
    int64_t wanted;
    double least_length, least_part;
} sni_split_rule;

typedef struct sni_split_options {
    sni_split_rule rows, columns;
} sni_split_options;

/* Few long reductions become many shorter ones and a reduction of their results. Not one of sni_rewrite_all: it depends on
 * the device. */
sinter_status sni_pass_split_reduce(const sinter_graph *graph, const sni_split_options *options,
                                    sinter_graph **out_graph);

/* The same for few long rows whose reductions follow each other (softmax, the position of the largest, mean and variance):
 * each part is looked at once. To be run before the other, and followed by sni_pass_cse. */
sinter_status sni_pass_split_tuple(const sinter_graph *graph, const sni_split_options *options,
                                   sinter_graph **out_graph);

/* The same for few long scans. The rules count lines of the scans. */
sinter_status sni_pass_split_scan(const sinter_graph *graph, const sni_split_options *options,
                                  sinter_graph **out_graph);

/* Writes of states become stores in place. The last pass of all, after sni_fuse_prepare. UNSUPPORTED: something reads what a
 * state held before a write and depends on the write. */
sinter_status sni_pass_state(const sinter_graph *graph, sinter_graph **out_graph);

/* When the sum of a product is cut into parts. */
typedef struct sni_split_product_rule {
    int64_t tile; /* rows and columns of a work-group */
    int64_t groups,
        narrow_groups; /* that keep a unit busy; where rows or columns are few, memory is what is waited for */
    int64_t narrow, narrow_tile;  /* how many are few; columns (rows) of a work-group then */
    int64_t least_length;         /* from which on a second kernel is worth it */
    int64_t least_part, multiple; /* the shortest part, and what its length had best be a multiple of */
} sni_split_product_rule;

typedef struct sni_split_product_options {
    int64_t units;                /* of the device */
    bool matrix_f16, matrix_bf16; /* such products go to matrix units */
    int64_t few, few_matrix;      /* up to so many rows or columns gpu_gemv multiplies; where there are matrix units */
    int64_t few_columns;          /* of its work-groups, one of which keeps a unit busy */
    int64_t planes_side;          /* f32 ones with so many rows and columns do, too; 0: none */
    int64_t planes_length;        /* those are cut from that length on */
    sni_split_product_rule plain, matrix;
} sni_split_product_options;

/* Products with few rows and columns and a long sum become products of parts and a sum. Not one of sni_rewrite_all either. */
sinter_status sni_pass_split_product(const sinter_graph *graph, const sni_split_product_options *options,
                                     sinter_graph **out_graph);

/* All of them; afterwards there are no COMPOSITE nodes. */
sinter_status sni_rewrite_all(const sinter_graph *graph, sinter_graph **out_graph);

#endif
