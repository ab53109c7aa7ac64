/* Programs in memory: one per key, built once however many threads ask for it. */
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) sni_malloc(size)
#define uthash_free(memory, size) sni_free(memory)
#include "kernel/program.h"
#include "base/alloc.h"

#include <string.h>

#include "base/str.h"
#include "kernel/source.h"

enum { MOST_PROGRAMS = 1024 };

sinter_status sni_kernel_cache_create(sni_device *device, const char *dir, uint64_t max_bytes,
                                      sni_kernel_cache **out_cache) {
    *out_cache = NULL;
    sni_kernel_cache *cache = sni_calloc(1, sizeof *cache);
    if (!cache) return sni_out_of_memory("the kernel cache");
    sinter_status status = sni_disk_create(dir, max_bytes, &cache->disk);
    if (status != SINTER_OK) {
        sni_free(cache);
        return status;
    }
    cache->references = 1;
    cache->most_programs = MOST_PROGRAMS;
    cache->device = sni_device_retain(device);
    sni_mutex_init(&cache->mutex);
    *out_cache = cache;
    return SINTER_OK;
}

static void cache_unref(sni_kernel_cache *cache) {
    if (__atomic_sub_fetch(&cache->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_disk_release(cache->disk);
    sni_device_release(cache->device);
    sni_mutex_deinit(&cache->mutex);
    sni_free(cache);
}

/* Takes the whole table out of the cache; the caller owns the cache's reference of each program. */
static sni_program *take_table(sni_kernel_cache *cache) {
    sni_mutex_lock(&cache->mutex);
    sni_program *first = cache->table;
    /* The programs stay linked in order after the table itself is gone. */
    HASH_CLEAR(hh, cache->table);
    sni_mutex_unlock(&cache->mutex);
    return first;
}

void sni_kernel_cache_release(sni_kernel_cache *cache) {
    if (!cache) return;
    sni_program *program = take_table(cache);
    bool finished = false;
    while (program) {
        sni_program *next = program->hh.next;
        /* Nobody reported a first launch; what was compiled is worth keeping all the same. */
        if (__atomic_load_n(&program->unsaved, __ATOMIC_ACQUIRE)) {
            if (!finished) finished = clFinish(cache->device->queue) == CL_SUCCESS;
            if (finished) sni_program_save(program);
        }
        sni_program_release(program);
        program = next;
    }
    cache_unref(cache);
}

void sni_kernel_cache_get_stats(sni_kernel_cache *cache, sni_kernel_cache_stats *out_stats) {
    sni_mutex_lock(&cache->mutex);
    *out_stats = cache->stats;
    sni_mutex_unlock(&cache->mutex);
}

sni_program *sni_program_retain(sni_program *program) {
    if (program) __atomic_add_fetch(&program->references, 1, __ATOMIC_RELAXED);
    return program;
}

void sni_program_release(sni_program *program) {
    if (!program || __atomic_sub_fetch(&program->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_kernel_cache *cache = program->cache;
    if (program->handle) clReleaseProgram(program->handle);
    sni_signature_deinit(&program->signature);
    sni_kernel_key_deinit(&program->key);
    sni_free(program->entry);
    sni_free(program->options);
    sni_free(program->failure_text);
    sni_mutex_deinit(&program->building);
    sni_free(program);
    if (cache) cache_unref(cache);
}

/* The options of every build, then the caller's. A caller who wants another language version says
 * so. No warnings: PoCL counts them on standard error and keeps their texts to itself. SN_NV_SM is
 * what cl/common knows an NVIDIA device by, 90 for compute capability 9.0. */
static char *complete_options(const sni_caps *caps, const char *options) {
    sni_str text = SNI_STR_INIT;
    if (!options) options = "";
    sni_str_append(&text,
                   strstr(options, "-cl-std=") ? "-cl-kernel-arg-info -w" : "-cl-std=CL1.2 -cl-kernel-arg-info -w");
    if (caps->has_inline_ptx)
        sni_str_printf(&text, " -DSN_NV_SM=%u", (unsigned)(caps->nv_compute_major * 10 + caps->nv_compute_minor));
    /* A quotient that is rounded to an integer next (quantisation) must not be off by an ulp. */
    if (caps->divides_on_request) sni_str_append(&text, " -cl-fp32-correctly-rounded-divide-sqrt");
    if (*options) sni_str_printf(&text, " %s", options);
    char *taken = sni_str_take(&text);
    sni_str_deinit(&text);
    return taken;
}

/* options are complete, assembled has its includes resolved. */
static sinter_status describe_assembled(sni_kernel_cache *cache, const char *assembled, const char *entry,
                                        const char *options, sni_program **out_program) {
    sni_program *program = sni_calloc(1, sizeof *program);
    if (!program) return sni_out_of_memory("a program");
    program->references = 1;
    sni_mutex_init(&program->building);
    program->entry = sni_strdup(entry);
    program->options = sni_strdup(options);
    sinter_status status =
        program->entry && program->options
            ? sni_kernel_key_make(&cache->device->caps, assembled, program->entry, program->options, &program->key)
            : sni_out_of_memory("a program");
    if (status != SINTER_OK) {
        sni_program_release(program);
        return status;
    }
    program->source = program->key.text + program->key.source_offset;
    program->cache = cache;
    __atomic_add_fetch(&cache->references, 1, __ATOMIC_RELAXED);
    *out_program = program;
    return SINTER_OK;
}

/* A program that is described but not built; not in the table yet. */
static sinter_status describe(sni_kernel_cache *cache, const sni_program_source *source, sni_program **out_program) {
    char *assembled = NULL;
    SNI_TRY(sni_source_assemble(sni_embedded_files, source->text, source->file, &assembled));
    char *options = complete_options(&cache->device->caps, source->options);
    sinter_status status = options ? describe_assembled(cache, assembled, source->entry, options, out_program)
                                   : sni_out_of_memory("a program");
    if (status == SINTER_OK) (*out_program)->tell_warnings = source->tell_warnings;
    sni_free(options);
    sni_free(assembled);
    return status;
}

/* Drops programs that only the table holds. The mutex is held, so nobody can find one meanwhile.
 * Collects them in a list, because releasing a program calls the driver. */
static sni_program *drop_idle(sni_kernel_cache *cache) {
    sni_program *dropped = NULL, *program = NULL, *next = NULL;
    if (HASH_COUNT(cache->table) <= cache->most_programs) return NULL;
    unsigned wanted = cache->most_programs / 8 + 1;
    HASH_ITER(hh, cache->table, program, next) {
        if (wanted == 0) break;
        if (__atomic_load_n(&program->references, __ATOMIC_ACQUIRE) != 1) continue;
        HASH_DEL(cache->table, program);
        program->hh.next = dropped;
        dropped = program;
        --wanted;
    }
    return dropped;
}

static void release_list(sni_program *program) {
    while (program) {
        sni_program *next = program->hh.next;
        sni_program_release(program);
        program = next;
    }
}

/* Returns the table's program with this key, or puts candidate in. The result is retained;
 * candidate is not used up. */
static sni_program *find_or_add(sni_kernel_cache *cache, sni_program *candidate) {
    sni_program *found = NULL, *dropped = NULL;
    sni_mutex_lock(&cache->mutex);
    HASH_FIND(hh, cache->table, &candidate->key.hash, sizeof candidate->key.hash, found);
    if (!found) {
        candidate->hh.tbl = NULL;
        HASH_ADD(hh, cache->table, key.hash, sizeof candidate->key.hash, candidate);
        /* Without memory for the table the program works, but is not shared. */
        if (candidate->hh.tbl) sni_program_retain(candidate);
        dropped = drop_idle(cache);
    }
    /* Two keys with one hash: the newcomer is not shared either. */
    if (!found || !sni_kernel_key_equal(&found->key, &candidate->key)) found = candidate;
    sni_program_retain(found);
    sni_mutex_unlock(&cache->mutex);
    release_list(dropped);
    return found;
}

/* Takes a failed program out of the table, so that it is tried again when it is next asked for. */
static void forget(sni_kernel_cache *cache, sni_program *program) {
    sni_program *found = NULL;
    sni_mutex_lock(&cache->mutex);
    HASH_FIND(hh, cache->table, &program->key.hash, sizeof program->key.hash, found);
    if (found == program) HASH_DEL(cache->table, program);
    sni_mutex_unlock(&cache->mutex);
    if (found == program) sni_program_release(program);
}

/* Builds the program, or waits for the thread that builds it. */
static sinter_status finish(sni_program *program) {
    bool failed_here = false;
    sni_mutex_lock(&program->building);
    if (program->state == SNI_PROGRAM_NEW) {
        program->failure = sni_program_realize(program);
        failed_here = program->failure != SINTER_OK;
        program->state = failed_here ? SNI_PROGRAM_FAILED : SNI_PROGRAM_READY;
        if (failed_here) program->failure_text = sni_strdup(sinter_last_error());
    }
    sinter_status status = program->failure;
    sni_mutex_unlock(&program->building);
    if (failed_here)
        forget(program->cache, program);
    else if (status != SINTER_OK)
        sni_fail(status, "%s", program->failure_text ? program->failure_text : "a kernel failed");
    return status;
}

static sinter_status check_source(const sni_program_source *source) {
    if (!source->text || !source->entry) return sni_fail(SINTER_INVALID_ARGUMENT, "a kernel needs a text and an entry");
    if (!source->entry[0] || strlen(source->entry) > 256)
        return sni_fail(SINTER_INVALID_ARGUMENT, "a kernel's entry has 1 to 256 characters");
    return SINTER_OK;
}

/* candidate is used up. */
static sinter_status share_and_finish(sni_kernel_cache *cache, sni_program *candidate, sni_program **out_program) {
    sni_program *program = find_or_add(cache, candidate);
    sni_program_release(candidate);
    sinter_status status = finish(program);
    if (status != SINTER_OK) {
        sni_program_release(program);
        return status;
    }
    *out_program = program;
    return SINTER_OK;
}

sinter_status sni_program_build(sni_kernel_cache *cache, const sni_program_source *source, sni_program **out_program) {
    *out_program = NULL;
    sni_program *candidate = NULL;
    SNI_TRY(check_source(source));
    SNI_TRY(describe(cache, source, &candidate));
    return share_and_finish(cache, candidate, out_program);
}

sinter_status sni_program_build_assembled(sni_kernel_cache *cache, const char *assembled, const char *entry,
                                          const char *options, sni_program **out_program) {
    *out_program = NULL;
    sni_program *candidate = NULL;
    SNI_TRY(describe_assembled(cache, assembled, entry, options, &candidate));
    return share_and_finish(cache, candidate, out_program);
}

sinter_status sni_program_describe_missing(sni_kernel_cache *cache, const sni_program_source *source,
                                           sni_program **out_program) {
    *out_program = NULL;
    sni_program *candidate = NULL, *found = NULL;
    SNI_TRY(check_source(source));
    SNI_TRY(describe(cache, source, &candidate));
    sni_mutex_lock(&cache->mutex);
    HASH_FIND(hh, cache->table, &candidate->key.hash, sizeof candidate->key.hash, found);
    sni_mutex_unlock(&cache->mutex);
    if (found || sni_disk_has(cache->disk, &candidate->key))
        sni_program_release(candidate);
    else
        *out_program = candidate;
    return SINTER_OK;
}

sinter_status sni_program_take_built(sni_program *candidate) {
    sni_program *program = NULL;
    candidate->built_apart = true;
    SNI_TRY(share_and_finish(candidate->cache, sni_program_retain(candidate), &program));
    sni_program_release(program); /* the table keeps it */
    return SINTER_OK;
}

void sni_program_launched(sni_program *program) {
    if (!__atomic_load_n(&program->unsaved, __ATOMIC_ACQUIRE)) return;
    /* PoCL compiles for a local size while the kernel runs, not while it is enqueued, and keeps the
     * first binary it was ever asked for: so wait, then ask. */
    if (clFinish(program->cache->device->queue) == CL_SUCCESS) sni_program_save(program);
}

const char *sni_program_text(const sni_program *program) {
    return program->source;
}
