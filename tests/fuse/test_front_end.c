/* How the time from a graph to kernels' texts grows with the graph: everything before the first call of a driver. The time
 * is that of the thread, so that a loaded machine changes little, and the bounds are generous: quadratic work is far above
 * them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sinter/sinter.h>

#include "check_main.h"
#include "codegen/codegen.h"
#include "fuse/fuse.h"
#include "rewrite/pass.h"

static double thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void chain(sinter_graph *g, sinter_value x, int n) {
    sinter_value y = x;
    for (int i = 0; i < n; ++i)
        y = i % 3 == 0 ? sinter_relu(g, y) : i % 3 == 1 ? sinter_add(g, y, x) : sinter_mul(g, y, x);
    sinter_output(g, "y", y);
}

static void waves(sinter_graph *g, sinter_value x, int n) {
    sinter_value y = x;
    for (int i = 0; i < n; ++i) y = i % 2 ? sinter_cos(g, y) : sinter_sin(g, y);
    sinter_output(g, "y", y);
}

static void tree(sinter_graph *g, sinter_value x, int n) {
    int count = n / 2;
    sinter_value *level = malloc((size_t)count * sizeof *level);
    for (int i = 0; i < count; ++i) level[i] = sinter_mul(g, x, sinter_scalar(g, SINTER_F32, i + 1));
    for (; count > 1; count = (count + 1) / 2)
        for (int i = 0; i < count; i += 2)
            level[i / 2] = i + 1 < count ? sinter_add(g, level[i], level[i + 1]) : level[i];
    sinter_output(g, "y", level[0]);
    free(level);
}

static void star(sinter_graph *g, sinter_value x, int n) {
    sinter_value sum = x;
    for (int i = 0; i < n / 3; ++i) {
        sinter_value part = sinter_mul(g, x, sinter_scalar(g, SINTER_F32, i + 1));
        sum = sinter_add(g, sum, sinter_reduce_sum(g, part, SINTER_SHAPE(-1), 1));
    }
    sinter_output(g, "y", sum);
}

static void layers(sinter_graph *g, sinter_value x, int n) {
    static const float weights[64 * 64];
    sinter_value y = x;
    for (int i = 0; i < n / 10; ++i) {
        sinter_value w = sinter_constant(g, SINTER_F32, SINTER_SHAPE(64, 64), weights, sizeof weights);
        sinter_value m = sinter_gelu(g, sinter_matmul(g, y, w));
        y = sinter_softmax(g, sinter_add(g, m, y), -1);
    }
    sinter_output(g, "y", y);
}

static void views(sinter_graph *g, sinter_value x, int n) {
    sinter_value y = x;
    for (int i = 0; i < n / 3; ++i)
        y = sinter_relu(g, sinter_transpose(g, sinter_reshape(g, y, SINTER_SHAPE(64, -1)), SINTER_SHAPE(1, 0)));
    sinter_output(g, "y", y);
}

static void outputs(sinter_graph *g, sinter_value x, int n) {
    sinter_value y = x;
    char name[16];
    for (int i = 0; i < n; ++i) {
        y = sinter_add(g, y, x);
        snprintf(name, sizeof name, "y%d", i);
        sinter_output(g, name, y);
    }
}

typedef struct shape {
    const char *name;
    void (*build)(sinter_graph *g, sinter_value x, int n);
    int nodes;           /* of the larger graph */
    double most_seconds; /* unoptimised and with sanitizers; a fifth of it is usual */
} shape;

static const shape shapes[] = {
    {"chain", chain, 100000, 60},    {"tree", tree, 100000, 60},   {"sin and cos", waves, 3000, 10},
    {"star", star, 20000, 60},       {"layers", layers, 8000, 60}, {"views", views, 8000, 120},
    {"outputs", outputs, 20000, 60},
};

/* Seconds from the first builder call to the last kernel's text. */
static double run(const shape *s, int nodes) {
    static const sni_caps caps = {.device_class = SNI_DEVICE_CPU,
                                  .name = "none",
                                  .platform = "none",
                                  .compute_units = 2,
                                  .max_work_group = 4096,
                                  .max_work_item = {4096, 4096, 4096},
                                  .local_bytes = 1 << 20,
                                  .max_parameter_bytes = 1024,
                                  .native_float_width = 8,
                                  .has_f64 = true};
    static const sni_fuse_options options = {.limits = {.max_buffers = 32, .max_stmts = 384},
                                             .costs = {5000, 16, 96, 256, 0.01, 64}};
    double start = thread_seconds();
    sinter_graph *graph = NULL, *rewritten = NULL, *prepared = NULL;
    sni_arena *arena = sni_arena_create();
    sni_group *groups = NULL;
    size_t count = 0;
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    s->build(graph, sinter_input(graph, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 64)), nodes);
    ck_assert_msg(sni_rewrite_all(graph, &rewritten) == SINTER_OK, "%s: %s", s->name, sinter_last_error());
    ck_assert_int_eq(sni_fuse_prepare(rewritten, &prepared), SINTER_OK);
    ck_assert_msg(sni_fuse(prepared, &options, arena, &groups, &count) == SINTER_OK, "%s: %s", s->name,
                  sinter_last_error());
    for (size_t i = 0; i < count; ++i) {
        sni_kspec spec;
        ck_assert_msg(sni_codegen(groups[i].loop, &caps, NULL, arena, &spec) == SINTER_OK, "%s", sinter_last_error());
    }
    sni_arena_release(arena);
    sinter_graph_release(prepared);
    sinter_graph_release(rewritten);
    sinter_graph_release(graph);
    return thread_seconds() - start;
}

/* A quarter of the nodes takes a sixteenth of quadratic time; here at least a tenth is wanted, twice tried. */
START_TEST(time_grows_with_the_nodes) {
    const shape *s = &shapes[_i];
    double small = run(s, s->nodes / 4), large = run(s, s->nodes);
    if (large > 10 * small) small = run(s, s->nodes / 4), large = run(s, s->nodes);
    printf("%-12s %6d nodes %6.3f s, a quarter of them %6.3f s\n", s->name, s->nodes, large, small);
    ck_assert_double_lt(large, s->most_seconds);
    ck_assert_double_lt(large, 10 * small + 0.1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("front end");
    TCase *cases = tcase_create("growth");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, time_grows_with_the_nodes, 0, (int)(sizeof shapes / sizeof *shapes));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
