#define _GNU_SOURCE
/* Eight threads share one runtime: buffers, one kernel, kernels of their own, constants. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "memory/mem.h"
#include "runtime/runtime.h"
#include "runtime/scratch.h"

enum { THREADS = 8, ROUNDS = 12, N = 256, CONSTANTS = 3 };

static const char ADD[] = "__kernel void add(__global int *p, int by) { p[get_global_id(0)] += by; }";

static sinter_runtime *g_runtime;
static sinter_kernel *g_kernel;
static char g_constants[CONSTANTS][512];

typedef struct worker {
    int number;
    char error[1024];
} worker;

static bool note(worker *me, const char *what) {
    snprintf(me->error, sizeof me->error, "%s: %s", what, sinter_last_error());
    return false;
}

static bool add_and_check(worker *me, sinter_kernel *kernel, int by) {
    int values[N], got[N];
    for (int i = 0; i < N; ++i) values[i] = i * me->number;
    sinter_buffer *buffer = NULL;
    if (sinter_buffer_create(g_runtime, sizeof values, &buffer) != SINTER_OK) return note(me, "create");
    sinter_arg args[] = {SINTER_BUFFER(buffer), SINTER_SCALAR_OF(by)};
    sinter_grid grid = {1, {N}, {0}};
    bool ok = (sinter_buffer_write(buffer, 0, values, sizeof values) == SINTER_OK &&
               sinter_kernel_launch(kernel, &grid, args, 2) == SINTER_OK &&
               sinter_buffer_read(buffer, 0, got, sizeof got) == SINTER_OK) ||
              note(me, "run");
    for (int i = 0; ok && i < N; ++i)
        if (got[i] != values[i] + by) ok = note(me, "wrong sum");
    sinter_buffer_release(buffer);
    return ok;
}

/* All threads ask for the same few sources at the same time. */
static bool own_kernel(worker *me, int round) {
    char text[128];
    snprintf(text, sizeof text, "__kernel void own(__global int *p, int by) { p[get_global_id(0)] += by + %d; }",
             round % 3);
    sinter_kernel_source source = {text, "own", NULL, NULL};
    sinter_kernel *kernel = NULL;
    if (sinter_kernel_create(g_runtime, &source, &kernel) != SINTER_OK) return note(me, "build");
    int values[N] = {0}, by = me->number;
    sinter_buffer *buffer = NULL;
    bool ok = sinter_buffer_create(g_runtime, sizeof values, &buffer) == SINTER_OK || note(me, "create");
    sinter_arg args[] = {SINTER_BUFFER(buffer), SINTER_SCALAR_OF(by)};
    sinter_grid grid = {1, {N}, {16}};
    ok = ok && ((sinter_buffer_write(buffer, 0, values, sizeof values) == SINTER_OK &&
                 sinter_kernel_launch(kernel, &grid, args, 2) == SINTER_OK &&
                 sinter_buffer_read(buffer, 0, values, sizeof values) == SINTER_OK) ||
                note(me, "run own"));
    for (int i = 0; ok && i < N; ++i)
        if (values[i] != by + round % 3) ok = note(me, "wrong own");
    sinter_buffer_release(buffer);
    sinter_kernel_release(kernel);
    return ok;
}

static bool use_constant(worker *me, int round) {
    const char *key = g_constants[round % CONSTANTS];
    sni_mem *mem = NULL;
    if (sni_runtime_constant(g_runtime, sni_hash128_of(key, sizeof g_constants[0]), key, sizeof g_constants[0], NULL,
                             &mem) != SINTER_OK)
        return note(me, "constant");
    char got = 0;
    bool ok = sni_mem_read(mem, 100, &got, 1, true) == SINTER_OK || note(me, "read constant");
    if (ok && got != key[100]) ok = note(me, "wrong constant");
    sni_mem_release(mem);
    return ok;
}

static void *work(void *context) {
    worker *me = context;
    bool ok = true;
    for (int round = 0; ok && round < ROUNDS; ++round) {
        ok = add_and_check(me, g_kernel, round) && own_kernel(me, round) && use_constant(me, round);
        if (round % 5 == 4) sinter_runtime_trim(g_runtime, 0);
    }
    return NULL;
}

START_TEST(eight_threads) {
    pthread_t threads[THREADS];
    worker workers[THREADS] = {0};
    for (int i = 0; i < CONSTANTS; ++i) memset(g_constants[i], 'a' + i, sizeof g_constants[i]);
    for (int i = 0; i < THREADS; ++i) {
        workers[i].number = i + 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; ++i) ck_assert_str_eq(workers[i].error, "");
    sinter_runtime_stats stats;
    sinter_runtime_get_stats(g_runtime, &stats);
    ck_assert_uint_eq(stats.bytes_in_use, 0);
    ck_assert_uint_eq(stats.kernels_compiled, 1 + 3);
}
END_TEST

int main(void) {
    if (scratch_make()) return EXIT_FAILURE;
    g_runtime = try_open_runtime();
    if (!g_runtime) return EXIT_FAILURE;
    sinter_kernel_source source = {ADD, "add", NULL, NULL};
    if (sinter_kernel_create(g_runtime, &source, &g_kernel) != SINTER_OK) {
        fprintf(stderr, "%s\n", sinter_last_error());
        return EXIT_FAILURE;
    }
    const TTest *const tests[] = {eight_threads};
    int result = run_suite(suite_of("runtime threads", tests, 1));
    sinter_kernel_release(g_kernel);
    sinter_runtime_release(g_runtime);
    scratch_remove();
    return result;
}
