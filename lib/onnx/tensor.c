/* TensorProto: element types, the forms in which a file stores elements, external data. */
#include "onnx/narrow.h"

#include <string.h>

typedef struct {
    const char *name;
    sinter_dtype dtype;
} type_row;

/* By TensorProto.DataType. */
static const type_row types[] = {
    {"UNDEFINED", SINTER_DTYPE_NONE},
    {"FLOAT", SINTER_F32},
    {"UINT8", SINTER_U8},
    {"INT8", SINTER_I8},
    {"UINT16", SINTER_U16},
    {"INT16", SINTER_I16},
    {"INT32", SINTER_I32},
    {"INT64", SINTER_I64},
    {"STRING", SINTER_DTYPE_NONE},
    {"BOOL", SINTER_BOOL},
    {"FLOAT16", SINTER_F16},
    {"DOUBLE", SINTER_F64},
    {"UINT32", SINTER_U32},
    {"UINT64", SINTER_DTYPE_NONE},
    {"COMPLEX64", SINTER_DTYPE_NONE},
    {"COMPLEX128", SINTER_DTYPE_NONE},
    {"BFLOAT16", SINTER_BF16},
    /* These are only held: onnx/narrow.h. */
    {"FLOAT8E4M3FN", SINTER_DTYPE_NONE},
    {"FLOAT8E4M3FNUZ", SINTER_DTYPE_NONE},
    {"FLOAT8E5M2", SINTER_DTYPE_NONE},
    {"FLOAT8E5M2FNUZ", SINTER_DTYPE_NONE},
    {"UINT4", SINTER_DTYPE_NONE},
    {"INT4", SINTER_DTYPE_NONE},
    {"FLOAT4E2M1", SINTER_DTYPE_NONE},
    {"FLOAT8E8M0", SINTER_DTYPE_NONE},
    {"UINT2", SINTER_DTYPE_NONE},
    {"INT2", SINTER_DTYPE_NONE},
};
#define TYPE_COUNT ((int32_t)(sizeof types / sizeof *types))

sinter_dtype sni_onnx_dtype(int32_t data_type) {
    return data_type >= 0 && data_type < TYPE_COUNT ? types[data_type].dtype : SINTER_DTYPE_NONE;
}

const char *sni_onnx_dtype_name(int32_t data_type) {
    return data_type >= 0 && data_type < TYPE_COUNT ? types[data_type].name : "unknown";
}

/* What a tensor is, checked: its elements fit in memory. */
typedef struct {
    const char *name;
    sinter_dtype dtype;
    sinter_shape shape;
    size_t count, size_bytes;
    size_t stored_bytes; /* less than size_bytes for elements of fewer than 8 bits */
    int32_t data_type;
} layout;

static sinter_status layout_of(const Onnx__TensorProto *proto, layout *out) {
    *out = (layout){.name = proto->name ? proto->name : "", .count = 1};
    out->data_type = proto->has_data_type ? proto->data_type : 0;
    out->dtype = sni_onnx_storage_dtype(out->data_type);
    if (out->dtype == SINTER_DTYPE_NONE)
        return sni_fail(SINTER_UNSUPPORTED, "tensor '%s' has the data type %s", out->name,
                        sni_onnx_dtype_name(proto->data_type));
    if (proto->segment) return sni_fail(SINTER_UNSUPPORTED, "tensor '%s' is stored in segments", out->name);
    if (proto->n_dims > SINTER_MAX_RANK)
        return sni_fail(SINTER_UNSUPPORTED, "tensor '%s' has rank %zu (up to %d)", out->name, proto->n_dims,
                        SINTER_MAX_RANK);
    for (size_t i = 0; i < proto->n_dims; i++) {
        if (proto->dims[i] < 0)
            return sni_fail(SINTER_PARSE, "tensor '%s' has the dimension %lld", out->name, (long long)proto->dims[i]);
        if (!sni_mul_size(out->count, (size_t)proto->dims[i], &out->count))
            return sni_fail(SINTER_PARSE, "tensor '%s' is too large for memory", out->name);
    }
    out->shape = sinter_shape_make(proto->n_dims, proto->dims);
    if (!sni_mul_size(out->count, sinter_dtype_size(out->dtype), &out->size_bytes) || out->size_bytes > PTRDIFF_MAX)
        return sni_fail(SINTER_PARSE, "tensor '%s' is too large for memory", out->name);
    out->stored_bytes = out->size_bytes;
    int bits = sni_onnx_stored_bits(out->data_type);
    if (bits < 8) out->stored_bytes = (out->count * (size_t)bits + 7) / 8;
    return SINTER_OK;
}

static bool is_packed(const layout *tensor) {
    return sni_onnx_stored_bits(tensor->data_type) < 8;
}

