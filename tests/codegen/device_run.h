/* A device, its kernel cache without disk and its pool, and running a kernel on host arrays; for the tests of generated
 * code. SINTER_DUMP_KERNELS names a directory that gets the source of every kernel that runs. */
#ifndef SINTER_TESTS_DEVICE_RUN_H
#define SINTER_TESTS_DEVICE_RUN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "codegen/codegen.h"
#include "device/device.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"

typedef struct test_device {
    sni_device *device;
    sni_kernel_cache *cache;
    sni_pool *pool;
} test_device;

static inline void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

/* Outside of any test, where check cannot report: says what is wrong and ends the program. */
static inline void test_device_open(test_device *d) {
    sinter_status status = sni_device_open(NULL, &d->device);
    if (status == SINTER_OK) status = sni_kernel_cache_create(d->device, "", 0, &d->cache);
    if (status == SINTER_OK) status = sni_pool_create(d->device, 0, &d->pool);
    if (status == SINTER_OK) return;
    fprintf(stderr, "no device to test on: %s\n", sinter_last_error());
    exit(EXIT_FAILURE);
}

static inline void test_device_close(test_device *d) {
    sni_kernel_cache_release(d->cache);
    sni_pool_release(d->pool);
    sni_device_release(d->device);
}

/* Writes <directory>/<entry>-<hash>.cl; the text has its includes resolved. */
static inline void dump_kernel(const char *entry, const char *text, const char *options) {
    const char *directory = getenv("SINTER_DUMP_KERNELS");
    if (directory == NULL || directory[0] == 0 || text == NULL) return;
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%016llx.cl", directory, entry,
             (unsigned long long)sni_hash64_of(text, strlen(text), strlen(options)));
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    fprintf(file, "// options: %s\n%s", options, text);
    fclose(file);
}

/* Builds a kernel; the text and the log are in the message when it does not compile. */
static inline sni_program *build_kernel(test_device *d, const char *text, const char *entry, const char *options) {
    sni_program_source source = {.text = text, .entry = entry, .options = options};
    sni_program *program = NULL;
    sinter_status status = sni_program_build(d->cache, &source, &program);
    ck_assert_msg(status == SINTER_OK, "%s\n%s", sinter_last_error(), text);
    dump_kernel(entry, sni_program_text(program) != NULL ? sni_program_text(program) : text, options);
    return program;
}

/* Device memory that holds data (NULL: a byte everywhere; written rather than filled, because Oclgrind takes filled
 * memory for uninitialised). */
static inline sni_mem *device_memory(test_device *d, const void *data, size_t size_bytes, uint8_t fill) {
    sni_mem *mem;
    must(sni_mem_acquire(d->pool, size_bytes, &mem));
    if (size_bytes == 0) return mem;
    uint8_t *bytes = malloc(size_bytes);
    ck_assert(bytes != NULL);
    if (data == NULL)
        memset(bytes, fill, size_bytes);
    else
        memcpy(bytes, data, size_bytes);
    must(sni_mem_write(mem, 0, bytes, size_bytes, true));
    free(bytes);
    return mem;
}

#endif
