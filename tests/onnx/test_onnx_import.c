/* What a model may contain: every form of stored tensor, external data, symbolic dimensions, functions,
 * branches, old opsets. Results are computed by the reference evaluator. */
#include "tiny.h"

#include <stdio.h>
#include <unistd.h>

#include "graph/reference.h"

#include "../check_main.h"

/* Runs a graph whose inputs are all f32 with data 1, 2, 3, ...; dims gives a value to every symbolic dimension
 * in the order of first use. */
static sni_ref_tensor *run_first(const sinter_graph *graph, int64_t symbolic) {
    sni_ref_tensor *inputs[8] = {NULL}, *outs[8] = {NULL};
    size_t count = sinter_graph_input_count(graph);
    for (size_t i = 0; i < count; i++) {
        sinter_value value = sinter_graph_input_value(graph, i);
        int64_t dims[SINTER_MAX_RANK];
        int rank = sinter_value_rank(graph, value);
        for (int d = 0; d < rank; d++) {
            char text[80], *end;
            sinter_value_dim_string(graph, value, d, text, sizeof text);
            dims[d] = strtoll(text, &end, 10);
            if (*end) dims[d] = symbolic;
        }
        ck_assert_int_eq(sni_ref_tensor_create(SINTER_F32, rank, dims, &inputs[i]), SINTER_OK);
        for (int64_t n = 0; n < inputs[i]->count; n++) inputs[i]->f[n] = (double)n + 1;
    }
    sinter_status status = sni_reference_run(graph, inputs, NULL, false, outs);
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
    for (size_t i = 0; i < count; i++) sni_ref_tensor_release(inputs[i]);
    for (size_t i = 1; i < sinter_graph_output_count(graph); i++) sni_ref_tensor_release(outs[i]);
    return outs[0];
}

static sinter_graph *load(tiny *t, const char *dir, const sinter_onnx_options *options) {
    sinter_graph *graph = NULL;
    sinter_status status = tiny_load_at(t, dir, options, &graph);
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
    return graph;
}

/* The first output must be these numbers; the model is gone afterwards. */
static void expect(tiny *t, int64_t symbolic, int count, const double *want) {
    sinter_graph *graph = load(t, NULL, NULL);
    sni_ref_tensor *got = run_first(graph, symbolic);
    ck_assert_int_eq(got->count, count);
    for (int i = 0; i < count; i++) ck_assert_double_eq_tol(got->f ? got->f[i] : (double)got->i[i], want[i], 1e-6);
    sni_ref_tensor_release(got);
    sinter_graph_release(graph);
    tiny_deinit(t);
}

#define WANT(...)                                                                                                      \
    (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)), (const double[]) {                                  \
        __VA_ARGS__                                                                                                    \
    }

/* ---- tensors ---- */

/* A model whose output is an initialiser, cast to f32 where it is not whole. */
static Onnx__TensorProto *constant_model(tiny *t, int type, int64_t count) {
    tiny_init(t, 17);
    Onnx__TensorProto *w = tiny_tensor(t, "w", type, 1, &count);
    tiny_initializer(t, w);
    tiny_attr_int(t, tiny_node(t, "Cast", "to real", "w", "y"), "to", 11);
    tiny_output(t, "y");
    return w;
}

