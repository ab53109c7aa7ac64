/* The contraction templates against sums in double: hand-built programs with every layout of the
 * operands, prologues (16-bit storage, windows of padded pictures, gathers), epilogues, edges and
 * empty sizes. A result may differ from the exact one by what rounding k products and sums can do,
 * no more. */
#include "check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "contract_program.h"
#include "contract_run.h"

static test_device test;
static bool wide; /* indices of 64 bits, as for sizes that 32 bits do not hold */

static void launch(contraction *p, const sni_kspec *spec) {
    contraction_launch(&test, p, spec, wide);
}

/* ---- Devices that the strategies are shown
 * -------------------------------------------------------- */

/* The real device, seen as a class and with other limits than it has. */
typedef struct view {
    const char *strategy;
    sni_device_class device_class;
    uint32_t width, compute_units;
    uint64_t local_bytes; /* 0: the device's */
} view;

static const view views[] = {
    {"cpu_gemm", SNI_DEVICE_CPU, 0, 0, 0}, {"cpu_gemm", SNI_DEVICE_CPU, 4, 64, 20000},
    {"gpu_gemm", SNI_DEVICE_GPU, 0, 1, 0}, {"gpu_gemm", SNI_DEVICE_GPU, 0, 200, 20000},
    {"gpu_gemv", SNI_DEVICE_GPU, 0, 1, 0}, {"gpu_gemv", SNI_DEVICE_GPU, 0, 200, 0},
};
enum { VIEWS = 4, SKINNY_VIEW = VIEWS, ALL_VIEWS = sizeof views / sizeof views[0] };

static sni_caps caps_of(const view *v) {
    sni_caps caps = test.device->caps;
    caps.device_class = v->device_class;
    if (v->width != 0) caps.native_float_width = v->width;
    if (v->device_class == SNI_DEVICE_CPU) caps.work_items_are_lanes = false;
    if (v->compute_units != 0) caps.compute_units = v->compute_units;
    if (v->local_bytes != 0 && v->local_bytes < caps.local_bytes) caps.local_bytes = v->local_bytes;
    return caps;
}

/* Under Oclgrind a product takes seconds: SINTER_TEST_EVERY=N runs one of N. */
static bool passed_over(void) {
    static long number;
    const char *every = getenv("SINTER_TEST_EVERY");
    long n = every != NULL ? strtol(every, NULL, 10) : 1;
    return n > 1 && number++ % n != 0;
}

static void run_on(const shape *s, const view *v) {
    contraction p;
    if (passed_over()) return;
    sni_kspec spec;
    sni_caps caps = caps_of(v);
    ck_assert_msg(program_init(&p, s), "cannot build the program %s", s->label);
    sinter_status status = sni_codegen(&p.loop, &caps, v->strategy, p.arena, &spec);
    ck_assert_msg(status == SINTER_OK, "%s: %s", s->label, sinter_last_error());
    launch(&p, &spec);
    char message[256];
    bool ok = program_check(&p, message, sizeof message);
    if (!ok) fprintf(stderr, "%s\n", spec.source);
    ck_assert_msg(ok, "%s by %s (%s), width %u, %u units: %s", s->label, spec.strategy, spec.notes,
                  (unsigned)caps.native_float_width, (unsigned)caps.compute_units, message);
    program_deinit(&p);
}

/* On every view; those with foreign limits only when all is set. Where work-items are lanes a
 * compiler takes seconds for each of the CPU's kernels, which are not for such devices: a few are
 * enough. */
static void run(const shape *s, bool all) {
    for (int i = 0; i < VIEWS; ++i) {
        if (test.device->caps.work_items_are_lanes && views[i].device_class == SNI_DEVICE_CPU) continue;
        if (all || i % 2 == 0) run_on(s, &views[i]);
    }
}

static shape matmul(const char *label, int64_t b, int64_t m, int64_t n, int64_t k) {
    shape s = {.label = label, .a = SINTER_F32, .b = SINTER_F32, .out = SINTER_F32, .sum = SINTER_F32};
    shape_axis(&s, 'b', b);
    shape_axis(&s, 'm', m);
    shape_axis(&s, 'n', n);
    shape_axis(&s, 'k', k);
    shape_layouts(&s, "bmk", "bkn", "bmn");
    return s;
}

