/* Inside lib/plan: a compiled graph, and a run of it.
 *
 * Release waits until no thread is inside a call of the plan and its runs are over; their events need nothing of it. */
#ifndef SNI_PLAN_PLAN_H
#define SNI_PLAN_PLAN_H

#include <sinter/plan.h>

#include "base/thread.h"
#include "codegen/codegen.h"
#include "fuse/fuse.h"
#include "graph/graph.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"
#include "plan/sketch.h"
#include "runtime/runtime.h"
#include "schedule/records.h"

/* Where a value of the graph lives during a run. */
typedef enum sni_slot_kind {
    SNI_SLOT_INPUT,    /* index: graph input */
    SNI_SLOT_OUTPUT,   /* index: graph output */
    SNI_SLOT_CONSTANT, /* on the device for the plan's life: the steps' constants */
    SNI_SLOT_TEMP,     /* a part of the run's arena */
    SNI_SLOT_STATE     /* index: state; of each value that it has during a run */
} sni_slot_kind;

/* Memory that outlives a run, when it is the plan's. Guarded by the runtime's states. */
typedef struct sni_state {
    const char *name;
    int slot;                /* of the value before a run */
    sni_mem *mem;            /* NULL: what it begins with, made by the run that first needs it */
    const sni_blob *initial; /* what it begins with, the graph's; NULL: zeros */
} sni_state;

typedef struct sni_slot {
    sni_slot_kind kind;
    uint32_t value;
    int index;
    sni_expr bytes;
    int first, last; /* steps between which it is alive */
    int shares;      /* TEMP: slot whose memory it takes over (in place), or -1 */
    int alias_set; /* slots with one number may be the same memory: of a chain of shares its root, of a state's values the
                      * first, else the slot itself */
    bool counted; /* CONSTANT: in the plan's constant_bytes */
} sni_slot;

/* A step's kernel for 64-bit indices, built when a binding first needs it. Its text is the narrow kernel's unless
 * the device cannot launch that: then it is the plain kernel's, made from a copy of the loop's expressions. */
typedef struct sni_wide {
    sni_program *program;
    const sni_kspec *spec;
    const sni_sym *sym;  /* of spec's expressions */
    sni_mem **constants; /* as the step's */
    sni_kspec *own_spec;
    sni_arena *own_arena;
    sni_sym *own_sym;
} sni_wide;

typedef enum sni_step_kind {
    SNI_STEP_LAUNCH, /* of a kernel */
    SNI_STEP_COPY,   /* of one slot's elements, from from_element on, into another's */
    SNI_STEP_FILL,   /* of a slot with one element */
    SNI_STEP_CALL    /* of spec.library */
} sni_step_kind;

/* One thing that a run enqueues. */
typedef struct sni_step {
    sni_step_kind kind;
    /* Earlier steps that must be over before this one begins: it reads what they wrote, or writes what they read or
     * wrote. The queue is in order, so nothing else is needed for them to be. A queue that is not would also have to wait
     * where a range of the arena gets a new value; that depends on the sizes of a run, and is kept apart by slots'
     * first and last. */
    const int *waits;
    int wait_count;
    int from, to; /* COPY, FILL: loop buffers */
    sni_expr from_element;
    unsigned char pattern[8]; /* FILL */
    const sni_group *group;
    sni_loop loop; /* the group's program, with the buffers that may be the same memory marked */
    sni_kspec spec;
    sni_program *program; /* LAUNCH: with 32-bit indices */
    sni_wide *wide;       /* or NULL; guarded by the plan's mutex, and never changed once it is set */
    int *slots;           /* loop buffer -> slot */
    sni_mem **constants;  /* loop buffer -> the constant, prepared as spec asks for; else NULL */
    sni_expr bytes;
} sni_step;

typedef struct sni_context sni_context;
typedef struct sni_run sni_run; /* run.c */

struct sinter_plan {
    sinter_runtime *runtime;
    sni_caps caps;       /* the device's, with the plan's precision */
    sinter_graph *graph; /* rewritten; owns the expressions and constants */
    sni_sketch given;    /* the graph as it was described, for explain; in arena */
    sni_arena *arena;    /* groups, programs' texts */
    bool outline;        /* steps and slots only: it has no kernels and no constants on the device, and cannot be run */
    sni_records *records; /* while it is compiled: what was tuned for the device */
    sni_step *steps;
    size_t step_count;
    sni_slot *slots;
    size_t slot_count, slot_capacity;
    sni_state *states;
    size_t state_count;
    int *slot_by_value; /* value -> its slot, -1: none yet */
    sni_expr bytes_unfused;
    uint64_t operators, kernels, constant_bytes, compile_ns;
    sni_mutex mutex; /* guards what follows and the steps' wide */
    bool has_mutex;
    sni_condition left; /* calls went down to 0 */
    int calls;          /* threads inside a function that runs the plan */
    sni_run *runs;      /* in flight, in no order */
    sni_context *idle;  /* contexts to use again */
    uint64_t bytes_peak, bytes_live_peak, bytes_moved, bytes_moved_unfused;
    int noted; /* atomic: the kernels' binaries were saved after a run; 0 again when there is a new kernel */
};

