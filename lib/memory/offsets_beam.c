/* Packing lifetimes in the order of time, with many packings under way at once (a beam search).
 *
 * Items are placed in the order in which they begin. A packing under way is no more than where the items lie that are
 * alive: what is over does not matter any more. So many histories come to the same packing, and a few dozen packings
 * cover most of what can be reached. Each item goes to the lower or the upper end of a gap; a packing in which it has
 * no place below the limit is dropped. Chains of layers, where large items alternate with small ones that live
 * longer, are packed exactly this way, and badly by any fixed order of sizes. */
#include "memory/offsets_beam.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { WIDTH = 32, MOST_ALIVE = 64, MOST_CANDIDATES = WIDTH * (2 * MOST_ALIVE + 2) };

/* An item and where it lies. */
typedef struct spot {
    uint64_t offset;
    size_t item;
} spot;

/* A packing under way: the items that are alive, by offset. */
typedef struct state {
    int count;
    spot alive[MOST_ALIVE];
} state;

/* One way to place the item at hand. */
typedef struct candidate {
    int parent;
    int at; /* among the parent's items */
    uint64_t offset, largest_gap, hash;
} candidate;

/* How a packing came about: the one before, and where it put its item. */
typedef struct step {
    int parent;
    uint64_t offset;
} step;

typedef struct beam {
    const sni_beam_item *items;
    size_t count;
    uint64_t limit;
    size_t *order;
    step *steps; /* count times WIDTH */
    state *states, *next;
    candidate *candidates;
    int state_count, candidate_count;
} beam;

/* Earliest first, then longest, then largest. */
static bool goes_before(const sni_beam_item *a, const sni_beam_item *b) {
    if (a->first != b->first) return a->first < b->first;
    if (a->last != b->last) return a->last > b->last;
    return a->size_bytes > b->size_bytes;
}

/* Insertion: the items come nearly sorted. */
static void order_items(beam *b) {
    for (size_t i = 0; i < b->count; ++i) {
        size_t k = i;
        for (; k > 0 && goes_before(&b->items[i], &b->items[b->order[k - 1]]); --k) b->order[k] = b->order[k - 1];
        b->order[k] = i;
    }
}

static uint64_t end_of(const beam *b, const spot *s) {
    return s->offset + b->items[s->item].size_bytes;
}

/* Leaves out what is over before the step first. */
static void drop_dead(const beam *b, state *s, int first) {
    int kept = 0;
    for (int i = 0; i < s->count; ++i)
        if (b->items[s->alive[i].item].last >= first) s->alive[kept++] = s->alive[i];
    s->count = kept;
}

/* A packing with the item at offset before place at: its hash, and the largest gap that is left. */
static void describe(const beam *b, const state *s, candidate *c, size_t item) {
    uint64_t end = 0;
    for (int i = 0; i <= s->count; ++i) {
        spot next = i < c->at ? s->alive[i] : i == c->at ? (spot){c->offset, item} : s->alive[i - 1];
        if (next.offset > end && next.offset - end > c->largest_gap) c->largest_gap = next.offset - end;
        end = end_of(b, &next);
        uint64_t pair[2] = {next.offset, next.item};
        c->hash = sni_hash64_of(pair, sizeof pair, c->hash);
    }
    if (b->limit - end > c->largest_gap) c->largest_gap = b->limit - end;
}

static void add_candidate(beam *b, int parent, int at, uint64_t offset, size_t item) {
    candidate *c = &b->candidates[b->candidate_count++];
    *c = (candidate){.parent = parent, .at = at, .offset = offset};
    describe(b, &b->states[parent], c, item);
}

/* Both ends of every gap that the item fits into. */
static void find_places(beam *b, int parent, size_t item) {
    const state *s = &b->states[parent];
    uint64_t size = b->items[item].size_bytes, end = 0;
    for (int i = 0; i <= s->count; ++i) {
        uint64_t top = i < s->count ? s->alive[i].offset : b->limit;
        if (top >= end && top - end >= size) {
            add_candidate(b, parent, i, end, item);
            if (top - end > size) add_candidate(b, parent, i, top - size, item);
        }
        if (i < s->count) end = end_of(b, &s->alive[i]);
    }
}

/* Packings with a large gap first; equal ones beside each other. */
static int compare_candidates(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    if (a->largest_gap != b->largest_gap) return a->largest_gap > b->largest_gap ? -1 : 1;
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    return 0;
}

static void keep_best(beam *b, size_t level, size_t item) {
    int kept = 0;
    qsort(b->candidates, (size_t)b->candidate_count, sizeof *b->candidates, compare_candidates);
    for (int i = 0; i < b->candidate_count && kept < WIDTH; ++i) {
        const candidate *c = &b->candidates[i];
        if (i > 0 && c->hash == b->candidates[i - 1].hash) continue;
        const state *from = &b->states[c->parent];
        state *to = &b->next[kept];
        memcpy(to->alive, from->alive, (size_t)c->at * sizeof *to->alive);
        to->alive[c->at] = (spot){c->offset, item};
        memcpy(to->alive + c->at + 1, from->alive + c->at, (size_t)(from->count - c->at) * sizeof *to->alive);
        to->count = from->count + 1;
        b->steps[level * WIDTH + (size_t)kept++] = (step){c->parent, c->offset};
    }
    state *swap = b->states;
    b->states = b->next;
    b->next = swap;
    b->state_count = kept;
}

/* Places all items; false when every packing ran into the limit, or when more items are alive than fit here. */
static bool search(beam *b) {
    b->state_count = 1;
    b->states[0].count = 0;
    for (size_t level = 0; level < b->count; ++level) {
        size_t item = b->order[level];
        b->candidate_count = 0;
        for (int s = 0; s < b->state_count; ++s) {
            drop_dead(b, &b->states[s], b->items[item].first);
            if (b->states[s].count == MOST_ALIVE) return false;
            find_places(b, s, item);
        }
        if (b->candidate_count == 0) return false;
        keep_best(b, level, item);
    }
    return true;
}

static void read_offsets(const beam *b, uint64_t *offsets) {
    int at = 0;
    for (size_t level = b->count; level-- > 0;) {
        const step *s = &b->steps[level * WIDTH + (size_t)at];
        offsets[b->order[level]] = s->offset;
        at = s->parent;
    }
}

sinter_status sni_offsets_beam(const sni_beam_item *items, size_t count, uint64_t limit, uint64_t *offsets,
                               bool *out_found) {
    beam b = {.items = items, .count = count, .limit = limit};
    *out_found = false;
    if (count == 0) return SINTER_OK;
    b.order = sni_calloc(count, sizeof *b.order);
    b.steps = sni_calloc(count, WIDTH * sizeof *b.steps);
    b.states = sni_calloc(WIDTH, sizeof *b.states);
    b.next = sni_calloc(WIDTH, sizeof *b.next);
    b.candidates = sni_calloc(MOST_CANDIDATES, sizeof *b.candidates);
    bool ok = b.order && b.steps && b.states && b.next && b.candidates;
    if (ok) {
        order_items(&b);
        *out_found = search(&b);
        if (*out_found) read_offsets(&b, offsets);
    }
    sni_free(b.order);
    sni_free(b.steps);
    sni_free(b.states);
    sni_free(b.next);
    sni_free(b.candidates);
    return ok ? SINTER_OK : sni_out_of_memory("the offset planner");
}
