/* Events: asked, waited for, chained, called back, cancelled; queues. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"

static sinter_runtime *rt;

enum { LONG = 256, DEPTH = 64 };

typedef struct long_run {
    sinter_plan *plan;
    float *x, *w, *y;
    sinter_binding io[3];
} long_run;

static void long_run_init(long_run *r) {
    size_t bytes = LONG * LONG * sizeof(float);
    r->plan = make_long(rt, LONG, DEPTH);
    r->x = calloc(1, bytes), r->w = calloc(1, bytes), r->y = calloc(1, bytes);
    for (int i = 0; i < LONG; ++i) r->w[i * LONG + i] = 1, r->x[i * LONG + i] = (float)i;
    r->io[0] = (sinter_binding)SINTER_BIND_INPUT("x", SINTER_F32, SINTER_SHAPE(LONG, LONG), r->x, bytes);
    r->io[1] = (sinter_binding)SINTER_BIND_INPUT("w", SINTER_F32, SINTER_SHAPE(LONG, LONG), r->w, bytes);
    r->io[2] = (sinter_binding)SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, r->y, bytes);
    must(sinter_plan_run(r->plan, r->io, 3)); /* drivers specialise kernels at their first run */
}

static void long_run_deinit(long_run *r) {
    sinter_plan_release(r->plan);
    free(r->x), free(r->w), free(r->y);
}

