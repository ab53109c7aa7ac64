/* Plans: compiled graphs. */
#ifndef SINTER_PLAN_H
#define SINTER_PLAN_H

#include <sinter/event.h>
#include <sinter/graph.h>
#include <sinter/queue.h>
#include <sinter/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A graph compiled for a runtime's device. Immutable; any number of threads may run it at
 * once. One plan serves every value of its symbolic dimensions. */
typedef struct sinter_plan sinter_plan;

/* How exact sums of products of f32 have to be; everything else is computed alike.
 *
 * EXACT: products of f32, each added in f32. DEFAULT: also other ways to the same sum whose error stays within (8 + k / 32) *
 * 2^-24 times the sum of the k terms' magnitudes (EXACT: k * 2^-24 times it), for all numbers, and which treat zeros,
 * infinities and NaN alike. FAST: operands of products may be rounded to 16 bits of precision before. */
typedef enum sinter_precision {
    SINTER_PRECISION_DEFAULT,
    SINTER_PRECISION_EXACT,
    SINTER_PRECISION_FAST
} sinter_precision;

typedef struct sinter_plan_options {
    /* Called on the compiling thread after each kernel: done of total. Return 0 to go on,
     * anything else to give up with CANCELLED. NULL: no calls. */
    int (*progress)(void *context, size_t done, size_t total);
    void *context;
    /* Not 0: one kernel per operator; the environment's SINTER_DISABLE_FUSION=1 does the same. */
    int disable_fusion;
    /* DEFAULT: what the environment's SINTER_PRECISION (exact, default, fast) says, if it is set. Any other number is
     * INVALID_ARGUMENT. */
    sinter_precision precision;
} sinter_plan_options;

#define SINTER_PLAN_OPTIONS_INIT                                                                                       \
    { NULL, NULL, 0, SINTER_PRECISION_DEFAULT }

/* Compiles graph for runtime. options may be NULL. The plan keeps what it needs of both; the
 * graph stays the caller's. Reports the graph's own first error, UNSUPPORTED with the operator
 * and the reason, BUILD, OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, CANCELLED. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_compile(sinter_runtime *runtime, const sinter_graph *graph,
                                                             const sinter_plan_options *options,
                                                             sinter_plan **out_plan);
/* NULL is allowed. Waits until no other thread is inside a call that runs the plan, and until its runs are over. Their events
 * may be waited for afterwards. No call with this plan may begin after this one has. */
SINTER_API void sinter_plan_release(sinter_plan *plan);

/* One input, output, or dimension of a run. Exactly one of data, buffer and input is given, except
 * for a dimension: name is the dimension's, all are NULL, and shape is SINTER_SHAPE(value). Where an input and an
 * output have the same name, the first binding with that name is the input's and the second the output's. Giving more than one
 * of data, buffer and input, binding one of the names twice, and a name that the plan does not know are INVALID_ARGUMENT.
 *
 * An output may be bound to a buffer that an input is bound to, too, or to one that overlaps it: the output is then
 * computed in memory of the runtime's and copied there when everything is computed. Two outputs in the same memory are
 * INVALID_ARGUMENT.
 *
 * A state (sinter_state) may be bound by its name to a buffer, which is then its memory during the run and shares none
 * with anything else that is bound. Runs of a runtime's plans that have states happen one after the other, in the order
 * in which they are enqueued. A run that fails may leave states partly written. What is read and written by other runs at
 * the same time is the caller's business. */
typedef struct sinter_binding {
    const char *name;
    /* Inputs: must be the graph's. Outputs: the graph's or SINTER_DTYPE_NONE. */
    sinter_dtype dtype;
    /* Inputs: the shape of the data, numbers only. Outputs: filled by the run. */
    sinter_shape shape;
    /* Without a buffer: host memory, contiguous and row-major; nothing writes to an input's. With a buffer: NULL, or
     * SINTER_OFFSET(the byte of it where the value begins). A part that does not begin at 0 costs a copy on the device.
     * States begin at 0. */
    void *data;
    /* Bytes of host memory. Inputs: what shape needs. Outputs: at least that. */
    size_t size_bytes;
    /* Device memory of the plan's runtime; NULL: host memory. */
    sinter_buffer *buffer;
} sinter_binding;