START_TEST(stored_forms) {
    tiny t;
    float floats[] = {1.5f, -2};
    double doubles[] = {1.25, 1e300};
    int64_t longs[] = {-5, INT64_C(1) << 40};
    int32_t ints[] = {-7, 70000}, halves[] = {0x3c00, 0xc100}, brains[] = {0x3f80, 0xc020};
    int32_t small[] = {-3, 100}, flags[] = {1, 0};
    Onnx__TensorProto *w = constant_model(&t, 1, 2);
    w->n_float_data = 2, w->float_data = floats;
    expect(&t, 0, WANT(1.5, -2));
    w = constant_model(&t, 11, 2);
    w->n_double_data = 2, w->double_data = doubles;
    expect(&t, 0, WANT(1.25, 1e300));
    w = constant_model(&t, 7, 2);
    w->n_int64_data = 2, w->int64_data = longs;
    expect(&t, 0, WANT(-5, 1099511627776.0));
    struct {
        int type;
        int32_t *data;
        double want[2];
    } rows[] = {{6, ints, {-7, 70000}},   {10, halves, {1, -2.5}}, {16, brains, {1, -2.5}}, {3, small, {-3, 100}},
                {2, small + 1, {100, 1}}, {5, ints, {-7, 4464}},   {9, flags, {1, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        w = constant_model(&t, rows[i].type, rows[i].type == 2 ? 1 : 2);
        w->n_int32_data = rows[i].type == 2 ? 1 : 2, w->int32_data = rows[i].data;
        expect(&t, 0, rows[i].type == 2 ? 1 : 2, rows[i].want);
    }
    w = constant_model(&t, 1, 2);
    tiny_raw(&t, w, floats, sizeof floats);
    expect(&t, 0, WANT(1.5, -2));
    /* Any byte but 0 is true. */
    w = constant_model(&t, 9, 3);
    tiny_raw(&t, w, "\x02\x00\xff", 3);
    expect(&t, 0, WANT(1, 0, 1));
    constant_model(&t, 1, 0);
    expect(&t, 0, 0, NULL);
}
END_TEST

/* Large ones stay in the file: their places are found before the message is unpacked. */
START_TEST(large_initialisers) {
    tiny t;
    float values[2000];
    char dir[] = "/tmp/sinter-onnx-XXXXXX", path[64];
    for (int i = 0; i < 2000; i++) values[i] = (float)i;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.onnx", dir);
    /* Four lengths of the name move the data through every alignment. */
    for (int shift = 0; shift < 4; shift++) {
        char name[8] = "weight";
        size_t size;
        name[3 + shift] = '\0';
        tiny_init(&t, 17);
        Onnx__TensorProto *w = tiny_tensor(&t, name, 1, TINY_DIMS(2000));
        tiny_raw(&t, w, values, sizeof values);
        tiny_initializer(&t, w);
        tiny_node(&t, "ReduceSum", "sum", name, "y");
        tiny_output(&t, "y");
        uint8_t *data = tiny_pack(&t, &size);
        FILE *file = fopen(path, "wb");
        ck_assert_uint_eq(fwrite(data, 1, size, file), size);
        fclose(file);
        free(data);
        sinter_graph *graph = NULL;
        ck_assert_msg(sinter_onnx_load(path, NULL, &graph) == SINTER_OK, "%s", sinter_last_error());
        remove(path); /* the mapping outlives the name */
        sni_ref_tensor *got = run_first(graph, 0);
        ck_assert_double_eq(got->f[0], 1999000);
        sni_ref_tensor_release(got);
        sinter_graph_release(graph);
        expect(&t, 0, WANT(1999000));
    }
    rmdir(dir);
}
END_TEST

START_TEST(external_data) {
    tiny t;
    char dir[] = "/tmp/sinter-onnx-XXXXXX", path[64];
    float values[] = {9, 1, 2, 3, 4, 5, 6};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/w.bin", dir);
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(values, 1, sizeof values, file), sizeof values);
    fclose(file);
    tiny_init(&t, 17);
    Onnx__StringStringEntryProto entries[2], *list[] = {&entries[0], &entries[1]};
    for (int i = 0; i < 2; i++) onnx__string_string_entry_proto__init(&entries[i]);
    entries[0].key = (char *)"location", entries[0].value = (char *)"w.bin";
    entries[1].key = (char *)"offset", entries[1].value = (char *)"4";
    Onnx__TensorProto *w = tiny_tensor(&t, "w", 1, TINY_DIMS(2, 3));
    w->n_external_data = 2, w->external_data = list;
    w->has_data_location = 1;
    w->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tiny_initializer(&t, w);
    tiny_node(&t, "Transpose", "turn", "w", "y");
    tiny_output(&t, "y");
    sinter_graph *graph = load(&t, dir, NULL);
    remove(path);
    rmdir(dir);
    sni_ref_tensor *got = run_first(graph, 0);
    const double want[] = {1, 4, 2, 5, 3, 6};
    for (int i = 0; i < 6; i++) ck_assert_double_eq(got->f[i], want[i]);
    sni_ref_tensor_release(got);
    sinter_graph_release(graph);
    tiny_deinit(&t);
}
END_TEST

/* ---- dimensions ---- */

static void dim_is(const sinter_graph *graph, sinter_value value, int axis, const char *want) {
    char text[200];
    sinter_value_dim_string(graph, value, axis, text, sizeof text);
    ck_assert_str_eq(text, want);
}

START_TEST(symbolic_dimensions) {
    tiny t;
    const char *names[] = {"b", "x.1"};
    const int64_t values[] = {5, 7};
    sinter_onnx_options options = {names, values, 2, NULL, 0};
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1000 + 'b', -1, 3));
    tiny_attr_int(&t, tiny_node(&t, "Flatten", "flat", "x", "y"), "axis", 2);
    tiny_output(&t, "y");
    sinter_graph *graph = load(&t, NULL, NULL);
    dim_is(graph, sinter_graph_input_value(graph, 0), 0, "b");
    dim_is(graph, sinter_graph_input_value(graph, 0), 1, "x.1");
    dim_is(graph, sinter_graph_output_value(graph, 0), 1, "3");
    sinter_graph_release(graph);
    graph = load(&t, NULL, &options);
    dim_is(graph, sinter_graph_output_value(graph, 0), 0, "35");
    sinter_graph_release(graph);
    tiny_deinit(&t);
}
END_TEST