static void check_long(const long_run *r) {
    for (int i = 0; i < LONG; ++i) ck_assert_float_eq(r->y[i * LONG + i], (float)i);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

START_TEST(an_event_is_asked_and_waited_for_with_an_end) {
    long_run r;
    sinter_event *event;
    int done = 7;
    long_run_init(&r);
    must(sinter_plan_run_async(r.plan, r.io, 3, &event));
    must(sinter_event_wait_for(event, 0, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_int_eq(sinter_event_done(event), 0);
    double start = seconds();
    must(sinter_event_wait_for(event, 1000000, &done));
    if (!done) ck_assert(seconds() - start >= 0.0009);
    must(sinter_event_wait_for(event, UINT64_MAX, &done));
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(sinter_event_done(event), 1);
    must(sinter_event_wait_for(event, 0, &done));
    ck_assert_int_eq(done, 1);
    must(sinter_event_wait(event));
    check_long(&r);
    /* asking alone finds the end, too */
    must(sinter_plan_run_async(r.plan, r.io, 3, &event));
    while (!sinter_event_done(event)) continue;
    sinter_event_release(event);
    ck_assert_int_eq(sinter_event_wait_for(NULL, 0, &done), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_event_wait(NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_event_done(NULL), 1);
    long_run_deinit(&r);
}
END_TEST

typedef struct heard {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls;
    int order[8];
    sinter_status status[8];
    char text[160];
} heard;

static void heard_init(heard *h) {
    pthread_mutex_init(&h->mutex, NULL);
    pthread_cond_init(&h->changed, NULL);
    h->calls = 0;
}

static void hear(heard *h, int number, sinter_status status) {
    pthread_mutex_lock(&h->mutex);
    h->status[h->calls] = status;
    h->order[h->calls++] = number;
    snprintf(h->text, sizeof h->text, "%s", status == SINTER_OK ? "" : sinter_last_error());
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
}

static void hear_one(void *context, sinter_status status) {
    hear(context, 1, status);
}

static void hear_two(void *context, sinter_status status) {
    hear(context, 2, status);
}

static void await_calls(heard *h, int calls) {
    pthread_mutex_lock(&h->mutex);
    while (h->calls < calls) pthread_cond_wait(&h->changed, &h->mutex);
    pthread_mutex_unlock(&h->mutex);
}

START_TEST(functions_are_called_once_each_in_order_when_work_is_over) {
    long_run r;
    sinter_event *event;
    heard h;
    heard_init(&h);
    long_run_init(&r);
    must(sinter_plan_run_async(r.plan, r.io, 3, &event));
    must(sinter_event_call(event, hear_one, &h));
    must(sinter_event_call(event, hear_two, &h));
    await_calls(&h, 2);
    ck_assert_int_eq(h.order[0], 1);
    ck_assert_int_eq(h.order[1], 2);
    ck_assert_int_eq(h.status[0], SINTER_OK);
    check_long(&r);
    must(sinter_event_call(event, hear_two, &h)); /* it is over: now */
    ck_assert_int_eq(h.calls, 3);
    sinter_event_release(event);
    /* nobody holds the event: the call is made all the same */
    must(sinter_plan_run_async(r.plan, r.io, 3, &event));
    must(sinter_event_call(event, hear_one, &h));
    sinter_event_release(event);
    await_calls(&h, 4);
    ck_assert_int_eq(sinter_event_call(NULL, hear_one, &h), SINTER_INVALID_ARGUMENT);
    long_run_deinit(&r);
}
END_TEST

START_TEST(a_run_waits_for_events_of_other_queues) {
    enum { N = 4096, ROUNDS = 40 };
    sinter_queue *queues[2];
    sinter_buffer *a, *b;
    sinter_plan *plan = make_small(rt, 1);
    static float data[N];
    must(sinter_queue_create(rt, &queues[0]));
    must(sinter_queue_create(rt, &queues[1]));
    must(sinter_buffer_create(rt, sizeof data, &a));
    must(sinter_buffer_create(rt, sizeof data, &b));
    must(sinter_buffer_write(a, 0, data, sizeof data));
    sinter_event *last = NULL;
    for (int i = 0; i < ROUNDS; ++i) {
        sinter_binding io[] = {SINTER_BIND_BUFFER("x", SINTER_F32, SINTER_SHAPE(N), i % 2 ? b : a, 0),
                               SINTER_BIND_BUFFER("y", SINTER_F32, SINTER_SCALAR, i % 2 ? a : b, 0)};
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        sinter_event *event;
        options.queue = queues[i % 2];
        options.after = &last;
        options.after_count = last != NULL;
        options.cancellable = i % 5 == 3; /* which are begun by another thread, and so is what follows */
        must(sinter_plan_enqueue(plan, io, 2, &options, &event));
        ck_assert_int_eq(io[1].shape.rank, 1);
        ck_assert_int_eq((int)io[1].shape.dims[0], N);
        sinter_event_release(last);
        last = event;
    }
    must(sinter_event_wait(last));
    must(sinter_buffer_read(a, 0, data, sizeof data));
    for (int i = 0; i < N; ++i) ck_assert_float_eq(data[i], ROUNDS);
    sinter_plan_release(plan);
    sinter_queue_release(queues[0]);
    sinter_queue_release(queues[1]);
    sinter_buffer_release(a);
    sinter_buffer_release(b);
}
END_TEST

START_TEST(work_that_was_cancelled_does_not_run_and_says_so) {
    enum { RUNS = 12 };
    long_run r;
    sinter_event *events[RUNS], *behind;
    heard h;
    heard_init(&h);
    long_run_init(&r);
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    options.cancellable = 1;
    double start = seconds();
    must(sinter_plan_run(r.plan, r.io, 3));
    double one = seconds() - start;
    start = seconds();
    for (int i = 0; i < RUNS; ++i) must(sinter_plan_enqueue(r.plan, r.io, 3, &options, &events[i]));
    /* What waits for cancelled work ends as that does. */
    sinter_async_options after = SINTER_ASYNC_OPTIONS_INIT;
    after.after = &events[RUNS - 1];
    after.after_count = 1;
    must(sinter_plan_enqueue(r.plan, r.io, 3, &after, &behind));
    must(sinter_event_call(events[RUNS - 1], hear_one, &h));
    for (int i = RUNS - 1; i > 0; --i) sinter_event_cancel(events[i]);
    for (int i = 1; i < RUNS; ++i) ck_assert_int_eq(sinter_event_wait(events[i]), SINTER_CANCELLED);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "cancelled before it began"));
    await_calls(&h, 1);
    ck_assert_int_eq(h.status[0], SINTER_CANCELLED);
    ck_assert_ptr_nonnull(strstr(h.text, "cancelled"));
    ck_assert_int_eq(sinter_event_wait(behind), SINTER_CANCELLED);
    sinter_event_cancel(events[0]); /* it began: it stops between steps, or is over */
    sinter_status status = sinter_event_wait(events[0]);
    ck_assert(status == SINTER_CANCELLED || status == SINTER_OK);
    ck_assert_msg(seconds() - start < one * RUNS / 2 + 0.5, "%g s, one takes %g s", seconds() - start, one);
    /* nothing is in the way afterwards */
    must(sinter_plan_run(r.plan, r.io, 3));
    check_long(&r);
    sinter_event_cancel(NULL);
    long_run_deinit(&r);
}
END_TEST

START_TEST(options_that_mean_nothing_are_refused) {
    float x[4] = {0}, y[4];
    sinter_plan *plan = make_small(rt, 1);
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    sinter_event *event = (sinter_event *)&x, *none = NULL;
    sinter_async_options options = {0};
    ck_assert_int_eq(sinter_plan_enqueue(plan, io, 2, &options, &event), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(event);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "SINTER_ASYNC_OPTIONS_INIT"));
    options = (sinter_async_options)SINTER_ASYNC_OPTIONS_INIT;
    options.after_count = 1;
    ck_assert_int_eq(sinter_plan_enqueue(plan, io, 2, &options, &event), SINTER_INVALID_ARGUMENT);
    options.after = &none;
    ck_assert_int_eq(sinter_plan_enqueue(plan, io, 2, &options, &event), SINTER_INVALID_ARGUMENT);
    sinter_runtime *other;
    sinter_queue *theirs;
    must(sinter_runtime_create(NULL, &other));
    must(sinter_queue_create(other, &theirs));
    sinter_runtime_release(other); /* its queue keeps it */
    options = (sinter_async_options)SINTER_ASYNC_OPTIONS_INIT;
    options.queue = theirs;
    ck_assert_int_eq(sinter_plan_enqueue(plan, io, 2, &options, &event), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "another runtime"));
    ck_assert_int_eq(sinter_queue_finish(rt, theirs), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_queue_finish(NULL, NULL), SINTER_INVALID_ARGUMENT);
    must(sinter_queue_finish(NULL, theirs));
    sinter_queue_release(theirs);
    sinter_queue_release(NULL);
    /* nobody waits for this one */
    must(sinter_plan_enqueue(plan, io, 2, NULL, NULL));
    must(sinter_queue_finish(rt, NULL));
    ck_assert_float_eq(y[0], 1);
    sinter_plan_release(plan);
}
END_TEST

