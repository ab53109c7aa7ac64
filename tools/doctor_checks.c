/* `sinter doctor`: the checks of limits and of plain arithmetic. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "doctor.h"
#include "op/op.h"

enum { ITEMS = 4096 };

/* Numbers without a pattern, the same on every machine. */
static uint32_t random_bits(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state ^ (*state >> 15);
}

static doctor_result check_integers(doctor *d) {
    static const char text[] = "__kernel void f(__global const int *a, __global const int *b, __global long *r) {\n"
                               "    size_t i = get_global_id(0);\n"
                               "    long wide = (long)a[i] * b[i];\n"
                               "    r[4 * i] = wide;\n"
                               "    r[4 * i + 1] = b[i] ? (long)a[i] / b[i] * 1000003L + a[i] % b[i] : 7;\n"
                               "    r[4 * i + 2] = (long)((uint)a[i] >> (b[i] & 31)) ^ (a[i] >> (b[i] & 31));\n"
                               "    r[4 * i + 3] = (long)(char)a[i] + (uchar)b[i] + (short)a[i] + mul_hi(a[i], b[i]);\n"
                               "}\n";
    static int32_t a[ITEMS], b[ITEMS];
    static int64_t r[4 * ITEMS];
    uint32_t state = 1;
    for (int i = 0; i < ITEMS; ++i) {
        a[i] = (int32_t)random_bits(&state);
        b[i] = (int32_t)(i % 3 ? random_bits(&state) % 1000 - 500 : random_bits(&state));
    }
    doctor_array arrays[] = {{a, sizeof a}, {b, sizeof b}, {r, sizeof r}};
    if (doctor_compute(d, text, arrays, 3, 0, ITEMS, 0) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < ITEMS; ++i) {
        int64_t product = (int64_t)a[i] * b[i];
        int shift = b[i] & 31;
        int64_t expected[] = {product, b[i] ? (int64_t)a[i] / b[i] * 1000003 + a[i] % b[i] : 7,
                              (int64_t)((uint32_t)a[i] >> shift) ^ (int64_t)(a[i] >> shift),
                              (int64_t)(int8_t)a[i] + (uint8_t)b[i] + (int16_t)a[i] + (int32_t)(product >> 32)};
        for (int k = 0; k < 4; ++k)
            if (r[4 * i + k] != expected[k])
                return doctor_say(d, DOCTOR_FAIL, "expression %d of %d and %d is %lld, not %lld", k, a[i], b[i],
                                  (long long)r[4 * i + k], (long long)expected[k]);
    }
    return DOCTOR_OK;
}

static bool close_float(double expected, float got, double ulp) {
    if (isnan(expected)) return isnan(got);
    if ((float)expected == got) return true;
    /* Where a device flushes denormals, a tiny result is 0. */
    if (fabs(expected) < 1.2e-38) return fabsf(got) < 1.2e-38f;
    int exponent = 0;
    frexp(expected, &exponent);
    return fabs(expected - got) <= ulp * ldexp(1, exponent - 24);
}

