/* Attributes of a node: found by name, checked, with presets; an attribute of a function's body may
 * stand for one of the node that calls the function. */
#include "onnx/importer.h"

#include <string.h>

static const Onnx__AttributeProto *own(const Onnx__NodeProto *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name && strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
    return NULL;
}

/* Outwards from the node as long as attributes stand for those of a call; what a call does not give, its function may. */
const Onnx__AttributeProto *sni_onnx_attr(sni_onnx_call *call, const char *name) {
    const sni_onnx_scope *scope = call->scope;
    const Onnx__AttributeProto *found = own(call->node, name);
    for (size_t i = 0; found && i < call->node->n_attribute && i < 64; i++)
        if (call->node->attribute[i] == found) call->asked |= (uint64_t)1 << i;
    while (found && found->ref_attr_name && found->ref_attr_name[0]) {
        name = found->ref_attr_name;
        found = scope && scope->call ? own(scope->call, name) : NULL;
        if (!found && scope && scope->function)
            return sni_onnx_default_of(call->importer->model, scope->function, name);
        scope = scope ? scope->caller : NULL;
    }
    return found;
}

bool sni_onnx_has_attr(sni_onnx_call *call, const char *name) {
    return sni_onnx_attr(call, name) != NULL;
}

/* The attribute when it is given and of the type; has says that its field is there. */
static const Onnx__AttributeProto *typed(sni_onnx_call *call, const char *name,
                                         Onnx__AttributeProto__AttributeType type, const char *type_name) {
    const Onnx__AttributeProto *attr = sni_onnx_attr(call, name);
    if (!attr) return NULL;
    if (attr->has_type && attr->type != type) {
        sni_onnx_fail(call, SINTER_PARSE, "attribute %s is no %s", name, type_name);
        return NULL;
    }
    return attr;
}

int64_t sni_onnx_attr_int(sni_onnx_call *call, const char *name, int64_t preset) {
    const Onnx__AttributeProto *attr = typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, "integer");
    /* Proto2 writers may leave out a 0. */
    return !attr ? preset : attr->has_i ? attr->i : 0;
}

double sni_onnx_attr_float(sni_onnx_call *call, const char *name, double preset) {
    const Onnx__AttributeProto *attr = typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, "float");
    return !attr ? preset : attr->has_f ? (double)attr->f : 0.0;
}

const char *sni_onnx_attr_text(sni_onnx_call *call, const char *name, const char *preset) {
    const Onnx__AttributeProto *attr = typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, "string");
    if (!attr) return preset;
    char *text = sni_arena_alloc(call->importer->arena, attr->s.len + 1);
    if (!text) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "attribute %s", name);
        return preset;
    }
    if (attr->s.len > 0) memcpy(text, attr->s.data, attr->s.len);
    text[attr->s.len] = '\0';
    return text;
}

sni_onnx_ints sni_onnx_attr_ints(sni_onnx_call *call, const char *name) {
    const Onnx__AttributeProto *attr =
        typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, "list of integers");
    if (!attr) return (sni_onnx_ints){false, 0, NULL};
    if (attr->n_ints > SNI_MAX_KNOWN_ELEMENTS) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "attribute %s has %zu elements", name, attr->n_ints);
        return (sni_onnx_ints){false, 0, NULL};
    }
    return (sni_onnx_ints){true, (int)attr->n_ints, attr->ints};
}

const float *sni_onnx_attr_floats(sni_onnx_call *call, const char *name, int *out_count) {
    const Onnx__AttributeProto *attr =
        typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS, "list of floats");
    *out_count = attr && attr->n_floats <= SNI_MAX_KNOWN_ELEMENTS ? (int)attr->n_floats : 0;
    return attr ? attr->floats : NULL;
}

int sni_onnx_axis(sni_onnx_call *call, int64_t axis, int rank) {
    int64_t at = axis < 0 ? axis + rank : axis;
    if (rank >= 0 && at >= 0 && at < rank) return (int)at;
    sni_onnx_fail(call, SINTER_PARSE, "axis %lld is outside of rank %d", (long long)axis, rank);
    return -1;
}

int sni_onnx_attr_axis(sni_onnx_call *call, const char *name, int64_t preset, int rank) {
    return sni_onnx_axis(call, sni_onnx_attr_int(call, name, preset), rank);
}

bool sni_onnx_axes_of(sni_onnx_call *call, int input, int input_since, int rank, sni_onnx_axes *out) {
    int64_t axes[SINTER_MAX_RANK];
    int count = 0;
    *out = (sni_onnx_axes){0};
    if (call->opset >= input_since) {
        uint32_t value = sni_onnx_in(call, input);
        if (value == 0) return true;
        if (!sni_onnx_numbers_of(call, value, "axes operand", SINTER_MAX_RANK, axes, &count)) return false;
    } else {
        sni_onnx_ints given = sni_onnx_attr_ints(call, "axes");
        if (!given.given) return call->status == SINTER_OK;
        count = given.count;
        if (count > SINTER_MAX_RANK) {
            sni_onnx_fail(call, SINTER_PARSE, "it has %d axes", count);
            return false;
        }
        for (int i = 0; i < count; i++) axes[i] = given.at[i];
    }
    out->given = true;
    for (int i = 0; i < count; i++) {
        int axis = sni_onnx_axis(call, axes[i], rank);
        for (int j = 0; j < out->count; j++)
            if (out->at[j] == axis && axis >= 0) sni_onnx_fail(call, SINTER_PARSE, "axis %d is given twice", axis);
        out->at[out->count++] = axis;
    }
    return call->status == SINTER_OK;
}
