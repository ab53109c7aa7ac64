/* Products of f32 as planes of bf16. Where the device has wgmma: every tile, direction, edge, prologue and epilogue against sums
 * in double, within the bound that the strategy states, over the whole range of exponents, with zeros, infinities and NaN.
 * Elsewhere: that planes hold every f32 (cl/gemm/planes.cl runs on any device), what is accepted, and the kernel's text. */
#include "check_main.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "contract_run.h"
#include "device/wgmma.h"
#include "kernel/embedded.h"
#include "kernel/patch.h"
#include "kernel/source.h"
#include "runtime/probe.h"

static test_device test;

static sni_caps made_up(void) {
    sni_caps caps = test.device->caps;
    caps.device_class = SNI_DEVICE_GPU;
    caps.has_inline_ptx = true;
    caps.nv_compute_major = 9;
    caps.nv_compute_minor = 0;
    caps.wgmma = 3;
    caps.static_local_bytes = 224 << 10;
    caps.compute_units = 132;
    caps.max_work_group = caps.max_work_item[0] = 1024;
    return caps;
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

/* ---- Planes ---- */

/* Splits numbers; p0 + p1 + p2 is exact in double. */
static const char split_text[] = "#include \"gemm/planes.cl\"\n"
                                 "__kernel void split(__global const uint4 *x, __global uint2 *planes) {\n"
                                 "    const int i = (int)get_global_id(0);\n"
                                 "    uint2 p0, p1, p2;\n"
                                 "    sn_planes_split(x[i], &p0, &p1, &p2);\n"
                                 "    planes[3 * i] = p0;\n"
                                 "    planes[3 * i + 1] = p1;\n"
                                 "    planes[3 * i + 2] = p2;\n"
                                 "}\n";

enum { NUMBERS = 1 << 18 };

static double plane(const uint16_t *planes, int i, int p) {
    uint32_t bits = (uint32_t)planes[(i / 4 * 3 + p) * 4 + i % 4] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void split_all(const uint32_t *numbers, uint16_t *planes) {
    sni_program_source source = {.text = split_text, .entry = "split"};
    sni_program *program;
    sni_launch *launch;
    sni_mem *in, *out;
    const size_t items = NUMBERS / 4;
    must(sni_mem_acquire(test.pool, NUMBERS * 4, &in));
    must(sni_mem_acquire(test.pool, NUMBERS * 6, &out));
    must(sni_mem_write(in, 0, numbers, NUMBERS * 4, true));
    must(sni_program_build(test.cache, &source, &program));
    must(sni_launch_create(program, &launch));
    must(sni_launch_set_mem(launch, 0, in));
    must(sni_launch_set_mem(launch, 1, out));
    must(sni_launch_enqueue(launch, 1, &items, NULL, false, NULL));
    must(sni_mem_read(out, 0, planes, NUMBERS * 6, true));
    sni_launch_release(launch);
    sni_program_release(program);
    sni_mem_release(in);
    sni_mem_release(out);
}

START_TEST(test_split) {
    uint32_t *numbers = malloc(NUMBERS * 4), x = 1;
    uint16_t *planes = malloc(NUMBERS * 6);
    for (int i = 0; i < NUMBERS; ++i) {
        x = x * 1664525 + 1013904223; /* every exponent, both signs; some with few bits */
        numbers[i] = (uint32_t)i << 23 | (i % 3 == 0 ? x >> 9 : i % 3 == 1 ? x >> 29 : 0x7fffffu ^ x >> 30);
    }
    split_all(numbers, planes);
    for (int i = 0; i < NUMBERS; ++i) {
        float value;
        memcpy(&value, &numbers[i], sizeof value);
        double sum = plane(planes, i, 0) + plane(planes, i, 1) + plane(planes, i, 2);
        if (!(fabsf(value) < 0x1p111f)) {
            ck_assert_msg(!isfinite(sum) || sum == value * 0x1p16, "%g has planes of %g", value, sum);
            continue;
        }
        ck_assert_msg(sum == value * 0x1p16, "%a has planes of %a, not of %a", value, sum, value * 0x1p16);
        ck_assert(fabs(plane(planes, i, 1)) <= 0x1p-8 * fabs(value * 0x1p16));
        ck_assert(fabs(plane(planes, i, 2)) <= 0x1p-16 * fabs(value * 0x1p16));
    }
    free(numbers);
    free(planes);
}
END_TEST

/* ---- Products ---- */

/* Values of 0 are the rule's. units: fewer than the device has, so that work-groups walk over several tiles. */
static bool start(contraction *p, const shape *s, sni_kspec *spec, int groups, int bn, int stages, uint32_t units) {
    sni_caps caps = test.device->caps;
    sni_schedule schedule = {.strategy = "gpu_planes", .values = {groups, bn, stages}};
    if (caps.wgmma == 0) return false;
    ck_assert_msg(program_init(p, s), "cannot build the program %s", s->label);
    if (units > 0) caps.compute_units = units;
    sinter_status status = sni_codegen_as(&p->loop, &caps, &schedule, p->arena, spec);
    ck_assert_msg(status == SINTER_OK, "%s: %s", s->label, sinter_last_error());
    return true;
}

static void run_as(const shape *s, int groups, int bn, int stages, uint32_t units) {
    contraction p;
    sni_kspec spec;
    char message[256];
    if (!start(&p, s, &spec, groups, bn, stages, units)) return;
    contraction_launch(&test, &p, &spec, false);
    bool ok = program_check(&p, message, sizeof message);
    if (!ok) fprintf(stderr, "%s\n", spec.source);
    ck_assert_msg(ok, "%s by %s: %s", s->label, spec.notes, message);
    program_deinit(&p);
}

static const char *const layouts_a[] = {"bmk", "bkm"}, *const layouts_b[] = {"bkn", "bnk"};

START_TEST(test_layouts) {
    for (int i = 0; i < 12; ++i) {
        shape s = i < 8 ? matmul("layouts", 2, 136, 200, 264) : matmul("odd layouts", 1, 131, 197, 259);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2 % 2], i == 5 ? "bnm" : "bmn");
        s.bias = i % 2;
        s.relu = i == 3 || i == 4;
        s.residual = i == 6;
        s.symbolic = i == 7 || i == 8;
        run_as(&s, 0, 0, 0, 1);
    }
}
END_TEST

