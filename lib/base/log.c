#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/runtime.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"

typedef void log_function(void *context, int level, const char *line);

static sni_mutex g_mutex = SNI_MUTEX_INIT;
static log_function *g_function;
static void *g_context;

static const char *const LEVEL_NAMES[] = {"error", "warning", "info", "debug"};

/* The level that SINTER_LOG names, read once: a program may change its environment while other
 * threads log. -1: write nothing. */
static int g_environment_level = -1;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void read_environment(void) {
    const char *text = sni_env("SINTER_LOG");
    for (int level = 0; text && level < 4; ++level) {
        if (strcmp(text, LEVEL_NAMES[level]) == 0) g_environment_level = level;
    }
}

const char *sni_env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void sinter_log_set(void (*function)(void *context, int level, const char *line), void *context) {
    sni_mutex_lock(&g_mutex);
    g_function = function;
    g_context = function ? context : NULL;
    sni_mutex_unlock(&g_mutex);
}

/* The function is called without the lock, so that it may log or set another one. */
static log_function *current(void **out_context) {
    sni_mutex_lock(&g_mutex);
    log_function *function = g_function;
    *out_context = g_context;
    sni_mutex_unlock(&g_mutex);
    return function;
}

bool sni_log_wanted(sni_log_level level) {
    void *context;
    if (current(&context)) return true;
    pthread_once(&g_once, read_environment);
    return (int)level <= g_environment_level;
}

void sni_log(sni_log_level level, const char *format, ...) {
    if (!sni_log_wanted(level)) return;
    sni_str line = SNI_STR_INIT;
    va_list args;
    va_start(args, format);
    sni_str_vprintf(&line, format, args);
    va_end(args);
    void *context;
    log_function *function = current(&context);
    if (line.failed)
        ; /* Memory is out: there is no line to write. */
    else if (function)
        function(context, (int)level, sni_str_text(&line));
    else
        fprintf(stderr, "sinter: %s: %s\n", LEVEL_NAMES[level], sni_str_text(&line));
    sni_str_deinit(&line);
}
