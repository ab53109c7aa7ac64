/* Reading and writing safetensors. The header is read by a small parser of JSON, because the library has no other use for one;
 * nothing in the file is believed before it was checked. */
#include "base/safetensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

enum { PREFIX = 8, MOST_DEPTH = 16 };

static const struct {
    sinter_dtype dtype;
    const char *name;
} g_dtypes[] = {
    {SINTER_F32, "F32"}, {SINTER_F16, "F16"},   {SINTER_BF16, "BF16"}, {SINTER_F64, "F64"},
    {SINTER_I8, "I8"},   {SINTER_U8, "U8"},     {SINTER_I16, "I16"},   {SINTER_I32, "I32"},
    {SINTER_I64, "I64"}, {SINTER_BOOL, "BOOL"}, {SINTER_U16, "U16"},   {SINTER_U32, "U32"},
};

static sinter_dtype dtype_of(const char *name) {
    for (size_t i = 0; i < sizeof g_dtypes / sizeof *g_dtypes; ++i)
        if (strcmp(g_dtypes[i].name, name) == 0) return g_dtypes[i].dtype;
    return SINTER_DTYPE_NONE;
}

static const char *name_of(sinter_dtype dtype) {
    for (size_t i = 0; i < sizeof g_dtypes / sizeof *g_dtypes; ++i)
        if (g_dtypes[i].dtype == dtype) return g_dtypes[i].name;
    return "";
}

/* ---- JSON ----------------------------------------------------------------------------------- */

typedef struct parser {
    const char *start, *at, *end;
    const char *path;
    sinter_status status;
} parser;

static bool fail(parser *p, const char *text) {
    if (p->status == SINTER_OK)
        p->status =
            sni_fail(SINTER_PARSE, "%s: %s, at byte %zu of the header", p->path, text, (size_t)(p->at - p->start));
    return false;
}

static void skip(parser *p) {
    while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at) ++p->at;
}

static bool take(parser *p, char symbol) {
    skip(p);
    if (p->at >= p->end || *p->at != symbol) return false;
    ++p->at;
    return true;
}

static bool expect(parser *p, char symbol) {
    char text[] = "' ' is missing";
    text[1] = symbol;
    return take(p, symbol) || fail(p, text);
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* \uXXXX as UTF-8; halves of a pair come out one by one, which only names beyond 16 bits would notice. */
static bool unicode(parser *p, sni_str *out) {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i, ++p->at) {
        int digit = p->at < p->end ? hex(*p->at) : -1;
        if (digit < 0) return fail(p, "a \\u without four digits");
        code = code * 16 + (unsigned)digit;
    }
    char utf8[3];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
    if (code == 0) return fail(p, "a name with a zero in it");
    for (size_t i = length; i-- > 1; code >>= 6) utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(length == 1 ? code : length == 2 ? 0xc0 | code : 0xe0 | code);
    sni_str_append_n(out, utf8, length);
    return true;
}

static bool escape(parser *p, sni_str *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p->at >= p->end || *p->at == 0) return fail(p, "a string without an end");
    char c = *p->at++;
    if (c == 'u') return unicode(p, out);
    const char *found = strchr(from, c);
    if (!found) return fail(p, "an unknown escape");
    sni_str_append_n(out, to + (found - from), 1);
    return true;
}

static bool string(parser *p, sni_str *out) {
    if (!expect(p, '"')) return false;
    while (p->at < p->end && *p->at != '"') {
        if (*p->at == 0) return fail(p, "a zero in a string");
        if (*p->at == '\\') {
            ++p->at;
            if (!escape(p, out)) return false;
        } else {
            sni_str_append_n(out, p->at++, 1);
        }
    }
    return p->at < p->end ? (++p->at, true) : fail(p, "a string without an end");
}

static bool number(parser *p, int64_t *out) {
    skip(p);
    int64_t value = 0;
    const char *first = p->at;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; ++p->at)
        if (!sni_mul_i64(value, 10, &value) || !sni_add_i64(value, *p->at - '0', &value))
            return fail(p, "a number that is too large");
    *out = value;
    return p->at > first || fail(p, "a number was expected");
}

