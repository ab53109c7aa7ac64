/* One memory bound twice, values computed in place, and steps that are no launches: right, or refused. */
#include <CL/cl.h>
#include <sinter/opencl.h>

#include "oracle.h"
#include "plan/plan.h"

static oracle o;
static sinter_graph *g;

static void setup(void) {
    oracle_init(&o);
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
}

static void teardown(void) {
    sinter_graph_release(g);
    oracle_deinit(&o);
}

#define N 40 /* of square matrices */

static void fill(float *x, size_t count) {
    for (size_t i = 0; i < count; ++i) x[i] = (float)(oracle_uniform(&o) * 4 - 2);
}

static sinter_buffer *buffer_of(const float *data, size_t count) {
    sinter_buffer *b;
    ck_assert_int_eq(sinter_buffer_create(o.runtime, count * sizeof *data, &b), SINTER_OK);
    if (data) ck_assert_int_eq(sinter_buffer_write(b, 0, data, count * sizeof *data), SINTER_OK);
    return b;
}

/* The plan of g, whose input "x" and output "y" are N x N, run with both in one buffer; want: run apart. */
static void check_in_place(sinter_buffer *in, sinter_buffer *out, const float *x) {
    static float want[N * N], got[N * N];
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_binding apart[2] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(N, N), (void *)x, sizeof want),
                               SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, want, sizeof want)};
    ck_assert_int_eq(sinter_plan_run(plan, apart, 2), SINTER_OK);
    for (int round = 0; round < 2; ++round) {
        ck_assert_int_eq(sinter_buffer_write(in, 0, x, sizeof want), SINTER_OK);
        sinter_binding b[2] = {{"x", SINTER_F32, SINTER_SHAPE(N, N), NULL, 0, in},
                               {"y", SINTER_F32, SINTER_SCALAR, NULL, 0, out}};
        if (sinter_plan_run(plan, b, 2) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
        ck_assert_int_eq(sinter_buffer_read(out, 0, got, sizeof got), SINTER_OK);
        ck_assert_mem_eq(got, want, sizeof got);
    }
    sinter_plan_release(plan);
}

static void build_graph(int which) {
    static float w[N * N];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(N, N)), y = SINTER_NO_VALUE;
    fill(w, N * N);
    switch (which) {
    case 0:
        y = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(N, N), w, sizeof w));
        break;
    case 1:
        y = sinter_exp(g, sinter_neg(g, x));
        break;
    case 2:
        y = sinter_softmax(g, x, 0);
        break;
    case 3:
        y = sinter_transpose(g, x, SINTER_SHAPE(1, 0));
        break;
    case 4:
        y = sinter_slice(g, x, SINTER_SHAPE(N - 1, 0), SINTER_SHAPE(-1, 1), SINTER_SHAPE(N, N));
        break;
    case 5:
        y = sinter_sub(g, x, sinter_reduce_max(g, x, SINTER_SHAPE(0, 1), 1));
        break;
    case 6:
        y = sinter_matmul(g, x, sinter_matmul(g, x, x));
        break;
    default:
        y = x;
    }
    sinter_output(g, "y", y);
}

START_TEST(one_buffer_as_input_and_output) {
    static float x[N * N];
    fill(x, N * N);
    build_graph(_i);
    sinter_buffer *b = buffer_of(x, N * N);
    check_in_place(b, b, x);
    sinter_buffer_release(b);
}
END_TEST

/* Buffers that only overlap, as parts of one of the caller's. */
START_TEST(overlapping_parts_of_a_buffer) {
    static float x[N * N];
    fill(x, N * N);
    build_graph(_i);
    cl_int error;
    cl_context context = sinter_runtime_cl_context(o.runtime);
    size_t align = o.runtime->caps->mem_align_bytes, bytes = sizeof x;
    cl_mem whole = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes + 4 * align, NULL, &error);
    ck_assert_int_eq(error, CL_SUCCESS);
    sinter_buffer *parts[2];
    for (int i = 0; i < 2; ++i) {
        cl_buffer_region region = {(size_t)i * align, bytes};
        cl_mem part = clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
        ck_assert_int_eq(error, CL_SUCCESS);
        ck_assert_int_eq(sinter_buffer_wrap(o.runtime, part, &parts[i]), SINTER_OK);
        clReleaseMemObject(part);
    }
    check_in_place(parts[0], parts[1], x);
    check_in_place(parts[1], parts[0], x);
    for (int i = 0; i < 2; ++i) sinter_buffer_release(parts[i]);
    clReleaseMemObject(whole);
}
END_TEST

