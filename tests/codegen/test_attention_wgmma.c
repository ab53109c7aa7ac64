/* Attention by wgmma against the reference, where the device has it: both dtypes, every depth, masks, grouped heads, edges.
 * Elsewhere: what is accepted, and what the kernel's text holds, for a device that is made up. */
#include "check_main.h"

#include "attention_graph.h"
#include "device/instructions.h"
#include "kernel/embedded.h"
#include "kernel/patch.h"
#include "kernel/source.h"
#include "nest_program.h"
#include "runtime/probe.h"

static test_device device;

static sni_caps made_up(void) {
    sni_caps caps = device.device->caps;
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

static const attention_options kinds[] = {
    {SINTER_BF16, 2, 2, 128, 128, NO_MASK, 0, 0}, {SINTER_F16, 2, 2, 128, 128, CAUSAL, 0, 0},
    {SINTER_BF16, 4, 2, 64, 64, CAUSAL, 0, 0},    {SINTER_F16, 2, 1, 64, 64, ADDITIVE, 0, 0},
    {SINTER_BF16, 1, 1, 256, 256, CAUSAL, 0, 0},  {SINTER_BF16, 2, 2, 96, 80, BOOLEAN, 0, 0},
    {SINTER_F16, 1, 1, 40, 200, NO_MASK, 0, 0}};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(test_kinds) {
    static const int sizes[][2] = {{128, 256}, {200, 328}, {72, 1000}, {512, 512}};
    const attention_options *kind = &kinds[_i];
    if (device.device->caps.wgmma == 0) return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        sinter_shape shapes[NEST_PORTS];
        sinter_graph *g;
        nest_run run;
        sni_caps caps = device.device->caps;
        must(sinter_graph_create(&g));
        attention_graph(g, kind);
        attention_shapes(kind, 1 + (int)i % 2, sizes[i][0], sizes[i][1], shapes);
        nest_build(&run, g);
        nest_fill(&run, shapes, false);
        ck_assert_msg(nest_check(&device, &run, &caps, "gpu_attention_wgmma", 0, "wgmma"), "%s", sinter_last_error());
        nest_release(&run);
        sinter_graph_release(g);
    }
}
END_TEST

/* By mma.sync, with waves that share the keys of few rows; more of them than there are blocks, too. */
START_TEST(test_teams) {
    static const struct {
        attention_options kind;
        int instruction, queries, keys, teams;
    } cases[] = {{{SINTER_BF16, 4, 2, 128, 128, NO_MASK, 0, 0}, 0, 1, 1000, 6},
                 {{SINTER_BF16, 2, 2, 64, 64, CAUSAL, 0, 0}, 0, 35, 300, 3},
                 {{SINTER_F16, 2, 1, 40, 64, BOOLEAN, 0, 1}, 0, 5, 70, 4},
                 {{SINTER_F16, 1, 1, 34, 40, ADDITIVE, 1, 0}, 0, 1, 33, 12}};
    const sni_caps *caps = &device.device->caps;
    if (caps->wgmma == 0) return;
    for (int at = 0; at < sni_instruction_count(); ++at) {
        const sni_instruction *row = sni_instruction_at(at);
        if (row->use != SNI_USE_DEFAULT || row->dtype != cases[_i].kind.dtype || (caps->instructions >> at & 1) == 0)
            continue;
        char schedule[64];
        sinter_shape shapes[NEST_PORTS];
        sinter_graph *g;
        nest_run run;
        snprintf(schedule, sizeof schedule, "instruction=%d rows=%d keys=32 teams=%d", at + 1, row->m, cases[_i].teams);
        must(sinter_graph_create(&g));
        attention_graph(g, &cases[_i].kind);
        attention_shapes(&cases[_i].kind, 2, cases[_i].queries, cases[_i].keys, shapes);
        nest_build(&run, g);
        nest_fill(&run, shapes, false);
        ck_assert_msg(nest_check_as(&device, &run, caps, "gpu_attention_mma", schedule, 0), "%s", sinter_last_error());
        nest_release(&run);
        sinter_graph_release(g);
    }
}
END_TEST

