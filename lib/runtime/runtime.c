/* Opening and closing a runtime, its buffers and its numbers. */
#include "runtime/runtime.h"

#include <sinter/opencl.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "base/str.h"
#include "device/device.h"
#include "memory/mem.h"
#include "runtime/async.h"
#include "runtime/constants.h"
#include "runtime/kept_costs.h"
#include "runtime/probe.h"

static const sinter_runtime_options DEFAULT_OPTIONS = SINTER_RUNTIME_OPTIONS_INIT;

sinter_runtime *sni_runtime_retain(sinter_runtime *runtime) {
    if (runtime) __atomic_add_fetch(&runtime->references, 1, __ATOMIC_RELAXED);
    return runtime;
}

/* Accepts a half-built runtime. */
void sinter_runtime_release(sinter_runtime *runtime) {
    if (!runtime || sni_forked() || __atomic_sub_fetch(&runtime->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_async_close(runtime->queue);
    sinter_event_release(runtime->last_state);
    sni_constants_release(runtime->constants);
    sni_kernel_cache_release(runtime->cache);
    sni_pool_release(runtime->pool);
    sni_device_release(runtime->device);
    sni_free(runtime->tuning_dir);
    sni_mutex_deinit(&runtime->states);
    sni_free(runtime);
}

/* Records lie beside the entries of the kernel cache, and not among them: clearing the cache leaves them. */
static sinter_status find_tuning_dir(sinter_runtime *runtime, const char *cache_dir) {
    char *dir;
    SNI_TRY(sni_cache_dir(cache_dir, &dir));
    sni_str path = SNI_STR_INIT;
    bool on_disk = dir[0] != 0;
    if (on_disk) sni_str_printf(&path, "%s/tuning", dir);
    runtime->tuning_dir = on_disk ? sni_str_take(&path) : NULL;
    sni_str_deinit(&path);
    sni_free(dir);
    return on_disk && !runtime->tuning_dir ? sni_out_of_memory("a runtime") : SINTER_OK;
}

/* Takes over the caller's device, also when it fails. */
static sinter_status create_on(sni_device *device, const sinter_runtime_options *options,
                               sinter_runtime **out_runtime) {
    sinter_runtime *runtime = sni_calloc(1, sizeof *runtime);
    if (!runtime) {
        sni_device_release(device);
        return sni_out_of_memory("a runtime");
    }
    runtime->references = 1;
    sni_mutex_init(&runtime->states);
    runtime->device = device;
    runtime->caps = &device->caps;
    sinter_status status =
        sni_kernel_cache_create(device, options->cache_dir, options->cache_max_bytes, &runtime->cache);
    if (status == SINTER_OK) status = sni_pool_create(device, options->pool_max_idle_bytes, &runtime->pool);
    if (status == SINTER_OK) status = sni_async_open(runtime, true, &runtime->queue);
    if (status == SINTER_OK) status = sni_constants_create(&runtime->constants);
    if (status == SINTER_OK) status = find_tuning_dir(runtime, options->cache_dir);
    if (status == SINTER_OK) status = sni_costs_find(runtime->caps, runtime->tuning_dir, &runtime->costs);
    if (status == SINTER_OK) sni_probe_instructions(device, runtime->cache, runtime->pool, options->cache_dir);
    if (status == SINTER_OK)
        *out_runtime = runtime;
    else
        sinter_runtime_release(runtime);
    return status;
}

sinter_status sinter_runtime_create(const sinter_runtime_options *options, sinter_runtime **out_runtime) {
    if (!out_runtime) return sni_fail(SINTER_INVALID_ARGUMENT, "out_runtime is NULL");
    *out_runtime = NULL;
    SNI_TRY_PROCESS();
    sni_fork_watch();
    if (!options) options = &DEFAULT_OPTIONS;
    sni_device *device = NULL;
    SNI_TRY(sni_device_open(options->device, &device));
    return create_on(device, options, out_runtime);
}

sinter_status sinter_runtime_create_from_opencl(cl_context context, cl_device_id device, cl_command_queue queue,
                                                const sinter_runtime_options *options, sinter_runtime **out_runtime) {
    if (!out_runtime) return sni_fail(SINTER_INVALID_ARGUMENT, "out_runtime is NULL");
    *out_runtime = NULL;
    SNI_TRY_PROCESS();
    sni_fork_watch();
    sni_device *adopted = NULL;
    SNI_TRY(sni_device_adopt(context, device, queue, &adopted));
    return create_on(adopted, options ? options : &DEFAULT_OPTIONS, out_runtime);
}

const char *sinter_runtime_device_name(const sinter_runtime *runtime) {
    return runtime ? runtime->caps->name : "";
}

void sinter_runtime_get_stats(const sinter_runtime *runtime, sinter_runtime_stats *out_stats) {
    if (!out_stats) return;
    *out_stats = (sinter_runtime_stats){0};
    if (!runtime || sni_forked()) return;
    sni_kernel_cache_stats kernels = {0};
    sni_pool_stats memory = {0};
    sni_kernel_cache_get_stats(runtime->cache, &kernels);
    sni_pool_get_stats(runtime->pool, &memory);
    out_stats->kernels_compiled = kernels.compiled;
    out_stats->kernels_cached = kernels.loaded;
    out_stats->compile_ns = kernels.build_ns;
    out_stats->bytes_in_use = memory.bytes_in_use;
    out_stats->bytes_idle = memory.bytes_idle;
    out_stats->bytes_peak = memory.bytes_peak;
}

void sinter_runtime_trim(sinter_runtime *runtime, uint64_t keep_bytes) {
    if (!runtime || sni_forked()) return;
    sni_queue_settle_reached(runtime->queue, SNI_SETTLE_ALL);
    sni_pool_trim(runtime->pool, keep_bytes);
}

cl_context sinter_runtime_cl_context(const sinter_runtime *runtime) {
    return runtime ? runtime->device->context : NULL;
}

cl_device_id sinter_runtime_cl_device(const sinter_runtime *runtime) {
    return runtime ? runtime->device->id : NULL;
}

cl_command_queue sinter_runtime_cl_queue(const sinter_runtime *runtime) {
    return runtime ? runtime->device->queue : NULL;
}

static void lock_states(sinter_runtime *runtime, bool until_over) {
    for (;;) {
        sni_mutex_lock(&runtime->states);
        sinter_event *last = sinter_event_retain(runtime->last_state);
        bool ready = !last || (until_over ? sni_event_is_done(last) : sni_event_has_started(last));
        if (ready) {
            sinter_event_release(last);
            return;
        }
        sni_mutex_unlock(&runtime->states);
        if (until_over)
            (void)sni_event_finish(last);
        else
            sni_event_await_start(last);
        sinter_event_release(last);
    }
}

void sni_runtime_lock_states(sinter_runtime *runtime) {
    lock_states(runtime, false);
}

void sni_runtime_lock_idle_states(sinter_runtime *runtime) {
    lock_states(runtime, true);
}