/* Shape, Gather, Concat, Reshape: what exporters write for x.view(x.size(0), -1). */
START_TEST(shape_arithmetic) {
    tiny t;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1000 + 'b', 2, 3));
    tiny_ints(&t, "zero", 1, (const int64_t[]){0});
    tiny_ints(&t, "minus", 1, (const int64_t[]){-1});
    tiny_node(&t, "Shape", "form", "x", "s");
    tiny_node(&t, "Gather", "first", "s zero", "n");
    tiny_attr_int(&t, tiny_node(&t, "Concat", "join", "n minus", "c"), "axis", 0);
    tiny_node(&t, "Reshape", "view", "x c", "y");
    tiny_output(&t, "y");
    sinter_graph *graph = load(&t, NULL, NULL);
    dim_is(graph, sinter_graph_output_value(graph, 0), 0, "b");
    dim_is(graph, sinter_graph_output_value(graph, 0), 1, "6");
    sinter_graph_release(graph);
    tiny_deinit(&t);
}
END_TEST

/* Sizes by way of floats, as exporters of upsampling and of padding to whole patches write them: of a named dimension, in
 * f32, rounded, and used as a shape. `want` is the first dimension of the result. */
static void float_size(const char *op, const char *round, float by, const char *want) {
    tiny t;
    int64_t one = 1;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1000 + 'h', 3));
    tiny_ints(&t, "zero", 1, (const int64_t[]){0});
    Onnx__TensorProto *number = tiny_tensor(&t, "by", 1, 1, &one);
    tiny_raw(&t, number, &by, sizeof by);
    tiny_initializer(&t, number);
    tiny_node(&t, "Shape", "form", "x", "s");
    tiny_node(&t, "Gather", "first", "s zero", "n");
    tiny_attr_int(&t, tiny_node(&t, "Cast", "to float", "n", "f"), "to", 1);
    tiny_node(&t, op, "step", "f by", *round ? "q" : "r");
    if (*round) tiny_node(&t, round, "round", "q", "r");
    tiny_attr_int(&t, tiny_node(&t, "Cast", "to size", "r", "i"), "to", 7);
    tiny_node(&t, "ConstantOfShape", "fill", "i", "y");
    tiny_output(&t, "y");
    sinter_graph *graph = NULL;
    sinter_status status = tiny_load_at(&t, NULL, NULL, &graph);
    if (want) {
        ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
        dim_is(graph, sinter_graph_output_value(graph, 0), 0, want);
    } else {
        ck_assert_int_eq(status, SINTER_UNSUPPORTED);
    }
    sinter_graph_release(graph);
    tiny_deinit(&t);
}

