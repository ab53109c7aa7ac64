/* What a device can do. Drivers fail single queries, report zero or leave texts unterminated; each
 * answer is checked, and the minimum that OpenCL 1.2 promises stands in where there is none. */
#include "device/query.h"

#include <CL/cl_ext.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

/* The constants of extensions that older headers lack. */
enum {
    QUERY_SUB_GROUP_SIZES_INTEL = 0x4108,
    QUERY_WAVEFRONT_WIDTH_AMD = 0x4043,
    QUERY_COMPUTE_CAPABILITY_MAJOR_NV = 0x4000,
    QUERY_COMPUTE_CAPABILITY_MINOR_NV = 0x4001,
    QUERY_WARP_SIZE_NV = 0x4003,
    QUERY_MAX_NUM_SUB_GROUPS = 0x105C,
    QUERY_OPENCL_C_FEATURES = 0x106F,
    QUERY_OPENCL_C_ALL_VERSIONS = 0x1066
};

/* What OpenCL 1.2 promises of a full-profile device. */
enum {
    LEAST_LOCAL_BYTES = 32 << 10,
    LEAST_CONSTANT_BYTES = 64 << 10,
    LEAST_PARAMETER_BYTES = 1024,
    LEAST_ALLOC_BYTES = 128 << 20,
    LEAST_ALIGN_BYTES = 128
};

/* An unsigned number of 1, 2, 4 or 8 bytes; preset when the query fails or has another size. */
static uint64_t ask_number(cl_device_id id, cl_device_info what, uint64_t preset) {
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } answer = {.u64 = 0};
    size_t size = 0;
    if (clGetDeviceInfo(id, what, sizeof answer, &answer, &size) != CL_SUCCESS) return preset;
    switch (size) {
    case 1:
        return answer.u8;
    case 2:
        return answer.u16;
    case 4:
        return answer.u32;
    case 8:
        return answer.u64;
    default:
        return preset;
    }
}

/* As ask_number, in 32 bits, where 0 is no sensible answer. */
static uint32_t ask_positive(cl_device_id id, cl_device_info what, uint32_t preset) {
    uint64_t number = ask_number(id, what, preset);
    if (number == 0) return preset;
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* The whole text of a query, "" when it fails. Never NULL unless memory is out; sni_free. */
static char *ask_text(cl_platform_id platform, cl_device_id id, cl_uint what) {
    size_t size = 0;
    cl_int error = id ? clGetDeviceInfo(id, what, 0, NULL, &size) : clGetPlatformInfo(platform, what, 0, NULL, &size);
    if (error != CL_SUCCESS || size > (1u << 20)) size = 0;
    char *text = sni_calloc(size + 1, 1);
    if (!text || size == 0) return text;
    error = id ? clGetDeviceInfo(id, what, size, text, NULL) : clGetPlatformInfo(platform, what, size, text, NULL);
    if (error != CL_SUCCESS) text[0] = 0;
    return text;
}

void sni_device_copy_text(char *out, size_t capacity, const char *text) {
    while (*text == ' ' || *text == '\t' || *text == '\n') ++text;
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) --length;
    if (length >= capacity) length = capacity - 1;
    memcpy(out, text, length);
    out[length] = 0;
}

/* Fills a field of the capabilities and appends the whole text to the identity. */
static void ask_field(cl_platform_id platform, cl_device_id id, cl_uint what, char *out, size_t capacity,
                      sni_str *identity) {
    char *text = ask_text(platform, id, what);
    out[0] = 0;
    if (!text) {
        identity->failed = true;
        return;
    }
    sni_device_copy_text(out, capacity, text);
    sni_str_printf(identity, "%zu:%s\n", strlen(text), text);
    sni_free(text);
}

/* Is word in a list of words separated by blanks? */
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word)) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == 0)) return true;
    }
    return false;
}

/* OpenCL C 3 lists optional features one by one. */
static bool has_c_feature(cl_device_id id, const char *name) {
    size_t size = 0;
    if (clGetDeviceInfo(id, QUERY_OPENCL_C_FEATURES, 0, NULL, &size) != CL_SUCCESS) return false;
    size_t count = size / sizeof(cl_name_version);
    if (count == 0 || count > 4096) return false;
    cl_name_version *features = sni_calloc(count, sizeof *features);
    if (!features) return false;
    bool found = false;
    size_t bytes = count * sizeof *features;
    if (clGetDeviceInfo(id, QUERY_OPENCL_C_FEATURES, bytes, features, NULL) == CL_SUCCESS)
        for (size_t i = 0; i < count; ++i)
            if (!strncmp(features[i].name, name, sizeof features[i].name)) found = true;
    sni_free(features);
    return found;
}

cl_device_type sni_device_type(cl_device_id id) {
    return (cl_device_type)ask_number(id, CL_DEVICE_TYPE, CL_DEVICE_TYPE_DEFAULT);
}

