/* Protobuf's wire format: walked before protobuf-c unpacks it, so that no file makes it recurse too
 * deep, and an allocator that keeps what it takes within bounds. */
#include "onnx/importer.h"

/* ONNX nests graphs in attributes of nodes: each If takes four levels. */
#define MAX_DEPTH 64

static bool read_varint(const uint8_t *data, size_t size, size_t *io_at, uint64_t *out_value) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (*io_at >= size) return false;
        uint8_t byte = data[(*io_at)++];
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

bool sni_onnx_wire_next(const uint8_t *data, size_t size_bytes, size_t *io_at, sni_onnx_field *out_field) {
    size_t start = *io_at;
    uint64_t tag, length = 0;
    if (!read_varint(data, size_bytes, io_at, &tag)) return false;
    if (tag >> 3 == 0 || tag >> 3 > 536870911) return false;
    *out_field = (sni_onnx_field){.number = (uint32_t)(tag >> 3), .wire_type = (int)(tag & 7), .start = data + start};
    switch (tag & 7) {
    case 0:
        if (!read_varint(data, size_bytes, io_at, &length)) return false;
        length = 0;
        break;
    case 1:
        length = 8;
        break;
    case 2:
        if (!read_varint(data, size_bytes, io_at, &length)) return false;
        break;
    case 5:
        length = 4;
        break;
    default:
        return false; /* groups are not used by ONNX */
    }
    if (length > size_bytes - *io_at) return false;
    out_field->body = data + *io_at;
    out_field->body_size = (size_t)length;
    *io_at += (size_t)length;
    out_field->size_bytes = *io_at - start;
    return true;
}

static sinter_status check_level(const ProtobufCMessageDescriptor *type, const uint8_t *base, const uint8_t *data,
                                 size_t size, int depth) {
    if (depth > MAX_DEPTH) return sni_fail(SINTER_PARSE, "messages are nested more than %d deep", MAX_DEPTH);
    for (size_t at = 0; at < size;) {
        sni_onnx_field field;
        size_t place = (size_t)(data - base) + at;
        if (!sni_onnx_wire_next(data, size, &at, &field))
            return sni_fail(SINTER_PARSE, "malformed or cut short in a %s at byte %zu", type->short_name, place);
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.number);
        if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if (field.wire_type != 2)
            return sni_fail(SINTER_PARSE, "field %s of a %s is no message at byte %zu", known->name, type->short_name,
                            place);
        SNI_TRY(check_level(known->descriptor, base, field.body, field.body_size, depth + 1));
    }
    return SINTER_OK;
}

sinter_status sni_onnx_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size_bytes) {
    return check_level(type, data, data, size_bytes, 0);
}

/* protobuf-c asks this allocator for everything; allocator_data is the allowance. */
static void *bounded_alloc(void *context, size_t size) {
    size_t *allowance = context;
    /* What the heap itself needs for a small block counts, too. */
    size_t cost = size + 16;
    if (cost < size || cost > *allowance) return NULL;
    *allowance -= cost;
    return sni_malloc(size);
}

static void bounded_free(void *context, void *memory) {
    (void)context;
    sni_free(memory);
}

ProtobufCMessage *sni_onnx_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size_bytes,
                                  size_t *io_allowance) {
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, io_allowance};
    return protobuf_c_message_unpack(type, &allocator, size_bytes, data);
}

void sni_onnx_free_unpacked(ProtobufCMessage *message) {
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, NULL};
    if (message) protobuf_c_message_free_unpacked(message, &allocator);
}