#define SINTER_OFFSET(bytes_) ((void *)(uintptr_t)(bytes_))

#define SINTER_BIND_HOST(name_, dtype_, shape_, data_, size_bytes_)                                                    \
    { (name_), (dtype_), (shape_), (data_), (size_bytes_), NULL }
/* An input's memory may be const. */
#define SINTER_BIND_INPUT(name_, dtype_, shape_, data_, size_bytes_)                                                   \
    { (name_), (dtype_), (shape_), (void *)(uintptr_t)(data_), (size_bytes_), NULL }
#define SINTER_BIND_BUFFER(name_, dtype_, shape_, buffer_, offset_bytes_)                                              \
    { (name_), (dtype_), (shape_), SINTER_OFFSET(offset_bytes_), 0, (buffer_) }
#define SINTER_BIND_DIM(name_, value_)                                                                                 \
    { (name_), SINTER_DTYPE_NONE, SINTER_SHAPE(value_), NULL, 0, NULL }

/* Runs the plan and waits for it. Every input must be bound; an output that is not bound is not
 * copied out. Symbolic dimensions take their values from the inputs' shapes and from dimension
 * bindings. INVALID_ARGUMENT: unknown name, too small an output; DTYPE; SHAPE: a shape that does
 * not fit the graph's or contradicts another; UNBOUND_DIMENSION; DEVICE;
 * OUT_OF_DEVICE_MEMORY. Nothing is lost on failure: the plan can be run again. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_run(sinter_plan *plan, sinter_binding *bindings, size_t count);

/* As sinter_plan_run, but returns when everything is enqueued on the runtime's own queue. Host memory that the bindings name
 * must stay valid until the event is over (sinter/event.h); the array of bindings and its names need not. *out_event is NULL
 * after a failure. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_run_async(sinter_plan *plan, sinter_binding *bindings,
                                                               size_t count, sinter_event **out_event);
/* The same, where and when options say (NULL: as sinter_plan_run_async). Outputs' shapes are filled in before it returns.
 * out_event may be NULL: nobody waits for this run alone. A run that waits for events which are not on the device yet, or that
 * is cancellable, is begun by a thread of the library's: what goes wrong then is told by the event. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_enqueue(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                                             const sinter_async_options *options,
                                                             sinter_event **out_event);

/* A state's memory where no buffer was bound for it. Read copies its first size_bytes bytes to data: what the runs
 * enqueued so far leave there, before the first run and after a reset zeros, or what the state begins with
 * (sinter_state_initial). Write makes it the size_bytes bytes at data,
 * which must be as many as the state has in the runs to come; reset (name NULL: of every state) makes it that again; zeros
 * have whatever size the next run needs. All block; runs in flight are not disturbed. INVALID_ARGUMENT: no such state, too
 * many bytes; OUT_OF_DEVICE_MEMORY; DEVICE. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_state_read(sinter_plan *plan, const char *name, void *data,
                                                                size_t size_bytes);
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_state_write(sinter_plan *plan, const char *name, const void *data,
                                                                 size_t size_bytes);
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_state_reset(sinter_plan *plan, const char *name);

/* Sets the shapes that the outputs would have under the bindings' input shapes (data may be
 * NULL), without running. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_output_shape(sinter_plan *plan, const sinter_binding *bindings,
                                                                  size_t count, const char *name,
                                                                  sinter_shape *out_shape);

typedef struct sinter_plan_stats {
    uint64_t operators;           /* nodes of the graph that was compiled */
    uint64_t launches;            /* kernel launches a run makes */
    uint64_t kernels;             /* distinct kernels */
    uint64_t bytes_peak;          /* arena of the last run: memory for the values between its steps */
    uint64_t bytes_moved;         /* device memory read and written by the last run */
    uint64_t bytes_moved_unfused; /* the same with one kernel an operator */
    uint64_t compile_ns;          /* sinter_plan_compile's wall time */
    uint64_t constant_bytes;      /* constants on the device */
} sinter_plan_stats;

