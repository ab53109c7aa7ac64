/* Buffers: asynchronous copies, fills and transfers, mapping, host memory; asynchronous kernel launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

static sinter_runtime *rt;

enum { N = 1 << 16 };

START_TEST(transfers_are_chained_over_queues) {
    static int from[N], to[N];
    sinter_buffer *a, *b;
    sinter_queue *up, *down;
    sinter_event *events[4];
    must(sinter_queue_create(rt, &up));
    must(sinter_queue_create(rt, &down));
    must(sinter_buffer_create(rt, sizeof from, &a));
    must(sinter_buffer_create(rt, sizeof from, &b));
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < N; ++i) from[i] = i * round;
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        options.queue = up;
        must(sinter_buffer_write_async(a, 0, from, sizeof from, &options, &events[0]));
        options.queue = down;
        options.after = &events[0];
        options.after_count = 1;
        options.cancellable = round % 4 == 3; /* begun by another thread */
        must(sinter_buffer_copy_async(a, 4, b, 0, sizeof from - 4, &options, &events[1]));
        options.after = &events[1];
        options.queue = NULL;
        options.cancellable = 0;
        must(sinter_buffer_fill_async(b, sizeof from - 4, 4, &(int){-round}, 4, &options, &events[2]));
        options.after = &events[2];
        options.queue = up;
        must(sinter_buffer_read_async(b, 0, to, sizeof to, &options, &events[3]));
        for (int i = 0; i < 3; ++i) sinter_event_release(events[i]);
        must(sinter_event_wait(events[3]));
        for (int i = 0; i < N - 1; ++i) ck_assert_int_eq(to[i], (i + 1) * round);
        ck_assert_int_eq(to[N - 1], -round);
    }
    sinter_buffer_release(a);
    sinter_buffer_release(b);
    sinter_queue_release(up);
    sinter_queue_release(down);
}
END_TEST

START_TEST(blocking_calls_come_behind_what_was_kept_back) {
    int out[16];
    sinter_buffer *a;
    sinter_event *event;
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    options.cancellable = 1;
    must(sinter_buffer_create(rt, sizeof out, &a));
    for (int round = 1; round < 50; ++round) {
        must(sinter_buffer_fill_async(a, 0, sizeof out, &round, 4, &options, &event));
        must(sinter_buffer_read(a, 0, out, sizeof out));
        ck_assert_int_eq(out[15], round);
        must(sinter_event_wait(event));
    }
    sinter_buffer_release(a);
}
END_TEST

