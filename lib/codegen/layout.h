/* What strategies share: passes over the inner axes, combiners, points, runs, and the choice of lanes. */
#ifndef SNI_CODEGEN_LAYOUT_H
#define SNI_CODEGEN_LAYOUT_H

#include "codegen/emit_internal.h"
#include "codegen/online.h"

/* ---- Passes (passes.c) ---- */

/* A program as a sequence of passes over the inner axes. depth[s] is the number of passes after which statement s can be
 * computed; a REDUCE is computed by pass depth[s]. Reductions that do not depend on each other share a pass. */
typedef struct sni_passes {
    const sni_loop *loop;
    int count; /* passes; 0 for an elementwise program */
    int *depth;
    bool *live;                    /* statements that a store needs */
    bool inner_stores;             /* there are stores inside the row: they all belong to the last pass */
    double cost;                   /* simple operations of the live statements, about */
    int loads;                     /* live ones */
    const sni_follower *followers; /* by statement: which reductions run in their leader's pass; NULL: none does */
} sni_passes;

bool sni_passes_init(sni_passes *passes, const sni_loop *loop, sni_arena *arena);
/* The same with as few passes as tuples make possible: for rows that are read from memory in every pass. */
bool sni_passes_init_online(sni_passes *passes, const sni_loop *loop, sni_arena *arena);
/* The one or the other by the value of a strategy's parameter, whose row is SNI_PARAM_TUPLES. */
enum { SNI_TUPLES_APART = 1, SNI_TUPLES_JOINED = 2 };
#define SNI_PARAM_TUPLES                                                                                               \
    SNI_PARAM("tuples", "1: a reduction that needs another's result has a pass of its own, 2: both share one", 1, 2)
bool sni_passes_init_as(sni_passes *passes, const sni_loop *loop, int tuples, sni_arena *arena);
bool sni_stmt_inner(const sni_loop *loop, int s);
/* Is the store one that runs over the inner axes? */
bool sni_store_inner(const sni_loop *loop, const sni_store *store);
int sni_parallel_count(const sni_loop *loop);
int sni_inner_count(const sni_loop *loop);

/* ---- Combiners (combine.c) ---- */

/* What a reduction starts with, for a dtype, as an expression of a width. */
const char *sni_emit_identity(sni_emitter *e, sni_combiner combiner, sinter_dtype dtype, int width);
const char *sni_emit_combine(sni_emitter *e, sni_combiner combiner, sni_ctype type, int width, const char *a,
                             const char *b);
/* The lanes of a vector variable combined in a fixed order; prints lines, returns a scalar. */
const char *sni_emit_fold(sni_emitter *e, sni_combiner combiner, sni_ctype type, int width, const char *name);
/* Marks what accumulating REDUCE r needs: its argument, or the two factors when it is a sum of products. */
void sni_need_reduce(const sni_loop *loop, int r, const bool *stop, bool *needed);
/* Prints "acc = acc combined with the argument of REDUCE r"; names[s] are variables under the scope. */
void sni_emit_accumulate(sni_emitter *e, const sni_scope *scope, int r, const char *const *names, int width,
                         const char *acc);

/* ---- Scans (scan.c) ---- */

/* Declares what the scans in needed carry along the inner axis, before a loop over it. */
void sni_emit_carries(sni_emitter *e, const sni_scope *scope, const bool *needed);
/* For lanes along the scan's axis. Prints what SCAN s makes of the lanes of a vector variable alone, in log2(width) steps,
 * and returns the variable that holds it: in each lane the combination of the lanes up to it. */
const char *sni_emit_prefix(sni_emitter *e, int s, int width, const char *name);
/* The lane of a prefix that combines all of them; and the scan's value with what came before these lanes (a scalar). */
const char *sni_emit_prefix_last(sni_emitter *e, int width, const char *prefix);
const char *sni_emit_scanned(sni_emitter *e, int s, int width, const char *prefix, const char *before);

/* ---- Points (point.c) ---- */

/* Room for the variables of all statements: NULL when memory is out (and e->failed). */
const char **sni_emit_names(sni_emitter *e, const char *const *from);
/* Prints the row's statements of a depth that names do not have yet, and adds their names. only: a mask of axes that
 * the statements may depend on. */
void sni_emit_row_stmts(sni_emitter *e, const sni_scope *scope, const sni_passes *passes, int depth, uint32_t only,
                        const char **names);
/* What pass (1 ... count) computes inside the row, as marks by statement; have[s] != NULL ends the search. NULL when
 * memory is out (and e->failed). */