bool sni_device_usable(cl_device_id id) {
    return ask_number(id, CL_DEVICE_AVAILABLE, 1) != 0 && ask_number(id, CL_DEVICE_COMPILER_AVAILABLE, 1) != 0 &&
           ask_number(id, CL_DEVICE_ENDIAN_LITTLE, 1) != 0;
}

static void query_memory(cl_device_id id, sni_caps *caps) {
    caps->global_bytes = ask_number(id, CL_DEVICE_GLOBAL_MEM_SIZE, LEAST_ALLOC_BYTES);
    if (caps->global_bytes == 0) caps->global_bytes = LEAST_ALLOC_BYTES;
    caps->max_alloc_bytes = ask_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 0);
    if (caps->max_alloc_bytes == 0) caps->max_alloc_bytes = LEAST_ALLOC_BYTES;
    if (caps->max_alloc_bytes > caps->global_bytes) caps->max_alloc_bytes = caps->global_bytes;
    caps->local_bytes = ask_positive(id, CL_DEVICE_LOCAL_MEM_SIZE, LEAST_LOCAL_BYTES);
    caps->constant_bytes = ask_number(id, CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE, LEAST_CONSTANT_BYTES);
    caps->global_cache_bytes = ask_number(id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, 0);
    caps->cache_line_bytes = ask_positive(id, CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE, 64);
    caps->local_is_dedicated = ask_number(id, CL_DEVICE_LOCAL_MEM_TYPE, CL_GLOBAL) == CL_LOCAL;
    caps->unified_memory = ask_number(id, CL_DEVICE_HOST_UNIFIED_MEMORY, 0) != 0;
    /* Reported in bits; every use wants a power of two. */
    uint32_t align = ask_positive(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, 8 * LEAST_ALIGN_BYTES) / 8;
    if (align < 1 || (align & (align - 1))) align = LEAST_ALIGN_BYTES;
    caps->mem_align_bytes = align;
}

static void query_limits(cl_device_id id, sni_caps *caps) {
    caps->compute_units = ask_positive(id, CL_DEVICE_MAX_COMPUTE_UNITS, 1);
    caps->max_work_group = ask_positive(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, 1);
    caps->max_parameter_bytes = ask_positive(id, CL_DEVICE_MAX_PARAMETER_SIZE, LEAST_PARAMETER_BYTES);
    caps->native_float_width = ask_positive(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 1);
    caps->work_items_are_lanes =
        caps->native_float_width == 1 && ask_number(id, CL_DEVICE_PREFERRED_WORK_GROUP_SIZE_MULTIPLE, 1) > 1;
    caps->address_bits = ask_positive(id, CL_DEVICE_ADDRESS_BITS, 8 * sizeof(void *));
    caps->vendor_id = (uint32_t)ask_number(id, CL_DEVICE_VENDOR_ID, 0);
    size_t sizes[16] = {0}, got = 0;
    cl_int error = clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, &got);
    for (size_t i = 0; i < 3; ++i) {
        bool known = error == CL_SUCCESS && got >= (i + 1) * sizeof sizes[0] && sizes[i] > 0;
        size_t size = known ? sizes[i] : 1;
        caps->max_work_item[i] = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    }
}

/* The width of a subgroup, warp or wavefront when the device has a single one. */
static uint32_t subgroup_size(cl_device_id id, const char *extensions) {
    if (has_word(extensions, "cl_nv_device_attribute_query")) return (uint32_t)ask_number(id, QUERY_WARP_SIZE_NV, 0);
    if (has_word(extensions, "cl_amd_device_attribute_query"))
        return (uint32_t)ask_number(id, QUERY_WAVEFRONT_WIDTH_AMD, 0);
    if (!has_word(extensions, "cl_intel_required_subgroup_size")) return 0;
    size_t sizes[16] = {0}, got = 0;
    if (clGetDeviceInfo(id, QUERY_SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, &got) != CL_SUCCESS) return 0;
    /* Where the compiler may choose among several, it is not known before a kernel is built. */
    return got == sizeof sizes[0] ? (uint32_t)sizes[0] : 0;
}

