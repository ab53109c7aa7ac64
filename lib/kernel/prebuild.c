/* The library's side: what is missing, helpers, and who builds what. */
#define _GNU_SOURCE
#include "kernel/prebuild.h"

#include <dlfcn.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "kernel/pocl.h"
#include "kernel/prebuild_protocol.h"
#include "kernel/program.h"

/* A helper takes half a second to start, so it is worth more than one kernel only. */
enum { LEAST_MISSING = 2, MOST_HELPERS = 16, MOST_STARTS = 32 };
#define TICK_NS ((int64_t)100 * 1000000)
/* A helper that is silent for as long hangs. */
#define PATIENCE_NS ((int64_t)320 * 1000000000)

/* What one helper is at. */
typedef struct helper {
    char directory[4096]; /* the driver's */
    bool ready;
    int job; /* -1: none */
    int64_t since_ns;
} helper;

typedef struct prebuild {
    sni_kernel_cache *cache;
    char *path; /* of the helper program */
    sni_program **jobs;
    size_t job_count, next, finished;
    helper *helpers;
    sni_process *processes;
    int count, starts;
    sni_prebuild_progress progress;
    void *context;
} prebuild;

/* ---- the helper program ---- */

static bool only_owner_writes(const struct stat *info) {
    return (info->st_uid == 0 || info->st_uid == geteuid()) && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Nobody but the administrator and the user can have put it there. */
static bool is_safe(const char *path) {
    struct stat file, directory;
    sni_str parent = SNI_STR_INIT;
    const char *slash = strrchr(path, '/');
    if (!slash) return false;
    sni_str_append_n(&parent, path, (size_t)(slash - path) + 1);
    bool safe = !parent.failed && stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0 &&
                only_owner_writes(&file) && stat(sni_str_text(&parent), &directory) == 0 &&
                only_owner_writes(&directory);
    if (!safe && access(path, F_OK) == 0)
        sni_log(SNI_LOG_INFO,
                "%s is not used: it is no program, or others than root and the user can write it or its "
                "directory; kernels are built one after another",
                path);
    sni_str_deinit(&parent);
    return safe;
}

/* directory/relative, if it is there and safe; else NULL. */
static char *candidate(const char *directory, size_t length, const char *relative) {
    sni_str path = SNI_STR_INIT;
    sni_str_append_n(&path, directory, length);
    sni_str_append(&path, relative);
    char *text = path.failed || !is_safe(sni_str_text(&path)) ? NULL : sni_str_take(&path);
    sni_str_deinit(&path);
    return text;
}

/* From the directory of the library, or of the program that it is linked into, where they were installed under another
 * prefix than they were configured for, and in the build tree. */
static const char *const beside[] = {"/../libexec/sinter/sinter-builder",
                                     "/../../libexec/sinter/sinter-builder",
                                     "/sinter-builder",
                                     "/tools/sinter-builder",
                                     "/../tools/sinter-builder",
                                     "/../sinter-builder"};

/* SINTER_BUILDER names it, "" for none; else it is beside what holds this code, or where it was configured to be installed.
 * NULL: there is none. */
static char *find_builder(void) {
    const char *given = secure_getenv("SINTER_BUILDER");
    if (given) return *given ? candidate(given, strlen(given), "") : NULL;
    char *found = NULL;
    Dl_info here;
    char own[PATH_MAX];
    if (dladdr(beside, &here) != 0 && realpath(here.dli_fname, own)) {
        size_t length = (size_t)(strrchr(own, '/') - own);
        for (size_t i = 0; i < sizeof beside / sizeof *beside && !found; ++i) found = candidate(own, length, beside[i]);
    }
    return found ? found : candidate(SINTER_LIBEXEC_DIR, strlen(SINTER_LIBEXEC_DIR), "/sinter-builder");
}

/* ---- helpers ---- */

static void stop(prebuild *p, int h) {
    sni_process_end(&p->processes[h]);
    sni_dir_remove(p->helpers[h].directory);
    p->helpers[h].job = -1;
    p->helpers[h].ready = false;
}

static void start(prebuild *p, int h) {
    helper *one = &p->helpers[h];
    sni_disk *disk = p->cache->disk;
    char limit[32];
    one->ready = false;
    one->job = -1;
    one->since_ns = sni_time_ns();
    if (p->starts++ >= MOST_STARTS) return;
    static unsigned serial;
    int length = snprintf(one->directory, sizeof one->directory, "%s/build-%ld-%u", sni_disk_dir(disk), (long)getpid(),
                          __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)sni_disk_max_bytes(disk));
    char *argv[] = {
        "sinter-builder", p->cache->device->caps.identity, (char *)sni_disk_dir(disk), limit, one->directory, NULL};
    if (length < 0 || length >= (int)sizeof one->directory || sni_dir_create(one->directory) != SINTER_OK ||
        sni_process_start(p->path, argv, &p->processes[h]) != SINTER_OK)
        p->processes[h].pid = 0;
}

static bool send_job(sni_process *process, const sni_program *job) {
    char line[128];
    size_t entry = strlen(job->entry), options = strlen(job->options), source = strlen(job->source);
    snprintf(line, sizeof line, "build %zu %zu %zu", entry, options, source);
    return sni_process_send(process, line) && sni_process_send_bytes(process, job->entry, entry) &&
           sni_process_send_bytes(process, job->options, options) &&
           sni_process_send_bytes(process, job->source, source);
}

/* Gives the helper something to do, or lets it end. */
static void feed(prebuild *p, int h) {
    helper *one = &p->helpers[h];
    one->since_ns = sni_time_ns();
    if (p->next == p->job_count) {
        stop(p, h);
        return;
    }
    one->job = (int)p->next++;
    if (!send_job(&p->processes[h], p->jobs[one->job])) {
        ++p->finished; /* left to the caller */
        stop(p, h);
    }
}