START_TEST(what_is_wrong_with_a_run_that_is_kept_back_is_said_at_once) {
    float x[4] = {0}, y[2];
    sinter_plan *plan = make_small(rt, 1);
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F16, SINTER_SCALAR, y, sizeof y)};
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    sinter_event *event;
    options.cancellable = 1;
    ck_assert_int_eq(sinter_plan_enqueue(plan, io, 2, &options, &event), SINTER_DTYPE);
    io[1].dtype = SINTER_F32; /* too small: found when memory is bound, told by the event */
    must(sinter_plan_enqueue(plan, io, 2, &options, &event));
    ck_assert_int_eq(sinter_event_wait(event), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'y' has 8 bytes, 16 are needed"));
    sinter_plan_release(plan);
}
END_TEST

START_TEST(events_outlive_everything) {
    sinter_runtime *own;
    sinter_queue *queue;
    float x[4] = {1, 2, 3, 4}, y[4];
    must(sinter_runtime_create(NULL, &own));
    must(sinter_queue_create(own, &queue));
    sinter_plan *plan = make_small(own, 1);
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    sinter_event *event, *kept;
    options.queue = queue;
    must(sinter_plan_enqueue(plan, io, 2, &options, &event));
    must(sinter_plan_enqueue(plan, io, 2, NULL, &kept));
    ck_assert_ptr_eq(sinter_event_retain(event), event);
    sinter_plan_release(plan);
    sinter_queue_release(queue);
    sinter_runtime_release(own);
    must(sinter_event_wait(event));
    must(sinter_event_wait(event));
    must(sinter_event_wait(kept));
    ck_assert_float_eq(y[3], 5);
}
END_TEST

/* s += x, whatever queue it runs on. */
START_TEST(runs_with_states_are_serialised_over_queues) {
    enum { N = 3000, RUNS = 60 };
    static float x[N], s[N];
    sinter_graph *g;
    sinter_plan *plan;
    sinter_queue *queues[3] = {NULL};
    sinter_event *events[RUNS];
    must(sinter_graph_create(&g));
    sinter_value vx = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(N));
    sinter_value vs = sinter_state(g, "s", SINTER_F32, SINTER_SHAPE(N));
    sinter_value next = sinter_add(g, sinter_mul(g, vs, vs), vx);
    (void)sinter_state_write(g, vs, next, NULL, 0);
    must(sinter_plan_compile(rt, g, NULL, &plan));
    must(sinter_queue_create(rt, &queues[1]));
    must(sinter_queue_create(rt, &queues[2]));
    for (int i = 0; i < N; ++i) x[i] = 0.1f;
    float wanted = 0;
    for (int i = 0; i < RUNS; ++i) {
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        options.queue = queues[i % 3];
        options.cancellable = i % 7 == 5;
        sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(N), x, sizeof x)};
        must(sinter_plan_enqueue(plan, io, 1, &options, &events[i]));
        wanted = wanted * wanted + 0.1f;
    }
    must(sinter_plan_state_read(plan, "s", s, sizeof s));
    for (int i = 0; i < N; ++i) ck_assert_float_eq_tol(s[i], wanted, 1e-6f);
    for (int i = 0; i < RUNS; ++i) must(sinter_event_wait(events[i]));
    sinter_plan_release(plan);
    sinter_graph_release(g);
    sinter_queue_release(queues[1]);
    sinter_queue_release(queues[2]);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_event_is_asked_and_waited_for_with_an_end,
        functions_are_called_once_each_in_order_when_work_is_over,
        a_run_waits_for_events_of_other_queues,
        work_that_was_cancelled_does_not_run_and_says_so,
        options_that_mean_nothing_are_refused,
        what_is_wrong_with_a_run_that_is_kept_back_is_said_at_once,
        events_outlive_everything,
        runs_with_states_are_serialised_over_queues,
    };
    if (sinter_runtime_create(NULL, &rt) != SINTER_OK) return puts(sinter_last_error()), 1;
    int failed = run_suite(suite_of("events", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(rt);
    return failed;
}
