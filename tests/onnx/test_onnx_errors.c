/* Models that are wrong, or that ask for what there is not: each is refused with a clear error that names
 * the place. */
#include "tiny.h"

#include <stdio.h>
#include <unistd.h>

#include "../check_main.h"

/* y = Relu(x) for x: f32[2, 3], as a start. */
static void relu_model(tiny *t) {
    tiny_init(t, 17);
    tiny_input(t, "x", 1, TINY_DIMS(2, 3));
    tiny_node(t, "Relu", "first", "x", "y");
    tiny_output(t, "y");
}

START_TEST(nothing_and_no_model) {
    sinter_graph *graph = NULL;
    ck_assert_int_eq(sinter_onnx_load_memory("", 0, NULL, NULL, &graph), SINTER_PARSE);
    ck_assert_int_eq(sinter_onnx_load_memory("hello, world", 12, NULL, NULL, &graph), SINTER_PARSE);
    ck_assert_int_eq(sinter_onnx_load_memory(NULL, 3, NULL, NULL, &graph), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_onnx_load_memory("", 0, NULL, NULL, NULL), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_onnx_load(NULL, NULL, &graph), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_onnx_load("/no/such/model.onnx", NULL, &graph), SINTER_IO);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "/no/such/model.onnx"));
    ck_assert_int_eq(sinter_onnx_load("/tmp", NULL, &graph), SINTER_IO);
    ck_assert_ptr_null(graph);
}
END_TEST

START_TEST(every_truncation) {
    tiny t;
    size_t size;
    relu_model(&t);
    tiny_ints(&t, "unused", 3, (const int64_t[]){1, 2, 3});
    uint8_t *data = tiny_pack(&t, &size);
    for (size_t n = 0; n <= size; n++) {
        /* A copy of its own size, so that a sanitizer sees a read behind the end. */
        uint8_t *part = malloc(n ? n : 1);
        memcpy(part, data, n);
        sinter_graph *graph = NULL;
        sinter_status status = sinter_onnx_load_memory(part, n, NULL, NULL, &graph);
        if (n == size) ck_assert_int_eq(status, SINTER_OK);
        if (status != SINTER_OK) ck_assert_int_gt((int)strlen(sinter_last_error()), 0);
        sinter_graph_release(graph);
        free(part);
    }
    free(data);
    tiny_deinit(&t);
}
END_TEST

START_TEST(versions) {
    tiny t;
    relu_model(&t);
    t.model.has_ir_version = 0;
    tiny_expect(&t, NULL, SINTER_PARSE, "ir_version");
    relu_model(&t);
    t.model.ir_version = 1000;
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "ir_version|1000");
    relu_model(&t);
    t.opset.version = 99;
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "opset 99");
    relu_model(&t);
    t.model.graph = NULL;
    tiny_expect(&t, NULL, SINTER_PARSE, "no graph");
    relu_model(&t);
    t.graph.n_output = 0;
    tiny_expect(&t, NULL, SINTER_PARSE, "no outputs");
}
END_TEST

START_TEST(cycles) {
    tiny t;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(2));
    tiny_node(&t, "Add", "ping", "x b", "a");
    tiny_node(&t, "Relu", "pong", "a", "b");
    tiny_output(&t, "b");
    tiny_expect(&t, NULL, SINTER_PARSE, "cycle|ping|pong");
    tiny_init(&t, 17);
    tiny_node(&t, "Relu", "own tail", "y", "y");
    tiny_output(&t, "y");
    tiny_expect(&t, NULL, SINTER_PARSE, "cycle|own tail");
}
END_TEST

START_TEST(wrong_names) {
    tiny t;
    relu_model(&t);
    tiny_node(&t, "Add", "adder", "y missing_weight", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_PARSE, "Add 'adder'|missing_weight|nothing gives");
    relu_model(&t);
    tiny_output(&t, "nowhere");
    tiny_expect(&t, NULL, SINTER_PARSE, "nowhere");
    relu_model(&t);
    tiny_node(&t, "Relu", "second", "x", "y");
    tiny_expect(&t, NULL, SINTER_PARSE, "two values are called 'y'");
    relu_model(&t);
    tiny_input(&t, "x", 1, TINY_DIMS(2));
    tiny_expect(&t, NULL, SINTER_INVALID_ARGUMENT, "'x'");
    relu_model(&t);
    tiny_output(&t, "y");
    tiny_expect(&t, NULL, SINTER_INVALID_ARGUMENT, "y");
}
END_TEST

