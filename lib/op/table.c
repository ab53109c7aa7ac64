/* The operator table: the families' rows joined. */
#include <string.h>

#include "op/tables.h"

/* sni_op_find looks at one family after the other, so those that are used most come first. */
#define FAMILY(name)                                                                                                   \
    { sni_ops_##name, &sni_ops_##name##_count }
static const struct {
    const sni_op *rows;
    const size_t *count;
} g_families[] = {
    FAMILY(elementwise),
    FAMILY(reduce),
    FAMILY(view),
    FAMILY(window),
    FAMILY(gather),
    FAMILY(update),
    FAMILY(iota),
    FAMILY(contract),
    FAMILY(scan),
    FAMILY(composite_reduce),
    FAMILY(composite_norm),
    FAMILY(composite_conv),
    FAMILY(composite_pool),
    FAMILY(composite_misc),
    FAMILY(composite_resize),
    FAMILY(composite_train),
};

enum { FAMILY_COUNT = sizeof g_families / sizeof g_families[0] };

const sni_op *sni_op_find(const char *name) {
    if (!name) return NULL;
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        for (size_t i = 0; i < *g_families[f].count; i++) {
            if (strcmp(g_families[f].rows[i].name, name) == 0) return &g_families[f].rows[i];
        }
    }
    return NULL;
}

size_t sni_op_count(void) {
    size_t count = 0;
    for (size_t f = 0; f < FAMILY_COUNT; f++) count += *g_families[f].count;
    return count;
}

const sni_op *sni_op_at(size_t index) {
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (index < *g_families[f].count) return &g_families[f].rows[index];
        index -= *g_families[f].count;
    }
    return NULL;
}

int sni_op_attr(const sni_op *op, const char *name) {
    for (int a = 0; op && name && a < SNI_MAX_ATTRS && op->attrs[a].name; a++) {
        if (strcmp(op->attrs[a].name, name) == 0) return a;
    }
    return -1;
}
