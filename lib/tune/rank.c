/* The cost model. All candidates of a program move the same bytes and compute the same operations, about; what differs
 * from one to another, and can be told without running them, is how evenly their work-groups fill the device and how many
 * of them there are. What a tile does to caches and registers is left to measuring. */
#include "tune/rank.h"

#include <stdlib.h>

#include "base/alloc.h"

typedef struct ranked {
    sni_schedule schedule;
    double cost; /* 1: every unit busy all the time, and groups cost nothing */
    size_t number;
} ranked;

#define GROUP_COST 0.002  /* of a work-group beside one that takes a whole unit's share */
#define ITEMS_TO_HIDE 512 /* work-items that a GPU's unit has in flight to hide the latency of memory */

static double cost_of(const sni_kspec *spec, const sni_loop *loop, const sni_bindings *bindings, const sni_caps *caps) {
    double groups = 1, items = 1, units = caps->compute_units > 0 ? caps->compute_units : 1;
    for (int d = 0; d < spec->dims; ++d) {
        int64_t global;
        if (sni_sym_eval(loop->sym, spec->global[d], bindings, &global) != SINTER_OK || global <= 0) return 1;
        double local = spec->local[d] > 0 ? (double)spec->local[d] : 1;
        groups *= (double)global / local;
        items *= (double)global;
    }
    double rounds = (double)(int64_t)((groups + units - 1) / units);
    double busy = groups / (rounds * units);
    if (caps->device_class == SNI_DEVICE_GPU && items < units * ITEMS_TO_HIDE) busy *= items / (units * ITEMS_TO_HIDE);
    return 1 / (busy > 1e-6 ? busy : 1e-6) + GROUP_COST * groups / units;
}

static int compare(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static sinter_status rate(ranked *r, const sni_loop *loop, const sni_bindings *bindings, const sni_caps *caps) {
    sni_arena *arena = sni_arena_create();
    sni_kspec *spec = arena != NULL ? sni_arena_alloc(arena, sizeof *spec) : NULL;
    sinter_status status =
        spec != NULL ? sni_codegen_as(loop, caps, &r->schedule, arena, spec) : sni_out_of_memory("candidates");
    r->cost = status == SINTER_OK && spec->library == NULL ? cost_of(spec, loop, bindings, caps) : 1;
    sni_arena_release(arena);
    return status == SINTER_OUT_OF_MEMORY ? status : SINTER_OK;
}

sinter_status sni_rank(sni_schedule *items, size_t count, sni_loop *loop, const sni_bindings *bindings,
                       const sni_caps *caps) {
    ranked *all = sni_calloc(count + 1, sizeof *all);
    sinter_status status = all != NULL ? SINTER_OK : sni_out_of_memory("candidates");
    for (size_t i = 0; i < count && status == SINTER_OK; ++i) {
        all[i] = (ranked){.schedule = items[i], .number = i};
        status = rate(&all[i], loop, bindings, caps);
    }
    if (status == SINTER_OK) qsort(all, count, sizeof *all, compare);
    for (size_t i = 0; i < count && status == SINTER_OK; ++i) items[i] = all[i].schedule;
    sni_free(all);
    return status;
}
