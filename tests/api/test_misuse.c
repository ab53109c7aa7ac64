/* What a program does wrong, or has to be told: a child after fork, warnings and errors of kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"

static sinter_runtime *rt;

static int wrong; /* in the child: calls that did not fail as they should */

#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        if ((call) != SINTER_UNSUPPORTED || !strstr(sinter_last_error(), "forked")) {                                  \
            fprintf(stderr, "in a child: %s: %s\n", #call, sinter_last_error());                                       \
            ++wrong;                                                                                                   \
        }                                                                                                              \
    } while (0)

START_TEST(a_child_after_fork_is_told_by_every_call) {
    static float x[4] = {1, 2, 3, 4}, y[4];
    sinter_plan *plan = make_small(rt, 1);
    sinter_buffer *buffer;
    sinter_queue *queue;
    sinter_kernel *kernel;
    sinter_event *event;
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(4), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    sinter_kernel_source source = {"__kernel void f(__global float *x) { x[0] = 1; }", "f", NULL, NULL};
    must(sinter_buffer_create(rt, 64, &buffer));
    must(sinter_queue_create(rt, &queue));
    must(sinter_kernel_create(rt, &source, &kernel));
    must(sinter_plan_run_async(plan, io, 2, &event));
    pid_t child = fork();
    ck_assert(child >= 0);
    if (child == 0) {
        alarm(20); /* a hang is a failure */
        sinter_graph *g;
        sinter_plan *p;
        sinter_runtime *r;
        sinter_buffer *b;
        sinter_queue *q;
        sinter_kernel *k;
        sinter_event *e;
        void *data;
        size_t count;
        int done;
        uint64_t bytes;
        char *text;
        sinter_shape shape;
        sinter_runtime_stats stats;
        sinter_arg args[] = {SINTER_BUFFER(buffer)};
        sinter_grid grid = {1, {1}, {0}};
        if (sinter_graph_create(&g) != SINTER_OK) _exit(2);
        REFUSED(sinter_runtime_create(NULL, &r));
        REFUSED(sinter_devices_list(NULL, 0, &count));
        REFUSED(sinter_plan_compile(rt, g, NULL, &p));
        REFUSED(sinter_plan_run(plan, io, 2));
        REFUSED(sinter_plan_run_async(plan, io, 2, &e));
        REFUSED(sinter_plan_warm(plan, io, 2, NULL));
        REFUSED(sinter_plan_trace(plan, io, 2, &text));
        REFUSED(sinter_plan_explain(plan, io, 2, 0, &text));
        REFUSED(sinter_plan_output_shape(plan, io, 2, "y", &shape));
        REFUSED(sinter_plan_arena_bytes(plan, io, 2, &bytes));
        REFUSED(sinter_plan_state_read(plan, "s", x, 4));
        REFUSED(sinter_plan_state_write(plan, "s", x, 4));
        REFUSED(sinter_plan_state_reset(plan, NULL));
        REFUSED(sinter_event_wait_for(event, 1, &done));
        REFUSED(sinter_event_call(event, (void (*)(void *, sinter_status))abort, NULL));
        REFUSED(sinter_event_wait(event));
        REFUSED(sinter_buffer_create(rt, 4, &b));
        REFUSED(sinter_buffer_write(buffer, 0, x, 4));
        REFUSED(sinter_buffer_read(buffer, 0, x, 4));
        REFUSED(sinter_buffer_copy(buffer, 0, buffer, 32, 4));
        REFUSED(sinter_buffer_fill(buffer, 0, 4, x, 4));
        REFUSED(sinter_buffer_map(buffer, 0, 4, SINTER_MAP_READ, &data));
        REFUSED(sinter_queue_create(rt, &q));
        REFUSED(sinter_queue_finish(rt, queue));
        REFUSED(sinter_kernel_create(rt, &source, &k));
        REFUSED(sinter_kernel_launch(kernel, &grid, args, 1));
        sinter_event_cancel(event);
        (void)sinter_event_done(event);
        sinter_event_release(event);
        sinter_runtime_get_stats(rt, &stats);
        sinter_runtime_trim(rt, 0);
        sinter_buffer_release(buffer);
        sinter_queue_release(queue);
        sinter_kernel_release(kernel);
        sinter_plan_release(plan);
        sinter_graph_release(g);
        sinter_runtime_release(rt);
        _exit(wrong ? 1 : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", (unsigned)status);
    must(sinter_event_wait(event)); /* the parent is as it was */
    must(sinter_plan_run(plan, io, 2));
    ck_assert_float_eq(y[3], 5);
    sinter_buffer_release(buffer);
    sinter_queue_release(queue);
    sinter_kernel_release(kernel);
    sinter_plan_release(plan);
}
END_TEST

static char heard[20000];

static void hear(void *context, int level, const char *line) {
    (void)context;
    if (level == 1) strncat(heard, line, sizeof heard - strlen(heard) - 1);
}

START_TEST(warnings_of_a_kernel_are_in_the_log) {
    /* another text each time, for the cache on disk has no warnings */
    char text[400];
    sinter_kernel *kernel;
    snprintf(text, sizeof text,
             "#include \"common/math.cl\"\n/* %ld */\n__kernel void g(__global int *x, __global float *y) {\n"
             "    x[0] == 1;\n}\n",
             (long)getpid());
    sinter_kernel_source source = {text, "g", NULL, "mine.cl"};
    sinter_log_set(hear, NULL);
    must(sinter_kernel_create(rt, &source, &kernel));
    sinter_log_set(NULL, NULL);
    ck_assert_msg(strstr(heard, "mine.cl:4") != NULL, "%s", heard);
    ck_assert_msg(strstr(heard, "x[0] == 1;") != NULL, "%s", heard);
    sinter_kernel_release(kernel);
}
END_TEST

START_TEST(an_error_shows_the_lines_around_it_and_no_include) {
    sinter_kernel *kernel;
    sinter_kernel_source source = {"#include \"common/math.cl\"\n__kernel void g(__global int *x) {\n"
                                   "    x[0] = nowhere;\n}\n",
                                   "g", NULL, "mine.cl"};
    ck_assert_int_eq(sinter_kernel_create(rt, &source, &kernel), SINTER_BUILD);
    const char *text = sinter_last_error();
    ck_assert_ptr_nonnull(strstr(text, "> mine.cl:3 |     x[0] = nowhere;"));
    const char *listing = strstr(text, "source:\n");
    ck_assert_ptr_nonnull(listing);
    ck_assert_ptr_null(strstr(listing, "common/"));
    int lines = 0;
    for (const char *at = listing; (at = strchr(at, '\n')) != NULL; ++at) ++lines;
    ck_assert_int_le(lines, 6);
}
END_TEST

START_TEST(a_value_of_another_graph_is_refused) {
    for (int kind = 0; kind < 5; ++kind) {
        sinter_graph *ours, *theirs;
        sinter_plan *plan;
        must(sinter_graph_create(&ours));
        must(sinter_graph_create(&theirs));
        sinter_value x = sinter_input(ours, "x", SINTER_F32, SINTER_SHAPE(4));
        sinter_value y = sinter_input(theirs, "y", SINTER_F32, SINTER_SHAPE(4)), z = sinter_relu(theirs, y);
        sinter_value s = sinter_state(ours, "s", SINTER_F32, SINTER_SHAPE(4));
        if (kind == 0) (void)sinter_add(ours, x, y);
        if (kind == 1) sinter_output(ours, "z", z);
        if (kind == 2) (void)sinter_concat(ours, (sinter_value[]){x, z}, 2, 0);
        if (kind == 3)
            (void)sinter_custom(ours, "float f(float a, float b) { return a + b; }", (sinter_value[]){x, z}, 2);
        if (kind == 4) (void)sinter_state_write(ours, s, z, NULL, 0);
        ck_assert_int_eq(sinter_graph_status(ours), SINTER_INVALID_ARGUMENT);
        ck_assert_msg(strstr(sinter_last_error(), "another graph") != NULL, "%s", sinter_last_error());
        ck_assert_int_eq(sinter_plan_compile(rt, ours, NULL, &plan), SINTER_INVALID_ARGUMENT);
        must(sinter_graph_status(theirs));
        sinter_graph_release(ours);
        sinter_graph_release(theirs);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_child_after_fork_is_told_by_every_call,
        warnings_of_a_kernel_are_in_the_log,
        an_error_shows_the_lines_around_it_and_no_include,
        a_value_of_another_graph_is_refused,
    };
    if (sinter_runtime_create(NULL, &rt) != SINTER_OK) return puts(sinter_last_error()), 1;
    int failed = run_suite(suite_of("misuse", tests, sizeof tests / sizeof *tests));
    sinter_runtime_release(rt);
    return failed;
}