static doctor_result check_floats(doctor *d) {
    static const char text[] =
        "#pragma OPENCL FP_CONTRACT OFF\n"
        "__kernel void f(__global const float *a, __global const float *b, __global float *r) {\n"
        "    size_t i = get_global_id(0);\n"
        "    float x = a[i], y = b[i];\n"
        "    r[8 * i] = x + y; r[8 * i + 1] = x - y; r[8 * i + 2] = x * y; r[8 * i + 3] = x / y;\n"
        "    r[8 * i + 4] = fma(x, y, x); r[8 * i + 5] = sqrt(fabs(x)); \n"
        "    r[8 * i + 6] = (x != x) + 2 * isinf(x) + 4 * (x < y) + 8 * (x >= y);\n"
        "    r[8 * i + 7] = (float)(int)(y * 1000.0f);\n"
        "}\n";
    static const double bounds[] = {0.5, 0.5, 0.5, 2.5, 0.5, 3, 0, 0};
    static float a[ITEMS], b[ITEMS], r[8 * ITEMS];
    uint32_t state = 2;
    for (int i = 0; i < ITEMS; ++i) {
        a[i] = ((float)random_bits(&state) / 4294967296.0f - 0.5f) * (float)(1 << (i % 20));
        b[i] = ((float)random_bits(&state) / 4294967296.0f - 0.5f) * 20.0f;
    }
    a[0] = NAN, a[1] = INFINITY, a[2] = -INFINITY, a[3] = 0.0f, a[4] = 3e38f;
    doctor_array arrays[] = {{a, sizeof a}, {b, sizeof b}, {r, sizeof r}};
    if (doctor_compute(d, text, arrays, 3, 0, ITEMS, 0) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < ITEMS; ++i) {
        double x = a[i], y = b[i];
        /* isinf gives 1 for a scalar of OpenCL C, and any non-zero number in C. */
        double flags = (x != x) + 2 * (isinf(x) != 0) + 4 * (x < y) + 8 * (x >= y);
        double expected[] = {x + y,        x - y,         x * y, x / y,
                             fma(x, y, x), sqrt(fabs(x)), flags, (double)(int)(b[i] * 1000.0f)};
        for (int k = 0; k < 8; ++k)
            if (!close_float(expected[k], r[8 * i + k], bounds[k]))
                return doctor_say(d, DOCTOR_FAIL, "expression %d of %.9g and %.9g is %.9g, not %.9g", k, x, y,
                                  r[8 * i + k], expected[k]);
    }
    return DOCTOR_OK;
}

static doctor_result check_doubles(doctor *d) {
    static const char text[] = "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n#pragma OPENCL FP_CONTRACT OFF\n"
                               "__kernel void f(__global const double *a, __global double *r) {\n"
                               "    size_t i = get_global_id(0);\n"
                               "    double x = a[i];\n"
                               "    r[4 * i] = x + 1.0; r[4 * i + 1] = x * x; r[4 * i + 2] = 1.0 / x;\n"
                               "    r[4 * i + 3] = (double)(float)x - (double)(long)x;\n"
                               "}\n";
    if (!d->caps->has_f64) return doctor_say(d, DOCTOR_SKIP, "the device has no f64");
    static double a[ITEMS], r[4 * ITEMS];
    uint32_t state = 3;
    for (int i = 0; i < ITEMS; ++i)
        a[i] = (double)random_bits(&state) / 65536.0 + (double)random_bits(&state) / 1e15 + 1e-3;
    doctor_array arrays[] = {{a, sizeof a}, {r, sizeof r}};
    if (doctor_compute(d, text, arrays, 2, 0, ITEMS, 0) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < ITEMS; ++i) {
        double x = a[i];
        double expected[] = {x + 1.0, x * x, 1.0 / x, (double)(float)x - (double)(int64_t)x};
        for (int k = 0; k < 4; ++k)
            if (r[4 * i + k] != expected[k])
                return doctor_say(d, DOCTOR_FAIL, "expression %d of %.17g is %.17g, not %.17g", k, x, r[4 * i + k],
                                  expected[k]);
    }
    return DOCTOR_OK;
}

/* Every half to float exactly; floats to half and to bf16 rounded to nearest even. */
static doctor_result check_storage(doctor *d) {
    static const char text[] = "#include \"common/memory.cl\"\n"
                               "__kernel void f(__global const half *h, __global float *r, __global const float *x,\n"
                               "                __global half *to_half, __global ushort *to_bf16) {\n"
                               "    size_t i = get_global_id(0);\n"
                               "    r[i] = vload_half(i, h);\n"
                               "    sn_store_f16(x[i], to_half, i);\n"
                               "    sn_store_bf16(x[i], to_bf16, i);\n"
                               "}\n";
    enum { HALVES = 1 << 16 };
    static uint16_t halves[HALVES], to_half[HALVES], to_bf16[HALVES];
    static float r[HALVES], x[HALVES];
    uint32_t state = 4;
    for (int i = 0; i < HALVES; ++i) {
        halves[i] = (uint16_t)i;
        uint32_t bits = i % 2 ? random_bits(&state) : 0x38000000u + random_bits(&state) % 0x10000000u;
        memcpy(&x[i], &bits, sizeof bits);
        if (fabsf(x[i]) < 1.2e-38f) x[i] = 0; /* devices may flush denormals */
    }
    doctor_array arrays[] = {
        {halves, sizeof halves}, {r, sizeof r}, {x, sizeof x}, {to_half, sizeof to_half}, {to_bf16, sizeof to_bf16}};
    if (doctor_compute(d, text, arrays, 5, 0, HALVES, 0) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < HALVES; ++i) {
        float expected = sni_f16_to_f32(halves[i]);
        if (expected == expected ? r[i] != expected : r[i] == r[i])
            return doctor_say(d, DOCTOR_FAIL, "half 0x%04x is read as %.9g, not %.9g", i, r[i], expected);
        if (x[i] != x[i]) continue; /* a NaN has no one representation */
        if (to_half[i] != sni_f32_to_f16(x[i]))
            return doctor_say(d, DOCTOR_FAIL, "%.9g is stored as half 0x%04x, not 0x%04x", x[i], to_half[i],
                              sni_f32_to_f16(x[i]));
        if (to_bf16[i] != sni_f32_to_bf16(x[i]))
            return doctor_say(d, DOCTOR_FAIL, "%.9g is stored as bf16 0x%04x, not 0x%04x", x[i], to_bf16[i],
                              sni_f32_to_bf16(x[i]));
    }
    return doctor_say(d, DOCTOR_OK, "vload_half and vstore_half of every half, bf16");
}

