/* Building programs: from an entry on disk, else from source; and saving them. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "kernel/buildlog.h"
#include "kernel/patch.h"
#include "kernel/program.h"

#define MOST_LOG_BYTES ((size_t)1 << 20)
#define MOST_BINARY_BYTES ((size_t)256 << 20)

/* The driver's build log; NULL when there is none. */
static char *build_log(cl_program handle, cl_device_id id) {
    size_t size = 0;
    if (clGetProgramBuildInfo(handle, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) != CL_SUCCESS || size > MOST_LOG_BYTES)
        return NULL;
    char *log = sni_calloc(size + 1, 1);
    if (log && size && clGetProgramBuildInfo(handle, id, CL_PROGRAM_BUILD_LOG, size, log, NULL) != CL_SUCCESS)
        log[0] = 0;
    return log;
}

static sinter_status fail_build(const sni_program *program, cl_program handle, cl_int error) {
    if (error == CL_OUT_OF_HOST_MEMORY) return sni_cl_fail(error, "clBuildProgram");
    char *log = build_log(handle, program->cache->device->id);
    sni_str text = SNI_STR_INIT;
    sni_buildlog_append(&text, program->source, log ? log : "");
    sinter_status status = sni_fail(SINTER_BUILD, "kernel '%s' does not compile (%s, options '%s'):\n%s",
                                    program->entry, sni_cl_error_name(error), program->options, sni_str_text(&text));
    sni_str_deinit(&text);
    sni_free(log);
    return status;
}

/* Checks that the entry is there, and asks for its arguments when signature is not known yet. */
static sinter_status check_entry(sni_program *program, cl_program handle, bool query) {
    cl_int error = CL_SUCCESS;
    cl_kernel kernel = clCreateKernel(handle, program->entry, &error);
    if (!kernel || error != CL_SUCCESS) {
        if (error == CL_INVALID_KERNEL_NAME)
            return sni_fail(SINTER_INVALID_ARGUMENT, "the source has no __kernel function '%s'", program->entry);
        return sni_fail_in(sni_cl_fail(error, "clCreateKernel"), "kernel '%s'", program->entry);
    }
    sinter_status status = SINTER_OK;
    cl_uint count = 0;
    if (query)
        status = sni_signature_query(kernel, &program->signature);
    else if (clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL) != CL_SUCCESS ||
             (int)count != program->signature.count)
        status = sni_fail(SINTER_DEVICE, "the binary has other arguments than the entry says");
    clReleaseKernel(kernel);
    return status;
}

/* The binary of the context's only device that counts; NULL when the driver gives none. */
static unsigned char *program_binary(const sni_program *program, size_t *out_size) {
    cl_uint count = 0;
    cl_device_id ids[64];
    size_t sizes[64] = {0};
    unsigned char *binaries[64] = {NULL};
    if (clGetProgramInfo(program->handle, CL_PROGRAM_NUM_DEVICES, sizeof count, &count, NULL) != CL_SUCCESS ||
        count == 0 || count > 64 ||
        clGetProgramInfo(program->handle, CL_PROGRAM_DEVICES, count * sizeof ids[0], ids, NULL) != CL_SUCCESS ||
        clGetProgramInfo(program->handle, CL_PROGRAM_BINARY_SIZES, count * sizeof sizes[0], sizes, NULL) != CL_SUCCESS)
        return NULL;
    cl_uint at = 0;
    while (at < count && ids[at] != program->cache->device->id) ++at;
    if (at == count || sizes[at] == 0 || sizes[at] > MOST_BINARY_BYTES) return NULL;
    /* A caller's context may hold several devices; a NULL pointer leaves a device's binary out. */
    unsigned char *binary = binaries[at] = sni_malloc(sizes[at]);
    if (binary && clGetProgramInfo(program->handle, CL_PROGRAM_BINARIES, count * sizeof binaries[0], binaries, NULL) !=
                      CL_SUCCESS) {
        sni_free(binary);
        return NULL;
    }
    *out_size = sizes[at];
    return binary;
}

/* Puts the patched program in place of the one that was built. A driver that refuses it has it refused as BUILD. */
static sinter_status patch(sni_program *program) {
    sni_device *device = program->cache->device;
    char *text = NULL;
    size_t size = 0, length = 0;
    cl_int loaded = CL_SUCCESS, error = CL_SUCCESS;
    unsigned char *binary = program_binary(program, &size);
    sinter_status status = binary ? sni_patch_ptx(binary, size, &text, &length)
                                  : sni_fail(SINTER_UNSUPPORTED, "the driver gives no binary that could be patched");
    sni_free(binary);
    if (status == SINTER_UNSUPPORTED)
        status = sni_fail(SINTER_BUILD, "kernel '%s': %s", program->entry, sinter_last_error());
    if (status != SINTER_OK) return status;
    cl_program handle = clCreateProgramWithBinary(device->context, 1, &device->id, &length,
                                                  (const unsigned char **)&text, &loaded, &error);
    sni_free(text);
    if (!handle || error != CL_SUCCESS || loaded != CL_SUCCESS) {
        if (handle) clReleaseProgram(handle);
        return sni_fail(SINTER_BUILD, "kernel '%s': the driver does not load its patched PTX (%s)", program->entry,
                        sni_cl_error_name(error != CL_SUCCESS ? error : loaded));
    }
    error = clBuildProgram(handle, 1, &device->id, program->options, NULL, NULL);
    status = error == CL_SUCCESS ? SINTER_OK : fail_build(program, handle, error);
    if (status == SINTER_OK) status = check_entry(program, handle, false);
    if (status != SINTER_OK) {
        clReleaseProgram(handle);
        return status;
    }
    clReleaseProgram(program->handle);
    program->handle = handle;
    return SINTER_OK;
}

