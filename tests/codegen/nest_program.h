/* Graphs as one loop program each, run with a strategy that is called by name and compared with the reference. */
#ifndef SINTER_TESTS_NEST_PROGRAM_H
#define SINTER_TESTS_NEST_PROGRAM_H

#include <math.h>

#include <sinter/sinter.h>

#include "codegen/strategies.h"
#include "device_run.h"
#include "graph/reference.h"
#include "rewrite/pass.h"

enum { NEST_PORTS = 8, NEST_DIMS = 16 };

typedef struct nest_run {
    const sinter_graph *graph; /* as the test described it */
    sinter_graph *rewritten;
    sni_arena *arena;
    sni_loop *loop;
    sni_ref_tensor *in[NEST_PORTS], *out[NEST_PORTS];
    int64_t dims[NEST_DIMS], values[NEST_DIMS];
    sni_bindings bindings;
    uint64_t random;
} nest_run;

static inline bool nest_any(void *context, const sni_loop *loop, const char **why) {
    (void)context, (void)loop, (void)why;
    return true;
}

static inline double nest_uniform(nest_run *r) {
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (double)(r->random >> 11) / 9007199254740992.0;
}

/* All nodes of the graph in one program. */
static inline void nest_build(nest_run *r, const sinter_graph *graph) {
    *r = (nest_run){.graph = graph, .random = 0x2545f4914f6cdd1dull};
    r->arena = sni_arena_create();
    must(sinter_graph_status(graph));
    must(sni_rewrite_all(graph, &r->rewritten));
    bool *members = sni_arena_alloc(r->arena, r->rewritten->node_count + 1);
    uint32_t outputs[NEST_PORTS];
    for (size_t n = 0; n < r->rewritten->node_count; ++n) members[n] = true;
    for (size_t o = 0; o < r->rewritten->output_count; ++o) outputs[o] = r->rewritten->outputs[o].value;
    sni_limits limits = {40, 384, nest_any, NULL};
    const char *why = NULL;
    bool built = sni_loop_build(r->rewritten, &(sni_members){members, NULL, 0}, outputs,
                                (int)r->rewritten->output_count, &limits, r->arena, &r->loop, &why);
    ck_assert_msg(built, "%s", why);
    ck_assert(sni_loop_collapse(r->loop, r->arena));
    const char *wrong = sni_loop_verify(r->loop);
    ck_assert_msg(wrong == NULL, "%s", wrong);
}

/* Random inputs of the shapes (in the graph's order), with special values among the first input's where wild. */
static inline void nest_fill(nest_run *r, const sinter_shape *shapes, bool wild) {
    static const double special[] = {INFINITY, -INFINITY, NAN, 1e30, -1e30};
    int64_t dims[NEST_PORTS][SINTER_MAX_RANK];
    int ranks[NEST_PORTS];
    size_t count = sinter_graph_input_count(r->graph), dim_count;
    for (size_t i = 0; i < count; ++i) {
        sinter_dtype dtype = sinter_value_dtype(r->graph, sinter_graph_input_value(r->graph, i));
        must(sni_ref_tensor_create(dtype, shapes[i].rank, shapes[i].dims, &r->in[i]));
        ranks[i] = shapes[i].rank;
        memcpy(dims[i], shapes[i].dims, sizeof dims[i]);
        for (int64_t k = 0; k < r->in[i]->count; ++k) {
            double x = nest_uniform(r) * 4 - 2;
            if (wild && i == 0 && k % 97 == 5) x = special[k / 97 % 5];
            if (r->in[i]->f)
                r->in[i]->f[k] = sni_dtype_round(dtype, x);
            else
                r->in[i]->i[k] = dtype == SINTER_BOOL ? x > -0.5 : (int64_t)(x * 2);
        }
    }
    sni_bindings none = {0, NULL, NULL};
    must(sni_bind_shapes(r->graph, dims, ranks, &none, r->dims, r->values, NEST_DIMS, &dim_count));
    r->bindings = (sni_bindings){dim_count, r->dims, r->values};
    must(sni_reference_run(r->graph, r->in, NULL, true, r->out)); /* kernels round results only */
}

static inline int64_t nest_eval(const nest_run *r, sni_expr e) {
    int64_t value;
    must(sni_sym_eval(r->loop->sym, e, &r->bindings, &value));
    return value;
}

static inline void nest_compare(const nest_run *r, const sni_ref_tensor *want, const void *got, double tolerance,
                                const char *label) {
    double largest = 1;
    for (int64_t i = 0; i < want->count && want->f; ++i)
        if (isfinite(want->f[i]) && fabs(want->f[i]) > largest) largest = fabs(want->f[i]);
    double epsilon = want->dtype == SINTER_F16 ? 2.0 / 1024 : want->dtype == SINTER_BF16 ? 2.0 / 128 : tolerance;
    (void)r;
    for (int64_t i = 0; i < want->count; ++i) {
        double f = 0;
        int64_t n = 0;
        sni_dtype_load(want->dtype, got, i, &f, &n);
        bool same = want->f ? (isnan(want->f[i])   ? isnan(f)
                               : isinf(want->f[i]) ? f == want->f[i]
                                                   : fabs(f - want->f[i]) <= epsilon * largest)
                            : n == want->i[i];
        ck_assert_msg(same, "%s: element %lld of %lld is %.9g, must be %.9g", label, (long long)i,
                      (long long)want->count, want->f ? f : (double)n, want->f ? want->f[i] : (double)want->i[i]);
    }
}