static sinter_status wrong_size(const layout *tensor, const char *where, size_t have) {
    return sni_fail(SINTER_PARSE, "tensor '%s' needs %zu bytes, but its %s holds %zu", tensor->name,
                    tensor->stored_bytes, where, have);
}

/* A file may not hold other bytes than 0 and 1 in a bool; they become 1. */
static void clean_bools(const layout *tensor, uint8_t *data) {
    if (tensor->dtype != SINTER_BOOL) return;
    for (size_t i = 0; i < tensor->count; i++) data[i] = data[i] != 0;
}

static sinter_status wrong_count(const layout *tensor, size_t have) {
    return sni_fail(SINTER_PARSE, "tensor '%s' needs %zu elements and has %zu", tensor->name, tensor->count, have);
}

/* int32_data carries every type of at most 32 bits: f16 and bf16 as their bits. */
static void store_int32(sinter_dtype dtype, const int32_t *from, size_t count, void *to) {
    for (size_t i = 0; i < count; i++) {
        switch (sinter_dtype_size(dtype)) {
        case 1:
            ((uint8_t *)to)[i] = (uint8_t)from[i];
            break;
        case 2:
            ((uint16_t *)to)[i] = (uint16_t)from[i];
            break;
        default:
            ((int32_t *)to)[i] = from[i];
            break;
        }
    }
}

/* Is what the dtype needs there? Asked before memory is taken: dimensions alone can be anything. */
static sinter_status check_stored(const Onnx__TensorProto *proto, const layout *tensor) {
    size_t have = 0;
    if (proto->has_raw_data)
        return proto->raw_data.len == tensor->stored_bytes ? SINTER_OK
                                                           : wrong_size(tensor, "raw_data", proto->raw_data.len);
    switch (tensor->dtype) {
    case SINTER_F32:
        have = proto->n_float_data;
        break;
    case SINTER_F64:
        have = proto->n_double_data;
        break;
    case SINTER_I64:
        have = proto->n_int64_data;
        break;
    case SINTER_U32:
        have = proto->n_uint64_data;
        break;
    default:
        have = proto->n_int32_data;
        break;
    }
    if (is_packed(tensor)) return have == tensor->stored_bytes ? SINTER_OK : wrong_count(tensor, have);
    return have == tensor->count ? SINTER_OK : wrong_count(tensor, have);
}

/* data, which has room for one byte an element, is used up. */
static sinter_status unpack_stored(const Onnx__TensorProto *proto, const layout *tensor, void *data, void **out_data) {
    uint8_t *packed = sni_malloc(tensor->stored_bytes);
    if (!packed) {
        sni_free(data);
        return sni_out_of_memory("a tensor");
    }
    for (size_t i = 0; i < tensor->stored_bytes; i++)
        packed[i] = proto->has_raw_data ? proto->raw_data.data[i] : (uint8_t)proto->int32_data[i];
    sni_onnx_unpack_bits(tensor->data_type, packed, tensor->count, data);
    sni_free(packed);
    *out_data = data;
    return SINTER_OK;
}

/* The elements in memory of their own, from whichever field holds them; sni_free. */
static sinter_status copy_stored(const Onnx__TensorProto *proto, const layout *tensor, void **out_data) {
    const void *from = NULL;
    *out_data = NULL;
    SNI_TRY(check_stored(proto, tensor));
    void *data = sni_malloc(tensor->size_bytes);
    if (!data) return sni_out_of_memory("a tensor");
    if (proto->has_raw_data)
        from = proto->raw_data.data;
    else if (tensor->dtype == SINTER_F32)
        from = proto->float_data;
    else if (tensor->dtype == SINTER_F64)
        from = proto->double_data;
    else if (tensor->dtype == SINTER_I64)
        from = proto->int64_data;
    if (is_packed(tensor)) return unpack_stored(proto, tensor, data, out_data);
    if (from)
        memcpy(data, from, tensor->size_bytes);
    else if (tensor->dtype == SINTER_U32)
        for (size_t i = 0; i < tensor->count; i++) ((uint32_t *)data)[i] = (uint32_t)proto->uint64_data[i];
    else
        store_int32(tensor->dtype, proto->int32_data, tensor->count, data);
    clean_bools(tensor, data);
    *out_data = data;
    return SINTER_OK;
}

/* ---- external data ---- */

typedef struct {
    const char *location;
    uint64_t offset, length;
    bool has_length;
} external;

/* Only files beside the model: no absolute path, no way out of its directory. */
static bool location_is_safe(const char *location) {
    if (location[0] == '\0' || location[0] == '/' || strchr(location, '\\')) return false;
    for (const char *part = location; part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') return false;
        part = part[length] ? part + length + 1 : NULL;
    }
    return true;
}