/* A tree in local memory: wrong barriers and wrong local memory both show in the sums. The
 * attribute is there because NVIDIA gives a kernel without it 256 work-items at most. */
static doctor_result check_reduction(doctor *d) {
    static const char text[] = "__attribute__((reqd_work_group_size(%zu, 1, 1))) __kernel void "
                               "f(__global const int *a, __global int *r, __local int *s) {\n"
                               "    int l = get_local_id(0), n = get_local_size(0);\n"
                               "    s[l] = a[get_global_id(0)];\n"
                               "    barrier(CLK_LOCAL_MEM_FENCE);\n"
                               "    for (int step = n / 2; step > 0; step /= 2) {\n"
                               "        if (l < step) s[l] += s[l + step];\n"
                               "        barrier(CLK_LOCAL_MEM_FENCE);\n"
                               "    }\n"
                               "    r[get_global_id(0)] = s[0] + l;\n"
                               "}\n";
    static int32_t a[ITEMS], r[ITEMS];
    for (int i = 0; i < ITEMS; ++i) a[i] = i * 7 % 1001;
    size_t most = d->caps->max_work_group < 1024 ? d->caps->max_work_group : 1024;
    if (most > d->caps->max_work_item[0]) most = d->caps->max_work_item[0];
    for (size_t local = 1; local <= most; local *= 4) {
        char source[1024];
        snprintf(source, sizeof source, text, local);
        doctor_array arrays[] = {{a, sizeof a}, {r, sizeof r}};
        if (doctor_compute(d, source, arrays, 2, local * 4, ITEMS, local) != SINTER_OK)
            return doctor_fail(d, "the kernel");
        for (size_t first = 0; first < ITEMS; first += local) {
            int32_t sum = 0;
            for (size_t i = 0; i < local; ++i) sum += a[first + i];
            for (size_t i = 0; i < local; ++i)
                if (r[first + i] != sum + (int32_t)i)
                    return doctor_say(d, DOCTOR_FAIL, "the sum of %zu is %d, not %d", local, r[first + i] - (int32_t)i,
                                      sum);
        }
    }
    return doctor_say(d, DOCTOR_OK, "work-groups of 1 to %zu", most);
}

