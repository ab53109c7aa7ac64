/* Enumerating the schedules of a program. */

#include "base/alloc.h"
#include "codegen/codegen.h"

typedef struct search {
    sni_candidates *list;
    const sni_strategy *strategy;
    const sni_loop *loop;
    const sni_caps *caps;
    size_t most;
    bool failed; /* memory is out */
} search;

static bool is_full(const search *s) {
    return s->failed || s->list->count >= s->most;
}

static bool is_listed(const sni_candidates *list, const sni_schedule *schedule) {
    for (size_t i = 0; i < list->count; ++i)
        if (sni_schedule_equal(&list->items[i], schedule)) return true;
    return false;
}

static void add(search *s, const sni_schedule *schedule) {
    if (is_full(s) || is_listed(s->list, schedule)) return;
    sni_str why = SNI_STR_INIT;
    bool fits = s->strategy->fits == NULL || s->strategy->fits(s->loop, s->caps, schedule, &why);
    sni_str_deinit(&why);
    if (!fits) return;
    s->failed = !SNI_RESERVE(s->list->items, s->list->capacity, s->list->count + 1);
    if (!s->failed) s->list->items[s->list->count++] = *schedule;
}

/* Schedules that differ from one in distance parameters, of which the first is at least from. */
static void add_neighbours(search *s, const sni_schedule *around, int distance, int from) {
    for (int p = from; p < s->strategy->param_count && !is_full(s); ++p) {
        for (int i = 0; i < s->strategy->params[p].count && !is_full(s); ++i) {
            sni_schedule changed = *around;
            changed.values[p] = s->strategy->params[p].legal[i];
            if (changed.values[p] == around->values[p]) continue;
            if (distance > 1)
                add_neighbours(s, &changed, distance - 1, p + 1);
            else
                add(s, &changed);
        }
    }
}

static void add_around(search *s, const sni_schedule *center) {
    enum { MOST_DISTANCE = 2 };
    add(s, center);
    for (int distance = 1; distance <= MOST_DISTANCE; ++distance) add_neighbours(s, center, distance, 0);
}

static bool accepts(const sni_strategy *strategy, const sni_loop *loop, const sni_caps *caps) {
    sni_str why = SNI_STR_INIT;
    bool accepted = sni_strategy_accepts(strategy, loop, caps, &why);
    sni_str_deinit(&why);
    return accepted;
}

/* Every strategy is heard before the neighbours of the first one fill the list; those that the rules never take, after
 * the others. */
static void add_rules(search *s, bool asked_only) {
    for (size_t i = 0; i < sni_strategy_count() && !is_full(s); ++i) {
        s->strategy = sni_strategy_at(i);
        if (s->strategy->asked_only != asked_only || !accepts(s->strategy, s->loop, s->caps)) continue;
        sni_schedule rule = {.strategy = s->strategy->name};
        if (s->strategy->choose != NULL) s->strategy->choose(s->loop, s->caps, &rule);
        add(s, &rule);
    }
}

sinter_status sni_candidates_add(sni_candidates *list, const sni_loop *loop, const sni_caps *caps, size_t most) {
    search s = {list, NULL, loop, caps, most, false};
    size_t first = list->count;
    add_rules(&s, false);
    add_rules(&s, true);
    size_t rules = list->count;
    for (size_t i = first; i < rules && !is_full(&s); ++i) {
        sni_schedule rule = list->items[i];
        s.strategy = sni_strategy_find(rule.strategy);
        add_around(&s, &rule);
    }
    return s.failed ? sni_out_of_memory("candidates") : SINTER_OK;
}

sinter_status sni_candidates_around(sni_candidates *list, const sni_loop *loop, const sni_caps *caps,
                                    const sni_schedule *schedule, size_t most) {
    search s = {list, sni_strategy_find(schedule->strategy), loop, caps, most, false};
    if (s.strategy == NULL) return sni_fail(SINTER_INVALID_ARGUMENT, "no strategy is called '%s'", schedule->strategy);
    add_around(&s, schedule);
    return s.failed ? sni_out_of_memory("candidates") : SINTER_OK;
}

void sni_candidates_deinit(sni_candidates *list) {
    sni_free(list->items);
    *list = (sni_candidates){.items = NULL};
}
