/* Measuring one loop program: memory of its own with made-up data, kernels of different schedules, their times, and
 * whether they compute the same. Everything runs on the runtime's queue; one thread. */
#ifndef SNI_TUNE_BENCH_H
#define SNI_TUNE_BENCH_H

#include "codegen/codegen.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"
#include "runtime/runtime.h"

typedef struct sni_bench {
    sinter_runtime *runtime;
    sni_loop loop; /* with expressions of its own: code generation adds to them */
    sni_bindings bindings;
    sni_mem **mems;  /* by buffer */
    uint64_t *sizes; /* their bytes */
    void **expected; /* by buffer: what outputs hold after the trusted kernel; NULL: none yet */
    bool wide;       /* sizes need 64-bit indices */
    double terms;    /* of a reduction, at most */
} sni_bench;

/* A kernel, or a library's function, with its arguments, ready to run. */
typedef struct sni_bench_kernel {
    sni_arena *arena;
    sni_kspec *spec;
    sni_program *program;
    sni_launch *launch;
    size_t global[3];
    sni_library_arg *call; /* of spec->library, in place of program and launch */
    int call_count;
} sni_bench_kernel;

/* loop and bindings must outlive the bench. Buffers are filled from a fixed seed: reals between -1 and 1, integers 0 or 1.
 * UNSUPPORTED when they take more than half of the device's memory; OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, SHAPE. */
sinter_status sni_bench_init(sni_bench *bench, sinter_runtime *runtime, const sni_loop *loop,
                             const sni_bindings *bindings);
void sni_bench_deinit(sni_bench *bench); /* also of one that failed, or is all 0 */

/* schedule NULL: what the rules choose. UNSUPPORTED when the program or the device refuses it; BUILD. */
sinter_status sni_bench_kernel_init(sni_bench_kernel *kernel, sni_bench *bench, const sni_schedule *schedule);
/* Puts one run of it into the queue. */
sinter_status sni_bench_enqueue(sni_bench *bench, sni_bench_kernel *kernel);
void sni_bench_kernel_deinit(sni_bench_kernel *kernel);

/* Runs a kernel that is trusted and keeps what it computes. */
sinter_status sni_bench_expect(sni_bench *bench, sni_bench_kernel *trusted);
/* Runs a kernel; is what it computes what was expected, up to the rounding of sums in another order? Otherwise words in why. */
sinter_status sni_bench_check(sni_bench *bench, sni_bench_kernel *kernel, bool *out_right, sni_str *why);

/* The time of a launch within a queue of launches: the shortest of several batches that take budget_ns in all, about. Gives
 * up early on what is beyond limit_ns (0: no limit). */
sinter_status sni_bench_time(sni_bench *bench, sni_bench_kernel *kernel, int64_t budget_ns, int64_t limit_ns,
                             int64_t *out_ns);
/* Two kernels in turn: the medians of their batches. */
sinter_status sni_bench_compare(sni_bench *bench, sni_bench_kernel *a, sni_bench_kernel *b, int64_t budget_ns,
                                int64_t *out_a_ns, int64_t *out_b_ns);

#endif
