/* What a product's kernel takes in besides what follows from it.
 *
 * A product, row statistics of it and a product with the result (attention, written out) are one kernel only together: no two
 * of them are. So where a product reads what came from reductions of rows, it is tried with those and the product that
 * they read. What is cheap to compute and read by a product only then joins it as the prologue of an operand. */
#include "fuse/fuser.h"

#define MAX_SET 6
/* Groups with these are no prologues. */
#define DEAR (1u << SNI_OP_CONTRACT | 1u << SNI_OP_REDUCE | 1u << SNI_OP_SCAN | 1u << SNI_OP_STORE)

static bool has(sni_fuser *f, int group, sni_op_kind kind) {
    return sni_fuser_facts(f, group)->kinds >> kind & 1u;
}

static bool in_set(const int *set, int count, int group) {
    for (int i = 0; i < count; ++i)
        if (set[i] == group) return true;
    return false;
}

/* Adds the groups with products that a group reads. */
static int add_products(sni_fuser *f, int group, int *set, int count) {
    const sni_ints *reads = &f->groups.items[group].reads;
    for (size_t i = 0; i < reads->count && count < MAX_SET; ++i) {
        int read = f->groups.of[reads->items[i]];
        if (read != group && !in_set(set, count, read) && has(f, read, SNI_OP_CONTRACT)) set[count++] = read;
    }
    return count;
}

/* Tries the product with rows, a group of reductions that it reads, and the products that those read. */
static bool try_nest(sni_fuser *f, int product, int rows, int *out_group) {
    int set[MAX_SET] = {rows, product};
    int count = add_products(f, rows, set, 2);
    *out_group = product;
    if (count == 2) return true;
    const char *why = sni_fuser_join(f, set, count, out_group);
    if (why) *out_group = product;
    return *out_group >= 0;
}

/* Takes in the cheap operands of a product's group, and theirs in turn. */
static bool absorb(sni_fuser *f, int node, int group) {
    bool again = true;
    while (again) {
        again = false;
        const sni_ints *reads = &f->groups.items[group].reads;
        for (size_t i = 0; i < reads->count && !again; ++i) {
            int set[2] = {f->groups.of[reads->items[i]], group}, joined;
            if (set[0] == group || (sni_fuser_facts(f, set[0])->kinds & DEAR)) continue;
            const char *why = sni_fuser_join(f, set, 2, &joined);
            if (why) {
                sni_fuser_note_end(f, node, set[0], why);
                continue;
            }
            if (joined < 0) return false;
            group = joined;
            again = true;
        }
    }
    return true;
}

bool sni_fuser_place_product(sni_fuser *f, int node) {
    const sni_groups *g = &f->groups;
    int group = g->of[node];
    for (int e = g->dep_start[node]; e < g->dep_start[node + 1]; ++e) {
        int rows = g->of[g->deps[e]];
        if (rows == group || !has(f, rows, SNI_OP_REDUCE)) continue;
        if (!try_nest(f, group, rows, &group)) return false;
    }
    return absorb(f, node, group);
}
