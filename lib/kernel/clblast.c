/* Calling CLBlast. Its C interface's prototypes stand here, so that building needs no header of it. */
#include "kernel/clblast.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "device/device.h"
#include "kernel/handle.h"

enum { ROW_MAJOR = 101, AS_STORED = 111, TRANSPOSED = 112 };

typedef int sgemm_function(int layout, int a_transpose, int b_transpose, size_t m, size_t n, size_t k, float alpha,
                           cl_mem a, size_t a_offset, size_t a_ld, cl_mem b, size_t b_offset, size_t b_ld, float beta,
                           cl_mem c, size_t c_offset, size_t c_ld, cl_command_queue *queue, cl_event *event);
typedef int dgemm_function(int layout, int a_transpose, int b_transpose, size_t m, size_t n, size_t k, double alpha,
                           cl_mem a, size_t a_offset, size_t a_ld, cl_mem b, size_t b_offset, size_t b_ld, double beta,
                           cl_mem c, size_t c_offset, size_t c_ld, cl_command_queue *queue, cl_event *event);

static sgemm_function *sgemm;
static dgemm_function *dgemm;

/* A pointer to data turned into one to a function, as POSIX has it for dlsym. */
static void find(void *library, const char *name, void *out_function, size_t size) {
    void *symbol = dlsym(library, name);
    if (symbol != NULL && size == sizeof symbol) memcpy(out_function, &symbol, size);
}

static void load(void) {
    void *library = dlopen("libclblast.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        sni_log(SNI_LOG_DEBUG, "CLBlast is not used: %s", dlerror());
        return;
    }
    find(library, "CLBlastSgemm", &sgemm, sizeof sgemm);
    find(library, "CLBlastDgemm", &dgemm, sizeof dgemm);
}

/* Sums of no terms: CLBlast refuses k = 0. */
static sinter_status fill_zeros(sni_device *device, const sni_library_arg *args, size_t element_bytes) {
    static const char zeros[8];
    const sni_library_arg *c = &args[SNI_CLBLAST_C];
    size_t at = (size_t)(c->offset_elements + (uint64_t)args[SNI_CLBLAST_C_AT].number) * element_bytes;
    for (int64_t row = 0; row < args[SNI_CLBLAST_M].number; ++row) {
        cl_int error = clEnqueueFillBuffer(device->queue, sni_mem_handle_of(c->mem), zeros, element_bytes, at,
                                           (size_t)args[SNI_CLBLAST_N].number * element_bytes, 0, NULL, NULL);
        if (error != CL_SUCCESS) return sni_cl_fail(error, "clEnqueueFillBuffer");
        at += (size_t)args[SNI_CLBLAST_C_LD].number * element_bytes;
    }
    return SINTER_OK;
}

static int transpose_of(const sni_library_arg *args, int which) {
    return args[which].number != 0 ? TRANSPOSED : AS_STORED;
}

static size_t number(const sni_library_arg *args, int which) {
    return (size_t)args[which].number;
}

static size_t offset(const sni_library_arg *args, int matrix, int at) {
    return (size_t)args[matrix].offset_elements + number(args, at);
}

/* The arguments of both functions between the layout and the queue. */
#define GEMM_ARGUMENTS                                                                                                 \
    ROW_MAJOR, transpose_of(args, SNI_CLBLAST_A_TRANS), transpose_of(args, SNI_CLBLAST_B_TRANS),                       \
        number(args, SNI_CLBLAST_M), number(args, SNI_CLBLAST_N), number(args, SNI_CLBLAST_K), 1,                      \
        sni_mem_handle_of(args[SNI_CLBLAST_A].mem), offset(args, SNI_CLBLAST_A, SNI_CLBLAST_A_AT),                     \
        number(args, SNI_CLBLAST_A_LD), sni_mem_handle_of(args[SNI_CLBLAST_B].mem),                                    \
        offset(args, SNI_CLBLAST_B, SNI_CLBLAST_B_AT), number(args, SNI_CLBLAST_B_LD), 0,                              \
        sni_mem_handle_of(args[SNI_CLBLAST_C].mem), offset(args, SNI_CLBLAST_C, SNI_CLBLAST_C_AT),                     \
        number(args, SNI_CLBLAST_C_LD)

static sinter_status enqueue(const sni_library *library, sni_device *device, const sni_library_arg *args, int count) {
    bool is_double = library->context != NULL;
    (void)count;
    if (args[SNI_CLBLAST_M].number <= 0 || args[SNI_CLBLAST_N].number <= 0) return SINTER_OK;
    if (args[SNI_CLBLAST_K].number <= 0) return fill_zeros(device, args, is_double ? 8 : 4);
    int status = is_double ? dgemm(GEMM_ARGUMENTS, &device->queue, NULL) : sgemm(GEMM_ARGUMENTS, &device->queue, NULL);
    if (status == 0) return SINTER_OK;
    return sni_fail(SINTER_DEVICE, "CLBlast's product of %lld x %lld x %lld: status %d",
                    (long long)args[SNI_CLBLAST_M].number, (long long)args[SNI_CLBLAST_N].number,
                    (long long)args[SNI_CLBLAST_K].number, status);
}

const sni_library *sni_clblast_gemm(sinter_dtype dtype) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const char is_double;
    static const sni_library of_f32 = {"CLBlast gemm f32", enqueue, NULL};
    static const sni_library of_f64 = {"CLBlast gemm f64", enqueue, &is_double};
    pthread_once(&once, load);
    if (dtype == SINTER_F32) return sgemm != NULL ? &of_f32 : NULL;
    return dtype == SINTER_F64 && dgemm != NULL ? &of_f64 : NULL;
}