/* ---- Cases
 * ---------------------------------------------------------------------------------------- */

START_TEST(test_layouts) {
    static const char *const a[] = {"bmk", "bkm", "mbk", "kmb"}, *const b[] = {"bkn", "bnk", "nbk", "knb"};
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
            char label[32];
            snprintf(label, sizeof label, "A[%s] B[%s]", a[i], b[j]);
            shape s = matmul(label, 2, 19, 37, 45);
            shape_layouts(&s, a[i], b[j], (i + j) % 2 ? "bnm" : "bmn");
            run(&s, i == j);
        }
}
END_TEST

/* With names for the sizes one kernel runs all of them; some are built for their sizes too. */
START_TEST(test_sizes) {
    static const int64_t sizes[][3] = {{1, 1, 1},      {1, 1, 7},     {1, 64, 64},  {64, 1, 64},  {1, 100, 3},
                                       {100, 2, 5},    {2, 33, 17},   {3, 31, 257}, {5, 16, 256}, {6, 32, 512},
                                       {7, 17, 13},    {8, 8, 8},     {11, 96, 1},  {13, 97, 31}, {47, 53, 59},
                                       {128, 128, 16}, {131, 137, 20}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        char label[64];
        snprintf(label, sizeof label, "%dx%dx%d", (int)sizes[i][0], (int)sizes[i][1], (int)sizes[i][2]);
        shape s = matmul(label, 1, sizes[i][0], sizes[i][1], sizes[i][2]);
        if (i % 4 == 0) run(&s, false);
        s.symbolic = true;
        run(&s, true);
    }
}
END_TEST

/* More than one block in every direction. */
START_TEST(test_large) {
    shape s = matmul("large", 1, 401, 523, 601);
    run(&s, false);
    s.symbolic = true;
    shape_layouts(&s, "km", "nk", "mn");
    run_on(&s, &views[0]);
}
END_TEST

START_TEST(test_empty) {
    static const int64_t sizes[][4] = {{1, 5, 9, 0}, {1, 0, 9, 4}, {1, 5, 0, 4}, {0, 5, 9, 4}, {3, 40, 50, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        shape s = matmul("empty", sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
        run(&s, true);
        s.symbolic = true;
        s.bias = s.relu = true;
        run(&s, true);
    }
}
END_TEST

START_TEST(test_several_axes) {
    shape s = {.label = "two axes each", .a = SINTER_F32, .b = SINTER_F32, .out = SINTER_F32, .sum = SINTER_F32};
    shape_axis(&s, 'b', 2);
    shape_axis(&s, 'c', 2);
    shape_axis(&s, 'm', 3);
    shape_axis(&s, 'o', 7);
    shape_axis(&s, 'n', 5);
    shape_axis(&s, 'p', 18);
    shape_axis(&s, 'k', 4);
    shape_axis(&s, 'l', 9);
    static const char *const layouts[][3] = {{"bcmokl", "bcklnp", "bcmonp"}, /* all collapse */
                                             {"bmcokl", "kbclnp", "bcmnop"},
                                             {"cbklmo", "bckpln", "bcnmpo"},
                                             {"lbkcmo", "pblcnk", "pbcnmo"}};
    for (int i = 0; i < 4; ++i) {
        shape_layouts(&s, layouts[i][0], layouts[i][1], layouts[i][2]);
        s.bias = s.residual = i % 2 == 1;
        s.symbolic = false;
        run(&s, true);
        s.symbolic = true;
        run(&s, false);
    }
}
END_TEST

START_TEST(test_broadcast_batch) {
    shape s = matmul("A without batch", 3, 21, 34, 40);
    shape_layouts(&s, "mk", "bkn", "bmn");
    run(&s, true);
    shape_layouts(&s, "bmk", "nk", "mbn");
    s.label = "B without batch";
    run(&s, true);
    shape_layouts(&s, "bm", "bkn", "bmn");
    s.label = "A without k";
    run(&s, true);
    shape_layouts(&s, "bmk", "bk", "bmn");
    s.label = "B without n";
    run(&s, true);
}
END_TEST

START_TEST(test_epilogue) {
    for (int bits = 1; bits < 8; ++bits)
        for (int layout = 0; layout < 2; ++layout) {
            shape s = matmul("epilogue", 2, 29, 44, 65);
            s.bias = bits & 1;
            s.relu = bits >> 1 & 1;
            s.residual = bits >> 2;
            s.two_outputs = bits == 7;
            if (layout == 1) shape_layouts(&s, "bmk", "bkn", "nbm");
            run(&s, bits == 7);
        }
}
END_TEST

START_TEST(test_dtypes) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16, SINTER_I8};
    for (int a = 0; a < 4; ++a)
        for (int b = 0; b < 4; ++b) {
            shape s = matmul("storage", 1, 33, 52, 70);
            s.a = dtypes[a];
            s.b = dtypes[b];
            s.out = s.sum = a < 3 && b < 3 ? dtypes[a > b ? a : b] : SINTER_F32;
            if ((a + b) % 2 == 1) shape_layouts(&s, "km", "nk", "mn");
            run(&s, a == b);
        }
}
END_TEST

