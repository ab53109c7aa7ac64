/* PoCL compiles a kernel twice more after clBuildProgram: for the size of work-groups with which it first runs, and for any
 * size when its binary is asked for. The second is as much work and is never run, because every generated kernel requires
 * one size. Here the kernel is run once on memory that stands for any buffer, and the result takes the place of the second
 * in PoCL's cache, <cache>/<2 characters>/<the rest>/<kernel>/<sizes>/<kernel>.so, before the binary is asked for. */
#define _GNU_SOURCE
#include "kernel/pocl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

/* A range of addresses that any index of a kernel with one work-group stays in, made of one small piece of memory over and
 * over: what a kernel writes to it costs no more than that. */
#define WINDOW_BYTES ((size_t)4 << 30)
#define PIECE_BYTES ((size_t)16 << 20)
enum { MOST_BUFFERS = 48, BUFFER_BYTES = 1 << 16, WAITS = 4000, WAIT_US = 500 };

static cl_event last_run;

bool sni_pocl_builds_apart(const sni_caps *caps) {
    /* The variable turns the specialised form off, so the general one is what would run. */
    return strcmp(caps->platform, "Portable Computing Language") == 0 && caps->device_class == SNI_DEVICE_CPU &&
           getenv("POCL_WORK_GROUP_SPECIALIZATION") == NULL;
}

/* Where index 0 of a buffer lies: most of the window is behind it, for what lies before there is some. */
static char *make_window(void) {
    int file = memfd_create("sinter", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)PIECE_BYTES)) {
        if (file >= 0) close(file);
        return NULL;
    }
    char *base = mmap(NULL, WINDOW_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool good = base != MAP_FAILED;
    for (size_t at = 0; good && at < WINDOW_BYTES; at += PIECE_BYTES)
        good = mmap(base + at, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    close(file);
    if (!good && base != MAP_FAILED) munmap(base, WINDOW_BYTES);
    return good ? base + WINDOW_BYTES / 8 : NULL;
}

/* The buffer that stands for argument number `which` of any kernel; each has a window of its own, as kernels may take for
 * granted that their buffers do not overlap. */
static cl_mem stand_in(const sni_device *device, int which) {
    static cl_mem buffers[MOST_BUFFERS];
    if (which >= MOST_BUFFERS) return NULL;
    if (!buffers[which]) {
        char *window = make_window();
        cl_int error = CL_SUCCESS;
        if (window)
            buffers[which] =
                clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, BUFFER_BYTES, window, &error);
    }
    return buffers[which];
}

/* 1 in as many bytes as the argument has; 0: its type has a name of its own, an index's or a float's. */
static bool set_one(cl_kernel kernel, cl_uint index, size_t size_bytes) {
    static const unsigned char one[16] = {1};
    if (size_bytes > sizeof one) return false;
    if (size_bytes > 0) return clSetKernelArg(kernel, index, size_bytes, one) == CL_SUCCESS;
    return clSetKernelArg(kernel, index, 4, one) == CL_SUCCESS || clSetKernelArg(kernel, index, 8, one) == CL_SUCCESS;
}

/* Numbers are 1: sizes then end every loop at once, and are divided by. */
static bool set_arguments(const sni_program *program, cl_kernel kernel) {
    int buffers = 0;
    for (int i = 0; i < program->signature.count; ++i) {
        const sni_param *param = &program->signature.params[i];
        cl_mem memory = NULL;
        switch (param->kind) {
        case SNI_PARAM_BUFFER:
            memory = stand_in(program->cache->device, buffers++);
            if (!memory || clSetKernelArg(kernel, (cl_uint)i, sizeof memory, &memory) != CL_SUCCESS) return false;
            break;
        case SNI_PARAM_SCALAR:
            if (!set_one(kernel, (cl_uint)i, param->size_bytes)) return false;
            break;
        case SNI_PARAM_LOCAL:
        case SNI_PARAM_UNKNOWN:
            return false;
        }
    }
    return true;
}

bool sni_pocl_is_running(void) {
    cl_int state = CL_COMPLETE;
    return last_run &&
           clGetEventInfo(last_run, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) == CL_SUCCESS &&
           state > CL_COMPLETE;
}

