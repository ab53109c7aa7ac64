#include <sinter/types.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dim.h"
#include "base/hash.h"
#include "base/thread.h"

size_t sinter_dtype_size(sinter_dtype dtype) {
    switch (dtype) {
#define SIZE_CASE(name, text, bytes)                                                                                   \
    case SINTER_##name:                                                                                                \
        return bytes;
        SINTER_DTYPE_LIST(SIZE_CASE)
#undef SIZE_CASE
    case SINTER_DTYPE_NONE:
    case SINTER_DTYPE_COUNT:
        break;
    }
    return 0;
}

const char *sinter_dtype_name(sinter_dtype dtype) {
    switch (dtype) {
#define NAME_CASE(name, text, bytes)                                                                                   \
    case SINTER_##name:                                                                                                \
        return text;
        SINTER_DTYPE_LIST(NAME_CASE)
#undef NAME_CASE
    case SINTER_DTYPE_NONE:
    case SINTER_DTYPE_COUNT:
        break;
    }
    return "none";
}

/* The names of all symbolic dimensions of the process: name number k is the dimension
 * INT64_MIN + k. Slots hold k + 1, or 0 when free; there are at least twice as many as names, so
 * that linear probing ends. Names are never removed, because dimensions are plain numbers that
 * nobody releases. */
static struct {
    sni_mutex mutex;
    char **names;
    size_t count, capacity;
    uint32_t *slots;
    size_t slot_count; /* a power of two, or 0 */
    char **derived;    /* names of the library's own dimensions, INT64_MIN + MOST_NAMES + k */
    size_t derived_count, derived_capacity;
} g_dims = {.mutex = SNI_MUTEX_INIT};

enum { FIRST_SLOTS = 64, MOST_NAMES = 1 << 30, MOST_DERIVED = 1 << 16 };

static size_t find_slot(const uint32_t *slots, size_t slot_count, const char *name) {
    size_t at = sni_hash64_of(name, strlen(name), 0) & (slot_count - 1);
    while (slots[at] && strcmp(g_dims.names[slots[at] - 1], name) != 0) at = (at + 1) & (slot_count - 1);
    return at;
}

static bool reserve_slots(void) {
    if (g_dims.slot_count >= 2 * (g_dims.count + 1)) return true;
    size_t slot_count = g_dims.slot_count ? g_dims.slot_count * 2 : FIRST_SLOTS;
    uint32_t *slots = sni_calloc(slot_count, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < g_dims.count; ++i) slots[find_slot(slots, slot_count, g_dims.names[i])] = (uint32_t)(i + 1);
    sni_free(g_dims.slots);
    g_dims.slots = slots;
    g_dims.slot_count = slot_count;
    return true;
}

static sinter_dim intern(const char *name) {
    if (!reserve_slots()) return SINTER_DIM_INVALID;
    size_t slot = find_slot(g_dims.slots, g_dims.slot_count, name);
    if (g_dims.slots[slot]) return INT64_MIN + (int64_t)(g_dims.slots[slot] - 1);
    if (g_dims.count >= MOST_NAMES) return SINTER_DIM_INVALID;
    if (!SNI_RESERVE(g_dims.names, g_dims.capacity, g_dims.count + 1)) return SINTER_DIM_INVALID;
    char *copy = sni_strdup(name);
    if (!copy) return SINTER_DIM_INVALID;
    g_dims.names[g_dims.count] = copy;
    g_dims.slots[slot] = (uint32_t)++g_dims.count;
    return INT64_MIN + (int64_t)(g_dims.count - 1);
}

sinter_dim sinter_dim_named(const char *name) {
    if (!name || !*name || strnlen(name, 64) > 63) return SINTER_DIM_INVALID;
    sni_mutex_lock(&g_dims.mutex);
    sinter_dim dim = intern(name);
    sni_mutex_unlock(&g_dims.mutex);
    return dim;
}

const char *sinter_dim_name(sinter_dim dim) {
    if (dim >= 0) return NULL;
    uint64_t index = (uint64_t)(dim - INT64_MIN);
    sni_mutex_lock(&g_dims.mutex);
    const char *name = index < g_dims.count ? g_dims.names[index] : NULL;
    if (index >= MOST_NAMES && index - MOST_NAMES < g_dims.derived_count) name = g_dims.derived[index - MOST_NAMES];
    sni_mutex_unlock(&g_dims.mutex);
    return name;
}

static bool add_derived(void) {
    char text[24];
    snprintf(text, sizeof text, "#%zu", g_dims.derived_count + 1);
    if (!SNI_RESERVE(g_dims.derived, g_dims.derived_capacity, g_dims.derived_count + 1)) return false;
    char *copy = sni_strdup(text);
    if (!copy) return false;
    g_dims.derived[g_dims.derived_count++] = copy;
    return true;
}

sinter_dim sni_dim_derived(size_t number) {
    bool ok = number < MOST_DERIVED;
    sni_mutex_lock(&g_dims.mutex);
    while (ok && g_dims.derived_count <= number) ok = add_derived();
    sni_mutex_unlock(&g_dims.mutex);
    return ok ? INT64_MIN + MOST_NAMES + (int64_t)number : SINTER_DIM_INVALID;
}

sinter_shape sinter_shape_make(size_t count, const sinter_dim *dims) {
    sinter_shape shape = {0};
    if (count > SINTER_MAX_RANK || (count && !dims)) {
        shape.rank = -1;
        return shape;
    }
    shape.rank = (int)count;
    for (size_t i = 0; i < count; ++i) shape.dims[i] = dims[i];
    return shape;
}
