/* Functions of one's own in OpenCL C, as operators of a graph: sinter_custom in graph.h. */
#ifndef SINTER_CUSTOM_H
#define SINTER_CUSTOM_H

#include <sinter/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most operands of a function of one's own. */
#define SINTER_MAX_CUSTOM_INPUTS 8

/* A function in OpenCL C as an operator of one's own, which fuses like any other. Fields that are 0 or NULL have presets;
 * so have those that later versions add, when the struct is initialised as a whole. */
typedef struct sinter_custom_function {
    /* OpenCL C 1.2: the function, and before it what it needs (functions, constants, types, macros). Copied. Parameters and
     * result are float (for f32, f16 and bf16 values), int (i32, i16, i8, u8 and bool), long (i64) or double (f64). It must
     * depend on its arguments alone: it may be called any number of times for one element. */
    const char *source;
    /* Name of the function in source. NULL: the last one that source defines. */
    const char *entry;
    /* Of the result, one whose arithmetic is the function's return type. NONE: for float the dtype of the first operand
     * that is passed as float, or f32 without one; else i32, i64, f64. Integers wrap to it; for bool, not 0 is true. */
    sinter_dtype output;
    /* About how many simple operations a call is; says when it is computed again rather than stored. 0: 10. */
    double cost;
    /* The same function on the host, for constants that are computed when a plan is compiled. NULL: they are computed on the
     * device. Called by any thread that compiles; it and context must be there as long as the graph. */
    double (*reference)(const double *operands, void *context);
    void *context;
} sinter_custom_function;

#ifdef __cplusplus
}
#endif

#endif
