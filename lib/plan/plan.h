/* Inside lib/plan: a compiled graph, and a run of it. */
#ifndef SNI_PLAN_PLAN_H
#define SNI_PLAN_PLAN_H

#include <sinter/plan.h>

#include "base/thread.h"
#include "codegen/codegen.h"
#include "graph/graph.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"
#include "plan/sketch.h"
#include "rewrite/fuse.h"
#include "runtime/runtime.h"

/* Where a value of the graph lives during a run. */
typedef enum sni_slot_kind {
    SNI_SLOT_INPUT,    /* index: graph input */
    SNI_SLOT_OUTPUT,   /* index: graph output */
    SNI_SLOT_CONSTANT, /* mem, for the plan's life */
    SNI_SLOT_TEMP      /* a part of the run's arena */
} sni_slot_kind;

typedef struct sni_slot {
    sni_slot_kind kind;
    uint32_t value;
    int index;
    sni_expr bytes;
    int first, last; /* TEMP: steps between which it is alive */
    int shares;      /* TEMP: slot whose memory it takes over (in place), or -1 */
    sni_mem *mem;    /* CONSTANT */
} sni_slot;

/* One kernel launch. */
typedef struct sni_step {
    const sni_group *group;
    sni_kspec spec;
    sni_program *program;   /* 32-bit indices */
    sni_program *program64; /* built when a binding needs it; guarded by the plan's mutex */
    int *slots;             /* loop buffer -> slot */
    sni_expr bytes;
} sni_step;

typedef struct sni_context sni_context;

struct sinter_plan {
    sinter_runtime *runtime;
    sinter_graph *graph; /* rewritten; owns the expressions and constants */
    sni_sketch given;    /* the graph as it was described, for explain; in arena */
    sni_arena *arena;    /* groups, programs' texts */
    sni_step *steps;
    size_t step_count;
    sni_slot *slots;
    size_t slot_count, slot_capacity;
    sni_expr bytes_unfused;
    uint64_t operators, kernels, constant_bytes, compile_ns;
    sni_mutex mutex;     /* guards what follows and program64 */
    bool has_mutex;
    sni_context *idle;   /* contexts to use again */
    uint64_t bytes_peak, bytes_moved, bytes_moved_unfused;
};

#define SNI_MAX_DIMS 1024 /* names, and what stands for sizes made of them (sni_sym_define) */

/* What one run needs of its own: the values of dimensions, an arena, kernels with arguments. Used by one run at a
 * time; kept for the next run with the same dimensions. */
struct sni_context {
    sni_context *next;
    size_t dim_count;
    int64_t dims[SNI_MAX_DIMS], values[SNI_MAX_DIMS];
    uint64_t arena_bytes;
    sni_mem **mems;       /* slot -> memory; TEMP until the context goes, INPUT and OUTPUT during a run */
    uint64_t *offsets;    /* slot -> bytes into that memory */
    sni_launch **launches; /* step -> kernel */
    size_t (*global)[3];  /* step -> work-items */
};

/* Finds the dimensions' values from the bindings. shapes of inputs not bound: INVALID_ARGUMENT unless lenient. */
sinter_status sni_plan_bind(sinter_plan *plan, const sinter_binding *bindings, size_t count, sni_context *context);
/* A context for the dimensions in probe; from the idle ones or new. */
sinter_status sni_context_acquire(sinter_plan *plan, const sni_context *probe, sni_context **out_context);
void sni_context_give_back(sinter_plan *plan, sni_context *context);
void sni_context_release(sinter_plan *plan, sni_context *context);
static inline sni_bindings sni_context_bindings(const sni_context *c) {
    return (sni_bindings){c->dim_count, c->dims, c->values};
}
/* Concrete dims of a value. */
sinter_status sni_plan_shape(const sinter_plan *plan, const sni_context *context, uint32_t value,
                             sinter_shape *out_shape);
const sinter_binding *sni_find_binding(const sinter_binding *bindings, size_t count, const char *name);
/* Enqueues every step; with profile events[step] is set. */
sinter_status sni_plan_enqueue(sinter_plan *plan, sni_context *context, bool profile, void **events);
/* Everything before (uploads) and after (downloads) the steps of a run. */
sinter_status sni_plan_prepare(sinter_plan *plan, sinter_binding *bindings, size_t count,
                               sni_context **out_context);
sinter_status sni_plan_collect(sinter_plan *plan, sni_context *context, sinter_binding *bindings,
                               size_t count);
/* Appends a group's operators and their names: "matmul(/fc/MatMul) add relu". */
void sni_plan_print_nodes(const sinter_plan *plan, const sni_group *group, sni_str *out);

#endif