START_TEST(operators) {
    tiny t;
    relu_model(&t);
    tiny_node(&t, "Frobnicate", "strange one", "y", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "Frobnicate|strange one");
    relu_model(&t);
    tiny_node(&t, "FusedGelu", "foreign", "y", "z")->domain = (char *)"com.example";
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "com.example:FusedGelu|foreign");
    relu_model(&t);
    tiny_node(&t, "NonZero", "where", "y", "z");
    tiny_node(&t, "Shape", "how many", "z", "n");
    tiny_output(&t, "n");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "Shape 'how many'|depends on data|NonZero 'where'");
    relu_model(&t);
    t.opset.version = 6;
    tiny_node(&t, "Erf", "too early", "y", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "too early|opset 6");
    relu_model(&t);
    tiny_node(&t, "Add", "one armed", "y", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_PARSE, "one armed|input 1");
    /* What no output needs does no harm. */
    relu_model(&t);
    tiny_node(&t, "Frobnicate", "dead", "y", "z");
    sinter_graph *graph = NULL;
    ck_assert_int_eq(tiny_load_at(&t, NULL, NULL, &graph), SINTER_OK);
    sinter_graph_release(graph);
    tiny_deinit(&t);
}
END_TEST

/* z = Relu(x) + w for a w of so many zero bytes. */
static void tensor_case(int type, int rank, const int64_t *dims, size_t raw_bytes, sinter_status want,
                        const char *words) {
    tiny t;
    static const uint8_t zeros[4096];
    relu_model(&t);
    Onnx__TensorProto *w = tiny_tensor(&t, "w", type, rank, dims);
    tiny_raw(&t, w, zeros, raw_bytes);
    tiny_initializer(&t, w);
    tiny_node(&t, "Add", "sum", "y w", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, want, words);
}

START_TEST(tensors) {
    tensor_case(1, TINY_DIMS(2, 3), 20, SINTER_PARSE, "'w'|24|20");
    tensor_case(1, TINY_DIMS(-2, 3), 24, SINTER_PARSE, "'w'|-2");
    tensor_case(1, TINY_DIMS(INT64_MAX, 3, 5), 24, SINTER_PARSE, "'w'|too large");
    tensor_case(1, TINY_DIMS(INT64_MAX / 8), 24, SINTER_PARSE, "'w'");
    tensor_case(1, TINY_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1), 4, SINTER_UNSUPPORTED, "rank 9");
    tensor_case(8, TINY_DIMS(1), 4, SINTER_UNSUPPORTED, "STRING");
    tensor_case(13, TINY_DIMS(1), 8, SINTER_UNSUPPORTED, "UINT64");
    tensor_case(77, TINY_DIMS(1), 8, SINTER_UNSUPPORTED, "unknown");
    tensor_case(1, TINY_DIMS(4), 16, SINTER_SHAPE, "Add|sum|f32[2, 3]|f32[4]");
    /* A dtype that differs is a limit, not a crash. */
    tensor_case(7, TINY_DIMS(3), 24, SINTER_UNSUPPORTED, "sum|i64");
}
END_TEST

START_TEST(missing_elements) {
    tiny t;
    relu_model(&t);
    Onnx__TensorProto *w = tiny_tensor(&t, "w", 1, TINY_DIMS(3000000, 1000000));
    tiny_initializer(&t, w);
    tiny_node(&t, "Add", "sum", "y w", "z");
    tiny_output(&t, "z");
    /* Says so before it takes 12 terabytes. */
    tiny_expect(&t, NULL, SINTER_PARSE, "'w'|3000000000000 elements");
}
END_TEST

/* ---- external data ---- */

