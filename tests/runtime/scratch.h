/* A private cache directory for a test program, and opening runtimes on it. */
#ifndef SINTER_TESTS_SCRATCH_H
#define SINTER_TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/kernel.h>
#include <sinter/runtime.h>

#include "check_main.h"

static char g_scratch[64];

static inline int scratch_make(void) {
    snprintf(g_scratch, sizeof g_scratch, "/tmp/sinter-runtime-XXXXXX");
    return mkdtemp(g_scratch) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static inline void scratch_remove(void) {
    nftw(g_scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* For main, where nothing may be asserted: NULL and a line on stderr when it fails. */
static inline sinter_runtime *try_open_runtime(void) {
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = g_scratch;
    sinter_runtime *runtime = NULL;
    if (sinter_runtime_create(&options, &runtime) != SINTER_OK) fprintf(stderr, "%s\n", sinter_last_error());
    return runtime;
}

static inline sinter_runtime *open_runtime(void) {
    sinter_runtime *runtime = try_open_runtime();
    ck_assert_ptr_nonnull(runtime);
    return runtime;
}

static inline sinter_buffer *make_buffer(sinter_runtime *runtime, const void *data, size_t size) {
    sinter_buffer *buffer = NULL;
    ck_assert_int_eq(sinter_buffer_create(runtime, size, &buffer), SINTER_OK);
    if (data) ck_assert_int_eq(sinter_buffer_write(buffer, 0, data, size), SINTER_OK);
    return buffer;
}

/* The last error must hold the words. */
#define ERROR_HAS(words)                                                                                               \
    ck_assert_msg(strstr(sinter_last_error(), words) != NULL, "no '%s' in: %s", words, sinter_last_error())

#endif
