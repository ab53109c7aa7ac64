/* Memory, kernels and times of one loop program. */
#include "tune/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

/* ---- Memory ----------------------------------------------------------------------------------- */

enum { PATTERN = 65521 /* elements; prime, so that rows do not repeat */ };

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* A pattern of elements of a dtype, repeated over the buffer. */
static sinter_status fill(sni_mem *mem, sinter_dtype dtype, uint64_t bytes, uint64_t seed) {
    size_t width = sinter_dtype_size(dtype), block = PATTERN * width;
    char *pattern = sni_malloc(block);
    if (pattern == NULL) return sni_out_of_memory("a measurement");
    for (int64_t i = 0; i < PATTERN; ++i) {
        uint64_t random = next_random(&seed);
        sni_dtype_store(dtype, pattern, i, (double)(random & 0xffff) / 32768 - 1, (int64_t)(random >> 8 & 1));
    }
    sinter_status status = SINTER_OK;
    for (uint64_t at = 0; at < bytes && status == SINTER_OK; at += block)
        status = sni_mem_write(mem, (size_t)at, pattern, (size_t)(bytes - at < block ? bytes - at : block), true);
    sni_free(pattern);
    return status;
}

static sinter_status evaluate(const sni_bench *bench, sni_expr e, int64_t *out) {
    return sni_sym_eval(bench->loop.sym, e, &bench->bindings, out);
}

/* Sizes of buffers, and whether the plan would take 64-bit indices for them. */
static sinter_status find_sizes(sni_bench *bench) {
    const sni_loop *loop = &bench->loop;
    int64_t n, points = 1;
    uint64_t all = 0;
    for (int b = 0; b < loop->buffer_count; ++b) {
        SNI_TRY(evaluate(bench, loop->buffers[b].count, &n));
        bench->sizes[b] = (uint64_t)n * sinter_dtype_size(loop->buffers[b].dtype);
        all += bench->sizes[b];
        bench->wide |= n > INT32_MAX / 2;
    }
    bench->terms = 1;
    for (int a = 0; a < loop->axis_count; ++a) {
        SNI_TRY(evaluate(bench, loop->extents[a], &n));
        if (loop->inner >> a & 1u)
            bench->terms *= (double)n;
        else if (!sni_mul_i64(points, n, &points))
            return sni_fail(SINTER_SHAPE, "a kernel would have more than 2^63 iterations");
    }
    bench->wide |= points > INT32_MAX / 2;
    if (all <= bench->runtime->caps->global_bytes / 2) return SINTER_OK;
    return sni_fail(SINTER_UNSUPPORTED, "the program's buffers take more than half of the device's memory");
}

static sinter_status acquire(sni_bench *bench) {
    for (int b = 0; b < bench->loop.buffer_count; ++b) {
        const sni_loop_buffer *buffer = &bench->loop.buffers[b];
        SNI_TRY(sni_mem_acquire(bench->runtime->pool, (size_t)bench->sizes[b], &bench->mems[b]));
        if (!buffer->is_output) SNI_TRY(fill(bench->mems[b], buffer->dtype, bench->sizes[b], (uint64_t)b + 1));
    }
    return SINTER_OK;
}

sinter_status sni_bench_init(sni_bench *bench, sinter_runtime *runtime, const sni_loop *loop,
                             const sni_bindings *bindings) {
    size_t room = (size_t)loop->buffer_count + 1;
    *bench = (sni_bench){.runtime = sni_runtime_retain(runtime), .loop = *loop, .bindings = *bindings};
    bench->loop.sym = sni_sym_clone(loop->sym);
    /* Made-up data stands for constants, too, so kernels read them as they are. */
    bench->loop.buffers = sni_calloc(room, sizeof *bench->loop.buffers);
    for (int b = 0; bench->loop.buffers != NULL && b < loop->buffer_count; ++b) {
        bench->loop.buffers[b] = loop->buffers[b];
        bench->loop.buffers[b].is_constant = false;
    }
    bench->mems = sni_calloc(room, sizeof *bench->mems);
    bench->sizes = sni_calloc(room, sizeof *bench->sizes);
    bench->expected = sni_calloc(room, sizeof *bench->expected);
    if (bench->loop.sym == NULL || bench->loop.buffers == NULL || bench->mems == NULL || bench->sizes == NULL ||
        bench->expected == NULL)
        return sni_out_of_memory("a measurement");
    SNI_TRY(find_sizes(bench));
    return acquire(bench);
}