START_TEST(test_double) {
    shape s = matmul("f64", 2, 35, 50, 300);
    s.a = s.b = s.out = s.sum = SINTER_F64;
    if (!test.device->caps.has_f64) return;
    run(&s, true);
    shape_layouts(&s, "bkm", "bnk", "bmn");
    s.bias = s.relu = true;
    run(&s, true);
}
END_TEST

START_TEST(test_windows) {
    static const window windows[] = {
        /* batch, channels, height, width, outputs, kernel, stride, padding, dilation */
        {2, 3, 9, 21, 7, 3, 1, 1, 1},  {1, 4, 8, 8, 5, 1, 1, 0, 1},     {1, 2, 12, 40, 9, 5, 1, 2, 1},
        {2, 3, 11, 13, 4, 3, 2, 1, 1}, {1, 2, 15, 35, 6, 3, 1, 2, 2},   {3, 1, 28, 28, 8, 5, 1, 0, 1},
        {1, 5, 6, 66, 33, 3, 1, 1, 1}, {1, 16, 14, 14, 20, 3, 2, 1, 1},
    };
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; ++i) {
        char label[64];
        snprintf(label, sizeof label, "window %d", (int)i);
        shape s = {.label = label, .a = SINTER_F32, .b = SINTER_F32, .out = SINTER_F32, .sum = SINTER_F32};
        s.is_window = true;
        s.window = windows[i];
        run(&s, i < 3);
        s.symbolic = s.bias = s.relu = true;
        s.b = i % 2 ? SINTER_F16 : SINTER_F32;
        s.window_is_a = i % 3 == 0;
        s.batch_in_n = i % 3 != 0;
        run(&s, false);
    }
}
END_TEST

/* Rows of A that another input names, as embeddings and mixtures of experts read them. */
START_TEST(test_gather) {
    shape s = matmul("gather", 1, 26, 40, 48);
    s.gather = true;
    run(&s, true);
    shape_layouts(&s, "km", "nk", "mn");
    run(&s, true);
}
END_TEST

/* Few rows, few columns; the long operand along either of its sides, aligned or not; edges of blocks of k; batches,
 * prologues, epilogues, doubles. */