START_TEST(test_tiles) {
    static const int tiles[][3] = {{1, 64, 6}, {1, 128, 4}, {2, 64, 5}, {2, 128, 4}, {2, 128, 2}, {1, 64, 2}};
    for (size_t i = 0; i < 4 * sizeof tiles / sizeof *tiles; ++i) {
        const int *tile = tiles[i / 4];
        shape s = matmul("tiles", 1, 312, 520, 72 + 64 * (int64_t)i);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2 % 2], "bmn");
        run_as(&s, tile[0], tile[1], tile[2], 1 + (uint32_t)i % 5);
    }
}
END_TEST

START_TEST(test_random_shapes) {
    srand(11);
    for (int i = 0; i < 24; ++i) {
        shape s = matmul("random", 1 + rand() % 3, 40 + rand() % 400, 40 + rand() % 500, 64 + rand() % 700);
        shape_layouts(&s, layouts_a[rand() % 2], layouts_b[rand() % 2], "bmn");
        s.bias = rand() % 2;
        s.residual = rand() % 2;
        run_as(&s, 0, 0, 0, 1);
    }
}
END_TEST

static shape windowed(bool is_a, window w) {
    shape s = {.label = "window", .a = SINTER_F32, .b = SINTER_F32, .out = SINTER_F32, .sum = SINTER_F32};
    s.is_window = true;
    s.window_is_a = is_a;
    s.window = w;
    return s;
}

START_TEST(test_prologues) {
    static const window windows[] = {{2, 16, 20, 20, 64, 3, 1, 1, 1},
                                     {1, 32, 33, 31, 72, 3, 2, 1, 1},
                                     {2, 64, 12, 12, 48, 1, 1, 0, 1},
                                     {1, 9, 40, 40, 64, 5, 1, 2, 2},
                                     {2, 3, 45, 45, 64, 7, 2, 3, 1}};
    for (int i = 0; i < 15; ++i) {
        shape s = windowed(i / 5 == 1, windows[i % 5]);
        s.batch_in_n = i / 5 == 2;
        s.bias = s.relu = i % 2;
        run_as(&s, 1 + i % 2, 64 << i / 2 % 2, 0, 1);
    }
    shape wide = matmul("widened", 2, 72, 88, 2048);
    wide.a = wide.b = SINTER_BF16;
    wide.widened = true;
    run_as(&wide, 0, 0, 0, 1);
    shape list = matmul("gather", 1, 72, 88, 128);
    list.gather = true;
    run_as(&list, 0, 0, 0, 1);
}
END_TEST

