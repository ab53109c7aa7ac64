/* Names of values: a hash table per scope, in the importer's arena. */
#include "onnx/importer.h"

#include <string.h>

static size_t bucket_of(const sni_onnx_scope *scope, const char *text) {
    return (size_t)sni_hash64_of(text, strlen(text), 0) & (scope->bucket_count - 1);
}

bool sni_onnx_scope_init(sni_onnx_scope *scope, sni_arena *arena, size_t count) {
    scope->bucket_count = 16;
    while (scope->bucket_count < count) scope->bucket_count *= 2;
    scope->buckets = sni_arena_alloc(arena, scope->bucket_count * sizeof *scope->buckets);
    return scope->buckets != NULL;
}

sni_onnx_name *sni_onnx_scope_own(const sni_onnx_scope *scope, const char *text) {
    sni_onnx_name *name = scope->buckets[bucket_of(scope, text)];
    while (name && strcmp(name->text, text) != 0) name = name->next;
    return name;
}

sni_onnx_name *sni_onnx_scope_find(const sni_onnx_scope *scope, const char *text) {
    for (; scope; scope = scope->outer) {
        sni_onnx_name *name = sni_onnx_scope_own(scope, text);
        if (name) return name;
    }
    return NULL;
}

sinter_status sni_onnx_scope_add(sni_onnx_scope *scope, sni_arena *arena, const char *text, sni_onnx_name_kind kind,
                                 size_t index, uint32_t value) {
    if (sni_onnx_scope_own(scope, text)) return sni_fail(SINTER_PARSE, "two values are called '%s'", text);
    sni_onnx_name *name = sni_arena_alloc(arena, sizeof *name);
    if (!name) return sni_out_of_memory("a name");
    size_t bucket = bucket_of(scope, text);
    *name = (sni_onnx_name){text, scope->buckets[bucket], kind, index, value};
    scope->buckets[bucket] = name;
    return SINTER_OK;
}
