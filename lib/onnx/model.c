/* Reading a model: mapping the file, unpacking it without copying the large initialisers, and
 * checking its versions. */
#include "onnx/importer.h"

#include <stdatomic.h>
#include <string.h>

#include "onnx/import.h"

/* An initialiser of at least this many bytes stays in the file. */
#define LARGE_BYTES 4096
#define FIELD_MODEL_GRAPH 7
#define FIELD_GRAPH_INITIALIZER 5
#define FIELD_TENSOR_RAW_DATA 9
/* What the onnx package writes at version 1.23, with operator set 28. */
#define MAX_IR_VERSION 14

struct sni_onnx_file {
    atomic_size_t users;
    sni_mapping mapping;
};

sinter_status sni_onnx_file_open(const char *path, sni_onnx_file **out_file) {
    *out_file = NULL;
    sni_onnx_file *file = sni_calloc(1, sizeof *file);
    if (!file) return sni_out_of_memory("a mapped file");
    sinter_status status = sni_file_map(path, &file->mapping);
    if (status != SINTER_OK) {
        sni_free(file);
        return status;
    }
    atomic_init(&file->users, 1);
    *out_file = file;
    return SINTER_OK;
}

sni_onnx_file *sni_onnx_file_retain(sni_onnx_file *file) {
    atomic_fetch_add(&file->users, 1);
    return file;
}

void sni_onnx_file_release(void *file_or_null) {
    sni_onnx_file *file = file_or_null;
    if (!file || atomic_fetch_sub(&file->users, 1) != 1) return;
    sni_file_unmap(&file->mapping);
    sni_free(file);
}

const void *sni_onnx_file_data(const sni_onnx_file *file) {
    return file->mapping.data;
}
size_t sni_onnx_file_size(const sni_onnx_file *file) {
    return file->mapping.size_bytes;
}

/* ---- a copy of the message without its large initialisers ---- */

typedef struct {
    uint8_t *at;
    size_t size, capacity;
} bytes;

static bool put(bytes *out, const void *data, size_t size) {
    if (size > SIZE_MAX - out->size || !SNI_RESERVE(out->at, out->capacity, out->size + size)) return false;
    if (size > 0) memcpy(out->at + out->size, data, size);
    out->size += size;
    return true;
}

static bool put_varint(bytes *out, uint64_t value) {
    uint8_t coded[10];
    size_t count = 0;
    do {
        coded[count] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        count++;
    } while (value > 0);
    return put(out, coded, count);
}

/* Copies the fields of a message but those numbered leave_out; *out_left becomes the last of them. */
static bool put_without(bytes *out, const uint8_t *data, size_t size, uint32_t leave_out, sni_onnx_field *out_left) {
    for (size_t at = 0; at < size;) {
        sni_onnx_field field;
        if (!sni_onnx_wire_next(data, size, &at, &field)) return false;
        if (field.number == leave_out && field.wire_type == 2)
            *out_left = field;
        else if (!put(out, field.start, field.size_bytes))
            return false;
    }
    return true;
}

static sinter_status malformed(const char *what) {
    return sni_fail(SINTER_PARSE, "%s is malformed or would take too much memory", what);
}

/* Unpacks one large TensorProto without its raw data. */
static sinter_status add_large(sni_onnx_model *model, const uint8_t *data, size_t size) {
    bytes rest = {NULL, 0, 0};
    sni_onnx_field raw = {0};
    if (!SNI_RESERVE(model->large, model->large_capacity, model->large_count + 1) ||
        !SNI_RESERVE(model->initializers, model->initializer_capacity, model->initializer_count + 1))
        return sni_out_of_memory("an initialiser");
    if (!put_without(&rest, data, size, FIELD_TENSOR_RAW_DATA, &raw)) {
        sni_free(rest.at);
        return sni_out_of_memory("an initialiser");
    }
    Onnx__TensorProto *proto =
        (Onnx__TensorProto *)sni_onnx_unpack(&onnx__tensor_proto__descriptor, rest.at, rest.size, &model->allowance);
    sni_free(rest.at);
    if (!proto) return malformed("an initialiser");
    model->large[model->large_count++] = proto;
    model->initializers[model->initializer_count++] = (sni_onnx_initializer){proto, raw.body, raw.body_size};
    return SINTER_OK;
}

static sinter_status copy_graph(sni_onnx_model *model, const uint8_t *data, size_t size, bytes *out) {
    for (size_t at = 0; at < size;) {
        sni_onnx_field field;
        if (!sni_onnx_wire_next(data, size, &at, &field)) return malformed("the graph");
        if (field.number == FIELD_GRAPH_INITIALIZER && field.wire_type == 2 && field.body_size >= LARGE_BYTES)
            SNI_TRY(add_large(model, field.body, field.body_size));
        else if (!put(out, field.start, field.size_bytes))
            return sni_out_of_memory("the model's structure");
    }
    return SINTER_OK;
}

static sinter_status copy_model(sni_onnx_model *model, const uint8_t *data, size_t size, bytes *out, bytes *graph) {
    int graphs = 0;
    for (size_t at = 0; at < size;) {
        sni_onnx_field field;
        bool ok = sni_onnx_wire_next(data, size, &at, &field);
        if (!ok) return malformed("the model");
        if (field.number == FIELD_MODEL_GRAPH && field.wire_type == 2) {
            if (graphs++ > 0) return sni_fail(SINTER_PARSE, "the model has two graphs");
            SNI_TRY(copy_graph(model, field.body, field.body_size, graph));
            ok = put_varint(out, FIELD_MODEL_GRAPH << 3 | 2) && put_varint(out, graph->size) &&
                 put(out, graph->at, graph->size);
        } else {
            ok = put(out, field.start, field.size_bytes);
        }
        if (!ok) return sni_out_of_memory("the model's structure");
    }
    return SINTER_OK;
}