/* Any value, of which nothing is kept. */
static bool skip_value(parser *p, int depth) {
    skip(p);
    if (depth > MOST_DEPTH) return fail(p, "lists in lists");
    if (p->at >= p->end) return fail(p, "the header ends early");
    if (*p->at == '"') {
        sni_str text = SNI_STR_INIT;
        bool ok = string(p, &text);
        sni_str_deinit(&text);
        return ok;
    }
    bool object = *p->at == '{';
    if (object || *p->at == '[') {
        ++p->at;
        if (take(p, object ? '}' : ']')) return true;
        do {
            if (object && (!skip_value(p, depth + 1) || !expect(p, ':'))) return false;
            if (!skip_value(p, depth + 1)) return false;
        } while (take(p, ','));
        return expect(p, object ? '}' : ']');
    }
    const char *first = p->at;
    while (p->at < p->end && *p->at && !strchr(",]} \t\r\n", *p->at)) ++p->at;
    return p->at > first || fail(p, "a value was expected");
}

/* A list of numbers; *out_count of at most capacity. */
static bool numbers(parser *p, int64_t *values, int capacity, int *out_count) {
    *out_count = 0;
    if (!expect(p, '[')) return false;
    if (take(p, ']')) return true;
    do {
        if (*out_count == capacity) return fail(p, "a list that is too long");
        if (!number(p, &values[(*out_count)++])) return false;
    } while (take(p, ','));
    return expect(p, ']');
}

/* ---- tensors -------------------------------------------------------------------------------- */

typedef struct description {
    sni_tensor_entry entry;
    int64_t offsets[2];
    int offset_count;
} description;

static bool member(parser *p, const char *key, description *d) {
    if (strcmp(key, "shape") == 0) return numbers(p, d->entry.dims, SINTER_MAX_RANK, &d->entry.rank);
    if (strcmp(key, "data_offsets") == 0) return numbers(p, d->offsets, 2, &d->offset_count);
    if (strcmp(key, "dtype") != 0) return skip_value(p, 0);
    sni_str text = SNI_STR_INIT;
    bool ok = string(p, &text);
    d->entry.dtype = dtype_of(sni_str_text(&text));
    sni_str_deinit(&text);
    return ok;
}

/* The bytes that the description names must lie in the file and be what the shape needs. */
static bool place(parser *p, const char *data, size_t data_bytes, description *d) {
    int64_t bytes = (int64_t)sinter_dtype_size(d->entry.dtype);
    for (int i = 0; i < d->entry.rank; ++i)
        if (!sni_mul_i64(bytes, d->entry.dims[i], &bytes)) return fail(p, "a shape that is too large");
    if (d->offset_count != 2 || d->offsets[0] > d->offsets[1] || (uint64_t)d->offsets[1] > data_bytes)
        return fail(p, "data_offsets outside of the file");
    if (d->offsets[1] - d->offsets[0] != bytes) return fail(p, "data_offsets that do not fit dtype and shape");
    d->entry.data = data + d->offsets[0];
    d->entry.size_bytes = (size_t)bytes;
    return true;
}

static bool keep(parser *p, sni_tensor_file *file, const char *name, description *d) {
    d->entry.name = sni_strdup(name);
    if (d->entry.name && SNI_RESERVE(file->entries, file->capacity, file->count + 1)) {
        file->entries[file->count++] = d->entry;
        return true;
    }
    sni_free((char *)d->entry.name);
    p->status = sni_out_of_memory("a file of tensors");
    return false;
}

static bool tensor(parser *p, sni_tensor_file *file, const char *name, const char *data, size_t data_bytes) {
    description d = {.entry = {.dtype = SINTER_DTYPE_NONE}};
    if (!expect(p, '{')) return false;
    if (take(p, '}')) return fail(p, "a tensor without members");
    do {
        sni_str key = SNI_STR_INIT;
        bool ok = string(p, &key) && expect(p, ':') && member(p, sni_str_text(&key), &d);
        sni_str_deinit(&key);
        if (!ok) return false;
    } while (take(p, ','));
    if (!expect(p, '}')) return false;
    if (d.entry.dtype == SINTER_DTYPE_NONE) return true; /* one that the library does not have */
    return place(p, data, data_bytes, &d) && keep(p, file, name, &d);
}

