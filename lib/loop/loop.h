/* Loop programs: what one kernel computes, before anybody decided how.
 *
 * A program is a nest: axes, statements in an order in which each uses only earlier ones, and stores. Every statement
 * is a scalar at one point of the axes in its mask. A REDUCE names the axes that it runs over; its own mask has none of
 * them, and its argument may itself be a REDUCE over other axes: a product in a softmax in a product is attention. The
 * axes that some REDUCE runs over are the inner ones and come last; the others are parallel. In which order loops are
 * nested is not stored: it follows from the masks.
 *
 * A flat program (sni_loop_is_flat) has reductions that all run over all inner axes. There a statement is either of the
 * row (mask without inner axes) or inside the row (with), and the program is a sequence of passes over the inner axes
 * between scalar code. A program without inner axes is elementwise. A flat program whose core is set is a contraction:
 * statement core is a REDUCE SUM of the OP mul of core_a and core_b; core_a does not depend on the axes in axes_n,
 * core_b not on those in axes_m, both may depend on the axes in axes_b and on the inner axes. Everything after core is
 * the epilogue.
 *
 * A SCAN carries a value along the inner axis: a program with one has exactly one inner axis, no reductions, and all of
 * its scans go the same way. What depends on a scan is computed at the same point of the axis, in the same pass.
 *
 * Built by splicing: the value of a node at given coordinates is built from its inputs' values at mapped
 * coordinates, so views and fusion are the same thing. */
#ifndef SNI_LOOP_LOOP_H
#define SNI_LOOP_LOOP_H

#include "graph/graph.h"

#define SNI_MAX_AXES 16
#define SNI_MAX_ARGS 8 /* of a statement: as many as a user's function has */

typedef enum sni_stmt_kind {
    SNI_STMT_CONST,  /* f or i */
    SNI_STMT_LOAD,   /* buffer[offset] if guard, else 0 */
    SNI_STMT_INDEX,  /* the integer value of offset */
    SNI_STMT_OP,     /* an ELEMENTWISE row's expression of args */
    SNI_STMT_CAST,   /* args[0] converted to dtype */
    SNI_STMT_SELECT, /* guard ? args[0] : args[1] */
    SNI_STMT_REDUCE, /* args[0] combined over axes */
    SNI_STMT_SCAN    /* args[0] combined over the inner axis up to this point of it */
} sni_stmt_kind;

typedef struct sni_stmt {
    sni_stmt_kind kind;
    sinter_dtype dtype; /* of the value; arithmetic on f16 and bf16 is f32 */
    uint32_t mask;      /* axes it depends on */
    int arg_count;
    int args[SNI_MAX_ARGS];
    const sni_op *op;             /* OP */
    double params[SNI_MAX_ATTRS]; /* OP: p0..p7 */
    sni_combiner combiner;        /* REDUCE, SCAN */
    bool exclusive;               /* SCAN: without this point itself */
    uint32_t axes;                /* REDUCE, SCAN: mask of the axes that it runs over */
    double f;                     /* CONST, real */
    int64_t i;                    /* CONST, integer and bool */
    int buffer;                   /* LOAD */
    sni_expr offset;              /* LOAD: in elements; INDEX: the value */
    sni_expr guard;               /* LOAD (SNI_NO_EXPR: always), SELECT */
} sni_stmt;

typedef struct sni_loop_buffer {
    uint32_t value; /* graph value */
    sinter_dtype dtype;
    bool is_output;
    bool is_constant; /* its bytes are known when the kernel is made, and are the same in every run */
    bool
        may_alias; /* another buffer of the program may be the same memory, and one of them is written; the plan says so */
    sni_expr count; /* elements */
} sni_loop_buffer;

/* A store into a state may write a region of it, at a place that is read at run time: then offset has VALUE atoms. */
typedef struct sni_store {
    int buffer;
    sni_expr offset; /* in elements; different points of the stored statement's axes give different offsets */
    int stmt;
    uint32_t
        mask; /* axes that the store runs over: all parallel ones, and inner ones (in a flat program all or none) */
} sni_store;

typedef struct sni_loop {
    sni_sym *sym; /* of its expressions: its own after sni_loop_own */
    int axis_count;
    sni_expr extents[SNI_MAX_AXES];
    sni_expr axes[SNI_MAX_AXES]; /* the AXIS atoms */
    uint32_t inner;              /* mask of the axes that a REDUCE runs over; they come last */
    int stmt_count;
    sni_stmt *stmts;
    int buffer_count;
    sni_loop_buffer *buffers;
    int store_count;
    sni_store *stores;
    int core, core_a, core_b; /* -1: not a contraction, or a nest of several reductions */
    uint32_t axes_b, axes_m, axes_n;
    bool nest;               /* not flat, or products among other reductions: only strategies made for it take it */
    bool scans, reverse;     /* there are SCANs along the one inner axis; they begin at its end */
    bool uses_f64, uses_i64; /* a statement other than INDEX and index loads computes in 64 bits */
} sni_loop;

/* What a device allows one kernel; plain numbers, so that this module needs no device. */
typedef struct sni_limits {
    int max_buffers;
    int max_stmts;
    /* Is there a way to run a program that is not flat without computing things over and over? If not, says why (static
     * text). NULL: only flat programs are built. */
    bool (*accepts)(void *context, const sni_loop *loop, const char **why);
    void *accepts_context;
} sni_limits;

/* The nodes of a kernel. */
typedef struct sni_members {
    const bool *inside; /* by node of the graph */
    const int
        *nodes; /* those inside, ascending; nodes that are computed inside every kernel may be missing. NULL: all of
                         * the graph is searched for them */
    int count;
} sni_members;

/* Builds the program of a group of nodes. outputs are the values that later groups or the caller need. Its expressions are
 * the graph's until sni_loop_own. On refusal returns false with the reason in *why (static or arena text, words for
 * people); that is no error. */
bool sni_loop_build(sinter_graph *graph, const sni_members *members, const uint32_t *outputs, int output_count,
                    const sni_limits *limits, sni_arena *arena, sni_loop **out_loop, const char **why);

/* Do all reductions run over all inner axes, and stores over all of them or none? */
bool sni_loop_is_flat(const sni_loop *loop);

/* Merges neighbouring axes wherever every offset, guard and store allows it; drops axes of extent 1. */
bool sni_loop_collapse(sni_loop *loop, sni_arena *arena);

/* Moves the expressions into a context of the program's own, which lives as long as the arena that the program is in.
 * false: out of memory. */
bool sni_loop_own(sni_loop *loop, sni_arena *arena);

/* For tests: checks the invariants above, and returns the broken one or NULL. */
const char *sni_loop_verify(const sni_loop *loop);
/* The program as text, for explain and tests. */
void sni_loop_print(const sni_loop *loop, sni_str *out);

/* Bytes that the program reads and writes at least: every buffer once (or what it touches of it). */
sni_expr sni_loop_bytes(sni_loop *loop);
/* Simple operations (the cost of an operator's row) that the program takes for the sizes in bindings. Fails as
 * sni_sym_eval does. */
sinter_status sni_loop_operations(const sni_loop *loop, const sni_bindings *bindings, double *out_operations);

#endif
