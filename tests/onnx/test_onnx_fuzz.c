/* Damaged models: more than 10,000 mutations of real ones, always the same, and memory that runs out at every
 * allocation in turn. Nothing may crash, hang, leak or take absurd memory; a sanitizer build sees the rest.
 *
 * Mutations hit the structure: the bytes of large tensors are left alone, as what they hold is
 * only numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codegen/codegen.h"
#include "fuse/fuse.h"
#include "onnx/importer.h"
#include "rewrite/pass.h"

#include "tiny.h"

#include "../check_main.h"

#define MUTATIONS 12000
#define MAX_SECONDS 240 /* a slow machine with a sanitizer does fewer, and says so */
#define MAX_RANGES 20000

typedef struct {
    size_t start, size;
} range;

typedef struct {
    const char *path;
    uint8_t *data;
    size_t size;
    range ranges[MAX_RANGES]; /* of the bytes that are structure */
    size_t range_count, structure;
} subject;

static uint64_t random_state;

static uint64_t next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t below(size_t count) {
    return count ? (size_t)(next() % count) : 0;
}

/* ---- what to damage ---- */

static void add_range(subject *s, size_t start, size_t size) {
    if (size == 0 || s->range_count == MAX_RANGES) return;
    s->ranges[s->range_count++] = (range){start, size};
    s->structure += size;
}

/* Ranges of a message; large byte fields keep their first bytes only. */
static void find_ranges(subject *s, const uint8_t *data, size_t size, int depth) {
    for (size_t at = 0; at < size;) {
        sni_onnx_field field;
        if (!sni_onnx_wire_next(data, size, &at, &field)) return;
        size_t start = (size_t)(field.start - s->data);
        size_t head = field.size_bytes - field.body_size;
        if (field.wire_type != 2 || field.body_size <= 256) {
            add_range(s, start, field.size_bytes);
            continue;
        }
        add_range(s, start, head);
        if (depth < 3)
            find_ranges(s, field.body, field.body_size, depth + 1);
        else
            add_range(s, start + head, 64);
    }
}

static bool open_subject(const char *path, subject *s) {
    sni_mapping mapping;
    s->path = path;
    if (sni_file_map(path, &mapping) != SINTER_OK) return false;
    s->size = mapping.size_bytes;
    s->data = malloc(s->size);
    memcpy(s->data, mapping.data, s->size);
    sni_file_unmap(&mapping);
    find_ranges(s, s->data, s->size, 0);
    return s->range_count > 0;
}

static size_t structural_byte(const subject *s) {
    size_t at = below(s->structure), i = 0;
    while (at >= s->ranges[i].size) at -= s->ranges[i++].size;
    return s->ranges[i].start + at;
}

/* ---- how ---- */

static void flip(const subject *s, uint8_t *data) {
    data[structural_byte(s)] ^= (uint8_t)(1u << below(8));
}

static void overwrite(const subject *s, uint8_t *data) {
    static const uint8_t values[] = {0, 1, 2, 0x7f, 0x80, 0xff, 8, 0x0a, 0x12, 0x3a};
    data[structural_byte(s)] = values[below(sizeof values)];
}

static void random_run(const subject *s, uint8_t *data) {
    size_t at = structural_byte(s), count = 1 + below(9);
    for (size_t i = at; i < at + count && i < s->size; i++) data[i] = (uint8_t)next();
}

/* One part of the structure over another: names and types that exist, in wrong places. */
static void transplant(const subject *s, uint8_t *data) {
    size_t from = structural_byte(s), to = structural_byte(s), count = 1 + below(24);
    for (size_t i = 0; i < count && from + i < s->size && to + i < s->size; i++) data[to + i] = s->data[from + i];
}

static size_t damage(const subject *s, uint8_t *data) {
    memcpy(data, s->data, s->size);
    size_t kind = below(20), times = 1 + below(3);
    if (kind == 0) return structural_byte(s); /* cut short */
    for (size_t i = 0; i < times; i++) {
        if (kind < 9)
            flip(s, data);
        else if (kind < 13)
            overwrite(s, data);
        else if (kind < 16)
            random_run(s, data);
        else
            transplant(s, data);
    }
    return s->size;
}

/* What a plan does with a graph before it needs a device: any answer will do that is one. */
static void generate(const sinter_graph *graph) {
    static const sni_caps caps = {.device_class = SNI_DEVICE_GPU,
                                  .name = "none",
                                  .platform = "none",
                                  .compute_units = 64,
                                  .max_work_group = 256,
                                  .max_work_item = {256, 256, 256},
                                  .local_bytes = 32768,
                                  .max_parameter_bytes = 1024,
                                  .native_float_width = 4,
                                  .has_f64 = true};
    static const sni_fuse_options options = {.limits = {.max_buffers = 32, .max_stmts = 384},
                                             .costs = {5000, 16, 96, 256, 0.01, 64}};
    sinter_graph *rewritten = NULL, *prepared = NULL;
    sni_arena *arena = sni_arena_create();
    sni_group *groups = NULL;
    size_t count = 0;
    sinter_status status = sinter_graph_output_count(graph) ? sni_rewrite_all(graph, &rewritten) : SINTER_SHAPE;
    if (status == SINTER_OK) status = sni_fuse_prepare(rewritten, &prepared);
    if (status == SINTER_OK) status = sni_fuse(prepared, &options, arena, &groups, &count);
    for (size_t i = 0; i < count && status == SINTER_OK; i++) {
        sni_kspec spec;
        status = sni_codegen(groups[i].loop, &caps, NULL, arena, &spec);
        ck_assert_msg(status != SINTER_INTERNAL, "%s", sinter_last_error());
    }
    ck_assert_msg(status != SINTER_INTERNAL, "%s", sinter_last_error());
    sinter_graph_release(rewritten);
    sinter_graph_release(prepared);
    sni_arena_release(arena);
}

