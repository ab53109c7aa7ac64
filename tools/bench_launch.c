/* What it costs the host to launch a small kernel, or to run a small plan, beside the driver's own enqueue of that kernel. */
#include <CL/cl.h>
#include <sinter/opencl.h>

#include "bench.h"

enum { LAUNCHES = 2000, ROUNDS = 9, ITEMS = 256 };

static const char SOURCE[] = "__kernel void twice(__global float *x, float a) { x[get_global_id(0)] *= a; }\n";

typedef struct launch_work {
    sinter_runtime *runtime;
    sinter_kernel *kernel;
    sinter_plan *plan;
    sinter_buffer *x, *y;
    cl_program program;
    cl_kernel raw;
} launch_work;

static sinter_status make_plan(launch_work *w) {
    sinter_graph *graph;
    sinter_status status = sinter_graph_create(&graph);
    if (status != SINTER_OK) return status;
    sinter_value x = sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(ITEMS));
    sinter_output(graph, "y", sinter_add(graph, x, x));
    status = sinter_plan_compile(w->runtime, graph, NULL, &w->plan);
    sinter_graph_release(graph);
    return status;
}

/* The driver's kernel, with arguments that are set once. */
static sinter_status make_raw(launch_work *w) {
    const char *source = SOURCE;
    cl_device_id device = sinter_runtime_cl_device(w->runtime);
    cl_mem x = sinter_buffer_cl_mem(w->x);
    float a = 1;
    w->program = clCreateProgramWithSource(sinter_runtime_cl_context(w->runtime), 1, &source, NULL, NULL);
    if (!w->program || clBuildProgram(w->program, 1, &device, "", NULL, NULL)) return SINTER_BUILD;
    w->raw = clCreateKernel(w->program, "twice", NULL);
    bool set = w->raw && !clSetKernelArg(w->raw, 0, sizeof x, &x) && !clSetKernelArg(w->raw, 1, sizeof a, &a);
    return set ? SINTER_OK : SINTER_BUILD;
}

static double time_raw(const launch_work *w) {
    cl_command_queue queue = sinter_runtime_cl_queue(w->runtime);
    size_t items = ITEMS, group = 64;
    double start = bench_now();
    for (int i = 0; i < LAUNCHES; ++i)
        if (clEnqueueNDRangeKernel(queue, w->raw, 1, NULL, &items, &group, 0, NULL, NULL)) return -1;
    clFinish(queue);
    return (bench_now() - start) / LAUNCHES;
}

static double time_launch(const launch_work *w) {
    float a = 1;
    const sinter_arg args[] = {SINTER_BUFFER(w->x), SINTER_SCALAR_OF(a)};
    const sinter_grid grid = {1, {ITEMS}, {64}};
    double start = bench_now();
    for (int i = 0; i < LAUNCHES; ++i)
        if (sinter_kernel_launch_async(w->kernel, &grid, args, 2, NULL, NULL) != SINTER_OK) return -1;
    if (sinter_queue_finish(w->runtime, NULL) != SINTER_OK) return -1;
    return (bench_now() - start) / LAUNCHES;
}

static double time_plan(const launch_work *w) {
    sinter_binding io[] = {SINTER_BIND_BUFFER("x", SINTER_F32, SINTER_SHAPE(ITEMS), w->x, 0),
                           SINTER_BIND_BUFFER("y", SINTER_F32, SINTER_SCALAR, w->y, 0)};
    double start = bench_now();
    for (int i = 0; i < LAUNCHES; ++i)
        if (sinter_plan_enqueue(w->plan, io, 2, NULL, NULL) != SINTER_OK) return -1;
    if (sinter_queue_finish(w->runtime, NULL) != SINTER_OK) return -1;
    return (bench_now() - start) / LAUNCHES;
}

static double least(double (*time)(const launch_work *), const launch_work *w, double best) {
    double seconds = time(w);
    return seconds > 0 && (best < 0 || seconds < best) ? seconds : best;
}

sinter_status bench_launch_run(sinter_runtime *runtime, bench_launch *out) {
    launch_work w = {.runtime = runtime};
    sinter_kernel_source source = {SOURCE, "twice", NULL, NULL};
    sinter_status status = sinter_buffer_create(runtime, ITEMS * sizeof(float), &w.x);
    if (status == SINTER_OK) status = sinter_buffer_create(runtime, ITEMS * sizeof(float), &w.y);
    if (status == SINTER_OK) status = sinter_buffer_fill(w.x, 0, ITEMS * sizeof(float), &(float){1}, sizeof(float));
    if (status == SINTER_OK) status = sinter_kernel_create(runtime, &source, &w.kernel);
    if (status == SINTER_OK) status = make_plan(&w);
    if (status == SINTER_OK) status = make_raw(&w);
    out->raw_seconds = out->launch_seconds = out->plan_seconds = -1;
    /* The least of several rounds, one after the other: on a busy machine everything else is noise. */
    for (int i = 0; i < ROUNDS && status == SINTER_OK; ++i) {
        out->raw_seconds = least(time_raw, &w, out->raw_seconds);
        out->launch_seconds = least(time_launch, &w, out->launch_seconds);
        out->plan_seconds = least(time_plan, &w, out->plan_seconds);
    }
    if (w.raw) clReleaseKernel(w.raw);
    if (w.program) clReleaseProgram(w.program);
    sinter_kernel_release(w.kernel);
    sinter_plan_release(w.plan);
    sinter_buffer_release(w.x);
    sinter_buffer_release(w.y);
    return status;
}
