/* Dimensions made of others: an entry each, the dimension FIRST + its number. Entries are never removed, because dimensions are plain
 * numbers that nobody releases. */
#include "base/alloc.h"
#include "base/dim.h"
#include "base/thread.h"

#define FIRST (INT64_MIN + ((int64_t)1 << 31)) /* behind the names and the library's own */

enum { MOST_MADE = 1 << 16, MOST_SIZE = 64 /* a graph writes them out, sharing nothing */ };

static struct {
    sni_mutex mutex;
    sni_dim_made *items;
    size_t count, capacity;
} g_made = {.mutex = SNI_MUTEX_INIT};

static bool in_range(sinter_dim dim) {
    return dim >= FIRST && dim < FIRST + MOST_MADE;
}

bool sni_dim_is_made(sinter_dim dim, sni_dim_made *out) {
    if (!in_range(dim)) return false;
    sni_mutex_lock(&g_made.mutex);
    bool there = (size_t)(dim - FIRST) < g_made.count;
    if (there) *out = g_made.items[dim - FIRST];
    sni_mutex_unlock(&g_made.mutex);
    return there;
}

static int size_of(sinter_dim dim) {
    sni_dim_made made;
    return sni_dim_is_made(dim, &made) ? made.size : 0;
}

static bool is_number(sinter_dim dim) {
    return !sinter_dim_name(dim) && !size_of(dim);
}

/* The entry of an operation; the same one for the same operands. */
static sinter_dim intern(sni_dim_made made) {
    sinter_dim dim = SINTER_DIM_INVALID;
    sni_mutex_lock(&g_made.mutex);
    for (size_t i = 0; i < g_made.count && dim == SINTER_DIM_INVALID; ++i) {
        const sni_dim_made *m = &g_made.items[i];
        if (m->operation == made.operation && m->a == made.a && m->b == made.b) dim = FIRST + (int64_t)i;
    }
    if (dim == SINTER_DIM_INVALID && g_made.count < MOST_MADE &&
        SNI_RESERVE(g_made.items, g_made.capacity, g_made.count + 1)) {
        dim = FIRST + (int64_t)g_made.count;
        g_made.items[g_made.count++] = made;
    }
    sni_mutex_unlock(&g_made.mutex);
    return dim;
}

static sinter_dim of_numbers(char operation, int64_t a, int64_t b) {
    int64_t n = 0;
    bool overflow = false;
    if (operation == '+') overflow = __builtin_add_overflow(a, b, &n);
    if (operation == '-') overflow = __builtin_sub_overflow(a, b, &n);
    if (operation == '*') overflow = __builtin_mul_overflow(a, b, &n);
    if (operation == '/') n = a / b - (a % b < 0);
    /* Numbers as low as that mean names. */
    return overflow || n < INT64_MIN / 2 ? SINTER_DIM_INVALID : n;
}

static sinter_dim make(char operation, sinter_dim a, sinter_dim b) {
    if (a == SINTER_DIM_INVALID || b == SINTER_DIM_INVALID) return SINTER_DIM_INVALID;
    if (operation == '/' && is_number(b) && b <= 0) return SINTER_DIM_INVALID;
    if (is_number(a) && is_number(b)) return of_numbers(operation, a, b);
    int size = size_of(a) + size_of(b) + 1;
    if (size > MOST_SIZE) return SINTER_DIM_INVALID;
    return intern((sni_dim_made){.operation = operation, .a = a, .b = b, .size = size});
}

sinter_dim sinter_dim_add(sinter_dim a, sinter_dim b) {
    return make('+', a, b);
}

sinter_dim sinter_dim_sub(sinter_dim a, sinter_dim b) {
    return make('-', a, b);
}

sinter_dim sinter_dim_mul(sinter_dim a, sinter_dim b) {
    return make('*', a, b);
}

sinter_dim sinter_dim_div(sinter_dim a, sinter_dim b) {
    return make('/', a, b);
}
