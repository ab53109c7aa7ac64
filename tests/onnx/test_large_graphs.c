/* The graphs of six large models with symbolic sizes go through the importer, the passes, the fuser and code generation,
 * for a CPU and a GPU, in little time. Their weights are a sparse file of zeros. */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sinter/onnx.h>
#include <sinter/sinter.h>

#include "base/thread.h"
#include "check_main.h"
#include "codegen/codegen.h"
#include "fuse/fuse.h"
#include "rewrite/pass.h"

typedef struct model {
    const char *name;
    long weight_bytes;
    size_t most_kernels; /* on a CPU */
} model;

static const model models[] = {
    {"minilm_l6", 90141696, 44},   {"gpt2_124m", 497273856, 88}, {"vit_b16", 345931776, 87},
    {"llama_160m", 611844096, 90}, {"resnet50", 102023936, 56},  {"mobilenet_v3", 21801984, 73},
};
#define MODEL_COUNT ((int)(sizeof models / sizeof *models))

static char g_dir[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void make_dir(void) {
    snprintf(g_dir, sizeof g_dir, "/tmp/sinter-large-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(g_dir));
}

static void remove_dir(void) {
    nftw(g_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static sinter_graph *load(const model *m) {
    char from[512], path[128], weights[128];
    snprintf(from, sizeof from, "%s/models_large/%s.onnx", SINTER_TEST_DATA, m->name);
    snprintf(path, sizeof path, "%s/model.onnx", g_dir);
    snprintf(weights, sizeof weights, "%s/weights.bin", g_dir);
    unlink(path);
    ck_assert_int_eq(symlink(from, path), 0);
    FILE *file = fopen(weights, "wb");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(truncate(weights, m->weight_bytes), 0);
    sinter_graph *graph = NULL;
    ck_assert_msg(sinter_onnx_load(path, NULL, &graph) == SINTER_OK, "%s: %s", m->name, sinter_last_error());
    return graph;
}

static const sni_caps devices[] = {
    {.device_class = SNI_DEVICE_CPU,
     .name = "none",
     .platform = "none",
     .compute_units = 2,
     .max_work_group = 4096,
     .max_work_item = {4096, 4096, 4096},
     .local_bytes = 1 << 20,
     .max_parameter_bytes = 1024,
     .native_float_width = 8,
     .has_f64 = true},
    {.device_class = SNI_DEVICE_GPU,
     .name = "none",
     .platform = "none",
     .compute_units = 64,
     .max_work_group = 256,
     .max_work_item = {256, 256, 256},
     .local_bytes = 32768,
     .max_parameter_bytes = 1024,
     .native_float_width = 1,
     .has_f64 = true},
};

static void generate(const model *m, const sni_caps *caps, const sni_group *groups, size_t count, sni_arena *arena) {
    for (size_t i = 0; i < count; ++i) {
        sni_kspec spec;
        ck_assert_msg(sni_codegen(groups[i].loop, caps, NULL, arena, &spec) == SINTER_OK, "%s, kernel %zu: %s", m->name,
                      i, sinter_last_error());
    }
}

START_TEST(compiles) {
    const sni_caps *caps = &devices[_i % 2];
    const model *m = &models[_i / 2];
    sni_fuse_options options = {
        .limits = {
            .max_buffers = 32, .max_stmts = 384, .accepts = sni_codegen_accepts, .accepts_context = (void *)caps}};
    sni_costs_derive(caps, &options.costs);
    sinter_graph *graph = load(m), *rewritten = NULL, *prepared = NULL;
    sni_arena *arena = sni_arena_create();
    sni_group *groups = NULL;
    size_t count = 0;
    int64_t start = sni_time_ns();
    ck_assert_msg(sni_rewrite_all(graph, &rewritten) == SINTER_OK, "%s: %s", m->name, sinter_last_error());
    ck_assert_int_eq(sni_fuse_prepare(rewritten, &prepared), SINTER_OK);
    ck_assert_msg(sni_fuse(prepared, &options, arena, &groups, &count) == SINTER_OK, "%s: %s", m->name,
                  sinter_last_error());
    generate(m, caps, groups, count, arena);
    if (caps->device_class == SNI_DEVICE_CPU) ck_assert_uint_le(count, m->most_kernels);
    ck_assert_int_lt((sni_time_ns() - start) / 1000000000, 30); /* tens of milliseconds; generous for sanitizers */
    sni_arena_release(arena);
    sinter_graph_release(prepared);
    sinter_graph_release(rewritten);
    sinter_graph_release(graph);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("large graphs");
    TCase *cases = tcase_create("models");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, make_dir, remove_dir);
    tcase_add_loop_test(cases, compiles, 0, 2 * MODEL_COUNT);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