/* Builds are without warnings, for PoCL says nothing of them but their number. As errors every driver gives them in its log; so
 * the source is compiled once more where somebody wants to read them. */
static void log_warnings(const sni_program *program) {
    static const char without[] = " -w";
    if (!program->tell_warnings || !sni_log_wanted(SNI_LOG_WARNING)) return;
    sni_device *device = program->cache->device;
    const char *source = program->source, *at = strstr(program->options, without);
    sni_str options = SNI_STR_INIT;
    if (!at) return;
    sni_str_append_n(&options, program->options, (size_t)(at - program->options));
    sni_str_printf(&options, " -Werror%s", at + sizeof without - 1);
    cl_int error = CL_SUCCESS;
    cl_program handle = clCreateProgramWithSource(device->context, 1, &source, NULL, &error);
    if (handle && clBuildProgram(handle, 1, &device->id, sni_str_text(&options), NULL, NULL) != CL_SUCCESS) {
        char *log = build_log(handle, device->id);
        sni_str text = SNI_STR_INIT;
        sni_buildlog_append(&text, program->source, log ? log : "");
        sni_log(SNI_LOG_WARNING, "kernel '%s' compiles with warnings, said here as errors:\n%s", program->entry,
                sni_str_text(&text));
        sni_str_deinit(&text);
        sni_free(log);
    }
    if (handle) clReleaseProgram(handle);
    sni_str_deinit(&options);
}

static sinter_status build_from_source(sni_program *program) {
    sni_device *device = program->cache->device;
    cl_int error = CL_SUCCESS;
    const char *source = program->source;
    cl_program handle = clCreateProgramWithSource(device->context, 1, &source, NULL, &error);
    if (!handle || error != CL_SUCCESS) return sni_cl_fail(error, "clCreateProgramWithSource");
    error = clBuildProgram(handle, 1, &device->id, program->options, NULL, NULL);
    sinter_status status = error == CL_SUCCESS ? SINTER_OK : fail_build(program, handle, error);
    if (status == SINTER_OK) status = check_entry(program, handle, true);
    if (status != SINTER_OK) {
        clReleaseProgram(handle);
        return status;
    }
    program->handle = handle;
    log_warnings(program);
    if (!sni_patch_wanted(program->source)) return SINTER_OK;
    status = patch(program);
    if (status == SINTER_OK) return SINTER_OK;
    clReleaseProgram(handle);
    program->handle = NULL;
    return status;
}

/* Whatever the driver has against the binary, it is refused. */
static bool build_from_binary(sni_program *program, const sni_disk_entry *entry) {
    sni_device *device = program->cache->device;
    if (!sni_signature_parse(entry->signature, entry->signature_size, &program->signature)) return false;
    cl_int loaded = CL_SUCCESS, error = CL_SUCCESS;
    cl_program handle = clCreateProgramWithBinary(device->context, 1, &device->id, &entry->binary_size,
                                                  (const unsigned char **)&entry->binary, &loaded, &error);
    bool good = handle && error == CL_SUCCESS && loaded == CL_SUCCESS &&
                clBuildProgram(handle, 1, &device->id, program->options, NULL, NULL) == CL_SUCCESS &&
                check_entry(program, handle, false) == SINTER_OK;
    if (good) {
        program->handle = handle;
        return true;
    }
    if (handle) clReleaseProgram(handle);
    sni_signature_deinit(&program->signature);
    return false;
}

/* True when the disk had a usable entry; *out_bad when it had one that was not. */
static bool load_from_disk(sni_program *program, bool *out_bad) {
    sni_disk *disk = program->cache->disk;
    sni_disk_entry entry;
    sni_disk_answer answer = sni_disk_load(disk, &program->key, &entry);
    *out_bad = answer == SNI_DISK_BAD;
    if (answer != SNI_DISK_FOUND) return false;
    bool good = build_from_binary(program, &entry);
    sni_free(entry.data);
    if (good) return true;
    sni_log(SNI_LOG_INFO, "kernel cache: the driver refuses the binary of '%s', it is built again", program->entry);
    sni_disk_remove(disk, &program->key);
    *out_bad = true;
    return false;
}

sinter_status sni_program_realize(sni_program *program) {
    sni_kernel_cache *cache = program->cache;
    int64_t start = sni_time_ns();
    bool bad = false;
    bool loaded = load_from_disk(program, &bad);
    sinter_status status = loaded ? SINTER_OK : build_from_source(program);
    if (status == SINTER_OK && !loaded && cache->disk) __atomic_store_n(&program->unsaved, 1, __ATOMIC_RELEASE);
    uint64_t taken = (uint64_t)(sni_time_ns() - start);
    sni_mutex_lock(&cache->mutex);
    cache->stats.loaded += loaded && !program->built_apart;
    cache->stats.compiled += status == SINTER_OK && (!loaded || program->built_apart);
    cache->stats.rejected += bad;
    cache->stats.build_ns += taken;
    sni_mutex_unlock(&cache->mutex);
    sni_log(SNI_LOG_DEBUG, "kernel '%s' %s in %.1f ms", program->entry,
            loaded                ? "loaded"
            : status == SINTER_OK ? "compiled"
                                  : "failed",
            (double)taken / 1e6);
    return status;
}

void sni_program_save(sni_program *program) {
    if (!__atomic_exchange_n(&program->unsaved, 0, __ATOMIC_ACQ_REL)) return;
    size_t size = 0;
    unsigned char *binary = program_binary(program, &size);
    sni_str signature = SNI_STR_INIT;
    sni_signature_print(&program->signature, &signature);
    if (binary && !signature.failed)
        sni_disk_store(program->cache->disk, &program->key, sni_str_text(&signature), signature.length, binary, size);
    sni_str_deinit(&signature);
    sni_free(binary);
}