#define SNI_MAX_DIMS 1024 /* names, and what stands for sizes made of them (sni_sym_define) */

/* The values of a run's dimensions. */
typedef struct sni_dims {
    size_t count;
    int64_t dims[SNI_MAX_DIMS], values[SNI_MAX_DIMS];
} sni_dims;

static inline sni_bindings sni_dims_bindings(const sni_dims *d) {
    return (sni_bindings){d->count, d->dims, d->values};
}

/* What one run needs of its own: kernels with arguments, where each value lies, and, during the run, memory. Used by one
 * run at a time. An idle context keeps its kernels, whose arguments fit the next run with the same dimensions, and no
 * memory: that went back to the pool. */
struct sni_context {
    sni_context *next;
    sni_dims dims;
    bool placed;                      /* offsets, global and the numbers among the arguments are those of dims */
    uint64_t arena_bytes, live_bytes; /* of the temporaries: as packed, and the most that is alive at one step */
    uint64_t bytes_moved, bytes_moved_unfused; /* by a run */
    uint64_t *bytes;                           /* slot -> size; TEMP only */
    uint64_t *offsets;                         /* slot -> bytes into its memory */
    const sni_queue *queue;                    /* of the run; NULL: the device's own */
    sni_mem **mems;                            /* slot -> memory, during a run */
    sni_mem **targets;     /* slot -> what an output is copied to after the steps, during a run; NULL: it is there */
    uint64_t arena_serial; /* of the arena that the kernels' arguments name; 0: none */
    sni_launch **launches; /* step -> kernel; [step_count + step]: with 64-bit indices */
    bool *wide;            /* step -> which of the two */
    size_t (*global)[3];   /* step -> work-items */
};

/* ---- bind.c: from bindings to dimensions ---- */

/* Finds the dimensions' values. shapes of inputs not bound: INVALID_ARGUMENT. */
sinter_status sni_plan_bind(sinter_plan *plan, const sinter_binding *bindings, size_t count, sni_dims *out_dims);
/* Concrete dims of a value. */
sinter_status sni_plan_shape(const sinter_plan *plan, const sni_dims *dims, uint32_t value, sinter_shape *out_shape);
/* The two readings of a binding's data; b may be NULL. */
void *sni_binding_host(const sinter_binding *b);    /* NULL: device memory, or none */
size_t sni_binding_offset(const sinter_binding *b); /* bytes; 0 in host memory */
/* The binding of a graph input or output. Of two bindings with the name of both an input and an output the first is the
 * input's. NULL: not bound. */
const sinter_binding *sni_find_binding(const sinter_plan *plan, const sinter_binding *bindings, size_t count,
                                       sni_slot_kind kind, const char *name);
/* Bytes of a slot under these dimensions. */
sinter_status sni_slot_bytes(const sinter_plan *plan, const sni_dims *dims, const sni_slot *slot, uint64_t *out_bytes);

/* ---- compile.c ---- */

/* As sinter_plan_compile, up to the steps: for whoever wants a graph's loop programs. */
sinter_status sni_plan_outline(sinter_runtime *runtime, const sinter_graph *graph, sinter_plan **out_plan);

/* ---- choose.c ---- */

/* Generates a step's kernel: as the record of its program says, else by the strategies' rules. A record that does not fit
 * the program or the device is passed over. The choice stays in step->spec, so the plan gives the same bits every time. */
sinter_status sni_plan_choose(sinter_plan *plan, sni_step *step);

/* ---- context.c, place.c, wide.c ---- */

/* One that is neither placed nor has memory; NULL when memory is out. */
sni_context *sni_context_create(const sinter_plan *plan);
/* A context for these dimensions, from the idle ones or new, with memory for the temporaries. */
sinter_status sni_context_acquire(sinter_plan *plan, const sni_dims *dims, sni_context **out_context);
/* The same without memory, for runs to come: to be given back. */
sinter_status sni_context_prepare(sinter_plan *plan, const sni_dims *dims, sni_context **out_context);
/* Do these sizes need the step's kernel with 64-bit indices? */
sinter_status sni_step_needs_wide(const sni_step *step, const sni_dims *dims, bool *out);
/* The arguments that name inputs and outputs, when those have memory. */
sinter_status sni_context_set_ports(sinter_plan *plan, sni_context *context);
/* The kernel that a step runs, and what describes it. */
sinter_status sni_context_kernel(sinter_plan *plan, sni_context *context, size_t step, const sni_kspec **out_spec,
                                 sni_launch **out_launch);