/* Compiling happens in the run; a kernel that then works for long has been compiled all the same. */
static bool run_once(const sni_program *program, cl_kernel kernel, const char *directory,
                     bool (*compiled)(const sni_program *, const char *)) {
    size_t required[3] = {0};
    const sni_device *device = program->cache->device;
    if (clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof required, required,
                                 NULL) != CL_SUCCESS ||
        required[0] * required[1] * required[2] == 0)
        return false;
    if (last_run) clReleaseEvent(last_run);
    last_run = NULL;
    if (clEnqueueNDRangeKernel(device->queue, kernel, 3, NULL, required, required, 0, NULL, &last_run) != CL_SUCCESS)
        return false;
    clFlush(device->queue);
    while (sni_pocl_is_running() && !compiled(program, directory)) usleep(WAIT_US);
    for (int i = 0; i < WAITS && sni_pocl_is_running(); ++i) usleep(WAIT_US);
    return compiled(program, directory);
}

/* Looking for <entry>/<sizes>/<entry>.so two levels down. */
typedef struct search {
    const char *entry;
    char path[4096];   /* the directory that is looked through */
    char kernel[4096]; /* <cache>/../<entry>; "": not found */
    char sizes[256];   /* of its only specialised form */
    int depth, forms;
} search;

static bool visit_cache(void *context, const sni_dir_entry *entry) {
    search *s = context;
    size_t length = strlen(s->path);
    if (!entry->is_dir) return true;
    if (s->depth == 2 && strcmp(entry->name, s->entry) != 0) return true;
    int added = snprintf(s->path + length, sizeof s->path - length, "/%s", entry->name);
    if (added > 0 && length + (size_t)added < sizeof s->path) {
        if (s->depth == 2) {
            memcpy(s->kernel, s->path, sizeof s->kernel);
        } else {
            ++s->depth;
            sni_dir_list(s->path, visit_cache, s);
            --s->depth;
        }
    }
    s->path[length] = 0;
    return s->kernel[0] == 0;
}

static bool visit_forms(void *context, const sni_dir_entry *entry) {
    search *s = context;
    if (!entry->is_dir || strncmp(entry->name, "0-0-0", 5) == 0) return true;
    ++s->forms;
    snprintf(s->sizes, sizeof s->sizes, "%s", entry->name);
    return true;
}

/* The file of a form; "" when the path is too long. */
static void form_path(const search *s, const char *sizes, char out[4096]) {
    int length = snprintf(out, 4096, "%s/%s/%s.so", s->kernel, sizes, s->entry);
    if (length < 0 || length >= 4096) out[0] = 0;
}

static bool find(search *s, const sni_program *program, const char *directory) {
    *s = (search){.entry = program->entry};
    if (snprintf(s->path, sizeof s->path, "%s", directory) >= (int)sizeof s->path) return false;
    sni_dir_list(s->path, visit_cache, s);
    if (s->kernel[0] == 0 || sni_dir_list(s->kernel, visit_forms, s) != SINTER_OK || s->forms != 1) return false;
    char specialised[4096];
    form_path(s, s->sizes, specialised);
    return specialised[0] != 0 && sni_file_exists(specialised);
}

static bool is_compiled(const sni_program *program, const char *directory) {
    search s;
    return find(&s, program, directory);
}

static bool replace_general(const sni_program *program, const char *directory) {
    search s;
    char specialised[4096], general[4096], parent[4096];
    if (!find(&s, program, directory)) return false;
    form_path(&s, s.sizes, specialised);
    form_path(&s, "0-0-0", general);
    int length = snprintf(parent, sizeof parent, "%s/0-0-0", s.kernel);
    if (length < 0 || length >= (int)sizeof parent || general[0] == 0) return false;
    return sni_dir_create(parent) == SINTER_OK && link(specialised, general) == 0;
}

static bool visit_to_remove(void *context, const sni_dir_entry *entry) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", (const char *)context, entry->name);
    if (entry->is_dir && strlen(entry->name) == 2 && length > 0 && length < (int)sizeof path) sni_dir_remove(path);
    return true;
}

void sni_pocl_clean(const char *cache_dir) {
    sni_dir_list(cache_dir, visit_to_remove, (void *)cache_dir);
}

bool sni_pocl_specialise(sni_program *program, const char *cache_dir) {
    cl_int error = CL_SUCCESS;
    if (!sni_pocl_builds_apart(&program->cache->device->caps)) return false;
    cl_kernel kernel = clCreateKernel(program->handle, program->entry, &error);
    if (!kernel || error != CL_SUCCESS) return false;
    bool good = set_arguments(program, kernel) && run_once(program, kernel, cache_dir, is_compiled) &&
                replace_general(program, cache_dir);
    /* One that still runs keeps its kernel until the process ends. */
    if (!sni_pocl_is_running()) clReleaseKernel(kernel);
    return good;
}