START_TEST(blocking_copy_and_fill) {
    unsigned char bytes[64];
    sinter_buffer *a;
    must(sinter_buffer_create(rt, sizeof bytes, &a));
    must(sinter_buffer_fill(a, 0, 32, "0123456789abcdef", 16));
    must(sinter_buffer_copy(a, 1, a, 32, 31));
    must(sinter_buffer_fill(a, 63, 1, "!", 1));
    must(sinter_buffer_read(a, 0, bytes, sizeof bytes));
    ck_assert_int_eq(memcmp(bytes, "0123456789abcdef0123456789abcdef123456789abcdef0123456789abcdef!", 64), 0);
    must(sinter_buffer_copy(a, 64, a, 0, 0)); /* nothing */
    must(sinter_buffer_fill(a, 64, 0, "x", 1));
    sinter_event *event = NULL;
    ck_assert_int_eq(sinter_buffer_copy(a, 0, a, 31, 32), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "overlap"));
    ck_assert_int_eq(sinter_buffer_copy(a, 0, a, 60, 8), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_copy(NULL, 0, a, 0, 8), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_fill(a, 0, 9, "abc", 3), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_fill(a, 2, 4, "abcd", 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_fill(a, 0, 4, NULL, 4), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_read_async(a, 60, bytes, 5, NULL, &event), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(event);
    ck_assert_int_eq(sinter_buffer_write_async(a, SIZE_MAX, bytes, 2, NULL, &event), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_write_async(a, 0, NULL, 2, NULL, &event), SINTER_INVALID_ARGUMENT);
    sinter_buffer_release(a);
}
END_TEST

/* What is released while it is in use goes to nobody else before the device is done with it. */
START_TEST(buffers_may_be_released_while_they_are_in_use) {
    enum { ROUNDS = 40 };
    static int data[ROUNDS][N / 4];
    sinter_queue *queues[2];
    must(sinter_queue_create(rt, &queues[0]));
    must(sinter_queue_create(rt, &queues[1]));
    for (int round = 0; round < ROUNDS; ++round) {
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        sinter_buffer *a;
        options.queue = queues[round % 2];
        must(sinter_buffer_create(rt, sizeof data[0], &a));
        must(sinter_buffer_fill_async(a, 0, sizeof data[0], &round, 4, &options, NULL));
        must(sinter_buffer_read_async(a, 0, data[round], sizeof data[0], &options, NULL));
        sinter_buffer_release(a);
    }
    must(sinter_queue_finish(rt, queues[0]));
    sinter_queue_release(queues[0]);
    sinter_queue_release(queues[1]); /* waits, too */
    for (int round = 0; round < ROUNDS; ++round)
        for (int i = 0; i < N / 4; ++i) ck_assert_int_eq(data[round][i], round);
}
END_TEST

START_TEST(buffers_are_mapped) {
    int back[8];
    sinter_buffer *a;
    void *data;
    must(sinter_buffer_create(rt, sizeof back, &a));
    must(sinter_buffer_fill(a, 0, sizeof back, &(int){7}, 4));
    must(sinter_buffer_map(a, 8, 16, SINTER_MAP_READ_WRITE, &data));
    for (int i = 0; i < 4; ++i) ck_assert_int_eq(((int *)data)[i], 7);
    ((int *)data)[3] = 8;
    must(sinter_buffer_unmap(a, data));
    must(sinter_buffer_map(a, 0, 4, SINTER_MAP_WRITE, &data));
    *(int *)data = 9;
    must(sinter_buffer_unmap(a, data));
    must(sinter_buffer_read(a, 0, back, sizeof back));
    const int wanted[] = {9, 7, 7, 7, 7, 8, 7, 7};
    ck_assert_int_eq(memcmp(back, wanted, sizeof back), 0);
    ck_assert_int_eq(sinter_buffer_map(a, 0, 33, SINTER_MAP_READ, &data), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(data);
    ck_assert_int_eq(sinter_buffer_map(a, 0, 0, SINTER_MAP_READ, &data), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_map(a, 0, 4, (sinter_map_access)4, &data), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_unmap(a, back), SINTER_INVALID_ARGUMENT);
    sinter_buffer_release(a);
}
END_TEST

START_TEST(a_buffer_is_the_hosts_memory) {
    size_t align = sinter_runtime_host_alignment(rt), bytes = N * sizeof(float);
    sinter_buffer *x, *y;
    float *data = aligned_alloc(4096, 2 * bytes);
    if (!align) {
        ck_assert_int_eq(sinter_buffer_create_on_host(rt, data, bytes, &x), SINTER_UNSUPPORTED);
        free(data);
        return;
    }
    sinter_plan *plan = make_small(rt, 1);
    must(sinter_buffer_create_on_host(rt, data, bytes, &x));
    must(sinter_buffer_create_on_host(rt, data + N, bytes, &y));
    for (int round = 0; round < 3; ++round) {
        void *mapped;
        must(sinter_buffer_map(x, 0, bytes, SINTER_MAP_WRITE, &mapped));
        ck_assert_ptr_eq(mapped, data);
        for (int i = 0; i < N; ++i) data[i] = (float)(i + round);
        must(sinter_buffer_unmap(x, mapped));
        sinter_binding io[] = {SINTER_BIND_BUFFER("x", SINTER_F32, SINTER_SHAPE(N), x, 0),
                               SINTER_BIND_BUFFER("y", SINTER_F32, SINTER_SCALAR, y, 0)};
        must(sinter_plan_run(plan, io, 2));
        must(sinter_buffer_map(y, 0, bytes, SINTER_MAP_READ, &mapped));
        ck_assert_ptr_eq(mapped, data + N);
        for (int i = 0; i < N; ++i) ck_assert_float_eq(data[N + i], (float)(i + round + 1));
        must(sinter_buffer_unmap(y, mapped));
    }
    sinter_buffer *bad;
    ck_assert_int_eq(sinter_buffer_create_on_host(rt, (char *)data + 4, 16, &bad), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "aligned"));
    ck_assert_int_eq(sinter_buffer_create_on_host(rt, data, 0, &bad), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_buffer_create_on_host(rt, NULL, 4, &bad), SINTER_INVALID_ARGUMENT);
    sinter_buffer_release(x);
    sinter_buffer_release(y);
    sinter_plan_release(plan);
    free(data);
}
END_TEST

static const char STEP[] = "__kernel void f(__global float *x, float a, __local float *l) {\n"
                           "    size_t i = get_global_id(0);\n"
                           "    l[get_local_id(0)] = x[i] * a;\n"
                           "    x[i] = l[get_local_id(0)] + 1;\n"
                           "}\n";

START_TEST(kernels_are_launched_without_waiting) {
    enum { LAUNCHES = 100 };
    static float data[1024];
    sinter_kernel *kernel;
    sinter_buffer *x;
    sinter_queue *queues[2];
    sinter_event *last = NULL;
    must(sinter_kernel_create(rt, &(sinter_kernel_source){STEP, "f", NULL, NULL}, &kernel));
    must(sinter_queue_create(rt, &queues[0]));
    must(sinter_queue_create(rt, &queues[1]));
    must(sinter_buffer_create(rt, sizeof data, &x));
    must(sinter_buffer_write_async(x, 0, data, sizeof data, NULL, &last));
    float wanted = 0;
    for (int i = 0; i < LAUNCHES; ++i) {
        float a = i % 2 ? 0.5f : 2;
        sinter_arg args[] = {SINTER_BUFFER(x), SINTER_SCALAR_OF(a), SINTER_LOCAL_BYTES(256)};
        sinter_grid grid = {1, {1024}, {64}};
        sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
        sinter_event *event;
        options.queue = queues[i / 10 % 2];
        options.after = &last;
        options.after_count = 1;
        options.cancellable = i % 30 == 17;
        must(sinter_kernel_launch_async(kernel, &grid, args, 3, &options, &event));
        memset(args, 0xff, sizeof args), memset(&grid, 0xff, sizeof grid);
        sinter_event_release(last);
        last = event;
        wanted = wanted * a + 1;
    }
    sinter_kernel_release(kernel);
    must(sinter_event_wait(last));
    must(sinter_buffer_read(x, 0, data, sizeof data));
    for (int i = 0; i < 1024; ++i) ck_assert_float_eq_tol(data[i], wanted, 1e-3f);
    sinter_buffer_release(x);
    sinter_queue_release(queues[0]);
    sinter_queue_release(queues[1]);
}
END_TEST

START_TEST(what_is_wrong_with_a_launch_is_said_at_once) {
    sinter_kernel *kernel;
    sinter_buffer *x;
    sinter_event *event = NULL;
    float a = 1;
    must(sinter_kernel_create(rt, &(sinter_kernel_source){STEP, "f", NULL, NULL}, &kernel));
    must(sinter_buffer_create(rt, 4096, &x));
    sinter_arg args[] = {SINTER_BUFFER(x), SINTER_SCALAR_OF(a), SINTER_LOCAL_BYTES(256)};
    sinter_grid grid = {1, {1000}, {64}};
    sinter_async_options options = SINTER_ASYNC_OPTIONS_INIT;
    for (options.cancellable = 0; options.cancellable < 2; ++options.cancellable) {
        ck_assert_int_eq(sinter_kernel_launch_async(kernel, &grid, args, 3, &options, &event), SINTER_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no multiple"));
        ck_assert_int_eq(sinter_kernel_launch_async(kernel, &grid, args, 2, &options, &event), SINTER_INVALID_ARGUMENT);
        ck_assert_int_eq(sinter_kernel_launch_async(NULL, &grid, args, 3, &options, &event), SINTER_INVALID_ARGUMENT);
    }
    grid.global[0] = 1024;
    must(sinter_kernel_launch_async(kernel, &grid, args, 3, NULL, &event));
    must(sinter_event_wait(event));
    sinter_kernel_release(kernel);
    sinter_buffer_release(x);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        transfers_are_chained_over_queues,
        blocking_calls_come_behind_what_was_kept_back,
        blocking_copy_and_fill,
        buffers_may_be_released_while_they_are_in_use,
        buffers_are_mapped,
        a_buffer_is_the_hosts_memory,
        kernels_are_launched_without_waiting,
        what_is_wrong_with_a_launch_is_said_at_once,
    };
    if (sinter_runtime_create(NULL, &rt) != SINTER_OK) return puts(sinter_last_error()), 1;
    int failed = run_suite(suite_of("buffers", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(rt);
    return failed;
}
