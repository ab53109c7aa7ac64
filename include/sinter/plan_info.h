/* What a plan is made of, and what can be prepared before its first run. */
#ifndef SINTER_PLAN_INFO_H
#define SINTER_PLAN_INFO_H

#include <sinter/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the plan ready for runs of the sizes that bindings give (as sinter_plan_output_shape: data may be NULL): builds what
 * such a run would still have to build, kernels with 64-bit indices included, and sets their arguments up. A run of these
 * sizes afterwards builds no kernel. No memory of the device is taken. What it takes counts in the plan's compile_ns.
 * options (may be NULL): progress is called after each kernel that was built, and cancels; disable_fusion is ignored.
 * Fails as sinter_plan_output_shape and sinter_plan_compile do; the plan stays as usable as before. Any thread, also while
 * the plan runs. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_warm(sinter_plan *plan, const sinter_binding *bindings,
                                                          size_t count, const sinter_plan_options *options);

typedef enum sinter_port_kind { SINTER_PORT_INPUT, SINTER_PORT_OUTPUT, SINTER_PORT_STATE } sinter_port_kind;

/* The ports of a plan, in the order of the graph that was compiled. All of these answer 0, NULL, SINTER_DTYPE_NONE or -1 for
 * a NULL plan, another kind and an index or axis out of range. Texts live as long as the plan. Any thread. */
SINTER_API size_t sinter_plan_port_count(const sinter_plan *plan, sinter_port_kind kind);
SINTER_API const char *sinter_plan_port_name(const sinter_plan *plan, sinter_port_kind kind, size_t index);
SINTER_API sinter_dtype sinter_plan_port_dtype(const sinter_plan *plan, sinter_port_kind kind, size_t index);
SINTER_API int sinter_plan_port_rank(const sinter_plan *plan, sinter_port_kind kind, size_t index);
/* One dimension as text ("batch", "64", "batch*seq") into buffer, cut to size_bytes and always terminated when size_bytes
 * is not 0; buffer may be NULL then. Returns the bytes that the whole text needs without the terminator. */
SINTER_API size_t sinter_plan_port_dim_string(const sinter_plan *plan, sinter_port_kind kind, size_t index, int axis,
                                              char *buffer, size_t size_bytes);

/* The names of the dimensions that the ports' shapes are made of. Each gets its value from the inputs' shapes or from a
 * dimension binding. index counts from 0; NULL behind the last. The text lives for ever. */
SINTER_API size_t sinter_plan_dimension_count(const sinter_plan *plan);
SINTER_API const char *sinter_plan_dimension_name(const sinter_plan *plan, size_t index);

/* The i-th of sinter_plan_step_count steps: "launch", "copy", "fill" or "call"; the strategy that wrote its kernel; the
 * kernel's function and OpenCL C, which are "" where the step is no launch. NULL: out of range. They live as long as the
 * plan. */
SINTER_API const char *sinter_plan_step_kind(const sinter_plan *plan, size_t index);
SINTER_API const char *sinter_plan_step_strategy(const sinter_plan *plan, size_t index);
SINTER_API const char *sinter_plan_step_kernel(const sinter_plan *plan, size_t index);
SINTER_API const char *sinter_plan_step_source(const sinter_plan *plan, size_t index);

/* Bytes of device memory that a run of these sizes takes for the values between its steps. Bindings as in
 * sinter_plan_output_shape, and it fails as that does. Nothing is run or allocated on the device. *out_bytes is 0 after a
 * failure. Constants are not in it: sinter_plan_stats.constant_bytes. */
SINTER_API SINTER_MUST_USE sinter_status sinter_plan_arena_bytes(sinter_plan *plan, const sinter_binding *bindings,
                                                                 size_t count, uint64_t *out_bytes);

#ifdef __cplusplus
}
#endif
#endif