void sni_bench_deinit(sni_bench *bench) {
    for (int b = 0; b < bench->loop.buffer_count; ++b) {
        if (bench->mems != NULL) sni_mem_release(bench->mems[b]);
        if (bench->expected != NULL) sni_free(bench->expected[b]);
    }
    sni_free(bench->loop.buffers);
    sni_free(bench->mems);
    sni_free(bench->sizes);
    sni_free(bench->expected);
    sni_sym_release(bench->loop.sym);
    sinter_runtime_release(bench->runtime);
    *bench = (sni_bench){.runtime = NULL};
}

/* ---- Kernels ---------------------------------------------------------------------------------- */

static sinter_status set_index(sni_launch *launch, int number, int64_t value, bool wide) {
    int32_t narrow = (int32_t)value;
    if (wide) return sni_launch_set_scalar(launch, number, &value, sizeof value);
    if (value != narrow)
        return sni_fail(SINTER_UNSUPPORTED,
                        "a size or offset of this kernel is %lld, and tuning measures kernels with 32-bit indices (to "
                        "2147483647): give smaller sizes with --dim",
                        (long long)value);
    return sni_launch_set_scalar(launch, number, &narrow, sizeof narrow);
}

static sinter_status set_argument(const sni_bench *bench, sni_bench_kernel *k, int number) {
    static const uint64_t start = 0;
    const sni_karg *arg = &k->spec->args[number];
    int64_t value;
    switch (arg->kind) {
    case SNI_KARG_BUFFER:
        return sni_launch_set_mem(k->launch, number, bench->mems[arg->buffer]);
    case SNI_KARG_OFFSET:
        return sni_launch_set_scalar(k->launch, number, &start, sizeof start);
    case SNI_KARG_LOCAL:
        return sni_launch_set_local(k->launch, number, arg->local_bytes);
    case SNI_KARG_INDEX:
        break;
    }
    SNI_TRY(evaluate(bench, arg->expr, &value));
    return set_index(k->launch, number, value, bench->wide);
}

static sinter_status build(sni_bench *bench, sni_bench_kernel *k) {
    sni_str options = SNI_STR_INIT;
    if (k->spec->options != NULL) sni_str_printf(&options, "%s ", k->spec->options);
    if (bench->wide) sni_str_append(&options, "-DSN_IDX64");
    sni_program_source source = {k->spec->source, k->spec->entry, sni_str_text(&options), k->spec->strategy};
    sinter_status status = options.failed ? sni_out_of_memory("a kernel's options")
                                          : sni_program_build(bench->runtime->cache, &source, &k->program);
    sni_str_deinit(&options);
    if (status == SINTER_OK) status = sni_launch_create(k->program, &k->launch);
    return status;
}

static sinter_status set_geometry(const sni_bench *bench, sni_bench_kernel *k) {
    size_t items = 1;
    for (int d = 0; d < k->spec->dims; ++d) {
        int64_t value;
        SNI_TRY(evaluate(bench, k->spec->global[d], &value));
        k->global[d] = value > 0 ? (size_t)value : 0;
        if (k->spec->local[d] > 0) items *= k->spec->local[d];
    }
    if (items <= sni_launch_max_work_group(k->launch)) return SINTER_OK;
    return sni_fail(SINTER_UNSUPPORTED, "the kernel needs work-groups of %zu, the device runs it with %zu", items,
                    sni_launch_max_work_group(k->launch));
}

/* A library's function gets the numbers and the memory in the order of the arguments. */
static sinter_status set_call(const sni_bench *bench, sni_bench_kernel *k) {
    k->call = sni_arena_alloc(k->arena, (size_t)(k->spec->arg_count + 1) * sizeof *k->call);
    if (k->call == NULL) return sni_out_of_memory("a kernel");
    for (int a = 0; a < k->spec->arg_count; ++a) {
        const sni_karg *arg = &k->spec->args[a];
        if (arg->kind == SNI_KARG_OFFSET) continue;
        sni_library_arg *out = &k->call[k->call_count++];
        if (arg->kind == SNI_KARG_BUFFER)
            out->mem = bench->mems[arg->buffer];
        else
            SNI_TRY(evaluate(bench, arg->expr, &out->number));
    }
    return SINTER_OK;
}

