/* Products by wgmma against sums in double, where the device has it: every tile, both directions of each operand, edges, batches,
 * prologues that are only views, epilogues, random shapes. Elsewhere: what is accepted, and what the kernel's text holds, for a
 * device that is made up; and how PTX is patched. */
#include "check_main.h"

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

static shape matmul(const char *label, sinter_dtype dtype, int64_t b, int64_t m, int64_t n, int64_t k) {
    shape s = {.label = label, .a = dtype, .b = dtype, .out = dtype, .sum = dtype};
    shape_axis(&s, 'b', b);
    shape_axis(&s, 'm', m);
    shape_axis(&s, 'n', n);
    shape_axis(&s, 'k', k);
    shape_layouts(&s, "bmk", "bkn", "bmn");
    return s;
}

/* Values of 0 are the rule's. units: fewer than the device has, so that work-groups walk over several tiles. */
static void run_as(const shape *s, int groups, int bn, int stages, uint32_t units) {
    contraction p;
    sni_kspec spec;
    char message[256];
    sni_caps caps = test.device->caps;
    sni_schedule schedule = {.strategy = "gpu_wgmma", .values = {groups, bn, stages}};
    caps.compute_units = units;
    if (caps.wgmma == 0) return;
    ck_assert_msg(program_init(&p, s), "cannot build the program %s", s->label);
    sinter_status status = sni_codegen_as(&p.loop, &caps, &schedule, p.arena, &spec);
    ck_assert_msg(status == SINTER_OK, "%s: %s", s->label, sinter_last_error());
    contraction_launch(&test, &p, &spec, false);
    bool ok = program_check(&p, message, sizeof message);
    if (!ok) fprintf(stderr, "%s\n", spec.source);
    ck_assert_msg(ok, "%s by %s: %s", s->label, spec.notes, message);
    program_deinit(&p);
}

static const sinter_dtype dtypes[] = {SINTER_F16, SINTER_BF16};
static const char *const layouts_a[] = {"bmk", "bkm"}, *const layouts_b[] = {"bkn", "bnk"};

/* Edges of every kind; lines have to be multiples of 8 elements apart. */
START_TEST(test_layouts) {
    for (int i = 0; i < 8; ++i) {
        shape s = matmul("layouts", dtypes[i / 4], 2, 136, 200, 264);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2 % 2], i == 5 ? "bnm" : "bmn");
        s.bias = i % 2;
        s.relu = i == 3 || i == 4;
        s.residual = i == 6;
        run_as(&s, 0, 0, 0, 2);
    }
}
END_TEST

START_TEST(test_tiles) {
    static const int tiles[][3] = {{1, 64, 8},  {1, 128, 6}, {1, 192, 4}, {1, 256, 4}, {2, 64, 5},
                                   {2, 128, 4}, {2, 192, 3}, {2, 256, 4}, {2, 256, 3}};
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; ++i) {
        shape s = matmul("tiles", dtypes[i % 2], 1, 312, 520, 72 + 64 * (int64_t)i);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2 % 2], "bmn");
        run_as(&s, tiles[i][0], tiles[i][1], tiles[i][2], 1 + (uint32_t)i % 5);
    }
}
END_TEST

START_TEST(test_random_shapes) {
    srand(11);
    for (int i = 0; i < 24; ++i) {
        shape s = matmul("random", dtypes[i % 2], 1 + rand() % 3, 8 * (6 + rand() % 60), 8 * (6 + rand() % 70),
                         8 * (8 + rand() % 90));
        shape_layouts(&s, layouts_a[rand() % 2], layouts_b[rand() % 2], "bmn");
        s.bias = rand() % 2;
        s.residual = rand() % 2;
        run_as(&s, 0, 0, 0, 1 + (uint32_t)rand() % 132);
    }
}
END_TEST

/* A result in f32 of a short sum; several axes that lie in memory as one. */
START_TEST(test_views) {
    shape s = matmul("widened", SINTER_BF16, 2, 72, 88, 128);
    s.sum = s.out = SINTER_F32;
    s.widened = s.bias = true;
    run_as(&s, 0, 0, 0, 132);
    shape m = {.label = "axes", .a = SINTER_F16, .b = SINTER_F16, .out = SINTER_F16, .sum = SINTER_F16};
    shape_axis(&m, 'b', 3);
    shape_axis(&m, 'm', 5);
    shape_axis(&m, 'o', 16);
    shape_axis(&m, 'n', 96);
    shape_axis(&m, 'k', 4);
    shape_axis(&m, 'l', 24);
    shape_layouts(&m, "bmokl", "bkln", "bmon");
    run_as(&m, 0, 0, 0, 132);
    shape_layouts(&m, "bmokl", "bkln", "bomn");
    run_as(&m, 0, 0, 0, 132);
}
END_TEST

