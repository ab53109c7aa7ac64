#include "runtime/user_arg.h"

#include <string.h>

#include "base/alloc.h"

static const struct {
    const char *name;
    size_t size_bytes;
} TYPES[] = {{"char", 1},  {"uchar", 1},  {"unsigned char", 1},  {"short", 2},  {"ushort", 2},
             {"unsigned short", 2},       {"half", 2},           {"int", 4},    {"uint", 4},
             {"unsigned int", 4},         {"float", 4},          {"long", 8},   {"ulong", 8},
             {"unsigned long", 8},        {"double", 8}};

/* Elements of "float4" behind "float"; a vector of three takes the room of four. */
static size_t vector_width(const char *digits) {
    static const struct {
        const char *digits;
        size_t width;
    } WIDTHS[] = {{"", 1}, {"2", 2}, {"3", 4}, {"4", 4}, {"8", 8}, {"16", 16}};
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; ++i)
        if (strcmp(digits, WIDTHS[i].digits) == 0) return WIDTHS[i].width;
    return 0;
}

size_t sni_user_type_size(const char *type) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; ++i) {
        size_t length = strlen(TYPES[i].name);
        if (strncmp(type, TYPES[i].name, length) != 0) continue;
        size_t width = vector_width(type + length);
        if (width) return width * TYPES[i].size_bytes;
    }
    return 0;
}

/* A text that the driver has about an argument, or NULL. */
static char *query_text(cl_kernel kernel, int index, cl_kernel_arg_info what) {
    size_t size = 0;
    if (clGetKernelArgInfo(kernel, (cl_uint)index, what, 0, NULL, &size) != CL_SUCCESS || !size)
        return NULL;
    char *text = sni_calloc(size + 1, 1);
    if (text && clGetKernelArgInfo(kernel, (cl_uint)index, what, size, text, NULL) != CL_SUCCESS) {
        sni_free(text);
        text = NULL;
    }
    return text;
}

static const char *address_word(cl_kernel_arg_address_qualifier address) {
    switch (address) {
    case CL_KERNEL_ARG_ADDRESS_GLOBAL: return "__global ";
    case CL_KERNEL_ARG_ADDRESS_CONSTANT: return "__constant ";
    case CL_KERNEL_ARG_ADDRESS_LOCAL: return "__local ";
    default: return "";
    }
}

/* Gives arg the driver's words; takes over type. */
static sinter_status describe(sni_user_arg *arg, int index, char *type,
                              cl_kernel_arg_address_qualifier address) {
    bool is_pointer = strchr(type, '*') != NULL;
    sni_str full = SNI_STR_INIT;
    sni_str_printf(&full, "%s%s", is_pointer ? address_word(address) : "", type);
    sni_free(type);
    arg->type = sni_str_take(&full);
    if (!arg->type) return sni_out_of_memory("a kernel's arguments");
    if (!is_pointer && (address != CL_KERNEL_ARG_ADDRESS_PRIVATE || strstr(arg->type, "sampler_t")))
        return sni_fail(SINTER_UNSUPPORTED,
                        "argument %d is of type %s; only buffers, scalars and local memory can be "
                        "passed",
                        index, arg->type);
    arg->known = true;
    arg->kind = !is_pointer                              ? SINTER_ARG_SCALAR
                : address == CL_KERNEL_ARG_ADDRESS_LOCAL ? SINTER_ARG_LOCAL
                                                         : SINTER_ARG_BUFFER;
    arg->size_bytes = is_pointer ? 0 : sni_user_type_size(arg->type);
    return SINTER_OK;
}

static sinter_status query_arg(cl_kernel kernel, int index, sni_user_arg *arg) {
    cl_kernel_arg_address_qualifier address = 0;
    if (clGetKernelArgInfo(kernel, (cl_uint)index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof address,
                           &address, NULL) != CL_SUCCESS)
        return SINTER_OK;
    char *type = query_text(kernel, index, CL_KERNEL_ARG_TYPE_NAME);
    if (!type || !*type) {
        sni_free(type);
        return SINTER_OK;
    }
    SNI_TRY(describe(arg, index, type, address));
    arg->name = query_text(kernel, index, CL_KERNEL_ARG_NAME);
    return SINTER_OK;
}

sinter_status sni_user_args_query(cl_kernel kernel, int count, sni_user_arg **out_args) {
    *out_args = NULL;
    sni_user_arg *args = sni_calloc((size_t)count, sizeof *args);
    if (!args) return sni_out_of_memory("a kernel's arguments");
    sinter_status status = SINTER_OK;
    for (int i = 0; i < count && status == SINTER_OK; ++i) status = query_arg(kernel, i, &args[i]);
    if (status == SINTER_OK)
        *out_args = args;
    else
        sni_user_args_release(args, count);
    return status;
}

void sni_user_args_release(sni_user_arg *args, int count) {
    for (int i = 0; args && i < count; ++i) {
        sni_free(args[i].type);
        sni_free(args[i].name);
    }
    sni_free(args);
}

void sni_user_args_list(const sni_user_arg *args, int count, sni_str *out) {
    for (int i = 0; i < count; ++i)
        sni_str_printf(out, "%s%s%s%s", i ? ", " : "", args[i].known ? args[i].type : "?",
                       args[i].name ? " " : "", args[i].name ? args[i].name : "");
}

static const char *kind_words(sinter_arg_kind kind) {
    switch (kind) {
    case SINTER_ARG_BUFFER: return "a buffer";
    case SINTER_ARG_SCALAR: return "a scalar";
    case SINTER_ARG_LOCAL: return "local memory";
    }
    return "an unknown kind of argument";
}

/* What is wrong with the argument whatever the kernel wants; NULL: nothing. */
static const char *self_contradiction(const sinter_arg *arg) {
    switch (arg->kind) {
    case SINTER_ARG_BUFFER: return arg->buffer ? NULL : "is a buffer that is NULL";
    case SINTER_ARG_SCALAR:
        return arg->value && arg->size_bytes ? NULL : "is a scalar without a value or size";
    case SINTER_ARG_LOCAL: return arg->size_bytes ? NULL : "is local memory of 0 bytes";
    }
    return "is of an unknown kind";
}

sinter_status sni_user_arg_check(const sni_user_arg *wanted, int index, const sinter_arg *arg) {
    const char *wrong = self_contradiction(arg);
    if (wrong) return sni_fail(SINTER_INVALID_ARGUMENT, "argument %d %s", index, wrong);
    if (!wanted->known) return SINTER_OK;
    const char *name = wanted->name ? wanted->name : "?";
    if (arg->kind != wanted->kind)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "argument %d ('%s') is %s, the kernel wants %s (%s)", index, name,
                        kind_words(arg->kind), kind_words(wanted->kind), wanted->type);
    if (wanted->size_bytes && arg->kind == SINTER_ARG_SCALAR &&
        arg->size_bytes != wanted->size_bytes)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "argument %d ('%s') has %zu bytes, the kernel wants %zu (%s)", index, name,
                        arg->size_bytes, wanted->size_bytes, wanted->type);
    return SINTER_OK;
}
