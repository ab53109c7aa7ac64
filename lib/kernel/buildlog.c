/* Numbered source beside a driver's build log.
 *
 * Drivers write places as FILE:LINE:COLUMN, with the names that #line gave. Some ignore #line and
 * count the lines of the whole text under a name of their own; a name that is not in the source is
 * taken for that. */
#include "kernel/buildlog.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

enum { SHORT_SOURCE = 60, CONTEXT_LINES = 4, MOST_PRINTED = 400, MOST_PLACES = 256 };

typedef struct source_line {
    const char *text;
    size_t length;
    const char *file; /* not terminated */
    size_t file_length;
    size_t number;
    bool directive; /* a #line: not shown */
    bool named;     /* by the log */
    bool shown;
} source_line;

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; *text; ++text) count += *text == '\n';
    return count + 1;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads digits; returns what follows them. Numbers beyond any source saturate. */
static const char *read_number(const char *at, size_t *out_number) {
    size_t number = 0;
    for (; is_digit(*at); ++at)
        if (number < 100000000) number = number * 10 + (size_t)(*at - '0');
    *out_number = number;
    return at;
}

/* #line NUMBER "FILE" */
static bool read_line_directive(const char *text, size_t length, source_line *next) {
    static const char word[] = "#line ";
    if (length < sizeof word || strncmp(text, word, sizeof word - 1)) return false;
    size_t number = 0;
    const char *at = read_number(text + sizeof word - 1, &number);
    const char *end = text + length;
    if (at < end && *at == ' ') ++at;
    if (at >= end || *at != '"') return false;
    const char *closing = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (!closing) return false;
    next->file = at + 1;
    next->file_length = (size_t)(closing - at - 1);
    next->number = number;
    return true;
}

/* Splits the text and gives every line its name. */
static size_t split(const char *text, source_line *lines) {
    source_line next = {.file = "kernel", .file_length = 6, .number = 1};
    size_t count = 0;
    while (*text) {
        size_t length = strcspn(text, "\n");
        source_line *line = &lines[count++];
        *line = next;
        line->text = text;
        line->length = length;
        line->directive = read_line_directive(text, length, &next);
        if (!line->directive) ++next.number;
        text += length + (text[length] != 0);
    }
    return count;
}

/* Marks the lines that a place in the log means. before points at the ':' behind the file's name.
 */
static void mark_place(source_line *lines, size_t count, const char *log, const char *before, size_t number) {
    bool found = false;
    for (size_t i = 0; i < count; ++i) {
        source_line *line = &lines[i];
        size_t length = line->file_length;
        if (line->directive || line->number != number || length == 0 || (size_t)(before - log) < length ||
            strncmp(before - length, line->file, length))
            continue;
        line->named = true;
        found = true;
    }
    if (!found && number >= 1 && number <= count) lines[number - 1].named = true;
}

/* Is the ':' at this place the one before a column, as in kernel:12:5? */
static bool before_column(const char *log, const char *at) {
    const char *digit = at;
    while (digit > log && is_digit(digit[-1])) --digit;
    return digit < at && digit > log && digit[-1] == ':';
}

static void mark_places(source_line *lines, size_t count, const char *log) {
    int places = 0;
    for (const char *at = strchr(log, ':'); at && places < MOST_PLACES; at = strchr(at + 1, ':')) {
        if (!is_digit(at[1]) || before_column(log, at)) continue;
        size_t number = 0;
        read_number(at + 1, &number);
        mark_place(lines, count, log, at, number);
        ++places;
    }
}

static bool same_file(const source_line *a, const source_line *b) {
    return a->file_length == b->file_length && !strncmp(a->file, b->file, a->file_length);
}

/* A line of the file that was to be built: an assembled source begins in it, behind its first #line, and ends in it. */
static const source_line *lines_own(const source_line *lines, size_t count) {
    return &lines[count - 1];
}

/* A short source is shown whole, but not what it includes: of that only what the log names. */
static void choose_lines(source_line *lines, size_t count) {
    bool any = false;
    size_t own = 0;
    for (size_t i = 0; i < count; ++i) {
        any |= lines[i].named;
        own += same_file(&lines[i], lines_own(lines, count));
    }
    bool all = own <= SHORT_SOURCE || !any;
    for (size_t i = 0; i < count; ++i) {
        if (all && same_file(&lines[i], lines_own(lines, count))) lines[i].shown = true;
        if (!lines[i].named) continue;
        size_t from = i > CONTEXT_LINES ? i - CONTEXT_LINES : 0;
        for (size_t k = from; k <= i + CONTEXT_LINES && k < count; ++k)
            lines[k].shown |= same_file(&lines[k], &lines[i]);
    }
}

static void print_lines(sni_str *out, const source_line *lines, size_t count) {
    size_t printed = 0;
    bool gap = false;
    for (size_t i = 0; i < count; ++i) {
        const source_line *line = &lines[i];
        if (!line->shown || line->directive) {
            gap |= !line->shown;
            continue;
        }
        if (gap && printed) sni_str_append(out, "  ...\n");
        gap = false;
        if (printed++ == MOST_PRINTED) {
            sni_str_append(out, "  ... and more\n");
            return;
        }
        sni_str_printf(out, "%c %.*s:%zu | ", line->named ? '>' : ' ', (int)line->file_length, line->file,
                       line->number);
        sni_str_append_n(out, line->text, line->length);
        sni_str_append(out, "\n");
    }
}

void sni_buildlog_append(sni_str *out, const char *assembled, const char *log) {
    size_t length = strlen(log);
    while (length && (log[length - 1] == '\n' || log[length - 1] == ' ')) --length;
    if (length) {
        sni_str_append_n(out, log, length);
        sni_str_append(out, "\n");
    }
    source_line *lines = sni_calloc(count_lines(assembled), sizeof *lines);
    if (!lines) return;
    size_t count = split(assembled, lines);
    if (count == 0) {
        sni_free(lines);
        return;
    }
    mark_places(lines, count, log);
    choose_lines(lines, count);
    sni_str_append(out, "source:\n");
    print_lines(out, lines, count);
    sni_free(lines);
}
