/* `sinter bench`: times plans side by side with a peer in the same run.
 *
 * A case and its peer run in turn, several times; what is printed are medians and the ratio of the two. Memory-bound
 * cases are compared in bytes per second (bytes that a plan must move: every operand read, every result written once). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sinter/opencl.h>

#include "bench.h"
#include "command.h"
#include "options.h"
#include "progress.h"

#define ROUNDS 15
#define LAUNCH_SUITE "launch"

typedef struct bench {
    sinter_runtime *runtime;
    sinter_device_info info;
    bool gpu;
    json_t *results;
} bench;

typedef struct timing {
    double seconds, peer_seconds;
    double bytes, peer_bytes, flops;
    uint64_t launches;
    double clblast_seconds; /* negative: not there */
} timing;

enum { CLBLAST_ROUNDS = 5 /* it may be much slower than the rest */ };

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static float *random_floats(size_t count) {
    float *data = malloc(count * sizeof *data + 1);
    uint32_t state = 12345;
    for (size_t i = 0; data && i < count; ++i) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
    }
    return data;
}

/* Bits of small numbers around 1 in any dtype. */
static sinter_status fill(sinter_buffer *buffer, sinter_dtype dtype, const float *data) {
    size_t bytes = sinter_buffer_size(buffer);
    if (dtype == SINTER_F32) return sinter_buffer_write(buffer, 0, data, bytes);
    uint16_t *half = malloc(bytes + 1);
    if (!half) return SINTER_OUT_OF_MEMORY;
    for (size_t i = 0; i < bytes / 2; ++i) {
        uint32_t bits;
        memcpy(&bits, &data[i % 65536], 4);
        half[i] = dtype == SINTER_BF16 ? (uint16_t)(bits >> 16) : (uint16_t)(0x3800 + (bits & 0x3ff));
    }
    sinter_status status = sinter_buffer_write(buffer, 0, half, bytes);
    free(half);
    return status;
}

static double device_copy(const bench *b, sinter_buffer *from, sinter_buffer *to, size_t bytes) {
    cl_command_queue queue = sinter_runtime_cl_queue(b->runtime);
    clFinish(queue);
    double start = bench_now();
    if (clEnqueueCopyBuffer(queue, sinter_buffer_cl_mem(from), sinter_buffer_cl_mem(to), 0, 0, bytes, 0, NULL, NULL))
        return -1;
    clFinish(queue);
    return bench_now() - start;
}

enum { MAX_PORTS = BENCH_MAX_INPUTS + BENCH_MAX_OUTPUTS };

/* A plan with memory for what it reads and writes. */
typedef struct bound_plan {
    sinter_graph *graph;
    sinter_plan *plan;
    sinter_binding bindings[MAX_PORTS];
    sinter_buffer *buffers[MAX_PORTS];
    size_t count;
} bound_plan;

typedef struct prepared {
    bound_plan own, unfused;
    sinter_buffer *copy[2];
    size_t copy_bytes;
    bench_work work;
} prepared;

static void bound_plan_deinit(bound_plan *p) {
    for (int i = 0; i < MAX_PORTS; ++i) sinter_buffer_release(p->buffers[i]);
    sinter_plan_release(p->plan);
    sinter_graph_release(p->graph);
}

static void prepared_deinit(prepared *p) {
    bound_plan_deinit(&p->own);
    bound_plan_deinit(&p->unfused);
    for (int i = 0; i < 2; ++i) sinter_buffer_release(p->copy[i]);
    free(p->work.a);
    free(p->work.b);
    free(p->work.c);
}

static sinter_status bind(bench *b, const bench_case *c, bound_plan *p, const char *name, sinter_shape shape,
                          const float *data) {
    size_t bytes = sinter_dtype_size(c->dtype);
    for (int d = 0; d < shape.rank; ++d) bytes *= (size_t)shape.dims[d];
    sinter_status status = sinter_buffer_create(b->runtime, bytes, &p->buffers[p->count]);
    if (status == SINTER_OK && data) status = fill(p->buffers[p->count], c->dtype, data);
    p->bindings[p->count] = (sinter_binding){name, c->dtype, shape, NULL, 0, p->buffers[p->count]};
    ++p->count;
    return status;
}