static void query_features(cl_device_id id, const char *extensions, sni_caps *caps) {
    caps->has_f64 = has_word(extensions, "cl_khr_fp64") || ask_number(id, CL_DEVICE_DOUBLE_FP_CONFIG, 0) != 0;
    /* A CPU's instructions round correctly whatever is asked for. */
    caps->divides_on_request = caps->device_class == SNI_DEVICE_GPU && (ask_number(id, CL_DEVICE_SINGLE_FP_CONFIG, 0) &
                                                                        CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0;
    caps->has_f16_arithmetic = has_word(extensions, "cl_khr_fp16");
    bool can_subgroup = has_word(extensions, "cl_khr_subgroups") || has_c_feature(id, "__opencl_c_subgroups");
    /* A driver of OpenCL 2.x may not know the query; the extension is enough for it. */
    caps->has_subgroups = can_subgroup && ask_number(id, QUERY_MAX_NUM_SUB_GROUPS, 1) != 0;
    caps->subgroup_size = subgroup_size(id, extensions);
    caps->has_amd_builtins = has_word(extensions, "cl_amd_device_attribute_query");
    caps->has_inline_ptx =
        has_word(extensions, "cl_nv_device_attribute_query") && sni_device_text_has(caps->platform, "nvidia");
    if (caps->has_inline_ptx) {
        caps->nv_compute_major = (uint32_t)ask_number(id, QUERY_COMPUTE_CAPABILITY_MAJOR_NV, 0);
        caps->nv_compute_minor = (uint32_t)ask_number(id, QUERY_COMPUTE_CAPABILITY_MINOR_NV, 0);
    }
}

/* What is known to be wrong with a driver; measured, not guessed. */
static void set_quirks(sni_caps *caps) {
    /* Mesa 22.3 adds a kernel's __local variables up twice, in what it reports and in what it takes. */
    caps->local_counts_twice = sni_device_text_has(caps->platform, "rusticl");
    /* Mesa 22.3 answers 32 for every kernel and runs work-groups of 1024, attribute or not. */
    caps->kernel_work_group_is_no_limit = sni_device_text_has(caps->platform, "rusticl");
    caps->most_loop_steps = sni_device_text_has(caps->name, "llvmpipe") ? 65535 : 0;
}

/* OpenCL 3 devices report the highest C version in a list; the old query may say 1.2. */
static void query_c_version(cl_device_id id, sni_caps *caps) {
    cl_name_version versions[32];
    size_t got = 0;
    cl_version best = 0;
    if (clGetDeviceInfo(id, QUERY_OPENCL_C_ALL_VERSIONS, sizeof versions, versions, &got) != CL_SUCCESS) return;
    for (size_t i = 0; i < got / sizeof versions[0] && i < 32; ++i)
        if (versions[i].version > best) best = versions[i].version;
    unsigned major = 0, minor = 0;
    if (sscanf(caps->c_version, "OpenCL C %u.%u", &major, &minor) == 2 && CL_MAKE_VERSION(major, minor, 0) >= best)
        return;
    if (best)
        snprintf(caps->c_version, sizeof caps->c_version, "OpenCL C %u.%u", (unsigned)CL_VERSION_MAJOR(best),
                 (unsigned)CL_VERSION_MINOR(best));
}

/* 32 hex digits of a text; zeros when memory for it ran out. Kernels are then still kept under a key that holds the names and
 * versions of the device in words, so that no other device's are taken. */
static void hash_text(sni_str *text, char out[40]) {
    sni_hash128 hash = {0, 0};
    if (!text->failed) hash = sni_hash128_of(sni_str_text(text), text->length);
    sni_hash128_hex(hash, out);
    sni_str_deinit(text);
}

void sni_caps_query(cl_platform_id platform, cl_device_id id, sni_caps *out_caps) {
    sni_caps *caps = out_caps;
    *caps = (sni_caps){0};
    char version[128];
    sni_str all = SNI_STR_INIT, tuning = SNI_STR_INIT;
    ask_field(platform, NULL, CL_PLATFORM_NAME, caps->platform, sizeof caps->platform, &all);
    ask_field(platform, NULL, CL_PLATFORM_VERSION, version, sizeof version, &all);
    ask_field(NULL, id, CL_DEVICE_NAME, caps->name, sizeof caps->name, &all);
    ask_field(NULL, id, CL_DEVICE_VENDOR, caps->vendor, sizeof caps->vendor, &all);
    ask_field(NULL, id, CL_DEVICE_VERSION, caps->device_version, sizeof caps->device_version, &all);
    ask_field(NULL, id, CL_DRIVER_VERSION, caps->driver, sizeof caps->driver, &all);
    ask_field(NULL, id, CL_DEVICE_OPENCL_C_VERSION, caps->c_version, sizeof caps->c_version, &all);
    caps->device_class = sni_device_type(id) & CL_DEVICE_TYPE_CPU ? SNI_DEVICE_CPU : SNI_DEVICE_GPU;
    query_limits(id, caps);
    query_memory(id, caps);
    query_c_version(id, caps);
    char *extensions = ask_text(NULL, id, CL_DEVICE_EXTENSIONS);
    query_features(id, extensions ? extensions : "", caps);
    sni_free(extensions);
    set_quirks(caps);
    sni_str_printf(&all, "%u bits\n", (unsigned)caps->address_bits);
    sni_str_printf(&tuning, "%s\n%s\n%u\n", caps->vendor, caps->name, (unsigned)caps->compute_units);
    hash_text(&all, caps->identity);
    hash_text(&tuning, caps->tuning_key);
}