START_TEST(test_skinny) {
    static const int64_t few[] = {1, 2, 3, 4};
    static const int64_t sizes[][2] = {{1, 9}, {33, 7}, {64, 1030}, {130, 260}, {257, 129}, {40, 2052}, {300, 64}};
    for (int i = 0; i < 7; ++i)
        for (int j = 0; j < 4; ++j) {
            int64_t n = sizes[i][0], k = sizes[i][1];
            shape s = matmul("skinny", 1 + j % 2, few[(i + j) % 4], n, k);
            if (j >= 2) s = matmul("skinny columns", 1 + j % 2, n, few[(i + j) % 4], k);
            shape_layouts(&s, i % 2 ? "bmk" : "bkm", j % 2 ? "bkn" : "bnk", i % 3 ? "bmn" : "bnm");
            s.bias = j == 1;
            s.relu = j == 3;
            if (i % 3 == 2) s.a = SINTER_F16;
            if (i % 3 == 1) s.b = SINTER_BF16;
            for (int v = SKINNY_VIEW; v < ALL_VIEWS; ++v) run_on(&s, &views[v]);
        }
    shape d = matmul("double", 2, 4, 36, 1100);
    d.a = d.b = d.out = d.sum = SINTER_F64;
    if (test.device->caps.has_f64) run_on(&d, &views[SKINNY_VIEW]);
    shape empty = matmul("no k", 2, 4, 36, 0), rows = matmul("gather", 1, 3, 40, 48);
    run_on(&empty, &views[SKINNY_VIEW]);
    rows.gather = true;
    run_on(&rows, &views[SKINNY_VIEW]);
    wide = true;
    run_on(&rows, &views[SKINNY_VIEW]);
    wide = false;
}
END_TEST

START_TEST(test_refusals) {
    shape s = matmul("integers", 1, 4, 4, 4);
    s.a = s.b = s.out = s.sum = SINTER_I32;
    contraction p;
    sni_kspec spec;
    ck_assert(program_init(&p, &s));
    for (int i = 0; i < VIEWS; ++i) {
        sni_caps caps = caps_of(&views[i]);
        ck_assert_int_eq(sni_codegen(&p.loop, &caps, views[i].strategy, p.arena, &spec), SINTER_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(sinter_last_error(), "integers"));
    }
    program_deinit(&p);
    s = matmul("wrong class", 1, 4, 4, 4);
    ck_assert(program_init(&p, &s));
    sni_caps caps = caps_of(&views[0]);
    ck_assert_int_eq(sni_codegen(&p.loop, &caps, "gpu_gemm", p.arena, &spec), SINTER_UNSUPPORTED);
    caps.local_bytes = 1000;
    caps.local_counts_twice = false;
    ck_assert_int_eq(sni_codegen(&p.loop, &caps, "cpu_gemm", p.arena, &spec), SINTER_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "local memory"));
    program_deinit(&p);
}
END_TEST

START_TEST(test_wide_indices) {
    shape s = matmul("wide", 2, 29, 41, 70), w = s;
    shape_layouts(&s, "bkm", "bnk", "bmn");
    s.symbolic = s.bias = true;
    w.is_window = w.symbolic = w.relu = true;
    w.axis_count = 0;
    w.window = (window){2, 3, 9, 37, 7, 3, 1, 1, 1};
    wide = true;
    run(&s, false);
    run(&w, false);
    wide = false;
}
END_TEST

/* Memory runs out at every allocation in turn, until it does not. */
START_TEST(test_out_of_memory) {
    shape s = matmul("out of memory", 2, 9, 20, 33);
    s.symbolic = s.bias = s.relu = true;
    for (int i = 0; i < VIEWS; i += 2) {
        sinter_status status = SINTER_OUT_OF_MEMORY;
        for (int64_t nth = 1; status != SINTER_OK; ++nth) {
            contraction p;
            sni_kspec spec;
            sni_caps caps = caps_of(&views[i]);
            ck_assert(program_init(&p, &s));
            sni_alloc_fail_at(nth);
            status = sni_codegen(&p.loop, &caps, views[i].strategy, p.arena, &spec);
            sni_alloc_fail_at(0);
            program_deinit(&p);
            ck_assert_int_lt(nth, 100000);
        }
    }
}
END_TEST

/* The same bits every time, and from every number of compute units that a launch is cut for. */
START_TEST(test_repeatable) {
    shape s = matmul("repeatable", 1, 70, 90, 700);
    float *first = NULL;
    for (uint32_t units = 1; units <= 16; units *= 4) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = caps_of(&views[0]);
        caps.compute_units = units;
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, "cpu_gemm", p.arena, &spec));
        launch(&p, &spec);
        size_t bytes = (size_t)p.tensors[2].count * sizeof(float);
        if (first == NULL) {
            first = malloc(bytes);
            ck_assert_ptr_nonnull(first);
            memcpy(first, p.tensors[2].data, bytes);
        } else {
            ck_assert_int_eq(memcmp(first, p.tensors[2].data, bytes), 0);
        }
        program_deinit(&p);
    }
    free(first);
}
END_TEST

