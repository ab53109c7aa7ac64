/* Inside `sinter bench`: cases and peers. */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include <sinter/sinter.h>

/* What a case is compared with, in the same run. */
typedef enum bench_peer {
    PEER_OPENMP_ADD,  /* a plain C loop a + b on the host's cores */
    PEER_MEMCPY,      /* the host's memcpy of as many bytes: the measure is bytes per second */
    PEER_BLAS,        /* OpenBLAS sgemm, where it is installed */
    PEER_DEVICE_COPY, /* a device-to-device copy, bytes per second */
    PEER_UNFUSED      /* a plan of ours that stores what the case's plan keeps on chip (build_unfused) */
} bench_peer;

/* Words for a peer's column. */
const char *bench_peer_name(bench_peer peer);
/* Buffers and sizes that peers work on; host memory. */
typedef struct bench_work {
    int64_t m, n, k; /* gemm; else m*n elements */
    float *a, *b, *c;
} bench_work;
/* Runs the peer once and returns its seconds; negative when it is not there. */
double bench_peer_run(bench_peer peer, const bench_work *work);
double bench_now(void);

typedef struct bench_case {
    const char *suite, *name;
    int64_t m, n, k; /* k 0: no gemm */
    sinter_dtype dtype;
    /* Adds the case's operators to a graph whose inputs it makes; returns the number of inputs. */
    int (*build)(sinter_graph *graph, const struct bench_case *c);
    bench_peer cpu_peer, gpu_peer;
    int64_t heads; /* not 0: attention of so many heads, m positions and n columns */
    /* For PEER_UNFUSED: as build, with further outputs; the last one is "y". */
    int (*build_unfused)(sinter_graph *graph, const struct bench_case *c);
} bench_case;

/* Floating-point operations; 0: the case's measure is bytes. */
double bench_flops(const bench_case *c);

enum { BENCH_MAX_INPUTS = 3, BENCH_MAX_OUTPUTS = 3 };
/* The shape of a case's input. */
sinter_shape bench_input_shape(const sinter_graph *graph, const bench_case *c, size_t input);

/* CLBlast's product on the device of the buffers (a, b and result of a gemm case), where it is installed: seconds, or
 * negative. */
double bench_clblast_run(const bench_case *c, sinter_buffer *a, sinter_buffer *b, sinter_buffer *result);

/* Seconds of the host's for one launch of a small kernel and one run of a plan with one, and for the driver's enqueue of
 * the kernel; each of many, the device's work included. */
typedef struct bench_launch {
    double raw_seconds, launch_seconds, plan_seconds;
} bench_launch;
sinter_status bench_launch_run(sinter_runtime *runtime, bench_launch *out);

extern const bench_case bench_cases[];
extern const size_t bench_case_count;

#endif
