/* Tiny ONNX models for tests, packed by hand: only protobuf-c knows the format here, not the importer. */
#ifndef TESTS_ONNX_TINY_H
#define TESTS_ONNX_TINY_H

#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/onnx.h>

#include "base/alloc.h"
#include "onnx/onnx.pb-c.h"

#define TINY_MAX 64

typedef struct tiny {
    sni_arena *arena;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto *nodes[TINY_MAX];
    Onnx__ValueInfoProto *inputs[TINY_MAX], *outputs[TINY_MAX];
    Onnx__TensorProto *tensors[TINY_MAX];
    Onnx__FunctionProto *functions[TINY_MAX];
} tiny;

#define TINY_NEW(t, type, init) tiny_copy((t), &(type)init, sizeof(type))

static inline void *tiny_copy(tiny *t, const void *data, size_t size) {
    void *copy = sni_arena_copy(t->arena, data, size);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static inline void tiny_init(tiny *t, int64_t opset) {
    memset(t, 0, sizeof *t);
    t->arena = sni_arena_create();
    onnx__model_proto__init(&t->model);
    onnx__graph_proto__init(&t->graph);
    onnx__operator_set_id_proto__init(&t->opset);
    t->opset.has_version = 1;
    t->opset.version = opset;
    t->opset.domain = (char *)"";
    t->opsets[0] = &t->opset;
    t->model.has_ir_version = 1;
    t->model.ir_version = 8;
    t->model.n_opset_import = 1;
    t->model.opset_import = t->opsets;
    t->model.graph = &t->graph;
    t->model.functions = t->functions;
    t->graph.node = t->nodes;
    t->graph.input = t->inputs;
    t->graph.output = t->outputs;
    t->graph.initializer = t->tensors;
}

static inline void tiny_deinit(tiny *t) {
    sni_arena_release(t->arena);
}

/* A value's type; a dimension below 0 has no name, and one of 1000 + c the name of the character c. */
static inline Onnx__ValueInfoProto *tiny_info(tiny *t, const char *name, int type, int rank, const int64_t *dims) {
    Onnx__ValueInfoProto *info = TINY_NEW(t, Onnx__ValueInfoProto, ONNX__VALUE_INFO_PROTO__INIT);
    Onnx__TypeProto *outer = TINY_NEW(t, Onnx__TypeProto, ONNX__TYPE_PROTO__INIT);
    Onnx__TypeProto__Tensor *tensor = TINY_NEW(t, Onnx__TypeProto__Tensor, ONNX__TYPE_PROTO__TENSOR__INIT);
    Onnx__TensorShapeProto *shape = TINY_NEW(t, Onnx__TensorShapeProto, ONNX__TENSOR_SHAPE_PROTO__INIT);
    info->name = (char *)name;
    info->type = outer;
    outer->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    outer->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = type;
    tensor->shape = shape;
    shape->n_dim = (size_t)rank;
    shape->dim = sni_arena_alloc(t->arena, (size_t)(rank + 1) * sizeof *shape->dim);
    for (int i = 0; i < rank; i++) {
        Onnx__TensorShapeProto__Dimension *dim =
            TINY_NEW(t, Onnx__TensorShapeProto__Dimension, ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT);
        if (dims[i] >= 1000) {
            char text[2] = {(char)(dims[i] - 1000), 0};
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = sni_arena_strdup(t->arena, text);
        } else if (dims[i] >= 0) {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = dims[i];
        }
        shape->dim[i] = dim;
    }
    return info;
}

#define TINY_DIMS(...)                                                                                                 \
    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) {                               \
        __VA_ARGS__                                                                                                    \
    }

static inline void tiny_input(tiny *t, const char *name, int type, int rank, const int64_t *dims) {
    t->inputs[t->graph.n_input++] = tiny_info(t, name, type, rank, dims);
}

static inline void tiny_output(tiny *t, const char *name) {
    t->outputs[t->graph.n_output++] = tiny_info(t, name, 1, 0, NULL);
}

/* A tensor without data. */
static inline Onnx__TensorProto *tiny_tensor(tiny *t, const char *name, int type, int rank, const int64_t *dims) {
    Onnx__TensorProto *tensor = TINY_NEW(t, Onnx__TensorProto, ONNX__TENSOR_PROTO__INIT);
    tensor->name = (char *)name;
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->n_dims = (size_t)rank;
    tensor->dims = tiny_copy(t, dims ? (const void *)dims : "", (size_t)rank * sizeof *dims);
    return tensor;
}

static inline void tiny_raw(tiny *t, Onnx__TensorProto *tensor, const void *data, size_t size) {
    tensor->has_raw_data = 1;
    tensor->raw_data.len = size;
    tensor->raw_data.data = tiny_copy(t, data, size);
}

