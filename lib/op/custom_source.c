/* Reads the signature out of a function in OpenCL C: tokens of the file's scope, comments and bodies passed over. The
 * driver's compiler is the judge of everything else. */
#include <ctype.h>
#include <string.h>

#include "op/custom.h"

enum { MOST_TOKENS = 160 /* of one declaration */ };

typedef struct token {
    const char *at;
    size_t length; /* 0: the end */
    bool name;
    int line;
} token;

typedef struct reader {
    const char *at;
    bool line_start;
    int line;
    sni_arena *arena;
    sni_custom_source *out;
    const char *entry;
    token tokens[MOST_TOKENS]; /* of the declaration that is being read */
    int count;
    bool found, failed;
    sinter_status refusal; /* of the function that was read last */
} reader;

static sinter_status refuse(const reader *r, const char *text) {
    return sni_fail(SINTER_INVALID_ARGUMENT, "line %d: %s", r->line, text);
}

static bool add_name(reader *r, sni_custom_names *list, const char *at, size_t length) {
    for (size_t i = 0; i < list->count; ++i)
        if (strlen(list->items[i]) == length && memcmp(list->items[i], at, length) == 0) return true;
    char *copy = sni_arena_alloc(r->arena, length + 1);
    if (copy == NULL || !SNI_RESERVE(list->items, list->capacity, list->count + 1)) {
        r->failed = true;
        return false;
    }
    memcpy(copy, at, length);
    list->items[list->count++] = copy;
    return true;
}