START_TEST(test_text) {
    for (int i = 0; i < 4; ++i) {
        contraction p;
        sni_kspec spec;
        char *text = NULL;
        sni_caps caps = made_up();
        shape s = matmul("text", dtypes[i % 2], 1, 4096, 4096, 4096);
        shape_layouts(&s, layouts_a[i % 2], layouts_b[i / 2], "bmn");
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, NULL, p.arena, &spec));
        ck_assert_str_eq(spec.strategy, "gpu_wgmma");
        ck_assert_int_eq(spec.local[0], 384);
        ck_assert_int_eq(contraction_evaluate(&p, spec.global[0]), 132 * 384);
        must(sni_source_assemble(sni_embedded_files, spec.source, "kernel", &text));
        ck_assert(sni_patch_wanted(text));
        ck_assert_ptr_nonnull(strstr(text, i % 2 ? "m64n256k16.f32.bf16.bf16" : "m64n256k16.f32.f16.f16"));
        ck_assert_ptr_nonnull(strstr(text, i % 2 ? "#define SN_WG_A_ALONG_K 0" : "#define SN_WG_A_ALONG_K 1"));
        ck_assert_ptr_nonnull(strstr(text, i / 2 ? "#define SN_WG_B_ALONG_K 1" : "#define SN_WG_B_ALONG_K 0"));
        sni_free(text);
        program_deinit(&p);
    }
}
END_TEST

/* Tiles that were fastest on an H200. */
START_TEST(test_choice) {
    static const struct {
        int64_t m, n, k;
        int groups, bn;
    } cases[] = {
        {1024, 1024, 1024, 1, 128}, {128, 4096, 4096, 1, 64}, {4096, 4096, 4096, 2, 256}, {2048, 2048, 2048, 2, 256}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = made_up();
        shape s = matmul("choice", SINTER_BF16, 1, cases[i].m, cases[i].n, cases[i].k);
        ck_assert(program_init(&p, &s));
        must(sni_codegen(&p.loop, &caps, "gpu_wgmma", p.arena, &spec));
        ck_assert_int_eq(spec.schedule.values[0], cases[i].groups);
        ck_assert_int_eq(spec.schedule.values[1], cases[i].bn);
        program_deinit(&p);
    }
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        int64_t m, n, k;
        sinter_dtype a;
        uint32_t wgmma;
        const char *why;
    } cases[] = {{128, 128, 128, SINTER_BF16, 1, "no wgmma"},
                 {128, 128, 128, SINTER_I8, 3, "no matrix"},
                 {128, 128, 132, SINTER_BF16, 3, "16 bytes apart"},
                 {128, 132, 128, SINTER_BF16, 3, "16 bytes apart"},
                 {16, 128, 128, SINTER_BF16, 3, "too short"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = made_up();
        caps.wgmma = cases[i].wgmma;
        shape s = matmul("refused", SINTER_BF16, 1, cases[i].m, cases[i].n, cases[i].k);
        s.a = cases[i].a;
        ck_assert(program_init(&p, &s));
        ck_assert_int_eq(sni_codegen(&p.loop, &caps, "gpu_wgmma", p.arena, &spec), SINTER_UNSUPPORTED);
        ck_assert_msg(strstr(sinter_last_error(), cases[i].why) != NULL, "%s", sinter_last_error());
        program_deinit(&p);
    }
}
END_TEST

/* ---- The patch ---- */

START_TEST(test_patch) {
    static const char ptx[] = "//\n.version 8.8\n.target sm_90, texmode_independent\n.address_size 64\n\n"
                              ".entry f(\n)\n{\n\t//@wgmma.fence.sync.aligned;\n\tret; // plain\n}\n";
    char *text = NULL;
    size_t length = 0;
    must(sni_patch_ptx((const unsigned char *)ptx, sizeof ptx, &text, &length));
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "\n.target sm_90a, texmode_independent\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n.address_size 64\n.global .align 128 .b8 sn_maps[131072];\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n\twgmma.fence.sync.aligned;\n\tret; // plain\n"));
    ck_assert_ptr_null(strstr(text, "//@"));
    sni_free(text);
}
END_TEST

START_TEST(test_patch_refusals) {
    static const char *const texts[] = {"",
                                        "\177ELF//@x",
                                        ".target sm_90\n.address_size 64\n",
                                        ".target sm_100\n.address_size 64\n//@x\n",
                                        ".target sm_90\n//@x\n",
                                        ".target sm_90a\n.address_size 64\n//@x\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        char *text = NULL;
        size_t length = 0;
        ck_assert_int_eq(sni_patch_ptx((const unsigned char *)texts[i], strlen(texts[i]), &text, &length),
                         SINTER_UNSUPPORTED);
        ck_assert_ptr_null(text);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_layouts, test_tiles,    test_random_shapes, test_views,         test_text,
                                  test_choice,  test_refusals, test_patch,         test_patch_refusals};
    test_device_open(&test);
    sni_probe_instructions(test.device, test.cache, test.pool, "");
    printf("wgmma: %u\n", (unsigned)test.device->caps.wgmma);
    int result = run_suite(suite_of("codegen/wgmma", tests, sizeof tests / sizeof *tests));
    test_device_close(&test);
    return result;
}
