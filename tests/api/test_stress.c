/* Threads that compile, run, launch, cancel, trim and release at random, for two seconds, or as many as
 * SINTER_TEST_STRESS_SECONDS says. Sanitizers see it all. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"

enum { THREADS = 64, SLOTS = 6, N = 600 };

/* A plan that threads share; whoever replaces it holds the lock alone, for no call may begin while it is released. */
typedef struct slot {
    pthread_rwlock_t lock;
    sinter_plan *plan;
    float add;
} slot;

static sinter_runtime *rt;
static sinter_kernel *kernel;
static slot slots[SLOTS];
static sinter_queue *queues[3]; /* the first is the runtime's own */
static time_t end;

typedef struct worker {
    pthread_t thread;
    unsigned seed;
    int counts[8];
    char failure[512];
} worker;

static unsigned draw(worker *w, unsigned below) {
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 8) % below;
}

static void expect(worker *w, int ok, const char *what) {
    if (!ok && !w->failure[0]) snprintf(w->failure, sizeof w->failure, "%s: %s", what, sinter_last_error());
}

static int give_up(void *context, size_t done, size_t total) {
    (void)total;
    return done >= *(size_t *)context;
}

/* relu(x) + add, with kernels of a kind per slot. With cancel the compile may be given up. */
static sinter_plan *compile(worker *w, int kind, float add, int cancel) {
    sinter_graph *g;
    sinter_plan *plan = NULL;
    sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
    size_t most = cancel ? 1 : 1000;
    options.progress = give_up;
    options.context = &most;
    expect(w, sinter_graph_create(&g) == SINTER_OK, "graph");
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_value y = sinter_relu(g, x);
    for (int i = 0; i < kind; ++i) y = sinter_relu(g, sinter_cumsum(g, sinter_sub(g, y, y), 0, 0, 0));
    y = kind ? sinter_add(g, y, sinter_relu(g, x)) : y;
    sinter_output(g, "y", sinter_add(g, y, sinter_scalar(g, SINTER_F32, (double)add)));
    sinter_status status = sinter_plan_compile(rt, g, &options, &plan);
    expect(w, status == SINTER_OK || (cancel && status == SINTER_CANCELLED), "compile");
    sinter_graph_release(g);
    return plan;
}

static void replace(worker *w, slot *s) {
    float add = (float)draw(w, 100);
    sinter_plan *made = compile(w, (int)(s - slots) % 3, add, draw(w, 4) == 0), *old = NULL;
    if (!made) return;
    pthread_rwlock_wrlock(&s->lock);
    old = s->plan;
    s->plan = made;
    s->add = add;
    pthread_rwlock_unlock(&s->lock);
    sinter_plan_release(old);
}

static void count_call(void *context, sinter_status status) {
    (void)status;
    __atomic_add_fetch((int *)context, 1, __ATOMIC_RELEASE);
}

/* Two runs, the second behind the first, on any queues; one or both may be cancelled. */
static void run(worker *w, slot *s) {
    float x[N], y[2][N];
    sinter_event *events[2] = {NULL};
    int n = 1 + (int)draw(w, N), calls = 0, wanted_calls = 0;
    for (int i = 0; i < n; ++i) x[i] = (float)i;
    pthread_rwlock_rdlock(&s->lock);
    float add = s->add;
    for (int k = 0; k < 2; ++k) {
        sinter_binding io[] = {SINTER_BIND_INPUT("x", SINTER_F32, SINTER_SHAPE(n), x, sizeof x),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y[k], sizeof y[k])};
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        options.queue = queues[draw(w, 3)];
        options.cancellable = draw(w, 4) == 0;
        options.after = events;
        options.after_count = (size_t)k;
        expect(w, sinter_plan_enqueue(s->plan, io, 2, &options, &events[k]) == SINTER_OK, "enqueue");
        if (!events[k]) break;
        if (draw(w, 3) == 0)
            expect(w, sinter_event_call(events[k], count_call, &calls) == SINTER_OK, "call"), ++wanted_calls;
    }
    pthread_rwlock_unlock(&s->lock);
    if (draw(w, 4) == 0) sinter_event_cancel(events[draw(w, 2)]);
    for (int k = 0; k < 2; ++k) {
        int done = 0;
        if (!events[k]) continue;
        if (draw(w, 2))
            expect(w, sinter_event_wait_for(events[k], draw(w, 2000000), &done) != SINTER_DEVICE, "wait for");
        sinter_status status = sinter_event_wait(events[k]);
        expect(w, status == SINTER_OK || status == SINTER_CANCELLED, "wait");
        for (int i = 0; i < n && status == SINTER_OK; ++i)
            if (y[k][i] != x[i] + add) expect(w, 0, "a wrong number");
    }
    while (__atomic_load_n(&calls, __ATOMIC_ACQUIRE) < wanted_calls) sched_yield();
}