/* What a run enqueues: launches, copies, fills and calls of libraries. 0 for NULL. */
SINTER_API uint64_t sinter_plan_step_count(const sinter_plan *plan);
/* The most bytes of values between steps that are needed at one step of the last run: bytes_peak is not less. 0 for NULL. */
SINTER_API uint64_t sinter_plan_live_bytes(const sinter_plan *plan);
SINTER_API void sinter_plan_get_stats(const sinter_plan *plan, sinter_plan_stats *out_stats);

/* Text: for every launch the operators it holds, its strategy, why the group ends there, and bytes
 * moved under the given bindings (as sinter_plan_output_shape). with_source appends the OpenCL C.
 * The caller frees it with sinter_free. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_explain(sinter_plan *plan, const sinter_binding *bindings,
                                                             size_t count, int with_source, char **out_text);

typedef enum sinter_explain_format {
    SINTER_EXPLAIN_TEXT, /* for people: what sinter_plan_explain gives */
    SINTER_EXPLAIN_JSON, /* for programs: one object, described below */
    SINTER_EXPLAIN_HTML  /* a page with the graph before and after fusion as a picture; it loads nothing else */
} sinter_explain_format;

/* The JSON object. Numbers of nodes, slots and launches begin at 0; times are nanoseconds.
 *   title, device, dimensions {name: size}
 *   totals: operators, launches, kernels, bytes, bytes_unfused, operations; measured: time_ns, runs, and
 *     the device's roofline as a copy and products of f32 and bf16 reach it: bytes_per_ns, operations_per_ns,
 *     half_operations_per_ns
 *   slots [{kind: input, output, constant, temporary or state; name; type; bytes; in_place}]
 *   launches: the steps, in the order in which they run [{kind: launch, copy, fill or call; strategy;
 *     schedule: its parameters; chosen_by: a tuning record or "rule"; notes: why this strategy; ends: why it
 *     holds no more; kernel: the first launch that has the same kernel; nodes: of fused; reads, writes: slots; waits: earlier ones that must
 *     be over; work_items, work_group; bytes, operations; measured: time_ns, roofline_ns; source (with_source; only
 *     where kernel is the launch itself)}]
 *   given: the graph as it was described, fused: the graph that was cut into launches
 *     {inputs, outputs [{name, type, from}], nodes [{op, name, type: of the first output, in, origin}]}
 *     in and from: a node, -1 a constant, -2 nothing, -3 - n the graph's input n;
 *     origin: the node of given that a node of fused was made of */

typedef struct sinter_explain_options {
    sinter_explain_format format;
    /* Not 0: with each kernel's OpenCL C. */
    int with_source;
    /* Above 0: runs the plan this many times, and once before, with profiling, and gives each launch's
     * shortest time. Inputs then need data, and outputs that are bound are written. */
    int runs;
    /* What the explanation is headed with; may be NULL. Read during the call only. */
    const char *title;
} sinter_explain_options;

#define SINTER_EXPLAIN_OPTIONS_INIT                                                                                    \
    { SINTER_EXPLAIN_TEXT, 0, 0, NULL }

/* As sinter_plan_explain, in any format; options may be NULL. Fails as sinter_plan_output_shape does, where
 * runs is above 0 also as sinter_plan_run does. The caller frees *out_text with sinter_free. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_explain_as(sinter_plan *plan, sinter_binding *bindings,
                                                                size_t count, const sinter_explain_options *options,
                                                                char **out_text);

/* Runs once with profiling and returns Chrome trace JSON in *out_text (sinter_free). */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_trace(sinter_plan *plan, sinter_binding *bindings, size_t count,
                                                           char **out_text);

#ifdef __cplusplus
}
#endif
#endif
