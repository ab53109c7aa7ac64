/* Memory and arithmetic are what a device's own plans reach (plan/roofline.h); a launch is the time by which a queue of many
 * small kernels grows with one more. */
#include "tune/probe.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "plan/roofline.h"

enum { LAUNCHES = 200, ROUNDS = 7 };

static sinter_status time_launches(sinter_runtime *runtime, sni_launch *launch, int count, double *out_ns) {
    size_t global = 1, local = 1;
    *out_ns = 0;
    for (int round = 0; round < ROUNDS; ++round) {
        int64_t start = sni_time_ns();
        for (int i = 0; i < count; ++i) SNI_TRY(sni_launch_enqueue(launch, 1, &global, &local, false, NULL));
        SNI_TRY(sni_queue_finish(runtime->device));
        double ns = (double)(sni_time_ns() - start);
        if (round > 0 && (*out_ns == 0 || ns < *out_ns)) *out_ns = ns; /* the first one compiles, on some devices */
    }
    return SINTER_OK;
}

/* The shortest of several queues of 2 N launches, less the shortest of N: what a queue costs as a whole is in neither. On a
 * machine so busy that the longer queue was the faster one, a share of the whole. */
static sinter_status probe_launch(sinter_runtime *runtime, sni_launch *launch, sni_mem *mem, sni_costs *costs) {
    double few, many;
    SNI_TRY(sni_launch_set_mem(launch, 0, mem));
    SNI_TRY(time_launches(runtime, launch, LAUNCHES, &few));
    SNI_TRY(time_launches(runtime, launch, 2 * LAUNCHES, &many));
    costs->launch_ns = many > few ? (many - few) / LAUNCHES : many / (2 * LAUNCHES);
    return SINTER_OK;
}

static sinter_status measure_launch(sinter_runtime *runtime, sni_costs *costs) {
    static const sni_program_source source = {
        .text = "__kernel void count(__global int *b) { b[0] = b[0] + 1; }\n", .entry = "count", .file = "probe"};
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    sni_mem *mem = NULL;
    sinter_status status = sni_program_build(runtime->cache, &source, &program);
    if (status == SINTER_OK) status = sni_launch_create(program, &launch);
    if (status == SINTER_OK) status = sni_mem_acquire(runtime->pool, sizeof(int), &mem);
    if (status == SINTER_OK) status = sni_mem_fill(mem, 0);
    if (status == SINTER_OK) status = probe_launch(runtime, launch, mem, costs);
    sni_mem_release(mem);
    sni_launch_release(launch);
    sni_program_release(program);
    return status;
}

sinter_status sni_costs_probe(sinter_runtime *runtime, sni_costs *costs) {
    sni_roofline roofline;
    SNI_TRY(measure_launch(runtime, costs));
    sni_roofline_measure(runtime, &roofline);
    if (roofline.bytes_per_ns > 0) costs->bytes_per_ns = roofline.bytes_per_ns;
    if (roofline.operations_per_ns > 0) costs->f32_ops_per_ns = roofline.operations_per_ns;
    return SINTER_OK;
}