START_TEST(two_outputs_in_one_memory_are_refused) {
    static float data[N];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n")));
    sinter_output(g, "y", sinter_neg(g, x));
    sinter_output(g, "z", sinter_exp(g, x));
    sinter_plan *plan = oracle_compile(&o, g);
    sinter_buffer *b = buffer_of(data, N);
    sinter_binding device[3] = {{"x", SINTER_F32, SINTER_SHAPE(N), data, sizeof data, NULL},
                                {"y", SINTER_F32, SINTER_SCALAR, NULL, 0, b},
                                {"z", SINTER_F32, SINTER_SCALAR, NULL, 0, b}};
    ck_assert_int_eq(sinter_plan_run(plan, device, 3), SINTER_INVALID_ARGUMENT);
    ck_assert_msg(strstr(sinter_last_error(), "'y'") && strstr(sinter_last_error(), "'z'"), "%s", sinter_last_error());
    sinter_binding host[3] = {{"x", SINTER_F32, SINTER_SHAPE(N / 2), data, sizeof data, NULL},
                              {"y", SINTER_F32, SINTER_SCALAR, data, sizeof data / 2, NULL},
                              {"z", SINTER_F32, SINTER_SCALAR, data + 1, sizeof data / 2, NULL}};
    ck_assert_int_eq(sinter_plan_run(plan, host, 3), SINTER_INVALID_ARGUMENT);
    /* Host memory may be an input's and an output's: it is read before it is written. */
    host[2].data = NULL, host[2].dtype = SINTER_DTYPE_NONE;
    data[3] = 5;
    ck_assert_int_eq(sinter_plan_run(plan, host, 2), SINTER_OK);
    ck_assert_float_eq(data[3], -5);
    /* Nothing is written to empty outputs, so they may be anywhere. */
    device[0].shape = SINTER_SHAPE(0);
    ck_assert_int_eq(sinter_plan_run(plan, device, 3), SINTER_OK);
    sinter_buffer_release(b);
    sinter_plan_release(plan);
}
END_TEST

static int count_text(const char *text, const char *what) {
    int count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what)) ++count;
    return count;
}

/* A temporary that takes over its operand's memory: exactly those two parameters are not restrict. */
START_TEST(restrict_is_printed_where_it_holds) {
    static float w[2][N * N];
    fill(w[0], N * N), fill(w[1], N * N);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(N, N));
    sinter_value h = sinter_matmul(g, x, sinter_constant(g, SINTER_F32, SINTER_SHAPE(N, N), w[0], sizeof w[0]));
    sinter_value s = sinter_mul(g, h, sinter_exp(g, x));
    sinter_output(g, "y", sinter_matmul(g, s, sinter_constant(g, SINTER_F32, SINTER_SHAPE(N, N), w[1], sizeof w[1])));
    sinter_plan *plan;
    sinter_plan_options options = SINTER_PLAN_OPTIONS_INIT;
    options.disable_fusion = 1;
    ck_assert_int_eq(sinter_plan_compile(o.runtime, g, &options, &plan), SINTER_OK);
    int in_place = 0;
    for (size_t n = 0; n < plan->step_count; ++n) {
        const sni_step *step = &plan->steps[n];
        int shared = 0;
        for (int b = 0; b < step->loop.buffer_count; ++b) shared += step->loop.buffers[b].may_alias;
        char *head = strdup(strstr(step->spec.source, "__kernel"));
        *strchr(head, '{') = 0; /* the parameters */
        int buffers = count_text(head, "__global"), restricted = count_text(head, "*restrict b");
        free(head);
        ck_assert_int_eq(buffers - shared, restricted);
        in_place += shared > 0;
    }
    ck_assert_int_gt(in_place, 0);
    sinter_shape shape = SINTER_SHAPE(N, N);
    oracle_check_plan(&o, g, plan, &shape, 4000);
    sinter_plan_release(plan);
}
END_TEST

/* Outputs that only rename or cut an input, or are one number, take a copy or a fill. */
START_TEST(copies_and_fills_are_no_launches) {
    sinter_dim n = SINTER_DIM("n");
    sinter_value x = sinter_input(g, "x", SINTER_I64, SINTER_SHAPE(n, 6));
    sinter_output(g, "same", x);
    sinter_output(g, "flat", sinter_reshape(g, x, SINTER_SHAPE(1, n, 2, 3)));
    sinter_output(g, "rest", sinter_slice(g, x, SINTER_SHAPE(1, 0), SINTER_SHAPE(1, 1), SINTER_SHAPE(1, 6)));
    sinter_output(g, "sevens", sinter_expand(g, sinter_scalar(g, SINTER_BF16, 7), SINTER_SHAPE(n, 3)));
    sinter_plan *plan = oracle_compile(&o, g);
    ck_assert_uint_eq(oracle_launches(plan), 0);
    int kinds[4] = {0};
    for (size_t i = 0; i < plan->step_count; ++i) ++kinds[plan->steps[i].kind];
    ck_assert_int_eq(kinds[SNI_STEP_COPY], 3);
    ck_assert_int_eq(kinds[SNI_STEP_FILL], 1);
    for (int64_t rows = 2; rows < 5; ++rows) {
        sinter_shape shape = SINTER_SHAPE(rows, 6);
        oracle_check_plan(&o, g, plan, &shape, 1);
    }
    sinter_plan_release(plan);
}
END_TEST

