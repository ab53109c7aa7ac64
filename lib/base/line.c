/* Reading and writing lines of the tuning files. */
#include "base/line.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

enum { SUM_DIGITS = 16, SUM_TAIL = sizeof ",\"sum\":\"0123456789abcdef\"}" - 1 };
#define MOST_FILE_BYTES ((size_t)64 << 20)

void sni_line_begin(sni_str *line) {
    sni_str_append(line, "{");
}

static void name_member(sni_str *line, const char *name) {
    sni_str_printf(line, "%s\"%s\":", line->length > 1 ? "," : "", name);
}

void sni_line_text(sni_str *line, const char *name, const char *value) {
    name_member(line, name);
    sni_json_string(line, value);
}

void sni_line_number(sni_str *line, const char *name, int64_t value) {
    name_member(line, name);
    sni_str_printf(line, "%lld", (long long)value);
}

static void print_sum(const char *text, size_t length, char out[SUM_TAIL + 1]) {
    snprintf(out, SUM_TAIL + 1, ",\"sum\":\"%016llx\"}", (unsigned long long)sni_hash64_of(text, length, 0));
}

void sni_line_end(sni_str *line) {
    char tail[SUM_TAIL + 1];
    print_sum(sni_str_text(line), line->length, tail);
    sni_str_printf(line, "%s\n", tail);
}

bool sni_line_is_whole(const char *line, size_t length) {
    char tail[SUM_TAIL + 1];
    if (length < SUM_TAIL + 1 || line[0] != '{' || memchr(line, 0, length) != NULL) return false;
    print_sum(line, length - SUM_TAIL, tail);
    return memcmp(line + length - SUM_TAIL, tail, SUM_TAIL) == 0;
}

/* Behind the closing quote of the text that begins at, or NULL. */
static const char *skip_text(const char *at, const char *end) {
    for (++at; at < end && *at != '"'; ++at)
        if (*at == '\\') ++at;
    return at < end ? at + 1 : NULL;
}

/* Where the value of a member begins; NULL when there is no such member. */
static const char *find(const char *line, size_t length, const char *name) {
    const char *at = line + 1, *end = line + length;
    size_t wanted = strlen(name);
    while (at < end && *at == '"') {
        const char *behind = skip_text(at, end);
        if (behind == NULL || behind >= end || *behind != ':') return NULL;
        bool found = (size_t)(behind - at) == wanted + 2 && memcmp(at + 1, name, wanted) == 0;
        const char *value = behind + 1;
        if (found) return value;
        at = value < end && *value == '"' ? skip_text(value, end) : value;
        while (at != NULL && at < end && *at != ',' && *at != '}') ++at;
        if (at == NULL || at >= end || *at == '}') return NULL;
        ++at;
    }
    return NULL;
}

/* The byte that an escape of sni_json_string stands for; 0: none that it writes. */
static int escaped(const char *at, const char *end) {
    static const char digits[] = "0123456789abcdef";
    if (end - at < 6 || memcmp(at, "\\u00", 4) != 0) return 0;
    const char *high = memchr(digits, at[4], 16), *low = memchr(digits, at[5], 16);
    return high != NULL && low != NULL ? (int)(high - digits) * 16 + (int)(low - digits) : 0;
}

bool sni_line_get_text(const char *line, size_t length, const char *name, char *out, size_t room) {
    const char *at = find(line, length, name), *end = line + length;
    size_t used = 0;
    if (at == NULL || at >= end || *at != '"') return false;
    for (++at; at < end && *at != '"'; ++at) {
        int c = *at;
        if (c == '\\' && (c = escaped(at, end)) > 0) at += sizeof "\\u0022" - 2;
        if (c == 0 || used + 1 >= room) return false;
        out[used++] = (char)c;
    }
    out[used] = 0;
    return at < end;
}

bool sni_line_get_number(const char *line, size_t length, const char *name, int64_t *out) {
    const char *at = find(line, length, name), *end = line + length;
    char digits[24];
    size_t used = 0;
    long long value;
    while (at != NULL && at < end && *at != ',' && *at != '}' && used + 1 < sizeof digits) digits[used++] = *at++;
    digits[used] = 0;
    if (used == 0 || !sni_parse_i64(digits, &value)) return false;
    *out = value;
    return true;
}

sinter_status sni_line_append(const char *path, const sni_str *line) {
    if (line->failed) return sni_out_of_memory("a line");
    return sni_file_append(path, sni_str_text(line), line->length);
}

sinter_status sni_line_each(const char *path, sinter_status (*visit)(void *context, const char *line, size_t length),
                            void *context, size_t *out_damaged) {
    char *data = NULL;
    size_t size = 0;
    *out_damaged = 0;
    if (!sni_file_exists(path)) return SINTER_OK;
    sinter_status status = sni_file_read(path, MOST_FILE_BYTES, &data, &size);
    if (status == SINTER_OUT_OF_MEMORY) return status;
    if (status != SINTER_OK) {
        *out_damaged = 1;
        return SINTER_OK;
    }
    for (size_t at = 0; at < size && status == SINTER_OK;) {
        const char *newline = memchr(data + at, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - data) - at : size - at;
        if (sni_line_is_whole(data + at, length))
            status = visit(context, data + at, length);
        else if (length > 0)
            ++*out_damaged;
        at += length + 1;
    }
    sni_free(data);
    return status;
}
