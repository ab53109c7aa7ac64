/* Inside lib/loop: the state while a program is spliced together. */
#ifndef SNI_LOOP_BUILD_H
#define SNI_LOOP_BUILD_H

#include "base/index.h"
#include "loop/loop.h"

/* A value at coordinates under a guard, already built as a statement. */
typedef struct sni_memo {
    uint32_t value;
    sni_expr guard;
    int rank;
    sni_expr coords[SINTER_MAX_RANK];
    int stmt;
} sni_memo;

typedef struct sni_builder {
    sinter_graph *graph;
    sni_sym *sym;
    const sni_members *members;
    const sni_limits *limits;
    sni_arena *arena;
    sni_loop *loop;
    size_t stmt_capacity, buffer_capacity, memo_capacity;
    sni_memo *memos;
    size_t memo_count;
    sni_index memo_index;
    int depth;
    int contractions, reductions;       /* members of these kinds */
    uint32_t reduced;                   /* axes that a REDUCE runs over so far */
    uint32_t around;                    /* axes of the point at which the value that is being built is needed */
    bool inside;                        /* a reduction's argument is being built */
    sni_expr out_axes[SINTER_MAX_RANK]; /* a single contraction's coordinates: the parallel axes */
    const char *why;                    /* set: refused */
    bool failed;                        /* out of memory */
} sni_builder;

/* The statement for a value at coords; -1 on refusal or failure. */
int sni_splice(sni_builder *b, uint32_t value, const sni_expr *coords, sni_expr guard);
/* Where the region of a store begins along a dimension; SNI_NO_EXPR on refusal or failure. */
sni_expr sni_splice_start(sni_builder *b, const sni_node *store, int axis);
/* What was built already (memos.c): the statement, or -1; false where memory is out. */
int sni_memos_find(const sni_builder *b, const sni_memo *key);
bool sni_memos_add(sni_builder *b, const sni_memo *memo);
void sni_memos_deinit(sni_builder *b);
/* The loop buffer of a graph value; -1 on refusal or failure. */
int sni_builder_buffer(sni_builder *b, uint32_t value, bool is_output);
/* The axis of a SCAN node, counted from the front. */
int sni_scan_axis(const sni_node *scan, int rank);
/* Numbers the axes anew: axis order[i] becomes axis i. */
bool sni_loop_permute(sni_loop *loop, const int *order);
/* A new axis of an extent; the constant 0 stands for one of extent 1. */
bool sni_builder_axis(sni_builder *b, sni_expr extent, sni_expr *out_axis);
/* Row-major offset of coords in a shape, and coordinates of an offset. */
sni_expr sni_linearize(sni_sym *sym, const sni_type *type, const sni_expr *coords);
void sni_delinearize(sni_sym *sym, const sni_type *type, sni_expr offset, sni_expr *coords);

#endif