/* Two planes: numbers of few bits come out as exactly. */
START_TEST(test_rounding) {
    contraction p;
    sni_kspec spec;
    char message[256];
    sni_caps caps = test.device->caps;
    shape s = matmul("rounding", 1, 200, 300, 400);
    if (caps.wgmma == 0) return;
    caps.may_round = true;
    ck_assert(program_init(&p, &s));
    for (int operand = 0; operand < 2; ++operand)
        for (int64_t i = 0; i < p.tensors[operand].count; ++i)
            ((float *)p.tensors[operand].data)[i] = (float)(rand() % 32000 - 16000);
    must(sni_codegen(&p.loop, &caps, "gpu_planes", p.arena, &spec));
    ck_assert_ptr_nonnull(strstr(spec.notes, "2 planes"));
    contraction_launch(&test, &p, &spec, false);
    ck_assert_msg(program_check(&p, message, sizeof message), "%s", message);
    program_deinit(&p);
}
END_TEST

/* ---- The bound ---- */

typedef enum inputs { SIGNED, POSITIVE, MIXED, ANY, TINY, SMALLEST, HUGE_A, SPECIAL, INPUTS } inputs;

static float draw(inputs kind, int operand) {
    double u = (rand() + 0.5) / (RAND_MAX + 1.0) * 2 - 1, v = (rand() + 0.5) / (RAND_MAX + 1.0) * 2 - 1;
    if (kind == SPECIAL && rand() % 997 == 0) return rand() % 3 ? (rand() % 2 ? INFINITY : -INFINITY) : NAN;
    switch (kind) {
    case POSITIVE:
        return (float)fabs(u);
    case MIXED:
        return (float)copysign(exp2(20 * v), u);
    case ANY:
        return (float)copysign(exp2(60 * v), u); /* products from 2^-120 to 2^120 */
    case TINY:
        return (float)(operand == 0 ? u * 1e-36 : u);
    case SMALLEST:
        return (float)(operand == 0 ? u * 1e-39 : u);
    case HUGE_A:
        return (float)(operand == 0 ? u * 3.3e38 : u * 1e-3);
    default:
        return rand() % 50 == 0 ? 0.0f : (float)u;
    }
}

/* In units of 2^-24 of the sum of magnitudes, and what lies below f32. */
static void check_bound(const contraction *p, inputs kind, const char *notes, int m, int n, int k) {
    const float *a = p->tensors[0].data, *b = p->tensors[1].data, *c = p->tensors[2].data;
    double most = 0, squares = 0;
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = 0, magnitude = 0, got = c[i * n + j];
            for (int at = 0; at < k; ++at) {
                double product = (double)a[i * k + at] * b[at * n + j];
                sum += product;
                magnitude += fabs(product);
            }
            if (!isfinite(sum)) {
                ck_assert_msg(isnan(sum) ? isnan(got) : got == sum, "%g instead of %g", got, sum);
                continue;
            }
            double error = fabs(got - sum), below = 0x1p-149;
            ck_assert_msg(error <= (8 + k / 32.0) * 0x1p-24 * magnitude + below,
                          "inputs %d, %s: %.9g instead of %.9g, magnitudes %.9g", kind, notes, got, sum, magnitude);
            error = fmax(error - below, 0) / (0x1p-24 * magnitude + DBL_MIN);
            most = fmax(most, error);
            squares += error * error;
        }
    printf("inputs %d: error at most %.3g, rms %.3g\n", kind, most, sqrt(squares / m / n));
}

START_TEST(test_bound) {
    enum { M = 128, N = 128, K = 4096 };
    for (int kind = 0; kind < INPUTS; ++kind) {
        contraction p;
        sni_kspec spec;
        shape s = matmul("bound", 1, M, N, K);
        srand(5);
        if (!start(&p, &s, &spec, 2, 128, 0, 1)) return;
        for (int operand = 0; operand < 2; ++operand)
            for (int64_t i = 0; i < p.tensors[operand].count; ++i)
                ((float *)p.tensors[operand].data)[i] = draw((inputs)kind, operand);
        contraction_launch(&test, &p, &spec, false);
        check_bound(&p, (inputs)kind, spec.notes, M, N, K);
        program_deinit(&p);
    }
}
END_TEST

/* ---- Text and choice ---- */

