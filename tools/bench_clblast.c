/* CLBlast as a peer: its product on the device that the plan runs on. */
#include "bench.h"
#include "kernel/clblast.h"
#include "memory/buffer.h"
#include "runtime/runtime.h"

double bench_clblast_run(const bench_case *c, sinter_buffer *a, sinter_buffer *b, sinter_buffer *result) {
    const sni_library *gemm = sni_clblast_gemm(c->dtype);
    if (c->k == 0 || gemm == NULL) return -1;
    sni_device *device = a->runtime->device;
    const sni_library_arg args[SNI_CLBLAST_ARGS] = {
        [SNI_CLBLAST_A] = {.mem = a->mem},      [SNI_CLBLAST_B] = {.mem = b->mem},
        [SNI_CLBLAST_C] = {.mem = result->mem}, [SNI_CLBLAST_M] = {.number = c->m},
        [SNI_CLBLAST_N] = {.number = c->n},     [SNI_CLBLAST_K] = {.number = c->k},
        [SNI_CLBLAST_A_LD] = {.number = c->k},  [SNI_CLBLAST_B_LD] = {.number = c->n},
        [SNI_CLBLAST_C_LD] = {.number = c->n},
    };
    double start = bench_now();
    if (gemm->enqueue(gemm, device, args, SNI_CLBLAST_ARGS) != SINTER_OK) return -1;
    return sni_queue_finish(device) == SINTER_OK ? bench_now() - start : -1;
}
