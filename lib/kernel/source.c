/* Source assembly: include resolution with #line directives. */
#include "kernel/source.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum {
    MOST_DEPTH = 32,      /* of includes in includes; real files need 3 */
    MOST_FILES = 512,     /* of the embedded table that #pragma once can mark */
    MOST_BYTES = 64 << 20 /* of the result: includes in includes grow exponentially */
};

typedef struct assembly {
    const sni_embedded_file *files;
    bool once[MOST_FILES];         /* holds #pragma once and was inserted */
    const char *stack[MOST_DEPTH]; /* names of the files that are open */
    int depth;
    sni_str out;
} assembly;

/* What the scanner knows at the start of a line. */
typedef struct scan_state {
    bool in_comment;
} scan_state;

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) ++at;
    return at;
}

/* Follows comments and literals through a line, so that directives inside comments stay text. */
static void scan_line(scan_state *state, const char *at, const char *end) {
    char quote = 0;
    for (; at < end; ++at) {
        bool pair = at + 1 < end;
        if (state->in_comment) {
            if (pair && at[0] == '*' && at[1] == '/') {
                state->in_comment = false;
                ++at;
            }
        } else if (quote) {
            if (*at == '\\')
                ++at;
            else if (*at == quote)
                quote = 0;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (pair && at[0] == '/' && at[1] == '/') {
            return;
        } else if (pair && at[0] == '/' && at[1] == '*') {
            state->in_comment = true;
            ++at;
        }
    }
}

/* Returns what follows "# word" on a directive line, NULL on any other line. */
static const char *directive(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);
    at = skip_blanks(at, end);
    if (at == end || *at != '#') return NULL;
    at = skip_blanks(at + 1, end);
    if ((size_t)(end - at) < length || strncmp(at, word, length)) return NULL;
    at += length;
    if (at < end &&
        (*at == '_' || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')))
        return NULL;
    return skip_blanks(at, end);
}

/* The name between quotes or angle brackets; false for an #include of anything else. */
static bool include_name(const char *at, const char *end, const char **out_name, size_t *out_length) {
    if (at == end || (*at != '"' && *at != '<')) return false;
    char closing = *at == '<' ? '>' : '"';
    const char *name = ++at;
    while (at < end && *at != closing) ++at;
    if (at == end || at == name) return false;
    *out_name = name;
    *out_length = (size_t)(at - name);
    return true;
}

static int find_file(const assembly *a, const char *name, size_t length) {
    for (int i = 0; a->files[i].name; ++i)
        if (strlen(a->files[i].name) == length && !strncmp(a->files[i].name, name, length)) return i;
    return -1;
}

static void append_line_directive(sni_str *out, size_t line, const char *file) {
    sni_str_printf(out, "#line %zu \"%s\"\n", line, file);
}

static sinter_status fail_cycle(const assembly *a, const char *name) {
    sni_str chain = SNI_STR_INIT;
    for (int i = 0; i < a->depth; ++i) sni_str_printf(&chain, "%s -> ", a->stack[i]);
    sinter_status status =
        sni_fail(SINTER_INVALID_ARGUMENT, "files include each other: %s%s", sni_str_text(&chain), name);
    sni_str_deinit(&chain);
    return status;
}

static sinter_status assemble_text(assembly *a, const char *text, const char *name, int index);

static sinter_status insert_file(assembly *a, int index) {
    const sni_embedded_file *file = &a->files[index];
    if (index < MOST_FILES && a->once[index]) return SINTER_OK;
    return assemble_text(a, file->text, file->name, index);
}

/* One #include line; line is the number of the next line of the file that holds it. */
static sinter_status resolve(assembly *a, const char *at, const char *end, const char *from, size_t line) {
    const char *name = NULL;
    size_t length = 0;
    if (!include_name(at, end, &name, &length))
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s:%zu: #include wants a name in quotes", from, line - 1);
    int index = find_file(a, name, length);
    if (index < 0)
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "%s:%zu: there is no file '%.*s' to include; the library has the files of cl/ "
                        "(common/...) by their path there",
                        from, line - 1, (int)(length < 200 ? length : 200), name);
    for (int i = 1; i < a->depth; ++i)
        if (a->stack[i] == a->files[index].name) return fail_cycle(a, a->files[index].name);
    SNI_TRY(insert_file(a, index));
    append_line_directive(&a->out, line, from);
    return SINTER_OK;
}

/* Copies one line, or what it includes. */
static sinter_status assemble_line(assembly *a, scan_state *state, const char *at, const char *end, const char *name,
                                   int index, size_t line) {
    if (!state->in_comment) {
        const char *rest = directive(at, end, "include");
        if (rest) return resolve(a, rest, end, name, line + 1);
        rest = directive(at, end, "pragma");
        if (rest && end - rest >= 4 && !strncmp(rest, "once", 4) && index >= 0) {
            if (index < MOST_FILES) a->once[index] = true;
            sni_str_append(&a->out, "\n");
            return SINTER_OK;
        }
    }
    scan_line(state, at, end);
    sni_str_append_n(&a->out, at, (size_t)(end - at));
    sni_str_append(&a->out, "\n");
    return SINTER_OK;
}

static sinter_status assemble_text(assembly *a, const char *text, const char *name, int index) {
    if (a->depth == MOST_DEPTH) return sni_fail(SINTER_INVALID_ARGUMENT, "%s: includes are nested too deeply", name);
    a->stack[a->depth++] = name;
    scan_state state = {false};
    append_line_directive(&a->out, 1, name);
    for (size_t line = 1; *text; ++line) {
        const char *end = text + strcspn(text, "\n");
        SNI_TRY(assemble_line(a, &state, text, end, name, index, line));
        if (a->out.length > MOST_BYTES)
            return sni_fail(SINTER_INVALID_ARGUMENT, "%s: the source with its includes is too large", name);
        text = *end ? end + 1 : end;
    }
    --a->depth;
    return SINTER_OK;
}

/* The last part of a path with nothing in it that would end a #line directive early. */
static void clean_name(const char *file, char out[128]) {
    if (!file || !*file) file = "kernel";
    const char *slash = strrchr(file, '/');
    if (slash && slash[1]) file = slash + 1;
    size_t length = 0;
    for (; *file && length < 127; ++file) {
        bool bad = *file == '"' || *file == '\\' || (unsigned char)*file < ' ';
        out[length++] = bad ? '_' : *file;
    }
    out[length] = 0;
}

sinter_status sni_source_assemble(const sni_embedded_file *files, const char *text, const char *file, char **out_text) {
    *out_text = NULL;
    char name[128];
    clean_name(file, name);
    assembly *a = sni_calloc(1, sizeof *a);
    if (!a) return sni_out_of_memory("source assembly");
    a->files = files;
    sinter_status status = assemble_text(a, text, name, -1);
    if (status == SINTER_OK && !(*out_text = sni_str_take(&a->out))) status = sni_out_of_memory("source assembly");
    sni_str_deinit(&a->out);
    sni_free(a);
    return status;
}
