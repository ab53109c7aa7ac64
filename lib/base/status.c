#include "base/status.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/str.h"

static const char OUT_OF_MEMORY_TEXT[] = "out of host memory (while describing an error)";

/* The thread's text: heap memory, or OUT_OF_MEMORY_TEXT, or NULL. The key exists for its
 * destructor only, which frees the text of a thread that ends. */
static __thread const char *t_text;
static pthread_key_t g_key;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;
static bool g_has_key;

static void free_text(void *text) {
    if (text != OUT_OF_MEMORY_TEXT) sni_free(text);
}

static void free_at_thread_exit(void *text) {
    t_text = NULL;
    free_text(text);
}

static void create_key(void) {
    g_has_key = pthread_key_create(&g_key, free_at_thread_exit) == 0;
}

/* The main thread runs no key destructors when the process exits, and an unloaded library must
 * not leave a destructor behind. */
__attribute__((destructor)) static void at_unload(void) {
    if (g_has_key) pthread_key_delete(g_key);
    g_has_key = false;
    free_text((void *)t_text);
    t_text = NULL;
}

/* Takes text, or NULL for "memory is out". Without a key the text could leak at thread exit, so
 * then the fixed text is used as well. */
static void set_text(char *text) {
    pthread_once(&g_once, create_key);
    free_text((void *)t_text);
    t_text = text ? text : OUT_OF_MEMORY_TEXT;
    if (text && (!g_has_key || pthread_setspecific(g_key, text))) {
        sni_free(text);
        t_text = OUT_OF_MEMORY_TEXT;
    } else if (!text && g_has_key) {
        /* Clearing a slot allocates nothing, so it cannot fail. */
        (void)pthread_setspecific(g_key, NULL);
    }
}

const char *sinter_last_error(void) {
    return t_text ? t_text : "";
}

const char *sinter_version(void) {
    return SINTER_VERSION_STRING;
}

const char *sinter_status_string(sinter_status status) {
    switch (status) {
#define STATUS_CASE(name, text)                                                                                        \
    case SINTER_##name:                                                                                                \
        return text;
        SINTER_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

sinter_status sni_fail(sinter_status status, const char *format, ...) {
    sni_str text = SNI_STR_INIT;
    va_list args;
    va_start(args, format);
    /* The arguments may point into the old text, so it is replaced only afterwards. */
    sni_str_vprintf(&text, format, args);
    va_end(args);
    if (!text.text) sni_str_append(&text, "");
    set_text(sni_str_take(&text));
    return status;
}

sinter_status sni_fail_in(sinter_status status, const char *format, ...) {
    sni_str text = SNI_STR_INIT;
    va_list args;
    va_start(args, format);
    sni_str_vprintf(&text, format, args);
    va_end(args);
    sni_str_append(&text, ": ");
    sni_str_append(&text, sinter_last_error());
    char *taken = sni_str_take(&text);
    /* When memory is out, the cause alone says more than the fixed text. */
    if (taken) set_text(taken);
    return status;
}

sinter_status sni_out_of_memory(const char *what) {
    return sni_fail(SINTER_OUT_OF_MEMORY, "out of host memory: %s", what);
}
