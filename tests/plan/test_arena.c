/* Memory between the steps: the arena of every model of the tests is at most a tenth larger than the most bytes that are
 * alive at one step, for few and for many rows. Nothing runs, so weights may be zeros. */
#define _GNU_SOURCE
#include <ftw.h>
#include <unistd.h>

#include <sinter/onnx.h>

#include "oracle.h"
#include "plan/plan.h"

typedef struct model {
    const char *path;  /* below the tests' data */
    long weight_bytes; /* of the file of weights beside it; 0: none */
} model;

static const model models[] = {
    {"models_large/minilm_l6.onnx", 90141696}, {"models_large/gpt2_124m.onnx", 497273856},
    {"models_large/vit_b16.onnx", 345931776},  {"models_large/llama_160m.onnx", 611844096},
    {"models_large/resnet50.onnx", 102023936}, {"models_large/mobilenet_v3.onnx", 21801984},
    {"models/bert_mini/model.onnx", 0},        {"models/convnext_mini/model.onnx", 0},
    {"models/gpt2_mini/model.onnx", 0},        {"models/llama_mini/model.onnx", 0},
    {"models/lstm_lm/model.onnx", 0},          {"models/mobilenet_v2/model.onnx", 0},
    {"models/squeezenet/model.onnx", 0},       {"models/unet_mini/model.onnx", 0},
    {"models/vit_mini/model.onnx", 0},         {"digits/model.onnx", 0},
};
#define MODELS ((int)(sizeof models / sizeof *models))

static oracle o;
static char g_dir[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void setup(void) {
    oracle_init(&o);
    snprintf(g_dir, sizeof g_dir, "/tmp/sinter-arena-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(g_dir));
}

static void teardown(void) {
    oracle_deinit(&o);
    nftw(g_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* NULL: the model is not part of this tree. */
static sinter_graph *load(const model *m) {
    char from[512], path[128], weights[128];
    sinter_graph *graph = NULL;
    snprintf(from, sizeof from, "%s/%s", SINTER_TEST_DATA, m->path);
    if (access(from, R_OK) != 0) return NULL;
    if (m->weight_bytes) {
        snprintf(path, sizeof path, "%s/model.onnx", g_dir);
        snprintf(weights, sizeof weights, "%s/weights.bin", g_dir);
        ck_assert_int_eq(symlink(from, path), 0);
        FILE *file = fopen(weights, "wb");
        ck_assert_ptr_nonnull(file);
        fclose(file);
        ck_assert_int_eq(truncate(weights, m->weight_bytes), 0);
    }
    ck_assert_msg(sinter_onnx_load(m->weight_bytes ? path : from, NULL, &graph) == SINTER_OK, "%s: %s", m->path,
                  sinter_last_error());
    return graph;
}

typedef struct naming {
    int64_t dims[32], values[32];
    size_t count;
    int64_t value;
} naming;

static void name_dim(void *context, int64_t dim) {
    naming *n = context;
    for (size_t i = 0; i < n->count; ++i)
        if (n->dims[i] == dim) return;
    ck_assert_uint_lt(n->count, 32);
    n->dims[n->count] = dim;
    n->values[n->count] = n->count ? n->value : 1; /* the first one is the batch */
    ++n->count;
}

/* Shapes of all inputs when every symbolic dimension but the first is size. */
static void bind(const sinter_graph *graph, int64_t size, sinter_plan *plan, sni_dims *dims) {
    naming n = {.value = size};
    sinter_binding bindings[64] = {{0}};
    ck_assert_uint_le(graph->input_count, 64);
    for (size_t i = 0; i < graph->input_count; ++i) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        for (int d = 0; d < type->rank; ++d) sni_sym_visit_dims(graph->sym, type->dims[d], name_dim, &n);
    }
    sni_bindings known = {n.count, n.dims, n.values};
    for (size_t i = 0; i < graph->input_count; ++i) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        bindings[i] = (sinter_binding){.name = graph->inputs[i].name, .dtype = type->dtype};
        bindings[i].shape.rank = type->rank;
        for (int d = 0; d < type->rank; ++d)
            ck_assert_int_eq(sni_sym_eval(graph->sym, type->dims[d], &known, &bindings[i].shape.dims[d]), SINTER_OK);
    }
    if (sni_plan_bind(plan, bindings, graph->input_count, dims) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
}

START_TEST(arenas_are_tight) {
    const model *m = &models[_i];
    static const int64_t sizes[] = {1, 16, 100, 257};
    sinter_graph *graph = load(m);
    sinter_plan *plan;
    if (!graph) return;
    ck_assert_msg(sni_plan_outline(o.runtime, graph, &plan) == SINTER_OK, "%s: %s", m->path, sinter_last_error());
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        static sni_dims dims;
        bind(graph, sizes[i], plan, &dims);
        sni_context *c = sni_context_create(plan);
        ck_assert_ptr_nonnull(c);
        c->dims = dims;
        ck_assert_int_eq(sni_context_place(plan, c), SINTER_OK);
        double ratio = c->live_bytes ? (double)c->arena_bytes / (double)c->live_bytes : 1;
        printf("%-28s %4d: arena %11llu, alive %11llu, %.3f\n", m->path, (int)sizes[i],
               (unsigned long long)c->arena_bytes, (unsigned long long)c->live_bytes, ratio);
        ck_assert_uint_le(c->arena_bytes, c->live_bytes + c->live_bytes / 10);
        sni_context_release(plan, c);
    }
    sinter_plan_release(plan);
    sinter_graph_release(graph);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("arena");
    TCase *tc = tcase_create("arena");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 200);
    tcase_add_loop_test(tc, arenas_are_tight, 0, MODELS);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
