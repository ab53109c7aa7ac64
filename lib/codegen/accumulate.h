/* The accumulators of a pass: one for each of its reductions, and for each leader whose tuple counts two more.
 *
 * Several sets of them may exist at once: the vectors in flight of a CPU's row, lanes and the scalars of a row's end, the
 * partial results of a work-group in local memory. A place names a set: its variable of REDUCE s is <prefix><s><suffix>,
 * the count of elements <prefix><s>n<count>, the inverse of that <prefix><s>i<count>. */
#ifndef SNI_CODEGEN_ACCUMULATE_H
#define SNI_CODEGEN_ACCUMULATE_H

#include "codegen/layout.h"

typedef struct sni_place {
    const char *prefix, *suffix, *count;
} sni_place;

typedef struct sni_accumulators {
    sni_emitter *e;
    const sni_passes *passes;
    int pass;
    int width; /* lanes of each variable, when lanes lie along an inner axis */
    const sni_scope
        *by; /* lanes along a parallel axis: a variable is as wide as its statement is under this scope; else NULL */
} sni_accumulators;

/* Is REDUCE s one of the pass? */
bool sni_accumulators_has(const sni_accumulators *a, int s);
int sni_accumulators_count(const sni_accumulators *a);
/* "acc<s><suffix>" */
sni_place sni_place_of(const char *suffix);

/* Declares the variables of a place with what the combiners start with. */
void sni_accumulators_declare(const sni_accumulators *a, sni_place place);
/* Declares arrays in local memory, <prefix><s>[items], of all reductions that passes have: each its own, so that no pass has
 * to wait until the results of the one before are read. Bytes of them for every item. */
void sni_accumulators_declare_local(sni_emitter *e, const sni_passes *passes, const char *prefix, int items);
uint64_t sni_accumulators_local_bytes(const sni_passes *passes);
/* Prints how one element of each reduction's argument enters, or a vector of them; names[s] are variables under scope. */
void sni_accumulators_add(const sni_accumulators *a, const sni_scope *scope, const char *const *names, sni_place place);
/* to = to merged with from. */
void sni_accumulators_merge(const sni_accumulators *a, sni_place to, sni_place from);
/* to = from, where to may be memory. */
void sni_accumulators_copy(const sni_accumulators *a, sni_place to, sni_place from);
/* Merges the lanes of from, in a fixed order, and declares the result as a scalar place. */
void sni_accumulators_fold(const sni_accumulators *a, sni_place to, sni_place from);
/* Results from scalar (or, by a scope, vector) partial results: names[s] of every reduction of the pass, and of what
 * followers need of the row. scope: of the row. */
void sni_accumulators_finish(const sni_accumulators *a, const sni_scope *scope, sni_place from, const char **names);

#endif
