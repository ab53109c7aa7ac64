/* The table of strategies, from strategies.inc. */
#include "codegen/strategies.h"

#include <string.h>

static const sni_strategy *const table[] = {
#define SNI_STRATEGY(name) &sni_strategy_##name,
#include "codegen/strategies.inc"
#undef SNI_STRATEGY
};

size_t sni_strategy_count(void) { return sizeof table / sizeof *table; }

const sni_strategy *sni_strategy_at(size_t index) {
    return index < sni_strategy_count() ? table[index] : NULL;
}

const sni_strategy *sni_strategy_find(const char *name) {
    for (size_t i = 0; i < sni_strategy_count(); ++i)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}