/* All of the local memory that the device claims, in one work-group. */
static doctor_result check_local_size(doctor *d) {
    static const char text[] =
        "__kernel void f(__global const int *n, __global int *r, __local int *s) {\n"
        "    for (int i = get_local_id(0); i < n[0]; i += get_local_size(0)) s[i] = i * 3;\n"
        "    barrier(CLK_LOCAL_MEM_FENCE);\n"
        "    int sum = 0;\n"
        "    for (int i = get_local_id(0); i < n[0]; i += get_local_size(0)) sum += s[n[0] - 1 - "
        "i];\n"
        "    r[get_local_id(0)] = sum;\n"
        "}\n";
    enum { GROUP = 16, SPARE_BYTES = 1024 };
    /* Some drivers need a little of it themselves, and say so only when a launch fails: the whole
     * of it is tried first, a little less counts as well. */
    uint64_t bytes = d->caps->local_bytes > (16u << 20) ? 16u << 20 : d->caps->local_bytes;
    for (int attempt = 0; attempt < 2; ++attempt) {
        int32_t count = (int32_t)(bytes / 4), r[GROUP] = {0};
        int64_t total = 0, expected = (int64_t)count * (count - 1) / 2 * 3;
        size_t group = d->caps->max_work_group < GROUP ? 1 : GROUP;
        doctor_array arrays[] = {{&count, sizeof count}, {r, sizeof r}};
        sinter_status status = doctor_compute(d, text, arrays, 2, (size_t)count * 4, group, group);
        if (status == SINTER_OK) {
            for (size_t i = 0; i < group; ++i) total += (uint32_t)r[i];
            if ((uint32_t)total != (uint32_t)expected)
                return doctor_say(d, DOCTOR_FAIL, "%llu bytes of local memory do not keep their values",
                                  (unsigned long long)bytes);
            return doctor_say(d, DOCTOR_OK, "%llu bytes", (unsigned long long)bytes);
        }
        bytes -= SPARE_BYTES;
    }
    return doctor_fail(d, "the kernel");
}

static doctor_result check_work_group(doctor *d) {
    static const char text[] = "__attribute__((reqd_work_group_size(%zu, 1, 1)))\n"
                               "__kernel void f(__global int *r) {\n"
                               "    size_t i = get_global_id(0);\n"
                               "    r[i] = get_group_id(0) * 65536 + get_local_id(0);\n}\n";
    size_t most = d->caps->max_work_group, groups = 3;
    if (most > d->caps->max_work_item[0]) most = d->caps->max_work_item[0];
    if (most > 65536) most = 65536;
    char source[512];
    snprintf(source, sizeof source, text, most);
    int32_t *r = calloc(most * groups, sizeof *r);
    if (!r) return doctor_say(d, DOCTOR_FAIL, "out of memory");
    doctor_array arrays[] = {{r, most * groups * sizeof *r}};
    doctor_result result = doctor_say(d, DOCTOR_OK, "%zu work-items", most);
    if (doctor_compute(d, source, arrays, 1, 0, most * groups, most) != SINTER_OK)
        result = doctor_fail(d, "the kernel");
    for (size_t i = 0; i < most * groups && result == DOCTOR_OK; ++i)
        if (r[i] != (int32_t)(i / most * 65536 + i % most))
            result = doctor_say(d, DOCTOR_FAIL, "work-item %zu has a wrong number", i);
    free(r);
    return result;
}

/* Generated kernels have dozens of arguments. */
static doctor_result check_arguments(doctor *d) {
    enum { BUFFERS = 64 };
    sni_str text = SNI_STR_INIT;
    sni_str_append(&text, "__kernel void f(");
    for (int i = 0; i < BUFFERS; ++i) sni_str_printf(&text, "%s__global int *p%d", i ? ", " : "", i);
    sni_str_append(&text, ") {\n    int sum = 0;\n");
    for (int i = 1; i < BUFFERS; ++i) sni_str_printf(&text, "    sum += p%d[0] * %d;\n", i, i);
    sni_str_append(&text, "    p0[0] = sum;\n}\n");
    int32_t values[BUFFERS], expected = 0;
    doctor_array arrays[BUFFERS];
    for (int i = 0; i < BUFFERS; ++i) {
        values[i] = i * i % 37;
        expected += i * values[i];
        arrays[i] = (doctor_array){&values[i], sizeof values[i]};
    }
    sinter_status status = text.failed ? sni_out_of_memory("the kernel")
                                       : doctor_compute(d, sni_str_text(&text), arrays, BUFFERS, 0, 1, 1);
    sni_str_deinit(&text);
    if (status != SINTER_OK) return doctor_fail(d, "the kernel");
    if (values[0] != expected) return doctor_say(d, DOCTOR_FAIL, "the sum is %d, not %d", values[0], expected);
    return doctor_say(d, DOCTOR_OK, "%d buffers, the device takes %u bytes", (int)BUFFERS,
                      (unsigned)d->caps->max_parameter_bytes);
}

