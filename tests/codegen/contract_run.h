/* Running a contraction program of contract_program.h on the device. */
#ifndef SINTER_TESTS_CONTRACT_RUN_H
#define SINTER_TESTS_CONTRACT_RUN_H

#include "contract_program.h"
#include "device_run.h"

enum { CANARY = 64 };

static inline int64_t contraction_evaluate(const contraction *p, sni_expr e) {
    int64_t value = 0;
    must(sni_sym_eval(p->loop.sym, e, &p->bindings, &value));
    return value;
}

/* Uploads the inputs; outputs hold a pattern that no result has, and more of it past their end. */
static inline sni_mem *contraction_upload(test_device *test, const contraction *p, int b) {
    const tensor *t = &p->tensors[b];
    bool is_output = p->loop.buffers[b].is_output;
    size_t width = sinter_dtype_size(t->dtype), bytes = (size_t)t->count * width;
    sni_mem *mem;
    must(sni_mem_acquire(test->pool, bytes + (is_output ? CANARY : 0), &mem));
    if (is_output)
        must(sni_mem_fill(mem, 0xee));
    else if (bytes > 0)
        must(sni_mem_write(mem, 0, t->data, bytes, true));
    return mem;
}

static inline void contraction_download(contraction *p, int b, const sni_mem *mem) {
    tensor *t = &p->tensors[b];
    size_t bytes = (size_t)t->count * sinter_dtype_size(t->dtype);
    unsigned char tail[CANARY];
    if (bytes > 0) must(sni_mem_read(mem, 0, t->data, bytes, true));
    must(sni_mem_read(mem, bytes, tail, CANARY, true));
    for (int i = 0; i < CANARY; ++i) ck_assert_msg(tail[i] == 0xee, "wrote past the output's end");
}

static inline void contraction_set_arguments(const contraction *p, const sni_kspec *spec, sni_launch *launch,
                                             sni_mem *const *mems, bool wide) {
    for (int i = 0; i < spec->arg_count; ++i) {
        const sni_karg *arg = &spec->args[i];
        if (arg->kind == SNI_KARG_BUFFER) {
            must(sni_launch_set_mem(launch, i, mems[arg->buffer]));
        } else if (arg->kind == SNI_KARG_OFFSET) {
            static const uint64_t start = 0;
            must(sni_launch_set_scalar(launch, i, &start, sizeof start));
        } else if (arg->kind == SNI_KARG_INDEX) {
            int64_t value = contraction_evaluate(p, arg->expr);
            int32_t narrow = (int32_t)value;
            must(wide ? sni_launch_set_scalar(launch, i, &value, sizeof value)
                      : sni_launch_set_scalar(launch, i, &narrow, sizeof narrow));
        } else {
            must(sni_launch_set_local(launch, i, arg->local_bytes));
        }
    }
}

/* wide: with indices of 64 bits. */
static inline void contraction_launch(test_device *test, contraction *p, const sni_kspec *spec, bool wide) {
    sni_program_source source = {
        .text = spec->source, .entry = spec->entry, .options = wide ? "-DSN_IDX64" : spec->options};
    sni_program *built;
    sni_launch *kernel;
    sni_mem *mems[MAX_TENSORS] = {NULL};
    sinter_status status = sni_program_build(test->cache, &source, &built);
    if (status != SINTER_OK) fprintf(stderr, "%s\n%s", spec->source, sinter_last_error());
    ck_assert_msg(status == SINTER_OK, "the kernel does not build");
    /* The CPU's kernels want more local memory than the devices that others are compiled for have.
     */
    if (strncmp(spec->strategy, "gpu_", 4) == 0) dump_kernel(spec->entry, sni_program_text(built), spec->options);
    must(sni_launch_create(built, &kernel));
    for (int b = 0; b < p->loop.buffer_count; ++b) mems[b] = contraction_upload(test, p, b);
    contraction_set_arguments(p, spec, kernel, mems, wide);
    size_t global[3];
    for (int d = 0; d < spec->dims; ++d) global[d] = (size_t)contraction_evaluate(p, spec->global[d]);
    must(sni_launch_enqueue(kernel, spec->dims, global, spec->local[0] > 0 ? spec->local : NULL, false, NULL));
    for (int b = 0; b < p->loop.buffer_count; ++b) {
        if (p->loop.buffers[b].is_output) contraction_download(p, b, mems[b]);
        sni_mem_release(mems[b]);
    }
    sni_launch_release(kernel);
    sni_program_release(built);
}

#endif
