#include "base/alloc.h"

#include <sinter/allocator.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers report an absurd size as a bug in place of returning NULL, so sizes that no machine
 * can serve are refused here; everywhere else the C library says so itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGEST_ALLOCATION ((size_t)1 << 36)
#else
#define LARGEST_ALLOCATION ((size_t)PTRDIFF_MAX)
#endif

/* Allocations left before the first one that fails, plus one; 0 or less after it. */
static atomic_int_least64_t g_fail_countdown;
static atomic_bool g_fail_enabled;

void sni_alloc_fail_at(int64_t nth) {
    atomic_store(&g_fail_enabled, false);
    atomic_store(&g_fail_countdown, nth);
    atomic_store(&g_fail_enabled, nth > 0);
}

static bool must_fail(size_t size_bytes) {
    if (size_bytes > LARGEST_ALLOCATION) return true;
    if (!atomic_load_explicit(&g_fail_enabled, memory_order_relaxed)) return false;
    return atomic_fetch_sub(&g_fail_countdown, 1) <= 1;
}

/* ---- the program's allocator ---- */

/* Set before anything is allocated, so that readers need no lock. */
static sinter_allocator g_allocator;
static atomic_bool g_used;

static void note_used(void) {
    if (!atomic_load_explicit(&g_used, memory_order_relaxed)) atomic_store(&g_used, true);
}

sinter_status sinter_allocator_set(const sinter_allocator *allocator) {
    if (!allocator || allocator->size_bytes < sizeof *allocator)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_allocator_set: %s",
                        allocator ? "begin with SINTER_ALLOCATOR_INIT" : "allocator is NULL");
    if (!allocator->allocate || !allocator->reallocate || !allocator->release)
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_allocator_set: one of its three functions is NULL");
    if (atomic_load(&g_used))
        return sni_fail(SINTER_INVALID_ARGUMENT,
                        "sinter_allocator_set: memory was already taken; call it before anything else of the library");
    g_allocator = *allocator;
    return SINTER_OK;
}

void *sni_malloc(size_t size_bytes) {
    if (must_fail(size_bytes)) return NULL;
    note_used();
    if (!size_bytes) size_bytes = 1;
    return g_allocator.allocate ? g_allocator.allocate(g_allocator.context, size_bytes) : malloc(size_bytes);
}

void *sni_calloc(size_t count, size_t size_bytes) {
    size_t total;
    if (!sni_mul_size(count, size_bytes, &total)) return NULL;
    if (g_allocator.allocate) {
        void *memory = sni_malloc(total);
        return memory ? memset(memory, 0, total) : NULL;
    }
    if (must_fail(total)) return NULL;
    note_used();
    return calloc(1, total ? total : 1);
}

void *sni_realloc(void *old, size_t size_bytes) {
    if (must_fail(size_bytes)) return NULL;
    note_used();
    if (!size_bytes) size_bytes = 1;
    return g_allocator.reallocate ? g_allocator.reallocate(g_allocator.context, old, size_bytes)
                                  : realloc(old, size_bytes);
}

void sni_free(void *memory) {
    if (!g_allocator.release)
        free(memory);
    else if (memory)
        g_allocator.release(g_allocator.context, memory);
}

void sinter_free(void *text) {
    sni_free(text);
}

char *sni_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = sni_malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

bool sni_grow(void **array, size_t *capacity, size_t count, size_t element_bytes) {
    if (count <= *capacity) return true;
    size_t wanted = *capacity > SIZE_MAX / 2 ? count : *capacity * 2;
    if (wanted < count) wanted = count;
    if (wanted < 8) wanted = 8;
    size_t bytes;
    if (!sni_mul_size(wanted, element_bytes, &bytes)) return false;
    void *grown = sni_realloc(*array, bytes);
    if (!grown) return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

bool sni_mul_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

bool sni_add_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

bool sni_mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

/* A block's payload follows it; the newest block is first and the only one with room. */
typedef struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    size_t padding; /* keeps the payload 16-byte aligned */
} arena_block;

_Static_assert(sizeof(arena_block) % 16 == 0, "the payload must be 16-byte aligned");

typedef struct deferred {
    struct deferred *next;
    void (*release)(void *);
    void *object;
} deferred;

struct sni_arena {
    arena_block *blocks;
    deferred *deferred; /* the latest first; in the arena itself */
    size_t next_block_bytes;
};

enum { FIRST_BLOCK_BYTES = 4096, LARGEST_BLOCK_BYTES = 1 << 20 };

sni_arena *sni_arena_create(void) {
    sni_arena *arena = sni_calloc(1, sizeof *arena);
    if (arena) arena->next_block_bytes = FIRST_BLOCK_BYTES;
    return arena;
}

void sni_arena_release(sni_arena *arena) {
    if (!arena) return;
    for (const deferred *d = arena->deferred; d; d = d->next) d->release(d->object);
    for (arena_block *block = arena->blocks; block;) {
        arena_block *next = block->next;
        sni_free(block);
        block = next;
    }
    sni_free(arena);
}

static arena_block *arena_add_block(sni_arena *arena, size_t payload_bytes) {
    size_t capacity = arena->next_block_bytes;
    /* A large object gets a block of its own size, so that it does not waste most of a block. */
    if (capacity < payload_bytes) capacity = payload_bytes;
    arena_block *block = sni_calloc(1, sizeof *block + capacity);
    if (!block) return NULL;
    block->capacity = capacity;
    block->next = arena->blocks;
    arena->blocks = block;
    if (arena->next_block_bytes < LARGEST_BLOCK_BYTES) arena->next_block_bytes *= 2;
    return block;
}

void *sni_arena_alloc(sni_arena *arena, size_t size_bytes) {
    if (size_bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = size_bytes ? (size_bytes + 15) & ~(size_t)15 : 16;
    arena_block *block = arena->blocks;
    if (!block || block->capacity - block->used < rounded) block = arena_add_block(arena, rounded);
    if (!block) return NULL;
    void *memory = (char *)(block + 1) + block->used;
    block->used += rounded;
    return memory;
}

char *sni_arena_strdup(sni_arena *arena, const char *text) {
    return sni_arena_copy(arena, text, strlen(text) + 1);
}

bool sni_arena_defer(sni_arena *arena, void (*release)(void *), void *object) {
    deferred *d = sni_arena_alloc(arena, sizeof *d);
    if (!d) return false;
    *d = (deferred){arena->deferred, release, object};
    arena->deferred = d;
    return true;
}

void *sni_arena_copy(sni_arena *arena, const void *data, size_t size_bytes) {
    void *copy = sni_arena_alloc(arena, size_bytes);
    if (copy && size_bytes) memcpy(copy, data, size_bytes);
    return copy;
}
