/* The arguments of a kernel: asked, stored, read back. */
#include "kernel/signature.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { MOST_PARAMS = 4096 };

/* Size of a scalar or vector type by its name in OpenCL C; 0 for a name that is not built in. */
static unsigned size_of_type(const char *type) {
    static const struct {
        const char *name;
        unsigned size;
    } types[] = {
        {"char", 1},           {"uchar", 1}, {"unsigned char", 1}, {"short", 2},         {"ushort", 2},
        {"unsigned short", 2}, {"half", 2},  {"int", 4},           {"uint", 4},          {"unsigned int", 4},
        {"float", 4},          {"long", 8},  {"ulong", 8},         {"unsigned long", 8}, {"double", 8},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i) {
        size_t length = strlen(types[i].name);
        if (strncmp(type, types[i].name, length)) continue;
        const char *lanes = type + length;
        if (!*lanes) return types[i].size;
        if (!strcmp(lanes, "2")) return 2 * types[i].size;
        if (!strcmp(lanes, "3") || !strcmp(lanes, "4")) return 4 * types[i].size;
        if (!strcmp(lanes, "8")) return 8 * types[i].size;
        if (!strcmp(lanes, "16")) return 16 * types[i].size;
    }
    return 0;
}

/* A text of the driver on one line without tabs, cut where it is too long. */
static void ask_param_text(cl_kernel kernel, cl_uint index, cl_uint what, char *out, size_t capacity) {
    char text[512] = "";
    size_t size = 0;
    out[0] = 0;
    if (clGetKernelArgInfo(kernel, index, what, 0, NULL, &size) != CL_SUCCESS || size > sizeof text ||
        clGetKernelArgInfo(kernel, index, what, sizeof text, text, NULL) != CL_SUCCESS)
        return;
    text[sizeof text - 1] = 0;
    size_t length = 0;
    for (const char *at = text; *at && length + 1 < capacity; ++at)
        out[length++] = (unsigned char)*at < ' ' ? ' ' : *at;
    out[length] = 0;
}

static void ask_param(cl_kernel kernel, cl_uint index, sni_param *param) {
    cl_kernel_arg_address_qualifier space = 0;
    if (clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, NULL) != CL_SUCCESS)
        return;
    ask_param_text(kernel, index, CL_KERNEL_ARG_TYPE_NAME, param->type, sizeof param->type);
    ask_param_text(kernel, index, CL_KERNEL_ARG_NAME, param->name, sizeof param->name);
    bool pointer = strchr(param->type, '*') != NULL;
    switch (space) {
    case CL_KERNEL_ARG_ADDRESS_GLOBAL:
    case CL_KERNEL_ARG_ADDRESS_CONSTANT:
        /* Images are in global memory too, but no pointers: the driver checks those. */
        if (pointer) param->kind = SNI_PARAM_BUFFER;
        break;
    case CL_KERNEL_ARG_ADDRESS_LOCAL:
        param->kind = SNI_PARAM_LOCAL;
        break;
    case CL_KERNEL_ARG_ADDRESS_PRIVATE:
        if (pointer || !param->type[0] || !strcmp(param->type, "sampler_t")) break;
        param->kind = SNI_PARAM_SCALAR;
        param->size_bytes = size_of_type(param->type);
        break;
    default:
        break;
    }
}

sinter_status sni_signature_query(cl_kernel kernel, sni_signature *out_signature) {
    *out_signature = (sni_signature){NULL, 0};
    cl_uint count = 0;
    /* What cannot be asked is unknown; only the number of arguments is needed. */
    if (clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL) != CL_SUCCESS || count > MOST_PARAMS)
        return sni_fail(SINTER_DEVICE, "the driver does not tell the number of a kernel's arguments");
    sni_param *params = sni_calloc(count, sizeof *params);
    if (!params) return sni_out_of_memory("a kernel's arguments");
    for (cl_uint i = 0; i < count; ++i) ask_param(kernel, i, &params[i]);
    *out_signature = (sni_signature){params, (int)count};
    return SINTER_OK;
}

void sni_signature_print(const sni_signature *signature, sni_str *out) {
    for (int i = 0; i < signature->count; ++i) {
        const sni_param *param = &signature->params[i];
        sni_str_printf(out, "%d\t%u\t%s\t%s\n", (int)param->kind, param->size_bytes, param->type, param->name);
    }
}

static bool copy_part(const char *from, const char *to, char *out, size_t capacity) {
    if ((size_t)(to - from) >= capacity) return false;
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return true;
}

/* One line from print; at ends before the newline. */
static bool parse_param(const char *at, const char *end, sni_param *param) {
    const char *tabs[3];
    for (int i = 0; i < 3; ++i) {
        const char *from = i ? tabs[i - 1] + 1 : at;
        tabs[i] = memchr(from, '\t', (size_t)(end - from));
        if (!tabs[i]) return false;
    }
    if (tabs[0] != at + 1 || *at < '0' || *at > '0' + SNI_PARAM_SCALAR) return false;
    param->kind = (sni_param_kind)(*at - '0');
    for (const char *digit = tabs[0] + 1; digit < tabs[1]; ++digit) {
        if (*digit < '0' || *digit > '9' || param->size_bytes > 100000) return false;
        param->size_bytes = param->size_bytes * 10 + (unsigned)(*digit - '0');
    }
    return copy_part(tabs[1] + 1, tabs[2], param->type, sizeof param->type) &&
           copy_part(tabs[2] + 1, end, param->name, sizeof param->name);
}

bool sni_signature_parse(const char *text, size_t length, sni_signature *out_signature) {
    *out_signature = (sni_signature){NULL, 0};
    const char *end = text + length;
    size_t count = 0;
    for (size_t i = 0; i < length; ++i) count += text[i] == '\n';
    if (count > MOST_PARAMS || (length && end[-1] != '\n')) return false;
    sni_param *params = sni_calloc(count, sizeof *params);
    if (!params) return false;
    for (size_t i = 0; i < count; ++i) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline || !parse_param(text, newline, &params[i])) {
            sni_free(params);
            return false;
        }
        text = newline + 1;
    }
    *out_signature = (sni_signature){params, (int)count};
    return true;
}

void sni_signature_deinit(sni_signature *signature) {
    sni_free(signature->params);
    *signature = (sni_signature){NULL, 0};
}