static bool header(parser *p, sni_tensor_file *file, const char *data, size_t data_bytes) {
    if (!expect(p, '{')) return false;
    if (take(p, '}')) return true;
    do {
        sni_str name = SNI_STR_INIT;
        bool ok = string(p, &name) && expect(p, ':');
        if (ok && strcmp(sni_str_text(&name), "__metadata__") == 0)
            ok = skip_value(p, 0);
        else if (ok)
            ok = tensor(p, file, sni_str_text(&name), data, data_bytes);
        sni_str_deinit(&name);
        if (!ok) return false;
    } while (take(p, ','));
    return expect(p, '}');
}

sinter_status sni_tensor_file_open(const char *path, sni_tensor_file *out_file) {
    *out_file = (sni_tensor_file){0};
    SNI_TRY(sni_file_map(path, &out_file->mapping));
    const unsigned char *bytes = out_file->mapping.data;
    size_t size = out_file->mapping.size_bytes;
    uint64_t length = 0;
    for (int i = PREFIX; i-- > 0 && size >= PREFIX;) length = length << 8 | bytes[i];
    sinter_status status = SINTER_OK;
    if (size < PREFIX || length > size - PREFIX) {
        status = sni_fail(SINTER_PARSE, "%s: no safetensors file: it has %zu bytes, its header should have %llu", path,
                          size, (unsigned long long)length);
    } else {
        const char *text = (const char *)bytes + PREFIX;
        parser p = {text, text, text + length, path, SINTER_OK};
        (void)header(&p, out_file, text + length, size - PREFIX - (size_t)length);
        status = p.status;
    }
    if (status != SINTER_OK) sni_tensor_file_close(out_file);
    return status;
}

void sni_tensor_file_close(sni_tensor_file *file) {
    for (size_t i = 0; i < file->count; ++i) sni_free((char *)file->entries[i].name);
    sni_free(file->entries);
    sni_file_unmap(&file->mapping);
    *file = (sni_tensor_file){0};
}

const sni_tensor_entry *sni_tensor_file_find(const sni_tensor_file *file, const char *name) {
    for (size_t i = 0; i < file->count; ++i)
        if (strcmp(file->entries[i].name, name) == 0) return &file->entries[i];
    return NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The header, with spaces behind it so that the elements begin at a multiple of 8 bytes. */
static void describe(sni_str *out, const sni_tensor_entry *entries, size_t count) {
    bool first = true;
    size_t at = 0;
    sni_str_append(out, "{");
    for (size_t i = 0; i < count; ++i) {
        const sni_tensor_entry *e = &entries[i];
        sni_json_next(out, &first);
        sni_json_string(out, e->name);
        sni_str_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", name_of(e->dtype));
        for (int d = 0; d < e->rank; ++d) sni_str_printf(out, "%s%lld", d ? "," : "", (long long)e->dims[d]);
        sni_str_printf(out, "],\"data_offsets\":[%zu,%zu]}", at, at + e->size_bytes);
        at += e->size_bytes;
    }
    sni_str_append(out, "}");
    while (strlen(sni_str_text(out)) % PREFIX != 0) sni_str_append(out, " ");
}

sinter_status sni_tensor_file_write(const char *path, const sni_tensor_entry *entries, size_t count) {
    sni_str text = SNI_STR_INIT;
    describe(&text, entries, count);
    size_t length = strlen(sni_str_text(&text)), size = PREFIX + length;
    for (size_t i = 0; i < count; ++i) size += entries[i].size_bytes;
    char *all = sni_malloc(size), *to = all;
    char *taken = sni_str_take(&text); /* NULL: memory was out on the way */
    sinter_status status = all && taken ? SINTER_OK : sni_out_of_memory("a file of tensors");
    if (status == SINTER_OK) {
        for (int i = 0; i < PREFIX; ++i) *to++ = (char)((uint64_t)length >> (8 * i) & 0xff);
        memcpy(to, taken, length);
        to += length;
        for (size_t i = 0; i < count; ++i) {
            if (entries[i].size_bytes) memcpy(to, entries[i].data, entries[i].size_bytes);
            to += entries[i].size_bytes;
        }
        status = sni_file_write_atomic(path, all, size);
    }
    sni_free(taken);
    sni_free(all);
    return status;
}