static sinter_status add_small(sni_onnx_model *model) {
    const Onnx__GraphProto *graph = model->proto->graph;
    if (!graph) return sni_fail(SINTER_PARSE, "the model has no graph");
    if (!SNI_RESERVE(model->initializers, model->initializer_capacity, model->initializer_count + graph->n_initializer))
        return sni_out_of_memory("initialisers");
    for (size_t i = 0; i < graph->n_initializer; i++)
        model->initializers[model->initializer_count++] = (sni_onnx_initializer){graph->initializer[i], NULL, 0};
    return SINTER_OK;
}

sinter_status sni_onnx_model_read(const void *data, size_t size_bytes, sni_onnx_model *model) {
    bytes out = {NULL, 0, 0}, graph = {NULL, 0, 0};
    if (size_bytes == 0) return sni_fail(SINTER_PARSE, "the file is empty");
    SNI_TRY(sni_onnx_wire_check(&onnx__model_proto__descriptor, data, size_bytes));
    /* Messages grow when they are unpacked: a node of two bytes takes 200. What exporters write stays
     * far below this, and what was written to take memory does not get it. */
    model->allowance = ((size_t)64 << 20) + (size_bytes < SIZE_MAX / 64 ? size_bytes * 16 : 0);
    sinter_status status = copy_model(model, data, size_bytes, &out, &graph);
    if (status == SINTER_OK) {
        model->proto =
            (Onnx__ModelProto *)sni_onnx_unpack(&onnx__model_proto__descriptor, out.at, out.size, &model->allowance);
        status = model->proto ? add_small(model) : malformed("the model");
        if (status == SINTER_OK) status = sni_onnx_read_defaults(model);
    }
    sni_free(out.at);
    sni_free(graph.at);
    return status;
}

void sni_onnx_model_deinit(sni_onnx_model *model) {
    sni_onnx_free_defaults(model);
    sni_onnx_free_unpacked((ProtobufCMessage *)model->proto);
    for (size_t i = 0; i < model->large_count; i++) sni_onnx_free_unpacked((ProtobufCMessage *)model->large[i]);
    sni_free(model->large);
    sni_free(model->initializers);
    sni_onnx_file_release(model->file);
    memset(model, 0, sizeof *model);
}

static sinter_status check_versions(const sni_onnx_model *model) {
    const Onnx__ModelProto *proto = model->proto;
    if (!proto->has_ir_version) return sni_fail(SINTER_PARSE, "it is no ONNX model: no ir_version");
    if (proto->ir_version < 1 || proto->ir_version > MAX_IR_VERSION)
        return sni_fail(SINTER_UNSUPPORTED, "ir_version %lld (1 to %d are read)", (long long)proto->ir_version,
                        MAX_IR_VERSION);
    return SINTER_OK;
}

static sinter_status load(sni_onnx_model *model, const void *data, size_t size_bytes,
                          const sinter_onnx_options *options, const sinter_onnx_training *training,
                          sinter_graph **out_graph) {
    SNI_TRY(sni_onnx_model_read(data, size_bytes, model));
    SNI_TRY(check_versions(model));
    return sni_onnx_import(model, options, training, out_graph);
}

static sinter_status check_bridge(void) {
    if (sinter_private_bridge.size_bytes != sizeof sinter_private_bridge) return SINTER_INTERNAL;
    return SINTER_OK;
}

/* The directory part of path, "." when it has none; sni_free. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return sni_strdup(".");
    char *dir = sni_strdup(path);
    if (dir) dir[slash == path ? 1 : slash - path] = '\0';
    return dir;
}

sinter_status sinter_onnx_load(const char *path, const sinter_onnx_options *options, sinter_graph **out_graph) {
    return sinter_onnx_load_training(path, options, NULL, out_graph);
}

sinter_status sinter_onnx_load_training(const char *path, const sinter_onnx_options *options,
                                        const sinter_onnx_training *training, sinter_graph **out_graph) {
    SNI_TRY(check_bridge());
    if (!out_graph) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_onnx_load: out_graph is NULL");
    *out_graph = NULL;
    if (!path) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_onnx_load: path is NULL");
    SNI_TRY(sni_onnx_check_options(options));
    SNI_TRY(sni_onnx_check_training(training));
    sni_onnx_model model = {0};
    char *dir = directory_of(path);
    if (!dir) return sni_out_of_memory("a path");
    sinter_status status = sni_onnx_file_open(path, &model.file);
    if (status == SINTER_OK) {
        model.dir = dir;
        status =
            load(&model, sni_onnx_file_data(model.file), sni_onnx_file_size(model.file), options, training, out_graph);
        if (status != SINTER_OK) sni_fail_in(status, "%s", path);
    }
    sni_onnx_model_deinit(&model);
    sni_free(dir);
    return status;
}

sinter_status sinter_onnx_load_memory(const void *data, size_t size_bytes, const char *external_dir,
                                      const sinter_onnx_options *options, sinter_graph **out_graph) {
    SNI_TRY(check_bridge());
    if (!out_graph || (!data && size_bytes > 0))
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_onnx_load_memory: a NULL argument");
    SNI_TRY(sni_onnx_check_options(options));
    *out_graph = NULL;
    sni_onnx_model model = {.dir = external_dir};
    sinter_status status = load(&model, data, size_bytes, options, NULL, out_graph);
    sni_onnx_model_deinit(&model);
    return status;
}