START_TEST(sizes_by_way_of_floats) {
    float_size("Mul", "Floor", 2.0F, "2*h");
    float_size("Mul", "Floor", 0.5F, "(h/2)");
    float_size("Mul", "", 1.5F, "(3*h/2)");
    float_size("Div", "Ceil", 2.0F, "((h + 1)/2)");
    float_size("Div", "Floor", 3.0F, "(h/3)");
    float_size("Add", "Floor", 0.5F, "h");
    /* A factor that f32 rounds, and what may be negative, are the device's to compute. */
    float_size("Mul", "Floor", 0.333333F, NULL);
    float_size("Sub", "", 2.5F, NULL);
}
END_TEST

/* Numbers that are no size: a table that is cast, longer than any list of sizes. */
START_TEST(casts_of_tables) {
    enum { COUNT = 300 };
    tiny t;
    int64_t count = COUNT;
    float numbers[COUNT];
    double want[COUNT];
    for (int i = 0; i < COUNT; ++i) numbers[i] = (float)i - 20.5F, want[i] = (double)(int64_t)numbers[i];
    tiny_init(&t, 17);
    Onnx__TensorProto *table = tiny_tensor(&t, "table", 1, 1, &count);
    tiny_raw(&t, table, numbers, sizeof numbers);
    tiny_initializer(&t, table);
    tiny_attr_int(&t, tiny_node(&t, "Cast", "whole", "table", "y"), "to", 7);
    tiny_output(&t, "y");
    expect(&t, 1, COUNT, want);
}
END_TEST

START_TEST(fixed_inputs) {
    tiny t;
    int64_t shape[] = {3, 2}, wrong[] = {3};
    sinter_onnx_tensor fixed = {(char *)"form", SINTER_I64, SINTER_SHAPE(2), shape, sizeof shape};
    sinter_onnx_options options = {NULL, NULL, 0, &fixed, 1};
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(2, 3));
    tiny_input(&t, "form", 7, TINY_DIMS(2));
    tiny_node(&t, "Reshape", "view", "x form", "y");
    tiny_output(&t, "y");
    sinter_graph *graph = load(&t, NULL, &options);
    ck_assert_uint_eq(sinter_graph_input_count(graph), 1);
    dim_is(graph, sinter_graph_output_value(graph, 0), 0, "3");
    sinter_graph_release(graph);
    graph = NULL;
    fixed.shape = SINTER_SHAPE(1), fixed.data = wrong, fixed.size_bytes = sizeof wrong;
    ck_assert_int_eq(tiny_load_at(&t, NULL, &options, &graph), SINTER_INVALID_ARGUMENT);
    fixed = (sinter_onnx_tensor){(char *)"from", SINTER_I64, SINTER_SHAPE(2), shape, sizeof shape};
    ck_assert_int_eq(tiny_load_at(&t, NULL, &options, &graph), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "'from', which is no input"));
    /* Counts without their arrays. */
    const char *names[] = {NULL};
    const int64_t values[] = {1};
    const sinter_onnx_options bad[] = {{NULL, NULL, 1, NULL, 0},   {names, NULL, 1, NULL, 0},
                                       {NULL, values, 1, NULL, 0}, {names, values, 1, NULL, 0},
                                       {NULL, NULL, 0, NULL, 1},   {NULL, NULL, 0, &(sinter_onnx_tensor){NULL}, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        ck_assert_int_eq(tiny_load_at(&t, NULL, &bad[i], &graph), SINTER_INVALID_ARGUMENT);
    tiny_deinit(&t);
}
END_TEST

/* A batch that the exporter took for 1: only value_info says that -1 is s. */
START_TEST(hints) {
    tiny t;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1000 + 'b', 1000 + 's', 4));
    tiny_ints(&t, "rows", 2, (const int64_t[]){-1, 4});
    tiny_ints(&t, "back", 3, (const int64_t[]){1, -1, 4});
    enum { LAYERS = 20 };
    char names[LAYERS][3][16], ins[40];
    const char *x = "x";
    for (int i = 0; i < LAYERS; i++) {
        for (int k = 0; k < 3; k++) snprintf(names[i][k], 16, "%c%d", "fgh"[k], i);
        snprintf(ins, sizeof ins, "%s rows", x);
        tiny_node(&t, "Reshape", names[i][0], ins, names[i][0]);
        snprintf(ins, sizeof ins, "%.15s back", names[i][0]);
        tiny_node(&t, "Reshape", names[i][1], ins, names[i][1]);
        snprintf(ins, sizeof ins, "%.15s %.15s", names[i][1], x);
        tiny_node(&t, "Add", names[i][2], ins, names[i][2]);
        x = names[i][2];
    }
    tiny_output(&t, x);
    Onnx__ValueInfoProto *infos[LAYERS];
    for (int i = 0; i < LAYERS; i++) infos[i] = tiny_info(&t, names[i][1], 1, TINY_DIMS(1, 1000 + 's', 4));
    t.graph.n_value_info = LAYERS;
    t.graph.value_info = infos;
    sinter_graph *graph = load(&t, NULL, NULL);
    dim_is(graph, sinter_graph_output_value(graph, 0), 1, "s");
    sinter_graph_release(graph);
    tiny_deinit(&t);
}
END_TEST