static void external_case(const char *dir, const char *location, const char *offset, const char *length,
                          sinter_status want, const char *words) {
    tiny t;
    relu_model(&t);
    Onnx__TensorProto *w = tiny_tensor(&t, "w", 1, TINY_DIMS(2, 3));
    const char *pairs[3][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    w->external_data = sni_arena_alloc(t.arena, 3 * sizeof *w->external_data);
    for (int i = 0; i < 3; i++) {
        if (!pairs[i][1]) continue;
        Onnx__StringStringEntryProto *entry =
            TINY_NEW(&t, Onnx__StringStringEntryProto, ONNX__STRING_STRING_ENTRY_PROTO__INIT);
        entry->key = (char *)pairs[i][0];
        entry->value = (char *)pairs[i][1];
        w->external_data[w->n_external_data++] = entry;
    }
    w->has_data_location = 1;
    w->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tiny_initializer(&t, w);
    tiny_node(&t, "Add", "sum", "y w", "z");
    tiny_output(&t, "z");
    if (want != SINTER_OK) {
        tiny_expect(&t, dir, want, words);
        return;
    }
    sinter_graph *graph = NULL;
    ck_assert_msg(tiny_load_at(&t, dir, NULL, &graph) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(graph);
    tiny_deinit(&t);
}

START_TEST(external_data) {
    char dir[] = "/tmp/sinter-onnx-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/w.bin", dir);
    FILE *file = fopen(path, "wb");
    float values[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    ck_assert_uint_eq(fwrite(values, 1, sizeof values, file), sizeof values);
    fclose(file);
    external_case(dir, "w.bin", "16", "24", SINTER_OK, "");
    external_case(dir, "w.bin", NULL, NULL, SINTER_OK, "");
    external_case(dir, "./w.bin", "3", "24", SINTER_OK, "");
    external_case(dir, "w.bin", "20", "24", SINTER_PARSE, "'w'|w.bin");
    external_case(dir, "w.bin", "18446744073709551600", "24", SINTER_PARSE, "'w'");
    external_case(dir, "w.bin", "99999999999999999999999", "24", SINTER_PARSE, "offset");
    external_case(dir, "w.bin", "-4", "24", SINTER_PARSE, "offset");
    external_case(dir, "w.bin", "0", "20", SINTER_PARSE, "24|20");
    external_case(dir, "w.bin", "0", "x", SINTER_PARSE, "length");
    external_case(dir, "../w.bin", NULL, NULL, SINTER_PARSE, "../w.bin|beside");
    external_case(dir, "a/../../w.bin", NULL, NULL, SINTER_PARSE, "beside");
    external_case(dir, "/etc/passwd", NULL, NULL, SINTER_PARSE, "/etc/passwd");
    external_case(dir, "..\\w.bin", NULL, NULL, SINTER_PARSE, "beside");
    external_case(dir, "", NULL, NULL, SINTER_PARSE, "beside");
    external_case(dir, NULL, NULL, NULL, SINTER_PARSE, "beside");
    external_case(dir, "absent.bin", NULL, NULL, SINTER_IO, "'w'|absent.bin");
    external_case(dir, ".", NULL, NULL, SINTER_IO, "'w'");
    external_case(NULL, "w.bin", NULL, NULL, SINTER_IO, "'w'|no directory");
    remove(path);
    rmdir(dir);
}
END_TEST

/* ---- attributes, shapes, inputs ---- */

START_TEST(attributes) {
    tiny t;
    relu_model(&t);
    tiny_attr_float(&t, tiny_node(&t, "Flatten", "flat", "y", "z"), "axis", 1);
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_PARSE, "Flatten 'flat'|axis");
    relu_model(&t);
    tiny_attr_int(&t, tiny_node(&t, "Softmax", "soft", "y", "z"), "axis", 2);
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_PARSE, "soft|axis 2");
    relu_model(&t);
    tiny_attr_ints(&t, tiny_node(&t, "Transpose", "turn", "y", "z"), "perm", 2, (const int64_t[]){1, 1});
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_PARSE, "turn|permutation");
    relu_model(&t);
    tiny_attr_int(&t, tiny_node(&t, "Cast", "conversion", "y", "z"), "to", 8);
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "conversion|STRING");
}
END_TEST

