/* What `sinter bench` compares with: plain C, memcpy, OpenBLAS. */
#include <dlfcn.h>
#include <string.h>
#include <time.h>

#include "bench.h"

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *bench_peer_name(bench_peer peer) {
    switch (peer) {
    case PEER_OPENMP_ADD:
        return "C loop, OpenMP";
    case PEER_MEMCPY:
        return "memcpy";
    case PEER_BLAS:
        return "OpenBLAS";
    case PEER_DEVICE_COPY:
        return "device copy";
    case PEER_UNFUSED:
        return "three kernels";
    }
    return "";
}

static double openmp_add(const bench_work *w) {
    const float *restrict a = w->a, *restrict b = w->b;
    float *restrict c = w->c;
    int64_t count = w->m * w->n;
    double start = bench_now();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; ++i) c[i] = a[i] + b[i];
    return bench_now() - start;
}

static double host_copy(const bench_work *w) {
    double start = bench_now();
    memcpy(w->c, w->a, (size_t)(w->m * w->n) * sizeof(float));
    return bench_now() - start;
}

/* cblas_sgemm of the reference BLAS's interface in C, with int for its enumerations. */
typedef void (*sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                               const float *a, int a_ld, const float *b, int b_ld, float beta, float *c, int c_ld);
enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111 };

/* The program starts without the library: it is opened by the first comparison with it, and stays. NULL: not installed. */
static sgemm_function find_sgemm(void) {
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        void *symbol = library ? dlsym(library, "cblas_sgemm") : NULL;
        sgemm_function function;
        memcpy(&function, &symbol, sizeof function);
        if (symbol) return function;
    }
    return NULL;
}

static double blas(const bench_work *w) {
    static sgemm_function sgemm;
    if (!sgemm) sgemm = find_sgemm();
    if (!sgemm) return -1;
    double start = bench_now();
    sgemm(ROW_MAJOR, NOT_TRANSPOSED, NOT_TRANSPOSED, (int)w->m, (int)w->n, (int)w->k, 1, w->a, (int)w->k, w->b,
          (int)w->n, 0, w->c, (int)w->n);
    return bench_now() - start;
}

double bench_peer_run(bench_peer peer, const bench_work *work) {
    switch (peer) {
    case PEER_OPENMP_ADD:
        return openmp_add(work);
    case PEER_MEMCPY:
        return host_copy(work);
    case PEER_BLAS:
        return blas(work);
    case PEER_DEVICE_COPY:
    case PEER_UNFUSED:
        break; /* run on the device: bench.c */
    }
    return -1;
}