static inline const sni_ref_tensor *nest_port(const nest_run *r, const sni_loop_buffer *buffer) {
    if (buffer->is_output) {
        for (size_t o = 0; o < r->rewritten->output_count; ++o)
            if (r->rewritten->outputs[o].value == buffer->value) return r->out[o];
    } else {
        for (size_t i = 0; i < r->rewritten->input_count; ++i)
            if (r->rewritten->inputs[i].value == buffer->value) return r->in[i];
    }
    return NULL;
}

/* Runs a kernel of the program and compares what it stores. */
static inline void nest_run_kernel(test_device *d, nest_run *r, const sni_kspec *spec, double tolerance,
                                   const char *label) {
    sni_program *program = build_kernel(d, spec->source, spec->entry, spec->options ? spec->options : "");
    sni_launch *launch;
    must(sni_launch_create(program, &launch));
    sni_mem *mems[64] = {NULL};
    size_t bytes[64] = {0};
    for (int b = 0; b < r->loop->buffer_count; ++b) {
        const sni_loop_buffer *buffer = &r->loop->buffers[b];
        const sni_ref_tensor *port = nest_port(r, buffer);
        bytes[b] = (size_t)nest_eval(r, buffer->count) * sinter_dtype_size(buffer->dtype);
        void *host = calloc(bytes[b] + 16, 1);
        const sni_value *v = sni_graph_value(r->rewritten, buffer->value);
        if (v->blob)
            memcpy(host, sni_blob_data(v->blob), bytes[b]);
        else if (!buffer->is_output)
            sni_ref_tensor_store(port, host);
        mems[b] = device_memory(d, buffer->is_output ? NULL : host, bytes[b] + 16, 0xee);
        free(host);
    }
    for (int i = 0; i < spec->arg_count; ++i) {
        const sni_karg *arg = &spec->args[i];
        static const uint64_t start = 0;
        if (arg->kind == SNI_KARG_BUFFER) must(sni_launch_set_mem(launch, i, mems[arg->buffer]));
        if (arg->kind == SNI_KARG_OFFSET) must(sni_launch_set_scalar(launch, i, &start, sizeof start));
        int32_t value = arg->kind == SNI_KARG_INDEX ? (int32_t)nest_eval(r, arg->expr) : 0;
        if (arg->kind == SNI_KARG_INDEX) must(sni_launch_set_scalar(launch, i, &value, sizeof value));
    }
    size_t global[3], items = 1;
    for (int k = 0; k < spec->dims; ++k) items *= global[k] = (size_t)nest_eval(r, spec->global[k]);
    if (items) must(sni_launch_enqueue(launch, spec->dims, global, spec->local[0] ? spec->local : NULL, false, NULL));
    must(sni_queue_finish(d->device));
    for (int b = 0; b < r->loop->buffer_count; ++b) {
        if (r->loop->buffers[b].is_output) {
            void *got = malloc(bytes[b] + 1);
            must(sni_mem_read(mems[b], 0, got, bytes[b], true));
            nest_compare(r, nest_port(r, &r->loop->buffers[b]), got, tolerance, label);
            free(got);
        }
        sni_mem_release(mems[b]);
    }
    sni_launch_release(launch);
    sni_program_release(program);
}

/* Runs the program with a strategy; false when the strategy refuses it. */
static inline bool nest_check(test_device *d, nest_run *r, const sni_caps *caps, const char *strategy, double tolerance,
                              const char *label) {
    sni_kspec *spec = sni_arena_alloc(r->arena, sizeof *spec);
    sinter_status status = sni_codegen(r->loop, caps, strategy, r->arena, spec);
    if (status == SINTER_UNSUPPORTED) return false;
    must(status);
    nest_run_kernel(d, r, spec, tolerance, label);
    return true;
}

/* The same with values for the strategy's parameters ("rows=4 keys=128"); false when the device cannot run them. */
static inline bool nest_check_as(test_device *d, nest_run *r, const sni_caps *caps, const char *strategy,
                                 const char *values, double tolerance) {
    const sni_strategy *s = sni_strategy_find(strategy);
    sni_schedule schedule = {.strategy = strategy};
    sni_kspec *spec = sni_arena_alloc(r->arena, sizeof *spec);
    must(sni_schedule_parse(values, s->params, s->param_count, &schedule));
    sinter_status status = sni_codegen_as(r->loop, caps, &schedule, r->arena, spec);
    if (status == SINTER_UNSUPPORTED) return false;
    must(status);
    nest_run_kernel(d, r, spec, tolerance, values);
    return true;
}

static inline void nest_forget(nest_run *r) {
    for (int i = 0; i < NEST_PORTS; ++i) {
        sni_ref_tensor_release(r->in[i]);
        sni_ref_tensor_release(r->out[i]);
        r->in[i] = r->out[i] = NULL;
    }
}

static inline void nest_release(nest_run *r) {
    nest_forget(r);
    sinter_graph_release(r->rewritten);
    sni_arena_release(r->arena);
}

#endif
