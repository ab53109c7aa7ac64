/* The table of strategies, from strategies.inc. */
#include "codegen/strategies.h"

#include <string.h>

static const sni_strategy *const table[] = {
#define SNI_STRATEGY(name) &sni_strategy_##name,
#include "codegen/strategies.inc"
#undef SNI_STRATEGY
};

enum { MOST_PLANTED = 2, OWN_COUNT = sizeof table / sizeof *table };
static const sni_strategy *planted[MOST_PLANTED];
static size_t planted_count;

void sni_strategy_plant(const sni_strategy *strategy) {
    if (planted_count < MOST_PLANTED) planted[planted_count++] = strategy;
}

size_t sni_strategy_count(void) {
    return planted_count + OWN_COUNT;
}

const sni_strategy *sni_strategy_at(size_t index) {
    if (index < planted_count) return planted[index];
    return index < sni_strategy_count() ? table[index - planted_count] : NULL;
}

const sni_strategy *sni_strategy_find(const char *name) {
    for (size_t i = 0; i < sni_strategy_count(); ++i)
        if (strcmp(sni_strategy_at(i)->name, name) == 0) return sni_strategy_at(i);
    return NULL;
}
