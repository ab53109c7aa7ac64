/* What a model's functions say beyond the fields that Debian's onnx.proto knows: their overload, and the attributes that
 * they have by default. protobuf-c keeps unknown fields as bytes. */
#include "onnx/importer.h"

#include <string.h>

/* onnx.proto of IR 9 and 10. */
enum { FUNCTION_ATTRIBUTE_PROTO = 11, FUNCTION_OVERLOAD = 13, NODE_OVERLOAD = 8 };

/* The content of an unknown field that is a string or a message: its bytes begin with their number. */
static bool content_of(const ProtobufCMessageUnknownField *field, uint32_t number, const uint8_t **out,
                       size_t *out_size) {
    size_t prefix = 0;
    if (field->tag != number || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) return false;
    while (prefix < field->len && field->data[prefix] & 0x80) ++prefix;
    ++prefix;
    if (prefix > field->len) return false;
    *out = field->data + prefix;
    *out_size = field->len - prefix;
    return true;
}

static bool find(const ProtobufCMessage *message, uint32_t number, const uint8_t **out, size_t *out_size) {
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (content_of(&message->unknown_fields[i], number, out, out_size)) return true;
    *out = (const uint8_t *)"";
    *out_size = 0;
    return false;
}

bool sni_onnx_same_overload(const Onnx__FunctionProto *function, const Onnx__NodeProto *node) {
    const uint8_t *wanted, *own;
    size_t wanted_size, own_size;
    find(&node->base, NODE_OVERLOAD, &wanted, &wanted_size);
    find(&function->base, FUNCTION_OVERLOAD, &own, &own_size);
    return wanted_size == own_size && memcmp(wanted, own, own_size) == 0;
}

static sinter_status read_default(sni_onnx_model *model, size_t function, const uint8_t *data, size_t size) {
    const ProtobufCMessageDescriptor *type = &onnx__attribute_proto__descriptor;
    if (!SNI_RESERVE(model->defaults, model->default_capacity, model->default_count + 1))
        return sni_out_of_memory("a model");
    SNI_TRY(sni_onnx_wire_check(type, data, size));
    ProtobufCMessage *message = sni_onnx_unpack(type, data, size, &model->allowance);
    if (!message) return sni_fail(SINTER_PARSE, "an attribute of a function is malformed or needs too much memory");
    model->defaults[model->default_count++] =
        (sni_onnx_default){model->proto->functions[function], (Onnx__AttributeProto *)message};
    return SINTER_OK;
}

sinter_status sni_onnx_read_defaults(sni_onnx_model *model) {
    for (size_t f = 0; f < model->proto->n_functions; f++) {
        const ProtobufCMessage *base = &model->proto->functions[f]->base;
        for (unsigned i = 0; i < base->n_unknown_fields; i++) {
            const uint8_t *data;
            size_t size;
            if (content_of(&base->unknown_fields[i], FUNCTION_ATTRIBUTE_PROTO, &data, &size))
                SNI_TRY(read_default(model, f, data, size));
        }
    }
    return SINTER_OK;
}

void sni_onnx_free_defaults(sni_onnx_model *model) {
    for (size_t i = 0; i < model->default_count; i++)
        sni_onnx_free_unpacked((ProtobufCMessage *)model->defaults[i].attribute);
    sni_free(model->defaults);
}

const Onnx__AttributeProto *sni_onnx_default_of(const sni_onnx_model *model, const Onnx__FunctionProto *function,
                                                const char *name) {
    for (size_t i = 0; i < model->default_count; i++) {
        const sni_onnx_default *preset = &model->defaults[i];
        if (preset->function == function && preset->attribute->name && strcmp(preset->attribute->name, name) == 0)
            return preset->attribute;
    }
    return NULL;
}