/* A buffer whose three parts are written through sub-buffers at the least alignment. */
static sinter_status use_sub_buffers(sni_mem *whole, size_t align, char *out) {
    sinter_status status = sni_mem_fill(whole, 1);
    for (size_t part = 1; part < 3 && status == SINTER_OK; ++part) {
        sni_mem *sub = NULL;
        status = sni_mem_sub(whole, part * align, align, &sub);
        if (status == SINTER_OK) status = sni_mem_fill(sub, (uint8_t)(part + 1));
        if (sub) sni_mem_release(sub);
    }
    return status == SINTER_OK ? sni_mem_read(whole, 0, out, 4 * align, true) : status;
}

static doctor_result check_sub_buffers(doctor *d) {
    size_t align = d->caps->mem_align_bytes < 4 ? 4 : d->caps->mem_align_bytes;
    sni_mem *whole = NULL;
    char *out = calloc(4, align);
    sinter_status status = out ? sni_mem_acquire(d->pool, 4 * align, &whole) : sni_out_of_memory("a buffer");
    if (status == SINTER_OK) status = use_sub_buffers(whole, align, out);
    if (whole) sni_mem_release(whole);
    doctor_result result = doctor_say(d, DOCTOR_OK, "at %zu bytes", align);
    if (status != SINTER_OK) result = doctor_fail(d, "sub-buffers");
    static const char expected[] = {1, 2, 3, 1};
    for (size_t i = 0; i < 4 * align && result == DOCTOR_OK; ++i)
        if (out[i] != expected[i / align]) result = doctor_say(d, DOCTOR_FAIL, "byte %zu is %d", i, out[i]);
    free(out);
    return result;
}

/* Both ends of a buffer as large as the device allows, but no more than a GiB. */
static doctor_result check_allocation(doctor *d) {
    uint64_t bytes = d->caps->max_alloc_bytes;
    if (bytes > d->caps->global_bytes / 4) bytes = d->caps->global_bytes / 4;
    if (bytes > (uint64_t)1 << 30) bytes = (uint64_t)1 << 30;
    sni_mem *mem = NULL;
    uint32_t first = 0x12345678, last = 0x9abcdef0, a = 0, b = 0;
    size_t end = (size_t)bytes - 4;
    sinter_status status = sni_mem_acquire(d->pool, (size_t)bytes, &mem);
    if (status == SINTER_OK) status = sni_mem_write(mem, 0, &first, 4, true);
    if (status == SINTER_OK) status = sni_mem_write(mem, end, &last, 4, true);
    if (status == SINTER_OK) status = sni_mem_read(mem, 0, &a, 4, true);
    if (status == SINTER_OK) status = sni_mem_read(mem, end, &b, 4, true);
    if (mem) sni_mem_release(mem);
    sni_pool_trim(d->pool, 0);
    if (status != SINTER_OK) return doctor_fail(d, "the buffer");
    if (a != first || b != last)
        return doctor_say(d, DOCTOR_FAIL, "%llu bytes do not keep their values", (unsigned long long)bytes);
    return doctor_say(d, DOCTOR_OK, "%llu MiB", (unsigned long long)(bytes >> 20));
}

static doctor_result check_half_arithmetic(doctor *d) {
    static const char text[] = "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n"
                               "__kernel void f(__global const float *x, __global float *r) {\n"
                               "    size_t i = get_global_id(0);\n"
                               "    half h = (half)x[i];\n"
                               "    r[i] = (float)(h * h + (half)1.0f);\n}\n";
    if (!d->caps->has_f16_arithmetic) return doctor_say(d, DOCTOR_SKIP, "the device does not claim it");
    float x[16], r[16];
    for (int i = 0; i < 16; ++i) x[i] = (float)i; /* every result is a whole number that a half holds */
    doctor_array arrays[] = {{x, sizeof x}, {r, sizeof r}};
    if (doctor_compute(d, text, arrays, 2, 0, 16, 0) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < 16; ++i)
        if (r[i] != (float)(i * i + 1)) return doctor_say(d, DOCTOR_FAIL, "%d * %d + 1 is %g", i, i, r[i]);
    return DOCTOR_OK;
}

