/* The helper's side: builds kernels and puts them into the kernel cache on disk. Nothing that goes wrong here is reported
 * in words: the library builds the kernel itself then, and has its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "kernel/pocl.h"
#include "kernel/prebuild.h"
#include "kernel/prebuild_protocol.h"

#define MOST_TEXT_BYTES ((size_t)64 << 20)
enum { MOST_SECONDS = 300 }; /* for one kernel; then the process ends by itself, also when nobody is there to end it */

typedef struct request {
    char *entry, *options, *source;
} request;

static char *read_text(size_t length) {
    if (length > MOST_TEXT_BYTES) return NULL;
    char *text = sni_malloc(length + 1);
    if (text && fread(text, 1, length, stdin) != length) {
        sni_free(text);
        return NULL;
    }
    if (text) text[length] = 0;
    return text;
}

static void free_request(request *r) {
    sni_free(r->entry);
    sni_free(r->options);
    sni_free(r->source);
}

/* false: the library has no more requests, or is not there any more. */
static bool read_request(request *r) {
    char line[128];
    size_t entry, options, source;
    *r = (request){NULL, NULL, NULL};
    if (!fgets(line, sizeof line, stdin) || sscanf(line, "build %zu %zu %zu", &entry, &options, &source) != 3)
        return false;
    r->entry = read_text(entry);
    r->options = read_text(options);
    r->source = read_text(source);
    if (r->entry && r->options && r->source) return true;
    free_request(r);
    return false;
}

static void answer(const char *line) {
    puts(line);
    fflush(stdout);
}

static const char *build(sni_kernel_cache *cache, const request *r, const char *driver_dir) {
    sni_program *program = NULL;
    if (sni_program_build_assembled(cache, r->source, r->entry, r->options, &program) != SINTER_OK)
        return SNI_PREBUILD_FAILED;
    const char *said = SNI_PREBUILD_DONE;
    if (__atomic_load_n(&program->unsaved, __ATOMIC_ACQUIRE)) {
        /* Without the specialised form the entry on disk would be one that is compiled again when it runs. */
        if (sni_pocl_specialise(program, driver_dir))
            sni_program_save(program);
        else
            said = SNI_PREBUILD_FAILED;
        __atomic_store_n(&program->unsaved, 0, __ATOMIC_RELEASE);
    }
    if (sni_pocl_is_running()) {
        if (strcmp(said, SNI_PREBUILD_DONE) == 0) said = SNI_PREBUILD_LAST;
        return said;
    }
    sni_program_release(program);
    sni_pocl_clean(driver_dir);
    return said;
}

static sinter_status open_device(const char *identity, sni_device **out_device) {
    sni_device_entry *list = NULL;
    size_t count = 0, at = 0;
    SNI_TRY(sni_device_list(&list, &count));
    while (at < count && strcmp(list[at].caps.identity, identity) != 0) ++at;
    char index[32];
    snprintf(index, sizeof index, "%zu", at);
    sinter_status status = at < count ? sni_device_open(index, out_device)
                                      : sni_fail(SINTER_NO_DEVICE, "there is no device with identity %s", identity);
    sni_free(list);
    return status;
}

int sni_prebuild_serve(int argc, char **argv) {
    long long max_bytes = 0;
    if (argc != 5 || !sni_parse_i64(argv[3], &max_bytes) || max_bytes <= 0) {
        fputs("sinter-builder is started by libsinter, to build kernels side by side\n", stderr);
        return 2;
    }
    /* The driver reads it when it is loaded. */
    const char *driver_dir = argv[4];
    setenv("POCL_CACHE_DIR", driver_dir, 1);
    sni_device *device = NULL;
    sni_kernel_cache *cache = NULL;
    if (open_device(argv[1], &device) != SINTER_OK ||
        sni_kernel_cache_create(device, argv[2], (uint64_t)max_bytes, &cache) != SINTER_OK)
        return 1;
    answer(SNI_PREBUILD_READY);
    request r;
    alarm(MOST_SECONDS);
    while (read_request(&r)) {
        const char *said = build(cache, &r, driver_dir);
        free_request(&r);
        answer(said);
        if (sni_pocl_is_running()) break;
        alarm(MOST_SECONDS);
    }
    sni_dir_remove(driver_dir); /* here too, in case the library's process was killed */
    /* A kernel that still runs would be waited for by everything that is released in order. */
    _exit(0);
}