static sinter_status bind_plan(bench *b, const bench_case *c, bound_plan *p, const float *data,
                               int (*build)(sinter_graph *, const bench_case *)) {
    sinter_status status = sinter_graph_create(&p->graph);
    if (status != SINTER_OK) return status;
    size_t inputs = (size_t)build(p->graph, c), outputs = sinter_graph_output_count(p->graph);
    status = sinter_plan_compile(b->runtime, p->graph, NULL, &p->plan);
    for (size_t i = 0; i < inputs && status == SINTER_OK; ++i)
        status = bind(b, c, p, sinter_graph_input_name(p->graph, i), bench_input_shape(p->graph, c, i), data);
    for (size_t o = 0; o < outputs && status == SINTER_OK; ++o) {
        const char *name = sinter_graph_output_name(p->graph, o);
        sinter_shape shape;
        status = sinter_plan_output_shape(p->plan, p->bindings, inputs, name, &shape);
        if (status == SINTER_OK) status = bind(b, c, p, name, shape, NULL);
    }
    return status;
}

static sinter_status prepare(bench *b, const bench_case *c, prepared *p) {
    int64_t k = c->k ? c->k : c->heads ? c->heads : 1;
    size_t most = (size_t)(c->m * c->n);
    if ((size_t)(c->m * k) > most) most = (size_t)(c->m * k);
    if ((size_t)(k * c->n) > most) most = (size_t)(k * c->n);
    if (c->heads) most = (size_t)(c->heads * c->m * c->n);
    if (most < 65536) most = 65536;
    p->work = (bench_work){c->m, c->n, c->k, random_floats(most), random_floats(most), random_floats(most)};
    if (!p->work.a || !p->work.b || !p->work.c) return SINTER_OUT_OF_MEMORY;
    sinter_status status = bind_plan(b, c, &p->own, p->work.a, c->build);
    if (status == SINTER_OK && c->build_unfused) status = bind_plan(b, c, &p->unfused, p->work.a, c->build_unfused);
    p->copy_bytes = (size_t)(c->m * c->n) * sinter_dtype_size(c->dtype);
    for (int i = 0; i < 2 && b->gpu && status == SINTER_OK; ++i)
        status = sinter_buffer_create(b->runtime, p->copy_bytes, &p->copy[i]);
    return status;
}

/* Seconds of a run; negative when it fails. */
static double run_plan(bound_plan *p, sinter_status *status) {
    double start = bench_now();
    *status = sinter_plan_run(p->plan, p->bindings, p->count);
    return *status == SINTER_OK ? bench_now() - start : -1;
}

static double run_peer(bench *b, bench_peer which, prepared *p, sinter_status *status) {
    if (which == PEER_UNFUSED) return run_plan(&p->unfused, status);
    if (which == PEER_DEVICE_COPY) return device_copy(b, p->copy[0], p->copy[1], p->copy_bytes);
    return bench_peer_run(which, &p->work);
}

static sinter_status measure(bench *b, const bench_case *c, prepared *p, timing *t) {
    double own[ROUNDS], peer[ROUNDS], clblast[CLBLAST_ROUNDS];
    bench_peer which = b->gpu ? c->gpu_peer : c->cpu_peer;
    sinter_buffer **buffers = p->own.buffers;
    sinter_status status;
    (void)run_plan(&p->own, &status);
    if (status == SINTER_OK) (void)run_peer(b, which, p, &status);
    (void)bench_clblast_run(c, buffers[0], buffers[1], buffers[2]); /* it compiles at its first call */
    for (int i = 0; i < ROUNDS && status == SINTER_OK; ++i) {
        peer[i] = run_peer(b, which, p, &status);
        if (status == SINTER_OK) own[i] = run_plan(&p->own, &status);
        if (i < CLBLAST_ROUNDS) clblast[i] = bench_clblast_run(c, buffers[0], buffers[1], buffers[2]);
    }
    if (status != SINTER_OK) return status;
    sinter_plan_stats stats;
    sinter_plan_get_stats(p->own.plan, &stats);
    t->seconds = median(own, ROUNDS);
    t->peer_seconds = median(peer, ROUNDS);
    t->clblast_seconds = median(clblast, CLBLAST_ROUNDS);
    t->bytes = (double)stats.bytes_moved;
    t->launches = stats.launches;
    t->flops = bench_flops(c);
    double elements = (double)c->m * (double)c->n;
    t->peer_bytes = which == PEER_OPENMP_ADD ? 12 * elements
                    : which == PEER_MEMCPY   ? 8 * elements
                                             : 2.0 * (double)p->copy_bytes;
    return SINTER_OK;
}

