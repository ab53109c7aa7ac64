/* A runtime without kernels on disk, for tests that compile much and once: on PoCL a kernel's binary, which only the disk cache
 * wants, costs another compile. What is about the cache itself makes its runtime with options of its own. */
#ifndef TESTS_UNCACHED_H
#define TESTS_UNCACHED_H

#include <sinter/runtime.h>

static inline sinter_status uncached_runtime(sinter_runtime **out_runtime) {
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    options.cache_dir = "";
    return sinter_runtime_create(&options, out_runtime);
}

#endif
