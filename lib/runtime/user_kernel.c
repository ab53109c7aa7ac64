/* Hand-written kernels: arguments are checked against what the kernel declares, then launched. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "device/device.h"
#include "kernel/handle.h"
#include "memory/mem.h"
#include "runtime/runtime.h"
#include "runtime/user_arg.h"

struct sinter_kernel {
    sinter_runtime *runtime;
    sni_program *program;
    char *entry;
    sni_user_arg *args; /* what the kernel wants */
    int arg_count;
    size_t static_local_bytes; /* local memory that the kernel declares inside */
};

/* Accepts a half-built kernel. */
void sinter_kernel_release(sinter_kernel *kernel) {
    if (!kernel) return;
    sni_user_args_release(kernel->args, kernel->arg_count);
    sni_program_release(kernel->program);
    sinter_runtime_release(kernel->runtime);
    sni_free(kernel->entry);
    sni_free(kernel);
}

/* A cl_kernel of its own answers what the arguments are; launches make theirs. */
static sinter_status query_kernel(sinter_kernel *kernel) {
    sni_launch *launch = NULL;
    SNI_TRY(sni_launch_create(kernel->program, &launch));
    cl_ulong local = 0;
    cl_kernel handle = sni_launch_cl_kernel(launch);
    if (clGetKernelWorkGroupInfo(handle, kernel->runtime->device->id, CL_KERNEL_LOCAL_MEM_SIZE,
                                 sizeof local, &local, NULL) == CL_SUCCESS)
        kernel->static_local_bytes = (size_t)local;
    int count = sni_launch_arg_count(launch);
    sinter_status status = sni_user_args_query(handle, count, &kernel->args);
    if (status == SINTER_OK) kernel->arg_count = count;
    sni_launch_release(launch);
    return status;
}

static sinter_status check_source(const sinter_runtime *runtime, const sinter_kernel_source *source) {
    if (!runtime || !source)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the runtime, the source or out_kernel is NULL");
    if (!source->text) return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel source's text is NULL");
    if (!source->entry || !*source->entry)
        return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel source's entry is NULL or empty");
    return SINTER_OK;
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
    sni_program_source program = {source->text, source->entry, source->options, source->file};
    sinter_status status = kernel->entry
                               ? sni_program_build(runtime->cache, &program, &kernel->program)
                               : sni_out_of_memory("a kernel");
    if (status == SINTER_OK) status = query_kernel(kernel);
    if (status == SINTER_OK)
        *out_kernel = kernel;
    else
        sinter_kernel_release(kernel);
    return status;
}

static sinter_status check_dimension(const sinter_grid *grid, int dim, const sni_caps *caps) {
    size_t local = grid->local[dim];
    if (!local)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "the work-group has size 0 in dimension %d and not in all", dim);
    if (caps->max_work_item[dim] && local > caps->max_work_item[dim])
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "the work-group has %zu work-items in dimension %d; the device allows %u",
                        local, dim, (unsigned)caps->max_work_item[dim]);
    if (grid->global[dim] % local)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "%zu work-items in dimension %d are no multiple of the work-group's %zu",
                        grid->global[dim], dim, local);
    return SINTER_OK;
}

static bool driver_chooses(const sinter_grid *grid) {
    for (int i = 0; i < grid->dims; ++i)
        if (grid->local[i]) return false;
    return true;
}

static sinter_status check_grid(const sinter_kernel *kernel, const sni_launch *launch,
                                const sinter_grid *grid) {
    if (driver_chooses(grid)) return SINTER_OK;
    size_t total = 1, most = sni_launch_max_work_group(launch);
    for (int i = 0; i < grid->dims; ++i) {
        SNI_TRY(check_dimension(grid, i, kernel->runtime->caps));
        if (!sni_mul_size(total, grid->local[i], &total)) total = SIZE_MAX;
    }
    if (total > most)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "a work-group of %zu work-items is too large: this kernel can have %zu on '%s'",
                        total, most, kernel->runtime->caps->name);
    return SINTER_OK;
}