static inline void tiny_initializer(tiny *t, Onnx__TensorProto *tensor) {
    t->tensors[t->graph.n_initializer++] = tensor;
}

/* An i64 initialiser of one dimension. */
static inline void tiny_ints(tiny *t, const char *name, int count, const int64_t *values) {
    int64_t dim = count;
    Onnx__TensorProto *tensor = tiny_tensor(t, name, 7, 1, &dim);
    tensor->n_int64_data = (size_t)count;
    tensor->int64_data = tiny_copy(t, values, (size_t)count * sizeof *values);
    tiny_initializer(t, tensor);
}

/* Words separated by blanks; "-" is an empty name. */
static inline char **tiny_words(tiny *t, const char *text, size_t *out_count) {
    char **words = sni_arena_alloc(t->arena, TINY_MAX * sizeof *words);
    char *copy = sni_arena_strdup(t->arena, text);
    *out_count = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[(*out_count)++] = strcmp(word, "-") == 0 ? (char *)"" : word;
    return words;
}

static inline Onnx__NodeProto *tiny_make_node(tiny *t, const char *op, const char *name, const char *ins,
                                              const char *outs) {
    Onnx__NodeProto *node = TINY_NEW(t, Onnx__NodeProto, ONNX__NODE_PROTO__INIT);
    node->op_type = (char *)op;
    node->name = (char *)name;
    node->input = tiny_words(t, ins, &node->n_input);
    node->output = tiny_words(t, outs, &node->n_output);
    node->attribute = sni_arena_alloc(t->arena, TINY_MAX * sizeof *node->attribute);
    return node;
}

static inline Onnx__NodeProto *tiny_node(tiny *t, const char *op, const char *name, const char *ins, const char *outs) {
    Onnx__NodeProto *node = tiny_make_node(t, op, name, ins, outs);
    t->nodes[t->graph.n_node++] = node;
    return node;
}

static inline Onnx__AttributeProto *tiny_attr(tiny *t, Onnx__NodeProto *node, const char *name, int type) {
    Onnx__AttributeProto *attr = TINY_NEW(t, Onnx__AttributeProto, ONNX__ATTRIBUTE_PROTO__INIT);
    attr->name = (char *)name;
    attr->has_type = 1;
    attr->type = (Onnx__AttributeProto__AttributeType)type;
    node->attribute[node->n_attribute++] = attr;
    return attr;
}

static inline void tiny_attr_int(tiny *t, Onnx__NodeProto *node, const char *name, int64_t value) {
    Onnx__AttributeProto *attr = tiny_attr(t, node, name, 2);
    attr->has_i = 1;
    attr->i = value;
}

static inline void tiny_attr_float(tiny *t, Onnx__NodeProto *node, const char *name, float value) {
    Onnx__AttributeProto *attr = tiny_attr(t, node, name, 1);
    attr->has_f = 1;
    attr->f = value;
}

static inline void tiny_attr_ints(tiny *t, Onnx__NodeProto *node, const char *name, int count, const int64_t *values) {
    Onnx__AttributeProto *attr = tiny_attr(t, node, name, 7);
    attr->n_ints = (size_t)count;
    attr->ints = tiny_copy(t, values, (size_t)count * sizeof *values);
}

/* The model's bytes; free them. */
static inline uint8_t *tiny_pack(const tiny *t, size_t *out_size) {
    *out_size = onnx__model_proto__get_packed_size(&t->model);
    uint8_t *data = malloc(*out_size + 1);
    onnx__model_proto__pack(&t->model, data);
    return data;
}

static inline sinter_status tiny_load_at(const tiny *t, const char *dir, const sinter_onnx_options *options,
                                         sinter_graph **out_graph) {
    size_t size;
    uint8_t *data = tiny_pack(t, &size);
    sinter_status status = sinter_onnx_load_memory(data, size, dir, options, out_graph);
    free(data);
    return status;
}

/* The model must fail with the status, and the error must have all of the words ("|" between them). */
static inline void tiny_expect(tiny *t, const char *dir, sinter_status want, const char *words) {
    sinter_graph *graph = NULL;
    sinter_status status = tiny_load_at(t, dir, NULL, &graph);
    const char *error = sinter_last_error();
    ck_assert_msg(status == want, "status %s, not %s: %s", sinter_status_string(status), sinter_status_string(want),
                  error);
    ck_assert_ptr_null(graph);
    char *copy = sni_arena_strdup(t->arena, words);
    for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
        ck_assert_msg(strstr(error, word) != NULL, "'%s' is not in: %s", word, error);
    tiny_deinit(t);
}

#endif