static void reshape_case(int count, const int64_t *shape, sinter_status want, const char *words) {
    tiny t;
    relu_model(&t);
    tiny_ints(&t, "shape", count, shape);
    tiny_node(&t, "Reshape", "form", "y shape", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, want, words);
}

static void refused_attribute(const char *name, const char *words) {
    tiny t;
    relu_model(&t);
    tiny_attr_int(&t, tiny_node(&t, "Abs", "size", "y", "z"), name, 1);
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, words);
}

/* An attribute that the operator's row does not ask for is refused by its name. */
START_TEST(unknown_attributes) {
    refused_attribute("newest", "size|'newest'");
    refused_attribute("consumed", "size|'consumed'"); /* a part of a name that may be there */
    refused_attribute("inputs", "size|'inputs'");
}
END_TEST

START_TEST(impossible_shapes) {
    reshape_case(1, (const int64_t[]){7}, SINTER_SHAPE, "form");
    reshape_case(2, (const int64_t[]){-1, -1}, SINTER_SHAPE, "form");
    reshape_case(2, (const int64_t[]){-1, 4}, SINTER_SHAPE, "form");
    reshape_case(2, (const int64_t[]){-2, 3}, SINTER_SHAPE, "form");
    reshape_case(3, (const int64_t[]){2, 3, 0}, SINTER_SHAPE, "form");
    reshape_case(9, (const int64_t[]){1, 1, 1, 1, 1, 1, 1, 2, 3}, SINTER_UNSUPPORTED, "form|rank 9");
    tiny t;
    relu_model(&t);
    tiny_input(&t, "wish", 7, TINY_DIMS(2));
    tiny_node(&t, "Reshape", "form", "y wish", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "Reshape 'form'|depends on data");
    relu_model(&t);
    tiny_ints(&t, "shape", 3, (const int64_t[]){INT64_MAX / 2, 4, 4});
    tiny_node(&t, "ConstantOfShape", "giant", "shape", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_SHAPE, "giant");
}
END_TEST

START_TEST(inputs) {
    tiny t;
    relu_model(&t);
    tiny_input(&t, "words", 8, TINY_DIMS(2));
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "'words'|STRING");
    relu_model(&t);
    t.inputs[0]->type->tensor_type->shape = NULL;
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "'x'|no shape");
    relu_model(&t);
    t.inputs[0]->type = NULL;
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "'x'|no tensor");
    relu_model(&t);
    tiny_input(&t, "deep", 1, TINY_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "'deep'|rank 9");
}
END_TEST

START_TEST(options) {
    tiny t;
    sinter_graph *graph = NULL;
    const char *names[] = {"b"};
    const int64_t values[] = {4}, negative[] = {-4};
    sinter_onnx_options unknown = {names, values, 1, NULL, 0};
    relu_model(&t);
    ck_assert_int_eq(tiny_load_at(&t, NULL, &unknown, &graph), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'b'"));
    tiny_input(&t, "z", 1, TINY_DIMS(1000 + 'b'));
    sinter_onnx_options wrong = {names, negative, 1, NULL, 0};
    ck_assert_int_eq(tiny_load_at(&t, NULL, &wrong, &graph), SINTER_INVALID_ARGUMENT);
    tiny_deinit(&t);
}
END_TEST

/* ---- files that are made to be heavy ---- */

START_TEST(nesting) {
    /* A thousand types of sequences of sequences, as the type of an input. */
    tiny t;
    relu_model(&t);
    Onnx__TypeProto *type = t.inputs[0]->type;
    for (int i = 0; i < 1000; i++) {
        Onnx__TypeProto__Sequence *sequence = TINY_NEW(&t, Onnx__TypeProto__Sequence, ONNX__TYPE_PROTO__SEQUENCE__INIT);
        Onnx__TypeProto *outer = TINY_NEW(&t, Onnx__TypeProto, ONNX__TYPE_PROTO__INIT);
        sequence->elem_type = type;
        outer->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
        outer->sequence_type = sequence;
        type = outer;
    }
    t.inputs[0]->type = type;
    tiny_expect(&t, NULL, SINTER_PARSE, "nested");
}
END_TEST

START_TEST(amplification) {
    /* Two bytes a node: it would unpack to a hundred times its size. */
    size_t nodes = 4000000, size = 0;
    uint8_t *data = malloc(nodes * 2 + 64);
    const uint8_t head[] = {0x08, 8};
    memcpy(data, head, sizeof head);
    size = sizeof head;
    data[size++] = 0x3a;
    for (uint64_t length = nodes * 2; length > 0; length >>= 7)
        data[size++] = (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    for (size_t i = 0; i < nodes; i++) {
        data[size++] = 0x0a;
        data[size++] = 0;
    }
    sinter_graph *graph = NULL;
    ck_assert_int_eq(sinter_onnx_load_memory(data, size, NULL, NULL, &graph), SINTER_PARSE);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "memory"));
    free(data);
}
END_TEST

