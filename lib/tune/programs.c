/* Listing the loop programs of a graph. */
#include "tune/programs.h"

#include <string.h>

#include "base/alloc.h"

static sni_tune_program *find(sni_programs *p, const sni_program_key *key) {
    for (size_t i = 0; i < p->count; ++i)
        if (strcmp(p->items[i].key.program, key->program) == 0 && strcmp(p->items[i].key.sizes, key->sizes) == 0)
            return &p->items[i];
    return NULL;
}

/* "matmul add gelu": operators of a step, a few of them. */
static void name_operators(const sinter_plan *plan, const sni_group *group, sni_str *out) {
    enum { MOST_NAMES = 4 };
    for (int i = 0; i < group->node_count && i < MOST_NAMES; ++i)
        sni_str_printf(out, "%s%s", i > 0 ? " " : "", plan->graph->nodes[group->nodes[i]].op->name);
    if (group->node_count > MOST_NAMES) sni_str_printf(out, " +%d", group->node_count - MOST_NAMES);
}

static sinter_status list_steps(sni_programs *p) {
    for (size_t n = 0; n < p->plan->step_count; ++n) {
        const sni_step *step = &p->plan->steps[n];
        sni_program_key key;
        if (step->kind != SNI_STEP_LAUNCH) continue;
        SNI_TRY(sni_program_key_of(&step->loop, &key));
        sni_tune_program *known = find(p, &key);
        if (known == NULL) {
            known = &p->items[p->count++];
            *known = (sni_tune_program){.step = step, .key = key};
            name_operators(p->plan, step->group, &known->words);
        }
        ++known->uses;
    }
    return SINTER_OK;
}

sinter_status sni_programs_init(sni_programs *p, sinter_runtime *runtime, const sinter_graph *graph,
                                const sinter_binding *bindings, size_t count) {
    *p = (sni_programs){.plan = NULL};
    SNI_TRY(sni_plan_outline(runtime, graph, &p->plan));
    p->dims = sni_calloc(1, sizeof *p->dims);
    p->items = sni_calloc(p->plan->step_count + 1, sizeof *p->items);
    if (p->dims == NULL || p->items == NULL) return sni_out_of_memory("programs");
    SNI_TRY(sni_plan_bind(p->plan, bindings, count, p->dims));
    return list_steps(p);
}

void sni_programs_deinit(sni_programs *p) {
    for (size_t i = 0; i < p->count; ++i) sni_str_deinit(&p->items[i].words);
    sni_free(p->items);
    sni_free(p->dims);
    sinter_plan_release(p->plan);
    *p = (sni_programs){.plan = NULL};
}