static void report(bench *b, const bench_case *c, const timing *t) {
    bench_peer which = b->gpu ? c->gpu_peer : c->cpu_peer;
    bool gemm = t->flops > 0, peer = t->peer_seconds > 0 && !(gemm && which == PEER_DEVICE_COPY);
    double rate = (gemm ? t->flops : t->bytes) / t->seconds / 1e9;
    double peer_rate = peer ? (gemm ? t->flops : t->peer_bytes) / t->peer_seconds / 1e9 : 0;
    const char *unit = gemm ? "GFLOP/s" : "GB/s";
    tool_progress_hide();
    printf("%-26s %10.3f ms %9.1f %-7s", c->name, t->seconds * 1e3, rate, unit);
    if (peer) printf("  %-14s %9.1f %-7s  ratio %.2f", bench_peer_name(which), peer_rate, unit, rate / peer_rate);
    double clblast_rate = t->clblast_seconds > 0 ? t->flops / t->clblast_seconds / 1e9 : 0;
    if (clblast_rate > 0) printf("  CLBlast %9.1f  ratio %.2f", clblast_rate, rate / clblast_rate);
    printf("\n");
    fflush(stdout);
    json_t *row = json_pack("{s:s, s:s, s:f, s:f, s:s, s:I}", "suite", c->suite, "name", c->name, "ms",
                            t->seconds * 1e3, "rate", rate, "unit", unit, "launches", (json_int_t)t->launches);
    if (peer) {
        json_object_set_new(row, "peer", json_string(bench_peer_name(which)));
        json_object_set_new(row, "peer_rate", json_real(peer_rate));
        json_object_set_new(row, "ratio", json_real(rate / peer_rate));
    }
    if (clblast_rate > 0) json_object_set_new(row, "clblast_rate", json_real(clblast_rate));
    json_array_append_new(b->results, row);
}

static sinter_status run_case(bench *b, const bench_case *c) {
    prepared p = {0};
    timing t = {0};
    sinter_status status = prepare(b, c, &p);
    if (status == SINTER_OK) status = measure(b, c, &p, &t);
    if (status == SINTER_OK) report(b, c, &t);
    prepared_deinit(&p);
    sinter_runtime_trim(b->runtime, 0);
    return status;
}

/* Costs: below 1 is better than the driver's enqueue. */
static void report_launch(bench *b, const char *name, double seconds, double raw_seconds) {
    tool_progress_hide();
    printf("%-26s %10.3f us %19s raw enqueue    %9.3f us       ratio %.2f\n", name, seconds * 1e6, "",
           raw_seconds * 1e6, seconds / raw_seconds);
    json_array_append_new(b->results,
                          json_pack("{s:s, s:s, s:f, s:s, s:f, s:s, s:f}", "suite", LAUNCH_SUITE, "name", name, "rate",
                                    seconds * 1e6, "unit", "us", "peer_rate", raw_seconds * 1e6, "peer", "raw enqueue",
                                    "ratio", seconds / raw_seconds));
}

static sinter_status run_launches(bench *b) {
    bench_launch t;
    sinter_status status = bench_launch_run(b->runtime, &t);
    if (status != SINTER_OK) return status;
    report_launch(b, "launch of a small kernel", t.launch_seconds, t.raw_seconds);
    report_launch(b, "run of one small kernel", t.plan_seconds, t.raw_seconds);
    return SINTER_OK;
}