static bool parse_u64(const char *text, uint64_t *out) {
    uint64_t value = 0;
    if (!text || !*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10) return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return true;
}

static sinter_status external_of(const Onnx__TensorProto *proto, const layout *tensor, external *out) {
    *out = (external){0};
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
        bool ok = true;
        if (!key) continue;
        if (strcmp(key, "location") == 0) out->location = value;
        if (strcmp(key, "offset") == 0) ok = parse_u64(value, &out->offset);
        if (strcmp(key, "length") == 0) ok = out->has_length = parse_u64(value, &out->length);
        if (!ok)
            return sni_fail(SINTER_PARSE, "tensor '%s': the %s of its external data is no number", tensor->name, key);
    }
    if (!out->location || !location_is_safe(out->location))
        return sni_fail(SINTER_PARSE, "tensor '%s': external data at '%s' is not beside the model", tensor->name,
                        out->location ? out->location : "");
    if (out->has_length && out->length != tensor->stored_bytes)
        return wrong_size(tensor, "external data", (size_t)out->length);
    return SINTER_OK;
}

static sinter_status open_external(sni_onnx_importer *importer, const char *location, sni_onnx_file **out_file) {
    for (size_t i = 0; i < importer->file_count; i++)
        if (strcmp(importer->file_names[i], location) == 0) {
            *out_file = importer->files[i];
            return SINTER_OK;
        }
    size_t capacity = importer->file_capacity;
    if (!SNI_RESERVE(importer->files, importer->file_capacity, importer->file_count + 1) ||
        !SNI_RESERVE(importer->file_names, capacity, importer->file_capacity))
        return sni_out_of_memory("external data");
    sni_str path = SNI_STR_INIT;
    sni_str_printf(&path, "%s/%s", importer->model->dir, location);
    sinter_status status =
        path.failed ? sni_out_of_memory("a path") : sni_onnx_file_open(sni_str_text(&path), out_file);
    sni_str_deinit(&path);
    if (status != SINTER_OK) return status;
    importer->files[importer->file_count] = *out_file;
    importer->file_names[importer->file_count++] = location;
    return SINTER_OK;
}

static sinter_status find_external(sni_onnx_importer *importer, const Onnx__TensorProto *proto, const layout *tensor,
                                   sni_onnx_file **out_file, const uint8_t **out_data) {
    external place;
    SNI_TRY(external_of(proto, tensor, &place));
    if (!importer->model->dir)
        return sni_fail(SINTER_IO, "tensor '%s' has external data, but the model has no directory", tensor->name);
    sinter_status status = open_external(importer, place.location, out_file);
    if (status != SINTER_OK) return sni_fail_in(status, "tensor '%s'", tensor->name);
    size_t size = sni_onnx_file_size(*out_file);
    if (place.offset > size || tensor->stored_bytes > size - (size_t)place.offset)
        return sni_fail(SINTER_PARSE, "tensor '%s' needs bytes %llu to %llu of '%s', which has %zu", tensor->name,
                        (unsigned long long)place.offset, (unsigned long long)place.offset + tensor->stored_bytes,
                        place.location, size);
    *out_data = (const uint8_t *)sni_onnx_file_data(*out_file) + place.offset;
    return SINTER_OK;
}

/* ---- constants ---- */

static sinter_status add_copy(sni_onnx_importer *importer, const layout *tensor, const void *data,
                              uint32_t *out_value) {
    *out_value =
        sinter_constant(importer->graph, tensor->dtype, tensor->shape, data ? data : "", tensor->size_bytes).id;
    return *out_value ? SINTER_OK : sinter_graph_status(importer->graph);
}

/* Bytes that lie in a file (or in the caller's memory: file is NULL, and they are copied). A bool of a file may
 * be any byte, so bools are always copied and cleaned. */
static sinter_status add_raw(sni_onnx_importer *importer, const layout *tensor, sni_onnx_file *file,
                             const uint8_t *data, uint32_t *out_value) {
    if (is_packed(tensor)) {
        uint8_t *elements = sni_malloc(tensor->size_bytes);
        if (!elements) return sni_out_of_memory("a tensor");
        sni_onnx_unpack_bits(tensor->data_type, data, tensor->count, elements);
        sinter_status status = add_copy(importer, tensor, elements, out_value);
        sni_free(elements);
        return status;
    }
    bool borrow = file && tensor->dtype != SINTER_BOOL && tensor->size_bytes > 0 &&
                  (uintptr_t)data % sinter_dtype_size(tensor->dtype) == 0;
    if (borrow) {
        *out_value = sinter_constant_borrowed(importer->graph, tensor->dtype, tensor->shape, data, tensor->size_bytes,
                                              sni_onnx_file_release, sni_onnx_file_retain(file))
                         .id;
        return *out_value ? SINTER_OK : sinter_graph_status(importer->graph);
    }
    if (tensor->dtype != SINTER_BOOL) return add_copy(importer, tensor, data, out_value);
    uint8_t *bools = sni_malloc(tensor->size_bytes);
    if (!bools) return sni_out_of_memory("a tensor");
    if (tensor->size_bytes > 0) memcpy(bools, data, tensor->size_bytes);
    clean_bools(tensor, bools);
    sinter_status status = add_copy(importer, tensor, bools, out_value);
    sni_free(bools);
    return status;
}