/* ---- structure ---- */

START_TEST(order_and_dead_nodes) {
    tiny t;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(2));
    tiny_node(&t, "Add", "last", "a b", "y");
    tiny_node(&t, "Neg", "second", "a", "b");
    tiny_node(&t, "Mul", "first", "x x", "a");
    tiny_node(&t, "NoSuchThing", "dead", "x", "z");
    tiny_output(&t, "y");
    expect(&t, 0, WANT(0, 0));
}
END_TEST

START_TEST(long_chain) {
    /* Longer than any stack of calls: the walk keeps its own. */
    tiny t;
    enum { LENGTH = 100000 };
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1));
    Onnx__NodeProto **nodes = malloc(LENGTH * sizeof *nodes);
    for (int i = 0; i < LENGTH; i++) {
        char in[16], out[16];
        snprintf(in, sizeof in, i == LENGTH - 1 ? "x" : "v%d", i + 1);
        snprintf(out, sizeof out, "v%d", i);
        nodes[i] = TINY_NEW(&t, Onnx__NodeProto, ONNX__NODE_PROTO__INIT);
        nodes[i]->op_type = (char *)"Neg";
        nodes[i]->n_input = nodes[i]->n_output = 1;
        nodes[i]->input = sni_arena_alloc(t.arena, sizeof(char *));
        nodes[i]->output = sni_arena_alloc(t.arena, sizeof(char *));
        nodes[i]->input[0] = sni_arena_strdup(t.arena, in);
        nodes[i]->output[0] = sni_arena_strdup(t.arena, out);
    }
    t.graph.n_node = LENGTH;
    t.graph.node = nodes;
    tiny_output(&t, "v0");
    sinter_graph *graph = load(&t, NULL, NULL);
    ck_assert_uint_eq(sinter_graph_operator_count(graph), LENGTH);
    sinter_graph_release(graph);
    tiny_deinit(&t);
    free(nodes);
}
END_TEST

