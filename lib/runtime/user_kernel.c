/* Hand-written kernels: built and launched like the library's own, where lib/kernel checks every
 * argument against what the kernel declares. */
#include <string.h>

#include "base/alloc.h"
#include "memory/buffer.h"
#include "runtime/runtime.h"

struct sinter_kernel {
    sinter_runtime *runtime;
    sni_program *program;
    char *entry;
};

/* Accepts a half-built kernel. */
void sinter_kernel_release(sinter_kernel *kernel) {
    if (!kernel) return;
    sni_program_release(kernel->program);
    sinter_runtime_release(kernel->runtime);
    sni_free(kernel->entry);
    sni_free(kernel);
}

static sinter_status check_source(const sinter_runtime *runtime, const sinter_kernel_source *source) {
    if (!runtime || !source) return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime or the source is NULL");
    if (!source->text) return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel source's text is NULL");
    if (!source->entry || !*source->entry)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel source's entry is NULL or empty");
    return SINTER_OK;
}

/* What no sinter_arg can give would reach the driver unset, and some drivers crash at that. */
static sinter_status check_params(const sinter_kernel *kernel, const sni_launch *launch) {
    static const char *const refused[] = {"image", "sampler_t", "pipe", "event_t", "queue_t"};
    for (int i = 0; i < sni_launch_arg_count(launch); ++i) {
        const char *type = sni_launch_arg_type(launch, i);
        if (strchr(type, '*')) continue;
        for (size_t k = 0; k < sizeof refused / sizeof *refused; ++k)
            if (strstr(type, refused[k]) == type)
                return sni_fail(SINTER_UNSUPPORTED,
                                "argument %d of kernel '%s' is %s: arguments are buffers, scalars, structs and local "
                                "memory, images and samplers are not supported",
                                i, kernel->entry, type);
    }
    return SINTER_OK;
}

/* A launch is made and dropped, so that what only clCreateKernel finds is reported now. */
static sinter_status build(sinter_kernel *kernel, const sinter_kernel_source *source) {
    if (!kernel->entry) return sni_out_of_memory("a kernel");
    sni_program_source program = {source->text, source->entry, source->options, source->file};
    SNI_TRY(sni_program_build(kernel->runtime->cache, &program, &kernel->program));
    sni_launch *launch = NULL;
    SNI_TRY(sni_launch_create(kernel->program, &launch));
    sinter_status status = check_params(kernel, launch);
    sni_launch_release(launch);
    return status;
}

sinter_status sinter_kernel_create(sinter_runtime *runtime, const sinter_kernel_source *source,
                                   sinter_kernel **out_kernel) {
    if (!out_kernel) return sni_fail(SINTER_INVALID_ARGUMENT, "out_kernel is NULL");
    *out_kernel = NULL;
    SNI_TRY(check_source(runtime, source));
    sinter_kernel *kernel = sni_calloc(1, sizeof *kernel);
    if (!kernel) return sni_out_of_memory("a kernel");
    kernel->runtime = sni_runtime_retain(runtime);
    kernel->entry = sni_strdup(source->entry);
    sinter_status status = build(kernel, source);
    if (status == SINTER_OK)
        *out_kernel = kernel;
    else
        sinter_kernel_release(kernel);
    return status;
}

static sinter_status set_arg(const sinter_kernel *kernel, sni_launch *launch, int index, const sinter_arg *arg) {
    switch (arg->kind) {
    case SINTER_ARG_BUFFER:
        if (arg->buffer && arg->buffer->runtime != kernel->runtime)
            return sni_fail(SINTER_INVALID_ARGUMENT, "argument %d of kernel '%s' is a buffer of another runtime", index,
                            kernel->entry);
        return sni_launch_set_mem(launch, index, arg->buffer ? arg->buffer->mem : NULL);
    case SINTER_ARG_SCALAR:
        return sni_launch_set_scalar(launch, index, arg->value, arg->size_bytes);
    case SINTER_ARG_LOCAL:
        return sni_launch_set_local(launch, index, arg->size_bytes);
    }
    return sni_fail(SINTER_INVALID_ARGUMENT, "argument %d of kernel '%s' is of the unknown kind %d", index,
                    kernel->entry, (int)arg->kind);
}

static sinter_status set_args(const sinter_kernel *kernel, sni_launch *launch, const sinter_arg *args, size_t count) {
    int wanted = sni_launch_arg_count(launch);
    if (count != (size_t)wanted)
        return sni_fail(SINTER_INVALID_ARGUMENT, "kernel '%s' wants %d arguments, not %zu", kernel->entry, wanted,
                        count);
    if (count && !args) return sni_fail(SINTER_INVALID_ARGUMENT, "kernel '%s': the arguments are NULL", kernel->entry);
    for (int i = 0; i < wanted; ++i) SNI_TRY(set_arg(kernel, launch, i, &args[i]));
    return SINTER_OK;
}

/* NULL, for "the driver chooses", when all sizes are 0. */
static const size_t *local_of(const sinter_grid *grid) {
    for (int i = 0; i < grid->dims; ++i)
        if (grid->local[i]) return grid->local;
    return NULL;
}

static sinter_status run(const sinter_kernel *kernel, sni_launch *launch, const sinter_grid *grid,
                         const sinter_arg *args, size_t count) {
    SNI_TRY(set_args(kernel, launch, args, count));
    SNI_TRY(sni_launch_enqueue(launch, grid->dims, grid->global, local_of(grid), false, NULL));
    sinter_status status = sni_queue_finish(kernel->runtime->device);
    if (status != SINTER_OK) return sni_fail_in(status, "kernel '%s'", kernel->entry);
    sni_program_launched(kernel->program);
    return SINTER_OK;
}

sinter_status sinter_kernel_launch(sinter_kernel *kernel, const sinter_grid *grid, const sinter_arg *args,
                                   size_t count) {
    if (!kernel || !grid) return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel or the grid is NULL");
    if (grid->dims < 1 || grid->dims > 3)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a grid has 1 to 3 dimensions, not %d", grid->dims);
    sni_launch *launch = NULL;
    sinter_status status = sni_launch_create(kernel->program, &launch);
    if (status == SINTER_OK) status = run(kernel, launch, grid, args, count);
    sni_launch_release(launch);
    return status;
}