static sinter_status check_local_memory(const sinter_kernel *kernel, const sinter_arg *args,
                                        size_t count) {
    size_t total = kernel->static_local_bytes;
    for (size_t i = 0; i < count; ++i) {
        if (args[i].kind != SINTER_ARG_LOCAL) continue;
        if (__builtin_add_overflow(total, args[i].size_bytes, &total)) total = SIZE_MAX;
        if (total > kernel->runtime->caps->local_bytes)
            return sni_fail(SINTER_INVALID_ARGUMENT,
                            "argument %zu brings local memory to %zu bytes; '%s' has %llu", i, total,
                            kernel->runtime->caps->name,
                            (unsigned long long)kernel->runtime->caps->local_bytes);
    }
    return SINTER_OK;
}

static sinter_status check_args(const sinter_kernel *kernel, const sinter_arg *args, size_t count) {
    if (count && !args) return sni_fail(SINTER_INVALID_ARGUMENT, "the arguments are NULL");
    if (count != (size_t)kernel->arg_count) {
        sni_str wanted = SNI_STR_INIT;
        sni_user_args_list(kernel->args, kernel->arg_count, &wanted);
        (void)sni_fail(SINTER_INVALID_ARGUMENT, "%zu arguments given, the kernel wants %d: %s",
                       count, kernel->arg_count, sni_str_text(&wanted));
        sni_str_deinit(&wanted);
        return SINTER_INVALID_ARGUMENT;
    }
    for (size_t i = 0; i < count; ++i) {
        SNI_TRY(sni_user_arg_check(&kernel->args[i], (int)i, &args[i]));
        if (args[i].kind == SINTER_ARG_BUFFER && args[i].buffer->runtime != kernel->runtime)
            return sni_fail(SINTER_INVALID_ARGUMENT,
                            "argument %zu is a buffer of another runtime than the kernel's", i);
    }
    return check_local_memory(kernel, args, count);
}

static sinter_status set_arg(sni_launch *launch, int index, const sinter_arg *arg) {
    switch (arg->kind) {
    case SINTER_ARG_BUFFER: return sni_launch_set_mem(launch, index, arg->buffer->mem);
    case SINTER_ARG_SCALAR:
        return sni_launch_set_scalar(launch, index, arg->value, arg->size_bytes);
    case SINTER_ARG_LOCAL: return sni_launch_set_local(launch, index, arg->size_bytes);
    }
    return sni_fail(SINTER_INTERNAL, "argument %d was not checked", index);
}

/* A driver that knows nothing of argument types finds a wrong size only here; that is still the
 * caller's mistake. */
static sinter_status set_args(const sinter_kernel *kernel, sni_launch *launch,
                              const sinter_arg *args) {
    for (int i = 0; i < kernel->arg_count; ++i) {
        sinter_status status = set_arg(launch, i, &args[i]);
        if (status == SINTER_DEVICE) status = SINTER_INVALID_ARGUMENT;
        if (status != SINTER_OK) return sni_fail_in(status, "argument %d", i);
    }
    return SINTER_OK;
}

static sinter_status run(sinter_kernel *kernel, sni_launch *launch, const sinter_grid *grid,
                         const sinter_arg *args) {
    SNI_TRY(check_grid(kernel, launch, grid));
    SNI_TRY(set_args(kernel, launch, args));
    for (int i = 0; i < grid->dims; ++i)
        if (!grid->global[i]) return SINTER_OK;
    const size_t *local = driver_chooses(grid) ? NULL : grid->local;
    SNI_TRY(sni_launch_enqueue(launch, grid->dims, grid->global, local, false, NULL));
    SNI_TRY(sni_queue_finish(kernel->runtime->device));
    sni_program_launched(kernel->program);
    return SINTER_OK;
}

sinter_status sinter_kernel_launch(sinter_kernel *kernel, const sinter_grid *grid,
                                   const sinter_arg *args, size_t count) {
    if (!kernel || !grid) return sni_fail(SINTER_INVALID_ARGUMENT, "the kernel or the grid is NULL");
    if (grid->dims < 1 || grid->dims > 3)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a grid has 1 to 3 dimensions, not %d", grid->dims);
    sinter_status status = check_args(kernel, args, count);
    sni_launch *launch = NULL;
    if (status == SINTER_OK) status = sni_launch_create(kernel->program, &launch);
    if (status == SINTER_OK) status = run(kernel, launch, grid, args);
    sni_launch_release(launch);
    return status == SINTER_OK ? SINTER_OK : sni_fail_in(status, "kernel '%s'", kernel->entry);
}