/* A helper that ended or hangs: its kernel is left to the caller, another one takes its place if there is more to do. */
static void replace(prebuild *p, int h) {
    if (p->helpers[h].job >= 0) {
        sni_log(SNI_LOG_INFO, "a process that built kernel '%s' ended", p->jobs[p->helpers[h].job]->entry);
        ++p->finished;
    }
    /* One that did not even get ready would not the next time. */
    bool again = p->helpers[h].ready && p->next < p->job_count;
    stop(p, h);
    if (again) start(p, h);
}

static void hear(prebuild *p, int h) {
    helper *one = &p->helpers[h];
    char line[SNI_PROCESS_LINE];
    sni_process_answer answer = sni_process_receive(&p->processes[h], 0, line);
    if (answer == SNI_PROCESS_TIMED_OUT) {
        if (sni_time_ns() - one->since_ns > PATIENCE_NS) replace(p, h);
        return;
    }
    if (answer == SNI_PROCESS_ENDED) {
        replace(p, h);
    } else if (!one->ready) {
        one->ready = strcmp(line, SNI_PREBUILD_READY) == 0;
        if (one->ready)
            feed(p, h);
        else
            stop(p, h);
    } else if (one->job >= 0) {
        bool last = strcmp(line, SNI_PREBUILD_LAST) == 0;
        if (last || strcmp(line, SNI_PREBUILD_DONE) == 0) sni_program_take_built(p->jobs[one->job]);
        ++p->finished;
        one->job = -1;
        if (last)
            replace(p, h);
        else
            feed(p, h);
    } else {
        stop(p, h);
    }
}

static bool any_alive(const prebuild *p) {
    for (int h = 0; h < p->count; ++h)
        if (p->processes[h].pid != 0) return true;
    return false;
}

static sinter_status serve_helpers(prebuild *p) {
    for (int h = 0; h < p->count; ++h) start(p, h);
    while (p->finished < p->job_count && any_alive(p)) {
        sni_process_wait_any(p->processes, p->count, TICK_NS);
        for (int h = 0; h < p->count; ++h)
            if (p->processes[h].pid != 0) hear(p, h);
        if (p->progress && p->progress(p->context, p->finished, p->job_count))
            return sni_fail(SINTER_CANCELLED, "building was cancelled after %zu of %zu kernels", p->finished,
                            p->job_count);
    }
    return SINTER_OK;
}

/* ---- what is missing ---- */

static int compare_hashes(const void *left, const void *right) {
    const sni_program *a = *(sni_program *const *)left, *b = *(sni_program *const *)right;
    return memcmp(&a->key.hash, &b->key.hash, sizeof a->key.hash);
}

/* Long texts take long; when they come first no helper is left with one at the end. */
static int compare_lengths(const void *left, const void *right) {
    const sni_program *a = *(sni_program *const *)left, *b = *(sni_program *const *)right;
    if (a->key.length != b->key.length) return a->key.length > b->key.length ? -1 : 1;
    return compare_hashes(left, right);
}

static sinter_status find_missing(prebuild *p, const sni_program_source *sources, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        sni_program *missing = NULL;
        SNI_TRY(sni_program_describe_missing(p->cache, &sources[i], &missing));
        if (missing) p->jobs[p->job_count++] = missing;
    }
    qsort(p->jobs, p->job_count, sizeof *p->jobs, compare_hashes);
    size_t kept = 0;
    for (size_t i = 0; i < p->job_count; ++i) {
        if (kept > 0 && compare_hashes(&p->jobs[kept - 1], &p->jobs[i]) == 0)
            sni_program_release(p->jobs[i]);
        else
            p->jobs[kept++] = p->jobs[i];
    }
    p->job_count = kept;
    qsort(p->jobs, p->job_count, sizeof *p->jobs, compare_lengths);
    return SINTER_OK;
}

static int helper_count(size_t jobs) {
    cpu_set_t set;
    int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    /* What a second kernel saves pays for a helper's start. */
    size_t most = (jobs + 1) / 2 < MOST_HELPERS ? (jobs + 1) / 2 : MOST_HELPERS;
    return processors < (int)most ? processors : (int)most;
}

static sinter_status build_missing(prebuild *p) {
    p->path = find_builder();
    if (!p->path) return SINTER_OK;
    p->count = helper_count(p->job_count);
    p->helpers = sni_calloc((size_t)p->count, sizeof *p->helpers);
    p->processes = sni_calloc((size_t)p->count, sizeof *p->processes);
    if (!p->helpers || !p->processes) return sni_out_of_memory("building kernels");
    sinter_status status = serve_helpers(p);
    for (int h = 0; h < p->count; ++h) stop(p, h);
    return status;
}

sinter_status sni_programs_prebuild(sni_kernel_cache *cache, const sni_program_source *sources, size_t count,
                                    sni_prebuild_progress progress, void *context, size_t *out_total) {
    *out_total = 0;
    if (!cache->disk || count < LEAST_MISSING || !sni_pocl_builds_apart(&cache->device->caps)) return SINTER_OK;
    prebuild p = {.cache = cache, .progress = progress, .context = context};
    p.jobs = sni_calloc(count, sizeof *p.jobs);
    if (!p.jobs) return sni_out_of_memory("building kernels");
    sinter_status status = find_missing(&p, sources, count);
    if (status == SINTER_OK && p.job_count >= LEAST_MISSING) status = build_missing(&p);
    *out_total = p.path ? p.job_count : 0;
    for (size_t i = 0; i < p.job_count; ++i) sni_program_release(p.jobs[i]);
    sni_free(p.processes);
    sni_free(p.helpers);
    sni_free(p.path);
    sni_free(p.jobs);
    return status;
}
