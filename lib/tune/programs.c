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

/* Multiplies the sizes that are names of their own; false: the binding has none. */
static bool enlarge(const sinter_graph *graph, sinter_binding *binding) {
    enum { FACTOR = 4 };
    bool changed = false;
    for (size_t i = 0; i < graph->input_count; ++i) {
        const sni_type *type = &sni_graph_value(graph, graph->inputs[i].value)->type;
        if (binding->name == NULL || strcmp(graph->inputs[i].name, binding->name) != 0) continue;
        for (int d = 0; d < type->rank && d < binding->shape.rank; ++d) {
            if (sni_sym_kind_of(graph->sym, type->dims[d]) != SNI_SYM_DIM) continue;
            binding->shape.dims[d] *= FACTOR;
            changed = true;
        }
    }
    return changed;
}

/* Sizes that contradict each other when they grow (a size made of another one) leave larger NULL. */
static sinter_status bind_larger(sni_programs *p, const sinter_binding *bindings, size_t count) {
    bool changed = false;
    sinter_binding *copies = sni_calloc(count + 1, sizeof *copies);
    p->larger = sni_calloc(1, sizeof *p->larger);
    sinter_status status = copies != NULL && p->larger != NULL ? SINTER_OK : sni_out_of_memory("programs");
    for (size_t i = 0; i < count && status == SINTER_OK; ++i) {
        copies[i] = bindings[i];
        changed |= enlarge(p->plan->graph, &copies[i]);
    }
    if (status == SINTER_OK) status = changed ? sni_plan_bind(p->plan, copies, count, p->larger) : SINTER_SHAPE;
    sni_free(copies);
    if (status == SINTER_OK || status == SINTER_OUT_OF_MEMORY) return status;
    sni_free(p->larger);
    p->larger = NULL;
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
    SNI_TRY(bind_larger(p, bindings, count));
    return list_steps(p);
}

void sni_programs_deinit(sni_programs *p) {
    for (size_t i = 0; i < p->count; ++i) sni_str_deinit(&p->items[i].words);
    sni_free(p->items);
    sni_free(p->dims);
    sni_free(p->larger);
    sinter_plan_release(p->plan);
    *p = (sni_programs){.plan = NULL};
}
