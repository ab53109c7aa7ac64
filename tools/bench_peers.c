/* What `sinter bench` compares with: plain C, memcpy, OpenBLAS. */
#include <string.h>
#include <time.h>

#include "bench.h"

#ifdef SINTER_BENCH_OPENBLAS
#include <cblas.h>
#endif

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

static double blas(const bench_work *w) {
#ifdef SINTER_BENCH_OPENBLAS
    double start = bench_now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)w->m, (int)w->n, (int)w->k, 1, w->a, (int)w->k, w->b,
                (int)w->n, 0, w->c, (int)w->n);
    return bench_now() - start;
#else
    (void)w;
    return -1;
#endif
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