void sni_context_give_back(sinter_plan *plan, sni_context *context);
void sni_context_release(sinter_plan *plan, sni_context *context);
/* Sizes and offsets of the temporaries, without memory. */
sinter_status sni_context_place(const sinter_plan *plan, sni_context *context);
/* Memory for them. */
sinter_status sni_context_take_memory(sinter_plan *plan, sni_context *context);
/* The step's kernel with 64-bit indices. */
sinter_status sni_step_widen(sinter_plan *plan, sni_step *step, const sni_wide **out_wide);
void sni_wide_release(const sni_step *step, sni_wide *wide);
/* Can the device launch the program with the work-group that spec asks for? */
sinter_status sni_step_fits(sni_program *program, const sni_kspec *spec, bool *out_fits);

/* ---- ports.c ---- */

/* Inputs, outputs: shapes checked, memory bound, inputs uploaded. A buffer that is an output and something else, too, is
 * written by a copy after the steps. */
sinter_status sni_plan_bind_ports(sinter_plan *plan, sni_context *context, sinter_binding *bindings, size_t count);
/* What sni_plan_bind_ports says of the outputs in their bindings, alone. */
sinter_status sni_plan_describe_outputs(const sinter_plan *plan, const sni_dims *dims, sinter_binding *bindings,
                                        size_t count);
/* The copies, and outputs to host memory. */
sinter_status sni_plan_collect(sinter_plan *plan, sni_context *context, sinter_binding *bindings, size_t count);

/* ---- state.c ---- */

/* The states' memory for a run: the caller's buffers, else the plan's own. With the runtime's states held. */
sinter_status sni_plan_bind_states(sinter_plan *plan, sni_context *context, const sinter_binding *bindings,
                                   size_t count);

/* ---- steps.c ---- */

/* The group's program as a step of its own; a copy or a fill where it is no more than that. */
sinter_status sni_step_begin(sinter_plan *plan, const sni_group *group, int number);
/* What each step waits for. */
sinter_status sni_plan_order(sinter_plan *plan);
sinter_status sni_step_enqueue(sinter_plan *plan, sni_context *context, size_t number, bool profile, void **out_event);
const char *sni_step_kind_name(sni_step_kind kind);

/* ---- slots.c ---- */

sinter_status sni_plan_add_ports(sinter_plan *plan);
/* Gives the step's buffers slots, and notes when they are alive. */
sinter_status sni_plan_add_slots(sinter_plan *plan, sni_step *step, int number);
/* Puts temporaries over operands that die, and marks in each step's loop the buffers that may be the same memory. */
sinter_status sni_plan_share_slots(sinter_plan *plan);
/* The constants that a step's program reads, prepared as spec asks for; a counted array in memory of the caller's to free with
 * sni_step_drop_constants. */
sinter_status sni_step_upload(sinter_plan *plan, const sni_step *step, const sni_kspec *spec, sni_mem ***out_constants);
void sni_step_drop_constants(const sni_step *step, sni_mem **constants);

/* ---- run.c ---- */

/* Counts this thread as being inside a call, so that release waits for it. */
void sni_plan_enter(sinter_plan *plan);
void sni_plan_leave(sinter_plan *plan);
/* One that nobody runs. */
void sni_plan_free(sinter_plan *plan);
/* Enqueues a profiled run on the device's own queue: uploads, steps, downloads; events for step_count steps. On failure the
 * queue has been waited for, and *out_context is NULL. */
sinter_status sni_plan_submit(sinter_plan *plan, sinter_binding *bindings, size_t count, void **events,
                              sni_context **out_context);
/* Appends a group's operators and their names: "matmul(/fc/MatMul) add relu". */
void sni_plan_print_nodes(const sinter_plan *plan, const sni_group *group, sni_str *out);
/* Appends the parameters that a step's strategy was run with: "local=128 lanes=4". */
void sni_plan_print_schedule(const sni_step *step, sni_str *out);
/* Appends a line with a launch's work-items; sym is the program's. */
void sni_plan_print_geometry(const sni_sym *sym, const sni_kspec *spec, sni_str *out);

#endif