static doctor_result check_inline_ptx(doctor *d) {
    static const char text[] = "__kernel void f(__global int *r) {\n"
                               "    int v = (int)get_local_id(0), s;\n"
                               "    asm volatile(\"shfl.sync.bfly.b32 %0, %1, 1, 31, 0xffffffff;\" "
                               ": \"=r\"(s) : \"r\"(v));\n"
                               "    r[get_global_id(0)] = s;\n}\n";
    if (!d->caps->has_inline_ptx) return doctor_say(d, DOCTOR_SKIP, "not NVIDIA's platform");
    int32_t r[32];
    doctor_array arrays[] = {{r, sizeof r}};
    if (doctor_compute(d, text, arrays, 1, 0, 32, 32) != SINTER_OK) return doctor_fail(d, "the kernel");
    for (int i = 0; i < 32; ++i)
        if (r[i] != (i ^ 1)) return doctor_say(d, DOCTOR_FAIL, "lane %d got %d", i, r[i]);
    return doctor_say(d, DOCTOR_OK, "shuffles; sm_%u%u", (unsigned)d->caps->nv_compute_major,
                      (unsigned)d->caps->nv_compute_minor);
}

/* One kernel through a cache directory: compiled by the first cache, loaded by the second. */
static sinter_status use_cache_once(doctor *d, const char *dir, sni_kernel_cache_stats *stats) {
    static const char text[] = "__kernel void f(__global int *r) { r[get_global_id(0)] = 5; }\n";
    doctor through = *d;
    int32_t r[4] = {0};
    doctor_array arrays[] = {{r, sizeof r}};
    SNI_TRY(sni_kernel_cache_create(d->device, dir, 0, &through.cache));
    sinter_status status = doctor_compute(&through, text, arrays, 1, 0, 4, 0);
    sni_kernel_cache_get_stats(through.cache, stats);
    sni_kernel_cache_release(through.cache);
    if (status == SINTER_OK && r[3] != 5) status = sni_fail(SINTER_DEVICE, "the kernel gives a wrong result");
    return status;
}

static doctor_result check_cache_in(doctor *d, const char *dir) {
    sni_kernel_cache_stats first, second;
    if (use_cache_once(d, dir, &first) != SINTER_OK || use_cache_once(d, dir, &second) != SINTER_OK)
        return doctor_fail(d, "a kernel through the cache");
    if (first.compiled != 1 || second.loaded != 1 || second.compiled || second.rejected)
        return doctor_say(d, DOCTOR_FAIL, "what was written to %s is not read back", dir);
    return doctor_say(d, DOCTOR_OK, "compiled in %.1f ms, loaded in %.1f ms", (double)first.build_ns / 1e6,
                      (double)second.build_ns / 1e6);
}

/* In a directory of its own beside the entries, which it leaves as it found them. */
static doctor_result check_cache(doctor *d) {
    char *cache = NULL;
    if (sni_cache_dir(NULL, &cache) != SINTER_OK) return doctor_fail(d, "the cache's directory");
    if (!cache[0]) {
        sni_free(cache);
        return doctor_say(d, DOCTOR_SKIP, "there is no directory for it");
    }
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/doctor-%ld", cache, (long)getpid());
    sni_free(cache);
    doctor_result result = check_cache_in(d, dir);
    sni_cache_usage removed;
    if (sni_cache_clear(dir, &removed) == SINTER_OK) {
        /* Its entry had a directory of two digits; only empty directories can be removed this way.
         */
        for (int i = 0; i < 256; ++i) {
            char sub[4104];
            snprintf(sub, sizeof sub, "%s/%02x", dir, (unsigned)i);
            rmdir(sub);
        }
        rmdir(dir);
    }
    return result;
}

const doctor_check doctor_checks[] = {
    {"integer arithmetic", check_integers},
    {"f32 arithmetic", check_floats},
    {"f64 arithmetic", check_doubles},
    {"f16 arithmetic", check_half_arithmetic},
    {"f16 and bf16 storage", check_storage},
    {"local memory and barriers", check_reduction},
    {"size of local memory", check_local_size},
    {"size of work-groups", check_work_group},
    {"many arguments", check_arguments},
    {"sub-buffers", check_sub_buffers},
    {"large buffer", check_allocation},
    {"f32 math functions", doctor_check_math},
    {"f64 math functions", doctor_check_math_f64},
    {"f32 division", doctor_check_division},
    {"inline PTX", check_inline_ptx},
    {"kernel cache", check_cache},
    {NULL, NULL},
};