/* Leaky(x; slope = 0.5) = LeakyRelu(x; alpha = @slope), called by Twice with its own attribute. */
START_TEST(functions) {
    tiny t;
    tiny_init(&t, 17);
    Onnx__FunctionProto *leaky = TINY_NEW(&t, Onnx__FunctionProto, ONNX__FUNCTION_PROTO__INIT);
    Onnx__FunctionProto *twice = TINY_NEW(&t, Onnx__FunctionProto, ONNX__FUNCTION_PROTO__INIT);
    Onnx__NodeProto *body[1], *calls[2];
    leaky->name = (char *)"Leaky", leaky->domain = (char *)"local";
    leaky->input = tiny_words(&t, "v", &leaky->n_input);
    leaky->output = tiny_words(&t, "y", &leaky->n_output);
    body[0] = tiny_make_node(&t, "LeakyRelu", "inner", "v", "y");
    tiny_attr(&t, body[0], "alpha", 1)->ref_attr_name = (char *)"slope";
    leaky->n_node = 1, leaky->node = body;
    twice->name = (char *)"Twice", twice->domain = (char *)"local";
    twice->input = tiny_words(&t, "v unused", &twice->n_input);
    twice->output = tiny_words(&t, "y", &twice->n_output);
    calls[0] = tiny_make_node(&t, "Leaky", "one", "v", "h");
    calls[1] = tiny_make_node(&t, "Leaky", "two", "h", "y");
    calls[0]->domain = calls[1]->domain = (char *)"local";
    tiny_attr(&t, calls[0], "slope", 1)->ref_attr_name = (char *)"s";
    tiny_attr_float(&t, calls[1], "slope", 10);
    twice->n_node = 2, twice->node = calls;
    t.functions[0] = leaky, t.functions[1] = twice;
    t.model.n_functions = 2;
    tiny_input(&t, "x", 1, TINY_DIMS(2));
    tiny_node(&t, "Neg", "minus", "x", "m");
    Onnx__NodeProto *outer = tiny_node(&t, "Twice", "outer", "m", "y");
    outer->domain = (char *)"local";
    tiny_attr_float(&t, outer, "s", 0.5f);
    tiny_output(&t, "y");
    expect(&t, 0, WANT(-5, -10));
}
END_TEST

/* A branch sees the names around it; the condition is a constant. */
static void branch_model(tiny *t, bool condition) {
    static Onnx__GraphProto graphs[2];
    static Onnx__NodeProto *nodes[2];
    static Onnx__ValueInfoProto *outs[2];
    tiny_init(t, 17);
    tiny_input(t, "x", 1, TINY_DIMS(2));
    Onnx__TensorProto *c = tiny_tensor(t, "c", 9, 0, NULL);
    tiny_raw(t, c, condition ? "\x01" : "\x00", 1);
    tiny_initializer(t, c);
    Onnx__NodeProto *node = tiny_node(t, "If", "choice", "c", "y");
    for (int i = 0; i < 2; i++) {
        onnx__graph_proto__init(&graphs[i]);
        nodes[i] = tiny_make_node(t, i ? "Neg" : "Mul", "inside", i ? "late" : "late x", "r");
        outs[i] = tiny_info(t, "r", 1, 0, NULL);
        graphs[i].n_node = graphs[i].n_output = 1;
        graphs[i].node = &nodes[i];
        graphs[i].output = &outs[i];
        tiny_attr(t, node, i ? "else_branch" : "then_branch", 5)->g = &graphs[i];
    }
    /* Made after the If in the file, and only needed inside it. */
    tiny_node(t, "Add", "captured", "x x", "late");
    tiny_output(t, "y");
}

START_TEST(branches) {
    tiny t;
    branch_model(&t, true);
    expect(&t, 0, WANT(2, 8));
    branch_model(&t, false);
    expect(&t, 0, WANT(-2, -4));
}
END_TEST

/* ---- meanings that changed ---- */

START_TEST(softmax_of_old_opsets) {
    /* x = 1 2 | 3 4 as [1, 2, 2]: since 13 rows of the last axis, before it all four. */
    for (int opset = 12; opset <= 13; opset++) {
        tiny t;
        tiny_init(&t, opset);
        tiny_input(&t, "x", 1, TINY_DIMS(1, 2, 2));
        tiny_node(&t, "Softmax", "soft", "x", "y");
        tiny_output(&t, "y");
        if (opset == 13)
            expect(&t, 0, WANT(0.26894142, 0.73105858, 0.26894142, 0.73105858));
        else
            expect(&t, 0, WANT(0.03205860, 0.08714432, 0.23688282, 0.64391426));
    }
}
END_TEST