/* Few queries with many keys are shared by the rule; many are not. */
START_TEST(test_teams_of_the_rule) {
    sni_caps caps = made_up();
    for (int i = 0; i < sni_instruction_count(); ++i)
        if (sni_instruction_at(i)->needs == SNI_NEEDS_PTX && sni_instruction_possible(sni_instruction_at(i), &caps))
            caps.instructions |= 1u << i;
    for (int many = 0; many < 2; ++many) {
        sinter_graph *g;
        nest_run run;
        must(sinter_graph_create(&g));
        sinter_value q = sinter_input(g, "q", SINTER_BF16, SINTER_SHAPE(8, 8, many ? 4096 : 4, 128)),
                     k = sinter_input(g, "k", SINTER_BF16, SINTER_SHAPE(8, 8, 8192, 128)),
                     v = sinter_input(g, "v", SINTER_BF16, SINTER_SHAPE(8, 8, 8192, 128));
        sinter_value s = sinter_matmul(g, q, sinter_transpose(g, k, SINTER_SHAPE(0, 1, 3, 2)));
        sinter_output(g, "y", sinter_matmul(g, sinter_softmax(g, s, -1), v));
        nest_build(&run, g);
        sni_kspec *spec = sni_arena_alloc(run.arena, sizeof *spec);
        must(sni_codegen(run.loop, &caps, "gpu_attention_mma", run.arena, spec));
        ck_assert_msg((strstr(spec->source, "#define SN_ATT_TEAMS 1\n") != NULL) == many, "%s", spec->notes);
        nest_release(&run);
        sinter_graph_release(g);
    }
}
END_TEST

/* The kernel's text for the device that is made up; NULL: refused. */
static char *text_of(const attention_options *kind, const sni_caps *caps) {
    sinter_graph *g;
    nest_run run;
    char *text = NULL;
    must(sinter_graph_create(&g));
    attention_graph(g, kind);
    nest_build(&run, g);
    sni_kspec *spec = sni_arena_alloc(run.arena, sizeof *spec);
    if (sni_codegen(run.loop, caps, "gpu_attention_wgmma", run.arena, spec) == SINTER_OK)
        must(sni_source_assemble(sni_embedded_files, spec->source, "kernel", &text));
    nest_release(&run);
    sinter_graph_release(g);
    return text;
}

START_TEST(test_text) {
    static const char *const words[] = {
        "m64n128k16.f32.bf16.bf16", "m64n128k16.f32.f16.f16",   "m64n64k16.f32.bf16.bf16",   "m64n64k16.f32.f16.f16",
        "m64n256k16.f32.bf16",      "#define SN_ATT_DEPTH 128", "#define SN_ATT_COLUMNS 256"};
    sni_caps caps = made_up();
    char *text = text_of(&kinds[_i], &caps);
    ck_assert_msg(text != NULL, "%s", sinter_last_error());
    if (getenv("ATT_DUMP")) printf("%s\n", text);
    ck_assert(sni_patch_wanted(text));
    ck_assert_ptr_nonnull(strstr(text, words[_i]));
    sni_free(text);
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        attention_options kind;
        uint32_t wgmma;
        const char *why;
    } cases[] = {{{SINTER_BF16, 1, 1, 128, 128, NO_MASK, 0, 0}, 1, "no wgmma"},
                 {{SINTER_F32, 1, 1, 128, 128, NO_MASK, 0, 0}, 3, "no wgmma"},
                 {{SINTER_BF16, 1, 1, 512, 128, NO_MASK, 0, 0}, 3, "depth"},
                 {{SINTER_BF16, 1, 1, 100, 128, NO_MASK, 0, 0}, 3, "16 bytes apart"},
                 {{SINTER_BF16, 1, 1, 128, 128, NO_MASK, 1, 0}, 3, "no matrix in memory"}};
    sni_caps caps = made_up();
    caps.wgmma = cases[_i].wgmma;
    ck_assert_ptr_null(text_of(&cases[_i].kind, &caps));
    ck_assert_msg(strstr(sinter_last_error(), cases[_i].why) != NULL, "%s", sinter_last_error());
}
END_TEST

int main(void) {
    test_device_open(&device);
    sni_probe_instructions(device.device, device.cache, device.pool, "");
    Suite *suite = suite_create("codegen/attention_wgmma");
    TCase *tc = tcase_create("attention_wgmma");
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, test_kinds, 0, KINDS);
    tcase_add_loop_test(tc, test_teams, 0, 4);
    tcase_add_test(tc, test_teams_of_the_rule);
    tcase_add_loop_test(tc, test_text, 0, KINDS);
    tcase_add_loop_test(tc, test_refusals, 0, 5);
    suite_add_tcase(suite, tc);
    int failed = run_suite(suite);
    test_device_close(&device);
    return failed;
}
