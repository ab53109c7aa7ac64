/* Hand-written kernels: built and launched like the library's own, where lib/kernel checks every
 * argument against what the kernel declares. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "memory/buffer.h"
#include "runtime/async.h"
#include "runtime/runtime.h"
#include "runtime/struct_sizes.h"

enum { MOST_IDLE = 16 };

struct sinter_kernel {
    sinter_runtime *runtime;
    sni_program *program;
    char *entry;
    unsigned *struct_bytes; /* by argument: of a struct; 0: another type, or not known */
    sni_mutex mutex;        /* guards what follows */
    sni_launch *idle[MOST_IDLE];
    int idle_count;
};

/* Accepts a half-built kernel. */
void sinter_kernel_release(sinter_kernel *kernel) {
    if (!kernel || sni_forked()) return;
    for (int i = 0; i < kernel->idle_count; ++i) sni_launch_release(kernel->idle[i]);
    sni_mutex_deinit(&kernel->mutex);
    sni_program_release(kernel->program);
    sinter_runtime_release(kernel->runtime);
    sni_free(kernel->struct_bytes);
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
    sni_program_source program = {source->text, source->entry, source->options, source->file, true};
    SNI_TRY(sni_program_build(kernel->runtime->cache, &program, &kernel->program));
    sni_launch *launch = NULL;
    SNI_TRY(sni_launch_create(kernel->program, &launch));
    sinter_status status = check_params(kernel, launch);
    kernel->struct_bytes = sni_calloc((size_t)sni_launch_arg_count(launch) + 1, sizeof *kernel->struct_bytes);
    if (status == SINTER_OK && !kernel->struct_bytes) status = sni_out_of_memory("a kernel");
    if (status == SINTER_OK) sni_struct_sizes(kernel->runtime, &program, launch, kernel->struct_bytes);
    sni_launch_release(launch);
    return status;
}

sinter_status sinter_kernel_create(sinter_runtime *runtime, const sinter_kernel_source *source,
                                   sinter_kernel **out_kernel) {
    if (!out_kernel) return sni_fail(SINTER_INVALID_ARGUMENT, "out_kernel is NULL");
    *out_kernel = NULL;
    SNI_TRY(check_source(runtime, source));
    SNI_TRY_PROCESS();
    sinter_kernel *kernel = sni_calloc(1, sizeof *kernel);
    if (!kernel) return sni_out_of_memory("a kernel");
    sni_mutex_init(&kernel->mutex);
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
        if (kernel->struct_bytes[index] && arg->value && arg->size_bytes != kernel->struct_bytes[index])
            return sni_fail(SINTER_INVALID_ARGUMENT, "argument %d (%s) of kernel '%s' has %u bytes, %zu were given",
                            index, sni_launch_arg_type(launch, index), kernel->entry, kernel->struct_bytes[index],
                            arg->size_bytes);
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

/* ---- launching ---- */

/* One launch in flight. */
typedef struct flight {
    sinter_kernel *kernel; /* where the cl_kernel goes back to while the caller's call lasts */
    sni_launch *launch;    /* NULL: it is back */
    sni_program *program;  /* counted */
    sinter_grid grid;
    size_t count;
    sni_mem *mems[]; /* counted: another queue must not get them from the pool */
} flight;

/* A cl_kernel that no other launch uses: its arguments are the driver's as soon as it is enqueued. */
static sinter_status take_launch(sinter_kernel *kernel, sni_launch **out_launch) {
    sni_mutex_lock(&kernel->mutex);
    *out_launch = kernel->idle_count ? kernel->idle[--kernel->idle_count] : NULL;
    sni_mutex_unlock(&kernel->mutex);
    return *out_launch ? SINTER_OK : sni_launch_create(kernel->program, out_launch);
}

static void give_launch_back(sinter_kernel *kernel, sni_launch *launch) {
    sni_mutex_lock(&kernel->mutex);
    bool room = kernel->idle_count < MOST_IDLE;
    if (room) kernel->idle[kernel->idle_count++] = launch;
    sni_mutex_unlock(&kernel->mutex);
    if (!room) sni_launch_release(launch);
}

static sinter_status start(void *work, const sni_queue *queue, sinter_event *event, bool kept_back, void **out_marker) {
    (void)event;
    flight *f = work;
    SNI_TRY(sni_launch_enqueue_on(f->launch, queue, f->grid.dims, f->grid.global, local_of(&f->grid), out_marker));
    if (kept_back) return SINTER_OK; /* the kernel may be gone */
    give_launch_back(f->kernel, f->launch);
    f->launch = NULL;
    return SINTER_OK;
}

static void finish(void *work, sinter_status status) {
    flight *f = work;
    if (status == SINTER_OK) sni_program_launched(f->program);
    for (size_t i = 0; i < f->count; ++i) sni_mem_release(f->mems[i]);
    sni_launch_release(f->launch);
    sni_program_release(f->program);
    sni_free(f);
}

static const sni_work_kind LAUNCH = {"a launch", true, start, NULL, finish};

static sinter_status prepare(sinter_kernel *kernel, const sinter_grid *grid, const sinter_arg *args, size_t count,
                             flight **out_flight) {
    sni_launch *launch;
    SNI_TRY(take_launch(kernel, &launch));
    sinter_status status = set_args(kernel, launch, args, count);
    if (status == SINTER_OK) status = sni_launch_check(launch, grid->dims, grid->global, local_of(grid));
    flight *f = status == SINTER_OK ? sni_malloc(sizeof *f + count * sizeof f->mems[0]) : NULL;
    if (!f) {
        if (status == SINTER_OK) status = sni_out_of_memory("a launch");
        sni_launch_release(launch); /* not back: some of its arguments are of this call */
        return status;
    }
    f->kernel = kernel;
    f->launch = launch;
    f->program = sni_program_retain(kernel->program);
    f->grid = *grid;
    f->count = 0;
    for (size_t i = 0; i < count; ++i)
        if (args[i].kind == SINTER_ARG_BUFFER) f->mems[f->count++] = sni_mem_retain(args[i].buffer->mem);
    *out_flight = f;
    return SINTER_OK;
}

sinter_status sinter_kernel_launch_async(sinter_kernel *kernel, const sinter_grid *grid, const sinter_arg *args,
                                         size_t count, const sinter_async_options *options, sinter_event **out_event) {
    flight *f = NULL;
    if (out_event) *out_event = NULL;
    if (!kernel || !grid) return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel or the grid is NULL");
    if (grid->dims < 1 || grid->dims > 3)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a grid has 1 to 3 dimensions, not %d", grid->dims);
    SNI_TRY_PROCESS();
    SNI_TRY(prepare(kernel, grid, args, count, &f));
    return sni_async_submit(kernel->runtime, options, &LAUNCH, f, NULL, out_event);
}

sinter_status sinter_kernel_launch(sinter_kernel *kernel, const sinter_grid *grid, const sinter_arg *args,
                                   size_t count) {
    sinter_event *event;
    SNI_TRY(sinter_kernel_launch_async(kernel, grid, args, count, NULL, &event));
    char entry[128];
    snprintf(entry, sizeof entry, "%s", kernel->entry);
    sinter_status status = sinter_event_wait(event);
    return status == SINTER_OK ? status : sni_fail_in(status, "kernel '%s'", entry);
}