/* What a rule chooses can be written down and read again: a record may hold it. */
static void check_round_trip(const sni_schedule *schedule) {
    sni_str text = SNI_STR_INIT;
    sni_schedule read;
    sni_codegen_print_schedule(schedule, &text);
    must(sni_codegen_parse_schedule(schedule->strategy, sni_str_text(&text), &read));
    ck_assert(sni_schedule_equal(schedule, &read));
    sni_str_deinit(&text);
}

/* Every candidate is generated; one of EVERY is run and must be right. The first one is what no schedule gives. */
static void run_candidates(const shape *s, const view *v, size_t every) {
    contraction p;
    sni_caps caps = caps_of(v);
    sni_candidates list = {.items = NULL};
    sni_kspec spec, rule;
    char message[256];
    ck_assert(program_init(&p, s));
    must(sni_codegen(&p.loop, &caps, v->strategy, p.arena, &rule));
    must(sni_candidates_around(&list, &p.loop, &caps, &rule.schedule, 1000));
    ck_assert(sni_schedule_equal(&list.items[0], &rule.schedule));
    check_round_trip(&rule.schedule);
    for (size_t i = 0; i < list.count; ++i) {
        must(sni_codegen_as(&p.loop, &caps, &list.items[i], p.arena, &spec));
        ck_assert(sni_schedule_equal(&list.items[i], &spec.schedule));
        ck_assert(i > 0 || strcmp(spec.source, rule.source) == 0);
        if (i % every != 0) continue;
        launch(&p, &spec);
        ck_assert_msg(program_check(&p, message, sizeof message), "%s, candidate %zu of %s: %s", s->label, i,
                      v->strategy, message);
    }
    sni_candidates_deinit(&list);
    program_deinit(&p);
}

START_TEST(test_candidates) {
    if (test.device->caps.work_items_are_lanes || passed_over()) return;
    shape s = matmul("candidates", 2, 61, 93, 150), t = s;
    s.symbolic = s.bias = true;
    shape_layouts(&t, "bkm", "bnk", "bmn");
    run_candidates(&s, &views[0], 67);
    run_candidates(&t, &views[0], 79);
    run_candidates(&t, &views[2], 79);
}
END_TEST

/* What a schedule may not say. */
START_TEST(test_bad_schedules) {
    contraction p;
    sni_kspec spec;
    sni_caps caps = caps_of(&views[0]);
    shape s = matmul("bad schedules", 1, 8, 8, 8);
    sni_schedule schedule = {.strategy = "cpu_gemm", .values = {100}};
    ck_assert(program_init(&p, &s));
    ck_assert_int_eq(sni_codegen_as(&p.loop, &caps, &schedule, p.arena, &spec), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "kc=100 is no value"));
    caps.local_bytes = 100000;
    schedule.values[0] = 512;
    schedule.values[1] = 512;
    ck_assert_int_eq(sni_codegen_as(&p.loop, &caps, &schedule, p.arena, &spec), SINTER_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "do not fit in local memory"));
    schedule.strategy = "gpu_row";
    ck_assert_int_eq(sni_codegen_as(&p.loop, &caps, &schedule, p.arena, &spec), SINTER_UNSUPPORTED);
    schedule.strategy = "none";
    ck_assert_int_eq(sni_codegen_as(&p.loop, &caps, &schedule, p.arena, &spec), SINTER_INVALID_ARGUMENT);
    program_deinit(&p);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_layouts,  test_sizes,        test_large,         test_empty,      test_several_axes, test_broadcast_batch,
        test_epilogue, test_dtypes,       test_double,        test_windows,    test_gather,       test_skinny,
        test_refusals, test_wide_indices, test_out_of_memory, test_repeatable, test_candidates,   test_bad_schedules};
    test_device_open(&test);
    int result = run_suite(suite_of("codegen/contract", tests, sizeof tests / sizeof tests[0]));
    test_device_close(&test);
    return result;
}