static void launch(worker *w) {
    sinter_buffer *buffer;
    float back[N];
    if (sinter_buffer_create(rt, sizeof back, &buffer) != SINTER_OK) return expect(w, 0, "buffer");
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    options.queue = queues[draw(w, 3)];
    float one = 1, a = (float)draw(w, 50);
    sinter_arg args[] = {SINTER_BUFFER(buffer), SINTER_SCALAR_OF(a)};
    sinter_grid grid = {1, {N}, {0}};
    sinter_event *event = NULL;
    expect(w, sinter_buffer_fill_async(buffer, 0, sizeof back, &one, 4, &options, NULL) == SINTER_OK, "fill");
    expect(w, sinter_kernel_launch_async(kernel, &grid, args, 2, &options, NULL) == SINTER_OK, "launch");
    expect(w, sinter_buffer_read_async(buffer, 0, back, sizeof back, &options, &event) == SINTER_OK, "read");
    sinter_buffer_release(buffer);
    if (event) expect(w, sinter_event_wait(event) == SINTER_OK, "wait for a read");
    for (int i = 0; i < N && event; ++i)
        if (back[i] != 1 + a) expect(w, 0, "a wrong number of a kernel");
}

/* A queue of one's own, with work that nobody waits for. */
static void use_queue(worker *w, slot *s) {
    float x[4] = {1, 2, 3, 4}, y[4] = {0};
    sinter_queue *queue;
    if (sinter_queue_create(rt, &queue) != SINTER_OK) return expect(w, 0, "queue");
    sinter_binding io[] = {SINTER_BIND_INPUT("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    options.queue = queue;
    options.cancellable = (int)draw(w, 2);
    pthread_rwlock_rdlock(&s->lock);
    expect(w, sinter_plan_enqueue(s->plan, io, 2, &options, NULL) == SINTER_OK, "enqueue alone");
    float wanted = 4 + s->add;
    pthread_rwlock_unlock(&s->lock);
    sinter_queue_release(queue);
    if (y[3] != wanted) expect(w, 0, "a wrong number of a queue");
}

static void *work(void *context) {
    worker *w = context;
    while (time(NULL) < end && !w->failure[0]) {
        slot *s = &slots[draw(w, SLOTS)];
        unsigned what = draw(w, 20);
        int kind = what < 12 ? 0 : what < 14 ? 1 : what < 17 ? 2 : what < 18 ? 3 : 4;
        if (kind == 0) run(w, s);
        if (kind == 1) replace(w, s);
        if (kind == 2) launch(w);
        if (kind == 3) sinter_runtime_trim(rt, draw(w, 1000000));
        if (kind == 4) use_queue(w, s);
        ++w->counts[kind];
    }
    return NULL;
}

START_TEST(anything_at_once) {
    static worker workers[THREADS];
    const char *seconds = getenv("SINTER_TEST_STRESS_SECONDS");
    static const char text[] = "__kernel void f(__global float *x, float a) { x[get_global_id(0)] += a; }";
    must(sinter_kernel_create(rt, &(sinter_kernel_source){text, "f", NULL, NULL}, &kernel));
    for (int i = 1; i < 3; ++i) must(sinter_queue_create(rt, &queues[i]));
    for (int i = 0; i < SLOTS; ++i) {
        pthread_rwlock_init(&slots[i].lock, NULL);
        slots[i].plan = compile(&workers[0], i % 3, 1, 0);
        slots[i].add = 1;
        ck_assert_ptr_nonnull(slots[i].plan);
    }
    end = time(NULL) + (seconds ? atoi(seconds) : 2);
    for (int i = 0; i < THREADS; ++i) {
        workers[i].seed = (unsigned)i * 2654435761u + 1;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    int counts[8] = {0};
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(workers[i].thread, NULL);
        for (int k = 0; k < 8; ++k) counts[k] += workers[i].counts[k];
    }
    printf("runs %d, compiles %d, launches %d, trims %d, queues %d\n", counts[0], counts[1], counts[2], counts[3],
           counts[4]);
    for (int i = 0; i < THREADS; ++i) ck_assert_msg(!workers[i].failure[0], "thread %d: %s", i, workers[i].failure);
    for (int k = 0; k < 5; ++k) ck_assert_int_gt(counts[k], 0);
    for (int i = 0; i < SLOTS; ++i) sinter_plan_release(slots[i].plan);
    for (int i = 1; i < 3; ++i) sinter_queue_release(queues[i]);
    sinter_kernel_release(kernel);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {anything_at_once};
    if (sinter_runtime_create(NULL, &rt) != SINTER_OK) return puts(sinter_last_error()), 1;
    int failed = run_suite(suite_of("stress", tests, 1));
    sinter_runtime_stats stats;
    if (sinter_queue_finish(rt, NULL) != SINTER_OK) failed = 1;
    sinter_runtime_get_stats(rt, &stats);
    if (stats.bytes_in_use)
        printf("%llu bytes are in use in the end\n", (unsigned long long)stats.bytes_in_use), failed = 1;
    sinter_runtime_release(rt);
    return failed;
}