static sinter_status add_stored(sni_onnx_importer *importer, const Onnx__TensorProto *proto, const layout *tensor,
                                uint32_t *out_value) {
    void *data;
    SNI_TRY(copy_stored(proto, tensor, &data));
    sinter_status status = add_copy(importer, tensor, data, out_value);
    sni_free(data);
    return status;
}

static sinter_status add_tensor(sni_onnx_importer *importer, const sni_onnx_initializer *source, layout *tensor_of,
                                uint32_t *out_value) {
    const Onnx__TensorProto *proto = source->proto;
    layout tensor;
    SNI_TRY(layout_of(proto, &tensor));
    *tensor_of = tensor;
    if (proto->has_data_location && proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        sni_onnx_file *file = NULL;
        const uint8_t *data = NULL;
        SNI_TRY(find_external(importer, proto, &tensor, &file, &data));
        return add_raw(importer, &tensor, file, data, out_value);
    }
    if (source->raw) {
        if (source->raw_size != tensor.stored_bytes) return wrong_size(&tensor, "raw_data", source->raw_size);
        return add_raw(importer, &tensor, importer->model->file, source->raw, out_value);
    }
    return add_stored(importer, proto, &tensor, out_value);
}

sinter_status sni_onnx_tensor_constant(sni_onnx_importer *importer, const sni_onnx_initializer *source,
                                       uint32_t *out_value) {
    layout tensor;
    *out_value = 0;
    SNI_TRY(add_tensor(importer, source, &tensor, out_value));
    return sni_onnx_mark_narrow(importer, *out_value, tensor.data_type);
}

/* ---- tensors of their own ---- */

sinter_status sni_onnx_tensor_unpack(const Onnx__TensorProto *proto, sinter_onnx_tensor *out_tensor) {
    layout tensor;
    memset(out_tensor, 0, sizeof *out_tensor);
    SNI_TRY(layout_of(proto, &tensor));
    if (proto->has_data_location && proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return sni_fail(SINTER_UNSUPPORTED, "tensor '%s' has external data", tensor.name);
    SNI_TRY(copy_stored(proto, &tensor, &out_tensor->data));
    out_tensor->name = sni_strdup(tensor.name);
    out_tensor->dtype = tensor.dtype;
    out_tensor->shape = tensor.shape;
    out_tensor->size_bytes = tensor.size_bytes;
    if (out_tensor->name) return SINTER_OK;
    sinter_onnx_tensor_release(out_tensor);
    return sni_out_of_memory("a tensor");
}

static sinter_status load_mapped(const sni_mapping *mapping, sinter_onnx_tensor *out_tensor) {
    const ProtobufCMessageDescriptor *type = &onnx__tensor_proto__descriptor;
    size_t allowance = ((size_t)1 << 20) + mapping->size_bytes * 9;
    SNI_TRY(sni_onnx_wire_check(type, mapping->data, mapping->size_bytes));
    ProtobufCMessage *message = sni_onnx_unpack(type, mapping->data, mapping->size_bytes, &allowance);
    if (!message) return sni_fail(SINTER_PARSE, "it is no TensorProto");
    sinter_status status = sni_onnx_tensor_unpack((const Onnx__TensorProto *)message, out_tensor);
    sni_onnx_free_unpacked(message);
    return status;
}

sinter_status sinter_onnx_tensor_load(const char *path, sinter_onnx_tensor *out_tensor) {
    if (!path || !out_tensor) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_onnx_tensor_load: a NULL argument");
    memset(out_tensor, 0, sizeof *out_tensor);
    sni_mapping mapping;
    SNI_TRY(sni_file_map(path, &mapping));
    sinter_status status = load_mapped(&mapping, out_tensor);
    sni_file_unmap(&mapping);
    return status == SINTER_OK ? status : sni_fail_in(status, "%s", path);
}

void sinter_onnx_tensor_release(sinter_onnx_tensor *tensor) {
    if (!tensor) return;
    sni_free(tensor->name);
    sni_free(tensor->data);
    memset(tensor, 0, sizeof *tensor);
}