bool *sni_emit_pass_need(sni_emitter *e, const sni_passes *passes, int pass, const char *const *have);
/* Prints the stores inside the row, and the stores of the row. */
void sni_emit_inner_stores(sni_emitter *e, const sni_scope *scope, const char *const *names);
void sni_emit_row_stores(sni_emitter *e, const sni_scope *scope, const char *const *names);
/* Prints everything that one point of the parallel axes (or width points along a parallel lane axis) computes, the
 * inner axes as sequential loops. scope->have: variables that exist already, or NULL. */
void sni_emit_point(sni_emitter *e, const sni_scope *scope, const sni_passes *passes);
/* The same for count points of a flat program side by side in the same loops, each under a scope with a prefix of its own; one
 * where the program scans. */
enum { SNI_MOST_POINTS = 16 };
void sni_emit_points(sni_emitter *e, const sni_scope *scopes, int count, const sni_passes *passes);
/* The same of a nest that is not flat (nest.c): scalar or in lanes along a parallel axis. */
void sni_emit_nest(sni_emitter *e, const sni_scope *scope, const sni_passes *passes);

/* ---- Lanes (lanes.c) ---- */

/* How the live loads and stores of a program move along an axis. */
typedef struct sni_lane_use {
    int unit, still, other; /* accesses with stride 1, without the axis, and all else */
    sni_expr aligned;       /* 0 or 1: is every access of stride 1 aligned when the axis is at a multiple of width? */
    int widest_bytes;       /* of the elements of accesses with stride 1; 0 when there are none */
} sni_lane_use;

sni_lane_use sni_lane_use_of(const sni_passes *passes, int axis, int width);
/* The inner axis that suits as lanes best. */
int sni_best_inner_axis(const sni_passes *passes);
/* Should the program's lanes lie along the last parallel axis rather than along an inner one? */
bool sni_prefers_column(const sni_passes *passes, int width);
/* Does every point combine many elements? A window that is known to be small (pooling) is no such column. */
bool sni_has_long_columns(const sni_loop *loop);
/* Lanes for a CPU's registers, at least 1; wide: the program computes in 64 bits. */
int sni_cpu_width(const sni_loop *loop, const sni_caps *caps);
/* Lanes of one access of 16 bytes along an axis, at most most. */
typedef struct sni_gpu_lanes {
    int width;
    bool always;      /* aligned for every size; else only where the condition holds, and single points elsewhere */
    sni_expr aligned; /* the condition, 0 or 1 */
    bool whole;       /* no line ends with a short vector (under the condition) */
    sni_expr vectors; /* of a line: of width points under the condition, of one elsewhere */
} sni_gpu_lanes;
sni_gpu_lanes sni_gpu_lanes_of(const sni_passes *passes, int axis, int most);

/* ---- Axes (axes.c) ---- */

/* Product of the extents of the axes in a mask, and of a range. */
sni_expr sni_extent_product(const sni_loop *loop, uint32_t mask);
uint32_t sni_parallel_mask(const sni_loop *loop);
/* Launch geometry of one dimension. */
void sni_set_launch(sni_kspec *spec, const sni_loop *loop, sni_expr items, size_t local);
/* Work-items of a work-group: wanted, or as many as the device allows. */
int sni_fit_work_group(const sni_caps *caps, int wanted);
/* Does the device allow so many? Otherwise words in why. */
bool sni_work_group_fits(const sni_caps *caps, int items, sni_str *why);
/* Text of an expression without axes: a literal or a parameter. */
const char *sni_emit_number(sni_emitter *e, sni_expr expr);
/* Names every axis "i<n>" in scope. */
void sni_name_axes(sni_emitter *e, sni_scope *scope);
/* Prints "const sn_idx i<a> = ..." of the axes in a mask from a linear index, innermost fastest. */
void sni_emit_split(sni_emitter *e, const sni_scope *scope, uint32_t mask, const char *linear);
/* Opens and closes sequential loops over the axes in a mask, outermost first; the inner axis of reverse scans is walked
 * from its end. */
void sni_emit_open_loops(sni_emitter *e, const sni_scope *scope, uint32_t mask);
void sni_emit_close_loops(sni_emitter *e, uint32_t mask);
void sni_emit_open(sni_emitter *e, const char *format, ...) SNI_PRINTF(2, 3); /* "... {" and deeper */
void sni_emit_close(sni_emitter *e);
/* Work-groups for total points, and the points of each, a multiple of width: what a CPU's cores share out. A group gets
 * at least `least` units of work, of which there are `work` in all; there are at most per_unit groups for each core. */
typedef struct sni_chunks {
    sni_expr groups, chunk;
} sni_chunks;
sni_chunks sni_cpu_chunks(const sni_loop *loop, const sni_caps *caps, sni_expr total, sni_expr work, int64_t least,
                          int per_unit, int width);

#endif