static bool launches_chosen(const tool_list *suites) {
    bool found = suites->count == 0;
    for (size_t i = 0; i < suites->count; ++i) found |= strcmp(suites->items[i], LAUNCH_SUITE) == 0;
    return found;
}

static bool chosen(const bench *b, const bench_case *c, const tool_list *suites) {
    size_t length = strlen(c->suite);
    bool large = length > 6 && strcmp(c->suite + length - 6, "-large") == 0;
    if (suites->count == 0) return !large || b->gpu;
    for (size_t i = 0; i < suites->count; ++i)
        if (strcmp(suites->items[i], c->suite) == 0) return true;
    return false;
}

static int known_suites(const tool_list *suites) {
    for (size_t i = 0; i < suites->count; ++i) {
        bool known = strcmp(suites->items[i], LAUNCH_SUITE) == 0;
        for (size_t k = 0; k < bench_case_count; ++k) known |= strcmp(suites->items[i], bench_cases[k].suite) == 0;
        if (!known)
            return tool_usage("no suite '%s'; there are launch, elementwise, rows, scan, gemm, attention, and each but "
                              "launch with -large",
                              suites->items[i]);
    }
    return TOOL_DONE;
}

static int run_all(bench *b, const tool_list *suites) {
    cl_device_type type = 0;
    clGetDeviceInfo(sinter_runtime_cl_device(b->runtime), CL_DEVICE_TYPE, sizeof type, &type, NULL);
    b->gpu = !(type & CL_DEVICE_TYPE_CPU);
    size_t total = 0, done = 0;
    for (size_t i = 0; i < bench_case_count; ++i) total += chosen(b, &bench_cases[i], suites);
    printf("device: %s\n", sinter_runtime_device_name(b->runtime));
    tool_progress_begin("timing");
    sinter_status launched = launches_chosen(suites) ? run_launches(b) : SINTER_OK;
    if (launched != SINTER_OK) return tool_fail(launched, LAUNCH_SUITE);
    for (size_t i = 0; i < bench_case_count; ++i) {
        if (!chosen(b, &bench_cases[i], suites)) continue;
        tool_progress_step(done++, total, bench_cases[i].name);
        sinter_status status = run_case(b, &bench_cases[i]);
        if (status != SINTER_OK) return tool_fail(status, bench_cases[i].name);
    }
    return TOOL_DONE;
}

/* The threads of OpenMP and OpenBLAS spin after their work, on cores that what is timed next needs. Both read their settings
 * when they are loaded, so the program starts itself again with them. Returns where that is not possible. */
static void quiet_peers(int argc, char **argv) {
    if (getenv("OMP_WAIT_POLICY")) return;
    char **full = calloc((size_t)argc + 2, sizeof *full);
    if (!full) return;
    full[0] = "sinter";
    memcpy(full + 1, argv, (size_t)argc * sizeof *full);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("OPENBLAS_THREAD_TIMEOUT", "4", 0);
    fflush(stdout);
    execv("/proc/self/exe", full);
    free(full);
}

int tool_bench(int argc, char **argv) {
    quiet_peers(argc, argv);
    const char *device = NULL, *json = NULL;
    tool_list suites = {0};
    const tool_option options[] = {
        {"--device", TOOL_OPTION_TEXT, &device}, {"--json", TOOL_OPTION_TEXT, &json}, {NULL, 0, NULL}};
    int code = tool_options_parse(argc, argv, options, &suites);
    if (code == TOOL_DONE) code = known_suites(&suites);
    bench b = {.results = json_array()};
    sinter_runtime_options runtime = SINTER_RUNTIME_OPTIONS_INIT;
    runtime.device = device;
    if (code == TOOL_DONE) {
        sinter_status status = sinter_runtime_create(&runtime, &b.runtime);
        code = status == SINTER_OK ? run_all(&b, &suites) : tool_fail(status, NULL);
    }
    if (code == TOOL_DONE && json && json_dump_file(b.results, json, JSON_INDENT(1))) {
        fprintf(stderr, "sinter: %s cannot be written\n", json);
        code = TOOL_FAILED;
    }
    json_decref(b.results);
    sinter_runtime_release(b.runtime);
    tool_list_deinit(&suites);
    return code;
}