static bool is_name_char(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

/* A line of the preprocessor; the name that it defines is noted. */
static void skip_directive(reader *r) {
    const char *word = r->at + 1;
    word += strspn(word, " \t");
    if (strncmp(word, "define", 6) == 0 && isspace((unsigned char)word[6])) {
        word += 6 + strspn(word + 6, " \t");
        size_t length = 0;
        while (is_name_char(word[length])) ++length;
        if (length > 0) add_name(r, &r->out->macros, word, length);
    }
    for (; *r->at && *r->at != '\n'; ++r->at) {
        if (r->at[0] != '\\' || r->at[1] != '\n') continue;
        ++r->at;
        ++r->line;
    }
}

static void skip_comment(reader *r) {
    bool block = r->at[1] == '*';
    for (r->at += 2; *r->at; ++r->at) {
        if (!block && *r->at == '\n') return;
        if (block && r->at[0] == '*' && r->at[1] == '/') {
            r->at += 2;
            return;
        }
        r->line += *r->at == '\n';
    }
}

static void skip_blanks(reader *r) {
    for (;;) {
        if (*r->at == '\n') {
            ++r->line;
            ++r->at;
            r->line_start = true;
        } else if (isspace((unsigned char)*r->at)) {
            ++r->at;
        } else if (r->at[0] == '/' && (r->at[1] == '/' || r->at[1] == '*')) {
            skip_comment(r);
        } else if (*r->at == '#' && r->line_start) {
            skip_directive(r);
        } else {
            return;
        }
    }
}

static void skip_quoted(reader *r, char quote) {
    for (++r->at; *r->at && *r->at != quote && *r->at != '\n'; ++r->at)
        if (*r->at == '\\' && r->at[1]) ++r->at;
    if (*r->at == quote) ++r->at;
}

static token next_token(reader *r) {
    skip_blanks(r);
    r->line_start = false;
    token t = {.at = r->at, .line = r->line};
    if (*r->at == 0) return t;
    if (*r->at == '"' || *r->at == '\'') {
        skip_quoted(r, *r->at);
    } else if (is_name_char(*r->at)) {
        t.name = !isdigit((unsigned char)*r->at);
        while (is_name_char(*r->at)) ++r->at;
    } else {
        ++r->at;
    }
    t.length = (size_t)(r->at - t.at);
    return t;
}

static bool is(const token *t, const char *text) {
    return t->length == strlen(text) && memcmp(t->at, text, t->length) == 0;
}

/* ---- Declarations ----------------------------------------------------------------------------- */

static bool type_of(const token *t, sni_custom_type *out) {
    static const char *const names[] = {"float", "int", "long", "double"};
    for (int i = 0; i < 4; ++i) {
        if (!is(t, names[i])) continue;
        *out = (sni_custom_type)i;
        return true;
    }
    return false;
}

/* Names that the declaration gives to the file's scope: before (, [, =, a comma or the end, or behind struct. */
static void note_names(reader *r) {
    int parentheses = 0;
    for (int i = 0; i + 1 < r->count; ++i) {
        const token *t = &r->tokens[i], *next = &r->tokens[i + 1];
        if (is(t, "=")) return;
        if (is(t, "(")) ++parentheses;
        if (is(t, ")")) --parentheses;
        bool tag = i > 0 &&
                   (is(&r->tokens[i - 1], "struct") || is(&r->tokens[i - 1], "union") || is(&r->tokens[i - 1], "enum"));
        bool before = is(next, "(") || is(next, "[") || is(next, "=") || is(next, ",") || is(next, ";");
        bool reserved = t->length >= 2 && t->at[0] == '_' && t->at[1] == '_';
        if (t->name && !reserved && parentheses == 0 && (tag || before))
            add_name(r, &r->out->declared, t->at, t->length);
    }
}

/* Position of the name of the function whose body follows, -1 when it is something else. */
static int function_name(const reader *r) {
    int depth = 0;
    if (r->count < 4 || !is(&r->tokens[r->count - 1], ")")) return -1;
    for (int i = r->count - 1; i > 0; --i) {
        if (is(&r->tokens[i], ")")) ++depth;
        if (is(&r->tokens[i], "(") && --depth == 0) return r->tokens[i - 1].name ? i - 1 : -1;
    }
    return -1;
}

static bool read_result(const reader *r, int name, sni_custom_type *out) {
    int types = 0;
    for (int i = 0; i < name; ++i) {
        const token *t = &r->tokens[i];
        if (is(t, "static") || is(t, "inline") || is(t, "const")) continue;
        if (!type_of(t, out)) return false;
        ++types;
    }
    return types == 1;
}

/* "const float x": one type and perhaps a name. */
static bool read_parameter(const reader *r, int from, int to, sni_custom_type *out) {
    while (from < to && is(&r->tokens[from], "const")) ++from;
    return from < to && type_of(&r->tokens[from], out) && to - from <= 2 &&
           (to - from == 1 || r->tokens[from + 1].name);
}

static sinter_status read_function(reader *r, int name) {
    sni_custom_source *out = r->out;
    int last = r->count - 1;
    if (!read_result(r, name, &out->result)) return refuse(r, "the function must return float, int, long or double");
    out->count = 0;
    for (int from = name + 2; from < last;) {
        int to = from;
        while (to < last && !is(&r->tokens[to], ",")) ++to;
        if (out->count == SINTER_MAX_CUSTOM_INPUTS) return refuse(r, "the function has more than 8 parameters");
        if (!read_parameter(r, from, to, &out->parameters[out->count]))
            return refuse(r, "every parameter must be float, int, long or double");
        ++out->count;
        from = to + 1;
    }
    char *copy = sni_arena_alloc(r->arena, r->tokens[name].length + 1);
    if (copy == NULL) return sni_out_of_memory("a custom function");
    memcpy(copy, r->tokens[name].at, r->tokens[name].length);
    out->entry = copy;
    r->found = true;
    return SINTER_OK;
}

/* Passes over a body up to its closing brace. */
static sinter_status skip_body(reader *r) {
    int depth = 1;
    while (depth > 0) {
        token t = next_token(r);
        if (t.length == 0) return refuse(r, "a brace is not closed");
        if (is(&t, "{")) ++depth;
        if (is(&t, "}")) --depth;
    }
    return SINTER_OK;
}

/* What stands before an opening brace: the function in question, another one, a struct, an initialiser. */
static sinter_status take_brace(reader *r) {
    int name = function_name(r);
    bool wanted = name >= 0 && (r->entry == NULL || is(&r->tokens[name], r->entry));
    note_names(r);
    if (wanted) { /* what stands before the last function may be of other types */
        r->found = false;
        r->refusal = read_function(r, name);
    }
    if (name >= 0) r->count = 0;
    return skip_body(r);
}

sinter_status sni_custom_read(const char *text, const char *entry, sni_arena *arena, sni_custom_source *out) {
    *out = (sni_custom_source){0};
    reader *r = sni_arena_alloc(arena, sizeof *r);
    if (r == NULL) return sni_out_of_memory("a custom function");
    *r = (reader){.at = text, .line_start = true, .line = 1, .arena = arena, .out = out, .entry = entry};
    for (token t = next_token(r); t.length > 0; t = next_token(r)) {
        if (is(&t, "}")) return refuse(r, "a brace was not opened");
        if (is(&t, "{")) {
            SNI_TRY(take_brace(r));
            continue;
        }
        if (r->count == MOST_TOKENS) return refuse(r, "the declaration is too long");
        r->tokens[r->count++] = t;
        if (!is(&t, ";")) continue;
        note_names(r);
        r->count = 0;
    }
    if (r->failed) return sni_out_of_memory("a custom function");
    if (r->refusal != SINTER_OK) return r->refusal;
    if (!r->found && entry) return sni_fail(SINTER_INVALID_ARGUMENT, "the source defines no function '%s'", entry);
    if (!r->found) return sni_fail(SINTER_INVALID_ARGUMENT, "the source defines no function");
    if (out->count == 0) return sni_fail(SINTER_INVALID_ARGUMENT, "the function '%s' has no parameters", out->entry);
    return SINTER_OK;
}

void sni_custom_source_deinit(sni_custom_source *source) {
    sni_free(source->declared.items);
    sni_free(source->macros.items);
    source->declared = source->macros = (sni_custom_names){0};
}
