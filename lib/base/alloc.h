/* Heap memory, growing arrays and arenas. Every allocation of the library goes through here, so
 * that tests can make the N-th one fail. */
#ifndef SNI_BASE_ALLOC_H
#define SNI_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* As malloc/calloc/realloc/free; size 0 gives a unique pointer. NULL when memory is out. */
void *sni_malloc(size_t size_bytes);
void *sni_calloc(size_t count, size_t size_bytes);
void *sni_realloc(void *old, size_t size_bytes);
void sni_free(void *memory);
char *sni_strdup(const char *text);

/* Tests: the nth allocation from now (1 = next) and all later ones fail; 0 turns it off. */
void sni_alloc_fail_at(int64_t nth);

/* Grows *array (elements of element_bytes) so that it holds at least count; capacity doubles. */
bool sni_grow(void **array, size_t *capacity, size_t count, size_t element_bytes);
/* SNI_RESERVE(items, capacity, count): the same for a typed array; false when memory is out, and the array is as it was. */
#define SNI_RESERVE(items, capacity, count) sni_grow((void **)&(items), &(capacity), (count), sizeof *(items))

/* Multiplication and addition that say whether they fit. */
bool sni_mul_i64(int64_t a, int64_t b, int64_t *out);
bool sni_add_i64(int64_t a, int64_t b, int64_t *out);
bool sni_mul_size(size_t a, size_t b, size_t *out);

/* An arena: many small objects freed at once. Memory is zeroed and 16-byte aligned. One thread. */
typedef struct sni_arena sni_arena;
sni_arena *sni_arena_create(void);
void sni_arena_release(sni_arena *arena);
/* Calls release(object) when the arena is released; the last one first. false: out of memory. */
bool sni_arena_defer(sni_arena *arena, void (*release)(void *), void *object);
void *sni_arena_alloc(sni_arena *arena, size_t size_bytes); /* NULL when memory is out */
char *sni_arena_strdup(sni_arena *arena, const char *text);
void *sni_arena_copy(sni_arena *arena, const void *data, size_t size_bytes);

#endif