/* Every step waits for the writers of what it reads and for the readers of what it writes. */
START_TEST(steps_say_what_they_wait_for) {
    static float w[N * N];
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(N, N));
    sinter_value c = sinter_constant(g, SINTER_F32, SINTER_SHAPE(N, N), w, sizeof w);
    sinter_value a = sinter_matmul(g, x, c), b = sinter_matmul(g, c, x);
    sinter_output(g, "y", sinter_matmul(g, a, b));
    sinter_plan *plan = oracle_compile(&o, g);
    ck_assert_uint_eq(plan->step_count, 3);
    ck_assert_int_eq(plan->steps[0].wait_count, 0);
    ck_assert_int_eq(plan->steps[1].wait_count, 0);
    ck_assert_int_eq(plan->steps[2].wait_count, 2);
    ck_assert_int_eq(plan->steps[2].waits[0] + plan->steps[2].waits[1], 1);
    char *text;
    sinter_binding bind = SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(N, N), NULL, 0);
    ck_assert_int_eq(sinter_plan_explain(plan, &bind, 1, 0, &text), SINTER_OK);
    ck_assert_msg(strstr(text, "waits for: 1, 2") || strstr(text, "waits for: 2, 1"), "%s", text);
    sinter_free(text);
    sinter_plan_release(plan);
}
END_TEST

/* A library's function in the place of a kernel: it gets memory, offsets and numbers as a kernel would. */
typedef struct heard {
    int calls, count;
    int64_t number;
} heard;

static sinter_status fake_double(const sni_library *library, sni_device *device, const sni_library_arg *args,
                                 int count) {
    heard *h = (heard *)(uintptr_t)library->context;
    float data[6];
    ++h->calls, h->count = count, h->number = args[count - 1].number;
    ck_assert_int_eq(sni_queue_finish(device), SINTER_OK);
    ck_assert_int_eq(sni_mem_read(args[0].mem, args[0].offset_elements * 4, data, sizeof data, true), SINTER_OK);
    for (int i = 0; i < 6; ++i) data[i] *= 2;
    return sni_mem_write((sni_mem *)(uintptr_t)args[1].mem, args[1].offset_elements * 4, data, sizeof data, true);
}

START_TEST(a_library_call_is_a_step) {
    static heard h;
    static sni_library library = {"fake double", fake_double, &h};
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("n"), 3));
    sinter_output(g, "y", sinter_add(g, x, x));
    sinter_plan *plan = oracle_compile(&o, g);
    sni_step *step = &plan->steps[0];
    int in = step->loop.buffers[0].is_output;
    step->kind = SNI_STEP_CALL;
    step->spec.library = &library;
    step->spec.arg_count = 5;
    step->spec.args[0] = (sni_karg){.kind = SNI_KARG_BUFFER, .buffer = in};
    step->spec.args[1] = (sni_karg){.kind = SNI_KARG_OFFSET, .buffer = in};
    step->spec.args[2] = (sni_karg){.kind = SNI_KARG_BUFFER, .buffer = 1 - in};
    step->spec.args[3] = (sni_karg){.kind = SNI_KARG_OFFSET, .buffer = 1 - in};
    step->spec.args[4] = (sni_karg){.kind = SNI_KARG_INDEX, .expr = step->loop.buffers[0].count};
    sinter_shape shape = SINTER_SHAPE(2, 3);
    oracle_check_plan(&o, g, plan, &shape, 1);
    ck_assert_int_eq(h.calls, 2);
    ck_assert_int_eq(h.count, 3);
    ck_assert_int_eq(h.number, 6);
    sinter_plan_release(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("alias");
    TCase *tc = tcase_create("alias");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, one_buffer_as_input_and_output, 0, 8);
    tcase_add_loop_test(tc, overlapping_parts_of_a_buffer, 0, 4);
    tcase_add_test(tc, two_outputs_in_one_memory_are_refused);
    tcase_add_test(tc, restrict_is_printed_where_it_holds);
    tcase_add_test(tc, copies_and_fills_are_no_launches);
    tcase_add_test(tc, steps_say_what_they_wait_for);
    tcase_add_test(tc, a_library_call_is_a_step);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