sinter_status sni_bench_enqueue(sni_bench *bench, sni_bench_kernel *k) {
    const sni_library *library = k->spec->library;
    if (library != NULL) return library->enqueue(library, bench->runtime->device, k->call, k->call_count);
    return sni_launch_enqueue(k->launch, k->spec->dims, k->global, k->spec->local[0] > 0 ? k->spec->local : NULL, false,
                              NULL);
}

sinter_status sni_bench_kernel_init(sni_bench_kernel *k, sni_bench *bench, const sni_schedule *schedule) {
    *k = (sni_bench_kernel){.arena = sni_arena_create()};
    k->spec = k->arena != NULL ? sni_arena_alloc(k->arena, sizeof *k->spec) : NULL;
    if (k->spec == NULL) return sni_out_of_memory("a kernel");
    const sni_caps *caps = bench->runtime->caps;
    SNI_TRY(schedule != NULL ? sni_codegen_as(&bench->loop, caps, schedule, k->arena, k->spec)
                             : sni_codegen(&bench->loop, caps, NULL, k->arena, k->spec));
    if (k->spec->library != NULL) return set_call(bench, k);
    SNI_TRY(build(bench, k));
    SNI_TRY(set_geometry(bench, k));
    for (int a = 0; a < k->spec->arg_count; ++a) SNI_TRY(set_argument(bench, k, a));
    return SINTER_OK;
}

void sni_bench_kernel_deinit(sni_bench_kernel *k) {
    sni_launch_release(k->launch);
    sni_program_release(k->program);
    sni_arena_release(k->arena);
    *k = (sni_bench_kernel){.arena = NULL};
}

/* ---- Times ------------------------------------------------------------------------------------ */

static sinter_status run(sni_bench *bench, sni_bench_kernel *k, int times, int64_t *out_ns) {
    int64_t start = sni_time_ns();
    for (int i = 0; i < times; ++i) SNI_TRY(sni_bench_enqueue(bench, k));
    SNI_TRY(sni_queue_finish(bench->runtime->device));
    *out_ns = (sni_time_ns() - start) / times;
    return SINTER_OK;
}

enum { MOST_BATCHES = 25, MOST_TIMES = 1000 };
#define BATCH_NS ((int64_t)2000000) /* long beside the wait at its end */

/* Drivers specialise and place memory at the first launch; the second one tells how many make a batch. */
static sinter_status size_batch(sni_bench *bench, sni_bench_kernel *k, int64_t *out_ns, int *out_times) {
    SNI_TRY(run(bench, k, 1, out_ns));
    SNI_TRY(run(bench, k, 1, out_ns));
    int64_t times = *out_ns > 0 ? BATCH_NS / *out_ns : MOST_TIMES;
    *out_times = times < 1 ? 1 : times > MOST_TIMES ? MOST_TIMES : (int)times;
    return SINTER_OK;
}

sinter_status sni_bench_time(sni_bench *bench, sni_bench_kernel *kernel, int64_t budget_ns, int64_t limit_ns,
                             int64_t *out_ns) {
    int times;
    int64_t until = sni_time_ns() + budget_ns, one;
    SNI_TRY(size_batch(bench, kernel, out_ns, &times));
    for (int i = 0; i < MOST_BATCHES && (i < 2 || sni_time_ns() < until); ++i) {
        if (limit_ns > 0 && i > 0 && *out_ns > limit_ns) break;
        SNI_TRY(run(bench, kernel, times, &one));
        if (one < *out_ns) *out_ns = one;
    }
    return SINTER_OK;
}

static int compare_ns(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

sinter_status sni_bench_compare(sni_bench *bench, sni_bench_kernel *a, sni_bench_kernel *b, int64_t budget_ns,
                                int64_t *out_a_ns, int64_t *out_b_ns) {
    int64_t of_a[MOST_BATCHES], of_b[MOST_BATCHES], until = sni_time_ns() + budget_ns;
    int times_a, times_b, count = 0;
    SNI_TRY(size_batch(bench, a, out_a_ns, &times_a));
    SNI_TRY(size_batch(bench, b, out_b_ns, &times_b));
    for (; count < MOST_BATCHES && (count < 5 || sni_time_ns() < until); ++count) {
        SNI_TRY(run(bench, a, times_a, &of_a[count]));
        SNI_TRY(run(bench, b, times_b, &of_b[count]));
    }
    qsort(of_a, (size_t)count, sizeof *of_a, compare_ns);
    qsort(of_b, (size_t)count, sizeof *of_b, compare_ns);
    *out_a_ns = of_a[count / 2];
    *out_b_ns = of_b[count / 2];
    return SINTER_OK;
}
