#include "progress.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/thread.h"

enum { FIRST_MS = 1000, EVERY_MS = 100, MOST_COLUMNS = 400, BAR = 24 };

static struct {
    sni_mutex mutex; /* of what follows, and held while the line is drawn or cleared */
    pthread_cond_t stop;
    pthread_t thread;
    atomic_long owner; /* the process that draws; 0: nobody does. Read without the mutex */
    bool stopping, hidden, drawn;
    int64_t start_ns, part_ns; /* of the command's first part, and of this one */
    int64_t first_ns;          /* from the start to the first line */
    char what[64], item[128];
    size_t done, total;
} g = {.mutex = SNI_MUTEX_INIT};

static bool can_draw(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static bool is_mine(void) {
    return atomic_load(&g.owner) == (long)getpid();
}

static int columns(void) {
    struct winsize size;
    int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    return width > MOST_COLUMNS ? MOST_COLUMNS : width;
}

/* Names come from models: what a terminal might obey is not copied. */
static void copy_plain(char *out, size_t size, const char *text) {
    size_t length = 0;
    for (; text && text[length] && length + 1 < size; ++length)
        out[length] = (unsigned char)text[length] < 0x20 || text[length] == 0x7f ? '?' : text[length];
    out[length] = '\0';
}

static int print_bar(char *line, size_t size) {
    char bar[BAR + 1];
    size_t full = g.total ? g.done * BAR / g.total : 0;
    for (size_t i = 0; i < BAR; ++i) bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    return g.total ? snprintf(line, size, "%s [%s] %zu of %zu", g.what, bar, g.done, g.total)
                   : snprintf(line, size, "%s", g.what);
}

/* The line is cut at the terminal's width: one that wraps cannot be cleared. A character of several bytes may make it shorter
 * than need be, never longer. */
static void draw(void) {
    char line[MOST_COLUMNS + 1];
    int width = columns();
    int length = print_bar(line, sizeof line);
    double seconds = (double)(sni_time_ns() - g.part_ns) / 1e9;
    if (length > 0 && length < MOST_COLUMNS)
        snprintf(line + length, sizeof line - (size_t)length, ", %.0f s%s%s", seconds, g.item[0] ? ": " : "", g.item);
    size_t end = strlen(line), room = width > 1 ? (size_t)width - 1 : 0;
    if (end > room) end = room;
    while (end > 0 && ((unsigned char)line[end] & 0xc0) == 0x80) --end;
    fprintf(stderr, "\r\033[K%.*s", (int)end, line);
    fflush(stderr);
    g.drawn = true;
}

static void clear(void) {
    if (!g.drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    g.drawn = false;
}

static void *keep_drawing(void *unused) {
    sni_mutex_lock(&g.mutex);
    while (!g.stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += EVERY_MS * 1000000l;
        until.tv_sec += until.tv_nsec / 1000000000l;
        until.tv_nsec %= 1000000000l;
        pthread_cond_timedwait(&g.stop, &g.mutex, &until);
        if (!g.stopping && !g.hidden && sni_time_ns() - g.start_ns >= g.first_ns) draw();
    }
    sni_mutex_unlock(&g.mutex);
    return unused;
}

/* SINTER_PROGRESS_MS: after how long the line appears. */
static int64_t first_ns(void) {
    long long ms = FIRST_MS;
    const char *text = getenv("SINTER_PROGRESS_MS");
    if (text && (!sni_parse_i64(text, &ms) || ms < 0 || ms > 1000000)) ms = FIRST_MS;
    return ms * 1000000;
}

/* Without a thread there is no line, which is no reason to fail. */
static void start(void) {
    pthread_condattr_t monotonic;
    if (!can_draw() || pthread_condattr_init(&monotonic) != 0) return;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bool ready = pthread_cond_init(&g.stop, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    g.stopping = g.drawn = false;
    g.start_ns = sni_time_ns();
    g.first_ns = first_ns();
    if (ready && pthread_create(&g.thread, NULL, keep_drawing, NULL) == 0)
        g.owner = getpid();
    else if (ready)
        pthread_cond_destroy(&g.stop);
}

void tool_progress_begin(const char *what) {
    if (!g.owner) start();
    if (!is_mine()) return;
    sni_mutex_lock(&g.mutex);
    copy_plain(g.what, sizeof g.what, what);
    g.item[0] = '\0';
    g.done = g.total = 0;
    g.hidden = false;
    g.part_ns = sni_time_ns();
    sni_mutex_unlock(&g.mutex);
}

void tool_progress_step(size_t done, size_t total, const char *item) {
    if (!is_mine()) return;
    sni_mutex_lock(&g.mutex);
    g.done = done < total ? done : total;
    g.total = total;
    g.hidden = false;
    copy_plain(g.item, sizeof g.item, item);
    sni_mutex_unlock(&g.mutex);
}

void tool_progress_hide(void) {
    if (!is_mine()) return;
    sni_mutex_lock(&g.mutex);
    g.hidden = true;
    clear();
    sni_mutex_unlock(&g.mutex);
}

void tool_progress_end(void) {
    if (!is_mine()) return;
    sni_mutex_lock(&g.mutex);
    g.stopping = true;
    pthread_cond_signal(&g.stop);
    sni_mutex_unlock(&g.mutex);
    pthread_join(g.thread, NULL);
    clear();
    pthread_cond_destroy(&g.stop);
    g.owner = 0;
}

int tool_progress_of_plan(void *context, size_t done, size_t total) {
    (void)context;
    tool_progress_step(done, total, NULL);
    return 0;
}
