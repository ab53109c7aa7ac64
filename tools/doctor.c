/* `sinter doctor`: runs the checks and prints a line for each. */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "runtime/kept_costs.h"
#include "runtime/runtime.h"
#include "tune/probe.h"

doctor_result doctor_say(doctor *d, doctor_result result, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(d->detail, sizeof d->detail, format, args);
    va_end(args);
    return result;
}

doctor_result doctor_fail(doctor *d, const char *what) {
    const char *text = sinter_last_error();
    return doctor_say(d, DOCTOR_FAIL, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

static sinter_status upload(doctor *d, const doctor_array *array, sni_mem **out_mem) {
    SNI_TRY(sni_mem_acquire(d->pool, array->size_bytes, out_mem));
    return sni_mem_write(*out_mem, 0, array->data, array->size_bytes, true);
}

enum { MOST_ARRAYS = 128 };

static sinter_status compute_with(doctor *d, sni_launch *launch, const doctor_array *arrays, int count,
                                  size_t local_bytes, size_t global, size_t local) {
    sni_mem *mems[MOST_ARRAYS] = {NULL};
    sinter_status status = SINTER_OK;
    for (int i = 0; i < count && status == SINTER_OK; ++i) {
        status = upload(d, &arrays[i], &mems[i]);
        if (status == SINTER_OK) status = sni_launch_set_mem(launch, i, mems[i]);
    }
    if (status == SINTER_OK && local_bytes) status = sni_launch_set_local(launch, count, local_bytes);
    if (status == SINTER_OK) status = sni_launch_enqueue(launch, 1, &global, local ? &local : NULL, false, NULL);
    for (int i = 0; i < count && status == SINTER_OK; ++i)
        status = sni_mem_read(mems[i], 0, arrays[i].data, arrays[i].size_bytes, true);
    for (int i = 0; i < count; ++i)
        if (mems[i]) sni_mem_release(mems[i]);
    return status;
}

sinter_status doctor_compute(doctor *d, const char *text, const doctor_array *arrays, int count, size_t local_bytes,
                             size_t global, size_t local) {
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    sni_program_source source = {.text = text, .entry = "f", .file = "doctor"};
    if (count > MOST_ARRAYS) return SINTER_INVALID_ARGUMENT;
    sinter_status status = sni_program_build(d->cache, &source, &program);
    if (status == SINTER_OK) status = sni_launch_create(program, &launch);
    if (status == SINTER_OK) status = compute_with(d, launch, arrays, count, local_bytes, global, local);
    sni_launch_release(launch);
    sni_program_release(program);
    return status;
}

static void print_device(const sni_caps *caps) {
    printf("device: %s\nplatform: %s\ndriver: %s\n", caps->name, caps->platform, caps->driver);
    printf("limits: %u compute units, %.0f MiB, %.0f MiB at once, %.0f KiB local, work-groups of %u, "
           "sub-buffers at %u bytes\n",
           (unsigned)caps->compute_units, (double)caps->global_bytes / (1 << 20),
           (double)caps->max_alloc_bytes / (1 << 20), (double)caps->local_bytes / 1024, (unsigned)caps->max_work_group,
           (unsigned)caps->mem_align_bytes);
}

static int run_checks(doctor *d) {
    static const char *const words[] = {"ok", "FAIL", "skip"};
    int counts[3] = {0, 0, 0};
    for (const doctor_check *check = doctor_checks; check->name; ++check) {
        d->detail[0] = 0;
        doctor_result result = check->run(d);
        ++counts[result];
        printf("%-4s %s%s%s\n", words[result], check->name, d->detail[0] ? ": " : "", d->detail);
        fflush(stdout);
    }
    printf("%d ok, %d failed, %d skipped\n", counts[DOCTOR_OK], counts[DOCTOR_FAIL], counts[DOCTOR_SKIP]);
    return counts[DOCTOR_FAIL] ? TOOL_FAILED : TOOL_DONE;
}

/* What a launch, memory and arithmetic cost here; kept, because the fuser goes by it. */
static int probe_costs(const char *selection) {
    sinter_runtime *runtime = NULL;
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.device = selection;
    sinter_status status = sinter_runtime_create(&options, &runtime);
    if (status == SINTER_OK) status = sni_costs_probe(runtime, &runtime->costs);
    if (status == SINTER_OK && runtime->tuning_dir != NULL)
        status = sni_costs_keep(runtime->caps, runtime->tuning_dir, &runtime->costs);
    if (status == SINTER_OK)
        printf("costs: %.2f us for a launch, %.1f GB/s of memory, %.1f f32 Gop/s%s\n", runtime->costs.launch_ns / 1e3,
               runtime->costs.bytes_per_ns, runtime->costs.f32_ops_per_ns,
               runtime->tuning_dir != NULL ? "; kept for later plans" : "");
    sinter_runtime_release(runtime);
    return status == SINTER_OK ? TOOL_DONE : tool_fail(status, "doctor");
}

int tool_doctor(int argc, char **argv) {
    const char *selection = NULL;
    const tool_option options[] = {{"--device", TOOL_OPTION_TEXT, &selection}, {NULL}};
    int code = tool_options_parse(argc, argv, options, NULL);
    if (code != TOOL_DONE) return code;
    doctor d = {.device = NULL};
    sinter_status status = sni_device_open(selection, &d.device);
    if (status != SINTER_OK) return tool_fail(status, "doctor");
    d.caps = &d.device->caps;
    status = sni_kernel_cache_create(d.device, "", 0, &d.cache);
    if (status == SINTER_OK) status = sni_pool_create(d.device, 0, &d.pool);
    if (status == SINTER_OK) {
        print_device(d.caps);
        code = run_checks(&d);
    } else {
        code = tool_fail(status, "doctor");
    }
    if (d.pool) sni_pool_release(d.pool);
    sni_kernel_cache_release(d.cache);
    sni_device_release(d.device);
    if (code == TOOL_DONE) code = probe_costs(selection);
    return code;
}