static void try_model(const uint8_t *data, size_t size, int *accepted) {
    sinter_graph *graph = NULL;
    sinter_status status = sinter_onnx_load_memory(data, size, NULL, NULL, &graph);
    if (status == SINTER_OK) {
        ck_assert_ptr_nonnull(graph);
        if (++*accepted % 4 == 0) generate(graph);
    } else {
        ck_assert_ptr_null(graph);
        ck_assert_int_ne(status, SINTER_INTERNAL);
        ck_assert_int_gt((int)strlen(sinter_last_error()), 0);
    }
    sinter_graph_release(graph);
}

static const char *const paths[] = {
    SINTER_TEST_DATA "/digits/model.onnx",
    SINTER_TEST_DATA "/models/unet_mini/model.onnx",
    SINTER_TEST_DATA "/models/squeezenet/model.onnx",
    SINTER_TEST_DATA "/models/vit_mini/model.onnx",
    SINTER_TEST_DATA "/models/bert_mini/model.onnx",
    SINTER_TEST_DATA "/models/gpt2_mini/model.onnx",
};
#define PATH_COUNT (sizeof paths / sizeof *paths)

START_TEST(mutations) {
    static subject subjects[PATH_COUNT];
    int accepted = 0, done = 0;
    time_t start = time(NULL);
    size_t largest = 0;
    for (size_t i = 0; i < PATH_COUNT; i++) {
        ck_assert_msg(open_subject(paths[i], &subjects[i]), "%s", paths[i]);
        if (subjects[i].size > largest) largest = subjects[i].size;
    }
    random_state = 0x2545f4914f6cdd1du;
    while (done < MUTATIONS && time(NULL) - start < MAX_SECONDS) {
        /* Half of them on the smallest model, which is imported fastest. */
        const subject *s = &subjects[done % 2 ? (size_t)(done / 2) % PATH_COUNT : 0];
        uint8_t *data = malloc(s->size);
        size_t size = damage(s, data);
        try_model(data, size, &accepted);
        free(data);
        done++;
    }
    for (size_t i = 0; i < PATH_COUNT; i++) free(subjects[i].data);
    printf("%d mutations, %d of them still models, %d s\n", done, accepted, (int)(time(NULL) - start));
    /* Some mutations change nothing that matters, and most must be noticed. */
    ck_assert_int_gt(accepted, 0);
    ck_assert_int_lt(accepted, done);
}
END_TEST

/* A model with a bit of everything that allocates: initialisers, attributes, shape arithmetic. */
static void rich_model(tiny *t) {
    tiny_init(t, 17);
    tiny_input(t, "x", 1, TINY_DIMS(1000 + 'b', 4));
    tiny_ints(t, "zero", 1, (const int64_t[]){0});
    tiny_ints(t, "four", 1, (const int64_t[]){4});
    float weights[1600] = {0};
    Onnx__TensorProto *w = tiny_tensor(t, "w", 1, TINY_DIMS(4, 400));
    tiny_raw(t, w, weights, sizeof weights);
    tiny_initializer(t, w);
    tiny_node(t, "MatMul", "product", "x w", "p");
    tiny_node(t, "Shape", "form", "p", "s");
    tiny_node(t, "Gather", "rows", "s zero", "n");
    tiny_attr_int(t, tiny_node(t, "Concat", "join", "n four four", "c3"), "axis", 0);
    tiny_node(t, "Slice", "part", "c3 zero four", "c");
    tiny_node(t, "ReduceMean", "mean", "p", "m");
    tiny_node(t, "Sub", "centre", "p m", "d");
    tiny_attr_int(t, tiny_node(t, "Softmax", "soft", "d", "y"), "axis", 1);
    tiny_output(t, "y");
    tiny_output(t, "c");
}

START_TEST(memory_runs_out) {
    tiny t;
    size_t size;
    rich_model(&t);
    uint8_t *data = tiny_pack(&t, &size);
    tiny_deinit(&t);
    sinter_status status = SINTER_OUT_OF_MEMORY;
    int nth = 0;
    while (status != SINTER_OK && nth < 100000) {
        sinter_graph *graph = NULL;
        sni_alloc_fail_at(++nth);
        status = sinter_onnx_load_memory(data, size, NULL, NULL, &graph);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK)
            ck_assert_ptr_nonnull(graph);
        else
            ck_assert_ptr_null(graph);
        sinter_graph_release(graph);
        ck_assert_msg(status == SINTER_OK || status == SINTER_OUT_OF_MEMORY || status == SINTER_PARSE,
                      "allocation %d: %s", nth, sinter_last_error());
    }
    printf("%d allocations failed in turn\n", nth - 1);
    ck_assert_int_eq(status, SINTER_OK);
    ck_assert_int_gt(nth, 50);
    free(data);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {mutations, memory_runs_out};
    return run_suite(suite_of("onnx fuzz", tests, sizeof tests / sizeof *tests));
}