static Onnx__FunctionProto *function(tiny *t, const char *name, const char *ins, const char *outs) {
    Onnx__FunctionProto *f = TINY_NEW(t, Onnx__FunctionProto, ONNX__FUNCTION_PROTO__INIT);
    f->name = (char *)name;
    f->domain = (char *)"local";
    f->input = tiny_words(t, ins, &f->n_input);
    f->output = tiny_words(t, outs, &f->n_output);
    f->node = sni_arena_alloc(t->arena, TINY_MAX * sizeof *f->node);
    t->functions[t->model.n_functions++] = f;
    return f;
}

static Onnx__NodeProto *local_node(tiny *t, const char *op, const char *ins, const char *outs) {
    Onnx__NodeProto *node = tiny_make_node(t, op, op, ins, outs);
    node->domain = (char *)"local";
    return node;
}

START_TEST(functions_without_end) {
    tiny t;
    relu_model(&t);
    Onnx__FunctionProto *f = function(&t, "Self", "a", "b");
    f->node[f->n_node++] = local_node(&t, "Self", "a", "b");
    t.nodes[t.graph.n_node++] = local_node(&t, "Self", "y", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "Self|nested");
    /* Each calls the next one twice: 2^30 nodes of a few hundred bytes. */
    relu_model(&t);
    static char texts[31][16];
    for (int i = 0; i < 31; i++) snprintf(texts[i], sizeof texts[i], "F%d", i);
    for (int i = 0; i < 30; i++) {
        f = function(&t, texts[i], "a", "c");
        f->node[f->n_node++] = local_node(&t, texts[i + 1], "a", "b");
        f->node[f->n_node++] = local_node(&t, texts[i + 1], "b", "c");
    }
    f = function(&t, texts[30], "a", "b");
    f->node[f->n_node++] = tiny_make_node(&t, "Relu", "leaf", "a", "b");
    t.nodes[t.graph.n_node++] = local_node(&t, "F0", "y", "z");
    tiny_output(&t, "z");
    tiny_expect(&t, NULL, SINTER_UNSUPPORTED, "nodes");
}
END_TEST

/* ---- tensors in files of their own ---- */

START_TEST(tensor_files) {
    sinter_onnx_tensor tensor;
    ck_assert_int_eq(sinter_onnx_tensor_load("/no/such.pb", &tensor), SINTER_IO);
    ck_assert_int_eq(sinter_onnx_tensor_load(NULL, &tensor), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sinter_onnx_tensor_load(SINTER_SOURCE_DIR "/tests/onnx/test_onnx_errors.c", &tensor),
                     SINTER_PARSE);
    sinter_onnx_tensor_release(&tensor);
    sinter_onnx_tensor_release(NULL);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nothing_and_no_model,
        every_truncation,
        versions,
        cycles,
        wrong_names,
        operators,
        tensors,
        missing_elements,
        external_data,
        attributes,
        unknown_attributes,
        impossible_shapes,
        inputs,
        options,
        nesting,
        amplification,
        functions_without_end,
        tensor_files,
    };
    return run_suite(suite_of("onnx errors", tests, sizeof tests / sizeof *tests));
}