START_TEST(test_text) {
    for (int i = 0; i < 4; ++i) {
        contraction p;
        sni_kspec spec;
        char *text = NULL;
        sni_caps caps = made_up();
        shape s = matmul("text", 1, 4096, 4096, 4096);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2], "bmn");
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, NULL, p.arena, &spec));
        ck_assert_str_eq(spec.strategy, "gpu_planes");
        ck_assert_int_eq(spec.local[0], 512);
        ck_assert_int_eq(contraction_evaluate(&p, spec.global[0]), 132 * 512);
        must(sni_source_assemble(sni_embedded_files, spec.source, "kernel", &text));
        if (getenv("PLANES_DUMP")) printf("%s\n", text);
        ck_assert(sni_patch_wanted(text));
        ck_assert_ptr_nonnull(strstr(text, "m64n128k16.f32.bf16.bf16"));
        ck_assert_ptr_nonnull(strstr(text, i % 2 ? "#define SN_MMA_A_ALONG_K 0" : "#define SN_MMA_A_ALONG_K 1"));
        ck_assert_ptr_nonnull(strstr(text, i / 2 ? "#define SN_MMA_B_ALONG_K 1" : "#define SN_MMA_B_ALONG_K 0"));
        sni_free(text);
        program_deinit(&p);
    }
}
END_TEST

/* Windows that one word has the bits for are loaded by adding and testing; others as they come. */
START_TEST(test_windows) {
    static const struct {
        window window;
        bool is_a, expected;
    } cases[] = {{{2, 64, 56, 56, 64, 3, 1, 1, 1}, false, true},
                 {{2, 64, 56, 56, 64, 3, 2, 1, 1}, true, true},
                 {{2, 3, 224, 224, 64, 15, 2, 3, 1}, false, true},
                 {{2, 3, 224, 224, 64, 17, 2, 3, 1}, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = made_up();
        shape s = windowed(cases[i].is_a, cases[i].window);
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, "gpu_planes", p.arena, &spec));
        const char *mark = cases[i].is_a ? "#define SN_PL_A_WINDOW 1" : "#define SN_PL_B_WINDOW 1";
        ck_assert_msg((strstr(spec.source, mark) != NULL) == cases[i].expected, "%s", spec.source);
        program_deinit(&p);
    }
}
END_TEST

/* Pictures of a batch are multiplied one by one: what their last tiles waste counts. */
START_TEST(test_tiles_of_pictures) {
    static const struct {
        window window;
        const char *tile;
    } cases[] = {{{32, 128, 28, 28, 128, 3, 1, 1, 1}, "128 x 128"}, {{32, 512, 7, 7, 2048, 1, 1, 0, 1}, "128 x 64"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = made_up();
        shape s = windowed(false, cases[i].window);
        s.batch_in_n = true;
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, "gpu_planes", p.arena, &spec));
        ck_assert_msg(strstr(spec.notes, cases[i].tile) != NULL, "%s", spec.notes);
        program_deinit(&p);
    }
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        int64_t m, n, k;
        uint32_t wgmma;
        bool exact;
        sinter_dtype sum;
        const char *why;
    } cases[] = {{2048, 2048, 2048, 1, false, SINTER_F32, "no wgmma"},
                 {2048, 2048, 2048, 3, true, SINTER_F32, "precision is exact"},
                 {2048, 2048, 2048, 3, false, SINTER_F64, "not f32"},
                 {16, 2048, 2048, 3, false, SINTER_F32, "too short"},
                 {2048, 2048, 32, 3, false, SINTER_F32, "too short"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = made_up();
        caps.has_f64 = true;
        caps.wgmma = cases[i].wgmma;
        caps.only_exact = cases[i].exact;
        shape s = matmul("refused", 1, cases[i].m, cases[i].n, cases[i].k);
        s.a = s.b = s.out = s.sum = cases[i].sum;
        ck_assert(program_init(&p, &s));
        ck_assert_int_eq(sni_codegen(&p.loop, &caps, "gpu_planes", p.arena, &spec), SINTER_UNSUPPORTED);
        ck_assert_msg(strstr(sinter_last_error(), cases[i].why) != NULL, "%s", sinter_last_error());
        program_deinit(&p);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_split,   test_layouts,           test_tiles,    test_random_shapes, test_prologues,
        test_windows, test_tiles_of_pictures, test_rounding, test_bound,         test_text,
        test_refusals};
    test_device_open(&test);
    sni_probe_instructions(test.device, test.cache, test.pool, "");
    printf("wgmma: %u\n", (unsigned)test.device->caps.wgmma);
    int result = run_suite(suite_of("codegen/planes", tests, sizeof tests / sizeof *tests));
    test_device_close(&test);
    return result;
}