START_TEST(operands_that_were_attributes) {
    tiny t;
    tiny_init(&t, 9);
    tiny_input(&t, "x", 1, TINY_DIMS(2, 3));
    Onnx__NodeProto *slice = tiny_node(&t, "Slice", "part", "x", "s");
    tiny_attr_ints(&t, slice, "starts", 1, (const int64_t[]){-2});
    tiny_attr_ints(&t, slice, "ends", 1, (const int64_t[]){100});
    tiny_attr_ints(&t, slice, "axes", 1, (const int64_t[]){1});
    Onnx__NodeProto *clip = tiny_node(&t, "Clip", "limit", "s", "c");
    tiny_attr_float(&t, clip, "max", 5);
    Onnx__NodeProto *pad = tiny_node(&t, "Pad", "frame", "c", "p");
    tiny_attr_ints(&t, pad, "pads", 4, (const int64_t[]){0, 1, 0, 0});
    tiny_attr_float(&t, pad, "value", 7);
    tiny_attr_ints(&t, tiny_node(&t, "Unsqueeze", "more", "p", "y"), "axes", 1, (const int64_t[]){0});
    tiny_output(&t, "y");
    expect(&t, 0, WANT(7, 2, 3, 7, 5, 5));
}
END_TEST

START_TEST(broadcast_of_opset_6) {
    tiny t;
    tiny_init(&t, 6);
    tiny_input(&t, "x", 1, TINY_DIMS(2, 2));
    tiny_input(&t, "b", 1, TINY_DIMS(2));
    Onnx__NodeProto *add = tiny_node(&t, "Add", "rows", "x b", "y");
    tiny_attr_int(&t, add, "broadcast", 1);
    tiny_attr_int(&t, add, "axis", 0);
    tiny_output(&t, "y");
    expect(&t, 0, WANT(2, 3, 5, 6));
}
END_TEST

static void slice_case(int64_t start, int64_t end, int64_t step, int count, const double *want) {
    tiny t;
    tiny_init(&t, 17);
    tiny_input(&t, "x", 1, TINY_DIMS(1000 + 'n'));
    tiny_ints(&t, "start", 1, &start);
    tiny_ints(&t, "end", 1, &end);
    tiny_ints(&t, "axis", 1, (const int64_t[]){0});
    tiny_ints(&t, "step", 1, &step);
    tiny_node(&t, "Slice", "part", "x start end axis step", "y");
    tiny_output(&t, "y");
    expect(&t, 5, count, want);
}

/* x = 1 2 3 4 5, its length a symbol: what Python's x[start:end:step] gives. */
START_TEST(slices) {
    slice_case(1, 3, 1, WANT(2, 3));
    slice_case(-2, INT64_MAX, 1, WANT(4, 5));
    slice_case(0, -1, 2, WANT(1, 3));
    slice_case(-1, INT64_MIN, -1, WANT(5, 4, 3, 2, 1));
    slice_case(3, 0, -2, WANT(4, 2));
    slice_case(100, -100, -3, WANT(5, 2));
    slice_case(-100, 2, 1, WANT(1, 2));
    slice_case(4, 2, 1, 0, NULL);
    slice_case(7, 9, 1, 0, NULL);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        stored_forms,
        large_initialisers,
        external_data,
        symbolic_dimensions,
        shape_arithmetic,
        sizes_by_way_of_floats,
        casts_of_tables,
        fixed_inputs,
        hints,
        order_and_dead_nodes,
        long_chain,
        functions,
        branches,
        softmax_of_old_opsets,
        operands_that_were_attributes,
        broadcast_of_opset_6,
        slices,
    };
    return run_suite(suite_of("onnx import", tests, sizeof tests / sizeof *tests));
}
